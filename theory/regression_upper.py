r"""Theorem 5.4: the interpolators that attain the corrected bound (claim thm-5.4-corrected).

Three facts carry the proof.

1. D generic samples determine the form.
2. With n < D generic samples let H be the span of the differences of the measurements u u' of T on the unit sphere
   (dimension n - 1) and t the point nearest to 0 in their affine hull, lengths taken in the loss norm by
   ``<t, T> = mean of u' T u``. The interpolator knows T on H, nothing of T beyond H + span(t), and the one number
   ``b + <t, T>``, of which it gives the share k = 1/(1 + r z) to b, where z = d(d+2) |t|^2 and r is the trace penalty.
3. The expected loss is a quadratic form in B that rotations leave alone, hence a multiple of the loss norm on
   traceless forms and another one on multiples of I, without a mixed term. So sums over a basis give the worst case.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from theory import decide
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import GROUPS, SIGNED_PERMUTATION, act_on_points, inverse
from theory.regression import WORST, dimension, sharp_upper_bound
from theory.regression_interpolator import (
    Array,
    form_coefficients,
    generic_points,
    labels_of,
    least_norm_interpolator,
    loss,
    reduced,
)
from theory.rewriting import rule
from theory.terms import matrix, one, trace, transpose

__all__ = ["corners", "determinant", "traceless_basis"]

PENALTIES = (Fraction(1), Fraction(1, 2), Fraction(0))


def traceless_basis(d: int) -> Iterator[Array]:
    """An orthogonal basis of the traceless symmetric matrices, D - 1 of them, with integer entries."""
    for i, j in itertools.combinations(range(d), 2):
        off = np.full((d, d), Fraction(0), dtype=object)
        off[i, j] = off[j, i] = Fraction(1)
        yield off
    for k in range(1, d):
        yield np.diag([Fraction(1)] * k + [Fraction(-k)] + [Fraction(0)] * (d - k - 1))


def corners(d: int, second: int) -> Array:
    """The points e_i + second e_j, i < j, and e_i, in the order of the entries B_ij, i <= j."""
    unit = np.array([[Fraction(i == j) for j in range(d)] for i in range(d)], object)
    pairs = itertools.combinations_with_replacement(range(d), 2)
    return np.array([unit[i] + (second * unit[j] if i != j else 0) for i, j in pairs], object)


def determinant(points: Array) -> Fraction:
    """The determinant of the measurements by D points in R^d."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    rows = [[QQ(v.numerator, v.denominator) for v in row] for row in form_coefficients(points)]
    value = DomainMatrix(rows, (len(rows), len(rows)), QQ).det()
    return Fraction(int(value.numerator), int(value.denominator))


@proves(
    "thm-5.4-corrected",
    "the interpolators are O(d)-equivariant",
    by=Trust.EXACT,
    mutant=Mutant("g is any invertible matrix", group="general_linear"),
    uses=("def-3.2",),
)
def equivariant_interpolators(group: str = "orthogonal") -> Evidence:
    """B fits gD iff g' B g fits D, with equal penalised norm; the least one is unique, so B(gD) = g B(D) g'.

    Where no form fits, "fits" reads "has least squared error on y/|x|^2", which g keeps too; where a point is zero
    (never, almost surely) the learner is to answer B = 0.
    Unique: the norm is strictly convex; with penalty 0 it vanishes only on multiples of I, which do not fit zero
    labels (for n >= 1; without data B = 0). Words for all d; the instances show that the function returns a fit that is
    orthogonal to all forms that vanish on the data, the least fit by Pythagoras, and that it turns with the data.
    """
    g, x, b = matrix("g"), matrix("x"), matrix("B")
    rotation = [rule("g g' = 1", g * transpose(g), one()), rule("g' g = 1", transpose(g) * g, one())]
    rules = rotation if group == "orthogonal" else []
    turned = transpose(g) * b * g
    cases = [(d, n, r) for d, n in ((2, 0), (2, 1), (2, 2), (2, 3), (3, 2), (3, 4)) for r in PENALTIES]
    return all_of(
        decide.equal_terms(transpose(g * x) * b * (g * x), transpose(x) * turned * x),
        decide.equal_terms(trace(turned * turned), trace(b * b), rules),
        decide.equal_terms(trace(turned), trace(b), rules),
        decide.equal_terms(transpose(g * x) * (g * b * transpose(g)) * (g * x), transpose(x) * b * x, rules),
        decide.every("exact instances (d, n, trace penalty)", cases, lambda c: _least_and_turns(*c, group)),
        summary="the constraints and the penalised norm turn with g, and exact instances agree",
    )


