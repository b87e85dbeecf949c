"""Features of training do what they say, on real runs held against computations by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from sims.features import (
    SAM,
    Average,
    Centre,
    ClipNorm,
    ClipValue,
    DecoupledDecay,
    Langevin,
    Penalty,
    Schedule,
    Standardise,
    Whiten,
)
from sims.networks import Elementwise, fully_connected
from sims.training import Feature, Hook, Trace, Training, UpdateRule, initial

D, STEPS = 3, 3  # so few steps that a trace holds all of them
NETWORK = partial(fully_connected, (D, 4, 1))
X = torch.randn(6, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 2.0, 0.5])
Y = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0], dtype=torch.float64)


def rule(build: Callable[..., optim.Optimizer] = optim.SGD, closure: str = "none", **options: Any) -> UpdateRule:
    """An optimizer with learning rate 0.1."""
    return UpdateRule(lambda module: build(module.parameters(), lr=0.1, **options), closure)


def trained(rule: UpdateRule, *features: Feature, network: Callable[[], nn.Module] = NETWORK, **options: Any) -> Trace:
    """A run on the data above."""
    training = Training(network, rule, STEPS, features=features, **options)
    return training.run(initial(network(), torch.Generator().manual_seed(0)), X, Y, X)


def apart(first: Trace, second: Trace) -> float:
    """The greatest difference of two runs' outputs."""
    return float((first.outputs - second.outputs).abs().max())


def with_gradients(*gradients: list[float]) -> nn.Module:
    """A module with these gradients and weights 0."""
    module = nn.ParameterList([nn.Parameter(torch.zeros(len(g), dtype=torch.float64)) for g in gradients])
    for p, g in zip(module, gradients, strict=True):
        p.grad = torch.tensor(g, dtype=torch.float64)
    return module


def gradients(module: nn.Module) -> list[list[float]]:
    return [[] if p.grad is None else p.grad.tolist() for p in module.parameters()]


def hook(feature: Feature, x: Tensor = X) -> Hook:
    return feature(nn.Identity(), optim.SGD([torch.zeros(1)], lr=1.0), x)


# Penalties and decay.


def test_the_l2_penalty_is_coupled_weight_decay_of_twice_its_strength() -> None:
    penalised = trained(rule(), Penalty(2, 0.1))
    assert apart(penalised, trained(rule(weight_decay=0.2))) < 1e-15
    assert apart(penalised, trained(rule(weight_decay=0.1))) > 1e-3


@pytest.mark.parametrize(
    ("p", "slopes"), [(1, [0.5, -0.5, 0.0]), (1.5, [1.5, -0.75 * 2**0.5, 0.0]), (4, [128.0, -16.0, 0.0])]
)
def test_an_lp_penalty_has_the_slope_of_the_power_and_none_at_0(p: float, slopes: list[float]) -> None:
    module = nn.Linear(3, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[4.0, -2.0, 0.0]]))
    penalty = Penalty(p, 0.5).penalty(module)
    assert penalty.item() == pytest.approx(0.5 * (4**p + 2**p))
    (slope,) = torch.autograd.grad(penalty, [module.weight])
    assert slope[0].tolist() == pytest.approx(slopes)


def test_a_penalty_counts_once_however_many_batches_are_accumulated() -> None:
    whole = trained(rule(), Penalty(4, 0.1))
    assert apart(whole, trained(rule(), Penalty(4, 0.1), batch=2, accumulate=3)) < 1e-15
    assert apart(whole, trained(rule(), Penalty(4, 0.3))) > 1e-3


def test_decoupled_decay_makes_adamw_of_adam_and_equals_coupled_decay_on_plain_sgd() -> None:
    decay = DecoupledDecay(0.3)
    assert apart(trained(rule(optim.Adam), decay), trained(rule(optim.AdamW, weight_decay=0.3))) < 1e-15
    assert apart(trained(rule(optim.Adam), decay), trained(rule(optim.Adam, weight_decay=0.3))) > 1e-3
    assert apart(trained(rule(), decay), trained(rule(weight_decay=0.3))) < 1e-15
    assert apart(trained(rule(momentum=0.9), decay), trained(rule(momentum=0.9, weight_decay=0.3))) > 1e-3


# Clipping.


