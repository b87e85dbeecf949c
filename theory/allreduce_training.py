r"""What an allreduce means for data-parallel training: which symmetry it keeps, and when it equals one process.

Each of p workers computes the gradient on its own shard of the batch, and all step with the mean. For the first layer
of a net (`theory.equivariance`) a worker's gradient is delta_r X_r', where delta_r may depend on W X_r, on the other
parameters and on labels in any way, batch norm over the shard included; points are columns. A rotation of the data
moves every worker's gradient alike, and the mean is linear, so data-parallel training has the symmetry of training on
one node. Whether it *equals* that training is another matter: the shards must be equal, and no layer may look at a
whole shard at once.

How far rounding takes two runs apart is bounded for a linear net with square loss, from what one run computed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.allreduce_sums import gamma, rounded
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import Rule
from theory.table1_kept import INVERSE, ORTHOGONAL_RULES, Descent, G, descend, loss_gradients
from theory.terms import Term, matrix, one, scalar, transpose

__all__ = ["Batch", "descent_bound"]

claim(
    "allreduce-shards",
    kind="lemma",
    title="The mean of the workers' means",
    statement=r"\frac1p \sum_{r < p} \frac1{m_r} \sum_{i \in S_r} g_i = \frac1N \sum_i g_i \text{ for all data } "
    r"g_i \in \mathbb{R}^q \quad\iff\quad m_0 = m_1 = \dots = m_{p-1}",
    source="ours",
    hypotheses=(
        r"\text{shards } S_0, \dots, S_{p-1} \text{ of sizes } m_r \ge 1 \text{ partition } N \text{ points}",
        r"p \ge 1,\ q \ge 1",
    ),
)
claim(
    "allreduce-equivariant",
    kind="theorem",
    title="Data-parallel SGD has the symmetry of SGD",
    statement=r"g(W, X) = \frac1p \sum_{r < p} \nabla_W \ell_r(W X_r, \theta, y_r) \implies "
    r"g(W U^\top, U X) = g(W, X)\, U^\top \text{ for every } U \in O(d), \text{ and the gradient in } \theta "
    r"\text{ stays; so a step of SGD (momentum, Nesterov, weight decay) with this gradient satisfies (2) of "
    r"Theorem C.1 for } O(d). \text{ Batch norm over each shard is such an } \ell_r; \text{ it does not give the step "
    r"of batch norm over the whole batch: with shards } (1, -1),\ (7, -7) \text{ the gradients in its scale differ}",
    source="ours, with Theorem C.1 of Li, Zhang, Arora (ICLR 2021)",
    hypotheses=(
        r"p \ge 1 \text{ workers with shards of any sizes}",
        r"\ell_r \text{ any differentiable function of } (W X_r, \theta, y_r)",
    ),
    uses=("thm-c.1", "table-1", "allreduce-exact"),
)
claim(
    "allreduce-descent",
    kind="lemma",
    title="How far rounding takes gradient descent on a linear net",
    statement=r"W_{t+1} = W_t - c X_t^\top (X_t W_t - Y_t) \text{ exactly, } \hat W_t \text{ computed, "
    r"each product passing at most } K \text{ roundings in a step: } |\hat W_t - W_t| \le E_t \text{ entry by entry,} "
    r"\quad E_{t+1} = |I - c X_t^\top X_t|\, E_t + \gamma_K \bigl(|\hat W_t| + c |X_t|^\top (|X_t| |\hat W_t| + |Y_t|)"
    r"\bigr). \text{ With } p \text{ shards of } m \text{ rows and an allreduce of } h \text{ additions } "
    r"K = d + m + h + 3; \text{ two such runs differ by at most } E_t + E'_t",
    source="ours",
    hypotheses=(
        r"X_t \in \mathbb{R}^{N \times d},\ \hat W_0 = W_0,\ E_0 = 0,\ c \ge 0 \text{ and the data are floats}",
        r"\mathrm{fl}(a \circ b) = (a \circ b)(1 + \delta),\ |\delta| \le u,\ K u < 1 "
        r"\text{ (no overflow or underflow); sums in any order}",
    ),
    uses=("allreduce-rounding",),
)


LONGEST = 4000
"""Points, and entries of an input, for which `descent_bound` is rounded upward."""


class Batch(NamedTuple):
    """What one step of descent saw and started from: inputs (N, d), targets (N, q) and computed weights (d, q)."""

    x: NDArray[Any]
    y: NDArray[Any]
    weights: NDArray[Any]


def descent_bound(batches: Sequence[Batch], rate: Any, count: int, bits: int) -> NDArray[Any]:
    """The bound E on the rounding of each weight after these steps (claim allreduce-descent).

    Fractions give it exactly; from doubles it is rounded upward, for batches of at most 4000 points and inputs of at
    most 4000 entries.

    Args:
        batches: of the steps, in order, at least one.
        rate: c, the factor on the summed gradient.
        count: K, the roundings that a product passes in a step.
        bits: of the arithmetic that computed the weights.

    Raises:
        ValueError: no batches, doubles with more than 4000 points or entries, or count 2^-bits >= 1.

    Example:
        >>> one = np.array([[Fraction(1)]])
        >>> descent_bound([Batch(one, one, 0 * one)], Fraction(1, 2), count=5, bits=24)
        array([[Fraction(5, 33554422)]], dtype=object)
    """
    if not batches:
        raise ValueError("batches: got none, want those of one step or more")
    exact = batches[0].x.dtype == object
    if not exact and max(max(batch.x.shape) for batch in batches) > LONGEST:
        raise ValueError(
            f"batches: got doubles of shape {batches[0].x.shape}, want at most {LONGEST} points and entries"
        )
    # Sums of fewer than 2^13 doubles, and the few operations around them, err by less than 2^-38 of the magnitudes.
    gap, wide = (0, 1) if exact else (2.0**-38, 1 + 2.0**-30)
    share = gamma(count, bits) if exact else float(gamma(count, bits))
    bound = np.zeros_like(batches[0].weights)
    for x, y, weights in batches:
        unit = np.eye(x.shape[1], dtype=int) if exact else np.eye(x.shape[1])
        size = unit + rate * (abs(x).T @ abs(x))
        kept = abs(unit - rate * (x.T @ x)) + gap * size
        fresh = abs(weights) + rate * (abs(x).T @ (abs(x) @ abs(weights) + abs(y)))
        bound = (kept @ bound + share * fresh) * wide
    return bound


@proves(
    "allreduce-shards",
    "shard by shard the coefficients agree iff p m_r = N",
    by=Trust.EXACT,
    mutant=Mutant("the workers' sums are taken instead of their means", mean="1"),
)
def coefficients(mean: str = "p*m") -> Evidence:
    """The factors on a shard's sum s, 1/(p m) and 1/N, times p m N: s/(p m) - s/N becomes N s - p m s.

    Equal shards: N = p m. Conversely put 1 on one shard and 0 elsewhere: 1/p = m_r/N for every r, so all m_r are N/p.
    """
    return all_of(
        decide.same_polynomial(f"N*s - ({mean})*s", "(N - p*m)*s"),
        summary="N s - p m s = (N - p m) s, which vanishes for all s iff N = p m",
    )


@proves(
    "allreduce-shards",
    "all sizes up to 5 of up to 4 shards",
    by=Trust.EXACT,
    mutant=Mutant("it is enough that p divides N", enough="p divides N"),
)
def all_sizes(enough: str = "equal") -> Evidence:
    """Both sides are linear in the data, so that unit vectors decide."""

    def agree(sizes: tuple[int, ...]) -> bool:
        total, p = sum(sizes), len(sizes)
        same = all(Fraction(1, p * m) == Fraction(1, total) for m in sizes)
        return same == (len(set(sizes)) == 1 if enough == "equal" else total % p == 0)

    cases = [sizes for p in range(1, 5) for sizes in itertools.product(range(1, 6), repeat=p)]
    return decide.every("the means agree on every unit vector iff the sizes are equal", cases, agree)


@proves(
    "allreduce-equivariant",
    "the mean of the workers' gradients moves with the data",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal, and W moves by g^-1", rules=INVERSE, moves_by="g^-1"),
    uses=("thm-c.1", "allreduce-exact"),
)
def gradients_move(rules: Sequence[Rule] = ORTHOGONAL_RULES, moves_by: str = "g'") -> Evidence:
    """One worker more: if what the workers before add up to moves by U', so does the sum with the next gradient."""
    w, x, theta, y, sofar = map(matrix, ("W", "X_r", "theta", "y_r", "sum"))
    back, share = matrix(moves_by), scalar("1/p")
    here, still = loss_gradients(w, x, theta, y)
    there, also = loss_gradients(w * back, G * x, theta, y)
    return all_of(
        decide.equal_terms(sofar * back + there, (sofar + here) * back, rules),
        decide.equal_terms(share * sofar * back, (share * sofar) * back, rules),
        decide.equal_terms(also, still, rules),
        summary="sum U' + delta_r (U X_r)' = (sum + delta_r X_r') U', and the factor 1/p commutes",
    )


