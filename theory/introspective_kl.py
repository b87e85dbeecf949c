r"""What a round of the introspective loop gains, exactly on every finite space.

The divergence KL(p^+||p^-) from the positives to the pseudo-negatives changes by E f - ln Z, f the classifier's logit
averaged over positives. So a round helps as long as positives have a logit that is above ln Z on average, and with
Bayes' classifier one round reaches p^+ itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.introspective import FINITE, Law, tilt
from theory.rewriting import rule
from theory.terms import matrix, one, scalar

__all__: list[str] = []

Instance = tuple[Law, Law, Law, int]

claim(
    "introspective-kl",
    kind="lemma",
    title="What one round gains",
    statement=r"\mathrm{KL}(p^+ \| p^-_t) - \mathrm{KL}(p^+ \| p^-_{t+1}) = \mathbb{E}_{p^+} f_t - \ln Z_t, \quad "
    r"\text{so it does not rise} \iff \mathbb{E}_{p^+} f_t \ge \ln Z_t; \qquad "
    r"\ln Z_t \ge \mathbb{E}_{p^-_t} f_t, \quad \text{so it rises wherever } "
    r"\mathbb{E}_{p^+} f_t < \mathbb{E}_{p^-_t} f_t",
    source="ours",
    hypotheses=(FINITE, r"p^-_t > 0", r"f_t : X \to \mathbb{R};\ 0 \ln 0 = 0"),
    uses=("introspective",),
)
claim(
    "introspective-one-step",
    kind="lemma",
    title="A perfect classifier needs one round",
    statement=r"q_t(+|x) = \frac{\pi p^+(x)}{\pi p^+(x) + (1-\pi) p^-_t(x)} \implies "
    r"Z_t = \frac{\pi}{1-\pi},\quad p^-_{t+1} = p^+; \qquad Z_t = 1 \iff \pi = \tfrac12",
    source="ours",
    hypotheses=(FINITE, r"p^-_t > 0,\ p^+ > 0", r"0 < \pi < 1 \text{ is the share of positives}"),
    uses=("introspective",),
)


@proves(
    "introspective-kl",
    "the identity, on every finite space",
    by=Trust.EXACT,
    mutant=Mutant("ln Z is left out of ln p^-_{t+1}", normaliser="0"),
    uses=("introspective",),
)
def gain(normaliser: str = "L") -> Evidence:
    """With a = ln p^+, b = ln p^-_t, L = ln Z free: ln p^-_{t+1} = b + f - L by definition. Summed with p' 1 = 1.

    One point: p (a - b) - p (a - (b + f - L)) = p f - p L. Where p^+ = 0 both sides vanish, whatever a stands for.
    """
    law, ones, a, b, f = (matrix(s) for s in ("p'", "1", "a", "b", "f"))
    total = scalar("L")
    after = b + f - (total * ones if normaliser == "L" else ones - ones)
    probability = rule("p' 1 = 1", law * ones, one())
    return all_of(
        decide.same_polynomial(f"p*(a - b) - p*(a - (b + f - {normaliser}))", "p*f - p*L"),
        decide.equal_terms(law * (a - b) - law * (a - after), law * f - total, [probability]),
        summary="KL_t - KL_{t+1} = E f - ln Z, linear in the logarithms",
    )


@proves(
    "introspective-kl",
    "instances in exact binary logarithms",
    by=Trust.EXACT,
    mutant=Mutant("the mean of f is taken under p^-", under_positives=False),
    uses=("introspective",),
)
def dyadic_gain(under_positives: bool = True) -> Evidence:
    """Laws of powers of 1/2 on 2 to 4 points have exact logarithms; f = log2(p^-_{t+1}/p^-_t) + c then has Z = 2^c."""

    def agrees(case: Instance) -> bool:
        positive, now, later, constant = case
        f = [_log2(q / m) + constant for m, q in zip(now, later, strict=True)]
        found, norm = tilt(now, [Fraction(2) ** k for k in f])
        mean = _mean(positive if under_positives else now, f)
        gained = _divergence(positive, now) - _divergence(positive, later)
        shown = gained == mean - _log2(norm)
        return found == later and shown and (gained >= 0) == (mean >= _log2(norm))

    return decide.every("KL falls by E f - log Z, (p^+, p^-_t, p^-_{t+1}, c)", _instances(), agrees)


@proves(
    "introspective-kl",
    "ln Z is at least the mean of f under p^-, on every finite space",
    by=Trust.EXACT,
    mutant=Mutant("the mean is taken under p^+", under_negatives=False),
    uses=("introspective",),
)
def jensen(under_negatives: bool = True) -> Evidence:
    """With h = e^{f - L}, m' h = 1: 0 <= m' (h - 1 - (f - L)) = L - m' f, because e^u >= 1 + u.

    e^u >= 1 + u: clear for u >= 0 (series) and for u <= -1; for u = -v, 0 <= v < 1, e^v is at most the sum of v^k, as
    1/k! <= 1, whose partial sums S obey S (1 - v) = 1 - P, P = v^{n+1}, hence e^v (1 - v) <= 1: the induction step is
    (1 - P) + P (1 - v) = 1 - P v.
    """
    law, ones, f, h, total = matrix("m'"), matrix("1"), matrix("f"), matrix("h"), scalar("L")
    sums = [rule("m' 1 = 1", law * ones, one()), rule("m' h = Z/Z = 1", law * h, one())]

    def above(case: Instance) -> bool:
        positive, now, later, constant = case
        f = [_log2(q / m) + constant for m, q in zip(now, later, strict=True)]
        return constant >= _mean(now if under_negatives else positive, f)

    return all_of(
        decide.same_polynomial("(1 - P) + P*(1 - v)", "1 - P*v"),
        decide.same_polynomial("1*(1 - v)", "1 - v"),
        decide.equal_terms(law * (h - ones - (f - total * ones)), total - law * f, sums),
        decide.every("log Z is at least the mean of f, (p^+, p^-_t, p^-_{t+1}, c)", _instances(), above),
        summary="ln Z - E f under p^- is a mean of e^u - 1 - u >= 0",
    )


@proves(
    "introspective-one-step",
    "for every prior, on every finite space",
    by=Trust.EXACT,
    mutant=Mutant("the odds are squared", power=2),
    uses=("introspective",),
)
def one_round(power: int = 1) -> Evidence:
    """Bayes' odds are o p^+/p^- with o = pi/(1-pi): times p^- this is o p^+ at each point, whose sum is o = Z."""
    o, a, b, inverse = scalar("o"), scalar("p+(x)"), scalar("p-(x)"), scalar("1/p-(x)")
    cancel = rule("p- (1/p-) = 1", b * inverse, one())
    ones, law, z = matrix("1'"), matrix("p"), scalar("z")
    sums = [rule("1' p = 1", ones * law, one()), rule("z Z = 1", z * o, one())]

    def reached(case: tuple[Law, Law, Fraction]) -> bool:
        positive, now, prior = case
        odds = [(prior * p / ((1 - prior) * m)) ** power for p, m in zip(positive, now, strict=True)]
        return tilt(now, odds) == (positive, prior / (1 - prior))

    return all_of(
        decide.equal_terms(o * a * inverse * b, o * a, [cancel]),
        decide.equal_terms(ones * (o * law), o, sums),
        decide.equal_terms(z * (o * law), law, sums),
        decide.every("one round reaches p^+, and Z = pi/(1-pi): (p^+, p^-, pi)", _bayes(), reached),
        summary="p^-_{t+1} = o p^+ / o = p^+",
    )


