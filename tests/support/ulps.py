"""Distances between floating-point numbers, in units in the last place (ulp)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray, NDArray]:
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
    if a.dtype != b.dtype or a.dtype.kind != "f":
        raise TypeError(f"two arrays of one floating-point type are needed, not {a.dtype} and {b.dtype}")
    return a, b


def ulps(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Elementwise |a - b| / spacing(b): how many floating-point numbers apart, `b` being the reference.

    Around a `b` of 0 the unit is the smallest subnormal. Equal infinities are 0 apart; anything else that is
    not finite is infinitely far.
    """
    a, b = _pair(a, b)
    finite = np.isfinite(a) & np.isfinite(b)
    unit = np.spacing(np.abs(np.where(finite, b, 1)))
    with np.errstate(over="ignore", under="ignore"):
        apart = np.abs(np.where(finite, a, 0) - np.where(finite, b, 0)) / unit
    return np.where(finite, apart, np.where(a == b, 0.0, np.inf)).astype(np.float64)


def scaled_ulps(a: ArrayLike, b: ArrayLike) -> float:
    """max |a - b| / (eps max |b|): the distance relative to the largest magnitude of the reference.

    The measure for sums: an entry that cancels to nearly zero keeps the rounding errors of its terms, so that
    its own ulp says nothing. Both zero, or empty: 0. Not finite: infinite, unless equal.
    """
    a, b = _pair(a, b)
    if np.array_equal(a, b):
        return 0.0
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    scale = np.finfo(b.dtype).eps * np.abs(b).max()
    return float(np.abs(a - b).max() / scale) if scale else float("inf")
