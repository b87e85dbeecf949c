"""The page of what Coq checked: every theorem with what it assumes, loud where one was not checked."""

import importlib
from types import ModuleType
from typing import Any

import pytest

from theory import coq_files
from theory.kernel import theorems

Report = dict[str, Any]


@pytest.fixture
def kernel(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.kernel")


def page_of(kernel: ModuleType, report: Report) -> str:
    content: str = kernel.pages(report)["kernel.md"]
    return content


def steps(report: Report) -> list[Report]:
    return [s for c in report["claims"] for s in c["steps"] if s["kernel"]]


def test_every_theorem_has_a_row_and_every_file_a_part(kernel: ModuleType, report: Report) -> None:
    content = page_of(kernel, report)
    assert all(f"`{t.theorem}`" in content for t in theorems())
    assert content.count(", the whole claim") == sum(t.whole for t in theorems())
    files = sorted(coq_files.SOURCES.glob("*.v"))
    assert all(f"## {path.name}" in content and f"coq/{path.name}>`" in content for path in files)
    assert {f"coq/{path.name}": path.read_bytes() for path in files}.items() <= kernel.pages(report).items()
    assert "danger" not in content


def test_counts_are_those_of_the_report(kernel: ModuleType, report: Report) -> None:
    total = len(steps(report))
    content = page_of(kernel, report)
    assert f"Coq 9.9 checked {total} of {total} theorems, {total} of them on no axioms" in content
    assert f"refused {total} of {total} false variants" in content
    assert content.count(": refused |") == total
    steps(report)[0]["certificate"]["axioms"] = ["Classical_Prop.classic"]
    steps(report)[1]["mutant"]["verdict"] = "CERTIFIED"
    content = page_of(kernel, report)
    assert f"{total - 1} of them on no axioms, and refused {total - 1} of {total} false variants" in content
    assert "`Classical_Prop.classic`" in content
    assert "which shows nothing" in content


def test_a_theorem_that_was_not_checked_is_loud(kernel: ModuleType, report: Report) -> None:
    steps(report)[2].update(verdict="UNCHECKED", certificate={})
    steps(report)[2]["mutant"]["verdict"] = None
    content = page_of(kernel, report)
    assert f"1 of {len(steps(report))} theorems were not checked in this run" in content
    assert content.index("danger") < content.index("The strongest evidence")
    assert "**? UNCHECKED, wanted CERTIFIED**" in content
    assert "| not known |" in content


def test_comments_become_words_and_code(kernel: ModuleType) -> None:
    source = "(** a: x * y.\n\n    Proved: [f [x]] and [1 <= i] are_so. *)\nRest."
    assert list(kernel.paragraphs(source)) == [r"a: x \* y.", r"Proved: `f [x]` and `1 <= i` are\_so."]


def test_a_claim_s_page_shows_the_statement_in_coq_and_the_model(generate: ModuleType, report: Report) -> None:
    claims = importlib.import_module("generator.claims")
    content = claims.pages(report)["claims/lem-d.2.md"]
    (theorem,) = (t for t in theorems() if t.claim == "lem-d.2")
    assert f"- In Coq: `{theorem.theorem}` in [quadratic.v](#coq-quadratic), on no axioms" in content
    assert "- How its model differs: " in content
    before, _, shown = content.partition("<summary>In Coq: quadratic.lem_d_2</summary>")
    assert shown
    assert before.endswith("<details>")
    assert before.index("## Statement") < len(before) < content.index("## Differs from the paper?")
    assert "lem_d_2\n     : forall d n" in shown
