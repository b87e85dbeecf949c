r"""What it means that a learning algorithm is equivariant, and Theorem C.1 that shows when it is.

Definitions 3.1 and 3.2, Algorithm 1 and Theorem C.1. Of a network only one thing is used: its
first layer is fully connected, so the loss sees the weights W and the data D (points as columns)
through ``W D`` alone. Everything after it (any depth, width, activation, bias, normalisation) is
one opaque function, which is why the proofs hold for all networks at once.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import matrix, one, trace, transpose

PAPER = "Li, Zhang, Arora (ICLR 2021)"

claim(
    "def-3.1",
    kind="definition",
    title="Learning algorithm",
    statement=r"\mathcal{A}: (X \times Y)^n \to \{\text{laws on hypotheses } X \to Y\};\quad "
    r"\mathcal{A} = \mathcal{A}' \iff \mathcal{A}(D) \overset{\text{law}}{=} \mathcal{A}'(D) \text{ for every } D",
    source=f"{PAPER}, Definition 3.1",
    printed=r"\mathcal{A}: ((x_1, y_1), \dots, (x_n, y_n)) \mapsto \text{a hypothesis } X \to Y "
    r"\text{ or, if randomised, a law on hypotheses};\quad \text{randomised algorithms are equal if their laws are}",
    differs="Notation only: every output is written as a law, that of a deterministic algorithm being a single point, "
    "and equality of laws is spelled out as equality at every data set.",
    hypotheses=(r"X = \mathbb{R}^d,\ Y = \{-1, 1\}",),
)
claim(
    "def-3.2",
    kind="definition",
    title="Equivariant algorithm",
    statement=r"\mathcal{A}(\{(g x_i, y_i)\}_{i \le n}) \circ g = \mathcal{A}(\{(x_i, y_i)\}_{i \le n})"
    r"\quad \text{for every data set and every } g \in G",
    source=f"{PAPER}, Definition 3.2",
    printed=r"\mathcal{A}(\{g(x_i), y_i\}_{i=1}^n) \circ g = \mathcal{A}(\{x_i, y_i\}_{i=1}^n)"
    r"\quad \text{for every data set and every } g \in G \text{ (in law, if } \mathcal{A} \text{ is randomised)}",
    differs="Notation only: that a randomised algorithm satisfies it in law is printed in the formula and stands here "
    "among the hypotheses.",
    hypotheses=(r"G \text{ is a group acting on } X", r"\text{equality in law if } \mathcal{A} \text{ is randomised}"),
    uses=("def-3.1",),
)
claim(
    "alg-1",
    kind="algorithm",
    title="Iterative training",
    statement=r"W_0 \sim P_{\mathrm{init}},\quad W_{t+1} = F(W_t, M, D),\quad "
    r"\mathcal{A}(D) = \operatorname{sign} M[W_T]; \qquad M[W, \theta](x) = N_\theta(W x) \implies "
    r"\nabla_W \ell(W D, \theta) = \delta D^\top,\ \delta = \partial \ell / \partial (W D)",
    source=f"{PAPER}, Algorithm 1; the gradient of a fully-connected first layer is ours",
    printed=r"W_0 \sim P_{\mathrm{init}},\quad W_{t+1} = F(W_t, M, \{x_i, y_i\}_{i=1}^n),\quad "
    r"\text{return } \operatorname{sign} M[W_T]",
    differs="The last formula, the gradient of a fully-connected first layer, is added here. The algorithm is the "
    "printed one.",
    hypotheses=(r"\ell \text{ is differentiable}", r"D = (x_1, \dots, x_n) \in \mathbb{R}^{d \times n}"),
    uses=("def-3.1",),
)
claim(
    "thm-c.1",
    kind="theorem",
    title="When iterative training is equivariant",
    statement=r"(1)\ M[\tau(g) W](g x) = M[W](x),\quad (2)\ F_t(\tau(g) W, M, g D) = \tau(g) F_t(W, M, D)"
    r" \text{ for every } t,\quad "
    r"(3)\ \tau(g) W_0 \overset{\text{law}}{=} W_0 \quad\implies\quad "
    r"\text{Algorithm 1 is } G\text{-equivariant, for every number of steps } T \ge 0",
    source=f"{PAPER}, Theorem C.1 (statement reconstructed)",
    printed=r"(1)\ M[\tau(g) W](g(x)) = M[W](x),\quad (2)\ F(\tau(g) W, M, g(D)) = \tau(g) F(W, M, D),\quad "
    r"(3)\ \tau(g) W \overset{\text{law}}{=} W \text{ for } W \sim P_{\mathrm{init}} \quad\implies\quad "
    r"\mathcal{A} \text{ is } G_X\text{-equivariant}",
    differs="The appendix was not at hand: the printed form is a reconstruction. That the update rule may change "
    "with the step and toss a coin is added here.",
    hypotheses=(
        r"G \text{ acts on } X \text{ and, through the isomorphism } \tau, "
        r"\text{ on weights (with all optimizer state)}",
        r"F_t \text{ may change with } t \text{ and use a coin that is independent of } W_0 \text{ and of } D"
        r" \text{ (then everything holds given the coin)}",
        r"F_t \text{ and } M \text{ are measurable in } W",
    ),
    uses=("def-3.2", "alg-1"),
)


@proves(
    "def-3.1",
    "equality in law is coarser than equality of outputs and survives a change of variables",
    by=Trust.EXACT,
    mutant=Mutant("the second algorithm's coin is biased", sides=3),
)
def equality_in_law(sides: int = 2) -> Evidence:
    """Two algorithms that read one fair coin the other way round never agree, yet have one law."""
    hypotheses = list(itertools.product((-1, 1), repeat=2))
    pairs = [(a, b) for a in hypotheses for b in hypotheses if a != b]

    def agree(pair: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
        first = _law(pair[coin] for coin in range(2))
        second = _law(pair[1 - min(coin, 1)] for coin in range(sides))
        return first == second and _swapped(first) == _swapped(second)

    return decide.every("laws agree before and after composing with a swap of two points", pairs, agree)


@proves(
    "def-3.2",
    "the g that satisfy it form a group, so generators suffice",
    by=Trust.EXACT,
    mutant=Mutant("the second generator is not known to satisfy it", second=False),
)
def generators_suffice(second: bool = True) -> Evidence:
    """From A(hD) h = A(D) and A(g hD) g = A(hD) follows A(g hD) g h = A(D); inverses likewise."""
    a, a_h, a_gh = matrix("A(D)"), matrix("A(hD)"), matrix("A(ghD)")
    g, h, h_inverse = matrix("g"), matrix("h"), matrix("h^-1")
    for_h = rule("equivariance under h, at D", a_h * h, a)
    for_g = [rule("equivariance under g, at hD", a_gh * g, a_h)] if second else []
    return all_of(
        decide.equal_terms(a_gh * g * h, a, [for_h, *for_g]),
        decide.equal_terms(a_h * h * h_inverse, a * h_inverse, [for_h]),
        decide.equal_terms(a_h * h * h_inverse, a_h, [rule("inverse", h * h_inverse, one())]),
        summary="A(ghD) gh = A(D), and A(D) h^-1 = A(hD), which is equivariance under h^-1 at hD",
    )


@proves(
    "def-3.2",
    "the equivariant algorithms on three points, counted two ways",
    by=Trust.EXACT,
    mutant=Mutant("the hypothesis is not composed with g", compose=False),
)
def count_equivariant(compose: bool = True) -> Evidence:
    """Orbit by orbit one hypothesis fixed by the stabiliser is free: the definition is what we think it is."""
    points = range(3)
    groups: dict[str, list[tuple[int, ...]]] = {
        "trivial": [(0, 1, 2)],
        "one swap": [(0, 1, 2), (1, 0, 2)],
        "shifts": [(0, 1, 2), (1, 2, 0), (2, 0, 1)],
        "all permutations": list(itertools.permutations(points)),
    }
    hypotheses = list(itertools.product((-1, 1), repeat=3))

    def equivariant(algorithm: Sequence[tuple[int, ...]], g: Sequence[int]) -> bool:
        def moved(h: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(h[g[x]] for x in points) if compose else h

        return all(moved(algorithm[g[x]]) == algorithm[x] for x in points)

    def agree(name: str) -> bool:
        group = groups[name]
        brute = sum(all(equivariant(a, g) for g in group) for a in itertools.product(hypotheses, repeat=3))
        orbits = {frozenset(g[x] for g in group) for x in points}
        return brute == math.prod(_fixed(hypotheses, [g for g in group if g[min(o)] == min(o)]) for o in orbits)

    return decide.every("512 algorithms on one labelled point, four groups", groups, agree)


@proves(
    "alg-1",
    "the first layer's gradient is delta D', for every network",
    by=Trust.EXACT,
    mutant=Mutant("the data matrix is not transposed", data="D"),
)
def first_layer_gradient(data: str = "D'") -> Evidence:
    """The derivative of l(W D) along E is <delta, E D> = <delta D', E>: one trace, read two ways."""
    delta, direction, d = matrix("delta"), matrix("E"), matrix("D")
    return decide.equal_terms(
        trace(transpose(delta) * (direction * d)), trace(transpose(delta * matrix(data)) * direction)
    )


