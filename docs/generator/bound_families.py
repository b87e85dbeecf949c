"""Which claims bound which quantity, as functions: what `generator.bound_plots` draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from theory import quadratic, regression, texture, warmup
from theory.complexity import Bound, blumer_upper_bound, one_inclusion_upper_bound
from theory.vc_bound import ehrenfeucht_lower_bound, vc_lower_bound

__all__ = ["FAMILIES", "Curve", "Family", "family_of"]

Rule = Callable[[int, Fraction], Bound | int | Fraction | None]
DELTA = Fraction(1, 100)
SIGNS, TURNS, SWAPS = (
    f"every learner equivariant under {g} needs" for g in ("sign flips", "rotations", "permutations")
)
ANY, TURNING, LINEAR = (
    "every learner needs",
    "a learner equivariant under rotations",
    "a learner equivariant under GL(d)",
)
ERM = "the conv net's ERM does with"
EXPECTED = "N*(eps), the least n with an expected error of at most eps"
CONFIDENT = (
    f"N(eps, delta), the least n with an error of at most eps with probability 1 - delta; delta = {float(DELTA)}"
)
DIMENSION, HALF, VC = "d", "d (inputs in R^2d)", "V (the VC dimension)"
DOUBLED = tuple(2**k for k in range(9))


@dataclass(frozen=True)
class Curve:
    """What one claim says of one quantity.

    Attributes:
        claim: its id.
        lower: whether it bounds from below.
        says: of whom it speaks, as the first half of a sentence.
        rule: from the variable and eps to the bound; None where the claim says nothing.
    """

    claim: str
    lower: bool
    says: str
    rule: Rule


@dataclass(frozen=True)
class Family:
    """Bounds on one quantity, which belong in one picture.

    Attributes:
        task: what is learned.
        quantity: what is bounded.
        axis: the variable.
        points: its values.
        eps: one panel for each.
        curves: the bounds.
    """

    task: str
    quantity: str
    axis: str
    points: tuple[int, ...]
    eps: tuple[str, ...]
    curves: tuple[Curve, ...]


# Where theory/ has no function for what a claim states, the rule repeats the statement; the tests hold each of these
# against the claim that it follows from.
FAMILIES = (
    Family(
        "the warm-up, signed unit vectors",
        EXPECTED,
        DIMENSION,
        DOUBLED,
        ("0.2", "0.05", "0.01"),
        (
            Curve("ex-4.1-exact", True, SIGNS, warmup.lower_bound),
            Curve("ex-4.1-exact", False, f"{TURNING} does with", warmup.upper_bound),
            Curve("ex-4.1", True, TURNS, lambda d, e: Fraction(d, 2) if e < Fraction(1, 4) else None),
        ),
    ),
    Family(
        "the quadratic target under all laws of the inputs",
        CONFIDENT,
        HALF,
        DOUBLED[1:],
        ("0.1", "0.01", "0.001"),
        (
            Curve("thm-4.1", True, TURNS, lambda d, e: quadratic.every_law_lower_bound(d, e, DELTA)),
            Curve("conv-upper-4.1", False, ERM, lambda d, e: quadratic.conv_upper_bound(d, e, DELTA)),
        ),
    ),
    Family(
        "the quadratic target, Gaussian inputs",
        EXPECTED,
        HALF,
        DOUBLED,
        ("0.01", "0.0001", "0.000001"),
        (
            Curve("thm-5.2-explicit", True, TURNS, quadratic.explicit_lower_bound),
            Curve("thm-5.2-rate", True, TURNS, quadratic.rate_lower_bound),
            Curve("eq-7", True, TURNS, lambda d, e: quadratic.long_form_lower_bound(d, e) if d > 1 else None),
            Curve("thm-5.2", True, TURNS, lambda d, e: d * d if e <= Fraction(1, 100) else None),
            Curve("upper-5.2", False, f"{TURNING} does with", quadratic.upper_bound),
            Curve("conv-upper-4.1", False, ERM, quadratic.conv_upper_bound),
        ),
    ),
    Family(
        "signs of weighted sums of squares, Gaussian inputs",
        CONFIDENT,
        DIMENSION,
        DOUBLED[1:],
        ("0.001", "0.0001", "0.000001"),
        (
            Curve("thm-5.3", True, TURNS, lambda d, e: quadratic.weighted_lower_bound(d, e, DELTA)),
            Curve("conv-upper-5.3", False, ERM, lambda d, e: quadratic.weighted_conv_upper_bound(d, e, DELTA)),
        ),
    ),
    Family(
        "quadratic regression, Gaussian inputs",
        "N*(eps), the least n with an expected loss of at most eps, relative to the mean square of the labels",
        DIMENSION,
        DOUBLED,
        ("0.5", "0.1", "0.01"),
        (
            Curve("thm-5.4-corrected", True, TURNS, regression.lower_bound),
            Curve("thm-5.4-corrected", False, f"{TURNING} does with", regression.sharp_upper_bound),
            Curve("thm-5.4", True, TURNS, regression.printed_lower_bound),
            Curve("conv-upper-5.4", False, ERM, regression.conv_upper_bound),
        ),
    ),
    Family(
        "pairs of pixels (the task of Theorem 5.5)",
        EXPECTED,
        DIMENSION,
        (5, *DOUBLED[3:], 512),
        ("0.25", "0.1", "0.01"),
        (
            Curve("thm-5.5-sharp", True, SWAPS, texture.lower_bound),
            Curve("thm-5.5", True, SWAPS, lambda d, e: Fraction(d, 10) if e <= Fraction(1, 4) else None),
            Curve("upper-5.5", False, f"{LINEAR} does with", texture.upper_bound),
            Curve("conv-upper-5.5", False, ERM, lambda d, e: texture.conv_upper_bound(e)),
        ),
    ),
    Family(
        "a class of functions under all laws of the inputs",
        CONFIDENT,
        VC,
        DOUBLED[1:],
        ("0.1", "0.01", "0.001"),
        (
            Curve("thm-b.1", True, ANY, lambda v, e: vc_lower_bound(v, e, DELTA)),
            Curve("ehrenfeucht-1989", True, ANY, lambda v, e: ehrenfeucht_lower_bound(v, e, DELTA)),
            Curve(
                "blumer-1989",
                False,
                "every learner without training error in the class does with",
                lambda v, e: blumer_upper_bound(v, e, DELTA),
            ),
        ),
    ),
    Family(
        "a class of functions under all laws of the inputs",
        EXPECTED,
        VC,
        DOUBLED[1:],
        ("0.1", "0.01", "0.001"),
        (
            Curve("haussler-littlestone-warmuth", False, "some learner does with", one_inclusion_upper_bound),
            Curve("thm-b.1", True, ANY, lambda v, e: Fraction(v - 1) / (8 * e) if e <= Fraction(1, 4) else None),
        ),
    ),
)


def family_of(claim: str) -> Family | None:
    """The first family with a curve of this claim: its own picture; the other curves are there to compare."""
    return next((family for family in FAMILIES if any(c.claim == claim for c in family.curves)), None)
