"""Certificates are confirmed when honest and thrown out when tampered with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory import decide, recheck
from theory.evidence import Evidence, Verdict, all_of
from theory.recheck import confirms
from theory.rewriting import encode, rule
from theory.status import StepResult
from theory.terms import Term, apply, apply_scalar, combine, matrix, one, scalar, transpose

F = Fraction
QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
A, B, G, S = matrix("A"), matrix("B"), matrix("g"), scalar("s")
RULES = [
    rule("g' g = 1", transpose(G) * G, one()),
    rule("g g' = 1", G * transpose(G), one()),
    rule("s^2 = 1", S * S, one()),
]
Tamper = Callable[[dict[str, Any]], object]


def rewriting() -> Evidence:
    """A derivation that uses two rules, one of them inside a function of a function."""
    left = S * S * A * apply("f", apply("h", transpose(G) * G * A)) * apply_scalar("q", G * transpose(G))
    return decide.equal_terms(left, A * apply("f", apply("h", A)) * apply_scalar("q", one()), RULES)


HONEST: dict[str, Callable[[], Evidence]] = {
    "rational": lambda: decide.rational("", F(1, 3), "<", F(1, 2)),
    "polynomial": lambda: decide.same_polynomial("(x + y)**2", "x**2 + 2*x*y + y**2"),
    "sturm": lambda: decide.positive_on("x**2 - 2", F(3, 2), F(2)),
    "ball": lambda: decide.enclosed("log(x)", "<", "7/10", {"x": 2}),
    "enumeration": lambda: decide.every("", range(3), lambda k: True),
    "rewriting": rewriting,
}


def put(key: str, value: object) -> Tamper:
    """Replace one entry."""
    return lambda certificate: certificate.update({key: value})


def put_in(key: str, row: int, column: int, value: object) -> Tamper:
    """Replace one entry of one recorded fact."""
    return lambda certificate: certificate[key][row].__setitem__(column, value)


TAMPERED: dict[str, tuple[str, Tamper]] = {
    "relation flipped": ("rational", put("relation", ">")),
    "relation made an equality": ("rational", put("relation", "==")),
    "left moved": ("rational", put("left", "2/3")),
    "right moved": ("rational", put("right", "1/4")),
    "polynomial changed": ("polynomial", put("left", "(x + y)**2 + 1")),
    "polynomial changed on the integers of the grid only": ("polynomial", put("left", "(x + y)**2 + x*(x-1)*(x-2)")),
    "other side changed": ("polynomial", put("right", "x**2 + x*y + y**2")),
    "interval over a root": ("sturm", put("low", "1")),
    "interval over both roots": ("sturm", put("low", "-2")),
    "interval ends at a root": ("sturm", put("polynomial", "(x - 2)*(x - 3)")),
    "double root inside": ("sturm", put("polynomial", "(4*x - 7)**2")),
    "polynomial negated": ("sturm", put("polynomial", "2 - x**2")),
    "polynomial made zero": ("sturm", put("polynomial", "x - x")),
    "enclosure of a false inequality": ("ball", put("difference", "(log(x)) - (7/10)")),
    "value changed": ("ball", put("values", {"x": "3"})),
    "equal quantities": ("ball", put("difference", "log(4) - 2*log(x)")),
    "not a number": ("ball", put("difference", "log(0 - x)")),
    "nothing enumerated": ("enumeration", put("count", 0)),
    "a counterexample": ("enumeration", put("counterexample", "2")),
    "left side changed": ("rewriting", put("left", encode(A * B))),
    "right side changed": ("rewriting", put("right", encode(2 * A * apply("f", apply("h", A))))),
    "rules taken away": ("rewriting", put("by_rule", [])),
    "first fact dropped": ("rewriting", lambda c: c["by_rule"].pop(0)),
    "last fact dropped": ("rewriting", lambda c: c["by_rule"].pop()),
    "replacements taken away": ("rewriting", put("by_argument", [])),
    "first replacement dropped": ("rewriting", lambda c: c["by_argument"].pop(0)),
    "result of a fact altered": ("rewriting", put_in("by_rule", 0, 2, encode(B))),
    "result of a fact scaled": ("rewriting", lambda c: c["by_rule"][0][2][0].__setitem__(0, "2")),
    "fact credited to another rule": (
        "rewriting",
        lambda c: c["by_rule"][0].__setitem__(1, (c["by_rule"][0][1] + 1) % 3),
    ),
    "right side of the rules altered": ("rewriting", lambda c: [r.__setitem__(1, encode(B)) for r in c["rules"]]),
    "replacement of unequal arguments": (
        "rewriting",
        lambda c: c["by_argument"][0].__setitem__(1, encode(apply("h", B))[0][2][0]),
    ),
    "replacement by another function": (
        "rewriting",
        lambda c: c["by_argument"][0].__setitem__(1, encode(apply("k", A))[0][2][0]),
    ),
}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_certificates_are_confirmed(kind: str) -> None:
    evidence = HONEST[kind]()
    assert evidence.verdict is Verdict.CERTIFIED
    assert evidence.certificate["kind"] == kind
    assert confirms(evidence.certificate)


@pytest.mark.parametrize(("kind", "tamper"), TAMPERED.values(), ids=TAMPERED)
def test_tampered_certificates_are_not(kind: str, tamper: Tamper) -> None:
    certificate = copy.deepcopy(dict(HONEST[kind]().certificate))
    tamper(certificate)
    assert not confirms(certificate)


@pytest.mark.parametrize("kind", HONEST)
def test_a_conjunction_is_confirmed_only_with_all_its_parts(kind: str) -> None:
    bad = decide.rational("", 1, "<", 0)
    assert confirms(all_of(HONEST[kind](), HONEST["rational"]()).certificate)
    assert not confirms(all_of(HONEST[kind](), bad).certificate)
    assert not confirms(all_of(bad, HONEST[kind]()).certificate)


def test_an_empty_conjunction_is_not_confirmed() -> None:
    assert not confirms({"kind": "all", "parts": []})


@pytest.mark.parametrize("certificate", [{}, {"kind": "trust me"}, {"kind": None}], ids=str)
def test_an_unknown_kind_is_refused(certificate: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="kind"):
        confirms(certificate)


@pytest.mark.parametrize("drop", ["x", "y"])
def test_a_polynomial_identity_cannot_hide_a_variable(drop: str) -> None:
    certificate = dict(HONEST["polynomial"]().certificate)
    certificate["variables"] = [v for v in certificate["variables"] if v != drop]
    with pytest.raises(ValueError, match="cannot read"):
        confirms(certificate)


def test_a_rewritten_monomial_has_coefficient_one() -> None:
    certificate = copy.deepcopy(dict(HONEST["rewriting"]().certificate))
    certificate["by_rule"][0][0][0][0] = "2"
    with pytest.raises(ValueError, match="coefficient"):
        confirms(certificate)


def letter(term: Term) -> object:
    """The encoding of a term's only letter."""
    ((_, _, (only,)),) = encode(term)
    return only


