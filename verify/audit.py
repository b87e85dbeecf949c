"""The precisions that an optimizer's step computes in behind its interface, seen by interception.

Fused kernels and NumPy code are not seen here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

__all__ = ["Audit", "Lifted"]

NARROW = (torch.float32, torch.bfloat16, torch.float16)


class Audit(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what happens inside its context.

    Attributes:
        narrow: floating types narrower than double that tensors with at least one axis were given.

    Example:
        >>> audit = Audit()
        >>> with audit:
        ...     _ = torch.zeros(3, dtype=torch.float64).bfloat16()
        >>> audit.narrow
        {torch.bfloat16}
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.narrow: set[torch.dtype] = set()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and note it."""
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and not _narrow(result):
            return result
        made = any(isinstance(a, torch.Tensor) for a in tree_iter((args, kwargs)))
        for out in tree_iter(result):
            # Single numbers that are drawn are often float32; they round nothing either.
            if isinstance(out, torch.Tensor) and _narrow(out) and (made or out.numel() > 1):
                self.narrow.add(out.dtype)
        return result


class Lifted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Casts to types narrower than double are lifted to double inside this context.

    What remains of a residual is then not the rounding of a narrow type.

    Example:
        >>> x = torch.tensor([1 / 3], dtype=torch.float64)
        >>> with Lifted():
        ...     y = x.bfloat16() * 3
        >>> y.dtype, float(y)
        (torch.float64, 1.0)
    """

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation in double precision."""
        lifted = {k: torch.float64 if v in NARROW else v for k, v in (kwargs or {}).items()}
        positions = [torch.float64 if isinstance(a, torch.dtype) and a in NARROW else a for a in args]
        first = positions[0] if positions else None
        if isinstance(first, torch.Tensor) and first.dtype in NARROW and func.overloadpacket.__name__.endswith("_"):
            # A narrow number made where it was not seen is written to: what is written has to fit.
            positions = tree_map(lambda t: t.to(first.dtype) if _wide(t) else t, positions)
        result = func(*positions, **lifted)
        if isinstance(result, torch.Tensor) and not _narrow(result):
            return result
        if any(isinstance(a, torch.Tensor) and a.ndim for a in tree_iter((args, kwargs))):
            return result
        # A factory without a dtype gives torch's default.
        return tree_map(lambda t: t.double() if isinstance(t, torch.Tensor) and _narrow(t) else t, result)


def _narrow(tensor: torch.Tensor) -> bool:
    """Whether numbers are rounded to a narrow type; step counters without an axis round nothing."""
    return bool(tensor.ndim) and tensor.dtype in NARROW


def _wide(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype == torch.float64
