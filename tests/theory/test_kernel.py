"""What Coq checked: the files take nothing for granted, stale answers do not count, and Coq's absence is said."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from theory import claims, coq_files, kernel
from theory.kernel import Theorem, UnavailableError

FILES = sorted(coq_files.SOURCES.glob("*.v"))
REQUIRED = os.environ.get("ORBITGAP_COQ") == "required"
GOOD = next(t for t in kernel.theorems() if t.theorem == "warmup.warmup_attained")


@pytest.fixture(scope="session")
def coq() -> None:
    if shutil.which("coqc") is None:
        assert not REQUIRED, "ORBITGAP_COQ=required, but Coq is not installed"
        pytest.skip(f"NOT CHECKED BY COQ: {kernel.INSTALL}")


def test_no_file_takes_anything_for_granted() -> None:
    assert len(FILES) >= 12
    assert {path.name: coq_files.gaps(path.read_text(encoding="utf-8")) for path in FILES} == {
        p.name: [] for p in FILES
    }


@pytest.mark.parametrize(
    "line",
    ["Admitted.", "admit.", "Axiom a : False.", "Parameter n : nat.", "Conjecture c : 1 = 2.", "Axioms a b : nat."],
)
def test_a_gap_is_seen_unless_it_is_a_comment(line: str) -> None:
    assert coq_files.gaps(f"Lemma l : True. {line}")
    assert not coq_files.gaps(f"Lemma l : True. (* {line} *) Proof. by []. Qed.")


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
    monkeypatch.setattr(kernel, "SOURCES", tmp_path)
    asked = variant("= 2.\nProof", "= 4.\nProof")
    found = kernel.compiled([asked])
    assert ("small.t" in found["theorems"]) == proved
    if proved:
        assert found["theorems"]["small.t"]["axioms"] == ([] if closed else ["a"])
    else:
        assert found["failures"]["small.t"]
    if proved:
        assert found["mutants"][asked.key]


@pytest.mark.usefixtures("coq")
def test_a_false_variant_has_to_fail_inside_a_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "From mathcomp Require Import all_ssreflect.\nTheorem t : 1 + 1 = 2.\nProof. by []. Qed.\n"
    (tmp_path / "small.v").write_text(text, encoding="utf-8")
    shutil.copy(coq_files.SOURCES / "Makefile", tmp_path)
    monkeypatch.setattr(kernel, "SOURCES", tmp_path)
    with pytest.raises(ValueError, match="outside of a proof"):
        kernel.compiled([variant("1 + 1 = 2", "1 + 1 = nonsense")])
    harmless = variant("1 + 1 = 2", "2 = 1 + 1")
    assert kernel.compiled([harmless])["mutants"] == {harmless.key: ""}


class TestWhatIsKept:
    @pytest.fixture
    def compiled(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Coq replaced by a counter; how often it was asked."""
        monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
        monkeypatch.setattr(kernel.shutil, "which", lambda name: "/somewhere/coqc")
        times: list[int] = []

        def fake(changes: list[Theorem]) -> dict[str, object]:
            times.append(len(changes))
            answer = {"statement": "s", "axioms": []}
            mutants = {c.key: "wrong" for c in changes}
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"theorem": "warmup.no_such_theorem"}, "want FILE.NAME of a theorem"),
        ({"theorem": "nowhere.t"}, "want FILE.NAME of a theorem"),
        ({"model": " "}, "got an empty text"),
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
    good = {"theorems": {GOOD.theorem: {"statement": "s", "axioms": []}}, "mutants": {GOOD.key: "wrong"}}
    monkeypatch.setattr(kernel, "theorems", lambda: [GOOD])
    for change, code in (
        ({}, 0),
        ({"theorems": {}}, 1),
        ({"theorems": {GOOD.theorem: {"statement": "s", "axioms": ["ours.magic"]}}}, 1),
        ({"mutants": {GOOD.key: ""}}, 1),
    ):
        monkeypatch.setattr(kernel, "results", lambda change=change: {**good, **change})
        assert kernel.main() == code
    assert "COMPILES" in capsys.readouterr().out
