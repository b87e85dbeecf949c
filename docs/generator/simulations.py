"""The simulated experiments: a page for each, and a list of them."""

from __future__ import annotations

import csv
import importlib
import inspect
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from generator.markdown import (
    Pages,
    Record,
    as_json,
    label,
    link,
    page,
    step_part,
    table,
    text,
    to_claims,
    word,
    wrong_rows,
)
from sims.experiment import NAMES, load

__all__ = ["pages", "simulated", "simulations"]


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """The list, and a page and the data of each experiment."""
    made: Pages = {"simulations/index.md": index(report)}
    for name in NAMES:
        held = of(report, name)
        made[f"simulations/{name}.md"] = experiment_page(name, held, drawn)
        made[f"simulations/{name}.json"] = as_json(held)
    return made


def of(report: Record, name: str) -> list[Record]:
    """The measurements of one experiment."""
    return [m for m in simulated(report["measurements"]) if m["name"].startswith(f"{name}: ")]


def simulated(held: Iterable[Record]) -> list[Record]:
    """The measurements that are answers of a simulated experiment."""
    return [m for m in held if m["by"] == "SIMULATED"]


def simulations(held: Iterable[Record]) -> Iterator[Record]:
    """The certificates of simulations."""
    return (m["certificate"] for m in held if m["certificate"].get("kind") == "simulation")


def index(report: Record) -> str:
    """All experiments in a table."""
    rows = []
    for name in NAMES:
        held = of(report, name)
        counts = Counter(m["verdict"] for m in held)
        asked = ", ".join(f"{number} {verdict}" for verdict, number in counts.items()) or "not in this report"
        claims = to_claims(dict.fromkeys(m["claim"] for m in held))
        rows.append((f"[{text(load(name).looks.title)}]({name}.md)", claims, asked))
    listed = "\n".join(NAMES)
    return page(
        "Simulations",
        "Real learners against what the claims say of them. REFUTED means that a whole interval lies beyond the "
        "claimed value; for learners outside of a claim's class that is what is expected.",
        table(("experiment", "held against", "verdicts"), rows),
        f"```{{toctree}}\n:hidden:\n\n{listed}\n```",
    )


def experiment_page(name: str, held: Sequence[Record], drawn: Mapping[str, bytes]) -> str:
    """One experiment: its figure, each question, what is simulated, and the details."""
    rows = ((link(m["name"], label(m)), word(m["verdict"], m["expected"]), text(m["summary"])) for m in held)
    return page(
        load(name).looks.title,
        wrong_rows(held),
        figure(name, drawn),
        table(("question", "verdict", "found"), rows) if held else f"This report has no simulations of {name}.",
        f"Held against {to_claims(dict.fromkeys(m['claim'] for m in held))}." if held else "",
        "## What is simulated",
        inspect.getdoc(importlib.import_module(f"sims.{name}")) or "",
        family_wise(held),
        "## Details",
        *(step_part(m, label(m), m["expected"], f"{name}.json") for m in held),
    )


def figure(name: str, drawn: Mapping[str, bytes]) -> str:
    """The figure with its data, described in words for those who do not see it."""
    if not {f"{name}.svg", f"{name}.csv"} <= drawn.keys():
        return f"This report has no figure of {name}."
    data = list(csv.DictReader(io.StringIO(drawn[f"{name}.csv"].decode())))
    learners, sizes = (", ".join(dict.fromkeys(row[key] for row in data)) for key in ("learner", "d"))
    looks = load(name).looks
    alt = f"{looks.y} against {looks.x} at d = {sizes} for {learners}, with what the claims say"
    return (
        f"```{{figure}} ../figures/{name}.svg\n:alt: {text(alt)}\n\n{text(looks.subtitle)}; bars are simultaneous "
        f"intervals.\n```\n\nThe drawn numbers: [{name}.csv](../figures/{name}.csv)."
    )


def family_wise(held: Sequence[Record]) -> str:
    """The error rate of the experiment, as its certificates state it."""
    found = {(c["alpha"], c["comparisons"]) for c in simulations(held)}
    return "\n".join(
        f"The probability that any of the {comparisons} intervals misses its expected value is at most {alpha:g} "
        "(Bonferroni correction)."
        for alpha, comparisons in sorted(found)
    )
