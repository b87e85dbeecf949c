"""Figures of the experiments: they draw a result and never compute one.

Each figure comes as ``.svg``, ``.png`` and ``.csv`` (the drawn numbers), each written whole or not at all. The same
result gives the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sims.warmup import Point, Warmup
from theory.store import write_atomically
from theory.warmup import least_error

__all__ = ["warmup"]

# Okabe and Ito's colour-blind-safe palette; marker and filling alone tell the learners apart in grey.
STYLES = {
    "fc": {"label": "fully-connected net, SGD", "color": "#0072B2", "marker": "o", "markerfacecolor": "#0072B2"},
    "kernel": {"label": "kernel regression", "color": "#D55E00", "marker": "s", "markerfacecolor": "white"},
    "conv": {"label": "conv net, SGD", "color": "#009E73", "marker": "^", "markerfacecolor": "#009E73"},
}
SPARE = {"color": "#444444", "marker": "D", "markerfacecolor": "white"}
SHADE = "#DDDDDD"
SETTINGS = {"svg.hashsalt": "orbitgap", "font.family": "DejaVu Sans", "font.size": 9.0}


def warmup(result: Warmup, path: Path) -> list[Path]:
    """Error against the number of samples, one panel for each dimension, above the exact lower bound.

    Args:
        result: what `sims.warmup.run` returned.
        path: where to write, without an ending; missing folders are made.

    Returns:
        The written files: path.svg, path.png (150 dpi) and path.csv.

    Raises:
        ValueError: the result has no points.
        OSError: a file cannot be written; what was there stays.

    Example:
        >>> import tempfile
        >>> from sims.warmup import run
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [file.name for file in warmup(run(replicas=10, dimensions=[4]), Path(folder) / "gap")]
        ['gap.svg', 'gap.png', 'gap.csv']
    """
    if not result.points:
        raise ValueError("result: got no points, want at least one")
    import matplotlib as mpl  # slow to import, and only needed here

    with mpl.rc_context(SETTINGS):
        figure = _figure(result)
        svg = _rendered(figure, "svg", {"Date": None})
        png = _rendered(figure, "png", {"Software": None})
    contents = {".svg": svg, ".png": png, ".csv": _table(result.points).encode()}
    files = {path.with_name(path.name + ending): content for ending, content in contents.items()}
    for file, content in files.items():
        write_atomically(file, content)
    return list(files)


def _figure(result: Warmup) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    dimensions = sorted({point.d for point in result.points})
    figure = Figure(figsize=(1.2 + 3.2 * max(3, len(dimensions)), 4.4))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.80, bottom=0.255, wspace=0.08)
    panels = figure.subplots(1, len(dimensions), sharey=True, squeeze=False)[0]
    for panel, d in zip(panels, dimensions, strict=True):
        _panel(panel, d, [point for point in result.points if point.d == d])
    panels[0].set_ylabel("expected error")
    _words(figure, panels[0], result)
    return figure


def _panel(panel: Any, d: int, points: Sequence[Point]) -> None:
    last = max(point.n for point in points)
    sizes = range(last + 1)
    bound = [float(least_error(d, n)) for n in sizes]
    panel.fill_between(sizes, bound, 0, color=SHADE, linewidth=0, label="impossible for an equivariant learner")
    panel.plot(sizes, bound, color="black", linewidth=1.2, label="exact least error ½(1 − 1/d)ⁿ")
    learners = list(dict.fromkeys(point.learner for point in points))
    for i, learner in enumerate(learners):
        own = [point for point in points if point.learner == learner]
        _bars(panel, learner, own, shift=4.5 * (i - (len(learners) - 1) / 2))
    # Linear up to 1 and logarithmic beyond, since most happens at few samples and n = 0 belongs to the story.
    panel.set_xscale("symlog", base=2, linthresh=1, linscale=1)
    ticks = [0, *(2**k for k in range(max(last, 1).bit_length()))]
    panel.set_xticks(ticks, [str(tick) for tick in ticks])
    panel.set(title=f"d = {d}", xlabel="training samples n", ylim=(-0.015, 0.66), xlim=(-0.35, 1.3 * last + 0.5))
    panel.spines[["top", "right"]].set_visible(False)


def _bars(panel: Any, learner: str, points: Sequence[Point], shift: float) -> None:
    """One learner's rates and intervals, moved sideways by `shift` points so that bars do not hide each other."""
    from matplotlib.transforms import ScaledTranslation

    rates = [point.wrong / point.trials for point in points]
    below = [rate - point.low for rate, point in zip(rates, points, strict=True)]
    above = [point.high - rate for rate, point in zip(rates, points, strict=True)]
    panel.errorbar(
        [point.n for point in points],
        rates,
        yerr=[below, above],
        transform=panel.transData + ScaledTranslation(shift / 72, 0, panel.figure.dpi_scale_trans),
        linestyle="none",
        markersize=4.5,
        linewidth=1.0,
        capsize=1.8,
        **(STYLES.get(learner) or {"label": learner, **SPARE}),
    )


def _words(figure: Any, panel: Any, result: Warmup) -> None:
    figure.suptitle(
        "Equivariant learners pay for every coordinate; a conv net does not",
        x=0.075,
        y=0.965,
        ha="left",
        size=13,
        weight="bold",
    )
    trials = sorted({point.trials for point in result.points})
    count = str(trials[0]) if len(trials) == 1 else f"{trials[0]} to {trials[-1]}"
    figure.text(
        0.075,
        0.885,
        f"Warm-up task of Section 4.1. {count} replicas a point; all bars hold together with probability "
        f"{1 - result.alpha:g}; bars of one n are set side by side.",
        ha="left",
        color="#444444",
    )
    figure.legend(
        *panel.get_legend_handles_labels(), loc="lower center", ncols=3, frameon=False, bbox_to_anchor=(0.53, 0.0)
    )


def _rendered(figure: Any, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()


def _table(points: Sequence[Point]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("learner", "d", "n", "wrong", "trials", "error", "low", "high", "exact"))
    for p in points:
        rows.writerow((p.learner, p.d, p.n, p.wrong, p.trials, p.wrong / p.trials, p.low, p.high, float(p.exact)))
    return text.getvalue()
