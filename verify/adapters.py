"""Any optimizer class, with settings, as an `UpdateRule`: those of torch.optim, of pytorch-optimizer, or your own.

The constructor says what an optimizer is built from: the weights, the module, or another optimizer that it
wraps. What it does not say stands in the table of `verify.adapters_table`. A rule is tried for one step
before it is handed out, so wrong settings show at once and in one line.

Wrappers (Lookahead, SAM, ...) are put around plain `torch.optim.SGD` unless told otherwise: what is
measured then is what the wrapper itself does.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from sims.learners import LOSSES
from sims.training import Hook, Training, UpdateRule, initial
from verify.adapters_build import AdapterError, Constructor, build, is_optimizer
from verify.adapters_table import REASONS, key

__all__ = ["AdapterError", "Unavailable", "defaults", "missing", "rule", "third_party", "unavailable", "warmed", "zoo"]

PACKAGE = "pytorch_optimizer"
INSTALL = "pip install 'orbitgap[atlas]'"
RATES = tuple(10 ** (1 - k / 2) for k in range(13))
"""The learning rates that `warmed` tries: 10, 3.2, 1, ... 1e-5."""
WARM_STEPS = 50
SHIFT = 1e-9
GROWTH = 1e2
BOUND = 1e4
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Unavailable:
    """An optimizer that is left out.

    Attributes:
        name: package and class, as in `zoo`.
        reason: why.
    """

    name: str
    reason: str


def zoo() -> Mapping[str, type[torch.optim.Optimizer]]:
    """Every optimizer that `rule` builds, by name: those of torch.optim, then those of pytorch-optimizer if installed.

    Example:
        >>> zoo()["torch.optim:Adam"] is torch.optim.Adam
        True
    """
    return {**_optimizers(torch.optim), **(_third_party() or {})}


def third_party() -> Mapping[str, type[torch.optim.Optimizer]]:
    """The optimizers of pytorch-optimizer that `rule` builds, by name.

    Raises:
        AdapterError: the package is not installed.
    """
    found = _third_party()
    if found is None:
        raise AdapterError(f"{PACKAGE}: got no such package, want it for third-party optimizers ({INSTALL})")
    return found


def missing() -> str:
    """One line about what is not installed and would be examined too; empty if all is there."""
    return "" if _third_party() is not None else f"{PACKAGE} is not installed: {INSTALL} adds its optimizers"


def unavailable() -> tuple[Unavailable, ...]:
    """The optimizers of both packages that are left out, and why."""
    return tuple(Unavailable(name, reason) for name, reason in REASONS.items())


def rule(optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any] = NO_OPTIONS) -> UpdateRule:
    """The update rule of an optimizer class with the given settings.

    Args:
        optimizer: a class with `step`, `zero_grad` and `param_groups`.
        options: keywords of its constructor; for a wrapper also those of the optimizer inside, and as ``optimizer``
            or ``base_optimizer`` the class of that (SGD if not given).

    Raises:
        AdapterError: not an optimizer class, one that is left out, a setting that is missing or unknown, or an
            optimizer that fails on its first step, in float64 on a small net.

    Example:
        >>> rule(torch.optim.LBFGS, {"lr": 0.5}).closure
        'backward'
        >>> rule(torch.optim.Muon).matrices_only
        True
    """
    constructor = Constructor.of(optimizer, options)
    constructor.check(options)
    made = UpdateRule(partial(build, optimizer, dict(options)), constructor.closure, constructor.adapter.create_graph)
    failure = _failure(made)
    if failure is None:
        return made
    matrices = replace(made, matrices_only=True)
    if _failure(matrices) is None:
        return matrices
    raise AdapterError(f"{optimizer.__name__}: got {failure} on the first step, want settings and a class that run")


def defaults(optimizer: type[torch.optim.Optimizer]) -> Mapping[str, Any]:
    """The settings that `rule` uses if none are given: the constructor's own, and what is filled in.

    Raises:
        AdapterError: not an optimizer class, or one that is left out.

    Example:
        >>> defaults(torch.optim.SGD)["lr"]
        0.001
    """
    return Constructor.of(optimizer, {}).defaults()


def warmed(optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any] = NO_OPTIONS) -> Mapping[str, Any]:
    """Settings under which the optimizer learns something within some 50 steps, found by short trials.

    The learning rate, unless given, is one of 10, 3.2, 1, ... 1e-5, judged on a small fixed problem: with it the loss
    falls by a tenth and never doubles, and a shift of the first weights by 1e-9 of their size changes no output by
    more than 1e-7, so that training moves and yet does not blow rounding up. Of these it is the largest for which
    the next larger one will do, too, as a margin for other problems; else the largest; else the largest with which the
    loss behaves. Besides, the table changes what else keeps an optimizer from moving.

    Raises:
        AdapterError: as for `rule`, or no learning rate will do.

    Example:
        >>> warmed(torch.optim.SGD)
        {'lr': 0.1}
    """
    constructor = Constructor.of(optimizer, options)
    name, settings = constructor.adapter.rate, {**constructor.adapter.warm, **options}
    made = rule(optimizer, settings)
    if name in settings or name not in constructor.names():
        return settings
    rate = _rate(lambda value: replace(made, build=partial(build, optimizer, {**settings, name: value})))
    if rate is None:
        raise AdapterError(f"{optimizer.__name__}: got no {name} with which it learns, want --set {name}=VALUE")
    return {**settings, name: rate}


def _optimizers(package: ModuleType) -> dict[str, type[torch.optim.Optimizer]]:
    """The optimizers that a package itself defines and that are not left out, by name, in alphabetic order."""
    own = {key(c): c for c in vars(package).values() if is_optimizer(c) and key(c).startswith(package.__name__)}
    return {name: own[name] for name in sorted(own) if name not in REASONS}


def _third_party() -> dict[str, type[torch.optim.Optimizer]] | None:
    try:
        return _optimizers(importlib.import_module(PACKAGE))
    except ModuleNotFoundError as error:
        if error.name != PACKAGE:
            raise
        return None


def _failure(made: UpdateRule) -> str | None:
    """What goes wrong in one step, in one line."""
    try:
        _outputs(made, 1)
    except Exception as error:  # other people's code may raise anything
        return f"{type(error).__name__} ({' '.join(str(error).split())[:200]})"
    return None


LABELS = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0], dtype=torch.float64)


def _rate(at: Callable[[float], UpdateRule]) -> float | None:
    """The learning rate of `warmed`, for a rule as a function of it."""
    learning: list[float] = []
    steady: list[float] = []
    larger = False
    for rate in RATES:
        learns, calm = _trial(at(rate))
        if calm and larger:
            return rate
        if learning and not learns:
            break  # smaller rates only learn less
        learning += [rate] * learns
        steady += [rate] * calm
        larger = calm
    return next(iter(steady + learning), None)


class _Bounded(Hook):
    """Stops a training that diverges: the rest of it would be slow and tell nothing."""

    def __init__(self, module: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
        pass

    def after_step(self, module: nn.Module) -> None:
        if not all(p.detach().abs().max() < BOUND for p in module.parameters()):
            raise FloatingPointError(f"weights beyond {BOUND:g}")


def _outputs(made: UpdateRule, steps: int, scale: float = 1.0, features: tuple[Any, ...] = ()) -> Tensor:
    """The outputs at the checkpoints of a training on a small fixed problem, from weights times a scale."""

    def network() -> nn.Module:
        bias = not made.matrices_only
        return nn.Sequential(nn.Linear(4, 6, bias=bias), nn.Tanh(), nn.Linear(6, 1, bias=bias))

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(len(LABELS), 4, generator=generator, dtype=torch.float64)
    start = {name: p * scale for name, p in initial(network(), generator).items()}
    return Training(network, made, steps, features=features).run(start, x, LABELS, x).outputs


def _trial(made: UpdateRule) -> tuple[bool, bool]:
    """Whether the rule learns, and whether it does so without amplifying small differences."""
    try:
        outputs = _outputs(made, WARM_STEPS, 1.0, (_Bounded,))
        losses = LOSSES["square"](outputs, LABELS).mean(dim=1)
        learns = bool(outputs.isfinite().all() and losses[-1] <= 0.9 * losses[0] and losses.max() <= 2 * losses[0])
        apart = (_outputs(made, WARM_STEPS, 1 + SHIFT, (_Bounded,)) - outputs).abs().max() if learns else torch.inf
    except Exception:  # some raise where others overflow
        return False, False
    return learns, bool(apart <= GROWTH * SHIFT)
