"""Keras 3: layers LSTM, GRU and SimpleRNN, and of classes derived from them, on whatever backend runs.

A twin is made from the layer's own configuration, in float64 and with few units, and run on weights drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symlstm.adapters.compared import BATCH, STEPS
from symlstm.adapters.examine import M, N, examine_network
from symlstm.adapters.network import Adapter, Network, Place, Result
from symlstm.checking.report import NOTE, Finding, Report
from symlstm.conventions.table import layout_of
from symlstm.errors import ValueUnusable

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


def network(layer: Any) -> Network:
    """A layer as a network; ValueUnusable where no twin can be made from its configuration."""
    cell = KINDS[str(_kind(layer))]
    if cell == "gru" and not layer.reset_after:
        cell = "gru_reset_before"
    if cell == "rnn" and getattr(layer.activation, "__name__", "") == "relu":
        cell = "rnn_relu"
    layout = layout_of("keras", "rnn" if cell == "rnn_relu" else cell)
    changes = {"units": N, "dtype": "float64", "return_sequences": True, "return_state": True, "stateful": False}
    try:
        twin = type(layer).from_config({**layer.get_config(), **changes, "name": None})
        twin.build((BATCH, STEPS, M))
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
    return Network(
        type(layer).__name__,
        cell,
        layout,
        (place,),
        {"n": N, "m": M, "p": N},
        _Run(twin, cell == "lstm", place.reverse),
        differentiates=False,
        notes=tuple(notes),
    )


class _Run:
    """Runs the twin: see Network.run."""

    def __init__(self, twin: Any, two: bool, reverse: bool) -> None:
        self.twin, self.names, self.reverse = twin, ("h", "c") if two else ("h",), reverse

    def __call__(self, arrays: Mapping[str, Any], x: Any, states: Mapping[Any, Any], upstream: Any) -> Result:
        import keras

        for name, array in arrays.items():
            getattr(self.twin.cell, name).assign(array)
        tensor = keras.ops.convert_to_tensor(np.swapaxes(x, 0, 1), dtype="float64")
        first = [keras.ops.convert_to_tensor(states[0, name], dtype="float64") for name in self.names]
        output, *last = (_array(v) for v in self.twin(tensor, initial_state=first, training=False))
        output = np.swapaxes(output, 0, 1)
        finals = {(0, name): value for name, value in zip(self.names, last, strict=True)}
        return Result(output[::-1] if self.reverse else output, finals)


def _array(value: Any) -> Any:
    """NumPy's array of a tensor of any backend."""
    return np.array(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


ADAPTER = Adapter(recognises, check)
