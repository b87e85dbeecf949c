"""The introspective experiment: the loop against a plain one, its nets against torch, data, seeding and verdicts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from sims import introspective
from sims.experiment import Cell
from sims.introspective import EXPERIMENT, LEARNERS, cells, digits, floor, learn, measure, split
from sims.introspective_loop import HABITS, Draws, Habit, ImageConv, Loop, gaussian_draws
from sims.judgement import Result, judge, questions, summarise
from sims.learners import FullyConnected, first_weights
from sims.replicas import Recipe
from sims.threads import one_thread
from theory.evidence import Verdict
from theory.introspective_exact import STEPS as EXACT

NET = FullyConnected((6, 5, 1))
BLANK = torch.zeros(1, 2, 64)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with one_thread():
        yield


def seeds(count: int, key: int = 0) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(key).spawn(count)


def recipe(steps: int = 15) -> Recipe:
    return Recipe(NET, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, steps=steps, loss="logistic")


def problem(replicas: int, key: int = 0) -> tuple[list[Tensor], Tensor, Tensor]:
    rng = np.random.default_rng(key)
    x = torch.from_numpy(rng.standard_normal((replicas, 8, 6)))
    return first_weights(NET, seeds(replicas, key)), x, torch.tensor([1.0, -1.0] * 4).double().expand(replicas, 8)


def plainly(
    weights: Sequence[Tensor], x: Tensor, y: Tensor, start: Tensor, noise: Tensor, loop: Loop
) -> tuple[list[Tensor], Tensor]:
    """One round for one replica, sample by sample, with torch's own SGD."""

    def fitted(current: Sequence[Tensor], points: Tensor, labels: Tensor) -> list[Tensor]:
        leaves = [w.clone().requires_grad_() for w in current]
        optimizer = torch.optim.SGD(leaves, lr=0.1, momentum=0.9)
        for _ in range(loop.recipe.steps):
            optimizer.zero_grad()
            torch.nn.functional.softplus(-labels * NET(leaves, points)).mean().backward()
            optimizer.step()
        return [w.detach() for w in leaves]

    current = fitted(weights, x, y)
    level = NET(current, x)[y == 1].mean()
    found = []
    for j in range(start.shape[1]):
        point = start[:, j : j + 1]
        for k in range(len(noise)):
            leaf = point.clone().requires_grad_()
            output = NET(current, leaf)
            if output.detach() >= level:
                break
            output.sum().backward()
            cooled = loop.heat * (1 - k / len(noise))
            point = point + loop.stride * leaf.grad + cooled * noise[k][:, j : j + 1]
        found.append(point)
    samples = torch.cat(found, dim=1)
    return fitted(current, torch.cat([x, samples], 1), torch.cat([y, -torch.ones(1, len(found)).double()], 1)), samples


def test_the_loop_does_what_a_plain_one_does() -> None:
    weights, x, y = problem(3)
    loop = Loop(recipe(), rounds=1, stride=0.4, heat=0.2)
    draws = gaussian_draws(seeds(3, 1), 4, 25, 6, x)
    found = loop.run(weights, x, y, draws, x)
    start, noise = draws(0)
    for r in range(3):
        one = slice(r, r + 1)
        trained, samples = plainly([w[one] for w in weights], x[one], y[one], start[one], noise[:, one], loop)
        torch.testing.assert_close(found.samples[0][one], samples, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(found.outputs[1][one], NET(trained, x[one]), rtol=1e-9, atol=1e-9)
        assert float((samples - start[one]).abs().max()) > 0.1
    assert 0 < found.reached[0] <= 1


def test_samples_of_all_rounds_are_kept_as_negatives(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, float]] = []
    real = introspective.Loop.run.__globals__["train"]

    def watched(recipe: Recipe, weights: Sequence[Tensor], x: Tensor, y: Tensor) -> object:
        seen.append((x.shape[1], float(y.sum(dim=1)[0])))
        return real(recipe, weights, x, y)

    monkeypatch.setattr("sims.introspective_loop.train", watched)
    weights, x, y = problem(2)
    Loop(recipe(3), rounds=3).run(weights, x, y, gaussian_draws(seeds(2), 4, 3, 6, x), x)
    assert seen == [(8, 0), (12, -4), (16, -8), (20, -12)]


