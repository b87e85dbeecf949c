"""The theorems of the paper side by side with their constants: what is certified, exact and measured."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from generator.markdown import Record, to_claims
from generator.open_problem import constant, down, long_form
from generator.simulated import last_point, sample_complexity
from theory import quadratic, regression, texture, warmup
from theory.quadratic_orbit import vc_bounds
from theory.quadratic_volume import kappa, orbit_constant, rotation_constant
from theory.vc_bound import vc_lower_bound

UNKNOWN = "not known"
WITHOUT = ("thm-5.1", "thm-c.1", "lem-d.2")
"""Statements of the paper that hold no constant."""
Seen = Callable[[Record, Mapping[str, bytes]], str]
"""From a report and its figures to words."""


@dataclass(frozen=True)
class Row:
    """One theorem of the paper, or one half of it.

    Attributes:
        name: as the paper counts it.
        printed: the claim that holds the printed form.
        certified: claims, each with what it says in numbers.
        exact: the exact value where it is known.
        measured: what to look up in the report.
    """

    name: str
    printed: str
    certified: tuple[tuple[str, str], ...]
    exact: str
    measured: tuple[Seen, ...] = ()


def rows() -> Iterator[Row]:
    """All rows, in the paper's order, evaluated now."""
    yield _warm_up()
    yield from _any_law()
    yield from _packings()
    yield from _quadratic()
    yield from _many_functions()
    yield from _regression()
    yield from _texture()


def _warm_up(d: int = 32) -> Row:
    needed = warmup.lower_bound(d, "1/4").n
    return Row(
        "Example 1",
        "ex-4.1",
        (
            ("ex-4.1", f"the printed n ≥ d/2 for an error below 1/4: {d // 2} at d = {d}"),
            ("ex-4.1-exact", f"n ≥ {needed} at d = {d} for an error of 1/4"),
        ),
        f"min N\\*(1/4) = {warmup.sample_complexity(d, '1/4')} at d = {d}: {to_claims(['ex-4.1-exact'])}",
        _needed("warmup", "fc", "kernel", "conv"),
    )


def _any_law(vc: int = 101, d: int = 16) -> Iterator[Row]:
    eps, low, high = "1/100", *vc_bounds(d)
    needs = f"ε = δ = {eps}: n ≥ "
    found = quadratic.every_law_lower_bound(d, eps, eps).n
    yield Row(
        "Theorem B.1",
        "thm-b.1",
        (("thm-b.1", f"VC dimension {vc}, {needs}{vc_lower_bound(vc, eps, eps)}"),),
        UNKNOWN,
    )
    yield Row(
        "Theorem 4.1",
        "thm-4.1",
        (("thm-4.1", f"d = {d}, {needs}{found:,}; the VC dimension lies in [{low}, {high}]"),),
        UNKNOWN,
        (_at("constants", "shattering", "thm-4.1"),),
    )
    yield Row(
        "Theorem 4.1, conv net",
        "conv-upper-4.1",
        (("conv-upper-4.1", f"ε = δ = {eps}: n ≤ {quadratic.conv_upper_bound(d, eps, eps).n:,} at every d"),),
        UNKNOWN,
        (
            *_needed("quadratic", "conv"),
            _at("quadratic", "conv", "conv-upper-4.1"),
        ),
    )


def _packings(d: int = 8) -> Iterator[Row]:
    yield Row("Theorem 4.2", "thm-4.2", (("thm-4.2", "the printed form"),), "no constant")
    yield Row("Section 4, Long's form", "long-1995", (("long-1995", "the printed form"),), "no constant")
    yield Row(
        "Lemma D.4",
        "lem-d.4",
        (
            ("lem-d.4", f"C = {_below(rotation_constant(d))} at d = {d}, and at least its limit for every d"),
            ("lem-ball", f"whole orbit, distance 2ε: exponent d², C = {_below(orbit_constant(d))} at d = {d}"),
        ),
        f"{UNKNOWN}; of what goes into it, κ = {_digits(kappa(d))} at d = {d}: {to_claims(['lem-disagreement'])}",
        (
            _at("constants", "kappa", "lem-disagreement"),
            _at("constants", "ball", "lem-ball"),
            _at("constants", "packing", "lem-ball"),
        ),
    )


