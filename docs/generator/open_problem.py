"""The open problem after Equation (7), to be checked in ten minutes."""

from __future__ import annotations

import bisect
import math
from fractions import Fraction
from typing import Any

from generator.markdown import Pages, Record, display, label, link, page, table, text, to_claims, word
from generator.ten_minutes import alarm, claim_of, program, shown_by, standing
from theory import decide, quadratic
from theory.complexity import Bound
from theory.quadratic_volume import LIMIT

CLAIM, UPPER = "thm-5.2-rate", "upper-5.2"
WANTED = {CLAIM: "CERTIFIED", UPPER: "CERTIFIED"}
HALF = Fraction(1, 2)
DIMENSIONS = (2, 4, 8, 16, 64)
POWERS = (3, 4, 5, 6)
"""The errors 10^-k that are asked for."""
COMPARED = 8
GRID = [Fraction(k, 10**j) for j in (6, 5, 4) for k in range(10, 100)]
"""Errors with two digits, increasing; beyond them both bounds come to say nothing."""

# One sentence for each link of the argument, and the steps (or, with no name, the claims) that show it.
CHAIN: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "An equivariant learner does as well on every target $h^* \\circ U$ as on $h^*$: it learns the whole orbit "
        "$\\{h_Q = \\operatorname{sign}(x^\\top Q x) : Q = U^\\top J U\\}$, under the one law $N(0, I_{2d})$.",
        (("thm-5.1", ""),),
    ),
    (
        "The orbit is the Grassmannian: the symmetric $Q$ with $Q^2 = I$ and $\\operatorname{tr} Q = 0$, a variety of "
        "dimension $m = d^2$, cut out by equations of degree 2, in the traceless symmetric matrices, a space of "
        "dimension $k = 2d^2 + d - 1$.",
        ((CLAIM, "the orbit is one component of a variety of dimension d^2"),),
    ),
    (
        "Two functions of the orbit disagree with probability at least $\\tfrac{2}{\\pi} \\kappa_d "
        "(\\sum_i \\sin^2 \\theta_i)^{1/2}$, where $\\theta_i$ are the principal angles between their $+1$ "
        "eigenspaces.",
        (("lem-disagreement", ""),),
    ),
    (
        "So the functions within $2\\varepsilon$ of a given one lie in a geodesic ball of radius "
        "$\\pi^2 \\varepsilon / (2 \\kappa_d)$. Curvature is not negative, hence the ball is no larger than a "
        "Euclidean one (Bishop, Gromov); divided by the volume of the Grassmannian, its measure is at most "
        "$(\\varepsilon / C_d)^m$.",
        (("lem-ball", ""),),
    ),
    (
        "Fix the inputs and the learner's coin. It can say one thing for each pattern of labels, and each thing is "
        "right, up to $\\varepsilon$, for at most one of the functions of a $2\\varepsilon$-packing: "
        "$(1 - \\delta) (C_d / \\varepsilon)^m \\le \\Pi(n)$, the number of patterns that the orbit shows on $n$ "
        "points. This holds for both readings of a randomised learner.",
        (("thm-4.2", ""), ("lem-ball", "a maximal packing covers, so it is large")),
    ),
    (
        "**The new step.** Labels are signs of *linear* forms $Q \\mapsto x^\\top Q x$ on a variety of dimension $m$. "
        "Barone and Basu bound the sign conditions of $n$ such forms by a polynomial of degree $m$ in $n$: "
        "$\\Pi(n) \\le s_d\\, 4^k \\binom{n + k + 2}{m}$. The exponent $m$ is that of the ball. "
        "Counting all $2^n$ patterns gives $\\log(1/\\varepsilon)$ in place of $1/\\varepsilon$; the VC dimension, at "
        "most $k$, gives about $\\varepsilon^{-1/2}$.",
        ((CLAIM, "the number of label patterns"),),
    ),
    (
        "With $\\binom{N}{m} \\le (eN/m)^m$ and $4^k = 16^m 4^{d-1}$, take $m$-th roots of "
        "$(1 - \\delta)(C_d/\\varepsilon)^m \\le s_d\\, 16^m\\, 4^{d-1} (e N/m)^m$, $N = n + 2d^2 + d + 1$, "
        "and solve for $n$.",
        (
            (CLAIM, "binomials against powers"),
            (CLAIM, "solved for n, for both readings of a randomised learner"),
        ),
    ),
    (
        "The constant does not fade with $d$: $C_d > C$ for every $d$, by induction with Stirling's bounds.",
        (
            ("lem-ball", "the limit constant is a bound for every d: induction step"),
            (CLAIM, "a constant for every d"),
        ),
    ),
)

