"""What cannot be read as a cell is refused with the file, the line, the code, and what to use instead."""

import math

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import CellError, SymlstmError
from tests.support.frameworks import require

MEMORY = np.eye(3)


def if_on_a_value(x, h_prev, W, U):
    h = W @ x + U @ h_prev
    if h.sum() > 0:  # HERE
        h = np.tanh(h)
    return h


def conditional_expression(x, h_prev, W, U):
    z = W @ x + U @ h_prev
    return np.tanh(z) if np.max(z) > 1 else z  # HERE


def built_in_max(x, h_prev, W, U):
    h = max(W @ x, U @ h_prev)  # HERE
    return h


def while_loop(x, h_prev, W):
    h = W @ x + h_prev
    while np.sum(h * h) > 1:  # HERE
        h = 0.5 * h
    return h


def unknown_numpy_function(x, h_prev, W, U):
    h = np.cumsum(W @ x + U @ h_prev)  # HERE
    return h


def unknown_ufunc(x, h_prev, W, U):
    h = np.arctan2(W @ x, U @ h_prev)  # HERE
    return h


def unknown_method(x, h_prev, W, U):
    h = (W @ x + U @ h_prev).cumsum()  # HERE
    return h


def function_of_math(x, h_prev, W, U):
    h = W @ x + U @ h_prev
    return h * math.exp(h_prev)  # HERE


def written_entry(x, h_prev, W, U):
    h = W @ x + U @ h_prev
    h[0] = 0  # HERE
    return h


def filled_array(x, h_prev, W):
    n, m = h_prev.shape[0], x.shape[0]
    hx = np.zeros((n + m, 1))  # HERE
    hx[:n, 0] = h_prev
    hx[n:, 0] = x
    h = np.tanh(W @ hx)
    return h


def out_argument(x, h_prev, W, U):
    z = W @ x + U @ h_prev
    np.tanh(z, out=z)  # HERE
    return z


def in_place_on_an_argument(x, h_prev, W):
    h_prev += W @ x  # HERE
    return h_prev


def in_place_behind_a_view(x, h_prev, W, U):
    z = W @ x + U @ h_prev
    n = h_prev.shape[0]
    top = z[:n]
    z *= 2  # HERE
    return np.tanh(top) * z


def loop_over_entries(x, h_prev, W):
    z = W @ x + h_prev
    h = [np.tanh(z[k]) for k in range(z.shape[0])]  # HERE
    return h


def loop_over_an_array(x, h_prev, W):
    z = W @ x + h_prev
    h = np.concatenate([np.tanh(entry) for entry in z])  # HERE
    return h


def length(x, h_prev, W):
    h = np.tanh(W @ x + h_prev) / len(h_prev)  # HERE
    return h


def single_entry(x, h_prev, W):
    h = np.tanh(W @ x + h_prev) * x[0]  # HERE
    return h


def global_weights(x, h_prev):
    h = np.tanh(MEMORY @ x + h_prev)  # HERE
    return h


def random_mask(x, h_prev, W):
    mask = np.random.rand(*h_prev.shape) < 0.5  # HERE
    return np.tanh(W @ x + h_prev) * mask


def printed(x, h_prev, W):
    h = np.tanh(W @ x + h_prev)
    print(f"h is {h:.3f}")  # HERE
    return h


def tried(x, h_prev, W):
    h = h_prev
    try:  # HERE
        h = np.cumsum(W @ x)
    except Exception:
        h = W @ x
    return h


def item(x, h_prev, W):
    h = np.tanh(W @ x + h_prev)
    return h * h.sum().item()  # HERE


def plain_array(x, h_prev, W):
    h = np.tanh(np.array(W @ x) + h_prev)  # HERE
    return h


def stacked_by_r(x, h_prev, W):
    h = np.tanh(W @ np.r_[h_prev, x])  # HERE
    return h


def power_of_a_value(x, h_prev, W):
    h = 2 ** (W @ x + h_prev)  # HERE
    return h


def sum_over_the_batch(x, h_prev, W, U):
    z = x @ W + h_prev @ U
    _, _ = x.shape
    h = np.tanh(z - z.mean(axis=0))  # HERE
    return h


def einsum_of_three_axes(x, h_prev, W):
    h = np.einsum("ijk,j,k->i", W, x, h_prev)  # HERE
    return h


def undefined_name(x, h_prev, W):
    h = np.tanh(W @ x + U @ h_prev)  # HERE
    return h


