"""Numpy integers are read as the integers they are: no public function computes with their overflowing arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from theory import complexity, regression, regression_interpolator, texture, texture_optimum, vc_bound, warmup


def drawn(sample: Callable, d: int, n: int) -> list:
    return [a.tolist() for a in sample(d, n, np.random.default_rng(0))]


BIG = 3_000_000  # its square is no int32
HUGE = 4 * 10**12  # its square is no int64
CALLS: dict[str, tuple[Callable[..., object], tuple[int, ...]]] = {
    "warmup.least_error": (warmup.least_error, (40, 50)),
    "warmup.least_error, d": (warmup.least_error, (HUGE, 3)),
    "warmup.sample_complexity": (lambda d: warmup.sample_complexity(d, "0.01"), (BIG,)),
    "warmup.sample_complexity, huge": (lambda d: warmup.sample_complexity(d, "0.01"), (HUGE,)),
    "warmup.lower_bound": (lambda d: warmup.lower_bound(d, "0.01", "0.02"), (BIG,)),
    "warmup.lower_bound, huge": (lambda d: warmup.lower_bound(d, "0.01"), (HUGE,)),
    "warmup.upper_bound": (lambda d: warmup.upper_bound(d, "0.01", "0.02"), (BIG,)),
    "warmup.sample": (lambda d, n: drawn(warmup.sample, d, n), (100, 3)),
    "texture.least_error_bound": (texture.least_error_bound, (40, 50)),
    "texture.least_error_bound, d": (texture.least_error_bound, (2_000_000_000, 3)),
    "texture.sample_complexity_bound": (lambda d: texture.sample_complexity_bound(d, "0.01"), (2_000_000_000,)),
    "texture.lower_bound": (lambda d: texture.lower_bound(d, "0.01", "0.02"), (2_000_000_000,)),
    "texture.lower_bound, small": (lambda d: texture.lower_bound(d, "0.01"), (100,)),
    "texture.lower_bound, huge": (lambda d: texture.lower_bound(d, "0.01"), (2**62,)),
    "texture.upper_bound": (lambda d: texture.upper_bound(d, "0.01", "0.02"), (2_000_000_000,)),
    "texture.upper_bound, small": (lambda d: texture.upper_bound(d, "0.01"), (100,)),
    "texture.upper_bound, huge": (lambda d: texture.upper_bound(d, "0.01"), (2**62,)),
    "texture.sample": (lambda d, n: drawn(texture.sample, d, n), (100, 3)),
    "texture_optimum.exact_optimum": (texture_optimum.exact_optimum, (5, 40)),
    "texture_optimum.labelled_edges": (texture_optimum.labelled_edges, (100,)),
    "texture_optimum.optimum_by_definition": (
        lambda d, n: texture_optimum.optimum_by_definition(d, n, [tuple(range(5))]),
        (5, 2),
    ),
    "regression.dimension": (regression.dimension, (BIG,)),
    "regression.dimension, huge": (regression.dimension, (HUGE,)),
    "regression.printed_lower_bound": (lambda d: regression.printed_lower_bound(d, "0.3"), (HUGE,)),
    "regression.lower_bound": (lambda d: regression.lower_bound(d, "0.3", "0.1"), (HUGE,)),
    "regression.upper_bound": (lambda d: regression.upper_bound(d, "0.3"), (HUGE,)),
    "regression.sharp_upper_bound": (lambda d: regression.sharp_upper_bound(d, "0.3"), (BIG,)),
    "regression.conv_upper_bound": (lambda d: regression.conv_upper_bound(d, "0.3"), (BIG,)),
    "regression_interpolator.generic_points": (
        lambda d, n: regression_interpolator.generic_points(d, n).tolist(),
        (3, 2),
    ),
    "complexity.growth_bound": (complexity.growth_bound, (200, 100)),
    "complexity.growth_bound, n": (complexity.growth_bound, (BIG, 3)),
    "complexity.blumer_upper_bound": (lambda vc: complexity.blumer_upper_bound(vc, "0.01", "0.01"), (2**31 - 1,)),
    "complexity.blumer_upper_bound, huge": (
        lambda vc: complexity.blumer_upper_bound(vc, "0.01", "0.01"),
        (2**63 - 1,),
    ),
    "complexity.one_inclusion_upper_bound": (
        lambda vc: complexity.one_inclusion_upper_bound(vc, "0.01"),
        (2**31 - 1,),
    ),
    "complexity.packing_number": (lambda r: complexity.packing_number([[0, 2**62 + 1], [2**62 + 1, 0]], r), (2**62,)),
    "vc_bound.vc_lower_bound": (lambda vc: vc_bound.vc_lower_bound(vc, "0.01", "0.01"), (2**31 - 1,)),
    "vc_bound.vc_lower_bound, huge": (lambda vc: vc_bound.vc_lower_bound(vc, "0.01", "0.01"), (2**63 - 1,)),
    "vc_bound.ehrenfeucht_lower_bound": (
        lambda vc: vc_bound.ehrenfeucht_lower_bound(vc, "0.01", "0.01"),
        (2**63 - 1,),
    ),
}


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize(("call", "numbers"), CALLS.values(), ids=CALLS)
def test_numpy_integers_give_what_integers_give(
    call: Callable[..., object], numbers: tuple[int, ...], kind: type[np.integer]
) -> None:
    if max(numbers) > np.iinfo(kind).max:
        kind = np.int64
    wanted, found = call(*numbers), call(*map(kind, numbers))
    assert found == wanted
    assert type(found) is type(wanted)
    assert "np." not in repr(found)


def test_every_public_module_with_integers_is_here() -> None:
    modules = {name.split(".")[0] for name in CALLS}
    assert modules == {
        m.__name__.split(".")[1]
        for m in (complexity, regression, regression_interpolator, texture, texture_optimum, vc_bound, warmup)
    }
