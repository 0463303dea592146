"""Cells with numbers: parameters, a sequence and states of a cell; recurrent weights of a given gain."""

from pathlib import Path

import numpy as np

import symlstm as sl

GREFF = Path(__file__).with_name("greff.py")
VARIANTS = {
    "vanilla": 4, "no_input_gate": 3, "no_forget_gate": 3, "no_output_gate": 3, "no_input_activation": 4,
    "no_output_activation": 4, "coupled_gates": 3, "no_peepholes": 4, "full_gate_recurrence": 4,
}  # fmt: skip
"""The variants of greff.py, and how many blocks of weights (gates and block input) each has."""
BUILT_IN = ("lstm", "lstm_peephole", "gru", "gru_reset_before", "rnn")


def variant(name):
    return sl.cell(f"{GREFF}:{name}")


def states_of(cell, n, rng, size=0.5):
    return tuple(size * rng.normal(size=n) for _ in cell.states)


def gaussian(name, n, gain, rng, m=1, bias=None):
    """Recurrent weights from N(0, gain^2 / n), all else zero, but for the biases given by name."""
    cell = sl.cell(name)
    p = sl.parameters(cell, n=n, m=m)
    for q, array in p.items():
        array[...] = 0.0
        if array.ndim == 2 and array.shape[1] >= n and not q.startswith("W_" if name in ("gru", "rnn") else " "):
            array[:, :n] = rng.normal(size=(n, n)) * gain / np.sqrt(n)
    for q, value in (bias or {}).items():
        p[q][...] = value
    return p
