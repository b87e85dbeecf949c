"""Real simplicial layers and nets under relabelling and changes of orientation, held against what the theory predicts.

Three layers with random weights run on random triangulations, and again on the moved ones with moved features. What
rounding does is measured by controls: the same run with weights and features changed in the last bit. A residual is
read against that in double and single precision, by the rules of `verify.verdicts`, and a run with a planted drift
must be refuted. Whole nets go from node features to outputs, with the features on edges and triangles made anew on the
moved complex; and training is run twice, on a complex and on the moved one.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sims.simplicial_complexes import Complex, Maps, Move, operators, relabelling, reorientation, triangulation
from sims.simplicial_images import ones
from sims.simplicial_layers import Fields, Layer, lift
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from theory.simplicial_complexes import TERMS
from verify.coupling import CONTROLS, Curve
from verify.verdicts import CLEAR, DRIFT, Judgement, judge

__all__ = ["ACTIVATIONS", "SIZES", "measurements"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "identity": lambda x: x,
    "ReLU": torch.relu,
    "absolute value": torch.abs,
    "softplus": nn.functional.softplus,
}
ODD = ("tanh", "identity")
SIZES = (50, 400, 2000)
"""Points of the random triangulations; the last has some 4000 triangles."""
CHANNELS, WIDTH, DEPTH, CLASSES, IMAGES, STEPS, RATE = 3, 4, 3, 4, 2, 3, 1e-2
SECONDS = 0.5
"""About how long one measurement takes."""
MOVES: dict[str, Callable[[Complex, np.random.Generator], Move]] = {
    "relabelling": relabelling,
    "orientation": reorientation,
}

Run = Callable[[torch.dtype, Move | None, float, int | None], list[Tensor]]
"""From a precision, a move, a drift and a control's number to a tensor at each depth or step, moved back."""


def measurements(seed: int) -> Iterator[tuple[Step, Verdict, float]]:
    """Layers, nets and trainings under both kinds of moves, with the verdicts that the theory predicts.

    The mutant of a pass is a planted drift, that of a refutation draws relabellings, which every activation keeps.

    Args:
        seed: of everything random.

    Yields:
        A step, its expected verdict and about how many seconds it takes.
    """
    for name in ("tanh", "ReLU", "absolute value"):
        yield _measurement("simplicial-equivariant", f"layers with {name}", _layers, name, "relabelling", True, seed)
    for name in ACTIVATIONS:
        kept = name in ODD
        yield _measurement("simplicial-equivariant", f"layers with {name}", _layers, name, "orientation", kept, seed)
    for title, inputs, kept in (("differences and wedge products", lift, True), ("all ones", ones, False)):
        run = functools.partial(_net, inputs=inputs)
        claim = "simplicial-net" if kept else "simplicial-inputs"
        yield _measurement(claim, f"net with tanh and {title}", run, "tanh", "orientation", kept, seed)
    for name in ("tanh", "ReLU"):
        kept = name in ODD
        yield _measurement("simplicial-net", f"training with {name}", _training, name, "orientation", kept, seed)


def _measurement(
    claim: str, what: str, subject: Callable[..., Run], activation: str, moves: str, kept: bool, seed: int
) -> tuple[Step, Verdict, float]:
    def check(drawn: str = moves, drift: float = 0.0) -> Evidence:
        return examine(subject, activation, drawn, seed, drift)

    mutant = (
        Mutant(f"a drift of {DRIFT:g} of one channel of the nodes is planted", drift=DRIFT)
        if kept
        else Mutant("moves are relabellings", drawn="relabelling")
    )
    expected = Verdict.CERTIFIED if kept else Verdict.REFUTED
    return Step(claim, f"simplicial: {what}, {moves}", check, Trust.SAMPLED, mutant, ()), expected, SECONDS


def examine(subject: Callable[..., Run], activation: str, moves: str, seed: int, drift: float = 0.0) -> Evidence:
    """One subject with one activation under one kind of moves, on a triangulation of each size.

    Args:
        subject: from a complex, an activation's name and a seed to a run.
        activation: one of `ACTIVATIONS`.
        moves: ``relabelling`` or ``orientation``.
        seed: of everything random.
        drift: a fault to plant in the moved run: one channel of the nodes is multiplied by 1 + drift.
    """
    found = []
    for place, run in _posed(subject, activation, seed):
        found.append(_judged(run, _move(place, moves, seed), drift))
    verdicts = {judgement.verdict for judgement in found}
    worst = next(v for v in (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.CERTIFIED) if v in verdicts)
    alike = {size: judgement for size, judgement in zip(SIZES, found, strict=True) if judgement.verdict is worst}
    shown = max(alike.values(), key=lambda judgement: judgement.ratio)
    text = f"{shown.level or worst.value}: {shown.reason}, at {', '.join(map(str, alike))} points"
    return Evidence(worst, Trust.SAMPLED, text, _certificate(found, activation, moves, seed, worst))


