r"""The warm-up of Section 4.1: one task on which every sign-flip-equivariant learner pays per coordinate.

P is uniform on the 2d pairs ``(y e_i, y)``, i = 1..d, y = +-1. If coordinate i was never seen, flipping
it fixes the training data and swaps the two test points ``+-e_i``, so an equivariant learner must give
both the same law of predictions and errs on one of them. Nothing else is lost, so the error is known
exactly.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.complexity import Bound
from theory.evidence import Evidence, Trust, all_of
from theory.groups import GROUPS, SIGN_FLIP, Group, is_subgroup
from theory.rewriting import rule
from theory.terms import matrix, one, scalar, transpose
from theory.thresholds import least_exponent
from theory.validate import generator, integer, probability, sizes

__all__ = ["least_error", "lower_bound", "sample", "sample_complexity", "upper_bound"]

Example = tuple[int, int]  # (coordinate, label) for the pair (y e_i, y)

claim(
    "ex-4.1-exact",
    kind="example",
    title="The warm-up, exactly",
    statement=r"\min_{A}\ \mathbb{E}\,\mathrm{err}_P(A) = \tfrac12\bigl(1-\tfrac1d\bigr)^n "
    r"\quad\text{over all } G\text{-equivariant } A \text{ with } n \text{ samples, hence}\quad "
    r"\mathcal{N}^*(\varepsilon) = \min\{n \ge 0 : \tfrac12(1-\tfrac1d)^n \le \varepsilon\} "
    r"= \Bigl\lceil \tfrac{\ln 2\varepsilon}{\ln(1-1/d)} \Bigr\rceil \text{ for } d \ge 2,\ 0<\varepsilon\le\tfrac12",
    source="ours, sharpening Example 1 of Li, Zhang, Arora (ICLR 2021)",
    differs="Sharpens Example 1, which follows from it: the least error and N* are exact, for every n and eps, and "
    "equivariance under sign flips is enough.",
    hypotheses=(
        r"P \text{ is uniform on } \{(y e_i, y) : 1 \le i \le d,\ y = \pm 1\},\ d \ge 1",
        r"\{\pm1\}^d \le G \le O(d)",
        r"A \text{ may be randomised; } 0^0 = 1",
    ),
    uses=("def-3.2",),
)
claim(
    "ex-4.1",
    kind="example",
    title="The warm-up, as printed",
    statement=r"n < d/2 \implies \mathbb{E}\,\mathrm{err}_P(A) \ge \tfrac14",
    source="Li, Zhang, Arora (ICLR 2021), Example 1, Section 4.1",
    printed=r"n < d/2 \implies \mathbb{P}[\mathcal{A}(D_n)(x) \ne y] \ge \tfrac14 "
    r"\text{ for every } O(d)\text{-equivariant } \mathcal{A}",
    differs="Notation only: the printed probability of a wrong label is written as the expected error, which is the "
    "same number, and the group stands among the hypotheses.",
    hypotheses=(
        r"P \text{ is uniform on } \{(y e_i, y) : 1 \le i \le d,\ y = \pm 1\},\ d \ge 1",
        r"A \text{ is } O(d)\text{-equivariant}",
    ),
    uses=("def-3.2",),
)


def least_error(d: int, n: int) -> Fraction:
    """The least expected error of an equivariant learner after n samples (claim ex-4.1-exact).

    Args:
        d: dimension, at least 1.
        n: number of training samples, at least 0.

    Raises:
        ValueError: d < 1 or n < 0.

    Example:
        >>> least_error(8, 4)
        Fraction(2401, 8192)
    """
    d, n = integer("d", d, 1), integer("n", n, 0)
    return Fraction(1, 2) * (1 - Fraction(1, d)) ** n


def sample_complexity(d: int, eps: float | Fraction | str) -> int:
    """N*(eps): the least n for which some equivariant learner has expected error at most eps.

    Args:
        d: dimension, at least 1.
        eps: error in (0, 1); a float is read as the decimal it shows.

    Raises:
        ValueError: d < 1, or eps outside (0, 1).

    Example:
        >>> sample_complexity(8, 0.25)
        6
    """
    keep = 1 - Fraction(1, integer("d", d, 1))
    return least_exponent([(Fraction(1, 2), keep)], probability("eps", eps))


def lower_bound(d: int, eps: float | Fraction | str, delta: float | Fraction | str | None = None) -> Bound:
    """No sign-flip-equivariant learner does with fewer samples (claim ex-4.1-exact).

    With delta the bound is on N(eps, delta) >= N*(eps + delta), Definition 3.3; else on N*(eps).

    Raises:
        ValueError: d < 1, or eps or delta outside (0, 1).

    Example:
        >>> lower_bound(8, 0.25).n
        6
    """
    d = integer("d", d, 1)
    target = probability("eps", eps) + (0 if delta is None else probability("delta", delta))
    n = sample_complexity(d, target) if target < 1 else 0
    return Bound(n, "ex-4.1-exact", str(n), "an unseen coordinate can be flipped, which swaps two test points")


def upper_bound(d: int, eps: float | Fraction | str, delta: float | Fraction | str | None = None) -> Bound:
    """An O(d)-equivariant rule does with so many samples (claim ex-4.1-exact).

    With delta the bound is on N(eps, delta) <= N*(eps delta), Definition 3.3; else on N*(eps).

    Raises:
        ValueError: d < 1, or eps or delta outside (0, 1).

    Example:
        >>> upper_bound(8, 0.25).n
        6
    """
    target = probability("eps", eps) * (1 if delta is None else probability("delta", delta))
    n = sample_complexity(d, target)
    return Bound(n, "ex-4.1-exact", str(n), "sign(sum_j y_j <x_j, x>), a coin on 0")


def sample(
    d: int, shape: int | tuple[int, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw from P: points of shape ``(*shape, d)`` and labels +-1 of shape ``shape``.

    Raises:
        ValueError: d < 1, a shape that is not one, or rng no numpy Generator.

    Example:
        >>> x, y = sample(3, 5, np.random.default_rng(0))
        >>> x.shape, bool((x.sum(axis=1) == y).all())
        ((5, 3), True)
    """
    d, size = integer("d", d, 1), sizes("shape", shape)
    coordinates = generator("rng", rng).integers(d, size=size)
    labels = rng.choice([-1.0, 1.0], size=size)
    return np.eye(d)[coordinates] * labels[..., None], labels