def _least_and_turns(d: int, n: int, penalty: Fraction, group: str) -> bool:
    rng = random.Random(10 * d + n)
    x, g = generic_points(d, n), GROUPS[group].exact_element(d, rng)
    y = np.array([Fraction(rng.randint(-5, 5)) for _ in range(n)], object)
    b = least_norm_interpolator(x, y, penalty)
    fits = (labels_of(x, b) == y).all()
    least = all(_penalised(b, form, penalty) == 0 for form in _vanishing(x))
    return bool(fits and least and (least_norm_interpolator(act_on_points(g, x), y, penalty) == g @ b @ g.T).all())


def _penalised(a: Array, b: Array, penalty: Fraction) -> Fraction:
    """The inner product of 2 |T|^2 + penalty d(d+2) b^2."""
    d, traces = len(a), np.trace(a) * np.trace(b)
    return Fraction(2 * ((a * b).sum() - traces / Fraction(d)) + penalty * (d + 2) * traces / Fraction(d))


def _vanishing(points: Array) -> Iterator[Array]:
    """A basis of the symmetric B with x_k' B x_k = 0 for all k."""
    d = points.shape[1]
    pairs = list(itertools.combinations_with_replacement(range(d), 2))
    echelon, pivots = reduced(form_coefficients(points))
    for free in set(range(len(pairs))) - set(pivots):
        form = np.full((d, d), Fraction(0), dtype=object)
        for column, value in [(free, Fraction(1)), *((p, -echelon[k, free]) for k, p in enumerate(pivots))]:
            i, j = pairs[column]
            form[i, j] = form[j, i] = value
        yield form


@proves(
    "thm-5.4-corrected",
    "D generic samples determine the form",
    by=Trust.EXACT,
    mutant=Mutant("the points e_i + e_j are replaced by e_i", second=0),
)
def generic_samples(second: int = 1) -> Evidence:
    """The points e_i and e_i + e_j determine B for every d, by polarisation.

    So the determinant of D measurements is a polynomial in the points that is not zero, and vanishes with probability
    0 under N(0, I_d) (a zero set of measure zero: taken as known). Likewise any n <= D measurements are then
    independent. Each interpolator of D such samples is B itself: almost surely there is no loss, so that D samples do
    for N* and, with any delta, for N.
    """
    exact = [(d, r) for d in range(1, 5) for r in PENALTIES]
    return all_of(
        decide.same_polynomial(f"(bii + 2*{second}*bij + {second}**2*bjj) - bii - {second}*bjj", "2*bij"),
        *(
            decide.rational(f"d = {d}: determinant of the D measurements", determinant(corners(d, second)), "!=", 0)
            for d in range(1, 9)
        ),
        decide.every("exact on D samples (d, trace penalty)", exact, lambda c: _recovers(*c)),
        summary="B_ii = q(e_i), 2 B_ij = q(e_i + e_j) - q(e_i) - q(e_j) for every d; determinants 2^(d(d-1)/2), d <= 8",
    )


def _recovers(d: int, penalty: Fraction) -> bool:
    rng = random.Random(d)
    b = np.array([[Fraction(rng.randint(-4, 4), rng.randint(1, 3)) for _ in range(d)] for _ in range(d)], object)
    points = generic_points(d, dimension(d))
    return bool((least_norm_interpolator(points, labels_of(points, b + b.T), penalty) == b + b.T).all())


@proves(
    "thm-5.4-corrected",
    "what the interpolators lose, sample by sample",
    by=Trust.EXACT,
    mutant=Mutant("nothing of the shared number is lost", shared=0),
)
def split_loss(shared: int = 1) -> Evidence:
    """Relative loss: (1-k)^2 (1 + 1/z) on I; in sum D - 1 - n + k^2 (1 + z) over a basis of the traceless forms, n < D.

    With p = b sqrt(d(d+2)), q = <t, T>/|t| and v^2 = z the shared number is s = p + v q up to scale. Among p + v q = s
    the least r p^2 + q^2 has p = k s (below w = r z, s = (1 + w) c). So p errs by e = p - k s = (1-k) p - k v q and
    q by -e/v: the loss is e^2 (1 + 1/z). Besides, H costs nothing and the D - 1 - n dimensions beyond are lost.
    """
    cases = [(d, n, r) for d, n in ((2, 1), (2, 2), (3, 1), (3, 3), (3, 5), (4, 4)) for r in PENALTIES]
    return all_of(
        decide.same_polynomial("w*p**2 + ((1 + w)*c - p)**2", "(1 + w)*(p - c)**2 + w*(1 + w)*c**2"),
        decide.same_polynomial("p - k*(p + v*q)", "(1 - k)*p - k*v*q"),
        decide.same_polynomial("v*q - (1 - k)*(p + v*q)", "-((1 - k)*p - k*v*q)"),
        decide.every("both sums in exact arithmetic (d, n, trace penalty)", cases, lambda c: _splits(*c, shared)),
        summary="the loss in p and q is ((1-k) p - k v q)^2 (1 + 1/z); exact instances agree",
    )


