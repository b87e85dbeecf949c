"""Every optimizer of both packages is built and stepped, or left out with a reason; users' errors are one line."""

import inspect
import pickle
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import nn

from sims.training import Training, UpdateRule, initial
from verify import adapters
from verify.adapters import AdapterError, defaults, rule, third_party, unavailable, warmed, zoo
from verify.adapters_table import ADAPTERS, key

ZOO = zoo()
OURS = [name for name in ZOO if name.startswith("torch.optim:")]
THEIRS = [name for name in ZOO if not name.startswith("torch.optim:")]
needs_package = pytest.mark.skipif(find_spec("pytorch_optimizer") is None, reason="pytorch-optimizer is not installed")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(made: UpdateRule, steps: int = 3, dtype: torch.dtype = torch.float64, **options: Any) -> list[torch.Tensor]:
    """The weights after each of the first steps."""

    def network() -> nn.Module:
        bias = not made.matrices_only
        return nn.Sequential(nn.Linear(4, 6, bias=bias), nn.Tanh(), nn.Linear(6, 1, bias=bias))

    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    y = torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
    trace = Training(network, made, steps, **options).run(initial(network(), generator), x, y, x, dtype=dtype)
    assert trace.outputs.isfinite().all()
    return [torch.cat([p.flatten() for p in weights.values()]) for weights in trace.weights]


WAIT = 12
"""Steps after which the last one of the zoo, AdaShift, moves."""


# SaRA by default only trains weights below a threshold, and none of these is
@pytest.mark.parametrize("name", ZOO)
def test_every_optimizer_of_the_zoo_moves_the_weights_in_both_precisions(name: str) -> None:
    made = rule(ZOO[name], {"threshold": 10.0, "lr": 0.01} if name.endswith(":SaRA") else {})
    double, single = (train(made, WAIT, dtype) for dtype in (torch.float64, torch.float32))
    assert (double[-1] != double[0]).any()
    assert (single[-1] != single[0]).any() or name.endswith(":TRAC")  # starts with steps of relative size 1e-8
    assert pickle.loads(pickle.dumps(made)).closure == made.closure  # noqa: S301


def test_nothing_in_torch_optim_is_forgotten() -> None:
    named = {n for n, c in vars(torch.optim).items() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer)}
    assert named == {
        n.removeprefix("torch.optim:") for n in [*OURS, *(u.name for u in unavailable())] if "torch" in n[:6]
    }


@needs_package
def test_nothing_in_pytorch_optimizer_is_forgotten() -> None:
    package = sys.modules["pytorch_optimizer"]
    classes = [c for c in vars(package).values() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer)]
    assert {key(c) for c in classes} <= {*ZOO, *(u.name for u in unavailable())}
    assert list(third_party()) == THEIRS


@needs_package
def test_the_table_knows_no_optimizer_that_does_not_exist() -> None:
    assert set(ADAPTERS) <= set(ZOO)
    assert not {u.name for u in unavailable()} & set(ZOO)


@needs_package
@pytest.mark.parametrize("left_out", unavailable(), ids=lambda u: u.name)
def test_what_is_left_out_exists_and_has_a_reason(left_out: adapters.Unavailable) -> None:
    package, name = left_out.name.split(":")
    optimizer = getattr(torch.optim if package == "torch.optim" else sys.modules[package], name)
    with pytest.raises(AdapterError, match=left_out.reason[:20]):
        rule(optimizer)


def test_without_the_package_there_is_torch_and_an_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    assert list(zoo()) == OURS
    with pytest.raises(AdapterError, match=r"pip install 'orbitgap\[atlas\]'"):
        third_party()


class Halves(torch.optim.Optimizer):
    """A user's own optimizer; it insists on a setting, on a learning rate, and on a name of its own for the weights."""

    def __init__(self, weights: Any, lr: float, *, power: int) -> None:
        super().__init__(weights, {"lr": lr, "power": power})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                p -= group["lr"] * 2.0 ** -group["power"] * p.grad


def test_a_users_own_optimizer_works_and_gets_a_learning_rate() -> None:
    own, plain = train(rule(Halves, {"power": 1})), train(rule(torch.optim.SGD, {"lr": 0.005}))
    assert torch.allclose(own[-1], plain[-1], rtol=0, atol=1e-15)
    assert defaults(Halves) == {"lr": 0.01}


def test_missing_settings_are_asked_for() -> None:
    with pytest.raises(AdapterError, match=r"^Halves: got no value for power, want --set power=VALUE$"):
        rule(Halves)


def test_unknown_settings_are_refused_and_the_known_ones_listed() -> None:
    with pytest.raises(AdapterError, match=r"^Halves: got the unknown setting 'powr', want one of lr, power$"):
        rule(Halves, {"powr": 1})


@needs_package
@pytest.mark.parametrize("name", ["Lion", "Lookahead", "SAM"])
def test_settings_that_a_constructor_would_swallow_are_refused(name: str) -> None:
    with pytest.raises(AdapterError, match="unknown setting 'momentun'"):
        rule(ZOO[f"pytorch_optimizer:{name}"], {"momentun": 0.9})


@pytest.mark.parametrize("thing", [nn.Linear, torch.optim.lr_scheduler.StepLR, "Adam", None])
def test_what_is_no_optimizer_class_is_refused(thing: Any) -> None:
    for use in (rule, defaults, warmed):
        with pytest.raises(AdapterError, match="want a class with step, zero_grad and param_groups"):
            use(thing)


def test_a_setting_out_of_range_shows_at_once_in_one_line() -> None:
    with pytest.raises(AdapterError, match="Invalid learning rate: -1") as caught:
        rule(torch.optim.Adam, {"lr": -1})
    assert "\n" not in str(caught.value)


