"""One run of Algorithm 1 on real code: a torch module, a torch optimizer, and what is recorded on the way.

`sims.learners` trains many small nets at once, which only entry-wise optimizers survive. Here one net is trained
by any optimizer at all, with everything that people put around it: mini-batches, accumulated gradients, and
hooks (penalties, clipping, schedules, averages, noise; see `sims.features`).

All randomness of a run (torch's, NumPy's and Python's global generators) comes from the run's seed, and the
generators are put back afterwards.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from sims.learners import LOSSES
from sims.threads import one_thread
from theory.validate import integer

__all__ = [
    "CLOSURES",
    "Feature",
    "Hook",
    "Trace",
    "Training",
    "UpdateRule",
    "Weights",
    "checkpoints",
    "first_layer",
    "initial",
]

Weights: TypeAlias = dict[str, Tensor]
"""Parameters by the module's own names."""

CLOSURES = ("none", "loss", "backward")
"""How an optimizer is asked for a step, see `UpdateRule`."""


@dataclass(frozen=True)
class UpdateRule:
    """How a real optimizer is built on a module and asked for one step.

    Args:
        build: from the module to its optimizer.
        closure: ``none``: gradients first, then ``step()``; ``loss``: the same, then ``step(closure)`` with a closure
            that only returns the loss; ``backward``: ``step(closure)`` with one that also computes the gradients.
        create_graph: gradients keep their graph, for optimizers that differentiate twice.
        matrices_only: the optimizer takes matrices only, so nets are given no biases.

    Raises:
        ValueError: an unknown kind of closure.

    Example:
        >>> rule = UpdateRule(lambda module: torch.optim.LBFGS(module.parameters()), closure="backward")
        >>> rule.build(nn.Linear(2, 1)).defaults["max_iter"]
        20
    """

    build: Callable[[nn.Module], torch.optim.Optimizer]
    closure: str = "none"
    create_graph: bool = False
    matrices_only: bool = False

    def __post_init__(self) -> None:
        if self.closure not in CLOSURES:
            raise ValueError(f"closure: got {self.closure!r}, want one of {', '.join(CLOSURES)}")


class Hook:
    """What a feature of training does during one run; each method by default does nothing.

    A feature is a callable (module, optimizer, x) -> Hook, called once per run, where x holds the training points as
    the features before it leave them.
    """

    def inputs(self, x: Tensor) -> Tensor:
        """What the net is shown for the points x, shape (n, d)."""
        return x

    def penalty(self, module: nn.Module) -> Tensor:
        """Added to the loss, a 0-dimensional tensor."""
        return torch.zeros(())

    def on_gradients(self, module: nn.Module) -> None:
        """Called when all gradients are there, before the step."""

    def after_step(self, module: nn.Module) -> None:
        """Called after each step."""

    def predictor(self, module: nn.Module) -> nn.Module:
        """The module that predicts."""
        return module


Feature: TypeAlias = Callable[[nn.Module, torch.optim.Optimizer, Tensor], Hook]
"""What is put around an optimizer: from module, optimizer and training points to a `Hook`, once per run."""


@dataclass(frozen=True)
class Trace:
    """What a run recorded, in float64.

    Attributes:
        outputs: shape (c, m): at c checkpoints, the first before training, the outputs at m test points.
        weights: the parameters at the same checkpoints.
        random: whether training drew from torch's, NumPy's or Python's global generator.
        gradients: how many times the gradient was evaluated in all.
    """

    outputs: Tensor
    weights: tuple[Weights, ...]
    random: bool
    gradients: int


def checkpoints(steps: int) -> tuple[int, ...]:
    """The numbers of steps after which a run is looked at: 0, 1, 2, 3, 5, 8, ... and the last.

    Example:
        >>> checkpoints(10)
        (0, 1, 2, 3, 5, 8, 10)
    """
    marks, a, b = [0], 1, 2
    while a < steps:
        marks.append(a)
        a, b = b, a + b
    return (*marks, steps) if steps else (0,)


