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
TOKENS = re.compile(r"(\\(?:text|q?quad|begin|left|end|right)(?![a-zA-Z])|\\.|[{}])")
"""What of a formula the pages look at."""
OPENING, CLOSING = ("{", "\\{", "\\begin", "\\left"), ("}", "\\}", "\\end", "\\right")
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


def known(verdict: str, expected: str) -> str:
    """The same where a refutation may surprise: one that was expected is called so."""
    return word(verdict, expected) + (" (expected)" if verdict == expected == "REFUTED" else "")


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


def outer_lines(tex: str) -> list[str]:
    r"""The parts of a formula that an outer ``\quad`` sets off."""
    parts, depth = [""], 0
    for piece in TOKENS.split(tex):
        depth += piece in ("{", "\\begin", "\\left")
        depth -= piece in ("}", "\\end", "\\right")
        if piece in ("\\quad", "\\qquad") and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def display(tex: str) -> str:
    """A statement as display math, in lines."""
    lines = " \\\\\n".join(f"& {part}" for part in outer_lines(tex))
    return f"```{{math}}\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n```"


def prose(tex: str) -> str:
    r"""A formula as words and inline math, so that its line can be broken: at an outer ``\text`` or ``\ ``."""
    parts, depth, in_words = [""], 0, False
    for piece in TOKENS.split(tex):
        if piece == "\\text" and not depth:
            parts.append(piece)
            in_words = True
            continue
        depth += piece in OPENING
        depth -= piece in CLOSING
        parts[-1] += piece
        if not depth and (piece == "\\ " or (in_words and piece == "}")):
            parts.append("")
            in_words = False
    return re.sub(" +", " ", "".join(map(_phrase, parts))).strip()


def _phrase(part: str) -> str:
    """A part of `prose` as Markdown: words, or inline math with the comma and the space after it."""
    if words := re.fullmatch(r"\\text\{([^\\{}$]*)\}", part):
        inside = words[1]
        return " " * inside.startswith(" ") + text(inside) + " " * inside.endswith(" ")
    space = part.endswith("\\ ")
    math = part.removesuffix("\\ ").strip()
    comma = math[-1] if math.endswith((",", ";", ":")) else ""
    math = math.removesuffix(comma).strip() if comma else math
    return (f"{{math}}`{math}`" if math else "") + comma + " " * (space or bool(comma))


def as_json(data: Any) -> str:
    """Data as people copy it."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def certificate(step: Record, whole: str, shown: int = SHOWN) -> str:
    """A certificate as JSON; the first part of it, with a link to all, if it is long."""
    data = step["certificate"]
    if not data:
        return ""
    entries = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items()]
    content = "{\n" + ",\n".join(entries) + "\n}"
    title = f"Certificate: {data.get('kind', 'of no kind')}"
    if len(content) <= shown:
        return details(title, content, "json")
    title += f", the first {shown} of {len(content)} characters"
    return details(title, content[:shown] + " ...") + f"\nThe whole certificate is in [{whole}]({whole}).\n"


def step_part(
    step: Record, anchor: str, expected: str, whole: str, level: str = "###", shown: int = SHOWN, title: str = ""
) -> str:
    """One step or one measurement, whole."""
    lines = [
        f"- Verdict: {word(step['verdict'], expected)}, trust {step['trust'] or 'none'} (declared {step['by']}), "
        f"{seconds(step['seconds'])}",
        f"- Found: {text(step['summary']) or 'nothing yet'}",
        f"- Mutant: {text(step['mutant']['says'])}. The check then said: {mutant_verdict(step)}",
    ]
    if kernel := step["kernel"]:
        file = kernel["theorem"].partition(".")[0]
        lines += [
            f"- In Coq: `{kernel['theorem']}` in [{file}.v](#coq-{slug(file)}), on {assumed(step['certificate'])}",
            f"- How its model differs: {text(kernel['model'])}",
        ]
    if step["uses"]:
        lines.insert(2, f"- Rests on: {to_claims(step['uses'])}")
    head = f"({anchor})=\n{level} {title or text(step['name'])}\n\n"
    failure = details("What went wrong", step["failure"]) if step["failure"] else ""
    return head + "\n".join(lines) + "\n\n" + failure + certificate(step, whole, shown)


def assumed(certificate: Record) -> str:
    """What axioms a proof for Coq rests on."""
    if "axioms" not in certificate:
        return "axioms not known"
    return ", ".join(f"`{axiom}`" for axiom in certificate["axioms"]) or "no axioms"


def mutant_verdict(step: Record) -> str:
    """What a check said when its statement was made false; loud if it was not run or saw no difference."""
    verdict = step["mutant"]["verdict"]
    said = f"{SIGNS.get(verdict, '?')} {verdict}" if verdict else "not run"
    return said if verdict not in (None, step["verdict"]) else f"**{said}, which shows nothing**"


def wrong_rows(held: Sequence[Record]) -> str:
    """A warning that lists the measurements that are not as expected."""
    wrong = [link(m["name"], label(m)) for m in held if m["verdict"] != m["expected"]]
    return danger(f"{len(wrong)} of {len(held)} verdicts are NOT as expected: {'; '.join(wrong)}") if wrong else ""


def group_title(name: str) -> str:
    """A group as a column head: its words and its letter."""
    group = GROUPS.get(name)
    return f"{text(group.title)} {text(group.letter)}" if group else text(name)
