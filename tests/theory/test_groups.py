"""The groups are groups, sit in each other as stated, and act without changing W x."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.groups import FINITE, GROUPS, Group, act_on_points, act_on_weights, cayley, inverse, is_subgroup

QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NAN, INF = float("nan"), float("inf")
F = Fraction
NAMES = st.sampled_from([*GROUPS])
SEEDS = st.integers(0, 10**6)
DIMENSIONS = st.integers(1, 4)
SMALL_RATIONALS = st.fractions(-3, 3, max_denominator=4)

Matrix = NDArray[Any]


def exact(rows: list[list[Fraction]]) -> Matrix:
    """A matrix of Fractions."""
    return np.array([[Fraction(x) for x in row] for row in rows], object)


def identity(d: int) -> Matrix:
    """The exact identity."""
    return exact(np.eye(d, dtype=int).tolist())


def rational_matrix(rows: int, columns: int, rng: random.Random) -> Matrix:
    """Random small rationals."""
    return exact([[Fraction(rng.randint(-6, 6), rng.randint(1, 4)) for _ in range(columns)] for _ in range(rows)])


INCLUDED = {
    ("cyclic_shift", "permutation"),
    ("cyclic_shift", "signed_permutation"),
    ("cyclic_shift", "orthogonal"),
    ("cyclic_shift", "general_linear"),
    ("permutation", "signed_permutation"),
    ("permutation", "orthogonal"),
    ("permutation", "general_linear"),
    ("sign_flip", "signed_permutation"),
    ("sign_flip", "orthogonal"),
    ("sign_flip", "general_linear"),
    ("signed_permutation", "orthogonal"),
    ("signed_permutation", "general_linear"),
    ("orthogonal", "general_linear"),
}
# For each group an element and the groups, in dimension 3, that do not contain it.
WITNESSES: dict[str, list[Matrix]] = {
    "cyclic_shift": [exact([[0, 1, 0], [0, 0, 1], [1, 0, 0]])],
    "permutation": [exact([[0, 1, 0], [1, 0, 0], [0, 0, 1]])],
    "sign_flip": [exact([[-1, 0, 0], [0, 1, 0], [0, 0, 1]])],
    "signed_permutation": [exact([[0, -1, 0], [1, 0, 0], [0, 0, 1]])],
    "orthogonal": [exact([[F(3, 5), F(-4, 5), 0], [F(4, 5), F(3, 5), 0], [0, 0, 1]])],
    "general_linear": [exact([[1, 1, 0], [0, 1, 0], [0, 0, 1]]), exact([[2, 0, 0], [0, 2, 0], [0, 0, 2]])],
}
PAIRS = list(itertools.product(GROUPS, repeat=2))


@pytest.mark.parametrize(("small", "large"), PAIRS)
def test_inclusions_are_those_of_mathematics(small: str, large: str) -> None:
    assert is_subgroup(GROUPS[small], GROUPS[large]) is (small == large or (small, large) in INCLUDED)


@pytest.mark.parametrize(("small", "large"), [p for p in PAIRS if p[0] != p[1] and p not in INCLUDED])
def test_every_missing_inclusion_has_a_witness(small: str, large: str) -> None:
    assert all(GROUPS[small].contains(w) for w in WITNESSES[small])
    assert not all(GROUPS[large].contains(w) for w in WITNESSES[small])


@pytest.mark.parametrize("d", range(1, 7))
@pytest.mark.parametrize(("small", "large"), [p for p in PAIRS if p[0] == p[1] or p in INCLUDED])
def test_samples_lie_in_the_group_and_in_all_that_contain_it(small: str, large: str, d: int) -> None:
    rng = random.Random(d)
    samples = [GROUPS[small].exact_element(d, rng) for _ in range(4)]
    assert all(g.shape == (d, d) and all(type(x) is Fraction for x in g.flat) for g in samples)
    assert all(GROUPS[large].contains(g) for g in samples)


MEMBERS: dict[str, tuple[Matrix, set[str]]] = {
    "identity": (identity(3), set(GROUPS)),
    "shift": (exact([[0, 1, 0], [0, 0, 1], [1, 0, 0]]), set(GROUPS) - {"sign_flip"}),
    "swap": (WITNESSES["permutation"][0], {"permutation", "signed_permutation", "orthogonal", "general_linear"}),
    "flip": (WITNESSES["sign_flip"][0], {"sign_flip", "signed_permutation", "orthogonal", "general_linear"}),
    "signed swap": (WITNESSES["signed_permutation"][0], {"signed_permutation", "orthogonal", "general_linear"}),
    "rotation": (WITNESSES["orthogonal"][0], {"orthogonal", "general_linear"}),
    "shear": (WITNESSES["general_linear"][0], {"general_linear"}),
    "twice the identity": (WITNESSES["general_linear"][1], {"general_linear"}),
    "a nearly orthogonal matrix": (identity(3) * (1 + F(1, 10**30)), {"general_linear"}),
    "zero": (identity(3) * F(0), set()),
    "rank two": (exact([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), set()),
    "two ones in a column": (exact([[1, 0, 0], [1, 0, 0], [0, 0, 1]]), set()),
    "a nearly singular matrix": (exact([[1, 1, 0], [1, 1 + F(1, 10**40), 0], [0, 0, 1]]), {"general_linear"}),
}


@pytest.mark.parametrize(("g", "groups"), MEMBERS.values(), ids=MEMBERS)
def test_membership_is_exact(g: Matrix, groups: set[str]) -> None:
    assert {name for name, group in GROUPS.items() if group.contains(g)} == groups


@pytest.mark.parametrize("name", GROUPS)
def test_membership_takes_integers(name: str) -> None:
    assert GROUPS[name].contains([[1, 0], [0, 1]])
    assert GROUPS[name].contains(np.eye(2, dtype=np.int8))


@pytest.mark.parametrize("g", [np.eye(2), [[1.0]], np.array([[Fraction(1), 0.5], [0, 1]], object)], ids=repr)
def test_membership_of_floats_is_refused(g: object) -> None:
    with pytest.raises(ValueError, match="g: got dtype"):
        GROUPS["orthogonal"].contains(g)


ORDERS: dict[str, Callable[[int], int]] = {
    "cyclic_shift": lambda d: d,
    "permutation": math.factorial,
    "sign_flip": lambda d: 2**d,
    "signed_permutation": lambda d: 2**d * math.factorial(d),
}


@pytest.mark.parametrize("d", range(1, 5))
@pytest.mark.parametrize("name", FINITE)
def test_finite_groups_have_the_right_order_and_distinct_members(name: str, d: int) -> None:
    elements = [*GROUPS[name].elements(d)]
    assert len({tuple(g.flat) for g in elements}) == len(elements) == ORDERS[name](d)
    assert all(GROUPS[name].contains(g) for g in elements)


@pytest.mark.parametrize("name", FINITE)
def test_finite_groups_are_closed_exhaustively(name: str) -> None:
    elements = {tuple(g.flat): g for g in GROUPS[name].elements(3)}
    assert all(tuple((g @ h).flat) in elements for g, h in itertools.product(elements.values(), repeat=2))
    assert all(tuple(inverse(g).flat) in elements for g in elements.values())


def test_finite_lists_the_finite_groups() -> None:
    assert set(FINITE) == set(ORDERS)


@pytest.mark.parametrize("name", sorted(set(GROUPS) - set(ORDERS)))
def test_infinite_groups_have_no_list_of_elements(name: str) -> None:
    with pytest.raises(ValueError, match=f"group: {name} is infinite"):
        GROUPS[name].elements(2)


@pytest.mark.parametrize("name", FINITE)
def test_sampler_of_a_finite_group_reaches_every_element_about_equally(name: str) -> None:
    rng, order = random.Random(0), ORDERS[name](3)
    counts = Counter(tuple(GROUPS[name].exact_element(3, rng).flat) for _ in range(40 * order))
    assert len(counts) == order
    assert max(counts.values()) < 90  # 40 expected: 8 standard deviations


@QUICK
@given(NAMES, DIMENSIONS, SEEDS)
def test_group_laws(name: str, d: int, seed: int) -> None:
    rng, group = random.Random(seed), GROUPS[name]
    g, h = group.exact_element(d, rng), group.exact_element(d, rng)
    assert group.contains(g @ h)
    assert group.contains(inverse(g))
    assert (inverse(g) @ g == identity(d)).all()
    assert (g @ inverse(g) == identity(d)).all()
    assert (inverse(g @ h) == inverse(h) @ inverse(g)).all()


@QUICK
@given(NAMES, DIMENSIONS, SEEDS)
def test_weights_times_points_never_change(name: str, d: int, seed: int) -> None:
    rng = random.Random(seed)
    g, w, x = GROUPS[name].exact_element(d, rng), rational_matrix(2, d, rng), rational_matrix(3, d, rng)
    assert (act_on_weights(g, w) @ act_on_points(g, x).T == w @ x.T).all()


@QUICK
@given(NAMES, DIMENSIONS, SEEDS)
def test_both_actions_respect_products(name: str, d: int, seed: int) -> None:
    rng = random.Random(seed)
    g, h = (GROUPS[name].exact_element(d, rng) for _ in range(2))
    w, x = rational_matrix(2, d, rng), rational_matrix(3, d, rng)
    assert (act_on_points(g @ h, x) == act_on_points(g, act_on_points(h, x))).all()
    assert (act_on_weights(g @ h, w) == act_on_weights(g, act_on_weights(h, w))).all()
    assert (act_on_points(identity(d), x) == x).all()
    assert (act_on_weights(identity(d), w) == w).all()


@QUICK
@given(NAMES, DIMENSIONS, SEEDS)
def test_float_elements_lie_in_the_group_up_to_rounding(name: str, d: int, seed: int) -> None:
    g = GROUPS[name].float_element(d, np.random.default_rng(seed))
    assert g.shape == (d, d)
    assert g.dtype == np.float64
    if name in FINITE:
        assert GROUPS[name].contains(g.astype(int))
        assert (g == g.astype(int)).all()
    elif name == "orthogonal":
        assert np.abs(g @ g.T - np.eye(d)).max() < 1e-14 * d
    else:
        assert np.linalg.cond(g) < 4.0001
    w, x = np.ones((2, d)), np.arange(1.0, d + 1)[None]
    assert np.allclose(act_on_weights(g, w) @ act_on_points(g, x).T, w @ x.T, rtol=1e-13, atol=1e-13)


def test_haar_elements_have_the_moments_of_haar_measure() -> None:
    """E g_11 = 0, E g_11^2 = 1/d and E g_11^4 = 3/(d(d+2)); 4000 draws, 6 standard errors."""
    rng, d = np.random.default_rng(0), 3
    entries = np.array([GROUPS["orthogonal"].float_element(d, rng)[0, 0] for _ in range(4000)])
    for power, expected in ((1, 0.0), (2, 1 / d), (4, 3 / (d * (d + 2)))):
        values = entries**power
        assert abs(values.mean() - expected) < 6 * values.std() / math.sqrt(len(values))


def determinant_sign(g: Matrix) -> int:
    """The sign of the determinant of an orthogonal matrix."""
    return round(float(np.linalg.det(g.astype(np.float64))))


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_both_components_of_the_orthogonal_group_are_sampled(d: int) -> None:
    group, rng, floats = GROUPS["orthogonal"], random.Random(0), np.random.default_rng(0)
    assert {determinant_sign(group.exact_element(d, rng)) for _ in range(24)} == {-1, 1}
    assert {determinant_sign(group.float_element(d, floats)) for _ in range(24)} == {-1, 1}


@pytest.mark.parametrize("d", range(1, 13))
def test_cayley_transforms_are_exactly_orthogonal(d: int) -> None:
    rng = random.Random(d)
    a = rational_matrix(d, d, rng)
    rotation = cayley(a - a.T)
    assert (rotation @ rotation.T == identity(d)).all()
    assert determinant_sign(rotation) == 1


@QUICK
@given(SMALL_RATIONALS)
def test_planar_cayley_is_the_rational_circle(t: Fraction) -> None:
    expected = [[(1 - t**2) / (1 + t**2), 2 * t / (1 + t**2)], [-2 * t / (1 + t**2), (1 - t**2) / (1 + t**2)]]
    assert cayley([[0, t], [-t, 0]]).tolist() == expected


def test_different_seeds_give_different_elements_and_equal_seeds_equal_ones() -> None:
    for name, group in GROUPS.items():
        draws = [tuple(group.exact_element(5, random.Random(seed)).flat) for seed in (0, 0, *range(1, 9))]
        assert draws[0] == draws[1], name
        assert len(set(draws)) > 2, name


NOT_SKEW = {
    "symmetric": [[0, 1], [1, 0]],
    "a diagonal": [[1, 0], [0, 0]],
    "floats": [[0.0, 1.0], [-1.0, 0.0]],
    "not square": [[0, 1, 0], [-1, 0, 0]],
}


@pytest.mark.parametrize("matrix", NOT_SKEW.values(), ids=NOT_SKEW)
def test_cayley_wants_an_exact_skew_matrix(matrix: object) -> None:
    with pytest.raises(ValueError, match=r"^skew: got"):
        cayley(matrix)


SINGULAR = {
    "exact zero": identity(2) * F(0),
    "exact rank one": exact([[1, 2], [2, 4]]),
    "integers": [[1, 2], [2, 4]],
    "float zero": np.zeros((2, 2)),
    "float rank one": np.array([[1.0, 2.0], [2.0, 4.0]]),
    "float to working precision": np.array([[1.0, 1.0], [1.0, 1.0 + 2e-16]]),
    "float32 to working precision": np.array([[1.0, 1.0], [1.0, 1.0 + 1e-7]], np.float32),
}


@pytest.mark.parametrize("g", SINGULAR.values(), ids=SINGULAR)
def test_singular_matrices_are_refused(g: object) -> None:
    with pytest.raises(ValueError, match=r"^g: got a singular matrix"):
        inverse(g)
    with pytest.raises(ValueError, match=r"^g: got a singular matrix"):
        act_on_weights(g, [[1, 1]])


BAD = {
    "nan in g": (lambda: act_on_points([[NAN, 0], [0, 1]], [[1.0, 2.0]]), "g: got NaN"),
    "inf in g": (lambda: act_on_weights([[INF, 0], [0, 1]], [[1.0, 2.0]]), "g: got NaN or infinite"),
    "nan in points": (lambda: act_on_points(np.eye(2), [[NAN, 2.0]]), "points: got NaN"),
    "inf in points": (lambda: act_on_points(np.eye(2), [[1.0, -INF]]), "points: got NaN or infinite"),
    "nan in weights": (lambda: act_on_weights(np.eye(2), [[NAN, 2.0]]), "weights: got NaN"),
    "inf in weights": (lambda: act_on_weights(np.eye(2), [[INF, 2.0]]), "weights: got NaN or infinite"),
    "nan to invert": (lambda: inverse([[NAN]]), "g: got NaN"),
    "g not square": (lambda: act_on_points(np.ones((2, 3)), [[1.0, 2.0, 3.0]]), r"g: got shape \(2, 3\)"),
    "g empty": (lambda: inverse(np.ones((0, 0))), r"g: got shape \(0, 0\)"),
    "g a vector": (lambda: inverse([1.0, 2.0]), r"g: got shape \(2,\)"),
    "points too long": (lambda: act_on_points(np.eye(2), [[1.0, 2.0, 3.0]]), r"points: got shape \(1, 3\)"),
    "points a vector": (lambda: act_on_points(np.eye(2), [1.0, 2.0]), r"points: got shape \(2,\)"),
    "weights too short": (lambda: act_on_weights(np.eye(2), [[1.0]]), r"weights: got shape \(1, 1\)"),
    "complex g": (lambda: inverse([[1j]]), "g: got dtype complex"),
    "text": (lambda: inverse([["a"]]), "g: got dtype"),
    "ragged": (lambda: inverse([[1.0], [1.0, 2.0]]), "g: got a ragged"),
}


@pytest.mark.parametrize(("refused", "says"), BAD.values(), ids=BAD)
def test_bad_arrays_are_refused_by_name(refused: Callable[[], Matrix], says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        refused()


@pytest.mark.parametrize("d", [0, -1, 1.5, True, "3", None], ids=repr)
@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_bad_dimensions_are_refused(group: Group, d: object) -> None:
    with pytest.raises(ValueError, match=r"^d: got"):
        group.exact_element(d, random.Random(0))
    with pytest.raises(ValueError, match=r"^d: got"):
        group.float_element(d, np.random.default_rng(0))


@pytest.mark.parametrize("name", FINITE)
def test_bad_dimensions_are_refused_by_elements_at_once(name: str) -> None:
    with pytest.raises(ValueError, match=r"^d: got 0"):
        GROUPS[name].elements(0)


def test_dimension_one() -> None:
    members = {name: [sign for sign in (-1, 0, 1, 2) if group.contains([[sign]])] for name, group in GROUPS.items()}
    assert members == {
        "cyclic_shift": [1],
        "permutation": [1],
        "sign_flip": [-1, 1],
        "signed_permutation": [-1, 1],
        "orthogonal": [-1, 1],
        "general_linear": [-1, 1, 2],
    }


def test_integers_beyond_64_bits_do_not_wrap_round() -> None:
    assert act_on_points([[4]], [[2**62]]).tolist() == [[2**64]]


def test_exact_inverse_of_a_known_matrix() -> None:
    assert inverse(exact([[1, 2], [3, 5]])).tolist() == [[-5, 2], [3, -1]]


def test_actions_compose_whatever_the_number_types() -> None:
    """An integer element on floating points stays floating, so that it can act again; integers stay exact."""
    swap = [[0, 1], [1, 0]]
    twice = act_on_points(swap, act_on_points(swap, [[3.0, 5.0]]))
    assert twice.dtype == float
    assert twice.tolist() == [[3.0, 5.0]]
    exact = act_on_weights(np.array([[F(1, 2)]], object), [[2]])
    assert exact.tolist() == [[F(4)]]
    assert inverse(np.eye(2, dtype=np.float16)).dtype == np.float64
