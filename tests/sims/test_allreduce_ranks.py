"""One rank's part of a multi-colour allreduce without processes: its deadline on a clock of our own, and bad input."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
import torch

from sims.allreduce_ranks import Allreduce, AllreduceError
from theory.allreduce_schedule import multicolour

TIMEOUT = 1.0
PLAN = multicolour(4, 2, 100, segments=3)


class Clock:
    """Time that only passes while something is waited for, and ranks that take `delay` seconds for each message."""

    def __init__(self, delay: float) -> None:
        self.now, self.delay = 100.0, delay

    def monotonic(self) -> float:
        return self.now

    def post(self, *_: object, **__: object) -> Clock:
        return self

    def wait(self, longest: timedelta) -> None:
        self.now += min(self.delay, longest.total_seconds())
        if self.delay > longest.total_seconds():
            raise RuntimeError("Timed out")


def alone(clock: Clock) -> SimpleNamespace:
    """Stands for torch.distributed on rank 1 of 4."""
    return SimpleNamespace(irecv=clock.post, isend=clock.post, get_rank=lambda: 1, get_world_size=lambda: 4)


def test_bad_plans_timeouts_and_buffers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sims.allreduce_ranks.dist", alone(Clock(0.0)))
    with pytest.raises(ValueError, match="plan: got 3 ranks, want 4"):
        Allreduce(multicolour(3, 1, 100), TIMEOUT)
    for seconds in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"timeout: got {seconds}"):
            Allreduce(PLAN, seconds)
    for buffer in (torch.ones(99), torch.ones(100, 1), torch.ones(200)[::2]):
        with pytest.raises(ValueError, match=r"buffer: got shape .*, want \(100,\), contiguous"):
            Allreduce(PLAN, TIMEOUT)(buffer)


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.5, 7.0])
def test_all_waits_of_a_call_have_one_deadline(delay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were each wait given the whole timeout, a call of 18 moves and 4 of votes could take 22 times as long."""
    clock = Clock(delay)
    monkeypatch.setattr("sims.allreduce_ranks.dist", alone(clock))
    monkeypatch.setattr("sims.allreduce_ranks.time", clock)
    act, buffer = Allreduce(PLAN, TIMEOUT), torch.ones(100)
    with pytest.raises(AllreduceError, match=r"after 1\.00 s"):
        act(buffer)
    assert clock.now == pytest.approx(101.0, abs=0.002)
    assert (act.applied, buffer.tolist()) == (0, [1.0] * 100)
    assert (act.held is None) == (18 * delay > TIMEOUT)  # else the time was up in the votes
    clock.delay, again = 0.01, Allreduce(PLAN, TIMEOUT)
    again(buffer)  # fast enough: nothing is raised
    assert again.applied == 1
