r"""Fourier analysis on {-1, 1}^n in exact integers, for the k-patterns of `theory.kpattern`.

A function on the cube is an array of its 2^n values; place p holds the point whose entry i is -1 where bit i of p is
set, and place S of the transform belongs to the set of the bits of S. Whole rows of functions are transformed at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.validate import integer

__all__ = ["LARGEST", "beside", "cube", "mask", "sizes_of", "walsh"]

claim(
    "kpattern-parseval",
    kind="lemma",
    title="Bits make an orthonormal basis",
    statement=r"\mathbb{E}\, \chi_S(x) \chi_T(x) = [S = T]; \qquad \sum_{S \in \mathcal{F}} "
    r"\bigl(\mathbb{E}\, s(x) \chi_S(x)\bigr)^2 \le \mathbb{E}\, s(x)^2",
    source="folklore, proved here",
    hypotheses=(
        r"x \text{ uniform on } \{\pm1\}^n,\ n \ge 1,\ \chi_S(x) = \textstyle\prod_{i \in S} x_i",
        r"\mathcal{F} \text{ is any family of sets},\ s: \{\pm1\}^n \to \mathbb{R}",
    ),
)

LARGEST = 24
"""Bits of the largest cube: an array of 2^24 points."""


def cube(n: int) -> NDArray[np.int64]:
    """All points of {-1, 1}^n in the module's order, shape (2^n, n).

    Args:
        n: number of bits, in [0, 24].

    Raises:
        ValueError: n out of range.

    Example:
        >>> cube(2).tolist()
        [[1, 1], [-1, 1], [1, -1], [-1, -1]]
    """
    n = integer("n", n, 0, LARGEST)
    found: NDArray[np.int64] = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    return found


def walsh(values: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> NDArray[np.int64]:
    """The sums over x of chi_S(x) f(x), that is 2^n times the Fourier coefficients, exactly.

    Args:
        values: integers of shape (..., 2^n), each function's in absolute value at most 2^(62-n).

    Returns:
        Integers of the same shape, with the set S at place S.

    Raises:
        ValueError: no integers, or a length that is not a power of two.

    Example:
        >>> walsh(np.array([1, -1, -1, 1])).tolist()  # the parity of two bits
        [0, 0, 0, 4]
    """
    found = np.asarray(values)
    length = found.shape[-1] if found.ndim else 0
    if found.dtype.kind not in "biu" or length < 1 or length & (length - 1):
        raise ValueError(f"values: got {found.dtype} of shape {found.shape}, want integers of shape (..., 2^n)")
    found = found.astype(np.int64)
    step = 1
    while step < length:
        pairs = found.reshape(*found.shape[:-1], length // (2 * step), 2, step)
        even, odd = pairs[..., 0, :], pairs[..., 1, :]
        found = np.stack((even + odd, even - odd), axis=-2).reshape(found.shape)
        step *= 2
    return found


def mask(members: Iterable[int]) -> int:
    """The place of a set in the transform.

    Example:
        >>> mask([0, 2])
        5
    """
    return sum(1 << i for i in set(members))


def beside(members: int, n: int) -> NDArray[np.int64]:
    """The places of the n sets I xor {j}, j = 0, ..., n-1, for the set at place I.

    Example:
        >>> beside(mask([0, 1]), 3).tolist()
        [2, 1, 7]
    """
    return members ^ (1 << np.arange(integer("n", n, 1, LARGEST)))


def sizes_of(n: int) -> NDArray[np.int64]:
    """The number of elements of each set, shape (2^n,).

    Example:
        >>> sizes_of(2).tolist()
        [0, 1, 1, 2]
    """
    found: NDArray[np.int64] = (cube(n) < 0).sum(axis=1)
    return found


@proves(
    "kpattern-parseval",
    "entry by entry, then by completing the square, for every n",
    by=Trust.EXACT,
    mutant=Mutant("an input is +1 twice as often as -1", values=(-1, 1, 1)),
)
def bessel(values: tuple[int, ...] = (-1, 1)) -> Evidence:
    """E chi_S chi_T is the product over entries of E x^(a+b), a = [i in S], b = [i in T], which is [a = b].

    With q = E s^2 and p the sum of the squared coefficients c_S over the family, 0 <= E (s - sum c_S chi_S)^2 = q - p.
    """
    return all_of(
        decide.every(
            "the mean of x^a x^b over one input is 1 if a = b, else 0",
            itertools.product((0, 1), repeat=2),
            lambda c: Fraction(sum(x ** (c[0] + c[1]) for x in values), len(values)) == (c[0] == c[1]),
        ),
        decide.same_polynomial("q - 2*p + p", "q - p"),
        decide.every(
            "all squares sum to E s^2: s of values -1, 0, 1 on 2 bits and of values +-1 on 3 bits",
            [*itertools.product((-1, 0, 1), repeat=4), *itertools.product((-1, 1), repeat=8)],
            lambda s: int(np.square(walsh(np.array(s))).sum()) == len(s) * sum(v * v for v in s),
        ),
        summary="characters are orthonormal, so 0 <= E (s - sum_S c_S chi_S)^2 = q - p for any family of sets",
    )
