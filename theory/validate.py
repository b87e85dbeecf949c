"""Checks of arguments, with messages that say what came and what was wanted."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LONGEST = 1000
"""The most digits that a probability may have as text."""

__all__ = ["finite_array", "generator", "integer", "is_exact", "probability", "real", "sizes"]


def integer(name: str, value: object, low: int, high: int | None = None) -> int:
    """An integer in [low, high].

    Raises:
        ValueError: it is not one.

    Example:
        >>> integer("d", 3, 1)
        3
    """
    wanted = f"an integer >= {low}" if high is None else f"an integer in [{low}, {high}]"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name}: got {value!r}, want {wanted}")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name}: got {value}, want {wanted}")
    return int(value)


def real(name: str, value: object, low: float, high: float) -> float:
    """A finite real number in [low, high].

    Raises:
        ValueError: it is not one.

    Example:
        >>> real("lr", 1, 0, 10)
        1.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | np.floating | np.integer):
        raise ValueError(f"{name}: got {value!r}, want a number in [{low}, {high}]")
    if not low <= value <= high:  # NaN fails too
        raise ValueError(f"{name}: got {value}, want a number in [{low}, {high}]")
    return float(value)


def probability(name: str, value: object) -> Fraction:
    """An exact number in (0, 1): a Fraction or int as it is, a float or text as the decimal it shows.

    Raises:
        ValueError: it is not one.

    Example:
        >>> probability("eps", 0.1)
        Fraction(1, 10)
    """
    shown = str(value) if not isinstance(value, int | Fraction) else ""
    power = re.search(r"[eE]([+-]?\d+)\s*$", shown)
    if "_" in shown:
        raise ValueError(f"{name}: got {shown[:20]!r}, want a number without underscores")
    if len(shown) > LONGEST or (power and abs(int(power[1])) > LONGEST):  # text such as 1e-30000000 would take minutes
        raise ValueError(f"{name}: got {shown[:20]!r}..., want at most {LONGEST} digits")
    try:
        exact = Fraction(value if isinstance(value, int | Fraction) else shown)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{name}: got {value!r}, want a number strictly between 0 and 1") from None
    if not 0 < exact < 1:
        raise ValueError(f"{name}: got {value}, want a number strictly between 0 and 1")
    return exact


def sizes(name: str, value: object) -> tuple[int, ...]:
    """A shape: one length or a tuple of lengths, each at least 0.

    Raises:
        ValueError: it is not one.

    Example:
        >>> sizes("shape", 3), sizes("shape", (2, 5))
        ((3,), (2, 5))
    """
    return tuple(integer(name, n, 0) for n in (value if isinstance(value, tuple) else (value,)))


def generator(name: str, value: object) -> np.random.Generator:
    """A numpy random Generator.

    Raises:
        ValueError: it is not one.

    Example:
        >>> generator("rng", 0)
        Traceback (most recent call last):
        ValueError: rng: got a int, want a numpy.random.Generator
    """
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name}: got a {type(value).__name__}, want a numpy.random.Generator")
    return value


def is_exact(array: NDArray[Any]) -> bool:
    """True for arrays of Fractions or Python integers (dtype object).

    Example:
        >>> is_exact(np.array([Fraction(1, 2), 3], dtype=object)), is_exact(np.array([0.5]))
        (True, False)
    """
    return array.dtype == object and all(isinstance(x, int | Fraction) for x in array.flat)


def finite_array(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """An array of finite numbers with the given shape (None: any length), exact or floating.

    Raises:
        ValueError: wrong shape, not numeric, or NaN or infinite entries.

    Example:
        >>> finite_array("x", [[1.0, 2.0]], (None, 2)).shape
        (1, 2)
    """
    try:
        array = np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name}: got a ragged sequence, want an array of shape {_shape(shape)}") from error
    if array.ndim != len(shape) or any(w not in (None, n) for n, w in zip(array.shape, shape, strict=True)):
        raise ValueError(f"{name}: got shape {array.shape}, want {_shape(shape)}")
    if is_exact(array):
        return array
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name}: got dtype {array.dtype}, want real numbers")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got NaN or infinite entries, want finite numbers")
    return array


def _shape(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
