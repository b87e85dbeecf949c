"""Training of many small nets at once, each as if torch.optim trained it alone.

A net of 600 weights takes torch about 100 microseconds a step, of which 2 are arithmetic. Here every weight carries
a leading axis of R replicas, all of them lie in one flat tensor, gradients are written out (`sims.gradients`) and so
are element-wise updates (`sims.update_rules`). Replicas may differ in data, step size and number of samples; one that
has converged or diverged leaves the stack. What a replica becomes does not depend, up to rounding, on who trains
beside it: also its minibatches are drawn from a seed of its own.

Every optimizer that is not known to be element-wise (Muon, LBFGS, a user's class, an option without a batched rule)
runs in the plain loop, `train_one_by_one`, which is also what the batched code is checked against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sims.gradients import is_written_out
from sims.learners import LOSSES, Convolutional
from sims.stacks import Batches, Problem, mean_loss, train_stack
from sims.update_rules import built, rule_for
from theory.validate import integer, real

__all__ = ["GROUP_BYTES", "Recipe", "Trained", "train", "train_one_by_one"]

GROUP_BYTES = 2**22
"""On a CPU, replicas train in groups of about this many bytes, one group after the other; at least one replica each.

A stack beyond the caches is read from memory at every step: 64 nets of d = h = 256 take 108 us a step and net in
groups of 4 MiB, 120 in groups of 8, 158 in groups of 1/4, 135 in one stack, and 308 in the plain loop (float32).
Nets above this size train one after the other, with written-out gradients: measured up to d = h = 3072 this is
never slower than the plain loop. Models without written-out gradients go to the plain loop then."""


@dataclass(frozen=True)
class Recipe:
    """How a net is trained.

    The objective is the mean loss over the (mini)batch plus l1 times the sum of absolute values of all weights.
    Minibatches are drawn with replacement; a replica with at most ``batch`` samples uses all of them in each step.

    Args:
        model: has ``shapes``, ``initial(replicas, generator, dtype)`` and maps (weights, x) to outputs (R, n).
        optimizer: a class like torch.optim.Optimizer, whose ``step`` takes a closure.
        options: its keyword arguments, by torch's names.
        steps: number of optimizer steps, at least 0.
        loss: a key of `LOSSES`; ``logistic`` wants labels +-1.
        batch: samples in one step; None for all.
        l1: coefficient of the sum of absolute values, at least 0; the derivative at 0 is 0.
        tolerance: a replica whose mean loss over all its samples is at most this is done, at least 0.
        patience: after how many steps each this is looked at, at least 1. Divergence is noticed at the same times.

    Raises:
        ValueError: one of these is not as described.
    """

    model: Any
    optimizer: type[torch.optim.Optimizer]
    options: Mapping[str, Any]
    steps: int
    loss: str = "square"
    batch: int | None = None
    l1: float = 0.0
    tolerance: float = 0.0
    patience: int = 25

    def __post_init__(self) -> None:
        if not callable(self.model) or not hasattr(self.model, "shapes") or not hasattr(self.model, "initial"):
            raise ValueError(f"model: got {self.model!r}, want one as in sims.learners")
        if not isinstance(self.optimizer, type) or not callable(getattr(self.optimizer, "step", None)):
            raise ValueError(f"optimizer: got {self.optimizer!r}, want a class like torch.optim.Optimizer")
        if not isinstance(self.options, Mapping):
            raise ValueError(f"options: got {self.options!r}, want a mapping from names to values")
        integer("steps", self.steps, 0)
        if self.loss not in LOSSES:
            raise ValueError(f"loss: got {self.loss!r}, want one of {', '.join(LOSSES)}")
        if self.batch is not None:
            integer("batch", self.batch, 1)
        real("l1", self.l1, 0, float("inf"))
        real("tolerance", self.tolerance, 0, float("inf"))
        integer("patience", self.patience, 1)


@dataclass(frozen=True)
class Trained:
    """What training has made of R replicas.

    Attributes:
        weights: as the model's ``initial`` gives them, each ``(R, *shape)``.
        steps: optimizer steps that each replica took (R,), int64.
        loss: mean loss over all of a replica's samples (R,), without l1: infinite or NaN if it diverged, 0 if it has
            no samples.
    """

    weights: list[Tensor]
    steps: Tensor
    loss: Tensor


def train(
    recipe: Recipe,
    weights: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    *,
    rates: Tensor | None = None,
    counts: Tensor | None = None,
    seeds: Sequence[int] | None = None,
) -> Trained:
    """Train R replicas, on the tensors' device and in their dtype; the given weights are not modified.

    Args:
        recipe: how.
        weights: first weights, each ``(R, *shape)``.
        x: points (R, n, d).
        y: labels (R, n).
        rates: step sizes (R,) that take the place of the option ``lr``, at least 0.
        counts: replica r uses its first counts[r] samples, in [0, n]; None for all n. Without samples its weights
            stay as they are.
        seeds: integers in [0, 2^63), one for each replica, that its minibatches are drawn from; wanted if ``batch``
            is set.

    Raises:
        ValueError: wrong shapes, dtypes or ranges, NaN or infinite entries in x or y, or options torch refuses.

    Example:
        >>> from sims.learners import FullyConnected
        >>> recipe = Recipe(FullyConnected((2, 1)), torch.optim.SGD, {"lr": 0.25}, steps=50, tolerance=1e-6)
        >>> x, y = torch.eye(2).expand(3, 2, 2), torch.tensor([[1.0, -1.0]]).expand(3, 2)
        >>> trained = train(recipe, [torch.zeros(3, 1, 2)], x, y, counts=torch.tensor([2, 1, 0]))
        >>> trained.weights[0].round(decimals=2).squeeze(1).tolist(), trained.steps.tolist()
        ([[1.0, -1.0], [1.0, 0.0], [0.0, 0.0]], [25, 25, 0])
    """
    problem = _problem(recipe, weights, x, y, rates, counts, seeds)
    build = rule_for(recipe.optimizer, recipe.options)
    size = _group_size(recipe, problem)
    if build is None or (size == 1 and not is_written_out(recipe.model, recipe.loss)):
        return _plain_loop(recipe, problem)
    groups = torch.split(torch.arange(len(x), device=x.device), size)
    with torch.no_grad():
        return _joined([train_stack(recipe, problem.take(rows), build) for rows in groups])


def train_one_by_one(
    recipe: Recipe,
    weights: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    *,
    rates: Tensor | None = None,
    counts: Tensor | None = None,
    seeds: Sequence[int] | None = None,
) -> Trained:
    """What `train` does, by the plain loop: one replica after the other, with the real optimizer and autograd.

    Arguments, result and errors are those of `train`.

    Example:
        >>> from sims.learners import FullyConnected
        >>> recipe = Recipe(FullyConnected((2, 1)), torch.optim.LBFGS, {"lr": 1.0}, steps=5)
        >>> x, y = torch.eye(2)[None], torch.tensor([[1.0, -1.0]])
        >>> train_one_by_one(recipe, [torch.zeros(1, 1, 2)], x, y).weights[0].round(decimals=3)
        tensor([[[ 1., -1.]]])
    """
    return _plain_loop(recipe, _problem(recipe, weights, x, y, rates, counts, seeds))


def _plain_loop(recipe: Recipe, problem: Problem) -> Trained:
    rows = torch.split(torch.arange(len(problem.x), device=problem.x.device), 1)
    return _joined([_alone(recipe, problem.take(row)) for row in rows])


def _alone(recipe: Recipe, problem: Problem) -> tuple[list[Tensor], Tensor, Tensor]:
    """Weights, steps taken and final loss of a problem of one replica."""
    count = int(problem.counts)
    if count == 0:
        return problem.weights, problem.counts, problem.y.new_zeros(1)
    problem = replace(problem, x=problem.x[:, :count], y=problem.y[:, :count])
    # Plain matrices, without the replica axis: optimizers such as Muon look at the number of axes.
    leaves = [torch.nn.Parameter(w[0].clone()) for w in problem.weights]
    stacked = [leaf.detach().unsqueeze(0) for leaf in leaves]
    rate = {} if problem.rates is None else {"lr": float(problem.rates)}
    optimizer = built(recipe.optimizer, leaves, {**recipe.options, **rate})
    batches = Batches(problem, recipe.batch)
    step = 0
    while True:
        stop = min(step + recipe.patience, recipe.steps)
        for number in range(step, stop):
            optimizer.step(_closure(recipe, optimizer, leaves, *batches.at(number)[:2]))
        step = stop
        with torch.no_grad():
            loss = mean_loss(recipe, stacked, problem)
        if step == recipe.steps or bool((loss <= recipe.tolerance) | ~loss.isfinite()):
            return stacked, torch.full_like(problem.counts, step), loss


def _closure(
    recipe: Recipe, optimizer: torch.optim.Optimizer, leaves: Sequence[Tensor], x: Tensor, y: Tensor
) -> Callable[[], Any]:
    """Evaluates the objective on these samples, and its gradient, as often as an optimizer asks."""

    @torch.enable_grad()
    def closure() -> Tensor:
        optimizer.zero_grad()
        objective = LOSSES[recipe.loss](recipe.model([leaf.unsqueeze(0) for leaf in leaves], x), y).mean()
        if recipe.l1:
            objective = objective + recipe.l1 * torch.stack([leaf.abs().sum() for leaf in leaves]).sum()
        objective.backward()  # type: ignore[no-untyped-call]
        return objective

    return closure


def _joined(parts: Sequence[tuple[list[Tensor], Tensor, Tensor]]) -> Trained:
    """One result from those of groups of replicas."""
    weights, steps, losses = zip(*parts, strict=True)
    return Trained([torch.cat(w) for w in zip(*weights, strict=True)], torch.cat(steps), torch.cat(losses))


def _group_size(recipe: Recipe, problem: Problem) -> int:
    """How many replicas train together."""
    replicas = len(problem.x)
    if problem.x.device.type != "cpu":
        return replicas
    entries = sum(w[0].numel() for w in problem.weights) + problem.x[0].numel()
    if isinstance(recipe.model, Convolutional):
        entries += recipe.model.dimension**2  # it multiplies with the filter's circulant
    return max(1, min(replicas, GROUP_BYTES // max(1, entries * problem.x.element_size())))


def _problem(
    recipe: Recipe,
    weights: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    rates: Tensor | None,
    counts: Tensor | None,
    seeds: Sequence[int] | None,
) -> Problem:
    """The checked arguments of `train`."""
    dimension = getattr(recipe.model, "dimension", None)
    if not isinstance(x, Tensor) or x.ndim != 3 or len(x) == 0 or dimension not in (None, x.shape[2]):
        raise ValueError(f"x: got {_came(x)}, want a tensor of shape (R, n, {dimension or 'd'}) with R >= 1")
    replicas, n, _ = x.shape
    if not x.is_floating_point():
        raise ValueError(f"x: got dtype {x.dtype}, want a floating one")
    shapes = recipe.model.shapes
    if len(weights) != len(shapes):
        raise ValueError(f"weights: got {len(weights)} entries, want {len(shapes)} tensors, as the model's `initial`")
    for i, (w, shape) in enumerate(zip(weights, shapes, strict=True)):
        _checked(f"weights[{i}]", w, (replicas, *shape), x.dtype)
    _checked("y", y, (replicas, n), x.dtype)
    for name, value in (("x", x), ("y", y)):
        if not bool(value.isfinite().all()):
            raise ValueError(f"{name}: got NaN or infinite entries, want finite numbers")
    if recipe.loss == "logistic" and not bool((y.abs() == 1).all()):
        raise ValueError("y: got labels other than -1 and 1, want only these for the logistic loss")
    if rates is not None:
        _checked("rates", rates, (replicas,), rates.dtype if isinstance(rates, Tensor) else x.dtype)
        if not bool((rates.isfinite() & (rates >= 0)).all()):
            raise ValueError("rates: got negative, infinite or NaN entries, want step sizes >= 0")
        rates = rates.to(x)
    counts = torch.full((replicas,), n) if counts is None else counts
    _checked("counts", counts, (replicas,), torch.int64)
    if not bool(((counts >= 0) & (counts <= n)).all()):
        raise ValueError(f"counts: got {counts.tolist()}, want integers in [0, {n}]")
    counts = counts.to(x.device)
    inside = torch.arange(n, device=x.device) < counts[:, None]
    used = max(1, int(counts.max()))
    start = [w.detach().clone() for w in weights]
    points = torch.where(inside[:, :, None], x.detach(), 0)[:, :used]
    labels = torch.where(inside, y.detach(), 0)[:, :used]
    return Problem(start, points, labels, counts, rates, _streams(recipe, seeds, replicas).to(x.device))


def _streams(recipe: Recipe, seeds: Sequence[int] | None, replicas: int) -> Tensor:
    """The checked seeds (R,)."""
    if seeds is None:
        if recipe.batch is not None:
            raise ValueError("seeds: got None, want one for each replica, since the recipe has a batch size")
        return torch.zeros(replicas, dtype=torch.int64)
    if len(seeds) != replicas:
        raise ValueError(f"seeds: got {len(seeds)}, want one for each of {replicas} replicas")
    return torch.tensor([integer(f"seeds[{i}]", seed, 0, 2**63 - 1) for i, seed in enumerate(seeds)])


def _checked(name: str, value: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(value, Tensor) or tuple(value.shape) != shape:
        raise ValueError(f"{name}: got {_came(value)}, want a tensor of shape {shape}")
    if value.dtype != dtype:
        raise ValueError(f"{name}: got dtype {value.dtype}, want {dtype}")


def _came(value: object) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
