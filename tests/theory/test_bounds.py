"""`best`: which bounds speak of which learners, which one wins, and that all of them agree with each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory import bounds, quadratic, regression, texture, warmup
from theory.bounds import LEARNERS, TASKS, best
from theory.claims import load
from theory.complexity import Bound

F = Fraction
LEDGER = load()
QUICK = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NAN, INF = float("nan"), float("inf")

# lower, upper without delta; lower, upper with it. At d = 8, eps = delta = 1/10.
NONE = (None, None)
WON = {
    ("warmup", "orthogonal"): ("ex-4.1-exact", "ex-4.1-exact") * 2,
    ("warmup", "sign-flip"): ("ex-4.1-exact", "ex-4.1-exact") * 2,
    ("warmup", "permutation"): (None, "ex-4.1-exact") * 2,
    ("warmup", "conv"): NONE * 2,
    ("quadratic", "orthogonal"): ("thm-5.2-explicit", "upper-5.2") * 2,
    ("quadratic", "sign-flip"): (None, "upper-5.2") * 2,
    ("quadratic", "permutation"): (None, "upper-5.2") * 2,
    ("quadratic", "conv"): (None, "conv-upper-4.1") * 2,
    ("regression", "orthogonal"): ("thm-5.4-corrected", "thm-5.4-corrected") * 2,
    ("regression", "sign-flip"): (None, "thm-5.4-corrected") * 2,
    ("regression", "permutation"): (None, "thm-5.4-corrected") * 2,
    ("regression", "conv"): (None, "conv-upper-5.4") * 2,
    ("texture", "orthogonal"): ("thm-5.5-sharp", "upper-5.5") * 2,
    ("texture", "permutation"): ("thm-5.5-sharp", "upper-5.5") * 2,
    ("texture", "sign-flip"): (None, "upper-5.5") * 2,
    ("texture", "conv"): (None, "conv-upper-5.5") * 2,
}


def name(bound: Bound | None) -> str | None:
    return bound and bound.claim


@pytest.mark.parametrize(("task", "learner"), WON, ids=str)
def test_which_claim_wins(task: str, learner: str) -> None:
    mean, tail = (best(task, 8, F(1, 10), delta, learner) for delta in (None, F(1, 10)))
    assert (name(mean.lower), name(mean.upper), name(tail.lower), name(tail.upper)) == WON[task, learner]
    assert (mean.task, mean.d, mean.eps, mean.delta, mean.learner) == (task, 8, F(1, 10), None, learner)
    assert (tail.eps, tail.delta) == (F(1, 10), F(1, 10))


def test_the_table_is_whole() -> None:
    assert set(WON) == set(itertools.product(TASKS, LEARNERS))


@pytest.mark.parametrize(
    ("task", "learner"),
    [("warmup", "orthogonal"), ("quadratic", "orthogonal"), ("regression", "orthogonal"), ("texture", "permutation")],
)
def test_the_default_learner_is_that_of_the_theorem(task: str, learner: str) -> None:
    assert best(task, 8, 0.1) == best(task, 8, 0.1, None, learner)
    assert best(task, 8, 0.1, 0.1) == best(task, 8, 0.1, 0.1, learner)


EPS = ("0.3", "0.1", "1/100", "1e-4", "1e-7")
DELTA = (None, "1/1000", "0.5")


@pytest.mark.parametrize(("eps", "delta"), list(itertools.product(EPS, DELTA)))
@pytest.mark.parametrize("d", [1, 2, 5, 8, 20])
def test_the_numbers_are_those_of_the_theorems(d: int, eps: str, delta: str | None) -> None:
    found = best("quadratic", d, eps, delta)
    assert found.lower == quadratic.lower_bound(d, eps, delta)
    assert found.upper == quadratic.upper_bound(d, eps, delta)
    assert best("quadratic", d, eps, delta, "conv").upper == quadratic.conv_upper_bound(d, eps, delta)
    if float(F(eps)) > 1e-5:  # the exact bounds of these are found by search
        for kind in ("orthogonal", "sign-flip"):
            exact = best("warmup", d, eps, delta, kind)
            assert exact.lower == warmup.lower_bound(d, eps, delta)
            assert exact.upper == warmup.upper_bound(d, eps, delta)
        if d >= 5:
            pixels = best("texture", d, eps, delta)
            assert (
                pixels.lower == texture.lower_bound(d, eps, delta) == best("texture", d, eps, delta, "orthogonal").lower
            )
            assert pixels.upper == texture.upper_bound(d, eps, delta)
            assert best("texture", d, eps, delta, "conv").upper == texture.conv_upper_bound(eps, delta)


@pytest.mark.parametrize(("eps", "delta"), list(itertools.product(EPS, DELTA)))
@pytest.mark.parametrize("d", [1, 2, 5, 8, 20])
def test_the_numbers_of_regression(d: int, eps: str, delta: str | None) -> None:
    found = best("regression", d, eps, delta)
    assert found.lower == regression.lower_bound(d, eps, delta)
    assert found.upper == regression.sharp_upper_bound(d, eps, delta)
    assert best("regression", d, eps, delta, "permutation").upper == found.upper
    assert best("regression", d, eps, delta, "conv").upper == regression.conv_upper_bound(d, eps, delta)


def test_regression_has_no_lower_bound_where_failure_is_as_likely_as_success() -> None:
    assert best("regression", 6, "0.1", "0.4999").lower is not None
    assert best("regression", 6, "0.1", "0.5").lower is None


@pytest.mark.parametrize("delta", [None, 0.3])
def test_beaten_bounds_are_kept(delta: float | None) -> None:
    for eps in (0.1, 0.01, "1e-4", "1e-8"):
        found = best("quadratic", 8, eps, delta)
        both = {quadratic.explicit_lower_bound(8, eps, delta), quadratic.rate_lower_bound(8, eps, delta)}
        assert {found.lower, *found.beaten_lower} == both
        assert all(found.lower.n >= weaker.n for weaker in found.beaten_lower)
    assert best("warmup", 8, 0.1, delta).beaten_lower == best("warmup", 8, 0.1, delta).beaten_upper == ()


def test_the_warm_up_is_settled_in_the_mean() -> None:
    for d, eps in itertools.product((1, 2, 8, 30), ("0.49", "0.25", "0.01")):
        found = best("warmup", d, eps)
        assert found.lower is not None
        assert found.upper is not None
        assert found.lower.n == found.upper.n == warmup.sample_complexity(d, eps)


@pytest.mark.parametrize("d", [2, 8, 64])
def test_the_rate_wins_from_some_eps_on(d: int) -> None:
    won = [name(best("quadratic", d, f"1e-{k}", 0.5).lower) for k in range(1, 12)]
    assert won == sorted(won)  # "thm-5.2-explicit" first
    assert set(won) == {"thm-5.2-explicit", "thm-5.2-rate"}


def test_vacuous_bounds_are_reported_as_vacuous() -> None:
    for found in (
        best("quadratic", 8, 0.1),
        best("quadratic", 3, 0.9, 0.9),
        best("warmup", 8, 0.5),
        best("warmup", 8, 0.4, 0.7),
        best("texture", 8, 0.3, 0.3),
    ):
        assert found.lower is not None
        assert found.lower.vacuous
        assert found.lower.n <= 0
    assert not best("quadratic", 8, 0.01).lower.vacuous


def test_the_strongest_bound_wins_and_what_is_not_certified_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def says(n: int | None) -> Callable[[int, Fraction, Fraction | None], Bound | None]:
        return lambda d, eps, delta: None if n is None else Bound(n, f"claim {n}", str(n), "toy")

    lower = (("orthogonal", says(9)), ("permutation", says(3)), ("sign_flip", says(None)), ("permutation", says(5)))
    upper = (("orthogonal", says(40)), ("permutation", says(20)), (None, says(10)), ("orthogonal", says(None)))
    monkeypatch.setitem(TASKS, "toy", bounds.Task("orthogonal", 1, lower, upper))
    found = {kind: best("toy", 1, 0.5, None, kind) for kind in LEARNERS}
    said = {kind: (b.lower and b.lower.n, b.upper and b.upper.n) for kind, b in found.items()}
    assert said == {"orthogonal": (9, 40), "permutation": (5, 20), "sign-flip": (None, 40), "conv": (None, 10)}


TASK_AND_D = st.sampled_from(sorted(TASKS)).flatmap(
    lambda task: st.tuples(st.just(task), st.integers(TASKS[task].least, 12))
)
SHARE = st.fractions(F(1, 400), F(399, 400))


@QUICK
@given(TASK_AND_D, SHARE, st.one_of(st.none(), SHARE), st.sampled_from(sorted(LEARNERS)))
def test_lower_is_never_above_upper(
    asked: tuple[str, int], eps: Fraction, delta: Fraction | None, learner: str
) -> None:
    found = best(*asked, eps, delta, learner)
    for bound in (found.lower, found.upper):
        assert bound is None or (bound.claim in LEDGER.claims and bound.enclosure and bound.why)
    if found.lower and found.upper:
        assert found.lower.n <= found.upper.n
    assert found.upper is None or found.upper.n >= 0


@QUICK
@given(TASK_AND_D, SHARE, SHARE, st.sampled_from(sorted(LEARNERS)))
def test_definition_3_3_ties_the_two_notions(
    asked: tuple[str, int], eps: Fraction, delta: Fraction, learner: str
) -> None:
    """N*(eps + delta) <= N(eps, delta) <= N*(eps delta); the left one where errors are at most 1."""
    tail = best(*asked, eps, delta, learner)
    if eps + delta < 1 and asked[0] != "regression":
        easier = best(*asked, eps + delta, None, learner)
        assert not (easier.lower and tail.upper) or easier.lower.n <= tail.upper.n
    harder = best(*asked, eps * delta, None, learner)
    assert not (tail.lower and harder.upper) or tail.lower.n <= harder.upper.n


@QUICK
@given(TASK_AND_D, SHARE, SHARE, st.one_of(st.none(), SHARE), st.sampled_from(sorted(LEARNERS)))
def test_bounds_fall_with_eps_and_with_delta(
    asked: tuple[str, int], a: Fraction, b: Fraction, delta: Fraction | None, learner: str
) -> None:
    small, large = sorted((a, b))
    pairs = [(best(*asked, small, delta, learner), best(*asked, large, delta, learner))]
    if delta is not None:
        pairs.append((best(*asked, delta, small, learner), best(*asked, delta, large, learner)))
    for more, less in pairs:
        assert not less.lower or more.lower.n >= less.lower.n
        assert not more.upper or more.upper.n >= less.upper.n


@QUICK
@given(TASK_AND_D, SHARE, st.one_of(st.none(), SHARE))
def test_a_larger_group_needs_more_samples(asked: tuple[str, int], eps: Fraction, delta: Fraction | None) -> None:
    """What is certified for a group bounds what is certified for the groups around it."""
    large = best(*asked, eps, delta, "orthogonal")
    for kind in ("permutation", "sign-flip"):
        small = best(*asked, eps, delta, kind)
        assert not small.lower or small.lower.n <= large.lower.n
        assert not large.upper or small.upper.n <= large.upper.n


@pytest.mark.parametrize("d", [1, 8])
def test_numbers_are_read_exactly_however_they_are_written(d: int) -> None:
    spelled = [best("quadratic", d, e, x) for e in (0.1, "0.1", "1/10", F(1, 10)) for x in (0.5, "0.5", F(1, 2))]
    assert all(found == spelled[0] for found in spelled)
    assert best("quadratic", np.int64(d), 0.1, 0.5) == spelled[0]


BAD = {
    "task": ("shapes", "", "Quadratic", None, 1),
    "learner": ("adam", "", "Conv", "sign_flip", 1),
    "d": (0, -1, 1.5, True, "x", "8", NAN, INF, None),
    "eps": (0, 1, 2, -0.1, True, "x", "", NAN, INF, "1/0", None),
    "delta": (0, 1, 2, -0.1, True, "x", "", NAN, INF, "1/0"),
}
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    f"{task}, {key} = {bad!r}": (
        lambda asked={"task": task, "d": 8, "eps": 0.1, "delta": 0.1} | {key: bad}: best(**asked),
        key,
    )
    for task in TASKS
    for key, bads in BAD.items()
    for bad in bads
}
REFUSED |= {f"texture, d = {d}": (lambda d=d: best("texture", d, 0.1), "d") for d in (1, 4)}


@pytest.mark.parametrize(("refused", "key"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: got .*, want"):
        refused()


def test_the_least_d_is_served() -> None:
    for task, chosen in TASKS.items():
        for delta in (None, 0.1):
            assert best(task, chosen.least, 0.1, delta).d == chosen.least


def test_public_names_exist() -> None:
    assert all(hasattr(bounds, key) for key in bounds.__all__)


@pytest.mark.parametrize("task", ["warmup", "regression", "texture", "quadratic"])
def test_absurd_dimensions_are_refused_by_name(task: str) -> None:
    with pytest.raises(ValueError, match="d: got"):
        best(task, 10**101, 0.01)
