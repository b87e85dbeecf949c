"""The parts of a training and what each keeps: rows of Table 1, what was measured beside them, and the atlas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from generator import measurement_kinds
from generator.markdown import Record, label, link, text
from theory import table1
from theory.evidence import Trust
from theory.groups import GROUPS, is_subgroup
from verify import atlas_page
from verify.feature_table import FEATURES
from verify.optimizers import OPTIMIZERS

VERDICTS = {"CERTIFIED": True, "REFUTED": False}
NO_PENALTY = "no-penalty"
PENALISED = {"newton": "the penalty need not be twice differentiable"}
UNMEASURED = "not measured with this penalty"
PLAIN = {
    "newton": "only on data that span R^d: with fewer than d samples the Hessian is never invertible, so this is no "
    "learner there and no bound on samples follows"
}
"""A loss of W D is flat along every V with V D = 0."""


@dataclass(frozen=True)
class Cell:
    """Does a part of a training keep a group?

    Attributes:
        holds: None if that is not known.
        how: how it is known: proved, counterexample, measured or in law.
        anchor: the label where the evidence stands; empty if there is none.
        verdict: what stands there instead, if it is not known.
        theory: what is proved or predicted of something measured; None if nothing is.
    """

    holds: bool | None = None
    how: str = ""
    anchor: str = ""
    verdict: str = "not measured"
    theory: bool | None = None

    @property
    def wrong(self) -> bool:
        """Is it not what theory says, or a proof that did not succeed?"""
        if self.theory is None:
            return self.holds is None and self != Cell()
        return self.holds is not self.theory


@dataclass(frozen=True)
class Part:
    """One choice in a training.

    Attributes:
        title: in plain words.
        cells: what it does under each group.
        anchor: the label where it is shown whole; empty for a row of Table 1.
        whole: whether it is a learner by itself, without first weights and penalty.
        row: the row of Table 1 that it is, or is measured beside; empty if there is none.
        penalised: of an algorithm, why nothing is certified of it with a penalty; empty if a penalty joins the loss.
        plain: of an algorithm without a penalty, where alone it is a learner; empty if on all data.
    """

    title: str
    cells: Mapping[str, Cell]
    anchor: str = ""
    whole: bool = False
    row: str = ""
    penalised: str = ""
    plain: str = ""

    def cell(self, group: str) -> Cell:
        """What it does under a group, maybe nothing known."""
        return self.cells.get(group, Cell())


def inside(name: str) -> list[str]:
    """The groups that a group contains."""
    return [small for small, group in GROUPS.items() if is_subgroup(group, GROUPS[name])]


COLUMNS = tuple(sorted((g.name for g in table1.COLUMNS), key=lambda name: len(inside(name))))
"""The groups of Table 1, none before a smaller one."""


def proved(claim: Record, kind: str) -> list[Part]:
    """The rows of Table 1 of one kind."""
    steps = {step["name"]: step for step in claim["steps"]}

    def part(row: Record) -> Part:
        cells = {group: shown(cell, steps.get(cell["step"])) for group, cell in row["cells"].items()}
        name = row["name"]
        refused, limited = PENALISED.get(name, ""), PLAIN.get(name, "")
        return Part(row["title"], cells, whole=by_itself(row, steps), row=name, penalised=refused, plain=limited)

    return [part(row) for row in claim["table"] if row["part"] == kind]


def shown(found: Record, step: Record | None) -> Cell:
    """One cell of Table 1; it says holds or fails only if its step is certified."""
    if step is None:
        return Cell(verdict="no step")
    anchor = label(step, "table-1")
    if step["verdict"] != "CERTIFIED":
        return Cell(anchor=anchor, verdict=step["verdict"])
    by_proof = step["trust"] is not None and Trust[step["trust"]] >= Trust.CITED
    how = ("proved" if found["holds"] else "counterexample") if by_proof else str(step["trust"]).lower()
    return Cell(found["holds"], how, anchor)


def by_itself(row: Record, steps: Mapping[str, Record]) -> bool:
    """Do the steps that show what an algorithm keeps rest on Definition 3.2 alone, and not on Theorem C.1?"""
    used = [steps[c["step"]]["uses"] for c in row["cells"].values() if c["holds"] and c["step"] in steps]
    return row["part"] == "algorithm" and bool(used) and not any("thm-c.1" in uses for uses in used)


def optimizers(held: Sequence[Record], claim: Record) -> list[Part]:
    """Torch's optimizers as they were measured, each beside its row of Table 1."""
    about = {subject.title: subject.row for subject in OPTIMIZERS}
    theory = {row["name"]: row["cells"] for row in claim["table"]}
    found: dict[str, dict[str, Cell]] = {}
    for m in measurement_kinds.optimizers(held):
        title, group = m["certificate"]["optimizer"], m["certificate"]["group"]
        says = theory.get(about.get(title, ""), {}).get(group)
        wanted = VERDICTS[m["expected"]] if says is None else says["holds"]
        found.setdefault(title, {})[group] = measured(m, m["verdict"], wanted)
    return [
        Part(f"torch's {t}", cells, next(iter(cells.values())).anchor, row=about.get(t, ""), penalised=UNMEASURED)
        for t, cells in found.items()
    ]


