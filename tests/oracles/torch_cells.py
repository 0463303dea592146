"""torch's own LSTMCell, GRUCell and RNNCell, with our parameters mapped in and the gradients mapped back.

torch stacks its gates: LSTMCell i, f, g (the candidate), o; GRUCell r, z, n. It has two biases, which add up
except in the GRU's candidate, where bias_hh is c_n, inside the reset product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tests.support.frameworks import require


class Layout(NamedTuple):
    """How a torch cell is made of our parameters. W acts on [h_prev, x] where `joint`, else U and W apart."""

    torch_class: str
    suffixes: tuple[str, ...]  # the gates in torch's order, as our parameter names end
    states: tuple[str, ...]
    joint: bool = False
    bias_hh: str | None = None  # our name for bias_hh of the last gate


LAYOUTS = {
    "lstm": Layout("LSTMCell", ("_i", "_f", "_c", "_o"), ("h", "c"), joint=True),
    "gru": Layout("GRUCell", ("_r", "_z", "_n"), ("h",), bias_hh="c_n"),
    "rnn": Layout("RNNCell", ("",), ("h",)),
}


def weights(cell, p):
    """Our parameters as torch's: weight_ih, weight_hh, bias_ih, bias_hh."""
    layout = LAYOUTS[cell]
    n = p[f"b{layout.suffixes[0]}"].shape[0]
    W = [p[f"W{s}"] for s in layout.suffixes]
    U = [w[:, :n] for w in W] if layout.joint else [p[f"U{s}"] for s in layout.suffixes]
    if layout.joint:
        W = [w[:, n:] for w in W]
    bias = np.concatenate([p[f"b{s}"] for s in layout.suffixes])
    bias_hh = np.zeros_like(bias)
    if layout.bias_hh:
        bias_hh[-n:] = p[layout.bias_hh]
    return {
        **{"weight_ih": np.concatenate(W), "weight_hh": np.concatenate(U)},
        **{"bias_ih": bias, "bias_hh": bias_hh},
    }


def our_gradients(cell, torch_gradients):
    """torch's gradients (by its names) under ours, in our shapes."""
    layout = LAYOUTS[cell]
    parts = {name: np.split(g, len(layout.suffixes)) for name, g in torch_gradients.items()}
    gradients = {}
    for k, s in enumerate(layout.suffixes):
        W, U = parts["weight_ih"][k], parts["weight_hh"][k]
        if layout.joint:
            gradients[f"W{s}"] = np.concatenate([U, W], axis=1)
        else:
            gradients |= {f"W{s}": W, f"U{s}": U}
        gradients[f"b{s}"] = parts["bias_ih"][k]
    if layout.bias_hh:
        gradients[layout.bias_hh] = parts["bias_hh"][-1]
    return gradients


def torch_cell(cell, p):
    """torch's module for `cell` with our parameters, in their dtype."""
    torch = require("torch")
    mapped = weights(cell, p)
    columns, n = mapped["weight_ih"].shape[1], mapped["weight_hh"].shape[1]
    dtype = torch.from_numpy(mapped["bias_ih"]).dtype
    module = getattr(torch.nn, LAYOUTS[cell].torch_class)(columns, n, dtype=dtype)
    with torch.no_grad():
        for name, value in mapped.items():
            getattr(module, name).copy_(torch.from_numpy(value))
    return module


def forward_and_gradients(cell, p, x, states, upstream):
    """(new states by name, gradients by our names) from torch; x (..., m) with any leading axes or none."""
    torch = require("torch")
    layout, module = LAYOUTS[cell], torch_cell(cell, p)
    batch = x.shape[:-1]

    def leaf(array):
        return torch.from_numpy(array.reshape(-1, array.shape[-1]).copy()).requires_grad_()

    x_leaf, leaves = leaf(x), [leaf(state) for state in states]
    out = module(x_leaf, tuple(leaves) if len(leaves) > 1 else leaves[0])
    new = dict(zip(layout.states, out if len(leaves) > 1 else (out,), strict=True))
    loss = sum((new[name] * leaf(d).detach()).sum() for name, d in upstream.items())
    loss.backward()

    def back(tensor):
        return tensor.detach().numpy().reshape(*batch, -1)

    gradients = our_gradients(cell, {name: w.grad.numpy() for name, w in module.named_parameters()})
    gradients["x"] = back(x_leaf.grad)
    gradients |= {f"{name}_prev": back(each.grad) for name, each in zip(layout.states, leaves, strict=True)}
    return {name: back(value) for name, value in new.items()}, gradients
