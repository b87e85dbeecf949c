"""The strategies draw what they promise and shrink to small cases."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from theory.evidence import Verdict
from theory.groups import GROUPS, ORTHOGONAL
from verify import strategies
from verify.coupling import Problem
from verify.regimes import Regime
from verify.strategies import Case
from verify.subjects import of_optimizer
from verify.verdicts import CLEAR

SGD, ADAM = (of_optimizer(o, {"lr": 0.05}) for o in (torch.optim.SGD, torch.optim.Adam))


@given(st.data(), st.sampled_from([g for g in GROUPS.values() if g.name != "general_linear"]), st.integers(1, 6))
@settings(max_examples=30)
def test_drawn_elements_belong_to_the_group(data: st.DataObject, group, d: int) -> None:
    element = data.draw(strategies.elements(group, d))
    if group.name == "orthogonal":
        assert np.allclose(element @ element.T, np.eye(d), atol=1e-12)
    else:
        assert group.contains(element.astype(int))


@given(st.data(), st.sampled_from(list(GROUPS.values())), st.integers(2, 4))
@settings(max_examples=40)
def test_the_identity_is_never_drawn(data: st.DataObject, group, d: int) -> None:
    assert not np.array_equal(data.draw(strategies.elements(group, d)), np.eye(d))


@pytest.mark.parametrize(
    "strategy", [lambda d: strategies.elements(ORTHOGONAL, d), strategies.nets, strategies.data_sets]
)
def test_a_bad_dimension_is_refused_before_drawing(strategy) -> None:
    with pytest.raises(ValueError, match="got 0"):
        strategy(0)


def drawn(strategy: st.SearchStrategy, count: int = 60) -> list:
    seen = []

    @given(strategy)
    @settings(max_examples=count, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def draw(thing) -> None:
        seen.append(thing)

    draw()
    return seen


def test_both_depths_every_group_and_all_kinds_of_regimes_are_drawn() -> None:
    assert {len(net.widths) for net in drawn(strategies.nets(3))} == {3, 4}
    assert {g.name for g in drawn(strategies.groups())} == set(GROUPS)
    regimes = drawn(strategies.regimes(), 150)
    assert all(isinstance(r, Regime) for r in regimes)
    assert {r.d for r in regimes} == {2, 3, 4, 5, 6}
    assert {r.batch is None for r in regimes} == {r.bias for r in regimes} == {True, False}
    assert {len(r.hidden) for r in regimes} == {1, 2}
    assert {r.loss for r in regimes} == {"square", "logistic"}
    assert max(r.steps for r in regimes) > 15


@given(strategies.cases(SGD, ORTHOGONAL))
@settings(max_examples=15)
def test_drawn_cases_have_a_net_for_their_data(case: Case) -> None:
    points = np.asarray(case.problem.points)
    d = points.shape[1]
    assert case.element.shape == (d, d)
    assert case.problem.start()[1]["0.weight"].shape[1] == d
    assert case.ratio < 100
    assert case.judgement.verdict is not Verdict.REFUTED


def test_data_sets_have_uneven_coordinates() -> None:
    for x, y, tests in drawn(strategies.data_sets(4), 20):
        assert x.shape[1] == tests.shape[1] == 4
        assert len(x) == len(y)
        assert set(y) <= {-1.0, 1.0}
    x = np.concatenate([d[0] for d in drawn(strategies.data_sets(4), 200)])
    assert np.all(np.diff(x.std(axis=0)) > 0)


def test_learners_are_drawn_with_their_options() -> None:
    options = st.fixed_dictionaries({"lr": st.floats(0.01, 0.1)})
    for learner in drawn(strategies.learners(3, torch.optim.SGD, options), 20):
        assert learner.model.widths[0] == 3
        assert 0.01 <= learner.options["lr"] <= 0.1
        assert 1 <= learner.steps <= 12


def test_a_refutation_shrinks_to_a_small_case() -> None:
    smallest = find(
        strategies.cases(ADAM, ORTHOGONAL),
        lambda case: case.ratio >= CLEAR,
        settings=settings(
            max_examples=100, derandomize=True, database=None, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )
    assert np.asarray(smallest.problem.points).shape == (2, 2)
    assert smallest.problem.training.steps == 1
    assert smallest.judgement.verdict is Verdict.REFUTED


def one_case(element) -> Case:
    regime = Regime("case", 3, (4,), "tanh", True, 4, None, 5, "square", 1.0)
    x = np.random.default_rng(0).standard_normal((4, 3))
    return Case(Problem(ADAM(regime), x, [1.0, -1.0, 1.0, 1.0], x), element)


def test_a_case_is_judged_alone() -> None:
    rotation = ORTHOGONAL.float_element(3, np.random.default_rng(1))
    assert one_case(rotation).judgement.verdict is Verdict.REFUTED
    assert one_case(rotation).ratio > CLEAR
    assert one_case(np.diag([1.0, -1.0, 1.0])).judgement.level == "bitwise"


def test_the_ratio_of_what_diverges_is_none() -> None:
    wild = of_optimizer(torch.optim.SGD, {"lr": 1e200})
    case = one_case(np.eye(3)[::-1])
    regime = Regime("wild", 3, (), "identity", False, 4, None, 9, "square", 1.0)
    assert replace(case, problem=replace(case.problem, training=wild(regime))).ratio == 0


@pytest.mark.parametrize(
    ("element", "message"),
    [(np.zeros((3, 3)), "singular"), (np.eye(2), r"element: got shape \(2, 2\)"), (np.eye(3) * np.nan, "element: got")],
)
def test_bad_elements_are_refused(element: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        one_case(element)
