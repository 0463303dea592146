"""Tiles of a product of matrices that stay in registers while their sums are made; what `products` is built on.

A BLAS brings its matrices into an order of its own at every call. For a time loop that is most of the work: a batch of
32 is multiplied with the same weights at every step. Here the weights are put in order once a call (`packed`), and a
tile of some rows and of one panel's columns is summed up without leaving the registers: K. Goto, R. A. van de Geijn,
Anatomy of high-performance matrix multiplication, ACM Transactions on Mathematical Software 34 (2008). Every entry is
one chain of fused steps, k = 0, 1, ..., whatever the tile: the bits do not depend on the batch or on threads.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

VECTORS = 2
"""How many vectors of a processor are one row of a panel."""


def registers() -> tuple[int, int]:
    """(bytes, how many) of the registers that code is generated for."""
    features = config.CPU_FEATURES
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    found = features.split(",")
    return (64, 32) if "+avx512f" in found else (32, 16) if "+avx" in found else (16, 32 if "+neon" in found else 16)


VECTOR, COUNT = registers()
ROWS = 8 if COUNT == 32 else 4
"""The rows of a tile: with two vectors each, they leave half of the registers."""


def width(itemsize: int) -> int:
    """The columns of a panel."""
    return VECTORS * VECTOR // itemsize


def tile(rows: int, groups: int = 1, add: bool = False) -> Any:
    """A function that makes a tile of a product: rows times `groups` panels that lie beside each other.

    (a, start, across, along, length, panels, place, gap, out, to, apart): a[start + r across + k along] for the rows r
    is multiplied with row k of the panel at `place` and of those `gap` further on, for k < length (at least 1). Row r
    is written to (add: added to) `out`, from to + r apart on. All arrays lie without gaps; numbers count entries.
    """

    @intrinsic
    def made(
        typing: Any, a: Any, start: Any, across: Any, along: Any, length: Any,
        panels: Any, place: Any, gap: Any, out: Any, to: Any, apart: Any,
    ) -> Any:  # fmt: skip
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arrays = [context.make_array(k)(context, builder, v) for k, v in zip(signature.args, arguments, strict=True)
                      if isinstance(k, types.Array)]  # fmt: skip
            numbers = [v for k, v in zip(signature.args, arguments, strict=True) if not isinstance(k, types.Array)]
            _tile(builder, signature.args[0].dtype, [x.data for x in arrays], numbers, (rows, groups, add))
            return context.get_dummy_value()

        whole = [types.int64] * 11
        for at, array in ((0, a), (5, panels), (8, out)):
            whole[at] = array
        return types.void(*whole), code

    return made


def _tile(builder: Any, dtype: Any, arrays: list[Any], numbers: list[Any], kind: tuple[int, int, bool]) -> None:
    """The instructions of one tile."""
    (a, panels, out), (start, across, along, length, place, gap, to, apart) = arrays, numbers
    rows, groups, add = kind
    number, size, integer = (
        (ir.FloatType(), 4, ir.IntType(64)) if dtype == types.float32 else (ir.DoubleType(), 8, ir.IntType(64))
    )
    lanes = VECTOR // size
    vector = ir.VectorType(number, lanes)
    signature = ir.FunctionType(vector, [vector] * 3)
    fused = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fmuladd.v{lanes}f{8 * size}")
    nowhere = ir.Constant(vector, ir.Undefined)
    first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)

    def vectors(at: Any) -> Any:
        return builder.bitcast(at, vector.as_pointer())

    def loaded(at: Any) -> Any:
        return builder.load(vectors(at), align=size)

    def repeated(value: Any) -> Any:
        one = builder.insert_element(nowhere, value, ir.IntType(32)(0))
        return builder.shuffle_vector(one, nowhere, first)

    columns = [(g, v) for g in range(groups) for v in range(VECTORS)]
    before, loop, after = builder.block, builder.append_basic_block("along"), builder.append_basic_block("summed")
    rows_at = [builder.gep(a, [builder.add(start, builder.mul(across, integer(r)))]) for r in range(rows)]
    panels_at = [builder.gep(panels, [builder.add(place, builder.mul(gap, integer(g)))]) for g in range(groups)]
    builder.branch(loop)

    builder.position_at_end(loop)
    k = builder.phi(integer)
    sums = [[builder.phi(vector) for _ in columns] for _ in range(rows)]
    row = builder.mul(k, integer(VECTORS * lanes))
    right = [loaded(builder.gep(panels_at[g], [builder.add(row, integer(v * lanes))])) for g, v in columns]
    found = []
    for r in range(rows):
        left = repeated(builder.load(builder.gep(rows_at[r], [builder.mul(k, along)])))
        found.append([builder.call(fused, [left, b, s]) for b, s in zip(right, sums[r], strict=True)])
    following = builder.add(k, integer(1))
    for phi, begin, step in [
        (k, integer(0), following),
        *((s, ir.Constant(vector, None), f) for r in range(rows) for s, f in zip(sums[r], found[r], strict=True)),
    ]:
        phi.add_incoming(begin, before)
        phi.add_incoming(step, loop)
    builder.cbranch(builder.icmp_signed("<", following, length), loop, after)

    builder.position_at_end(after)
    for r in range(rows):
        row_at = builder.add(to, builder.mul(apart, integer(r)))
        for (g, v), value in zip(columns, found[r], strict=True):
            at = builder.gep(out, [builder.add(row_at, integer((g * VECTORS + v) * lanes))])
            builder.store(builder.fadd(loaded(at), value) if add else value, vectors(at), align=size)
