r"""Residual nets whose weights are functions of depth: dh/dt = R(theta(t), h), theta(t) = sum_a phi_a(t) theta^a.

The number of steps is one thing, the number of basis functions another. Trained weights are a function of t, which can
be refined (written in a larger space) and compressed (projected onto a smaller one) without retraining. With piecewise
constants and as many steps as cells this is a residual net, layer by layer.

What is claimed: projection undoes refinement, averages pairs, and needs integrals that respect jumps
(`theory.odenet_projection`, `theory.odenet_quadrature`); compressed nets drift no further than Gronwall's inequality
allows (`theory.odenet_gronwall`); variances of batch norm are projected in the logarithm, since least squares can turn
them negative (`theory.odenet_variance`); and here, that a fully-connected ODE net is orthogonally equivariant, trained
and compressed, because projection mixes basis functions while the group mixes coordinates. The bases and their exact
matrices are in `theory.odenet_spaces`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import ORTHOGONAL
from theory.odenet_spaces import BASES, Space, midpoints, projection, values
from theory.rewriting import Rule, rule
from theory.table1_kept import ENTRY, INVERSE, ORTHOGONAL_RULES, SIGN, SIGN_RULES, Descent, adam_entry, descend
from theory.terms import Term, apply, matrix, one, scalar, transpose, zero

__all__: list[str] = []

PAPER = "Queiruga, Erichson, Hodgkinson, Mahoney 2021 (arXiv 2106.10820)"
FLOAT_STEPS = (6, 7, 10, 13, 14, 15, 19, 22, 23, 24, 26, 27, 28, 29, 30, 31)

claim(
    "odenet",
    kind="algorithm",
    title="ODE net with weights in a basis",
    statement=r"\frac{dh}{dt} = R(\theta(t), h),\ \theta(t) = \sum_{a<K} \phi_a(t)\, \theta^a,\ 0 \le t \le 1; \quad "
    r"N \text{ Euler steps}: h_{k+1} = h_k + \tfrac1N R(\theta(s_k), h_k),\ s_k = \tfrac{2k+1}{2N},\ 0 \le k < N. "
    r"\quad \text{With piecewise constants on } K = N \text{ equal cells this is the residual net } "
    r"h_{k+1} = h_k + \tfrac1N R(\theta^k, h_k), \text{ for every } N",
    source=PAPER + "; that weights are read in the middle of each step is our choice",
    hypotheses=(r"\phi_a: \text{ piecewise constant, hat, discontinuous linear or polynomial functions on } [0,1]",),
)
claim(
    "odenet-steps",
    kind="example",
    title="Count steps by integers",
    statement=r"\text{In IEEE double arithmetic, } t \gets t + \mathrm{fl}(1/N) \text{ from } 0 \text{ while } t < 1 "
    r"\text{ makes } N + 1 \text{ steps for } N = " + ", ".join(map(str, FLOAT_STEPS)) + r" \text{ and } N "
    r"\text{ steps for the other } N \le 32",
    source="ours",
)
claim(
    "odenet-cifar10",
    kind="cited",
    title="Compression without retraining on CIFAR-10",
    statement=r"\text{A net with } 1.63 \text{ million parameters and } 93.69\,\% \text{ test accuracy, compressed by "
    r"projection to } 0.85 \text{ million without retraining, reaches } 92.7\,\% \text{ and } 92.0\,\%",
    source=PAPER + ", the README of the official code",
)
claim(
    "odenet-equivariant",
    kind="theorem",
    title="Trained and compressed, an ODE net stays orthogonally equivariant",
    statement=r"\text{For } \tau(g): (W^a, V^a, C) \mapsto (W^a g^{-1}, g V^a, C g^{-1}), \text{ the rest fixed}: "
    r"\text{(i) } P\,\tau(g) = \tau(g)\,P \text{ for every linear map } P \text{ of the index } a \text{ and every } "
    r"g \in GL(d). \text{ (ii) } M[\tau(g) w](g x) = M[w](x) \text{, batch statistics included. (iii) SGD with "
    r"momentum and } \ell_2 \text{ penalty from i.i.d. Gaussian } W^a, V^a, C, \text{ followed by compression, is } "
    r"O(d)\text{-equivariant; Adam is equivariant under signed permutations}",
    source="ours",
    hypotheses=(
        r"h_0 = x \in \mathbb{R}^d,\ R(\theta, H) = V s(W H),\ \text{output } C (h_N - h_0) + b; \text{ the columns of "
        r"} H \text{ are the batch}",
        r"s \text{ acts on the whole batch, with a derivative: batch norm with its parameters and an activation; its "
        r"state is a function of } W H",
        r"\text{other parameters start independently, with a law of their own; all are coefficients in one basis}",
    ),
    uses=("odenet", "table-1", "thm-c.1"),
)

H, P_, TAU, STEP = matrix("H"), matrix("p"), scalar("phi"), scalar("1/N")
G, BACK = matrix("g"), matrix("g^-1")


@proves(
    "odenet",
    "the middle of step k lies in cell k and in no other, for every N",
    by=Trust.EXACT,
    mutant=Mutant("weights are read at the end of the step", place=Fraction(1)),
)
def own_cell(place: Fraction = Fraction(1, 2)) -> Evidence:
    """In units of 1/N cell a is [a, a + 1) and step k reads at k + p, 0 <= p < 1: inside iff 0 <= k - a + p < 1.

    k - a = 0 is inside; k - a = 1 + j, j >= 0, is beyond by j + p >= 0; k - a = -1 - j falls short by j + 1 - p > 0.
    """
    return all_of(
        decide.rational("p", place, ">=", 0),
        decide.rational("p", place, "<", 1),
        decide.same_polynomial("(1 + j) + p - 1", "j + p"),
        decide.same_polynomial("0 - ((-1 - j) + p)", "j + 1 - p"),
        summary="phi_k = 1 and all other phi_a = 0 at s_k",
    )


@proves(
    "odenet",
    "a step on its cell is a residual block",
    by=Trust.EXACT,
    mutant=Mutant("the other functions do not vanish", others=()),
)
def residual_block(others: Sequence[Term] = (zero(),)) -> Evidence:
    """theta(s_k) = phi_k theta^k + phi rest with phi_k = 1 and phi = 0 is theta^k; R is opaque."""
    mine, other, theta = scalar("phi_k"), scalar("phi_a"), matrix("theta^k")
    weights = mine * theta + other * matrix("rest")
    rules = [rule("phi_k(s_k) = 1", mine, one()), *(rule("phi_a(s_k) = 0", other, value) for value in others)]
    return decide.equal_terms(H + STEP * apply("R", weights, H), H + STEP * apply("R", theta, H), rules)


@proves(
    "odenet",
    "the exact values of the basis at the steps, 2 <= N <= 24",
    by=Trust.EXACT,
    mutant=Mutant("hats take the place of piecewise constants", basis="hats"),
)
def basis_values(basis: str = "constant") -> Evidence:
    """The matrix phi_a(s_k) is the identity."""
    return decide.every(
        "phi_a(s_k) is 1 for a = k, else 0",
        range(2, 25),
        lambda n: all(
            x == (a == k) for k, row in enumerate(values(Space(basis, n), midpoints(n))) for a, x in enumerate(row)
        ),
    )


@proves(
    "odenet-steps",
    "all N <= 32, run in double arithmetic",
    by=Trust.EXACT,
    mutant=Mutant("the increments are exact rational numbers", exact=True),
)
def float_steps(exact: bool = False) -> Evidence:
    """A float is an exact number and a sum of floats is rounded in one way, so the loop is a finite computation."""

    def counted(n: int) -> int:
        increment = Fraction(1, n) if exact else 1 / n
        t, count = 0 * increment, 0
        while t < 1:
            t, count = t + increment, count + 1
        return count

    return decide.every(
        "one step too many, or the right number",
        range(1, 33),
        lambda n: counted(n) == n + (n in FLOAT_STEPS),
    )


@proves(
    "odenet-equivariant",
    "projection and group act on different indices",
    by=Trust.EXACT,
    mutant=Mutant("an opaque function of the weights is projected", before="log"),
)
def commutes(before: str = "") -> Evidence:
    """(p W + S) g^-1 = p (W g^-1) + S g^-1, p an entry of P, S the sum so far: induction over the index, any sizes."""
    p, w, rest = scalar("p"), matrix("W^a"), matrix("S")

    def seen(term: Term) -> Term:
        return apply(before, term) if before else term

    return all_of(
        decide.equal_terms((p * seen(w) + rest) * BACK, p * seen(w * BACK) + rest * BACK),
        decide.equal_terms(G * (p * seen(w) + rest), p * seen(G * w) + G * rest),
        summary="P acts on a, g on rows or columns",
    )


@proves(
    "odenet-equivariant",
    "the four bases on rational weights under rational rotations",
    by=Trust.EXACT,
    mutant=Mutant("entries are squared before they are projected", power=2),
)
def commutes_exactly(power: int = 1) -> Evidence:
    """P (W g') = (P W) g' in exact numbers, from 8 piecewise constants to 4 functions, d = 3, 2 rows."""
    rng = random.Random(0)
    rotations = [ORTHOGONAL.exact_element(3, rng) for _ in range(3)]
    weights = np.array([[[Fraction(rng.randrange(-9, 10)) for _ in range(3)] for _ in range(2)] for _ in range(8)])

    def same(case: tuple[str, int]) -> bool:
        p = np.array(projection(Space("constant", 8), Space(case[0], 4)))
        g = rotations[case[1]]
        one_way = np.tensordot(p, (weights @ g.T) ** power, axes=1)
        return bool((one_way == np.tensordot(p, weights**power, axes=1) @ g.T).all())

    cases = list(itertools.product(BASES, range(len(rotations))))
    return decide.every("P (W g') = (P W) g'", cases, same)


@proves(
    "odenet-equivariant",
    "one Euler step moves along, for every width and batch",
    by=Trust.EXACT,
    mutant=Mutant("the outer weights are not moved", outer=one()),
)
def forward(outer: Term = G) -> Evidence:
    """(g V) s[(W g^-1) g H] = g V s[W H], so g H_k becomes g H_(k+1) (induction from H_0 = g X).

    The output C g^-1 (g H_N - g X) = C (H_N - X) stays. Batch norm sees W H alone, so that its statistics, and whatever
    is computed of them, do not change.
    """
    w, v, c, x = (matrix(name) for name in ("W", "V", "C", "X"))

    def step(w: Term, v: Term, h: Term) -> Term:
        return h + STEP * v * apply("s", w * h)

    return all_of(
        decide.equal_terms(step(w * BACK, outer * v, G * H), G * step(w, v, H), INVERSE),
        decide.equal_terms(c * BACK * (G * H - G * x), c * (H - x), INVERSE),
        decide.equal_terms(apply("state", w * BACK * G * H), apply("state", w * H), INVERSE),
        summary="states move by g, outputs and batch statistics stay",
    )


@proves(
    "odenet-equivariant",
    "gradients move as their weights do",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal", rules=INVERSE),
)
def backward(rules: Sequence[Rule] = ORTHOGONAL_RULES) -> Evidence:
    """Back through one step: p becomes p + W' q/N, q = J[W H, V' p] the transposed derivative of s; p_N = C' e.

    Gradients at the step: p s[W H]'/N in V, q H'/N in W, those of parameters in s are functions of (W H, V' p); that in
    C is e (H_N - X)'. A coefficient's gradient is their sum over steps with weights phi_a(s_k), so it moves alike.
    """
    w, v, c, e, x = (matrix(name) for name in ("W", "V", "C", "e", "X"))
    back = transpose(G)

    def gradients(w: Term, v: Term, h: Term, p: Term) -> tuple[Term, Term, Term, Term]:
        q = apply("J", w * h, transpose(v) * p)
        inner, outer = STEP * q * transpose(h), STEP * p * transpose(apply("s", w * h))
        return p + STEP * transpose(w) * q, inner, outer, apply("own", w * h, transpose(v) * p)

    there = gradients(w * back, G * v, G * H, G * P_)
    p, inner, outer, own = gradients(w, v, H, P_)
    wanted = (G * p, TAU * inner * back, TAU * G * outer, own)
    found = (there[0], TAU * there[1], TAU * there[2], there[3])
    return all_of(
        *(decide.equal_terms(a, b, rules) for a, b in zip(found, wanted, strict=True)),
        decide.equal_terms(transpose(c * back) * e, G * transpose(c) * e, rules),
        decide.equal_terms(e * transpose(G * H - G * x), e * transpose(H - x) * back, rules),
        summary="the gradients in W, V and C pick up g' on the right, g on the left, g' on the right",
    )


@proves(
    "odenet-equivariant",
    "SGD with momentum and Adam, and the laws of the first weights",
    by=Trust.EXACT,
    mutant=Mutant("signs are no signs: their squares are not 1", signs=()),
    uses=("table-1", "thm-c.1"),
)
def training(signs: Sequence[Rule] = SIGN_RULES) -> Evidence:
    """Steps of SGD are linear in (weights, buffers, gradients), so all three move alike; thm-c.1 says what follows.

    Rates and the like may differ from one group of weights to another, as every group is moved by itself.

    Entries of tau(g) w for a signed permutation g are entries of w times a sign, and Adam acts entry by entry.
    Centred Gaussian columns of covariance c 1 get c g g' = c 1, those of W^a and C as rows; compression, which commutes
    with tau(g) by (i), comes after training and so keeps what it kept.
    """
    w, v, b, m, x, y, c = (matrix(name) for name in ("W", "V", "B", "m", "x", "y", "c 1"))
    here = descend(Descent(w, b, v, m), (x, y))
    back = transpose(G)
    there = descend(Descent(w * back, b * back, G * v, G * m), (x * back, G * y))
    moved = Descent(here.weights * back, here.buffer * back, G * here.theta, G * here.theta_buffer)
    entry = adam_entry(ENTRY)
    turned = adam_entry(
        ENTRY._replace(weight=SIGN * ENTRY.weight, gradient=SIGN * ENTRY.gradient, first=SIGN * ENTRY.first)
    )
    wanted = entry._replace(weight=SIGN * entry.weight, gradient=SIGN * entry.gradient, first=SIGN * entry.first)
    isotropic = [*ORTHOGONAL_RULES, rule("c 1 commutes", G * c, c * G)]
    return all_of(
        *(decide.equal_terms(a, b) for a, b in zip(there, moved, strict=True)),
        *(decide.equal_terms(a, b, signs) for a, b in zip(turned, wanted, strict=True)),
        decide.equal_terms(G * c * back, c, isotropic),
        summary="SGD keeps O(d), Adam keeps signs and orders, Gaussian first weights keep their law",
    )
