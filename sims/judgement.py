"""An experiment's curves held against its claims: what is violated, by how much, and what could have been seen.

All intervals of one experiment hold together with probability at least 1 - alpha (Bonferroni over its points). A claim
is VIOLATED, and the answer REFUTED, only where a whole interval lies beyond the certified value; so false refutations
have probability at most alpha. A question is INCONCLUSIVE where even the most extreme learner would have passed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from sims.experiment import Cell, Experiment, Line
from sims.sequences import bonferroni
from theory.evidence import Evidence, Trust, Verdict

__all__ = ["ALPHA", "Point", "Question", "Result", "judge", "questions", "summarise"]

ALPHA = 5e-6
"""The probability that any interval of one experiment misses: all of them and the comparisons of laws of
`verify.inits` and `verify.in_law` stay below 1e-4 together."""
VERBS = {"lower": "stays above", "upper": "stays below", "equal": "meets"}


@dataclass(frozen=True)
class Point:
    """The mean over the replicas of one cell, with its simultaneous interval."""

    learner: str
    d: int
    n: int
    replicas: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """A measured experiment: all intervals hold together with probability at least 1 - alpha."""

    experiment: Experiment
    points: tuple[Point, ...]
    seed: int
    alpha: float

    @property
    def each(self) -> float:
        """The probability that one interval misses."""
        return bonferroni(self.alpha, len(self.points))


@dataclass(frozen=True)
class Question:
    """Does a learner's curve agree with a line?

    Attributes:
        learner: its name.
        label: what the figure calls it.
        line: what the claim says.
        expected: REFUTED for a learner outside of the claim's class that is to beat the bound.
    """

    learner: str
    label: str
    line: Line
    expected: Verdict

    @property
    def text(self) -> str:
        """The question in words, unique within an experiment."""
        return f"{self.label} {VERBS[self.line.side]} {self.line.says}"


def summarise(
    experiment: Experiment, values: Mapping[Cell, NDArray[np.float64]], seed: int, alpha: float = ALPHA
) -> Result:
    """Means with simultaneous intervals.

    Args:
        experiment: what was measured.
        values: the replicas' values, each in [0, top].
        seed: with which it was measured, for the record.
        alpha: the probability that any interval misses, in (0, 1).

    Raises:
        ValueError: nothing was measured, or alpha outside (0, 1).
    """
    if not values:
        raise ValueError("values: got none, want at least one measured cell")
    each = bonferroni(alpha, len(values))
    points = []
    for cell, found in values.items():
        low, high = experiment.interval(found, each)
        points.append(Point(cell.learner, cell.d, cell.n, len(found), float(np.mean(found)), float(low), float(high)))
    return Result(experiment, tuple(points), seed, alpha)


def questions(experiment: Experiment) -> tuple[Question, ...]:
    """What is asked of an experiment's curves, in the order of its lines."""
    asked = []
    for line in experiment.lines:
        wanted = dict.fromkeys(line.learners, Verdict.CERTIFIED) | dict.fromkeys(line.beaten, Verdict.REFUTED)
        styles = experiment.looks.styles
        asked += [Question(name, styles.get(name, name), line, expected) for name, expected in wanted.items()]
    return tuple(asked)