def test_both_kinds_take_as_many_steps_and_half_of_n_samples_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    real = introspective.Loop.run.__globals__["train"]

    def watched(recipe: Recipe, weights: Sequence[Tensor], x: Tensor, y: Tensor) -> object:
        seen.append((recipe.steps, x.shape[1]))
        return real(recipe, weights, x, y)

    monkeypatch.setattr("sims.introspective_loop.train", watched)
    x, y, tests, _ = (torch.from_numpy(a)[None] for a in split(6, np.random.default_rng(0)))
    for kind in (LEARNERS["fc, plain"], LEARNERS["fc, introspective"]):
        learn(kind.net, kind.rounds, x, y, tests, seeds(1))
    steps = seen[1][0]
    assert seen == [(5 * steps, 6), *((steps, 6 + 3 * k) for k in range(5))]


def test_every_round_has_draws_of_its_own_and_again_the_same() -> None:
    draws = gaussian_draws(seeds(2), 3, 5, 4, torch.zeros(1), scale=0.5)
    (first, noise), (second, later), (again, _) = draws(0), draws(1), draws(0)
    assert torch.equal(first, again)
    assert not torch.isclose(first, second).any()
    assert not torch.isclose(noise, later).any()
    assert not torch.isclose(first[0], first[1]).any()


def test_without_rounds_it_is_plain_training() -> None:
    weights, x, y = problem(2)
    found = Loop(recipe(), rounds=0).run(weights, x, y, lambda number: pytest.fail("drawn"), x)
    assert found.samples == found.reached == []
    assert float(((found.outputs[0] * y) > 0).double().mean()) > 0.8


def test_without_a_positive_samples_never_stop() -> None:
    weights, x, y = problem(1)
    still = Loop(recipe(0), rounds=1, heat=0.0, habit=Habit(gradient=lambda v: torch.ones_like(v)))
    start, noise = gaussian_draws(seeds(1), 2, 7, 6, x)(0)
    found = still.run(weights, x, -torch.ones_like(y), lambda number: (start, noise), x)
    torch.testing.assert_close(found.samples[0], start + 3.5)
    assert found.reached == [0.0]


