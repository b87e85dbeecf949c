r"""The coupled runs: training on D from W, and its twin on g D from tau(g) W.

If conditions (1) and (2) of Theorem C.1 hold, the twin's outputs at g-mapped points are the first
one's outputs, whatever W is. In floating point they agree up to rounding, and how much rounding the
training amplifies is measured, not guessed: *controls* are the same training on the same data,
moved by a random rotation and back, which changes nothing but the last bits.

Group elements act in float64, whatever the precision of the training, so the test adds no error of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from sims.training import Trace, Training, Weights, checkpoints, first_layer, initial
from theory.groups import ORTHOGONAL, act_on_points, act_on_weights
from theory.validate import finite_array, integer

__all__ = ["Bench", "Curve", "Problem"]

CONTROLS = 3


@dataclass(frozen=True)
class Problem:
    """A training, its data and the seed of its first weights: what a coupled run needs besides g.

    Args:
        training: a net whose first layer is an `nn.Linear` on d inputs, and how it is trained.
        points: training points, shape (n, d).
        labels: +-1, shape (n,).
        tests: points to compare at, shape (m, d).
        seed: of the first weights, of what the training draws, and of the controls' rotations.

    Raises:
        ValueError: shapes that do not fit, NaN or infinite entries, or labels other than +-1.
    """

    training: Training
    points: ArrayLike
    labels: ArrayLike
    tests: ArrayLike
    seed: int = 0

    def __post_init__(self) -> None:
        points = finite_array("points", self.points, (None, None))
        if not np.isin(finite_array("labels", self.labels, (len(points),)), (-1, 1)).all():
            raise ValueError("labels: got values other than -1 and 1, want only these")
        if not len(finite_array("tests", self.tests, (None, points.shape[1]))):
            raise ValueError("tests: got no point, want at least one to compare at")
        integer("seed", self.seed, 0, 2**63 - 1)

    @property
    def dimension(self) -> int:
        """d, the number of entries of one input."""
        return int(np.shape(self.points)[1])

    def start(self) -> tuple[str, Weights]:
        """The name of the first layer's matrix, and generic weights to start from.

        Raises:
            ValueError: the net has no linear layer, or its first one does not take d inputs.
        """
        module = self.training.network()
        name = first_layer(module)
        weights = initial(module, torch.Generator().manual_seed(self.seed))
        if weights[name].shape[1] != self.dimension:
            raise ValueError(
                f"points: got {self.dimension} columns, want {weights[name].shape[1]}, the net's number of inputs"
            )
        return name, weights


@dataclass(frozen=True)
class Curve:
    """What coupled runs in one precision showed at each checkpoint, in units of the outputs; arrays of shape (c,).

    Attributes:
        steps: numbers of steps taken.
        violation: greatest difference between a twin's outputs at g x and the first one's at x.
        control: greatest difference that rounding alone made, over the controls and all steps so far.
        moved: greatest change of an output by training so far.
        resolution: the precision's unit roundoff times the greatest output so far.
    """

    steps: tuple[int, ...]
    violation: NDArray[np.float64]
    control: NDArray[np.float64]
    moved: NDArray[np.float64]
    resolution: NDArray[np.float64]

    @property
    def floor(self) -> NDArray[np.float64]:
        """What rounding explains: the control, or the resolution where the controls happened to be exact."""
        return np.maximum(self.control, self.resolution)

    @property
    def ratio(self) -> NDArray[np.float64]:
        """Violation over floor; infinite where something differs although nothing can be rounded."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.violation == 0, 0.0, self.violation / self.floor)

    @property
    def finite(self) -> bool:
        """Whether no output was NaN or infinite."""
        return bool(np.isfinite([self.violation, self.control, self.moved, self.resolution]).all())


