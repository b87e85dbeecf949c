"""Simplicial complexes in exact arithmetic: boundaries, operators and layers against other ways to them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from theory import simplicial_complexes, simplicial_equivariance, simplicial_operators
from theory.claims import LEDGER, Step, load
from theory.evidence import Trust, Verdict
from theory.simplicial_complexes import (
    SAMPLE,
    TERMS,
    all_complexes,
    boundaries,
    degrees,
    flip,
    generators,
    generic,
    grid,
    layer,
    operators,
)
from theory.status import run_step, statuses

F = Fraction
CLAIMS = (
    "simplicial",
    "simplicial-boundary",
    "simplicial-grid",
    "simplicial-operators",
    "simplicial-scale",
    "simplicial-equivariant",
    "simplicial-inputs",
    "simplicial-net",
)
load()
STEPS = {f"{id}: {step.name}": step for id in CLAIMS for step in LEDGER.steps[id]}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_steps_are_certified_and_their_mutants_caught(step: Step) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (Verdict.CERTIFIED, "")
    assert result.trust is Trust.EXACT
    assert result.mutant is not result.verdict


def test_every_claim_of_the_family_has_steps_or_is_cited() -> None:
    found = {id for id in LEDGER.claims if id.startswith("simplicial")}
    assert found == {*CLAIMS, "simplicial-mnist"}
    assert all(LEDGER.steps[id] for id in CLAIMS)
    assert statuses(LEDGER, {})["simplicial-mnist"].trust is Trust.CITED


def test_boundaries_of_one_triangle() -> None:
    b1, b2 = boundaries(3, [(1, 0), (1, 2), (0, 2)], [(0, 1, 2)])
    assert b1.T.tolist() == [[1, -1, 0], [0, -1, 1], [-1, 0, 1]]
    assert b2.T.tolist() == [[-1, 1, -1]]


@pytest.mark.parametrize("nodes", [3, 4])
def test_the_boundary_of_a_boundary_is_zero_on_all_small_complexes(nodes: int) -> None:
    for simplices in all_complexes(nodes):
        b1, b2 = boundaries(*simplices)
        assert not (b1 @ b2).any()


def test_operators_of_one_triangle_by_hand() -> None:
    maps = operators(*boundaries(3, [(0, 1), (1, 2), (0, 2)], [(0, 1, 2)]))
    third = F(1, 3)
    assert maps["00"].tolist() == [[third] * 3] * 3
    assert maps["01"].tolist() == [[F(-1, 4), 0, F(-1, 4)], [F(1, 4), F(-1, 4), 0], [0, F(1, 4), F(1, 4)]]
    assert maps["10"].tolist() == maps["01"].T.tolist()  # D2 = I here
    assert maps["12"].T.tolist() == [[third, third, -third]]
    assert maps["21"].tolist() == [[1, 1, -1]]
    assert maps["22"].tolist() == [[2 * (2 - 3)]]
    # (1 + 1)(1/1 + 1 - 1/4 - 1/4) + (2 - 1/3)/2 on the diagonal
    assert maps["11"][0, 0] == 3 + F(5, 6)
    # edges 01 and 12 meet in node 1 (with signs 1, -1) and run along the triangle: 2/4 - 1/6
    assert maps["11"][0, 1] == F(1, 2) - F(1, 6)


def test_the_other_sign_of_the_operator_between_triangles() -> None:
    maps = operators(*boundaries(3, [(0, 1), (1, 2), (0, 2)], [(0, 1, 2)]), sign=1)
    assert maps["22"].tolist() == [[10]]


def test_degrees_of_the_sample_with_a_free_edge_and_an_isolated_node() -> None:
    found = degrees(*boundaries(*SAMPLE[-3]))
    assert found.d0.tolist() == [2, 3, 3, 3, 1, 0]
    assert found.d5.tolist() == [1, 2, 1, 1, 1, 0]
    assert found.d2.tolist() == [1, 2, 1, 1, 1, 1]
    assert found.d1.tolist() == [4, 8, 8, 6, 2, 0]


def test_neither_isolated_nodes_nor_free_edges_divide_by_zero() -> None:
    for missing in (0, F(7, 3)):
        maps = operators(*boundaries(*SAMPLE[-3]), missing=missing)
        assert all(isinstance(x, int | Fraction) for m in maps.values() for x in m.flat)
        assert not maps["01"][5].any()
        assert not maps["21"][:, 5].any()


def test_the_sample_holds_what_is_said_of_it() -> None:
    counts = [(n, len(e), len(t)) for n, e, t in SAMPLE]
    assert len(counts) == 1 + 2 + 9 + 3
    assert counts[-3:] == [(6, 6, 2), (5, 7, 3), (4, 6, 4)]
    tetrahedron = boundaries(*SAMPLE[-1])[1]
    assert (abs(tetrahedron).sum(axis=1) == 2).all()


def test_generators_are_signed_permutations_that_leave_nodes_their_signs() -> None:
    b1, b2 = boundaries(*SAMPLE[-2])
    found = list(generators(b1, b2))
    assert len(found) == (5 - 1) + (7 - 1) + 7 + (3 - 1) + 3
    for moves in found:
        assert all((g @ g.T == np.eye(len(g), dtype=int)).all() for g in moves)
        assert (moves[0] >= 0).all()


def orbit(n: int) -> int:
    """How many matrices products of the generators on n edges make."""
    edges = tuple((k, k + 1) for k in range(n))
    seen = {tuple(np.eye(n, dtype=int).flat)}
    moves = {tuple(g[1].flat) for g in generators(*boundaries(n + 1, edges, ()))}
    while True:
        more = {tuple((np.array(a).reshape(n, n) @ np.array(b).reshape(n, n)).flat) for a in seen for b in moves} - seen
        if not more:
            return len(seen)
        seen |= more


@pytest.mark.parametrize(("n", "order"), [(1, 2), (2, 8), (3, 48)])
def test_generators_make_all_signed_permutations(n: int, order: int) -> None:
    assert orbit(n) == order


@pytest.mark.parametrize("side", [2, 3, 5])
def test_the_grid_holds_every_triple_joined_in_pairs(side: int) -> None:
    nodes, edges, triangles = grid(side)
    joined = {frozenset(e) for e in edges}
    wanted = [
        t
        for t in itertools.combinations(range(nodes), 3)
        if all(frozenset(p) in joined for p in itertools.combinations(t, 2))
    ]
    assert sorted(map(tuple, map(sorted, triangles))) == wanted
    assert (nodes, len(edges), len(triangles)) == (side**2, 2 * (2 * side - 1) * (side - 1), 4 * (side - 1) ** 2)


def moved(simplices: simplicial_complexes.Simplices, name: str, everything: bool) -> bool:
    """Whether a layer commutes with a product of all generators (or of those without signs)."""
    s = simplicial_equivariance.ACTIVATIONS[name]
    b1, b2 = boundaries(*simplices)
    g = [np.eye(n, dtype=int).astype(object) for n in (*b1.shape, b2.shape[1])]
    for move in generators(b1, b2):
        if everything or all((m >= 0).all() for m in move):
            g = [m @ h for m, h in zip(move, g, strict=True)]
    fields = [generic(len(h), 2, k + 1) for k, h in enumerate(g)]
    weights = {t: generic(2, 3, k + 4) for k, t in enumerate(TERMS)}
    here = layer(operators(b1, b2), fields, weights, s)
    there = layer(
        operators(g[0] @ b1 @ g[1].T, g[1] @ b2 @ g[2].T), [h @ x for h, x in zip(g, fields, strict=True)], weights, s
    )
    return all((a == h @ b).all() for a, h, b in zip(there, g, here, strict=True))


@pytest.mark.parametrize("name", simplicial_equivariance.ACTIVATIONS)
def test_layers_under_a_product_of_all_moves(name: str) -> None:
    for simplices in SAMPLE[-3:]:
        assert moved(simplices, name, everything=False)
        assert moved(simplices, name, everything=True) is (name in simplicial_equivariance.ODD)


def test_a_layer_with_a_wrong_operator_does_not_move() -> None:
    b1, b2 = boundaries(*SAMPLE[-1])
    turn = flip(len(b2), 0)
    broken = [operators(b, c) | {"11": abs(operators(b, c)["11"])} for b, c in ((b1, b2), (b1 @ turn, turn @ b2))]
    assert not (broken[1]["11"] == turn @ broken[0]["11"] @ turn).all()


def test_formal_operators_are_the_exact_ones() -> None:
    """Words evaluated letter by letter on a complex, D4 and D3 included, give the matrices of `operators`."""
    b1, b2 = boundaries(*SAMPLE[-3])
    d = degrees(b1, b2)
    inverse = {k: [1 / F(x) if x else F(0) for x in column] for k, column in d._asdict().items()}
    values = {
        "B1": b1, "B2": b2, "D0": np.diag(d.d0), "(D0 + 1)^-1": np.diag([1 / F(x + 1) for x in d.d0]),
        "D1^-1": np.diag(inverse["d1"]), "D2": np.diag(d.d2), "D2^-1": np.diag(inverse["d2"]),
        "(D2 + 1)^-1": np.diag([1 / F(x + 1) for x in d.d2]), "D3": np.diag(d.d3), "D4": np.diag(d.d4),
        "D4^-1": np.diag(inverse["d4"]), "D5^-1": np.diag(inverse["d5"]),
    }  # fmt: skip
    names = {name: simplicial_operators.matrix(name) for name in simplicial_operators.MOVES}
    words = simplicial_operators.formal_operators(*map(simplicial_operators.matrix, ("B1", "B2")), names)
    for term, formal in words.items():
        total = 0
        for monomial, c in formal.coefficients.items():
            factor = np.diag([F(1)] * (*b1.shape, b2.shape[1])[int(term[0])]).astype(object)
            for letter in monomial.word:
                bare = letter.name.removesuffix("'")
                factor = factor @ (values[bare].T if letter.name != bare else values[bare])
            total = total + c * (-1 if monomial.scalars else 1) * factor
        assert (total == operators(b1, b2)[term]).all(), term


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "a loop": (lambda: boundaries(2, [(1, 1)], []), "edges"),
    "an edge twice": (lambda: boundaries(2, [(0, 1), (1, 0)], []), "edges"),
    "no such node": (lambda: boundaries(2, [(0, 2)], []), "edges"),
    "a triangle twice": (lambda: boundaries(3, [(0, 1), (1, 2), (0, 2)], [(0, 1, 2), (1, 0, 2)]), "triangles"),
    "a triangle without an edge": (lambda: boundaries(3, [(0, 1), (1, 2)], [(0, 1, 2)]), "triangles"),
}


@pytest.mark.parametrize(("refused", "name"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


def test_public_names_exist() -> None:
    for module in (simplicial_complexes, simplicial_operators, simplicial_equivariance):
        assert all(hasattr(module, name) for name in module.__all__)
