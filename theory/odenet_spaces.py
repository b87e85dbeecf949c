r"""Four families of functions of t in [0, 1], exact: piecewise constants, hats, discontinuous linear ones, polynomials.

A basis function is a piecewise polynomial with rational breaks and coefficients, so that Gram matrices and the
L2 projections between any two spaces are rational matrices: products are integrated cell by cell of the common
refinement, which is the only quadrature that is exact for functions with jumps.

With K functions: ``constant`` has K cells; ``hats`` has K nodes, hence K - 1 cells; ``linear`` has K/2 cells with two
functions each, which are 1 at one end of the cell and 0 at the other; ``polynomial`` has the Legendre polynomials of
degree below K, moved to [0, 1].
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from theory.validate import integer

__all__ = [
    "BASES",
    "Matrix",
    "Piecewise",
    "Space",
    "gram",
    "inner",
    "midpoints",
    "nests",
    "product",
    "projection",
    "solve",
    "transposed",
    "values",
]

BASES = ("constant", "hats", "linear", "polynomial")
"""The names of the bases."""
LEAST = {"constant": 1, "hats": 2, "linear": 2, "polynomial": 1}
Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]
"""Rows of exact numbers."""
Coefficients: TypeAlias = tuple[Fraction, ...]


@dataclass(frozen=True)
class Piecewise:
    """A function that is a polynomial on each of some adjacent cells, and zero elsewhere.

    Attributes:
        breaks: the ends of the cells, increasing, in [0, 1].
        pieces: for each cell the coefficients of 1, t, t^2, ...
    """

    breaks: tuple[Fraction, ...]
    pieces: tuple[Coefficients, ...]

    def __call__(self, t: Fraction) -> Fraction:
        """The value at t, where it jumps the limit from the right; at t = 1 from the left.

        Example:
            >>> step = Space("constant", 2).functions[1]
            >>> step(Fraction(1, 2)), step(Fraction(1))
            (Fraction(1, 1), Fraction(1, 1))
        """
        return self.from_left(t) if t == 1 else _at(self._piece(bisect.bisect_right(self.breaks, t)), t)

    def from_left(self, t: Fraction) -> Fraction:
        """The limit at t from the left."""
        return _at(self._piece(bisect.bisect_left(self.breaks, t)), t)

    def _piece(self, place: int) -> Coefficients:
        return self.pieces[place - 1] if 0 < place < len(self.breaks) else ()


@dataclass(frozen=True)
class Space:
    """The span of the first functions of a basis.

    Args:
        basis: one of `BASES`.
        size: K, the number of basis functions: at least 2 for ``hats``, even for ``linear``, else at least 1.

    Raises:
        ValueError: an unknown basis, or a size that it does not have.

    Example:
        >>> [f(Fraction(1, 4)) for f in Space("hats", 3).functions]
        [Fraction(1, 2), Fraction(1, 2), Fraction(0, 1)]
    """

    basis: str
    size: int

    def __post_init__(self) -> None:
        if self.basis not in BASES:
            raise ValueError(f"basis: got {self.basis!r}, want one of {', '.join(BASES)}")
        integer("size", self.size, LEAST[self.basis])
        if self.basis == "linear" and self.size % 2:
            raise ValueError(f"size: got {self.size}, want an even number, two functions for each cell")

    def __str__(self) -> str:
        return f"{self.basis} {self.size}"

    @property
    def functions(self) -> tuple[Piecewise, ...]:
        """The basis functions."""
        return _functions(self)


def inner(f: Piecewise, g: Piecewise) -> Fraction:
    """The integral of f g over [0, 1], exact.

    Example:
        >>> left, middle, _ = Space("hats", 3).functions
        >>> inner(left, left), inner(left, middle)
        (Fraction(1, 6), Fraction(1, 12))
    """
    low, high = max(f.breaks[0], g.breaks[0]), min(f.breaks[-1], g.breaks[-1])
    ends = sorted({low, high, *(t for t in (*f.breaks, *g.breaks) if low < t < high)}) if low < high else []
    total = Fraction(0)
    for a, b in itertools.pairwise(ends):
        middle = (a + b) / 2
        p, q = (h._piece(bisect.bisect_right(h.breaks, middle)) for h in (f, g))
        total += _integral(_times(p, q), a, b)
    return total


@functools.cache
def gram(rows: Space, columns: Space) -> Matrix:
    """The integrals of products of two bases, shape (rows.size, columns.size).

    Example:
        >>> gram(Space("polynomial", 2), Space("polynomial", 2))[1]
        (Fraction(0, 1), Fraction(1, 3))
    """
    return tuple(tuple(inner(f, g) for g in columns.functions) for f in rows.functions)


@functools.cache
def projection(source: Space, target: Space) -> Matrix:
    """The matrix of the L2 projection: from coefficients in the source to those in the target.

    It solves (Gram matrix of the target) P = (integrals of target times source); shape (target.size, source.size).

    Example:
        >>> projection(Space("constant", 4), Space("constant", 2))[0]
        (Fraction(1, 2), Fraction(1, 2), Fraction(0, 1), Fraction(0, 1))
    """
    return solve(gram(target, target), gram(target, source))


def values(space: Space, points: Sequence[Fraction]) -> Matrix:
    """The basis functions at some points, shape (points, size).

    Example:
        >>> values(Space("constant", 2), [Fraction(1, 4)])
        ((Fraction(1, 1), Fraction(0, 1)),)
    """
    return tuple(tuple(f(t) for f in space.functions) for t in points)


def midpoints(steps: int) -> list[Fraction]:
    """The middles (2k + 1)/(2N) of N equal steps from 0 to 1.

    Raises:
        ValueError: no step.

    Example:
        >>> midpoints(2)
        [Fraction(1, 4), Fraction(3, 4)]
    """
    n = integer("steps", steps, 1)
    return [Fraction(2 * k + 1, 2 * n) for k in range(n)]


def nests(small: Space, large: Space) -> bool:
    """Is every function of the small space in the large one? Exact: do projections keep all inner products?

    Example:
        >>> nests(Space("hats", 3), Space("linear", 4)), nests(Space("constant", 2), Space("hats", 9))
        (True, False)
    """
    kept = product(gram(small, large), projection(small, large))
    return kept == gram(small, small)


def product(a: Matrix, b: Matrix) -> Matrix:
    """The product of two exact matrices.

    Raises:
        ValueError: shapes that do not fit.
    """
    if len(a[0]) != len(b):
        raise ValueError(f"b: got {len(b)} rows, want {len(a[0])}, the number of columns of a")
    columns = tuple(zip(*b, strict=True))
    return tuple(
        tuple(sum((x * y for x, y in zip(row, column, strict=True) if x and y), Fraction(0)) for column in columns)
        for row in a
    )


def transposed(a: Matrix) -> Matrix:
    """The transpose of an exact matrix."""
    return tuple(zip(*a, strict=True))


def solve(a: Matrix, b: Matrix) -> Matrix:
    """The exact solution X of A X = B for a square A.

    Raises:
        ValueError: A is singular, or the shapes do not fit.

    Example:
        >>> solve(((Fraction(2),),), ((Fraction(1),),))
        ((Fraction(1, 2),),)
    """
    if len(a) != len(a[0]) or len(a) != len(b):
        raise ValueError(f"a, b: got {len(a)} x {len(a[0])} and {len(b)} rows, want a square system")
    try:
        found = _rationals(a).solve(_rationals(b))
    except ZeroDivisionError:
        raise ValueError("a: got a singular matrix, want an invertible one") from None
    return tuple(
        tuple(Fraction(int(found[i, j].p), int(found[i, j].q)) for j in range(len(b[0]))) for i in range(len(a))
    )


def _rationals(a: Matrix) -> Any:
    import flint

    return flint.fmpq_mat(len(a), len(a[0]), [flint.fmpq(x.numerator, x.denominator) for row in a for x in row])


@functools.cache
def _functions(space: Space) -> tuple[Piecewise, ...]:
    size = space.size
    if space.basis == "constant":
        return tuple(_on(k, k + 1, size, [(Fraction(1),)]) for k in range(size))
    if space.basis == "hats":
        return tuple(_hat(k, size - 1) for k in range(size))
    if space.basis == "linear":
        cells = size // 2
        return tuple(_on(k, k + 1, cells, [ramp(k, cells)]) for k in range(cells) for ramp in (_falling, _rising))
    return tuple(Piecewise((Fraction(0), Fraction(1)), (_legendre(k),)) for k in range(size))


def _on(first: int, last: int, cells: int, pieces: Iterable[Coefficients]) -> Piecewise:
    return Piecewise(tuple(Fraction(k, cells) for k in range(first, last + 1)), tuple(pieces))


def _hat(node: int, cells: int) -> Piecewise:
    first, last = max(0, node - 1), min(cells, node + 1)
    return _on(first, last, cells, [(_rising if k < node else _falling)(k, cells) for k in range(first, last)])


def _rising(cell: int, cells: int) -> Coefficients:
    return Fraction(-cell), Fraction(cells)


def _falling(cell: int, cells: int) -> Coefficients:
    return Fraction(cell + 1), Fraction(-cells)


def _legendre(degree: int) -> Coefficients:
    return tuple(
        Fraction((-1) ** (degree + j) * math.comb(degree, j) * math.comb(degree + j, j)) for j in range(degree + 1)
    )


def _at(coefficients: Coefficients, t: Fraction) -> Fraction:
    return sum((c * t**k for k, c in enumerate(coefficients)), Fraction(0))


def _times(p: Coefficients, q: Coefficients) -> Coefficients:
    result = [Fraction(0)] * max(0, len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            result[i + j] += a * b
    return tuple(result)


def _integral(p: Coefficients, a: Fraction, b: Fraction) -> Fraction:
    return sum((c * (b ** (k + 1) - a ** (k + 1)) / (k + 1) for k, c in enumerate(p)), Fraction(0))