@proves(
    "allreduce-equivariant",
    "a step of data-parallel SGD moves with the data",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal, and W moves by g^-1", rules=INVERSE, moves_by="g^-1"),
    uses=("thm-c.1", "table-1"),
)
def steps_move(rules: Sequence[Rule] = ORTHOGONAL_RULES, moves_by: str = "g'") -> Evidence:
    """The step of table-1 with the mean of two workers' gradients; more of them by the step before."""
    back, start = matrix(moves_by), Descent(*map(matrix, ("W", "B", "theta", "C")))
    shards = [matrix("X_1"), matrix("X_2")]
    here = descend(start, _mean_gradients(start, shards))
    moved = start._replace(weights=start.weights * back, buffer=start.buffer * back)
    there = descend(moved, _mean_gradients(moved, [G * x for x in shards]))
    wanted = here._replace(weights=here.weights * back, buffer=here.buffer * back)
    return all_of(
        *(decide.equal_terms(a, b, rules) for a, b in zip(there, wanted, strict=True)),
        summary="weights and buffer pick up U' on the right; theta and its buffer do not change",
    )


@proves(
    "allreduce-equivariant",
    "batch norm over shards is not batch norm over the batch",
    by=Trust.EXACT,
    mutant=Mutant("there is one worker", shards=((1, -1, 7, -7),)),
)
def batch_norm_differs(shards: tuple[tuple[int, ...], ...] = ((1, -1), (7, -7))) -> Evidence:
    """The output is s z, z = (x - mean)/deviation, s = 0, y = x, loss (s z - y)^2/2: its slope in s is -mean(y z).

    The deviations are 1 and 7 over the shards and 5 over the batch, so that all numbers are rational.
    """
    batch = [x for shard in shards for x in shard]
    apart = sum((_scale_gradient(shard) for shard in shards), Fraction(0)) / len(shards)
    return all_of(
        decide.rational(
            "gradient in the scale, per worker against over the batch", apart, "!=", _scale_gradient(batch)
        ),
        summary=f"shards give {apart}, the batch {_scale_gradient(batch)}",
    )


