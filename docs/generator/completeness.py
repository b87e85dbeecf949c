"""What of the paper is covered, by which claims, and what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from generator import paper_statements
from generator.markdown import Pages, Record, danger, page, table, text, to_claims, word
from generator.paper_statements import COVER, Statement
from generator.table1_printed import printed
from verify.neighbours import family_of

PAPER = "Li, Zhang, Arora"
"""How the source of a claim names the paper."""
WRONG = "**✗ not as expected**"
NO_BREAK = "\u00a0"
READABLE = "display: inline-block; min-width: 13rem"
"""Keeps the words of a statement wide enough on narrow screens, where the table scrolls."""
HEAD = ("statement", "covered", "by")
NOT_RUN = """- **A GPU.** `orbitgap verify` runs on the CPU. `orbitgap simulate --device` takes another device, whose
  kernels may differ. Nothing on these pages comes from one.
- **The sizes `--full` and `--paper-size`.** `orbitgap verify` runs the quick size of every simulation. To draw Figure 1
  as large as it is printed, `orbitgap simulate figure1 --paper-size` takes days, and nothing on these pages comes
  from it.
- **CIFAR-10.** See Figure 1.
- **Other versions** of the libraries than those of [the last run](run.md)."""
BEYOND = """- What coupled runs of an optimizer speak of, and what they would miss: [](../reliability.md#measurements).
- Lower bounds follow from a symmetry that training keeps. They say nothing of training that keeps none, and nothing of
  the error that a net *does* reach: for that there are only simulations.
- The bounds are for the tasks of the paper. Nothing follows for other data, such as natural images.
- Arguments that no machine step decides: [](../reliability.md#what-is-trusted)."""


def pages(report: Record) -> Pages:
    """The page."""
    return {"completeness.md": completeness_page(report, paper_statements.SECTIONS)}


def completeness_page(report: Record, sections: Mapping[str, Sequence[Statement]]) -> str:
    """Counts, then the list in the order of the paper, then what is beside it and what is left out."""
    known = {c["id"]: c for c in report["claims"]}
    statements = [s for held in sections.values() for s in held]
    parts = []
    for title, held in sections.items():
        parts += [f"## {title}", table(HEAD, (row(s, known, report["measurements"]) for s in held))]
        if any("table-1" in s.claims and s.name == "Table 1" for s in held):
            claim = known.get("table-1")
            shown = printed(claim) if claim else danger("The claim table-1 is not in this report.")
            parts += ["### Table 1, cell by cell", shown]
    return "(completeness)=\n" + page(
        "Completeness",
        "What Li, Zhang and Arora state, in the order of their paper, and what of it is checked here. The list, and "
        "how far a claim says what is printed, is written by hand. Whether the claims hold, and how that is known, "
        "comes from [the last run](run.md).",
        alarms(statements, known),
        summary(statements, known),
        *parts,
        "## Claims beside those of the paper",
        others(statements, known),
        "## Published theorems that are not proved",
        unproved(report),
        "## What is never run",
        NOT_RUN,
        "## What nothing here speaks of",
        BEYOND,
    )


def row(s: Statement, known: Mapping[str, Record], measured: Iterable[Record]) -> tuple[str, str, str]:
    """One statement as a row of its table."""
    rows = [m for m in measured if m["claim"] in s.claims]
    by = [unbroken(claim_line(id, known)) for id in s.claims] + ([held_line(rows)] if rows else [])
    if s.experiments:
        by.append("shown in " + ", ".join(f"[{name}](simulations/{name}.md)" for name in s.experiments))
    remark = f"<br>*{'Note' if s.cover in ('whole', 'refuted') else 'Missing'}:* {s.remark}" if s.remark else ""
    said = f'<span style="{READABLE}">**{s.name}**. {s.says}{remark}</span>'
    return said, covered(s, known), "<br>".join(by) or "nothing"


def covered(s: Statement, known: Mapping[str, Record]) -> str:
    """How far it is covered; what was judged by hand holds only while every claim is as expected."""
    return unbroken(COVER[s.cover] if not failing(s, known) else WRONG)


def unbroken(words: str) -> str:
    """Words that stay on one line."""
    return words.replace(" ", NO_BREAK)


def failing(s: Statement, known: Mapping[str, Record]) -> list[str]:
    """Ids of its claims that are not in the report or not as expected."""
    return [id for id in s.claims if id not in known or known[id]["status"] != known[id]["expected"]]


def claim_line(id: str, known: Mapping[str, Record]) -> str:
    """One claim with its status and trust."""
    if id not in known:
        return f"**{text(id)}: not in this report**"
    c = known[id]
    return f"{to_claims([id])} {word(c['status'], c['expected'])}, {c['trust'] or 'no trust'}"


def held_line(rows: Sequence[Record]) -> str:
    """How many measurements there are, loud if one is not as expected."""
    wrong = sum(m["verdict"] != m["expected"] for m in rows)
    said = f"{len(rows)} measurement{'s' * (len(rows) != 1)}"
    return f"**{wrong} of {said} not as expected**" if wrong else f"{said}, as expected"


def alarms(statements: Iterable[Statement], known: Mapping[str, Record]) -> str:
    """A loud box for claims that are gone, that fail, or that are about the paper and in no row."""
    rows = [f"{s.name} ({', '.join(map(text, failing(s, known)))})" for s in statements if failing(s, known)]
    listed = {id for s in statements for id in s.claims}
    left_out = [id for id, c in known.items() if PAPER in c["source"] and id not in listed and not family_of(id)]
    said = [f"Rows with claims that are missing or not as expected: {'; '.join(rows)}."] * bool(rows)
    said += [f"Claims about the paper that this list leaves out: {to_claims(left_out)}."] * bool(left_out)
    return danger("\n\n".join(said)) if said else ""


def summary(statements: Sequence[Statement], known: Mapping[str, Record]) -> str:
    """How many statements are covered how far, and how the claims behind them are known."""
    counts = Counter(covered(s, known) for s in statements)
    whole, *rest = (unbroken(w) for w in (*COVER.values(), WRONG))
    rows = [(whole, str(counts[whole]), "all others")]
    rows += [(w, str(counts[w]), "; ".join(s.name for s in statements if covered(s, known) == w)) for w in rest]
    ids = [id for id in known if any(id in s.claims for s in statements)]
    levels = Counter(f"{known[id]['status']}, {known[id]['trust'] or 'no trust'}" for id in ids)
    found = ", ".join(f"{number} {level}" for level, number in levels.most_common())
    return "\n\n".join(
        [
            table(("covered", "statements", "which"), (r for r in rows if counts[r[0]])).strip(),
            f"Behind them stand {len(ids)} claims: {found}. Each claim is followed by its status and its trust; what "
            "these words mean is said in [](../reliability.md).",
        ]
    )


def others(statements: Iterable[Statement], known: Mapping[str, Record]) -> str:
    """Claims that no row names: published theorems aside, they are ours or folklore."""
    listed = {id for s in statements for id in s.claims}
    rest = [c for id, c in known.items() if id not in listed and c["kind"] != "cited"]
    lines = (f"- {claim_line(c['id'], known)}: {text(c['title'])}. Source: {text(c['source'])}." for c in rest)
    return "\n".join(lines) or "There are none."


def unproved(report: Record) -> str:
    """The cited theorems and how many claims go down to each."""
    cited = [c for c in report["claims"] if c["kind"] == "cited"]
    lines = []
    for c in cited:
        number = sum(c["id"] in other["rests_on"] for other in report["claims"] if other is not c)
        rest = "1 claim rests" if number == 1 else f"{number or 'no'} claims rest"
        lines.append(f"- {to_claims([c['id']])}, {text(c['title'])}: {rest} on it.")
    return "\n".join([*lines, "\nWhat of them was compared with a printed text is said in [](sources.md)."])
