"""Multi-colour allreduce on real processes: failures survived, sums and data-parallel training exact.

Where nothing may differ by a bit, everything is done in integers mod 2^64, a commutative ring in which numpy and torch
compute without rounding: the net f(x) = v (W x)^2 has polynomial gradients, means over an odd number of points are
exact there, and so are rotations, dense matrices U with U' U = 1.
"""

from __future__ import annotations

import functools
import itertools
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sims.allreduce_processes import Answer, Ranks, Task
from sims.allreduce_programs import LIMIT, InPlace, attempt, ring_descend, ring_shard_descend, vanish
from sims.allreduce_ranks import Allreduce
from theory.allreduce_schedule import multicolour, without
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict

__all__ = ["descent", "faults", "measurements", "rotated", "sums"]

Matrix = NDArray[np.uint64]
How = type[Allreduce | InPlace]

TIMEOUT = 1.0
"""Seconds within which a call is to return or raise."""
GRACE = 60.0
"""Seconds that a busy machine may take to wake a rank up and to pass its answer on; whoever hangs is found out then."""
TRIES = 3
RANKS, VICTIM, MOVES, ELEMENTS = 4, 1, 9, 1000
"""The rank that fails does so after that many of its moves; the last of them brings a total, so others have added."""
SHARDS = (5, 5, 5)
UNEQUAL = (3, 5, 7)
INPUTS, HIDDEN, STEPS, RATE = 4, 3, 20, 3


def measurements(seed: int) -> Iterator[tuple[Step, Verdict, float]]:
    """Everything about real processes that is not a mean over replicas, with about how many seconds each takes."""
    for what, number in (("killed", signal.SIGKILL), ("stalled", signal.SIGSTOP)):
        check = functools.partial(faults, number)
        mutant = Mutant("it works on the buffer itself", how=InPlace)
        name = f"allreduce: a {what} rank ends the call on all others in time and leaves their buffers"
        yield Step("allreduce-faults", name, check, Trust.SAMPLED, mutant, ()), Verdict.CERTIFIED, 3.0
    mutant = Mutant("the last send up is lost", lost=1)
    name = "allreduce: integers on 4 ranks, 1 to 4 colours, entry by entry"
    yield (
        Step("allreduce-exact", name, functools.partial(sums, seed), Trust.SAMPLED, mutant, ()),
        Verdict.CERTIFIED,
        1.0,
    )
    mutant = Mutant(f"the shards have {UNEQUAL} points", sizes=UNEQUAL)
    name = f"allreduce: {STEPS} steps of data-parallel SGD equal one process, bit for bit"
    check = functools.partial(descent, seed)
    yield Step("allreduce-shards", name, check, Trust.SAMPLED, mutant, ()), Verdict.CERTIFIED, 1.0
    mutant = Mutant("U is invertible, not orthogonal", sign=1)
    name = f"allreduce: {STEPS} steps of data-parallel SGD on rotated data are rotated, bit for bit"
    check = functools.partial(rotated, seed)
    yield Step("allreduce-equivariant", name, check, Trust.SAMPLED, mutant, ()), Verdict.CERTIFIED, 1.0


def faults(number: signal.Signals, how: How = Allreduce, timeout: float = TIMEOUT) -> Evidence:
    """One rank of four gets a signal in the middle of a call; each other must raise in time and keep its buffer.

    On a machine so busy that the others' time is up before the rank gets there, all begin again with twice the time.
    What is said holds no measured seconds, which differ from run to run.

    Args:
        number: SIGKILL, or SIGSTOP, after which the rank neither answers nor closes its connections.
        how: the allreduce, `Allreduce` or `InPlace`.
        timeout: of the first call, in seconds.

    Returns:
        INCONCLUSIVE if the rank did not get to the middle of three calls.
    """
    for seconds in (timeout * 2**i for i in range(TRIES)):
        answers, vanished = _fatal_call(number, how, seconds)
        wrong = {rank: fault for rank, answer in answers.items() if (fault := _wrong(answer, _values()[rank]))}
        if wrong or vanished:
            summary = f"{len(answers)} of {len(answers)} survivors raised, and their buffers are as they were"
            return _judged(len(answers), wrong, summary, signal=number.name, timeout=timeout, allowed=GRACE)
    certificate = {"kind": "trials", "count": TRIES, "counterexample": None}
    return Evidence(Verdict.INCONCLUSIVE, Trust.SAMPLED, "the rank never got to the middle of a call", certificate)


def _fatal_call(number: signal.Signals, how: How, timeout: float) -> tuple[dict[int, Answer], bool]:
    """What the survivors answered, and whether the other rank had got to the middle of the call."""
    plan = multicolour(RANKS, 2, ELEMENTS, segments=4)
    tasks: list[Task] = [(attempt, (row, plan, timeout, how)) for row in _values()]
    survivors = [rank for rank in range(RANKS) if rank != VICTIM]
    with tempfile.TemporaryDirectory() as folder, Ranks(RANKS) as ranks:
        sign = Path(folder) / "sign"
        tasks[VICTIM] = (vanish, (_values()[VICTIM], plan, MOVES, int(number), str(sign)))
        answers = ranks.call(tasks, within=timeout + GRACE, awaited=survivors)
        return {rank: answers[rank] for rank in survivors}, sign.exists()


def _values() -> list[NDArray[Any]]:
    return [np.arange(ELEMENTS) + 1000 * rank for rank in range(RANKS)]


def _wrong(answer: Answer, before: NDArray[Any]) -> str:
    """What a survivor did that it should not have; empty if nothing."""
    if answer.kind != "value":
        return answer.kind
    outcome = answer.value
    if outcome.failure is None:
        return "returned as if nothing had happened"
    if not np.array_equal(outcome.buffer, before):
        return f"{int((outcome.buffer != before).sum())} of {len(before)} entries of its buffer changed"
    return ""


