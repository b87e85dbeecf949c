"""`orbitgap bound` as users meet it: tables, data, statuses, one-line errors."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from theory import status, store
from theory.bounds import LEARNERS, TASKS, best
from theory.claims import load
from theory.evidence import Verdict
from verify import cli, records

SCHEMA = json.loads((Path(cli.__file__).parent / "schemas" / "bound.schema.json").read_text())
KEYS = {"task", "d", "eps", "delta", "learner", "lower", "upper"}
NEEDED = ("ex-4.1-exact", "thm-5.2-explicit", "thm-5.2-rate", "conv-upper-4.1", "thm-5.4-corrected", "conv-upper-5.4")
NEEDED += ("upper-5.2", "thm-5.5-sharp", "upper-5.5", "conv-upper-5.5")
Results = dict[str, list[status.StepResult]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def results() -> Results:
    return status.check(load(), NEEDED)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert cli.main(["bound", *arguments, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    jsonschema.validate(shown, SCHEMA)
    return shown


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.SchemaError):
        jsonschema.Draft202012Validator.check_schema(SCHEMA | {"type": "answer"})


ASKED = list(itertools.product(TASKS, [None, *LEARNERS], [None, "0.2"]))


@pytest.mark.parametrize(("task", "learner", "delta"), ASKED)
def test_data_for_every_task_and_learner(
    capsys: pytest.CaptureFixture[str], task: str, learner: str | None, delta: str | None
) -> None:
    extra = [*(["--learner", learner] if learner else []), *(["--delta", delta] if delta else [])]
    shown = ask(capsys, task, "--d", "8", "--eps", "0.01", *extra)
    wanted = best(task, 8, "0.01", delta, learner)
    assert set(shown) == KEYS
    assert (shown["task"], shown["d"], shown["eps"], shown["learner"]) == (task, 8, 0.01, wanted.learner)
    assert shown["delta"] == (float(delta) if delta else None)
    for side, bound in (("lower", wanted.lower), ("upper", wanted.upper)):
        assert {"n", "claim", "status"} <= set(shown[side])
        found = tuple(shown[side][key] for key in ("n", "claim", "status"))
        assert found == ((bound.n, bound.claim, "UNCHECKED") if bound else (None, None, None))
        assert shown[side]["why"]
        assert (shown[side]["enclosure"] is None) == (bound is None)


GOOD = {
    "quadratic": (["quadratic", "--d", "8", "--eps", "0.01"], "at least 162", "at most 13499", "thm-5.2-explicit"),
    "small eps": (["quadratic", "--d", "8", "--eps", "1e-4"], "at least 589", "at most 1349999", "thm-5.2-rate"),
    "conv": (["quadratic", "--d", "8", "--eps", "0.1", "--learner", "conv"], "-", "at most 1914", "conv-upper-4.1"),
    "warm-up": (["warmup", "--d", "8", "--eps", "1/4"], "at least 6", "at most 6", "ex-4.1-exact"),
    "vacuous": (["quadratic", "--d", "8", "--eps", "0.1"], "vacuous", "at most 1349", "thm-5.2-explicit"),
    "zero": (["warmup", "--d", "8", "--eps", "0.5"], "vacuous", "at most 0", "ex-4.1-exact"),
    "regression": (["regression", "--d", "6", "--eps", "0.1"], "at least 19", "at most 20", "thm-5.4-corrected"),
    "with delta": (
        ["texture", "--d", "40", "--eps", ".1", "--delta", ".1"],
        "at least 13",
        "at most 312",
        "thm-5.5-sharp",
    ),
}


@pytest.mark.parametrize(("arguments", "lower", "upper", "claim"), GOOD.values(), ids=GOOD)
def test_table(capsys: pytest.CaptureFixture[str], arguments: list[str], lower: str, upper: str, claim: str) -> None:
    assert cli.main(["bound", *arguments]) == 0
    page = capsys.readouterr().out
    rows = {line.split()[0]: line for line in page.splitlines() if line.split()[:1] in (["lower"], ["upper"])}
    assert lower in rows["lower"]
    assert upper in rows["upper"]
    assert claim in page
    assert f"{arguments[0]}, d = {arguments[2]}" in page
    assert ("N*(" in page) == ("--delta" not in arguments)
    assert "UNCHECKED" in page
    assert "run `orbitgap verify`" in page


def test_nothing_certified_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bound", "warmup", "--d", "8", "--eps", "0.1", "--learner", "conv"]) == 0
    page = capsys.readouterr().out
    assert page.count("nothing is certified here") == 2
    assert "UNCHECKED" not in page


def test_weaker_bounds_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    weaker = best("quadratic", 8, "0.01").beaten_lower
    shown = ask(capsys, "quadratic", "--d", "8", "--eps", "0.01")["lower"]["beaten"]
    assert shown == [{"n": b.n, "claim": b.claim, "why": b.why} for b in weaker]
    assert [b["claim"] for b in shown] == ["thm-5.2-rate"]
    assert cli.main(["bound", "quadratic", "--d", "8", "--eps", "0.01"]) == 0
    assert "thm-5.2-rate" in capsys.readouterr().out


def test_vacuous_is_told_apart_in_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "quadratic", "--d", "8", "--eps", "0.1")["lower"]["vacuous"] is True
    assert ask(capsys, "quadratic", "--d", "8", "--eps", "0.01")["lower"]["vacuous"] is False
    assert ask(capsys, "texture", "--d", "8", "--eps", "0.1", "--learner", "conv")["lower"]["vacuous"] is False


@pytest.mark.parametrize("eps", ["1e-400", "0.99999999999999999999999", "1e-300"])
@pytest.mark.parametrize("delta", [None, "1e-400"])
def test_data_fit_the_schema_for_every_eps_that_is_accepted(
    capsys: pytest.CaptureFixture[str], eps: str, delta: str | None
) -> None:
    shown = ask(capsys, "quadratic", "--d", "2", "--eps", eps, *(["--delta", delta] if delta else []))
    assert shown["eps"] == float(eps)
    assert shown["delta"] == (None if delta is None else float(delta))


def test_largest_d(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "quadratic", "--d", "10000", "--eps", "0.01")["lower"]["n"] == 237_587_582


@pytest.mark.parametrize("task", TASKS)
def test_statuses_follow_the_evidence(
    capsys: pytest.CaptureFixture[str], home: Path, results: Results, task: str
) -> None:
    for learner in LEARNERS:
        question = (task, "--d", "8", "--eps", "1e-3", "--learner", learner)
        before = ask(capsys, *question)
        store.save(home / "evidence.json", load(), results)
        after = ask(capsys, *question)
        for side in ("lower", "upper"):
            there = before[side]["claim"] is not None
            assert before[side]["status"] == ("UNCHECKED" if there else None)
            assert after[side] == before[side] | {"status": "CERTIFIED" if there else None}
        assert cli.main(["bound", *question]) == 0
        page = capsys.readouterr().out
        assert "UNCHECKED" not in page
        assert ("CERTIFIED" in page) == any(after[side]["claim"] for side in ("lower", "upper"))
        (home / "evidence.json").unlink()


def test_the_needed_claims_are_all_that_bounds_name() -> None:
    named = set()
    for task, learner, eps in itertools.product(TASKS, LEARNERS, ("0.1", "1e-4")):
        found = best(task, 8, eps, None, learner)
        named |= {bound.claim for bound in (found.lower, found.upper) if bound}
    assert named == set(NEEDED)


def test_a_claim_without_what_it_rests_on_stays_unchecked(
    capsys: pytest.CaptureFixture[str], home: Path, results: Results
) -> None:
    store.save(home / "evidence.json", load(), {"thm-5.2-explicit": results["thm-5.2-explicit"]})
    shown = ask(capsys, "quadratic", "--d", "8", "--eps", "0.01")
    assert (shown["lower"]["claim"], shown["lower"]["status"]) == ("thm-5.2-explicit", "UNCHECKED")


def test_bad_news_is_shown(capsys: pytest.CaptureFixture[str], home: Path, results: Results) -> None:
    first, *rest = results["thm-5.2-explicit"]
    broken = results | {"thm-5.2-explicit": [replace(first, verdict=Verdict.INCONCLUSIVE), *rest]}
    store.save(home / "evidence.json", load(), broken)
    shown = ask(capsys, "quadratic", "--d", "8", "--eps", "0.01")
    assert [shown[side]["status"] for side in ("lower", "upper")] == ["INCONCLUSIVE", "CERTIFIED"]
    assert cli.main(["bound", "quadratic", "--d", "8", "--eps", "0.01"]) == 0
    assert "INCONCLUSIVE, wanted CERTIFIED" in capsys.readouterr().out


def test_the_schema_refuses_what_is_no_answer() -> None:
    ledger = load()
    record = records.bound_record(best("quadratic", 8, 0.01), status.statuses(ledger, {}))
    jsonschema.validate(record, SCHEMA)
    bad = [
        record | {"task": "shapes"},
        record | {"eps": -0.1},
        record | {"more": 1},
        record | {"lower": record["lower"] | {"status": "PASSED"}},
        record | {"upper": record["upper"] | {"n": 1.5}},
        {key: value for key, value in record.items() if key != "delta"},
        record | {"lower": {key: value for key, value in record["lower"].items() if key != "claim"}},
    ]
    for wrong in bad:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.startswith("orbitgap: ") and "Traceback" not in text


QUESTION = {"task": "quadratic", "--d": "8", "--eps": "0.1", "--delta": "0.1", "--learner": "orthogonal"}
WRONG = [
    *(("task", bad) for bad in ("shapes", "", "Quadratic")),
    *(("--learner", bad) for bad in ("adam", "", "sign_flip")),
    *(("--d", bad) for bad in ("0", "-1")),
    *(("--eps", bad) for bad in ("0", "1", "2", "-0.1", "x", "", "nan", "inf", "1/0")),
    *(("--delta", bad) for bad in ("0", "1", "2", "-0.1", "x", "", "nan", "inf", "1/0")),
]


def line(question: dict[str, str]) -> list[str]:
    task, *options = question.items()
    return ["bound", task[1], *(f"{key}={value}" for key, value in options)]


@pytest.mark.parametrize("data", [[], ["--json"]], ids=["table", "json"])
@pytest.mark.parametrize(("key", "bad"), WRONG)
def test_one_line_errors(capsys: pytest.CaptureFixture[str], key: str, bad: str, data: list[str]) -> None:
    assert cli.main([*line(QUESTION | {key: bad}), *data]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert one_line(shown.err)
    assert re.match(rf"orbitgap: {key.removeprefix('--')}: got .*, want ", shown.err)


@pytest.mark.parametrize("d", ["1", "4"])
def test_texture_needs_five_pixels(capsys: pytest.CaptureFixture[str], d: str) -> None:
    assert cli.main(["bound", "texture", "--d", d, "--eps", "0.1"]) == 2
    assert capsys.readouterr().err == f"orbitgap: d: got {d}, want an integer >= 5\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["quadratic", "--eps", "0.1"], "--d"),
        (["quadratic", "--d", "8"], "--eps"),
        (["--d", "8", "--eps", "0.1"], "TASK"),
        (["quadratic", "--d", "1.5", "--eps", "0.1"], "--d"),
        (["quadratic", "--d", "x", "--eps", "0.1"], "--d"),
        (["quadratic", "--d", "8", "--eps", "0.1", "--loud"], "--loud"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], word: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bound", *arguments])
    assert stopped.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert word in shown.err.splitlines()[-1]


def test_as_a_process_without_heavy_imports(home: Path) -> None:
    code = (
        "import sys; from verify.cli import main; code = main(sys.argv[1:]);"
        "sys.exit(code or 3 * bool({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    for arguments, wanted in ((["--d", "8"], 0), (["--d", "0"], 2)):
        done = subprocess.run(
            [sys.executable, "-c", code, "bound", "quadratic", *arguments, "--eps", "0.01"],
            capture_output=True,
            text=True,
            env={**os.environ, "ORBITGAP_HOME": str(home)},
            check=False,
        )
        assert done.returncode == wanted, done.stderr
        assert "\x1b" not in done.stdout
        assert (done.stdout == "") == (wanted == 2) == one_line(done.stderr)


def test_damaged_evidence_is_one_line(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    home.mkdir()
    (home / "evidence.json").write_text("{not json")
    assert cli.main(["bound", "quadratic", "--d", "8", "--eps", "0.01"]) == 2
    assert one_line(capsys.readouterr().err)
