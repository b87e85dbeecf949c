"""Table 1: which training keeps which group, with the evidence for each cell."""

from __future__ import annotations

from collections.abc import Mapping

from generator.markdown import Pages, Record, danger, group_title, label, page, table, text, to_claims


def pages(report: Record, atlas: Record | None) -> Pages:
    """The page of Table 1."""
    return {"table-1.md": table1_page(report)}


def table1_page(report: Record) -> str:
    """Table 1 as a grid of rows and groups."""
    claim = next((c for c in report["claims"] if "table" in c), None)
    if claim is None:
        return page("Table 1", "This report has no claim table-1.")
    names = list(dict.fromkeys(name for row in claim["table"] for name in row["cells"]))
    steps = {s["name"]: s for s in claim["steps"]}
    rows = (
        (f"{text(r['title'])} ({r['part']})", *(cell(claim, r["cells"].get(n), steps) for n in names))
        for r in claim["table"]
    )
    wrong = claim["status"] != claim["expected"]
    return page(
        "Table 1",
        danger(f"The status of table-1 is {claim['status']}; the ledger expects {claim['expected']}.") if wrong else "",
        f"Under which groups is the training of a fully-connected net equivariant? Each cell of "
        f"{to_claims([claim['id']])} links to the step that shows it: a row and a group are proved or refuted there, "
        "or follow from a step for a larger or smaller group.",
        table(("", *(group_title(n) for n in names)), rows),
        "✓ holds: proved. ✗ fails: refuted by a counterexample. ?: the step that should show it did not.",
        "What torch's own optimizers do is measured in [](optimizers.md), what others do in [](atlas.md).",
    )


def cell(claim: Record, found: Record | None, steps: Mapping[str, Record]) -> str:
    """One cell of Table 1; it says holds or fails only if its step is certified."""
    if found is None:
        return "? undecided"
    step = steps.get(found["step"])
    if step is None or step["verdict"] != "CERTIFIED":
        says = f"? {step['verdict'] if step else 'no step'}"
    else:
        says = "✓ holds" if found["holds"] else "✗ fails"
    return f"[{says}](#{label(step, claim['id'])})" if step else says
