r"""Theorem 5.5: two textures that a permutation-equivariant learner has to learn place by place.

P is uniform on the 2d pairs ``(s_i, 1)`` and ``(t_i, -1)``, ``t_i = e_i + e_{i+1}``, ``s_i = e_i + e_{i+2}``,
indices mod d. If pixels i+1 and i+2 were never seen, swapping them fixes the training data and maps t_i to
s_i, so an equivariant learner gives both the same law of predictions and errs on one. If j and j+1 were never
seen, their swap maps s_j to t_{j+1}; when j+2 *was* seen this is one more pair, disjoint from all the others,
so that three neighbouring pixels decide what is lost.

The exact optimum for small d and a simple learner are in `theory.texture_optimum`, the conv net is in
`theory.texture_conv`, the theorem as printed in `theory.texture_printed`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Set
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.complexity import Bound
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import matrix
from theory.texture_conv import conv_upper_bound
from theory.texture_optimum import (
    EQUIVARIANT,
    TASK,
    distinct_points,
    exact_optimum,
    labelled_edges,
    optimum_by_definition,
    upper_bound,
)
from theory.thresholds import least_exponent, rounded
from theory.validate import generator, integer, probability, sizes

__all__ = [
    "conv_upper_bound",
    "exact_optimum",
    "least_error_bound",
    "lower_bound",
    "sample",
    "sample_complexity_bound",
    "upper_bound",
]

claim(
    "thm-5.5-sharp",
    kind="theorem",
    title="Theorem 5.5, sharper",
    statement=r"\mathbb{E}\,\mathrm{err}_P(A) \ge \bigl(1-\tfrac7{2d}\bigr)^n - \tfrac12\bigl(1-\tfrac9{2d}\bigr)^n "
    r"\ge \tfrac12\bigl(1-\tfrac7{2d}\bigr)^n, \quad\text{hence}\quad \mathcal{N}^*(A,P,\varepsilon) \ge "
    r"\min\{n \ge 0 : (1-\tfrac7{2d})^n - \tfrac12(1-\tfrac9{2d})^n \le \varepsilon\}, \qquad "
    r"\mathcal{N}(A,P,\varepsilon,\delta) \ge \mathcal{N}^*(A,P,\varepsilon+\delta)",
    source="ours, sharpening Theorem 5.5 of Li, Zhang, Arora (ICLR 2021)",
    differs="Sharpens Theorem 5.5, which follows from it: a bound on the error for every number of samples, and on "
    "N* and N for every eps and delta.",
    hypotheses=(TASK, EQUIVARIANT, r"n \ge 0 \text{ samples},\ 0 < \varepsilon < 1,\ 0 < \delta < 1"),
    uses=("def-3.2", "def-3.3"),
)


def least_error_bound(d: int, n: int) -> Fraction:
    """A lower bound on the expected error of permutation-equivariant learners (claim thm-5.5-sharp).

    It is (1-7/(2d))^n - (1/2)(1-9/(2d))^n, which is at least (1/2)(1-7/(2d))^n.

    Args:
        d: number of pixels, at least 5.
        n: number of training samples, at least 0.

    Raises:
        ValueError: d < 5 or n < 0.

    Example:
        >>> least_error_bound(6, 1)
        Fraction(7, 24)
    """
    d, n = integer("d", d, 5), integer("n", n, 0)
    miss_two, miss_three = (1 - Fraction(k, 2 * d) for k in (7, 9))
    return miss_two**n - miss_three**n / 2


def sample_complexity_bound(d: int, eps: float | Fraction | str) -> int:
    """The least n at which `least_error_bound` is at most eps, so that N*(eps) is no less.

    Args:
        d: number of pixels, at least 5.
        eps: error in (0, 1); a float is read as the decimal it shows.

    Raises:
        ValueError: d < 5, or eps outside (0, 1).

    Example:
        >>> sample_complexity_bound(40, 0.25)
        10
    """
    return _least_samples(integer("d", d, 5), probability("eps", eps))


def lower_bound(d: int, eps: float | Fraction | str, delta: float | Fraction | str | None = None) -> Bound:
    """No permutation-equivariant learner does with fewer samples (claim thm-5.5-sharp).

    Args:
        d: number of pixels, at least 5.
        eps: error in (0, 1); a float is read as the decimal it shows.
        delta: if given, the bound is on N(eps, delta) >= N*(eps + delta), Definition 3.3; else on N*(eps).
            It is vacuous from eps + delta = 1/2 on, where a coin will do.

    Raises:
        ValueError: d < 5, or eps or delta outside (0, 1).

    Example:
        >>> lower_bound(400, "1/8", "1/8").n
        103
    """
    d = integer("d", d, 5)
    target = probability("eps", eps) + (0 if delta is None else probability("delta", delta))
    n = _least_samples(d, target)
    return Bound(n, "thm-5.5-sharp", rounded(n), "unseen neighbouring pixels can be swapped, which swaps the labels")


def sample(
    d: int, shape: int | tuple[int, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw from P: points of shape ``(*shape, d)`` and labels +-1 of shape ``shape``.

    Raises:
        ValueError: d < 5, a shape that is not one, or rng no numpy Generator.

    Example:
        >>> x, y = sample(7, 5, np.random.default_rng(0))
        >>> x.shape, bool(((x * np.roll(x, 1, axis=1)).sum(axis=1) == (1 - y) / 2).all())
        ((5, 7), True)
    """
    d, size = integer("d", d, 5), sizes("shape", shape)
    first = generator("rng", rng).integers(d, size=size)
    labels = rng.choice([-1.0, 1.0], size=size)
    pixels = np.eye(d)
    return pixels[first] + pixels[(first + np.where(labels > 0, 2, 1)) % d], labels


