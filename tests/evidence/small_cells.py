"""Small cells that together use every node type, every linear map and every function of the tables."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

import symlstm as sl
from symlstm import functions as F
from symlstm.equations import Cell
from symlstm.errors import RuleMissing


def _with(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A cell around one elementwise function, which sees a mixture of both arguments."""

    def small(x: "m", h_prev: "n", *, U: "n n", V: "n m", b: "n"):
        z = U @ h_prev + V @ x + b
        a = function(z)
        h = a * h_prev
        return h

    return small


def quotient(x: "m", h_prev: "n", *, U: "n n", V: "n m", b: "n"):
    above = U @ h_prev
    below = 3 + np.tanh(V @ x + b * h_prev)
    h = above / below
    return h


def maximum(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    left = U @ h_prev
    right = V @ x
    h = np.maximum(left, right) * h_prev
    return h


def minimum(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    left = U @ h_prev
    right = V @ x
    h = np.minimum(left, right) * h_prev
    return h


def where(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    left = U @ h_prev
    right = V @ x
    h = np.where(left > right, left * h_prev, np.tanh(right)) * h_prev
    return h


def _reduced(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A cell around a function of a whole vector that gives one number."""

    def small(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
        z = U @ h_prev + V @ x
        s = function(z)
        h = s * h_prev
        return h

    return small


def softmax(x: "m", h_prev: "n", *, U: "n n", V: "n m"):
    y = F.softmax(U @ h_prev + V @ x)
    h = y * h_prev
    return h


ELEMENTWISE_CELLS: dict[str, Callable[..., Any]] = {
    "sigmoid": _with(F.sigmoid),
    "tanh": _with(np.tanh),
    "relu": _with(F.relu),
    "step": _with(lambda z: np.heaviside(z, 0.0)),
    "exp": _with(np.exp),
    "log": _with(np.log),
    "sqrt": _with(np.sqrt),
    "abs": _with(np.abs),
    "sign": _with(np.sign),
    "softplus": _with(F.softplus),
    "log_sigmoid": _with(F.log_sigmoid),
    "sin": _with(np.sin),
    "cos": _with(np.cos),
    "sinh": _with(np.sinh),
    "cosh": _with(np.cosh),
    "arctan": _with(np.arctan),
    "expm1": _with(np.expm1),
    "log1p": _with(lambda z: np.log1p(z * z)),
    "power": _with(lambda z: z**3),
    "divide": quotient,
    "maximum": maximum,
    "minimum": minimum,
    "where": where,
}

WHOLE_CELLS: dict[str, Callable[..., Any]] = {
    "softmax": softmax,
    "sum": _reduced(np.sum),
    "mean": _reduced(np.mean),
    "variance": _reduced(np.var),
    "max": _reduced(np.max),
    "norm": _reduced(F.norm),
    "logsumexp": _reduced(F.logsumexp),
}


def transposed(x: "m", h_prev: "n", *, U: "n n", V: "m n", p: "n"):
    """x^T V and V^T x, an inner product, an outer product."""
    z = x @ V + U.T @ h_prev
    s = p @ h_prev
    h = np.tanh(z) * s + np.outer(p, z) @ h_prev
    return h


def blocks(x: "m", h_prev: "n", *, W: "2*n n+m", b: "2*n"):
    """Two gates from one product, and a part of the concatenation."""
    hx = np.concatenate([h_prev, x])
    z = np.tanh(W @ hx + b)
    n = h_prev.shape[0]
    h = z[:n] * z[n:] + 2 * h_prev - W[n:, :n] @ h_prev
    return h


def normalised(x: "m", h_prev: "n", *, U: "n n", V: "n m", g: "n", e: "1"):
    """Layer normalisation, with a number spread over a vector."""
    z = U @ h_prev + V @ x
    centred = z - np.mean(z)
    h = np.tanh(g * centred / np.sqrt(np.var(z) + e**2))
    return h


def chained(x: "m", h_prev: "n", c_prev: "n", *, U: "n n", V: "n m", W: "n n"):
    """Two states that feed each other, a repeated part, half a product."""
    z = U @ (h_prev * c_prev) + V @ x
    c = F.sigmoid(z) * np.tanh(z) - 0.5 * c_prev
    h = W @ (W @ c) * h_prev
    return h, c


NODE_CELLS: dict[str, Callable[..., Any]] = {
    "transposed": transposed,
    "blocks": blocks,
    "normalised": normalised,
    "chained": chained,
}


@cache
def cell_of(function: Callable[..., Any]) -> Cell:
    return sl.cell(function)


def results(cell: Cell) -> Iterator[Any]:
    """Everything there is to derive about a cell; what has no closed form as a Jacobian is left out."""
    states = [s.previous for s in cell.states]
    for of in [*(s.current for s in cell.states), *cell.outputs]:
        for wrt in [*states, *cell.inputs, *cell.parameters]:
            for paths in ("partial", "total") if wrt in states else ("partial",):
                try:
                    yield sl.derive(cell, of.name, wrt.name, paths=paths)
                except RuleMissing:
                    continue
    yield sl.backward(cell)
