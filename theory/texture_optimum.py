r"""The task of Theorem 5.5, the exact optimum over permutation-equivariant learners, and a simple learner.

The points are edges on d pixels: ``t_i = e_i + e_{i+1}`` (label -1) and ``s_i = e_i + e_{i+2}`` (label +1),
indices mod d. A training set is a graph whose edges carry labels, a test point one more edge, and an
equivariant learner's law of predictions is constant on isomorphism classes of such pairs; its least error
is the sum over the classes of the lesser mass.

Three reductions, each exact, keep the enumeration small:

- which draws repeat which is independent of the distinct points drawn, so n draws cost the mean, over the
  number m of distinct ones, of what m distinct points cost;
- permuting the m points permutes classes of sequences that have equal masses, so sets will do;
- shifts and reflections of the circle permute the points and keep labels, so one set of each kind will do.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.complexity import Bound
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import matrix, one
from theory.thresholds import least_exponent, rounded
from theory.validate import integer, probability

__all__ = [
    "distinct_points",
    "exact_optimum",
    "labelled_edges",
    "optimum_by_definition",
    "upper_bound",
]

Edge = tuple[int, int]
Labelled = tuple[Edge, int]
MAX_SETS = 270_000  # all sets of points up to d = 9

TASK = r"P \text{ is uniform on the } 2d \text{ pairs } (e_i + e_{i+2}, 1),\ (e_i + e_{i+1}, -1),\ 0 \le i < d, "
TASK += r"\text{ indices mod } d,\ d \ge 5 \text{ (for } d \le 4 \text{ these are not } 2d \text{ points)}"
EQUIVARIANT = r"A \text{ is permutation-equivariant; it may be randomised}"

claim(
    "upper-5.5",
    kind="theorem",
    title="Memorising, the upper bound beside Theorem 5.5",
    statement=r"\text{Repeat the label of a training point equal to } x\text{, else the answer of one fair coin: a "
    r"rule equivariant under every } g \in GL(d) \text{ with } "
    r"\mathbb{E}\,\mathrm{err}_P = \tfrac12\bigl(1-\tfrac1{2d}\bigr)^n"
    r"\text{, so } \mathcal{N}^*(P,\varepsilon) \le \min\{n \ge 0 : \tfrac12(1-\tfrac1{2d})^n \le \varepsilon\},\ "
    r"\mathcal{N}(P,\varepsilon,\delta) \le \mathcal{N}^*(P,\varepsilon\delta)",
    source="ours, beside Theorem 5.5 of Li, Zhang, Arora (ICLR 2021)",
    differs="Theorem 5.5 bounds equivariant learners from below only.",
    hypotheses=(
        TASK,
        r"n \ge 0,\ 0 < \varepsilon < 1,\ 0 < \delta < 1",
    ),
    uses=("def-3.2", "def-3.3"),
)


def labelled_edges(d: int) -> list[Labelled]:
    """The 2d pairs of the task, points as sorted pairs of pixels: t_0, ..., t_{d-1}, then s_0, ..., s_{d-1}.

    Raises:
        ValueError: d < 1 (for d <= 4 the pairs are not distinct).

    Example:
        >>> labelled_edges(5)[4:6]
        [((0, 4), -1), ((0, 2), 1)]
    """
    d = integer("d", d, 1)
    return [(_sorted(i, (i + reach) % d), label) for reach, label in ((1, -1), (2, 1)) for i in range(d)]


def exact_optimum(d: int, n: int) -> Fraction:
    """The least expected error of a permutation-equivariant learner after n samples, exactly.

    Up to d = 9 any n will do; beyond, n is bounded so that the answer takes seconds.

    Args:
        d: number of pixels, in [5, 12].
        n: number of training samples, at least 0, and at most 8, 6, 6 for d = 10, 11, 12.

    Raises:
        ValueError: d or n outside these ranges.

    Example:
        >>> exact_optimum(6, 1)
        Fraction(1, 3)
    """
    d, n = integer("d", d, 5, 12), integer("n", n, 0)
    points = 2 * d
    sizes = itertools.accumulate(math.comb(points, m) for m in range(points + 1))
    top = sum(size <= MAX_SETS for size in sizes) - 1
    if top < points:
        integer("n", n, 0, top)
    weights = {m: _surjections(n, m) * math.comb(points, m) for m in range(min(n, points) + 1)}
    total = sum((weight * _optimum_on_distinct(d, m) for m, weight in weights.items()), Fraction(0))
    return total / Fraction(points**n)


def optimum_by_definition(d: int, n: int, actions: Iterable[Sequence[int]]) -> Fraction:
    """The same by definition: all sequences of n draws, all test points, every given permutation.

    Args:
        d: number of pixels.
        n: number of training samples.
        actions: the group's elements, as tuples of where each pixel goes.

    Example:
        >>> optimum_by_definition(5, 1, itertools.permutations(range(5)))
        Fraction(3, 10)
    """
    d, n = integer("d", d, 1), integer("n", n, 0)
    points = labelled_edges(d)
    moved = np.array([[_code(_sorted(g[a], g[b]), d) for (a, b), _ in points] for g in actions], dtype=np.int64)
    votes: Counter[tuple[int, ...]] = Counter()
    for drawn in itertools.product(range(2 * d), repeat=n + 1):
        code = np.zeros(len(moved), dtype=np.int64)
        for k in drawn:
            code = code * d * d + moved[:, k]
        *labels, test = (points[k][1] for k in drawn)
        votes[(test, *labels, int(code.min()))] += 1
    wrong = sum(min(mass, votes[(-1, *rest)]) for (test, *rest), mass in list(votes.items()) if test == 1)
    return Fraction(wrong, (2 * d) ** (n + 1))


def upper_bound(d: int, eps: float | Fraction | str, delta: float | Fraction | str | None = None) -> Bound:
    """How many samples suffice for one learner, the memorising rule, equivariant under GL(d) (claim upper-5.5).

    So it serves permutations, rotations and sign flips alike.

    Args:
        d: number of pixels, at least 5.
        eps: error in (0, 1); a float is read as the decimal it shows.
        delta: if given, the bound is on N(eps, delta) <= N*(eps delta), Definition 3.3 (Markov); else on N*(eps).

    Raises:
        ValueError: d < 5, or eps or delta outside (0, 1).

    Example:
        >>> upper_bound(40, 0.25).n
        56
    """
    d = integer("d", d, 5)
    target = probability("eps", eps) * (1 if delta is None else probability("delta", delta))
    n = least_exponent([(Fraction(1, 2), 1 - Fraction(1, 2 * d))], target)
    return Bound(n, "upper-5.5", rounded(n), "memorise the points seen, toss a coin on the others")


def distinct_points(smallest: int) -> Evidence:
    """Are the 2d points pairs of different pixels, and all different, for every d from `smallest` on?

    ``e_i + e_{i+r} = e_j + e_{j+q}`` asks that d divides i - j and r - q, or i - j - q and r + q; and
    e_i + e_{i+r} has two pixels unless d divides r. So it only has to be seen that d divides none of these.
    """
    divided = {1, 2, 2 - 1, *(r + q for r in (1, 2) for q in (1, 2))}
    return all_of(
        decide.rational("the largest number that d would have to divide", max(divided), "<", smallest),
        decide.every(
            "the 2d points are distinct, d <= 40",
            range(smallest, 41),
            lambda d: len({edge for edge, _ in labelled_edges(d) if edge[0] != edge[1]}) == 2 * d,
        ),
        summary=f"the 2d points are distinct for every d >= {smallest}",
    )


@proves(
    "upper-5.5",
    "memorising is equivariant under every invertible g",
    by=Trust.EXACT,
    mutant=Mutant("g is only a linear map, without inverse", invertible=False),
    uses=("def-3.2",),
)
def memorising_is_equivariant(invertible: bool = True) -> Evidence:
    """The rule only asks whether x_j - x = 0, and g (x_j - x) = 0 iff x_j - x = 0: all of GL(d), not permutations only.

    It answers any data set, by the first label if equal points carry different ones; the coin knows nothing of x.
    """
    g, back, seen, x = matrix("g"), matrix("g^-1"), matrix("x_j"), matrix("x")
    inverse = [rule("g^-1 g = 1", back * g, one())] if invertible else []
    return all_of(
        decide.equal_terms(g * seen - g * x, g * (seen - x)),
        decide.equal_terms(back * g * (seen - x), seen - x, inverse),
        summary="g x_j = g x iff x_j = x, so data and test point moved together get the same answer",
    )


@proves(
    "upper-5.5",
    "memorising errs on half of what was not seen",
    by=Trust.EXACT,
    mutant=Mutant("d = 4 is claimed too, where s_i = s_{i+2} is seen twice as often", smallest=4),
    uses=("def-3.3",),
)
def memorising_error(smallest: int = 5) -> Evidence:
    """A draw misses a given point in 2d-1 of 2d cases, and a point not seen costs half of its mass 1/(2d)."""
    return all_of(
        distinct_points(smallest),
        decide.every(
            "expected error of memorising is (1/2)(1-1/(2d))^n, d <= 7, n <= 3",
            [(d, n) for d in range(smallest, 8) for n in range(4)],
            lambda c: _memorising(*c) == Fraction(1, 2) * (1 - Fraction(1, 2 * c[0])) ** c[1],
        ),
        summary="seen points are right, each of the others costs a coin: (1/2)(1-1/(2d))^n",
    )


def _memorising(d: int, n: int) -> Fraction:
    points = [edge for edge, _ in labelled_edges(d)]
    unseen = sum(2 * d - sum(x in data for x in points) for data in map(set, itertools.product(points, repeat=n)))
    return Fraction(unseen, 2 * (2 * d) ** (n + 1))


@cache
def _optimum_on_distinct(d: int, m: int) -> Fraction:
    """The least error when the training set is m distinct points, uniformly drawn."""
    points = labelled_edges(d)
    votes: dict[object, dict[int, int]] = defaultdict(lambda: {1: 0, -1: 0})
    for chosen, weight in _sets_up_to_symmetry(d, m):
        form, labellings = _canonical([points[k] for k in chosen])
        for k in set(range(2 * d)) - set(chosen):  # a point seen costs nothing: its class has one label
            edge, label = points[k]
            votes[form, _place(edge, labellings)][label] += weight
    return Fraction(sum(min(v.values()) for v in votes.values()), math.comb(2 * d, m) * 2 * d)


def _sets_up_to_symmetry(d: int, m: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """One m-set of points from each orbit under shifts and reflections of the circle, with the orbit's size."""
    index = {edge: k for k, (edge, _) in enumerate(labelled_edges(d))}
    moves = [
        [index[_sorted((sign * a + shift) % d, (sign * b + shift) % d)] for a, b in index]
        for sign in (1, -1)
        for shift in range(d)
    ]
    sets = list(itertools.combinations(range(2 * d), m))
    masks = np.array([sum(1 << k for k in chosen) for chosen in sets], dtype=np.int64)
    least, fixed = masks.copy(), np.zeros(len(masks), dtype=np.int64)
    for move in moves:
        image = sum((((masks >> k) & 1) << to for k, to in enumerate(move)), np.zeros_like(masks))
        least, fixed = np.minimum(least, image), fixed + (image == masks)
    for k in np.flatnonzero(least == masks):
        yield sets[k], 2 * d // int(fixed[k])


