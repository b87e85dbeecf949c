"""The ledger takes what is well formed, names what is not, and grows by one module at a time."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import theory
from theory.claims import LEDGER, Claim, Ledger, Mutant, UnknownClaimError, claim, load, proves
from theory.evidence import Evidence, Trust, Verdict
from theory.status import StepResult, check, run_step, statuses

TODAY = ("def-3.1", "def-3.2", "alg-1", "thm-c.1", "table-1", "ex-4.1", "ex-4.1-exact")
STEPS = {f"{id}: {step.name}": step for id, steps in load().steps.items() for step in steps}
TEXTS: dict[str, Any] = {"id": "lem-1", "kind": "lemma", "title": "t", "statement": "s", "source": "ours"}
BAD_FIELDS = {
    "no id": ({"id": ""}, "id of claim"),
    "blank id": ({"id": "  "}, "id of claim"),
    "upper case": ({"id": "Lem-1"}, "id: got 'Lem-1'"),
    "a space": ({"id": "lem 1"}, "id: got 'lem 1'"),
    "a slash": ({"id": "lem/1"}, "id: got"),
    "not ascii": ({"id": "lém-1"}, "id: got"),
    "unknown kind": ({"kind": "conjecture"}, "kind of lem-1: got 'conjecture', want one of definition"),
    "no title": ({"title": ""}, "title of claim 'lem-1'"),
    "no statement": ({"statement": " \n"}, "statement of claim 'lem-1'"),
    "no source": ({"source": ""}, "source of claim 'lem-1'"),
    "aiming at no answer": ({"expected": Verdict.INCONCLUSIVE}, "expected of lem-1"),
}


def yes(strict: bool = True) -> Evidence:
    """A toy check."""
    verdict = Verdict.CERTIFIED if strict else Verdict.REFUTED
    return Evidence(verdict, Trust.EXACT, "yes", {"kind": "rational", "left": "0", "relation": "<", "right": "1"})


@pytest.fixture
def small() -> Ledger:
    """A ledger with a lemma and a cited theorem."""
    ledger = Ledger()
    claim("lem-1", kind="lemma", title="one", statement="1 = 1", source="ours", ledger=ledger)
    claim("cite-1", kind="cited", title="known", statement="2 = 2", source="Somebody 1989", ledger=ledger)
    return ledger


def enter(ledger: Ledger, id: str, **fields: Any) -> None:
    """A lemma."""
    claim(id, kind="lemma", title=id, statement=id, source="ours", ledger=ledger, **fields)


def prove(ledger: Ledger, id: str, uses: Sequence[str]) -> None:
    """A toy step that rests on other claims."""
    proves(id, "s", by=Trust.EXACT, mutant=Mutant("m", strict=False), uses=uses, ledger=ledger)(yes)


@pytest.mark.parametrize(("changes", "says"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_malformed_claims_are_refused(changes: dict[str, Any], says: str) -> None:
    Claim(**TEXTS)
    with pytest.raises(ValueError, match=f"^{says}"):
        Claim(**(TEXTS | changes))


@pytest.mark.parametrize("field", ["hypotheses", "uses"])
def test_one_text_is_not_taken_for_a_list_of_letters(small: Ledger, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        enter(small, "lem-2", **{field: "lem-1"})


def test_a_taken_id_is_refused_and_names_its_owner(small: Ledger) -> None:
    with pytest.raises(ValueError, match="'lem-1' is taken by 'one'"):
        enter(small, "lem-1")


def registering(id: str, **changes: object) -> Callable[[Ledger], object]:
    """Registers a toy step with these changes as its mutant."""
    return lambda ledger: proves(id, "s", by=Trust.EXACT, mutant=Mutant("m", **changes), ledger=ledger)(yes)


BAD_STEPS = {
    "a cited claim": (registering("cite-1", strict=False), ValueError, "'cite-1' is cited"),
    "an unknown claim": (registering("lem-9", strict=False), UnknownClaimError, "did you mean lem-1"),
    "an argument that the check lacks": (registering("lem-1", bound=3), ValueError, "takes no bound"),
    "a mutant that changes nothing": (registering("lem-1"), ValueError, "no changed argument"),
}


@pytest.mark.parametrize(("register", "error", "says"), BAD_STEPS.values(), ids=BAD_STEPS)
def test_malformed_steps_are_refused(
    small: Ledger, register: Callable[[Ledger], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        register(small)
    assert not any(small.steps.values())


def test_a_step_name_is_used_once_in_a_claim(small: Ledger) -> None:
    register = proves("lem-1", "s", by=Trust.EXACT, mutant=Mutant("m", strict=False), ledger=small)
    assert register(yes) is yes
    with pytest.raises(ValueError, match="a step 's' already"):
        register(yes)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("lem-2", "did you mean lem-1"),
        ("cite", "did you mean cite-1"),
        ("zzz", "the nearest are: (lem-1, cite-1|cite-1, lem-1)"),
    ],
)
def test_unknown_claims_are_answered_with_the_nearest(small: Ledger, asked: str, says: str) -> None:
    with pytest.raises(UnknownClaimError, match=says):
        small.get(asked)


def test_an_empty_ledger_says_so() -> None:
    with pytest.raises(UnknownClaimError, match="the nearest are: none"):
        Ledger().get("lem-1")


def test_the_real_ledger_suggests_real_ids(ledger: Ledger) -> None:
    with pytest.raises(UnknownClaimError, match=r"did you mean .*thm-c\.1"):
        ledger.get("thm-c1")


def test_circles_of_statements_are_refused(small: Ledger) -> None:
    enter(small, "a", uses=["b"])
    enter(small, "b", uses=["c"])
    enter(small, "c", uses=["a"])
    with pytest.raises(ValueError, match="in a circle: a -> b -> c -> a"):
        small.ordered()


def test_a_claim_proved_by_itself_is_refused(small: Ledger) -> None:
    prove(small, "lem-1", uses=["lem-1"])
    with pytest.raises(ValueError, match="in a circle: lem-1 -> lem-1"):
        small.ordered()


def test_statement_and_proof_together_cannot_form_a_circle(small: Ledger) -> None:
    enter(small, "a", uses=["lem-1"])
    prove(small, "lem-1", uses=["a"])
    with pytest.raises(ValueError, match="in a circle"):
        small.ordered()


def test_unknown_uses_are_refused(small: Ledger) -> None:
    enter(small, "a", uses=["lem-2"])
    with pytest.raises(UnknownClaimError, match="no claim 'lem-2': did you mean lem-1"):
        small.ordered()


def test_parents_come_first_and_ties_go_by_id(small: Ledger) -> None:
    enter(small, "b")
    enter(small, "a", uses=["lem-1"])
    prove(small, "b", uses=["cite-1"])
    assert small.ordered() == ["lem-1", "a", "cite-1", "b"]
    assert small.ordered(["b"]) == ["cite-1", "b"]
    assert small.parents("b") == small.proof_uses("b") == ("cite-1",)
    assert small.parents("a") == ("lem-1",)
    assert small.proof_uses("a") == ()
    assert small.used_by("lem-1") == ("a",)
    assert [c.id for c in small] == ["lem-1", "cite-1", "b", "a"]


def test_today_s_claims_are_there_under_their_permanent_ids(ledger: Ledger) -> None:
    assert set(TODAY) <= set(ledger.claims)
    assert load() is ledger is LEDGER


def test_every_claim_that_is_not_cited_has_a_proof(ledger: Ledger) -> None:
    assert [c.id for c in ledger if c.kind != "cited" and not ledger.steps[c.id]] == []


@pytest.mark.parametrize("name", STEPS)
def test_every_step_holds_and_its_mutant_is_caught(name: str) -> None:
    step = STEPS[name]
    result = run_step(step)
    if result.skipped and os.environ.get("ORBITGAP_COQ") != "required":
        pytest.skip(f"NOT CHECKED BY COQ: {result.summary}")
    assert result.failure == ""
    assert result.verdict in (Verdict.CERTIFIED, Verdict.REFUTED)
    assert result.mutant in set(Verdict) - {result.verdict}
    assert result.trust is not None
    assert result.trust >= step.by


def test_every_claim_has_the_status_that_the_ledger_expects(
    ledger: Ledger, results: Mapping[str, Sequence[StepResult]]
) -> None:
    found = statuses(ledger, results)
    assert {id: s.verdict for id, s in found.items()} == {c.id: c.expected for c in ledger}


@pytest.mark.parametrize("id", TODAY)
def test_today_s_claims_are_known_exactly(ledger: Ledger, results: Mapping[str, Sequence[StepResult]], id: str) -> None:
    status = statuses(ledger, results)[id]
    assert (status.verdict, status.trust, status.rests_on) == (Verdict.CERTIFIED, Trust.EXACT, ())


NEW_THEOREM = """
from fractions import Fraction
from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust

