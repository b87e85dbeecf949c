"""The planted optimizers: every verdict right."""

import pytest

from tests.verify.planted import KEPT, TRUTH, Planted, RarelySpiking
from theory.evidence import Verdict
from theory.groups import GROUPS, is_subgroup
from verify.instrument import examine
from verify.subjects import of_optimizer

SEEDS, FEW, ALL_GROUPS = 20, 2, 1
NAMED = {
    "TinyL1",
    "Switching",
    "CoordinateWise",
    "Centred",
    "RotatedAdam",
    "FullMatrixAdaGrad",
    "NewtonSchulz",
    "HalfCast",
    "Chaotic",
    "Lazy",
    "SingleInside",
    "BiasedStart",
}
"""These meet all seeds here; the others, many of them dear, a few."""
CASES = [(o, s) for o in TRUTH for s in range(SEEDS if o.__name__ in NAMED else FEW)]


def expected(optimizer: type[Planted], group: str) -> Verdict:
    kept, broken = TRUTH[optimizer]
    return Verdict.CERTIFIED if group in kept else Verdict.REFUTED if group in broken else Verdict.INCONCLUSIVE


def boundary(optimizer: type[Planted]) -> list[str]:
    """The largest kept groups, the smallest broken ones, and all undecided ones: the others follow by inclusion."""
    kept, broken = TRUTH[optimizer]
    inside = {g: {h for h in KEPT if h != g and is_subgroup(GROUPS[g], GROUPS[h])} for g in KEPT}
    largest = {g for g in kept if not inside[g] & set(kept)}
    smallest = {g for g in broken if not any(g in inside[h] for h in broken)}
    return [g for g in KEPT if g in largest | smallest or g not in kept + broken]


@pytest.mark.parametrize(("optimizer", "seed"), CASES, ids=lambda v: getattr(v, "__name__", str(v)))
def test_every_verdict_is_right(optimizer: type[Planted], seed: int) -> None:
    groups = KEPT if seed < ALL_GROUPS else boundary(optimizer)
    found = examine(of_optimizer(optimizer, {}), seed, groups)
    assert {g: f.verdict for g, f in found.items()} == {g: expected(optimizer, g) for g in groups}


@pytest.mark.xfail(reason="a branch that no run reaches on the first layer is not seen, yet the rule is certified")
def test_a_branch_that_is_never_reached() -> None:
    found = examine(of_optimizer(RarelySpiking, {}), 5, ["orthogonal"])["orthogonal"]
    assert found.verdict is not Verdict.CERTIFIED


def test_the_truth_is_consistent() -> None:
    assert len(NAMED) == 12
    assert {o.__name__ for o in TRUTH} > NAMED
    for kept, broken in TRUTH.values():
        assert not set(kept) & set(broken)
        for small in KEPT:
            for large in (g for g in KEPT if is_subgroup(GROUPS[small], GROUPS[g])):
                assert large not in kept or small in kept
                assert small not in broken or large in broken
