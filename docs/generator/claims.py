"""The pages of the claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from generator.markdown import (
    Pages,
    Record,
    as_json,
    danger,
    display,
    label,
    link,
    page,
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

TOPICS = {"table-1": "optimizers"}
"""Claims whose measurements have a page of their own."""


def pages(report: Record) -> Pages:
    """The list, and a page and the data of each claim."""
    made: Pages = {"claims/index.md": claims_page(report)}
    for claim in report["claims"]:
        held = [m for m in report["measurements"] if m["claim"] == claim["id"]]
        made[f"claims/{claim['id']}.md"] = claim_page(claim, held)
        made[f"claims/{claim['id']}.json"] = as_json(claim)
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
        "The status is computed from the steps of the proof and from all that they rest on; the trust is the weakest "
        "link. What the words mean is said in [](../../reliability.md).",
        "```{toctree}\n:hidden:\n\n" + "\n".join(c["id"] for c in claims) + "\n```",
    )


def claim_page(claim: Record, held: Sequence[Record]) -> str:
    """One claim whole."""
    id = claim["id"]
    steps = [step_part(s, label(s, id), step_wants(claim, s), f"{id}.json") for s in claim["steps"]]
    wrong = claim["status"] != claim["expected"]
    return f"(claim-{slug(id)})=\n" + page(
        f"{id}: {text(claim['title'])}",
        danger(f"The status is {claim['status']}; the ledger expects {claim['expected']}.") if wrong else "",
        f"{claim['kind'].capitalize()}. Status: {word(claim['status'], claim['expected'])}, trust "
        f"{claim['trust'] or 'none'}, rests on {to_claims(claim['rests_on'], 'nothing cited')}.",
        f"Reason: {text(claim['reason'])}" if claim["reason"] else "",
        "## Statement",
        display(claim["statement"]),
        "Hypotheses:\n\n" + "\n".join(f"- {{math}}`{h}`" for h in claim["hypotheses"]) if claim["hypotheses"] else "",
        f"Source: {text(claim['source'])}.",
        f"- Stated with: {to_claims(claim['uses'])}\n- Proved from: {to_claims(claim['proof_uses'])}\n"
        f"- Used by: {to_claims(claim['used_by'])}",
        "## Proof",
        f"Steps: {len(steps)}, in {seconds(claim['seconds'])}." if steps else "It has no steps here.",
        *steps,
        held_against(held),
        f"## Data\n\nThis page as JSON: [{id}.json]({id}.json); its keys are described in [](../json.md).",
    )


def step_wants(claim: Record, step: Record) -> str:
    """What is wanted of a step: a refuted step is right only where the claim is expected to be refuted."""
    refuting = claim["expected"] == "REFUTED" and step["verdict"] == "REFUTED"
    return "REFUTED" if refuting else "CERTIFIED"


def held_against(held: Sequence[Record]) -> str:
    """The measurements of a claim: how many, or links, if they have pages of their own, else whole."""
    if not held:
        return ""
    id = held[0]["claim"]
    if id not in TOPICS:
        run = simulated(held)
        rows = "\n".join(f"- {word(m['verdict'], m['expected'])} {link(m['name'], label(m))}" for m in run)
        parts = [step_part(m, label(m), m["expected"], f"{id}.json") for m in held if m not in run]
        return "\n\n".join(["## Measurements", wrong_rows(run), rows, *parts])
    counts = ", ".join(f"{number} {verdict}" for verdict, number in Counter(m["verdict"] for m in held).items())
    return "\n\n".join(
        [
            "## Measurements",
            wrong_rows(held),
            f"{len(held)} on [](../{TOPICS[id]}.md), each with its own expected verdict: {counts}.",
        ]
    )
