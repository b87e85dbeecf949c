"""The neighbouring systems: a page for each, with its claims, its experiment and what its code was held against."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence

from generator.markdown import (
    Pages,
    Record,
    known,
    label,
    link,
    page,
    table,
    text,
    to_claims,
    word,
    wrong_rows,
)
from sims.experiment import load
from verify.neighbours import FAMILIES, family_of

ABOUT = """Systems from the paper's neighbourhood. For each, what it defines and what follows from that is a family of
claims, the system itself runs on real input at a small machine's size, and its code is held against the claims. What is
only recalled of the published work is a cited claim and says so."""


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """The list and the pages."""
    made: Pages = {"neighbours/index.md": index(report)}
    for name in FAMILIES:
        made[f"neighbours/{name}.md"] = family_page(name, report, drawn)
    return made


def claims_of(report: Record, name: str) -> list[Record]:
    """The claims of a family."""
    return [c for c in report["claims"] if family_of(c["id"]) == name]


def compared(report: Record, name: str) -> list[Record]:
    """What the real code of a family was held against, apart from its experiment."""
    return [m for m in report["measurements"] if m["name"].startswith(f"{name}: ") and m["by"] != "SIMULATED"]


def index(report: Record) -> str:
    """All families in a table."""
    rows = []
    for name, title in FAMILIES.items():
        rows.append(
            (
                f"[{text(title)}]({name}.md)",
                to_claims(c["id"] for c in claims_of(report, name)),
                text(load(name).looks.title),
            )
        )
    listed = "\n".join(FAMILIES)
    return page(
        "Neighbouring systems",
        ABOUT,
        table(("system", "claims", "what is seen"), rows),
        f"```{{toctree}}\n:hidden:\n\n{listed}\n```",
    )


def family_page(name: str, report: Record, drawn: Mapping[str, bytes]) -> str:
    """One family: what it is, its claims, its experiment, its comparisons."""
    held = compared(report, name)
    return page(
        FAMILIES[name],
        wrong_rows(held),
        inspect.getdoc(importlib.import_module(f"theory.{name}")) or "",
        "## Claims",
        claims_table(claims_of(report, name)),
        "## The system at work",
        f"[{text(load(name).looks.title)}](../simulations/{name}.md): the experiment, its verdicts, and the command "
        "that runs it again.",
        *pictures(name, drawn),
        "## Real code against the claims",
        comparisons(held) if held else f"This report has no comparisons of {name}.",
    )


def claims_table(claims: Sequence[Record]) -> str:
    """What is claimed and how it is known."""
    rows = (
        (to_claims([c["id"]]), text(c["title"]), c["kind"], word(c["status"], c["expected"]), c["trust"] or "none")
        for c in claims
    )
    return table(("claim", "title", "kind", "status", "trust"), rows)


def pictures(name: str, drawn: Mapping[str, bytes]) -> list[str]:
    """The figures of the experiment and those that a run of its own drew, each with its data."""
    found = [f for f in drawn if f.endswith(".svg") and (f == f"{name}.svg" or f.startswith(f"{name}-"))]
    return [
        f"```{{figure}} ../figures/{file}\n:alt: {described(file)}\n:figclass: wide\n\n{described(file)}"
        + (f": [{data}](../figures/{data})" if (data := file.replace(".svg", ".csv")) in drawn else "")
        + "\n```"
        for file in sorted(found, key=lambda file: (file != f"{name}.svg", file))
    ]


def described(file: str) -> str:
    """What a figure shows, from its name."""
    return text(file.removesuffix(".svg").replace("-", " "))


def comparisons(held: Sequence[Record]) -> str:
    """Each comparison with its verdict; the whole of it stands on the page of its claim."""
    rows = (
        (link(m["name"].partition(": ")[2], label(m)), to_claims([m["claim"]]), known(m["verdict"], m["expected"]))
        for m in held
    )
    return table(("what is compared", "claim", "verdict"), rows)
