"""The only place that decides.

Each function answers one kind of question and returns `Evidence`: a verdict and a certificate
that `theory.recheck` confirms in a few independent lines. Deciding means exact polynomial
arithmetic, rewriting to normal form, finite enumeration, or rigorous enclosure; never a
heuristic.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from theory import expressions
from theory.evidence import Evidence, Trust, Verdict
from theory.rewriting import Derivation, Rule, normalise
from theory.terms import Term

if TYPE_CHECKING:
    import sympy

__all__ = [
    "RELATIONS",
    "difference_ball",
    "enclosed",
    "equal_terms",
    "every",
    "positive_on",
    "rational",
    "same_polynomial",
]

RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""How numbers are compared, by the sign for it."""
MAX_PRECISION = 4096
BALL_FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Further functions from balls to balls that an enclosed expression may call, by name; see `ball_function`."""
T = TypeVar("T")


def equal_terms(left: Term, right: Term, rules: Sequence[Rule] = ()) -> Evidence:
    """Do two formal expressions agree in everything that obeys the rules?

    CERTIFIED when both have the same normal form, INCONCLUSIVE when not (the rules may be
    incomplete); the question is about all matrix sizes at once.

    Example:
        >>> from theory.rewriting import rule
        >>> from theory.terms import matrix, one
        >>> g, h = matrix("g"), matrix("g^-1")
        >>> equal_terms(h * g * h, h, [rule("inverse", h * g, one())]).verdict.value
        'CERTIFIED'
    """
    derivation = Derivation(rules)
    a, b = normalise(left, derivation), normalise(right, derivation)
    certificate = derivation.certificate(left, right)
    if a.key() == b.key():
        return Evidence(Verdict.CERTIFIED, Trust.EXACT, f"both sides reduce to {a}", certificate)
    return Evidence(Verdict.INCONCLUSIVE, Trust.EXACT, f"left reduces to {a}, right to {b}", certificate)


def same_polynomial(left: str, right: str) -> Evidence:
    """Are two polynomials over QQ, written as text, the same polynomial?

    Raises:
        ValueError: a side is not a polynomial with rational coefficients.

    Example:
        >>> same_polynomial("(1 + x)**2", "1 + 2*x + x**2").verdict.value
        'CERTIFIED'
    """
    variables = sorted({*expressions.names(left), *expressions.names(right)})
    difference = _polynomial(left, variables) - _polynomial(right, variables)
    certificate = {"kind": "polynomial", "left": left, "right": right, "variables": variables}
    if difference.is_zero:
        return Evidence(Verdict.CERTIFIED, Trust.EXACT, f"{left} = {right} identically", certificate)
    return Evidence(Verdict.REFUTED, Trust.EXACT, f"{left} - ({right}) = {difference.as_expr()}", certificate)


def positive_on(text: str, low: Fraction, high: Fraction) -> Evidence:
    """Is a polynomial in one variable positive on the closed interval [low, high]? (Sturm)

    Raises:
        ValueError: low > high, or the text is not a polynomial in exactly one variable.

    Example:
        >>> positive_on("x**2 - x + 1", Fraction(-5), Fraction(5)).verdict.value
        'CERTIFIED'
    """
    from sympy import QQ

    _exact("low", low)
    _exact("high", high)
    variables = expressions.names(text)
    if len(variables) != 1 or low > high:
        raise ValueError(f"text, low, high: got {text!r} on [{low}, {high}], want one variable and low <= high")
    poly = _polynomial(text, variables)
    ends = [QQ(end.numerator, end.denominator) for end in (low, high)]
    roots = int(poly.count_roots(*ends)) if not poly.is_zero else 1
    value = expressions.evaluate(text, {variables[0]: low})
    certificate = {"kind": "sturm", "polynomial": text, "low": str(low), "high": str(high), "roots": roots}
    if roots == 0 and value > 0:
        return Evidence(Verdict.CERTIFIED, Trust.EXACT, f"{text} > 0 on [{low}, {high}]", certificate)
    found = f"{roots} real roots" if roots else "no root and a negative value"
    return Evidence(Verdict.REFUTED, Trust.EXACT, f"{text} has {found} on [{low}, {high}]", certificate)


def rational(what: str, left: Fraction | int, relation: str, right: Fraction | int) -> Evidence:
    """Does a relation hold between two exact rational numbers?

    Raises:
        ValueError: an unknown relation, or a number that is not exact.

    Example:
        >>> rational("a third", Fraction(1, 3), "<", Fraction(1, 2)).summary
        'a third: 1/3 < 1/2'
    """
    if relation not in RELATIONS:
        raise ValueError(f"relation: got {relation!r}, want one of {', '.join(RELATIONS)}")
    for side, number in (("left", left), ("right", right)):
        _exact(side, number)
    certificate = {"kind": "rational", "what": what, "left": str(left), "relation": relation, "right": str(right)}
    holds = RELATIONS[relation](left, right)
    verdict = Verdict.CERTIFIED if holds else Verdict.REFUTED
    return Evidence(verdict, Trust.EXACT, f"{what}: {left} {relation} {right}{'' if holds else ' fails'}", certificate)


def every(what: str, instances: Iterable[T], holds: Callable[[T], bool]) -> Evidence:
    """Does a property hold for every instance of a finite collection?

    No instance at all is INCONCLUSIVE: nothing was checked.

    Example:
        >>> every("squares are not negative", range(-3, 4), lambda k: k * k >= 0).summary
        'squares are not negative: all 7 instances'
    """
    count = 0
    for instance in instances:
        count += 1
        if not holds(instance):
            certificate = {"kind": "enumeration", "count": count, "counterexample": repr(instance)}
            return Evidence(Verdict.REFUTED, Trust.EXACT, f"{what}: fails at {instance!r}", certificate)
    certificate = {"kind": "enumeration", "count": count, "counterexample": None}
    if not count:
        return Evidence(Verdict.INCONCLUSIVE, Trust.EXACT, f"{what}: there was no instance to check", certificate)
    return Evidence(Verdict.CERTIFIED, Trust.EXACT, f"{what}: all {count} instances", certificate)


def enclosed(left: str, relation: str, right: str, values: Mapping[str, Fraction | int]) -> Evidence:
    """Is ``left < right`` (or ``>``) for given exact values? Decided by balls that do not overlap.

    The precision doubles from 64 bits until the ball of ``right - left`` excludes zero or 4096
    bits are reached (then INCONCLUSIVE). Functions: log, exp, sqrt, gamma, lgamma and those of `ball_function`;
    constant: pi.

    Raises:
        ValueError: the relation is not ``<`` or ``>``, or an expression cannot be read.

    Example:
        >>> enclosed("log(2)", "<", "7/10", {}).verdict.value
        'CERTIFIED'
    """
    import flint

    if relation not in ("<", ">"):
        raise ValueError(f"relation: got {relation!r}, want '<' or '>'")
    for side in (left, right):
        expressions.names(side)  # refuses what is no expression by itself
    for name, value in values.items():
        _exact(name, value)
    if "pi" in values:
        raise ValueError("values: got one for pi, want names other than the constant's")
    text = f"({right}) - ({left})" if relation == "<" else f"({left}) - ({right})"
    before, precision = flint.ctx.prec, 64
    try:
        while True:
            flint.ctx.prec = precision
            ball = difference_ball(text, values)
            if ball > 0 or ball < 0 or precision >= MAX_PRECISION:
                break
            precision *= 2
    finally:
        flint.ctx.prec = before
    verdict = Verdict.CERTIFIED if ball > 0 else Verdict.REFUTED if ball < 0 else Verdict.INCONCLUSIVE
    certificate = {
        "kind": "ball",
        "difference": text,
        "values": {name: str(value) for name, value in values.items()},
        "precision": precision,
        "enclosure": str(ball),
    }
    where = f" at {', '.join(f'{k} = {v}' for k, v in values.items())}" if values else ""
    return Evidence(verdict, Trust.ENCLOSED, f"{text} in {ball}{where}", certificate)


def ball_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let enclosed expressions call a function from balls to balls, under its own name.

    Raises:
        ValueError: the name is taken.
    """
    if function.__name__ in BALL_FUNCTIONS:
        raise ValueError(f"ball function: {function.__name__!r} is taken, want a new name")
    BALL_FUNCTIONS[function.__name__] = function
    return function


