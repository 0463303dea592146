"""dc_t/dc_{t-1}: the forget gate, and what comes back through the hidden state."""

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page


def page(checks: Checks) -> Page:
    """Partial, total, and every path."""
    cell = sl.cell("lstm")
    return (
        Page("From one cell state to the next")
        .text(
            "How does the cell state of one step depend on that of the step before? There are two answers, and both "
            "are right: one for the other state held fixed, one for every path in the unrolled network."
        )
        .equations(cell)
        .section("With the other state held fixed")
        .text(
            "Neither gate nor candidate contains $c_{t-1}$: they are functions of $h_{t-1}$ and $x_t$. So only one "
            "term is left."
        )
        .derivation(sl.derive(cell, "c", "c_prev"), steps=True, evidence=checks.evidence, known=False)
        .section("Through every path")
        .text(
            "But $h_{t-1} = o_{t-1} \\odot \\tanh(c_{t-1})$ contains $c_{t-1}$ too, and all four of $f_t$, $i_t$, "
            "$\\tilde{c}_t$ and $o_t$ contain $h_{t-1}$. Three of them lead to $c_t$. This second term is what most "
            "texts leave out."
        )
        .derivation(
            sl.derive(cell, "c", "c_prev", paths="total"),
            steps=True, paths=True, evidence=checks.evidence, known=False,
        )
        .section("The whole state")
        .text(
            "Both answers are read off the same matrix, the Jacobian of the whole state $(h_t, c_t)$ by the one before. "
            "Its other three blocks:"
        )
        .derivation(sl.derive(cell, "c", "h_prev"), evidence=checks.evidence, known=False)
        .derivation(sl.derive(cell, "h", "c_prev"), evidence=checks.evidence, known=False)
        .derivation(sl.derive(cell, "h", "h_prev"), evidence=checks.evidence, known=False)
    )  # fmt: skip
