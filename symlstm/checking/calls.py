"""Calling somebody's function: its arguments by name, what it returns as arrays, and what it must not do."""

from __future__ import annotations

import copy
import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import numpy as np

from symlstm.checking.leaves import Leaf, Path, leaves, replaced
from symlstm.checking.report import Finding
from symlstm.checking.steplists import spread_input, stacked_input
from symlstm.errors import ValueUnusable

SELF = "self"


@dataclass(frozen=True)
class Call:
    """A function and one way to call it: its arguments by name (those of an object's own arrays under `self`).

    stacked: arguments that hold one array a step.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    positional: tuple[str, ...]
    owner: Any = None
    stacked: tuple[Path, ...] = ()

    def leaves(self) -> list[Leaf]:
        """Every array that goes in; a list of steps as one array."""
        inside = {**self.arguments, **({SELF: self.owner} if self.owner is not None else {})}
        found = []
        for name, value in inside.items():
            found += [Leaf((name,), stacked_input(value))] if (name,) in self.stacked else leaves(value, (name,))
        return found

    def __call__(self, arrays: Mapping[Path, Any]) -> Any:
        """What the function returns when it is given these arrays in their places."""
        arrays = dict(arrays)
        for path in self.stacked:
            if path in arrays:
                arrays[path] = spread_input(arrays[path], self.arguments[path[0]])
        given = {name: replaced(value, arrays, (name,)) for name, value in self.arguments.items()}
        function = self.function
        if self.owner is not None:
            twin = replaced(copy.copy(self.owner), arrays, (SELF,))
            function = getattr(twin, getattr(self.function, "__name__", "__call__"))
        keywords = {name: value for name, value in given.items() if name not in self.positional}
        with np.errstate(all="ignore"):
            return function(*[given[name] for name in self.positional], **keywords)

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__qualname__", type(self.function).__name__))

    @property
    def line(self) -> str:
        """file:line of the function, "" where there is no source."""
        try:
            inner = inspect.unwrap(getattr(self.function, "__func__", self.function))
            return f"{File(inspect.getsourcefile(inner) or '').name}:{inspect.getsourcelines(inner)[1]}"
        except (TypeError, OSError):
            return ""


def call_of(function: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Call:
    """The call f(*args, **keywords), with names for all arguments; ValueUnusable where it takes others."""
    owner = getattr(function, "__self__", None)
    if owner is None and not hasattr(function, "__code__") and not hasattr(function, "__wrapped__"):
        owner, function = function, type(function).__call__.__get__(function)  # an object that is called
    if owner is not None and inspect.ismodule(owner):
        owner = None
    try:
        bound = inspect.signature(function).bind(*args, **keywords)
    except TypeError as error:
        raise ValueUnusable(
            f"the example does not fit {getattr(function, '__name__', function)}: {error}",
            "example is a dict by argument name, a tuple of positional arguments, or a function of (n, m, batch, rng)",
        ) from None
    except ValueError:
        return Call(function, {f"arg{k}": a for k, a in enumerate(args)} | dict(keywords), _numbered(args), owner)
    arguments: dict[str, Any] = {}
    positional: list[str] = []
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments |= value
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            for k, v in enumerate(value):
                arguments[f"{name}{k}"] = v
                positional.append(f"{name}{k}")
        else:
            arguments[name] = value
            if kind is not inspect.Parameter.KEYWORD_ONLY:
                positional.append(name)
    return Call(function, arguments, tuple(positional), owner)


def _numbered(args: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(f"arg{k}" for k in range(len(args)))


def attempt(call: Call, arrays: Mapping[Path, Any]) -> Any:
    """Run it once; ValueUnusable says where in its own code it failed."""
    try:
        return call(arrays)
    except Exception as error:  # somebody's code: anything may happen
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{File(last.filename).name}:{last.lineno}"
        raise ValueUnusable(f"{call.name} fails at {where}: {type(error).__name__}: {error}") from error


def manners(call: Call, arrays: Mapping[Path, Any]) -> list[Finding]:
    """What a function must not do: change what it is given, answer differently each time, return NaN."""
    given = {path: array.copy() for path, array in arrays.items()}
    first = [leaf.array.copy() for leaf in leaves(attempt(call, given))]
    found = []
    for path, array in given.items():
        if not np.array_equal(array, arrays[path], equal_nan=True):
            name = ".".join(map(str, path))
            found.append(
                Finding(
                    "changed_input", "", call.line, f"{name} is changed in place", "compared before and after one call"
                )
            )
    second = [leaf.array for leaf in leaves(attempt(call, {p: a.copy() for p, a in arrays.items()}))]
    same = len(first) == len(second) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True)
    )
    if not same:
        found.append(
            Finding(
                "nondeterministic",
                "",
                call.line,
                "two calls with the same arguments give different results",
                "random numbers, or a state that is kept between calls",
            )
        )
    if any(not np.isfinite(a).all() for a in first):
        found.append(
            Finding(
                "not_finite", "", call.line, "the result holds NaN or infinity", "all arguments are finite, below 2"
            )
        )
    return found
