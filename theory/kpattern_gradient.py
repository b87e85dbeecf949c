r"""Why a fully-connected net starts almost flat on a k-pattern.

The parity of k bits is the character chi_I. In any net whose first layer W is fully connected, the derivative of the
mean of label times output in the weight from input j to a hidden unit is E chi_I(x) x_j s(W x): the Fourier
coefficient at I xor {j} of what comes back to the unit. If the law of W does not know one input from another, all
sets of one size get the same mean square, of a total of at most 1. There are so many sets that each gets little.

The bound that follows is the least that holds for all such laws and all |s| <= 1: `theory.kpattern_sharp`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern_walsh import beside, cube, mask, sizes_of, walsh
from theory.rewriting import rule
from theory.terms import matrix, one
from theory.validate import integer

__all__ = ["ENUMERATED", "LAW", "SUM", "TASK", "gradient_bound"]

TASK = (
    r"x \text{ uniform on } \{\pm1\}^n,\ \chi_S(x) = \textstyle\prod_{i \in S} x_i,\ "
    r"I \subseteq \{1, \dots, n\},\ |I| = k,\ 1 \le k \le n"
)
LAW = r"\text{the law of the matrix } W \text{ with } n \text{ columns does not change when columns are permuted}"
SUM = r"\mathbb{E}_W \sum_{j=1}^n \bigl(\mathbb{E}_x\, \chi_I(x)\, x_j\, s(W x)\bigr)^2"
CUTS = (-1, 0, 1, 2, 3)
"""Thresholds c of the exact enumeration, where the hidden unit is w.x - c."""
ENUMERATED = range(1, 11)
"""Numbers of bits of the exact enumeration."""

claim(
    "kpattern-gradient",
    kind="lemma",
    title="The first gradient on a k-pattern",
    statement=SUM + r" \le G(n, k),\quad G(n, k) = \frac{1 + \max(k, n-k)}{\binom nk} \ (k < n),\ G(n, n) = 1; \qquad "
    r"G(n, k) \le \frac{n+2}{\binom nk} \le \frac{2n}{\binom nk} = \frac{n-k}{\binom{n-1}{k}} + "
    r"\frac{k}{\binom{n-1}{k-1}} \le \frac{n}{\min\{\binom{n-1}{k}, \binom{n-1}{k-1}\}} \ (k < n)",
    source="ours",
    hypotheses=(TASK, LAW, r"s \text{ is measurable},\ |s| \le 1"),
)
claim(
    "kpattern-gradient-relu",
    kind="lemma",
    title="The first gradient on a k-pattern, ReLU",
    statement=SUM + r" \le \tfrac14\, G(n, k)",
    source="ours",
    hypotheses=(
        TASK,
        LAW,
        r"s \text{ is measurable},\ 0 \le s \le 1,\ k \ge 2 \text{ (a hidden unit of ReLU or sigmoid has } "
        r"s(Wx) = \sigma'(w \cdot x + b))",
    ),
    uses=("kpattern-gradient",),
)


def gradient_bound(n: int, k: int) -> Fraction:
    """G(n, k), the largest mean squared first gradient of one hidden unit (claim kpattern-gradient).

    Args:
        n: number of bits, at least 1.
        k: length of the pattern, in [1, n].

    Raises:
        ValueError: n or k out of range.

    Example:
        >>> gradient_bound(32, 4), gradient_bound(4, 4)
        (Fraction(1, 1240), Fraction(1, 1))
    """
    n = integer("n", n, 1)
    k = integer("k", k, 1, n)
    return Fraction(1) if k == n else Fraction(1 + max(k, n - k), math.comb(n, k))


@proves(
    "kpattern-gradient",
    "each term is the coefficient at I xor {j}, for every n",
    by=Trust.EXACT,
    mutant=Mutant("inputs are 0 and 1", values=(0, 1)),
)
def coefficient_beside(values: tuple[int, ...] = (-1, 1)) -> Evidence:
    """Entry by entry, x_i^a x_i^b = x_i^(a xor b) for a = [i in I], b = [i = j]; and j is recovered from I xor {j}."""
    return all_of(
        decide.every(
            "one factor of chi_I(x) x_j, in or outside of I, at j or elsewhere",
            [(x, a, b) for x in values for a in (0, 1) for b in (0, 1)],
            lambda c: c[0] ** c[1] * c[0] ** c[2] == c[0] ** (c[1] ^ c[2]),
        ),
        decide.rational("elements that j in I adds to I xor {j}", (1 ^ 1) - 1, "==", -1),
        decide.rational("elements that j outside of I adds", (0 ^ 1) - 0, "==", 1),
        decide.every(
            "I xor {j}, j = 1..n, are n sets: k of k-1 elements and n-k of k+1, n <= 10",
            [(n, k) for n in ENUMERATED for k in range(1, n + 1)],
            lambda c: _levels(*c) == [c[1] - 1] * c[1] + [c[1] + 1] * (c[0] - c[1]),
        ),
        summary="chi_I(x) x_j = chi_S(x), S = I xor {j}; k of these sets have k-1 elements, n-k have k+1",
    )


@proves(
    "kpattern-gradient",
    "all sets of one size have the same mean square",
    by=Trust.EXACT,
    mutant=Mutant("the columns stay where they are", moved=False),
)
def spread_evenly(moved: bool = True) -> Evidence:
    """The map x -> P x keeps the uniform law and takes chi_S to chi_(pi S), and s(W P' P x) = s(W x).

    Sets of one size are moved to each other, so each of the C(n, m) sets of m elements has the same share of what all
    of them have together.
    """
    w, p, back, x = matrix("W"), matrix("P"), matrix("P'"), matrix("x")
    weights = w * back if moved else w
    cases = [(n, k, pi) for n in range(1, 5) for k in range(n + 1) for pi in itertools.permutations(range(n))]
    return all_of(
        decide.equal_terms(weights * p * x, w * x, [rule("P is orthogonal", back * p, one())]),
        decide.every(
            "the coefficient of s(w P' x) at pi S is that of s(w x) at S: all pi, n <= 4, w = (1, 2, 4, 8)",
            cases,
            lambda c: _moves_along(*c, moved),
        ),
        decide.every(
            "any two sets of one size are moved to each other, n <= 6",
            [(n, m) for n in range(1, 7) for m in range(n + 1)],
            lambda c: _is_transitive(*c),
        ),
        summary="E_W of the squared coefficient at S depends on |S| only",
    )


@proves(
    "kpattern-gradient",
    "two levels share a total of 1, and the chain of bounds, for every n > k >= 1",
    by=Trust.EXACT,
    mutant=Mutant("the level below I has one set more", below="a*k + 1"),
    uses=("kpattern-parseval",),
)
def arithmetic(below: str = "a*k") -> Evidence:
    """Levels k-1 and k+1 have sums of squares u and v, u + v <= E s^2 <= 1 by Parseval, and each set its share.

    They enter with factors A = k/C(n, k-1) and B = (n-k)/C(n, k+1).
    With a = n!/(k! (n-k+1)!) and b = n!/((k+1)! (n-k)!): C(n, k) = a (n-k+1) = b (k+1), C(n, k-1) = a k and
    C(n, k+1) = b (n-k). So A = (n-k+1)/C(n, k) and B = (k+1)/C(n, k). With c = (n-1)!/(k! (n-k)!): C(n, k) = c n,
    C(n-1, k) = c (n-k) and C(n-1, k-1) = c k, so that (n-k)/C(n-1, k) and k/C(n-1, k-1) are n/C(n, k) both. Last,
    1/C(n-1, k) = m - s and 1/C(n-1, k-1) = m - t for m the larger of the two.
    """
    return all_of(
        decide.same_polynomial("k*(a*(n - k + 1))", f"(n - k + 1)*({below})"),
        decide.same_polynomial("(n - k)*(b*(k + 1))", "(k + 1)*(b*(n - k))"),
        decide.same_polynomial("A - (A*u + B*v)", "A*(1 - u - v) + (A - B)*v"),
        decide.same_polynomial("(n - k + 1) + (k + 1)", "n + 2"),
        decide.same_polynomial("2*(2 + h) - (2 + h + 2)", "h"),
        decide.same_polynomial("(n - k)*(c*n)", "n*(c*(n - k))"),
        decide.same_polynomial("k*(c*n)", "n*(c*k)"),
        decide.same_polynomial("(n - k)*(m - s) + k*(m - t)", "n*m - (n - k)*s - k*t"),
        decide.every(
            "binomials and bounds at all k < n <= 60",
            [(n, k) for n in range(2, 61) for k in range(1, n)],
            lambda c: _chain_holds(*c),
        ),
        decide.every("k = n has one level, n/C(n, n-1) = 1", range(1, 61), lambda n: n == math.comb(n, n - 1)),
        summary="A u + B v <= max(A, B) = G(n, k) since u + v <= 1; then n + 2 <= 2 n, and 1/C <= 1/min",
    )


@proves(
    "kpattern-gradient",
    "all signed threshold units, n <= 10",
    by=Trust.EXACT,
    mutant=Mutant("the bound is smaller by one in a hundred", share=Fraction(99, 100)),
)
def enumerated(share: Fraction = Fraction(1)) -> Evidence:
    """The sign of w.x - c (-1 at 0) is s: every w in {-1, 0, 1}^n, in its orbit under permutations, every k, five c.

    A sign of w changes the sign of coefficients only. The law of w is uniform on the orbit: every invariant law on
    {-1, 0, 1}^n is a mixture of these.
    """
    return _below("s = +-1", share, Fraction(1), 1)


@proves(
    "kpattern-gradient-relu",
    "2 s - 1 is bounded by 1 and has twice the coefficients, but for the empty set",
    by=Trust.EXACT,
    mutant=Mutant("k = 1 is claimed too", least=1),
    uses=("kpattern-gradient",),
)
def halved(least: int = 2) -> Evidence:
    """kpattern-gradient for 2 s - 1; the constant 1 has no coefficient at sets of k-1 >= 1 and k+1 elements."""
    return all_of(
        decide.same_polynomial("1/2*(2*s - 1) + 1/2", "s"),
        decide.same_polynomial("(2*s - 1) + 1", "2*s"),
        decide.same_polynomial("1 - (2*s - 1)", "2*(1 - s)"),
        decide.rational("elements of the smallest set", least - 1, ">=", 1),
        decide.same_polynomial("(1/2*c)**2", "1/4*c**2"),
        summary="the coefficients of s are half of those of 2 s - 1, which lies in [-1, 1]",
    )


@proves(
    "kpattern-gradient-relu",
    "all ReLU units, n <= 10",
    by=Trust.EXACT,
    mutant=Mutant("a fifth instead of a quarter", quarter=Fraction(1, 5)),
)
def enumerated_relu(quarter: Fraction = Fraction(1, 4)) -> Evidence:
    """The derivative of ReLU, s = [w.x > c], with w and c as in the enumeration of kpattern-gradient.

    It is half of the signs enumerated there, up to a constant.
    """
    return _below("s = [w.x > c]", quarter, Fraction(1, 4), 2)


def _levels(n: int, k: int) -> list[int]:
    found = beside(mask(range(k)), n)
    return [int(sizes_of(n)[s]) for s in found] if len(set(found.tolist())) == n else []


def _moves_along(n: int, k: int, pi: tuple[int, ...], moved: bool) -> bool:
    """Entry pi(i) of P x is x_i, so entry pi(i) of w P' is w_i."""
    w = 2 ** np.arange(n)
    other = w.copy()
    if moved:
        other[list(pi)] = w
    here, there = (walsh(cube(n) @ v > 1) for v in (w, other))
    return bool(here[mask(range(k))] == there[mask(pi[:k])])


def _is_transitive(n: int, m: int) -> bool:
    reached_sets = {frozenset(pi[:m]) for pi in itertools.permutations(range(n))}
    return len(reached_sets) == math.comb(n, m)


def _chain_holds(n: int, k: int) -> bool:
    whole, c_above, c_below = math.comb(n, k), math.comb(n - 1, k), math.comb(n - 1, k - 1)
    levels = max(Fraction(k, math.comb(n, k - 1)), Fraction(n - k, math.comb(n, k + 1)))
    printed = Fraction(n - k, c_above) + Fraction(k, c_below)
    chain = [levels, Fraction(n + 2, whole), Fraction(2 * n, whole), Fraction(n, min(c_above, c_below))]
    return levels == gradient_bound(n, k) and printed == chain[2] and chain == sorted(chain)


@functools.cache
def _totals(n: int, cut: int) -> Mapping[tuple[int, int], int]:
    """For each k and number m of non-zero weights: 4^n times the sum over w and j of squared coefficients.

    The sum is over w in {0, 1}^n with m ones, for s = 1 where w.x > cut, else -1, and for I = {1, ..., k}.
    """
    weights = (1 - cube(n)) // 2
    squares = np.square(walsh(2 * (weights @ cube(n).T > cut) - 1))
    orbits = sizes_of(n)
    found: dict[tuple[int, int], int] = {}
    for k in range(1, n + 1):
        each: NDArray[np.int64] = squares[:, beside(mask(range(k)), n)].sum(axis=1)
        found |= {(k, m): int(each[orbits == m].sum()) for m in range(n + 1)}
    return found


def _below(what: str, share: Fraction, scale: Fraction, least: int) -> Evidence:
    """By enumeration: scale times the mean square of signs is at most share times G(n, k), from k = least on."""
    worst = Fraction(0)

    def holds(case: tuple[int, int, int, int]) -> bool:
        nonlocal worst
        n, k, m, cut = case
        mean = Fraction(_totals(n, cut)[k, m], 4**n * math.comb(n, m)) * scale
        worst = max(worst, mean / gradient_bound(n, k))
        return mean <= share * gradient_bound(n, k)

    cases = [(n, k, m, cut) for n in ENUMERATED for k in range(least, n + 1) for m in range(n + 1) for cut in CUTS]
    found = decide.every(f"E_w sum_j <= bound, {what}, n <= 10", cases, holds)
    return all_of(found, summary=f"{found.summary}; the largest share of G(n, k) is {worst}")
