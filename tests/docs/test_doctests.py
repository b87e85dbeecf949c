"""The examples in the docstrings run and give what they say."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import sims
import theory
import verify

ROOT = Path(__file__).parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ROOMS = (theory, sims, verify)
MODULES = sorted(
    found.name
    for room in ROOMS
    for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
    if not found.name.endswith("__main__")  # importing it runs the command
)
BARE = 37
"""Functions of the reference that show no example: they run a command, need files or Coq, or say it in one line."""


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert failed == 0, capsys.readouterr().out


def test_no_file_escapes() -> None:
    files = {p.relative_to(ROOT).with_suffix("") for room in ROOMS for p in (ROOT / room.__name__).rglob("*.py")}
    assert {".".join(p.parts) for p in files if not p.name.startswith("__")} == set(MODULES)


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(bool(test.examples) for test in found) > 200
    assert sum(len(test.examples) for test in found) > 380


def bare(modules: Iterable[ModuleType]) -> Iterator[str]:
    """The functions that a module offers without an example, in its own text or in the module's."""
    for module in modules:
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isroutine(thing) and ">>>" not in (inspect.getdoc(thing) or ""):
                yield f"{module.__name__}.{name}"


def test_examples_do_not_get_fewer(generate: ModuleType) -> None:
    def planted() -> None:
        """Says nothing more."""

    offers = SimpleNamespace(__name__="planted", __all__=["planted", "number"], planted=planted, number=3)
    assert list(bare([offers])) == ["planted.planted"]
    found = list(bare(importlib.import_module(name) for part in generate.api.PARTS for name in part.modules))
    assert len(found) <= BARE, f"new ones want an example: {', '.join(found)}"
