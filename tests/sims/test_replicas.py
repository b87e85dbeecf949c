"""Batched training, held against the plain torch.optim loop."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sims import replicas
from sims.learners import Convolutional, FullyConnected
from sims.replicas import Recipe, Trained, train, train_one_by_one

R, N, D, STEPS = 4, 9, 6, 30
MODELS = [
    FullyConnected((D, 1)),
    FullyConnected((D, 5, 1), "tanh"),
    FullyConnected((D, 5, 1), "tanh", bias=False),
    FullyConnected((D, 5, 4, 1), "relu"),
    FullyConnected((D, 5, 1), "square", bias=False),
    FullyConnected((D, 4, 3, 1), "square"),
    FullyConnected((D, 5, 4, 1), "identity", bias=False),
    Convolutional(D, filter_size=2, patches=2),
    Convolutional(D, filter_size=3, activation="square", bias=True),
]
OPTIMIZERS = [
    (torch.optim.SGD, {"lr": 0.05}),
    (torch.optim.SGD, {"lr": 0.05, "weight_decay": 0.1}),
    (torch.optim.SGD, {"lr": 0.02, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    (torch.optim.SGD, {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    (torch.optim.Adam, {"lr": 0.02}),
    (torch.optim.Adam, {"lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    (torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.1}),
    (torch.optim.Adagrad, {"lr": 0.1}),
    (torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
]
DTYPES = [torch.float64, torch.float32]
SEEDS = (5, 6, 7, 2**62)


def problem(model: Any, dtype: torch.dtype = torch.float64, n: int = N) -> tuple[list[Tensor], Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    weights = [0.4 * torch.randn(R, *shape, generator=g, dtype=dtype) for shape in model.shapes]
    x = 0.7 * torch.randn(R, n, D, generator=g, dtype=dtype)
    return weights, x, torch.randn(R, n, generator=g, dtype=dtype).sign()


def assert_same(recipe: Recipe, dtype: torch.dtype = torch.float64, n: int = N, **given: Any) -> Trained:
    """Both ways of training agree to rounding.

    What a change of the first weights in the last digit becomes after all steps is the measure: every step rounds
    anew, so that STEPS such changes add up at most, besides the rounding of the result itself.
    """
    weights, x, y = problem(recipe.model, dtype, n)
    eps = torch.finfo(dtype).eps
    batched = train(recipe, weights, x, y, **given)
    plain = train_one_by_one(recipe, weights, x, y, **given)
    nudged = [
        train_one_by_one(recipe, [w * (1 + sign * eps) for w in weights], x, y, **given).weights for sign in (2, -2)
    ]
    assert batched.steps.tolist() == plain.steps.tolist()
    for i, (ours, theirs) in enumerate(zip(batched.weights, plain.weights, strict=True)):
        spread = max(float((other[i] - theirs).abs().max()) for other in nudged)
        allowed = recipe.steps * (spread + eps * float(theirs.abs().max()))
        assert float((ours - theirs).abs().max()) <= allowed
        assert float((ours - weights[i]).abs().max()) > 1e2 * allowed  # so that it is seen whether they were trained
        assert ours.dtype == dtype
    torch.testing.assert_close(batched.loss, plain.loss, rtol=1e3 * recipe.steps * eps, atol=1e3 * eps)
    return batched


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("optimizer", "options"), OPTIMIZERS, ids=str)
def test_optimizers(optimizer: Any, options: Mapping[str, Any], dtype: torch.dtype) -> None:
    assert_same(Recipe(FullyConnected((D, 5, 4, 1)), optimizer, options, STEPS), dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_models(model: Any, loss: str, dtype: torch.dtype) -> None:
    assert_same(Recipe(model, torch.optim.SGD, {"lr": 0.004, "momentum": 0.5}, STEPS, loss), dtype)


@pytest.mark.parametrize(("optimizer", "options"), OPTIMIZERS, ids=str)
@pytest.mark.parametrize("model", [MODELS[1], MODELS[7]], ids=str)
def test_everything_at_once(model: Any, optimizer: Any, options: Mapping[str, Any]) -> None:
    recipe = Recipe(model, optimizer, options, STEPS, "logistic", batch=4, l1=0.01, tolerance=0.45, patience=7)
    rates, counts = torch.tensor([0.01, 0.02, 0.05, 0.03]).double(), torch.tensor([9, 3, 4, 6])
    assert_same(recipe, rates=rates, counts=counts, seeds=SEEDS)


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({"l1": 0.05}, {}),
        ({"batch": 3}, {"seeds": SEEDS}),
        ({"batch": N}, {"seeds": SEEDS}),
        ({"batch": 3}, {"seeds": SEEDS, "counts": torch.tensor([2, 3, 7, 9])}),
        ({}, {"counts": torch.tensor([1, 5, 9, 3])}),
        ({}, {"counts": torch.tensor([1, 5, 3, 3])}),
        ({}, {"rates": torch.tensor([0.01, 0.1, 0.003, 0.05])}),
        ({"patience": 1000}, {}),
    ],
    ids=str,
)
def test_each_alone(changes: dict[str, Any], given: dict[str, Any]) -> None:
    assert_same(Recipe(MODELS[1], torch.optim.SGD, {"lr": 0.03}, STEPS, **changes), **given)


def test_early_stopping_is_that_of_the_plain_loop_and_the_stack_shrinks() -> None:
    sizes = []

    class Seen(FullyConnected):
        def __call__(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
            sizes.append(len(x))
            return super().__call__(weights, x)

    recipe = Recipe(Seen((D, 8, 1)), torch.optim.Adam, {"lr": 0.05}, 60, tolerance=0.05, patience=5)
    counts = torch.tensor([9, 2, 5, 9])
    trained = assert_same(recipe, counts=counts)
    assert len(set(trained.steps.tolist())) >= 3
    assert 0 < int(trained.steps.min()) < int(trained.steps.max()) <= 60
    stopped = trained.steps < 60
    assert (trained.loss[stopped] <= 0.05).all()
    sizes.clear()
    weights, x, y = problem(recipe.model)
    train(recipe, weights, x, y, counts=counts)
    assert sizes[0] == R
    assert sizes[-1] == int((trained.steps == trained.steps.max()).sum())


def test_a_replica_does_not_see_the_others() -> None:
    recipe = Recipe(MODELS[3], torch.optim.Adam, {"lr": 0.02}, STEPS, batch=4)
    weights, x, y = problem(recipe.model)
    counts = torch.tensor([9, 3, 6, 7])
    together = train(recipe, weights, x, y, counts=counts, seeds=SEEDS)
    rows = [2, 0]
    apart = train(recipe, [w[rows] for w in weights], x[rows], y[rows], counts=counts[rows], seeds=[7, 5])
    for a, b in zip(apart.weights, together.weights, strict=True):
        torch.testing.assert_close(a, b[rows], rtol=1e-12, atol=1e-12)


def test_samples_beyond_the_count_are_not_seen() -> None:
    recipe = Recipe(MODELS[1], torch.optim.SGD, {"lr": 0.05}, STEPS, batch=2)
    weights, x, y = problem(recipe.model)
    counts = torch.tensor([1, 2, 5, 9])
    before = train(recipe, weights, x, y, counts=counts, seeds=SEEDS)
    x[torch.arange(N) >= counts[:, None]] = 1e200
    after = train(recipe, weights, x, y, counts=counts, seeds=SEEDS)
    assert all(bool((a == b).all()) for a, b in zip(before.weights, after.weights, strict=True))


@pytest.mark.parametrize("way", [train, train_one_by_one])
@pytest.mark.parametrize("counts", [[0, 9, 0, 3], [0, 0, 0, 0]])
def test_without_samples_nothing_happens(way: Any, counts: list[int]) -> None:
    recipe = Recipe(MODELS[1], torch.optim.SGD, {"lr": 0.05, "weight_decay": 0.1}, STEPS, l1=0.1)
    weights, x, y = problem(recipe.model)
    trained = way(recipe, weights, x, y, counts=torch.tensor(counts))
    for r, count in enumerate(counts):
        assert all(bool((a[r] == w[r]).all()) == (count == 0) for a, w in zip(trained.weights, weights, strict=True))
        assert (int(trained.steps[r]), float(trained.loss[r]) > 0) == ((STEPS, True) if count else (0, False))
    none = way(recipe, weights, x[:, :0], y[:, :0])
    assert none.steps.tolist() == [0] * R


@pytest.mark.parametrize("way", [train, train_one_by_one])
def test_divergence_stays_alone_and_ends_early(way: Any) -> None:
    recipe = Recipe(FullyConnected((D, 5, 1), "square"), torch.optim.SGD, {"lr": 1e-3}, 100, patience=20)
    weights, x, y = problem(recipe.model)
    alone = way(recipe, weights, x, y)
    trained = way(recipe, weights, x, y, rates=torch.tensor([1e-3, 1e3, 1e-3, 1e-3], dtype=torch.float64))
    assert trained.loss.isfinite().tolist() == [True, False, True, True]
    assert trained.steps.tolist() == [100, 20, 100, 100]
    assert not all(bool(w[1].isfinite().all()) for w in trained.weights)
    for a, b in zip(alone.weights, trained.weights, strict=True):
        torch.testing.assert_close(a[[0, 2, 3]], b[[0, 2, 3]], rtol=1e-10, atol=1e-12)


def test_an_infinite_weight_that_the_loss_does_not_see_is_divergence() -> None:
    recipe = Recipe(FullyConnected((D, 2, 1), "relu"), torch.optim.SGD, {"lr": 0.1}, 0)
    weights, x, y = problem(recipe.model)
    weights[1][2, 0] = -torch.inf  # a bias that shuts its unit off
    for way in (train, train_one_by_one):
        assert way(recipe, weights, x, y).loss.isfinite().tolist() == [True, True, False, True]


def test_the_given_tensors_are_not_modified() -> None:
    recipe = Recipe(MODELS[1], torch.optim.SGD, {"lr": 0.05}, STEPS)
    weights, x, y = problem(recipe.model)
    copies = [t.clone() for t in (*weights, x, y)]
    for way in (train, train_one_by_one):
        way(recipe, weights, x, y, counts=torch.tensor([1, 2, 3, 4]))
        assert all(bool((t == c).all()) for t, c in zip((*weights, x, y), copies, strict=True))


@pytest.mark.parametrize("group", [1, 3 * (5 * D + 5 + 5 + N * D) * 8])
def test_groups_do_not_show(group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = replicas.train_stack
    monkeypatch.setattr(replicas, "GROUP_BYTES", group)
    monkeypatch.setattr(replicas, "train_stack", lambda r, p, b: sizes.append(len(p.x)) or real(r, p, b))
    recipe = Recipe(MODELS[1], torch.optim.Adam, {"lr": 0.02}, STEPS, batch=4)
    assert_same(recipe, rates=torch.tensor([0.01, 0.1, 0.003, 0.05]), seeds=SEEDS, counts=torch.tensor([9, 3, 6, 7]))
    assert sizes == ([1] * R if group == 1 else [3, 1])


class Twice(torch.optim.SGD):
    """A user's optimizer: a subclass may do anything."""

    def step(self, closure: Any = None) -> Any:
        super().step(closure)
        return super().step(closure)


