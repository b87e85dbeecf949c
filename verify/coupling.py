r"""The coupled runs: one learner on D from W, its twin on g D from tau(g) W.

If conditions (1) and (2) of Theorem C.1 hold, the twin's outputs at g-mapped points are the first
one's outputs, whatever W is. In floating point they agree up to rounding, and how much rounding the
training amplifies is measured, not guessed: *controls* are the same learner on the same data,
moved by a random rotation and back, which changes nothing but the last bits.

Group elements act in float64, whatever the learner's own precision, so the test adds no error of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from sims.learners import FullyConnected, Learner
from theory.groups import ORTHOGONAL, act_on_points, act_on_weights
from theory.validate import finite_array, integer

__all__ = ["Case", "Residual", "couple"]

CONTROLS = 2


@dataclass(frozen=True)
class Case:
    """A learner, its data and a group element: all that a coupled run needs.

    Args:
        learner: a fully-connected model with an optimizer, d inputs.
        points: training points, shape (n, d).
        labels: +-1, shape (n,).
        tests: points to compare at, shape (m, d).
        element: g, an invertible matrix, shape (d, d).
        seed: of the initial weights and of the controls' rotations.

    Raises:
        ValueError: shapes that do not fit, NaN or infinite entries, or a singular g.
    """

    learner: Learner
    points: ArrayLike
    labels: ArrayLike
    tests: ArrayLike
    element: ArrayLike
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.learner, Learner) or not isinstance(self.learner.model, FullyConnected):
            shown = getattr(self.learner, "model", self.learner)
            raise ValueError(f"learner: got {shown!r}, want a Learner whose first layer is fully connected")
        d = self.learner.model.dimension
        points = finite_array("points", self.points, (None, d))
        if not np.isin(finite_array("labels", self.labels, (len(points),)), (-1, 1)).all():
            raise ValueError("labels: got values other than -1 and 1, want only these")
        if not len(finite_array("tests", self.tests, (None, d))):
            raise ValueError("tests: got no point, want at least one to compare at")
        act_on_weights(finite_array("element", self.element, (d, d)), np.zeros((1, d)))
        integer("seed", self.seed, 0, 2**63 - 1)


@dataclass(frozen=True)
class Residual:
    """What a coupled run showed in one precision; all in units of the outputs.

    Attributes:
        violation: greatest difference between the twin's outputs at g x and the first one's at x.
        control: greatest difference that rounding alone made, over the controls.
        moved: greatest change of an output by training.
        resolution: the precision's unit roundoff times the greatest output before or after training.
    """

    violation: float
    control: float
    moved: float
    resolution: float

    @property
    def floor(self) -> float:
        """What rounding explains: the control, or the resolution if the controls happened to be exact."""
        return max(self.control, self.resolution)


def couple(case: Case, dtype: torch.dtype) -> Residual:
    """Train the learner, its twin and the controls in the given precision and compare their outputs.

    Outputs that are not finite give a residual with NaN or infinite entries.

    Raises:
        ValueError: dtype is not a real floating type.

    Example:
        >>> from sims.learners import FullyConnected
        >>> learner = Learner(FullyConnected((2, 4, 1)), torch.optim.SGD, {"lr": 0.1}, steps=5)
        >>> x = np.array([[1.0, 2.0], [0.5, -1.0]])
        >>> case = Case(learner, x, [1.0, -1.0], x, np.array([[0.6, -0.8], [0.8, 0.6]]))
        >>> found = couple(case, torch.float64)
        >>> found.violation < 1e-12 < found.moved
        True
    """
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype: got {dtype!r}, want a real floating torch.dtype")
    generator = torch.Generator().manual_seed(case.seed)
    weights = case.learner.model.initial(1, generator, torch.float64)
    points, tests = (np.asarray(p, dtype=np.float64) for p in (case.points, case.tests))
    before, first = _outputs(case, weights, points, tests, dtype)
    _, twin = _outputs(case, *_moved(case.element, weights, points, tests), dtype)
    rng = np.random.default_rng(case.seed)
    jittered = []
    for _ in range(CONTROLS):
        rotation = ORTHOGONAL.float_element(points.shape[1], rng)
        there = _moved(
            rotation, _rounded(weights, dtype), _rounded_points(points, dtype), _rounded_points(tests, dtype)
        )
        there = (_rounded(there[0], dtype), _rounded_points(there[1], dtype), _rounded_points(there[2], dtype))
        jittered.append(_outputs(case, *_moved(rotation.T, *there), dtype)[1])
    return Residual(
        violation=_gap(twin, first),
        control=max(_gap(j, first) for j in jittered),
        moved=_gap(first, before),
        resolution=float(torch.finfo(dtype).eps * torch.maximum(first.abs(), before.abs()).max()),
    )


Start = tuple[list[Tensor], NDArray[np.float64], NDArray[np.float64]]


def _moved(element: ArrayLike, weights: Sequence[Tensor], points: ArrayLike, tests: ArrayLike) -> Start:
    """Weights of the first layer and all points, moved by g; the other weights stay."""
    first = act_on_weights(np.asarray(element, dtype=np.float64), weights[0][0].double().numpy())
    moved = [torch.from_numpy(first)[None], *weights[1:]]
    g = np.asarray(element, dtype=np.float64)
    return moved, act_on_points(g, points), act_on_points(g, tests)


def _rounded(weights: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    return [w.to(dtype).double() for w in weights]


def _rounded_points(points: NDArray[np.float64], dtype: torch.dtype) -> NDArray[np.float64]:
    return np.asarray(torch.from_numpy(points).to(dtype).double().numpy())


def _outputs(
    case: Case, weights: Sequence[Tensor], points: NDArray[np.float64], tests: NDArray[np.float64], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Outputs at the test points before and after training, in float64."""
    start = [w.to(dtype) for w in weights]
    x, at = (torch.from_numpy(np.ascontiguousarray(p)).to(dtype)[None] for p in (points, tests))
    y = torch.from_numpy(np.asarray(case.labels, dtype=np.float64)).to(dtype)[None]
    trained = case.learner.train(start, x, y)
    before, after = (case.learner.predict(w, at)[0].double() for w in (start, trained))
    return before, after


def _gap(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())
