"""The errors for numbers that do not fit: in the user's own names and sizes, with what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symlstm.codegen.arrays import ArrayWriter
from symlstm.codegen.body import unbatched, user_shape
from symlstm.codegen.names import Names
from symlstm.codegen.spelling import spelled_size
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.dims import size
from symlstm.expr.text import text

NUMBERS = "zero one two three four five six seven eight nine ten".split()


@dataclass(frozen=True)
class AxisSpec:
    """The length of an axis as a sum of sizes: terms (name, factor), and a constant."""

    terms: tuple[tuple[str, int | Fraction], ...]
    constant: int | Fraction


@dataclass(frozen=True)
class Spec:
    """What an array must look like: the axes that belong to a value itself."""

    name: str
    quantity: Any
    axes: tuple[AxisSpec, ...]

    @cached_property
    def names(self) -> set[str]:
        """The sizes that the shape mentions."""
        return {name for axis in self.axes for name, _ in axis.terms}

    def unknown(self, sizes: Mapping[str, int]) -> int:
        """The largest number of sizes that one axis leaves open."""
        if self.names <= sizes.keys():
            return 0
        return max((sum(name not in sizes for name, _ in axis.terms) for axis in self.axes), default=0)

    def length(self, k: int, sizes: Mapping[str, int]) -> int:
        return _whole(self.axes[k], sizes)


@lru_cache(maxsize=512)
def spec_of(cell: Cell, q: Any) -> Spec:
    """What the array of a quantity must look like."""
    return Spec(q.name, q, tuple(_axis(s) for s in user_shape(cell, q)))


def _axis(length: sp.Expr) -> AxisSpec:
    terms: list[tuple[str, int | Fraction]] = []
    constant: int | Fraction = 0
    for term in sp.Add.make_args(sp.expand(length)):
        factor, symbol = term.as_coeff_Mul()
        number = int(factor.p) if factor.q == 1 else Fraction(int(factor.p), int(factor.q))
        if symbol == 1:
            constant = number
        else:
            terms.append((str(symbol), number))
    return AxisSpec(tuple(terms), constant)


def _whole(axis: AxisSpec, sizes: Mapping[str, int]) -> int:
    length = axis.constant + sum(factor * sizes[name] for name, factor in axis.terms)
    if length.denominator != 1:
        own = ", ".join(f"{name} = {sizes[name]}" for name, _ in axis.terms)
        raise ShapeError(f"{spelled_size(_size_of(axis), ())} must be a whole number, which it is not for {own}")
    return int(length)


def _size_of(axis: AxisSpec) -> sp.Expr:
    terms = [sp.Rational(f.numerator, f.denominator) * size(name) for name, f in axis.terms]
    return sp.Add(*terms, sp.Rational(axis.constant.numerator, axis.constant.denominator))


@lru_cache(maxsize=64)
def parts_of_sizes(cell: Cell) -> tuple[sp.Expr, ...]:
    """The lengths in a cell that are whole numbers for some sizes only, such as n/2."""
    found: dict[sp.Expr, None] = {}
    for equation in cell.equations:
        for node in sp.preorder_traversal(equation.expr):
            if isinstance(node, (x.Node, x.Quantity)):
                bounds = [node.args[1], node.args[3]] if isinstance(node, x.Block) else []
                found.update(dict.fromkeys(sp.expand(length) for length in (*node.shape, *bounds)))
    whole = [all(t.as_coeff_Mul()[0].is_Integer for t in sp.Add.make_args(length)) for length in found]
    return tuple(length for length, is_whole in zip(found, whole, strict=True) if not is_whole)


def require_whole(cell: Cell, sizes: Mapping[str, int]) -> None:
    """ShapeError where a part of a size is no whole number."""
    for length in parts_of_sizes(cell):
        if not length.atoms(sp.floor):
            _length(length, sizes)


def varying(
    cell: Cell, spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], origins: Mapping[str, str]
) -> ShapeError:
    """An input or a state whose last axes do not fit."""
    core, name = len(spec.axes), spec.name
    got = shape_text(shape[len(shape) - core :]) if len(shape) >= core else shape_text(shape)
    message = f"{name} must have {_wanted(cell, spec, sizes)}, not {got}"
    if spec.unknown(sizes):
        return ShapeError(message, "vectors are in the last axis, any batch axes before it")
    wanted = tuple(spec.length(k, sizes) for k in range(core))
    if core == 1 and len(shape) == 2 and shape[0] == wanted[0]:
        return ShapeError(message, f"vectors are in the last axis: give {name}.T")
    return ShapeError(message, _sizes_text(cell, sizes, origins))


def _wanted(cell: Cell, spec: Spec, sizes: Mapping[str, int]) -> str:
    spelled = " x ".join(spelled_size(s, cell.dims) for s in user_shape(cell, spec.quantity))
    if spec.unknown(sizes):
        return f"{spelled} numbers" if len(spec.axes) == 1 else f"{len(spec.axes)} axes ({spelled})"
    shape = [spec.length(k, sizes) for k in range(len(spec.axes))]
    if len(shape) == 1:
        return f"{shape[0]} number{'s' * (shape[0] != 1)} ({spelled})"
    return f"{shape_text(tuple(shape))} numbers ({spelled})"


def shape_text(shape: Sequence[int]) -> str:
    """The lengths of axes as messages have them."""
    return " x ".join(map(str, shape)) or "one number"


def _sizes_text(cell: Cell, sizes: Mapping[str, int], origins: Mapping[str, str]) -> str:
    """Where the sizes come from: n = 2 is read from h_prev, m = 2 from x"""
    names = [str(d) for d in cell.dims if str(d) in sizes]
    return ", ".join(f"{n} = {sizes[n]} {'is read ' * (n == names[0])}from {origins[n]}" for n in names)


def empty(name: str, shape: Sequence[int]) -> ValueUnusable:
    """An array without numbers."""
    return ValueUnusable(f"{name} is empty: its shape is {shape_text(shape)}", "give at least one example")


def batches(names: Sequence[str], leading: Sequence[tuple[int, ...]]) -> ShapeError:
    """Leading axes that cannot be broadcast."""
    shown = ", ".join(
        f"{name} has {shape_text(one) if one else 'none'}" for name, one in zip(names, leading, strict=True)
    )
    return ShapeError(f"the batch axes do not fit: {shown}", "all axes but the last must be equal, 1 or absent")


def parameter(
    cell: Cell, spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], origins: Mapping[str, str]
) -> ShapeError:
    """A parameter with a wrong shape."""
    q, name = spec.quantity, spec.name
    own = user_shape(cell, q)
    joined = concatenation(cell, q)
    spelled = [spelled_size(s, cell.dims) for s in own]
    if joined is not None:
        axis, parts = joined
        spelled[axis] = "+".join(spelled_size(part.shape[0], cell.dims) for part in parts)
    notation = " x ".join(spelled)
    hint = _sizes_text(cell, sizes, origins)
    if spec.unknown(sizes):
        return ShapeError(f"{name} must be {notation}, not {shape_text(shape)}", hint)
    wanted = tuple(spec.length(k, sizes) for k in range(len(own)))
    if len(own) == 2 and len(shape) == 2:
        start = f"{name} must be {shape_text(wanted)} ({notation})"
        if shape == wanted[::-1]:
            return ShapeError(f"{start}, not {shape_text(shape)}", f"give {name}.T")
        if joined is not None and shape[joined[0]] != wanted[joined[0]]:
            axis, parts = joined
            lengths = {_length(part.shape[0], sizes) for part in parts}
            beside = shape[1 - axis] == wanted[1 - axis] and lengths == {shape[axis]}
            why = _one_column(cell, parts, wanted[axis], axis)
            return ShapeError(f"{start}: {why}", "" if beside else f"{name} is {shape_text(shape)}; {hint}")
        return ShapeError(f"{start}, not {shape_text(shape)}", hint)
    if len(own) == 1 and len(shape) == 2 and sorted(shape) == sorted((1, *wanted)):
        return ShapeError(
            f"{name} must have {_wanted(cell, spec, sizes)}, not {shape_text(shape)}", f"give {name}.ravel()"
        )
    if len(own) == 1:
        return ShapeError(f"{name} must have {_wanted(cell, spec, sizes)}, not {shape_text(shape)}", hint)
    return ShapeError(f"{name} must be {shape_text(wanted)} ({notation or 'a number'}), not {shape_text(shape)}", hint)


def _length(length: sp.Expr, sizes: Mapping[str, int]) -> int:
    return _whole(_axis(length), sizes)


def _one_column(cell: Cell, parts: Sequence[Matrix], length: int, axis: int) -> str:
    """[h_prev, x] is one column of 4 numbers, h_prev above x, not two columns"""
    writer = ArrayWriter(Names(), (), unbatched(cell), cell.states[0].previous)
    names = [writer.text(part) for part in parts]
    what, between = ("column", " above ") if axis == 1 else ("row", " before ")
    count = NUMBERS[len(names)] if len(names) < len(NUMBERS) else str(len(names))
    return f"[{', '.join(names)}] is one {what} of {length} numbers, {between.join(names)}, not {count} {what}s"


def concatenation(cell: Cell, matrix: Any) -> tuple[int, tuple[Matrix, ...]] | None:
    """(axis, parts): the axis of a matrix that runs over a concatenation, because the matrix multiplies it."""
    for equation in cell.equations:
        for node in sp.preorder_traversal(equation.expr):
            if not isinstance(node, x.Matmul):
                continue
            for left, right in zip(node.args, node.args[1:], strict=False):
                axis = _multiplied_axis(left, matrix)
                parts = _parts(cell, right)
                if axis is not None and parts is not None:
                    return axis, parts
    return None


def summed_axis(cell: Cell, matrix: Any) -> int:
    """The axis of a matrix that its first product sums over: 1 in W v, 0 in v^T W."""
    for equation in cell.equations:
        for node in sp.preorder_traversal(equation.expr):
            for factor in node.args if isinstance(node, x.Matmul) else ():
                axis = _multiplied_axis(factor, matrix)
                if axis is not None:
                    return axis
    return 1


def _multiplied_axis(factor: Matrix, matrix: Any) -> int | None:
    """1 where the factor is the matrix (or some rows of it), 0 where it is its transpose."""
    if factor == matrix or (
        isinstance(factor, x.Block) and factor.args[0] == matrix and factor.shape[1] == matrix.shape[1]
    ):
        return 1
    if isinstance(factor, x.Transposed) and _multiplied_axis(factor.args[0], matrix) == 1 and factor.args[0] == matrix:
        return 0
    return None


def _parts(cell: Cell, factor: Matrix) -> tuple[Matrix, ...] | None:
    if isinstance(factor, x.Quantity):
        equation = cell.equation(factor)
        return None if equation is None else _parts(cell, equation.expr)
    return factor.args if isinstance(factor, x.Concat) and factor.shape[1] == 1 else None


def require_unmasked(name: str, value: Any) -> None:
    """Refuse an array with masked entries: whatever number lies beneath the mask would be taken."""
    if not isinstance(value, np.ma.MaskedArray) or not np.ma.is_masked(value):
        return
    index = ", ".join(str(int(k)) for k in np.argwhere(np.ma.getmaskarray(value))[0])
    where = f" at [{index}]" if index else ""
    raise ValueUnusable(f"{name} is masked{where}", ".filled(0.0) puts a number in the place of what is missing")


def not_finite(name: str, array: Any) -> ValueUnusable:
    """An array that has NaN or infinity: where, and how much of it."""
    bad = ~np.isfinite(array)
    index = tuple(int(k) for k in np.argwhere(bad)[0])
    what = "NaN" if np.isnan(array[index]) else "infinity"
    where = f" at [{', '.join(map(str, index))}]" if index else ""
    count = int(bad.sum())
    more = f"{count} of its {array.size} numbers are not finite" if count > 1 else ""
    return ValueUnusable(f"{name} has {what}{where}", more)


def overflowed(equation: Any, array: Any) -> ValueUnusable:
    """The first quantity that is not finite though everything given is."""
    error = not_finite(equation.name, np.asarray(array))
    shown = f"{text(equation.quantity)} = {text(equation.expr)}"
    return ValueUnusable(f"{error.message}, though every number given is finite: {shown}", error.hint)


def states_text(names: Sequence[str]) -> str:
    """How many states, and which."""
    return f"{len(names)} states ({', '.join(names)})" if len(names) > 1 else f"one state ({names[0]})"
