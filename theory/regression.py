r"""Theorem 5.4: quadratic forms under Gaussian inputs, and the constant that the printed text gets wrong.

The task: ``x ~ N(0, I_d)``, ``y = f_a(x) = sum_i a_i x_i^2``; the loss of a prediction is relative to ``E y^2``.
Its orbit under O(d) is every form ``f_B(x) = x' B x`` with B symmetric, a space of dimension D = d(d+1)/2 with norm
``E f_B(x)^2 = 2 |B|_F^2 + (tr B)^2``, the *loss norm*. Write ``B = b I + T`` with T traceless; the loss norm is then
``2 |T|_F^2 + d(d+2) b^2``. Interpolating with a *trace penalty* r means to minimise
``2 |T|_F^2 + r d(d+2) b^2`` among the forms that fit the data: r = 1 is the least loss norm.

The lower bound is proved here; learners that attain it and the refutation are in `theory.regression_erratum`.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.complexity import Bound
from theory.evidence import Evidence, Trust, Verdict, all_of
from theory.groups import inverse
from theory.rewriting import rule
from theory.terms import matrix, one, trace, transpose, zero
from theory.validate import finite_array, integer, probability, real

__all__ = [
    "conv_upper_bound",
    "least_norm_interpolator",
    "lower_bound",
    "printed_lower_bound",
    "sharp_upper_bound",
    "upper_bound",
]

Array = NDArray[Any]
Epsilon = float | str | Fraction
TASK = (
    r"\mathcal{P} = N(0, I_d) \diamond \{f_a : 0 \ne a \in \mathbb{R}^d\},\ f_a(x) = \sum_i a_i x_i^2,\ d \ge 1",
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) = \min\{n : \mathbb{E}\,|\mathcal{A}(D_n)(x) - f_a(x)|^2 "
    r"\le \varepsilon\,\mathbb{E} f_a(x)^2 \text{ for every } a\}, \text{ over } n \text{ i.i.d. samples } D_n, "
    r"\text{ the coin of } \mathcal{A} \text{ and a new } x",
)
EQUIVARIANT = (
    r"\mathcal{A} \text{ is } O(d)\text{-equivariant, with real labels and predictions, and may be randomised}"
)

claim(
    "thm-5.4",
    kind="theorem",
    title="Quadratic regression, as printed",
    statement=r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) \ge \frac{d(d+3)}{2}(1-\varepsilon) - 1 "
    r"\quad\text{for every } 0 < \varepsilon < 1 \text{ and every such } \mathcal{A}",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.4, in the version submitted to ICLR (OpenReview); the later arXiv "
    "version was not at hand, so nothing is said about it",
    hypotheses=(*TASK, EQUIVARIANT),
    uses=("def-3.2",),
    expected=Verdict.REFUTED,
)
claim(
    "thm-5.4-corrected",
    kind="theorem",
    title="Quadratic regression, corrected: (1-eps) d(d+1)/2, tight up to 2 samples",
    statement=r"\text{Put } D = \tfrac{d(d+1)}2,\ 0 < \varepsilon < 1.\quad "
    r"(1-\varepsilon) D \le \min_{\mathcal{A}} \mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) \le D,\quad"
    r"\text{and least-loss-norm interpolation attains } D; \quad \min_{\mathcal{A}} \mathcal{N}^* \le n "
    r"\text{ also if } 1 \le n < D \text{ and } \min\Bigl\{\tfrac{D-n}{D-1} + \tfrac1n,\ "
    r"\max\bigl\{\tfrac{D-n}{D-1},\ \tfrac{(D-1)(D-1+n)}{(D-1+2n)^2}\bigr\}\Bigr\} \le \varepsilon,\quad"
    r"\text{hence } \min_{\mathcal{A}} \mathcal{N}^* \le \lceil (1-\varepsilon)D \rceil + 2",
    source="ours, correcting Theorem 5.4 of Li, Zhang, Arora (ICLR 2021)",
    hypotheses=(*TASK, EQUIVARIANT),
    uses=("def-3.2",),
)
claim(
    "conv-upper-5.4",
    kind="theorem",
    title="Quadratic regression by a convolutional net",
    statement=r"\mathcal{N}^*(\mathrm{ERM}, \mathcal{P}, \varepsilon) \le d \quad\text{for every } 0 < \varepsilon < 1",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.4, in the version submitted to ICLR (OpenReview)",
    hypotheses=(
        *TASK,
        r"\text{ERM returns any least-squares fit by the conv nets } \sum_{i \le d} a_i (w x_i)^2,\ w \in \mathbb{R},"
        r"\ a \in \mathbb{R}^d\text{: one filter of width one, square activation, } r = d \text{ patches of one pixel, "
        r"no bias (the filter may be trained or fixed at } w = 1 \text{; wider filters are not claimed)}",
    ),
)


def dimension(d: int) -> int:
    """The dimension D = d(d+1)/2 of the quadratic forms on R^d."""
    return integer("d", d, 1) * (int(d) + 1) // 2


def printed_lower_bound(d: int, eps: Epsilon) -> Fraction:
    """The bound of the printed Theorem 5.4, which is false (claim thm-5.4); for comparison only.

    Args:
        d: dimension, at least 1.
        eps: relative loss in (0, 1); a float is read as the decimal it shows.

    Raises:
        ValueError: d < 1, or eps outside (0, 1).

    Example:
        >>> printed_lower_bound(6, 0.5), sharp_upper_bound(6, 0.5).n
        (Fraction(25, 2), 11)
    """
    size = dimension(d)
    return (size + d) * (1 - probability("eps", eps)) - 1


def lower_bound(d: int, eps: Epsilon) -> Bound:
    """No O(d)-equivariant learner does with fewer samples (claim thm-5.4-corrected).

    Args:
        d: dimension, at least 1.
        eps: expected loss, relative to E y^2, in (0, 1); a float is read as the decimal it shows.

    Raises:
        ValueError: d < 1, or eps outside (0, 1).

    Example:
        >>> lower_bound(6, 0.5).n, lower_bound(6, 0.5).enclosure
        (11, '21/2')
    """
    exact = dimension(d) * (1 - probability("eps", eps))
    return Bound(math.ceil(exact), "thm-5.4-corrected", str(exact), "n measurements leave D - n of D dimensions unseen")


def upper_bound(d: int, eps: Epsilon) -> Bound:
    """Least-loss-norm interpolation does with d(d+1)/2 samples, whatever eps is (claim thm-5.4-corrected).

    Args and errors as in `lower_bound`.

    Example:
        >>> upper_bound(6, 0.01).n
        21
    """
    probability("eps", eps)
    size = dimension(d)
    return Bound(size, "thm-5.4-corrected", str(size), "least-loss-norm interpolation, exact on generic samples")


def sharp_upper_bound(d: int, eps: Epsilon) -> Bound:
    """What the best of three interpolators needs at this eps: at most 2 above `lower_bound` (claim thm-5.4-corrected).

    `Bound.why` names the trace penalty, to be used in `least_norm_interpolator`. Args and errors as in `lower_bound`.

    Example:
        >>> [sharp_upper_bound(6, eps).n for eps in ("0.75", "0.5", "0.25", "0.01")]
        [6, 11, 18, 21]
    """
    target, size = probability("eps", eps), dimension(d)
    best = upper_bound(d, eps)
    for penalty, worst in WORST.items():
        n = _first(size, worst, target)
        if n < best.n:
            best = Bound(n, "thm-5.4-corrected", str(n), f"interpolation with trace penalty {penalty}")
    return best


def conv_upper_bound(d: int, eps: Epsilon) -> Bound:
    """The conv net's ERM does with d samples, whatever eps is (claim conv-upper-5.4, which says which net).

    Args and errors as in `lower_bound`.

    Example:
        >>> conv_upper_bound(6, 0.01).n
        6
    """
    probability("eps", eps)
    return Bound(integer("d", d, 1), "conv-upper-5.4", str(d), "ERM over sum_i a_i (w x_i)^2, exact on generic samples")


def _first(size: int, worst: Callable[[int, int], Fraction], target: Fraction) -> int:
    """The least n < D that does, or D; by bisection, for `worst` decreases in n."""
    return 1 + bisect.bisect_left(range(1, size), True, key=lambda n: worst(size, n) <= target)


def _worst_half(size: int, n: int) -> Fraction:
    seen = Fraction(size - 1) * (size - 1 + n) / (size - 1 + 2 * n) ** 2
    return max(Fraction(size - n, size - 1), seen)


def _worst_free(size: int, n: int) -> Fraction:
    return Fraction(size - n, size - 1) + Fraction(1, n)


WORST = {Fraction(1, 2): _worst_half, Fraction(0): _worst_free}
"""By trace penalty: what bounds the worst relative loss after 1 <= n < D samples, decreasing in n."""


def least_norm_interpolator(
    points: ArrayLike, labels: ArrayLike, trace_penalty: int | Fraction | float = 1
) -> NDArray[Any]:
    """The symmetric B = b I + T, tr T = 0, of least ``2 |T|_F^2 + trace_penalty d(d+2) b^2`` with x_k' B x_k = y_k.

    With penalty 1 this is the least ``2 |B|_F^2 + (tr B)^2``. If no form fits, B is the least such form
    among the least-squares fits of y_k/|x_k|^2; no error is raised. O(d)-equivariant: rotated points give g B g'.

    Args:
        points: shape (n, d), none of them zero; Fractions or integers as dtype object give an exact answer.
        labels: shape (n,), exact if the points are.
        trace_penalty: at least 0; a Fraction or int if the points are exact.

    Returns:
        Shape (d, d), of Fractions or of float64.

    Raises:
        ValueError: wrong shapes, NaN or infinite entries, a zero point, a mixture of exact and floating
            arguments, or a negative penalty.

    Example:
        >>> x = np.array([[1, 0], [0, 1], [1, 1]], dtype=object)
        >>> least_norm_interpolator(x, np.array([1, 0, 5], dtype=object)).tolist()
        [[Fraction(1, 1), Fraction(2, 1)], [Fraction(2, 1), Fraction(0, 1)]]
    """
    x = finite_array("points", points, (None, None))
    n, d = x.shape[0], integer("d", x.shape[1], 1)
    y = finite_array("labels", labels, (n,))
    exact = x.dtype == object
    if (y.dtype == object) != exact and n:
        raise ValueError(f"labels: got dtype {y.dtype} with points of dtype {x.dtype}, want both exact or neither")
    if exact and not isinstance(trace_penalty, int | Fraction):
        raise ValueError(f"trace_penalty: got {trace_penalty!r}, want an int or a Fraction, for the points are exact")
    real("trace_penalty", trace_penalty, 0, sys.float_info.max)
    number: Callable[[Any], Any] = Fraction if exact else float
    x, y = (np.array([number(v) for v in a.flat], object if exact else float).reshape(a.shape) for a in (x, y))
    squares = (x * x).sum(axis=1)
    if not all(squares):
        raise ValueError("points: got a zero point, want points that say something")
    identity = np.array([[number(i == j) for j in range(d)] for i in range(d)])
    if not n:
        return 0 * identity
    # On the unit sphere x' B x = b + x' T x, so differences of labels measure T alone.
    forms = np.array([np.outer(p, p).ravel() / q for p, q in zip(x, squares, strict=True)])
    values = y / squares
    centre, mean = forms.sum(axis=0) / number(n), values.sum() / number(n)
    seen = forms - centre
    known = _fit(seen, values - mean)
    direction = centre - identity.ravel() / number(d)
    direction = direction - _fit(seen, seen @ direction)
    # What is left is one number, b + <direction, T>, shared out between its two parts by the penalty.
    weight = number(trace_penalty) * number(d * (d + 2)) / 2
    share = (mean - centre @ known) / (1 + weight * (direction @ direction))
    fit: Array = share * identity + (known + share * weight * direction).reshape(d, d)
    symmetric: Array = (fit + fit.T) / number(2)  # it is already, but for rounding
    return symmetric


def _fit(rows: Array, targets: Array) -> Array:
    """The shortest vector among those that make |rows v - targets| least."""
    if rows.dtype != object:
        return np.asarray(np.linalg.lstsq(rows, targets, rcond=None)[0])
    gram = rows @ rows.T
    solution: Array = rows.T @ _solve(gram @ gram, gram @ targets)
    return solution


def _solve(square: Array, right: Array) -> Array:
    """Some solution of a consistent exact linear system."""
    size = len(square)
    echelon, pivots = reduced(np.column_stack([square, right]))
    solution = np.full(size, Fraction(0), dtype=object)
    for row, pivot in enumerate(pivots):
        if pivot == size:
            raise ValueError("system: got an inconsistent one, want one that has a solution")
        solution[pivot] = echelon[row, size]
    return solution


def reduced(rows: Array) -> tuple[Array, tuple[int, ...]]:
    """The reduced echelon form of an exact matrix and the columns of its pivots."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    exact = [[QQ(Fraction(v).numerator, Fraction(v).denominator) for v in row] for row in rows]
    echelon, pivots = DomainMatrix(exact, rows.shape, QQ).rref()
    back = [[Fraction(int(v.numerator), int(v.denominator)) for v in row] for row in echelon.to_list()]
    return np.array(back, object).reshape(rows.shape), pivots


