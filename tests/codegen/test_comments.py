"""Comments of exported modules: equations as on paper, parts of arrays as the code beside them takes them."""

import re

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen.comments import in_comment
from symlstm.expr.build import block, hadamard, matmul
from symlstm.expr.dims import size
from symlstm.expr.nodes import quantity, t
from symlstm.plugins import CELLS, registered

n, m = size("n"), size("m")


def test_ranges_count_as_in_numpy():
    source = sl.compile("lstm").source
    assert "d_h_prev = d_hx[..., :n]  # dh_{t-1} = dhx_t[:n]" in source
    assert "d_x = d_hx[..., n:]  # dx_t = dhx_t[n:]" in source
    assert "W_f[:, :n] + diag(" in source


@pytest.mark.parametrize("name", registered(CELLS))
def test_no_comment_counts_from_one(name):
    for line in sl.compile(name).source.splitlines():
        _, _, comment = line.partition("#")
        assert not re.search(r"[\[ ]1:", comment), line


def four(x: "m", h_prev: "n", *, W: "4*n m", U: "4*n n"):
    z = W @ x + U @ h_prev
    k = h_prev.shape[0]
    h = np.tanh(z[:k]) * h_prev + np.tanh(z[k : 2 * k]) * np.tanh(z[3 * k :])
    return h


def test_sizes_in_a_range_are_python():
    source = sl.compile(four).source
    assert "tanh(z_t[:n]) ⊙ h_{t-1} + tanh(z_t[n:2*n]) ⊙ tanh(z_t[3*n:])" in source


def test_what_is_taken_apart_is_in_brackets():
    z, v = quantity("z", (n + m, 1), t), quantity("v", (m, 1))
    M = quantity("M", (n, n + m))
    assert in_comment(block(hadamard(z, z), 1, n, 0, 1)) == "(z_t ⊙ z_t)[1:n+1]"
    assert in_comment(matmul(block(M, 0, n, n, m), v)) == "M[:, n:] v"
    assert in_comment(matmul(block(M, 0, n - 1, 0, m), v)) == "M[:n-1, :m] v"
