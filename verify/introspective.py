"""The real introspective loop, coupled: run on data, and on data, weights, first samples and noise moved by g.

The loop is that of `sims.introspective`, on real digits. All runs of one question are replicas of one stack: the run
itself, its twins, and controls that are moved by a random rotation and back. After each round the outputs at test
images are compared, twin against run, and read against the controls as in `verify.verdicts`. Nothing acts on the
filters of a conv net, so they stay as they are: its row says that these runs part. That its law changes too is seen in
its test error, which a shuffling of all pixels raises (`sims.introspective`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sims.introspective import CLIMB, NETS, SCALE, split
from sims.introspective_loop import HABITS, Habit, Loop, gaussian_draws
from sims.learners import FullyConnected, first_weights
from sims.replicas import Recipe
from sims.threads import one_thread
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from theory.groups import GROUPS, ORTHOGONAL, inverse
from verify.coupling import CONTROLS, Curve
from verify.regimes import informative_elements
from verify.verdicts import CLEAR, DRIFT, judge

__all__ = ["Question", "coupled", "measurements"]

SAMPLES, TESTS, ROUNDS, STEPS = 16, 8, 3, 30
SECONDS = 0.35


@dataclass(frozen=True)
class Question:
    """Does the loop with a net and a habit of synthesis keep a group?

    Attributes:
        net: a key of `sims.introspective.NETS`.
        habit: a key of `sims.introspective_loop.HABITS`.
        group: a name in `theory.groups.GROUPS`.
        keeps: what is expected.
    """

    net: str
    habit: str
    group: str
    keeps: bool


QUESTIONS = (
    Question("fc", "none", "orthogonal", True),
    Question("fc", "none", "permutation", True),
    Question("conv", "none", "orthogonal", False),
    Question("fc", "sign", "orthogonal", False),
    Question("fc", "sign", "sign_flip", True),
    Question("fc", "sign", "permutation", True),
    Question("fc", "adam", "orthogonal", False),
    Question("fc", "adam", "sign_flip", True),
    Question("fc", "adam", "permutation", True),
    Question("fc", "clip", "orthogonal", False),
    Question("fc", "clip", "sign_flip", False),
    Question("fc", "clip", "permutation", True),
    Question("fc", "min-max", "orthogonal", False),
    Question("fc", "min-max", "sign_flip", False),
    Question("fc", "min-max", "permutation", True),
)


def coupled(net: str, habit: Habit, elements: Sequence[NDArray[Any]], seed: int, dtype: torch.dtype) -> Curve:
    """What coupled runs of the loop show after each round, the greatest violation over the elements.

    Args:
        net: a key of `sims.introspective.NETS`.
        habit: of the synthesis.
        elements: matrices of shape (64, 64).
        seed: of the images, first weights, draws and controls.
        dtype: the precision that everything runs in.

    Raises:
        ValueError: an unknown net, there are no elements, or one is singular.

    Example:
        >>> curve = coupled("fc", HABITS["none"], [np.eye(64)[::-1]], 0, torch.float64)
        >>> bool(curve.violation[-1] < 1e-9 < curve.moved[-1])
        True
    """
    if net not in NETS:
        raise ValueError(f"net: got {net!r}, want one of {', '.join(NETS)}")
    if not elements:
        raise ValueError("elements: got none, want at least one")
    rng = np.random.default_rng(seed)
    rotations = [ORTHOGONAL.float_element(64, rng) for _ in range(CONTROLS)]
    there = [np.eye(64), *elements, *rotations]
    back = [np.eye(64)] * (1 + len(elements)) + [g.T for g in rotations]
    outputs = _run(net, habit, [there, back], seed, dtype)
    base, others = outputs[:, :1], (outputs[:, 1:] - outputs[:, :1]).abs().amax(dim=2).numpy()
    sizes = base.abs().amax(dim=(1, 2)).numpy()
    return Curve(
        steps=tuple(range(ROUNDS + 1)),
        violation=others[:, : len(elements)].max(axis=1),
        control=np.maximum.accumulate(others[:, len(elements) :].max(axis=1)),
        moved=np.maximum.accumulate((base - base[:1]).abs().amax(dim=(1, 2)).numpy()),
        resolution=torch.finfo(dtype).eps * np.maximum.accumulate(sizes),
    )


@dataclass(frozen=True)
class _Moves:
    """How each replica of a stack is moved: by its element of the first list, then by that of the next."""

    elements: Sequence[Sequence[Any]]
    dtype: torch.dtype

    def points(self, x: Tensor) -> Tensor:
        """Points (..., R, m, d) with g x in replica g, rounded after each move."""
        for stack in self.elements:
            x = (x.double() @ torch.from_numpy(np.stack(stack)).transpose(1, 2)).to(self.dtype)
        return x

    def weights(self, w: Tensor) -> Tensor:
        """First-layer weights (R, h, d) with w g^-1 in replica g, rounded after each move."""
        for stack in self.elements:
            back = np.stack([inverse(np.asarray(g, dtype=np.float64)) for g in stack])
            w = (w.double() @ torch.from_numpy(back)).to(self.dtype)
        return w


def _run(net: str, habit: Habit, elements: Sequence[Sequence[Any]], seed: int, dtype: torch.dtype) -> Tensor:
    """Outputs at the test images, (rounds + 1, replicas, tests), of a stack whose replicas are moved, one by one."""
    model, moves, count = NETS[net], _Moves(elements, dtype), len(elements[0])
    source = np.random.SeedSequence(seed, spawn_key=(1,))
    x, y, tests, _ = (torch.from_numpy(a).to(dtype) for a in split(SAMPLES, np.random.default_rng(source)))
    drawn = gaussian_draws([source], SAMPLES // 2, CLIMB, model.dimension, x, SCALE)

    def draws(number: int) -> tuple[Tensor, Tensor]:
        start, noise = drawn(number)
        return moves.points(start.expand(count, -1, -1)), moves.points(noise.expand(-1, count, -1, -1))

    weights = [w.expand(count, -1, -1).contiguous() for w in first_weights(model, [source], dtype)]
    if isinstance(model, FullyConnected):
        weights[0] = moves.weights(weights[0])
    recipe = Recipe(model, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}, steps=STEPS, loss="logistic")
    points, images = (moves.points(a.expand(count, -1, -1)) for a in (x, tests[:TESTS]))
    with one_thread():
        found = Loop(recipe, ROUNDS, habit=habit).run(weights, points, y.repeat(count, 1), draws, images)
    return torch.stack(found.outputs).double()


def _drifting(habit: Habit, drift: float) -> Habit:
    """The habit with a planted fault: each step moves a sample by this fraction of its norm, the same way always."""
    if not drift:
        return habit

    def image(x: Tensor) -> Tensor:
        after = habit.image(x)
        astray = torch.arange(1, x.shape[2] + 1, dtype=x.dtype).cos()
        size: Tensor = after.norm(dim=2, keepdim=True) / astray.norm()
        return after + drift * size * astray

    return replace(habit, image=image)


def finding(question: Question, seed: int, drift: float = 0.0) -> Evidence:
    """The verdict on a question, perhaps with a planted drift."""
    elements = informative_elements(GROUPS[question.group], 64, seed)
    habit = HABITS[question.habit]
    found = judge(
        coupled(question.net, _drifting(habit, drift), elements, seed, torch.float64),
        lambda: coupled(question.net, habit, elements, seed, torch.float32),
        lambda: coupled(question.net, _drifting(habit, DRIFT), elements[:1], seed, torch.float64),
    )
    refuted = found.verdict is Verdict.REFUTED
    certificate = {
        "kind": "trials",
        "count": len(elements),
        "counterexample": {"group": question.group, "seed": seed} if refuted else None,
        "seed": seed,
        "net": question.net,
        "habit": question.habit,
        "group": question.group,
        "level": found.level,
        "residual": found.residual,
        "control": found.control,
        "clear": CLEAR,
    }
    summary = f"{found.reason}, {ROUNDS} rounds on {SAMPLES} digits"
    return Evidence(found.verdict, Trust.SAMPLED, summary, certificate)


def measurements(seed: int) -> Iterator[tuple[Step, Verdict, float]]:
    """Each question as a step to run, with the expected verdict and about how many seconds it takes.

    The mutant of what is kept is a planted drift. That of what is broken asks about permutations, which are kept, and
    of the conv net about a fully-connected one.
    """
    for question in QUESTIONS:
        yield _measurement(question, seed), Verdict.CERTIFIED if question.keeps else Verdict.REFUTED, SECONDS


def _measurement(question: Question, seed: int) -> Step:
    def check(net: str = question.net, group: str = question.group, drift: float = 0.0) -> Evidence:
        return finding(replace(question, net=net, group=group), seed, drift)

    if question.keeps:
        mutant = Mutant(f"each step of synthesis goes astray by {DRIFT:g} of the sample", drift=DRIFT)
    elif question.net == "conv":
        mutant = Mutant("the net is fully-connected", net="fc")
    else:
        mutant = Mutant("elements are drawn from S_d", group="permutation")
    claim = "introspective-equivariant" if question.habit == "none" else "introspective-broken"
    habits = {"none": "clean", "sign": "sign steps", "adam": "Adam steps", "clip": "clipping", "min-max": "min-max"}
    nets = {"fc": "fully-connected", "conv": "conv"}
    what = f"{nets[question.net]}, {habits[question.habit]}, {GROUPS[question.group].title}"
    return Step(claim, f"introspective: {what}", check, Trust.SAMPLED, mutant, ())
