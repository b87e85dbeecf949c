"""Gradients of stacked nets: written out for fully-connected nets, by autograd for every other model.

A gradient is not returned but added to given tensors, so that the step of plain gradient descent is the same
matrix product as its gradient: ``into = beta * into + alpha * gradient``. The objective of one replica is the
sum over its samples of ``scale * loss``, which does not see the other replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import torch
from torch import Tensor

from sims.learners import LOSSES, FullyConnected

__all__ = ["Gradient", "autograd", "gradient_of", "is_written_out", "written_out"]

_aten: Any = torch.ops.aten  # the fused kernels that autograd itself calls: one pass, and its roundings


class Gradient(Protocol):
    """Adds the gradient of sum_i scale[r, i] loss(model(weights[r], x[r, i]), y[r, i]) to ``into``.

    Args:
        weights: the replicas' weights, each (R, *shape).
        x: points (R, n, d).
        y: labels (R, n).
        scale: factors of the samples' losses (R, n).
        into: contiguous tensors of the weights' shapes, or the weights themselves.
        beta: factor on what was there; 0 overwrites.
        alpha: factor on the gradient.
    """

    def __call__(
        self,
        weights: Sequence[Tensor],
        x: Tensor,
        y: Tensor,
        scale: Tensor,
        into: Sequence[Tensor],
        beta: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Add it."""
        ...


def _square_slope(output: Tensor, y: Tensor) -> Tensor:
    return torch.sub(output, y).mul_(2)


def _logistic_slope(output: Tensor, y: Tensor) -> Tensor:
    return _aten.softplus_backward(-y, -y * output, 1, 20)  # type: ignore[no-any-return]  # 20: softplus is linear beyond


SLOPES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"square": _square_slope, "logistic": _logistic_slope}
)
"""Derivatives of `LOSSES` in the output, by name."""


def _square_backward(delta: Tensor, before: Tensor, after: Tensor) -> None:
    delta.mul_(before).mul_(2)


BACKWARD: Mapping[str, Callable[[Tensor, Tensor, Tensor], object]] = MappingProxyType(
    {
        "tanh": lambda delta, before, after: _aten.tanh_backward.grad_input(delta, after, grad_input=delta),
        "relu": lambda delta, before, after: _aten.threshold_backward.grad_input(delta, after, 0, grad_input=delta),
        "square": _square_backward,
        "identity": lambda delta, before, after: None,
    }
)
"""Multiplies delta, in place, by an activation's derivative, from the values before and after it."""


def _tanh(z: Tensor, scratch: Tensor) -> Tensor:
    """The hyperbolic tangent in place, to 2 units in the last place, at half the time of torch's on a CPU."""
    if z.device.type != "cpu" or z.dtype not in (torch.float32, torch.float64):
        return z.tanh_()
    z.clamp_(-20, 20).mul_(2).expm1_()  # beyond 20 it is 1 to double precision, and expm1 would overflow
    return z.div_(torch.add(z, 2, out=scratch))


FORWARD: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "tanh": _tanh,
        "relu": lambda z, scratch: z.relu_(),
        "square": lambda z, scratch: torch.square(z, out=scratch),
        "identity": lambda z, scratch: z,
    }
)
"""`ACTIVATIONS` that overwrite their argument where `BACKWARD` needs only what comes after, and allocate nothing."""


def gradient_of(model: Any, loss: str) -> Gradient:
    """The fastest gradient of a model: written out if it is fully-connected, by autograd otherwise."""
    return written_out(model, loss) if is_written_out(model, loss) else autograd(model, loss)


def is_written_out(model: Any, loss: str) -> bool:
    """Whether the gradient is written out; a subclass may compute anything, so it is left to autograd."""
    return type(model) is FullyConnected and model.activation in BACKWARD and loss in SLOPES


def autograd(model: Any, loss: str) -> Gradient:
    """The gradient of any model that maps (weights, x) to outputs (R, n)."""

    def gradient(
        weights: Sequence[Tensor],
        x: Tensor,
        y: Tensor,
        scale: Tensor,
        into: Sequence[Tensor],
        beta: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        leaves = [w.detach().requires_grad_() for w in weights]
        with torch.enable_grad():
            objective = LOSSES[loss](model(leaves, x), y).mul(scale).sum()
        for target, slope in zip(into, torch.autograd.grad(objective, leaves), strict=True):
            _add(target, slope, beta, alpha)

    return gradient


def written_out(model: FullyConnected, loss: str) -> Gradient:
    """Backpropagation through a fully-connected net, in as few kernels as it takes.

    Example:
        >>> w, x, y = torch.ones(1, 1, 2), torch.tensor([[[1.0, 3.0]]]), torch.zeros(1, 1)
        >>> into = [torch.empty(1, 1, 2)]
        >>> written_out(FullyConnected((2, 1)), "square")([w], x, y, torch.ones(1, 1), into)
        >>> into  # the gradient of (w.x)^2 is 2 (w.x) x
        [tensor([[[ 8., 24.]]])]
    """
    buffers: dict[tuple[Any, ...], Tensor] = {}

    def buffer(name: str, layer: int, like: Tensor, *shape: int) -> Tensor:
        """Memory that the next call uses again: allocating it costs more than small products do."""
        key = (name, layer, shape, like.dtype, like.device)
        if key not in buffers:
            buffers[key] = like.new_empty(shape)
        return buffers[key]

    def gradient(
        weights: Sequence[Tensor],
        x: Tensor,
        y: Tensor,
        scale: Tensor,
        into: Sequence[Tensor],
        beta: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        stride = 2 if model.bias else 1
        replicas, n, _ = x.shape
        before: list[Tensor] = []
        after = [x.transpose(1, 2)]  # (R, width, n), so that a matrix acts from the left
        for i in range(0, len(weights) - 1, stride):
            z = buffer("z", i, x, replicas, weights[i].shape[1], n)
            if model.bias:
                torch.baddbmm(weights[i + 1], weights[i], after[-1], out=z)
            else:
                torch.bmm(weights[i], after[-1], out=z)
            before.append(z)
            after.append(FORWARD[model.activation](z, buffer("after", i, z, *z.shape)))
        output = torch.bmm(weights[-1], after[-1], out=buffer("output", 0, x, replicas, 1, n))
        delta = SLOPES[loss](output.squeeze(1), y).mul_(scale).unsqueeze(1)
        for i in range(len(weights) - 1, -1, -stride):
            layer_input, below = after.pop(), delta
            if i:  # before the weights change, which `into` may be
                below = buffer("delta", i, x, replicas, weights[i].shape[2], n)
                product = torch.mul if i == len(weights) - 1 else torch.bmm  # the last matrix is one row
                product(weights[i].transpose(1, 2), delta, out=below)
                BACKWARD[model.activation](below, before.pop(), layer_input)
            into[i].baddbmm_(delta, layer_input.transpose(1, 2), beta=beta, alpha=alpha)
            if model.bias and i < len(weights) - 1:
                _add(into[i + 1], delta.sum(dim=2, keepdim=True), beta, alpha)
            delta = below

    return gradient


def _add(target: Tensor, value: Tensor, beta: float, alpha: float) -> None:
    """Replace target by ``beta * target + alpha * value``."""
    if beta == 0:
        torch.mul(value, alpha, out=target)
    else:
        target.mul_(beta).add_(value, alpha=alpha) if beta != 1 else target.add_(value, alpha=alpha)
