r"""Exact mode: real optimizer classes on polynomial nets and rational data, with residual exactly 0 or not.

A coupled run in floating point (`verify.coupling`) can only say that a residual is explained by rounding. Here the
activation is a polynomial, the loss is the square loss, data, weights and group elements are rational, and the
optimizer's own ``step`` runs on `RationalTensor`: the twin that starts from W g^-1 on the data g x either ends exactly
where it should, or it does not.

What that shows: on each drawn case the equality is a fact of arithmetic, and a single non-zero residual refutes the
general statement for good. That *every* case gives zero is a polynomial identity in the entries of the data and
weights, which drawn cases do not prove; as evidence for the general statement a pass is a sample, so say SAMPLED there.

Newton's method keeps GL(d) in this sense from any start. Table 1 says "from zero" because no Gaussian initial law is
GL(d)-invariant: W g^-1 does not have the law of W, whereas zero stays where it is.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theory.evidence import Evidence, Trust, Verdict
from theory.groups import GENERAL_LINEAR, Group, act_on_points, act_on_weights
from theory.validate import integer
from verify.rational_tensor import RationalTensor

__all__ = ["ACTIVATIONS", "DRIFT", "Build", "Exact", "Newton", "PolynomialNet", "evidence", "newton", "replay"]

Array = NDArray[Any]
Build = Callable[[Sequence[Tensor]], torch.optim.Optimizer]
"""Makes the optimizer of the given parameters: first-layer weights first, then the others."""

DRIFT = Fraction(1, 2**40)
"""The planted fault, about 1e-12; a power of two keeps the fractions short."""

POINTS, TESTS = 4, 3

ACTIVATIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = MappingProxyType(
    {
        "identity": (lambda z: z, lambda z: z**0),
        "square": (lambda z: z**2, lambda z: 2 * z),
        "cube": (lambda z: z**3, lambda z: 3 * z**2),
    }
)
"""Polynomial activations by name, each with its derivative, element-wise."""


@dataclass(frozen=True)
class PolynomialNet:
    """The net W_L s(... s(W_1 x + b_1)): every layer but the last has a bias and an activation.

    Args:
        widths: (d, h_1, ..., h_{L-1}, 1), as in `sims.learners.FullyConnected`; (d, 1) is a linear model.
        activation: a key of `ACTIVATIONS`.

    Raises:
        ValueError: widths that are not such a tuple, or an unknown activation.

    Example:
        >>> PolynomialNet((3, 2, 1)).shapes
        ((2, 3), (2,), (1, 2))
    """

    widths: tuple[int, ...] = (3, 2, 1)
    activation: str = "square"

    def __post_init__(self) -> None:
        if not isinstance(self.widths, tuple) or len(self.widths) < 2 or self.widths[-1] != 1:
            raise ValueError(f"widths: got {self.widths!r}, want a tuple (d, h_1, ..., 1) that ends in 1")
        for i, width in enumerate(self.widths):
            integer(f"widths[{i}]", width, 1)
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation: got {self.activation!r}, want one of {', '.join(ACTIVATIONS)}")

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the parameters in order: W_1, b_1, ..., W_L."""
        matrices = [(out, into) for into, out in zip(self.widths, self.widths[1:], strict=False)]
        return (*(shape for m in matrices[:-1] for shape in (m, m[:1])), matrices[-1])

    def layers(self, weights: Sequence[Array], points: Array) -> list[tuple[Array, Array]]:
        """What goes into each layer, (width, n), and what its matrix (with bias) makes of it; points are (n, d)."""
        activate = ACTIVATIONS[self.activation][0]
        passed, z = [], points.T
        for i in range(0, len(weights) - 1, 2):
            passed.append((z, weights[i] @ z + weights[i + 1][:, None]))
            z = activate(passed[-1][1])
        return [*passed, (z, weights[-1] @ z)]

    def outputs(self, weights: Sequence[Array], points: Array) -> Array:
        """The outputs (n,) at the points (n, d)."""
        return np.asarray(self.layers(weights, points)[-1][1][0])

    def loss_and_gradients(
        self, weights: Sequence[Array], points: Array, labels: Array
    ) -> tuple[Fraction, list[Array]]:
        """The mean squared error at the points (n, d) with labels (n,), and its gradients in the parameters' order.

        Example:
            >>> one = np.array([[Fraction(1)]], object)
            >>> loss, gradients = PolynomialNet((1, 1)).loss_and_gradients([3 * one], 2 * one, one[0])
            >>> loss, gradients[0].tolist()
            (Fraction(25, 1), [[Fraction(20, 1)]])
        """
        slope = ACTIVATIONS[self.activation][1]
        passed = self.layers(weights, points)
        error = passed[-1][1] - labels
        delta = Fraction(2, len(labels)) * error
        gradients = [delta @ passed[-1][0].T]
        for i in range(len(passed) - 2, -1, -1):
            delta = (weights[2 * i + 2].T @ delta) * slope(passed[i][1])
            gradients = [delta @ passed[i][0].T, delta.sum(axis=1), *gradients]
        return (error**2).sum() / Fraction(len(labels)), gradients


