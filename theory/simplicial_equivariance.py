r"""A simplicial layer keeps relabelling for every activation, and orientations if and only if its activation is odd.

The operators move with the group (`theory.simplicial_operators`), so what is left is one function at every entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.simplicial import COMPLEX, INCIDENCE, MOVED
from theory.simplicial_complexes import (
    SAMPLE,
    TERMS,
    Simplices,
    boundaries,
    degrees,
    flip,
    generators,
    generic,
    layer,
    operators,
)
from theory.simplicial_operators import GROUP, G
from theory.terms import apply_scalar, matrix, one, scalar, transpose, zero

__all__ = ["EVEN", "ODD"]

claim(
    "simplicial-equivariant",
    kind="theorem",
    title="A simplicial layer keeps orientations if and only if its activation is odd",
    statement=r"F(P B, P X) = P F(B, X) \text{ for every } s; \qquad "
    r"F(G B, G X) = G F(B, X) \text{ for all } G, X, W \iff s(-a) = -s(a) \text{ for all } a; \qquad "
    r"\tanh \text{ and } x \text{ are odd; ReLU and leaky ReLU of slope } \ne 1, \text{ softplus, } |x| \text{ and "
    r"every even } s \ne 0 \text{ are not}",
    source="ours",
    hypotheses=(
        COMPLEX,
        INCIDENCE,
        MOVED,
        r"F \text{ is the layer with operators of } B \text{ and weights } W,\ "
        r"G B = (G_0 B_1 G_1^\top, G_1 B_2 G_2^\top),\ G X = (G_k X_k)_k;\ P \text{ is the case } \Theta = I",
        r"s \text{ is one function, applied to each entry (a bias is part of it)}",
        r"\text{only if: the complex has an edge; flips of edges alone break it then, "
        r"and flips of triangles alone if there is a triangle}",
    ),
    uses=("simplicial", "simplicial-operators"),
)
ODD: dict[str, Callable[[Any], Any]] = {
    "x": lambda x: x,
    "x^3": lambda x: x * x * x,
    "x cut off at -1 and 1": lambda x: max(-1, min(1, x)),
}
"""Odd functions with rational values; tanh is treated by itself."""
EVEN: dict[str, Callable[[Any], Any]] = {"|x|": abs, "x^2": lambda x: x * x, "1": lambda x: 1}
"""Even functions with rational values."""
NEITHER: dict[str, Callable[[Any], Any]] = {
    "ReLU": lambda x: max(x, 0),
    "leaky ReLU": lambda x: max(x, x / Fraction(100)),
    "x + 1": lambda x: x + 1,
}
ACTIVATIONS = ODD | EVEN | NEITHER


@proves(
    "simplicial-equivariant",
    "the sums before the activation move",
    by=Trust.EXACT,
    mutant=Mutant("edge fields are not moved", unmoved=1),
    uses=("simplicial-operators",),
)
def sums_move(unmoved: int | None = None) -> Evidence:
    """S_ij(G B) (G_j X_j) W_ij = G_i S_ij(B) X_j W_ij: G_j' G_j = 1."""
    parts = []
    for i in range(3):
        terms = [t for t in TERMS if t[0] == str(i)]
        here, there = zero(), zero()
        for t in terms:
            j = int(t[1])
            s, x, w = matrix(f"S{t}"), matrix(f"X{j}"), matrix(f"W{t}")
            here = here + s * x * w
            there = there + (G[i] * s * transpose(G[j])) * (x if j == unmoved else G[j] * x) * w
        parts.append(decide.equal_terms(there, G[i] * here, GROUP))
    return all_of(*parts, summary="each of the three sums picks up G_i on the left")


@proves(
    "simplicial-equivariant",
    "entries: every s passes a permutation, an odd one passes signs",
    by=Trust.EXACT,
    mutant=Mutant("s is not known to be odd", odd=False),
)
def entries_move(odd: bool = True) -> Evidence:
    """An entry z becomes r z elsewhere, r = +-1; s(r z) = r s(z) for r = 1 by itself and for r = -1 if s is odd."""
    z = scalar("z")
    flipped = apply_scalar("s", -z)
    given = [rule("s(-z) = -s(z)", flipped, -apply_scalar("s", z))] if odd else []
    return all_of(
        decide.equal_terms(apply_scalar("s", one() * z), one() * apply_scalar("s", z)),
        decide.equal_terms(flipped, -apply_scalar("s", z), given),
        summary="s(G Z) = G s(Z) for odd s, s(P Z) = P s(Z) for every s",
    )


@proves(
    "simplicial-equivariant",
    "only if: node features that give one edge the sum a, and one flip",
    by=Trust.EXACT,
    mutant=Mutant("the node features are not divided by D_2", divided=False),
)
def one_edge_sees_a(divided: bool = True) -> Evidence:
    """X_1 = 0, X_2 = 0, W_10 = 1, X_0 = a D_1/D_2 at the node v where the edge e ends, else 0: e has the sum r a.

    r is B1[v, e] = 1, and -1 after the flip, when the layer has s(-a) at e where equivariance wants -s(a). D_1 > 0 at
    v, for it has the edge e. For a triangle t and one of its edges e: X_0 = 0, X_2 = 0, W_21 = 1, X_1 = a D_5 at e,
    and D_5 > 0 there; r is B2[e, t] = +-1 and changes sign when t is turned. All other weights are 0.
    """
    a, r, one_over = scalar("a"), scalar("r"), {k: scalar(f"1/D{k}") for k in (1, 2, 5)}
    d = {k: scalar(f"D{k}") for k in (1, 2, 5)}
    inverses = [rule(f"D{k}/D{k} = 1", d[k] * one_over[k], one()) for k in d]
    feature = a * d[1] * (one_over[2] if divided else one())
    return all_of(
        decide.equal_terms(d[2] * r * one_over[1] * feature, r * a, inverses),
        decide.equal_terms(r * one_over[5] * (a * d[5]), r * a, inverses),
        summary="so s(-a) = -s(a) for every a is needed, on every complex with an edge",
    )


