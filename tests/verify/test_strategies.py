"""The strategies draw what they promise and shrink to small cases."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from theory.evidence import Verdict
from theory.groups import GROUPS, ORTHOGONAL
from verify import strategies
from verify.coupling import Case, couple
from verify.verdicts import judge


@given(st.data(), st.sampled_from([g for g in GROUPS.values() if g.name != "general_linear"]), st.integers(1, 6))
@settings(max_examples=30)
def test_drawn_elements_belong_to_the_group(data: st.DataObject, group: object, d: int) -> None:
    element = data.draw(strategies.elements(group, d))  # type: ignore[arg-type]
    if group.name == "orthogonal":  # type: ignore[attr-defined]
        assert np.allclose(element @ element.T, np.eye(d), atol=1e-12)
    else:
        assert group.contains(element.astype(int))  # type: ignore[attr-defined]


def test_a_bad_dimension_is_refused_before_drawing() -> None:
    with pytest.raises(ValueError, match="d: got 0"):
        strategies.elements(ORTHOGONAL, 0)


@given(strategies.cases(torch.optim.SGD, ORTHOGONAL, strategies.momentum_options()))
@settings(max_examples=20)
def test_drawn_cases_have_depth_two_or_three_and_anisotropic_data(drawn: Case) -> None:
    widths = drawn.learner.model.widths  # type: ignore[union-attr]
    assert len(widths) in (3, 4)
    points = np.asarray(drawn.points)
    assert points.shape[1] == widths[0]
    assert {"lr", "momentum", "weight_decay"} <= set(drawn.learner.options)


def test_both_depths_are_drawn() -> None:
    seen = set()

    @given(strategies.nets(3))
    @settings(max_examples=30, derandomize=True, database=None)
    def draw(net: object) -> None:
        seen.add(len(net.widths))  # type: ignore[attr-defined]

    draw()
    assert seen == {3, 4}


def test_a_refutation_shrinks_to_a_small_case() -> None:
    def refuted(case: Case) -> bool:
        return judge(couple(case, torch.float64), couple(case, torch.float32)).verdict is Verdict.REFUTED

    smallest = find(
        strategies.cases(torch.optim.Adam, ORTHOGONAL, strategies.plain_options()),
        refuted,
        settings=settings(
            max_examples=200, derandomize=True, database=None, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )
    assert refuted(smallest)
    assert np.asarray(smallest.points).shape == (2, 2)
    assert smallest.learner.model.widths == (2, 2, 1)  # type: ignore[union-attr]


@given(st.data(), st.sampled_from(list(GROUPS.values())), st.integers(2, 4))
@settings(max_examples=40)
def test_the_identity_is_never_drawn(data: st.DataObject, group: object, d: int) -> None:
    assert not np.array_equal(data.draw(strategies.elements(group, d)), np.eye(d))  # type: ignore[arg-type]
