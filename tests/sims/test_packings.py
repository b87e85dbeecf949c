"""Distances in the orbit and greedy packings, against closed forms, counting and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sims.packings import certified_distance, disagreement, greedy_packing, haar_frames, principal_angles


def counted(a: np.ndarray, b: np.ndarray, points: int, rng: np.random.Generator) -> float:
    x = rng.standard_normal((points, len(a)))
    q, r = (2 * frame @ frame.T - np.eye(len(a)) for frame in (a, b))
    return float(np.mean((((x @ q) * x).sum(axis=1) > 0) != (((x @ r) * x).sum(axis=1) > 0)))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_haar_frames_are_orthonormal_and_prefer_no_direction(d: int) -> None:
    frames = haar_frames(d, 4000, np.random.default_rng(d))
    assert np.allclose(frames.swapaxes(1, 2) @ frames, np.eye(d))
    projectors = frames @ frames.swapaxes(1, 2)
    assert np.allclose(projectors.mean(axis=0), np.eye(2 * d) / 2, atol=0.05)


def test_principal_angles_of_a_known_pair_in_any_frames() -> None:
    rng = np.random.default_rng(0)
    angles = np.array([1.2, 0.7, 0.1])
    first = np.vstack([np.eye(3), np.zeros((3, 3))])
    second = np.vstack([np.diag(np.cos(angles)), np.diag(np.sin(angles))])
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    mixed = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    found = principal_angles(turn @ first, turn @ second @ mixed)
    assert found == pytest.approx(angles, abs=1e-7)
    assert not np.allclose(principal_angles(first, turn @ second), angles, atol=1e-3)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("angle", [0.2, 1.0, 1.5])
def test_equal_angles_leave_nothing_to_average(d: int, angle: float) -> None:
    assert float(disagreement([angle] * d)) == pytest.approx(2 * angle / math.pi, abs=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_the_quadrature_agrees_with_counting(d: int) -> None:
    rng = np.random.default_rng(d)
    a, b = haar_frames(d, 2, rng)
    rho, points = float(disagreement(principal_angles(a, b))), 200_000
    assert counted(a, b, points, rng) == pytest.approx(rho, abs=5 * math.sqrt(0.25 / points))
    assert abs(float(disagreement(principal_angles(a, b) / 2)) - rho) > 0.02


@pytest.mark.parametrize("d", [2, 3])
def test_the_error_stated_for_the_quadrature(d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the nodes: the error falls at least like their square, so the change is nearly all of it."""
    from sims import packings

    angles = np.random.default_rng(0).uniform(0, math.pi / 2, (60, d))
    angles[:20, 0] = 0
    angles[20:40] *= 0.2
    coarse = disagreement(angles)
    monkeypatch.setitem(packings.NODES, d, 4 * packings.NODES[d])
    packings._sphere.cache_clear()
    fine = disagreement(angles)
    packings._sphere.cache_clear()
    assert 0 < np.abs(coarse - fine).max() < {2: 1e-5, 3: 1e-4}[d]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_certified_distance_stays_below_and_comes_close(d: int) -> None:
    points = haar_frames(d, 200, np.random.default_rng(d))
    angles = principal_angles(points[:100], points[100:])
    found, rho = certified_distance(points[:100], points[100:]), disagreement(angles)
    assert (found <= rho + 1e-4).all()
    first, second = np.eye(2 * d)[:, :d], np.eye(2 * d)[:, :d].copy()
    second[[0, d], 0] = math.cos(0.1), math.sin(0.1)
    near = float(certified_distance(first, second)) / float(disagreement([0.1] + [0.0] * (d - 1)))
    assert 0.99 < near < 1.001


@pytest.mark.parametrize("d", [1, 2])
def test_a_greedy_packing_is_one_and_no_other_point_fits(d: int) -> None:
    frames, radius = np.stack([haar_frames(d, 30, np.random.default_rng([d, s])) for s in range(5)]), 0.15
    taken = greedy_packing(frames, radius)
    assert taken[:, 0].all()
    assert not taken.all()
    for points, mask in zip(frames, taken, strict=True):
        chosen = points[mask]
        apart = certified_distance(chosen[:, None], chosen[None])
        assert (apart[~np.eye(len(chosen), dtype=bool)] > radius).all()
        assert (certified_distance(points[~mask][:, None], chosen[None]).min(axis=1) <= radius).all()


def test_the_circle_holds_no_more_than_it_can() -> None:
    """At d = 1 the orbit is a circle of length 2 in rho."""
    frames = haar_frames(1, 400, np.random.default_rng(0))[None]
    sizes = [int(greedy_packing(frames, radius).sum()) for radius in (0.05, 0.1, 0.25)]
    assert all(1 / radius <= size <= 2 / radius for size, radius in zip(sizes, (0.05, 0.1, 0.25), strict=True))


def test_bad_input() -> None:
    rng = np.random.default_rng(0)
    for call, words in (
        (lambda: haar_frames(0, 1, rng), "d: got 0"),
        (lambda: haar_frames(2, -1, rng), "count: got -1"),
        (lambda: haar_frames(2, 1, 7), "rng: got a int"),  # type: ignore[arg-type]
        (lambda: disagreement([0.1] * 4), "d: got 4"),
        (lambda: disagreement([np.nan]), "angles: got"),
        (lambda: greedy_packing(haar_frames(2, 3, rng), 0.1), "frames: got shape"),
        (lambda: greedy_packing(haar_frames(2, 3, rng)[None], -0.1), "radius: got -0.1"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
