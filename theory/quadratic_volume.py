r"""Volumes of the orbit and of balls in it, enclosed in ball arithmetic for any d.

Logarithms of natural numbers throughout; results are python-flint balls at the current precision.
"""

from __future__ import annotations

import functools
from typing import Any

from theory.decide import ball_function

__all__ = ["LIMIT", "kappa", "log_grassmannian", "log_rotations", "orbit_constant", "rotation_constant"]

LIMIT = "exp(1/4)/(pi**2*sqrt(1/2*pi))"
"""C = 0.1038..., below the constants C_d of all orbits (claim lem-ball)."""


def _whole(d: Any) -> int:
    return int(d) if isinstance(d, int) else int(d.unique_fmpz())


def _log_pi() -> Any:
    import flint

    return flint.arb.pi().log()


@functools.lru_cache(maxsize=4)
def _lgamma_sums(d: int, precision: int) -> tuple[Any, Any]:
    """Sums of log Gamma(i/2) over i = 1..d and i = d+1..2d; Gamma(x+1) = x Gamma(x) leaves two calls, then logs."""
    import flint

    low, high = flint.arb(0), flint.arb(0)
    values = {1: flint.arb.pi().log() / 2, 2: flint.arb(0)}  # log Gamma(1/2), log Gamma(1)
    for i in range(1, 2 * d + 1):
        value = values.pop(i)
        values[i + 2] = value + (flint.arb(i) / 2).log()
        low, high = (low + value, high) if i <= d else (low, high + value)
    return low, high


def _sums(d: int) -> tuple[Any, Any]:
    import flint

    return _lgamma_sums(d, flint.ctx.prec)


def log_unit_ball(m: int) -> Any:
    """Log of omega_m, the volume of the unit ball of R^m."""
    import flint

    return _log_pi() * m / 2 - (flint.arb(m) / 2 + 1).lgamma()


def log_grassmannian(d: Any) -> Any:
    """Log of vol Gr(d, 2d), metric sum of squared principal angles: (d^2/2) log pi - G(d)."""
    d = _whole(d)
    low, high = _sums(d)
    return _log_pi() * d * d / 2 - high + low


def log_rotations(d: Any) -> Any:
    """Log of vol SO(d) in the Frobenius metric, d >= 2: 2^{m/2} times the areas of the spheres of R^2..R^d."""
    import flint

    d = _whole(d)
    low, _ = _sums(d)
    m = d * (d - 1) // 2
    log_areas = flint.arb(2).log() * (d - 1) + _log_pi() * (m + d - 1) / 2 - (low - _log_pi() / 2)
    return flint.arb(2).log() * m / 2 + log_areas


ball_function(log_grassmannian)
ball_function(log_rotations)


@ball_function
def kappa(d: Any) -> Any:
    """The mean of |g_1|/|g|: Gamma(d/2) / (sqrt(pi) Gamma((d+1)/2))."""
    import flint

    n = flint.arb(_whole(d))
    return ((n / 2).lgamma() - ((n + 1) / 2).lgamma() - _log_pi() / 2).exp()


@ball_function
def orbit_constant(d: Any) -> Any:
    """C_d: the ball of radius rho = 2 eps has Haar measure at most (eps/C_d)^{d^2}."""
    import flint

    n = _whole(d)
    root = ((log_grassmannian(n) - log_unit_ball(n * n)) / (n * n)).exp()
    return root * 2 * kappa(n) / flint.arb.pi() ** 2


@ball_function
def rotation_constant(d: Any) -> Any:
    """The same for the bilinear family, d >= 2: the ball rho = eps has Haar measure at most (eps/C)^{d(d-1)/2}."""
    import flint

    n = _whole(d)
    m = n * (n - 1) // 2
    root = ((log_rotations(n) - log_unit_ball(m)) / m).exp()
    return root * 2 * kappa(n) / flint.arb.pi() ** 2
