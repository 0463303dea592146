"""Unusual cells, each with formulas that are long in a way of its own: what the breaking of lines must cope with."""

import numpy as np

from symlstm import concat, sigmoid, tanh


def recurrent_highway(
    x: "m",
    h_prev: "n",
    *,
    W_h: "n m",
    R_h: "n n",
    b_h: "n",
    W_t: "n m",
    R_t: "n n",
    b_t: "n",
    R_h2: "n n",
    b_h2: "n",
    R_t2: "n n",
    b_t2: "n",
):
    """A recurrent highway network of depth two."""
    a1 = tanh(W_h @ x + R_h @ h_prev + b_h)
    t1 = sigmoid(W_t @ x + R_t @ h_prev + b_t)
    s1 = a1 * t1 + h_prev * (1 - t1)
    a2 = tanh(R_h2 @ s1 + b_h2)
    t2 = sigmoid(R_t2 @ s1 + b_t2)
    h = a2 * t2 + s1 * (1 - t2)
    return h


def norm(z, g, b):
    d = z - np.mean(z)
    return g * d / np.sqrt(np.var(z) + 1e-5) + b


def layer_norm_lstm(
    x: "m",
    h_prev: "n",
    c_prev: "n",
    *,
    W_f: "n n+m",
    g_f: "n",
    b_f: "n",
    W_i: "n n+m",
    g_i: "n",
    b_i: "n",
    W_c: "n n+m",
    g_c: "n",
    b_c: "n",
    W_o: "n n+m",
    g_o: "n",
    b_o: "n",
    g_s: "n",
    b_s: "n",
):
    hx = concat(h_prev, x)
    f = sigmoid(norm(W_f @ hx, g_f, b_f))
    i = sigmoid(norm(W_i @ hx, g_i, b_i))
    c_tilde = tanh(norm(W_c @ hx, g_c, b_c))
    o = sigmoid(norm(W_o @ hx, g_o, b_o))
    c = f * c_prev + i * c_tilde
    h = o * tanh(norm(c, g_s, b_s))
    return h, c


def gelu(z):
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def gelu_cell(x: "m", h_prev: "n", *, W: "n m", U: "n n", b: "n"):
    h = gelu(W @ x + U @ h_prev + b)
    return h


def mlstm(x: "m", C_prev: "n n", n_prev: "n", *, W_q: "n m", W_k: "n m", W_v: "n m", w_i: "m", w_f: "m", W_o: "n m"):
    q = W_q @ x
    k = W_k @ x
    v = W_v @ x
    i = np.exp(w_i @ x)
    f = sigmoid(w_f @ x)
    C = f * C_prev + i * np.outer(v, k)
    n = f * n_prev + i * k
    h = sigmoid(W_o @ x) * (C @ q) / np.maximum(np.abs(n @ q), 1.0)
    return C, n, h


def slstm(x: "m", h_prev: "n", c_prev: "n", n_prev: "n", m_prev: "n", *, W: "4*n m", R: "4*n n", b: "4*n"):
    n_ = h_prev.shape[0]
    a = W @ x + R @ h_prev + b
    z = np.tanh(a[:n_])
    i_raw = a[n_ : 2 * n_]
    f_raw = a[2 * n_ : 3 * n_]
    o = sigmoid(a[3 * n_ :])
    m = np.maximum(f_raw + m_prev, i_raw)
    i = np.exp(i_raw - m)
    f = np.exp(f_raw + m_prev - m)
    c = f * c_prev + i * z
    n = f * n_prev + i
    h = o * c / n
    return h, c, n, m


def minimal_gated_unit(x: "m", h_prev: "n", *, W_f: "n n+m", b_f: "n", W_h: "n n+m", b_h: "n"):
    f = sigmoid(W_f @ concat(h_prev, x) + b_f)
    h_tilde = tanh(W_h @ concat(f * h_prev, x) + b_h)
    h = (1 - f) * h_prev + f * h_tilde
    return h


def coupled_gates(
    x: "m",
    h_prev: "n",
    c_prev: "n",
    *,
    W_f: "n n+m",
    b_f: "n",
    W_c: "n n+m",
    b_c: "n",
    W_o: "n n+m",
    b_o: "n",
    p_f: "n",
    p_o: "n",
):
    hx = concat(h_prev, x)
    f = sigmoid(W_f @ hx + p_f * c_prev + b_f)
    c_tilde = tanh(W_c @ hx + b_c)
    c = f * c_prev + (1 - f) * c_tilde
    o = sigmoid(W_o @ hx + p_o * c + b_o)
    h = o * tanh(c)
    return h, c


def long_names(
    input_features,
    hidden_prev,
    memory_prev,
    *,
    forget_weights: "n n+m",
    forget_bias: "n",
    update_weights: "n n+m",
    update_bias: "n",
    candidate_weights: "n n+m",
    candidate_bias: "n",
    output_weights: "n n+m",
    output_bias: "n",
):
    joined = concat(hidden_prev, input_features)
    forget_gate = sigmoid(forget_weights @ joined + forget_bias)
    update_gate = sigmoid(update_weights @ joined + update_bias)
    candidate_memory = tanh(candidate_weights @ joined + candidate_bias)
    memory = forget_gate * memory_prev + update_gate * candidate_memory
    output_gate = sigmoid(output_weights @ joined + output_bias)
    hidden = output_gate * tanh(memory)
    return hidden, memory


def long_product(
    x: "m", h_prev: "n", *, W_a: "n m", W_b: "n m", W_c: "n m", W_d: "n m", W_e: "n m", V: "n n", U: "n n"
):
    """Many factors in one line, without a name for any of them."""
    h = (
        sigmoid(W_a @ x)
        * sigmoid(W_b @ x)
        * tanh(W_c @ x + U @ h_prev)
        * sigmoid(W_d @ x + V @ h_prev)
        * tanh(W_e @ x)
        * h_prev
        * (1 - h_prev)
    )
    return h


def chain_of_matrices(x: "m", h_prev: "n", *, A: "n n", B: "n n", C: "n n", D: "n n", W: "n m"):
    h = A @ (B @ tanh(C @ tanh(D @ tanh(A @ tanh(B @ h_prev + W @ x)))))
    return h


CELLS = (
    recurrent_highway,
    layer_norm_lstm,
    gelu_cell,
    mlstm,
    slstm,
    minimal_gated_unit,
    coupled_gates,
    long_names,
    long_product,
    chain_of_matrices,
)
