"""Randomised training, judged in law: do the twin's outputs have the law of the first one's?

A run that draws random numbers need not agree with its twin draw by draw: isotropic noise is the same in law after a
rotation, but not the same numbers. So many runs of each, with seeds of their own, are compared by `sims.laws`: their
outputs, and the first layer's weights, moved back by g. All begin at the same weights, so that what is judged is the
training and not its start. Laws that differ refute; that no difference is seen certifies nothing.
"""

from __future__ import annotations

import functools
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from sims.laws import Comparison, compare
from sims.training import Trace
from theory.evidence import Verdict
from theory.groups import GROUPS
from verify.audit import Lifted
from verify.coupling import Bench
from verify.findings import Finding
from verify.regimes import Maker, Regime, informative_elements, pose

__all__ = ["ALPHA", "Ensemble"]

ALPHA = 1e-9
"""False-alarm rate of one comparison: a thousand of them, more than any run here makes, stay below 1e-6."""
RUNS = 200
STEPS = 8
SAME = 1e-6
"""Outputs this close, relative to the greatest, count as equal: rounding is far below, laws that differ are above."""


class Ensemble:
    """Many runs of one randomised training from one start, and of its twins.

    Args:
        maker: builds the training.
        regime: the problem's shape; its number of steps is cut to `STEPS`.
        seed: of everything.
        narrow: types narrower than double that its steps compute in; they are lifted to double, for their rounding
            would be taken for a difference of laws.
        runs: how many of each.
    """

    def __init__(
        self,
        maker: Maker,
        regime: Regime,
        seed: int,
        narrow: frozenset[torch.dtype] = frozenset(),
        runs: int = RUNS,
    ) -> None:
        self.seed, self.runs = seed, runs
        self.regime = replace(regime, steps=min(regime.steps, STEPS))
        self._narrow = sorted(str(t).removeprefix("torch.") for t in narrow)
        around = Lifted if narrow else nullcontext
        self._bench = Bench(pose(self.regime, maker(self.regime), 1000 * seed), torch.float64, around)

    @functools.cached_property
    def first(self) -> NDArray[np.float64]:
        """Functionals of the outputs of the training itself, shape (runs, k)."""
        return self._draw(0)

    def judge(self, group: str, element: ArrayLike | None = None) -> Finding:
        """The verdict on one group, read at one element: at the given one or at one of its own choice."""
        number = sorted(GROUPS).index(group)
        own = informative_elements(GROUPS[group], self.regime.d, 100_000 * self.seed + number)[0]
        element = own if element is None else np.asarray(element, dtype=np.float64)
        twin = self._draw(2 + number, element)
        if not (np.isfinite(self.first).all() and np.isfinite(twin).all()):
            return Finding(group, Verdict.INCONCLUSIVE, "", "training diverged")
        seen = self.compare(twin)
        rates = f"false-alarm rate {ALPHA:g}, distance {seen.detectable:.2f} seen with power {seen.power:g}"
        lifted = f"; the step computes in {', '.join(self._narrow)}, lifted to double" if self._narrow else ""
        text = f"over {self.runs} runs of {self.regime.steps} steps: distance {seen.distance:.3f}; {rates}{lifted}"
        if seen.verdict is Verdict.REFUTED:
            example = self._counterexample(group, element, seen)
            reason = f"laws differ {text}"
            return Finding(group, Verdict.REFUTED, "", reason, seen.distance, seen.critical, None, example)
        # So coarse a test cannot certify: behind noise, a rule may be broken by less than it sees.
        reason = f"runs differ, as their draws do, and no difference in law is seen {text}"
        return Finding(group, Verdict.INCONCLUSIVE, "", reason, seen.distance, seen.critical)

    def compare(self, other: NDArray[np.float64]) -> Comparison:
        """The training itself against another arm."""
        scale = float(np.abs(self.first).max())
        return compare(self.first, other, alpha=ALPHA, resolution=SAME * scale)

    def _draw(self, arm: int, element: ArrayLike | None = None) -> NDArray[np.float64]:
        seeds = np.random.default_rng([self.seed, arm]).integers(2**32, size=self.runs)
        return np.stack([self._functionals(self._bench.trace(element, seed=int(seed)), element) for seed in seeds])

    def _functionals(self, trace: Trace, element: ArrayLike | None) -> NDArray[np.float64]:
        """The final outputs, their sum and spread (laws may differ although each output's law agrees), and W_1 g."""
        outputs = trace.outputs[-1].numpy()
        first = trace.weights[-1][self._bench.first].numpy()
        back = first if element is None else first @ np.asarray(element)
        return np.concatenate([outputs, [outputs.sum(), np.abs(outputs - outputs[0]).sum()], back.flat])

    def _counterexample(self, group: str, element: NDArray[Any], seen: Comparison) -> dict[str, Any]:
        return {
            "group": group,
            "in_law": True,
            "regime": asdict(self.regime),
            "seed": self.seed,
            "narrow": self._narrow,
            "element": element.tolist(),
            "distance": seen.distance,
            "critical": seen.critical,
            "p_value": seen.p_value,
        }