@proves(
    "thm-5.5-sharp",
    "two unseen pixels make a pair of points cost one error",
    by=Trust.EXACT,
    mutant=Mutant("the swap is not known to fix the training data", swap_fixes_data=False),
    uses=("def-3.2",),
)
def coin_on_unseen(swap_fixes_data: bool = True) -> Evidence:
    """The law h of A(D) obeys h g = h for the swap g of two unseen pixels b and c, so h(e_a + e_b) = h(e_a + e_c)."""
    law, g, point, image = matrix("h"), matrix("g"), matrix("x"), matrix("x'")
    a, b, c, other = (matrix(f"e_{name}") for name in ("a", "b", "c", "o"))
    swap = [rule("g swaps", g * b, c), rule("g swaps back", g * c, b)]
    swap += [rule("g fixes a", g * a, a), rule("g fixes o", g * other, other)]
    equivariance = [rule("A(gD) o g = A(D) and gD = D", law * g, law)] if swap_fixes_data else []
    return all_of(
        decide.equal_terms(g * (a + b), a + c, swap),
        decide.equal_terms(g * (a + other), a + other, swap),
        decide.equal_terms(law * g * point, law * point, equivariance),
        decide.equal_terms(law * g * point, law * image, [rule("the swap moves x to x'", g * point, image)]),
        decide.same_polynomial("(1 - p) + p", "1"),
        summary="P[-1 at t] = P[-1 at s] = p, so the pair costs (1-p) + p = 1 of its two points",
    )


@proves(
    "thm-5.5-sharp",
    "the pairs are disjoint, for every d >= 5",
    by=Trust.EXACT,
    mutant=Mutant("pixel j+2 need not have been seen", seen_pixels=()),
)
def disjoint_pairs(seen_pixels: tuple[int, ...] = (2,)) -> Evidence:
    """(s_j, t_{j+1}) meets (t_i, s_i) for i = j and i = j+1 only, and either needs j+2 unseen."""
    return all_of(
        distinct_points(5),
        decide.every(
            "(s_j, t_{j+1}) counts only when (t_i, s_i) does not, i - j = 0, 1",
            (0, 1),
            lambda offset: bool({offset + 1, offset + 2} & set(seen_pixels)),
        ),
        decide.every(
            "for every set of unseen pixels, d <= 10: pairs are disjoint, of two labels, and swaps exchange them",
            [(d, unseen) for d in range(5, 11) for unseen in _subsets(d)],
            lambda c: _pairs_are_sound(c[0], c[1], seen_pixels),
        ),
        summary="each pair costs one error of mass 1/(2d), and no point is in two pairs",
    )


