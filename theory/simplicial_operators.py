r"""Every operator of a simplicial layer moves with relabelling and orientation; and how large two of them are.

Matrices are sums of elementary ones: B2 is the sum over pairs of an edge e and a triangle t of the entry b_et times
``u_e v_t'`` with unit vectors. A signed permutation sends a unit vector to a sign times another unit vector, and
different ones to different ones. So what is shown for one elementary matrix holds for sums, of every size; the rest
is rewriting of words with ``G_k' G_k = 1``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import Rule, rule
from theory.simplicial import COMPLEX, INCIDENCE, MOVED, PAPER
from theory.simplicial_complexes import SAMPLE, TERMS, Matrix, Simplices, boundaries, degrees, generators, operators
from theory.terms import Term, apply_scalar, matrix, one, scalar, transpose, zero

__all__ = ["GROUP", "MOVES", "formal_operators"]

claim(
    "simplicial-operators",
    kind="lemma",
    title="Every operator moves with relabelling and orientation",
    statement=r"S_{ij}(G_0 B_1 G_1^\top, G_1 B_2 G_2^\top) = G_i\, S_{ij}(B_1, B_2)\, G_j^\top "
    r"\quad \text{for } S_{01} = D_1^{-1} B_1,\ S_{00} = A_{0u},\ S_{12} = B_2 D_3,\ S_{11} = A_{1d} + A_{1u},\ "
    r"S_{10} = D_2 B_1^\top D_1^{-1},\ S_{22} = (D_4 + I)(D_4^{-1} + c\, B_2^\top D_5^{-1} B_2 + I),\ "
    r"S_{21} = D_4 B_2^\top D_5^{-1}; \qquad \text{no } S_{ij} \text{ depends on the numbers that stand for } 1/0",
    source="ours",
    hypotheses=(
        COMPLEX,
        INCIDENCE,
        MOVED,
        r"c \text{ any number; } D_1, \dots, D_5, A_{0u}, A_{1u}, A_{1d} \text{ as in the layer}",
        r"\text{where an entry of } D_1 \text{ or } D_5 \text{ is } 0 \text{ (isolated nodes, edges without triangles),"
        r" that of its inverse is one fixed number}",
    ),
    uses=("simplicial",),
)
claim(
    "simplicial-scale",
    kind="lemma",
    title="Of the two operators between edges one is normalised, the other is not",
    statement=r"\sum_f |(A_{1u})_{fe}| = \frac{d_e + 1 + t_e / 3}{d_e + 1} < \frac43, \qquad "
    r"(A_{1d})_{ee} \ge d_e + 1, \qquad "
    r"0 \le \bigl((D_2^{-1} + I)^{-1} (D_2^{-1} - B_1^\top D_1^{-1} B_1 + I)\bigr)_{ee} \le 1",
    source=f"ours; it concerns the printed operators of {PAPER}",
    differs="Dividing by degrees plus one, as in A_1u, would put the inverse of D_2^-1 + I in front of A_1d, where "
    "D_2 + I is printed. All operators move alike with either.",
    hypotheses=(
        COMPLEX,
        INCIDENCE,
        r"t_e \text{ triangles contain the edge } e,\ d_e = \max(t_e, 1)",
    ),
    uses=("simplicial",),
)

G = tuple(matrix(f"G{k}") for k in range(3))
GROUP = tuple(rule(f"{a} {b} = 1", a * b, one()) for g in G for a, b in ((transpose(g), g), (g, transpose(g))))
"""Signed permutations are orthogonal."""
MOVES = {
    "D0": 0,
    "(D0 + 1)^-1": 0,
    "D1^-1": 0,
    "D2": 1,
    "D2^-1": 1,
    "(D2 + 1)^-1": 1,
    "D3": 2,
    "D4": 2,
    "D4^-1": 2,
    "D5^-1": 1,
}
"""The diagonal matrices and the simplices that they belong to."""


def formal_operators(b1: Term, b2: Term, d: Mapping[str, Term]) -> dict[str, Term]:
    """The operators as words in the boundary matrices and the diagonal matrices of `MOVES`.

    Example:
        >>> names = {name: matrix(name) for name in MOVES}
        >>> str(formal_operators(matrix("B1"), matrix("B2"), names)["21"])
        "D4 B2' D5^-1"
    """
    return {
        "00": (d["D0"] - b1 * transpose(b1) + one()) * d["(D0 + 1)^-1"],
        "01": d["D1^-1"] * b1,
        "10": d["D2"] * transpose(b1) * d["D1^-1"],
        "11": (d["D2"] + one()) * (d["D2^-1"] - transpose(b1) * d["D1^-1"] * b1 + one())
        + (d["D2"] - b2 * d["D3"] * transpose(b2) + one()) * d["(D2 + 1)^-1"],
        "12": b2 * d["D3"],
        "21": d["D4"] * transpose(b2) * d["D5^-1"],
        "22": (d["D4"] + one()) * (d["D4^-1"] + scalar("c") * transpose(b2) * d["D5^-1"] * b2 + one()),
    }


def _squares(*names: str) -> list[Rule]:
    return [rule(f"{name}^2 = 1", scalar(name) * scalar(name), one()) for name in names]


@proves(
    "simplicial-operators",
    "absolute values forget signs: |G B H'| = P |B| Q'",
    by=Trust.EXACT,
    mutant=Mutant("entries of G may be other than +-1", signs=()),
)
def absolute_values(signs: tuple[str, ...] = ("s", "t")) -> Evidence:
    """With G u = s u*, P u = u*, H v = t v*, Q v = v* the entry b goes to s t b, of the same square, so of one size.

    Different entries go to different places, hence the absolute value of the sum is the sum of absolute values.
    """
    g, p, h, q, u, v, moved_u, moved_v = map(matrix, ("G", "P", "H", "Q", "u", "v", "u*", "v*"))
    s, t, b = map(scalar, ("s", "t", "b"))
    places = [rule("G u = s u*", g * u, s * moved_u), rule("P u = u*", p * u, moved_u)]
    places += [rule("(H v)' = t v*'", transpose(v) * transpose(h), t * transpose(moved_v))]
    places += [rule("(Q v)' = v*'", transpose(v) * transpose(q), transpose(moved_v))]
    entry = b * u * transpose(v)
    return all_of(
        decide.equal_terms(g * entry * transpose(h), s * t * b * moved_u * transpose(moved_v), places),
        decide.equal_terms(p * entry * transpose(q), b * moved_u * transpose(moved_v), places),
        decide.equal_terms((s * t * b) * (s * t * b), b * b, _squares(*signs)),
        summary="the entry b at (e, t) becomes s t b at the place of the moved simplices, and |s t b| = |b|",
    )


@proves(
    "simplicial-operators",
    "degree matrices and all functions of them move as G D G'",
    by=Trust.EXACT,
    mutant=Mutant("entries of G may be other than +-1", signs=()),
)
def degree_matrices(signs: tuple[str, ...] = ("s",)) -> Evidence:
    """Sums |B| 1 and |B1| D2 1 move as P d; a diagonal matrix with entries f(d), for any f, moves as P . P' = G . G'.

    f is the maximum with 1, the inverse with a number for 1/0, the inverse of d + 1, or a constant.
    """
    p, q, b, d = (matrix(name) for name in ("P", "Q", "|B|", "d"))
    ones = matrix("1")
    sums = [rule("Q' 1 = 1", transpose(q) * ones, ones), rule("Q' Q = 1", transpose(q) * q, one())]
    g, u, moved = matrix("G"), matrix("u"), matrix("u*")
    s, value = scalar("s"), apply_scalar("f", scalar("d"))
    places = [rule("G u = s u*", g * u, scalar("s") * moved), rule("P u = u*", p * u, moved)]
    places += [rule("(G u)' = s u*'", transpose(u) * transpose(g), s * transpose(moved))]
    places += [rule("(P u)' = u*'", transpose(u) * transpose(p), transpose(moved)), *_squares(*signs)]
    entry = value * u * transpose(u)
    return all_of(
        decide.equal_terms((p * b * transpose(q)) * ones, p * b * ones, sums),
        decide.equal_terms((p * b * transpose(q)) * (q * d), p * b * d, sums),
        decide.equal_terms(p * entry * transpose(p), value * moved * transpose(moved), places),
        decide.equal_terms(g * entry * transpose(g), value * moved * transpose(moved), places),
        summary="the degree d of a simplex stands at its new place, and its sign enters twice",
    )


@proves(
    "simplicial-operators",
    "all seven, for complexes of every size",
    by=Trust.EXACT,
    mutant=Mutant("D2 is not moved", still=("D2",)),
)
def all_seven(still: tuple[str, ...] = ()) -> Evidence:
    """With the diagonal matrices moved as G D G', G_k' G_k cancels between all factors."""
    b1, b2 = matrix("B1"), matrix("B2")
    names = {name: matrix(name) for name in MOVES}
    moved = {n: d if n in still else G[MOVES[n]] * d * transpose(G[MOVES[n]]) for n, d in names.items()}
    here = formal_operators(b1, b2, names)
    there = formal_operators(G[0] * b1 * transpose(G[1]), G[1] * b2 * transpose(G[2]), moved)
    return all_of(
        *(decide.equal_terms(there[t], G[int(t[0])] * here[t] * transpose(G[int(t[1])]), GROUP) for t in TERMS),
        summary="S_ij of the moved complex reduces to G_i S_ij G_j' for all seven",
    )


@proves(
    "simplicial-operators",
    "neighbours are D - B1 B1', for every graph",
    by=Trust.EXACT,
    mutant=Mutant("B1 has entries 1 at both ends", start=1),
)
def adjacency(start: int = -1) -> Evidence:
    """An edge from u to v adds (v - u)(v - u)' to B1 B1' and uu' + vv' to D, so that D - B1 B1' gets uv' + vu'."""
    u, v = matrix("u"), matrix("v")
    column = v + u * start
    degree, joined = u * transpose(u) + v * transpose(v), u * transpose(v) + v * transpose(u)
    return all_of(
        decide.every(
            "A_0u has entries 1/(D + 1) at neighbours and on the diagonal",
            SAMPLE,
            lambda simplices: _neighbours(simplices, start),
        ),
        decide.equal_terms(degree - column * transpose(column), joined),
        summary="A = D - B1 B1', so that A_0u = (D - B1 B1' + I)(D + I)^-1",
    )


