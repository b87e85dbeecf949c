r"""The sum that an allreduce computes: exact over a commutative monoid, and how far rounding takes it.

While values go up, look at the ranks that did not send yet: a send keeps the sum of what these hold, and in the end
only the root is left. That needs nothing but associativity and commutativity, whatever the trees and the order.

In floating point an addition multiplies its result by 1 + delta, |delta| <= u, so a value that passes through a
additions picks up a such factors. With h the most additions that any value passes, the error is at most
gamma_h = h u / (1 - h u) times the sum of the magnitudes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction

from theory import decide
from theory.allreduce import KUMAR
from theory.allreduce_schedule import Schedule, depths, multicolour, run, schedule, without
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.validate import integer

__all__ = ["additions", "gamma", "rounded"]

Symbols = tuple[int, ...]
"""A formal sum: the ranks whose values are in it, sorted, each as often as it counts."""

claim(
    "allreduce-exact",
    kind="lemma",
    title="Any colours and any spanning trees give the exact sum",
    statement=r"\text{If every rank } r \text{ but the root sends each element up its colour's tree once, after it "
    r"has added what its children sent, and the root's total goes down, then every rank ends with } "
    r"\sum_{r < p} g_r \text{ for every partition into colours, every spanning tree and every } g \in M^{p \times n},\ "
    r"M \text{ a commutative monoid. Floats of } t \text{ bits give it without rounding if } "
    r"g_r = j_r 2^{e},\ j_r \in \mathbb{Z},\ \textstyle\sum_r |j_r| \le 2^t",
    source=f"ours; the trees are those of {KUMAR}, as recalled",
    hypotheses=(r"p \ge 1", r"\text{floats: rounding to nearest, no underflow or overflow (} e \text{ in range)}"),
    uses=("allreduce",),
)
claim(
    "allreduce-rounding",
    kind="lemma",
    title="Rounding of the sum",
    statement=r"|\hat s - \textstyle\sum_r g_r| \le \gamma_h \sum_r |g_r|, \qquad \gamma_h = \frac{h u}{1 - h u}, "
    r"\text{ where } h \text{ is the most additions that a value passes on its way to the root; and } h \le m D "
    r"\text{ in a tree of depth } D \text{ with at most } m \text{ children a rank}",
    source="ours, by the usual analysis of rounding errors",
    hypotheses=(
        r"\mathrm{fl}(a + b) = (a + b)(1 + \delta),\ |\delta| \le u \text{ (} u = 2^{-24} \text{ in single, } 2^{-53} "
        r"\text{ in double precision), no overflow}",
        r"h u < 1",
    ),
    uses=("allreduce-exact",),
)


def additions(plan: Schedule) -> int:
    """The most additions that a value passes through: h of claim allreduce-rounding.

    Example:
        >>> [additions(multicolour(p, 2, 2)) for p in (2, 3, 4, 8)]
        [1, 2, 3, 5]
    """
    passed: dict[tuple[int, int], int] = {}
    for source, target, piece, adds in plan.sends:
        if adds:
            here, there = passed.get((source, piece), 0), passed.get((target, piece), 0)
            passed[target, piece] = max(here, there) + 1
    return max(passed.values(), default=0)


def gamma(count: int, bits: int) -> Fraction:
    """How much rounding changes a product of that many factors 1 + delta: count u / (1 - count u), u = 2^-bits.

    Args:
        count: number of roundings, at least 0.
        bits: of the significand: 24 for float32, 53 for float64.

    Raises:
        ValueError: an argument out of range, or count u >= 1.

    Example:
        >>> gamma(3, 4)
        Fraction(3, 13)
    """
    bits = integer("bits", bits, 1)
    count = integer("count", count, 0, 2**bits - 1)
    return Fraction(count, 2**bits - count)


def rounded(value: int, bits: int) -> int:
    """An integer rounded to that many significant bits, to nearest, ties to even; a small model of floats.

    Example:
        >>> [rounded(value, 3) for value in (7, 9, 11, -13)]
        [7, 8, 12, -12]
    """
    spare = max(0, abs(value).bit_length() - bits)
    low = (abs(value) >> spare) << spare
    rest, half = abs(value) - low, (1 << spare) // 2
    up = spare and (rest > half or (rest == half and (low >> spare) & 1))
    return (1 if value >= 0 else -1) * (low + ((1 << spare) if up else 0))


@proves(
    "allreduce-exact",
    "a send up keeps the sum over the ranks that did not send yet",
    by=Trust.EXACT,
    mutant=Mutant("the target adds it twice", times=2),
    uses=("allreduce",),
)
def invariant(times: int = 1) -> Evidence:
    """The target holds t, the sender a, the other ranks r in sum: (t + a) + r = a + (t + r).

    A child sends after its own children and before its parent, so what it sends to has not sent; p - 1 sends leave the
    root alone. Each symbol stands once on either side, so the identity holds in every commutative monoid.
    """
    return all_of(
        decide.same_polynomial(f"(t + {times}*a) + r", "a + (t + r)"),
        decide.same_polynomial("p - (p - 1)", "1"),
        summary="(t + a) + r = a + (t + r), so the root ends with the sum of all, which then goes down unchanged",
    )


@proves(
    "allreduce-exact",
    "every labelled rooted tree of up to 5 ranks, formally",
    by=Trust.EXACT,
    mutant=Mutant("the last edge of the tree is lost", lost=1),
    uses=("allreduce",),
)
def all_trees(lost: int = 0) -> Evidence:
    """1 + 2 + 9 + 64 + 625 trees, on the free commutative monoid."""
    trees = [parents for p in range(1, 6) for parents in _rooted_trees(p)]
    return all_of(
        decide.rational("rooted trees on up to 5 labelled ranks", len(trees), "==", 1 + 2 + 9 + 64 + 625),
        decide.every(
            "every rank ends with each rank's value once: parents",
            trees,
            lambda parents: _sums_once(without(schedule([parents], 1), lost)),
        ),
        summary="all 701 trees give each value once on every rank",
    )


@proves(
    "allreduce-exact",
    "every pair of trees of 3 ranks as two colours, and the colours of claim allreduce",
    by=Trust.EXACT,
    mutant=Mutant("the first child of each schedule is counted twice", twice=1),
    uses=("allreduce",),
)
def all_colours(twice: int = 0) -> Evidence:
    """Buffers of 0 to 4 elements, so that pieces may be empty."""
    pairs = itertools.product(_rooted_trees(3), repeat=2)
    plans = {f"{pair}, n = {n}": schedule(pair, n, 2) for pair in pairs for n in (0, 1, 4)}
    for p, k, s in itertools.product(range(1, 9), range(1, 5), (1, 3)):
        if k <= p:
            plans[f"p = {p}, k = {k}, s = {s}"] = multicolour(p, k, 2 * k + 1, s)
    return decide.every(
        "every rank ends with each rank's value once", plans, lambda name: _sums_once(_with_first(plans[name], twice))
    )


@proves(
    "allreduce-exact",
    "no rounding while the sum of magnitudes fits",
    by=Trust.EXACT,
    mutant=Mutant("it may exceed 2^t by one", over=1),
)
def dyadics(over: int = 0) -> Evidence:
    """Every partial sum is j 2^e with |j| <= 2^t: below 2^t it has t bits, and 2^t has one; a float is not rounded.

    Run with all integers whose magnitudes add up to at most 2^t, for t = 3 and p <= 3; and doubles at their limit.
    """
    limit = 2**3 + over

    def exact(values: tuple[int, ...]) -> bool:
        found = run(multicolour(len(values), 1, 1), [[v] for v in values], lambda a, b: rounded(a + b, 3))
        return found == [[sum(values)]] * len(values)

    cases = [v for p in range(1, 4) for v in itertools.product(range(-limit, limit + 1), repeat=p) if _size(v) <= limit]
    edge = [2**53 - 1 + over, -(2**53) + 1, 2**52, 2**52 - 1 + over]
    return all_of(
        decide.every(
            "integers up to 2^t are floats of t bits, t <= 9: t, j",
            [(t, j) for t in range(1, 10) for j in range(2**t + over + 1)],
            lambda c: rounded(c[1], c[0]) == c[1],
        ),
        decide.every("the sum is exact", cases, exact),
        decide.every("doubles: a + b", [(a, 1) for a in edge], lambda c: float(c[0]) + float(c[1]) == sum(c)),
        summary="partial sums are floats, and floats are not rounded",
    )


@proves(
    "allreduce-rounding",
    "an addition gives every value below it one factor more",
    by=Trust.EXACT,
    mutant=Mutant("only one of the two sums is rounded", both=0),
    uses=("allreduce-exact",),
)
def factors(both: int = 1) -> Evidence:
    """fl(A + B) = (A + B)(1 + e), where A and B are sums of values times products of such factors."""
    return all_of(
        decide.same_polynomial("(A + B)*(1 + e)", f"A*(1 + e) + B*(1 + {both}*e)"),
        decide.every(
            "the most additions, counted value by value: p, k, s",
            [(p, k, s) for p in range(1, 10) for k in range(1, min(p, 4) + 1) for s in (1, 2)],
            lambda c: _counts_additions(multicolour(c[0], c[1], c[1] * c[2], c[2])),
        ),
        summary="s = sum of g_r (1 + d_1)...(1 + d_a), with a at most h factors",
    )


@proves(
    "allreduce-rounding",
    "a product of h factors 1 + delta lies within gamma_h of 1",
    by=Trust.EXACT,
    mutant=Mutant("gamma_h is replaced by h u", denominator=0),
)
def gamma_grows(denominator: int = 1) -> Evidence:
    """|t| <= gamma_a gives |(1 + t)(1 + e) - 1| <= gamma_a + u + gamma_a u <= gamma_{a+1}; and gamma_a <= gamma_h.

    Both inequalities are multiplied by the denominators, which are positive where h u < 1.
    """
    less = f"(1 - {denominator}*a*u)"
    more = f"(1 - {denominator}*(a + 1)*u)"
    return all_of(
        decide.same_polynomial("(1 + t)*(1 + e) - 1", "t + e + t*e"),
        decide.same_polynomial(f"(a + 1)*u*{less} - (a*u + u*{less} + a*u*u)*{more}", "(a + 1)*u**2"),
        decide.same_polynomial("h*u*(1 - a*u) - a*u*(1 - h*u)", "(h - a)*u"),
        summary="gamma_{a+1} - (gamma_a + u + gamma_a u) has the numerator (a + 1) u^2 >= 0",
    )


@proves(
    "allreduce-rounding",
    "h is at most the depth times the number of children",
    by=Trust.EXACT,
    mutant=Mutant("h is at most the depth", children=1),
)
def longest_path(children: int = 0) -> Evidence:
    """A value passes at most m additions at each rank on its way: m d + m = m (d + 1)."""

    def within(parents: tuple[int, ...]) -> bool:
        most = children or max([parents.count(rank) for rank in parents if rank >= 0], default=0)
        return additions(schedule([parents], 1)) <= most * max(depths(parents))

    return all_of(
        decide.same_polynomial("m*d + m", "m*(d + 1)"),
        decide.every("trees of up to 5 ranks: parents", [t for p in range(1, 6) for t in _rooted_trees(p)], within),
        summary="at most m additions at each of at most D ranks",
    )


@proves(
    "allreduce-rounding",
    "all values of a few floats of 3 bits",
    by=Trust.EXACT,
    mutant=Mutant("h is taken one too small", fewer=1),
)
def small_floats(fewer: int = 0) -> Evidence:
    """Floats of 3 bits with rounding to nearest, ties to even, on 2 to 4 ranks."""
    values = {2: range(-14, 15), 3: (0, *range(-7, -3), *range(4, 8), 10, 12, 14), 4: (0, 5, -5, 7, -7, 8, 14)}
    floats = {p: [v for v in some if rounded(v, 3) == v] for p, some in values.items()}
    plans = {p: multicolour(p, min(p, 2), 1) for p in floats}

    def bounded(g: tuple[int, ...]) -> bool:
        plan = plans[len(g)]
        found = run(plan, [[v] for v in g], lambda a, b: rounded(a + b, 3))[0][0]
        return abs(found - sum(g)) <= gamma(additions(plan) - fewer, 3) * _size(g)

    return all_of(
        decide.every("3-bit rounding is by at most u", range(1, 200), lambda v: 8 * abs(rounded(v, 3) - v) <= v),
        decide.every(
            "error <= gamma_h times the sum of magnitudes",
            [g for p, some in floats.items() for g in itertools.product(some, repeat=p)],
            bounded,
        ),
        summary="the bound holds for all tuples of the chosen values on 2, 3 and 4 ranks",
    )


def _size(values: tuple[int, ...]) -> int:
    return sum(map(abs, values))


def _rooted_trees(p: int) -> Iterator[tuple[int, ...]]:
    """All rooted trees on p labelled ranks, as parents."""
    for parents in itertools.product(range(-1, p), repeat=p):
        try:
            depths(parents)
        except ValueError:
            continue
        yield parents


def _with_first(plan: Schedule, twice: int) -> Schedule:
    """The schedule with its first sends repeated."""
    rows = [*range(min(twice, len(plan.table))), *range(len(plan.table))]
    return Schedule(plan.ranks, plan.pieces, plan.table[rows])


def _sums_once(plan: Schedule) -> bool:
    """Whether every rank ends with each rank's value once, on the free commutative monoid."""
    n = max((piece.stop for piece in plan.pieces), default=0)
    formal: list[list[Symbols]] = [[(rank,)] * n for rank in range(plan.ranks)]
    held = run(plan, formal, lambda a, b: tuple(sorted(a + b)))
    return all(value == tuple(range(plan.ranks)) for buffer in held for value in buffer)


def _counts_additions(plan: Schedule) -> bool:
    """`additions` against a run in which every value counts its own."""
    n = max(piece.stop for piece in plan.pieces)
    single: list[list[Mapping[int, int]]] = [[{rank: 0}] * n for rank in range(plan.ranks)]
    held = run(plan, single, lambda a, b: {rank: count + 1 for rank, count in [*a.items(), *b.items()]})
    return max(count for value in held[0] for count in value.values()) == additions(plan)
