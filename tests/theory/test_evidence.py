"""Evidence combines by its worst verdict and its weakest trust."""

from __future__ import annotations

import itertools

import pytest

from theory.evidence import Evidence, Trust, Verdict, all_of

C, R, Q = Verdict.CERTIFIED, Verdict.REFUTED, Verdict.INCONCLUSIVE
CONJUNCTIONS = {
    (C,): C,
    (C, C): C,
    (C, Q): Q,
    (Q, Q): Q,
    (C, R): R,
    (Q, R): R,
    (C, Q, R): R,
}


@pytest.mark.parametrize(("verdicts", "expected"), CONJUNCTIONS.items(), ids=str)
def test_conjunction_takes_the_worst_verdict_in_any_order(verdicts: tuple[Verdict, ...], expected: Verdict) -> None:
    for order in itertools.permutations(verdicts):
        assert all_of(*(Evidence(v, Trust.EXACT, v) for v in order)).verdict is expected


@pytest.mark.parametrize(("a", "b"), list(itertools.combinations(Trust, 2)), ids=str)
def test_conjunction_takes_the_weakest_trust(a: Trust, b: Trust) -> None:
    assert all_of(Evidence(C, a, "a"), Evidence(C, b, "b")).trust is min(a, b)


def test_trust_is_ordered_from_simulation_to_kernel() -> None:
    assert [t.name for t in sorted(Trust, reverse=True)] == [
        "KERNEL",
        "EXACT",
        "ENCLOSED",
        "CITED",
        "SAMPLED",
        "SIMULATED",
    ]


def test_nothing_checked_is_not_evidence() -> None:
    with pytest.raises(ValueError, match="parts"):
        all_of()


def test_summary_names_the_failing_parts_only() -> None:
    parts = (Evidence(C, Trust.EXACT, "good"), Evidence(R, Trust.EXACT, "bad"), Evidence(Q, Trust.EXACT, "open"))
    assert all_of(*parts, summary="all is well").summary == "bad"
    assert all_of(parts[0], summary="all is well").summary == "all is well"
    assert all_of(parts[0], parts[0]).summary == "good; good"


def test_certificate_keeps_every_part() -> None:
    parts = [Evidence(C, Trust.EXACT, "a", {"kind": "x"}), Evidence(Q, Trust.EXACT, "b", {"kind": "y"})]
    assert all_of(*parts).certificate == {"kind": "all", "parts": [{"kind": "x"}, {"kind": "y"}]}
