"""Normal forms modulo rules agree with exact matrices that obey the rules."""

from __future__ import annotations

import json
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.groups import ORTHOGONAL
from theory.rewriting import Derivation, Rule, decode, encode, normalise, occurrences, rule
from theory.terms import Term, apply, apply_scalar, combine, matrix, one, scalar, transpose, zero

QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
A, B, G, G_INV, S = matrix("A"), matrix("B"), matrix("g"), matrix("g^-1"), scalar("s")
ORTHOGONAL_RULES = [rule("g' g = 1", transpose(G) * G, one()), rule("g g' = 1", G * transpose(G), one())]
SIGN_RULES = [rule("s^2 = 1", S * S, one())]
WORDS = st.lists(st.sampled_from(["g", "g'", "A", "A'"]), max_size=8)


def word(letters: list[str]) -> Term:
    """A product of matrix letters."""
    product = one()
    for name in letters:
        product = product * matrix(name)
    return product


TERMS = st.lists(st.tuples(WORDS, st.integers(-3, 3)), max_size=3).map(
    lambda parts: combine((word(w), Fraction(c, 2)) for w, c in parts)
)


def value(term: Term, seed: int) -> NDArray[np.object_]:
    """The term at a random rational orthogonal g and a random rational A."""
    rng = random.Random(seed)
    a = np.array([[Fraction(rng.randint(-5, 5), 3) for _ in range(3)] for _ in range(3)], object)
    known = {"g": ORTHOGONAL.exact_element(3, rng), "A": a}
    total = np.full((3, 3), Fraction(0), object)
    for monomial, c in term.coefficients.items():
        product = np.array([[c * (i == j) for j in range(3)] for i in range(3)], object)
        for letter in monomial.word:
            m = known[letter.name.rstrip("'")]
            product = product @ (m.T if letter.name.endswith("'") else m)
        total = total + product
    return total


def normal(term: Term, rules: list[Rule]) -> Term:
    """The normal form alone."""
    return normalise(term, Derivation(rules))


@QUICK
@given(TERMS, st.integers(0, 10**6))
def test_normal_form_agrees_with_exact_orthogonal_matrices(term: Term, seed: int) -> None:
    assert (value(term, seed) == value(normal(term, ORTHOGONAL_RULES), seed)).all()


@QUICK
@given(TERMS)
def test_normal_form_is_a_fixed_point_without_redex(term: Term) -> None:
    done = normal(term, ORTHOGONAL_RULES)
    assert normal(done, ORTHOGONAL_RULES) == done
    assert not any(occurrences(m, r.left, r.right) for m in done.coefficients for r in ORTHOGONAL_RULES)


@QUICK
@given(st.lists(st.sampled_from(["g", "g'"]), max_size=10))
def test_words_in_g_reduce_as_in_the_integers(letters: list[str]) -> None:
    height = letters.count("g") - letters.count("g'")
    assert normal(word(letters), ORTHOGONAL_RULES) == word(["g"] * height + ["g'"] * -height)


@QUICK
@given(st.integers(0, 12))
def test_powers_of_a_sign_reduce_by_parity(power: int) -> None:
    product = one()
    for _ in range(power):
        product = product * S
    assert normal(product, SIGN_RULES) == (S if power % 2 else one())


@QUICK
@given(TERMS, TERMS)
def test_encoding_survives_json(x: Term, y: Term) -> None:
    nested = S * apply("f", x, y) * apply_scalar("q", y, apply("h", x)) + transpose(apply("f", zero(), x)) - one()
    assert decode(json.loads(json.dumps(encode(nested)))) == nested
    assert decode(encode(x)) == x


def test_rules_apply_inside_opaque_functions_and_their_nested_arguments() -> None:
    before = apply("f", apply("h", transpose(G) * G * A), S) * apply_scalar("q", G * transpose(G))
    assert normal(before, ORTHOGONAL_RULES) == apply("f", apply("h", A), S) * apply_scalar("q", one())


def test_rules_do_not_apply_out_of_order() -> None:
    term = G * A * transpose(G)
    assert normal(term, ORTHOGONAL_RULES) == term
    only_left = [rule("g' g = 1", transpose(G) * G, one())]
    assert normal(G * transpose(G), only_left) == G * transpose(G)


def test_a_rule_with_a_sum_on_the_right_is_distributed() -> None:
    assert normal(A * G * A, [rule("g = 1 + B", G, one() + B)]) == A * A + A * B * A


def test_occurrences_are_all_found_and_none_invented() -> None:
    def found(term: Term, left: Term) -> int:
        ((monomial, _),), ((pattern, _),) = term.coefficients.items(), left.coefficients.items()
        return len(occurrences(monomial, pattern, one()))

    assert found(A * A * A, A * A) == 2
    assert found(A * B * A, A * A) == 0
    assert found(S * A * A, S * A) == 2
    assert found(A * A, S * A) == 0
    assert found(S * A * A, S) == 1


@pytest.mark.parametrize("left", [zero(), one(), 2 * A, A + B, -A], ids=str)
def test_a_rule_needs_one_plain_monomial_on_the_left(left: Term) -> None:
    with pytest.raises(ValueError, match="left"):
        rule("bad", left, one())


LOOPS = {
    "swap": [rule("A = B", A, B), rule("B = A", B, A)],
    "grow": [rule("A = A B", A, A * B)],
    "nest": [rule("A = f[A]", A, apply("f", A))],
}


@pytest.mark.parametrize("rules", LOOPS.values(), ids=LOOPS)
def test_rules_that_do_not_terminate_are_refused_by_name(rules: list[Rule]) -> None:
    with pytest.raises(ValueError, match="terminate"):
        normal(A, rules)


def test_a_long_derivation_reaches_its_normal_form() -> None:
    # 300 rewritings: far fewer than the limit on steps
    names = [matrix(f"A{k}") for k in range(301)]
    chain = [rule(f"step {k}", names[k], names[k + 1]) for k in range(300)]
    assert normal(names[0], chain) == names[300]


def test_derivation_notes_each_fact_once() -> None:
    derivation = Derivation(ORTHOGONAL_RULES)
    normalise(transpose(G) * G * A + apply("f", transpose(G) * G), derivation)
    certificate = derivation.certificate(A, B)
    assert certificate["kind"] == "rewriting"
    assert certificate["claim"] == "A = B"
    assert len(certificate["by_rule"]) == 2
    assert len(certificate["by_argument"]) == 1
    assert set(certificate["given"]) == {"g' g = 1", "g g' = 1"}
    json.dumps(certificate)
