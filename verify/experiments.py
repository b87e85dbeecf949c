"""The simulations of sims/, held against the claims they bear on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sims import figures, warmup
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from theory.warmup import least_error

__all__ = ["Experiment"]

# The conv net is not equivariant: it is expected to go below the bound, which is the gap.
EXPECTED = {
    "fc respects the bound": Verdict.CERTIFIED,
    "kernel respects the bound": Verdict.CERTIFIED,
    "kernel attains the bound": Verdict.CERTIFIED,
    "conv respects the bound": Verdict.REFUTED,
}


class Experiment:
    """The warm-up experiment: run once, when first asked for, then judged question by question."""

    def __init__(self, seed: int, progress: Callable[[str], None] = lambda _: None) -> None:
        self._run = functools.cache(lambda: warmup.run(seed, progress=progress))

    def judge(self, question: str, delay: int = 1, scale: int = 1) -> Evidence:
        """One question about the measured curves.

        Args:
            question: a key of `EXPECTED`.
            delay: the bound after n samples is taken to be the true one after n // delay.
            scale: the bound is multiplied by this.
        """
        result = self._run()
        points = tuple(replace(p, exact=scale * least_error(p.d, p.n // delay)) for p in result.points)
        return warmup.judge(replace(result, points=points))[question]

    def measurements(self) -> Iterator[tuple[Step, Verdict]]:
        """Each question as a step to run, with the expected verdict.

        The mutant of a pass claims that errors fall half as fast, which the measured curves must refute; that of
        the expected refutation takes the bound away.
        """
        for question, expected in EXPECTED.items():
            mutant = (
                Mutant("the bound is claimed to fall half as fast in n", delay=2)
                if expected is Verdict.CERTIFIED
                else Mutant("the bound is zero", scale=0)
            )
            check = functools.partial(self.judge, question)
            yield Step("ex-4.1-exact", question, check, Trust.SIMULATED, mutant, ()), expected

    def draw(self, folder: Path) -> list[Path]:
        """The figure with its data."""
        return figures.warmup(self._run(), folder / "warmup")
