r"""What an allreduce costs in the alpha-beta model, counted on the schedule itself.

A message of b elements takes alpha + beta b. A rank sends one message at a time and receives one at a time, both at
once if need be; additions are free. Every rank takes its sends, and its receives, in the order of the schedule, and a
message starts as soon as its sender has what it relies on and both ends are free: a simulation of that is exact in
rational numbers.

Where the colours divide the ranks the multi-colour schedule keeps all ports busy: it takes between (2k-1) s and
2k (s + D - 1) messages of n/(k s) elements, D the depth. So for long buffers, cut into well-chosen segments, it comes
near 2 n beta as a ring does, while its latency grows with the depth instead of the number of ranks.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from theory import decide
from theory.allreduce import KUMAR
from theory.allreduce_schedule import Piece, Schedule, colours, depths, multicolour, rounds, schedule, tree
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.validate import integer

__all__ = ["binary_tree", "duration", "multicolour_time", "ring", "ring_time", "tree_time"]

claim(
    "allreduce-cost",
    kind="lemma",
    title="Time of multi-colour, ring and tree allreduce",
    statement=r"\text{Ring: } T = 2(p-1)\bigl(\alpha + \tfrac{n}{p} \beta\bigr) \text{ if } p \mid n. \quad "
    r"\text{Binary tree of } p = 2^{D+1} - 1 \text{ ranks: } T = 4D(\alpha + n\beta). \quad "
    r"\text{Multi-colour, } k \mid p,\ p > k,\ ks \mid n: \quad "
    r"(2k - 1)\, s\, \tau \le T \le 2k(s + D - 1)\, \tau,\quad \tau = \alpha + \frac{n}{ks} \beta",
    source=f"ours; the schedule is that of claim allreduce, after {KUMAR}",
    hypotheses=(
        r"\text{a message of } b \text{ elements takes } \alpha + b \beta;\ \alpha, \beta \ge 0",
        r"\text{a rank sends one message at a time and receives one at a time, each in the schedule's order, "
        r"as soon as possible; additions are free}",
        r"D \text{ is the depth of the trees, } s \text{ the number of segments}",
    ),
    uses=("allreduce",),
)


def duration(plan: Schedule, alpha: Any, beta: Any) -> Any:
    """When the last message has arrived, in the numbers that are given: exact for integers and Fractions.

    Args:
        plan: what is run.
        alpha: time of a message, whatever its length.
        beta: time of an element.

    Example:
        >>> duration(multicolour(2, 1, elements=8, segments=4), alpha=1, beta=0)
        5
    """
    count = len(plan.pieces)
    cost = [alpha + beta * (piece.stop - piece.start) for piece in plan.pieces]
    out, into = [0 * alpha] * plan.ranks, [0 * alpha] * plan.ranks
    arrived = [0 * alpha] * (plan.ranks * count)
    for source, target, piece in plan.table[:, :3].tolist():
        end = max(arrived[source * count + piece], out[source], into[target]) + cost[piece]
        # A rank's receives are served in order, so the last one of a piece is the latest.
        out[source] = into[target] = arrived[target * count + piece] = end
    return max(into)


def ring(ranks: int, elements: int) -> Schedule:
    """The ring: each of p pieces is added up along all ranks, then handed on along all ranks.

    Raises:
        ValueError: ranks < 1 or elements < 0.

    Example:
        >>> duration(ring(4, elements=8), alpha=1, beta=10)
        126
    """
    ranks, elements = integer("ranks", ranks, 1), integer("elements", elements, 0)
    cuts = [elements * r // ranks for r in range(ranks + 1)]
    pieces = tuple(Piece(0, cuts[r], cuts[r + 1]) for r in range(ranks))
    rows = [
        (r, (r + 1) % ranks, (r + done - step) % ranks, 1 - done)
        for done in (0, 1)
        for step in range(ranks - 1)
        for r in range(ranks)
    ]
    return Schedule(ranks, pieces, np.array(rows, np.int64).reshape(-1, 4))


def binary_tree(ranks: int, elements: int) -> Schedule:
    """The whole buffer up one binary tree and down again.

    Example:
        >>> duration(binary_tree(7, elements=8), alpha=1, beta=0)
        8
    """
    return schedule([tree(ranks, 2)], elements)


def ring_time(ranks: int, elements: Any, alpha: Any, beta: Any) -> Any:
    """The time of `ring` if ranks divide elements (claim allreduce-cost).

    Example:
        >>> ring_time(4, Fraction(8), 1, 10)
        Fraction(126, 1)
    """
    return 2 * (ranks - 1) * (alpha + elements / ranks * beta)


def tree_time(depth: int, elements: Any, alpha: Any, beta: Any) -> Any:
    """The time of `binary_tree` for 2^(depth+1) - 1 ranks (claim allreduce-cost).

    Example:
        >>> tree_time(2, 8, 1, 0)
        8
    """
    return 4 * depth * (alpha + elements * beta)


def multicolour_time(ranks: int, k: int, elements: Any, segments: int, alpha: Any, beta: Any) -> tuple[Any, Any]:
    """Bounds on the time of `multicolour`, lower and upper, if k segments divides elements (claim allreduce-cost).

    Raises:
        ValueError: k does not divide ranks, or is not below it.

    Example:
        >>> multicolour_time(8, 4, Fraction(64), 4, alpha=1, beta=0)
        (Fraction(28, 1), Fraction(40, 1))
    """
    if ranks % integer("k", k, 1, ranks - 1):
        raise ValueError(f"k: got {k}, want a divisor of {ranks} ranks")
    return _bounds(ranks, k, elements, segments, alpha, beta, fewer=1)


@proves(
    "allreduce-cost",
    "the ring, for every p",
    by=Trust.EXACT,
    mutant=Mutant("there are 2p - 1 steps", steps="2*p - 1"),
    uses=("allreduce",),
)
def ring_is_exact(steps: str = "2*(p - 1)") -> Evidence:
    """In step t rank r sends piece r - t, which came from rank r - 1 in step t - 1: the last step must be over.

    In each step all ranks send and receive one message of one length, so it takes alpha + beta n/p.
    """

    def agrees(p: int) -> bool:
        n, alpha, beta = Fraction(5 * p), Fraction(7, 3), Fraction(2, 11)
        return bool(duration(ring(p, 5 * p), alpha, beta) == ring_time(p, n, alpha, beta))

    return all_of(
        decide.same_polynomial("(r - 1) - (t - 1)", "r - t"),
        decide.same_polynomial("(p - 1) + (p - 1)", steps),
        decide.every("simulated, alpha = 7/3, beta = 2/11: p <= 24", range(1, 25), agrees),
        summary="2 (p - 1) steps of alpha + beta n/p",
    )


@proves(
    "allreduce-cost",
    "the binary tree, for every depth",
    by=Trust.EXACT,
    mutant=Mutant("a rank hears both children at once", each=1),
    uses=("allreduce",),
)
def tree_is_exact(each: int = 2) -> Evidence:
    """Two children that are ready at once are heard one after the other: 2 messages a level up.

    A rank serves its second child one message after the first, and both subtrees take as long: 2 messages a level down.
    """

    def agrees(depth: int) -> bool:
        p, alpha, beta = 2 ** (depth + 1) - 1, Fraction(7, 3), Fraction(2, 11)
        return bool(duration(binary_tree(p, 6), alpha, beta) == tree_time(depth, 6, alpha, beta))

    return all_of(
        decide.same_polynomial(f"2*({each}*D) + 2*{each}", "4*(D + 1)"),
        decide.every("simulated, alpha = 7/3, beta = 2/11: D <= 6", range(7), agrees),
        summary="a level costs 2 messages up and 2 down",
    )


@proves(
    "allreduce-cost",
    "in a slot of a round every rank sends at most once and receives at most once, for every k that divides p",
    by=Trust.EXACT,
    mutant=Mutant("the slot does not depend on the colour", colour=0),
    uses=("allreduce",),
)
def slots_are_free(colour: int = 1) -> Evidence:
    """With q = p/k rank v has place v - c q mod p in colour c, and is child number (v - c q - 1) mod k of its parent.

    Its slot, that plus root c q plus c, is v - 1 + c mod k, another one in each colour. The children of a rank that has
    any in this colour only (claim allreduce, p mod k = 0) have the k numbers, so slots, in turn. Down it is the same.
    """
    return all_of(
        decide.same_polynomial(f"(v - c*q - 1) + c*q + {colour}*c", "v - 1 + c"),
        decide.every(
            "in the list of 3 segments: p, k, k <= 5, p <= 30",
            [(k * q, k) for k in range(1, 6) for q in range(1, 1 + 30 // k)],
            lambda c: _apart(*c, colour),
        ),
        summary="slots are v - 1 + c mod k",
    )


@proves(
    "allreduce-cost",
    "so the time lies between the bounds",
    by=Trust.EXACT,
    mutant=Mutant("the depth is taken one too small", fewer=2),
    uses=("allreduce",),
)
def between(fewer: int = 1) -> Evidence:
    """Upwards there are s + D - 1 rounds and as many downwards, each of k slots, one message long.

    Started at its slot a send would find its ports free and what it relies on done, in an earlier round; by induction
    along the list none starts later. The root of colour 0 receives k s messages up and (k - 1) s down.
    """
    cases = [(k * q, k, s) for k in range(1, 5) for q in range(2, 1 + 24 // k) for s in range(1, 6)]

    def holds(case: tuple[int, int, int]) -> bool:
        p, k, s = case
        alpha, beta = Fraction(7, 3), Fraction(2, 11)
        low, high = _bounds(p, k, Fraction(3 * k * s), s, alpha, beta, fewer)
        return bool(low <= duration(multicolour(p, k, 3 * k * s, s), alpha, beta) <= high)

    return all_of(
        decide.same_polynomial("k*((s - 1 + D - 1) - 0 + 1) + k*((s - 1 + D + D - 1) - D + 1)", "2*k*(s + D - 1)"),
        decide.same_polynomial("k*s + (k - 1)*s", "(2*k - 1)*s"),
        decide.every("simulated, alpha = 7/3, beta = 2/11: p <= 24, k <= 4, s <= 5", cases, holds),
        summary="at least (2k - 1) s messages on one port, at most 2k (s + D - 1) slots",
    )


def _bounds(ranks: int, k: int, elements: Any, segments: int, alpha: Any, beta: Any, fewer: int) -> tuple[Any, Any]:
    message = alpha + elements / (k * segments) * beta
    depth = max(depths(tree(ranks, k)))
    return (2 * k - 1) * segments * message, 2 * k * (segments + depth - fewer) * message


def _apart(ranks: int, k: int, colour: int) -> bool:
    """Whether in each slot of a round no rank sends twice and none receives twice."""
    rows = rounds(colours(ranks, k), 3)
    rows[:, 2] = (rows[:, 2] - (1 - colour) * rows[:, 3]) % k
    return all(len(np.unique(rows[:, [0, 1, 2, end]], axis=0)) == len(rows) for end in (4, 5))
