"""Functions that are generated at the first call: the Jacobian of a pair, J V, and any of them with other values."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from symlstm.calculus.forward import forward
from symlstm.calculus.graph import graph
from symlstm.codegen.jacobian_code import jacobian_function
from symlstm.codegen.module import RESERVED, helper_sources
from symlstm.codegen.state_jacobian_code import state_jacobian_function
from symlstm.codegen.tangent_code import jvp_function
from symlstm.codegen.tensor_code import tensor_function
from symlstm.codegen.vjp_code import vjp_function
from symlstm.equations import Cell

MAKERS = {"jvp": jvp_function, "state_jacobian": state_jacobian_function, "vjp": vjp_function}


@lru_cache(maxsize=256)
def source(cell: Cell, name: str) -> tuple[str, frozenset[str]]:
    """The text of a function of a step, and the helpers that it calls."""
    text, helpers = MAKERS[name](cell, RESERVED)
    return text, frozenset(helpers)


@lru_cache(maxsize=256)
def jacobian_source(cell: Cell, of: Any, wrt: Any) -> tuple[str, frozenset[str]]:
    """The text of the function `jacobian` of a pair, and the helpers that it calls."""
    done = forward(graph(cell, wrt, "partial"), of)
    make = jacobian_function if of in done.results else tensor_function
    text, helpers = make(cell, of, wrt, RESERVED)
    return text, frozenset(helpers)


def function(name: str, made: tuple[str, frozenset[str]], values: Any) -> Callable[..., Any]:
    """The function of that name from its text; values: the function that it calls for the values of the step."""
    text, helpers = made
    whole = "\n\n\n".join(["import numpy as np", *helper_sources(helpers), text])
    return executed(whole, name, values=values)[name]


def executed(text: str, name: str, **known: Any) -> dict[str, Any]:
    """What a generated text defines."""
    space: dict[str, Any] = {"__name__": f"symlstm generated {name}", **known}
    exec(builtins.compile(text, f"<symlstm {name}>", "exec"), space)
    return space
