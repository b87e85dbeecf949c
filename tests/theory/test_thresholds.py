"""Least n's without huge powers, against fractions; ties, hairs, and large d in little time."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import texture, warmup
from theory.complexity import Bound
from theory.thresholds import ceil_log2, least_exponent, least_n, rounded

F = Fraction
HALF = F(1, 2)
BASES = st.fractions(0, F(99, 100), max_denominator=200)


def slow(powers: list[tuple[Fraction, Fraction]], target: Fraction) -> int:
    """The same by trying every n in fractions."""
    return next(n for n in itertools.count() if sum(c * b**n for c, b in powers) <= target)


@pytest.mark.parametrize("wanted", [0, 1, 2, 3, 7, 8, 9, 1000])
def test_least_n(wanted: int) -> None:
    assert least_n(lambda n: n >= wanted) == wanted


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.fractions(F(1, 9), 9), BASES), min_size=1, max_size=3), st.fractions(F(1, 10**6), 2))
def test_least_exponent_by_trying_every_n(powers: list[tuple[Fraction, Fraction]], target: Fraction) -> None:
    if target > 0:
        assert least_exponent(powers, target) == slow(powers, target)


@pytest.mark.parametrize("d", [2, 3, 10, 97, 1024])
@pytest.mark.parametrize("n", [0, 1, 2, 40, 700])
def test_ties_and_hairs(d: int, n: int) -> None:
    powers = [(HALF, 1 - F(1, d))]
    tie, hair = HALF * (1 - F(1, d)) ** n, F(1, 10**9000)
    assert least_exponent(powers, tie) == n
    assert least_exponent(powers, tie + hair) == n
    assert least_exponent(powers, tie - hair) == n + 1


@pytest.mark.parametrize("d", [5, 6, 7, 40])
@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_ties_of_two_powers(d: int, n: int) -> None:
    tie = texture.least_error_bound(d, n)
    assert texture.sample_complexity_bound(d, tie) == n
    assert texture.sample_complexity_bound(d, tie - F(1, 10**5000)) == n + 1


def test_precision_is_left_as_it_was() -> None:
    before = flint.ctx.prec
    assert least_exponent([(HALF, 1 - F(1, 10**40))], F(1, 100)) > 10**40
    assert flint.ctx.prec == before


def test_a_base_of_nought() -> None:
    assert [least_exponent([(HALF, F(0))], t) for t in (HALF, F(1, 3))] == [0, 1]


def old_warmup(d: int, target: Fraction) -> int:
    """The former way: a guess by floats, then exact powers on either side."""
    n = max(0, math.floor(math.log(2 * target) / math.log1p(-1 / d)) - 1)
    while HALF * (1 - F(1, d)) ** n > target:
        n += 1
    return n


@pytest.mark.parametrize("d", [2, 5, 60, 1000])
@pytest.mark.parametrize("eps", [F(1, 4), F(1, 100), F(1, 3)])
def test_warmup_against_exact_powers(d: int, eps: Fraction) -> None:
    assert warmup.sample_complexity(d, eps) == old_warmup(d, eps)


@pytest.mark.parametrize("d", [5, 8, 60, 1000])
@pytest.mark.parametrize("eps", [F(1, 4), F(1, 100), F(1, 3)])
def test_texture_against_exact_powers(d: int, eps: Fraction) -> None:
    def low(n: int) -> bool:
        left = (2 * (2 * d - 7) ** n - (2 * d - 9) ** n) * eps.denominator
        return left <= 2 * eps.numerator * (2 * d) ** n

    def high(n: int) -> bool:
        return (2 * d - 1) ** n * eps.denominator <= 2 * eps.numerator * (2 * d) ** n

    assert texture.lower_bound(d, eps).n == least_n(low)
    assert texture.upper_bound(d, eps).n == least_n(high)


LARGE = {
    "warmup, lower": (lambda d: warmup.lower_bound(d, "0.01"), math.log(50)),
    "warmup, upper": (lambda d: warmup.upper_bound(d, "0.01", "0.001"), math.log(50_000)),
    "texture, lower": (lambda d: texture.lower_bound(d, "0.01"), None),
    "texture, upper": (lambda d: texture.upper_bound(d, "0.001", "0.001"), 2 * math.log(500_000)),
}


@pytest.mark.parametrize(("bound", "slope"), LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("d", [10**5, 10**6, 10**9])
def test_large_d_is_answered(bound, slope: float | None, d: int) -> None:
    found = bound(d)
    assert isinstance(found, Bound)
    if slope is not None:
        assert found.n == pytest.approx(slope * d, rel=1e-4)
    else:  # (1-7/(2d))^n - (1-9/(2d))^n/2 in the limit
        t = found.n / d
        assert math.exp(-3.5 * t) - math.exp(-4.5 * t) / 2 == pytest.approx(0.01, rel=1e-3)


def test_rounded() -> None:
    assert [rounded(n) for n in (0, 1, 5)] == ["0", "(0, 1]", "(4, 5]"]


@pytest.mark.parametrize("ratio", [F(3), F(8), F(9, 7), F(2**200) + F(1, 2**300)])
def test_ceil_log2(ratio: Fraction) -> None:
    n = ceil_log2(F(1), ratio)
    assert F(2) ** (n - 1) < ratio <= F(2) ** n