@proves(
    "simplicial-equivariant",
    "only if, on the sample complexes",
    by=Trust.EXACT,
    mutant=Mutant("an odd activation is among them", names=("ReLU", "x^3")),
)
def breaks_on_samples(names: tuple[str, ...] = (*EVEN, *NEITHER)) -> Evidence:
    """Every edge and every triangle of a sample complex, with the features above and a = 1."""
    cases = [(simplices, k, i) for simplices in SAMPLE for k in (1, 2) for i in range(_count(simplices, k))]
    return decide.every(
        f"flipping one simplex breaks {', '.join(names)}", cases, lambda case: not any(_flip_is_kept(*case, names))
    )


@proves(
    "simplicial-equivariant",
    "if, on the sample complexes",
    by=Trust.EXACT,
    mutant=Mutant("ReLU is among the odd activations", odd=("x", "ReLU")),
)
def kept_on_samples(odd: tuple[str, ...] = ("x^3", "x cut off at -1 and 1")) -> Evidence:
    """Generic fractions as features and weights: swaps with ReLU and |x|, swaps and flips with odd activations."""
    return decide.every("F(G B, G X) = G F(B, X)", SAMPLE, lambda simplices: _kept(simplices, odd, ("ReLU", "|x|")))


@proves(
    "simplicial-equivariant",
    "which activations are odd",
    by=Trust.EXACT,
    mutant=Mutant("leaky ReLU with slope 1", slope=Fraction(1)),
)
def activations(slope: Fraction = Fraction(1, 100)) -> Evidence:
    """With E = e^x and F = e^-x, tanh x = (E - F)/(E + F), and x -> -x exchanges E and F.

    x -> -x takes x to -x. s is not odd where s(1) + s(-1) != 0; an even odd function has s = -s. Softplus:
    e^s(0) = 1 + e^0 = 2, where an odd s has s(0) = -s(0), so e^s(0) = e^-s(0).
    """
    return all_of(
        decide.same_polynomial("(F - E)*(E + F)", "-(E - F)*(F + E)"),
        decide.same_polynomial("-1*(x)", "-(x)"),
        decide.every("s(1) + s(-1) != 0", (*EVEN, *NEITHER), lambda name: sum(map(ACTIVATIONS[name], (1, -1))) != 0),
        decide.same_polynomial("1 + a*(-1)", "1 - a"),  # s(1) + s(-1) of a leaky ReLU of slope a: 0 only at a = 1
        decide.rational("leaky ReLU: s(1) + s(-1)", 1 - slope, "!=", 0),
        decide.rational("softplus: e^s(0) against e^-s(0)", Fraction(2), "!=", Fraction(1, 2)),
        decide.same_polynomial("s - (-s)", "2*s"),
        summary="tanh(-x) = -tanh(x); the others fail at 1 or at 0, and an even s with s(-a) = -s(a) is 0",
    )


def _flip_is_kept(simplices: Simplices, k: int, simplex: int, names: Sequence[str]) -> Iterator[bool]:
    """For each activation, whether the layer of the step commutes with the flip of an edge (k = 1) or a triangle."""
    b1, b2 = boundaries(*simplices)
    d = degrees(b1, b2)
    below = (b1, b2)[k - 1][:, simplex].tolist()
    place = below.index(1) if 1 in below else below.index(-1)
    fields = [np.zeros((n, 1), object) for n in (*b1.shape, b2.shape[1])]
    fields[k - 1][place, 0] = below[place] * (Fraction(d.d1[place], d.d2[simplex]) if k == 1 else d.d5[place])
    weights = {t: np.full((1, 1), int(t in ("10", "21")), object) for t in TERMS}
    turn = flip(_count(simplices, k), simplex)
    here = operators(b1, b2)
    there = operators(*((b1 @ turn, turn @ b2) if k == 1 else (b1, b2 @ turn)))
    for name in names:  # fields on the flipped simplices are zero, so the flip does not change them
        s = ACTIVATIONS[name]
        after, moved = (layer(maps, fields, weights, s)[k] for maps in (here, there))
        yield bool((moved == turn @ after).all())


def _kept(simplices: Simplices, odd: Sequence[str], others: Sequence[str]) -> bool:
    b1, b2 = boundaries(*simplices)
    fields = [generic(n, 2, 3 + k) for k, n in enumerate((*b1.shape, b2.shape[1]))]
    weights = {t: generic(2, 1, 7 + i) for i, t in enumerate(TERMS)}
    maps = operators(b1, b2)
    here = {name: layer(maps, fields, weights, ACTIVATIONS[name]) for name in (*odd, *others)}
    for g in generators(b1, b2):
        moved = operators(g[0] @ b1 @ g[1].T, g[1] @ b2 @ g[2].T)
        moved_fields = [h @ x for h, x in zip(g, fields, strict=True)]
        for name in odd if any((h < 0).any() for h in g) else (*odd, *others):
            there = layer(moved, moved_fields, weights, ACTIVATIONS[name])
            if not all((a == h @ b).all() for a, h, b in zip(there, g, here[name], strict=True)):
                return False
    return True


def _count(simplices: Simplices, k: int) -> int:
    return len(simplices[1] if k == 1 else simplices[2])