def test_the_conv_net_is_torch_s() -> None:
    net = ImageConv(8, 5)
    weights = net.initial(3, torch.Generator().manual_seed(0))
    weights[1] += torch.randn(3, 1, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = torch.randn(3, 4, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for r in range(3):
        filters = weights[0][r].T.reshape(5, 1, 3, 3)
        maps = conv2d(x[r].reshape(4, 1, 8, 8), filters, weights[1][r, 0]).tanh()
        pooled = avg_pool2d(maps, 2).permute(0, 2, 3, 1).reshape(4, -1)
        torch.testing.assert_close(net(weights, x)[r], pooled @ weights[2][r, 0])


@pytest.mark.parametrize("habit", HABITS)
def test_habits_are_those_of_the_claim(habit: str) -> None:
    v = np.random.default_rng(0).standard_normal((1, 3, 5))
    v[0, 2] = 0.5  # a constant image
    rational = [np.array([*map(Fraction, row)], object) for row in v[0].tolist()]
    exact = EXACT[habit]
    done = HABITS[habit].gradient(torch.from_numpy(v)), HABITS[habit].image(torch.from_numpy(v))
    for found, want in zip(done, exact, strict=True):
        np.testing.assert_allclose(found.numpy()[0], [want(row).astype(float) for row in rational], rtol=1e-12)


def test_splits_are_balanced_and_apart() -> None:
    x, y = digits()
    assert len(x) == 357
    for key in range(5):
        points, labels, tests, answers = split(20, np.random.default_rng(key))
        assert (points.shape, labels.sum(), tests.shape) == ((20, 64), 0, (200, 64))
        known = {row.tobytes(): float(label) for row, label in zip(x, y, strict=True)}
        assert all(known[row.tobytes()] == label for row, label in zip(points, labels, strict=True))
        assert all(known[row.tobytes()] == label for row, label in zip(tests, answers, strict=True))
        assert not {row.tobytes() for row in points} & {row.tobytes() for row in tests}


def test_gaussian_labels_are_the_task_s() -> None:
    x, y, tests, answers = introspective.DATA["gaussian"](50, np.random.default_rng(0))
    assert (x.shape, tests.shape) == ((50, 64), (64, 64))
    for points, labels in ((x, y), (tests, answers)):
        assert (np.sign((points[:, :32] ** 2).sum(1) - (points[:, 32:] ** 2).sum(1)) == labels).all()


@pytest.mark.parametrize("learner", LEARNERS)
def test_values_depend_on_their_own_seeds_only(learner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspective, "STEPS", 8)
    monkeypatch.setattr(introspective, "CLIMB", 6)
    drawn = seeds(3)
    together = measure(Cell(learner, 64, 6, 3, 3), drawn)
    assert together.shape == (3,)
    assert ((together >= 0) & (together <= 1)).all()
    alone = np.concatenate([measure(Cell(learner, 64, 6, 1, 1), [drawn[k]]) for k in (2, 0)])
    np.testing.assert_allclose(alone, together[[2, 0]], atol=0.011)  # of 200 outputs two may sit at a threshold
    assert (measure(Cell(learner, 64, 6, 3, 3), drawn) == together).all()


@pytest.mark.parametrize("net", ["fc", "conv"])
def test_learners_learn_and_answer_by_the_larger_output(net: str) -> None:
    x, y, tests, answers = (torch.from_numpy(a)[None] for a in split(64, np.random.default_rng(0)))
    plain, rounds = (learn(net, k, x, y, tests, seeds(1)).outputs[-1] for k in (0, 2))
    for outputs in (plain, rounds):
        assert float(((outputs[:1] - outputs[1:]).sign() != answers).double().mean()) < 0.15
    assert not torch.allclose(plain, rounds)


def errors(learner: str, n: int, drawn: Sequence[np.random.SeedSequence]) -> np.ndarray:
    return measure(Cell(learner, 64, n, len(drawn), len(drawn)), drawn)


def test_the_loop_does_not_help_a_conv_net_with_four_images() -> None:
    """The largest of the differences that the module's text names, on the same splits: 0.05, standard error 0.01."""
    drawn = seeds(32, 3)
    worse = errors("conv, introspective", 4, drawn) - errors("conv, plain", 4, drawn)
    assert 0.015 < worse.mean() < 0.1


def test_shuffled_pixels_hurt_the_conv_net_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An equivariant learner's error has one law before and after a permutation of all pixels."""
    order = np.random.default_rng(5).permutation(64)

    def shuffled(n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        x, y, tests, answers = split(n, rng)
        return x[:, order], y, tests[:, order], answers

    drawn = seeds(24, 21)
    before = {net: errors(f"{net}, plain", 8, drawn) for net in ("fc", "conv")}
    monkeypatch.setattr(introspective, "DATA", {"digits": shuffled})
    worse = {net: (errors(f"{net}, plain", 8, drawn) - found).mean() for net, found in before.items()}
    assert worse["conv"] > 0.02 > 0.01 > abs(worse["fc"])


def test_nets_that_diverged_count_as_coins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspective, "LEARNERS", {"fc, plain": introspective.Kind("fc", 0, "digits")})
    monkeypatch.setattr(introspective, "first_weights", lambda *_: [w * torch.nan for w in first_weights(*_)])
    assert measure(Cell("fc, plain", 64, 4, 2, 2), seeds(2)).tolist() == [0.5, 0.5]


def quick(gaussian: np.ndarray) -> Result:
    """The quick experiment with these values on the Gaussian task, and coins elsewhere."""
    values = {c: np.full(c.replicas, 0.5) for c in cells("quick")}
    (cell,) = [c for c in values if c.learner == "fc, gaussian"]
    return summarise(EXPERIMENT, values | {cell: gaussian}, 0)


def test_a_learner_that_cheats_on_the_gaussian_task_is_caught() -> None:
    (question,) = questions(EXPERIMENT)
    assert judge(quick(np.zeros(160)), question).verdict is Verdict.REFUTED
    assert judge(quick(np.full(160, 0.5)), question).verdict is Verdict.CERTIFIED


def test_the_quick_gaussian_cell_is_certified_and_its_fault_refuted() -> None:
    (cell,) = [c for c in cells("quick") if c.learner == "fc, gaussian"]
    result = quick(measure(cell, seeds(cell.replicas)))
    (question,) = questions(EXPERIMENT)
    assert judge(result, question).verdict is Verdict.CERTIFIED
    assert judge(result, question, question.line.fault).verdict is Verdict.REFUTED


def test_the_floor_falls_and_is_positive_where_it_is_used() -> None:
    used = {c.n for size in ("quick", "full") for c in cells(size) if c.learner == "fc, gaussian"}
    values = [floor(32, n) for n in sorted(used)]
    assert values == sorted(values, reverse=True)
    assert values[-1] > 0.09


@pytest.mark.parametrize("size", ["quick", "full", "paper"])
def test_cells_are_distinct_and_of_every_learner(size: str) -> None:
    found = cells(size)
    assert len({(c.learner, c.d, c.n) for c in found}) == len(found)
    assert {c.learner for c in found} == set(LEARNERS)
    assert all(1 <= c.chunk <= c.replicas for c in found)
    assert {c.d for c in found} == {32, 64}


def test_pictures_show_every_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspective, "SHOWN", {"quick": (12, 2)})
    monkeypatch.setattr(introspective, "CLIMB", 5)
    written = EXPERIMENT.pictures("quick", 3, tmp_path)
    assert [p.name for p in written] == [f"introspective-samples.{e}" for e in ("svg", "png", "csv")]
    lines = list(csv.DictReader(written[2].read_text().splitlines()))
    assert len(lines) == 2 * 3 * 2 * 5
    assert {line["round"] for line in lines} == {"0", "1", "2"}
    real = {line["image"]: line for line in lines if (line["net"], line["digit"], line["round"]) == ("fc", "3", "0")}
    known = {tuple(np.round(row, 3)) for row in digits()[0].astype(float)}
    assert tuple(float(real["0"][f"pixel{k}"]) for k in range(64)) in known
    again = EXPERIMENT.pictures("quick", 3, tmp_path / "again")
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(written, again, strict=True))


