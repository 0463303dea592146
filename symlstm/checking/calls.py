"""Calling somebody's function: its arguments by name, what it returns as arrays, and what it must not do."""

from __future__ import annotations

import copy
import inspect
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any, cast

import numpy as np

from symlstm.checking.cuts import Cuts, joined, split
from symlstm.checking.globals import global_arrays, set_globals
from symlstm.checking.leaves import Leaf, Path, leaves, narrow, own_arrays, replaced
from symlstm.checking.steplists import spread_input, stacked_input
from symlstm.checking.tensors import Precision, kind_of, running, signature_of
from symlstm.errors import ValueUnusable

SELF, GLOBAL = "self", "global"
INSIDE = (SELF, GLOBAL)
"""Where arrays are that are no arguments: in the object, or in global variables."""
LIBRARIES = (str(File(__file__).parents[1]), *(sysconfig.get_paths()[k] for k in ("stdlib", "platlib", "purelib")))
MOST_SHOWN = 8
COMPILED = ("_orig_mod", "_torchdynamo_orig_callable")
"""Where torch.compile keeps what it was given: that is what is checked."""


@dataclass(frozen=True)
class Call:
    """A function and one way to call it: its arguments by name (those of an object's own arrays under `self`).

    stacked: arguments that hold one array a step. globals: global variables that hold arrays. precision: in which
    arrays of other libraries than NumPy are put in. compiled: what does the same faster, given the arrays by path.
    cuts: vectors of parameters, and the parts of them that count as arrays.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    positional: tuple[str, ...]
    owner: Any = None
    stacked: tuple[Path, ...] = ()
    globals: Mapping[str, Any] = field(default_factory=dict)
    precision: Precision = "own"
    compiled: Callable[[Any], Any] | None = None
    cuts: Cuts = field(default_factory=dict)

    @property
    def inside(self) -> dict[str, Any]:
        """All that goes in by name."""
        inside = {**self.arguments, **({SELF: self.owner} if self.owner is not None else {})}
        return inside | ({GLOBAL: dict(self.globals)} if self.globals else {})

    def leaves(self) -> list[Leaf]:
        """Every array that goes in; a list of steps as one array."""
        found = []
        for name, value in self.inside.items():
            found += [Leaf((name,), stacked_input(value))] if (name,) in self.stacked else leaves(value, (name,))
        return [part for leaf in found for part in split(leaf, self.cuts)]

    def __call__(self, arrays: Mapping[Path, Any]) -> Any:
        """What the function returns when it is given these arrays in their places."""
        return self.on(arrays)[0]

    def argument(self, name: str, arrays: Mapping[Path, Any]) -> Any:
        """An argument with these arrays in their places."""
        arrays = joined(arrays, self.cuts, self.inside)
        if (name,) in self.stacked and (name,) in arrays:
            return spread_input(arrays[(name,)], self.arguments[name], self.precision)
        return replaced(self.arguments[name], arrays, (name,), self.precision)

    def on(self, arrays: Mapping[Path, Any]) -> tuple[Any, Any]:
        """What the function returns, and the object that it was a method of (None: none)."""
        twin = None
        arrays = joined(arrays, self.cuts, self.inside)
        if self.compiled is not None:
            with running(self.precision):
                return self.compiled({path: arrays[path] for path in sorted(arrays, key=str)}), None
        for path in self.stacked:
            if path in arrays:
                arrays[path] = spread_input(arrays[path], self.arguments[path[0]], self.precision)
        with np.errstate(all="ignore"), running(self.precision):
            given = {name: replaced(value, arrays, (name,), self.precision) for name, value in self.arguments.items()}
            function = self.function
            if self.owner is not None:
                owner = self.owner if kind_of(self.owner) is not None else copy.copy(self.owner)
                twin = replaced(owner, arrays, (SELF,), self.precision)
                function = twin if self._of_module else getattr(twin, getattr(self.function, "__name__", "__call__"))
            keywords = {name: value for name, value in given.items() if name not in self.positional}
            drawn = replaced(dict(self.globals), arrays, (GLOBAL,), self.precision)
            with set_globals(function, drawn):
                return function(*[given[name] for name in self.positional], **keywords), twin

    @property
    def foreign(self) -> list[Any]:
        """The arrays of other libraries than NumPy that go in."""
        return [array for _, array in own_arrays(self.inside) if kind_of(array) is not None]

    @property
    def narrow(self) -> bool:
        """Whether all arrays that go in are NumPy's, of float32."""
        given = [array for _, array in own_arrays(self.inside)]
        return bool(given) and all(kind_of(array) is None and narrow(array) for array in given)

    @property
    def code(self) -> Callable[..., Any]:
        """The function that the user wrote."""
        holder = kind_of(self.owner) if self._of_module else None
        return self.function if holder is None else cast(Callable[..., Any], holder.code(self.owner))

    @property
    def _of_module(self) -> bool:
        """Whether it is a module that is called, not another method of it."""
        holder = kind_of(self.owner) if self.owner is not None else None
        return holder is not None and holder.called(self.owner, self.function)

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__qualname__", type(self.function).__name__))

    @property
    def line(self) -> str:
        """file:line of the function, "" where there is no source."""
        try:
            inner = inspect.unwrap(getattr(self.code, "__func__", self.code))
            return f"{File(inspect.getsourcefile(inner) or '').name}:{inspect.getsourcelines(inner)[1]}"
        except (TypeError, OSError):
            return ""


