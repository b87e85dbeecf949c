r"""How far apart two functions of the orbit are: the exact disagreement and its lower bound.

For Q, R in the orbit with principal angles theta_i between their +1 eigenspaces and x ~ N(0, I_2d)::

    rho(h_Q, h_R) = (1/pi) E arccos( sum g_i^2 cos 2 theta_i / sum g_i^2 ),   g ~ N(0, I_d)

and rho >= (2/pi) kappa_d sqrt(sum sin^2 theta_i), kappa_d = E|g_1|/|g| = Gamma(d/2) / (sqrt(pi) Gamma((d+1)/2)).
"""

from __future__ import annotations

from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.terms import matrix, one, scalar, transpose, zero

claim(
    "lem-disagreement",
    kind="lemma",
    title="Disagreement within the orbit",
    statement=r"\rho(h_Q, h_R) = \tfrac1\pi \mathbb{E} \arccos \frac{\sum_i g_i^2 \cos 2\theta_i}{\sum_i g_i^2} "
    r"\ge \tfrac2\pi \kappa_d \Bigl(\sum_i \sin^2\theta_i\Bigr)^{1/2}, \quad "
    r"\rho(h_U, h_V) = \tfrac1\pi \mathbb{E} \arccos \frac{g^\top U^\top V g}{g^\top g} "
    r"\ge \tfrac1\pi \kappa_d \|U-V\|_F, "
    r"\quad \kappa_d = \frac{\Gamma(d/2)}{\sqrt\pi\,\Gamma((d+1)/2)} \ge \sqrt{\tfrac{2}{\pi d}}",
    source="ours, making Lemma D.4's rho = Omega(||U - V||_F / sqrt d) explicit",
    differs="The proof of Lemma D.4 (reconstructed) needs a lower bound of this order; here the disagreement is "
    "known exactly, on the whole orbit.",
    hypotheses=(
        r"x \sim N(0, I_{2d}),\ \rho(h, h') = P[h(x) \ne h'(x)],\ d \ge 1",
        r"Q, R \text{ symmetric with } Q^2 = R^2 = I,\ \operatorname{tr} Q = \operatorname{tr} R = 0; "
        r"\ \theta_i \in [0, \tfrac\pi2] \text{ the principal angles between their } +1 \text{ eigenspaces}",
        r"U, V \in O(d),\ h_U \text{ as in Lemma D.2},\ g \sim N(0, I_d)",
    ),
    uses=("lem-d.2",),
)


@proves(
    "lem-disagreement",
    "a basis in which the two subspaces meet plane by plane",
    by=Trust.EXACT,
    mutant=Mutant("the columns of F are not orthonormal", orthonormal=False),
)
def planes(orthonormal: bool = True) -> Evidence:
    """F = [F1; F2] spans the second eigenspace, the first is the span of e_1..e_d; SVD F1 = A C B'.

    Then (F2 B)'(F2 B) = I - C^2, so F2 B = A2 S with orthogonal A2 and C^2 + S^2 = I: in the rotated basis
    F B is [C; S].
    """
    f1, f2, b, c, a = (matrix(s) for s in ("F1", "F2", "B", "C", "A"))
    rules = [
        rule("B B' = 1", b * transpose(b), one()),
        rule("B' B = 1", transpose(b) * b, one()),
        rule("A' A = 1", transpose(a) * a, one()),
        rule("C is diagonal", transpose(c), c),
        rule("F1 = A C B'", f1, a * c * transpose(b)),
        rule("its transpose", transpose(f1), b * c * transpose(a)),
    ]
    if orthonormal:
        rules.append(rule("F1'F1 + F2'F2 = 1", transpose(f2) * f2, one() - transpose(f1) * f1))
    return decide.equal_terms(transpose(f2 * b) * (f2 * b), one() - c * c, rules)


