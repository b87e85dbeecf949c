"""Pictures of what the introspective loop makes up, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sims.drawing import csv_text, panels, save

__all__ = ["gallery"]

Array = NDArray[np.float32]


def gallery(shown: Mapping[str, Sequence[Array]], digits: Sequence[int], path: Path) -> list[Path]:
    """Draw images of 8 x 8 pixels in rows, and write their pixels.

    Args:
        shown: for each net (``fc``, ``conv``) one row of real images and one for each round, each of shape
            (digits, columns, 64).
        digits: what the images of a row are for.
        path: where to write, without an ending.

    Returns:
        The written files: path.svg, path.png and path.csv.

    Raises:
        OSError: a file cannot be written; what was there stays.
    """
    return save(lambda: _figure(shown, digits), _pixels(shown, digits), path)


def _figure(shown: Mapping[str, Sequence[Array]], digits: Sequence[int]) -> Any:
    first = next(iter(shown.values()))
    count, columns = len(first), first[0].shape[1]
    height = 1.1 + 0.39 * count
    figure, places = panels(9.6, height, len(shown), sharey=False)
    titles = {"fc": "fully-connected nets", "conv": "conv nets"}
    for panel, (net, rows) in zip(places, shown.items(), strict=True):
        lines = [np.concatenate([_framed(image) for group in row for image in [*group, None]], axis=1) for row in rows]
        panel.imshow(np.concatenate(lines), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        panel.set_title(titles[net], size=10)
        panel.set_yticks([10 * k + 4.5 for k in range(count)], ["real", *(f"round {k}" for k in range(1, count))])
        panel.set_xticks([5 * columns, 15 * columns + 3], [f"for the digit {digit}" for digit in digits])
        panel.tick_params(length=0)
        for side in panel.spines.values():
            side.set_visible(False)
    figure.suptitle(
        "Pseudo-negatives, round by round", x=0.015, y=1 - 0.1 / height, ha="left", va="top", size=13, weight="bold"
    )
    figure.text(
        0.015,
        1 - 0.4 / height,
        "Black is -1, white is 1; beyond them only the picture is clipped.",
        va="top",
        color="#444444",
    )
    figure.subplots_adjust(left=0.08, right=0.99, top=1 - 0.85 / height, bottom=0.25 / height, wspace=0.16)
    return figure


def _framed(image: Array | None) -> Array:
    """An image with a white frame of one pixel; a white gap if there is none."""
    if image is None:
        return np.ones((10, 3), dtype=np.float32)
    return np.pad(image.reshape(8, 8), 1, constant_values=1)


def _pixels(shown: Mapping[str, Sequence[Array]], digits: Sequence[int]) -> str:
    """One line for each image; round 0 are real ones."""
    header = ("net", "digit", "round", "image", *(f"pixel{k}" for k in range(64)))
    lines = [
        (net, digit, number, k, *(f"{v:.3f}" for v in image))
        for net, rows in shown.items()
        for number, row in enumerate(rows)
        for digit, group in zip(digits, row, strict=True)
        for k, image in enumerate(group)
    ]
    return csv_text(header, lines)