PROGRAM = """
from math import ceil, comb, e, exp, lgamma, log, pi

d, eps, delta = 4, 1e-4, 0.5
m = d * d  # dimension of the orbit
k = 2 * m + d - 1  # dimension of the space of matrices it lies in

def patterns(n):  # Barone and Basu: n linear forms (D = 1), equations of degree D_0 = 2
    return sum(4**j * comb(n + 1, j) * F(j) for j in range(m + 1))

def F(j):
    return comb(k + 1, k - m + j + 1) * 4 ** (k - m) * 4 ** (m - j) + 2 * (k - j + 1)

def log_area(i):  # of the unit sphere of R^i
    return log(2) + i / 2 * log(pi) - lgamma(i / 2)

log_volume = sum(log_area(d + i) - log_area(i) for i in range(1, d + 1))  # of Gr(d, 2d)
log_ball = m / 2 * log(pi) - lgamma(m / 2 + 1)  # volume of the unit ball of R^m
kappa = exp(lgamma(d / 2) - lgamma((d + 1) / 2)) / pi**0.5
C = 2 * kappa / pi**2 * exp((log_volume - log_ball) / m)

few, enough = 0, 10**12  # numbers of samples with too few patterns, and with enough
while enough - few > 1:
    n = (few + enough) // 2
    fits = log(patterns(n)) >= log(1 - delta) + m * log(C / eps)
    few, enough = (few, n) if fits else (n, enough)

s = 1 + (4 * m + 2 * d) * 4.0 ** (1 - d - m)
c = C / (16 * e) * ((1 - delta) * 4.0 ** (1 - d) / s) ** (1 / m)
stated = ceil(c * m / eps - (2 * m + d + 1))
assert stated <= enough, "the stated bound asks for more than the counting gives"
print(f"d = {d}, eps = {eps}, delta = {delta}: C_d = {C:.6f}, c_d = {c:.6f}")
print(f"stated bound: {stated} samples; solving the counting exactly: {enough} samples")
"""


def pages(report: Record) -> Pages:
    """The page."""
    claim = claim_of(report, CLAIM)
    return {
        "open-problem.md": "(open-problem)=\n"
        + page(
            "The open problem: d²/ε samples for one task",
            alarm(report, WANTED),
            LEAD,
            standing(report, WANTED),
            QUESTION,
            "## What is stated here",
            display(claim["statement"]),
            "\n".join(f"- {{math}}`{h}`" for h in claim["hypotheses"]),
            ORDER.format(upper=to_claims([UPPER])),
            "## The argument",
            "\n".join(f"{i}. {words} *Shown by* {shown_by(report, by)}." for i, (words, by) in enumerate(CHAIN, 1)),
            "## What it rests on",
            rests(report, claim),
            "## Numbers",
            numbers(),
            comparison(),
            "## Recompute one number",
            RECOMPUTED,
            program(PROGRAM, "open-problem.md"),
            "## Where to attack it",
            attack(report),
        )
    }


