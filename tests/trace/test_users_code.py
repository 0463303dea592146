"""Whatever a user's own code raises is explained with its line; classes, names and annotations that nearly fit too."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import CellError, NameUnknown, RuleMissing


class Mine(Exception):
    pass


def imports(x, h_prev, W, U):
    import no_such_module  # HERE

    return no_such_module.tanh(W @ x + U @ h_prev)


def calls_itself(x, h_prev, W, U):
    def again(z):  # HERE, where the frame that is one too many begins
        return again(z)  # HERE

    return again(W @ x + U @ h_prev)


def asserts(x, h_prev, W, U):
    assert h_prev is None, "no state"  # HERE
    return W @ x + U @ h_prev


def raises_its_own(x, h_prev, W, U):
    raise Mine("not today")  # HERE


def leaves(x, h_prev, W, U):
    raise SystemExit(3)  # HERE


def reads_a_file(x, h_prev, W, U):
    return np.load("/no/such/file.npy") @ x  # HERE


def runs_out(x, h_prev, W, U):
    return next(iter([]))  # HERE


def looks_up(x, h_prev, W, U):
    return {}["W"] @ x  # HERE


def divides(x, h_prev, W, U):
    return W @ x + U @ h_prev * (1 / 0)  # HERE


RAISED = {
    imports: (
        "ModuleNotFoundError: No module named 'no_such_module'",
        "install no_such_module",
    ),
    calls_itself: ("RecursionError: maximum recursion depth exceeded", "no function that calls itself"),
    asserts: ("AssertionError: no state", "straight-line"),
    raises_its_own: ("Mine: not today", "straight-line"),
    leaves: ("SystemExit: 3", "straight-line"),
    reads_a_file: ("FileNotFoundError", "straight-line"),
    runs_out: ("StopIteration", "straight-line"),
    looks_up: ("KeyError: 'W'", "straight-line"),
    divides: ("ZeroDivisionError: division by zero", "straight-line"),
}


@pytest.mark.parametrize("function", RAISED, ids=lambda f: f.__name__)
def test_any_exception_inside_a_function_is_explained_with_its_line(function):
    with pytest.raises(CellError) as caught:
        sl.cell(function)
    said, hint = RAISED[function]
    assert said in caught.value.message and hint in caught.value.hint
    with open(__file__) as file:
        line = file.read().splitlines()[caught.value.line - 1]
    assert "# HERE" in line
    assert f"{__file__}:{caught.value.line}: `" in caught.value.message


def only_on_symbols(x, h_prev, W, U):
    h = np.tanh(W @ x + U @ h_prev)
    if isinstance(x, np.ndarray):
        raise Mine("numbers")  # HERE
    return h


def test_a_function_that_raises_on_numbers_is_explained_by_the_evidence_too():
    with pytest.raises(CellError, match=r"only_on_symbols can be read, but not run on numbers: .*Mine: numbers"):
        sl.derive(only_on_symbols, "h", "h_prev").evidence()


CLASSES = """
import numpy as np

class Cell:
    def __init__(self, n, m):
        self.W, self.U, self.b = np.ones((n, m)), np.ones((n, n)), np.ones(n)

    def forward(self, x, h_prev):
        h = np.tanh(self.W @ x + self.U @ h_prev + self.b)
        return h

    @staticmethod
    def plain(x, h_prev, W):
        return np.tanh(W @ x + h_prev)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "classes.py"
    path.write_text(CLASSES)
    return path


def test_a_method_of_a_class_is_a_cell_with_the_parameters_that_it_reads_from_self(file):
    cell = sl.cell(f"{file}:Cell.forward")
    assert {q.name for q in cell.parameters} == {"W", "U", "b"}
    assert str(sl.derive(cell, "h", "h_prev").result) == str(sl.derive("rnn", "h", "h_prev").result)
    for result in (sl.derive(cell, "h", "h_prev"), sl.backward(cell)):
        assert result.evidence().ok
    p, x, h = sl.parameters(cell, n=3, m=2), np.ones(2), np.ones(3)
    assert np.array_equal(sl.compile(cell).step(p, x, h)[0], np.tanh(p["W"] @ x + p["U"] @ h + p["b"]))
    assert [q.name for q in sl.cell(f"{file}:Cell.plain").parameters] == ["W"]


