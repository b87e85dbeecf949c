"""Normal forms of formal expressions modulo equations, with a derivation that can be replayed.

A hypothesis such as ``g' g = 1`` is a rule: its left side is one monomial, and wherever that
monomial stands it may be replaced by the right side. Rewriting both sides of a claim to normal
form and finding the same term proves the claim for everything that obeys the rules. Finding two
different terms proves nothing, so the verdict is then INCONCLUSIVE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from theory.terms import Letter, Monomial, Term, combine

__all__ = ["Derivation", "Rule", "decode", "encode", "normalise", "occurrences", "rule"]

MAX_STEPS = 2_000
MAX_DEPTH = 50


@dataclass(frozen=True)
class Rule:
    """The equation ``left = right``, used from left to right."""

    name: str
    left: Monomial
    right: Term


def rule(name: str, left: Term, right: Term) -> Rule:
    """A rule from an equation whose left side is a single monomial.

    Raises:
        ValueError: the left side is not one monomial with coefficient 1, or is empty.

    Example:
        >>> from theory.terms import matrix, one, transpose
        >>> g = matrix("g")
        >>> rule("g is orthogonal", transpose(g) * g, one()).name
        'g is orthogonal'
    """
    (monomial, c), *rest = left.coefficients.items() or [(Monomial(), Fraction(0))]
    if rest or c != 1 or monomial == Monomial():
        raise ValueError(f"left: got {left}, want one non-empty monomial with coefficient 1")
    return Rule(name, monomial, right)


@dataclass
class Derivation:
    """What was used: ``monomial -> term`` by a rule, ``letter -> letter`` by equal arguments."""

    rules: Sequence[Rule]
    by_rule: dict[Monomial, tuple[int, Term]] = field(default_factory=dict)
    by_argument: dict[Letter, Letter] = field(default_factory=dict)
    steps: int = 0
    depth: int = 0

    def certificate(self, left: Term, right: Term) -> dict[str, Any]:
        """The derivation as JSON-able data (see `theory.recheck`)."""
        return {
            "kind": "rewriting",
            "claim": f"{left} = {right}",
            "given": {r.name: f"{r.left} = {r.right}" for r in self.rules},
            "left": encode(left),
            "right": encode(right),
            "rules": [[encode(Term({r.left: Fraction(1)})), encode(r.right)] for r in self.rules],
            "by_rule": [[encode(Term({m: Fraction(1)})), k, encode(t)] for m, (k, t) in self.by_rule.items()],
            "by_argument": [[_encode_letter(a), _encode_letter(b)] for a, b in self.by_argument.items()],
        }


def normalise(term: Term, derivation: Derivation) -> Term:
    """Rewrite until no rule applies, noting each fact used in `derivation`.

    Raises:
        ValueError: more than 2 000 steps or 50 nested functions, so the rules do not look terminating.

    Example:
        >>> from theory.terms import matrix, one, transpose
        >>> g, x = matrix("g"), matrix("x")
        >>> used = Derivation([rule("g is orthogonal", transpose(g) * g, one())])
        >>> str(normalise(transpose(g) * g * x, used)), len(used.by_rule)
        ('x', 1)
    """
    if derivation.depth >= MAX_DEPTH:
        raise ValueError(f"rules: functions nested {MAX_DEPTH} deep, want rules that terminate")
    derivation.depth += 1
    done: dict[Monomial, Fraction] = {}
    pending = list(term.coefficients.items())
    while pending:
        monomial, c = pending.pop()
        monomial, result = _rewrite_once(monomial, derivation)
        if result is None:
            done[monomial] = done.get(monomial, Fraction(0)) + c
        else:
            pending += [(m, c * factor) for m, factor in result.coefficients.items()]
    derivation.depth -= 1
    return combine((Term({m: Fraction(1)}), c) for m, c in done.items())


def _rewrite_once(monomial: Monomial, derivation: Derivation) -> tuple[Monomial, Term | None]:
    derivation.steps += 1
    if derivation.steps > MAX_STEPS:
        raise ValueError(f"rules: no normal form after {MAX_STEPS} steps, want rules that terminate")
    monomial = Monomial(
        tuple(sorted(_normalise_letter(x, derivation) for x in monomial.scalars)),
        tuple(_normalise_letter(x, derivation) for x in monomial.word),
    )
    for k, r in enumerate(derivation.rules):
        for result in occurrences(monomial, r.left, r.right):
            derivation.by_rule[monomial] = (k, result)
            return monomial, result
    return monomial, None


def _normalise_letter(letter: Letter, derivation: Derivation) -> Letter:
    args = tuple(normalise(Term(dict(a)), derivation).key() for a in letter.args)
    if args == letter.args:
        return letter
    derivation.by_argument[letter] = replace(letter, args=args)
    return derivation.by_argument[letter]


def occurrences(monomial: Monomial, left: Monomial, right: Term) -> list[Term]:
    """Every result of replacing one occurrence of `left` in `monomial` by `right`."""
    spare = Counter(monomial.scalars)
    spare.subtract(Counter(left.scalars))
    if any(count < 0 for count in spare.values()):
        return []
    scalars = Term({Monomial(scalars=tuple(sorted(spare.elements()))): Fraction(1)})
    width = len(left.word)
    starts = [i for i in range(len(monomial.word) - width + 1) if monomial.word[i : i + width] == left.word]
    return [
        scalars * _word(monomial.word[:i]) * right * _word(monomial.word[i + width :])
        for i in starts[: None if width else 1]
    ]


def _word(word: tuple[Letter, ...]) -> Term:
    return Term({Monomial(word=word): Fraction(1)})


def encode(term: Term) -> list[Any]:
    """A term as nested lists ``[[coefficient, scalars, word], ...]``.

    Example:
        >>> from theory.terms import matrix, scalar
        >>> encode(scalar("c") * matrix("A"))
        [['1', ['c'], ['A']]]
    """
    return [
        [str(c), [_encode_letter(x) for x in m.scalars], [_encode_letter(x) for x in m.word]] for m, c in term.key()
    ]


def _encode_letter(letter: Letter) -> str | list[Any]:
    if not letter.args:
        return letter.name
    return [letter.name, [encode(Term(dict(a))) for a in letter.args]]


def decode(data: Sequence[Any]) -> Term:
    """The inverse of `encode`.

    Example:
        >>> str(decode([["1/2", ["c"], ["A", "B"]]]))
        '1/2 c A B'
    """
    return Term(
        {
            Monomial(tuple(_decode_letter(x, True) for x in s), tuple(_decode_letter(x, False) for x in w)): Fraction(c)
            for c, s, w in data
        }
    )


def _decode_letter(data: str | Sequence[Any], commutes: bool) -> Letter:
    if isinstance(data, str):
        return Letter(data, (), commutes)
    return Letter(data[0], tuple(decode(a).key() for a in data[1]), commutes)