LEAD = (
    "A single task, one target under one input law, for which every orthogonal-equivariant learner needs of order "
    "$d^2/\\varepsilon$ samples. This answers the question that the paper asks after Equation (7), *if* the cited "
    "theorems below are as we quote them."
)
QUESTION = (
    "## What the paper leaves open\n\n"
    "The task: $x \\sim N(0, I_{2d})$, label $h^*(x) = \\operatorname{sign}(\\|x_{1:d}\\|^2 - \\|x_{d+1:2d}\\|^2)$. "
    "Theorem 5.2 shows that every orthogonal-equivariant learner needs $\\Omega(d^2)$ samples for some fixed error, "
    "and Equation (7) that it needs $\\Omega(d^2 \\varepsilon^{-1/2 + 1/(2d)})$. Theorem 4.1 has "
    "$\\Omega(d^2/\\varepsilon)$, but over all input laws, and Theorem 5.3 over many targets. Is there *one* task, one "
    "target under one law, with $\\Omega(d^2/\\varepsilon)$? The paper leaves that open."
)
ORDER = (
    "So one target under one law costs every $O(2d)$-equivariant learner of order $d^2/\\varepsilon$ samples. {upper} "
    "says that some such learner needs at most $\\lceil (2d^2 + d - 1)/\\varepsilon \\rceil - 1$ for an expected error "
    "of $\\varepsilon$, so the order is exact. The proof has not been refereed."
)
RECOMPUTED = (
    "Standard library only. It counts patterns by Barone and Basu, measures balls by Gamma functions, and finds the "
    "least number of samples for which the counting leaves room. Then it evaluates the stated bound, which is a little "
    "weaker, for it replaces binomials by powers."
)


def rests(report: Record, claim: Record) -> str:
    """The cited theorems at the leaves, with their sources."""
    cited = [claim_of(report, id) for id in claim["rests_on"]]
    if not cited:
        return "According to the report, on no cited theorem."
    rows = "\n".join(f"- {to_claims([c['id']])}, {c['trust'] or 'no trust'}: {text(c['source'])}." for c in cited)
    return (
        f"{len(cited)} published theorems that are not proved here. They are CITED: we use them as we recall them, and "
        f"their numbers were not compared with the printed papers.\n\n{rows}"
    )


def numbers() -> str:
    """The constant, and the bound at several d and eps."""
    rows = [
        (
            str(d),
            down(constant(d), 5),
            f"{float(half_left(d)):g}",
            f"{float(wins_from(d)):g}",
            *(_number(quadratic.rate_lower_bound(d, _power(k), HALF)) for k in POWERS),
        )
        for d in DIMENSIONS
    ]
    wins = f"beats {to_claims(['thm-5.2-explicit'])} for ε up to"
    return (
        f"For δ = 1/2: the constant $c_d$; the error $\\varepsilon_0(d)$ from which on at least half of "
        f"$c_d d^2/\\varepsilon$ is left; the error from which on it beats the bound that counts $2^n$ patterns; and "
        f"{to_claims([CLAIM])} in samples.\n\n"
        + table(("d", "$c_d$", "$\\varepsilon_0(d)$", wins, *(f"n at least, ε = {_shown(k)}" for k in POWERS)), rows)
    )


def comparison() -> str:
    """The three lower bounds and the upper bound side by side at one d."""
    d, rows = COMPARED, []
    for k in (2, *POWERS):
        lower = (quadratic.explicit_lower_bound(d, _power(k), HALF).n, long_form(d, _power(k)))
        found = (*lower, quadratic.rate_lower_bound(d, _power(k), HALF).n)
        best = max(n for n in found if n is not None)
        cells = ("not claimed" if n is None else f"**{n:,}**" if n == best else f"{n:,}" for n in found)
        rows.append((_shown(k), *cells, f"{quadratic.upper_bound(d, _power(k), HALF).n:,}"))
    least = max(POWERS)
    gap = quadratic.upper_bound(d, _power(least)).n / quadratic.rate_lower_bound(d, _power(least)).n
    heads = (to_claims([id]) for id in ("thm-5.2-explicit", "eq-7", CLAIM, UPPER))
    return (
        f"At d = {d}, δ = 1/2, beside the other lower bounds (the greatest in bold; Long's form is claimed only from "
        "$d^2$ samples on) and beside the number of samples with which some equivariant learner does:\n\n"
        + table(("ε", *heads), rows)
        + f"\nThe orders agree, the constants do not: for the expected error at d = {d}, ε = {_shown(least)} the upper "
        f"bound is {gap:,.0f} times the lower one."
    )


