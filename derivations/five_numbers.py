"""One step of an LSTM by hand, with five numbers: f, i, c_tilde, c, o and h, line by line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page

H_PREV = [0, 0.5, 0.1, 0.2, 0.6]
X = [-0.1, 0.3, 0.1, -0.25, 0.1]
C_PREV = [1, 1, 1, 1, 1]
F = [0.47502081, 0.68997448, 0.549834, 0.4875026, 0.66818777]
ONE_STEP = Path(__file__).with_name("one_step.json")


def values() -> dict[str, list]:
    """The numbers of the question: every W is [I, I], every bias zero; c_{t-1} is ours."""
    both = np.hstack([np.eye(5), np.eye(5)]).tolist()
    weights = {f"W_{gate}": both for gate in "fico"}
    biases = {f"b_{gate}": [0.0] * 5 for gate in "fico"}
    return {"x": X, "h_prev": H_PREV, "c_prev": C_PREV, **weights, **biases}


def by_hand() -> dict[str, np.ndarray]:
    """The same step in NumPy alone, to compare."""
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    z = np.array(H_PREV) + np.array(X)
    f, i, o, c_tilde = sigmoid(z), sigmoid(z), sigmoid(z), np.tanh(z)
    c = f * C_PREV + i * c_tilde
    return {"f": f, "i": i, "c_tilde": c_tilde, "c": c, "o": o, "h": o * np.tanh(c)}


def page(checks: Checks) -> Page:
    """The question's example, then every other quantity by the same method."""
    walked = sl.walk(sl.cell("lstm"), values())
    checks.same("f is the question's f", walked.values["f"], F)
    for name, expected in by_hand().items():
        checks.same(f"{name} by hand", walked.values[name], expected, decimals=14)
    flat = [
        np.concatenate([np.ravel(v) for v in given.values()]) for given in (json.loads(ONE_STEP.read_text()), values())
    ]
    checks.same("one_step.json", *flat, decimals=17)
    checks.same("ln 99", np.log(99), 4.595, decimals=3)
    checks.same("sigma(ln 99)", 1 / (1 + np.exp(-np.log(99))), 0.99, decimals=14)
    made = (
        Page("One step of an LSTM in numbers")
        .text(
            "A beginner's question: with a hidden state $h_{t-1}$ and an input $x_t$ of five numbers each, all weight "
            "matrices the identity and all biases zero, what are the forget gate, the input gate, the candidate, the "
            "new cell state and the new hidden state? And why is the forget gate not 0 or 1?"
        )
        .section("The setting")
        .text(
            "Each weight matrix multiplies one column, $[h_{t-1}; x_t]$, of 10 numbers, so it is 5 x 10. "
            '"The identity" therefore means $W_f = [I\\ \\ I]$, one identity for $h_{t-1}$ and one for $x_t$, and '
            "$W_f\\,[h_{t-1}; x_t] = h_{t-1} + x_t$, which is what the question adds up. "
            "The question leaves the old cell state open; here $c_{t-1} = (1, 1, 1, 1, 1)$, so that what is "
            "forgotten can be seen."
        )
        .equations(sl.cell("lstm"))
    )
    made = made.section("The step, line by line")
    for section in walked.document().sections[1:]:
        made = replace(made, sections=(*made.sections, replace(section, level=3)))
    return (
        made.section("Why a gate is between 0 and 1, and not 0 or 1")
        .text(
            "Each entry of a gate is $\\sigma(z) = 1/(1 + e^{-z})$. Since $e^{-z}$ is positive for every $z$, the "
            "denominator is larger than 1, so $0 < \\sigma(z) < 1$: a gate is a share, entry by entry, of what passes. "
            "The values 0 (closed) and 1 (open) are limits, for $z \\to -\\infty$ and $z \\to \\infty$; texts that "
            "say a gate is 0 or 1 describe these two ends. An entry of 0.99 takes $z = \\ln 99 = 4.595$, one of "
            "0.01 the negative of that. A step from 0 to 1 would have the derivative 0 wherever it has one, and "
            "nothing could be learned through it; $\\sigma' = \\sigma(1 - \\sigma)$ is positive everywhere."
        )
        .section("A slip in the answer that was given")
        .text(
            "The answer explains the products rightly. Its `sigmoid`, though, computes one value after the other "
            "and never appends it to its list, so that it returns an empty array. On arrays one line is enough:"
        )
        .code("def sigmoid(z):\n    return 1 / (1 + np.exp(-z))")
        .section("Again, on the command line")
        .code("symlstm walk lstm --values derivations/one_step.json", "sh")
        .text(
            "[one_step.json](one_step.json) holds the numbers by name: `x`, `h_prev`, `c_prev`, `W_f`, `b_f`, and so on."
        )
    )
