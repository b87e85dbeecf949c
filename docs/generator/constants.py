"""What the theorems ask for in numbers."""

from __future__ import annotations

from generator.markdown import Pages, Record, page, table, text, to_claims
from theory import bounds, quadratic
from theory.complexity import Bound


def pages(report: Record) -> Pages:
    """The page of the constants."""
    return {"constants.md": constants_page()}


def constants_page() -> str:
    """What the theorems ask for in numbers, evaluated now: Theorem 5.2 three ways, then every task."""
    eps, delta = "0.01", "0.5"
    rows = [quadratic.comparison(d, eps, delta) for d in (2, 4, 8, 16, 64, 256)]
    three = table(
        ("d", "paper's form", "bilinear family (lem-d.4)", "whole orbit (thm-5.2-explicit)", "rate (thm-5.2-rate)"),
        ((str(r.d), text(r.paper), str(r.bilinear), str(r.orbit), str(r.rate)) for r in rows),
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
        "Lower and upper bounds on the number of samples, evaluated by `theory.bounds.best` when this page was made.",
        f"## Theorem 5.2 three ways\n\nLower bounds on N(eps, delta) at eps = {eps}, delta = {delta}, inputs in R^2d. "
        "A negative number says nothing: the rate wins for small eps only.",
        three,
        "## Every task\n\nBounds on N*(eps), the expected error (relative loss for regression), where certified.",
        shown,
    )


def bound_cells(bound: Bound | None) -> tuple[str, str]:
    """The number and a link to the claim."""
    if bound is None:
        return "\u2013", "\u2013"
    return ("vacuous" if bound.vacuous and bound.n < 0 else str(bound.n)), to_claims([bound.claim])
