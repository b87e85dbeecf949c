"""From residuals and controls to a verdict.

A residual is read against the rounding that the same training was seen to make, in double and in
single precision. Between "explained by rounding" and "far above it" lies a gap that is INCONCLUSIVE.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from theory.evidence import Verdict
from verify.coupling import Residual

__all__ = ["CLEAR", "EXPLAINED", "Judgement", "judge"]

EXPLAINED = 100.0
"""A residual of at most this many controls is explained by rounding."""
CLEAR = 10_000.0
"""A residual of at least this many controls, in double precision, is a violation."""


@dataclass(frozen=True)
class Judgement:
    """A verdict on one coupled run.

    Attributes:
        verdict: CERTIFIED, REFUTED or INCONCLUSIVE.
        level: ``bitwise`` or ``rounding`` if certified, else empty.
        reason: why, in a few words.
        ratio: residual over what rounding explains, in double precision.
        size: residual over the distance moved, in double precision.
    """

    verdict: Verdict
    level: str
    reason: str
    ratio: float
    size: float


def judge(double: Residual, single: Residual) -> Judgement:
    """Read the residuals of one case in double and in single precision.

    Example:
        >>> fine = Residual(violation=0.0, control=1e-15, moved=1.0, resolution=1e-16)
        >>> judge(fine, fine).level
        'bitwise'
    """
    numbers = [getattr(r, name) for r in (double, single) for name in ("violation", "control", "moved")]
    if not all(map(math.isfinite, numbers)):
        return Judgement(Verdict.INCONCLUSIVE, "", "training diverged", math.nan, math.nan)
    ratio, ratio_single = (_quotient(r.violation, r.floor) for r in (double, single))
    size = _quotient(double.violation, double.moved)
    if double.moved <= CLEAR * double.floor:
        # Nothing that moved so little can show a violation that is clear of rounding.
        reason = "rounding is amplified as far as training moves" if double.moved > 1e-6 else "did not move"
        return Judgement(Verdict.INCONCLUSIVE, "", reason, ratio, size)
    if ratio >= CLEAR:
        reason = f"residual is {ratio:.1e} times what rounding explains"
        return Judgement(Verdict.REFUTED, "", reason, ratio, size)
    if double.violation == single.violation == 0:
        return Judgement(Verdict.CERTIFIED, "bitwise", "outputs agree to the last bit", ratio, size)
    if ratio <= EXPLAINED and ratio_single <= EXPLAINED:
        return Judgement(Verdict.CERTIFIED, "rounding", "explained by rounding in both precisions", ratio, size)
    reason = f"residual is {ratio:.1e} (double) and {ratio_single:.1e} (single) times what rounding explains"
    return Judgement(Verdict.INCONCLUSIVE, "", reason, ratio, size)


def _quotient(a: float, b: float) -> float:
    return a / b if b else math.inf if a else 0.0
