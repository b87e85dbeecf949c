"""Features that people put around SGD and Adam, each with the groups that it is predicted to keep.

A training is equivariant under what all its parts keep, so a prediction is an intersection: of rows of Table 1, read
from there, and of `PROPERTIES`, which are plain to see in a definition. What is not predicted to be kept is predicted
to be broken, so every prediction can fail both ways. Declared here; measured elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import nn, optim
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from sims.features import (
    SAM,
    Average,
    Centre,
    ClipNorm,
    ClipValue,
    DecoupledDecay,
    Langevin,
    Penalty,
    Schedule,
    Standardise,
    Whiten,
)
from sims.networks import Layer, fully_connected
from sims.training import Feature, Training, UpdateRule
from theory import table1
from theory.groups import GROUPS, ORTHOGONAL, is_subgroup

__all__ = ["FEATURES", "PROPERTIES", "FeatureRow", "Recipe", "kept"]

COLUMNS = tuple(group.name for group in table1.COLUMNS if is_subgroup(group, ORTHOGONAL))
ROWS = {row.name: row for row in table1.ROWS}

PROPERTIES: Mapping[str, str | None] = MappingProxyType(
    {
        "isotropic": "orthogonal",  # norms, inner products and linear combinations only
        "behind the first layer": "orthogonal",  # a function of W x and of other parameters
        "odd, entry by entry": "signed_permutation",  # one odd function at each entry, or one coordinate's mean
        "alike in all entries": "permutation",  # as the mean over coordinates
        "a mask that stays": "sign_flip",  # diagonal; its law is kept by permutations, itself it is not
        "noise that stays": None,
    }
)
"""Kinds of operations, with the largest group of Table 1's columns that commutes with them."""


@dataclass(frozen=True)
class Recipe:
    """Builds one feature's training for any problem.

    Args:
        rule: from the factor on the learning rate to the update rule.
        features: hooks around the steps.
        layers: keyword arguments of `sims.networks.fully_connected`.
        schedule: from the optimizer and the number of steps to a scheduler.
        batch: from the size of mini-batches that is asked for (None: all samples) to the one that is used.
        accumulate: mini-batches to a step.
    """

    rule: Callable[[float], UpdateRule]
    features: tuple[Feature, ...] = ()
    layers: Mapping[str, Layer] = field(default_factory=dict)
    schedule: Callable[[optim.Optimizer, int], LRScheduler] | None = None
    batch: Callable[[int | None], int | None] = lambda batch: batch
    accumulate: int = 1

    def __call__(
        self,
        *,
        d: int,
        hidden: tuple[int, ...],
        activation: str,
        bias: bool,
        steps: int,
        batch: int | None,
        loss: str,
        rate: float,
    ) -> Training:
        """The training of a net with d inputs and the given hidden widths; see `Training` for the rest."""
        schedule = self.schedule
        scheduled = (Schedule(lambda optimizer: schedule(optimizer, steps)),) if schedule else ()
        return Training(
            partial(fully_connected, (d, *hidden, 1), activation, bias, **self.layers),
            self.rule(rate),
            steps,
            loss,
            self.batch(batch),
            self.accumulate,
            (*self.features, *scheduled),
        )


@dataclass(frozen=True)
class FeatureRow:
    """A feature and what is predicted of it, for d >= 2 and a feature that is active.

    Attributes:
        name: short key.
        title: what people call it.
        training: builds the training, from keyword arguments as `Recipe.__call__` has them.
        keeps: names of the kept groups, among sign flips, permutations, signed permutations and rotations; in law if
            the training draws random numbers.
        in_law: whether it draws random numbers.
        why: the reason, with the hypothesis of Theorem C.1 that fails if one does, and what the ledger has.
        pathwise: names of the groups that are kept run by run, from the same seed; `keeps` unless random.
    """

    name: str
    title: str
    training: Callable[..., Training]
    keeps: frozenset[str]
    in_law: bool
    why: str
    pathwise: frozenset[str]


def kept(*parts: str) -> frozenset[str]:
    """The groups that all parts keep; each is a row of Table 1 or one of `PROPERTIES`.

    Raises:
        ValueError: a part is neither.

    Example:
        >>> sorted(kept("sgd", "odd, entry by entry"))
        ['permutation', 'sign_flip', 'signed_permutation']
    """
    return frozenset(group for group in COLUMNS if all(_keeps(part, group) for part in parts))


def _keeps(part: str, group: str) -> bool:
    if part in ROWS:
        cell = table1.cell(ROWS[part], group)
        if cell is None:
            raise ValueError(f"table-1: {part} under {group} is undecided, want a decided cell")
        return cell.holds
    if part not in PROPERTIES:
        raise ValueError(f"part: got {part!r}, want one of {', '.join((*ROWS, *PROPERTIES))}")
    largest = PROPERTIES[part]
    return largest is not None and is_subgroup(GROUPS[group], GROUPS[largest])


