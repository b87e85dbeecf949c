"""The quadratic task: its constants, distances, orbit and bounds against independent computations.

Monte Carlo stands beside Hoeffding's inequality: with sound formulas all comparisons of this file together fail
with probability at most `FALSE_ALARM` over the seed, and the seed is fixed.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

import flint
import mpmath as mp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import subspace_angles
from scipy.stats import special_ortho_group

from theory import quadratic, quadratic_orbit, quadratic_rate, quadratic_volume
from theory.claims import Step, load
from theory.complexity import Bound, growth_bound
from theory.evidence import Trust
from theory.quadratic import (
    comparison,
    conv_upper_bound,
    every_law_lower_bound,
    explicit_lower_bound,
    long_form_lower_bound,
    lower_bound,
    rate_lower_bound,
    upper_bound,
    weighted_conv_upper_bound,
    weighted_lower_bound,
)
from theory.quadratic_orbit import orbit_matrix, vc_bounds
from theory.quadratic_rate import pattern_bound
from theory.status import run_step

F = Fraction
Floats = NDArray[np.float64]
Number = Fraction | float | str
NAN, INF = float("nan"), float("inf")
QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
LEDGER = load()
STEPS = {
    f"{id}: {step.name}": step
    for id in LEDGER.ordered()
    for step in LEDGER.steps[id]
    if step.check.__module__.startswith("theory.quadratic")
}
PROVED = {"lem-d.2", "thm-4.1", "conv-upper-4.1", "lem-disagreement", "thm-5.2-explicit", "thm-5.2", "lem-d.4"}
PROVED |= {"thm-5.2-rate", "eq-7", "thm-5.3", "conv-upper-5.3"}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_steps_are_as_expected_and_their_mutants_caught(step: Step) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (LEDGER.get(step.claim).expected, "")
    assert result.trust is not None
    assert result.trust >= Trust.ENCLOSED
    assert result.mutant is not result.verdict


def test_every_claim_has_a_proof() -> None:
    assert {step.claim for step in STEPS.values()} >= PROVED


# Constants. The references below are written from the statements of the claims, in mpmath.


@pytest.fixture(autouse=True)
def digits() -> Iterator[None]:
    with mp.workdps(50):
        yield


@contextmanager
def bits(precision: int) -> Iterator[None]:
    before, flint.ctx.prec = flint.ctx.prec, precision
    try:
        yield
    finally:
        flint.ctx.prec = before


def log_area(i: int) -> mp.mpf:
    """The unit sphere of R^i."""
    return mp.log(2) + i * mp.log(mp.pi) / 2 - mp.loggamma(mp.mpf(i) / 2)


def log_ball(m: int) -> mp.mpf:
    """The unit ball of R^m: the integral of the sphere's area r^{m-1} over r."""
    return log_area(m) - mp.log(m)


def log_gr(d: int) -> mp.mpf:
    return mp.fsum(map(log_area, range(d + 1, 2 * d + 1))) - mp.fsum(map(log_area, range(1, d + 1)))


def log_so(d: int) -> mp.mpf:
    return mp.fsum(log_area(i) + (i - 1) * mp.log(2) / 2 for i in range(2, d + 1))


def mean_coordinate(d: int) -> mp.mpf:
    """E |first coordinate| on the unit sphere of R^d."""
    return mp.gamma(mp.mpf(d) / 2) / (mp.sqrt(mp.pi) * mp.gamma(mp.mpf(d + 1) / 2))


def radius(d: int) -> mp.mpf:
    """The geodesic radius of a ball rho = 2 eps is at most eps times this."""
    return mp.pi**2 / (2 * mean_coordinate(d))


def orbit_c(d: int) -> mp.mpf:
    return mp.exp((log_gr(d) - log_ball(d * d)) / d**2) / radius(d)


def rotation_c(d: int) -> mp.mpf:
    m = d * (d - 1) // 2
    return mp.exp((log_so(d) - log_ball(m)) / m) / radius(d)


def real(number: Number) -> mp.mpf:
    exact = F(str(number))
    return mp.mpf(exact.numerator) / exact.denominator


def explicit(d: int, eps: Number, delta: Number) -> mp.mpf:
    return d * d * mp.log(orbit_c(d) / real(eps), 2) + mp.log(1 - real(delta), 2)


def rate(d: int, eps: Number, delta: Number) -> mp.mpf:
    m = d * d
    s = 1 + (4 * m + 2 * d) * mp.mpf(4) ** (1 - d - m)
    c = orbit_c(d) / (16 * mp.e) * ((1 - real(delta)) * mp.mpf(4) ** (1 - d) / s) ** (mp.mpf(1) / m)
    return c * m / real(eps) - (2 * m + d + 1)


def ball_of(function: Callable[[int], flint.arb], d: int) -> mp.mpf:
    """The midpoint of a ball that is known to be narrow."""
    with bits(160):
        ball = function(d)
        assert ball.rad() < 1e-25
        return mp.mpf(ball.mid().str(45, radius=False))


def enclosed(bound: Bound) -> mp.mpf:
    middle, width = bound.enclosure.strip("[]").split(" +/- ")
    assert mp.mpf(width) < 1e-12 * max(1, abs(mp.mpf(middle)))
    return mp.mpf(middle)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 30, 200])
