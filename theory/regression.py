r"""Theorem 5.4: quadratic forms under Gaussian inputs, and the constant that the printed text gets wrong.

The task: ``x ~ N(0, I_d)``, ``y = f_a(x) = sum_i a_i x_i^2``; the loss of a prediction is relative to ``E y^2``.
Its orbit under O(d) is every form ``f_B(x) = x' B x`` with B symmetric, a space of dimension D = d(d+1)/2 with norm
``E f_B(x)^2 = 2 |B|_F^2 + (tr B)^2``, the *loss norm*. Write ``B = b I + T`` with T traceless; the loss norm is then
``2 |T|_F^2 + d(d+2) b^2``. Interpolating with a *trace penalty* r means to minimise
``2 |T|_F^2 + r d(d+2) b^2`` among the forms that fit the data: r = 1 is the least loss norm.

The claims and their numbers are here. The proofs: `theory.regression_lower`, `theory.regression_upper`,
`theory.regression_conv`, and the refutation of the printed text in `theory.regression_erratum`.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from fractions import Fraction
from typing import overload

from theory.claims import claim
from theory.complexity import Bound
from theory.evidence import Verdict
from theory.regression_interpolator import least_norm_interpolator
from theory.validate import integer, probability

__all__ = [
    "conv_upper_bound",
    "least_norm_interpolator",
    "lower_bound",
    "printed_lower_bound",
    "sharp_upper_bound",
    "upper_bound",
]

Number = float | Fraction | str
TASK = (
    r"\mathcal{P} = N(0, I_d) \diamond \{f_a : 0 \ne a \in \mathbb{R}^d\},\ f_a(x) = \sum_i a_i x_i^2,\ d \ge 1",
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) = \min\{n : \mathbb{E}\,|\mathcal{A}(D_n)(x) - f_a(x)|^2 "
    r"\le \varepsilon\,\mathbb{E} f_a(x)^2 \text{ for every } a\}, \text{ over } n \text{ i.i.d. samples } D_n, "
    r"\text{ the coin of } \mathcal{A} \text{ and a new } x",
)
CONFIDENCE = (
    r"\mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) = \min\{n : \mathbb{P}[\mathbb{E}_x\,"
    r"|\mathcal{A}(D_n)(x) - f_a(x)|^2 \le \varepsilon\,\mathbb{E} f_a(x)^2] \ge 1 - \delta \text{ for every } a\},\ "
    r"0 < \delta < 1\text{; randomised } \mathcal{A}\text{: either reading, drawn or averaged}"
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
    printed=r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) \ge \frac{d(d+3)}{2}(1-\varepsilon) - 1 "
    r"\quad\text{for every } \varepsilon > 0 \text{ and every } O(d)\text{-equivariant } \mathcal{A};\quad "
    r"\mathcal{N}^*(\mathrm{ERM}_{\mathrm{CNN}}, \mathcal{P}, \varepsilon) \le d",
    differs="Only eps < 1 is asked for: from there on the printed bound is negative. The half on the conv net is "
    "conv-upper-5.4.",
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
    r"\text{hence } \min_{\mathcal{A}} \mathcal{N}^* \le \lceil (1-\varepsilon)D \rceil + 2;\quad "
    r"(1-\varepsilon)(1-2\delta) D \le \min_{\mathcal{A}} \mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) "
    r"\le D \text{ for every } \delta\text{, as the interpolators of } D \text{ samples are exact almost surely}",
    source="ours, correcting Theorem 5.4 of Li, Zhang, Arora (ICLR 2021)",
    differs="Corrects the lower bound that Theorem 5.4 prints (thm-5.4), with d(d+1)/2 in place of d(d+3)/2, and "
    "adds upper bounds beside it.",
    hypotheses=(*TASK, CONFIDENCE, EQUIVARIANT),
    uses=("def-3.2",),
)
claim(
    "conv-upper-5.4",
    kind="theorem",
    title="Quadratic regression by a convolutional net",
    statement=r"\mathcal{N}^*(\mathrm{ERM}, \mathcal{P}, \varepsilon) \le d, \quad "
    r"\mathcal{N}(\mathrm{ERM}, \mathcal{P}, \varepsilon, \delta) \le d \quad\text{for every } "
    r"0 < \varepsilon, \delta < 1\text{, as } d \text{ samples make it exact almost surely}",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.4, in the version submitted to ICLR (OpenReview)",
    printed=r"\mathcal{N}^*(\mathrm{ERM}_{\mathrm{CNN}}, \mathcal{P}, \varepsilon) \le d",
    differs="The bound on N is ours, and the nets are spelled out here. The bound on N* is the printed one.",
    hypotheses=(
        *TASK,
        CONFIDENCE,
        r"\text{ERM returns any least-squares fit by the conv nets } \sum_{i \le d} a_i (w x_i)^2,\ w \in \mathbb{R},"
        r"\ a \in \mathbb{R}^d\text{: one filter of width one, square activation, } r = d \text{ patches of one pixel, "
        r"no bias (the filter may be trained or fixed at } w = 1 \text{; wider filters are not claimed)}",
    ),
)


def dimension(d: int) -> int:
    """The dimension D = d(d+1)/2 of the quadratic forms on R^d."""
    d = integer("d", d, 1)
    return d * (d + 1) // 2


def printed_lower_bound(d: int, eps: Number) -> Fraction:
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
    return (size + integer("d", d, 1)) * (1 - probability("eps", eps)) - 1


@overload
def lower_bound(d: int, eps: Number, delta: None = None) -> Bound: ...
@overload
def lower_bound(d: int, eps: Number, delta: Number | None) -> Bound | None: ...
def lower_bound(d: int, eps: Number, delta: Number | None = None) -> Bound | None:
    """No O(d)-equivariant learner does with fewer samples (claim thm-5.4-corrected).

    Args:
        d: dimension, at least 1.
        eps: loss, relative to E y^2, in (0, 1); a float is read as the decimal it shows.
        delta: if given, the bound is on N(eps, delta), and None from delta = 1/2 on, where nothing is certified;
            else on N*(eps). (The loss may exceed 1, so Definition 3.3 does not lead from one to the other.)

    Raises:
        ValueError: d < 1, or eps or delta outside (0, 1).

    Example:
        >>> lower_bound(6, 0.5).n, lower_bound(6, 0.5).enclosure
        (11, '21/2')
        >>> lower_bound(6, 0.1, 0.05).enclosure, lower_bound(6, 0.1, 0.5)
        ('1701/100', None)
    """
    exact = dimension(d) * (1 - probability("eps", eps))
    why = "n measurements leave D - n of D dimensions unseen"
    if delta is not None:
        confidence = probability("delta", delta)
        if confidence >= Fraction(1, 2):
            return None
        exact *= 1 - 2 * confidence
        why += ", which can be reflected"
    return Bound(math.ceil(exact), "thm-5.4-corrected", str(exact), why)


def upper_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """Least-loss-norm interpolation does with d(d+1)/2 samples (claim thm-5.4-corrected).

    Whatever eps and delta are: it is then exact almost surely. Args and errors as in `lower_bound`.

    Example:
        >>> upper_bound(6, 0.01).n, upper_bound(6, 0.01, 0.001).n
        (21, 21)
    """
    _checked(eps, delta)
    size = dimension(d)
    return Bound(size, "thm-5.4-corrected", str(size), "least-loss-norm interpolation, exact on generic samples")


def sharp_upper_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """What the best of three interpolators needs at this eps: at most 2 above `lower_bound` (claim thm-5.4-corrected).

    `Bound.why` names the trace penalty, to be used in `least_norm_interpolator`. With delta it is no better than
    `upper_bound`. Args and errors as in `lower_bound`.

    Example:
        >>> [sharp_upper_bound(6, eps).n for eps in ("0.75", "0.5", "0.25", "0.01")]
        [6, 11, 18, 21]
    """
    target, size = probability("eps", eps), dimension(d)
    best = upper_bound(d, eps, delta)
    if delta is not None:
        return best
    for penalty, worst in WORST.items():
        n = _first(size, worst, target)
        if n < best.n:
            best = Bound(n, "thm-5.4-corrected", str(n), f"interpolation with trace penalty {penalty}")
    return best


def conv_upper_bound(d: int, eps: Number, delta: Number | None = None) -> Bound:
    """The conv net's ERM does with d samples (claim conv-upper-5.4, which says which net).

    Whatever eps and delta are: it is then exact almost surely. Args and errors as in `lower_bound`.

    Example:
        >>> conv_upper_bound(6, 0.01).n
        6
    """
    _checked(eps, delta)
    d = integer("d", d, 1)
    return Bound(d, "conv-upper-5.4", str(d), "ERM over sum_i a_i (w x_i)^2, exact on generic samples")


def _checked(eps: Number, delta: Number | None) -> None:
    probability("eps", eps)
    if delta is not None:
        probability("delta", delta)


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
