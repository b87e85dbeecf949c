"""The digits experiment: images as complexes, learners, seeding, and verdicts on planted cheats."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import sem
from scipy.stats import t as student

from sims import simplicial, simplicial_images, simplicial_pictures
from sims.drawing import COLOURS
from sims.experiment import Cell
from sims.judgement import Result, judge, questions, summarise
from sims.simplicial import EXPERIMENT, LEARNERS, TURNED, cells, measure, steps
from sims.simplicial_complexes import reorientation
from sims.simplicial_images import (
    SIDE,
    digest,
    digits,
    on_grid,
    on_points,
    ones,
    patches,
    random_points,
    sampled,
    train,
    zeros,
)
from sims.threads import one_thread
from theory.evidence import Verdict


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with one_thread():
        yield


def seeds(replicas: int, key: int = 0) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(key).spawn(replicas)


def net(learner: str, key: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(key)
    problem = LEARNERS[learner].problem(rng)
    return problem, LEARNERS[learner].net(problem, torch.Generator().manual_seed(key))


def test_patches_are_the_pixels_of_the_image() -> None:
    image = digits()[0][17]
    found = patches(image[None])[:, 0]
    for row in range(SIDE):
        for column in range(SIDE):
            wanted = image[row : row + 2, column : column + 2].ravel()
            assert found[SIDE * row + column].tolist() == wanted.tolist()


def test_nodes_of_the_grid_are_joined_where_patches_overlap() -> None:
    b1 = on_grid().found.b1.toarray()
    for edge in b1.T:
        (a, b) = np.flatnonzero(edge)
        assert max(abs(a // SIDE - b // SIDE), abs(a % SIDE - b % SIDE)) == 1


def test_sampling_is_exact_at_pixels_and_linear_between() -> None:
    image = digits()[0][3]
    places = np.array([[2, 5], [7, 7], [0, 0], [6, 7], [2.5, 5], [2, 5.25]], float)
    found = sampled(image[None], places)[:, 0, 0]
    wanted = [image[2, 5], image[7, 7], image[0, 0], image[6, 7]]
    wanted += [(image[2, 5] + image[3, 5]) / 2, 0.75 * image[2, 5] + 0.25 * image[2, 6]]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.testing.assert_allclose(sampled(image[None], places)[:, 0, 1:], places / 7 - 0.5, atol=1e-6)


def test_random_points_cover_the_image_and_differ() -> None:
    problems = [on_points(np.random.default_rng(k)) for k in range(2)]
    assert all(p.found.counts[0] == 49 for p in problems)
    corners = problems[0].nodes[:4, 0, 1:]
    assert {tuple(c.tolist()) for c in corners} == {(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)}
    assert not torch.equal(problems[0].nodes[4:, 0, 1:], problems[1].nodes[4:, 0, 1:])


@pytest.mark.parametrize("learner", LEARNERS)
def test_learners_have_comparable_numbers_of_weights(learner: str) -> None:
    _, found = net(learner)
    assert 10_350 <= sum(w.numel() for w in found.parameters()) <= 10_900


@pytest.mark.parametrize("learner", LEARNERS)
def test_learners_learn(learner: str) -> None:
    problem, found = net(learner)
    images, classes = torch.arange(40), digits()[1][:40]

    def wrong() -> float:
        with torch.no_grad():
            return float((problem.outputs(found, images).argmax(dim=1) != classes).double().mean())

    before = wrong()
    train(found, problem, images, 60, torch.Generator().manual_seed(0))
    assert wrong() < min(0.3, before)


def test_values_depend_on_their_own_seeds_only() -> None:
    drawn = seeds(3)
    for learner in ("conv", "simplicial_points", "turned_relu_ones"):
        together = measure(Cell(learner, 49, 10, 3, 3), drawn)
        assert ((together >= 0) & (together <= 1)).all()
        np.testing.assert_array_equal(measure(Cell(learner, 49, 10, 1, 1), [drawn[1]]), together[[1]])
        assert len(set(together)) > 1


def test_no_test_image_was_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, set[int]] = {}
    monkeypatch.setattr(
        simplicial, "train", lambda net, problem, images, *rest: seen.update(train=set(images.tolist()))
    )
    monkeypatch.setattr(
        simplicial,
        "_answers",
        lambda problem, net, images: seen.update(test=set(images.tolist())) or digits()[1][images],
    )
    assert measure(Cell("graph", 49, 1000, 1, 1), seeds(1)).tolist() == [0.0]
    assert len(seen["train"]) == 1000
    assert len(seen["test"]) == 797
    assert not seen["train"] & seen["test"]


def test_untrained_answers_are_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simplicial, "steps", lambda n: 0)
    assert measure(Cell("simplicial", 49, 100, 4, 4), seeds(4)).mean() > 0.7


def test_outputs_after_turning_agree_to_the_bit_for_odd_activations_only() -> None:
    for learner, kept in (("simplicial", True), ("simplicial_points", True), ("relu", False), ("relu_ones", False)):
        problem, found = net(learner)
        again = problem.moved(reorientation(problem.found, np.random.default_rng(1)))
        with torch.no_grad():
            outputs = [p.outputs(found, torch.arange(30)) for p in (problem, again)]
        assert torch.equal(*outputs) is kept


def run(learners: tuple[str, ...], replicas: int = 6) -> Result:
    tried = [Cell(name, 49, 10, replicas, replicas) for name in learners]
    return summarise(EXPERIMENT, {cell: measure(cell, seeds(replicas, 1)) for cell in tried}, 0)


def verdicts(result: Result, scale: float = 1.0) -> dict[str, Verdict]:
    measured = {p.learner for p in result.points}
    asked = [q for q in questions(EXPERIMENT) if q.learner in measured]
    return {q.learner: judge(result, q, scale).verdict for q in asked}


def test_turning_is_seen_where_it_matters_and_only_there() -> None:
    result = run(tuple(TURNED), 20)  # as many as quick has; with fewer the fault is not seen
    assert verdicts(result) == {"turned": Verdict.CERTIFIED, "turned_relu_ones": Verdict.REFUTED}
    assert verdicts(result, EXPERIMENT.lines[0].fault)["turned"] is Verdict.REFUTED
    assert all(cell.replicas == 20 for cell in cells("quick") if cell.learner in TURNED)


def test_answers_of_which_most_change_do_not_refute_the_fault() -> None:
    cell = Cell("turned", 49, 20, 20, 20)
    result = summarise(EXPERIMENT, {cell: np.full(20, EXPERIMENT.lines[0].fault)}, 0)
    assert verdicts(result) == {"turned": Verdict.REFUTED}
    assert verdicts(result, EXPERIMENT.lines[0].fault) == {"turned": Verdict.CERTIFIED}


def test_a_net_with_relu_that_is_called_odd_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simplicial, "TURNED", {"turned": "relu_ones"})
    assert verdicts(run(("turned",))) == {"turned": Verdict.REFUTED}


@pytest.mark.parametrize("size", ["quick", "full", "paper"])
def test_cells_are_distinct_and_sized(size: str) -> None:
    found = cells(size)
    assert len({(cell.learner, cell.d, cell.n) for cell in found}) == len(found)
    assert all(1 <= cell.chunk <= cell.replicas for cell in found)
    labels = [EXPERIMENT.looks.styles[name] for name in dict.fromkeys(cell.learner for cell in found)]
    assert len(set(labels)) == len(labels)
    for name in ("graph net", "simplicial net"):
        if f"{name}, random points" in labels:  # one colour and marker for the same net in both panels
            assert (labels.index(f"{name}, random points") - labels.index(name)) % len(COLOURS) == 0
    names = {cell.learner for cell in found}
    assert names == {"conv", "graph", "simplicial", *TURNED} if size == "quick" else {*LEARNERS, *TURNED}
    if size != "quick":
        assert all(cell.replicas >= 5 for cell in found)
        assert {"conv", "graph", "simplicial"} <= {cell.learner for cell in found if cell.n == 1000}


def test_variants_have_the_inputs_that_they_are_named_for() -> None:
    wanted = {"bare": (zeros, 0), "relu": (zeros, 0), "relu_ones": (ones, 1)}
    problems = {name: LEARNERS[name].problem(np.random.default_rng(0)) for name in wanted}
    for name, (inputs, value) in wanted.items():
        assert problems[name].inputs is inputs
        assert all((problems[name].fields[k] == value).all() for k in (1, 2))
        assert torch.equal(problems[name].fields[0], on_grid().fields[0])
    activations = {name: net(name)[1].layers[0].activation for name in wanted}
    assert activations == {"bare": torch.tanh, "relu": torch.relu, "relu_ones": torch.relu}


def test_all_numbers_of_images_are_passed_over_as_often() -> None:
    assert [steps(n) for n in (0, 100, 1000)] == [0, 120, 1200]


def test_the_digest_sees_one_changed_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    before, (images, classes) = EXPERIMENT.inputs(), digits()
    changed = images.copy()
    changed[0, 0, 0] += 1 / 16
    monkeypatch.setattr(simplicial_images, "digits", lambda: (changed, classes))
    assert digest() != before


def test_pictures_of_complexes_show_what_is_there(tmp_path: Path) -> None:
    files = EXPERIMENT.pictures("quick", 0, tmp_path)
    assert {f.name for f in files} == {f"simplicial-complexes.{ending}" for ending in ("svg", "png", "csv")}
    assert all(f.stat().st_size > 1000 for f in files)
    rows = list(csv.DictReader((tmp_path / "simplicial-complexes.csv").read_text().splitlines()))
    grid = [row for row in rows if row["panel"].startswith("A digit on the grid")]
    assert [sum(row["simplex"] == s for row in grid) for s in ("node", "edge", "triangle")] == [49, 156, 144]
    nodes = {row["number"]: float(row["value"]) for row in grid if row["simplex"] == "node"}
    for row in grid:
        if row["simplex"] == "edge":
            start, end = row["nodes"].split()
            assert float(row["value"]) == pytest.approx(nodes[end] - nodes[start], abs=1e-6)
    again = EXPERIMENT.pictures("quick", 0, tmp_path / "again")
    assert [f.read_bytes() for f in files] == [f.read_bytes() for f in again]


def test_five_runs_are_drawn_beside_the_published_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simplicial, "measure", lambda cell, seeds: np.linspace(0.1, 0.2, len(seeds)))
    files = simplicial_pictures.runs(0, tmp_path)
    assert all(f.stat().st_size > 100 for f in files)
    rows = list(csv.DictReader((tmp_path / "simplicial-runs.csv").read_text().splitlines()))
    assert {(r["learner"], r["mean"]) for r in rows if r["where"] == "published"} == {
        ("conv", "0.874"),
        ("graph", "0.8742"),
        ("simplicial", "0.911"),
    }
    here = [r for r in rows if r["where"] == "here"]
    assert [r["learner"] for r in here] == ["conv", "graph", "simplicial", "bare", "relu", "relu_ones"]
    assert all(float(r["mean"]) == pytest.approx(0.85) for r in here)
    low, high = student.interval(0.95, 4, 0.85, sem(np.linspace(0.8, 0.9, 5)))
    assert all(float(r["plus or minus"]) == pytest.approx((high - low) / 2) for r in here)


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "images of another size": (lambda: patches(np.zeros((1, 9, 8))), "images"),
    "no number": (lambda: patches(np.full((1, 8, 8), np.nan)), "images"),
    "a point outside": (lambda: sampled(np.zeros((1, 8, 8)), [[0.0, 7.1]]), "points"),
    "points of another shape": (lambda: sampled(np.zeros((1, 8, 8)), [[0.0]]), "points"),
    "too few points": (lambda: random_points(4, np.random.default_rng(0)), "n"),
    "no generator": (lambda: random_points(9, 0), "rng"),  # type: ignore[arg-type]
    "fewer than no steps": (
        lambda: train(torch.nn.Linear(1, 1), on_grid(), torch.arange(3), -1, torch.Generator()),
        "steps",
    ),
}


@pytest.mark.parametrize(("refused", "name"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_by_name(refused: Callable[[], Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()