@proves(
    "ex-4.1-exact",
    "an unseen coordinate costs a coin toss",
    by=Trust.EXACT,
    mutant=Mutant("the flip is not known to fix the training data", flip_fixes_data=False),
    uses=("def-3.2",),
)
def coin_on_unseen(flip_fixes_data: bool = True) -> Evidence:
    """The law h of A(D) obeys h g = h for the flip g of an unseen coordinate, and g e = -e, so h e = h(-e)."""
    law, g, e, minus_e = matrix("h"), matrix("g"), matrix("e"), matrix("-e")
    equivariance = [rule("A(gD) o g = A(D) and gD = D", law * g, law)] if flip_fixes_data else []
    return all_of(
        decide.equal_terms(law * g * e, law * e, equivariance),
        decide.equal_terms(law * g * e, law * minus_e, [rule("the flip swaps the pair", g * e, minus_e)]),
        decide.same_polynomial("(1 - p) + p", "1"),
        decide.every(
            "a flip of coordinate i fixes e_j for j != i and negates e_i, d <= 5",
            [(d, i, j) for d in range(1, 6) for i in range(d) for j in range(d)],
            lambda t: _flip(t[1], (t[2], 1)) == (t[2], -1 if t[1] == t[2] else 1),
        ),
        summary="P[+ at e] = P[+ at -e], so the pair costs (1-p)+p = 1 of its two points",
    )


@proves(
    "ex-4.1-exact",
    "a coordinate stays unseen with probability (1-1/d)^n",
    by=Trust.EXACT,
    mutant=Mutant("one draw misses a point, not a coordinate: 2d - 1 of 2d", missing="2*d - 1"),
)
def unseen_probability(missing: str = "2*d - 2") -> Evidence:
    """One draw avoids +-e_i in 2d-2 of 2d cases; the counts are confirmed by enumeration."""
    cases = [(d, n) for d in range(1, 5) for n in range(5)]
    return all_of(
        decide.same_polynomial(f"({missing})*d", "(d - 1)*(2*d)"),
        decide.every(
            "sequences that avoid a coordinate number (2d-2)^n, d, n <= 4",
            cases,
            lambda c: sum(all(i for i, _ in data) for data in _sequences(*c)) == (2 * c[0] - 2) ** c[1],
        ),
        summary="(2d-2)/(2d) = 1-1/d for each of n independent draws, so d (1-1/d)^n are unseen on average",
    )