@proves(
    "allreduce-descent",
    "errors obey the recursion",
    by=Trust.EXACT,
    mutant=Mutant("the targets' error is kept", targets="Z"),
    uses=("allreduce-rounding",),
)
def recursion(targets: str = "Y") -> Evidence:
    """The exact step is affine: what separates two starting points is multiplied by I - c X'X, and c X'Y cancels.

    In the expanded step the monomials are W, c X'Y and c X'XW; each is computed with at most K factors 1 + delta.
    Those are d + 1 for the residual (a product, d - 1 sums, the targets), 1 + (m - 1) + h for the sum over points,
    1 for c and 1 for the subtraction.
    """
    x, y, w, v, c = matrix("X"), matrix("Y"), matrix("W"), matrix("V"), scalar("c")

    def step(weights: Term, aim: Term) -> Term:
        return weights - c * transpose(x) * (x * weights - aim)

    return all_of(
        decide.equal_terms(step(v, matrix(targets)) - step(w, y), (one() - c * transpose(x) * x) * (v - w)),
        decide.same_polynomial("(1 + (d - 1) + 1) + (1 + (m - 1) + h) + 1 + 1", "d + m + h + 3"),
        summary="(V - c X'(XV - Y)) - (W - c X'(XW - Y)) = (I - c X'X)(V - W), and K = d + m + h + 3",
    )


@proves(
    "allreduce-descent",
    "two steps of two workers on small floats",
    by=Trust.EXACT,
    mutant=Mutant("nothing is rounded after the residual", count=1),
)
def small_descent(count: int = 6) -> Evidence:
    """Floats of 5 bits, one input, two workers with one point each, so that K = 1 + 1 + 1 + 3 = 6; c = 1/4."""
    points = list(itertools.product((1, 3, -5), (2, 7), (0, 1, 13), (-1, 11), (1, 9, 31)))
    return decide.every("the computed weight lies within E_2: x, y, w", points, lambda case: _within(case, count))


def _mean_gradients(state: Descent, shards: Sequence[Term]) -> tuple[Term, Term]:
    found = [loss_gradients(state.weights, x, state.theta, matrix(f"y_{r}")) for r, x in enumerate(shards)]
    share = Fraction(1, len(shards))
    first, second = (sum(parts[1:], parts[0]) for parts in zip(*found, strict=True))
    return first * share, second * share


def _scale_gradient(shard: Sequence[int]) -> Fraction:
    """Minus the mean of y z for y = x and the normalised z; the deviation must be whole."""
    centred = [x - Fraction(sum(shard), len(shard)) for x in shard]
    square = sum((x * x for x in centred), Fraction(0)) / len(shard)
    deviation = next(k for k in range(1, 100) if k * k == square)
    return -sum((x * z for x, z in zip(shard, centred, strict=True)), Fraction(0)) / (deviation * len(shard))


def _within(case: tuple[int, ...], count: int) -> bool:
    x, y, rate = case[:2], case[2:4], Fraction(1, 4)
    weight = exact = Fraction(case[4])
    batches = []
    column = [np.array([[Fraction(v)] for v in values], object) for values in (x, y)]
    for _ in range(2):
        batches.append(Batch(column[0], column[1], np.array([[weight]], object)))
        exact -= rate * sum((a * (a * exact - b) for a, b in zip(x, y, strict=True)), Fraction(0))
        parts = [_fl(a * _fl(_fl(a * weight) - b)) for a, b in zip(x, y, strict=True)]
        weight = _fl(weight - _fl(rate * _fl(parts[0] + parts[1])))
    return bool(abs(weight - exact) <= descent_bound(batches, rate, count, 5)[0, 0])


def _fl(value: Fraction) -> Fraction:
    """A dyadic number rounded to 5 bits."""
    return Fraction(rounded(value.numerator, 5), value.denominator)