@proves(
    "simplicial-operators",
    "what stands for 1/0 has no effect",
    by=Trust.EXACT,
    mutant=Mutant("degrees are sums of the entries, not of their sizes", size=lambda b: b),
)
def missing_inverses(size: Callable[[Any], Any] = abs) -> Evidence:
    """A degree is a sum of sizes, the number of entries in a row that are not 0; where it is 0, so is the row.

    With Z the projection on these simplices B' Z = 0 and Z B = 0, and D1^-1 and D5^-1 stand in the operators beside
    rows of B1 and B2 only.
    """
    b, inverse, z, c = matrix("B"), matrix("D^-1"), matrix("Z"), scalar("c")
    empty = [rule("B' Z = 0", transpose(b) * z, zero()), rule("Z B = 0", z * b, zero())]
    filled = inverse + c * z
    return all_of(
        decide.every("the size of an entry is 1 where it is not 0", (-1, 0, 1), lambda x: size(x) == int(x != 0)),
        decide.equal_terms(transpose(b) * filled, transpose(b) * inverse, empty),
        decide.equal_terms(filled * b, inverse * b, empty),
        decide.equal_terms(transpose(b) * filled * b, transpose(b) * inverse * b, empty),
        decide.every(
            "operators with 0 and with 5 for 1/0 agree",
            SAMPLE,
            lambda simplices: _same(operators(*boundaries(*simplices)), operators(*boundaries(*simplices), missing=5)),
        ),
        summary="rows of B at simplices of degree 0 vanish, so any number there may stand for 1/0",
    )


