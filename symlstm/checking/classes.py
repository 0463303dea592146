"""Classes: which of their methods computes a step, and objects of the sizes that are asked for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from symlstm.checking.constructor import makers
from symlstm.errors import ValueUnusable, unknown

METHODS = tuple("step forward_step cell_forward lstm_cell forward_cell forward call cell".split())


@dataclass(frozen=True)
class Factory:
    """A class, and which of its methods is the step; objects are made at the sizes that are asked for."""

    made: type
    method: str

    def at(self, n: int, m: int) -> Callable[..., Any]:
        """The method of an object of these sizes; ValueUnusable where the constructor asks for something else."""
        problem: Exception | None = None
        for maker in makers(self.made):
            try:
                return cast(Callable[..., Any], getattr(maker.at(n, m), self.method))
            except Exception as error:  # somebody's code: anything may happen
                problem = problem or error
        raise ValueUnusable(
            f"{self.made.__name__} cannot be constructed with n = {n}, m = {m}: {type(problem).__name__}: {problem}",
            "check a method of an object that you have made: sl.check(net.step, ...)",
        ) from problem


def class_of(function: Any) -> type | None:
    """The class of a method that was taken from its class, not from an object: Net.step."""
    if not inspect.isfunction(function) or "." not in function.__qualname__:
        return None
    if next(iter(inspect.signature(function).parameters), "") != "self":
        return None
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split(".")[:-1]:
        found = getattr(found, name, None)
    return found if isinstance(found, type) else None


def factory(made: type, method: str = "") -> Factory:
    """The class with the method that computes a step; NameUnknown, ValueUnusable where it has none."""
    methods = [name for name in dir(made) if callable(getattr(made, name)) and not name.startswith("_")]
    if method:
        if not hasattr(made, method):
            raise unknown(f"method of {made.__name__}", method, methods)
        return Factory(made, method)
    usual = [name for name in METHODS if name in methods]
    if "forward" in usual and any("__call__" in vars(base) for base in made.__mro__):
        usual = ["forward"]  # of a module: what a call of it runs
    if not usual and "__call__" in vars(made):
        usual = ["__call__"]
    if not usual and len(methods) == 1:
        usual = methods
    if not usual:
        raise ValueUnusable(
            f"which method of {made.__name__} computes a step is not clear ({', '.join(methods) or 'it has none'})",
            f"name it: {made.__name__}.{methods[0] if methods else 'step'}",
        )
    return Factory(made, usual[0])
