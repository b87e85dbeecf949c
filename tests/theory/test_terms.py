"""Formal terms are a ring with an involution, and mean what matrices mean."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.decide import equal_terms
from theory.evidence import Verdict
from theory.terms import Monomial, Term, apply, apply_scalar, combine, matrix, one, scalar, trace, transpose, zero

QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
A, B, W, D = map(matrix, "ABWD")
ETA = scalar("eta")
MATRICES = {
    "A": np.array([[Fraction(1), Fraction(2)], [Fraction(-1, 3), Fraction(5)]], object),
    "B": np.array([[Fraction(0), Fraction(1, 2)], [Fraction(7), Fraction(-2)]], object),
}
SCALARS = {"s": Fraction(3, 2), "t": Fraction(-2)}
IDENTITY = np.array([[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]], object)


def word(letters: list[str]) -> Term:
    """A product of matrix letters, primed ones included."""
    product = one()
    for name in letters:
        product = product * matrix(name)
    return product


def scaled(parts: list[tuple[int, str | None, list[str]]]) -> Term:
    """A linear combination of words, some of them times a scalar symbol."""
    return combine((word(w) * (scalar(s) if s else one()), Fraction(c, 3)) for c, s, w in parts)


WORDS = st.lists(st.sampled_from(["A", "B", "A'", "B'"]), max_size=3)
TERMS = st.lists(st.tuples(st.integers(-4, 4), st.sampled_from([None, "s", "t"]), WORDS), max_size=3).map(scaled)


def value(term: Term) -> NDArray[Any]:
    """The term at 2 x 2 rational matrices, letter by letter."""
    total = IDENTITY * Fraction(0)
    for monomial, c in term.coefficients.items():
        product = IDENTITY * c
        for letter in monomial.scalars:
            product = product * SCALARS[letter.name]
        for letter in monomial.word:
            m = MATRICES[letter.name.rstrip("'")]
            product = product @ (m.T if letter.name.endswith("'") else m)
        total = total + product
    return total


@QUICK
@given(TERMS, TERMS, TERMS)
def test_terms_are_a_ring(x: Term, y: Term, z: Term) -> None:
    assert x + y == y + x
    assert (x + y) + z == x + (y + z)
    assert (x * y) * z == x * (y * z)
    assert x * (y + z) == x * y + x * z
    assert (x + y) * z == x * z + y * z
    assert x + zero() == x == x * one() == one() * x
    assert x - x == zero() == x * zero() == x + -x


@QUICK
@given(TERMS, TERMS)
def test_terms_compute_as_matrices_do(x: Term, y: Term) -> None:
    assert (value(x + y) == value(x) + value(y)).all()
    assert (value(x - y) == value(x) - value(y)).all()
    assert (value(x * y) == value(x) @ value(y)).all()
    assert (value(transpose(x)) == value(x).T).all()
    assert (value(3 * x) == 3 * value(x)).all()


@QUICK
@given(TERMS, TERMS)
def test_transpose_is_an_involution_that_turns_products_round(x: Term, y: Term) -> None:
    assert transpose(transpose(x)) == x
    assert transpose(x * y) == transpose(y) * transpose(x)
    assert transpose(x + y) == transpose(x) + transpose(y)


@QUICK
@given(TERMS, TERMS)
def test_trace_is_linear_cyclic_and_blind_to_transposition(x: Term, y: Term) -> None:
    assert trace(x * y) == trace(y * x)
    assert trace(transpose(x)) == trace(x)
    assert trace(x + 2 * y) == trace(x) + 2 * trace(y)


@settings(QUICK, max_examples=150)
@given(WORDS, WORDS)
def test_equal_traces_are_equal_for_real_matrices(v: list[str], w: list[str]) -> None:
    if trace(word(v)) == trace(word(w)):
        assert np.trace(value(word(v))) == np.trace(value(word(w)))


TRACES = {
    "the trace of a product is not the product of the traces": (trace(A) * trace(B), trace(A * B)),
    "a trace is not its matrix": (trace(A), A),
    "the trace of the identity is the dimension, not one": (trace(one()), one()),
}


@pytest.mark.parametrize(("left", "right"), TRACES.values(), ids=TRACES)
def test_false_identities_of_traces_are_not_certified(left: Term, right: Term) -> None:
    assert equal_terms(left, right).verdict is not Verdict.CERTIFIED


@QUICK
@given(TERMS, TERMS)
def test_keys_agree_exactly_when_the_difference_is_zero(x: Term, y: Term) -> None:
    assert (x.key() == y.key()) == ((x - y) == zero())


@QUICK
@given(TERMS)
def test_no_coefficient_is_zero(x: Term) -> None:
    assert all((x * x - x).coefficients.values())


def test_matrices_do_not_commute_and_scalars_do() -> None:
    assert A * B != B * A
    assert A * ETA == ETA * A
    assert scalar("s") * scalar("t") == scalar("t") * scalar("s")


def test_a_scalar_and_a_matrix_of_the_same_name_differ() -> None:
    assert scalar("x") != matrix("x")


def test_opaque_functions_agree_on_equal_arguments_and_only_there() -> None:
    assert apply("f", A + B, A) == apply("f", B + A, A)
    assert apply("f", A, B) != apply("f", B, A)
    assert apply("f", A) != apply("h", A)
    assert apply("f", A * B) != apply("f", B * A)
    assert apply("f", A) * apply("f", B) != apply("f", B) * apply("f", A)
    assert apply_scalar("f", A) * apply_scalar("f", B) == apply_scalar("f", B) * apply_scalar("f", A)


TEXTS = {
    "W - eta grad[W D] D'": W - ETA * apply("grad", W * D) * transpose(D),
    "0": zero(),
    "1": one(),
    "-A": -A,
    "2 A - 1/2 B": 2 * A - Fraction(1, 2) * B,
    "f[A]'": transpose(apply("f", A)),
    "-3": -3 * one(),
}


@pytest.mark.parametrize(("text", "term"), TEXTS.items(), ids=str)
def test_terms_read_as_on_paper(text: str, term: Term) -> None:
    assert str(term) == text


def test_products_keep_the_order_of_words_and_sort_scalars() -> None:
    (monomial,) = (scalar("t") * B * scalar("s") * A).coefficients
    assert [x.name for x in monomial.scalars] == ["s", "t"]
    assert [x.name for x in monomial.word] == ["B", "A"]
    assert Monomial() * monomial == monomial
