"""Handwritten digits as features on 2-complexes, and nets trained on them.

The images are the 1797 digits of 8 x 8 pixels that ship with scikit-learn. On the grid of claim simplicial-grid a node
is a patch of 2 x 2 pixels, overlapping its neighbours; the code of Bunch et al. takes patches of 4 x 4 pixels of
28 x 28, side by side, and both give 7 x 7 nodes. On random points in the image, joined by their Delaunay
triangulation, a node has the intensity there and its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from sims.simplicial_complexes import Complex, Maps, Move, king_grid, operators, triangulation
from sims.simplicial_layers import lift
from theory.validate import finite_array, generator, integer

__all__ = [
    "SIDE",
    "Problem",
    "digest",
    "digits",
    "on_grid",
    "on_points",
    "ones",
    "patches",
    "random_points",
    "sampled",
    "train",
    "zeros",
]

SIDE = 7
"""Nodes in a row of the grid."""
PIXELS = 8
BATCH, RATE = 32, 0.003

Inputs = Callable[[Complex, Tensor], dict[int, Tensor]]
"""From a complex and node features of shape (n_0, images, c) to features by dimension."""


@cache
def digits() -> tuple[NDArray[np.float32], Tensor]:
    """The images, shape (1797, 8, 8) with entries in [0, 1], and their classes, shape (1797,).

    Example:
        >>> images, classes = digits()
        >>> images.shape, float(images.max()), classes[:3].tolist()
        ((1797, 8, 8), 1.0, [0, 1, 2])
    """
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    pixels, classes = load_digits(return_X_y=True)
    return (pixels / 16).astype(np.float32).reshape(-1, PIXELS, PIXELS), torch.from_numpy(classes.astype(np.int64))


def digest() -> str:
    """A hash of the images and their classes.

    Example:
        >>> len(digest())
        64
    """
    images, classes = digits()
    return hashlib.sha256(images.tobytes() + classes.numpy().tobytes()).hexdigest()


def patches(images: ArrayLike) -> Tensor:
    """The patches of 2 x 2 pixels, shape (49, n, 4), of images of shape (n, 8, 8); rows of patches first.

    Raises:
        ValueError: another shape, or entries that are not finite.

    Example:
        >>> patches(np.arange(64.0).reshape(1, 8, 8))[8, 0].tolist()
        [9.0, 10.0, 17.0, 18.0]
    """
    found = finite_array("images", images, (None, PIXELS, PIXELS)).astype(np.float32)
    corners = [found[:, a : a + SIDE, b : b + SIDE].reshape(len(found), -1) for a in (0, 1) for b in (0, 1)]
    return torch.from_numpy(np.ascontiguousarray(np.stack(corners, axis=-1).transpose(1, 0, 2)))


def random_points(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The image's corners and n - 4 uniform points in it: rows (down, right) in [0, 7]^2, shape (n, 2).

    Raises:
        ValueError: n < 5, or rng is no numpy Generator.

    Example:
        >>> random_points(9, np.random.default_rng(0)).shape
        (9, 2)
    """
    n, rng = integer("n", n, 5), generator("rng", rng)
    corners = np.array([[0, 0], [0, SIDE], [SIDE, 0], [SIDE, SIDE]], float)
    return np.concatenate([corners, rng.uniform(0, SIDE, (n - 4, 2))])


def sampled(images: ArrayLike, points: ArrayLike) -> Tensor:
    """Intensity, interpolated between four pixels, and place (from -1/2 to 1/2), shape (points, n, 3).

    Args:
        images: shape (n, 8, 8).
        points: shape (m, 2) in [0, 7]^2.

    Raises:
        ValueError: other shapes, entries that are not finite, or points outside.

    Example:
        >>> sampled(np.arange(64.0).reshape(1, 8, 8), [[0.5, 7.0]])[0, 0].tolist()
        [11.0, -0.4285714328289032, 0.5]
    """
    found = finite_array("images", images, (None, PIXELS, PIXELS)).astype(np.float64)
    places = finite_array("points", points, (None, 2)).astype(np.float64)
    if places.size and (places.min() < 0 or places.max() > SIDE):
        raise ValueError(f"points: got entries from {places.min()} to {places.max()}, want some in [0, {SIDE}]")
    low = np.minimum(np.floor(places).astype(int), SIDE - 1)
    (down, right), (row, column) = (places - low).T, low.T
    upper = found[:, row, column] * (1 - right) + found[:, row, column + 1] * right
    lower = found[:, row + 1, column] * (1 - right) + found[:, row + 1, column + 1] * right
    intensity = (upper * (1 - down) + lower * down).T
    where = np.broadcast_to((places / SIDE - 0.5)[:, None], (len(places), len(found), 2))
    return torch.from_numpy(np.concatenate([intensity[..., None], where], axis=2).astype(np.float32))


