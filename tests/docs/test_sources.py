"""Every entry is on the page with its BibTeX, and who cites it and rests on it comes from the report."""

import importlib
from types import ModuleType
from typing import Any

import pytest

from theory.bibliography import CITED_BY, ENTRIES, MODULES, RELATED, bibtex

Report = dict[str, Any]


@pytest.fixture
def sources(generate: ModuleType) -> ModuleType:
    return importlib.import_module("generator.sources")


def page_of(sources: ModuleType, report: Report) -> str:
    return sources.pages(report)["sources.md"]


def part_of(page: str, key: str) -> str:
    part = page.partition(f"(source-{key})=\n")[2].partition("\n(source-")[0].partition("\n## ")[0]
    return part.replace("\u00a0", " ")


def test_the_file_has_every_entry(sources: ModuleType, report: Report) -> None:
    assert sources.pages(report)["sources.bib"] == bibtex(ENTRIES.values())
    assert "[sources.bib](sources.bib)" in page_of(sources, report)


@pytest.mark.parametrize("key", ENTRIES)
def test_every_entry_is_shown_once_with_what_was_compared(key: str, sources: ModuleType, report: Report) -> None:
    page = page_of(sources, report)
    assert page.count(f"(source-{key})=\n") == 1
    part = part_of(page, key)
    assert f"@{ENTRIES[key].kind}{{{key}," in part
    assert "- Compared: " in part
    assert all(f"[{id}](#claim-" in part for id, held in CITED_BY.items() if key in held)
    assert all(f"`{module}`" in part for module, keys in MODULES.items() if key in keys)
    assert ("- Cited by" in part) == (key not in RELATED)


def test_the_statement_that_is_cited_stands_beside_the_claim(sources: ModuleType, report: Report) -> None:
    part = part_of(page_of(sources, report), "ehrenfeucht-1989")
    assert "Theorem 1: [thm-b.1](#claim-thm-b-1) ✓ CERTIFIED" in part


def test_a_citing_claim_that_is_gone_or_fails_is_loud(sources: ModuleType, report: Report) -> None:
    claim = next(c for c in report["claims"] if c["id"] == "thm-b.1")
    claim["status"] = "INCONCLUSIVE"
    assert "**? INCONCLUSIVE, wanted CERTIFIED**" in part_of(page_of(sources, report), "ehrenfeucht-1989")
    report["claims"].remove(claim)
    part = part_of(page_of(sources, report), "ehrenfeucht-1989")
    assert "**thm-b.1: not in this report**" in part


def test_what_rests_on_a_cited_theorem_is_read_from_the_report(sources: ModuleType, report: Report) -> None:
    def resting() -> str:
        page = page_of(sources, report)
        (line,) = (row for row in page.splitlines() if row.startswith("| [barone-basu-2012]"))
        return line.split("|")[3]

    assert "[thm-5.2-rate]" in resting()
    assert "[lem-ball]" not in resting()
    for claim in report["claims"]:
        if claim["id"] == "lem-ball":
            claim["rests_on"].append("barone-basu-2012")
    assert "[lem-ball]" in resting()


def test_a_cited_claim_without_an_entry_is_loud(sources: ModuleType, report: Report) -> None:
    cited = next(c for c in report["claims"] if c["id"] == "stirling")
    report["claims"].append({**cited, "id": "hearsay-1900"})
    assert "**no entry**" in page_of(sources, report)


def test_a_proof_rests_on_no_work_that_is_filed_as_proved_here(sources: ModuleType, report: Report) -> None:
    cited = [c for c in report["claims"] if c["kind"] == "cited"]
    leaves = {key for c in cited for key in CITED_BY[c["id"]]}
    filed = {key: sources.kind_of(entry, cited) for key, entry in ENTRIES.items()}
    assert {key for key, kind in filed.items() if kind == "Cited, not proved here"} == leaves
    assert filed["long-1995"] == "Named by claims that are proved here"
    assert filed["foret-2021"] == "Methods of the measurements"
    assert filed["ng-2004"] == "Related results"


def test_software_comes_from_the_report(sources: ModuleType, report: Report) -> None:
    report["environment"]["abacus"] = "7.7"
    page = page_of(sources, report)
    assert "| orbitgap | 9.8.7 |" in page
    assert "| abacus | 7.7 |" in page