def features(held: Sequence[Record]) -> list[Part]:
    """What people put around SGD and Adam, as it was measured."""
    drawn = {row.title: set(row.keeps) - set(row.pathwise) for row in FEATURES}
    found = [several(m, drawn.get(m["certificate"]["subject"], set())) for m in measurement_kinds.features(held)]
    return [replace(part, penalised=UNMEASURED) for part in found]


def first_weights(held: Sequence[Record]) -> list[Part]:
    """Torch's initialisers, their laws measured."""
    return [several(m, set(COLUMNS)) for m in measurement_kinds.first_weights(held)]


def several(m: Record, in_law: set[str]) -> Part:
    """A measurement under several groups, some of them in law."""
    cells = {
        g: measured(
            m,
            measurement_kinds.verdict(m, g),
            VERDICTS[measurement_kinds.wanted(m, g)],
            "in law" if g in in_law else "measured",
        )
        for g in m["certificate"]["groups"]
    }
    return Part(m["certificate"]["subject"], cells, label(m))


def measured(m: Record, verdict: str, theory: bool, how: str = "measured") -> Cell:
    """One measured verdict beside what theory says."""
    return Cell(VERDICTS.get(verdict), how, label(m), verdict, theory)


def examined(atlas: Record | None) -> list[Part]:
    """The optimizers of the atlas."""

    def part(row: Record) -> Part:
        anchor = atlas_page.anchor(row["name"])
        verdicts = {group: found["verdict"].upper() for group, found in row["groups"].items()}
        cells = {g: Cell(VERDICTS.get(v), "measured", anchor, v) for g, v in verdicts.items()}
        return Part(row["name"], cells, anchor, penalised=UNMEASURED)

    return [part(row) for row in atlas["optimizers"]] if atlas else []


def says(cell: Cell) -> str:
    """A cell in words, with a sign before them."""
    return {True: "✓ holds", False: "✗ fails", None: f"? {cell.verdict}"}[cell.holds]


def in_markdown(cell: Cell, between: str = " ") -> str:
    """A cell with a link to its evidence, loud if it is not as theory says."""
    if cell == Cell():
        return cell.verdict
    words = disagreement(cell).removeprefix(says(cell)) if cell.wrong else f"{between}{cell.how}" if cell.how else ""
    entry = (link(says(cell), cell.anchor) if cell.anchor else text(says(cell))) + words
    return f"**{entry}**" if cell.wrong else entry


def disagreement(cell: Cell) -> str:
    """A cell that is not as theory says, in words."""
    if cell.theory is None:
        return says(cell)
    return f"{says(cell)} {cell.how}, but theory says {says(replace(cell, holds=cell.theory))}"


def captioned(caption: str, head: Sequence[str], entries: Iterable[Sequence[str]]) -> str:
    """A table with a caption and a head for each row; the cells are Markdown already."""
    lines = [f":::{{list-table}} {caption}", ":class: parts", ":header-rows: 1", ":stub-columns: 1", ""]
    for entry in (head, *entries):
        lines += [f"{'* -' if number == 0 else '  -'} {cell}".rstrip() for number, cell in enumerate(entry)]
    return "\n".join([*lines, ":::"])