@proves(
    "thm-5.5-sharp",
    "7 points touch two neighbouring pixels, 9 touch three, for every d >= 5",
    by=Trust.EXACT,
    mutant=Mutant("d = 4 is claimed too", smallest=4),
)
def counting(smallest: int = 5) -> Evidence:
    """Places k where e_k + e_{k+r} touches pixels 0..m-1: k is one of 0..m-1 or of -r..m-1-r, mod d.

    Counted on the line; integers that lie less than d apart are distinct mod d.
    """
    parts = []
    for pixels, reach, count in ((2, 1, 3), (2, 2, 4), (3, 1, 4), (3, 2, 5)):
        starts = {p - step for p in range(pixels) for step in (0, reach)}
        parts += [
            decide.rational(f"starts at reach {reach} that touch {pixels} pixels", len(starts), "==", count),
            decide.rational("they lie less than d apart", max(starts) - min(starts), "<", smallest),
        ]
    return all_of(
        distinct_points(smallest),
        *parts,
        decide.every(
            "7 of 2d points touch two neighbouring pixels, 9 touch three, d <= 40",
            [(d, first) for d in range(smallest, 41) for first in range(d)],
            lambda c: (_touching(*c, 2), _touching(*c, 3)) == (7, 9),
        ),
        summary="3 + 4 = 7 points touch two neighbours, 4 + 5 = 9 touch three, for every d >= 5",
    )


@proves(
    "thm-5.5-sharp",
    "the expected number of pairs",
    by=Trust.EXACT,
    mutant=Mutant("only 8 points touch three neighbouring pixels", touch_three=8),
)
def expectation(touch_three: int = 9) -> Evidence:
    """Of pairs (t_i, s_i) there are d p, of pairs (s_j, t_{j+1}) d (p - q), each of cost 1/(2d).

    p and q are the chances that two and three neighbours are unseen: (1-7/(2d))^n and (1-9/(2d))^n, as draws are
    independent.
    """
    return all_of(
        decide.same_polynomial("d*p + d*(p - q)", "2*d*(p - 1/2*q)"),
        decide.every(
            "the pairs over all (2d)^n data sets number d (2 (2d-7)^n - (2d-9)^n), d <= 7, n <= 3",
            [(d, n) for d in range(5, 8) for n in range(4)],
            lambda c: _count_pairs(*c) == c[0] * (2 * (2 * c[0] - 7) ** c[1] - (2 * c[0] - touch_three) ** c[1]),
        ),
        summary="E err >= (1/(2d)) E[pairs] = (1-7/(2d))^n - (1/2)(1-9/(2d))^n",
    )


@proves(
    "thm-5.5-sharp",
    "the bound decreases in n and is at least (1/2)(1-7/(2d))^n",
    by=Trust.EXACT,
    mutant=Mutant("two pixels are touched by 4 points only", touch_two=4),
    uses=("def-3.3",),
)
def decreasing(touch_two: int = 7) -> Evidence:
    """With P = (1-7x)^n, Q = (1-9x)^n, x = 1/(2d): the bound P/2 + (P-Q)/2 falls by (5/2) x P + (9/2) x (P-Q) > 0.

    P >= Q > 0, because 0 < 1-9x < 1-7x for d >= 5.
    """
    left = 2 * touch_two - 9
    return all_of(
        decide.rational("1 - 9/(2d) at d = 5, its least value", 1 - Fraction(9, 10), ">", 0),
        decide.same_polynomial("(1 - 7*x) - (1 - 9*x)", "2*x"),
        decide.same_polynomial("P - 1/2*Q", "1/2*P + 1/2*(P - Q)"),
        decide.same_polynomial(
            f"(P - 1/2*Q) - (P*(1 - {touch_two}*x) - 1/2*Q*(1 - 9*x))", f"1/2*({left})*x*P + 9/2*x*(P - Q)"
        ),
        decide.rational("what is left of P", left, ">", 0),
        summary="so N*(eps) is at least the first n at which the bound is at most eps; N(eps, delta) is by Def 3.3",
    )


