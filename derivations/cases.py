"""The four cases of a forget gate and an input gate that are open or closed."""

import numpy as np

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page


def page(checks: Checks) -> Page:
    """One step and w steps of each case."""
    shown = {"evidence": checks.evidence, "known": False}
    back = sl.solution("lstm").over("w")
    _limits(checks)
    return (
        Page("The four gate cases")
        .text(
            "A filter of ones lets a vector pass unchanged, a filter of zeros stops it. With two filters in front of the cell "
            "state there are four cases. A sigmoid reaches neither 0 nor 1; the cases are the corners between which "
            "every entry of every gate lies."
        )
        .equations(sl.cell("lstm"))
        .section("One step")
        .text(
            "The number in the place of a gate depends on nothing, so the derivatives through it vanish. What is left of "
            "the two states, and of the four blocks of the state Jacobian:"
        )
        .result(sl.cases("lstm", {"f": [1, 0], "i": [0, 1]}), **shown)
        .text(
            "Only the cases with $f_t = 1$ have an identity in the Jacobian. With $f_t = 0$ both blocks by $c_{t-1}$ "
            "are zero, so at most $n$ of the $2n$ directions of the state are left."
        )
        .section("At the end of every gate")
        .text(
            "With the output gate at one of its ends too, no weight is left in the Jacobian. These are its limits where all "
            "gates saturate while the cell keeps:"
        )
        .result(sl.cases("lstm", {"f": [1], "i": [0], "o": [1, 0]}), **shown)
        .text(
            "An open output gate shows the kept state, a closed one hides it: either way $n$ eigenvalues are 1 and $n$ are 0."
        )
        .section("w steps that keep")
        .text(
            "Hold $f = 1$ and $i = 0$ for $w$ steps: the cell state is that of $w$ steps ago, entry for entry. This is "
            "the skip connection of the source, and it follows from the [solution](solution.md) by putting in the numbers."
        )
        .result(back.with_values(f=1, i=0), **shown)
        .section("w steps that add")
        .text("With both gates open the cell state adds up the candidates:")
        .result(back.with_values(f=1, i=1), **shown)
        .section("w steps that replace")
        .text("With the forget gate closed only the last step counts, however many there are:")
        .result(back.with_values(f=0, i=1), **shown)
        .section("Two slips in the source")
        .text(
            "The text that the cases come from writes the stopped input as $i_t \\odot \\tilde{c}_{t-1}$; the candidate "
            "is that of the same step, $\\tilde{c}_t$. And its sentence that both vectors pass stands under "
            "$f_t = i_t = 0$, where neither does; it belongs to $f_t = i_t = 1$."
        )
        .section("A GRU has one gate for both")
        .text("What it lets in is what it does not keep, so two of the four cases are missing:")
        .result(sl.cases("gru", {"z": [1, 0]}), **shown)
    )


def _limits(checks: Checks) -> None:
    """Gates driven to their ends by biases of 60: J of the cell itself goes where the substitution says."""
    rng, n = np.random.default_rng(0), 4
    for f, i, o in ((1, 0, 1), (1, 0, 0), (0, 1, 1), (0, 0, 1)):
        p = sl.parameters("lstm", n=n, m=2, rng=rng)
        for gate, end in (("f", f), ("i", i), ("o", o)):
            p[f"b_{gate}"][...] = 60.0 if end else -60.0
        x, h, c = rng.normal(size=2), rng.normal(size=n), rng.normal(size=n)
        found = sl.compile("lstm").state_jacobian(p, x, (h, c))
        values = sl.compile("lstm").values(p, x, (h, c))
        slope, candidate = np.diag(o / np.cosh(values["c"]) ** 2), np.diag(1 - values["c_tilde"] ** 2)
        to_c = i * candidate @ p["W_c"][:, :n]
        expected = np.block([[slope @ to_c, f * slope], [to_c, f * np.eye(n)]])
        checks.same(f"the limit at f, i, o = {f}, {i}, {o}", found, expected, 12)
        if f == 0:
            checks.same(f"the rank at f, i, o = {f}, {i}, {o}", np.linalg.matrix_rank(found, tol=1e-12), i * n)
        else:
            sizes = np.sort(np.abs(np.linalg.eigvals(found)))
            checks.same(f"the eigenvalues at f, i, o = {f}, {i}, {o}", sizes, np.repeat([0.0, 1.0], n))
