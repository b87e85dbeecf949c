"""Bernoulli's inequality, which turns powers into numbers of samples."""

from __future__ import annotations

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of

claim(
    "lem-bernoulli",
    kind="lemma",
    title="Bernoulli's inequality",
    statement=r"(1-x)^n \ge 1 - n x",
    source="folklore; proved here",
    hypotheses=(r"0 \le x \le 1,\ n \ge 0 \text{ an integer}",),
)


@proves(
    "lem-bernoulli",
    "induction on n",
    by=Trust.EXACT,
    mutant=Mutant("the induction step gains another x", gain="2"),
)
def induction(gain: str = "1") -> Evidence:
    """Multiplying by 1-x >= 0: (1-nx)(1-x) is 1-(n+1)x plus the non-negative n x^2."""
    return all_of(
        decide.same_polynomial("(1 - n*x)*(1 - x)", f"1 - (n + {gain})*x + n*x**2"),
        decide.same_polynomial("(1 - x)**0", "1 - 0*x"),
        summary="(1-nx)(1-x) = 1-(n+1)x + n x^2 >= 1-(n+1)x",
    )
