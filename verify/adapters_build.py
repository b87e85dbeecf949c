"""Reading an optimizer's constructor, checking settings against it, and building the optimizer on a module."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from verify.adapters_table import ADAPTERS, REASONS, Adapter, Fused, key

__all__ = ["AdapterError", "Constructor", "adapter_of", "build", "is_optimizer"]

RATE = 0.01
"""The learning rate for constructors that want one and have no default."""
BASES = {"optimizer": "instance", "base_optimizer": "class"}
"""Names under which wrappers take the optimizer inside, and as what."""
MODULES = ("model", "module", "net", "network")
CLOSED = "pytorch_optimizer"
"""Constructors of this package take any keyword and ignore those they do not name."""


class AdapterError(ValueError):
    """An optimizer that cannot be run, in one line."""


def is_optimizer(value: object) -> bool:
    """Whether a value is a class that can be stepped.

    Example:
        >>> is_optimizer(torch.optim.SGD), is_optimizer(nn.Linear)
        (True, False)
    """
    wanted = ("step", "zero_grad", "param_groups")
    return isinstance(value, type) and (
        issubclass(value, torch.optim.Optimizer) or all(hasattr(value, name) for name in wanted)
    )


def adapter_of(optimizer: Any) -> Adapter:
    """The line of the table for a class, or for the nearest of its bases that has one.

    Raises:
        AdapterError: not an optimizer class, or one that is left out.
    """
    if not is_optimizer(optimizer):
        raise AdapterError(f"optimizer: got {optimizer!r}, want a class with step, zero_grad and param_groups")
    if key(optimizer) in REASONS:
        raise AdapterError(f"{optimizer.__name__}: got an optimizer that is left out, {REASONS[key(optimizer)]}")
    return next((ADAPTERS[key(c)] for c in optimizer.__mro__ if key(c) in ADAPTERS), Adapter())


def build(
    optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any], module: nn.Module
) -> torch.optim.Optimizer:
    """The optimizer on a module; its first two arguments bound, it can be sent to other processes."""
    return Constructor.of(optimizer, options).build(options, module)


@dataclass(frozen=True)
class Constructor:
    """The constructor of an optimizer, and for a wrapper also that of the optimizer inside.

    Attributes:
        optimizer: the class.
        adapter: its line of the table.
        own: its settings.
        subject: its parameters that stand for the module or the weights.
        base: its parameter for the optimizer inside, or empty.
        inner: the constructor of that.
        takes_any: whether it takes settings that it does not name.
    """

    optimizer: type[torch.optim.Optimizer]
    adapter: Adapter
    own: Mapping[str, inspect.Parameter]
    subject: tuple[str, ...]
    base: str
    inner: Constructor | None
    takes_any: bool

    @classmethod
    def of(cls, optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any]) -> Constructor:
        """Read the constructor of a class; the options may name the class of the optimizer inside.

        Raises:
            AdapterError: as `adapter_of`.
        """
        adapter = adapter_of(optimizer)
        found = inspect.signature(optimizer).parameters
        named = {n: p for n, p in found.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        base = next((n for n in BASES if n in named and named[n].default is named[n].empty), "")
        subject = tuple(n for n in named if n == "params" or n in MODULES)
        if not subject and not base:  # whatever they are called, the weights come first
            subject = tuple(named)[:1]
        return cls(
            optimizer,
            adapter,
            {n: p for n, p in named.items() if n not in (*subject, base)},
            subject,
            base,
            cls.of(options.get(base, torch.optim.SGD), {}) if base else None,
            any(p.kind == p.VAR_KEYWORD for p in found.values()) and not key(optimizer).startswith(CLOSED),
        )

    @property
    def closure(self) -> str:
        """The kind of closure for `step`."""
        if self.adapter.closure is not None:
            return self.adapter.closure
        closure = inspect.signature(self.optimizer.step).parameters.get("closure")
        return "backward" if closure is not None and closure.default is closure.empty else "none"

    def names(self) -> tuple[str, ...]:
        """The settings one may give."""
        inner = () if self.inner is None else (self.base, *self.inner.names())
        return tuple(dict.fromkeys((*self.own, *self.adapter.fill, *inner)))

    def filled(self) -> dict[str, Any]:
        """The settings that are given unless the user gives them."""
        rate = self.own.get("lr")
        return {**({"lr": RATE} if rate is not None and rate.default is rate.empty else {}), **self.adapter.fill}

    def defaults(self) -> dict[str, Any]:
        """The settings that hold if the user gives none."""
        inner = {} if self.inner is None else {self.base: self.inner.optimizer, **self.inner.defaults()}
        own = {n: p.default for n, p in self.own.items() if p.default is not p.empty and n not in self.adapter.dtypes}
        return {**inner, **own, **self.filled()}

    def check(self, options: Mapping[str, Any]) -> None:
        """Refuse unknown settings and ask for missing ones.

        Raises:
            AdapterError: it says which.
        """
        name, names = self.optimizer.__name__, self.names()
        unknown = [] if self.takes_any else [n for n in options if n not in names]
        if unknown:
            raise AdapterError(f"{name}: got the unknown setting {unknown[0]!r}, want one of {', '.join(names)}")
        missing = [n for n in self.own if n not in {*options, *self.defaults(), *self.adapter.dtypes}]
        if missing:
            wanted = " ".join(f"--set {n}=VALUE" for n in missing)
            raise AdapterError(f"{name}: got no value for {', '.join(missing)}, want {wanted}")
        if self.inner is not None:
            self.inner.check(self._others(options, self.inner))

    def build(self, options: Mapping[str, Any], module: nn.Module) -> torch.optim.Optimizer:
        """The optimizer on a module, with checked settings."""
        adapter = self.adapter
        if adapter.fused:
            return Fused(partial(replace(self, adapter=replace(adapter, fused=False)).build, options), module)
        arguments: dict[str, Any] = {n: module if n in MODULES else adapter.parameters(module) for n in self.subject}
        settings = {n: v for n, v in options.items() if n != self.base}
        if self.inner is not None:
            theirs = self._others(options, self.inner)
            if (adapter.base or BASES[self.base]) == "instance":
                arguments[self.base] = self.inner.build(theirs, module)
                settings = {n: v for n, v in settings.items() if n not in theirs}
            else:  # the wrapper builds it, from the settings that it does not know itself
                arguments[self.base] = self.inner.optimizer
                settings = {**self.inner.filled(), **settings}
        dtypes = dict.fromkeys(adapter.dtypes, next(module.parameters()).dtype)
        optimizer = self.optimizer(**arguments, **{**dtypes, **self.filled(), **settings})
        if adapter.before is not None:
            optimizer.register_step_pre_hook(adapter.before)
        if adapter.built is not None:
            adapter.built(optimizer)
        return optimizer

    def _others(self, options: Mapping[str, Any], inner: Constructor) -> dict[str, Any]:
        """The settings that go to the optimizer inside: a name that both have is the wrapper's."""
        return {n: v for n, v in options.items() if n not in self.own and n in inner.names()}
