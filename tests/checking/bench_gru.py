"""GRUs in the styles of PyTorch, Keras, papers and courses, and what people get wrong in them."""

from tests.checking.cases import mutated, paired

TORCH = """
def step(x, hx, w_ih, w_hh, b_ih, b_hh):
    gi = x @ w_ih.T + b_ih
    gh = hx @ w_hh.T + b_hh
    i_r, i_z, i_n = np.split(gi, 3, axis=1)
    h_r, h_z, h_n = np.split(gh, 3, axis=1)
    reset = sigmoid(i_r + h_r)
    update = sigmoid(i_z + h_z)
    new = np.tanh(i_n + reset * h_n)
    return (1 - update) * new + update * hx
"""
KERAS = """
def step(inputs, h_tm1, kernel, recurrent_kernel, bias):
    units = h_tm1.shape[1]
    mx = inputs @ kernel + bias[0]
    mi = h_tm1 @ recurrent_kernel + bias[1]
    z = sigmoid(mx[:, :units] + mi[:, :units])
    r = sigmoid(mx[:, units:2 * units] + mi[:, units:2 * units])
    hh = np.tanh(mx[:, 2 * units:] + r * mi[:, 2 * units:])
    return z * h_tm1 + (1 - z) * hh
"""
PAPER = """
def step(x_t, s_prev, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh):
    z_t = sigmoid(Wz.dot(x_t) + Uz.dot(s_prev) + bz)
    r_t = sigmoid(Wr.dot(x_t) + Ur.dot(s_prev) + br)
    cand = np.tanh(Wh.dot(x_t) + Uh.dot(r_t * s_prev) + bh)
    s_t = z_t * s_prev + (1 - z_t) * cand
    return s_t
"""
COURSE = """
def step(xt, ht_1, params):
    joined = np.vstack((ht_1, xt))
    reset = sigmoid(params["reset_w"] @ joined + params["reset_b"])
    update = sigmoid(params["update_w"] @ joined + params["update_b"])
    again = np.vstack((reset * ht_1, xt))
    candidate = np.tanh(params["candidate_w"] @ again + params["candidate_b"])
    ht = update * ht_1 + (1 - update) * candidate
    return ht, (xt, ht_1, reset, update, candidate)
"""


def torch_example(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), d((batch, n)), d((3 * n, m)), d((3 * n, n)), d(3 * n), d(3 * n)


def keras_example(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), d((batch, n)), d((m, 3 * n)), d((n, 3 * n)), d((2, 3 * n))


def paper_example(n, m, batch, rng):
    d = rng.standard_normal
    found = {"x_t": d(m), "s_prev": d(n)}
    for g in "zrh":
        found |= {f"W{g}": d((n, m)), f"U{g}": d((n, n)), f"b{g}": d(n)}
    return found


def course_example(n, m, batch, rng):
    d, p = rng.standard_normal, {}
    for g in ("reset", "update", "candidate"):
        p |= {f"{g}_w": d((n, n + m)), f"{g}_b": d((n, 1))}
    return {"xt": d((m, batch)), "ht_1": d((n, batch)), "params": p}


