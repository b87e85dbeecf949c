"""What the page on reliability includes is counted from the report."""

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from theory import recheck

Report = dict[str, Any]


@pytest.fixture
def reliability(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.reliability")


def steps_of(report: Report) -> list[Report]:
    return [s for c in report["claims"] for s in c["steps"]]


def test_mutants_are_counted_by_how_they_ended(reliability: ModuleType, report: Report) -> None:
    steps = steps_of(report)
    for step in steps:
        step["verdict"], step["mutant"]["verdict"] = "CERTIFIED", "REFUTED"
    steps[0]["mutant"]["verdict"] = steps[1]["mutant"]["verdict"] = "INCONCLUSIVE"
    total = len(steps)
    found = reliability.mutants(report)
    assert f"| steps of proofs | {total} | {total - 2} | 2 | 0 | 0 | 0 |" in found
    steps[2]["mutant"]["verdict"], steps[3]["mutant"]["verdict"] = "CERTIFIED", None
    found = reliability.mutants(report)
    assert f"| steps of proofs | {total} | {total - 4} | 2 | 1 | **1** | **1** |" in found


def test_certificates_are_counted_by_the_kinds_of_their_parts(reliability: ModuleType, report: Report) -> None:
    steps = steps_of(report)
    for step in steps:
        step["certificate"] = {"kind": "rational", "left": "1", "relation": "<", "right": "2"}
    parts = [{"kind": "enumeration"}, {"kind": "all", "parts": [{"kind": "ball"}]}]
    steps[0]["certificate"] = {"kind": "all", "parts": parts}
    steps[1]["certificate"] = {"kind": "enumeration"}
    found = reliability.certificates(report)
    assert f"| rational | {len(steps) - 2} |" in found
    assert "| ball | 1 |" in found
    assert "| enumeration | 2 |" in found
    assert "1 leave nothing but cases, 1 leave cases beside something else" in found
    assert "not described here" not in found
    steps[2]["certificate"] = {"kind": "hearsay"}
    assert "| hearsay | 1 | **not described here** |" in reliability.certificates(report)


def test_every_kind_that_is_confirmed_is_described(reliability: ModuleType) -> None:
    assert {*reliability.CONFIRMED, "all"} == set(recheck._CONFIRM)


def test_levels_count_claims_apart_from_cited_theorems(reliability: ModuleType, report: Report) -> None:
    cited = [c for c in report["claims"] if c["kind"] == "cited"]
    claim = next(c for c in report["claims"] if c["id"] == "lem-d.2")
    claim.update(status="INCONCLUSIVE", trust=None)
    found = reliability.levels(report)
    assert "| **? INCONCLUSIVE, wanted CERTIFIED** | none | 1 |" in found
    assert f"Beside these stand {len(cited)} cited theorems." in found
    counts = [int(line.split("|")[3]) for line in found.splitlines()[2:] if line.startswith("|")]
    assert sum(counts) == len(report["claims"]) - len(cited)


def test_all_that_the_page_includes_is_made(reliability: ModuleType, report: Report) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert set(re.findall(r"{include} generated/(\S+)", page)) == set(reliability.pages(report))