class Counting(torch.optim.LBFGS):
    calls: list[int] = []  # noqa: RUF012  one for the class, for the rule makes the instances

    def step(self, closure: Any) -> Any:  # type: ignore[override]
        def counted() -> Any:
            self.calls[-1] += 1
            return closure()

        self.calls.append(0)
        return super().step(counted)


def test_lbfgs_calls_its_closure_many_times() -> None:
    made = rule(Counting, {"lr": 0.1})
    Counting.calls.clear()
    train(made)
    assert made.closure == "backward"
    assert len(Counting.calls) == 3
    assert min(Counting.calls) > 3


def test_the_closures_are_what_step_insists_on() -> None:
    for name in OURS:
        closure = inspect.signature(ZOO[name].step).parameters["closure"]
        assert rule(ZOO[name]).closure == ("backward" if closure.default is closure.empty else "none")


@needs_package
def test_the_other_closures_and_graphs() -> None:
    rules = {name.split(":")[1]: rule(ZOO[name]) for name in THEIRS}
    sharp = {"BSAM", "FriendlySAM", "GSAM", "LookSAM", "SAM", "WSAM"}
    assert {n for n, r in rules.items() if r.closure == "backward"} == sharp
    assert {n for n, r in rules.items() if r.closure == "loss"} == {"AliG"}
    assert {n for n, r in rules.items() if r.create_graph} == {"AdaHessian", "SophiaH"}
    assert {n for n, r in rules.items() if r.matrices_only} == {"SpectralSphere"}


@needs_package
@pytest.mark.parametrize("name", ["SAM", "FriendlySAM", "LookSAM", "GSAM", "WSAM"])
def test_sharpness_aware_steps_do_look_around(name: str) -> None:
    """Without the gradients first, their first perturbation would be zero, and they the optimizer inside."""
    plain = train(rule(torch.optim.SGD, {"lr": 0.1}))
    assert (train(rule(ZOO[f"pytorch_optimizer:{name}"], {"lr": 0.1}))[1] - plain[1]).abs().max() > 1e-4


@needs_package
@pytest.mark.parametrize("name", ["Lookahead", "OrthoGrad", "SAM", "ScheduleFreeWrapper"])
def test_wrappers_take_the_settings_and_the_class_of_the_optimizer_inside(name: str) -> None:
    optimizer = ZOO[f"pytorch_optimizer:{name}"]
    base = "base_optimizer" if name == "SAM" else "optimizer"
    assert defaults(optimizer)[base] is torch.optim.SGD
    slow, fast = (train(rule(optimizer, {"lr": lr})) for lr in (0.01, 0.1))
    adam = train(rule(optimizer, {"lr": 0.01, base: torch.optim.Adam}))
    assert (slow[1] - slow[0]).norm() < (fast[1] - fast[0]).norm()
    assert (slow[1] - adam[1]).abs().max() > 1e-3


@needs_package
def test_updates_within_backward_are_those_of_gradient_descent_on_what_training_asks_for() -> None:
    """LOMO is SGD in single precision, with averaged gradients as with others."""
    options: dict[str, Any] = {"batch": 2, "accumulate": 3}
    fused = train(rule(ZOO["pytorch_optimizer:LOMO"], {"lr": 0.1}), **options)
    plain = train(rule(torch.optim.SGD, {"lr": 0.1}), **options)
    assert (fused[-1] - plain[-1]).abs().max() < 1e-6
    clipped = train(rule(ZOO["pytorch_optimizer:LOMO"], {"lr": 0.1, "clip_grad_norm": 0.01}), **options)
    assert float((clipped[1] - clipped[0]).norm()) == pytest.approx(0.1 * 0.01, rel=1e-3)


def test_sparse_adam_is_adam_where_no_gradient_vanishes() -> None:
    sparse, dense = (train(rule(c, {"lr": 0.1, "eps": 1e-30})) for c in (torch.optim.SparseAdam, torch.optim.Adam))
    assert torch.allclose(sparse[-1], dense[-1], rtol=0, atol=1e-12)


@needs_package
def test_low_rank_optimizers_are_not_left_to_be_plain_adamw() -> None:
    low, plain = (
        train(rule(ZOO["pytorch_optimizer:GaLore"], {"lr": 0.1, "rank": rank, "scale": 1.0})) for rank in (1, 4)
    )
    assert (low[-1] - plain[-1]).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["SGD", "Adam", "LBFGS", "Muon", "Adadelta", "RAdam"])
def test_warmed_settings_move_the_net_and_do_not_blow_it_up(name: str) -> None:
    optimizer = ZOO[f"torch.optim:{name}"]
    settings = warmed(optimizer)
    weights = train(rule(optimizer, settings), steps=50)
    assert (weights[-1] - weights[0]).norm() > 0.3
    assert weights[-1].abs().max() < 100
    assert settings == warmed(optimizer)
    assert warmed(optimizer, {"lr": 0.5}) == {"lr": 0.5}


@needs_package
@pytest.mark.parametrize("name", ["SaRA", "BSAM", "TRAC", "AliG", "AdaMod", "DAdaptAdan"])
def test_what_barely_moves_by_default_does_so_when_warmed(name: str) -> None:
    optimizer = ZOO[f"pytorch_optimizer:{name}"]
    weights = train(rule(optimizer, warmed(optimizer)), steps=50)
    assert (weights[-1] - weights[0]).norm() > 0.3


class Stuck(torch.optim.SGD):
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        pass


def test_no_learning_rate_is_made_up_for_an_optimizer_that_does_not_learn() -> None:
    with pytest.raises(AdapterError, match=r"^Stuck: got no lr with which it learns, want --set lr=VALUE$"):
        warmed(Stuck)
