r"""Theorem 5.5: two textures that a permutation-equivariant learner has to learn place by place.

P is uniform on the 2d pairs ``(s_i, 1)`` and ``(t_i, -1)``, ``t_i = e_i + e_{i+1}``, ``s_i = e_i + e_{i+2}``,
indices mod d. If pixels i+1 and i+2 were never seen, swapping them fixes the training data and maps t_i to
s_i, so an equivariant learner gives both the same law of predictions and errs on one. If j and j+1 were never
seen, their swap maps s_j to t_{j+1}; when j+2 *was* seen this is one more pair, disjoint from all the others,
so that three neighbouring pixels decide what is lost. A conv net that pools over all positions sees only which
texture it is.

The exact optimum for small d and a simple learner are in `theory.texture_optimum`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Set
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.complexity import Bound
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import Term, apply_scalar, combine, matrix, one, scalar
from theory.texture_optimum import (
    distinct_points,
    exact_optimum,
    labelled_edges,
    least_n,
    optimum_by_definition,
    rounded,
    upper_bound,
)
from theory.validate import integer, probability

__all__ = [
    "conv_upper_bound",
    "exact_optimum",
    "least_error_bound",
    "lower_bound",
    "sample",
    "sample_complexity_bound",
    "upper_bound",
]

TASK = r"P \text{ is uniform on the } 2d \text{ pairs } (e_i + e_{i+2}, 1),\ (e_i + e_{i+1}, -1),\ 0 \le i < d, "
TASK += r"\text{ indices mod } d,\ d \ge 5 \text{ (for } d \le 4 \text{ these are not } 2d \text{ points)}"
EQUIVARIANT = r"A \text{ is permutation-equivariant; it may be randomised}"

claim(
    "thm-5.5-sharp",
    kind="theorem",
    title="Theorem 5.5, sharper",
    statement=r"\mathbb{E}\,\mathrm{err}_P(A) \ge \bigl(1-\tfrac7{2d}\bigr)^n - \tfrac12\bigl(1-\tfrac9{2d}\bigr)^n "
    r"\ge \tfrac12\bigl(1-\tfrac7{2d}\bigr)^n, \quad\text{hence}\quad \mathcal{N}^*(A,P,\varepsilon) \ge "
    r"\min\{n \ge 0 : (1-\tfrac7{2d})^n - \tfrac12(1-\tfrac9{2d})^n \le \varepsilon\}, \qquad "
    r"\mathcal{N}(A,P,\varepsilon,\delta) \ge \mathcal{N}^*(A,P,\varepsilon+\delta)",
    source="ours, sharpening Theorem 5.5 of Li, Zhang, Arora (ICLR 2021)",
    hypotheses=(TASK, EQUIVARIANT, r"n \ge 0 \text{ samples},\ 0 < \varepsilon < 1,\ 0 < \delta < 1"),
    uses=("def-3.2", "def-3.3"),
)
claim(
    "conv-upper-5.5",
    kind="theorem",
    title="Theorem 5.5, the conv net",
    statement=r"\mathcal{N}(\mathrm{ERM}_{\mathcal{H}},P,0,\delta) \le \lceil \log_2(1/\delta) \rceil + 1 "
    r"\le \log_2(1/\delta) + 2, \qquad \mathcal{N}^*(\mathrm{ERM}_{\mathcal{H}},P,\varepsilon) \le "
    r"\lceil \log_2(1/\varepsilon) \rceil \quad\text{for every empirical risk minimiser}",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.5; the class and the bound on N* are ours",
    hypotheses=(
        TASK,
        r"\mathcal{H} = \{x \mapsto \mathrm{sign}(a \textstyle\sum_{j} \sigma(w_0 x_j + w_1 x_{j+1}) + b) : "
        r"w \in \mathbb{R}^2,\ a, b \in \mathbb{R}\}: \text{ filters of size 2, circular, one patch (pooled over all } "
        r"d \text{ positions)},\ \mathrm{sign}\,0 \in \{\pm1\} \text{ fixed}",
        r"\sigma(u+v) + \sigma(0) \ne \sigma(u) + \sigma(v) \text{ for some } u, v \text{ (squares and ReLU, for "
        r"example; a linear } \sigma \text{ would not do)}",
        r"0 < \delta < 1,\ 0 < \varepsilon < 1",
    ),
    uses=("def-3.3",),
)
claim(
    "thm-5.5",
    kind="theorem",
    title="Theorem 5.5, as printed",
    statement=r"\mathcal{N}(A,P,\tfrac18,\tfrac18) \ge \mathcal{N}^*(A,P,\tfrac14) \ge \tfrac{d}{10} "
    r"\text{ for every } A, \qquad \mathcal{N}(\mathrm{ERM}_{\mathrm{CNN}},P,0,\delta) \le \log_2(1/\delta) + 2",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.5",
    hypotheses=(
        TASK,
        EQUIVARIANT,
        r"\mathrm{ERM}_{\mathrm{CNN}} \text{ is any empirical risk minimiser over } \mathcal{H} \text{ as in "
        r"conv-upper-5.5},\ 0 < \delta < 1",
    ),
    uses=("def-3.2", "def-3.3", "conv-upper-5.5"),
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
    miss_two, miss_three = (1 - Fraction(k, 2 * integer("d", d, 5)) for k in (7, 9))
    return miss_two ** integer("n", n, 0) - miss_three**n / 2


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
    integer("d", d, 5)
    target = probability("eps", eps) + (0 if delta is None else probability("delta", delta))
    n = _least_samples(d, target)
    return Bound(n, "thm-5.5-sharp", rounded(n), "unseen neighbouring pixels can be swapped, which swaps the labels")


def conv_upper_bound(eps: float | Fraction | str, delta: float | Fraction | str | None = None) -> Bound:
    """How many samples suffice for every ERM over the pooled conv nets, at any d >= 5 (claim conv-upper-5.5).

    Args:
        eps: error in (0, 1); a float is read as the decimal it shows.
        delta: if given, the bound is on N(eps, delta), and for eps < 1/2 it is the one on N(0, delta); else on
            N*(eps).

    Raises:
        ValueError: eps or delta outside (0, 1).

    Example:
        >>> conv_upper_bound(0.01, 0.01).n, conv_upper_bound(0.01).n
        (8, 7)
    """
    error = probability("eps", eps)
    why = "an ERM is right once it has seen both labels, and on one texture after one sample"
    if delta is None:
        n = least_n(lambda k: 2**k * error >= 1)  # at least 1: a rule fitted to nothing may be all wrong
    else:
        confidence = probability("delta", delta)
        n = 1 if error >= Fraction(1, 2) else least_n(lambda k: 2**k * confidence >= 2)
    return Bound(n, "conv-upper-5.5", rounded(n), why)


def sample(
    d: int, shape: int | tuple[int, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw from P: points of shape ``(*shape, d)`` and labels +-1 of shape ``shape``.

    Raises:
        ValueError: d < 5.

    Example:
        >>> x, y = sample(7, 5, np.random.default_rng(0))
        >>> x.shape, bool(((x * np.roll(x, 1, axis=1)).sum(axis=1) == (1 - y) / 2).all())
        ((5, 7), True)
    """
    first = rng.integers(integer("d", d, 5), size=shape)
    labels = rng.choice([-1.0, 1.0], size=shape)
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


