"""How long a cell remembers: half-lives, chrono initialisation, and the spectrum and critical gain at the origin."""

import numpy as np
import sympy as sp

import symlstm as sl
from derivations.checks import Checks
from symlstm.calculus.cases import folded
from symlstm.emit import Page
from symlstm.emit.document import Equations, Row, formula
from symlstm.expr.build import zeros
from symlstm.expr.tree import replace

BIASES = {0: 1.0, 1: 2.2126777968, 2: 5.4609473107, 5: 103.2183484868}
"""Forget biases, and the half-lives that are known for them."""


def page(checks: Checks) -> Page:
    """Half-lives and time constants, the chrono mean, the blocks at the origin by substitution, critical gains."""
    rows = [(bias, f"{half:.10g}", f"{1 + np.exp(bias):.10g}") for bias, half in BIASES.items()]
    for bias, half in BIASES.items():
        found = sl.half_life("lstm", _lstm(4, b_f=bias), steps=10)
        checks.same(f"half-life at bias {bias}", found.half_life, np.full(4, half))
        checks.same(f"time constant at bias {bias}", found.time_constant, np.full(4, 1 + np.exp(bias)))
    _chrono(checks)
    _origin(checks)
    return (
        Page("How long a cell remembers")
        .text(
            "Along the cell state alone, $\\partial c_t/\\partial c_{t-k}$ is a product of $k$ forget gates "
            "([lags](lags.md)). If they are all $f$, half of it is left after $-\\ln 2/\\ln f$ steps, and the sum of all "
            "its powers, $1/(1-f)$, is the time constant. With $f = \\sigma(b_f)$:"
        )
        .table(["forget bias", "half-life (steps)", "time constant (steps)"], rows, numeric=True)
        .text(
            "Products of thousands of gates under- or overflow, and a gate near 1 rounds to 1. `sl.half_life` adds "
            "$\\log \\sigma(z)$ instead, from what the gates are made of."
        )
        .section("Chrono initialisation")
        .text(
            "Draw $u$ evenly from $[1, T_{\\max} - 1]$, set $b_f = \\log u$ and $b_i = -b_f$ (Tallec and Ollivier, Can "
            "recurrent neural networks warp time?, ICLR 2018). Then $f = u/(1+u)$, the time constant is $1 + u$, and the "
            "mean of $f$ is"
        )
        .formula(
            r"\mathrm{E}[f]",
            r"\frac{1}{T_{\max}-2} \int_1^{T_{\max}-1} \frac{u}{1+u} \, du = 1 - \frac{\ln(T_{\max}/2)}{T_{\max}-2}",
        )
        .text("At $T_{\\max} = 784$ it is 0.9923641153.")
        .section("The spectrum at the origin")
        .text("With zero input and $b_c = 0$ the origin is a fixed point. Put into the blocks of the state Jacobian:")
        .block(Equations(tuple(_at_the_origin()), "results"))
        .text(
            "The rows of $h$ are $o$ times those of $c$. If the gates are the same in every unit, the eigenvalues are "
            "therefore 0, $n$ times, and $f + i\\,o\\,\\mu$ for each eigenvalue $\\mu$ of the recurrent weights of the "
            "candidate. For entries drawn from $N(0, g^2/n)$ these fill a disc of radius $g$, which touches the unit "
            "circle at the critical gain"
        )
        .formula("g_c", r"\frac{1-f}{i \, o}")
        .text(
            "It is 2 where all biases are zero, 1.0757656855 at forget bias 1, and 2 with chrono initialisation at every "
            "$T_{\\max}$, because $i = 1 - f$ there. Above it an LSTM without input can be chaotic."
        )
    )


def _lstm(n: int, **biases: float) -> dict[str, np.ndarray]:
    p = sl.parameters("lstm", n=n, m=1)
    for name, array in p.items():
        array[...] = biases.get(name, 0.0)
    return p


def _at_the_origin() -> list[Row]:
    cell = sl.cell("lstm")
    zero = {cell.quantity(q): zeros(*cell.quantity(q).shape) for q in ("c_prev", "c_tilde", "c")}
    found = []
    for of in ("h", "c"):
        for wrt in ("h_prev", "c_prev"):
            d = sl.derive(cell, of, wrt)
            notation = _notation(cell)
            found.append(Row(formula(d.symbol, notation), formula(folded(replace(d.result, zero)), notation)))
    return found


def _notation(cell: object) -> object:
    """The notation in which the blocks of the weights of this cell have names."""
    from symlstm.emit import cell_notation, notation

    return cell_notation(cell, notation("default"))


def _chrono(checks: Checks) -> None:
    u, most = sp.symbols("u T", positive=True)
    mean = sp.integrate(u / (1 + u), (u, 1, most - 1)) / (most - 2)
    closed = 1 - sp.log(most / 2) / (most - 2)
    assert sp.simplify(sp.expand_log(mean - closed, force=True)) == 0
    checks.same("the chrono mean at 784", float(closed.subs(most, 784)), 0.9923641153, 10)


def _origin(checks: Checks) -> None:
    n, rng = 200, np.random.default_rng(0)
    p = _lstm(n, b_f=1.0)
    p["W_c"][:, :n] = rng.normal(size=(n, n)) / np.sqrt(n)
    jacobian = sl.compile("lstm").state_jacobian(p, np.zeros(1), (np.zeros(n), np.zeros(n)))
    f = 1 / (1 + np.exp(-1.0))
    expected = np.concatenate([np.zeros(n), f + np.linalg.eigvals(p["W_c"][:, :n]) / 4])
    found = np.linalg.eigvals(jacobian)
    apart = max(np.min(np.abs(found - value)) for value in expected)
    checks.same("the spectrum at the origin, n = 200", apart, 0.0, 10)
    checks.same("the critical gain at forget bias 1", (1 - f) * 4, 1.0757656855, 10)
