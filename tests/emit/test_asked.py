"""What is asked, in words: "Asked" says of this very cell which states of step t-1 depend on which."""

import numpy as np
import pytest

import symlstm as sl


def one_way(x: "m", h_prev: "n", c_prev: "n", *, W: "n m", U: "n n"):
    c = np.tanh(U @ c_prev + W @ x)
    h = np.tanh(W @ x + h_prev * c)
    return h, c


def three(x: "m", h_prev: "n", c_prev: "n", k_prev: "n", *, W: "n m", U: "n n"):
    c = np.tanh(U @ c_prev + W @ x)
    k = k_prev + c
    h = np.tanh(W @ x + h_prev * k)
    return h, c, k


@pytest.mark.parametrize(
    ("cell", "of", "wrt", "said"),
    [
        ("lstm", "c", "c_prev", "so h_{t-1} depends on c_{t-1} as well."),
        ("lstm", "h", "h_prev", "c_{t-1} does not depend on h_{t-1}, so the paths are those of this step alone."),
        (one_way, "h", "c_prev", "so h_{t-1} depends on c_{t-1} as well."),
        (one_way, "c", "h_prev", "c_{t-1} does not depend on h_{t-1}, so the paths are those of this step alone."),
        (three, "h", "c_prev", "so h_{t-1} and k_{t-1} depend on c_{t-1} as well."),
        (three, "h", "k_prev", "so h_{t-1} depends on k_{t-1} as well, c_{t-1} does not."),
        (
            three,
            "h",
            "h_prev",
            "c_{t-1} and k_{t-1} do not depend on h_{t-1}, so the paths are those of this step alone.",
        ),
    ],
)
def test_what_the_other_states_depend_on_is_said_of_this_cell(cell, of, wrt, said):
    text = " ".join(sl.derive(cell, of, wrt, paths="total").text().split())
    assert f"every path in the unrolled graph counts{'; ' if 'alone' in said else ', '}{said}" in text


def test_others_are_held_fixed_in_a_partial_derivative():
    text = " ".join(sl.derive(three, "h", "k_prev").text().split())
    assert "; h_{t-1} and c_{t-1} are held fixed." in text
