r"""The cells of Table 1 that hold for initialisations and regularisers.

Of an initialisation the law of the first layer is asked to be unchanged, of a regulariser its value (and slope). A law
with independent entries gives boxes products of one-dimensional probabilities, and boxes determine a law.
"""

from __future__ import annotations

from collections.abc import Sequence

from theory import decide, table1  # noqa: F401  (table1 declares the claim)
from theory.claims import Mutant, proves
from theory.evidence import Evidence, Trust, all_of
from theory.rewriting import Rule, rule
from theory.table1_kept import G_INV, INVERSE, ORTHOGONAL_RULES, SIGN, SIGN_RULES, G
from theory.terms import Term, apply_scalar, matrix, one, scalar, transpose, zero


def box(law: str, *sides: Term) -> Term:
    """The probability of a box under independent entries: a product of one-dimensional ones. Boxes determine a law.

    All entries have the law `phi`; any other name stands for a law of its own at each entry.
    """
    product = one()
    for k, side in enumerate(sides):
        product = product * apply_scalar(law if law == "phi" else f"{law}{k}", side)
    return product


@proves(
    "table-1",
    "symmetric keeps sign_flip",
    by=Trust.EXACT,
    mutant=Mutant("the entries' laws are not symmetric", even=False),
    uses=("thm-c.1",),
)
def symmetric(even: bool = True) -> Evidence:
    """A symmetric law gives a side and its mirror image one probability, a function of t^2: no factor changes."""
    t = [scalar("t0"), scalar("t1"), scalar("t2")]
    s = [scalar("s0"), SIGN, scalar("s2")]
    rules = [rule(f"{x}^2 = 1", x * x, one()) for x in s]
    seen = [x * x if even else x for x in t]
    flipped = [(a * x) * (a * x) if even else a * x for a, x in zip(s, t, strict=True)]
    return decide.equal_terms(box("f", *flipped), box("f", *seen), rules)


@proves(
    "table-1",
    "iid keeps permutation",
    by=Trust.EXACT,
    mutant=Mutant("the entries are independent but not identically distributed", name="f"),
    uses=("thm-c.1",),
)
def iid(name: str = "phi") -> Evidence:
    """Swapping two entries exchanges two equal factors; swaps generate all permutations."""
    t, u = scalar("t"), scalar("u")
    return decide.equal_terms(box(name, t, u), box(name, u, t))


@proves(
    "table-1",
    "iid-symmetric keeps signed_permutation",
    by=Trust.EXACT,
    mutant=Mutant("the entries are symmetric but not identically distributed", name="f"),
    uses=("thm-c.1",),
)
def iid_symmetric(name: str = "phi") -> Evidence:
    """One flip and one swap, on sides seen through t^2 as in `symmetric`; they generate the group."""
    t, u = scalar("t"), scalar("u")
    moved = box(name, u * u, (SIGN * t) * (SIGN * t))
    return decide.equal_terms(moved, box(name, t * t, u * u), SIGN_RULES)


@proves(
    "table-1",
    "gaussian keeps orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal", rules=INVERSE),
    uses=("thm-c.1",),
)
def gaussian(rules: Sequence[Rule] = ORTHOGONAL_RULES) -> Evidence:
    """The density at W g' is a function of W g' (W g')' = W W', and |det g| = 1 since det(g)^2 = det(g' g) = 1."""
    w, det = matrix("W"), scalar("det g")
    moved = w * transpose(G)
    volume = [rule("det(g) det(g) = det(g' g)", det * det, apply_scalar("det", transpose(G) * G))]
    unit = rule("det 1 = 1", apply_scalar("det", one()), one())
    return all_of(
        decide.equal_terms(
            apply_scalar("density", moved * transpose(moved)), apply_scalar("density", w * transpose(w)), rules
        ),
        decide.equal_terms(det * det, one(), [*volume, *rules, unit]),
        summary="density and volume are unchanged",
    )


@proves(
    "table-1",
    "zero keeps general_linear",
    by=Trust.EXACT,
    mutant=Mutant("the initial weights are a constant other than zero", start=matrix("C")),
    uses=("thm-c.1",),
)
def all_zero(start: Term | None = None) -> Evidence:
    """0 g^-1 = 0, whatever g is."""
    w = zero() if start is None else start
    return decide.equal_terms(w * G_INV, w, INVERSE)


@proves(
    "table-1",
    "no-penalty keeps general_linear",
    by=Trust.EXACT,
    mutant=Mutant("the penalty is linear in the weights", penalty="linear"),
)
def no_penalty(penalty: str = "none") -> Evidence:
    """The zero function of the weights has the same value at W g^-1."""
    w, direction = matrix("W"), {"none": zero(), "linear": matrix("c")}[penalty]
    return decide.equal_terms(w * G_INV * direction, w * direction, INVERSE)


@proves(
    "table-1",
    "l2 keeps orthogonal",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal", rules=INVERSE, moves_by="g^-1"),
    uses=("thm-c.1",),
)
def l2(rules: Sequence[Rule] = ORTHOGONAL_RULES, moves_by: str = "g'") -> Evidence:
    """Any function of W W', such as the l_2 norm tr(W W'), at W g^-1."""
    w, moved = matrix("W"), matrix("W") * matrix(moves_by)
    return decide.equal_terms(
        apply_scalar("norm", moved * transpose(moved)), apply_scalar("norm", w * transpose(w)), rules
    )


@proves(
    "table-1",
    "lp keeps signed_permutation",
    by=Trust.EXACT,
    mutant=Mutant("the penalty is not even in the weight", even=False),
    uses=("thm-c.1",),
)
def lp(even: bool = True) -> Evidence:
    """|w|^p is a function f of w^2 with slope 2 w f'(w^2) for w != 0 and 0 at 0, so odd; a swap reorders the sum."""

    def seen(x: Term) -> Term:
        return x * x if even else x

    w, u = scalar("w"), scalar("u")
    penalty = apply_scalar("f", seen(w)) + apply_scalar("f", seen(u))
    moved = apply_scalar("f", seen(SIGN * u)) + apply_scalar("f", seen(w))
    slope = w * apply_scalar("f'", seen(w))
    moved_slope = (SIGN * w) * apply_scalar("f'", seen(SIGN * w))
    return all_of(
        decide.equal_terms(moved, penalty, SIGN_RULES),
        decide.equal_terms(moved_slope, SIGN * slope, SIGN_RULES),
        summary="the penalty is unchanged and its gradient flips with the weight",
    )
