r"""Theorem B.1: the lower bound by the VC dimension, with constants, and the classical one beside it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.validate import integer, probability

__all__ = ["ehrenfeucht_lower_bound", "vc_lower_bound"]

Number = float | Fraction | str

claim(
    "thm-b.1",
    kind="theorem",
    title="The lower bound by the VC dimension, with constants",
    statement=r"\mathcal{P} = \{P_X \diamond h : P_X \text{ any law},\ h \in H\},\ V = \operatorname{VCdim}(H) \ge 2: "
    r"\quad (1)\ \mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) \ge "
    r"\frac{(1 - 3\delta)(V - 1)}{8\varepsilon}\ (0 < \varepsilon \le \tfrac14,\ 0 \le \delta < \tfrac13), "
    r"\text{ so } \ge \frac{V - 1}{32\varepsilon} "
    r"\text{ for } \delta \le \tfrac14; \quad "
    r"(2)\ \mathcal{N}^*(\mathcal{A}, \mathcal{P}, \varepsilon) \ge \frac{V - 1}{8\varepsilon} "
    r"\ (0 < \varepsilon \le \tfrac14); \quad "
    r"(3)\ \mathcal{N}(\mathcal{A}, \mathcal{P}, \varepsilon, \delta) \ge \frac{\ln(1/(2\delta))}{-\ln(1-\varepsilon)} "
    r"\ge \frac{1-\varepsilon}{\varepsilon} \ln\frac{1}{2\delta} "
    r"\ (0 < \varepsilon < 1,\ 0 < \delta \le \tfrac12), \text{ and } "
    r"\frac{1-\varepsilon}{\varepsilon} \ln\frac1\delta \text{ if } \mathcal{A} \text{ is deterministic}",
    source="Li, Zhang, Arora (ICLR 2021), Theorem B.1 (statement reconstructed, Omega only); constants and proof "
    "are ours. (1) contains Theorem 1 of Ehrenfeucht, Haussler, Kearns, Valiant (1989): "
    "1/32 for delta <= 1/100, eps <= 1/8",
    printed=r"\mathcal{N}(\mathcal{A}, \{\text{all laws}\} \diamond H, \varepsilon, \delta) "
    r"= \Omega\Bigl(\frac{\operatorname{VCdim}(H) + \ln(1/\delta)}{\varepsilon}\Bigr)",
    differs="The appendix was not at hand: the printed form is a reconstruction, with Omega only. The constants, "
    "the ranges of eps and delta and the bound (2) on N* are ours; each of the two summands has a bound of "
    "its own here.",
    hypotheses=(
        r"(1), (2): \mathcal{A} \text{ may be randomised and may output anything; both readings, drawn and averaged}",
        r"(3): \text{the drawn reading}",
    ),
    uses=("def-3.3",),
)


def vc_lower_bound(vc: int, eps: Number, delta: Number) -> int:
    """ceil((1 - 3 delta)(vc - 1)/(8 eps)): no learner does with fewer samples under all laws (claim thm-b.1).

    Args:
        vc: VC dimension of the class, at least 1 (where the bound is 0).
        eps: error in (0, 1/4]; a float is read as the decimal it shows.
        delta: failure probability in (0, 1/3), read likewise.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> vc_lower_bound(101, eps=0.01, delta=0.01)
        1213
    """
    vc, e, d = integer("vc", vc, 1), probability("eps", eps), probability("delta", delta)
    if e > Fraction(1, 4):
        raise ValueError(f"eps: got {eps}, want a number in (0, 1/4] (claim thm-b.1)")
    if d >= Fraction(1, 3):
        raise ValueError(f"delta: got {delta}, want a number in (0, 1/3) (claim thm-b.1)")
    return math.ceil((1 - 3 * d) * (vc - 1) / (8 * e))


def ehrenfeucht_lower_bound(vc: int, eps: Number, delta: Number) -> int:
    """ceil((vc - 1)/(32 eps)): no learner does with fewer samples under all laws (claim ehrenfeucht-1989).

    `vc_lower_bound` is never smaller, has wider ranges, and is proved here.

    Args:
        vc: VC dimension of the class, at least 1 (where the bound is 0).
        eps: error in (0, 1/8]; a float is read as the decimal it shows.
        delta: failure probability in (0, 1/100], read likewise.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> ehrenfeucht_lower_bound(101, eps=0.01, delta=0.01)
        313
    """
    vc, e = integer("vc", vc, 1), probability("eps", eps)
    for name, value, top in (("eps", eps, Fraction(1, 8)), ("delta", delta, Fraction(1, 100))):
        if probability(name, value) > top:
            raise ValueError(f"{name}: got {value}, want a number in (0, {top}] (claim ehrenfeucht-1989)")
    return math.ceil(Fraction(vc - 1) / (32 * e))


@proves(
    "thm-b.1",
    "the hard law: the average error on its rare points",
    by=Trust.EXACT,
    mutant=Mutant("an unseen point costs a third of its mass", cost=Fraction(1, 3)),
)
def hard_law(cost: Fraction = Fraction(1, 2)) -> Evidence:
    """V points are shattered: one has mass 1 - q, V - 1 rare ones have q/(V-1) each, their labels are fair coins.

    The label of an unseen rare point is independent of all that the learner has, so whatever it says costs half of
    the mass: the rare points cost (q/2)(1 - q/(V-1))^n on average, for every V, n and q. Enumerated on small cases:
    the least average cost over all learners, computed from the posterior for every sample, is exactly that.
    """
    cases = [(v, n, q) for v in (2, 3, 4) for n in range(4) for q in (Fraction(1, 5), Fraction(1, 2), Fraction(1))]
    return decide.every(
        "least average error on the rare points, (V, n, q)",
        cases,
        lambda c: _hard_law(*c)[0] == cost * c[2] * (1 - c[2] / (c[0] - 1)) ** c[1],
    )


@proves(
    "thm-b.1",
    "from the average to the tail, q = 4 eps",
    by=Trust.EXACT,
    mutant=Mutant("1/8 is raised to 1/6", constant="1/6"),
    uses=("lem-bernoulli",),
)
def average_to_tail(constant: str = "1/8") -> Evidence:
    """Let x = 4 eps/(V-1), so that the average cost is at least 2 eps (1 - t), t = n x; it is at most 4 eps surely.

    With p = P[cost > eps]: 2 eps (1 - t) <= eps (1 - p) + 4 eps p, so p >= (1 - 2t)/3. If n falls short of
    (1 - 3 delta)(V-1)/(8 eps) by a factor 1 - s, 0 < s <= 1, then t = (1 - 3 delta)(1 - s)/2 and
    (1 - 2t)/3 = delta + s (1 - 3 delta)/3 > delta, so some target fails. The same for N* with
    n = (1 - s)(V-1)/(8 eps): then the average cost is at least 2 eps (1 - t) = eps (1 + s) > eps.
    """
    t = f"(4*({constant})*(1 - 3*d)*(1 - s))"
    return all_of(
        decide.same_polynomial("2*e*(1 - t) - (e*(1 - p) + 4*e*p)", "e*((1 - 2*t) - 3*p)"),
        decide.same_polynomial(f"1 - 2*{t}", "3*d + s*(1 - 3*d)"),
        decide.same_polynomial(f"2*e*(1 - 4*({constant})*(1 - s)) - e", "e*s"),
        decide.rational("(1 - 3 delta)/8 at delta = 1/4", (1 - 3 * Fraction(1, 4)) / 8, "==", Fraction(1, 32)),
        summary="fewer samples leave P[err > eps] >= delta + s(1 - 3 delta)/3 > delta and E err >= eps + s eps",
    )


@proves(
    "thm-b.1",
    "the tail on small hard laws, best learner by enumeration",
    by=Trust.EXACT,
    mutant=Mutant("the tail is claimed to be at least 1 - 2t", factor=1),
)
def tail_enumerated(factor: int = 3) -> Evidence:
    """The most often successful learner on average over the targets fails with probability at least (1 - 2t)/3."""
    cases = [(v, n, e) for v in (2, 3, 4) for n in range(4) for e in (Fraction(1, 16), Fraction(1, 8), Fraction(1, 4))]
    return decide.every(
        "least average failure probability, (V, n, eps)",
        cases,
        lambda c: _hard_law(c[0], c[1], 4 * c[2])[1] >= (1 - 8 * c[2] * c[1] / (c[0] - 1)) / factor,
    )


@proves(
    "thm-b.1",
    "two hypotheses: the term in ln(1/delta)",
    by=Trust.EXACT,
    mutant=Mutant("a randomised learner is charged like a deterministic one", share=Fraction(1)),
)
def two_hypotheses(share: Fraction = Fraction(1, 2)) -> Evidence:
    """Two hypotheses agree on x0 and differ on x1 (V >= 2 gives such), P(x1) = m > eps.

    With probability (1-m)^n only x0 is seen; then the learner has one law for both and says + at x1 with probability
    p, so it fails for one with (1-m)^n (1-p) and for the other with (1-m)^n p, together (1-m)^n. The larger is at
    least half of that, and all of it if p is 0 or 1. Letting m decrease to eps: (1-eps)^n <= 2 delta, or <= delta if
    deterministic. With u = eps/(1-eps), 1 + u = 1/(1-eps), so -ln(1-eps) = ln(1+u) <= u.
    Enumerated: every deterministic learner on two points; a randomised one is a mixture of them.
    """

    def holds(case: tuple[Fraction, int]) -> bool:
        m, n = case
        failures = list(_failures(m, n))
        average = min(sum(pair) / 2 for pair in failures)
        return average >= share * (1 - m) ** n and min(map(max, failures)) >= (1 - m) ** n

    masses = [Fraction(1, 10), Fraction(1, 3), Fraction(9, 10)]
    return all_of(
        decide.same_polynomial("a*p + a*(1 - p)", "a"),
        decide.same_polynomial("(1 - e)*1 + e", "1"),
        decide.every("least average and least larger failure, (m, n)", itertools.product(masses, range(3)), holds),
        summary="(1 - eps)^n <= 2 delta is needed, and (1 - eps)^n <= delta of a deterministic learner",
    )


def _hard_law(v: int, n: int, q: Fraction) -> tuple[Fraction, Fraction]:
    """The least average cost on the rare points, and the least average probability that it exceeds q/4."""
    rare = v - 1
    mass = [1 - q] + [q / rare] * rare
    targets = list(itertools.product((0, 1), repeat=rare))
    cost = failure = Fraction(0)
    for sample in itertools.product(range(v), repeat=n):
        weight = math.prod((mass[x] for x in sample), start=Fraction(1)) / len(targets)
        groups: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for target in targets:
            groups.setdefault(tuple(target[x - 1] if x else 0 for x in sample), []).append(target)
        for alike in groups.values():  # the learner cannot tell these apart
            errors = [[q / rare * sum(a != b for a, b in zip(g, t, strict=True)) for t in alike] for g in targets]
            cost += weight * min(map(sum, errors))
            failure += weight * min(sum(e > q / 4 for e in row) for row in errors)
    return cost, failure


def _failures(m: Fraction, n: int) -> Iterator[tuple[Fraction, Fraction]]:
    """For each map from labelled samples to a label at x1: how often it is wrong there under either hypothesis."""
    samples = list(itertools.product((0, 1), repeat=n))
    chance = {sample: math.prod((m if x else 1 - m for x in sample), start=Fraction(1)) for sample in samples}
    seen = sorted({tuple((x, x * h) for x in sample) for sample in samples for h in (0, 1)})
    for said in itertools.product((0, 1), repeat=len(seen)):
        learner = dict(zip(seen, said, strict=True))
        wrong = [
            sum((c for sample, c in chance.items() if learner[tuple((x, x * h) for x in sample)] != h), Fraction(0))
            for h in (0, 1)
        ]
        yield wrong[0], wrong[1]
