"""The warm-up experiment: seeding, the learners, and verdicts on planted cheats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sims.warmup import ALPHA, LEARNERS, Rule, Warmup, judge, measure, run, sample_sizes
from theory.evidence import Trust, Verdict
from theory.warmup import least_error, sample

QUESTIONS = [
    "fc respects the bound",
    "kernel respects the bound",
    "kernel attains the bound",
    "conv respects the bound",
]


def knows(x: Tensor, y: Tensor, test: Tensor, generator: torch.Generator) -> Tensor:
    """A cheat: on this task the label is the sum of the entries."""
    return test.sum(dim=1)


def tosses(x: Tensor, y: Tensor, test: Tensor, generator: torch.Generator) -> Tensor:
    """An equivariant learner that learns nothing."""
    return torch.randn(len(test), generator=generator)


def remembers(x: Tensor, y: Tensor, test: Tensor, generator: torch.Generator) -> Tensor:
    """The rule that attains the bound: sum_j y_j <x_j, x>, exactly 0 where nothing was seen."""
    return torch.einsum("rn,rnd,rd->r", y, x, test)


@pytest.fixture(scope="module")
def small() -> Warmup:
    return run(seed=3, replicas=60, dimensions=(2, 4))


@pytest.fixture(scope="module")
def middle() -> Warmup:
    return run(seed=0, replicas=540, dimensions=(8,))


def verdicts(result: Warmup) -> dict[str, Verdict]:
    return {question: evidence.verdict for question, evidence in judge(result).items()}


def planted(rule: Rule, replicas: int = 473) -> dict[str, Verdict]:
    """The verdicts when the rule takes the kernel's place."""
    return verdicts(run(seed=1, replicas=replicas, dimensions=(8,), learners={"kernel": rule}))


def test_same_seed_same_result(small: Warmup) -> None:
    assert run(seed=3, replicas=60, dimensions=(2, 4)) == small


def test_other_seed_other_result(small: Warmup) -> None:
    other = run(seed=4, replicas=60, dimensions=(2, 4))
    assert [p.wrong for p in other.points] != [p.wrong for p in small.points]


def test_order_does_not_matter(small: Warmup) -> None:
    backwards = {name: LEARNERS[name] for name in reversed(LEARNERS)}
    again = run(seed=3, replicas=60, dimensions=(4, 2), learners=backwards)
    assert set(again.points) == set(small.points)
    assert again.points != small.points


def test_global_random_state_plays_no_part(small: Warmup) -> None:
    np.random.seed(5)  # noqa: NPY002
    before = torch.manual_seed(5).get_state()
    assert run(seed=3, replicas=60, dimensions=(2, 4)) == small
    assert torch.equal(torch.get_rng_state(), before)


def test_the_number_of_threads_is_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(replicas=5, dimensions=(2,), learners={"a": tosses})
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_each_point_has_its_own_random_numbers() -> None:
    drawn: list[Tensor] = []

    def records(x: Tensor, y: Tensor, test: Tensor, generator: torch.Generator) -> Tensor:
        drawn.append(torch.randn(20, generator=generator, dtype=torch.float64) + 0 * test.sum())
        return drawn[-1]

    for name, d, n, seed in [("a", 4, 1, 0), ("b", 4, 1, 0), ("a", 5, 1, 0), ("a", 4, 2, 0), ("a", 4, 1, 1)]:
        measure(name, records, d, n, 20, seed)
    assert len({tuple(values.tolist()) for values in drawn}) == 5


def test_points_hold_what_they_say(small: Warmup) -> None:
    assert [(p.learner, p.d, p.n) for p in small.points] == [
        (name, d, n) for name in ("fc", "kernel", "conv") for d in (2, 4) for n in sample_sizes(d)
    ]
    assert small.seed == 3
    assert small.alpha == ALPHA
    for p in small.points:
        assert p.exact == least_error(p.d, p.n)
        assert p.low <= p.wrong / p.trials <= p.high
        assert p.trials == 60


