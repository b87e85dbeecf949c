r"""How a tensor transforms when the inputs of a net are moved: signatures, and what is known of each storage.

A group element g acts on a d-vector v as v -> g v. A *factor* says that a stretch of an axis is made of such vectors:
entry i of it is coordinate ``(i - start) // inner % d``. A *signature* is the set of factors of a tensor; the empty
one, `INERT`, says that the tensor does not change. W1 of shape (h, d) has the signature {axis 1 moves}, flattened
{axis 0 moves, inner = 1}; W1^T flattened {axis 0 moves, inner = h}.

A *paired* factor says less: the tensor loses that factor when it is summed over it, as the entrywise product of two
moving tensors does under the orthogonal group; if several factors are paired, when it is summed over all of them.

A tensor may have many signatures at once (the identity matrix is inert, and it moves in both axes), all of them
(zeros), or none that is known. Knowledge is kept for storages: a storage is one long axis, and every view of it (a
transpose, a slice, a flattened tensor, ``p.data``) is read and written through its strides. So a write to one view
changes what is known of all the others. A storage whose bytes are not those that were last written is unknown.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

__all__ = ["FIXED", "INERT", "UNKNOWN", "Factor", "Knowledge", "Known", "Memory", "Signature", "last_axis"]


class Factor(NamedTuple):
    """Indices start <= i < stop of an axis are coordinates ``(i - start) // inner % d`` of moving d-vectors."""

    axis: int
    start: int
    stop: int
    inner: int = 1
    paired: bool = False


Signature = frozenset[Factor]
INERT: Signature = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one tensor under one group.

    Attributes:
        signatures: all of these hold; if there is none, nothing is known.
        every: all others hold as well, as for zeros and, under permutations, constants. Then it is inert, too.
        lost: if nothing is known, why.
    """

    signatures: frozenset[Signature] = frozenset()
    every: bool = False
    lost: str = ""


Knowledge = tuple[Known, ...]
"""One for each group, in a fixed order."""

UNKNOWN = Known()
FIXED = Known(frozenset({INERT}))


def last_axis(shape: Sequence[int]) -> Known:
    """What is known of a tensor whose last axis moves.

    Example:
        >>> [sorted(s) for s in last_axis((7, 5)).signatures]
        [[Factor(axis=1, start=0, stop=5, inner=1, paired=False)]]
    """
    return Known(frozenset({frozenset({Factor(len(shape) - 1, 0, shape[-1])})}))


class Memory:
    """What is known of every storage, under each of several groups acting on d-vectors.

    Example:
        >>> memory = Memory(d=2, groups=1)
        >>> weights = torch.zeros(3, 2)
        >>> memory.write(weights, (last_axis((3, 2)),))
        >>> [sorted(s) for s in memory.read(weights.t())[0].signatures]
        [[Factor(axis=0, start=0, stop=2, inner=1, paired=False)]]
        >>> memory.write(weights[:, 0], memory.read(weights[:, 0]))  # a column of it is no vector of its own
        >>> memory.read(weights)[0].signatures
        frozenset()
    """

    def __init__(self, d: int, groups: int) -> None:
        self.d = d
        self.plain: Knowledge = (FIXED,) * groups
        self._outside: Knowledge = (Known(lost="a tensor made outside torch's dispatcher"),) * groups
        self._unseen: Knowledge = (Known(lost="memory that was written to unseen"),) * groups
        self._known: dict[int, _Entry] = {}

    def holds(self, tensor: Tensor) -> bool:
        """Is the tensor's storage known here, so that the tensor is a view of something seen before?"""
        return tensor.layout is torch.strided and tensor.untyped_storage()._cdata in self._known

    def read(self, tensor: Tensor) -> Knowledge:
        """What is known of a tensor; one without a storage, or whose storage was never written, is unknown."""
        if not self.holds(tensor):
            return self._outside
        storage = tensor.untyped_storage()
        entry = self._known[storage._cdata]
        if (stamp := _stamp(storage)) != entry.stamp:
            entry = self._known[storage._cdata] = entry._replace(whole=self._unseen, stamp=stamp)
        if entry.whole is self.plain:
            return entry.whole
        view = _geometry(tensor)
        return tuple(_seen(known, view, self.d, tensor.dtype is entry.dtype) for known in entry.whole)

    def write(self, tensor: Tensor, new: Knowledge) -> None:
        """Record what a tensor's entries have become."""
        if tensor.layout is not torch.strided:
            return
        storage = tensor.untyped_storage()
        key, view = storage._cdata, _geometry(tensor)
        if not tensor.numel() and key in self._known:  # nothing is written
            return
        if new is self.plain and view.covers(storage.nbytes() // tensor.element_size()):
            whole = new
        else:
            whole = self._merged(tensor, view, new)
        reference = self._known[key].reference if key in self._known else StorageWeakRef(storage)  # type: ignore[no-untyped-call]
        self._known[key] = _Entry(reference, tensor.dtype, whole, _stamp(storage))

    def touched(self, tensors: Iterable[Tensor]) -> None:
        """These were written to by an operation that is followed, and have been read before."""
        for storage in (t.untyped_storage() for t in tensors if self.holds(t)):
            self._known[storage._cdata] = self._known[storage._cdata]._replace(stamp=_stamp(storage))

    def forget_freed(self) -> None:
        """Drop what is known of storages that no longer exist."""
        self._known = {key: entry for key, entry in self._known.items() if not _freed(entry.reference)}

    def _merged(self, tensor: Tensor, view: _Geometry, new: Knowledge) -> Knowledge:
        storage = tensor.untyped_storage()
        cells = storage.nbytes() // tensor.element_size()
        if view.covers(cells):
            return tuple(_lifted(known, view, cells, self.d) for known in new)
        entry = self._known.get(storage._cdata)
        old, same = (entry.whole, tensor.dtype is entry.dtype) if entry else (self._outside, True)
        return tuple(_partly(was, now, view, cells, self.d, same) for was, now in zip(old, new, strict=True))


class _Entry(NamedTuple):
    """What is known of one storage.

    Attributes:
        reference: keeps the storage's address from being given to another one.
        dtype: that of the tensor last written, which gives the units of `whole`.
        whole: what is known of all of it, as of one long axis.
        stamp: a hash of its bytes.
    """

    reference: StorageWeakRef
    dtype: torch.dtype
    whole: Knowledge
    stamp: int


def _stamp(storage: torch.UntypedStorage) -> int:
    return hash(ctypes.string_at(storage.data_ptr(), storage.nbytes())) if storage.device.type == "cpu" else 0


def _freed(reference: StorageWeakRef) -> bool:
    return bool(reference.expired())  # type: ignore[no-untyped-call]


class _Geometry(NamedTuple):
    """Where a view's entries lie in its storage, in units of entries."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    @property
    def last(self) -> int:
        return self.offset + sum((n - 1) * t for n, t in zip(self.shape, self.stride, strict=True))

    def covers(self, cells: int) -> bool:
        """Does it meet every one of the storage's cells, each once?"""
        if self.offset or 0 in self.shape:
            return not cells
        size = 1
        for t, n in sorted((t, n) for n, t in zip(self.shape, self.stride, strict=True) if n != 1):
            if t != size:
                return False
            size *= n
        return size == cells


def _geometry(tensor: Tensor) -> _Geometry:
    return _Geometry(tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()))


