"""Formal expressions: polynomials in commuting scalars and non-commuting matrices.

A proof about networks of *any* depth, width and activation cannot be run on matrices of
one size. It is run on words instead: ``W g^-1 g D`` is a word of four letters, a matrix
expression is a linear combination of words, and everything after the first layer is an
*opaque* function of which only one thing is used, that equal arguments give equal values.

    >>> W, D = matrix("W"), matrix("D")
    >>> eta = scalar("eta")
    >>> str(W - eta * apply("grad", W * D) * transpose(D))
    "W - eta grad[W D] D'"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "Letter",
    "Monomial",
    "Term",
    "apply",
    "apply_scalar",
    "matrix",
    "one",
    "scalar",
    "trace",
    "transpose",
    "zero",
]


@dataclass(frozen=True, order=True)
class Letter:
    """A symbol, or an opaque function applied to terms (then `args` is not empty).

    Args:
        name: what it is called; a trailing ``'`` marks a transpose.
        args: the terms an opaque function is applied to, as sorted tuples.
        commutes: True for scalars.
    """

    name: str
    args: tuple[tuple[tuple[Monomial, Fraction], ...], ...] = ()
    commutes: bool = False

    def __str__(self) -> str:
        if not self.args:
            return self.name
        bare, prime = (self.name[:-1], "'") if self.name.endswith("'") else (self.name, "")
        return f"{bare}[{', '.join(str(Term(dict(a))) for a in self.args)}]{prime}"


@dataclass(frozen=True, order=True)
class Monomial:
    """A product: scalars in sorted order, then a word of matrices in the order written."""

    scalars: tuple[Letter, ...] = ()
    word: tuple[Letter, ...] = ()

    def __mul__(self, other: Monomial) -> Monomial:
        return Monomial(tuple(sorted(self.scalars + other.scalars)), self.word + other.word)

    def __str__(self) -> str:
        return " ".join(map(str, self.scalars + self.word))


@dataclass(frozen=True)
class Term:
    """A linear combination of monomials with rational coefficients, no zero among them."""

    coefficients: dict[Monomial, Fraction]

    def __add__(self, other: Term) -> Term:
        return combine([(self, Fraction(1)), (other, Fraction(1))])

    def __sub__(self, other: Term) -> Term:
        return combine([(self, Fraction(1)), (other, Fraction(-1))])

    def __neg__(self) -> Term:
        return combine([(self, Fraction(-1))])

    def __mul__(self, other: Term | int | Fraction) -> Term:
        if isinstance(other, int | Fraction):
            return combine([(self, Fraction(other))])
        if not isinstance(other, Term):
            return NotImplemented
        products: dict[Monomial, Fraction] = {}
        for left, a in self.coefficients.items():
            for right, b in other.coefficients.items():
                key = left * right
                products[key] = products.get(key, Fraction(0)) + a * b
        return _without_zeros(products)

    __rmul__ = __mul__  # only ever reached with a number on the left

    def key(self) -> tuple[tuple[Monomial, Fraction], ...]:
        """A canonical hashable form: two terms are the same expression iff their keys agree."""
        return tuple(sorted(self.coefficients.items()))

    def __str__(self) -> str:
        text = ""
        for monomial, c in self.key():
            body = str(monomial)
            size = body if abs(c) == 1 and body else f"{abs(c)} {body}".strip()
            text += (" - " if c < 0 else " + ") + size if text else ("-" if c < 0 else "") + size
        return text or "0"


def combine(parts: Iterable[tuple[Term, Fraction]]) -> Term:
    """The linear combination of terms with rational weights."""
    total: dict[Monomial, Fraction] = {}
    for term, weight in parts:
        for monomial, c in term.coefficients.items():
            total[monomial] = total.get(monomial, Fraction(0)) + weight * c
    return _without_zeros(total)


def _without_zeros(coefficients: dict[Monomial, Fraction]) -> Term:
    return Term({m: c for m, c in coefficients.items() if c})


def matrix(name: str) -> Term:
    """A matrix symbol. Letters do not commute.

    Raises:
        ValueError: the name is empty or no text.

    Example:
        >>> A, B = matrix("A"), matrix("B")
        >>> str(A * B - B * A)
        'A B - B A'
    """
    return Term({Monomial(word=(Letter(_named(name)),)): Fraction(1)})


def scalar(name: str) -> Term:
    """A scalar symbol. Scalars commute with everything.

    Raises:
        ValueError: the name is empty or no text.

    Example:
        >>> str(matrix("A") * scalar("c") - scalar("c") * matrix("A"))
        '0'
    """
    return Term({Monomial(scalars=(Letter(_named(name), commutes=True),)): Fraction(1)})


def _named(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"name: got {name!r}, want a text that is not empty")
    return name


def one() -> Term:
    """The empty product.

    Example:
        >>> str(one() * matrix("A"))
        'A'
    """
    return Term({Monomial(): Fraction(1)})


def zero() -> Term:
    """The empty sum.

    Example:
        >>> matrix("A") - matrix("A") == zero()
        True
    """
    return Term({})


def apply(function: str, *args: Term) -> Term:
    """An opaque matrix-valued function of terms: equal arguments, equal values, nothing else.

    Example:
        >>> str(apply("f", matrix("W") * matrix("x")))
        'f[W x]'
    """
    return Term({Monomial(word=(Letter(function, tuple(a.key() for a in args)),)): Fraction(1)})


def apply_scalar(function: str, *args: Term) -> Term:
    """An opaque scalar-valued function of terms.

    Example:
        >>> c = apply_scalar("loss", matrix("W"))
        >>> c * matrix("A") == matrix("A") * c
        True
    """
    letter = Letter(function, tuple(a.key() for a in args), commutes=True)
    return Term({Monomial(scalars=(letter,)): Fraction(1)})


def transpose(term: Term) -> Term:
    """The transpose: words are read backwards, each letter primed (twice primed is unprimed).

    Example:
        >>> str(transpose(matrix("A") * matrix("B")))
        "B' A'"
    """
    return Term({Monomial(m.scalars, tuple(map(_prime, reversed(m.word)))): c for m, c in term.coefficients.items()})


def _prime(letter: Letter) -> Letter:
    name = letter.name[:-1] if letter.name.endswith("'") else letter.name + "'"
    return Letter(name, letter.args, letter.commutes)


def trace(term: Term) -> Term:
    """The trace, a linear combination of scalars ``tr[w]`` with words w up to rotation and transposition.

    ``tr(A B) = tr(B A)`` and ``tr(A) = tr(A')``, so each word is replaced by the least among its
    rotations and those of its transpose: two traces agree for matrices of every size if the
    results are the same term.

    Example:
        >>> A, B = matrix("A"), matrix("B")
        >>> trace(A * B) == trace(B * A) == trace(transpose(A * B))
        True
    """
    result = zero()
    for monomial, c in term.coefficients.items():
        backwards = tuple(map(_prime, reversed(monomial.word)))
        rotations = [w[i:] + w[:i] for w in (monomial.word, backwards) for i in range(max(1, len(w)))]
        word = Term({Monomial(word=min(rotations)): Fraction(1)})
        result = result + Term({Monomial(monomial.scalars): c}) * apply_scalar("tr", word)
    return result
