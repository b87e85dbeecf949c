"""The picture of the gap: one small panel for each experiment, drawn from numbers that are in its CSV."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Curve", "Panel", "in_words", "svg"]

THEMES: Mapping[str, Mapping[str, str]] = {
    "light": {"text": "#1f2328", "faint": "#59636e", "fc": "#b84500", "conv": "#0060a8", "region": "#d6dae0"},
    "dark": {"text": "#e6edf3", "faint": "#9aa4af", "fc": "#ff9f57", "conv": "#6cb8f5", "region": "#39424e"},
}
"""Colours that keep a contrast of 4.5 to the page and 3 to the region."""
SETTINGS = {"svg.hashsalt": "orbitgap", "font.family": "DejaVu Sans", "font.size": 11.5}
SIZE = (5.0, 3.9)
"""Inches; the panel is shown about 360 CSS pixels wide, so that a point is a pixel."""
TOP = 0.63
"""Where the vertical axis ends: a little above the error of a coin."""


@dataclass(frozen=True)
class Curve:
    """Errors by n, with their intervals (empty for what is certified)."""

    n: tuple[int, ...]
    error: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes:
        title: how the nets are trained.
        subtitle: the task.
        group: whose equivariant learners the region excludes, as an adjective.
        fc: errors of the fully-connected net.
        conv: errors of the conv net.
        least: the certified least error; None if it is not certified, so that nothing is excluded.
        words: where the region says what it is, in shares of the axes.
        conv_name: where the conv net's name begins, likewise.
    """

    title: str
    subtitle: str
    group: str
    fc: Curve
    conv: Curve
    least: Curve | None
    words: tuple[float, float]
    conv_name: tuple[float, float]


def svg(panel: Panel, theme: str) -> bytes:
    """One panel as SVG with a transparent ground; the same panel gives the same bytes."""
    import matplotlib as mpl  # slow to import
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = THEMES[theme]
    with mpl.rc_context():
        mpl.rcdefaults()  # what a reader's own matplotlibrc says is not in the picture
        mpl.rcParams.update({**SETTINGS, "text.color": colours["text"]})
        figure = Figure(figsize=SIZE)
        FigureCanvasAgg(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_axes((0.085, 0.125, 0.9, 0.71))
        _ground(axes, panel, colours)
        if panel.least is not None:
            _region(axes, panel.least, panel, colours)
        _curve(axes, panel.fc, colours["fc"], "o")
        _curve(axes, panel.conv, colours["conv"], "s")
        _names(axes, panel, colours)
        _heads(figure, panel, colours)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _lean(buffer.getvalue())


def in_words(panel: Panel) -> str:
    """What the panel shows, with numbers."""
    says = [
        f"{panel.title}, {panel.subtitle}",
        f"error of the fully-connected net: {_few(panel.fc, panel.fc.n)}",
        f"of the conv net: {_few(panel.conv, panel.conv.n)}",
    ]
    if panel.least is not None:
        says.append(f"certified least error of {panel.group}-equivariant learners: {_few(panel.least, panel.fc.n)}")
    return "; ".join(says)


def _few(curve: Curve, at: Sequence[int]) -> str:
    """The errors at up to four of the numbers of samples: the first two, one in the middle, the last."""
    known = [n for n in at if n in curve.n]
    chosen = sorted({*known[:2], known[len(known) // 2], known[-1]})
    return ", ".join(f"{curve.error[curve.n.index(n)]:.2f} at n = {n}" for n in chosen)


def _ground(axes: Any, panel: Panel, colours: Mapping[str, str]) -> None:
    """Axes without a frame; no sample and one sample lie as far apart as one and two."""
    last = max(panel.fc.n)
    axes.patch.set_alpha(0)
    axes.set_xscale("symlog", base=2, linthresh=1, linscale=1)
    ticks = [0, *(2**k for k in range(last.bit_length()))]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks([0, 0.25, 0.5], ["0", "¼", "½"])
    axes.set(xlim=(-0.3, 1.15 * last), ylim=(-0.012, TOP))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(colours["faint"])
    axes.tick_params(colors=colours["faint"], length=0, pad=5)
    axes.grid(axis="y", color=colours["faint"], alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)


def _region(axes: Any, least: Curve, panel: Panel, colours: Mapping[str, str]) -> None:
    axes.fill_between(
        least.n, least.error, -1, facecolor=colours["region"], edgecolor=colours["faint"], hatch="///", linewidth=0
    )
    axes.plot(least.n, least.error, color=colours["text"], linewidth=1.4)
    axes.text(
        *panel.words,
        f"proved:\nno {panel.group}-\nequivariant learner\ncan be here",
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=colours["text"],
        linespacing=1.25,
        bbox={"facecolor": colours["region"], "edgecolor": "none", "boxstyle": "round,pad=0.3"},
    )


def _curve(axes: Any, curve: Curve, colour: str, marker: str) -> None:
    axes.errorbar(
        curve.n,
        curve.error,
        yerr=[
            [max(0.0, e - a) for e, a in zip(curve.error, curve.low, strict=True)],
            [max(0.0, b - e) for e, b in zip(curve.error, curve.high, strict=True)],
        ],
        color=colour,
        marker=marker,
        markersize=6,
        linewidth=2.2,
        elinewidth=1.1,
        capsize=2.5,
        zorder=4,
    )


def _names(axes: Any, panel: Panel, colours: Mapping[str, str]) -> None:
    """Each curve has its name beside it."""
    from matplotlib.patheffects import withStroke

    fc, conv = ({"weight": "bold", "zorder": 5, "color": colours[name]} for name in ("fc", "conv"))
    axes.text(0.99, 0.9, "fully-connected net", transform=axes.transAxes, ha="right", **fc)
    name = axes.text(*panel.conv_name, "conv net", transform=axes.transAxes, va="bottom", **conv)
    if panel.least is not None:
        name.set_path_effects([withStroke(linewidth=3, foreground=colours["region"])])  # legible on the hatching


def _heads(figure: Any, panel: Panel, colours: Mapping[str, str]) -> None:
    figure.text(0.012, 0.985, panel.title, ha="left", va="top", size=13.5, weight="bold")
    figure.text(0.012, 0.9, f"test error · {panel.subtitle}", ha="left", va="top", color=colours["faint"])
    figure.text(0.985, 0.012, "training samples", ha="right", va="bottom", color=colours["faint"])


def _lean(drawing: bytes) -> bytes:
    """Without the document type, which names an address, and without a size, so that the page decides."""
    plain = re.sub(r"<!DOCTYPE[^>]*>\s*", "", drawing.decode())
    return re.sub(r'(<svg [^>]*?) width="[^"]*"| height="[^"]*pt"', r"\1", plain, count=2).encode()
