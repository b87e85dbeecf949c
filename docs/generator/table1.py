"""Table 1: which training keeps which group, how that is known, and what follows for a whole training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from generator import measurement_kinds, table1_combined, table1_parts, table1_printed
from generator.markdown import (
    Pages,
    Record,
    as_json,
    danger,
    group_title,
    label,
    link,
    page,
    table,
    text,
    to_claims,
    word,
)
from generator.table1_parts import COLUMNS, Cell, Part, captioned, disagreement, in_markdown
from sims.features import Penalty
from theory.groups import GROUPS
from theory.table1 import JOINING
from verify import atlas_page
from verify.feature_table import FEATURES

TITLE = "Table 1: which training keeps which group"
EXACT = """torch's own `step` on rational numbers, polynomial nets and rational group elements: the residual is exactly
0 or it is not. REFUTED is what is expected of gradient descent under GL(d)."""
WHY = """[Theorem C.1](#claim-thm-c-1) asks three things: (1) the net sees its inputs through W x alone, that is, its
first layer is fully connected; (2) the update rule, with all its state, moves along with the group; (3) the law of the
first weights is kept. So a training keeps the groups that all its parts keep. Where a part fails, the theorem does not
apply: nothing is certified, though the training need not break the group.

For orthogonal g, R(W g⁻¹) = R(W) for all W gives ∇R(W g⁻¹) = ∇R(W) g⁻¹ by the chain rule, so that the gradient of
loss plus penalty turns as that of the loss does, and gradient descent, AdaGrad and Adam with it:
JOINING. Newton's method needs second derivatives, which the norms of Table 1 need not have, so with them it is left
open. An algorithm that was measured was measured without the penalty, and nothing is
certified of the two together; SGD with penalties is measured below."""


def pages(report: Record, atlas: Record | None) -> Pages:
    """The page of Table 1, and the combinations as data."""
    claim = next((c for c in report["claims"] if "table" in c), None)
    if claim is None:
        return {"table-1.md": page("Table 1", "This report has no claim table-1.")}
    held = [m for m in report["measurements"] if m["claim"] == claim["id"]]
    return {
        "table-1.md": table1_page(report, claim, held, atlas),
        "table-1.json": as_json(table1_combined.combinations(report, choices(claim, held, atlas))),
    }


def table1_page(report: Record, claim: Record, held: Sequence[Record], atlas: Record | None) -> str:
    """The printed table, every part with its evidence, and parts put together."""
    groups = part_tables(claim, held)
    shown = [part for tables in groups.values() for _, found in tables for part in found]
    blocked = table1_combined.missing(report)
    return page(
        TITLE,
        loud(claim, [*wrong_cells(shown), *wrong_replays(held)], blocked),
        "You train a fully-connected net with an algorithm, from an initialisation, with a regulariser. Which group "
        "does the whole training keep, how is that known, and which lower bounds then bind? "
        "[Pick a training](#put-together), or read what is known part by part.",
        "✓ holds, ✗ fails, ? undecided; every entry links to its evidence. *Proved*: a step of "
        f"{to_claims([claim['id']])}, for nets of any depth, width and activation. *Counterexample*: a member of the "
        "row and an exact instance that break the group. *Measured*: real code in coupled runs, see "
        "[](optimizers.md). *In law*: for features, runs agree once their draws are moved along; for first "
        "weights, laws are compared by sampling. Where proof or prediction and measurement disagree, the entry is bold "
        "and the page begins with a warning.",
        "## As printed",
        table1_printed.printed(claim),
        "(put-together)=\n## Put together",
        put_together(report, claim, choices(claim, held, atlas), blocked),
        "(what-then-binds)=\n## What then binds",
        "Each of these bounds speaks of every learner that is equivariant under the group in the first column, and so "
        "of what keeps a larger one. Numbers are in [](constants.md).",
        table1_combined.binding_table(report),
        "## Part by part",
        f"{order()} *Predicted* is the largest group that theory says is kept, see [](optimizers.md).",
        *(section(title, tables) for title, tables in groups.items()),
        replays(held),
        in_atlas(atlas),
    )


def loud(claim: Record, wrong: Sequence[str], blocked: Sequence[str]) -> str:
    """Warnings: the table is not certified, what all rests on is not, a measurement is not as theory says."""
    warnings = []
    if claim["status"] != claim["expected"]:
        warnings.append(f"The status of table-1 is {claim['status']}; the ledger expects {claim['expected']}.")
    if blocked:
        warnings.append(f"No combination is certified, for these are not: {'; '.join(blocked)}.")
    if wrong:
        warnings.append(f"{len(wrong)} entries are not as expected. {'; '.join(wrong)}")
    return "\n".join(map(danger, warnings))


def wrong_cells(shown: Iterable[Part]) -> list[str]:
    """Proofs that did not succeed, and measurements that are not as theory says."""
    cells = ((part, group, cell) for part in shown for group, cell in part.cells.items() if cell.wrong)
    return [
        f"{entry(f'{part.title}, {GROUPS[group].title}', cell)}: {disagreement(cell)}" for part, group, cell in cells
    ]


def entry(words: str, cell: Cell) -> str:
    """A name for a cell, with a link to its evidence if there is any."""
    return link(words, cell.anchor) if cell.anchor else text(words)


def wrong_replays(held: Sequence[Record]) -> list[str]:
    """Exact replays that are not as expected."""
    return [link(m["name"], label(m)) for m in measurement_kinds.exact(held) if m["verdict"] != m["expected"]]


# Part by part

Tables = Sequence[tuple[str, Sequence[Part]]]


def part_tables(claim: Record, held: Sequence[Record]) -> Mapping[str, Tables]:
    """For each kind of part what is proved and what is measured."""
    penalties = {row.title for row in FEATURES if any(isinstance(f, Penalty) for f in row.training.features)}
    features = table1_parts.features(held)
    return {
        "Algorithms": (
            (
                "Hypothesis (2) of Theorem C.1: proved, and measured of torch's code",
                beside(table1_parts.proved(claim, "algorithm"), table1_parts.optimizers(held, claim)),
            ),
        ),
        "Around the algorithm": (
            ("Measured: features of training", [p for p in features if p.title not in penalties]),
        ),
        "Initialisations": (
            ("Proved: hypothesis (3) of Theorem C.1", table1_parts.proved(claim, "initialisation")),
            ("Measured in law: torch's initialisers", table1_parts.first_weights(held)),
        ),
        "Regularisation": (
            ("Proved: the penalty has the same value at W g⁻¹", table1_parts.proved(claim, "regularisation")),
            ("Measured: SGD with a penalty", [p for p in features if p.title in penalties]),
        ),
    }


def beside(shown: Sequence[Part], measured: Sequence[Part]) -> list[Part]:
    """What is proved, each followed by what is measured of the same; what is measured of something else last."""
    rows = [p.row for p in shown]
    return [q for p in shown for q in (p, *(m for m in measured if m.row == p.row))] + [
        m for m in measured if m.row not in rows
    ]


def order() -> str:
    """How the columns lie in each other, from the lattice of groups."""
    apart = [(a, b) for i, a in enumerate(COLUMNS) for b in COLUMNS[i + 1 :] if a not in table1_parts.inside(b)]
    but = "; ".join(f"{text(GROUPS[a].title)} do not lie in {text(GROUPS[b].title)}" for a, b in apart)
    return f"Each group lies in those to the right of it{f', but {but}' if but else ''}."


def section(title: str, tables: Tables) -> str:
    """One kind of part."""
    shown = [part_table(caption, found) for caption, found in tables if found]
    return "\n\n".join([f"### {title}", *(shown or ["This report has nothing about it."])])


def part_table(caption: str, found: Sequence[Part]) -> str:
    """Parts under the groups that anything is known about, with what theory predicts if all of it was measured."""
    names = [g for g in COLUMNS if any(g in part.cells for part in found)]
    other = ", ".join(group_title(g) for g in COLUMNS if g not in names)
    measured = all(cell.theory is not None for part in found for cell in part.cells.values())
    head = ["", *(["predicted"] if measured else []), *(group_title(g) for g in names)]
    lines = (
        [
            part_title(part),
            *([predicted(part)] if measured else []),
            *(in_markdown(part.cell(g), between="<br>") for g in names),
        ]
        for part in found
    )
    shown = captioned(caption, head, lines)
    return f"{shown}\n\nNot examined: {other}." if other else shown


def predicted(part: Part) -> str:
    """The largest groups that theory predicts to be kept."""
    tops = atlas_page.largest(g for g in COLUMNS if part.cell(g).theory)
    return ", ".join(text(GROUPS[g].letter) for g in tops) or "none"


def part_title(part: Part) -> str:
    """A part, with a link to where it is shown whole."""
    return link(part.title, part.anchor) if part.anchor else text(part.title)


def replays(held: Sequence[Record]) -> str:
    """What was run again in exact arithmetic."""
    listed = [
        f"- {link(m['name'], label(m))}: {word(m['verdict'], m['expected'])}" for m in measurement_kinds.exact(held)
    ]
    return "\n".join(["### In exact arithmetic", "", EXACT, "", *listed]) if listed else ""


def in_atlas(atlas: Record | None) -> str:
    """How many optimizers of the atlas keep what."""
    if atlas is None:
        return ""
    kept = [[g for g in COLUMNS if p.cell(g).holds] for p in table1_parts.examined(atlas)]
    counts = Counter(
        " and ".join(text(GROUPS[g].title) for g in atlas_page.largest(groups)) or "none" for groups in kept
    )
    return "\n\n".join(
        [
            "### Other optimizers",
            f"[](atlas.md) examines {len(kept)} optimizers. By the largest of these groups under which each is "
            "certified:",
            table(("certified under", "optimizers"), ((name, str(number)) for name, number in counts.most_common())),
        ]
    )


# Put together


def choices(claim: Record, held: Sequence[Record], atlas: Record | None) -> table1_combined.Choices:
    """What a training can be made of; what is proved comes first."""
    offered = {
        "algorithm": {
            "Proved": table1_parts.proved(claim, "algorithm"),
            "Measured: torch's optimizers": table1_parts.optimizers(held, claim),
            "Measured: with something around it": [
                replace(p, title=whole(p.title)) for p in table1_parts.features(held)
            ],
            "Measured: the atlas": table1_parts.examined(atlas),
        },
        "initialisation": {
            "Proved": table1_parts.proved(claim, "initialisation"),
            "Measured in law: torch's initialisers": table1_parts.first_weights(held),
        },
        "regularisation": {"Proved": table1_parts.proved(claim, "regularisation")},
    }
    return {kind: {heading: found for heading, found in of.items() if found} for kind, of in offered.items()}


def whole(feature: str) -> str:
    """A feature with the algorithm that it is put around."""
    return feature if feature.startswith(("SGD", "Adam")) else f"SGD, {feature}"


def joined(claim: Record) -> str:
    """How it is known that a penalty joins the loss."""
    step = next((s for s in claim["steps"] if s["name"] == JOINING), None)
    if step is None:
        return "**the step that shows it is not in this report**"
    return f"{link('see this step', label(step, claim['id']))}, {word(step['verdict'], 'CERTIFIED')}"


def put_together(report: Record, claim: Record, offered: table1_combined.Choices, blocked: Sequence[str]) -> str:
    """Why parts can be put together, the pick-lists, and the same as tables."""
    return "\n\n".join(
        [
            WHY.replace("JOINING", joined(claim)),
            table1_combined.picker(report, offered, bool(blocked)),
            "**? Not certified**: see the top of this page." if blocked else table1_combined.grids(offered),
            "The same as data, with the bounds: [table-1.json](table-1.json).",
            "### What a combination assumes",
            "\n".join(f"- {{math}}`{hypothesis}`" for hypothesis in claim["hypotheses"]),
        ]
    )
