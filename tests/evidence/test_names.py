"""A cell may call its quantities anything: nothing that is derived is mistaken for something of the same name."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen import formula
from symlstm.errors import ValueUnusable
from symlstm.evidence import RUNGS, examine
from symlstm.expr.build import hadamard
from symlstm.expr.nodes import quantity
from symlstm.expr.tree import quantities
from tests.evidence.small_cells import results
from tests.support.ulps import scaled_ulps


def adjoints(x: "m", h_prev: "n", *, W: "n m", d_h: "n", delta_h: "n", up_h: "n", delta_h_at: "n"):
    a = np.tanh(W @ x + d_h * h_prev + delta_h)
    h = np.tanh(a * h_prev + up_h * a + delta_h_at)
    return h


def equations(x: "m", h_prev: "n", *, W: "n m", U: "n n"):
    d_h = W @ x
    delta_h = np.tanh(U @ h_prev + d_h)
    up_h = delta_h * d_h
    h = np.tanh(U @ (up_h * h_prev) + d_h)
    return h


def numbered(x: "m", h_prev: "n", *, W: "n m", U: "n n", V: "n n", b: "n"):
    h_2 = np.tanh(U @ h_prev + W @ x + b)
    h = np.tanh(U @ h_2 + W @ x) * np.tanh(V @ h_prev + W @ x)
    return h


@pytest.mark.parametrize("function", [adjoints, equations, numbered], ids=lambda f: f.__name__)
def test_names_like_those_of_adjoints_are_kept_apart(function):
    for result in results(sl.cell(function)):
        for rung in examine(result).rungs:
            assert rung.held, f"{result!r}\n{rung} {rung.detail}"
        assert len(examine(result).rungs) == len(RUNGS)


@pytest.mark.parametrize("function", [adjoints, equations, numbered], ids=lambda f: f.__name__)
def test_gradients_of_such_cells_are_those_of_the_jacobian(function):
    cell = sl.cell(function)
    k, p, rng = sl.compile(cell), sl.parameters(cell, n=3, m=2), np.random.default_rng(0)
    x, h, g = rng.normal(size=2), rng.normal(size=3), rng.normal(size=3)
    found = k.vjp(p, x, (h,), (g,))
    for name in ("x", "h_prev"):
        assert scaled_ulps(found[name], g @ k.jacobian(p, x, (h,), "h", name)) <= 16


def test_two_derived_quantities_never_have_one_name():
    swept = sl.backward(sl.cell(numbered))
    names = [a.quantity for a in swept.adjoints]
    assert len(set(names)) == len(names)
    assert len({q.name for q in names}) == len(names)


def test_a_shared_name_is_given_by_quantity():
    b = sl.backward(sl.cell(equations))
    mine, adjoint = b.cell.quantity("d_h"), b.upstream[b.cell.quantity("h")]
    other = quantity("d_h", adjoint.shape, adjoint.time, "adjoint", "h")
    function = formula(hadamard(mine, other))
    assert np.array_equal(function({mine: np.full(3, 2.0), other: np.full(3, 5.0)}), np.full(3, 10.0))
    with pytest.raises(ValueUnusable, match="two quantities are called d_h here"):
        function({"d_h": np.ones(3)})


def test_the_numbers_of_a_walk_are_not_a_parameter_called_number():
    def shifted(x: "n", h_prev: "n", *, number_0: "n", number_1: "n n"):
        h = np.tanh(number_1 @ (x + h_prev) + number_0)
        return h

    rng = np.random.default_rng(1)
    values = {
        "x": rng.normal(size=2),
        "h_prev": rng.normal(size=2),
        "number_0": rng.normal(size=2),
        "number_1": rng.normal(size=(2, 2)),
    }
    walked = sl.walk(sl.cell(shifted), values)
    wanted = np.tanh(values["number_1"] @ (values["x"] + values["h_prev"]) + values["number_0"])
    (line,) = walked.lines
    assert scaled_ulps(line.value, wanted) <= 8
    (last,) = quantities(line.stages[-1])
    assert scaled_ulps(np.tanh(walked.numbers[last]), wanted) <= 8