def difference_ball(text: str, values: Mapping[str, Fraction | int]) -> Any:
    """An enclosure of an expression at exact values, at the current precision.

    Example:
        >>> bool(difference_ball("pi - 355/113", {}) < 0)
        True
    """
    import flint

    def ball(number: Fraction | int) -> Any:
        exact = Fraction(number)
        return flint.arb(flint.fmpq(exact.numerator, exact.denominator))

    functions = {name: getattr(flint.arb, name) for name in ("log", "exp", "sqrt", "gamma", "lgamma")} | BALL_FUNCTIONS
    named = {"pi": flint.arb.pi(), **{name: ball(value) for name, value in values.items()}}
    return expressions.evaluate(text, named, functions, ball)


def _exact(name: str, number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, int | Fraction):
        raise ValueError(f"{name}: got {type(number).__name__} {number!r}, want an int or a Fraction")


def _polynomial(text: str, variables: Sequence[str]) -> sympy.Poly:
    from sympy import QQ, Poly, symbols

    for name in variables:
        expressions.degree(text, name)  # refuses what is not a polynomial
    generators = symbols(list(variables) or ["_"])
    polys = {name: Poly(g, *generators, domain=QQ) for name, g in zip(variables, generators, strict=False)}

    def constant(number: int | Fraction) -> sympy.Poly:
        exact = Fraction(number)
        return Poly(QQ(exact.numerator, exact.denominator), *generators, domain=QQ)

    return expressions.evaluate(text, polys, number=constant)
