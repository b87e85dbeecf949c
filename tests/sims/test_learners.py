"""The stacked learners, held against plain torch.nn training of one replica at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sims.learners import LOSSES, Convolutional, FullyConnected, Learner

R, N, D, STEPS = 3, 7, 4, 15
RELATIVE = 1e-12
TORCH_ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "identity": nn.Identity}
OPTIMIZERS = [
    (torch.optim.SGD, {"lr": 0.05}),
    (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    (torch.optim.Adam, {"lr": 0.02}),
    (torch.optim.Adagrad, {"lr": 0.05}),
]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def data(replicas: int = R, n: int = N, d: int = D) -> tuple[Tensor, Tensor]:
    g = generator(1)
    x = torch.randn(replicas, n, d, generator=g, dtype=torch.float64)
    return x, torch.randn(replicas, n, generator=g, dtype=torch.float64).sign()


def plain_net(net: FullyConnected, weights: Sequence[Tensor], replica: int) -> nn.Sequential:
    """One replica as an ordinary torch net."""
    layers: list[nn.Module] = []
    left = [w[replica].clone() for w in weights]
    for i, (fan_in, fan_out) in enumerate(zip(net.widths[:-1], net.widths[1:], strict=True)):
        last = i == len(net.widths) - 2
        linear = nn.Linear(fan_in, fan_out, bias=net.bias and not last, dtype=torch.float64)
        linear.weight.data = left.pop(0)
        if linear.bias is not None:
            linear.bias.data = left.pop(0).squeeze(1)
        layers += [linear] if last else [linear, TORCH_ACTIVATIONS[net.activation]()]
    return nn.Sequential(*layers)


def plain_training(learner: Learner, weights: Sequence[Tensor], x: Tensor, y: Tensor, replica: int) -> list[Tensor]:
    plain = plain_net(learner.model, weights, replica)
    optimizer = learner.optimizer(plain.parameters(), **learner.options)

    def closure() -> Tensor:
        optimizer.zero_grad()
        outputs = plain(x[replica]).squeeze(1)
        loss = (
            nn.functional.mse_loss(outputs, y[replica])
            if learner.loss == "square"
            else nn.functional.soft_margin_loss(outputs, y[replica])
        )
        loss.backward()
        return loss

    for _ in range(learner.steps):
        optimizer.step(closure)
    return [p.detach().reshape(w.shape[1:]) for p, w in zip(plain.parameters(), weights, strict=True)]


def discrepancy(learner: Learner, weights: Sequence[Tensor], x: Tensor, y: Tensor) -> float:
    """Greatest difference between stacked and plain training over the greatest weight; asserts that something moved."""
    trained = learner.train(weights, x, y)
    assert max(float((t - w).abs().max()) for t, w in zip(trained, weights, strict=True)) > 0.01
    worst = 0.0
    for replica in range(len(x)):
        plain = plain_training(learner, weights, x, y, replica)
        scale = max(float(p.abs().max()) for p in plain)
        worst = max(worst, *(float((t[replica] - p).abs().max()) / scale for t, p in zip(trained, plain, strict=True)))
    return worst


@pytest.mark.parametrize(("optimizer", "options"), OPTIMIZERS)
@pytest.mark.parametrize("widths", [(D, 5, 1), (D, 5, 3, 1)])
@pytest.mark.parametrize(("bias", "activation", "loss"), [(True, "tanh", "square"), (False, "relu", "logistic")])
def test_stack_equals_plain_torch(
    optimizer: type[torch.optim.Optimizer],
    options: dict[str, Any],
    widths: tuple[int, ...],
    bias: bool,
    activation: str,
    loss: str,
) -> None:
    learner = Learner(FullyConnected(widths, activation, bias), optimizer, options, STEPS, loss)
    assert discrepancy(learner, learner.model.initial(R, generator()), *data()) <= RELATIVE


def test_the_comparison_sees_a_mean_over_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a loss that is averaged over replicas trains each one R times too slowly."""
    learner = Learner(FullyConnected((D, 5, 1)), torch.optim.SGD, {"lr": 0.05}, STEPS)
    faulty = {"square": lambda output, label: (output - label) ** 2 / len(output)}
    monkeypatch.setattr("sims.learners.LOSSES", faulty)
    assert discrepancy(learner, learner.model.initial(R, generator()), *data()) > 1e-3


def test_optimizers_that_mix_entries_match_plain_torch_with_one_replica() -> None:
    learner = Learner(FullyConnected((D, 5, 1), bias=False), torch.optim.LBFGS, {"lr": 0.1}, 3)
    assert discrepancy(learner, learner.model.initial(1, generator()), *data(replicas=1)) <= 1e-9
    stack = learner.model.initial(2, generator())
    assert discrepancy(learner, stack, *data(replicas=2)) > 1e-6, "two replicas were expected to disturb each other"


@pytest.mark.parametrize(("replicas", "axes"), [(1, [2, 2, 2]), (2, [3, 3, 3])])
def test_one_replica_is_shown_as_plain_matrices(replicas: int, axes: list[int]) -> None:
    seen: list[int] = []

    class Recorder(torch.optim.SGD):
        def __init__(self, params: Any, **options: Any) -> None:
            params = list(params)
            seen.extend(p.ndim for p in params)
            super().__init__(params, **options)

    learner = Learner(FullyConnected((D, 5, 1)), Recorder, {"lr": 0.1}, 1)
    learner.train(learner.model.initial(replicas, generator()), *data(replicas))
    assert seen == axes


def naive_convolution(net: Convolutional, weights: Sequence[Tensor], x: Tensor) -> Tensor:
    act: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "square": torch.square}
    out = torch.zeros(x.shape[:2], dtype=x.dtype)
    size = net.dimension // net.patches
    for r in range(x.shape[0]):
        for s in range(x.shape[1]):
            for i in range(net.dimension):
                z = sum(weights[0][r, 0, j] * x[r, s, (i - j) % net.dimension] for j in range(net.filter_size))
                out[r, s] += weights[1][r, 0, i // size] * act[net.activation](z)
            if net.bias:
                out[r, s] += weights[2][r, 0, 0]
    return out


@pytest.mark.parametrize(
    "net",
    [
        Convolutional(6, 1),
        Convolutional(6, 3, patches=2, bias=True),
        Convolutional(6, 6, patches=6, activation="square"),
    ],
)
def test_convolution_equals_its_definition(net: Convolutional) -> None:
    weights = [w + 0.1 for w in net.initial(2, generator())]  # so that the bias is not 0
    x, _ = data(2, 3, 6)
    assert torch.allclose(net(weights, x), naive_convolution(net, weights, x), rtol=1e-12, atol=1e-12)


def test_convolution_trains_on_all_of_its_weights() -> None:
    net = Convolutional(6, 3, patches=2, bias=True)
    weights = net.initial(2, generator())
    x, y = data(2, 5, 6)
    learner = Learner(net, torch.optim.SGD, {"lr": 0.05}, 20)
    trained = learner.train(weights, x, y)
    assert all(bool((t != w).any()) for t, w in zip(trained, weights, strict=True))
    losses = [((net(w, x) - y) ** 2).mean(dim=1) for w in (weights, trained)]
    assert bool((losses[1] < losses[0]).all())


@pytest.mark.parametrize("net", [FullyConnected((50, 40, 1)), FullyConnected((50, 40, 30, 1), bias=False)])
def test_initial_law(net: FullyConnected) -> None:
    weights = net.initial(60, generator())
    assert tuple(weights[0].shape) == (60, 40, 50)
    for w, (rows, columns) in zip(weights, net.shapes, strict=True):
        if columns == 1:
            assert not w.any()
            continue
        z = w.flatten() * columns**0.5
        deviation = 5 / len(z) ** 0.5  # five standard deviations of a mean of len(z) unit variables
        assert abs(float(z.mean())) < deviation, rows
        assert abs(float(z.var()) - 1) < 2**0.5 * deviation
        assert abs(float((z**4).mean()) - 3) < 96**0.5 * deviation


def test_initial_is_reproducible_and_typed() -> None:
    net = FullyConnected((3, 4, 1))
    first, again, other = (net.initial(2, generator(seed), torch.float32) for seed in (0, 0, 1))
    assert all(w.dtype == torch.float32 for w in first)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("replicas", [1, 2])
def test_training_leaves_its_input_alone_and_detaches(replicas: int) -> None:
    learner = Learner(FullyConnected((D, 5, 1)), torch.optim.SGD, {"lr": 0.1}, 3)
    weights = [w.requires_grad_() for w in learner.model.initial(replicas, generator())]
    before = [w.detach().clone() for w in weights]
    x, y = data(replicas)
    with torch.no_grad():
        trained = learner.train(weights, x, y)
    assert all(torch.equal(a, b) and a.grad is None for a, b in zip(weights, before, strict=True))
    assert not any(t.requires_grad for t in (*trained, learner.predict(weights, x)))
    assert not torch.equal(trained[0], before[0])


def test_the_gradient_is_there_even_if_the_optimizer_forgets_to_ask_for_it() -> None:
    class Forgetful(torch.optim.SGD):
        @torch.no_grad()
        def step(self, closure: Callable[[], Tensor]) -> Tensor:
            loss = closure()
            for p in self.param_groups[0]["params"]:
                p -= 0.1 * p.grad
            return loss

    weights, (x, y) = GOOD.model.initial(R, generator()), data()
    forgetful = dataclasses.replace(GOOD, optimizer=Forgetful)
    pairs = zip(forgetful.train(weights, x, y), GOOD.train(weights, x, y), strict=True)
    assert all(torch.allclose(a, b, rtol=RELATIVE, atol=RELATIVE) for a, b in pairs)


@pytest.mark.parametrize(("n", "steps"), [(0, 5), (N, 0)])
def test_nothing_to_do_changes_nothing(n: int, steps: int) -> None:
    learner = Learner(FullyConnected((D, 5, 1)), torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.5}, steps)
    weights = learner.model.initial(R, generator())
    x, y = data(n=n)
    assert all(torch.equal(a, b) for a, b in zip(learner.train(weights, x, y), weights, strict=True))
    assert tuple(learner.predict(weights, x).shape) == (R, n)


