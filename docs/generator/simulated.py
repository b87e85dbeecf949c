"""What simulations found: intervals from the certificates in the report, and n* from the curves that it draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.markdown import Record, label, link, text, word
from generator.simulations import between, brackets, curves, growth
from sims.experiment import load

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


def sample_complexity(report: Record, drawn: Mapping[str, bytes], experiment: str, learner: str) -> str:
    """Where the drawn curves put n*, at the greatest d where it is seen, and how it grows; as the experiment's page."""
    found = brackets(experiment, curves(experiment, drawn), learner)
    if not found:
        return NOT_MEASURED
    reached = {d: ends for d, ends in found.items() if ends[1] is not None}
    d = max({d for d, ends in reached.items() if ends[0] is not None} or reached or found)
    measurement = next(held(report, experiment, learner), None)
    name = _named(measurement) if measurement else text(_style(experiment, learner))
    grows = growth(found)
    return f"{name}, d = {d}: n\\* {between(found[d])}" + (f", exponent of d {grows}" if grows else "")


def _named(measurement: Record) -> str:
    """The learner by the name that figures give it, with a link; loud if the verdict is not as expected."""
    certificate = measurement["certificate"]
    name = link(_style(certificate["experiment"], certificate["learner"]), label(measurement))
    wrong = measurement["verdict"] != measurement["expected"]
    return name + (f" ({word(measurement['verdict'], measurement['expected'])})" if wrong else "")


def _style(experiment: str, learner: str) -> str:
    """The name that figures give a learner."""
    return load(experiment).looks.styles.get(learner, learner)
