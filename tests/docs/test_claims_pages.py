"""A claim's page says what it states, how it is known, what it rests on, what rests on it, and what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from theory.claims import load
from verify.neighbours import family_of

Report = dict[str, Any]
Made = dict[str, str]
SECTIONS = ("Statement", "Differs from the paper?", "Proof", "Rests on", "Used by", "Data")
LEDGER = load()


@pytest.fixture
def make(generate: ModuleType) -> Callable[[Report], Made]:
    return generate.claims.pages


@pytest.fixture
def made(make: Callable[[Report], Made], report: Report) -> Made:
    return make(report)


def claim_of(report: Report, id: str) -> Report:
    return next(c for c in report["claims"] if c["id"] == id)


def part(page: str, title: str) -> str:
    """One section."""
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def fact(page: str, name: str) -> str:
    """One line of the table at the top."""
    found = re.search(rf"^\* - {name}\n  - (.*)$", page, re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize("id", LEDGER.claims)
def test_every_page_has_all_its_parts(id: str, made: Made, report: Report, generate: ModuleType) -> None:
    page, claim = made[f"claims/{id}.md"], claim_of(report, id)
    assert [s for s in re.findall(r"^## (.*)$", page, re.MULTILINE) if s in SECTIONS] == list(SECTIONS)
    assert all(part(page, title).strip() for title in SECTIONS)
    assert ("\n## Hypotheses\n" in page) == bool(claim["hypotheses"])
    assert len(part(page, "Hypotheses").strip().splitlines()) == len(claim["hypotheses"])
    for name in ("Status", "Trust", "Kind", "Source", "Proof", "Rests on", "Used by"):
        assert fact(page, name), name
    assert ("\n## The bound as a function\n" in page) == (f"claims/{id}-bounds.csv" in made)
    for step in claim["steps"]:
        shown = page.partition(f"({generate.claims.label(step, id)})=")[2].partition("\n### ")[2].partition("\n### ")[0]
        assert f"trust {step['trust']}" in shown
        assert "0.25 s" in shown
        assert generate.claims.text(step["mutant"]["says"]) in shown
        assert "Certificate: " in shown
    said = [line for line in page.splitlines() if line.startswith("- Mutant: ")]
    assert len(said) >= len(claim["steps"])
    assert not any("shows nothing" in line for line in said)


def test_the_page_says_whether_the_statement_is_the_papers(made: Made) -> None:
    for id, claim in LEDGER.claims.items():
        said = part(made[f"claims/{id}.md"], "Differs from the paper?").strip()
        if family_of(id):
            assert said.startswith("**Not in the paper")
            assert ("In the neighbouring work:" in said) == bool(claim.printed)
        elif not claim.printed:
            main = "Not in the main body of the paper" if id == "lem-disagreement" else "Not in the paper"
            known = "A known theorem, cited or used by the paper or by us; whether the paper's appendix states it"
            ours = claim.source.startswith("ours")
            assert said.startswith(f"**{main}.**" if ours else f"**{known} is not known here.**"), id
        elif claim.printed != claim.statement:
            assert said.startswith(f"**Yes.** {claim.differs[:9]}")
            assert ("In the paper (reconstructed):" if "reconstructed" in claim.source else "In the paper:") in said
        else:
            assert said.startswith("**No.**")
    said = part(made["claims/thm-5.2.md"], "Differs from the paper?")
    assert r"\mathcal{N}^*(\mathcal{A}, P, \varepsilon_0) = \Omega(d^2)" in said
    assert "(#claim-conv-upper-4-1)" in said  # words that name a claim link to it
    assert "reconstruction" in part(made["claims/lem-d.2.md"], "Differs from the paper?")


def test_printed_and_differs_come_from_the_report(make: Callable[[Report], Made], report: Report) -> None:
    claim_of(report, "ex-4.1").update(printed=r"x \ge 271828", differs="A *planted* difference, see thm-5.1.")
    said = part(make(report)["claims/ex-4.1.md"], "Differs from the paper?")
    assert r"x \ge 271828" in said
    assert r"**Yes.** A \*planted\* difference, see [thm-5.1](#claim-thm-5-1)." in said


def test_rests_on_goes_down_to_what_is_cited(made: Made) -> None:
    shown = part(made["claims/thm-5.2.md"], "Rests on")
    assert "- Proved from: [thm-5.2-explicit]" in shown
    (leaf,) = (line for line in shown.splitlines() if line.startswith("- [bishop-gromov]"))
    assert "through [thm-5.2-explicit](#claim-thm-5-2-explicit) → [lem-ball](#claim-lem-ball)" in leaf
    assert "R. L. Bishop" in leaf
    tree = shown.partition("<details>")[2]
    listed = set(re.findall(r"- \[([^]]+)\]", tree))
    below = set(LEDGER.ordered(["thm-5.2"])) - {"thm-5.2"}
    assert listed == below
    assert f"claims {len(below)}<" in tree
    assert re.search(r"^ {4,}- \[bishop-gromov\].*\*\*cited\*\*", tree, re.MULTILINE)
    assert "cited theorem" not in part(made["claims/lem-bernoulli.md"], "Rests on")
    assert "rests on no cited theorem" in part(made["claims/ex-4.1.md"], "Rests on")


def test_used_by_counts_through_others(made: Made) -> None:
    shown = part(made["claims/bishop-gromov.md"], "Used by")
    direct = LEDGER.used_by("bishop-gromov")
    above = {id for id in LEDGER.claims if id != "bishop-gromov" and "bishop-gromov" in LEDGER.ordered([id])}
    assert f"Directly {len(direct)}, in all {len(above)}." in shown
    assert set(re.findall(r"\(#claim-([a-z0-9-]+)\)", shown)) == {id.replace(".", "-") for id in above}
    assert f"{len(direct)} directly, {len(above)} in all" in fact(made["claims/bishop-gromov.md"], "Used by")
    assert "in its statement and in its proof" in part(made["claims/lem-ball.md"], "Used by")


def test_a_cited_claim_is_called_so(made: Made) -> None:
    page = made["claims/blumer-1989.md"]
    assert fact(page, "Status") == "cited, not proved here"
    assert "nothing on this page was checked" in part(page, "Proof")
    assert "CERTIFIED" not in page.partition("\n## The bound")[0]
    assert "(#claim-conv-upper-4-1)" in part(page, "Used by")


def test_a_changed_verdict_is_loud_in_every_part(make: Callable[[Report], Made], report: Report) -> None:
    claim = claim_of(report, "thm-4.2")
    claim.update(status="INCONCLUSIVE", trust=None, reason="a reason to read " * 50)
    claim["steps"][0].update(verdict="INCONCLUSIVE", failure="Traceback: planted")
    claim["steps"][1]["mutant"]["verdict"] = "CERTIFIED"
    claim["steps"][2]["mutant"]["verdict"] = None
    page = make(report)["claims/thm-4.2.md"]
    assert ":class: danger" in page
    assert fact(page, "Status") == "**? INCONCLUSIVE, wanted CERTIFIED**"
    assert fact(page, "Reason").endswith("(more in the proof)")
    assert "Traceback: planted" in page
    assert page.count("**✓ CERTIFIED, which shows nothing**") == 2  # in the table and at the step
    assert page.count("**not run, which shows nothing**") == 2


def test_an_expected_refutation_is_called_expected(made: Made) -> None:
    page = made["claims/thm-5.4.md"]
    assert fact(page, "Status") == "✗ REFUTED (expected)"
    assert ":class: danger" not in page


def test_measurements_link_their_experiment_and_its_figure(make: Callable[[Report], Made], report: Report) -> None:
    page = make(report)["claims/ex-4.1-exact.md"]
    shown = part(page, "Measurements")
    assert "(../simulations/warmup.md)" in shown
    assert "[warmup.svg](../figures/warmup.svg)" in shown
    held = [m for m in report["measurements"] if m["claim"] == "ex-4.1-exact"]
    assert shown.count("(#measured-ex-4-1-exact-") == len(held)
    assert fact(page, "Measured") == f"verdicts: {len(held)}, all as expected"
    assert "no figure" in part(make(report)["claims/lem-ball.md"], "Measurements")
    held[0]["verdict"] = "INCONCLUSIVE"
    page = make(report)["claims/ex-4.1-exact.md"]
    assert ":class: danger" in part(page, "Measurements")
    assert "**1 NOT as expected**" in fact(page, "Measured")


def test_certificates_are_whole_up_to_a_size(make: Callable[[Report], Made], report: Report) -> None:
    certificate = {"kind": "enumeration", "points": list(range(2000))}
    claim_of(report, "ex-4.1")["steps"][0]["certificate"] = certificate
    page = make(report)["claims/ex-4.1.md"]
    (block,) = re.findall(r"```json\n(.*1999.*?)\n```", page, re.DOTALL)
    assert json.loads(block) == certificate
    certificate["points"] = list(range(10_000))
    page = make(report)["claims/ex-4.1.md"]
    assert "of 58" in page
    assert "The whole certificate is in [ex-4.1.json](ex-4.1.json)." in page


def test_hypotheses_are_words_that_can_be_broken(generate: ModuleType) -> None:
    said = generate.claims.prose(r"P \text{ is *uniform* on } \{a : \text{ any } a\},\ d \ge 5 \text{ (or } 2d\text{)}")
    math = r"{math}`P` is \*uniform\* on {math}`\{a : \text{ any } a\}`, {math}`d \ge 5` (or {math}`2d`)"
    assert said == math


def test_every_word_and_formula_of_a_hypothesis_is_kept(generate: ModuleType) -> None:
    for claim in LEDGER.claims.values():
        for tex in claim.hypotheses:
            said = generate.claims.prose(tex)
            kept = re.sub(r"\\text\{([^{}]*)\}|\\(?=[ *_|#<>~^&$\[\]])", r"\1", said)
            wanted = re.sub(r"\\text\{([^{}]*)\}|\\(?= )", r"\1", tex)
            assert re.sub(r"\{math\}|[`\s\\]", "", kept) == re.sub(r"[\s\\]", "", wanted)


def test_the_built_pages_show_bounds_and_copy_buttons(built: Path) -> None:
    page = (built / "generated" / "claims" / "thm-5.2-explicit.html").read_text(encoding="utf-8")
    assert page.count('role="img"') == 3
    assert "thm-5.2-explicit-bounds.csv" in page
    assert "copybutton.js" in page
    certificates = re.findall(r"<details><summary>Certificate.*?</details>", page, re.DOTALL)
    assert certificates
    assert all('<div class="highlight' in block and "<pre" in block for block in certificates)  # what the button needs
