"""Graphs are laid out without overlaps, with few crossings, and always alike."""

import importlib
import itertools
import random
from types import ModuleType

import networkx as nx
import pytest

from theory import claims

Graph = nx.DiGraph


@pytest.fixture(scope="session")
def layout(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.graph_layout")


def ledger() -> Graph:
    """All claims with all that they rest on, nothing left out."""
    book = claims.load()
    graph: Graph = nx.DiGraph()
    graph.add_nodes_from(book.claims)
    graph.add_edges_from((parent, id) for id in book.claims for parent in book.parents(id))
    return graph


def drawn(seed: int, nodes: int, edges: int) -> Graph:
    rng = random.Random(seed)
    graph: Graph = nx.DiGraph()
    graph.add_nodes_from(f"n{k}" for k in range(nodes))
    graph.add_edges_from((f"n{a}", f"n{b}") for a, b in (sorted(rng.sample(range(nodes), 2)) for _ in range(edges)))
    return graph


GRAPHS = {
    "the ledger": ledger,
    "sparse": lambda: drawn(0, 90, 70),
    "dense": lambda: drawn(1, 24, 70),
    "no edges": lambda: drawn(2, 6, 0),
    "one node": lambda: drawn(3, 1, 0),
    "nothing": nx.DiGraph,
}


@pytest.mark.parametrize("name", GRAPHS)
def test_no_two_nodes_overlap_and_all_are_inside(layout: ModuleType, name: str) -> None:
    graph, room = GRAPHS[name](), layout.Room()
    found = layout.place(graph, room)
    assert set(found.middles) == set(graph)
    for (x, y), (other_x, other_y) in itertools.combinations(found.middles.values(), 2):
        assert abs(x - other_x) >= room.width or abs(y - other_y) >= room.height + room.between - 0.2
    for x, y in found.middles.values():
        assert room.margin <= x - room.width / 2
        assert x + room.width / 2 <= found.width - room.margin
        assert room.margin <= y - room.height / 2
        assert y + room.height / 2 <= found.height - room.margin + 1e-9


@pytest.mark.parametrize("name", GRAPHS)
def test_every_edge_leads_from_border_to_border_between_the_nodes(layout: ModuleType, name: str) -> None:
    graph, room = GRAPHS[name](), layout.Room()
    found = layout.place(graph, room)
    assert set(found.ways) == set(graph.edges)
    for (source, target), points in found.ways.items():
        (x, y), (to_x, to_y) = found.middles[source], found.middles[target]
        assert points[0] == (x + room.width / 2, y)
        assert points[-1] == (to_x - room.width / 2, to_y)
        assert len(points) % 2 == 0
        for bend in range(0, len(points), 2):  # within the room between two columns, where no node is
            assert points[bend + 1][0] - points[bend][0] == room.across
        for (left, level), (right, same) in itertools.pairwise(points[1:-1]):
            if right - left == room.width:
                assert level == same
                near = [abs(y - level) for x, y in found.middles.values() if x == left + room.width / 2]
                assert all(distance >= room.height / 2 + room.lane - 0.2 for distance in near)


def test_crossings_are_counted_right_and_avoided(layout: ModuleType) -> None:
    both: Graph = nx.DiGraph(itertools.product("ab", "cd"))
    assert layout.place(both).crossings == 1  # cannot be avoided
    columns, segments = [["a", "b", "c"], ["d", "e", "f"]], [("a", "f"), ("b", "e"), ("c", "d"), ("a", "d")]
    assert layout.crossings(columns, segments) == 3
    names = list(range(12))
    random.Random(5).shuffle(names)
    ladder: Graph = nx.DiGraph((f"a{k}", f"b{other}") for k, other in enumerate(names))
    assert layout.place(ladder).crossings == 0


def test_the_ledger_crosses_less_than_in_order_of_ids(layout: ModuleType) -> None:
    graph = nx.transitive_reduction(ledger())
    column = layout.columns_of(graph.subgraph([n for n in graph if graph.degree(n)]))
    chains = [layout.chain(edge, column) for edge in graph.edges]
    segments = sorted({pair for items in chains for pair in itertools.pairwise(items)}, key=repr)
    items = sorted({item for pair in segments for item in pair}, key=repr)
    where = {item: column[item] if isinstance(item, str) else item[1] for item in items}
    by_id = [[item for item in items if where[item] == k] for k in range(max(where.values()) + 1)]
    assert layout.place(graph).crossings * 3 < layout.crossings(by_id, segments)


def test_full_columns_give_nodes_away(layout: ModuleType) -> None:
    graph: Graph = nx.DiGraph([("root", f"leaf{k}") for k in range(9)])
    nx.add_path(graph, ["root", "a", "b", "c"])
    column = layout.columns_of(graph)
    sizes = [list(column.values()).count(k) for k in range(4)]
    assert sizes == [1, 4, 4, 4]
    assert all(column[a] < column[b] for a, b in graph.edges)


def test_what_follows_nothing_stands_next_to_what_follows_it(layout: ModuleType) -> None:
    graph: Graph = nx.DiGraph([("cited", "d")])
    nx.add_path(graph, "abcd")
    assert layout.columns_of(graph)["cited"] == 2


def test_edges_of_one_source_share_their_way(layout: ModuleType) -> None:
    graph: Graph = nx.DiGraph([("a", "d"), ("a", "e")])
    nx.add_path(graph, "abcd")
    nx.add_path(graph, ["c", "e"])
    ways = layout.place(graph).ways
    assert len(ways["a", "d"]) == 6
    assert ways["a", "d"][:5] == ways["a", "e"][:5]


def test_heights_are_the_nearest_in_order(layout: ModuleType) -> None:
    assert layout.rising([3.0, 1.0, 2.0, 5.0], [1.0] * 4) == [2.0, 2.0, 2.0, 5.0]
    assert layout.rising([4.0, 0.0], [3.0, 1.0]) == [3.0, 3.0]


def test_the_order_of_nodes_and_edges_does_not_matter(layout: ModuleType) -> None:
    graph = ledger()
    other: Graph = nx.DiGraph()
    nodes, edges = list(graph), list(graph.edges)
    random.Random(7).shuffle(nodes)
    random.Random(8).shuffle(edges)
    other.add_nodes_from(nodes)
    other.add_edges_from(edges)
    assert layout.place(other) == layout.place(graph)


def test_a_circle_is_named(layout: ModuleType) -> None:
    graph: Graph = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "b")])
    with pytest.raises(ValueError, match="b -> c -> b"):
        layout.place(graph)
