r"""The three groups whose signatures are followed through a program; `verify.signature_domains` has what they share.

- Orthogonal: linear operations, contractions of two axes that move alike, 2-norms over all moving axes.
- Permutation: entrywise functions of tensors that move alike, symmetric functions of a moving axis.
- Sign flips: entrywise functions by their parity. Along a moving axis a tensor is odd; a product of two odd ones is
  even, hence inert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from verify.signature_domains import ONLY_INERT, Axes, Domain, Operand, Part, Seen, reduced_axes
from verify.signatures import INERT, Signature

__all__ = ["DOMAINS", "Orthogonal", "Permutation", "SignFlip"]


class Orthogonal(Domain):
    """O(d)."""

    def _added(self, parts: Sequence[Part]) -> Signature | None:
        # What is inert along an axis is inert when summed over it, so it may be added to what is paired.
        plain = [frozenset(f for f in s if not f.paired) for s, _ in parts]
        return INERT.union(*(s for s, _ in parts)) if all(s == plain[0] for s in plain) else None

    def _multiplied(self, a: Part, b: Part) -> Signature | None:
        (u, same), (v, equal) = a, b
        both = u & v
        fits = all(f.axis in equal for f in u - both) and all(f.axis in same for f in v - both)
        if not fits or any(f.paired for f in both):
            return None
        return (u ^ v) | {f._replace(paired=True) for f in both}

    def norm(self, x: Seen, order: float, axes: Axes = None, keep: bool = False) -> Seen:
        """A p-norm: a 2-norm is invariant if it is over all the axes that move."""
        over = reduced_axes(axes, len(x.shape))
        good = (s for s in x.signatures if not s or (order == 2 and all(f.axis in over and not f.paired for f in s)))
        return self._reduced(replace(x, signatures=frozenset(good)), axes, keep, lambda over: True)


class Permutation(Domain):
    """S_d."""

    linear: ClassVar[bool] = False

    def _added(self, parts: Sequence[Part]) -> Signature | None:
        # A tensor that does not vary along an axis may be said to move there.
        union = INERT.union(*(s for s, _ in parts))
        return union if all(s == {f for f in union if f.axis not in same} for s, same in parts) else None

    def _multiplied(self, a: Part, b: Part) -> Signature | None:
        return self._added((a, b))

    def product(self, a: Operand, b: Operand) -> Seen:
        """The entrywise product: like any entrywise function."""
        return self.sum(a, b)

    def fixed(self, x: Operand) -> Seen:
        """What of an operand may be put into any function whatever that acts on all entries alike."""
        return self._seen(x)

    def constant(self, value: Operand) -> Seen:
        """A number, or a tensor whose entries all are that number."""
        return Seen(ONLY_INERT, True) if not isinstance(value, Seen) or INERT in value.signatures else Seen()

    def total(self, x: Seen, axes: Axes = None, keep: bool = False) -> Seen:
        """The sum over some axes, or all."""
        return self.symmetric(x, axes, keep)

    def norm(self, x: Seen, order: float, axes: Axes = None, keep: bool = False) -> Seen:
        """A p-norm over some axes, or all."""
        return self.symmetric(x, axes, keep)

    def _seen(self, x: Operand) -> Seen:
        # Without axes a tensor is a constant, and so is what becomes of another constant and it.
        x = super()._seen(x)
        return replace(x, every=x.every or (x.shape == () and INERT in x.signatures))


class SignFlip(Domain):
    """{+-1}^d."""

    def _multiplied(self, a: Part, b: Part) -> Signature | None:
        return a[0] ^ b[0]

    def quotient(self, a: Operand, b: Operand) -> Seen:
        """The entrywise quotient: its parity is the product's."""
        return self.product(a, replace(self._seen(b), every=False))

    def odd(self, x: Operand) -> Seen:
        """An odd function of each entry: it keeps the parity, and zeros."""
        return self._seen(x)

    def even(self, x: Operand) -> Seen:
        """An even function of each entry: it does not see the signs."""
        x = self._seen(x)
        return replace(x, signatures=frozenset(INERT for _ in x.signatures), every=False)

    def norm(self, x: Seen, order: float, axes: Axes = None, keep: bool = False) -> Seen:
        """A p-norm over some axes, or all: it does not see the signs."""
        return self.symmetric(self.even(x), axes, keep)


DOMAINS: Mapping[str, type[Domain]] = MappingProxyType(
    {"orthogonal": Orthogonal, "permutation": Permutation, "sign_flip": SignFlip}
)
"""By name of the group in `theory.groups`."""