def test_intervals_share_the_family_wise_error(small: Warmup) -> None:
    """An interval at 0 wrong ends at 1 - (alpha / (2 points))^(1/trials)."""
    high = 1 - (ALPHA / len(small.points) / 2) ** (1 / 60)
    clean = [p.high for p in small.points if p.wrong == 0]
    assert clean
    assert clean == pytest.approx([high] * len(clean))


@pytest.mark.parametrize("d", [1, 2, 3, 8, 16, 32])
def test_sample_sizes(d: int) -> None:
    sizes = sample_sizes(d)
    assert list(sizes) == sorted(set(sizes))
    assert {0, 1, d // 2, d, 3 * d} <= set(sizes)


def test_measure_counts_errors_against_the_drawn_labels() -> None:
    always = measure("x", lambda x, y, test, generator: -test.sum(dim=1), 8, 3, 50, 0)
    coins = measure("x", lambda x, y, test, generator: 0 * test.sum(dim=1), 8, 3, 4000, 0)
    assert always == 50
    assert abs(coins - 2000) < 5 * 4000**0.5 / 2  # five standard deviations


@pytest.mark.parametrize("n", [0, 1, 5, 24])
def test_kernel_is_exactly_zero_on_unseen_points_and_right_on_seen_ones(n: int) -> None:
    points, labels = (torch.from_numpy(a) for a in sample(8, (200, n + 1), np.random.default_rng(n)))
    x, y, test, label = points[:, :n], labels[:, :n], points[:, n], labels[:, n]
    output = LEARNERS["kernel"](x, y, test, torch.Generator())
    seen = ((x * test[:, None, :]).sum(dim=2) != 0).any(dim=1)
    assert torch.equal(output != 0, seen)
    assert torch.allclose(output[seen], label[seen])


@pytest.mark.parametrize(("name", "unseen_error"), [("fc", 0.5), ("conv", 0.0)])
def test_trained_nets_learn_what_they_saw(name: str, unseen_error: float) -> None:
    points, labels = (torch.from_numpy(a) for a in sample(16, (500, 33), np.random.default_rng(0)))
    x, y, test, label = points[:, :32], labels[:, :32], points[:, 32], labels[:, 32]
    output = LEARNERS[name](x, y, test, torch.Generator().manual_seed(0))
    seen = ((x * test[:, None, :]).sum(dim=2) != 0).any(dim=1)
    wrong = (output * label <= 0).double()
    assert float(wrong[seen].mean()) < 0.02
    assert abs(float(wrong[~seen].mean()) - unseen_error) < 5 * 0.5 / float((~seen).sum()) ** 0.5


def test_verdicts(middle: Warmup) -> None:
    found = judge(middle)
    assert list(found) == QUESTIONS
    expected = [Verdict.CERTIFIED, Verdict.CERTIFIED, Verdict.CERTIFIED, Verdict.REFUTED]
    assert [evidence.verdict for evidence in found.values()] == expected
    assert {evidence.trust for evidence in found.values()} == {Trust.SIMULATED}


def test_fully_connected_is_close_to_the_bound(middle: Warmup) -> None:
    assert all(p.low <= p.exact <= p.high for p in middle.points if p.learner == "fc")


def test_a_learner_that_knows_the_label_is_refuted() -> None:
    assert planted(knows) == {
        "kernel respects the bound": Verdict.REFUTED,
        "kernel attains the bound": Verdict.REFUTED,
    }


def test_a_learner_that_learns_nothing_respects_the_bound_but_does_not_attain_it() -> None:
    assert planted(tosses) == {
        "kernel respects the bound": Verdict.CERTIFIED,
        "kernel attains the bound": Verdict.REFUTED,
    }


def test_the_rule_of_the_proof_attains_the_bound() -> None:
    assert set(planted(remembers).values()) == {Verdict.CERTIFIED}


@pytest.mark.parametrize(("replicas", "verdict"), [(472, Verdict.INCONCLUSIVE), (473, Verdict.CERTIFIED)])
def test_too_few_replicas_are_inconclusive(replicas: int, verdict: Verdict) -> None:
    """With 8 points, 0 wrong is refutable at n = 24 where (1 - (7/8)^24 / 2)^R < 1e-3 / 16, from R = 473 on."""
    miss = 1 - (7 / 8) ** 24 / 2
    assert miss**473 < ALPHA / 16 < miss**472
    assert set(planted(remembers, replicas).values()) == {verdict}


def test_more_learners_in_one_run_need_more_replicas() -> None:
    """473 replicas are enough for the family of 8 points above, not for 16."""
    both = {"kernel": remembers, "other": remembers}
    assert set(verdicts(run(seed=1, replicas=473, dimensions=(8,), learners=both)).values()) == {Verdict.INCONCLUSIVE}


def test_a_bound_of_zero_cannot_be_tested() -> None:
    result = run(replicas=300, dimensions=(1,), learners={"kernel": remembers})
    assert set(verdicts(result).values()) == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("wrong", "low", "high", "respects", "attains"),
    [
        (4, 0.01, 0.02, Verdict.REFUTED, Verdict.REFUTED),
        (40, 0.3, 0.6, Verdict.CERTIFIED, Verdict.CERTIFIED),
        (90, 0.8, 0.95, Verdict.CERTIFIED, Verdict.REFUTED),
    ],
)
def test_one_bad_point_decides(wrong: int, low: float, high: float, respects: Verdict, attains: Verdict) -> None:
    good = run(replicas=473, dimensions=(8,), learners={"kernel": remembers})
    first = next(p for p in good.points if p.n == 1)
    changed = replace(first, wrong=wrong, low=low, high=high)
    result = replace(good, points=tuple(changed if p is first else p for p in good.points))
    assert list(verdicts(result).values()) == [respects, attains]


