"""The command-line reference says what the parser says, and shows what the program prints."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from verify import cli

Report = dict[str, Any]


@pytest.fixture
def page(generate: ModuleType, report: Report) -> str:
    return generate.commands.pages(report)["cli.md"]


def section(page: str, name: str) -> str:
    """What the page says of one command."""
    return page.partition(f"\n## orbitgap {name}\n")[2].partition("\n(cli-")[0]


def choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (within,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(within.choices)


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (a for a in parser._actions if not isinstance(a, argparse._HelpAction | argparse._SubParsersAction))


def test_every_command_and_every_option_is_there_with_its_help(page: str) -> None:
    named = choices(cli.parser())
    assert list(named) == re.findall(r"^## orbitgap (\S+)$", page, re.MULTILINE)
    assert re.findall(r"^\| \[orbitgap (\S+)\]\(#cli-\1\) \| \w", page, re.MULTILINE) == list(named)
    for name, command in named.items():
        rows = re.findall(r"^\| `([^`]*)` \| (.+) \|$", section(page, name), re.MULTILINE)
        wanted = list(options(command))
        assert len(rows) == len(wanted)
        for (called, meaning), action in zip(rows, wanted, strict=True):
            assert action.help
            assert meaning.replace("\\", "").replace("`", "") == action.help.replace("`", "")
            assert (action.option_strings or [called.strip("[]")])[0] in called
    assert "no help" not in page


def test_usage_is_what_help_says(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name, command in choices(cli.parser()).items():
        (shown,) = re.findall(r"^```text\n(orbitgap .*?)\n```$", section(page, name), re.MULTILINE | re.DOTALL)[:1]
        assert f"usage: {' '.join(shown.split())}" == " ".join(command.format_usage().split())
        assert max(map(len, shown.splitlines())) <= 80


def test_an_option_without_help_is_loud(generate: ModuleType) -> None:
    parser = argparse.ArgumentParser(prog="orbitgap planted")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--sizes", nargs="+", metavar="N", help="a|b in `c_d`")
    found = generate.commands.arguments_table(parser)
    assert "| `--quiet` | **no help** |" in found
    assert r"| `--sizes N ...` | a\|b in `c\_d` |" in found


def test_each_command_has_its_exit_codes_and_examples(generate: ModuleType, page: str) -> None:
    assert set(generate.commands.NOTES) == set(choices(cli.parser()))
    for name in choices(cli.parser()):
        assert re.search(r"^Exit code: 0\b.*\b2 for bad input", section(page, name), re.MULTILINE)
        assert f"\n$ orbitgap {name}" in section(page, name)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("bound quadratic --d 8 --eps 0.01", 0),
        ("bound regression --d 8 --eps 0.01 --delta 0.1", 0),
        ("claims thm-5.4", 0),
        ("claims thm-5.9", 2),
        ("bound chess --d 8 --eps 0.01", 2),
        ("replay nothing.json", 2),
        ("check torch.optim:Adam --group planted", 2),
        ("atlas --json --html", 2),
        ("simulate nothing", 2),
    ],
)
def test_exit_codes(line: str, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORBITGAP_HOME", str(tmp_path))
    assert cli.main(line.split()) == code


def test_what_bound_prints_is_what_the_program_prints(
    generate: ModuleType,
    report: Report,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for name, value in (("ORBITGAP_HOME", str(tmp_path)), ("COLUMNS", "80"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    for claim in report["claims"]:
        claim["status"] = "UNCHECKED"  # as in an empty folder
    line = generate.commands.SHOWN_BOUND
    assert cli.main(line.split()[1:]) == 0
    printed = "\n".join(row.rstrip() for row in capsys.readouterr().out.splitlines())
    assert "UNCHECKED" in printed
    assert printed.strip("\n") == generate.commands.answer(line, report)


def test_the_verdicts_shown_are_those_of_the_report(generate: ModuleType, report: Report, page: str) -> None:
    assert section(page, "bound").count("✓ CERTIFIED") == 2
    claim = generate.commands.SHOWN_CLAIM.split()[-1]
    assert f"status ✓ CERTIFIED  trust {next(c['trust'] for c in report['claims'] if c['id'] == claim)}" in page
    for found in report["claims"]:
        found["status"] = "INCONCLUSIVE"
    changed = generate.commands.pages(report)["cli.md"]
    assert "CERTIFIED   " not in section(changed, "bound").replace("\n", " ").partition("wanted")[0]
    assert "INCONCLUSIVE" in section(changed, "bound")
    assert "? INCONCLUSIVE, wanted CERTIFIED" in " ".join(section(changed, "claims").split())
