"""Multi-colour allreduce: schedules against sums, roundings against float16, costs against another simulation."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import allreduce, allreduce_cost, allreduce_faults, allreduce_sums, allreduce_training
from theory.allreduce_cost import binary_tree, duration, multicolour_time, ring, ring_time, tree_time
from theory.allreduce_schedule import (
    Schedule,
    colours,
    cut,
    depths,
    multicolour,
    rounds,
    run,
    schedule,
    tree,
    without,
)
from theory.allreduce_sums import additions, gamma, rounded
from theory.allreduce_training import Batch, descent_bound
from theory.claims import LEDGER
from theory.evidence import Trust, Verdict
from theory.status import run_step

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
MODULES = (allreduce, allreduce_sums, allreduce_training, allreduce_cost, allreduce_faults)
STEPS = [step for id in LEDGER.claims if id.startswith("allreduce") for step in LEDGER.steps[id]]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.claim}: {step.name}")
def test_every_step_is_certified_exactly_and_its_mutant_is_caught(step) -> None:
    result = run_step(step)
    assert (result.verdict, result.trust, result.failure) == (Verdict.CERTIFIED, Trust.EXACT, "")
    assert result.mutant is not Verdict.CERTIFIED


def test_every_claim_but_the_cited_one_has_steps() -> None:
    ids = {id for id in LEDGER.claims if id.startswith("allreduce")}
    assert {id for id in ids if not LEDGER.steps[id]} == {"allreduce-resnet"}
    assert len(ids) == 9


@QUICK
@given(p=st.integers(1, 12), k=st.integers(1, 5), n=st.integers(0, 23), segments=st.integers(1, 4))
def test_every_rank_ends_with_the_sum(p: int, k: int, n: int, segments: int) -> None:
    values = np.random.default_rng(p + 13 * n).integers(-99, 99, (p, n))
    held = run(multicolour(p, min(k, p), n, segments), values.tolist(), int.__add__)
    assert held == [values.sum(axis=0).tolist()] * p


def test_a_lost_send_is_seen() -> None:
    plan = multicolour(5, 2, 4)
    assert run(without(plan, 1), [[1] * 4] * 5, int.__add__) != run(plan, [[1] * 4] * 5, int.__add__)


def test_what_the_steps_enumerate_with_sees_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = multicolour(5, 2, 4, 2)
    assert allreduce._is_causal(plan)
    for rows in (plan.table[::-1], plan.table[1:], plan.table[:-1], plan.table[[0, *range(len(plan.table))]]):
        assert not allreduce._is_causal(Schedule(5, plan.pieces, rows))
    assert allreduce._finishes(plan, ())
    assert not allreduce._finishes(plan, (3,))
    assert allreduce._is_tree((-1, 0))
    assert not allreduce._is_tree((1, 0))
    assert allreduce_cost._apart(12, 4, 1)
    assert not allreduce_cost._apart(12, 4, 0)
    assert allreduce_sums._counts_additions(plan)
    monkeypatch.setattr(allreduce_sums, "additions", lambda plan: additions(plan) - 1)
    assert not allreduce_sums._counts_additions(plan)


def test_a_ring_is_an_allreduce_too() -> None:
    for p, n in itertools.product(range(1, 7), (0, 1, 6, 7)):
        values = [[10**rank] * n for rank in range(p)]
        assert run(ring(p, n), values, int.__add__) == [[sum(10**rank for rank in range(p))] * n] * p


@QUICK
@given(p=st.integers(1, 40), arity=st.integers(1, 6), turn=st.integers(0, 39))
def test_trees_are_heaps_that_were_turned(p: int, arity: int, turn: int) -> None:
    first = turn % p
    parents = tree(p, arity, first)
    assert parents[first] == -1
    assert max(parents.count(rank) for rank in range(p)) <= arity
    level, seen = {first}, {first}
    while level:  # by breadth: each level is full, but for the last
        below = {rank for rank in range(p) if parents[rank] in level}
        assert len(below) == min(arity * len(level), p - len(seen))
        seen |= below
        level = below
    assert seen == set(range(p))


def test_sends_have_distinct_ends_in_each_slot_where_colours_divide_ranks() -> None:
    rows = rounds(colours(12, 4), 5)
    for end in (4, 5):
        assert len(np.unique(rows[:, [0, 1, 2, end]], axis=0)) == len(rows)
    assert (np.diff(rows[:, 0]) >= 0).all()


def test_pieces_are_as_equal_as_whole_elements_allow() -> None:
    sizes = [piece.stop - piece.start for piece in cut(103, 4, 5)]
    assert sum(sizes) == 103
    assert max(sizes) - min(sizes) <= 1


def test_depths_refuse_what_is_no_tree() -> None:
    for parents in ((), (0,), (1, 0), (-1, -1), (-1, 2, 1), (-1, 5)):
        with pytest.raises(ValueError, match="want those of a tree"):
            depths(parents)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="k: got 4"):
        multicolour(3, 4, 10)
    with pytest.raises(ValueError, match="ranks: got 0"):
        multicolour(0, 1, 10)
    with pytest.raises(ValueError, match="elements: got -1"):
        multicolour(3, 1, -1)
    with pytest.raises(ValueError, match="segments: got 0"):
        multicolour(3, 1, 1, 0)
    with pytest.raises(ValueError, match="first: got 3"):
        tree(3, 2, 3)
    with pytest.raises(ValueError, match="trees: got 0"):
        schedule([], 1)
    with pytest.raises(ValueError, match="trees: got 2"):
        schedule([(-1, 0), (-1, 0, 0)], 1)
    with pytest.raises(ValueError, match="k: got 3"):
        multicolour_time(8, 3, 24, 1, 1, 1)
    with pytest.raises(ValueError, match="count: got 8"):
        gamma(8, 3)
    with pytest.raises(ValueError, match="batches: got none"):
        descent_bound([], 1, 1, 24)
    long = Batch(np.zeros((4001, 1)), np.zeros((4001, 1)), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="want at most 4000 points"):
        descent_bound([long], 1, 1, 24)


def test_additions_of_a_chain_and_a_star() -> None:
    assert additions(multicolour(9, 1, 1)) == 8
    assert additions(schedule([(-1, *[0] * 8)], 1)) == 8
    assert additions(multicolour(1, 1, 1)) == 0


@QUICK
@given(st.integers(-65000, 65000))
def test_rounding_to_eleven_bits_is_that_of_float16(value: int) -> None:
    assert rounded(value, 11) == int(np.float16(value))


@QUICK
@given(st.integers(2, 9), st.integers(1, 3), st.integers(0, 10**6))
def test_float16_sums_lie_within_the_bound(p: int, k: int, seed: int) -> None:
    plan = multicolour(p, min(k, p), 50)
    values = np.random.default_rng(seed).integers(-1024, 1024, (p, 50))
    found = run(plan, [[np.float16(v) for v in row] for row in values.tolist()], lambda a, b: a + b)
    error = abs(np.array(found[0], float) - values.sum(axis=0))
    assert (error <= float(gamma(additions(plan), 11)) * abs(values).sum(axis=0)).all()


def test_two_halves_use_up_the_bound_on_rounding() -> None:
    held = run(multicolour(2, 1, 1), [[8], [1]], lambda a, b: rounded(a + b, 3))
    assert abs(held[0][0] - 9) > float(gamma(1, 3)) * 9 * 0.7


def event_time(plan: Schedule, alpha: Fraction, beta: Fraction) -> Fraction:
    """Another simulation: time goes on, and whatever can start does, in the order of each rank's lists."""
    sends = list(plan.sends)
    outs = [[i for i, s in enumerate(sends) if s.source == r] for r in range(plan.ranks)]
    ins = [[i for i, s in enumerate(sends) if s.target == r] for r in range(plan.ranks)]
    relies = [
        [j for j, t in enumerate(sends[:i]) if (t.target, t.piece) == (s.source, s.piece)] for i, s in enumerate(sends)
    ]
    ends: dict[int, Fraction] = {}
    now = Fraction(0)
    while len(ends) < len(sends):
        for i, s in enumerate(sends):
            earlier = [j for queue in (outs[s.source], ins[s.target]) for j in queue if j < i] + relies[i]
            if i not in ends and all(j in ends and ends[j] <= now for j in earlier):
                piece = plan.pieces[s.piece]
                ends[i] = now + alpha + beta * (piece.stop - piece.start)
        now = min((end for end in ends.values() if end > now), default=now)
    return max(ends.values(), default=Fraction(0))


