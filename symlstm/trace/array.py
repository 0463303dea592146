"""The array that stands in for numbers while a cell is read: it answers NumPy's protocols and builds expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr import build as b
from symlstm.expr.dims import Unifier, same_shape, same_size, show_shape, size
from symlstm.expr.nodes import Quantity, t

ROWS, COLUMNS = "rows", "columns"
BATCH = size("batch")
Path = tuple[tuple[str, Any], ...]


@dataclass
class Reading:
    """One reading of a cell: what its leaves are, which values have names, and the equations found.

    layout: None (vectors), "rows" or "columns" (the function is written for a batch, which is left out here).
    """

    layout: str | None = None
    unifier: Unifier | None = None
    shapes: dict[str, tuple[sp.Expr, ...]] = field(default_factory=dict)
    leaves: dict[str, tuple[Quantity, int, Path]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    equations: list[tuple[Quantity, Any]] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    serial: int = 0
    states: list[tuple[str, Traced]] = field(default_factory=list)
    outputs: list[tuple[str, Traced]] = field(default_factory=list)

    def named(self, serial: int, expr: Any, rank: int) -> Any:
        name = self.names.get(serial)
        if name is None:
            return expr
        quantity = Quantity(name, *expr.shape, t, base=self.taken.get(name, name))
        self.equations.append((quantity, expr))
        return quantity


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A value of the cell: an expression, how many axes it has in NumPy, and whether a batch axis is left out."""

    __array_priority__ = 1000.0
    _shared = False

    def __init__(self, reading: Reading, expr: Any, rank: int, batch: str | None = None, leaf: bool = False) -> None:
        self._reading = reading
        self._rank = rank
        self._batch = batch
        if not leaf:
            self._serial = reading.serial
            reading.serial += 1
            expr = reading.named(self._serial, expr, rank)
        else:
            self._serial = -1
        self._expr = expr

    # what NumPy asks

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from symlstm.trace.numpy_api import call_ufunc

        return call_ufunc(self._reading, ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from symlstm.trace.numpy_api import call_function

        return call_function(self._reading, func, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise CellError(
            "a symbolic value cannot be made a plain array",
            "leave out np.array(...) and np.asarray(...), write np.concatenate for np.r_, and take functions from NumPy "
            "or symlstm.functions (sigmoid, softmax, ...)",
        )

    # arrays

    @property
    def shape(self) -> tuple[sp.Expr, ...]:
        rows, cols = self._expr.shape
        if self._batch:
            width = rows if self._rank else sp.S.One
            return (BATCH, width) if self._batch == ROWS else (width, BATCH)
        return ((), (rows,), (rows, cols))[self._rank]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    @property
    def size(self) -> sp.Expr:
        return sp.prod(self.shape)

    @property
    def T(self) -> Traced:
        if self._batch:
            return self.view(self._expr, self._rank, COLUMNS if self._batch == ROWS else ROWS)
        return self if self._rank < 2 else self.view(b.transpose(self._expr), 2)

    def like(self, expr: Any, rank: int, batch: str | None = None) -> Traced:
        return Traced(self._reading, expr, rank, batch)

    def __getitem__(self, key: Any) -> Traced:
        from symlstm.trace.numpy_api import get_item

        return get_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise CellError("arrays of a cell are not written in place", "make a new array, e.g. with np.concatenate")

    def _in_place(self, ufunc: Any, other: Any) -> Traced:
        """z += b: the same array with new content, as NumPy has it; a number is made anew."""
        result = ufunc(self, other)
        if self._rank == 0 and not self._batch:
            return result  # type: ignore[no-any-return]
        if self._serial < 0 or self._shared:
            raise CellError(
                f"{ufunc.__name__}= writes into an array that is also seen elsewhere",
                "make a new array instead: z = z + b for z += b",
            )
        if result._rank != self._rank or not same_shape(result._expr.shape, self._expr.shape):
            raise ShapeError(f"an array of {show_shape(self.shape)} cannot become {show_shape(result.shape)} in place")
        self._expr, self._serial = result._expr, result._serial
        return self

    def __iadd__(self, other: Any) -> Traced:  # type: ignore[misc, override]
        return self._in_place(np.add, other)

    def __isub__(self, other: Any) -> Traced:  # type: ignore[misc, override]
        return self._in_place(np.subtract, other)

    def __imul__(self, other: Any) -> Traced:  # type: ignore[misc, override]
        return self._in_place(np.multiply, other)

    def __itruediv__(self, other: Any) -> Traced:  # type: ignore[misc, override]
        return self._in_place(np.true_divide, other)

    def __ipow__(self, other: Any) -> Traced:  # type: ignore[misc, override]
        return self._in_place(np.power, other)

    def view(self, expr: Any, rank: int, batch: str | None = None) -> Traced:
        """A part of this array that NumPy would not copy: neither is written in place from here on."""
        seen = self.like(expr, rank, batch)
        self._shared = seen._shared = True
        return seen

    def __iter__(self) -> Iterator[Any]:
        raise CellError("a symbolic array cannot be looped over or unpacked", "use whole-array operations or np.split")

    def __format__(self, spec: str) -> str:
        if spec:
            raise CellError("a symbolic value has no number to print", "leave printing out of the cell")
        return repr(self)

    def __len__(self) -> int:
        raise CellError("len() needs a number, but sizes are symbols here", "use .shape[0]")

    def __bool__(self) -> bool:
        raise CellError(
            "the code branches on a value",
            "a cell is the same formula for every input: use np.where, np.maximum or np.clip instead of if",
        )

    def __float__(self) -> float:
        raise CellError("a symbolic value has no number", "use NumPy's functions (np.exp, np.tanh), not math's")

    __int__ = __index__ = __complex__ = __float__  # type: ignore[assignment]

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        from symlstm.trace.numpy_api import METHODS

        if name in METHODS:
            return lambda *args, **kwargs: METHODS[name](self, *args, **kwargs)
        raise CellError(f".{name} of an array is not understood in a cell", "use +, *, @, and functions of numpy")

    def __repr__(self) -> str:
        return f"<{self._expr} : {show_shape(self.shape)}>"


class Argument(Traced):
    """An argument whose shape nothing has said yet: the way it is used decides (matrix, vector, or a dict)."""

    def __init__(self, reading: Reading, name: str, path: Path, batch: str | None = None) -> None:
        self._reading, self._name, self._path, self._wanted_batch = reading, name, path, batch
        self._known: tuple[Any, int, str | None] | None = None
        self._children: dict[Any, Argument] = {}
        self._serial = -1

    def settle(self, rank: int, shape: tuple[sp.Expr, ...] | None = None) -> None:
        """Decide what this is: `rank` axes, of the given sizes or of sizes still to be found."""
        if self._known is not None:
            return
        reading = self._reading
        if self._name in reading.shapes:
            shape = reading.shapes[self._name]
            rank = len(shape)
        elif shape is None and reading.unifier is not None:
            shape = tuple(reading.unifier.fresh(f"{self._name}.{axis}") for axis in range(rank))
        elif shape is None:
            raise ShapeError(f"the shape of {self._name} is not known", 'annotate it, e.g. W: "n m"')
        batch = self._wanted_batch if rank == 1 else None
        quantity = leaf_quantity(self._name, shape, None)
        reading.leaves.setdefault(self._name, (quantity, rank, self._path))
        self._known = (quantity, rank, batch)

    def _value(self) -> tuple[Any, int, str | None]:
        if self._known is None:
            self.settle(1)
        assert self._known is not None
        return self._known

    _expr = property(lambda self: self._value()[0])  # type: ignore[assignment]
    _rank = property(lambda self: self._value()[1])  # type: ignore[assignment]
    _batch = property(lambda self: self._value()[2])  # type: ignore[assignment]

    @property
    def open(self) -> bool:
        """Whether nothing has been decided about this argument yet."""
        return self._known is None and self._name not in self._reading.shapes

    @property
    def T(self) -> Traced:
        if self.open:
            self.settle(2)
        return super().T

    def child(self, kind: str, key: Any) -> Argument:
        """A part of an argument that is used as a dict, a list or an object of arrays."""
        whole = len(self._path) == 1
        name = str(key) if whole and kind != "index" else f"{self._name}_{key}"
        if key not in self._children:
            self._children[key] = Argument(self._reading, name, (*self._path, (kind, key)))
        return self._children[key]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.child("item", key)
        if self.open and type(key) is int:
            return self.child("index", key)
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self.open and name in ("get",):
            return lambda key, default=None: self.child("item", key)
        if self.open and not hasattr(np.ndarray, name):
            return self.child("attribute", name)
        return super().__getattr__(name)

    def __contains__(self, key: Any) -> bool:
        if isinstance(key, str):
            return True
        raise CellError("`in` on a symbolic array", "a cell is straight-line code")


def leaf_quantity(name: str, shape: tuple[sp.Expr, ...], time: Any, base: str | None = None) -> Quantity:
    """The symbol of an argument with that NumPy shape."""
    rows, cols = (*shape, sp.S.One, sp.S.One)[:2] if len(shape) < 3 else shape
    if len(shape) > 2:
        raise CellError(f"{name} has {len(shape)} axes", "numbers, vectors and matrices are understood")
    return Quantity(name, rows, cols, time, base=base)


def broadcast(left: Traced, right: Traced) -> tuple[Any, Any, int, str | None]:
    """Both as expressions of one shape, as NumPy's rules have it, with the rank and batch of the result."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Argument) and one.open:
            if isinstance(other, Argument) and other.open:
                other.settle(1)
            one.settle(other._rank, None if other._rank == 0 else _plain_shape(other))
    batch = left._batch or right._batch
    if left._batch and right._batch and left._batch != right._batch:
        raise ShapeError("rows and columns are mixed: one side has the batch first, the other last")
    left_expr, right_expr = left._expr, right._expr
    if batch and max(left._rank, right._rank) == 2:
        return left_expr, right_expr, 1, batch
    rank = max(left._rank, right._rank)
    target = _joint_shape(left, right, rank)
    return _expand(left, target), _expand(right, target), rank, batch


def _plain_shape(value: Traced) -> tuple[sp.Expr, ...]:
    return ((), (value._expr.shape[0],), value._expr.shape)[value._rank]


def _joint_shape(left: Traced, right: Traced, rank: int) -> tuple[sp.Expr, ...]:
    a, c = _plain_shape(left), _plain_shape(right)
    a, c = (sp.S.One,) * (rank - len(a)) + a, (sp.S.One,) * (rank - len(c)) + c
    out = []
    for p, q in zip(a, c, strict=True):
        if p != 1 and q != 1 and not same_size(p, q):
            raise ShapeError(
                f"{left._expr} has shape {show_shape(_plain_shape(left))}, {right._expr} has shape "
                f"{show_shape(_plain_shape(right))}: they cannot be combined element by element",
                "the sizes must be the same",
            )
        out.append(q if p == 1 else p)
    return tuple(out)


def _expand(value: Traced, target: tuple[sp.Expr, ...]) -> Any:
    expr, rank = value._expr, value._rank
    if rank == 0:
        return expr if not target else b.spread(expr, *((*target, sp.S.One)[:2]))
    if len(target) == 1:
        return expr if expr.shape[0] != 1 or target[0] == 1 else b.spread(expr, target[0], 1)
    if rank == 1:
        return b.matmul(b.ones(target[0], 1), b.transpose(expr))
    if expr.shape == (1, 1):
        return b.spread(expr, *target)
    if expr.shape[1] == 1 and target[1] != 1:
        return b.matmul(expr, b.ones(1, target[1]))
    if expr.shape[0] == 1 and target[0] != 1:
        return b.matmul(b.ones(target[0], 1), expr)
    return expr


def constant(reading: Reading, value: Any) -> Traced:
    """A plain number as a traced value; arrays of numbers are refused."""
    if isinstance(value, Traced):
        return value
    if isinstance(value, sp.Expr):
        return Traced(reading, b.scale(value, b.ones(1, 1)), 0, leaf=True)
    if isinstance(value, (bool, int, float, np.number)) or (isinstance(value, np.ndarray) and value.ndim == 0):
        number = value.item() if hasattr(value, "item") else value
        if isinstance(number, complex) or number != number or number in (float("inf"), float("-inf")):
            raise CellError(f"the constant {number} cannot be part of a cell")
        exact = sp.Integer(number) if float(number).is_integer() and abs(number) < 1e15 else sp.Rational(repr(number))
        return Traced(reading, b.scale(exact, b.ones(1, 1)), 0, leaf=True)
    if isinstance(value, (np.ndarray, list, tuple)):
        raise CellError(
            f"a constant array of shape {np.shape(value)} is part of the code",
            "make it a keyword-only parameter of the function, so that it has a name and a derivative",
        )
    raise CellError(f"{type(value).__name__} is not a number or an array of the cell")
