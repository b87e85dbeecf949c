"""Theorem 5.5: the bounds against brute force over data sets, permutations and nets."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from theory import texture, texture_conv, texture_optimum, texture_printed
from theory.claims import LEDGER, Step
from theory.evidence import Trust
from theory.status import run_step
from theory.texture import (
    conv_upper_bound,
    exact_optimum,
    least_error_bound,
    lower_bound,
    sample,
    sample_complexity_bound,
    upper_bound,
)
from theory.texture_optimum import labelled_edges, optimum_by_definition

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NAN, INF = float("nan"), float("inf")
F = Fraction
CLAIMS = ("thm-5.5-sharp", "conv-upper-5.5", "thm-5.5", "upper-5.5")


def task(d: int) -> list[tuple[frozenset[int], int]]:
    """The pairs as the paper writes them, points as sets of pixels."""
    return [(frozenset({i, (i + 2) % d}), 1) for i in range(d)] + [(frozenset({i, (i + 1) % d}), -1) for i in range(d)]


def best(d: int, n: int) -> Fraction:
    """The least error by brute force: votes are constant on joint orbits of (data, test point)."""
    votes: dict[object, Counter[int]] = {}
    for *data, (test, label) in itertools.product(task(d), repeat=n + 1):
        images = (
            tuple(tuple(sorted(p[i] for i in x)) for x in (*(x for x, _ in data), test))
            for p in itertools.permutations(range(d))
        )
        votes.setdefault((tuple(y for _, y in data), min(images)), Counter())[label] += 1
    return F(sum(min(v[1], v[-1]) for v in votes.values()), (2 * d) ** (n + 1))


@pytest.mark.parametrize(("d", "n"), [(5, 0), (5, 1), (5, 2), (6, 0), (6, 1)])
def test_exact_optimum_by_brute_force(d: int, n: int) -> None:
    assert exact_optimum(d, n) == best(d, n)


@pytest.mark.parametrize(("d", "n"), [(6, 2), (6, 3), (7, 1), (7, 2)])
def test_exact_optimum_by_definition_further(d: int, n: int) -> None:
    assert exact_optimum(d, n) == optimum_by_definition(d, n, itertools.permutations(range(d)))


@pytest.mark.parametrize("d", range(5, 13))
def test_one_sample_saves_at_most_one_point_in_d(d: int) -> None:
    assert exact_optimum(d, 0) == F(1, 2)
    assert exact_optimum(d, 1) == F(d - 2, 2 * d)


@pytest.mark.parametrize(("d", "top"), [(5, 30), (6, 20), (7, 20), (8, 12), (9, 6), (10, 4), (12, 3)])
def test_optimum_lies_between_the_bounds_and_falls(d: int, top: int) -> None:
    errors = [exact_optimum(d, n) for n in range(top + 1)]
    assert all(a > b for a, b in itertools.pairwise(errors))
    for n, error in enumerate(errors):
        assert F(1, 2) * (1 - F(7, 2 * d)) ** n <= least_error_bound(d, n) <= error
        assert error <= F(1, 2) * (1 - F(1, 2 * d)) ** n


@pytest.mark.parametrize(("d", "least"), [(5, 3), (6, 2), (7, 3), (8, 4), (9, 4), (10, 5)])
def test_exact_sample_complexity_of_a_quarter(d: int, least: int) -> None:
    assert exact_optimum(d, least) <= F(1, 4) < exact_optimum(d, least - 1)
    assert F(d, 10) <= lower_bound(d, F(1, 4)).n <= least <= upper_bound(d, F(1, 4)).n


def matched(d: int, unseen: set[int]) -> int:
    """The most disjoint pairs (t, s) that swaps of two unseen pixels exchange."""
    points = task(d)
    exchanged = [[len(t ^ s) == 2 and t ^ s <= unseen for s, _ in points[:d]] for t, _ in points[d:]]
    return int((maximum_bipartite_matching(csr_array(exchanged)) >= 0).sum())


@pytest.mark.parametrize(("d", "n"), [(5, 1), (5, 2), (5, 3), (6, 1), (6, 2), (6, 3), (8, 1), (8, 2), (11, 2)])
def test_bound_counts_some_disjoint_pairs_and_the_optimum_pays_for_all(d: int, n: int) -> None:
    total = counted = 0
    for data in itertools.product([x for x, _ in task(d)], repeat=n):
        unseen = set(range(d)).difference(*data)
        two = sum({i, (i + 1) % d} <= unseen for i in range(d))
        three = sum({i, (i + 1) % d, (i + 2) % d} <= unseen for i in range(d))
        counted += 2 * two - three
        total += matched(d, unseen)
        assert 2 * two - three <= matched(d, unseen)
    assert F(counted, (2 * d) ** (n + 1)) == least_error_bound(d, n)
    assert F(total, (2 * d) ** (n + 1)) <= exact_optimum(d, n)


@QUICK
@given(st.integers(5, 60), st.fractions(F(1, 500), F(499, 500)))
def test_sample_complexity_bound_is_the_least_n(d: int, eps: Fraction) -> None:
    n = sample_complexity_bound(d, eps)
    assert least_error_bound(d, n) <= eps
    assert n == 0 or least_error_bound(d, n - 1) > eps
    assert lower_bound(d, eps).n == n


@QUICK
@given(st.integers(5, 60), st.fractions(F(1, 500), F(499, 500)), st.fractions(F(1, 500), F(499, 500)))
def test_bounds_with_confidence(d: int, eps: Fraction, delta: Fraction) -> None:
    low, high = lower_bound(d, eps, delta), upper_bound(d, eps, delta)
    assert low.vacuous == (eps + delta >= F(1, 2))
    assert low.n == (sample_complexity_bound(d, eps + delta) if eps + delta < 1 else 0)
    assert high.n == upper_bound(d, eps * delta).n
    assert low.n <= high.n


@QUICK
@given(st.integers(5, 60), st.fractions(F(1, 500), F(499, 500)))
def test_upper_bound_is_the_closed_formula(d: int, eps: Fraction) -> None:
    exact = math.log(2 * eps) / math.log1p(-1 / (2 * d))
    if abs(exact - round(exact)) > 1e-9:  # else rounding decides the ceiling
        assert upper_bound(d, eps).n == max(0, math.ceil(exact))


@pytest.mark.parametrize("d", [*range(5, 80), 400, 2000])
def test_the_printed_bound_follows_even_with_a_seventh(d: int) -> None:
    assert all(F(1, 2) * (1 - F(7, 2 * d)) ** n > F(1, 4) for n in range(math.ceil(d / 7)) if 7 * n < d)
    assert lower_bound(d, F(1, 8), F(1, 8)).n >= F(d, 7)


def test_the_threshold_for_a_quarter_is_about_a_quarter_of_d() -> None:
    assert 0.255 < lower_bound(10_000, F(1, 4)).n / 10_000 < 0.257


def test_memorising_by_listing_all_draws() -> None:
    for d, n in itertools.product((5, 6), range(4)):
        points = [x for x, _ in task(d)]
        unseen = sum(x not in data for data in itertools.product(points, repeat=n) for x in points)
        assert F(unseen, 2 * (2 * d) ** (n + 1)) == F(1, 2) * (1 - F(1, 2 * d)) ** n


def nets(d: int, activation: Callable[[int], int]) -> set[tuple[int, ...]]:
    """The predictions on all points of pooled nets with small weights."""
    small = range(-2, 3)
    features = {
        tuple(sum(activation(u * (j in x) + v * ((j + 1) % d in x)) for j in range(d)) for x, _ in task(d))
        for u, v in itertools.product(small, repeat=2)
    }
    halves = [F(k, 2) for k in range(-20, 21)]
    return {tuple(1 if a * f + b > 0 else -1 for f in row) for row in features for a in small for b in halves}


@pytest.mark.parametrize("activation", [lambda u: u * u, lambda u: max(u, 0)], ids=["square", "ReLU"])
def test_every_erm_over_pooled_nets(activation: Callable[[int], int]) -> None:
    d = 5
    labels = [label for _, label in task(d)]
    found = nets(d, activation)
    assert tuple(labels) in found
    for n in range(1, 4):
        fails, error = 0, F(0)
        for data in itertools.product(range(2 * d), repeat=n):
            wrong = {h: sum(h[k] != labels[k] for k in data) for h in found}
            least = min(wrong.values())
            worst = max(sum(a != b for a, b in zip(h, labels, strict=True)) for h in found if wrong[h] == least)
            fails, error = fails + (worst > 0), error + F(worst, 2 * d)
        assert F(fails, (2 * d) ** n) == F(2, 2**n)
        assert error / (2 * d) ** n == F(1, 2**n)
        assert n == 1 or conv_upper_bound(F(1, 3), F(2, 2**n)).n == n
        assert conv_upper_bound(F(1, 2**n)).n == n


CONV = {
    "half an error, any confidence": ("0.5", "1e-9", 1),
    "just below half": ("0.4999999999", "0.5", 2),
    "one in a hundred": (0.01, 0.01, 8),
    "a power of two": ("1/8", "1/8", 4),
    "just below a power of two": ("1/8", "0.12499999999999999999", 5),
    "below the least float": ("1/8", "1e-400", 1330),
    "expected error": ("1/8", None, 3),
    "expected error, just below": ("0.12499999999999999999", None, 4),
    "expected error, large": (0.99, None, 1),
}


@pytest.mark.parametrize(("eps", "delta", "n"), CONV.values(), ids=CONV)
def test_known_conv_bounds(eps: float | str, delta: float | str | None, n: int) -> None:
    assert conv_upper_bound(eps, delta).n == n


def test_bounds_name_their_claims() -> None:
    bounds = [lower_bound(9, 0.1), lower_bound(9, 0.1, 0.1), upper_bound(9, 0.1), conv_upper_bound(0.1)]
    assert [b.claim for b in bounds] == ["thm-5.5-sharp", "thm-5.5-sharp", "upper-5.5", "conv-upper-5.5"]
    assert all(b.claim in LEDGER.claims and b.enclosure and b.why for b in bounds)
    assert lower_bound(9, 0.5).enclosure == "0"
    assert lower_bound(9, 0.1).enclosure == f"({bounds[0].n - 1}, {bounds[0].n}]"


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    **{
        f"{f.__name__}, d = {d!r}": (lambda f=f, d=d: f(d, 0.25), "d")
        for f in (sample_complexity_bound, lower_bound, upper_bound)
        for d in (4, 0, -5, 5.5, True, "6", None, NAN)
    },
    **{
        f"{f.__name__}, d = {d!r}": (lambda f=f, d=d: f(d, 1), "d")
        for f in (least_error_bound, exact_optimum)
        for d in (4, 0, 5.5, True, "6", None)
    },
    **{
        f"{f.__name__}, n = {n!r}": (lambda f=f, n=n: f(6, n), "n")
        for f in (least_error_bound, exact_optimum)
        for n in (-1, 1.5, True, "3", None, NAN)
    },
    "optimum, d too large": (lambda: exact_optimum(13, 1), "d"),
    "optimum, n too large": (lambda: exact_optimum(12, 7), "n"),
    **{
        f"{f.__name__}, {name} = {bad!r}": (lambda f=f, name=name, bad=bad: f(**{"eps": 0.1, name: bad}), name)
        for f in (
            lambda eps, delta=None: lower_bound(6, eps, delta),
            lambda eps, delta=None: upper_bound(6, eps, delta),
            conv_upper_bound,
        )
        for name, bads in (("eps", (0, 1, -0.1, 2, NAN, INF, "x", True, None)), ("delta", (0, 1, -0.1, NAN, "x", True)))
        for bad in bads
    },
    **{f"sample, d = {d!r}": (lambda d=d: sample(d, 1, np.random.default_rng(0)), "d") for d in (4, 0, 5.5, True, "6")},
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


@pytest.mark.parametrize("d", [5, 6, 9])
def test_sample_maps_equally_likely_draws_to_each_pair_once(
    d: int, every_outcome_once: Callable[[int], np.random.Generator]
) -> None:
    x, y = sample(d, 2 * d, every_outcome_once(d))
    assert set(np.unique(x)) == {0.0, 1.0}
    found = Counter((frozenset(np.flatnonzero(p).tolist()), int(label)) for p, label in zip(x, y, strict=True))
    assert found == Counter(task(d))
    assert Counter(task(d)) == Counter((frozenset(edge), label) for edge, label in labelled_edges(d))


@pytest.mark.parametrize("shape", [0, 6, (2, 3), (4, 1, 2)], ids=str)
def test_samples_have_the_asked_shape(shape: int | tuple[int, ...]) -> None:
    x, y = sample(7, shape, np.random.default_rng(0))
    full = (shape,) if isinstance(shape, int) else shape
    assert y.shape == full
    assert x.shape == (*full, 7)
    assert (x.sum(axis=-1) == 2).all()


def test_equal_seeds_give_equal_samples() -> None:
    first, again = (sample(6, 9, np.random.default_rng(3)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


STEPS = {f"{id}: {step.name}": step for id in CLAIMS for step in LEDGER.steps[id] if step.kernel is None}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_steps_are_as_expected_and_their_mutants_caught(step: Step) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (LEDGER.get(step.claim).expected, "")
    assert result.trust is Trust.EXACT
    assert result.mutant is not result.verdict


def test_public_names_exist() -> None:
    modules = (texture, texture_conv, texture_optimum, texture_printed)
    assert all(callable(getattr(module, name)) for module in modules for name in module.__all__)


@pytest.mark.parametrize(("shape", "rng", "name"), [(2.5, np.random.default_rng(0), "shape"), (2, None, "rng")])
def test_a_bad_shape_or_generator_is_refused_by_name(shape: int, rng: np.random.Generator, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: got"):
        sample(7, shape, rng)