@proves(
    "lem-disagreement",
    "in each plane the forms are Re z and Re z e^{-2i theta}",
    by=Trust.EXACT,
    mutant=Mutant("the angle is not doubled", double=False),
)
def plane_forms(double: bool = True) -> Evidence:
    """2 P - I for the line at angle theta (c, s = cos, sin), and z = (x + i y)^2."""
    c, s, x, y = map(scalar, ("c", "s", "x", "y"))
    rules = [rule("c^2 = 1 - s^2", c * c, one() - s * s)]
    cosine, sine = (c * c - s * s, 2 * (c * s)) if double else (c, s)
    real, imaginary = x * x - y * y, 2 * (x * y)
    projected = c * x + s * y
    return decide.equal_terms(2 * (projected * projected) - (x * x + y * y), cosine * real + sine * imaginary, rules)


@proves(
    "lem-disagreement",
    "the squared modulus of a Gaussian pair is a Gaussian scale mixture",
    by=Trust.EXACT,
    mutant=Mutant("the exponential has mean 2 instead of 1", mean=2),
)
def scale_mixture(mean: int = 1) -> Evidence:
    """Z = z/2 has law |g| w, w standard complex normal: both have uniform phases, and |Z| ~ Exp(1) ~ |g| |w|.

    A symmetrised Exp(1) has characteristic function (1/(1-it) + 1/(1+it))/2 = 1/(1+t^2), and so has
    g sqrt(2E) for E ~ Exp(1), whose characteristic function is E exp(-t^2 E) = 1/(1+t^2); sqrt(2E) is the law of |w|.
    """
    i, t = scalar("i"), scalar("t")
    rules = [rule("i^2 = -1", i * i, zero() - one())]
    minus, plus = one() - mean * (i * t), one() + mean * (i * t)
    return all_of(
        decide.equal_terms(minus * plus, one() + t * t, rules),
        decide.equal_terms(Fraction(1, 2) * (minus + plus), one(), rules),
        summary="(1/(1-it) + 1/(1+it))/2 = 1/(1+t^2) = int exp(-s - t^2 s) ds",
    )


@proves(
    "lem-disagreement",
    "given the scales the two forms are jointly Gaussian with that correlation",
    by=Trust.EXACT,
    mutant=Mutant("the second form is turned by theta, not 2 theta", angle="t"),
)
def correlation(angle: str = "2t") -> Evidence:
    """W = u + iv: Re w = u and Re w e^{-2it} = u cos 2t + v sin 2t have covariance cos 2t and unit variances."""
    u, v = matrix("u"), matrix("v")
    second = scalar(f"cos {angle}") * u + scalar(f"sin {angle}") * v
    cosine, sine = scalar("cos 2t"), scalar("sin 2t")
    moments = [
        rule("E u u = 1", u * u, one()),
        rule("E v v = 1", v * v, one()),
        rule("E u v = 0", u * v, zero()),
        rule("E v u = 0", v * u, zero()),
        rule("cos^2 = 1 - sin^2", cosine * cosine, one() - sine * sine),
    ]
    return all_of(
        decide.equal_terms(u * second, cosine, moments),
        decide.equal_terms(second * second, one(), moments),
        summary="weights g_i^2 give the correlation sum g_i^2 cos 2 theta_i / sum g_i^2",
    )


@proves(
    "lem-disagreement",
    "two Gaussians of correlation cos phi differ in sign with probability phi/pi",
    by=Trust.EXACT,
    mutant=Mutant("the probability is claimed to be phi/(2 pi)", divisor=2),
)
def sheppard(divisor: int = 1) -> Evidence:
    """X = cos a, Y = cos(a - phi) up to a positive radius, a uniform: signs differ on (pi/2, pi/2 + phi) and opposite.

    Counted at the midpoints of a grid of angles, in units of pi; the boundary of the arcs falls between midpoints.
    """

    def positive(angle: Fraction) -> bool:
        return (angle + Fraction(1, 2)) % 2 < 1

    def fraction(k: int, size: int) -> Fraction:
        phi = Fraction(k, size)
        angles = [Fraction(2 * j + 1, 2 * size) for j in range(2 * size)]
        return Fraction(sum(positive(a) != positive(a - phi) for a in angles), 2 * size)

    return decide.every(
        "share of angles where the signs differ, phi = k pi / size",
        [(k, size) for size in (2, 4, 6, 10, 24) for k in range(size + 1)],
        lambda c: fraction(*c) == Fraction(c[0], c[1] * divisor),
    )


