r"""Integrals by quadrature: exact where the cells of the rule respect the jumps of the basis, and off where not."""

from __future__ import annotations

import math
from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.odenet_spaces import Matrix, Piecewise, Space, projection, solve
from theory.validate import integer

__all__ = ["quadrature_projection"]

claim(
    "odenet-quadrature",
    kind="example",
    title="Quadrature has to respect the jumps",
    statement=r"\text{(i) Simpson's rule on equal cells gives } \int fg \text{ exactly if } fg \text{ is of degree at "
    r"most 3 on each of them; so it gives the exact projection between two of our spaces of piecewise constant or "
    r"linear functions if each cell lies in one cell of either space. (ii) From 16 to 8 piecewise constants, entries "
    r"of the projection are off by up to } \tfrac13,\ \tfrac3{34},\ \tfrac19 \text{ with } 8,\ 20,\ 24 \text{ cells, "
    r"and by } 0 \text{ with 16 or 32}",
    source="ours",
    hypotheses=(
        r"\text{the basis functions' Gram matrix and their products with the source are integrated by the same rule,} "
        r"\text{ at a cell's ends with limits from within, where a function jumps there}",
    ),
    uses=("odenet-nested",),
)


def quadrature_projection(source: Space, target: Space, cells: int) -> Matrix:
    """The projection with integrals by Simpson's rule on equal cells: right or wrong, see claim odenet-quadrature.

    Args:
        source: where the coefficients come from.
        target: where they go.
        cells: of the quadrature, at least 1.

    Raises:
        ValueError: no cell, or too few to tell the target's functions apart.

    Example:
        >>> two, four = Space("constant", 2), Space("constant", 4)
        >>> quadrature_projection(four, two, 8) == projection(four, two)
        True
    """
    count = integer("cells", cells, 1)

    def integrals(columns: Space) -> Matrix:
        return tuple(tuple(_simpson(f, g, count) for g in columns.functions) for f in target.functions)

    try:
        return solve(integrals(target), integrals(source))
    except ValueError:
        raise ValueError(f"cells: got {count}, want enough to tell the functions of {target} apart") from None


@proves(
    "odenet-quadrature",
    "Simpson's rule is exact to degree 3",
    by=Trust.EXACT,
    mutant=Mutant("degree 4 is claimed too", degree=4),
)
def simpson_is_exact(degree: int = 3) -> Evidence:
    """(k+1) (b-a) (a^k + 4 ((a+b)/2)^k + b^k) = 6 (b^(k+1) - a^(k+1)) for k <= 3; integrals over cells add up."""
    return all_of(
        *(
            decide.same_polynomial(
                f"{k + 1}*(b - a)*(a**{k} + 4*(1/2*(a + b))**{k} + b**{k})", f"6*(b**{k + 1} - a**{k + 1})"
            )
            for k in range(degree + 1)
        ),
        summary="products of piecewise linear functions are of degree 2 on cells that respect their breaks",
    )


@proves(
    "odenet-quadrature",
    "16 to 8 constants with quadrature cells that do not respect the jumps",
    by=Trust.EXACT,
    mutant=Mutant("16 cells are off too", errors=((16, Fraction(1, 16)),)),
)
def misaligned(
    errors: tuple[tuple[int, Fraction], ...] = (
        (8, Fraction(1, 3)),
        (20, Fraction(3, 34)),
        (24, Fraction(1, 9)),
        (16, Fraction(0)),
        (32, Fraction(0)),
    ),
) -> Evidence:
    """The greatest error of an entry, exactly; where it should be 1/2, it is 1/2 + 1/3 with 8 cells."""
    fine, coarse = Space("constant", 16), Space("constant", 8)
    exact = projection(fine, coarse)

    def worst(cells: int) -> Fraction:
        found = quadrature_projection(fine, coarse, cells)
        return max(abs(x - y) for row, other in zip(found, exact, strict=True) for x, y in zip(row, other, strict=True))

    return all_of(
        *(decide.rational(f"the greatest error with {cells} cells", worst(cells), "==", e) for cells, e in errors)
    )


def _simpson(f: Piecewise, g: Piecewise, cells: int) -> Fraction:
    """Only cells that meet both supports count: beyond them one factor is zero at all three points."""
    low, high = max(f.breaks[0], g.breaks[0]), min(f.breaks[-1], g.breaks[-1])
    total = Fraction(0)
    for k in range(math.floor(low * cells), math.ceil(high * cells)):
        a, b = Fraction(k, cells), Fraction(k + 1, cells)
        m = (a + b) / 2
        total += (f(a) * g(a) + 4 * f(m) * g(m) + f.from_left(b) * g.from_left(b)) / (6 * cells)
    return total
