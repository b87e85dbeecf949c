r"""Table 1: which training of a fully-connected net is equivariant under which group.

A row is an algorithm, an initialisation or a regulariser. For each the ledger proves the largest
group that is kept and refutes the smallest ones that are not; every other cell follows from the
lattice of groups. The proofs stand in `theory.table1_kept`, `theory.table1_invariant`,
`theory.table1_penalty` and `theory.table1_broken`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from theory import decide
from theory.claims import LEDGER, Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import (
    FINITE,
    GENERAL_LINEAR,
    GROUPS,
    ORTHOGONAL,
    PERMUTATION,
    SIGN_FLIP,
    SIGNED_PERMUTATION,
    is_subgroup,
)
from theory.rewriting import rule
from theory.terms import matrix, one, transpose

__all__ = ["COLUMNS", "CONDITIONS", "JOINING", "ROWS", "Cell", "Row", "cell", "table"]

INCLUSIONS = tuple((small, large) for small in FINITE for large in GROUPS[small].inside)
COLUMNS = (SIGN_FLIP, PERMUTATION, SIGNED_PERMUTATION, ORTHOGONAL, GENERAL_LINEAR)
"""The groups of the table: those that the paper prints, and signed permutations."""
JOINING = "a penalty joins the loss"
"""The step by which an algorithm keeps with a penalty what it keeps without."""
CONDITIONS = (
    "Conditions are added: Hessian invertible (Newton), p >= 1, independent entries (symmetric law), theta_0 "
    "independent of W_0, first-layer buffers start at 0, step sizes and batches not from data, slope 0 at 0."
)
"""What the claim asks for and the paper does not print."""


@dataclass(frozen=True)
class Row:
    """One thing whose symmetry is asked for.

    Attributes:
        name: short key.
        part: algorithm, initialisation or regularisation; which hypothesis of Theorem C.1 it bears on.
        title: what people call it, with its range.
        keeps: name of the group under which its hypothesis is proved.
        breaks: names of the smallest groups under which it is refuted.
    """

    name: str
    part: str
    title: str
    keeps: str
    breaks: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One decided entry: does the row keep the column's group, by which step, shown for which group."""

    row: str
    group: str
    holds: bool
    step: str
    shown_for: str


ROWS = (
    Row(
        "sgd",
        "algorithm",
        "gradient descent with momentum, Nesterov, weight decay, mini-batches",
        "orthogonal",
        ("general_linear",),
    ),
    Row("adam", "algorithm", "Adam, with coupled or decoupled weight decay", "signed_permutation", ("orthogonal",)),
    Row("adagrad", "algorithm", "AdaGrad", "signed_permutation", ("orthogonal",)),
    Row("newton", "algorithm", "Newton's method (Hessian invertible)", "general_linear", ()),
    Row(
        "kernel",
        "algorithm",
        "kernel regression, kernel a function of inner products",
        "orthogonal",
        ("general_linear",),
    ),
    Row("symmetric", "initialisation", "independent entries, each symmetric about 0", "sign_flip", ("permutation",)),
    Row("iid", "initialisation", "i.i.d. entries", "permutation", ("sign_flip",)),
    Row(
        "iid-symmetric",
        "initialisation",
        "i.i.d. symmetric entries, e.g. uniform",
        "signed_permutation",
        ("orthogonal",),
    ),
    Row("gaussian", "initialisation", "i.i.d. centred Gaussian entries", "orthogonal", ("general_linear",)),
    Row("zero", "initialisation", "all zero", "general_linear", ()),
    Row("no-penalty", "regularisation", "none", "general_linear", ()),
    Row("l2", "regularisation", "l_2 norm", "orthogonal", ("general_linear",)),
    Row("lp", "regularisation", "l_p norm, p >= 1 other than 2", "signed_permutation", ("orthogonal",)),
)
"""Algorithms, initialisations and regularisers, in the order of the table."""

