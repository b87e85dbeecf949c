r"""Which inputs on edges and triangles are equivariant, and what may be read off a net at the end.

A *field* is a rule X_k that gives every oriented complex features on its k-simplices; it is equivariant if
``X_k(G B) = G_k X_k(B)``. Node fields that come from an image are: nodes have no orientation.
"""

from __future__ import annotations

from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import rule
from theory.simplicial import COMPLEX, INCIDENCE, MOVED
from theory.simplicial_complexes import SAMPLE, Matrix, Simplices, boundaries, flip, generators, generic
from theory.simplicial_operators import GROUP, G
from theory.terms import apply, apply_scalar, matrix, one, scalar, transpose, zero

__all__: list[str] = []

claim(
    "simplicial-inputs",
    kind="lemma",
    title="Which inputs on edges and triangles are equivariant",
    statement=r"X_k(\Theta B) = X_k(B) \text{ for all } \Theta \text{ and } X_k \text{ equivariant} \implies X_k = 0 "
    r"\ (k = 1, 2), \text{ so } X_k = 1 \text{ is not}; \qquad "
    r"\mathrm{d}x = B_1^\top x, \quad x \wedge y = \tfrac12 B_2^\top \bigl((B_1^\top x) \circ (|B_1|^\top y)\bigr) "
    r"\text{ are equivariant fields}; \qquad B_2^\top \mathrm{d}x = 0, \qquad "
    r"(x \wedge y)_{abc} = -\tfrac12 \det \begin{pmatrix} x_b - x_a & x_c - x_a \\ y_b - y_a & y_c - y_a \end{pmatrix}",
    source="ours",
    hypotheses=(
        COMPLEX,
        INCIDENCE,
        MOVED,
        r"x, y \text{ are equivariant node fields, } \circ \text{ multiplies entry by entry}",
        r"abc \text{ is a triangle in its cyclic order}",
    ),
    uses=("simplicial", "simplicial-boundary"),
)
claim(
    "simplicial-net",
    kind="lemma",
    title="What may be read off a simplicial net",
    statement=r"X = (x, \mathrm{d}x, x \wedge y),\ s \text{ odd}: \quad "
    r"F_L \circ \dots \circ F_1 (X) = (Y_0, Y_1, Y_2) \text{ is equivariant, so } Y_0(\Theta B) = Y_0(B), "
    r"\text{ and } \sum_v h(Y_{0,v}),\ \sum_e h(Y_{1,e}),\ \sum_t h(Y_{2,t}) "
    r"\text{ with } h \text{ even on edges and triangles do not change under } G, "
    r"\text{ nor does the gradient in the weights of any function of these sums}",
    source="ours",
    hypotheses=(
        COMPLEX,
        MOVED,
        r"F_1, \dots, F_L \text{ are layers of any widths with odd } s;\ x, y \text{ are equivariant node fields}",
    ),
    uses=("simplicial-equivariant", "simplicial-inputs"),
)


@proves(
    "simplicial-inputs",
    "a field that does not see orientations is 0",
    by=Trust.EXACT,
    mutant=Mutant("node fields are asked, which have no orientation", turned=0),
)
def blind_fields(turned: int = 1) -> Evidence:
    """Turning one simplex: X = X(Theta B) = Theta X = -X there, and x - (-x) = 2 x. All ones: 1 against -1."""
    sign = -1 if turned else 1
    return all_of(
        decide.same_polynomial(f"x - ({sign})*x", "2*x"),
        decide.rational("one, and one turned round", 1, "!=", sign),
        decide.every(
            "all ones move to something else under every flip of a sample complex",
            [(len(listed), i) for simplices in SAMPLE for listed in simplices[1:] for i in range(len(listed))],
            lambda c: flip(*c).sum(axis=1).tolist() != [1] * c[0],
        ),
        summary="x = -x only if x = 0",
    )


@proves(
    "simplicial-inputs",
    "differences along edges and signed areas are equivariant",
    by=Trust.EXACT,
    mutant=Mutant("sums along edges stand for differences", first="|B1|'"),
    uses=("simplicial-operators",),
)
def differences_move(first: str = "B1'") -> Evidence:
    """B1' moves as G1 B1' G0' and |B1|' as P1 |B1|' P0', x and y as G0 = P0; entries r d and m multiply to r (d m)."""
    x, y, p0, p1 = (matrix(name) for name in ("x", "y", "P0", "P1"))
    b1, b2, size = matrix("B1"), matrix("B2"), matrix("|B1|")
    nodes = [rule("P0' P0 = 1", transpose(p0) * p0, one())]
    r, d, m = scalar("r"), scalar("d"), scalar("m")
    wedge, moved_wedge = matrix("dx o |B1|'y"), G[1] * matrix("dx o |B1|'y")
    sign = r if first == "B1'" else one()
    return all_of(
        decide.every("wedge products on the samples", SAMPLE, lambda c: _wedge_moves(c, first)),
        decide.equal_terms((G[1] * transpose(b1) * transpose(p0)) * (p0 * x), G[1] * transpose(b1) * x, nodes),
        decide.equal_terms((p1 * transpose(size) * transpose(p0)) * (p0 * y), p1 * transpose(size) * y, nodes),
        decide.equal_terms((sign * d) * m, r * (d * m)),
        decide.equal_terms((G[2] * transpose(b2) * transpose(G[1])) * moved_wedge, G[2] * transpose(b2) * wedge, GROUP),
        summary="dx moves with G1, (dx) o (|B1|'y) too, and B2' sends it to a field that moves with G2",
    )


