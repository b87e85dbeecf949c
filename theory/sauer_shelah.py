r"""The growth function: how many label patterns a class shows on n points, and what follows for learners.

Pi_H(n) is the largest number of restrictions of H to n points (repetitions allowed). Sauer and Shelah bound it by
the VC dimension, Benedek and Itai bound a packing by it, Long puts the two together. Everything is proved here:
arguments for all sizes in the docstrings, their small cases by exhaustion.

A class on n points is a bit mask here: bit v is set if the hypothesis with the labels of the binary number v is in it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.complexity import growth_bound
from theory.evidence import Evidence, Trust, all_of

__all__: list[str] = []

Hypothesis = tuple[int, ...]
Law = tuple[Fraction, ...]

claim(
    "sauer-shelah",
    kind="lemma",
    title="Sauer-Shelah lemma, in Pajor's form",
    statement=r"|H| \le \#\{S : H \text{ shatters } S\} \le \sum_{i=0}^{V} \binom{n}{i}; \quad "
    r"\sum_{i=0}^{V} \binom ni \le \Bigl(\frac{e n}{V}\Bigr)^V \text{ for } n \ge V \ge 1",
    source="N. Sauer 1972, S. Shelah 1972, A. Pajor 1985; the proof here is ours to check",
    hypotheses=(
        r"\emptyset \ne H \subseteq \{0, 1\}^n,\ n \ge 0,\ V = \operatorname{VCdim}(H)",
        r"H \text{ shatters } S \subseteq \{1, \dots, n\} \text{ iff its restrictions to } S \text{ are all of } "
        r"\{0,1\}^S; \text{ the empty set is shattered}",
    ),
)
claim(
    "thm-4.2",
    kind="theorem",
    title="Packing against growth (Benedek, Itai)",
    statement=r"\mathbb{P}\bigl[\rho(\mathcal{A}(D_n), h) \le \varepsilon\bigr] \ge 1 - \delta "
    r"\text{ for every } h \in H \quad\implies\quad "
    r"2^n \ge \Pi_H(n) \ge (1 - \delta)\, D(H, \rho, 2\varepsilon), \quad "
    r"\text{so } n \ge \log_2 D(H, \rho, 2\varepsilon) + \log_2(1 - \delta)",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 4.2, after G. M. Benedek, A. Itai (1991); the proof is ours to check",
    printed=r"\mathcal{A} \text{ learns } H \text{ to } (\varepsilon, \delta) \text{ under a fixed } P_X "
    r"\text{ with } n \text{ samples} \quad\implies\quad \Pi_H(n) \ge (1 - \delta)\, D(H, \rho, 2\varepsilon), "
    r"\quad \text{so } n \ge \log_2 D(H, \rho, 2\varepsilon) + \log_2(1 - \delta)",
    differs="What learners may do and what has to be measurable is spelled out here. The bound is the printed one.",
    hypotheses=(
        r"P_X \text{ is a fixed law},\ \rho(h, h') = P_X[h \ne h'],\ D_n = (x_i, h(x_i))_{i \le n},\ n \ge 0,\ "
        r"\varepsilon \ge 0,\ 0 \le \delta < 1",
        r"D(H, \rho, r) \text{ is the largest size of a subset of } H \text{ with pairwise } \rho > r \ "
        r"\text{(strictly; if there is no largest, the bound holds for each size, so no } n \text{ does)}",
        r"\mathcal{A} \text{ may output hypotheses outside } H; \text{ it may be randomised, in the drawn or in the "
        r"averaged reading of } \rho(\mathcal{A}(D_n), h)",
        r"\text{for all } h, h' \in H \text{ the set } \{h \ne h'\} \text{ and the event } "
        r"\rho(\mathcal{A}(D_n), h) \le \varepsilon "
        r"\text{ are measurable (no matter of course for infinite } H\text{)}",
    ),
    uses=("def-3.3",),
)
claim(
    "long-1995",
    kind="theorem",
    title="Packing against the VC dimension (Long)",
    statement=r"n \ge \frac{V}{e} \bigl((1 - \delta)\, D(H, \rho, 2\varepsilon)\bigr)^{1/V} "
    r"\quad \text{or} \quad n < V",
    source="Li, Zhang, Arora (ICLR 2021), Section 4, after P. M. Long (1995); the proof is ours to check",
    printed=r"n \ge \frac{V}{e} \bigl((1 - \delta)\, D(H, \rho, 2\varepsilon)\bigr)^{1/V} "
    r"\text{ for } n \ge V = \operatorname{VCdim}(H)",
    differs="The printed form speaks of n >= V only. Here the case n < V is the other alternative of the statement, "
    "which thus speaks of every n and claims the same.",
    hypotheses=(
        r"\text{those of thm-4.2, and } \mathcal{A} \text{ learns } H \text{ with } n \text{ samples as there}",
        r"1 \le V = \operatorname{VCdim}(H) < \infty",
    ),
    uses=("thm-4.2",),
)


@proves(
    "sauer-shelah",
    "splitting off the last point keeps the count and the shattered sets",
    by=Trust.EXACT,
    mutant=Mutant("the second class keeps hypotheses with one extension only", both=False),
)
def splitting(both: bool = True) -> Evidence:
    """H' holds the restrictions to n-1 points, H'' those of them with both extensions in H: |H| = |H'| + |H''|.

    What H' shatters H shatters. If H'' shatters S, every pattern on S has both extensions, so H shatters S with
    the last point added. So H shatters at least as many sets as H' and H'' together, VC(H') <= V, VC(H'') <= V - 1.
    This holds for every n; seen here on every class of at most 4 points.
    """
    return decide.every(
        "|H| = |H'| + |H''| and what they shatter H shatters, (n, H)",
        ((n, h) for n in range(1, 5) for h in range(1, 1 << (1 << n))),
        lambda c: _split_holds(*c, both=both),
    )


@proves(
    "sauer-shelah",
    "no points: the start of the induction",
    by=Trust.EXACT,
    mutant=Mutant("the empty set does not count as shattered", empty=0),
)
def start(empty: int = 1) -> Evidence:
    """On no points there is one hypothesis; the class that has it shatters the empty set, the class without nothing.

    With the splitting, |H| = |H'| + |H''| <= sh(H') + sh(H'') <= sh(H) by induction. All shattered sets have at most
    V elements, and there are C(n, i) sets of size i.
    """
    return all_of(
        decide.rational("one hypothesis on no points", 1, "<=", int(_shattered(0)[1].sum()) * empty),
        decide.rational("no hypothesis", 0, "<=", int(_shattered(0)[0].sum()) * empty),
        summary="|H| <= number of shattered sets for n = 0",
    )


@proves(
    "sauer-shelah",
    "both inequalities on every class of at most 4 points",
    by=Trust.EXACT,
    mutant=Mutant("one binomial less", slack=-1),
)
def exhaustive(slack: int = 0) -> Evidence:
    """An independent look at the statement itself: 3 + 15 + 255 + 65535 classes."""
    return decide.every(
        "|H| <= shattered sets <= sum of binomials, (n, H)",
        ((n, h) for n in range(1, 5) for h in range(1, 1 << (1 << n))),
        lambda c: c[1].bit_count() <= _count(*c) <= (growth_bound(c[0], v) if (v := _vc(*c) + slack) >= 0 else 0),
    )


@proves(
    "sauer-shelah",
    "the sum of binomials is at most (e n/V)^V",
    by=Trust.EXACT,
    mutant=Mutant("n may be as small as V/2", smallest=Fraction(1, 2)),
)
def growth(smallest: Fraction = Fraction(1)) -> Evidence:
    """Let x = V/n <= 1. Then x^V C(n, i) <= x^i C(n, i) for i <= V, and x^i C(n, i) <= V^i/i!, as n - j <= n.

    So x^V times the sum is at most the sum of V^i/i!, i <= V, a partial sum of the series of e^V. The argument holds
    for all n >= V >= 1; enumerated, term by term and for the sums, for V <= 12, n <= 40.
    """
    pairs = [(n, v) for v in range(1, 13) for n in range(math.ceil(smallest * v), 41)]

    def holds(c: tuple[int, int]) -> bool:
        n, v = c
        x = Fraction(v, n)
        partial = sum((Fraction(v**i, math.factorial(i)) for i in range(v + 1)), Fraction(0))
        terms = all(
            x**v * math.comb(n, i) <= x**i * math.comb(n, i) <= Fraction(v**i, math.factorial(i)) for i in range(v + 1)
        )
        return terms and x**v * growth_bound(n, v) <= partial

    return decide.every("(V/n)^V sum C(n, i) <= sum V^i/i! < e^V, sums over i <= V, (n, V)", pairs, holds)


@proves(
    "thm-4.2",
    "an output is close to at most one of the packed hypotheses",
    by=Trust.EXACT,
    mutant=Mutant("packed hypotheses may be at distance exactly 2 eps", strict=False),
)
def close_to_one(strict: bool = True) -> Evidence:
    """Labels obey [a != b] <= [g != a] + [g != b], also for a coin that says 1 with probability p; so does rho.

    From rho(g, h), rho(g, h') <= eps follows rho(h, h') <= 2 eps. The triangle inequality for one point is decided
    for all labels and all p (|p - a| is linear in p); its consequence is enumerated on three points.
    """
    bits = list(itertools.product((0, 1), repeat=2))

    def apart(c: tuple[Law, Fraction, Hypothesis, Hypothesis, Hypothesis]) -> bool:
        law, eps, g, a, b = c
        near = _rho(law, g, a) <= eps and _rho(law, g, b) <= eps
        far = _rho(law, a, b) > 2 * eps or (not strict and _rho(law, a, b) == 2 * eps)
        return a == b or not (near and far)

    cases = itertools.product(_laws(3), _RADII, _hypotheses(3), _hypotheses(3), _hypotheses(3))
    return all_of(
        decide.same_polynomial("(p - 0) + (1 - p)", "1"),
        decide.every(
            "[a != b] <= |p - a| + |p - b| at p = 0 and p = 1",
            itertools.product(bits, (0, 1)),
            lambda c: int(c[0][0] != c[0][1]) <= abs(c[1] - c[0][0]) + abs(c[1] - c[0][1]),
        ),
        decide.every("no output is within eps of two that are more than 2 eps apart", cases, apart),
        summary="within eps of h and of h' means that h and h' are at most 2 eps apart",
    )


@proves(
    "thm-4.2",
    "successes on one sample are at most the patterns it shows",
    by=Trust.EXACT,
    mutant=Mutant("the packed hypotheses are only eps apart", packing=1),
)
def successes_per_sample(packing: int = 2) -> Evidence:
    """Fix the inputs x and the learner's coin. The labelled sample under h depends on h through its labels at x only.

    So the packed hypotheses with equal labels at x get one output, which is within eps of at most one of them: at
    most Pi_H(n) of the D packed hypotheses are learned. Averaging over x and the coin, (1 - delta) D <= the sum over
    packed h of P[success at h] <= Pi_H(n) <= 2^n. In the averaged reading no coin is fixed and the law of outputs is
    the one output; its averaged distance obeys the triangle inequality too.
    Enumerated: every packed set F of hypotheses on at most 3 points and the best output for every pattern, with F
    as the class, since Pi_F(n) <= Pi_H(n); n <= 2.
    """
    cases = [
        (size, law, eps, f, n)
        for size in (1, 2, 3)
        for law in _laws(size)
        for eps in _RADII
        for f in _packed(law, packing * eps)
        for n in (0, 1, 2)
    ]
    return decide.every(
        "sum over packed h of P[success] <= Pi(n) <= 2^n, best learner, (points, law, eps, packed set, n)",
        cases,
        lambda c: _best_successes(c[1], c[2], c[3], c[4]) <= _growth(c[3], c[0], c[4]) <= 2 ** c[4],
    )


@proves(
    "thm-4.2",
    "every deterministic learner on two points, one by one",
    by=Trust.EXACT,
    mutant=Mutant("one pattern less would do", fewer=1),
)
def every_learner(fewer: int = 0) -> Evidence:
    """The theorem itself: all 256 maps from one labelled point to a hypothesis; 1 - delta is the least success on H."""
    hypotheses = _hypotheses(2)
    learners = list(itertools.product(hypotheses, repeat=4))  # what is said after (x, y) is entry 2 x + y
    classes = [c for k in range(1, 5) for c in itertools.combinations(hypotheses, k)]
    cases = itertools.product(learners, _laws(2), _RADII)

    def holds(case: tuple[tuple[Hypothesis, ...], Law, Fraction]) -> bool:
        learner, law, eps = case
        success = {
            h: sum((law[x] for x in (0, 1) if _rho(law, learner[2 * x + h[x]], h) <= eps), Fraction(0))
            for h in hypotheses
        }
        return all(
            _growth(c, 2, 1) - fewer >= min(success[h] for h in c) * _largest_packing(law, 2 * eps, c) for c in classes
        )

    return decide.every("Pi_H(1) >= (1 - delta) D, (learner, law, eps), 15 classes each", cases, holds)


@proves(
    "long-1995",
    "Sauer-Shelah put into the packing bound",
    by=Trust.EXACT,
    mutant=Mutant("n is allowed to fall to V/2", smallest=Fraction(1, 2)),
    uses=("sauer-shelah", "thm-4.2"),
)
def long_form(smallest: Fraction = Fraction(1)) -> Evidence:
    """(1-delta) D <= Pi_H(n) <= (e n/V)^V for n >= V, and V-th roots keep the order: n >= (V/e)((1-delta) D)^(1/V).

    Enumerated at the largest packing that thm-4.2 and Sauer-Shelah allow, (1-delta) D = sum of binomials: then
    (V/n)^V (1-delta) D <= sum V^i/i!, i <= 3 V, which is less than e^V.
    """
    return decide.every(
        "V^V (1-delta) D <= n^V e^V, (n, V)",
        [(n, v) for v in range(1, 9) for n in range(math.ceil(smallest * v), 33)],
        lambda c: (
            Fraction(c[1], c[0]) ** c[1] * growth_bound(*c)
            <= sum((Fraction(c[1] ** i, math.factorial(i)) for i in range(3 * c[1] + 1)), Fraction(0))
        ),
    )


@lru_cache
def _shattered(n: int) -> NDArray[np.bool_]:
    """Entry [H, S]: does the class H shatter the set S? Both are bit masks."""
    classes = np.arange(1 << (1 << n), dtype=np.int64)
    table = np.ones((len(classes), 1 << n), dtype=np.bool_)
    for chosen in range(1 << n):
        for pattern in {v & chosen for v in range(1 << n)}:
            matching = sum(1 << v for v in range(1 << n) if v & chosen == pattern)
            table[:, chosen] &= (classes & matching) != 0
    return table


def _split_holds(n: int, h: int, both: bool) -> bool:
    """The last point is the highest bit of v, so the two halves of the mask are the classes by last label."""
    half = 1 << (n - 1)
    low, high = h & ((1 << half) - 1), h >> half
    first, second = low | high, low & high if both else low | high
    before, after = _shattered(n - 1), _shattered(n)[h]
    kept = not (before[first] & ~after[:half]).any() and not (before[second] & ~after[half:]).any()
    return h.bit_count() == first.bit_count() + second.bit_count() and kept


def _count(n: int, h: int) -> int:
    return int(_shattered(n)[h].sum())


def _vc(n: int, h: int) -> int:
    return max(int(s).bit_count() for s in np.flatnonzero(_shattered(n)[h]))


_RADII = (Fraction(0), Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))


def _hypotheses(size: int) -> list[Hypothesis]:
    return list(itertools.product((0, 1), repeat=size))


def _laws(size: int) -> list[Law]:
    """A uniform law, an uneven one and, where there is room, one that misses a point."""
    uneven: dict[int, list[list[int]]] = {1: [], 2: [[1, 3], [0, 1]], 3: [[1, 1, 2], [0, 1, 1]]}
    weights = [[1] * size, *uneven[size]]
    return [tuple(Fraction(w, sum(law)) for w in law) for law in weights]


def _rho(law: Law, g: Hypothesis, h: Hypothesis) -> Fraction:
    return sum((p for p, a, b in zip(law, g, h, strict=True) if a != b), Fraction(0))


def _packed(law: Law, radius: Fraction) -> Iterator[tuple[Hypothesis, ...]]:
    """All sets with pairwise distances greater than the radius."""
    hypotheses = _hypotheses(len(law))
    for k in range(1, len(hypotheses) + 1):
        for f in itertools.combinations(hypotheses, k):
            if all(_rho(law, a, b) > radius for a, b in itertools.combinations(f, 2)):
                yield f


def _largest_packing(law: Law, radius: Fraction, hypotheses: tuple[Hypothesis, ...]) -> int:
    return max(
        k
        for k in range(1, len(hypotheses) + 1)
        for f in itertools.combinations(hypotheses, k)
        if all(_rho(law, a, b) > radius for a, b in itertools.combinations(f, 2))
    )


def _growth(hypotheses: tuple[Hypothesis, ...], size: int, n: int) -> int:
    """Pi(n) by trying all n points out of `size`, repetitions allowed."""
    return max(len({tuple(h[x] for x in xs) for h in hypotheses}) for xs in itertools.product(range(size), repeat=n))


def _best_successes(law: Law, eps: Fraction, packed: tuple[Hypothesis, ...], n: int) -> Fraction:
    """The largest sum over the packed h of P[rho(output, h) <= eps]: the best output for every labelled sample."""
    close = {g: {h for h in packed if _rho(law, g, h) <= eps} for g in _hypotheses(len(law))}
    total = Fraction(0)
    for xs in itertools.product(range(len(law)), repeat=n):
        alike: dict[Hypothesis, set[Hypothesis]] = {}
        for h in packed:
            alike.setdefault(tuple(h[x] for x in xs), set()).add(h)
        best = sum(max(len(near & group) for near in close.values()) for group in alike.values())
        total += math.prod((law[x] for x in xs), start=Fraction(1)) * best
    return total