@pytest.mark.parametrize(
    ("kind", "limit", "factor"), [(2.0, 6.5, 0.5), (1.0, 9.5, 0.5), (math.inf, 6.0, 0.5), (2.0, 14.0, 1.0)]
)
def test_clipping_by_norm_scales_all_gradients_together(kind: float, limit: float, factor: float) -> None:
    module = with_gradients([3.0, -4.0], [12.0])  # norms: l_1 19, l_2 13, largest 12
    ClipNorm(limit, kind).on_gradients(module)
    expected = [[3 * factor, -4 * factor], [12 * factor]]
    for got, wanted in zip(gradients(module), expected, strict=True):
        assert got == pytest.approx(wanted, rel=1e-6)  # torch adds 1e-6 to the norm


def test_clipping_by_value_clips_each_entry() -> None:
    module = with_gradients([3.0, -4.0], [0.5])
    ClipValue(3.5).on_gradients(module)
    assert gradients(module) == [[3.0, -3.5], [0.5]]


def test_clipping_happens_before_the_step_and_only_where_it_bites() -> None:
    plain = trained(rule())
    for feature, idle in ((ClipNorm(0.1), ClipNorm(1e3)), (ClipValue(0.01), ClipValue(1e3))):
        assert apart(plain, trained(rule(), feature)) > 1e-3
        assert apart(plain, trained(rule(), idle)) == 0
    lengths = [
        sum(float(((w[n] - v[n]) ** 2).sum()) for n in w) ** 0.5
        for v, w in zip(
            trained(rule(), ClipNorm(0.1)).weights, trained(rule(), ClipNorm(0.1)).weights[1:], strict=False
        )
    ]
    assert lengths == pytest.approx([0.01] * STEPS, rel=1e-4)  # learning rate times limit


# Averages, schedules, noise.


@pytest.mark.parametrize("decay", [0.0, 0.75, 1.0])
def test_the_average_predicts_with_hand_averaged_weights(decay: float) -> None:
    network = partial(nn.Linear, D, 1)
    trace = trained(rule(), Average(decay), network=network)
    assert len(trace.weights) == STEPS + 1
    average = trace.weights[1]
    expected = [trace.weights[0], average]
    for weights in trace.weights[2:]:
        average = {name: decay * average[name] + (1 - decay) * weights[name] for name in weights}
        expected.append(average)
    for outputs, weights in zip(trace.outputs, expected, strict=True):
        assert torch.allclose(outputs, (X @ weights["weight"].T + weights["bias"])[:, 0], rtol=0, atol=1e-14)
    assert (apart(trace, trained(rule(), network=network)) > 1e-3) == (decay > 0)
    assert all(
        torch.equal(v[n], w[n])  # the average is looked at, not trained
        for v, w in zip(trace.weights, trained(rule(), network=network).weights, strict=True)
        for n in v
    )


def test_the_average_predicts_without_dropout_although_it_is_a_copy() -> None:
    network = partial(NETWORK, on_inputs=lambda _: nn.Dropout(0.5))
    dropping = Average(0.5)(network(), optim.SGD([torch.zeros(1)], lr=1.0), X)
    module = dropping.predictor(network().double())
    assert not any(part.training for part in module.modules())


def test_a_schedule_steps_after_each_step() -> None:
    rates: list[float] = []

    class Spy(Hook):
        def __init__(self, module: nn.Module, optimizer: optim.Optimizer, x: Tensor) -> None:
            self.optimizer = optimizer

        def on_gradients(self, module: nn.Module) -> None:
            rates.append(self.optimizer.param_groups[0]["lr"])

    cosine = Schedule(lambda optimizer: optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS))
    trained(rule(), cosine, Spy)
    assert rates == pytest.approx([0.1 * (1 + math.cos(math.pi * t / STEPS)) / 2 for t in range(STEPS)])
    rates.clear()
    trained(rule(), Spy)
    assert rates == [0.1] * STEPS


def test_langevin_noise_is_added_to_every_entry_after_the_step() -> None:
    module = nn.Linear(200, 100, dtype=torch.float64)
    before = [p.detach().clone() for p in module.parameters()]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        Langevin(0.5).after_step(module)
    noise = module.weight.detach() - before[0]
    n = noise.numel()
    assert abs(float(noise.mean())) < 5 * 0.5 / n**0.5
    assert abs(float((noise**2).mean()) - 0.25) < 5 * 0.25 * (2 / n) ** 0.5
    assert abs(float((noise**4).mean()) - 3 * 0.5**4) < 5 * 0.5**4 * (96 / n) ** 0.5  # uniform noise would have 9/5
    assert (module.bias.detach() != before[1]).all()
    assert trained(rule(), Langevin(0.1)).random
    assert not trained(rule()).random
    assert apart(trained(rule(), Langevin(0.0)), trained(rule())) == 0