def test_constants_are_those_of_the_claims(d: int) -> None:
    assert mp.almosteq(ball_of(quadratic_volume.kappa, d), mean_coordinate(d), 1e-25)
    assert mp.almosteq(ball_of(quadratic_volume.orbit_constant, d), orbit_c(d), 1e-25)
    assert d == 1 or mp.almosteq(ball_of(quadratic_volume.rotation_constant, d), rotation_c(d), 1e-25)


@pytest.mark.parametrize("d", [2, 3, 4, 5, 8, 21])
def test_kappa_is_the_mean_coordinate_on_the_sphere(d: int) -> None:
    def weight(x: mp.mpf) -> mp.mpf:  # x = sin of the latitude
        return mp.cos(x) ** (d - 2)

    half = [0, mp.pi / 2]
    mean = mp.quad(lambda x: mp.sin(x) * weight(x), half) / mp.quad(weight, half)
    assert mp.almosteq(ball_of(quadratic_volume.kappa, d), mean, 1e-20)


VOLUMES = {
    "ball of R^1": (quadratic_volume.log_unit_ball, 1, 2),
    "ball of R^2": (quadratic_volume.log_unit_ball, 2, mp.pi),
    "ball of R^3": (quadratic_volume.log_unit_ball, 3, 4 * mp.pi / 3),
    "ball of R^4": (quadratic_volume.log_unit_ball, 4, mp.pi**2 / 2),
    "ball of R^9": (quadratic_volume.log_unit_ball, 9, 32 * mp.pi**4 / 945),
    "Gr(1, 2): lines in the plane": (quadratic_volume.log_grassmannian, 1, mp.pi),
    # covered twice by the product of two spheres of radius 1/sqrt 2
    "Gr(2, 4)": (quadratic_volume.log_grassmannian, 2, (4 * mp.pi / 2) ** 2 / 2),
    "SO(2): a circle of speed sqrt 2": (quadratic_volume.log_rotations, 2, 2 * mp.pi * mp.sqrt(2)),
    # unit quaternions up to sign; a quaternion at angle a turns by 2a, which has Frobenius length 2 sqrt 2 a
    "SO(3)": (quadratic_volume.log_rotations, 3, (2 * mp.sqrt(2)) ** 3 * 2 * mp.pi**2 / 2),
    # covered twice by pairs of unit quaternions; (a, 0) is the isoclinic turn by a, of length 2 a
    "SO(4)": (quadratic_volume.log_rotations, 4, 2**6 * (2 * mp.pi**2) ** 2 / 2),
}


@pytest.mark.parametrize(("function", "d", "volume"), VOLUMES.values(), ids=VOLUMES)
def test_known_volumes(function: Callable[[int], flint.arb], d: int, volume: mp.mpf) -> None:
    assert abs(ball_of(function, d) - mp.log(volume)) < 1e-13  # the constants above are doubles


@pytest.mark.parametrize("d", [1, 2, 3, 4, 9])
def test_volume_of_the_orbit_over_the_ball_by_selbergs_integrals(d: int) -> None:
    """The angles have density prod |sin^2 - sin^2|, small ones like singular values, prod |s^2 - s^2|: same constant.

    With t = sin^2 the first is Selberg's integral; the second, against exp(-s^2), is Laguerre's form of it.
    """
    half = mp.mpf(1) / 2
    top = [mp.gamma(half + j * half) for j in range(d)]
    common = mp.fprod(mp.gamma(1 + (j + 1) * half) / mp.gamma(1 + half) for j in range(d))
    jacobi = common * mp.fprod(g * g / mp.gamma(1 + (d + j - 1) * half) for j, g in enumerate(top)) / 2**d
    laguerre = common * mp.fprod(top) / 2**d / mp.gamma(mp.mpf(d * d) / 2 + 1)
    if d == 2:
        square = [0, mp.pi / 4, mp.pi / 2]
        with mp.workdps(15):
            by_hand = mp.quad(lambda a: mp.quad(lambda b: abs(mp.cos(2 * a) - mp.cos(2 * b)) / 2, [0, a]), square)
        assert abs(2 * by_hand - jacobi) < 1e-8
        assert abs(laguerre - half / 2) < 1e-30  # int r^3 dr int |cos 2 phi| dphi over a quarter
    found = ball_of(quadratic_volume.log_grassmannian, d) - ball_of(quadratic_volume.log_unit_ball, d * d)
    assert abs(found - mp.log(jacobi / laguerre)) < 1e-25


@pytest.mark.parametrize("t", [mp.mpf("0.001"), mp.mpf("0.1"), mp.mpf(1), mp.pi])
def test_balls_of_rotations_of_space_by_their_exact_measure(t: mp.mpf) -> None:
    """Turns by at most t have Haar measure (t - sin t)/pi, and t is sqrt 2 t in the Frobenius metric."""
    log_volume, log_unit = (ball_of(f, 3) for f in (quadratic_volume.log_rotations, quadratic_volume.log_unit_ball))
    euclidean = mp.exp(log_unit - log_volume) * (mp.sqrt(2) * t) ** 3
    assert 1 < euclidean / ((t - mp.sin(t)) / mp.pi) < 1 + t * t / 10


LIMIT = mp.e ** mp.mpf("0.25") / (mp.pi**2 * mp.sqrt(mp.pi / 2))


