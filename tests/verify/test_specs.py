"""SPECs and settings: what a user writes, and what goes wrong with it."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from verify import specs
from verify.specs import SpecError, foreign, load, located, portable, settings, written

OPTIMIZER = """
from __future__ import annotations
from dataclasses import dataclass
import helper_of_test_specs

@dataclass
class Plan:
    rate: float = 0.5
    name: str = helper_of_test_specs.NAME

class Mine:
    plan = Plan()
    def late(self):
        import late_of_test_specs
        return late_of_test_specs.NAME
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "helper_of_test_specs.py").write_text("NAME = 'helped'")
    (tmp_path / "late_of_test_specs.py").write_text("NAME = 'late'")
    (tmp_path / "mine.py").write_text(OPTIMIZER)
    return tmp_path / "mine.py"


def test_a_file_with_dataclasses_and_a_helper_next_to_it(mine: Path) -> None:
    found = load(f"{mine}:Mine")
    assert (found.plan.rate, found.plan.name) == (0.5, "helped")
    assert found().late() == "late"  # imported after loading
    assert pickle.loads(pickle.dumps(found.plan)) == found.plan  # noqa: S301
    assert sys.modules[found.__module__].__file__ == str(mine.resolve())


def test_a_file_hides_no_other_module(tmp_path: Path) -> None:
    import json

    (tmp_path / "json.py").write_text("class Mine: pass")
    found = load(f"{tmp_path / 'json.py'}:Mine")
    assert sys.modules["json"] is json
    assert found.__module__ not in ("json", "__main__")
    assert not list(tmp_path.glob("__pycache__/json*"))


def test_a_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    for value in (1, 2, 3):  # same size, same second
        file.write_text(f"class Mine: value = {value}")
        assert load(f"{file}:Mine").value == value


def test_a_relative_path_and_a_module_where_the_command_runs(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = mine.parent / "package_of_test_specs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "part.py").write_text("from . import __name__ as parent\nclass Mine: pass")
    monkeypatch.chdir(mine.parent)
    assert load("mine.py:Mine").__name__ == load("./mine.py:Mine").__name__ == "Mine"
    assert portable("mine.py:Mine") == f"{mine.resolve()}:Mine"
    assert load("package_of_test_specs.part:Mine").__module__ == "package_of_test_specs.part"
    assert portable("package_of_test_specs.part:Mine") == "package_of_test_specs.part:Mine"


def test_a_colon_in_a_path_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "a:b.py").write_text("class Mine: pass")
    assert load(f"{tmp_path}/a:b.py:Mine").__name__ == "Mine"


BROKEN = {
    "syntax": ("def (", "SyntaxError"),
    "raises": ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
    "bare": ("raise RuntimeError", "raised RuntimeError"),
    "needs": ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
    "relative": ("from .part import thing", "ImportError"),
    "empty": ("", "has no 'Mine'; its classes are none"),
    "others": ("class Yours: pass\nclass _Hidden: pass\nMine = None", "its classes are Yours"),
    "latin": ("x = '\xe9'", "SyntaxError"),
}


@pytest.mark.parametrize(("source", "word"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file(tmp_path: Path, source: str, word: str) -> None:
    (tmp_path / "mine.py").write_text(source, encoding="latin-1")
    before = set(sys.modules)
    with pytest.raises(SpecError) as raised:
        load(f"{tmp_path / 'mine.py'}:Mine")
    assert word in str(raised.value)
    assert "\n" not in str(raised.value)
    left = [name for name in set(sys.modules) - before if name.startswith("orbitgap_file_")]
    assert not left or "its classes are" in word


NOWHERE = ["Adam", ":Adam", "torch.optim:", "", ":", "none.py:Adam", "nothing_like_this:Adam", "no.such.thing:A"]
NOWHERE += ["../thing:A", ".thing:A", "/:A", "json.nothing:A", f"{'x' * 300}.py:A", "tests:", "a b:C", "1a:C"]


@pytest.mark.parametrize("spec", NOWHERE)
def test_a_spec_that_names_nothing(spec: str) -> None:
    with pytest.raises(SpecError, match="SPEC: "):
        load(spec)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").mkdir()
    with pytest.raises(SpecError, match="there is no file"):
        located(f"{tmp_path / 'mine.py'}:Mine")


def test_a_package_that_fails_is_told_from_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_of_test_specs.py").write_text("import nothing_like_this")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="importing failing_of_test_specs raised ModuleNotFoundError"):
        load("failing_of_test_specs:A")
    with pytest.raises(SpecError, match=r"no module 'json\.nothing'"):
        load("json.nothing:A")


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("lr=0.01", 0.01),
        ("betas=(0.9, 0.99)", (0.9, 0.99)),
        ("betas=[0.9, 0.99]", [0.9, 0.99]),
        ("nesterov=True", True),
        ("kind=fast", "fast"),
        ("kind='0.5'", "0.5"),
        ("kind=a=b", "a=b"),
        ("kind=", ""),
        ("kind={[]: 1}", "{[]: 1}"),
        ("kind=" + "(" * 5000, "(" * 5000),
        ("kind=inf", float("inf")),
        ("kind=(1e999, -1e999)", (float("inf"), -float("inf"))),
        ("kind=None", None),
        ("kind={'a': 1}", {"a": 1}),
        ("lambda=1", 1),
    ],
)
def test_settings_survive_being_written(pair: str, value: object) -> None:
    found = settings([pair])
    assert list(found.values()) == [value]
    again = settings(written(found))
    assert again == found
    assert type(next(iter(again.values()))) is type(value)


@pytest.mark.parametrize("pair", ["lr", "=1", "", "l r=1", "1r=1", "a.b=1", "-lr=1"])
def test_pairs_that_are_none(pair: str) -> None:
    with pytest.raises(SpecError, match=r"--set: got .*, want NAME=VALUE"):
        settings([pair])


def test_foreign_code_is_quiet_and_cannot_exit(capfd: pytest.CaptureFixture[str]) -> None:
    stdin = sys.stdin
    with foreign():
        print("hello")
        warnings.warn("careful", stacklevel=1)
        with pytest.raises(EOFError):
            input("name? ")
    with pytest.raises(SpecError, match=r"calls sys.exit\(3\)"), foreign():
        sys.exit(3)
    with pytest.raises(KeyError), foreign():
        raise KeyError
    assert sys.stdin is stdin
    print("back")
    assert capfd.readouterr() == ("back\n", "")


def test_specs_imports_nothing_heavy() -> None:
    code = f"import sys; import {specs.__name__}; sys.exit(bool({{'torch', 'numpy', 'sympy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
