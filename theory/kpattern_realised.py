r"""A conv net with filters as wide as the window holds every k-pattern of `theory.kpattern`, with 2^k filters.

The filter equal to a pattern of signs v answers 1 where the window holds v and 0 elsewhere; the read-out at that window
gives each pattern its value.
"""

from __future__ import annotations

import itertools

import numpy as np

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.kpattern import WINDOW
from theory.kpattern_walsh import cube

__all__: list[str] = []

claim(
    "kpattern-realised",
    kind="lemma",
    title="A conv net holds every k-pattern",
    statement=r"g(x_J, \dots, x_{J+k-1}) = \sum_{v \in \{\pm1\}^k} g(v)\, \max(0, v \cdot x_{J..J+k-1} - k + 1): "
    r"\text{ a conv net with } 2^k \text{ filters of width } k \text{ and read-out at one window}",
    source="ours, elementary",
    hypotheses=(WINDOW, r"g: \{\pm1\}^k \to \mathbb{R}"),
    uses=("kpattern",),
)


@proves(
    "kpattern-realised",
    "a filter equal to v answers 1 on v and 0 elsewhere, for every k",
    by=Trust.EXACT,
    mutant=Mutant("the bias is larger by 1", bias="2 - k"),
)
def filters(bias: str = "1 - k") -> Evidence:
    """v.x = k - 2h where h bits differ: so the unit is at 1 for h = 0, and at -1 - 2t < 0 for h = 1 + t."""
    return all_of(
        decide.every("v x = 1 - 2 [v != x] for one bit", itertools.product((-1, 1), repeat=2), _differs_by_two),
        decide.same_polynomial(f"k + ({bias})", "1"),
        decide.same_polynomial(f"k - 2*(1 + t) + ({bias})", "-1 - 2*t"),
        decide.rational("-1 - 2 t at t = 0, where it is largest", -1, "<", 0),
        summary="max(0, v.x - k + 1) = [x = v]",
    )


@proves(
    "kpattern-realised",
    "all functions with values +-1, k <= 3, and single patterns, k <= 8",
    by=Trust.EXACT,
    mutant=Mutant("one filter is left out", filters_left_out=1),
    uses=("kpattern",),
)
def nets(filters_left_out: int = 0) -> Evidence:
    """sum_v g(v) [x = v] = g(x)."""
    cases = [(k, g) for k in range(1, 4) for g in itertools.product((-1, 1), repeat=2**k)]
    return all_of(
        decide.every("the net is g", cases, lambda c: _net(*c, filters_left_out) == list(c[1])),
        decide.every("one unit is one pattern", range(1, 9), _units_are_patterns),
        summary="the sum over v of g(v) [x = v] is g(x)",
    )


def _differs_by_two(bits: tuple[int, ...]) -> bool:
    return bits[0] * bits[1] == 1 - 2 * (bits[0] != bits[1])


def _net(k: int, g: tuple[int, ...], left_out: int) -> list[int]:
    """The net's outputs at all points, its filters in the order of the points."""
    x = cube(k)
    units = np.maximum(0, x @ x.T - k + 1)[:, : 2**k - left_out]
    outputs: list[int] = (units @ np.array(g)[: 2**k - left_out]).tolist()
    return outputs


def _units_are_patterns(k: int) -> bool:
    x = cube(k)
    return bool((np.maximum(0, x @ x.T - k + 1) == np.eye(2**k, dtype=np.int64)).all())