@lru_cache(maxsize=4096)
def _seen(whole: Known, view: _Geometry, d: int, same_dtype: bool) -> Known:
    """What is known of a view, from what is known of its storage."""
    if not same_dtype:  # other units of memory: only what does not change is known not to
        whole = Known(whole.signatures & {INERT}, lost=whole.lost or "memory read as another dtype")
    if not whole.signatures:
        return whole
    seen = (_restricted(signature, view, d) for signature in whole.signatures)
    signatures = frozenset(s for s in seen if s is not None)
    return Known(signatures, whole.every, "" if signatures else "a view that cuts through the moving axis")


@lru_cache(maxsize=4096)
def _lifted(known: Known, view: _Geometry, cells: int, d: int) -> Known:
    """What is known of a storage, from what is known of a view that covers it."""
    lifts = {signature: _lift(signature, view, cells) for signature in known.signatures}
    # Reading back checks the strides' arithmetic, and drops what a storage cannot say.
    kept = frozenset(up for down, up in lifts.items() if _restricted(up, view, d) == down)
    return Known(kept, known.every, known.lost if not known.signatures else "" if kept else "an unusual memory layout")


def _partly(was: Known, now: Known, view: _Geometry, cells: int, d: int, same_dtype: bool) -> Known:
    """What is known of a storage after a part of it has changed: what held before and holds of the part."""
    if not same_dtype:
        kept = was.signatures & now.signatures & {INERT}
        return Known(kept, lost="" if kept else was.lost or now.lost or "memory written as another dtype")
    held = was.signatures
    if was.every:
        lifts = {_lift(s, view, cells) for s in now.signatures}
        held = held | {s for s in lifts if all(cells % (f.inner * d) == 0 for f in s)}
    kept = frozenset(s for s in held if (part := _restricted(s, view, d)) is not None and _has(now, part))
    # Two constants need not be one, so a constant with a part overwritten need not have every signature.
    return Known(kept, lost="" if kept else was.lost or now.lost or "a write to a part of the moving axis")


def _has(known: Known, signature: Signature) -> bool:
    return known.every or signature in known.signatures


def _lift(signature: Signature, view: _Geometry, cells: int) -> Signature:
    return frozenset(
        Factor(0, 0, cells, view.stride[f.axis] * f.inner, f.paired)
        if (f.start, f.stop) == (0, view.shape[f.axis])
        else f._replace(axis=0)
        for f in signature
    )


def _restricted(signature: Signature, view: _Geometry, d: int) -> Signature | None:
    """A storage's signature as one of a view; None if the view cuts through a factor."""
    parts = [_restricted_factor(f, view, d) for f in signature]
    if any(part is None for part in parts):
        return None
    return frozenset(f for part in parts if part is not None for f in part)


def _restricted_factor(f: Factor, view: _Geometry, d: int) -> Signature | None:
    last = view.last
    if 0 in view.shape or last < f.start or view.offset >= f.stop:
        return INERT
    if f.start <= view.offset and last < f.stop:
        return _located(f, view, d)
    long = [axis for axis, n in enumerate(view.shape) if n != 1]
    if len(long) == 1 and view.stride[long[0]] == 1 and view.offset <= f.start and f.stop <= last + 1:
        return frozenset({Factor(long[0], f.start - view.offset, f.stop - view.offset, f.inner, f.paired)})
    return None


def _located(f: Factor, view: _Geometry, d: int) -> Signature | None:
    """The one axis of the view along which the coordinate, a digit of the address, runs through whole vectors.

    Every other axis must leave the digit alone: by small steps that never carry, or by steps of whole blocks.
    """
    block = f.inner * d
    low = (view.offset - f.start) % block
    found: Signature | None = None
    for axis, (n, t) in enumerate(zip(view.shape, view.stride, strict=True)):
        if n == 1 or t % block == 0:
            continue
        if (n - 1) * t < f.inner:
            low += (n - 1) * t
        elif found is None and f.inner % t == 0 and n * t % block == 0:
            found = frozenset({Factor(axis, 0, n, f.inner // t, f.paired)})
            low += f.inner - t
        else:
            return None
    return found if low < f.inner else None
