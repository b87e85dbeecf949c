"""Confirms certificates in a few lines each, mostly by other means than those that made them.

A derivation is replayed fact by fact, a polynomial identity is evaluated on a grid that has more
points than the degree allows zeros, a Sturm count is redone with Fractions, an enclosure is
computed again at twice the precision, the means of a simulation are compared with Hoeffding's bound.
Expressions and single rewritings are read by the code that decided; the rest is written again.
What a proof assistant answered counts for the files as they are now, without gaps and on known axioms only.
A certificate that does not pass turns its step INCONCLUSIVE. Of a finite enumeration or of random
trials only the count and the counterexample are recorded; to confirm one, run the check again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from theory import expressions
from theory.coq_files import REALS, SOURCES, gaps, has_theorem, sources_digest
from theory.decide import RELATIONS, difference_ball
from theory.evidence import Trust
from theory.rewriting import MAX_STEPS, decode, occurrences
from theory.terms import Letter, Monomial, Term, combine

__all__ = ["ceiling", "confirms", "refutes"]

Certificate = Mapping[str, Any]


def confirms(certificate: Certificate) -> bool:
    """True if the certificate proves a positive verdict.

    Raises:
        ValueError: a kind of certificate that is not known here.

    Example:
        >>> confirms({"kind": "rational", "left": "1/3", "relation": "<", "right": "1/2"})
        True
    """
    return _CONFIRM[_kind(certificate)](certificate)


def refutes(certificate: Certificate) -> bool:
    """True if the certificate shows that a claim is false: something definite fails, not merely is not shown.

    Raises:
        ValueError: a kind of certificate that is not known here.

    Example:
        >>> refutes({"kind": "rational", "left": "1/2", "relation": "<", "right": "1/3"})
        True
    """
    kind = _kind(certificate)
    if kind == "all":
        return any(map(refutes, certificate["parts"]))
    if kind in ("enumeration", "trials"):
        return certificate["counterexample"] is not None
    if kind == "ball":  # a ball that touches zero shows nothing
        return confirms({**certificate, "difference": f"-({certificate['difference']})"})
    return kind not in ("rewriting", "kernel") and not confirms(certificate)


_CEILING = {
    "ball": Trust.ENCLOSED,
    "trials": Trust.SAMPLED,
    "simulation": Trust.SIMULATED,
    "kernel": Trust.KERNEL,
}


def ceiling(certificate: Certificate) -> Trust:
    """The most trust that a certificate of this kind can give."""
    kind = _kind(certificate)
    parts = [ceiling(part) for part in certificate.get("parts", ())]
    return min([*parts, _CEILING.get(kind, Trust.EXACT)])


def _kind(certificate: Certificate) -> str:
    kind = certificate.get("kind")
    if not isinstance(kind, str) or kind not in _CONFIRM:
        raise ValueError(f"certificate: got kind {kind!r}, want one of {', '.join(_CONFIRM)}")
    return kind


def _all(certificate: Certificate) -> bool:
    return bool(certificate["parts"]) and all(map(confirms, certificate["parts"]))


def _rational(certificate: Certificate) -> bool:
    holds = RELATIONS[certificate["relation"]]
    return holds(Fraction(certificate["left"]), Fraction(certificate["right"]))


def _polynomial(certificate: Certificate) -> bool:
    """A polynomial of degree at most k_i in x_i that vanishes on a grid of k_i + 1 points each is zero."""
    sides, variables = (certificate["left"], certificate["right"]), certificate["variables"]
    sizes = [1 + max(expressions.degree(side, x) for side in sides) for x in variables]
    for point in itertools.product(*(range(size) for size in sizes)):
        values = {x: Fraction(v) for x, v in zip(variables, point, strict=True)}
        if expressions.evaluate(sides[0], values) != expressions.evaluate(sides[1], values):
            return False
    return True


def _sturm(certificate: Certificate) -> bool:
    text, low, high = certificate["polynomial"], Fraction(certificate["low"]), Fraction(certificate["high"])
    (x,) = expressions.names(text)
    points = [Fraction(k) for k in range(expressions.degree(text, x) + 1)]
    chain = [_interpolate(points, [expressions.evaluate(text, {x: p}) for p in points])]
    chain.append([k * c for k, c in enumerate(chain[0])][1:])
    while any(chain[-1]):
        chain.append([-c for c in _remainder(chain[-2], chain[-1])])
    positive = all(expressions.evaluate(text, {x: end}) > 0 for end in (low, high))
    return positive and _variations(chain, low) == _variations(chain, high)


def _interpolate(points: list[Fraction], values: list[Fraction]) -> list[Fraction]:
    """Coefficients, lowest first, of the polynomial through the given points (Newton)."""
    slopes = list(values)
    for level in range(1, len(points)):
        for i in range(len(points) - 1, level - 1, -1):
            slopes[i] = (slopes[i] - slopes[i - 1]) / (points[i] - points[i - level])
    result = [Fraction(0)]
    for point, slope in zip(reversed(points), reversed(slopes), strict=True):
        shifted = [Fraction(0), *result]
        result = [a - point * b for a, b in itertools.zip_longest(shifted, result, fillvalue=Fraction(0))]
        result[0] += slope
    while len(result) > 1 and not result[-1]:
        result.pop()
    return result


def _remainder(dividend: list[Fraction], divisor: list[Fraction]) -> list[Fraction]:
    rest = list(dividend)
    while len(rest) >= len(divisor):
        factor, shift = rest[-1] / divisor[-1], len(rest) - len(divisor)
        rest = [c - factor * (divisor[i - shift] if i >= shift else 0) for i, c in enumerate(rest)][:-1]
    while rest and not rest[-1]:
        rest.pop()
    return rest


def _variations(chain: list[list[Fraction]], x: Fraction) -> int:
    values = [sum((c * x**k for k, c in enumerate(poly)), Fraction(0)) for poly in chain]
    signs = [v > 0 for v in values if v]
    return sum(a != b for a, b in itertools.pairwise(signs))


def _ball(certificate: Certificate) -> bool:
    import flint

    before, flint.ctx.prec = flint.ctx.prec, 2 * certificate["precision"]
    try:
        values = {name: Fraction(value) for name, value in certificate["values"].items()}
        return bool(difference_ball(certificate["difference"], values) > 0)
    finally:
        flint.ctx.prec = before


def _enumeration(certificate: Certificate) -> bool:
    return certificate["count"] > 0 and certificate["counterexample"] is None


def _kernel(certificate: Certificate) -> bool:
    """Coq answered for these very files, which state the theorem, leave no gap and assume no axiom of their own."""
    whole = not any(gaps(path.read_text(encoding="utf-8")) for path in SOURCES.glob("*.v"))
    fresh = certificate["sources"] == sources_digest() and has_theorem(certificate["theorem"])
    return whole and fresh and bool(certificate["statement"]) and set(certificate["axioms"]) <= REALS


def _simulation(certificate: Certificate) -> bool:
    """Each interval reaches onto the claim's side, and no mean lies as far beyond it as Hoeffding's bound excludes.

    The level is a tenth of the simulation's own, so that chance adds a tenth to its false alarms.
    """
    spent = math.log(20 * certificate["comparisons"] / certificate["alpha"])
    return bool(certificate["points"]) and all(
        _agrees(certificate["side"], p, certificate["top"], spent) for p in certificate["points"]
    )


def _agrees(side: str, point: Mapping[str, Any], top: float, spent: float) -> bool:
    mean, low, high, claimed = (point[name] for name in ("mean", "low", "high", "claimed"))
    above, below = high >= claimed, low <= claimed
    reaches = {"lower": above, "upper": below, "equal": above and below}[side]
    beyond = {"lower": mean < claimed, "upper": mean > claimed, "equal": mean != claimed}[side]
    exponent = point["replicas"] * _divergence(mean / top, claimed / top)
    return low <= mean <= high and reaches and not (beyond and exponent > spent)


def _divergence(p: float, q: float) -> float:
    """The relative entropy of coins with rates p and q: a mean of n values in [0, 1] has P <= exp(-n times this)."""
    if p == q:
        return 0.0
    if not 0 < q < 1:
        return math.inf
    return sum(a * math.log(a / b) for a, b in ((p, q), (1 - p, 1 - q)) if a > 0)


def _opposite_signs(certificate: Certificate) -> bool:
    """Replays a counterexample of Table 1: the outputs at t from x and at g t from g x have opposite signs."""
    eta, eps = Fraction(certificate["eta"]), Fraction(certificate["eps"])
    x, test = ([Fraction(v) for v in certificate[name]] for name in ("x", "test"))
    g = [[Fraction(v) for v in row] for row in certificate["g"]]

    def output(point: list[Fraction], at: list[Fraction]) -> Fraction:
        slope = [2 * v for v in point]  # minus the gradient at zero of (w x - 1)^2
        if certificate["rule"] == "kernel":
            weight = [v / sum((u * u for u in point), Fraction(0)) for v in point]
        elif certificate["rule"] == "sgd":
            weight = [eta * s for s in slope]
        else:  # the first step of Adam and of AdaGrad
            weight = [eta * s / (abs(s) + eps) for s in slope]
        return sum((w * t for w, t in zip(weight, at, strict=True)), Fraction(0))

    def moved(point: list[Fraction]) -> list[Fraction]:
        return [sum((a * v for a, v in zip(row, point, strict=True)), Fraction(0)) for row in g]

    return output(x, test) > 0 > output(moved(x), moved(test))


def _rewriting(certificate: Certificate) -> bool:
    rules = [(_monomial(left), decode(right)) for left, right in certificate["rules"]]
    rewritten: dict[Monomial, Term] = {}
    for monomial, k, result in certificate["by_rule"]:
        rewritten[_monomial(monomial)] = decode(result)
        if decode(result).key() not in [t.key() for t in occurrences(_monomial(monomial), *rules[k])]:
            return False
    # Equal arguments are themselves shown equal by the facts before, so a replacement is checked, not believed,
    # and no two can justify each other.
    replaced: dict[Letter, Letter] = {}
    for before, after in certificate["by_argument"]:
        facts = dict(replaced)
        for commutes in (True, False):
            scalars, word = ([before], []) if commutes else ([], [before])
            old = decode([["1", scalars, word]])
            new = decode([["1", [after] if commutes else [], [] if commutes else [after]]])
            (a,), (b,) = old.coefficients, new.coefficients
            old_letter, new_letter = (a.scalars + a.word)[0], (b.scalars + b.word)[0]
            if old_letter.name != new_letter.name or len(old_letter.args) != len(new_letter.args):
                return False
            pairs = zip(old_letter.args, new_letter.args, strict=True)
            if any(_replay(Term(dict(x)), rewritten, facts).key() != y for x, y in pairs):
                return False
            replaced[old_letter] = new_letter
    left, right = (_replay(decode(certificate[side]), rewritten, replaced) for side in ("left", "right"))
    return left.key() == right.key()


def _monomial(data: list[Any]) -> Monomial:
    ((monomial, c),) = decode(data).coefficients.items()
    if c != 1:
        raise ValueError(f"certificate: got coefficient {c} on a rewritten monomial, want 1")
    return monomial


def _replay(term: Term, rewritten: Mapping[Monomial, Term], replaced: Mapping[Letter, Letter]) -> Term:
    for _ in range(MAX_STEPS):
        pieces = []
        for monomial, c in term.coefficients.items():
            swapped = Monomial(
                tuple(sorted(replaced.get(x, x) for x in monomial.scalars)),
                tuple(replaced.get(x, x) for x in monomial.word),
            )
            pieces.append((rewritten.get(swapped, Term({swapped: Fraction(1)})), c))
        after = combine(pieces)
        if after.key() == term.key():
            return term
        term = after
    raise ValueError(f"certificate: no end after {MAX_STEPS} steps, want facts that terminate")


_CONFIRM: dict[str, Callable[[Certificate], bool]] = {
    "all": _all,
    "rational": _rational,
    "polynomial": _polynomial,
    "sturm": _sturm,
    "ball": _ball,
    "enumeration": _enumeration,
    "trials": _enumeration,
    "simulation": _simulation,
    "opposite-signs": _opposite_signs,
    "rewriting": _rewriting,
    "kernel": _kernel,
}
