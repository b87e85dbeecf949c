"""The regimes close the doors that they are there for, and elements leave no coordinate out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sims.learners import ACTIVATIONS, LOSSES
from theory.groups import GROUPS
from verify.regimes import REGIMES, informative_elements, pose
from verify.subjects import of_optimizer

TRAINING = of_optimizer(torch.optim.SGD, {"lr": 0.1})(REGIMES[0])
SEEDS = range(100)


def test_the_regimes_differ_in_what_matters() -> None:
    assert len({r.name for r in REGIMES}) == len(REGIMES) == 5
    assert len({r.d for r in REGIMES}) == 4
    assert sum(r.d in r.hidden for r in REGIMES) == 1
    assert {r.batch is None for r in REGIMES} == {r.bias for r in REGIMES} == {True, False}
    assert {r.loss for r in REGIMES} == set(LOSSES)
    assert {r.activation for r in REGIMES} <= set(ACTIVATIONS)
    assert {len(r.hidden) for r in REGIMES} == {1, 2}
    assert {np.sign(r.hidden[0] - r.d) for r in REGIMES} == {-1, 0, 1}  # wide, narrow and square first layers
    assert {np.sign(r.samples - r.d) for r in REGIMES} == {-1, 1}
    assert max(r.steps for r in REGIMES) > 120
    assert min(r.steps for r in REGIMES) > 10
    assert max(r.rate for r in REGIMES) / min(r.rate for r in REGIMES) >= 30


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("seed", range(5))
def test_data_are_uneven_and_both_labels_are_there(regime, seed: int) -> None:
    problem = pose(regime, TRAINING, seed)
    x, tests = np.asarray(problem.points), np.asarray(problem.tests)
    assert x.shape == (regime.samples, regime.d)
    assert tests.shape == (5, regime.d)
    assert set(problem.labels) == {-1.0, 1.0}
    many = np.asarray(pose(replace(regime, samples=4000), TRAINING, seed).points)
    spread, centre = many.std(axis=0), many.mean(axis=0)
    assert spread.max() / spread.min() == pytest.approx(4, rel=0.2)
    assert np.ptp(centre) > 0.05
    assert (np.abs(x[:, None] - tests).max(axis=2) > 0).all()


def test_the_seed_says_all() -> None:
    one, two, other = (pose(REGIMES[1], TRAINING, seed) for seed in (1, 1, 2))
    for name in ("points", "labels", "tests"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.points, other.points)
    assert len({tuple(np.argsort(np.asarray(pose(REGIMES[0], TRAINING, s).points).std(axis=0))) for s in range(20)}) > 3


@pytest.mark.parametrize("group", GROUPS.values(), ids=list(GROUPS))
@pytest.mark.parametrize("d", [2, 3, 4, 5, 6])
def test_no_element_is_a_multiple_of_the_identity(group, d: int) -> None:
    for seed in SEEDS:
        for g in informative_elements(group, d, seed):
            assert g.shape == (d, d)
            assert np.abs(g - g[0, 0] * np.eye(d)).max() > 1e-9


@pytest.mark.parametrize("d", [2, 3, 4, 5, 6])
def test_sign_flips_come_in_pairs_that_flip_each_coordinate_once(d: int) -> None:
    for seed in SEEDS:
        g, h = informative_elements(GROUPS["sign_flip"], d, seed)
        assert np.array_equal(g, -h)
        assert set(np.diag(g)) == {-1, 1}
        assert np.array_equal(np.abs(g), np.eye(d))


@pytest.mark.parametrize("name", ["cyclic_shift", "permutation", "signed_permutation"])
@pytest.mark.parametrize("d", [2, 3, 4, 5, 6])
def test_permutations_move_every_coordinate(name: str, d: int) -> None:
    for seed in SEEDS:
        (g,) = informative_elements(GROUPS[name], d, seed)
        assert GROUPS[name].contains(g.astype(int))
        assert not np.diag(g).any()
        if name == "signed_permutation":
            assert {-1, 1} <= set(g.flat)


@pytest.mark.parametrize("name", ["orthogonal", "general_linear"])
def test_rotations_are_rotations_and_linear_maps_are_none(name: str) -> None:
    for seed in SEEDS:
        (g,) = informative_elements(GROUPS[name], 4, seed)
        assert np.allclose(g @ g.T, np.eye(4), atol=1e-12) == (name == "orthogonal")


@pytest.mark.parametrize("group", GROUPS.values(), ids=list(GROUPS))
def test_one_input_leaves_no_choice(group) -> None:
    (g,) = informative_elements(group, 1, 0)
    assert g.shape == (1, 1)


@pytest.mark.parametrize("group", GROUPS.values(), ids=list(GROUPS))
def test_elements_are_drawn_from_the_seed(group) -> None:
    one, two = (informative_elements(group, 6, 5) for _ in range(2))
    assert all(np.array_equal(g, h) for g, h in zip(one, two, strict=True))
    assert len({informative_elements(group, 6, seed)[0].tobytes() for seed in SEEDS}) > 3