def _splits(d: int, n: int, penalty: Fraction, shared: int) -> bool:
    x = generic_points(d, n)
    z = _spread(x)
    k = 1 / (1 + penalty * z)
    basis = list(traceless_basis(d))
    identity = basis[0] * 0 + np.diag([Fraction(1)] * d)
    lost = [_lost(x, form, penalty) for form in (*basis, identity)]
    return (
        len(basis) == dimension(d) - 1
        and sum(lost[:-1]) == dimension(d) - 1 - n + shared * k**2 * (1 + z)
        and lost[-1] == shared * (1 - k) ** 2 * (1 + 1 / z)
    )


def _lost(x: Array, form: Array, penalty: Fraction) -> Fraction:
    return loss(least_norm_interpolator(x, labels_of(x, form), penalty) - form) / loss(form)


def _spread(x: Array) -> Fraction:
    """d(d+2) |t|^2, with 1/|t|^2 the sum of the entries of the inverse Gram matrix of the measurements of T."""
    d, squares = x.shape[1], (x * x).sum(axis=1)
    gram: Array = (x @ x.T) ** 2 / np.outer(squares, squares)
    gram = (gram - np.full_like(gram, Fraction(1, d))) / Fraction(2)
    return Fraction(d * (d + 2) / inverse(gram).sum())


@proves(
    "thm-5.4-corrected",
    "an invariant quadratic form is a multiple of the norm on either part",
    by=Trust.EXACT,
    mutant=Mutant("only cyclic shifts are used", group="cyclic_shift"),
)
def invariant_forms(group: str = "permutation") -> Evidence:
    """Rotate T to diag(a), sum a = 0; permutations are rotations that keep it diagonal.

    They join any two pairs i != j, so an invariant form is (p - q) sum a_i^2 + q (sum a_i)^2 = (p - q) |T|^2, for all
    d (checked by enumeration for d <= 5). The mixed term b l(a) has l(a) = c sum a_i = 0.
    """

    def orbits(d: int, size: int) -> int:
        tuples = [t for t in itertools.product(range(d), repeat=2) if len(set(t)) == size]
        orders = [[int(np.flatnonzero(column)[0]) for column in g.T] for g in GROUPS[group].elements(d)]
        return len({min(tuple(order[i] for i in t) for order in orders) for t in tuples})

    def identity(d: int) -> Evidence:
        a = [f"a{i}" for i in range(d)]
        mixed = " + ".join(f"q*{u}*{v}" for u, v in itertools.permutations(a, 2))
        squares, total = " + ".join(f"{u}**2" for u in a), " + ".join(a)
        return decide.same_polynomial(f"p*({squares}) + {mixed}", f"(p - q)*({squares}) + q*({total})**2")

    return all_of(
        decide.every(
            "one orbit of single indices, one of pairs of different ones, 2 <= d <= 5",
            range(2, 6),
            lambda d: orbits(d, 1) == 1 and orbits(d, 2) == 1,
        ),
        *map(identity, (2, 3, 4)),
        summary="p sum a_i^2 + q sum_(i != j) a_i a_j = (p - q) sum a_i^2 where sum a_i = 0",
    )


@proves(
    "thm-5.4-corrected",
    "E z <= (D-1)/n",
    by=Trust.EXACT,
    mutant=Mutant("a unit measurement is taken to be shorter, (1 - 2/d)/2", less=2),
)
def mean_direction(less: int = 1) -> Evidence:
    """As t is nearest to 0, it is no longer than the mean of the n measurements, which are independent with mean zero.

    The measurement u' T u is <R, T> in the loss norm with R = (u u' - I/d)/2 where |u| = 1; with c = 1/d,
    |R|^2 = (1 - 2c + d c^2)/2 = (1 - c)/2.
    E u u' = I/d, because sign flips and permutations keep the law of u (averaged here for d <= 3). So
    E z <= d(d+2) (1 - 1/d)/(2n) = (D-1)/n.
    """
    points = [np.array(p, object) for p in ((1,), (1, 2), (3, -1), (1, 2, 3), (0, -2, 5))]

    def centred(x: Array) -> bool:
        images = [g @ x for g in SIGNED_PERMUTATION.elements(len(x))]
        mean: Array = np.array([np.outer(y, y) for y in images]).sum(axis=0) / Fraction(len(images) * int(x @ x))
        return bool((mean * len(x) == np.eye(len(x), dtype=int)).all())

    def length(x: Array) -> bool:
        u, d = np.outer(x, x) / Fraction(int(x @ x)), len(x)
        r = (u - np.diag([Fraction(1, d)] * d)) / Fraction(2)
        pairing = all(2 * (r * form).sum() == (u * form).sum() for form in traceless_basis(d))
        return pairing and loss(r) == Fraction(d - less, 2 * d)

    return all_of(
        decide.every("the average of u u' over signed permutations is I/d", points, centred),
        decide.every("R represents the measurement and |R|^2 = (1 - 1/d)/2", points, length),
        decide.same_polynomial("1 - 2*c + d*c**2", "(1 - c) + c*(d*c - 1)"),
        decide.same_polynomial(f"1/2*(d + 2)*(d - {less})", "1/2*d*(d + 1) - 1"),
        summary="d(d+2) (1 - 1/d)/2 = (d+2)(d-1)/2 = D - 1, divided by n for the mean of n",
    )


