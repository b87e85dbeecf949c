r"""The first gradient of a conv net's filter on a k-pattern: it does not depend on the number of bits at all.

Of all windows that the filter looks at only the one that holds the whole pattern adds to the gradient, and there the
filter is a unit on k bits, as in `theory.kpattern_gaussian` with n = k.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern_gaussian import gaussian_gradient
from theory.kpattern_walsh import beside, cube, mask, walsh

__all__ = ["conv_gradient"]

claim(
    "kpattern-gradient-conv",
    kind="theorem",
    title="The first gradient of a conv net's filter on a k-pattern",
    statement=r"-\nabla_w L = u_J\, \bigl(\mathbb{E}_v\, v_1 \cdots v_k\, v_i\, \sigma'(w \cdot v + b)\bigr)_{i \le k}"
    r"\quad \text{for every } n \ge k; \qquad \text{so for ReLU, } k \ge 2 \text{ and independent } "
    r"w \sim N(0, \tau^2 I_k),\ b \sim N(0, \beta k \tau^2),\ \tau > 0,\ \beta \ge 0:\quad "
    r"\mathbb{E} \|\nabla_w L\|^2 = u_J^2\, \frac{k}{2\pi} A_{k-1} \text{ with } n = k \text{ in } A_{k-1}",
    source="ours",
    hypotheses=(
        r"x \text{ uniform on } \{\pm1\}^n,\ v \text{ on } \{\pm1\}^k,\ I = \{J, \dots, J+k-1\} \text{ one of the } "
        r"n-k+1 \text{ windows}",
        r"f(x) = \textstyle\sum_p u_p\, \sigma(w \cdot x_{p..p+k-1} + b) + \text{(other filters)},\ "
        r"L = -\mathbb{E}\, \chi_I(x) f(x),\ \text{the } u_p \text{ are fixed},\ \sigma \text{ is differentiable or "
        r"ReLU}",
    ),
    uses=("kpattern-gradient-gaussian",),
)


def conv_gradient(k: int, bias: Fraction | int = 0) -> tuple[float, float]:
    """Encloses the mean squared first gradient of a Gaussian filter, for any number of bits (kpattern-gradient-conv).

    Example:
        >>> low, high = conv_gradient(2)
        >>> low <= 0.25 <= high
        True
    """
    return gaussian_gradient(k, k, bias)


@proves(
    "kpattern-gradient-conv",
    "every other window misses a bit of the pattern, for every n",
    by=Trust.EXACT,
    mutant=Mutant("windows are one entry longer than the pattern", longer=1),
)
def other_windows(longer: int = 0) -> Evidence:
    """The window at p = J + 1 + h begins after J, and that at p = J - 1 - h ends before J + k - 1.

    A function of the window has mean 0 when multiplied with chi_I, which holds a bit that it does not see.
    """
    return all_of(
        decide.same_polynomial("(J + 1 + h) - J", "1 + h"),
        decide.same_polynomial(f"(J + k - 1) - (J - 1 - h + k + {longer} - 1)", "1 + h"),
        decide.rational("the mean of a bit that nothing else sees", Fraction(1 - 1, 2), "==", 0),
        decide.every(
            "of all windows exactly one has a function with a coefficient at I: all places, k <= n <= 10",
            [
                (n, k, place)
                for n in range(1, 11)
                for k in range(1, n + 1 - longer)
                for place in range(n - k - longer + 1)
            ],
            lambda c: _windows_that_hold(*c, longer) == 1,
        ),
        summary="E chi_I(x) g(x_p..x_{p+k-1}) = 0 for every g and every p but J",
    )


@proves(
    "kpattern-gradient-conv",
    "the gradient of a filter is that of a unit on k bits: all places, n <= 8",
    by=Trust.EXACT,
    mutant=Mutant("the window before the pattern's is read", off=1),
    uses=("kpattern-gradient-gaussian",),
)
def filter_is_a_unit(off: int = 0) -> Evidence:
    """The chain rule gives sum_p u_p E chi_I x_{p+i} sigma'; one window is left, whose bits are uniform on {+-1}^k.

    Checked in integers by transforming the sum of all windows, with filters 1, 2, 4, ..., u_p = 3^p, sigma' = [. > 1].
    """
    return decide.every(
        "coefficients at I xor {j} of the n-bit sum are u_J times those of the k-bit unit",
        [(n, k, place) for n in range(2, 9) for k in range(2, n + 1) for place in range(n - k + 1)],
        lambda c: _filter_gradient(*c) == _unit_gradient(c[1], 3 ** max(0, c[2] - off)),
    )


def _windows_that_hold(n: int, k: int, place: int, longer: int) -> int:
    pattern = set(range(place, place + k))
    return sum(pattern <= set(range(p, p + k + longer)) for p in range(n - k - longer + 1))


def _filter_gradient(n: int, k: int, place: int) -> list[int]:
    """For each entry i of the filter the coefficient of the label in sum_p u_p x_{p+i} sigma'(window p), times 2^k."""
    x = cube(n)
    label = mask(range(place, place + k))
    found = []
    for i in range(k):
        total = sum(3**p * x[:, p + i] * (x[:, p : p + k] @ 2 ** np.arange(k) > 1) for p in range(n - k + 1))
        found.append(Fraction(int(walsh(np.asarray(total))[label]) * 2**k, 2**n))
    return [int(v) if v.denominator == 1 else -1 for v in found]


def _unit_gradient(k: int, readout: int) -> list[int]:
    unit = walsh(cube(k) @ 2 ** np.arange(k) > 1)
    return [readout * int(v) for v in unit[beside(mask(range(k)), k)]]