def test_the_figures_of_the_notes() -> None:
    half = {d: enclosed(explicit_lower_bound(d, 0.01, 0.5)) / d**2 for d in (*range(1, 65), 256, 1536, 10**4)}
    for d, figure in ((2, "3.939"), (8, "3.521"), (64, "3.391"), (1536, "3.376")):
        assert abs(half[d] - mp.mpf(figure)) < 0.0006
    assert all(a > b for a, b in itertools.pairwise(half.values()))
    limit = mp.log(LIMIT / mp.mpf("0.01"), 2)
    assert abs(limit - mp.mpf("3.37579")) < 1e-5
    assert 0 < half[10**4] - limit < 1e-4
    with bits(64):
        assert flint.arb("0.10380") < orbit_limit() < flint.arb("0.10381")


def orbit_limit() -> flint.arb:
    return flint.arb("0.25").exp() / (flint.arb.pi() ** 2 * (flint.arb.pi() / 2).sqrt())


def test_every_constant_exceeds_its_limit_and_tends_to_it() -> None:
    with bits(128):
        orbit = [quadratic_volume.orbit_constant(d) for d in (*range(1, 120), 10**3, 10**4)]
        turns = [quadratic_volume.rotation_constant(d) for d in (*range(2, 120), 10**3, 10**4)]
        assert all(c > orbit_limit() for c in orbit)
        assert all(c > 2 * orbit_limit() for c in turns)
        assert orbit[-1] < orbit_limit() * flint.arb("1.0001")
        assert turns[-1] < 2 * orbit_limit() * flint.arb("1.001")


def test_the_inductions_that_carry_the_limit_to_every_d() -> None:
    """The quantities E and B of the two proofs, as their docstrings state them."""

    def e(d: int) -> mp.mpf:
        g = mp.fsum(mp.loggamma(mp.mpf(d + i) / 2) - mp.loggamma(mp.mpf(i) / 2) for i in range(1, d + 1))
        return d**2 * (mp.log(2 * d) / 2 - mp.mpf(3) / 4) + mp.log(mp.pi * d**2) / 2 - g

    def b(d: int) -> mp.mpf:
        m = mp.mpf(d * (d - 1)) / 2
        gammas = mp.fsum(mp.loggamma(mp.mpf(i) / 2) for i in range(2, d + 1))
        start = m / 2 * mp.log(mp.mpf(d - 1) / 2) - 3 * m / 4 + mp.log(mp.pi * m) / 2
        return start + (d - 1) * mp.log(2 * mp.sqrt(mp.pi)) - gammas

    assert e(1) > 0
    assert b(2) > 0
    for d in range(1, 60):
        assert e(d + 1) - e(d) >= mp.log(2) / 2
        assert d**2 * mp.log(orbit_c(d) / LIMIT) >= e(d)
    for d in range(2, 60):
        assert b(d + 1) - b(d) >= mp.log(2) / 2 - mp.mpf(1) / 8 - mp.mpf(1) / (8 * d) - mp.mpf(1) / (6 * (d + 1)) > 0
        assert d * (d - 1) // 2 * mp.log(rotation_c(d) / (2 * LIMIT)) >= b(d)


# Distances.

FALSE_ALARM = 1e-6
COMPARISONS = 64
DRAWS = 200_000
TOLERANCE = math.sqrt(math.log(2 * COMPARISONS / FALSE_ALARM) / (2 * DRAWS))


@functools.cache
def squares(d: int) -> tuple[Floats, Floats]:
    """Nodes and weights for means over the sphere of functions of the squared coordinates, d <= 3."""
    x, w = np.polynomial.legendre.leggauss(120)
    x, w = (x + 1) / 2, w / 2
    if d == 1:
        return np.ones((1, 1)), np.ones(1)
    turn = np.stack([np.cos(np.pi / 2 * x), np.sin(np.pi / 2 * x)], axis=1) ** 2
    if d == 2:
        return turn, w
    flat = (1 - x**2)[:, None, None] * turn
    height = np.broadcast_to((x**2)[:, None, None], (len(x), len(x), 1))
    return np.concatenate([flat, height], axis=2).reshape(-1, 3), np.outer(w, w).ravel()


def rho(angles: Floats, doubled: int = 2) -> float:
    """(1/pi) E arccos of the weighted cosines of twice the principal angles, without cancellation."""
    nodes, weights = squares(len(angles))
    share = np.clip(nodes @ np.sin(doubled / 2 * angles) ** 2, 0, 1)
    return float(weights @ (2 * np.arcsin(np.sqrt(share))) / np.pi)


def rho_bilinear(turn: Floats) -> float:
    """(1/pi) E arccos(g'Mg / g'g), M = U'V, by a product rule on the sphere of R^2 or R^3."""
    phi = (np.arange(700) + 0.5) * 2 * np.pi / 700
    ring = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    if len(turn) == 2:
        g, w = ring, np.full(len(ring), 1 / len(ring))
    else:
        z, wz = np.polynomial.legendre.leggauss(200)
        flat, height = np.sqrt(1 - z**2)[:, None, None] * ring, np.broadcast_to(z[:, None, None], (len(z), len(phi), 1))
        g = np.concatenate([flat, height], axis=2)
        g, w = g.reshape(-1, 3), np.repeat(wz / 2 / len(phi), len(phi))
    return float(w @ np.arccos(np.clip(((g @ turn) * g).sum(axis=1), -1, 1)) / np.pi)


def apart(x: Floats, q: Floats, r: Floats) -> float:
    """The share of points where the signs of the two forms differ."""
    first, second = (((x @ m) * x).sum(axis=1) > 0 for m in (q, r))
    return float((first != second).mean())