@proves(
    "thm-5.4-corrected",
    "trace penalty 1/2: the loss is at most (D-n)/(D-1) or f((D-1)/n)",
    by=Trust.EXACT,
    mutant=Mutant("the trace penalty is 1/3, where k^2 (1+z) = 9/8 at z = 1", inverse_penalty=3),
)
def half_penalty(inverse_penalty: int = 2) -> Evidence:
    """Now k = 2/(2+z): on traceless forms k^2 (1+z) <= 1; on I, f(z) = z(1+z)/(2+z)^2 lies below its tangents.

    With m = (D-1)/n >= E z: f(z) <= f(m) + f'(m)(z - m), f'(m) = (2+3m)/(2+m)^3 > 0, so E f(z) <= f(m).
    Penalty 0 has k = 1: no loss on I, and D - 1 - n + 1 + E z in all on traceless forms.
    """
    tangent = "m*(1 + m)*(2 + m)*(2 + z)**2 + (2 + 3*m)*(z - m)*(2 + z)**2"
    sizes = [(size, n) for size in (3, 6, 10, 21) for n in range(1, size)]
    return all_of(
        decide.same_polynomial(f"({inverse_penalty} + z)**2 - {inverse_penalty}**2*(1 + z)", "z**2"),
        decide.same_polynomial(f"{tangent} - z*(1 + z)*(2 + m)**3", "(z - m)**2*((2 + 3*m)*z + 4*m)"),
        decide.every(
            "the recorded bounds are f((D-1)/n) and (D - n + (D-1)/n)/(D-1)",
            sizes,
            lambda c: _recorded(*c, Fraction(c[0] - 1, c[1])),
        ),
        summary="(2+z)^2 - 4(1+z) = z^2 >= 0, and f lies below its tangent at (D-1)/n",
    )


def _recorded(size: int, n: int, m: Fraction) -> bool:
    half = max(Fraction(size - n, size - 1), m * (1 + m) / (2 + m) ** 2)
    return WORST[Fraction(1, 2)](size, n) == half and WORST[Fraction(0)](size, n) == (size - n + m) / (size - 1)


@proves(
    "thm-5.4-corrected",
    "so at most 2 samples above the lower bound, at every eps",
    by=Trust.EXACT,
    mutant=Mutant("at most 1 sample, which d = 4, eps = 1/5 exceeds", room=1),
)
def within_two(room: int = 2) -> Evidence:
    """Put p = 1 - eps, N = D - 1. If p^2 <= 1/2: n >= pN + 1 gives (D-n)/N <= eps and f(N/n) <= f(1/p) <= eps.

    The last for f increases and (1-p)(1+2p)^2 - (1+p) = 2p(1-2p^2), so that ceil(pN) + 1 <= ceil(pD) + 1 samples do.
    If p^2 > 1/2: n >= pN + 1 + 1/p gives (D-n)/N <= eps - 1/(pN), and 1/n <= 1/(pN). Here p > 7/10, where
    p^2 + p - 1 > 0, so n = ceil(pD + 1 + 1/p - p) <= ceil(pD) + 2. If such an n is D or more, D samples do.
    """
    grid = [(d, Fraction(k, 60)) for d in range(1, 10) for k in range(1, 60)]
    return all_of(
        decide.same_polynomial("(1 - p)*(1 + 2*p)**2 - (1 + p)", "2*p*(1 - 2*p**2)"),
        decide.same_polynomial("(N + 1) - (p*N + 1)", "(1 - p)*N"),
        decide.same_polynomial("p*(N + 1) - (p*(p*N + 1) + 1)", "p*(1 - p)*N - 1"),
        decide.positive_on(f"({room} - 1)*p + p**2 - 1", Fraction(7, 10), Fraction(1)),
        decide.every(
            f"ceil(pD) <= n <= ceil(pD) + {room}, d <= 9, eps in sixtieths",
            grid,
            lambda c: 0 <= sharp_upper_bound(*c).n - math.ceil((1 - c[1]) * dimension(c[0])) <= room,
        ),
        summary="n = ceil(p(D-1)) + 1 does if p^2 <= 1/2, and n = ceil(p(D-1) + 1 + 1/p) does otherwise",
    )
