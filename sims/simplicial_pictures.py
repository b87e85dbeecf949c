"""Pictures of complexes with what is on them, and five runs of each net beside the published accuracies.

The bars of our five runs are 95 % intervals for their mean (Student), if runs are normal. Of the published ones it is
only known that they stand behind a sign +-.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sims.drawing import COLOURS, csv_text, panels, save
from sims.experiment import Cell
from sims.simplicial_complexes import Complex, king_grid, triangulation
from sims.simplicial_images import SIDE, digits, patches, random_points, sampled
from sims.simplicial_layers import lift

__all__ = ["complexes", "runs"]

Values = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
Panel = tuple[str, NDArray[Any], Complex, Values]
"""A title, places of the nodes, a complex, and what is on its nodes, edges and triangles."""
PUBLISHED = {"conv": (0.8740, 0.0070), "graph": (0.8742, 0.0059), "simplicial": (0.9110, 0.0040)}
"""Accuracy, and what stands behind +-, of claim simplicial-mnist."""
RUNS, IMAGES = 5, 1000
QUANTILE = 2.776445
"""97.5 % of Student's law with RUNS - 1 degrees of freedom lie below it."""
LABELS = {
    "conv": "convolutions",
    "graph": "graph net",
    "simplicial": "simplicial\nnet",
    "bare": "only nodes\ngiven",
    "relu": "only nodes\ngiven, ReLU",
    "relu_ones": "ReLU\nand ones",
}


def complexes(seed: int, folder: Path) -> list[Path]:
    """A random triangulation, and one digit on the grid and on random points.

    Nodes show intensities (of the triangulation: a smooth function), dark for great values. Edges show differences by
    their width; where these are not small, arrows point to the greater value. Triangles show the wedge product of the
    first two channels by red and blue, which is a convention of orientation.
    """
    rng = np.random.default_rng(seed)
    image = digits()[0][int(rng.integers(len(digits()[0])))][None]
    many, points = rng.uniform(0, SIDE, (120, 2)), random_points(SIDE * SIDE, rng)
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), axis=-1).reshape(-1, 2) + 0.5
    smooth = np.stack([np.sin(many[:, 0]) * np.cos(many[:, 1] / 2), many[:, 1] / SIDE], axis=1)
    shown = [
        ("Random triangulation of 120 points", many, triangulation(many), torch.from_numpy(smooth)[:, None]),
        (
            "A digit on the grid, four overlapping triangles a square",
            grid,
            king_grid(SIDE),
            patches(image),
        ),
        ("The digit on 49 random points", points, triangulation(points), sampled(image, points)),
    ]
    drawn: list[Panel] = [(title, places, found, _values(found, x)) for title, places, found, x in shown]
    return save(lambda: _draw(drawn), _table(drawn), folder / "simplicial-complexes")


def runs(seed: int, folder: Path) -> list[Path]:
    """Mean accuracy over five runs at 1000 training images with its interval, and the published ones."""
    from sims.simplicial import measure  # which draws with this module

    seeds = np.random.SeedSequence([seed, RUNS]).spawn(RUNS)
    found = {name: 1 - measure(Cell(name, SIDE * SIDE, IMAGES, RUNS, RUNS), seeds) for name in LABELS}
    rows = [(name, "here", float(a.mean()), QUANTILE * float(a.std(ddof=1)) / RUNS**0.5) for name, a in found.items()]
    rows += [(name, "published", *values) for name, values in PUBLISHED.items()]
    header = ("learner", "where", "mean", "plus or minus")
    return save(lambda: _bars(rows), csv_text(header, rows), folder / "simplicial-runs")


def _values(found: Complex, nodes: torch.Tensor) -> Values:
    """For one image: the mean channel of nodes, its differences, and the first wedge product."""
    fields = lift(found, nodes.double())
    first = fields[0][:, 0, 0] if nodes.shape[2] != 4 else fields[0][:, 0].mean(dim=1)
    return first.numpy(), found.b1.T @ first.numpy(), fields[2][:, 0, 0].numpy()


