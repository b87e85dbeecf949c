r"""What L2 projection between spaces of functions of t keeps, and what it costs where nothing is smooth in t.

Words stand for matrices of any size. A is the matrix that writes the basis of a small space in that of a large one,
M' and M = A^T M' A are their Gram matrices, so A refines and P = M^{-1} A^T M' projects.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.odenet_spaces import (
    Matrix,
    Space,
    gram,
    nests,
    product,
    projection,
    transposed,
)
from theory.rewriting import Rule, rule
from theory.terms import matrix, one, scalar, transpose, zero
from theory.validate import integer

__all__ = ["kept_share"]

LARGEST = 8
"""Nesting is checked for small spaces of at most so many functions."""
SPACES = r"P_S: \text{ the orthogonal projection of } L^2[0,1] \text{ onto } S, \text{ entry by entry of } \theta"

claim(
    "odenet-nested",
    kind="theorem",
    title="Refining is undone by projecting",
    statement=r"\text{(i) } S \subset S' \implies P_S P_{S'} = P_S, \text{ so refining from } S \text{ to } S' "
    r"\text{ and projecting back is the identity, and projections compose along chains. (ii) } "
    r"\|\theta - z\|^2 = \|\theta - P_S\theta\|^2 + \|P_S\theta - z\|^2 \text{ for } z \in S. "
    r"\text{ (iii) For every } K \text{ the projection from } 2K \text{ equal cells to } K \text{, on piecewise "
    r"constants, averages pairs: } (P\theta)^a = \tfrac12(\theta^{2a} + \theta^{2a+1}). "
    r"\text{ (iv) For } 1 \le K \le 8: \mathrm{constant}_K \subset \mathrm{constant}_{2K}, \mathrm{linear}_{2K};\ "
    r"\mathrm{hats}_{K+1} \subset \mathrm{hats}_{2K+1}, \mathrm{linear}_{2K};\ \mathrm{linear}_{2K} \subset "
    r"\mathrm{linear}_{4K};\ \mathrm{polynomial}_K \subset \mathrm{polynomial}_{K+1};\ "
    r"\mathrm{constant}_2 \not\subset \mathrm{hats}_{K+1}",
    source="ours",
    hypotheses=(SPACES, r"S, S' \text{ finite-dimensional}; \text{ the index counts basis functions}"),
)
claim(
    "odenet-untrained",
    kind="lemma",
    title="What compression costs where nothing is smooth in t",
    statement=r"\mathbb{E}\, \frac{\|\theta - P_S\theta\|^2}{\|\theta\|^2} = 1 - \frac{\kappa}{N}, \quad "
    r"\kappa = N \operatorname{tr}(M^{-1} G G^{\mathsf T}), \qquad \kappa = K \text{ if } S \text{ are the piecewise "
    r"constants on } K \mid N \text{ cells}",
    source="ours",
    hypotheses=(
        r"\theta = \sum_{j<N} 1_{[j/N, (j+1)/N)}\, \theta^j,\ \text{entries independent, each i.i.d. } "
        r"N(0, \sigma_e^2) \text{ over } j < N;\ \sigma_e \ge 0 \text{ may depend on the entry, and is not always } 0",
        r"M: \text{ the Gram matrix of } S,\quad G_{aj} = \int_{j/N}^{(j+1)/N} \phi_a",
        SPACES,
    ),
    uses=("odenet-nested",),
)

A, A2, M, M1, M2 = (matrix(name) for name in ("A", "A2", "M", "M1", "M2"))
INV, INV1 = matrix("M^-1"), matrix("M1^-1")
GRAM = (
    rule("M = A' M1 A", transpose(A) * M1 * A, M),
    rule("M1 = A2' M2 A2", transpose(A2) * M2 * A2, M1),
    rule("M^-1 M = 1", INV * M, one()),
    rule("M1 M1^-1 = 1", M1 * INV1, one()),
    rule("M^-1 is symmetric", transpose(INV), INV),
    rule("M1 is symmetric", transpose(M1), M1),
)


def kept_share(space: Space, cells: int) -> Fraction:
    """kappa/N: the expected share of what projection keeps of N i.i.d. cells, in squared norm (claim odenet-untrained).

    Args:
        space: what is projected to.
        cells: N, at least 1.

    Raises:
        ValueError: no cell.

    Example:
        >>> kept_share(Space("constant", 2), 8), kept_share(Space("hats", 2), 2)
        (Fraction(1, 4), Fraction(7, 8))
    """
    fine = Space("constant", integer("cells", cells, 1))
    kept = product(gram(fine, space), projection(fine, space))
    return sum((kept[j][j] for j in range(cells)), Fraction(0))


@proves(
    "odenet-nested",
    "refine, then project, in words",
    by=Trust.EXACT,
    mutant=Mutant("the Gram matrix of the small space is not that of its refined basis", rules=GRAM[1:]),
)
def refine_then_project(rules: tuple[Rule, ...] = GRAM) -> Evidence:
    """P A = M^-1 A' M1 A = M^-1 M = 1: what P_S does to the refined coefficients."""
    return decide.equal_terms(INV * transpose(A) * M1 * A, one(), rules)


