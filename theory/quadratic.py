r"""Bounds for the quadratic task as numbers: inputs x ~ N(0, I_2d), label sign(``|x_1:d|^2 - |x_d+1:2d|^2``).

The claims stand in `quadratic_orbit` (VC dimension), `quadratic_disagreement`, `quadratic_packing` (Theorem 5.2),
`quadratic_rate` (d^2/eps) and `quadratic_consequences` (Equation (7), Theorem 5.3); here their bounds are evaluated,
rounded to integers with certainty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from theory.complexity import Bound, blumer_upper_bound, one_inclusion_upper_bound
from theory.quadratic_orbit import vc_bounds
from theory.validate import integer, probability
from theory.vc_bound import vc_lower_bound

__all__ = [
    "Comparison",
    "comparison",
    "conv_upper_bound",
    "every_law_lower_bound",
    "explicit_lower_bound",
    "long_form_lower_bound",
    "lower_bound",
    "rate_lower_bound",
    "upper_bound",
    "weighted_conv_upper_bound",
    "weighted_lower_bound",
]

Number = float | Fraction | str
PRECISION = 128
LARGEST = 10**6
"""The largest half dimension: sums over i = 1..2d are formed."""


def explicit_lower_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """Samples that every O(2d)-equivariant learner needs, by Theorem 5.2 on the whole orbit (claim thm-5.2-explicit).

    Args:
        d: half dimension, at least 1.
        eps: error, in (0, 1), read exactly.
        delta: failure probability in (0, 1) for N(eps, delta); None for N*(eps), the expected error.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> explicit_lower_bound(8, 0.01, 0.5).n
        226
    """
    import flint

    def value() -> Any:
        from theory.quadratic_volume import orbit_constant

        m, e, keep = _case(d, eps, delta)
        return (orbit_constant(d) / _arb(e)).log() * m / flint.arb(2).log() + _arb(keep).log() / flint.arb(2).log()

    d = integer("d", d, 1, LARGEST)
    return _rounded(value, "thm-5.2-explicit", "2^n label patterns against the measure of a ball in Gr(d, 2d)")


def rate_lower_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """The same of order d^2/eps, by counting label patterns on the variety (claim thm-5.2-rate).

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> rate_lower_bound(8, "0.0001", 0.5).n
        1315
    """
    import flint

    def value() -> Any:
        from theory.quadratic_volume import orbit_constant

        m, e, keep = _case(d, eps, delta)
        spare = 1 + _arb(4 * m + 2 * d) * flint.arb(4) ** (1 - d - m)
        root = ((_arb(keep) / spare).log() / m + flint.arb(4).log() * (1 - d) / m).exp()
        c = orbit_constant(d) / (16 * flint.arb(1).exp()) * root
        return c * m / _arb(e) - (2 * m + d + 1)

    d = integer("d", d, 1, LARGEST)
    return _rounded(value, "thm-5.2-rate", "sign conditions on the orbit against the measure of a ball in Gr(d, 2d)")


def long_form_lower_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """The rate d^2 eps^(-1/2 + 1/(2d)) through Long's form (claim eq-7); 0 where the stated number is below d^2.

    Args:
        d: half dimension, at least 2.
        eps: error, in (0, 1), read exactly.
        delta: failure probability in (0, 1) for N(eps, delta); None for N*(eps), the expected error.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> long_form_lower_bound(8, "0.0001", 0.5).n, long_form_lower_bound(8, "0.1", 0.5).n
        (487, 0)
    """
    import flint

    def value() -> Any:
        from theory.decide import difference_ball
        from theory.quadratic_volume import LIMIT

        m, e, keep = _case(d, eps, delta)
        power = (difference_ball(LIMIT, {}) / _arb(e)).log() * _arb(Fraction(d - 1, 2 * d))
        stated = m * (power - 1 + _arb(keep).log() / m).exp()
        return stated if stated >= m else flint.arb(0)  # a ball that straddles d^2 claims nothing

    d = integer("d", d, 2, LARGEST)
    return _rounded(value, "eq-7", "label patterns on the bilinear family against its packing")


def lower_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """The better of the two lower bounds; the rate wins for small eps.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> lower_bound(8, 0.01, 0.5).claim, lower_bound(8, "0.0001", 0.5).claim
        ('thm-5.2-explicit', 'thm-5.2-rate')
    """
    return max(explicit_lower_bound(d, eps, delta), rate_lower_bound(d, eps, delta), key=lambda bound: bound.n)


def upper_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """Samples with which some O(2d)-equivariant learner does (claim upper-5.2): two symmetrised learners, or none.

    A constant errs on half of the inputs, so nothing is needed from eps = 1/2 on. One-inclusion prediction gives
    N*(eps), and N(eps, delta) <= N*(eps delta); with delta a consistent learner may do with less.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> upper_bound(2, 0.1).n, upper_bound(8, 0.01, 0.01).n
        (89, 1117184)
    """
    d, e = integer("d", d, 1, LARGEST), probability("eps", eps)
    failure = None if delta is None else probability("delta", delta)
    if e >= Fraction(1, 2):
        return Bound(0, "upper-5.2", "0", "a constant errs on half of the inputs")
    vc = vc_bounds(d)[1]
    target = e * (1 if failure is None else failure)
    n = one_inclusion_upper_bound(vc, target)
    predicted = Bound(n, "upper-5.2", f"{Fraction(vc) / target} - 1", "one-inclusion prediction, averaged over O(2d)")
    if failure is None:
        return predicted
    n = blumer_upper_bound(vc, e, failure)
    consistent = Bound(n, "upper-5.2", str(n), "a function of the orbit without training error, averaged over O(2d)")
    return min(predicted, consistent, key=lambda bound: bound.n)


def conv_upper_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """Samples with which empirical risk minimisation over conv nets does (claim conv-upper-4.1); free of d.

    Without delta the bound is on N*: N*(eps) <= N(9 eps/10, eps/10) by Definition 3.3.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> conv_upper_bound(8, 0.1, 0.1).n
        1686
    """
    integer("d", d, 1, LARGEST)
    e = probability("eps", eps)
    share, failure = (e, probability("delta", delta)) if delta is not None else (e * 9 / 10, e / 10)
    n = blumer_upper_bound(3, share, failure)
    return Bound(n, "conv-upper-4.1", str(n), "any conv net without training error")


def every_law_lower_bound(d: int, eps: Number, delta: Number) -> Bound:
    """Samples that an O(2d)-equivariant learner needs under the worst law of the inputs (claim thm-4.1).

    The greater of its two terms, so in the drawn reading of Definition 3.3.

    Args:
        d: half dimension, at least 2.
        eps: error in (0, 1/4], read exactly.
        delta: failure probability in (0, 1/3), read exactly.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> every_law_lower_bound(16, 0.01, 0.01).n, every_law_lower_bound(2, 0.1, 0.01).n
        (3092, 36)
    """
    import flint

    by_dimension = vc_lower_bound(vc_bounds(integer("d", d, 2, LARGEST))[0], eps, delta)
    e, x = probability("eps", eps), probability("delta", delta)

    def value() -> Any:
        return _arb((1 - e) / e) * (_arb(1 / x) / flint.arb(2)).log()

    by_chance = _rounded(value, "thm-4.1", "a law under which few samples are likely to show nothing")
    if by_chance.n > by_dimension:
        return by_chance
    return Bound(by_dimension, "thm-4.1", str(by_dimension), "d^2 points are shattered")


def weighted_lower_bound(d: int, eps: Number, delta: Number) -> Bound:
    """Samples that O(d)-equivariant learners of signs of weighted sums of d squares need (claim thm-5.3).

    Args:
        d: dimension, from 2 to 2 * 10^6 + 1.
        eps: error, in (0, 1), read exactly.
        delta: failure probability, in (0, 1), read exactly.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> weighted_lower_bound(32, "1/10000", "1/2").n
        5372
    """
    found = rate_lower_bound(integer("d", d, 2, 2 * LARGEST + 1) // 2, eps, probability("delta", delta))
    return replace(found, claim="thm-5.3", why=f"the quadratic target of half the dimension: {found.why}")


def weighted_conv_upper_bound(d: int, eps: Number, delta: Number) -> Bound:
    """Samples with which a conv net's ERM learns the sign of any weighted sum of d squares (claim conv-upper-5.3).

    Args:
        d: dimension, at least 1.
        eps: error, in (0, 1), read exactly.
        delta: failure probability, in (0, 1), read exactly.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> weighted_conv_upper_bound(32, 0.01, 0.01).n
        264814
    """
    n = blumer_upper_bound(integer("d", d, 1), eps, delta)
    return Bound(n, "conv-upper-5.3", str(n), "any conv net without training error")


@dataclass(frozen=True)
class Comparison:
    """Three lower bounds on N(eps, delta) side by side.

    Attributes:
        d: half dimension.
        paper: the paper's form, as text with its unnamed constants.
        bilinear: log2 of the packing number of {h_U}, plus log2(1 - delta).
        orbit: the whole orbit, claim thm-5.2-explicit.
        rate: claim thm-5.2-rate.
    """

    d: int
    paper: str
    bilinear: int
    orbit: int
    rate: int


def comparison(d: int, eps: Number, delta: Number) -> Comparison:
    """The paper's form, the bilinear family (d >= 2) and the whole orbit at one (d, eps, delta).

    Raises:
        ValueError: d < 2, or eps or delta out of (0, 1).

    Example:
        >>> found = comparison(8, 0.01, 0.5)
        >>> found.bilinear < found.orbit
        True
    """
    import flint

    d = integer("d", d, 2, LARGEST)
    m = d * (d - 1) // 2

    def value() -> Any:
        from theory.quadratic_volume import rotation_constant

        _, e, keep = _case(d, eps, delta)
        return ((rotation_constant(d) / (2 * _arb(e))).log() * m + _arb(keep).log()) / flint.arb(2).log()

    return Comparison(
        d,
        f"{m} log2(C/(2 eps)) + log2(1 - delta), C unnamed",
        _rounded(value, "lem-d.4", "").n,
        explicit_lower_bound(d, eps, delta).n,
        rate_lower_bound(d, eps, delta).n,
    )


def _case(d: int, eps: Number, delta: Number | None) -> tuple[int, Fraction, Fraction]:
    """d^2, the error and 1 - delta of the bound on N; N*(eps) >= N(2 eps, 1/2) by Markov."""
    d = integer("d", d, 1, LARGEST)
    e = probability("eps", eps)
    return (d * d, 2 * e, Fraction(1, 2)) if delta is None else (d * d, e, 1 - probability("delta", delta))


def _arb(number: int | Fraction) -> Any:
    import flint

    exact = Fraction(number)
    return flint.arb(flint.fmpq(exact.numerator, exact.denominator))


def _rounded(value: Any, claim: str, why: str) -> Bound:
    """The least integer n that is at least the enclosed number's lower end: no fewer samples do."""
    import flint

    before, flint.ctx.prec = flint.ctx.prec, PRECISION
    try:
        ball = value()
        low = ball.lower()
        return Bound(int(low.ceil().unique_fmpz()), claim, str(ball), why)
    finally:
        flint.ctx.prec = before
