"""The gap on the start page and in the README: measured nets, and the error that no equivariant learner can beat.

All numbers come from the curves that a report draws and from `theory.bounds`. They are rounded into one table, which is
kept as CSV, and the picture is drawn from that table alone.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from generator import gap_picture
from generator.gap_picture import Curve
from generator.markdown import Pages, Record, danger, table, text, to_claims
from generator.reliability import power_of_ten
from generator.simulations import Bracket, between, curves, read_off, simulations
from sims.experiment import load
from sims.judgement import Point
from theory import bounds
from theory.complexity import Bound

__all__ = ["PANELS", "ROWS", "Pages", "bound", "missing", "pages", "readme_block", "render", "unstated"]


@dataclass(frozen=True)
class Panel:
    """What a panel of the picture shows.

    Attributes:
        experiment: whose curves, at the greatest d where both nets are measured.
        title: how the nets are trained.
        task: in a few words.
        group: whose equivariant learners are bound, as an adjective.
        claim: the lower bound on their error.
        fc: the fully-connected net among the experiment's learners.
        conv: the conv net.
        words, conv_name: where they stand, as `gap_picture.Panel` has it.
    """

    experiment: str
    title: str
    task: str
    group: str
    claim: str
    fc: str
    conv: str
    words: tuple[float, float]
    conv_name: tuple[float, float]


WARMUP = ("Nets trained by SGD", "warm-up task", "rotation", "ex-4.1-exact", "fc", "conv")
TEXTURE = ("Nets trained by Adam", "texture task", "permutation", "thm-5.5-sharp", "fc_adam", "conv_net")
PANELS = (
    Panel("warmup", *WARMUP, (0.42, 0.34), (0.3, 0.05)),
    Panel("texture", *TEXTURE, (0.26, 0.21), (0.81, 0.02)),
)


@dataclass(frozen=True)
class Row:
    """One task in the table: where `theory.bounds` and an experiment speak of the same d and the same error."""

    task: str
    says: str
    eps: str
    learner: str
    experiment: str
    fc: str
    conv: str


FIGURE1 = ("fc, gaussian", "conv, gaussian")
ROWS = (
    Row("warmup", "warm-up (Section 4.1)", "1/4", "orthogonal", "warmup", "fc", "conv"),
    Row("texture", "texture (Theorem 5.5)", "1/4", "permutation", "texture", "fc_adam", "conv"),
    Row("regression", "regression (Theorem 5.4, corrected)", "1/2", "orthogonal", "regression", "fc", "conv"),
    Row("quadratic", "quadratic (Theorem 5.2), Figure 1", "1/100", "orthogonal", "figure1", *FIGURE1),
)
HEAD = ("experiment", "d", "curve", "n", "error", "low", "high")
DIGITS = 4
Drawn = Mapping[str, bytes]
Cite = Callable[[str], str]
"""From a claim's id to words that name it."""

NOTE = (
    "The table: numbers of samples for the given expected error (relative loss for regression). *Needs* and *suffices* "
    "are proved; with each stands its claim and how that is known, by exact arithmetic or from cited theorems. The "
    "first binds every learner with the symmetry of this fully-connected net's training, the second conv nets that "
    "minimise the empirical risk. *Measured* is where the intervals of real runs put the number, if the error "
    "does not rise with n; *not reached* speaks of the sizes that were tried. Texture and regression measure the very "
    "nets that *suffices* speaks of; warm-up and Figure 1 train other conv nets, by SGD, of which no upper bound is "
    "claimed."
)


def pages(report: Record, drawn: Drawn) -> Pages:
    """What the start page includes: the picture, its data and a short table."""
    shown, files = drawings(report, drawn)
    pictures = "\n\n".join(_figure(panel, files) for panel in shown)
    lacking = missing(report, drawn)
    parts = (
        danger("; ".join(wrong(report))) if wrong(report) else "",
        f"::::{{container}} gap\n{pictures}\n::::" if shown else "",
        f"{legend(report, shown)} The drawn numbers: [gap.csv](generated/gap.csv)." if shown else "",
        f"This report has no curves of {', '.join(lacking)}." if lacking else "",
        comparison(report, drawn, lambda id: to_claims([id])),
        NOTE,
    )
    return {"gap.inc": "\n\n".join(part for part in parts if part) + "\n", **files}


