"""The simulations of sims/, held against the claims they bear on."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sims import figures
from sims.chunks import chunks
from sims.experiment import Cell, Experiment
from sims.judgement import Question, Result, judge, questions, summarise
from sims.sweep import sweep
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from verify.progress import Tick, silent

__all__ = ["Measured"]


class Measured:
    """An experiment in its quick form: measured once, then judged question by question.

    Args:
        experiment: which.
        seed: of everything random.
        folder: where its chunks are kept; what is found there is not run again.
        jobs: number of processes.
    """

    def __init__(self, experiment: Experiment, seed: int, folder: Path, jobs: int) -> None:
        self.experiment, self.seed, self.folder, self.jobs = experiment, seed, folder, jobs
        self.cells = experiment.cells("quick")
        self.work = len(chunks(experiment, self.cells, seed))

    def measure(self, progress: Tick = silent) -> Mapping[Cell, NDArray[np.float64]]:
        """Run the chunks that are not in the folder; progress is told about each, with work 1."""
        return sweep(self.experiment, self.cells, self.seed, self.folder, self.jobs, progress=progress).values

    @functools.cached_property
    def result(self) -> Result:
        """The measured curves."""
        return summarise(self.experiment, self.measure(), self.seed)

    def judge(self, question: Question, scale: float = 1.0, curve: str | None = None) -> Evidence:
        """One question about the measured curves, perhaps with a fault as in `sims.judgement.judge`."""
        return judge(self.result, question, scale, curve)

    def measurements(self) -> Iterator[tuple[Step, Verdict]]:
        """Each question as a step to run, with the expected verdict.

        The mutant of a pass moves the claimed values by the line's fault, which the measured curves must refute; that
        of an expected refutation looks at the curve of a learner that does not violate the line.
        """
        for question in questions(self.experiment):
            line = question.line
            if question.expected is Verdict.CERTIFIED:
                mutant = Mutant(f"from n = 1 on, what is claimed is multiplied by {line.fault:g}", scale=line.fault)
            else:
                mutant = Mutant(f"the curve is that of {line.stand_in!r}", curve=line.stand_in)
            check = functools.partial(self.judge, question)
            name = f"{self.experiment.name}: {question.text}"
            yield Step(line.claim, name, check, Trust.SIMULATED, mutant, ()), question.expected

    def draw(self, folder: Path) -> list[Path]:
        """The figures with their data."""
        curves = figures.curves(self.result, folder / self.experiment.name)
        return curves + self.experiment.pictures("quick", self.seed, folder)
