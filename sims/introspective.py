r"""The introspective loop on real images: the digits 3 and 8 of scikit-learn, 8 x 8 pixels, from few samples of each.

A learner has one net for each digit, which tells this digit (positive) from the other one; the answer is the digit
whose net has the larger output. ``plain`` nets are trained on the n images. ``introspective`` nets are trained on them,
then in each of 4 rounds every net makes n/2 pseudo-negatives, as many as it has positives: Gaussian noise goes up the
gradient of the net's output, with noise that falls to 0, until the output is that of the average positive. They join
the negatives, and the net is trained again from where it is, on everything so far, so that after t rounds it sees t + 1
negatives, of equal weight, for each positive. Both kinds take the same number of gradient steps in all. Pixels lie in
[-1, 1], and nothing keeps samples there: clipping would break the equivariance that claim introspective-equivariant is
about. How the authors weigh the two kinds of negatives and treat more classes is not modelled. Step sizes and noise
were set by looking at training outputs and at samples; n/2 in place of n pseudo-negatives a round was chosen after a
first look at test errors, and nothing else.

- ``fc``: fully-connected, one hidden layer of 32 tanh units with biases, Gaussian first weights, SGD with momentum: the
  loop is O(64)-equivariant in law;
- ``conv``: 8 filters of 3 x 3, tanh, means over blocks of 2 x 2, one output: not equivariant, since the same shuffling
  of the pixels of all images raises its error.

A replica's value is its error on 200 other images, from a split of its own; replicas are independent given the 357
images. No theorem speaks of images, so these curves are only shown.

The loop does not lower the test error here. On the same 160 splits, the error with the loop minus that of plain
training is 1.4, 0.4, 0.3, 0.2 and 0.3 percentage points (fc) and 5.0, 1.9, 0.0, 0.3 and 0.6 (conv) at n = 4, 8, 16, 32
and 64, with standard errors of 0.3, 0.2, 0.1, 0.1 and 0.1 (fc) and of 0.6, 0.4, 0.2, 0.1 and 0.1 (conv). The
curves' bars, which hold all together, are too wide to show this. It is about this loop, with 4 rounds and two digits,
and not about the authors' nets.

The pictures are of one run on more images and with more rounds (64 and 6; full size: 128 and 12). Samples of the conv
nets come to look like digits, those of the fc nets hardly do.

``fc, gaussian`` is the same introspective fc learner on the task of Theorem 5.2, x ~ N(0, I_64) and label
sign(|x_1:32|^2 - |x_33:64|^2), d = 32, with n/2 pseudo-negatives a round however many inputs are positive: claim
introspective-5.2 bounds its error from below, whatever it makes up. From so few samples it guesses, far above that.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sims.experiment import Cell, Experiment, Line, Looks
from sims.figure1 import floor
from sims.introspective_loop import ImageConv, Loop, Result, gaussian_draws
from sims.introspective_pictures import gallery
from sims.learners import FullyConnected, first_weights
from sims.replicas import Recipe

__all__ = ["EXPERIMENT", "ROUNDS", "digits", "learn", "measure", "split"]

Array = NDArray[np.float32]
DIGITS = (3, 8)
ROUNDS, STEPS, CLIMB = 4, 60, 40
"""Rounds, gradient steps of one training, steps of one synthesis."""
SCALE = 0.3
"""Standard deviation of a pixel of the noise that samples start from."""
TESTS = 200
SIDE, HALF = 8, 32
NETS: Mapping[str, Any] = MappingProxyType({"fc": FullyConnected((SIDE**2, 32, 1)), "conv": ImageConv(SIDE, 8)})
SHOWN = {"quick": (64, 6), "full": (128, 12)}
"""Of the pictures: training images, and rounds."""
COLUMNS = 5


@dataclass(frozen=True)
class Kind:
    """A learner: its net, its number of rounds, and where its data come from."""

    net: str
    rounds: int
    source: str


LEARNERS: Mapping[str, Kind] = MappingProxyType(
    {
        "fc, plain": Kind("fc", 0, "digits"),
        "fc, introspective": Kind("fc", ROUNDS, "digits"),
        "conv, plain": Kind("conv", 0, "digits"),
        "conv, introspective": Kind("conv", ROUNDS, "digits"),
        "fc, gaussian": Kind("fc", ROUNDS, "gaussian"),
    }
)
Grid = Mapping[int, int]
"""For each number of training samples how many replicas are measured."""
FULL: Grid = dict.fromkeys((4, 8, 16, 32, 64), 240)
QUICK_FC: Grid = {8: 120, 32: 60}
QUICK_CONV: Grid = {8: 32}
SIZES: Mapping[str, Mapping[str, Grid]] = MappingProxyType(
    {
        "quick": {
            **dict.fromkeys(("fc, plain", "fc, introspective"), QUICK_FC),
            **dict.fromkeys(("conv, plain", "conv, introspective"), QUICK_CONV),
            "fc, gaussian": {8: 160},
        },
        "full": {**dict.fromkeys(LEARNERS, FULL), "fc, gaussian": {8: 240, 32: 240, 64: 240}},
    }
)


def cells(size: str) -> list[Cell]:
    """All learners; images have 64 entries, the half dimension of the Gaussian task is 32."""
    found = []
    for name, grid in SIZES["quick" if size == "quick" else "full"].items():
        d = HALF if LEARNERS[name].source == "gaussian" else SIDE**2
        found += [Cell(name, d, n, replicas, min(replicas, max(8, 640 // n))) for n, replicas in grid.items()]
    return found


@functools.cache
def digits() -> tuple[Array, Array]:
    """The 357 images of a 3 or an 8, pixels in [-1, 1], shape (357, 64), and labels +1 for 3, -1 for 8.

    Example:
        >>> x, y = digits()
        >>> x.shape, float(x.min()), float(x.max()), int((y == 1).sum())
        ((357, 64), -1.0, 1.0, 183)
    """
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    x, y = load_digits(return_X_y=True)
    kept = np.isin(y, DIGITS)
    return (x[kept] / 8 - 1).astype(np.float32), np.where(y[kept] == DIGITS[0], 1, -1).astype(np.float32)


def split(n: int, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Training images, half of each digit, with labels, and `TESTS` of the other images with theirs.

    Args:
        n: training images, an even number in [2, 156].
        rng: draws them.

    Raises:
        ValueError: n is out of range.

    Example:
        >>> x, y, tests, answers = split(6, np.random.default_rng(0))
        >>> x.shape, float(y.sum()), tests.shape
        ((6, 64), 0.0, (200, 64))
    """
    x, y = digits()
    if n % 2 or not 2 <= n <= len(x) - TESTS - 1:
        raise ValueError(f"n: got {n}, want an even number in [2, {len(x) - TESTS - 1}]")
    order = rng.permutation(len(x))
    rows = np.concatenate([order[y[order] == label][: n // 2] for label in (1, -1)])
    others = order[~np.isin(order, rows)][:TESTS]
    return x[rows], y[rows], x[others], y[others]


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> NDArray[np.float64]:
    """Error rates of the replicas on their test inputs; equal outputs, or a net that diverged, count one half.

    Raises:
        ValueError: an unknown learner, or a number of samples that its data do not have.

    Example:
        >>> seeds = np.random.SeedSequence(0).spawn(2)
        >>> bool(measure(Cell("fc, plain", 64, 64, 2, 2), seeds).max() < 0.2)
        True
    """
    if cell.learner not in LEARNERS:
        raise ValueError(f"learner: got {cell.learner!r}, want one of {', '.join(LEARNERS)}")
    kind = LEARNERS[cell.learner]
    drawn = [DATA[kind.source](cell.n, np.random.default_rng(seed)) for seed in seeds]
    x, y, tests, answers = (torch.from_numpy(np.stack(a)).to(device) for a in zip(*drawn, strict=True))
    outputs = learn(kind.net, kind.rounds, x, y, tests, seeds).outputs[-1]
    positive, negative = outputs.reshape(2, *answers.shape)
    wrong = ((positive - negative).sign().nan_to_num() - answers).abs() / 2
    rates: NDArray[np.float64] = wrong.double().mean(dim=1).cpu().numpy()
    return rates


def learn(
    net: str, rounds: int, x: Tensor, y: Tensor, tests: Tensor, seeds: Sequence[np.random.SeedSequence]
) -> Result:
    """Train both nets of R learners: the first R of the result have the label +1 for positive, the others -1.

    Each makes n/2 pseudo-negatives a round, at least one. Plain learners, with 0 rounds, take the gradient steps of all
    rounds at once.

    Args:
        net: a key of `NETS`.
        rounds: of synthesis.
        x: training inputs (R, n, 64).
        y: labels (R, n).
        tests: inputs (R, k, 64) at which outputs are recorded.
        seeds: one for each learner.

    Raises:
        ValueError: an unknown net, a negative number of rounds, or inputs of wrong shapes.
    """
    if net not in NETS:
        raise ValueError(f"net: got {net!r}, want one of {', '.join(NETS)}")
    model = NETS[net]
    # Children by key, not by `spawn`, which counts: the same seeds must give the same values at the next call.
    own = [np.random.SeedSequence(s.entropy, spawn_key=(*s.spawn_key, k)) for k in (0, 1) for s in seeds]
    steps = STEPS if rounds else STEPS * (1 + ROUNDS)
    recipe = Recipe(model, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}, steps=steps, loss="logistic")
    weights = first_weights(model, own, x.dtype, str(x.device))
    draws = gaussian_draws(own, max(1, x.shape[1] // 2), CLIMB, model.dimension, x, SCALE)
    inputs, labels, points = (torch.cat(pair) for pair in ((x, x), (y, -y), (tests, tests)))
    return Loop(recipe, rounds).run(weights, inputs, labels, draws, points)


def _gaussian(n: int, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Independent inputs of Theorem 5.2's task with their labels, n to train on and 64 to test."""
    x, tests = (rng.standard_normal((count, 2 * HALF), dtype=np.float32) for count in (n, 64))
    y, answers = (np.sign((a[:, :HALF] ** 2).sum(axis=1) - (a[:, HALF:] ** 2).sum(axis=1)) for a in (x, tests))
    return x, y, tests, answers


DATA = {"digits": split, "gaussian": _gaussian}


def pictures(size: str, seed: int, folder: Path) -> list[Path]:
    """Real digits and, round by round, pseudo-negatives of both nets, as pictures and as a table of pixels."""
    n, rounds = SHOWN["quick" if size == "quick" else "full"]
    x, y, _, _ = split(n, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))))
    inputs, labels = torch.from_numpy(x)[None], torch.from_numpy(y)[None]
    shown: dict[str, list[Array]] = {}
    for net in NETS:
        found = learn(net, rounds, inputs, labels, inputs[:, :1], [np.random.SeedSequence(seed, spawn_key=(1,))])
        real = np.stack([x[y == label][:COLUMNS] for label in (1, -1)])
        shown[net] = [real, *(s[:, :COLUMNS].cpu().numpy() for s in found.samples)]
    return gallery(shown, DIGITS, folder / "introspective-samples")


def _digest() -> str:
    return hashlib.sha256(b"".join(a.tobytes() for a in digits())).hexdigest()


PANELS = {"digits": "images of a 3 or an 8", "gaussian": "Gaussian inputs, Theorem 5.2"}


EXPERIMENT = Experiment(
    name="introspective",
    cells=cells,
    measure=measure,
    lines=(
        # From so few samples the learner guesses; its errors, near 1/2, refute about five times what is claimed.
        Line(
            "introspective-5.2",
            "lower",
            "the certified least error",
            floor,
            ("fc, gaussian",),
            fault=6.0,
            still=("fc, gaussian",),
        ),
    ),
    looks=Looks(
        title="Training against samples of its own: no gain is seen",
        subtitle="Digits 3 and 8, 8 x 8 pixels, and the task of Theorem 5.2",
        y="test error",
        styles={
            "fc, plain": "fully-connected, plain",
            "fc, introspective": "fully-connected, introspective",
            "conv, plain": "conv, plain",
            "conv, introspective": "conv, introspective",
            "fc, gaussian": "fully-connected, introspective, Gaussian",
        },
        panel=lambda learner, d: PANELS[LEARNERS[learner].source],
    ),
    inputs=_digest,
    pictures=pictures,
)
