"""Backward functions of one step, by hand, and what people get wrong in them."""

from tests.checking.bench_gru import paper_example
from tests.checking.cases import Case, mutated, paired

LSTM = """
def step(x, prev_h, prev_c, Wx, Wh, b):
    a = x @ Wx + prev_h @ Wh + b
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
    c = f * prev_c + i * g
    h = o * np.tanh(c)
    return h, c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, c)

def back(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, c = cache
    tc = np.tanh(c)
    dc = dnext_c + dnext_h * o * (1 - tc ** 2)
    dao = dnext_h * tc * o * (1 - o)
    daf = dc * prev_c * f * (1 - f)
    dai = dc * g * i * (1 - i)
    dag = dc * i * (1 - g ** 2)
    da = np.hstack([dai, daf, dao, dag])
    dx = da @ Wx.T
    dprev_h = da @ Wh.T
    dprev_c = dc * f
    dWx = x.T @ da
    dWh = prev_h.T @ da
    db = da.sum(axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db
"""
GRU = """
def step(x_t, s_prev, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh):
    z = sigmoid(Wz @ x_t + Uz @ s_prev + bz)
    r = sigmoid(Wr @ x_t + Ur @ s_prev + br)
    g = np.tanh(Wh @ x_t + Uh @ (r * s_prev) + bh)
    s = z * s_prev + (1 - z) * g
    return s, (x_t, s_prev, Uz, Ur, Uh, Wz, Wr, Wh, z, r, g)

def back(ds, cache):
    x_t, s_prev, Uz, Ur, Uh, Wz, Wr, Wh, z, r, g = cache
    dag = ds * (1 - z) * (1 - g ** 2)
    drs = Uh.T @ dag
    daz = ds * (s_prev - g) * z * (1 - z)
    dar = drs * s_prev * r * (1 - r)
    ds_prev = ds * z + drs * r + Uz.T @ daz + Ur.T @ dar
    dx_t = Wz.T @ daz + Wr.T @ dar + Wh.T @ dag
    grads = {"dWz": np.outer(daz, x_t), "dUz": np.outer(daz, s_prev), "dbz": daz}
    grads |= {"dWr": np.outer(dar, x_t), "dUr": np.outer(dar, s_prev), "dbr": dar}
    grads |= {"dWh": np.outer(dag, x_t), "dUh": np.outer(dag, r * s_prev), "dbh": dag}
    return {"ds_prev": ds_prev, "dx_t": dx_t, **grads}
"""
RNN = """
def step(xt, a_prev, parameters):
    Wax, Waa, ba = parameters["Wax"], parameters["Waa"], parameters["ba"]
    a_next = np.tanh(np.dot(Wax, xt) + np.dot(Waa, a_prev) + ba)
    return a_next, (a_next, a_prev, xt, parameters)

def back(da_next, cache):
    a_next, a_prev, xt, parameters = cache
    dz = (1 - a_next ** 2) * da_next
    dxt = np.dot(parameters["Wax"].T, dz)
    dWax = np.dot(dz, xt.T)
    da_prev = np.dot(parameters["Waa"].T, dz)
    dWaa = np.dot(dz, a_prev.T)
    dba = np.sum(dz, axis=1, keepdims=True)
    return {"dxt": dxt, "da_prev": da_prev, "dWax": dWax, "dWaa": dWaa, "dba": dba}
"""


def lstm_example(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), d((batch, n)), d((batch, n)), d((m, 4 * n)), d((n, 4 * n)), d(4 * n)


def rnn_example(n, m, batch, rng):
    d = rng.standard_normal
    return d((m, batch)), d((n, batch)), {"Waa": d((n, n)), "Wax": d((n, m)), "ba": d((n, 1))}


OF_LSTM = [
    ("dc = dnext_c + ", "dc = ", "Δc_t is missing", ""),
    ("o * (1 - tc ** 2)", "o * (1 - c ** 2)", "no activation in place of tanh", ""),
    ("dnext_h * o * (1 - tc ** 2)", "dnext_h * o", "is missing", ""),
    ("dnext_h * o * (1 - tc", "dnext_h * (1 - tc", "o_t is missing", ""),
    ("f * (1 - f)", "f * 1 - f", "parenthesis is missing in the derivative of f", ""),
    ("o * (1 - o)", "(1 - o ** 2)", "the derivative of tanh", ""),
    ("i * (1 - g ** 2)", "i * g * (1 - g)", "the derivative of σ", ""),
    ("dc * prev_c * f", "dc * c * f", "c_t in place of c_{t-1}", ""),
    ("dc * g * i * (1 - i)", "dc * g * i", "is missing", ""),
    ("dprev_c = dc * f", "dprev_c = dnext_c * f", "from outside alone|in place of", ""),
    ("dprev_c = dc * f", "dprev_c = dc * i", "i_t in place of f_t", ""),
    ("dnext_h * tc * o", "dnext_h * c * o", "no activation in place of tanh|c_t in place", ""),
]
OF_GRU = [
    ("ds * (1 - z) * (1 - g ** 2)", "ds * z * (1 - g ** 2)", "z_t", ""),
    ("(1 - z) * (1 - g ** 2)", "(1 - z) * g * (1 - g)", "the derivative of σ", ""),
    ("z * (1 - z)\n", "(1 - z ** 2)\n", "the derivative of tanh|1 - z", ""),
    ("ds_prev = ds * z + drs * r", "ds_prev = drs * r", "is missing", ""),
    ("drs * r + Uz", "drs + Uz", "r_t is missing", ""),
    (" + Ur.T @ dar", "", "is missing", ""),
    ("drs * s_prev * r", "drs * r", "h_{t-1} is missing", ""),
    ("r * (1 - r)\n", "r\n", "is missing", ""),
]
OF_RNN = [
    ("(1 - a_next ** 2) * da_next", "da_next", "is missing", ""),
    ("(1 - a_next ** 2)", "(1 - a_prev ** 2)", "h_{t-1} in place of h_t", ""),
    ("(1 - a_next ** 2)", "a_next * (1 - a_next)", "the derivative of σ", ""),
    ('parameters["Waa"].T', 'parameters["Waa"]', "Uᵀ|U in place", ""),
    ("np.dot(dz, a_prev.T)", "np.dot(dz, a_next.T)", "h_t in place of h_{t-1}", ""),
]
ALL = [
    ("LSTM backward", LSTM, lstm_example, "lstm", OF_LSTM),
    ("GRU backward", GRU, paper_example, "gru_reset_before", OF_GRU),
    ("RNN backward", RNN, rnn_example, "rnn", OF_RNN),
]
SINGLE = [case for style in ALL for case in mutated(*style)]
LINES = [[(*m[:3], str(k)) for k, m in enumerate(style[4])] for style in ALL]
PAIRS = [
    Case(case.name, case.source, case.example, case.cell, tuple((message, "") for message, _ in case.bugs))
    for style, lines in zip(ALL, LINES, strict=True)
    for case in paired(*style[:4], lines)
]