def judge(result: Result, question: Question, scale: float = 1.0, curve: str | None = None) -> Evidence:
    """Whether the learner's intervals lie on the line's side.

    A pass needs a point with n >= 1 where an extreme learner would be refuted and, if the line bounds what learners
    need, a learner that was seen to learn: one that knows nothing respects every lower bound.

    Args:
        result: the measured curves.
        question: one of `questions`.
        scale: a fault to plant: the line's values are multiplied by it wherever n >= 1.
        curve: a fault to plant: the name of another learner, whose curve is taken instead.
    """
    line, experiment, name = question.line, result.experiment, curve or question.learner
    said = [(p, line.value(p.d, p.n)) for p in result.points if p.learner == name]
    held = [(p, value * (scale if p.n else 1.0)) for p, value in said if value is not None]
    if not held:
        return Evidence(Verdict.INCONCLUSIVE, Trust.SIMULATED, "the claim says nothing where this learner was measured")
    rooms = [_room(line.side, value, p.low, p.high) for p, value in held]
    beyond = sum(room < 0 for room in rooms)
    later = [(p, value) for p, value in held if p.n]
    telling = sum(_telling(experiment, line.side, p.replicas, value, result.each) for p, value in later)
    dull = line.side == "lower" and name in line.learners and name not in line.still and not _learned(result, name)
    verdict = Verdict.REFUTED if beyond else Verdict.INCONCLUSIVE if dull or not telling else Verdict.CERTIFIED
    margin, (worst, value) = min(zip(rooms, held, strict=True), key=lambda pair: pair[0])
    sharpness = _sharpness(line.side, later, experiment.top)
    sharp = "" if sharpness is None else f"; {sharpness:.3g} times what is claimed would be refuted"
    summary = (
        f"{beyond} of {len(held)} intervals lie wholly beyond it; margin {margin:+.3g} at d = {worst.d}, "
        f"n = {worst.n}: {worst.mean:.4g} in [{worst.low:.4g}, {worst.high:.4g}] against {value:.4g}{sharp}; "
        f"at {telling} of {len(later)} points with n >= 1 an extreme learner would be refuted"
        f"{'; the learner was not seen to learn' if dull else ''}; {_replicas([p for p, _ in held])} replicas a "
        f"point, family-wise error {result.alpha:g} over {len(result.points)} points"
    )
    certificate = {
        "kind": "simulation",
        "experiment": experiment.name,
        "learner": name,
        "side": line.side,
        "top": experiment.top,
        "alpha": result.alpha,
        "comparisons": len(result.points),
        "seed": result.seed,
        "margin": margin,
        "sharpness": sharpness,
        "telling": telling,
        "points": [asdict(p) | {"claimed": v} for p, v in held],
    }
    return Evidence(verdict, Trust.SIMULATED, summary, certificate)


def _room(side: str, value: float, low: float, high: float) -> float:
    """How far the interval reaches onto the line's side; negative if all of it lies beyond."""
    return {"lower": high - value, "upper": value - low, "equal": min(high - value, value - low)}[side]


def _telling(experiment: Experiment, side: str, replicas: int, value: float, alpha: float) -> bool:
    """Whether a learner whose every value is 0, or the greatest, would be refuted here."""
    extremes = {"lower": (0.0,), "upper": (experiment.top,), "equal": (0.0, experiment.top)}[side]
    intervals = [experiment.interval(np.full(replicas, extreme), alpha) for extreme in extremes]
    return any(_room(side, value, low, high) < 0 for low, high in intervals)


def _learned(result: Result, learner: str) -> bool:
    """Whether the learner's curve certainly falls somewhere: an interval lies below one at fewer samples."""
    points = [p for p in result.points if p.learner == learner]
    return any(p.high < q.low for p in points for q in points if p.d == q.d and p.n > q.n)


def _sharpness(side: str, held: list[tuple[Point, float]], top: float) -> float | None:
    """The factor nearest to 1 on the claimed values that some interval refutes; None if there is none.

    An interval that reaches the greatest possible value refutes only what is impossible by itself: it does not count.
    """
    low = max((p.low / value for p, value in held if value > 0), default=0.0)
    high = min((p.high / value for p, value in held if value > 0 and p.high < top), default=0.0)
    factors = {"lower": (high,), "upper": (low,), "equal": (low, high)}[side]
    return min((f for f in factors if f > 0), key=lambda f: abs(math.log(f)), default=None)


def _replicas(points: list[Point]) -> str:
    least, most = min(p.replicas for p in points), max(p.replicas for p in points)
    return str(least) if least == most else f"{least} to {most}"