def legend(report: Record, shown: Sequence[Panel]) -> str:
    """How to read the picture, with the probability that its intervals mislead."""
    chance = _rates(report, shown)
    if lacking := unstated(report, shown):
        misled = f"the bars' error is not known: this report does not state the error rate of {', '.join(lacking)}"
    else:
        misled = f"all bars hold together, except with probability {power_of_ten(sum(chance.values()))} at most"
    return (
        f"The picture: points are means over independent runs; {misled}; a theorem excludes equivariant learners from "
        "the hatched region (a measured mean may fall into it by chance; its bar then reaches out)."
    )


def unstated(report: Record, shown: Sequence[Panel] = PANELS) -> list[str]:
    """The experiments of the picture whose error rate this report does not state."""
    return [panel.experiment for panel in shown if panel.experiment not in _rates(report, shown)]


def _rates(report: Record, shown: Sequence[Panel]) -> dict[str, float]:
    names = {panel.experiment for panel in shown}
    return {c["experiment"]: c["alpha"] for c in simulations(report["measurements"]) if c["experiment"] in names}


def missing(report: Record, drawn: Drawn) -> list[str]:
    """The experiments of the picture and of the table that this report has no curves of."""
    names = [panel.experiment for panel in PANELS if not numbers(panel, report, drawn)]
    names += [row.experiment for row in ROWS if not curves(row.experiment, drawn)]
    return list(dict.fromkeys(names))


def drawings(report: Record, drawn: Drawn) -> tuple[list[Panel], Pages]:
    """The panels that this report has curves for, and the files: each in two themes, and the numbers of all."""
    rows = [row for panel in PANELS for row in numbers(panel, report, drawn)]
    shown = [panel for panel in PANELS if any(row["experiment"] == panel.experiment for row in rows)]
    return shown, render(_csv(rows)) if shown else {}


def render(data: str) -> Pages:
    """All files of the picture from its CSV, and from nothing else."""
    rows = list(csv.DictReader(io.StringIO(data)))
    files: Pages = {"gap.csv": data}
    for panel in PANELS:
        own = [row for row in rows if row["experiment"] == panel.experiment]
        if own:
            for theme, ending in (("light", ""), ("dark", "-dark")):
                files[f"gap-{panel.experiment}{ending}.svg"] = gap_picture.svg(_looks(panel, own), theme)
    return files


def numbers(panel: Panel, report: Record, drawn: Drawn) -> list[dict[str, str]]:
    """The rounded numbers of a panel; none if the report has no curves of both nets at one d."""
    found = curves(panel.experiment, drawn)
    common = {p.d for p in found if p.learner == panel.fc} & {p.d for p in found if p.learner == panel.conv}
    if not common:
        return []
    d = max(common)
    nets = [[p for p in found if (p.learner, p.d) == (name, d)] for name in (panel.fc, panel.conv)]
    last = max(p.n for p in nets[0])
    rows = [_measured(panel, p) for points in nets for p in points if p.n <= last]
    if _status(report, panel.claim) == "CERTIFIED":
        rows += [row for n in range(last + 1) if (row := _certified(panel, d, n))]
    return rows


def _measured(panel: Panel, p: Point) -> dict[str, str]:
    numbers = (f"{value:.{DIGITS}f}" for value in (p.mean, p.low, p.high))
    return dict(zip(HEAD, (panel.experiment, str(p.d), p.learner, str(p.n), *numbers), strict=True))


