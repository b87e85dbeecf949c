"""Places for the nodes of a graph without circles, and ways for its edges: columns from left to right.

After Sugiyama, Tagawa and Toda (1981): nodes get columns, the order inside columns is swept until few edges cross, and
heights are chosen so that edges are nearly straight. Edges that pass a column run between its nodes; those with one
source share their way as long as they can, like the branches of a tree.
"""

from __future__ import annotations

import bisect
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

Point = tuple[float, float]
Edge = tuple[str, str]
Item = str | tuple[str, int]
"""What takes room in a column: a node, or the lane of the edges from a source through a column."""
Columns = list[list[Item]]

STARTS, SWEEPS, RELAXATIONS = 24, 12, 60
"""How many first orders are tried, how often each is swept, how often heights are moved."""
BESIDE, SET_OFF = 4, 4
"""How many nodes without edges stand in a row if there are no others, and how far, in gaps, from the others if any."""


@dataclass(frozen=True)
class Room:
    """What nodes take, in pixels.

    Attributes:
        width: of a node.
        height: of a node.
        across: between columns; edges bend there.
        between: from node to node in a column.
        lane: from a node to an edge that passes it, and between two such edges.
        margin: around everything.
    """

    width: float = 156
    height: float = 58
    across: float = 48
    between: float = 12
    lane: float = 9
    margin: float = 8

    def apart(self, above: Item, below: Item) -> float:
        """The least distance between the middles of neighbours in a column."""
        nodes = sum(isinstance(item, str) for item in (above, below))
        return nodes * self.height / 2 + (self.between if nodes == 2 else self.lane)

    def left(self, column: int) -> float:
        """Where a column begins."""
        return self.margin + column * (self.width + self.across)


@dataclass(frozen=True)
class Layout:
    """Where all is drawn, in pixels from the upper left corner.

    Attributes:
        width: of the whole.
        height: of the whole.
        middles: of each node.
        ways: of each edge, an even number of points: from the first to the second it bends between two columns, from
            the second to the third it passes a column straight, and so on.
        crossings: how many pairs of edges cross.
    """

    width: float
    height: float
    middles: Mapping[str, Point]
    ways: Mapping[Edge, Sequence[Point]]
    crossings: int


def place(graph: nx.DiGraph[str], room: Room | None = None) -> Layout:
    """Places for all nodes and ways for all edges; the same for the same graph, whatever the order of its nodes.

    Raises:
        ValueError: the edges run in a circle; the message names it.
    """
    room = room or Room()
    if circle := circle_of(graph):
        raise ValueError(f"the edges run in a circle: {' -> '.join(circle)}")
    alone = sorted(nx.isolates(graph))
    column = columns_of(nx.restricted_view(graph, alone, []))
    chains = {edge: chain(edge, column) for edge in sorted(graph.edges)}
    segments = sorted({pair for items in chains.values() for pair in pairwise(items)}, key=repr)
    columns = ordered(column, segments)
    heights = relaxed(columns, segments, room)
    middles = {node: (room.left(k) + room.width / 2, heights[node]) for node, k in column.items()}
    wide = len(columns) or min(len(alone), BESIDE)
    middles |= aside(alone, wide, lowest(middles, room) + (SET_OFF * room.between if middles else 0), room)
    return Layout(
        width=room.left(max(wide, 1)) - room.across + room.margin,
        height=lowest(middles, room) + room.margin,
        middles=middles,
        ways={edge: way(items, column, heights, room) for edge, items in chains.items()},
        crossings=crossings(columns, segments),
    )


def lowest(middles: Mapping[str, Point], room: Room) -> float:
    """Where the lowest node ends."""
    return max((y + room.height / 2 for _, y in middles.values()), default=room.margin)


def aside(alone: Iterable[str], wide: int, top: float, room: Room) -> dict[str, Point]:
    """Places for nodes without edges, in rows."""
    return {
        node: (
            room.left(number % wide) + room.width / 2,
            top + number // wide * (room.height + room.between) + room.height / 2,
        )
        for number, node in enumerate(alone)
    }


def circle_of(graph: nx.DiGraph[str]) -> list[str]:
    """Nodes along a circle, the first again at the end; nothing if there is none."""
    try:
        found = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return []
    return [found[0][0], *(edge[1] for edge in found)]


def columns_of(graph: nx.DiGraph[str]) -> dict[str, int]:
    """The column of each node: right of all it follows, in no more columns than that takes.

    What follows nothing stands next to what follows it; then full columns give nodes away to emptier ones.
    """
    generations = list(nx.topological_generations(graph))
    column = {node: k for k, generation in enumerate(generations) for node in sorted(generation)}
    for node in graph:
        if not graph.pred[node]:
            column[node] = min(column[after] for after in graph.succ[node]) - 1
    while move := best_move(graph, column, len(generations)):
        column[move[0]] = move[1]
    return column


def best_move(graph: nx.DiGraph[str], column: Mapping[str, int], count: int) -> tuple[str, int] | None:
    """A node of the fullest column that may go, and where to: where the fewest edges grow longer."""
    sizes = Counter(column.values())
    full = max(sizes, key=lambda k: (sizes[k], k), default=0)
    moves = []
    for node in sorted(n for n, k in column.items() if k == full):
        first = max((column[n] + 1 for n in graph.pred[node]), default=0)
        last = min((column[n] for n in graph.succ[node]), default=count)
        for k in range(first, last):
            if sizes[k] + 1 < sizes[full]:
                longer = (k - full) * (graph.in_degree(node) - bool(graph.succ[node]))
                moves.append((longer, sizes[k], node, k))
    return min(moves)[2:] if moves else None


