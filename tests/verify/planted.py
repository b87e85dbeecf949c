"""Optimizers of our own making whose groups are known, many of them made to mislead the instrument."""

import os
import random

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer


class Planted(Optimizer):
    """Descends along `direction`, which each subclass defines."""

    def __init__(self, params, lr=0.05):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        self.prepare([p for group in self.param_groups for p in group["params"]])
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state["step"] = state.get("step", 0) + 1
                p.add_(self.direction(p, p.grad, state), alpha=-group["lr"])

    def prepare(self, params: list[Tensor]) -> None: ...

    def direction(self, p: Tensor, grad: Tensor, state: dict) -> Tensor:
        raise NotImplementedError


class TinyL1(Planted):
    """Gradient descent with an l1 term of relative size 1e-6."""

    def direction(self, p, grad, state):
        return grad + 1e-6 * grad.norm() * p.sign()


class Switching(Planted):
    """Gradient descent for 20 steps, then sign descent."""

    def direction(self, p, grad, state):
        return grad if state["step"] <= 20 else grad.sign() / 20


class CoordinateWise(Planted):
    """A fixed step size for each column."""

    def direction(self, p, grad, state):
        return grad * torch.linspace(0.5, 1.5, p.shape[-1], dtype=p.dtype)


class Centred(Planted):
    """Subtracts each row's mean from the gradient."""

    def direction(self, p, grad, state):
        return grad - grad.mean(dim=-1, keepdim=True) if grad.ndim > 1 and grad.shape[-1] > 1 else grad


class RotatedAdam(Planted):
    """Adam in a fixed basis that is not the standard one."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)

    def direction(self, p, grad, state):
        n = p.shape[-1]
        basis = torch.linalg.qr(torch.randn(n, n, generator=torch.Generator().manual_seed(3), dtype=torch.float64))[0]
        g = grad @ basis.to(p.dtype)
        m = state["m"] = 0.9 * state.get("m", torch.zeros_like(g)) + 0.1 * g
        v = state["v"] = 0.99 * state.get("v", torch.zeros_like(g)) + 0.01 * g * g
        return (m / (v.sqrt() + 1e-8)) @ basis.to(p.dtype).T


class FullMatrixAdaGrad(Planted):
    """Preconditions the whole of each tensor by the inverse root of its gradients' covariance."""

    def direction(self, p, grad, state):
        flat = grad.flatten()
        state["sum"] = state.get("sum", 0) + torch.outer(flat, flat)
        values, vectors = torch.linalg.eigh(state["sum"] + 1e-3 * torch.eye(len(flat), dtype=p.dtype))
        return (vectors @ ((vectors.T @ flat) / values.clamp(min=1e-12).sqrt())).view_as(grad)


class NewtonSchulz(Planted):
    """Orthogonalises the gradient by Newton-Schulz iteration in its own precision."""

    precision: torch.dtype | None = None

    def direction(self, p, grad, state):
        if grad.ndim < 2:
            return grad
        x = grad.to(self.precision or grad.dtype)
        x = x / (x.norm() + 1e-7)
        for _ in range(5):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        return x.to(grad.dtype)


class HalfNewtonSchulz(NewtonSchulz):
    """The same in bfloat16."""

    precision = torch.bfloat16


class HalfCast(Planted):
    """Gradient descent on gradients rounded to bfloat16."""

    def direction(self, p, grad, state):
        return grad.bfloat16().to(grad.dtype)


class SingleInside(Planted):
    """Gradient descent with momentum kept in float32."""

    def direction(self, p, grad, state):
        m = state["m"] = 0.9 * state.get("m", torch.zeros_like(grad, dtype=torch.float32)) + grad.float()
        return m.to(grad.dtype) / 5


class Chaotic(Planted):
    """The step's length follows a logistic map of the gradient's norm: equivariant, but rounding explodes."""

    def direction(self, p, grad, state):
        felt = grad.norm() / (1 + grad.norm())  # no large norm is rounded to 1, so that last bits are always felt
        x = state.get("x", 0.3 + 0.4 * felt)
        for _ in range(5):
            x = 3.99 * x * (1 - x)
        state["x"] = (x + 1e-3 * felt).clamp(0.01, 0.99)
        return grad * x


class Lazy(Planted):
    """Moves by 1e-12 of its gradient."""

    def direction(self, p, grad, state):
        return 1e-12 * grad


class Normalised(Planted):
    """Divides each gradient by its norm."""

    def direction(self, p, grad, state):
        return grad / (grad.norm() + 1e-8)


class AbsoluteScale(Planted):
    """Divides the gradient by its l1 norm, as LBFGS does in its first step."""

    def direction(self, p, grad, state):
        return grad / (grad.abs().sum() + 1e-8)


