r"""Sample complexity: Definition 3.3 and the general bounds that hold for any task.

The shape of every bound in this package is `Bound`. Two readings of ``err <= eps with probability 1 - delta``
are in use for randomised learners. *Drawn*: the probability is over the data and the hypothesis that the learner
draws. *Averaged*: the error itself is averaged over the draw, and the probability is over the data alone. N*
is the same in both; what is claimed here says for which of the two it holds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.validate import finite_array, integer, probability, real

__all__ = [
    "Bound",
    "blumer_upper_bound",
    "ehrenfeucht_lower_bound",
    "growth_bound",
    "one_inclusion_upper_bound",
    "packing_number",
    "vc_dimension",
    "vc_lower_bound",
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
    hypotheses=(
        r"D_n \sim P^n,\ \min \emptyset = \infty; \text{ the least } n \text{ that succeeds, larger ones need not}",
        r"\varepsilon, \delta \in [0, 1],\ \mathrm{err}_P \in [0, 1]",
        r"\text{randomised } \mathcal{A}: \text{ either reading, drawn or averaged}",
    ),
    uses=("def-3.1",),
)
claim(
    "thm-b.1",
    kind="theorem",
    title="The lower bound by the VC dimension, with constants",
    statement=r"\mathcal{P} = \{P_X \diamond h : P_X \text{ any law},\ h \in H\},\ V = \operatorname{VCdim}(H) \ge 2: "
    r"\quad (1)\ \mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) \ge "
    r"\frac{(1 - 3\delta)(V - 1)}{8\varepsilon}\ (0 < \varepsilon \le \tfrac14,\ 0 \le \delta < \tfrac13), "
    r"\text{ so } \ge \frac{V - 1}{32\varepsilon} "
    r"\text{ for } \delta \le \tfrac14; \quad "
    r"(2)\ \mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) \ge \frac{V - 1}{8\varepsilon} "
    r"\ (0 < \varepsilon \le \tfrac14); \quad "
    r"(3)\ \mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) \ge \frac{\ln(1/(2\delta))}{-\ln(1-\varepsilon)} "
    r"\ge \frac{1-\varepsilon}{\varepsilon} \ln\frac{1}{2\delta} "
    r"\ (0 < \varepsilon < 1,\ 0 < \delta \le \tfrac12), \text{ and } "
    r"\frac{1-\varepsilon}{\varepsilon} \ln\frac1\delta \text{ if } \mathcal{A} \text{ is deterministic}",
    source=f"{PAPER}, Theorem B.1 (statement reconstructed, Omega only); the constants and the proof are ours. (1) "
    "contains Theorem 1 of Ehrenfeucht, Haussler, Kearns, Valiant (1989): 1/32 for delta <= 1/100, eps <= 1/8",
    hypotheses=(
        r"(1), (2): \mathcal{A} \text{ may be randomised and may output anything; both readings, drawn and averaged}",
        r"(3): \text{the drawn reading}",
    ),
    uses=("def-3.3",),
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


def vc_lower_bound(vc: int, eps: Number, delta: Number) -> int:
    """ceil((1 - 3 delta)(vc - 1)/(8 eps)): no learner does with fewer samples under all laws (claim thm-b.1).

    Args:
        vc: VC dimension of the class, at least 1 (where the bound is 0).
        eps: error in (0, 1/4]; a float is read as the decimal it shows.
        delta: failure probability in (0, 1/3), read likewise.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> vc_lower_bound(101, eps=0.01, delta=0.01)
        1213
    """
    e, d = probability("eps", eps), probability("delta", delta)
    if e > Fraction(1, 4):
        raise ValueError(f"eps: got {eps}, want a number in (0, 1/4] (claim thm-b.1)")
    if d >= Fraction(1, 3):
        raise ValueError(f"delta: got {delta}, want a number in (0, 1/3) (claim thm-b.1)")
    return math.ceil((1 - 3 * d) * (integer("vc", vc, 1) - 1) / (8 * e))


def ehrenfeucht_lower_bound(vc: int, eps: Number, delta: Number) -> int:
    """ceil((vc - 1)/(32 eps)): no learner does with fewer samples under all laws (claim ehrenfeucht-1989).

    `vc_lower_bound` is never smaller, has wider ranges, and is proved here.

    Args:
        vc: VC dimension of the class, at least 1 (where the bound is 0).
        eps: error in (0, 1/8]; a float is read as the decimal it shows.
        delta: failure probability in (0, 1/100], read likewise.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> ehrenfeucht_lower_bound(101, eps=0.01, delta=0.01)
        313
    """
    e = probability("eps", eps)
    for name, value, top in (("eps", eps, Fraction(1, 8)), ("delta", delta, Fraction(1, 100))):
        if probability(name, value) > top:
            raise ValueError(f"{name}: got {value}, want a number in (0, {top}] (claim ehrenfeucht-1989)")
    return math.ceil(Fraction(integer("vc", vc, 1) - 1) / (32 * e))


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
    e, d = probability("eps", eps), probability("delta", delta)
    return max(_ceil_log2(4 / e, 2 / d), _ceil_log2(8 * integer("vc", vc, 1) / e, 13 / e))


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
    integer("n", n, 0)
    return sum(math.comb(n, i) for i in range(min(n, integer("vc", vc, 0)) + 1))


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
    limit = radius if isinstance(radius, int | Fraction) else float(radius)
    close = [{j for j in range(m) if j != i and not exact[i][j] > limit} for i in range(m)]

    def largest(candidates: frozenset[int]) -> int:
        i = max(candidates, key=lambda k: len(close[k] & candidates), default=-1)
        if i < 0 or not close[i] & candidates:
            return len(candidates)
        return max(1 + largest(candidates - close[i] - {i}), largest(candidates - {i}))

    return largest(frozenset(range(m)))


def _ceil_log2(factor: Fraction, ratio: Fraction) -> int:
    """The ceiling of factor * log2(ratio): exact when ratio is a power of two, else irrational and so never tied."""
    import flint

    if ratio.denominator == 1 and ratio.numerator.bit_count() == 1:
        return math.ceil(factor * (ratio.numerator.bit_length() - 1))
    before, flint.ctx.prec = flint.ctx.prec, 64
    try:
        while True:
            exact = [flint.arb(flint.fmpq(x.numerator, x.denominator)) for x in (factor, ratio)]
            ceiling = (exact[0] * exact[1].log() / flint.arb(2).log()).ceil().unique_fmpz()
            if ceiling is not None:
                return int(ceiling)
            flint.ctx.prec *= 2
    finally:
        flint.ctx.prec = before


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


@proves(
    "thm-b.1",
    "Bernoulli: (1-x)^n >= 1 - n x on [0, 1]",
    by=Trust.EXACT,
    mutant=Mutant("the induction step gains another x", gain="2"),
)
def bernoulli(gain: str = "1") -> Evidence:
    """Induction on n: (1-nx)(1-x) is 1-(n+1)x plus the non-negative n x^2."""
    return all_of(
        decide.same_polynomial("(1 - n*x)*(1 - x)", f"1 - (n + {gain})*x + n*x**2"),
        decide.same_polynomial("(1 - x)**0", "1 - 0*x"),
        summary="(1-nx)(1-x) = 1-(n+1)x + n x^2 >= 1-(n+1)x",
    )


@proves(
    "thm-b.1",
    "the hard law: the average error on its rare points",
    by=Trust.EXACT,
    mutant=Mutant("an unseen point costs a third of its mass", cost=Fraction(1, 3)),
)
def hard_law(cost: Fraction = Fraction(1, 2)) -> Evidence:
    """V points are shattered: one has mass 1 - q, V - 1 rare ones have q/(V-1) each, their labels are fair coins.

    The label of an unseen rare point is independent of all that the learner has, so whatever it says costs half of
    the mass: the rare points cost (q/2)(1 - q/(V-1))^n on average, for every V, n and q. Enumerated on small cases:
    the least average cost over all learners, computed from the posterior for every sample, is exactly that.
    """
    cases = [(v, n, q) for v in (2, 3, 4) for n in range(4) for q in (Fraction(1, 5), Fraction(1, 2), Fraction(1))]
    return decide.every(
        "least average error on the rare points, (V, n, q)",
        cases,
        lambda c: _hard_law(*c)[0] == cost * c[2] * (1 - c[2] / (c[0] - 1)) ** c[1],
    )


@proves(
    "thm-b.1",
    "from the average to the tail, q = 4 eps",
    by=Trust.EXACT,
    mutant=Mutant("1/8 is raised to 1/6", constant="1/6"),
)
def average_to_tail(constant: str = "1/8") -> Evidence:
    """Let x = 4 eps/(V-1), so that the average cost is at least 2 eps (1 - t), t = n x; it is at most 4 eps surely.

    With p = P[cost > eps]: 2 eps (1 - t) <= eps (1 - p) + 4 eps p, so p >= (1 - 2t)/3. If n falls short of
    (1 - 3 delta)(V-1)/(8 eps) by a factor 1 - s, 0 < s <= 1, then t = (1 - 3 delta)(1 - s)/2 and
    (1 - 2t)/3 = delta + s (1 - 3 delta)/3 > delta, so some target fails. The same for N* with
    n = (1 - s)(V-1)/(8 eps): then the average cost is at least 2 eps (1 - t) = eps (1 + s) > eps.
    """
    t = f"(4*({constant})*(1 - 3*d)*(1 - s))"
    return all_of(
        decide.same_polynomial("2*e*(1 - t) - (e*(1 - p) + 4*e*p)", "e*((1 - 2*t) - 3*p)"),
        decide.same_polynomial(f"1 - 2*{t}", "3*d + s*(1 - 3*d)"),
        decide.same_polynomial(f"2*e*(1 - 4*({constant})*(1 - s)) - e", "e*s"),
        decide.rational("(1 - 3 delta)/8 at delta = 1/4", (1 - 3 * Fraction(1, 4)) / 8, "==", Fraction(1, 32)),
        summary="fewer samples leave P[err > eps] >= delta + s(1 - 3 delta)/3 > delta and E err >= eps + s eps",
    )


@proves(
    "thm-b.1",
    "the tail on small hard laws, best learner by enumeration",
    by=Trust.EXACT,
    mutant=Mutant("the tail is claimed to be at least 1 - 2t", factor=1),
)
def tail_enumerated(factor: int = 3) -> Evidence:
    """The most often successful learner on average over the targets fails with probability at least (1 - 2t)/3."""
    cases = [(v, n, e) for v in (2, 3, 4) for n in range(4) for e in (Fraction(1, 16), Fraction(1, 8), Fraction(1, 4))]
    return decide.every(
        "least average failure probability, (V, n, eps)",
        cases,
        lambda c: _hard_law(c[0], c[1], 4 * c[2])[1] >= (1 - 8 * c[2] * c[1] / (c[0] - 1)) / factor,
    )


@proves(
    "thm-b.1",
    "two hypotheses: the term in ln(1/delta)",
    by=Trust.EXACT,
    mutant=Mutant("a randomised learner is charged like a deterministic one", share=Fraction(1)),
)
def two_hypotheses(share: Fraction = Fraction(1, 2)) -> Evidence:
    """Two hypotheses agree on x0 and differ on x1 (V >= 2 gives such), P(x1) = m > eps.

    With probability (1-m)^n only x0 is seen; then the learner has one law for both and says + at x1 with probability
    p, so it fails for one with (1-m)^n (1-p) and for the other with (1-m)^n p, together (1-m)^n. The larger is at
    least half of that, and all of it if p is 0 or 1. Letting m decrease to eps: (1-eps)^n <= 2 delta, or <= delta if
    deterministic. With u = eps/(1-eps), 1 + u = 1/(1-eps), so -ln(1-eps) = ln(1+u) <= u.
    Enumerated: every deterministic learner on two points; a randomised one is a mixture of them.
    """

    def holds(case: tuple[Fraction, int]) -> bool:
        m, n = case
        failures = list(_failures(m, n))
        average = min(sum(pair) / 2 for pair in failures)
        return average >= share * (1 - m) ** n and min(map(max, failures)) >= (1 - m) ** n

    masses = [Fraction(1, 10), Fraction(1, 3), Fraction(9, 10)]
    return all_of(
        decide.same_polynomial("a*p + a*(1 - p)", "a"),
        decide.same_polynomial("(1 - e)*1 + e", "1"),
        decide.every("least average and least larger failure, (m, n)", itertools.product(masses, range(3)), holds),
        summary="(1 - eps)^n <= 2 delta is needed, and (1 - eps)^n <= delta of a deterministic learner",
    )


def _mean_and_tail(law: tuple[Fraction, ...], values: list[Fraction], eps: Fraction) -> tuple[Fraction, Fraction]:
    pairs = list(zip(law, values, strict=True))
    return sum((m * x for m, x in pairs), Fraction(0)), sum((m for m, x in pairs if x > eps), Fraction(0))


def _hard_law(v: int, n: int, q: Fraction) -> tuple[Fraction, Fraction]:
    """The least average cost on the rare points, and the least average probability that it exceeds q/4."""
    rare = v - 1
    mass = [1 - q] + [q / rare] * rare
    targets = list(itertools.product((0, 1), repeat=rare))
    cost = failure = Fraction(0)
    for sample in itertools.product(range(v), repeat=n):
        weight = math.prod((mass[x] for x in sample), start=Fraction(1)) / len(targets)
        groups: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for target in targets:
            groups.setdefault(tuple(target[x - 1] if x else 0 for x in sample), []).append(target)
        for alike in groups.values():  # the learner cannot tell these apart
            errors = [[q / rare * sum(a != b for a, b in zip(g, t, strict=True)) for t in alike] for g in targets]
            cost += weight * min(map(sum, errors))
            failure += weight * min(sum(e > q / 4 for e in row) for row in errors)
    return cost, failure


def _failures(m: Fraction, n: int) -> Iterator[tuple[Fraction, Fraction]]:
    """For each map from labelled samples to a label at x1: how often it is wrong there under either hypothesis."""
    samples = list(itertools.product((0, 1), repeat=n))
    chance = {sample: math.prod((m if x else 1 - m for x in sample), start=Fraction(1)) for sample in samples}
    seen = sorted({tuple((x, x * h) for x in sample) for sample in samples for h in (0, 1)})
    for said in itertools.product((0, 1), repeat=len(seen)):
        learner = dict(zip(seen, said, strict=True))
        wrong = [
            sum((c for sample, c in chance.items() if learner[tuple((x, x * h) for x in sample)] != h), Fraction(0))
            for h in (0, 1)
        ]
        yield wrong[0], wrong[1]
