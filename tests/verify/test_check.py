"""`orbitgap check` as users meet it: data, pages, their own files, and everything that goes wrong there."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from verify import cli, display_instrument
from verify.check import check
from verify.instrument import EXAMINED

SCHEMA = json.loads((Path(cli.__file__).parent / "schemas" / "check.schema.json").read_text())
PLANTED = Path(__file__).with_name("planted.py")
KEYS = {"spec", "settings", "seed", "groups", "derived", "init", "bounds"}
FINDING = {"verdict", "level", "residual", "control", "size", "reason", "counterexample"}
Report = dict[str, Any]

MINE = """
import os, sys, warnings
from dataclasses import dataclass
import torch
from torch import nn
from helper_of_test_check import scaled

@dataclass
class Plan:
    lr: float = 0.05

class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=Plan().lr):
        super().__init__(params, {"lr": lr})
        self.count = 0
    @torch.no_grad()
    def step(self, closure=None):
        self.count += 1
        self.act()
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(self.direction(p.grad), alpha=-group["lr"])
    def act(self): ...
    def direction(self, grad):
        return scaled(grad)

class Idle(Mine):
    def __init__(self, params, lr=1e-14):
        super().__init__(params, lr)
class Chatty(Mine):
    def act(self):
        print("hello")
        warnings.warn("careful")
class First(Mine):
    def act(self):
        raise RuntimeError("two\\nlines")
class NanAt(Mine):
    at = 1
    def direction(self, grad):
        return grad * (float("nan") if self.count == self.at else 1)
class NanLater(NanAt):
    at = 11
class NanLast(NanAt):
    at = 40
    def direction(self, grad):
        return super().direction(grad.sign())
class NanNoise(NanLater):
    def direction(self, grad):
        return super().direction(grad + torch.randn_like(grad))
class Infinite(Mine):
    def direction(self, grad):
        return grad / 0
class Exits(Mine):
    def act(self):
        sys.exit(3)
class ExitsLater(Mine):
    def act(self):
        if self.count == 3:
            sys.exit("bye")
class Asks(Mine):
    def act(self):
        input("name? ")
class Opens(Mine):
    def act(self):
        open("/nothing/like/this")
class Refuses(Mine):
    def __init__(self, params):
        raise KeyError("no")
class Needs(Mine):
    def __init__(self, params, size):
        super().__init__(params)
class Plain: ...
class Net(nn.Module): ...
class Odd:
    step = zero_grad = param_groups = 3
def function(params): ...
value = 3
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own code")
    (folder / "helper_of_test_check.py").write_text("scaled = lambda grad: grad")
    (folder / "mine.py").write_text(MINE)
    for name, text in {
        "syntax": "def (",
        "raises": "1 / 0",
        "exits": "import sys; sys.exit(7)",
        "needs": "import zz",
    }.items():
        (folder / f"{name}.py").write_text(text)
    return folder / "mine.py"


@pytest.fixture(scope="module")
def adam(tmp_path_factory: pytest.TempPathFactory) -> Report:
    options = {"lr": 0.02, "betas": (0.8, 0.99)}
    return check("torch.optim:Adam", options, home=tmp_path_factory.mktemp("home of adam"))


