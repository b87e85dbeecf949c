r"""Convolution on simplicial 2-complexes: what does not depend on how simplices are listed and oriented.

Bunch, You, Fung and Singh put features on the nodes, edges and triangles of a complex and let each layer exchange
them along boundaries. Lists and orientations of simplices are conventions, so a net should not depend on them. With
``G_k = P_k Theta_k``, a permutation times orientation signs (``Theta_0 = I``, nodes have none), the family shows

- simplicial-boundary: the boundary of a boundary is zero, in every convention;
- simplicial-operators: every operator of the layer moves as ``G_i S G_j'``, although degrees use absolute values;
- simplicial-equivariant: a layer is equivariant under relabelling for every entry-wise activation s, under changes of
  orientation exactly if s is odd: tanh keeps it, ReLU and all even functions but zero break it;
- simplicial-inputs: edges and triangles that all carry the number one, as the authors' code prepares them, are no
  equivariant field; differences along edges and signed areas are;
- simplicial-net: what is read off the nodes at the end does not depend on orientations then;
- simplicial-scale: how far the printed operators are normalised, and that one of them is not.

The definition and boundaries are here, the rest is in `theory.simplicial_operators`,
`theory.simplicial_equivariance`, `theory.simplicial_inputs` and `theory.simplicial_grid` (the complex of the paper's
experiment). `theory.simplicial_complexes` holds the exact arithmetic that claims are tried with.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.simplicial_complexes import SAMPLE, TERMS, Matrix, Simplices, boundaries, operators
from theory.terms import matrix, one, scalar, transpose, zero

__all__: list[str] = []

PAPER = "Bunch, You, Fung, Singh 2020 (arXiv 2012.06010)"
COMPLEX = r"\text{a finite 2-complex with } n_0 \ge 1 \text{ nodes},\ n_1 \text{ edges},\ n_2 \text{ triangles}"
MOVED = (
    r"G_k = P_k \Theta_k,\ P_k \text{ a permutation matrix},\ \Theta_k \text{ diagonal with entries } \pm 1,\ "
    r"\Theta_0 = I"
)
INCIDENCE = (
    r"B_1 \in \{-1,0,1\}^{n_0 \times n_1}: -1 \text{ where an edge starts, } 1 \text{ where it ends};\ "
    r"B_2 \in \{-1,0,1\}^{n_1 \times n_2}: 1 \text{ for edges that the triangle runs along, } -1 \text{ against}"
)

claim(
    "simplicial",
    kind="algorithm",
    title="A layer on a simplicial 2-complex",
    statement=r"X_0^+ = s(D_1^{-1} B_1 X_1 W_{01} + A_{0u} X_0 W_{00}),\quad "
    r"X_1^+ = s(B_2 D_3 X_2 W_{12} + (A_{1d} + A_{1u}) X_1 W_{11} + D_2 B_1^\top D_1^{-1} X_0 W_{10}),\quad "
    r"X_2^+ = s(A_{2d} X_2 W_{22} + D_4 B_2^\top D_5^{-1} X_1 W_{21});\qquad "
    r"D_2 = \max(\operatorname{diag}(|B_2| 1), I),\ D_1 = 2 \operatorname{diag}(|B_1| D_2 1),\ D_3 = \tfrac13 I,\ "
    r"D_4 = I,\ D_5 = \operatorname{diag}(|B_2| 1),\quad "
    r"A_{0u} = (A + I)(D + I)^{-1},\ A_{1u} = (D_2 - B_2 D_3 B_2^\top + I)(D_2 + I)^{-1},\ "
    r"A_{1d} = (D_2 + I)(D_2^{-1} - B_1^\top D_1^{-1} B_1 + I),\ "
    r"A_{2d} = (D_4 + I)(D_4^{-1} - B_2^\top D_5^{-1} B_2 + I)",
    source=f"{PAPER}, the layer and its operators (read in a source, not compared with the paper)",
    differs="A_2d was not in what we read: this one is ours, after the pattern of A_1d. The authors' code, read for "
    "facts only, has a plus sign in it, for which all that follows holds too; its D_1, D_5, A_0u and constant factors "
    "differ from the formulas here as well, and claims are about the formulas.",
    hypotheses=(
        COMPLEX,
        INCIDENCE,
        r"A \text{ joins nodes that have a common edge},\ D \text{ counts the edges at each node}",
        r"X_k \text{ has a row for each } k\text{-simplex; } s \text{ acts on each entry}",
        r"D_1^{-1}, D_5^{-1} \text{ invert entry by entry; an entry } 0 "
        r"\text{ (an isolated node, an edge without triangles) gives } 0",
    ),
)
claim(
    "simplicial-boundary",
    kind="lemma",
    title="The boundary of a boundary is zero, in every convention",
    statement=r"B_1 B_2 = 0, \qquad (G_0 B_1 G_1^\top)(G_1 B_2 G_2^\top) = 0, \quad \text{and } "
    r"(G_0 B_1 G_1^\top, G_1 B_2 G_2^\top) \text{ are the boundary matrices of the same complex with its simplices "
    r"listed and oriented in another way}",
    source="ours; the first identity is classical",
    hypotheses=(COMPLEX, INCIDENCE, MOVED),
    uses=("simplicial",),
)


@proves(
    "simplicial",
    "every term has a row for each simplex that it is added to",
    by=Trust.EXACT,
    mutant=Mutant("two operators are taken for each other", source="10", target="01"),
)
def shapes(source: str = "01", target: str = "01") -> Evidence:
    """S_ij is n_i x n_j on every sample complex; where the three counts differ, nothing else fits."""

    def fits(simplices: Simplices) -> bool:
        counts = (simplices[0], *map(len, simplices[1:]))
        found = operators(*boundaries(*simplices))
        found[target] = found[source]
        return all(found[t].shape == (counts[int(t[0])], counts[int(t[1])]) for t in TERMS)

    return decide.every("S_ij has shape n_i x n_j", SAMPLE, fits)


@proves(
    "simplicial",
    "the operators entry by entry, from neighbours",
    by=Trust.EXACT,
    mutant=Mutant("D3 = I/2", share=Fraction(1, 2)),
)
def by_neighbours(share: Fraction = Fraction(1, 3)) -> Evidence:
    """The matrix formulas against sums over incident simplices, on all sample complexes and both signs of A2d."""
    return decide.every(
        "all entries of the seven operators",
        [(simplices, sign) for simplices in SAMPLE for sign in (-1, 1)],
        lambda c: _agree(c[0], c[1], share),
    )


@proves(
    "simplicial-boundary",
    "one triangle, whatever the directions of its edges",
    by=Trust.EXACT,
    mutant=Mutant("the triangle's third edge goes on from its first node", third=("a", "c")),
)
def one_triangle(third: tuple[str, str] = ("c", "a")) -> Evidence:
    """A column of B1 B2 is the sum of r_i r_i (end - start) with r_i = +-1: the direction of an edge enters twice.

    Columns of B2 have no other entries, so this is B1 B2 for every complex.
    """
    around = (("a", "b"), ("b", "c"), third)
    total = zero()
    for k, (start, end) in enumerate(around):
        sign = scalar(f"r{k}")
        column_of_b1 = sign * (matrix(end) - matrix(start))
        total = total + sign * column_of_b1
    squares = [rule(f"r{k}^2 = 1", scalar(f"r{k}") * scalar(f"r{k}"), one()) for k in range(3)]
    return all_of(
        decide.every(
            "the boundary of the boundary, by direction of the edges",
            list(itertools.product((1, -1), repeat=3)),
            lambda signs: not any(_column(around, signs).values()),
        ),
        decide.equal_terms(total, zero(), squares),
        summary="(b - a) + (c - b) + (a - c) = 0",
    )


@proves(
    "simplicial-boundary",
    "signed permutations cancel between the two",
    by=Trust.EXACT,
    mutant=Mutant("the rows of B2 are not moved with the columns of B1", rows="H"),
)
def moves_cancel(rows: str = "G1") -> Evidence:
    """G_1' G_1 = 1 stands between B1 and B2."""
    b1, b2, g0, g1, g2 = map(matrix, ("B1", "B2", "G0", "G1", "G2"))
    given = [rule("G1' G1 = 1", transpose(g1) * g1, one()), rule("B1 B2 = 0", b1 * b2, zero())]
    return decide.equal_terms((g0 * b1 * transpose(g1)) * (matrix(rows) * b2 * transpose(g2)), zero(), given)