@proves(
    "odenet-nested",
    "projections compose along chains, in words",
    by=Trust.EXACT,
    mutant=Mutant("the middle Gram matrix is not inverted", middle="M1"),
)
def chain(middle: str = "M1^-1") -> Evidence:
    """P from S' to S after P from S'' to S' is M^-1 A' M1 M1^-1 A2' M2 = M^-1 (A2 A)' M2, the one from S'' to S.

    S'' is the space of the function projected, any that contains S'.
    """
    first, second = INV * transpose(A) * M1, matrix(middle) * transpose(A2) * M2
    return decide.equal_terms(first * second, INV * transpose(A2 * A) * M2, GRAM)


@proves(
    "odenet-nested",
    "Pythagoras: what is lost is orthogonal to the space",
    by=Trust.EXACT,
    mutant=Mutant("what is lost is halved", lost=Fraction(1, 2)),
)
def pythagoras(lost: Fraction = Fraction(1)) -> Evidence:
    """(x - A P x)' M1 A = 0 for P = M^-1 A' M1; then |u + v|^2 = |u|^2 + |v|^2 if <u, v> = 0."""
    x = matrix("x")
    rest = x - A * INV * transpose(A) * M1 * x * lost
    return all_of(
        decide.equal_terms(transpose(rest) * M1 * A, zero(), GRAM),
        decide.same_polynomial("(u + v)**2", "u**2 + v**2 + 2*u*v"),
        summary="theta - P theta is orthogonal to S, so squared lengths add",
    )


@proves(
    "odenet-nested",
    "2K constants to K are averages of pairs, for every K",
    by=Trust.EXACT,
    mutant=Mutant("the fine cells are a third of the coarse ones", parts=3),
)
def pairs(parts: int = 2) -> Evidence:
    """M = 1/K and M1 = x = 1/(2K) times 1, so P = K A' x = A'/2; cell j of 2K lies in cell a iff 2a <= j <= 2a + 1.

    Both in K, a and i, where j = 2a + i: the coarse cell starts where fine cell i = 0 does, and ends where i = 1 does.
    """
    k, x, up = scalar("K"), scalar("x"), transpose(A)
    return all_of(
        decide.equal_terms(k * up * x, up * Fraction(1, 2), [rule("K x", k * x, one() * Fraction(1, parts))]),
        decide.same_polynomial("2*K*a", "K*(2*a + 0)"),
        decide.same_polynomial("2*K*(a + 1)", "K*((2*a + 1) + 1)"),
        decide.every(
            f"rows of the exact matrix hold 1/{parts} at 2a and 2a + 1, K <= 16",
            range(1, 17),
            lambda size: projection(Space("constant", 2 * size), Space("constant", size)) == _pairs(size, parts),
        ),
        summary="(P theta)^a = (theta^(2a) + theta^(2a+1))/2 for every K",
    )


@proves(
    "odenet-nested",
    "which of the four bases nest, K <= 8, and that their matrices obey (i)",
    by=Trust.EXACT,
    mutant=Mutant("the nodes of the fine hats are not among them: K + 2 for K + 1", fine_hats=2),
)
def nestings(fine_hats: int = 1) -> Evidence:
    """Exact: projection keeps all inner products; the refined basis has the small Gram matrix; P A = 1."""
    pairs_of_spaces = list(_nested(fine_hats))

    def undone(pair: tuple[Space, Space]) -> bool:
        small, large = pair
        refine, back = projection(small, large), projection(large, small)
        moved = product(product(transposed(refine), gram(large, large)), refine)
        return nests(small, large) and moved == gram(small, small) and product(back, refine) == _identity(small.size)

    apart = [(Space("constant", 2), Space("hats", k + 1)) for k in range(1, LARGEST + 1)]
    return all_of(
        decide.every("small in large, refined and projected back", pairs_of_spaces, undone),
        decide.every("a jump is in no space of continuous functions", apart, lambda pair: not nests(*pair)),
        summary=f"{len(pairs_of_spaces)} pairs nest, and projection undoes refinement exactly",
    )


