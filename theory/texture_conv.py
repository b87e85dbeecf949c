r"""Theorem 5.5, the conv net: pooled over all positions it sees only which texture it is.

Every empirical risk minimiser over the class below is right on a texture once it has seen one sample of it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.complexity import Bound
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import Term, apply_scalar, combine, matrix, one, scalar
from theory.texture_optimum import TASK, labelled_edges
from theory.thresholds import least_n, rounded
from theory.validate import probability

__all__ = ["conv_upper_bound"]

claim(
    "conv-upper-5.5",
    kind="theorem",
    title="Theorem 5.5, the conv net",
    statement=r"\mathcal{N}(\mathrm{ERM}_{\mathcal{H}},P,0,\delta) \le \lceil \log_2(1/\delta) \rceil + 1 "
    r"\le \log_2(1/\delta) + 2, \qquad \mathcal{N}^*(\mathrm{ERM}_{\mathcal{H}},P,\varepsilon) \le "
    r"\lceil \log_2(1/\varepsilon) \rceil \quad\text{for every empirical risk minimiser}",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.5; the class and the bound on N* are ours",
    printed=r"\mathcal{N}(\mathrm{ERM}_{\mathrm{CNN}}, P, 0, \delta) \le \log_2(1/\delta) + 2",
    differs="The bound on N is rounded to whole samples and implies the printed one. The bound on N* is ours, and "
    "so are the precise class of nets and the condition on the activation.",
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


ACTIVATIONS: dict[str, Callable[[int], int]] = {
    "square": lambda u: u * u,
    "ReLU": lambda u: max(u, 0),
    "identity": lambda u: u,
}


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
