"""Hypothesis strategies: group elements, data sets, nets, learners and whole coupled cases.

Sizes, structure and hyper-parameters are drawn one by one, so that a failure shrinks to a small net on
few points; the numbers inside a matrix come from one drawn seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from sims.learners import FullyConnected, Learner
from theory.groups import Group
from verify.coupling import Case

__all__ = [
    "Options",
    "cases",
    "data_sets",
    "decay_options",
    "elements",
    "learners",
    "momentum_options",
    "nets",
    "plain_options",
]

Options: TypeAlias = st.SearchStrategy[Mapping[str, Any]]
SEEDS = st.integers(0, 2**32 - 1)


def elements(group: Group, d: int) -> st.SearchStrategy[NDArray[Any]]:
    """Float elements of a group, shape (d, d); for d >= 2 never the identity.

    Raises:
        ValueError: d < 1.
    """
    group.float_element(d, np.random.default_rng(0))  # refuses a bad d now, not when drawing
    drawn = SEEDS.map(lambda seed: group.float_element(d, np.random.default_rng(seed)))
    # The identity shows nothing, so it is drawn again; for d = 1 some groups have nothing else.
    return drawn if d == 1 else drawn.filter(lambda g: not np.array_equal(g, np.eye(d)))


def nets(d: int) -> st.SearchStrategy[FullyConnected]:
    """Fully-connected nets of depth 2 and 3 on d inputs.

    Squares are drawn at depth 2 only (two of them, a quartic, diverge in most short runs), and rectifiers have at
    least four units a layer, so that few nets are dead: a run that moves nothing shows nothing.
    """
    smooth = st.lists(st.integers(2, 8), min_size=1, max_size=2)
    rectified = st.lists(st.integers(4, 8), min_size=1, max_size=2)
    square = st.lists(st.integers(2, 8), min_size=1, max_size=1)
    shapes = st.one_of(
        *(st.tuples(w, st.just(a)) for w, a in ((smooth, "tanh"), (rectified, "relu"), (square, "square")))
    )
    return st.builds(lambda s, bias: FullyConnected((d, *s[0], 1), s[1], bias), shapes, st.booleans())


LEARNING_RATES = st.floats(0.01, 0.06)
WEIGHT_DECAYS = st.sampled_from([0.0, 1e-3, 0.1])


def plain_options() -> Options:
    """A learning rate and nothing else."""
    return st.fixed_dictionaries({"lr": LEARNING_RATES})


def decay_options() -> Options:
    """A learning rate and coupled weight decay, possibly none."""
    return st.fixed_dictionaries({"lr": LEARNING_RATES, "weight_decay": WEIGHT_DECAYS})


def momentum_options() -> Options:
    """Heavy ball with dampening, or Nesterov, with weight decay."""
    momentum = st.sampled_from([0.5, 0.9])
    common = {"lr": LEARNING_RATES, "weight_decay": WEIGHT_DECAYS, "momentum": momentum}
    return st.fixed_dictionaries({**common, "nesterov": st.just(True)}) | st.fixed_dictionaries(
        {**common, "dampening": st.sampled_from([0.0, 0.3])}
    )


def learners(d: int, optimizer: type[torch.optim.Optimizer], options: Options) -> st.SearchStrategy[Learner]:
    """Learners with a drawn net, loss, number of steps and hyper-parameters."""
    return st.builds(
        lambda net, opts, steps, loss: Learner(net, optimizer, opts, steps, loss),
        nets(d),
        options,
        st.integers(4, 12),
        st.sampled_from(["square", "logistic"]),
    )


def data_sets(d: int) -> st.SearchStrategy[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Training points, labels and test points; the coordinates have different scales, up to 8 to 1.

    Isotropic data would hide from a test what a coordinate-wise rule does.
    """

    def build(seed: int, n: int, spread: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        rng = np.random.default_rng(seed)
        scales = np.exp2(np.linspace(-spread, spread, d)) / np.sqrt(d)
        x, tests = (rng.standard_normal((k, d)) * scales for k in (n, 5))
        return x, rng.choice([-1.0, 1.0], n), tests

    return st.builds(build, SEEDS, st.integers(2, 8), st.floats(0.5, 1.5))


@st.composite
def cases(draw: st.DrawFn, optimizer: type[torch.optim.Optimizer], group: Group, options: Options) -> Case:
    """Whole coupled runs with d from 2 to 6 inputs."""
    d = draw(st.integers(2, 6))
    points, labels, tests = draw(data_sets(d))
    return Case(draw(learners(d, optimizer, options)), points, labels, tests, draw(elements(group, d)), draw(SEEDS))
