"""Multi-colour allreduce on real processes: right, stubborn about faults, and gone when the block ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sims import allreduce_processes, allreduce_programs
from sims.allreduce import EXPERIMENT, cells, measure
from sims.allreduce_pictures import Time, costs, pictures, times
from sims.allreduce_processes import ProcessError, Ranks
from sims.allreduce_programs import LIMIT, InPlace, attempt, descend, vanish
from sims.allreduce_ranks import Allreduce, AllreduceError, program
from sims.experiment import Cell
from sims.judgement import judge, questions, summarise
from theory.allreduce_schedule import Schedule, multicolour, without
from theory.evidence import Verdict

ROOT = Path(__file__).parents[2]
TIMEOUT = 1.0
WITHIN = 120.0
"""Seconds to wait for answers that are there after TIMEOUT at the latest; a busy machine may need more."""
PLAN = multicolour(4, 2, 100, segments=3)
VALUES = [np.arange(100) + 1000 * rank for rank in range(4)]
PAIR = multicolour(2, 2, 100, segments=3)


@pytest.fixture(scope="module")
def four() -> Iterator[Ranks]:
    with Ranks(4) as ranks:
        yield ranks


def seeds(count: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(7).spawn(count)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"  # dead, not yet collected


def test_every_rank_gets_the_same_sum_and_a_lost_send_is_seen(four: Ranks) -> None:
    outcomes = four.values([(attempt, (row, PLAN, LIMIT, Allreduce)) for row in VALUES], LIMIT)
    assert all(outcome.failure is None for outcome in outcomes)
    assert all((outcome.buffer == sum(VALUES)).all() for outcome in outcomes)
    outcomes = four.values([(attempt, (row, without(PLAN, 1), LIMIT, Allreduce)) for row in VALUES], LIMIT)
    assert not any((outcome.buffer == sum(VALUES)).all() for outcome in outcomes)


def test_floats_are_added_in_one_order_so_that_all_ranks_hold_the_same_bits(four: Ranks) -> None:
    rows = np.random.default_rng(0).standard_normal((4, 100)).astype(np.float32)
    found = [four.values([(attempt, (row, PLAN, LIMIT, Allreduce)) for row in rows], LIMIT) for _ in range(2)]
    bits = {outcome.buffer.tobytes() for outcomes in found for outcome in outcomes}
    assert len(bits) == 1


def test_an_exception_on_a_rank_comes_back_as_its_traceback(four: Ranks) -> None:
    with pytest.raises(ProcessError, match=r"rank 2: got raised.*\n(.*\n)*.*invalid literal"):
        four.values([(int, ("1" if rank != 2 else "one",)) for rank in range(4)], LIMIT)
    assert four.values([(int, ("1",))] * 4, LIMIT) == [1] * 4


def test_bad_input_is_named(four: Ranks) -> None:
    with pytest.raises(ValueError, match="tasks: got 1, want 4"):
        four.call([(int, ())], 1)
    with pytest.raises(ValueError, match="within: got 0"):
        four.call([(int, ())] * 4, 0)
    with pytest.raises(ValueError, match="count: got 0"):
        Ranks(0)
    for plan, values in ((multicolour(3, 1, 100), VALUES[0]), (PLAN, VALUES[0][:50])):
        with pytest.raises(ProcessError, match="want"):
            four.values([(attempt, (values, plan, LIMIT, Allreduce))] * 4, LIMIT)


@pytest.mark.parametrize(("number", "moves"), [(signal.SIGKILL, 0), (signal.SIGSTOP, 7)])
def test_a_rank_that_dies_or_stalls_is_an_error_everywhere_and_no_partial_update(
    number: int, moves: int, tmp_path: Path
) -> None:
    """However slow the machine is: without the rest of rank 1's moves nobody can have the whole sum."""
    with Ranks(4) as ranks:
        tasks = [(attempt, (row, PLAN, TIMEOUT, Allreduce)) for row in VALUES]
        tasks[1] = (vanish, (VALUES[1], PLAN, moves, int(number), str(tmp_path / "sign")))
        answers = ranks.call(tasks, WITHIN, awaited=(0, 2, 3))
        pids = ranks.pids
    for rank in (0, 2, 3):
        failure = answers[rank].value.failure
        assert isinstance(failure, AllreduceError)
        assert failure.rank == rank
        assert failure.peer != rank
        assert "elements" in str(failure)
        assert f"rank {failure.peer} after" in str(failure)
        assert answers[rank].value.held is None
        assert (answers[rank].value.buffer == VALUES[rank]).all()
    assert answers[1].kind in ("ended", "silent")
    assert all(map(gone, pids))


