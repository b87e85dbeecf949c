"""`orbitgap replay` as users meet it: counterexamples, reports, repaired classes, damaged files."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from verify import cli, display_instrument
from verify.check import check
from verify.replay import ReplayError, replay

SCHEMA = json.loads((Path(cli.__file__).parent / "schemas" / "replay.schema.json").read_text())
PLANTED = Path(__file__).with_name("planted.py")
Data = dict[str, Any]

MINE = """
import torch

class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=0.05, pair=(0, 0)):
        assert type(pair) is tuple
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure=None):
        print("hello")
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(DIRECTION, alpha=-group["lr"])
"""
BROKEN, REPAIRED = MINE.replace("DIRECTION", "p.grad.sign()"), MINE.replace("DIRECTION", "p.grad")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "home"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(BROKEN)
    return tmp_path / "mine.py"


@pytest.fixture
def saved(mine: Path, home: Path) -> Path:
    """A counterexample to `mine`."""
    report = check(f"{mine}:Mine", {"lr": 0.02, "pair": (1, 2)}, ["orthogonal"], home=home)
    return Path(report["groups"]["orthogonal"]["counterexample"])


@pytest.fixture(scope="module")
def in_law(tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = check(f"{PLANTED}:UnevenNoise", {}, ["orthogonal"], home=tmp_path_factory.mktemp("home of noise"))
    return Path(report["groups"]["orthogonal"]["counterexample"])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """A counterexample to damage."""
    report = check(f"{PLANTED}:AbsoluteScale", {}, ["orthogonal"], home=tmp_path_factory.mktemp("home of good"))
    return json.loads(Path(report["groups"]["orthogonal"]["counterexample"]).read_text())


def ask(capsys: pytest.CaptureFixture[str], file: Path, code: int = 0) -> list[Data]:
    capsys.readouterr()
    assert cli.main(["replay", str(file), "--json"]) == code
    shown = capsys.readouterr()
    assert shown.err == ""
    cases: list[Data] = json.loads(shown.out)
    jsonschema.validate(cases, SCHEMA)
    return cases


def refused(capsys: pytest.CaptureFixture[str], file: Path) -> str:
    capsys.readouterr()
    assert cli.main(["replay", str(file)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("orbitgap: ")
    return shown.err


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_two_predictions_differ_again(
    capsys: pytest.CaptureFixture[str], saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (case,) = ask(capsys, saved)
    was = json.loads(saved.read_text())
    assert (case["file"], case["group"], case["in_law"]) == (str(saved), "orthogonal", False)
    assert case["reproduced"] is True
    assert case["difference"] == abs(case["prediction"] - case["twin_prediction"]) > 1e4 * case["control"] > 0
    for name in ("prediction", "twin_prediction"):
        assert math.isclose(case[name], was[name], rel_tol=1e-6)
    assert (case["steps"], case["test"]) == (was["steps"], was["test"])
    assert cli.main(["replay", str(saved)]) == 0
    page = capsys.readouterr().out
    assert page.startswith("orthogonal: the predictions differ again\n")
    assert "Mine(lr=0.02, pair=(1, 2)) at g x" in " ".join(page.split())
    assert f"at x:    {case['prediction']!r}" in page
    assert f"at g x:  {case['twin_prediction']!r}" in page


def test_a_relative_spec_is_found_from_anywhere(
    capsys: pytest.CaptureFixture[str], mine: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mine.parent)
    report = check("mine.py:Mine", {}, ["orthogonal"], home=home)
    monkeypatch.chdir("/")
    (case,) = ask(capsys, Path(report["groups"]["orthogonal"]["counterexample"]))
    assert case["reproduced"] is True


def test_a_repaired_class_agrees_now(capsys: pytest.CaptureFixture[str], saved: Path, mine: Path) -> None:
    mine.write_text(REPAIRED)
    (case,) = ask(capsys, saved, code=1)
    assert case["reproduced"] is False
    assert case["difference"] < 100 * case["control"]
    assert cli.main(["replay", str(saved)]) == 1
    assert capsys.readouterr().out.startswith("orthogonal: the predictions agree now\n")


CHANGED = {
    "gone": (None, "there is no file"),
    "renamed": (BROKEN.replace("Mine", "Yours"), "has no 'Mine'; its classes are Yours"),
    "other settings": (BROKEN.replace("pair", "both"), "unknown setting 'pair'"),
    "raises at once": (BROKEN.replace("print(", "raise RuntimeError("), "RuntimeError (hello)"),
    "raises later": (
        BROKEN.replace("print(", "self.state['n'] = self.state.get('n', 0) + 1; 1 / (6 - self.state['n']); ("),
        "raised",
    ),
    "NaN": (BROKEN.replace(".sign()", " * float('nan')"), "predictions that are no numbers"),
    "exits": (BROKEN.replace("print(", "raise SystemExit("), "sys.exit('hello')"),
    "no class": ("Mine = 3", "want a class"),
    "no Python": ("def (", "SyntaxError"),
}


@pytest.mark.parametrize(("source", "word"), CHANGED.values(), ids=CHANGED)
def test_a_class_that_does_not_run_any_more(
    capsys: pytest.CaptureFixture[str], saved: Path, mine: Path, source: str | None, word: str
) -> None:
    if source is None:
        mine.unlink()
    else:
        mine.write_text(source)
    assert word in refused(capsys, saved)


def test_a_report_is_run_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file once, although it refutes two groups."""
    groups = ["sign_flip", "permutation", "signed_permutation", "orthogonal"]
    assert cli.main(["check", f"{PLANTED}:CoordinateWise", "--group", *groups, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [f["verdict"] for f in report["groups"].values()] == ["certified", "refuted", "refuted", "refuted"]
    (tmp_path / "report.json").write_text(json.dumps(report))
    (case,) = ask(capsys, tmp_path / "report.json")
    assert (case["group"], case["reproduced"]) == ("permutation", True)
    assert case["file"] == report["groups"]["permutation"]["counterexample"]
    Path(case["file"]).unlink()
    assert "cannot be read" in refused(capsys, tmp_path / "report.json")
    kept = {**report, "groups": {"sign_flip": report["groups"]["sign_flip"]}}
    (tmp_path / "report.json").write_text(json.dumps(kept))
    assert "no counterexample" in refused(capsys, tmp_path / "report.json")


def test_in_law(capsys: pytest.CaptureFixture[str], in_law: Path, tmp_path: Path) -> None:
    (case,) = ask(capsys, in_law)
    assert case["in_law"] is True
    assert case["reproduced"] is True
    assert case["difference"] > case["control"] > 0
    out = io.StringIO()
    Console(file=out, width=100).print(display_instrument.replay_page([case]))
    assert out.getvalue().startswith("orthogonal: the laws of the predictions differ again\n")
    assert "chance explains" in out.getvalue()


def test_in_law_repaired(capsys: pytest.CaptureFixture[str], in_law: Path, tmp_path: Path) -> None:
    case = json.loads(in_law.read_text())
    (tmp_path / "case.json").write_text(json.dumps({**case, "spec": f"{PLANTED}:Langevin"}))
    (again,) = ask(capsys, tmp_path / "case.json", code=1)
    assert again["reproduced"] is False
    out = io.StringIO()
    Console(file=out, width=100).print(display_instrument.replay_page([again]))
    assert out.getvalue().startswith("orthogonal: the laws of the predictions agree now\n")


NOT = {
    "empty": (b"", "is not JSON"),
    "text": (b"hello", "is not JSON"),
    "a list": (b"[1]", "got a JSON list"),
    "a number": (b"3", "got a JSON int"),
    "nothing": (b"null", "got a JSON NoneType"),
    "other data": (b'{"a": 1}', "has no spec, settings, group"),
    "binary": (bytes(range(256)), "is not JSON"),
    "not UTF-8": ('{"spec": "é"}'.encode("latin-1"), "is not JSON"),
    "deep": (b"[" * 100_000, "is not JSON"),
    "no report": (b'{"groups": [1]}', "no report's"),
    "no findings": (b'{"groups": {"orthogonal": 1}}', "no report's"),
    "elsewhere": (b'{"groups": {"orthogonal": {"counterexample": "/nothing/here"}}}', "/nothing/here: cannot be read"),
    "no file": (b'{"groups": {"orthogonal": {"counterexample": [3]}}}', "cannot be read"),
    "empty report": (b'{"groups": {}}', "has no counterexample"),
}


@pytest.mark.parametrize(("content", "word"), NOT.values(), ids=NOT)
def test_a_file_that_holds_something_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, word: str
) -> None:
    (tmp_path / "case.json").write_bytes(content)
    assert word in refused(capsys, tmp_path / "case.json")


def test_no_file_and_no_permission(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "No such file" in refused(capsys, tmp_path / "case.json")
    assert "Is a directory" in refused(capsys, tmp_path)
    assert "Not a directory" in refused(capsys, Path("/dev/null/case.json"))


def test_a_truncated_file(capsys: pytest.CaptureFixture[str], tmp_path: Path, good: Data) -> None:
    text = json.dumps(good)
    for size in range(0, len(text), len(text) // 12):
        (tmp_path / "case.json").write_text(text[:size])
        assert "is not JSON" in refused(capsys, tmp_path / "case.json")


NEEDED = ("spec", "settings", "group", "regime", "seed", "element", "points", "labels", "test", "steps")


@pytest.mark.parametrize("key", NEEDED)
@pytest.mark.parametrize("value", [None, "x", -1, [], {}, [[1]], True, "missing"])
def test_a_damaged_entry(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, good: Data, key: str, value: object
) -> None:
    if (key, value) == ("settings", []):  # which is what stands there
        return
    case = {**good, key: value}
    if value == "missing":
        del case[key]
    (tmp_path / "case.json").write_text(json.dumps(case))
    assert "Traceback" not in refused(capsys, tmp_path / "case.json")


def _regime(**changed: object) -> Callable[[Data], Data]:
    return lambda case: {**case, "regime": {**case["regime"], **changed}}


DAMAGED: dict[str, tuple[Callable[[Data], Data], str]] = {
    "another group": (lambda c: {**c, "group": "so3"}, "group"),
    "a group that is not examined": (lambda c: {**c, "group": "cyclic_shift"}, "group"),
    "none of the group": (lambda c: {**c, "group": "sign_flip"}, "none of the sign flips"),
    "not orthogonal": (lambda c: {**c, "element": [[2 * x for x in row] for row in c["element"]]}, "none of the ortho"),
    "not square": (lambda c: {**c, "element": c["element"][1:]}, "element"),
    "not finite": (lambda c: {**c, "element": [[math.nan for _ in row] for row in c["element"]]}, "element"),
    "no pair": (lambda c: {**c, "settings": ["lr"]}, "--set"),
    "no text": (lambda c: {**c, "settings": [1]}, "settings"),
    "a key too many": (_regime(more=1), "regime"),
    "no width": (_regime(hidden=3), "damaged"),
    "text as width": (_regime(hidden=["x"]), "raised"),
    "no loss": (_regime(loss="x"), "loss"),
    "no activation": (_regime(activation="x"), "raised"),
    "no steps": (_regime(steps=-1), "steps"),
    "another dimension": (_regime(d=7), "element"),
    "no labels": (lambda c: {**c, "labels": [0] * len(c["labels"])}, "labels"),
    "another step": (lambda c: {**c, "steps": 10**9}, "want a checkpoint"),
}


@pytest.mark.parametrize(("damage", "word"), DAMAGED.values(), ids=DAMAGED)
def test_damage_that_only_looks_right(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, good: Data, damage: Callable[[Data], Data], word: str
) -> None:
    (tmp_path / "case.json").write_text(json.dumps(damage(good)))
    message = refused(capsys, tmp_path / "case.json")
    assert word in message
    assert "case.json" in message or "--set" in word


def test_the_undamaged_one_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path, good: Data) -> None:
    (tmp_path / "case.json").write_text(json.dumps(good))
    (case,) = ask(capsys, tmp_path / "case.json")
    assert case["reproduced"] is True


def test_rounding_that_grows_later_hides_no_early_violation(tmp_path: Path, good: Data) -> None:
    """The step where the runs are furthest apart need not be the one where that means most."""
    (tmp_path / "case.json").write_text(json.dumps({**good, "steps": 0}))
    (case,) = replay(tmp_path / "case.json")
    assert case["steps"] > 0
    assert case["reproduced"] is True


def test_the_schema_refuses_what_is_no_replay(capsys: pytest.CaptureFixture[str], tmp_path: Path, good: Data) -> None:
    (tmp_path / "case.json").write_text(json.dumps(good))
    (case,) = ask(capsys, tmp_path / "case.json")
    bad = [[], case, [case | {"more": 1}], [case | {"in_law": True}], [case | {"prediction": None}]]
    bad += [[{k: v for k, v in case.items() if k != key}] for key in case]
    for cases in bad:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(cases, SCHEMA)


def test_the_api_raises_one_kind_of_error_for_files(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="cannot be read"):
        replay(tmp_path / "case.json")
