"""Keras 3: layers LSTM, GRU and SimpleRNN, and of classes derived from them, on whatever backend runs.

A twin is made from the layer's own configuration and run, in float64 (on JAX in float32): with few units
and weights drawn anew, and as it is. Gradients are those that PyTorch or JAX gives, where one of them is the backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from symlstm.adapters.compared import BATCH, STEPS
from symlstm.adapters.examine import U32, M, N, examine_network
from symlstm.adapters.network import Adapter, Network, Place, Result
from symlstm.checking.report import NOTE, Finding, Report
from symlstm.conventions.table import layout_of
from symlstm.errors import ValueUnusable
from symlstm.evidence.running import U

KINDS = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}


def recognises(thing: Any) -> bool:
    """Whether it is a recurrent layer of Keras, or of a class derived from one."""
    return not isinstance(thing, type) and _kind(thing) is not None


def _kind(layer: Any) -> str | None:
    return next(
        (c.__name__ for c in type(layer).__mro__ if c.__module__.startswith("keras.") and c.__name__ in KINDS), None
    )


def check(thing: Any, cell: Any) -> Report:
    return examine_network(network(thing), cell)


def network(layer: Any, as_it_is: bool = False) -> Network:
    """A layer as a network, small or as it is; ValueUnusable where no twin can be made from its configuration."""
    import keras

    cell = KINDS[str(_kind(layer))]
    if cell == "gru" and not layer.reset_after:
        cell = "gru_reset_before"
    if cell == "rnn" and getattr(layer.activation, "__name__", "") == "relu":
        cell = "rnn_relu"
    layout = layout_of("keras", "rnn" if cell == "rnn_relu" else cell)
    n = layer.units if as_it_is else N
    m = int(layer.cell.kernel.shape[0]) if as_it_is and layer.built else M
    changes = {"units": n, "dtype": _dtype(), "return_sequences": True, "return_state": True, "stateful": False}
    try:
        twin = type(layer).from_config({**layer.get_config(), **changes, "name": None})
        twin.build((BATCH, STEPS, m))
    except Exception as error:  # somebody's class: anything may happen
        raise ValueUnusable(
            f"no layer of the class {type(layer).__name__} can be made from its configuration: {error}",
            "get_config and from_config must fit each other",
        ) from error
    names = {a.name: a.name for a in layout.arrays if layer.use_bias or a.name != "bias"}
    place = Place(0, bool(layer.go_backwards), names)
    notes = []
    if layer.go_backwards:
        text = "go_backwards=True: the output is in the order in which the steps are taken, the last step first"
        notes.append(Finding("go_backwards", "", "", text, "", NOTE))
    held = {name: _array(getattr(layer.cell, name).value) for name in names} if as_it_is and layer.built else {}
    return Network(
        type(layer).__name__,
        cell,
        layout,
        (place,),
        {"n": n, "m": m, "p": n},
        _Run(twin, cell == "lstm", place.reverse, tuple(names)),
        unit=U32 if _dtype() == "float32" else U,
        differentiates=keras.backend.backend() in GRADIENTS,
        notes=tuple(notes),
        weights={name: np.asarray(array, dtype=float) for name, array in held.items()},
        own=None if as_it_is else partial(network, layer, True),
    )


def _dtype() -> str:
    """float32 on JAX: it has no other numbers unless told so, and Keras computes tanh of float64 in float32 there."""
    import keras

    return "float32" if keras.backend.backend() == "jax" else "float64"


class _Run:
    """Runs the twin: see Network.run."""

    def __init__(self, twin: Any, two: bool, reverse: bool, names: tuple[str, ...]) -> None:
        self.twin, self.states, self.reverse = twin, ("h", "c") if two else ("h",), reverse
        self.variables = {name: getattr(twin.cell, name) for name in names}

    def __call__(self, arrays: Mapping[str, Any], x: Any, states: Mapping[Any, Any], upstream: Any) -> Result:
        import keras

        given = [*(arrays[name] for name in self.variables), np.swapaxes(x, 0, 1)]
        given += [states[0, name] for name in self.states]
        above = None
        if upstream is not None:
            output = upstream["output"][::-1] if self.reverse else upstream["output"]
            above = [np.swapaxes(output, 0, 1), *(upstream[0, name] for name in self.states)]
        tensors = [keras.ops.convert_to_tensor(array.copy(), dtype=_dtype()) for array in given]
        gradients = GRADIENTS.get(keras.backend.backend())
        found: list[Any] = []
        if above is None or gradients is None:
            results = self.results(tensors)
        else:
            weights = [keras.ops.convert_to_tensor(array.copy(), dtype=_dtype()) for array in above]
            results, found = gradients(self.results, tensors, weights)
        output, *last = (_array(v) for v in results)
        made = [_array(gradient) for gradient in found]
        output = np.swapaxes(output, 0, 1)
        finals = {(0, name): value for name, value in zip(self.states, last, strict=True)}
        keys: list[Any] = [*self.variables, "x", *((0, name) for name in self.states)]
        by_key = dict(zip(keys, made, strict=True)) if made else {}
        if by_key:
            by_key["x"] = np.swapaxes(by_key["x"], 0, 1)
        return Result(output[::-1] if self.reverse else output, finals, by_key)

    def results(self, tensors: list[Any]) -> list[Any]:
        """The output and the last states, of the arrays of weights, x and the first states."""
        import keras

        count = len(self.variables)
        own = list(zip(self.variables.values(), tensors[:count], strict=True))
        with keras.StatelessScope(state_mapping=own):
            return list(self.twin(tensors[count], initial_state=tensors[count + 1 :], training=False))


def _by_torch(run: Any, tensors: list[Any], above: list[Any]) -> tuple[Any, Any]:
    import torch

    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    results = run(leaves)
    total = sum((result * weight).sum() for result, weight in zip(results, above, strict=True))
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    return results, [torch.zeros_like(t) if g is None else g for t, g in zip(leaves, found, strict=True)]


def _by_jax(run: Any, tensors: list[Any], above: list[Any]) -> tuple[Any, Any]:
    import jax

    results, pull = jax.vjp(run, tensors)
    return results, pull(above)[0]


GRADIENTS = {"torch": _by_torch, "jax": _by_jax}
"""Backend -> (results, gradients of the sum of results times weights)."""


def _array(value: Any) -> Any:
    """NumPy's array of a tensor of any backend."""
    return np.array(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


ADAPTER = Adapter(recognises, check)
