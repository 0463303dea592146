"""Functions as people write them trace to the equations that their authors had in mind, and compute the same."""

import textwrap

import numpy as np
import pytest

import symlstm as sl
from tests.support.frameworks import require
from tests.support.ulps import scaled_ulps
from tests.trace import wild
from tests.trace.reading import by_equations, numbers, written

# function: (states in the order returned, then outputs), equations
CELLS = {
    "lstm_cell_forward": ("a_next c_next yt_pred", """
        concat = [a_prev; xt]
        ft = sigmoid(Wf @ concat + bf)
        it = sigmoid(Wi @ concat + bi)
        cct = tanh(Wc @ concat + bc)
        c_next = ft * c_prev + it * cct
        ot = sigmoid(Wo @ concat + bo)
        a_next = ot * tanh(c_next)
        yt_pred = softmax(Wy @ a_next + by)
    """),
    "rnn_cell_forward": ("a_next yt_pred", """
        a_next = tanh(Wax @ xt + Waa @ a_prev + ba)
        yt_pred = softmax(Wya @ a_next + by)
    """),
    "lstm_step_forward": ("next_h next_c", """
        a = Wx.T @ x + Wh.T @ prev_h + b
        i = sigmoid(a[0:n])
        f = sigmoid(a[n:2*n])
        o = sigmoid(a[2*n:3*n])
        g = tanh(a[3*n:4*n])
        next_c = f * prev_c + i * g
        next_h = o * tanh(next_c)
    """),
    "rnn_step_forward": ("next_h", """
        next_h = tanh(Wx.T @ x + Wh.T @ prev_h + b)
    """),
    "lstm_split": ("h c", """
        z = W @ x + U @ h_prev + b
        i = z[0:n]
        f = z[n:2*n]
        g = z[2*n:3*n]
        o = z[3*n:4*n]
        c = sigmoid(f) * c_prev + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
    """),
    "lstm_split_rows": ("h c", """
        gates = W_ih @ x + b_ih + W_hh @ h_prev + b_hh
        ingate = sigmoid(gates[0:n])
        forgetgate = sigmoid(gates[n:2*n])
        cellgate = tanh(gates[2*n:3*n])
        outgate = sigmoid(gates[3*n:4*n])
        c = forgetgate * c_prev + ingate * cellgate
        h = outgate * tanh(c)
    """),
    "lstm_hstack": ("h c", """
        hx = [h_prev; x]
        z = W @ hx + b
        f = sigmoid(z[0:n])
        i = sigmoid(z[n:2*n])
        o = sigmoid(z[2*n:3*n])
        g = tanh(z[3*n:4*n])
        c = f * c_prev + i * g
        h = o * tanh(c)
    """),
    "lstm_gate_loop": ("h c", """
        f = sigmoid(W_f @ x + U_f @ h_prev + b_f)
        i = sigmoid(W_i @ x + U_i @ h_prev + b_i)
        o = sigmoid(W_o @ x + U_o @ h_prev + b_o)
        g = tanh(W_g @ x + U_g @ h_prev + b_g)
        c = f * c_prev + i * g
        h = o * tanh(c)
    """),
    "lstm_local_helpers": ("h c", """
        xh = [x; h_prev]
        f = sigmoid(W_f @ xh + b_f)
        i = sigmoid(W_i @ xh + b_i)
        o = sigmoid(W_o @ xh + b_o)
        g = tanh(W_g @ xh + b_g)
        c = f * c_prev + i * g
        h = o * tanh(c)
    """),
    "gru_object": ("h", """
        z = sigmoid(Wz @ x + Uz @ h_prev + bz)
        r = sigmoid(Wr @ x + Ur @ h_prev + br)
        n = tanh(Wn @ x + r * (Un @ h_prev) + bn)
        h = (1 - z) * n + z * h_prev
    """),
    "GRU": ("h", """
        xh = [x; h_prev]
        z = sigmoid(W_z @ xh)
        r = sigmoid(W_r @ xh)
        h_hat = tanh(W_h @ [x; r * h_prev])
        h = z * h_prev + (1 - z) * h_hat
    """),
    "rnn_decorated": ("h", """
        h = tanh(W @ x + U @ h_prev + b)
    """),
    "rnn_partial": ("h", """
        h = tanh(W @ x + U @ h_prev + b)
    """),
    "lstm_coupled": ("h c", """
        f = sigmoid(Wf @ x + Uf @ h_prev + bf + 1)
        g = tanh(Wg @ x + Ug @ h_prev + bg)
        o = sigmoid(Wo @ x + Uo @ h_prev + bo)
        c = f * c_prev + (1 - f) * g
        h = o * tanh(c)
    """),
    "lstm_peepholes": ("h c", """
        z_bar = Wz @ x + Rz @ h_prev + bz
        z = tanh(z_bar)
        i = sigmoid(Wi @ x + Ri @ h_prev + pi * c_prev + bi)
        f = sigmoid(Wf @ x + Rf @ h_prev + pf * c_prev + bf)
        c = z * i + c_prev * f
        o = sigmoid(Wo @ x + Ro @ h_prev + po * c + bo)
        h = tanh(c) * o
    """),
    "lstm_projection": ("h c", """
        z = W @ x + R @ h_prev + b
        i = z[0:p]
        f = z[p:2*p]
        g = z[2*p:3*p]
        o = z[3*p:4*p]
        c = sigmoid(f) * c_prev + sigmoid(i) * tanh(g)
        h = W_p @ (sigmoid(o) * tanh(c))
    """),
    "rnn_layer_norm": ("h", """
        a = W @ x + U @ h_prev
        h = tanh(gain * (a - mean(a)) / sqrt(variance(a) + 1e-05) + bias)
    """),
    "rnn_layer_norm_rows": ("h", """
        a = W.T @ x + U.T @ h_prev
        mu = mean(a)
        sigma = sqrt(mean((a - mu)**2) + 1e-06)
        h = tanh(g * (a - mu) / sigma + b)
    """),
    "rnn_rms_norm": ("h", """
        a = W @ x + U @ h_prev
        h = tanh(g * a / sqrt(mean(a**2) + 1e-08))
    """),
    "minimal_gated_unit": ("h", """
        f = sigmoid(W_f @ x + U_f @ h_prev + b_f)
        h_tilde = tanh(W_h @ x + U_h @ (f * h_prev) + b_h)
        h = (1 - f) * h_prev + f * h_tilde
    """),
    "janet": ("h", """
        s = U_f @ h_prev + W_f @ x + b_f
        c_tilde = tanh(U_c @ h_prev + W_c @ x + b_c)
        h = sigmoid(s) * h_prev + (1 - sigmoid(s - 1)) * c_tilde
    """),
    "sru": ("c h", """
        f = sigmoid(W_f @ x + v_f * c_prev + b_f)
        c = f * c_prev + (1 - f) * (W @ x)
        r = sigmoid(W_r @ x + v_r * c_prev + b_r)
        h = r * c + (1 - r) * (W @ x)
    """),
    "qrnn": ("c h", """
        z = tanh(W_z.T @ x)
        f = sigmoid(W_f.T @ x)
        o = sigmoid(W_o.T @ x)
        c = f * c_prev + (1 - f) * z
        h = o * c
    """),
    "fast_grnn": ("h", """
        pre = W @ x + U @ h_prev
        z = sigmoid(pre + b_z)
        h_tilde = tanh(pre + b_h)
        h = (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * h_tilde + z * h_prev
    """),
    "ugrnn": ("h", """
        z = W.T @ [x; h_prev] + b
        g_act = z[0:n]
        c_act = z[n:2*n]
        c = tanh(c_act)
        g = sigmoid(g_act + 1)
        h = g * h_prev + (1 - g) * c
    """),
    "mogrifier_rnn": ("h", """
        x_new = 2 * (sigmoid(Q @ h_prev) * x)
        h = tanh(W @ x_new + 2 * (U @ (sigmoid(R @ x_new) * h_prev)) + b)
    """),
    "leaky_echo_state": ("x", """
        x = (1 - leak) * x_prev + leak * tanh(W_in @ u + W @ x_prev)
    """),
    "slstm": ("h c n m", """
        z = tanh(W_z @ x + R_z @ h_prev + b_z)
        i_tilde = W_i @ x + R_i @ h_prev + b_i
        f_tilde = W_f @ x + R_f @ h_prev + b_f
        o = sigmoid(W_o @ x + R_o @ h_prev + b_o)
        m = maximum(f_tilde + m_prev, i_tilde)
        i = exp(i_tilde - m)
        f = exp(f_tilde + m_prev - m)
        c = f * c_prev + i * z
        n = f * n_prev + i
        h = o * (c / n)
    """),
    "autonomous": ("h", """
        h = tanh(W @ h_prev + b)
    """),
    "jordan": ("y", """
        h = sigmoid(W_h @ x + U_h @ y_prev + b_h)
        y = W_y @ h + b_y
    """),
    "multiplicative_rnn": ("h", """
        factor = (W_fx @ x) * (W_fh @ h_prev)
        h = tanh(W_hf @ factor + W_hx @ x + b)
    """),
    "mlstm_rebound": ("h c", """
        m = (wmx.T @ x) * (wmh.T @ h_prev)
        z = wx.T @ x + wh.T @ m + b
        i = sigmoid(z[0:n])
        f = sigmoid(z[n:2*n])
        o = sigmoid(z[2*n:3*n])
        u = tanh(z[3*n:4*n])
        c = f * c_prev + i * u
        h = o * tanh(c)
    """),
    "relu_rnn": ("h", """
        z = W @ x + U @ h_prev + b
        h = relu(z)
    """),
    "leaky_relu_rnn": ("h", """
        z = W @ x + U @ h_prev + b
        h = where(step(-1 * z), 0.01 * z, z)
    """),
    "accumulating": ("h", """
        z = W @ x + U @ h_prev + b
        h = sigmoid(z)
    """),
    "hard_sigmoid_gru": ("h", """
        z = minimum(relu(0.2 * (Wz @ x + Uz @ h_prev) + 0.5), 1)
        h = z * h_prev + (1 - z) * tanh(Wh @ x + Uh @ h_prev)
    """),
    "expit_rnn": ("h", """
        h = sigmoid(W @ x + U @ h_prev + b)
    """),
    "state_first": ("h", """
        h = tanh(W @ x + U @ h_prev + b)
    """),
    "parameters_first": ("h c", """
        z = W @ [x; h_prev] + b
        f = z[0:n]
        i = z[n:2*n]
        g = z[2*n:3*n]
        o = z[3*n:4*n]
        c = sigmoid(f) * c_prev + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
    """),
    "carry_first": ("h", """
        h = tanh(W @ x + U @ h_prev + b)
    """),
    "attention_memory": ("h", """
        scores = M @ h_prev
        weights = softmax(scores)
        h = tanh(W @ x + U @ M.T @ weights + b)
    """),
    "dict_of_states": ("h c", """
        z = W @ x + U @ h_prev + b
        i = z[0:n]
        f = z[n:2*n]
        g = z[2*n:3*n]
        o = z[3*n:4*n]
        c = sigmoid(f) * c_prev + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
    """),
    "tuple_of_parameters": ("h", """
        h = tanh(W @ x + U @ h_prev + b)
    """),
    "dicts_by_gate": ("h c", """
        i = sigmoid(W_i @ x + U_i @ h_prev + b_i)
        f = sigmoid(W_f @ x + U_f @ h_prev + b_f)
        o = sigmoid(W_o @ x + U_o @ h_prev + b_o)
        g = tanh(W_g @ x + U_g @ h_prev + b_g)
        c = f * c_prev + i * g
        h = o * tanh(c)
    """),
    "LSTMCell": ("h_new c_new", """
        z = W @ [x; h_prev] + b
        i = sigmoid(z[0:n])
        f = sigmoid(z[n:2*n])
        o = sigmoid(z[2*n:3*n])
        g = tanh(z[3*n:4*n])
        c_new = f * c_prev + i * g
        h_new = o * tanh(c_new)
    """),
    "min_char_rnn": ("hs ps", """
        hs = tanh(Wxh @ x + Whh @ hprev + bh)
        ys = Why @ hs + by
        ps = softmax(ys)
    """),
    "columns_by_reshape": ("h", """
        hx = [h_prev; x]
        h = tanh(W @ hx + b)
    """),
    "subscripts_as_in_the_paper": ("h_t c_t", """
        z = W @ [h_t_1; x_t]
        f = sigmoid(z[0:n])
        i = sigmoid(z[n:2*n])
        o = sigmoid(z[2*n:3*n])
        g = tanh(z[3*n:4*n])
        c_t = f * c_tm1 + i * g
        h_t = o * tanh(c_t)
    """),
    "antisymmetric_rnn": ("h", """
        h = h_prev + 0.01 * tanh((W - W.T) @ h_prev - 0.01 * h_prev + V @ x + b)
    """),
    "legendre_memory_unit": ("h m", """
        u = e_x @ x + e_h @ h_prev + e_m @ m_prev
        m = A @ m_prev + B * u
        h = tanh(W_x @ x + W_h @ h_prev + W_m @ m)
    """),
    "indrnn": ("h", """
        h = relu(W @ x + u * h_prev + b)
    """),
    "fast_weights": ("h", """
        fast = 0.95 * A + 0.5 * (h_prev @ h_prev.T)
        h = tanh(W @ h_prev + C @ x + fast @ h_prev)
    """),
    "scaled_weights": ("h", """
        h = tanh(0.5 * (W @ x) + sin(U) @ h_prev)
    """),
}  # fmt: skip