class Bench:
    """A problem in one precision: the first run and its controls are trained once, then any number of twins.

    Example:
        >>> from torch import nn
        >>> from sims.training import UpdateRule
        >>> rule = UpdateRule(lambda module: torch.optim.SGD(module.parameters(), lr=0.1))
        >>> training = Training(lambda: nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)), rule, steps=5)
        >>> x = np.array([[1.0, 2.0], [0.5, -1.0]])
        >>> curve = Bench(Problem(training, x, [1.0, -1.0], x), torch.float64).curve([[[0.6, -0.8], [0.8, 0.6]]])
        >>> bool(curve.violation[-1] < 1e-12 < curve.moved[-1])
        True
    """

    def __init__(
        self,
        problem: Problem,
        dtype: torch.dtype,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
        controls: int = CONTROLS,
        moving: Callable[[ArrayLike], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """Pose the problem.

        Args:
            problem: what is run.
            dtype: in which precision.
            around: a context for the optimizer's own code.
            controls: how many runs measure rounding.
            moving: a context for the whole run of the twin that belongs to a group element.
        """
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise ValueError(f"dtype: got {dtype!r}, want a real floating torch.dtype")
        self.problem, self.dtype, self.around = problem, dtype, around
        self._moving = moving
        self._controls = integer("controls", controls, 1)
        self.first, weights = problem.start()
        self._start = weights, _points(problem.points), _points(problem.tests)

    def trace(self, element: ArrayLike | None = None, drift: float = 0.0, seed: int | None = None) -> Trace:
        """The run itself, or its twin moved by an element, perhaps with a planted drift or draws from another seed."""
        if element is None:
            return self._run(self._start, drift, seed)
        with self._moving(element):
            return self._run(self._moved(element, self._start), drift, seed)

    @functools.cached_property
    def base(self) -> Trace:
        """The run that all others are compared with."""
        return self.trace()

    def curve(self, elements: Sequence[ArrayLike], drift: float = 0.0) -> Curve:
        """The greatest violation over some group elements, beside what rounding explains."""
        base = self._drifted(drift) if drift else self.base
        twins = [_gaps(self.trace(g, drift), base) for g in elements]
        size = _running_max(self.base.outputs.abs())
        return Curve(
            steps=checkpoints(self.problem.training.steps),
            violation=np.max(twins, axis=0),
            control=self._rounding,
            moved=_running_max((self.base.outputs - self.base.outputs[0]).abs()),
            resolution=torch.finfo(self.dtype).eps * size,
        )

    @functools.cache  # noqa: B019  a bench lives as long as its runs are wanted
    def _drifted(self, drift: float) -> Trace:
        return self.trace(drift=drift)

    @functools.cached_property
    def _rounding(self) -> NDArray[np.float64]:
        rng = np.random.default_rng(self.problem.seed)
        gaps = []
        for _ in range(self._controls):
            rotation = ORTHOGONAL.float_element(self.problem.dimension, rng)
            there = self._rounded(self._moved(rotation, self._rounded(self._start)))
            gaps.append(_gaps(self._run(self._moved(rotation.T, there)), self.base))
        return np.maximum.accumulate(np.max(gaps, axis=0))

    def _moved(self, element: ArrayLike, start: Start) -> Start:
        """Weights of the first layer and all points, moved by g; the other weights stay."""
        weights, points, tests = start
        g = np.asarray(element, dtype=np.float64)
        first = torch.from_numpy(np.ascontiguousarray(act_on_weights(g, weights[self.first].numpy())))
        return {**weights, self.first: first}, act_on_points(g, points), act_on_points(g, tests)

    def _rounded(self, start: Start) -> Start:
        weights, *arrays = start
        points, tests = (_points(torch.from_numpy(a).to(self.dtype).double().numpy()) for a in arrays)
        return {name: w.to(self.dtype).double() for name, w in weights.items()}, points, tests

    def _run(self, start: Start, drift: float = 0.0, seed: int | None = None) -> Trace:
        weights, *arrays = start
        points, tests = (torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)
        labels = torch.from_numpy(_points(self.problem.labels))
        drawn = self.problem.seed if seed is None else seed
        return self.problem.training.run(
            weights, points, labels, tests, dtype=self.dtype, seed=drawn, around=self.around, drift=drift
        )


Start = tuple[Weights, NDArray[np.float64], NDArray[np.float64]]


def _points(array: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(array, dtype=np.float64)


def _gaps(a: Trace, b: Trace) -> NDArray[np.float64]:
    """Greatest difference of the outputs at each checkpoint."""
    return np.asarray((a.outputs - b.outputs).abs().amax(dim=1).numpy())


def _running_max(outputs: Tensor) -> NDArray[np.float64]:
    return np.maximum.accumulate(np.asarray(outputs.amax(dim=1).numpy()))
