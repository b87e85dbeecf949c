"""What people see of examinations: one optimizer, the atlas, a counterexample run again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from theory.groups import GROUPS
from verify.display import STYLES
from verify.instrument import EXAMINED

__all__ = ["atlas_table", "check_page", "examined", "replay_page"]

Record = Mapping[str, Any]
ASSUMED = "nn.init.normal_"


def examined(verdict: str) -> Text:
    """A verdict of an examination: no group is expected to be kept, so no refutation is an alarm."""
    sign, colour = STYLES.get(verdict.upper(), ("?", "yellow"))
    return Text(f"{sign} {verdict.upper()}", style=colour)


def check_page(report: Record) -> RenderableType:
    """One optimizer: each group's verdict and why, what its code proves, and which bounds follow."""
    settings = ", ".join(f"{k}={v}" for k, v in report["settings"].items())
    table = Table(header_style="bold", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name in ("group", "verdict", "level"):
        table.add_column(name, no_wrap=name != "group", overflow="fold")
    for name in ("residual", "control"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, found in report["groups"].items():
        numbers = [_short(found[key]) for key in ("residual", "control")]
        table.add_row(GROUPS[name].title, examined(found["verdict"]), found["level"] or "", *numbers)
    lines: list[RenderableType] = [_whole(f"{report['spec']}  {settings}".strip(), "bold"), table, Text("")]
    for why, names in _reasons(report["groups"]).items():
        lines.append(Text(f"{', '.join(names)}: {why}"))
    lines.append(Text(f"From its operations: {_derived(report['derived'])}"))
    for name, law in report["init"].items():
        kept = [GROUPS[g].title for g, verdict in law.items() if verdict == "certified"]
        lines.append(Text(f"First weights by {name}: law kept by {', '.join(kept) or 'none of these'}"))
    bounds = ", ".join(report["bounds"])
    lines.append(Text(f"Lower bounds that bind (fully connected, first weights by {ASSUMED}): {bounds or 'none here'}"))
    saved = dict.fromkeys(f["counterexample"] for f in report["groups"].values() if f["counterexample"])
    lines += [_whole(f"Counterexample: orbitgap replay {shlex.quote(path)}") for path in saved]
    return Group(*lines)


def _reasons(groups: Mapping[str, Record]) -> dict[str, list[str]]:
    """Groups by the reason for their verdict."""
    found: dict[str, list[str]] = {}
    for name, finding in groups.items():
        found.setdefault(finding["reason"], []).append(GROUPS[name].title)
    return found


def replay_page(cases: Sequence[Record]) -> RenderableType:
    """Counterexamples that were run again."""
    lines: list[RenderableType] = []
    for case in cases:
        things = "laws of the predictions" if case["in_law"] else "predictions"
        again = f"the {things} differ again" if case["reproduced"] else f"the {things} agree now"
        lines.append(Text(f"{GROUPS[case['group']].title}: {again}", style="bold"))
        lines.append(Text(f"  {case['reason']}"))
        if not case["in_law"]:
            lines.append(Text(f"  at x:    {case['prediction']!r}"))
            lines.append(Text(f"  at g x:  {case['twin_prediction']!r}"))
            lines.append(Text(f"  differ by {case['difference']:.3g}; rounding explains {case['control']:.1g}"))
        else:
            lines.append(Text(f"  differ by {case['difference']:.3g}; chance explains {case['control']:.2g}"))
    return Group(*lines)


def _whole(text: str, style: str = "") -> Text:
    """A line to be copied whole, however long; the console must not crop it."""
    return Text(text, style, overflow="ignore", no_wrap=True)


def _derived(derived: Record) -> str:
    """The derived group, or the first reason why there is none."""
    narrow = (
        f" in exact arithmetic (computes in {', '.join(derived['low_precision'])})" if derived["low_precision"] else ""
    )
    if derived["largest"] != "unknown":
        return f"keeps {GROUPS[derived['largest']].title}{narrow}"
    return f"unknown ({next(iter(derived['reasons'].values()), 'nothing known')})"


def _short(number: float | None) -> str:
    return "-" if number is None else f"{number:.1e}"


def atlas_table(atlas: Record) -> RenderableType:
    """The atlas, a row for each optimizer."""
    table = Table(
        title="Optimizer atlas", title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("optimizer", overflow="fold")
    for name in EXAMINED:
        table.add_column(GROUPS[name].title, overflow="fold")
    table.add_column("derived", overflow="fold")
    for o in atlas["optimizers"]:
        cells = [_cell(o["groups"][name], name in o["differs"]) for name in EXAMINED]
        largest = o["derived"]["largest"]
        narrow = f", {'/'.join(o['derived']['low_precision'])}" if o["derived"]["low_precision"] else ""
        table.add_row(
            o["name"].partition(":")[2], *cells, GROUPS[largest].letter + narrow if largest in GROUPS else "?"
        )
    lines: list[RenderableType] = [table, Text("* the operations are derived to keep the group, the run breaks it")]
    lines += [Text(f"left out: {o['name']}: {o['reason']}") for o in atlas["left_out"]]
    return Group(*lines)


def _cell(found: Record, differs: bool) -> Text:
    """Verdict, then its level or the size of the violation."""
    sign, colour = STYLES.get(found["verdict"].upper(), ("?", "yellow"))
    if found["verdict"] == "refuted":
        level = f"{found['size']:.0e}" if found["size"] else "in law"
    else:
        level = found["level"] or found["reason"].partition(":")[0].partition(",")[0]
    return Text(f"{sign} {level}{' *' if differs else ''}", style=colour)
