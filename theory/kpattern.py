r"""k-patterns: a task with labels that depend on k neighbouring bits of n, at one fixed place.

The input is uniform on {-1, 1}^n and the label a function of the bits in one window of length k, for example their
parity. A conv net whose filters are as wide as the window holds every such function with 2^k filters. Malach and
Shalev-Shwartz show that gradient descent finds it, in polynomial time for k about log n, and that a fully-connected
net does not, because its gradient vanishes: it does not know which of the C(n, k) sets of bits are neighbours.

Here the gradient at the start is bounded, in `theory.kpattern_gradient`, by a number that cannot be improved
(`theory.kpattern_sharp`); it is computed exactly for Gaussian first weights in `theory.kpattern_gaussian`, and for a
conv net's filter, where it does not depend on n, in `theory.kpattern_filter`. What it means for a whole training with
noise is in `theory.kpattern_noise`, what equivariance alone costs, whatever the learner does, in
`theory.kpattern_equivariant`. The theorem on the conv net's training is cited.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern_equivariant import least_error
from theory.kpattern_filter import conv_gradient
from theory.kpattern_gaussian import gaussian_gradient
from theory.kpattern_gradient import LAW, gradient_bound
from theory.kpattern_walsh import cube, mask, walsh
from theory.validate import generator, integer, sizes

__all__ = [
    "conv_gradient",
    "fc_gradient_bound",
    "gaussian_gradient",
    "gradient_bound",
    "least_error",
    "parity",
    "printed_gradient_bound",
    "sample",
    "window",
]

PAPER = "Malach and Shalev-Shwartz 2020 (arXiv 2010.01369)"
RECALLED = "recalled, not checked against the paper"
WINDOW = r"J \in \{1, \dots, n-k+1\} \text{ is fixed},\ I = \{J, \dots, J+k-1\},\ 1 \le k \le n"

claim(
    "kpattern",
    kind="definition",
    title="k-pattern",
    statement=r"x \text{ uniform on } \{\pm1\}^n,\quad y = g(x_J, \dots, x_{J+k-1}); \qquad "
    r"\mathbb{E}\, y\, \chi_S(x) = 0 \text{ unless } S \subseteq I,\quad \text{and for the parity, } y = \chi_I(x): "
    r"\quad \mathbb{E}\, y\, \chi_S(x) = [S = I]",
    source=f"{PAPER} ({RECALLED}); what it says of the coefficients is elementary",
    hypotheses=(WINDOW, r"g: \{\pm1\}^k \to \{\pm1\},\ \chi_S(x) = \textstyle\prod_{i \in S} x_i"),
)
claim(
    "kpattern-gradient-fc",
    kind="theorem",
    title="The first gradient of a fully-connected net on a k-pattern",
    statement=r"\mathbb{E} \|\nabla_W L\|_F^2 \le q\, G(n, k) \ \Bigl(\le \frac{q n}"
    r"{\min\{\binom{n-1}{k}, \binom{n-1}{k-1}\}} \text{ for } k < n\Bigr), \quad G(n, k) \text{ of kpattern-gradient}",
    source=f"ours, after the bound on the gradient in {PAPER} ({RECALLED})",
    differs="The bound recalled from the paper is q n/min{C(n-1, k), C(n-1, k-1)}; ours is never larger. That the loss "
    "has derivative -y in the output at the start and that read-out weights are at most 1 in absolute value is assumed "
    "here. Biases and read-out weights may have any law.",
    hypotheses=(
        r"y = \chi_I(x),\ x \text{ uniform on } \{\pm1\}^n,\ |I| = k,\ 1 \le k \le n",
        r"f(x) = \textstyle\sum_{r \le q} u_r\, \sigma(w_r \cdot x + b_r),\ |u_r| \le 1,\ \sigma \text{ is "
        r"differentiable or ReLU},\ |\sigma'| \le 1,\ " + LAW + r", \text{ given } (b, u)",
        r"L = \mathbb{E}\, \ell(f(x), y) \text{ with } \ell(f, y) = -y f, \text{ or the hinge loss } "
        r"\max(0, 1 - y f) \text{ where } |f(x)| < 1 \text{ for every } x",
    ),
    uses=("kpattern",),
)
claim(
    "kpattern-conv",
    kind="cited",
    title="Gradient descent on a conv net learns k-patterns (Malach, Shalev-Shwartz)",
    statement=r"\frac1T \sum_{t \le T} L_t \le \frac{2 c\, n^2 k^2 2^k}{q} + \frac{2 (2^k k)^2}{\sqrt{q n}} + "
    r"\frac{c^2 n^{3/2} \sqrt q}{T} \quad \text{with probability at least } 1 - \delta",
    source=f"{PAPER}, the theorem on convolutional networks ({RECALLED})",
    hypotheses=(
        r"\text{hinge loss, the net is } \textstyle\sum_p u_p \cdot \sigma(W x_{p..p+k-1} + b) \text{ with } q "
        r"\text{ filters}; c \text{ is a constant}",
        r"W \sim U\{\pm 1/k\}^{q \times k},\ b = 1/k - 1,\ u = 0 \text{ at the start},\ "
        r"q > 2^{k+3} \log(2^k/\delta)",
        r"T \text{ steps of size } \sqrt n / (\sqrt q\, T)",
    ),
    uses=("kpattern",),
)


def parity(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """The parities of the k bits in the window of the middle, J = (n-k)//2 + 1.

    Args:
        x: points with entries +-1, shape (..., n).
        k: length of the pattern, in [1, n].

    Returns:
        Labels +-1, shape (...,).

    Raises:
        ValueError: k out of range.

    Example:
        >>> parity(np.array([[1.0, -1.0, 1.0, 1.0], [-1.0, -1.0, -1.0, 1.0]]), 2).tolist()
        [-1.0, 1.0]
    """
    place = window(x.shape[-1], k)
    found: NDArray[np.float64] = x[..., place].prod(axis=-1)
    return found


def window(n: int, k: int) -> slice:
    """The entries of the window in the middle, counted from 0.

    Raises:
        ValueError: n < 1, or k outside [1, n].

    Example:
        >>> window(8, 3)
        slice(2, 5, None)
    """
    n = integer("n", n, 1)
    k = integer("k", k, 1, n)
    return slice((n - k) // 2, (n - k) // 2 + k)


def sample(
    n: int, k: int, shape: int | tuple[int, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw from the parity of k neighbouring bits: points of shape ``(*shape, n)``, labels +-1 of shape ``shape``.

    Raises:
        ValueError: n < 1, k outside [1, n], a shape that is not one, or rng no numpy Generator.

    Example:
        >>> x, y = sample(8, 3, 5, np.random.default_rng(0))
        >>> x.shape, bool((x[:, 2:5].prod(axis=1) == y).all())
        ((5, 8), True)
    """
    window(n, k)
    size = sizes("shape", shape)
    x = (1 - 2 * generator("rng", rng).integers(2, size=(*size, int(n)))).astype(np.float64)
    return x, parity(x, k)


