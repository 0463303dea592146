"""The state Jacobian at the origin: its spectrum, and the gain at which a network without input leaves its rest."""

from collections.abc import Mapping

import numpy as np
import sympy as sp

import symlstm as sl
from derivations.checks import Checks
from symlstm.calculus.cases import folded
from symlstm.emit import Page, cell_notation, notation
from symlstm.emit.document import Equations, Row, formula
from symlstm.emit.prose import from_latex
from symlstm.expr.build import Matrix, add, diag, matmul, negative, zeros
from symlstm.expr.nodes import Add, Block, Diag, Eye, Hadamard, Matmul, Ones, Quantity, Scale, Zeros
from symlstm.expr.tree import replace

F, I, O, R, Z = sp.symbols("f i o r z", positive=True)
U, MU, GAIN = sp.Symbol("u", positive=True), sp.Symbol("mu"), sp.Symbol("g")
BLOCKS = [(of, wrt) for of in ("h", "c") for wrt in ("h_prev", "c_prev")]


def page(checks: Checks) -> Page:
    """The LSTM: blocks, a change of coordinates that makes them triangular, eigenvalues, gain; the GRU."""
    lstm, at_rest = sl.cell("lstm"), lstm_at_rest()
    turned = triangular(lstm, at_rest)
    eigenvalue = of_one_unit(turned["c", "c_prev"], {"f": F, "i": I, "o": O, "W_c": MU})
    gain = critical(eigenvalue)
    gru = sl.cell("gru")
    update = gru_at_rest()
    of_gru = of_one_unit(update, {"z": Z, "r": R, "U_n": MU})
    gain_of_gru = critical(of_gru)
    chrono = sp.simplify(gain.subs({F: U / (1 + U), I: 1 / (1 + U), O: sp.Rational(1, 2)}))
    _exact(checks, eigenvalue)
    _numbers(checks, eigenvalue, gain, of_gru, gain_of_gru)
    half = {F: sp.Rational(1, 2), I: sp.Rational(1, 2), O: sp.Rational(1, 2)}
    biased = gain.subs({F: 1 / (1 + sp.exp(-1)), I: sp.Rational(1, 2), O: sp.Rational(1, 2)})
    return (
        Page("At rest: the spectrum at the origin, and the critical gain")
        .text(
            "Without input and with $b_c = 0$ an LSTM that starts at $h = c = 0$ stays there. Whether it comes back when it "
            "is pushed a little is told by the eigenvalues of its state Jacobian. Put into the blocks, "
            "$c_{t-1} = \\tilde{c}_t = c_t = 0$ leaves of them"
        )
        .block(Equations(tuple(_rows(lstm, at_rest)), "results"))
        .section("A triangle of blocks")
        .text(
            "The rows of $h_t$ are $\\mathrm{diag}(o_t)$ times those of $c_t$. So take $h - \\mathrm{diag}(o_t)\\,c$ as a "
            "coordinate in place of $h$, before and after the step; eigenvalues do not see that. The blocks are then"
        )
        .block(Equations(tuple(_rows(lstm, turned, primed=True)), "results"))
        .text(
            "The upper two are zero. The eigenvalues are therefore 0, $n$ times, and those of the last block. Where the gates "
            "are the same in every unit, that is a number times $I$ and a number times the recurrent weights $U_c$ of the "
            "candidate; each eigenvalue $\\mu_j$ of $U_c$ makes the eigenvalue"
        )
        .formula(r"\lambda_j", _shown(eigenvalue))
        .section("The critical gain")
        .text(
            "For entries of $U_c$ drawn from $N(0, g^2/n)$ the $\\mu_j$ fill a disc of radius $g$ as $n$ grows. The rightmost "
            "eigenvalue is then $\\lambda$ at $\\mu = g$, and it is 1 at"
        )
        .formula("g_c", _fraction(gain))
        .table(
            ["biases", "$g_c$"],
            [
                ["all zero", f"{float(gain.subs(half)):.10g}"],
                ["$b_f = 1$, the others zero", f"{float(biased):.11g}"],
                ["chrono, at every $T_{\\max}$", f"{float(chrono):.10g}"],
            ],
            numeric=True,
        )
        .text(
            "With chrono initialisation ([forgetting](forgetting.md)) $i = 1 - f$ and $o = 1/2$ in every unit, so that the "
            "gain is that of no bias at all, however far the network remembers. Its units differ, but that does not matter: "
            "$\\mathrm{diag}(f) + \\mathrm{diag}(1 - f)\\,U_c/2$ has the eigenvalue 1 where $U_c$ has the eigenvalue 2, whatever "
            "the gates are. Above $g_c$ an LSTM without input leaves the origin, and not far above it is chaotic "
            "(`sl.lyapunov`)."
        )
        .section("The GRU")
        .text("The same for a GRU with $b_n = c_n = 0$, where $h_{t-1} = n_t = 0$:")
        .block(Equations((_row(gru, "h", "h_prev", update),), "results"))
        .formulas([(r"\lambda_j", _shown(of_gru)), ("g_c", _fraction(gain_of_gru))])
        .text(
            "with $r = \\sigma(b_r)$: 2 at zero bias. The update gate decides how fast the network leaves the origin, not "
            "whether."
        )
        .text(
            "Checked: the LSTM in scalars at $n = 2$, differentiated by SymPy entry by entry, has exactly the characteristic "
            "polynomial of these eigenvalues, whatever the gates' own weights are; at $n = 200$ every eigenvalue of the compiled "
            "Jacobian is found to $10^{-10}$, for both cells, and the rightmost one is 1 at the critical gain."
        )
    )  # fmt: skip