def _canonical(graph: Sequence[Labelled]) -> tuple[tuple[tuple[int, int, int], ...], list[dict[int, int]]]:
    """The canonical form of an edge-labelled graph, and all numberings of its vertices that give it.

    Individualisation and refinement without pruning: the search tree moves with the graph, so isomorphic
    graphs, and only they, have equal forms, and the numberings are one orbit under the automorphisms.
    """
    neighbours: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (a, b), label in graph:
        neighbours[a].append((label, b))
        neighbours[b].append((label, a))
    found: dict[tuple[tuple[int, int, int], ...], list[dict[int, int]]] = defaultdict(list)
    stack = [dict.fromkeys(neighbours, 0)]
    while stack:
        colours = _refine(neighbours, stack.pop())
        sizes = Counter(colours.values())
        cell = min((c for c, size in sizes.items() if size > 1), default=None)
        if cell is None:
            code = sorted((*_sorted(colours[a], colours[b]), label) for (a, b), label in graph)
            found[tuple(code)].append(colours)
        for v in (v for v, c in colours.items() if c == cell):
            stack.append({u: 2 * c + (u != v) for u, c in colours.items()})
    return min(found.items())


def _refine(neighbours: Mapping[int, list[tuple[int, int]]], colours: dict[int, int]) -> dict[int, int]:
    """Split colours by the coloured neighbourhoods until nothing splits; numbered in sorted order."""
    count = 0
    while True:
        seen = {v: (c, tuple(sorted((label, colours[u]) for label, u in neighbours[v]))) for v, c in colours.items()}
        rank = {kind: k for k, kind in enumerate(sorted(set(seen.values())))}
        colours = {v: rank[kind] for v, kind in seen.items()}
        if len(rank) == count:
            return colours
        count = len(rank)


def _place(edge: Edge, labellings: list[dict[int, int]]) -> Edge:
    """Where an edge lies in the canonical graph, up to its automorphisms; untouched pixels are all alike."""
    a, b = edge
    return min(_sorted(numbers.get(a, len(numbers)), numbers.get(b, len(numbers))) for numbers in labellings)


def _sorted(a: int, b: int) -> Edge:
    return (a, b) if a <= b else (b, a)


def _code(edge: Edge, d: int) -> int:
    return edge[0] * d + edge[1]


def _surjections(n: int, m: int) -> int:
    """How many maps from n draws hit all of m points."""
    return sum((-1) ** k * math.comb(m, k) * (m - k) ** n for k in range(m + 1))
