"""The whole run, once for real; and what it does when something is not as expected."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from theory.claims import Ledger, Mutant, claim, proves
from theory.evidence import Evidence, Trust, Verdict
from theory.groups import GROUPS
from verify import cli, experiments, optimizers, suite
from verify.feature_table import FEATURES
from verify.inits import INITIALISATIONS
from verify.optimizers import OPTIMIZERS

SCHEMA = json.loads((Path(cli.__file__).parent / "schemas" / "report.schema.json").read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("run")
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
    assert len(report["measurements"]) == rows + 6 + 4  # exact replays, and questions to the warm-up


def test_the_table_is_readable_and_holds_every_row(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = run
    report = json.loads((folder / "report.json").read_text())
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    names = [c["id"] for c in report["claims"]] + [m["name"].split(": ")[-1] for m in report["measurements"]]
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
        assert (folder / "home" / "figures" / f"warmup.{ending}").stat().st_size > 1000
    assert json.loads((folder / "home" / "report.json").read_text())["ok"] is True


@contextmanager
def silent(total: float) -> Iterator[suite.Tick]:
    yield lambda what, work: None


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger of one false claim, no optimizers and no experiments."""
    monkeypatch.setattr(optimizers, "measurements", lambda seed: iter(()))
    monkeypatch.setattr(experiments.Experiment, "measurements", lambda self: iter(()))
    monkeypatch.setattr(experiments.Experiment, "draw", lambda self, folder: [])
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


def test_every_simulated_question_is_as_expected_and_its_mutant_is_caught() -> None:
    from theory.status import run_step

    for step, expected in experiments.Experiment(seed=0).measurements():
        result = run_step(step)
        assert result.failure == "", step.name
        assert result.verdict is expected
        assert result.mutant is not expected
        assert (expected is Verdict.REFUTED) == step.name.startswith("conv")