class BiasedStart(Planted):
    """Momentum that starts from 1e-5 instead of zero."""

    def direction(self, p, grad, state):
        m = state["m"] = 0.9 * state.get("m", torch.full_like(grad, 1e-5)) + 0.1 * grad
        return m


class FirstCoordinate(Planted):
    """Treats the sign of the first column differently."""

    def direction(self, p, grad, state):
        out = grad.clone()
        out[..., 0] = torch.where(grad[..., 0] > 0, 1.01, 1.0) * grad[..., 0]
        return out if grad.ndim > 1 and grad.shape[-1] > 1 else grad


class Langevin(Planted):
    """Gradient descent with isotropic noise."""

    spread = staticmethod(lambda p: torch.ones(p.shape[-1], dtype=p.dtype))

    def direction(self, p, grad, state):
        return grad + 2 * torch.randn_like(p) * self.spread(p)


class UnevenNoise(Langevin):
    """The noise of the last column is many times larger."""

    spread = staticmethod(lambda p: torch.linspace(0, 1, p.shape[-1], dtype=p.dtype) ** 2 * 6)


class PythonNoise(Planted):
    """One random factor per step, from Python's generator: every group is kept, pathwise too."""

    def prepare(self, params):
        self.factor = random.random()

    def direction(self, p, grad, state):
        return self.factor * grad


class Unseeded(Planted):
    """Draws from the operating system, which no seed reaches."""

    def direction(self, p, grad, state):
        return grad * (1 + os.urandom(1)[0] / 256)


class SingleOnly(Planted):
    """Signed steps, but only on single-precision parameters."""

    def direction(self, p, grad, state):
        return grad.sign() / 20 if p.dtype == torch.float32 else grad


class Spiking(Planted):
    """Signed steps, but only where the gradient's norm exceeds its running mean, which it does on mini-batches."""

    margin = 1.0

    def direction(self, p, grad, state):
        norm = grad.norm()
        mean = state.get("mean", norm)
        state["mean"] = 0.9 * mean + 0.1 * norm
        return grad + norm * grad.sign() / 10 if norm > self.margin * mean else grad


class RarelySpiking(Spiking):
    """The same where it exceeds the mean by a twentieth: with seed 5 no first layer ever does."""

    margin = 1.05


class LargestEntry(Planted):
    """A step one percent longer for the entry of greatest magnitude."""

    def direction(self, p, grad, state):
        out = grad.clone()
        out.view(-1)[grad.abs().argmax()] *= 1.01
        return out


class LargestFirst(Planted):
    """A step one percent longer for the first column while the greatest entry lies there."""

    def direction(self, p, grad, state):
        if grad.ndim < 2 or grad.shape[-1] < 2:
            return grad
        out = grad.clone()
        out[:, 0] *= 1.01 if grad.abs().argmax() % grad.shape[-1] == 0 else 1
        return out


class RowNormalised(Planted):
    """Neuron by neuron: each row of the gradient is divided by its norm."""

    def direction(self, p, grad, state):
        return grad / (grad.norm(dim=-1, keepdim=True) + 0.01) if grad.ndim > 1 else grad


class SpectralScale(Planted):
    """Divides each matrix of gradients by its spectral norm."""

    def direction(self, p, grad, state):
        return grad / (torch.linalg.matrix_norm(grad, ord=2) + 0.01) if grad.ndim > 1 else grad


class Late(Planted):
    """Gradient descent, but from step 100 on with signs."""

    def direction(self, p, grad, state):
        return grad if state["step"] < 100 else grad + grad.norm() * grad.sign() / 10


class NumPyNoise(Planted):
    """Isotropic noise from NumPy's global generator, which cannot be moved along."""

    def direction(self, p, grad, state):
        return grad + torch.from_numpy(np.random.standard_normal(p.shape)).to(p.dtype)  # noqa: NPY002


class NumPyUneven(Planted):
    """The same, but with much more noise in the last column."""

    def direction(self, p, grad, state):
        noise = np.random.standard_normal(p.shape) * np.linspace(0, 1, p.shape[-1]) ** 2 * 6  # noqa: NPY002
        return grad + torch.from_numpy(noise).to(p.dtype)


class Leaking(Planted):
    """Its step depends on a counter that all of its instances share."""

    count = 0

    def direction(self, p, grad, state):
        Leaking.count += 1
        return grad * (1 + 0.618 * Leaking.count % 1)


class Raising(Planted):
    """Raises in its third step."""

    def direction(self, p, grad, state):
        if state["step"] == 3:
            raise RuntimeError("no third step")
        return grad


