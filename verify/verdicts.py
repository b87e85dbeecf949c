"""From coupled runs to a verdict.

A residual is read against the rounding that the same training was seen to make, in double and in
single precision. Between "explained by rounding" and "far above it" lies a gap that is INCONCLUSIVE, and
nothing is CERTIFIED unless the same runs with a planted drift are refuted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from theory.evidence import Verdict
from verify.coupling import Curve

__all__ = ["CLEAR", "DRIFT", "EXPLAINED", "Judgement", "judge"]

EXPLAINED = 100.0
"""A residual of at most this many controls is explained by rounding."""
CLEAR = 10_000.0
"""A residual of at least this many controls, in double precision, is a violation."""
UNEXPLAINED = "times what rounding explains"
DRIFT = 1e-6
"""The planted fault that a test must see: this fraction of each step goes astray."""


@dataclass(frozen=True)
class Judgement:
    """A verdict on one problem under one group; numbers are in double precision.

    Attributes:
        verdict: CERTIFIED, REFUTED or INCONCLUSIVE.
        level: ``bitwise`` or ``rounding`` if certified, else empty.
        reason: why, in a few words.
        residual: greatest violation, in units of the outputs, at the checkpoint where it is worst against rounding.
        control: what rounding explains there.
        size: the residual over the distance moved by then.
        ratio: the residual over the control.
        step: the number of steps after which the runs were first clearly apart; None if they never were.
        excused: whether it is INCONCLUSIVE only because nothing could be seen: it did not move, diverged or is chaotic.
    """

    verdict: Verdict
    level: str
    reason: str
    residual: float
    control: float
    size: float
    ratio: float
    step: int | None = None
    excused: bool = False


def judge(double: Curve, single: Callable[[], Curve], planted: Callable[[], Curve]) -> Judgement:
    """Read one problem's curves.

    Args:
        double: of the training as it is, in double precision.
        single: the same in single precision, run only if it matters.
        planted: in double precision with a drift of `DRIFT` planted in both runs, run only if it matters.

    Example:
        >>> import numpy as np
        >>> curve = lambda v: Curve((0, 5), *(np.array(a) for a in ([0, v], [0, 1e-15], [0, 1.0], [1e-16, 1e-16])))
        >>> same, apart = curve(0.0), curve(1e-7)
        >>> judge(same, lambda: same, lambda: apart).level, judge(same, lambda: same, lambda: same).verdict.name
        ('bitwise', 'INCONCLUSIVE')
    """
    verdict, level, reason = _decide(double, single, planted)
    excused = verdict is Verdict.INCONCLUSIVE and not reason.endswith(UNEXPLAINED)
    if not double.finite:
        return Judgement(verdict, level, reason, math.nan, math.nan, math.nan, math.nan, excused=excused)
    worst = int(double.ratio.argmax())
    residual, control, moved = (float(a[worst]) for a in (double.violation, double.floor, double.moved))
    apart = [step for step, ratio in zip(double.steps, double.ratio, strict=True) if ratio >= CLEAR]
    size = residual / moved if moved else math.inf if residual else 0.0
    ratio, step = float(double.ratio[worst]), min(apart, default=None)
    return Judgement(verdict, level, reason, residual, control, size, ratio, step, excused)


def _decide(double: Curve, single: Callable[[], Curve], planted: Callable[[], Curve]) -> tuple[Verdict, str, str]:
    if not double.finite:
        return Verdict.INCONCLUSIVE, "", "training diverged"
    ratio = float(double.ratio.max())
    if ratio >= CLEAR:
        return Verdict.REFUTED, "", f"residual is {ratio:.1e} times what rounding explains"
    moved, floor, resolution = (float(a[-1]) for a in (double.moved, double.floor, double.resolution))
    if moved <= CLEAR * resolution / DRIFT:
        # A drift of this fraction of so short a way could not be told from rounding.
        return Verdict.INCONCLUSIVE, "", "did not move"
    drifted, narrow = planted(), single()
    ratio_single = float(narrow.ratio.max()) if narrow.finite else math.inf
    if ratio == ratio_single == 0 < drifted.violation[-1]:
        # Equal bits need no allowance for rounding, so chaos cannot hide anything.
        return Verdict.CERTIFIED, "bitwise", "outputs agree to the last bit"
    if not drifted.finite or float(drifted.ratio[-1]) < CLEAR:
        chaos = f"chaotic: rounding grows to {floor / moved:.1e} of the way moved in {double.steps[-1]} steps"
        return Verdict.INCONCLUSIVE, "", f"{chaos}, so that a planted drift of {DRIFT:g} is not seen"
    if ratio <= EXPLAINED and ratio_single <= EXPLAINED:
        return Verdict.CERTIFIED, "rounding", "explained by rounding in both precisions"
    reason = f"residual is {ratio:.1e} (double) and {ratio_single:.1e} (single) {UNEXPLAINED}"
    return Verdict.INCONCLUSIVE, "", reason
