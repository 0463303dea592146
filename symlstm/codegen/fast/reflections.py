"""Householder reflections of some rows at once, in the vectors of the processor."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symlstm.codegen.fast.tiles import VECTOR

LANES = VECTOR // 8
"""The float64 numbers of a vector."""

INTEGER, NUMBER = ir.IntType(64), ir.DoubleType()
ROW = ir.VectorType(NUMBER, LANES)


def reflection(rows: int) -> Any:
    """A function that takes from each of some rows what points along v: row -= tau (row . v) v.

    (a, start, apart, v, first, count, tau): row r begins at a[start + r apart], and v at v[first]; all have LANES count
    entries, count being 1 at least. Arrays are of float64 and lie without gaps; numbers count entries.
    """

    @intrinsic
    def made(
        typing: Any, a: Any, start: Any, apart: Any, v: Any, first: Any, count: Any, tau: Any
    ) -> Any:  # fmt: skip
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, start, apart, v, first, count, tau = arguments
            rows_at, v_at = (
                context.make_array(kind)(context, builder, array).data
                for kind, array in ((signature.args[0], a), (signature.args[3], v))
            )
            at = [builder.gep(rows_at, [builder.add(start, builder.mul(apart, INTEGER(r)))]) for r in range(rows)]
            along = builder.gep(v_at, [first])
            _take(builder, at, along, count, _dots(builder, at, along, count), builder.fneg(tau))
            return context.get_dummy_value()

        return types.void(a, types.int64, types.int64, v, types.int64, types.int64, types.float64), code

    return made


def _function(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), f"{name}.v{LANES}f64")


def _place(builder: Any, at: Any, vectors: Any) -> Any:
    return builder.bitcast(builder.gep(at, [builder.mul(vectors, INTEGER(LANES))]), ROW.as_pointer())


def _loop(builder: Any, count: Any, carried: int, step: Any) -> list[Any]:
    """Instructions for k < count; step: from k and the vectors carried on (zeros first) to the next ones."""
    before, loop = builder.block, builder.append_basic_block("along")
    after = builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    k, sums = builder.phi(INTEGER), [builder.phi(ROW) for _ in range(carried)]
    found = step(k, sums)
    following = builder.add(k, INTEGER(1))
    ends = [(s, ir.Constant(ROW, None), f) for s, f in zip(sums, found, strict=True)]
    for phi, begin, end in [(k, INTEGER(0), following), *ends]:
        phi.add_incoming(begin, before)
        phi.add_incoming(end, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    return found


def _dots(builder: Any, at: list[Any], along: Any, count: Any) -> list[Any]:
    """The products of all rows with v."""
    fused = _function(builder, "llvm.fmuladd", ROW, [ROW] * 3)
    added = _function(builder, "llvm.vector.reduce.fadd", NUMBER, [NUMBER, ROW])

    def step(k: Any, sums: list[Any]) -> list[Any]:
        v = builder.load(_place(builder, along, k), align=8)
        return [builder.call(fused, [v, builder.load(_place(builder, row, k), align=8), s])
                for row, s in zip(at, sums, strict=True)]  # fmt: skip

    found = _loop(builder, count, len(at), step)
    return [builder.call(added, [NUMBER(0.0), s], fastmath=("reassoc",)) for s in found]


def _take(builder: Any, at: list[Any], along: Any, count: Any, dots: list[Any], minus_tau: Any) -> None:
    """row += -tau dot v for all rows."""
    fused = _function(builder, "llvm.fmuladd", ROW, [ROW] * 3)
    nowhere, first = ir.Constant(ROW, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    many = []
    for dot in dots:
        one = builder.insert_element(nowhere, builder.fmul(dot, minus_tau), ir.IntType(32)(0))
        many.append(builder.shuffle_vector(one, nowhere, first))

    def step(k: Any, sums: list[Any]) -> list[Any]:
        v = builder.load(_place(builder, along, k), align=8)
        for row, factor in zip(at, many, strict=True):
            place = _place(builder, row, k)
            builder.store(builder.call(fused, [factor, v, builder.load(place, align=8)]), place, align=8)
        return sums

    _loop(builder, count, 0, step)
