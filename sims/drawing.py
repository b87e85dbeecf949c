"""What all figures share: colours, empty panels, the words around them, and files with the drawn numbers beside them.

Each figure comes as ``.svg``, ``.png`` and ``.csv``, each written whole or not at all. The same figure gives the same
bytes.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from theory.store import write_atomically

__all__ = ["COLOURS", "DASHES", "HEIGHT", "MARKERS", "SHADE", "WIDTH", "csv_text", "panels", "save", "worded"]

# Okabe and Ito's colour-blind-safe palette; marker and filling alone tell the learners apart in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", ":", "-.")
SHADE = "#DDDDDD"
WIDTH, HEIGHT, TOP = 3.3, 2.4, 1.02
"""Inches of a panel with what belongs to it, and of the title."""
SETTINGS = {"svg.hashsalt": "orbitgap", "font.family": "DejaVu Sans", "font.size": 9.0}

Constrained = Literal["constrained"] | None


def panels(
    width: float, height: float, columns: int, rows: int = 1, *, sharey: bool = True, layout: Constrained = None
) -> tuple[Any, list[Any]]:
    """A matplotlib figure with empty panels, row by row.

    Args:
        width: inches of the figure.
        height: inches of the figure.
        columns: panels in a row.
        rows: of panels.
        sharey: whether they share the vertical axis.
        layout: "constrained" to have matplotlib place them; None leaves it to `worded`.

    Example:
        >>> figure, four = panels(6.6, 4.8, columns=2, rows=2)
        >>> len(four)
        4
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import, and only needed to draw
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    made = list(figure.subplots(rows, columns, sharey=sharey, squeeze=False).flat)
    for panel in made:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, made


def worded(figure: Any, title: str, note: str, columns: int = 3) -> Any:
    """Title, note and one legend for all panels, for which the figure grows.

    Args:
        figure: with its panels drawn.
        title: what one sees, in one line.
        note: how it was measured, below the title.
        columns: of the legend.

    Returns:
        The figure.
    """
    words: dict[str, Any] = {}
    for panel in figure.axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            words.setdefault(label, handle)
    bottom = 0.72 + 0.21 * math.ceil(len(words) / columns)
    width, height = figure.get_size_inches()
    height += TOP + bottom
    figure.set_size_inches(width, height)
    left = 0.75 / width
    figure.subplots_adjust(
        left=left, right=1 - 0.15 / width, top=1 - TOP / height, bottom=bottom / height, wspace=0.08, hspace=0.45
    )
    figure.suptitle(title, x=left, y=1 - 0.16 / height, va="top", ha="left", size=13, weight="bold")
    figure.text(left, 1 - 0.48 / height, note, ha="left", va="top", color="#444444")
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.02 / height)}
    figure.legend(words.values(), words.keys(), ncols=columns, frameon=False, **place)
    return figure


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""The drawn numbers as CSV.

    Example:
        >>> csv_text(("d", "mean"), [(2, 0.5)])
        'd,mean\n2,0.5\n'
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    return text.getvalue()


def save(draw: Callable[[], Any], table: str, path: Path) -> list[Path]:
    """A figure with its data, drawn with fixed settings.

    Args:
        draw: makes the matplotlib figure; called once, with the settings in force.
        table: the drawn numbers, as `csv_text` gives them.
        path: where to write, without an ending; missing folders are made.

    Returns:
        The written files: path.svg, path.png (150 dpi) and path.csv.

    Raises:
        OSError: a file cannot be written; what was there stays.
    """
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()  # what a user's own matplotlibrc says is not in the figure
        mpl.rcParams.update(SETTINGS)
        figure = draw()
        svg = _rendered(figure, "svg", {"Date": None})
        png = _rendered(figure, "png", {"Software": None})
    contents = {".svg": svg, ".png": png, ".csv": table.encode()}
    files = {path.with_name(path.name + ending): content for ending, content in contents.items()}
    for file, content in files.items():
        write_atomically(file, content)
    return list(files)


def _rendered(figure: Any, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()
