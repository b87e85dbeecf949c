"""Measurements on simplicial layers, nets and trainings: verdicts, mutants, and faults that must be seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sims import simplicial_complexes
from sims.simplicial_complexes import Complex, Move
from sims.threads import one_thread
from theory.claims import LEDGER, load
from theory.evidence import Trust, Verdict
from theory.recheck import confirms, refutes
from theory.status import run_step
from verify import simplicial
from verify.simplicial import ACTIVATIONS, MOVES, SIZES, examine, measurements


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(simplicial, "SIZES", (20, 60))
    clear()
    yield
    clear()


def clear() -> None:
    """Forget everything that depends on sizes and on what tests put in place of real functions."""
    names = ("_posed", "_triangulations", "_move", "_place", "_maps", "_rounding")
    for cached in (getattr(simplicial, name) for name in names):
        cached.cache_clear()


@pytest.mark.usefixtures("small")
def test_every_measurement_is_as_predicted_and_its_mutant_caught() -> None:
    load()
    names = []
    for step, expected, seconds in measurements(3):
        result = run_step(step)
        assert (result.verdict, result.failure) == (expected, ""), step.name
        assert result.trust is Trust.SAMPLED
        assert result.mutant is not None
        assert result.mutant is not expected, step.name
        assert step.claim in LEDGER.claims
        assert seconds > 0
        names.append(step.name)
    assert len(set(names)) == len(names) == 12
    assert all(name.startswith("simplicial: ") for name in names)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_of_each_activation(activation: str) -> None:
    relabelled, turned = (examine(simplicial._layers, activation, moves, 0) for moves in MOVES)
    assert relabelled.verdict is Verdict.CERTIFIED
    assert turned.verdict is (Verdict.CERTIFIED if activation in ("tanh", "identity") else Verdict.REFUTED)
    assert confirms(relabelled.certificate)
    assert refutes(turned.certificate) is (turned.verdict is Verdict.REFUTED)
    assert turned.certificate["count"] == 2


@pytest.mark.usefixtures("small")
def test_odd_layers_agree_to_the_bit_after_turning_and_to_rounding_after_relabelling() -> None:
    turned, relabelled = (examine(simplicial._layers, "tanh", moves, 1) for moves in ("orientation", "relabelling"))
    assert "bitwise" in turned.summary
    assert all(t["residual"] == 0 for t in turned.certificate["triangulations"])
    assert any(t["residual"] > 0 for t in relabelled.certificate["triangulations"])
    assert turned.summary.endswith("at 20, 60 points")


@pytest.mark.usefixtures("small")
def test_one_size_that_is_refuted_refutes_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def limp(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x) if len(x) < 100 else torch.relu(x)

    monkeypatch.setitem(ACTIVATIONS, "tanh", limp)
    kept, found = (examine(simplicial._layers, name, "orientation", 0) for name in ("identity", "tanh"))
    assert kept.verdict is Verdict.CERTIFIED
    assert found.verdict is Verdict.REFUTED
    assert found.summary.endswith("at 60 points")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fault", ["a boundary with a wrong sign", "fields moved with the signs of their neighbours"])
def test_wrong_moves_are_refuted(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Move.complex, Move.field

    def wrong_complex(self: Move, found: Complex) -> Complex:
        there = right[0](self, found)
        there.b2.data[0] *= -1
        return there

    def wrong_field(self: Move, k: int, x: torch.Tensor) -> torch.Tensor:
        signs = torch.from_numpy(np.roll(self.signs[k], 1)).reshape(-1, *[1] * (x.dim() - 1)).to(x)
        return x[torch.from_numpy(self.orders[k])] * signs

    if fault.startswith("a boundary"):
        monkeypatch.setattr(Move, "complex", wrong_complex)
    else:
        monkeypatch.setattr(Move, "field", wrong_field)
    assert examine(simplicial._layers, "tanh", "orientation", 0).verdict is Verdict.REFUTED


@pytest.mark.usefixtures("small")
def test_an_operator_that_forgets_signs_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(found: Complex, dtype: torch.dtype) -> dict[str, simplicial_complexes.Map]:
        maps = simplicial_complexes.operators(found, dtype)
        size = abs(found.b1)
        plain = simplicial_complexes.csr_tensor(size, dtype, "cpu")
        return maps | {"01": simplicial_complexes.Map(plain, plain)}

    monkeypatch.setattr(simplicial, "operators", forgetful)
    assert examine(simplicial._layers, "tanh", "orientation", 0).verdict is Verdict.REFUTED
    assert examine(simplicial._layers, "tanh", "relabelling", 0).verdict is Verdict.CERTIFIED


@pytest.mark.usefixtures("small")
def test_a_run_that_is_not_a_number_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "tanh", lambda x: x * float("nan"))
    assert examine(simplicial._layers, "tanh", "orientation", 0).verdict is Verdict.INCONCLUSIVE


def test_triangulations_are_of_real_size_and_differ_by_seed() -> None:
    assert max(SIZES) >= 2000
    first, other = (simplicial._triangulations(seed)[0] for seed in (0, 1))
    assert first.counts[0] == SIZES[0]
    assert first.counts != other.counts or abs(first.b1 - other.b1).sum() > 0