@proves(
    "thm-5.4-corrected",
    "the loss norm is 2 |B|^2 + (tr B)^2",
    by=Trust.EXACT,
    mutant=Mutant("the fourth moment of a coordinate is 2", fourth=2),
)
def loss_norm(fourth: int = 3) -> Evidence:
    """E x_i x_j x_k x_l is [ij][kl] + [ik][jl] + [il][jk] for all d.

    Both sides depend only on which of the four indices agree, and every pattern occurs among four values. The moments
    of one coordinate are 1, 0, 1, 0, 3. Summed against B_ij B_kl with B' = B this is (tr B)^2 + 2 |B|^2.
    """
    moments = (1, 0, 1, 0, fourth)

    def moment(indices: Sequence[int]) -> int:
        return math.prod(moments[indices.count(i)] for i in set(indices))

    def expanded(d: int) -> str:
        terms = itertools.product(range(d), repeat=4)
        return " + ".join(f"{moment(t)}*{_entry(*t[:2])}*{_entry(*t[2:])}" for t in terms if moment(t))

    def formula(d: int) -> str:
        squares = " + ".join(f"2*{_entry(i, j)}**2" for i in range(d) for j in range(d))
        return f"{squares} + ({' + '.join(_entry(i, i) for i in range(d))})**2"

    return all_of(
        decide.every(
            "E x_i x_j x_k x_l sums the three pairings, 4 values of the indices",
            itertools.product(range(4), repeat=4),
            lambda t: moment(t) == sum((t[a] == t[b]) * (t[c] == t[e]) for a, b, c, e in PAIRINGS),
        ),
        *(decide.same_polynomial(expanded(d), formula(d)) for d in (1, 2, 3)),
        summary="E (x' B x)^2 = 2 |B|_F^2 + (tr B)^2 for every d; expanded in full for d <= 3",
    )