def drawing(draws: Draws) -> None:
    """A round of three replicas with these draws."""
    weights, x, y = problem(3)
    Loop(recipe(1), 1).run(weights, x, y, draws, x)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "learner": (lambda: measure(Cell("forest", 64, 8, 1, 1), seeds(1)), "learner"),
    "odd n": (lambda: split(7, np.random.default_rng(0)), "n"),
    "n too large": (lambda: split(158, np.random.default_rng(0)), "n"),
    "no n": (lambda: split(0, np.random.default_rng(0)), "n"),
    "odd side": (lambda: ImageConv(7, 3), "side"),
    "small side": (lambda: ImageConv(2, 3), "side"),
    "channels": (lambda: ImageConv(8, 0), "channels"),
    "rounds": (lambda: Loop(recipe(), -1), "rounds"),
    "stride": (lambda: Loop(recipe(), 1, stride=0.0), "stride"),
    "heat": (lambda: Loop(recipe(), 1, heat=float("nan")), "heat"),
    "net": (lambda: learn("forest", 1, BLANK, BLANK[:, :, 0], BLANK, seeds(1)), "net"),
    "no samples": (lambda: gaussian_draws(seeds(1), 0, 5, 6, torch.zeros(1)), "count"),
    "negative steps": (lambda: gaussian_draws(seeds(1), 2, -1, 6, torch.zeros(1)), "steps"),
    "dimension": (lambda: gaussian_draws(seeds(1), 2, 5, 0, torch.zeros(1)), "dimension"),
    "scale": (lambda: gaussian_draws(seeds(1), 2, 5, 6, torch.zeros(1), -1.0), "scale"),
    "draws for one replica": (lambda: drawing(gaussian_draws(seeds(1), 4, 3, 6, torch.zeros(1))), "start"),
    "noise for one sample": (lambda: drawing(lambda _: (torch.zeros(3, 4, 6), torch.zeros(5, 3, 1, 6))), "noise"),
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()