@dataclass(frozen=True)
class Exact:
    """The outcome for one optimizer under one group; every number is exact.

    Attributes:
        residual: greatest difference, over all cases, between the twin's outputs or weights and what they should be.
        moved: how far training changed the outputs: the greatest change, in the case that moved least.
        planted: the residual after a planted drift of `DRIFT` per step and column, in the case that shows it least;
            zero would mean that the test cannot see such a fault.
        cases: number of cases.
        steps: number of optimizer steps in each.
        group: the group's name.
        seed: what the cases were drawn from.
        element: the group element, row by row, of the case with the greatest residual.
    """

    residual: Fraction
    moved: Fraction
    planted: Fraction
    cases: int
    steps: int
    group: str
    seed: int
    element: tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class _Run:
    """What a run starts from: a net, its weights, data (n, d), labels (n,) and points to compare at (m, d)."""

    net: PolynomialNet
    weights: tuple[Array, ...]
    points: Array
    labels: Array
    tests: Array

    def moved(self, g: Array) -> _Run:
        """The twin: all points and the first layer moved by g."""
        first = act_on_weights(g, self.weights[0])
        points, tests = (act_on_points(g, p) for p in (self.points, self.tests))
        return _Run(self.net, (first, *self.weights[1:]), points, self.labels, tests)


@dataclass(frozen=True)
class _Rule:
    """An optimizer that may look at the run (Newton's looks at the Hessian), and how it is driven."""

    build: Callable[[Sequence[Tensor], _Run], torch.optim.Optimizer]
    steps: int
    needs_closure: bool = False

    def train(self, run: _Run, drift: Fraction) -> list[Array]:
        """The exact weights after training; the drift is added after each step, j times to column j of W_1."""
        parameters = [RationalTensor(w.copy(), requires_grad=True) for w in run.weights]
        optimizer = self.build(parameters, run)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise ValueError(f"build: gave a {type(optimizer).__name__}, want a torch.optim.Optimizer")

        def closure() -> Any:
            loss, gradients = run.net.loss_and_gradients([p.entries for p in parameters], run.points, run.labels)
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad = RationalTensor(gradient)
            return RationalTensor(loss)

        step: Callable[..., object] = optimizer.step
        for _ in range(self.steps):
            if self.needs_closure:
                step(closure)
            else:
                closure()
                step()
            parameters[0].entries += drift * np.arange(1, run.points.shape[1] + 1, dtype=object)
        return [p.entries for p in parameters]


