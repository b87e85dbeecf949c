"""What simulations found, read from the certificates in the report: intervals, and brackets of n*."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.markdown import Record, label, link, word
from sims.experiment import load
from sims.sequences import bracket, exponent

NOT_MEASURED = "not measured"
SAYS = {"lower": "at least", "upper": "at most", "equal": "to be"}


def points(measurement: Record) -> list[Mapping[str, Any]]:
    """The measured points, by d and n, each with its mean, its interval and what is claimed of it."""
    found = (p for p in measurement["certificate"].get("points", ()) if isinstance(p, Mapping))
    return sorted(found, key=lambda p: (p["d"], p["n"]))


def interval(point: Mapping[str, Any]) -> str:
    """A mean with its interval."""
    return f"{point['mean']:.3g} in \\[{point['low']:.3g}, {point['high']:.3g}\\]"


def held(report: Record, experiment: str, learner: str, claim: str = "", side: str = "") -> Iterator[Record]:
    """The measurements of one learner in one experiment that hold it against a claim, from a side, or against any."""
    for m in report["measurements"]:
        found = m["certificate"]
        same = (found.get("experiment"), found.get("learner")) == (experiment, learner)
        if same and claim in ("", m["claim"]) and side in ("", found["side"]):
            yield m


def last_point(report: Record, experiment: str, learner: str, claim: str, side: str = "") -> str:
    """The measured point with most samples at the greatest d, against what is claimed of it."""
    for m in held(report, experiment, learner, claim, side):
        if points(m):
            p, says = points(m)[-1], SAYS[m["certificate"]["side"]]
            return f"{_named(m)}, d = {p['d']}, n = {p['n']}: {interval(p)}, claimed {says} {p['claimed']:.3g}"
    return NOT_MEASURED


def sample_complexity(report: Record, experiment: str, learner: str, target: float = 0.25) -> str:
    """Between which n the mean error comes down to the target, at the greatest d where it is seen to."""
    found = list(held(report, experiment, learner))
    curves: dict[int, dict[int, tuple[float, float]]] = {}
    for m in found:
        for p in points(m):
            curves.setdefault(p["d"], {})[p["n"]] = (p["low"], p["high"])
    if not curves:
        return NOT_MEASURED
    ends = {d: bracket([(n, *curve[n]) for n in sorted(curve)], target) for d, curve in curves.items()}
    closed = {d: (low, high) for d, (low, high) in ends.items() if low is not None and high is not None}
    reached = {d: high for d, (_, high) in ends.items() if high is not None}
    if not reached:
        most = max(max(curve) for curve in curves.values())
        return f"{_named(found[0])}: n\\* not seen up to n = {most}"
    d = max(closed or reached)
    says = _between(*closed[d]) if closed else f"n\\* ≤ {reached[d]}"
    return f"{_named(found[0])}, d = {d}: {says}" + (growth(closed) if len(closed) > 1 else "")


def growth(closed: Mapping[int, tuple[int, int]]) -> str:
    """The exponent of d in n*, with all that the brackets leave open."""
    low, _, high = exponent(closed)
    return f", exponent of d in \\[{low:.2g}, {high:.2g}\\]"


def _between(low: int, high: int) -> str:
    return f"n\\* = {high}" if high == low + 1 else f"{low} < n\\* ≤ {high}"


def _named(measurement: Record) -> str:
    """The learner by the name that figures give it, with a link; loud if the verdict is not as expected."""
    certificate = measurement["certificate"]
    styles = load(certificate["experiment"]).looks.styles
    name = link(styles.get(certificate["learner"], certificate["learner"]), label(measurement))
    wrong = measurement["verdict"] != measurement["expected"]
    return name + (f" ({word(measurement['verdict'], measurement['expected'])})" if wrong else "")
