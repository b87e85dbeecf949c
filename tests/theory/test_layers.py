"""Imports go down only, theory stays light, and nothing hangs on SymPy's ground types."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"theory": {"sims", "verify", "torch"}, "sims": {"verify"}, "verify": set()}


def imported(source: str) -> set[str]:
    """The top-level packages a module imports anywhere in it, by statement or by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case ast.Call(ast.Name("__import__") | ast.Attribute(attr="import_module"), [ast.Constant(str(name)), *_]):
                found.add(name)
    return {name.split(".")[0] for name in found}


def violations(room: str, source: str) -> set[str]:
    """What a module of this room must not import but does."""
    return imported(source) & FORBIDDEN[room]


PLANTED = {
    "import": "import torch",
    "import as": "import torch.nn as nn",
    "from": "from torch import nn",
    "from a part": "from torch.optim import SGD",
    "in a function": "def f():\n    import torch",
    "in a condition": "if True:\n    from torch import nn",
    "among others": "import numpy, torch",
    "by name": "import importlib\nimportlib.import_module('torch.nn')",
    "by builtin": "__import__('torch')",
}


@pytest.mark.parametrize("source", PLANTED.values(), ids=PLANTED)
def test_a_planted_import_is_seen(source: str) -> None:
    assert violations("theory", source) == {"torch"}
    assert violations("sims", source) == set()


def test_the_other_planted_imports_are_seen() -> None:
    source = "from sims import learners\nimport verify.cli\nfrom theory import claims"
    assert violations("theory", source) == {"sims", "verify"}
    assert violations("sims", source) == {"verify"}
    assert violations("verify", source) == set()
    assert violations("theory", "# import torch\ntext = 'import torch'\nfrom theory.torchlike import x") == set()


MODULES = [(room, path) for room in FORBIDDEN for path in sorted((ROOT / room).rglob("*.py"))]


def test_the_rooms_were_found() -> None:
    assert ("theory", ROOT / "theory" / "claims.py") in MODULES
    assert len([room for room, _ in MODULES if room == "theory"]) > 15


@pytest.mark.parametrize(("room", "path"), MODULES, ids=lambda v: v.name if isinstance(v, Path) else v)
def test_imports_go_down_only(room: str, path: Path) -> None:
    assert violations(room, path.read_text(encoding="utf-8")) == set()


def run(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_reading_the_ledger_imports_neither_torch_nor_sympy() -> None:
    code = "import sys, theory.claims as c; c.load(); print(sorted({'torch', 'sympy', 'numpy'} & set(sys.modules)))"
    assert run(code) == "['numpy']"


CHECK_ALL = """
from sympy.external.gmpy import GROUND_TYPES
from theory.claims import load
from theory.status import check, statuses
ledger = load()
bad = {id: s for id, s in statuses(ledger, check(ledger)).items() if s.verdict is not ledger.get(id).expected}
print(GROUND_TYPES, len(ledger.claims), bad)
"""


@pytest.mark.parametrize("types", ["python", "flint"])
def test_the_suite_passes_with_either_ground_types(types: str) -> None:
    ground, claims, bad = run(CHECK_ALL, SYMPY_GROUND_TYPES=types).split(maxsplit=2)
    assert ground == types
    assert int(claims) >= 7
    assert bad == "{}"
