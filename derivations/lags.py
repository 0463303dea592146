"""dc_t/dc_{t-k}: the product of the forget gates, and what the other paths add, for a number k and for any k."""

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page


def page(checks: Checks) -> Page:
    """Partial and total, two steps and k steps; the plain RNN beside it."""
    shown = {"evidence": checks.evidence, "known": False}
    return (
        Page("From one cell state to another, k steps later")
        .text(
            "Two derivatives carry the name $dc_t/dc_{t-k}$. One holds $h$ fixed at every step in between, and follows the "
            "cell state alone. The other counts every path of the unrolled network. Texts about vanishing gradients "
            "usually write the first; a program that backpropagates computes the second."
        )
        .equations(sl.cell("lstm"))
        .section("The direct path, two steps")
        .result(sl.derive("lstm", "c", "c_prev", lag=2), steps=True, **shown)
        .section("The direct path, k steps")
        .text("One forget gate a step, for any number of steps:")
        .result(sl.derive("lstm", "c", "c_prev", lag="k"), steps=True, **shown)
        .section("All paths, two steps")
        .text(
            "The state of an LSTM is the pair $(h, c)$, and its Jacobians multiply. What has to be said is where a path "
            "begins: $c_{t-2}$ is cut free of its own equation, and everything that reads it counts, also "
            "$h_{t-2} = o_{t-2} \\odot \\tanh(c_{t-2})$ of the same step. For $k = 1$ this is the total derivative "
            "of [cell_to_cell](cell_to_cell.md)."
        )
        .result(sl.derive("lstm", "c", "c_prev", paths="total", lag=2), **shown)
        .section("All paths, k steps")
        .text(
            "For any $k$ the closed form is the product itself. Written out there are $2^k$ paths from hand-over to "
            "hand-over, of which the direct one is a single term."
        )
        .result(sl.derive("lstm", "c", "c_prev", paths="total", lag="k"), **shown)
        .section("The plain RNN beside it")
        .text("It has no path of its own for the state: every step multiplies by $U$ and by a slope of at most 1.")
        .result(sl.derive("rnn", "h", "h_prev", lag="k"), **shown)
        .section("A GRU")
        .text("Its state is carried by $z_t$, but the same state makes the gates too, so its factor is a full matrix.")
        .result(sl.derive("gru", "h", "h_prev", lag="k"), **shown)
        .section("Again, on the command line")
        .code(
            "symlstm derive lstm c c_prev --lag k\nsymlstm derive lstm c c_prev --paths total --lag 2 --steps -o c.tex",
            "sh",
        )
    )
