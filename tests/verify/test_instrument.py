"""Regimes put together: what is inherited, what must be repeated, what is named, and what a finding holds."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.verify.planted import (
    AbsoluteScale,
    Centred,
    HalfCast,
    Late,
    Lazy,
    Leaking,
    NotANumber,
    PythonNoise,
    Raising,
    SingleInside,
    Switching,
    TinyL1,
)
from theory.evidence import Verdict
from theory.groups import GROUPS
from verify import instrument, stations
from verify.instrument import EXAMINED, Examination, examine
from verify.regimes import REGIMES
from verify.stations import Station
from verify.subjects import of_optimizer
from verify.verdicts import DRIFT, Judgement

SGD = of_optimizer(torch.optim.SGD, {"lr": 0.05})
SHORT = tuple(replace(r, steps=8) for r in REGIMES[:2])
EMPTY = Judgement(Verdict.INCONCLUSIVE, "", "so so", 1.0, 1.0, 1.0, 1.0)


def maker(optimizer, **options):
    return of_optimizer(optimizer, options)


def test_sgd_keeps_the_groups_that_it_keeps() -> None:
    found = examine(SGD, 0, GROUPS, SHORT)
    levels = {name: f.level for name, f in found.items() if f.verdict is Verdict.CERTIFIED}
    assert set(levels) == set(GROUPS) - {"general_linear"}
    assert (levels["sign_flip"], levels["orthogonal"]) == ("bitwise", "rounding")
    assert found["general_linear"].verdict is Verdict.REFUTED
    assert found["general_linear"].counterexample["group"] == "general_linear"
    assert "a planted drift of 1e-06 was seen" in found["orthogonal"].reason
    assert "in 2 of 2 regimes, up to 8 steps" in found["orthogonal"].reason


def test_groups_come_from_small_to_large_and_what_breaks_one_breaks_larger_ones() -> None:
    ticks = []
    found = examine(maker(Centred), 0, reversed(EXAMINED), SHORT, lambda what, work: ticks.append((what, work)))
    assert tuple(found) == EXAMINED
    assert [what.removeprefix("coupled runs: ") for what, _ in ticks] == [GROUPS[n].title for n in EXAMINED]
    assert {work for _, work in ticks} == {1}
    assert [f.verdict.name for f in found.values()] == ["REFUTED", "CERTIFIED", "REFUTED", "REFUTED"]
    flips, rotations = found["sign_flip"], found["orthogonal"]
    assert rotations.reason == f"contains sign flips, for which: {flips.reason}"
    assert rotations.counterexample == flips.counterexample
    assert rotations.group == "orthogonal"


def test_nothing_is_inherited_from_a_group_that_is_not_contained() -> None:
    found = examine(maker(AbsoluteScale), 0, ["orthogonal", "permutation"], SHORT)
    assert [f.verdict.name for f in found.values()] == ["CERTIFIED", "REFUTED"]
    assert not found["orthogonal"].reason.startswith("contains")


def test_a_refutation_can_be_run_again() -> None:
    found = examine(maker(TinyL1), 3, ["orthogonal"], SHORT)["orthogonal"]
    saved = json.loads(json.dumps(found.counterexample, allow_nan=False))
    assert saved["size"] == found.size < 1e-4
    assert abs(saved["prediction"] - saved["twin_prediction"]) > 1e4 * saved["control"]
    assert "violation of" in found.reason
    assert "first clear after" in found.reason
    again = examine(maker(TinyL1), 3, ["orthogonal"], SHORT)["orthogonal"]
    assert again == found


def test_the_seed_changes_the_runs() -> None:
    one, two = (examine(maker(TinyL1), s, ["orthogonal"], SHORT)["orthogonal"] for s in (1, 2))
    assert one.residual != two.residual


@pytest.mark.parametrize(
    ("optimizer", "length", "verdict"),
    [(Switching, 20, "CERTIFIED"), (Switching, 24, "REFUTED"), (Late, 99, "CERTIFIED"), (Late, 101, "REFUTED")],
)
def test_a_rule_is_what_was_looked_at(optimizer: type, length: int, verdict: str) -> None:
    """What changes after some steps is seen only by longer runs: the regimes are long for a reason."""
    regimes = [replace(REGIMES[3], steps=length)]
    assert examine(maker(optimizer), 0, ["orthogonal"], regimes)["orthogonal"].verdict.name == verdict


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [(Lazy, "did not move"), (NotANumber, "training diverged"), (Leaking, "non-deterministic: two runs from the same")],
)
def test_what_cannot_be_read_is_inconclusive(optimizer: type, reason: str) -> None:
    found = examine(maker(optimizer), 0, EXAMINED, SHORT)
    assert {f.verdict for f in found.values()} == {Verdict.INCONCLUSIVE}
    assert all(f.reason.startswith(reason) for f in found.values())
    assert all(f.counterexample is None for f in found.values())


def test_what_the_code_raises_is_raised() -> None:
    with pytest.raises(RuntimeError, match="no third step"):
        examine(maker(Raising), 0)


def test_narrow_types_are_named() -> None:
    half = examine(maker(HalfCast), 0, ["orthogonal"], SHORT)["orthogonal"]
    assert half.verdict is Verdict.REFUTED
    assert "low-precision internals: the step computes in bfloat16; in double what is left is rounding" in half.reason
    single = examine(maker(SingleInside), 0, ["orthogonal"], SHORT)["orthogonal"]
    assert single.verdict is Verdict.CERTIFIED
    assert "computes in float32 inside, lifted to double" in single.reason


class HalfSign(torch.optim.SGD):
    """Signs in half precision: the narrow type is not what breaks rotations."""

    @torch.no_grad()
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.grad = p.grad.bfloat16().sign().double().to(p.dtype) / 20
        return super().step()


def test_a_violation_that_stays_in_double_is_not_blamed_on_the_type() -> None:
    found = examine(maker(HalfSign, lr=1.0), 0, ["orthogonal"], SHORT)["orthogonal"]
    assert "the step computes in bfloat16, but the violation stays when that is lifted to double" in found.reason


def test_draws_that_move_along_are_said_to() -> None:
    found = examine(maker(PythonNoise), 0, ["orthogonal"], SHORT)["orthogonal"]
    assert found.verdict is Verdict.CERTIFIED
    assert "its draws move along" in found.reason


def test_a_planted_drift_is_refuted_in_every_kept_group() -> None:
    runs = Examination(SGD, 0, SHORT)
    for group in EXAMINED:
        assert runs.finding(group).verdict is Verdict.CERTIFIED
        assert runs.finding(group, DRIFT).verdict is Verdict.REFUTED


def judged(monkeypatch: pytest.MonkeyPatch, verdicts: str, again: str = "R"):
    """A finding from four regimes with the given verdicts, by their first letters."""
    kinds = {v.name[0]: v for v in Verdict}

    def of(letter: str) -> Judgement:
        return replace(
            EMPTY,
            verdict=kinds[letter.upper()],
            level="rounding" if letter == "C" else "",
            excused=letter == "I",
            reason="it was idle" if letter == "I" else EMPTY.reason,
        )

    runs = Examination(SGD, 0, [replace(r, steps=2) for r in REGIMES[:4]])
    monkeypatch.setattr(Station, "judgement", lambda self, group, drift=0.0: of(verdicts[self.number]))
    monkeypatch.setattr(Station, "witnessed", lambda self, group, drift=0.0: of(again))
    return runs.finding("orthogonal")


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ("CCCC", "CERTIFIED"),
        ("CCCI", "CERTIFIED"),
        ("CCCi", "INCONCLUSIVE"),  # what is not explained is not excused
        ("CCII", "INCONCLUSIVE"),
        ("IIII", "INCONCLUSIVE"),
        ("CCCR", "REFUTED"),
        ("IIIR", "REFUTED"),
        ("RRRR", "REFUTED"),
    ],
)
def test_three_quarters_certify_and_one_refutes(monkeypatch: pytest.MonkeyPatch, verdicts: str, verdict: str) -> None:
    found = judged(monkeypatch, verdicts)
    assert found.verdict.name == verdict
    assert (found.counterexample is not None) is (verdict == "REFUTED")
    if verdict == "CERTIFIED":
        assert f"in {verdicts.count('C')} of 4 regimes" in found.reason
        assert ("undecided in 'long': it was idle" in found.reason) is ("I" in verdicts)


@pytest.mark.parametrize("again", "CI")
def test_a_refutation_that_does_not_repeat_is_not_believed(monkeypatch: pytest.MonkeyPatch, again: str) -> None:
    found = judged(monkeypatch, "CCCR", again)
    assert (found.verdict, found.level, found.counterexample) == (Verdict.INCONCLUSIVE, "", None)
    assert found.reason.startswith(f"seen once, but not with {stations.WITNESSES} controls: ")


def test_the_level_is_that_of_the_weakest(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Examination(SGD, 0, SHORT)
    levels = {0: "bitwise", 1: "rounding"}
    monkeypatch.setattr(
        Station,
        "judgement",
        lambda self, group, drift=0.0: replace(EMPTY, verdict=Verdict.CERTIFIED, level=levels[self.number]),
    )
    assert runs.finding("orthogonal").level == "rounding"
    levels[1] = "bitwise"
    assert runs.finding("orthogonal").level == "bitwise"


def test_the_order_holds_every_group_and_respects_inclusion() -> None:
    assert set(instrument.ORDER) == set(GROUPS)
    for small, large in ((a, b) for a in GROUPS for b in GROUPS[a].inside):
        assert instrument.ORDER.index(small) < instrument.ORDER.index(large)


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(ValueError, match="groups: got 'nonsense', want names among cyclic_shift, sign_flip"):
        examine(SGD, 0, ["nonsense"], SHORT)


def test_numbers_of_a_finding_are_in_units_of_the_outputs() -> None:
    found = examine(maker(AbsoluteScale), 0, ["orthogonal"], SHORT)["orthogonal"]
    assert 0 < found.control < 1e-10
    assert found.residual > 1e4 * found.control
    assert np.isfinite(found.size)