@proves(
    "ex-4.1-exact",
    "summed over coordinates, for every d and n",
    by=Trust.EXACT,
    mutant=Mutant("each unseen pair is claimed to cost both of its points", cost=2),
)
def summed(cost: int = 1) -> Evidence:
    """Unseen coordinates: d q on average, q = (1-1/d)^n; each costs one point of mass 1/(2d), seen ones nothing."""
    d, u, q = scalar("d"), scalar("1/d"), scalar("q")
    return decide.equal_terms(
        d * q * (cost * (Fraction(1, 2) * u)), Fraction(1, 2) * q, [rule("d (1/d) = 1", d * u, one())]
    )


@proves(
    "ex-4.1-exact",
    "the closed form of N*",
    by=Trust.EXACT,
    mutant=Mutant("the logarithms are rounded down", less=1),
)
def closed_form(less: int = 0) -> Evidence:
    """Powers decrease, so N = ceil(ln 2 eps / ln(1-1/d)) says (1-1/d)^N <= 2 eps < (1-1/d)^(N-1); exact on a grid."""
    cases = [(d, Fraction(k, 40)) for d in (2, 3, 5, 8, 13, 50) for k in range(1, 20)]

    def least(case: tuple[int, Fraction]) -> bool:
        d, eps = case
        n = sample_complexity(d, eps) - less
        keep = 1 - Fraction(1, d)
        return n >= 1 and keep**n <= 2 * eps < keep ** (n - 1)

    return decide.every("d = 2..50, eps = 1/40..19/40", cases, least)


@proves(
    "ex-4.1-exact",
    "the bound is attained by an O(d)-equivariant rule",
    by=Trust.EXACT,
    mutant=Mutant("the rule is claimed to err on a quarter of the unseen points", factor=Fraction(1, 4)),
)
def rule_attains(factor: Fraction = Fraction(1, 2)) -> Evidence:
    """sign(sum_j y_j <x_j, x>), a coin on 0: every seen pair has y x = e_i, so the sum counts and is right."""
    x, z, g, y = matrix("x_j"), matrix("x"), matrix("g"), scalar("y_j")
    orthogonal = rule("g is orthogonal", transpose(g) * g, matrix("1"))
    unit = [rule("1 x = x", matrix("1") * z, z), orthogonal]
    signs = [rule("y_j is a sign", y * y, one())]
    return all_of(
        decide.equal_terms(y * transpose(g * x) * (g * z), y * transpose(x) * z, unit),
        decide.equal_terms(y * (y * scalar("s")), scalar("s"), signs),
        decide.every(
            "expected error of the rule, d <= 3, n <= 4",
            [(d, n) for d in range(1, 4) for n in range(5)],
            lambda c: _rule_error(*c) == factor * (1 - Fraction(1, c[0])) ** c[1],
        ),
        summary="the rule is O(d)-equivariant and errs on half of the unseen points only",
    )


@proves(
    "ex-4.1-exact",
    "exhaustive optimum over all equivariant learners",
    by=Trust.EXACT,
    mutant=Mutant("1/d is replaced by 1/(2d)", per_coordinate=2),
)
def exhaustive(per_coordinate: int = 1) -> Evidence:
    """Prediction laws are constant on joint orbits of (training data, test point): sum the lesser masses."""
    cases = [
        (g, d, n) for g, top in (("sign_flip", 5), ("signed_permutation", 4)) for d in range(1, 4) for n in range(top)
    ]
    return decide.every(
        "least error over all equivariant learners is (1/2)(1-1/d)^n, d <= 3",
        cases,
        lambda c: (
            _optimum(GROUPS[c[0]], c[1], c[2]) == Fraction(1, 2) * (1 - Fraction(1, per_coordinate * c[1])) ** c[2]
        ),
    )


