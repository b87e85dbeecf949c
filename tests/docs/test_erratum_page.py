"""The erratum says what the report and theory say, and its program shows the contradiction."""

import json
import re
import subprocess
import sys
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest

from theory.regression import dimension, lower_bound, printed_lower_bound, sharp_upper_bound
from theory.regression_erratum import refuted_moderate, refuted_small

Report = dict[str, Any]
BLOCK = re.compile(r"```python\n(.*?)\n```", re.DOTALL)
PRINTS = re.compile(r"```text\n(.*?)\n```", re.DOTALL)


def page(generate: ModuleType, report: Report, drawn: dict[str, bytes] | None = None) -> str:
    found: str = generate.erratum.pages(report, drawn or {})["erratum.md"]
    return found


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)


def rows(content: str, head: str) -> list[list[str]]:
    """The cells of the table that begins with this head."""
    table = content[content.index(head) :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


@pytest.mark.parametrize(
    ("id", "status"),
    [("thm-5.4", "CERTIFIED"), ("thm-5.4", "INCONCLUSIVE"), ("thm-5.4-corrected", "REFUTED")],
)
def test_a_status_that_does_not_back_the_page_comes_first(
    generate: ModuleType, report: Report, id: str, status: str
) -> None:
    assert ":class: danger" not in page(generate, report)
    claim_of(report, id)["status"] = status
    content = page(generate, report)
    assert content.index(":class: danger") < content.index("At d = ")
    assert f" is {status} in [the last run]" in content
    assert f"{status}, wanted" in content


def test_the_program_runs_as_it_is_shown(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    (code,) = BLOCK.findall(content)
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 30
    assert max(map(len, code.splitlines())) <= 92  # no wider than the box it is shown in
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == PRINTS.search(content)[1]  # type: ignore[index]
    assert done.stdout.startswith("d = 2: 3 samples leave no loss; at eps = 1/10 it asks for 7/2\n")


@pytest.mark.parametrize(
    ("fault", "old", "new"),
    [
        ("the bound is the corrected one", "(d + 3), 2) * (1 - eps) - 1", "(d + 1), 2) * (1 - eps)"),
        ("one sample fewer", "range(D + 2)", "range(D + 1)"),
        ("the learner does not turn", "learn(map(turn, points), y)", "learn(points, y)"),
        ("the target is no form", "a_i * t * t for", "a_i * t**3 for"),
    ],
)
def test_the_program_sees_a_fault(generate: ModuleType, report: Report, fault: str, old: str, new: str) -> None:
    (code,) = BLOCK.findall(page(generate, report))
    assert code.count(old) == 1
    done = run(code.replace(old, new))
    assert done.returncode == 1, fault
    assert "AssertionError" in done.stderr or "StopIteration" in done.stderr


def test_numbers_are_those_of_the_steps(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    small = [part["left"] for part in refuted_small().certificate["parts"]]
    shown = rows(content, "| d | D samples do |")
    assert [cell for row in shown for cell in (row[2], row[4])] == small
    assert all(Fraction(row[4]) > int(row[1]) == dimension(int(row[0])) for row in shown)
    moderate = [part["left"] for part in refuted_moderate().certificate["parts"]]
    assert [row[3] for row in rows(content, "| d | n samples do |")] == moderate


def test_where_it_holds_is_counted_by_certified_bounds(generate: ModuleType, report: Report) -> None:
    for d, below, last, above, *counts, between in rows(page(generate, report), "| d | false below |"):
        n = int(d)
        bound = {k: Fraction(n * (n + 3) * (100 - k), 200) - 1 for k in range(1, 100)}
        false = [k for k in bound if bound[k] > sharp_upper_bound(n, Fraction(k, 100)).n]
        true = [k for k in bound if bound[k] <= lower_bound(n, Fraction(k, 100)).n]
        assert not set(false) & set(true)
        assert [int(c) for c in counts] == [len(false), len(true), 99 - len(false) - len(true)]
        assert Fraction(last) == Fraction(max(false), 100)
        inside = [k for k in bound if Fraction(below) <= Fraction(k, 100) < Fraction(above)]
        assert between == f"{len(set(inside) & set(false))} of {len(inside)}"
        assert set(range(1, 100)) - set(true) < {k for k in bound if Fraction(k, 100) < Fraction(above)}
        assert {k for k in bound if Fraction(k, 100) < Fraction(below)} <= set(false)


def test_the_lead_says_by_how_much_the_printed_bound_is_too_large(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    assert "the printed bound exceeds it by $(1-\\varepsilon) d - 1$" in content
    for d, eps in ((2, Fraction(1, 10)), (8, Fraction(2, 7))):
        assert printed_lower_bound(d, eps) - (1 - eps) * dimension(d) == (1 - eps) * d - 1
        assert sharp_upper_bound(d, eps).n <= lower_bound(d, eps).n + 2


def measurement(report: Report) -> Report:
    return next(m for m in report["measurements"] if m["claim"] == "thm-5.4" and m["by"] == "SIMULATED")


def test_what_is_measured_comes_from_the_report(generate: ModuleType, report: Report) -> None:
    assert "The report holds no numbers of it." in page(generate, report)
    point = {"learner": "worst", "d": 7, "n": 11, "replicas": 9, "mean": 0.5, "low": 0.25, "claimed": 0.75}
    measurement(report)["certificate"]["points"] = [{**point, "high": 0.625}, {**point, "n": 12, "high": 0.875}]
    content = page(generate, report)
    heads = "| d | n | loss on the worst target |"
    assert [(row[1], row[2], row[4]) for row in rows(content, heads)] == [
        ("11", r"0.5 in \[0.25, 0.625\]", "below it"),
        ("12", r"0.5 in \[0.25, 0.875\]", "not below it"),
    ]
    measurement(report)["verdict"] = "INCONCLUSIVE"
    assert "**? INCONCLUSIVE, wanted REFUTED**" in page(generate, report)
    report["measurements"].remove(measurement(report))
    assert "Not measured in this report." in page(generate, report)


def test_the_picture_is_there_if_it_was_drawn(generate: ModuleType, report: Report) -> None:
    assert "no figure of the experiment" in page(generate, report, {"regression.svg": b""})
    content = page(generate, report, {"regression.svg": b"", "regression.csv": b""})
    assert "```{figure} figures/regression.svg\n:alt: " in content
    assert "(figures/regression.csv)" in content


def test_a_step_is_shown_as_the_report_has_it(generate: ModuleType, report: Report) -> None:
    step = next(s for s in claim_of(report, "thm-5.4-corrected")["steps"] if s["name"].startswith("D generic"))
    step["verdict"] = "INCONCLUSIVE"
    assert "**? INCONCLUSIVE, wanted CERTIFIED**, EXACT" in page(generate, report)
    step["name"] = "renamed"
    with pytest.raises(generate.report.BadReportError, match="no step 'D generic samples determine the form'"):
        page(generate, report)


def test_the_printed_form_is_that_of_the_report(generate: ModuleType, report: Report) -> None:
    claim = claim_of(report, "thm-5.4")
    claim["printed"] = r"\text{a new edition}"
    assert r"& \text{a new edition}" in page(generate, report)
    claim.update(printed="", statement=r"\text{the statement}")
    assert r"& \text{the statement}" in page(generate, json.loads(json.dumps(report)))
