"""ODE nets against plain loops, their compression against averages, the bound on drift against planted jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sims import odenet, odenet_pictures, odenet_trained
from sims.experiment import Cell
from sims.judgement import Result, judge, questions, summarise
from sims.odenet import EXPERIMENT, cells, measure
from sims.odenet_compress import Net, blocks, compressed, errors, finished, outputs, projected, states
from sims.odenet_gronwall import drift, in_double, operator_norms
from sims.odenet_modules import residual_net
from sims.odenet_nets import (
    EPS,
    Plan,
    Sample,
    Weights,
    at_steps,
    digits,
    fit,
    initial,
    normalised,
    parameters,
    refined,
    sample,
    sgd,
)
from sims.odenet_trained import KEPT, SETTINGS, TRAININGS, Setting, setting_of, spaces, trained
from sims.threads import one_thread
from theory.evidence import Verdict
from theory.odenet_projection import kept_share
from theory.odenet_spaces import BASES, Space, projection

CONSTANT = [Space("constant", 2**k) for k in range(4)]
SMALL = Setting(120, 60, 4, 4, 1, 40, 0.1, (6, 200), 6, (1, 2, 4))


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with one_thread():
        yield


def seeds(replicas: int, key: int = 0) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(key).spawn(replicas)


def rngs(replicas: int, key: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds(replicas, key)]


def random_net(space: Space, steps: int = 8, replicas: int = 2, width: int = 5) -> Net:
    """Nets of random weights and random state, in double precision."""
    weights = initial(space, width, rngs(replicas)).to(torch.float64)
    generator = torch.Generator().manual_seed(1)
    noise = {name: torch.randn(t.shape, generator=generator).double() / 4 for name, t in weights.tensors.items()}
    moved = {name: t + noise[name] for name, t in weights.tensors.items()}
    return Net(Weights(space, **moved), noise["shift"], noise["scale"], steps)


def images(replicas: int = 2, n: int = 30) -> torch.Tensor:
    return sample(100, n, rngs(replicas))[1].images.double()


def small_plan(*levels: Space) -> Plan:
    return Plan(levels, steps=4, epochs=2, batch=30, rule=sgd(0.1))


@pytest.mark.parametrize("space", [Space("constant", 8), Space("hats", 3), Space("polynomial", 2)], ids=str)
def test_outputs_by_a_plain_loop(space: Space) -> None:
    net, x = random_net(space), images()
    w = {name: t.numpy() for name, t in net.weights.tensors.items()}
    found = np.empty((2, 30, 10))
    for r in range(2):
        h = x[r].numpy()
        for k in range(8):
            phi = np.array([float(f(Fraction(2 * k + 1, 16))) for f in space.functions])
            mean, variance = phi @ net.mean[r].numpy(), np.exp(phi @ net.logvar[r].numpy())
            inner, outer = (np.tensordot(phi, w[name][r], 1) for name in ("inner", "outer"))
            z = (h @ inner.T - mean) / np.sqrt(variance) * (phi @ w["scale"][r]) + phi @ w["shift"][r]
            h = h + np.tanh(z) @ outer.T / 8
        found[r] = (h - x[r].numpy()) @ w["closing"][r].T + w["bias"][r]
    np.testing.assert_allclose(outputs(net, x).numpy(), found, rtol=1e-11, atol=1e-11)


def test_training_images_see_the_statistics_that_are_kept() -> None:
    train, _ = sample(90, 10, rngs(2))
    weights = initial(Space("constant", 4), 5, rngs(2)).to(torch.float64)
    train = Sample(train.images.double(), train.labels)
    while_training, (means, variances) = normalised(weights, train.images, 4)
    net = finished(weights, train, 4)
    torch.testing.assert_close(outputs(net, train.images), while_training)
    torch.testing.assert_close(net.logvar.exp() - EPS, variances)
    torch.testing.assert_close(means[:, 0], (train.images @ weights.inner[:, 0].mT).mean(dim=1))


def test_every_step_is_taken_once() -> None:
    net, x = random_net(Space("constant", 8)), images()
    assert len(list(states(blocks(net), x))) == 9
    assert at_steps(net.weights.inner, net.weights.space, 10).shape[0] == 10


@pytest.mark.parametrize(
    ("small", "large"),
    [("constant 4", "constant 8"), ("hats 3", "hats 5"), ("linear 4", "linear 8"), ("polynomial 3", "polynomial 6")],
)
def test_refining_changes_nothing_and_projecting_undoes_it(small: str, large: str) -> None:
    (b, k), (c, j) = small.split(), large.split()
    net, x = random_net(Space(b, int(k))), images()
    fine = compressed(net, Space(c, int(j)))
    torch.testing.assert_close(outputs(fine, x), outputs(net, x))
    torch.testing.assert_close(compressed(fine, Space(b, int(k))).weights.inner, net.weights.inner)


def test_pairs_are_averaged_and_variances_geometrically() -> None:
    net = random_net(Space("constant", 8))
    half = compressed(net, Space("constant", 4))
    w = net.weights.inner
    torch.testing.assert_close(half.weights.inner, (w[:, ::2] + w[:, 1::2]) / 2)
    torch.testing.assert_close(half.logvar.exp(), (net.logvar[:, ::2].exp() * net.logvar[:, 1::2].exp()).sqrt())
    assert half.weights.closing is net.weights.closing


def test_any_matrix_can_stand_for_the_projection() -> None:
    net, coarse = random_net(Space("constant", 8)), Space("constant", 4)
    rows = projection(Space("constant", 8), coarse)
    torch.testing.assert_close(projected(net, coarse, rows).logvar, compressed(net, coarse).logvar)
    with pytest.raises(ValueError, match=r"^rows: got 4 x 8, want 2 x 8"):
        projected(net, Space("constant", 2), rows)


def test_a_residual_net_of_modules_computes_the_same_and_could_be_trained() -> None:
    net, x = random_net(Space("constant", 8)), images()
    built = residual_net(net, 1)
    torch.testing.assert_close(built(x[1]), outputs(net, x)[1])
    trainable = sum(p.numel() for p in built.parameters() if p.requires_grad)
    assert trainable == parameters(net.weights.space, 5)


def test_parameters_are_counted() -> None:
    weights = initial(Space("hats", 5), 7, rngs(1))
    assert parameters(weights.space, 7) == sum(t.numel() for t in weights.tensors.values())


def test_samples_are_disjoint_centred_and_scaled() -> None:
    train, test = sample(1000, 700, rngs(2))
    x, y = digits()
    assert torch.allclose(train.images.mean(dim=1), torch.zeros(64), atol=1e-5)
    assert train.images.square().mean().item() == pytest.approx(1, abs=1e-5)
    for r, rng in enumerate(rngs(2)):
        order = rng.permutation(len(x))[:1700]
        assert len(set(order.tolist())) == 1700
        both = torch.cat([train.images[r], test.images[r]]).double().numpy()
        centred = x[order] - x[order[:1000]].mean(axis=0)
        np.testing.assert_allclose(both * np.sqrt((centred[:1000] ** 2).mean()), centred, atol=1e-5)
        np.testing.assert_array_equal(torch.cat([train.labels[r], test.labels[r]]).numpy(), y[order])


def test_first_weights_have_their_variances() -> None:
    weights = initial(Space("constant", 16), 25, rngs(2))
    assert weights.inner.std().item() == pytest.approx(1 / 8, rel=0.02)
    assert weights.outer.std().item() == pytest.approx(1 / 5, rel=0.02)
    assert (weights.scale == 1).all()
    assert not weights.shift.any()


def test_nets_learn_and_do_not_influence_each_other() -> None:
    plan = replace(small_plan(*CONSTANT[:3]), epochs=4)
    train, test = sample(300, 200, rngs(3))
    start = initial(plan.spaces[0], 6, rngs(3))
    together = finished(fit(start, train, plan, rngs(3)), train, 4)
    before = finished(refined(start, CONSTANT[2]), train, 4)
    assert (errors(together, test) < 0.25).all()
    assert (errors(before, test) > 0.6).all()
    one = Weights(start.space, **{name: t[1:2] for name, t in start.tensors.items()})
    part = Sample(train.images[1:2], train.labels[1:2])
    alone = fit(one, part, plan, rngs(3)[1:2])
    torch.testing.assert_close(alone.outer[0], together.weights.outer[1], atol=1e-4, rtol=1e-3)


def test_training_in_one_cell_for_all_steps_is_tied() -> None:
    train, _ = sample(60, 10, rngs(1))
    weights = fit(initial(CONSTANT[0], 3, rngs(1)), train, small_plan(CONSTANT[0]), rngs(1))
    at = at_steps(weights.inner, weights.space, 4)
    assert (at == at[0]).all()


def test_a_step_in_a_finer_space_is_projected_to_the_step_in_a_coarser_one() -> None:
    train, _ = sample(40, 10, rngs(1))
    train = Sample(train.images.double(), train.labels)
    start = initial(CONSTANT[1], 3, rngs(1)).to(torch.float64)
    coarse, fine = (
        fit(start, train, Plan((space,), 8, 1, 40, sgd(0.3)), rngs(1)) for space in (CONSTANT[1], CONSTANT[3])
    )
    back = refined(fine, CONSTANT[1])
    assert not torch.allclose(coarse.inner, start.inner)
    torch.testing.assert_close(back.inner, coarse.inner)
    torch.testing.assert_close(back.closing, coarse.closing)


def test_refined_weights_are_smooth_and_layers_are_not() -> None:
    rough = {}
    for kind in TRAININGS:
        net, _ = trained(kind, SMALL, seeds(3))
        kept = compressed(compressed(net, CONSTANT[1]), net.weights.space)
        rough[kind] = float((net.weights.inner - kept.weights.inner).norm() / net.weights.inner.norm())
    assert rough["refined"] < 0.1 < 0.5 < rough["layers"]


def test_cells_share_nets_and_other_seeds_have_others() -> None:
    first, test = trained("layers", SMALL, seeds(3))
    again, _ = trained("layers", SMALL, [np.random.SeedSequence(0, spawn_key=(7, 8, k)) for k in range(3)])
    assert again is first
    other, _ = trained("layers", SMALL, seeds(3, key=1))
    assert not torch.equal(other.weights.inner, first.weights.inner)
    assert not torch.equal(first.weights.inner[0], first.weights.inner[1])
    assert test.images.shape == (3, 60, 64)


def test_seeds_with_the_same_numbers_have_the_same_nets() -> None:
    first, _ = trained("layers", SMALL, np.random.SeedSequence([3, 4]).spawn(1))
    again, _ = trained("layers", SMALL, [np.random.SeedSequence(np.array([3, 4]).tolist(), spawn_key=(9, 0))])
    other, _ = trained("layers", SMALL, np.random.SeedSequence([4, 3]).spawn(1))
    assert again is first
    assert not torch.equal(other.weights.inner, first.weights.inner)


def test_all_groups_of_one_training_fit_in_what_is_kept() -> None:
    for setting in SETTINGS.values():
        assert -(-setting.replicas[0] // setting.chunk) <= KEPT
        net, test = trained("layers", replace(setting, n=40, batch=40, epochs=1), seeds(1))
        numbers = [*net.weights.tensors.values(), net.mean, net.logvar, test.images, test.labels]
        assert setting.chunk * sum(t.numel() * t.element_size() for t in numbers) <= 1e7


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Setting:
    """The experiment at the size of `SMALL`."""
    for module in (odenet, odenet_trained, odenet_pictures):
        monkeypatch.setattr(module, "SETTINGS", {"quick": SMALL, "full": SMALL})
    return SMALL


def test_values_depend_on_their_own_seeds_only(small: Setting) -> None:
    drawn = seeds(4)
    for learner, d in (("refined, hats", 2), ("layers, polynomial", 4), ("untrained, linear", 2)):
        together = measure(Cell(learner, d, small.n, 4, 4), drawn)
        assert together.shape == (4,)
        alone = np.concatenate([measure(Cell(learner, d, small.n, 1, 1), [drawn[k]]) for k in (2, 0)])
        np.testing.assert_allclose(alone, together[[2, 0]], atol=1.5 / small.tests)


def test_values_do_not_depend_on_the_order_of_cells_nor_on_what_is_kept(small: Setting) -> None:
    drawn = seeds(4)
    tried = [Cell(f"{kind}, {basis}", 2, small.n, 4, 2) for kind in TRAININGS for basis in BASES]
    halves = [(cell, part) for cell in tried for part in (drawn[:2], drawn[2:])]
    kept = {(cell, part[0].spawn_key): measure(cell, part) for cell, part in halves}
    for cell, part in reversed(halves):
        odenet_trained._trained.cache_clear()
        np.testing.assert_array_equal(measure(cell, part), kept[cell, part[0].spawn_key])


SETTINGS_NEARBY: list[dict[str, float]] = [{}, {"rate": 0.05}, {"rate": 0.2}, {"width": 8}, {"epochs": 2}]


@pytest.mark.parametrize("changed", SETTINGS_NEARBY, ids=str)
def test_what_the_title_says_does_not_hang_on_the_settings(changed: dict[str, Any]) -> None:
    setting = replace(SETTINGS["quick"], **changed)
    found = {}
    for kind in TRAININGS:
        net, test = trained(kind, setting, seeds(12))
        for k in (8, 2):
            found[kind, k] = float(errors(compressed(net, Space("constant", k)), test).mean())
    assert abs(found["refined", 2] - found["refined", 8]) < 0.015
    assert found["layers", 8] < found["refined", 8] < found["refined", 2] + 0.01 < found["layers", 2] - 0.1


def test_an_error_is_counted_on_the_test_images() -> None:
    net, test = trained("layers", SMALL, seeds(3))
    wrong = outputs(net, test.images).argmax(dim=2) != test.labels
    np.testing.assert_allclose(errors(net, test).numpy(), wrong.double().mean(dim=1).numpy())
    broken = replace(net, weights=replace(net.weights, bias=net.weights.bias * float("nan")))
    assert errors(broken, test).tolist() == [1.0, 1.0, 1.0]


def test_the_uncompressed_net_is_among_what_is_measured(small: Setting) -> None:
    net, test = trained("layers", small, seeds(3))
    found = measure(Cell("layers, constant", small.steps, small.n, 3, 3), seeds(3))
    np.testing.assert_array_equal(found, errors(net, test).numpy())


def untrained(basis: str) -> Result:
    tried = [cell for cell in cells("quick") if cell.learner == f"untrained, {basis}"]
    return summarise(EXPERIMENT, {cell: measure(cell, seeds(cell.replicas, cell.d)) for cell in tried}, 0)


def verdicts(result: Result, basis: str, faulty: bool = False) -> Verdict:
    (asked,) = (q for q in questions(EXPERIMENT) if q.learner == f"untrained, {basis}")
    return judge(result, asked, asked.line.fault if faulty else 1.0).verdict


@pytest.mark.parametrize("basis", BASES)
def test_untrained_weights_lose_what_is_claimed(small: Setting, basis: str) -> None:
    result = untrained(basis)
    assert verdicts(result, basis) is Verdict.CERTIFIED
    assert verdicts(result, basis, faulty=True) is Verdict.REFUTED
    (line,) = (q.line for q in questions(EXPERIMENT) if q.learner == f"untrained, {basis}")
    assert line.value(2, small.n) == pytest.approx(float(1 - kept_share(Space(basis, 2), 4)))


def test_a_projection_that_keeps_too_much_is_caught(small: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def first_of_each_pair(source: Space, target: Space) -> tuple[tuple[int, ...], ...]:
        step = source.size // target.size
        return tuple(tuple(int(j == step * a) for j in range(source.size)) for a in range(target.size))

    monkeypatch.setattr(odenet, "projection", first_of_each_pair)
    assert verdicts(untrained("constant"), "constant") is Verdict.REFUTED


def test_operator_norms_are_upper_bounds_and_near() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((7, 64, 16), (3, 5, 9, 4), (16, 64)):
        x = torch.randn(shape, generator=generator).double()
        exact = torch.linalg.matrix_norm(x, 2)
        found = operator_norms(x)
        assert (exact <= found).all()
        assert (found <= min(shape[-2:]) ** (1 / 64) * exact * 1.001).all()
    assert operator_norms(torch.zeros(2, 3, 3).double()).tolist() == [0, 0]
    sizes = torch.tensor([1e-300, 1e-160, 1.0, 1e160, 1e300], dtype=torch.float64)
    found = operator_norms(sizes[:, None, None] * torch.eye(2).double())
    assert (sizes <= found).all()
    assert (found < 1.02 * sizes).all()
    one = torch.outer(torch.arange(1.0, 5), torch.tensor([3.0, 4])).double()
    assert operator_norms(one).item() == pytest.approx(5 * np.sqrt(30))


@pytest.mark.parametrize("basis", BASES)
def test_compressed_nets_stay_within_the_bound_and_planted_ones_do_not(basis: str) -> None:
    net, x = random_net(Space("constant", 8)), images()
    for space in (Space(basis, 2), Space(basis, 6)):
        small = compressed(net, space)
        found = drift(net, small, x)
        assert (found.measured > 0).all()
        assert (found.measured <= found.steps).all()
        assert (found.steps <= found.closed).all()
    # Moved by as little as a thousandth, the bound shrinks along; a jump of the state does not fit below it.
    near = replace(net, mean=net.mean * 1.001)
    found = drift(net, near, x)
    assert (found.measured <= found.steps).all()
    jumped = (list(states(blocks(net), x + 1))[-1] - list(states(blocks(near), x))[-1]).norm(dim=2)
    assert (jumped > found.steps).all()


def test_a_bound_is_nearly_attained_by_a_single_linear_step() -> None:
    net = random_net(Space("constant", 1), steps=1, replicas=1, width=1)
    w = net.weights
    tiny = {name: t * 0 for name, t in w.tensors.items()}
    tiny["outer"][0, 0, 0, 0] = tiny["scale"][0, 0, 0] = 1.0
    tiny["shift"] = tiny["shift"] + 1e-3
    base = Net(Weights(w.space, **tiny), net.mean * 0, net.logvar * 0, 1)
    moved = replace(base, weights=replace(base.weights, shift=base.weights.shift + 1e-3))
    found = drift(base, moved, torch.zeros(1, 1, 64))
    assert 0.6 < float(found.measured / found.steps) < 1


def test_equal_nets_do_not_drift_and_numbers_are_doubles() -> None:
    net, x = trained("layers", SMALL, seeds(2))
    found = drift(net, compressed(net, Space("constant", 8)), x.images)
    assert float(found.measured.max()) == float(found.closed.max()) == 0.0
    assert in_double(net).logvar.dtype is torch.float64


@pytest.mark.parametrize("size", ["quick", "full", "paper"])
def test_cells_are_distinct_and_in_range(size: str) -> None:
    found = cells(size)
    assert len({(cell.learner, cell.d, cell.n) for cell in found}) == len(found)
    assert {cell.learner.split(", ")[1] for cell in found} == set(BASES)
    assert {cell.n for cell in found} == {SETTINGS["quick" if size == "quick" else "full"].n}
    assert all(1 <= cell.chunk <= cell.replicas for cell in found)
    assert {cell.learner for cell in found} == set(EXPERIMENT.looks.styles)
    assert len({EXPERIMENT.looks.panel(cell.learner, cell.d) for cell in found}) == 3


def test_pictures_are_drawn_twice_the_same(small: Setting, tmp_path: Path) -> None:
    drawn = [odenet_pictures.pictures("quick", 3, tmp_path / name) for name in ("a", "b")]
    assert [path.name for path in drawn[0]] == [
        f"odenet-{what}.{ending}" for what in ("parameters", "gronwall") for ending in ("svg", "png", "csv")
    ]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*drawn, strict=True))
    rows = (tmp_path / "a" / "odenet-gronwall.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * odenet_pictures.NETS["quick"] * sum(len(spaces(small, basis)) for basis in BASES)
    assert all(float(row.split(",")[4]) <= float(row.split(",")[6]) <= float(row.split(",")[5]) for row in rows[1:])


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no image": (lambda: sample(0, 5, rngs(1)), "n"),
    "all images": (lambda: sample(1797, 5, rngs(1)), "n"),
    "no test": (lambda: sample(5, 0, rngs(1)), "tests"),
    "too many tests": (lambda: sample(1000, 798, rngs(1)), "tests"),
    "an unknown number of images": (lambda: measure(Cell("layers, hats", 2, 301, 1, 1), seeds(1)), "n"),
    "a net that is no residual net": (lambda: residual_net(random_net(Space("hats", 8)), 0), "net"),
    "a replica that is not there": (lambda: residual_net(random_net(Space("constant", 8)), 2), "replica"),
    "an unknown setting": (lambda: setting_of(5), "n"),
    "an unknown training": (lambda: trained("wished", SMALL, seeds(1)), "kind"),
    "an unknown basis": (lambda: measure(Cell("layers, splines", 2, 300, 1, 1), seeds(1)), "basis"),
    "no learner's name": (lambda: measure(Cell("layers", 2, 300, 1, 1), seeds(1)), "basis"),
    "a seed without a replica's number": (lambda: trained("layers", SMALL, [np.random.SeedSequence(0)]), "seeds"),
    "too many columns": (lambda: operator_norms(torch.zeros(65, 65).double()), "matrices: columns or rows"),
    "numbers that are not doubles": (lambda: operator_norms(torch.zeros(3, 3)), "matrices"),
    "a batch that is too large": (
        lambda: fit(initial(CONSTANT[0], 2, rngs(1)), sample(20, 5, rngs(1))[0], small_plan(CONSTANT[0]), rngs(1)),
        "batch",
    ),
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()
