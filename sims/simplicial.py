r"""Digits as simplicial complexes: convolutional, graph and simplicial nets on the same images, and what turning does.

Each image is a complex of 49 nodes. On the grid of Bunch et al. (king's moves: 156 edges, 144 triangles) a node is a
patch of 2 x 2 pixels of one of scikit-learn's digits (8 x 8 pixels, 1797 images). All learners are three layers with
tanh unless ReLU is named, without biases, then a linear function of the node features, with 10,350 to 10,900 weights
each. What differs:

- ``conv``: convolutions of 3 x 3 nodes, which know left from right on the grid;
- ``graph``: the term A_0u X_0 W_00 alone, an average over neighbours;
- ``simplicial``: all seven terms of claim simplicial, with differences along edges and wedge products on triangles
  (claim simplicial-inputs) as further inputs, which are functions of the same node features;
- ``bare``: all seven terms, but nothing given on edges and triangles, so that it sees what ``graph`` sees;
- ``relu``: as ``bare``, with ReLU. The authors' code puts ones on edges and triangles, but standardizes all features
  before training, which takes a constant to zero;
- ``relu_ones``: as ``relu``, with these ones as they are;
- ``graph_points``, ``simplicial_points``: on 49 random points and their Delaunay triangulation, drawn anew for each
  replica; features are the intensity at the point and its place.

All take the same number of steps of Adam at the same rate, which were not chosen for each net. Stopped after a third of
the steps, ``graph`` and ``relu_ones`` err more, so that part of what is seen is how fast a net learns. A replica draws
training and test images (1000 and 797 at most, all different), weights and batches; its value is the error on the test
images. So the mean over replicas is over draws from these 1797 images. Nothing is claimed of it: the accuracies of the
paper (simplicial-mnist) are on other images, and its nets differ: in the authors' code the net called convolutional
maps each patch by itself, without neighbours, and all end in fully-connected layers. The curves' intervals all hold
together but with a probability of 5e-6, and are wide for it; the picture of five runs has intervals of 95 % for each
mean alone.

``turned`` and ``turned_relu_ones`` are no errors: a trained net, ``simplicial`` or ``relu_ones``, is asked again after
a random choice of orientations, and the value is the share of test images that get the same answer. Claim
simplicial-net says 1 for tanh and equivariant inputs; with ReLU and ones the answers depend on how edges and triangles
happened to be oriented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sims.experiment import Cell, Experiment, Line, Looks
from sims.simplicial_complexes import reorientation
from sims.simplicial_images import SIDE, Problem, digest, digits, on_grid, on_points, ones, train, zeros
from sims.simplicial_layers import ConvNet, SimplicialNet
from theory.simplicial_complexes import TERMS

__all__ = ["EXPERIMENT", "LEARNERS", "measure"]

NODES, CLASSES, DEPTH, TEST = SIDE * SIDE, 10, 3, 797
TRAINED: Mapping[str, Mapping[int, int]] = {"quick": {20: 12}, "full": {100: 40, 300: 16, 1000: 8}}
"""Numbers of training images, each with its number of replicas."""
ASKED: Mapping[str, Mapping[int, int]] = {"quick": {20: 20}, "full": {100: 20, 1000: 5}}
"""The same for nets that are turned."""


@dataclass(frozen=True)
class Learner:
    """A net and the problem that it is trained on.

    Attributes:
        problem: draws the complex, if it is random.
        net: from the problem and a generator for the weights to the net.
    """

    problem: Callable[[np.random.Generator], Problem]
    net: Callable[[Problem, torch.Generator], nn.Module]


def _conv(problem: Problem, weights: torch.Generator) -> nn.Module:
    return ConvNet(SIDE, problem.channels[0], 14, DEPTH, CLASSES, torch.tanh, weights)


def _graph(problem: Problem, weights: torch.Generator) -> nn.Module:
    return SimplicialNet(NODES, ("00",), problem.channels, 20, DEPTH, CLASSES, torch.tanh, weights)


def _simplicial(problem: Problem, weights: torch.Generator) -> nn.Module:
    return SimplicialNet(NODES, TERMS, problem.channels, 16, DEPTH, CLASSES, torch.tanh, weights)


def _relu(problem: Problem, weights: torch.Generator) -> nn.Module:
    return SimplicialNet(NODES, TERMS, problem.channels, 16, DEPTH, CLASSES, torch.relu, weights)


LEARNERS: Mapping[str, Learner] = {
    "conv": Learner(lambda rng: on_grid(), _conv),
    "graph": Learner(lambda rng: on_grid(), _graph),
    "simplicial": Learner(lambda rng: on_grid(), _simplicial),
    "bare": Learner(lambda rng: on_grid(zeros), _simplicial),
    "relu": Learner(lambda rng: on_grid(zeros), _relu),
    "relu_ones": Learner(lambda rng: on_grid(ones), _relu),
    "graph_points": Learner(on_points, _graph),
    "simplicial_points": Learner(on_points, _simplicial),
}
TURNED = {"turned": "simplicial", "turned_relu_ones": "relu_ones"}
"""What is asked again after a change of orientations, and which learner it is."""


def cells(size: str) -> list[Cell]:
    """Errors, and shares of equal answers after turning; the random points only in full."""
    key = "quick" if size == "quick" else "full"
    names = ("conv", "graph", "simplicial") if key == "quick" else tuple(LEARNERS)
    found = [_cell(name, n, replicas) for name in names for n, replicas in TRAINED[key].items()]
    found += [_cell(name, n, replicas) for name in TURNED for n, replicas in ASKED[key].items()]
    return sorted(found, key=lambda cell: cell.learner.endswith("_points"))  # last: drawn as the same nets on the grid


def measure(cell: Cell, seeds: Sequence[np.random.SeedSequence], device: str = "cpu") -> NDArray[np.float64]:
    """Each replica's error on its test images, or the share of them with the same answer after turning.

    Everything runs on the CPU, whatever the device: the complexes are small.

    Example:
        >>> measure(Cell("graph", 49, 20, 1, 1), np.random.SeedSequence(0).spawn(1)).shape
        (1,)
    """
    one = _kept if cell.learner in TURNED else _error
    return np.array([one(cell, np.random.default_rng(seed)) for seed in seeds])


def _error(cell: Cell, rng: np.random.Generator) -> float:
    problem, net, test = _trained(LEARNERS[cell.learner], cell.n, rng)
    return float((_answers(problem, net, test) != digits()[1][test]).double().mean())


def _kept(cell: Cell, rng: np.random.Generator) -> float:
    problem, net, test = _trained(LEARNERS[TURNED[cell.learner]], cell.n, rng)
    again = problem.moved(reorientation(problem.found, rng))
    return float((_answers(problem, net, test) == _answers(again, net, test)).double().mean())


def _trained(learner: Learner, n: int, rng: np.random.Generator) -> tuple[Problem, nn.Module, Tensor]:
    """The problem, a net trained on n of its images, and the numbers of the test images."""
    problem = learner.problem(rng)
    images = torch.from_numpy(rng.permutation(len(digits()[1])))
    draws = torch.Generator().manual_seed(int(rng.integers(2**63)))
    net = learner.net(problem, draws)
    train(net, problem, images[:n], steps(n), draws)
    return problem, net, images[n : n + min(TEST, 8 * n)]


def steps(n: int) -> int:
    """Training steps for n images: from 32 images on, some 38 passes over them."""
    return round(1.2 * n)


def _answers(problem: Problem, net: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return problem.outputs(net, images).argmax(dim=1)


def _cell(learner: str, n: int, replicas: int) -> Cell:
    seconds = 0.3 + 0.01 * steps(n)
    return Cell(learner, NODES, n, replicas, max(1, min(replicas, int(15 / seconds))))


def _pictures(size: str, seed: int, folder: Path) -> list[Path]:
    from sims import simplicial_pictures  # draws with what is measured here

    drawn = simplicial_pictures.complexes(seed, folder)
    return drawn if size == "quick" else drawn + simplicial_pictures.runs(seed, folder)


def _panel(learner: str, d: int) -> str:
    if learner in TURNED:
        return "same answer after turning"
    return "error, random points" if learner.endswith("_points") else "error, grid"


EXPERIMENT = Experiment(
    name="simplicial",
    cells=cells,
    measure=measure,
    lines=(
        Line(
            "simplicial-net",
            "equal",
            "all answers the same after turning: 1",
            lambda d, n: 1.0,
            ("turned",),
            ("turned_relu_ones",),
            fault=0.4,  # answers of which six in ten change; beyond 1 nothing could be measured
        ),
    ),
    looks=Looks(
        title="Simplicial nets on digits: error, and answers after turning edges and triangles",
        subtitle="Digits of 8 x 8 pixels on complexes of 49 nodes",
        x="training images n",
        y="share of test images",
        styles={
            "conv": "convolutions",
            "graph": "graph net",
            "simplicial": "simplicial net",
            "bare": "simplicial net, only nodes given",
            "relu": "only nodes given, ReLU",
            "relu_ones": "ReLU and ones",
            "graph_points": "graph net, random points",
            "simplicial_points": "simplicial net, random points",
            "turned": "simplicial net turned",
            "turned_relu_ones": "ReLU and ones, turned",
        },
        panel=_panel,
    ),
    inputs=digest,
    pictures=_pictures,
)
