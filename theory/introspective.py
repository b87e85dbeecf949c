r"""Introspective nets (Jin, Lazarow, Tu 2017): a classifier that is trained against samples of its own.

A law p^- of *pseudo-negatives* starts as noise. In each round a classifier learns to tell the positives, of law p^+,
from p^-; then p^- is multiplied by the classifier's odds and normalised, and the classifier is trained again. A net
draws from the new law by going uphill on its own output f = ln odds, with noise that is annealed, until f is large
enough.

Here is what holds exactly on every finite space: each round's p^- is a law (claim introspective). How much a round
gains, and that a perfect classifier needs one, is in `theory.introspective_kl`. Nothing is claimed about how well a
net's walk uphill draws from that law. That the loop with a fully-connected net is a learner equivariant under
rotations, and which habits break it, is in `theory.introspective_equivariant` and `theory.introspective_broken`.

Laws are columns m and p, functions on the space are diagonal matrices or columns, and 1' is the row of ones, so that
what is shown for words holds on spaces of every size.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import matrix, one, scalar

__all__ = ["Law", "tilt"]

PAPER = "Jin, Lazarow, Tu 2017 (arXiv 1704.07816)"
FINITE = r"X \text{ is a finite set},\ p^-_t \text{ and } p^+ \text{ are probabilities on it}"
"""The hypothesis of claims about finite spaces, as TeX."""
Law = tuple[Fraction, ...]
"""Probabilities, or other numbers, of the points of a finite space."""

claim(
    "introspective",
    kind="algorithm",
    title="Reclassification by synthesis",
    statement=r"p^-_{t+1}(x) = \frac1{Z_t} \frac{q_t(+|x)}{q_t(-|x)}\, p^-_t(x) = \frac{e^{f_t(x)}}{Z_t}\, p^-_t(x), "
    r"\quad Z_t = \sum_x e^{f_t(x)} p^-_t(x), \quad q_t(+|x) = \frac1{1 + e^{-f_t(x)}};\qquad "
    r"\text{then } p^-_{t+1} \text{ is a probability with the support of } p^-_t,\quad "
    r"p^-_T = p^-_0 \prod_{t<T} \frac{e^{f_t}}{Z_t}, \quad "
    r"\text{and a constant added to } f_t \text{ changes no } p^-. \quad "
    r"\text{Sampling: } x_{k+1} = x_k + \lambda_k \nabla f_t(x_k) + s_k \xi_k "
    r"\text{ while } f_t(x_k) < c;\ \text{ then } f_{t+1} \text{ is trained on all samples so far as negatives}",
    source=f"{PAPER}; that it is well-defined on finite spaces is proved here",
    hypotheses=(FINITE, r"f_t : X \to \mathbb{R} \text{ is any function (the logit of a classifier)},\ T \ge 0"),
)


def tilt(law: Sequence[Fraction], odds: Sequence[Fraction]) -> tuple[Law, Fraction]:
    """One round on a finite space: the next law of pseudo-negatives and the normaliser Z.

    Args:
        law: probabilities of the points.
        odds: ``q(+|x)/q(-|x)`` of the points, positive.

    Raises:
        ValueError: different lengths, a law that is none, or odds that are not positive.

    Example:
        >>> tilt([Fraction(1, 4), Fraction(3, 4)], [Fraction(3), Fraction(1)])
        ((Fraction(1, 2), Fraction(1, 2)), Fraction(3, 2))
    """
    if len(law) != len(odds) or not law:
        raise ValueError(f"odds: got {len(odds)} for {len(law)} points, want as many as points, at least one")
    if sum(law) != 1 or min(law) < 0:
        raise ValueError(f"law: got {list(map(str, law))}, want numbers >= 0 that sum to 1")
    if min(odds) <= 0:
        raise ValueError(f"odds: got {min(odds)}, want positive numbers")
    weights = [r * m for r, m in zip(odds, law, strict=True)]
    total = sum(weights, Fraction(0))
    return tuple(w / total for w in weights), total


@proves(
    "introspective",
    "the odds of a logistic classifier are e^f",
    by=Trust.EXACT,
    mutant=Mutant("the classifier is cooled to half of its logit", power=2),
)
def odds_are_exponential(power: int = 1) -> Evidence:
    """With E = e^f and w = 1/(1+E): q(+) = E w and q(-) = w add up to 1, and their ratio is E.

    So ln odds = f, and their gradients agree. The rule w E = 1 - w says w (1+E) = 1.
    """
    e, w = scalar("E"), scalar("w")
    inverse = rule("w E = 1 - w", w * e, one() - w)

    def ratio(value: Fraction) -> Fraction:
        positive = 1 / (1 + 1 / value)
        return positive / (1 - positive)

    values = [Fraction(a, b) for a in range(1, 8) for b in range(1, 8)]
    return all_of(
        decide.equal_terms(e * w + w, one(), [inverse]),
        decide.every("q(+)/q(-) = E", values, lambda value: ratio(value) == value**power),
        summary="q(+) + q(-) = 1 and q(+) = e^f q(-)",
    )


@proves(
    "introspective",
    "each p^- is a law with the same support, on every finite space",
    by=Trust.EXACT,
    mutant=Mutant("nothing is divided by Z", normalised=False),
)
def is_a_law(normalised: bool = True) -> Evidence:
    """1' (z R m) = z Z = 1 with z = 1/Z; Z = 1' R m is positive, a sum of e^f m >= 0 that do not all vanish."""
    ones, r, m, z, total = matrix("1'"), matrix("R"), matrix("m"), scalar("z"), scalar("Z")
    rules = [rule("Z is the sum of R m", ones * r * m, total), rule("z Z = 1", z * total, one())]

    def sound(case: tuple[Law, Law]) -> bool:
        law, odds = case
        found, norm = tilt(law, odds)
        found = found if normalised else tuple(norm * p for p in found)
        same_support = all((p > 0) == (q > 0) for p, q in zip(found, law, strict=True))
        return sum(found) == 1 and same_support and norm > 0

    return all_of(
        decide.equal_terms(ones * (z * r * m if normalised else r * m), one(), rules),
        decide.every("the next p^- is a law with the support of p^-", _cases(), sound),
        summary="the sum of e^f p^- / Z is Z / Z = 1, and e^f > 0 keeps the support",
    )


@proves(
    "introspective",
    "the product of all rounds, by induction on T",
    by=Trust.EXACT,
    mutant=Mutant("one round's normaliser is left out", rounds=2),
)
def all_rounds(rounds: int = 3) -> Evidence:
    """If Z_0...Z_{t-1} m_t = P m_0, then Z_0...Z_{t-1} Z_t m_{t+1} = R P m_0, since m_{t+1} = z R m_t and z Z_t = 1.

    For t = 0 both products are empty. Enumerated: three rounds, where the last one may be left out of the product.
    """
    before, r, p, start = scalar("Z_0..Z_{t-1}"), matrix("R"), matrix("P"), matrix("m_0")
    m, z, total = matrix("m_t"), scalar("z"), scalar("Z_t")
    rules = [rule("z Z_t = 1", z * total, one()), rule("induction", before * m, p * start)]

    def agrees(case: tuple[Law, Law]) -> bool:
        law, odds = case
        later, normalisers = law, []
        for k in range(3):
            later, norm = tilt(later, odds[k:] + odds[:k])
            normalisers.append(norm)
        product = Fraction(1)
        for norm in normalisers[:rounds]:
            product *= norm
        turned = [odds[k:] + odds[:k] for k in range(3)]
        return all(product * q == m0 * a * b * c for q, m0, a, b, c in zip(later, law, *turned, strict=True))

    return all_of(
        decide.equal_terms(before * total * (z * r * m), r * p * start, rules),
        decide.every("Z_0 Z_1 Z_2 p^-_3 = p^-_0 times the odds of three rounds", _cases(), agrees),
        summary="Z_0...Z_{T-1} p^-_T = p^-_0 e^{f_0 + ... + f_{T-1}}",
    )


@proves(
    "introspective",
    "a constant added to f changes nothing",
    by=Trust.EXACT,
    mutant=Mutant("f is doubled besides", power=2),
)
def constants_cancel(power: int = 1) -> Evidence:
    """The odds become c R and the normaliser c Z, whose inverse is z/c: (z/c) c R m = z R m."""
    c, inverse, z, r, m = scalar("c"), scalar("1/c"), scalar("z"), matrix("R"), matrix("m")
    cancel = rule("c (1/c) = 1", c * inverse, one())

    def same(case: tuple[Law, Law]) -> bool:
        law, odds = case
        return tilt(law, [3 * r**power for r in odds])[0] == tilt(law, odds)[0]

    return all_of(
        decide.equal_terms(inverse * z * c * r * m, z * r * m, [cancel]),
        decide.every("odds times 3 give the same law", _cases(), same),
        summary="p^- depends on f up to a constant, so an output bias does not matter",
    )


def _cases() -> Iterator[tuple[Law, Law]]:
    """Laws on three points, some with a point of mass 0, and positive odds."""
    odds = [Fraction(1, 3), Fraction(1), Fraction(5, 2)]
    laws = [tuple(Fraction(k, 4) for k in counts) for counts in itertools.product(range(5), repeat=3)]
    return ((law, r) for law in laws if sum(law) == 1 for r in itertools.product(odds, repeat=3))
