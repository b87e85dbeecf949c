"""Optimizers and learners become trainings that compute the same."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from sims.learners import Convolutional, FullyConnected, Learner
from sims.networks import fully_connected
from sims.training import Training, UpdateRule
from verify.adapters import AdapterError
from verify.regimes import REGIMES
from verify.subjects import first_weights, of_learner, of_optimizer, regimes_of

RNG = np.random.default_rng(0)
X, TESTS = (torch.from_numpy(RNG.standard_normal((n, 3))) for n in (6, 4))
Y = torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0, 1.0], dtype=torch.float64)


@pytest.mark.parametrize("regime", REGIMES)
def test_an_optimizer_is_put_on_each_regime_s_net(regime) -> None:
    training = of_optimizer(torch.optim.SGD, {"lr": 0.1, "momentum": 0.5})(regime)
    module = training.network()
    layers = [m for m in module if isinstance(m, nn.Linear)]
    assert [m.in_features for m in layers] == [regime.d, *regime.hidden]
    assert all((m.bias is not None) is regime.bias for m in layers)
    assert (training.steps, training.loss, training.batch) == (regime.steps, regime.loss, regime.batch)
    settings = training.rule.build(module).param_groups[0]
    assert settings["lr"] == pytest.approx(0.1 * regime.rate)
    assert settings["momentum"] == 0.5


def test_the_default_rate_is_scaled_too() -> None:
    training = of_optimizer(torch.optim.Adam, {})(REGIMES[2])
    assert training.rule.build(training.network()).param_groups[0]["lr"] == pytest.approx(0.001 * REGIMES[2].rate)


def test_an_optimizer_of_matrices_gets_no_biases() -> None:
    training = of_optimizer(torch.optim.Muon, {})(REGIMES[0])
    assert REGIMES[0].bias
    assert all(p.ndim == 2 for p in training.network().parameters())


@pytest.mark.parametrize(
    ("optimizer", "options", "message"),
    [(torch.optim.SGD, {"lr": -1}, "SGD"), (torch.optim.SGD, {"speed": 1}, "speed"), (nn.Linear, {}, "Linear")],
)
def test_what_does_not_run_is_refused(optimizer: type, options: dict, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        of_optimizer(optimizer, options)(REGIMES[0])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_a_learner_s_training_is_the_learner_s_own(optimizer: type, bias: bool) -> None:
    learner = Learner(FullyConnected((3, 5, 4, 1), "tanh", bias), optimizer, {"lr": 0.05}, 7, "logistic")
    training = of_learner(learner)
    generator = torch.Generator().manual_seed(5)
    start = first_weights(learner)(generator)
    weights = learner.model.initial(1, torch.Generator().manual_seed(5))
    trained = learner.train(weights, X[None], Y[None])
    theirs = learner.model(trained, TESTS[None])[0]
    ours = training.run(start, X, Y, TESTS).outputs[-1]
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)
    assert not torch.allclose(ours, learner.model(weights, TESTS[None])[0], rtol=0, atol=1e-3)


@pytest.mark.parametrize("learner", ["x", Learner(Convolutional(4, 4), torch.optim.SGD, {"lr": 0.1}, 1)])
def test_only_fully_connected_learners_will_do(learner) -> None:
    with pytest.raises(ValueError, match=r"learner: got .*, want a Learner whose first layer is fully connected"):
        of_learner(learner)


def test_weights_start_as_torch_fills_them() -> None:
    training = Training(partial(nn.Linear, 4, 1), UpdateRule(torch.optim.SGD), 1)
    draw = first_weights(training)
    outside = torch.get_rng_state()
    one, two, other = (draw(torch.Generator().manual_seed(s))["weight"] for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), outside)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.dtype == torch.float64
    assert one.abs().max() <= 0.5  # uniform on [-1/2, 1/2]
    generator = torch.Generator().manual_seed(0)
    assert not torch.equal(draw(generator)["weight"], draw(generator)["weight"])


def test_a_learner_s_weights_start_as_its_model_says() -> None:
    learner = Learner(FullyConnected((3, 5, 1)), torch.optim.SGD, {"lr": 0.1}, 1)
    drawn = first_weights(learner)(torch.Generator().manual_seed(1))
    assert {n: tuple(w.shape) for n, w in drawn.items()} == {"0.weight": (5, 3), "0.bias": (5,), "2.weight": (1, 5)}
    assert not drawn["0.bias"].any()


def test_regimes_of_a_training_keep_all_but_the_number_of_points() -> None:
    training = Training(partial(fully_connected, (5, 3, 1)), UpdateRule(torch.optim.SGD), 12, "logistic", batch=2)
    found = regimes_of(training)
    assert [r.samples for r in found] == [2, 5, 7, 11]
    assert {(r.d, r.steps, r.batch, r.loss, r.rate) for r in found} == {(5, 12, 2, "logistic", 1.0)}
    assert len({r.name for r in found}) == 4
    with pytest.raises(ValueError, match="want a fully-connected first layer"):
        regimes_of(Training(partial(nn.Conv1d, 1, 1, 3), UpdateRule(torch.optim.SGD), 1))