claim("thm-new.1", kind="theorem", title="A half", statement=r"1/3 < 1/2", source="ours", uses=("def-3.1",))

@proves("thm-new.1", "compare", by=Trust.EXACT, mutant=Mutant("a third becomes two thirds", left=Fraction(2, 3)))
def compare(left: Fraction = Fraction(1, 3)) -> Evidence:
    return decide.rational("a third", left, "<", Fraction(1, 2))
"""


@pytest.fixture
def new_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module beside those of theory/ that is gone again afterwards."""
    load()
    (tmp_path / "brand_new_theorem.py").write_text(NEW_THEOREM, encoding="utf-8")
    monkeypatch.setattr(theory, "__path__", [*theory.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield "brand_new_theorem"
    LEDGER.claims.pop("thm-new.1", None)
    LEDGER.steps.pop("thm-new.1", None)
    sys.modules.pop("theory.brand_new_theorem", None)
    vars(theory).pop("brand_new_theorem", None)


def test_adding_a_theorem_is_writing_one_module(new_module: str) -> None:
    assert "thm-new.1" not in LEDGER.claims
    ledger = load()
    assert f"theory.{new_module}" in sys.modules
    results = check(ledger, ["thm-new.1"])
    assert list(results) == ["def-3.1", "thm-new.1"]
    status = statuses(ledger, results)["thm-new.1"]
    assert (status.verdict, status.trust) == (Verdict.CERTIFIED, Trust.EXACT)
    assert results["thm-new.1"][0].mutant is Verdict.REFUTED
    assert "thm-new.1" in ledger.used_by("def-3.1")


def test_the_added_theorem_left_no_trace() -> None:
    assert "thm-new.1" not in load().claims
    assert "theory.brand_new_theorem" not in sys.modules


def test_a_mutant_that_changes_nothing_is_refused() -> None:
    book = Ledger()
    claim("lem-1", kind="lemma", title="one", statement="1=1", source="ours", ledger=book)
    with pytest.raises(ValueError, match="changes nothing"):
        proves("lem-1", "s", by=Trust.EXACT, mutant=Mutant("m", k=1), ledger=book)(lambda k=1: None)  # type: ignore
