r"""What sums, products, maxima, contractions and so on do to signatures under a group acting on d-vectors.

`verify.signature_groups` says in what the groups differ, and `verify.signature_rules` builds torch's operations of
these primitives. They take and return `Seen`: a shape, and signatures that are known to hold. What they return
follows from what they are given; what does not follow is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, NamedTuple, TypeAlias

from verify.signatures import INERT, Factor, Signature

__all__ = ["ONLY_INERT", "Axes", "Domain", "Operand", "Part", "Seen", "reduced_axes"]


@dataclass(frozen=True, slots=True)
class Seen:
    """An operand or a result as one group's rules see it.

    Attributes:
        signatures: those known to hold; if there is none, nothing is known.
        every: all others hold, too; see `verify.signatures.Known`.
        shape: its sizes; a result that no other rule uses needs none.
        expanded: axes along which it does not vary because they were expanded to their size.
        boolean: is it of dtype bool?
    """

    signatures: frozenset[Signature] = frozenset()
    every: bool = False
    shape: tuple[int, ...] = ()
    expanded: frozenset[int] = frozenset()
    boolean: bool = False


Operand: TypeAlias = Seen | float
Axes: TypeAlias = int | Sequence[int] | None
Part: TypeAlias = tuple[Signature, frozenset[int]]
"""A signature of an operand, and the axes along which the operand does not vary."""


class Aligned(NamedTuple):
    """An operand broadcast to the axes of the result."""

    every: bool
    shape: tuple[int, ...]
    signatures: frozenset[Signature]
    same: frozenset[int]

    def parts(self) -> list[Part]:
        return [(s, self.same) for s in self.signatures]


ONLY_INERT = frozenset({INERT})


@dataclass(frozen=True)
class Domain:
    """One group acting on d-vectors.

    Attributes:
        linear: `every` then means zeros; else the group renames entries, and `every` means a constant.
    """

    d: int
    linear: ClassVar[bool] = True

    # What the groups differ in.

    def _added(self, parts: Sequence[Part]) -> Signature | None:
        """The signature of a sum, None if there is none."""
        return parts[0][0] if all(s == parts[0][0] for s, _ in parts) else None

    def _multiplied(self, a: Part, b: Part) -> Signature | None:
        """The signature of an entrywise product, None if there is none."""
        raise NotImplementedError

    def norm(self, x: Seen, order: float, axes: Axes = None, keep: bool = False) -> Seen:
        """A p-norm over some axes, or all."""
        raise NotImplementedError

    # Entrywise operations, with broadcasting.

    def sum(self, *operands: Operand) -> Seen:
        """A sum, or another linear combination whose coefficients are numbers."""
        aligned, shape, expanded = self._broadcast(operands)
        parts = [x.parts() for x in aligned if not x.every]
        if not parts:
            return Seen(ONLY_INERT, True, shape, expanded)
        return Seen(_known(self._added(chosen) for chosen in product(*parts)), False, shape, expanded)

    def product(self, a: Operand, b: Operand) -> Seen:
        """The entrywise product."""
        (x, y), shape, expanded = self._broadcast((a, b))
        if x.signatures and y.signatures and (x.every or y.every):
            return Seen(ONLY_INERT, True, shape, expanded)
        pairs = product(x.parts(), y.parts())
        return Seen(_known(self._multiplied(u, v) for u, v in pairs), False, shape, expanded)

    def quotient(self, a: Operand, b: Operand) -> Seen:
        """The entrywise quotient."""
        return self.product(a, self.fixed(b))

    def odd(self, x: Operand) -> Seen:
        """An odd function of each entry that need not be linear."""
        return self.opaque(x)

    def even(self, x: Operand) -> Seen:
        """An even function of each entry."""
        return self.opaque(x)

    def opaque(self, *operands: Operand) -> Seen:
        """Any function of the entries at one place."""
        return self.sum(*map(self.fixed, operands))

    def fixed(self, x: Operand) -> Seen:
        """What of an operand may be put into any function whatever: here, that it is inert."""
        x = self._seen(x)
        return Seen(x.signatures & ONLY_INERT, False, x.shape, x.expanded)

    def constant(self, value: Operand) -> Seen:
        """A number, or a tensor whose entries all are that number."""
        if isinstance(value, Seen):
            return self.fixed(value)
        return Seen(ONLY_INERT, value == 0)

    # Along axes.

    def total(self, x: Seen, axes: Axes = None, keep: bool = False) -> Seen:
        """The sum over some axes, or all."""
        return self._reduced(x, axes, keep, lambda over: all(f.paired for f in over), x.every)

    def symmetric(self, x: Operand, axes: Axes = None, keep: bool = False) -> Seen:
        """A function of the entries along some axes, or all, in whatever order: a maximum, say."""
        x = self.fixed(x)
        return self._reduced(x, axes, keep, lambda over: True, x.every)

    def ordered(self, x: Operand, axes: Axes = None, keep: bool = False) -> Seen:
        """A function of the entries along some axes, or all, in their order."""
        return self._reduced(self.fixed(x), axes, keep, lambda over: not over)

    def along(self, x: Seen, axes: Axes) -> Seen:
        """A linear function of every slice along these axes, the same for all of them: a cumulative sum, say."""
        over = reduced_axes(axes, len(x.shape))
        kept = frozenset(s for s in x.signatures if not any(f.axis in over for f in s))
        return Seen(kept, x.every and self.linear, x.shape)

    def join(self, parts: Sequence[Seen], axis: int) -> Seen:
        """Tensors one after the other along an axis."""
        axis %= len(parts[0].shape)
        found: set[tuple[Signature | None, Signature]] = {(None, INERT)}  # factors on the other axes, on this axis
        start = 0
        for x in parts:
            found = {grown for pair in found for grown in _grown(pair, x, axis, start)}
            start += x.shape[axis]
        every = self.linear and all(x.every for x in parts)
        return Seen(frozenset(here | (other or INERT) for other, here in found), every)

    # Linear algebra.

    def contract(self, spec: str, a: Seen, b: Seen) -> Seen:
        """A sum of products, written as for einsum, each letter at most once in a term.

        Example:
            >>> from verify.signature_groups import Orthogonal
            >>> from verify.signatures import last_axis
            >>> x, w = (Seen(last_axis(s).signatures, shape=s) for s in ((9, 5), (7, 5)))
            >>> Orthogonal(5).contract("ij,kj->ik", x, w).signatures == {INERT}
            True
        """
        left, right, out = spec.replace("->", ",").split(",")
        sizes = {**dict(zip(left, a.shape, strict=True)), **dict(zip(right, b.shape, strict=True))}
        shape = tuple(sizes[letter] for letter in out)
        if a.signatures and b.signatures and ((a.every and b.every) or (self.linear and (a.every or b.every))):
            return Seen(ONLY_INERT, True, shape)
        pairs = product(self._fitting(a, left, b, right), self._fitting(b, right, a, left))
        return Seen(_known(self._contracted(left, u, right, v, out) for u, v in pairs), False, shape)

    def inverse(self, x: Seen) -> Seen:
        """A matrix f(A) with f(U A V) = V^-1 f(A) U^-1 for orthogonal U and V."""
        swapped = (frozenset(f._replace(axis=1 - f.axis) for f in s) for s in _matrix_signatures(x))
        return Seen(frozenset(swapped), False, x.shape[::-1])

    def conjugated(self, x: Seen, scalar: bool = False) -> Seen:
        """A matrix f(A) with f(U A U^-1) = U f(A) U^-1 for orthogonal U; or a scalar f(A) that stays the same."""
        both = (s for s in _matrix_signatures(x) if _on(s, 0) == _on(s, 1))
        return Seen(frozenset(INERT if scalar else s for s in both), False, () if scalar else x.shape)

    def spectrum(self, x: Seen) -> Seen:
        """A function of a matrix's singular values."""
        return Seen(frozenset(INERT for _ in _matrix_signatures(x)))

    # Helpers.

    def _seen(self, x: Operand) -> Seen:
        return x if isinstance(x, Seen) else self.constant(x)

    def _broadcast(self, operands: Sequence[Operand]) -> tuple[list[Aligned], tuple[int, ...], frozenset[int]]:
        """The operands; the result's shape, and the axes along which it does not vary."""
        seen = [self._seen(x) for x in operands]
        rank = max(len(x.shape) for x in seen)
        aligned = [_aligned(x, rank) for x in seen]
        shape = tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*(x.shape for x in aligned), strict=True))
        return aligned, shape, frozenset.intersection(*(x.same for x in aligned))

    def _reduced(
        self, x: Seen, axes: Axes, keep: bool, allowed: Callable[[Signature], bool], every: bool = False
    ) -> Seen:
        """Drop the factors on the reduced axes, and the signatures whose factors there are not allowed."""
        rank = len(x.shape)
        over = reduced_axes(axes, rank)
        place = {a: a if keep else a - sum(b < a for b in over) for a in range(rank)}
        kept = (s for s in x.signatures if allowed(frozenset(f for f in s if f.axis in over)))
        found = frozenset(frozenset(f._replace(axis=place[f.axis]) for f in s if f.axis not in over) for s in kept)
        shape = tuple(1 if a in over else n for a, n in enumerate(x.shape) if keep or a not in over)
        return Seen(found, every and bool(found), shape)

    def _fitting(self, x: Seen, letters: str, other: Seen, others: str) -> Iterable[Signature]:
        """An operand's signatures; a constant's are those that may fit the other operand's."""
        if not x.every:
            return x.signatures
        choices: list[set[Signature]] = []
        for axis, letter in enumerate(letters):
            fits = {INERT, frozenset({Factor(0, 0, self.d)})} if x.shape[axis] == self.d else {INERT}
            fits |= {_on(s, others.index(letter)) for s in other.signatures} if letter in others else set()
            choices.append({frozenset(f._replace(axis=axis) for f in s) for s in fits})
        return (INERT.union(*chosen) for chosen in product(*choices))

    def _contracted(self, left: str, u: Signature, right: str, v: Signature, out: str) -> Signature | None:
        """The signature of a contraction: axes summed over must move alike, for a scalar product is invariant."""
        a = {letter: _on(u, axis) for axis, letter in enumerate(left)}
        b = {letter: _on(v, axis) for axis, letter in enumerate(right)}
        summed = [x for x in left if x in b and x not in out]
        if any(a[x] != b[x] or any(f.paired for f in a[x]) for x in summed):
            return None
        none: frozenset[int] = frozenset()
        parts = [self._multiplied((a[x], none), (b[x], none)) if x in a and x in b else (a | b)[x] for x in out]
        if any(part is None for part in parts):
            return None
        return frozenset(f._replace(axis=axis) for axis, part in enumerate(parts) for f in part or INERT)


