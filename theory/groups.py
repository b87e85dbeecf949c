r"""The groups of linear maps under which a learner may be equivariant.

Each acts on points by ``x -> g x`` and on the first layer's weights by ``W -> W g^-1``, so that
``W x`` is unchanged. Points are rows here, so a data matrix of shape (n, d) becomes ``X g^T``.

The inclusions, as a lattice::

    cyclic_shift < permutation < signed_permutation < orthogonal < general_linear
                     sign_flip < signed_permutation

Exact elements are object arrays of `fractions.Fraction`; float elements are float64.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.validate import finite_array, generator, integer, is_exact

__all__ = [
    "CYCLIC_SHIFT",
    "FINITE",
    "GENERAL_LINEAR",
    "GROUPS",
    "ORTHOGONAL",
    "PERMUTATION",
    "SIGNED_PERMUTATION",
    "SIGN_FLIP",
    "Group",
    "act_on_points",
    "act_on_weights",
    "cayley",
    "inverse",
    "is_subgroup",
]

Matrix = NDArray[Any]


@dataclass(frozen=True)
class Group:
    """A group of invertible d x d matrices, for every d >= 1.

    Attributes:
        name: its key in `GROUPS`.
        title: what people call it.
        letter: the mathematical symbol.
        inside: names of the smallest groups here that contain it.
    """

    name: str
    title: str
    letter: str
    inside: tuple[str, ...]
    _exact: Callable[[int, random.Random], Matrix]
    _haar: Callable[[int, np.random.Generator], Matrix]
    _contains: Callable[[Matrix], bool]
    _elements: Callable[[int], Iterator[Matrix]] | None = None

    def exact_element(self, d: int, rng: random.Random) -> Matrix:
        """A random element with rational entries, shape (d, d), dtype object.

        Raises:
            ValueError: d < 1.

        Example:
            >>> g = ORTHOGONAL.exact_element(3, random.Random(0))
            >>> bool((g @ g.T == np.eye(3, dtype=int)).all())
            True
        """
        if not isinstance(rng, random.Random):
            raise ValueError(f"rng: got a {type(rng).__name__}, want a random.Random")
        return self._exact(integer("d", d, 1), rng)

    def float_element(self, d: int, rng: np.random.Generator) -> Matrix:
        """A random float64 element, shape (d, d): Haar (uniform) for the compact groups.

        GL(d) has no uniform law; there it is Q diag(s) R with Q, R Haar-orthogonal and the
        singular values s log-uniform in [1/2, 2], so well conditioned.

        Raises:
            ValueError: d < 1.
        """
        return self._haar(integer("d", d, 1), generator("rng", rng))

    def contains(self, g: ArrayLike) -> bool:
        """Exact membership of a square matrix of Fractions or integers.

        Raises:
            ValueError: not square, or not exact (for floats membership is a matter of rounding).
        """
        matrix = _square("g", g)
        if not is_exact(matrix) and matrix.dtype.kind not in "iu":
            raise ValueError(f"g: got dtype {matrix.dtype}, want exact entries (Fraction or int)")
        return bool(self._contains(_fractions(matrix)))

    def elements(self, d: int) -> Iterator[Matrix]:
        """All elements of a finite group, exactly.

        Raises:
            ValueError: the group is infinite, or d < 1.
        """
        if self._elements is None:
            raise ValueError(f"group: {self.name} is infinite, want one of {', '.join(FINITE)}")
        return self._elements(integer("d", d, 1))


def cayley(skew: ArrayLike) -> Matrix:
    """The Cayley transform (I - A)^-1 (I + A) of a skew-symmetric A: a rational rotation if A is rational.

    Raises:
        ValueError: A is not square, not exact, or not skew-symmetric.

    Example:
        >>> cayley([[0, Fraction(1, 2)], [Fraction(-1, 2), 0]])[0].tolist()
        [Fraction(3, 5), Fraction(4, 5)]
    """
    a = _square("skew", skew if isinstance(skew, np.ndarray) else np.asarray(skew, dtype=object))
    a = _fractions(a) if a.dtype.kind in "iu" else a
    if not is_exact(a) or not (a == -a.T).all():
        raise ValueError("skew: got a matrix that is not exactly skew-symmetric, want A = -A^T over the rationals")
    identity = _identity(len(a))
    rotation: Matrix = inverse(identity - a) @ (identity + a)
    return rotation


def inverse(g: ArrayLike) -> Matrix:
    """The inverse of a square matrix: exact for exact entries, else in floating point.

    Raises:
        ValueError: not square, not finite, or singular (for floats: singular to working precision).

    Example:
        >>> inverse(np.array([[2, 0], [0, 4]], dtype=object))[1, 1]
        Fraction(1, 4)
    """
    matrix = _square("g", g)
    if is_exact(matrix):
        return _exact_inverse(_fractions(matrix))
    floats = matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float64)
    if np.linalg.cond(floats) * np.finfo(floats.dtype).eps >= 1:
        raise ValueError("g: got a singular matrix, want an invertible one")
    return np.linalg.inv(floats)


def act_on_points(g: ArrayLike, points: ArrayLike) -> Matrix:
    """``x -> g x`` on points given as rows: (d, d) and (n, d) give (n, d).

    Raises:
        ValueError: shapes that do not fit, NaN or infinite entries.

    Example:
        >>> act_on_points([[0, 1], [1, 0]], [[3.0, 5.0]]).tolist()
        [[5.0, 3.0]]
    """
    matrix = _square("g", g)
    return _product(finite_array("points", points, (None, len(matrix))), matrix.T)


def act_on_weights(g: ArrayLike, weights: ArrayLike) -> Matrix:
    """``W -> W g^-1`` on first-layer weights: (d, d) and (h, d) give (h, d).

    Raises:
        ValueError: shapes that do not fit, NaN or infinite entries, or a singular g.

    Example:
        >>> act_on_weights([[2.0]], [[3.0]]).tolist()
        [[1.5]]
    """
    matrix = _square("g", g)
    return _product(finite_array("weights", weights, (None, len(matrix))), inverse(matrix))


def is_subgroup(small: Group, large: Group) -> bool:
    """Is one of the groups here contained in another, for every d?

    Example:
        >>> is_subgroup(SIGN_FLIP, ORTHOGONAL), is_subgroup(SIGN_FLIP, PERMUTATION)
        (True, False)
    """
    return small.name == large.name or any(is_subgroup(GROUPS[up], large) for up in small.inside)


def _product(a: Matrix, b: Matrix) -> Matrix:
    """In floating point if either factor is, else exactly: machine integers would wrap round."""
    dtype = (
        np.result_type(*(m.dtype for m in (a, b) if m.dtype.kind == "f"))
        if "f" in a.dtype.kind + b.dtype.kind
        else object
    )
    product: Matrix = a.astype(dtype) @ b.astype(dtype)
    return product


def _square(name: str, g: ArrayLike) -> Matrix:
    matrix = finite_array(name, g, (None, None))
    if matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(f"{name}: got shape {matrix.shape}, want a square matrix (d, d) with d >= 1")
    return matrix


def _fractions(matrix: Matrix) -> Matrix:
    return np.array([[Fraction(int(x)) if not isinstance(x, Fraction) else x for x in row] for row in matrix], object)


def _identity(d: int) -> Matrix:
    return _fractions(np.eye(d, dtype=int))


def _exact_inverse(matrix: Matrix) -> Matrix:
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix
    from sympy.polys.matrices.exceptions import DMNonInvertibleMatrixError

    rows = [[QQ(x.numerator, x.denominator) for x in row] for row in matrix]
    try:
        solved = DomainMatrix(rows, matrix.shape, QQ).inv().to_list()
    except DMNonInvertibleMatrixError:
        raise ValueError("g: got a singular matrix, want an invertible one") from None
    return np.array([[Fraction(int(x.numerator), int(x.denominator)) for x in row] for row in solved], object)


def _signs(d: int, rng: random.Random) -> Matrix:
    return _fractions(np.diag([rng.choice((-1, 1)) for _ in range(d)]))


def _permutation(order: tuple[int, ...] | list[int]) -> Matrix:
    return _identity(len(order))[list(order)]


def _exact_orthogonal(d: int, rng: random.Random) -> Matrix:
    # Every orthogonal matrix is a sign flip times a Cayley transform, so both components are reached.
    a = np.full((d, d), Fraction(0), dtype=object)
    for i, j in itertools.combinations(range(d), 2):
        a[i, j] = Fraction(rng.randint(-4, 4), rng.randint(1, 4))
        a[j, i] = -a[i, j]
    return _signs(d, rng) @ cayley(a)


def _exact_linear(d: int, rng: random.Random) -> Matrix:
    while True:
        g = np.array([[Fraction(rng.randint(-4, 4), rng.randint(1, 3)) for _ in range(d)] for _ in range(d)], object)
        try:
            inverse(g)
        except ValueError:
            continue
        return g


def _haar_orthogonal(d: int, rng: np.random.Generator) -> Matrix:
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(q * np.sign(np.diag(r)))  # the signs make QR's Q exactly Haar


def _float_linear(d: int, rng: np.random.Generator) -> Matrix:
    singular = np.exp2(rng.uniform(-1, 1, d))
    return _haar_orthogonal(d, rng) * singular @ _haar_orthogonal(d, rng)


def _all_signs(d: int) -> Iterator[Matrix]:
    return (_fractions(np.diag(s)) for s in itertools.product((1, -1), repeat=d))


def _all_permutations(d: int) -> Iterator[Matrix]:
    return (_permutation(p) for p in itertools.permutations(range(d)))


def _all_shifts(d: int) -> Iterator[Matrix]:
    return (_permutation([(i + k) % d for i in range(d)]) for k in range(d))


def _all_signed(d: int) -> Iterator[Matrix]:
    return (s @ p for s in _all_signs(d) for p in _all_permutations(d))


def _is_orthogonal(g: Matrix) -> bool:
    return bool((g @ g.T == _identity(len(g))).all())


def _is_signed_permutation(g: Matrix) -> bool:
    return _is_orthogonal(g) and all(x in (-1, 0, 1) for x in g.flat)


def _is_permutation(g: Matrix) -> bool:
    return _is_signed_permutation(g) and all(x >= 0 for x in g.flat)


def _is_shift(g: Matrix) -> bool:
    return any((g == shift).all() for shift in _all_shifts(len(g)))


def _is_sign_flip(g: Matrix) -> bool:
    return _is_signed_permutation(g) and all(g[i, i] for i in range(len(g)))


def _is_invertible(g: Matrix) -> bool:
    try:
        inverse(g)
    except ValueError:
        return False
    return True


def _rounded(exact: Callable[[int, random.Random], Matrix]) -> Callable[[int, np.random.Generator], Matrix]:
    """The float sampler of a finite group: its entries are -1, 0, 1, and the exact sampler is uniform."""
    return lambda d, rng: exact(d, random.Random(int(rng.integers(2**63)))).astype(np.float64)


def _some_permutation(d: int, rng: random.Random) -> Matrix:
    return _permutation(rng.sample(range(d), d))


def _some_signed(d: int, rng: random.Random) -> Matrix:
    return _signs(d, rng) @ _some_permutation(d, rng)


def _some_shift(d: int, rng: random.Random) -> Matrix:
    k = rng.randrange(d)
    return _permutation([(i + k) % d for i in range(d)])


def _finite(
    name: str,
    title: str,
    letter: str,
    inside: str,
    sample: Callable[[int, random.Random], Matrix],
    contains: Callable[[Matrix], bool],
    elements: Callable[[int], Iterator[Matrix]],
) -> Group:
    return Group(name, title, letter, (inside,), sample, _rounded(sample), contains, elements)


CYCLIC_SHIFT = _finite("cyclic_shift", "cyclic shifts", "Z_d", "permutation", _some_shift, _is_shift, _all_shifts)
"""Z_d: the coordinates move round in a circle."""
SIGN_FLIP = _finite("sign_flip", "sign flips", "{+-1}^d", "signed_permutation", _signs, _is_sign_flip, _all_signs)
"""{+-1}^d: diagonal matrices of signs."""
PERMUTATION = _finite(
    "permutation", "permutations", "S_d", "signed_permutation", _some_permutation, _is_permutation, _all_permutations
)
"""S_d: permutation matrices."""
SIGNED_PERMUTATION = _finite(
    "signed_permutation",
    "signed permutations",
    "B_d",
    "orthogonal",
    _some_signed,
    _is_signed_permutation,
    _all_signed,
)
"""B_d: one entry +-1 in each row and column, else 0."""
ORTHOGONAL = Group(
    "orthogonal", "orthogonal", "O(d)", ("general_linear",), _exact_orthogonal, _haar_orthogonal, _is_orthogonal
)
"""O(d): rotations and reflections."""
GENERAL_LINEAR = Group("general_linear", "linear", "GL(d)", (), _exact_linear, _float_linear, _is_invertible)
"""GL(d): all invertible matrices."""
GROUPS = {g.name: g for g in (CYCLIC_SHIFT, SIGN_FLIP, PERMUTATION, SIGNED_PERMUTATION, ORTHOGONAL, GENERAL_LINEAR)}
"""All groups here by name."""
FINITE = tuple(g.name for g in GROUPS.values() if g._elements is not None)
"""The names of the finite ones, whose elements can be enumerated."""
