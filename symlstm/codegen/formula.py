"""A single expression as a function of the quantities that it mentions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from symlstm.codegen.arrays import MATRIX, ROW, VECTOR, ArrayWriter, kind
from symlstm.codegen.module import RESERVED, helper_sources
from symlstm.codegen.names import Names
from symlstm.codegen.sizes import Axis
from symlstm.errors import ShapeError, ValueUnusable, unknown
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity
from symlstm.expr.time import expand
from symlstm.expr.tree import quantities

Values = Mapping[Any, Any]


def formula(expr: Matrix, *, matrix: bool = False) -> Callable[..., np.ndarray[Any, Any]]:
    """The function values -> array of an expression, such as the result of a derivation or an adjoint.

    values: arrays by quantity or by its `name`, in array layout (a column is the last axis, a number has no axis of
    its own), any leading batch axes; parameters (quantities without time) have none. A name that two quantities share
    (an adjoint d_h beside a parameter d_h) says too little: give those by quantity. The function takes `sizes` (a dict
    n=3, ...) as well, for what no array says. The result has one axis for a column, none for a number, two for anything
    else; with matrix=True always two. Nothing is summed over the batch. A sum or product over time
    is written out, where its range is a number long: f at t-1 is given by the name f_prev, f at time 3 as f_3.
    """
    source, needed, open_sizes = _source(expr, matrix)
    function = _executed(source)

    def call(values: Values, sizes: Values | None = None) -> np.ndarray[Any, Any]:
        arrays = [_given(q, needed, values) for q in needed]
        for name in open_sizes:
            if not sizes or name not in sizes:
                raise ShapeError(f"no array says what the size {name} is", f"give sizes={{{name!r}: ...}}")
        return np.asarray(function(arrays, {} if sizes is None else sizes))

    call.__doc__ = source
    return call


def _given(q: Quantity, needed: tuple[Quantity, ...], values: Values) -> Any:
    """The array of a quantity: by itself, or by its name where no other has that name."""
    if q in values:
        return values[q]
    if q.name not in values:
        raise unknown("quantity given", q.name, [str(name) for name in values])
    if any(other.name == q.name for other in needed if other != q):
        raise ValueUnusable(f"two quantities are called {q.name} here", "give values by quantity: {quantity: array}")
    return values[q.name]


@lru_cache(maxsize=1024)
def _executed(source: str) -> Callable[..., Any]:
    space: dict[str, Any] = {"__name__": "symlstm generated formula"}
    exec(compile(source, "<symlstm formula>", "exec"), space)
    function: Callable[..., Any] = space["formula"]
    return function


@lru_cache(maxsize=1024)
def _source(expr: Matrix, matrix: bool) -> tuple[str, tuple[Quantity, ...], tuple[str, ...]]:
    expr = expand(expr)
    found = quantities(expr)
    names = Names(RESERVED)
    values, sizes = names.new("values"), names.new("sizes")
    axes = [
        Axis(q, k - len(own) if q.time is not None else k, size)
        for q in found
        for own in [[s for s in q.shape if s != 1]]
        for k, size in enumerate(own)
    ]
    writer = ArrayWriter(names, axes, [q for q in found if q.time is None], found[0] if found else None)
    if not found:
        writer.dtype = lambda: "float"  # type: ignore[method-assign]
    text = writer.full(expr)
    shape = kind(expr)
    if shape == ROW or matrix:
        index = {MATRIX: ":, :", ROW: "None, :", VECTOR: ":, None"}.get(shape, "None, None")
        text = f"({text})[..., {index}]"
    lines, open_sizes = _sizes(writer, sizes)
    spelled = [names.of(q, q.name) for q in found]
    unpack = [f"{', '.join(spelled)}{',' * (len(spelled) == 1)} = {values}"] if found else []
    body = "\n".join(f"    {line}" for line in [*unpack, *lines, f"return {text}"])
    parts = [
        "import numpy as np",
        *helper_sources(frozenset(writer.helpers)),
        f"def formula({values}, {sizes}):\n{body}",
    ]
    return "\n\n\n".join(parts) + "\n", tuple(found), open_sizes


def _sizes(writer: ArrayWriter, given: str) -> tuple[list[str], tuple[str, ...]]:
    """The lines that define the sizes, and the sizes that the caller must give."""
    try:
        return writer.sizes.definitions(), ()
    except ShapeError:
        used = writer.sizes.used.items()
        return [f'{name} = {given}["{symbol}"]' for symbol, name in used], tuple(str(symbol) for symbol, _ in used)