def _aligned(x: Seen, rank: int) -> Aligned:
    shift = rank - len(x.shape)
    shape = (1,) * shift + x.shape
    moved = frozenset(frozenset(f._replace(axis=f.axis + shift) for f in s) for s in x.signatures)
    same = frozenset(a for a, n in enumerate(shape) if n == 1 or a - shift in x.expanded)
    return Aligned(x.every, shape, moved, same)


def _known(signatures: Iterable[Signature | None]) -> frozenset[Signature]:
    return frozenset(s for s in signatures if s is not None)


def reduced_axes(axes: Axes, rank: int) -> frozenset[int]:
    """Axes counted from the front; none given means all, as torch's reductions have it."""
    if isinstance(axes, int):
        axes = (axes,)
    return frozenset(a % max(1, rank) for a in axes) if axes else frozenset(range(rank))


def _on(signature: Signature, axis: int) -> Signature:
    """The factors on one axis, as if it were the only one."""
    return frozenset(f._replace(axis=0) for f in signature if f.axis == axis)


def _matrix_signatures(x: Seen) -> list[Signature]:
    """The signatures of a matrix each of whose axes is inert or one moving vector."""
    if len(x.shape) != 2:
        return [s for s in x.signatures if not s]
    vectors = (Factor(axis, 0, n) for axis, n in enumerate(x.shape))
    return [s for s in x.signatures if s <= set(vectors)]


def _grown(
    pair: tuple[Signature | None, Signature], x: Seen, axis: int, start: int
) -> Iterator[tuple[Signature | None, Signature]]:
    """One more tensor joined: it must agree on the other axes; on this one its factors come behind the others."""
    others, here = pair
    if x.every:
        yield pair
        return
    for s in x.signatures:
        beside = frozenset(f for f in s if f.axis != axis)
        if others in (None, beside):
            grown = here
            for f in s - beside:
                f = f._replace(start=f.start + start, stop=f.stop + start)
                # Vectors behind vectors of the same kind are one longer stretch, which rows of a storage may be.
                before = next((b for b in here if b == f._replace(start=b.start, stop=f.start)), None)
                grown = grown - {before} | {f._replace(start=before.start)} if before else grown | {f}
            yield beside, grown
