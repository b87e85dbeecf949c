r"""The algorithms of Table 1 and the groups they keep, proved for networks of any depth, width and activation.

Notation: weights W, data D with points as columns, so that the group acts by ``D -> g D`` and
``W -> W g^-1``. ``theta`` stands for all other parameters and ``y`` for the labels; the loss is an
arbitrary function of ``(W D, theta, y)``. Matrix rules are proved as words, element-wise rules entry by
entry: entry (i, j) of ``A g'`` for a signed permutation g is ``s_j`` times an entry of A with ``s_j^2 = 1``,
and the rule is one scalar function at every entry.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory import decide, table1  # noqa: F401  (table1 declares the claim)
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import SIGNED_PERMUTATION, inverse
from theory.rewriting import Rule, rule
from theory.terms import Term, apply, apply_scalar, matrix, one, scalar, transpose

G, G_INV = matrix("g"), matrix("g^-1")
INVERSE = (rule("g^-1 g = 1", G_INV * G, one()), rule("g g^-1 = 1", G * G_INV, one()))
ORTHOGONAL_RULES = (
    rule("g' g = 1", transpose(G) * G, one()),
    rule("g g' = 1", G * transpose(G), one()),
)
SIGN = scalar("s")
SIGN_RULES = (rule("s^2 = 1", SIGN * SIGN, one()),)
USES = ("alg-1", "thm-c.1")


def loss_gradients(weights: Term, data: Term, theta: Term, labels: Term) -> tuple[Term, Term]:
    """The gradients in W (claim alg-1) and in theta of an arbitrary loss of (W D, theta, y)."""
    seen = (weights * data, theta, labels)
    return apply("delta", *seen) * transpose(data), apply("psi", *seen)


class Descent(NamedTuple):
    """The state of gradient descent: weights and other parameters, each with its momentum buffer."""

    weights: Term
    buffer: Term
    theta: Term
    theta_buffer: Term


def descent_step(state: Descent, data: Term) -> Descent:
    """One step on the mini-batch that S selects."""
    batch = matrix("S")
    return descend(state, loss_gradients(state.weights, data * batch, state.theta, matrix("y") * batch))


def descend(state: Descent, gradients: tuple[Term, Term]) -> Descent:
    """One step; plain momentum is (alpha, beta) = (0, 1), Nesterov is (1, mu), no momentum is mu = 0.

    lambda is coupled and kappa decoupled weight decay, tau dampening.
    All scalars may change from step to step, as in a schedule.
    """
    alpha, beta, eta, kappa, lam, mu, tau = map(scalar, ("alpha", "beta", "eta", "kappa", "lambda", "mu", "tau"))

    def moved(parameter: Term, buffer: Term, gradient: Term) -> tuple[Term, Term]:
        decayed = gradient + lam * parameter
        new = mu * buffer + (one() - tau) * decayed
        return parameter - eta * kappa * parameter - eta * (alpha * decayed + beta * new), new

    w, b = moved(state.weights, state.buffer, gradients[0])
    theta, theta_buffer = moved(state.theta, state.theta_buffer, gradients[1])
    return Descent(w, b, theta, theta_buffer)


@proves(
    "table-1",
    "sgd keeps orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal, and W moves by g^-1", rules=INVERSE, moves_by="g^-1"),
    uses=USES,
)
def sgd(rules: Sequence[Rule] = ORTHOGONAL_RULES, moves_by: str = "g'") -> Evidence:
    """One step from (W g^-1, B g^-1, theta, C) on gD gives the step on D, moved the same way."""
    start = Descent(*map(matrix, ("W", "B", "theta", "C")))
    back, data = matrix(moves_by), matrix("D")
    here = descent_step(start, data)
    there = descent_step(start._replace(weights=start.weights * back, buffer=start.buffer * back), G * data)
    wanted = here._replace(weights=here.weights * back, buffer=here.buffer * back)
    return all_of(
        *(decide.equal_terms(a, b, rules) for a, b in zip(there, wanted, strict=True)),
        summary="weights and buffer pick up g^-1 on the right; theta and its buffer do not change",
    )


class Entry(NamedTuple):
    """One entry of an element-wise optimizer: weight, gradient, first and second moment."""

    weight: Term
    gradient: Term
    first: Term
    second: Term


ENTRY = Entry(*map(scalar, ("w", "gamma", "m", "v")))
ETA, DECAY, DECOUPLED = scalar("eta"), scalar("lambda"), scalar("kappa")


def adam_entry(e: Entry, power: int = 2) -> Entry:
    """Adam with coupled or decoupled weight decay at one entry.

    The bias corrections c1, c2 depend on the step alone.
    """
    b1, b2, c1, c2 = map(scalar, ("b1", "b2", "1/c1", "1/c2"))
    gradient = e.gradient + DECAY * e.weight
    first = b1 * e.first + (one() - b1) * gradient
    squared = gradient * gradient if power == 2 else gradient
    second = b2 * e.second + (one() - b2) * squared
    scale = apply_scalar("1/(sqrt+eps)", c2 * second)
    weight = e.weight - ETA * DECOUPLED * e.weight - ETA * c1 * first * scale
    return Entry(weight, e.gradient, first, second)


def adagrad_entry(e: Entry, power: int = 2) -> Entry:
    """AdaGrad at one entry; it has no first moment."""
    gradient = e.gradient + DECAY * e.weight
    second = e.second + (gradient * gradient if power == 2 else gradient)
    weight = e.weight - ETA * gradient * apply_scalar("1/(sqrt+eps)", second)
    return Entry(weight, e.gradient, e.first, second)


def elementwise(step: Callable[[Entry, int], Entry], power: int) -> Evidence:
    """An element-wise rule keeps signed permutations if it is odd: weight, gradient, first moment flip together."""
    w, d, theta, y = map(matrix, ("W", "D", "theta", "y"))
    here = loss_gradients(w, d, theta, y)
    there = loss_gradients(w * transpose(G), G * d, theta, y)
    after = step(ENTRY, power)
    flipped = step(Entry(SIGN * ENTRY.weight, SIGN * ENTRY.gradient, SIGN * ENTRY.first, ENTRY.second), power)
    return all_of(
        decide.every(
            "entry (i, j) of A g' is s_j A[i, pi(j)] for every signed permutation, d <= 4",
            [(d, k) for d in range(1, 5) for k in range(2**d * math.factorial(d))],
            lambda c: _moves_entries(*c),
        ),
        decide.equal_terms(there[0], here[0] * transpose(G), ORTHOGONAL_RULES),
        decide.equal_terms(there[1], here[1], ORTHOGONAL_RULES),
        decide.equal_terms(flipped.weight, SIGN * after.weight, SIGN_RULES),
        decide.equal_terms(flipped.first, SIGN * after.first, SIGN_RULES),
        decide.equal_terms(flipped.second, after.second, SIGN_RULES),
        summary="the gradient becomes G g'; at each entry w, m are odd and v is even in the sign",
    )


def _moves_entries(d: int, k: int) -> bool:
    g = _signed_permutations(d)[k]
    row = np.arange(2, d + 2)  # distinct and not zero, so that each entry of g can be read off
    moved = row @ g.T
    where = [int(np.flatnonzero(g[j])[0]) for j in range(d)]
    signs = [g[j].sum() for j in range(d)]
    return all(moved[j] == signs[j] * row[where[j]] and signs[j] ** 2 == 1 for j in range(d))


@functools.cache
def _signed_permutations(d: int) -> list[NDArray[Any]]:
    return list(SIGNED_PERMUTATION.elements(d))


@proves(
    "table-1",
    "adam keeps signed_permutation",
    by=Trust.EXACT,
    mutant=Mutant("the second moment averages gradients, not their squares", power=1),
    uses=USES,
)
def adam(power: int = 2) -> Evidence:
    """See `elementwise`."""
    return elementwise(adam_entry, power)


@proves(
    "table-1",
    "adagrad keeps signed_permutation",
    by=Trust.EXACT,
    mutant=Mutant("the accumulator sums gradients, not their squares", power=1),
    uses=USES,
)
def adagrad(power: int = 2) -> Evidence:
    """See `elementwise`."""
    return elementwise(adagrad_entry, power)


@proves(
    "table-1",
    "newton keeps general_linear",
    by=Trust.EXACT,
    mutant=Mutant("the Hessian is replaced by one that ignores the change of variables", transformed=False),
    uses=USES,
)
def newton(transformed: bool = True) -> Evidence:
    """In all parameters p at once: A p = (W g^-1, theta), and the loss on gD at A p is the loss on D at p.

    Differentiating once and twice, grad = A' grad_g and H = A' H_g A. With N = A^-1:
    grad_g = N' grad and H_g = N' H N, whose inverse is A H^-1 A'.
    """
    a, n, h, h_inv = map(matrix, ("A", "A^-1", "H", "H^-1"))
    p, gradient, eta = matrix("p"), matrix("grad"), scalar("eta")
    rules = [
        rule("A^-1 A = 1", n * a, one()),
        rule("A A^-1 = 1", a * n, one()),
        rule("A' A^-1' = 1", transpose(a) * transpose(n), one()),
        rule("A^-1' A' = 1", transpose(n) * transpose(a), one()),
        rule("H H^-1 = 1", h * h_inv, one()),
        rule("H^-1 H = 1", h_inv * h, one()),
    ]
    hessian_g = transpose(n) * h * n if transformed else h
    inverse_g, gradient_g = a * h_inv * transpose(a), transpose(n) * gradient
    w, d, theta, y = map(matrix, ("W", "D", "theta", "y"))
    return all_of(
        decide.equal_terms(apply("loss", w * G_INV * (G * d), theta, y), apply("loss", w * d, theta, y), INVERSE),
        decide.equal_terms(transpose(a) * gradient_g, gradient, rules),
        decide.equal_terms(transpose(a) * hessian_g * a, h, rules),
        decide.equal_terms(hessian_g * inverse_g, one(), rules),
        decide.equal_terms(a * p - eta * inverse_g * gradient_g, a * (p - eta * h_inv * gradient), rules),
        summary="N_g(A p) = A p - eta A H^-1 A' A^-1' grad = A N(p)",
    )


@proves(
    "table-1",
    "the Hessian moves as Newton's step needs",
    by=Trust.EXACT,
    mutant=Mutant("one factor of the change of variables is forgotten", forget=True),
)
def newton_derivatives(forget: bool = False) -> Evidence:
    """Shown: grad L = A' grad L_g and H = A' H_g A at A p, differentiated entry by entry on polynomial nets.

    L_g(W, a) is the square loss on gD of the net a (z + z^2), z = W x; A maps W to W g^-1 and leaves a alone.
    """
    matrices = [((2,),), ((1, 2), (3, 5)), ((0, 1), (-1, 4)), ((1, 0, 2), (0, 1, 0), (1, 1, 1))]
    return decide.every(
        "gradient and Hessian as polynomials, for one sample and g =",
        matrices,
        lambda g: _derivatives_move(np.array([[Fraction(x) for x in row] for row in g], object), forget),
    )


def _derivatives_move(g: NDArray[Any], forget: bool) -> bool:
    from sympy import QQ
    from sympy.polys.rings import ring

    d = len(g)
    r, *variables = ring([*(f"w{j}" for j in range(d)), "a", *(f"x{j}" for j in range(d)), "y"], QQ)
    weights, a, x, y = variables[:d], variables[d], variables[d + 1 : -1], variables[-1]
    exact = [[QQ(v.numerator, v.denominator) for v in row] for row in g]
    back = [[QQ(v.numerator, v.denominator) for v in row] for row in inverse(g)]

    def loss(points: list[Any]) -> Any:
        z = sum((w * p for w, p in zip(weights, points, strict=True)), r(0))
        return (a * (z + z**2) - y) ** 2

    moved_points = [sum((exact[i][j] * x[j] for j in range(d)), r(0)) for i in range(d)]
    moved_weights = [sum((weights[i] * back[i][j] for i in range(d)), r(0)) for j in range(d)]
    substitute = list(zip(weights, moved_weights, strict=True))
    here, there = loss(x), loss(moved_points)
    parameters = [*weights, a]
    a_matrix = [[back[i][j] for i in range(d)] + [QQ(0)] for j in range(d)] + [[QQ(0)] * d + [QQ(1)]]
    size = range(d + 1)
    first = [there.diff(p).compose(substitute) for p in parameters]
    second = [[there.diff(p).diff(q).compose(substitute) for q in parameters] for p in parameters]
    gradient = all(here.diff(parameters[i]) == sum((a_matrix[k][i] * first[k] for k in size), r(0)) for i in size)

    def hessian(i: int, j: int) -> Any:
        return sum(
            (a_matrix[k][i] * second[k][m] * (1 if forget else a_matrix[m][j]) for k in size for m in size), r(0)
        )

    return gradient and all(here.diff(parameters[i]).diff(parameters[j]) == hessian(i, j) for i in size for j in size)


@proves(
    "table-1",
    "kernel keeps orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal", rules=INVERSE),
    uses=("def-3.2",),
)
def kernel(rules: Sequence[Rule] = ORTHOGONAL_RULES) -> Evidence:
    """sign(K(x, X) K(X, X)^+ y): the kernel sees inner products only (norms included)."""

    def prediction(x: Term, data: Term) -> Term:
        gram = apply("K", transpose(data) * data)
        row = apply("k", transpose(x) * x, transpose(x) * data, transpose(data) * data)
        return row * apply("pseudo-inverse", gram) * matrix("y")

    x, data = matrix("x"), matrix("D")
    return decide.equal_terms(prediction(G * x, G * data), prediction(x, data), rules)
