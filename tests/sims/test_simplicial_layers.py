"""Complexes of real size and layers for torch, against the exact arithmetic of theory and finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor

from sims.simplicial_complexes import (
    Complex,
    from_triangles,
    king_grid,
    operators,
    relabelling,
    reorientation,
    triangulation,
)
from sims.simplicial_images import random_points
from sims.simplicial_layers import ConvNet, Layer, SimplicialNet, lift
from theory import simplicial_complexes as exact
from theory.simplicial_complexes import SAMPLE, TERMS

Simplices = exact.Simplices


def built(simplices: Simplices) -> Complex:
    """The complex with the exact boundary matrices, whatever order and orientations they have."""
    b1, b2 = (b.astype(float) for b in exact.boundaries(*simplices))
    return Complex(sparse.csr_array(b1), sparse.csr_array(b2))


def random_complex(points: int = 40, seed: int = 0) -> Complex:
    return triangulation(np.random.default_rng(seed).uniform(0, 1, (points, 2)))


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fields(found: Complex, channels: int = 3, batch: int = 2) -> dict[int, Tensor]:
    return {
        k: torch.randn(n, batch, channels, generator=draws(k), dtype=torch.float64) for k, n in enumerate(found.counts)
    }


def layer(activation: Callable[[Tensor], Tensor] = torch.tanh) -> Layer:
    return Layer(TERMS, (3, 3, 3), (2, 4, 5), activation, draws(7)).double()


@pytest.mark.parametrize("simplices", SAMPLE, ids=str)
def test_operators_are_the_exact_ones(simplices: Simplices) -> None:
    wanted = exact.operators(*exact.boundaries(*simplices))
    for name, found in operators(built(simplices), torch.float64).items():
        torch.testing.assert_close(
            found.matrix.to_dense(), torch.tensor(wanted[name].astype(float)), atol=1e-14, rtol=0
        )
        assert torch.equal(found.transposed.to_dense(), found.matrix.to_dense().T)


def test_complexes_from_triangles_are_the_exact_ones() -> None:
    triangles = [(0, 1, 2), (2, 1, 3), (3, 1, 4)]
    edges = [(0, 1), (0, 2), (1, 2), (1, 3), (1, 4), (2, 3), (3, 4), (4, 5)]
    found = from_triangles(7, triangles, [(5, 4)])
    b1, b2 = exact.boundaries(7, edges, triangles)
    assert found.b1.toarray().tolist() == b1.tolist()
    assert found.b2.toarray().tolist() == b2.tolist()


def test_a_complex_may_have_no_triangles_and_no_edges() -> None:
    assert from_triangles(3, [], [(0, 1)]).counts == (3, 1, 0)
    empty = from_triangles(2, [])
    assert empty.counts == (2, 0, 0)
    assert operators(empty)["00"].matrix.to_dense().tolist() == [[1, 0], [0, 1]]


def test_a_triangulation_covers_the_disc_once() -> None:
    found = triangulation(random_points(300, np.random.default_rng(1)))
    n0, n1, n2 = found.counts
    assert n0 - n1 + n2 == 1  # Euler's formula
    assert not (found.b1 @ found.b2).toarray().any()
    assert set(abs(found.b2).sum(axis=1)) <= {1, 2}
    assert (abs(found.b2).sum(axis=0) == 3).all()


def test_a_point_given_twice_is_an_isolated_node() -> None:
    found = triangulation([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert found.counts == (4, 3, 1)
    assert sorted(abs(found.b1).sum(axis=1)) == [0, 2, 2, 2]
    assert all(torch.isfinite(m.matrix.values()).all() for m in operators(found).values())


def test_the_grid_is_the_exact_one() -> None:
    found, (nodes, edges, triangles) = king_grid(4), exact.grid(4)
    assert found.counts == (nodes, len(edges), len(triangles))
    assert (abs(found.b1) @ abs(found.b2) > 0).sum(axis=0).tolist() == [3] * len(triangles)


def test_layers_are_the_exact_ones() -> None:
    simplices = SAMPLE[-3]
    weights = {t: exact.generic(2, 3, k) for k, t in enumerate(TERMS)}
    start = [exact.generic(n, 2, k + 3) for k, n in enumerate(built(simplices).counts)]
    wanted = exact.layer(exact.operators(*exact.boundaries(*simplices)), start, weights, abs)
    found = Layer(TERMS, (2, 2, 2), (3, 3, 3), torch.abs, draws()).double()
    for term in TERMS:
        found.weights[term].data = torch.tensor(weights[term].astype(float))
    after = found(
        operators(built(simplices), torch.float64), {k: torch.tensor(x.astype(float)) for k, x in enumerate(start)}
    )
    for k in range(3):
        torch.testing.assert_close(after[k], torch.tensor(wanted[k].astype(float)), atol=1e-12, rtol=0)


def test_gradients_agree_with_finite_differences() -> None:
    found = random_complex(12)
    maps, inputs, small = operators(found, torch.float64), fields(found), layer()
    assert torch.autograd.gradcheck(
        lambda *x: sum(y.sin().sum() for y in small(maps, dict(enumerate(x))).values()),
        [x.requires_grad_() for x in inputs.values()],
    )
    total = sum(y.sin().sum() for y in small(maps, inputs).values())
    total.backward()
    for term, w in small.weights.items():
        step = torch.zeros_like(w)
        step[0, 0] = 1e-6
        with torch.no_grad():
            values = []
            for sign in (1, -1):
                w += sign * step
                values.append(float(sum(y.sin().sum() for y in small(maps, inputs).values())))
                w -= sign * step
        assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(w.grad[0, 0]), abs=1e-6), term


def test_moves_are_those_of_the_matrices_and_can_be_taken_back() -> None:
    found = random_complex()
    for move in (relabelling(found, np.random.default_rng(1)), reorientation(found, np.random.default_rng(2))):
        g = [np.eye(n)[o] * s[:, None] for n, o, s in zip(found.counts, move.orders, move.signs, strict=True)]
        there = move.complex(found)
        np.testing.assert_array_equal(there.b1.toarray(), g[0] @ found.b1.toarray() @ g[1].T)
        np.testing.assert_array_equal(there.b2.toarray(), g[1] @ found.b2.toarray() @ g[2].T)
        for k, x in fields(found).items():
            assert torch.equal(move.field(k, x), torch.einsum("ij,jbc->ibc", torch.from_numpy(g[k]), x))
            assert torch.equal(move.inverse.field(k, move.field(k, x)), x)
        back = move.inverse.complex(there)
        assert not abs(back.b1 - found.b1).sum() + abs(back.b2 - found.b2).sum()


@pytest.mark.parametrize(
    ("activation", "turning"),
    [(torch.tanh, True), (torch.abs, False), (torch.relu, False), (lambda x: x + 0.1, False), (lambda x: x**3, True)],
)
def test_layers_move_as_the_theorem_says(activation: Callable[[Tensor], Tensor], turning: bool) -> None:
    found = random_complex()
    here = layer(activation)(operators(found, torch.float64), fields(found))
    for draw, kept in ((relabelling, True), (reorientation, turning)):
        move = draw(found, np.random.default_rng(3))
        moved = {k: move.field(k, x) for k, x in fields(found).items()}
        there = layer(activation)(operators(move.complex(found), torch.float64), moved)
        close = [torch.allclose(there[k], move.field(k, here[k]), atol=1e-9) for k in range(3)]
        assert close[0]
        assert close[1:] == [kept, kept]


def test_lifted_features_move_and_ones_do_not() -> None:
    found = random_complex()
    move = reorientation(found, np.random.default_rng(5))
    nodes = fields(found)[0]
    here, there = lift(found, nodes), lift(move.complex(found), nodes)
    assert all(torch.equal(there[k], move.field(k, here[k])) for k in range(3))
    assert all(here[k].abs().max() > 0.1 for k in range(3))
    ones = torch.ones(found.counts[1], 1, 1)
    assert not torch.equal(move.field(1, ones), ones)


def test_wedge_products_are_signed_areas() -> None:
    corners = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]], dtype=torch.float64)[:, None]
    area = {order: float(lift(from_triangles(3, [order]), corners)[2]) for order in ((0, 1, 2), (0, 2, 1))}
    assert area == {(0, 1, 2): -3.0, (0, 2, 1): 3.0}
    assert lift(from_triangles(3, [(0, 1, 2)]), corners[..., :1])[2].shape == (1, 1, 0)


def test_a_batch_gives_what_its_images_give_one_by_one() -> None:
    found = random_complex()
    net = SimplicialNet(found.counts[0], TERMS, (3, 3, 3), 4, 3, 10, torch.tanh, draws()).double()
    maps, all_of_them = operators(found, torch.float64), lift(found, fields(found, batch=5)[0])
    alone = [net(maps, {k: x[:, [i]] for k, x in all_of_them.items()}) for i in range(5)]
    torch.testing.assert_close(net(maps, all_of_them), torch.cat(alone), atol=1e-12, rtol=0)


def test_a_graph_net_sees_nodes_only_and_a_conv_net_sees_directions() -> None:
    found = king_grid(5)
    x = fields(found, 1, 3)[0]
    maps = operators(found, torch.float64)
    turned = x.reshape(5, 5, 3, 1).flip(1).reshape(25, 3, 1)
    graph = Layer(("00",), (1, 0, 0), (2, 0, 0), torch.tanh, draws()).double()
    mirrored = graph(maps, {0: x})[0].reshape(5, 5, 3, 2).flip(1).reshape(25, 3, 2)
    torch.testing.assert_close(graph(maps, {0: turned})[0], mirrored)
    conv = ConvNet(5, 1, 2, 1, 10, torch.tanh, draws()).double()
    conv.head.data.fill_(1.0)  # so that only the filter can tell left from right
    assert not torch.allclose(conv({}, {0: x}), conv({}, {0: turned}))


def test_no_warning_reaches_the_user() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        operators(random_complex(9))


def test_large_triangulations_keep_the_identity() -> None:
    found = random_complex(20_000)
    assert found.counts[2] > 39_000
    assert not abs(found.b1 @ found.b2).sum()


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "no node": (lambda: from_triangles(0, []), "nodes"),
    "no such node": (lambda: from_triangles(3, [[0, 1, 3]]), "triangles"),
    "a node twice": (lambda: from_triangles(3, [[0, 1, 1]]), "triangles"),
    "a triangle twice": (lambda: from_triangles(3, [[0, 1, 2], [2, 1, 0]]), "triangles"),
    "floats": (lambda: from_triangles(3, [[0.0, 1.0, 2.0]]), "triangles"),
    "a loop": (lambda: from_triangles(3, [], [[1, 1]]), "edges"),
    "two points": (lambda: triangulation([[0.0, 0.0], [1.0, 1.0]]), "points"),
    "points on a line": (lambda: triangulation([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), "points"),
    "no number": (lambda: triangulation([[0.0, np.nan]] * 3), "points"),
    "a grid of one": (lambda: king_grid(1), "side"),
    "no generator": (lambda: relabelling(king_grid(2), 0), "rng"),  # type: ignore[arg-type]
    "no term": (lambda: Layer((), (1, 1, 1), (1, 1, 1), torch.tanh, draws()), "terms"),
    "no layer": (lambda: SimplicialNet(4, TERMS, (1, 1, 0), 2, 0, 3, torch.tanh, draws()), "depth"),
    "no convolution": (lambda: ConvNet(2, 1, 2, 0, 3, torch.tanh, draws()), "depth"),
    "no such term": (lambda: Layer(("02",), (1, 1, 1), (1, 1, 1), torch.tanh, draws()), "terms"),
}


@pytest.mark.parametrize(("refused", "name"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_by_name(refused: Callable[[], Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()
