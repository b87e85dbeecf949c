r"""Theorem 5.4 as printed is false: it asks for more samples than the interpolators need (claim thm-5.4)."""

from __future__ import annotations

from fractions import Fraction

from theory import decide, expressions
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, all_of
from theory.regression import WORST, dimension
from theory.regression_upper import corners, determinant

__all__: list[str] = []

PRINTED = "1/2*d*(d + 3)*(1 - eps) - 1"
MARGIN = "1/2*k**5 + 37/4*k**4 + 64*k**3 + 813/4*k**2 + 281*k + 113"


@proves(
    "thm-5.4",
    "small eps, d = 2..8: it asks for more than D, with which an equivariant learner is exact",
    by=Trust.EXACT,
    mutant=Mutant("the corrected bound is put to the same test", bound="1/2*d*(d + 1)*(1 - eps)"),
    uses=("thm-5.4-corrected",),
)
def refuted_small(bound: str = PRINTED) -> Evidence:
    """At eps = (d-1)/(d(d+3)), half of the threshold; beside each the determinant of D explicit measurements."""
    parts = []
    for d in range(2, 9):
        eps, size = Fraction(d - 1, d * (d + 3)), dimension(d)
        asks = expressions.evaluate(bound, {"d": Fraction(d), "eps": eps})
        parts.append(decide.rational(f"d = {d}: determinant", determinant(corners(d, 1)), "!=", 0))
        parts.append(decide.rational(f"d = {d}, eps = {eps}: N* <= {size} but printed", asks, "<=", size))
    return all_of(*parts, summary="N* <= D leaves room for it")


@proves(
    "thm-5.4",
    "moderate eps, d = 3..8: it asks for more than an equivariant learner needs",
    by=Trust.EXACT,
    mutant=Mutant("the corrected bound is put to the same test", bound="1/2*d*(d + 1)*(1 - eps)"),
    uses=("thm-5.4-corrected",),
)
def refuted_moderate(bound: str = PRINTED) -> Evidence:
    """At n = d + 1 and the loss that the corrected claim grants after n samples."""
    parts = []
    for d in range(3, 9):
        n, eps = d + 1, WORST[Fraction(1, 2)](dimension(d), d + 1)
        asks = expressions.evaluate(bound, {"d": Fraction(d), "eps": eps})
        parts.append(decide.rational(f"d = {d}, eps = {eps}: N* <= {n} but printed", asks, "<=", n))
    return all_of(*parts, summary="what the interpolators need leaves room for it")


@proves(
    "thm-5.4",
    "exactly where it exceeds D: d >= 2 and eps < 2(d-1)/(d(d+3))",
    by=Trust.EXACT,
    mutant=Mutant("the threshold is 2d/(d(d+3))", gap="d"),
)
def threshold(gap: str = "(d - 1)") -> Evidence:
    """The printed bound less D is (d-1) - eps d(d+3)/2, for every d and eps.

    Where eps >= 1 - 1/d it is no more than the corrected bound, hence true: (1-eps) D less it is 1 - d(1-eps).
    """
    return all_of(
        decide.same_polynomial(f"{PRINTED} - 1/2*d*(d + 1)", f"{gap} - 1/2*eps*d*(d + 3)"),
        decide.same_polynomial(f"1/2*d*(d + 1)*(1 - eps) - ({PRINTED})", "1 - d*(1 - eps)"),
        summary="printed - D = (d-1) - eps d(d+3)/2 > 0 iff eps < 2(d-1)/(d(d+3)); no conflict at eps >= 1 - 1/d",
    )


@proves(
    "thm-5.4",
    "every d >= 3: it asks for more than n = d + 1 at eps = 1 - d/(D-1)",
    by=Trust.EXACT,
    mutant=Mutant("the printed bound is lowered by d(1-eps)", linear=1),
    uses=("thm-5.4-corrected",),
)
def every_dimension(linear: int = 3) -> Evidence:
    """N = D - 1 = (d+2)(d-1)/2; after n = d + 1 samples with trace penalty 1/2 the loss is at most (D-n)/N = 1 - d/N.

    For that f(N/n) <= 1 - d/N is needed, (N - d)(N + 2n)^2 - N^2 (N + n) >= 0: with d = 3 + k no coefficient is
    negative. The printed bound at this eps is (D + d) d/N - 1, and exceeds n by 2/N.
    """
    more = "1/2*(5 + k)*(2 + k)"
    n = "(4 + k)"
    margin = f"({more} - (3 + k))*({more} + 2*{n})**2 - ({more})**2*({more} + {n})"
    return all_of(
        decide.same_polynomial(f"1/2*d*(d + {linear})*d - 1/2*(d + 2)*(d - 1)*(d + 2)", "2"),
        decide.same_polynomial("1/2*d*(d + 1) - 1", "1/2*(d + 2)*(d - 1)"),
        decide.same_polynomial(margin, MARGIN),
        summary="printed - (d+1) = 2/(D-1) > 0 where d + 1 samples suffice",
    )


@proves(
    "thm-5.4",
    "every eps: it fails once d + 1 >= 3/p + 1/p^2, p = 1 - eps",
    by=Trust.EXACT,
    mutant=Mutant("the printed bound is lowered by d(1-eps)", bound="1/2*d*(d + 1)*(1 - eps) - 1"),
    uses=("thm-5.4-corrected",),
)
def every_eps(bound: str = PRINTED) -> Evidence:
    """By identity p (printed - (p(D-1) + 2 + 1/p)) is p^2 (d+1) - 3p - 1, and N* < p(D-1) + 2 + 1/p for some learner.

    The latter is the step "at most 2 samples above the lower bound": its n, rounded up, is below that, or else D is.
    At eps = 1/2: for every d >= 9, written d = 9 + j.
    """
    scaled = bound.replace("(1 - eps)", "p")
    needs = "p*(p*(1/2*d*(d + 1) - 1) + 2) + 1"
    return all_of(
        decide.same_polynomial(f"p*({scaled}) - ({needs})", "p**2*(d + 1) - 3*p - 1"),
        decide.same_polynomial("1/4*((9 + j) + 1) - 3/2 - 1", "1/4*j"),
        summary="p (printed - needed) >= p^2 (d+1) - 3p - 1 >= 0",
    )
