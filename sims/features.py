"""What people put around an optimizer: penalties, clipping, decay, averages, schedules, noise, prepared inputs, SAM.

Each feature but SAM, an optimizer, is called with (module, optimizer, training points) and gives the `Hook` of one
run. The work is done by torch's own code wherever torch has it. Layers are in `sims.networks`; momentum and
weight decay are options of torch's optimizers, and mini-batches and accumulated gradients of `Training`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sims.training import Hook
from theory.validate import real

__all__ = [
    "SAM",
    "Average",
    "Centre",
    "ClipNorm",
    "ClipValue",
    "DecoupledDecay",
    "Langevin",
    "Penalty",
    "Schedule",
    "Standardise",
    "Whiten",
]

Optimizer: TypeAlias = torch.optim.Optimizer
TINY = 1e-12  # keeps SAM's direction finite at a stationary point


class _Stateless(Hook):
    """A feature that remembers nothing of a run is its own hook."""

    def __call__(self, module: nn.Module, optimizer: Optimizer, x: Tensor) -> Self:
        return self


@dataclass(frozen=True)
class Penalty(_Stateless):
    """``strength * sum |w|^p`` over all entries w of all parameters, added to the loss.

    Args:
        p: at least 1; 1 is the lasso (slope 0 at 0), 2 is ridge.
        strength: at least 0.

    Raises:
        ValueError: one of these is out of range.

    Example:
        >>> net = nn.Linear(2, 1, bias=False)
        >>> _ = nn.init.constant_(net.weight, -2.0)
        >>> Penalty(3, strength=0.5).penalty(net).item()
        8.0
    """

    p: float
    strength: float

    def __post_init__(self) -> None:
        real("p", self.p, 1, 1e3)
        _finite("strength", self.strength)

    def penalty(self, module: nn.Module) -> Tensor:
        """The penalty at the module's parameters."""
        return self.strength * torch.stack([w.abs().pow(self.p).sum() for w in module.parameters()]).sum()


@dataclass(frozen=True)
class ClipNorm(_Stateless):
    """All gradients are scaled together so that their norm is at most `limit`, by torch's ``clip_grad_norm_``.

    Args:
        limit: greatest norm, positive.
        kind: p of the l_p norm, at least 1 or infinity.

    Raises:
        ValueError: one of these is out of range.

    Example:
        >>> net = nn.Linear(2, 1, bias=False)
        >>> net.weight.grad = torch.tensor([[3.0, 4.0]])
        >>> ClipNorm(1.0).on_gradients(net)
        >>> net.weight.grad
        tensor([[0.6000, 0.8000]])
    """

    limit: float
    kind: float = 2.0

    def __post_init__(self) -> None:
        _positive("limit", self.limit)
        real("kind", self.kind, 1, math.inf)

    def on_gradients(self, module: nn.Module) -> None:
        """Clip."""
        nn.utils.clip_grad_norm_(module.parameters(), self.limit, norm_type=self.kind)


@dataclass(frozen=True)
class ClipValue(_Stateless):
    """Each entry of a gradient is clipped to [-limit, limit], by torch's ``clip_grad_value_``.

    Args:
        limit: greatest absolute value, positive.

    Raises:
        ValueError: limit is out of range.

    Example:
        >>> net = nn.Linear(2, 1, bias=False)
        >>> net.weight.grad = torch.tensor([[3.0, -0.5]])
        >>> ClipValue(1.0).on_gradients(net)
        >>> net.weight.grad.tolist()
        [[1.0, -0.5]]
    """

    limit: float

    def __post_init__(self) -> None:
        _positive("limit", self.limit)

    def on_gradients(self, module: nn.Module) -> None:
        """Clip."""
        nn.utils.clip_grad_value_(module.parameters(), self.limit)


@dataclass(frozen=True)
class DecoupledDecay:
    """Parameters shrink by the factor 1 - (learning rate) * strength just before each step, as in AdamW.

    For optimizers that torch offers with coupled decay only, such as SGD, and that compute gradients once a step.

    Args:
        strength: at least 0.

    Raises:
        ValueError: strength is out of range.
    """

    strength: float

    def __post_init__(self) -> None:
        _finite("strength", self.strength)

    def __call__(self, module: nn.Module, optimizer: Optimizer, x: Tensor) -> Hook:
        """The hook of one run."""
        return _Decaying(self.strength, optimizer)


