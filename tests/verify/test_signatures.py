"""Signatures of real operations, held against tensors that are really moved."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from theory.groups import GROUPS
from verify import signature_rules, signature_tracker
from verify.signature_domains import Domain
from verify.signature_groups import DOMAINS, Orthogonal, Permutation, SignFlip
from verify.signature_rules import RULES
from verify.signature_tracker import Tracker
from verify.signatures import FIXED, INERT, Factor, Known, Memory, Signature, last_axis

D, H = 3, 4
O, S, F = "orthogonal", "permutation", "sign_flip"  # noqa: E741
ALL = {O, S, F}
Operands = dict[str, Tensor]
BOTH = Known(frozenset({frozenset({Factor(0, 0, D), Factor(1, 0, D)})}))
KNOWN = {
    "w": last_axis((H, D)),  # moves
    "v": last_axis((H, D)),  # moves
    "x": last_axis((D,)),
    "m": BOTH,  # moves in both axes
    "f": FIXED,  # (H, D), positive
    "r": FIXED,  # (H, 1), positive
    "c": FIXED,  # (H, H)
    "k": FIXED,  # (D, D)
}


def operands() -> Operands:
    generator = torch.Generator().manual_seed(1)
    shapes = {"w": (H, D), "v": (H, D), "x": (D,), "m": (D, D), "f": (H, D), "r": (H, 1), "c": (H, H), "k": (D, D)}
    drawn = {name: torch.randn(*shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}
    return drawn | {"f": drawn["f"].abs() + 0.1, "r": drawn["r"].abs() + 0.1}


def act(tensor: Tensor, signature: Signature, g: Tensor) -> Tensor:
    """The tensor, moved along its factors."""
    moved = tensor.clone()
    for f in signature:
        last = moved.movedim(f.axis, -1)
        part = last[..., f.start : f.stop]
        blocks = part.reshape(*part.shape[:-1], -1, D, f.inner)
        turned = torch.einsum("ij,...bjk->...bik", g, blocks).reshape(part.shape)
        moved = torch.cat([last[..., : f.start], turned, last[..., f.stop :]], -1).movedim(-1, f.axis)
    return moved


def summed(tensor: Tensor, signature: Signature) -> tuple[Tensor, Signature]:
    """Summed over the paired factors, which are then gone."""
    for f in sorted(signature):
        if f.paired:
            tensor = tensor.sum(f.axis, keepdim=True)
    return tensor, frozenset(f for f in signature if not f.paired)


def elements(group: str) -> Iterator[Tensor]:
    for seed in range(4):
        yield torch.from_numpy(GROUPS[group].float_element(D, np.random.default_rng(seed)).copy())


def followed(program: Callable[[Operands], Any]) -> tuple[Tracker, list[Tensor]]:
    given, tracker = operands(), Tracker(D, torch.float64)
    for name, tensor in given.items():
        tracker.declare(tensor, KNOWN[name])
    with tracker.following():
        result = program(given)
    return tracker, list(result) if isinstance(result, tuple | list) else [result]


def claimed(program: Callable[[Operands], Any]) -> set[str]:
    """The groups under which something is known of the first result."""
    tracker, (first, *_) = followed(program)
    return {group for group in DOMAINS if group not in tracker.lost and tracker.known(first, group).signatures}


def check(program: Callable[[Operands], Any]) -> int:
    """Hold every claim against runs with moved operands; return how many there were."""
    tracker, results = followed(program)
    count = 0
    for group in set(DOMAINS) - set(tracker.lost):
        for g in elements(group):
            moved = {name: act(t, next(iter(KNOWN[name].signatures)), g) for name, t in operands().items()}
            again = program(moved)
            again = list(again) if isinstance(again, tuple | list) else [again]
            for result, other in zip(results, again, strict=True):
                for signature in tracker.known(result, group).signatures:
                    (a, rest), (b, _) = summed(result.double(), signature), summed(other.double(), signature)
                    torch.testing.assert_close(act(a, rest, g), b, rtol=1e-9, atol=1e-9)
                    count += 1
    return count


def into(t: Tensor, change: Callable[[Tensor], Any]) -> Tensor:
    """A tensor of its own, after a change in place."""
    own = t.clone()
    change(own)
    return own


def out(operation: Callable[..., Any], *args: Any, like: Tensor) -> Tensor:
    result = torch.empty_like(like)
    operation(*args, out=result)
    return result


# What each does, and the groups under which something is to be known of its first result.
PROGRAMS: list[tuple[str, Callable[[Operands], Any], set[str]]] = [
    # linear
    ("add", lambda t: t["w"] + 2 * t["v"], ALL),
    ("add alpha", lambda t: torch.add(t["w"], t["v"], alpha=3), ALL),
    ("add inert", lambda t: t["w"] + t["f"], set()),
    ("add number", lambda t: t["w"] + 1, {S}),
    ("add zero", lambda t: t["w"] + 0, ALL),
    ("add column", lambda t: t["w"] + t["r"], {S}),
    ("rsub", lambda t: 1 - t["w"], {S}),
    ("neg", lambda t: -t["w"], ALL),
    ("scale", lambda t: t["w"] * 3 / 2, ALL),
    ("scale rows", lambda t: t["w"] * t["r"], ALL),
    ("divide rows", lambda t: t["w"] / t["r"], ALL),
    ("scale entries", lambda t: t["w"] * t["f"], {F}),
    ("divide entries", lambda t: t["w"] / t["f"], {F}),
    ("divide by what moves", lambda t: t["r"] / t["w"], {S, F}),
    ("divide numbers", lambda t: torch.div(t["w"], 2, rounding_mode="floor"), {S}),
    ("lerp", lambda t: t["w"].lerp(t["v"], 0.3), ALL),
    ("lerp rows", lambda t: t["w"].lerp(t["v"], t["r"]), ALL),
    ("addcmul", lambda t: t["w"].addcmul(t["v"], t["r"], value=2), ALL),
    ("addcmul moving", lambda t: t["r"].addcmul(t["v"], t["w"]), ALL),
    ("addcdiv", lambda t: t["w"].addcdiv(t["v"], t["r"]), ALL),
    ("zeros", lambda t: torch.zeros_like(t["w"]) + t["w"], ALL),
    ("zeros of another shape", lambda t: t["w"].new_zeros(H, 1) + t["w"], ALL),
    ("zeros become a root", lambda t: torch.zeros_like(t["w"]).cos() + t["w"], {S}),
    ("ones", lambda t: torch.ones_like(t["w"]) * t["w"], {S, F}),
    ("a constant from a scalar", lambda t: torch.zeros_like(t["f"]).add_(t["f"].sum()) * t["w"], {S, F}),
    ("fill", lambda t: into(t["w"], lambda o: o.fill_(2)), ALL),
    ("copy", lambda t: into(t["f"], lambda o: o.copy_(t["w"])), ALL),
    ("copy broadcast", lambda t: into(t["f"], lambda o: o.copy_(t["x"])), ALL),
    ("float", lambda t: torch.where(t["r"] > 0, t["w"], t["w"].float().double()), {O, S, F}),
    ("integers", lambda t: (10 * t["w"]).long(), {S}),
    ("out", lambda t: out(torch.add, t["w"], t["v"], like=t["w"]), ALL),
    # entry by entry
    ("sign", lambda t: t["w"].sign(), {S, F}),
    ("tanh", lambda t: t["w"].tanh(), {S, F}),
    ("abs", lambda t: t["w"].abs(), {S, F}),
    ("square", lambda t: t["w"].square(), ALL),
    ("cube", lambda t: t["w"] ** 3, {S, F}),
    ("fourth power", lambda t: t["w"] ** 4, {S, F}),
    ("first power", lambda t: t["w"] ** 1, ALL),
    ("minus first power", lambda t: t["w"] ** -1, {S, F}),
    ("minus second power", lambda t: t["w"] ** -2, {S, F}),
    ("root", lambda t: t["w"].square().sqrt(), {S, F}),
    ("exp", lambda t: t["w"].exp(), {S}),
    ("reciprocal", lambda t: t["w"].reciprocal(), {S, F}),
    ("clamp", lambda t: t["w"].clamp(-0.2, 0.2), {S, F}),
    ("clamp one side", lambda t: t["w"].clamp(max=0.2), {S}),
    ("clamp unevenly", lambda t: t["w"].clamp(-0.1, 0.2), {S}),
    ("maximum", lambda t: torch.maximum(t["w"], t["v"]), {S}),
    ("where inert", lambda t: torch.where(t["f"] > 0.5, t["w"], t["v"]), {F}),
    ("where rows", lambda t: torch.where(t["r"] > 0.5, t["w"], t["v"]), ALL),
    ("where moving", lambda t: torch.where(t["w"] > 0, t["w"], t["v"]), {S}),
    ("where product", lambda t: torch.where(t["w"] * t["v"] > 0, t["w"], 0.0), {S, F}),
    ("masked fill", lambda t: t["w"].masked_fill(t["w"] * t["v"] > 0, 0.0), {S, F}),
    ("put", lambda t: into(t["w"], lambda o: o.__setitem__(t["w"] * t["v"] > 0, 0.0)), {S, F}),
    ("put ones", lambda t: into(t["w"], lambda o: o.__setitem__(t["w"] * t["v"] > 0, 1.0)), {S}),
    ("equal", lambda t: (t["w"] == 0).double(), {S, F}),
    ("greater", lambda t: (t["w"] > 0).double(), {S}),
    ("nan_to_num", lambda t: t["w"].nan_to_num(), {S, F}),
    ("nan_to_num one", lambda t: t["w"].nan_to_num(nan=1.0), {S}),
    ("softmax", lambda t: t["w"].softmax(-1), {S}),
    ("products of three", lambda t: t["w"] * t["v"] * t["w"], {S, F}),
    ("outer by hand", lambda t: t["x"][:, None] * t["x"][None, :], ALL),
    ("two axes by one", lambda t: t["m"] * t["x"], ALL),
    # along axes
    ("sum of what moves", lambda t: t["w"].sum(-1), {S}),
    ("sum of rows", lambda t: t["w"].sum(0), ALL),
    ("mean of squares", lambda t: t["w"].square().mean(-1), ALL),
    ("sum of squares and a number", lambda t: (t["w"] ** 2 + 1e-8).sum(-1), ALL),
    ("running mean of squares", lambda t: t["w"].square().lerp(t["v"].square(), 0.1).mean(), ALL),
    ("scalar product", lambda t: (t["w"] * t["v"]).sum(), ALL),
    ("squares over one of two axes", lambda t: t["m"].square().sum(0), ALL),
    ("squares over both axes", lambda t: t["m"].square().sum(), ALL),
    ("maximum over what moves", lambda t: t["w"].max(dim=-1), {S}),
    ("maximum of moduli", lambda t: t["w"].abs().amax(-1), {S, F}),
    ("maximum over rows", lambda t: t["w"].max(dim=0), {S}),
    ("extremes", lambda t: torch.aminmax(t["w"]), {S}),
    ("deviation", lambda t: torch.std_mean(t["w"], -1), {S}),
    ("any", lambda t: (t["w"] > 0).any(-1).double(), {S}),
    ("2-norm", lambda t: t["w"].norm(), ALL),
    ("2-norm of rows", lambda t: t["w"].norm(dim=-1, keepdim=True), ALL),
    ("2-norm of columns", lambda t: t["w"].norm(dim=0), {S, F}),
    ("2-norm of one axis of two", lambda t: t["m"].norm(dim=0), {S, F}),
    ("1-norm", lambda t: t["w"].norm(p=1), {S, F}),
    ("spectral norm", lambda t: torch.linalg.matrix_norm(t["w"], 2), ALL),
    ("singular values", lambda t: torch.linalg.svdvals(t["m"]), ALL),
    ("singular vectors", lambda t: torch.linalg.svd(t["w"])[0], set()),
    ("sorted", lambda t: t["w"].sort(-1).values.sum(0), {S}),
    ("sorted twice", lambda t: t["w"].sort(-1), {S}),
    ("where the largest is", lambda t: t["w"].argmax(-1), set()),
    ("where the largest row is", lambda t: t["w"].argmax(0), {S}),
    ("cumulative", lambda t: t["w"].cumsum(-1), set()),
    ("cumulative over rows", lambda t: t["w"].cumsum(0), ALL),
    ("flipped", lambda t: t["w"].flip(0), ALL),
    ("rolled", lambda t: t["w"].roll(1, -1), set()),
    ("triangle", lambda t: t["m"].triu(), set()),
    ("some rows", lambda t: t["w"][torch.tensor([0, 2])], ALL),
    ("some columns", lambda t: t["w"][:, torch.tensor([0, 2])], set()),
    ("joined rows", lambda t: torch.cat([t["w"], t["v"]]), ALL),
    ("joined columns", lambda t: torch.cat([t["w"], t["v"]], 1), ALL),
    ("joined with inert columns", lambda t: torch.cat([t["r"], t["w"]], 1).square().sum(1), set()),
    ("joined with zeros", lambda t: torch.cat([torch.zeros_like(t["w"]), t["w"]]), ALL),
    ("joined, moving and not", lambda t: torch.cat([t["w"], t["f"]]), set()),
    ("stacked", lambda t: torch.stack([t["w"], t["v"]], 1), ALL),
    # views
    ("flat", lambda t: t["w"].view(-1) + t["v"].reshape(-1), ALL),
    ("flat and back", lambda t: t["w"].reshape(-1).clone().view(H, D) + t["w"], ALL),
    ("flat, other sizes", lambda t: t["w"].reshape(D, H), set()),
    ("split rows", lambda t: t["w"].view(2, 2, D) * 2, ALL),
    ("transposed copy", lambda t: t["w"].t().contiguous().view(-1), ALL),
    ("buffer", lambda t: torch.cat([t["w"].view(-1), t["r"].view(-1), t["m"].view(-1)])[: H * D].view(H, D), ALL),
    ("end of a buffer", lambda t: torch.cat([t["r"].view(-1), t["m"].view(-1)])[H:].view(D, D), ALL),
    ("buffer's norm", lambda t: torch.cat([t["w"].view(-1), t["r"].view(-1), t["m"].view(-1)]).norm(), ALL),
    ("filled buffer", lambda t: into(torch.zeros(2 * H, D).double(), lambda o: o[:H].copy_(t["w"])), ALL),
    ("expanded", lambda t: t["r"].expand(H, D) * t["w"], ALL),
    ("expanded sum", lambda t: t["r"].expand(H, D) + t["w"], {S}),
    ("column", lambda t: t["w"][:, 0] * 2, set()),
    ("row", lambda t: t["w"][1] * 2, ALL),
    ("part of the vector", lambda t: t["w"][:, :2] * 2, set()),
    ("diagonal", lambda t: t["m"].diagonal() * 2, set()),
    ("write to a column", lambda t: into(t["w"], lambda o: o[:, 0].mul_(2)), set()),
    ("write to a row", lambda t: into(t["w"], lambda o: o[0].mul_(2)), ALL),
    ("write to a flat view", lambda t: into(t["w"], lambda o: o.view(-1).add_(t["v"].view(-1))), ALL),
    ("write through a transpose", lambda t: into(t["w"], lambda o: o.t().mul_(t["r"].t())), ALL),
    ("write through data", lambda t: into(t["w"], lambda o: o.data.exp_()), {S}),
    ("write seen by a view", lambda t: [(o := t["w"].clone()).t(), o.exp_()], {S}),
    ("bits", lambda t: t["w"].view(torch.int64), set()),
    ("in place transpose", lambda t: into(t["w"], lambda o: o.t_()), ALL),
    # linear algebra
    ("mm", lambda t: t["w"] @ t["v"].T, ALL),
    ("mm over rows", lambda t: t["w"].T @ t["v"], ALL),
    ("mm from the left", lambda t: t["c"] @ t["w"], ALL),
    ("mm by inert", lambda t: t["w"] @ t["k"], set()),
    ("mm by ones", lambda t: t["w"] @ torch.ones(D, D).double(), {S}),
    ("mm by zeros", lambda t: t["w"] @ torch.zeros(D, D).double() + t["w"], ALL),
    ("mm by identity", lambda t: t["w"] @ torch.eye(D).double(), ALL),
    ("bmm", lambda t: t["w"].expand(2, H, D) @ t["m"].expand(2, D, D), ALL),
    ("mv", lambda t: t["w"] @ t["x"], ALL),
    ("dot", lambda t: t["x"] @ t["x"], ALL),
    ("outer", lambda t: torch.outer(t["x"], t["x"]), ALL),
    ("addmm", lambda t: torch.addmm(t["m"], t["w"].T, t["v"], beta=0.5), ALL),
    ("addmm inert", lambda t: torch.addmm(t["k"], t["w"].T, t["v"]), set()),
    ("addmm beta 0", lambda t: torch.addmm(t["k"], t["w"].T, t["v"], beta=0), ALL),
    ("addmv", lambda t: torch.addmv(t["r"].view(-1), t["w"], t["x"]), ALL),
    ("baddbmm", lambda t: torch.baddbmm(t["m"][None], t["w"].T[None], t["v"][None]), ALL),
    ("einsum", lambda t: torch.einsum("ij,jk,lk->il", t["w"], t["m"], t["v"]), ALL),
    ("trace", lambda t: t["m"].trace(), ALL),
    ("inverse", lambda t: torch.linalg.inv(t["w"].T @ t["w"]), ALL),
    ("pinv", lambda t: torch.linalg.pinv(t["w"]), ALL),
    ("matrix exponential", lambda t: t["m"].matrix_exp(), ALL),
    ("ridge", lambda t: t["w"].T @ t["w"] + torch.eye(D).double(), ALL),
    ("eigenvalues", lambda t: torch.linalg.eigh(t["m"] + t["m"].T)[0], set()),
    ("qr", lambda t: torch.linalg.qr(t["w"])[0], set()),
    # lists
    ("foreach", lambda t: torch._foreach_add([t["w"], t["x"]], [t["v"], t["x"]], alpha=2), ALL),
    ("foreach in place", lambda t: into(t["w"], lambda o: torch._foreach_exp_([o])), {S}),
    ("foreach norm", lambda t: torch._foreach_norm([t["w"], t["x"]]), ALL),
    ("foreach numbers", lambda t: torch._foreach_mul([t["w"], t["x"]], [2.0, 3.0]), ALL),
    ("foreach addcdiv", lambda t: torch._foreach_addcdiv([t["w"]], [t["v"]], [t["w"].abs()], [2.0]), {S, F}),
]


@pytest.mark.parametrize(("program", "groups"), [p[1:] for p in PROGRAMS], ids=[p[0] for p in PROGRAMS])
def test_what_is_claimed_holds_and_no_more_is_lost_than_must_be(
    program: Callable[[Operands], Any], groups: set[str]
) -> None:
    count = check(program)
    assert claimed(program) == groups
    assert (count > 0) == bool(groups) or count > 0


WRONG: list[tuple[str, Callable[..., Any], Callable[[Operands], Any]]] = [
    ("sqrt", lambda on, x: x, lambda t: (t["w"] * t["w"]).sqrt()),
    ("exp", lambda on, x: on.odd(x), lambda t: t["w"].exp()),
    ("sign", lambda on, x: x, lambda t: t["w"].sign()),
    ("maximum", lambda on, x, y: on.sum(x, y), lambda t: torch.maximum(t["w"], t["v"])),
    ("cumsum", lambda on, x, axis: x, lambda t: t["w"].cumsum(-1)),
    ("mul", lambda on, x, y: on.sum(x, y), lambda t: t["w"] * t["v"]),
    ("sum", lambda on, x, axes, keep=False: on.symmetric(on.even(x), axes, keep), lambda t: t["w"].sum(-1)),
    ("mm", lambda on, x, y: on.contract("ij,kj->ik", x, y), lambda t: t["m"] @ t["w"][:D]),
]


@pytest.mark.parametrize(("name", "rule", "program"), WRONG, ids=[w[0] for w in WRONG])
def test_a_wrong_rule_does_not_hold(
    name: str, rule: Callable[..., Any], program: Callable[[Operands], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    check(program)
    monkeypatch.setitem(signature_rules._RULES, name, rule)
    signature_tracker._applied.cache_clear()
    try:
        with pytest.raises(AssertionError, match="not close"):
            check(program)
    finally:
        signature_tracker._applied.cache_clear()


def test_a_weight_whose_flattened_copy_is_cut_elsewhere_is_lost() -> None:
    memory = Memory(5, 1)
    weights = torch.zeros(4, 5)
    memory.write(weights, (last_axis((4, 5)),))
    assert memory.read(weights.view(5, 4))[0].signatures == frozenset()
    assert memory.read(weights.view(5, 4))[0].lost == "a view that cuts through the moving axis"
    assert memory.read(weights.view(2, 2, 5))[0] == last_axis((2, 2, 5))
    assert memory.read(weights.view(-1))[0].signatures == {frozenset({Factor(0, 0, 20)})}
    assert memory.read(weights.t().reshape(-1))[0].signatures == frozenset()  # a copy that was never written


def test_storages_that_are_gone_are_forgotten() -> None:
    memory = Memory(5, 1)
    for _ in range(3):
        memory.write(torch.zeros(4, 5), memory.plain)
    kept = torch.zeros(4, 5)
    memory.write(kept, memory.plain)
    memory.forget_freed()
    assert len(memory._known) == 1
    assert memory.holds(kept)


def test_a_sparse_tensor_is_unknown() -> None:
    memory = Memory(5, 1)
    sparse = torch.eye(5).to_sparse()
    memory.write(sparse, memory.plain)
    assert memory.read(sparse)[0].signatures == frozenset()


def test_every_signature_of_the_identity_is_known() -> None:
    tracker, (identity,) = followed(lambda t: torch.eye(D, dtype=torch.float64))
    both = frozenset({Factor(0, 0, D), Factor(1, 0, D)})
    assert all(tracker.known(identity, group).signatures == {INERT, both} for group in DOMAINS)


# Every operation, on operands of every kind.

FIRST = Known(frozenset({frozenset({Factor(0, 0, D)})}))
FLAT = Known(frozenset({frozenset({Factor(0, 0, 4 * D)})}))
HIGH = Known(frozenset({frozenset({Factor(0, 0, 4 * D, 4)})}))
OPERANDS: tuple[tuple[tuple[int, ...], Known], ...] = (
    ((4, D), last_axis((4, D))),
    ((D, D), last_axis((D, D))),
    ((D, D), FIRST),
    ((D, D), BOTH),
    ((D, D), FIXED),
    ((4, D), FIXED),
    ((D,), last_axis((D,))),
    ((D,), FIXED),
    ((4, 1), FIXED),
    ((), FIXED),
    ((4 * D,), FLAT),
    ((4 * D,), HIGH),
    ((2, 4, D), last_axis((2, 4, D))),
)

UNARY = """abs exp sign tanh sigmoid sin cos floor ceil round trunc frac reciprocal neg relu isnan logical_not amax amin
    prod median any all count_nonzero argmax argmin std var clone zeros_like ones_like norm sum mean max min
    aminmax sort var_mean std_mean nan_to_num sgn isfinite"""
BINARY = """add sub mul div maximum minimum atan2 eq gt hypot copysign mm mv dot outer logical_and bmm"""
ONE: dict[str, Callable[[Tensor], Any]] = {name: getattr(torch, name) for name in UNARY.split()} | {
    "view": lambda x: x.reshape(-1),
    "t": lambda x: x.mT.contiguous() if x.ndim > 1 else x * 1,
    "row": lambda x: x[0] * 1,
    "column": lambda x: x[..., 0] * 1,
    "part": lambda x: x[..., 1:] * 1,
    "half": lambda x: x.reshape(-1)[: x.numel() // 2] * 1,
    "diagonal": lambda x: x.diagonal() * 1,
    "root": lambda x: (x * x).sqrt(),
    "pow2": lambda x: x**2,
    "pow3": lambda x: x**3,
    "pow-1": lambda x: x**-1,
    "pow0.5": lambda x: x.abs() ** 0.5,
    "exponent": lambda x: 2.0**x,
    "plus one": lambda x: x + 1,
    "times two": lambda x: 2 * x,
    "over": lambda x: 2 / x,
    "zero": lambda x: x * 0 + 0,
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "clamp low": lambda x: x.clamp(min=0.1),
    "clamp crossed": lambda x: x.clamp(1, -1),
    "norm rows": lambda x: x.norm(dim=-1, keepdim=True),
    "norm columns": lambda x: x.norm(dim=0),
    "norm 1": lambda x: x.norm(p=1),
    "norm 3": lambda x: torch.linalg.vector_norm(x, 3, dim=(-1,)),
    "sum rows": lambda x: x.sum(-1),
    "sum columns": lambda x: x.sum(0, keepdim=True),
    "mean rows": lambda x: x.mean(-1, keepdim=True),
    "sum of squares": lambda x: (x * x).sum(),
    "sum of squares by row": lambda x: (x * x).sum(-1),
    "mean of squares by column": lambda x: (x * x).mean(0),
    "squares of squares": lambda x: (x.square() * x.square()).sum(-1),
    "max rows": lambda x: x.max(-1),
    "max columns": lambda x: x.max(0),
    "any nowhere": lambda x: torch.any(x > 0, dim=[]),
    "sort rows": lambda x: x.sort(dim=-1),
    "sort columns": lambda x: x.sort(dim=0),
    "sort stably": lambda x: x.sort(dim=0, stable=True),
    "topk": lambda x: x.topk(2, dim=0),
    "kthvalue": lambda x: x.kthvalue(1, dim=0),
    "cumsum rows": lambda x: x.cumsum(-1),
    "cumsum columns": lambda x: x.cumsum(0),
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(1, 0),
    "roll all": lambda x: x.roll(1),
    "triu": lambda x: x.triu(),
    "softmax": lambda x: x.softmax(-1),
    "softmax columns": lambda x: x.softmax(0),
    "choice": lambda x: x[torch.tensor([0, 2])],
    "choice of columns": lambda x: x[..., torch.tensor([0, 2])],
    "select": lambda x: x.index_select(0, torch.tensor([2, 0, 1])),
    "cat": lambda x: torch.cat([x, 2 * x, torch.zeros_like(x)], dim=-1),
    "cat columns": lambda x: torch.cat([x, torch.ones_like(x)]),
    "cat with nothing": lambda x: torch.cat([torch.zeros(0, dtype=x.dtype), x, x], dim=-1)[..., D:],
    "stack": lambda x: torch.stack([x, x], dim=-1),
    "gram": lambda x: x @ x.mT,
    "cogram": lambda x: x.mT @ x,
    "cubic": lambda x: x @ x.mT @ x,
    "mm": lambda x: torch.mm(x, x),
    "power": lambda x: torch.linalg.matrix_power(x @ x.mT, 2),
    "inv": lambda x: torch.linalg.inv(x),
    "inv of gram": lambda x: torch.linalg.inv(x @ x.mT + torch.eye(len(x), dtype=x.dtype)),
    "eye": lambda x: x.mT @ x + torch.eye(D, dtype=x.dtype),
    "expm": lambda x: torch.linalg.matrix_exp(x),
    "trace": lambda x: x.trace(),
    "spectral norm": lambda x: torch.linalg.matrix_norm(x, 2),
    "nuclear norm": lambda x: torch.linalg.matrix_norm(x, "nuc"),
    "qr": lambda x: torch.linalg.qr(x),
    "masked": lambda x: x.masked_fill(x > 0, 0.0),
    "masked with one": lambda x: x.masked_fill(x.abs() > 0.5, 1.0),
    "where": lambda x: torch.where(x.abs() > 0.5, x, 0.0),
    "put": lambda x: _changed(x, lambda y: y.__setitem__(y > 0.3, 0.0)),
    "set column": lambda x: _changed(x, lambda y: y[..., 0].zero_()),
    "set row": lambda x: _changed(x, lambda y: y[0].zero_()),
    "set row of view": lambda x: _changed(x, lambda y: y.view(-1)[:D].mul_(2)),
    "set nothing": lambda x: _changed(x, lambda y: y[:0].zero_()),
    "set in turn": lambda x: _changed(x, lambda y: y.mT.mul_(2)),
    "cast": lambda x: x.to(torch.float32).to(x.dtype),
    "whole": lambda x: (3 * x).to(torch.int64),
    "bits": lambda x: x.view(torch.int64) * 1,
    "foreach": lambda x: torch._foreach_mul([x, x + 1], [2.0, 3.0]),
    "foreach norm": lambda x: torch._foreach_norm([x], 2, torch.float64),
    "foreach pow": lambda x: torch._foreach_pow(2.0, [x]),
    "foreach in turn": lambda x: _in_turn(x),
    "complex": lambda x: torch.complex(x, x).abs(),
    "complex power": lambda x: torch.pow(x, 2j).real,
    "fft": lambda x: torch.fft.fft(x).abs(),
    "repeat": lambda x: x.repeat(2, *[1] * (x.ndim - 1)),
    "norm of batch": lambda x: torch.nn.functional.layer_norm(x, x.shape[-1:]),
}
TWO: dict[str, Callable[[Tensor, Tensor], Any]] = {name: getattr(torch, name) for name in BINARY.split()} | {
    "matmul": lambda x, y: x @ y,
    "with transpose": lambda x, y: x @ y.mT,
    "lerp": lambda x, y: x.lerp(y, 0.3),
    "lerp by tensor": lambda x, y: x.lerp(x * 2, y),
    "addcmul": lambda x, y: x.addcmul(y, y, value=0.5),
    "addcdiv": lambda x, y: x.addcdiv(x, y),
    "copy": lambda x, y: _changed(x, lambda z: z.copy_(y)),
    "copy in part": lambda x, y: _changed(x, lambda z: z[:2].copy_(y[:2])),
    "add in place": lambda x, y: _changed(x, lambda z: z.add_(y)),
    "mask": lambda x, y: _changed(x, lambda z: z.__setitem__(y > 0, 0.0)),
    "choose": lambda x, y: torch.where(y > 0, x, -x),
    "product and sum": lambda x, y: (x * y).sum(-1),
    "sum of unlike": lambda x, y: (x * x + y).sum(-1),
    "join": lambda x, y: torch.cat([x, y]),
    "join rows": lambda x, y: torch.cat([x, y], dim=-1),
    "einsum": lambda x, y: torch.einsum("ij,kj->ik", x, y),
    "addmm": lambda x, y: torch.addmm(y, x, y, beta=0.5),
    "clamped": lambda x, y: x.clamp(max=y),
    "fill": lambda x, y: torch.full_like(x, 0.0) + y,
    "out": lambda x, y: torch.mul(x, y, out=torch.empty(0, dtype=x.dtype)),
}


def _changed(x: Tensor, change: Callable[[Tensor], Any]) -> Tensor:
    y = x.clone()
    change(y)
    return y


def _in_turn(x: Tensor) -> Tensor:
    """The second addition reads what the first has written."""
    a, b = torch.zeros_like(x), torch.ones_like(x)
    torch._foreach_add_([a, b], [x, a])
    return b


def wrong(group: str, before: Tensor, after: Tensor, known: Known, g: Tensor) -> Iterator[str]:
    """What is claimed of a result in vain."""
    x, y = before.double(), after.double()
    if known.every and group != "permutation" and x.any():
        yield "zeros"
    if known.every and group == "permutation" and x.numel() and (x != x.flatten()[0]).any():
        yield "a constant"
    for s in known.signatures:
        if axes := sorted({f.axis for f in s if f.paired}):
            over = [f for f in s if not f.paired and f.axis in axes]
            plain = frozenset(f for f in s if not f.paired)
            held = over or torch.allclose(act(x, plain, g).sum(axes), y.sum(axes), 1e-6, 1e-8)
        else:
            held = torch.allclose(act(x, s, g), y, 1e-6, 1e-6, equal_nan=True)
        if not held:
            yield str(sorted(s))


def claimed_in_vain(operation: Callable[..., Any], operands: tuple[tuple[tuple[int, ...], Known], ...]) -> list[str]:
    """Follow an operation, perform it on moved operands, and compare; operands that it refuses prove nothing."""
    generator = torch.Generator().manual_seed(7)
    values = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape, _ in operands]
    tracker = Tracker(D, torch.float64)
    for x, (_, known) in zip(values, operands, strict=True):
        tracker.declare(x, known)
    try:
        with tracker.following():
            before = _results(operation(*values))
    except (RuntimeError, IndexError, NotImplementedError):
        return []
    found = []
    for group in set(DOMAINS) - set(tracker.lost):
        g = torch.tensor(GROUPS[group].float_element(D, np.random.default_rng(2)))
        moved = [
            act(x, next(iter(known.signatures)), g).contiguous() for x, (_, known) in zip(values, operands, strict=True)
        ]
        for x, y in zip(before, _results(operation(*moved)), strict=True):
            known = tracker.known(x, group)
            if x.shape != y.shape and known.signatures:
                found.append(f"{group}: a shape")
            elif not x.is_complex():
                found += [f"{group}: {what}" for what in wrong(group, x, y, known, g)]
    return found


def _results(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else list(value)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0", "ignore:Tensor.mT is deprecated on 0-D")
@pytest.mark.parametrize("name", ONE)
def test_nothing_is_claimed_in_vain_of_one_operand(name: str) -> None:
    for operand in OPERANDS:
        assert not claimed_in_vain(ONE[name], (operand,)), operand


@pytest.mark.parametrize("name", TWO)
def test_nothing_is_claimed_in_vain_of_two_operands(name: str) -> None:
    for pair in product(OPERANDS[:9], repeat=2):
        assert not claimed_in_vain(TWO[name], pair), pair


def spoil(name: str, rule: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        signature_tracker._applied.cache_clear()
        monkeypatch.setattr(signature_tracker, "RULES", {**RULES, name: rule})

    return apply


def patch(owner: type[Domain], method: str, new: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        signature_tracker._applied.cache_clear()
        monkeypatch.setattr(owner, method, new)

    return apply


def inert(on: Domain, x: Any, axes: Any = None, keep: bool = False) -> Any:
    return on._reduced(x, axes, keep, lambda over: True)


# What is made false, and an operation of which something false is then claimed.
MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "roots are linear": (spoil("sqrt", lambda on, x: x), "root"),
    "squares are linear": (spoil("pow", lambda on, x, power: on.odd(x)), "pow2"),
    "exponentials are odd": (spoil("exp", lambda on, x: on.odd(x)), "exp"),
    "roundings are even": (spoil("floor", lambda on, x: on.even(x)), "floor"),
    "sums are inert": (patch(Orthogonal, "total", inert), "sum rows"),
    "sums do not see signs": (patch(SignFlip, "total", inert), "sum rows"),
    "all norms are round": (patch(Orthogonal, "norm", lambda on, x, p, *a: inert(on, x, *a)), "norm 3"),
    "order is symmetric": (patch(Permutation, "ordered", inert), "argmax"),
    "running sums go along": (patch(Permutation, "along", lambda on, x, axes: x), "cumsum rows"),
    "products are even": (patch(SignFlip, "_multiplied", lambda on, a, b: frozenset()), "times two"),
    "sums of unlike": (patch(Orthogonal, "_added", lambda on, parts: parts[0][0]), "plus one"),
    "entries of unlike": (patch(Permutation, "_added", lambda on, parts: parts[0][0]), "add"),
    "products are diagonal": (patch(Orthogonal, "_multiplied", lambda on, a, b: a[0] | b[0]), "mul"),
    "contractions of anything": (patch(Domain, "_contracted", lambda on, a, u, b, v, out: frozenset()), "mm"),
    "joined as the first": (patch(Domain, "join", lambda on, parts, axis: parts[0]), "cat"),
    "inverse not turned over": (patch(Domain, "inverse", lambda on, x: x), "inv"),
    "exponential of anything": (patch(Domain, "conjugated", lambda on, x, scalar=False: x), "expm"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_made_false_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate, operation = MUTANTS[name]
    mutate(monkeypatch)
    try:
        if operation in ONE:
            found = [claimed_in_vain(ONE[operation], (operand,)) for operand in OPERANDS]
        else:
            found = [claimed_in_vain(TWO[operation], pair) for pair in product(OPERANDS[:9], repeat=2)]
    finally:
        signature_tracker._applied.cache_clear()
    assert any(found)


@pytest.mark.parametrize("write", ["known", "other", "unseen", "empty"])
def test_a_storage_is_known_only_as_long_as_all_its_writers_are(write: str) -> None:
    memory = Memory(D, 1)
    x = torch.randn(4, D, generator=torch.Generator().manual_seed(1))
    memory.write(x, (last_axis(x.shape),))
    if write == "known":
        memory.write(x[1:3], (last_axis((2, D)),))
    elif write == "other":
        memory.write(x[1:3], (FIXED,))
    elif write == "unseen":
        x.numpy()[0, 0] = 5
    else:
        memory.write(x[:0], (Known(FIXED.signatures, True),))
    assert memory.read(x)[0].signatures == (last_axis(x.shape).signatures if write in ("known", "empty") else set())
    assert not memory.read(x)[0].every