@proves(
    "conv-upper-5.5",
    "a pooled conv net cannot tell one shift from another",
    by=Trust.EXACT,
    mutant=Mutant("the output weights a_i are free, so nothing is pooled", pooled=False),
)
def pooling_forgets_the_place(pooled: bool = True) -> Evidence:
    """Pooling p, activation s, convolution c, shift g: p s c g = p s g c = p g s c = p s c, for every d and w."""
    pool, act, conv, g, x = (matrix(name) for name in ("p", "s", "c", "g", "x"))
    rules = [rule("circular convolution", conv * g, g * conv), rule("s acts on each pixel", act * g, g * act)]
    rules += [rule("a sum over all positions", pool * g, pool)] if pooled else []
    return all_of(
        decide.equal_terms(pool * act * conv * g * x, pool * act * conv * x, rules),
        decide.every(
            "x_j and x_{j+1} along the circle are the same up to order for all t_i, and for all s_i, d <= 40",
            [(d, reach) for d in range(5, 41) for reach in (1, 2)],
            lambda c: len({frozenset(_windows(*c, i).items()) for i in range(c[0])}) == 1,
        ),
        summary="every hypothesis of the class is constant on {t_i} and on {s_i}",
    )


@proves(
    "conv-upper-5.5",
    "the class realises the target, for every d >= 5",
    by=Trust.EXACT,
    mutant=Mutant("the activation is linear", activations=("identity",)),
)
def target_is_realised(activations: tuple[str, ...] = ("square", "ReLU")) -> Evidence:
    """Features differ by sigma(w_0+w_1) + sigma(0) - sigma(w_0) - sigma(w_1), whatever sigma is.

    An affine map sends two different features S, T to 1, -1.
    """
    both, none, first, second = (_sigma(*window) for window in ((1, 1), (0, 0), (1, 0), (0, 1)))
    separates = {name: (f(0) + f(0) - f(1) - f(-1)) for name, f in ACTIVATIONS.items() if name in activations}
    return all_of(
        decide.equal_terms(_feature(1) - _feature(2), both + none - first - second),
        decide.rational("pixels -1, 0, ..., reach + 1 are different ones, as they number", 2 + 3, "<=", 5),
        decide.every(
            "windows (x_j, x_{j+1}) along the circle are those on the line and zeros, d <= 40",
            [(d, reach) for d in range(5, 41) for reach in (1, 2)],
            lambda c: _windows(*c, 0) == _line(c[1]) + Counter({(0, 0): c[0] - c[1] - 2}),
        ),
        *(decide.rational(f"{name}, w = (1, -1)", value, "!=", 0) for name, value in separates.items()),
        decide.same_polynomial("2*S - (S + T)", "S - T"),
        decide.same_polynomial("2*T - (S + T)", "-(S - T)"),
        summary="with a = 2/(S-T), b = -(S+T)/(S-T) the net is 1 on each s_i and -1 on each t_i",
    )


