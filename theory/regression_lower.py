r"""Theorem 5.4: why no equivariant learner does with fewer samples (claim thm-5.4-corrected)."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from theory import decide
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import inverse
from theory.regression import dimension
from theory.rewriting import rule
from theory.terms import matrix, one, trace, transpose, zero

__all__: list[str] = []


PAIRINGS = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))


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


@proves(
    "thm-5.4-corrected",
    "with confidence 1 - delta: a reflection of what was not seen",
    by=Trust.EXACT,
    mutant=Mutant("both of a form and its reflection are claimed to fail", fails=1),
)
def reflected(fails: int = 2) -> Evidence:
    """Draw B as in the mean, P as there, B' = (1 - 2P) B: the same law, the same data, so the same output o of A.

    If both succeed, 2 |P B|^2 <= |B - o|^2 + |B' - o|^2 <= 2 eps |B|^2, as |B'| = |B|. So where R = |P B|^2/|B|^2 > eps
    one of the two fails, and A fails with probability at least P[R > eps]/2 =: q/2 on average over B (B = 0 never
    occurs). R <= 1, and E R = tr P/D >= 1 - n/D, as no direction is preferred; so 1 - n/D <= eps (1 - q) + q. A
    success rate of 1 - delta on every form (one orbit, one law of the loss) needs delta >= q/2.
    In the averaged reading the loss is at least that of the mean output, which takes the place of o.
    """
    left, m = matrix("P"), matrix("m")
    projector = [rule("P P = P", left * left, left), rule("P' = P", transpose(left), left)]
    mirror = one() - 2 * left
    vectors = [b for d in range(1, 5) for b in itertools.product((-1, 0, 2), repeat=d) if any(b)]

    def share(b: tuple[int, ...], kept: int) -> Fraction:
        """The mean of R over the rotations of the coordinates, where P keeps the first ones."""
        turns = [b[k:] + b[:k] for k in range(len(b))]
        return sum((Fraction(sum(x * x for x in t[:kept]), sum(x * x for x in t)) for t in turns), Fraction(0)) / len(b)

    return all_of(
        decide.equal_terms(m * mirror, m, [rule("m P = 0", m * left, zero())]),
        decide.equal_terms(transpose(mirror) * mirror, one(), projector),
        decide.same_polynomial("(s + p)**2 + (s - p)**2 - 2*p**2", "2*s**2"),
        decide.every(
            "E R = tr P/D, coordinates turned round, D <= 4",
            [(b, kept) for b in vectors for kept in range(len(b) + 1)],
            lambda c: share(*c) == Fraction(c[1], len(c[0])),
        ),
        decide.same_polynomial("D*(e*(1 - q) + q) - (D - n)", "q*(1 - e)*D - (D - n - e*D)"),
        decide.same_polynomial(f"{fails}*x*(1 - e)*D - (D - n - e*D)", "n - (1 - e)*(1 - 2*x)*D"),
        summary="2 delta (1-eps) D >= D - n - eps D, that is n >= (1-eps)(1-2 delta) D",
    )
