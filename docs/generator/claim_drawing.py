"""How claims are drawn: outlines for trust, signs and colours for status, lines for what they rest on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

import networkx as nx

from generator.graph_layout import Layout, Point, Room
from generator.markdown import SIGNS, Record
from theory.evidence import Trust

NONE = "none"
"""The name of no trust at all."""
ID, TITLE = 12.5, 11.0
"""Sizes of letters, in pixels; as in map.css."""
PAD = 9.0
"""What stays free left and right of text, in pixels."""
CUT = 12.0
"""How far a hexagon is pointed, in pixels."""


def _polygon(*points: Point) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "Z"


def _box(w: float, h: float) -> str:
    return _polygon((-w, -h), (w, -h), (w, h), (-w, h))


def _rounded(w: float, h: float, r: float, outwards: int) -> str:
    turn = f"A{r:g} {r:g} 0 0 {outwards} "
    return (
        f"M{r - w:g} {-h:g}H{w - r:g}{turn}{w:g} {r - h:g}V{h - r:g}{turn}{w - r:g} {h:g}"
        f"H{r - w:g}{turn}{-w:g} {h - r:g}V{r - h:g}{turn}{r - w:g} {-h:g}Z"
    )


def _hexagon(w: float, h: float) -> str:
    return _polygon((CUT - w, -h), (w - CUT, -h), (w, 0), (w - CUT, h), (CUT - w, h), (-w, 0))


def _octagon(w: float, h: float) -> str:
    c = 0.45 * h
    return _polygon((c - w, -h), (w - c, -h), (w, c - h), (w, h - c), (w - c, h), (c - w, h), (-w, h - c), (-w, c - h))


OUTLINES: Mapping[str, Callable[[float, float], str]] = {
    Trust.KERNEL.name: lambda w, h: _box(w, h) + _box(w - 4, h - 4),
    Trust.EXACT.name: _box,
    Trust.ENCLOSED.name: lambda w, h: _rounded(w, h, 0.7 * h, 1),
    Trust.CITED.name: _hexagon,
    Trust.SAMPLED.name: _octagon,
    Trust.SIMULATED.name: lambda w, h: _rounded(w, h, 0.45 * h, 0),
    NONE: _box,
}
"""Paths by half a width and half a height; all go through the middles of the left and of the right side."""


def look(status: str, expected: str) -> str:
    """The class that colours a status: any that is not the expected one looks the same, and loud."""
    return status.lower() if status == expected else "unexpected"


def sign(status: str, expected: str) -> str:
    """A status as one letter, after an exclamation mark if it is not the expected one."""
    return ("" if status == expected else "! ") + SIGNS.get(status, "?")


def node(claim: Record, middle: Point, room: Room) -> str:
    """A claim as a link to its page."""
    status, expected, trust = claim["status"], claim["expected"], claim["trust"] or NONE
    says = f"{claim['id']}: {claim['title']}. {sign(status, expected)} {status}"
    says += f", trust {trust}" + ("" if status == expected else f"; wanted {expected}")
    data = {"id": claim["id"], "uses": " ".join(claim["uses"]), "proof-uses": " ".join(claim["proof_uses"])}
    given = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    return (
        f'<a class="node" href="claims/{escape(claim["id"])}.html" {given} '
        f'transform="translate({middle[0]:g} {middle[1]:g})"><title>{escape(says)}</title>'
        + shape(status, expected, trust, room, *words(claim, room))
        + "</a>"
    )


def shape(
    status: str, expected: str, trust: str, room: Room, ids: Sequence[str] = ("",), rest: Sequence[str] = ()
) -> str:
    """The outline around the sign, an id and other lines of text; also for the legend, without text."""
    path = OUTLINES[trust](room.width / 2, room.height / 2)
    lines = [("id", escape(line)) for line in ids] + [("title", escape(line)) for line in rest]
    lines[0] = ("id", f'<tspan class="sign">{sign(status, expected)}</tspan> {lines[0][1]}'.rstrip())
    step = TITLE + 4
    top = -step * (len(lines) - 1) / 2 + TITLE / 2 - 1
    texts = "".join(
        f'<text class="{kind}" y="{top + step * k:g}">{line}</text>' for k, (kind, line) in enumerate(lines)
    )
    return f'<g class="{look(status, expected)} {trust.lower()}"><path d="{path}"/>{texts}</g>'


def words(claim: Record, room: Room) -> tuple[list[str], list[str]]:
    """What stands in a node: its id, then as much of its title as there is room for in three lines."""
    wide = room.width - 2 * PAD
    ids = wrapped(re.findall(r"[^-]*-?", claim["id"]), wide - 1.2 * ID, ID, "")
    wrong = [] if claim["status"] == claim["expected"] else [f"wanted {claim['expected']}"]
    room_left = max(3 - len(ids) - len(wrong), 0)
    title = wrapped(claim["title"].split(), wide, TITLE, " ")
    if len(title) > room_left:
        title = title[:room_left]
        title[-1:] = [shortened(line, wide) for line in title[-1:]]
    return ids, [*title, *wrong]


def wrapped(pieces: Sequence[str], wide: float, size: float, glue: str) -> list[str]:
    """Pieces of text on as few lines as they fit."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        longer = lines[-1] + glue + piece
        lines[-1:] = [longer] if width(longer, size) <= wide else [lines[-1], piece]
    return lines


