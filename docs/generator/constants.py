"""What the theorems ask for in numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.constants_rows import WITHOUT, Row, rows
from generator.markdown import Pages, Record, display, page, table, text, to_claims, word
from generator.simulated import NOT_MEASURED
from generator.ten_minutes import claim_of
from theory import bounds, quadratic
from theory.complexity import Bound

BREAKS = re.compile(r"= (?=\\Omega|O\\Bigl)|\\text\{ (?=for|and every|under|with|samples for)")
"""Where a printed form may be broken, besides its parts."""
PACKED = "Theorem 4.2 with Lemma D.4 as reconstructed"


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """The page of the constants."""
    return {"constants.md": constants_page(report, drawn)}


def constants_page(report: Record, drawn: Mapping[str, bytes]) -> str:
    """What the theorems ask for in numbers, evaluated now: one by one, Theorem 5.2 three ways, every task."""
    eps, delta = "0.01", "0.5"
    compared = [quadratic.comparison(d, eps, delta) for d in (2, 4, 8, 16, 64, 256)]
    three = table(
        ("d", PACKED, "bilinear family (lem-d.4)", "whole orbit (thm-5.2-explicit)", "rate (thm-5.2-rate)"),
        ((str(r.d), text(r.paper), str(r.bilinear), str(r.orbit), str(r.rate)) for r in compared),
    )
    asked = [("warmup", 32), ("quadratic", 8), ("regression", 8), ("texture", 64)]
    found = [bounds.best(task, d, e, learner=k) for task, d in asked for e in ("0.1", "0.001") for k in bounds.LEARNERS]
    shown = table(
        ("task", "d", "eps", "learner", "at least", "claim", "at most", "claim"),
        (
            (b.task, str(b.d), f"{float(b.eps):g}", b.learner, *bound_cells(b.lower), *bound_cells(b.upper))
            for b in found
        ),
    )
    return "(constants)=\n" + page(
        "Constants",
        "The paper writes most of its bounds with Omega and O. Here they stand with explicit constants, evaluated by "
        "`theory` when this page was made, beside what is known exactly and what was measured.",
        "## Theorem by theorem",
        READING,
        "```{table} Each theorem as printed or, where it says so, as reconstructed, with its constants\n"
        ":class: theorems\n\n"
        + table(
            ("theorem, as printed or reconstructed", "certified here", "exact value", "measured"),
            theorems(report, drawn),
        )
        + "```",
        f"{to_claims(WITHOUT)} and Table 1 hold no constants.",
        f"## Theorem 5.2 three ways\n\nLower bounds on N(eps, delta) at eps = {eps}, delta = {delta}, inputs in R^2d. "
        "A negative number says nothing: the rate wins for small eps only ([](open-problem.md)).",
        three,
        "## Every task\n\nBounds on N*(eps), the expected error (relative loss for regression), where certified.",
        shown,
    )


READING = (
    "Read *n ≥* as: every learner that the theorem speaks of needs so many samples; *n ≤*: the named one does with so "
    "many. What is measured are means over replicas with simultaneous intervals; n\\* is the least number of samples "
    "with an expected error of at most 1/4. Its brackets, and the exponents that they leave room for, hold whenever "
    "all intervals of the experiment do and the expected error does not increase with n. A link leads to the "
    "measurement, to its error rate and to the numbers at other sizes."
)


def theorems(report: Record, drawn: Mapping[str, bytes]) -> list[tuple[str, ...]]:
    """A line of the table for each theorem."""
    return [
        (
            "<br>".join([name(row, claim_of(report, row.printed)), *printed(claim_of(report, row.printed))]),
            "<br>".join(certified(report, row)),
            row.exact,
            "<br>".join(dict.fromkeys(look(report, drawn) for look in row.measured)) or NOT_MEASURED,
        )
        for row in rows()
    ]


def name(row: Row, claim: Record) -> str:
    """The theorem, and whether what stands below it is not the printed form but a reconstruction."""
    return f"**{row.name}**" + (" (reconstructed)" if "reconstructed" in claim["source"] else "")


def printed(claim: Record) -> list[str]:
    """The printed form, in pieces that fit into a cell."""
    if not claim["printed"]:
        return ["not printed"]
    pieces = display(BREAKS.sub(lambda found: rf"\quad {found[0]}", claim["printed"])).splitlines()[2:-2]
    formulas = (piece.removeprefix("& ").removesuffix(r" \\") for piece in pieces)
    bare = (re.sub(r"^\\text\{ ", r"\\text{", formula).replace("|", r"\|") for formula in formulas)
    return [f"{{math}}`{formula}`" for formula in bare]


def certified(report: Record, row: Row) -> list[str]:
    """The claims of a row with their statuses in the report and what they say in numbers."""
    claims = ((claim_of(report, id), says) for id, says in row.certified)
    return [f"{to_claims([c['id']])} ({word(c['status'], c['expected'])}): {says}" for c, says in claims]


def bound_cells(bound: Bound | None) -> tuple[str, str]:
    """The number and a link to the claim."""
    if bound is None:
        return "\u2013", "\u2013"
    return ("vacuous" if bound.vacuous and bound.n < 0 else str(bound.n)), to_claims([bound.claim])