@proves(
    "alg-1",
    "the same on polynomial networks, differentiated entry by entry",
    by=Trust.EXACT,
    mutant=Mutant("one factor of the chain rule is forgotten", forget=True),
)
def polynomial_networks(forget: bool = False) -> Evidence:
    """Depth 2 and 3, square loss, activation z + z^2, in exact polynomial arithmetic."""
    shapes = [(depth, h, d, n) for depth in (2, 3) for h, d, n in ((1, 1, 1), (1, 2, 2), (2, 2, 1))]
    return decide.every(
        "dL/dW = delta D' as polynomials, shapes (depth, width, d, n)",
        shapes,
        lambda s: _gradient_defect(*s, forget=forget),
    )


@proves(
    "thm-c.1",
    "pathwise, for every T: by induction",
    by=Trust.EXACT,
    mutant=Mutant("hypothesis (2) is dropped", update_commutes=False),
    uses=("alg-1",),
)
def pathwise(update_commutes: bool = True) -> Evidence:
    """Words of maps: F' is step T+1 on gD, M' reads M[.] o g; M' tau = M, F' tau = tau F; Phi = the first T steps."""
    tau, f, f_g, phi, phi_g = (matrix(s) for s in ("tau", "F", "F'g", "Phi", "Phi'g"))
    m, m_g, w = matrix("M"), matrix("M'g"), matrix("W_0")
    model = rule("(1) model symmetry", m_g * tau, m)
    update = [rule("(2) update rule", f_g * tau, tau * f)] if update_commutes else []
    induction = rule("induction: T steps", phi_g * tau, tau * phi)
    return all_of(
        decide.equal_terms(m_g * tau * w, m * w, [model]),
        decide.equal_terms(f_g * phi_g * tau, tau * f * phi, [*update, induction]),
        decide.equal_terms(m_g * phi_g * tau * w, m * phi * w, [model, induction]),
        summary="T = 0: M'g tau W_0 = M W_0; F'g Phi'g tau = tau F Phi; so M'g Phi'g tau W_0 = M Phi W_0",
    )