def _cited(part: str) -> list[str]:
    """The steps of Table 1 that decide about a part."""
    cells = [table1.cell(ROWS[part], group) for group in COLUMNS] if part in ROWS else []
    return list(dict.fromkeys(cell.step for cell in cells if cell))


def _row(
    name: str, title: str, recipe: Recipe, parts: tuple[str, ...], why: str, coin: str | None = None
) -> FeatureRow:
    """A row from its parts; `coin` is the property of its random draws, held fixed."""
    cited = ", ".join(step for part in parts for step in _cited(part))
    pathwise = kept(*parts, coin) if coin else kept(*parts)
    return FeatureRow(name, title, recipe, kept(*parts), coin is not None, f"{why} (table-1: {cited})", pathwise)


def _sgd(**options: Any) -> Callable[[float], UpdateRule]:
    return lambda rate: UpdateRule(lambda module: optim.SGD(module.parameters(), lr=0.1 * rate, **options))


def _momentum(rate: float) -> UpdateRule:
    return _sgd(momentum=0.9)(rate / 2)


def _adam(kind: type[optim.Adam] = optim.Adam, decay: float = 0.0) -> Callable[[float], UpdateRule]:
    return lambda rate: UpdateRule(lambda module: kind(module.parameters(), lr=0.02 * rate, weight_decay=decay))


def _sam(adaptive: bool, rho: float) -> Callable[[float], UpdateRule]:
    def rule(rate: float) -> UpdateRule:
        base = partial(optim.SGD, lr=0.1 * rate)
        return UpdateRule(lambda module: SAM(module.parameters(), base, rho, adaptive), closure="backward")

    return rule


def _cosine(optimizer: optim.Optimizer, steps: int) -> LRScheduler:
    return CosineAnnealingLR(optimizer, T_max=max(steps, 1))


def _one_cycle(optimizer: optim.Optimizer, steps: int) -> LRScheduler:
    highest = optimizer.param_groups[0]["lr"]
    # It is also asked for a rate after the last step.
    return OneCycleLR(optimizer, max_lr=highest, total_steps=steps + 1)


def _bare(layer: type[nn.Module]) -> Layer:
    """A normalisation without parameters of its own: those would make the entries differ."""
    return lambda d: layer(d, elementwise_affine=False)


def _dropout(_: int) -> nn.Module:
    return nn.Dropout(0.5)


_SGD = Recipe(_sgd())
_ENTRYWISE = "(2) of thm-c.1 fails for rotations: entry by entry and not linear"

