"""From what a user has (an optimizer class, a learner) to what the instrument examines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from sims.learners import FullyConnected, Learner
from sims.networks import fully_connected
from sims.training import Training, UpdateRule, Weights, first_layer
from verify import adapters
from verify.derive import derive
from verify.instrument import EXAMINED
from verify.regimes import Maker, Regime

__all__ = ["derived_record", "first_weights", "of_learner", "of_optimizer", "regimes_of"]

STEPS, FEW_STEPS = 25, 3
"""Steps whose operations are followed; few if each evaluates many gradients."""


def of_optimizer(optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any]) -> Maker:
    """An optimizer class with settings, on the nets of each regime; its learning rate is scaled with the regime's.

    Raises:
        AdapterError: the class is no optimizer, or does not run with these settings.

    Example:
        >>> from verify.regimes import REGIMES
        >>> of_optimizer(torch.optim.SGD, {"lr": 0.1})(REGIMES[0]).steps
        34
    """
    settings = {**adapters.defaults(optimizer), **options}
    rate = settings.get("lr")

    def make(regime: Regime) -> Training:
        scaled = {**options, "lr": rate * regime.rate} if isinstance(rate, int | float) else options
        rule = adapters.rule(optimizer, scaled)
        bias = regime.bias and not rule.matrices_only
        network = partial(fully_connected, (regime.d, *regime.hidden, 1), regime.activation, bias)
        return Training(network, rule, regime.steps, regime.loss, regime.batch)

    return make


def of_learner(learner: Learner) -> Training:
    """A learner on a fully-connected model as the training of one torch module.

    Raises:
        ValueError: not such a learner.

    Example:
        >>> of_learner(Learner(FullyConnected((3, 4, 1)), torch.optim.SGD, {"lr": 0.1}, steps=7)).steps
        7
    """
    if not isinstance(learner, Learner) or not isinstance(learner.model, FullyConnected):
        shown = getattr(learner, "model", learner)
        raise ValueError(f"learner: got {shown!r}, want a Learner whose first layer is fully connected")
    model = learner.model
    build: Callable[..., torch.optim.Optimizer] = partial(learner.optimizer, **learner.options)
    rule = UpdateRule(lambda module: build(module.parameters()), closure="backward")
    return Training(partial(_module, model), rule, learner.steps, learner.loss)


def _module(model: FullyConnected) -> nn.Module:
    """The same function as a module; the model's last layer has no bias."""
    module = fully_connected(model.widths, model.activation, model.bias)
    module[-1] = nn.Linear(model.widths[-2], 1, bias=False)
    return module


def first_weights(learner: Learner | Training) -> Callable[[torch.Generator], Weights]:
    """How a learner's weights start: as its model says, or as torch fills the module's layers when it is built.

    Example:
        >>> draw = first_weights(Learner(FullyConnected((3, 4, 1)), torch.optim.SGD, {"lr": 0.1}))
        >>> [tuple(w.shape) for w in draw(torch.Generator().manual_seed(0)).values()]
        [(4, 3), (4,), (1, 4)]
    """
    if isinstance(learner, Training):
        return partial(_as_built, learner.network)
    names = [name for name, _ in of_learner(learner).network().named_parameters()]

    def draw(generator: torch.Generator) -> Weights:
        weights = [w[0] for w in learner.model.initial(1, generator)]
        # The learner's biases are columns, a module's are vectors.
        return {n: w[:, 0] if n.endswith("bias") else w for n, w in zip(names, weights, strict=True)}

    return draw


def _as_built(network: Callable[[], nn.Module], generator: torch.Generator) -> Weights:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        return {name: p.detach().double() for name, p in network().named_parameters()}


def regimes_of(training: Training) -> tuple[Regime, ...]:
    """Regimes for a training whose net and length are fixed: data sets of several sizes.

    Example:
        >>> learner = Learner(FullyConnected((3, 4, 1)), torch.optim.SGD, {"lr": 0.1})
        >>> [regime.samples for regime in regimes_of(of_learner(learner))]
        [2, 3, 5, 7]
    """
    module = training.network()
    d = dict(module.named_parameters())[first_layer(module)].shape[1]
    sizes = sorted({max(2, d // 2), d, d + 2, 2 * d + 1})
    return tuple(
        Regime(f"{n} points", d, (), "", True, n, training.batch, training.steps, training.loss, 1.0) for n in sizes
    )


def derived_record(optimizer: type[torch.optim.Optimizer], options: Mapping[str, Any]) -> dict[str, Any]:
    """What the operations of an optimizer's steps prove, or why they prove nothing, as JSON-able data."""
    rule = adapters.rule(optimizer, options)
    steps = FEW_STEPS if rule.closure == "backward" else STEPS
    try:
        found = derive(
            rule.build,
            closure=rule.closure,
            create_graph=rule.create_graph,
            matrices_only=rule.matrices_only,
            steps=steps,
        )
    except Exception as error:  # other people's code under interception may raise anything
        reasons = dict.fromkeys(EXAMINED, f"{type(error).__name__} while its operations were intercepted")
        return {"kept": dict.fromkeys(EXAMINED), "largest": "unknown", "reasons": reasons, "low_precision": []}
    return {
        "kept": {name: found.kept[name] for name in EXAMINED},
        "largest": found.largest,
        "reasons": dict(found.reasons),
        "low_precision": list(found.low_precision),
    }