@proves(
    "thm-5.5-sharp",
    "the exact optimum beside the bounds, d <= 12",
    by=Trust.EXACT,
    mutant=Mutant("two neighbours are touched by 6 points only", touch_two=6),
)
def optimum_beside_bounds(touch_two: int = 7) -> Evidence:
    """(1/2)(1-7/(2d))^n <= bound <= least error of all <= memorising; and n < d/10 leaves more than 1/4."""
    cases = [(d, n) for d, top in zip(range(5, 13), (12, 12, 12, 12, 12, 5, 5, 4), strict=True) for n in range(top + 1)]

    def ordered(case: tuple[int, int]) -> bool:
        d, n = case
        two, three, point = (1 - Fraction(k, 2 * d) for k in (touch_two, 9, 1))
        weak, sharp, above = two**n / 2, two**n - three**n / 2, point**n / 2
        return weak <= sharp <= exact_optimum(d, n) <= above and (10 * n >= d or weak > Fraction(1, 4))

    gap = max(exact_optimum(d, 1) / least_error_bound(d, 1) for d, n in cases if n == 1)
    chain = decide.every(
        "bound <= optimum <= memorising, n <= 12 for d = 5..9, n <= 5 for d = 10, 11, n <= 4 for d = 12", cases, ordered
    )
    return all_of(
        chain,
        decide.rational("at n = 1 the optimum exceeds the bound by a factor of at most", gap, "<=", Fraction(6, 5)),
        summary=f"{chain.summary}; at n = 1 the optimum is at most {gap} of the bound",
    )


@proves(
    "thm-5.5-sharp",
    "the enumeration of the optimum against its definition",
    by=Trust.EXACT,
    mutant=Mutant("shifts are the only permutations", shifts_only=True),
    uses=("def-3.2",),
)
def optimum_is_right(shifts_only: bool = False) -> Evidence:
    """All sequences, all test points, all d! permutations: d = 5 with n <= 3, d = 6 with n <= 2."""

    def agrees(case: tuple[int, int]) -> bool:
        d, n = case
        shifts = [[(p + k) % d for p in range(d)] for k in range(d)]
        actions = shifts if shifts_only else itertools.permutations(range(d))
        return optimum_by_definition(d, n, actions) == exact_optimum(d, n)

    return decide.every(
        "canonical forms of graphs give the optimum by definition",
        [(5, 0), (5, 1), (5, 2), (5, 3), (6, 0), (6, 1), (6, 2)],
        agrees,
    )


def _least_samples(d: int, target: Fraction) -> int:
    """The least n with least_error_bound(d, n) <= target, which decreases in n (a step above)."""
    two, three = (1 - Fraction(k, 2 * d) for k in (7, 9))
    return least_exponent([(Fraction(1), two), (-Fraction(1, 2), three)], target)


def _subsets(d: int) -> Iterator[frozenset[int]]:
    return (frozenset(c) for size in range(d + 1) for c in itertools.combinations(range(d), size))


def _pairs(d: int, unseen: Set[int], seen_pixels: tuple[int, ...] = (2,)) -> list[tuple[tuple[int, int], int, int]]:
    """The pairs that cost an error: (swapped pixels, index of t, index of s), indices as in `labelled_edges`."""
    found = []
    for i in range(d):
        near = [(i + k) % d for k in range(d)]
        if {near[1], near[2]} <= unseen:
            found.append(((near[1], near[2]), i, d + i))
        if {near[0], near[1]} <= unseen and not {near[k] for k in seen_pixels} & unseen:
            found.append(((near[0], near[1]), near[1], d + i))
    return found


def _pairs_are_sound(d: int, unseen: Set[int], seen_pixels: tuple[int, ...]) -> bool:
    points = labelled_edges(d)
    pairs = _pairs(d, unseen, seen_pixels)
    members = [points[k][0] for _, t, s in pairs for k in (t, s)]
    exchanged = all(
        points[s] == (tuple(sorted({b: c, c: b}.get(p, p) for p in points[t][0])), -points[t][1])
        for (b, c), t, s in pairs
    )
    return len(members) == len(set(members)) and exchanged


def _touching(d: int, first: int, pixels: int) -> int:
    block = {(first + k) % d for k in range(pixels)}
    return sum(bool(block & set(edge)) for edge, _ in labelled_edges(d))


def _count_pairs(d: int, n: int) -> int:
    """The number of pairs, over all sequences of n draws."""
    points = [edge for edge, _ in labelled_edges(d)]
    everything = set(range(d))
    return sum(len(_pairs(d, everything.difference(*map(set, data)))) for data in itertools.product(points, repeat=n))