FEATURES: tuple[FeatureRow, ...] = (
    _row("sgd", "SGD", _SGD, ("sgd",), "the gradient turns with the data"),
    _row("momentum", "momentum", Recipe(_momentum), ("sgd",), "the buffer is linear in the gradients"),
    _row(
        "nesterov",
        "Nesterov momentum",
        Recipe(lambda rate: _sgd(momentum=0.9, nesterov=True)(rate / 2)),
        ("sgd",),
        "as momentum",
    ),
    _row(
        "weight-decay",
        "coupled weight decay, with momentum",
        Recipe(lambda rate: _sgd(momentum=0.9, weight_decay=0.05)(rate / 2)),
        ("sgd",),
        "linear in the weights",
    ),
    _row(
        "decoupled-decay",
        "decoupled weight decay, with momentum",
        Recipe(_momentum, (DecoupledDecay(0.05),)),
        ("sgd",),
        "a multiple of the weights",
    ),
    _row("l1", "l_1 penalty", Recipe(_sgd(), (Penalty(1, 0.01),)), ("sgd", "lp"), _ENTRYWISE),
    _row("l2", "l_2 penalty", Recipe(_sgd(), (Penalty(2, 0.01),)), ("sgd", "l2"), "depends on the weights' norm only"),
    _row("l4", "l_4 penalty", Recipe(_sgd(), (Penalty(4, 0.01),)), ("sgd", "lp"), _ENTRYWISE),
    _row(
        "clip-norm",
        "clipping by l_2 norm",
        Recipe(_sgd(), (ClipNorm(0.2),)),
        ("sgd", "isotropic"),
        "the factor depends on the norm of the gradient, which does not turn",
    ),
    _row(
        "clip-l1",
        "clipping by l_1 norm",
        Recipe(_sgd(), (ClipNorm(0.5, kind=1),)),
        ("sgd", "odd, entry by entry"),
        "(2) of thm-c.1 fails for rotations: the factor depends on the l_1 norm of the gradient",
    ),
    _row(
        "clip-value",
        "clipping by value",
        # Small enough to clip the first layer's gradient too: it is there that rotations can tell.
        Recipe(_sgd(), (ClipValue(0.01),)),
        ("sgd", "odd, entry by entry"),
        _ENTRYWISE,
    ),
    _row(
        "batch-norm",
        "batch norm after the first layer",
        # One sample alone has no variance.
        Recipe(_sgd(), layers={"after_first": nn.BatchNorm1d}, batch=lambda b: b and max(b, 2)),
        ("sgd", "behind the first layer"),
        "(1) of thm-c.1 holds: a function of W x over the batch, and of running means of it",
    ),
    _row(
        "layer-norm-hidden",
        "layer norm after the first layer",
        Recipe(_sgd(), layers={"after_first": nn.LayerNorm}),
        ("sgd", "behind the first layer"),
        "(1) of thm-c.1 holds: a function of W x",
    ),
    _row(
        "layer-norm-inputs",
        "layer norm of inputs",
        Recipe(_sgd(), layers={"on_inputs": _bare(nn.LayerNorm)}),
        ("sgd", "alike in all entries"),
        "(1) of thm-c.1 fails for sign flips: the mean over coordinates singles out (1, ..., 1)",
    ),
    _row(
        "rms-norm-inputs",
        "RMS norm of inputs",
        Recipe(_sgd(), layers={"on_inputs": _bare(nn.RMSNorm)}),
        ("sgd", "isotropic"),
        "(1) of thm-c.1 holds: divides each input by a multiple of its norm",
    ),
    _row(
        "centre",
        "centred inputs",
        Recipe(_sgd(), (Centre(),)),
        ("sgd", "isotropic"),
        "the mean of g x is g times the mean of x",
    ),
    _row(
        "standardise",
        "standardised inputs",
        Recipe(_sgd(), (Standardise(),)),
        ("sgd", "odd, entry by entry"),
        "(2) of thm-c.1 fails for rotations: each coordinate has a scale of its own",
    ),
    _row(
        "whiten",
        "whitened inputs, by the symmetric root",
        Recipe(_sgd(), (Whiten(),)),
        ("sgd", "isotropic"),
        "the root of g C g' is g times the root of C times g'",
    ),
    _row(
        "dropout-inputs",
        "dropout on inputs",
        Recipe(_sgd(), layers={"on_inputs": _dropout}),
        ("sgd", "odd, entry by entry"),
        "signed permutations keep the law of the masks; (2) of thm-c.1 fails for rotations: masks are diagonal",
        coin="a mask that stays",
    ),
    _row(
        "dropout-hidden",
        "dropout on hidden units",
        Recipe(_sgd(), layers={"after_activation": _dropout}),
        ("sgd", "behind the first layer"),
        "thm-c.1 given the masks, which touch functions of W x only",
        coin="behind the first layer",
    ),
    _row(
        "average",
        "exponential moving average of weights",
        Recipe(_sgd(), (Average(0.8),)),
        ("sgd", "isotropic"),
        "linear in the weights of all steps",
    ),
    _row(
        "cosine", "cosine learning rates", Recipe(_sgd(), schedule=_cosine), ("sgd",), "thm-c.1 lets F_t change with t"
    ),
    _row(
        "one-cycle",
        "one cycle of learning rate and momentum",
        Recipe(_momentum, schedule=_one_cycle),
        ("sgd",),
        "thm-c.1 lets F_t change with t",
    ),
    _row(
        "mini-batches",
        "mini-batches",
        Recipe(_sgd(), batch=lambda b: b or 2),
        ("sgd",),
        "drawn without looking at the inputs",
    ),
    _row(
        "accumulation",
        "accumulated gradients of mini-batches",
        Recipe(_sgd(), batch=lambda b: b or 2, accumulate=2),
        ("sgd",),
        "a mean of gradients, each of a mini-batch",
    ),
    _row(
        "langevin",
        "isotropic Gaussian noise on weights",
        Recipe(_sgd(), (Langevin(0.02),)),
        ("sgd", "isotropic"),
        "rotations keep the law of the noise, though not the noise itself",
        coin="noise that stays",
    ),
    _row(
        "sam",
        "SAM",
        Recipe(_sam(adaptive=False, rho=0.1)),
        ("sgd", "isotropic"),
        "uphill is the gradient over its norm, which does not turn",
    ),
    _row(
        "adaptive-sam", "adaptive SAM", Recipe(_sam(adaptive=True, rho=0.3)), ("sgd", "odd, entry by entry"), _ENTRYWISE
    ),
    _row("adam", "Adam", Recipe(_adam()), ("adam",), _ENTRYWISE),
    _row("adam-coupled", "Adam, coupled weight decay", Recipe(_adam(decay=0.05)), ("adam",), _ENTRYWISE),
    _row("adamw", "AdamW, decoupled weight decay", Recipe(_adam(optim.AdamW, 0.5)), ("adam",), _ENTRYWISE),
    _row(
        "adam-clip-norm",
        "Adam, clipping by l_2 norm",
        Recipe(_adam(), (ClipNorm(0.2),)),
        ("adam", "isotropic"),
        _ENTRYWISE,
    ),
    _row("adam-cosine", "Adam, cosine learning rates", Recipe(_adam(), schedule=_cosine), ("adam",), _ENTRYWISE),
)
"""All rows, SGD first; features of Adam last."""