def shortened(line: str, wide: float) -> str:
    """A line with an ellipsis at its end."""
    while line and width(f"{line}…", TITLE) > wide:
        line = line[:-1]
    return f"{line.rstrip(' ,:(')}…"


def width(line: str, size: float) -> float:
    """How wide a line is in the letters of map.css, rather too much than too little."""
    narrow, wide = sum(c in " .,;:'()|ijlt-" for c in line), sum(c in "mwMW…" for c in line)
    tall = sum(c.isupper() and c not in "MW" for c in line)
    return size * (0.33 * narrow + 0.9 * wide + 0.7 * tall + 0.57 * (len(line) - narrow - wide - tall))


def edges(drawn: nx.DiGraph[str], layout: Layout) -> Iterator[str]:
    """All lines, those of statements first, so that a solid one is never hidden."""
    for source, target in sorted(drawn.edges, key=lambda e: (drawn.edges[e]["kind"] != "statement", e)):
        kind = "statement" if drawn.edges[source, target]["kind"] == "statement" else "proof"
        given = f'data-from="{escape(source)}" data-to="{escape(target)}"'
        yield line(kind, layout.ways[source, target], given)


def line(kind: str, points: Sequence[Point], given: str = "") -> str:
    """One line with its tip; also for the legend."""
    x, y = points[-1]
    return (
        f'<g class="edge {kind}" {given}><path d="{curve(points)}"/><path class="tip" d="M{x:g} {y:g}l-7 -3.5v7z"/></g>'
    )


def curve(points: Sequence[Point]) -> str:
    """A smooth path: it bends between columns and is level where it passes one."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
        middle = (x + to_x) / 2
        path += f"H{to_x:g}" if number % 2 else f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"
    return path


def picture(claims: Sequence[Record], drawn: nx.DiGraph[str], layout: Layout, room: Room) -> str:
    """The map; its nodes follow each other column by column, as one reads and tabs."""
    order = sorted(claims, key=lambda claim: layout.middles[claim["id"]])
    wide, high = f"{layout.width:g}", f"{layout.height:g}"
    return "\n".join(
        [
            f'<svg id="claim-map" class="claim-map" width="{wide}" height="{high}" '
            f'viewBox="0 0 {wide} {high}" role="none">',  # its box has the name
            '<g aria-hidden="true">',
            *edges(drawn, layout),
            "</g>",
            *(node(claim, layout.middles[claim["id"]], room) for claim in order),
            "</svg>",
        ]
    )
