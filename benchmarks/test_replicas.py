"""Batched training against the plain torch.optim loop, at five sizes from many small nets to one wide net.

The two are measured in turns, since the load of a machine drifts: each round yields one ratio, their median is
reported. What is measured is the processor time of one thread, which other work on the machine disturbs little.
Building nets and optimizers counts, as everything that a user waits for.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sims.learners import FullyConnected
from sims.replicas import Recipe, train
from sims.threads import one_thread

SIZES = [(256, 16, 32, 16), (64, 64, 128, 32), (16, 256, 256, 64), (4, 1024, 1024, 64), (1, 3072, 3072, 64)]
"""Nets, d, h and samples in a step."""
ROUNDS = 7
SECONDS = 0.3
"""About how long one side of one round takes, and at least 20 steps."""
OPTIONS = {"lr": 0.01}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def plain_loop(x: Tensor, y: Tensor, hidden: int, activation: type[nn.Module], steps: int) -> None:
    """What a user of torch writes: one net after the other."""
    for points, labels in zip(x, y, strict=True):
        net = nn.Sequential(nn.Linear(x.shape[2], hidden), activation(), nn.Linear(hidden, 1, bias=False))
        optimizer = torch.optim.SGD(net.parameters(), **OPTIONS)
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(points).squeeze(1), labels).backward()
            optimizer.step()


def matrix_rate(size: int = 2048) -> float:
    """Operations per second of a large matrix product."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    times = []
    for _ in range(5):
        start = time.process_time()
        torch.mm(a, b)
        times.append(time.process_time() - start)
    return 2 * size**3 / statistics.median(times)


def seconds(run: Any, *args: Any) -> float:
    """Processor time of one call."""
    start = time.process_time()
    run(*args)
    return time.process_time() - start


def steps_for(run: Any) -> int:
    """How many steps take about `SECONDS`; at least 20."""
    run(20)  # the first call also loads libraries and gets its memory
    return max(20, int(SECONDS * 20 / seconds(run, 20)))


@pytest.mark.parametrize(
    ("activation", "size"), [("tanh", size) for size in SIZES] + [("relu", SIZES[0])], ids=lambda value: str(value)
)
def test_sgd(benchmark: Any, activation: str, size: tuple[int, int, int, int]) -> None:
    """One size; the figures are left in ``extra_info`` for the table in conftest.py."""
    nets, d, hidden, n = size
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(nets, n, d, generator=generator) / d**0.5
    y = torch.randn(nets, n, generator=generator)
    model = FullyConnected((d, hidden, 1), activation)
    weights = model.initial(nets, generator, torch.float32)
    module = {"tanh": nn.Tanh, "relu": nn.ReLU}[activation]

    def batched(steps: int) -> None:
        trained = train(Recipe(model, torch.optim.SGD, OPTIONS, steps), weights, x, y)
        assert trained.steps.tolist() == [steps] * nets  # none dropped out, so that all the work was done

    few = min(nets, 16)  # the plain loop takes the same time for each net

    def plain(steps: int) -> None:
        plain_loop(x[:few], y[:few], hidden, module, steps)

    # As many steps on both sides where a step is long, so that what is done once weighs the same.
    ours = steps_for(batched)
    theirs = ours if nets == few else min(ours, steps_for(plain))
    rounds, peak = [], []

    def turn() -> None:
        peak.append(matrix_rate())
        rounds.append((nets * ours / seconds(batched, ours), few * theirs / seconds(plain, theirs)))

    benchmark.pedantic(turn, rounds=ROUNDS)
    operations = n * hidden * (4 * d + 6)  # two products with the first matrix, three with the last
    fast, slow, rate = (statistics.median(values) for values in (*zip(*rounds, strict=True), peak))
    ratios = [a / b for a, b in rounds]
    benchmark.extra_info.update(
        nets=nets,
        d=d,
        h=hidden,
        batch=n,
        activation=activation,
        batched=fast,
        plain=slow,
        ratio=statistics.median(ratios),
        least=min(ratios),
        most=max(ratios),
        batched_fraction=fast * operations / rate,
        plain_fraction=slow * operations / rate,
        matrix_rate=rate,
    )
