"""Distances in ulps mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ulps import scaled_ulps, ulps


@given(st.floats(min_value=-1e300, max_value=1e300), st.integers(0, 20))
def test_k_steps_away_from_zero_are_k_ulps_or_twice_that_across_a_power_of_two(value, k):
    start = moved = np.float64(value)
    for _ in range(k):
        moved = np.nextafter(moved, np.copysign(np.inf, value))
    assert k <= ulps(moved, start) <= 2 * k


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_the_unit_is_that_of_the_dtype(dtype):
    one = dtype(1)
    assert ulps(one + np.finfo(dtype).eps, one) == 1
    assert scaled_ulps(one + np.finfo(dtype).eps, one) == 1


def test_zero_infinity_and_nan():
    a = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0])
    b = np.array([0.0, 0.0, np.inf, np.inf, np.nan, np.inf])
    np.testing.assert_array_equal(ulps(a, b), [0, 0, 0, np.inf, np.inf, np.inf])
    assert ulps(5e-324, 0.0) == 1
    assert scaled_ulps(a, b) == np.inf
    assert scaled_ulps(np.array([1.0]), np.array([0.0])) == np.inf
    assert scaled_ulps(np.zeros(3), np.zeros(3)) == scaled_ulps(np.ones((0, 3)), np.ones((0, 3))) == 0


def test_a_cancelled_entry_counts_relative_to_the_largest():
    a, b = np.array([1.0, 1e-16]), np.array([1.0, 2e-16])
    assert ulps(a, b)[1] > 1e15
    assert scaled_ulps(a, b) < 1


def test_other_shapes_and_types_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        ulps(np.ones(2), np.ones(3))
    for wrong in (np.ones(2, np.float32), np.ones(2, int), np.ones(2, complex)):
        with pytest.raises(TypeError, match="one floating-point type"):
            scaled_ulps(wrong, np.ones(2))
