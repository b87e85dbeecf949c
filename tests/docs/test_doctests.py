"""The examples in the docstrings run and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import sims
import theory
import verify

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(
    f"{package.__name__}.{found.name}"
    for package in (theory, sims, verify)
    for found in pkgutil.iter_modules(package.__path__)
    if found.name != "__main__"  # importing it runs the command
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert failed == 0, capsys.readouterr().out


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in found) > 20
