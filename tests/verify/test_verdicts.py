"""From residuals to verdicts: every branch, and the gap between pass and fail."""

import math

import pytest

from theory.evidence import Verdict
from verify.coupling import Residual
from verify.verdicts import CLEAR, EXPLAINED, judge


def residual(violation: float, control: float = 1e-15, moved: float = 1.0, resolution: float = 1e-16) -> Residual:
    return Residual(violation, control, moved, resolution)


SINGLE = residual(1e-7, 1e-7, resolution=1e-8)


@pytest.mark.parametrize(
    ("double", "single", "verdict", "level", "reason"),
    [
        (residual(0.0), residual(0.0), Verdict.CERTIFIED, "bitwise", "last bit"),
        (residual(0.0), SINGLE, Verdict.CERTIFIED, "rounding", "explained"),
        (residual(2e-15), SINGLE, Verdict.CERTIFIED, "rounding", "explained"),
        (residual(1e-3), SINGLE, Verdict.REFUTED, "", "times what rounding explains"),
        (residual(1.1 * CLEAR * 1e-15), SINGLE, Verdict.REFUTED, "", "times what rounding explains"),
        (residual(1.1 * EXPLAINED * 1e-15), SINGLE, Verdict.INCONCLUSIVE, "", "double"),
        (residual(1e-15), residual(1e-3, 1e-7), Verdict.INCONCLUSIVE, "", "single"),
        (residual(0.0, moved=0.0), SINGLE, Verdict.INCONCLUSIVE, "", "did not move"),
        (residual(0.0, moved=1e-13), SINGLE, Verdict.INCONCLUSIVE, "", "did not move"),
        (residual(0.5, control=0.1), SINGLE, Verdict.INCONCLUSIVE, "", "amplified"),
        (residual(math.nan), SINGLE, Verdict.INCONCLUSIVE, "", "diverged"),
        (residual(1e-15), residual(math.inf), Verdict.INCONCLUSIVE, "", "diverged"),
        (residual(0.0, control=0.0, resolution=0.0), residual(0.0), Verdict.CERTIFIED, "bitwise", "last bit"),
        (residual(1e-3, control=0.0), SINGLE, Verdict.REFUTED, "", "times what rounding explains"),
    ],
)
def test_verdict(double: Residual, single: Residual, verdict: Verdict, level: str, reason: str) -> None:
    found = judge(double, single)
    assert (found.verdict, found.level) == (verdict, level)
    assert reason in found.reason


def test_a_violation_is_read_against_the_control_not_against_a_fixed_tolerance() -> None:
    """The same residual is rounding for a learner that amplifies it and a violation for one that does not."""
    assert judge(residual(1e-9, control=1e-10), SINGLE).verdict is Verdict.CERTIFIED
    assert judge(residual(1e-9, control=1e-15), SINGLE).verdict is Verdict.REFUTED