def _certified(panel: Panel, d: int, n: int) -> dict[str, str] | None:
    """The claim's lower bound on the error, rounded down so that it still is one."""
    lines = load(panel.experiment).lines
    (value, *_) = (line.value for line in lines if line.claim == panel.claim and panel.fc in line.learners)
    error = value(d, n)
    if error is None:
        return None
    down = math.floor(error * 10**DIGITS) / 10**DIGITS
    return dict(zip(HEAD, (panel.experiment, str(d), panel.claim, str(n), f"{down:.{DIGITS}f}", "", ""), strict=True))


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    content = io.StringIO()
    writer = csv.DictWriter(content, HEAD, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue()


def _looks(panel: Panel, rows: Sequence[Mapping[str, str]]) -> gap_picture.Panel:
    fc, conv, least = (_curve(rows, name) for name in (panel.fc, panel.conv, panel.claim))
    words = (panel.title, f"{panel.task}, d = {rows[0]['d']}", panel.group)
    return gap_picture.Panel(*words, fc, conv, least if least.n else None, panel.words, panel.conv_name)


def _curve(rows: Sequence[Mapping[str, str]], name: str) -> Curve:
    own = [row for row in rows if row["curve"] == name]
    measured = [row for row in own if row["low"]]
    return Curve(
        tuple(int(row["n"]) for row in own),
        tuple(float(row["error"]) for row in own),
        tuple(float(row["low"]) for row in measured),
        tuple(float(row["high"]) for row in measured),
    )


def describe(panel: Panel, data: str) -> str:
    """A panel of the CSV in words, for those who do not see it."""
    own = [row for row in csv.DictReader(io.StringIO(data)) if row["experiment"] == panel.experiment]
    return gap_picture.in_words(_looks(panel, own))


def comparison(report: Record, drawn: Drawn, cite: Cite) -> str:
    """The short table: what is proved of both kinds of learner, and what was measured."""
    return table(
        ("task", "d", "error", "equivariant: needs", "FC net, measured", "conv net: suffices", "conv net, measured"),
        (_row(row, report, drawn, cite) for row in ROWS),
    )


def _row(row: Row, report: Record, drawn: Drawn, cite: Cite) -> Iterator[str]:
    found = curves(row.experiment, drawn)
    d = max((p.d for p in found if p.learner == row.fc), default=None)
    yield text(row.says)
    if d is None:
        yield from ("not measured", row.eps, "", "", "", "")
        return
    yield from (f"{d:,}", row.eps)
    for learner, net in ((row.learner, row.fc), ("conv", row.conv)):
        yield _told(bound(row, d, learner), report, cite)
        yield _reached(read_off(found, net, d, float(Fraction(row.eps))))


def _reached(ends: Bracket | None) -> str:
    """A bracket in words; an error that no size reached tells of the sizes that were tried, no more."""
    if ends is not None and ends[0] is not None and ends[1] is None:
        return f"not reached up to {ends[0]:,}"
    return between(ends)


def bound(row: Row, d: int, learner: str) -> Bound | None:
    """What conv nets need at most, or what others need at least, as far as that is certified."""
    best = bounds.best(row.task, d, row.eps, learner=learner)
    found = best.upper if learner == "conv" else best.lower
    return None if found is None or found.vacuous else found


def _told(found: Bound | None, report: Record, cite: Cite) -> str:
    """A certified number of samples with its claim and how that is known."""
    if found is None:
        return "\u2013"
    status = _status(report, found.claim)
    if status != "CERTIFIED":
        return f"**? {status}** ({cite(found.claim)})"
    trust = next(c["trust"] for c in report["claims"] if c["id"] == found.claim)
    return f"{found.n:,} ({cite(found.claim)}, {trust.lower()})"


def _status(report: Record, id: str) -> str:
    return next((str(c["status"]) for c in report["claims"] if c["id"] == id), "not in this report")


def wrong(report: Record) -> list[str]:
    """The claims of the picture that are not certified, in words."""
    found = {panel.claim: _status(report, panel.claim) for panel in PANELS}
    return [
        f"The status of {to_claims([id])} is {status}: its region is not drawn."
        for id, status in found.items()
        if status != "CERTIFIED"
    ]


def _figure(panel: Panel, files: Pages) -> str:
    """A panel in the theme of the page."""
    alt = " ".join(describe(panel, str(files["gap.csv"])).split())  # an option is not read as Markdown
    return "\n\n".join(
        f":::{{image}} generated/gap-{panel.experiment}{ending}.svg\n:alt: {alt}\n:width: 355px\n"
        f":class: {only} no-scaled-link\n:::"
        for only, ending in (("only-light", ""), ("only-dark", "-dark"))
    )


def readme_block(report: Record, drawn: Drawn) -> tuple[str, Pages]:
    """The picture and the table for the README, and the files of the picture."""
    shown, files = drawings(report, drawn)
    pictures = "\n".join(_picture(panel, str(files["gap.csv"])) for panel in shown)
    says = f"{legend(report, shown)} The drawn numbers: [gap.csv](docs/_static/gap.csv)."
    asked = "`orbitgap claims ID` shows a claim with its proof."
    block = "\n\n".join([pictures, says, comparison(report, drawn, "`{}`".format).strip(), f"{NOTE} {asked}"])
    return block + "\n", files


def _picture(panel: Panel, data: str) -> str:
    """A panel in the theme of the reader."""
    source = f"docs/_static/gap-{panel.experiment}"
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{source}-dark.svg">'
        f'<img src="{source}.svg" width="400" alt="{describe(panel, data)}"></picture>'
    )
