"""Code on the pages and in docstrings runs: the Python as a reader would run it, the commands through the parser."""

import contextlib
import importlib
import inspect
import io
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sims.experiment import NAMES
from theory import claims
from theory.bounds import LEARNERS, TASKS
from verify import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDE = ROOT / "docs" / "check-an-optimizer.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^ *(`{3,})(\S*)(?:.*?)^ *\1$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`orbitgap ([^`]+)`(?!`)")
LANGUAGES = {"python", "console", "text", "json", "bibtex"}
LITERAL = re.compile(r"::\n\n((?: {4}.*\n|\n)+)")
SHOWN = {"theory.groups": "a lattice", "theory.quadratic_disagreement": "a formula"}
"""Modules whose docstrings hold a literal block that is no code."""


def blocks(page: str) -> list[str]:
    return BLOCK.findall(page)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def run_blocks(page: str, folder: Path) -> None:
    """The blocks of a page one after the other."""
    code = folder / "page.py"
    code.write_text("\n".join(blocks(page)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(code)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def generated(generate: ModuleType, whole_report: str, atlas: Mapping[str, Any]) -> Mapping[str, str]:
    """The generated pages by name."""
    made = generate.pages(json.loads(whole_report), {}, atlas)
    return {name: content for name, content in made.items() if name.endswith((".md", ".inc"))}


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(text(p))], ids=lambda p: p.name)
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    run_blocks(text(page), tmp_path)


def test_blocks_of_generated_pages_run(generated: Mapping[str, str], tmp_path: Path) -> None:
    pages = [page for page in generated.values() if blocks(page)]
    assert pages
    for number, page in enumerate(pages):
        (tmp_path / str(number)).mkdir()
        run_blocks(page, tmp_path / str(number))


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_blocks("```python\nx = 0\n```\n\n```python\n1 / x\n```\n", tmp_path)


def escaping(page: str) -> list[str]:
    """Languages of the blocks of a page that no test here knows."""
    opened = [name for _, name in FENCE.findall(page)]
    assert opened.count("python") == len(blocks(page))
    assert opened.count("console") == len(CONSOLE.findall(page))
    return [name for name in opened if name not in LANGUAGES and not name.startswith("{")]


def test_no_block_escapes_the_test(generated: Mapping[str, str]) -> None:
    assert escaping("```pycon\n>>> 1\n```\n\n```\nx\n```\n") == ["pycon", ""]
    pages = {path.name: text(path) for path in PAGES} | dict(generated)
    assert {name: found for name, page in pages.items() if (found := escaping(page))} == {}


def test_there_is_something_to_run() -> None:
    assert len(blocks(text(ROOT / "docs" / "index.md"))) >= 1
    assert len(blocks(text(ROOT / "docs" / "add-a-theorem.md"))) >= 1
    assert len(blocks(text(GUIDE))) >= 5


def commands(page: str) -> Iterator[list[str]]:
    """The words of each `$ orbitgap ...` line of a page, without remarks and redirections."""
    for block in CONSOLE.findall(page):
        for line in block.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True) if line.startswith("$ ") else []
            if words[:1] == ["orbitgap"]:
                ends = (words.index(sign) for sign in (">", "|") if sign in words)
                yield words[1 : min(ends, default=None)]


