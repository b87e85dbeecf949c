"""The pages of the claims."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from generator.bound_plots import drawn_bounds
from generator.claim_relations import reached, rests_on, used_by
from generator.markdown import (
    Pages,
    Record,
    as_json,
    danger,
    details,
    display,
    known,
    label,
    link,
    mutant_verdict,
    outer_lines,
    page,
    prose,
    seconds,
    slug,
    step_part,
    table,
    text,
    to_claims,
    word,
    wrong_rows,
)
from generator.run import verdict
from generator.simulations import simulated
from sims.experiment import NAMES, load
from verify.neighbours import family_of
from verify.records import wanted_of_step

TOPICS = {"table-1": "optimizers"}
"""Claims whose measurements have a page of their own."""
MORE = {
    "table-1": "table-1",
    "thm-5.4": "erratum",
    "thm-5.4-corrected": "erratum",
    "thm-5.2-rate": "open-problem",
    "eq-7": "open-problem",
}
"""Pages that tell more about a claim."""
NAME = re.compile(r"[a-z]+(?:-[a-z0-9.]*[a-z0-9])+")
"""What the id of a claim looks like."""
WORDY = 0.6
"""The share of words from which on a statement is set as text."""
KNOWN = "A known theorem, cited or used by the paper or by us; whether the paper's appendix states it is not known here"
REASON, WHOLE = 200, 20_000
"""Characters of a reason, and of a certificate, that a claim's page shows."""


def pages(report: Record) -> Pages:
    """The list, and a page and the data of each claim."""
    made: Pages = {"claims/index.md": claims_page(report)}
    claims = {claim["id"]: claim for claim in report["claims"]}
    for id, claim in claims.items():
        held = [m for m in report["measurements"] if m["claim"] == id]
        bounds = drawn_bounds(id, claims)
        section, numbers = bounds or ("", "")
        made[f"claims/{id}.md"] = claim_page(claim, claims, held, section, report["figures"])
        made[f"claims/{id}.json"] = as_json(claim)
        if numbers:
            made[f"claims/{id}-bounds.csv"] = numbers
    return made


def claims_page(report: Record) -> str:
    """The list of all claims."""
    claims = report["claims"]
    rows = (
        (
            to_claims([c["id"]]),
            text(c["title"]),
            c["kind"],
            word(c["status"], c["expected"]),
            c["trust"] or "none",
            to_claims(c["rests_on"], "nothing cited"),
        )
        for c in claims
    )
    return page(
        "Claims",
        "" if report["ok"] else verdict(report),
        table(("claim", "title", "kind", "status", "trust", "rests on"), rows),
        "The status is computed from the steps of the proof and from all that they rest on; the trust is that of the "
        "weakest link, unless one theorem in Coq proves all of it. What the words mean is said in "
        "[](../../reliability.md).",
        "```{toctree}\n:hidden:\n\n" + "\n".join(c["id"] for c in claims) + "\n```",
    )


def claim_page(
    claim: Record, claims: Mapping[str, Record], held: Sequence[Record], bounds: str, figures: Sequence[str]
) -> str:
    """One claim whole.

    Args:
        claim: what the page is about.
        claims: all claims by id.
        held: what was measured against it.
        bounds: the section with its bound as a function, if it has one.
        figures: the names of the figures in the report.
    """
    id = claim["id"]
    wrong = claim["status"] != claim["expected"]
    return f"(claim-{slug(id)})=\n" + page(
        f"{id}: {text(claim['title'])}",
        danger(f"The status is {claim['status']}; the ledger expects {claim['expected']}.") if wrong else "",
        at_a_glance(claim, claims, held),
        f"More about it: [](../{MORE[id]}.md)." if id in MORE else "",
        "## Statement",
        statement(claim["statement"]),
        *in_coq(claim),
        "## Differs from the paper?",
        differs(claim, claims),
        "## Hypotheses" if claim["hypotheses"] else "",
        "\n".join(f"- {with_links(prose(h), claims)}" for h in claim["hypotheses"]),
        f"## The bound as a function\n\n{bounds}" if bounds else "",
        "## Proof",
        proof(claim),
        held_against(held, figures),
        "## Rests on",
        rests_on(claim, claims),
        "## Used by",
        used_by(claim, claims),
        f"## Data\n\nThis page as JSON: [{id}.json]({id}.json); its keys are described in [](../json.md).",
    )


def in_coq(claim: Record) -> Iterator[str]:
    """What Coq was told, with all that the theorem's section supposes, and how that differs from the statement."""
    for step in claim["steps"]:
        if step["kernel"]:
            theorem, model = step["kernel"]["theorem"], step["kernel"]["model"]
            says = step["certificate"].get("statement") or "not checked in this run"
            yield details(f"In Coq: {theorem}", says) + f"\nHow it differs: {text(model)}"


def at_a_glance(claim: Record, claims: Mapping[str, Record], held: Sequence[Record]) -> str:
    """What most readers want to know, one fact in a line."""
    cited = claim["kind"] == "cited"
    facts = {
        "Status": "cited, not proved here" if cited else known(claim["status"], claim["expected"]),
        "Reason": text(textwrap.shorten(claim["reason"], REASON, placeholder=" ... (more in the proof)")),
        "Trust": claim["trust"] or "none",
        "Kind": claim["kind"],
        "Source": text(claim["source"]),
        "Proof": "not here" if cited else f"{steps_in_words(claim)}, checked in {seconds(claim['seconds'])}",
        "Rests on": "itself" if cited else to_claims(claim["rests_on"], "nothing cited"),
        "Used by": f"claims: {len(claim['used_by'])} directly, "
        f"{len(reached(claim['id'], claims, ('used_by',)))} in all",
        "Measured": counted(held),
    }
    rows = "\n".join(f"* - {name}\n  - {fact}" for name, fact in facts.items() if fact)
    return f"```{{list-table}}\n:stub-columns: 1\n:widths: 15 85\n\n{rows}\n```"