def ones(found: Complex, nodes: Tensor) -> dict[int, Tensor]:
    """The number one on every edge and triangle, which claim simplicial-inputs forbids.

    The code of Bunch et al. prepares these; its training then standardizes all features, which leaves `zeros`.

    Example:
        >>> {k: tuple(x.shape) for k, x in ones(king_grid(3), torch.rand(9, 5, 4)).items()}
        {0: (9, 5, 4), 1: (20, 5, 1), 2: (16, 5, 1)}
    """
    return _constant(found, nodes, 1.0)


def zeros(found: Complex, nodes: Tensor) -> dict[int, Tensor]:
    """Nothing on edges and triangles, the only constant that moves as it should.

    Example:
        >>> float(zeros(king_grid(3), torch.rand(9, 5, 4))[1].abs().max())
        0.0
    """
    return _constant(found, nodes, 0.0)


def _constant(found: Complex, nodes: Tensor, value: float) -> dict[int, Tensor]:
    edges, triangles = (nodes.new_full((n, nodes.shape[1], 1), value) for n in found.counts[1:])
    return {0: nodes, 1: edges, 2: triangles}


@dataclass(frozen=True)
class Problem:
    """All images on one complex.

    Attributes:
        found: the complex.
        nodes: features on nodes, shape (n_0, images, c).
        inputs: what makes the features on edges and triangles.
        maps: the complex's operators.
        fields: features by dimension, shapes (n_k, images, c_k).
    """

    found: Complex
    nodes: Tensor
    inputs: Inputs
    maps: Maps
    fields: dict[int, Tensor]

    @classmethod
    def pose(cls, found: Complex, nodes: Tensor, inputs: Inputs = lift) -> Problem:
        """The problem with its operators and features computed."""
        maps = operators(found, nodes.dtype, str(nodes.device))
        return cls(found, nodes, inputs, maps, inputs(found, nodes))

    @property
    def channels(self) -> tuple[int, int, int]:
        """The numbers of channels on nodes, edges and triangles."""
        first, second, third = (self.fields[k].shape[2] for k in range(3))
        return first, second, third

    def moved(self, move: Move) -> Problem:
        """The same images on the moved complex; features on edges and triangles are made anew there."""
        return Problem.pose(move.complex(self.found), move.field(0, self.nodes), self.inputs)

    def outputs(self, net: nn.Module, images: Tensor) -> Tensor:
        """A net's outputs, shape (len(images), classes), at the images with these numbers."""
        found: Tensor = net(self.maps, {k: x[:, images] for k, x in self.fields.items()})
        return found


@cache
def on_grid(inputs: Inputs = lift) -> Problem:
    """All digits on the grid of 49 patches.

    Example:
        >>> on_grid().channels, on_grid(ones).channels
        ((4, 4, 6), (4, 1, 1))
    """
    return Problem.pose(king_grid(SIDE), patches(digits()[0]), inputs)


def on_points(rng: np.random.Generator) -> Problem:
    """All digits on 49 random points and their Delaunay triangulation.

    Example:
        >>> on_points(np.random.default_rng(0)).channels
        (3, 3, 3)
    """
    points = random_points(SIDE * SIDE, rng)
    return Problem.pose(triangulation(points), sampled(digits()[0], points))


def train(net: nn.Module, problem: Problem, images: Tensor, steps: int, draws: torch.Generator) -> None:
    """Train a net in place by Adam on the cross-entropy of the digits' classes, on batches of `BATCH` images.

    Args:
        net: called as ``net(maps, fields)``.
        problem: the images and their complex.
        images: the numbers of the training images.
        steps: how many.
        draws: of the batches.
    """
    optimizer: Any = torch.optim.Adam(net.parameters(), lr=RATE)
    classes = digits()[1]
    for _ in range(integer("steps", steps, 0)):
        batch = images[torch.randperm(len(images), generator=draws)[:BATCH]]
        loss = nn.functional.cross_entropy(problem.outputs(net, batch), classes[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