# Prepared inputs.


def test_centred_standardised_and_whitened_training_points_have_the_moments_that_they_should() -> None:
    centred, standardised, whitened = (hook(f).inputs(X) for f in (Centre(), Standardise(), Whiten(1e-9)))
    for z in (centred, standardised, whitened):
        assert z.mean(dim=0).abs().max() < 1e-14
    assert torch.allclose(centred - centred[0], X - X[0])
    assert torch.allclose((standardised**2).mean(dim=0), torch.ones(D, dtype=torch.float64))
    covariance = standardised.T @ standardised / len(X)
    assert (covariance - torch.eye(D)).abs().max() > 0.1
    assert torch.allclose(whitened.T @ whitened / len(X), torch.eye(D, dtype=torch.float64), atol=1e-6)


def test_test_points_are_prepared_with_the_training_points_moments() -> None:
    x = torch.tensor([[0.0], [4.0]])
    assert hook(Standardise(), x).inputs(torch.tensor([[4.0], [8.0]])).tolist() == [[1.0], [3.0]]
    assert hook(Centre(), x).inputs(torch.tensor([[4.0]])).tolist() == [[2.0]]
    assert hook(Whiten(12.0), x).inputs(torch.tensor([[10.0]])).item() == pytest.approx(2.0)  # 8 / sqrt(4 + 12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1])
def test_a_constant_coordinate_is_only_centred(value: float) -> None:
    x = torch.full((7, 1), value)
    assert hook(Standardise(), x).inputs(x).abs().max() <= 1e-6 * value
    assert hook(Standardise(), x).inputs(x + 1)[0].item() == pytest.approx(1.0, abs=0.1)


def test_whitening_is_finite_with_fewer_points_than_coordinates() -> None:
    assert hook(Whiten(), X[:2]).inputs(X).isfinite().all()


# SAM.


def by_hand(adaptive: bool, rho: float, steps: int = STEPS, rate: float = 0.1) -> Tensor:
    """The weights of a linear unit trained by SAM on the square loss, with the slope written out."""

    def slope(w: Tensor) -> Tensor:
        return 2 * (X @ w - Y) @ X / len(X)

    w = initial(nn.Linear(D, 1, bias=False), torch.Generator().manual_seed(0))["weight"][0]
    found = [w]
    for _ in range(steps):
        unit = w.abs() if adaptive else torch.ones_like(w)
        uphill = rho * unit**2 * slope(w) / (unit * slope(w)).norm()
        w = w - rate * slope(w + uphill)
        found.append(w)
    return torch.stack(found)


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_takes_the_step_that_is_computed_by_hand(adaptive: bool) -> None:
    def build(parameters: Any, lr: float) -> SAM:
        return SAM(parameters, partial(optim.SGD, lr=lr), 0.3, adaptive)

    trace = trained(rule(build, "backward"), network=partial(nn.Linear, D, 1, bias=False))
    found = torch.stack([weights["weight"][0] for weights in trace.weights])
    assert (found - by_hand(adaptive, 0.3)).abs().max() < 1e-12
    assert (found - by_hand(adaptive, 0.0)).abs().max() > 1e-3
    assert (found - by_hand(not adaptive, 0.3)).abs().max() > 1e-3


def test_sam_with_rho_0_is_its_base_with_momentum_and_schedule() -> None:
    def build(parameters: Any, lr: float) -> SAM:
        return SAM(parameters, partial(optim.SGD, lr=lr, momentum=0.9), 0.0)

    halving = Schedule(lambda optimizer: optim.lr_scheduler.ExponentialLR(optimizer, 0.5))
    base = trained(rule(momentum=0.9), halving)
    assert apart(trained(rule(build, "backward"), halving), base) == 0
    assert apart(trained(rule(build, "backward")), base) > 1e-3


def test_sam_has_one_norm_for_all_parameters() -> None:
    a, b = (nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in range(2))
    seen: list[tuple[float, float]] = []
    sam = SAM([a, b], partial(optim.SGD, lr=1.0), rho=5.0)

    def closure() -> Tensor:
        sam.zero_grad()
        seen.append((a.item(), b.item()))
        loss = (3 * a + 4 * b).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    assert sam.step(closure).item() == 0
    assert seen[0] == (0, 0)
    assert seen[1] == pytest.approx((3, 4))  # not (5, 5)
    assert (a.item(), b.item()) == (-3, -4)


