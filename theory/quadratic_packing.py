r"""Lemma D.4 and Theorem 5.2 with their constants: volumes of balls against the volume of the orbit.

A ball of radius rho < 2 eps around a point of the orbit lies in a geodesic ball of the Grassmannian Gr(d, 2d), whose
volume Bishop and Gromov bound by the Euclidean one. Dividing by vol Gr(d, 2d) gives its Haar measure, and the counting
argument of Theorem 4.2 the number of samples. The constants are

    C_d = (vol Gr(d, 2d) / omega_{d^2})^{1/d^2} 2 kappa_d / pi^2   and   C = e^{1/4} / (pi^2 sqrt(pi/2)) = 0.1038...,

and C_d > C for every d: shown by induction on d with Stirling's bounds, and confirmed by balls.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.quadratic_volume import LIMIT
from theory.rewriting import rule
from theory.terms import Term, one, scalar, zero

PAPER = "Li, Zhang, Arora (ICLR 2021)"
GAUSSIAN = r"P_X = N(0, I_{2d}),\ h^*(x) = \operatorname{sign}(\|x_{1:d}\|^2 - \|x_{d+1:2d}\|^2),\ d \ge 1"

claim(
    "lem-d.4",
    kind="lemma",
    title="Packing of the bilinear family",
    statement=r"D(\{h_U : U \in SO(d)\}, \rho, \varepsilon) \ge \Bigl(\frac{C}{\varepsilon}\Bigr)^{d(d-1)/2}, \quad "
    r"C = \frac{2 e^{1/4}}{\pi^2 \sqrt{\pi/2}} \ge 0.2076",
    source=f"{PAPER}, Lemma D.4 (statement reconstructed); the constant is ours",
    hypotheses=(
        r"x \sim N(0, I_{2d}),\ d \ge 2,\ \varepsilon > 0",
        r"D(\cdot, \rho, \varepsilon): \text{ the most functions with pairwise distance } > \varepsilon",
    ),
    uses=("lem-d.2", "lem-disagreement"),
)
claim(
    "thm-5.2-explicit",
    kind="theorem",
    title="One function, one distribution, with constants",
    statement=r"\mathcal{N}(\mathcal{A}, P, \varepsilon, \delta) \ge "
    r"\log_2 \frac{(1-\delta) \operatorname{vol} Gr(d, 2d)}{\omega_{d^2} (\pi^2 \varepsilon / (2 \kappa_d))^{d^2}} "
    r"\ge d^2 \log_2 \frac{C}{\varepsilon} + \log_2(1-\delta), "
    r"\quad C = \frac{e^{1/4}}{\pi^2 \sqrt{\pi/2}} \ge 0.1038; "
    r"\qquad \mathcal{N}^*(\varepsilon) \ge d^2 \log_2 \frac{C}{2\varepsilon} - 1",
    source="ours, sharpening Theorem 5.2 of Li, Zhang, Arora (ICLR 2021) on the whole orbit",
    hypotheses=(
        GAUSSIAN,
        r"\mathcal{A} \text{ is } O(2d)\text{-equivariant, possibly randomised};\ \varepsilon > 0,\ 0 \le \delta < 1",
        r"\omega_m = \pi^{m/2} / \Gamma(m/2+1);\ \kappa_d \text{ as in lem-disagreement}",
    ),
    uses=("def-3.2", "def-3.3", "lem-disagreement"),
)
claim(
    "thm-5.2",
    kind="theorem",
    title="One function, one distribution",
    statement=r"\mathcal{N}^*(\mathcal{A}, P, \tfrac1{100}) \ge d^2 \text{ for every } O(2d)\text{-equivariant } "
    r"\mathcal{A}, \text{ so } \varepsilon_0 = \tfrac1{100} \text{ and } \Omega(d^2) = d^2 \text{ do}",
    source=f"{PAPER}, Theorem 5.2, with eps_0 and the constant",
    hypotheses=(GAUSSIAN,),
    uses=("def-3.3",),
)

D, U, L, L2, P = map(scalar, ("D", "1/D", "log D", "log 2", "log 2pi"))
INVERSE = [rule("D (1/D) = 1", D * U, one())]
SMALL = scalar("1/(12D-6)")


@proves(
    "thm-5.2-explicit",
    "the volume of the Grassmannian and its balls",
    by=Trust.ENCLOSED,
    mutant=Mutant("the half circle is claimed to have length 2 pi", length="2*pi"),
    uses=("bishop-gromov", "lem-disagreement"),
)
def volumes(length: str = "pi") -> Evidence:
    """Vol Gr = prod_{d<i<=2d} A_i / prod_{i<=d} A_i, A_i = 2 pi^{i/2} / Gamma(i/2) the area of the unit sphere of R^i.

    (O(n) fibres over the sphere of R^n with fibre O(n-1), metric sum of squared principal angles.) At d = 1 it is a
    circle of lines, of length pi. Radii: rho <= 2 eps forces sum sin^2 <= (pi eps/kappa)^2, and
    theta <= (pi/2) sin theta.
    """
    area_1, area_2 = "2*sqrt(pi)/gamma(1/2)", "2*pi/gamma(1/1)"
    return all_of(
        decide.enclosed(f"({area_2})/({area_1}) - {length}", "<", "1/1000000000000", {}),
        decide.enclosed(f"({area_2})/({area_1}) - {length}", ">", "-1/1000000000000", {}),
        decide.same_polynomial("1/2*p*(p*e*k)", "1/2*p**2*e*k"),
        summary="(pi/2) (pi eps / kappa_d) = pi^2 eps / (2 kappa_d) bounds the geodesic radius; vol Gr(1, 2) = pi",
    )


@proves(
    "thm-5.2-explicit",
    "an equivariant learner learns the whole orbit, and 2^n outputs cover little of it",
    by=Trust.EXACT,
    mutant=Mutant("balls of radius eps instead of 2 eps", radius=1),
    uses=("thm-4.2", "thm-5.1", "lem-disagreement"),
)
def counting(radius: int = 2) -> Evidence:
    """Fix inputs and coin: each of at most 2^n outputs serves orbit points within eps of it, so 2 eps of one another.

    Averaging over Haar U: 1 - delta <= 2^n mu(ball of radius 2 eps around an orbit point), mu the Haar measure. A
    learner that outputs a law on hypotheses is one point too, for E rho(h, .) obeys the triangle inequality; x'Qx = 0
    is a null set. The same inequality is checked exactly on every orbit of S_4 on {+-1}^4, best learner, n <= 2.
    """
    cases = [(k, n, e) for k in range(5) for n in range(3) for e in range(3)]

    def holds(case: tuple[int, int, int]) -> bool:
        k, n, e = case
        orbit = sorted(set(itertools.permutations([1] * k + [-1] * (4 - k))))
        ball = max(sum(_apart(h, f) <= radius * e for f in orbit) for h in orbit)
        return bool(_best_success(orbit, n, e) <= 2**n * Fraction(ball, len(orbit)))

    return decide.every("success of the best learner <= 2^n mu(ball): ones, samples, 4 eps", cases, holds)


@proves(
    "thm-5.2-explicit",
    "from N to N*: Markov at 2 eps",
    by=Trust.EXACT,
    mutant=Mutant("delta = 1/4 is taken with 2 eps", delta=Fraction(1, 4)),
    uses=("def-3.3",),
)
def markov(delta: Fraction = Fraction(1, 2)) -> Evidence:
    """N(2 eps, 1/2) <= N*(2 eps / 2) = N*(eps) by Definition 3.3, and log2(1 - 1/2) = -1."""
    return all_of(
        decide.rational("2 delta", 2 * delta, "==", 1),
        decide.rational("1 - delta", 1 - delta, "==", Fraction(1, 2)),
        summary="N*(eps) >= N(2 eps, 1/2) >= d^2 log2(C/(2 eps)) - 1",
    )


def stirling(x_minus_half: Term, log_x: Term, x: Term, correction: Term) -> Term:
    """(x - 1/2) log x - x + log(2 pi)/2 + correction."""
    return x_minus_half * log_x - x + Fraction(1, 2) * P + correction


@proves(
    "thm-5.2-explicit",
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
    minus_one = D - one()
    above = stirling(minus_one, L - Fraction(1, 2) * U, D - Fraction(1, 2) * one(), SMALL)
    above = above + stirling(D - Fraction(1, 2) * one(), L, D, Fraction(1, 12) * U)
    below = stirling(Fraction(1, 2) * minus_one, L - L2, Fraction(1, 2) * D, zero())
    growth_g = above - 2 * below
    tail = U + Fraction(1, 2) * U * U + Fraction(1, 3) * U * U * U  # at most -log(1 - 1/D)
    growth_r = Fraction(1, 2) * ((2 * D - one()) * L + minus_one * minus_one * tail)
    growth_r = growth_r + (Fraction(1, 2) * L2 + coefficient * one()) * (2 * D - one()) + U + Fraction(1, 2) * U * U
    rest = Fraction(1, 2) * L2 + Fraction(7, 12) * U - SMALL
    rest = rest + Fraction(5, 12) * U * U + Fraction(1, 6) * U * U * U
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
    "thm-5.2-explicit",
    "the limit constant is a bound for every d: start and bookkeeping",
    by=Trust.ENCLOSED,
    mutant=Mutant("C is claimed to be larger by a factor e", exponent="5/4"),
    uses=("stirling", "lem-disagreement"),
)
def start(exponent: str = "1/4") -> Evidence:
    """d^2 log(C_d/C) >= E(d): log Gamma(d^2/2+1) by Stirling, kappa_d by sqrt(2/(pi d)); and E(1) > 0."""
    d2, log_d, log_pi, quarter = map(scalar, ("d^2", "log d", "log pi", "exponent"))
    half = Fraction(1, 2)
    gamma_term = d2 * log_d - half * d2 * L2 - half * d2 + scalar("log(pi d^2)/2")  # lower bound, x = d^2/2
    kappa_term = d2 * (Fraction(3, 2) * L2 - 2 * log_pi - half * log_pi - half * log_d)
    target = d2 * (quarter - 2 * log_pi - half * log_pi + half * L2)
    stated = d2 * (half * log_d + half * L2 - Fraction(3, 4) * one()) + scalar("log(pi d^2)/2")
    return all_of(
        decide.equal_terms(
            gamma_term + kappa_term - target, stated, [rule("the exponent of C", quarter, Fraction(exponent) * one())]
        ),
        decide.enclosed("1/2*log(2) - 3/4 + log(pi)", ">", "0", {}),
        decide.enclosed("exp(1/4)/(pi**2*sqrt(1/2*pi))", ">", "1038/10000", {}),
        summary="d^2 log(C_d/C) >= E(d) and E(1) = (log 2)/2 - 3/4 + log pi > 0",
    )


@proves(
    "thm-5.2-explicit",
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
    "thm-5.2",
    "eps_0 = 1/100",
    by=Trust.ENCLOSED,
    mutant=Mutant("eps_0 = 1/40", eps=Fraction(1, 40)),
    uses=("thm-5.2-explicit",),
)
def printed(eps: Fraction = Fraction(1, 100)) -> Evidence:
    """d^2 log2(C/(2 eps)) - 1 >= d^2 as soon as log2(C/(2 eps)) >= 2, for every d >= 1."""
    return decide.enclosed("log(exp(1/4)/(pi**2*sqrt(1/2*pi))/(2*e))/log(2)", ">", "2", {"e": eps})


@proves(
    "lem-d.4",
    "the volume of SO(d) and its balls",
    by=Trust.EXACT,
    mutant=Mutant("each sphere is scaled by 2 instead of sqrt 2", power=2),
    uses=("bishop-gromov", "lem-disagreement"),
)
def rotations(power: int = 1) -> Evidence:
    """In the Frobenius metric vol SO(d) = 2^{m/2} prod_{2<=i<=d} A_i, m = d(d-1)/2 = sum of the spheres' dimensions.

    |U-V|_F^2 = 8 sum sin^2(theta_i/2) and geodesic^2 = 2 sum theta_i^2, theta <= pi sin(theta/2), so geodesic <= (pi/2)
    |U-V|_F; rho <= eps forces |U-V|_F <= pi eps/kappa_d. A maximal packing covers, so D mu(ball) >= 1.
    """
    return all_of(
        decide.every(
            "exponent of sqrt 2: sum_{i=2}^d (i-1) = d(d-1)/2",
            range(2, 60),
            lambda d: power * sum(i - 1 for i in range(2, d + 1)) == d * (d - 1) // 2,
        ),
        decide.same_polynomial("1/2*(d + 1)*d - 1/2*d*(d - 1)", "d"),
        decide.same_polynomial("2*(p*t)**2*4", "8*p**2*t**2"),
        summary="exponent m = d(d-1)/2 by induction: m(d+1) - m(d) = d",
    )


@proves(
    "lem-d.4",
    "C = 2 e^{1/4} / (pi^2 sqrt(pi/2)) for every d: induction step",
    by=Trust.ENCLOSED,
    mutant=Mutant("the coefficient -3/4 is replaced by -2/3", coefficient=Fraction(-2, 3)),
    uses=("stirling",),
)
def rotations_induction(coefficient: Fraction = Fraction(-3, 4)) -> Evidence:
    """B(d) = (m/2) log((d-1)/2) - 3m/4 + log(pi m)/2 + (d-1) log(2 sqrt pi) - sum_{2<=i<=d} log Gamma(i/2) grows.

    Here D = d. B(d+1) - B(d) >= (log 2)/2 - 1/8 - 1/(8d) - 1/(6(d+1)) > 0 for d >= 2, by Stirling above at (d+1)/2,
    log(1+x) <= x, -log(1-x) >= x + x^2/2, and dropping log((d+1)/(d-1))/2 > 0.
    """
    quarter, half, eighth = Fraction(1, 4), Fraction(1, 2), Fraction(1, 8)
    log_pi, over = scalar("log pi"), scalar("1/(d+1)")
    log_half = L - L2  # log(d/2)
    minus_log = U + half * U * U  # at most -log(1 - 1/d)
    above = half * D * (log_half + U) - half * (D + one()) + half * (L2 + log_pi) + Fraction(1, 6) * over
    growth = quarter * D * (2 * log_half + (D - one()) * minus_log) + coefficient * D
    growth = growth + L2 + half * log_pi - above
    rest = half * L2 - eighth * one() - eighth * U - Fraction(1, 6) * over
    return all_of(
        decide.same_polynomial("1/2*(d + 1)*d*(a) - 1/2*d*(d - 1)*(a)", "d*a"),
        decide.equal_terms(growth, rest, INVERSE),
        decide.same_polynomial("1 - (1 - x)*(1 + x)", "x**2"),
        decide.enclosed("1/2*log(2) - 1/8 - 1/16 - 1/18", ">", "0", {}),
        summary="B(d+1) - B(d) >= (log 2)/2 - 1/8 - 1/(8d) - 1/(6(d+1)) > 0 for every d >= 2",
    )


@proves(
    "lem-d.4",
    "C for every d: start and bookkeeping, and confirmation by balls",
    by=Trust.ENCLOSED,
    mutant=Mutant("C is claimed to be 3 times the orbit's", factor=3),
    uses=("stirling", "lem-disagreement"),
)
def rotations_start(factor: int = 2) -> Evidence:
    """Log of D (eps/C)^m is at least B(d): Stirling for Gamma(m/2+1), kappa_d >= sqrt(2/(pi d)); and B(2) > 0."""
    m, log_m, log_d, log_pi, quarter = map(scalar, ("m", "log m", "log d", "log pi", "1/4"))
    half = Fraction(1, 2)
    rest = scalar("log(pi m)/2") - scalar("S(d)") + scalar("(d-1) log(2 sqrt pi)")
    volume = half * m * L2 - half * m * log_pi + rest + half * m * (log_m - L2) - half * m + half * m * log_pi
    constants = m * (half * L2 - half * log_pi - half * log_d - quarter + half * (log_pi - L2))
    stated = half * m * (log_m - log_d) - Fraction(3, 4) * m + rest
    dimensions = [*range(2, 65), 256, 1536, 10**4]
    return all_of(
        decide.equal_terms(volume + constants, stated, [rule("a quarter", quarter, Fraction(1, 4) * one())]),
        decide.enclosed("1/2*log(1/2) - 3/4 + 1/2*log(pi) + log(2*sqrt(pi))", ">", "0", {}),
        *(decide.enclosed("rotation_constant(d)", ">", f"{factor}*{LIMIT}", {"d": d}) for d in dimensions),
        decide.enclosed(f"2*{LIMIT}", ">", "2076/10000", {}),
        summary=f"B(2) > 0, and the constant of SO(d) exceeds 2C for {len(dimensions)} values of d up to 10^4",
    )


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


def _best_success(orbit: Sequence[tuple[int, ...]], n: int, e: int) -> Fraction:
    """The best chance, over a uniform orbit point and n uniform inputs, of an output with at most e of 4 errors."""
    outputs = list(itertools.product((1, -1), repeat=4))
    total = 0
    for inputs in itertools.product(range(4), repeat=n):
        seen: dict[tuple[int, ...], list[tuple[int, ...]]] = defaultdict(list)
        for h in orbit:
            seen[tuple(h[x] for x in inputs)].append(h)
        total += sum(max(sum(_apart(f, h) <= e for h in group) for f in outputs) for group in seen.values())
    return Fraction(total, len(orbit) * 4**n)