def sums(seed: int, lost: int = 0) -> Evidence:
    """Every entry on every rank, for all numbers of colours.

    Args:
        seed: of the values.
        lost: how many of the last sends up are left out of every schedule.
    """
    rng, wrong = np.random.default_rng(seed), {}
    with Ranks(RANKS) as ranks:
        for k in range(1, RANKS + 1):
            values = rng.integers(-(2**40), 2**40, (RANKS, ELEMENTS))
            plan = without(multicolour(RANKS, k, ELEMENTS, segments=3), lost)
            tasks: list[Task] = [(attempt, (row, plan, LIMIT, Allreduce)) for row in values]
            for rank, outcome in enumerate(ranks.values(tasks, within=2 * LIMIT)):
                if outcome.failure is not None or not np.array_equal(outcome.buffer, values.sum(axis=0)):
                    wrong[f"k = {k}, rank {rank}"] = str(outcome.failure or "wrong entries")
    count = RANKS * RANKS * ELEMENTS
    return _judged(count, wrong, f"all {count} entries on {RANKS} ranks are right", seed=seed)


def descent(seed: int, sizes: Sequence[int] = SHARDS) -> Evidence:
    """Data-parallel SGD on shards of these sizes, all odd, beside one process on all their points.

    Args:
        seed: of data and weights.
        sizes: an odd number of odd numbers, with an odd sum.
    """
    x, y, weights = _problem(seed, sum(sizes))
    alone = ring_descend(x, y, weights, RATE, STEPS, 1, lambda gradient: None)
    found = _trained(x, y, weights, sizes)
    wrong = {f"rank {rank}": "other weights" for rank, pair in enumerate(found) if not _same(pair, alone)}
    count = len(sizes) * sum(map(np.size, alone))
    return _judged(count, wrong, f"{count} weights agree bit for bit after {STEPS} steps", seed=seed, sizes=list(sizes))


def rotated(seed: int, sign: int = -1) -> Evidence:
    """Coupled runs: from (W U', v) on U X come the weights from (W, v) on X, with W moved by U'.

    Args:
        seed: of data, weights and U.
        sign: -1 makes U orthogonal, 1 does not.
    """
    x, y, weights = _problem(seed, sum(SHARDS))
    u = _cayley(np.random.default_rng(seed + 1), sign)
    here = _trained(x, y, weights, SHARDS)[0]
    there = _trained(x @ u.T, y, (weights[0] @ u.T, weights[1]), SHARDS)
    wanted = here[0] @ u.T, here[1]
    wrong = {f"rank {rank}": "other weights" for rank, pair in enumerate(there) if not _same(pair, wanted)}
    count = len(SHARDS) * sum(map(np.size, here))
    return _judged(count, wrong, f"{count} weights agree bit for bit after {STEPS} steps", seed=seed, matrix=u.tolist())


def _problem(seed: int, points: int) -> tuple[Matrix, Matrix, tuple[Matrix, Matrix]]:
    """Inputs (points, d), targets (points,), and first weights (h, d) and (h,), all mod 2^64."""
    rng = np.random.default_rng(seed)
    shapes = ((points, INPUTS), (points,), (HIDDEN, INPUTS), (HIDDEN,))
    x, y, first, last = (rng.integers(2**64, size=shape, dtype=np.uint64) for shape in shapes)
    return x, y, (first, last)


def _trained(x: Matrix, y: Matrix, weights: tuple[Matrix, Matrix], sizes: Sequence[int]) -> list[tuple[Matrix, Matrix]]:
    """The weights of every worker."""
    ends = np.cumsum([0, *sizes])
    plan = multicolour(len(sizes), 2, weights[0].size + weights[1].size, segments=2)
    shards = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
    tasks: list[Task] = [(ring_shard_descend, (x[at], y[at], weights, RATE, STEPS, plan)) for at in shards]
    with Ranks(len(sizes)) as ranks:
        return ranks.values(tasks, within=2 * LIMIT)


def _cayley(rng: np.random.Generator, sign: int) -> Matrix:
    """U = (1 - A)^-1 (1 + A) mod 2^64 for an even A, skew if sign is -1, so that 1 - A is invertible and U dense.

    Newton's iteration X -> X (2 - M X) doubles the number of correct bits, of which X = 1 has one.
    """
    upper = np.triu(2 * rng.integers(2**63, size=(INPUTS, INPUTS), dtype=np.uint64), 1)
    skew = upper + (upper.T if sign == 1 else np.uint64(0) - upper.T)
    one: NDArray[Any] = np.eye(INPUTS, dtype=np.uint64)
    inverse = one
    for _ in range(6):
        inverse = inverse @ (one + one - (one - skew) @ inverse)
    found: Matrix = inverse @ (one + skew)
    return found


def _same(a: tuple[Matrix, Matrix], b: tuple[Matrix, Matrix]) -> bool:
    return all(map(np.array_equal, a, b))


def _judged(count: int, wrong: dict[Any, str], good: str, **about: Any) -> Evidence:
    """CERTIFIED if nothing is wrong; the certificate is of kind ``trials``."""
    certificate = {"kind": "trials", "count": count, "counterexample": {str(k): v for k, v in wrong.items()} or None}
    text = "; ".join(f"{who}: {what}" for who, what in wrong.items())
    verdict = Verdict.REFUTED if wrong else Verdict.CERTIFIED
    return Evidence(verdict, Trust.SAMPLED, text or good, certificate | about)