def replay(
    build: Build,
    group: Group,
    *,
    seed: int = 0,
    cases: int = 3,
    steps: int = 3,
    needs_closure: bool = False,
    net: PolynomialNet | None = None,
    from_zero: bool = False,
    drift: Fraction = Fraction(0),
) -> Exact:
    """Run a real optimizer and its twin in exact arithmetic on drawn cases.

    A rule that changes after some steps (RAdam is SGD with momentum for its first five) shows only what its first
    steps do. Digits grow fast in a deep net; in a linear model, ``PolynomialNet((3, 1))``, a dozen steps cost little.

    Args:
        build: the optimizer of given parameters, for example ``lambda p: torch.optim.SGD(p, lr=0.1)``.
        group: where elements are drawn from, never the identity.
        seed: of data, weights and elements, at least 0.
        cases: how many to draw, at least 1.
        steps: optimizer steps in each, at least 1; the digits grow by a constant factor with each.
        needs_closure: whether ``step`` wants a closure that sets the gradients and returns the loss.
        net: the polynomial net; `PolynomialNet` as it comes if None.
        from_zero: start from zero weights instead of drawn ones (a net with hidden layers does not move then).
        drift: a fault to plant, as in `DRIFT`.

    Raises:
        NotRationalError: the optimizer does something that is not rational, such as a square root.
        ValueError: an argument is not as described.

    Example:
        >>> from theory.groups import ORTHOGONAL
        >>> exact = replay(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), ORTHOGONAL, cases=1, steps=2)
        >>> exact.residual, exact.moved > 0, exact.planted > 0
        (Fraction(0, 1), True, True)
        >>> broken = replay(lambda p: torch.optim.SGD(p, lr=0.1), GENERAL_LINEAR, cases=1, steps=1)
        >>> broken.residual > 0
        True
    """
    if not callable(build):
        raise ValueError(f"build: got {build!r}, want a function from parameters to an optimizer")
    if net is not None and not isinstance(net, PolynomialNet):
        raise ValueError(f"net: got {net!r}, want a PolynomialNet or None")
    rule = _Rule(lambda parameters, _: build(parameters), integer("steps", steps, 1), needs_closure)
    return _tried(rule, group, net or PolynomialNet(), seed, cases, from_zero, drift)


class Newton(torch.optim.Optimizer):
    """Newton's method for one weight row w: w <- w - lr grad H^-1 with the Hessian H of the loss in w.

    Args:
        params: a single tensor of shape (1, d).
        hessian: H, an invertible tensor of shape (d, d); constant for a quadratic loss.
        lr: the damping; 1 is Newton's own step.
    """

    def __init__(self, params: Sequence[Tensor], hessian: Tensor, lr: float = 1.0) -> None:
        super().__init__(params, {"lr": lr})
        self.hessian = hessian

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step from the gradients that stand in ``grad``, or that the closure sets."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(p.grad @ torch.linalg.inv(self.hessian), alpha=group["lr"])
        return loss


def newton(
    group: Group = GENERAL_LINEAR,
    *,
    seed: int = 0,
    cases: int = 3,
    steps: int = 2,
    lr: float = 1.0,
    from_zero: bool = True,
    drift: Fraction = Fraction(0),
) -> Exact:
    """The same for Newton's method on a linear model in three dimensions with the square loss.

    Gradient descent on the same problem is ``replay(build, group, net=PolynomialNet((3, 1)), from_zero=True)``.

    Raises:
        ValueError: an argument is not as described.

    Example:
        >>> newton(cases=1).residual
        Fraction(0, 1)
    """

    def build(parameters: Sequence[Tensor], run: _Run) -> torch.optim.Optimizer:
        hessian = Fraction(2, len(run.points)) * (run.points.T @ run.points)
        return Newton(parameters, RationalTensor(hessian), lr)

    rule = _Rule(build, integer("steps", steps, 1))
    return _tried(rule, group, PolynomialNet((3, 1)), seed, cases, from_zero, drift)


def evidence(exact: Exact, what: str = "the optimizer") -> Evidence:
    """The verdict on the drawn cases, and on nothing else.

    REFUTED if a residual is not zero, which also refutes the statement about all cases. CERTIFIED if every residual
    is zero, every case moved and every case saw the planted drift; the certificate is the enumeration of the drawn
    cases, which is why the trust is EXACT. INCONCLUSIVE otherwise: nothing was checked.

    Example:
        >>> evidence(newton(cases=1), "Newton").summary
        'Newton: residual exactly 0 in 1 case drawn from general_linear, seed 0, ...'
    """
    certificate: dict[str, Any] = {"kind": "enumeration", "count": exact.cases, "counterexample": None}
    drawn = f"{exact.cases} case{'s' if exact.cases > 1 else ''} drawn from {exact.group}, seed {exact.seed}"
    certificate |= {"seed": exact.seed, "group": exact.group, "steps": exact.steps}
    if exact.residual:
        counterexample = {
            "element": [[str(x) for x in row] for row in exact.element],
            "seed": exact.seed,
            "residual_at_least": _below(exact.residual),
        }
        text = f"{what}: residual {_size(exact.residual)}, exactly not 0, in {drawn}"
        return Evidence(Verdict.REFUTED, Trust.EXACT, text, certificate | {"counterexample": counterexample})
    if not exact.moved or not exact.planted:
        why = "a planted drift was not seen" if exact.moved else "training did not move the outputs"
        return Evidence(Verdict.INCONCLUSIVE, Trust.EXACT, f"{what}: {why} in {drawn}", certificate | {"count": 0})
    text = (
        f"{what}: residual exactly 0 in {drawn}, {exact.steps} steps each; a drift of 1e-12 gives "
        f"{_size(exact.planted)}. Exact for these cases; for all cases it is a sample"
    )
    return Evidence(Verdict.CERTIFIED, Trust.EXACT, text, certificate)


