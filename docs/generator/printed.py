"""Table 1 as the paper prints it, next to what is certified of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator import parts
from generator.combine import KINDS
from generator.markdown import Record, group_title, link, text
from generator.parts import COLUMNS, Cell, captioned

PRINTED: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]] = {
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
        "sign_flip": (("l_p norm", "lp"),),
        "permutation": (("l_p norm", "lp"),),
        "orthogonal": (("l_2 norm", "l2"),),
        "general_linear": (("none", "no-penalty"),),
    },
}
"""What the paper prints, entry by entry, with the row here that speaks of it."""


def printed(claim: Record) -> str:
    """The paper's entries, each with what is certified of it."""
    found = {part.row: part for kind in KINDS for part in parts.proved(claim, kind)}
    names = [g for g in COLUMNS if any(g in entries for entries in PRINTED.values())]
    cells = [found[row].cell(g) for entries in PRINTED.values() for g, listed in entries.items() for _, row in listed]
    certified = sum(bool(cell.holds) for cell in cells)
    lines = (
        (title, *("<br>".join(printed_entry(words, found[row].cell(g)) for words, row in entries[g]) for g in names))
        for title, entries in PRINTED.items()
    )
    return "\n\n".join(
        [
            captioned("Table 1 of Li, Zhang and Arora", ("", *(group_title(g) for g in names)), lines),
            f"{certified} of the {len(cells)} printed entries are certified under the conditions listed with the "
            f"claim. {text(claim['differs'])}",
        ]
    )


def printed_entry(words: str, cell: Cell) -> str:
    """One entry as printed, and whether it is proved."""
    says_so = f"✓ {cell.how}" if cell.holds else "✗ refuted" if cell.holds is False else "? not proved"
    shown = link(says_so, cell.anchor) if cell.anchor else says_so
    return f"{text(words)} {shown if cell.holds else f'**{shown}**'}"