class NotANumber(Planted):
    """Yields NaN."""

    def direction(self, p, grad, state):
        return grad * float("nan")


class Reseeding(Planted):
    """Adds constants that look like noise: the generator is set to a fixed seed in each step."""

    def prepare(self, params):
        torch.manual_seed(7)

    def direction(self, p, grad, state):
        return grad + 0.1 * torch.randn_like(grad)


class ReseedingAside(Planted):
    """Isotropic noise, and constants drawn from a fixed seed beside it."""

    def direction(self, p, grad, state):
        noise = 0.05 * torch.randn_like(grad)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return grad + noise + 0.2 * torch.randn_like(grad)


class SeededAtStart(Planted):
    """A fixed basis drawn when it is built, from a seed of its own in the global generator."""

    def __init__(self, params, lr=0.05):
        super().__init__(params, lr)
        torch.manual_seed(0)
        self.bases = {n: torch.linalg.qr(torch.randn(n, n, dtype=torch.float64))[0] for n in range(1, 7)}

    def direction(self, p, grad, state):
        basis = self.bases[grad.shape[-1]].to(grad.dtype)
        return (grad @ basis).sign() @ basis.T / 20


class LateInSingle(Planted):
    """Grossly wrong in the first column, but only on single-precision parameters and after 60 steps."""

    def direction(self, p, grad, state):
        out = grad.clone()
        if p.dtype == torch.float32 and state["step"] > 60 and p.ndim > 1:
            out[:, 0] += 0.5
        return out


class SquareOnly(Planted):
    """Signed steps, but only for square matrices."""

    def direction(self, p, grad, state):
        return grad.sign() / 20 if grad.ndim == 2 and grad.shape[0] == grad.shape[1] else grad


class CastError(Planted):
    """Follows the sign of what a cast to float32 loses: nothing to see once the cast is lifted."""

    def direction(self, p, grad, state):
        return grad + 0.1 * torch.sign(grad - grad.float().to(grad.dtype))


class FollowsSeed(Planted):
    """Isotropic noise from a generator of its own, which starts from torch's seed."""

    def __init__(self, params, lr=0.05):
        super().__init__(params, lr)
        self.own = torch.Generator().manual_seed(torch.initial_seed())

    def direction(self, p, grad, state):
        return grad + 0.1 * torch.randn(grad.shape, generator=self.own, dtype=grad.dtype)


KEPT = ("sign_flip", "permutation", "signed_permutation", "orthogonal")

# For each optimizer the groups that it keeps; those it breaks; and what may not be decided. A group in neither set
# must come out INCONCLUSIVE.
SIGNED = KEPT[:3]
TRUTH = {
    TinyL1: (SIGNED, KEPT[3:]),
    Switching: (SIGNED, KEPT[3:]),
    CoordinateWise: (KEPT[:1], KEPT[1:]),
    Centred: (KEPT[1:2], (KEPT[0], *KEPT[2:])),
    RotatedAdam: ((), KEPT),
    FullMatrixAdaGrad: (KEPT, ()),
    NewtonSchulz: (KEPT, ()),
    HalfNewtonSchulz: (SIGNED, KEPT[3:]),
    HalfCast: (SIGNED, KEPT[3:]),
    SingleInside: (KEPT, ()),
    Chaotic: (KEPT[:1], ()),
    Lazy: ((), ()),
    Normalised: (KEPT, ()),
    AbsoluteScale: (SIGNED, KEPT[3:]),
    BiasedStart: (KEPT[1:2], (KEPT[0], *KEPT[2:])),
    FirstCoordinate: ((), KEPT),
    Langevin: (KEPT, ()),
    UnevenNoise: (KEPT[:1], KEPT[1:]),
    PythonNoise: (KEPT, ()),
    Unseeded: ((), ()),
    SingleOnly: (SIGNED, ()),
    Spiking: (SIGNED, KEPT[3:]),
    LargestEntry: (SIGNED, KEPT[3:]),
    LargestFirst: (KEPT[:1], KEPT[1:]),
    RowNormalised: (KEPT, ()),
    SpectralScale: (KEPT, ()),
    Late: (SIGNED, KEPT[3:]),
    NumPyNoise: ((), ()),
    NumPyUneven: ((), KEPT[1:]),
    Leaking: ((), ()),
    NotANumber: ((), ()),
    Reseeding: ((), KEPT),
    ReseedingAside: ((), KEPT),
    SeededAtStart: ((), KEPT),
    LateInSingle: ((), ()),
    SquareOnly: (SIGNED, KEPT[3:]),
    CastError: (SIGNED, ()),
    FollowsSeed: ((), ()),
}