SCALARS = {"fast_grnn": {"zeta": "", "nu": ""}}  # shapes that nothing in the code says


def function_of(name):
    if name == "expit_rnn":
        require("scipy")
    found = getattr(wild, name)
    return {wild.GRU: wild.GRU().step, wild.LSTMCell: wild.LSTMCell.forward}.get(found, found)


def arrays_in(returned):
    if isinstance(returned, dict):
        returned = list(returned.values())
    if isinstance(returned, (tuple, list)):
        return [array for part in returned for array in arrays_in(part)]
    return [returned] if isinstance(returned, np.ndarray) else []


@pytest.mark.parametrize("name", CELLS)
def test_a_function_from_the_wild_traces_to_its_equations(name):
    cell = sl.cell(function_of(name))
    returned, equations = CELLS[name]
    found = [f"{e.name} = {written(e.expr)}" for e in cell.equations]
    assert found == textwrap.dedent(equations).strip().splitlines()
    assert [*(s.current.name for s in cell.states), *(q.name for q in cell.outputs)] == returned.split()


@pytest.mark.parametrize("name", CELLS)
def test_running_the_function_equals_evaluating_its_equations(name):
    """Each operation rounds once, an inner product once a term, and no value here is amplified."""
    cell = sl.cell(function_of(name), shapes=SCALARS.get(name))
    arguments, sizes = numbers(cell)
    expected = by_equations(cell, arguments, sizes)
    returned, _ = cell.call(arguments)
    roundings = sum(written(e.expr).count(" ") for e in cell.equations) * max(sum(a.shape) for a in arguments.values())
    arrays = [array.ravel() for array in arrays_in(returned)]
    for q in (*(s.current for s in cell.states), *cell.outputs):
        wanted = expected[q.name]
        apart = [scaled_ulps(a, wanted) for a in arrays if a.shape == wanted.shape]
        assert min(apart) <= roundings, (q.name, apart)


def test_scalar_parameters_are_numbers_where_the_user_says_so():
    cell = sl.cell(wild.fast_grnn, shapes={"zeta": "", "nu": ""})
    assert cell.shapes["zeta"] == cell.shapes["nu"] == ()
    assert cell.shapes["b_z"] == cell.shapes["h_prev"]


def test_names_stay_with_their_values_where_the_second_reading_takes_another_way():
    """Both sides of np.where are sigma(z), which is seen only as long as they have no names."""

    def cell(x, h_prev, W):
        z = W @ x + h_prev
        left = 1 / (1 + np.exp(-z))
        right = np.exp(z) / (1 + np.exp(z))
        s = np.where(z > 0, left, right)
        gap = s - s
        h = s * np.tanh(h_prev) + gap
        return h

    read = sl.cell(cell)
    assert [s.current.name for s in read.states] == ["h"]
    arguments, sizes = numbers(read)
    wanted, _ = read.call(arguments)
    assert scaled_ulps(by_equations(read, arguments, sizes)["h"], wanted) <= 16
