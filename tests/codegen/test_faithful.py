"""A cell that computes something else on numbers than on symbols is refused before it is compiled or exported."""

import time

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen import export, faithful
from symlstm.errors import CellError
from symlstm.functions import tanh
from tests.codegen.adhoc import CELLS as ADHOC
from tests.codegen.numbers import BUILT_IN, cell_of
from tests.trace.test_wild import CELLS as WILD
from tests.trace.test_wild import SCALARS, function_of

COUNT = [0]


def random_number(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev) * np.random.rand()
    return h


def seen_type(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev)
    if isinstance(h, np.ndarray):
        h = 2 * h
    return h


def counter(x: "m", h_prev: "n", *, W: "n m"):
    COUNT[0] += 1
    h = tanh(W @ x + h_prev) * COUNT[0]
    return h


def other_at_zero(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev)
    if isinstance(h_prev, np.ndarray) and not h_prev.any():
        h = h + 1
    return h


def other_at_ties(x: "m", h_prev: "n", *, W: "n m"):
    g = h_prev >= 0 if isinstance(h_prev, np.ndarray) else h_prev > 0
    h = np.where(g, 1.0, 0.5) * (W @ x)
    return h


def only_when_large(x: "m", h_prev: "n", *, W: "n m"):
    h = W @ x + h_prev
    return h if not isinstance(h, np.ndarray) else np.clip(h, -5, 5)


def wrong_output(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev)
    y = h * 2 if isinstance(h, np.ndarray) else h * 3
    return h, y


def other_shape(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev)
    return np.concatenate([h, h]) if isinstance(h, np.ndarray) else h


def other_structure(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev)
    return {"state": h} if isinstance(h, np.ndarray) else {"h": h}


def raising(x: "m", h_prev: "n", *, W: "n m"):
    h = tanh(W @ x + h_prev)
    if isinstance(h, np.ndarray):
        raise RuntimeError("not on numbers")
    return h


WRONG = {
    random_number: "two values of h for the same arguments",
    counter: "two values of h for the same arguments",
    seen_type: r"not what its function computes: h is .* and .* in entry .* by the function.*at random numbers: x = \[",
    other_at_zero: "at zero states",
    other_at_ties: "at zero states",
    only_when_large: "at large random numbers",
    wrong_output: "computes: y is",
    other_shape: r"of shape \(6,\), its equations give \(3,\)",
    other_structure: "no array for h when it runs on numbers",
    raising: "not run on numbers: .*RuntimeError: not on numbers",
}


@pytest.mark.parametrize("function", WRONG, ids=lambda f: f.__name__)
@pytest.mark.parametrize("make", [sl.compile, export], ids=["compile", "export"])
def test_a_cell_that_was_misread_is_refused(function, make):
    with pytest.raises(CellError, match=f"(?s){WRONG[function]}") as caught:
        make(sl.cell(function))
    assert function.__name__ in caught.value.message
    assert caught.value.hint


def test_the_step_with_numbers_filled_in_is_refused_too():
    values = {"x": [1.0], "h_prev": [0.5, 0.25], "W": [[1.0], [2.0]]}
    with pytest.raises(CellError, match="not what its function computes"):
        sl.walk(sl.cell(seen_type), values)


def test_an_honest_cell_with_the_same_equations_does_not_vouch_for_another():
    def seen_type(x: "m", h_prev: "n", *, W: "n m"):
        h = tanh(W @ x + h_prev)
        return h

    sl.compile(seen_type)
    assert sl.cell(seen_type) == sl.cell(globals()["seen_type"])
    with pytest.raises(CellError):
        sl.compile(globals()["seen_type"])


@pytest.mark.parametrize("name", [*BUILT_IN, *ADHOC])
def test_a_cell_is_what_its_function_computes(name):
    sl.compile(cell_of(name))


@pytest.mark.parametrize("name", WILD)
def test_a_function_from_the_wild_is_what_it_computes(name):
    sl.compile(sl.cell(function_of(name), shapes=SCALARS.get(name)))


def test_it_is_looked_at_once_and_quickly(monkeypatch):
    calls = [0]

    def counted(x: "m", h_prev: "n", *, W: "n m"):
        calls[0] += 1
        h = tanh(W @ x + h_prev)
        return h

    cell = sl.cell(counted)
    traced = calls[0]
    sl.compile(cell)
    looked = calls[0]
    sl.compile(cell)
    export(cell)
    assert traced < looked == calls[0]

    def fastest():
        for _ in range(5):
            monkeypatch.setattr(faithful, "_seen", {})
            start = time.perf_counter()
            sl.compile("lstm")
            yield time.perf_counter() - start

    assert min(fastest()) < 0.1


def test_it_says_nothing_and_leaves_the_settings_alone(capsys, recwarn):
    def overflowing(x: "m", h_prev: "n", *, W: "n m"):
        h = np.exp(np.exp(np.exp(W @ x + h_prev))) * np.log(h_prev)
        return h

    before = np.geterr()
    sl.compile(overflowing)
    assert np.geterr() == before
    assert capsys.readouterr() == ("", "")
    assert not recwarn.list
