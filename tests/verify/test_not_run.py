"""Where Coq is missing, users read in one line that its proofs were not checked, and how to install it."""

import json
from pathlib import Path

import jsonschema
import pytest

from theory import kernel, status, store
from theory.claims import load
from theory.coq_compiler import INSTALL
from verify import cli

SCHEMA = json.loads((Path(cli.__file__).parent / "schemas" / "claims.schema.json").read_text())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of one claim on a machine without Coq."""
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: None)
    store.save(tmp_path / "evidence.json", load(), status.check(load(), ["lem-d.2"]))
    return tmp_path


def test_the_claim_falls_back_to_its_other_steps(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "lem-d.2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    jsonschema.validate(shown, SCHEMA)
    assert (shown["status"], shown["trust"]) == ("CERTIFIED", "EXACT")
    (step,) = (s for s in shown["steps"] if s["kernel"])
    assert (step["verdict"], step["seconds"], step["mutant"]["verdict"]) == ("UNCHECKED", None, None)
    assert step["kernel"]["theorem"] == "quadratic.lem_d_2"


def test_one_line_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "not checked by Coq" in line]
    stands = "so their claims stand on other steps"
    assert lines == [f"1 theorem was not checked by Coq, {stands}: coqc is not installed: {INSTALL}"]


def test_nothing_is_said_where_nothing_was_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    assert cli.main(["claims"]) == 0
    assert "by Coq" not in capsys.readouterr().out


def test_kept_answers_of_these_very_files_are_used_without_coq(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"statement": "lem_d_2 : True", "axioms": []}
    proved = {t.theorem: answer for t in kernel.theorems()}
    mutants = {t.key: {"caught": True, "message": "wrong"} for t in kernel.theorems()}
    found = {**kernel._asked(), "coq": "Coq 9", "theorems": proved, "failures": {}, "mutants": mutants}
    (home / "coq.json").write_text(json.dumps({**found, "seal": kernel._seal(found)}), encoding="utf-8")
    results = status.check(load(), ["lem-d.2"])
    found = status.statuses(load(), results)["lem-d.2"]
    assert (found.verdict, found.trust) == (status.Verdict.CERTIFIED, status.Trust.KERNEL)