PLAIN = [
    (torch.optim.SGD, {"lr": 1e-3, "maximize": True}),
    (torch.optim.SGD, {"lr": torch.tensor(0.02)}),
    (torch.optim.Adam, {"lr": 0.02, "amsgrad": True}),
    (torch.optim.Adam, {"lr": 0.02, "foreach": True}),
    (torch.optim.LBFGS, {"lr": 0.5, "max_iter": 3, "line_search_fn": "strong_wolfe"}),
    *([(torch.optim.Muon, {"lr": 0.02})] if hasattr(torch.optim, "Muon") else []),
    (torch.optim.RMSprop, {"lr": 0.02}),
    (Twice, {"lr": 0.02}),
]


@pytest.mark.parametrize(("optimizer", "options"), PLAIN, ids=str)
def test_what_has_no_batched_rule_runs_in_the_plain_loop(
    optimizer: Any, options: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "train_stack", lambda *_: pytest.fail("batched"))
    recipe = Recipe(MODELS[2], optimizer, options, 5, l1=0.01)
    weights, x, y = problem(recipe.model)
    trained = train(recipe, weights, x, y)
    for i in range(R):  # the leaves are plain matrices: Muon refuses others
        leaves = [w[i].clone().requires_grad_() for w in weights]
        real = optimizer(leaves, **options)

        def closure(leaves: list[Tensor] = leaves, real: Any = real, i: int = i) -> Tensor:
            real.zero_grad()
            outputs = leaves[1] @ torch.tanh(leaves[0] @ x[i].T)
            loss = ((outputs - y[i]) ** 2).mean() + 0.01 * sum(leaf.abs().sum() for leaf in leaves)
            loss.backward()
            return loss

        for _ in range(5):
            real.step(closure)
        for leaf, w in zip(leaves, trained.weights, strict=True):
            torch.testing.assert_close(w[i], leaf.detach(), rtol=1e-10, atol=1e-10)


def test_the_plain_loop_stops_and_masks() -> None:
    recipe = Recipe(MODELS[2], torch.optim.LBFGS, {"lr": 1.0}, 50, tolerance=1e-3, patience=5)
    weights, x, y = problem(recipe.model)
    trained = train(recipe, weights, x, y, counts=torch.tensor([1, 2, 3, 3]))
    assert trained.steps.tolist() == [5, 5, 5, 5]
    assert (trained.loss <= 1e-3).all()


def test_no_model_but_those_of_learners_is_needed() -> None:
    class Quadratic:
        shapes = ((D, D),)

        def initial(self, count: int, generator: torch.Generator, dtype: torch.dtype) -> list[Tensor]:
            raise AssertionError("training starts from given weights")

        def __call__(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
            return torch.einsum("rni,rij,rnj->rn", x, weights[0], x)

    assert_same(Recipe(Quadratic(), torch.optim.SGD, {"lr": 0.003}, STEPS))


def test_nothing_waits_for_the_device_between_looks() -> None:
    class Waits(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = str(function)
            self.count += any(part in name for part in ("_local_scalar_dense", "nonzero", "_to_copy", "is_nonzero"))
            return function(*args, **(kwargs or {}))

    counts = []
    for steps in (1, 30):
        recipe = Recipe(MODELS[1], torch.optim.Adam, {"lr": 0.02}, steps, batch=4, l1=0.01, patience=steps)
        weights, x, y = problem(recipe.model)
        with Waits() as waits:
            train(recipe, weights, x, y, seeds=SEEDS, counts=torch.tensor([9, 3, 6, 7]))
        counts.append(waits.count)
    assert counts[0] == counts[1] > 0


GOOD: dict[str, Any] = {"model": MODELS[1], "optimizer": torch.optim.SGD, "options": {"lr": 0.1}, "steps": 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", torch.relu),
        ("optimizer", "SGD"),
        ("optimizer", torch.optim.SGD([torch.zeros(1)], lr=0.1)),
        ("options", None),
        ("steps", -1),
        ("loss", "hinge"),
        ("batch", 0),
        ("l1", -1.0),
        ("l1", float("nan")),
        ("tolerance", -1e-3),
        ("patience", 0),
    ],
)
def test_bad_recipes(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got"):
        Recipe(**{**GOOD, name: value})


@pytest.mark.parametrize("way", [train, train_one_by_one])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("x", lambda w, x, y: {"x": x[0]}),
        ("x", lambda w, x, y: {"x": x[:, :, 1:]}),
        ("x", lambda w, x, y: {"x": x[:0]}),
        ("x", lambda w, x, y: {"x": x.long()}),
        ("x", lambda w, x, y: {"x": x / 0}),
        ("y", lambda w, x, y: {"y": y[:, 1:]}),
        ("y", lambda w, x, y: {"y": y.float()}),
        ("y", lambda w, x, y: {"y": y * torch.nan}),
        ("y", lambda w, x, y: {"y": 2 * y}),
        ("weights", lambda w, x, y: {"weights": w[:2]}),
        (r"weights\[1\]", lambda w, x, y: {"weights": [w[0], w[1][1:], w[2]]}),
        (r"weights\[0\]", lambda w, x, y: {"weights": [w[0].float(), *w[1:]]}),
        ("rates", lambda w, x, y: {"rates": torch.ones(R + 1)}),
        ("rates", lambda w, x, y: {"rates": -torch.ones(R)}),
        ("rates", lambda w, x, y: {"rates": 0.1}),
        ("counts", lambda w, x, y: {"counts": torch.full((R,), N + 1)}),
        ("counts", lambda w, x, y: {"counts": torch.full((R,), -1)}),
        ("counts", lambda w, x, y: {"counts": torch.ones(R)}),
        ("counts", lambda w, x, y: {"counts": [1] * R}),
        ("seeds", lambda w, x, y: {"seeds": None}),
        ("seeds", lambda w, x, y: {"seeds": [1]}),
        (r"seeds\[3\]", lambda w, x, y: {"seeds": [1, 2, 3, -1]}),
    ],
)
def test_bad_arguments(way: Any, name: str, change: Any) -> None:
    recipe = Recipe(**GOOD, loss="logistic", batch=2)
    weights, x, y = problem(recipe.model)
    given = {"weights": weights, "x": x, "y": y, "seeds": SEEDS, **change(weights, x, y)}
    with pytest.raises(ValueError, match=f"^{name}: got"):
        way(recipe, **given)


def test_torch_refuses_wrong_options() -> None:
    weights, x, y = problem(MODELS[1])
    with pytest.raises(ValueError, match="momentum"):
        train(dataclasses.replace(Recipe(**GOOD), options={"lr": 0.1, "momentum": -1}), weights, x, y)


@pytest.mark.parametrize("way", [train, train_one_by_one])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.LBFGS])
def test_unknown_options_are_named(way: Any, optimizer: Any) -> None:
    weights, x, y = problem(MODELS[1])
    recipe = Recipe(MODELS[1], optimizer, {"lrr": 1}, 1)
    with pytest.raises(ValueError, match=rf"^options: got {{'lrr': 1}}, want ones that {optimizer.__name__} takes \("):
        way(recipe, weights, x, y)