@dataclass(frozen=True)
class Training:
    """A net, an update rule, a loss, batches and features: all of a learner but its data and its first weights.

    Args:
        network: builds the module, with outputs of shape (n, 1) or (n,); its weights are overwritten.
        rule: the optimizer.
        steps: number of optimizer steps, at least 0.
        loss: a key of `sims.learners.LOSSES`.
        batch: samples in a mini-batch, taken in order and starting over at the end; all samples if None.
        accumulate: mini-batches whose mean gradients are averaged for one step.
        features: hooks around the steps.

    Raises:
        ValueError: one of these is out of range.

    Example:
        >>> rule = UpdateRule(lambda module: torch.optim.SGD(module.parameters(), lr=0.5))
        >>> training = Training(lambda: nn.Linear(2, 1, bias=False), rule, steps=30)
        >>> x = torch.eye(2, dtype=torch.float64)
        >>> start = {"weight": torch.zeros(1, 2, dtype=torch.float64)}
        >>> trace = training.run(start, x, torch.tensor([1.0, -1.0]), x)
        >>> [round(float(v), 3) for v in trace.outputs[-1]], len(trace.outputs) == len(checkpoints(30))
        ([1.0, -1.0], True)
    """

    network: Callable[[], nn.Module]
    rule: UpdateRule
    steps: int
    loss: str = "square"
    batch: int | None = None
    accumulate: int = 1
    features: tuple[Feature, ...] = ()

    def __post_init__(self) -> None:
        integer("steps", self.steps, 0)
        integer("accumulate", self.accumulate, 1)
        if self.batch is not None:
            integer("batch", self.batch, 1)
        if self.loss not in LOSSES:
            raise ValueError(f"loss: got {self.loss!r}, want one of {', '.join(LOSSES)}")

    def run(
        self,
        start: Mapping[str, Tensor],
        x: Tensor,
        y: Tensor,
        tests: Tensor,
        *,
        dtype: torch.dtype = torch.float64,
        seed: int = 0,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
        drift: float = 0.0,
    ) -> Trace:
        """Train from the given weights and record the outputs at the test points.

        Args:
            start: the weights to start from, by name; not modified.
            x: training points, (n, d).
            y: labels, (n,).
            tests: points to predict at, (m, d).
            dtype: the precision that everything runs in.
            seed: of whatever the training draws.
            around: a context in which the optimizer is built and each of its steps runs.
            drift: a planted fault: each step also moves each parameter by this fraction of the step's length, in a
                fixed direction without any symmetry.
        """
        with _seeded(seed), one_thread():
            module = self.network().to(dtype)
            _load(module, start)
            fresh = _state_of_generators()
            with around():
                optimizer = self.rule.build(module)
            run = _Run(self, module, optimizer, *(t.to(dtype) for t in (x, y, tests)))
            marks = checkpoints(self.steps)
            outputs, weights = [], []
            for step in range(self.steps + 1):
                if step:
                    with _drifting(module, drift) if drift else nullcontext():
                        run.step(around)
                if step in marks:
                    outputs.append(run.predict())
                    weights.append({n: p.detach().double().clone() for n, p in module.named_parameters()})
            return Trace(torch.stack(outputs), tuple(weights), fresh != _state_of_generators(), run.gradients)