def steps_in_words(claim: Record) -> str:
    """How many steps the proof has."""
    number = len(claim["steps"])
    return "no steps" if not number else "1 step" if number == 1 else f"{number} steps"


def counted(held: Sequence[Record]) -> str:
    """How many measurements were held against a claim, and whether all are as expected."""
    if not held:
        return ""
    wrong = sum(m["verdict"] != m["expected"] for m in held)
    return f"verdicts: {len(held)}, " + (f"**{wrong} NOT as expected**" if wrong else "all as expected")


def differs(claim: Record, claims: Mapping[str, Record]) -> str:
    """Whether the statement is the paper's, in words, with the paper's form."""
    words = with_links(text(claim["differs"]), claims)
    if not claim["printed"]:
        return f"**{absent(claim)}.** {words}".strip()
    if claim["printed"] == claim["statement"]:
        return f"**No.** {words or 'The statement is the printed one.'}"
    if family_of(claim["id"]):
        return f"**Not in the paper.** {words}\n\nIn the neighbouring work:\n\n{statement(claim['printed'])}"
    where = "In the paper (reconstructed)" if "reconstructed" in claim["source"] else "In the paper"
    return f"**Yes.** {words or 'How is not said.'}\n\n{where}:\n\n{statement(claim['printed'])}"


def absent(claim: Record) -> str:
    """Where a statement is not printed, as far as that is known: the paper's appendix was not at hand."""
    if family_of(claim["id"]):
        return "Not in the paper: it is about a neighbouring system"
    if not claim["source"].startswith("ours"):
        return KNOWN
    return "Not in the main body of the paper" if "reconstructed" in claim["differs"] else "Not in the paper"


def with_links(words: str, claims: Container[str]) -> str:
    """Words with the claims they name as links."""
    return NAME.sub(lambda found: to_claims([found[0]]) if found[0] in claims else found[0], words)


def statement(tex: str) -> str:
    """A formula as display math, or as lines that can be broken if it is words for the most part."""
    words = sum(map(len, re.findall(r"\\text\{([^{}]*)\}", tex)))
    if words < WORDY * len(tex):
        return display(tex)
    return "\n".join(f"> {prose(part)}\\" for part in outer_lines(tex)).removesuffix("\\")


def proof(claim: Record) -> str:
    """The steps: first all in a table, then each whole."""
    id, steps = claim["id"], claim["steps"]
    if claim["kind"] == "cited":
        return "It is cited and not proved here: nothing on this page was checked. What rests on it names it."
    if not steps:
        return "It has no steps here."
    rows = (
        (
            link(s["name"], label(s, id)),
            known(s["verdict"], wanted_of_step(claim, s)),
            s["trust"] or "none",
            seconds(s["seconds"]),
            mutant_verdict(s),
        )
        for s in steps
    )
    return "\n\n".join(
        [
            f"{steps_in_words(claim).capitalize()}, checked in {seconds(claim['seconds'])}. The mutant of a step is "
            "the same check on a statement that was made false; a check that is worth its name tells the two apart.",
            table(("step", "verdict", "trust", "time", "its mutant"), rows) if len(steps) > 1 else "",
            *(step_part(s, label(s, id), wanted_of_step(claim, s), f"{id}.json", shown=WHOLE) for s in steps),
        ]
    )


def held_against(held: Sequence[Record], figures: Sequence[str] = ()) -> str:
    """The measurements of a claim: how many, or links, if they have pages of their own, else whole."""
    if not held:
        return ""
    id = held[0]["claim"]
    if id in TOPICS:
        counts = ", ".join(f"{number} {verdict}" for verdict, number in Counter(m["verdict"] for m in held).items())
        said = f"{len(held)} on [](../{TOPICS[id]}.md), each with its own expected verdict: {counts}."
        return "\n\n".join(["## Measurements", wrong_rows(held), said])
    run = simulated(held)
    by_name = {name: [m for m in run if m["name"].startswith(f"{name}: ")] for name in NAMES}
    parts = [experiment(name, rows, figures) for name, rows in by_name.items() if rows]
    listed = [m for rows in by_name.values() for m in rows]
    parts += [step_part(m, label(m), m["expected"], f"{id}.json") for m in held if m not in listed]
    return "\n\n".join(["## Measurements", wrong_rows(run), *parts])


def experiment(name: str, held: Sequence[Record], figures: Sequence[str]) -> str:
    """What one experiment says of a claim, with links to its page and its figure."""
    drawn = [Path(figure).name for figure in figures if Path(figure).name in (f"{name}.svg", f"{name}.csv")]
    files = ", ".join(f"[{file}](../figures/{file})" for file in drawn)
    rows = ((link(m["name"].removeprefix(f"{name}: "), label(m)), known(m["verdict"], m["expected"])) for m in held)
    return "\n\n".join(
        [
            f"Experiment [{text(load(name).looks.title)}](../simulations/{name}.md)"
            + (f"; figure and its data: {files}." if files else "; this report has no figure of it."),
            table(("held against it", "verdict"), rows),
            "REFUTED is expected of learners that are outside of the claim's class, and of a claim that is wrong."
            if any(m["expected"] == "REFUTED" for m in held)
            else "",
        ]
    )