def reflection(plus: Floats) -> Floats:
    """The orbit point whose +1 eigenspace the orthonormal columns span."""
    result: Floats = 2 * plus @ plus.T - np.eye(len(plus))
    return result


def subspaces(d: int) -> list[tuple[Floats, Floats]]:
    """Pairs of orthonormal bases: some at random, one at given angles, one that meets in a line."""
    rng = np.random.default_rng(d)
    pairs = [tuple(np.linalg.qr(rng.normal(size=(2 * d, d)))[0] for _ in range(2)) for _ in range(5)]
    for angles in (np.linspace(0.2, 1.1, d), np.r_[np.zeros(d - 1), 0.9]):
        bottom = np.concatenate([np.eye(d), np.zeros((d, d))])
        pairs.append((bottom, np.concatenate([np.diag(np.cos(angles)), np.diag(np.sin(angles))])))
    return [(first, second) for first, second in pairs]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_disagreement_on_the_orbit_by_sampling(d: int) -> None:
    x = np.random.default_rng(100 + d).normal(size=(DRAWS, 2 * d))
    for first, second in subspaces(d):
        angles = subspace_angles(first, second)
        found = apart(x, reflection(first), reflection(second))
        assert abs(found - rho(angles)) < TOLERANCE
        assert abs(found - rho(angles, doubled=1)) > TOLERANCE  # a wrong formula would be seen


@pytest.mark.parametrize("d", [2, 3])
def test_disagreement_of_exact_orbit_points_with_the_target(d: int) -> None:
    """The Cayley transform turns the i-th plane by 2 arctan(t s_i), s_i the singular values of S."""
    x = np.random.default_rng(200 + d).normal(size=(DRAWS, 2 * d))
    target = np.diag([1.0] * d + [-1.0] * d)
    for step in (F(1, 3 * d), F(1, 2)):
        signs = np.random.default_rng(d).choice([-1, 1], size=(d, d))
        q = orbit_matrix(signs.astype(object), step).astype(float)
        angles = 2 * np.arctan(float(step) * np.linalg.svd(signs.astype(float), compute_uv=False))
        assert abs(apart(x, q, target) - rho(angles)) < TOLERANCE


def orthogonals(d: int) -> list[tuple[Floats, Floats]]:
    """Pairs in O(d), determinants of both signs."""
    drawn = special_ortho_group.rvs(d, size=8, random_state=d).reshape(4, 2, d, d)
    mirror = np.diag([-1.0] + [1.0] * (d - 1))
    return [(u, v @ mirror if k % 2 else v) for k, (u, v) in enumerate(drawn)]


@pytest.mark.parametrize("d", [2, 3])
def test_disagreement_of_the_bilinear_family_by_sampling(d: int) -> None:
    left, right = np.random.default_rng(300 + d).normal(size=(2, DRAWS, d))
    for u, v in orthogonals(d):
        first, second = (((left @ m) * right).sum(axis=1) > 0 for m in (u, v))
        assert abs((first != second).mean() - rho_bilinear(u.T @ v)) < TOLERANCE


@pytest.mark.parametrize("d", [2, 3])
def test_bilinear_and_orbit_formulas_agree(d: int) -> None:
    """h_U is the orbit point [[0, U], [U', 0]], whose +1 eigenspace is {(Uy, y)}."""
    for u, v in orthogonals(d):
        first, second = (np.concatenate([m, np.eye(d)]) / math.sqrt(2) for m in (u, v))
        expected = np.block([[np.zeros((d, d)), u], [u.T, np.zeros((d, d))]])
        assert np.allclose(reflection(first), expected)
        assert abs(rho(subspace_angles(first, second)) - rho_bilinear(u.T @ v)) < 1e-4


@pytest.mark.parametrize("d", [1, 2, 3])
def test_lower_bound_on_the_distance_holds_and_is_tight_at_a_vertex(d: int) -> None:
    kappa = float(ball_of(quadratic_volume.kappa, d))
    rng = np.random.default_rng(d)
    drawn = [rng.uniform(0, np.pi / 2, d) * scale for scale in (1, 1, 1, 0.1, 1e-3) for _ in range(40)]
    drawn += [np.where(rng.uniform(size=d) < 0.5, 0, a) for a in drawn] + [np.full(d, np.pi / 2)]
    ratios = [rho(a) / (2 / np.pi * kappa * np.linalg.norm(np.sin(a))) for a in drawn if a.any()]
    vertex = np.r_[np.full(1, 1e-3), np.zeros(d - 1)]
    tight = rho(vertex) / (2 / np.pi * kappa * math.sin(1e-3))
    assert min(ratios) > 1 - 1e-9
    assert 1 - 1e-9 < tight < 1 + 1e-6


@pytest.mark.parametrize("d", [2, 3])
def test_bounds_on_the_distance_in_the_bilinear_family(d: int) -> None:
    kappa = float(ball_of(quadratic_volume.kappa, d))
    for u, v in orthogonals(d):
        norm = np.linalg.norm(u - v)
        assert kappa / np.pi * norm - 1e-4 < rho_bilinear(u.T @ v) < norm / (2 * math.sqrt(d)) + 1e-4


