"""The warm-up of Section 4.1, run: real learners held against the exact least error of claim ex-4.1-exact.

Three learners meet the same task (`theory.warmup.sample`):

- ``fc``: a fully-connected net with Gaussian first layer, trained by torch's SGD with momentum. Its training is
  O(d)-equivariant in law, so it cannot beat the bound.
- ``kernel``: sign of K(x, X) K(X, X)^+ y with K(x, x') = sinh <x, x'>. K is odd, so K(x, x') is exactly 0 for an unseen
  coordinate and the prediction there is a fair coin: this O(d)-equivariant learner attains the bound.
- ``conv``: a conv net with one pooled filter, trained by torch's SGD with momentum. It is not equivariant; one sample
  tells it whether the label is the sign of the sum of the entries or the opposite.

Every replica has its own training sample, its own initial weights and one fresh test point, so the number of
wrong replicas is exactly Binomial(trials, E err) and its Clopper-Pearson interval is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from sims.learners import Convolutional, FullyConnected, Learner
from sims.statistics import clopper_pearson, detectable_rate
from sims.threads import one_thread
from theory.evidence import Evidence, Trust, Verdict
from theory.validate import integer
from theory.warmup import least_error, sample

__all__ = ["ALPHA", "LEARNERS", "Point", "Rule", "Warmup", "judge", "measure", "run", "sample_sizes"]

ALPHA = 1e-3
"""The probability that any interval of one whole experiment misses (Bonferroni over its points)."""
POWER = 0.9
"""The power at which `judge` states what it would have seen."""

Rule = Callable[[Tensor, Tensor, Tensor, torch.Generator], Tensor]
"""From training points (R, n, d), labels (R, n), test points (R, d) and a source of randomness to outputs (R,)."""


@dataclass(frozen=True)
class Point:
    """One learner at one dimension d and sample count n.

    Attributes:
        learner: its name.
        d: dimension.
        n: number of training samples.
        wrong: replicas that erred on their test point.
        trials: number of replicas.
        low: lower end of the simultaneous interval for the expected error.
        high: its upper end.
        exact: the least expected error of an equivariant learner, `theory.warmup.least_error`.
    """

    learner: str
    d: int
    n: int
    wrong: int
    trials: int
    low: float
    high: float
    exact: Fraction


@dataclass(frozen=True)
class Warmup:
    """A whole experiment: all intervals hold together with probability at least 1 - alpha."""

    points: tuple[Point, ...]
    seed: int
    alpha: float


def sample_sizes(d: int) -> tuple[int, ...]:
    """The sample counts tried at dimension d, increasing; they include the threshold d ln 2 for error 1/4.

    Raises:
        ValueError: d < 1.

    Example:
        >>> sample_sizes(16)
        (0, 1, 2, 4, 8, 11, 16, 32, 48)
    """
    integer("d", d, 1)
    return tuple(sorted({0, 1, 2, d // 4, d // 2, round(d * math.log(2)), d, 2 * d, 3 * d}))


def _fully_connected(x: Tensor, y: Tensor, test: Tensor, generator: torch.Generator) -> Tensor:
    model = FullyConnected((test.shape[1], 32, 1))
    return _trained(Learner(model, torch.optim.SGD, {"lr": 0.2, "momentum": 0.7}, 40), x, y, test, generator)


def _kernel(x: Tensor, y: Tensor, test: Tensor, _: torch.Generator) -> Tensor:
    gram = torch.sinh(x @ x.transpose(1, 2))
    # Repeated coordinates make the Gram matrix singular; its non-zero eigenvalues are multiples of sinh 1.
    dual = torch.linalg.pinv(gram, hermitian=True) @ y[:, :, None]
    output: Tensor = torch.sinh(test[:, None, :] @ x.transpose(1, 2)) @ dual
    return output[:, 0, 0]


def _convolutional(x: Tensor, y: Tensor, test: Tensor, generator: torch.Generator) -> Tensor:
    model = Convolutional(test.shape[1], filter_size=min(3, test.shape[1]))
    return _trained(Learner(model, torch.optim.SGD, {"lr": 0.1, "momentum": 0.5}, 25), x, y, test, generator)


def _trained(learner: Learner, x: Tensor, y: Tensor, test: Tensor, generator: torch.Generator) -> Tensor:
    weights = learner.train(learner.model.initial(len(x), generator, x.dtype), x, y)
    return learner.predict(weights, test[:, None, :])[:, 0]


LEARNERS: Mapping[str, Rule] = MappingProxyType({"fc": _fully_connected, "kernel": _kernel, "conv": _convolutional})
"""The learners by name."""
ATTAINING = frozenset({"kernel"})
"""Learners that should attain the bound at every point."""


def measure(name: str, rule: Rule, d: int, n: int, replicas: int, seed: int) -> int:
    """How many of the replicas of one learner err on their test point; an output of exactly 0 is a fair coin.

    The result depends on the arguments alone: each (seed, name, d, n) has its own stream of random numbers.

    Raises:
        ValueError: an argument out of range, or outputs of the wrong shape or not finite.

    Example:
        >>> measure("sum", lambda x, y, test, generator: test.sum(dim=1), d=8, n=0, replicas=50, seed=0)
        0
    """
    integer("d", d, 1), integer("n", n, 0), integer("replicas", replicas, 1), integer("seed", seed, 0)
    key = np.random.SeedSequence(seed, spawn_key=(len(name), *name.encode(), d, n))
    rng = np.random.default_rng(key)
    generator = torch.Generator().manual_seed(int(key.spawn(1)[0].generate_state(1, np.uint64)[0]))
    points, labels = (torch.from_numpy(a) for a in sample(d, (replicas, n + 1), rng))
    outputs = rule(points[:, :n], labels[:, :n], points[:, n], generator)
    if not isinstance(outputs, Tensor):
        raise ValueError(f"learner {name!r}: got a {type(outputs).__name__}, want a tensor of {replicas} outputs")
    if tuple(outputs.shape) != (replicas,) or not bool(torch.isfinite(outputs).all()):
        raise ValueError(
            f"learner {name!r} at d = {d}, n = {n}: got outputs of shape {tuple(outputs.shape)} "
            f"or not finite, want {replicas} finite numbers"
        )
    coins = torch.from_numpy(rng.choice([-1.0, 1.0], size=replicas))
    predicted = torch.where(outputs == 0, coins, outputs.sign().to(coins))
    return int((predicted != labels[:, n]).sum())


def run(
    seed: int = 0,
    replicas: int = 600,
    dimensions: Sequence[int] = (8, 16, 32),
    progress: Callable[[str], None] = lambda _: None,
    *,
    learners: Mapping[str, Rule] = LEARNERS,
) -> Warmup:
    """Every learner at every dimension and every sample count of `sample_sizes`.

    Args:
        seed: at least 0; the same seed gives the same result, whatever the order of dimensions and learners.
        replicas: trials for each point, at least 1; by default a learner without errors is refuted at every n >= 1
            from about 500 on.
        dimensions: distinct dimensions, each at least 1.
        progress: told what is about to run.
        learners: by name.

    Raises:
        ValueError: an argument out of range, no or repeated dimensions, or no learners.

    Example:
        >>> result = run(replicas=20, dimensions=[2], learners={"kernel": LEARNERS["kernel"]})
        >>> [point.n for point in result.points], result.points[0].exact
        ([0, 1, 2, 4, 6], Fraction(1, 2))
    """
    integer("seed", seed, 0), integer("replicas", replicas, 1)
    if not isinstance(dimensions, Sequence):
        raise ValueError(f"dimensions: got {dimensions!r}, want a sequence of integers")
    for i, d in enumerate(dimensions):
        integer(f"dimensions[{i}]", d, 1)
    if not dimensions or len(set(dimensions)) < len(dimensions):
        raise ValueError(f"dimensions: got {dimensions!r}, want at least one, and each once")
    if not learners:
        raise ValueError("learners: got none, want at least one")
    tasks = [(name, d, n) for name in learners for d in dimensions for n in sample_sizes(d)]
    each = ALPHA / len(tasks)
    with one_thread():
        return Warmup(tuple(_points(tasks, learners, replicas, seed, each, progress)), seed, ALPHA)


def judge(result: Warmup) -> dict[str, Evidence]:
    """For each learner whether it respects the bound, and for the kernel whether it attains it.

    *Respects* is REFUTED if a whole interval lies below the exact least error. *Attains* is REFUTED if an interval
    does not contain it. A question is INCONCLUSIVE if at some n >= 1 a learner without any errors would have passed,
    so that passing there means nothing. False refutations have probability at most `Warmup.alpha` together.

    Raises:
        ValueError: the result has no points.

    Example:
        >>> [f"{question}: {evidence.verdict}" for question, evidence in judge(run(replicas=30)).items()]
        ['fc respects the bound: INCONCLUSIVE', 'kernel respects the bound: INCONCLUSIVE',
         'kernel attains the bound: INCONCLUSIVE', 'conv respects the bound: REFUTED']
    """
    if not result.points:
        raise ValueError("result: got no points, want at least one")
    verdicts = {}
    for name in dict.fromkeys(point.learner for point in result.points):
        points = [point for point in result.points if point.learner == name]
        verdicts[f"{name} respects the bound"] = _evidence(result, points, "below", _room_above)
        if name in ATTAINING:
            verdicts[f"{name} attains the bound"] = _evidence(result, points, "off", _room_inside)
    return verdicts


def _points(
    tasks: Sequence[tuple[str, int, int]],
    learners: Mapping[str, Rule],
    replicas: int,
    seed: int,
    alpha: float,
    progress: Callable[[str], None],
) -> Iterator[Point]:
    for name, d, n in tasks:
        if n == 0:
            progress(f"warm-up: {name}, d = {d}")
        wrong = measure(name, learners[name], d, n, replicas, seed)
        low, high = clopper_pearson(wrong, replicas, alpha)
        yield Point(name, d, n, wrong, replicas, float(low), float(high), least_error(d, n))


def _room_above(point: Point) -> float:
    """How far the interval reaches above the bound; negative if all of it lies below."""
    return point.high - float(point.exact)


def _room_inside(point: Point) -> float:
    """How far the bound lies inside the interval; negative if it lies outside."""
    return min(_room_above(point), float(point.exact) - point.low)


def _evidence(result: Warmup, points: Sequence[Point], fault: str, room: Callable[[Point], float]) -> Evidence:
    each = result.alpha / len(result.points)
    faulty = [point for point in points if room(point) < 0]
    later = [point for point in points if point.n >= 1]
    seen = [point for point in later if detectable_rate(float(point.exact), point.trials, each / 2, POWER) is not None]
    verdict = Verdict.REFUTED if faulty else Verdict.CERTIFIED if seen == later else Verdict.INCONCLUSIVE
    summary = (
        f"{len(faulty)} of {len(points)} intervals lie {fault} (1/2)(1-1/d)^n; {_trials(points)} trials a point, "
        f"family-wise error {result.alpha:g} over {len(result.points)} points; least room: "
        f"{_shown(min(points, key=room))}; a learner without errors would be refuted at {len(seen)} of {len(later)} "
        f"points with n >= 1{_power(seen, each)}"
    )
    certificate = {
        "kind": "simulation",
        "fault": fault,
        "alpha": result.alpha,
        "comparisons": len(result.points),
        "trials": sum(point.trials for point in points),
        "seed": result.seed,
        "points": [asdict(point) | {"exact": str(point.exact)} for point in points],
    }
    return Evidence(verdict, Trust.SIMULATED, summary, certificate)


def _power(seen: Sequence[Point], alpha: float) -> str:
    """What true error rates the two most and least telling points would have flagged."""
    if not seen:
        return ""
    rates = {point: detectable_rate(float(point.exact), point.trials, alpha / 2, POWER) or 0.0 for point in seen}
    ranked = sorted(seen, key=lambda point: rates[point] / float(point.exact))
    parts = [f"{rates[p]:.3g} at d = {p.d}, n = {p.n} (bound {float(p.exact):.3g})" for p in (ranked[-1], ranked[0])]
    return f", and with probability {POWER} true rates up to " + " and up to ".join(parts)


def _trials(points: Sequence[Point]) -> str:
    least, most = min(p.trials for p in points), max(p.trials for p in points)
    return str(least) if least == most else f"{least} to {most}"


def _shown(point: Point) -> str:
    return (
        f"d = {point.d}, n = {point.n}, error {point.wrong / point.trials:.4f} in [{point.low:.4f}, {point.high:.4f}] "
        f"against {float(point.exact):.4f}"
    )
