"""Hypothesis strategies: groups, their elements, data sets, nets, learners, regimes and whole coupled cases.

Sizes, structure and hyper-parameters are drawn one by one, so that a failure shrinks to a small net on
few points; the numbers inside a matrix come from one drawn seed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from sims.learners import FullyConnected, Learner
from theory.groups import GROUPS, Group, act_on_weights
from theory.validate import finite_array
from verify.coupling import Bench, Problem
from verify.regimes import Maker, Regime, pose
from verify.verdicts import DRIFT, Judgement, judge

__all__ = ["Case", "Options", "cases", "data_sets", "elements", "groups", "learners", "nets", "regimes"]

Options: TypeAlias = st.SearchStrategy[Mapping[str, Any]]
"""Settings of an optimizer."""
SEEDS = st.integers(0, 2**31 - 1)


@dataclass(frozen=True)
class Case:
    """A problem and a group element: all that one coupled run needs.

    Args:
        problem: a training with its data.
        element: g, an invertible matrix, shape (d, d).

    Raises:
        ValueError: g is singular or of another size.
    """

    problem: Problem
    element: NDArray[Any]

    def __post_init__(self) -> None:
        d = self.problem.dimension
        act_on_weights(finite_array("element", self.element, (d, d)), np.zeros((1, d)))

    @property
    def ratio(self) -> float:
        """The worst residual over what rounding explains, in double precision; 0 where training diverges."""
        curve = Bench(self.problem, torch.float64, controls=1).curve([self.element])
        return float(curve.ratio.max()) if curve.finite else 0.0

    @functools.cached_property
    def judgement(self) -> Judgement:
        """The verdict on this case alone."""
        double, single = (Bench(self.problem, dtype) for dtype in (torch.float64, torch.float32))
        g = [self.element]
        return judge(double.curve(g), lambda: single.curve(g), lambda: double.curve(g, DRIFT))


def groups() -> st.SearchStrategy[Group]:
    """The groups of `theory.groups`.

    Example:
        >>> import hypothesis
        >>> hypothesis.find(groups(), lambda group: True).name in GROUPS
        True
    """
    return st.sampled_from(list(GROUPS.values()))


def elements(group: Group, d: int) -> st.SearchStrategy[NDArray[Any]]:
    """Float elements of a group, shape (d, d); for d >= 2 never the identity.

    Raises:
        ValueError: d < 1.

    Example:
        >>> import hypothesis
        >>> from theory.groups import SIGN_FLIP
        >>> g = hypothesis.find(elements(SIGN_FLIP, 3), lambda g: True)
        >>> g.shape, sorted({abs(float(x)) for x in g.flat})
        ((3, 3), [0.0, 1.0])
    """
    group.float_element(d, np.random.default_rng(0))  # refuses a bad d now, not when drawing
    drawn = SEEDS.map(lambda seed: group.float_element(d, np.random.default_rng(seed)))
    # The identity shows nothing, so it is drawn again; for d = 1 some groups have nothing else.
    return drawn if d == 1 else drawn.filter(lambda g: not np.array_equal(g, np.eye(d)))


ACTIVATIONS = st.sampled_from(["tanh", "relu", "identity"])


def nets(d: int) -> st.SearchStrategy[FullyConnected]:
    """Fully-connected nets of depth 2 and 3 on d inputs.

    Raises:
        ValueError: d < 1.

    Example:
        >>> import hypothesis
        >>> hypothesis.find(nets(3), lambda net: True).widths
        (3, 2, 1)
    """
    FullyConnected((d, 1))  # refuses a bad d now
    hidden = st.lists(st.integers(2, 8), min_size=1, max_size=2)
    return st.builds(lambda h, a, bias: FullyConnected((d, *h, 1), a, bias), hidden, ACTIVATIONS, st.booleans())


def learners(d: int, optimizer: type[torch.optim.Optimizer], options: Options) -> st.SearchStrategy[Learner]:
    """Learners with a drawn net, loss, number of steps and hyper-parameters.

    Args:
        d: number of inputs.
        optimizer: the optimizer's class.
        options: draws its keyword arguments.

    Example:
        >>> import hypothesis
        >>> drawn = learners(2, torch.optim.SGD, st.fixed_dictionaries({"lr": st.sampled_from([0.1, 1.0])}))
        >>> hypothesis.find(drawn, lambda learner: learner.steps >= 3).steps
        3
    """
    losses = st.sampled_from(["square", "logistic"])
    return st.builds(
        lambda net, drawn, steps, loss: Learner(net, optimizer, drawn, steps, loss),
        nets(d),
        options,
        st.integers(1, 12),
        losses,
    )


def data_sets(d: int) -> st.SearchStrategy[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Training points (n, d), labels +-1 and test points; coordinates have different scales and means.

    Raises:
        ValueError: d < 1.
    """
    FullyConnected((d, 1))  # refuses a bad d now

    def build(seed: int, n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        rng = np.random.default_rng(seed)
        scales = np.exp2(np.linspace(-1, 1, d)) / np.sqrt(d)
        x, tests = ((rng.standard_normal((k, d)) + 0.5) * scales for k in (n, 5))
        return x, rng.choice([-1.0, 1.0], n), tests

    return st.builds(build, SEEDS, st.integers(2, 8))


def regimes() -> st.SearchStrategy[Regime]:
    """Small regimes: few inputs, hidden units, samples and steps."""
    return st.builds(
        Regime,
        name=st.just("drawn"),
        d=st.integers(2, 6),
        hidden=st.lists(st.integers(1, 8), min_size=1, max_size=2).map(tuple),
        activation=ACTIVATIONS,
        bias=st.booleans(),
        samples=st.integers(2, 8),
        batch=st.none() | st.integers(1, 4),
        steps=st.integers(1, 30),
        loss=st.sampled_from(["square", "logistic"]),
        rate=st.sampled_from([1.0, 0.3]),
    )


@st.composite
def cases(draw: st.DrawFn, maker: Maker, group: Group) -> Case:
    """Coupled cases of a training in small regimes.

    Args:
        draw: given by Hypothesis.
        maker: builds the training for a regime, for example `verify.subjects.of_optimizer`.
        group: where the element is drawn from.

    Example:
        >>> import hypothesis
        >>> from theory.groups import ORTHOGONAL
        >>> from verify.subjects import of_optimizer
        >>> drawn = cases(of_optimizer(torch.optim.SGD, {"lr": 0.1}), ORTHOGONAL)
        >>> hypothesis.find(drawn, lambda case: case.problem.dimension == 2).element.shape
        (2, 2)
    """
    regime = draw(regimes())
    problem = pose(regime, maker(regime), draw(SEEDS))
    return Case(problem, draw(elements(group, regime.d)))
