"""Figures of the experiments: they draw a result and never compute one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sims.drawing import COLOURS, DASHES, HEIGHT, MARKERS, SHADE, WIDTH, csv_text, panels, save, worded
from sims.experiment import Experiment, Line
from sims.judgement import Point, Result

__all__ = ["curves"]

COLUMNS = 4
"""Panels in a row."""
FINE = 200
"""Points along a line that a claim draws."""


def curves(result: Result, path: Path) -> list[Path]:
    """Every learner's means with their intervals, and what the claims say of them; one panel for each group.

    Args:
        result: what `sims.judgement.summarise` returned.
        path: where to write, without an ending; missing folders are made.

    Returns:
        The written files: path.svg, path.png (150 dpi) and path.csv.

    Raises:
        OSError: a file cannot be written; what was there stays.
    """
    return save(lambda: _figure(result), _table(result), path)


def _figure(result: Result) -> Any:
    looks = result.experiment.looks
    groups: dict[str, list[Point]] = {}
    for point in sorted(result.points, key=lambda p: p.d):
        groups.setdefault(looks.panel(point.learner, point.d), []).append(point)
    columns = min(COLUMNS, len(groups))
    rows = math.ceil(len(groups) / columns)
    figure, places = panels(0.8 + WIDTH * max(3, columns), HEIGHT * rows, columns, rows)
    labels = list(dict.fromkeys(looks.styles.get(p.learner, p.learner) for p in result.points))
    highest = max(point.high for point in result.points)
    least = min((point.mean for point in result.points if point.mean > 0), default=highest)
    for panel, (title, points) in zip(places, groups.items(), strict=False):
        if looks.log:
            panel.set_yscale("log")
            panel.set_ylim(least / 8, 1.2 * highest)
        else:
            panel.set_ylim(-0.02 * highest, 1.03 * highest)
        _panel(panel, title, points, result.experiment, labels)
    for panel in places[len(groups) :]:
        panel.set_axis_off()
    for panel in figure.axes[::columns]:
        panel.set_ylabel(looks.y)
    counts = sorted({point.replicas for point in result.points})
    count = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    certain = f"{count} replicas a point; all bars hold together with probability at least 1 - {result.alpha:g}."
    return worded(figure, looks.title, f"{looks.subtitle}. {certain}")


def _panel(panel: Any, title: str, points: Sequence[Point], experiment: Experiment, labels: Sequence[str]) -> None:
    looks = experiment.looks
    place = looks.scaled or (lambda d, n: float(n))
    for i, line in enumerate(_lines(experiment)):
        if {p.learner for p in points} & {*line.learners, *line.beaten}:
            _draw_line(panel, line, [p for p in points if p.learner in {*line.learners, *line.beaten}], place, i)
    own = list(dict.fromkeys(p.learner for p in points))
    for i, learner in enumerate(own):
        at = [p for p in points if p.learner == learner]
        label = looks.styles.get(learner, learner)
        x = [place(p.d, p.n) for p in at]
        _bars(panel, x, at, label, labels.index(label), shift=3.0 * _off(i, own))
    last = max(place(p.d, p.n) for p in points)
    if looks.scaled is None:
        _powers_of_two(panel, min(p.n for p in points), last)
    else:  # bars are shifted, so that the panel does not see them by itself
        first = min(place(p.d, p.n) for p in points)
        room = 0.06 * (last - first or 1.0)
        panel.set_xlim(first - room, last + room)
        panel.locator_params(axis="x", integer=all(place(p.d, p.n).is_integer() for p in points))
    panel.set(title=title, xlabel=looks.x)


def _off(i: int, own: Sequence[str]) -> float:
    return i - (len(own) - 1) / 2


def _lines(experiment: Experiment) -> list[Line]:
    """One line for each thing that is said, with all learners of whom it is said."""
    found: dict[str, Line] = {}
    for line in experiment.lines:
        before = found.get(line.says, replace(line, learners=(), beaten=()))
        learners, beaten = (*before.learners, *line.learners), (*before.beaten, *line.beaten)
        found[line.says] = replace(before, learners=learners, beaten=beaten)
    return list(found.values())


def _draw_line(panel: Any, line: Line, points: Sequence[Point], place: Callable[[int, int], float], i: int) -> None:
    by_d = [
        sorted((place(d, n), value) for n in _sizes(points, d) if (value := line.value(d, n)) is not None)
        for d in sorted({p.d for p in points})
    ]
    curves = [at for at in by_d if at]
    along_d = len(curves) > 1 and all(len(at) == 1 for at in curves)
    for at in [sorted(itertools.chain(*curves))] if along_d else curves:
        x, y = zip(*at, strict=True)
        # A false bound forbids nothing, and between two values of d none was evaluated.
        if line.side == "lower" and line.learners and not along_d:
            panel.fill_between(x, y, 0, color=SHADE, linewidth=0, label="impossible for the learners a claim binds")
        marked = {"marker": "_", "markersize": 14} if len(x) == 1 else {}
        panel.plot(x, y, color="black", linewidth=1.1, linestyle=DASHES[i % len(DASHES)], label=line.says, **marked)


def _sizes(points: Iterable[Point], d: int) -> list[int]:
    """The measured sample counts and some between them."""
    measured = sorted({p.n for p in points if p.d == d})
    step = max(1, (measured[-1] - measured[0]) // FINE)
    return sorted({*measured, *range(measured[0], measured[-1] + 1, step)})


def _bars(panel: Any, x: Sequence[float], points: Sequence[Point], label: str, style: int, shift: float) -> None:
    """One learner's means and intervals, moved sideways by `shift` points so that bars do not hide each other."""
    from matplotlib.transforms import ScaledTranslation

    colour = COLOURS[style % len(COLOURS)]
    panel.errorbar(
        x,
        [p.mean for p in points],
        yerr=[[max(0.0, p.mean - p.low) for p in points], [max(0.0, p.high - p.mean) for p in points]],
        transform=panel.transData + ScaledTranslation(shift / 72, 0, panel.figure.dpi_scale_trans),
        linestyle="none",
        marker=MARKERS[style % len(MARKERS)],
        color=colour,
        markerfacecolor="white" if style % 2 else colour,
        markersize=4.2,
        linewidth=1.0,
        capsize=1.6,
        label=label,
    )


def _powers_of_two(panel: Any, first: int, last: float) -> None:
    # Linear up to 1 and logarithmic beyond, since most happens at few samples and n = 0 belongs to the story.
    panel.set_xscale("symlog", base=2, linthresh=1, linscale=1)
    exponents = range(max(0, first.bit_length() - 1), int(max(last, 1)).bit_length() + 1)
    ticks = [0] * (first == 0) + [2**k for k in exponents if 2**k <= 1.3 * last][:: 1 + len(exponents) // 9]
    short = [str(tick) if tick < 2**13 else f"$2^{{{tick.bit_length() - 1}}}$" for tick in ticks]  # they stand close
    panel.set_xticks(ticks, short)
    panel.set_xlim((first / 1.35 if first else -0.35), 1.35 * last + 0.5 * (first == 0))


def _table(result: Result) -> str:
    """The points and, in a column for each thing that is said, what the claims say there."""
    lines = _lines(result.experiment)
    rows = []
    for p in result.points:
        said = (line.value(p.d, p.n) if p.learner in {*line.learners, *line.beaten} else None for line in lines)
        rows.append((p.learner, p.d, p.n, p.replicas, p.mean, p.low, p.high, *said))
    return csv_text(("learner", "d", "n", "replicas", "mean", "low", "high", *(line.says for line in lines)), rows)