def test_a_class_is_answered_with_its_method(file):
    for source in (f"{file}:Cell", str(file)):
        with pytest.raises(CellError, match=r"Cell in .* is a class") as caught:
            sl.cell(source)
        assert f"name the method that computes a step: {file}:Cell.forward;" in caught.value.hint
    with pytest.raises(NameUnknown, match="there is no method of Cell named 'forwad'") as unknown:
        sl.cell(f"{file}:Cell.forwad")
    assert unknown.value.hint == "did you mean forward?"

    class Inner:
        def step(self, x, h_prev):
            return np.tanh(self.W @ x + h_prev)

    with pytest.raises(CellError, match="Inner is a class") as inner:
        sl.cell(Inner)
    assert "sl.cell(Inner.step)" in inner.value.hint
    assert [q.name for q in sl.cell(Inner.step).parameters] == ["W"]


def plain(xt, h_prev, W_q, U):
    h = np.tanh(W_q @ xt + U @ h_prev)
    return h


def test_one_name_stands_for_a_tuple_of_one():
    cell = sl.cell(plain, inputs="xt", states="h_prev")
    assert [q.name for q in cell.inputs] == ["xt"]
    assert [s.previous.name for s in cell.states] == ["h_prev"]


def test_shapes_of_what_does_not_exist_are_refused():
    with pytest.raises(NameUnknown, match="there is no argument of plain named 'W'") as caught:
        sl.cell(plain, shapes={"W": "n m"})
    assert caught.value.hint == "did you mean W_q?"
    assert sl.cell(plain, shapes={"W_q": "k m"}).shapes["W_q"] == sl.cell(plain, shapes={"U": "k k"}).shapes["W_q"]


@pytest.mark.parametrize("shapes", ["n m", {"W_q": None}, {"W_q": ("n", "m")}, 3], ids=repr)
def test_shapes_that_are_no_texts_by_name_are_refused(shapes):
    with pytest.raises(CellError, match="does not say sizes by name"):
        sl.cell(plain, shapes=shapes)


def test_a_built_in_cell_takes_no_shapes():
    for source in ("lstm", sl.cell("lstm")):
        with pytest.raises(CellError, match="lstm is a cell already: shapes cannot be given"):
            sl.cell(source, shapes={"W_f": "n n"})


@pytest.mark.parametrize("source", [None, 3, {"h": 1}, [1], {"lstm"}], ids=repr)
def test_what_is_no_cell_is_refused_everywhere(source):
    for act in (sl.cell, sl.compile, sl.parameters, sl.backward, lambda s: sl.derive(s, "h", "h_prev")):
        with pytest.raises(CellError, match="is not a cell"):
            act(source)


def with_rows(x: "B m", h_prev: "B n", *, W: "n n+m", b: "n"):
    hx = np.concatenate((h_prev, x))
    return np.tanh(W @ hx + b)


def with_columns(x: "m B", h_prev: "n B", *, W: "n m", U: "n n"):
    h = np.tanh(W @ x + U @ h_prev)
    return h


def memory(x: "m", S_prev: "n n", *, W: "n m"):
    v = W @ x
    S = 0.5 * S_prev + np.outer(v, v)
    return S


def test_an_annotated_batch_axis_is_to_be_left_out():
    hint = 'leave out the batch axis B: annotate one example (h_prev: "n"); arrays may have any batch axes'
    with pytest.raises(CellError) as caught:
        sl.cell(with_rows)
    assert caught.value.hint == hint
    for wrt in ("h_prev", "W"):
        with pytest.raises(RuleMissing) as missing:
            sl.derive(with_columns, "h", wrt)
        assert missing.value.hint == hint
    assert sl.derive(memory, "S", "S_prev").acts  # a matrix, and no batch
