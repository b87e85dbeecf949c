"""The whole run, once for real; and what it does when something is not as expected."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from sims.experiment import NAMES, load
from sims.judgement import questions
from theory import store
from theory.claims import Ledger, Mutant, claim, proves
from theory.evidence import Evidence, Trust
from theory.groups import GROUPS
from verify import cli, in_law, inits, neighbours, optimizers, suite
from verify.feature_table import FEATURES
from verify.inits import INITIALISATIONS
from verify.optimizers import OPTIMIZERS

SCHEMA = json.loads((Path(cli.__file__).parent / "schemas" / "report.schema.json").read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("run")
    (folder / "home").mkdir()
    with contextlib.suppress(FileNotFoundError):  # what Coq said of these very files is not asked twice
        shutil.copy(store.home() / "coq.json", folder / "home")
    done = subprocess.run(
        [sys.executable, "-m", "verify", "verify", "--json", str(folder / "report.json")],
        capture_output=True,
        text=True,
        env={**os.environ, "ORBITGAP_HOME": str(folder / "home"), "COLUMNS": "80"},
        check=False,
    )
    return done, folder


def test_everything_is_as_expected(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = run
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text())
    jsonschema.validate(report, SCHEMA)
    assert report["ok"] is True
    found = {c["id"]: (c["status"], c["trust"]) for c in report["claims"]}
    for id in ("def-3.1", "def-3.2", "alg-1", "thm-c.1", "table-1", "ex-4.1", "ex-4.1-exact"):
        assert found[id] == ("CERTIFIED", "EXACT")
    rows = len(OPTIMIZERS) * len(GROUPS) + len(FEATURES) + len(INITIALISATIONS)
    rows += len(list(neighbours.measurements(0)))
    asked = sum(len(questions(load(name))) for name in NAMES)
    assert len(report["measurements"]) == rows + 6 + asked  # six exact replays


def test_every_simulated_question_is_as_expected_and_its_mutant_is_caught(
    run: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    report = json.loads((run[1] / "report.json").read_text())
    found = {m["name"]: m for m in report["measurements"] if m["by"] == "SIMULATED"}
    for name in NAMES:
        for question in questions(load(name)):
            m = found.pop(f"{name}: {question.text}")
            assert m["verdict"] == m["expected"] == question.expected.value, m["name"]
            assert m["mutant"]["verdict"] not in (None, m["expected"]), m["name"]
            assert m["failure"] == ""
            assert m["certificate"]["margin"] is not None
    assert not found


def test_false_alarms_of_the_whole_suite_are_rare(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    report = json.loads((run[1] / "report.json").read_text())
    certificates = [m["certificate"] for m in report["measurements"]]
    rates = {c["experiment"]: c["alpha"] for c in certificates if c.get("kind") == "simulation"}
    assert set(rates) == {name for name in NAMES if load(name).lines}
    laws = inits.ALPHA + 4 * sum(row.in_law for row in FEATURES) * in_law.ALPHA
    assert 1.1 * sum(rates.values()) + laws <= 1e-4  # a tenth for confirming the certificates


def test_the_table_is_readable_and_holds_every_row(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = run
    report = json.loads((folder / "report.json").read_text())
    lines = done.stdout.splitlines()
    table = [line for line in lines if not line.startswith("figure: ")]  # paths are as long as they are
    assert max(map(len, table)) <= 80
    verdicts = [word for line in table for word in line.split() if word in ("CERTIFIED", "REFUTED")]
    assert len(verdicts) == len(report["claims"]) + len(report["measurements"])
    names = [c["id"] for c in report["claims"]]
    names += [m["name"].split(": ")[-1].split()[0][:14] for m in report["measurements"]]  # the others may go on below
    for name in names:
        assert sum(name in line for line in lines) >= names.count(name), name
    assert "as expected" in lines[-1]


def test_results_are_kept_and_found_again(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = run
    shown = subprocess.run(
        [sys.executable, "-m", "verify", "claims", "table-1", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "ORBITGAP_HOME": str(folder / "home")},
        check=True,
    )
    assert json.loads(shown.stdout)["status"] == "CERTIFIED"
    for ending in ("svg", "png", "csv"):
        assert all((folder / "home" / "figures" / f"{name}.{ending}").stat().st_size > 300 for name in NAMES)
    assert json.loads((folder / "home" / "report.json").read_text())["ok"] is True


@contextmanager
def silent(total: float) -> Iterator[suite.Tick]:
    yield lambda what, work: None


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger of one false claim, no optimizers and no experiments."""
    monkeypatch.setattr(optimizers, "measurements", lambda seed: iter(()))
    monkeypatch.setattr("sims.experiment.NAMES", ())
    monkeypatch.setattr(neighbours, "FAMILIES", {})
    ledger = Ledger()
    claim("lem-1", kind="lemma", title="false", statement="1=2", source="ours", ledger=ledger)

    @proves("lem-1", "raises", by=Trust.EXACT, mutant=Mutant("nothing", x=1), ledger=ledger)
    def check(x: int = 0) -> Evidence:
        raise ArithmeticError("a check that cannot run")

    return ledger


def test_a_check_that_raises_fails_the_run_without_ending_it(small: Ledger, tmp_path: Path) -> None:
    report = suite.run(small, 0, tmp_path, silent)
    jsonschema.validate(report, SCHEMA)
    assert report["ok"] is False
    (found,) = report["claims"]
    assert found["status"] == "INCONCLUSIVE"
    assert "ArithmeticError" in found["steps"][0]["failure"]


def test_an_unexpected_verdict_is_exit_code_1(
    small: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    monkeypatch.setattr("theory.claims.load", lambda: small)
    assert cli.main(["verify"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "NOT as expected" in out
    assert "lem-1" in out