def test_balls_of_the_orbit_have_the_measure_that_is_claimed() -> None:
    """d = 1: rho = 2 theta/pi, so a ball rho <= 2 eps is exactly the share 2 eps. d = 2: Haar samples."""
    assert mp.almosteq(ball_of(quadratic_volume.orbit_constant, 1), 1 / mp.pi, 1e-25)
    rng = np.random.default_rng(0)
    drawn = np.linalg.qr(rng.normal(size=(20_000, 4, 2)))[0]
    cosines = np.linalg.svd(drawn[:, :2], compute_uv=False)
    nodes, weights = squares(2)
    distances = 2 / np.pi * np.arcsin(np.sqrt(np.clip((1 - cosines**2) @ nodes.T, 0, 1))) @ weights
    tolerance = math.sqrt(math.log(COMPARISONS / FALSE_ALARM) / (2 * len(drawn)))
    c = float(ball_of(quadratic_volume.orbit_constant, 2))
    share = {eps: float((distances <= 2 * eps).mean()) for eps in (0.04, 0.08, 0.12, 0.15, 0.17)}
    assert all(found < (eps / c) ** 4 + tolerance for eps, found in share.items())
    assert share[0.15] > (0.15 / (2 * c)) ** 4 + tolerance  # a constant twice as large would be seen


# The orbit.


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("step", [F(1, 15), F(-2, 3), F(7)])
def test_orbit_matrices_are_exactly_in_the_orbit(d: int, step: Fraction) -> None:
    signs = np.random.default_rng(d).integers(-3, 4, size=(d, d)).astype(object)
    q = orbit_matrix(signs, step)
    assert all(isinstance(x, F) for x in q.flat)
    assert (q == q.T).all()
    assert (q @ q == np.eye(2 * d, dtype=int)).all()
    assert np.trace(q) == 0
    assert d > 1 or q[0, 0] == (1 - (u := 2 * step * signs[0, 0] / (1 - (step * signs[0, 0]) ** 2)) ** 2) / (1 + u**2)


@pytest.mark.parametrize("d", [4, 5])
def test_the_squares_of_the_grid_are_shattered_beyond_the_enumeration(d: int) -> None:
    rng = np.random.default_rng(d)
    for _ in range(6):
        signs = rng.choice([-1, 1], size=(d, d)).astype(object)
        q = orbit_matrix(signs, F(1, 3 * d))
        for i, j in itertools.product(range(d), repeat=2):
            x = np.array([int(k in (i, d + j)) for k in range(2 * d)], object)
            assert signs[i, j] * (x @ q @ x) > F(8, 81 * d) * 16 - F(1, 10**9)  # (8/(c^4 d)) (c-2)(c+1)^2 at c = 3


def realised(points: list[tuple[int, int]], zero: int) -> set[tuple[int, ...]]:
    """All label patterns at d = 1, exactly: u = (cos 2t, sin 2t) labels x by <u, (x1^2 - x2^2, 2 x1 x2)>.

    Every arc of constant labels begins at a direction where some label vanishes; on it the vanishing label takes the
    sign of the derivative. At the direction itself it is `zero`.
    """
    images = [(x * x - y * y, 2 * x * y) for x, y in points]
    found = set()
    for (a, b), side in itertools.product(images, (1, -1)):
        u = (-side * b, side * a)
        values = [u[0] * v[0] + u[1] * v[1] for v in images]
        slopes = [-u[1] * v[0] + u[0] * v[1] for v in images]
        found.add(tuple(1 if (x or s) > 0 else -1 for x, s in zip(values, slopes, strict=True)))
        found.add(tuple(zero if not x else 1 if x > 0 else -1 for x in values))
    return found


@pytest.mark.parametrize("zero", [1, -1])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 40])
def test_label_patterns_on_the_circle_are_counted_and_bounded(n: int, zero: int) -> None:
    rng = np.random.default_rng(n)
    points = [(int(x), int(y)) for x, y in rng.integers(1, 10**6, size=(n, 2))]
    count = len(realised(points, zero))
    assert count == 2 * n <= pattern_bound(1, n)
    assert (count == 2**n) == (n <= 2)  # so the VC dimension is 2
    assert count <= growth_bound(n, vc_bounds(1)[1])


@pytest.mark.parametrize(("d", "n"), [(2, 9), (2, 60), (3, 12)])
def test_label_patterns_of_random_orbit_elements_are_bounded(d: int, n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 2 * d))
    plus = np.linalg.qr(rng.normal(size=(30_000, 2 * d, d)))[0]
    norms = (x**2).sum(axis=1)
    patterns = {row.tobytes() for row in 2 * ((x @ plus) ** 2).sum(axis=2) > norms}
    assert 100 < len(patterns) <= min(pattern_bound(d, n), growth_bound(n, vc_bounds(d)[1]))


def barone_basu(s: int, k: int, dim: int, on_variety: int, degree: int) -> int:
    """The cited bound with all its parameters."""
    return sum(
        4**j
        * math.comb(s + 1, j)
        * (
            math.comb(k + 1, k - dim + j + 1)
            * (2 * on_variety) ** (k - dim)
            * degree**j
            * max(2 * on_variety, degree) ** (dim - j)
            + 2 * (k - j + 1)
        )
        for j in range(dim + 1)
    )


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 4, 30, 10**5])
def test_pattern_bound_is_the_cited_bound_and_dominates_what_is_used(d: int, n: int) -> None:
    m, k = d * d, d * (2 * d + 1) - 1
    assert pattern_bound(d, n) == barone_basu(n, k, m, 2, 1)
    s = 1 + F(4 * m + 2 * d) * F(4) ** (1 - d - m)
    assert pattern_bound(d, n) <= s * 4**k * math.comb(n + k + 2, m)


