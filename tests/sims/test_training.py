"""One run of Algorithm 1: held against steps by hand, and every hook, closure and generator at its place."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn, optim

from sims.networks import Elementwise, fully_connected
from sims.training import Hook, Trace, Training, UpdateRule, checkpoints, first_layer, initial

RNG = np.random.default_rng(3)
X, TESTS = (torch.from_numpy(RNG.standard_normal((n, 3))) for n in (5, 4))
Y = torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0])
LINE = partial(fully_connected, (3, 1), bias=False)
NET = partial(fully_connected, (3, 4, 1))


def rule(build=optim.SGD, closure: str = "none", **options) -> UpdateRule:
    return UpdateRule(lambda module: build(module.parameters(), **{"lr": 0.1, **options}), closure)


def start(network=NET) -> dict[str, Tensor]:
    return initial(network(), torch.Generator().manual_seed(0))


def run(training: Training, **options) -> Trace:
    return training.run(start(training.network), X, Y, TESTS, **options)


def by_hand(batches: list[list[int]]) -> Tensor:
    """Gradient descent on a line, with the gradient of the mean square written out."""
    w = start(LINE)["0.weight"].clone()
    for rows in batches:
        x, y = X[rows], Y[rows].double()
        w -= 0.1 * 2 * ((x @ w.T).flatten() - y) @ x / len(rows)
    return w


@pytest.mark.parametrize(
    ("batch", "accumulate", "batches"),
    [
        (None, 1, [[0, 1, 2, 3, 4]] * 3),
        (5, 2, [[0, 1, 2, 3, 4]] * 3),
        (2, 1, [[0, 1], [2, 3], [4, 0]]),
        (4, 1, [[0, 1, 2, 3], [4, 0, 1, 2], [3, 4, 0, 1]]),
        (1, 2, [[0, 1], [2, 3], [4, 0]]),
        (2, 2, [[0, 1, 2, 3], [4, 0, 1, 2], [3, 4, 0, 1]]),
        (7, 1, [[0, 1, 2, 3, 4, 0, 1], [2, 3, 4, 0, 1, 2, 3], [4, 0, 1, 2, 3, 4, 0]]),
    ],
)
def test_batches_go_round_and_accumulated_gradients_are_their_mean(
    batch: int | None, accumulate: int, batches: list[list[int]]
) -> None:
    trace = run(Training(LINE, rule(), 3, batch=batch, accumulate=accumulate))
    assert torch.allclose(trace.weights[-1]["0.weight"], by_hand(batches), rtol=0, atol=1e-14)
    assert torch.allclose(trace.outputs[-1], (TESTS @ by_hand(batches).T).flatten(), rtol=0, atol=1e-14)
    assert trace.gradients == 3


def test_the_logistic_loss_is_another_one() -> None:
    w = start(LINE)["0.weight"]
    y = Y.double()
    slope = -y * torch.sigmoid(-y * (X @ w.T).flatten())
    trace = run(Training(LINE, rule(), 1, "logistic"))
    assert torch.allclose(trace.weights[-1]["0.weight"], w - 0.1 * slope @ X / 5, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("steps", "marks"),
    [(0, (0,)), (1, (0, 1)), (2, (0, 1, 2)), (4, (0, 1, 2, 3, 4)), (8, (0, 1, 2, 3, 5, 8))],
)
def test_checkpoints_hold_the_first_and_the_last(steps: int, marks: tuple[int, ...]) -> None:
    assert checkpoints(steps) == marks
    trace = run(Training(NET, rule(), steps))
    assert len(trace.outputs) == len(trace.weights) == len(marks)
    assert trace.outputs.dtype == torch.float64


def test_a_checkpoint_shows_what_a_shorter_run_ends_with() -> None:
    long, short = (run(Training(NET, rule(momentum=0.9), steps)) for steps in (8, 3))
    assert torch.equal(long.outputs[3], short.outputs[-1])
    assert all(torch.equal(long.weights[3][n], w) for n, w in short.weights[-1].items())
    assert not torch.equal(long.outputs[3], long.outputs[4])


def test_the_start_is_loaded_and_left_alone() -> None:
    weights = start()
    copies = {n: w.clone() for n, w in weights.items()}
    trace = Training(NET, rule(), 3).run(weights, X, Y, TESTS)
    assert all(torch.equal(weights[n], w) and torch.equal(trace.weights[0][n], w) for n, w in copies.items())
    assert not torch.equal(trace.weights[-1]["0.weight"], copies["0.weight"])


def test_the_precision_is_that_of_all_the_run() -> None:
    double, single = (run(Training(NET, rule(), 5), dtype=t) for t in (torch.float64, torch.float32))
    assert single.outputs.dtype == torch.float64
    assert torch.equal(single.outputs, single.outputs.float().double())
    assert not torch.equal(double.outputs, double.outputs.float().double())
    assert torch.allclose(double.outputs, single.outputs, rtol=0, atol=1e-5)


class Asking(optim.SGD):
    """Says what its closure gave it."""

    seen: tuple[float | None, bool]

    @torch.no_grad()
    def step(self, closure=None):
        before = [p.grad is not None for p in self.param_groups[0]["params"]]
        loss = None if closure is None else float(closure())
        Asking.seen = loss, all(before)
        super().step()
        return loss


@pytest.mark.parametrize(
    ("closure", "loss", "gradients"), [("none", False, True), ("loss", True, True), ("backward", True, False)]
)
def test_gradients_are_there_before_the_step_unless_the_closure_computes_them(
    closure: str, loss: bool, gradients: bool
) -> None:
    run(Training(NET, rule(Asking, closure), 1))
    assert (Asking.seen[0] is not None, Asking.seen[1]) == (loss, gradients)


def test_a_backward_closure_computes_the_gradients_as_often_as_it_is_called() -> None:
    plain = run(Training(NET, rule(Asking), 4))
    inside = run(Training(NET, rule(Asking, "backward"), 4))
    assert torch.equal(plain.outputs, inside.outputs)
    searching = run(Training(NET, rule(optim.LBFGS, "backward", max_iter=4), 4))
    assert plain.gradients == inside.gradients == 4 < searching.gradients


def test_the_loss_that_closures_return_is_that_of_all_batches() -> None:
    run(Training(LINE, rule(Asking, "backward"), 1, batch=1, accumulate=5))
    w = start(LINE)["0.weight"]
    assert Asking.seen[0] == pytest.approx(float((((X @ w.T).flatten() - Y) ** 2).mean()), rel=1e-12)


def test_gradients_keep_their_graph_if_wanted() -> None:
    seen = []

    class Twice(optim.SGD):
        def step(self, closure=None):
            seen.append(self.param_groups[0]["params"][0].grad.requires_grad)
            return super().step()

    for graph in (False, True):
        run(Training(NET, UpdateRule(lambda m: Twice(m.parameters(), lr=0.1), "none", graph), 2))
    assert seen == [False, False, True, True]


class Recording(Hook):
    """Writes down who is called when."""

    log: list[str]

    def __init__(self, module: nn.Module, optimizer: optim.Optimizer, x: Tensor) -> None:
        self.scale = x.abs().max()

    def inputs(self, x: Tensor) -> Tensor:
        Recording.log.append(f"inputs {len(x)}")
        return x / self.scale

    def penalty(self, module: nn.Module) -> Tensor:
        Recording.log.append("penalty")
        return module[0].weight.square().sum()

    def on_gradients(self, module: nn.Module) -> None:
        Recording.log.append("gradients")

    def after_step(self, module: nn.Module) -> None:
        Recording.log.append("after")

    def predictor(self, module: nn.Module) -> nn.Module:
        Recording.log.append("predictor")
        return module


def test_hooks_are_called_in_their_order() -> None:
    Recording.log = []
    run(Training(LINE, rule(), 2, features=(Recording,)))
    step = ["penalty", "gradients", "after", "predictor"]
    assert Recording.log == ["inputs 5", "inputs 4", "predictor", *step, *step]


def test_a_penalty_is_added_once_however_many_batches_are_accumulated() -> None:
    Recording.log = []
    traces = [run(Training(LINE, rule(), 1, batch=b, accumulate=a, features=(Recording,))) for a, b in ((1, 5), (5, 1))]
    x, w = X / X.abs().max(), start(LINE)["0.weight"]
    gradient = 2 * ((x @ w.T).flatten() - Y) @ x / 5 + 2 * w
    for trace in traces:
        assert torch.allclose(trace.weights[-1]["0.weight"], w - 0.1 * gradient, rtol=0, atol=1e-13)
        assert torch.allclose(trace.outputs[0], TESTS @ w[0] / X.abs().max(), rtol=0, atol=1e-14)


def test_later_features_see_the_points_of_earlier_ones() -> None:
    Recording.log = []
    once, twice = (run(Training(LINE, rule(), 0, features=(Recording,) * k)) for k in (1, 2))
    assert torch.allclose(once.outputs, twice.outputs, rtol=0, atol=1e-14)  # the second divides by 1


def test_modules_and_optimizers_are_told_whether_they_train_or_predict() -> None:
    calls = []

    class Two(optim.SGD):
        def train(self):
            calls.append("train")

        def eval(self):
            calls.append("eval")

    network = partial(fully_connected, (3, 4, 1), after_activation=lambda _: nn.Dropout(0.5))
    trace = run(Training(network, rule(Two), 2))
    assert [c for i, c in enumerate(calls) if i == 0 or c != calls[i - 1]] == ["eval", "train", "eval", "train", "eval"]
    still = run(Training(network, rule(), 0))
    assert torch.equal(still.outputs, run(Training(NET, rule(), 0)).outputs)  # nothing dropped when predicting
    assert trace.random
    assert not still.random


@pytest.mark.parametrize(
    ("draw", "random_"),
    [
        (lambda: torch.rand(()), True),
        (np.random.random, True),
        (np.random.standard_normal, True),
        (random.random, True),
        (lambda: torch.rand((), generator=torch.Generator().manual_seed(1)), False),
        (lambda: 0.5, False),
    ],
)
def test_draws_from_global_generators_are_seen_and_seeded(draw, random_: bool) -> None:
    class Drawing(optim.SGD):
        def step(self, closure=None):
            self.param_groups[0]["lr"] = 0.1 * float(draw())
            return super().step()

    training, weights = Training(NET, rule(Drawing), 3), start()
    outside = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    a, b, c = (training.run(weights, X, Y, TESTS, seed=seed) for seed in (1, 1, 2))
    assert a.random is b.random is random_
    assert torch.equal(a.outputs, b.outputs)
    assert torch.equal(a.outputs, c.outputs) is not random_
    assert torch.equal(torch.get_rng_state(), outside[0])
    assert np.random.get_state()[1].tolist() == outside[1]  # noqa: NPY002
    assert random.getstate() == outside[2]


def test_building_the_module_does_not_count_as_a_draw() -> None:
    assert not run(Training(NET, rule(), 2)).random


def test_generators_are_put_back_after_an_error() -> None:
    class Failing(optim.SGD):
        def step(self, closure=None):
            np.random.random()  # noqa: NPY002
            random.random()
            raise RuntimeError("no step")

    outside = np.random.get_state()[1].tolist(), np.random.get_state()[2], random.getstate()  # noqa: NPY002
    with pytest.raises(RuntimeError, match="no step"):
        run(Training(NET, rule(Failing), 2))
    assert (np.random.get_state()[1].tolist(), np.random.get_state()[2], random.getstate()) == outside  # noqa: NPY002


@pytest.mark.parametrize("closure", ["none", "loss", "backward"])
def test_the_context_is_around_the_optimizers_own_code_and_nothing_else(closure: str) -> None:
    state, seen = {"inside": 0, "entered": 0}, []

    @contextmanager
    def around() -> Iterator[None]:
        state["inside"], state["entered"] = 1, state["entered"] + 1
        yield
        state["inside"] = 0

    class Looking(Asking):
        def step(self, closure=None):
            seen.append(state["inside"])
            return super().step(closure)

    class Outside(Hook):
        def __init__(self, module: nn.Module, optimizer: optim.Optimizer, x: Tensor) -> None: ...

        def after_step(self, module: nn.Module) -> None:
            seen.append(state["inside"])

    run(Training(NET, rule(Looking, closure), 3, features=(Outside,)), around=around)
    assert seen == [1, 0] * 3
    assert state["entered"] == 4  # once to build the optimizer


@pytest.mark.parametrize("size", [1e-6, 1e-3])
def test_the_drift_has_the_wanted_share_of_the_step(size: float) -> None:
    plain, drifted = (run(Training(NET, rule(), 1), drift=d) for d in (0.0, size))
    for name, before in plain.weights[0].items():
        step = (plain.weights[1][name] - before).norm()
        astray = (drifted.weights[1][name] - plain.weights[1][name]).norm()
        assert float(astray / step) == pytest.approx(size, rel=1e-6)


def test_the_drift_goes_along_a_direction_that_no_element_keeps() -> None:
    plain, drifted = (run(Training(NET, rule(), 1), drift=d) for d in (0.0, 0.1))
    w = (drifted.weights[1]["0.weight"] - plain.weights[1]["0.weight"]).numpy()
    for g in (-np.eye(3), np.diag([1, 1, -1]), np.eye(3)[[1, 2, 0]], np.eye(3)[[1, 0, 2]]):
        assert np.abs(w @ g - w).max() > 0.1 * np.abs(w).max()
    assert np.abs(w - w.mean(axis=1, keepdims=True)).max() > 0.1 * np.abs(w).max()
    assert np.linalg.matrix_rank(w) > 1


def test_nothing_drifts_where_nothing_moves() -> None:
    still = run(Training(NET, rule(lr=0.0), 3), drift=1.0)
    assert torch.equal(still.outputs[0], still.outputs[-1])


def test_runs_of_a_small_net_leave_the_number_of_threads_as_it_was() -> None:
    before, inside = torch.get_num_threads(), []

    class Counting(optim.SGD):
        def step(self, closure=None):
            inside.append(torch.get_num_threads())
            return super().step()

    torch.set_num_threads(2)
    try:
        run(Training(NET, rule(Counting), 1))
        assert (inside, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


def test_the_first_linear_layer_is_found_wherever_it_is() -> None:
    assert first_layer(nn.Linear(3, 1)) == "weight"
    assert first_layer(nn.Sequential(nn.LayerNorm(3), nn.Sequential(nn.Linear(3, 2)), nn.Linear(2, 1))) == "1.0.weight"
    with pytest.raises(ValueError, match=r"module: got Sequential without an nn.Linear, want a fully-connected"):
        first_layer(nn.Sequential(nn.Conv1d(1, 1, 3)))


def test_first_weights_are_generic() -> None:
    network = partial(fully_connected, (50, 40, 1), after_first=nn.LayerNorm)
    weights = initial(network(), torch.Generator().manual_seed(1))
    assert float(weights["0.weight"].std()) == pytest.approx(50**-0.5, rel=0.1)
    assert float(weights["1.weight"].mean()) == pytest.approx(1, abs=0.05)
    assert float(weights["1.bias"].mean()) == pytest.approx(0, abs=0.05)
    assert all(w.dtype == torch.float64 and (w != 0).all() for w in weights.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": -1}, "steps: got -1"),
        ({"steps": 2.0}, "steps: got 2.0"),
        ({"accumulate": 0}, "accumulate: got 0"),
        ({"batch": 0}, "batch: got 0"),
        ({"batch": True}, "batch: got True"),
        ({"loss": "hinge"}, "loss: got 'hinge', want one of square, logistic"),
    ],
)
def test_bad_settings_are_refused_by_name(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Training(NET, rule(), **{"steps": 1, **options})


def test_an_unknown_closure_is_refused() -> None:
    with pytest.raises(ValueError, match="closure: got 'twice', want one of none, loss, backward"):
        UpdateRule(lambda m: optim.SGD(m.parameters()), "twice")


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ((3,), r"widths: got \(3,\)"),
        ((3, 2), "that ends in 1"),
        ((0, 1), r"widths\[0\]: got 0"),
    ],
)
def test_bad_nets_are_refused(widths: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fully_connected(widths)


def test_layers_are_put_where_they_belong() -> None:
    kinds = [type(m) for m in fully_connected((3, 4, 5, 1), on_inputs=nn.LayerNorm, after_first=nn.BatchNorm1d)]
    act = Elementwise
    assert kinds == [nn.LayerNorm, nn.Linear, nn.BatchNorm1d, act, nn.Linear, act, nn.Linear]
    with pytest.raises(ValueError, match="want a hidden layer for what comes after it"):
        fully_connected((3, 1), after_first=nn.LayerNorm)
    with pytest.raises(ValueError, match="activation: got 'gelu'"):
        Elementwise("gelu")
