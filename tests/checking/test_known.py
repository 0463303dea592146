"""A function in the cell's own names needs no search for its convention."""

import pytest

import symlstm as sl
from symlstm.checking.check import examine
from symlstm.checking.known import own_names

CELLS = ["lstm", "lstm_peephole", "gru", "gru_reset_before", "rnn"]


def sequence(name, edit=lambda cell, states: states):
    """A compiled cell run over a sequence, in the cell's own names, and an example of it."""
    cell = sl.cell(name)
    kernel = sl.compile(cell)
    states = [s.current.name for s in cell.states]

    def run(x, parameters, **initial):
        carried = tuple(initial[s.previous.name] for s in cell.states)
        shown = {s: [] for s in states}
        for part in x:
            carried = edit(cell, kernel.step(parameters, part, carried))
            carried = carried if isinstance(carried, tuple) else (carried,)
            for s, value in zip(states, carried, strict=True):
                shown[s].append(value)
        return shown | {f"{s}_last": value for s, value in zip(states, carried, strict=True)}

    def example(n, m, batch, T, rng):
        p = sl.parameters(cell, n=n, m=m)
        made = {"x": rng.standard_normal((T, batch, m)), "parameters": {k: p[k] for k in p}}
        return made | {s.previous.name: rng.standard_normal((batch, n)) for s in cell.states}

    return run, example


@pytest.mark.parametrize("name", CELLS)
def test_a_compiled_cell_over_a_sequence_is_that_cell(name):
    run, example = sequence(name)
    report = examine(run, name, example=example, conventions=own_names)
    assert report.ok and not report.findings, str(report)
    assert all(row["scaled"] <= row["bound"] for row in report.ulps.values())


def test_a_wrong_one_is_not():
    run, example = sequence("lstm", lambda cell, states: (states[0], states[0]))
    report = examine(run, "lstm", example=example, conventions=own_names)
    assert not report.ok
