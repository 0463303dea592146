"""Implementations in the wild's styles, right ones and wrong ones: a style is a text with holes, a bug fills a hole.

The holes: zf, zi, zg, zo (pre-activations), F, I, G, O (gates), C, H (states). Nothing here uses symlstm.
"""

import linecache
from dataclasses import dataclass

RIGHT = {
    "F": "sigmoid(zf)",
    "I": "sigmoid(zi)",
    "G": "np.tanh(zg)",
    "O": "sigmoid(zo)",
    "C": "f * c_prev + i * g",
    "H": "o * np.tanh(c)",
}
BODY = "    f = {F}\n    i = {I}\n    g = {G}\n    o = {O}\n    c = {C}\n    h = {H}\n"
HELPERS = "import numpy as np\n\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n\n"


@dataclass(frozen=True)
class Style:
    """head: from the arguments to pre-activations, with the holes W{gate}, b{gate}; example(n, m, batch, rng)."""

    signature: str
    names: str
    z: str
    b: dict[str, str]
    returns: str
    example: object
    order: str = "figo"
    tail: str = ""


def _bias(text):
    return {g: text.replace("?", g) for g in "figo"}


def _block(text, order):
    return {g: text.replace("?", f"{k} * n:{k + 1} * n" if k else ":n") for k, g in enumerate(order)}


def _course(n, m, batch, rng):
    p = {f"W{g}": rng.standard_normal((n, n + m)) for g in "fico"} | {
        f"b{g}": rng.standard_normal((n, 1)) for g in "fico"
    }
    draw = rng.standard_normal
    return {"xt": draw((m, batch)), "a_prev": draw((n, batch)), "c_prev": draw((n, batch)), "parameters": p}


def _rows(n, m, batch, rng):
    draw = rng.standard_normal
    return draw((batch, m)), draw((batch, n)), draw((batch, n)), draw((m, 4 * n)), draw((n, 4 * n)), draw(4 * n)


def _torch(n, m, batch, rng):
    d = rng.standard_normal
    return d((batch, m)), (d((batch, n)), d((batch, n))), d((4 * n, m)), d((4 * n, n)), d(4 * n), d(4 * n)


def _separate(n, m, batch, rng):
    d = rng.standard_normal
    found = {"x": d(m), "h_prev": d(n), "c_prev": d(n)}
    for g in "figo":
        found |= {f"W_{g}": d((n, m)), f"U_{g}": d((n, n)), f"b_{g}": d(n)}
    return found


def _joined(n, m, batch, rng):
    d = rng.standard_normal
    return {"c_prev": d((batch, n)), "h_prev": d((batch, n)), "x": d((batch, m)), "W": d((m + n, 4 * n)), "b": d(4 * n)}


def _words(n, m, batch, rng):
    d, p = rng.standard_normal, {}
    for g in ("forget", "input", "cell", "output"):
        p |= {f"{g}_weight": d((n + m, n)), f"{g}_bias": d(n)}
    return {"inputs": d((batch, m)), "state": (d((batch, n)), d((batch, n))), "params": p}


_WORDS = {"f": "forget", "i": "input", "g": "cell", "o": "output"}
STYLES = {
    "course": Style(
        "xt, a_prev, c_prev, parameters",
        "    p = parameters\n    h_prev, n = a_prev, a_prev.shape[0]\n    hx = np.concatenate((a_prev, xt), axis=0)\n",
        'np.dot(p["W?"], hx) + {b}',
        {g: f'p["b{"c" if g == "g" else g}"]' for g in "figo"},
        "h, c, (h, c, a_prev, c_prev, f, i, g, o, xt, parameters)",
        _course,
    ),
    "cs231n": Style(
        "x, prev_h, prev_c, Wx, Wh, b",
        "    h_prev, c_prev, n = prev_h, prev_c, prev_h.shape[1]\n    a = x @ Wx + prev_h @ Wh\n",
        "a[:, ?] + {b}",
        _block("b[?]", "ifog"),
        "h, c",
        _rows,
        "ifog",
    ),
    "torch": Style(
        "x, hx, w_ih, w_hh, b_ih, b_hh",
        "    h_prev, c_prev = hx\n    n = h_prev.shape[1]\n    a = x @ w_ih.T + h_prev @ w_hh.T + b_hh\n",
        "a[:, ?] + {b}",
        _block("b_ih[?]", "ifgo"),
        "h, (h, c)",
        _torch,
        "ifgo",
    ),
    "separate": Style(
        "x, h_prev, c_prev, W_f, U_f, b_f, W_i, U_i, b_i, W_g, U_g, b_g, W_o, U_o, b_o",
        "",
        "W_?.dot(x) + U_?.dot(h_prev) + {b}",
        _bias("b_?"),
        "c, h",
        _separate,
    ),
    "joined": Style(
        "c_prev, h_prev, x, W, b",
        "    n = h_prev.shape[1]\n    a = np.hstack([x, h_prev]) @ W\n",
        "a[:, ?] + {b}",
        _block("b[?]", "ofgi"),
        "c, h",
        _joined,
        "ofgi",
    ),
    "words": Style(
        "inputs, state, params",
        "    h_prev, c_prev = state\n    hx = np.concatenate([h_prev, inputs], axis=-1)\n",
        'hx @ params["?_weight"] + {b}',
        {g: f'params["{w}_bias"]' for g, w in _WORDS.items()},
        '{"h": h, "c": c}',
        _words,
    ),
}