def fc_gradient_bound(n: int, k: int, rows: int) -> Fraction:
    """The bound of claim kpattern-gradient-fc, for a fully-connected net with so many hidden units.

    Raises:
        ValueError: n or rows < 1, or k outside [1, n].

    Example:
        >>> fc_gradient_bound(16, 4, rows=64)
        Fraction(16, 35)
    """
    return integer("rows", rows, 1) * gradient_bound(n, k)


def printed_gradient_bound(n: int, k: int, rows: int) -> Fraction:
    """The bound of kpattern-gradient-fc in the form that is recalled from the paper; never smaller.

    Raises:
        ValueError: n < 2, rows < 1, or k outside [1, n - 1].

    Example:
        >>> printed_gradient_bound(16, 4, rows=64) / fc_gradient_bound(16, 4, rows=64)
        Fraction(64, 13)
    """
    n = integer("n", n, 2)
    k = integer("k", k, 1, n - 1)
    return Fraction(integer("rows", rows, 1) * n, min(math.comb(n - 1, k), math.comb(n - 1, k - 1)))


@proves(
    "kpattern",
    "a bit outside of the pattern makes a coefficient 0, for every n and k",
    by=Trust.EXACT,
    mutant=Mutant("a bit is +1 twice as often as -1", values=(-1, 1, 1)),
)
def unseen_bits(values: tuple[int, ...] = (-1, 1)) -> Evidence:
    """If S holds a bit outside of I, that bit is independent of the rest and has mean 0; and chi_I chi_I = 1."""
    return all_of(
        decide.rational("the mean of a bit", Fraction(sum(values), len(values)), "==", 0),
        decide.every("the square of a bit", values, lambda x: x * x == 1),
        summary="E y chi_S is 0 if S has a bit outside of I; E chi_I chi_S is 1 for S = I, and 0 for a smaller S",
    )


