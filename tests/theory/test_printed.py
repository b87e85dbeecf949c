"""Each claim from the paper stands beside the paper's own form, and what differs is said where something does."""

from __future__ import annotations

import re

import pytest

from theory.claims import Claim, load
from verify import cli

PAPER = "Li, Zhang, Arora (ICLR 2021), "
CLAIMS = {claim.id: claim for claim in load()}
OF_THE_PAPER = [claim for claim in CLAIMS.values() if claim.source.startswith(PAPER)]
ID = re.compile(r"(?<![\w.-])(?:def|alg|ex|thm|lem|eq|conv-upper|upper)-[a-z\d.]*[a-z\d]")
PAIRS = {"left": "right", "Bigl": "Bigr", "bigl": "bigr"}


def as_named(ids: list[str]) -> list[Claim]:
    return [CLAIMS[id] for id in ids]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_claim_has_a_printed_form_if_and_only_if_the_paper_states_it(claim: Claim) -> None:
    assert bool(claim.printed) == claim.source.startswith(PAPER)
    if claim.kind == "cited":
        assert not claim.differs
    if claim in OF_THE_PAPER:
        assert re.search(r"\d", claim.source.removeprefix(PAPER)), "the source gives no number"


@pytest.mark.parametrize("claim", OF_THE_PAPER, ids=lambda claim: claim.id)
def test_the_printed_form_is_whole_tex(claim: Claim) -> None:
    tex = claim.printed
    depth = 0
    for piece in re.findall(r"\\.|[{}]", tex):
        depth += (piece == "{") - (piece == "}")
        assert depth >= 0
    assert depth == 0
    assert tex.isascii()
    assert not any(sign in tex for sign in ("$", "`", "  "))
    for opened, closed in PAIRS.items():
        assert len(re.findall(rf"\\{opened}\b", tex)) == len(re.findall(rf"\\{closed}\b", tex))
    assert not re.search(r"\\(?:text|frac|mathcal|operatorname|mathrm)(?![\w{])", tex)


@pytest.mark.parametrize("claim", OF_THE_PAPER, ids=lambda claim: claim.id)
def test_words_and_forms_agree(claim: Claim) -> None:
    """Who reads Omega or O is told so, a reconstruction is called one, and another form comes with how it differs."""
    order = re.search(r"\\Omega|= *O\\Bigl", claim.printed)
    if order:
        assert ("Omega" if "Omega" in order[0] else " O.") in claim.differs
    assert ("reconstructed" in claim.source) == ("reconstruction" in claim.differs)
    if claim.printed == claim.statement:
        assert not claim.differs or "Nothing is changed" in claim.differs
    else:
        assert claim.differs, "another form than the printed one, and nothing says how it differs"


@pytest.mark.parametrize("claim", [c for c in CLAIMS.values() if c.differs], ids=lambda claim: claim.id)
def test_what_differs_is_plain_words_that_name_claims_that_exist(claim: Claim) -> None:
    assert re.fullmatch(r"[A-Z][ -~]*\.", claim.differs)
    assert not any(sign in claim.differs for sign in ("\\", "$", "  "))
    assert len(claim.differs) <= 320, "an outsider reads one to three sentences"
    assert set(ID.findall(claim.differs)) <= set(CLAIMS) - {claim.id}


def test_conv_halves_are_named_where_a_theorem_is_split() -> None:
    for claim in as_named(["thm-4.1", "thm-5.2", "thm-5.3", "thm-5.4"]):
        (named,) = (id for id in ID.findall(claim.differs) if id.startswith("conv-upper"))
        assert "ERM" in CLAIMS[named].printed


def test_the_terminal_shows_both_forms(capsys: pytest.CaptureFixture[str]) -> None:
    shown = {}
    for id in ("thm-5.2", "ex-4.1", "ex-4.1-exact", "lem-ball", "lem-d.2", "lem-d.4"):
        assert cli.main(["claims", id]) == 0
        shown[id] = " ".join(capsys.readouterr().out.split())
    assert "In the paper" in shown["thm-5.2"]
    assert CLAIMS["thm-5.2"].differs in shown["thm-5.2"]
    assert r"\Omega(d^2)" in shown["thm-5.2"]
    assert f"Differs from the paper {CLAIMS['ex-4.1'].differs}" in shown["ex-4.1"]
    assert "Differs from the paper no The appendix was not at hand" in shown["lem-d.2"]
    assert shown["lem-d.2"].count(" ".join(CLAIMS["lem-d.2"].statement.split())) == 1
    assert "In the paper (reconstructed)" in shown["lem-d.4"]
    assert "(reconstructed)" not in shown["thm-5.2"]
    assert "In the paper" not in shown["ex-4.1-exact"]
    assert "Sharpens" in shown["ex-4.1-exact"]
    assert "paper" not in shown["lem-ball"]
