"""What ranks are asked to do: sums that are known, gradient descent, failing on purpose, racing torch's all_reduce."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from sims.allreduce_ranks import Allreduce, AllreduceError, accumulate, program, spaces
from theory.allreduce_schedule import Schedule, multicolour
from theory.allreduce_sums import additions, gamma

__all__ = [
    "LIMIT",
    "InPlace",
    "Outcome",
    "attempt",
    "descend",
    "floats",
    "integers",
    "race",
    "ring_descend",
    "ring_shard_descend",
    "shard_descend",
    "vanish",
]

LIMIT = 60.0
"""Seconds that a call may take where nobody is made to fail; far more than it needs on a busy machine."""
BITS = 24
MOST_SEGMENTS = 4
Matrix = NDArray[Any]
Combine = Callable[[Tensor], object]


@dataclass(frozen=True)
class Outcome:
    """What became of one call on one rank: its buffer, what it held, the error if there was one, and the seconds."""

    buffer: Matrix
    held: Matrix | None
    failure: AllreduceError | None
    seconds: float


def integers(elements: int, seeds: Sequence[np.random.SeedSequence]) -> list[float]:
    """For each seed the share of right entries on this rank; integers below 2^40 in magnitude, summed as int64."""
    return [_right(*_drawn(elements, seed)) for seed in seeds]


def floats(elements: int, seeds: Sequence[np.random.SeedSequence]) -> list[float]:
    """For each seed the greatest error over the bound gamma_h sum |g| of claim allreduce-rounding, on this rank.

    Values are float32, integers below 2^23 times powers of two, whose sums are exact in float64.
    """
    return [_worst(*_drawn(elements, seed)) for seed in seeds]


def _drawn(elements: int, seed: np.random.SeedSequence) -> tuple[Schedule, np.random.Generator]:
    """A schedule with a random number of colours and segments; the same on all ranks."""
    rng, ranks = np.random.default_rng(seed), dist.get_world_size()
    k, segments = int(rng.integers(1, ranks + 1)), int(rng.integers(1, MOST_SEGMENTS + 1))
    return multicolour(ranks, k, elements, segments), rng


def _right(plan: Schedule, rng: np.random.Generator) -> float:
    values = rng.integers(-(2**40), 2**40, (plan.ranks, plan.pieces[-1].stop))
    return float(np.mean(_summed(values, plan) == values.sum(axis=0)))


def _worst(plan: Schedule, rng: np.random.Generator) -> float:
    shape = plan.ranks, plan.pieces[-1].stop
    wide = rng.integers(-(2**23), 2**23, shape) * 2.0 ** rng.integers(-4, 5, shape)
    error = abs(_summed(wide.astype(np.float32), plan).astype(np.float64) - wide.sum(axis=0))
    size = abs(wide).sum(axis=0)
    bound = float(gamma(additions(plan), BITS)) * size * (1 - 2.0**-50)
    return float(np.max(np.divide(error, bound, out=np.where(error > 0, np.inf, 0.0), where=bound > 0)))


def _summed(values: Matrix, plan: Schedule) -> Matrix:
    buffer = torch.from_numpy(values[dist.get_rank()].copy())
    Allreduce(plan, LIMIT)(buffer)
    return buffer.numpy()


def descend(x: Matrix, y: Matrix, weights: Matrix, rate: float, combine: Combine) -> list[Matrix]:
    """Gradient descent on a linear net with square loss: the weights before each step and after the last.

    Args:
        x: batches, shape (steps, m, d).
        y: targets, shape (steps, m, q).
        weights: to start from, shape (d, q).
        rate: the factor on the gradient summed over all ranks' points.
        combine: puts the sum over ranks into a flat gradient; does nothing in a run on one process.
    """
    path = [torch.from_numpy(weights)]
    for inputs, targets in zip(torch.from_numpy(x), torch.from_numpy(y), strict=True):
        gradient = (inputs.T @ (inputs @ path[-1] - targets)).contiguous()
        combine(gradient.view(-1))
        path.append(path[-1] - rate * gradient)
    return [weight.numpy() for weight in path]


def shard_descend(x: Matrix, y: Matrix, weights: Matrix, rate: float, plan: Schedule) -> list[Matrix]:
    """`descend` on this rank's shard (steps, m, d), with an allreduce by the plan."""
    return descend(x, y, weights, rate, Allreduce(plan, LIMIT))


