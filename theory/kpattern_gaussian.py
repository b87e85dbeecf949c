r"""The first gradient of a ReLU unit with Gaussian weights on a k-pattern, exactly.

Two points whose inner products with (w, b) have correlation r are on the same side of the unit with probability
1 - arccos(r)/pi. The mean square of a coefficient is therefore one of arcsin, a finite sum over the number of entries
in which two points differ.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern_gradient import TASK
from theory.kpattern_walsh import cube, sizes_of, walsh
from theory.validate import integer, real

__all__ = ["gaussian_gradient", "krawtchouk"]

PRECISION = 256
"""Bits in which the sums are enclosed."""
MOST = 10**6
"""The largest ratio of variances; far beyond it the unit is constant at nearly all draws."""

claim(
    "kpattern-gradient-gaussian",
    kind="theorem",
    title="The first gradient of a Gaussian ReLU unit on a k-pattern",
    statement=r"\mathbb{E}_{w,b} \sum_{j=1}^n \bigl(\mathbb{E}_x\, \chi_I(x)\, x_j\, [w \cdot x + b > 0]\bigr)^2 = "
    r"\frac{1}{2\pi} \bigl(k A_{k-1} + (n-k) A_{k+1}\bigr),\quad A_m = \mathbb{E}_z\, z_1 \cdots z_m "
    r"\arcsin \frac{\bar z + \beta}{1 + \beta}; \qquad \text{it is } 0 \text{ for } \beta = 0 \text{ and odd } k",
    source="ours",
    hypotheses=(
        TASK,
        r"k \ge 2",
        r"w \sim N(0, \tau^2 I_n),\ b \sim N(0, \beta n \tau^2) \text{ independent},\ \tau > 0,\ \beta \ge 0",
        r"z \text{ uniform on } \{\pm1\}^n,\ \bar z = (z_1 + \dots + z_n)/n;\ A_{n+1} \text{ is not needed}",
    ),
)


def krawtchouk(n: int, m: int, t: int) -> int:
    """The sum of chi_S(z) over all S of m elements, at a point z with t entries -1 of n.

    Example:
        >>> [krawtchouk(4, 2, t) for t in range(5)]
        [6, 0, -2, 0, 6]
    """
    return sum((-1) ** i * math.comb(t, i) * math.comb(n - t, m - i) for i in range(m + 1))


def gaussian_gradient(n: int, k: int, bias: Fraction | int = 0) -> tuple[float, float]:
    """Encloses the mean squared first gradient of a Gaussian ReLU unit (claim kpattern-gradient-gaussian).

    Args:
        n: number of bits, at most 64.
        k: length of the pattern, in [2, n].
        bias: beta, the variance of the bias over that of w.x, in [0, 10^6].

    Returns:
        Lower and upper end, rounded outward; both 0 where it is 0.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> low, high = gaussian_gradient(32, 4)
        >>> round(low * 1e6, 3), high - low < 1e-19
        (24.441, True)
    """
    n = integer("n", n, 2, 64)
    k = integer("k", k, 2, n)
    real("bias", bias, 0, MOST)
    return _enclosure(n, k, Fraction(bias))


@functools.cache
def _enclosure(n: int, k: int, bias: Fraction) -> tuple[float, float]:
    import flint

    if not bias and k % 2:
        return 0.0, 0.0
    before, flint.ctx.prec = flint.ctx.prec, PRECISION
    try:
        total = k * _level(n, k - 1, bias) + ((n - k) * _level(n, k + 1, bias) if k < n else 0)
        low, high = (float(end) for end in _ends(total / (2 * flint.arb.pi())))
    finally:
        flint.ctx.prec = before
    return max(0.0, math.nextafter(low, -math.inf)), math.nextafter(high, math.inf)


def _level(n: int, m: int, bias: Fraction) -> Any:
    """A ball around A_m."""
    import flint

    found = flint.arb(0)
    for t in range(n + 1):
        weight, r = _term(n, m, t, bias)
        found += _ball(weight) * _ball(r).asin()
    return found


def _term(n: int, m: int, t: int, bias: Fraction) -> tuple[Fraction, Fraction]:
    """The weight and the correlation of the points that differ from a given one in t entries."""
    weight = Fraction(math.comb(n, t) * krawtchouk(n, m, t), 2**n * math.comb(n, m))
    return weight, (Fraction(n - 2 * t, n) + bias) / (1 + bias)


def _ball(number: Fraction) -> Any:
    import flint

    return flint.arb(flint.fmpq(number.numerator, number.denominator))


def _ends(ball: Any) -> tuple[Any, Any]:
    return ball.lower(), ball.upper()


@proves(
    "kpattern-gradient-gaussian",
    "two points are on different sides with probability theta/pi",
    by=Trust.EXACT,
    mutant=Mutant("the two half circles differ on one arc only", arcs=1),
)
def half_circles(arcs: int = 2) -> Evidence:
    """The direction of the Gaussian vector in the plane of (x, b-axis) and (x', b-axis) is uniform.

    The open half circles around 0 and theta, of half length q = pi/2, differ on arcs of length theta at either end,
    for 0 <= theta <= 2 q; the whole circle is 4 q. So E sign sign' = 1 - 2 theta/(2 q) = (q - theta)/q = arcsin(r)/q.
    """
    return all_of(
        decide.same_polynomial("(theta - q) - (0 - q)", "theta"),
        decide.same_polynomial("(theta + q) - (0 + q)", "theta"),
        decide.same_polynomial(f"4*q - 2*({arcs}*theta)", "4*(q - theta)"),
        decide.every(
            "of 4 m directions at odd multiples of pi/(4 m), as many as 4 i differ in sign for theta = pi i/m, m <= 24",
            [(m, i) for m in range(1, 25) for i in range(m + 1)],
            lambda c: _differing(*c) * 2 == arcs * 4 * c[1],
        ),
        summary="E sign(w.x + b) sign(w.x' + b) = (2/pi) arcsin(r), r the correlation",
    )


@proves(
    "kpattern-gradient-gaussian",
    "the correlation is (z + beta)/(1 + beta), z the mean of x_i x'_i",
    by=Trust.EXACT,
    mutant=Mutant("the bias is not shared by the two points", shared=0),
)
def correlation(shared: int = 1) -> Evidence:
    """Covariance tau^2 (n z + beta n) over variance tau^2 (n + beta n); the variance is positive."""
    return all_of(
        decide.same_polynomial(f"(v*n*z + {shared}*v*beta*n)*(1 + beta)", "(z + beta)*(v*n + v*beta*n)"),
        decide.every(
            "E x_i^2 = 1 and the entries of x x' are uniform when x and x' are: n <= 4",
            range(1, 5),
            _products_are_uniform,
        ),
        summary="the variance is the same at all x, and r = (z + beta)/(1 + beta)",
    )


@proves(
    "kpattern-gradient-gaussian",
    "the mean square at S is a coefficient of the function of z",
    by=Trust.EXACT,
    mutant=Mutant("the empty set is claimed too", smallest=0),
    uses=("kpattern-gradient",),
)
def square_is_a_coefficient(smallest: int = 1) -> Evidence:
    """c_S^2 = E_x E_x' chi_S(x) chi_S(x') s(x) s(x') with s = (1 + sign)/2: for S not empty the 1 falls out.

    So E c_S^2 = (1/4) (2/pi) A_|S|, p = 1/pi. The unit is 0 with probability 0. The k sets of k-1 and the n-k sets
    of k+1 elements are those of kpattern-gradient, and k-1 >= 1.
    """
    return all_of(
        decide.every(
            "4 c_S(s)^2 is the coefficient of E_x f(x) f(x z), s = (1 + f)/2, all f of values +-1, n = 3",
            [(f, s) for f in itertools.product((-1, 1), repeat=8) for s in range(8) if sizes_of(3)[s] >= smallest],
            lambda c: _self_correlates(*c),
        ),
        decide.same_polynomial("1/4*(2*p*A)", "1/2*p*A"),
        summary="E c_S^2 = A_|S|/(2 pi) for S not empty",
    )


@proves(
    "kpattern-gradient-gaussian",
    "levels by the number of entries that differ, n <= 10; all of them sum to 1; odd k without bias",
    by=Trust.EXACT,
    mutant=Mutant("the number of minus signs counts double", step=2),
    uses=("kpattern-gradient",),
)
def krawtchouk_sums(step: int = 1) -> Evidence:
    """E z_1..z_m g(number of -1) = sum_t C(n, t) K_m(t) g(t)/(2^n C(n, m)). For odd g only odd m give anything."""
    return all_of(
        decide.every(
            "the sum of chi_S over |S| = m is K_m(t), at every point, n <= 10",
            range(1, 11),
            lambda n: _characters_sum(n, step),
        ),
        decide.every(
            "sum_m K_m(t) = 2^n at t = 0, else 0: the mean squares sum to (2/pi) arcsin 1 = 1, n <= 24",
            [(n, t) for n in range(1, 25) for t in range(n + 1)],
            lambda c: sum(krawtchouk(c[0], m, c[1]) for m in range(c[0] + 1)) == (2 ** c[0] if c[1] == 0 else 0),
        ),
        decide.same_polynomial("(-z1)*(-z2)", "z1*z2"),
        decide.every(
            "z -> -z changes the sign of z_1..z_m times an odd function for even m: K_m(n-t) = K_m(t), n <= 24",
            [(n, m, t) for n in range(1, 25) for m in range(0, n + 1, 2) for t in range(n + 1)],
            lambda c: krawtchouk(c[0], c[1], c[0] - c[2]) == krawtchouk(*c),
        ),
        summary="A_m is a finite sum over t; it is 0 for even m if beta = 0",
    )


def _differing(m: int, i: int) -> int:
    """Of directions pi (2 a + 1)/(4 m), a < 4 m, how many have different signs of cosine at angles 0 and pi i/m."""

    def side(a: int, shift: int) -> bool:
        place = (2 * a + 1 - 4 * shift) % (8 * m)  # in units of pi/(4 m)
        return place < 2 * m or place > 6 * m

    return sum(side(a, 0) != side(a, i) for a in range(4 * m))


def _products_are_uniform(n: int) -> bool:
    products = [tuple(x * y for x, y in zip(a, b, strict=True)) for a in cube(n).tolist() for b in cube(n).tolist()]
    return all(products.count(tuple(z)) == 2**n for z in cube(n).tolist())


def _self_correlates(values: Sequence[int], place: int) -> bool:
    """Twice the coefficient of (1 + f)/2, squared, is the coefficient of E_x f(x) f(x z); points multiply by xor."""
    f = np.array(values)
    size = len(f)
    z = np.arange(size)
    product = np.array([int((f * f[z ^ shift]).sum()) for shift in z])
    return bool(walsh(1 + f)[place] ** 2 == walsh(product)[place])


def _characters_sum(n: int, step: int) -> bool:
    minus = sizes_of(n)
    for m in range(n + 1):
        level = walsh((minus == m).astype(np.int64))
        if level.tolist() != [krawtchouk(n, m, min(n, step * int(t))) for t in minus]:
            return False
    return True
