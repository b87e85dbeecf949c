r"""The orbit of the quadratic target: Lemma D.2 and the VC dimension in Theorem 4.1.

The target on R^{2d} is ``h* = sign(x' J x)``, J = diag(I, -I). Its orbit under O(2d) is
``{sign(x' Q x)}`` with ``Q = U' J U``, that is, Q symmetric, Q^2 = I and tr Q = 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import cayley
from theory.rewriting import rule
from theory.terms import matrix, one, transpose
from theory.validate import integer
from theory.vc_bound import vc_lower_bound

__all__ = ["orbit_matrix", "vc_bounds"]

PAPER = "Li, Zhang, Arora (ICLR 2021)"

claim(
    "lem-d.2",
    kind="lemma",
    title="Bilinear functions lie in the orbit",
    statement=r"h_U(x) = \operatorname{sign}(x_{1:d}^\top U x_{d+1:2d}) \in h^* \circ O(2d) "
    r"\text{ for every } U \in O(d)",
    source=f"{PAPER}, Lemma D.2 (statement reconstructed)",
    printed=r"h_U(x) = \operatorname{sign}(x_{1:d}^\top U x_{d+1:2d}) \in h^* \circ O(2d) "
    r"\text{ for every } U \in O(d)",
    differs="The appendix was not at hand: the statement is a reconstruction. Nothing is changed against it.",
    hypotheses=(r"h^*(x) = \operatorname{sign}(x^\top J x),\ J = \operatorname{diag}(I_d, -I_d),\ d \ge 1",),
)
claim(
    "lem-vc-linear",
    kind="lemma",
    title="Signs of a linear space",
    statement=r"\operatorname{VCdim}\{\operatorname{sign} f : f \in F\} \le \dim F",
    source="folklore (Dudley 1978); proved here",
    hypotheses=(
        r"F \text{ is a real linear space of functions};\ \operatorname{sign}(0) "
        r"\text{ is fixed as } +1 \text{ or as } -1",
    ),
)
claim(
    "thm-4.1",
    kind="theorem",
    title="One function, all distributions",
    statement=r"d^2 \le \operatorname{VCdim}(h^* \circ O(2d)) \le 2d^2 + d - 1, \text{ hence } "
    r"\mathcal{N}(\mathcal{A}, \text{all laws} \diamond h^*, \varepsilon, \delta) \ge "
    r"\max\Bigl(\frac{(1-3\delta)(d^2 - 1)}{8\,\varepsilon},\ "
    r"\frac{1-\varepsilon}{\varepsilon}\ln\frac1{2\delta}\Bigr) "
    r"\text{ for every } O(2d)\text{-equivariant } \mathcal{A}",
    source=f"{PAPER}, Theorem 4.1; both VC bounds and the constant are ours",
    printed=r"\mathcal{N}(\mathcal{A}, \{\text{all laws}\} \diamond h^*, \varepsilon, \delta) "
    r"= \Omega\Bigl(\frac{d^2 + \ln(1/\delta)}{\varepsilon}\Bigr) \text{ for every } O(2d)\text{-equivariant } "
    r"\mathcal{A}",
    differs="The paper writes Omega. The constants, the ranges of eps and delta and both bounds on the VC dimension "
    "are ours; the two summands are the two sides of a maximum here. The half on the conv net is "
    "conv-upper-4.1.",
    hypotheses=(
        r"h^*(x) = \operatorname{sign}(x^\top J x) \text{ on } \mathbb{R}^{2d},\ d \ge 1;\ "
        r"\operatorname{sign}(0) \text{ is fixed as } +1 \text{ or as } -1",
        r"0 < \varepsilon \le \tfrac14,\ 0 \le \delta < \tfrac13 \text{ and } d \ge 2 \text{ in the sample "
        r"bound; its second part in the drawn reading, with } 0 < \delta \le \tfrac12",
    ),
    uses=("def-3.2", "def-3.3", "thm-b.1"),
)
claim(
    "conv-upper-4.1",
    kind="theorem",
    title="The conv net on the quadratic target",
    statement=r"\mathcal{N}(\mathrm{ERM}, P, \varepsilon, \delta) \le "
    r"\Bigl\lceil\max\bigl(\tfrac4\varepsilon\log_2\tfrac2\delta, "
    r"\tfrac{24}\varepsilon\log_2\tfrac{13}\varepsilon\bigr)\Bigr\rceil "
    r"\text{ for every law } P_X \text{ on } \mathbb{R}^{2d}",
    source=f"{PAPER}, Theorem 4.1 (conv net), with the constants of Blumer et al.",
    printed=r"\mathcal{N}(\mathrm{ERM}_{\mathrm{CNN}}, \{\text{all laws}\} \diamond h^*, \varepsilon, \delta) "
    r"= O\Bigl(\frac{\log(1/\varepsilon) + \log(1/\delta)}{\varepsilon}\Bigr)",
    differs="The paper writes O. The constants are those of Blumer et al.; the nets, and the condition of "
    "measurability, are spelled out here.",
    hypotheses=(
        r"P = P_X \diamond h^*;\ \text{the nets are } "
        r"\operatorname{sign}(a_1 \|w x_{1:d}\|^2 + a_2 \|w x_{d+1:2d}\|^2 + b): "
        r"\text{filter of size } 1, \text{ two patches, square activation, sum pooling}",
        r"\mathrm{ERM} \text{ returns any net without training error};\ 0 < \varepsilon, \delta < 1",
        r"\text{the condition of measurability of blumer-1989}",
    ),
    uses=("def-3.3",),
)


def vc_bounds(d: int) -> tuple[int, int]:
    """Lower and upper bound on the VC dimension of the orbit in R^{2d} (claim thm-4.1).

    Raises:
        ValueError: d < 1.

    Example:
        >>> vc_bounds(3)
        (9, 20)
    """
    d = integer("d", d, 1)
    return d * d, 2 * d * d + d - 1


def orbit_matrix(signs: NDArray[Any], step: Fraction) -> NDArray[Any]:
    """Q = U' J U for the Cayley transform U of A = [[0, tS], [-tS', 0]], exactly, shape (2d, 2d).

    Raises:
        ValueError: `signs` is not a square matrix.

    Example:
        >>> q = orbit_matrix(np.array([[1]], object), Fraction(1, 3))
        >>> q.tolist()
        [[Fraction(7, 25), Fraction(24, 25)], [Fraction(24, 25), Fraction(-7, 25)]]
    """
    d = len(signs)
    if signs.shape != (d, d):
        raise ValueError(f"signs: got shape {signs.shape}, want a square matrix")
    a = np.full((2 * d, 2 * d), Fraction(0), object)
    a[:d, d:] = step * signs
    a[d:, :d] = -step * signs.T
    u = cayley(a)
    j = np.array([1] * d + [-1] * d, object)
    result: NDArray[Any] = u.T @ (j[:, None] * u)
    return result


@proves(
    "lem-d.2",
    "an explicit V with V' J V = [[0, U], [U', 0]]",
    by=Trust.EXACT,
    mutant=Mutant("U is not orthogonal", orthogonal=False),
)
def bilinear(orthogonal: bool = True) -> Evidence:
    """V = [[I, U], [-U', I]] / sqrt 2, block by block; x' [[0, U], [U', 0]] x = 2 x_1' U x_2."""
    u, half = matrix("U"), one() * Fraction(1, 2)
    ut = transpose(u)
    rules = [rule("U U' = 1", u * ut, one()), rule("U' U = 1", ut * u, one())] if orthogonal else []
    v = [[one(), u], [-ut, one()]]
    vt = [[one(), -u], [ut, one()]]
    zero_one = [[one() - one(), one()], [one(), one() - one()]]
    target = [[one() - one(), u], [ut, one() - one()]]
    checks = []
    for i, k in itertools.product(range(2), repeat=2):
        gram = half * (vt[i][0] * v[0][k] + vt[i][1] * v[1][k])
        form = half * (vt[i][0] * v[0][k] - vt[i][1] * v[1][k])  # J is +1 on the first block, -1 on the second
        checks.append(decide.equal_terms(gram, one() - zero_one[i][k], rules))
        checks.append(decide.equal_terms(form, target[i][k], rules))
    return all_of(*checks, summary="V'V = I and V'JV = [[0, U], [U', 0]] in all four blocks")


@proves(
    "thm-4.1",
    "the orbit matrix of the Cayley transform",
    by=Trust.EXACT,
    mutant=Mutant("J commutes with A instead of anticommuting", anticommute=False),
)
def cayley_form(anticommute: bool = True) -> Evidence:
    """With R = (1+A)^-1, U' = 2R - 1 and U = 2P - 1: Q = U'JU = U'^2 J, and (1-A^2)^2 U'^2 = (1-A)^4."""
    a, r, p, j = matrix("A"), matrix("R"), matrix("P"), matrix("J")
    sign = -1 if anticommute else 1
    rules = [
        rule("(1+A) R = 1", a * r, one() - r),
        rule("R (1+A) = 1", r * a, one() - r),
        rule("(1-A) P = 1", a * p, p - one()),
        rule("P (1-A) = 1", p * a, p - one()),
        rule("J P = R J, since J A = -A J", j * p, r * j if anticommute else p * j),
        rule("J J = 1", j * j, one()),
        rule("J A = -A J", j * a, sign * (a * j)),
    ]
    back, forth = 2 * r - one(), 2 * p - one()
    q = back * j * forth
    plus, minus = one() + a, one() - a
    square = one() - a * a
    return all_of(
        decide.equal_terms(minus * r, back, rules),
        decide.equal_terms(p * plus, forth, rules),
        decide.equal_terms(j * minus, plus * j, rules),
        decide.equal_terms(q, back * back * j, rules),
        decide.equal_terms(square * square * back * back, minus * minus * minus * minus, rules),
        decide.same_polynomial("(1 - a)**4", "(1 + 6*a**2 + a**4) - 4*a*(1 + a**2)"),
        summary="Q = (1-A)^4 (1-A^2)^-2 J = J (1+A)^4 (1-A^2)^-2: even part (1+6A^2+A^4), odd part 4A(1+A^2)",
    )


@proves(
    "thm-4.1",
    "remainders of the diagonal and the off-diagonal part",
    by=Trust.EXACT,
    mutant=Mutant("the diagonal remainder is claimed to be 4 b^2", factor="4"),
)
def remainders(factor: str = "8") -> Evidence:
    """With b = eigenvalue of -A^2 >= 0, phi = (1-6b+b^2)/(1+b)^2 = 1 - 8b + rho and psi = (1-b)/(1+b)^2 = 1 - chi.

    0 <= rho = 8 b^2 (2+b)/(1+b)^2 <= 16 b^2 and 0 <= chi = b (3+b)/(1+b)^2 <= 3b.
    """
    return all_of(
        decide.same_polynomial("1 - 6*b + b**2", f"(1 - 8*b)*(1 + b)**2 + {factor}*b**2*(2 + b)"),
        decide.same_polynomial("1 - b", "(1 + b)**2 - b*(3 + b)"),
        decide.same_polynomial("2*(1 + b)**2 - (2 + b)", "3*b + 2*b**2"),
        decide.same_polynomial("3*(1 + b)**2 - (3 + b)", "5*b + 3*b**2"),
        summary="phi = 1 - 8b + rho, 0 <= rho <= 16 b^2; psi = 1 - chi, 0 <= chi <= 3b, for every b >= 0",
    )


@proves(
    "thm-4.1",
    "shattering: t = 1/(3d) works for every d",
    by=Trust.EXACT,
    mutant=Mutant("t = 1/(2d), where the estimate gives exactly zero", c=2),
)
def shattering(c: int = 3) -> Evidence:
    """S_ij times the form at (e_i; e_j) is at least 8t(1 - 3t^2 d^2) - 16 t^4 d^3, t = 1/(c d).

    (SS')_ii = (S'S)_jj = d, so the 8b terms cancel and rho leaves at most 16 t^4 (SS'SS')_ii <= 16 t^4 d^3;
    the off-diagonal block is 4t S psi, and |S chi|_ij <= |S_i| 3 t^2 |(S'S)_j| <= 3 t^2 d^2. Times c^4 d / 8:
    c^3 - 3c - 2 = (c-2)(c+1)^2.
    """
    return all_of(
        decide.same_polynomial("c**3 - 3*c - 2", "(c - 2)*(c + 1)**2"),
        decide.rational(f"(c-2)(c+1)^2 at c = {c}", (c - 2) * (c + 1) ** 2, ">", 0),
        decide.every(
            "diagonal and row bounds of S S' for every sign matrix, d <= 3",
            [s for d in (1, 2, 3) for s in _sign_matrices(d)],
            lambda s: _row_bounds(_array(s)),
        ),
        summary="S_ij x'Qx >= (8/(c^4 d)) (c-2)(c+1)^2 > 0 with c = 3",
    )


@proves(
    "thm-4.1",
    "all sign patterns at d <= 3, in exact arithmetic",
    by=Trust.EXACT,
    mutant=Mutant("t = 1/d instead of 1/(3d)", c=1),
)
def enumerated(c: int = 3) -> Evidence:
    """2 + 16 + 512 Cayley matrices with t = 1/(3d): the form at (e_i; e_j) has the sign of S_ij."""

    def realised(rows: tuple[tuple[int, ...], ...]) -> bool:
        s = _array(rows)
        d = len(s)
        q = orbit_matrix(s, Fraction(1, c * d))
        values = np.array([[q[i, i] + q[d + j, d + j] + 2 * q[i, d + j] for j in range(d)] for i in range(d)])
        return bool((values * s > 0).all())

    return decide.every(
        "the d^2 points are labelled as wished", [s for d in (1, 2, 3) for s in _sign_matrices(d)], realised
    )


@proves(
    "lem-vc-linear",
    "k + 1 points are not shattered",
    by=Trust.EXACT,
    mutant=Mutant("label + is asked where c_i > 0", wanted=1),
)
def not_shattered(wanted: int = -1) -> Evidence:
    """k+1 points have a dependency sum c_i f(x_i) = 0 for all f in a k-dimensional space.

    Some c_i > 0, else negate. Ask for label - where c_i > 0 and + elsewhere: with sign(0) = +1 the sum would be
    negative. With sign(0) = -1 exchange the roles. The signs decide, and all sign patterns of up to four
    coefficients are tried.
    """
    signs = [s for n in (1, 2, 3, 4) for s in itertools.product((-1, 0, 1), repeat=n) if 1 in s]
    return decide.every("the labels make sum c_i f(x_i) < 0: signs of c", signs, lambda c: _contradicts(c, wanted))


@proves(
    "thm-4.1",
    "upper bound: traceless symmetric matrices",
    by=Trust.EXACT,
    mutant=Mutant("the trace is not used", traceless=False),
    uses=("lem-vc-linear",),
)
def vc_upper(traceless: bool = True) -> Evidence:
    """The orbit's forms lie in a linear space of dimension d(2d+1) - 1."""
    return decide.same_polynomial("d*(2*d + 1)" + (" - 1" if traceless else ""), "2*d**2 + d - 1")


@proves(
    "thm-4.1",
    "the sample bound",
    by=Trust.EXACT,
    mutant=Mutant("the VC dimension is claimed to be d^2 + 1", extra=1),
    uses=("thm-b.1", "thm-5.1"),
)
def sample_bound(extra: int = 0) -> Evidence:
    """All laws are an invariant set of laws, so the whole orbit must be learned; then the VC bound at V >= d^2."""
    cases = [
        (d, e, x)
        for d in range(2, 7)
        for e in (Fraction(1, 4), Fraction(1, 50))
        for x in (Fraction(1, 100), Fraction(1, 5))
    ]
    return decide.every(
        "ceil((1 - 3 delta)(d^2 - 1)/(8 eps)): d, eps, delta",
        cases,
        lambda c: (
            vc_lower_bound(vc_bounds(c[0])[0] + extra, c[1], c[2])
            == math.ceil((1 - 3 * c[2]) * (c[0] ** 2 - 1) / (8 * c[1]))
        ),
    )


@proves(
    "conv-upper-4.1",
    "the net realises the target",
    by=Trust.EXACT,
    mutant=Mutant("both second-layer weights are +1", weights=("1", "1")),
)
def conv_realises(weights: tuple[str, str] = ("1", "-1")) -> Evidence:
    """W = 1, a = (1, -1), b = 0 give x' J x: shown for one coordinate on each side, and sums add up."""
    return decide.same_polynomial(f"{weights[0]}*x**2 + ({weights[1]})*y**2", "x**2 - y**2")


@proves(
    "conv-upper-4.1",
    "three parameters: half-planes in the two pooled features",
    by=Trust.EXACT,
    mutant=Mutant("a third pooled feature is allowed", features=3),
    uses=("blumer-1989", "lem-vc-linear"),
)
def conv_vc(features: int = 2) -> Evidence:
    """a_i w^2 ranges over the reals, so the class is signs of a linear space of dimension features + 1 = 3 >= VC."""
    return all_of(
        decide.rational("dimension of span{1, |x_1|^2, |x_2|^2}", features + 1, "==", 3),
        summary="VC <= 3, so Blumer et al. give (24/eps) log2(13/eps)",
    )


def _sign_matrices(d: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    return itertools.product(itertools.product((-1, 1), repeat=d), repeat=d)


def _array(rows: Sequence[Sequence[int]]) -> NDArray[Any]:
    return np.array([[Fraction(x) for x in row] for row in rows], object)


def _row_bounds(s: NDArray[Any]) -> bool:
    d = len(s)
    squared = [m @ m for m in (s @ s.T, s.T @ s)]
    diagonal = all((s @ s.T)[i, i] == (s.T @ s)[i, i] == d for i in range(d))
    return diagonal and all(m[i, i] <= d**3 for m in squared for i in range(d))


def _contradicts(c: tuple[int, ...], wanted: int) -> bool:
    """Is sum c_i f_i < 0 for all signs f_i with f_i = `wanted` where c_i > 0 and f_i >= 0 elsewhere?"""
    values = [(wanted,) if x > 0 else (0, 1) for x in c]
    return all(sum(x * f for x, f in zip(c, fs, strict=True)) < 0 for fs in itertools.product(*values))
