"""Arguments of a cell about which nothing is said yet: the way they are used decides what they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr.dims import same_size, show_shape
from symlstm.expr.nodes import Quantity, t
from symlstm.expr.notation import base_of
from symlstm.trace.array import LEAF, Path, Reading, Traced
from symlstm.trace.frames import unpacked_names


class Argument(Traced):
    """An argument whose shape nothing has said yet: the way it is used decides (matrix, vector, or a dict)."""

    def __init__(self, reading: Reading, name: str, path: Path, batch: str | None = None) -> None:
        self._reading, self._name, self._path, self._wanted_batch = reading, name, path, batch
        self._known: tuple[Any, int, str | None] | None = None
        self._children: dict[Any, Argument] = {}
        self._axes: dict[int, sp.Expr] = {}
        self._serial = LEAF

    def settle(self, rank: int, shape: tuple[sp.Expr, ...] | None = None) -> None:
        """Decide what this is: `rank` axes, of the given sizes or of sizes still to be found."""
        if self._known is not None:
            return
        reading = self._reading
        if self._name in reading.shapes:
            shape = reading.shapes[self._name]
            rank = len(shape)
        elif shape is None and reading.unifier is not None:
            shape = tuple(self.axis(axis) for axis in range(rank))
        elif shape is None:
            raise ShapeError(f"the shape of {self._name} is not known", 'annotate it, e.g. W: "n m"')
        for axis, length in self._axes.items():
            if axis >= rank or not same_size(length, shape[axis]):
                raise ShapeError(f"{self._name} has shape {show_shape(shape)}, its .shape[{axis}] was used otherwise")
        batch = self._wanted_batch if rank == 1 else None
        quantity = leaf_quantity(self._name, shape, None)
        reading.leaves.setdefault(self._name, (quantity, rank, self._path))
        self._known = (quantity, rank, batch)

    def axis(self, k: int) -> sp.Expr:
        """The length of one axis, before it is known how many there are."""
        assert self._reading.unifier is not None
        if k not in self._axes:
            self._axes[k] = self._reading.unifier.fresh(f"{self._name}.{k}")
        return self._axes[k]

    @property
    def shape(self) -> Any:
        return OpenShape(self) if self.open else super().shape

    def _value(self) -> tuple[Any, int, str | None]:
        if self._known is None:
            self.settle(self._reading.guess(self._name, 1))
        assert self._known is not None
        return self._known

    _expr = property(lambda self: self._value()[0])
    _rank = property(lambda self: self._value()[1])
    _batch = property(lambda self: self._value()[2])

    @property
    def open(self) -> bool:
        """Whether nothing has been decided about this argument yet."""
        return self._known is None and self._name not in self._reading.shapes

    @property
    def T(self) -> Traced:
        if self.open:
            self.settle(2)
        return super().T

    @property
    def name(self) -> str:
        return self._name

    @property
    def undecided(self) -> bool:
        """Whether this may still turn out to be a dict, a list or an object of arrays."""
        return self._known is None and self._name not in self._reading.shapes

    def child(self, kind: str, key: Any, name: str = "") -> Argument:
        """A part of an argument that is used as a dict, a list or an object of arrays."""
        if key not in self._children:
            claimed, path = self._reading.claimed, (*self._path, (kind, key))
            name = name or (f"{self._name}_{key}" if kind == "index" or self._speaks_for(str(key)) else str(key))
            name = self._reading.renamed.get(name, name)
            if claimed.setdefault(name, path) != path:
                name = f"{self._name}_{key}"
                claimed[name] = path
            self._children[key] = self._part(name, path)
        return self._children[key]

    def _speaks_for(self, key: str) -> bool:
        """Whether this argument's name says what its parts are: W["f"] is W_f, params["Wf"] is Wf."""
        gate = len(key) == 1 and key.islower() and key != "b"
        return len(self._path) > 1 or gate or (len(self._name) == 1 and self._name not in "pP")

    def _part(self, name: str, path: Path) -> Argument:
        return Argument(self._reading, name, path)

    def __iter__(self) -> Iterator[Any]:
        names = unpacked_names(sys._getframe(1)) if self.undecided else None
        if names is None:
            return super().__iter__()
        return iter([self.child("index", k, "" if name.isdigit() else name) for k, name in enumerate(names)])

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.child("item", key)
        if self.undecided and type(key) is int:
            return self.child("index", key)
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self.undecided and name in ("get",):
            return lambda key, default=None: self.child("item", key)
        if self.undecided and not hasattr(np.ndarray, name):
            return self.child("attribute", name)
        return super().__getattr__(name)

    def __contains__(self, key: Any) -> bool:
        if isinstance(key, str):
            return True
        raise CellError("`in` on a symbolic array", "a cell is straight-line code")


class OpenShape:
    """`W.shape` while it is not known how many axes W has: `n, m = W.shape` and `W.shape[1]` say it."""

    def __init__(self, argument: Argument) -> None:
        self._argument = argument

    def _settled(self, rank: int) -> tuple[sp.Expr, ...]:
        self._argument.settle(rank)
        return self._argument.shape

    def __iter__(self) -> Iterator[Any]:
        names = unpacked_names(sys._getframe(1))
        return iter(self._settled(2 if names is None else len(names)))

    def __getitem__(self, key: Any) -> Any:
        if key == 0 and self._argument.open:
            return self._argument.axis(0)
        return (self._settled(2) if self._argument.open else self._argument.shape)[key]


class PreviousState(Argument):
    """A previous state about which nothing is said: a vector, or a tuple, a dict or an object of vectors."""

    first = False

    @property
    def open(self) -> bool:
        """It can only be a vector or have parts."""
        return False

    def settle(self, rank: int, shape: tuple[sp.Expr, ...] | None = None) -> None:
        reading = self._reading
        if self._known is not None:
            return
        shape = reading.shapes.get(self._name)
        if shape is None:
            shape = (reading.usual("n" if self.first else "", self._name),)
        base = base_of(self._name)
        unique = self._name if base != self._name else f"{self._name}_prev"
        quantity = leaf_quantity(unique, shape, t - 1, base)
        reading.leaves.setdefault(self._name, (quantity, len(shape), self._path))
        self._known = (quantity, len(shape), self._wanted_batch)

    def _part(self, name: str, path: Path) -> Argument:
        part = PreviousState(self._reading, name, path, self._wanted_batch)
        part.first = self.first and not self._children
        return part

    def _speaks_for(self, key: str) -> bool:
        return False  # state["h"] is h

    def parts(self) -> list[PreviousState]:
        """The vectors that this turned out to be."""
        if not self._children:
            self.settle(1)
            return [self]
        return [vector for part in self._children.values() for vector in part.parts()]


def leaf_quantity(name: str, shape: tuple[sp.Expr, ...], time: Any, base: str | None = None) -> Quantity:
    """The symbol of an argument with that NumPy shape."""
    if len(shape) > 2:
        raise CellError(f"{name} has {len(shape)} axes", "numbers, vectors and matrices are understood")
    rows, cols = (*shape, sp.S.One, sp.S.One)[:2]
    return Quantity(name, rows, cols, time, base=base)
