"""Oriented 2-complexes of real size: sparse boundary matrices, the group that acts on them, operators for torch.

The conventions are those of `theory.simplicial_complexes`, which holds the same in exact arithmetic.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from torch import Tensor

from theory.simplicial_complexes import PATTERN, grid
from theory.validate import finite_array, generator, integer

__all__ = [
    "Complex",
    "Map",
    "Maps",
    "Move",
    "from_triangles",
    "king_grid",
    "operators",
    "relabelling",
    "reorientation",
    "triangulation",
]


@dataclass(frozen=True, eq=False)
class Complex:
    """A 2-complex by its boundary matrices.

    Attributes:
        b1: sparse, shape (nodes, edges); -1 where an edge starts, 1 where it ends.
        b2: sparse, shape (edges, triangles); 1 for edges that a triangle runs along, -1 for those it runs against.
    """

    b1: Any
    b2: Any

    @property
    def counts(self) -> tuple[int, int, int]:
        """The numbers of nodes, edges and triangles."""
        return self.b1.shape[0], self.b1.shape[1], self.b2.shape[1]


@dataclass(frozen=True, eq=False)
class Move:
    """A relabelling with a change of orientations, G_k = diag(signs[k]) P_k: row i comes from row orders[k][i].

    Attributes:
        orders: for nodes, edges and triangles a permutation of their numbers.
        signs: the same lengths, entries +-1; those of nodes are 1.
    """

    orders: tuple[NDArray[np.int64], ...]
    signs: tuple[NDArray[np.float64], ...]

    def complex(self, found: Complex) -> Complex:
        """The boundary matrices G_0 B_1 G_1' and G_1 B_2 G_2'."""
        moved = []
        for k, b in enumerate((found.b1, found.b2)):
            rows, columns = (sparse.diags_array(self.signs[i]) for i in (k, k + 1))
            moved.append(sparse.csr_array(rows @ b[self.orders[k]][:, self.orders[k + 1]] @ columns))
        return Complex(*moved)

    def field(self, k: int, x: Tensor) -> Tensor:
        """G_k X for features X with one row for each k-simplex, shape (n_k, ...)."""
        signs = torch.from_numpy(self.signs[k]).to(x)
        return x[torch.from_numpy(self.orders[k])] * signs.reshape(-1, *[1] * (x.dim() - 1))

    @property
    def inverse(self) -> Move:
        """The move that takes this one back."""
        back = tuple(np.argsort(order) for order in self.orders)
        return Move(back, tuple(s[b] for s, b in zip(self.signs, back, strict=True)))


def relabelling(found: Complex, rng: np.random.Generator) -> Move:
    """A uniform relabelling of nodes, edges and triangles, each on its own; orientations stay.

    Example:
        >>> move = relabelling(king_grid(3), np.random.default_rng(0))
        >>> [len(order) for order in move.orders], all((s == 1).all() for s in move.signs)
        ([9, 20, 16], True)
    """
    rng = generator("rng", rng)
    return Move(tuple(rng.permutation(n) for n in found.counts), tuple(np.ones(n) for n in found.counts))


def reorientation(found: Complex, rng: np.random.Generator) -> Move:
    """A uniform choice of which edges and triangles to turn round; nothing is relabelled.

    Example:
        >>> move = reorientation(king_grid(3), np.random.default_rng(0))
        >>> sorted(set(move.signs[1])), sorted(set(move.signs[0]))
        ([np.float64(-1.0), np.float64(1.0)], [np.float64(1.0)])
    """
    rng = generator("rng", rng)
    signs = [np.ones(found.counts[0]), *(rng.choice([-1.0, 1.0], size=n) for n in found.counts[1:])]
    return Move(tuple(np.arange(n) for n in found.counts), tuple(signs))


def from_triangles(nodes: int, triangles: ArrayLike, edges: ArrayLike = ()) -> Complex:
    """The complex with the given triangles, their edges and perhaps more edges.

    Args:
        nodes: their number, at least 1.
        triangles: integers of shape (n_2, 3), each in the cyclic order of its nodes.
        edges: further edges, integers of shape (m, 2). All edges run from the smaller node to the larger one.

    Raises:
        ValueError: shapes, nodes that do not exist, a node twice in a simplex, or a triangle twice.

    Example:
        >>> found = from_triangles(5, [[0, 1, 2], [2, 1, 3]], [[3, 4]])
        >>> found.counts, abs(found.b1 @ found.b2).sum()
        ((5, 6, 2), np.float64(0.0))
    """
    nodes = integer("nodes", nodes, 1)
    faces, more = _simplices("triangles", triangles, 3, nodes), _simplices("edges", edges, 2, nodes)
    if len(np.unique(np.sort(faces, axis=1), axis=0)) < len(faces):
        raise ValueError("triangles: got one twice, want different ones")
    along = np.concatenate([faces[:, [i, (i + 1) % 3]] for i in range(3)])
    listed, where = np.unique(np.sort(np.concatenate([along, more]), axis=1), axis=0, return_inverse=True)
    where = where.reshape(-1)[: len(along)]
    n1, n2 = len(listed), len(faces)
    signs = np.where(along[:, 0] < along[:, 1], 1.0, -1.0)
    ends = (listed.T.reshape(-1), np.tile(np.arange(n1), 2))
    b1 = sparse.coo_array((np.repeat([-1.0, 1.0], n1), ends), shape=(nodes, n1))
    b2 = sparse.coo_array((signs, (where, np.tile(np.arange(n2), 3))), shape=(n1, n2))
    return Complex(sparse.csr_array(b1), sparse.csr_array(b2))


def triangulation(points: ArrayLike) -> Complex:
    """The Delaunay triangulation of points in the plane.

    Args:
        points: shape (n, 2), n >= 3, not all on a line; a point that is there already becomes an isolated node.

    Raises:
        ValueError: another shape, entries that are not finite, fewer than 3 points, or points on a line.

    Example:
        >>> triangulation([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.1, 1.2]]).counts
        (4, 5, 2)
    """
    from scipy.spatial import Delaunay, QhullError

    places = finite_array("points", points, (None, 2)).astype(np.float64)
    if len(places) < 3:
        raise ValueError(f"points: got {len(places)}, want at least 3")
    try:
        found = Delaunay(places)
    except QhullError as error:
        raise ValueError("points: got points on one line, want some that are not") from error
    return from_triangles(len(places), found.simplices)


def king_grid(side: int) -> Complex:
    """The grid of claim simplicial-grid; node number ``side * row + column``.

    Example:
        >>> king_grid(7).counts
        (49, 156, 144)
    """
    nodes, _, triangles = grid(integer("side", side, 2))
    return from_triangles(nodes, triangles)


@dataclass(frozen=True)
class Map:
    """A sparse matrix and its transpose, both by rows, for products and their gradients."""

    matrix: Tensor
    transposed: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """The product with features of shape (n_j, ...), which gives (n_i, ...)."""
        flat: Tensor = _Product.apply(x.reshape(len(x), -1), self.matrix, self.transposed)  # type: ignore[no-untyped-call]
        return flat.reshape(self.matrix.shape[0], *x.shape[1:])


Maps = Mapping[str, Map]
"""The operators of a complex by name, as in `theory.simplicial_complexes.TERMS`."""


class _Product(torch.autograd.Function):
    """A sparse matrix times a dense one; the gradient is the product with the transpose."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ gradients[0], None, None