def lstm_at_rest() -> dict[tuple[str, str], Matrix]:
    """The blocks of J, with zeros in the places of the states and of the candidate."""
    cell = sl.cell("lstm")
    zero = {cell.quantity(q): zeros(*cell.quantity(q).shape) for q in ("c_prev", "c_tilde", "c")}
    return {(of, wrt): folded(replace(sl.derive(cell, of, wrt).result, zero)) for of, wrt in BLOCKS}


def gru_at_rest() -> Matrix:
    """Its one block. With b_n = c_n = 0 the reset gate multiplies nothing."""
    cell = sl.cell("gru")
    zero = {cell.quantity(q): zeros(*cell.quantity(q).shape) for q in ("h_prev", "n", "c_n")}
    return folded(replace(sl.derive(cell, "h", "h_prev").result, zero))


def triangular(cell: object, j: Mapping[tuple[str, str], Matrix]) -> dict[tuple[str, str], Matrix]:
    """T J T^-1 with T = [[I, -diag(o)], [0, I]]."""
    gate = diag(cell.quantity("o"))  # type: ignore[attr-defined]
    upper = {wrt: add(j["h", wrt], negative(matmul(gate, j["c", wrt]))) for wrt in ("h_prev", "c_prev")}
    rows = {"h": upper, "c": {wrt: j["c", wrt] for wrt in ("h_prev", "c_prev")}}
    return {
        (of, wrt): row["h_prev"] if wrt == "h_prev" else folded(add(row["c_prev"], matmul(row["h_prev"], gate)))
        for of, row in rows.items()
        for wrt in ("h_prev", "c_prev")
    }


def of_one_unit(expr: Matrix, known: Mapping[str, sp.Expr]) -> sp.Expr:
    """The expression where every diagonal is a multiple of I: all of it commutes, and a matrix stands for its mu."""
    if isinstance(expr, (Add, Matmul, Hadamard)):
        parts = [of_one_unit(a, known) for a in expr.args]
        return sp.Add(*parts) if isinstance(expr, Add) else sp.Mul(*parts)
    if isinstance(expr, Scale):
        return expr.args[0] * of_one_unit(expr.args[1], known)
    if isinstance(expr, (Diag, Block)):
        return of_one_unit(expr.args[0], known)
    if isinstance(expr, (Ones, Eye, Zeros)):
        return sp.Integer(0 if isinstance(expr, Zeros) else 1)
    assert isinstance(expr, Quantity), expr
    return known[expr.name]


def critical(eigenvalue: sp.Expr) -> sp.Expr:
    """The gain at which the edge of the disc comes to 1."""
    (found,) = sp.solve(eigenvalue.subs(MU, GAIN) - 1, GAIN)
    return sp.cancel(found)


def _shown(eigenvalue: sp.Expr) -> str:
    """start + slope mu_j"""
    rest = sp.Symbol("rest")  # 1 - z, as a person writes it
    slope = sp.latex(sp.factor(eigenvalue.coeff(MU, 1).subs(Z, 1 - rest)), symbol_names={rest: "(1 - z)"})
    return rf"{sp.latex(eigenvalue.coeff(MU, 0))} + {slope} \, \mu_j"


def _fraction(gain: sp.Expr) -> str:
    over, under = sp.fraction(gain)
    sign = -1 if under.could_extract_minus_sign() else 1
    return rf"\frac{{{sp.latex(sign * over)}}}{{{sp.latex(sign * under)}}}"


def _rows(cell: object, blocks: Mapping[tuple[str, str], Matrix], primed: bool = False) -> list[Row]:
    return [_row(cell, of, wrt, blocks[of, wrt], primed) for of, wrt in BLOCKS]


