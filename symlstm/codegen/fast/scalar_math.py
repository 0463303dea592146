"""The elementwise functions as functions of numbers, for loops that Numba compiles: FAST, by the names of ELEMENTWISE.

float32 stays float32. Each agrees with its NumPy row where that is exact (relu of NaN is 0, the larger of two numbers
is the second where either is NaN). sin, cos, arctan and power call the C library, so a loop around one of them is not
vectorised (power with a constant exponent 2 or -1 is); the others are free of calls and branches.
"""

from __future__ import annotations

import math
from typing import Any

from symlstm.codegen.fast.bits import constant, like, scalar
from symlstm.codegen.fast.exponentials import cosh, exp, expm1, sigmoid, sinh, tanh
from symlstm.codegen.fast.logarithms import log, log1p, log_sigmoid, softplus

zero = constant(0)
one = constant(1)


@scalar
def relu(z: Any) -> Any:
    return z if z > zero(z) else zero(z)


@scalar
def step(z: Any) -> Any:
    return one(z) if z > zero(z) else zero(z)


@scalar
def sign(z: Any) -> Any:
    """-1, 0 or 1; of NaN, NaN."""
    return one(z) if z > zero(z) else (-one(z) if z < zero(z) else (zero(z) if z == zero(z) else z))


@scalar
def absolute(z: Any) -> Any:
    return -z if z < zero(z) else z


@scalar
def maximum(a: Any, b: Any) -> Any:
    return a if a > b else b


@scalar
def minimum(a: Any, b: Any) -> Any:
    return b if a > b else a


@scalar
def where(chosen: Any, a: Any, b: Any) -> Any:
    return a if chosen > zero(chosen) else b


@scalar
def divide(a: Any, b: Any) -> Any:
    return a / b


@scalar
def power(z: Any, exponent: Any) -> Any:
    return z ** like(z, exponent)


@scalar
def sqrt(z: Any) -> Any:
    return math.sqrt(z)


@scalar
def sin(z: Any) -> Any:
    return math.sin(z)


@scalar
def cos(z: Any) -> Any:
    return math.cos(z)


@scalar
def arctan(z: Any) -> Any:
    return math.atan(z)


FAST: dict[str, Any] = {
    "sigmoid": sigmoid, "tanh": tanh, "relu": relu, "step": step, "exp": exp, "log": log, "sqrt": sqrt,
    "abs": absolute, "sign": sign, "softplus": softplus, "log_sigmoid": log_sigmoid, "sin": sin, "cos": cos,
    "sinh": sinh, "cosh": cosh, "arctan": arctan, "expm1": expm1, "log1p": log1p, "power": power, "divide": divide,
    "maximum": maximum, "minimum": minimum, "where": where,
}  # fmt: skip
"""The function of numbers for each row of ELEMENTWISE, to be called from a function under numba.njit."""
