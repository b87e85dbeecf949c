r"""A penalty R that a group leaves unchanged joins the loss, and the algorithms of Table 1 still keep that group.

Shown for every group of orthogonal matrices: the gradient of a penalty with ``R(W g^-1, theta) = R(W, theta)`` turns
as that of the loss does, and the steps use nothing else of a gradient. Newton's method needs second derivatives, of
which nothing is shown here. Where R has no slope, 0 is taken for it: R at W is R at W g^-1, so it has none there
either, and 0 g^-1 = 0. The slope of an l_p norm, entry by entry, is in the step "lp keeps signed_permutation".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import ORTHOGONAL, SIGNED_PERMUTATION, Group
from theory.rewriting import Rule, rule
from theory.table1 import JOINING
from theory.table1_broken import ROTATION
from theory.table1_kept import (
    ENTRY,
    INVERSE,
    ORTHOGONAL_RULES,
    SIGN,
    SIGN_RULES,
    USES,
    Descent,
    Entry,
    G,
    adagrad_entry,
    adam_entry,
    descend,
    loss_gradients,
)
from theory.terms import Term, apply, matrix, scalar, trace, transpose

RHO = scalar("rho")


def penalty_gradients(weights: Term, theta: Term) -> tuple[Term, Term]:
    """The gradients of R in W and in theta."""
    return apply("grad R", weights, theta), apply("psi R", weights, theta)


def gradients(state: Descent, data: Term) -> tuple[Term, Term]:
    """Those of the loss plus rho R, on the mini-batch that S selects."""
    batch = matrix("S")
    loss = loss_gradients(state.weights, data * batch, state.theta, matrix("y") * batch)
    penalty = penalty_gradients(state.weights, state.theta)
    return loss[0] + RHO * penalty[0], loss[1] + RHO * penalty[1]


@proves(
    "table-1",
    JOINING,
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal, and W moves by g^-1", rules=INVERSE, moves_by="g^-1"),
    uses=USES,
)
def joins(rules: Sequence[Rule] = ORTHOGONAL_RULES, moves_by: str = "g'", invariant: bool = True) -> Evidence:
    """For R(W g', theta) = R(W, theta): gradients of loss plus rho R turn with W, and so do the steps made of them.

    In every direction V the two sides of that equation change by tr((grad R(W))' V) and, at W g' in direction V g',
    by tr((grad R(W g'))' V g') = tr((grad R(W g') g)' V), so that grad R(W) = grad R(W g') g.
    """
    start, data, back = Descent(*map(matrix, ("W", "B", "theta", "C"))), matrix("D"), matrix(moves_by)
    moved = start._replace(weights=start.weights * back, buffer=start.buffer * back)
    slope, other = penalty_gradients(start.weights, start.theta)
    slope_moved, other_moved = penalty_gradients(moved.weights, start.theta)
    direction, pulled_back = matrix("V"), slope_moved * transpose(back)
    differentiated = [
        rule("grad R(W) = grad R(W g') g, for R(W g') = R(W)", slope, pulled_back),
        rule("the gradient in theta at W g' is that at W", other_moved, other),
    ]
    known = [*rules, *(differentiated if invariant else [])]
    here, there = gradients(start, data), gradients(moved, G * data)
    after = descend(start, here)
    wanted = after._replace(weights=after.weights * back, buffer=after.buffer * back)
    return all_of(
        decide.equal_terms(
            trace(transpose(slope_moved) * (direction * back)), trace(transpose(pulled_back) * direction)
        ),
        decide.equal_terms(there[0], here[0] * back, known),
        decide.equal_terms(there[1], here[1], known),
        *(decide.equal_terms(a, b, known) for a, b in zip(descend(moved, there), wanted, strict=True)),
        *(evidence for step in (adam_entry, adagrad_entry) for evidence in odd(step)),
        summary="the gradient of loss plus penalty picks up g^-1 on the right, and so does the step",
    )


def odd(step: Callable[[Entry], Entry]) -> list[Evidence]:
    """An entry of an element-wise rule, with the slope r of rho R in its gradient: all flips with the sign."""
    slope = RHO * scalar("r")
    after = step(ENTRY._replace(gradient=ENTRY.gradient + slope))
    flipped = step(Entry(SIGN * ENTRY.weight, SIGN * (ENTRY.gradient + slope), SIGN * ENTRY.first, ENTRY.second))
    return [
        decide.equal_terms(flipped.weight, SIGN * after.weight, SIGN_RULES),
        decide.equal_terms(flipped.first, SIGN * after.first, SIGN_RULES),
        decide.equal_terms(flipped.second, after.second, SIGN_RULES),
    ]


@proves(
    "table-1",
    "the gradient of a penalty turns with the weights",
    by=Trust.EXACT,
    mutant=Mutant("the sum of fourth powers is said to be invariant under rotations", turned=("l_4",)),
)
def slopes(turned: Sequence[str] = ("l_2", "function of W W'")) -> Evidence:
    """Shown entry by entry on polynomials in a 2 x 2 matrix W: R(W g') = R(W) and grad R(W g') = grad R(W) g'."""
    rotations = [ROTATION, ROTATION.T, ROTATION @ ROTATION, np.array([[0, 1], [1, 0]]) @ ROTATION]
    signed = list(SIGNED_PERMUTATION.elements(2))
    return all_of(
        decide.every(
            "g in O(2)",
            [(name, g.tolist()) for name in turned for g in rotations],
            lambda c: slope_turns(c[0], np.array(c[1], object), ORTHOGONAL),
        ),
        decide.every(
            "g in B_2",
            [(name, g.tolist()) for name in ("l_4", "l_6", "l_2") for g in signed],
            lambda c: slope_turns(c[0], np.array(c[1], object), SIGNED_PERMUTATION),
        ),
        summary="value and gradient of polynomial penalties, by differentiation",
    )


def slope_turns(name: str, g: NDArray[Any], group: Group) -> bool:
    """Does g lie in the group, and do R and its gradient move as they should, as polynomials?"""
    from sympy import QQ
    from sympy.polys.rings import ring

    r, *entries = ring("w00,w01,w10,w11", QQ)
    w, exact = np.array(entries, object).reshape(2, 2), [[Fraction(v) for v in row] for row in g.tolist()]
    back = np.array([[QQ(v.numerator, v.denominator) for v in row] for row in exact], object).T
    penalties = {
        "l_2": lambda m: sum(v**2 for v in m.flat),
        "l_4": lambda m: sum(v**4 for v in m.flat),
        "l_6": lambda m: sum(v**6 for v in m.flat),
        "function of W W'": lambda m: (m[0] @ m[0]) ** 2 + 3 * (m[0] @ m[1]) * (m[1] @ m[1]) + m[1] @ m[1],
    }
    penalty, moved = penalties[name](w) + r(0), w @ back
    substitute = list(zip(entries, moved.flat, strict=True))
    gradient = np.array([penalty.diff(v) for v in entries], object).reshape(2, 2)
    turned = [p.compose(substitute) for p in gradient.flat]
    return (
        group.contains(np.array(exact, object))
        and penalty.compose(substitute) == penalty
        and turned == list((gradient @ back).flat)
    )