@proves(
    "simplicial-operators",
    "on the sample complexes, in exact arithmetic",
    by=Trust.EXACT,
    mutant=Mutant("degrees are sums of the entries, not of their sizes", size=lambda b: b),
)
def on_samples(size: Callable[[Any], Any] = abs) -> Evidence:
    """Every swap in a list and every flip of a sample complex."""

    def moves(simplices: Simplices) -> bool:
        b1, b2 = boundaries(*simplices)
        here = operators(b1, b2, size=size)
        return all(
            _same(
                operators(g[0] @ b1 @ g[1].T, g[1] @ b2 @ g[2].T, size=size),
                {t: g[int(t[0])] @ here[t] @ g[int(t[1])].T for t in TERMS},
            )
            for g in generators(b1, b2)
        )

    return decide.every("S_ij moves as G_i S_ij G_j' under every generator", SAMPLE, moves)


@proves(
    "simplicial-scale",
    "columns of A_1u",
    by=Trust.EXACT,
    mutant=Mutant("a bound of 5/4", bound=Fraction(5, 4)),
)
def up_is_normalised(bound: Fraction = Fraction(4, 3)) -> Evidence:
    """Diagonal (d + 1 - t/3)/(d + 1); each triangle at e has two other edges, at 1/3 each; other triangles have others.

    For t <= d the sum is at most 4/3 - (1/3)/(d + 1).
    """
    return all_of(
        decide.same_polynomial("(d + 1 - 1/3*t) + t*(1/3 + 1/3)", "d + 1 + 1/3*t"),
        decide.same_polynomial("4/3*(d + 1) - (d + 1 + 1/3*t)", "1/3*(d - t) + 1/3"),
        decide.every("column sums on the samples", _edges(), lambda c: _column_sum(*c, bound)),
        summary="(4/3)(d + 1) - (d + 1 + t/3) = (d - t)/3 + 1/3 > 0",
    )


