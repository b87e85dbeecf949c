"""Torch tensors whose entries are fractions, so that a real optimizer class runs in exact arithmetic.

A `RationalTensor` looks like a float64 tensor and carries a numpy object array of `fractions.Fraction` (or of
truth values, then it looks like a bool tensor). torch hands each operation to the tables below: those that keep
rationals rational are done exactly, everything else raises `NotRationalError`. Views share memory as torch's do.

Python floats count as the dyadic numbers they are (0.1 is Fraction(0.1)), and so do entries of ordinary tensors.
Nothing leads back: the only plain value that comes out is the bool of a single comparison, so no rounded copy of a
weight can influence a step. What a rule computes from its hyper-parameters and step count *alone*, in Python floats
or ordinary tensors, is rounded as always; it is the same number in every run and depends on no data.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theory.groups import inverse

__all__ = ["NotRationalError", "RationalTensor"]

Entries = NDArray[Any]
IRRELEVANT = ("dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking", "implicit")


class NotRationalError(ValueError):
    """An operation that leaves the rationals or is not known to stay in them; the message begins with its name."""

    def __init__(self, name: str, reason: str = "does not keep rational numbers rational") -> None:
        super().__init__(f"{name}: {reason}, want + - * /, integer powers, comparisons or matrix products")


class RationalTensor(Tensor):
    """A tensor of exact fractions that torch.optim takes for a float64 tensor on the CPU.

    Args:
        entries: Fractions, integers, floats (taken as the dyadic numbers they are) or bools, of any shape. An
            object array of Fractions is shared, not copied.
        requires_grad: as for any tensor.

    Attributes:
        entries: the exact values, a numpy array of dtype object or bool and the tensor's shape.

    Raises:
        NotRationalError: an entry is none of these, or not finite.

    Example:
        >>> weight = RationalTensor([[1, 2]])
        >>> weight.grad = RationalTensor([[Fraction(1, 3), 0]])
        >>> torch.optim.SGD([weight], lr=0.5).step()
        >>> weight.entries.tolist()
        [[Fraction(5, 6), Fraction(2, 1)]]
        >>> weight.sqrt()
        Traceback (most recent call last):
        verify.rational_tensor.NotRationalError: sqrt: ...
    """

    entries: Entries

    @staticmethod
    def __new__(cls, entries: Any, requires_grad: bool = False) -> RationalTensor:  # noqa: D102
        array = _checked(entries)
        tensor: RationalTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            array.shape,
            strides=tuple(s // array.itemsize for s in array.strides),  # torch decides by these what is a view
            dtype=torch.bool if array.dtype == bool else torch.float64,
            requires_grad=requires_grad,
        )
        tensor.entries = array
        return tensor

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _perform(func.overloadpacket.__name__, args, dict(kwargs or {}))

    @property
    def data(self) -> Tensor:
        """The same entries without gradient; assigning replaces the entries."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        # torch's own setter would swap the tensor underneath and leave our entries behind.
        alike = isinstance(value, RationalTensor) and value.dtype == self.dtype
        if not alike or (value.shape, value.stride()) != (self.shape, self.stride()):
            raise NotRationalError("data", f"got no rational tensor of the same layout as {tuple(self.shape)}")
        self.entries = value.entries  # type: ignore[attr-defined]

    def numpy(self, *, force: bool = False) -> Any:
        """Refused, as is `tolist`: it would hand out rounded numbers."""
        raise NotRationalError("numpy", "turns exact numbers into rounded ones")

    def tolist(self) -> Any:
        """Refused, as is `numpy`."""
        raise NotRationalError("tolist", "turns exact numbers into rounded ones")

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"RationalTensor({self.entries.tolist()})"