def source(style, **holes):
    """The text of an implementation. Holes: any of RIGHT; b_f, b_i, b_g, b_o; z_f, ... (a pattern of a gate)."""
    s = STYLES[style]
    lines = [HELPERS, f"def step({s.signature}):\n", s.names]
    stacked = "a[" in s.z
    places = _block("?", s.order) if stacked else {g: g for g in "figo"}
    if style == "course":
        places["g"] = "c"
    if style == "words":
        places = _WORDS
    for g in "figo":
        bias = holes.get(f"b_{g}", s.b[g])
        bias = s.b.get(bias, bias)
        lines.append(f"    z{g} = " + s.z.replace("{b}", bias).replace("?", places[holes.get(f"W_{g}", g)]) + "\n")
    body = (
        BODY.replace("    o = {O}\n", "").replace("    h =", "    o = {O}\n    h =")
        if "c" in holes.get("O", "").split("+")[-1].split("/")[0][:3]
        else BODY
    )
    lines.append(body.format(**{**RIGHT, **{k: v for k, v in holes.items() if k in RIGHT}}))
    return "".join(lines) + f"    return {s.returns}\n"


def implementation(style, **holes):
    """(function, example function)"""
    text, space = source(style, **holes), {}
    name = f"<bench {style} {sorted(holes.items())}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), space)
    return space["step"], STYLES[style].example


BUGS = {
    "b_i in the candidate": ({"b_g": "i"}, "b_i in place of b_c", "c_tilde"),
    "b_o in the forget gate": ({"b_f": "o"}, "b_o in place of b_f", "f"),
    "b_f in the input gate": ({"b_i": "f"}, "b_f in place of b_i", "i"),
    "no bias in the candidate": ({"b_g": "0.0"}, "b_c is missing", "c_tilde"),
    "no bias in the output gate": ({"b_o": "0.0"}, "b_o is missing", "o"),
    "sigmoid candidate": ({"G": "sigmoid(zg)"}, "sigmoid in place of tanh", "c_tilde"),
    "tanh forget gate": ({"F": "np.tanh(zf)"}, "tanh in place of sigmoid", "f"),
    "tanh input gate": ({"I": "np.tanh(zi)"}, "tanh in place of sigmoid", "i"),
    "tanh output gate": ({"O": "np.tanh(zo)"}, "tanh in place of sigmoid", "o"),
    "no tanh in h": ({"H": "o * c"}, "no activation in place of tanh", "h"),
    "sigmoid in h": ({"H": "o * sigmoid(c)"}, "sigmoid in place of tanh", "h"),
    "c_prev in h": ({"H": "o * np.tanh(c_prev)"}, "c_{t-1} in place of c_t", "h"),
    "candidate in h": ({"H": "o * np.tanh(g)"}, "c̃_t in place of c_t", "h"),
    "forget gate in h": ({"H": "f * np.tanh(c)"}, "f_t in place of o_t", "h"),
    "sum in h": ({"H": "o + np.tanh(c)"}, "+ in place of ⊙", "h"),
    "forget gate on h": ({"C": "f * h_prev + i * g"}, "h_{t-1} in place of c_{t-1}", "c"),
    "forget gate on the candidate": ({"C": "f * g + i * g"}, "c̃_t in place of c_{t-1}", "c"),
    "one minus f": ({"C": "(1 - f) * c_prev + i * g"}, "1 - f_t in place of f_t", "c"),
    "coupled gates": ({"C": "f * c_prev + (1 - f) * g"}, "1 - f_t in place of i_t", "c"),
    "no input gate": ({"C": "f * c_prev + g"}, "i_t is missing", "c"),
    "no forget gate": ({"C": "c_prev + i * g"}, "f_t is missing", "c"),
    "output gate for input gate": ({"C": "f * c_prev + o * g"}, "o_t in place of i_t", "c"),
    "minus": ({"C": "f * c_prev - i * g"}, "has the wrong sign", "c"),
    "relu candidate": ({"G": "np.maximum(zg, 0)"}, "relu in place of tanh", "c_tilde"),
    "relu in h": ({"H": "o * np.maximum(c, 0)"}, "relu in place of tanh", "h"),
    "hard sigmoid": ({"F": "np.clip(0.2 * zf + 0.5, 0, 1)"}, "the hard sigmoid 0.2 z + 1/2", "f"),
    "hard sigmoid of today": ({"O": "np.clip(zo / 6 + 0.5, 0, 1)"}, "the hard sigmoid z/6 + 1/2", "o"),
    "forget offset": ({"F": "sigmoid(zf + 1)"}, "+ 1 is added", "f"),
    "peephole": ({"O": "sigmoid(zo + c)"}, "c_t is added before", "o"),
    "epsilon": ({"C": "f * c_prev + i * g + 1e-8"}, "1e-08 is added to the result", "c"),
}
"""What is filled in; what the message of the first finding says; which equation it names."""
