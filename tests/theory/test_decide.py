"""Each way of deciding gives the right verdict where it is known, and never a guess."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import flint
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from theory import decide
from theory.evidence import Evidence, Trust, Verdict
from theory.expressions import evaluate
from theory.recheck import confirms
from theory.rewriting import rule
from theory.terms import apply, matrix, one, scalar, transpose

C, R, Q = Verdict.CERTIFIED, Verdict.REFUTED, Verdict.INCONCLUSIVE
QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
A, B, G = matrix("A"), matrix("B"), matrix("g")
RULES = [rule("g' g = 1", transpose(G) * G, one())]
F = Fraction

CASES: dict[str, tuple[Callable[[], Evidence], Verdict]] = {
    "terms, equal": (lambda: decide.equal_terms(transpose(G) * G * A, A, RULES), C),
    "terms, equal inside a function": (
        lambda: decide.equal_terms(apply("f", transpose(G) * G), apply("f", one()), RULES),
        C,
    ),
    "terms, the rule is missing": (lambda: decide.equal_terms(transpose(G) * G * A, A), Q),
    "terms, different": (lambda: decide.equal_terms(A * B, B * A, RULES), Q),
    "terms, wrong side of a one-sided rule": (lambda: decide.equal_terms(G * transpose(G), one(), RULES), Q),
    "polynomials, equal": (lambda: decide.same_polynomial("(a + b)**3 - a**3 - b**3", "3*a*b*(a + b)"), C),
    "polynomials, equal constants": (lambda: decide.same_polynomial("1/2 + 1/3", "5/6"), C),
    "polynomials, a coefficient off": (lambda: decide.same_polynomial("(a + b)**2", "a**2 + 3*a*b + b**2"), R),
    "polynomials, equal at every integer up to 3": (lambda: decide.same_polynomial("x*(x-1)*(x-2)*(x-3)", "0"), R),
    "polynomials, agreeing on one variable": (lambda: decide.same_polynomial("x*y", "x"), R),
    "positive, no root": (lambda: decide.positive_on("x**2 - x + 1", F(-5), F(5)), C),
    "positive, roots outside": (lambda: decide.positive_on("x**2 - 2", F(3, 2), F(2)), C),
    "positive, root inside": (lambda: decide.positive_on("x**2 - 2", F(1), F(2)), R),
    "positive, root at the left end": (lambda: decide.positive_on("x", F(0), F(1)), R),
    "positive, root at the right end": (lambda: decide.positive_on("1 - x", F(0), F(1)), R),
    "positive, double root": (lambda: decide.positive_on("(3*x - 1)**2", F(0), F(1)), R),
    "positive, negative throughout": (lambda: decide.positive_on("-1 - x**2", F(0), F(1)), R),
    "positive, zero": (lambda: decide.positive_on("x - x", F(0), F(1)), R),
    "positive, a point": (lambda: decide.positive_on("x", F(1), F(1)), C),
    "positive, a root as a point": (lambda: decide.positive_on("x", F(0), F(0)), R),
    "rational, true": (lambda: decide.rational("", F(1, 3), "<", F(1, 2)), C),
    "rational, false": (lambda: decide.rational("", F(1, 3), ">", F(1, 2)), R),
    "rational, equal in other words": (lambda: decide.rational("", F(2, 4), "==", F(1, 2)), C),
    "every, true": (lambda: decide.every("", range(5), lambda k: k >= 0), C),
    "every, false at the last": (lambda: decide.every("", range(5), lambda k: k < 4), R),
    "every, nothing to check": (lambda: decide.every("", [], lambda k: True), Q),
    "ball, true": (lambda: decide.enclosed("log(2)", "<", "7/10", {}), C),
    "ball, false": (lambda: decide.enclosed("log(2)", ">", "7/10", {}), R),
    "ball, true by 1e-40": (lambda: decide.enclosed("sqrt(2)", "<", "sqrt(2 + 1/10**40)", {}), C),
    "ball, false by 1e-40": (lambda: decide.enclosed("sqrt(2)", ">", "sqrt(2 + x)", {"x": F(1, 10**40)}), R),
    "ball, equal quantities": (lambda: decide.enclosed("log(4)", "<", "2*log(2)", {}), Q),
    "ball, equal quantities the other way": (lambda: decide.enclosed("log(4)", ">", "2*log(2)", {}), Q),
    "ball, not a number": (lambda: decide.enclosed("0", "<", "log(0 - 1)", {}), Q),
    "ball, division by zero": (lambda: decide.enclosed("0", "<", "1/0", {}), Q),
    "ball, gamma, exp and pi": (lambda: decide.enclosed("gamma(1/2)**2 - exp(0)", "<", "pi", {}), C),
}


@pytest.mark.parametrize(("decided", "expected"), CASES.values(), ids=CASES)
def test_known_answers(decided: Callable[[], Evidence], expected: Verdict) -> None:
    evidence = decided()
    assert evidence.verdict is expected
    assert confirms(json.loads(json.dumps(dict(evidence.certificate)))) is (expected is C)
    assert evidence.trust is (Trust.ENCLOSED if evidence.certificate["kind"] == "ball" else Trust.EXACT)


REFUSED: dict[str, Callable[[], Evidence]] = {
    "a float on the left": lambda: decide.rational("x", 0.5, "<", 1),
    "a float on the right": lambda: decide.rational("x", 1, "<", 1.5),
    "a numpy float": lambda: decide.rational("x", np.float64(0.5), "<", 1),
    "text": lambda: decide.rational("x", "1/2", "<", 1),
    "a bool, whose certificate cannot be read again": lambda: decide.rational("x", True, "==", 1),
    "an unknown relation": lambda: decide.rational("x", 1, "=", 1),
    "a float end": lambda: decide.positive_on("x", 0.5, 1.0),
    "an empty interval": lambda: decide.positive_on("x", F(1), F(0)),
    "two variables": lambda: decide.positive_on("x*y", F(0), F(1)),
    "no variable": lambda: decide.positive_on("1", F(0), F(1)),
    "no polynomial": lambda: decide.positive_on("1/x", F(1), F(2)),
    "a decimal coefficient": lambda: decide.same_polynomial("0.5*x", "1/2*x"),
    "a call": lambda: decide.same_polynomial("log(x)", "x"),
    "code in a polynomial": lambda: decide.same_polynomial("__import__('os').getcwd()", "x"),
    "code in an interval": lambda: decide.positive_on("(lambda x: x)(x)", F(0), F(1)),
    "code in a ball": lambda: decide.enclosed("__import__('os').getpid()", ">", "0", {}),
    "a lambda in a ball": lambda: decide.enclosed("(lambda: 1)()", ">", "0", {}),
    "an attribute in a ball": lambda: decide.enclosed("x.numerator", ">", "0", {"x": 1}),
    "an unknown function": lambda: decide.enclosed("tan(1)", ">", "0", {}),
    "an unknown name": lambda: decide.enclosed("z", ">", "0", {}),
    "equality of balls": lambda: decide.enclosed("1", "==", "1", {}),
    "a closed inequality of balls": lambda: decide.enclosed("1", "<=", "1", {}),
    "a decimal literal in a ball": lambda: decide.enclosed("0.1", "<", "1", {}),
    "a float value in a ball": lambda: decide.enclosed("1/10", "<", "x", {"x": 0.1}),
    "a value that shadows pi": lambda: decide.enclosed("pi", "<", "3", {"pi": 2}),
    "sides that are no expressions by themselves": lambda: decide.enclosed("0", "<", "1) + (2", {}),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_is_not_exact_or_not_arithmetic_is_refused(refused: Callable[[], Evidence]) -> None:
    with pytest.raises(ValueError, match=r".+: .+"):
        refused()


RELATIONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@QUICK
@given(st.fractions(-2, 2, max_denominator=3), st.fractions(-2, 2, max_denominator=3), st.sampled_from([*RELATIONS]))
def test_rational_relations_are_pythons(left: Fraction, right: Fraction, relation: str) -> None:
    assert (decide.rational("", left, relation, right).verdict is C) == RELATIONS[relation](left, right)


COEFFICIENTS = st.lists(st.integers(-3, 3), min_size=1, max_size=4)
ROOTS = st.lists(st.fractions(-2, 2, max_denominator=3), max_size=3)


def written(coefficients: list[int]) -> str:
    """A polynomial in x and y as text, lowest power first."""
    return " + ".join(f"({c})*x**{k}*y**{k % 2}" for k, c in enumerate(coefficients))


@QUICK
@given(COEFFICIENTS, COEFFICIENTS, st.booleans())
def test_polynomial_identity_agrees_with_evaluation(a: list[int], b: list[int], same: bool) -> None:
    left, right = f"({written(a)})*({written(b)})", f"({written(b)})*({written(a if same else a[::-1])})"
    grid = [{"x": F(i), "y": F(j)} for i in range(8) for j in range(4)]  # degree at most 6 in x and 2 in y
    agree = all(evaluate(left, point) == evaluate(right, point) for point in grid)
    assert decide.same_polynomial(left, right).verdict is (C if agree else R)


@QUICK
@given(ROOTS, st.fractions(-2, 2, max_denominator=3), st.fractions(0, 2, max_denominator=3), st.sampled_from([1, -1]))
def test_sturm_agrees_with_known_rational_roots(
    roots: list[Fraction], low: Fraction, size: Fraction, sign: int
) -> None:
    text = f"({sign})*(x**2 + 1)" + "".join(f"*({r.denominator}*x - ({r.numerator}))" for r in roots)
    inside = any(low <= r <= low + size for r in roots)
    positive = not inside and evaluate(text, {"x": low}) > 0
    evidence = decide.positive_on(text, low, low + size)
    assert evidence.verdict is (C if positive else R)
    assert confirms(evidence.certificate) is positive


@QUICK
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=5), st.fractions(-2, 2, max_denominator=2))
def test_sturm_agrees_with_numpy_away_from_doubt(coefficients: list[int], low: Fraction) -> None:
    assume(any(coefficients))
    high = low + 1
    text = " + ".join(f"({c})*x**{k}" for k, c in enumerate(coefficients))
    roots = np.roots(coefficients[::-1])
    assume(all(abs(z.imag) > 1e-3 or min(abs(z.real - float(e)) for e in (low, high)) > 1e-3 for z in roots))
    real = [z.real for z in roots if abs(z.imag) < 1e-9]
    assume(len(real) == sum(abs(z.imag) < 1e-3 for z in roots))
    positive = evaluate(text, {"x": low}) > 0 and not any(low < z < high for z in real)
    assert decide.positive_on(text, low, high).verdict is (C if positive else R)


@QUICK
@given(st.integers(2, 50), st.fractions(-1, 1, max_denominator=60))
def test_balls_agree_with_exact_powers(n: int, gap: Fraction) -> None:
    """sqrt(n**2 + gap) against n is a question about rationals."""
    expected = C if gap < 0 else R if gap > 0 else Q
    assert decide.enclosed("sqrt(n**2 + gap)", "<", "n", {"n": n, "gap": gap}).verdict is expected


@pytest.mark.parametrize("text", ["log(4) - 2*log(2)", "1/3", "log(0 - 1)"])
def test_the_callers_precision_comes_back(text: str) -> None:
    before = flint.ctx.prec
    decide.enclosed(text, ">", "0", {})
    assert flint.ctx.prec == before
    with pytest.raises(ValueError, match="cannot read"):
        decide.enclosed("unknown", ">", "0", {})
    assert flint.ctx.prec == before


def test_a_ball_takes_no_more_precision_than_it_needs() -> None:
    near = partial(decide.enclosed, "sqrt(2)", "<", "sqrt(2 + x)")
    assert near({"x": F(1)}).certificate["precision"] == 64
    assert 128 <= near({"x": F(1, 10**30)}).certificate["precision"] <= 256
    assert decide.enclosed("log(4)", "<", "2*log(2)", {}).certificate["precision"] == decide.MAX_PRECISION


def test_a_failing_enumeration_names_the_first_counterexample_and_stops() -> None:
    instances = iter(range(100))
    evidence = decide.every("small", instances, lambda k: k < 3)
    assert evidence.certificate["counterexample"] == "3"
    assert evidence.summary == "small: fails at 3"
    assert next(instances) == 4


def test_summaries_repeat_what_was_asked() -> None:
    assert decide.rational("a third", F(1, 3), ">", F(1, 2)).summary == "a third: 1/3 > 1/2 fails"
    assert decide.same_polynomial("x", "2*x").summary == "x - (2*x) = -x"
    assert decide.equal_terms(A * scalar("s"), A).summary == "left reduces to s A, right to A"
