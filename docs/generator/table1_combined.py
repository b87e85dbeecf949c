"""Parts put together: a whole training keeps what all its parts keep, and lower bounds follow from that."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, product
from pathlib import Path
from typing import Any

from generator.markdown import Record, group_title, label, link, table, text, to_claims, word
from generator.table1_parts import COLUMNS, NO_PENALTY, Cell, Part, captioned, inside, says
from theory import bounds
from theory.groups import GROUPS
from theory.table1 import JOINING
from verify.atlas_page import largest

KINDS = ("algorithm", "initialisation", "regularisation")
PAGES = {"step": "claims/table-1.html", "measured": "optimizers.html", "optimizer": "atlas.html"}
"""Where labels are, by what they begin with."""

Choices = Mapping[str, Mapping[str, Sequence[Part]]]
"""What can be chosen of each kind, under headings."""


def missing(report: Record) -> list[str]:
    """Links to what is not certified of all that combinations rest on besides their own parts.

    That is Theorem C.1, what Table 1 rests on, and the steps of its proof that decide no cell alone.
    """
    claims = {c["id"]: c for c in report["claims"]}
    claim = claims["table-1"]
    ids = dict.fromkeys(["thm-c.1", *claim["uses"], *claim["proof_uses"]])
    wrong = [to_claims([id]) for id in ids if id in claims and claims[id]["status"] != "CERTIFIED"]
    wrong += [text(id) for id in ids if id not in claims]
    wrong += [f"the step {JOINING}"] * (JOINING not in {s["name"] for s in claim["steps"]})
    own = {cell["step"] for row in claim["table"] for cell in row["cells"].values()}
    open_steps = [s for s in claim["steps"] if s["verdict"] != "CERTIFIED" and not not_run(s)]
    common = [s for s in open_steps if s["name"] not in own]
    return [*wrong, *(link(s["name"], label(s, "table-1")) for s in common)]


def not_run(step: Record) -> bool:
    """Whether a theorem stands beside the other steps for a kernel that was missing."""
    return bool(step["kernel"]) and step["verdict"] == "UNCHECKED"


def together(parts: Iterable[Part], group: str) -> bool | None:
    """Do all parts keep a group? None if none is known to break it but not all are known to keep it."""
    found = {part.cell(group).holds for part in parts}
    return False if False in found else None if None in found else True


def refused(parts: Sequence[Part]) -> str:
    """Why nothing is certified of a combination, whatever its parts keep; empty if nothing is against it."""
    return "" if unpenalised(parts) else parts[0].penalised


def limited(parts: Sequence[Part]) -> str:
    """On which data alone a combination is a learner, so that no bound on samples follows; empty if on all."""
    return parts[0].plain if unpenalised(parts) else ""


def unpenalised(parts: Sequence[Part]) -> bool:
    """Is there no penalty, or a learner by itself, which has none?"""
    return len(parts) == 1 or parts[-1].row == NO_PENALTY


def kept(parts: Sequence[Part]) -> list[str]:
    """The groups that all parts keep, none if the parts cannot be put together."""
    return [] if refused(parts) else [group for group in COLUMNS if together(parts, group)]


def combinations(report: Record, choices: Choices) -> list[dict[str, Any]]:
    """Each proved combination as data: its parts, the largest groups it is certified under, and the bounds that bind.

    An algorithm that is a learner by itself stands alone. A note says why nothing is certified or no bound follows.
    """
    algorithms, *others = first_lists(choices)
    titles = certified(report)
    blocked = bool(missing(report))
    found = []
    for parts in (p for a in algorithms for p in ([(a,)] if a.whole else product([a], *others))):
        groups = [] if blocked else kept(parts)
        note = refused(parts) or limited(parts)
        binding = [] if note else [id for id in bounds.binding(groups) if id in titles]
        names = {kind: part.title for kind, part in zip(KINDS, parts, strict=False)}
        found.append({**names, "certified under": largest(groups), "bounds": binding, "note": note})
    return found


def first_lists(choices: Choices) -> list[Sequence[Part]]:
    """For each kind what is offered under the first heading, which is what is proved."""
    return [next(iter(choices[kind].values())) for kind in KINDS]


def certified(report: Record) -> dict[str, str]:
    """The titles of the claims that are certified."""
    return {c["id"]: c["title"] for c in report["claims"] if c["status"] == "CERTIFIED"}


def grids(choices: Choices) -> str:
    """For each regulariser a table of algorithms and initialisations, all proved; learners by themselves last."""
    algorithms, starts, penalties = first_lists(choices)
    iterated = [a for a in algorithms if not a.whole]
    head = ("", *(text(start.title) for start in starts))
    made = [
        captioned(
            f"Certified with regularisation: {text(penalty.title)}",
            head,
            ((text(a.title), *(outcome((a, start, penalty)) for start in starts)) for a in iterated),
        )
        for penalty in penalties
    ]
    alone = [
        f"{text(a.title)}: {outcome((a,), '; ')}. It has no first weights, and no penalty."
        for a in algorithms
        if a.whole
    ]
    notes = [f"{text(a.title)}, without regularisation: {text(a.plain)}." for a in iterated if a.plain]
    return "\n\n".join([*made, *(line[0].upper() + line[1:] for line in [*notes, *alone])])


def outcome(parts: Sequence[Part], between: str = "<br>") -> str:
    """The largest groups that a combination keeps, and which part stops the next larger ones."""
    if refused(parts):
        return f"**? open**: {text(refused(parts))}"
    groups = kept(parts)
    stopped = [g for g in COLUMNS if g not in groups]
    next_ones = [g for g in stopped if not any(o != g and o in inside(g) for o in stopped)]
    head = ", ".join(f"**✓ {text(GROUPS[g].letter)}**" for g in largest(groups)) or "none"
    where = [text(limited(parts).partition(":")[0])] if groups and limited(parts) else []
    return between.join([head, *where, *(f"{text(GROUPS[g].letter)}: {stops(parts, g)}" for g in next_ones)])


def stops(parts: Sequence[Part], group: str) -> str:
    """The parts that break a group, or of which it is not known that they keep it."""
    links = []
    for kind, part in zip(KINDS, parts, strict=False):
        cell = part.cell(group)
        if cell.holds is not True:
            links.append(link(f"{says(cell)[0]} {kind}", cell.anchor) if cell.anchor else f"{says(cell)[0]} {kind}")
    return ", ".join(links)


def binding_table(report: Record) -> str:
    """Every lower bound that follows from equivariance, and the smallest group that it needs."""
    claims = {c["id"]: c for c in report["claims"]}
    order = sorted(bounds.LOWER_BOUNDS.items(), key=lambda entry: len(inside(entry[1])))
    found = [(claims[id], group) for id, group in order if id in claims]
    return table(
        ("binds what keeps", "claim", "title", "status", "trust"),
        (
            (
                group_title(group),
                to_claims([c["id"]]),
                text(c["title"]),
                word(c["status"], "CERTIFIED").replace(" ", "\u00a0"),
                str(c["trust"]),
            )
            for c, group in found
        ),
    )


def picker(report: Record, choices: Choices, blocked: bool) -> str:
    """Pick-lists and their data as HTML; hidden until the script runs, since the tables say the same."""
    fields = "".join(
        f'<label for="combine-{kind}">{kind.capitalize()}</label>\n'
        f'<select id="combine-{kind}">{options(choices[kind], chosen)}</select>\n'
        for kind, chosen in zip(KINDS, first_choice(choices), strict=True)
    )
    data = json.dumps(picker_data(report, choices, blocked), ensure_ascii=False).replace("<", "\\u003c")
    return "\n".join(
        [
            f"```{{raw}} html\n<style>\n{beside('combine.css')}</style>",
            f'<form id="combine" class="combine" autocomplete="off" hidden>\n{fields}',
            '<div id="combine-result" class="combine-result" role="status" aria-live="polite"></div>',
            '<div id="combine-why" class="combine-why" role="region" aria-label="Part by part" tabindex="0"></div>',
            f'</form>\n<script type="application/json" id="combine-data">{data}</script>',
            f"<script>\n{beside('combine.js')}</script>\n```",
        ]
    )


def first_choice(choices: Choices) -> tuple[Part, ...]:
    """What the lists show first: the first algorithm, with parts that keep as much as any."""
    algorithms, starts, penalties = first_lists(choices)
    return max(product(algorithms[:1], starts, penalties), key=lambda parts: len(kept(parts)))


def options(headings: Mapping[str, Sequence[Part]], chosen: Part) -> str:
    """The options of a pick-list, numbered through."""
    numbers = count()
    return "".join(
        f'<optgroup label="{html.escape(heading)}">'
        + "".join(
            f'<option value="{next(numbers)}"{" selected" if part is chosen else ""}>{html.escape(part.title)}</option>'
            for part in parts
        )
        + "</optgroup>"
        for heading, parts in headings.items()
    )


def picker_data(report: Record, choices: Choices, blocked: bool) -> dict[str, Any]:
    """All that the script needs: groups, parts with their cells, and the bounds that bind."""
    titles = certified(report)
    return {
        "blocked": blocked,
        "groups": [{"name": n, "title": f"{GROUPS[n].title} {GROUPS[n].letter}", "inside": inside(n)} for n in COLUMNS],
        "parts": {
            kind: [
                {
                    "title": p.title,
                    "whole": p.whole,
                    "none": p.row == NO_PENALTY,
                    "penalised": p.penalised,
                    "plain": p.plain,
                    "cells": {g: cell_data(p.cell(g)) for g in COLUMNS},
                }
                for parts in choices[kind].values()
                for p in parts
            ]
            for kind in KINDS
        },
        "bounds": {
            group: [{"id": id, "title": titles[id]} for id in bounds.binding([group]) if id in titles]
            for group in COLUMNS
        },
    }


def cell_data(cell: Cell) -> list[Any]:
    """Whether it holds, in words, how that is known, and where."""
    return [cell.holds, says(cell), cell.how, address(cell.anchor)]


def address(anchor: str) -> str:
    """The page and the place of a label, seen from the page of Table 1."""
    return f"{PAGES[anchor.partition('-')[0]]}#{anchor}" if anchor else ""


def beside(name: str) -> str:
    """A file next to this module."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