@pytest.mark.parametrize(("how", "moves"), [(Allreduce, 12), (Allreduce, 5), (InPlace, 5)])
def test_a_rank_that_dies_before_its_vote_leaves_the_sum_in_what_others_hold(
    how: type[Allreduce | InPlace], moves: int, tmp_path: Path
) -> None:
    """After all 12 moves of rank 1 only its vote is missing. Rank 0 sees the closed connection, not the timeout."""
    assert len(program(PAIR, 1)) == 12
    tasks = [(attempt, (VALUES[0], PAIR, LIMIT, how)), (vanish, (VALUES[1], PAIR, moves, 9, str(tmp_path / "sign")))]
    with Ranks(2) as ranks:
        outcome = ranks.call(tasks, WITHIN, awaited=[0])[0].value
    assert (tmp_path / "sign").exists()
    assert ("votes" if moves == 12 else "elements") in str(outcome.failure)
    assert (outcome.held == VALUES[0] + VALUES[1]).all() if moves == 12 else outcome.held is None
    assert (outcome.buffer == VALUES[0]).all() == (how is Allreduce)  # without a copy half a sum is left


def test_a_launcher_that_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sims.allreduce_processes.STARTING", 0.2)
    launcher = allreduce_processes._Launcher()
    os.kill(launcher._process.pid, signal.SIGSTOP)
    with pytest.raises(ProcessError, match="launcher: got timed out"):
        launcher.ask(("end", set()), [])
    assert not launcher.alive
    launcher.close()


def test_a_large_message_to_a_stalled_rank_does_not_outlast_the_timeout() -> None:
    """32 MB do not fit into any buffer of the operating system."""
    values, plan = np.zeros(2**22), multicolour(2, 1, 2**22, segments=4)
    with Ranks(2) as ranks:
        stops = (vanish, (values, plan, 0, int(signal.SIGSTOP), os.devnull))
        (root, answer) = ranks.call([stops, (attempt, (values, plan, TIMEOUT, Allreduce))], WITHIN, awaited=[1])
        assert (answer.value.failure.peer, root.kind) == (0, "silent")
        with pytest.raises(ProcessError, match="want a new group"):
            ranks.call([(int, ())] * 2, 1)


ONCE_MORE = """
import torch
from sims.allreduce_ranks import Allreduce, AllreduceError
act = Allreduce(plan, 0.2)
for wanted in (AllreduceError, RuntimeError):
    try:
        act(torch.ones(100))
    except RuntimeError as error:
        assert type(error) is wanted, error
    else:
        raise AssertionError("nothing was raised")
    assert act.applied == 0
"""


def test_a_rank_that_never_calls_is_an_error_and_the_group_is_not_used_again() -> None:
    with Ranks(2) as ranks:
        tasks = [(exec, (ONCE_MORE, {"plan": multicolour(2, 2, 100)})), (time.sleep, (0.0,))]
        assert [answer.value for answer in ranks.call(tasks, WITHIN)] == [None, None]