PAIRINGS = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))


def _entry(i: int, j: int) -> str:
    return f"b{min(i, j)}{max(i, j)}"


@proves(
    "thm-5.4-corrected",
    "an equivariant learner has one risk on a whole orbit",
    by=Trust.EXACT,
    mutant=Mutant("the learner is not known to be equivariant", equivariant=False),
    uses=("def-3.2",),
)
def one_risk(equivariant: bool = True) -> Evidence:
    """The loss at (gX, gx) on f_B is, in law, that at (X, x) on f_(g'Bg); g keeps the law of inputs and the loss norm.

    By the spectral theorem every symmetric B is g' diag(a) g, so the worst relative loss over all f_a is that over all
    symmetric B; that theorem is taken as known.
    """
    learned, learned_g, g, x, b = (matrix(s) for s in ("A(D)", "A(gD)", "g", "x", "B"))
    equivariance = [rule("A(gD) o g = A(D)", learned_g * g, learned)] if equivariant else []
    rotation = [rule("g g' = 1", g * transpose(g), one()), rule("g' g = 1", transpose(g) * g, one())]
    turned = transpose(g) * b * g
    return all_of(
        decide.equal_terms(learned_g * (g * x), learned * x, equivariance),
        decide.equal_terms(transpose(g * x) * b * (g * x), transpose(x) * turned * x),
        decide.equal_terms(g * one() * transpose(g), one(), rotation),
        decide.equal_terms(trace(turned * turned), trace(b * b), rotation),
        decide.equal_terms(trace(turned), trace(b), rotation),
        summary="predictions, labels, the covariance of the inputs and both terms of the loss norm carry over",
    )


