"""From curves to verdicts: every branch, and the gap between pass and fail."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from theory.evidence import Verdict
from verify.coupling import Curve
from verify.verdicts import CLEAR, DRIFT, EXPLAINED, judge

STEPS = (0, 1, 2, 5)


def curve(violation: float | Sequence[float], control: float = 1e-15, moved: float = 1.0, resolution: float = 1e-16):
    """Constant controls; the violation grows to what is given, or is given step by step."""
    grown = [0.0, *([violation / 4, violation / 2, violation] if isinstance(violation, float) else violation)]
    columns = grown, [control] * 4, [0.0, moved / 2, moved, moved], [resolution] * 4
    return Curve(STEPS, *(np.array(c) for c in columns))


SINGLE = curve(1e-7, 1e-7, resolution=1e-8)
SEEN = curve(1e-6)
NAN = curve(math.nan)

CASES = [
    (curve(0.0), curve(0.0), SEEN, Verdict.CERTIFIED, "bitwise", "last bit"),
    (curve(0.0, 0.0, resolution=0.0), curve(0.0), SEEN, Verdict.CERTIFIED, "bitwise", "last bit"),
    (curve(0.0), SINGLE, SEEN, Verdict.CERTIFIED, "rounding", "both precisions"),
    (curve(2e-15), SINGLE, SEEN, Verdict.CERTIFIED, "rounding", "both precisions"),
    (curve(0.99 * EXPLAINED * 1e-15), SINGLE, SEEN, Verdict.CERTIFIED, "rounding", "both precisions"),
    (curve(1.01 * EXPLAINED * 1e-15), SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "1.0e+02 (double)"),
    (curve(0.99 * CLEAR * 1e-15), SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "9.9e+03 (double)"),
    (curve(1.01 * CLEAR * 1e-15), SINGLE, SEEN, Verdict.REFUTED, "", "times what rounding explains"),
    (curve(1e-3), SINGLE, SEEN, Verdict.REFUTED, "", "times what rounding explains"),
    (curve(1e-3, control=0.0), SINGLE, SEEN, Verdict.REFUTED, "", "times what rounding explains"),
    # single precision alone never refutes, but it can spoil a certificate
    (curve(1e-15), curve(1e-3, 1e-7), SEEN, Verdict.INCONCLUSIVE, "", "(single)"),
    (curve(0.0), curve(1e-3, 1e-7), SEEN, Verdict.INCONCLUSIVE, "", "(single)"),
    (curve(1e-15), NAN, SEEN, Verdict.INCONCLUSIVE, "", "inf (single)"),
    # too short a way
    (curve(0.0, moved=0.0), SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "did not move"),
    (curve(0.0, moved=0.99 * CLEAR * 1e-16 / DRIFT), SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "did not move"),
    (curve(0.0, moved=1.01 * CLEAR * 1e-16 / DRIFT), SINGLE, SEEN, Verdict.CERTIFIED, "rounding", "both"),
    (curve(1e-3, moved=0.0), SINGLE, SEEN, Verdict.REFUTED, "", "times what rounding explains"),
    # chaos: the planted fault must be seen at the last checkpoint
    (curve(1e-15), SINGLE, curve(0.99 * CLEAR * 1e-15), Verdict.INCONCLUSIVE, "", "chaotic"),
    (curve(1e-15), SINGLE, curve(1.01 * CLEAR * 1e-15), Verdict.CERTIFIED, "rounding", "both precisions"),
    (curve(1e-15), SINGLE, curve([1e-3, 1e-3, 1e-15]), Verdict.INCONCLUSIVE, "", "chaotic"),
    (curve(1e-15), SINGLE, NAN, Verdict.INCONCLUSIVE, "", "chaotic"),
    (curve(0.5, control=0.1), SINGLE, curve(0.5, 0.1), Verdict.INCONCLUSIVE, "", "chaotic"),
    # equal bits hide nothing, but the planted fault must be seen at all
    (curve(0.0, control=0.1), curve(0.0), curve(1e-9, 0.1), Verdict.CERTIFIED, "bitwise", "last bit"),
    (curve(0.0), curve(0.0), curve(0.0), Verdict.INCONCLUSIVE, "", "chaotic"),
    (curve(0.0), curve(0.0), curve([1e-3, 1e-3, 0.0]), Verdict.INCONCLUSIVE, "", "chaotic"),
    (curve(0.0), curve(0.0), NAN, Verdict.INCONCLUSIVE, "", "chaotic"),
    (curve(0.0, control=0.1), SINGLE, curve(1e-9, 0.1), Verdict.INCONCLUSIVE, "", "chaotic"),
    (NAN, SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "diverged"),
    (curve(math.inf), SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "diverged"),
    (curve(1e-15, control=math.nan), SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "diverged"),
    (curve(1e-3, moved=math.inf), SINGLE, SEEN, Verdict.INCONCLUSIVE, "", "diverged"),
]


@pytest.mark.parametrize(("double", "single", "planted", "verdict", "level", "reason"), CASES)
def test_verdict(double: Curve, single: Curve, planted: Curve, verdict: Verdict, level: str, reason: str) -> None:
    found = judge(double, lambda: single, lambda: planted)
    assert (found.verdict, found.level) == (verdict, level)
    assert reason in found.reason


def test_every_verdict_is_among_the_cases() -> None:
    assert {case[3] for case in CASES} == set(Verdict)


def test_a_violation_is_read_against_the_control_not_against_a_fixed_tolerance() -> None:
    """The same residual is rounding for a learner that amplifies it and a violation for one that does not."""
    verdicts = [
        judge(curve(1e-9, control=c), lambda: SINGLE, lambda: curve(1e-3)).verdict for c in (1e-10, 1e-12, 1e-15)
    ]
    assert verdicts == [Verdict.CERTIFIED, Verdict.INCONCLUSIVE, Verdict.REFUTED]


def test_a_violation_before_chaos_sets_in_is_not_forgotten() -> None:
    early = Curve(
        STEPS, *(np.array(c) for c in ([0, 1e-9, 1e-3, 1.0], [1e-15, 1e-15, 1e-3, 1.0], [0, 1, 2, 4.0], [1e-16] * 4))
    )
    found = judge(early, lambda: SINGLE, lambda: SEEN)
    assert found.verdict is Verdict.REFUTED
    assert (found.step, found.residual, found.control, found.size) == (1, 1e-9, 1e-15, 1e-9)
    assert found.ratio == pytest.approx(1e6)


def test_numbers_are_those_of_the_worst_checkpoint_and_the_step_is_the_first() -> None:
    found = judge(curve([1e-9, 1e-3, 1e-6]), lambda: SINGLE, lambda: SEEN)
    assert (found.residual, found.control, found.size, found.step) == (1e-3, 1e-15, 1e-3, 1)
    still = judge(curve([0.0, 1e-15, 0.0]), lambda: SINGLE, lambda: SEEN)
    assert (still.residual, still.step) == (1e-15, None)
    # read before training, when nothing has moved
    start = Curve((0, 5), *(np.array(c) for c in ([1e-3, 1e-3], [1e-15, 1e-14], [0, 1.0], [1e-16, 1e-16])))
    found = judge(start, lambda: SINGLE, lambda: SEEN)
    assert (found.step, found.size) == (0, math.inf)


def test_numbers_of_what_diverged_are_none() -> None:
    found = judge(NAN, lambda: SINGLE, lambda: SEEN)
    assert all(math.isnan(v) for v in (found.residual, found.control, found.size, found.ratio))


def unwanted() -> Curve:
    raise AssertionError("not needed")


@pytest.mark.parametrize("double", [curve(1e-3), curve(0.0, moved=0.0), NAN])
def test_further_runs_are_made_only_where_they_matter(double: Curve) -> None:
    assert judge(double, unwanted, unwanted).verdict is not Verdict.CERTIFIED