def test_sam_shares_parameters_and_state_with_its_base() -> None:
    a, b = (nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2))
    sam = SAM([a], partial(optim.SGD, lr=0.1, momentum=0.9))
    sam.add_param_group({"params": [b], "lr": 0.2})

    def closure() -> Tensor:
        sam.zero_grad()
        loss = (a + b).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    sam.step(closure)
    assert (a.item(), b.item()) == pytest.approx((0.9, 0.8))
    assert [s["momentum_buffer"].item() for s in sam.state_dict()["state"].values()] == [1.0, 1.0]


def test_sam_wants_a_closure() -> None:
    with pytest.raises(ValueError, match="closure: got None"):
        SAM([torch.zeros(1)], partial(optim.SGD, lr=1.0)).step()


# Batches and nets.


def test_accumulated_batches_equal_their_union_whatever_the_split() -> None:
    union = trained(rule(momentum=0.9))
    assert apart(union, trained(rule(momentum=0.9), batch=2, accumulate=3)) < 1e-15
    assert apart(union, trained(rule(momentum=0.9), batch=1, accumulate=6)) < 1e-15
    assert apart(union, trained(rule(momentum=0.9), batch=2)) > 1e-3


@pytest.mark.parametrize("place", ["on_inputs", "after_first", "after_activation"])
def test_dropout_acts_in_training_only(place: str) -> None:
    network = partial(NETWORK, **{place: lambda _: nn.Dropout(0.5)})
    plain, dropping = trained(rule()), trained(rule(), network=network)
    # Layers have other numbers, but weights are drawn in the same order.
    assert torch.equal(plain.outputs[0], dropping.outputs[0])
    assert apart(plain, dropping) > 1e-3
    assert dropping.random


def test_layers_stand_where_they_were_asked_for() -> None:
    net = fully_connected(
        (3, 5, 4, 1),
        "relu",
        bias=False,
        on_inputs=lambda d: nn.LayerNorm(d, elementwise_affine=False),
        after_first=nn.BatchNorm1d,
        after_activation=lambda _: nn.Dropout(0.1),
    )
    kinds = [type(layer).__name__ for layer in net]
    assert kinds == [
        *("LayerNorm", "Linear", "BatchNorm1d", "Elementwise", "Dropout"),
        *("Linear", "Elementwise", "Dropout", "Linear"),
    ]
    assert [tuple(p.shape) for p in net.parameters()] == [(5, 3), (5,), (5,), (4, 5), (1, 4)]
    assert Elementwise("square")(torch.tensor([-3.0])).item() == 9


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "p below 1": (lambda: Penalty(0.5, 1.0), "p: got 0.5"),
    "negative strength": (lambda: Penalty(2, -1.0), "strength: got -1.0"),
    "infinite strength": (lambda: DecoupledDecay(math.inf), "strength: got inf"),
    "limit 0": (lambda: ClipNorm(0), "limit: got 0, want a positive number"),
    "no norm": (lambda: ClipNorm(1.0, 0.5), "kind: got 0.5"),
    "negative limit": (lambda: ClipValue(-1.0), "limit: got -1.0"),
    "NaN": (lambda: Langevin(math.nan), "scale: got nan"),
    "decay above 1": (lambda: Average(1.5), "decay: got 1.5"),
    "no ridge": (lambda: Whiten(0.0), "ridge: got 0"),
    "negative rho": (lambda: SAM([torch.zeros(1)], partial(optim.SGD, lr=1.0), -1.0), "rho: got -1.0"),
    "one width": (lambda: fully_connected((3,)), r"widths: got \(3,\)"),
    "two outputs": (lambda: fully_connected((3, 2)), r"widths: got \(3, 2\)"),
    "a width of 0": (lambda: fully_connected((0, 1)), r"widths\[0\]: got 0"),
    "nothing hidden": (lambda: fully_connected((3, 1), after_first=nn.BatchNorm1d), "want a hidden layer"),
    "an unknown activation": (lambda: fully_connected((3, 2, 1), "swish"), "activation: got 'swish'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_out_of_range_is_named(case: str) -> None:
    make, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        make()
