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
            arrays, numbers = _sorted(context, builder, signature, arguments)
            _Tile(builder, signature.args[0].dtype).write(arrays, numbers, rows, groups, add)
            return context.get_dummy_value()

        whole = [types.int64] * 11
        for at, array in ((0, a), (5, panels), (8, out)):
            whole[at] = array
        return types.void(*whole), code

    return made


def mixing_tile(rows: int, terms: int, keep: bool = False) -> Any:
    """A function that sums up panels of as many matrices, the columns times entries of vectors, and makes a tile of it.

    (a, start, across, along, length, panels, place, gap, out, to, apart, vectors, mixed): as that of `tile`, with one
    panel whose entry k width + j is the sum over the terms t of vectors[t width + j] panels[place + t gap + k width +
    j]. keep: it is written to `mixed`, for more rows.
    """

    @intrinsic
    def made(
        typing: Any, a: Any, start: Any, across: Any, along: Any, length: Any,
        panels: Any, place: Any, gap: Any, out: Any, to: Any, apart: Any, vectors: Any, mixed: Any,
    ) -> Any:  # fmt: skip
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arrays, numbers = _sorted(context, builder, signature, arguments)
            _Tile(builder, signature.args[0].dtype).write(arrays, numbers, rows, 1, False, terms, keep)
            return context.get_dummy_value()

        whole = [types.int64] * 13
        for at, array in ((0, a), (5, panels), (8, out), (11, vectors), (12, mixed)):
            whole[at] = array
        return types.void(*whole), code

    return made


def _sorted(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[list[Any], list[Any]]:
    """Where the arrays among the arguments lie, and the numbers."""
    given = list(zip(signature.args, arguments, strict=True))
    arrays = [context.make_array(k)(context, builder, v).data for k, v in given if isinstance(k, types.Array)]
    return arrays, [v for k, v in given if not isinstance(k, types.Array)]


INTEGER = ir.IntType(64)


class _Tile:
    """The instructions of one tile."""

    def __init__(self, builder: Any, dtype: Any) -> None:
        number, self.size = (ir.FloatType(), 4) if dtype == types.float32 else (ir.DoubleType(), 8)
        self.builder, self.lanes = builder, VECTOR // self.size
        self.vector = ir.VectorType(number, self.lanes)
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.size}"
        self.fused = cgutils.get_or_insert_function(builder.module, signature, name)

    def place(self, array: Any, entry: Any, vectors: int) -> Any:
        """Where the vector so many vectors after an entry lies."""
        at = self.builder.gep(array, [self.builder.add(entry, INTEGER(vectors * self.lanes))])
        return self.builder.bitcast(at, self.vector.as_pointer())

    def loaded(self, array: Any, entry: Any, vectors: int) -> Any:
        return self.builder.load(self.place(array, entry, vectors), align=self.size)

    def repeated(self, value: Any) -> Any:
        nowhere = ir.Constant(self.vector, ir.Undefined)
        first = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(
            self.builder.insert_element(nowhere, value, ir.IntType(32)(0)), nowhere, first
        )

    def write(
        self, arrays: list[Any], numbers: list[Any], rows: int, groups: int, add: bool, terms: int = 0,
        keep: bool = False,
    ) -> None:  # fmt: skip
        """terms: how many panels are mixed; 0: they lie beside each other."""
        builder, (a, panels, out, *mixing) = self.builder, arrays
        start, across, along, length, place, gap, to, apart = numbers
        columns = [(g, v) for g in range(groups) for v in range(VECTORS)]
        factors = [[self.loaded(mixing[0], INTEGER(0), t * VECTORS + v) for v in range(VECTORS)] for t in range(terms)]
        before, loop, after = builder.block, builder.append_basic_block("along"), builder.append_basic_block("summed")
        rows_at = [builder.gep(a, [builder.add(start, builder.mul(across, INTEGER(r)))]) for r in range(rows)]
        panels_at = [
            builder.gep(panels, [builder.add(place, builder.mul(gap, INTEGER(g)))]) for g in range(terms or groups)
        ]
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(INTEGER)
        sums = [[builder.phi(self.vector) for _ in columns] for _ in range(rows)]
        row = builder.mul(k, INTEGER(VECTORS * self.lanes))
        right = []
        for g, v in columns:
            value = self.loaded(panels_at[g], row, v)
            if terms:
                value = builder.fmul(factors[0][v], value)
                for t in range(1, terms):
                    value = builder.call(self.fused, [factors[t][v], self.loaded(panels_at[t], row, v), value])
                if keep:
                    builder.store(value, self.place(mixing[1], row, v), align=self.size)
            right.append(value)
        found = []
        for r in range(rows):
            left = self.repeated(builder.load(builder.gep(rows_at[r], [builder.mul(k, along)])))
            found.append([builder.call(self.fused, [left, b, s]) for b, s in zip(right, sums[r], strict=True)])
        following = builder.add(k, INTEGER(1))
        zero = ir.Constant(self.vector, None)
        for phi, begin, step in [
            (k, INTEGER(0), following),
            *((s, zero, f) for r in range(rows) for s, f in zip(sums[r], found[r], strict=True)),
        ]:
            phi.add_incoming(begin, before)
            phi.add_incoming(step, loop)
        builder.cbranch(builder.icmp_signed("<", following, length), loop, after)

        builder.position_at_end(after)
        for r in range(rows):
            row_at = builder.add(to, builder.mul(apart, INTEGER(r)))
            for (g, v), value in zip(columns, found[r], strict=True):
                at = g * VECTORS + v
                value = builder.fadd(self.loaded(out, row_at, at), value) if add else value
                builder.store(value, self.place(out, row_at, at), align=self.size)
