r"""The running variances of batch norm as a function of t: how to project them without ever a negative one.

Batch norm divides by the root of a variance that depends on t, so that compression has to project this function too.
Least squares does not keep signs. Two ways that do: the logarithm is projected (ours), or weighted averages are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.odenet_spaces import Matrix, Space, gram, product, projection
from theory.rewriting import rule
from theory.terms import Term, apply, matrix

__all__ = ["averages"]

claim(
    "odenet-variance",
    kind="theorem",
    title="Variances are projected in the logarithm",
    statement=r"\text{(i) The least-squares projection of } v = 1_{[0,1/2)} + \tfrac1{100} 1_{[1/2,1)} \text{ onto "
    r"straight lines (two hats) is } -\tfrac{19}{80} \text{ at } t = 1. \text{ (ii) } v \mapsto \exp(P_S \log v) "
    r"\text{ is positive for every } S; \text{ it is the identity on } \{v : \log v \in S\}, \text{ and composes along "
    r"chains as } P_S \text{ does. From } 2K \text{ cells to } K \text{ it takes geometric means } \sqrt{v^{2a} "
    r"v^{2a+1}} \le \tfrac12 (v^{2a} + v^{2a+1}). \text{ (iii) } Q v = \sum_a \frac{\int \phi_a v}{\int \phi_a} \phi_a "
    r"\text{ is non-negative on piecewise constants and on hats, but on hats it is no projection: of the hat at the "
    r"middle of three nodes it keeps } \tfrac23 \text{ at that node}",
    source="ours",
    hypotheses=(r"v > 0 \text{ on } [0,1], \text{ piecewise continuous with limits} > 0",),
    uses=("odenet-nested",),
)

EXAMPLE = (Fraction(1), Fraction(1, 100))


def averages(source: Space, target: Space) -> Matrix:
    """The matrix of Q v = sum of (integral of phi_a v)/(integral of phi_a) phi_a (claim odenet-variance).

    Its entries are not negative if both bases are piecewise constants or hats, and each row adds up to 1 where the
    source's functions do; shape (target.size, source.size).

    Example:
        >>> [str(x) for x in averages(Space("hats", 3), Space("hats", 3))[1]]
        ['1/6', '2/3', '1/6']
    """
    whole = gram(target, Space("constant", 1))
    return tuple(
        tuple(entry / total for entry in row) for row, (total,) in zip(gram(target, source), whole, strict=True)
    )


@proves(
    "odenet-variance",
    "least squares turns a positive variance negative",
    by=Trust.EXACT,
    mutant=Mutant("the target is two piecewise constants", target="constant"),
)
def negative(target: str = "hats") -> Evidence:
    """The values at the two ends of the best straight line, exactly."""
    best = _applied(projection(Space("constant", 2), Space(target, 2)), EXAMPLE)
    return all_of(
        *(decide.rational("a value of v", v, ">", 0) for v in EXAMPLE),
        decide.rational("the projection at t = 1", best[-1], "==", Fraction(-19, 80)),
        decide.rational("the projection at t = 1", best[-1], "<", 0),
        summary="v >= 1/100 everywhere, and the least-squares line is -19/80 at t = 1",
    )


@proves(
    "odenet-variance",
    "in the logarithm, projection stays one",
    by=Trust.EXACT,
    mutant=Mutant("the logarithm of the projected variance is not taken back", inverse=False),
    uses=("odenet-nested",),
)
def in_logarithm(inverse: bool = True) -> Evidence:
    """With E = exp, L = log, L[E[x]] = x for real x: E[P L[E[P L[v]]]] = E[P P L[v]] = E[P L[v]], as P P = P.

    For v = E[s], s in S: E[P L[E[s]]] = E[P s] = E[s]. Along a chain P_S P_S' = P_S takes the place of P P = P.
    """
    small, large, v, s = matrix("P_S"), matrix("P_S'"), matrix("v"), matrix("s")
    rules = [rule("P_S P_S' = P_S", small * large, small), rule("P_S P_S = P_S", small * small, small)]
    rules += [rule("s is in S", small * s, s)]
    if inverse:
        for inside in (large * apply("log", v), small * apply("log", v), s):
            rules.append(rule("log exp x = x", apply("log", apply("exp", inside)), inside))

    def ours(p: Term, u: Term) -> Term:
        return apply("exp", p * apply("log", u))

    return all_of(
        decide.equal_terms(ours(small, ours(large, v)), ours(small, v), rules),
        decide.equal_terms(ours(small, ours(small, v)), ours(small, v), rules),
        decide.equal_terms(ours(small, apply("exp", s)), apply("exp", s), rules),
        summary="exp P log is the identity on exp S, idempotent, and composes along chains",
    )


@proves(
    "odenet-variance",
    "exp is positive, and pairs are averaged to geometric means",
    by=Trust.EXACT,
    mutant=Mutant("the geometric mean is the greater one", sign="-1"),
    uses=("odenet-nested",),
)
def geometric(sign: str = "1") -> Evidence:
    """exp(x) = exp(x/2)^2 >= 0, and not 0 as exp(x) exp(-x) = 1.

    With v = x^2, w = y^2, x, y > 0: exp of (log v + log w)/2 is x y, and (v + w)/2 - x y = (x - y)^2/2 >= 0.
    """
    return all_of(
        decide.same_polynomial("1/2*(x**2 + y**2) - x*y", f"1/2*({sign})*(x - y)**2"),
        decide.same_polynomial("(x*y)**2", "x**2*y**2"),
        summary="sqrt(v w) <= (v + w)/2",
    )


@proves(
    "odenet-variance",
    "weighted averages are not negative, but no projection on hats",
    by=Trust.EXACT,
    mutant=Mutant("the middle node keeps its value", kept=Fraction(1)),
)
def quasi_interpolation(kept: Fraction = Fraction(2, 3)) -> Evidence:
    """phi_a >= 0 and v >= 0 make every coefficient non-negative, and so their combination; listed for sizes up to 8."""
    spaces = [Space("constant", k) for k in range(1, 9)] + [Space("hats", k) for k in range(2, 9)]
    hats = Space("hats", 3)
    once = averages(hats, hats)
    return all_of(
        decide.every(
            "entries of Q are not negative and rows add up to 1",
            [(a, b) for a in spaces[::2] for b in spaces],
            lambda c: all(min(row) >= 0 and sum(row) == 1 for row in averages(*c)),
        ),
        decide.rational("what Q keeps of the middle hat", once[1][1], "==", kept),
        decide.rational("Q Q keeps less", product(once, once)[1][1], "<", once[1][1]),
        summary="Q keeps signs, but Q of a hat function is another one",
    )


def _applied(rows: Matrix, v: Sequence[Fraction]) -> list[Fraction]:
    return [sum((x * y for x, y in zip(row, v, strict=True)), Fraction(0)) for row in rows]
