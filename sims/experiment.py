"""What every experiment is: cells to measure, how one replica is measured, and what theorems say of the means.

An experiment is data and one function. `sims.sweep` measures its cells, `sims.judgement` holds them against its
lines, `sims.figures` draws both. Each replica yields one number (an error, a loss, a disagreement) that lies in
[0, top], from random numbers of its own, so that replicas of one cell are independent and identically distributed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sims.statistics import bounded_mean

__all__ = ["NAMES", "SIZES", "Cell", "Experiment", "Line", "Looks", "load"]

NAMES = (
    *("warmup", "texture", "quadratic", "regression", "constants", "figure1"),
    *("kpattern", "introspective", "allreduce", "odenet", "simplicial"),
)
"""The experiments, each in the module of its name."""
SIZES = ("quick", "full", "paper")
"""How much is measured; ``paper`` differs from ``full`` in figure1 only."""


@dataclass(frozen=True, order=True)
class Cell:
    """One learner at one dimension and one number of samples.

    Attributes:
        learner: its name; what is measured if it is no learner.
        d: dimension, as in the theorem.
        n: number of training samples.
        replicas: how many numbers to measure.
        chunk: how many of them are measured together, so that it takes 5 to 60 s at most.
    """

    learner: str
    d: int
    n: int
    replicas: int
    chunk: int


@dataclass(frozen=True)
class Line:
    """What a claim says of the expected value at (d, n), for some learners.

    Attributes:
        claim: its id.
        side: ``lower`` (the mean is at least the value), ``upper`` or ``equal``.
        says: in a few words, for the figure's legend.
        value: from (d, n) to the certified number; None where the claim says nothing.
        learners: whom it binds, so that a violation would refute the claim.
        beaten: learners outside of the claim's class that are expected to violate it: the gap.
        fault: a factor on the value, where n >= 1, with which the measured curves of `learners` must refute it.
        still: those of `learners` whose curve need not fall, such as quantities that are no learners.
        other: a measured learner that does not violate the line, named if there are no `learners`.
    """

    claim: str
    side: str
    says: str
    value: Callable[[int, int], float | None]
    learners: tuple[str, ...]
    beaten: tuple[str, ...] = ()
    fault: float = 1.1
    still: tuple[str, ...] = ()
    other: str = ""

    @property
    def stand_in(self) -> str:
        """A learner that does not violate the line, for a mutant of an expected violation."""
        return self.learners[0] if self.learners else self.other


@dataclass(frozen=True)
class Looks:
    """How an experiment's figure looks.

    Attributes:
        title: what is seen, as a sentence.
        subtitle: the task.
        x: label of the horizontal axis, along which n runs.
        y: label of the vertical axis.
        styles: for each learner its label; others go by their name.
        log: whether the vertical axis is logarithmic.
        scaled: from (d, n) to the place on the horizontal axis, if it is not n itself.
        panel: from (learner, d) to the title of the panel that the learner's points at d are drawn in.
    """

    title: str
    subtitle: str
    x: str = "training samples n"
    y: str = "expected error"
    styles: Mapping[str, str] = field(default_factory=dict)
    log: bool = False
    scaled: Callable[[int, int], float] | None = None
    panel: Callable[[str, int], str] = lambda learner, d: f"d = {d}"


Interval = Callable[[NDArray[np.float64], float], tuple[float, float]]
"""From the replicas' values and alpha to an interval that misses their mean with probability at most alpha."""


@dataclass(frozen=True)
class Experiment:
    """A whole experiment.

    Attributes:
        name: its module's name.
        cells: from a size in `SIZES` to what is measured; the quick ones take seconds, all together.
        measure: from a cell, a seed sequence for each replica and a torch device's name to the replicas' values.
        lines: what claims say.
        looks: of its figure.
        interval: for the mean of one cell.
        top: the greatest value a replica can have.
        target: the error at which n* is read off the curves, with its bracket; None if there is none.
        inputs: a digest of the data from outside that the values depend on; they are measured anew if it changes.
        pictures: further figures with their data, from a run of their own: from a size, a seed and a folder to the
            written files (see ``sims.drawing.save``).
    """

    name: str
    cells: Callable[[str], Sequence[Cell]]
    measure: Callable[[Cell, Sequence[np.random.SeedSequence], str], NDArray[np.float64]]
    lines: tuple[Line, ...]
    looks: Looks
    interval: Interval = bounded_mean
    top: float = 1.0
    target: float | None = None
    inputs: Callable[[], str] = lambda: ""
    pictures: Callable[[str, int, Path], list[Path]] = lambda size, seed, folder: []


def load(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        ValueError: there is none.

    Example:
        >>> load("texture").name
        'texture'
    """
    if name not in NAMES:
        raise ValueError(f"NAME: got {name!r}, want one of {', '.join(NAMES)}")
    found: Any = importlib.import_module(f"sims.{name}").EXPERIMENT
    return found  # type: ignore[no-any-return]
