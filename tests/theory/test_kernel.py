"""What Coq checked: the files take nothing for granted, stale answers do not count, and Coq's absence is said."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from theory import claims, coq_compiler, coq_files, kernel
from theory.coq_compiler import INSTALL, Theorem, compiled
from theory.evidence import Trust, UnavailableError, Verdict
from theory.recheck import ceiling, confirms, refutes
from theory.status import run_step

FILES = sorted(coq_files.SOURCES.glob("*.v"))
REQUIRED = os.environ.get("ORBITGAP_COQ") == "required"
GOOD = next(t for t in kernel.theorems() if t.theorem == "warmup.warmup_attained")


@pytest.fixture(scope="session")
def coq() -> None:
    if shutil.which("coqc") is None:
        assert not REQUIRED, "ORBITGAP_COQ=required, but Coq is not installed"
        pytest.skip(f"NOT CHECKED BY COQ: {INSTALL}")


def test_no_file_takes_anything_for_granted() -> None:
    assert len(FILES) >= 12
    assert {path.name: coq_files.gaps(path.read_text(encoding="utf-8")) for path in FILES} == {
        p.name: [] for p in FILES
    }


@pytest.mark.parametrize(
    "line",
    [
        "Admitted.",
        "admit.",
        "give_up.",
        "Admit Obligations.",
        "Axiom a : False.",
        "Axioms a b : nat.",
        "Parameter n : nat.",
        "Parameters n m : nat.",
        "Conjecture c : 1 = 2.",
        "Hypothesis h : False.",
        "Variables n m : nat.",
        "Context (n : nat).",
        "Section S. End S. Variable n : nat.",
        "Module M. Hypothesis h : False. End M.",
        "Unset Guard Checking.",
        "Unset  Universe\nChecking.",
        "Unset Positivity Checking.",
        "#[bypass_check(guard)] Fixpoint f (n : nat) := f n.",
        "Declare ML Module m.",
        "Primitive f := #int63_add.",
        "Fail Check nothing.",
    ],
)
def test_a_gap_is_seen_unless_it_is_a_comment(line: str) -> None:
    assert coq_files.gaps(f"Lemma l : True. {line}")
    assert not coq_files.gaps(f"Lemma l : True. (* {line} *) Proof. by []. Qed.")
    assert not coq_files.gaps(f"(* a (* nested *) {line} *)")
    assert coq_files.gaps(f'Notation "(*" := x. {line} Notation "*)" := y.')


def test_what_a_section_supposes_is_no_gap() -> None:
    inner = "Section T. Hypothesis h : n = 0. End T."
    text = f"Module M := F A.\nSection S.\nVariable n : nat.\n{inner}\nContext (m : nat).\nEnd S."
    assert coq_files.gaps(text) == []
    assert coq_files.gaps(f"{text}\nVariable k : nat.") == ["Variable"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_says_in_words_what_it_proves_and_how_it_is_modelled(path: Path) -> None:
    header = re.match(r"\(\*\*(.*?)\*\)", path.read_text(encoding="utf-8"), re.DOTALL)
    assert header
    assert "Modelled:" in header[1]


def test_every_theorem_is_of_a_claim_and_says_how_its_model_differs() -> None:
    found = kernel.theorems()
    assert len(found) >= 31
    assert {t.claim for t in found} <= set(claims.load().claims)
    assert len({t.key for t in found}) == len(found)
    assert all(t.says and t.model and t.mutant for t in found)


@pytest.mark.usefixtures("coq")
def test_every_theorem_is_proved_and_every_false_variant_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORBITGAP_HOME", os.environ.get("ORBITGAP_HOME") or str(tmp_path))
    assert kernel.main() == 0, capsys.readouterr().out
    found = kernel.results()
    assert set(found["theorems"]) == {t.theorem for t in kernel.theorems()}
    assert all(answer["statement"].startswith(name.partition(".")[2]) for name, answer in found["theorems"].items())
    assumed = {axiom for answer in found["theorems"].values() for axiom in answer["axioms"]}
    assert assumed <= coq_files.REALS
    assert all(
        not found["theorems"][t.theorem]["axioms"] or t.theorem.startswith("constants.") for t in kernel.theorems()
    )


ANSWERS = {
    "coq": "Coq 9",
    "sources": coq_files.sources_digest(),
    "theorems": {GOOD.theorem: {"statement": "warmup_attained : True", "axioms": []}},
    "failures": {GOOD.theorem: "no such proof"},
    "mutants": {GOOD.key: {"caught": True, "message": "wrong"}},
}


CERTIFICATE = {
    "kind": "kernel",
    "coq": "Coq 9",
    "theorem": GOOD.theorem,
    "sources": coq_files.sources_digest(),
    "statement": "warmup_attained : True",
    "axioms": [],
}


class TestSteps:
    def test_every_theorem_is_a_step_of_its_claim(self) -> None:
        ledger = claims.load()
        steps = {s.kernel.theorem: s for proof in ledger.steps.values() for s in proof if s.kernel}
        assert set(steps) == {t.theorem for t in kernel.theorems()}
        assert all(steps[t.theorem].claim == t.claim and steps[t.theorem].by is Trust.KERNEL for t in kernel.theorems())
        assert {s.claim for s in steps.values() if s.kernel.whole} == {"lem-d.2"}

    @pytest.mark.parametrize(
        ("change", "verdict", "says"),
        [
            ({}, Verdict.CERTIFIED, "Coq 9 checked warmup.warmup_attained, on no axioms"),
            ({"theorems": {}}, Verdict.INCONCLUSIVE, "not proved: no such proof"),
            (
                {"theorems": {GOOD.theorem: {"statement": "s", "axioms": ["ours.magic"]}}},
                Verdict.INCONCLUSIVE,
                "the certificate was not confirmed",
            ),
            ({"sources": "other files"}, Verdict.INCONCLUSIVE, "the certificate was not confirmed"),
            (
                {"mutants": {GOOD.key: {"caught": False, "message": "it compiles"}}},
                Verdict.INCONCLUSIVE,
                "the mutant survived",
            ),
            (
                {"mutants": {GOOD.key: {"caught": False, "message": "outside of a proof: no x"}}},
                Verdict.INCONCLUSIVE,
                "the false variant shows nothing, it fails outside of a proof: no x",
            ),
        ],
    )
    def test_a_step_is_what_coq_answered(
        self, change: dict[str, object], verdict: Verdict, says: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kernel, "results", lambda: {**ANSWERS, **change})
        result = run_step(kernel.step(GOOD))
        assert (result.verdict, result.skipped) == (verdict, False)
        assert says in result.summary

    def test_a_step_is_skipped_where_coq_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing() -> None:
            raise UnavailableError("no Coq here")

        monkeypatch.setattr(kernel, "results", missing)
        result = run_step(kernel.step(GOOD))
        assert (result.skipped, result.verdict, result.summary) == (True, Verdict.INCONCLUSIVE, "no Coq here")

    def test_trust_in_a_kernel_names_a_theorem(self) -> None:
        book = claims.Ledger()
        claims.claim(GOOD.claim, kind="lemma", title="t", statement="s", source="ours", ledger=book)
        good = kernel.step(GOOD)
        book.add_step(good)
        for bad in (replace(good, name="a", kernel=None), replace(good, name="b", by=Trust.EXACT)):
            with pytest.raises(ValueError, match="want KERNEL with its theorem"):
                book.add_step(bad)


class TestCertificates:
    def test_a_good_one_is_confirmed_up_to_kernel(self) -> None:
        assert confirms(CERTIFICATE)
        assert ceiling(CERTIFICATE) is Trust.KERNEL

    @pytest.mark.parametrize(
        "change",
        [
            {"sources": "0"},
            {"theorem": "warmup.nothing"},
            {"axioms": ["ours.magic"]},
            {"statement": ""},
        ],
        ids=str,
    )
    def test_a_stale_or_open_one_is_not_and_refutes_nothing(self, change: dict[str, object]) -> None:
        assert not confirms({**CERTIFICATE, **change})
        assert not refutes({**CERTIFICATE, **change})

    def test_a_file_with_a_gap_confirms_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("theory.recheck.gaps", lambda text: ["Admitted"])
        assert not confirms(CERTIFICATE)


def variant(old: str, new: str) -> Theorem:
    """A theorem ``t`` of a file ``small.v`` that a test writes."""
    made = object.__new__(Theorem)  # the file does not stand in theory/coq
    for name, value in {**vars(GOOD), "theorem": "small.t", "old": old, "new": new}.items():
        object.__setattr__(made, name, value)
    return made


@pytest.mark.usefixtures("coq")
@pytest.mark.parametrize(
    ("text", "proved", "closed"),
    [
        ("Theorem t : 1 + 1 = 2.\nProof. by []. Qed.\n", True, True),
        ("Theorem t : 1 + 1 = 3.\nProof. by []. Qed.\n", False, True),
        ("Axiom a : 1 + 1 = 2.\nTheorem t : 1 + 1 = 2.\nProof. exact: a. Qed.\n", True, False),
    ],
)
def test_what_coq_says_of_a_small_file(
    text: str, proved: bool, closed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.v").write_text(f"From mathcomp Require Import all_ssreflect.\n{text}", encoding="utf-8")
    shutil.copy(coq_files.SOURCES / "Makefile", tmp_path)
    monkeypatch.setattr(coq_compiler, "SOURCES", tmp_path)
    asked = variant("= 2.\nProof", "= 4.\nProof")
    found = compiled([asked])
    assert ("small.t" in found["theorems"]) == proved
    if proved:
        assert found["theorems"]["small.t"]["axioms"] == ([] if closed else ["a"])
    else:
        assert found["failures"]["small.t"]
    if proved:
        assert found["mutants"][asked.key]["caught"]


@pytest.mark.usefixtures("coq")
def test_a_false_variant_has_to_fail_inside_a_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "From mathcomp Require Import all_ssreflect.\nTheorem t : 1 + 1 = 2.\nProof. by []. Qed.\n"
    (tmp_path / "small.v").write_text(text, encoding="utf-8")
    shutil.copy(coq_files.SOURCES / "Makefile", tmp_path)
    monkeypatch.setattr(coq_compiler, "SOURCES", tmp_path)
    broken, harmless = variant("1 + 1 = 2", "1 + 1 = nonsense"), variant("1 + 1 = 2", "2 = 1 + 1")
    found = compiled([broken, harmless])["mutants"]
    assert not found[broken.key]["caught"]
    assert found[broken.key]["message"].startswith("outside of a proof: ")
    assert found[harmless.key] == {"caught": False, "message": "it compiles"}


@pytest.mark.usefixtures("coq")
def test_a_call_of_coq_that_takes_too_long_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.v").write_text("Theorem t : 1 = 1.\nProof. reflexivity. Qed.\n", encoding="utf-8")
    shutil.copy(coq_files.SOURCES / "Makefile", tmp_path)
    monkeypatch.setattr(coq_compiler, "SOURCES", tmp_path)
    coq_compiler._without_libraries()  # which is asked once, with the time it needs
    monkeypatch.setattr(coq_compiler, "LIMIT", 1e-3)
    found = coq_compiler._run(["sleep", "60"], tmp_path)
    assert (found.returncode, found.stderr) == (coq_compiler.LATE, "Error: sleep gave no answer in 0.001 s")
    asked = variant("1 = 1", "1 = 2")
    answers = compiled([asked])
    assert answers["theorems"] == {}
    assert not answers["mutants"][asked.key]["caught"]


@pytest.mark.usefixtures("coq")
def test_a_definition_is_no_theorem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.v").write_text("Definition t : Prop := 1 = 2.\n", encoding="utf-8")
    shutil.copy(coq_files.SOURCES / "Makefile", tmp_path)
    monkeypatch.setattr(coq_compiler, "SOURCES", tmp_path)
    found = compiled([variant("1 = 2", "1 = 3")])
    assert (found["theorems"], list(found["failures"])) == ({}, ["small.t"])


@pytest.mark.parametrize(
    ("number", "start", "inside"), [(1, 8, False), (2, 0, False), (2, 7, True), (3, 2, True), (3, 8, False)]
)
def test_a_place_is_inside_a_proof_or_not(number: int, start: int, inside: bool) -> None:
    lines = ["Lemma a : b.", "Proof. by [].", "  Qed. Lemma c : d."]
    assert coq_compiler._inside_proof(lines, number, start) is inside


@pytest.mark.parametrize(("printed", "axioms"), [("Axioms:\nsig : nat", ["sig"]), (coq_compiler.CLOSED, [])])
def test_axioms_are_read(printed: str, axioms: list[str], tmp_path: Path) -> None:
    (tmp_path / "f.t.says.out").write_text("t : True", encoding="utf-8")
    (tmp_path / "f.t.assumes.out").write_text(printed, encoding="utf-8")
    assert coq_compiler._answer("f.t", tmp_path) == {"statement": "t : True", "axioms": axioms}


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "Axioms:\n",
        "Error: t is not known",
        "Axioms:\nsig : nat\nbad is assumed to be guarded.",
        "Section Variables:\nn : nat",
        "Axioms:\nsig : nat\nSection Variables:\nn : nat",
    ],
)
def test_an_answer_that_lists_nothing_is_no_answer(printed: str, tmp_path: Path) -> None:
    (tmp_path / "f.t.says.out").write_text("t : True", encoding="utf-8")
    (tmp_path / "f.t.assumes.out").write_text(printed, encoding="utf-8")
    assert coq_compiler._answer("f.t", tmp_path) is None


class TestWhatIsKept:
    @pytest.fixture
    def compiled(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Coq replaced by a counter; how often it was asked."""
        monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
        times: list[int] = []

        def fake(changes: list[Theorem]) -> dict[str, object]:
            times.append(len(changes))
            answer = {"statement": "s", "axioms": []}
            mutants = {c.key: {"caught": True, "message": "wrong"} for c in changes}
            return {
                "coq": "Coq 9",
                "theorems": {c.theorem: answer for c in changes},
                "failures": {},
                "mutants": mutants,
            }

        monkeypatch.setattr(kernel, "compiled", fake)
        return times

    def test_fresh_answers_are_used(self, compiled: list[int]) -> None:
        first = kernel.results()
        assert kernel.results() == {**first}
        assert len(compiled) == 1

    def test_answers_that_fail_are_asked_for_again_by_the_next_process(
        self, compiled: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []
        monkeypatch.setattr(kernel, "_failed", {})
        monkeypatch.setattr(kernel, "compiled", lambda theorems: asked.append(1) or {**ANSWERS, "mutants": {}})
        assert kernel.results()["failures"]
        assert kernel.results()["failures"]
        assert len(asked) == 1  # not at every step
        monkeypatch.setattr(kernel, "_failed", {})
        assert kernel.results()["failures"]
        assert len(asked) == 2
        monkeypatch.setattr(kernel, "sources_digest", lambda: "mended sources")
        kernel.results()
        assert len(asked) == 3

    def test_another_way_of_asking_asks_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "coq").mkdir()
        for path in [*coq_files.SOURCES.glob("*.v"), coq_files.SOURCES / "Makefile"]:
            shutil.copy(path, tmp_path / "coq")
        (tmp_path / "coq_compiler.py").write_text("one", encoding="utf-8")
        monkeypatch.setattr(coq_files, "SOURCES", tmp_path / "coq")
        found = {coq_files.sources_digest()}
        for path in ("coq_compiler.py", "coq/Makefile", "coq/warmup.v"):
            (tmp_path / path).write_text("two", encoding="utf-8")
            found.add(coq_files.sources_digest())
        assert len(found) == 4

    def test_stale_answers_are_not(self, compiled: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        kernel.results()
        monkeypatch.setattr(kernel, "sources_digest", lambda: "other sources")
        kernel.results()
        assert len(compiled) == 2

    @pytest.mark.parametrize("damage", ["", "{", "[]", '{"seal": 1}', "edited"])
    def test_damaged_or_edited_answers_are_not(self, damage: str, compiled: list[int], tmp_path: Path) -> None:
        path = tmp_path / "coq.json"
        kernel.results()
        kept = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**kept, "coq": "Coq 10"}) if damage == "edited" else damage, encoding="utf-8")
        assert kernel.results()["coq"] == "Coq 9"
        assert len(compiled) == 2