def operators(found: Complex, dtype: torch.dtype = torch.float32, device: str = "cpu") -> dict[str, Map]:
    """The seven operators of claim simplicial, computed in double precision.

    Isolated nodes and edges without triangles have 0 for the inverse of their degree.

    Example:
        >>> maps = operators(king_grid(7))
        >>> tuple(maps["11"].matrix.shape), tuple(maps["21"].matrix.shape)
        ((156, 156), (144, 156))
    """
    b1, b2 = found.b1, found.b2
    filled = abs(b2).sum(axis=1)
    d0, d2 = abs(b1).sum(axis=1), np.maximum(filled, 1)
    into_nodes, into_edges = _diagonal(_inverse(2 * (abs(b1) @ d2))), _diagonal(_inverse(filled))
    up_1 = (_diagonal(d2 + 1) - b2 @ b2.T / 3) @ _diagonal(1 / (d2 + 1))
    down_1 = _diagonal(d2 + 1) @ (_diagonal(1 / d2 + 1) - b1.T @ into_nodes @ b1)
    found_maps = {
        "00": (_diagonal(d0 + 1) - b1 @ b1.T) @ _diagonal(1 / (d0 + 1)),
        "01": into_nodes @ b1,
        "10": _diagonal(d2) @ b1.T @ into_nodes,
        "11": down_1 + up_1,
        "12": b2 / 3,
        "21": b2.T @ into_edges,
        "22": 2 * (_diagonal(np.full(b2.shape[1], 2.0)) + PATTERN * (b2.T @ into_edges @ b2)),
    }
    return {name: Map(csr_tensor(m, dtype, device), csr_tensor(m.T, dtype, device)) for name, m in found_maps.items()}


def _simplices(name: str, listed: ArrayLike, size: int, nodes: int) -> NDArray[np.int64]:
    array = np.asarray(listed)
    if not array.size:
        return np.zeros((0, size), np.int64)
    found = finite_array(name, array, (None, size))
    if found.dtype.kind not in "iu":
        raise ValueError(f"{name}: got dtype {found.dtype}, want integers")
    if found.min() < 0 or found.max() >= nodes:
        raise ValueError(f"{name}: got nodes from {found.min()} to {found.max()}, want some in [0, {nodes - 1}]")
    if any((found[:, i] == found[:, i - 1]).any() for i in range(size)):
        raise ValueError(f"{name}: got a node twice in one simplex, want different ones")
    return found.astype(np.int64)


def _diagonal(entries: NDArray[np.float64]) -> Any:
    return sparse.diags_array(np.asarray(entries, np.float64))


def _inverse(entries: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1.0, entries, out=np.zeros(len(entries)), where=entries > 0)


def csr_tensor(matrix: Any, dtype: torch.dtype, device: str) -> Tensor:
    """A scipy sparse matrix as a torch tensor by rows."""
    rows = sparse.csr_array(matrix)
    rows.sum_duplicates()
    crow, column, values = (torch.from_numpy(a) for a in (rows.indptr, rows.indices, rows.data))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            crow.long(), column.long(), values, size=rows.shape, dtype=dtype, device=device, check_invariants=True
        )
