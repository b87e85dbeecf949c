"""What error curves say of the sample complexity n*: its brackets at each d, and how it grows with d."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sims.experiment import Cell
from sims.judgement import Result
from sims.sequences import bootstrap, bracket, exponent

__all__ = ["Exponent", "brackets", "exponents"]

Bracket = tuple[int | None, int | None]
REPEATS, LEVEL = 400, 0.95


@dataclass(frozen=True)
class Exponent:
    """How n* grows with d: the slope of log n* over log d.

    Attributes:
        learner: its name.
        dimensions: those d at which n* is bracketed from both sides.
        low: the least slope of n* within their brackets. These hold whenever the intervals of the experiment hold and
            the mean does not increase in n below the bracket, which no run shows: see `sims.sequences.bracket`.
        middle: the slope through the middles of the brackets.
        high: the greatest slope.
        resampled: the percentile bootstrap over replicas at level 0.95, of n* read off the mean curves: APPROXIMATE.
    """

    learner: str
    dimensions: tuple[int, ...]
    low: float
    middle: float
    high: float
    resampled: tuple[float, float] | None


def brackets(result: Result) -> dict[tuple[str, int], Bracket]:
    """For each learner and d the bracket of n*, the least n with expected value at most the experiment's target."""
    target = result.experiment.target
    if target is None:
        return {}
    curves: dict[tuple[str, int], list[tuple[int, float, float]]] = {}
    for p in result.points:
        curves.setdefault((p.learner, p.d), []).append((p.n, p.low, p.high))
    return {key: bracket(sorted(curve), target) for key, curve in curves.items()}


def exponents(result: Result, values: Mapping[Cell, NDArray[np.float64]]) -> list[Exponent]:
    """The growth of n* for each learner whose n* is bracketed at two or more d.

    Args:
        result: the measured curves.
        values: the replicas' values that they were made of.
    """
    target, read, fitted = result.experiment.target, brackets(result), []
    for learner in dict.fromkeys(name for name, _ in read):
        closed = {d: ends for (name, d), ends in read.items() if name == learner and None not in ends}
        if target is None or len(closed) < 2:
            continue
        low, middle, high = exponent(closed)
        cells = sorted(cell for cell in values if cell.learner == learner and cell.d in closed)
        rng = np.random.default_rng([result.seed, *learner.encode()])
        resampled = _resampled(cells, values, target, rng)
        fitted.append(Exponent(learner, tuple(sorted(closed)), low, middle, high, resampled))
    return fitted


def _resampled(
    cells: Sequence[Cell], values: Mapping[Cell, NDArray[np.float64]], target: float, rng: np.random.Generator
) -> tuple[float, float] | None:
    """The bootstrap interval, if every resampled curve reaches the target."""

    def slope(drawn: list[NDArray[np.float64]]) -> float:
        return _slope(cells, [float(sample.mean()) for sample in drawn], target)

    try:
        return bootstrap([values[cell] for cell in cells], slope, rng, REPEATS, LEVEL)
    except ValueError:  # a resampled curve does not reach the target, so there is no slope
        return None


def _slope(cells: Sequence[Cell], means: Sequence[float], target: float) -> float:
    """The least-squares slope of log n* over log d."""
    dimensions = sorted({cell.d for cell in cells})
    at = {d: [(c.n, m) for c, m in zip(cells, means, strict=True) if c.d == d] for d in dimensions}
    crossed = [_crossing(at[d], target) for d in dimensions]
    return float(np.polyfit(np.log(dimensions), np.log(crossed), 1)[0]) if all(crossed) else math.nan


def _crossing(curve: Sequence[tuple[int, float]], target: float) -> float:
    """Where the mean curve first comes down to the target, interpolated over log n; 0 if nowhere."""
    before = None
    for n, mean in curve:
        if mean <= target:
            if before is None:
                return float(n)
            share = (before[1] - target) / (before[1] - mean)
            return float(math.exp(math.log(max(before[0], 1)) + share * math.log(n / max(before[0], 1))))
        before = (n, mean)
    return 0.0
