"""Fully-connected torch modules, plain or with normalisation and dropout.

They are built of torch's own layers and made for any optimizer; `sims.learners` has nets on a replica axis.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor, nn

from sims.learners import ACTIVATIONS
from theory.validate import integer

__all__ = ["Elementwise", "Layer", "fully_connected"]

Layer: TypeAlias = Callable[[int], nn.Module]
"""Builds a layer for points with the given number of entries, which it keeps."""


class Elementwise(nn.Module):
    """One of `sims.learners.ACTIVATIONS` as a module.

    Raises:
        ValueError: an unknown name.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        if name not in ACTIVATIONS:
            raise ValueError(f"activation: got {name!r}, want one of {', '.join(ACTIVATIONS)}")
        self.name = name

    def forward(self, z: Tensor) -> Tensor:
        """The activation of every entry."""
        return ACTIVATIONS[self.name](z)

    def extra_repr(self) -> str:
        """The name, for torch's printout."""
        return self.name


def fully_connected(
    widths: tuple[int, ...],
    activation: str = "tanh",
    bias: bool = True,
    *,
    on_inputs: Layer | None = None,
    after_first: Layer | None = None,
    after_activation: Layer | None = None,
) -> nn.Sequential:
    """Linear layers with an activation after each but the last; inputs (n, d), outputs (n, 1).

    Args:
        widths: (d, h_1, ..., 1), the input dimension, the hidden widths and the one output.
        activation: a key of `sims.learners.ACTIVATIONS`.
        bias: whether the linear layers have biases.
        on_inputs: a layer between the inputs and the first linear layer.
        after_first: a layer between the first linear layer and its activation.
        after_activation: a layer after each activation.

    Raises:
        ValueError: widths that are not such a tuple, an unknown activation, or layers after a hidden layer that is not
            there.

    Example:
        >>> net = fully_connected((3, 5, 1), "relu", after_first=nn.BatchNorm1d)
        >>> [type(layer).__name__ for layer in net]
        ['Linear', 'BatchNorm1d', 'Elementwise', 'Linear']
    """
    if len(widths) < 2 or widths[-1] != 1:
        raise ValueError(f"widths: got {widths!r}, want a tuple (d, h_1, ..., 1) of length >= 2 that ends in 1")
    for i, width in enumerate(widths):
        integer(f"widths[{i}]", width, 1)
    if len(widths) == 2 and (after_first or after_activation):
        raise ValueError(f"widths: got {widths!r}, want a hidden layer for what comes after it")
    layers = [on_inputs(widths[0])] if on_inputs else []
    for i, (narrow, wide) in enumerate(itertools.pairwise(widths[:-1])):
        layers.append(nn.Linear(narrow, wide, bias=bias))
        layers += [after_first(wide)] if after_first and i == 0 else []
        layers.append(Elementwise(activation))
        layers += [after_activation(wide)] if after_activation else []
    return nn.Sequential(*layers, nn.Linear(widths[-2], 1, bias=bias))