@pytest.mark.parametrize("hangs", ["at once", "at false variants"])
def test_what_compiles_meanwhile_ends_with_the_body(
    hangs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = tmp_path / "beat"
    wanted = "*" if hangs == "at once" else "*-Q*"
    loop = f"while true; do touch {beat}; sleep 0.1; done"
    for command, script in (("coqc", f'case "$*" in {wanted}) {loop};; esac'), ("make", "coqc a.v")):
        (tmp_path / command).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / command).chmod(0o755)
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(kernel, "_failed", {})
    monkeypatch.setattr(kernel, "theorems", lambda: [GOOD])
    monkeypatch.setattr(coq_compiler, "LIMIT", 15)  # so that a call that nobody ends is late, and not only slow
    run, statuses = coq_compiler._run, []

    def seen(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        done = run(command, folder)
        statuses.append(done.returncode)
        return done

    monkeypatch.setattr(coq_compiler, "_run", seen)

    def body() -> None:
        with kernel.compiling():
            late = time.monotonic() + 40
            while not beat.is_file() and time.monotonic() < late:
                time.sleep(0.05)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        body()
    beat.unlink()  # which fails if Coq was never called
    time.sleep(0.5)
    assert not beat.is_file()
    assert coq_compiler.LATE not in statuses
    assert not kernel._failed  # what was interrupted says nothing
    assert not coq_compiler._interrupted.is_set()


def test_what_fails_meanwhile_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    monkeypatch.setattr(kernel, "_failed", {})
    monkeypatch.setattr(kernel, "compiled", lambda theorems: asked.append(1) or {**ANSWERS, "mutants": {}})
    with kernel.compiling():
        assert kernel.results()["failures"]
        assert kernel.results()["failures"]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"theorem": "warmup.no_such_theorem"}, "want FILE.NAME of a theorem"),
        ({"theorem": "nowhere.t"}, "want FILE.NAME of a theorem"),
        ({"model": " "}, "model of warmup.warmup_attained: got an empty text"),
        ({"says": ""}, "says of warmup.warmup_attained: got an empty text"),
        ({"mutant": ""}, "mutant of warmup.warmup_attained: got an empty text"),
        ({"model": "As above."}, "want one that is read by itself"),
        ({"old": "not in the file"}, "occurs 0 times"),
        ({"old": "Qed."}, "times in warmup.v, want once"),
        ({"new": GOOD.old}, "another `new`"),
    ],
)
def test_bad_entries_are_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GOOD, **changes)


def test_the_command_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnavailableError):
        kernel.results()
    assert kernel.main() == 2
    assert "apt-get install coq" in capsys.readouterr().err


def test_a_theorem_that_is_not_proved_or_a_variant_that_compiles_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = ANSWERS
    monkeypatch.setattr(kernel, "theorems", lambda: [GOOD])
    for change, code in (
        ({}, 0),
        ({"theorems": {}}, 1),
        ({"theorems": {GOOD.theorem: {"statement": "s", "axioms": ["ours.magic"]}}}, 1),
        ({"mutants": {GOOD.key: {"caught": False, "message": "it compiles"}}}, 1),
    ):
        monkeypatch.setattr(kernel, "results", lambda change=change: {**good, **change})
        assert kernel.main() == code
    assert "NOT caught" in capsys.readouterr().out
