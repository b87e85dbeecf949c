"""Expressions are arithmetic and nothing else."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.expressions import degree, evaluate, names

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
LEAVES = st.sampled_from(["x", "y", "0", "1", "2", "1/3"])
POLYNOMIALS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda t: f"-({t})"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"({t[0]})**{t[1]}"),
    ),
    max_leaves=5,
)
VALUES = {
    "1/2*(1 - 1/d)**n": Fraction(9, 32),
    "-d**2": Fraction(-16),
    "2**n": Fraction(4),
    "d/n - 3": Fraction(-1),
    "1/3 + 1/6": Fraction(1, 2),
    "twice(d) - n": Fraction(6),
}
REFUSED = [
    "__import__('os')",
    "__import__('os').system('true')",
    "d.__class__",
    "d.numerator",
    "lambda: d",
    "(lambda v: v)(d)",
    "[d for d in (1, 2)]",
    "d[0]",
    "d if n else n",
    "(d := 2)",
    "'text'",
    "f'{d}'",
    "1.5",
    "1e3",
    "1j",
    "None",
    "True",
    "-False",
    "d < n",
    "not d",
    "d and n",
    "d // n",
    "d % n",
    "d @ n",
    "d << 3",
    "twice(*d)",
    "twice(d, wrong=3)",
    "twice.__call__(d)",
    "twice",
    "other(d)",
    "unknown",
    "eval('1')",
    "",
    "d n",
    "d; n",
    "import os",
    "d = 1",
    "(d",
]


@pytest.mark.parametrize(("text", "expected"), VALUES.items())
def test_values_are_exact(text: str, expected: Fraction) -> None:
    assert evaluate(text, {"d": Fraction(4), "n": 2}, {"twice": lambda v: 2 * v}) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_anything_but_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="text"):
        evaluate(text, {"d": Fraction(4), "n": 2}, {"twice": lambda v, **_: 2 * v})


def test_functions_are_refused_when_none_are_given() -> None:
    with pytest.raises(ValueError, match="log"):
        evaluate("log(2)", {})


@QUICK
@given(POLYNOMIALS, st.fractions(-3, 3, max_denominator=5), st.fractions(-3, 3, max_denominator=5))
def test_evaluation_agrees_with_python(text: str, x: Fraction, y: Fraction) -> None:
    python = eval(text.replace("1/3", "third"), {"__builtins__": {}}, {"x": x, "y": y, "third": Fraction(1, 3)})  # noqa: S307
    assert evaluate(text, {"x": x, "y": y}) == python


@QUICK
@given(POLYNOMIALS)
def test_degree_bounds_the_true_degree(text: str) -> None:
    """Differences of order k + 1 of a polynomial of degree at most k vanish."""
    k = degree(text, "x")
    row = [evaluate(text, {"x": Fraction(i), "y": Fraction(2, 7)}) for i in range(k + 2)]
    while len(row) > 1:
        row = [b - a for a, b in itertools.pairwise(row)]
    assert row == [0]


DEGREES = {
    "(1 - n*x)*(1 - x)": 2,
    "x**3 - x**3": 3,
    "7": 0,
    "y**5": 0,
    "-(x*y)**2": 2,
    "1/2*x": 1,
    "-1/2*x": 1,
    "x/2": 1,
}


@pytest.mark.parametrize(("text", "expected"), DEGREES.items())
def test_degree_of_known_expressions(text: str, expected: int) -> None:
    assert degree(text, "x") == expected


@pytest.mark.parametrize("text", ["1/x", "x**n", "x**-1", "log(x)", "2**(1/2)", "1/0", "x.y", "1.5*x"])
def test_degree_refuses_what_is_no_polynomial_over_the_rationals(text: str) -> None:
    with pytest.raises(ValueError, match="polynomial"):
        degree(text, "x")


def test_names_are_found_once_and_sorted() -> None:
    assert names("n*x**2 + x - 1") == ["n", "x"]
    assert names("1 + 1") == []


def test_literals_become_the_callers_numbers_without_rounding() -> None:
    seen: list[Fraction | int] = []
    evaluate("1/3 + 2", {}, number=lambda v: seen.append(v) or Fraction(v))
    assert seen == [Fraction(1, 3), 2]