def _quadratic(d: int = 16) -> Iterator[Row]:
    eps, small = "1/100", "1/10000"
    low, high = quadratic.lower_bound(d, eps).n, quadratic.upper_bound(d, eps).n
    yield Row(
        "Theorem 5.2",
        "thm-5.2",
        (
            ("thm-5.2", f"N\\*({eps}) ≥ d² = {d * d} at d = {d}"),
            ("thm-5.2-explicit", f"N\\*({eps}) ≥ {quadratic.explicit_lower_bound(d, eps).n} at d = {d}"),
        ),
        f"{UNKNOWN}: min N\\*({eps}) lies in [{low:,}, {high:,}] at d = {d} ({to_claims(['upper-5.2'])})",
        (
            *_needed("quadratic", "fc", "ridge", "orbit"),
            _at("figure1", "fc, gaussian", "thm-5.2-explicit"),
        ),
    )
    yield Row(
        "Equation (7)",
        "eq-7",
        (("eq-7", f"d = {d}, ε = {small}, δ = 1/2: n ≥ {long_form(d, Fraction(small)):,}"),),
        UNKNOWN,
    )
    found = quadratic.rate_lower_bound(d, small, "1/2").n
    yield Row(
        "Open problem after (7)",
        "thm-5.2-rate",
        (("thm-5.2-rate", f"c = {down(constant(d), 5)} at d = {d}, δ = 1/2; n ≥ {found:,} at ε = {small}"),),
        f"the order d²/ε ({to_claims(['upper-5.2'])}); its constant is {UNKNOWN}",
        (_at("quadratic", "ridge", "thm-5.2-rate"),),
    )


def _many_functions(d: int = 32) -> Iterator[Row]:
    small, eps = "1/10000", "1/100"
    found = quadratic.weighted_lower_bound(d, small, "1/2").n
    yield Row(
        "Theorem 5.3",
        "thm-5.3",
        (("thm-5.3", f"d = {d}, ε = {small}, δ = 1/2: n ≥ {found:,}"),),
        UNKNOWN,
    )
    yield Row(
        "Theorem 5.3, conv net",
        "conv-upper-5.3",
        (("conv-upper-5.3", f"d = {d}, ε = δ = {eps}: n ≤ {quadratic.weighted_conv_upper_bound(d, eps, eps).n:,}"),),
        UNKNOWN,
    )


def _regression(d: int = 6, eps: str = "1/2") -> Iterator[Row]:
    low, high = regression.lower_bound(d, eps).n, regression.sharp_upper_bound(d, eps).n
    known = f"= {low}" if low == high else f"in [{low}, {high}]"
    yield Row(
        "Theorem 5.4",
        "thm-5.4",
        (
            ("thm-5.4", f"asks for {regression.printed_lower_bound(d, eps)} samples at d = {d}, ε = {eps}"),
            ("thm-5.4-corrected", f"n ≥ {low} there; (1-ε) d(d+1)/2 in general"),
        ),
        f"min N\\*({eps}) {known} at d = {d}; within 2 samples in general: {to_claims(['thm-5.4-corrected'])}",
        (
            _at("regression", "worst", "thm-5.4"),
            _at("regression", "interpolator", "thm-5.4-corrected", "equal"),
        ),
    )
    yield Row(
        "Theorem 5.4, conv net",
        "conv-upper-5.4",
        (("conv-upper-5.4", f"n ≤ {regression.conv_upper_bound(d, eps).n} at d = {d}, for every ε and δ"),),
        UNKNOWN,
        (_at("regression", "conv", "conv-upper-5.4"),),
    )


def _texture(d: int = 400, small: int = 6) -> Iterator[Row]:
    quarter, delta = Fraction(1, 4), "1/100"
    optimum = next(n for n in itertools.count() if texture.exact_optimum(small, n) <= quarter)
    yield Row(
        "Theorem 5.5",
        "thm-5.5",
        (
            ("thm-5.5", f"N\\*(1/4) ≥ d/10 = {d // 10} at d = {d}"),
            ("thm-5.5-sharp", f"N\\*(1/4) ≥ {texture.lower_bound(d, quarter).n} at d = {d}"),
        ),
        f"min N\\*(1/4) = {optimum} at d = {small}, by enumeration ({to_claims(['thm-5.5-sharp'])}); else {UNKNOWN}",
        _needed("texture", "fc_sgd", "fc_adam", "votes"),
    )
    yield Row(
        "Theorem 5.5, conv net",
        "conv-upper-5.5",
        (
            (
                "conv-upper-5.5",
                f"no error with probability 1 - {delta}: n ≤ {texture.conv_upper_bound(quarter, delta).n} at every d",
            ),
        ),
        UNKNOWN,
        _needed("texture", "conv"),
    )


def _at(experiment: str, learner: str, claim: str, side: str = "") -> Seen:
    return lambda report, _: last_point(report, experiment, learner, claim, side)


def _needed(experiment: str, *learners: str) -> tuple[Seen, ...]:
    return tuple(functools.partial(sample_complexity, experiment=experiment, learner=name) for name in learners)


def _below(ball: Any) -> str:
    """A constant of a lower bound."""
    return down(float(ball.lower()), 4)


def _digits(ball: Any) -> str:
    return f"{float(ball.mid()):.4f}"
