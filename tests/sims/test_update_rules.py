"""Batched update rules, entry by entry held against torch's own optimizers on the same gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from sims.update_rules import rule_for

STEPS, SIZE = 12, 6
RULES = [
    (torch.optim.SGD, {}),
    (torch.optim.SGD, {"weight_decay": 0.3}),
    (torch.optim.SGD, {"momentum": 0.9}),
    (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.3}),
    (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.3}),
    (torch.optim.Adam, {}),
    (torch.optim.Adam, {"betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.3}),
    (torch.optim.AdamW, {"weight_decay": 0.3}),
    (torch.optim.Adagrad, {}),
    (torch.optim.Adagrad, {"lr_decay": 0.5, "eps": 0.1, "weight_decay": 0.3, "initial_accumulator_value": 0.2}),
]


def gradients() -> list[Tensor]:
    g = torch.Generator().manual_seed(3)
    return [torch.randn(SIZE, generator=g, dtype=torch.float64) for _ in range(STEPS)]


def by_torch(optimizer: Any, options: Mapping[str, Any], rates: list[float]) -> Tensor:
    """Each entry with a step size of its own, each by an optimizer of its own."""
    entries = []
    for i, rate in enumerate(rates):
        entry = torch.nn.Parameter(torch.tensor([1.0 + i], dtype=torch.float64))
        real = optimizer([entry], **{**options, "lr": rate})
        for gradient in gradients():
            entry.grad = gradient[i : i + 1].clone()
            real.step()
        entries.append(entry.detach())
    return torch.cat(entries)


def first() -> Tensor:
    return torch.arange(1.0, SIZE + 1, dtype=torch.float64)


@pytest.mark.parametrize(("optimizer", "options"), RULES, ids=str)
def test_one_rate(optimizer: Any, options: Mapping[str, Any]) -> None:
    weights = first()
    rule = rule_for(optimizer, {**options, "lr": 0.1})(weights, None)
    for gradient in gradients():
        rule(weights, gradient)
    torch.testing.assert_close(weights, by_torch(optimizer, options, [0.1] * SIZE), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("optimizer", "options"), RULES, ids=str)
def test_a_rate_for_each_entry_and_entries_that_leave(optimizer: Any, options: Mapping[str, Any]) -> None:
    rates = [0.1, 0.0, 0.01, 0.2, 0.3, 0.05]
    weights = first()
    rule = rule_for(optimizer, {**options, "lr": 7.0})(weights, torch.tensor(rates, dtype=torch.float64))
    left = slice(None)
    for step, gradient in enumerate(gradients()):
        if step == 5:
            left = slice(2, 5)
            weights = weights[left].clone()
            rule.keep(lambda flat: flat[2:5].clone())
        rule(weights, gradient[left].clone())
    torch.testing.assert_close(weights, by_torch(optimizer, options, rates)[left], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("optimizer", "options"), RULES, ids=str)
def test_direct_is_the_update(optimizer: Any, options: Mapping[str, Any]) -> None:
    weights, gradient = first(), gradients()[0]
    build = rule_for(optimizer, {**options, "lr": 0.1})
    direct = build(weights, None).direct
    assert (direct is not None) == (optimizer is torch.optim.SGD and not options.get("momentum"))
    assert build(weights, torch.full_like(weights, 0.1)).direct is None
    if direct is not None:
        expected = direct[0] * weights + direct[1] * gradient
        build(weights, None)(weights, gradient)
        torch.testing.assert_close(weights, expected)


class Mine(torch.optim.SGD):
    """A subclass may do anything."""


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (Mine, {"lr": 0.1}),
        (torch.optim.RMSprop, {"lr": 0.1}),
        (torch.optim.SGD, {"lr": 0.1, "maximize": True}),
        (torch.optim.SGD, {"lr": 0.1, "foreach": True}),
        (torch.optim.SGD, {"lr": 0.1, "differentiable": True}),
        (torch.optim.SGD, {"lr": torch.tensor(0.1)}),
        (torch.optim.Adam, {"amsgrad": True}),
        (torch.optim.Adam, {"capturable": True}),
        (torch.optim.AdamW, {"amsgrad": True}),
        (torch.optim.Adagrad, {"maximize": True}),
    ],
    ids=str,
)
def test_no_option_is_ignored(optimizer: Any, options: Mapping[str, Any]) -> None:
    assert rule_for(optimizer, options) is None


def test_options_at_their_defaults_change_nothing() -> None:
    assert rule_for(torch.optim.Adam, {"amsgrad": False, "foreach": None, "maximize": False}) is not None


def test_the_options_are_torchs_to_check() -> None:
    with pytest.raises(ValueError, match="learning rate"):
        rule_for(torch.optim.SGD, {"lr": -1.0})
    with pytest.raises(ValueError, match=r"^options: got .*rate"):
        rule_for(torch.optim.SGD, {"rate": 0.1})