@proves(
    "simplicial-inputs",
    "the curl of a difference is 0, the wedge product is a signed area",
    by=Trust.EXACT,
    mutant=Mutant("the last edge is left out", around=("ab", "bc")),
    uses=("simplicial-boundary",),
)
def signed_area(around: tuple[str, ...] = ("ab", "bc", "ca")) -> Evidence:
    """From a to b the triangle runs along the edge (r = 1) or against it (r = -1): r (r (x_b - x_a)) (y_a + y_b)/2."""
    b1, b2, x = matrix("B1"), matrix("B2"), matrix("x")
    boundary = [rule("B2' B1' = 0", transpose(b2) * transpose(b1), zero())]
    area = " + ".join(f"1/2*(x{v} - x{u})*(y{u} + y{v})" for u, v in map(tuple, around))
    r, difference = scalar("r"), scalar("x_b - x_a")
    determinant = "(xb - xa)*(yc - ya) - (xc - xa)*(yb - ya)"
    return all_of(
        decide.equal_terms(transpose(b1 * b2), transpose(b2) * transpose(b1)),
        decide.equal_terms(transpose(b2) * (transpose(b1) * x), zero(), boundary),
        decide.equal_terms(r * (r * difference), difference, [rule("r^2 = 1", r * r, one())]),
        decide.same_polynomial(area, f"-1/2*({determinant})"),
        decide.every("the wedge product on the samples", SAMPLE, _is_area),
        summary="B2' B1' x = 0, and the three edges add up to minus half of the determinant",
    )


@proves(
    "simplicial-net",
    "layers compose, and sums forget order and signs",
    by=Trust.EXACT,
    mutant=Mutant("edges are read by an odd function", even=False),
    uses=("simplicial-equivariant", "simplicial-inputs"),
)
def read_off(even: bool = True) -> Evidence:
    """One more layer F after n of them, F(n): F F(n) G = F G F(n) = G F F(n); 1' P = 1'; h(-z) = h(z).

    G_0 = P_0 has no signs. What is read off is the same function of the weights at B and at G B, so is its gradient.
    """
    f, before, g, x, p, ones = (matrix(name) for name in ("F", "F(n)", "G", "X", "P0", "1"))
    commute = [rule("F G = G F", f * g, g * f), rule("F(n) G = G F(n)", before * g, g * before)]
    z = scalar("z")
    flipped, kept = apply_scalar("h", -z), apply_scalar("h", z)
    given = rule("h is even", flipped, kept) if even else rule("h is odd", flipped, -kept)
    same = rule("sums at G B and at B", matrix("sums(GB)"), matrix("sums(B)"))
    total = [rule("1' P0 = 1'", transpose(ones) * p, transpose(ones))]
    return all_of(
        decide.equal_terms(f * before * g * x, g * f * before * x, commute),
        decide.equal_terms(flipped, kept, [given]),
        decide.equal_terms(apply("grad", matrix("sums(GB)")), apply("grad", matrix("sums(B)")), [same]),
        decide.equal_terms(transpose(ones) * p * matrix("h[Y]"), transpose(ones) * matrix("h[Y]"), total),
        summary="F_L ... F_1 (G X) = G F_L ... F_1 (X); a sum of even functions sees neither order nor sign",
    )


def _wedge(b1: Matrix, b2: Matrix, x: Matrix, y: Matrix, first: str = "B1'") -> Matrix:
    along = b1.T if first == "B1'" else abs(b1).T
    product: Matrix = Fraction(1, 2) * (b2.T @ ((along @ x) * (abs(b1).T @ y)))
    return product


def _wedge_moves(simplices: Simplices, first: str) -> bool:
    b1, b2 = boundaries(*simplices)
    x, y = generic(len(b1), 1, 2), generic(len(b1), 1, 5)
    here = _wedge(b1, b2, x, y, first)
    return all(
        bool((_wedge(g[0] @ b1 @ g[1].T, g[1] @ b2 @ g[2].T, g[0] @ x, g[0] @ y, first) == g[2] @ here).all())
        for g in generators(b1, b2)
    )


def _is_area(simplices: Simplices) -> bool:
    b1, b2 = boundaries(*simplices)
    x, y = generic(len(b1), 1, 2)[:, 0], generic(len(b1), 1, 5)[:, 0]
    wanted = [-((x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])) / 2 for a, b, c in simplices[2]]
    return bool(_wedge(b1, b2, x, y).tolist() == wanted)