class _Run:
    """A module with its optimizer, hooks and data, between its first step and its last."""

    def __init__(
        self,
        training: Training,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        x: Tensor,
        y: Tensor,
        tests: Tensor,
    ) -> None:
        self.training, self.module, self.optimizer = training, module, optimizer
        self.hooks: list[Hook] = []
        for feature in training.features:
            hook = feature(module, self.optimizer, x)
            x, tests = hook.inputs(x), hook.inputs(tests)
            self.hooks.append(hook)
        self.tests = tests
        self.batches = _batches(x, y, training.batch or len(x))
        self.gradients = 0
        self.mode = ""

    def step(self, around: Callable[[], AbstractContextManager[Any]]) -> None:
        """One step of the optimizer, whose own code runs inside the given context."""
        self._switch("train")
        batches = [next(self.batches) for _ in range(self.training.accumulate)]
        closure = self.training.rule.closure
        step: Callable[..., Any] = self.optimizer.step
        if closure == "backward":
            with around():
                step(lambda: self._descend(batches))
        else:
            loss = self._descend(batches)
            with around():
                step(lambda: loss) if closure == "loss" else step()
        for hook in self.hooks:
            hook.after_step(self.module)

    def _switch(self, mode: str) -> None:
        """Schedule-free optimizers, like modules, keep different weights for training and for predicting."""
        for thing in (self.module, self.optimizer) if mode != self.mode else ():
            change = getattr(thing, mode, None)
            if callable(change):
                change()
        self.mode = mode

    @torch.enable_grad()
    def _descend(self, batches: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Put the gradients where the optimizer looks for them and return the loss."""
        self.gradients += 1
        self.optimizer.zero_grad()
        total = torch.zeros((), dtype=self.tests.dtype)
        for x, y in batches:
            fit = LOSSES[self.training.loss](self.module(x).reshape(len(x)), y).mean()
            loss = fit + sum(hook.penalty(self.module).to(fit.dtype) for hook in self.hooks)
            loss = loss / len(batches) if len(batches) > 1 else loss
            _backward(loss, self.training.rule.create_graph)
            total = total + loss.detach()
        for hook in self.hooks:
            hook.on_gradients(self.module)
        return total

    def predict(self) -> Tensor:
        """Outputs at the test points, in double."""
        self._switch("eval")
        module = self.module
        for hook in self.hooks:
            module = hook.predictor(module)
        with torch.no_grad():
            outputs: Tensor = module(self.tests)
        return outputs.reshape(len(self.tests)).double()


def _backward(loss: Tensor, create_graph: bool) -> None:
    if not create_graph:
        loss.backward()  # type: ignore[no-untyped-call]
        return
    with warnings.catch_warnings():
        # torch says so once in a process; zero_grad breaks the cycle that it warns of
        warnings.filterwarnings("ignore", message=r"Using backward\(\) with create_graph=True")
        loss.backward(create_graph=True)  # type: ignore[no-untyped-call]


def _batches(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Mini-batches in order, starting over at the end."""
    place = 0
    while size == len(x):
        yield x, y
    while True:
        rows = torch.arange(place, place + size) % len(x)
        yield x[rows], y[rows]
        place = (place + size) % len(x)


def first_layer(module: nn.Module) -> str:
    """The name of the matrix that meets the inputs: the weight of the first `nn.Linear`.

    Raises:
        ValueError: the module has no linear layer.

    Example:
        >>> first_layer(nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)))
        '0.weight'
    """
    for name, part in module.named_modules():
        if isinstance(part, nn.Linear):
            return f"{name}.weight" if name else "weight"
    raise ValueError(f"module: got {type(module).__name__} without an nn.Linear, want a fully-connected first layer")


def initial(module: nn.Module, generator: torch.Generator) -> Weights:
    """Generic weights to start from: Gaussian matrices N(0, 1/fan_in), and N(0, 0.01) about 0 or, for scales, about 1.

    The law of the first layer is O(d)-invariant, and nothing starts at a special value such as zero.

    Example:
        >>> start = initial(nn.Linear(3, 2), torch.Generator().manual_seed(0))
        >>> {name: tuple(w.shape) for name, w in start.items()}
        {'weight': (2, 3), 'bias': (2,)}
    """
    return {
        name: torch.randn(p.shape, generator=generator, dtype=torch.float64) / p.shape[1] ** 0.5
        if p.ndim > 1
        else torch.randn(p.shape, generator=generator, dtype=torch.float64) / 10 + (not name.endswith("bias"))
        for name, p in module.named_parameters()
    }


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """All global generators start from the seed and are put back afterwards."""
    states = np.random.get_state(), random.getstate()  # noqa: NPY002  other people's code draws from the global one
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(states[0])  # noqa: NPY002
            random.setstate(states[1])


def _state_of_generators() -> tuple[bytes, bytes, object]:
    numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
    inner = numpy_state["state"]
    return (
        torch.get_rng_state().numpy().tobytes(),
        inner["key"].tobytes() + bytes([inner["pos"] % 256]),
        random.getstate(),
    )


def _load(module: nn.Module, start: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(start[name])


@contextmanager
def _drifting(module: nn.Module, size: float) -> Iterator[None]:
    before = [p.detach().clone() for p in module.parameters()]
    yield
    with torch.no_grad():
        for p, old in zip(module.parameters(), before, strict=True):
            # Entries without any pattern: what is alike in all rows, for one, would vanish in a layer norm.
            astray = torch.arange(1, p.numel() + 1, dtype=p.dtype).cos().reshape(p.shape)
            p.add_(astray * (size * (p - old).norm() / astray.norm()))
