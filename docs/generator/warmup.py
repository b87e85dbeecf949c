"""The warm-up experiment."""

from __future__ import annotations

import csv
import inspect
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

import sims.warmup
from generator.markdown import Record, display, label, link, page, step_part, table, text, to_claims, word, wrong_rows


def warmup_page(report: Record, held: Sequence[Record], drawn: Mapping[str, bytes]) -> str:
    """The warm-up experiment against the exact error."""
    claim = next((c for c in report["claims"] if c["id"] == "ex-4.1-exact"), None)
    rows = ((link(m["name"], label(m)), word(m["verdict"], m["expected"]), text(m["summary"])) for m in held)
    return page(
        "The warm-up, run",
        wrong_rows(held),
        figure(drawn),
        table(("question", "verdict", "found"), rows) if held else "This report has no simulations of the warm-up.",
        "## What it is held against",
        f"The exact statement, {to_claims(['ex-4.1-exact'])}:\n\n{display(claim['statement'])}" if claim else "",
        "## What is simulated",
        inspect.getdoc(sims.warmup) or "",
        family_wise(held),
        "## Details",
        *(step_part(m, label(m), m["expected"], "warmup.json") for m in held),
    )


def figure(drawn: Mapping[str, bytes]) -> str:
    """The warm-up figure with its data, described in words for those who do not see it."""
    if not {"warmup.svg", "warmup.csv"} <= drawn.keys():
        return "This report has no figure of the warm-up."
    data = list(csv.DictReader(io.StringIO(drawn["warmup.csv"].decode())))
    learners, sizes = (", ".join(dict.fromkeys(row[key] for row in data)) for key in ("learner", "d"))
    alt = f"Expected error against the number of training samples at d = {sizes} for {learners}, with the exact bound"
    return (
        f"```{{figure}} figures/warmup.svg\n:alt: {alt}\n\nExpected error against the number of samples; bars are "
        f"simultaneous intervals.\n```\n\nThe drawn numbers: [warmup.csv](figures/warmup.csv)."
    )


def family_wise(held: Sequence[Record]) -> str:
    """The error rate of the experiment, as its certificates state it."""
    found = {(c["alpha"], c["comparisons"]) for c in simulations(held)}
    return "\n".join(
        f"The probability that any of the {comparisons} intervals misses its expected error is at most {alpha:g} "
        "(Clopper-Pearson intervals, Bonferroni correction)."
        for alpha, comparisons in sorted(found)
    )


def simulations(held: Iterable[Record]) -> Iterator[Record]:
    """The certificates of simulations."""
    return (m["certificate"] for m in held if m["certificate"].get("kind") == "simulation")