def test_summary_and_certificate_give_the_numbers(middle: Warmup) -> None:
    evidence = judge(middle)["conv respects the bound"]
    for part in ("7 of 8 intervals lie below", "540 trials", "family-wise error 0.001 over 24 points", "d = 8, n = 1"):
        assert part in evidence.summary
    certificate: Mapping[str, Any] = json.loads(json.dumps(evidence.certificate))
    assert certificate["kind"] == "simulation"
    assert (certificate["alpha"], certificate["seed"], certificate["comparisons"]) == (ALPHA, 0, 24)
    assert certificate["trials"] == 540 * 8
    assert [p["learner"] for p in certificate["points"]] == ["conv"] * 8
    assert Fraction(certificate["points"][1]["exact"]) == Fraction(7, 16)


def test_progress_tells_each_learner_and_dimension_once() -> None:
    told: list[str] = []
    run(replicas=5, dimensions=(2, 3), progress=told.append, learners={"a": tosses, "b": knows})
    assert told == [f"warm-up: {name}, d = {d}" for name in "ab" for d in (2, 3)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: run(seed=-1), "seed: got -1, want an integer >= 0"),
        (lambda: run(seed="0"), "seed: got '0'"),
        (lambda: run(replicas=0), "replicas: got 0, want an integer >= 1"),
        (lambda: run(dimensions=()), r"dimensions: got \(\), want at least one"),
        (lambda: run(dimensions=(8, 0)), r"dimensions\[1\]: got 0"),
        (lambda: run(dimensions=(8, 8)), r"dimensions: got \(8, 8\), want at least one, and each once"),
        (lambda: run(learners={}), "learners: got none"),
        (lambda: judge(Warmup((), 0, 0.1)), "result: got no points"),
        (lambda: sample_sizes(0), "d: got 0"),
        (lambda: measure("a", tosses, 0, 1, 1, 0), "d: got 0"),
        (lambda: measure("a", tosses, 1, -1, 1, 0), "n: got -1"),
        (lambda: measure("a", tosses, 1, 1, 0, 0), "replicas: got 0"),
        (lambda: measure("a", tosses, 1, 1, 1, -1), "seed: got -1"),
        (lambda: measure("a", lambda x, y, t, g: t, 2, 1, 9, 0), r"learner 'a' at d = 2, n = 1: got .*shape \(9, 2\)"),
        (lambda: measure("a", lambda x, y, t, g: t[:, 0] / 0, 2, 1, 9, 0), "learner 'a' .* want 9 finite numbers"),
    ],
)
def test_bad_input(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
