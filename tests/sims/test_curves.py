"""Brackets and exponents of n*, on curves whose n* is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sims.curves import brackets, exponents
from sims.experiment import Cell, Experiment, Looks
from sims.judgement import summarise

SIZES = sorted({round(1.3**k) for k in range(1, 26)})


def experiment(target: float | None) -> Experiment:
    return Experiment("warmup", lambda size: [], lambda *_: np.zeros(1), (), Looks("A", "B"), target=target)


def measured(power: float, replicas: int = 600, noise: float = 0.02) -> dict[Cell, NDArray[np.float64]]:
    """Mean 1/2 at n = 0, falling to 1/4 at n = d^power exactly."""
    rng = np.random.default_rng(0)
    return {
        Cell("a", d, n, replicas, replicas): np.clip(
            0.5 / (1 + n / d**power) + noise * rng.standard_normal(replicas), 0, 1
        )
        for d in (4, 8, 16)
        for n in SIZES
    }


def test_a_bracket_holds_the_sample_complexity() -> None:
    found = brackets(summarise(experiment(0.25), measured(1.5), 0))
    assert list(found) == [("a", 4), ("a", 8), ("a", 16)]
    for (_, d), (low, high) in found.items():
        assert low is not None
        assert high is not None
        assert low < d**1.5 <= high < 3 * low


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_the_exponent_lies_within_both_intervals(power: float) -> None:
    values = measured(power)
    (found,) = exponents(summarise(experiment(0.25), values, 0), values)
    assert (found.learner, found.dimensions) == ("a", (4, 8, 16))
    assert found.low < power < found.high
    assert found.resampled is not None
    assert power - 0.1 < found.resampled[0] < power < found.resampled[1] < power + 0.1
    assert found.high - found.low > found.resampled[1] - found.resampled[0]  # rigorous brackets are the wider ones


def test_without_a_target_or_a_closed_bracket_there_is_none() -> None:
    values = measured(1.0)
    assert brackets(summarise(experiment(None), values, 0)) == {}
    assert exponents(summarise(experiment(None), values, 0), values) == []
    assert exponents(summarise(experiment(0.001), values, 0), values) == []


def test_the_same_seed_resamples_alike() -> None:
    values = measured(1.0, 60)
    first, again = (exponents(summarise(experiment(0.25), values, 3), values) for _ in range(2))
    assert first == again


def test_cells_with_fewer_replicas_are_resampled_as_they_are() -> None:
    values = measured(1.0)
    few = {cell: v[: 40 if cell.d == 16 else 600] for cell, v in values.items()}
    (all_of_them,), (fewer,) = (exponents(summarise(experiment(0.25), v, 0), v) for v in (values, few))
    assert all_of_them.resampled is not None
    assert fewer.resampled is not None
    assert np.diff(fewer.resampled) > np.diff(all_of_them.resampled)