def test_vc_bounds() -> None:
    assert [vc_bounds(d) for d in (1, 2, 3, 10)] == [(1, 2), (4, 9), (9, 20), (100, 209)]


# Bounds.

CASES = [
    (d, eps, delta)
    for d in (1, 2, 3, 4, 8, 40)
    for eps in (0.4, 0.03, "0.0001", "1/700000", "1e-25")
    for delta in (0.5, "0.01", "0.999")
]


@pytest.mark.parametrize(("d", "eps", "delta"), CASES)
def test_lower_bounds_are_the_stated_numbers_rounded_up(d: int, eps: Number, delta: Number) -> None:
    for function, stated in ((explicit_lower_bound, explicit), (rate_lower_bound, rate)):
        with mp.workdps(90):
            assert function(d, eps, delta).n == int(mp.ceil(stated(d, eps, delta)))
            assert function(d, eps).n == int(mp.ceil(stated(d, 2 * F(str(eps)), 0.5)))
    assert abs(enclosed(explicit_lower_bound(d, eps, delta)) - explicit(d, eps, delta)) < 1e-9


@pytest.mark.parametrize(("d", "eps", "delta"), [case for case in CASES if case[0] > 1])
def test_the_long_form_is_the_stated_number_where_that_is_at_least_d_squared(
    d: int, eps: Number, delta: Number
) -> None:
    with mp.workdps(90):
        for found, e, x in (
            (long_form_lower_bound(d, eps, delta), F(str(eps)), F(str(delta))),
            (long_form_lower_bound(d, eps), 2 * F(str(eps)), F(1, 2)),
        ):
            stated = mp.mpf(d * d) / mp.e * real(1 - x) ** (mp.mpf(1) / d**2)
            stated *= (LIMIT / real(e)) ** (mp.mpf(1) / 2 - mp.mpf(1) / (2 * d))
            assert found.n == (int(mp.ceil(stated)) if stated >= d * d else 0)
            assert found.vacuous == (stated < d * d)


def test_the_long_form_is_weaker_than_what_else_is_proved() -> None:
    found = [(long_form_lower_bound(*case).n, lower_bound(*case).n) for case in CASES if case[0] > 1]
    assert all(n <= max(best, 0) for n, best in found)
    assert sum(n > 0 for n, _ in found) > 30


@pytest.mark.parametrize("delta", ["0.5", "1e-300"])
@pytest.mark.parametrize("eps", ["1e-60", "1e-400"])
def test_beyond_the_precision_lower_bounds_err_downwards(eps: str, delta: str) -> None:
    with mp.workdps(500):
        for function, stated in ((explicit_lower_bound, explicit), (rate_lower_bound, rate)):
            exact = stated(3, eps, delta)
            assert exact * (1 - mp.mpf("1e-30")) < function(3, eps, delta).n <= mp.ceil(exact)


@pytest.mark.parametrize(("d", "eps", "delta"), CASES)
def test_weighted_squares_have_the_rate_of_half_the_dimension(d: int, eps: Number, delta: Number) -> None:
    for size in (2 * d, 2 * d + 1):
        with mp.workdps(90):
            found = weighted_lower_bound(size, eps, delta)
            assert found.n == int(mp.ceil(rate(d, eps, delta)))
            assert found.claim == "thm-5.3"
    with mp.workdps(90):
        stated = [4 * mp.log(2 / real(F(str(delta))), 2), 8 * d * mp.log(13 / real(F(str(eps))), 2)]
        assert weighted_conv_upper_bound(d, eps, delta).n == int(mp.ceil(max(stated) / real(F(str(eps)))))