@proves(
    "thm-5.4-corrected",
    "n linear measurements leave D - n dimensions",
    by=Trust.EXACT,
    mutant=Mutant("the measurements are not known to be independent", independent=False),
)
def measurements(independent: bool = True) -> Evidence:
    """With n independent rows m and v = (m m')^-1, P = 1 - m' v m is a projector, kills m', and has trace D - n.

    Given the points, the labels are n linear functionals of B. If they are dependent, drop some: more is left.
    """
    m, v, n = matrix("m"), matrix("v"), matrix("1_n")
    gram = [rule("v = (m m')^-1", v * m * transpose(m), n), rule("and m m' v = 1", m * transpose(m) * v, n)]
    rules = [
        *(gram if independent else []),
        rule("1_n m = m", n * m, m),
        rule("1_n v = v", n * v, v),
        rule("v is symmetric", transpose(v), v),
    ]
    seen = transpose(m) * v * m
    left = one() - seen
    cases = [(size, n) for size in range(1, 7) for n in range(size + 1)]
    return all_of(
        decide.equal_terms(left * left, left, rules),
        decide.equal_terms(transpose(left), left, rules),
        decide.equal_terms(m * left, zero(), rules),
        decide.equal_terms(trace(left), trace(one()) - trace(n), rules),
        decide.every("projectors in exact arithmetic, n <= D <= 6", cases, lambda c: _leaves(*c)),
        summary="tr P = tr 1_D - tr 1_n = D - n for all D and n; exact instances agree",
    )


