"""The simulated experiments: a page for each, and a list of them."""

from __future__ import annotations

import csv
import importlib
import inspect
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from generator.markdown import (
    Pages,
    Record,
    as_json,
    known,
    label,
    link,
    page,
    step_part,
    table,
    text,
    to_claims,
    wrong_rows,
)
from sims.experiment import NAMES, Cell, load
from sims.judgement import Point
from sims.sequences import bracket, exponent

__all__ = ["between", "brackets", "curves", "growth", "pages", "read_off", "simulated", "simulations"]

Bracket = tuple[int | None, int | None]
TARGETS = {"warmup": 0.25, "texture": 0.25, "regression": 0.5}
"""The error at which n* is read off the curves, where the experiment names none."""
COLUMNS = {"learner", "d", "n", "replicas", "mean", "low", "high"}


def pages(report: Record, drawn: Mapping[str, bytes]) -> Pages:
    """The list, and a page and the data of each experiment."""
    made: Pages = {"simulations/index.md": index(report)}
    for name in NAMES:
        held = of(report, name)
        made[f"simulations/{name}.md"] = experiment_page(name, held, drawn, report["seed"])
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


def curves(name: str, drawn: Mapping[str, bytes]) -> list[Point]:
    """The measured points behind an experiment's figure; none if the report does not have them.

    Raises:
        ValueError, TypeError, csv.Error: the data are damaged.
    """
    data = list(csv.DictReader(io.StringIO(drawn.get(f"{name}.csv", b"").decode())))
    if not data or not data[0].keys() >= COLUMNS:
        return []
    whole, real = ("d", "n", "replicas"), ("mean", "low", "high")
    if not all(math.isfinite(float(r[k])) for r in data for k in real):
        raise ValueError("a number is not finite")
    return [Point(r["learner"], *(int(r[k]) for k in whole), *(float(r[k]) for k in real)) for r in data]


def read_off(points: Iterable[Point], learner: str, d: int, target: float) -> Bracket | None:
    """Between which n the least one lies that brings the mean to the target; None if that was not measured."""
    found = sorted((p.n, p.low, p.high) for p in points if (p.learner, p.d) == (learner, d))
    return bracket(found, target) if found else None


def target_of(name: str) -> float | None:
    """The error at which n* is read off an experiment's curves; None if it is not."""
    return load(name).target or TARGETS.get(name)


def brackets(name: str, points: Iterable[Point], learner: str) -> dict[int, Bracket]:
    """Where the curves of an experiment put n* of a learner, by d; nothing where it is not measured."""
    target, own = target_of(name), [p for p in points if p.learner == learner]
    if target is None:
        return {}
    return {d: ends for d in sorted({p.d for p in own}) if (ends := read_off(own, learner, d, target))}


def growth(found: Mapping[int, Bracket]) -> str:
    """The exponent of d in n*, with all that closed brackets leave open; empty if there is only one or none."""
    closed = {d: ends for d, ends in found.items() if None not in ends}
    if len(closed) < 2:
        return ""
    low, _, high = exponent(closed)
    return f"{low:.2f} to {high:.2f}"


def between(ends: Bracket | None) -> str:
    """A bracket in words: which numbers of samples it leaves."""
    if ends is None:
        return "not measured"
    above, most = ends
    if above is None:
        return "?" if most is None else f"at most {most:,}"
    if most is None:
        return f"more than {above:,}"
    return f"{most:,}" if most == above + 1 else f"{above + 1:,} to {most:,}"


def index(report: Record) -> str:
    """All experiments in a table."""
    rows = []
    for name in NAMES:
        held = of(report, name)
        counts = Counter(m["verdict"] for m in held)
        asked = ", ".join(f"{number} {verdict}" for verdict, number in counts.items()) or nothing_held(name)
        wrong = sum(m["verdict"] != m["expected"] for m in held)
        said = f"**{asked}; {wrong} NOT as expected**" if wrong else asked + ("; as expected" if held else "")
        claims = to_claims(dict.fromkeys(m["claim"] for m in held))
        rows.append((f"[{text(load(name).looks.title)}]({name}.md)", f"`{name}`", claims, said))
    listed = "\n".join(NAMES)
    return page(
        "Experiments",
        wrong_rows([m for name in NAMES for m in of(report, name)]),
        "Real learners against what the claims say of them. REFUTED means that a whole interval lies beyond the "
        "claimed value; for learners outside of a claim's class that is what is expected, and is the gap.",
        table(("what is seen", "name", "held against", "verdicts"), rows),
        "Each page has the figure, its numbers, and the command that measures them again. How verdicts are made, and "
        "how to run more, is said in [](../../simulate.md).",
        f"```{{toctree}}\n:hidden:\n\n{listed}\n```",
    )


