"""k-patterns on real torch code: what is not a mean over replicas.

The first gradient of nets by autograd against the coefficients that are counted, both exact: all numbers are multiples
of 2^-n. The conv net that holds a given pattern. And the experiment's training, coupled under permutations of bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sims.kpattern_nets import BUDGETS, Windows, unit_gradient
from sims.learners import FullyConnected
from sims.networks import fully_connected
from sims.training import Training, UpdateRule
from theory import decide
from theory.claims import Mutant, Step
from theory.evidence import Evidence, Trust, Verdict
from theory.groups import PERMUTATION
from theory.kpattern import sample, window
from theory.kpattern_walsh import beside, cube, mask, walsh
from verify.coupling import Bench, Curve, Problem
from verify.verdicts import CLEAR, DRIFT, judge

__all__ = ["measurements"]

K = 4
UNITS = 6
"""Hidden units or filters whose gradients are compared."""
SIZES = ((6, 2), (8, 3), (10, 4), (12, 4), (13, 5))
"""Numbers of bits and lengths of patterns."""
BITS, SAMPLES, STEPS, TWINS = 16, 256, 60, 3
"""Of the coupled training."""


def measurements(seed: int) -> Iterator[tuple[Step, Verdict, float]]:
    """Each check as a step to run, with the expected verdict and about how many seconds it takes."""
    for claim, name, check, mutant, seconds in _exact():
        yield (
            Step(claim, f"kpattern: {name}", functools.partial(check, seed), Trust.EXACT, mutant, ()),
            Verdict.CERTIFIED,
            seconds,
        )
    mutant = Mutant(f"a drift of {DRIFT:g} of each step is planted", drift=DRIFT)
    name = "kpattern: the fully-connected net as it is trained, permutations of the bits"
    check = functools.partial(permuted, seed)
    yield Step("kpattern-equivariant", name, check, Trust.SAMPLED, mutant, ()), Verdict.CERTIFIED, 2.0


def fc_gradient(seed: int, off: int = 0) -> Evidence:
    """Every hidden unit of a net of the experiment, with read-out weights +-1, over all 2^n points."""

    def agrees(case: tuple[int, int]) -> bool:
        n, k = case
        model = FullyConnected((n, UNITS, 1), "relu")
        weights = _started(model, (seed, n, k))
        found = _first_gradient(model, weights, n, _labels(n, k, off))
        readout = weights[2][0, 0].detach().numpy()
        w, b = (v[0].detach().numpy() for v in weights[:2])
        return all(np.array_equal(found[r], readout[r] * unit_gradient(w[r], float(b[r, 0]), k)) for r in range(UNITS))

    return decide.every(f"{UNITS} units, (n, k) in {SIZES}", SIZES, agrees)


def conv_gradient(seed: int, stride: int = 1) -> Evidence:
    """Every filter of a conv net of the experiment, with read-out weights +-1 at all windows."""

    def agrees(case: tuple[int, int]) -> bool:
        n, k = case
        model = Windows(n, k, UNITS)
        weights = _started(model, (seed, n, k))
        at = window(n, k).start
        label = np.prod(cube(n)[:, at : at + stride * k : stride], axis=1)
        found = _first_gradient(model, weights, n, label)
        readout = weights[2].detach().numpy().reshape(model.places, UNITS)[at]
        w, b = (v[0].detach().numpy() for v in weights[:2])
        return all(np.array_equal(found[r], readout[r] * unit_gradient(w[r], float(b[r, 0]), k)) for r in range(UNITS))

    return decide.every(f"{UNITS} filters, (n, k) in {SIZES}", SIZES, agrees)


def counted_by_halves(seed: int, same: bool = False) -> Evidence:
    """Gaussian units on 14 and 15 bits: 2^n times the gradient is an integer, and the same one."""

    def agrees(case: tuple[int, int]) -> bool:
        n, k = case
        rng = np.random.default_rng((seed, n, k))
        w, b = rng.standard_normal(n), float(rng.standard_normal())
        pattern = mask(range(n)[window(n, k)])
        places = np.full(n, pattern) if same else beside(pattern, n)
        return np.array_equal(2.0**n * unit_gradient(w, b, k), walsh(cube(n) @ w + b > 0)[places])

    return decide.every("n = 14, 15 and k = 1, ..., 6", [(n, k) for n in (14, 15) for k in range(1, 7)], agrees)


def realised(seed: int, shift: int = 0) -> Evidence:
    """Random functions of k bits at every place of 10: filters v, biases 1 - k, read out with g(v) at one window."""

    def agrees(case: tuple[int, int]) -> bool:
        k, place = case
        model = Windows(10, k, 2**k)
        g = np.random.default_rng((seed, k, place)).choice([-1.0, 1.0], 2**k)
        readout = np.zeros((model.places, 2**k))
        readout[place] = g
        filters, biases = cube(k).astype(np.float64), np.full((2**k, 1), 1.0 - k + shift)
        weights = [torch.from_numpy(a)[None] for a in (filters, biases, readout.reshape(1, -1))]
        x = cube(10)
        wanted = g[((x[:, place : place + k] < 0) * 2 ** np.arange(k)).sum(axis=1)]
        return np.array_equal(model(weights, _tensor(x))[0].numpy(), wanted)

    return decide.every("k <= 5, every place of 10 bits", [(k, p) for k in range(1, 6) for p in range(11 - k)], agrees)


def permuted(seed: int, drift: float = 0.0) -> Evidence:
    """The budget's net, Adam, loss and batches on the parity of neighbouring bits, beside its twin on moved bits."""
    x, y = sample(BITS, K, SAMPLES + 64, np.random.default_rng((seed, BITS)))
    problem = Problem(_training(), x[:SAMPLES], y[:SAMPLES], x[SAMPLES:], seed)
    rng = np.random.default_rng((seed, TWINS))
    elements = [PERMUTATION.float_element(BITS, rng) for _ in range(TWINS)]
    double = Bench(problem, torch.float64)

    def single() -> Curve:
        return Bench(problem, torch.float32).curve(elements, drift)

    found = judge(double.curve(elements, drift), single, lambda: double.curve(elements, DRIFT))
    refuted = found.verdict is Verdict.REFUTED
    certificate = {
        "kind": "trials",
        "count": TWINS,
        "counterexample": {"step": found.step, "residual": found.residual} if refuted else None,
        "seed": seed,
        "group": "permutation",
        "level": found.level,
        "residual": found.residual,
        "control": found.control,
        "clear": CLEAR,
    }
    text = f"{found.level or found.verdict.value.lower()}: {found.reason}; {STEPS} steps, {TWINS} permutations"
    return Evidence(found.verdict, Trust.SAMPLED, text, certificate)


