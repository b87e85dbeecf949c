"""What single optimizers need beyond `optimizer(module.parameters(), **options)`: one line of a table each.

An optimizer that is not here is built and stepped in the general way of `verify.adapters`, which reads the
constructor: whether it takes parameters, the module or another optimizer, and whether `step` insists on a closure.
Checked against torch 2.13 and pytorch-optimizer 4.1.0.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

__all__ = ["ADAPTERS", "REASONS", "Adapter", "Fused", "key"]

BeforeStep: TypeAlias = Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]] | None]
"""A torch step pre-hook: (optimizer, arguments, keywords) -> other arguments and keywords, or None."""


def _parameters(module: nn.Module) -> list[Any]:
    return list(module.parameters())


@dataclass(frozen=True)
class Adapter:
    """How one optimizer differs from the general case.

    Args:
        closure: as in `sims.training.UpdateRule`; None: ``backward`` if `step` insists on a closure, else ``none``.
        create_graph: the gradients keep their graph.
        parameters: what is handed over as the parameters of the module.
        fill: settings that the constructor lacks a default for, or whose default makes it another optimizer or takes
            minutes.
        dtypes: settings that are the dtype of the weights unless given.
        rate: the name of the learning rate.
        base: how a wrapper takes the optimizer inside: ``class`` or ``instance``; empty: read off the constructor.
        before: a step pre-hook.
        built: called with the new optimizer.
        fused: the optimizer has no `step`, it updates within backward; see `Fused`.
        warm: settings under which it moves at all within some tens of steps.
    """

    closure: str | None = None
    create_graph: bool = False
    parameters: Callable[[nn.Module], list[Any]] = _parameters
    fill: Mapping[str, Any] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    rate: str = "lr"
    base: str = ""
    before: BeforeStep | None = None
    built: Callable[[torch.optim.Optimizer], None] | None = None
    fused: bool = False
    warm: Mapping[str, Any] = field(default_factory=dict)


def key(optimizer: type) -> str:
    """The name that the tables know a class by: its package, where torch stands for torch.optim, and its own name.

    Example:
        >>> key(torch.optim.Adam)
        'torch.optim:Adam'
    """
    package = optimizer.__module__.partition(".")[0]
    return f"{'torch.optim' if package == 'torch' else package}:{optimizer.__name__}"


class Fused(torch.optim.Optimizer):
    """An optimizer that updates within backward, run on gradients that are already there.

    It works on a copy of the module, whose loss is the inner product of weights and gradients; so backward
    there finds these gradients, whatever penalties, clipping or accumulation they went through.

    Args:
        inner: builds the optimizer on a module.
        module: the module that is trained.
    """

    def __init__(self, inner: Callable[[nn.Module], Any], module: nn.Module) -> None:
        self._copy = deepcopy(module)
        with warnings.catch_warnings():
            # AdaLOMO looks for DeepSpeed, and says so where it is not installed
            warnings.simplefilter("ignore", ImportWarning)
            self._inner = inner(self._copy)
        super().__init__(module.parameters(), dict(self._inner.defaults))

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # never called with a closure
        """One update; the learning rate is that of the parameter group, so schedules work."""
        weights: list[Tensor] = self.param_groups[0]["params"]
        copies = list(self._copy.parameters())
        for copy, weight in zip(copies, weights, strict=True):
            copy.copy_(weight)
        with torch.enable_grad():
            pairs = zip(copies, weights, strict=True)
            loss = torch.stack([(copy * weight.grad).sum() for copy, weight in pairs if weight.grad is not None]).sum()
            if self._inner.clip_grad_norm:
                self._inner.grad_norm(loss)
            self._inner.fused_backward(loss, self.param_groups[0]["lr"])
        for copy, weight in zip(copies, weights, strict=True):
            weight.copy_(copy)


def _gradients_first(_: Any, arguments: tuple[Any, ...], __: dict[str, Any]) -> None:
    """These start from the gradients at the weights, and call the closure only for those elsewhere."""
    arguments[1]()


def _with_outputs(_: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """GSAM wants a closure that returns (outputs, loss), and only hands the outputs back."""
    optimizer, closure = arguments
    return (optimizer, lambda: (None, closure())), keywords


def _sparse_gradients(optimizer: Any, _: tuple[Any, ...], __: dict[str, Any]) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = None if p.grad is None else p.grad.to_sparse()


def _matrices_apart(module: nn.Module) -> list[dict[str, Any]]:
    """Muon's groups: matrices get its update, biases and gains that of AdamW."""
    parameters = list(module.parameters())
    groups = [{"params": [p for p in parameters if (p.ndim >= 2) is flag], "use_muon": flag} for flag in (True, False)]
    return [group for group in groups if group["params"]]


