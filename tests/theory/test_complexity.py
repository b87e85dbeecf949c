"""Sample complexity: the public functions against brute force, the bounds against real learners, and all steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import sauer_shelah, vc_bound
from theory.claims import LEDGER, Step
from theory.complexity import (
    Bound,
    blumer_upper_bound,
    growth_bound,
    one_inclusion_upper_bound,
    packing_number,
    vc_dimension,
)
from theory.evidence import Trust, Verdict
from theory.status import run_step
from theory.vc_bound import ehrenfeucht_lower_bound, vc_lower_bound

F = Fraction
NAN, INF = float("nan"), float("inf")
IDS = ("def-3.3", "thm-b.1", "sauer-shelah", "thm-4.2", "long-1995")


@pytest.mark.parametrize(
    "step", [s for id in IDS for s in LEDGER.steps[id] if s.kernel is None], ids=lambda s: f"{s.claim}: {s.name}"
)
def test_every_step_is_exact_and_catches_its_mutant(step: Step) -> None:
    result = run_step(step)
    assert not result.failure
    assert (result.verdict, result.trust, result.mutant) == (Verdict.CERTIFIED, Trust.EXACT, Verdict.REFUTED)


def test_a_bound_of_nothing_is_vacuous() -> None:
    assert Bound(0, "thm-b.1", "0", "no reason").vacuous
    assert not Bound(1, "thm-b.1", "1", "a reason").vacuous


GRID = list(
    itertools.product((1, 2, 3, 17, 400), (F(1, 4), F(1, 8), F(1, 37), "0.001"), (F(1, 100), "0.3", F(1, 10**9)))
)


@pytest.mark.parametrize(("vc", "eps", "delta"), GRID)
def test_vc_lower_bound_is_the_least_integer_that_is_large_enough(vc: int, eps: F | str, delta: F | str) -> None:
    n = vc_lower_bound(vc, eps, delta)
    real = (1 - 3 * F(delta)) * (vc - 1) / (8 * F(eps))
    assert n - 1 < real <= n
    if F(eps) <= F(1, 8) and F(delta) <= F(1, 100):
        cited = ehrenfeucht_lower_bound(vc, eps, delta)
        assert cited - 1 < F(vc - 1) / 32 / F(eps) <= cited <= n


@pytest.mark.parametrize("v", [2, 3, 4])
@pytest.mark.parametrize("eps", [F(1, 16), F(1, 9), F(1, 4)])
@pytest.mark.parametrize("delta", [F(1, 100), F(1, 10), F(1, 4)])
def test_fewer_samples_fail_on_the_hard_law(v: int, eps: F, delta: F) -> None:
    """A learner that outputs its best guess, by the posterior, fails too often on average whenever n is too small."""
    for n in range(min(vc_lower_bound(v, eps, delta), 5)):
        cost, failure = vc_bound._hard_law(v, n, 4 * eps)
        assert failure > delta
        assert cost > eps


def test_the_half_in_front_of_delta_is_needed() -> None:
    """One coin toss where x1 was not seen: fails with (1-m)^n / 2 only, so (1-eps)^n <= delta is too much to ask."""
    eps, delta, n = F(1, 100), F(49, 100), 3
    masses = [m for m in (F(k, 100) for k in range(101)) if m > eps]
    assert all((1 - m) ** n / 2 <= delta for m in masses)
    assert (1 - eps) ** n > delta


def test_blumer_by_logarithms() -> None:
    for vc, eps, delta in itertools.product((1, 3, 50), (0.3, 0.1, 0.013), (0.4, 0.05, 1e-6)):
        real = max(4 / eps * math.log2(2 / delta), 8 * vc / eps * math.log2(13 / eps))
        assert abs(real - round(real)) > 1e-6
        assert blumer_upper_bound(vc, eps, delta) == math.ceil(real)


KNOWN = {
    "13/eps = 16: hit exactly": (blumer_upper_bound(13, F(13, 16), F(1, 2)), 512),
    "2/delta = 2^200: hit exactly": (blumer_upper_bound(1, F(1, 2), F(1, 2**199)), 1600),
    "a hair over 2^200": (blumer_upper_bound(1, F(1, 2), F(1, 2**199) - F(1, 2**900)), 1601),
    "a hair under 2^200": (blumer_upper_bound(1, F(1, 2), F(1, 2**199) + F(1, 2**900)), 1600),
    "one-inclusion, hit exactly": (one_inclusion_upper_bound(3, F(3, 10)), 9),
    "one-inclusion, missed by a hair": (one_inclusion_upper_bound(3, F(3, 10) - F(1, 10**30)), 10),
    "no sample is lost on half an error": (one_inclusion_upper_bound(1, F(1, 2)), 1),
    "growth below the VC dimension": (growth_bound(4, 9), 16),
    "growth on no points": (growth_bound(0, 3), 1),
    "growth of a single hypothesis": (growth_bound(9, 0), 1),
    "a class of VC dimension 1 costs nothing here": (vc_lower_bound(1, 0.1, 0.1), 0),
}


@pytest.mark.parametrize(("found", "expected"), KNOWN.values(), ids=KNOWN)
def test_known_values(found: int, expected: int) -> None:
    assert found == expected


@given(st.integers(1, 60), st.fractions(F(1, 200), F(199, 200)))
def test_one_inclusion_is_the_least_n(vc: int, eps: Fraction) -> None:
    n = one_inclusion_upper_bound(vc, eps)
    assert F(vc, n + 1) <= eps
    assert n == 0 or F(vc, n) > eps


@pytest.mark.parametrize(("n", "vc"), list(itertools.product(range(9), range(9))))
def test_growth_bound_counts_small_sets_and_obeys_pascal(n: int, vc: int) -> None:
    assert growth_bound(n, vc) == sum(bin(s).count("1") <= vc for s in range(2**n))
    if n and vc:
        assert growth_bound(n, vc) == growth_bound(n - 1, vc) + growth_bound(n - 1, vc - 1)
    if 1 <= vc <= n:
        assert growth_bound(n, vc) < (math.e * n / vc) ** vc


def test_vc_dimension_of_every_class_on_three_points() -> None:
    points = list(itertools.product((0, 1), repeat=3))
    for mask in range(1, 256):
        rows = [points[v] for v in range(8) if mask >> v & 1]
        sets = [s for k in range(4) for s in itertools.combinations(range(3), k)]
        shattered = [s for s in sets if len({tuple(r[i] for i in s) for r in rows}) == 2 ** len(s)]
        assert vc_dimension(rows) == max(map(len, shattered))
        assert len(rows) <= len(shattered) <= growth_bound(3, vc_dimension(rows))


CLASSES = {
    "one hypothesis": ([[0, 1, 0]], 0),
    "no points": (np.zeros((1, 0)), 0),
    "half-lines": ([[int(x >= t) for x in range(6)] for t in range(7)], 1),
    "intervals": ([[int(a <= x < b) for x in range(6)] for a in range(7) for b in range(a, 7)], 2),
    "unions of two intervals": (
        [[int(a <= x < b or c <= x < d) for x in range(6)] for a, b, c, d in itertools.product(range(7), repeat=4)],
        4,
    ),
    "everything, as signs": (list(itertools.product((-1, 1), repeat=4)), 4),
    "repeated rows": ([[0], [0], [1], [1]], 1),
    "floats": ([[0.0, 1.0], [1.0, 0.0]], 1),
}


@pytest.mark.parametrize(("rows", "expected"), CLASSES.values(), ids=CLASSES)
def test_known_vc_dimensions(rows: object, expected: int) -> None:
    assert vc_dimension(rows) == expected


@pytest.mark.parametrize("seed", range(12))
def test_packing_number_by_all_subsets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, (8, 2))
    distances = np.abs(points[:, None] - points[None]).sum(axis=-1)
    for radius in (0, 1, F(3, 2), 2, 4.0):
        sizes = [
            k
            for k in range(1, 9)
            for s in itertools.combinations(range(8), k)
            if all(distances[i, j] > radius for i, j in itertools.combinations(s, 2))
        ]
        assert packing_number(distances, radius) == max(sizes)


def test_packing_is_strict_and_does_not_round() -> None:
    third = np.array([[0, F(1, 3)], [F(1, 3), 0]], object)
    assert packing_number(third, F(1, 3)) == 1
    assert packing_number(third, F(1, 3) - F(1, 10**40)) == 2
    assert packing_number(third, 1 / 3) == 2  # the double 1/3 is less than a third
    assert packing_number(1 - np.eye(24), 0.5) == 24
    assert packing_number(1 - np.eye(24), 1) == 1


def test_packing_numbers_of_the_cube() -> None:
    """All hypotheses on three points: pairwise more than 0, 1 or 2 labels apart there are 8, 4 and 2."""
    hypotheses = list(itertools.product((0, 1), repeat=3))
    law = (F(1, 3),) * 3
    rho = np.array([[sauer_shelah._rho(law, g, h) for g in hypotheses] for h in hypotheses], object)
    assert packing_number(rho, 0) == 8
    assert packing_number(rho, F(1, 3)) == 4
    assert packing_number(rho, F(2, 3)) == 2


def test_non_strict_packings_would_break_theorem_4_2() -> None:
    """Two hypotheses at distance exactly 2 eps, no samples: the output in the middle learns both."""
    law, eps = (F(1, 2), F(1, 2)), F(1, 2)
    middle, both = (0, 1), [(0, 0), (1, 1)]
    assert all(sauer_shelah._rho(law, middle, h) <= eps for h in both)
    assert sauer_shelah._rho(law, *both) == 2 * eps
    assert sauer_shelah._growth(tuple(both), 2, 0) == 1


BAD_PROBABILITIES = (0, 1, 0.0, 1.0, -0.1, 2, NAN, INF, "nan", "x", True, None)
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    **{
        f"{f.__name__}, {name} = {bad!r}": (
            lambda f=f, name=name, bad=bad: f(**({"vc": 3, "eps": F(1, 10), "delta": F(1, 200)} | {name: bad})),
            name,
        )
        for f in (vc_lower_bound, ehrenfeucht_lower_bound, blumer_upper_bound)
        for name, values in (
            ("vc", (0, -1, 1.5, True, "3", None)),
            ("eps", BAD_PROBABILITIES),
            ("delta", BAD_PROBABILITIES),
        )
        for bad in values
    },
    "eps above 1/4": (lambda: vc_lower_bound(3, 0.26, 0.1), "eps"),
    "delta of 1/3": (lambda: vc_lower_bound(3, 0.1, F(1, 3)), "delta"),
    "eps above 1/8": (lambda: ehrenfeucht_lower_bound(3, 0.126, 0.01), "eps"),
    "delta above 1/100": (lambda: ehrenfeucht_lower_bound(3, 0.1, 0.011), "delta"),
    **{f"one-inclusion, vc = {v!r}": (lambda v=v: one_inclusion_upper_bound(v, 0.1), "vc") for v in (0, 1.5, None)},
    **{f"one-inclusion, eps = {e!r}": (lambda e=e: one_inclusion_upper_bound(1, e), "eps") for e in BAD_PROBABILITIES},
    **{f"growth, n = {n!r}": (lambda n=n: growth_bound(n, 1), "n") for n in (-1, 1.5, True, None)},
    **{f"growth, vc = {v!r}": (lambda v=v: growth_bound(1, v), "vc") for v in (-1, 1.5, True, None)},
    **{
        f"rows = {rows!r}": (lambda rows=rows: vc_dimension(rows), "rows")
        for rows in ([], [0, 1], [[0, 2]], [[-1, 0, 1]], [[0.5]], [[NAN]], [[0], [0, 1]], [["0"]])
    },
    "21 points": (lambda: vc_dimension(np.zeros((1, 21))), "rows"),
    **{
        f"distances = {d!r}": (lambda d=d: packing_number(d, 0), "distances")
        for d in ([], [[0, 1]], [[0, 1], [2, 0]], [[1]], [[0, -1], [-1, 0]], [[NAN]], [[0, 1], [1]])
    },
    "25 points": (lambda: packing_number(np.zeros((25, 25)), 0), "distances"),
    **{f"radius = {r!r}": (lambda r=r: packing_number([[0]], r), "radius") for r in (-1, NAN, INF, "1", None, True)},
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()
