"""The critical gain of one random cell: where the spectral radius of its state Jacobian at the origin passes 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

Array = np.ndarray[Any, Any]
DOUBLINGS = 40
"""Gains from 2^-40 to 2^40 times the first guess are looked at."""
PRECISION = 1e-12
"""Of the root, relative."""


def spectral_radius(jacobian: Array, states: int) -> float:
    """The largest modulus of an eigenvalue. states: so many blocks of equal size make up the rows, or 1.

    The rows of one unit may depend on each other (dh = o dc for an LSTM at the origin). Then J = P P^T J with a P whose
    columns span them, and the smaller P^T J P has the same eigenvalues but for zeros.
    """
    n = len(jacobian) // states
    rows = np.moveaxis(jacobian.reshape(states, n, -1), 1, 0)
    u, size, _ = np.linalg.svd(rows, full_matrices=False)
    kept = size > len(jacobian) * np.finfo(float).eps * np.max(size, initial=0.0)
    unit, column = np.nonzero(kept)
    columns = np.zeros((states, n, len(unit)))
    columns[:, unit, np.arange(len(unit))] = u[unit, :, column].T
    basis = columns.reshape(states * n, -1)
    return float(np.max(np.abs(np.linalg.eigvals(basis.T @ jacobian @ basis)), initial=0.0))


def critical_gain(radius: Callable[[float], float], guess: float) -> float:
    """The gain at which a spectral radius that grows with the gain is 1; 0 or inf where it never is.

    radius: of a gain. guess: where to begin. The root of log radius is found by Ridder's method.
    """
    guess = guess if 0 < guess < np.inf else 1.0
    low = high = guess
    for _ in range(DOUBLINGS):
        if radius(low) < 1:
            break
        high, low = low, low / 2
    else:
        return 0.0
    if low == guess:
        high = 2 * low
        for _ in range(DOUBLINGS):
            if radius(high) >= 1:
                break
            low, high = high, 2 * high
        else:
            return float("inf")

    def off(gain: Any) -> float:
        return float(np.log(max(radius(float(gain)), np.finfo(float).tiny)))

    return float(mpmath.findroot(off, (low, high), solver="ridder", tol=PRECISION * high, verify=False))