@proves(
    "odenet-untrained",
    "each square is the same share of all, mixed products have mean zero",
    by=Trust.EXACT,
    mutant=Mutant("signs are not flipped", signs=(1,)),
)
def exchangeable(signs: tuple[int, ...] = (-1, 1)) -> Evidence:
    """The law of theta is that with -theta^i for theta^i, and that of any order: so E <theta^i, theta^j>/|.|^2 = 1/N.

    Off the diagonal it is its own negative, and the N shares |theta^j|^2/|.|^2 have one mean and add up to 1. Listed:
    the mean over all signs and orders of some weights with two entries, N <= 4.
    """
    vectors = [((3, 1),), ((1, 2), (0, 5)), ((1, 9), (5, -2)), ((1, 0), (2, 3), (4, 7)), ((0, 0), (1, 8), (3, -5))]
    vectors += [((1, 2), (2, 7), (3, 1), (7, 0)), ((1, 1), (0, 3), (0, -4), (2, 6))]

    def even(x: tuple[tuple[int, int], ...]) -> bool:
        n = len(x)
        turned = [
            tuple((s * u, s * v) for s, (u, v) in zip(flips, order, strict=True))
            for flips in itertools.product(signs, repeat=n)
            for order in itertools.permutations(x)
        ]
        size = sum(u * u + v * v for u, v in x) * len(turned)
        return all(
            n * sum(y[i][0] * y[j][0] + y[i][1] * y[j][1] for y in turned) == (size if i == j else 0)
            for i in range(n)
            for j in range(n)
        )

    return all_of(
        decide.every("the mean over signs and orders is 1/N", vectors, even),
        decide.rational("m = -m leaves m = 0: the factor 1 - (-1)", 1 - min(signs), "!=", 0),
        summary="so the expected share of theta' Q theta is tr Q/N",
    )


@proves(
    "odenet-untrained",
    "kappa = K for constants on K cells that N is a multiple of",
    by=Trust.EXACT,
    mutant=Mutant("one function more is kept", more=1),
)
def kept_functions(more: int = 0) -> Evidence:
    """With N = K r: M^-1 = K, each of K rows of G has r entries 1/N, so N tr(K G G') = N K K r/N^2 = K K r/N = K."""
    return all_of(
        decide.same_polynomial("K*K*r", f"(K + {more})*(K*r)"),
        decide.every(
            "the exact share kept is K/N, K r = N <= 24",
            [(k, r) for k in range(1, 13) for r in range(1, 24 // k + 1)],
            lambda c: kept_share(Space("constant", c[0]), c[0] * c[1]) == Fraction(c[0] + more, c[0] * c[1]),
        ),
        summary="piecewise constants keep the share K/N of weights that are i.i.d. from cell to cell",
    )


@proves(
    "odenet-untrained",
    "|P theta|^2 is a quadratic form with matrix G' M^-1 G",
    by=Trust.EXACT,
    mutant=Mutant("the Gram matrix is not inverted", inverse="M"),
    uses=("odenet-nested",),
)
def quadratic_form(inverse: str = "M^-1") -> Evidence:
    """P x = M^-1 G x has squared length (P x)' M (P x) = x' G' M^-1 G x, and |theta|^2 = |x|^2/N.

    What is lost is the rest, by Pythagoras (odenet-nested).
    """
    g, x = matrix("G"), matrix("x")
    projected = matrix(inverse) * g * x
    return decide.equal_terms(
        transpose(projected) * M * projected,
        transpose(x) * transpose(g) * INV * g * x,
        [*GRAM, rule("M is symmetric", transpose(M), M)],
    )


def _pairs(size: int, parts: int) -> Matrix:
    share = Fraction(1, parts)
    return tuple(tuple(share if j // 2 == a else Fraction(0) for j in range(2 * size)) for a in range(size))


def _nested(fine_hats: int) -> Iterator[tuple[Space, Space]]:
    for k in range(1, LARGEST + 1):
        yield Space("constant", k), Space("constant", 2 * k)
        yield Space("constant", k), Space("linear", 2 * k)
        yield Space("hats", k + 1), Space("hats", 2 * k + fine_hats)
        yield Space("hats", k + 1), Space("linear", 2 * k)
        yield Space("linear", 2 * k), Space("linear", 4 * k)
        yield Space("polynomial", k), Space("polynomial", k + 1)


def _identity(size: int) -> Matrix:
    return tuple(tuple(Fraction(int(i == j)) for j in range(size)) for i in range(size))