@functools.cache
def _posed(subject: Callable[..., Run], activation: str, seed: int) -> list[tuple[Complex, Run]]:
    """A random triangulation of each size with the subject on it."""
    draws = np.random.default_rng([seed, len(SIZES)]).integers(2**63, size=len(SIZES))
    return [(p, subject(p, activation, int(n))) for p, n in zip(_triangulations(seed), draws, strict=True)]


@functools.cache
def _move(found: Complex, moves: str, seed: int) -> Move:
    return MOVES[moves](found, np.random.default_rng([seed, *found.counts]))


@functools.cache
def _place(found: Complex, move: Move | None) -> Complex:
    return found if move is None else move.complex(found)


@functools.cache
def _maps(place: Complex, dtype: torch.dtype) -> Maps:
    return operators(place, dtype)


@functools.cache
def _triangulations(seed: int) -> list[Complex]:
    draws = (np.random.default_rng([seed, k]) for k in range(len(SIZES)))
    return [triangulation(rng.uniform(0, 1, (size, 2))) for size, rng in zip(SIZES, draws, strict=True)]


def _certificate(found: Sequence[Judgement], activation: str, moves: str, seed: int, worst: Verdict) -> dict[str, Any]:
    numbers = [
        {"points": n, "verdict": j.verdict.value, "residual": j.residual, "control": j.control}
        for n, j in zip(SIZES, found, strict=True)
    ]
    refuted = [n for n in numbers if n["verdict"] == Verdict.REFUTED.value]
    return {
        "kind": "trials",
        "count": len(found),
        "counterexample": refuted[0] if worst is Verdict.REFUTED else None,
        "seed": seed,
        "activation": activation,
        "moves": moves,
        "clear": CLEAR,
        "triangulations": numbers,
    }


def _judged(run: Run, move: Move, drift: float) -> Judgement:
    return judge(
        _curve(run, torch.float64, move, drift),
        lambda: _curve(run, torch.float32, move, drift),
        lambda: _curve(run, torch.float64, move, DRIFT),
    )


def _curve(run: Run, dtype: torch.dtype, move: Move, drift: float) -> Curve:
    """At each depth or step: the gap to the moved run, what one last bit changes, and the size of what is compared."""
    base, control = _rounding(run, dtype)
    size = np.maximum.accumulate([float(x.abs().max()) for x in base])
    return Curve(
        steps=tuple(range(1, len(base) + 1)),
        violation=_gaps(run(dtype, move, drift, None), base),
        control=control,
        moved=size,
        resolution=torch.finfo(dtype).eps * size,
    )


@functools.cache
def _rounding(run: Run, dtype: torch.dtype) -> tuple[list[Tensor], Any]:
    """The run on the complex itself, and the greatest gap to it that a last bit made so far."""
    base = run(dtype, None, 0.0, None)
    controls = [_gaps(run(dtype, None, 0.0, k), base) for k in range(CONTROLS)]
    return base, np.maximum.accumulate(np.max(controls, axis=0))


def _gaps(a: Sequence[Tensor], b: Sequence[Tensor]) -> Any:
    return np.array([float((x - y).abs().max()) for x, y in zip(a, b, strict=True)])


class _Pooled(nn.Module):
    """Layers, then a linear function of means: of node features and of squares on edges and triangles."""

    def __init__(self, inputs: Fields, activation: str, draws: torch.Generator) -> None:
        super().__init__()
        widths = [tuple(inputs[k].shape[2] for k in range(3)), *[(WIDTH,) * 3] * DEPTH]
        s = ACTIVATIONS[activation]
        self.layers = nn.ModuleList(Layer(TERMS, *pair, s, draws) for pair in itertools.pairwise(widths))
        self.head = nn.Parameter(torch.randn(3 * WIDTH, CLASSES, generator=draws))

    def forward(self, maps: Maps, fields: Fields) -> Tensor:
        """Outputs of shape (batch, classes) from features of shapes (n_k, batch, channels)."""
        for layer in self.layers:
            fields = layer(maps, fields)
        means = [fields[0].mean(dim=0), *(fields[k].square().mean(dim=0) for k in (1, 2))]
        return torch.cat(means, dim=1) @ self.head


