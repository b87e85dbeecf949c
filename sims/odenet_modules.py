"""An ODE net with one piecewise constant for each step as the residual net that it is, of torch's own modules."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sims.odenet_compress import Net
from sims.odenet_nets import EPS
from theory.odenet_spaces import Space
from theory.validate import integer

__all__ = ["ResidualNet", "residual_net"]


class ResidualNet(nn.Module):
    """What the last state is beyond the image, mapped by `closing`; each state adds a branch's share to the one before.

    Args:
        branches: from a batch of states to what is added, times the number of branches.
        closing: the output layer.
    """

    def __init__(self, branches: Sequence[nn.Module], closing: nn.Linear) -> None:
        super().__init__()
        self.branches, self.closing = nn.ModuleList(branches), closing

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of shape (n, classes) for images of shape (n, d)."""
        h = x
        for branch in self.branches:
            h = h + branch(h) / len(self.branches)
        found: Tensor = self.closing(h - x)
        return found


def residual_net(net: Net, replica: int) -> ResidualNet:
    """One of the nets, in evaluation mode and in double precision.

    Args:
        net: trained nets in N piecewise constants, N the number of steps.
        replica: which one.

    Raises:
        ValueError: the space is another one, or there is no such replica.
    """
    w = net.weights.to(torch.float64)
    if w.space != Space("constant", net.steps):
        raise ValueError(f"net: got {w.space}, want constant {net.steps}, one function for each step")
    r = integer("replica", replica, 0, len(w.bias) - 1)
    branches = []
    for k in range(net.steps):
        norm = nn.BatchNorm1d(w.scale.shape[2], eps=EPS, dtype=torch.float64)
        state = {"weight": w.scale[r, k], "bias": w.shift[r, k], "running_mean": net.mean[r, k]}
        norm.load_state_dict(state | {"running_var": net.logvar[r, k].exp() - EPS}, strict=False)
        branches.append(nn.Sequential(_linear(w.inner[r, k]), norm, nn.Tanh(), _linear(w.outer[r, k])))
    closing = _linear(w.closing[r])
    closing.bias = nn.Parameter(w.bias[r])
    module: ResidualNet = ResidualNet(branches, closing).eval()
    return module


def _linear(weight: Tensor) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    made.load_state_dict({"weight": weight})
    return made
