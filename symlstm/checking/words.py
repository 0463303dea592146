"""What names say: which gate, which side (input or hidden), which argument is x, h or c. Tables, and one reader."""

from __future__ import annotations

import re
from typing import Any

GATES: dict[str, tuple[str, ...]] = {
    "f": ("f", "forget", "fg", "ft"),
    "i": ("i", "input", "in", "update", "u", "ig", "it", "inp"),
    "c": (
        "c",
        "g",
        "cand",
        "candidate",
        "cell",
        "ctilde",
        "tilde",
        "cct",
        "cc",
        "a",
        "ch",
        "j",
        "gt",
        "modulation",
        "z",
    ),
    "o": ("o", "output", "out", "og", "ot"),
}
GATES_OF_GRU: dict[str, tuple[str, ...]] = {
    "r": ("r", "reset", "rt"),
    "z": ("z", "u", "update", "zt"),
    "n": ("n", "h", "new", "candidate", "cand", "c", "g", "tilde"),
}
GATES_OF_GRU_BEFORE = {"r": GATES_OF_GRU["r"], "z": GATES_OF_GRU["z"], "h": GATES_OF_GRU["n"]}
TABLES = (GATES, GATES_OF_GRU, GATES_OF_GRU_BEFORE)
ORDERS = [tuple(order) for order in ("ifco", "ifoc", "fico", "iofc", "zrn", "rzn", "zrh", "rzh")]
"""Orders that libraries and courses use: torch and Keras, CS231n, the letters' own, ONNX; GRUs."""
ROLES: dict[str, tuple[str, ...]] = {
    "x": tuple("x xt x_t input inputs inp data features input_t x_in xs cur_x curr_x x_curr".split()),
    "h": tuple(
        "h a h_prev a_prev prev_h hprev h_t_1 h_tm1 htm1 h_0 h0 a0 hx hidden prev_hidden hidden_prev hidden_state "
        "h_old s s_prev state_h prev_a aprev ht_1 h_last h_in h_t ht prev_hidden_state h_state hs ht_prev".split()
    ),
    "c": tuple(
        "c c_prev prev_c cprev c_t_1 c_tm1 ctm1 c_0 c0 cx cell prev_cell cell_prev cell_state c_old memory mem state_c "
        "ct_1 c_last c_in c_t ct prev_cell_state c_state last_c cs ct_prev memory_prev prev_memory carry".split()
    ),
}
BEFORE = frozenset("prev previous old last init initial start t tm1 tm 0 1 in".split())
"""Parts of a name that say which step is meant: hs_prev, init_hidden, previous_cell_state."""
WEIGHT = {"w", "u", "b", "r", "v", "wt", "weight", "weights", "kernel", "bias", "biases", "gate", "param", "params"}
PEEPHOLE = re.compile(r"peep|^p($|[_a-z])|^v($|_|[a-z]$)|^w_?c_?[a-z]$|^w_?[a-z]_?c$", re.IGNORECASE)
"""Names of vectors that multiply a state: p_i, peephole_f, V_o, w_ci, Wcf."""
SIDES = {"x": "x", "h": "h", "ih": "x", "hh": "h", "xh": "x", "recurrent": "h", "a": "h", "input": "x", "hidden": "h"}

OUTPUT = re.compile(r"(y\w*|logits?|scores?|preds?|predictions?|probs?|probabilities|outs?|outputs?)$")
LOGITS = re.compile(r"logit|score", re.IGNORECASE)
"""Names of what the activation of an output is applied to."""


def says_output(name: str) -> bool:
    """Whether an argument brings the gradient of an output: dy, dlogits_t, grad_scores, dy_hat."""
    bare = re.sub(r"^(grad(ient)?s?_?(of_|by_|wrt_)?|d_?)(?=.)", "", name.lower())
    bare = re.sub(r"_?(t|seq|all|in|next|upstream)$", "", bare) or bare
    return bool(OUTPUT.match(bare))


def role_of(name: str) -> str | None:
    """x, h or c, if an argument of that name is one."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    bare = "_".join(token for token in plain.split("_") if token not in BEFORE)
    return next((role for role, known in ROLES.items() if plain in known or bare in known), None)


def rank(role: str, name: str) -> int | None:
    """How usual a name is for x, h or c, the most usual first; None where it is none."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    known = ROLES.get(role, ())
    return known.index(plain) if plain in known else None


def gate_of(name: str, gates: dict[str, tuple[str, ...]]) -> str | None:
    """The gate that the name of a weight or bias says: Wf, W_xf, bf, forget.kernel, weights_forget, Whf."""
    tokens = [token.lower() for token in re.findall(r"[A-Z]+[a-z]*|[a-z]+", name)]
    known = {alias: gate for gate, aliases in gates.items() for alias in aliases}
    tokens = [token for token in tokens if token not in WEIGHT or len(tokens) == 1]
    for token in sorted(tokens, key=len, reverse=True):
        if token in known and len(token) > 2:
            return known[token]
    rest = [token for token in tokens if token not in ("x", "h") or len(tokens) == 1]
    for token in rest:
        if token in known:
            return known[token]
    for token in rest:
        bare = re.sub(r"^[wubrv]", "", token)
        for short in (bare, re.sub(r"^[xhiac](?=.)", "", bare), re.sub(r"(?<=.)[xh]$", "", bare)):
            if short in known:
                return known[short]
    return None


def is_peephole(path: tuple[Any, ...]) -> bool:
    """Whether the name of a vector, or of the dict or object that it is in, says that it multiplies a state."""
    inside = len(path) > 1 and re.fullmatch(r"p|v|w_?c|peep.*", str(path[-2]), re.IGNORECASE)
    biased = re.match(r"b(?![a-z]{2})|bias", str(path[-1]), re.IGNORECASE)  # of all parameters in a dict called p
    return bool(PEEPHOLE.search(str(path[-1])) or (inside and not biased))


def last_letter(name: str, gates: dict[str, tuple[str, ...]]) -> str | None:
    """The gate whose letter ends a name of two that say what goes in and where it goes: w_ig, w_hg, ih_f."""
    found = re.search(r"[ihx]_?([a-z])$", name.lower())
    return next((gate for gate, aliases in gates.items() if found and found[1] in aliases), None)


def side_of(name: str) -> str | None:
    """x or h, if the name of a weight or bias says which it multiplies."""
    if found := re.search(r"([a-z]+)(?:2|_to_)h", name.lower()):  # i2h, x2h, h2h, hidden_to_hidden
        return "h" if found[1].startswith("h") else "x"
    tokens = [token.lower() for token in re.findall(r"[A-Z]+[a-z]*|[a-z]+", name)]
    for token in tokens:
        if token in ("ih", "hh", "recurrent"):
            return SIDES[token]
    for token in tokens:
        if found := re.fullmatch(r"[wb]?([xh])[a-z]?|[wb][a-z]([xh])", token):
            return found[1] or found[2]
    return "h" if tokens and tokens[0] in ("u", "r") else None
