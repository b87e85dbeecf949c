"""Minibatches: each replica's own, uniform, and the same whoever else trains."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sims.stacks import Batches, Problem


def batches(counts: list[int], seeds: list[int], batch: int | None, n: int = 12) -> Batches:
    replicas = len(counts)
    x = torch.arange(replicas * n * 2, dtype=torch.float64).view(replicas, n, 2)
    return Batches(Problem([], x, x[:, :, 0].clone(), torch.tensor(counts), None, torch.tensor(seeds)), batch)


def draws(counts: list[int], seeds: list[int], batch: int, steps: int) -> Tensor:
    drawn = batches(counts, seeds, batch)
    return torch.stack([drawn.indices(step) for step in range(steps)], dim=1)


def test_draws_are_uniform_and_within_the_count() -> None:
    drawn = draws([12, 7, 5], [1, 2, 3], 4, 3000)
    for r, count in enumerate([12, 7, 5]):
        seen = torch.bincount(drawn[r].flatten(), minlength=count).double()
        assert len(seen) == count
        chi = float(((seen - 12000 / count) ** 2 / (12000 / count)).sum())
        assert chi < count + 6 * (2 * count) ** 0.5  # about 6 standard deviations of a chi-square


def test_draws_of_places_steps_and_seeds_are_unrelated() -> None:
    drawn = draws([12, 12], [0, 1], 4, 3000).double() - 5.5
    pairs = {
        "places": (drawn[:, :, 0], drawn[:, :, 1]),
        "steps": (drawn[:, 1:], drawn[:, :-1]),
        "next seed": (drawn[0], drawn[1]),
        "next seed, shifted": (drawn[0, 1:], drawn[1, :-1]),
        "place and step": (drawn[:, 1:, 0], drawn[:, :-1, 1]),
    }
    for name, (a, b) in pairs.items():
        assert abs(float((a * b).mean())) < 6 * 12 / a.numel() ** 0.5, name  # the variance of a draw is 143/12


def test_draws_depend_on_seed_count_and_step_alone() -> None:
    together, alone = draws([12, 7, 5], [1, 2, 3], 4, 10), draws([5, 7], [3, 2], 4, 10)
    assert bool((together[[2, 1]] == alone).all())
    assert not bool((draws([12], [1], 4, 10) == draws([12], [2**62 + 1], 4, 10)).all())


def test_few_samples_are_all_used_once() -> None:
    few = batches([3, 4, 12], [1, 2, 3], 4)
    for step in range(5):
        assert few.indices(step)[:2].tolist() == [[0, 1, 2, 3]] * 2
        x, y, scale = few.at(step)
        assert x.shape == (3, 4, 2)
        torch.testing.assert_close(
            scale, torch.tensor([[1 / 3, 1 / 3, 1 / 3, 0], [0.25] * 4, [0.25] * 4], dtype=torch.float64)
        )
        assert bool((x[:, :, 0] == y).all())  # a point keeps its label
        assert (y // 24).tolist() == [[0.0] * 4, [1.0] * 4, [2.0] * 4]  # and its replica


@pytest.mark.parametrize("batch", [None, 12, 100])
def test_the_whole_sample(batch: int | None) -> None:
    x, y, scale = batches([3, 12], [1, 2], batch).at(0)
    assert x.shape == (2, 12, 2)
    assert y.shape == (2, 12)
    torch.testing.assert_close(scale.sum(dim=1), torch.ones(2, dtype=torch.float64))
    assert int((scale[0] > 0).sum()) == 3