def ring_descend(
    x: Matrix, y: Matrix, weights: tuple[Matrix, Matrix], rate: int, steps: int, workers: int, combine: Combine
) -> tuple[Matrix, Matrix]:
    """Gradient descent on f(x) = v (W x)^2 with loss (f - y)^2/2, in integers mod 2^64, where nothing is rounded.

    The mean over m points multiplies by the inverse of m, which exists for odd m; so does that over workers.

    Args:
        x: this worker's points, shape (m, d), uint64, m odd.
        y: targets, shape (m,).
        weights: W of shape (h, d) and v of shape (h,).
        rate: the step size, an integer.
        steps: number of steps.
        workers: an odd number.
        combine: puts the sum over workers into a flat int64 gradient.
    """
    first, last = weights
    share = np.uint64(pow(len(x), -1, 2**64) * pow(workers, -1, 2**64) * rate % 2**64)
    for _ in range(steps):
        z = x @ first.T
        delta = (z * z) @ last - y
        inner = np.uint64(2) * ((delta[:, None] * last * z).T @ x)
        gradient = np.concatenate([inner.ravel(), (z * z).T @ delta]) * share
        combine(torch.from_numpy(gradient.view(np.int64)))
        first = first - gradient[: first.size].reshape(first.shape)
        last = last - gradient[first.size :]
    return first, last


def ring_shard_descend(
    x: Matrix, y: Matrix, weights: tuple[Matrix, Matrix], rate: int, steps: int, plan: Schedule
) -> tuple[Matrix, Matrix]:
    """`ring_descend` on this rank's shard, with an allreduce by the plan."""
    return ring_descend(x, y, weights, rate, steps, plan.ranks, Allreduce(plan, LIMIT))


class InPlace:
    """The same sends and receives on the buffer itself, with no copy and no votes: a failure leaves it half-done."""

    held = None

    def __init__(self, plan: Schedule, timeout: float) -> None:
        self._moves, self._timeout = program(plan, dist.get_rank()), timeout

    def __call__(self, buffer: Tensor) -> None:
        """Replace the buffer by the sum, or by something between."""
        accumulate(buffer, spaces(buffer, self._moves), self._moves, time.monotonic(), self._timeout)


def attempt(values: Matrix, plan: Schedule, timeout: float, how: type[Allreduce | InPlace]) -> Outcome:
    """One call on this rank's values, and what became of it."""
    buffer, act, failure = torch.from_numpy(values.copy()), how(plan, timeout), None
    dist.barrier()  # so that all ranks begin together
    begin = time.monotonic()
    try:
        act(buffer)
    except AllreduceError as error:
        failure = error
    held = None if act.held is None else act.held.numpy()
    return Outcome(buffer.numpy(), held, failure, time.monotonic() - begin)


def vanish(values: Matrix, plan: Schedule, after: int, signal: int, sign: str) -> None:
    """Take part for some moves, then send oneself a signal: SIGKILL to die, SIGSTOP to stall.

    The empty file `sign` is written just before. It is missing where this rank was so slow that others gave up first.
    """
    work, moves = torch.from_numpy(values.copy()), program(plan, dist.get_rank())[:after]
    dist.barrier()
    with contextlib.suppress(AllreduceError):
        accumulate(work, spaces(work, moves), moves, time.monotonic(), LIMIT)
        Path(sign).touch()
    os.kill(os.getpid(), signal)


def race(plan: Schedule, repeats: int) -> list[tuple[float, float]]:
    """Seconds of this allreduce and of torch's all_reduce on float32, one after the other, several times."""
    ours = Allreduce(plan, LIMIT)
    buffer = torch.ones(plan.pieces[-1].stop)
    found = []
    for _ in range(repeats + 1):
        taken = []
        for act in (ours, dist.all_reduce):
            buffer.fill_(1.0)
            dist.barrier()
            begin = time.perf_counter()
            act(buffer)
            taken.append(time.perf_counter() - begin)
        found.append((taken[0], taken[1]))
    return found[1:]  # the first one warms up
