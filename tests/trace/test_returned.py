"""What a cell returns is a state or an output, wherever it stands; only a cache for the backward pass is neither."""

import numpy as np
import pytest

import symlstm as sl


def in_a_dict(x, h_prev, W):
    gate = np.tanh(W @ x)
    h = gate * h_prev
    return {"h": h, "gate": gate}


def dict_beside(x, h_prev, W):
    gate = np.tanh(W @ x)
    h = gate * h_prev
    return h, {"gate": gate}


def tuple_beside(x, h_prev, W):
    gate = np.tanh(W @ x)
    h = gate * h_prev
    return h, (gate,)


def list_in_a_dict(x, h_prev, W):
    gate = np.tanh(W @ x)
    h = gate * h_prev
    return {"h": h, "more": [gate, h]}


def named_by_the_key(x, h_prev, W):
    return {"gate": np.tanh(W @ x), "h": np.tanh(W @ x) * h_prev}


def state_again(x, h_prev, W):
    gate = np.tanh(W @ x)
    h = gate * h_prev
    return gate, (h, gate)


@pytest.mark.parametrize(
    "function", [in_a_dict, dict_beside, tuple_beside, list_in_a_dict, named_by_the_key, state_again]
)
def test_an_output_in_a_dict_or_a_tuple_is_an_output(function):
    cell = sl.cell(function)
    assert [s.current.name for s in cell.states] == ["h"]
    assert [q.name for q in cell.outputs] == ["gate"]
    p = sl.parameters(cell, n=3, m=2)
    values = sl.compile(cell).values(p, np.ones(2), np.ones(3))
    assert np.array_equal(values["gate"], np.tanh(p["W"] @ np.ones(2)))


def cache_with_arguments(x, h_prev, W):
    z = W @ x
    gate = np.tanh(z)
    h = gate * h_prev
    return h, (x, gate, z)


def cache_with_parameters(x, h_prev, parameters):
    z = parameters["W"] @ x
    h = np.tanh(z) * h_prev
    return h, (z, parameters)


def cache_in_a_dict(x, h_prev, W):
    z = W @ x
    h = np.tanh(z) * h_prev
    return {"h": h, "cache": {"z": z, "h_prev": h_prev}}


def cache_of_caches(x, h_prev, W):
    z = W @ x
    h = np.tanh(z) * h_prev
    return h, ((z, h), (x, h_prev))


@pytest.mark.parametrize("function", [cache_with_arguments, cache_with_parameters, cache_in_a_dict, cache_of_caches])
def test_what_is_kept_with_an_argument_is_a_cache(function):
    cell = sl.cell(function)
    assert [s.current.name for s in cell.states] == ["h"]
    assert cell.outputs == ()
    sl.compile(cell)


def test_the_place_of_every_result_is_known():
    cell = sl.cell(list_in_a_dict)
    assert dict(cell.places) == {"h": ("h",), "gate": ("more", 0)}


def test_the_course_cell_with_its_shape_lines_and_its_softmax_over_the_batch_is_read():
    def softmax(x):
        e_x = np.exp(x - np.max(x))
        return e_x / e_x.sum(axis=0)

    def course(xt, a_prev, parameters):
        Wa, ba, Wy, by = parameters["Wa"], parameters["ba"], parameters["Wy"], parameters["by"]
        n_x, m = xt.shape
        n_y, n_a = Wy.shape
        a_next = np.tanh(Wa @ np.concatenate((a_prev, xt), axis=0) + ba)
        yt_pred = softmax(np.dot(Wy, a_next) + by)
        return a_next, yt_pred

    cell = sl.cell(course)
    assert str(cell.equations[-1].expr) == "softmax(W_y a_t + b_y)"
    assert sl.derive(cell, "yt_pred", "a_prev").evidence().ok


def test_the_largest_number_of_a_batch_may_do_nothing_but_shift_a_softmax():
    def wrong(xt, a_prev, W):
        n_x, m = xt.shape
        a_next = np.tanh(W @ np.concatenate((a_prev, xt), axis=0)) * np.max(xt)
        return a_next

    with pytest.raises(sl.SymlstmError, match=r"np\.max over the batch"):
        sl.cell(wrong)