def chain(edge: Edge, column: Mapping[str, int]) -> list[Item]:
    """An edge column by column: its source, a lane in each column that it passes, its target."""
    source, target = edge
    return [source, *((source, k) for k in range(column[source] + 1, column[target])), target]


def ordered(column: Mapping[str, int], segments: Sequence[tuple[Item, Item]]) -> Columns:
    """The columns from top to bottom with the fewest crossings that were found."""
    items = sorted({*column, *(item for pair in segments for item in pair)}, key=repr)
    first: Columns = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for item in items:
        first[column[item] if isinstance(item, str) else item[1]].append(item)
    before, after = neighbours(segments)
    best, fewest = first, crossings(first, segments)
    for start in range(STARTS):
        shuffle = random.Random(start).shuffle
        columns = [list(items) for items in first]
        for column_items in columns:
            shuffle(column_items)
        for sweep in range(SWEEPS):
            swept(columns, before, after, forward=sweep % 2 == 0)
            count = crossings(columns, segments)
            if count < fewest:
                best, fewest = [list(items) for items in columns], count
    return best


def swept(columns: Columns, before: Mapping[Item, list[Item]], after: Mapping[Item, list[Item]], forward: bool) -> None:
    """Sort each column by the mean place of the neighbours on one side, then swap neighbours that uncross edges."""
    rank = {item: float(place) for items in columns for place, item in enumerate(items)}
    sides = before if forward else after
    for items in columns if forward else reversed(columns):
        mean = {i: sum(rank[n] for n in sides[i]) / len(sides[i]) if sides.get(i) else rank[i] for i in items}
        items.sort(key=lambda item: mean[item])
        swap(items, rank, before, after)
        rank |= {item: float(place) for place, item in enumerate(items)}


def swap(
    items: list[Item], rank: Mapping[Item, float], before: Mapping[Item, list[Item]], after: Mapping[Item, list[Item]]
) -> None:
    """Exchange neighbours in a column as long as that uncrosses edges on its two sides."""
    places = {item: [sorted(rank[n] for n in side.get(item, ())) for side in (before, after)] for item in items}
    better = True
    while better:
        better = False
        for i in range(len(items) - 1):
            upper, lower = places[items[i]], places[items[i + 1]]
            if sum(map(inversions, upper, lower)) > sum(map(inversions, lower, upper)):
                items[i], items[i + 1], better = items[i + 1], items[i], True


def inversions(upper: Sequence[float], lower: Sequence[float]) -> int:
    """How many edges of the upper of two nodes cross edges of the lower, by the sorted places of their other ends."""
    return sum(bisect.bisect_left(lower, place) for place in upper)


def neighbours(segments: Iterable[tuple[Item, Item]]) -> tuple[dict[Item, list[Item]], dict[Item, list[Item]]]:
    """What stands before each item and what after it."""
    before: dict[Item, list[Item]] = {}
    after: dict[Item, list[Item]] = {}
    for left, right in segments:
        after.setdefault(left, []).append(right)
        before.setdefault(right, []).append(left)
    return before, after


def crossings(columns: Columns, segments: Iterable[tuple[Item, Item]]) -> int:
    """How many pairs of segments cross between two columns."""
    rank = {item: place for items in columns for place, item in enumerate(items)}
    _, after = neighbours(segments)
    count = 0
    for items in columns:
        ends: list[int] = []
        for item in items:
            targets = sorted(rank[n] for n in after.get(item, ()))
            count += sum(len(ends) - bisect.bisect_right(ends, place) for place in targets)
            for place in targets:
                bisect.insort(ends, place)
    return count


def relaxed(columns: Columns, segments: Iterable[tuple[Item, Item]], room: Room) -> dict[Item, float]:
    """The heights of all items: edges as level as the order and the room allow, lanes more so than the rest."""
    pulls: dict[Item, list[tuple[Item, float]]] = {item: [] for items in columns for item in items}
    for left, right in segments:
        weight = (1.0, 2.0, 6.0)[sum(not isinstance(item, str) for item in (left, right))]
        pulls[left].append((right, weight))
        pulls[right].append((left, weight))
    offsets = []
    for items in columns:
        offset = [0.0]
        for above, below in pairwise(items):
            offset.append(offset[-1] + room.apart(above, below))
        offsets.append(offset)
    heights = {
        i: o - offset[-1] / 2
        for items, offset in zip(columns, offsets, strict=True)
        for i, o in zip(items, offset, strict=True)
    }
    rounds = list(zip(columns, offsets, strict=True))
    for _ in range(RELAXATIONS):
        for items, offset in [*rounds, *reversed(rounds)]:
            weights = [sum(weight for _, weight in pulls[item]) for item in items]
            wanted = [
                sum(weight * heights[other] for other, weight in pulls[item]) / total - shift
                for item, total, shift in zip(items, weights, offset, strict=True)
            ]
            for item, value, shift in zip(items, rising(wanted, weights), offset, strict=True):
                heights[item] = value + shift
    top = min((y - (room.height / 2 if isinstance(i, str) else 0) for i, y in heights.items()), default=0.0)
    return {item: round(y - top + room.margin, 1) for item, y in heights.items()}


def rising(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest non-decreasing numbers, by weighted least squares (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted, weights, strict=True):
        pool = (value, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, heavy, count = pools.pop()
            total = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / total, total, count + pool[2])
        pools.append(pool)
    return [mean for mean, _, count in pools for _ in range(count)]


def way(items: Sequence[Item], column: Mapping[str, int], heights: Mapping[Item, float], room: Room) -> list[Point]:
    """The points of an edge: out of its source, in and out of each lane, into its target."""
    points: list[Point] = []
    for item in items:
        left = room.left(column[item] if isinstance(item, str) else item[1])
        points += [(left, heights[item]), (left + room.width, heights[item])]
    return points[1:-1]