def _perform(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """One operation of torch on tensors of which at least one is rational."""
    if name.startswith("_foreach_"):
        return _each(name, args, kwargs)
    if name == "_local_scalar_dense":
        if args[0].dtype == torch.bool:
            return bool(args[0].entries)
        raise NotRationalError(name, "turns an exact number into a rounded Python one, as item() does")
    in_place, operation = name.endswith("_"), name.removesuffix("_")
    # A view in place would change the wrapper's shape, which torch keeps.
    function = _NUMERIC.get(operation) or _MIXED.get(operation) or (None if in_place else _VIEWS.get(operation))
    if function is None:
        raise NotRationalError(name)
    target = args[0] if in_place else kwargs.pop("out", None)
    becomes_number = _stays_exact(name, args[0], kwargs.get("dtype"))
    exact = [_exact(name, value) for value in args]
    named = {key: _exact(name, value) for key, value in kwargs.items() if key not in IRRELEVANT}
    if operation in _NUMERIC:
        exact, named = [_numbers(value) for value in exact], {key: _numbers(value) for key, value in named.items()}
    result = _applied(name, function, exact, named)
    if target is not None:
        return _written(name, target, _result(name, result))
    if isinstance(result, tuple):
        return tuple(r if isinstance(r, Tensor) else RationalTensor(_result(name, r)) for r in result)
    return RationalTensor(_numbers(_result(name, result)) if becomes_number else _result(name, result))


def _applied(name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        raise NotRationalError(name, "has a form that is not supported") from None
    try:
        return function(*args, **kwargs)
    except ZeroDivisionError:
        raise NotRationalError(name, "divides by zero") from None


def _result(name: str, result: Any) -> Entries:
    """The outcome as an array; a float among the entries would be a rounding that slipped in."""
    array = np.asarray(result)
    if array.dtype.kind not in "Obi" or any(isinstance(x, float) for x in array.flat):
        raise NotRationalError(name, "rounds")
    return _checked(array)


def _written(name: str, target: Any, array: Entries) -> Tensor:
    """Put a result into an existing tensor, through all its views."""
    if not isinstance(target, RationalTensor):
        raise NotRationalError(name, "writes exact numbers into an ordinary tensor, which rounds")
    into = target.entries
    if array.shape != into.shape or (into.dtype == bool and array.dtype != bool):
        raise NotRationalError(name, f"writes {array.dtype} {array.shape} into {into.dtype} {into.shape}")
    into[...] = array if into.dtype == bool else _numbers(array)
    return target


def _each(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any] | None:
    """An operation on lists of tensors: the same operation on each."""
    single = name.removeprefix("_foreach_")
    if single.removesuffix("_") not in {*_NUMERIC, *_MIXED} or not isinstance(args[0], list | tuple):
        raise NotRationalError(name)

    def at(i: int, value: Any) -> Any:
        return value[i] if isinstance(value, list | tuple) else value

    results = [
        _perform(single, [at(i, value) for value in args], {key: at(i, value) for key, value in kwargs.items()})
        for i in range(len(args[0]))
    ]
    return None if single.endswith("_") else results


def _stays_exact(name: str, of: Any, dtype: torch.dtype | None) -> bool:
    """Is a truth value to become a number? A number must not change its type."""
    mask = isinstance(of, RationalTensor) and of.dtype == torch.bool
    if not mask and dtype not in (None, torch.float64):
        raise NotRationalError(name, f"changes the type to {dtype}")
    return mask and dtype not in (None, torch.bool)


def _exact(name: str, value: Any) -> Any:
    """An argument with floats and ordinary tensors made exact; sizes, axes and flags as they are."""
    if isinstance(value, RationalTensor):
        return value.entries
    if isinstance(value, list | tuple):
        return [_exact(name, v) for v in value]
    if isinstance(value, Tensor):
        return _checked(value.detach().tolist(), name)
    if isinstance(value, float):
        return _fraction(name, value)
    return value


def _checked(entries: Any, name: str = "entries") -> Entries:
    array = entries if isinstance(entries, np.ndarray) else np.array(entries, dtype=object)
    if array.dtype == bool or (array.size and all(isinstance(x, bool | np.bool_) for x in array.flat)):
        return array.astype(bool, copy=False)
    return _fractions(array, name)


def _fractions(array: Entries, name: str = "entries") -> Entries:
    """The array itself if it holds Fractions only, else a converted copy."""
    if array.dtype == object and all(isinstance(x, Fraction) for x in array.flat):
        return array
    converted = np.empty(array.size, dtype=object)
    converted[:] = [_fraction(name, x) for x in array.flat]
    return converted.reshape(array.shape)


def _fraction(name: str, number: Any) -> Fraction:
    if isinstance(number, np.generic):
        number = number.item()
    if isinstance(number, Fraction | int | float):
        try:
            return Fraction(number)
        except (ValueError, OverflowError):
            pass
    raise NotRationalError(name, f"got {number!r}, which is no rational number")


def _numbers(value: Any) -> Any:
    return _fractions(value) if isinstance(value, np.ndarray) and value.dtype == bool else value


def _power(a: Any, exponent: Any) -> Any:
    if any(Fraction(e).denominator != 1 for e in np.asarray(exponent, dtype=object).flat):
        raise NotRationalError("pow", f"has an exponent that is no integer, {exponent}")
    return np.asarray(a, dtype=object) ** exponent


def _clamp(a: Entries, min: Any = None, max: Any = None) -> Any:
    raised = a if min is None else np.maximum(a, min)
    return raised if max is None else np.minimum(raised, max)


def _axes(dim: Any) -> tuple[int, ...] | None:
    """The axes as torch means them: none at all means every one."""
    return (dim,) if isinstance(dim, int) else tuple(dim) if dim else None


def _sum(a: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return a.sum(axis=_axes(dim), keepdims=keepdim)


def _mean(a: Entries, dim: Any = None, keepdim: bool = False) -> Any:
    total = np.asarray(_sum(a, dim, keepdim))
    return total / Fraction(a.size, total.size)


def _reshaped(a: Entries, size: Sequence[int]) -> Entries:
    shaped = a.reshape(size)
    if a.size and not np.may_share_memory(a, shaped):  # torch refuses such a view, numpy copies
        raise NotRationalError("view", f"has the shape {tuple(size)} that needs a copy")
    return shaped


def _squeezed(a: Entries, dim: Any = None) -> Entries:
    axes = range(a.ndim) if dim is None else [d % a.ndim for d in ([dim] if isinstance(dim, int) else dim) if a.ndim]
    return a.squeeze(tuple(i for i in axes if a.shape[i] == 1))


def _expanded(a: Entries, size: Sequence[int]) -> Entries:
    extra = len(size) - a.ndim
    return np.broadcast_to(a, [a.shape[i - extra] if n == -1 else n for i, n in enumerate(size)])


def _part(a: Entries, dim: int, index: int | slice) -> Entries:
    # The final Ellipsis makes numpy return a view even of a single entry.
    at: tuple[Any, ...] = (*[slice(None)] * (dim % a.ndim), index, ...)
    return np.asarray(a[at])


def _put(a: Entries, indices: Sequence[Any], values: Any) -> Entries:
    if not all(isinstance(i, np.ndarray) and i.dtype == bool for i in indices):
        raise NotRationalError("index_put", "has indices that are not truth values")
    changed = a.copy()
    changed[tuple(indices)] = values
    return changed


def _filled(shape: Sequence[int], value: Any) -> Entries:
    return np.full(tuple(shape), Fraction(value), dtype=object)


_NUMERIC: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": lambda a, b, alpha=1: a + alpha * b,
        "sub": lambda a, b, alpha=1: a - alpha * b,
        "rsub": lambda a, b, alpha=1: b - alpha * a,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b,
        "neg": lambda a: -a,
        "reciprocal": lambda a: Fraction(1) / a,
        "pow": _power,
        "abs": abs,
        "sign": np.sign,
        "sgn": np.sign,
        "maximum": np.maximum,
        "minimum": np.minimum,
        "clamp": _clamp,
        "clamp_min": lambda a, min: np.maximum(a, min),
        "clamp_max": lambda a, max: np.minimum(a, max),
        "addcmul": lambda a, b, c, value=1: a + value * b * c,
        "addcdiv": lambda a, b, c, value=1: a + value * b / c,
        "lerp": lambda a, b, weight: a + weight * (b - a),
        "mm": lambda a, b: a @ b,
        "mv": lambda a, b: a @ b,
        "dot": lambda a, b: a @ b,
        "bmm": lambda a, b: a @ b,
        "addmm": lambda a, b, c, beta=1, alpha=1: beta * a + alpha * (b @ c),
        "addmv": lambda a, b, c, beta=1, alpha=1: beta * a + alpha * (b @ c),
        "addr": lambda a, b, c, beta=1, alpha=1: beta * a + alpha * np.outer(b, c),
        "linalg_inv_ex": lambda a, check_errors=False: (inverse(a), torch.zeros((), dtype=torch.int32)),
        "sum": _sum,
        "mean": _mean,
        "max": lambda a: a.max(),
        "min": lambda a: a.min(),
        "amax": lambda a, dim=(), keepdim=False: a.max(axis=_axes(dim), keepdims=keepdim),
        "amin": lambda a, dim=(), keepdim=False: a.min(axis=_axes(dim), keepdims=keepdim),
        "zero": lambda a: _filled(a.shape, 0),
        "zeros_like": lambda a: _filled(a.shape, 0),
        "ones_like": lambda a: _filled(a.shape, 1),
        "full_like": lambda a, value: _filled(a.shape, value),
        "new_zeros": lambda a, size: _filled(size, 0),
        "new_ones": lambda a, size: _filled(size, 1),
        "new_full": lambda a, size, value: _filled(size, value),
    }
)
"""Operations whose truth values count as the numbers 0 and 1."""

_MIXED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "eq": lambda a, b: np.equal(a, b),
        "ne": lambda a, b: np.not_equal(a, b),
        "lt": lambda a, b: np.less(a, b),
        "le": lambda a, b: np.less_equal(a, b),
        "gt": lambda a, b: np.greater(a, b),
        "ge": lambda a, b: np.greater_equal(a, b),
        "bitwise_and": lambda a, b: a & b,
        "bitwise_or": lambda a, b: a | b,
        "bitwise_xor": lambda a, b: a ^ b,
        "bitwise_not": lambda a: ~a,
        "logical_and": lambda a, b: a.astype(bool) & b.astype(bool),
        "logical_or": lambda a, b: a.astype(bool) | b.astype(bool),
        "logical_not": lambda a: ~a.astype(bool),
        "any": lambda a, dim=None, keepdim=False: a.astype(bool).any(axis=_axes(dim), keepdims=keepdim),
        "all": lambda a, dim=None, keepdim=False: a.astype(bool).all(axis=_axes(dim), keepdims=keepdim),
        "where": lambda mask, a, b: np.where(mask, a, b),
        "masked_fill": lambda a, mask, value: np.where(mask, value, a),
        "index_put": _put,
        "clone": lambda a: a.copy(),
        "_to_copy": lambda a: a.copy(),
        "copy": lambda a, b: np.broadcast_to(b, a.shape),
        "fill": lambda a, value: np.broadcast_to(value, a.shape),
        "cat": lambda tensors, dim=0: np.concatenate(tensors, axis=dim),
        "stack": lambda tensors, dim=0: np.stack(tensors, axis=dim),
    }
)
"""Operations in which truth values stay what they are."""

_VIEWS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "detach": lambda a: a,
        "t": lambda a: a.T,
        "transpose": lambda a, dim0, dim1: a.swapaxes(dim0, dim1),
        "permute": lambda a, dims: a.transpose(dims),
        "unsqueeze": lambda a, dim: np.expand_dims(a, dim),
        "squeeze": _squeezed,
        "view": _reshaped,
        "_unsafe_view": _reshaped,
        "expand": _expanded,
        "select": _part,
        "slice": lambda a, dim=0, start=None, end=None, step=1: _part(a, dim, slice(start, end, step)),
    }
)
"""Operations whose result shares memory with their argument."""
