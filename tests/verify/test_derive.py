"""Groups derived from optimizers' operations: what is found, what is not guessed, and that nothing false is claimed."""

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.dlpack import to_dlpack

from theory.groups import GROUPS
from verify import signature_rules, signature_tracker
from verify.derive import Build, Derivation, derive
from verify.signature_domains import Domain

FLIPS, PERMUTATIONS, SIGNED, ROTATIONS = "sign_flip", "permutation", "signed_permutation", "orthogonal"
BELOW = {
    "unknown": set(),
    FLIPS: {FLIPS},
    PERMUTATIONS: {PERMUTATIONS},
    SIGNED: {FLIPS, PERMUTATIONS, SIGNED},
    ROTATIONS: {FLIPS, PERMUTATIONS, SIGNED, ROTATIONS},
}


class Planted(torch.optim.Optimizer):
    """Gradient descent along what a function makes of parameter, gradient, own state and step."""

    def __init__(self, parameters: Any, direction: Callable[..., Tensor], lr: float = 0.05) -> None:
        super().__init__(parameters, {"lr": lr})
        self.direction, self.steps = direction, 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        loss = closure() if closure else None
        self.steps += 1
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(self.direction(p, p.grad, self.state[p], self.steps), alpha=group["lr"])
        return loss


def planted(direction: Callable[..., Tensor]) -> Build:
    return lambda module: Planted(module.parameters(), direction)


def stock(name: str, **options: Any) -> Build:
    return lambda module: getattr(torch.optim, name)(module.parameters(), **options)


STOCK: list[tuple[str, Build, str, dict[str, Any]]] = [
    ("SGD", stock("SGD", lr=0.1), ROTATIONS, {}),
    ("SGD momentum", stock("SGD", lr=0.1, momentum=0.9, dampening=0.1), ROTATIONS, {}),
    ("SGD nesterov", stock("SGD", lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1), ROTATIONS, {}),
    ("SGD foreach", stock("SGD", lr=0.1, momentum=0.9, foreach=True), ROTATIONS, {}),
    ("SGD closure", stock("SGD", lr=0.1), ROTATIONS, {"closure": "backward"}),
    ("SGD loss", stock("SGD", lr=0.1), ROTATIONS, {"closure": "loss"}),
    ("SGD graph", stock("SGD", lr=0.1), ROTATIONS, {"create_graph": True}),
    ("ASGD", stock("ASGD", lr=0.1), ROTATIONS, {}),
    ("Muon", stock("Muon", lr=0.01), ROTATIONS, {"matrices_only": True}),
    ("Adam", stock("Adam", lr=0.01), SIGNED, {}),
    ("Adam amsgrad", stock("Adam", lr=0.01, amsgrad=True), SIGNED, {}),
    ("Adam foreach", stock("Adam", lr=0.01, foreach=True), SIGNED, {}),
    ("AdamW", stock("AdamW", lr=0.01), SIGNED, {}),
    ("Adagrad", stock("Adagrad", lr=0.01), SIGNED, {}),
    ("RMSprop", stock("RMSprop", lr=0.01), SIGNED, {}),
    ("RMSprop centred", stock("RMSprop", lr=0.01, centered=True, momentum=0.9), SIGNED, {}),
    ("Adadelta", stock("Adadelta"), SIGNED, {}),
    ("Adamax", stock("Adamax", lr=0.01), SIGNED, {}),
    ("NAdam", stock("NAdam", lr=0.01), SIGNED, {}),
    ("RAdam", stock("RAdam", lr=0.01), SIGNED, {}),
    ("Rprop", stock("Rprop", lr=0.01), SIGNED, {}),
    ("Adafactor", stock("Adafactor", lr=0.01), SIGNED, {}),
    # It stops by the largest entry of the gradient and scales by the sum of moduli, so rotations are not kept.
    ("LBFGS", stock("LBFGS", lr=0.1, max_iter=3), SIGNED, {"closure": "backward", "steps": 8}),
]


