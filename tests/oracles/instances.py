"""Random numbers for every cell: shapes of its parameters, its states and outputs, in one table."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import numpy as np

_LSTM = {**{f"W_{g}": ("n", "n+m") for g in "fico"}, **{f"b_{g}": ("n",) for g in "fico"}}
_PEEPHOLES = {f"p_{g}": ("n",) for g in "fio"}
_PROJECTED = {**{f"W_{g}": ("n", "p+m") for g in "fico"}, **{f"b_{g}": ("n",) for g in "fico"}, "W_h": ("p", "n")}
_PREDICTION = {"W_y": ("q", "n"), "b_y": ("q",)}


def _gru(gates):
    return {
        **{f"W_{g}": ("n", "m") for g in gates},
        **{f"U_{g}": ("n", "n") for g in gates},
        **{f"b_{g}": ("n",) for g in gates},
    }


# cell: shapes of its parameters, states in the order returned, outputs that are not states
CELLS = {
    "lstm": (_LSTM, ("h", "c"), ()),
    "lstm_softmax": (_LSTM | _PREDICTION, ("h", "c"), ("y",)),
    "lstm_peephole": (_LSTM | _PEEPHOLES, ("h", "c"), ()),
    "lstm_projected": (_PROJECTED, ("h", "c"), ()),
    "gru": (_gru("rzn") | {"c_n": ("n",)}, ("h",), ()),
    "gru_reset_before": (_gru("rzh"), ("h",), ()),
    "rnn": ({"W": ("n", "m"), "U": ("n", "n"), "b": ("n",)}, ("h",), ()),
    "rnn_relu": ({"W": ("n", "m"), "U": ("n", "n"), "b": ("n",)}, ("h",), ()),
}
STATE_SIZES = {("lstm_projected", "h"): "p"}
"""The size of a state, where it is not n."""


class Instance(NamedTuple):
    """The numbers for one step: x (*batch, m), states (*batch, n), upstream by name of state or output."""

    p: dict[str, np.ndarray]
    x: np.ndarray
    states: tuple[np.ndarray, ...]
    upstream: dict[str, np.ndarray]


def oracle(cell):
    """The module with the hand-written `cell`."""
    return import_module(f"tests.oracles.{cell}")


def instance(cell, *, n=5, m=3, q=4, p=4, batch=(), rng=0, dtype=np.float64):
    """All numbers uniform in (-1, 1), matrices divided by the square root of their columns.

    So pre-activations stay within about 2, where 1 - tanh^2 does not cancel: what differs between two correct
    programs is then rounding, not conditioning.
    """
    rng = np.random.default_rng(rng)
    size = {"n": n, "m": m, "q": q, "p": p, "n+m": n + m, "p+m": p + m}
    shapes, states, outputs = CELLS[cell]

    def uniform(*shape):
        return rng.uniform(-1, 1, shape).astype(dtype)

    def parameter(shape):
        sizes = [size[each] for each in shape]
        scale = np.sqrt(sizes[1]).astype(dtype) if len(sizes) == 2 else dtype(1)
        return uniform(*sizes) / scale

    length = {name: size[STATE_SIZES.get((cell, name), "n")] for name in states}
    parameters = {name: parameter(shape) for name, shape in shapes.items()}
    upstream = {name: uniform(*batch, length[name]) for name in states}
    upstream |= {name: uniform(*batch, q) for name in outputs}
    return Instance(parameters, uniform(*batch, m), tuple(uniform(*batch, length[name]) for name in states), upstream)