@proves(
    "introspective-one-step",
    "Z = 1 for equal priors only",
    by=Trust.EXACT,
    mutant=Mutant("two positives come with one negative", prior=Fraction(2, 3)),
)
def equal_priors(prior: Fraction = Fraction(1, 2)) -> Evidence:
    """pi/(1-pi) = 1 iff pi = 1 - pi: pi - (1 - pi) = 2 pi - 1 vanishes at 1/2 only."""
    return all_of(
        decide.same_polynomial("p - (1 - p)", "2*p - 1"),
        decide.rational("pi/(1-pi)", prior / (1 - prior), "==", 1),
        summary="pi = 1 - pi iff 2 pi = 1",
    )


def _dyadic(points: int) -> list[Law]:
    halves = [Fraction(1, 2**k) for k in range(1, 4)]
    return [law for law in itertools.product(halves, repeat=points) if sum(law) == 1]


def _instances() -> Iterator[Instance]:
    for points in (2, 3, 4):
        laws = _dyadic(points)
        yield from ((p, m, q, c) for p in laws for m in laws for q in laws for c in (-1, 2))


def _bayes() -> Iterator[tuple[Law, Law, Fraction]]:
    laws = [tuple(Fraction(k, 6) for k in counts) for counts in itertools.product(range(1, 5), repeat=3)]
    laws = [law for law in laws if sum(law) == 1]
    return itertools.product(laws, laws, (Fraction(1, 3), Fraction(1, 2), Fraction(3, 4)))


def _log2(power: Fraction) -> int:
    """The exact logarithm of a power of two."""
    exponent = power.numerator.bit_length() - power.denominator.bit_length()
    if power != Fraction(2) ** exponent:
        raise ValueError(f"power: got {power}, want a power of two")
    return exponent


def _mean(law: Law, values: Sequence[int]) -> Fraction:
    return sum((p * v for p, v in zip(law, values, strict=True)), Fraction(0))


def _divergence(p: Law, q: Law) -> Fraction:
    """KL(p||q) in bits, for laws of powers of two."""
    return sum((a * _log2(a / b) for a, b in zip(p, q, strict=True)), Fraction(0))
