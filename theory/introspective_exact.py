"""The introspective loop in exact rational arithmetic: small nets, a few steps, nothing rounded.

The net is f(x) = sum_i (z_i + c z_i^2) with z = W x, trained by gradient descent on the square loss. It serves
to run the loop twice, on data that a group element has moved, and to compare every number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEPS", "Loop", "adam", "clip", "min_max", "sign", "unchanged"]

Vector = NDArray[Any]
Map = Callable[[Vector], Vector]
EPS = Fraction(1, 10**8)
"""Adam's constant."""


def unchanged(v: Vector) -> Vector:
    """The vector as it is."""
    return v


def sign(v: Vector) -> Vector:
    """The sign of each entry, 0 of 0.

    Example:
        >>> sign(np.array([Fraction(-2), Fraction(0)], object)).tolist()
        [Fraction(-1, 1), Fraction(0, 1)]
    """
    return np.array([Fraction((x > 0) - (x < 0)) for x in v], object)


def adam(v: Vector) -> Vector:
    """The first step of Adam along a gradient: v/(|v| + eps) at each entry."""
    return np.array([x / (abs(x) + EPS) for x in v], object)


def clip(v: Vector) -> Vector:
    """Pixels are clipped to [0, 1]."""
    return np.array([min(max(x, Fraction(0)), Fraction(1)) for x in v], object)


def min_max(v: Vector) -> Vector:
    """An image is shifted and scaled to have least entry 0 and greatest entry 1; a constant one becomes 0.

    Example:
        >>> min_max(np.array([Fraction(1), Fraction(3), Fraction(2)], object)).tolist()
        [Fraction(0, 1), Fraction(1, 1), Fraction(1, 2)]
    """
    low, high = min(v), max(v)
    return np.array([(x - low) / (high - low) if high > low else Fraction(0) for x in v], object)


STEPS: dict[str, tuple[Map, Map]] = {
    "none": (unchanged, unchanged),
    "sign": (sign, unchanged),
    "adam": (adam, unchanged),
    "clip": (unchanged, clip),
    "min-max": (unchanged, min_max),
}
"""What is done to the gradient and to the image in a step of synthesis, by name."""


@dataclass(frozen=True)
class Loop:
    """How the loop is run.

    Attributes:
        direction: what is done to the input gradient.
        image: what is done to the sample after a step.
        curve: the coefficient c of the square in the activation.
        rate: step size of training.
        stride: step size of synthesis.
        heat: scale of the noise.
        threshold: a sample stops where the output reaches it.
    """

    direction: Map = unchanged
    image: Map = unchanged
    curve: Fraction = Fraction(0)
    rate: Fraction = Fraction(1, 8)
    stride: Fraction = Fraction(1)
    heat: Fraction = Fraction(0)
    threshold: Fraction = Fraction(100)

    def output(self, weights: Vector, x: Vector) -> Fraction:
        """The net's output at x.

        Example:
            >>> weights = np.array([[Fraction(2), Fraction(1)]], object)
            >>> Loop(curve=Fraction(1)).output(weights, np.array([Fraction(1), Fraction(1)], object))
            Fraction(12, 1)
        """
        z = weights @ x
        return Fraction(sum(z + self.curve * z * z))

    def run(
        self, weights: Vector, points: Sequence[Vector], labels: Sequence[int], starts: Vector, noises: Vector
    ) -> tuple[Vector, list[Vector]]:
        """Train, then in each round synthesise and train again.

        Args:
            weights: first weights, shape (h, d).
            points: labelled points, each (d,).
            labels: +-1.
            starts: where samples start, shape (rounds, samples, d).
            noises: shape (rounds, samples, steps, d).

        Returns:
            The last weights and all pseudo-negatives.
        """
        found: list[Vector] = []
        weights = self._train(weights, points, labels)
        for start, noise in zip(starts, noises, strict=True):
            found += [self._synthesise(weights, x, steps) for x, steps in zip(start, noise, strict=True)]
            weights = self._train(weights, [*points, *found], [*labels, *[-1] * len(found)])
        return weights, found

    def _train(self, weights: Vector, points: Sequence[Vector], labels: Sequence[int]) -> Vector:
        """One step of gradient descent on the summed square loss."""
        step = np.zeros_like(weights) + Fraction(0)
        for x, y in zip(points, labels, strict=True):
            z = weights @ x
            slope = 2 * (self.output(weights, x) - y) * (1 + 2 * self.curve * z)
            step = step + np.multiply.outer(slope, x)
        trained: Vector = weights - self.rate * step
        return trained

    def _synthesise(self, weights: Vector, x: Vector, noises: Vector) -> Vector:
        for noise in noises:
            if self.output(weights, x) >= self.threshold:
                return x
            gradient = weights.T @ (1 + 2 * self.curve * (weights @ x))
            x = self.image(x + self.stride * self.direction(gradient) + self.heat * noise)
        return x