@proves(
    "simplicial-scale",
    "the diagonal of A_1d",
    by=Trust.EXACT,
    mutant=Mutant("the diagonal is at least d + 2", more=2),
)
def down_is_not(more: int = 1) -> Evidence:
    """At the ends of e, D_1 is 2(d + r) and 2(d + q) with r, q >= 0 from other edges, so 1/d is at least their 1/D_1.

    Hence 1/d + 1 - 1/D_1 - 1/D_1 >= 1, and at most 1/d + 1: dividing by the latter leaves a number in [0, 1].
    """
    coefficients = {"d*q": 1, "d*r": 1, "r*q": 2}
    gap = " + ".join(f"{c}*{term}" for term, c in coefficients.items())
    return all_of(
        decide.same_polynomial("2*(d + r)*(d + q) - d*(d + q) - d*(d + r)", gap),
        decide.every("no coefficient is negative", coefficients.values(), lambda c: c >= 0),
        decide.every("the diagonal on the samples", _edges(), lambda c: _diagonal_bounds(*c, more)),
        summary=f"1/d - 1/D_1 - 1/D_1 has the numerator {gap} >= 0 over 2 d (d + r)(d + q)",
    )


def _same(left: Mapping[str, Matrix], right: Mapping[str, Matrix]) -> bool:
    return all(bool((left[t] == right[t]).all()) for t in TERMS)


def _neighbours(simplices: Simplices, start: int) -> bool:
    nodes, edges, _ = simplices
    b1, b2 = boundaries(*simplices)
    b1 = b1.copy()
    b1[b1 == -1] = start
    near = {frozenset(e) for e in edges} | {frozenset([v]) for v in range(nodes)}
    degree = [sum(v in e for e in edges) for v in range(nodes)]
    found = operators(b1, b2)["00"]
    return all(
        found[v, w] == Fraction(frozenset((v, w)) in near, degree[w] + 1) for v in range(nodes) for w in range(nodes)
    )


def _edges() -> list[tuple[Simplices, int]]:
    return [(simplices, e) for simplices in SAMPLE for e in range(len(simplices[1]))]


def _column_sum(simplices: Simplices, e: int, bound: Fraction) -> bool:
    b1, b2 = boundaries(*simplices)
    d = degrees(b1, b2)
    total = sum(map(abs, operators(b1, b2)["1u"][:, e]))
    return bool(total == Fraction(d.d2[e] + 1 + Fraction(d.d5[e], 3)) / (d.d2[e] + 1) < bound)


def _diagonal_bounds(simplices: Simplices, e: int, more: int) -> bool:
    b1, b2 = boundaries(*simplices)
    d = int(degrees(b1, b2).d2[e])
    entry = operators(b1, b2)["1d"][e, e]
    return bool(entry >= d + more and 0 <= entry / (d + 1) / (1 + Fraction(1, d)) <= 1)
