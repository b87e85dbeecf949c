"""The atlas in HTML that needs nothing else: it sorts, filters and prints without a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from theory.bounds import TASKS
from theory.groups import GROUPS, is_subgroup
from verify.instrument import EXAMINED

__all__ = ["anchor", "fragment", "largest", "page", "table"]

Record = Mapping[str, Any]
Address = Callable[[str], str | None]
"""From a claim to the address of its page, if it has one."""

SIGNS = {"certified": "\N{CHECK MARK}", "refuted": "\N{BALLOT X}", "inconclusive": "?"}
ORDER = ("certified", "inconclusive", "refuted")
LEVELS = ("bitwise", "exact-rational", "rounding")
LEGEND = """<p>{count} optimizers, each run coupled with its twin under every group (seed {seed}).</p>
<ul>
<li><b>{certified} holds</b>: certified. No violation is seen, and a small planted one was.</li>
<li><b>{refuted} fails</b>: refuted. The number is the violation as a part of the way that training moved.</li>
<li><b>{inconclusive}</b>: inconclusive. Why is said instead.</li>
<li><i>Keeps</i>: the largest of the groups that hold. <i>Level</i> and <i>residual</i> are of the runs under it: how
closely they agree, and the worst difference of outputs that should agree, also in units of the rounding that the same
runs were seen to make.</li>
<li><i>Derived</i>: the largest group that the operations of its steps are proved to keep in exact arithmetic; * marks
where a run breaks it.</li>
<li><i>Lower bounds for</i>: the tasks on which a lower bound on the number of samples binds every fully-connected net
that it trains from Gaussian first weights, among {tasks}; the details name the claims.</li>
</ul>
<p>A name opens the details: reasons, settings, bounds.</p>"""


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
    options = "".join(f'<option value="{g}">{escape(GROUPS[g].title)}</option>' for g in EXAMINED)
    return "\n".join(
        [
            f'<style>\n{_file("atlas.css")}</style>\n<div class="atlas">',
            LEGEND.format(count=len(atlas["optimizers"]), seed=atlas["seed"], tasks=", ".join(TASKS), **SIGNS),
            '<form role="search" autocomplete="off" hidden>',
            '<label for="atlas-filter">Name contains</label>',
            '<input id="atlas-filter" type="search">',
            '<label for="atlas-keeps">Keeps</label>',
            f'<select id="atlas-keeps"><option value="">any group</option>{options}</select>',
            '<output id="atlas-count" for="atlas-filter atlas-keeps" aria-live="polite"></output></form>',
            '<div class="scroll" tabindex="0" role="region" aria-label="Atlas">',
            table(atlas, address),
            f"</div>\n<h2>Left out</h2>\n<ul>{left_out}</ul>" if left_out else "</div>",
            f"</div>\n<script>\n{_file('atlas.js')}</script>",
        ]
    )


def table(atlas: Record, address: Address = lambda claim: None) -> str:
    """The table alone: two rows for each optimizer, the second with reasons and settings."""
    groups = [GROUPS[g].title for g in EXAMINED]
    heads = ["optimizer", "keeps", *groups, "level", "residual", "derived", "lower bounds for"]
    head = "".join(f'<th scope="col" aria-sort="none"><button type="button">{escape(h)}</button></th>' for h in heads)
    bodies = "\n".join(_body(o, len(heads), address) for o in atlas["optimizers"])
    caption = "<caption>Optimizers under groups; a head sorts by its column</caption>"
    return f'<table id="atlas-table">{caption}<thead><tr>{head}</tr></thead>\n{bodies}\n</table>'


def anchor(name: str) -> str:
    """The id of an optimizer's row.

    Example:
        >>> anchor("torch.optim:SGD")
        'optimizer-torch-optim-sgd'
    """
    return "optimizer-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def largest(names: Iterable[str]) -> list[str]:
    """The groups among some that none of the others contains.

    Example:
        >>> largest(["permutation", "sign_flip", "cyclic_shift"])
        ['permutation', 'sign_flip']
    """
    found = list(names)
    return [n for n in found if not any(n != o and is_subgroup(GROUPS[n], GROUPS[o]) for o in found)]


def _body(optimizer: Record, width: int, address: Address) -> str:
    package, _, name = optimizer["name"].partition(":")
    key = f"{name} {optimizer['name']}"  # sorts by the class, and is found by the package too
    groups = optimizer["groups"]
    kept = [g for g in EXAMINED if groups[g]["verdict"] == "certified"]
    cells = "".join(_cell(g, groups[g], g in optimizer["differs"]) for g in EXAMINED)
    derived = optimizer["derived"]
    narrow = f", {'/'.join(derived['low_precision'])} inside" if derived["low_precision"] else ""
    found = GROUPS[derived["largest"]].title if derived["largest"] in GROUPS else "unknown"
    rank = EXAMINED.index(derived["largest"]) if derived["largest"] in EXAMINED else -1
    tops = ", ".join(GROUPS[g].title for g in largest(kept)) or "none"
    return (
        f'<tbody><tr id="{anchor(optimizer["name"])}"><th scope="row" data-key="{escape(key.lower())}">'
        f'<button type="button">{escape(name)}</button> <small>{escape(package)}</small></th>'
        f'<td data-key="{len(kept)}">{escape(tops)}</td>{cells}{_numbers([groups[g] for g in largest(kept)])}'
        f'<td data-key="{rank}">{escape(found + narrow)}</td>'
        f'<td data-key="{len(optimizer["bounds"])}">{escape(_tasks(kept))}</td></tr>'
        f'<tr class="more"><td colspan="{width}"><ul>{_more(optimizer, address)}</ul></td></tr></tbody>'
    )


def _tasks(kept: Iterable[str]) -> str:
    """The tasks with a lower bound that needs no more than some of the groups."""
    groups = [GROUPS[g] for g in kept]
    bound = [n for n, t in TASKS.items() if any(is_subgroup(GROUPS[needs], g) for needs, _ in t.lower for g in groups)]
    return f"all {len(bound)} tasks" if len(bound) == len(TASKS) else ", ".join(bound) or "none"


def _numbers(found: list[Record]) -> str:
    """Level and residual under the largest groups that are kept, the worst if there are several."""
    if not found:
        return '<td data-key="9">none</td><td data-key="9e9">none</td>'
    level = max((f["level"] for f in found), key=LEVELS.index)
    cell = f'<td data-key="{LEVELS.index(level)}">{escape(level)}</td>'
    if any(f["residual"] is None for f in found):
        return cell + '<td data-key="8e9">unknown</td>'
    worst = max(found, key=lambda f: float(f["residual"]))
    residual = worst["residual"]
    units = f"<br><small>{_ratio(worst):.1f} \N{MULTIPLICATION SIGN} rounding</small>" if residual else ""
    return f'{cell}<td data-key="{residual:.9g}">{f"{residual:.1e}" if residual else "0"}{units}</td>'


def _ratio(found: Record) -> float:
    return found["residual"] / found["control"] if found["residual"] and found["control"] else 0.0


def _cell(group: str, found: Record, differs: bool) -> str:
    """The verdict, with the size of a violation; sorted by verdict, then by residual or size."""
    verdict = found["verdict"]
    if verdict == "certified":
        says, order = "holds", _ratio(found)
    elif verdict == "refuted":
        says, order = (
            (f"fails {found['size']:.1g}" if found["size"] is not None else "fails in law"),
            found["size"] or 0.0,
        )
    else:
        says, order = found["reason"].partition(":")[0].partition(",")[0], 0.0
    rank = 1e6 * ORDER.index(verdict)
    return (
        f'<td class="{verdict}" data-group="{group}" data-key="{rank + min(order, 1e5):.9g}">'
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