def _draw(drawn: Sequence[Panel]) -> Any:
    figure, shown = panels(11.4, 4.2, len(drawn), sharey=False, layout="constrained")
    for panel, (title, places, found, (nodes, edges, triangles)) in zip(shown, drawn, strict=True):
        x, y = places[:, 1], -places[:, 0]
        corners = _triangles(found)
        shade = triangles / max(1e-12, float(abs(triangles).max()))
        paint = {"cmap": "RdBu_r", "vmin": -1.3, "vmax": 1.3, "alpha": 0.5}  # so that what overlaps is seen
        panel.tripcolor(x, y, corners, facecolors=shade, zorder=0, **paint)
        _arrows(panel, x, y, found, edges)
        panel.scatter(x, y, c=nodes, cmap="gray_r", edgecolors=COLOURS[0], linewidths=0.8, s=34, zorder=3)
        n0, n1, n2 = found.counts
        panel.set_title(f"{title}\n{n0} nodes, {n1} edges, {n2} triangles", fontsize=9.5)
        panel.set_aspect("equal")
        panel.set_axis_off()
    figure.suptitle(
        "Features on 2-complexes: nodes by value, edges by difference (to the greater), triangles by wedge product",
        fontsize=11,
        weight="bold",
    )
    return figure


def _arrows(panel: Any, x: NDArray[Any], y: NDArray[Any], found: Complex, edges: NDArray[Any]) -> None:
    """Edges by the size of their values; the greater ones point along, or against where the value is negative."""
    tails, heads = _ends(found)
    size = abs(edges) / max(1e-12, float(abs(edges).max()))
    swap = edges < 0
    start, end = np.where(swap, heads, tails), np.where(swap, tails, heads)
    for a, b, width in zip(start, end, size, strict=True):
        panel.plot(x[[a, b]], y[[a, b]], color="#888888", linewidth=0.4 + 1.6 * width, zorder=1)
    strong = size > 0.25
    middle = [(0.55 * v[end] + 0.45 * v[start])[strong] for v in (x, y)]
    turn = [(v[end] - v[start])[strong] for v in (x, y)]
    head = {"width": 0.004, "headwidth": 6, "headlength": 6, "headaxislength": 5}
    panel.quiver(*middle, *turn, angles="xy", scale=45, pivot="mid", color="#444444", zorder=2, **head)


def _bars(rows: Sequence[tuple[str, str, float, float]]) -> Any:
    figure, (panel,) = panels(7.6, 3.8, 1, layout="constrained")
    names = list(LABELS)
    for i, where in enumerate(("here", "published")):
        own = [row for row in rows if row[1] == where]
        label = f"digits, {RUNS} runs here" if where == "here" else "MNIST, other nets, as published"
        places = [names.index(name) + 0.2 * (2 * i - 1) for name, *_ in own]
        means, spreads = [row[2] for row in own], [row[3] for row in own]
        panel.errorbar(places, means, yerr=spreads, fmt="os"[i], color=COLOURS[i], capsize=3, markersize=5, label=label)
    panel.set_xticks(range(len(names)), [LABELS[name] for name in names])
    panel.set(
        ylabel="test accuracy", title=f"{IMAGES} training images; bars: 95 % intervals of a mean here, +- as published"
    )
    panel.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure


def _ends(found: Complex) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each edge starts and ends."""
    dense = found.b1.toarray()
    return dense.argmin(axis=0), dense.argmax(axis=0)


def _triangles(found: Complex) -> NDArray[np.int64]:
    """The nodes of each triangle, shape (triangles, 3)."""
    touched = (abs(found.b1) @ abs(found.b2)).toarray() > 0
    return np.nonzero(touched.T)[1].reshape(-1, 3)


def _table(drawn: Iterable[Panel]) -> str:
    rows: list[Sequence[object]] = []
    for title, places, found, (nodes, edges, triangles) in drawn:
        rows += [(title, "node", k, v, *places[k], k) for k, v in enumerate(nodes)]
        ends = np.stack(_ends(found), axis=1)
        for name, values, listed in (("edge", edges, ends), ("triangle", triangles, _triangles(found))):
            rows += [(title, name, k, v, "", "", " ".join(map(str, listed[k]))) for k, v in enumerate(values)]
    return csv_text(("panel", "simplex", "number", "value", "down", "right", "nodes"), rows)
