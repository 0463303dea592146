"""[h, x] is one column: what W [h; x] means, what shape W has, and W [h; x] = U h + V x."""

import numpy as np

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page, cell_notation
from symlstm.emit.document import Equations, Row, formula
from symlstm.expr.build import add, concat, eye, matmul, zeros
from symlstm.expr.nodes import Add, Matmul
from symlstm.functions import concat as joined
from symlstm.functions import sigmoid

W = [[0, 1], [2, 3]]
H_PREV, X, B = [-1.0, 2.0], [3.0, 0.0], [1.0, -2.0]


def forget_gate(x: "m", h_prev: "n", *, W_f: "n n+m", b_f: "n"):
    """The forget gate alone; the state is handed on as it is."""
    z = W_f @ joined(h_prev, x) + b_f  # what goes into the sigmoid
    f = sigmoid(z)  # forget gate
    return h_prev, f


def page(checks: Checks) -> Page:
    """The question, the error for its 2 x 2 matrix, and the numbers with a 2 x 4 matrix."""
    cell = sl.cell(forget_gate)
    k = sl.compile(cell)
    numbers = {"W_f": np.array(W, dtype=float), "b_f": np.array(B)}
    try:
        k.values(numbers, np.array(X), (np.array(H_PREV),))
        raise AssertionError("a 2 x 2 matrix must be refused")
    except sl.SymlstmError as error:
        told = str(error)
    right = {**numbers, "W_f": np.hstack([W, W]).astype(float)}
    values = k.values(right, np.array(X), (np.array(H_PREV),))
    checks.same("the pre-activation is (3, 8)", values["z"], [3, 8])
    walked = sl.walk(cell, {"x": X, "h_prev": H_PREV, **{name: value.tolist() for name, value in right.items()}})
    by_h, by_x = sl.derive(cell, "z", "h_prev"), sl.derive(cell, "z", "x")
    own = cell_notation(cell)
    return (
        Page("What W [h, x] means")
        .text(
            "A question about $f_t = \\sigma(W_f \\cdot [h_{t-1}, x_t] + b_f)$: with $h_{t-1}$ and $x_t$ of two numbers "
            "each, is $[h_{t-1}, x_t]$ a matrix of two columns? Then the product with a 2 x 2 matrix has two "
            "columns as well, and adding $b_f$ goes wrong."
        )
        .section("It is one column")
        .text(
            "$[h_{t-1}, x_t]$ is a concatenation: $h_{t-1}$ above $x_t$, one column of four numbers. So $W_f$ has as "
            "many columns as both have entries together, and as many rows as $b_f$: it is 2 x 4, n x n+m in general. "
            "Given the question's 2 x 2 matrix, symlstm says so:"
        )
        .code(told, "text")
        .section("The split")
        .text(
            "Write $U$ for the columns of $W_f$ that meet $h_{t-1}$, here $W_{fh}$, and $V$ for the others, $W_{fx}$:"
        )
        .block(Equations(_split_rows(cell, own), "steps"))
        .text("The derivatives say the same, each with its evidence:")
        .derivation(by_h, evidence=checks.evidence, known=False)
        .derivation(by_x, evidence=checks.evidence, known=False)
        .section("The question's numbers")
        .text(
            "Take the question's matrix for both halves, $W_f = [U\\ \\ V]$ with "
            "$U = V = \\begin{bmatrix} 0 & 1 \\\\ 2 & 3 \\end{bmatrix}$. Then "
            "$U h_{t-1} = (2, 4)$, $V x_t = (0, 6)$, and with $b_f = (1, -2)$ what goes into the sigmoid is one vector, "
            "$(2, 4) + (0, 6) + (1, -2) = (3, 8)$:"
        )
        .block(*[walked.block(line, own) for line in walked.lines if line.equation.name in ("z", "f")])
        .section("A slip in the question")
        .text(
            "When the question fills in its numbers, the first entry of $h_{t-1}$ has become -3; it was given as -1. "
            "The trouble with the two columns is there with either."
        )
    )


def _split_rows(cell, notation) -> tuple[Row, ...]:
    """W [h; x] = W ([I; 0] h + [0; I] x) = U h + V x, each line built by the engine."""
    w, h, x = cell.quantity("W_f"), cell.quantity("h_prev"), cell.quantity("x")
    n, m = h.shape[0], x.shape[0]
    above, below = concat(eye(n), zeros(m, n)), concat(zeros(n, m), eye(m))
    whole = formula(concat(h, x), notation)
    opened = add(matmul(matmul(w, above), h), matmul(matmul(w, below), x))
    unsimplified = Add(Matmul(w, above, h), Matmul(w, below, x))
    return (
        Row(whole, formula(Add(Matmul(above, h), Matmul(below, x)), notation), ("each part has rows of its own",)),
        Row(
            formula(Matmul(w, concat(h, x)), notation), formula(unsimplified, notation), ("a matrix product is linear",)
        ),
        Row(None, formula(opened, notation), ("[I; 0] picks the first n columns, [0; I] the other m",)),
    )