def _tried(
    rule: _Rule, group: Group, net: PolynomialNet, seed: int, cases: int, from_zero: bool, drift: Fraction
) -> Exact:
    if not isinstance(group, Group):
        raise ValueError(f"group: got {group!r}, want a Group of theory.groups")
    if isinstance(drift, bool) or not isinstance(drift, int | Fraction):
        raise ValueError(f"drift: got {drift!r}, want a Fraction")
    integer("seed", seed, 0)
    drawn = list(_drawn(net, group, seed, integer("cases", cases, 1), from_zero))
    found = [_compared(rule, run, g, Fraction(drift)) for run, g in drawn]
    planted = [_compared(rule, run, g, drift + DRIFT)[0] for run, g in drawn]
    residuals = [residual for residual, _ in found]
    element = drawn[residuals.index(max(residuals))][1]
    return Exact(
        residual=max(residuals),
        moved=min(moved for _, moved in found),
        planted=min(planted),
        cases=cases,
        steps=rule.steps,
        group=group.name,
        seed=seed,
        element=tuple(map(tuple, element)),
    )


def _compared(rule: _Rule, run: _Run, g: Array, drift: Fraction) -> tuple[Fraction, Fraction]:
    """The residual of one case and how far training moved its outputs."""
    twin = run.moved(g)
    here, there = rule.train(run, drift), rule.train(twin, drift)
    wanted = [act_on_weights(g, here[0]), *here[1:]]
    outputs = run.net.outputs(here, run.tests)
    gaps = [_gap(run.net.outputs(there, twin.tests), outputs)]
    gaps += [_gap(a, b) for a, b in zip(there, wanted, strict=True)]
    return max(gaps), _gap(outputs, run.net.outputs(run.weights, run.tests))


def _gap(a: Array, b: Array) -> Fraction:
    gap: Fraction = max(abs(x) for x in (a - b).flat)
    return gap


def _drawn(net: PolynomialNet, group: Group, seed: int, cases: int, from_zero: bool) -> Iterator[tuple[_Run, Array]]:
    d = net.widths[0]
    for case in range(cases):
        rng = random.Random(f"{seed}/{case}")
        weights = tuple(_small(shape, rng) * (not from_zero) for shape in net.shapes)
        points, labels, tests = _small((POINTS, d), rng), _small((POINTS,), rng), _small((TESTS, d), rng)
        yield _Run(net, weights, points, labels, tests), _element(group, d, rng)


def _small(shape: tuple[int, ...], rng: random.Random) -> Array:
    """Sixteenths in (-1, 1) without 0; powers of two below keep the fractions short."""
    signed = [Fraction(rng.choice((-1, 1)) * rng.randint(1, 15), 16) for _ in range(math.prod(shape))]
    return np.array(signed, dtype=object).reshape(shape)


def _element(group: Group, d: int, rng: random.Random) -> Array:
    """An element that is not the identity, which would show nothing."""
    for _ in range(100):
        g = group.exact_element(d, rng)
        if (g != np.eye(d, dtype=int)).any():
            return g
    raise ValueError(f"group: {group.name} gives only the identity for d = {d}, want another group or a greater d")


def _below(x: Fraction) -> str:
    """A lower bound m*2**e of a positive fraction, to 64 bits; the number itself may have thousands of digits."""
    e = x.numerator.bit_length() - x.denominator.bit_length() - 64
    return f"{math.floor(x / Fraction(2) ** e)}*2**({e})"


def _size(x: Fraction) -> str:
    """A positive fraction in the form 1.2e-34, also far outside the range of floats."""
    log = (math.log2(x.numerator) - math.log2(x.denominator)) * math.log10(2)
    return f"{10 ** (log % 1):.1f}e{math.floor(log)}"
