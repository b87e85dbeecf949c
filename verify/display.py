"""What people see in a terminal: tables and pages made from the records, readable without colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from theory import table1
from verify.neighbours import family_of
from verify.records import wanted_of_step

__all__ = ["bound_table", "claim_page", "claims_table", "report_table", "table1_grid", "verdict_text"]

STYLES = {"CERTIFIED": ("\N{CHECK MARK}", "green"), "REFUTED": ("\N{MULTIPLICATION X}", "red")}
Record = Mapping[str, Any]


def verdict_text(verdict: str, expected: str) -> Text:
    """A verdict with a sign that reads without colour; a refutation that was expected is no alarm."""
    sign, colour = STYLES.get(verdict, ("?", "yellow"))
    if verdict == "UNCHECKED":
        return Text("? UNCHECKED", style="yellow")
    if verdict == expected:
        note = " (expected)" if verdict == "REFUTED" else ""
        return Text(f"{sign} {verdict}{note}", style="cyan" if note else colour)
    return Text(f"{sign} {verdict}, wanted {expected}", style=f"bold {colour}")


def claims_table(claims: Sequence[Record]) -> Table:
    """The list of claims: id and title, status, trust, rests on."""
    table = Table(title="Claims", title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("claim", max_width=38)
    for name in ("status", "trust", "rests on"):
        table.add_column(name, overflow="fold")
    for c in claims:
        status = verdict_text(c["status"], c["expected"])
        named = Text.assemble((c["id"], "bold"), "\n", f"  {c['title']}")
        table.add_row(named, status, c["trust"] or "-", _cited(c))
    return table


def report_table(report: Record) -> Table:
    """A whole run in one table: the claims, then what was measured against them."""
    table = Table(
        title="What was checked",
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("claim", min_width=29, max_width=40)
    # All columns fit on 80 characters.
    for name, width in (("status", 13), ("trust", 9), ("rests on", 13)):
        table.add_column(name, overflow="fold", max_width=width)
    table.add_column("seconds", justify="right")
    for c in report["claims"]:
        status = verdict_text(c["status"], c["expected"])
        table.add_row(c["id"], status, c["trust"] or "-", _cited(c), f"{c['seconds']:.2f}")
    for (claim, subject), rows in groupby(report["measurements"], lambda m: (m["claim"], subject_of(m["name"]))):
        table.add_row("")
        table.add_row(Text(f"{claim}, real runs", style="bold"))
        if subject:
            table.add_row(Text(subject, style="bold"))
        for m in rows:
            status = verdict_text(m["verdict"], m["expected"])
            name = f" {m['name'].removeprefix(f'{subject}: ')}"
            table.add_row(escape(name), status, m["trust"] or "-", "runs", f"{m['seconds']:.2f}")
    return table


def subject_of(name: str) -> str:
    """What a measurement is about: ``Adam`` of ``Adam: orthogonal``; nothing if the name has one part."""
    subject, colon, _ = name.partition(": ")
    return subject if colon else ""


def _cited(claim: Record) -> str:
    if claim["trust"] is None:
        return "-"
    if claim["kind"] == "cited":
        return "itself"
    return "\n".join(claim["rests_on"]) or "nothing"


def bound_table(answer: Record) -> RenderableType:
    """The best bounds on samples for one task and kind of learner."""
    delta = answer["delta"]
    asked = f"N*({answer['eps']})" if delta is None else f"N({answer['eps']}, {delta})"
    title = f"{answer['task']}, d = {answer['d']}, {answer['learner']} learners: {asked}"
    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for name in ("bound", "samples", "claim", "status", "because"):
        table.add_column(name)
    for name, sign in (("lower", "at least"), ("upper", "at most")):
        side = answer[name]
        if side["n"] is None:
            table.add_row(name, "-", "-", "-", side["why"])
            continue
        samples = "vacuous" if side.get("vacuous") else f"{sign} {side['n']}"
        why = f"{side['why']} ({side['enclosure']})"
        table.add_row(name, samples, side["claim"], verdict_text(side["status"], "CERTIFIED"), escape(why))
        for other in side["beaten"]:
            weaker = "vacuous" if name == "lower" and other["n"] <= 0 else str(other["n"])
            table.add_row(" beats", f" {weaker}", other["claim"], "", escape(other["why"]))
    hint = "UNCHECKED: run `orbitgap verify` to check the claims here."
    unchecked = "UNCHECKED" in (answer["lower"]["status"], answer["upper"]["status"])
    return Group(table, hint) if unchecked else table


def claim_page(claim: Record) -> RenderableType:
    """One claim whole."""
    lines: list[RenderableType] = [
        Text(f"{claim['id']}  {claim['title']}", style="bold"),
        Text(f"{claim['kind']}; {claim['source']}"),
        Text.assemble("status ", verdict_text(claim["status"], claim["expected"]), f"  trust {claim['trust'] or '-'}"),
    ]
    if claim["reason"]:
        lines.append(Text(f"because {claim['reason']}"))
    lines += [_section("Statement", [claim["statement"]]), _section("Hypotheses", claim["hypotheses"])]
    same = claim["printed"] == claim["statement"]
    work = "the neighbouring work" if family_of(claim["id"]) else "the paper"
    if claim["printed"] and not same:
        reconstructed = " (reconstructed)" if "reconstructed" in claim["source"] else ""
        lines.append(_section(f"In {work}{reconstructed}", [claim["printed"]]))
    if claim["printed"] or claim["differs"]:
        lines.append(_section(f"Differs from {work}", ["no"] * same + [claim["differs"]] * bool(claim["differs"])))
    if "table" in claim:
        lines += [Text(""), table1_grid(claim["table"])]
    lines += [Text(""), Text("Proof", style="bold")]
    lines += [_step(claim, step) for step in claim["steps"]] or [Text("  none")]
    lines += [
        _section("Stated with", claim["uses"]),
        _section("Proved from", claim["proof_uses"]),
        _section("Rests on (cited)", claim["rests_on"]),
        _section("Used by", claim["used_by"]),
    ]
    return Group(*lines)


def table1_grid(rows: Sequence[Record]) -> Table:
    """Table 1 as a grid: yes where the symmetry is kept, no where it is refuted."""
    grid = Table(title="Table 1 (columns: groups)", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    grid.add_column("what", overflow="fold")
    for column in table1.COLUMNS:
        grid.add_column(f"{column.title}\n{column.letter}", justify="center")
    part = ""
    for row in rows:
        if row["part"] != part:
            part = row["part"]
            grid.add_section()
        cells = [row["cells"].get(column.name) for column in table1.COLUMNS]
        grid.add_row(row["title"], *(_cell(c) for c in cells))
    return grid


def _cell(cell: Record | None) -> Text:
    if cell is None:
        return Text("?", style="yellow")
    return Text("\N{CHECK MARK} yes", style="green") if cell["holds"] else Text("\N{MULTIPLICATION X} no", style="red")


def _section(title: str, entries: Sequence[str]) -> RenderableType:
    body = "\n".join(f"  {entry}" for entry in entries) or "  none"
    return Text.assemble("\n", (title, "bold"), "\n", body)


def _step(claim: Record, step: Record) -> RenderableType:
    seconds = "" if step["seconds"] is None else f"  {step['seconds']:.3f} s"
    mutant = step["mutant"]
    lines: list[RenderableType] = [
        Text.assemble(
            verdict_text(step["verdict"], wanted_of_step(claim, step)),
            f"  {step['name']}  [{step['by']}]{seconds}",
        )
    ]
    kernel = step["kernel"]
    details = [f"theorem {kernel['theorem']}; its model: {kernel['model']}"] if kernel else []
    details += [step["summary"], f"mutant: {mutant['says']} -> {mutant['verdict'] or 'not run'}"]
    if step["uses"]:
        details.append(f"from {', '.join(step['uses'])}")
    if step["certificate"]:
        details.append(f"certificate: {describe_certificate(step['certificate'])}")
    if step["failure"]:
        details.append(step["failure"])
    lines += [Padding(Text(text), (0, 0, 0, 4)) for text in details if text]
    return Padding(Group(*lines), (0, 0, 0, 2))


def describe_certificate(certificate: Record) -> str:
    """A certificate in one line; `--json` has it whole."""
    match certificate.get("kind"):
        case "all":
            return "; ".join(describe_certificate(part) for part in certificate["parts"])
        case "rational":
            return f"{certificate['left']} {certificate['relation']} {certificate['right']}"
        case "polynomial":
            return f"{certificate['left']} = {certificate['right']} as polynomials"
        case "sturm":
            low, high = certificate["low"], certificate["high"]
            return f"{certificate['polynomial']} has {certificate['roots']} roots on [{low}, {high}]"
        case "ball":
            return f"{certificate['difference']} in {certificate['enclosure']}"
        case "rewriting":
            return f"{certificate['claim']}, {len(certificate['by_rule'])} rewritings"
        case "enumeration":
            return f"{certificate['count']} instances, counterexample {certificate['counterexample'] or 'none'}"
        case other:
            return f"{other}: " + ", ".join(f"{k} {v}" for k, v in certificate.items() if k != "kind")
