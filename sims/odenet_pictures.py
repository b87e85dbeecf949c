"""Two more figures of ODE nets: accuracy against parameters, and the drift of compressed nets against its bound.

Both look at a few nets, trained anew from the figure's seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sims.drawing import COLOURS, DASHES, MARKERS, SHADE, csv_text, panels, save, worded
from sims.odenet_compress import compressed, errors
from sims.odenet_gronwall import drift
from sims.odenet_nets import parameters
from sims.odenet_trained import SETTINGS, TRAININGS, Setting, spaces, trained
from sims.threads import one_thread
from theory.odenet_spaces import BASES, Space

__all__ = ["pictures"]

NETS = {"quick": 5, "full": 10}
IMAGES = 50
"""Test images on which states are compared."""
TITLE = "Refined nets nearly keep their accuracy when compressed; layers start higher and lose it"
TITLES = {"refined": "trained by refinement", "layers": "layers trained from the start"}
NAMES = {"constant": "piecewise constant", "hats": "hats", "linear": "discontinuous linear", "polynomial": "polynomial"}
SIZE = (9.9, 2.6)
"""Inches of the panels."""


@dataclass(frozen=True)
class Looked:
    """One net in one space: numbers for the figures.

    Attributes:
        kind: how it was trained.
        space: what it was compressed to.
        net: which one.
        count: its parameters.
        accuracy: on its test images.
        measured: the drift of the image that comes nearest to the closed bound.
        closed: the bound M e^(mean of L) times the distance, for this image.
        steps: the bound step by step, for this image.
    """

    kind: str
    space: Space
    net: int
    count: int
    accuracy: float
    measured: float
    closed: float
    steps: float


def pictures(size: str, seed: int, folder: Path) -> list[Path]:
    """Draw both figures.

    Args:
        size: of `sims.experiment.SIZES`.
        seed: of the nets.
        folder: where to write.

    Returns:
        The written files: odenet-parameters and odenet-gronwall, each as svg, png and csv.
    """
    key = "quick" if size == "quick" else "full"
    with one_thread():
        seen = _look(SETTINGS[key], np.random.SeedSequence(seed).spawn(NETS[key]))
    accuracy, bounds = _table(seen, ("count", "accuracy")), _table(seen, ("measured", "closed", "steps"))
    return [
        *save(lambda: _parameters(seen), accuracy, folder / "odenet-parameters"),
        *save(lambda: _gronwall(seen), bounds, folder / "odenet-gronwall"),
    ]


def _look(setting: Setting, seeds: Sequence[np.random.SeedSequence]) -> list[Looked]:
    found = []
    for kind in TRAININGS:
        net, test = trained(kind, setting, seeds)
        for space in (space for basis in BASES for space in spaces(setting, basis)):
            small = compressed(net, space)
            right = 1 - errors(small, test)
            moved = drift(net, small, test.images[:, :IMAGES])
            worst = (moved.measured / moved.closed.clamp(min=1e-300)).argmax(dim=1, keepdim=True)
            columns = [t.gather(1, worst)[:, 0].tolist() for t in (moved.measured, moved.closed, moved.steps)]
            for k, row in enumerate(zip(right.tolist(), *columns, strict=True)):
                found.append(Looked(kind, space, k, parameters(space, setting.width), *row))
    return found


def _parameters(seen: Sequence[Looked]) -> Any:
    figure, places = panels(*SIZE, 2)
    for kind, panel in zip(TRAININGS, places, strict=True):
        for i, basis in enumerate(BASES):
            mine = [x for x in seen if x.kind == kind and x.space.basis == basis]
            counts = sorted({x.count for x in mine})
            groups = [[x.accuracy for x in mine if x.count == count] for count in counts]
            means = [float(np.mean(group)) for group in groups]
            spread = [
                [mean - min(group) for mean, group in zip(means, groups, strict=True)],
                [max(group) - mean for mean, group in zip(means, groups, strict=True)],
            ]
            shifted = [count * 1.02 ** (i - 1.5) for count in counts]
            panel.errorbar(
                shifted,
                means,
                yerr=spread,
                linewidth=1.1,
                linestyle=DASHES[i],
                capsize=1.6,
                label=NAMES[basis],
                **_style(i),
            )
        counts = sorted({x.count for x in seen})
        panel.set_xscale("log")
        panel.set_xticks(counts[:: 1 + len(counts) // 6], [f"{c:,}" for c in counts[:: 1 + len(counts) // 6]])
        panel.minorticks_off()
        panel.set(title=TITLES[kind], xlabel="parameters, of the basis functions left and the output layer")
    places[0].set_ylabel("test accuracy (mean, least and greatest)")
    return worded(figure, TITLE, _note(seen), columns=4)


def _gronwall(seen: Sequence[Looked]) -> Any:
    figure, places = panels(*SIZE, 2)
    moved = [x for x in seen if x.measured > 0]
    ends = [min(x.measured for x in moved) / 2, 2 * max(x.closed for x in moved)]
    highest = 30 * max(x.measured for x in moved)
    bounds: list[tuple[str, Callable[[Looked], float]]] = [
        (r"$M\,e^{\bar L}$ times the distance of the weights", lambda x: x.closed),
        ("the bound step by step", lambda x: x.steps),
    ]
    for panel, (says, bound) in zip(places, bounds, strict=True):
        panel.fill_between(ends, ends, ends[1], color=SHADE, linewidth=0, label="impossible by claim odenet-gronwall")
        for i, basis in enumerate(BASES):
            for kind in TRAININGS:
                mine = [x for x in moved if x.kind == kind and x.space.basis == basis]
                style = _style(i) | ({"markerfacecolor": "white"} if kind == "refined" else {})
                label = f"{NAMES[basis]}, {TITLES[kind]}"
                panel.plot([bound(x) for x in mine], [x.measured for x in mine], linestyle="none", label=label, **style)
        panel.set(xscale="log", yscale="log", xlim=ends, ylim=(ends[0], highest), xlabel=says)
    places[0].set_ylabel("measured drift of the last state")
    title = "Compressed nets drift far less than Gronwall's inequality allows"
    return worded(figure, title, _note(seen), columns=2)


def _style(i: int) -> dict[str, Any]:
    return {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 4.2}


def _note(seen: Sequence[Looked]) -> str:
    return f"ODE nets on handwritten digits, {len({x.net for x in seen})} of each kind."


def _table(seen: Sequence[Looked], said: Sequence[str]) -> str:
    header = ("training", "basis", "functions", "net", *said)
    rows = ((x.kind, x.space.basis, x.space.size, x.net, *(getattr(x, name) for name in said)) for x in seen)
    return csv_text(header, rows)