def entry(function: Any) -> tuple[Callable[..., Any], Any]:
    """What is called, and the object or module that it belongs to."""
    for name in COMPILED:
        function = getattr(function, name, function)
    owner = getattr(function, "__self__", None)
    holder = kind_of(function)
    if holder is not None and holder.holds(function):
        owner, function = function, function.forward
    elif owner is None and not any(hasattr(function, name) for name in ("__code__", "__wrapped__", "schema")):
        owner, function = function, type(function).__call__.__get__(function)  # an object that is called
    if owner is not None and inspect.ismodule(owner):
        owner = None
    return function, owner


def call_of(function: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Call:
    """The call f(*args, **keywords), with names for all arguments; ValueUnusable where it takes others."""
    function, owner = entry(function)
    try:
        bound = signature_of(function, owner).bind(*args, **keywords)
    except TypeError as error:
        raise ValueUnusable(
            f"the example does not fit {getattr(function, '__name__', function)}: {error}",
            "example is a dict by argument name, a tuple of positional arguments, or a function of (n, m, batch, rng)",
        ) from None
    except ValueError:
        return Call(
            function,
            {f"arg{k}": a for k, a in enumerate(args)} | dict(keywords),
            _numbered(args),
            owner,
            (),
            global_arrays(function),
        )
    arguments: dict[str, Any] = {}
    positional: list[str] = []
    skipped = False
    for name, parameter in bound.signature.parameters.items():
        kind = parameter.kind
        if name not in bound.arguments:
            skipped = True
            continue
        value = bound.arguments[name]
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments |= value
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            for k, v in enumerate(value):
                arguments[f"{name}{k}"] = v
                positional.append(f"{name}{k}")
        else:
            arguments[name] = value
            if kind is not inspect.Parameter.KEYWORD_ONLY and not skipped:
                positional.append(name)
    return Call(function, arguments, tuple(positional), owner, (), global_arrays(function))


def _numbered(args: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(f"arg{k}" for k in range(len(args)))


def attempt(call: Call, arrays: Mapping[Path, Any]) -> Any:
    """Run it once; ValueUnusable says where in its own code it failed."""
    return attempt_on(call, arrays)[0]


def attempt_on(call: Call, arrays: Mapping[Path, Any]) -> tuple[Any, Any]:
    """The same, with the object that it was a method of."""
    try:
        return call.on(arrays)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # somebody's code: anything may happen
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)]
        last = (own or frames)[-1]
        code = f": {last.line}" if last.line else ""
        raise ValueUnusable(
            f"{call.name} fails at {File(last.filename).name}:{last.lineno}{code}: {type(error).__name__}: {error}",
            f"it was called with {_shapes(call, arrays)}",
        ) from error


def _shapes(call: Call, arrays: Mapping[Path, Any]) -> str:
    """The arrays of a call with their shapes, in words."""
    shapes = {leaf.path: arrays.get(leaf.path, leaf.array).shape for leaf in call.leaves()}
    said = [f"{'.'.join(map(str, path))} {shape}" for path, shape in shapes.items()]
    return ", ".join(said[:MOST_SHOWN]) + (", ..." if len(said) > MOST_SHOWN else "")


def in_precision(call: Call) -> Call:
    """The call in the first precision in which it runs on its own arrays: float64 where that goes."""
    if not call.foreign and not call.narrow:
        return call
    order: tuple[Precision, ...] = ("own", "wide", "single")
    if any(narrow(array) for array in call.foreign):
        order = ("wide", "single")
    elif not call.foreign:
        order = ("own", "single")
    for precision in order:
        made = replace(call, precision=precision)
        try:
            attempt(made, {leaf.path: np.asarray(leaf.array, dtype=np.float64) for leaf in made.leaves()})
        except ValueUnusable:
            continue
        return made
    return replace(call, precision=order[0])
