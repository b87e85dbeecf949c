"""The atlas in HTML that needs nothing else: it sorts, filters and prints without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from theory.groups import GROUPS
from verify.instrument import EXAMINED

__all__ = ["fragment", "page", "table"]

Record = Mapping[str, Any]
Address = Callable[[str], str | None]
"""From a claim to the address of its page, if it has one."""

SIGNS = {"certified": "\N{CHECK MARK}", "refuted": "\N{MULTIPLICATION X}", "inconclusive": "?"}
ORDER = ("certified", "inconclusive", "refuted")
LEGEND = """<p>{count} optimizers, each run coupled with its twin under every group (seed {seed}). <b>{certified}</b>
certified: no violation is seen, and a small planted one was; the number is the worst residual in units of the
rounding that the same run was seen to make. <b>{refuted}</b> refuted: the number is the violation as a part of the
way that training moved. <b>{inconclusive}</b> inconclusive: why not is said instead. <i>Derived</i>: the largest
group that the operations of its steps are proved to keep in exact arithmetic; * marks where a run breaks it.
<i>Bounds</i>: how many lower bounds bind a fully-connected net that it trains from Gaussian first weights. A name
opens its details.</p>"""


def page(atlas: Record) -> str:
    """The whole page."""
    return _file("atlas.html").replace("@FRAGMENT@", fragment(atlas))


def fragment(atlas: Record, address: Address = lambda claim: None) -> str:
    """All but the frame, for the docs too: legend, filters, table, what was left out; with style and script.

    Args:
        atlas: as `verify.atlas.atlas` returns it.
        address: where claims have pages.
    """
    left_out = "".join(f"<li><code>{escape(o['name'])}</code>: {escape(o['reason'])}</li>" for o in atlas["left_out"])
    options = "".join(f'<option value="{i}">{escape(GROUPS[g].title)}</option>' for i, g in enumerate(EXAMINED, 1))
    return "\n".join(
        [
            f'<style>\n{_file("atlas.css")}</style>\n<div class="atlas">',
            LEGEND.format(count=len(atlas["optimizers"]), seed=atlas["seed"], **SIGNS),
            '<form role="search"><label>Name <input name="name" type="search"></label>',
            f'<label>Keeps <select name="keeps"><option value="">any</option>{options}</select></label>',
            '<output aria-live="polite"></output></form>',
            '<div class="scroll" tabindex="0" role="region" aria-label="Atlas">',
            table(atlas, address),
            f"</div>\n<h2>Left out</h2>\n<ul>{left_out}</ul>" if left_out else "</div>",
            f"</div>\n<script>\n{_file('atlas.js')}</script>",
        ]
    )


def table(atlas: Record, address: Address = lambda claim: None) -> str:
    """The table alone: two rows for each optimizer, the second with reasons and settings."""
    heads = ["optimizer", *(GROUPS[g].title for g in EXAMINED), "derived", "bounds"]
    head = "".join(f'<th scope="col"><button type="button">{escape(h)}</button></th>' for h in heads)
    bodies = "\n".join(_body(o, address) for o in atlas["optimizers"])
    return f"<table><thead><tr>{head}</tr></thead>\n{bodies}\n</table>"


def _body(optimizer: Record, address: Address) -> str:
    package, _, name = optimizer["name"].partition(":")
    cells = "".join(_cell(optimizer["groups"][g], g in optimizer["differs"]) for g in EXAMINED)
    derived = optimizer["derived"]
    narrow = f", {'/'.join(derived['low_precision'])} inside" if derived["low_precision"] else ""
    largest = GROUPS[derived["largest"]].title if derived["largest"] in GROUPS else "unknown"
    rank = EXAMINED.index(derived["largest"]) if derived["largest"] in EXAMINED else -1
    return (
        f'<tbody><tr><th scope="row" data-key="{escape(optimizer["name"].lower())}">'
        f'<button type="button">{escape(name)}</button> <small>{escape(package)}</small></th>{cells}'
        f'<td data-key="{rank}">{escape(largest + narrow)}</td>'
        f'<td data-key="{len(optimizer["bounds"])}">{len(optimizer["bounds"])}</td></tr>'
        f'<tr class="more"><td colspan="{len(EXAMINED) + 3}"><ul>{_more(optimizer, address)}</ul></td></tr></tbody>'
    )


def _cell(found: Record, differs: bool) -> str:
    """Verdict, and its level or its size; sorted by verdict, then by level, then by number."""
    verdict = found["verdict"]
    ratio = found["residual"] / found["control"] if found["residual"] and found["control"] else 0.0
    if verdict == "certified":
        says, order = found["level"], ratio
        says += f", {ratio:.1f}" if found["level"] in ("rounding", "exact-rational") else ""
    elif verdict == "refuted":
        says, order = (f"{found['size']:.1g}" if found["size"] is not None else "in law"), found["size"] or ratio
    else:
        says, order = found["reason"].partition(":")[0].partition(",")[0], 0.0
    rank = 1e6 * ORDER.index(verdict)
    return (
        f'<td class="{verdict}" data-key="{rank + min(order, 1e5):.9g}">'
        f'<span class="sign" role="img" aria-label="{verdict}">{SIGNS[verdict]}</span> '
        f"{escape(says)}{' *' if differs else ''}</td>"
    )


def _more(optimizer: Record, address: Address) -> str:
    """Reasons, settings and bounds."""
    items = [f"{GROUPS[g].title}: {f['reason']} ({f['settings']} settings)" for g, f in optimizer["groups"].items()]
    items += [f"not derived, {GROUPS[g].title}: {why}" for g, why in optimizer["derived"]["reasons"].items()]
    for kind in ("default", "warmed"):
        settings = ", ".join(f"{k}={_short(v)}" for k, v in optimizer[kind]["settings"].items())
        items.append(f"{kind} settings: {settings or 'none given'}")
    bounds = ", ".join(_claim(id, address(id)) for id in optimizer["bounds"])
    return "".join(f"<li>{escape(item)}</li>" for item in items) + f"<li>bounds that bind: {bounds or 'none'}</li>"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _claim(id: str, place: str | None) -> str:
    return escape(id) if place is None else f'<a href="{escape(place)}">{escape(id)}</a>'


def _file(name: str) -> str:
    return files("verify").joinpath(name).read_text(encoding="utf-8")
