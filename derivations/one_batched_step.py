"""One LSTM step for a batch in columns, as course notebooks write it: its cache, its prediction, its backward pass."""

import numpy as np

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page

N_X, N_A, N_Y, EXAMPLES = 3, 5, 2, 10


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def step_in_columns(xt, a_prev, c_prev, parameters):
    """One step: xt (n_x, m), a_prev and c_prev (n_a, m), m examples in columns; biases are columns too."""
    p = parameters
    column = np.concatenate((a_prev, xt), axis=0)
    ft = sigmoid(p["Wf"] @ column + p["bf"])  # forget gate
    it = sigmoid(p["Wi"] @ column + p["bi"])  # update gate
    cct = np.tanh(p["Wc"] @ column + p["bc"])  # candidate
    c_next = ft * c_prev + it * cct  # cell state
    ot = sigmoid(p["Wo"] @ column + p["bo"])  # output gate
    a_next = ot * np.tanh(c_next)  # hidden state
    yt = softmax(p["Wy"] @ a_next + p["by"])  # prediction
    return a_next, c_next, yt


def page(checks: Checks) -> Page:
    """The function is read as it stands; then the numbers of a batch, both ways; then the backward pass."""
    cell = sl.cell(step_in_columns)
    p = sl.parameters(cell, n=N_A, m=N_X, p=N_Y, rng=1)
    rng = np.random.default_rng(2)
    x, a, c = (rng.standard_normal((EXAMPLES, size)) for size in (N_X, N_A, N_A))
    in_columns = {name: value if value.ndim == 2 else value[:, None] for name, value in p.items()}
    theirs = step_in_columns(x.T, a.T, c.T, in_columns)
    ours = sl.compile(cell).values(p, x, (a, c))
    for name, value in zip(("a_next", "c_next", "yt"), theirs, strict=True):
        checks.same(f"{name} of {EXAMPLES} examples in columns", ours[name].T, value, decimals=14)
    backward = sl.backward(cell)
    kept = [q.name for q in backward.depends_on() if q not in cell.parameters]
    return (
        Page("One LSTM step for a batch, and the way back", notation="course_letters")
        .text(
            "A well-known exercise writes one LSTM step for a batch in columns, with a prediction and a cache, and "
            "leaves the backward pass to the reader. Here is the step as a function of that kind; symlstm reads it "
            "as it stands, the dict of parameters and the columns included:"
        )
        .code(_source())
        .section("Its equations")
        .equations(cell)
        .section("Its shapes, for one example")
        .shapes(cell)
        .section("Columns in, the same numbers out")
        .text(
            f"With {N_X} inputs, {N_A} units, {N_Y} classes and {EXAMPLES} examples in columns, the function above and the "
            "compiled cell agree in every entry of $a$, $c$ and $y$. Compiled cells take a batch in the leading axes, "
            "so columns are turned on the way in and out:"
        )
        .code("values = sl.compile(cell).values(p, xt.T, (a_prev.T, c_prev.T))\na_next = values['a_next'].T")
        .section("What the cache must hold")
        .text(
            "The backward pass below uses, besides the parameters, only these quantities; that is the cache: "
            + ", ".join(f"`{name}`" for name in kept)
            + "."
        )
        .section("The backward pass")
        .backward(backward, evidence=checks.evidence)
        .section("A slip in the source")
        .text(
            "The page that this goes back to computes its prediction as softmax(a_next): $W_y$ and $b_y$ are among "
            "its parameters and are never used. The step above has $y = \\mathrm{softmax}(W_y a + b_y)$, as the "
            "page's own list of parameters says."
        )
    )


def _source() -> str:
    import inspect

    return inspect.getsource(step_in_columns)