@dataclass(frozen=True)
class _Decaying(Hook):
    strength: float
    optimizer: Optimizer

    @torch.no_grad()
    def on_gradients(self, module: nn.Module) -> None:
        for group in self.optimizer.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * self.strength)


@dataclass(frozen=True)
class Langevin(_Stateless):
    """After each step, independent noise N(0, scale^2) is added to every entry of every parameter.

    With SGD at learning rate r, scale^2 = 2 r T is Langevin dynamics at temperature T.

    Args:
        scale: standard deviation, at least 0.

    Raises:
        ValueError: scale is out of range.
    """

    scale: float

    def __post_init__(self) -> None:
        _finite("scale", self.scale)

    @torch.no_grad()
    def after_step(self, module: nn.Module) -> None:
        """Add the noise, from torch's global generator."""
        for p in module.parameters():
            p.add_(torch.randn_like(p), alpha=self.scale)


@dataclass(frozen=True)
class Average:
    """Predictions come from the exponential moving average of the weights, kept by torch's ``AveragedModel``.

    The average is the weights themselves after the first step; each later step gives the new weights 1 - decay.

    Args:
        decay: weight of the old average, in [0, 1].

    Raises:
        ValueError: decay is out of range.
    """

    decay: float

    def __post_init__(self) -> None:
        real("decay", self.decay, 0, 1)

    def __call__(self, module: nn.Module, optimizer: Optimizer, x: Tensor) -> Hook:
        """The hook of one run."""
        update = get_ema_multi_avg_fn(self.decay)  # type: ignore[no-untyped-call]
        return _Averaging(AveragedModel(module, multi_avg_fn=update))


@dataclass(frozen=True)
class _Averaging(Hook):
    average: AveragedModel

    def after_step(self, module: nn.Module) -> None:
        self.average.update_parameters(module)

    def predictor(self, module: nn.Module) -> nn.Module:
        return self.average.eval()  # a copy: it does not follow the module into evaluation


@dataclass(frozen=True)
class Schedule:
    """A scheduler of torch steps after each optimizer step.

    Args:
        factory: from the optimizer to its scheduler.

    Example:
        >>> net = nn.Linear(1, 1)
        >>> sgd = torch.optim.SGD(net.parameters(), lr=1.0)
        >>> halving = Schedule(lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=1, gamma=0.5))
        >>> hook = halving(net, sgd, torch.zeros(1, 1))
        >>> sgd.step()
        >>> hook.after_step(net)
        >>> sgd.param_groups[0]["lr"]
        0.5
    """

    factory: Callable[[Optimizer], LRScheduler]

    def __call__(self, module: nn.Module, optimizer: Optimizer, x: Tensor) -> Hook:
        """The hook of one run."""
        return _Scheduled(self.factory(optimizer))


@dataclass(frozen=True)
class _Scheduled(Hook):
    scheduler: LRScheduler

    def after_step(self, module: nn.Module) -> None:
        self.scheduler.step()


@dataclass(frozen=True)
class _Affine(Hook):
    """The net is shown (x - origin) map."""

    origin: Tensor
    map: Tensor

    def inputs(self, x: Tensor) -> Tensor:
        return (x - self.origin) @ self.map


@dataclass(frozen=True)
class Centre:
    """Inputs from which the training points' mean is subtracted.

    Example:
        >>> x = torch.tensor([[1.0, 7.0], [5.0, 7.0]])
        >>> Centre()(nn.Identity(), torch.optim.SGD([x], lr=1.0), x).inputs(x).tolist()
        [[-2.0, 0.0], [2.0, 0.0]]
    """

    def __call__(self, module: nn.Module, optimizer: Optimizer, x: Tensor) -> Hook:
        """The hook of one run."""
        return _Affine(x.mean(dim=0), torch.eye(x.shape[1], dtype=x.dtype))