def attack(report: Record) -> str:
    """The weakest links, weakest first."""
    found = [
        "**Barone and Basu's count**, the only source of the exponent $m = d^2$. "
        f"{to_claims(['barone-basu-2012'])} was compared with the abstract of the arXiv version alone. Another "
        "constant in it would change $c_d$ only. But were just the classical bound in the ambient space at hand, of "
        "degree $k \\approx 2d^2$ in $n$, then the rate would fall to about $\\varepsilon^{-1/2}$. Is the count "
        "applied to the right variety: real dimension, degree of its equations, signs of forms that vanish at a point?",
        "**Bishop and Gromov on the Grassmannian**: the metric in which the volume is taken must be that of the "
        "principal angles. " + shown_by(report, [("lem-ball", "the volume of the Grassmannian, and the radius")]) + " "
        "holds it against the known volumes of Gr(1, 2) and Gr(2, 4).",
        f"**The disagreement formula** of {to_claims(['lem-disagreement'])}. It is also measured, as are balls and "
        "packings: see [](simulations/constants.md).",
        f"**Measurability** of what an arbitrary learner outputs, which {to_claims(['thm-4.2'])} puts among its "
        "hypotheses.",
        "**The size of the constant.** The bound says nothing until ε is small, as the tables show. That is no gap in "
        "the proof, but it leaves little room for a test by experiment. [](simulations/quadratic.md) could contradict "
        f"it: {tested(report)}.",
    ]
    return "\n".join(f"{i}. {words}" for i, words in enumerate(found, 1))


def tested(report: Record) -> str:
    """What the experiment on this task says of the claim, and how far off it was."""
    held = [m for m in report["measurements"] if m["claim"] == CLAIM and m["by"] == "SIMULATED"]
    return "; ".join(map(_tested, held)) or "not measured in this report"


def _tested(m: Record) -> str:
    """The margin is that of the worst point; the other number, how false a claim the intervals would refute."""
    margin, sharpness = (m["certificate"].get(name) for name in ("margin", "sharpness"))
    said = f"{link(m['name'], label(m))}: {word(m['verdict'], m['expected'])}"
    said += f", margin {margin:+.3g}" if margin is not None else ", margin not in this report"
    return said + (f"; it would refute a bound on the error {sharpness:.3g} times as large" if sharpness else "")


def constant(d: int) -> float:
    """c_d(1/2), read off the bound: (its enclosure + 2d^2 + d + 1) eps / d^2."""
    import flint

    bound = quadratic.rate_lower_bound(d, "1/1000", HALF)
    return float((flint.arb(bound.enclosure) + 2 * d * d + d + 1) / (1000 * d * d))


def down(number: float, digits: int) -> str:
    """With so many decimals, rounded down, so that a constant of a lower bound still is one."""
    return f"{math.floor(number * 10**digits) / 10**digits:.{digits}f}"


def half_left(d: int) -> Fraction:
    """The greatest error with two digits that is at most eps_0(d) = c_d d^2 / (4d^2 + 2d + 2)."""
    return GRID[bisect.bisect_right(GRID, constant(d) * d * d / (4 * d * d + 2 * d + 2)) - 1]


def wins_from(d: int) -> Fraction:
    """The greatest error with two digits at which the rate is the greater lower bound: they cross once in `GRID`."""

    def lost(eps: Fraction) -> bool:
        return quadratic.rate_lower_bound(d, eps, HALF).n <= quadratic.explicit_lower_bound(d, eps, HALF).n

    return GRID[bisect.bisect_left(GRID, True, key=lost) - 1]


def long_form(d: int, eps: Fraction) -> int | None:
    """Claim eq-7 at delta = 1/2; None where it is not claimed."""
    stated = f"exp(log(d**2) - 1 + log(x)/d**2 + (1/2 - 1/2/d)*log({LIMIT}/e))"
    ball: Any = decide.difference_ball(stated, {"d": d, "x": HALF, "e": eps}).lower()
    n = int(ball.ceil().unique_fmpz())
    return n if ball >= d * d else None


def _power(k: int) -> Fraction:
    return Fraction(1, 10**k)


def _shown(k: int) -> str:
    return f"$10^{{-{k}}}$"


def _number(bound: Bound) -> str:
    return "says nothing" if bound.vacuous else f"{bound.n:,}"
