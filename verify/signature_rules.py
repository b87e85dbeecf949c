r"""torch's operations, written in the primitives of `verify.signature_domains`.

A rule is called like the operation, without the arguments that only say how a tensor is stored, and with a `Domain`
in front; tensors are `Seen`. It returns what is known of the result, or of each result. In-place operations and those
with ``out=`` have the rule of the plain operation, and so have, for each element, those on lists (``_foreach_``).
An operation without a rule keeps only what is inert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from verify.signature_domains import ONLY_INERT, Axes, Domain, Operand, Seen
from verify.signatures import INERT, Factor

__all__ = ["RULES"]

Rule = Callable[..., Any]
_RULES: dict[str, Rule] = {}

ODD = "sign sgn tanh sin tan asin atan sinh asinh atanh erf erfinv round trunc frac"
EVEN = "abs cos cosh isnan isinf logical_not"
OPAQUE = """sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sigmoid ceil floor relu gelu silu softplus leaky_relu elu
    logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor bitwise_not ge gt le lt maximum minimum fmax
    fmin fmod remainder hypot heaviside logaddexp tanh_backward sigmoid_backward threshold threshold_backward erfc
    clamp_min clamp_max floor_divide atan2 copysign"""


R = TypeVar("R", bound=Rule)


def _rule(names: str) -> Callable[[R], R]:
    def register(rule: R) -> R:
        _RULES.update(dict.fromkeys(names.split(), rule))
        return rule

    return register


# Made of nothing.


@_rule("zeros zeros_like new_zeros zero")
def _zeros(on: Domain, *_: Any) -> Seen:
    return on.constant(0)


@_rule("ones ones_like new_ones")
def _ones(on: Domain, *_: Any) -> Seen:
    return on.constant(1)


@_rule("full full_like new_full fill")
def _full(on: Domain, x: object, *value: Any) -> Seen:
    return on.constant(value[-1])


@_rule("scalar_tensor")
def _scalar(on: Domain, value: float) -> Seen:
    return on.constant(value)


@_rule("eye")
def _eye(on: Domain, n: int, m: int | None = None) -> Seen:
    both = frozenset({Factor(0, 0, n), Factor(1, 0, n)})
    return Seen(frozenset({INERT, both} if n == on.d and m in (None, n) else {INERT}))


# Entry by entry.


@_rule("add sub rsub")
def _add(on: Domain, x: Operand, y: Operand, alpha: float = 1) -> Seen:
    return on.sum(x, y)


@_rule("mul")
def _mul(on: Domain, x: Operand, y: Operand) -> Seen:
    return on.product(x, y)


@_rule("div")
def _div(on: Domain, x: Operand, y: Operand, rounding_mode: str | None = None) -> Seen:
    return on.quotient(x, y) if rounding_mode is None else on.opaque(x, y)


@_rule("clone neg positive _to_copy lift")
def _same(on: Domain, x: Seen, *_: Any) -> Seen:
    return x


@_rule("copy")
def _copy(on: Domain, x: Seen, y: Operand, non_blocking: bool = False) -> Seen:
    return on.sum(Seen(ONLY_INERT, True, x.shape), y)


@_rule("lerp")
def _lerp(on: Domain, x: Seen, y: Seen, weight: Operand) -> Seen:
    return on.sum(x, on.product(weight, on.sum(x, y)) if isinstance(weight, Seen) else y)


@_rule("addcmul")
def _addcmul(on: Domain, x: Seen, y: Seen, z: Seen, value: Operand = 1) -> Seen:
    return on.sum(x, on.product(_number(value), on.product(y, z)))


@_rule("addcdiv")
def _addcdiv(on: Domain, x: Seen, y: Seen, z: Seen, value: Operand = 1) -> Seen:
    return on.sum(x, on.product(_number(value), on.quotient(y, z)))


def _number(value: Operand) -> Operand:
    """A tensor that holds the numbers for a whole list of tensors is none of them."""
    return Seen() if isinstance(value, Seen) and value.shape else value


@_rule("where")
def _where(on: Domain, condition: Seen, x: Operand, y: Operand) -> Seen:
    return on.product(on.fixed(condition), on.sum(x, y))


@_rule("masked_fill")
def _masked_fill(on: Domain, x: Seen, mask: Seen, value: Operand) -> Seen:
    return _where(on, mask, value, x)


@_rule("index_put")
def _index_put(on: Domain, x: Seen, indices: Sequence[Seen | None], value: Seen, accumulate: bool = False) -> Seen:
    """Known only as x[mask] = number."""
    mask = indices[0]
    if mask is None or not mask.boolean or mask.shape != x.shape or value.shape != ():
        return Seen()
    return _where(on, mask, on.sum(x, value) if accumulate else value, x)


@_rule("pow")
def _pow(on: Domain, x: Operand, power: Operand) -> Seen:
    if not isinstance(power, float | int) or not float(power).is_integer():
        return on.opaque(x, power)
    if power < 0:
        return _pow(on, on.quotient(1, x), -power)
    if power in (1, 2):
        return on.product(x, x if power == 2 else 1)
    return on.odd(x) if power % 2 else on.even(x)


@_rule("square")
def _square(on: Domain, x: Seen) -> Seen:
    return on.product(x, x)


@_rule("reciprocal")
def _reciprocal(on: Domain, x: Seen) -> Seen:
    return on.quotient(1, x)


@_rule("clamp hardtanh")
def _clamp(on: Domain, x: Seen, low: Operand | None = None, high: Operand | None = None) -> Seen:
    if isinstance(low, float | int) and isinstance(high, float | int) and low == -high <= 0:
        return on.odd(x)
    return on.opaque(x, *(bound for bound in (low, high) if bound is not None))


@_rule("nan_to_num")
def _nan_to_num(on: Domain, x: Seen, *ends: float | None) -> Seen:
    """Odd if NaN becomes 0 and infinities become the largest numbers, as they do if nothing else is asked for."""
    return on.opaque(x) if any(ends) else on.odd(x)


@_rule("eq ne")
def _equal(on: Domain, x: Operand, y: Operand) -> Seen:
    return on.even(on.sum(x, y))


def _odd(on: Domain, x: Seen) -> Seen:
    return on.odd(x)


def _even(on: Domain, x: Seen) -> Seen:
    return on.even(x)


def _opaque(on: Domain, *operands: Any) -> Seen:
    return on.opaque(*operands)


_RULES.update(dict.fromkeys(ODD.split(), _odd))
_RULES.update(dict.fromkeys(EVEN.split(), _even))
_RULES.update(dict.fromkeys(OPAQUE.split(), _opaque))


@_rule("_softmax _log_softmax")
def _softmax(on: Domain, x: Seen, axis: int, half_to_float: bool) -> Seen:
    return on.opaque(x)


# Along axes.


@_rule("sum mean")
def _sum(on: Domain, x: Seen, axes: Axes = None, keep: bool = False) -> Seen:
    return on.total(x, axes, keep)


@_rule("amax amin prod median logsumexp")
def _symmetric(on: Domain, x: Seen, axes: Axes = None, keep: bool = False) -> Seen:
    return on.symmetric(x, axes, keep)


@_rule("any all count_nonzero")
def _any(on: Domain, x: Seen, axes: Axes = None, keep: bool = False) -> Seen:
    return on.even(x) if axes == () else on.symmetric(on.even(x), axes, keep)  # over no axes at all


@_rule("max min")
def _max(on: Domain, x: Seen, axis: Seen | int | None = None, keep: bool = False) -> Seen | tuple[Seen, ...]:
    if isinstance(axis, Seen):
        return on.opaque(x, axis)
    return on.symmetric(x) if axis is None else (on.symmetric(x, axis, keep), on.ordered(x, axis, keep))


@_rule("aminmax")
def _aminmax(on: Domain, x: Seen, *, dim: int | None = None, keepdim: bool = False) -> tuple[Seen, ...]:
    return (on.symmetric(x, dim, keepdim),) * 2


@_rule("var std")
def _std(on: Domain, x: Seen, axes: Axes = None, *, correction: float = 1, keepdim: bool = False) -> Seen:
    return on.symmetric(x, axes, keepdim)


@_rule("var_mean std_mean")
def _std_mean(
    on: Domain, x: Seen, axes: Axes = None, *, correction: float = 1, keepdim: bool = False
) -> tuple[Seen, ...]:
    return on.symmetric(x, axes, keepdim), on.total(x, axes, keepdim)


@_rule("norm linalg_vector_norm")
def _norm(on: Domain, x: Seen, order: float | None = 2, axes: Axes = None, keep: bool = False) -> Seen:
    return on.norm(x, 2 if order is None else order, axes, keep)


@_rule("argmax argmin")
def _argmax(on: Domain, x: Seen, axis: int | None = None, keep: bool = False) -> Seen:
    return on.ordered(x, axis, keep)


@_rule("sort")
def _sort(
    on: Domain, x: Seen, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> tuple[Seen, ...]:
    return on.symmetric(x, dim, True), on.ordered(x, dim, True)


@_rule("topk")
def _topk(on: Domain, x: Seen, k: int, axis: int = -1, *_: bool) -> tuple[Seen, ...]:
    return on.symmetric(x, axis, True), on.ordered(x, axis, True)


@_rule("kthvalue")
def _kthvalue(on: Domain, x: Seen, k: int, axis: int = -1, keep: bool = False) -> tuple[Seen, ...]:
    return on.symmetric(x, axis, keep), on.ordered(x, axis, keep)


@_rule("cumsum flip index_select")
def _along(on: Domain, x: Seen, axes: Axes, *index: Seen) -> Seen:
    return on.along(x, axes) if all(INERT in i.signatures for i in index) else Seen()


@_rule("roll")
def _roll(on: Domain, x: Seen, shifts: Axes, axes: Axes = None) -> Seen:
    return on.along(x, axes)


@_rule("triu tril")
def _triangle(on: Domain, x: Seen, diagonal: int = 0) -> Seen:
    return on.along(x, (-2, -1))


@_rule("index")
def _index(on: Domain, x: Seen, indices: Sequence[Seen | None]) -> Seen:
    """Known only for one list of indices."""
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    index = indices[axes[0]]
    return _along(on, x, axes, index) if len(axes) == 1 and index is not None and len(index.shape) == 1 else Seen()


@_rule("cat")
def _cat(on: Domain, parts: Sequence[Seen], axis: int = 0) -> Seen:
    return on.join([x for x in parts if x.shape != (0,)] or parts, axis)  # such a part fits any others


@_rule("stack")
def _stack(on: Domain, parts: Sequence[Seen], axis: int = 0) -> Seen:
    axis %= len(parts[0].shape) + 1
    return on.join([_unsqueezed(x, axis) for x in parts], axis)


def _unsqueezed(x: Seen, axis: int) -> Seen:
    moved = (frozenset(f._replace(axis=f.axis + (f.axis >= axis)) for f in s) for s in x.signatures)
    return Seen(frozenset(moved), x.every, (*x.shape[:axis], 1, *x.shape[axis:]))


# Linear algebra.

PRODUCTS = {
    "mm": "ij,jk->ik",
    "bmm": "bij,bjk->bik",
    "mv": "ij,j->i",
    "dot": "i,i->",
    "vdot": "i,i->",
    "ger": "i,j->ij",
    "addmm": "ij,jk->ik",
    "addmv": "ij,j->i",
    "addr": "i,j->ij",
    "baddbmm": "bij,bjk->bik",
    "addbmm": "bij,bjk->ik",
}


def _contraction(spec: str) -> Rule:
    return lambda on, x, y: on.contract(spec, x, y)


def _added_contraction(spec: str) -> Rule:
    def rule(on: Domain, x: Seen, y: Seen, z: Seen, *, beta: float = 1, alpha: float = 1) -> Seen:
        product = on.contract(spec, y, z)
        return on.sum(x, product) if beta else product

    return rule


_RULES.update({n: (_added_contraction if "add" in n else _contraction)(spec) for n, spec in PRODUCTS.items()})


@_rule("linalg_inv_ex")
def _inverse(on: Domain, x: Seen, *_: Any, **__: Any) -> tuple[Seen, ...]:
    return on.inverse(x), Seen()


@_rule("linalg_pinv")
def _pinv(on: Domain, x: Seen, *, atol: Operand = 0, rtol: Operand = 0, hermitian: bool = False) -> Seen:
    small = all(INERT in t.signatures for t in (atol, rtol) if isinstance(t, Seen))
    return on.inverse(x) if small and not hermitian else Seen()  # of a Hermitian one only a half is read


@_rule("linalg_matrix_exp matrix_exp")
def _matrix_exp(on: Domain, x: Seen) -> Seen:
    return on.conjugated(x)


@_rule("trace")
def _trace(on: Domain, x: Seen) -> Seen:
    return on.conjugated(x, scalar=True)


@_rule("_linalg_svd")
def _svd(on: Domain, x: Seen, *_: bool, **__: Any) -> tuple[Seen, ...]:
    """Only the singular values: the vectors have signs of their own."""
    return Seen(), on.spectrum(x), Seen()


RULES: Mapping[str, Rule] = MappingProxyType(_RULES)
"""By name of the operation, without "aten.", an overload, "_foreach_" and the underscore of in-place operations."""
