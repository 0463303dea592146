"""Flax linen: LSTMCell, OptimizedLSTMCell, GRUCell and SimpleCell, alone or as (module, variables).

A clone in float64 is run: with few features and parameters drawn anew, and as it is, on the variables where these are
given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from symlstm.adapters.examine import M, N, examine_network
from symlstm.adapters.network import Adapter, Network, Place, Result
from symlstm.checking.report import Report
from symlstm.conventions.table import layout_of

KINDS = {"LSTMCell": "lstm", "OptimizedLSTMCell": "lstm", "GRUCell": "gru", "SimpleCell": "rnn"}


def recognises(thing: Any) -> bool:
    """Whether it is a recurrent cell of Flax, or of a class derived from one."""
    return _kind(_module(thing)) is not None


def _module(thing: Any) -> Any:
    return thing[0] if isinstance(thing, tuple) and len(thing) == 2 else thing


def _kind(module: Any) -> str | None:
    home = "flax.linen"
    return next(
        (c.__name__ for c in type(module).__mro__ if c.__module__.startswith(home) and c.__name__ in KINDS), None
    )


def check(thing: Any, cell: Any) -> Report:
    return examine_network(network(thing), cell)


def network(thing: Any, as_it_is: bool = False) -> Network:
    """A cell, or (cell, variables), as a network of one layer, whose steps are run one by one."""
    module = _module(thing)
    cell = KINDS[str(_kind(module))]
    layout = layout_of("flax", cell)
    place = Place(0, False, {a.name: a.name for a in layout.arrays})
    weights = _weights(thing[1]) if as_it_is and isinstance(thing, tuple) else {}
    n = module.features if as_it_is else N
    m = next((a.shape[0] for name, a in weights.items() if name.startswith("i") and name.endswith("kernel")), M)
    run = _Run(module.clone(features=n, dtype=np.float64, param_dtype=np.float64), two=cell == "lstm")
    own = None if as_it_is else partial(network, thing, True)
    sizes = {"n": n, "m": m, "p": n}
    return Network(type(module).__name__, cell, layout, (place,), sizes, run, weights=weights, own=own)


def _weights(variables: Any) -> dict[str, Any]:
    """gate.kernel and gate.bias, of {"params": {gate: {"kernel": ...}}} or what is inside."""
    tree = variables.get("params", variables)
    return {f"{gate}.{kind}": np.asarray(a, dtype=float) for gate, own in tree.items() for kind, a in own.items()}


class _Run:
    """Runs the twin: see Network.run."""

    def __init__(self, twin: Any, two: bool) -> None:
        import jax

        self.twin, self.names = twin, ("h", "c") if two else ("h",)
        self.compiled = jax.jit(self.steps)

    def __call__(self, arrays: Mapping[str, Any], x: Any, states: Mapping[Any, Any], upstream: Any) -> Result:
        import jax

        with jax.enable_x64(True):
            first = {name: states[0, name] for name in self.names}
            if upstream is None:
                output, last = self.compiled(dict(arrays), x, first)
                return Result(np.asarray(output), {(0, name): np.asarray(v) for name, v in last.items()})
            (output, last), pull = jax.vjp(self.compiled, dict(arrays), x, first)
            above = jax.numpy.asarray(upstream["output"]), {k: jax.numpy.asarray(upstream[0, k]) for k in last}
            d_arrays, d_x, d_first = pull(above)
            made = {**d_arrays, "x": d_x, **{(0, name): d for name, d in d_first.items()}}
            finals = {(0, name): np.asarray(v) for name, v in last.items()}
            return Result(np.asarray(output), finals, {key: np.asarray(d) for key, d in made.items()})

    def steps(self, arrays: Any, x: Any, first: Any) -> Any:
        """(every h, the last states)."""
        import jax.numpy as jnp

        tree: dict[str, dict[str, Any]] = {}
        for name, array in arrays.items():
            gate, kind = name.split(".")
            tree.setdefault(gate, {})[kind] = jnp.asarray(array)
        first = {name: jnp.asarray(value) for name, value in first.items()}
        carry = (first["c"], first["h"]) if "c" in first else first["h"]
        outputs = []
        for step in jnp.asarray(x):
            carry, y = self.twin.apply({"params": tree}, carry, step)
            outputs.append(y)
        last = {"c": carry[0], "h": carry[1]} if "c" in first else {"h": carry}
        return jnp.stack(outputs), {name: last[name] for name in first}


ADAPTER = Adapter(recognises, check)