@proves(
    "kpattern",
    "coefficients of all patterns, k <= 3, n <= 6, and of parities, k <= n <= 8",
    by=Trust.EXACT,
    mutant=Mutant("the window is read one place further", off=1),
    uses=("kpattern-parseval",),
)
def coefficients(off: int = 0) -> Evidence:
    """Every g: {-1, 1}^k -> {-1, 1} at every place J."""
    patterns = [
        (n, k, place, g)
        for n in range(2, 7)
        for k in range(1, min(3, n) + 1)
        for place in range(n - k + 1)
        for g in itertools.product((-1, 1), repeat=2**k)
    ]
    return all_of(
        decide.every(
            "coefficients lie inside the window",
            patterns,
            lambda c: _support(*c) <= set(range(c[2] + off, c[2] + off + c[1])),
        ),
        decide.every(
            "the parity has one coefficient, 1 at I",
            [(n, k, place) for n in range(2, 9) for k in range(1, n + 1) for place in range(n - k + 1)],
            lambda c: _parity_is_a_character(*c, off),
        ),
        summary="labels of a k-pattern have their Fourier coefficients inside I, and the parity only at I",
    )


@proves(
    "kpattern-gradient-fc",
    "the loss has derivative -y in the output",
    by=Trust.EXACT,
    mutant=Mutant("outputs reach 2", largest=2),
)
def slope_of_the_loss(largest: int = 1) -> Evidence:
    """For y = +-1 and |f| < 1 the hinge loss is 1 - y f, near f too; f = largest - t, or its negative, t > 0."""
    return all_of(
        decide.same_polynomial("(1 - y*(f + h)) - (1 - y*f)", "-y*h"),
        decide.same_polynomial(f"1 - ({largest} - t)", "t"),
        decide.same_polynomial(f"1 + (-{largest} + t)", "t"),
        summary="l(f + h, y) - l(f, y) = -y h for small h",
    )


@proves(
    "kpattern-gradient-fc",
    "the chain rule, then the lemma row by row",
    by=Trust.EXACT,
    mutant=Mutant("read-out weights reach 2", readout=2),
    uses=("kpattern-gradient",),
)
def row_by_row(readout: int = 1) -> Evidence:
    """The derivative of -y f in w_rj is -u_r y x_j s_r, s_r = sigma'(w_r.x + b_r), of mean -u_r c_rj as in the lemma.

    Given (b, u) each s_r is a function of W x with |s_r| <= 1; its bound G does not depend on them. In u = 1 - a it is
    0 <= a <= 2, so u^2 <= 1; and with h the mean of what the rows stay below G, h >= 0.
    """
    return all_of(
        decide.same_polynomial("(-u*c)**2", "u**2*c**2"),
        decide.same_polynomial("1 - (1 - a)**2", "a*(2 - a)"),
        decide.rational("the largest square of a read-out weight", readout**2, "<=", 1),
        decide.same_polynomial("q*G - q*(G - h)", "q*h"),
        decide.every(
            "q G(n, k) <= q n/min{C(n-1, k), C(n-1, k-1)}, k < n <= 60",
            [(n, k) for n in range(2, 61) for k in range(1, n)],
            lambda c: fc_gradient_bound(*c, 7) <= printed_gradient_bound(*c, 7),
        ),
        summary="the squared norm is sum_r u_r^2 sum_j c_rj^2, in the mean at most q G(n, k)",
    )


def _labels(n: int, k: int, place: int, g: tuple[int, ...]) -> NDArray[np.int64]:
    x = cube(n)[:, place : place + k]
    found: NDArray[np.int64] = np.array(g)[((x < 0) * 2 ** np.arange(k)).sum(axis=1)]
    return found


def _support(n: int, k: int, place: int, g: tuple[int, ...]) -> set[int]:
    found = np.flatnonzero(walsh(_labels(n, k, place, g)))
    return {i for s in found.tolist() for i in range(n) if s >> i & 1}


def _parity_is_a_character(n: int, k: int, place: int, off: int) -> bool:
    found = walsh(cube(n)[:, place : place + k].prod(axis=1))
    at = mask(range(place + off, place + off + k))
    return bool(at < 2**n and int(found[at]) == 2**n == int(np.abs(found).sum()))
