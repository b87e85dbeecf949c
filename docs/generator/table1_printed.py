"""Table 1 as the paper prints it, next to what is certified of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator import table1_parts
from generator.markdown import Record, group_title, link, text
from generator.table1_combined import KINDS
from generator.table1_parts import COLUMNS, Cell, captioned

PRINTED: Mapping[str, Mapping[str, Sequence[tuple[str, ...]]]] = {
    "algorithms": {
        "sign_flip": (("AdaGrad", "adagrad"), ("Adam", "adam")),
        "permutation": (("AdaGrad", "adagrad"), ("Adam", "adam")),
        "orthogonal": (("SGD with momentum", "sgd"),),
        "general_linear": (("Newton's method", "newton"),),
    },
    "initialisation": {
        "sign_flip": (("symmetric law", "symmetric"),),
        "permutation": (("i.i.d.", "iid"),),
        "orthogonal": (("i.i.d. Gaussian", "gaussian"),),
        "general_linear": (("all zero", "zero"),),
    },
    "regularisation": {
        "sign_flip": (("l_p norm", "lp", "l2"),),
        "permutation": (("l_p norm", "lp", "l2"),),
        "orthogonal": (("l_2 norm", "l2"),),
        "general_linear": (("none", "no-penalty"),),
    },
}
"""What the paper prints, entry by entry, with the rows here that speak of it."""

GONE = Cell(verdict="not in this report")


def printed(claim: Record) -> str:
    """The paper's entries, each with what is certified of it."""
    found = {part.row: part for kind in KINDS for part in table1_parts.proved(claim, kind)}
    names = [g for g in COLUMNS if any(g in entries for entries in PRINTED.values())]

    def cells(listed: Sequence[str], group: str) -> list[tuple[str, Cell]]:
        known = [(row, found.get(row)) for row in listed]
        return [(part.title, part.cell(group)) if part else (row, GONE) for row, part in known]

    entries = [cells(rows, g) for held in PRINTED.values() for g, listed in held.items() for _, *rows in listed]
    certified = sum(all(cell.holds for _, cell in entry) for entry in entries)
    lines = (
        (title, *("<br>".join(printed_entry(words, cells(rows, g)) for words, *rows in held[g]) for g in names))
        for title, held in PRINTED.items()
    )
    return "\n\n".join(
        [
            captioned("Table 1 of Li, Zhang and Arora", ("", *(group_title(g) for g in names)), lines),
            f"{certified} of the {len(entries)} printed entries are certified under the conditions listed with the "
            f"claim. {text(claim['differs'])}",
        ]
    )


def printed_entry(words: str, cells: Sequence[tuple[str, Cell]]) -> str:
    """One entry as printed, and whether it is proved; if several rows of ours speak of it, whether each is."""
    if len(cells) == 1:
        return f"{text(words)} {proof(cells[0][1])}"
    return f"{text(words)}: " + ", ".join(f"{text(title)} {proof(cell)}" for title, cell in cells)


def proof(cell: Cell) -> str:
    """Whether it is proved, with a link to where; loud if it is not."""
    says_so = f"✓ {cell.how}" if cell.holds else "✗ refuted" if cell.holds is False else f"? {cell.verdict}"
    shown = link(says_so, cell.anchor) if cell.anchor else says_so
    return shown if cell.holds else f"**{shown}**"