def _leaves(size: int, n: int) -> bool:
    rng = random.Random(100 * size + n)
    m = np.array([[Fraction(rng.randint(-9, 9)) for _ in range(size)] for _ in range(n)], object).reshape(n, size)
    identity = np.array([[Fraction(i == j) for j in range(size)] for i in range(size)], object)
    left = identity - m.T @ inverse(m @ m.T) @ m if n else identity
    return bool((left @ left == left).all() and np.trace(left) == size - n and not (m @ left).any())


@proves(
    "thm-5.4-corrected",
    "so the relative loss is at least 1 - n/D for some form",
    by=Trust.EXACT,
    mutant=Mutant("the forms are counted as d(d+3)/2, as in print", forms="1/2*d*(d + 3)"),
)
def averaged(forms: str = "1/2*d*(d + 1)") -> Evidence:
    """Draw B standard Gaussian in coordinates orthonormal for the loss norm, independently of inputs and coin.

    P B is uncorrelated with the measurements m B (P m' = 0), hence independent of them, of the rest (1-P) B and of
    every output of the learner; so E |B - output|^2 = E |P B|^2 + E |(1-P) B - output|^2 >= tr P >= D - n for each
    outcome of inputs and coin. An output that is no form is at best as good as its projection on the forms.
    If the risk of every B is at most eps |B|^2, averaging over B gives eps D >= D - n.
    """
    pairs = [(d, len(list(itertools.combinations_with_replacement(range(d), 2)))) for d in range(1, 13)]
    return all_of(
        decide.same_polynomial(f"eps*({forms}) - (1/2*d*(d + 1) - n)", "n - 1/2*(1 - eps)*d*(d + 1)"),
        decide.every("symmetric matrices have D entries", pairs, lambda c: c[1] == dimension(c[0])),
        summary="eps D >= D - n, that is n >= (1-eps) D with D = d(d+1)/2",
    )
