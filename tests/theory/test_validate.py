"""Arguments are checked, and a refusal names the argument and what was wanted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from theory.validate import finite_array, integer, is_exact, probability, real, sizes

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", [0, 3, 5, np.int64(4), np.uint8(0)], ids=repr)
def test_integers_in_range_come_back_as_int(value: int) -> None:
    assert type(integer("n", value, 0, 5)) is int
    assert integer("n", value, 0, 5) == value


@pytest.mark.parametrize(
    "value", [-1, 6, 1.0, 1.5, True, np.True_, "3", None, NAN, Fraction(2), np.float64(2)], ids=repr
)
def test_other_integers_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^n: got .*, want an integer in \[0, 5\]$"):
        integer("n", value, 0, 5)


def test_an_open_range_says_so() -> None:
    assert integer("n", 10**30, 0) == 10**30
    with pytest.raises(ValueError, match=r"^n: got -1, want an integer >= 0$"):
        integer("n", -1, 0)


@pytest.mark.parametrize("value", [0, 1, 0.5, Fraction(1, 3), np.float32(0.25), np.int8(1)], ids=repr)
def test_reals_in_range_come_back_as_float(value: float) -> None:
    assert type(real("x", value, 0, 1)) is float
    assert real("x", value, 0, 1) == float(value)


@pytest.mark.parametrize("value", [-0.1, 1.1, NAN, INF, -INF, True, "0.5", None, 1j, np.float64(NAN)], ids=repr)
def test_other_reals_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^x: got .*, want a number in \[0, 1\]$"):
        real("x", value, 0, 1)


PROBABILITIES = {
    0.1: Fraction(1, 10),
    "1/3": Fraction(1, 3),
    "0.25": Fraction(1, 4),
    "1e-400": Fraction(1, 10**400),
    Fraction(2, 7): Fraction(2, 7),
    np.float64(0.1): Fraction(1, 10),
}


@pytest.mark.parametrize(("value", "expected"), PROBABILITIES.items(), ids=repr)
def test_probabilities_are_read_as_the_decimal_they_show(value: float | str, expected: Fraction) -> None:
    assert probability("eps", value) == expected


@pytest.mark.parametrize(
    "value", [0, 1, 0.0, 1.0, -0.5, 2, NAN, INF, -INF, True, False, "a", "", "1/0", None], ids=repr
)
def test_other_probabilities_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^eps: got .*, want a number strictly between 0 and 1$"):
        probability("eps", value)


ARRAYS = {
    "floats": ([[1.0, 2.0]], (None, 2)),
    "integers": ([[1, 2], [3, 4]], (2, 2)),
    "exact": (np.array([[Fraction(1, 2), 1]], object), (1, 2)),
    "beyond 64 bits": ([[2**70, 1]], (1, 2)),
    "empty": (np.zeros((0, 2)), (None, 2)),
}


@pytest.mark.parametrize(("value", "shape"), ARRAYS.values(), ids=ARRAYS)
def test_good_arrays_pass_unchanged(value: object, shape: tuple[int | None, ...]) -> None:
    assert (finite_array("x", value, shape) == np.asarray(value)).all()


BAD_ARRAYS = {
    "nan": ([[1.0, NAN]], "NaN"),
    "inf": ([[1.0, INF]], "infinite"),
    "minus inf": ([[-INF, 0.0]], "infinite"),
    "nan among fractions": (np.array([[Fraction(1), NAN]], object), "dtype object"),
    "wrong length": ([[1.0, 2.0, 3.0]], r"shape \(1, 3\), want \(any, 2\)"),
    "too few axes": ([1.0, 2.0], r"shape \(2,\)"),
    "too many axes": ([[[1.0, 2.0]]], r"shape \(1, 1, 2\)"),
    "ragged": ([[1.0, 2.0], [1.0]], "ragged"),
    "complex": ([[1j, 2.0]], "dtype complex128"),
    "text": ([["a", "b"]], "dtype"),
    "bool": ([[True, False]], "dtype bool"),
    "none": ([[None, 1]], "dtype object"),
    "a number": (3.0, r"shape \(\)"),
}


@pytest.mark.parametrize(("value", "says"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_bad_arrays_are_refused_by_name(value: object, says: str) -> None:
    with pytest.raises(ValueError, match=f"^points: got .*{says}"):
        finite_array("points", value, (None, 2))


def test_exact_means_python_integers_or_fractions() -> None:
    assert is_exact(np.array([Fraction(1, 2), 3], object))
    assert not is_exact(np.array([Fraction(1, 2), 0.5], object))
    assert not is_exact(np.array([1, 2]))


@pytest.mark.parametrize(
    "text", ["1e-30000000", "1e-3000_0000", "0." + "1" * 2000], ids=["exponent", "underscores", "digits"]
)
def test_probabilities_that_would_take_minutes_are_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="eps: got"):
        probability("eps", text)


@pytest.mark.parametrize("shape", [-1, 2.5, (2, -1), (2, "3"), None, [2]], ids=repr)
def test_what_is_no_shape_is_refused_by_name(shape: object) -> None:
    with pytest.raises(ValueError, match="shape: got"):
        sizes("shape", shape)