@proves(
    "conv-upper-5.5",
    "an ERM is right on every texture whose label it saw",
    by=Trust.EXACT,
    mutant=Mutant("the target need not be in the class", realisable=False),
)
def erm_is_right(realisable: bool = True) -> Evidence:
    """A hypothesis is (u, v): u = 1 if it is wrong on {t_i}, v = 1 if it is wrong on {s_i}, else 0.

    On k samples of t and m of s it makes k u + m v errors. The target makes none, so a minimiser makes none: u = 0
    if k > 0, v = 0 if m > 0. Enumerated for all classes and k, m <= 3, k + m > 0.
    """
    pairs = tuple(itertools.product((0, 1), repeat=2))  # (u, v); the target is (0, 0)
    classes = [h for size in range(1, 5) for h in itertools.combinations(pairs, size) if (0, 0) in h or not realisable]

    def right(case: tuple[tuple[tuple[int, ...], ...], int, int]) -> bool:
        hypotheses, k, m = case
        least = min(k * u + m * v for u, v in hypotheses)
        return all(u <= (k == 0) and v <= (m == 0) for u, v in hypotheses if k * u + m * v == least)

    return decide.every(
        "all minimisers are right on what they saw",
        [(h, k, m) for h in classes for k, m in itertools.product(range(4), repeat=2) if k + m],
        right,
    )


@proves(
    "conv-upper-5.5",
    "both labels are seen with probability 1 - 2^{1-n}, n >= 1",
    by=Trust.EXACT,
    mutant=Mutant("n = 0 is claimed too", least=0),
)
def both_labels(least: int = 1) -> Evidence:
    """Labels are fair and independent, so 2 of 2^n sequences show one label; then half of the points may be wrong.

    So E err <= 2^{-n}. The first n with 2^{1-n} <= delta, or with 2^{-n} <= eps, is the one claimed.
    """
    levels = [Fraction(k, 60) for k in range(1, 60)]
    return all_of(
        decide.every(
            "as many points of either label, d <= 40",
            range(5, 41),
            lambda d: sum(label for _, label in labelled_edges(d)) == 0,
        ),
        decide.every(
            "2 of 2^n label sequences show one label only, n <= 12",
            range(least, 13),
            lambda n: sum(len(set(labels)) < 2 for labels in itertools.product((-1, 1), repeat=n)) == 2,
        ),
        decide.every(
            "2^{1-n} <= delta < 2^{2-n}, delta = k/60",
            levels,
            lambda p: 2 <= 2 ** conv_upper_bound("1/3", p).n * p < 4,
        ),
        decide.every(
            "2^{-n} <= eps < 2^{1-n}, eps = k/60",
            levels,
            lambda p: 1 <= 2 ** conv_upper_bound(p).n * p < 2,
        ),
        summary="an ERM may err only if all n labels agree, and then on half of the points",
    )


@proves(
    "thm-5.5",
    "the task has 2d points exactly for d >= 5",
    by=Trust.EXACT,
    mutant=Mutant("d = 4 is claimed too", smallest=4),
)
def range_of_d(smallest: int = 5) -> Evidence:
    """s_i = s_{i+2} at d = 4, s_i = t_{i+2} with contradicting labels at d = 3, s_i = 2 e_i at d = 2."""
    return all_of(
        distinct_points(smallest),
        decide.every(
            "points coincide, or are not two pixels, for smaller d",
            range(1, smallest),
            lambda d: len({edge for edge, _ in labelled_edges(d) if edge[0] != edge[1]}) < 2 * d,
        ),
    )


