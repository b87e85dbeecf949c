"""The map: all claims as a graph, and the same as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape

import networkx as nx

from generator.claim_drawing import NONE, line, picture, shape, sign
from generator.graph_layout import Room, circle_of, place
from generator.markdown import Pages, Record, as_json, page
from generator.report import BadReportError
from generator.run import verdict
from theory.evidence import Trust

ORIGINS = {
    "paper": "the paper",
    "ours": "ours",
    "literature": "the literature, proved here",
    "cited": "the literature, cited and not proved here",
}
PAPER = "Li, Zhang, Arora"
FEW = 4
"""So many links stand open in a cell; more of them are folded."""
EXAMPLES = (
    ("CERTIFIED", "CERTIFIED", "certified"),
    ("REFUTED", "REFUTED", "refuted, as it should be"),
    ("REFUTED", "CERTIFIED", "refuted, which is NOT expected"),
    ("CERTIFIED", "REFUTED", "certified, which is NOT expected"),
    ("INCONCLUSIVE", "CERTIFIED", "not decided or not checked, which is no pass"),
)
"""One status for each way that nodes look."""


def pages(report: Record) -> Pages:
    """The page and its data."""
    claims = report["claims"]
    graph = graph_of(claims)
    drawn = reduced(graph)
    return {"map.md": map_page(report, graph, drawn), "map.json": as_json(data(claims, graph, drawn))}


def graph_of(claims: Sequence[Record]) -> nx.DiGraph[str]:
    """What rests on what: an edge leads from what is used to what uses it, in its statement, its proof or both.

    Raises:
        BadReportError: a claim uses one that the report does not have, or claims use each other in a circle.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(claim["id"] for claim in claims))
    for claim in claims:
        stated, proved = set(claim["uses"]), set(claim["proof_uses"])
        for used in sorted(stated | proved):
            if used not in graph:
                raise BadReportError(f"the report is damaged: {claim['id']} rests on {used}, which is not in it")
            kind = "statement" if used not in proved else "both" if used in stated else "proof"
            graph.add_edge(used, claim["id"], kind=kind)
    if circle := circle_of(graph):
        raise BadReportError(f"the report is damaged: claims rest on each other in a circle: {' -> '.join(circle)}")
    return graph


