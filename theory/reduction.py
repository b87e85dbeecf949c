r"""Theorem 5.1: learning one function by an equivariant learner is learning its whole orbit.

A G-equivariant learner cannot tell h from h o g. So what it needs for H it needs for H o G, where any lower bound
for ordinary learners applies; and if G is compact, averaging any learner over G loses nothing.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import Term, apply, matrix, one

__all__: list[str] = []

Labels = tuple[int, ...]
Law = tuple[Fraction, ...]
Permutation = tuple[int, ...]
Example = tuple[int, ...]  # a point and its label
Prior = Sequence[tuple[Fraction, Labels]]
Key = tuple[tuple[int, ...], Labels]

claim(
    "thm-5.1",
    kind="theorem",
    title="Reduction to the orbit",
    statement=r"\inf_{\mathcal{A}\ G\text{-equivariant}} "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}_X \diamond H, \varepsilon) \ge "
    r"\inf_{\mathcal{A}} \mathcal{N}^*(\mathcal{A}, \mathcal{P}_X \diamond (H \circ G), \varepsilon), "
    r"\text{ with equality if } G \text{ is compact; moreover } "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}_X \diamond H, \varepsilon) = "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}_X \diamond (H \circ G), \varepsilon) "
    r"\text{ and } \mathcal{N}(\mathcal{A}, \mathcal{P}_X \diamond H, \varepsilon, \delta) = "
    r"\mathcal{N}(\mathcal{A}, \mathcal{P}_X \diamond (H \circ G), \varepsilon, \delta) "
    r"\text{ for each } G\text{-equivariant } \mathcal{A}",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.1; the sharper middle statement is ours",
    printed=r"\inf_{\mathcal{A}\ G\text{-equivariant}} "
    r"\mathcal{N}^*(\mathcal{A}, \mathcal{P}_X \diamond H, \varepsilon) "
    r"\ge \inf_{\mathcal{A}} \mathcal{N}^*(\mathcal{A}, \mathcal{P}_X \diamond (H \circ G), \varepsilon), "
    r"\text{ with equality if } G \text{ is compact}",
    differs="The equalities for each single equivariant learner, for N* and for N, are ours. For the printed "
    "equality a condition of measurability is spelled out.",
    hypotheses=(
        r"\mathcal{P}_X \diamond H = \{P_X \diamond h : P_X \in \mathcal{P}_X,\ h \in H\},\ "
        r"H \circ G = \{h \circ g : h \in H,\ g \in G\}",
        r"P_X \circ g \in \mathcal{P}_X \text{ for every } P_X \in \mathcal{P}_X,\ g \in G, "
        r"\text{ where } X \sim P_X \iff g^{-1} X \sim P_X \circ g",
        r"\text{learners may be randomised; for equality } (g, D, x) \mapsto \mathcal{A}(gD)(gx) \text{ is measurable}",
    ),
    uses=("def-3.2", "def-3.3"),
)


@proves(
    "thm-5.1",
    "an equivariant learner errs alike on P <> h and on (P <> h) o g",
    by=Trust.EXACT,
    mutant=Mutant("the learner is not known to be equivariant", equivariant=False),
    uses=("def-3.2", "def-3.3"),
)
def change_of_variables(equivariant: bool = True) -> Evidence:
    """Write points drawn from P o g as g^-1 z with z drawn from P; D stands for the data set of the z's.

    The labels (h o g)(g^-1 z) are those of z, the data set is g^-1 D, and A(g^-1 D)(g^-1 z) has the law of A(D)(z).
    So for each D the error has the same law, whether it is averaged over the learner's draws or not.
    """
    g, inverse, h, z = matrix("g"), matrix("g^-1"), matrix("h"), matrix("z")
    unit = rule("inverse", g * inverse, one())
    moved, law = matrix("A(g^-1 D)"), matrix("A(D)")
    equal = [rule("equivariance under g^-1, at D", moved * inverse, law)] if equivariant else []
    return all_of(
        decide.equal_terms(h * g * (inverse * z), h * z, [unit]),
        decide.equal_terms(moved * (inverse * z), law * z, equal),
        summary="labels and predictions at g^-1 z are those at z",
    )


@proves(
    "thm-5.1",
    "every task of the orbit is reached from a task of H",
    by=Trust.EXACT,
    mutant=Mutant("the set of laws is not invariant", invariant=False),
)
def tasks_reached(invariant: bool = True) -> Evidence:
    """A task Q <> (h o g) is (P <> h) o g with P = Q o g^-1, again one of the laws as they are G-invariant.

    (P o a) o b = P o (ab), because (P o a)(b S) = P(a b S). So the worst task of H o G is no worse than that of H; it
    is no better, since H o G contains H. Enumerated: groups on three points, and the orbit of an uneven law.
    """
    law = matrix("Q")
    law_moved = [rule("inverse", matrix("g^-1") * matrix("g"), one())]
    laws = {name: _orbit(_UNEVEN, group) if invariant else {_UNEVEN} for name, group in _GROUPS[3].items()}
    cases = [(name, q, g) for name, group in _GROUPS[3].items() for q in laws[name] for g in group]

    def reached(case: tuple[str, Law, Permutation]) -> bool:
        name, q, g = case
        p = _moved_law(q, _inverse(g))
        return p in laws[name] and _moved_law(p, g) == q

    return all_of(
        decide.equal_terms(law * matrix("g^-1") * matrix("g"), law, law_moved),
        decide.every("Q = P o g with P among the laws, (group, Q, g)", cases, reached),
        summary="Q <> (h o g) = (P <> h) o g with P = Q o g^-1 among the laws",
    )


@proves(
    "thm-5.1",
    "compact G: the average over G is equivariant",
    by=Trust.EXACT,
    mutant=Mutant("the output is not composed with the random element", compose=False),
)
def symmetrised(compose: bool = True) -> Evidence:
    """A'(D) = A(c D) o c with c Haar-distributed and independent of everything: the law of c is that of c' = c g.

    A'(gD) o g = A(c g D) o c o g is A(c' D) o c', pathwise; c no longer occurs by itself, so that the law of c' is all
    that matters, and it is Haar's. The right translations of a finite group are one to one: enumerated.
    """
    c, c_new, g, d = matrix("c"), matrix("c'"), matrix("g"), matrix("D")
    renamed = rule("c' is c g", c * g, c_new)

    def output(element: Term, data: Term) -> Term:
        return apply("A", element * data) * (element if compose else one())

    return all_of(
        decide.equal_terms(output(c, g * d) * g, output(c_new, d), [renamed]),
        decide.every(
            "c -> c g permutes the group, (group, g)",
            [(group, g) for groups in _GROUPS.values() for group in groups.values() for g in group],
            lambda t: sorted(_after(c, t[1]) for c in t[0]) == sorted(t[0]),
        ),
        summary="A'(gD) o g = A(c'D) o c' with c' = c g, which has the law of c",
    )


@proves(
    "thm-5.1",
    "compact G: the average has no larger worst risk",
    by=Trust.EXACT,
    mutant=Mutant("the output is not composed with the random element", compose=False),
)
def risk_of_the_average(compose: bool = True) -> Evidence:
    """For fixed c write the points x of P <> h as c^-1 z: z is drawn from P o c^-1, and h(x) = (h o c^-1)(z).

    A'(D)(x) = A(c D)(c x) = A(E)(z) with E = c D the data set of the z's: the risk of A on a task of P_X <> (H o G).
    The risk of A' is the average of these over c, at most the largest: with weights w, 1-w it is M minus
    w (M - r) + (1 - w)(M - s), and likewise for any law of c. So where A succeeds on the orbit, A' succeeds on H.
    """
    c, inverse, z, e = (matrix(s) for s in ("c", "c^-1", "z", "E"))
    units = [rule("inverse", c * inverse, one())]
    output = apply("A", c * (inverse * e)) * (c if compose else one())
    return all_of(
        decide.equal_terms(output * (inverse * z), apply("A", e) * z, units),
        decide.same_polynomial("M - (w*r + (1 - w)*s)", "w*(M - r) + (1 - w)*(M - s)"),
        summary="the risk of A' on P <> h is the average over c of the risk of A on (P <> h) o c^-1",
    )


@proves(
    "thm-5.1",
    "all learners on two points, averaged over the swap",
    by=Trust.EXACT,
    mutant=Mutant("the output is not composed with the random element", compose=False),
)
def averaged_learners(compose: bool = True) -> Evidence:
    """All 256 deterministic learners from one labelled point, all four targets: the converse by brute force."""
    hypotheses = list(itertools.product((0, 1), repeat=2))
    samples = list(itertools.product((0, 1), repeat=2))
    learners = [dict(zip(samples, said, strict=True)) for said in itertools.product(hypotheses, repeat=4)]
    group = _GROUPS[2]["all permutations"]

    def average(learner: Mapping[Example, Labels]) -> dict[Example, list[Labels]]:
        """The equally likely outputs of A' after each labelled point."""
        return {
            (x, y): sorted(_compose(learner[c[x], y], c) if compose else learner[c[x], y] for c in group)
            for x, y in samples
        }

    def holds(case: tuple[dict[Example, Labels], Labels]) -> bool:
        learner, h = case
        averaged = average(learner)
        equivariant = all(
            sorted(_compose(out, g) for out in averaged[g[x], y]) == averaged[x, y] for x, y in samples for g in group
        )

        def risk(outputs: Mapping[Example, Sequence[Labels]], target: Labels) -> Fraction:
            wrong = [out[z] != target[z] for x in (0, 1) for z in (0, 1) for out in outputs[x, target[x]]]
            return Fraction(sum(wrong), len(wrong))

        single = {sample: [out] for sample, out in learner.items()}
        on_orbit = [risk(single, _compose(h, g)) for g in group]
        return equivariant and risk(averaged, h) == sum(on_orbit, Fraction(0)) / len(group) <= max(on_orbit)

    return decide.every("A' is equivariant with average risk, (A, h)", itertools.product(learners, hypotheses), holds)


