"""The least n from which on a bound holds, and whole numbers from balls: exact answers without huge powers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

__all__ = ["ceil_log2", "least_exponent", "least_n", "rounded"]

Power = tuple[Fraction, Fraction]  # (c, b) for c b^n


def least_n(enough: Callable[[int], bool]) -> int:
    """The least n >= 0 that is enough, if whatever exceeds enough is enough.

    Example:
        >>> least_n(lambda n: n * n >= 50)
        8
    """
    high = 1
    while not enough(high):
        high *= 2
    low = -1  # known or taken not to be enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def least_exponent(powers: Sequence[Power], target: Fraction) -> int:
    """The least n >= 0 with sum of c b^n <= target over the given (c, b), if the sum decreases in n, to 0.

    Decided exactly: by balls that do not overlap, and for ties in fractions.

    Args:
        powers: the pairs (c, b), 0 <= b < 1.
        target: greater than 0.

    Example:
        >>> least_exponent([(Fraction(1, 2), Fraction(2, 3))], Fraction(2, 9))
        2
    """
    return least_n(lambda n: _at_most(powers, n, target))


def _at_most(powers: Sequence[Power], n: int, target: Fraction) -> bool:
    """Is sum of c b^n <= target?

    The precision doubles until the difference has a sign; where it exceeds the length of the fractions
    themselves they are compared instead, which settles ties. A tie has a target as long as the powers.
    """
    import flint

    def ball(number: Fraction) -> flint.arb:
        return flint.arb(flint.fmpq(number.numerator, number.denominator))

    length = sum(_length(c) + n * _length(b) for c, b in powers) + _length(target)
    before, precision = flint.ctx.prec, 64
    try:
        while precision < length:
            flint.ctx.prec = precision
            excess = sum((ball(c) * ball(b) ** n for c, b in powers), -ball(target))
            if excess > 0 or excess < 0:
                return bool(excess < 0)
            precision *= 2
    finally:
        flint.ctx.prec = before
    return sum((c * b**n for c, b in powers), Fraction(0)) <= target


def _length(number: Fraction) -> int:
    return abs(number.numerator).bit_length() + number.denominator.bit_length()


def rounded(n: int) -> str:
    """Where the real number lies that was rounded up to n (never below 0), as text.

    Example:
        >>> rounded(3)
        '(2, 3]'
    """
    return f"({n - 1}, {n}]" if n else "0"


def ceil_log2(factor: Fraction, ratio: Fraction) -> int:
    """The ceiling of factor * log2(ratio): exact when ratio is a power of two, else irrational and so never tied.

    Example:
        >>> ceil_log2(Fraction(3, 2), Fraction(8)), ceil_log2(Fraction(1), Fraction(9))
        (5, 4)
    """
    import flint

    if ratio.denominator == 1 and ratio.numerator.bit_count() == 1:
        return math.ceil(factor * (ratio.numerator.bit_length() - 1))
    before, flint.ctx.prec = flint.ctx.prec, 64
    try:
        while True:
            exact = [flint.arb(flint.fmpq(x.numerator, x.denominator)) for x in (factor, ratio)]
            ceiling = (exact[0] * exact[1].log() / flint.arb(2).log()).ceil().unique_fmpz()
            if ceiling is not None:
                return int(ceiling)
            flint.ctx.prec *= 2
    finally:
        flint.ctx.prec = before
