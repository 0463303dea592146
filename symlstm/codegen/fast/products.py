"""Products of vectors with a matrix: of one vector in loops that start no threads, of a batch by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from symlstm.codegen.fast.bits import constant

zero = constant(0)


@njit(error_model="numpy", fastmath={"reassoc", "contract"})
def product(v: Any, matrix: Any, out: Any) -> None:
    """out[0] = matrix v[0]"""
    for i in range(matrix.shape[0]):
        total = zero(v[0, 0])
        for k in range(matrix.shape[1]):
            total += matrix[i, k] * v[0, k]
        out[0, i] = total


@njit(error_model="numpy", fastmath={"contract"})
def product_turned(v: Any, matrix: Any, out: Any) -> None:
    """out[0] = matrix^T v[0]"""
    for k in range(matrix.shape[1]):
        out[0, k] = zero(v[0, 0])
    for i in range(matrix.shape[0]):
        times = v[0, i]
        for k in range(matrix.shape[1]):
            out[0, k] += times * matrix[i, k]


def batch_product(v: Any, matrix: Any, out: Any) -> None:
    """out[b] = matrix v[b]"""
    np.matmul(v, matrix.T, out=out)


def batch_product_turned(v: Any, matrix: Any, out: Any) -> None:
    """out[b] = matrix^T v[b]"""
    np.matmul(v, matrix, out=out)