@dataclass(frozen=True)
class Standardise:
    """Each coordinate has mean 0 and variance 1 on the training points; a constant coordinate is only centred.

    Example:
        >>> x = torch.tensor([[1.0, 7.0], [5.0, 7.0]])
        >>> Standardise()(nn.Identity(), torch.optim.SGD([x], lr=1.0), x).inputs(x).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """

    def __call__(self, module: nn.Module, optimizer: Optimizer, x: Tensor) -> Hook:
        """The hook of one run."""
        deviation = x.std(dim=0, correction=0)
        # The mean of equal numbers need not be exactly that number, so a constant may show a tiny deviation.
        constant = deviation <= len(x) * torch.finfo(x.dtype).eps * x.abs().amax(dim=0)
        return _Affine(x.mean(dim=0), torch.diag(1 / torch.where(constant, 1.0, deviation)))


@dataclass(frozen=True)
class Whiten:
    """Inputs are centred and multiplied by (C + ridge)^(-1/2), where C is the training points' covariance.

    Args:
        ridge: added to all variances, positive: there may be fewer points than coordinates.

    Raises:
        ValueError: ridge is out of range.
    """

    ridge: float = 1e-2

    def __post_init__(self) -> None:
        _positive("ridge", self.ridge)

    def __call__(self, module: nn.Module, optimizer: Optimizer, x: Tensor) -> Hook:
        """The hook of one run."""
        origin = x.mean(dim=0)
        variances, axes = torch.linalg.eigh((x - origin).T @ (x - origin) / len(x))
        # Rounding may make a variance of zero slightly negative.
        return _Affine(origin, axes * (variances.clamp(min=0) + self.ridge).rsqrt() @ axes.T)


class SAM(torch.optim.Optimizer):
    """Sharpness-aware minimisation: a base optimizer's step along the gradient at a nearby point uphill.

    With slope g at the weights w, uphill is ``w + rho g / |g|``, with one norm for all parameters together. The
    adaptive variant measures lengths in units of ``|w|``, entry by entry: ``w + rho t^2 g / |t g|``, ``t = |w|``.

    Args:
        params: the parameters.
        base: builds the base optimizer on them.
        rho: distance uphill, at least 0.
        adaptive: the element-wise variant.

    Raises:
        ValueError: rho is out of range, or no closure is given to `step`.

    Source: Foret et al., ICLR 2021; adaptive: Kwon et al., ICML 2021.

    Example:
        >>> w = nn.Parameter(torch.tensor([3.0]))
        >>> sam = SAM([w], lambda p: torch.optim.SGD(p, lr=0.1), rho=1.0)
        >>> def closure():
        ...     sam.zero_grad()
        ...     loss = (w**2).sum()
        ...     loss.backward()
        ...     return loss
        >>> float(sam.step(closure).detach()), round(float(w.detach()), 6)  # 3 - 0.1 * 2 * (3 + 1)
        (9.0, 2.2)
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        base: Callable[[list[Tensor]], Optimizer],
        rho: float = 0.05,
        adaptive: bool = False,
    ) -> None:
        _finite("rho", rho)
        self.base, self.rho, self.adaptive = base(list(params)), rho, adaptive
        super().__init__(self.base.param_groups, self.base.defaults)
        # Shared, so that a schedule of this optimizer is one of the base.
        self.param_groups, self.state = self.base.param_groups, self.base.state

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step, with a closure that computes the loss and the gradients; returns the loss at the weights."""
        if closure is None:
            raise ValueError("closure: got None, want one that computes the loss and the gradients")
        with torch.enable_grad():
            loss = closure()
        slopes = {p: p.grad for group in self.param_groups for p in group["params"] if p.grad is not None}
        old = [p.clone() for p in slopes]
        for p, move in zip(slopes, self._uphill(slopes), strict=True):
            p += move
        with torch.enable_grad():
            closure()
        for p, back in zip(slopes, old, strict=True):
            p.copy_(back)
        self.base.step()
        return loss

    def _uphill(self, slopes: Mapping[Tensor, Tensor]) -> list[Tensor]:
        units = [p.abs() if self.adaptive else torch.ones_like(p) for p in slopes]
        scaled = [t * g for t, g in zip(units, slopes.values(), strict=True)]
        norm = nn.utils.get_total_norm(scaled)
        return [self.rho * t * s / (norm + TINY) for t, s in zip(units, scaled, strict=True)]


def _finite(name: str, value: float) -> None:
    real(name, value, 0, sys.float_info.max)


def _positive(name: str, value: float) -> None:
    _finite(name, value)
    if value == 0:
        raise ValueError(f"{name}: got 0, want a positive number")
