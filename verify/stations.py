"""The runs that an examination is made of: a survey of the code, then one station for each regime."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from sims.training import Trace, checkpoints
from theory.evidence import Verdict
from theory.groups import GROUPS
from verify.audit import NARROW, Audit, Lifted
from verify.coupling import Bench
from verify.draws import MovedDraws
from verify.regimes import Maker, Regime, informative_elements, pose
from verify.verdicts import DRIFT, EXPLAINED, UNEXPLAINED, Judgement, judge

__all__ = ["WITNESSES", "Station", "Survey", "survey"]

WITNESSES = 12
"""Controls that a refutation is read against once more."""
BLOWN = 1e6
"""Outputs beyond this count as diverged; labels are +-1."""
GRADIENTS, FEWEST = 100, 5
"""Where a step evaluates several gradients, a run evaluates about this many, but takes at least so many steps."""


@dataclass(frozen=True)
class Survey:
    """What one run shows about the code before any symmetry is asked for.

    Attributes:
        unstable: the same seed gave another result.
        random: it draws random numbers, from a global generator or from one that follows the run's seed.
        narrow: floating types narrower than double inside the step.
    """

    unstable: bool
    random: bool
    narrow: frozenset[torch.dtype]

    @property
    def single(self) -> bool:
        """Whether the step computes in single precision inside, and in nothing narrower."""
        return self.narrow == {torch.float32}

    @property
    def half(self) -> str:
        """Names of the half precisions that the step computes in, or empty."""
        return " and ".join(str(t).removeprefix("torch.") for t in NARROW if t in self.narrow and t != torch.float32)


def survey(maker: Maker, seed: int, regime: Regime) -> Survey:
    """Run a training twice from the same seed, and once more under audit."""
    problem = pose(regime, maker(regime), 1000 * seed)
    audit = Audit()
    first, second = (Bench(problem, torch.float64).base for _ in range(2))
    # Some operations (a spectral norm) round otherwise when they are watched, so this run is compared with none.
    _ = Bench(problem, torch.float64, lambda: audit).base
    # A generator of the code's own, with a seed of its own, makes a deterministic rule.
    other = Bench(problem, torch.float64).trace(seed=problem.seed + 1)
    stable = _same(first, second)
    random = first.random or (stable and not _same(first, other))
    return Survey(not stable, random, frozenset(audit.narrow))


def _same(a: Trace, b: Trace) -> bool:
    return torch.equal(a.outputs.nan_to_num(), b.outputs.nan_to_num())


class Station:
    """A problem posed in one regime, with its benches in double and in single precision.

    Where training would diverge, the learning rate is cut by ten, twice at most; where steps evaluate many gradients,
    fewer are taken. If the step computes in single precision inside, the double runs lift that to double: they then
    tell what the rule is, and the single runs what the code makes of it.
    """

    def __init__(self, maker: Maker, seed: int, number: int, regime: Regime, audit: Survey) -> None:
        self.seed, self.number = seed, number
        self.moving = MovedDraws if audit.random else nullcontext
        lift = Lifted if audit.single else nullcontext
        steps = _affordable(maker, regime)
        for cut in (1, 10, 100):
            self.regime = replace(regime, rate=regime.rate / cut, steps=steps)
            self.problem = pose(self.regime, maker(self.regime), 1000 * seed + number)
            self.double = Bench(self.problem, torch.float64, lift, moving=self.moving)
            if bool(self.double.base.outputs.abs().max() < BLOWN):
                break
        self.single = Bench(self.problem, torch.float32, controls=2, moving=self.moving)
        self.plain = Bench(self.problem, torch.float64, moving=self.moving) if audit.single else None

    def elements(self, group: str, draw: int = 0) -> list[Any]:
        """Group elements for this problem; other draws give other elements."""
        place = sorted(GROUPS).index(group)
        seed = 100_000 * self.seed + 1000 * draw + 10 * self.number + place
        return informative_elements(GROUPS[group], self.regime.d, seed)

    @functools.cache  # noqa: B019  a station lives as long as its examination
    def judgement(self, group: str, drift: float = 0.0) -> Judgement:
        """The verdict here, perhaps on the training with a planted drift."""
        elements = self.elements(group)
        found = judge(
            self.double.curve(elements, drift),
            lambda: self.single.curve(elements),
            lambda: self.double.curve(elements[:1], DRIFT),
        )
        if self.plain is None or found.verdict is not Verdict.CERTIFIED:
            return found
        # As it is, the code may be off by the rounding of single precision, but by no more.
        ratio = float((self.plain.curve(elements).violation / self.single.curve(elements).floor).max())
        if ratio <= EXPLAINED:
            return found
        reason = f"residual is {ratio:.1e} (double, not lifted) {UNEXPLAINED} in single precision"
        return replace(found, verdict=Verdict.INCONCLUSIVE, level="", reason=reason)

    def witnessed(self, group: str, drift: float = 0.0) -> Judgement:
        """The verdict again, with another draw of elements and many more controls."""
        elements = [*self.elements(group), *self.elements(group, draw=1)]
        return judge(
            self._many.curve(elements, drift),
            lambda: self.single.curve(elements),
            lambda: self._many.curve(elements[:1], DRIFT),
        )

    def lifted(self, group: str) -> float:
        """The worst residual over its control when narrow types are lifted to double."""
        return float(self._lifted.curve(self.elements(group)).ratio.max())

    @functools.cached_property
    def _many(self) -> Bench:
        return Bench(self.problem, torch.float64, self.double.around, WITNESSES, self.moving)

    @functools.cached_property
    def _lifted(self) -> Bench:
        return Bench(self.problem, torch.float64, Lifted)

    def counterexample(self, group: str, judgement: Judgement) -> dict[str, Any]:
        """A refutation as JSON-able data, enough to run it again, with the two predictions that should agree."""
        base = self.double.base
        twins = [(g, self.double.trace(g)) for g in self.elements(group)]
        g, twin = max(twins, key=lambda case: _gap(base, case[1]))
        gaps = (base.outputs - twin.outputs).abs().nan_to_num()
        place, point = divmod(int(gaps.argmax()), gaps.shape[1])
        return {
            "group": group,
            "regime": asdict(self.regime),
            "seed": self.problem.seed,
            "lifted": self.double.around is Lifted,
            "element": g.tolist(),
            "points": np.asarray(self.problem.points).tolist(),
            "labels": np.asarray(self.problem.labels).tolist(),
            "test": np.asarray(self.problem.tests)[point].tolist(),
            "steps": checkpoints(self.regime.steps)[place],
            "first_apart": judgement.step,
            "prediction": float(base.outputs[place, point]),
            "twin_prediction": float(twin.outputs[place, point]),
            "control": judgement.control,
            "size": judgement.size,
        }


def _affordable(maker: Maker, regime: Regime) -> int:
    """The regime's number of steps, or fewer if each evaluates many gradients."""
    few = replace(regime, steps=min(regime.steps, FEWEST))
    each = Bench(pose(few, maker(few), 0), torch.float64).base.gradients / max(1, few.steps)
    return regime.steps if each <= 1 else min(regime.steps, max(FEWEST, int(GRADIENTS / each)))


def _gap(base: Trace, twin: Trace) -> float:
    return float((base.outputs - twin.outputs).abs().nan_to_num().max())