ONE_MINUS = "1 - |in place of|exchanged|sign|act as"
OF_TORCH = [
    ("reset = sigmoid(", "reset = np.tanh(", "tanh in place of sigmoid", "r"),
    ("update = sigmoid(", "update = np.tanh(", "tanh in place of sigmoid", "z"),
    ("np.tanh(i_n", "sigmoid(i_n", "sigmoid in place of tanh", "n"),
    ("reset * h_n", "h_n", "r_t is missing", "n"),
    ("reset * h_n", "update * h_n", "z_t in place of r_t", "n"),
    ("reset * h_n", "(1 - reset) * h_n", "1 - r_t in place of r_t", "n"),
    ("reset * h_n)", "reset + h_n)", "+ in place of", "n"),
    ("update * hx", "update * new", "n_t in place of h_{t-1}", "h"),
    ("(1 - update) * new", "update * new", "z_t|1 is missing|- z_t|sign", "h"),
    ("(1 - update) * new + update * hx", "update * new + (1 - update) * hx", ONE_MINUS, "h"),
    ("(1 - update) * new", "new", "is missing", "h"),
    ("+ update * hx", "- update * hx", "wrong sign", "h"),
    ("+ b_hh", "", "missing", ""),
    ("i_r + h_r)", "i_r + h_r + 1)", "+ 1 is added", "r"),
]
OF_KERAS = [
    ("z = sigmoid(", "z = np.tanh(", "tanh in place of sigmoid", "z"),
    ("r = sigmoid(", "r = np.tanh(", "tanh in place of sigmoid", "r"),
    ("np.tanh(mx", "np.maximum(0, mx", "relu in place of tanh", "n"),
    ("np.tanh(mx[:, 2 * units:] + r * mi[:, 2 * units:])", "mx[:, 2 * units:] + r * mi[:, 2 * units:]",
     "no activation in place of tanh", "n"),
    ("r * mi", "z * mi", "z_t in place of r_t", "n"),
    ("(1 - z) * hh", "(1 - r) * hh", "r_t in place of z_t", "h"),
    ("(1 - z) * hh", "hh", "is missing", "h"),
    ("z * h_tm1 +", "h_tm1 +", "z_t is missing", "h"),
    ("z * h_tm1 +", "z * hh +", "n_t in place of h_{t-1}", "h"),
    ("sigmoid(mx[:, :units] + mi[:, :units])", "np.clip((mx[:, :units] + mi[:, :units]) / 6 + 0.5, 0, 1)",
     "z/6 + 1/2", "z"),
]  # fmt: skip
OF_PAPER = [
    ("+ bz)", ")", "b_z is missing", "z"),
    ("+ br)", "+ bz)", "b_z in place of b_r", "r"),
    ("+ bh)", "+ br)", "b_r in place of b_h", "h_tilde"),
    ("Ur.dot(s_prev)", "Uz.dot(s_prev)", "U_z in place of U_r", "r"),
    ("Wz.dot(x_t)", "Wr.dot(x_t)", "W_r in place of W_z", "z"),
    ("Uz.dot", "Uz.T.dot", "U_zᵀ", "z"),
    ("r_t * s_prev", "s_prev", "r_t is missing", "h_tilde"),
    ("r_t * s_prev", "z_t * s_prev", "z_t in place of r_t", "h_tilde"),
    ("r_t * s_prev", "r_t", "h_{t-1} is missing", "h_tilde"),
    ("np.tanh(Wh", "sigmoid(Wh", "sigmoid in place of tanh", "h_tilde"),
    ("(1 - z_t) * cand", "(1 - r_t) * cand", "r_t in place of z_t", "h"),
    ("z_t * s_prev + (1 - z_t) * cand", "(1 - z_t) * s_prev + z_t * cand", ONE_MINUS, "h"),
    ("z_t * s_prev +", "z_t * s_prev -", "wrong sign", "h"),
    ("(1 - z_t) * cand", "(1 - z_t) * np.tanh(cand)", "tanh(", "h"),
]
OF_COURSE = [
    ("reset * ht_1", "ht_1", "r_t is missing", "h_tilde"),
    ("reset * ht_1", "update * ht_1", "z_t in place of r_t", "h_tilde"),
    ('+ params["reset_b"]', '+ params["update_b"]', "b_z in place of b_r", "r"),
    ('+ params["candidate_b"]', '+ params["reset_b"]', "b_r in place of b_h", "h_tilde"),
    ('+ params["update_b"]', "", "b_z is missing", "z"),
    ("update = sigmoid", "update = np.tanh", "tanh in place of sigmoid", "z"),
    ("np.tanh(", "sigmoid(", "sigmoid in place of tanh", "h_tilde"),
    ("update * ht_1 + (1", "reset * ht_1 + (1", "r_t in place of z_t", "h"),
    ("* candidate\n", "* reset\n", "r_t in place of", "h"),
    ("(1 - update) * candidate", "candidate", "is missing", "h"),
]
ALL = [
    ("torch GRU", TORCH, torch_example, "gru", OF_TORCH),
    ("Keras GRU", KERAS, keras_example, "gru", OF_KERAS),
    ("paper GRU", PAPER, paper_example, "gru_reset_before", OF_PAPER),
    ("course GRU", COURSE, course_example, "gru_reset_before", OF_COURSE),
]
SINGLE = [case for style in ALL for case in mutated(*style)]
PAIRS = [case for style in ALL for case in paired(*style)]