def test_replacements_cannot_justify_each_other_in_a_circle() -> None:
    """From a = f(a) and b = f(b) does not follow a = b: a function may have two fixed points."""
    f_a, f_b = apply("f", A), apply("f", B)
    certificate = {
        "kind": "rewriting",
        "rules": [[encode(A), encode(f_a)], [encode(f_b), encode(B)]],
        "by_rule": [[encode(A), 0, encode(f_a)], [encode(f_b), 1, encode(B)]],
        "by_argument": [[letter(f_a), letter(f_b)]],
        "left": encode(A),
        "right": encode(B),
    }
    assert not confirms(certificate)


UNEQUAL = {
    "another function": apply("k", A),
    "another argument": apply("f", B),
    "another number of arguments": apply("f", A, A),
}


@pytest.mark.parametrize("other", UNEQUAL.values(), ids=UNEQUAL)
def test_a_function_is_replaced_only_by_itself_at_equal_arguments(other: Term) -> None:
    empty = {"kind": "rewriting", "rules": [], "by_rule": []}
    sides = {"left": encode(apply("f", A)), "right": encode(other)}
    assert not confirms(empty | sides | {"by_argument": [[letter(apply("f", A)), letter(other)]]})


class TooManyStepsError(Exception):
    """The replay did not stop."""


def test_a_replay_that_goes_round_in_circles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(50_000))

    def counted(parts: Sequence[tuple[Term, Fraction]]) -> Term:
        if next(calls, None) is None:
            raise TooManyStepsError
        return combine(parts)

    monkeypatch.setattr(recheck, "combine", counted)
    rules = [[encode(A), encode(B)], [encode(B), encode(A)]]
    facts = [[encode(A), 0, encode(B)], [encode(B), 1, encode(A)]]
    certificate = {"kind": "rewriting", "rules": rules, "by_rule": facts, "by_argument": []}
    try:
        confirmed = confirms(certificate | {"left": encode(A), "right": encode(matrix("C"))})
    except ValueError:
        return
    assert not confirmed


