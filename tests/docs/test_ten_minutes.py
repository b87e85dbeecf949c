"""The programs on pages are run, and one that fails is told of in one line."""

import importlib
from types import ModuleType

import pytest


@pytest.fixture
def ten_minutes(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.ten_minutes")


def test_a_program_stands_with_what_it_prints(ten_minutes: ModuleType) -> None:
    assert ten_minutes.program("print(6 * 7)", "here.md").endswith("It prints\n\n```text\n42\n```")


def test_a_program_that_fails_is_told_of_in_one_line(ten_minutes: ModuleType) -> None:
    with pytest.raises(ten_minutes.BadReportError) as failed:
        ten_minutes.program("print('so far')\nraise ValueError('planted')", "here.md")
    assert str(failed.value) == "the program of here.md fails: ValueError: planted"
    with pytest.raises(ten_minutes.BadReportError, match=r"fails: it says nothing$"):
        ten_minutes.program("raise SystemExit(3)", "here.md")


def test_a_program_that_does_not_end_is_stopped(ten_minutes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ten_minutes, "SECONDS", 0.5)
    with pytest.raises(ten_minutes.BadReportError, match=r"^the program of here\.md fails: it runs for more than"):
        ten_minutes.program("while True: pass", "here.md")
