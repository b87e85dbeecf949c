"""Written-out gradients, held against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sims.gradients import BACKWARD, FORWARD, SLOPES, autograd, gradient_of, written_out
from sims.learners import ACTIVATIONS, LOSSES, Convolutional, FullyConnected

R, N, D = 3, 7, 4


def case(model: FullyConnected, size: float = 1.0) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(2)
    weights = [size * torch.randn(R, *shape, generator=g, dtype=torch.float64) for shape in model.shapes]
    x = torch.randn(R, N, D, generator=g, dtype=torch.float64)
    y = torch.randn(R, N, generator=g, dtype=torch.float64).sign()
    return weights, x, y, torch.rand(R, N, generator=g, dtype=torch.float64)


def close(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12 * float(b.abs().max()))


def test_every_activation_and_loss_is_written_out() -> None:
    assert set(FORWARD) == set(BACKWARD) == set(ACTIVATIONS)
    assert set(SLOPES) == set(LOSSES)


@pytest.mark.parametrize("size", [0.5, 4.0], ids=["small", "where softplus is linear"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (5,), (5, 3), (2, 3, 4)], ids=str)
def test_written_out(hidden: tuple[int, ...], activation: str, bias: bool, loss: str, size: float) -> None:
    model = FullyConnected((D, *hidden, 1), activation, bias)
    weights, x, y, scale = case(model, size)
    ours, theirs = ([torch.full_like(w, torch.nan) for w in weights] for _ in range(2))
    written_out(model, loss)(weights, x, y, scale, ours)
    autograd(model, loss)(weights, x, y, scale, theirs)
    close(ours, theirs)
    leaves = [w.clone().requires_grad_() for w in weights]
    (LOSSES[loss](model(leaves, x), y) * scale).sum().backward()
    close(ours, [leaf.grad for leaf in leaves])


@pytest.mark.parametrize("way", [written_out, autograd])
def test_adding_to_what_is_there(way: object) -> None:
    model = FullyConnected((D, 5, 3, 1))
    weights, x, y, scale = case(model)
    slopes = [torch.empty_like(w) for w in weights]
    gradient = way(model, "square")
    gradient(weights, x, y, scale, slopes)
    expected = [0.5 * w - 2 * slope for w, slope in zip(weights, slopes, strict=True)]
    other = [w.clone() for w in weights]
    gradient(weights, x, y, scale, other, 0.5, -2.0)
    close(other, expected)
    gradient(weights, x, y, scale, weights, 0.5, -2.0)  # also where the weights are what changes
    close(weights, expected)


def test_memory_used_again_does_not_show() -> None:
    model = FullyConnected((D, 5, 3, 1), "square")
    gradient = written_out(model, "square")
    first = case(model)
    into, again = ([torch.empty_like(w) for w in first[0]] for _ in range(2))
    gradient(*first, into)
    weights, x, y, scale = case(model, 3.0)
    gradient(weights, 2 * x, y, scale, [torch.empty_like(w) for w in weights])
    gradient(weights, x[:, :3], y[:, :3], scale[:, :3], [torch.empty_like(w) for w in weights])
    gradient(*first, again)
    assert all(bool((a == b).all()) for a, b in zip(into, again, strict=True))


def test_other_models_are_left_to_autograd() -> None:
    model = Convolutional(D, filter_size=2)
    weights, x, y, scale = case(model)  # type: ignore[arg-type]
    ours, theirs = ([torch.empty_like(w) for w in weights] for _ in range(2))
    gradient_of(model, "square")(weights, x, y, scale, ours)
    autograd(model, "square")(weights, x, y, scale, theirs)
    close(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_tanh(dtype: torch.dtype) -> None:
    positive = torch.logspace(-30, 3, 5001, dtype=torch.float64).to(dtype)
    z = torch.cat(
        [-positive, torch.zeros(1, dtype=dtype), positive, torch.tensor([torch.inf, -torch.inf], dtype=dtype)]
    )
    exact = torch.tanh(z.double())
    error = (FORWARD["tanh"](z.clone(), torch.empty_like(z)).double() - exact).abs()
    assert bool((error <= 2 * torch.finfo(dtype).eps * exact.abs()).all())
    nan = torch.tensor([torch.nan], dtype=dtype)
    assert FORWARD["tanh"](nan, nan.clone()).isnan().all()