@QUICK
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=5), st.integers(0, 4), st.integers(-2, 2))
def test_the_grid_sees_every_change_of_one_coefficient(coefficients: list[int], at: int, change: int) -> None:
    def text(values: list[int]) -> str:
        return " + ".join(f"({c})*x**{k}" for k, c in enumerate(values))

    changed = [c + change * (k == at) for k, c in enumerate(coefficients)]
    certificate = {"kind": "polynomial", "left": text(coefficients), "right": text(changed), "variables": ["x"]}
    assert confirms(certificate) is (changed == coefficients)


def test_every_certificate_of_the_ledger_is_confirmed(results: Mapping[str, Sequence[StepResult]]) -> None:
    steps = [step for of_claim in results.values() for step in of_claim]
    assert steps
    shows = {Verdict.CERTIFIED: confirms, Verdict.REFUTED: recheck.refutes}
    assert all(shows[step.verdict](step.certificate) for step in steps)


REFUTING = {
    "rational": (decide.rational("x", 1, "<", 0), decide.rational("x", 0, "<", 1)),
    "polynomial": (decide.same_polynomial("x + 1", "x"), decide.same_polynomial("x", "x")),
    "sturm": (decide.positive_on("x - 1", F(0), F(2)), decide.positive_on("x + 1", F(0), F(2))),
    "ball": (decide.enclosed("log(2)", ">", "1", {}), decide.enclosed("log(4)", "<", "2*log(2)", {})),
    "enumeration": (decide.every("e", range(3), lambda k: k < 2), decide.every("e", range(0), lambda k: False)),
    "rewriting": (None, decide.equal_terms(A, B)),
    "all": (
        all_of(decide.rational("x", 1, "<", 0), decide.rational("x", 0, "<", 1)),
        all_of(decide.rational("x", 0, "<", 1), decide.equal_terms(A, B)),
    ),
}


@pytest.mark.parametrize(("false", "other"), REFUTING.values(), ids=REFUTING)
def test_a_refutation_is_shown_and_an_open_question_is_none(false: Evidence | None, other: Evidence) -> None:
    if false is not None:
        assert false.verdict is Verdict.REFUTED
        assert recheck.refutes(false.certificate)
    assert not recheck.refutes(other.certificate)


@pytest.mark.parametrize("look", [recheck.confirms, recheck.refutes, recheck.ceiling])
def test_an_unknown_kind_is_refused_by_every_reader(look: Callable[[Mapping[str, Any]], object]) -> None:
    with pytest.raises(ValueError, match="certificate: got kind 'hearsay'"):
        look({"kind": "hearsay"})


def counterexamples(certificate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The replayable parts."""
    return [part for part in certificate["parts"] if part["kind"] == "opposite-signs"]


@pytest.mark.parametrize("name", ["adam", "adagrad", "sgd", "kernel"])
def test_the_counterexamples_of_table_1_are_replayed_from_their_certificates(name: str) -> None:
    from theory import table1_broken

    (found,) = counterexamples(getattr(table1_broken, name)().certificate)
    assert confirms(found)
    assert not confirms({**found, "g": [["1", "0"], ["0", "1"]]})
    assert not confirms({**found, "test": ["0", "0"]})
    if name in ("adam", "adagrad"):
        assert not confirms({**found, "rule": "sgd"})


def test_a_simulation_is_read_against_hoeffdings_bound() -> None:
    def certificate(mean: float, side: str, **changes: Any) -> dict[str, Any]:
        point = {"mean": mean, "low": 0.0, "high": 1.0, "replicas": 200, "claimed": 0.25, **changes}
        return {"kind": "simulation", "alpha": 0.01, "comparisons": 1, "side": side, "top": 1.0, "points": [point]}

    means = (0.05, 0.25, 0.55)
    for side, wanted in (("lower", (0, 1, 1)), ("upper", (1, 1, 0)), ("equal", (0, 1, 0))):
        assert [confirms(certificate(mean, side)) for mean in means] == [bool(w) for w in wanted]
    # 200 KL(0.14 | 0.25) is 7.30 and 200 KL(0.13 | 0.25) is 8.82; the logarithm of 20 / 0.01 is 7.60.
    assert [confirms(certificate(mean, "lower")) for mean in (0.14, 0.13)] == [True, False]
    assert not confirms({**certificate(0.25, "equal"), "points": []})
    assert not confirms(certificate(0.3, "lower", high=0.2, claimed=0.25))  # a mean outside of its interval
    assert not confirms(certificate(0.2, "lower", high=0.24))  # an interval that does not reach the claim
    assert not confirms(certificate(0.3, "upper", low=0.26))
    doubled = {**certificate(0.1, "lower", claimed=0.5), "top": 2.0}
    assert confirms({**doubled, "points": [{**doubled["points"][0], "replicas": 10}]})
    assert not confirms(doubled)