def centred(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g - g.mean(-1, keepdim=True)


def per_coordinate(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * torch.arange(1, g.shape[-1] + 1, dtype=g.dtype)


def fixed_basis(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    if "basis" not in state:
        whole = torch.ones(g.shape[-1], g.shape[-1], dtype=g.dtype)
        state["basis"] = (whole.triu() - whole.tril()).matrix_exp()
    return (g @ state["basis"]).sign() @ state["basis"].T


def l1(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g + 0.1 * p.sign()


def clipped_norm(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * (0.1 / (g.norm() + 1e-6)).clamp(max=1.0)


def clipped_item(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * min(1.0, 0.1 / g.pow(2).sum().sqrt().item())


def clipped_value(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g.clamp(-0.01, 0.01)


def clipped_above(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g.clamp(max=0.01)


def normalised(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g / g.norm()


def row_normalised(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g / g.square().mean(-1, keepdim=True).sqrt()


def novograd(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    state["v"] = 0.9 * state.get("v", 0.0) + 0.1 * (g * g).sum()
    return g / (state["v"].sqrt() + 1e-8)


def projected(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g - (p * g).sum() / (p * p).sum() * p


def preconditioned(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    gram = state.get("gram", torch.eye(g.shape[-1], dtype=g.dtype))
    state["gram"] = gram + g.reshape(-1, g.shape[-1]).T @ g.reshape(-1, g.shape[-1])
    return g @ state["gram"].inverse()


def through_a_buffer(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    flat = torch.cat([g.reshape(-1), p.reshape(-1)])
    return flat[: g.numel()].view_as(g) * flat.dot(flat).rsqrt()


def with_data(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    p.data = p.data - 0.01 * g
    return g


def flattened(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    p.view(-1).add_(g.reshape(-1), alpha=-0.01)
    return g


def by_rows(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    p[:2].mul_(0.9)
    return g


def late_sign(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g.sign() if step > 20 else g


def sorted_values(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g.sort(dim=-1).values


def cumulative(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g.cumsum(-1)


def branching(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g if p.reshape(-1)[0].item() > 0 else 2 * g


def listed(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * float(g.tolist()[0] != 0)


def masked(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * len(g[g > 0])


def noisy(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g + 0.01 * torch.randn_like(g)


def numpy_noise(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * np.random.rand()  # noqa: NPY002


def python_noise(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * random.random()


def column(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    p.data[..., 0].mul_(2)
    return g


def diagonal_view(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    p.view(-1)[::6].mul_(2)
    return g


def through_numpy(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    p.detach().numpy()[..., 0] *= 2
    return g


def uninitialised(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g + 0 * torch.empty_like(g)


def made_outside(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return g * OUTSIDE[: g.shape[-1]]


def largest_of_two(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
    return torch.maximum(g, 0.1 * p)


OUTSIDE = torch.arange(1.0, 12.0, dtype=torch.float64)

PLANTED: list[tuple[Callable[..., Tensor], str]] = [
    (centred, PERMUTATIONS),
    (per_coordinate, FLIPS),
    (fixed_basis, "unknown"),
    (l1, SIGNED),
    (clipped_norm, ROTATIONS),
    (clipped_item, ROTATIONS),
    (clipped_value, SIGNED),
    (clipped_above, PERMUTATIONS),
    (normalised, ROTATIONS),
    (row_normalised, ROTATIONS),
    (novograd, ROTATIONS),
    (projected, ROTATIONS),
    (preconditioned, ROTATIONS),
    (through_a_buffer, ROTATIONS),
    (with_data, ROTATIONS),
    (flattened, ROTATIONS),
    (by_rows, ROTATIONS),
    (late_sign, SIGNED),
    (sorted_values, "unknown"),
    (cumulative, "unknown"),
    (branching, "unknown"),
    (listed, "unknown"),
    (masked, "unknown"),
    (noisy, "unknown"),
    (numpy_noise, "unknown"),
    (python_noise, "unknown"),
    (column, "unknown"),
    (diagonal_view, "unknown"),
    (through_numpy, "unknown"),
    (uninitialised, "unknown"),
    (made_outside, "unknown"),
    (largest_of_two, PERMUTATIONS),
]


def outputs(build: Build, element: Tensor, h: int, options: dict[str, Any]) -> Tensor:
    """What a net on moved data, from moved weights, gives at the moved data after 10 steps."""
    d, bias = len(element), not options.get("matrices_only", False)
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(d, h, bias), nn.Tanh(), nn.Linear(h, 3, bias), nn.Tanh(), nn.Linear(3, 1, bias))
    net, x, y = net.double(), torch.randn(9, d).double() @ element.T, torch.randn(9, 1).double()
    with torch.no_grad():
        net[0].weight.copy_(net[0].weight @ element.T)
    optimizer = build(net)

    def loss() -> Tensor:
        with torch.enable_grad():
            optimizer.zero_grad()
            value: Tensor = (net(x) - y).square().mean()
            value.backward()
        return value

    for _ in range(10):
        if options.get("closure", "none") == "backward":
            optimizer.step(loss)
        else:
            loss()
            optimizer.step()
    return net(x).detach()


def gap(build: Build, group: str, options: dict[str, Any], draws: int = 1) -> float:
    """How far an optimizer is from equivariant, relative to its outputs."""
    gaps = []
    for seed in range(draws):
        for d, h in ((5, 7), (7, 5)):
            g = torch.from_numpy(GROUPS[group].float_element(d, np.random.default_rng(seed)).copy())
            plain, moved = (outputs(build, e, h, options) for e in (torch.eye(d).double(), g))
            gaps.append(float((plain - moved).abs().max() / plain.abs().max()))
    return max(gaps)


def names(found: Derivation) -> set[str]:
    return {group for group, kept in found.kept.items() if kept}


@pytest.mark.parametrize(("name", "build", "largest", "options"), STOCK, ids=[name for name, *_ in STOCK])
def test_torch_optimizers(name: str, build: Build, largest: str, options: dict[str, Any]) -> None:
    found = derive(build, **options)
    assert found.largest == largest, dict(found.reasons)
    assert names(found) == BELOW[largest]
    assert found.low_precision == (("bfloat16",) if name == "Muon" else ())
    assert found.random == ()
    bound = 1e-2 if found.low_precision else 1e-6  # bfloat16 has 8 bits
    assert all(gap(build, group, options) < bound for group in names(found))


@pytest.mark.parametrize(("direction", "largest"), PLANTED, ids=[direction.__name__ for direction, _ in PLANTED])
def test_planted_optimizers(direction: Callable[..., Tensor], largest: str) -> None:
    found = derive(planted(direction))
    assert found.largest == largest, dict(found.reasons)
    assert names(found) == BELOW[largest]
    assert set(found.reasons) == set(found.kept) - names(found)
    assert found.low_precision == ()
    assert all(gap(planted(direction), group, {}) < 1e-6 for group in names(found))


REASONS = [
    (noisy, "step 1: random draw aten.randn_like"),
    (numpy_noise, "step 1: the generator of numpy was used"),
    (python_noise, "step 1: the generator of Python was used"),
    (branching, "step 1: the program reads what moves, by aten._local_scalar_dense (a view that cuts through the mov"),
    (listed, "step 1: the program reads what moves, by Tensor.tolist"),
    (masked, "step 1: the program reads what moves, by aten.index"),
    (column, "step 1: a view that cuts through the moving axis"),
    (through_numpy, "step 1: Tensor.numpy shares memory that may be written to unseen"),
    (uninitialised, "step 1: aten.empty_like leaves memory as it was"),
    (made_outside, "step 1: a tensor made outside torch's dispatcher"),
    (late_sign, "step 21: aten.sign of what moves"),
    (l1, "step 1: aten.sign of what moves"),
]


@pytest.mark.parametrize(("direction", "reason"), REASONS, ids=[direction.__name__ for direction, _ in REASONS])
def test_the_reason_names_the_step_and_the_operation(direction: Callable[..., Tensor], reason: str) -> None:
    assert derive(planted(direction)).reasons[ROTATIONS].startswith(reason)


def test_random_draws_are_named() -> None:
    assert derive(planted(noisy)).random == ("aten.randn_like",)
    assert derive(planted(numpy_noise)).random == ("numpy",)


def test_what_comes_after_the_last_step_is_not_seen() -> None:
    assert derive(planted(late_sign), steps=20).largest == ROTATIONS


@pytest.mark.parametrize("direction", [centred, per_coordinate, fixed_basis, l1, column, late_sign])
def test_groups_that_are_truly_broken_are_seen_by_the_coupled_run(direction: Callable[..., Tensor]) -> None:
    """The comparison that guards the claims above can itself fail."""
    late = direction is late_sign
    build = planted((lambda p, g, state, step: direction(p, g, state, step + 15)) if late else direction)
    assert gap(build, ROTATIONS, {}) > 1e-4


class Sharpness(torch.optim.SGD):
    """SAM: the gradient at weights moved uphill by a fixed length, or by a fixed amount in each entry."""

    def __init__(self, parameters: Any, entrywise: bool) -> None:
        super().__init__(parameters, lr=0.05)
        self.entrywise = entrywise

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        closure()
        uphill = {}
        for p in self.param_groups[0]["params"]:
            uphill[p] = 0.05 * (p.grad.sign() if self.entrywise else p.grad / p.grad.norm())
            p.add_(uphill[p])
        loss = closure()
        for p, e in uphill.items():
            p.sub_(e)
        super().step()
        return loss


@pytest.mark.parametrize(("entrywise", "largest"), [(False, ROTATIONS), (True, SIGNED)])
def test_gradients_at_moved_weights_are_followed_through_the_net(entrywise: bool, largest: str) -> None:
    def build(module: nn.Module) -> torch.optim.Optimizer:
        return Sharpness(module.parameters(), entrywise)

    assert derive(build, closure="backward").largest == largest
    assert gap(build, largest, {"closure": "backward"}) < 1e-6


def test_updates_in_the_backward_pass_are_seen() -> None:
    class Hooked(torch.optim.SGD):
        def __init__(self, parameters: Any) -> None:
            super().__init__(parameters, lr=0.05)
            for p in self.param_groups[0]["params"]:
                p.register_post_accumulate_grad_hook(self.shrink)

        @torch.no_grad()
        def shrink(self, p: Tensor) -> None:
            p.sub_(p.sign(), alpha=1e-3)

    found = derive(lambda module: Hooked(module.parameters()))
    assert found.largest == SIGNED
    assert found.reasons[ROTATIONS] == "step 1: aten.sign of what moves"


def test_second_derivatives_are_followed() -> None:
    class Newton(torch.optim.SGD):
        """Adds the Hessian's product with the gradient."""

        def step(self, closure: Any = None) -> Any:  # type: ignore[override]
            parameters = self.param_groups[0]["params"]
            gradients = [p.grad for p in parameters]
            products = torch.autograd.grad(gradients, parameters, [g.detach() for g in gradients], retain_graph=True)
            with torch.no_grad():
                for p, g, hessian in zip(parameters, gradients, products, strict=True):
                    p.sub_(g + 0.1 * hessian, alpha=0.05)

    assert derive(lambda module: Newton(module.parameters(), lr=0.1), create_graph=True).largest == ROTATIONS


def test_what_the_optimizer_makes_of_the_weights_when_built_is_followed() -> None:
    """It keeps the initial weights, or one column of them, and is drawn back to them."""

    def build(cut: bool) -> Build:
        def make(module: nn.Module) -> torch.optim.Optimizer:
            starts = {p: p.detach().clone() for p in module.parameters()}
            for start in starts.values():
                start.mul_(start[..., :1].clone() if cut else 2)
            return Planted(module.parameters(), lambda p, g, state, step: g + 0.1 * (p - starts[p]))

        return make

    assert derive(build(cut=False)).largest == ROTATIONS
    assert derive(build(cut=True)).largest == "unknown"


def test_an_optimizer_that_wants_to_be_told_is_told_that_it_trains() -> None:
    class Told(torch.optim.SGD):
        told = False

        def train(self) -> None:
            self.told = True

        def step(self, closure: Any = None) -> Any:  # type: ignore[override]
            assert self.told
            return super().step(closure)

    assert derive(lambda module: Told(module.parameters(), lr=0.1), steps=2).largest == ROTATIONS


def test_errors_of_the_optimizer_are_passed_on() -> None:
    def fails(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
        raise ZeroDivisionError("from the optimizer")

    with pytest.raises(ZeroDivisionError, match="from the optimizer"):
        derive(planted(fails))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="closure: got 'both', want one of none, backward, loss"):
        derive(stock("SGD", lr=0.1), closure="both")
    with pytest.raises(ValueError, match="steps: got 0"):
        derive(stock("SGD", lr=0.1), steps=0)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    derive(planted(noisy), steps=2)
    assert torch.equal(before, torch.get_rng_state())


def test_narrow_numbers_are_noted_but_not_in_scalars() -> None:
    def narrow(p: Tensor, g: Tensor, state: Any, step: int) -> Tensor:
        return g.half().double() * g.norm().float().double()

    assert derive(planted(narrow), steps=2).low_precision == ("float16",)


def test_a_wrong_rule_is_caught_by_the_coupled_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the sign linear, rotations would be derived for an l1 term; the runs contradict it."""
    monkeypatch.setitem(signature_rules._RULES, "sign", lambda on, x: x)
    signature_tracker._applied.cache_clear()
    try:
        assert derive(planted(l1)).largest == ROTATIONS
    finally:
        signature_tracker._applied.cache_clear()
    assert gap(planted(l1), ROTATIONS, {}) > 1e-4


# What has been, or might be, claimed in vain.


class Rule(torch.optim.Optimizer):
    """A step that is a function of a parameter, its gradient and a state."""

    def __init__(self, params, rule):
        super().__init__(params, {"lr": 0.05})
        self.rule = rule

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state["step"] = state.get("step", 0) + 1
                self.rule(p, p.grad, state)


def in_rows(p: Tensor, g: Tensor, state: dict) -> None:
    """Keeps a momentum in a flat buffer, as fused optimizers do."""
    flat = state.setdefault("flat", torch.zeros(p.numel(), dtype=p.dtype))
    flat.mul_(0.9).add_(g.reshape(-1))
    p.view(-1).add_(flat, alpha=-0.05)


def branch(value: Callable[[Tensor], Any]) -> Callable[[Tensor, Tensor, dict], None]:
    def rule(p: Tensor, g: Tensor, state: dict) -> None:
        p.add_(g, alpha=-0.1 if value(g) else -0.05)

    return rule


def coupled(p: Tensor, factor: Any, g: Tensor) -> None:
    p.add_(g * factor, alpha=-0.05)


def weighted(x: Tensor) -> Tensor:
    """A sum that only flips keep."""
    return (x.abs() * torch.arange(x.numel(), dtype=x.dtype).view_as(x)).mean()


SIGN = "sign_flip"
RULES_MADE: dict[str, tuple[Callable[[Tensor, Tensor, dict], Any], str, str]] = {
    # name: rule, largest group, a part of the reason
    "clip by value": (lambda p, g, s: p.sub_(g.clamp(-0.01, 0.01)), "signed_permutation", "clamp"),
    "clip above": (lambda p, g, s: p.sub_(g.clamp(max=0.01)), "permutation", "clamp"),
    "normalised": (lambda p, g, s: p.sub_(0.05 * g / g.norm()), "orthogonal", ""),
    "normalised by l1": (lambda p, g, s: p.sub_(0.05 * g / g.norm(p=1)), "signed_permutation", "norm"),
    "flat view": (in_rows, "orthogonal", ""),
    "matrix product": (lambda p, g, s: p.sub_(0.05 * (g @ g.mT @ g if g.ndim > 1 else g)), "orthogonal", ""),
    "roots": (lambda p, g, s: p.sub_(0.05 * g.clamp(min=0).sqrt()), "permutation", "clamp"),
    "scaled by a sum": (lambda p, g, s: p.sub_(0.05 * g * g.sum(-1, keepdim=True)), "permutation", "sum"),
    "sorted": (lambda p, g, s: p.sub_(g.sort(dim=-1)[0]), "unknown", "sort"),
    "scaled by the greatest": (lambda p, g, s: p.sub_(0.05 * g * g.sort(dim=-1)[0][..., -1:]), "permutation", "sort"),
    "column view": (lambda p, g, s: p.data[..., 0].mul_(1.1), "unknown", "cuts through the moving axis"),
    "column set": (lambda p, g, s: p.data.__setitem__((..., 0), 0.1), "unknown", "moving axis"),
    "inert added": (lambda p, g, s: p.add_(torch.linspace(0, 0.1, p.shape[-1]).double()), "unknown", "add_"),
    "inert multiplied": (lambda p, g, s: p.mul_(torch.linspace(0.5, 1, p.shape[-1]).double()), SIGN, "mul_"),
    "constant added": (lambda p, g, s: p.add_(0.01), "permutation", "add_"),
    "copied over": (lambda p, g, s: p.copy_(torch.arange(p.shape[-1]).double()), "unknown", "no longer transforms"),
    "masked": (lambda p, g, s: p.sub_(torch.where(g.abs() > 0.01, g, 0.0)), "signed_permutation", "abs"),
    "masked by sign": (lambda p, g, s: p.sub_(g.masked_fill(g > 0, 0.5)), "permutation", "gt"),
    "branch on an entry": (branch(lambda g: g.flatten()[0].item() > 0), "unknown", "the program reads what moves"),
    "branch on a norm": (branch(lambda g: g.norm().item() > 0.1), "orthogonal", ""),
    "branch on the greatest": (branch(lambda g: g.abs().max() > 0.1), "signed_permutation", "reads what moves"),
    "branch on a list": (branch(lambda g: g.flatten().tolist() > [0]), "unknown", "tolist"),
    "branch on a text": (branch(lambda g: "-" in repr(g.flatten()[:1])), "unknown", "__repr__"),
    "fft": (lambda p, g, s: p.sub_(torch.fft.ifft(torch.fft.fft(g)).real), "unknown", "aten._fft"),
    "bessel": (lambda p, g, s: p.sub_(torch.special.bessel_j1(g)), "unknown", "aten.special_bessel_j1"),
    "noise": (lambda p, g, s: p.sub_(torch.randn_like(g) * 0.01), "unknown", "random draw aten.randn_like"),
    "halves": (lambda p, g, s: p.sub_(0.05 * g.bfloat16().double()), "orthogonal", ""),
    # What has been, or might be, claimed in vain.
    "empty view": (lambda p, g, s: (p.sub_(0.01 * g.sign()), p[:0].zero_()), "signed_permutation", "sign"),
    "tensor of tensors": (lambda p, g, s: coupled(p, torch.tensor([g.view(-1)[0]]).sum(), g), "unknown", "tensor"),
    "new tensor": (lambda p, g, s: coupled(p, p.new_tensor([g.view(-1)[0]]).sum(), g), "unknown", "new_tensor"),
    "old constructor": (lambda p, g, s: coupled(p, torch.DoubleTensor([g.view(-1)[0]]), g), "unknown", "constructor"),
    "apply": (lambda p, g, s: p.data.apply_(math.sin), "unknown", "apply_"),
    "numpy": (lambda p, g, s: np.sin(p.detach().numpy(), out=p.detach().numpy()), "unknown", "numpy"),
    "dlpack": (lambda p, g, s: torch.from_dlpack(to_dlpack(p.data)).sin_(), "unknown", "unseen"),
    "sort by keyword": (lambda p, g, s: coupled(p, g.sort(dim=0, stable=True)[0].view(-1)[0], g), "unknown", ""),
    "no axes": (lambda p, g, s: coupled(p, weighted(torch.any(g > 0, dim=[]).double()), g), "unknown", ""),
    "clamp crossed": (lambda p, g, s: p.sub_(0.01 * g.clamp(1, -1)), "permutation", "clamp"),
    "list in turn": (lambda p, g, s: in_turn(p, g), SIGN, "mul"),
    "split": (
        lambda p, g, s: coupled(p, torch.tensor_split(torch.arange(40.0), g.view(-1).argmax(0, True))[0].sum(), g),
        "unknown",
        "tensor_split",
    ),
    "running mean": (lambda p, g, s: coupled(p, running_mean(g), g), "unknown", "unseen"),
    "unseen": (lambda p, g, s: unseen(p, g), "unknown", "unseen"),
    "other dtype": (lambda p, g, s: p.view(torch.int64).bitwise_and_(torch.tensor(2**63 - 1)), "unknown", "dtype"),
}


def in_turn(p: Tensor, g: Tensor) -> None:
    """The second of the additions reads what the first has written."""
    a, b = torch.zeros_like(p), torch.zeros(p.shape, dtype=p.dtype)
    torch._foreach_add_([a, b], [g, a])
    coupled(p, weighted(b), g)


def running_mean(g: Tensor) -> Tensor:
    """An operation that writes to an argument, which its schema does not tell."""
    if g.ndim < 2 or len(g) < 2:
        return torch.ones(())
    mean, var = torch.zeros(g.shape[1]).double(), torch.ones(g.shape[1]).double()
    nn.functional.batch_norm(g, mean, var, training=True)
    return mean.sum()


def unseen(p: Tensor, g: Tensor) -> None:
    with _disable_current_modes():
        p.sub_(0.05 * g.sign())


RADAM = stock("RAdam", lr=0.01, foreach=False)


def test_radam_is_linear_until_its_variance_is_rectified() -> None:
    assert derive(RADAM, steps=5).largest == ROTATIONS
    assert derive(RADAM, steps=6).reasons == {ROTATIONS: "step 6: aten.sqrt of what moves"}


def made(name: str) -> Build:
    return lambda module: Rule(module.parameters(), RULES_MADE[name][0])


@pytest.mark.parametrize("name", RULES_MADE)
def test_nothing_is_claimed_in_vain(name: str) -> None:
    _, largest, part = RULES_MADE[name]
    found = derive(made(name), steps=4)
    assert names(found) == BELOW[largest]
    assert any(part in why for why in found.reasons.values()) or not found.reasons
    for group in names(found):
        assert gap(made(name), group, {}) < (0.1 if found.low_precision else 1e-6)


@pytest.mark.parametrize("name", ["empty view", "new tensor", "dlpack", "unseen", "list in turn", "running mean"])
def test_what_might_be_claimed_in_vain_is_truly_broken(name: str) -> None:
    assert gap(made(name), ROTATIONS, {}) > 1e-6


def broken_rules(monkeypatch: pytest.MonkeyPatch, **rules: Any) -> None:
    monkeypatch.setattr(signature_tracker, "RULES", {**signature_rules.RULES, **rules})


def lenient(on: Domain, x: Any, axes: Any = None, keep: bool = False) -> Any:
    return on._reduced(x, axes, keep, lambda over: True)


def nothing(*_: Any, **__: Any) -> None: ...


ENTRY = "branch on an entry"
# What is spoilt, and an optimizer of which more is then derived than it keeps.
MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "roots are linear": (partial(broken_rules, sqrt=lambda on, x: x, clamp=lambda on, x, *_: x), "roots"),
    "signs are linear": (partial(broken_rules, sign=lambda on, x: x), "empty view"),
    "clamps are linear": (partial(broken_rules, clamp=lambda on, x, *_: x), "clip by value"),
    "sums are inert": (lambda m: m.setattr(Domain, "total", lenient), "scaled by a sum"),
    "broadcasting is ignored": (partial(broken_rules, mul=lambda on, x, y: x), "inert multiplied"),
    "control flow is ignored": (lambda m: m.setattr(signature_tracker.Tracker, "reveal", nothing), ENTRY),
    "parameters are not checked": (lambda m: m.setattr("verify.derive._Run._check", nothing), "inert added"),
    "copies are ignored": (partial(broken_rules, copy=lambda on, x, *_: x), "copied over"),
    "memory is never stale": (lambda m: m.setattr("verify.signatures._stamp", lambda storage: 0), "unseen"),
    "sharing is ignored": (lambda m: m.setattr(signature_tracker, "READING", frozenset()), "branch on a text"),
    "making is ignored": (lambda m: m.setattr(signature_tracker.Tracker, "reveal", nothing), "tensor of tensors"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_spoilt_rule_derives_too_much(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate, optimizer = MUTANTS[name]
    signature_tracker._applied.cache_clear()
    mutate(monkeypatch)
    try:
        found = derive(made(optimizer), steps=4)
    finally:
        signature_tracker._applied.cache_clear()
    assert names(found) - BELOW[RULES_MADE[optimizer][1]], dict(found.reasons)
