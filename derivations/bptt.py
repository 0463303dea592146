"""Backpropagation through time: the LSTM with every step, the peephole LSTM of the Odyssey paper, the GRU."""

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page

ODYSSEY = {
    "symbols": {"h": "y", "c_tilde": "z", "W_c": "W_z", "b_c": "b_z"},
    "adjoint": r"\delta #1",
    "delta": r"\delta #1",
}
"""The signs of the paper. No quantity of this cell has both an adjoint and a delta, so one sign serves for both."""


def page(checks: Checks) -> Page:
    """The recurrences of three cells, derived by the rules of one step from their equations."""
    lstm, peephole, gru = (sl.bptt(name) for name in ("lstm", "lstm_peephole", "gru"))
    return (
        Page("Backpropagation through time")
        .text(
            "A recurrent cell is run over the steps $t = 1, \\dots, T$, with the same parameters at every step. What does "
            "a loss at all these steps say about each parameter, each input and the initial states? Unrolled, the network "
            "is one long chain of equations, and its gradients follow by the chain rule alone. But $T$ is a symbol here, "
            "so the answer is a recurrence, followed from the last step to the first, and sums over the steps."
        )
        .section("How it follows from one step")
        .text(
            "The backward pass of one step says what the step sends back to the states before it, $h_{t-1}$ and $c_{t-1}$. "
            "Read one step later, this is what step $t+1$ sends to $h_t$ and $c_t$. There it meets what the loss says of "
            "them itself and what comes from within step $t$; the sum is the whole gradient. So nothing about time has to "
            "be derived anew: every line below comes from the rules of one step, for this cell as for any other."
        )
        .section("The LSTM")
        .equations(lstm.cell)
        .through_time(lstm, steps=True, evidence=checks.evidence)
        .section("The LSTM with peepholes")
        .text(
            "The equations of Greff, Srivastava, Koutnik, Steunebrink and Schmidhuber, "
            "[LSTM: A Search Space Odyssey](https://arxiv.org/abs/1503.04069), in their signs: the block output is $y$, "
            "the block input $z$, and $\\delta$ stands before everything that a gradient is taken by. Their $R_o$, the "
            "weights on $y_{t-1}$, is the block $W_{oy}$ of one matrix here, and their $W_o$ the block $W_{ox}$."
        )
        .equations(peephole.cell, notation=ODYSSEY)
        .through_time(peephole, evidence=checks.evidence, notation=ODYSSEY)
        .text(
            "Term by term these are the equations of the paper, with two differences in form. Its loss sees $y_t$ alone, so "
            "that $\\Delta c_t = 0$. And it writes the gradients by the recurrent weights and by the peepholes of $i$ and "
            "$f$ with the index one lower, $\\delta_{t+1} y_t^{\\top}$ and $c_t \\odot \\delta_{t+1}$ instead of "
            "$\\delta_t y_{t-1}^{\\top}$ and $\\delta_t \\odot c_{t-1}$. These are the same terms, for $t = 0, \\dots, T - 1$: "
            "the first of them holds the initial state, and falls away where that is zero."
        )
        .section("The GRU")
        .equations(gru.cell)
        .through_time(gru, evidence=checks.evidence)
        .text(
            "The gradient goes from $h_{t+1}$ back to $h_t$ on four ways. The first, $\\bar{h}_{t+1} \\odot z_{t+1}$, passes "
            "through no weights: the share of the old state that is kept is the share of the gradient that is kept."
        )
    )  # fmt: skip
