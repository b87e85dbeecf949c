"""The page of the open problem says what the report and theory say, and its program finds theory's number."""

import math
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from theory import quadratic
from theory.quadratic_rate import pattern_bound
from theory.quadratic_volume import orbit_constant

Report = dict[str, Any]
BLOCK = re.compile(r"```python\n(.*?)\n```", re.DOTALL)


def page(generate: ModuleType, report: Report) -> str:
    found: str = generate.open_problem.pages(report)["open-problem.md"]
    return found


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("status", ["REFUTED", "INCONCLUSIVE", "UNCHECKED"])
@pytest.mark.parametrize("id", ["thm-5.2-rate", "upper-5.2"])
def test_a_status_that_does_not_back_the_page_comes_first(
    generate: ModuleType, report: Report, id: str, status: str
) -> None:
    assert ":class: danger" not in page(generate, report)
    claim_of(report, id)["status"] = status
    content = page(generate, report)
    assert content.index(":class: danger") < content.index("A single task")
    assert f" is {status} in [the last run]" in content


def test_the_program_finds_the_numbers_of_theory(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    (code,) = BLOCK.findall(content)
    assert max(map(len, code.splitlines())) <= 92
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert f"```text\n{done.stdout.strip()}\n```" in content
    stated, enough = map(int, re.findall(r": (\d+) samples", done.stdout))
    d, eps = 4, Fraction(1, 10**4)
    assert stated == quadratic.rate_lower_bound(d, eps, "1/2").n

    def fits(n: int) -> bool:
        ratio = d * d * math.log(float(eps) / float(orbit_constant(d).mid()))
        return math.log(pattern_bound(d, n)) + ratio >= math.log(0.5)

    assert fits(enough)
    assert not fits(enough - 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("C / (16 * e)", "C / (8 * e)"),
        ("4 ** (k - m) * 4 ** (m - j)", "8 ** (k - m) * 8 ** (m - j)"),  # a variety of degree 4
    ],
)
def test_the_program_sees_a_fault(generate: ModuleType, report: Report, old: str, new: str) -> None:
    (code,) = BLOCK.findall(page(generate, report))
    assert code.count(old) == 1
    assert run(code.replace(old, new)).returncode == 1


def test_the_constant_is_that_of_the_claim(generate: ModuleType) -> None:
    for d in (1, 2, 5, 16):
        s = 1 + (4 * d * d + 2 * d) * 4.0 ** (1 - d - d * d)
        c = float(orbit_constant(d).mid()) / (16 * math.e) * (0.5 * 4.0 ** (1 - d) / s) ** (1 / d**2)
        assert generate.open_problem.constant(d) == pytest.approx(c, rel=1e-9)
        at = generate.open_problem.half_left(d)
        assert at <= c * d * d / (4 * d * d + 2 * d + 2) < at * Fraction(11, 10)


def test_the_rate_wins_from_where_it_says(generate: ModuleType) -> None:
    grid = generate.open_problem.GRID
    for d in (2, 64):
        found = generate.open_problem.wins_from(d)
        won = [
            quadratic.rate_lower_bound(d, e, "1/2").n > quadratic.explicit_lower_bound(d, e, "1/2").n
            for e in grid[:: len(grid) // 40]
        ]
        assert won == sorted(won, reverse=True)  # they cross once
        after = grid[grid.index(found) + 1]
        assert quadratic.rate_lower_bound(d, found, "1/2").n > quadratic.explicit_lower_bound(d, found, "1/2").n
        assert quadratic.rate_lower_bound(d, after, "1/2").n <= quadratic.explicit_lower_bound(d, after, "1/2").n


def test_long_s_form_is_given_where_it_is_claimed(generate: ModuleType) -> None:
    d, eps = 8, Fraction(1, 10**6)
    value = d * d / math.e * 0.5 ** (1 / d**2) * (0.10380390 / float(eps)) ** (0.5 - 0.5 / d)
    assert abs(generate.open_problem.long_form(d, eps) - value) < 1.01
    assert generate.open_problem.long_form(d, Fraction(1, 20)) is None


def test_the_tables_hold_theory_s_numbers(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    (row,) = [line for line in content.splitlines() if line.startswith("| 16 | ")]
    assert all(f" {quadratic.rate_lower_bound(16, f'1/{10**k}', '1/2').n:,} |" in row for k in (4, 5, 6))
    assert "| 2 | 0.00248 |" in content
    assert "says nothing" in content
    (row,) = [line for line in content.splitlines() if line.startswith("| $10^{-5}$ |")]
    assert f"| **{quadratic.rate_lower_bound(8, '1/100000', '1/2').n:,}** |" in row
    assert row.endswith(f"| {quadratic.upper_bound(8, '1/100000', '1/2').n:,} |")


def test_what_it_rests_on_is_what_the_report_says(generate: ModuleType, report: Report) -> None:
    claim = claim_of(report, "thm-5.2-rate")
    content = page(generate, report)
    assert "3 published theorems" in content
    assert all(f"- [{id}](#claim-{id}), CITED: " in content for id in claim["rests_on"])
    claim["rests_on"] = ["long-1995"]
    claim_of(report, "long-1995").update(source="a new source", trust="EXACT")
    assert "- [long-1995](#claim-long-1995), EXACT: a new source." in page(generate, report)
    claim["rests_on"] = []
    assert "on no cited theorem" in page(generate, report)


def test_what_is_measured_comes_from_the_report(generate: ModuleType, report: Report) -> None:
    assert "margin not in this report" in page(generate, report)
    (held,) = [m for m in report["measurements"] if m["claim"] == "thm-5.2-rate" and m["by"] == "SIMULATED"]
    held["certificate"] = {**held["certificate"], "margin": 0.28125, "sharpness": 321.5}
    assert "✓ CERTIFIED, margin +0.281; it would refute a bound on the error 322 times as large." in page(
        generate, report
    )
    held["verdict"] = "REFUTED"
    assert "**✗ REFUTED, wanted CERTIFIED**, margin" in page(generate, report)
    report["measurements"].remove(held)
    assert "could contradict it: not measured in this report." in page(generate, report)


def test_the_number_of_cited_theorems_told_by_hand_is_right(generate: ModuleType, report: Report) -> None:
    assert len(claim_of(report, "thm-5.2-rate")["rests_on"]) == 3
    told = [Path(generate.__file__).parent / name for name in ("index.md", "generator/paper_statements.py")]
    assert all("given three cited theorems, not refereed" in path.read_text(encoding="utf-8") for path in told)


def test_each_link_of_the_argument_names_its_evidence(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    assert content.count("*Shown by* ") == len(generate.open_problem.CHAIN)
    assert content.count("given [barone-basu-2012](#claim-barone-basu-2012)") == 1
    named = {step for _, by in generate.open_problem.CHAIN for id, step in by if id == "thm-5.2-rate"}
    assert named == {s["name"] for s in claim_of(report, "thm-5.2-rate")["steps"] if not s["kernel"]}
    claim_of(report, "lem-disagreement").update(status="INCONCLUSIVE", trust=None)
    assert "**? INCONCLUSIVE, wanted CERTIFIED**, no trust" in page(generate, report)