def _radius() -> float:
    """GSAM's radius, for want of a schedule: the default of SAM."""
    return 0.05


def _weights_of_training(optimizer: torch.optim.Optimizer) -> None:
    """SPlus starts with the weights that it trains, but says that it has averages to go back from."""
    for group in optimizer.param_groups:
        group["train_mode"] = False


_SHARPNESS = Adapter(closure="backward", before=_gradients_first)
_MUON = Adapter(parameters=_matrices_apart, warm={"adamw_lr": 0.01})
_D_ADAPTATION = Adapter(warm={"d0": 1e-3})
# without a rank, GaLore and its kin are plain AdamW
_LOW_RANK = {"rank": 2, "update_proj_gap": 200, "scale": 0.25, "projection_type": "std"}

ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        "torch.optim:SparseAdam": Adapter(before=_sparse_gradients),
        **{
            f"pytorch_optimizer:{name}": adapter
            for name, adapter in {
                "APOLLO": Adapter(fill={**_LOW_RANK, "scale": 1.0}),
                "AdaGO": _MUON,
                "AdaHessian": Adapter(create_graph=True),
                "AdaLOMO": Adapter(fused=True),
                "AdaMuon": _MUON,
                "AliG": Adapter(closure="loss", rate="max_lr"),
                # its ascent is never taken back, and its descent is scaled by the weight decay
                "BSAM": Adapter(
                    closure="backward",
                    before=_gradients_first,
                    fill={"num_data": 100},
                    warm={"rho": 0.001, "weight_decay": 0.1},
                ),
                "DAdaptAdaGrad": _D_ADAPTATION,
                "DAdaptAdam": _D_ADAPTATION,
                "DAdaptAdan": _D_ADAPTATION,
                "DAdaptLion": _D_ADAPTATION,
                "DAdaptSGD": _D_ADAPTATION,
                "FAdam": Adapter(dtypes=("momentum_dtype", "fim_dtype")),
                "Fira": Adapter(fill=_LOW_RANK),
                "FriendlySAM": _SHARPNESS,
                "GSAM": Adapter(
                    closure="backward",
                    base="instance",
                    before=_with_outputs,
                    fill={"rho_scheduler": SimpleNamespace(step=_radius)},
                ),
                "GaLore": Adapter(fill=_LOW_RANK),
                "LOMO": Adapter(fused=True),
                "LookSAM": _SHARPNESS,
                "Muon": _MUON,
                "MuonClip": _MUON,
                "NorMuon": _MUON,
                "Prodigy": _D_ADAPTATION,
                "Ranger21": Adapter(fill={"num_iterations": 100}),
                "SAM": _SHARPNESS,
                "SPlus": Adapter(built=_weights_of_training),
                # trains only weights that start below the threshold
                "SaRA": Adapter(warm={"threshold": 10.0}),
                "SophiaH": Adapter(create_graph=True),
                # it halves an interval in bfloat16: after 20 times, nothing changes any more
                "SpectralSphere": Adapter(fill={"solver_max_iterations": 20}),
                "WSAM": Adapter(closure="backward"),
            }.items()
        },
    }
)
"""By `key`."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "torch.optim:Optimizer": "it is the abstract base class",
        "pytorch_optimizer:CPUOffloadOptimizer": "it moves another optimizer's state between a CUDA device and the CPU",
        "pytorch_optimizer:DeMo": "it needs einops and an initialized torch.distributed process group",
        "pytorch_optimizer:DistributedMuon": "it needs an initialized torch.distributed process group; see Muon",
        "pytorch_optimizer:LoRARite": "it takes parameters in pairs, as the two factors of LoRA updates",
        "pytorch_optimizer:PCGrad": "it merges the gradients of several losses; with one loss it is its base optimizer",
        "pytorch_optimizer:SafeFP16Optimizer": "it scales the loss itself and wants parameters in half precision",
    }
)
"""Why an optimizer is left out, by `key`."""