@proves(
    "thm-c.1",
    "in law: the invariant start absorbs tau",
    by=Trust.EXACT,
    mutant=Mutant("hypothesis (3) is dropped", invariant_start=False),
    uses=("def-3.2",),
)
def in_law(invariant_start: bool = True) -> Evidence:
    """The law of a function of W_0 is the push-forward of its law mu; mu = tau mu by (3)."""
    tau, phi, phi_g, m, m_g, mu = (matrix(s) for s in ("tau", "Phi", "Phi'g", "M", "M'g", "mu"))
    path = rule("pathwise", m_g * phi_g * tau, m * phi)
    start = [rule("(3) law of the start", tau * mu, mu)] if invariant_start else []
    both = m_g * phi_g * tau * mu
    return all_of(
        decide.equal_terms(both, m * phi * mu, [path]),
        decide.equal_terms(both, m_g * phi_g * mu, start),
        summary="law of A(gD) o g = M'g Phi'g mu = M'g Phi'g tau mu = M Phi mu = law of A(D)",
    )


class Instance(NamedTuple):
    """A complete two-point, two-weight instance of Algorithm 1 with the swap as the group.

    Points, weights and the two data sets D, gD are 0 and 1; g and tau swap them.
    """

    model: tuple[tuple[int, int], tuple[int, int]]  # model[w][x]
    update: tuple[tuple[int, int], tuple[int, int]]  # update[data][w]
    start: Fraction  # P[W_0 = 1]
    steps: int


@proves(
    "thm-c.1",
    "every instance on two points and two weights",
    by=Trust.EXACT,
    mutant=Mutant("hypothesis (1) is dropped", needed=(2, 3)),
)
def exhaustive(needed: tuple[int, ...] = (1, 2, 3)) -> Evidence:
    """All models, update rules, a grid of initial laws, T = 0, 1, 2."""
    chosen = [i for i in _instances() if all(HYPOTHESES[k](i) for k in needed)]
    return decide.every("instances that satisfy the hypotheses are equivariant", chosen, _is_equivariant)


