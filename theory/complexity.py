r"""Sample complexity: Definition 3.3 and the general bounds that hold for any task.

The shape of every bound in this package is `Bound`. The lower bound by the VC
dimension is in `theory.vc_bound`. Two readings of ``err <= eps with probability 1 - delta``
are in use for randomised learners. *Drawn*: the probability is over the data and the hypothesis that the learner
draws. *Averaged*: the error itself is averaged over the draw, and the probability is over the data alone. N*
is the same in both; what is claimed here says for which of the two it holds.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.thresholds import ceil_log2
from theory.validate import finite_array, integer, probability, real

__all__ = [
    "Bound",
    "blumer_upper_bound",
    "growth_bound",
    "one_inclusion_upper_bound",
    "packing_number",
    "vc_dimension",
]

PAPER = "Li, Zhang, Arora (ICLR 2021)"
Number = float | Fraction | str

claim(
    "def-3.3",
    kind="definition",
    title="Sample complexity",
    statement=r"\mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) = \min\{n \ge 0 : "
    r"\forall P \in \mathcal{P}\ \mathbb{P}[\mathrm{err}_P(\mathcal{A}(D_n)) \le \varepsilon] \ge 1 - \delta\},\quad "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) = \min\{n \ge 0 : \forall P \in \mathcal{P}\ "
    r"\mathbb{E}\,\mathrm{err}_P(\mathcal{A}(D_n)) \le \varepsilon\};\qquad "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon + \delta) \le "
    r"\mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) "
    r"\le \mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon\delta)",
    source=f"{PAPER}, Definition 3.3. The text prints the middle term with a star, but N* takes no delta, so that the "
    "printed form has no meaning; with the delta left out it is true and says nothing about N",
    printed=r"\mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta): \text{ the least } n \text{ with }"
    r"\mathrm{err}_P \le \varepsilon \text{ with probability } \ge 1 - \delta "
    r"\text{ for every } P \in \mathcal{P};\quad "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon): \text{ the least } n \text{ with } "
    r"\mathbb{E}\,\mathrm{err}_P \le \varepsilon \text{ for every } P \in \mathcal{P};\quad "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon + \delta) \le "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) "
    r"\le \mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon\delta)",
    differs="The paper prints the middle term of the last line with a star, a slip, as N* takes no delta; it is "
    "dropped here. What holds if no n will do, and the two readings for randomised learners, are spelled "
    "out here.",
    hypotheses=(
        r"D_n \sim P^n,\ \min \emptyset = \infty; \text{ the least } n \text{ that succeeds, larger ones need not}",
        r"\varepsilon, \delta \in [0, 1],\ \mathrm{err}_P \in [0, 1]",
        r"\text{randomised } \mathcal{A}: \text{ either reading, drawn or averaged}",
    ),
    uses=("def-3.1",),
)


@dataclass(frozen=True)
class Bound:
    """A certified bound on a number of samples.

    Attributes:
        n: the bound. Lower: no learner of the class does with fewer than n samples. Upper: the named
            learner does with n. A lower bound of 0 or less is vacuous.
        claim: id of the claim that certifies it.
        enclosure: the real number that was rounded to n, exactly or as a ball, as text.
        why: how the bound comes about, in a few words; for an upper bound the learner that attains it.
    """

    n: int
    claim: str
    enclosure: str
    why: str

    @property
    def vacuous(self) -> bool:
        """True if a lower bound says nothing."""
        return self.n <= 0


def blumer_upper_bound(vc: int, eps: Number, delta: Number) -> int:
    """So many samples suffice for every consistent learner (claim blumer-1989): a certified ceiling.

    The least integer that is at least both (4/eps) log2(2/delta) and (8 vc/eps) log2(13/eps).

    Args:
        vc: VC dimension of the class, at least 1.
        eps: error in (0, 1); a float is read as the decimal it shows.
        delta: failure probability in (0, 1), read likewise.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> blumer_upper_bound(3, eps=0.1, delta=0.05)
        1686
    """
    vc, e, d = integer("vc", vc, 1), probability("eps", eps), probability("delta", delta)
    return max(ceil_log2(4 / e, 2 / d), ceil_log2(8 * vc / e, 13 / e))


def one_inclusion_upper_bound(vc: int, eps: Number) -> int:
    """ceil(vc/eps) - 1, the least n with vc/(n + 1) <= eps (claim haussler-littlestone-warmuth).

    So many samples suffice for the one-inclusion learner to have expected error at most eps.

    Args:
        vc: VC dimension of the class, at least 1.
        eps: error in (0, 1); a float is read as the decimal it shows.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> one_inclusion_upper_bound(3, eps=0.1)
        29
    """
    return math.ceil(integer("vc", vc, 1) / probability("eps", eps)) - 1


def growth_bound(n: int, vc: int) -> int:
    """The sum of the binomials C(n, i), i <= vc: so many label patterns at most (claim sauer-shelah).

    Args:
        n: number of points, at least 0.
        vc: VC dimension, at least 0.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> growth_bound(10, 2)
        56
    """
    n, vc = integer("n", n, 0), integer("vc", vc, 0)
    return sum(math.comb(n, i) for i in range(min(n, vc) + 1))


def vc_dimension(rows: ArrayLike) -> int:
    """The VC dimension of a finite class, by trying all sets of points.

    Args:
        rows: hypotheses as rows of labels, shape (hypotheses, points), at most 20 points; labels 0, 1 or -1, 1.

    Raises:
        ValueError: another shape, no row, other labels, or more than 20 points.

    Example:
        >>> vc_dimension([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]])
        2
    """
    labels = finite_array("rows", rows, (None, None))
    if not len(labels) or labels.shape[1] > 20:
        raise ValueError(f"rows: got shape {labels.shape}, want at least one row and at most 20 columns")
    if not (set(labels.flat) <= {0, 1} or set(labels.flat) <= {-1, 1}):
        raise ValueError("rows: got other entries, want labels 0 and 1, or -1 and 1")
    patterns = {tuple(int(x > 0) for x in row) for row in labels}

    def shattered(chosen: tuple[int, ...]) -> bool:
        return len({tuple(p[i] for i in chosen) for p in patterns}) == 1 << len(chosen)

    size = 0  # a subset of a shattered set is shattered, so the first size without one ends the search
    while any(map(shattered, itertools.combinations(range(labels.shape[1]), size + 1))):
        size += 1
    return size


def packing_number(distances: ArrayLike, radius: float | Fraction) -> int:
    """The size of the largest set with all pairwise distances *greater* than the radius, by search.

    Args:
        distances: symmetric, zero on the diagonal, not negative, shape (m, m), 1 <= m <= 24.
        radius: not negative; compared without rounding.

    Raises:
        ValueError: no such matrix, or a radius that is negative or not finite.

    Example:
        >>> packing_number([[0, 1, 2], [1, 0, 1], [2, 1, 0]], 1)
        2
    """
    d = finite_array("distances", distances, (None, None))
    real("radius", radius, 0, float(np.finfo(np.float64).max))
    m = len(d)
    if d.shape[1] != m or not 1 <= m <= 24:
        raise ValueError(f"distances: got shape {d.shape}, want (m, m) with 1 <= m <= 24")
    if not (d == d.T).all() or not (d >= 0).all() or any(d[i, i] != 0 for i in range(m)):
        raise ValueError("distances: got another matrix, want one that is symmetric, >= 0 and 0 on the diagonal")
    exact = d.tolist()  # Python compares its floats and Fractions without rounding
    limit = radius.item() if isinstance(radius, np.generic) else radius
    close = [{j for j in range(m) if j != i and not exact[i][j] > limit} for i in range(m)]

    def largest(candidates: frozenset[int]) -> int:
        i = max(candidates, key=lambda k: len(close[k] & candidates), default=-1)
        if i < 0 or not close[i] & candidates:
            return len(candidates)
        return max(1 + largest(candidates - close[i] - {i}), largest(candidates - {i}))

    return largest(frozenset(range(m)))


@proves(
    "def-3.3",
    "success with probability 1 - delta bounds the mean by eps + delta",
    by=Trust.EXACT,
    mutant=Mutant("the error may reach 2", worst="2"),
)
def mean_from_tail(worst: str = "1") -> Evidence:
    """With p = P[err > eps] <= delta: E err <= eps (1 - p) + 1 p, less than eps + delta by (delta - p) + p eps >= 0."""
    return decide.same_polynomial(f"(e + d) - (e*(1 - p) + {worst}*p)", "(d - p) + p*e")


@proves(
    "def-3.3",
    "a mean of at most eps delta gives success: Markov",
    by=Trust.EXACT,
    mutant=Mutant("the mean is only known to be at most 2 eps delta", mean="2*e*d"),
)
def tail_from_mean(mean: str = "e*d") -> Evidence:
    """Let p = P[err > eps], err = eps + s on that event and r >= 0 off it, on average, with s > 0 if p > 0.

    If p > delta, then E err - eps delta = eps (p - delta) + p s + (1 - p) r > 0, which was excluded.
    """
    return decide.same_polynomial(f"(p*(e + s) + (1 - p)*r) - {mean}", "e*(p - d) + p*s + (1 - p)*r")


@proves(
    "def-3.3",
    "both implications for every law of the error on a grid",
    by=Trust.EXACT,
    mutant=Mutant("the mean is claimed to be at most eps + delta/2", share=Fraction(1, 2)),
)
def laws_on_a_grid(share: Fraction = Fraction(1)) -> Evidence:
    """All laws on {0, 1/4, .., 1} with masses in quarters, all eps and delta in quarters, the ends included."""
    grid = [Fraction(k, 4) for k in range(5)]
    laws = [
        tuple(Fraction(m, 4) for m in masses) for masses in itertools.product(range(5), repeat=5) if sum(masses) == 4
    ]

    def holds(case: tuple[tuple[Fraction, ...], Fraction, Fraction]) -> bool:
        law, eps, delta = case
        mean, tail = _mean_and_tail(law, grid, eps)
        return (tail > delta or mean <= eps + share * delta) and (mean > eps * delta or tail <= delta)

    return decide.every("tail => mean and mean => tail", itertools.product(laws, grid, grid), holds)


@proves(
    "def-3.3",
    "least n's compare, whether or not success persists",
    by=Trust.EXACT,
    mutant=Mutant("the implication between the two notions is turned round", swap=True),
)
def least_n(swap: bool = False) -> Evidence:
    """If each n that succeeds in one sense does in the other, the least n's are ordered; later n's may fail."""
    subsets = [frozenset(s) for size in range(6) for s in itertools.combinations(range(5), size)]
    pairs = [(a, b) for a in subsets for b in subsets if (b <= a if swap else a <= b)]
    return decide.every(
        "A inside B gives min A >= min B, min of nothing infinite, subsets of {0..4}",
        pairs,
        lambda c: min(c[0], default=math.inf) >= min(c[1], default=math.inf),
    )


@proves(
    "def-3.3",
    "the star matters: N(eps, delta) and N*(eps) are ordered neither way",
    by=Trust.EXACT,
    mutant=Mutant("delta = 3/5, where the second example no longer fails", delta=Fraction(3, 5)),
)
def star_matters(delta: Fraction = Fraction(2, 5)) -> Evidence:
    """At eps = 1/4. Error 1 with probability delta succeeds in N only, error 3/8 half of the time in N* only."""
    eps, half = Fraction(1, 4), Fraction(1, 2)
    first, second = ({Fraction(1): delta, Fraction(0): 1 - delta}, {Fraction(3, 8): half, Fraction(0): half})
    (mean1, tail1), (mean2, tail2) = (_mean_and_tail(tuple(x.values()), list(x), eps) for x in (first, second))
    return all_of(
        decide.rational("first law, P[err > eps]", tail1, "<=", delta),
        decide.rational("first law, E err", mean1, ">", eps),
        decide.rational("second law, E err", mean2, "<=", eps),
        decide.rational("second law, P[err > eps]", tail2, ">", delta),
        summary="at eps = 1/4, delta = 2/5 either of N and N* succeeds where the other fails",
    )


def _mean_and_tail(law: tuple[Fraction, ...], values: list[Fraction], eps: Fraction) -> tuple[Fraction, Fraction]:
    pairs = list(zip(law, values, strict=True))
    return sum((m * x for m, x in pairs), Fraction(0)), sum((m for m, x in pairs if x > eps), Fraction(0))
