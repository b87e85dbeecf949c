"""The Python reference: every public name is on a page with its docstring, and what Sphinx is told of docstrings."""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = '''"""A module with faults: `theory.groups.NOTHING` is not there, `any code` need not be."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.evidence import Verdict

__all__ = ["LONG", "SIZES", "described", "undescribed"]

SIZES = (1, 2)
"""Shapes of all weights: the filter, the bias."""
LONG = tuple(range(100))
"""Many numbers."""


def described(x: ArrayLike, verdict: Verdict, y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """This one says what it does.

    Args:
        x: any numbers.
        verdict: what is known.
        y: floats.
    """


def undescribed() -> None: ...
'''


def inventory(html: Path) -> set[str]:
    """The Python names that a build describes."""
    from sphinx.util.inventory import InventoryFile

    found = InventoryFile.loads((html / "objects.inv").read_bytes(), uri="")
    return {name for kind, names in found.data.items() if kind.startswith("py:") for name in names}


def missing(html: Path, modules: Iterable[str]) -> list[str]:
    """The public names that a build does not describe: no page asks for them, or they have no docstring."""
    described = inventory(html)
    offered = [f"{module}.{name}" for module in modules for name in importlib.import_module(module).__all__]
    return [name for name in (*modules, *offered) if name not in described]


def documented(api: ModuleType) -> list[str]:
    return [module for part in api.PARTS for module in part.modules]


@pytest.fixture(scope="module")
def planted(
    generate: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The planted module as the project's own settings show it, and what Sphinx said."""
    pytest.importorskip("furo")
    folder = tmp_path_factory.mktemp("planted")
    for name in ("_ext", "_static", "_templates"):
        shutil.copytree(ROOT / "docs" / name, folder / "docs" / name)
    (folder / "docs" / "generated").mkdir()
    (folder / "docs" / "generated" / "run.md").write_text("---\norphan: true\n---\n# Run\n", encoding="utf-8")
    shutil.copy(ROOT / "docs" / "conf.py", folder / "docs" / "conf.py")
    (folder / "planted.py").write_text(PLANTED, encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        asked = generate.api.directive("planted")
        (folder / "docs" / "index.md").write_text(f"# Planted\n\n{asked}\n", encoding="utf-8")
    finally:
        sys.path.remove(str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", str(folder / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
    )
    assert done.returncode == 0, done.stderr
    return folder / "html", done


def text_of(html: Path) -> str:
    """The words of the planted page."""
    content = (html / "index.html").read_text(encoding="utf-8").partition("<article")[2].partition("</article")[0]
    return " ".join(re.sub(r"<[^>]*>", "", content).split())


def test_every_public_name_is_described(generate: ModuleType, built: Path) -> None:
    assert missing(built, documented(generate.api)) == []
    assert len(inventory(built)) > 300


def test_a_name_without_docstring_is_seen(
    planted: tuple[Path, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    html, _ = planted
    monkeypatch.syspath_prepend(str(html.parent))
    assert missing(html, ["planted"]) == ["planted.undescribed"]


def test_a_reference_to_nothing_is_a_warning(planted: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, done = planted
    warnings = [line for line in done.stderr.splitlines() if "reference target not found" in line]
    assert "theory.groups.NOTHING" in warnings[0]
    assert not any("any code" in line or "numpy" in line or "Shapes" in line for line in warnings)


def test_types_and_values_are_short(planted: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    shown = text_of(planted[0])
    assert "x (ArrayLike) -- any numbers" in shown
    assert "verdict (Verdict) -- what is known" in shown
    assert "y (NDArray[float64]) -- floats" in shown
    assert "SIZES = (1, 2)" in shown
    assert "Shapes of all weights: the filter, the bias." in shown
    assert "LONG" in shown
    assert "97, 98, 99" not in shown


def test_every_module_is_listed_with_its_first_line(generate: ModuleType) -> None:
    page = generate.api.pages()["api/index.md"].replace("\\", "")
    public = documented(generate.api)
    assert len(set(public)) == len(public)
    for path in (p for room in ("theory", "sims", "verify") for p in (ROOT / room).glob("[!_]*.py")):
        name = f"{path.parent.name}.{path.stem}"
        cell = f"[{name}](#{generate.api.anchor(name)})" if name in public else name
        first = importlib.import_module(name).__doc__.splitlines()[0].replace("`", "")
        assert page.count(f"\n| {cell} | {first} |\n") == 1
        assert page.count(f"\n.. py:module:: {name}\n") == (name not in public)


def test_a_module_without_docstring_is_loud(generate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("theory.cited"), "__doc__", None)
    assert "| theory.cited | **no docstring** |" in generate.api.pages()["api/index.md"]


def test_each_documented_module_has_one_page_with_a_label(generate: ModuleType) -> None:
    pages: Mapping[str, str] = generate.api.pages()
    for part in generate.api.PARTS:
        page = pages[f"api/{part.name}.md"]
        assert all(f"({generate.api.anchor(name)})=\n## `{name}`\n" in page for name in part.modules)
        assert f"]({part.name}.md)" in pages["api/index.md"]
        assert f"\n{part.name}\n" in pages["api/index.md"]