def _exact() -> Iterator[tuple[str, str, Callable[..., Evidence], Mutant, float]]:
    """Claim, what is checked, the check, its mutant and seconds, of what is decided exactly."""
    yield from (
        (
            "kpattern-gradient",
            "autograd's first gradient of a fully-connected net is the counted one",
            fc_gradient,
            Mutant("the label's window is one place further", off=1),
            0.1,
        ),
        (
            "kpattern-gradient",
            "gradients counted by halves are those of the Walsh transform",
            counted_by_halves,
            Mutant("the coefficient at I itself is read", same=True),
            0.1,
        ),
        (
            "kpattern-gradient-conv",
            "autograd's first gradient of a conv net is that of a unit on k bits",
            conv_gradient,
            Mutant("the label's bits are every other one", stride=2),
            0.1,
        ),
        (
            "kpattern-realised",
            "the conv net with a filter for each pattern is the labels' function",
            realised,
            Mutant("its biases are larger by 1", shift=1),
            0.1,
        ),
    )


def _training() -> Training:
    budget = BUDGETS[K]
    rule = UpdateRule(lambda module: torch.optim.Adam(module.parameters(), lr=budget.rates["fc"]))
    network = functools.partial(fully_connected, (BITS, budget.hidden, 1), "relu")
    return Training(network, rule, STEPS, "logistic", budget.batch)


def _started(model: FullyConnected | Windows, key: tuple[int, ...]) -> list[Tensor]:
    """Gaussian weights and biases, read-out weights +-1, which keep the gradient a multiple of 2^-n."""
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))
    weights, biases, readout = model.initial(1, generator)
    biases = torch.randn(biases.shape, generator=generator, dtype=torch.float64)
    return [w.requires_grad_() for w in (weights, biases, readout.sign())]


def _labels(n: int, k: int, off: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.roll(cube(n), -off, axis=1)[:, window(n, k)].prod(axis=1).astype(np.float64)
    return found


def _first_gradient(
    model: FullyConnected | Windows, weights: list[Tensor], n: int, labels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of the mean of label times output in the first layer, by autograd, over all 2^n points."""
    outputs = model(weights, _tensor(cube(n)))
    (found,) = torch.autograd.grad((outputs * torch.from_numpy(labels.astype(np.float64))).sum() / 2**n, weights[:1])
    return found[0].numpy()


def _tensor(x: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(x.astype(np.float64))[None]
