"""The command as users meet it: good input, bad input, exit codes, one-line errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from theory import status, store
from theory.claims import load
from verify import cli, records

SCHEMAS = Path(cli.__file__).parent / "schemas"


def orbitgap(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "verify", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "ORBITGAP_HOME": str(home), "COLUMNS": "100", **environment},
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def results() -> dict[str, list[status.StepResult]]:
    return status.check(load(), ["ex-4.1"])


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.startswith("orbitgap: ") and "Traceback" not in text


def schema(name: str) -> dict[str, object]:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def test_an_unknown_id_names_the_nearest_ones(home: Path) -> None:
    done = orbitgap("claims", "thm-c.2", home=home)
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert "thm-c.1" in done.stderr
    assert done.stdout == ""


def test_claims_before_any_check_are_unchecked_not_passed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    jsonschema.validate(listed, schema("claims"))
    assert {c["status"] for c in listed if c["kind"] != "cited"} == {"UNCHECKED"}
    assert cli.main(["claims"]) == 0
    assert "run `orbitgap verify`" in " ".join(capsys.readouterr().out.split())


def test_claims_after_a_check_show_what_was_found(
    home: Path, capsys: pytest.CaptureFixture[str], results: dict[str, list[status.StepResult]]
) -> None:
    store.save(home / "evidence.json", load(), results)
    assert cli.main(["claims", "ex-4.1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    jsonschema.validate(shown, schema("claims"))
    assert (shown["status"], shown["trust"]) == ("CERTIFIED", "EXACT")
    assert all(step["mutant"]["verdict"] in ("REFUTED", "INCONCLUSIVE") for step in shown["steps"])
    assert all(step["certificate"] for step in shown["steps"])
    assert cli.main(["claims", "ex-4.1"]) == 0
    page = capsys.readouterr().out
    for word in ("Statement", "Hypotheses", "mutant:", "certificate:", "Proved from", "ex-4.1-exact", "Used by"):
        assert word in page


def test_the_page_of_table_1_shows_the_grid(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "table-1"]) == 0
    assert "AdaGrad" in capsys.readouterr().out


def test_claims_imports_neither_torch_nor_sympy() -> None:
    code = (
        "import sys; from verify.cli import main; code = main(['claims', '--json']);"
        "sys.exit(code or 3 * bool({'torch', 'sympy', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_damaged_evidence_is_reported_and_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "evidence.json").write_text("{not json")
    for command in (["claims"], ["verify"]):
        done = orbitgap(*command, home=home)
        assert done.returncode == 2
        assert one_line(done.stderr)
        assert "evidence.json" in done.stderr
    assert (home / "evidence.json").read_text() == "{not json"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["verify", "--seed", "-1"], "--seed"),
        (["verify", "--json", "."], "is a directory"),
        (["verify", "--json", "/proc/none/report.json"], "cannot be written"),
    ],
)
def test_bad_arguments_are_refused_before_the_work(home: Path, arguments: list[str], word: str) -> None:
    done = orbitgap(*arguments, home=home)
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert word in done.stderr


@pytest.mark.parametrize("arguments", [[], ["prove"], ["verify", "--seed", "one"], ["claims", "a", "b"]])
def test_wrong_usage_is_exit_code_2(home: Path, arguments: list[str]) -> None:
    done = orbitgap(*arguments, home=home)
    assert done.returncode == 2
    assert "usage: orbitgap" in done.stderr


def test_output_without_a_terminal_has_no_escape_codes(home: Path) -> None:
    assert "\x1b" not in orbitgap("claims", home=home).stdout


def test_no_color_is_honoured_on_a_terminal(home: Path) -> None:
    def coloured(**environment: str) -> bool:
        shown = orbitgap("claims", home=home, FORCE_COLOR="1", TERM="xterm-256color", **environment).stdout
        return "\x1b[33m" in shown

    assert coloured()
    assert not coloured(NO_COLOR="1")


def test_a_closed_pipe_is_no_error(home: Path) -> None:
    environment = {**os.environ, "ORBITGAP_HOME": str(home)}
    shell = f"{sys.executable} -m verify claims --json | head -1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "[\n"
    assert "Traceback" not in done.stderr


def test_records_of_a_failing_claim_fit_the_schema() -> None:
    """The schema must hold for bad news too."""
    ledger = load()
    broken = status.StepResult(
        ledger.steps["def-3.1"][0].name, status.Verdict.INCONCLUSIVE, None, 0.1, "boom", None, {}, "Traceback"
    )
    found = status.statuses(ledger, {"def-3.1": [broken]})
    record = records.claim_record(ledger, "def-3.1", found["def-3.1"], [broken])
    jsonschema.validate(record, schema("claims"))
    assert record["status"] == "INCONCLUSIVE"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**record, "status": "PASSED"}, schema("claims"))