@pytest.mark.parametrize("delta", ["1/3000", "1/100", "0.3", "1e-30"])
@pytest.mark.parametrize("eps", ["1/4", "0.1", "1/100"])
@pytest.mark.parametrize("d", [2, 4, 16, 100])
def test_the_worst_law_needs_the_greater_of_two_terms(d: int, eps: str, delta: str) -> None:
    e, x = F(eps), F(delta)
    by_dimension = math.ceil((1 - 3 * x) * (d * d - 1) / (8 * e))
    by_chance = int(mp.ceil(real((1 - e) / e) * mp.log(1 / (2 * real(x)))))
    found = every_law_lower_bound(d, eps, delta)
    assert (found.n, found.claim) == (max(by_dimension, by_chance), "thm-4.1")
    assert ("shattered" in found.why) == (by_dimension >= by_chance)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (every_law_lower_bound, (1, 0.1, 0.1), "d: got 1"),
        (every_law_lower_bound, (2, 0.3, 0.1), "eps: got 0.3"),
        (every_law_lower_bound, (2, 0.1, 0.4), "delta: got 0.4"),
        (weighted_lower_bound, (1, 0.1, 0.1), "d: got 1"),
        (weighted_lower_bound, (2, 1.5, 0.1), "eps: got 1.5"),
        (weighted_lower_bound, (2_000_002, 0.1, 0.1), "d: got 2000002"),
        (weighted_conv_upper_bound, (0, 0.1, 0.1), "d: got 0"),
        (weighted_conv_upper_bound, (2, 0.1, 1), "delta: got 1"),
    ],
)
def test_bounds_of_all_laws_and_of_weighted_squares_refuse(
    function: Callable[..., object], arguments: tuple[Number, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        function(*arguments)


def test_enough_of_the_cases_say_something() -> None:
    assert sum(rate_lower_bound(*c).n > 0 for c in CASES) > 40
    assert sum(explicit_lower_bound(*c).n > 0 for c in CASES) > 40


@pytest.mark.parametrize("delta", [F(1, 2), F(1, 100), F(9, 10)], ids=str)
@pytest.mark.parametrize("eps", ["1e-3", "3e-4", "1e-5", "1e-9"])
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_the_rate_follows_from_the_number_of_patterns(d: int, eps: str, delta: Fraction) -> None:
    """With fewer samples the patterns times the measure of a ball fall short of 1 - delta."""
    n, m, e = rate_lower_bound(d, eps, delta).n, d * d, F(eps)
    with bits(256):
        ball = (flint.arb(flint.fmpq(e.numerator, e.denominator)) / quadratic_volume.orbit_constant(d)) ** m
        keep = flint.arb(flint.fmpq((1 - delta).numerator, (1 - delta).denominator))
        for fewer in {n - 1, n - 2, n - 10, n // 2, 0}:
            if 0 <= fewer < n:
                assert pattern_bound(d, fewer) * ball < keep
        many = 4 * (n + 2 * m + d + 1)  # and the closed form loses no more than a factor
        assert pattern_bound(d, many) * ball > keep
    assert n > 0 or eps in ("1e-3", "3e-4")


@pytest.mark.parametrize("d", [1, 2, 3, 5, 17, 60, 300])
def test_theorem_5_2_as_printed(d: int) -> None:
    assert explicit_lower_bound(d, 0.01).n >= d * d


@pytest.mark.parametrize("d", [1, 2, 3, 4, 8, 32, 300, 10**4])
def test_the_stated_constants_of_the_rate(d: int) -> None:
    c = (enclosed(rate_lower_bound(d, "1e-12", 0.5)) + 2 * d * d + d + 1) * mp.mpf("1e-12") / d**2
    assert c >= mp.mpf("0.00119")
    assert d < 10**4 or abs(c - LIMIT / (16 * mp.e)) < 1e-5
    first = F(str(mp.nstr(c * d * d / (4 * d * d + 2 * d + 2), 30))) * F(999_999, 10**6)  # just below eps_0(d)
    assert rate_lower_bound(d, first, 0.5).n >= c * d * d / real(first) / 2


def test_d_of_ten_thousand_is_answered() -> None:
    quadratic_volume._lgamma_sums.cache_clear()
    found = explicit_lower_bound(10_000, 0.01, 0.5)
    assert found.n == int(mp.ceil(enclosed(found)))
    assert mp.mpf("3.37570") < enclosed(found) / 10**8 < mp.mpf("3.37600")
    assert rate_lower_bound(10_000, "1e-9", 0.5).n > found.n


def test_the_precision_of_others_is_left_alone() -> None:
    with bits(77):
        explicit_lower_bound(3, 0.1), rate_lower_bound(3, 0.1)
        assert flint.ctx.prec == 77
        with pytest.raises(ValueError, match=r"^eps: "):
            explicit_lower_bound(3, 2)
        assert flint.ctx.prec == 77


@QUICK
@given(st.integers(1, 30), st.fractions(F(1, 10**6), F(999, 1000)), st.fractions(F(1, 500), F(499, 500)))
def test_upper_bound_is_the_least_n_of_one_inclusion(d: int, eps: Fraction, delta: Fraction) -> None:
    """Or that of consistent learners, with confidence; a constant is right half of the time."""
    vc, found, tail = 2 * d * d + d - 1, upper_bound(d, eps).n, upper_bound(d, eps, delta).n
    if eps >= F(1, 2):
        assert found == tail == 0
        return
    assert F(vc, found + 1) <= eps < F(vc, found)
    consistent = max(4 / eps * math.log2(2 / delta), 8 * vc / eps * math.log2(13 / eps))
    predicted = math.ceil(vc / (eps * delta)) - 1
    assert min(predicted, math.ceil(consistent * (1 - 1e-12))) <= tail <= min(predicted, consistent + 1)


@pytest.mark.parametrize("delta", [None, "0.01"])
def test_a_constant_is_enough_from_one_half_on(delta: str | None) -> None:
    assert upper_bound(3, "0.5", delta).n == 0
    assert upper_bound(3, "0.4999999", delta).n >= 40


@QUICK
@given(st.integers(1, 30), st.fractions(F(1, 10**4), F(999, 1000)), st.fractions(F(1, 500), F(499, 500)))
def test_conv_upper_bound_is_the_stated_maximum(d: int, eps: Fraction, delta: Fraction) -> None:
    def stated(e: Fraction, x: Fraction) -> float:
        return max(4 / e * math.log2(2 / x), 24 / e * math.log2(13 / e))

    for found, exact in (
        (conv_upper_bound(d, eps, delta), stated(eps, delta)),
        (conv_upper_bound(d, eps), stated(eps * F(9, 10), eps / 10)),
    ):
        assert abs(found.n - exact) <= 1 + 1e-9 * exact
        assert found.n >= exact * (1 - 1e-12)


@QUICK
@given(
    st.integers(1, 12),
    st.fractions(F(1, 10**6), F(999, 1000)),
    st.fractions(F(1, 10**6), F(999, 1000)),
    st.one_of(st.none(), st.fractions(F(1, 500), F(499, 500))),
)
def test_bounds_fall_with_eps_and_keep_their_order(d: int, a: Fraction, b: Fraction, delta: Fraction | None) -> None:
    small, large = sorted((a, b))
    for function in (explicit_lower_bound, rate_lower_bound, lower_bound, upper_bound, conv_upper_bound):
        assert function(d, small, delta).n >= function(d, large, delta).n
    assert lower_bound(d, a, delta).n <= upper_bound(d, a, delta).n


@pytest.mark.parametrize("d", [1, 3, 8])
def test_bounds_fall_with_delta(d: int) -> None:
    for function in (explicit_lower_bound, rate_lower_bound, upper_bound, conv_upper_bound):
        found = [function(d, "1e-4", delta).n for delta in ("1e-6", "0.1", "0.5", "0.99")]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[-1] or function is conv_upper_bound


@pytest.mark.parametrize("eps", [0.2, 0.01, "0.002", "1e-4", "1e-8"])
@pytest.mark.parametrize("delta", [None, 0.3])
def test_lower_bound_takes_the_better(eps: Number, delta: float | None) -> None:
    for d in (1, 2, 8, 30):
        both = [explicit_lower_bound(d, eps, delta), rate_lower_bound(d, eps, delta)]
        assert lower_bound(d, eps, delta) == max(both, key=lambda b: b.n)


def test_bounds_name_their_claims() -> None:
    assert long_form_lower_bound(3, 0.1).claim == "eq-7"
    bounds = [f(3, 0.1) for f in (explicit_lower_bound, rate_lower_bound, upper_bound, conv_upper_bound)]
    assert [b.claim for b in bounds] == ["thm-5.2-explicit", "thm-5.2-rate", "upper-5.2", "conv-upper-4.1"]
    assert all(b.claim in LEDGER.claims and b.enclosure and b.why for b in bounds)


@pytest.mark.parametrize("d", [2, 3, 8, 50])
@pytest.mark.parametrize("eps", [0.01, "1e-5"])
def test_comparison(d: int, eps: Number) -> None:
    found, m = comparison(d, eps, 0.25), d * (d - 1) // 2
    exact = m * mp.log(rotation_c(d) / (2 * real(eps)), 2) + mp.log(mp.mpf("0.75"), 2)
    assert found.bilinear == int(mp.ceil(exact)) < found.orbit
    assert (found.d, found.orbit) == (d, explicit_lower_bound(d, eps, 0.25).n)
    assert found.rate == rate_lower_bound(d, eps, 0.25).n
    assert f"{m} log2(C/(2 eps))" in found.paper


@pytest.mark.parametrize("d", [np.int64(8), np.int32(8)], ids=lambda d: type(d).__name__)
def test_integers_of_numpy_are_integers(d: np.integer) -> None:
    for function in (explicit_lower_bound, rate_lower_bound, lower_bound, upper_bound, conv_upper_bound):
        assert function(d, 0.01) == function(8, 0.01)
    assert comparison(d, 0.01, 0.5) == comparison(8, 0.01, 0.5)
    assert pattern_bound(d, np.int64(30)) == pattern_bound(8, 30)
    assert vc_bounds(d) == vc_bounds(8)


BOUNDS = {f.__name__: f for f in (explicit_lower_bound, rate_lower_bound, lower_bound, upper_bound, conv_upper_bound)}
BAD_D = (0, -1, 1.5, True, "x", "8", NAN, INF, None)
BAD_EPS = (0, 1, 2, -0.1, True, "x", NAN, INF, "1/0", None)
BAD_DELTA = (0, 1, 2, -0.1, True, "x", NAN, INF)
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    **{f"{n}, d = {d!r}": (lambda f=f, d=d: f(d, 0.1), "d") for n, f in BOUNDS.items() for d in BAD_D},
    **{f"{n}, eps = {e!r}": (lambda f=f, e=e: f(3, e), "eps") for n, f in BOUNDS.items() for e in BAD_EPS},
    **{f"{n}, delta = {x!r}": (lambda f=f, x=x: f(3, 0.1, x), "delta") for n, f in BOUNDS.items() for x in BAD_DELTA},
    **{f"long_form_lower_bound, d = {d!r}": (lambda d=d: long_form_lower_bound(d, 0.1), "d") for d in (*BAD_D, 1)},
    **{f"comparison, d = {d!r}": (lambda d=d: comparison(d, 0.1, 0.1), "d") for d in (*BAD_D, 1)},
    **{f"comparison, eps = {e!r}": (lambda e=e: comparison(3, e, 0.1), "eps") for e in BAD_EPS},
    **{f"comparison, delta = {x!r}": (lambda x=x: comparison(3, 0.1, x), "delta") for x in BAD_DELTA},
    **{f"vc_bounds, d = {d!r}": (lambda d=d: vc_bounds(d), "d") for d in BAD_D},
    **{f"pattern_bound, d = {d!r}": (lambda d=d: pattern_bound(d, 3), "d") for d in BAD_D},
    **{f"pattern_bound, n = {n!r}": (lambda n=n: pattern_bound(2, n), "n") for n in BAD_D if n != 0},
    **{
        f"orbit_matrix, shape {s}": (lambda s=s: orbit_matrix(np.full(s, F(1), object), F(1, 3)), "signs")
        for s in ((2, 3), (3,), (2, 2, 2))
    },
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


@pytest.mark.parametrize("module", [quadratic, quadratic_orbit, quadratic_rate, quadratic_volume])
def test_public_names_exist(module: object) -> None:
    assert all(hasattr(module, name) for name in module.__all__)