@proves(
    "thm-5.1",
    "one function: both optima, for every group on two and three points",
    by=Trust.EXACT,
    mutant=Mutant("the law is not invariant", law=(Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
)
def one_function(law: tuple[Fraction, ...] = ()) -> Evidence:
    """H = {h}, one invariant law: an optimal equivariant learner's risk is the value of the game over the orbit.

    Least risk on P <> h of predictions that are constant on joint orbits of (data, test point); the worst risk of
    that same learner over the orbit of h (an upper bound for all learners); and the least average risk of any learner
    under the uniform prior on the orbit (a lower bound). All three must agree; if so both sides of the theorem do.
    """
    cases = [
        Case(name, size, p, h, n)
        for size in ((3,) if law else (2, 3))
        for name in _GROUPS[size]
        for p in ([law] if law else _invariant_laws(size, name))
        for h in itertools.product((0, 1), repeat=size)
        for n in (0, 1, 2)
    ]

    def holds(case: Case) -> bool:
        group = _GROUPS[case.size][case.group]
        orbit = [_compose(case.h, g) for g in group]  # with repetitions: the uniform law on G, moved to the orbit
        learner = _best_equivariant(case.law, group, [(Fraction(1), case.h)], case.n)
        risk = _risk(case.law, group, learner, case.h, case.n)
        worst = max(_risk(case.law, group, learner, h, case.n) for h in orbit)
        bayes = _bayes_risk(case.law, [(Fraction(1, len(orbit)), h) for h in orbit], case.n)
        return risk == worst == bayes

    return decide.every("least risks agree, (group, points, law, h, n)", cases, holds)


@proves(
    "thm-5.1",
    "several functions: the values of both games, by certificates",
    by=Trust.EXACT,
    mutant=Mutant("the law is not invariant", law=(Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
)
def several_functions(law: tuple[Fraction, ...] = ()) -> Evidence:
    """All classes of up to three functions on two and three points, n = 1, uniform law.

    A linear program guesses an equivariant learner and a prior on H; both are then rounded to fractions and checked:
    the learner's worst risk on H is the least average risk of equivariant learners under the prior, so it is the
    value v of the left game. It has to be the value of the right game too: v is the same learner's worst risk on
    H o G, and the least average risk of *all* learners under the prior spread evenly over the orbits.
    """
    cases = [
        (name, size, law or _uniform(size), h)
        for size in ((3,) if law else (2, 3))
        for name in _GROUPS[size]
        for k in (1, 2, 3)
        for h in itertools.combinations(itertools.product((0, 1), repeat=size), k)
    ]
    return decide.every("the values of both games agree, (group, points, law, H)", cases, lambda c: _games_agree(*c))


class Case(NamedTuple):
    """One invariant law on 0..size-1 and one target, with n training points."""

    group: str
    size: int
    law: Law
    h: Labels
    n: int


def _permutations(size: int) -> list[Permutation]:
    return list(itertools.permutations(range(size)))


_GROUPS: dict[int, dict[str, list[Permutation]]] = {
    2: {"trivial": [(0, 1)], "all permutations": _permutations(2)},
    3: {
        "trivial": [(0, 1, 2)],
        "one swap": [(0, 1, 2), (1, 0, 2)],
        "shifts": [(0, 1, 2), (1, 2, 0), (2, 0, 1)],
        "all permutations": _permutations(3),
    },
}
_UNEVEN: Law = (Fraction(1, 8), Fraction(3, 8), Fraction(1, 2))


def _compose(h: Labels, g: Permutation) -> Labels:
    return tuple(h[x] for x in g)


def _after(a: Permutation, b: Permutation) -> Permutation:
    return tuple(a[x] for x in b)


def _inverse(g: Permutation) -> Permutation:
    return tuple(sorted(range(len(g)), key=g.__getitem__))


def _moved_law(p: Law, g: Permutation) -> Law:
    """P o g, whose mass at x is that of P at g x."""
    return tuple(p[x] for x in g)


def _orbit(law: Law, group: Sequence[Permutation]) -> set[Law]:
    return {_moved_law(law, g) for g in group}


def _uniform(size: int) -> Law:
    return (Fraction(1, size),) * size


def _invariant_laws(size: int, name: str) -> list[Law]:
    """The uniform law and the average over the group of an uneven one."""
    uneven = _UNEVEN if size == 3 else (Fraction(1, 4), Fraction(3, 4))
    group = _GROUPS[size][name]
    average = tuple(sum((_moved_law(uneven, g)[x] for g in group), Fraction(0)) / len(group) for x in range(size))
    return sorted({_uniform(size), average})


def _situations(law: Law, group: Sequence[Permutation], h: Labels, n: int) -> Iterator[tuple[Key, int, Fraction]]:
    """What is seen up to G (training points, test point; training labels), the true label, and its probability."""
    for *xs, z in itertools.product(range(len(law)), repeat=n + 1):
        seen = min((*(g[x] for x in xs), g[z]) for g in group)
        mass = math.prod((law[x] for x in (*xs, z)), start=Fraction(1))
        yield (seen, tuple(h[x] for x in xs)), h[z], mass


def _masses(law: Law, group: Sequence[Permutation], prior: Prior, n: int) -> dict[Key, list[Fraction]]:
    """For each situation up to G the mass of true label 0 and of true label 1."""
    masses: dict[Key, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for weight, h in prior:
        for key, label, mass in _situations(law, group, h, n):
            masses[key][label] += weight * mass
    return masses


def _best_equivariant(law: Law, group: Sequence[Permutation], prior: Prior, n: int) -> dict[Key, Fraction]:
    """The chance to predict 1 in each situation, constant on joint orbits: by the larger mass."""
    return {key: Fraction(int(m[1] > m[0])) for key, m in _masses(law, group, prior, n).items()}


def _least_average(law: Law, group: Sequence[Permutation], prior: Prior, n: int) -> Fraction:
    """The least average risk under the prior among the learners that are equivariant under the group."""
    return sum((min(m) for m in _masses(law, group, prior, n).values()), Fraction(0))


def _bayes_risk(law: Law, prior: Prior, n: int) -> Fraction:
    """The least average risk under the prior among all learners."""
    return _least_average(law, [tuple(range(len(law)))], prior, n)


def _risk(law: Law, group: Sequence[Permutation], learner: Mapping[Key, Fraction], h: Labels, n: int) -> Fraction:
    return sum((mass * abs(y - learner[key]) for key, y, mass in _situations(law, group, h, n)), Fraction(0))


def _games_agree(name: str, size: int, law: Law, functions: tuple[Labels, ...]) -> bool:
    group, n = _GROUPS[size][name], 1
    learner, weights = _solved(law, group, functions, n)
    value = max(_risk(law, group, learner, h, n) for h in functions)
    prior = list(zip(weights, functions, strict=True))
    if value != _least_average(law, group, prior, n) or sum(weights) != 1 or min(weights) < 0:
        raise ArithmeticError(f"the rounded solution is not optimal for {name}, {functions}: nothing is known")
    spread = [(w / len(group), _compose(h, g)) for w, h in prior for g in group]
    worst = max(_risk(law, group, learner, h, n) for _, h in spread)
    return worst == value == _bayes_risk(law, spread, n)


def _solved(
    law: Law, group: Sequence[Permutation], functions: Sequence[Labels], n: int
) -> tuple[dict[Key, Fraction], list[Fraction]]:
    """A guess: an equivariant learner of least worst risk and a worst prior, rounded to fractions."""
    from scipy.optimize import linprog

    tables = [_masses(law, group, [(Fraction(1), h)], n) for h in functions]
    keys = sorted({key for table in tables for key in table})
    nothing = [Fraction(0), Fraction(0)]
    slopes = [[float(m[0] - m[1]) for m in (table.get(key, nothing) for key in keys)] for table in tables]
    solution = linprog(
        [0.0] * len(keys) + [1.0],
        A_ub=[[*row, -1.0] for row in slopes],
        b_ub=[-float(sum((m[1] for m in table.values()), Fraction(0))) for table in tables],
        bounds=[(0, 1)] * len(keys) + [(None, None)],
    )
    rounded = [Fraction(float(x)).limit_denominator(1000) for x in solution.x[:-1]]
    weights = [Fraction(-float(x)).limit_denominator(1000) for x in solution.ineqlin.marginals]
    return dict(zip(keys, rounded, strict=True)), weights