@proves(
    "thm-5.5",
    "Bernoulli: (1-x)^n >= 1 - n x on [0, 1]",
    by=Trust.EXACT,
    mutant=Mutant("the induction step gains another x", gain="2"),
)
def bernoulli(gain: str = "1") -> Evidence:
    """Induction on n: (1-nx)(1-x) is 1-(n+1)x plus the non-negative n x^2; x is 7/(2d), below 1 for d >= 5."""
    return all_of(
        decide.same_polynomial("(1 - n*x)*(1 - x)", f"1 - (n + {gain})*x + n*x**2"),
        decide.same_polynomial("(1 - x)**0", "1 - 0*x"),
        decide.rational("7/(2d) at d = 5, its largest value", Fraction(7, 10), "<=", 1),
        summary="(1-nx)(1-x) = 1-(n+1)x + n x^2 >= 1-(n+1)x",
    )


@proves(
    "thm-5.5",
    "n < d/10 leaves more than a quarter",
    by=Trust.EXACT,
    mutant=Mutant("n < d/10 is weakened to n < d/6", room=6),
    uses=("thm-5.5-sharp",),
)
def printed(room: int = 10) -> Evidence:
    """With d = 10 n + k, k > 0: 2d (1 - 7n/(2d)) - d = 3n + k > 0, so (1/2)(1-7/(2d))^n > 1/4."""
    return all_of(
        decide.same_polynomial(f"2*({room}*n + k) - 7*n - ({room}*n + k)", f"{room - 7}*n + k"),
        decide.rational("the coefficient of n", room - 7, ">=", 0),
        summary="1 - 7n/(2d) > 1/2 for n < d/10 (for n < d/7 even), so no such n reaches error 1/4",
    )


@proves(
    "thm-5.5",
    "the first inequality is Definition 3.3 at eps = delta = 1/8",
    by=Trust.EXACT,
    mutant=Mutant("delta is a quarter", delta=Fraction(1, 4)),
    uses=("def-3.3",),
)
def first_inequality(delta: Fraction = Fraction(1, 8)) -> Evidence:
    """N*(eps + delta) <= N(eps, delta)."""
    return decide.rational("eps + delta", Fraction(1, 8) + delta, "==", Fraction(1, 4))


@proves(
    "thm-5.5",
    "the conv net's bound as printed",
    by=Trust.EXACT,
    mutant=Mutant("log2(1/delta) + 1 is claimed", plus=1),
    uses=("conv-upper-5.5",),
)
def printed_conv(plus: int = 2) -> Evidence:
    """The first n with 2^{1-n} <= delta has 2^{2-n} > delta, so n < log2(1/delta) + 2; tried at delta = k/60."""
    return decide.every(
        f"2^(n-{plus}) delta <= 1, that is n <= log2(1/delta) + {plus}, for delta = k/60",
        [Fraction(k, 60) for k in range(1, 60)],
        lambda delta: Fraction(2) ** (conv_upper_bound("1/3", delta).n - plus) * delta <= 1,
    )


ACTIVATIONS: dict[str, Callable[[int], int]] = {
    "square": lambda u: u * u,
    "ReLU": lambda u: max(u, 0),
    "identity": lambda u: u,
}


def _least_samples(d: int, target: Fraction) -> int:
    """The least n with least_error_bound(d, n) <= target, which decreases in n (a step above)."""
    return least_n(
        lambda n: (2 * (2 * d - 7) ** n - (2 * d - 9) ** n) * target.denominator <= 2 * target.numerator * (2 * d) ** n
    )


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


def _windows(d: int, reach: int, i: int) -> Counter[tuple[int, int]]:
    """How often each (x_j, x_{j+1}) occurs along the circle, for x = e_i + e_{i+reach}."""
    x = [int(j in (i, (i + reach) % d)) for j in range(d)]
    return Counter((x[j], x[(j + 1) % d]) for j in range(d))


def _line(reach: int) -> Counter[tuple[int, int]]:
    """The same for e_0 + e_reach on the line, from j = -1 to j = reach, outside of which all is zero."""
    return Counter((int(j in (0, reach)), int(j + 1 in (0, reach))) for j in range(-1, reach + 1))


def _sigma(left: int, right: int) -> Term:
    return apply_scalar("sigma", left * scalar("w_0") + right * scalar("w_1"))


def _feature(reach: int) -> Term:
    """The pooled feature of e_i + e_{i+reach} for an opaque sigma, any filter and any d >= 5."""
    windows = combine((_sigma(*window), Fraction(count)) for window, count in _line(reach).items())
    return windows + (scalar("d") - (reach + 2) * one()) * _sigma(0, 0)
