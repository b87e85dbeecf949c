r"""The constants behind Theorems 4.1 and 5.2, measured: disagreements, kappa_d, balls, packings and shattering.

There are no learners here. A cell's ``learner`` names a quantity, ``d`` is the half dimension (points are in R^2d, Q in
the orbit of ``diag(I, -I)``), and ``n`` = 1, 2, 3 numbers its cases. Every value lies in [0, 1].

- ``difference``: (1 + a - b)/2 with a the disagreement by the formula of lem-disagreement, a mean of arccosines, and b
  by counting points x with sign(x'Qx) != sign(x'Rx). Both are unbiased and from draws of their own, so the mean is 1/2
  if and only if the formula is right. The pairs (Q, R), by n: 1, one plane turned by 0.3; 2, a Haar pair; 3, the same
  with its angles halved, for Haar pairs lie about 1/2, where many a wrong formula would do.
- ``bilinear``: the same for the formula of the family h_U, with Haar rotations U and V (n = 1 alone).
- ``counted``: b alone, above (2/pi) kappa_d sqrt(sum sin^2 theta_i); nearly equal for pair 1.
- ``kappa``: |g_1|/|g|, in the mean over coordinates and draws (n = 1 alone).
- ``ball``: the share of Haar points R with rho(h_Q, h_R) <= 2 eps, where eps is such that lem-ball grants 5, 20 or 50
  percent. For d <= 3, where rho comes from quadrature (`sims.packings.disagreement`). At d = 1 it is exact; else its
  error, 1e-4 at most, moves the share by a few thousandths of itself, and the lemma gives away a factor of 5 or more.
- ``packing``: how many of `POINTS` Haar points a greedy search takes, pairwise more than 2 eps apart for sure, as a
  share. A random finite search is not maximal, so the volume bound on packings does not bind it. What does: with k
  points taken, the next is refused with probability at most k p, p the granted measure of a ball. So the count is, in
  law, at least that of the chain that goes from k to k + 1 with probability 1 - k p, whose mean is the line. Balls are
  those of `sims.packings.certified_distance`, larger than those of rho; the proof of lem-ball bounds the larger ones.
- ``shattering``: 1 if the form of the Cayley transform with t = 1/(c d) gives the d^2 points (e_i; e_j) the signs that
  a random S asks for, else 0; every S is realised for c >= 3 (thm-4.1); n = 1, 2 mean c = 3, 10. Signs are exact:
  values nearer to 0 than 1e-9, which is far above rounding, are an error.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sims.experiment import Cell, Experiment, Line, Looks
from sims.packings import certified_distance, disagreement, greedy_packing, haar_frames, principal_angles
from theory.groups import GROUPS
from theory.quadratic_volume import kappa, orbit_constant

__all__ = ["EXPERIMENT", "QUANTITIES", "measure", "pair"]

Array = NDArray[np.float64]
Draws = Sequence[np.random.Generator]
DIMENSIONS = {"quick": (1, 2, 3, 5, 8), "full": (1, 2, 3, 4, 5, 6, 8, 12)}
SMALL = (1, 2, 3)
"""Dimensions of balls and packings."""
GRANTED, TURNS = (Fraction(1, 20), Fraction(1, 5), Fraction(1, 2)), (3, 10)
"""The cases of balls and packings, and those of shattering."""
# Bars of `bounded_mean` reach at least 17/replicas times the mean to each side: 1 % with 1500.
REPLICAS = {"quick": 1500, "full": 4000}
CHUNK, DRAWS, POINTS, TINY = 500, 200, 64, 1e-9


def cells(size: str) -> list[Cell]:
    """Every quantity at every d and n of its own."""
    key = "quick" if size == "quick" else "full"
    grid = {
        "difference": (DIMENSIONS[key], 3),
        "bilinear": (DIMENSIONS[key][1:], 1),
        "counted": (DIMENSIONS[key], 3),
        "kappa": (DIMENSIONS[key], 1),
        "ball": (SMALL, len(GRANTED)),
        "packing": (SMALL, len(GRANTED)),
        "shattering": (DIMENSIONS[key], len(TURNS)),
    }
    return [
        Cell(name, d, n, REPLICAS[key], CHUNK)
        for name, (ds, cases) in grid.items()
        for d in ds
        for n in range(1, cases + 1)
    ]


@functools.cache
def pair(d: int, n: int) -> tuple[Array, Array]:
    """Frames (2d, d) of the n-th pair of points of the orbit, n = 1, 2, 3, in general position.

    Example:
        >>> principal_angles(*pair(3, 1)).round(6).tolist()
        [0.3, 0.0, 0.0]
    """
    rng = np.random.default_rng([d, 1])
    haar = principal_angles(*haar_frames(d, 2, rng))
    angles = {1: np.array([0.3] + [0.0] * (d - 1)), 2: haar, 3: haar / 2}[n]
    rotation = GROUPS["orthogonal"].float_element(2 * d, rng)
    first = np.vstack([np.eye(d), np.zeros((d, d))])
    second = np.vstack([np.diag(np.cos(angles)), np.diag(np.sin(angles))])
    return rotation @ first, rotation @ second


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> Array:
    """Each replica's value of the cell's quantity; all of it is numpy's, on the CPU.

    Raises:
        ValueError: an unknown quantity.

    Example:
        >>> seeds = np.random.SeedSequence(0).spawn(3)
        >>> measure(Cell("shattering", 4, 1, 3, 3), seeds).tolist()
        [1.0, 1.0, 1.0]
    """
    if cell.learner not in QUANTITIES:
        raise ValueError(f"learner: got {cell.learner!r}, want one of {', '.join(QUANTITIES)}")
    return QUANTITIES[cell.learner](cell.d, cell.n, [np.random.default_rng(seed) for seed in seeds])


def _normal(draws: Draws, *shape: int) -> Array:
    return np.stack([rng.standard_normal(shape) for rng in draws])


def _counted(d: int, n: int, draws: Draws) -> Array:
    x = _normal(draws, DRAWS, 2 * d)
    half = (x**2).sum(axis=2) / 2  # x'Qx = 2 |F'x|^2 - |x|^2
    first, second = (((x @ frame) ** 2).sum(axis=2) > half for frame in pair(d, n))
    return np.asarray((first != second).mean(axis=1))


def _by_formula(d: int, n: int, draws: Draws) -> Array:
    squares = _normal(draws, DRAWS, d) ** 2
    cosines = squares @ np.cos(2 * principal_angles(*pair(d, n))) / squares.sum(axis=2)
    return np.asarray(np.arccos(np.clip(cosines, -1.0, 1.0)).mean(axis=1) / math.pi)


def _difference(d: int, n: int, draws: Draws) -> Array:
    return (1 + _by_formula(d, n, draws) - _counted(d, n, draws)) / 2


def _bilinear(d: int, n: int, draws: Draws) -> Array:
    rng = np.random.default_rng([d, n])
    u, v = (GROUPS["orthogonal"].float_element(d, rng) for _ in range(2))
    x, y, g = np.split(_normal(draws, 3 * DRAWS, d), 3, axis=1)
    counted = (((x @ u) * y).sum(axis=2) > 0) != (((x @ v) * y).sum(axis=2) > 0)
    cosines = ((g @ u.T @ v) * g).sum(axis=2) / (g**2).sum(axis=2)
    angles = np.arccos(np.clip(cosines, -1.0, 1.0)) / math.pi
    return np.asarray((1 + angles.mean(axis=1) - counted.mean(axis=1)) / 2)


def _kappa(d: int, n: int, draws: Draws) -> Array:
    g = np.abs(_normal(draws, DRAWS, d))
    return np.asarray((g.mean(axis=2) / np.sqrt((g**2).sum(axis=2))).mean(axis=1))


@functools.cache
def _radius(d: int, n: int) -> float:
    """2 eps where (eps/C_d)^(d^2) is the n-th of `GRANTED`."""
    return 2 * float(orbit_constant(d).mid()) * math.pow(GRANTED[n - 1], 1 / d**2)


def _ball(d: int, n: int, draws: Draws) -> Array:
    points = np.stack([haar_frames(d, 8, rng) for rng in draws])
    return np.asarray((disagreement(principal_angles(np.eye(2 * d)[:, :d], points)) <= _radius(d, n)).mean(axis=1))


def _packing(d: int, n: int, draws: Draws) -> Array:
    points = np.stack([haar_frames(d, POINTS, rng) for rng in draws])
    return np.asarray(greedy_packing(points, _radius(d, n)).mean(axis=1))


def _shattering(d: int, n: int, draws: Draws) -> Array:
    signs = np.stack([rng.choice([-1.0, 1.0], size=(d, d)) for rng in draws])
    skew, step = np.zeros((len(signs), 2 * d, 2 * d)), 1 / (TURNS[n - 1] * d)
    skew[:, :d, d:], skew[:, d:, :d] = step * signs, -step * signs.swapaxes(1, 2)
    u = np.linalg.solve(np.eye(2 * d) - skew, np.eye(2 * d) + skew)
    q = u.swapaxes(1, 2) @ (np.repeat([1.0, -1.0], d)[:, None] * u)
    diagonal = np.diagonal(q, axis1=1, axis2=2)
    values = diagonal[:, :d, None] + diagonal[:, None, d:] + 2 * q[:, :d, d:]
    if np.abs(values).min() < TINY:
        raise ValueError(
            f"shattering at d = {d}, c = {TURNS[n - 1]}: got {values.flat[np.abs(values).argmin()]}, too near to 0"
        )
    return np.asarray((values * signs > 0).all(axis=(1, 2)), np.float64)


QUANTITIES: Mapping[str, Callable[[int, int, Draws], Array]] = MappingProxyType(
    {
        "difference": _difference,
        "bilinear": _bilinear,
        "counted": _counted,
        "kappa": _kappa,
        "ball": _ball,
        "packing": _packing,
        "shattering": _shattering,
    }
)
"""From d, n and a generator for each replica to its value."""


def _half(d: int, n: int) -> float:
    return 0.5


def _least(d: int, n: int) -> float:
    return float(certified_distance(*pair(d, n)))


def _mean_of_kappa(d: int, n: int) -> float:
    return float(kappa(d).mid())


def _granted(d: int, n: int) -> float:
    return float(GRANTED[n - 1])


def _taken(d: int, n: int) -> float:
    """The mean share of `POINTS` steps at which the chain of the module docstring goes on."""
    law = np.eye(POINTS + 1)[0]
    go = np.maximum(0.0, 1 - np.arange(POINTS + 1) * _granted(d, n))
    for _ in range(POINTS):
        law = law * (1 - go) + np.roll(law * go, 1)
    return float(law @ np.arange(POINTS + 1)) / POINTS


def _realised(d: int, n: int) -> float:
    return 1.0


EXPERIMENT = Experiment(
    name="constants",
    cells=cells,
    measure=measure,
    lines=(
        Line(
            "lem-disagreement", "equal", "1/2, if the formula is right", _half, ("difference", "bilinear"), fault=1.05
        ),
        Line("lem-disagreement", "lower", "(2/pi) kappa_d sqrt(sum sin^2)", _least, ("counted",), still=("counted",)),
        Line("lem-disagreement", "equal", "kappa_d", _mean_of_kappa, ("kappa",), fault=1.05),
        # At d = 1 the ball has 2/pi of what is granted.
        Line("lem-ball", "upper", "granted measure of the ball", _granted, ("ball",), fault=0.5),
        Line(
            "lem-ball", "lower", "what such balls leave room for", _taken, ("packing",), fault=2.0, still=("packing",)
        ),
        Line("thm-4.1", "equal", "every pattern", _realised, ("shattering",), fault=0.9),
    ),
    looks=Looks(
        title="The constants of the orbit: formulas, balls, packings and shattering",
        subtitle="Points of R^2d; up to three cases at each d, side by side",
        x="half dimension d",
        y="mean",
        styles={
            "difference": "formula less count, orbit",
            "bilinear": "formula less count, bilinear family",
            "counted": "counted disagreement",
            "kappa": "|g_1|/|g|",
            "ball": "share of Haar points in a ball",
            "packing": "share of Haar points in a greedy packing",
            "shattering": "patterns realised",
        },
        scaled=lambda d, n: d + (n - 1) / 4,
        panel=lambda learner, d: learner,
    ),
)