@proves(
    "lem-disagreement",
    "arccos c >= sqrt(2(1-c))",
    by=Trust.EXACT,
    mutant=Mutant("the chord is claimed to be sqrt(3(1-c))", chord="3"),
)
def chord(chord: str = "2") -> Evidence:
    """With c = cos phi = 1 - 2 sin^2(phi/2): sqrt(2(1-c)) = 2 sin(phi/2) <= phi.

    For the orbit 1 - c = 2 sum ghat_i^2 sin^2 theta_i.
    """
    return all_of(
        decide.same_polynomial(f"{chord}*(1 - (1 - 2*s**2))", "(2*s)**2"),
        decide.same_polynomial("1 - (1 - 2*s**2)", "2*s**2"),
        summary="sqrt(2(1-c)) = 2 sin(phi/2) <= phi; hence rho >= (2/pi) E sqrt(sum ghat_i^2 sin^2 theta_i)",
    )


@proves(
    "lem-disagreement",
    "a concave function on a simplex is least at a vertex",
    by=Trust.EXACT,
    mutant=Mutant("the two points are weighted by 2/3 instead of 1/2", weight="2/3"),
)
def vertices(weight: str = "1/2") -> Evidence:
    """f(t) = E sqrt(sum t_i ghat_i^2) is concave in t since sqrt is, so on sum t_i = sigma^2 it is >= sigma E|ghat_1|.

    Concavity of sqrt at a = x^2, b = y^2: (a+b)/2 - ((sqrt a + sqrt b)/2)^2 = ((x-y)/2)^2 >= 0.
    """
    return decide.same_polynomial(f"1/2*(x**2 + y**2) - ({weight}*(x + y))**2", "(1/2*(x - y))**2")


@proves(
    "lem-disagreement",
    "the bilinear family",
    by=Trust.EXACT,
    mutant=Mutant("U is not orthogonal", orthogonal=False),
)
def bilinear(orthogonal: bool = True) -> Evidence:
    """Given x_2 = g, the signs of x_1'Ug and x_1'Vg differ with probability angle(Ug, Vg)/pi, cosine g'U'Vg / g'g.

    And |(U-V)g|^2 = 2 (g'g - g'U'Vg), so sqrt(2(1-c)) = |(U-V) ghat|, whose mean is at least kappa_d ||U-V||_F.
    """
    u, v, g = matrix("U"), matrix("V"), matrix("g")
    rules = [rule("U' U = 1", transpose(u) * u, one()), rule("V' V = 1", transpose(v) * v, one())] if orthogonal else []
    cross = transpose(g) * transpose(u) * v * g
    swapped = transpose(g) * transpose(v) * u * g  # a scalar and its transpose
    difference = (u - v) * g
    return all_of(
        decide.equal_terms(transpose(difference) * difference, 2 * (transpose(g) * g) - cross - swapped, rules),
        decide.equal_terms(transpose(u * g) * (u * g), transpose(g) * g, rules),
        summary="|Ug| = |g|, |(U-V)g|^2 = 2(g'g - g'U'Vg)",
    )


@proves(
    "lem-disagreement",
    "kappa_d: the formula and its lower bound",
    by=Trust.ENCLOSED,
    mutant=Mutant("the lower bound is sqrt(2/pi)/sqrt(d-1)", shift=1),
)
def kappa(shift: int = 0) -> Evidence:
    """E|g_1| = kappa_d E|g| with E|g_1| = sqrt(2/pi), E|g| = sqrt 2 Gamma((d+1)/2)/Gamma(d/2), and E|g| <= sqrt d.

    The last is E(|g| - m)^2 = d - m^2 >= 0 with m = E|g|, for every d; confirmed by balls for the listed d.
    """
    dimensions = [2, 3, 4, 5, 8, 16, 64, 256, 1024]
    return all_of(
        decide.same_polynomial("(x - m)**2", "x**2 - 2*m*x + m**2"),
        *(
            decide.enclosed(
                "sqrt(2/1/(pi*(d - s)))", "<", "gamma(1/2*d)/(sqrt(pi)*gamma(1/2*(d + 1)))", {"d": d, "s": shift}
            )
            for d in dimensions
        ),
        summary=f"kappa_d = E|g_1|/E|g| > sqrt(2/(pi d)), enclosed for d in {dimensions}",
    )
