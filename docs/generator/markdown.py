"""Pieces of Markdown: links and their labels, tables, blocks, whole pages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from theory.groups import GROUPS

Record = Mapping[str, Any]
Pages = dict[str, str | bytes]

SHOWN = 1500
"""Characters of a certificate that a page shows; the JSON beside it has all of it."""
SIGNS = {"CERTIFIED": "✓", "REFUTED": "✗"}


def text(raw: str) -> str:
    """Plain words as Markdown: on one line, nothing in them is markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~^&])", r"\\\1", " ".join(raw.split()))


def slug(raw: str) -> str:
    """Letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", raw.lower()).strip("-")


def link(words: str, anchor: str) -> str:
    """A link to a label anywhere in these pages."""
    return f"[{text(words)}](#{anchor})"


def label(step: Record, claim: str = "") -> str:
    """Where a step of a claim's proof, or a measurement, is shown."""
    return (
        f"step-{slug(claim)}-{slug(step['name'])}" if claim else f"measured-{slug(step['claim'] + ' ' + step['name'])}"
    )


def to_claims(ids: Iterable[str], none: str = "nothing") -> str:
    """Links to claims."""
    return ", ".join(f"[{id}](#claim-{slug(id)})" for id in ids) or none


def word(verdict: str, expected: str) -> str:
    """A verdict that reads without colour, and loudly if it is not the expected one."""
    sign = f"{SIGNS.get(verdict, '?')} {verdict}"
    return sign if verdict == expected else f"**{sign}, wanted {expected}**"


def seconds(number: float | None) -> str:
    """A time with three digits."""
    return "not run" if number is None else f"{number:.3g} s"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def details(title: str, content: str, language: str = "text") -> str:
    """A block that opens on a click."""
    return f"<details><summary>{html.escape(title)}</summary>\n\n```{language}\n{content}\n```\n\n</details>\n"


def danger(words: str) -> str:
    """An admonition that cannot be overlooked."""
    return f":::{{admonition}} Not as expected\n:class: danger\n\n{words}\n:::\n"


def page(title: str, *parts: str) -> str:
    """A page from its parts."""
    return "\n\n".join([f"# {title}", *(part.strip() for part in parts if part.strip())]) + "\n"


def display(tex: str) -> str:
    r"""A statement as display math, one line for each part that ``\quad`` sets off."""
    parts, depth = [""], 0
    for piece in re.split(
        r"(\\q?quad(?![a-zA-Z])|\\(?:begin|left)(?![a-zA-Z])|\\(?:end|right)(?![a-zA-Z])|\\.|[{}])", tex
    ):
        depth += piece in ("{", "\\begin", "\\left")
        depth -= piece in ("}", "\\end", "\\right")
        if piece in ("\\quad", "\\qquad") and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    lines = " \\\\\n".join(f"& {part.strip()}" for part in parts if part.strip())
    return f"```{{math}}\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n```"


def as_json(data: Any) -> str:
    """Data as people copy it."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def certificate(step: Record, whole: str) -> str:
    """A certificate as JSON; the first part of it, with a link to all, if it is long."""
    data = step["certificate"]
    if not data:
        return ""
    entries = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items()]
    content = "{\n" + ",\n".join(entries) + "\n}"
    title = f"Certificate: {data.get('kind', 'of no kind')}"
    if len(content) <= SHOWN:
        return details(title, content, "json")
    title += f", the first {SHOWN} of {len(content)} characters"
    return details(title, content[:SHOWN] + " ...") + f"\nThe whole certificate is in [{whole}]({whole}).\n"


def step_part(step: Record, anchor: str, expected: str, whole: str, level: str = "###") -> str:
    """One step or one measurement, whole."""
    mutant = step["mutant"]["verdict"] or "not run"
    lines = [
        f"- Verdict: {word(step['verdict'], expected)}, trust {step['trust'] or 'none'} (declared {step['by']}), "
        f"{seconds(step['seconds'])}",
        f"- Found: {text(step['summary']) or 'nothing yet'}",
        f"- Mutant: {text(step['mutant']['says'])}. Its verdict: {mutant}",
    ]
    if step["uses"]:
        lines.insert(2, f"- Rests on: {to_claims(step['uses'])}")
    head = f"({anchor})=\n{level} {text(step['name'])}\n\n"
    return head + "\n".join(lines) + "\n\n" + certificate(step, whole)


def wrong_rows(held: Sequence[Record]) -> str:
    """A warning that lists the measurements that are not as expected."""
    wrong = [link(m["name"], label(m)) for m in held if m["verdict"] != m["expected"]]
    return danger(f"{len(wrong)} of {len(held)} verdicts are NOT as expected: {'; '.join(wrong)}") if wrong else ""


def group_title(name: str) -> str:
    """A group as a column head: its words and its letter."""
    group = GROUPS.get(name)
    return f"{text(group.title)} {text(group.letter)}" if group else text(name)
