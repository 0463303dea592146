"""Classes: constructed at sizes found from the signature; the method that computes a step; its arguments by role."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.axes import SIZES
from symlstm.checking.leaves import leaves
from symlstm.checking.words import role_of
from symlstm.errors import ValueUnusable, unknown

SIZE_NAMES: dict[str, tuple[str, ...]] = {
    "n": tuple(
        "n na nh h hidden hidden_size hidden_dim hidden_units n_hidden num_hidden n_a n_h dim_h d_h h_dim h_size units "
        "num_units n_units state_size state_dim size cell_size num_cells mem_cell_ct output_size dim_hidden".split()
    ),
    "m": tuple(
        "m nx d x input input_size input_dim n_x x_dim x_size d_x dim_x in_features features num_inputs n_input n_in "
        "n_inputs in_dim in_size embedding_dim embed_dim vocab_size feature_size dim dim_in num_features d_in".split()
    ),
    "batch": tuple("batch batch_size b bs nb n_batch".split()),
    "rng": tuple("rng random_state generator".split()),
}
"""What a constructor calls the sizes."""
METHODS = tuple("step forward_step cell_forward lstm_cell forward_cell forward call cell".split())
STATES = ("state", "states", "hx", "hidden", "prev_state", "state_prev", "carry", "hc", "prev", "initial_state")
"""Names of an argument that brings all states at once, as a tuple."""
LAYOUTS: dict[str, Callable[[int, int], tuple[int, ...]]] = {
    "rows": lambda length, batch: (batch, length),
    "columns": lambda length, batch: (length, batch),
    "vector": lambda length, batch: (length,),
    "column": lambda length, batch: (length, 1),
}


@dataclass(frozen=True)
class Factory:
    """A class, and which of its methods is the step; objects are made at the sizes that are asked for."""

    made: type
    method: str

    def at(self, n: int, m: int, batch: int) -> Callable[..., Any]:
        """The method of an object of these sizes; ValueUnusable where the constructor asks for something else."""
        try:
            found = self.made(**self._arguments(n, m, batch))
        except ValueUnusable:
            raise
        except Exception as error:
            raise ValueUnusable(
                f"{self.made.__name__} cannot be constructed with n = {n}, m = {m}: {type(error).__name__}: {error}",
                "check a method of an object that you have made: sl.check(net.step, ...)",
            ) from error
        return getattr(found, self.method)

    def _arguments(self, n: int, m: int, batch: int) -> dict[str, Any]:
        given = {"n": n, "m": m, "batch": batch, "rng": np.random.default_rng(0)}
        found = {}
        for name, parameter in inspect.signature(self.made).parameters.items():
            size = size_of(name)
            wanted = parameter.default is parameter.empty and parameter.kind not in (
                parameter.VAR_POSITIONAL,
                parameter.VAR_KEYWORD,
            )
            if size is not None and (wanted or size in "nm"):
                found[name] = given[size]
            elif wanted:
                raise ValueUnusable(
                    f"what {name} of {self.made.__name__} is could not be found out",
                    "sizes are known by names such as input_size and hidden_size; or check a method of an object that "
                    "you have made: sl.check(net.step, ...)",
                )
        return found

    def examples(self) -> Iterator[Callable[..., Any]]:
        """Functions that make examples, for every layout of x and the states that the method takes."""
        for shape in LAYOUTS.values():

            def make(n: int, m: int, batch: int, rng: Any, shape: Any = shape) -> dict[str, Any]:
                return self._example(shape, n, m, batch, rng)

            n, m, batch = SIZES
            try:
                with np.errstate(all="ignore"):
                    returned = self.at(n, m, batch)(**make(*SIZES, np.random.default_rng(0)))
            except ValueUnusable:
                raise
            except Exception:  # not this layout
                continue
            if any(leaf.array.shape == shape(n, batch) for leaf in leaves(returned)):
                yield make

    def _example(self, shape: Any, n: int, m: int, batch: int, rng: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.at(n, m, batch)).parameters.items():
            if name.lower() in STATES:
                found[name] = (rng.standard_normal(shape(n, batch)), rng.standard_normal(shape(n, batch)))
            elif role := role_of(name):
                found[name] = rng.standard_normal(shape(m if role == "x" else n, batch))
            elif parameter.default is parameter.empty:
                raise ValueUnusable(
                    f"what {name} of {self.made.__name__}.{self.method} is could not be found out",
                    "give example= (--example file.py:name): a function of (n, m, batch, rng) that makes the arguments",
                )
        return found


def size_of(name: str) -> str | None:
    """Which size a parameter of a constructor is: n, m, batch; None for another."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")
    return next((size for size, known in SIZE_NAMES.items() if plain in known), None)


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


def example_for(made: Factory) -> Callable[..., Any]:
    """A function that makes examples for the method; ValueUnusable where none runs."""
    found = next(made.examples(), None)
    if found is None:
        raise ValueUnusable(
            f"{made.made.__name__}.{made.method} takes none of the layouts of x and the states that were tried "
            f"({', '.join(LAYOUTS)})",
            "give example= (--example file.py:name): a function of (n, m, batch, rng) that makes the arguments",
        )
    return found
