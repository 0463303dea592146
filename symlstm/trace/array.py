"""The array that stands in for numbers while a cell is read: it answers NumPy's protocols and builds expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr import build as b
from symlstm.expr.dims import Unifier, same_shape, show_shape, size
from symlstm.expr.nodes import Quantity, quantity, t

ROWS, COLUMNS, FLAT = "rows", "columns", "flat"
"""Where the batch axis is that is left out: first, last, or alone (one number an example)."""

BATCH = size("batch")
LEAF, PENDING = -1, -2
Path = tuple[tuple[str, Any], ...]
Place = tuple[Any, ...]


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
    busy: bool = False
    renamed: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    divided: list[Traced] = field(default_factory=list)
    claimed: dict[str, Path] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    guessed: list[str] = field(default_factory=list)
    states: list[tuple[str, Traced]] = field(default_factory=list)
    outputs: list[tuple[str, Traced]] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)

    def usual(self, letter: str, argument: str) -> sp.Expr:
        """A size for an argument without a shape: the usual letter, unless its use says otherwise."""
        assert self.unifier is not None
        letters = {str(s) for shape in self.shapes.values() for part in shape for s in part.free_symbols}
        return size(letter) if letter in letters else self.unifier.fresh(f"{argument}.0", letter)

    def guess(self, argument: str, smallest: int) -> int:
        """How many axes an argument has whose use does not say it: a capital letter is a matrix, b... a vector."""
        self.guessed.append(argument)
        usual = 2 if argument[:1].isupper() else max(smallest, int(argument.startswith("b")))
        return self.ranks.get(argument, usual)

    def operation(self, compute: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One operation of the user's code: what it returns is numbered, whatever was made on the way is not.

        A value has the same number in every reading of the cell; its name hangs on it.
        """
        if self.busy:
            return compute(*args, **kwargs)
        self.busy = True
        try:
            result = compute(*args, **kwargs)
        finally:
            self.busy = False
        for value in result if isinstance(result, list) else [result]:
            if isinstance(value, Traced) and value._serial == PENDING:
                self.number(value)
        return result

    def number(self, value: Traced) -> None:
        """Give a new value its number, and where this has a name, an equation."""
        value._serial = self.serial
        self.serial += 1
        name = self.names.get(value._serial)
        if name is not None:
            symbol = quantity(name, value._expr.shape, t, base=self.taken.get(name, name))
            self.equations.append((symbol, value._expr))
            value._expr = symbol


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A value of the cell: an expression, how many axes it has in NumPy, and whether a batch axis is left out."""

    __array_priority__ = 1000.0
    _shared = False
    _truth = False  # whether this is the result of a comparison: 1 where true, 0 where not

    @property
    def open(self) -> bool:
        """Whether it is still undecided how many axes this has."""
        return False

    @property
    def name(self) -> str:
        return str(self._expr)

    def settle(self, rank: int, shape: tuple[sp.Expr, ...] | None = None) -> None:
        """Decide how many axes an open argument has; for everything else that is known."""

    def __init__(self, reading: Reading, expr: Any, rank: int, batch: str | None = None, leaf: bool = False) -> None:
        self._reading = reading
        self._rank = rank
        self._batch = batch
        self._expr = expr
        self._serial = LEAF if leaf else PENDING
        if not leaf and not reading.busy:
            reading.number(self)

    # what NumPy asks

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from symlstm.trace.numpy_api import call_ufunc

        return self._reading.operation(call_ufunc, self._reading, ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from symlstm.trace.numpy_api import call_function

        return self._reading.operation(call_function, self._reading, func, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise CellError(
            "a symbolic value cannot be made a plain array",
            "leave out np.array(...) and np.asarray(...), write np.concatenate for np.r_, and take functions "
            "from NumPy or symlstm.functions (sigmoid, softmax, ...)",
        )

    # arrays

    @property
    def shape(self) -> tuple[sp.Expr, ...]:
        rows, cols = self._expr.shape
        if self._batch == FLAT:
            return (BATCH,)
        if self._batch:
            width = rows if self._rank else sp.S.One
            return (BATCH, width) if self._batch == ROWS else (width, BATCH)
        return ((), (rows,), (rows, cols))[self._rank]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.bool_ if self._truth else np.float64)

    @property
    def size(self) -> sp.Expr:
        return sp.prod(self.shape)

    @property
    def T(self) -> Traced:
        if self._batch and self._batch != FLAT:
            return self.view(self._expr, self._rank, COLUMNS if self._batch == ROWS else ROWS)
        return self if self._rank < 2 else self.view(b.transpose(self._expr), 2)

    def like(self, expr: Any, rank: int, batch: str | None = None) -> Traced:
        return Traced(self._reading, expr, rank, batch)

    def __getitem__(self, key: Any) -> Traced:
        from symlstm.trace.parts import get_item

        return self._reading.operation(get_item, self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise CellError("arrays of a cell are not written in place", "make a new array, e.g. with np.concatenate")

    def _in_place(self, ufunc: Any, other: Any) -> Traced:
        """z += b: the same array with new content, as NumPy has it; a number is made anew."""
        result = ufunc(self, other)
        if self._rank == 0 and not self._batch:
            return result
        if self._serial < 0 or self._shared:
            raise CellError(
                f"{ufunc.__name__}= writes into an array that is also seen elsewhere",
                "make a new array instead: z = z + b for z += b",
            )
        if result._rank != self._rank or not same_shape(result._expr.shape, self._expr.shape):
            raise ShapeError(f"an array of {show_shape(self.shape)} cannot become {show_shape(result.shape)} in place")
        self._expr, self._serial, self._truth = result._expr, result._serial, result._truth
        return self

    def __iadd__(self, other: Any) -> Traced:
        return self._in_place(np.add, other)

    def __isub__(self, other: Any) -> Traced:
        return self._in_place(np.subtract, other)

    def __imul__(self, other: Any) -> Traced:
        return self._in_place(np.multiply, other)

    def __itruediv__(self, other: Any) -> Traced:
        return self._in_place(np.true_divide, other)

    def __ipow__(self, other: Any) -> Traced:
        return self._in_place(np.power, other)

    def view(self, expr: Any, rank: int, batch: str | None = None) -> Traced:
        """A part of this array that NumPy would not copy: neither is written in place from here on."""
        seen = self.like(expr, rank, batch)
        seen._truth = self._truth
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

    __int__ = __index__ = __complex__ = __float__

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        from symlstm.trace.numpy_api import METHODS, call_method

        if name in METHODS:
            return lambda *args, **kwargs: self._reading.operation(call_method, self, name, args, kwargs)
        raise CellError(f".{name} of an array is not understood in a cell", "use +, *, @, and functions of numpy")

    def __repr__(self) -> str:
        return f"<{self._expr} : {show_shape(self.shape)}>"