@proves(
    "ex-4.1-exact",
    "sign flips lie in every such group",
    by=Trust.EXACT,
    mutant=Mutant("permutations alone are enough", group="permutation"),
)
def subgroup(group: str = "sign_flip") -> Evidence:
    """The flip used above must belong to G; permutations move e_i to some e_j, never to -e_i."""
    return decide.every(
        "the flip of one coordinate is an element, d <= 4",
        [(d, i) for d in range(1, 5) for i in range(d)],
        lambda c: (
            GROUPS[group].contains(np.diag([-1 if k == c[1] else 1 for k in range(c[0])]))
            and is_subgroup(GROUPS[group], GROUPS["orthogonal"])
        ),
    )


@proves(
    "ex-4.1",
    "n < d/2 leaves more than a half",
    by=Trust.EXACT,
    mutant=Mutant("n < d/2 is weakened to n < 2d/3", d="3/2*n + k"),
    uses=("ex-4.1-exact", "lem-bernoulli"),
)
def printed(d: str = "2*n + k") -> Evidence:
    """With d = 2n + k, k > 0: 2 d (1 - n/d) - d = k > 0, so (1/2)(1-1/d)^n > 1/4."""
    return all_of(
        decide.same_polynomial(f"2*(({d}) - n) - ({d})", "k"),
        summary="with d = 2n + k: 2(d - n) - d = k > 0, so 1 - n/d > 1/2",
    )


@proves(
    "ex-4.1",
    "every d at once for n <= 12, by Sturm",
    by=Trust.EXACT,
    mutant=Mutant("n < d/2 is weakened to n < d", room=1),
)
def sturm(room: int = 2) -> Evidence:
    """An independent check of the small cases: (1-x)^n - 1/2 > 0 on 0 <= x <= 1/(2n+1), where x = 1/d."""
    return all_of(
        *(decide.positive_on(f"(1 - x)**{n} - 1/2", Fraction(0), Fraction(1, room * n + 1)) for n in range(1, 13)),
        summary="(1-1/d)^n > 1/2 for every d > 2n, n = 1..12",
    )


def _sequences(d: int, n: int) -> Iterator[tuple[Example, ...]]:
    return itertools.product(itertools.product(range(d), (1, -1)), repeat=n)


def _flip(i: int, point: Example) -> Example:
    return (point[0], -point[1]) if point[0] == i else point


def _rule_error(d: int, n: int) -> Fraction:
    """The rule's error over all sequences and test points; a point (i, s) stands for s e_i, its label is s."""
    wrong = Fraction(0)
    for data in _sequences(d, n):
        for i, s in itertools.product(range(d), (1, -1)):
            vote = sum(label * sign * s for (j, sign), label in ((p, p[1]) for p in data) if j == i)
            wrong += Fraction(1, 2) if vote == 0 else Fraction(int((vote > 0) != (s > 0)))
    return wrong / Fraction((2 * d) ** (n + 1))


def _optimum(group: Group, d: int, n: int) -> Fraction:
    """The least expected error of a learner whose prediction law is constant on joint orbits."""
    if not is_subgroup(SIGN_FLIP, group):
        raise ValueError(f"group: got {group.name}, want one that contains the sign flips")
    actions = [_action(g) for g in group.elements(d)]
    mass: dict[tuple[object, ...], dict[int, int]] = defaultdict(lambda: {1: 0, -1: 0})
    for data in _sequences(d, n):
        labels = tuple(s for _, s in data)
        for test in itertools.product(range(d), (1, -1)):
            orbit = min((tuple(a[p] for p in data), a[test]) for a in actions)
            mass[(labels, orbit)][test[1]] += 1
    return Fraction(sum(min(m.values()) for m in mass.values()), (2 * d) ** (n + 1))


def _action(g: NDArray[np.object_]) -> dict[Example, Example]:
    """How a signed permutation moves the points s e_i."""
    moved = {}
    for i, s in itertools.product(range(len(g)), (1, -1)):
        (j,) = np.flatnonzero(g[:, i])
        moved[(i, s)] = (int(j), int(g[j, i]) * s)
    return moved
