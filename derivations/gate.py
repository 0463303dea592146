"""A gate is a pointwise product; an LSTM is three of them and a sum: the blocks F_t, I_t and c'_t."""

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page
from symlstm.functions import concat, sigmoid, tanh


def blocks(
    x: "m", h_prev: "n", c_prev: "n", *,
    W_f: "n n+m", b_f: "n", W_i: "n n+m", b_i: "n", W_c: "n n+m", b_c: "n", W_o: "n n+m", b_o: "n",
):  # fmt: skip
    """The LSTM with a name for what leaves each gate."""
    hx = concat(h_prev, x)
    f = sigmoid(W_f @ hx + b_f)  # filter of the forget gate
    F = f * c_prev  # output of the forget gate
    i = sigmoid(W_i @ hx + b_i)  # filter of the input gate
    c_tilde = tanh(W_c @ hx + b_c)  # candidate
    I = i * c_tilde  # output of the input gate
    c = F + I  # cell state
    o = sigmoid(W_o @ hx + b_o)  # filter of the output gate
    c_prime = tanh(c)  # squashed cell state
    h = o * c_prime  # output of the output gate
    return h, c


def with_the_slip(
    x: "m", h_prev: "n", c_prev: "n", *, W_f: "n n+m", b_f: "n", W_i: "n n+m", b_i: "n", W_c: "n n+m",
):  # fmt: skip
    """The cell state with b_i where b_c belongs."""
    hx = concat(h_prev, x)
    f = sigmoid(W_f @ hx + b_f)
    i = sigmoid(W_i @ hx + b_i)
    c_tilde = tanh(W_c @ hx + b_i)
    c = f * c_prev + i * c_tilde
    return h_prev, c


def page(checks: Checks) -> Page:
    """The gate, the three blocks, and what each passes back."""
    cell, slipped = sl.cell(blocks), sl.cell(with_the_slip)
    return (
        Page("The gate, and the three blocks of an LSTM", notation="blog")
        .text(
            "A gate takes a vector $v$ and a filter $t$ with entries between 0 and 1, and lets through the share $t_j$ "
            "of each entry $v_j$: the pointwise product."
        )
        .formulas(
            [
                ("v'", "v \\otimes t", "entry by entry"),
                ("v'", "0", "where $t = 0$: closed"),
                ("v'", "v", "where $t = 1$: open"),
            ]
        )
        .section("The blocks")
        .text(
            "An LSTM has three gates. What leaves the forget gate is called $F_t$, what leaves the input gate $I_t$, and "
            "$c'_t$ is the cell state on its way to the output gate:"
        )
        .equations(cell)
        .section("What a gate passes back")
        .text("The derivative of a pointwise product by one factor is the diagonal matrix of the other.")
        .derivation(sl.derive(cell, "F", "c_prev"), steps=True, evidence=checks.evidence, known=False)
        .derivation(sl.derive(cell, "I", "c_tilde"), evidence=checks.evidence, known=False)
        .derivation(sl.derive(cell, "h", "c_prime"), evidence=checks.evidence, known=False)
        .section("Through the blocks")
        .text(
            "The sum that joins the blocks passes gradients on unchanged, so the cell state sees the old one through "
            "the forget gate alone, and the hidden state sees it through two gates and the slope of $\\tanh$:"
        )
        .derivation(sl.derive(cell, "c", "c_prev"), steps=True, evidence=checks.evidence, known=False)
        .derivation(sl.derive(cell, "h", "c_prev"), steps=True, evidence=checks.evidence, known=False)
        .section("A slip in the source")
        .text(
            "The text that these names come from writes the candidate with the bias of the input gate, $b_i$. It must be "
            "a bias of its own, $b_c$. With $b_i$ in both places one vector would move both, and its derivative would "
            "have two terms instead of one:"
        )
        .derivation(sl.derive(slipped, "c", "b_i"), evidence=checks.evidence, known=False)
        .text("With the candidate's own bias:")
        .derivation(sl.derive(cell, "c", "b_i"), evidence=checks.evidence, known=False)
    )