@proves(
    "simplicial-boundary",
    "what moves do to matrices is what they do to simplices",
    by=Trust.EXACT,
    mutant=Mutant("a turned edge changes its column of B1 only", rows_too=0),
)
def moves_are_conventions(rows_too: int = 1) -> Evidence:
    """Each edge or triangle turned round, each swap of neighbours in a list: these generate the group.

    An entry depends on the relation of two simplices alone: a swap moves it to where they are listed then, turning
    one of them exchanges start and end, or along and against, which is the other sign. On sample complexes the
    matrices are built again from the changed lists.
    """
    start_end = {"start": -1, "end": 1, "neither": 0}
    along_against = {"along": 1, "against": -1, "neither": 0}
    other = {"start": "end", "end": "start", "along": "against", "against": "along", "neither": "neither"}

    def agree(case: tuple[Simplices, str, int]) -> bool:
        simplices, what, k = case
        b1, b2 = boundaries(*simplices)
        again = boundaries(*_changed(simplices, what, k))
        g = [_elementary(n, what if what[-1] == str(i) else "", k) for i, n in enumerate((*b1.shape, b2.shape[1]))]
        rows = g[1] if rows_too else _elementary(len(b2), "", 0)
        return bool((again[0] == g[0] @ b1 @ g[1].T).all() and (again[1] == rows @ b2 @ g[2].T).all())

    return all_of(
        decide.every(
            "turning an edge or a triangle changes the sign of its entries",
            [(entries, relation) for entries in (start_end, along_against) for relation in entries],
            lambda c: c[0][other[c[1]]] == -c[0][c[1]],
        ),
        decide.every("turning and swapping simplices of the samples", _changes(), agree),
        summary="turning a simplex changes the sign of a row or column, listing it elsewhere moves it",
    )