@pytest.fixture(scope="module")
def in_law(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return check(f"{PLANTED}:UnevenNoise", {}, ["orthogonal"], home=tmp_path_factory.mktemp("home of noise"))


def strict(text: str) -> Any:
    """Data as strict parsers read it: NaN and infinity are none."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.startswith("orbitgap: ") and "Traceback" not in text


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Report:
    capsys.readouterr()
    assert cli.main(["check", *arguments, "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    report: Report = strict(shown.out)
    jsonschema.validate(report, SCHEMA)
    assert set(report) == KEYS
    assert all(set(finding) == FINDING for finding in report["groups"].values())
    return report


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main(["check", *arguments, "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert one_line(shown.err), shown.err
    return shown.err


def page(report: Report, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(display_instrument.check_page(report), crop=False)
    return out.getvalue()


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_adam(adam: Report) -> None:
    jsonschema.validate(strict(json.dumps(adam)), SCHEMA)
    assert tuple(adam["groups"]) == EXAMINED
    assert [f["verdict"] for f in adam["groups"].values()] == ["certified"] * 3 + ["refuted"]
    assert adam["groups"]["sign_flip"]["level"] == "bitwise"
    assert (adam["spec"], adam["settings"], adam["seed"]) == ("torch.optim:Adam", {"lr": 0.02, "betas": [0.8, 0.99]}, 0)
    assert adam["derived"]["largest"] == "signed_permutation"
    assert adam["derived"]["kept"] == {**dict.fromkeys(EXAMINED, True), "orthogonal": None}
    assert adam["bounds"] == ["ex-4.1-exact", "thm-5.5", "thm-5.5-sharp"]
    assert adam["init"]["nn.init.normal_"] == dict.fromkeys(EXAMINED, "certified")
    assert adam["init"]["nn.Linear"] == {**dict.fromkeys(EXAMINED, "certified"), "orthogonal": "refuted"}


def test_its_counterexample(adam: Report) -> None:
    file = Path(adam["groups"]["orthogonal"]["counterexample"])
    assert file.is_absolute()
    assert [f["counterexample"] for f in adam["groups"].values()] == [None, None, None, str(file)]
    content = strict(file.read_text())
    assert content["spec"] == "torch.optim:Adam"
    assert content["settings"] == ["lr=0.02", "betas=(0.8, 0.99)"]
    assert abs(content["prediction"] - content["twin_prediction"]) > 1e6 * content["control"]
    assert list(file.parent.iterdir()) == [file]


def test_sgd_is_exact_and_bound_by_all(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    report = ask(capsys, "torch.optim:SGD", "--set", "lr=0.1", "--seed", "3")
    assert {f["verdict"] for f in report["groups"].values()} == {"certified"}
    assert report["groups"]["orthogonal"]["level"] == "exact-rational"
    assert report["derived"]["largest"] == "orthogonal"
    assert {"thm-5.2", "thm-5.4-corrected"} < set(report["bounds"])
    assert report["seed"] == 3
    assert not list((home / "counterexamples").iterdir())


def test_in_law(in_law: Report) -> None:
    jsonschema.validate(strict(json.dumps(in_law)), SCHEMA)
    found = in_law["groups"]["orthogonal"]
    assert (found["verdict"], found["size"]) == ("refuted", None)
    assert found["residual"] > found["control"]
    assert strict(Path(found["counterexample"]).read_text())["in_law"] is True
    assert "Counterexample: orbitgap replay " in page(in_law)


@pytest.mark.parametrize(("name", "reason"), [("Lazy", "did not move"), ("Unseeded", "non-deterministic")])
def test_inconclusive(capsys: pytest.CaptureFixture[str], name: str, reason: str) -> None:
    report = ask(capsys, f"{PLANTED}:{name}", "--group", "sign_flip")
    assert report["groups"]["sign_flip"]["verdict"] == "inconclusive"
    assert report["groups"]["sign_flip"]["reason"].startswith(reason)
    assert report["groups"]["sign_flip"]["counterexample"] is None
    assert report["bounds"] == []
    assert "none here" in page(report)


def test_an_idle_default_gives_way_to_a_rate_that_moves(capsys: pytest.CaptureFixture[str], mine: Path) -> None:
    warmed = ask(capsys, f"{mine}:Idle", "--group", "sign_flip")
    assert warmed["groups"]["sign_flip"]["verdict"] == "certified"
    assert 1e-3 < warmed["settings"]["lr"] < 10
    given = ask(capsys, f"{mine}:Idle", "--group", "sign_flip", "--set", "lr=1e-14")  # what a user sets stays
    assert given["groups"]["sign_flip"]["reason"] == "did not move"
    assert given["settings"] == {"lr": 1e-14}


def test_a_group_is_refuted_by_a_smaller_ones_counterexample(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    report = ask(capsys, f"{PLANTED}:CoordinateWise", "--group", "orthogonal", "permutation")
    assert list(report["groups"]) == ["permutation", "orthogonal"]
    assert {f["verdict"] for f in report["groups"].values()} == {"refuted"}
    (name,) = {f["counterexample"] for f in report["groups"].values()}
    assert [str(file) for file in (home / "counterexamples").iterdir()] == [name]
    assert "contains permutations" in report["groups"]["orthogonal"]["reason"]


def test_groups_come_from_small_to_large_and_once(capsys: pytest.CaptureFixture[str], mine: Path) -> None:
    spec = f"{mine}:Mine"
    report = ask(capsys, spec, "--group", "orthogonal", "sign_flip", "--group", "sign_flip")
    assert list(report["groups"]) == ["sign_flip", "orthogonal"]
    assert list(report["init"]["nn.Linear"]) == ["sign_flip", "orthogonal"]


def test_own_file_from_its_directory(
    capsys: pytest.CaptureFixture[str], mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mine.parent)
    report = ask(capsys, "mine.py:Chatty", "--group", "sign_flip", "--set", "lr=0.1")
    assert report["groups"]["sign_flip"]["verdict"] == "certified"
    assert (report["spec"], report["settings"]) == ("mine.py:Chatty", {"lr": 0.1})


def test_a_relative_home_gives_absolute_paths(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted.py").write_text(PLANTED.read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORBITGAP_HOME", "here")
    report = ask(capsys, "planted.py:AbsoluteScale", "--group", "orthogonal")
    file = Path(report["groups"]["orthogonal"]["counterexample"])
    assert file.parent == tmp_path / "here" / "counterexamples"
    assert strict(file.read_text())["spec"] == f"{(tmp_path / 'planted.py').resolve()}:AbsoluteScale"


def test_other_settings_and_seeds_have_other_files(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    for extra in ([], ["--set", "lr=0.1"], ["--seed", "1"], ["--seed", "1"]):
        ask(capsys, f"{PLANTED}:AbsoluteScale", "--group", "orthogonal", *extra)
    assert len(list((home / "counterexamples").iterdir())) == 3


OWN = {
    "Plain": "is a class, want an optimizer",
    "Net": "is a class, want an optimizer",
    "function": "is a function, want an optimizer",
    "value": "is a int, want an optimizer",
    "Nothing": "has no 'Nothing'; its classes are Asks, Chatty",
    "Odd": "TypeError",
    "Refuses": "KeyError ('no')",
    "Needs": "want --set size=VALUE",
    "First": "RuntimeError (two lines) on the first step",
    "NanAt": "step 1 yields NaN",
    "NanLater": "step 11 yields NaN",
    "NanLast": "step 40 yields NaN",
    "NanNoise": "step 11 yields NaN",
    "Infinite": "step 1 yields NaN or infinite",
    "Exits": "sys.exit(3)",
    "ExitsLater": "sys.exit('bye')",
    "Asks": "EOFError",
    "Opens": "FileNotFoundError",
}


@pytest.mark.parametrize(("name", "word"), OWN.items())
def test_own_code_that_does_not_run(capsys: pytest.CaptureFixture[str], mine: Path, name: str, word: str) -> None:
    assert word in refused(capsys, f"{mine}:{name}")


def test_planted_code_that_does_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Raising: step 3 raised RuntimeError: no third step" in refused(capsys, f"{PLANTED}:Raising")
    assert "NotANumber: step 1 yields NaN" in refused(capsys, f"{PLANTED}:NotANumber")


FILES = {
    "syntax": "SyntaxError",
    "raises": "ZeroDivisionError",
    "exits": "sys.exit(7)",
    "needs": "'zz'",
    "no": "no file",
}


@pytest.mark.parametrize(("name", "word"), FILES.items())
def test_a_file_that_does_not_load(capsys: pytest.CaptureFixture[str], mine: Path, name: str, word: str) -> None:
    assert word in refused(capsys, f"{mine.with_name(name)}.py:Mine")


BAD = {
    "no colon": (["Adam"], "want module:Class"),
    "no module": (["nothing_like_this:Adam"], "no module 'nothing_like_this'"),
    "no submodule": (["torch.optim.nothing:Adam"], "no module 'torch.optim.nothing'"),
    "no class": (["torch.optim:Adm"], "its classes are ASGD"),
    "abstract": (["torch.optim:Optimizer"], "abstract"),
    "unknown setting": (["torch.optim:SGD", "--set", "lrr=1"], "unknown setting 'lrr'"),
    "no pair": (["torch.optim:SGD", "--set", "lr"], "want NAME=VALUE"),
    "no name": (["torch.optim:SGD", "--set", "=1"], "want NAME=VALUE"),
    "a text": (["torch.optim:SGD", "--set", "lr=abc"], "TypeError"),
    "out of range": (["torch.optim:SGD", "--set", "lr=-1"], "Invalid learning rate"),
    "infinite": (["torch.optim:SGD", "--set", "lr=1e999"], "NaN or infinite"),
    "diverges": (["torch.optim:SGD", "--set", "lr=1e6", "--group", "sign_flip"], "try --set lr=VALUE"),
    "no group": (["torch.optim:SGD", "--group", "so3"], "names among sign_flip, permutation"),
    "another group": (["torch.optim:SGD", "--group", "cyclic_shift"], "got 'cyclic_shift'"),
    "seed": (["torch.optim:SGD", "--seed", "-1"], "--seed"),
    "large seed": (["torch.optim:SGD", "--seed", str(2**31)], "--seed"),
}


@pytest.mark.parametrize(("arguments", "word"), BAD.values(), ids=BAD)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: list[str], word: str) -> None:
    assert word in refused(capsys, *arguments)


@pytest.mark.parametrize(
    "arguments", [[], ["torch.optim:SGD", "--set"], ["torch.optim:SGD", "--seed", "x"], ["a", "b"]]
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["check", *arguments])
    assert stopped.value.code == 2
    assert "usage: orbitgap" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_refused_first(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "verify.check")
    home.write_text("a file")
    assert str(home) in refused(capsys, f"{PLANTED}:AbsoluteScale")
    assert "verify.check" not in sys.modules  # not after the work
    assert home.read_text() == "a file"


def test_a_disk_that_fills_up_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: str) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("verify.check.store.write_atomically", full)
    assert "No space left" in refused(capsys, f"{PLANTED}:AbsoluteScale", "--group", "orthogonal")


def test_as_a_process(home: Path, mine: Path) -> None:
    """A class that prints and warns in every step leaves valid data; a misspelt module is answered without torch."""
    environment = {**os.environ, "ORBITGAP_HOME": str(home)}
    arguments = [sys.executable, "-m", "verify", "check", f"{mine}:Chatty", "--group", "sign_flip", "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    jsonschema.validate(strict(done.stdout), SCHEMA)
    code = (
        "import sys; from verify.cli import main; code = main(['check', *sys.argv[1:]]);"
        "sys.exit(code + 3 * bool({'torch', 'numpy', 'sympy', 'rich'} & set(sys.modules)))"
    )
    for wrong in (["nothing_like_this:Adam"], ["none.py:Adam"], ["Adam"], ["torch.optim:SGD", "--set", "lr"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *wrong], capture_output=True, text=True, env=environment, check=False
        )
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert one_line(done.stderr)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_page_fits_and_paths_are_whole(adam: Report, in_law: Report, width: int) -> None:
    for report in (adam, in_law):
        shown = page(report, width)
        (file,) = {f["counterexample"] for f in report["groups"].values() if f["counterexample"]}
        command = f"Counterexample: orbitgap replay '{file}'"  # quoted, as the directory has blanks
        assert command in shown
        assert "…" not in shown
        title, *lines = shown.splitlines()
        assert title.startswith(report["spec"])
        assert all(len(line) <= width for line in lines if line != command)
        for finding in report["groups"].values():
            assert " ".join(finding["reason"].split()) in " ".join(shown.split())
    words = " ".join(page(adam, width).split())
    for word in ("lr=0.02, betas=[0.8, 0.99]", "✓ CERTIFIED bitwise 0.0e+00", "✕ REFUTED", "thm-5.5-sharp"):
        assert word in words
    assert "From its operations: keeps signed permutations" in words
    assert "First weights by nn.Linear: law kept by sign flips, permutations, signed permutations Lower" in words


def test_no_color(capsys: pytest.CaptureFixture[str], adam: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")

    def shown() -> str:
        cli.shown(adam, False, display_instrument.check_page)
        return capsys.readouterr().out

    assert "\x1b" not in shown()
    assert adam["groups"]["orthogonal"]["counterexample"] in shown()  # longer than a line
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m" in shown()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown()


def test_the_schema_refuses_what_is_no_report(adam: Report) -> None:
    kept, broken = adam["groups"]["sign_flip"], adam["groups"]["orthogonal"]
    bad = [
        adam | {"more": 1},
        {k: v for k, v in adam.items() if k != "seed"},
        adam | {"groups": {}},
        adam | {"groups": {"so3": kept}},
        adam | {"groups": {"sign_flip": kept | {"verdict": "CERTIFIED"}}},
        adam | {"groups": {"sign_flip": kept | {"level": None}}},
        adam | {"groups": {"sign_flip": kept | {"counterexample": "x"}}},
        adam | {"groups": {"orthogonal": broken | {"counterexample": None}}},
        adam | {"groups": {"orthogonal": broken | {"level": "rounding"}}},
        adam | {"groups": {"orthogonal": broken | {"residual": -1}}},
        adam | {"derived": adam["derived"] | {"largest": "none"}},
        adam | {"init": {"nn.Linear": {}}},
        adam | {"bounds": [None]},
        adam | {"spec": "Adam"},
    ]
    for report in bad:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(report, SCHEMA)


def test_numbers_that_json_does_not_know_become_text_or_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\nclass Mine(torch.optim.SGD):\n    def __init__(self, params, cap=1.0, lr=0.1):\n"
        "        assert cap > 0\n        super().__init__(params, lr)\n"
    )
    report = ask(capsys, f"{tmp_path / 'mine.py'}:Mine", "--set", "cap=1e999", "--group", "sign_flip")
    assert report["settings"] == {"cap": "inf"}
