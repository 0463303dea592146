"""One random cell of a sweep: weights from N(0, 1/fan_in), the recurrent ones times the gain, biases as asked.

Every number comes from a seed sequence of (seed, n) and of what it is for. So the same seed gives the same directions
at every gain and every bias, whatever the order of the points and the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.codegen import parameters
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.exploration.gates import Bias, additive, gated_states
from symlstm.exploration.weights import number, parts
from symlstm.gradient_flow.factors import factor_of

Array = np.ndarray[Any, Any]
STREAMS = ("recurrent weights", "other weights", "chrono", "states", "inputs", "directions")
"""What random numbers are for; a new purpose is added at the end."""


@dataclass(frozen=True)
class Draw:
    """One random cell, but for its gain. biases: (name of a bias, value). At most one of forget_bias and chrono."""

    n: int
    seed: int
    forget_bias: float | None = None
    chrono: float | None = None
    biases: tuple[tuple[str, float], ...] = ()

    def rng(self, purpose: str) -> np.random.Generator:
        """Random numbers for one purpose."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.n, STREAMS.index(purpose))))


def width(cell: Cell) -> str:
    """The name of the size that n stands for: that of the first state with a direct path, else of the first state."""
    try:
        state = factor_of(cell).state
    except RuleMissing:
        state = cell.states[0]
    length = state.previous.shape[0]
    return str(length) if length.is_Symbol else "n"


def sizes_of(cell: Cell, n: int, others: dict[str, int]) -> dict[str, int]:
    """The sizes of the cell by name; m is 32 unless it is given."""
    known = {"m": 32, **others, width(cell): n}
    return {str(d): known[str(d)] for d in cell.dims if str(d) in known}


def drawn(cell: Cell, draw: Draw, gain: float | None, others: dict[str, int]) -> dict[str, Array]:
    """The parameters by name. gain: of the recurrent weights; None for a cell that has none."""
    sizes = sizes_of(cell, draw.n, others)
    rest = draw.rng("other weights")
    p = parameters(cell, rng=rest, **sizes)
    recurrent = draw.rng("recurrent weights")
    for part in parts(cell):
        view = part.of(p, sizes)
        normal = (recurrent if part.recurrent else rest).standard_normal(view.shape)
        view[...] = normal / np.sqrt(view.shape[part.summed]) * (gain if part.recurrent and gain is not None else 1.0)
    for bias in additive(cell):
        _entries(p, bias, sizes)[...] = 0.0
    for name, value in draw.biases:
        p[name][...] = value
    if draw.forget_bias is not None or draw.chrono is not None:
        _set_gates(cell, p, sizes, draw)
    return p


def _entries(p: dict[str, Array], bias: Bias, sizes: dict[str, int]) -> Array:
    start, rows = number(bias.start, sizes), number(bias.rows, sizes)
    return p[bias.parameter.name].reshape(-1)[start : start + rows]


def _set_gates(cell: Cell, p: dict[str, Array], sizes: dict[str, int], draw: Draw) -> None:
    """A constant forget bias, or b_f = log u and b_i = -b_f with u uniform on [1, T_max - 1].

    The latter is the chrono initialisation: Tallec and Ollivier, Can recurrent neural networks warp time?, ICLR 2018.
    """
    rng = draw.rng("chrono")
    for gated in gated_states(cell):
        entries = _entries(p, gated.forget, sizes)
        if draw.chrono is None:
            entries[...] = gated.forget.sign * float(draw.forget_bias or 0.0)
            continue
        logit = np.log(1 + (draw.chrono - 2) * rng.random(entries.shape))
        entries[...] = gated.forget.sign * logit
        if gated.input is not None:
            _entries(p, gated.input, sizes)[...] = -gated.input.sign * logit
