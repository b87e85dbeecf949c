"""The schedule of multi-colour allreduce as plain data, and what it computes over any operation (claim allreduce)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.validate import integer

__all__ = [
    "Piece",
    "Schedule",
    "Send",
    "colours",
    "cut",
    "depths",
    "first_rank",
    "heap",
    "multicolour",
    "rounds",
    "run",
    "schedule",
    "tree",
    "without",
]

T = TypeVar("T")


class Piece(NamedTuple):
    """Elements start to stop - 1 of the buffer, one segment of one colour."""

    colour: int
    start: int
    stop: int


class Send(NamedTuple):
    """One message: the target adds it to what it has, or takes it instead."""

    source: int
    target: int
    piece: int
    adds: bool


@dataclass(frozen=True, eq=False)
class Schedule:
    """An allreduce as plain data.

    Attributes:
        ranks: how many there are.
        pieces: of the buffer, in order of their numbers.
        table: the sends in the order that all ranks follow; shape (m, 4), columns as in `Send`.
    """

    ranks: int
    pieces: tuple[Piece, ...]
    table: NDArray[np.int64]

    @property
    def sends(self) -> Iterator[Send]:
        """The rows of the table."""
        return (Send(a, b, piece, bool(adds)) for a, b, piece, adds in self.table.tolist())


def tree(ranks: int, arity: int, first: int = 0) -> tuple[int, ...]:
    """The parent of every rank, -1 for the root, in a heap whose place i is rank (i + first) mod ranks.

    Raises:
        ValueError: ranks or arity below 1, or first outside [0, ranks).

    Example:
        >>> tree(5, 2), tree(5, 2, first=3)
        ((-1, 0, 0, 1, 1), (3, 4, 4, -1, 3))
    """
    ranks, arity = integer("ranks", ranks, 1), integer("arity", arity, 1)
    return heap(ranks, arity, integer("first", first, 0, ranks - 1), 1)


def colours(ranks: int, k: int) -> tuple[tuple[int, ...], ...]:
    """The trees of the k colours.

    Raises:
        ValueError: ranks < 1, or k outside [1, ranks].

    Example:
        >>> colours(4, 2)
        ((-1, 0, 0, 1), (2, 3, -1, 2))
    """
    ranks = integer("ranks", ranks, 1)
    k = integer("k", k, 1, ranks)
    return tuple(tree(ranks, k, first_rank(ranks, k, c)) for c in range(k))


def depths(parents: Sequence[int]) -> list[int]:
    """The depth of every rank, 0 for the root.

    Raises:
        ValueError: the parents are those of no tree with one root.

    Example:
        >>> depths((3, 4, 4, -1, 3))
        [1, 2, 2, 0, 1]
    """
    p = len(parents)
    found: list[int] = []
    for start in range(p if max(parents, default=p) < p else 0):
        depth, rank = 0, start
        while parents[rank] >= 0 and depth < p:
            depth, rank = depth + 1, parents[rank]
        found.append(depth)
    if not found or max(found) >= p or found.count(0) != 1:
        raise ValueError(f"parents: got {tuple(parents)}, want those of a tree with one root")
    return found


def multicolour(ranks: int, k: int, elements: int, segments: int = 1) -> Schedule:
    """The schedule of claim allreduce.

    Args:
        ranks: at least 1.
        k: number of colours, in [1, ranks].
        elements: of the buffer, at least 0.
        segments: pieces of a colour, at least 1.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> plan = multicolour(2, 1, elements=6, segments=2)
        >>> plan.pieces
        (Piece(colour=0, start=0, stop=3), Piece(colour=0, start=3, stop=6))
        >>> [(send.source, send.target, send.piece) for send in plan.sends]
        [(1, 0, 0), (1, 0, 1), (0, 1, 0), (0, 1, 1)]
    """
    elements, segments = integer("elements", elements, 0), integer("segments", segments, 1)
    return schedule(colours(ranks, k), elements, segments)


def schedule(trees: Sequence[Sequence[int]], elements: int, segments: int = 1) -> Schedule:
    """The rounds of claim allreduce on any spanning trees, one for each colour.

    Within a round what goes up comes first; then the sends are ordered by *slot*: place among siblings plus root plus
    colour, mod the number of colours (or of children, if there are more), which keeps a rank's messages apart where it
    can (claim allreduce-cost).

    Raises:
        ValueError: no trees, of different sizes, or not trees.
    """
    rows = rounds(trees, segments)
    return Schedule(len(trees[0]), cut(elements, len(trees), segments), rows[:, 4:])


def rounds(trees: Sequence[Sequence[int]], segments: int) -> NDArray[np.int64]:
    """The sends of `schedule` in order, with when they happen; shape (m, 8).

    Columns: round, 1 if it goes down, slot and colour, then those of `Send`.

    Raises:
        ValueError: no trees, of different sizes, or not trees.

    Example:
        >>> rounds([(-1, 0)], segments=1).tolist()
        [[0, 0, 0, 0, 1, 0, 0, 1], [1, 1, 0, 0, 0, 1, 0, 0]]
    """
    if not trees or len({len(parents) for parents in trees}) != 1:
        raise ValueError(f"trees: got {len(trees)} of sizes {sorted(map(len, trees))}, want some of one size")
    rows = np.concatenate([_colour(c, parents, segments, len(trees)) for c, parents in enumerate(trees)])
    return rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]  # stable: the rest stays in order


def run(plan: Schedule, buffers: Sequence[Sequence[T]], add: Callable[[T, T], T]) -> list[list[T]]:
    """What every rank holds after the schedule: the reference that real processes are compared with.

    Args:
        plan: what to run.
        buffers: of every rank, as long as the schedule's.
        add: the operation.

    Example:
        >>> run(multicolour(3, 2, elements=2), ["ab", "cd", "ef"], str.__add__)
        [['ace', 'dfb'], ['ace', 'dfb'], ['ace', 'dfb']]
    """
    held = [list(buffer) for buffer in buffers]
    for send in plan.sends:
        _, start, stop = plan.pieces[send.piece]
        for at in range(start, stop):
            here, there = held[send.source][at], held[send.target][at]
            held[send.target][at] = add(there, here) if send.adds else here
    return held


def without(plan: Schedule, lost: int) -> Schedule:
    """A schedule with a fault planted: its last sends up, so many, are left out.

    Example:
        >>> run(without(multicolour(3, 1, elements=1), 1), [[1], [10], [100]], int.__add__)
        [[1], [1], [1]]
    """
    up = np.flatnonzero(plan.table[:, 3])
    return Schedule(plan.ranks, plan.pieces, np.delete(plan.table, up[len(up) - lost :], axis=0))


def first_rank(ranks: int, k: int, colour: int) -> int:
    """The root of a colour.

    Example:
        >>> [first_rank(7, 3, colour) for colour in range(3)]
        [0, 2, 4]
    """
    return colour * ranks // k


def heap(ranks: int, arity: int, first: int, shift: int) -> tuple[int, ...]:
    """As `tree`, but unchecked, and the parent of place i is floor((i - shift) / arity).

    Example:
        >>> heap(3, 2, 0, shift=1)
        (-1, 0, 0)
    """
    parents = [-1] * ranks
    for place in range(1, ranks):
        parents[(place + first) % ranks] = ((place - shift) // arity + first) % ranks
    return tuple(parents)


def cut(elements: int, k: int, segments: int) -> tuple[Piece, ...]:
    """The pieces of a buffer, colour by colour, as equal as whole elements allow.

    Example:
        >>> cut(5, 2, 1)
        (Piece(colour=0, start=0, stop=2), Piece(colour=1, start=2, stop=5))
    """
    cuts = [elements * c // k for c in range(k + 1)]
    found = []
    for c in range(k):
        size = cuts[c + 1] - cuts[c]
        ends = [cuts[c] + size * j // segments for j in range(segments + 1)]
        found += [Piece(c, ends[j], ends[j + 1]) for j in range(segments)]
    return tuple(found)


def _colour(colour: int, parents: Sequence[int], segments: int, k: int) -> NDArray[np.int64]:
    """Every send of one colour with its round, direction, slot and colour."""
    ranks, depth = len(parents), depths(parents)
    root = depth.index(0)
    family: dict[int, list[int]] = {}
    for rank in sorted(range(ranks), key=lambda v: (v - parents[v]) % ranks):  # places do not wrap around, ranks do
        if parents[rank] >= 0:
            family.setdefault(parents[rank], []).append(rank)
    slots = max([k, *map(len, family.values())])
    edges = [(v, u, depth[v], (i + root + colour) % slots) for u, kin in family.items() for i, v in enumerate(kin)]
    child, parent, level, slot = np.array(edges, np.int64).reshape(-1, 4).T[:, :, None]
    segment = np.arange(segments)[None]
    piece = colour * segments + segment
    up = (segment + max(depth) - level, 0, slot, colour, child, parent, piece, 1)
    down = (segment + max(depth) + level - 1, 1, slot, colour, parent, child, piece, 0)
    return np.concatenate([_table(columns) for columns in (up, down)])


def _table(columns: Sequence[Any]) -> NDArray[np.int64]:
    return np.stack([column.ravel() for column in np.broadcast_arrays(*columns)], axis=1)
