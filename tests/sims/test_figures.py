"""The figures: their files, their data, and that the same result gives the same bytes."""

from __future__ import annotations

import csv
import struct
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sims import figures
from sims.statistics import clopper_pearson
from sims.warmup import Point, Warmup
from theory.warmup import least_error


def point(learner: str, d: int, n: int, wrong: int) -> Point:
    low, high = clopper_pearson(wrong, 50, 0.01)
    return Point(learner, d, n, wrong, 50, float(low), float(high), least_error(d, n))


RESULT = Warmup(
    tuple(
        point(name, d, n, min(50, 3 * n + i))
        for i, name in enumerate(("fc", "kernel", "conv"))
        for d in (8, 16)
        for n in (0, 1, 8)
    ),
    0,
    1e-3,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return figures.warmup(RESULT, tmp_path_factory.mktemp("drawn") / "gap.v1")


def test_names_and_nothing_left_over(files: list[Path]) -> None:
    assert [file.name for file in files] == ["gap.v1.svg", "gap.v1.png", "gap.v1.csv"]
    assert sorted(files[0].parent.iterdir()) == sorted(files)


def test_the_table_holds_the_points(files: list[Path]) -> None:
    rows = list(csv.DictReader(files[2].read_text(encoding="utf-8").splitlines()))
    assert [(row["learner"], int(row["d"]), int(row["n"]), int(row["wrong"]), int(row["trials"])) for row in rows] == [
        (p.learner, p.d, p.n, p.wrong, p.trials) for p in RESULT.points
    ]
    for row, p in zip(rows, RESULT.points, strict=True):
        numbers = [float(row[key]) for key in ("error", "low", "high", "exact")]
        assert numbers == [p.wrong / p.trials, p.low, p.high, float(p.exact)]


def test_the_picture_is_a_png_of_150_dots_an_inch(files: list[Path]) -> None:
    content = files[1].read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    density, unit = struct.unpack(">IxxxxB", content[content.index(b"pHYs") + 4 :][:9])
    assert (round(density * 0.0254), unit) == (150, 1)


def test_the_drawing_is_xml_without_a_date(files: list[Path]) -> None:
    text = files[0].read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")  # noqa: S314
    assert "dc:date" not in text


def test_same_result_same_bytes(files: list[Path], tmp_path: Path) -> None:
    again = figures.warmup(RESULT, tmp_path / "gap.v1")
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in files]


def test_other_result_other_drawing(files: list[Path], tmp_path: Path) -> None:
    moved = replace(RESULT.points[0], wrong=40, low=0.6, high=0.9)
    again = figures.warmup(replace(RESULT, points=(moved, *RESULT.points[1:])), tmp_path / "gap")
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(again, files, strict=True))


def test_what_is_drawn() -> None:
    figure = figures._figure(RESULT)
    assert [panel.get_title() for panel in figure.axes] == ["d = 8", "d = 16"]
    for panel, d in zip(figure.axes, (8, 16), strict=True):
        curve = next(line for line in panel.lines if line.get_label().startswith("exact"))
        assert list(curve.get_ydata()) == [float(least_error(d, int(n))) for n in curve.get_xdata()]
        drawn = {bars.get_label(): bars for bars in panel.containers}
        assert len(drawn) == 3
        for name, style in figures.STYLES.items():
            own = [p for p in RESULT.points if p.learner == name and p.d == d]
            markers, _, (bars,) = drawn[style["label"]].lines
            assert list(markers.get_ydata()) == [p.wrong / p.trials for p in own]
            ends = [tuple(segment[:, 1]) for segment in bars.get_segments()]
            assert ends == [pytest.approx((p.low, p.high)) for p in own]


def test_learners_are_told_apart_without_colour() -> None:
    assert len({(style["marker"]) for style in (*figures.STYLES.values(), figures.SPARE)}) == 4


@pytest.mark.parametrize("dimensions", [(8,), (8, 16), (2, 4, 8, 16)])
def test_no_text_is_cut_off_or_overlaps(dimensions: tuple[int, ...]) -> None:
    points = tuple(point(name, d, n, 5) for name in figures.STYLES for d in dimensions for n in (0, 3 * d))
    figure = figures._figure(Warmup(points, 0, 1e-3))
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    words = [*figure.texts, *figure.legends]
    words += [text for panel in figure.axes for text in (panel.title, panel.xaxis.label)]
    boxes = [word.get_window_extent(renderer) for word in words]
    assert all(figure.bbox.containsx(x) for box in boxes for x in (box.x0, box.x1))
    assert all(figure.bbox.containsy(y) for box in boxes for y in (box.y0, box.y1))
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_an_unknown_learner_is_drawn_under_its_own_name(tmp_path: Path) -> None:
    result = Warmup((point("mine", 8, 0, 25), point("mine", 8, 4, 9)), 0, 1e-3)
    labels = figures._figure(result).axes[0].get_legend_handles_labels()[1]
    assert "mine" in labels


def test_no_points(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="result: got no points"):
        figures.warmup(Warmup((), 0, 0.1), tmp_path / "x")
    assert not list(tmp_path.iterdir())