def _row(cell: object, of: str, wrt: str, block: Matrix, primed: bool = False) -> Row:
    named = cell_notation(cell, notation("default"))
    left = formula(sl.derive(cell, of, wrt).symbol, named)
    if primed:
        place = {"h": "1", "c": "2"}[of] + {"h_prev": "1", "c_prev": "2"}[wrt]
        left = from_latex(f"J'_{{{place}}}")
    return Row(left, formula(block, named))


def _exact(checks: Checks, eigenvalue: sp.Expr) -> None:
    """At n = 2, from the cell in scalars, differentiated by SymPy: the characteristic polynomial, with free gates."""
    h, c, w, lam = sp.symbols("h:2"), sp.symbols("c:2"), sp.symbols("w:4"), sp.Symbol("lambda")
    slopes = sp.symbols("a:12")  # of the three gates in h: whatever they are, they drop out
    new_h, new_c = [], []
    for j in (0, 1):
        gates = [g + sum(slopes[4 * k + 2 * j + l] * h[l] for l in (0, 1)) for k, g in enumerate((F, I, O))]
        cell_state = gates[0] * c[j] + gates[1] * sp.tanh(w[2 * j] * h[0] + w[2 * j + 1] * h[1])
        new_c.append(cell_state)
        new_h.append(gates[2] * sp.tanh(cell_state))
    jacobian = sp.Matrix([*new_h, *new_c]).jacobian([*h, *c]).subs(dict.fromkeys((*h, *c), 0))
    found = jacobian.charpoly(lam).as_expr()
    weights = sp.Matrix(2, 2, w)
    mu = sp.Symbol("m")
    of_weights = weights.charpoly(mu).as_expr()  # prod (m - mu_j), at m with f + i o m = lambda
    scale = sp.diff(eigenvalue, MU)
    expected = lam**2 * scale**2 * of_weights.subs(mu, (lam - eigenvalue.subs(MU, 0)) / scale)
    assert sp.expand(sp.simplify(found - expected)) == 0
    checks.numbers.append("the characteristic polynomial at n = 2, exactly")


def _numbers(checks: Checks, lstm: sp.Expr, gain: sp.Expr, gru: sp.Expr, gain_of_gru: sp.Expr) -> None:
    """At n = 200: every eigenvalue to 1e-10, and the gain at which the rightmost one is 1."""
    gate = lambda bias: 1 / (1 + np.exp(-bias))
    n, unit = 200, np.random.default_rng(0).normal(size=(200, 200)) / np.sqrt(200)
    known = {F: gate(1.0), I: 0.5, O: 0.5}
    critical_gain = float(gain.subs(known))
    _compare(checks, "LSTM", "lstm", {"b_f": 1.0}, unit, lstm.subs(known), critical_gain, n)
    checks.same("the critical gain at forget bias 1", critical_gain, 1.0757656855, 10)
    known = {R: gate(1.0), Z: gate(0.3)}
    critical_gain = float(gain_of_gru.subs(known))
    _compare(checks, "GRU", "gru", {"b_r": 1.0, "b_z": 0.3}, unit, gru.subs(known), critical_gain, 0)
    checks.same("the critical gain of a GRU at reset bias 1", critical_gain, 1 + np.exp(-1.0), 10)
    for most in (3.0, 100.0, 784.0):
        f = (most - 1) / most
        checks.same(f"chrono, T_max = {most:g}", float(gain.subs({F: f, I: 1 - f, O: 0.5})), 2.0, 10)


def _compare(checks, name, cell, biases, unit, eigenvalue, critical_gain, zeros_beside):  # type: ignore[no-untyped-def]
    n = len(unit)
    mu = np.linalg.eigvals(unit)
    weights = unit * critical_gain / mu.real.max()
    p = sl.parameters(cell, n=n, m=1)
    for q, array in p.items():
        array[...] = biases.get(q, 0.0)
    p["W_c" if cell == "lstm" else "U_n"][:, :n] = weights
    states = sl.compile(cell).zero_states(p)
    found = list(np.linalg.eigvals(sl.compile(cell).state_jacobian(p, np.zeros(1), states)))
    slope, start = float(eigenvalue.coeff(MU, 1)), float(eigenvalue.coeff(MU, 0))
    expected = [start + slope * value for value in np.linalg.eigvals(weights)] + [0.0] * zeros_beside
    checks.same(f"{name}: the rightmost eigenvalue at the critical gain", max(v.real for v in found), 1.0, 10)
    apart = 0.0
    for value in expected:
        nearest = min(range(len(found)), key=lambda k: abs(found[k] - value))
        apart = max(apart, abs(found.pop(nearest) - value))
    assert not found
    checks.same(f"{name}: the spectrum at the origin, n = {n}", apart, 0.0, 10)
