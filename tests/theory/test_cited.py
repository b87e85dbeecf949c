"""Cited theorems: who, when, and a sanity check of each formula on a case where the truth is known."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from theory import cited
from theory.claims import Ledger
from theory.evidence import Trust, Verdict
from theory.status import statuses

CITED = {
    "ehrenfeucht-1989": ("Ehrenfeucht", "1989"),
    "blumer-1989": ("Blumer", "1989"),
    "haussler-littlestone-warmuth": ("Littlestone", "1994"),
    "bishop-gromov": ("Gromov", "1981"),
    "barone-basu-2012": ("Basu", "2012"),
}


@pytest.mark.parametrize(("id", "says"), CITED.items(), ids=CITED)
def test_a_cited_theorem_names_author_and_year_and_has_no_proof(ledger: Ledger, id: str, says: tuple[str, str]) -> None:
    found = ledger.get(id)
    assert found.kind == "cited"
    assert all(word in found.source for word in says)
    assert cited.UNCHECKED in found.source
    assert not ledger.steps[id]
    status = statuses(ledger, {})[id]
    assert (status.verdict, status.trust, status.rests_on) == (Verdict.CERTIFIED, Trust.CITED, (id,))


def barone_basu(s: int, k: int, dimension: int, d: int, d0: int) -> int:
    """The right side as stated in the ledger."""
    return sum(
        4**j
        * math.comb(s + 1, j)
        * (
            math.comb(k + 1, k - dimension + j + 1)
            * (2 * d0) ** (k - dimension)
            * d**j
            * max(2 * d0, d) ** (dimension - j)
            + 2 * (k - j + 1)
        )
        for j in range(dimension + 1)
    )


@pytest.mark.parametrize("s", range(1, 30))
def test_barone_basu_where_the_pieces_can_be_counted(s: int) -> None:
    assert 2 * s + 1 <= barone_basu(s, 1, 1, 1, 1)  # s points on a line
    assert 4 * s <= barone_basu(s, 2, 1, 1, 2)  # s lines that cut a circle
    regions = 1 + s + math.comb(s, 2)  # open cells of s lines in the plane; edges s^2, vertices C(s, 2)
    assert regions + s**2 + math.comb(s, 2) <= barone_basu(s, 2, 2, 1, 1)


@pytest.mark.parametrize("r", [0.01, 0.5, 1, 2, math.pi, 5])
def test_bishop_on_the_round_sphere(r: float) -> None:
    assert 2 * math.pi * (1 - math.cos(min(r, math.pi))) <= math.pi * r**2


@pytest.mark.parametrize("n", range(12))
def test_one_inclusion_for_singletons(n: int) -> None:
    """All functions with a single 1 on m points: predict 0 where nothing was seen, wrong where the 1 is unseen."""
    for m in (2, 3, 10, 100):
        assert Fraction(1, m) * (1 - Fraction(1, m)) ** n <= Fraction(1, n + 1)
