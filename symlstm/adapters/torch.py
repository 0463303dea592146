"""PyTorch: nn.LSTM, nn.GRU, nn.RNN and their cells, and subclasses of them.

The module itself is left as it is: a deep copy in float64 is given small parameters, which are drawn anew, and run.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symlstm.adapters.examine import M, N, P, examine_network
from symlstm.adapters.network import Adapter, Network, Place, Result
from symlstm.checking.report import Report
from symlstm.conventions.table import layout_of
from symlstm.errors import ValueUnusable

HOME = "torch.nn.modules.rnn"
KINDS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn", "LSTMCell": "lstm", "GRUCell": "gru", "RNNCell": "rnn"}
BASES = ("RNNBase", "RNNCellBase")


def recognises(thing: Any) -> bool:
    """Whether a module is one of torch's recurrent ones, or of a class derived from one."""
    return not isinstance(thing, type) and _kind(thing) is not None


def _kind(thing: Any) -> str | None:
    """The name of torch's class that it is or is derived from."""
    return next((c.__name__ for c in type(thing).__mro__ if c.__module__ == HOME and c.__name__ in KINDS), None)


def check(thing: Any, cell: Any) -> Report:
    return examine_network(network(thing), cell)


def network(module: Any, as_it_is: bool = False) -> Network:
    """A module as a network, small or as it is; ValueUnusable where it drops out."""
    kind = str(_kind(module))
    cell = KINDS[kind]
    is_cell = kind.endswith("Cell")
    if cell == "rnn" and (module.nonlinearity if is_cell else module.mode.removeprefix("RNN_").lower()) == "relu":
        cell = "rnn_relu"
    projected = getattr(module, "proj_size", 0) > 0
    if getattr(module, "dropout", 0) and module.training:
        raise ValueUnusable(
            f"{type(module).__name__} drops out at random (dropout={module.dropout})", "call module.eval() first"
        )
    layout = layout_of("torch", "lstm_projected" if projected else "rnn" if cell == "rnn_relu" else cell)
    sizes = {"n": N, "m": M, "p": P if projected else N}
    if as_it_is:
        n = module.hidden_size
        sizes = {"n": n, "m": module.input_size, "p": module.proj_size if projected else n}
    twin = copy.deepcopy(module).double().cpu().requires_grad_(True) if as_it_is else _twin(module, sizes, is_cell)
    have = dict(twin.named_parameters(recurse=False))
    levels = 1 if is_cell else module.num_layers
    directions = (False, True) if not is_cell and module.bidirectional else (False,)
    places = []
    for level in range(levels):
        for reverse in directions:
            end = "" if is_cell else f"_l{level}{'_reverse' * reverse}"
            places.append(Place(level, reverse, {a.name: a.name + end for a in layout.arrays if a.name + end in have}))
    run = _Run(twin, tuple(places), is_cell, not is_cell and module.batch_first, kind.startswith("LSTM"))
    name = "lstm_projected" if projected else cell
    weights = {key: have[key].detach().numpy().copy() for place in places for key in place.names.values()}
    own = None if as_it_is else partial(network, module, True)
    made = Network(type(module).__name__, name, layout, tuple(places), sizes, run, own=own)
    return replace(made, weights=weights) if as_it_is else made


def _twin(module: Any, sizes: Mapping[str, int], is_cell: bool) -> Any:
    """A copy in float64 with small parameters; the module is not touched."""
    import torch

    twin = copy.deepcopy(module).double().cpu().requires_grad_(True)
    layers = 1 if is_cell else len(twin.all_weights) // twin.num_layers
    old = {"n": module.hidden_size, "p": getattr(module, "proj_size", 0) or module.hidden_size, "m": module.input_size}
    twin.hidden_size, twin.input_size = sizes["n"], sizes["m"]
    if getattr(twin, "proj_size", 0):
        twin.proj_size = sizes["p"]
    for name, parameter in list(twin.named_parameters(recurse=False)):
        width = _width(name, old, sizes, layers)
        rows = sizes["p"] if name.startswith("weight_hr") else sizes["n"] * (len(parameter) // old["n"])
        shape = (rows, width) if parameter.ndim == 2 else (rows,)
        setattr(twin, name, torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)))
    if not is_cell:
        twin._flat_weights = [getattr(twin, name) for name in twin._flat_weights_names]
    return twin


def _width(name: str, old: Mapping[str, int], sizes: Mapping[str, int], directions: int) -> int:
    if name.startswith("weight_hh"):
        return sizes["p"]
    if name.startswith("weight_hr"):
        return sizes["n"]
    first = "_l" not in name or name.removesuffix("_reverse").endswith("_l0")
    return sizes["m"] if first else sizes["p"] * directions


class _Run:
    """Runs the twin: see Network.run."""

    def __init__(self, twin: Any, places: tuple[Place, ...], is_cell: bool, batch_first: bool, two: bool) -> None:
        self.twin, self.places, self.is_cell, self.batch_first, self.two = twin, places, is_cell, batch_first, two

    def __call__(self, arrays: Mapping[str, Any], x: Any, states: Mapping[Any, Any], upstream: Any) -> Result:
        import torch

        named = dict(self.twin.named_parameters(recurse=False))
        with torch.no_grad():
            for key, array in arrays.items():
                named[key].copy_(torch.from_numpy(np.ascontiguousarray(array)))
        wanted = upstream is not None
        with torch.set_grad_enabled(wanted):
            inputs = torch.tensor(x, requires_grad=wanted)
            given = {key: torch.tensor(value, requires_grad=wanted) for key, value in states.items()}
            output, last = self.cell(inputs, given) if self.is_cell else self.layers(inputs, given)
        found = Result(output.detach().numpy().copy(), {key: v.detach().numpy().copy() for key, v in last.items()})
        if not wanted:
            return found
        loss = (output * torch.tensor(upstream["output"])).sum()
        loss = loss + sum((last[key] * torch.tensor(upstream[key])).sum() for key in last)
        of = {**{key: named[key] for key in arrays}, "x": inputs, **given}
        gradients = torch.autograd.grad(loss, list(of.values()), allow_unused=True)
        made = {
            key: np.zeros(tuple(t.shape)) if g is None else g.numpy()
            for (key, t), g in zip(of.items(), gradients, strict=True)
        }
        return Result(found.output, found.last, made)

    def layers(self, inputs: Any, given: Mapping[Any, Any]) -> Any:
        import torch

        names = ("h", "c") if self.two else ("h",)
        first = [torch.stack([given[k, name] for k in range(len(self.places))]) for name in names]
        x = inputs.transpose(0, 1) if self.batch_first else inputs
        output, last = self.twin(x, tuple(first) if self.two else first[0])
        output = output.transpose(0, 1) if self.batch_first else output
        finals = last if self.two else (last,)
        return output, {(k, name): v[k] for name, v in zip(names, finals, strict=True) for k in range(len(self.places))}

    def cell(self, inputs: Any, given: Mapping[Any, Any]) -> Any:
        import torch

        state: Any = (given[0, "h"], given[0, "c"]) if self.two else given[0, "h"]
        outputs = []
        for step in inputs:
            state = self.twin(step, state)
            outputs.append(state[0] if self.two else state)
        finals = dict(zip(("h", "c"), state, strict=True)) if self.two else {"h": state}
        return torch.stack(outputs), {(0, name): value for name, value in finals.items()}


ADAPTER = Adapter(recognises, check)