def _layers(found: Complex, activation: str, seed: int) -> Run:
    """All fields after each layer, joined to one tensor, from random features on all simplices."""
    draws = torch.Generator().manual_seed(seed)
    kinds = [Layer(TERMS, (CHANNELS,) * 3, (CHANNELS,) * 3, ACTIVATIONS[activation], draws) for _ in range(DEPTH)]
    start = {k: torch.randn(n, 1, CHANNELS, generator=draws, dtype=torch.float64) for k, n in enumerate(found.counts)}

    def run(dtype: torch.dtype, move: Move | None, drift: float, control: int | None) -> list[Tensor]:
        place = _place(found, move)
        fields = _started(start, move, drift, control, dtype)
        maps, seen = _maps(place, dtype), []
        with torch.no_grad():
            for layer in _in_precision(kinds, dtype, control):
                fields = layer(maps, fields)
                seen.append(torch.cat([x.flatten() for x in _back(fields, move).values()]).double())
        return seen

    return run


def _net(found: Complex, activation: str, seed: int, inputs: Callable[[Complex, Tensor], Fields]) -> Run:
    """A whole net's outputs at some images, features on edges and triangles made by `inputs`."""
    draws = torch.Generator().manual_seed(seed)
    start = {0: torch.randn(found.counts[0], IMAGES, CHANNELS, generator=draws, dtype=torch.float64)}
    net = _Pooled(inputs(found, start[0]), activation, draws)

    def run(dtype: torch.dtype, move: Move | None, drift: float, control: int | None) -> list[Tensor]:
        place = _place(found, move)
        nodes = _started(start, move, drift, control, dtype)[0]
        (again,) = _in_precision([net], dtype, control)
        with torch.no_grad():
            return [again(_maps(place, dtype), inputs(place, nodes)).double()]

    return run


def _training(found: Complex, activation: str, seed: int) -> Run:
    """All weights of a net after each step of SGD on random classes."""
    draws = torch.Generator().manual_seed(seed)
    nodes = torch.randn(found.counts[0], IMAGES, CHANNELS, generator=draws, dtype=torch.float64)
    start = {0: 0.1 * nodes}  # so that no activation makes the classes' probabilities 0 or 1
    net = _Pooled(lift(found, start[0]), activation, draws)
    classes = torch.randint(CLASSES, (IMAGES,), generator=draws)

    def run(dtype: torch.dtype, move: Move | None, drift: float, control: int | None) -> list[Tensor]:
        place = _place(found, move)
        fields = lift(place, _started(start, move, drift, control, dtype)[0])
        (again,) = _in_precision([net], dtype, control)
        optimizer, maps, seen = torch.optim.SGD(again.parameters(), lr=RATE), _maps(place, dtype), []
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.cross_entropy(again(maps, fields), classes).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seen.append(torch.cat([w.detach().flatten() for w in again.parameters()]).double())
        return seen

    return run


def _started(
    start: Fields, move: Move | None, drift: float, control: int | None, dtype: torch.dtype
) -> dict[int, Tensor]:
    """The features a run starts from: jittered for a control, with a drift in one channel of the nodes, moved."""
    fields = {k: _jittered(x, dtype, control) for k, x in start.items()}
    fields[0][..., 0] *= 1 + drift
    return {k: (x if move is None else move.field(k, x)).to(dtype) for k, x in fields.items()}


def _in_precision(modules: Sequence[nn.Module], dtype: torch.dtype, control: int | None) -> list[nn.Module]:
    """Copies with weights in a precision, jittered for a control."""
    copies = [copy.deepcopy(module).double() for module in modules]
    for weights in (w for module in copies for w in module.parameters()):
        weights.data = _jittered(weights.data, dtype, control).to(dtype)
    return copies


def _jittered(x: Tensor, dtype: torch.dtype, control: int | None) -> Tensor:
    """A copy; for a control each entry grows or shrinks by about one unit in the last place, or stays."""
    if control is None:
        return x.clone()
    steps = torch.randint(-1, 2, x.shape, generator=torch.Generator().manual_seed(control)).to(x)
    return x * (1 + torch.finfo(dtype).eps * steps)


def _back(fields: Fields, move: Move | None) -> Fields:
    return fields if move is None else {k: move.inverse.field(k, x) for k, x in fields.items()}
