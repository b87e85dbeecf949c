"""The measurements on real ODE nets: as expected, with mutants that are seen, whatever the seed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sims.odenet_compress import Net, compressed, outputs
from sims.odenet_modules import residual_net
from sims.odenet_nets import along, matrix
from theory.claims import Step, load
from theory.evidence import Evidence, Trust, Verdict
from theory.odenet_spaces import Space, projection
from theory.status import run_step
from verify import odenet
from verify.odenet import measurements

ROWS = list(measurements(0))


@pytest.mark.parametrize(("step", "expected", "seconds"), ROWS, ids=[step.name for step, _, _ in ROWS])
def test_it_is_as_expected_and_its_mutant_is_refuted(step: Step, expected: Verdict, seconds: float) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (expected, "")
    assert result.mutant is Verdict.REFUTED
    assert result.trust is Trust.SAMPLED
    assert 0 < seconds < 8


def test_names_are_distinct_and_claims_exist() -> None:
    assert len({step.name for step, _, _ in ROWS}) == len(ROWS)
    assert {step.claim for step, _, _ in ROWS} <= set(load().claims)
    assert all(step.name.startswith("odenet: ") for step, _, _ in ROWS)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("place", range(len(ROWS)))
def test_other_seeds_agree(seed: int, place: int) -> None:
    step, expected, _ = list(measurements(seed))[place]
    assert step.check().verdict is expected
    assert step.check(**step.mutant.changes).verdict is Verdict.REFUTED


def test_torch_modules_know_nothing_of_bases() -> None:
    net, images = odenet._net("layers", 0)
    built = residual_net(net, 1)
    names = {type(m).__name__ for m in built.modules()}
    assert names == {"ResidualNet", "ModuleList", "Sequential", "Linear", "BatchNorm1d", "Tanh"}
    torch.testing.assert_close(built(images[1]), outputs(net, images)[1])


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(0.0, Verdict.CERTIFIED), (99.0, Verdict.CERTIFIED), (5e3, Verdict.INCONCLUSIVE), (2e4, Verdict.REFUTED)],
)
def test_residuals_are_read_against_controls(ratio: float, verdict: Verdict) -> None:
    assert odenet._explained("it", [0.0, ratio * 1e-15], [1e-15, 1e-15], 0).verdict is verdict


def test_a_distance_too_small_to_tell_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odenet, "spaces", lambda setting, basis: [Space("hats", 9)])
    net, images = odenet._net("refined", 0)
    nearly = compressed(net, Space("constant", 8))
    nearly.weights.inner[0, 0, 0, 0] *= 1 + 1e-9
    monkeypatch.setattr(odenet, "_nets", lambda seed: iter([(nearly, images)]))
    monkeypatch.setattr(odenet, "compressed", lambda _, space: net)
    with pytest.raises(ValueError, match=r"^distance: got"):
        odenet._within_bound(0)


def test_a_group_that_is_not_acted_with_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: the twins' outer weights are not moved."""
    run = odenet._run

    def faulty(start: Any, train: Any, test: Any, g: torch.Tensor, back: torch.Tensor, rule: Any, seed: int) -> Any:
        net, tests = run(start, train, test, g, back, rule, seed)
        still = g.clone()
        still[-1] = torch.eye(64)
        other, _ = run(start, train, test, still, back, rule, seed)
        net.weights.inner[-1] = other.weights.inner[-1]
        return net, tests

    monkeypatch.setattr(odenet, "_run", faulty)
    assert odenet._coupled(0).verdict is Verdict.REFUTED


def test_a_bound_that_overflows_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    net, images = odenet._net("layers", 0)
    steep = replace(net, weights=replace(net.weights, outer=net.weights.outer * 1e6))
    monkeypatch.setattr(odenet, "_nets", lambda seed: iter([(steep, images)]))
    with pytest.raises(ValueError, match=r"^distance: got .*, with a finite bound"):
        odenet._within_bound(0)


def test_a_net_that_projects_the_variance_itself_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: where the projected variance is negative, the net divides by no number."""

    def faulty(net: Net, space: Space) -> Net:
        rows = matrix(projection(net.weights.space, space), net.logvar)
        return replace(compressed(net, space), logvar=along(rows, net.logvar.exp()).log())

    monkeypatch.setattr(odenet, "compressed", faulty)
    found = odenet._positive(0)
    assert found.verdict is Verdict.REFUTED
    assert json.dumps(found.certificate, allow_nan=False)


def test_variances_are_read_back_from_the_net() -> None:
    net, _ = odenet._net("layers", 0)
    space = Space("constant", 4)
    found = odenet._in_logarithm(net, space)
    pairs = (net.logvar[:, ::2] + net.logvar[:, 1::2]) / 2
    torch.testing.assert_close(found[::2], pairs.exp().movedim(1, 0))


def test_certificates_are_json() -> None:
    found: Evidence = odenet._within_bound(0, share=1e-4)
    assert found.certificate["counterexample"]["measured"] > 0
    assert all(math.isfinite(x) for x in found.certificate.values() if isinstance(x, float))
    assert np.isfinite(found.certificate["ratio"])
