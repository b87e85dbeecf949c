"""The texture experiment: its learners against exact errors, seeding, and verdicts on planted cheats."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import Tensor

from sims import texture
from sims.experiment import Cell
from sims.judgement import Result, judge, questions, summarise
from sims.texture import EQUIVARIANT, EXPERIMENT, NETS, cells, measure
from sims.texture_learners import LEARNERS, Rule, support
from sims.threads import one_thread
from theory.evidence import Verdict
from theory.texture import exact_optimum, least_error_bound, sample

Seeds = Sequence[np.random.SeedSequence]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with one_thread():
        yield


def seeds(replicas: int, key: int = 0) -> Seeds:
    return np.random.SeedSequence(key).spawn(replicas)


def peeks(x: Tensor, y: Tensor, seeds: Seeds) -> Tensor:
    """A cheat: it knows which pixels are neighbours."""
    points = support(x.shape[2])[0]
    return (0.5 - (points * points.roll(1, dims=1)).sum(dim=1)).expand(len(x), -1)


def run(learner: str, looked: Sequence[tuple[int, int]], replicas: int) -> Result:
    tried = [Cell(learner, d, n, replicas, replicas) for d, n in looked]
    return summarise(EXPERIMENT, {cell: measure(cell, seeds(replicas, 100 * cell.d + cell.n)) for cell in tried}, 0)


def planted(monkeypatch: pytest.MonkeyPatch, rule: Rule) -> Result:
    """The experiment with the rule in the place of votes."""
    monkeypatch.setattr(texture, "LEARNERS", MappingProxyType({**LEARNERS, "votes": rule}))
    return run("votes", [(6, 1), (24, 1), (24, 2)], 400)


def verdicts(result: Result, learner: str, faulty: bool = False) -> dict[str, Verdict]:
    asked = [q for q in questions(EXPERIMENT) if q.learner == learner]
    return {q.line.says: judge(result, q, q.line.fault if faulty else 1.0).verdict for q in asked}


def test_the_support_is_what_samples_are_drawn_from() -> None:
    points, labels = support(7)
    known = {tuple(p): float(label) for p, label in zip(points.tolist(), labels.tolist(), strict=True)}
    x, y = sample(7, 400, np.random.default_rng(0))
    assert len(known) == 14
    assert {tuple(p): float(label) for p, label in zip(x.tolist(), y.tolist(), strict=True)} == known


@pytest.mark.parametrize("d", [6, 7])
@pytest.mark.parametrize("n", [0, 1])
def test_votes_attain_the_exact_optimum_at_first(d: int, n: int) -> None:
    found = measure(Cell("votes", d, n, 50, 50), seeds(50))
    np.testing.assert_allclose(found, float(exact_optimum(d, n)), atol=1e-7)


def test_votes_stay_above_the_optimum_and_beat_memorising() -> None:
    votes, memorise = (measure(Cell(name, 7, 4, 2000, 2000), seeds(2000)).mean() for name in ("votes", "memorise"))
    assert float(exact_optimum(7, 4)) < votes < memorise - 0.05


def test_memorising_over_all_samples_errs_as_claimed() -> None:
    points, labels = support(5)
    drawn = torch.tensor(list(itertools.product(range(10), repeat=2)))
    outputs = LEARNERS["memorise"](points[drawn], labels[drawn], [])
    error = ((outputs.sign() - labels).abs() / 2).double().mean()
    assert float(error) == pytest.approx(0.5 * 0.9**2)


def test_a_conv_net_errs_only_where_one_texture_was_seen() -> None:
    points, labels = support(9)
    both, one = torch.tensor([[0, 9, 3], [4, 17, 12]]), torch.tensor([[0, 5, 3], [9, 17, 12]])
    right = LEARNERS["conv"](points[both], labels[both], seeds(2)).sign()
    assert (right == labels).all()
    constant = LEARNERS["conv"](points[one], labels[one], seeds(2)).sign()
    assert constant.tolist() == [[-1.0] * 18, [1.0] * 18]


def test_votes_and_memorising_are_permutation_equivariant() -> None:
    x, y = (torch.from_numpy(a).float() for a in sample(11, (30, 4), np.random.default_rng(3)))
    order = torch.from_numpy(np.random.default_rng(4).permutation(11))
    points, _ = support(11)
    for name in ("votes", "memorise"):
        # Outputs at a point of the permuted problem are those at the point it came from, where that is in the support.
        outputs, moved = LEARNERS[name](x, y, []), LEARNERS[name](x[:, :, order], y, [])
        places = [(k, j) for k, p in enumerate(points) for j, q in enumerate(points) if torch.equal(p[order], q)]
        assert len(places) > 3
        for k, j in places:
            torch.testing.assert_close(moved[:, j], outputs[:, k])


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_values_depend_on_their_own_seeds_only(learner: str) -> None:
    drawn = seeds(4)
    together = measure(Cell(learner, 8, 3, 4, 4), drawn)
    assert together.shape == (4,)
    assert ((together >= 0) & (together <= 1)).all()
    alone = np.concatenate([measure(Cell(learner, 8, 3, 1, 1), [drawn[k]]) for k in (3, 1)])
    np.testing.assert_allclose(alone, together[[3, 1]], atol=1e-7)


@pytest.mark.parametrize("learner", NETS)
def test_nets_fit_what_they_saw(learner: str) -> None:
    x, y = (torch.from_numpy(a).float() for a in sample(12, (40, 8), np.random.default_rng(5)))
    outputs = LEARNERS[learner](x, y, seeds(40)).sign()
    points, _ = support(12)
    place = (x @ points.T == 2).double().argmax(dim=2)
    assert float((outputs.gather(1, place) != y).double().mean()) < 0.01


def test_a_net_that_diverged_counts_as_a_coin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture, "LEARNERS", {"votes": lambda x, y, seeds: torch.full((len(x), 10), float("nan"))})
    assert measure(Cell("votes", 5, 2, 3, 3), seeds(3)).tolist() == [0.5] * 3


def test_a_learner_that_peeks_at_the_places_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    found = verdicts(planted(monkeypatch, peeks), "votes")
    assert len(found) == 3
    assert set(found.values()) == {Verdict.REFUTED}


@pytest.mark.parametrize("learner", EQUIVARIANT)
def test_equivariant_learners_keep_every_bound_and_refute_it_raised(learner: str) -> None:
    result = run(learner, [(6, 0), (6, 1), (24, 0), (24, 1), (24, 24)], 600)
    assert set(verdicts(result, learner).values()) == {Verdict.CERTIFIED}
    assert set(verdicts(result, learner, faulty=True).values()) == {Verdict.REFUTED}


def test_conv_nets_break_the_lower_bound_and_keep_the_upper_one() -> None:
    result = run("conv", [(24, 1), (24, 6)], 600)
    found = verdicts(result, "conv")
    assert found["the sharper lower bound"] is Verdict.REFUTED
    assert found["the conv net's upper bound 2^-n"] is Verdict.CERTIFIED
    assert verdicts(result, "conv", faulty=True)["the conv net's upper bound 2^-n"] is Verdict.REFUTED


def test_lines_are_the_claims_numbers() -> None:
    lines = {line.says: line.value for line in EXPERIMENT.lines}
    assert lines["1/4 for n < d/10, as printed"](40, 3) == 0.25
    assert lines["1/4 for n < d/10, as printed"](40, 4) is None
    assert lines["the sharper lower bound"](16, 5) == float(least_error_bound(16, 5))
    assert lines["the exact optimum"](6, 3) == float(exact_optimum(6, 3))
    assert lines["the exact optimum"](64, 3) is None
    assert lines["the error of memorising"](24, 12) == pytest.approx(0.5 * (47 / 48) ** 12)
    assert lines["the conv net's upper bound 2^-n"](24, 5) == pytest.approx(1 / 32)
    assert lines["the conv net's upper bound 2^-n"](24, 0) is None


@pytest.mark.parametrize("size", ["quick", "full", "paper"])
def test_cells_are_distinct_and_tell(size: str) -> None:
    found = cells(size)
    assert len({(cell.learner, cell.d, cell.n) for cell in found}) == len(found)
    assert {cell.learner for cell in found} == set(LEARNERS)
    assert all(1 <= cell.chunk <= cell.replicas for cell in found)
    nothing = summarise(EXPERIMENT, {cell: np.zeros(cell.replicas) for cell in found}, 0)
    for learner in EQUIVARIANT:
        assert set(verdicts(nothing, learner).values()) == {Verdict.REFUTED}
