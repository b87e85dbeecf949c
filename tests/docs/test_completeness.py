"""The list of what the paper states is whole, follows the report, and is loud where a claim is gone or fails."""

import importlib
import re
from types import ModuleType
from typing import Any

import pytest

from sims.experiment import NAMES
from theory import claims
from verify.neighbours import family_of

Report = dict[str, Any]


@pytest.fixture
def completeness(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.completeness")


@pytest.fixture
def data(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.paper_statements")


def page_of(completeness: ModuleType, report: Report) -> str:
    return completeness.pages(report)["completeness.md"]


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def row_of(page: str, name: str) -> str:
    (row,) = (line for line in page.splitlines() if f">**{name}**. " in line)
    return row.replace("\u00a0", " ")


def test_every_claim_about_the_paper_is_listed_and_every_listed_claim_exists(data: ModuleType) -> None:
    listed = {id for held in data.SECTIONS.values() for s in held for id in s.claims}
    ledger = {c.id: c for c in claims.load()}
    about = {id for id, c in ledger.items() if "Li, Zhang, Arora" in c.source or c.printed}
    assert {id for id in about if not family_of(id)} <= listed <= set(ledger)


def test_what_is_not_whole_says_what_is_missing(data: ModuleType) -> None:
    statements = [s for held in data.SECTIONS.values() for s in held]
    assert len({s.name for s in statements}) == len(statements)
    for s in statements:
        assert s.cover in data.COVER
        assert bool(s.claims) == (s.cover in ("whole", "partly", "refuted")), s.name
        assert s.remark or s.cover in ("whole", "unknown"), s.name


def test_a_refuted_statement_does_not_count_as_covered(
    completeness: ModuleType, data: ModuleType, report: Report
) -> None:
    ledger = claims.load().claims
    for s in (s for held in data.SECTIONS.values() for s in held):
        refuted = any(ledger[id].expected == "REFUTED" for id in s.claims)
        assert refuted == (s.cover == "refuted"), s.name
    page = page_of(completeness, report)
    row = row_of(page, "Theorem 5.4, lower bound")
    assert "*Note:* " in row
    assert "| ✗ refuted as printed,<br>corrected | [thm-5.4]" in row
    assert "| ✗ refuted as printed,<br>corrected | 1 | Theorem 5.4, lower bound |" in page.replace("\u00a0", " ")


NUMBERS = """Definition 3.1, Definition 3.2, Definition 3.3, Algorithm 1, Theorem C.1, Table 1, Example 1, Theorem B.1,
Theorem 4.1, Theorem 4.2, Theorem 5.1, Theorem 5.2, Equation (7), Open problem, Theorem 5.3, Theorem 5.4, Theorem 5.5,
Lemma D.1, Lemma D.2, Lemma D.3, Lemma D.4, Figure 1, Kernel regression, ERM, Conv net, Abstract"""


@pytest.mark.parametrize("number", re.split(r",\s", NUMBERS))
def test_every_number_of_the_paper_has_a_row(number: str, completeness: ModuleType, report: Report) -> None:
    assert f">**{number}" in page_of(completeness, report)


def test_a_quiet_report_has_no_alarm_and_links_every_claim(completeness: ModuleType, report: Report) -> None:
    page = page_of(completeness, report)
    assert ":class: danger" not in page
    assert "not in this report" not in page
    assert "not as expected" not in page
    assert all(f"[{c['id']}](#claim-" in page for c in report["claims"])  # those not of the paper, too
    assert "[thm-5.4](#claim-thm-5-4) ✗ REFUTED, " in row_of(page, "Theorem 5.4, lower bound")


def test_a_claim_that_is_gone_is_loud(completeness: ModuleType, report: Report) -> None:
    report["claims"].remove(claim_of(report, "eq-7"))
    page = page_of(completeness, report)
    assert ":class: danger" in page
    assert "Rows with claims that are missing or not as expected: Equation (7) (eq-7)." in page
    assert "| **✗ not as expected** | **eq-7: not in this report** |" in row_of(page, "Equation (7)")
    assert "| **✗ not as expected** | 1 | Equation (7) |" in page.replace("\u00a0", " ")


def test_a_claim_with_another_status_is_loud_and_no_longer_counts(completeness: ModuleType, report: Report) -> None:
    before = page_of(completeness, report)
    claim_of(report, "thm-5.3").update(status="INCONCLUSIVE", trust=None)
    page = page_of(completeness, report)
    row = row_of(page, "Theorem 5.3, lower bound")
    assert "**? INCONCLUSIVE, wanted CERTIFIED**, no trust" in row
    assert "✓ whole" in row_of(before, "Theorem 5.3, lower bound")
    assert "✓ whole" not in row
    (old, new) = (int(re.search(r"✓\u00a0whole \| (\d+) ", p)[1]) for p in (before, page))  # type: ignore[index]
    assert new == old - 1


def test_a_claim_about_the_paper_that_no_row_names_is_loud(completeness: ModuleType, report: Report) -> None:
    new = {**claim_of(report, "lem-d.2"), "id": "lem-d.9"}
    report["claims"].append(new)
    assert "this list leaves out: [lem-d.9](#claim-lem-d-9)" in page_of(completeness, report)


def test_measurements_are_counted_and_a_wrong_one_is_loud(completeness: ModuleType, report: Report) -> None:
    held = [m for m in report["measurements"] if m["claim"] in ("thm-5.5", "conv-upper-5.5")]
    row = row_of(page_of(completeness, report), "Theorem 5.5, conv net")
    assert f"<br>{len(held)} measurements, as expected |" in row
    held[0]["verdict"] = "INCONCLUSIVE"
    row = row_of(page_of(completeness, report), "Theorem 5.5, conv net")
    assert f"<br>**1 of {len(held)} measurements not as expected** |" in row


def test_experiments_that_only_show_something_are_linked(
    completeness: ModuleType, data: ModuleType, report: Report
) -> None:
    assert {name for held in data.SECTIONS.values() for s in held for name in s.experiments} <= set(NAMES)
    row = row_of(page_of(completeness, report), "Theorem 5.2, gradient descent")
    assert "| ✗ not covered | shown in [warmup](simulations/warmup.md), " in row


def printed(page: str) -> str:
    return page.partition("### Table 1, cell by cell")[2].partition("\n## ")[0]


def test_the_printed_table_follows_its_steps(completeness: ModuleType, report: Report) -> None:
    found = printed(page_of(completeness, report))
    assert found.count("[✓ proved](#step-table-1-") == 16  # l_p norms are two rows of ours, twice
    claim = claim_of(report, "table-1")
    name = next(r for r in claim["table"] if r["name"] == "adam")["cells"]["permutation"]["step"]
    next(s for s in claim["steps"] if s["name"] == name)["verdict"] = "INCONCLUSIVE"
    found = printed(page_of(completeness, report))
    assert found.count("[✓ proved](#step-table-1-") == 14  # it showed two cells
    assert found.count("Adam **[? INCONCLUSIVE]") == 2
    next(r for r in claim["table"] if r["name"] == "newton")["cells"]["general_linear"]["holds"] = False
    assert "✗ refuted" in printed(page_of(completeness, report))
    l2 = next(r for r in claim["table"] if r["name"] == "l2")
    claim["table"].remove(l2)
    found = printed(page_of(completeness, report))
    assert found.count("**? not in this report**") == 3  # beside the other l_p norms, twice, and by itself
    assert "8 of the 14 printed entries are certified" in found
    report["claims"].remove(claim)
    assert ":class: danger" in printed(page_of(completeness, report))


def test_cited_theorems_are_counted_with_what_rests_on_them(completeness: ModuleType, report: Report) -> None:
    resting = [c for c in report["claims"] if "blumer-1989" in c["rests_on"] and c["id"] != "blumer-1989"]
    page = page_of(completeness, report)
    (line,) = (row for row in page.splitlines() if row.startswith("- [blumer-1989]"))
    assert line.endswith(f": {len(resting)} claims rest on it.")
    assert "1 claim rests on it." in page  # the one-inclusion theorem
    resting[0]["rests_on"].remove("blumer-1989")
    assert line not in page_of(completeness, report)