claim(
    "table-1",
    kind="table",
    title="Symmetries of training a fully-connected net",
    statement=r"\text{For a group marked yes, every member of the row satisfies: an algorithm (2), }"
    r"\text{an initialisation (3) of Theorem C.1, a regulariser } R(W g^{-1}) = R(W), "
    r"\text{ the kernel rule Definition 3.2 itself;} \quad "
    r"\text{for a group marked no, a member of the row is exhibited that violates it}",
    source="Li, Zhang, Arora (ICLR 2021), Table 1, with a column for signed permutations",
    printed=r"\text{sign flips: AdaGrad, Adam; symmetric law; } l_p \text{ norm} \quad "
    r"\text{permutations: AdaGrad, Adam; i.i.d. law; } l_p \text{ norm} \quad "
    r"\text{orthogonal: SGD with momentum; i.i.d. Gaussian; } l_2 \text{ norm} \quad "
    r"\text{linear: Newton's method; all zero; no regularisation}",
    differs="Each row is decided under each group, with counterexamples; signed permutations and kernel regression "
    f"are added. {CONDITIONS}",
    hypotheses=(
        r"M[W, \theta](x) = N_\theta(W x),\ N \text{ arbitrary (depth, width, activation, biases, normalisation)}",
        r"\text{the loss is differentiable in } (WD, \theta) \text{ (Newton: twice), or a fixed (sub)gradient is used }"
        r"\text{that is a function of } (WD, \theta, y)",
        r"\tau(g) \text{ acts by } g^{-1} \text{ on } W \text{ and on first-layer momentum, on second moments as on "
        r"squared entries, and fixes } \theta \text{ and its buffers}",
        r"\text{the initialisation rows speak of } W_0;\ \theta_0 \text{ and the buffers are independent of } W_0, "
        r"\text{ first-layer buffers start at } 0",
        r"\text{mini-batches are drawn without looking at the inputs; step sizes do not depend on the data}",
        r"\text{Newton: the Hessian in all parameters is invertible along the path}",
        r"\text{a penalty is twice differentiable along the path (Newton), else differentiable or slope } 0 "
        r"\text{ where it has none}",
        r"d \ge 2 \text{ for the cells marked no: decided at } d = 2..5, "
        r"\text{ beyond by the same example padded with zeros}",
    ),
    uses=("def-3.2", "thm-c.1"),
)


def step_name(row: Row, verb: str, group: str) -> str:
    """The name of the step that shows it: ``sgd keeps orthogonal``."""
    return f"{row.name} {verb} {group}"


def cell(row: Row, group: str) -> Cell | None:
    """What the shown steps say about a row and a column; None if they leave it open or contradict.

    Example:
        >>> found = cell(ROWS[1], "general_linear")
        >>> found.holds, found.step
        (False, 'adam breaks orthogonal')
    """
    target = GROUPS[group]
    broken = [b for b in row.breaks if is_subgroup(GROUPS[b], target)]
    kept = is_subgroup(target, GROUPS[row.keeps])
    if kept == bool(broken):
        return None
    shown = row.keeps if kept else broken[0]
    return Cell(row.name, group, kept, step_name(row, "keeps" if kept else "breaks", shown), shown)


def table() -> list[Cell]:
    """All cells, row by row.

    Example:
        >>> sum(c.holds for c in table()), len(table())
        (45, 65)
    """
    found = (cell(row, column.name) for row, column in itertools.product(ROWS, COLUMNS))
    return [c for c in found if c is not None]


@proves(
    "table-1",
    "every cell follows from a shown one",
    by=Trust.EXACT,
    mutant=Mutant("the step with Adam's counterexample is taken out", without="adam breaks orthogonal"),
)
def complete(without: str = "") -> Evidence:
    """Kept under G, kept under its subgroups; broken under G, broken under what contains G; by a step of this proof."""
    steps = {s.name for s in LEDGER.steps["table-1"]} - {without}

    def decided(row: Row, column: str) -> bool:
        found = cell(row, column)
        return found is not None and found.step in steps

    return decide.every(
        "decided without contradiction, by a step of the ledger: row, column",
        [(row, column.name) for row, column in itertools.product(ROWS, COLUMNS)],
        lambda rc: decided(*rc),
    )


@proves(
    "table-1",
    "the lattice of groups",
    by=Trust.EXACT,
    mutant=Mutant("permutations are said to lie in the sign flips", inclusions=(("permutation", "sign_flip"),)),
)
def lattice(inclusions: tuple[tuple[str, str], ...] = INCLUSIONS) -> Evidence:
    """Element by element for the finite groups, d <= 4; O(d) lies in GL(d) since g' is the inverse by definition."""
    g = matrix("g")
    inverse = [rule("g' g = 1", transpose(g) * g, one()), rule("g g' = 1", g * transpose(g), one())]
    return all_of(
        decide.every(
            "every element of the smaller group lies in the larger: groups, d",
            [(small, large, d) for small, large in inclusions for d in range(1, 5)],
            lambda c: all(GROUPS[c[1]].contains(h) for h in GROUPS[c[0]].elements(c[2])),
        ),
        decide.equal_terms(transpose(g) * g * transpose(g), transpose(g), inverse),
        summary="finite groups element by element, and g' inverts g in O(d)",
    )
