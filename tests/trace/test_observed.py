"""A cell is read by running it: under a profiler, a debugger's trace function, or in threads it reads the same."""

import cProfile
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symlstm as sl


def fresh():
    """A new function each time, so that nothing is remembered."""

    def cell(x: "m", h_prev: "n", *, W: "n n+m", b: "n", a: "n"):
        hx = np.concatenate([h_prev, x])
        z = 1 / (1 + np.exp(-(W @ hx + b)))  # gate
        s = np.tanh(a * h_prev)
        h = z * h_prev + (1 - z) * s  # hidden state
        return h

    return cell


NAMES = ["hx", "z", "s", "h"]


def seen(cell):
    return [(e.name, str(e.expr), e.note) for e in cell.equations]


@pytest.fixture(scope="module")
def plain():
    found = seen(sl.cell(fresh()))
    assert [name for name, *_ in found] == NAMES
    assert dict((name, note) for name, _, note in found)["z"] == "gate"
    return found


def test_a_cell_is_read_under_a_profiler(plain):
    profile = cProfile.Profile()
    profile.enable()
    before = sys.getprofile()
    try:
        cell = sl.cell(fresh())
        assert sys.getprofile() is before
    finally:
        profile.disable()
    assert seen(cell) == plain
    assert sl.derive(cell, "h", "h_prev").evidence().ok


def test_a_cell_is_read_under_a_profile_function(plain):
    events = []

    def watch(frame, event, argument):
        events.append(event)

    sys.setprofile(watch)
    try:
        cell = sl.cell(fresh())
        assert sys.getprofile() is watch
    finally:
        sys.setprofile(None)
    assert events and seen(cell) == plain


def test_a_cell_is_read_under_a_line_tracer_which_stays_in_place(plain):
    """As coverage and debuggers do: every frame is followed line by line."""
    lines = set()

    def trace(frame, event, argument):
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        cell = sl.cell(fresh())
        d = sl.derive(cell, "h", "h_prev")
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
    assert seen(cell) == plain
    code = cell.function.__code__
    body = {line for _, _, line in code.co_lines() if line and line > code.co_firstlineno}
    assert body <= {line for name, line in lines if name == code.co_filename}
    assert d.result.shape[0] == d.result.shape[1]


def test_an_error_while_reading_leaves_the_tracer_in_place():
    def branching(x: "m", h_prev: "n"):
        if h_prev.sum() > 0:
            return h_prev
        return h_prev + 1

    def trace(frame, event, argument):
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(sl.SymlstmError):
            sl.cell(branching)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


def test_cells_are_read_in_many_threads_at_once(plain):
    start = threading.Barrier(8)

    def read(_):
        start.wait()
        cell = sl.cell(fresh())
        return seen(cell), str(sl.derive(cell, "h", "h_prev").result)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(read, range(8)))
    assert all(equations == plain for equations, _ in found)
    assert len({result for _, result in found}) == 1


def test_different_cells_in_different_threads_do_not_mix():
    names = ["lstm", "gru", "rnn", "lstm_peephole"] * 3
    alone = {name: seen(sl.cell(sl.cell(name).function)) for name in set(names)}
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda name: seen(sl.cell(sl.cell(name).function)), names))
    assert found == [alone[name] for name in names]