def experiment_page(name: str, held: Sequence[Record], drawn: Mapping[str, bytes], seed: int) -> str:
    """One experiment: its figure, each question, how to repeat it, what is simulated, and the details."""
    points = curves(name, drawn)
    return page(
        load(name).looks.title,
        wrong_rows(held),
        figure(name, drawn),
        f"Held against {to_claims(dict.fromkeys(m['claim'] for m in held))}." if held else "",
        "## Verdicts",
        verdicts(held) if held else nothing_held(name),
        sample_complexity(name, points),
        "## Run it again",
        again(name, seed),
        "## What is simulated",
        inspect.getdoc(importlib.import_module(f"sims.{name}")) or "",
        "## Details",
        *(step_part(m, label(m), m["expected"], f"{name}.json") for m in held),
    )


def nothing_held(name: str) -> str:
    """Why there is no verdict."""
    if not load(name).lines:
        return "No claim speaks of these means: they are shown, and nothing is held against them."
    return f"This report has no simulations of {name}."


def verdicts(held: Sequence[Record]) -> str:
    """Each question with its verdict, how near the curves come to what is claimed, and what that means."""
    rows = (
        (
            link(m["name"].partition(": ")[2], label(m)),
            known(m["verdict"], m["expected"]),
            _number(m["certificate"].get("margin"), "+.3g"),
            _number(m["certificate"].get("sharpness"), ".3g"),
        )
        for m in held
    )
    return "\n\n".join(
        [
            table(("question", "verdict", "margin", "sharpness"), rows),
            "*Margin*: how far the worst interval reaches onto the claimed side; negative if all of it lies beyond. "
            "*Sharpness*: the factor on the claimed value, nearest to 1, that these intervals would refute, those that "
            "reach the greatest possible value aside; near 1, the bound is nearly attained.",
            family_wise(held),
        ]
    )


def _number(value: float | None, form: str) -> str:
    return "\u2013" if value is None else f"{value:{form}}"


def sample_complexity(name: str, points: Sequence[Point]) -> str:
    """How many samples each learner needs for a given error, at each d, and how that grows."""
    target = target_of(name)
    if target is None or not points:
        return ""
    sizes = sorted({p.d for p in points})
    styles = load(name).looks.styles
    rows = []
    for learner in dict.fromkeys(p.learner for p in points):
        found = brackets(name, points, learner)
        cells = (between(found[d]) if d in found else "\u2013" for d in sizes)
        rows.append((text(styles.get(learner, learner)), *cells, growth(found) or "\u2013"))
    return "\n\n".join(
        [
            f"## Samples for error {target:g}",
            table(("learner", *(f"d = {d}" for d in sizes), "exponent of d"), rows),
            "Where the intervals put n\\*, the least n with this expected error (its lower end, if the error does not "
            "rise in n before), and the least and the greatest slope of log n\\* over log d that this leaves open.",
        ]
    )


def again(name: str, seed: int) -> str:
    """The command that measures the same numbers, and what the full form adds."""
    quick, full = (load(name).cells(size) for size in ("quick", "full"))
    return (
        f"```console\n$ orbitgap simulate {name} --quick --seed {seed} --out DIR\n```\n\n"
        f"measures all of the above anew and leaves `{name}.csv`, `{name}.svg` and `{name}.png` in DIR, with the same "
        f"numbers up to what another machine or another version of a library rounds otherwise. This quick form has "
        f"{_extent(quick)}. With `--full` instead of `--quick` there are {_extent(full)}."
    )


def _extent(cells: Sequence[Cell]) -> str:
    sizes = sorted({cell.d for cell in cells})
    return (
        f"{len(cells)} points, {sum(cell.replicas for cell in cells):,} replicas, d in {{{', '.join(map(str, sizes))}}}"
    )


def figure(name: str, drawn: Mapping[str, bytes]) -> str:
    """The figure with its data, described in words for those who do not see it."""
    if not {f"{name}.svg", f"{name}.csv"} <= drawn.keys():
        return f"This report has no figure of {name}."
    looks = load(name).looks
    return (
        f"```{{figure}} ../figures/{name}.svg\n:alt: {' '.join(described(name, drawn).split())}\n:figclass: wide\n\n"
        f"{text(looks.subtitle)}; bars are simultaneous intervals.\n```\n\n"
        f"The drawn numbers: [{name}.csv](../figures/{name}.csv). Every verdict with its certificate: "
        f"[{name}.json]({name}.json)."
    )


def described(name: str, drawn: Mapping[str, bytes]) -> str:
    """What the figure shows: its axes, and where each learner ends at the greatest d."""
    looks = load(name).looks
    ends: dict[str, Point] = {}
    for p in sorted(curves(name, drawn), key=lambda p: (p.d, p.n)):
        ends[p.learner] = p
    last = (f"{looks.styles.get(p.learner, p.learner)} {p.mean:.2g} at d = {p.d}, n = {p.n}" for p in ends.values())
    return f"{looks.y} against {looks.x}, with what the claims say; where each ends: {', '.join(last) or 'not known'}"


def family_wise(held: Sequence[Record]) -> str:
    """The error rate of the experiment, as its certificates state it."""
    found = {(c["alpha"], c["comparisons"]) for c in simulations(held)}
    return "\n".join(
        f"The probability that any of the {comparisons} intervals misses its expected value is at most {alpha:g} "
        "(Bonferroni correction)."
        for alpha, comparisons in sorted(found)
    )
