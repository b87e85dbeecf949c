r"""Upper bounds for equivariant learners on the quadratic task: the order d^2/eps is exact."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from theory import decide, quadratic
from theory.claims import Mutant, claim, proves
from theory.complexity import blumer_upper_bound, vc_dimension
from theory.evidence import Evidence, Trust, all_of
from theory.quadratic_ball import GAUSSIAN
from theory.quadratic_orbit import vc_bounds

claim(
    "upper-5.2",
    kind="theorem",
    title="Equivariant learners that need no more",
    statement=r"\inf_{\mathcal{A}} \mathcal{N}^*(\mathcal{A}, P, \varepsilon) "
    r"\le \Bigl\lceil \frac{V}{\varepsilon} \Bigr\rceil - 1, "
    r"\quad \inf_{\mathcal{A}} \mathcal{N}(\mathcal{A}, P, \varepsilon, \delta) \le \Bigl\lceil \max\bigl("
    r"\tfrac4\varepsilon\log_2\tfrac2\delta, \tfrac{8V}{\varepsilon}\log_2\tfrac{13}{\varepsilon}\bigr) \Bigr\rceil, "
    r"\quad V = 2d^2 + d - 1; \qquad 0 \text{ samples for } \varepsilon \ge \tfrac12",
    source="ours, from Haussler, Littlestone, Warmuth and from Blumer et al. by symmetrisation",
    differs="Theorem 5.2 bounds equivariant learners from below only.",
    hypotheses=(
        GAUSSIAN,
        r"\mathcal{A} \text{ ranges over the } O(2d)\text{-equivariant learners, randomised};\ "
        r"0 < \varepsilon, \delta < 1",
        r"\text{the measurability conditions of the two cited theorems}",
    ),
    uses=("def-3.2", "def-3.3"),
)


@proves(
    "upper-5.2",
    "one-inclusion graphs have at most V edges a vertex",
    by=Trust.EXACT,
    mutant=Mutant("at most V - 1 edges a vertex are claimed", less=1),
    uses=("haussler-littlestone-warmuth", "thm-4.1", "thm-5.1"),
)
def one_inclusion(less: int = 0) -> Evidence:
    """What the cited theorem rests on, counted for every class on at most 3 points.

    The orbit has VC dimension at most V (thm-4.1), so the error is at most V/(n+1), which is eps at n + 1 = V/eps.
    Averaging over the compact O(2d) makes the predictor equivariant without raising its worst risk (thm-5.1). {x :
    a pattern is realised at x} is a projection along the compact Gr(d, 2d) of an F_sigma set, so the predictor is
    measurable.
    """
    classes = [
        rows
        for n in (1, 2, 3)
        for size in range(2, 2**n + 1)
        for rows in itertools.combinations(itertools.product((0, 1), repeat=n), size)
    ]
    asked = [(d, Fraction(e)) for d in (1, 2, 8, 100) for e in ("1/3", "1/10", "3/1000")]
    return all_of(
        decide.every("edges <= VC * vertices, classes on 1..3 points", classes, lambda rows: _sparse(rows, less)),
        decide.every("V/(n+1) <= eps < V/n at the stated n: d, eps", asked, lambda c: _least(*c)),
        summary=f"all {len(classes)} classes; n is the least with V/(n+1) <= eps",
    )


@proves(
    "upper-5.2",
    "a consistent learner, symmetrised, and the constant",
    by=Trust.ENCLOSED,
    mutant=Mutant("the form is not traceless", last=1),
    uses=("blumer-1989", "thm-4.1", "thm-5.1"),
)
def consistent(last: int = -1) -> Evidence:
    """With probability 1 - delta every consistent function of the orbit is good at once, so their averages are too.

    x'Jx and -x'Jx have one law, for swapping the two halves changes the sign: a constant errs on exactly half.
    """
    j = np.array([1, 1, last, last], object)
    swap = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]], object)
    parts = []
    for d, e, x in [(2, Fraction(1, 10), Fraction(1, 100)), (8, Fraction(1, 100), Fraction(1, 10**6))]:
        n, vc = blumer_upper_bound(vc_bounds(d)[1], e, x), vc_bounds(d)[1]
        values: dict[str, Fraction | int] = {"n": n, "v": vc, "e": e, "x": x}
        parts.append(decide.enclosed("n - 1", "<", "8*v/e*log(13/e)/log(2)", values))
        parts += [decide.enclosed("n", ">", f"{side}/log(2)", values) for side in ("8*v/e*log(13/e)", "4/e*log(2/x)")]
    return all_of(
        decide.every(
            "swapping the halves negates the form (d = 2)",
            [(i, k) for i in range(4) for k in range(4)],
            lambda c: bool((swap.T @ (j[:, None] * swap))[c] == -np.diag(j)[c]),
        ),
        *parts,
        summary="the two halves are exchangeable up to sign, and the stated number is the ceiling of Blumer et al.'s",
    )


def _least(d: int, eps: Fraction) -> bool:
    n, vc = quadratic.upper_bound(d, eps).n, vc_bounds(d)[1]
    return Fraction(vc, n + 1) <= eps < Fraction(vc, n)


def _sparse(rows: Sequence[tuple[int, ...]], less: int) -> bool:
    edges = sum(sum(a != b for a, b in zip(f, h, strict=True)) == 1 for f, h in itertools.combinations(rows, 2))
    return edges <= (vc_dimension(np.array(rows)) - less) * len(rows)
