"""Learners on a replica axis: many small nets at once, each trained by a real torch optimizer.

Every weight carries a leading axis of R replicas, so that one call trains R independent nets on R
data sets. The loss is *summed* over replicas: the gradient of one replica then does not see the others,
and an optimizer that acts entry by entry (SGD with momentum and weight decay, Adam, AdaGrad, ...) treats
each replica as if it were alone.

Optimizers that mix the entries of a tensor or several tensors (Muon, LBFGS, LARS, global-norm clipping) would
couple the replicas: run them with R = 1. They then get plain matrices, without the replica axis, because
such optimizers look at the number of axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from theory.validate import integer

__all__ = ["ACTIVATIONS", "LOSSES", "Convolutional", "FullyConnected", "Learner", "first_weights"]

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"tanh": torch.tanh, "relu": torch.relu, "square": torch.square, "identity": lambda z: z}
)
"""Element-wise activations by name."""

LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "square": lambda output, label: (output - label) ** 2,
        "logistic": lambda output, label: torch.nn.functional.softplus(-label * output),
    }
)
"""Losses of one output and one label, element-wise, by name."""


@dataclass(frozen=True)
class FullyConnected:
    """W_L s(... s(W_2 s(W_1 x + b_1) + b_2)): every layer but the last has a bias (if any) and an activation.

    Args:
        widths: (d, h_1, ..., h_{L-1}, 1), the input dimension, the hidden widths and the one output.
        activation: a key of `ACTIVATIONS`.
        bias: whether hidden layers have biases; they start at 0.

    Raises:
        ValueError: widths that are not such a tuple, or an unknown activation.

    Example:
        >>> net = FullyConnected((3, 5, 1))
        >>> weights = net.initial(2, torch.Generator().manual_seed(0))
        >>> [tuple(w.shape) for w in weights], tuple(net(weights, torch.zeros(2, 7, 3, dtype=torch.float64)).shape)
        ([(2, 5, 3), (2, 5, 1), (2, 1, 5)], (2, 7))
    """

    widths: tuple[int, ...]
    activation: str = "tanh"
    bias: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.widths, tuple) or len(self.widths) < 2 or self.widths[-1] != 1:
            raise ValueError(
                f"widths: got {self.widths!r}, want a tuple (d, h_1, ..., 1) of length >= 2 that ends in 1"
            )
        for i, width in enumerate(self.widths):
            integer(f"widths[{i}]", width, 1)
        _known("activation", self.activation, ACTIVATIONS)
        _boolean("bias", self.bias)

    @property
    def dimension(self) -> int:
        """d, the number of entries of one input."""
        return self.widths[0]

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the weights of one replica, in order; the first is the first layer's matrix (h_1, d)."""
        matrices = list(zip(self.widths[1:], self.widths[:-1], strict=True))
        hidden = [shape for m in matrices[:-1] for shape in ((m, (m[0], 1)) if self.bias else (m,))]
        return (*hidden, matrices[-1])

    def initial(self, replicas: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        """I.i.d. Gaussian matrices N(0, 1/fan_in), zero biases; each of shape ``(replicas, *shape)``.

        The law of the first layer is O(d)-invariant: W_1 g has the law of W_1.

        Raises:
            ValueError: replicas < 1, or a dtype that is not floating.
        """
        _checked_initial(replicas, dtype)
        return [
            torch.zeros(replicas, *shape, dtype=dtype)
            if self.bias and i % 2 == 1
            else _gaussian((replicas, *shape), shape[1], generator, dtype)
            for i, shape in enumerate(self.shapes)
        ]

    def __call__(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """Outputs (R, n) at the points x (R, n, d); the weights and x are taken as they come."""
        activation = ACTIVATIONS[self.activation]
        stride = 2 if self.bias else 1
        z = x.transpose(1, 2)  # (R, width, n), so that a matrix acts from the left
        for i in range(0, len(weights) - 1, stride):
            z = weights[i] @ z
            z = activation(z + weights[i + 1] if self.bias else z)
        return (weights[-1] @ z).squeeze(1)


@dataclass(frozen=True)
class Convolutional:
    r"""The paper's conv net: sum_i a_i s([w*x]_patch i) + b, with one shared filter w and r patches.

    w*x is the circular convolution, (w*x)_i = sum_j w_j x_{i-j}; the patches are the r non-overlapping blocks of
    d/r consecutive entries; s sums an element-wise activation over its patch. With r = 1 all positions are pooled
    together, so nothing in the net depends on where an input has its non-zero entries.

    Args:
        dimension: d, the number of entries of one input.
        filter_size: k, the length of the filter, in [1, d].
        patches: r, a divisor of d.
        activation: a key of `ACTIVATIONS`.
        bias: whether there is an output bias b; it starts at 0.

    Raises:
        ValueError: a size out of range, patches that do not divide d, or an unknown activation.

    Example:
        >>> net = Convolutional(6, filter_size=2, patches=3)
        >>> weights = net.initial(4, torch.Generator().manual_seed(0))
        >>> [tuple(w.shape) for w in weights], tuple(net(weights, torch.zeros(4, 7, 6, dtype=torch.float64)).shape)
        ([(4, 1, 2), (4, 1, 3)], (4, 7))
    """

    dimension: int
    filter_size: int
    patches: int = 1
    activation: str = "tanh"
    bias: bool = False

    def __post_init__(self) -> None:
        integer("dimension", self.dimension, 1)
        integer("filter_size", self.filter_size, 1, self.dimension)
        integer("patches", self.patches, 1, self.dimension)
        if self.dimension % self.patches:
            raise ValueError(f"patches: got {self.patches}, want a divisor of dimension = {self.dimension}")
        _known("activation", self.activation, ACTIVATIONS)
        _boolean("bias", self.bias)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the weights of one replica: the filter, the a_i and, if there is one, the bias."""
        return ((1, self.filter_size), (1, self.patches), *(((1, 1),) if self.bias else ()))

    def initial(self, replicas: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        """I.i.d. Gaussians, N(0, 1/k) for the filter and N(0, 1/r) for the a_i; the bias is 0.

        Raises:
            ValueError: replicas < 1, or a dtype that is not floating.
        """
        _checked_initial(replicas, dtype)
        drawn = [_gaussian((replicas, *shape), shape[1], generator, dtype) for shape in self.shapes[:2]]
        return [*drawn, *(torch.zeros(replicas, *shape, dtype=dtype) for shape in self.shapes[2:])]

    def __call__(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """Outputs (R, n) at the points x (R, n, d); the weights and x are taken as they come."""
        replicas, n, d = x.shape
        # One matrix product with the circulant of w is far cheaper than unfolding x into (R, n, d, k).
        padded = torch.nn.functional.pad(weights[0].squeeze(1), (0, d - self.filter_size))
        shift = (torch.arange(d)[None, :] - torch.arange(d)[:, None]) % d  # [j, i] -> i - j
        z = ACTIVATIONS[self.activation](x @ padded[:, shift])
        pooled = z.reshape(replicas, n, self.patches, d // self.patches).sum(dim=3)
        output = (pooled @ weights[1].transpose(1, 2)).squeeze(2)
        return output + weights[2].squeeze(2) if self.bias else output


@dataclass(frozen=True)
class Learner:
    """A model, a loss and a torch optimizer that runs a fixed number of full-batch steps.

    The loss is the sum over replicas of the mean over samples. See the module's text for optimizers that
    need R = 1.

    Args:
        model: the net, which also says how its weights start.
        optimizer: any subclass of torch.optim.Optimizer whose ``step`` takes a closure.
        options: keyword arguments of the optimizer, for example ``{"lr": 0.1, "momentum": 0.9}``.
        steps: number of optimizer steps, at least 0.
        loss: a key of `LOSSES`; ``logistic`` wants labels +-1.

    Raises:
        ValueError: one of these is not as described.

    Example:
        >>> learner = Learner(FullyConnected((2, 1)), torch.optim.SGD, {"lr": 0.25}, steps=50)
        >>> x = torch.eye(2, dtype=torch.float64)[None]
        >>> y = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
        >>> trained = learner.train([torch.zeros(1, 1, 2, dtype=torch.float64)], x, y)
        >>> learner.predict(trained, x).round(decimals=3)
        tensor([[ 1., -1.]], dtype=torch.float64)
    """

    model: FullyConnected | Convolutional
    optimizer: type[torch.optim.Optimizer]
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 1
    loss: str = "square"

    def __post_init__(self) -> None:
        if not isinstance(self.model, FullyConnected | Convolutional):
            raise ValueError(f"model: got {self.model!r}, want a FullyConnected or a Convolutional")
        if not (isinstance(self.optimizer, type) and issubclass(self.optimizer, torch.optim.Optimizer)):
            raise ValueError(f"optimizer: got {self.optimizer!r}, want a subclass of torch.optim.Optimizer")
        if not isinstance(self.options, Mapping):
            raise ValueError(f"options: got {self.options!r}, want a mapping from names to values")
        integer("steps", self.steps, 0)
        _known("loss", self.loss, LOSSES)

    def train(self, weights: Sequence[Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
        """The weights after training; the given ones are not modified. Without samples they stay as they are.

        Where training diverges, the weights are infinite or NaN, and so are the predictions.

        Args:
            weights: as `initial` returns them, each with a leading axis of R replicas.
            x: training points (R, n, d), n >= 0, of the weights' dtype.
            y: labels (R, n), of the weights' dtype.

        Raises:
            ValueError: wrong shapes or dtypes, or NaN or infinite entries in x or y.
        """
        self._checked(weights, x)
        _tensor("y", y, tuple(x.shape[:2]), x.dtype)
        _finite("y", y)
        if self.loss == "logistic" and not bool((y.abs() == 1).all()):
            raise ValueError("y: got labels other than -1 and 1, want only these for the logistic loss")
        trained = [w.detach().clone() for w in weights]
        if x.shape[1] > 0:
            self._descend(trained, x.detach(), y.detach())
        return trained

    def predict(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """Real-valued outputs (R, n) at the points x (R, n, d); the class is their sign.

        Raises:
            ValueError: wrong shapes or dtypes, or NaN or infinite entries in x.
        """
        self._checked(weights, x)
        with torch.no_grad():
            return self.model(weights, x)

    def _descend(self, weights: Sequence[Tensor], x: Tensor, y: Tensor) -> None:
        """Run the optimizer on the given weights, in place."""
        # A view shares its storage with the stack, so stepping on views of one replica trains the stack.
        leaves = [(w[0] if len(x) == 1 else w).requires_grad_() for w in weights]
        build: Callable[..., torch.optim.Optimizer] = self.optimizer
        optimizer = build(leaves, **self.options)

        @torch.enable_grad()
        def closure() -> Any:
            optimizer.zero_grad()
            outputs = self.model([w.unsqueeze(0) if len(x) == 1 else w for w in leaves], x)
            loss = LOSSES[self.loss](outputs, y).mean(dim=1).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        for _ in range(self.steps):
            optimizer.step(closure)
        for leaf in leaves:
            leaf.requires_grad_(False)

    def _checked(self, weights: Sequence[Tensor], x: Tensor) -> None:
        """Compare weights and points with the model."""
        shapes = self.model.shapes
        if len(weights) != len(shapes) or not all(isinstance(w, Tensor) for w in weights):
            raise ValueError(
                f"weights: got {len(weights)} entries, want {len(shapes)} tensors, as the model's `initial`"
            )
        if not isinstance(x, Tensor) or x.ndim != 3 or x.shape[2] != self.model.dimension:
            came = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(f"x: got {came}, want a tensor of shape (R, n, {self.model.dimension})")
        for i, (w, shape) in enumerate(zip(weights, shapes, strict=True)):
            _tensor(f"weights[{i}]", w, (len(x), *shape), x.dtype)
        _finite("x", x)


def first_weights(
    model: FullyConnected | Convolutional,
    seeds: Sequence[np.random.SeedSequence],
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
) -> list[Tensor]:
    """The model's first weights with a replica axis, each replica's drawn from its own seed.

    Example:
        >>> seeds = np.random.SeedSequence(0).spawn(3)
        >>> together, alone = (first_weights(FullyConnected((2, 4, 1)), s) for s in (seeds, seeds[1:2]))
        >>> bool((together[0][1:2] == alone[0]).all())
        True
    """
    generators = [torch.Generator().manual_seed(int(seed.generate_state(1, np.uint64)[0] >> 1)) for seed in seeds]
    drawn = [model.initial(1, generator, dtype) for generator in generators]
    return [torch.cat(replicas).to(device) for replicas in zip(*drawn, strict=True)]


def _gaussian(shape: tuple[int, ...], fan_in: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=dtype) / math.sqrt(fan_in)


def _known(name: str, key: object, table: Mapping[str, Any]) -> None:
    if not isinstance(key, str) or key not in table:
        raise ValueError(f"{name}: got {key!r}, want one of {', '.join(table)}")


def _boolean(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name}: got {value!r}, want True or False")


def _checked_initial(replicas: int, dtype: torch.dtype) -> None:
    integer("replicas", replicas, 1)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype: got {dtype!r}, want a real floating torch.dtype")


def _tensor(name: str, value: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"{name}: got a {type(value).__name__}, want a torch.Tensor of shape {shape}")
    if tuple(value.shape) != shape:
        raise ValueError(f"{name}: got shape {tuple(value.shape)}, want {shape}")
    if value.dtype != dtype:
        raise ValueError(f"{name}: got dtype {value.dtype}, want {dtype} as the other tensors have")


def _finite(name: str, value: Tensor) -> None:
    if not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name}: got NaN or infinite entries, want finite numbers")
