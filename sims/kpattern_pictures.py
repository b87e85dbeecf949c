"""Further figures of the k-patterns: accuracy against the number of bits, and the first gradient against its bounds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sims.drawing import COLOURS, MARKERS, csv_text, panels, save
from sims.kpattern_nets import BIAS, BUDGETS, trained_errors
from theory.kpattern import conv_gradient, gaussian_gradient, gradient_bound, printed_gradient_bound

__all__ = ["draw_accuracy", "draw_gradient"]

NETS = {"fc": "fully-connected net", "conv": "conv net"}
TESTED = {"quick": ((8, 16, 24, 32), 6), "full": ((8, 12, 16, 20, 24, 28, 32), 20)}
"""Numbers of bits, and replicas at each."""
LARGEST = 64
"""Most bits in the figure of the gradient."""


def draw_accuracy(size: str, patterns: Sequence[int], seed: int, folder: Path) -> list[Path]:
    """Test accuracy of both nets against the number of bits, with the range of the replicas.

    Args:
        size: one of `sims.experiment.SIZES`.
        patterns: lengths k of the patterns, keys of `sims.kpattern_nets.BUDGETS`; a panel for each.
        seed: of everything random.
        folder: where to write.

    Returns:
        The written files.
    """
    bits, replicas = TESTED["quick" if size == "quick" else "full"]
    rows = []
    for index, (k, kind, n) in enumerate(itertools.product(patterns, NETS, bits)):
        seeds = np.random.SeedSequence((seed, index)).spawn(replicas)
        accuracy = 1 - trained_errors(kind, n, k, BUDGETS[k].samples, seeds)
        rows.append((k, kind, n, replicas, accuracy.mean(), accuracy.min(), accuracy.max()))
    table = csv_text(("k", "net", "bits", "replicas", "mean accuracy", "least", "greatest"), rows)
    return save(lambda: _accuracy(rows, patterns), table, folder / "kpattern-accuracy")


def draw_gradient(folder: Path) -> list[Path]:
    """The mean squared first gradient of a Gaussian ReLU unit, computed, below its bounds, and that of a filter.

    Args:
        folder: where to write.

    Returns:
        The written files.
    """
    rows = [row for k in BUDGETS for n in range(k + 1, LARGEST + 1) for row in [(k, n, *_values(n, k))]]
    header = ("k", "bits", *CURVES)
    return save(lambda: _gradient(rows), csv_text(header, rows), folder / "kpattern-gradient")


CURVES = (
    "bound of the paper, as recalled",
    "least bound for derivatives in [-1, 1]",
    "least bound for ReLU",
    "hidden unit of the fully-connected net",
    "filter of the conv net",
)
LINESTYLES = ("-.", "--", "--", "-", "-")


def _values(n: int, k: int) -> tuple[float, ...]:
    bound = float(gradient_bound(n, k))
    return (
        float(printed_gradient_bound(n, k, 1)),
        bound,
        bound / 4,
        gaussian_gradient(n, k, BIAS)[1],
        conv_gradient(k, BIAS)[1],
    )


def _accuracy(rows: Sequence[Sequence[Any]], patterns: Sequence[int]) -> Any:
    wide = 5.6 if len(patterns) == 1 else 4.2
    figure, places = panels(wide * len(patterns), 4.0, len(patterns), layout="constrained")
    for panel, k in zip(places, patterns, strict=True):
        for style, (kind, label) in enumerate(NETS.items()):
            _, _, bits, _, mean, low, high = zip(*(row for row in rows if row[:2] == (k, kind)), strict=True)
            panel.fill_between(bits, low, high, color=COLOURS[style], alpha=0.2, linewidth=0)
            panel.plot(bits, mean, color=COLOURS[style], marker=MARKERS[style], label=label)
        panel.axhline(0.5, color="black", linewidth=0.8, linestyle=":", label="guessing")
        panel.set(xlabel="number of bits n", ylim=(0.4, 1.03), xticks=sorted({row[2] for row in rows}))
        budget = BUDGETS[k]
        panel.set_title(
            f"Parity of {k} neighbouring bits: {budget.samples} samples,\n{budget.steps} steps of Adam, "
            f"{budget.hidden} (n + 2) weights; range of {rows[0][3]} replicas",
            loc="left",
            size=9,
        )
    places[0].set_ylabel("test accuracy")
    figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _gradient(rows: Sequence[Sequence[Any]]) -> Any:
    figure, places = panels(3.4 * len(BUDGETS), 4.0, len(BUDGETS), layout="constrained")
    for panel, k in zip(places, BUDGETS, strict=True):
        _, bits, *columns = zip(*(row for row in rows if row[0] == k), strict=True)
        for style, (label, dash, column) in enumerate(zip(CURVES, LINESTYLES, columns, strict=True)):
            panel.plot(bits, column, color=COLOURS[style], linestyle=dash, label=label)
        panel.set(xscale="log", yscale="log", xlabel="number of bits n", title=f"parity of {k} neighbouring bits")
        panel.set_xticks([8, 16, 32, 64], ["8", "16", "32", "64"])
        panel.minorticks_off()
    places[0].set_ylabel("mean squared norm of the first gradient")
    figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure
