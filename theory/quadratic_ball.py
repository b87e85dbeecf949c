r"""Balls in the orbit: their Haar measure against the volume of the Grassmannian, with a constant for every d.

A ball of radius rho <= 2 eps around a point of the orbit lies in a geodesic ball of Gr(d, 2d), whose volume Bishop
and Gromov bound by the Euclidean one; dividing by vol Gr(d, 2d) gives its Haar measure. That C_d > C for every d
is shown by induction on d with Stirling's bounds, and confirmed by balls.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.quadratic_volume import LIMIT
from theory.rewriting import rule
from theory.terms import Term, matrix, one, scalar, trace, transpose, zero

__all__ = ["DIM", "GAUSSIAN", "INV", "INVERSE", "LOG_2", "LOG_2PI", "LOG_DIM", "PAPER", "curvature", "within"]

PAPER = "Li, Zhang, Arora (ICLR 2021)"
GAUSSIAN = r"P_X = N(0, I_{2d}),\ h^*(x) = \operatorname{sign}(\|x_{1:d}\|^2 - \|x_{d+1:2d}\|^2),\ d \ge 1"

claim(
    "lem-ball",
    kind="lemma",
    title="The measure of a ball in the orbit",
    statement=r"\mu\{R : \rho(h_Q, h_R) \le 2\varepsilon\} \le \Bigl(\frac{\varepsilon}{C_d}\Bigr)^{d^2}, \quad "
    r"C_d = \frac{2\kappa_d}{\pi^2} \Bigl(\frac{\operatorname{vol} Gr(d, 2d)}{\omega_{d^2}}\Bigr)^{1/d^2} > C "
    r"= \frac{e^{1/4}}{\pi^2 \sqrt{\pi/2}} > 0.1038 \quad \text{for every } d \ge 1; \qquad "
    r"\text{hence } D(\text{orbit}, \rho, 2\varepsilon) \ge \Bigl(\frac{C_d}{\varepsilon}\Bigr)^{d^2}",
    source="ours",
    hypotheses=(
        GAUSSIAN,
        r"Q, R \text{ in the orbit } \{U^\top J U\} \cong Gr(d, 2d),\ \varepsilon > 0, "
        r"\ \mu \text{ the } O(2d)\text{-invariant probability on it}",
        r"\operatorname{vol}: \text{ in the metric } \textstyle\sum_i \theta_i^2 \text{ of principal angles};\ "
        r"\omega_m = \pi^{m/2} / \Gamma(m/2+1);\ \kappa_d \text{ as in lem-disagreement}",
    ),
    uses=("lem-disagreement",),
)

DIM, INV, LOG_DIM, LOG_2, LOG_2PI = map(scalar, ("D", "1/D", "log D", "log 2", "log 2pi"))
"""The scalars of the inductions over the dimension D."""
INVERSE = [rule("D (1/D) = 1", DIM * INV, one())]


def curvature(scale: Fraction) -> Evidence:
    """The metric tr(A'B) times a scale on skew matrices: <R(X,Y)Y, X> = |[X,Y]|^2 times a positive number.

    R(X,Y)Y = -[[X,Y],Y] up to that number, for the Grassmannian and for rotations, both symmetric spaces and compact.
    """
    x, y = matrix("X"), matrix("Y")
    bracket = x * y - y * x
    skew = [rule("X' = -X", transpose(x), -x), rule("Y' = -Y", transpose(y), -y)]
    return all_of(
        decide.equal_terms(transpose(bracket), -bracket, skew),
        decide.equal_terms(trace((bracket * y - y * bracket) * x), -trace(bracket * bracket)),
        decide.rational("scale", scale, ">", 0),
        summary="sectional curvature is a positive multiple of tr([X,Y]'[X,Y]) >= 0, so Ric >= 0",
    )


@proves(
    "lem-ball",
    "the Grassmannian has non-negative curvature",
    by=Trust.EXACT,
    mutant=Mutant("the sign of the metric is reversed", scale=Fraction(-1)),
    uses=("bishop-gromov",),
)
def curved(scale: Fraction = Fraction(1)) -> Evidence:
    """See `curvature`; Gr(d, 2d) is complete, being compact, so Bishop and Gromov apply."""
    return curvature(scale)


@proves(
    "lem-ball",
    "the volume of the Grassmannian, and the radius",
    by=Trust.ENCLOSED,
    mutant=Mutant("the known volumes are taken to be twice as large", times=2),
    uses=("lem-disagreement",),
)
def volumes(times: int = 1) -> Evidence:
    """Volume: vol Gr = prod_{d<i<=2d} A_i / prod_{i<=d} A_i, A_i = 2 pi^{i/2} / Gamma(i/2), the sphere's area.

    O(n) fibres over the sphere of R^n with fibre O(n-1). Known: lines in the plane, pi; Gr(2, 4), half of the product
    of two spheres of radius 1/sqrt 2, 2 pi^2. So C_1 = 1/pi and C_2 = 4 sqrt 2/pi^3, to 10^-12. Radius: rho <= 2 eps
    forces sum sin^2 theta_i <= (pi eps/kappa_d)^2, and theta <= (pi/2) sin theta on [0, pi/2], where sin is concave.
    """
    known = {1: "log(t*pi)", 2: "log(t*2*pi**2)"}
    constants = {1: "1/1/pi", 2: "4*sqrt(2)/pi**3"}
    parts = [
        part
        for d in (1, 2)
        for pair in ((f"log_grassmannian(d) - ({known[d]})"), (f"orbit_constant(d) - ({constants[d]})"))
        for part in within(pair, {"d": d, "t": times})
    ]
    return all_of(
        *parts,
        decide.same_polynomial("1/2*p*(p*e*k)", "1/2*p**2*e*k"),
        summary="vol Gr(1,2) = pi and vol Gr(2,4) = 2 pi^2; the geodesic radius is at most pi^2 eps / (2 kappa_d)",
    )


def within(difference: str, values: dict[str, int]) -> tuple[Evidence, Evidence]:
    """Is an expression zero to 12 digits? Enclosed from both sides."""
    tiny = "1/1000000000000"
    return decide.enclosed(difference, "<", tiny, values), decide.enclosed(difference, ">", f"-{tiny}", values)


def stirling(x_minus_half: Term, log_x: Term, x: Term, correction: Term) -> Term:
    """(x - 1/2) log x - x + log(2 pi)/2 + correction."""
    return x_minus_half * log_x - x + Fraction(1, 2) * LOG_2PI + correction


@proves(
    "lem-ball",
    "the limit constant is a bound for every d: induction step",
    by=Trust.EXACT,
    mutant=Mutant("the quadratic coefficient -3/4 is replaced by -2/3", coefficient=Fraction(-2, 3)),
    uses=("stirling",),
)
def induction(coefficient: Fraction = Fraction(-3, 4)) -> Evidence:
    """E(d) = d^2 (log d/2 + log 2/2 - 3/4) + log(pi d^2)/2 - G(d) grows with d.

    G(d) = sum_{i<=d} log Gamma((d+i)/2) / Gamma(i/2). With D = d + 1:
    G(D) - G(d) = log Gamma(D - 1/2) + log Gamma(D) - 2 log Gamma(D/2). Used, for 0 < x < 1:
    log(1 - x) <= -x, and -log(1 - x) >= x + x^2/2 + x^3/3 (its derivative exceeds by x^3/(1-x)).
    Then E(D) - E(d) >= (log 2)/2 + 7/(12 D) - 1/(12D - 6) + positive terms, for every D >= 2.
    """
    minus_one, small = DIM - one(), scalar("1/(12D-6)")
    above = stirling(minus_one, LOG_DIM - Fraction(1, 2) * INV, DIM - Fraction(1, 2) * one(), small)
    above = above + stirling(DIM - Fraction(1, 2) * one(), LOG_DIM, DIM, Fraction(1, 12) * INV)
    below = stirling(Fraction(1, 2) * minus_one, LOG_DIM - LOG_2, Fraction(1, 2) * DIM, zero())
    growth_g = above - 2 * below
    tail = INV + Fraction(1, 2) * INV * INV + Fraction(1, 3) * INV * INV * INV  # at most -log(1 - 1/D)
    growth_r = Fraction(1, 2) * ((2 * DIM - one()) * LOG_DIM + minus_one * minus_one * tail)
    growth_r = (
        growth_r + (Fraction(1, 2) * LOG_2 + coefficient * one()) * (2 * DIM - one()) + INV + Fraction(1, 2) * INV * INV
    )
    rest = Fraction(1, 2) * LOG_2 + Fraction(7, 12) * INV - small
    rest = rest + Fraction(5, 12) * INV * INV + Fraction(1, 6) * INV * INV * INV
    return all_of(
        decide.every(
            "G(d+1) - G(d) as a formal sum of log Gamma(i/2), d <= 30",
            range(1, 31),
            lambda d: _increment(d) == {2 * d + 1: 1, 2 * d + 2: 1, d + 1: -2},
        ),
        decide.same_polynomial("1 - (1 - x)*(1 + x + x**2)", "x**3"),
        decide.equal_terms(growth_r - growth_g, rest, INVERSE),
        decide.same_polynomial("7*(12*(2 + k) - 6) - 12*(2 + k)", "102 + 72*k"),
        summary="E(d+1) - E(d) > (log 2)/2 for every d >= 1, since 7/(12D) > 1/(12D-6)",
    )


@proves(
    "lem-ball",
    "the limit constant is a bound for every d: start and bookkeeping",
    by=Trust.ENCLOSED,
    mutant=Mutant("C is claimed to be larger by a factor e", exponent="5/4"),
    uses=("stirling", "lem-disagreement"),
)
def start(exponent: str = "1/4") -> Evidence:
    """d^2 log(C_d/C) >= E(d): log Gamma(d^2/2+1) by Stirling, kappa_d by sqrt(2/(pi d)); and E(1) > 0."""
    d2, log_d, log_pi, quarter = map(scalar, ("d^2", "log d", "log pi", "exponent"))
    half = Fraction(1, 2)
    gamma_term = d2 * log_d - half * d2 * LOG_2 - half * d2 + scalar("log(pi d^2)/2")  # lower bound, x = d^2/2
    kappa_term = d2 * (Fraction(3, 2) * LOG_2 - 2 * log_pi - half * log_pi - half * log_d)
    target = d2 * (quarter - 2 * log_pi - half * log_pi + half * LOG_2)
    stated = d2 * (half * log_d + half * LOG_2 - Fraction(3, 4) * one()) + scalar("log(pi d^2)/2")
    return all_of(
        decide.equal_terms(
            gamma_term + kappa_term - target, stated, [rule("the exponent of C", quarter, Fraction(exponent) * one())]
        ),
        decide.enclosed("1/2*log(2) - 3/4 + log(pi)", ">", "0", {}),
        decide.enclosed("exp(1/4)/(pi**2*sqrt(1/2*pi))", ">", "1038/10000", {}),
        summary="d^2 log(C_d/C) >= E(d) and E(1) = (log 2)/2 - 3/4 + log pi > 0",
    )


@proves(
    "lem-ball",
    "C_d > C confirmed by balls, d = 1..64 and up to 10^4",
    by=Trust.ENCLOSED,
    mutant=Mutant("C is claimed to be 0.105", limit="105/1000"),
)
def confirmed(limit: str = LIMIT) -> Evidence:
    """The exact expression at finite d, independent of the induction."""
    dimensions = [*range(1, 65), 256, 1536, 10**4]
    return all_of(
        *(decide.enclosed("orbit_constant(d)", ">", limit, {"d": d}) for d in dimensions),
        summary=f"C_d > {limit} for {len(dimensions)} values of d",
    )


@proves(
    "lem-ball",
    "a maximal packing covers, so it is large",
    by=Trust.EXACT,
    mutant=Mutant("balls of half the radius are claimed to cover", part=2),
)
def covering(part: int = 1) -> Evidence:
    """A maximal set with pairwise rho > 2 eps is finite and its closed 2 eps-balls cover the orbit: D mu(ball) >= 1.

    Checked exactly on every orbit of S_4 on {+-1}^4, for the greedy packing at each radius.
    """

    def holds(case: tuple[int, int]) -> bool:
        ones, radius = case
        orbit = sorted(set(itertools.permutations([1] * ones + [-1] * (4 - ones))))
        packed: list[tuple[int, ...]] = []
        for h in orbit:
            if all(_apart(h, f) > radius for f in packed):
                packed.append(h)
        ball = max(sum(_apart(h, f) <= radius // part for f in orbit) for h in orbit)
        return len(packed) * ball >= len(orbit)

    cases = [(ones, radius) for ones in range(5) for radius in range(5)]
    return decide.every("packing number times ball >= orbit: ones, radius", cases, holds)


def _increment(d: int) -> dict[int, int]:
    """G(d+1) - G(d) as a formal sum of log Gamma(i/2), zero coefficients left out."""

    def formal(n: int) -> Counter[int]:
        return Counter(dict.fromkeys(range(n + 1, 2 * n + 1), 1)) + Counter()

    change = formal(d + 1)
    change.subtract(formal(d))
    change.subtract(Counter(range(1, d + 2)))
    change.update(Counter(range(1, d + 1)))
    return {i: c for i, c in change.items() if c}


def _apart(h: Sequence[int], f: Sequence[int]) -> int:
    """Number of the four points where two functions differ."""
    return sum(a != b for a, b in zip(h, f, strict=True))
