"""c_t as a sum over all steps: what each of them put in, times the forget gates since."""

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page


def leaky(x: "m", h_prev: "n", *, W: "n m", b: "n"):
    """A leaky integrator: nine tenths of the state stay."""
    h = 0.9 * h_prev + 0.1 * sl.tanh(W @ x + b)  # state
    return h


def page(checks: Checks) -> Page:
    """The LSTM, the GRU, a leaky integrator; what has no such solution."""
    shown = {"evidence": checks.evidence, "known": False}
    return (
        Page("The solution of the cell recurrence")
        .text(
            "The equation $c_t = f_t \\odot c_{t-1} + i_t \\odot \\tilde{c}_t$ is linear in the cell state, entry by "
            "entry. A linear recurrence has a solution in closed form: a weighted sum of everything that was put in."
        )
        .equations(sl.cell("lstm"))
        .section("In closed form, proved by induction")
        .result(sl.solution("lstm"), **shown)
        .section("Read as a memory")
        .text(
            "Step $k$ put in $i_k \\odot \\tilde{c}_k$; what is left of it at time $t$ is the product of the forget gates "
            "since. No matrix and no $\\tanh$ stands between the two. The same product is the direct path of the gradient "
            "([lags](lags.md)), for the same reason."
        )
        .section("From w steps back")
        .result(sl.solution("lstm").over("w"), **shown)
        .section("Three steps, written out")
        .result(sl.solution("lstm").over(3), **shown)
        .section("A GRU")
        .text(
            "Its hidden state has the same form, $h_t = z_t \\odot h_{t-1} + (1 - z_t) \\odot n_t$. The gates depend on "
            "$h_{t-1}$ themselves: it is a solution given the gates, not of the network."
        )
        .result(sl.solution("gru"), **shown)
        .section("A leaky integrator")
        .text("With a constant in the place of the gate the products are powers, and nothing has to be given.")
        .equations(sl.cell(leaky))
        .result(sl.solution(sl.cell(leaky)), **shown)
        .section("A plain RNN has none")
        .text(
            "In $h_t = \\tanh(W x_t + U h_{t-1} + b)$ the old state passes through a matrix and a $\\tanh$. "
            "`symlstm solution rnn` says so."
        )
    )
