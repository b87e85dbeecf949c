"""The bounds of a claim on a number of samples as functions: drawn, in a table and as CSV, evaluated by theory/ now."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from string import ascii_lowercase

from generator.bound_families import DELTA, Curve, Family, family_of
from generator.log_panels import Line, panels, swatch
from generator.markdown import Record, known, table, text, to_claims
from theory.complexity import Bound

__all__ = ["drawn_bounds", "numbers", "values"]

Claims = Mapping[str, Record]
KINDS = {"lower": "solid", "upper": "dashed", "uncertified": "dotted"}
FEW = 4
"""Rows of the table on the page."""


def drawn_bounds(id: str, claims: Claims) -> tuple[str, str] | None:
    """The section of a claim's page and the numbers as CSV; None for a claim that bounds no number of samples.

    Args:
        id: the claim.
        claims: all claims of the report by id; what is not certified there is not drawn as if it were.
    """
    family = family_of(id)
    if family is None:
        return None
    lines = {eps: [line(k, family, eps, id, claims) for k in range(len(family.curves))] for eps in family.eps}
    shown = [(f"eps = {eps}", lines[eps], words(eps, lines[eps], family)) for eps in family.eps]
    picture = f"```{{raw}} html\n{panels(shown, family.points, family.axis)}\n```"
    legend = "\n".join(
        legend_line(drawn, curve, id, claims) for drawn, curve in zip(lines[family.eps[0]], family.curves, strict=True)
    )
    name = f"{id}-bounds.csv"
    parts = [
        f"Task: {text(family.task)}. Bounded: {text(family.quantity)}. Shaded: what a lower bound excludes for "
        "the learners that it speaks of.",
        picture,
        legend,
        few_rows(id, family),
        f"All drawn numbers, evaluated when this page was made: [{name}]({name}).",
    ]
    return "\n\n".join(parts), numbers(family)


@cache
def values(curve: Curve, family: Family, eps: str) -> tuple[tuple[int, int], ...]:
    """The bound at each point of the family as a whole number; points where it says nothing are left out."""
    found = []
    for x in family.points:
        bound = curve.rule(x, Fraction(eps))
        number = bound.n if isinstance(bound, Bound) else bound
        if number is not None and number > 0:
            found.append((x, math.ceil(number)))
    return tuple(found)


def line(k: int, family: Family, eps: str, id: str, claims: Claims) -> Line:
    """One curve in one panel."""
    curve = family.curves[k]
    certified = claims[curve.claim]["status"] == "CERTIFIED"
    kind = ("lower" if curve.lower else "upper") if certified else "uncertified"
    return Line(ascii_lowercase[k], kind, curve.claim == id, values(curve, family, eps))


def words(eps: str, lines: list[Line], family: Family) -> str:
    """A panel for those who do not see it: what each line is, from where to where."""
    said = [f"eps = {eps}, {family.axis} from {family.points[0]} to {family.points[-1]}"]
    for drawn, curve in zip(lines, family.curves, strict=True):
        side = "lower" if curve.lower else "upper"
        if drawn.points:
            (x, low), (z, high) = drawn.points[0], drawn.points[-1]
            ends = f"from {low:,} at {x} to {high:,} at {z}"
        else:
            ends = "says nothing here"
        said.append(f"{drawn.letter}, {side} bound of {curve.claim}, {ends}")
    return "; ".join(said)


def legend_line(drawn: Line, curve: Curve, id: str, claims: Claims) -> str:
    """What a line is, and what the report says of its claim."""
    claim = claims[curve.claim]
    many = "at least so many samples" if curve.lower else "so many samples"
    whose = "this claim" if curve.claim == id else to_claims([curve.claim])
    status = "cited, not proved here" if claim["kind"] == "cited" else known(claim["status"], claim["expected"])
    look = f"{'bold ' if drawn.own else ''}{KINDS[drawn.kind]}"
    return f"- {swatch(drawn)} **{drawn.letter}** ({look}): {text(curve.says)} {many}; {whose}, {status}"


def few_rows(id: str, family: Family) -> str:
    """The claim's own numbers at a few points."""
    own = [curve for curve in family.curves if curve.claim == id]
    every = len(family.points) // FEW
    rows = [
        (f"{family.axis[0]} = {x}", *(cell(x, own, family, eps) for eps in family.eps))
        for x in family.points[::-every][:FEW][::-1]
    ]
    return table((" ", *(f"eps = {eps}" for eps in family.eps)), rows)


def cell(x: int, own: list[Curve], family: Family, eps: str) -> str:
    """The claim's own bounds at one point."""
    found = [(curve.lower, dict(values(curve, family, eps)).get(x)) for curve in own]
    said = [f"{'at least' if lower else 'at most'} {n:,}" for lower, n in found if n is not None]
    exact = len(found) == 2 and found[0][1] == found[1][1] is not None
    return f"exactly {found[0][1]:,}" if exact else ", ".join(said) or "nothing"


def numbers(family: Family) -> str:
    """All values of a family as CSV; a row for each number, none where a bound says nothing."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    confident = family.quantity.startswith("N(")
    rows.writerow(("claim", "bound", "eps", "delta", family.axis[0], "n"))
    for curve in family.curves:
        for eps in family.eps:
            for x, n in values(curve, family, eps):
                side = "lower" if curve.lower else "upper"
                rows.writerow((curve.claim, side, eps, float(DELTA) if confident else "", x, n))
    return file.getvalue()
