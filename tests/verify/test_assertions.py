"""The assertion passes, fails with a small example, and comes to a test as a fixture that costs nothing."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from sims.learners import FullyConnected, Learner
from sims.networks import fully_connected
from sims.training import Training, UpdateRule
from tests.verify.planted import Lazy
from theory.groups import ORTHOGONAL
from verify import assertions, in_law
from verify.adapters import AdapterError
from verify.assertions import assert_equivariant

SGD, ADAM = torch.optim.SGD, torch.optim.Adam
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def fewer_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_law, "RUNS", 100)


@pytest.mark.parametrize(("optimizer", "group"), [(SGD, "orthogonal"), (SGD, ORTHOGONAL), (ADAM, "sign_flip")])
def test_what_is_kept_passes(optimizer: type, group) -> None:
    assert_equivariant(optimizer, group, lr=0.05)


def test_the_message_shows_the_smallest_example_and_the_hypothesis() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_equivariant(ADAM, "orthogonal", lr=0.05)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Adam under orthogonal: REFUTED"
    assert "violation of" in lines[1]
    assert "violates hypothesis (2) of thm-c.1" in lines[2]
    assert lines[3] == "  smallest example found: d = 2, 2 points, 1 steps"
    text = str(caught.value)
    assert "Linear(in_features=2" in text
    for what in ("g = [[", "points = [[", "x = [", "prediction at x after training on D: ", "rounding explains"):
        assert what in text
    base, twin = (float(line.split(":")[1]) for line in lines if "prediction at" in line)
    assert abs(base - twin) > 1e-6


def test_a_violation_without_a_small_example_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assertions, "TRIES", 3)
    monkeypatch.setattr(assertions, "CLEAR", float("inf"))
    with pytest.raises(AssertionError, match=r"REFUTED(?s:.*)no smaller example in 3 tries"):
        assert_equivariant(ADAM, "orthogonal", lr=0.05)


def test_what_is_inconclusive_does_not_pass() -> None:
    with pytest.raises(AssertionError, match=r"^Lazy under sign flips: INCONCLUSIVE\n  did not move"):
        assert_equivariant(Lazy, "sign_flip")


def test_learners_are_examined_hypothesis_by_hypothesis() -> None:
    assert_equivariant(Learner(FullyConnected((3, 4, 1)), SGD, {"lr": 0.1}, 3), "orthogonal")
    with pytest.raises(AssertionError, match=r"^orthogonal: REFUTED\n  model +CERTIFIED(?s:.*)\n  update +REFUTED"):
        assert_equivariant(Learner(FullyConnected((3, 4, 1)), ADAM, {"lr": 0.1}, 3), "orthogonal")
    plain = Training(partial(fully_connected, (3, 4, 1)), UpdateRule(lambda m: SGD(m.parameters(), lr=0.1)), 1)
    with pytest.raises(AssertionError, match=r"\n  initialisation +REFUTED"):
        assert_equivariant(plain, "orthogonal")


@pytest.mark.parametrize(
    ("subject", "group", "options", "message"),
    [
        (SGD, "rotations", {}, "group: got 'rotations', want one of"),
        (
            Learner(FullyConnected((3, 4, 1)), SGD, {"lr": 0.1}, 1),
            "orthogonal",
            {"lr": 1},
            "options: got lr, want none",
        ),
        (SGD, "orthogonal", {"speed": 1}, "speed"),
        (nn.Linear, "orthogonal", {}, "Linear"),
        ("SGD", "orthogonal", {}, "SGD"),
    ],
)
def test_bad_input_is_refused_by_name(subject, group, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        assert_equivariant(subject, group, **options)


def test_a_wrong_class_raises_an_adapter_error() -> None:
    with pytest.raises(AdapterError):
        assert_equivariant(nn.Linear, "orthogonal")


TESTS = """
import torch

def test_kept(assert_equivariant):
    assert_equivariant(torch.optim.SGD, "sign_flip", lr=0.05)

def test_broken(assert_equivariant):
    assert_equivariant(torch.optim.Adam, "orthogonal", lr=0.05)
"""


def python(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *args], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_fixture_comes_with_the_package(tmp_path: Path) -> None:
    file = tmp_path / "test_mine.py"
    file.write_text(TESTS)
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(file), cwd=tmp_path)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "Adam under orthogonal: REFUTED" in done.stdout
    assert "smallest example found: d = 2" in done.stdout


HEAVY = "{'torch', 'numpy', 'hypothesis', 'scipy', 'sympy', 'sims', 'matplotlib'}"


@pytest.mark.parametrize("module", ["verify", "verify.plugin"])
def test_importing_the_plugin_loads_nothing_heavy(module: str) -> None:
    done = python("-c", f"import sys, {module}; print(sorted({HEAVY} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr
    planted = python("-c", f"import sys, {module}, verify.assertions; print(sorted({HEAVY} & set(sys.modules)))")
    assert "torch" in planted.stdout


def test_certify_is_found_when_asked_for() -> None:
    done = python("-c", "import verify; print(verify.certify.__module__, verify.Certificate.__name__)")
    assert done.stdout.split() == ["verify.hypotheses", "Certificate"]
    done = python("-c", "import verify; verify.nonsense")
    assert "AttributeError: module 'verify' has no attribute 'nonsense'" in done.stderr
