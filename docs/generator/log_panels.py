"""Small panels with two logarithmic axes as SVG; the colours are the theme's, so that both themes are legible."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

__all__ = ["Line", "panel", "panels", "swatch"]

WIDTH, HEIGHT = 240, 230
LEFT, RIGHT, TOP, BOTTOM = 34, 222, 22, 196
"""Edges of the drawing area inside the panel, in pixels."""
APART, LABELS = 11, 6
"""The least distance of two letters at the ends of lines; how many powers of ten an axis names at most."""
OWN, OTHER = "var(--color-brand-primary)", "var(--color-foreground-secondary)"
DASHES = {"lower": "", "upper": "5 3", "uncertified": "1 3"}
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Line:
    """One function in a panel.

    Attributes:
        letter: what the legend calls it.
        kind: lower (solid, shaded below), upper (dashed), or uncertified (dotted).
        own: whether it is what the picture is about, so that it is drawn bold.
        points: (x, y), both positive.
    """

    letter: str
    kind: str
    own: bool
    points: tuple[tuple[int, int], ...]

    @property
    def style(self) -> str:
        """Its stroke."""
        dash = f";stroke-dasharray:{DASHES[self.kind]}" if DASHES[self.kind] else ""
        return f"fill:none;stroke:{OWN if self.own else OTHER};stroke-width:{2.4 if self.own else 1.2}{dash}"


@dataclass(frozen=True)
class Axes:
    """The logarithms of the ends of both axes."""

    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point is drawn."""
        across = (math.log10(x) - self.x[0]) / (self.x[1] - self.x[0])
        up = (math.log10(y) - self.y[0]) / (self.y[1] - self.y[0])
        return round(LEFT + across * (RIGHT - LEFT), 1), round(BOTTOM - up * (BOTTOM - TOP), 1)


def panels(drawn: Sequence[tuple[str, Sequence[Line], str]], xs: Sequence[int], axis: str) -> str:
    """Panels side by side, as many as there is room for, with the same axes.

    Args:
        drawn: for each panel its title, its lines and its description in words.
        xs: the values of x.
        axis: what x is.
    """
    heights = [math.log10(y) for _, lines, _ in drawn for line in lines for _, y in line.points]
    low, high = math.floor(min(heights)), math.ceil(max(heights))
    axes = Axes((math.log10(min(xs)), math.log10(max(xs))), (low, max(high, low + 1)))
    shown = "\n".join(panel(title, lines, words, axes, axis) for title, lines, words in drawn)
    return f'<div style="display:flex;flex-wrap:wrap;gap:0.5rem">\n{shown}\n</div>'


def panel(title: str, lines: Sequence[Line], words: str, axes: Axes, axis: str) -> str:
    """One panel."""
    empty = ", ".join(line.letter for line in lines if not line.points)
    note = (
        f'<text x="{LEFT + 5}" y="{TOP + 13}" style="font-style:italic">{empty}: nothing here</text>' if empty else ""
    )
    inside = [*grid(axes, axis), *(shade(line, axes) for line in lines), *(curve(line, axes) for line in lines)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(words)}" style="flex:1 1 {WIDTH - 20}px;min-width:0;max-width:26rem;font-size:10px;'
        f'fill:var(--color-foreground-primary)">'
        f'<text x="{LEFT}" y="13" style="font-weight:bold">{html.escape(title)}</text>'
        + "".join([*inside, *letters(lines, axes), note])
        + "</svg>"
    )


def grid(axes: Axes, axis: str) -> list[str]:
    """Powers of ten on both axes, with thin lines, and what the axes show."""
    drawn = []
    for k in powers(axes.y):
        y = axes.place(1, 10**k)[1]
        drawn += [rule(LEFT, y, RIGHT, y), f'<text x="{LEFT - 4}" y="{y + 3.5}" text-anchor="end">{power(k)}</text>']
    for k in powers(axes.x):
        x = axes.place(10**k, 10 ** axes.y[0])[0]
        drawn += [rule(x, TOP, x, BOTTOM), f'<text x="{x}" y="{BOTTOM + 13}" text-anchor="middle">{power(k)}</text>']
    middle = (LEFT + RIGHT) / 2
    drawn.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(axis)}</text>')
    drawn.append(f'<text x="2" y="{TOP - 9}">n</text>')
    return drawn


def powers(ends: tuple[float, float]) -> range:
    """The exponents that an axis names."""
    low, high = math.ceil(ends[0]), math.floor(ends[1])
    step = next(s for s in count(1) if (high - low) / s < LABELS)
    return range(low, high + 1, step)


def power(k: int) -> str:
    """1, 10, 100, then 10³ and so on."""
    return str(10**k) if 0 <= k <= 2 else "10" + str(k).translate(SUPERSCRIPT)


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    """A thin line behind all else."""
    return f'<path d="M{x1} {y1}L{x2} {y2}" style="stroke:var(--color-background-border);stroke-width:1"/>'


def path(line: Line, axes: Axes) -> str:
    """The points of a line as SVG's path data."""
    return "M" + "L".join("{} {}".format(*axes.place(*point)) for point in line.points)


def shade(line: Line, axes: Axes) -> str:
    """The region below a lower bound."""
    if line.kind != "lower" or not line.points:
        return ""
    first, last = axes.place(*line.points[0])[0], axes.place(*line.points[-1])[0]
    look = f"stroke:none;fill:{OWN if line.own else OTHER};fill-opacity:{0.18 if line.own else 0.09}"
    return f'<path d="{path(line, axes)}L{last} {BOTTOM}L{first} {BOTTOM}Z" style="{look}"/>'


def curve(line: Line, axes: Axes) -> str:
    """The line, with a dot for each number that was evaluated; pointing at a bold one shows it."""
    if not line.points:
        return ""
    colour, size = (OWN, 2.6) if line.own else (OTHER, 1.4)
    dots = ""
    for x, y in line.points:
        across, up = axes.place(x, y)
        dots += f'<circle cx="{across}" cy="{up}" r="{size}" style="fill:{colour}"><title>{x}: {y:,}</title></circle>'
    return f'<path d="{path(line, axes)}" style="{line.style}"/>{dots}'


def letters(lines: Sequence[Line], axes: Axes) -> list[str]:
    """A letter at the end of each line; moved apart where two lines meet."""
    ends = sorted((axes.place(*line.points[-1])[1], line.letter, line.own) for line in lines if line.points)
    heights: list[float] = []
    for y, _, _ in ends:
        heights.append(max(y + 3.5, heights[-1] + APART if heights else TOP))
    room = float(BOTTOM)
    for k in reversed(range(len(heights))):
        heights[k] = min(heights[k], room)
        room = heights[k] - APART
    return [
        f'<text x="{RIGHT + 6}" y="{round(y, 1)}" style="font-weight:{"bold" if own else "normal"}">{letter}</text>'
        for y, (_, letter, own) in zip(heights, ends, strict=True)
    ]


def swatch(line: Line) -> str:
    """A piece of the line, for the legend."""
    return f'<svg width="30" height="8" aria-hidden="true"><path d="M1 4L29 4" style="{line.style}"/></svg>'
