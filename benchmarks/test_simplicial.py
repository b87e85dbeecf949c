"""A simplicial layer forward and backward on a random triangulation of 10^5 triangles.

One image, all seven terms; gradients of all weights and of the features on nodes, edges and triangles. The target is
below 2 s; the time of one call, of one thread, is reported, with the greatest memory of the process in ``extra_info``.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from sims.simplicial_complexes import operators, triangulation
from sims.simplicial_layers import Layer
from sims.threads import one_thread
from theory.simplicial_complexes import TERMS

POINTS, TRIANGLES = 50_100, 100_000
ROUNDS = 7


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.mark.parametrize("channels", [1, 16])
def test_forward_and_backward(benchmark: Any, channels: int) -> None:
    """The layer with tanh in single precision."""
    found = triangulation(np.random.default_rng(0).uniform(0, 1, (POINTS, 2)))
    assert found.counts[2] >= TRIANGLES
    maps, draws = operators(found), torch.Generator().manual_seed(0)
    layer = Layer(TERMS, (channels,) * 3, (channels,) * 3, torch.tanh, draws)
    fields = {k: torch.randn(n, 1, channels, generator=draws).requires_grad_() for k, n in enumerate(found.counts)}

    def once() -> None:
        layer.zero_grad()
        sum(x.sum() for x in layer(maps, fields).values()).backward()

    benchmark.pedantic(once, rounds=ROUNDS, warmup_rounds=1)
    assert all(x.grad is not None and bool(x.grad.isfinite().all()) for x in (*fields.values(), *layer.parameters()))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    benchmark.extra_info.update(counts=found.counts, channels=channels, megabytes=round(megabytes))
