"""What fast scalar functions need and Numba does not offer: constants that keep a dtype, fused steps, powers of two.

Each function here becomes a few LLVM instructions without a branch or a call, so that a loop around it can be
vectorised. All take float32 or float64 numbers and keep their dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

MANTISSA = {types.float32: 23, types.float64: 52}
INTEGER = {types.float32: ir.IntType(32), types.float64: ir.IntType(64)}

scalar = njit(forceinline=True, error_model="numpy")
"""Decorates a function of numbers that is inlined wherever it is called; a division by zero gives inf or nan."""


def constant(double: Any, single: Any = None) -> Any:
    """A function of x that gives the constant in the dtype of x; `single` is the one for float32 if they differ."""
    values = {types.float64: float(double), types.float32: float(np.float32(double if single is None else single))}

    @intrinsic
    def of(typing: Any, x: Any) -> Any:
        return x(x), lambda context, builder, signature, arguments: arguments[0].type(values[x])

    return of


def polynomial(double: tuple[float, ...], single: tuple[float, ...]) -> Any:
    """x -> c_0 + c_1 x + c_2 x^2 + ..., by Horner's rule in fused steps; one table of coefficients for each dtype."""
    tables = {types.float64: double, types.float32: [float(np.float32(c)) for c in single]}

    @intrinsic
    def of(typing: Any, x: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            at = arguments[0]
            *lower, total = (at.type(c) for c in tables[x])
            for c in reversed(lower):
                total = _fused(builder, total, at, c)
            return total

        return x(x), code

    return of


@intrinsic
def fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once where the processor can."""
    return a(a, a, a), lambda context, builder, signature, arguments: _fused(builder, *arguments)


@intrinsic
def like(typing: Any, x: Any, value: Any) -> Any:
    """The value in the dtype of x."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[1], value, x)

    return x(x, value), code


@intrinsic
def with_sign(typing: Any, x: Any, sign: Any) -> Any:
    """|x| with the sign of the second."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _llvm(builder, "llvm.copysign", *arguments)

    return x(x, x), code


@intrinsic
def larger(typing: Any, a: Any, b: Any) -> Any:
    """The larger of a and b; NaN where one of them is."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _llvm(builder, "llvm.maximum", *arguments)

    return a(a, a), code


@intrinsic
def two_to_the(typing: Any, shifted: Any) -> Any:
    """2^n from n + shift(x), where 2^n is a normal number."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer, mantissa = INTEGER[shifted], MANTISSA[shifted]
        return _as_power(builder, builder.bitcast(arguments[0], integer), integer(_bias(integer, mantissa)), mantissa)

    return shifted(shifted), code


@intrinsic
def two_powers(typing: Any, shifted: Any) -> Any:
    """Two numbers with the product 2^n from n + shift(x), where 2^n itself may be too large or too small."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer, mantissa = INTEGER[shifted], MANTISSA[shifted]
        bias = _bias(integer, mantissa)
        # the bits of n + shift are those of the shift plus n: sum = n + 2 bias > 0 is halved, and each half is biased
        start = ((bias + mantissa) << mantissa) + (1 << (mantissa - 1))
        total = builder.sub(builder.bitcast(arguments[0], integer), integer(start - 2 * bias))
        half = builder.lshr(total, integer(1))
        powers = [_as_power(builder, e, integer(0), mantissa) for e in (half, builder.sub(total, half))]
        return context.make_tuple(builder, types.UniTuple(shifted, 2), powers)

    return types.UniTuple(shifted, 2)(shifted), code


@intrinsic
def split(typing: Any, x: Any) -> Any:
    """(m, k) with x = m 2^k and m between 1/sqrt 2 and sqrt 2; x positive and normal."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer, mantissa = INTEGER[x], MANTISSA[x]
        (given,), number = arguments, arguments[0].type
        root = {52: 0x3FE6A09E667F3BCD, 23: 0x3F3504F3}[mantissa]  # 1/sqrt 2
        above = builder.sub(builder.bitcast(given, integer), integer(root))
        exponent = builder.ashr(above, integer(mantissa))
        rest = builder.add(builder.and_(above, integer((1 << mantissa) - 1)), integer(root))
        parts = [builder.bitcast(rest, number), builder.sitofp(exponent, number)]
        return context.make_tuple(builder, types.UniTuple(x, 2), parts)

    return types.UniTuple(x, 2)(x), code


@intrinsic
def pointer(typing: Any, address: Any, array: Any) -> Any:
    """The address as a pointer to numbers of the dtype of the array."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(array.dtype)(address, array), code


shift = constant(1.5 * 2.0**52, 1.5 * 2.0**23)
"""Added to a number, it rounds it to an integer n, whose two's complement is then in the lowest bits."""


def _fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return _llvm(builder, "llvm.fmuladd", a, b, c)


def _llvm(builder: Any, name: str, *arguments: Any) -> Any:
    """A call of one of LLVM's own functions, of numbers of one type."""
    kind = arguments[0].type
    signature = ir.FunctionType(kind, [kind] * len(arguments))
    return builder.call(builder.module.declare_intrinsic(name, [kind], signature), arguments)


def _bias(integer: Any, mantissa: int) -> int:
    """What is added to the exponent of a float: 127 or 1023."""
    return (1 << (integer.width - mantissa - 2)) - 1


def _as_power(builder: Any, exponent: Any, bias: Any, mantissa: int) -> Any:
    number = ir.DoubleType() if mantissa == 52 else ir.FloatType()
    return builder.bitcast(builder.shl(builder.add(exponent, bias), exponent.type(mantissa)), number)
