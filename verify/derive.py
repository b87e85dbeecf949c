r"""Which group an optimizer's update rule keeps, derived from the operations that its code performs.

A net on d inputs sees its first layer's matrix W1, of shape (h, d), only through W1 x. Move the data, x -> g x, and
W1 -> W1 g^T with g orthogonal, and everything else stays: so do the outputs, and the gradient of W1 moves as W1 does.
An optimizer that keeps this relation from step to step is equivariant under g: conditions (1) and (2) of Theorem C.1.

Here a real optimizer trains a small real net, and how each tensor transforms is followed through every operation, of
the net as well as of the optimizer (`verify.signature_tracker`). If after each step W1 moves as it did and all other
parameters are inert, then the group is *derived*. This proves what it says in exact arithmetic, for the branches of
the code that were taken, in the number of steps taken: what depends on the step, the shape or the options beyond that
was not met. It never refutes: that nothing is derived may be for want of a rule. See `verify.signature_tracker` for
what is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from sims.threads import one_thread
from theory.validate import integer
from verify.signature_groups import DOMAINS
from verify.signature_tracker import Tracker
from verify.signatures import FIXED, last_axis

__all__ = ["CLOSURES", "Build", "Derivation", "derive"]

Build = Callable[[nn.Module], torch.optim.Optimizer]
"""From a module to the optimizer that trains it."""

CLOSURES = ("none", "backward", "loss")
"""How an optimizer is called: without a closure, with one that computes gradients, with one that knows the loss."""

GROUPS = ("orthogonal", "signed_permutation", "permutation", "sign_flip")
"""The largest first."""

SHAPES = ((5, 7), (7, 5))
"""(d, h): code may treat tall and wide matrices differently. All other sizes differ from these."""
SAMPLES, WIDTH, DTYPE = 11, 3, torch.float64


@dataclass(frozen=True)
class Derivation:
    """What was derived of an optimizer.

    Attributes:
        kept: for each group, True if it is kept, None if that is unknown. Never False.
        largest: the largest group derived, "unknown" if there is none.
        reasons: for each group that is not derived, the step and the operation with which it was lost.
        low_precision: floating dtypes narrower than the parameters' of tensors, not scalars, that were met.
        random: operations, or generators, that drew random numbers.
        steps: the number of steps asked for.
    """

    kept: Mapping[str, bool | None]
    largest: str
    reasons: Mapping[str, str]
    low_precision: tuple[str, ...]
    random: tuple[str, ...]
    steps: int


def derive(
    build: Build, *, closure: str = "none", create_graph: bool = False, matrices_only: bool = False, steps: int = 25
) -> Derivation:
    """Train small nets with an optimizer and follow how every tensor transforms.

    Torch's global generator is seeded and put back. Exceptions of the optimizer are passed on.

    Args:
        build: makes the optimizer for a module.
        closure: one of `CLOSURES`.
        create_graph: compute gradients that can be differentiated again.
        matrices_only: a net without biases.
        steps: number of steps on each of two nets, at least 1.

    Raises:
        ValueError: an unknown closure, or steps < 1.

    Example:
        >>> found = derive(lambda module: torch.optim.Adam(module.parameters()))
        >>> found.largest, found.reasons["orthogonal"]
        ('signed_permutation', 'step 1: aten.sqrt of what moves')
    """
    if closure not in CLOSURES:
        raise ValueError(f"closure: got {closure!r}, want one of {', '.join(CLOSURES)}")
    integer("steps", steps, 1)
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(0)
        runs = [_Run(d, h, closure, create_graph, matrices_only) for d, h in SHAPES]
        return _concluded([run.train(build, steps) for run in runs], steps)


class _Run:
    """One net, its data, and what is known of all tensors."""

    def __init__(self, d: int, h: int, closure: str, create_graph: bool, matrices_only: bool) -> None:
        bias = not matrices_only
        layers = (nn.Linear(d, h, bias), nn.Tanh(), nn.Linear(h, WIDTH, bias), nn.Tanh(), nn.Linear(WIDTH, 1, bias))
        self.module = nn.Sequential(*layers).to(DTYPE)
        self.points, self.labels = torch.randn(SAMPLES, d, dtype=DTYPE), torch.randn(SAMPLES, 1, dtype=DTYPE)
        self.closure, self.create_graph = closure, create_graph
        self.tracker = Tracker(d, DTYPE)
        self.first, *self.others = self.module.parameters()
        for moves in (self.first, self.points):
            self.tracker.declare(moves, last_axis(moves.shape))
        for stays in (*self.others, self.labels):
            self.tracker.declare(stays)

    def train(self, build: Build, steps: int) -> Tracker:
        """Build the optimizer and run it until all groups are lost, or for that many steps."""
        with self.tracker.following():
            optimizer: Any = build(self.module)
            if callable(getattr(optimizer, "train", None)):  # schedule-free ones want to be told
                optimizer.train()
        for step in range(1, steps + 1):
            self.tracker.moment = f"step {step}"
            with self.tracker.following():
                self._step(optimizer)
            self._check()
            if len(self.tracker.lost) == len(DOMAINS):
                break
        return self.tracker

    def _step(self, optimizer: Any) -> None:
        def gradients() -> Tensor:
            with torch.enable_grad():
                optimizer.zero_grad()
                loss: Tensor = (self.module(self.points) - self.labels).square().mean()
                if self.create_graph:  # not backward(), which warns that it keeps the graph alive
                    parameters = list(self.module.parameters())
                    for p, g in zip(parameters, torch.autograd.grad(loss, parameters, create_graph=True), strict=True):
                        p.grad = g
                else:
                    loss.backward()  # type: ignore[no-untyped-call]
            return loss

        if self.closure == "backward":
            optimizer.step(gradients)
            return
        loss = gradients()
        if self.closure == "loss":
            optimizer.step(lambda: loss)
        else:
            optimizer.step()

    def _check(self) -> None:
        """Give up each group under which W1 no longer moves or another parameter is no longer inert."""
        self.first, *self.others = self.module.parameters()  # the module may have got new ones
        for group in DOMAINS:
            for p, wanted in ((self.first, last_axis(self.first.shape)), *((p, FIXED) for p in self.others)):
                known = self.tracker.known(p, group)
                if not (known.every or wanted.signatures <= known.signatures):
                    self.tracker.give_up(group, known.lost or "a parameter no longer transforms as it did")


def _concluded(trackers: list[Tracker], steps: int) -> Derivation:
    """A group is derived if it is in all runs; those of all flips and all permutations are the signed permutations."""
    reasons = {group: why for t in reversed(trackers) for group, why in t.lost.items()}
    if "orthogonal" not in reasons:
        reasons = {}
    if parts := [reasons[group] for group in ("permutation", "sign_flip") if group in reasons]:
        reasons["signed_permutation"] = parts[0]
    kept = {group: None if group in reasons else True for group in reversed(GROUPS)}
    return Derivation(
        kept=MappingProxyType(kept),
        largest=next((group for group in GROUPS if kept[group]), "unknown"),
        reasons=MappingProxyType(reasons),
        low_precision=tuple(dict.fromkeys(name for t in trackers for name in t.narrow)),
        random=tuple(dict.fromkeys(name for t in trackers for name in t.random)),
        steps=steps,
    )