def objection(words: list[str]) -> str:
    """Why the program would refuse a command as it is typed, or nothing. Words in capitals stand for anything."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            asked = vars(cli.parser().parse_args(words))
    except SystemExit as exit:
        return said.getvalue() if exit.code else ""
    known = {"id": claims.load().claims, "name": NAMES, "task": TASKS, "learner": LEARNERS}
    wrong = [v for key, names in known.items() if (v := asked.get(key)) and not v.isupper() and v not in names]
    return f"unknown: {', '.join(wrong)}" if wrong else ""


@pytest.mark.parametrize(
    "line",
    [
        "bound quadratic --d 8 --epsilon 0.01",
        "bound quadratic --eps 0.01",
        "bound chess --d 8 --eps 0.01",
        "claims thm-9.9",
        "claim thm-5.4",
        "simulate warmups",
        "verify --jobs 2",
    ],
)
def test_a_wrong_command_is_seen(line: str) -> None:
    (words,) = commands(f"```console\n$ orbitgap {line}   # a remark\nwhat it prints\n```\n")
    assert objection(words)


def test_every_command_on_the_pages_is_one(generated: Mapping[str, str]) -> None:
    pages = {path.name: text(path) for path in PAGES} | dict(generated)
    found = [(name, words) for name, page in pages.items() for words in commands(page)]
    assert len(found) > 40
    assert [(name, words, why) for name, words in found if (why := objection(words))] == []


def unknown_words(span: str) -> list[str]:
    """The command of an `orbitgap ...` in running text, if there is none of this name, and options it does not have."""
    name, *rest = span.split()
    named = importlib.import_module("generator.commands").commands(cli.parser())
    if name not in named:
        return [] if name in ("--help", "--version", "COMMAND") else [name]
    has = {option for action in named[name][0]._actions for option in action.option_strings}
    return [word for word in re.findall(r"--[\w-]+", " ".join(rest)) if word not in has]


def test_commands_in_running_text_have_their_options(generate: ModuleType, generated: Mapping[str, str]) -> None:
    assert unknown_words("verify --jobs 2") == ["--jobs"]
    assert unknown_words("prove thm-5.2") == ["prove"]
    pages = {path.name: text(path) for path in PAGES} | dict(generated)
    found = [(name, span) for name, page in pages.items() for span in SPAN.findall(page)]
    assert len(found) > 10
    assert [(name, span, wrong) for name, span in found if (wrong := unknown_words(span))] == []


def skeleton(printed: str) -> str:
    """Output without what depends on the machine: measured numbers, names of files, the width of lines."""
    named = re.sub(r"\S*counterexamples/\S+\.json", "FILE", printed)
    return " ".join(re.sub(r"\d+\.\d{3,}|\d(?:\.\d)?e[+-]\d\d", "NUMBER", re.sub("─+", "", named)).split())


def test_the_guide_shows_what_the_program_prints(tmp_path: Path) -> None:
    """Every line of its first example, and of the counterexample run again, is printed here, too."""

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "verify", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "ORBITGAP_HOME": "home", "NO_COLOR": "1", "COLUMNS": "100"},
        )
        assert done.returncode == 0, done.stderr
        return skeleton(done.stdout)

    shown = [block for block in CONSOLE.findall(text(GUIDE)) if len(block.splitlines()) > 4]
    (check, replay) = (block.splitlines() for block in shown)
    printed = run(*check[0].split()[2:])
    assert [line for line in check[1:] if skeleton(line) not in printed] == []
    (saved,) = (tmp_path / "home" / "counterexamples").iterdir()
    assert [line for line in replay[1:] if skeleton(line) not in run("replay", str(saved))] == []


def literal_blocks() -> dict[str, str]:
    """The literal blocks of the docstrings of all modules and of what they define."""
    found = {}
    for path in sorted(p for room in ("theory", "sims", "verify") for p in (ROOT / room).glob("[!_]*.py")):
        module = importlib.import_module(f"{path.parent.name}.{path.stem}")
        things = [module, *(t for t in vars(module).values() if getattr(t, "__module__", "") == module.__name__)]
        texts = [inspect.cleandoc(t.__doc__) for t in things if isinstance(getattr(t, "__doc__", None), str)]
        code = "".join(textwrap.dedent(block) for doc in texts for block in LITERAL.findall(doc + "\n"))
        if code:
            found[module.__name__] = code
    return found


def test_literal_blocks_in_docstrings_run(tmp_path: Path) -> None:
    found = literal_blocks()
    code = {name: block for name, block in found.items() if name not in SHOWN}
    assert set(SHOWN) < set(found)
    needs = {
        "theory.claims": "from theory.claims import *\nfrom theory.evidence import *\n",
        "verify.plugin": "from torch.optim import SGD as MyOptimizer\n"
        "from verify.assertions import assert_equivariant\n",
    }
    after = {"verify.plugin": "test_my_optimizer_keeps_rotations(assert_equivariant)\n"}
    assert code.keys() == needs.keys()
    for name, block in code.items():
        run_blocks(f"```python\n{needs[name]}{block}{after.get(name, '')}```\n", tmp_path)