@proves(
    "thm-c.1",
    "no hypothesis can be dropped",
    by=Trust.EXACT,
    mutant=Mutant("the same is asked when nothing is dropped", dropped=((), (1,), (2,), (3,))),
)
def all_needed(dropped: tuple[tuple[int, ...], ...] = ((1,), (2,), (3,))) -> Evidence:
    """For each hypothesis an instance satisfies the two others and is not equivariant."""

    def fails_somewhere(without: tuple[int, ...]) -> bool:
        kept = [HYPOTHESES[k] for k in (1, 2, 3) if k not in without]
        return any(not _is_equivariant(i) for i in _instances() if all(holds(i) for holds in kept))

    return decide.every("a counterexample exists without hypothesis", dropped, fails_somewhere)


def _law(outcomes: Iterable[tuple[int, ...]]) -> dict[tuple[int, ...], Fraction]:
    counts = Counter(outcomes)
    return {h: Fraction(k, counts.total()) for h, k in counts.items()}


def _swapped(law: dict[tuple[int, ...], Fraction]) -> dict[tuple[int, ...], Fraction]:
    return {h[::-1]: p for h, p in law.items()}


def _fixed(hypotheses: Sequence[tuple[int, ...]], stabiliser: Sequence[Sequence[int]]) -> int:
    return sum(all(tuple(h[i] for i in g) == h for g in stabiliser) for h in hypotheses)


def _gradient_defect(depth: int, width: int, d: int, n: int, forget: bool) -> bool:
    from sympy import QQ
    from sympy.polys.rings import ring

    rows, columns, samples = range(width), range(d), range(n)
    labels = [f"w{i}{j}" for i in rows for j in columns] + [f"x{j}{k}" for j in columns for k in samples]
    labels += [f"z{i}{k}" for i in rows for k in samples] + [f"y{k}" for k in samples]
    labels += [f"a{i}" for i in rows] + [f"b{i}{j}" for i in rows for j in rows]
    r, *generators = ring(labels, QQ)
    v = dict(zip(labels, generators, strict=True))
    loss = r(0)
    for k in samples:
        hidden = [v[f"z{i}{k}"] for i in rows]
        for _ in range(depth - 2):
            active = [z + z**2 for z in hidden]
            hidden = [sum((v[f"b{i}{j}"] * active[j] for j in rows), r(0)) for i in rows]
        output = sum((v[f"a{i}"] * (hidden[i] + hidden[i] ** 2) for i in rows), r(0))
        loss += (output - v[f"y{k}"]) ** 2
    preactivations = [
        (v[f"z{i}{k}"], sum((v[f"w{i}{j}"] * v[f"x{j}{k}"] for j in columns), r(0))) for i in rows for k in samples
    ]
    composed = loss.compose(preactivations)
    for i, j in itertools.product(rows, columns):
        terms = (loss.diff(v[f"z{i}{k}"]).compose(preactivations) * (1 if forget else v[f"x{j}{k}"]) for k in samples)
        if composed.diff(v[f"w{i}{j}"]) != sum(terms, r(0)):
            return False
    return True


def _instances() -> Iterator[Instance]:
    hypotheses = [(a, b) for a in (-1, 1) for b in (-1, 1)]
    maps = [(a, b) for a in (0, 1) for b in (0, 1)]
    models = [(h, k) for h in hypotheses for k in hypotheses]
    updates = [(f, g) for f in maps for g in maps]
    starts = [Fraction(k, 4) for k in range(5)]
    return itertools.starmap(Instance, itertools.product(models, updates, starts, range(3)))


HYPOTHESES: dict[int, Callable[[Instance], bool]] = {
    1: lambda i: all(i.model[1 - w][1 - x] == i.model[w][x] for w in (0, 1) for x in (0, 1)),
    2: lambda i: all(i.update[1][1 - w] == 1 - i.update[0][w] for w in (0, 1)),
    3: lambda i: i.start == Fraction(1, 2),
}


def _is_equivariant(i: Instance) -> bool:
    laws = []
    for data in (0, 1):
        law: dict[tuple[int, int], Fraction] = {}
        for w0, p in ((0, 1 - i.start), (1, i.start)):
            w = w0
            for _ in range(i.steps):
                w = i.update[data][w]
            h = i.model[w] if data == 0 else (i.model[w][1], i.model[w][0])
            law[h] = law.get(h, Fraction(0)) + p
        laws.append({h: p for h, p in law.items() if p})
    return laws[0] == laws[1]