def _agree(simplices: Simplices, sign: int, share: Fraction) -> bool:
    b1, b2 = boundaries(*simplices)
    wanted = _from_neighbours(simplices, b1, b2, sign, share)
    found = operators(b1, b2, sign=sign)
    return all((found[term] == wanted[term]).all() for term in TERMS)


def _from_neighbours(simplices: Simplices, b1: Matrix, b2: Matrix, sign: int, share: Fraction) -> dict[str, Matrix]:
    """The operators by loops over pairs of simplices; nothing is multiplied as a matrix."""
    nodes, edges, triangles = range(simplices[0]), range(len(simplices[1])), range(len(simplices[2]))
    ends = [set(edge) for edge in simplices[1]]
    faces = [[e for e in edges if ends[e] <= set(t)] for t in simplices[2]]
    filled = [sum(e in face for face in faces) for e in edges]
    d = [max(n, 1) for n in filled]
    joined = [sum(v in ends[e] for e in edges) for v in nodes]
    weight = [sum(2 * d[e] for e in edges if v in ends[e]) for v in nodes]

    def down(e: int, f: int) -> Fraction:
        common = sum((Fraction(int(b1[v, e] * b1[v, f]), weight[v]) for v in ends[e] & ends[f]), Fraction(0))
        return (d[e] + 1) * ((1 + Fraction(1, d[e]) if e == f else 0) - common)

    def up(e: int, f: int) -> Fraction:
        common = share * sum(int(b2[e, t] * b2[f, t]) for t in triangles if {e, f} <= set(faces[t]))
        return ((d[e] + 1 if e == f else 0) - common) * Fraction(1, d[f] + 1)

    def across(t: int, u: int) -> Fraction:
        common = sum((Fraction(int(b2[e, t] * b2[e, u]), filled[e]) for e in faces[t] if e in faces[u]), Fraction(0))
        return Fraction(2) * ((2 if t == u else 0) + sign * common)

    near = {frozenset(end) for end in ends} | {frozenset([v]) for v in nodes}
    entries = {
        "00": lambda v, w: Fraction(frozenset((v, w)) in near, joined[w] + 1),
        "01": lambda v, e: Fraction(int(b1[v, e]), weight[v]) if v in ends[e] else 0,
        "10": lambda e, v: Fraction(d[e] * int(b1[v, e]), weight[v]) if v in ends[e] else 0,
        "11": lambda e, f: down(e, f) + up(e, f),
        "12": lambda e, t: share * b2[e, t],
        "21": lambda t, e: Fraction(int(b2[e, t]), filled[e]) if e in faces[t] else 0,
        "22": across,
    }
    ranges = (nodes, edges, triangles)
    return {
        term: np.array([[entry(i, j) for j in ranges[int(term[1])]] for i in ranges[int(term[0])]], object).reshape(
            len(ranges[int(term[0])]), len(ranges[int(term[1])])
        )
        for term, entry in entries.items()
    }


def _column(around: Sequence[tuple[str, str]], signs: tuple[int, ...]) -> dict[str, int]:
    """A column of B1 B2 for a triangle whose k-th edge points along it iff signs[k] = 1."""
    total = dict.fromkeys("abc", 0)
    for sign, step in zip(signs, around, strict=True):
        tail, head = step if sign > 0 else step[::-1]
        total[head] += sign
        total[tail] -= sign
    return total


def _changes() -> list[tuple[Simplices, str, int]]:
    found: list[tuple[Simplices, str, int]] = []
    for simplices in SAMPLE:
        for k, n in enumerate((simplices[0], len(simplices[1]), len(simplices[2]))):
            found += [(simplices, f"swap{k}", i) for i in range(n - 1)]
            found += [(simplices, f"turn{k}", i) for i in range(n if k else 0)]
    return found


def _changed(simplices: Simplices, what: str, k: int) -> Simplices:
    """The same complex with one simplex turned round, or with two neighbours of a list exchanged."""
    nodes, edges, triangles = simplices
    if what == "swap0":
        name = {k: k + 1, k + 1: k}
        edges = tuple((name.get(a, a), name.get(b, b)) for a, b in edges)
        return nodes, edges, tuple((name.get(a, a), name.get(b, b), name.get(c, c)) for a, b, c in triangles)
    if what == "turn1":
        return nodes, (*edges[:k], edges[k][::-1], *edges[k + 1 :]), triangles
    if what == "turn2":
        a, b, c = triangles[k]
        return nodes, edges, (*triangles[:k], (b, a, c), *triangles[k + 1 :])
    if what == "swap1":
        return nodes, (*edges[:k], edges[k + 1], edges[k], *edges[k + 2 :]), triangles
    return nodes, edges, (*triangles[:k], triangles[k + 1], triangles[k], *triangles[k + 2 :])


def _elementary(n: int, what: str, k: int) -> Matrix:
    g = np.array([[int(i == j) for j in range(n)] for i in range(n)], object).reshape(n, n)
    if what.startswith("swap"):
        g[[k, k + 1]] = g[[k + 1, k]]
    elif what.startswith("turn"):
        g[k, k] = -1
    return g
