r"""How far two ODE nets drift apart: Gronwall's inequality for Euler steps, for the flow, and for tanh blocks.

The two nets differ in their parameters alone. What matters is the distance of theta and theta~ as functions of t, and
that is what projection makes least, so the lemma says what compression without retraining can cost at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import Rule, rule
from theory.terms import apply, matrix, scalar, transpose

__all__: list[str] = []

LIPSCHITZ = (
    r"|R(\theta_k, x) - R(\theta_k, y)| \le L_k |x - y|,\quad "
    r"|R(\theta_k, \tilde h_k) - R(\tilde\theta_k, \tilde h_k)| \le M_k |\theta_k - \tilde\theta_k|, "
    r"\quad L_k, M_k \ge 0"
)
SYMMETRIC = (rule("S' = S", transpose(matrix("S")), matrix("S")),)

claim(
    "odenet-gronwall",
    kind="theorem",
    title="Gronwall's inequality for two ODE nets",
    statement=r"\text{Euler steps } h_{k+1} = h_k + \tfrac1N R(\theta_k, h_k) \text{ and the same with } "
    r"\tilde\theta_k \text{ from } \tilde h_0 = h_0 \text{ have, for every } N \ge 1,\quad |h_N - \tilde h_N| \le "
    r"\frac1N \sum_{k<N} M_k |\theta_k - \tilde\theta_k| \prod_{k<j<N} \bigl(1 + \tfrac{L_j}N\bigr) \le "
    r"M e^{\bar L} \Bigl(\frac1N \sum_{k<N} |\theta_k - \tilde\theta_k|^2\Bigr)^{1/2}, \quad M = \max_k M_k,\ "
    r"\bar L = \tfrac1N \sum_k L_k. \qquad \text{For the flow } \dot h = R(\theta(t), h) \text{ with } L_k = L_x,\ "
    r"M_k = L_\theta \text{ at every } t: \quad |h(1) - \tilde h(1)| \le L_\theta e^{L_x} "
    r"\|\theta - \tilde\theta\|_{L^2[0,1]}",
    source="ours",
    hypotheses=(
        LIPSCHITZ,
        r"\text{for the flow: } \theta, \tilde\theta \text{ are piecewise continuous, both solutions exist on } [0,1]",
    ),
)
claim(
    "odenet-lipschitz",
    kind="lemma",
    title="Lipschitz constants of a tanh block",
    statement=r"R(\theta, h) = V \tanh(A h + c),\ \theta = (V, A, c): \quad |R(\theta, x) - R(\theta, y)| \le "
    r"\|V\| \|A\|\, |x - y|, \qquad |R(\theta, h) - R(\tilde\theta, h)| \le \bigl(m + \|V\|^2 (|h|^2 + 1)\bigr)^{1/2} "
    r"\bigl(\|V - \tilde V\|_F^2 + \|A - \tilde A\|_F^2 + |c - \tilde c|^2\bigr)^{1/2}; \quad "
    r"\|V\| \le \bigl(\operatorname{tr} (V^{\mathsf T} V)^p\bigr)^{1/(2p)} \text{ for } p = 1, 2, 4, \dots",
    source="ours",
    hypotheses=(
        r"V, \tilde V \in \mathbb{R}^{d \times m},\ A, \tilde A \in \mathbb{R}^{m \times d},\ "
        r"c, \tilde c \in \mathbb{R}^m;\ \|\cdot\| \text{ the operator norm}",
    ),
)


@proves(
    "odenet-gronwall",
    "one Euler step",
    by=Trust.EXACT,
    mutant=Mutant("the second difference is taken at h, not at h~", at="h"),
)
def one_step(at: str = "h~") -> Evidence:
    """The new difference is the old one, plus 1/N times R(theta, h) - R(theta, h~) and R(theta, h~) - R(theta~, h~).

    So by the triangle inequality e_k = |h_k - h~_k| obeys e_(k+1) <= (1 + L_k/N) e_k + (1/N) M_k |theta_k - theta~_k|.
    """
    h, other, tau = matrix("h"), matrix("h~"), scalar("1/N")
    theta, moved = matrix("theta"), matrix("theta~")
    new = (h + tau * apply("R", theta, h)) - (other + tau * apply("R", moved, other))
    inside = apply("R", theta, h) - apply("R", theta, other)
    between = apply("R", theta, other) - apply("R", moved, matrix(at))
    return decide.equal_terms(new, (h - other) + tau * inside + tau * between)


@proves(
    "odenet-gronwall",
    "induction over the steps, for every N",
    by=Trust.EXACT,
    mutant=Mutant("the newest difference is multiplied too", newest="(1 + x)"),
)
def induction(newest: str = "1") -> Evidence:
    """S_k = sum over i < k of a_i times the product of (1 + x_j), i < j < k, is (1 + x_k) S_k + a_k one step on.

    a_k = M_k |theta_k - theta~_k|/N and x_k = L_k/N. Each old summand gains the factor 1 + x_k, the new one has an
    empty product. So e_k <= S_k gives e_(k+1) <= (1 + x_k) e_k + a_k <= S_(k+1), and e_0 = 0 = S_0.
    """
    return all_of(
        decide.same_polynomial(f"(1 + x)*S + {newest}*a", "(1 + x)*S + a"),
        decide.same_polynomial("(1 + x)*S + a - ((1 + x)*e + a)", "(1 + x)*(S - e)"),
        decide.same_polynomial("(1 + x)*(p*a1 + q*a2)", "((1 + x)*p)*a1 + ((1 + x)*q)*a2"),
        decide.every(
            "the sum of products is what the recursion gives, N <= 8, x_k = 1/(k+1), a_k = k+2",
            range(1, 9),
            lambda n: _closed(n) == _recursion(n),
        ),
        summary="e_N is at most the sum of M_k |theta_k - theta~_k|/N times the factors of later steps",
    )


@proves(
    "odenet-gronwall",
    "1 + x <= e^x for x >= 0, so products of such factors are at most e^(mean of L)",
    by=Trust.EXACT,
    mutant=Mutant("1 + x + x^2 <= e^x is claimed", square=1),
)
def exponential(square: int = 0) -> Evidence:
    """e^x - 1 - x is the series x^2/2 + x^3/6 + ..., whose coefficients 1/j! are positive.

    Fewer factors than all N are at most all of them, for each is at least 1; sums of L_k/N become exponents.
    """
    return all_of(
        decide.same_polynomial("(1 + x + 1/2*x**2) - (1 + x)", "1/2*x**2"),
        decide.rational("the coefficient of x^2 that is left", Fraction(1, 2) - square, ">=", 0),
        decide.same_polynomial("(1 + x)*p - p", "x*p"),
        summary="1/2 x^2 and all that follows is not negative",
    )


@proves(
    "odenet-gronwall",
    "Cauchy-Schwarz: the mean of distances is at most the root of their mean square, for every N",
    by=Trust.EXACT,
    mutant=Mutant("the mean square is halved", factor=Fraction(1, 2)),
)
def mean_square(factor: Fraction = Fraction(1)) -> Evidence:
    """With s1, s2 the means of x_k and x_k^2: the mean of (x_k - s1)^2 >= 0 is s2 - 2 s1 s1 + s1^2 = s2 - s1^2.

    The same for integrals over [0, 1].
    """
    return all_of(
        decide.same_polynomial("(x - s)**2", "x**2 - 2*s*x + s**2"),
        decide.same_polynomial(f"({factor})*s2 - 2*s1*s1 + s1**2", "s2 - s1**2"),
        summary="s1^2 <= s2",
    )


@proves(
    "odenet-gronwall",
    "the flow: an integrating factor",
    by=Trust.EXACT,
    mutant=Mutant("the factor is e^(-L t/2)", rate=Fraction(1, 2)),
)
def flow(rate: Fraction = Fraction(1)) -> Evidence:
    """e(t) = |h - h~| <= E(t), the integral of L e + f to t, f = L_theta |theta - theta~|; so E' = L e + f <= L E + f.

    With u = e^(-L t), u' = -L u: (u E)' <= u f, so E(1) is at most the integral of e^(L (1-s)) f(s) <= e^L f(s), and
    Cauchy-Schwarz bounds the integral of f.
    """
    return all_of(
        decide.same_polynomial(f"-({rate})*L*u*E + u*(L*E + f)", "u*f"),
        decide.same_polynomial("u*(L*E + f) - u*(L*e + f)", "u*L*(E - e)"),
        decide.same_polynomial("L - L*(1 - s)", "L*s"),
        summary="(u E)' <= u f for u = e^(-L t), and e^(L (1-s)) <= e^L",
    )


@proves(
    "odenet-lipschitz",
    "tanh is at most 1 and does not stretch",
    by=Trust.EXACT,
    mutant=Mutant("|tanh| < 1/2 is claimed", bound=Fraction(1, 2)),
)
def tanh(bound: Fraction = Fraction(1)) -> Evidence:
    """With y = e^(2x) > 0: 1 - tanh^2 = 4y/(y + 1)^2, and 1 - (1 - tanh^2) = ((y-1)/(y+1))^2, so 0 < tanh' <= 1.

    tanh' = 1 - tanh^2, and the mean value theorem.
    """
    return all_of(
        decide.same_polynomial(f"({bound * bound})*(y + 1)**2 - (y - 1)**2", "4*y"),
        decide.same_polynomial("(y + 1)**2 - 4*y", "(y - 1)**2"),
        summary="|tanh| < 1 and 0 < tanh' <= 1",
    )


@proves(
    "odenet-lipschitz",
    "two blocks at one state",
    by=Trust.EXACT,
    mutant=Mutant("the old outer weights meet the new activations nowhere", crossed="s"),
)
def telescope(crossed: str = "s~") -> Evidence:
    """V s - V~ s~ = (V - V~) s~ + V (s - s~), and s - s~ is at most |(A - A~) h + c - c~|; |s~| <= sqrt(m)."""
    v, other, s, moved = (matrix(name) for name in ("V", "V~", "s", "s~"))
    a, b, h, c, e = (matrix(name) for name in ("A", "A~", "h", "c", "c~"))
    return all_of(
        decide.equal_terms(v * s - other * moved, (v - other) * matrix(crossed) + v * (s - moved)),
        decide.equal_terms((a * h + c) - (b * h + e), (a - b) * h + (c - e)),
        summary="|R - R~| <= sqrt(m) |V - V~| + |V| (|A - A~| |h| + |c - c~|)",
    )


@proves(
    "odenet-lipschitz",
    "Cauchy-Schwarz for three summands",
    by=Trust.EXACT,
    mutant=Mutant("one square is left out", last="p3**2 - p3**2"),
)
def three(last: str = "p3**2") -> Evidence:
    """(p1^2 + p2^2 + p3^2)(q1^2 + q2^2 + q3^2) - (p q)^2 is a sum of squares; p = (sqrt(m), |V| |h|, |V|).

    Operator norms are at most Frobenius norms: row by row, |A x|^2 is at most the sum of squares times |x|^2.
    """
    return decide.same_polynomial(
        f"(p1**2 + p2**2 + {last})*(q1**2 + q2**2 + q3**2) - (p1*q1 + p2*q2 + p3*q3)**2",
        "(p1*q2 - p2*q1)**2 + (p1*q3 - p3*q1)**2 + (p2*q3 - p3*q2)**2",
    )


@proves(
    "odenet-lipschitz",
    "traces of powers bound the operator norm",
    by=Trust.EXACT,
    mutant=Mutant("the powers of V'V are not symmetric", symmetric=()),
)
def traces(symmetric: Sequence[Rule] = SYMMETRIC) -> Evidence:
    """For S = V'V, S^2, S^4, ...: |S x|^2 = x' S^2 x <= |S^2| |x|^2, so |S|^2 <= |S^2|; and |V|^2 <= |V'V| likewise.

    So |V|^(2p) <= |S|^p <= |S^p| for p = 1, 2, 4, ...; for p = 2q the last is |S^q S^q| <= |S^q|^2, at most the squared
    Frobenius norm of S^q, which is tr (S^q)' S^q = tr S^p; for p = 1, |V|^2 is at most that of V, which is tr V'V.
    """
    v, s, x = matrix("V"), matrix("S"), matrix("x")
    return all_of(
        decide.equal_terms(transpose(v * x) * (v * x), transpose(x) * (transpose(v) * v) * x),
        decide.equal_terms(transpose(transpose(v) * v), transpose(v) * v),
        decide.equal_terms(transpose(s * s), s * s, symmetric),
        decide.equal_terms(transpose(s * x) * (s * x), transpose(x) * (s * s) * x, symmetric),
        decide.equal_terms(transpose(s) * s, s * s, symmetric),
        summary="|V|^(2p) <= tr (V'V)^p",
    )


def _recursion(steps: int) -> Fraction:
    total = Fraction(0)
    for k in range(steps):
        total = (1 + Fraction(1, k + 1)) * total + (k + 2)
    return total


def _closed(steps: int) -> Fraction:
    total = Fraction(0)
    for i in range(steps):
        factor = Fraction(1)
        for j in range(i + 1, steps):
            factor *= 1 + Fraction(1, j + 1)
        total += (i + 2) * factor
    return total
