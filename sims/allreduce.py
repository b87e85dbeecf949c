"""Multi-colour allreduce and data-parallel training on real processes, held against what is proved of them.

Each cell starts d processes on this machine that are ranks of one gloo group on the loopback interface. They run the
schedule of `theory.allreduce`, send by send, over torch.distributed's isend and irecv, with a random number of colours
and segments in every replica. Of sums every rank checks its own result.

- ``integers``: a buffer of n integers below 2^40 in magnitude. A replica's value is the share of right entries on the
  worst rank. It is to be 1 always; what a mean cannot show, that no replica ever fails, is asked in `verify.allreduce`.
- ``floats``: n numbers in float32 over nine powers of two. The value is the greatest error of an entry over the bound
  gamma_h sum |g_r| of claim allreduce-rounding, on the worst rank.
- ``sgd``: a linear net learns the digits of scikit-learn (8 x 8 pixels, one target for each digit) by four steps of
  SGD on batches of n, in float32, d workers on equal shards beside one process on the whole batch. The value is the
  greatest distance of two weights over the bound of claim allreduce-descent for both runs together.

Values above 2 count as 2. Figures: what the schedule costs in the alpha-beta model for 16 to 4096 ranks, beside a ring
and a binary tree; and, at full size, its time on this machine over that of torch's all_reduce.

Ranks that die or stall end a call with an error on every other rank within its timeout, and leave buffers as they were;
see `sims.allreduce_ranks` for what is promised, and `verify.allreduce` for the checks.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sims.allreduce_pictures import pictures
from sims.allreduce_processes import Ranks
from sims.allreduce_programs import descend, floats, integers, shard_descend
from sims.experiment import Cell, Experiment, Line, Looks
from sims.statistics import bounded_mean
from theory.allreduce_schedule import multicolour
from theory.allreduce_sums import additions
from theory.allreduce_training import Batch, descent_bound

__all__ = ["EXPERIMENT", "measure"]

TOP = 2.0
STEPS = 4
BITS = 24
RANKS = {"quick": (2, 4), "full": (2, 3, 4, 5, 6, 7, 8)}
ELEMENTS = {"quick": (5, 1000), "full": (5, 1000, 100_000)}
"""Of the buffers; with 5 of them most pieces are empty."""
POINTS = {"quick": (16,), "full": (16, 64)}
"""Points of a batch on each rank."""
SUMS, TRAININGS = {"quick": 50, "full": 200}, {"quick": 30, "full": 200}
"""Replicas; long buffers have 50."""
LONGEST = 600.0
"""Seconds after which a cell's processes are given up; it takes a few."""


def cells(size: str) -> list[Cell]:
    """Sums of some lengths and training on some batches, for each number of ranks."""
    key = "quick" if size == "quick" else "full"
    found = []
    for ranks in RANKS[key]:
        sums = [(name, n, SUMS[key] if n <= 1000 else 50) for name in ("integers", "floats") for n in ELEMENTS[key]]
        for name, n, count in [*sums, *(("sgd", ranks * m, TRAININGS[key]) for m in POINTS[key])]:
            found.append(Cell(name, ranks, n, count, count))
    return found


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> NDArray[np.float64]:
    """Each replica's value in [0, 2]; gloo's ranks compute on the CPU whatever the device is.

    Raises:
        ProcessError: the ranks did not start, or one of them failed.
    """
    with Ranks(cell.d) as ranks:
        if cell.learner == "sgd":
            found = np.array([_training(ranks, cell.n, seed) for seed in seeds])
        else:
            act, worst = {"integers": (integers, np.min), "floats": (floats, np.max)}[cell.learner]
            found = worst(ranks.values([(act, (cell.n, list(seeds)))] * cell.d, LONGEST), axis=0)
    return np.minimum(np.asarray(found, np.float64), TOP)


def _training(ranks: Ranks, points: int, seed: np.random.SeedSequence) -> float:
    """The distance of the final weights of both runs over its bound."""
    rng = np.random.default_rng(seed)
    pixels, targets = _digits()
    rows = np.stack([rng.choice(len(pixels), points, replace=False) for _ in range(STEPS)])
    start = rng.standard_normal((pixels.shape[1], targets.shape[1])).astype(np.float32) / 8
    x, y = pixels[rows], targets[rows]
    rate = 2.0 ** -(4 + (points - 1).bit_length())  # a power of two, about 1/16 over the number of points
    share, plan = points // ranks.count, multicolour(ranks.count, 2, start.size, int(rng.integers(1, 5)))
    shards = [slice(r * share, (r + 1) * share) for r in range(ranks.count)]
    found = ranks.values([(shard_descend, (x[:, at], y[:, at], start, rate, plan)) for at in shards], LONGEST)
    alone = descend(x, y, start, rate, lambda gradient: None)
    bounds = {
        "parallel": _bound(x, y, found[0], rate, share + additions(plan)),
        "alone": _bound(x, y, alone, rate, points),
    }
    apart = np.max([abs(path[-1].astype(np.float64) - alone[-1]) for path in found], axis=0)
    return float(np.max(apart / sum(bounds.values())))


def _bound(
    x: NDArray[np.float32], y: NDArray[np.float32], path: Sequence[NDArray[Any]], rate: float, passed: int
) -> NDArray[np.float64]:
    """E of claim allreduce-descent, K being d + 3 and the additions over points and ranks."""
    wide = (np.asarray(a, np.float64) for a in (x, y, path))
    batches = [Batch(*step) for step in zip(*wide, strict=False)]  # the last weights start no step
    return descent_bound(batches, rate, x.shape[2] + 3 + passed, BITS)


@functools.cache
def _digits() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixels in [0, 1], shape (1797, 64), and one-hot targets, shape (1797, 10)."""
    from sklearn.datasets import load_digits  # slow to import

    found = load_digits()
    return (found.data / 16).astype(np.float32), np.eye(10, dtype=np.float32)[found.target]


def _one(d: int, n: int) -> float:
    return 1.0


EXPERIMENT = Experiment(
    name="allreduce",
    cells=cells,
    measure=measure,
    interval=functools.partial(bounded_mean, top=TOP),
    top=TOP,
    lines=(
        Line("allreduce-exact", "equal", "every entry is right", _one, ("integers",), fault=1.5),
        Line("allreduce-rounding", "upper", "the bound on rounding", _one, ("floats",), fault=0.3),
        # The bound adds up the worst of some hundred roundings a step, which in truth nearly cancel.
        Line("allreduce-descent", "upper", "the bound on two runs of descent", _one, ("sgd",), fault=0.0005),
    ),
    looks=Looks(
        title="Sums by real processes are exact on integers and within their bounds on floats",
        subtitle="Multi-colour allreduce over gloo",
        x="elements of the buffer, points of the batch",
        y="share right; error over its bound",
        styles={
            "integers": "integers: share of right entries",
            "floats": "floats: error over its bound",
            "sgd": "SGD on the digits: error over its bound",
        },
        panel=lambda learner, d: f"{d} ranks",
    ),
    pictures=pictures,
)
