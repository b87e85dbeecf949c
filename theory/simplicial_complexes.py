r"""Oriented 2-complexes in exact arithmetic: boundary matrices, operators, the layer and the group that acts.

A 2-complex has nodes, edges between two nodes and triangles on three edges. An orientation gives each edge a
direction and each triangle a cyclic order of its nodes; it is a convention, as is the order in which simplices are
listed. With ``B1[v, e] = 1`` if e ends in v and -1 if it starts there, and ``B2[e, t] = 1`` if t runs along e and -1
if it runs against e, another convention is ``(G0 B1 G1', G1 B2 G2')`` with signed permutations ``G_k``.

Arrays hold Python integers and Fractions (dtype object). For real sizes see `sims.simplicial_complexes`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PATTERN",
    "SAMPLE",
    "TERMS",
    "Degrees",
    "all_complexes",
    "boundaries",
    "degrees",
    "flip",
    "generators",
    "generic",
    "grid",
    "layer",
    "operators",
]

Matrix = NDArray[Any]
Moves = tuple[Matrix, Matrix, Matrix]
Simplices = tuple[int, tuple[tuple[int, int], ...], tuple[tuple[int, int, int], ...]]
"""The number of nodes, the edges and the triangles."""
TERMS = ("00", "01", "10", "11", "12", "21", "22")
"""The operators: ``"ij"`` maps fields on j-simplices to fields on i-simplices."""
PATTERN = -1
"""The sign of ``B2' D5^-1 B2`` in A2d, after the pattern of A1d; the authors' code has +1."""


class Degrees(NamedTuple):
    """The diagonals of the degree matrices, and D0, the numbers of edges at the nodes."""

    d0: Matrix
    d1: Matrix
    d2: Matrix
    d3: Matrix
    d4: Matrix
    d5: Matrix


def boundaries(
    nodes: int, edges: Sequence[tuple[int, int]], triangles: Sequence[tuple[int, int, int]]
) -> tuple[Matrix, Matrix]:
    """B1 of shape (nodes, edges) and B2 of shape (edges, triangles), with entries -1, 0, 1.

    Args:
        nodes: their number, at least 1.
        edges: each from its first node to its second.
        triangles: each in the cyclic order of its nodes.

    Raises:
        ValueError: a loop, two edges between the same nodes, two triangles on the same nodes, a node that does not
            exist, or a triangle without one of its edges.

    Example:
        >>> b1, b2 = boundaries(3, [(0, 1), (1, 2), (0, 2)], [(0, 1, 2)])
        >>> b2.T.tolist(), (b1 @ b2).T.tolist()
        ([[1, 1, -1]], [[0, 0, 0]])
    """
    for name, simplices in (("edges", edges), ("triangles", triangles)):
        sets = [frozenset(simplex) for simplex in simplices]
        if len(set(sets)) < len(sets) or any(len(s) < len(t) for s, t in zip(sets, simplices, strict=True)):
            raise ValueError(f"{name}: got a repeated one or a repeated node, want different sets of nodes")
        if not set().union(*sets) <= set(range(nodes)):
            raise ValueError(f"{name}: got {sorted(set().union(*sets))}, want nodes in [0, {nodes - 1}]")
    place = {edge: k for k, edge in enumerate(edges)}
    b1, b2 = np.zeros((nodes, len(edges)), object), np.zeros((len(edges), len(triangles)), object)
    for k, (tail, head) in enumerate(edges):
        b1[tail, k], b1[head, k] = -1, 1
    for k, (a, b, c) in enumerate(triangles):
        for along in ((a, b), (b, c), (c, a)):
            if along not in place and along[::-1] not in place:
                raise ValueError(f"triangles: got {(a, b, c)} without the edge {along}, want all its edges")
            sign, edge = (1, along) if along in place else (-1, along[::-1])
            b2[place[edge], k] = sign
    return b1, b2


def degrees(b1: Matrix, b2: Matrix, size: Callable[[Any], Any] = abs) -> Degrees:
    """The degree matrices' diagonals: sums of the sizes of the boundary matrices' entries.

    Example:
        >>> degrees(*boundaries(3, [(0, 1), (1, 2)], [])).d1.tolist()
        [2, 4, 2]
    """
    d5 = size(b2) @ _ones(b2.shape[1])
    d2 = np.array([max(d, 1) for d in d5], object)
    d3, d4 = _ones(b2.shape[1]) * Fraction(1, 3), _ones(b2.shape[1])
    return Degrees(size(b1) @ _ones(b1.shape[1]), 2 * (size(b1) @ d2), d2, d3, d4, d5)


def operators(
    b1: Matrix,
    b2: Matrix,
    missing: Fraction | int = 0,
    sign: int = PATTERN,
    size: Callable[[Any], Any] = abs,
) -> dict[str, Matrix]:
    """The operators of claim simplicial by name: those of `TERMS`, and the parts ``"1d"`` and ``"1u"`` of ``"11"``.

    Args:
        b1: boundary matrix of the edges, shape (nodes, edges).
        b2: boundary matrix of the triangles, shape (edges, triangles).
        missing: what stands for 1/0 in D1^-1 and D5^-1; it has no effect (claim simplicial-operators).
        sign: of B2' D5^-1 B2 in A2d.
        size: see `degrees`.

    Example:
        >>> edge = operators(*boundaries(2, [(0, 1)], []))
        >>> edge["11"].tolist(), edge["10"].tolist()
        ([[Fraction(3, 1)]], [[Fraction(-1, 2), Fraction(1, 2)]])
    """
    d = degrees(b1, b2, size)
    rows = {name: column[:, None] for name, column in d._asdict().items()}
    d1_inverse, d5_inverse = _inverse(d.d1, missing), _inverse(d.d5, missing)
    up_0 = (_diagonal(d.d0 + 1) - b1 @ b1.T) * _inverse(d.d0 + 1, missing)
    up_1 = (_diagonal(d.d2 + 1) - b2 @ (rows["d3"] * b2.T)) * _inverse(d.d2 + 1, missing)
    down_1 = (rows["d2"] + 1) * (_diagonal(_inverse(d.d2, missing) + 1) - b1.T @ (d1_inverse[:, None] * b1))
    down_2 = (rows["d4"] + 1) * (_diagonal(_inverse(d.d4, missing) + 1) + sign * (b2.T @ (d5_inverse[:, None] * b2)))
    return {
        "00": up_0,
        "01": d1_inverse[:, None] * b1,
        "10": rows["d2"] * b1.T * d1_inverse,
        "11": down_1 + up_1,
        "12": b2 * d.d3,
        "21": rows["d4"] * b2.T * d5_inverse,
        "22": down_2,
        "1d": down_1,
        "1u": up_1,
    }


def layer(
    maps: Mapping[str, Matrix], fields: Sequence[Matrix], weights: Mapping[str, Any], activation: Callable[[Any], Any]
) -> list[Matrix]:
    """One layer: fields X_0, X_1, X_2 with one row for each simplex to the next ones.

    Args:
        maps: as `operators` returns them.
        fields: shapes (nodes, f_0), (edges, f_1), (triangles, f_2).
        weights: for each term ``"ij"`` a matrix of shape (f_j, next f_i).
        activation: applied to each entry.

    Example:
        >>> maps = operators(*boundaries(2, [(0, 1)], []))
        >>> fields = [np.array([[0], [4]], object), np.zeros((1, 1), object), np.zeros((0, 1), object)]
        >>> layer(maps, fields, {term: np.eye(1, dtype=int) for term in TERMS}, abs)[1].tolist()
        [[Fraction(2, 1)]]
    """
    sums = [sum(maps[t] @ fields[int(t[1])] @ weights[t] for t in TERMS if t[0] == str(k)) for k in range(3)]
    return [np.array([[activation(x) for x in row] for row in s], object).reshape(s.shape) for s in sums]


def _subsets(items: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    return itertools.chain.from_iterable(itertools.combinations(items, n) for n in range(len(items) + 1))


def all_complexes(nodes: int) -> Iterator[Simplices]:
    """Every 2-complex on some nodes, each simplex oriented by the order of its nodes.

    Example:
        >>> sum(1 for _ in all_complexes(3)), sum(1 for _ in all_complexes(4))
        (9, 113)
    """
    pairs = list(itertools.combinations(range(nodes), 2))
    triples = list(itertools.combinations(range(nodes), 3))
    for edges in _subsets(pairs):
        filled = [t for t in triples if set(itertools.combinations(t, 2)) <= set(edges)]
        for triangles in _subsets(filled):
            yield nodes, edges, triangles


SAMPLE: tuple[Simplices, ...] = (
    *itertools.chain.from_iterable(all_complexes(n) for n in (1, 2, 3)),
    (6, ((0, 1), (2, 1), (0, 2), (1, 3), (3, 2), (3, 4)), ((0, 1, 2), (1, 2, 3))),
    (5, ((0, 1), (0, 2), (2, 1), (3, 0), (1, 3), (0, 4), (4, 1)), ((0, 1, 2), (0, 3, 1), (1, 0, 4))),
    (4, ((0, 1), (0, 2), (0, 3), (1, 2), (3, 1), (2, 3)), ((0, 1, 2), (0, 3, 1), (0, 2, 3), (1, 3, 2))),
)
"""What claims are tried on exactly: all 2-complexes on up to three nodes; two triangles with a common edge, an edge
without a triangle and an isolated node; three triangles on one edge; the surface of a tetrahedron."""


def generators(b1: Matrix, b2: Matrix) -> Iterator[Moves]:
    """Moves (G_0, G_1, G_2) that generate the group: swaps of neighbours in a list, flips of one edge or triangle.

    Example:
        >>> sum(1 for _ in generators(*boundaries(3, [(0, 1), (1, 2)], [])))
        5
    """
    counts = (*b1.shape, b2.shape[1])
    still = [_diagonal(_ones(n)) for n in counts]
    for k, n in enumerate(counts):
        for i in range(n - 1):
            swap = still[k].copy()
            swap[[i, i + 1]] = swap[[i + 1, i]]
            yield _replaced(still, k, swap)
        for i in range(n if k else 0):  # nodes have no orientation
            yield _replaced(still, k, flip(n, i))


def flip(n: int, k: int) -> Matrix:
    """The diagonal matrix that changes the sign of entry k of n.

    Example:
        >>> flip(2, 1).tolist()
        [[1, 0], [0, -1]]
    """
    entries = _ones(n)
    entries[k] = -1
    return _diagonal(entries)


def generic(rows: int, columns: int, seed: int) -> Matrix:
    """Fractions of both signs without a pattern, always the same ones.

    Example:
        >>> generic(1, 2, 3).tolist()
        [[Fraction(9, 10), Fraction(-3, 10)]]
    """
    numbers = [[(seed * 37 + i * 17 + j * 29) % 41 - 20 for j in range(columns)] for i in range(rows)]
    return np.array([[Fraction(x, 7 + seed) for x in row] for row in numbers], object).reshape(rows, columns)


def grid(side: int) -> Simplices:
    """Nodes, edges and triangles of a square grid whose nodes are joined as a chess king moves.

    All triples of nodes that are joined in pairs are triangles; claim simplicial-grid counts them.

    Example:
        >>> nodes, edges, triangles = grid(7)
        >>> nodes, len(edges), len(triangles)
        (49, 156, 144)
    """
    places = list(itertools.product(range(side), repeat=2))
    number = {place: k for k, place in enumerate(places)}
    steps = ((0, 1), (1, -1), (1, 0), (1, 1))
    edges = [(number[p], number[q]) for p in places for s in steps if (q := (p[0] + s[0], p[1] + s[1])) in number]
    near: dict[int, set[int]] = {k: set() for k in number.values()}
    for a, b in edges:
        near[a].add(b)
    triangles = [(a, b, c) for a in near for b in sorted(near[a]) for c in sorted(near[a] & near[b])]
    return len(places), tuple(edges), tuple(triangles)


def _replaced(still: list[Matrix], k: int, by: Matrix) -> Moves:
    first, second, third = (by if i == k else g for i, g in enumerate(still))
    return first, second, third


def _ones(n: int) -> Matrix:
    return np.full(n, 1, object)


def _diagonal(entries: Matrix) -> Matrix:
    matrix = np.zeros((len(entries), len(entries)), object)
    np.fill_diagonal(matrix, entries)
    return matrix


def _inverse(entries: Matrix, missing: Fraction | int) -> Matrix:
    return np.array([1 / Fraction(x) if x else missing for x in entries], object)