REFUSED = [
    (if_on_a_value, "branches on a value", "np.where"),
    (conditional_expression, "branches on a value", "np.where"),
    (built_in_max, "branches on a value", "np.maximum"),
    (while_loop, "branches on a value", "np.where"),
    (unknown_numpy_function, "np.cumsum is not understood", "symlstm.functions"),
    (unknown_ufunc, "np.arctan2 is not understood", "symlstm.functions"),
    (unknown_method, ".cumsum of an array is not understood", "numpy"),
    (function_of_math, "has no number", "np.exp"),
    (written_entry, "not written in place", "np.concatenate"),
    (filled_array, "sizes are symbols", "np.concatenate"),
    (out_argument, "writes in place", "assign the result"),
    (in_place_on_an_argument, "also seen elsewhere", "z = z + b"),
    (in_place_behind_a_view, "also seen elsewhere", "z = z + b"),
    (loop_over_entries, "sizes are symbols", "no loop over entries"),
    (loop_over_an_array, "cannot be looped over", "np.split"),
    (length, "len() needs a number", ".shape[0]"),
    (single_entry, "a single entry is picked out", "z[:n]"),
    (global_weights, "a constant array of shape (3, 3)", "keyword-only parameter"),
    (random_mask, "sizes are symbols", "np.zeros_like"),
    (printed, "no number to print", "leave printing out"),
    (tried, "`try` in a cell", "leave it out"),
    (item, ".item of an array is not understood", "numpy"),
    (plain_array, "cannot be made a plain array", "leave out np.array"),
    (stacked_by_r, "cannot be made a plain array", "np.concatenate for np.r_"),
    (power_of_a_value, "only constant exponents", "np.exp(p * np.log(z))"),
    (sum_over_the_batch, "over the batch", "along the features"),
    (einsum_of_three_axes, "np.einsum('ijk,j,k->i') is not understood", "use @"),
    (undefined_name, "name 'U' is not defined", ""),
]


def line_marked_in(function):
    first = function.__code__.co_firstlineno
    with open(__file__) as file:
        lines = file.read().splitlines()
    return next(k for k in range(first, len(lines) + 1) if lines[k - 1].endswith("# HERE"))


@pytest.mark.parametrize(("function", "message", "hint"), REFUSED, ids=lambda p: getattr(p, "__name__", ""))
def test_refused_with_the_line_and_what_to_use_instead(function, message, hint):
    with pytest.raises(CellError) as caught:
        sl.cell(function)
    line = line_marked_in(function)
    assert caught.value.line == line
    assert f"{__file__}:{line}: `" in str(caught.value)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_function_without_a_state_is_refused_with_an_example():
    with pytest.raises(SymlstmError, match="no argument that is a previous state"):
        sl.cell(lambda x, W: np.tanh(W @ x))


def test_a_function_that_returns_no_state_is_refused():
    def forgetful(x, h_prev, W):
        np.tanh(W @ x + h_prev)

    with pytest.raises(CellError, match="returns no array"):
        sl.cell(forgetful)


def test_a_missing_state_is_named():
    def half(x, h_prev, c_prev, W):
        h = np.tanh(W @ x + h_prev + c_prev)
        return h

    with pytest.raises(CellError, match=r"no returned value is the new c \(for c_prev\)"):
        sl.cell(half)


def test_starred_arguments_are_refused():
    def starred(x, h_prev, *weights):
        return h_prev

    with pytest.raises(CellError, match="name every input, state and parameter"):
        sl.cell(starred)


def test_an_annotation_that_is_no_shape_is_refused():
    def misspelt(x: "m", h_prev: "n", *, W: "n*(m"):
        return W @ x + h_prev

    with pytest.raises(CellError, match=r"the shape 'n\*\(m' cannot be read"):
        sl.cell(misspelt)


def test_an_annotation_is_parsed_and_never_evaluated():
    def hostile(x: "m", h_prev: "n", *, W: "n int('3')"):
        return W @ x + h_prev

    with pytest.raises(CellError, match="cannot be read"):
        sl.cell(hostile)


def test_something_that_is_no_function_is_refused():
    with pytest.raises(CellError, match="give a name"):
        sl.cell(3)


def test_a_torch_function_is_refused_with_the_line():
    torch = require("torch")

    def in_torch(x, h_prev, W):
        h = torch.tanh(W @ x + h_prev)
        return h

    with pytest.raises(CellError, match=r"torch\.tanh") as caught:
        sl.cell(in_torch)
    assert "NumPy" in caught.value.hint
