"""The page of the constants: no theorem is missing, statuses and measurements are those of the report."""

import importlib
import math
import re
from types import ModuleType
from typing import Any

import pytest

from theory import bounds, claims, regression, warmup
from theory.quadratic_volume import orbit_constant, rotation_constant

Report = dict[str, Any]


def page(generate: ModuleType, report: Report, drawn: dict[str, bytes] | None = None) -> str:
    found: str = generate.constants.pages(report, drawn or {})["constants.md"]
    return found


def row(content: str, name: str) -> str:
    (found,) = [line for line in content.splitlines() if line.startswith(f"| **{name}**")]
    return found


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


@pytest.fixture
def rows_module(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.constants_rows")


def test_no_printed_theorem_is_missing(rows_module: ModuleType) -> None:
    found = list(rows_module.rows())
    shown = {r.printed for r in found} | set(rows_module.WITHOUT)
    kinds = ("theorem", "lemma", "example")
    assert {c.id for c in claims.load() if c.printed and c.kind in kinds} <= shown
    assert len({r.name for r in found}) == len(found)
    assert all(r.certified for r in found)


def test_numbers_are_those_of_theory(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    assert f"n ≥ {warmup.lower_bound(32, '1/4').n} at d = 32" in row(content, "Example 1")
    theorem = row(content, "Theorem 5.4")
    assert f"asks for {regression.printed_lower_bound(6, '1/2')} samples" in theorem
    assert f"n ≥ {regression.lower_bound(6, '1/2').n} there" in theorem
    assert bounds.best("quadratic", 16, "1/100").lower.n == 626  # type: ignore[union-attr]
    assert "lies in [626, 52,699] at d = 16" in row(content, "Theorem 5.2")


def test_statuses_come_from_the_report_and_are_loud(generate: ModuleType, report: Report) -> None:
    assert "(✗ REFUTED): asks for" in row(page(generate, report), "Theorem 5.4")
    claim_of(report, "thm-5.4")["status"] = "CERTIFIED"
    claim_of(report, "eq-7")["status"] = "INCONCLUSIVE"
    content = page(generate, report)
    assert "(**✓ CERTIFIED, wanted REFUTED**): asks for" in row(content, "Theorem 5.4")
    assert "(**? INCONCLUSIVE, wanted CERTIFIED**)" in row(content, "Equation (7)")


def test_the_printed_form_is_that_of_the_report(generate: ModuleType, report: Report) -> None:
    claim_of(report, "thm-b.1")["printed"] = r"\|a\| = O\Bigl(b\Bigr) \text{ for every } c;\quad |d|"
    found = row(page(generate, report), "Theorem B.1")
    pieces = (r"\\|a\\|", r"= O\Bigl(b\Bigr)", r"\text{for every } c;", r"\|d\|")  # a bare | would end the cell
    assert "<br>".join(f"{{math}}`{piece}`" for piece in pieces) in found
    claim_of(report, "thm-b.1")["printed"] = ""
    assert "not printed" in row(page(generate, report), "Theorem B.1")


def test_a_reconstruction_is_not_called_printed(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    assert all(f"| **{name}** (reconstructed)<br>" in content for name in ("Theorem B.1", "Lemma D.4"))
    assert content.count("(reconstructed)") == 2
    claim_of(report, "eq-7")["source"] += " (statement reconstructed)"
    assert page(generate, report).count("(reconstructed)") == 3
    assert "| d | Theorem 4.2 with Lemma D.4 as reconstructed |" in content


def test_constants_of_lower_bounds_are_rounded_down(generate: ModuleType, report: Report) -> None:
    assert generate.open_problem.down(0.0022674, 5) == "0.00226"
    found = row(page(generate, report), "Lemma D.4")
    for ball in (rotation_constant(8), orbit_constant(8)):
        assert f"C = {math.floor(float(ball.mid()) * 10**4) / 10**4:.4f} at d = 8" in found
    shown = re.search(r"c = ([\d.]+) at d = 16", row(page(generate, report), "Open problem after (7)"))
    assert shown
    assert 0 <= generate.open_problem.constant(16) - float(shown[1]) < 1e-5


def simulated(report: Report, name: str, learner: str, side: str, points: list[tuple[int, int, float, float]]) -> None:
    """Put a curve into the report: d, n and the interval of each point."""
    m = next(m for m in report["measurements"] if m["name"] == name)
    keys = ("d", "n", "low", "high")
    held = [{**dict(zip(keys, p, strict=True)), "mean": p[2], "claimed": 0.125} for p in points]
    m["certificate"].update(experiment=name.partition(":")[0], learner=learner, side=side, points=held)


KERNEL = "warmup: kernel regression stays above the exact least error"
LINK = "[kernel regression](#measured-ex-4-1-exact-warmup-kernel-regression-stays-above-the-exact-least-error)"


def curve(*points: tuple[int, int, float, float]) -> dict[str, bytes]:
    """The drawn curve of kernel regression in warm-up: d, n and the interval of each point."""
    lines = "".join(f"kernel,{d},{n},9,{low},{low},{high},\n" for d, n, low, high in points)
    return {"warmup.csv": f"learner,d,n,replicas,mean,low,high,claimed\n{lines}".encode()}


def test_sample_complexities_are_those_of_the_experiments_page(generate: ModuleType, report: Report) -> None:
    assert row(page(generate, report), "Example 1").endswith("| not measured |")
    simulated(report, KERNEL, "kernel", "lower", [])
    lower = ((8, 16, 0.1, 0.2), (8, 0, 0.4, 0.5), (8, 4, 0.3, 0.4), (8, 8, 0.2, 0.3))
    higher = ((16, 0, 0.4, 0.5), (16, 15, 0.3, 0.4), (16, 16, 0.1, 0.2))
    for points, says in (
        (lower, "d = 8: n\\* 5 to 16"),
        (lower + higher, "d = 16: n\\* 16, exponent of d 0.00 to 1.68"),
        (lower[1:3], "d = 8: n\\* more than 4"),
        ((*lower, (16, 9, 0.3, 0.4)), "d = 8: n\\* 5 to 16"),
        (((8, 3, 0.1, 0.2),), "d = 8: n\\* at most 3"),
    ):
        drawn = curve(*points)
        assert row(page(generate, report, drawn), "Example 1").endswith(f"<br>{LINK}, {says} |")
        n, *grows = says.partition("n\\* ")[2].split(", exponent of d ")
        experiment = generate.simulations.pages(report, drawn)["simulations/warmup.md"]
        (cells,) = re.findall(r"^\| kernel regression \|(.*)\|$", experiment, re.MULTILINE)
        assert {n, *grows} <= {cell.strip() for cell in cells.split("|")}


def test_an_unexpected_verdict_stands_beside_the_measurement(generate: ModuleType, report: Report) -> None:
    name = "constants: |g_1|/|g| meets kappa_d"
    simulated(report, name, "kappa", "equal", [(5, 1, 0.25, 0.375), (8, 1, 0.1, 0.2)])
    found = row(page(generate, report), "Lemma D.4")
    assert "d = 8, n = 1: 0.1 in \\[0.1, 0.2\\], claimed to be 0.125" in found
    assert "wanted" not in found
    next(m for m in report["measurements"] if m["name"] == name)["verdict"] = "REFUTED"
    assert "(**✗ REFUTED, wanted CERTIFIED**), d = 8" in row(page(generate, report), "Lemma D.4")


def test_the_side_of_a_claim_is_asked_for(generate: ModuleType, report: Report) -> None:
    below, meets = (f"regression: interpolator, random target {words} 1 - n/D" for words in ("stays above", "meets"))
    simulated(report, below, "interpolator", "lower", [(3, 6, 0.0, 0.5)])
    simulated(report, meets, "interpolator", "equal", [(3, 4, 0.25, 0.5)])
    found = row(page(generate, report), "Theorem 5.4")
    assert "d = 3, n = 4" in found
    assert "d = 3, n = 6" not in found


def test_the_other_tables_are_there(generate: ModuleType, report: Report) -> None:
    content = page(generate, report)
    assert content.count("\n| quadratic | 8 | ") == 2 * len(bounds.LEARNERS)
    assert "| 8 | 28 log2(C/(2 eps))" in content
