"""A status is computed from what the steps gave, and nothing that went wrong passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from theory import decide
from theory.claims import Kernel, Ledger, Mutant, Step, proves
from theory.evidence import Evidence, Trust, UnavailableError, Verdict
from theory.status import Status, StepResult, check, digest, run_step, statuses

C, R, Q = Verdict.CERTIFIED, Verdict.REFUTED, Verdict.INCONCLUSIVE
SOUND = {"kind": "rational", "left": "0", "relation": "<", "right": "1"}
FALSE = {"kind": "rational", "left": "1", "relation": "<", "right": "0"}


EMPTY = {"kind": "enumeration", "count": 0, "counterexample": None}


def answer(verdict: Verdict, trust: Trust = Trust.EXACT, certificate: Mapping[str, Any] | None = None) -> Evidence:
    """Evidence as ordered, with a certificate that shows it unless another is given."""
    shown = FALSE if verdict is R else SOUND
    return Evidence(verdict, trust, f"says {verdict}", shown if certificate is None else certificate)


def fail() -> Evidence:
    """A check that breaks."""
    raise ZeroDivisionError("the reason why")


def step(good: Callable[[], Any], bad: Callable[[], Any], by: Trust = Trust.EXACT) -> Step:
    """A step whose check calls one or, for the mutant, the other."""
    return Step(
        "lem-1", "a step", lambda mutated=False: bad() if mutated else good(), by, Mutant("m", mutated=True), ()
    )


YES, NO, OPEN = (lambda: answer(C)), (lambda: answer(R)), (lambda: answer(Q))
RUNS: dict[str, tuple[Step, Verdict, str]] = {
    "certified, mutant refuted": (step(YES, NO), C, ""),
    "certified, mutant open": (step(YES, OPEN), C, ""),
    "refuted, mutant certified": (step(NO, YES), R, ""),
    "refuted, mutant open": (step(NO, OPEN), R, ""),
    "stronger than declared": (step(YES, NO, Trust.CITED), C, ""),
    "open": (step(OPEN, NO), Q, ""),
    "certified, mutant survives": (step(YES, YES), Q, "mutant survived: m"),
    "refuted, mutant survives": (step(NO, NO), Q, "mutant survived: m"),
    "weaker than declared": (step(YES, NO, Trust.KERNEL), Q, "declared KERNEL, but the evidence is only EXACT"),
    "refuted, weaker than declared": (step(NO, YES, Trust.KERNEL), Q, "declared KERNEL"),
    "certificate is false": (step(lambda: answer(C, certificate=FALSE), NO), Q, "certificate was not confirmed"),
    "refutation shows nothing": (step(lambda: answer(R, certificate=SOUND), YES), Q, "shows no refutation"),
    "refutation has no certificate": (step(lambda: answer(R, certificate={}), YES), Q, "ValueError: certificate"),
    "mutant is empty": (step(YES, lambda: answer(Q, certificate=EMPTY)), Q, "the mutant left nothing to check: m"),
    "certificate is missing": (step(lambda: answer(C, certificate={}), NO), Q, "ValueError: certificate"),
    "certificate is damaged": (step(lambda: answer(C, certificate={"kind": "sturm"}), NO), Q, "KeyError"),
    "check raises": (step(fail, NO), Q, "ZeroDivisionError: the reason why"),
    "mutant raises": (step(YES, fail), Q, "ZeroDivisionError: the reason why"),
    "check returns nothing": (step(lambda: None, NO), Q, "AttributeError"),
    "mutant returns nothing": (step(YES, lambda: None), Q, "AttributeError"),
}


@pytest.mark.parametrize(("run", "verdict", "failure"), RUNS.values(), ids=RUNS)
def test_a_step_counts_only_if_everything_went_right(run: Step, verdict: Verdict, failure: str) -> None:
    result = run_step(run)
    assert result.verdict is verdict
    assert failure in result.failure
    assert bool(result.failure) is bool(failure)
    assert result.seconds >= 0


BALL = decide.enclosed("log(2)", "<", "7/10", {}).certificate


@pytest.mark.parametrize("certificate", [BALL, {"kind": "all", "parts": [SOUND, BALL]}], ids=["ball", "conjunction"])
def test_trust_is_no_more_than_the_certificate_shows(certificate: Mapping[str, Any]) -> None:
    """An enclosure stays an enclosure, whatever the step calls it."""
    assert run_step(step(lambda: answer(C, Trust.ENCLOSED, certificate), NO, Trust.ENCLOSED)).verdict is C
    result = run_step(step(lambda: answer(C, Trust.EXACT, certificate), NO))
    assert result.verdict is Q or result.trust is Trust.ENCLOSED


@pytest.mark.parametrize("run", [step(fail, NO), step(YES, fail)], ids=["check", "mutant"])
def test_what_raises_leaves_its_traceback_and_no_trust(run: Step) -> None:
    result = run_step(run)
    assert result.failure.startswith("Traceback")
    assert "in fail" in result.failure
    assert result.summary == "ZeroDivisionError: the reason why"
    assert (result.trust, result.mutant) == (None, None)


def test_a_good_step_reports_what_it_found() -> None:
    result = run_step(step(YES, OPEN))
    assert (result.name, result.summary, result.trust) == ("a step", "says CERTIFIED", Trust.EXACT)
    assert (result.mutant, result.certificate) == (Q, SOUND)


def found(book: Ledger) -> dict[str, Status]:
    """The statuses after a full run."""
    return statuses(book, check(book))


def test_the_suite_goes_on_after_a_step_that_raises(book: Any) -> None:
    book.enter("a")
    book.enter("b", C)
    proves("a", "breaks", by=Trust.EXACT, mutant=Mutant("m", k=1), ledger=book)(lambda k=0: fail())
    status = found(book)
    assert status["a"].verdict is Q
    assert "breaks: ZeroDivisionError: the reason why" in status["a"].reason
    assert status["b"].verdict is C


COMBINED = {(C, C): C, (C, R): R, (C, Q): Q, (R, Q): Q, (R, R): R, (Q, Q): Q, (): Q}


@pytest.mark.parametrize(("answers", "expected"), COMBINED.items(), ids=str)
def test_steps_combine(book: Any, answers: tuple[Verdict, ...], expected: Verdict) -> None:
    book.enter("a", *answers)
    status = found(book)["a"]
    assert status.verdict is expected
    assert bool(status.reason) is (expected is not C)
    assert (status.trust is None) is (expected is Q)


def test_a_claim_without_proof_is_inconclusive_and_says_so(book: Any) -> None:
    book.enter("a")
    assert found(book)["a"] == Status(Q, None, reason="it has no proof")


def test_a_claim_may_be_expected_to_be_refuted(book: Any) -> None:
    book.enter("a", R, expected=R)
    status = found(book)["a"]
    assert status.verdict is book.get("a").expected
    assert status.trust is Trust.EXACT
    assert status.reason == "step 0: answered REFUTED"


def test_trust_is_the_weakest_link_over_all_ancestors(book: Any) -> None:
    book.enter("a", C, trust=Trust.SAMPLED)
    book.enter("b", C, trust=Trust.ENCLOSED, rests=["a"])
    book.enter("c", C, trust=Trust.EXACT, rests=["b"])
    book.enter("d", C, trust=Trust.EXACT)
    status = found(book)
    assert [status[id].trust for id in "abcd"] == [Trust.SAMPLED, Trust.SAMPLED, Trust.SAMPLED, Trust.EXACT]


def test_what_only_states_a_claim_does_not_weaken_it(book: Any) -> None:
    book.enter("a", Q)
    book.enter("b", C, uses=["a"])
    status = found(book)["b"]
    assert (status.verdict, status.trust, status.reason) == (C, Trust.EXACT, "")


def test_cited_leaves_are_collected_once_and_cap_the_trust(book: Any) -> None:
    book.enter("cite-2", kind="cited")
    book.enter("cite-1", kind="cited")
    book.enter("a", C, rests=["cite-2"])
    book.enter("b", C, rests=["cite-1", "cite-2"])
    book.enter("c", C, rests=["a", "b"])
    status = found(book)
    assert status["cite-1"] == Status(C, Trust.CITED, ("cite-1",))
    assert status["c"].rests_on == ("cite-1", "cite-2")
    assert status["c"].trust is Trust.CITED
    assert status["a"].rests_on == ("cite-2",)


@pytest.mark.parametrize("parent", [R, Q], ids=str)
@pytest.mark.parametrize("own", [C, R], ids=str)
def test_a_claim_that_rests_on_what_is_not_certified_is_inconclusive(book: Any, parent: Verdict, own: Verdict) -> None:
    book.enter("a", parent, expected=R)
    book.enter("b", own, rests=["a"])
    book.enter("c", C, rests=["b"])
    status = found(book)
    assert status["b"].verdict is Q
    assert status["b"].reason.startswith(f"rests on a, which is {parent}")
    assert status["c"].verdict is Q
    assert status["c"].reason.startswith("rests on b, which is INCONCLUSIVE")


def test_unchecked_is_not_a_pass_and_spreads(book: Any) -> None:
    book.enter("a", C)
    book.enter("b", C, rests=["a"])
    book.enter("c", C)
    results = check(book)
    status = statuses(book, {id: results[id] for id in ("b", "c")})
    assert status["a"] == Status(None, None, reason="it was not checked")
    assert status["b"] == Status(None, None, reason="a was not checked")
    assert status["c"].verdict is C
    assert all(s.verdict is None for s in statuses(book, {}).values())


def test_a_missing_or_a_foreign_step_result_is_not_a_pass(book: Any) -> None:
    book.enter("a", C, C)
    results = check(book)["a"]
    for given in (
        results[:1],
        [],
        [results[0], replace(results[1], name="other")],
        [*results, replace(results[0], name="x")],
    ):
        assert statuses(book, {"a": given})["a"].verdict is Q


def test_checking_a_claim_checks_what_it_rests_on_in_order(book: Any) -> None:
    book.enter("a", C, C)
    book.enter("b", C, rests=["a"])
    book.enter("c", C)
    seen: list[tuple[str, str]] = []
    results = check(book, ["b"], progress=lambda id, step: seen.append((id, step.name)))
    assert seen == [("a", "step 0"), ("a", "step 1"), ("b", "step 0")]
    assert list(results) == ["a", "b"]


def test_seconds_are_those_of_the_steps(book: Any) -> None:
    book.enter("a", C, C)
    runs = [StepResult(f"step {k}", C, Trust.EXACT, 1.5, "", R, SOUND) for k in range(2)]
    assert statuses(book, {"a": runs})["a"].seconds == 3.0


def digests(book: Ledger) -> dict[str, str]:
    """Of every claim."""
    return {c.id: digest(book, c.id) for c in book}


@pytest.fixture
def family(book: Any) -> Ledger:
    """A parent, a claim stated with it, one proved from it, their child, and a stranger."""
    book.enter("a", C, statement="first")
    book.enter("b", C, uses=["a"])
    book.enter("c", C, rests=["a"])
    book.enter("d", C, uses=["b"], rests=["c"])
    book.enter("e", C)
    return book


EDITS: dict[str, dict[str, Any]] = {
    "statement": {"statement": "second"},
    "hypotheses": {"hypotheses": ["d > 2"]},
    "title": {"title": "other"},
    "source": {"source": "Somebody 1999"},
    "kind": {"kind": "theorem"},
    "expected": {"expected": R},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_changes_the_digests_of_the_claim_and_its_descendants_only(family: Any, edit: dict[str, Any]) -> None:
    before = digests(family)
    family.claims["a"] = replace(family.claims["a"], **edit)
    assert [id for id, old in before.items() if digests(family)[id] != old] == ["a", "b", "c", "d"]


def test_a_new_step_of_a_proof_changes_the_digests_below(family: Any) -> None:
    before = digests(family)
    proves("c", "more", by=Trust.EXACT, mutant=Mutant("m", k=1), ledger=family)(lambda k=0: answer(C))
    assert [id for id, old in before.items() if digests(family)[id] != old] == ["c", "d"]


def test_digests_differ_and_do_not_depend_on_anything_else(family: Any) -> None:
    before = digests(family)
    assert len(set(before.values())) == 5
    family.enter("f", C, uses=["d"], rests=["e"])
    check(family)
    assert {id: d for id, d in digests(family).items() if id != "f"} == before


def missing() -> Evidence:
    """A check that cannot be run on this machine."""
    raise UnavailableError("install the prover")


def test_a_check_that_cannot_be_run_here_is_skipped_not_failed() -> None:
    result = run_step(step(missing, missing))
    assert (result.verdict, result.trust, result.skipped) == (Q, None, True)
    assert (result.summary, result.failure) == ("install the prover", "")


def result(name: str, verdict: Verdict, trust: Trust | None = Trust.EXACT, skipped: bool = False) -> StepResult:
    return StepResult(name, verdict, trust, 0.5, "why", None, skipped=skipped)


class TestKernelSteps:
    """A claim ``a`` with one exact step that uses ``low``, and one for a kernel that proves all of it or a part."""

    @pytest.fixture
    def book(self, book: Any) -> Any:
        book.enter("low", C, trust=Trust.ENCLOSED)
        book.enter("a", C, rests=["low"])
        return book

    def add(self, book: Any, whole: bool) -> None:
        kernel = Kernel("file.theorem", "as it is", whole)
        book.add_step(Step("a", "in Coq", lambda k=0: answer(C), Trust.KERNEL, Mutant("m", k=1), (), kernel))

    def status(self, book: Any, *results: StepResult) -> Status:
        return statuses(book, {"low": [result("step 0", C, Trust.ENCLOSED)], "a": results})["a"]

    @pytest.mark.parametrize(("whole", "trust"), [(True, Trust.KERNEL), (False, Trust.ENCLOSED)])
    def test_a_kernel_raises_trust_only_where_it_proves_all(self, book: Any, whole: bool, trust: Trust) -> None:
        self.add(book, whole)
        found = self.status(book, result("step 0", C), result("in Coq", C, Trust.KERNEL))
        assert (found.verdict, found.trust) == (C, trust)

    @pytest.mark.parametrize("whole", [True, False])
    def test_without_the_kernel_the_other_steps_count(self, book: Any, whole: bool) -> None:
        self.add(book, whole)
        found = self.status(book, result("step 0", C), result("in Coq", Q, None, skipped=True))
        assert (found.verdict, found.trust) == (C, Trust.ENCLOSED)

    def test_a_kernel_hides_no_step_that_fails(self, book: Any) -> None:
        self.add(book, whole=True)
        for bad in (Q, R):
            found = self.status(book, result("step 0", bad), result("in Coq", C, Trust.KERNEL))
            assert found.verdict is bad

    def test_a_theorem_that_the_kernel_refuses_leaves_the_claim_open(self, book: Any) -> None:
        self.add(book, whole=True)
        found = self.status(book, result("step 0", C), result("in Coq", Q, Trust.KERNEL))
        assert (found.verdict, found.trust) == (Q, None)

    def test_only_what_a_kernel_checks_may_be_left_out(self, book: Any) -> None:
        self.add(book, whole=False)
        found = self.status(book, result("step 0", Q, None, skipped=True), result("in Coq", C, Trust.KERNEL))
        assert (found.verdict, found.reason) == (Q, "step 0: why")

    @pytest.mark.parametrize(("whole", "verdict"), [(True, C), (False, Q)])
    def test_theorems_of_a_part_are_no_proof_by_themselves(self, book: Any, whole: bool, verdict: Verdict) -> None:
        book.steps["a"].clear()
        self.add(book, whole)
        assert self.status(book, result("in Coq", C, Trust.KERNEL)).verdict is verdict
        assert self.status(book, result("in Coq", Q, None, skipped=True)).verdict is Q


def test_a_certificate_of_a_theorem_counts_for_its_own_step_only() -> None:
    borrowed = {"kind": "kernel", "theorem": "quadratic.lem_d_2", "statement": "s", "axioms": [], "sources": "0"}
    for made in (
        step(lambda: answer(C, Trust.KERNEL, borrowed), NO),
        replace(step(lambda: answer(C, Trust.KERNEL, borrowed), NO, Trust.KERNEL), kernel=Kernel("a.b", "m", False)),
    ):
        assert "that of another theorem" in run_step(made).failure