def test_losses() -> None:
    output, label = torch.tensor([0.5, -2.0]), torch.tensor([1.0, 1.0])
    assert LOSSES["square"](output, label).tolist() == [0.25, 9.0]
    assert LOSSES["logistic"](output, label).tolist() == pytest.approx([0.4740770, 2.1269280])


GOOD = Learner(FullyConnected((D, 5, 1)), torch.optim.SGD, {"lr": 0.1}, 1)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: FullyConnected((3,)), r"widths: got \(3,\), want a tuple"),
        (lambda: FullyConnected((3, 2)), r"widths: got \(3, 2\), want .* ends in 1"),
        (lambda: FullyConnected([3, 1]), r"widths: got \[3, 1\], want a tuple"),
        (lambda: FullyConnected((3, 0, 1)), r"widths\[1\]: got 0, want an integer >= 1"),
        (lambda: FullyConnected((3.0, 1)), r"widths\[0\]: got 3.0, want an integer"),
        (lambda: FullyConnected((3, 1), "gelu"), "activation: got 'gelu', want one of tanh, relu, square, identity"),
        (lambda: FullyConnected((3, 1), bias=1), "bias: got 1, want True or False"),
        (lambda: FullyConnected((3, 1)).initial(0, generator()), "replicas: got 0"),
        (lambda: FullyConnected((3, 1)).initial(1, generator(), torch.int64), "dtype: got torch.int64"),
        (lambda: Convolutional(0, 1), "dimension: got 0"),
        (lambda: Convolutional(4, 5), r"filter_size: got 5, want an integer in \[1, 4\]"),
        (lambda: Convolutional(4, 1, 3), "patches: got 3, want a divisor of dimension = 4"),
        (lambda: Convolutional(4, 1, 1, "no"), "activation: got 'no'"),
        (lambda: Convolutional(4, 1, 1, "tanh", None), "bias: got None"),
        (lambda: Convolutional(4, 1).initial(-1, generator()), "replicas: got -1"),
        (lambda: dataclasses.replace(GOOD, model="fc"), "model: got 'fc', want a FullyConnected or a Convolutional"),
        (lambda: dataclasses.replace(GOOD, optimizer="SGD"), "optimizer: got 'SGD', want a subclass of torch.optim"),
        (lambda: dataclasses.replace(GOOD, optimizer=dict), "optimizer: got <class 'dict'>, want a subclass"),
        (lambda: dataclasses.replace(GOOD, options=[("lr", 1)]), "options: got .*, want a mapping"),
        (lambda: dataclasses.replace(GOOD, steps=-1), "steps: got -1, want an integer >= 0"),
        (lambda: dataclasses.replace(GOOD, loss="hinge"), "loss: got 'hinge', want one of square, logistic"),
    ],
)
def test_bad_construction(build: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build()


def spoiled(value: Tensor, entry: float) -> Tensor:
    value = value.clone()
    value[0, 0] = entry
    return value


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w, x, y: (w[:2], x, y), "weights: got 2 entries, want 3 tensors"),
        (lambda w, x, y: ([w[0], w[1], None], x, y), "weights: got .*, want 3 tensors"),
        (lambda w, x, y: ([w[0][:1], *w[1:]], x, y), r"weights\[0\]: got shape \(1, 5, 4\), want \(3, 5, 4\)"),
        (lambda w, x, y: ([*w[:2], w[2].float()], x, y), r"weights\[2\]: got dtype torch.float32, want torch.float64"),
        (lambda w, x, y: (w, x.float(), y), r"weights\[0\]: got dtype torch.float64, want torch.float32"),
        (lambda w, x, y: (w, x[0], y), r"x: got \(7, 4\), want a tensor of shape \(R, n, 4\)"),
        (lambda w, x, y: (w, x[:, :, :2], y), r"x: got \(3, 7, 2\), want a tensor of shape \(R, n, 4\)"),
        (lambda w, x, y: (w, x.numpy(), y), "x: got ndarray, want a tensor"),
        (lambda w, x, y: (w, spoiled(x, float("nan")), y), "x: got NaN or infinite entries"),
        (lambda w, x, y: (w, x, y[:, :2]), r"y: got shape \(3, 2\), want \(3, 7\)"),
        (lambda w, x, y: (w, x, y.numpy()), r"y: got a ndarray, want a torch.Tensor"),
        (lambda w, x, y: (w, x, y.float()), "y: got dtype torch.float32, want torch.float64"),
        (lambda w, x, y: (w, x, spoiled(y, float("inf"))), "y: got NaN or infinite entries"),
    ],
)
def test_bad_data(change: Callable[..., tuple[Any, Any, Any]], says: str) -> None:
    weights, x, y = change(GOOD.model.initial(R, generator()), *data())
    with pytest.raises(ValueError, match=says):
        GOOD.train(weights, x, y)
    if not says.startswith("y"):
        with pytest.raises(ValueError, match=says):
            GOOD.predict(weights, x)


def test_logistic_loss_wants_signs() -> None:
    x, y = data()
    with pytest.raises(ValueError, match="y: got labels other than -1 and 1"):
        dataclasses.replace(GOOD, loss="logistic").train(GOOD.model.initial(R, generator()), x, 2 * y)
