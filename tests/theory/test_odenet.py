"""Bases in t against numerical integration, projections against least squares, and what the claims say of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import odenet, odenet_gronwall, odenet_projection, odenet_quadrature, odenet_spaces, odenet_variance
from theory.claims import LEDGER, Step
from theory.evidence import Trust, Verdict
from theory.odenet_projection import kept_share
from theory.odenet_quadrature import quadrature_projection
from theory.odenet_spaces import (
    BASES,
    Matrix,
    Piecewise,
    Space,
    gram,
    inner,
    midpoints,
    nests,
    product,
    projection,
    solve,
    transposed,
    values,
)
from theory.odenet_variance import averages
from theory.status import run_step

F = Fraction
CLAIMS = (
    "odenet",
    "odenet-equivariant",
    "odenet-gronwall",
    "odenet-lipschitz",
    "odenet-nested",
    "odenet-quadrature",
    "odenet-steps",
    "odenet-untrained",
    "odenet-variance",
)
STEPS = [step for id in CLAIMS for step in LEDGER.steps[id]]
QUICK = settings(max_examples=25, deadline=None, derandomize=True)
SPACES = [Space(b, k) for b in BASES for k in (2, 4, 6)] + [Space("constant", 5), Space("hats", 3), Space("hats", 5)]


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    basis = draw(st.sampled_from(BASES))
    return Space(basis, 2 * draw(st.integers(1, 4)) + (basis != "linear" and draw(st.booleans())))


def floats(matrix: Matrix) -> np.ndarray:
    return np.array(matrix, dtype=float)


def sampled(space: Space, points: int = 5040) -> np.ndarray:
    """The functions at the middles of many cells, which respect all breaks here."""
    return floats(values(space, midpoints(points)))


@pytest.mark.parametrize("space", [Space("constant", 3), Space("hats", 4), Space("linear", 4), Space("polynomial", 4)])
def test_gram_matrices_by_numerical_integration(space: Space) -> None:
    grid = sampled(space, 720)
    np.testing.assert_allclose(grid.T @ grid / 720, floats(gram(space, space)), atol=2e-4)


@pytest.mark.parametrize("source", [Space("constant", 4), Space("polynomial", 3)], ids=str)
@pytest.mark.parametrize("target", [Space(b, 4) for b in BASES], ids=str)
def test_projections_are_least_squares_fits(source: Space, target: Space) -> None:
    fitted = np.linalg.lstsq(sampled(target, 720), sampled(source, 720), rcond=None)[0]
    np.testing.assert_allclose(fitted, floats(projection(source, target)), atol=2e-3)


@pytest.mark.parametrize("basis", [b for b in BASES if b != "polynomial"])
def test_bases_add_up_to_one_and_are_one_at_their_own_place(basis: str) -> None:
    rows = values(Space(basis, 6), [F(k, 37) for k in range(38)])
    assert all(sum(row) == 1 and min(row) >= 0 for row in rows)


def test_hats_are_one_at_their_node_and_linear_functions_jump() -> None:
    assert values(Space("hats", 4), [F(k, 3) for k in range(4)]) == tuple(
        tuple(F(int(a == k)) for a in range(4)) for k in range(4)
    )
    end_of_first, start_of_second = Space("linear", 4).functions[1:3]
    half = F(1, 2)
    assert (end_of_first.from_left(half), end_of_first(half)) == (1, 0)
    assert (start_of_second.from_left(half), start_of_second(half)) == (0, 1)


def test_polynomials_are_orthogonal_with_known_lengths() -> None:
    space = Space("polynomial", 9)
    assert gram(space, space) == tuple(tuple(F(i == j, 2 * i + 1) for j in range(9)) for i in range(9))
    assert all(f(F(1)) == 1 for f in space.functions)


@QUICK
@given(spaces(), spaces(), st.data())
def test_what_a_projection_loses_is_orthogonal_to_its_space(source: Space, target: Space, data: st.DataObject) -> None:
    x = data.draw(st.lists(st.fractions(-3, 3), min_size=source.size, max_size=source.size))
    column = tuple((v,) for v in x)
    back = product(gram(target, target), product(projection(source, target), column))
    assert back == product(gram(target, source), column)


@QUICK
@given(spaces(), st.integers(2, 3), st.sampled_from(BASES))
def test_refining_is_undone_and_chains_compose(small: Space, factor: int, onto: str) -> None:
    if small.basis == "hats":
        large = Space("hats", factor * (small.size - 1) + 1)
    else:
        large = Space(small.basis, factor * small.size)
    assert nests(small, large)
    there, back = projection(small, large), projection(large, small)
    assert product(back, there) == tuple(tuple(F(i == j) for j in range(small.size)) for i in range(small.size))
    away = Space(onto, 6)
    assert product(back, projection(away, large)) == projection(away, small)


def test_spaces_that_do_not_nest() -> None:
    apart = [("constant", 2, "hats", 9), ("hats", 3, "hats", 4), ("hats", 3, "polynomial", 9), ("linear", 4, "hats", 5)]
    assert not any(nests(Space(a, i), Space(b, j)) for a, i, b, j in apart)


def test_there_and_back_through_a_space_that_does_not_hold_it_is_another_function() -> None:
    constants, hats = Space("constant", 4), Space("hats", 4)
    assert product(projection(hats, constants), projection(constants, hats))[0][0] != 1


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_pairs_are_averaged(size: int) -> None:
    row = projection(Space("constant", 2 * size), Space("constant", size))[-1]
    assert row == (*(F(0),) * (2 * size - 2), F(1, 2), F(1, 2))


@pytest.mark.parametrize(("cells", "error"), [(8, F(1, 3)), (20, F(3, 34)), (24, F(1, 9)), (16, F(0)), (48, F(0))])
def test_quadrature_is_as_wrong_as_claimed(cells: int, error: Fraction) -> None:
    fine, coarse = Space("constant", 16), Space("constant", 8)
    found = floats(quadrature_projection(fine, coarse, cells)) - floats(projection(fine, coarse))
    assert abs(found).max() == pytest.approx(float(error), abs=1e-15)


def test_aligned_quadrature_is_exact_for_linear_functions_and_not_for_cubic_ones() -> None:
    assert quadrature_projection(Space("linear", 6), Space("hats", 4), 6) == projection(
        Space("linear", 6), Space("hats", 4)
    )
    cubic = Space("polynomial", 4)
    assert quadrature_projection(cubic, Space("polynomial", 2), 1) != projection(cubic, Space("polynomial", 2))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_share_kept_is_the_trace_and_what_gaussians_keep(space: Space) -> None:
    fine, cells = Space("constant", 6), 6
    share = float(kept_share(space, cells))
    x = np.random.default_rng(space.size).standard_normal((cells, 20_000))
    coefficients = floats(projection(fine, space)) @ x
    kept = np.einsum("ar,ab,br->r", coefficients, floats(gram(space, space)), coefficients)
    ratio = kept / (x**2).mean(axis=0)
    assert ratio.mean() == pytest.approx(share, abs=5 * ratio.std() / math.sqrt(20_000) + 1e-12)
    if nests(space, fine):
        assert share == pytest.approx(space.size / cells)


def test_a_variance_turns_negative_by_least_squares_only() -> None:
    coarse, hats = Space("constant", 2), Space("hats", 2)
    v = np.array([1.0, 0.01])
    assert (floats(projection(coarse, hats)) @ v).tolist() == pytest.approx([499 / 400, -19 / 80])
    assert np.exp(floats(projection(coarse, hats)) @ np.log(v)).min() > 0
    assert (floats(averages(coarse, hats)) @ v).min() > 0


def test_float_steps_are_those_of_this_machine() -> None:
    for n in range(1, 33):
        t, count = 0.0, 0
        while t < 1:
            t, count = t + 1 / n, count + 1
        assert count - n == (n in odenet.FLOAT_STEPS)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "an unknown basis": (lambda: Space("splines", 4), "basis"),
    **{
        f"size {k!r} of {b}": (lambda b=b, k=k: Space(b, k), "size")
        for b in BASES
        for k in (0, -1, 2.0, True, "3", None)
    },
    "one hat": (lambda: Space("hats", 1), "size"),
    "half a cell": (lambda: Space("linear", 3), "size"),
    "no step": (lambda: midpoints(0), "steps"),
    "no cell to keep": (lambda: kept_share(Space("constant", 2), 0), "cells"),
    "no quadrature": (lambda: quadrature_projection(Space("constant", 2), Space("constant", 1), 0), "cells"),
    "singular": (lambda: solve(((F(0),),), ((F(1),),)), "a"),
    "too coarse a quadrature": (lambda: quadrature_projection(Space("constant", 2), Space("constant", 8), 1), "cells"),
    "not square": (lambda: solve(((F(0), F(1)),), ((F(1),),)), "a, b"),
    "factors that do not fit": (lambda: product(((F(1),),), ((F(1),), (F(1),))), "b"),
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.claim}: {step.name}")
def test_steps_are_certified_and_their_mutants_caught(step: Step) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (Verdict.CERTIFIED, "")
    assert result.trust is Trust.EXACT
    assert result.mutant is not result.verdict


def test_every_claim_of_the_family_is_tested_here() -> None:
    assert {id for id in LEDGER.claims if id.startswith("odenet")} == {*CLAIMS, "odenet-cifar10"}


def test_public_names_exist() -> None:
    modules = (odenet, odenet_gronwall, odenet_projection, odenet_quadrature, odenet_spaces, odenet_variance)
    assert all(hasattr(module, name) for module in modules for name in module.__all__)


def test_a_function_is_zero_outside_its_cells() -> None:
    bump = Piecewise((F(1, 4), F(1, 2)), ((F(3),),))
    assert [bump(t) for t in (F(0), F(1, 4), F(1, 2), F(1))] == [0, 3, 0, 0]
    assert inner(bump, Piecewise((F(1, 2), F(1)), ((F(1),),))) == 0
    assert transposed(((F(1), F(2)),)) == ((F(1),), (F(2),))
    assert len(list(itertools.chain(*gram(Space("hats", 3), Space("constant", 2))))) == 6