def test_ranks_end_with_the_process_that_started_them_even_stopped_ones(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from sims.allreduce_processes import Ranks\n"
        "with Ranks(2) as ranks:\n"
        "    print(*ranks.pids, flush=True)\n"
        "    ranks.call([(os.kill, (ranks.pids[1], signal.SIGSTOP)), (int, ())], 100, awaited=[0])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}  # a killed process cannot tidy up
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert done.returncode == -signal.SIGKILL
    pids = list(map(int, done.stdout.split()))
    assert len(pids) == 2
    until = time.monotonic() + 60
    while not all(map(gone, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert all(map(gone, pids))


def test_moves_of_all_ranks_pair_up_and_tags_tell_them_apart() -> None:
    plan = multicolour(7, 3, 5, segments=4)  # some pieces are empty
    moves = [(rank, move) for rank in range(7) for move in program(plan, rank, first_tag=10)]
    out = [(rank, m.peer, m.tag, m.start, m.stop) for rank, m in moves if not m.comes]
    into = [(m.peer, rank, m.tag, m.start, m.stop) for rank, m in moves if m.comes]
    assert sorted(out) == sorted(into)
    assert len({key[:3] for key in out}) == len(out) == 2 * 6 * 5
    assert min(m.tag for _, m in moves) >= 10


@pytest.mark.parametrize("learner", ["integers", "floats", "sgd"])
def test_values_depend_on_their_own_seeds_only(learner: str) -> None:
    n = 8 if learner == "sgd" else 50
    together = measure(Cell(learner, 2, n, 3, 3), seeds(3))
    assert together.shape == (3,)
    assert ((together >= 0) & (together <= 1)).all()
    np.testing.assert_array_equal(measure(Cell(learner, 2, n, 1, 1), [seeds(3)[2]]), together[2:])


def test_wrong_sums_and_wrong_training_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(values: np.ndarray, plan: Schedule) -> np.ndarray:
        wrong = values.sum(axis=0)
        wrong[3] += 1000
        return wrong

    monkeypatch.setattr("sims.allreduce_programs.dist", SimpleNamespace(get_world_size=lambda: 4))
    monkeypatch.setattr("sims.allreduce_programs._summed", off)
    assert allreduce_programs.integers(10, seeds(2)) == [0.9, 0.9]
    assert min(allreduce_programs.floats(10, seeds(2))) > 1
    monkeypatch.setattr("sims.allreduce.descend", lambda *args: descend(*args[:-1], lambda g: g.mul_(1.001)))
    assert measure(Cell("sgd", 2, 32, 1, 1), seeds(1)).tolist() == [2.0]


def test_descent_follows_the_gradient_of_torch() -> None:
    x, y = np.random.default_rng(2).standard_normal((2, 2, 6, 3)).astype(np.float32)
    start = np.zeros((3, 3), np.float32)
    weights = torch.zeros(3, 3, requires_grad=True)
    for inputs, targets in zip(torch.from_numpy(x), torch.from_numpy(y), strict=True):
        loss = (0.5 * (inputs @ weights - targets) ** 2).sum()
        weights = (weights - 0.05 * torch.autograd.grad(loss, weights)[0]).detach().requires_grad_()
    found = descend(x, y, start, 0.05, lambda gradient: None)
    np.testing.assert_allclose(found[-1], weights.detach().numpy(), atol=1e-6)
    wrong = descend(x, y, start, 0.05, lambda gradient: gradient.mul_(1.01))
    assert abs(wrong[-1] - found[-1]).max() > 1e-4


@pytest.mark.parametrize("size", ["quick", "full", "paper"])
def test_cells_are_distinct_and_tell(size: str) -> None:
    found = cells(size)
    assert len({(cell.learner, cell.d, cell.n) for cell in found}) == len(found)
    assert all(1 <= cell.chunk <= cell.replicas for cell in found)
    ends = {cell: np.full(cell.replicas, 2.0) for cell in found}
    assert all(judge(summarise(EXPERIMENT, ends, 0), q).verdict is Verdict.REFUTED for q in questions(EXPERIMENT))
    right = {"integers": 1.0, "floats": 0.7, "sgd": 0.003}
    fine = summarise(EXPERIMENT, {cell: np.full(cell.replicas, right[cell.learner]) for cell in found}, 0)
    for question in questions(EXPERIMENT):
        assert judge(fine, question).verdict is Verdict.CERTIFIED
        assert judge(fine, question, scale=question.line.fault).verdict is Verdict.REFUTED


def test_the_cost_figure_is_drawn_and_its_numbers_lie_within_the_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = costs([16, 64], {"1 MiB": 2**20}, [1, 4, 16])
    assert all(row.low <= row.multicolour <= row.high for row in rows)
    assert rows[1].ring > rows[1].multicolour  # 126 latencies
    monkeypatch.setattr("sims.allreduce_pictures.MANY", (16, 64))
    written = pictures("quick", 0, tmp_path)
    assert {path.name for path in written} == {f"allreduce-cost.{ending}" for ending in ("svg", "png", "csv")}
    assert len((tmp_path / "allreduce-cost.csv").read_text().splitlines()) == 1 + 6


def test_times_are_measured_on_real_ranks() -> None:
    (row,) = times([2], [1024], repeats=3)
    assert (row.ranks, row.size, row.repeats) == (2, 1024, 3)
    assert 0 < row.least <= row.median
    assert 0 < row.torch_least <= row.torch_median


def test_times_are_those_of_the_slowest_rank_of_each_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [[(1.0, 10.0), (6.0, 20.0), (2.0, 90.0)], [(5.0, 30.0), (4.0, 5.0), (3.0, 40.0)]]
    monkeypatch.setattr(Ranks, "__enter__", lambda self: self)
    monkeypatch.setattr(Ranks, "values", lambda *_, **__: taken)
    assert times([2], [1024], repeats=3) == [Time(2, 1024, 3, 3.0, 5.0, 20.0, 30.0)]


def test_at_full_size_the_times_are_drawn_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [Time(2, 2**e, 3, 2.0, 4.0, 1.0, 2.0) for e in (10, 26)]
    monkeypatch.setattr("sims.allreduce_pictures.times", lambda *_: made)
    monkeypatch.setattr("sims.allreduce_pictures.MANY", (16,))
    written = pictures("full", 0, tmp_path)
    assert [path.stem for path in written] == ["allreduce-cost"] * 3 + ["allreduce-time"] * 3
    assert (tmp_path / "allreduce-time.csv").read_text().splitlines()[1] == "2,1024,3,2.0,4.0,1.0,2.0"
