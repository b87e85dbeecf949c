"""Each neighbouring system has a page with its claims, its experiment, its figures and its comparisons."""

import importlib
from types import ModuleType
from typing import Any

import pytest

from verify.neighbours import FAMILIES

Report = dict[str, Any]


@pytest.fixture
def neighbours(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.neighbours")


def test_every_family_is_in_the_ledger_the_experiments_and_the_list(neighbours: ModuleType, report: Report) -> None:
    index = neighbours.pages(report, {})["neighbours/index.md"]
    for name, title in FAMILIES.items():
        assert neighbours.claims_of(report, name)
        assert neighbours.compared(report, name)
        assert f"[{title}]({name}.md)" in index


@pytest.mark.parametrize("name", FAMILIES)
def test_a_page_has_every_claim_and_every_comparison(name: str, neighbours: ModuleType, report: Report) -> None:
    content = neighbours.pages(report, {})[f"neighbours/{name}.md"]
    for claim in neighbours.claims_of(report, name):
        assert content.count(f"| [{claim['id']}](#claim-") >= 1
    for row in neighbours.compared(report, name):
        assert f"](#{neighbours.label(row)})" in content
    assert f"(../simulations/{name}.md)" in content
    assert "danger" not in content


def test_what_is_not_as_expected_is_loud(neighbours: ModuleType, report: Report) -> None:
    row = neighbours.compared(report, "kpattern")[0]
    row["verdict"] = "INCONCLUSIVE"
    content = neighbours.pages(report, {})["neighbours/kpattern.md"]
    assert content.index("are NOT as expected") < content.index("## Claims")
    neighbours.claims_of(report, "kpattern")[0]["status"] = "REFUTED"
    assert "**✗ REFUTED, wanted CERTIFIED**" in neighbours.pages(report, {})["neighbours/kpattern.md"]


def test_figures_come_with_their_data_the_experiment_s_first(neighbours: ModuleType, report: Report) -> None:
    drawn = {"kpattern-a.svg": b"", "kpattern.svg": b"", "kpattern.csv": b"", "kpatternless.svg": b""}
    content = neighbours.pages(report, drawn)["neighbours/kpattern.md"]
    assert content.index("figures/kpattern.svg") < content.index("figures/kpattern-a.svg")
    assert "(../figures/kpattern.csv)" in content
    assert "kpattern-a.csv" not in content
    assert "kpatternless" not in content


def test_a_claim_of_a_neighbour_is_not_said_to_be_the_paper_s(generate: ModuleType, report: Report) -> None:
    content = importlib.import_module("generator.claims").pages(report)["claims/kpattern.md"]
    assert "Not in the paper: it is about a neighbouring system" in content
