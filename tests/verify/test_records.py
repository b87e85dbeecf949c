"""Records say what the ledger says; here, what is wanted of a step."""

import pytest

from verify.records import wanted_of_step


@pytest.mark.parametrize(
    ("expected", "verdict", "wanted"),
    [
        ("CERTIFIED", "CERTIFIED", "CERTIFIED"),
        ("CERTIFIED", "REFUTED", "CERTIFIED"),
        ("REFUTED", "REFUTED", "REFUTED"),
        ("REFUTED", "CERTIFIED", "CERTIFIED"),  # a step on the way to a refutation
        ("REFUTED", "INCONCLUSIVE", "CERTIFIED"),
        ("CERTIFIED", "UNCHECKED", "CERTIFIED"),
    ],
)
def test_a_refuted_step_is_right_only_where_the_claim_is_to_be_refuted(
    expected: str, verdict: str, wanted: str
) -> None:
    assert wanted_of_step({"expected": expected}, {"verdict": verdict}) == wanted
