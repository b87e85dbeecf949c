"""The figures: their files, their data, and that the same result gives the same bytes."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from sims import (
    allreduce_pictures,
    drawing,
    figures,
    kpattern_nets,
    kpattern_pictures,
    odenet_pictures,
    odenet_trained,
)
from sims.experiment import NAMES, Cell, Experiment, Line, Looks, load
from sims.judgement import Result, summarise
from theory.odenet_spaces import BASES

LINE = Line("ex-4.1-exact", "lower", "a floor", lambda d, n: None if n > 4 else 0.5 / (n + 1), ("first",), ("third",))
TOO = Line("ex-4.1", "upper", "a ceiling", lambda d, n: 0.9, ("second",))
LEARNERS = ("first", "second", "third")


def result(dimensions: tuple[int, ...] = (8, 16), names: tuple[str, ...] = LEARNERS, **looks: object) -> Result:
    dressed = Looks("Some learners pay", "A task", styles={"first": "a fully-connected net"}, **looks)  # type: ignore[arg-type]
    made = Experiment("warmup", lambda size: [], lambda *_: np.zeros(1), (LINE, TOO), dressed)
    cells = [Cell(name, d, n, 30, 30) for name in names for d in dimensions for n in (0, 1, 8)]
    values = {c: np.linspace(0.1, 0.3, 30) / (1 + c.n) for c in cells}
    return summarise(made, values, 0)


RESULT = result()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return figures.curves(RESULT, tmp_path_factory.mktemp("drawn") / "gap.v1")


def test_names_and_nothing_left_over(files: list[Path]) -> None:
    assert [file.name for file in files] == ["gap.v1.svg", "gap.v1.png", "gap.v1.csv"]
    assert sorted(files[0].parent.iterdir()) == sorted(files)


def test_the_table_holds_the_points_and_what_is_said_of_them(files: list[Path]) -> None:
    rows = list(csv.DictReader(files[2].read_text(encoding="utf-8").splitlines()))
    for row, p in zip(rows, RESULT.points, strict=True):
        assert (row["learner"], int(row["d"]), int(row["n"]), int(row["replicas"])) == (p.learner, p.d, p.n, p.replicas)
        assert [float(row[key]) for key in ("mean", "low", "high")] == [p.mean, p.low, p.high]
        floor = LINE.value(p.d, p.n) if p.learner != "second" else None
        assert row["a floor"] == ("" if floor is None else str(floor))
        assert row["a ceiling"] == ("0.9" if p.learner == "second" else "")


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
    again = figures.curves(RESULT, tmp_path / "gap.v1")
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in files]


def test_what_a_user_sets_for_other_figures_does_not_change_the_bytes(files: list[Path], tmp_path: Path) -> None:
    mine = {"lines.linewidth": 9, "axes.facecolor": "red", "svg.fonttype": "none", "font.weight": "bold"}
    with mpl.rc_context({**mine, "savefig.facecolor": "blue"}):
        again = figures.curves(RESULT, tmp_path / "again")
        assert mpl.rcParams["lines.linewidth"] == 9
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]


def test_other_result_other_drawing(files: list[Path], tmp_path: Path) -> None:
    moved = replace(RESULT.points[0], mean=0.4, low=0.3, high=0.6)
    again = figures.curves(replace(RESULT, points=(moved, *RESULT.points[1:])), tmp_path / "gap")
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(again, files, strict=True))


def test_what_is_drawn() -> None:
    figure = figures._figure(RESULT)
    assert [panel.get_title() for panel in figure.axes] == ["d = 8", "d = 16"]
    for panel, d in zip(figure.axes, (8, 16), strict=True):
        floor = next(line for line in panel.lines if line.get_label() == "a floor")
        assert list(floor.get_ydata()) == [LINE.value(d, int(n)) for n in floor.get_xdata()]
        assert max(floor.get_xdata()) == 4  # where the claim is silent nothing is drawn
        shaded = panel.collections[0].get_paths()[0].vertices
        assert shaded[:, 1].max() == 0.5
        drawn = {bars.get_label(): bars for bars in panel.containers}
        for name, label in zip(LEARNERS, ("a fully-connected net", "second", "third"), strict=True):
            own = [p for p in RESULT.points if p.learner == name and p.d == d]
            markers, _, (bars,) = drawn[label].lines
            assert list(markers.get_ydata()) == [p.mean for p in own]
            ends = [tuple(segment[:, 1]) for segment in bars.get_segments()]
            assert ends == [pytest.approx((p.low, p.high)) for p in own]


def test_learners_are_told_apart_without_colour() -> None:
    assert len(set(drawing.MARKERS)) == len(drawing.MARKERS) == len(set(drawing.COLOURS))


def whole(figure: Any) -> bool:
    """Whether no text is cut off and none lies over another."""
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    words = [*figure.texts, *figure.legends]
    words += [text for panel in figure.axes if panel.axison for text in (panel.title, panel.xaxis.label)]
    for panel in (panel for panel in figure.axes if panel.axison):
        least, most = panel.get_xlim()
        words += [
            tick for tick in panel.get_xticklabels() if tick.get_text() and least <= tick.get_position()[0] <= most
        ]
    boxes = [word.get_window_extent(renderer) for word in words]
    inside = all(figure.bbox.contains(x, y) for box in boxes for x, y in ((box.x0, box.y0), (box.x1, box.y1)))
    return inside and not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("dimensions", [(8,), (8, 16), (2, 4, 8, 16), (2, 3, 4, 8, 16, 32)])
def test_no_text_is_cut_off_or_overlaps(dimensions: tuple[int, ...]) -> None:
    figure = figures._figure(result(dimensions))
    assert len([panel for panel in figure.axes if panel.axison]) == len(dimensions)
    assert whole(figure)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", ["quick", "full"])
def test_every_experiment_has_room_for_its_words(name: str, size: str) -> None:
    made = load(name)
    binary = np.array([0.0, 1.0] * 10)
    assert whole(figures._figure(summarise(made, dict.fromkeys(made.cells(size), binary), 0)))


def further() -> Iterator[Any]:
    """The further figures of experiments, of made-up numbers with their longest words."""
    costs = [
        allreduce_pictures.Cost(m, r, 4, 3.0, 2.0, 4.0, 5.0, 6.0) for m in allreduce_pictures.MESSAGES for r in (16, 64)
    ]
    yield allreduce_pictures._cost_figure(costs)
    sizes = allreduce_pictures.SIZES
    yield allreduce_pictures._time_figure(
        [allreduce_pictures.Time(r, s, 15, 1.0, 2.0, 0.5, 4.0) for r in (2, 4, 8) for s in sizes]
    )
    wide = odenet_trained.SETTINGS["full"]
    places = [space for basis in BASES for space in odenet_trained.spaces(wide, basis)]
    seen = [
        odenet_pictures.Looked(kind, space, k, odenet_pictures.parameters(space, wide.width), 0.9, 1e-3, 1.0, 0.1)
        for kind in odenet_trained.TRAININGS
        for space in places
        for k in range(10)
    ]
    yield odenet_pictures._parameters(seen)
    yield odenet_pictures._gronwall(seen)
    rows = [(k, n, *(10.0**-j for j in range(5))) for k in kpattern_nets.BUDGETS for n in range(k + 1, 65)]
    yield kpattern_pictures._gradient(rows)
    bits, replicas = kpattern_pictures.TESTED["full"]
    patterns = list(kpattern_nets.BUDGETS)
    accuracy = [(k, net, n, replicas, 0.8, 0.7, 0.9) for k in patterns for net in kpattern_pictures.NETS for n in bits]
    yield kpattern_pictures._accuracy(accuracy, patterns)


def test_further_figures_have_room_for_their_words() -> None:
    with mpl.rc_context(drawing.SETTINGS):
        assert [whole(figure) for figure in further()] == [True] * 6


def test_words_that_are_cut_off_are_noticed() -> None:
    made = replace(RESULT.experiment, looks=replace(RESULT.experiment.looks, title="long " * 40))
    assert not whole(figures._figure(replace(RESULT, experiment=made)))


def test_panels_and_places_are_the_experiments_own() -> None:
    drawn = result((2, 4), panel=lambda learner, d: learner[0], scaled=lambda d, n: n / d, log=True)
    figure = figures._figure(drawn)
    assert [panel.get_title() for panel in figure.axes] == ["f", "s", "t"]
    markers = next(iter(figure.axes[0].containers)).lines[0]
    assert sorted(markers.get_xdata()) == sorted([0, 1 / 2, 4, 0, 1 / 4, 2])
    assert figure.axes[0].get_yscale() == "log"


def test_a_claim_along_d_is_one_line_and_shades_nothing() -> None:
    drawn = result((2, 4, 8), panel=lambda learner, d: learner, scaled=lambda d, n: float(d))
    one = replace(drawn, points=tuple(p for p in drawn.points if p.n == 1))
    panel = figures._figure(one).axes[0]
    (line,) = (x for x in panel.lines if x.get_label() == "a floor")
    assert list(line.get_xdata()) == [2, 4, 8]
    shades = "impossible for the learners a claim binds"
    assert shades not in {shade.get_label() for shade in panel.collections}
    assert shades in {shade.get_label() for shade in figures._figure(RESULT).axes[0].collections}
