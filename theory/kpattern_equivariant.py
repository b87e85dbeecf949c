r"""What a learner that treats all bits alike must miss on the parity of k bits, however it learns.

A permutation-equivariant learner has the same expected error for each of the C(n, k) sets of k bits, so it does no
better on k neighbours than on a set drawn at random. After m samples it has seen m labels, which tell apart at most
2^m groups of sets, and one prediction cannot agree with many parities at once.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern_walsh import cube
from theory.rewriting import rule
from theory.terms import matrix
from theory.validate import integer

__all__ = ["least_error"]

FINE = 2**64

claim(
    "kpattern-equivariant",
    kind="theorem",
    title="Parities of few samples, for permutation-equivariant learners",
    statement=r"\mathbb{E}\, \mathrm{err}(\mathcal{A}) \ge \frac12 \Bigl(1 - \sqrt{2^m / \tbinom nk}\Bigr)",
    source="ours",
    hypotheses=(
        r"\mathcal{A} \text{ is equivariant under permutations of the } n \text{ inputs and may be randomised}",
        r"m \ge 0 \text{ samples } (x, \chi_I(x)),\ x \text{ uniform on } \{\pm1\}^n,\ |I| = k,\ 1 \le k \le n; "
        r"\text{ a coin errs half the time}",
    ),
    uses=("def-3.2", "kpattern"),
)


def least_error(n: int, k: int, samples: int) -> Fraction:
    """A lower bound on the expected error of permutation-equivariant learners (claim kpattern-equivariant).

    Args:
        n: number of bits, at least 1.
        k: number of bits of the parity, in [1, n].
        samples: number of training samples, at least 0.

    Returns:
        The bound, rounded down, or 0 where it says nothing.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> round(float(least_error(32, 4, 8)), 4)
        0.4578
    """
    n = integer("n", n, 1)
    k = integer("k", k, 1, n)
    m, sets = integer("samples", samples, 0), math.comb(n, k)
    if m >= sets.bit_length():
        return Fraction(0)
    root = Fraction(math.isqrt(2**m * FINE**2 // sets) + 1, FINE)
    return max(Fraction(0), (1 - root) / 2)


@proves(
    "kpattern-equivariant",
    "the expected error is the same for all sets of k bits",
    by=Trust.EXACT,
    mutant=Mutant("the learner need not be equivariant", equivariant=False),
    uses=("def-3.2",),
)
def same_for_all_sets(equivariant: bool = True) -> Evidence:
    """In law A(g D) at g x is A(D) at x; chi_(g I)(g x) = chi_I(x), and g keeps the law of the points.

    So the errors for I and for g I have one law, and some g takes any set of k bits to any other. Seen on the vote of
    all parities, which is equivariant; the parity of one set is not.
    """
    law, moved, g, x = matrix("A(D)"), matrix("A(gD)"), matrix("g"), matrix("x")
    rules = [rule("equivariance, in law", moved * g, law)] if equivariant else []
    return all_of(
        decide.equal_terms(moved * (g * x), law * x, rules),
        decide.every(
            "the parity of the moved bits at the moved point, all permutations, n <= 4",
            [(n, k, pi) for n in range(1, 5) for k in range(1, n + 1) for pi in itertools.permutations(range(n))],
            lambda c: _label_moves_along(*c),
        ),
        decide.every(
            "the vote of all parities of k bits errs alike on each, k < n <= 6",
            [(n, k) for n in range(2, 7) for k in range(1, n)],
            lambda c: _errs_alike(*c, voters=None if equivariant else 1),
        ),
        summary="E err for I is the mean of E err over all C(n, k) sets",
    )


@proves(
    "kpattern-equivariant",
    "from correlations to the error, for every n, k and m",
    by=Trust.EXACT,
    mutant=Mutant("labels have three values", labels=3),
    uses=("kpattern-parseval",),
)
def counting(labels: int = 2) -> Evidence:
    """h(x) in [-1, 1] is the mean prediction after the data, c_I = E h chi_I; an error has probability (1 - c_I)/2.

    Points fixed, the N sets fall into at most 2^m groups by their labels, and h depends on the group alone. With a
    the mean of t numbers, 0 <= sum (c - a)^2 = Q - t a^2, where Q is the sum of their squares: the sum t a of the c_I
    of a group of t sets is at most sqrt(t Q) <= sqrt(t), Q <= E h^2 <= 1 (Parseval). Once more, for the sqrt(t) of the
    groups: they sum to at most sqrt(2^m N). So the mean of c_I is at most sqrt(2^m N)/N.
    """
    return all_of(
        errors_from_means(),
        decide.same_polynomial("Q - 2*a*(t*a) + t*a**2", "Q - t*a**2"),
        decide.same_polynomial("t*Q - t*(Q - t*a**2)", "(t*a)**2"),
        decide.every("groups of labels after m samples", range(12), lambda m: labels**m <= 2**m),
        summary="the mean over I of E err is at least (1 - sqrt(2^m N)/N)/2, N = C(n, k)",
    )


@proves(
    "kpattern-equivariant",
    "the best learner by enumeration, n <= 4, m <= 2 and n = 5, m = 1",
    by=Trust.EXACT,
    mutant=Mutant("a bound that is a little larger", share=Fraction(99, 100)),
)
def enumerated(share: Fraction = Fraction(1)) -> Evidence:
    """For each points and labels the best prediction is the sign of the sum of the parities that fit them."""
    cases = [(n, k, m) for n in range(1, 5) for k in range(1, n + 1) for m in range(3)]
    cases += [(5, k, 1) for k in range(1, 6)]
    return decide.every(
        "the squared mean correlation of the best learner is at most 2^m/C(n, k)",
        cases,
        lambda c: best_correlation(*c) ** 2 <= share * Fraction(2 ** c[2], math.comb(c[0], c[1])),
    )


def best_correlation(n: int, k: int, m: int) -> Fraction:
    """The mean of 1 - 2 err of the best learner of a uniformly random set of k bits of n, from m samples.

    The best permutation-equivariant learner of a fixed set has the same.

    Example:
        >>> best_correlation(3, 3, 0), best_correlation(2, 1, 0)
        (Fraction(1, 1), Fraction(1, 2))
    """
    points = cube(n)
    sets = [points[:, list(s)].prod(axis=1) for s in itertools.combinations(range(n), k)]
    total = 0
    for places in itertools.product(range(2**n), repeat=m):
        groups: dict[tuple[int, ...], NDArray[np.int64]] = defaultdict(lambda: np.zeros(2**n, dtype=np.int64))
        for chi in sets:
            groups[tuple(chi[list(places)].tolist())] += chi
        total += sum(int(np.abs(votes).sum()) for votes in groups.values())
    return Fraction(total, len(sets) * 2 ** (n * (m + 1)))


def errors_from_means() -> Evidence:
    """The error of a prediction in {-1, 1} of mean h, or of one in [-1, 1] that is read as such a mean."""
    return decide.every(
        "P[prediction != y] = (1 - y h)/2 for a prediction +-1 of mean h, y = +-1",
        [(y, Fraction(h, 8)) for y in (-1, 1) for h in range(-8, 9)],
        lambda c: ((1 - c[1]) / 2 if c[0] == 1 else (1 + c[1]) / 2) == (1 - c[0] * c[1]) / 2,
    )


def _errs_alike(n: int, k: int, voters: int | None) -> bool:
    """Whether the sign of the sum of the first parities of k bits (all: None) is as near to each of them."""
    sets = [cube(n)[:, list(s)].prod(axis=1) for s in itertools.combinations(range(n), k)]
    vote = np.sign(np.sum(sets[:voters], axis=0))
    return len({int(vote @ chi) for chi in sets}) == 1


def _label_moves_along(n: int, k: int, pi: tuple[int, ...]) -> bool:
    """Entry pi(i) of the moved point is x_i; the set {1, ..., k} moves to {pi(1), ..., pi(k)}."""
    x = cube(n)
    moved = np.empty_like(x)
    moved[:, list(pi)] = x
    return bool((moved[:, list(pi[:k])].prod(axis=1) == x[:, :k].prod(axis=1)).all())
