"""How long a cell remembers: half-lives and time constants, and chrono initialisation."""

import mpmath
import numpy as np
import sympy as sp

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page

BIASES = {0: 1.0, 1: 2.2126777968, 2: 5.4609473107, 5: 103.2183484868}
"""Forget biases, and the half-lives that are known for them."""
F, K, U = sp.symbols("f k u", positive=True)
MOST = sp.Symbol(r"T_{\max}", positive=True)


def page(checks: Checks) -> Page:
    """What a constant gate keeps, in closed form and in numbers; the chrono mean, integrated."""
    half, total = _of_a_constant_gate()
    rows = []
    for bias, known in BIASES.items():
        gate = 1 / (1 + sp.exp(-bias))
        steps, constant = (float(e.subs(F, gate).evalf(30)) for e in (half, total))
        found = sl.half_life("lstm", _lstm(4, b_f=bias), steps=10)
        checks.same(f"half-life at bias {bias}", found.half_life, np.full(4, steps))
        checks.same(f"the known half-life at bias {bias}", steps, known, 10)
        checks.same(f"time constant at bias {bias}", found.time_constant, np.full(4, constant))
        rows.append((bias, f"{steps:.10g}", f"{constant:.10g}"))
    lost = _chrono(checks)
    return (
        Page("How long a cell remembers")
        .text(
            "Along the cell state alone, $\\partial c_t/\\partial c_{t-k}$ is a product of $k$ forget gates "
            "([lags](lags.md)). If they are all $f$, half of it is left after $k$ steps where $f^k = 1/2$, and the time constant "
            "is the sum of all its powers:"
        )
        .formulas(
            [
                ("k", sp.latex(half, ln_notation=True), "half-life"),
                (r"\sum_{k=0}^{\infty} f^k", _over_rest(total), "time constant"),
            ]
        )
        .text("With $f = \\sigma(b_f)$:")
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
            rf"\frac{{1}}{{T_{{\max}}-2}} \int_1^{{T_{{\max}}-1}} \frac{{u}}{{1+u}} \, du = 1 - {sp.latex(lost, ln_notation=True)}",
        )
        .text(f"At $T_{{\\max}} = 784$ it is {float(1 - lost.subs(MOST, 784)):.10f}.")
        .text("What it does to the state Jacobian is told in [at rest](origin.md).")
    )


def _lstm(n: int, **biases: float) -> dict[str, np.ndarray]:
    p = sl.parameters("lstm", n=n, m=1)
    for name, array in p.items():
        array[...] = biases.get(name, 0.0)
    return p


def _of_a_constant_gate() -> tuple[sp.Expr, sp.Expr]:
    """After how many steps f^k is a half, and the sum of all powers of f."""
    (half,) = sp.solve(sp.Eq(F**K, sp.Rational(1, 2)), K)
    k = sp.Symbol("k", integer=True)
    total, where = sp.summation(F**k, (k, 0, sp.oo)).args[0]
    assert where == (F < 1)
    return half, total


def _over_rest(total: sp.Expr) -> str:
    over, under = sp.fraction(total)
    return rf"\frac{{{sp.latex(over)}}}{{{sp.latex(under)}}}"


def _chrono(checks: Checks) -> sp.Expr:
    """1 - E[f], integrated by SymPy, and compared with numerical integration."""
    lost = sp.simplify(1 - sp.integrate(U / (1 + U), (U, 1, MOST - 1)) / (MOST - 2))
    for most in (3, 10, 784):
        numeric = mpmath.quad(lambda u: u / (1 + u), [1, most - 1]) / (most - 2)
        checks.same(f"the chrono mean at {most}", float(1 - lost.subs(MOST, most)), float(numeric), 14)
    checks.same("the known chrono mean", float(1 - lost.subs(MOST, 784)), 0.9923641153, 10)
    return lost
