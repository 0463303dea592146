"""The functions of a whole vector, for Numba: FAST_WHOLE, by the names of WHOLE; a sum may take its terms in any order.

softmax(out, v) writes a row; the others take a row and give a number. float32 stays float32. No row is empty.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from symlstm.codegen.fast.bits import constant, larger, like
from symlstm.codegen.fast.exponentials import exp
from symlstm.codegen.fast.logarithms import log

zero = constant(0)
one = constant(1)
row = njit(error_model="numpy", fastmath={"reassoc"})
"""Decorates a function of a row; without reassoc a sum is one chain of additions, which cannot be vectorised."""


@row
def largest(v: Any) -> Any:
    """NaN where an entry is."""
    m = v[0]
    for j in range(1, v.shape[0]):
        m = larger(m, v[j])
    return m


@row
def total(v: Any) -> Any:
    result = zero(v[0])
    for j in range(v.shape[0]):
        result += v[j]
    return result


@row
def mean(v: Any) -> Any:
    return total(v) / like(v[0], v.shape[0])


@row
def variance(v: Any) -> Any:
    centre = mean(v)
    result = zero(v[0])
    for j in range(v.shape[0]):
        away = v[j] - centre
        result += away * away
    return result / like(v[0], v.shape[0])


@row
def norm(v: Any) -> Any:
    """With the largest size taken out, so that no square overflows."""
    size = zero(v[0])
    for j in range(v.shape[0]):
        size = larger(size, math.fabs(v[j]))
    unit = one(size) if size <= zero(size) else size
    result = zero(v[0])
    for j in range(v.shape[0]):
        part = v[j] / unit
        result += part * part
    return unit * math.sqrt(result)


@row
def softmax(out: Any, v: Any) -> None:
    m = largest(v)
    sum_of_exp = zero(m)
    for j in range(v.shape[0]):
        e = exp(v[j] - m)
        out[j] = e
        sum_of_exp += e
    for j in range(v.shape[0]):
        out[j] = out[j] / sum_of_exp


@row
def logsumexp(v: Any) -> Any:
    m = largest(v)
    sum_of_exp = zero(m)
    for j in range(v.shape[0]):
        sum_of_exp += exp(v[j] - m)
    return log(sum_of_exp) + m


FAST_WHOLE: dict[str, Any] = {
    "softmax": softmax, "sum": total, "mean": mean, "variance": variance, "max": largest, "norm": norm,
    "logsumexp": logsumexp,
}  # fmt: skip
"""The function of a row for each row of WHOLE, to be called from a function under numba.njit."""
