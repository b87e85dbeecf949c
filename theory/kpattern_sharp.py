r"""The bound on the first gradient of a k-pattern is reached, by a unit whose derivative is a wave.

With w the indicator of a set T of inputs, w.x tells how many of them are -1, and a derivative that alternates with
this number is the character of T itself. All of its Fourier weight lies at one set, so a random T of the right size
makes the mean of `theory.kpattern_gradient` as large as it can be.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern_gradient import ENUMERATED, SUM, TASK, gradient_bound
from theory.kpattern_walsh import beside, cube, mask, walsh

__all__: list[str] = []

claim(
    "kpattern-gradient-sharp",
    kind="lemma",
    title="The bound on the first gradient is reached",
    statement=r"\text{for all } n \ge k \ge 1: \quad \max\ " + SUM + r" = G(n, k),\quad \text{reached by one row } "
    r"W = w \text{ and } s = \sigma'; \qquad \text{if } k \ge 2 \text{ and } 0 \le s \le 1 "
    r"\text{ is asked for, the maximum is } \tfrac14\, G(n, k)",
    source="ours",
    hypotheses=(
        TASK,
        r"\text{the maximum is over all laws of } W \text{ as in kpattern-gradient and all measurable } |s| \le 1",
        r"\sigma \text{ is continuously differentiable},\ |\sigma'| \le 1 \ (0 \le \sigma' \le 1)",
    ),
    uses=("kpattern-gradient", "kpattern-gradient-relu"),
)


@proves(
    "kpattern-gradient-sharp",
    "a unit whose s is the character of its own inputs, for every n",
    by=Trust.EXACT,
    mutant=Mutant("the derivative has another period", period=6),
)
def unit_is_a_character(period: int = 4) -> Evidence:
    """The row w is the indicator of T, |T| = m, and sigma' the wave that is linear from (-1)^h at m - 2h to the next h.

    With h minus signs in T, w.x = m - 2h and chi_T = (-1)^h: one input more adds to both sides alike.
    """
    cases = [(n, m) for n in range(1, 9) for m in range(n + 1)]
    return all_of(
        decide.same_polynomial("(m - 2*h) + 1", "(m + 1) - 2*h"),
        decide.same_polynomial("(m - 2*h) - 1", "(m + 1) - 2*(h + 1)"),
        decide.every(
            "the wave at m - 2h is (-1)^h, and between -1 and 1 on a grid of quarters, m <= 40",
            [(m, z) for m in range(41) for z in range(-4 * m, 4 * m + 1)],
            lambda c: _wave_is_right(*c, period),
        ),
        decide.every(
            "sigma'(w.x) has one coefficient, 1 at T, for all T, n <= 8", cases, lambda c: _is_character(*c, period)
        ),
        summary="sigma'(w.x) = chi_T(x), so its coefficient is 1 at T and 0 elsewhere",
    )


@proves(
    "kpattern-gradient-sharp",
    "T uniform among the sets of k-1 or of k+1 elements reaches the bound, for every n",
    by=Trust.EXACT,
    mutant=Mutant("T has one element more", more=1),
    uses=("kpattern-gradient", "kpattern-gradient-relu"),
)
def reached(more: int = 0) -> Evidence:
    """I xor {j} = T has one solution j if T is inside I with k-1 elements, or around I with k+1, else none.

    The chance is k/C(n, k-1) or (n-k)/C(n, k+1): the two numbers whose maximum is G(n, k). With (1 + chi_T)/2 in the
    place of chi_T the coefficient is 1/2, as T is not empty for k >= 2.
    """
    return all_of(
        decide.every(
            "of all T of that size, n <= 10, so many are some I xor {j} that the mean is G(n, k)",
            [(n, k) for n in ENUMERATED for k in range(1, n + 1)],
            lambda c: _share_reached(c[0], c[1], more) == gradient_bound(*c),
        ),
        decide.every(
            "k/C(n, k-1) for n >= 2k or n = k, else (n-k)/C(n, k+1), is G(n, k), n <= 60",
            [(n, k) for n in range(1, 61) for k in range(1, n + 1)],
            lambda c: _chance(*c) == gradient_bound(*c),
        ),
        decide.same_polynomial("k*(a*(n - k + 1))", "(n - k + 1)*(a*k)"),
        decide.same_polynomial("(n - k)*(b*(k + 1))", "(k + 1)*(b*(n - k))"),
        decide.same_polynomial("(n - k + 1) - (k + 1)", "n - 2*k"),
        decide.same_polynomial("1/2*(1 + c) - 1/2", "1/2*c"),
        summary="E_W sum = P[T is some I xor {j}] = G(n, k), so the upper bound is reached; a quarter with (1 + chi)/2",
    )


def _wave(z: Fraction, m: int, period: int) -> Fraction:
    """1 at m, -1 half a period away, linear between."""
    place = (z - m) % period
    return 1 - Fraction(4, period) * min(place, period - place)


def _wave_is_right(m: int, quarters: int, period: int) -> bool:
    z = Fraction(quarters, 4)
    value = _wave(z, m, period)
    h = (m - z) / 2
    return abs(value) <= 1 and (h.denominator > 1 or value == (-1) ** int(h))


def _is_character(n: int, size: int, period: int) -> bool:
    """Whether the unit of T = {1, ..., size} is the character of T; other T differ by names of inputs."""
    sums = cube(n)[:, :size].sum(axis=1).tolist()
    waves = [_wave(Fraction(z), size, period) for z in sums]
    if any(v.denominator > 1 for v in waves):
        return False
    found = walsh(np.array([int(v) for v in waves]))
    return bool(int(found[mask(range(size))]) == 2**n == int(np.abs(found).sum()))


def _size(n: int, k: int) -> int:
    return k - 1 if n >= 2 * k or n == k else k + 1


def _share_reached(n: int, k: int, more: int) -> Fraction:
    found = set(beside(mask(range(k)), n).tolist())
    sets = [mask(t) for t in itertools.combinations(range(n), _size(n, k) + more)]
    return Fraction(sum(t in found for t in sets), max(1, len(sets)))


def _chance(n: int, k: int) -> Fraction:
    if _size(n, k) < k:
        return Fraction(k, math.comb(n, k - 1))
    return Fraction(n - k, math.comb(n, k + 1))
