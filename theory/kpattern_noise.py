r"""What the small gradient means for a whole training of a fully-connected net by noisy gradient descent.

Labels enter the gradient of the population loss through E chi_I(x) c(x) grad f(x) only, which is small in the mean at
every law of weights that does not know one input from another. A net that is trained on fair coins in the place of
labels has such a law at every step. So, while T steps times the size of that summand stay small beside the noise tau,
the noise hides which of the two one trains on, and the net of the coins errs half the time. The gradient is that of
the whole distribution: what is missing is not samples. The bound speaks of nets and losses whose derivatives stay below
some b, and says something only while T is small beside (tau/b) sqrt(C(n, k)/(q n + p)).

A conv net escapes: the law of its weights does know neighbours.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern_equivariant import errors_from_means
from theory.kpattern_walsh import cube, mask, sizes_of, walsh
from theory.rewriting import rule
from theory.terms import matrix, one, scalar

__all__: list[str] = []

claim(
    "kpattern-noise",
    kind="theorem",
    title="What T steps of noisy gradient descent on a fully-connected net must miss on k-patterns",
    statement=r"\mathbb{E}\, \mathrm{err} \ge \frac12 \Bigl(1 - \tbinom nk^{-1/2}\Bigr) - \frac{T b}{\tau} "
    r"\sqrt{\frac{q\, G(n, k) + p / \binom nk}{2 \pi}},\quad G(n, k) \text{ of kpattern-gradient}",
    source="ours",
    hypotheses=(
        r"x \text{ uniform on } \{\pm1\}^n,\ y = \chi_I(x),\ |I| = k,\ 1 \le k \le n;\ \text{an output of 0 errs half "
        r"the time}",
        r"f_\theta(x) = N_{\theta'}(W x),\ \theta = (W, \theta'),\ W \in \mathbb{R}^{q \times n},\ \theta' \in "
        r"\mathbb{R}^p; \text{ at the start } (W P, \theta') \text{ has the law of } (W, \theta') \text{ for every "
        r"permutation } P",
        r"\theta_{t+1} = \theta_t - \eta_t (\nabla L(\theta_t) + \tau \xi_t),\ t < T,\ \eta_t > 0,\ \tau > 0,\ "
        r"\xi_t \sim N(0, I) \text{ independent};\ L(\theta) = \mathbb{E}\, \ell(f_\theta(x), y)",
        r"N, \ell \text{ are differentiable, and with } c = \tfrac12 (\ell'(f, 1) - \ell'(f, -1)): \ "
        r"|c\, \partial f / \partial (W x)_r|,\ |c\, \partial f / \partial \theta'_i| \le b \text{ at all } x, \theta",
    ),
    uses=("kpattern-gradient",),
)


@proves(
    "kpattern-noise",
    "labels enter through one summand, of mean 0 for fair coins",
    by=Trust.EXACT,
    mutant=Mutant("the coin is not fair", heads=2),
)
def labels_split_off(heads: int = 1) -> Evidence:
    """With l'(f, 1) = u and l'(f, -1) = v it is l'(f, y) = a + y c, a = (u + v)/2, c = (u - v)/2, y = +-1.

    So grad L is E a grad f + E chi_I c grad f; with a coin for y, independent of x, the second summand is 0. The
    entry of W from input j to unit r has df/dw_rj = x_j df/dz_r, z = W x.
    """
    return all_of(
        decide.same_polynomial("1/2*(u + v) + 1/2*(u - v)", "u"),
        decide.same_polynomial("1/2*(u + v) - 1/2*(u - v)", "v"),
        decide.rational("the mean of the coin", Fraction(heads - 1, heads + 1), "==", 0),
        summary="the two gradients differ by E chi_I(x) c(x) grad f(x)",
    )


@proves(
    "kpattern-noise",
    "trained on coins, the law of the weights keeps its symmetry",
    by=Trust.EXACT,
    mutant=Mutant("the gradient need not move along", moves=False),
)
def law_keeps_its_symmetry(moves: bool = True) -> Evidence:
    """The loss on coins sees W P and x like W and P x, and P x has the law of x: so its gradient g(W P) is g(W) P.

    The step from W P with noise xi P is then P after the step from W with noise xi; xi P has the law of xi, as its
    entries are independent and alike; and the gradient in the other weights is the same at W P as at W. That g moves
    along is counted for units z^2 and half the square loss; with a parity for y it does not.
    """
    w, p, back, x, g, moved, xi = (matrix(name) for name in ("W", "P", "P'", "x", "g(W)", "g(WP)", "xi"))
    eta, tau = scalar("eta"), scalar("tau")
    rules = [rule("the gradient moves along", moved, g * p)] if moves else []
    rows = [(1, 2, 4), (-1, 0, 3)]
    return all_of(
        decide.equal_terms(w * p * back * x, w * x, [rule("P is orthogonal", p * back, one())]),
        decide.equal_terms(w * p - eta * (moved + tau * xi * p), (w - eta * (g + tau * xi)) * p, rules),
        decide.every(
            "g(W P) = g(W) P, two units on three bits, all P",
            itertools.permutations(range(3)),
            lambda pi: _gradient_moves(rows, pi, labels=0 if moves else 1),
        ),
        summary="(W_t P, theta'_t) has the law of (W_t, theta'_t) at every t",
    )


@proves(
    "kpattern-noise",
    "what the labels add to the gradient has mean square at most b^2 (q G + p/C)",
    by=Trust.EXACT,
    mutant=Mutant("there is one set more", more=1),
    uses=("kpattern-gradient", "kpattern-parseval"),
)
def labels_add_little(more: int = 0) -> Evidence:
    """Given theta' the q rows are those of the lemma, with s = c df/dz_r / b.

    An entry of theta' has the coefficient at I itself of a function of W x bounded by b; all C = C(n, k) sets of k
    bits share a total of at most b^2 evenly, as in the lemma.
    """
    cases = [
        (n, k, size, cut) for n in range(1, 8) for k in range(1, n + 1) for size in range(n + 1) for cut in (-1, 0, 1)
    ]
    return all_of(
        decide.same_polynomial("q*(b**2*G) + p*(b**2*d)", "b**2*(q*G + p*d)"),
        decide.every(
            "E_w of the squared coefficient at I is at most 1/C(n, k), w uniform on 0-1 rows with m ones, n <= 7",
            cases,
            lambda c: _share(*c) * (math.comb(c[0], c[1]) + more) <= 1,
        ),
        summary="E |E chi_I c grad f|^2 <= b^2 (q G(n, k) + p/C(n, k)) at every step on coins",
    )


@proves(
    "kpattern-noise",
    "one noisy step hides a difference of delta but for delta/(tau sqrt(2 pi))",
    by=Trust.EXACT,
    mutant=Mutant("the laws are cut at one of the means", cut="0"),
)
def one_step(cut: str = "1/2*d") -> Evidence:
    """Along the difference the two laws are N(0, 1) and N(d, 1), d = delta/tau; across it they agree. eta drops out.

    The first has the larger density exactly left of d/2, where z^2 = (z - d)^2. So they differ by the mass of N(0, 1)
    between -d/2 and d/2, where its density is at most that at 0: by at most d/sqrt(2 pi).
    """
    return all_of(
        decide.same_polynomial(f"({cut})**2", f"({cut} - d)**2"),
        decide.same_polynomial("(z - d)**2 - z**2", "2*d*(1/2*d - z)"),
        decide.same_polynomial("(1/2*d - (0 - 1/2*d))*h", "d*h"),
        summary="total variation at most delta/(tau sqrt(2 pi)), h = 1/sqrt(2 pi) the greatest density",
    )


@proves(
    "kpattern-noise",
    "differences of steps add up, in the mean over the run on coins",
    by=Trust.EXACT,
    mutant=Mutant("the difference before the step is not counted", before=0),
)
def steps_add_up(before: int = 1) -> Evidence:
    """As mu K - nu K' = (mu - nu) K' + mu (K - K'), TV(mu K, nu K') <= TV(mu, nu) + E_mu TV(K, K').

    T times, from the same start, with the law of the run on coins as mu; and a = E delta has a^2 <= Q = E delta^2.
    """
    laws = [(Fraction(a, 4), 1 - Fraction(a, 4)) for a in range(5)]
    cases = list(itertools.product(laws, repeat=4))
    kernels = [(mu, nu, (k0, laws[1]), (k1, laws[4])) for mu, nu, k0, k1 in cases]
    return all_of(
        decide.every("two states, laws and kernels in quarters", kernels, lambda c: _adds_up(*c, before)),
        decide.same_polynomial("(x*k + y*m) - (u*h + v*n)", "(x - u)*h + (y - v)*n + x*(k - h) + y*(m - n)"),
        decide.same_polynomial("t*e + e", "(t + 1)*e"),
        decide.same_polynomial("Q - 2*a*a + a**2", "Q - a**2"),
        summary="after T steps the laws differ by at most T sqrt(E delta^2)/(tau sqrt(2 pi))",
    )


@proves(
    "kpattern-noise",
    "the net of the coins errs half the time, but for 1/(2 sqrt C)",
    by=Trust.EXACT,
    mutant=Mutant("predictions reach 2", largest=2),
    uses=("kpattern-parseval",),
)
def coins_teach_nothing(largest: int = 1) -> Evidence:
    """Its prediction h, in [-1, 1], has the same mean of c_I = E h chi_I for all C sets of k bits, by its symmetry.

    The mean a has a^2 <= E c_I^2 <= E h^2/C <= 1/C, as in the lemma. Its expected error is (1 - a)/2. The error lies in
    [0, 1], so that of the net of the labels is less by at most the total variation.
    """
    return all_of(
        decide.rational("the largest square of a prediction", largest**2, "<=", 1),
        decide.same_polynomial("Q - 2*a*a + a**2", "Q - a**2"),
        errors_from_means(),
        summary="E err on coins is at least (1 - 1/sqrt C)/2",
    )


def _gradient_moves(rows: Sequence[Sequence[int]], pi: Sequence[int], labels: int) -> bool:
    """Whether the gradient of E (f - y)^2/2, f = sum_r (w_r.x)^2, moves along; y is `labels` times x_1 x_2."""
    x, w = cube(3), np.array(rows)

    def gradient(weights: NDArray[np.int64]) -> NDArray[np.int64]:
        z = x @ weights.T
        found: NDArray[np.int64] = ((np.square(z).sum(axis=1) - labels * x[:, 0] * x[:, 1])[:, None] * z).T @ x
        return found

    order = list(pi)
    return bool((gradient(w[:, order]) == gradient(w)[:, order]).all())


def _share(n: int, k: int, size: int, cut: int) -> Fraction:
    """The mean squared coefficient at {1, ..., k} of [w.x > cut], w uniform on the 0-1 rows with `size` ones."""
    weights = ((1 - cube(n)) // 2)[sizes_of(n) == size]
    squares = np.square(walsh(2 * (weights @ cube(n).T > cut) - 1)[:, mask(range(k))])
    return Fraction(int(squares.sum()), 4**n * len(weights))


Law = tuple[Fraction, Fraction]


def _adds_up(mu: Law, nu: Law, first: Sequence[Law], second: Sequence[Law], before: int) -> bool:
    def after(law: Law, kernel: Sequence[Law]) -> Law:
        return law[0] * kernel[0][0] + law[1] * kernel[1][0], law[0] * kernel[0][1] + law[1] * kernel[1][1]

    def apart(a: Law, b: Law) -> Fraction:
        return abs(a[0] - b[0])

    step = sum((m * apart(a, b) for m, a, b in zip(mu, first, second, strict=True)), Fraction(0))
    return apart(after(mu, first), after(nu, second)) <= before * apart(mu, nu) + step
