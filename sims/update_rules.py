"""Element-wise update rules of torch.optim on flat stacks of weights, to the rounding of torch's own.

All weights of all replicas lie in one flat tensor, so that an update is a few kernels whatever the number of
tensors. `rule_for` reads an optimizer's complete settings from torch and takes only what it knows entirely.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

__all__ = ["Rule", "built", "rule_for"]

Optimizer = TypeVar("Optimizer")


class Rule:
    """One optimizer's update of flat weights, and its state.

    Args:
        settings: all of the optimizer's settings, by torch's names.
        rate: the step size, or a flat tensor with one for each weight.
        buffers: the flat tensors that the rule remembers, in the order it wants.
    """

    names: frozenset[str]
    """Every setting that the rule obeys."""

    def __init__(self, settings: Mapping[str, Any], rate: float | Tensor, buffers: list[Tensor]) -> None:
        self.settings, self.rate, self.buffers, self.steps = settings, rate, buffers, 0

    def keep(self, select: Callable[[Tensor], Tensor]) -> None:
        """Forget the replicas that ``select`` leaves out of a flat tensor."""
        self.buffers = [select(buffer) for buffer in self.buffers]
        if isinstance(self.rate, Tensor):
            self.rate = select(self.rate)

    @property
    def direct(self) -> tuple[float, float] | None:
        """(beta, alpha) if the update is ``weights = beta * weights + alpha * gradient``, else None."""
        return None

    @staticmethod
    def starts(settings: Mapping[str, Any]) -> list[float]:
        """With what the buffers are filled before the first step."""
        raise NotImplementedError

    def __call__(self, weights: Tensor, gradient: Tensor) -> None:
        """Update the weights in place; the gradient is used as scratch."""
        self.steps += 1
        self.update(weights, gradient)

    def update(self, weights: Tensor, gradient: Tensor) -> None:
        """The rule itself; ``steps`` counts from 1."""
        raise NotImplementedError

    def decay(self, weights: Tensor, gradient: Tensor) -> None:
        """Weight decay as torch's optimizers have it: in the gradient."""
        if self.settings["weight_decay"]:
            gradient.add_(weights, alpha=self.settings["weight_decay"])

    def divided(self, weights: Tensor, numerator: Tensor, denominator: Tensor, factor: float) -> None:
        """Subtract factor * rate * numerator / denominator; overwrites the denominator if rates differ."""
        if isinstance(self.rate, Tensor):
            weights.addcmul_(torch.div(numerator, denominator, out=denominator), self.rate, value=-factor)
        else:
            weights.addcdiv_(numerator, denominator, value=-factor * self.rate)


class _SGD(Rule):
    names = frozenset({"lr", "momentum", "dampening", "nesterov", "weight_decay"})

    @staticmethod
    def starts(settings: Mapping[str, Any]) -> list[float]:
        return [0.0] if settings["momentum"] else []

    @property
    def direct(self) -> tuple[float, float] | None:
        if self.settings["momentum"] or isinstance(self.rate, Tensor):
            return None
        return 1 - self.rate * self.settings["weight_decay"], -self.rate

    def update(self, weights: Tensor, gradient: Tensor) -> None:
        self.decay(weights, gradient)
        direction, momentum = gradient, self.settings["momentum"]
        if momentum:
            (direction,) = self.buffers
            first = self.steps == 1  # torch starts the buffer with the undamped gradient
            direction.mul_(momentum).add_(gradient, alpha=1 if first else 1 - self.settings["dampening"])
            if self.settings["nesterov"]:
                direction = gradient.add_(direction, alpha=momentum)
        if isinstance(self.rate, Tensor):
            weights.addcmul_(direction, self.rate, value=-1)
        else:
            weights.add_(direction, alpha=-self.rate)


class _Adam(Rule):
    names = frozenset({"lr", "betas", "eps", "weight_decay", "decoupled_weight_decay"})

    @staticmethod
    def starts(settings: Mapping[str, Any]) -> list[float]:
        return [0.0, 0.0]

    def update(self, weights: Tensor, gradient: Tensor) -> None:
        (mean, square), (beta1, beta2) = self.buffers, self.settings["betas"]
        if not self.settings["decoupled_weight_decay"]:
            self.decay(weights, gradient)
        elif self.settings["weight_decay"]:
            weights.mul_(1 - self.rate * self.settings["weight_decay"])
        mean.lerp_(gradient, 1 - beta1)
        square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = torch.sqrt(square, out=gradient).div_(math.sqrt(1 - beta2**self.steps)).add_(self.settings["eps"])
        self.divided(weights, mean, root, 1 / (1 - beta1**self.steps))


class _Adagrad(Rule):
    names = frozenset({"lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"})

    @staticmethod
    def starts(settings: Mapping[str, Any]) -> list[float]:
        return [settings["initial_accumulator_value"]]

    def update(self, weights: Tensor, gradient: Tensor) -> None:
        self.decay(weights, gradient)
        (total,) = self.buffers
        total.addcmul_(gradient, gradient)
        root = total.sqrt().add_(self.settings["eps"])
        self.divided(weights, gradient, root, 1 / (1 + (self.steps - 1) * self.settings["lr_decay"]))


_RULES: Mapping[type, type[Rule]] = {
    torch.optim.SGD: _SGD,
    torch.optim.Adam: _Adam,
    torch.optim.AdamW: _Adam,
    torch.optim.Adagrad: _Adagrad,
}


def built(optimizer: Callable[..., Optimizer], weights: list[Any], options: Mapping[str, Any]) -> Optimizer:
    """The optimizer of these weights with these options.

    Raises:
        ValueError: it refuses the options, or does not know one.
    """
    try:
        return optimizer(weights, **options)
    except TypeError as error:
        name = getattr(optimizer, "__name__", "the optimizer")
        raise ValueError(f"options: got {dict(options)}, want ones that {name} takes ({error})") from error


def rule_for(optimizer: type, options: Mapping[str, Any]) -> Callable[[Tensor, Tensor | None], Rule] | None:
    """The batched rule of an optimizer with these options, or None if there is none that knows all of them.

    Args:
        optimizer: a class; its subclasses have no rule, since they may do anything.
        options: its keyword arguments.

    Returns:
        A function that takes the flat weights and flat step sizes (or None for the option ``lr``) to a rule.

    Raises:
        ValueError: torch refuses the options, or does not know one.

    Example:
        >>> rule_for(torch.optim.SGD, {"lr": 0.1, "maximize": True}) is None
        True
        >>> weights = torch.ones(2)
        >>> rule_for(torch.optim.SGD, {"lr": 0.1})(weights, None)(weights, torch.tensor([1.0, 2.0]))
        >>> weights
        tensor([0.9000, 0.8000])
    """
    found = _RULES.get(optimizer)
    if found is None:
        return None
    settings = dict(built(optimizer, [torch.zeros(1)], options).defaults)
    settings.setdefault("decoupled_weight_decay", optimizer is torch.optim.AdamW)  # older torch has no such setting
    known = {name: value for name, value in settings.items() if name in found.names}
    others = {name for name, value in settings.items() if name not in found.names and value not in (None, False)}
    numbers = [number for value in known.values() for number in (value if isinstance(value, tuple) else (value,))]
    if others or not all(isinstance(number, int | float) for number in numbers):
        return None

    def build(weights: Tensor, rates: Tensor | None) -> Rule:
        buffers = [torch.full_like(weights, start) for start in found.starts(known)]
        return found(known, known["lr"] if rates is None else rates, buffers)

    return build