@pytest.mark.parametrize("plan", [multicolour(5, 2, 13, 2), multicolour(6, 3, 30, 2), ring(4, 9), binary_tree(6, 5)])
def test_durations_are_those_of_another_simulation(plan: Schedule) -> None:
    alpha, beta = Fraction(3, 2), Fraction(1, 7)
    assert duration(plan, alpha, beta) == event_time(plan, alpha, beta)


def test_costs_at_sizes_that_people_use() -> None:
    n, alpha, beta = 2**20, 5_000_000, 100
    low, high = multicolour_time(64, 4, n, 8, alpha, beta)
    assert low <= duration(multicolour(64, 4, n, 8), alpha, beta) <= high
    assert duration(ring(64, n), alpha, beta) == ring_time(64, n, alpha, beta)
    assert duration(binary_tree(63, n), alpha, beta) == tree_time(5, n, alpha, beta)


def test_the_bound_on_descent_in_doubles_is_that_in_fractions_rounded_up() -> None:
    rng = np.random.default_rng(0)
    ints = [Batch(*(rng.integers(-8, 8, shape) for shape in ((6, 3), (6, 2), (3, 2)))) for _ in range(4)]
    exact = [Batch(*(np.vectorize(Fraction, otypes=[object])(a.astype(object)) for a in batch)) for batch in ints]
    double = [Batch(*(a.astype(float) for a in batch)) for batch in ints]
    found = descent_bound(double, 2.0**-6, 12, 24)
    wanted = descent_bound(exact, Fraction(1, 64), 12, 24).astype(float)
    assert (found >= wanted).all()
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_descent_in_single_precision_lies_within_the_bound_and_a_fault_does_not() -> None:
    rng = np.random.default_rng(1)
    x, y = (rng.integers(-128, 128, shape).astype(np.float32) / 128 for shape in ((3, 8, 5), (3, 8, 2)))
    single = rng.standard_normal((5, 2)).astype(np.float32)
    exact, batches = single.astype(np.longdouble), []
    for inputs, targets in zip(x, y, strict=True):
        batches.append(Batch(*(a.astype(float) for a in (inputs, targets, single))))
        exact = exact - np.longdouble(1 / 64) * (inputs.T.astype(np.longdouble) @ (inputs @ exact - targets))
        single = single - np.float32(1 / 64) * (inputs.T @ (inputs @ single - targets))
    bound = descent_bound(batches, 1 / 64, 5 + 8 + 3, 24)
    assert (abs(single - exact) <= bound).all()
    assert not (abs(single + np.float32(1e-3) - exact) <= bound).any()