def reduced(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The lines to draw: without those that a path of others implies, of proofs only if the proof is not cut short."""
    proofs = nx.restricted_view(graph, [], [(a, b) for a, b, kind in graph.edges(data="kind") if kind == "statement"])
    kept = [*nx.transitive_reduction(proofs).edges]
    kept += [edge for edge in nx.transitive_reduction(graph).edges if edge not in proofs.edges]
    drawn: nx.DiGraph[str] = nx.DiGraph()
    drawn.add_nodes_from(graph)
    drawn.add_edges_from((a, b, graph.edges[a, b]) for a, b in sorted(kept))
    return drawn


def origin(claim: Record) -> str:
    """Who says it: the paper, this project, or others, with a proof here or without."""
    if claim["kind"] == "cited":
        return "cited"
    if claim["source"].startswith(PAPER):
        return "paper"
    return "ours" if claim["source"].startswith("ours") else "literature"


def data(claims: Sequence[Record], graph: nx.DiGraph[str], drawn: nx.DiGraph[str]) -> Record:
    """The nodes and the lines of the map."""
    plain = ("id", "title", "kind", "status", "expected", "trust", "rests_on", "uses", "proof_uses", "used_by")
    return {
        "claims": [{**{k: c[k] for k in plain}, "from": origin(c), "steps": len(c["steps"])} for c in claims],
        "lines": [
            {"from": a, "to": b, "kind": kind, "drawn": (a, b) in drawn.edges}
            for a, b, kind in sorted(graph.edges(data="kind"))
        ],
    }


def map_page(report: Record, graph: nx.DiGraph[str], drawn: nx.DiGraph[str]) -> str:
    """The map with its legend, and the table."""
    claims = report["claims"]
    alone = nx.number_of_isolates(graph)
    return "---\nhide-toc: true\n---\n\n(map)=\n" + page(
        "Map of the claims",
        "" if report["ok"] else verdict(report),
        f"What rests on what, and how sure is each of the {len(claims)} claims? The map reads from left to right: a "
        "line leads from a claim to one that rests on it. A click opens the claim; pointing at it, or reaching it by "
        "Tab, shows all that it rests on and all that rests on it. [The same as a table](#map-table).",
        "```{raw} html\n" + "\n".join(figure(claims, drawn)) + "\n```",
        f"There are {graph.number_of_edges()} direct dependencies, and {drawn.number_of_edges()} of them are drawn. "
        "One is left out where drawn lines lead from one claim to the other anyway; for a dependency of a proof, solid "
        "lines alone. Lines from the same claim share their way."
        + (f" {alone} claims at the bottom have no line at all." if alone > 1 else "")
        + " The trust of a claim is the weakest of its own steps and of all that its proof rests on, unless "
        "one theorem in Coq proves all of it:",
        "```{include} trust.inc\n```",
        "How far each is to be believed is said in [](../reliability.md).",
        "(map-table)=\n## The same as a table",
        "A click on a column's head sorts. The search above leaves out rows here, too. As data: [map.json](map.json).",
        '```{raw} html\n<div class="map-scroll" tabindex="0" role="region" aria-label="Table of the claims">\n'
        + "\n".join(rows(claims))
        + '\n</div>\n<script src="../_static/map.js"></script>\n```',
    )


def figure(claims: Sequence[Record], drawn: nx.DiGraph[str]) -> Iterator[str]:
    """The legend, the controls and the map."""
    room = Room()
    options = "".join(f'<option value="{name}">{escape(words)}</option>' for name, words in ORIGINS.items())
    yield '<link rel="stylesheet" href="../_static/map.css">'
    yield '<figure class="claim-figure">'
    yield from legend(claims)
    yield (
        '<form id="map-filter" role="search" autocomplete="off" hidden><label>Search <input name="words" type="search" '
        'placeholder="id or title"></label> <label>From <select name="origin"><option value="">anywhere</option>'
        f'{options}</select></label> <output aria-live="polite"></output></form>'
    )
    yield (
        '<div id="map-zoom" role="group" aria-label="Zoom" hidden><button type="button" id="map-zoom-in" '
        'aria-label="Zoom in">+</button><button type="button" id="map-zoom-out" aria-label="Zoom out">−</button>'
        '<button type="button" id="map-reset">Reset</button><small>or the keys + − 0, arrows, Ctrl and wheel; drag to '
        "move</small></div>"
    )
    yield (
        f'<div id="map-box" class="map-scroll" tabindex="0" role="region" aria-label="Map of {len(claims)} claims, '
        'each a link">'
    )
    yield picture(claims, drawn, place(drawn, room), room)
    yield '</div><p id="map-says" hidden></p></figure>'


def legend(claims: Sequence[Record]) -> Iterator[str]:
    """What shapes, colours and lines mean, drawn as in the map, with how many there are."""
    room = Room(width=64, height=26)
    trusts = Counter(c["trust"] or NONE for c in claims)
    levels = [level.name for level in sorted(Trust, reverse=True)] + [NONE]

    def entry(drawing: str, says: str, count: int | None = None) -> str:
        number = "" if count is None else f' <span class="count">{count}</span>'
        view = f"{-room.width / 2 - 3:g} {-room.height / 2 - 3:g} {room.width + 6:g} {room.height + 6:g}"
        return (
            f'<li><svg class="claim-map" viewBox="{view}" width="{room.width + 6:g}" height="{room.height + 6:g}" '
            f'aria-hidden="true">{drawing}</svg><span>{escape(says)}{number}</span></li>'
        )

    yield '<div class="claim-legend" role="group" aria-label="Legend">'
    yield "<p>Shape: trust</p><ul>"
    for name in levels:
        yield entry(shape("CERTIFIED", "CERTIFIED", name, room), name, trusts[name])
    yield "</ul><p>Colour and sign: status</p><ul>"
    for status, expected, says in EXAMPLES:
        alike = [c for c in claims if sign(c["status"], c["expected"]) == sign(status, expected)]
        yield entry(shape(status, expected, Trust.EXACT.name, room), says, len(alike))
    yield "</ul><p>Line: dependency</p><ul>"
    for kind, says in (("proof", "the proof uses it"), ("statement", "only the statement uses it")):
        yield entry(line(kind, [(-room.width / 2, 0), (room.width / 2, 0)]), says)
    yield "</ul></div>"


def rows(claims: Sequence[Record]) -> Iterator[str]:
    """The table; keys to sort by stand in the cells."""
    heads = ("claim", "title", "kind", "from", "status", "expected", "trust", "steps", "rests on", "used by")
    yield '<table id="claim-table"><caption>All claims, at first each after all that it rests on</caption><thead><tr>'
    yield "".join(f'<th scope="col" aria-sort="none"><button type="button">{head}</button></th>' for head in heads)
    yield "</tr></thead><tbody>"
    for claim in claims:
        status, expected, trust = claim["status"], claim["expected"], claim["trust"]
        wrong = status != expected
        used = sorted({*claim["uses"], *claim["proof_uses"]})
        rank = len(Trust) - Trust[trust] if trust else len(Trust)
        cited = [id for id in claim["rests_on"] if id != claim["id"]]
        sources = f" <small>from {to_pages(cited)}</small>" if trust == "CITED" and cited else ""
        yield (
            f'<tr data-id="{escape(claim["id"])}" data-origin="{origin(claim)}"'
            f'{" class=unexpected" if wrong else ""}><th scope="row">{to_pages([claim["id"]])}</th>'
            f"<td>{escape(claim['title'])}</td><td>{claim['kind']}</td><td>{origin(claim)}</td>"
            f"<td>{sign(status, expected)} {status}{' (NOT as expected)' if wrong else ''}</td><td>{expected}</td>"
            f'<td data-key="{rank}">{trust or NONE}{sources}</td><td>{len(claim["steps"])}</td>'
            f'<td data-key="{len(used)}">{to_pages(used)}</td>'
            f'<td data-key="{len(claim["used_by"])}">{to_pages(claim["used_by"])}</td></tr>'
        )
    yield "</tbody></table>"


def to_pages(ids: Iterable[str]) -> str:
    """Links to claims, folded if they are many."""
    links = [f'<a href="claims/{escape(id)}.html">{escape(id)}</a>' for id in ids]
    shown = ", ".join(links) or "nothing"
    return shown if len(links) <= FEW else f"<details><summary>{len(links)} claims</summary>{shown}</details>"
