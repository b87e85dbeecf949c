r"""Theorem 5.5, run: uniform on the pairs (t_i, -1), (s_i, 1), t_i = e_i + e_{i+1}, s_i = e_i + e_{i+2}, indices mod d.

Permutation-equivariant, so that thm-5.5, thm-5.5-sharp and the exact optimum bind them:

- ``fc_sgd``, ``fc_l1`` (SGD with an l1 penalty), ``fc_adam``, ``fc_adagrad``: fully-connected nets with i.i.d. first
  weights; these optimizers act entry by entry, so training is permutation-equivariant in law.
- ``memorise``: the label of a training point seen, else a coin; its error is known exactly (upper-5.5).
- ``votes``: memorises, and on other points counts shared pixels. It only knows inner products; after no sample and
  after one it attains the exact optimum.

Not equivariant, and better: ``conv``, a conv net with one pooled filter of size 2 and least output weights that fit the
sample, an empirical risk minimiser as in conv-upper-5.5 (on one texture it answers the label seen, so that its error
is that bound exactly); ``conv_net``, such a net trained by Adam, is shown only: it need not fit the sample.

A replica's value is its exact error over the 2d points, where an output of exactly 0, a coin, counts one half. Nets
train in float32: they are equivariant up to rounding.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sims.experiment import Cell, Experiment, Line, Looks
from sims.quadratic import ceiling
from sims.texture_learners import LEARNERS, support
from theory.texture import conv_upper_bound, exact_optimum, least_error_bound, sample, upper_bound

__all__ = ["EXPERIMENT", "measure"]

NETS = ("fc_sgd", "fc_l1", "fc_adam", "fc_adagrad")
EQUIVARIANT = (*NETS, "memorise", "votes")
LARGEST = 7
"""The largest d at which the exact optimum is computed."""
DIMENSIONS = {"quick": (6, 24), "full": (6, 7, 16, 64, 256)}
SHARES = {"quick": (0, 0.05, 0.25, 1), "full": (0, 0.02, 0.05, 0.095, 0.15, 0.25, 0.35, 0.5, 1, 2)}
"""Numbers of samples over d."""
POOLED = {"quick": (0, 1, 2, 4, 8), "full": (0, 1, 2, 3, 4, 5, 6, 8, 10)}
"""Numbers of samples of conv nets, whatever d is."""
REPLICAS = 600


def cells(size: str) -> list[Cell]:
    """Equivariant learners at multiples of d samples, conv nets at fixed numbers."""
    key = "quick" if size == "quick" else "full"
    found = []
    for d in DIMENSIONS[key]:
        found += [_cell("conv", d, n, REPLICAS) for n in POOLED[key]]
        found += [_cell("conv_net", d, n, 100) for n in POOLED[key]]
        for n in sorted({0, 1} | {round(share * d) for share in SHARES[key]}):
            found += [_cell(learner, d, n, REPLICAS) for learner in EQUIVARIANT]
    return found


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> NDArray[np.float64]:
    """Each replica's error over all 2d points; an output of 0, or of a net that diverged, counts one half.

    Example:
        >>> seeds = np.random.SeedSequence(0).spawn(3)
        >>> measure(Cell("memorise", 5, 0, 3, 3), seeds).tolist()
        [0.5, 0.5, 0.5]
    """
    draws = [np.random.default_rng(seed) for seed in seeds]
    drawn = zip(*(sample(cell.d, cell.n, rng) for rng in draws), strict=True)
    x, y = (torch.from_numpy(np.stack(a).astype(np.float32)).to(device) for a in drawn)
    outputs = LEARNERS[cell.learner](x, y, [np.random.SeedSequence(int(rng.integers(2**63))) for rng in draws])
    wrong = (outputs.sign().nan_to_num() - support(cell.d)[1].to(outputs)).abs() / 2
    return wrong.double().mean(dim=1).cpu().numpy()


def _cell(learner: str, d: int, n: int, replicas: int) -> Cell:
    seconds = 0.001 + 4e-7 * n * d if learner in NETS else 0.0005 + 1e-6 * d * d
    # Points and what is computed at them take some 2d (d + n + 32) numbers a replica.
    memory = 2 * d * (d + n + 32)
    return Cell(learner, d, n, replicas, max(1, min(replicas, int(15 / seconds), 10**8 // memory)))


@functools.cache
def _optimum(d: int, n: int) -> float | None:
    return float(exact_optimum(d, n)) if d <= LARGEST else None


def _sharp(d: int, n: int) -> float:
    return float(least_error_bound(d, n))


def _printed(d: int, n: int) -> float | None:
    return 0.25 if 10 * n < d else None


@functools.cache
def _memorising(d: int, n: int) -> float | None:
    return ceiling(upper_bound, d, n)


@functools.cache
def _conv(d: int, n: int) -> float | None:
    return ceiling(lambda _, error: conv_upper_bound(error), d, n)


EXPERIMENT = Experiment(
    name="texture",
    cells=cells,
    measure=measure,
    lines=(
        # Each fault lies above what was measured to be refuted (the "sharpness" of a verdict): the nets err half the
        # time after one sample and more, counting shared pixels comes near to the bounds.
        Line("thm-5.5", "lower", "1/4 for n < d/10, as printed", _printed, EQUIVARIANT, fault=2.3),
        Line("thm-5.5-sharp", "lower", "the sharper lower bound", _sharp, ("votes",), ("conv",)),
        Line("thm-5.5-sharp", "lower", "the sharper lower bound", _sharp, (*NETS, "memorise"), fault=1.25),
        Line("thm-5.5-sharp", "lower", "the exact optimum", _optimum, ("votes",)),
        Line("thm-5.5-sharp", "lower", "the exact optimum", _optimum, (*NETS, "memorise"), fault=1.8),
        Line("upper-5.5", "equal", "the error of memorising", _memorising, ("memorise",)),
        # After one sample it errs on the other texture, always: 0.5.
        Line("conv-upper-5.5", "upper", "the conv net's upper bound 2^-n", _conv, ("conv",), fault=0.9),
    ),
    looks=Looks(
        title="Permutation-equivariant learners need samples by d, conv nets do not",
        subtitle="Texture task of Theorem 5.5",
        styles={
            "fc_sgd": "fully-connected net, SGD",
            "fc_l1": "fully-connected net, SGD, l1",
            "fc_adam": "fully-connected net, Adam",
            "fc_adagrad": "fully-connected net, AdaGrad",
            "memorise": "memorising",
            "votes": "memorising and counting shared pixels",
            "conv": "conv net, ERM",
            "conv_net": "conv net, Adam",
        },
    ),
)
