"""The three hypotheses of Theorem C.1 apart, and Definition 3.2 as a whole, for one learner.

Theorem C.1: if (1) the model gives the same outputs when points and first layer move together, (2) the update rule
moves along, and (3) the law of the first weights is kept, then the learner is equivariant (Definition 3.2): what it
predicts at g x after training on g D has the law of what it predicts at x after training on D.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from sims.laws import compare
from sims.learners import Learner
from sims.training import Training, Weights, first_layer
from theory.evidence import Verdict
from theory.groups import GROUPS, Group, act_on_points
from verify import in_law, inits
from verify.audit import Lifted
from verify.coupling import Bench, Problem
from verify.findings import Finding
from verify.instrument import examine
from verify.regimes import Regime, informative_elements, pose
from verify.stations import survey
from verify.subjects import first_weights, of_learner, regimes_of
from verify.verdicts import CLEAR, DRIFT, EXPLAINED

__all__ = ["Certificate", "certify"]

ALPHA = 1e-7
"""False-alarm rate of each of the two tests in law."""


@dataclass(frozen=True)
class Certificate:
    """What is known of one learner under one group; ``str()`` of it is a table.

    Attributes:
        group: its name.
        model: hypothesis (1), the model's symmetry.
        update: hypothesis (2), the update rule.
        initialisation: hypothesis (3), the law of the first weights.
        whole: Definition 3.2. CERTIFIED if all three are and no difference in law is seen; REFUTED if one is seen; else
            INCONCLUSIVE, for a learner may be equivariant although a hypothesis fails.
    """

    group: str
    model: Finding
    update: Finding
    initialisation: Finding
    whole: Finding

    @property
    def hypotheses(self) -> dict[str, Finding]:
        """The three hypotheses by name."""
        return {"model": self.model, "update": self.update, "initialisation": self.initialisation}

    @property
    def verdict(self) -> Verdict:
        """CERTIFIED if all hypotheses are, REFUTED if one is, else INCONCLUSIVE: does Theorem C.1 apply?"""
        verdicts = {finding.verdict for finding in self.hypotheses.values()}
        if Verdict.REFUTED in verdicts:
            return Verdict.REFUTED
        return Verdict.CERTIFIED if verdicts == {Verdict.CERTIFIED} else Verdict.INCONCLUSIVE

    def __str__(self) -> str:
        """A line for each hypothesis and one for the whole."""
        rows = {**self.hypotheses, "Definition 3.2": self.whole}
        lines = [f"{GROUPS[self.group].title}: {self.verdict.value}"]
        for name, found in rows.items():
            level = f" ({found.level})" if found.level else ""
            lines.append(f"  {name:<14} {found.verdict.value + level:<24} {found.reason}")
        return "\n".join(lines)


def certify(learner: Learner | Training, group: Group | str, *, seed: int = 0) -> Certificate:
    """Examine a learner under a group, hypothesis by hypothesis.

    Args:
        learner: a `sims.learners.Learner` on a fully-connected model, or a `sims.training.Training`, whose module then
            says how its weights start.
        group: a group of `theory.groups`, or its name.
        seed: of everything random.

    Raises:
        ValueError: no such learner or group, or fewer than two inputs.
        Exception: whatever the learner's own code raises.

    Example:
        >>> from sims.learners import FullyConnected
        >>> learner = Learner(FullyConnected((3, 4, 1)), torch.optim.SGD, {"lr": 0.1}, steps=5)
        >>> print(certify(learner, "orthogonal").verdict.value)
        CERTIFIED
    """
    name = group.name if isinstance(group, Group) else group
    if name not in GROUPS:
        raise ValueError(f"group: got {group!r}, want one of {', '.join(GROUPS)}")
    training = learner if isinstance(learner, Training) else of_learner(learner)
    draw = first_weights(learner)
    regimes = regimes_of(training)
    if regimes[0].d < 2:
        raise ValueError(f"learner: got {regimes[0].d} input, want at least two, on which groups differ")
    model = _model(training, name, regimes[0], seed)
    update = examine(lambda _: training, seed, [name], regimes)[name]
    initialisation = _initialisation(training, draw, name, regimes[0].d, seed)
    whole = _whole(training, draw, name, regimes[0], seed, [model, update, initialisation])
    return Certificate(name, model, update, initialisation, whole)


def _model(training: Training, group: str, regime: Regime, seed: int) -> Finding:
    """The untrained net, with whatever is done to its inputs, in both precisions."""
    problem = pose(regime, replace(training, steps=0), 1000 * seed)
    elements = informative_elements(GROUPS[group], regime.d, 100_000 * seed)
    double, single = (Bench(problem, dtype).curve(elements) for dtype in (torch.float64, torch.float32))
    residual, control = float(double.violation[0]), float(double.floor[0])
    ratios = float(double.ratio[0]), float(single.ratio[0])
    nudged = replace(problem, tests=np.asarray(problem.tests) * (1 + DRIFT))
    seen = _apart(problem, nudged) >= CLEAR * control
    if ratios[0] >= CLEAR:
        reason = f"outputs before training differ by {ratios[0]:.1e} times what rounding explains"
        return Finding(group, Verdict.REFUTED, "", reason, residual, control)
    if not seen or max(ratios) > EXPLAINED:
        reason = "a nudge of 1e-6 is not seen" if not seen else "outputs before training differ by more than rounding"
        return Finding(group, Verdict.INCONCLUSIVE, "", reason, residual, control)
    level = "bitwise" if not any(ratios) else "rounding"
    reason = f"outputs before training agree; inputs nudged by {DRIFT:g} were seen"
    return Finding(group, Verdict.CERTIFIED, level, reason, residual, control)


def _apart(a: Problem, b: Problem) -> float:
    outputs = [Bench(p, torch.float64).base.outputs for p in (a, b)]
    return float((outputs[0] - outputs[1]).abs().max())


def _initialisation(
    training: Training, draw: Callable[[torch.Generator], Weights], group: str, d: int, seed: int
) -> Finding:
    name = first_layer(training.network())
    law = inits.judge_law(lambda g: draw(g)[name], GROUPS[group], d=d, seed=seed, alpha=ALPHA)
    level = "in law" if law.verdict is Verdict.CERTIFIED else ""
    return Finding(group, law.verdict, level, law.reason, law.distance, None)


def _whole(
    training: Training,
    draw: Callable[[torch.Generator], Weights],
    group: str,
    regime: Regime,
    seed: int,
    hypotheses: list[Finding],
) -> Finding:
    """Both sides of Definition 3.2, many times, each with first weights and draws of its own."""
    steps = min(training.steps, in_law.STEPS)
    problem = pose(regime, replace(training, steps=steps), 1000 * seed)
    g = informative_elements(GROUPS[group], regime.d, 100_000 * seed)[0]
    lift = Lifted if survey(lambda _: training, seed, regime).narrow else nullcontext
    arms = [_predictions(problem, draw, e, [seed, arm], lift) for arm, e in enumerate((np.eye(regime.d), g))]
    if not np.isfinite(arms).all():
        return Finding(group, Verdict.INCONCLUSIVE, "", "training diverged")
    seen = compare(*arms, alpha=ALPHA, resolution=in_law.SAME * float(np.abs(arms[0]).max()))
    text = f"outputs in law over {in_law.RUNS} runs of {steps} steps: distance {seen.distance:.3f}"
    text += f", false-alarm rate {ALPHA:g}, {seen.detectable:.2f} seen with power {seen.power:g}"
    if seen.verdict is Verdict.REFUTED:
        return Finding(group, Verdict.REFUTED, "", text, seen.distance, seen.critical)
    if all(h.verdict is Verdict.CERTIFIED for h in hypotheses):
        return Finding(group, Verdict.CERTIFIED, "in law", f"by Theorem C.1; {text}", seen.distance, seen.critical)
    reason = f"a hypothesis of Theorem C.1 is not certified, and no difference shows: {text}"
    return Finding(group, Verdict.INCONCLUSIVE, "", reason, seen.distance, seen.critical)


def _predictions(
    problem: Problem,
    draw: Callable[[torch.Generator], Weights],
    element: ArrayLike,
    key: list[int],
    around: Callable[[], AbstractContextManager[Any]],
) -> NDArray[np.float64]:
    """Outputs at g x after training on g D, shape (RUNS, m): the points move, the law of the first weights does not."""
    x, tests = (
        torch.from_numpy(np.ascontiguousarray(act_on_points(element, np.asarray(p, dtype=np.float64))))
        for p in (problem.points, problem.tests)
    )
    labels = torch.from_numpy(np.asarray(problem.labels, dtype=np.float64))
    outputs = []
    for own in np.random.default_rng(key).integers(2**32, size=in_law.RUNS):
        start = draw(torch.Generator().manual_seed(int(own)))
        trace = problem.training.run(start, x, labels, tests, seed=int(own), around=around)
        outputs.append(trace.outputs[-1].numpy())
    return np.stack(outputs)
