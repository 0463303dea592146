"""When gradients must vanish: bounds of the state Jacobian in norm, and inequalities under which every step contracts."""

from collections.abc import Mapping

import numpy as np
import sympy as sp

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import Page
from symlstm.expr.build import Matrix, apply, one_minus, square
from symlstm.expr.nodes import Add, Block, Diag, Hadamard, Matmul, Ones, Quantity
from symlstm.functions import sigmoid

F, C, TAU = sp.symbols("F C tau", positive=True)
NORMS = {f"W_{g}": sp.Symbol(f"U{g}", positive=True) for g in "fico"}
"""The infinity norms of the blocks on h_{t-1}."""
SHOWN = {NORMS[f"W_{g}"]: rf"\lVert U_{g} \rVert" for g in "fico"}
AT_THE_EDGE = {"W_f": (1 - F) ** 2, "W_i": 1 - F, "W_o": 1 - F, "W_c": sp.Mul(sp.Rational(1, 4), 1 - F, evaluate=False)}
"""The largest norms that the inequalities allow."""


def squashed(x: "m", h_prev: "n", *, W: "n m", U: "n n", b: "n"):
    """A plain network with a sigmoid."""
    h = sigmoid(W @ x + U @ h_prev + b)
    return h


def page(checks: Checks) -> Page:
    """The plain network; then the LSTM: its rows bounded factor by factor, and the four inequalities."""
    shown = {"evidence": checks.evidence, "known": False}
    slopes = {"tanh": steepest(lambda s: 1 - s**2, -1), "sigmoid": steepest(lambda s: s * (1 - s), 0)}
    assert slopes == {"tanh": 1, "sigmoid": sp.Rational(1, 4)}
    of_c, of_h = rows_of_lstm()
    largest_c = sp.solve(F * C + 1 - C, C)[0]
    edge = {NORMS[q]: value for q, value in AT_THE_EDGE.items()} | {C: largest_c}
    row_c = sp.simplify(of_c.subs(edge))
    row_h = sp.expand(of_h.subs(edge))
    (at,) = sp.solve(sp.diff(row_h, TAU), TAU)
    a = sp.Symbol("a", positive=True)
    room = sp.factor(sp.simplify((1 - row_h.subs(TAU, at)).subs(F, 1 - 4 * a)))
    assert sp.simplify(largest_c - 1 / (1 - F)) == 0
    assert sp.expand(of_h - ((1 - TAU**2) * of_c + TAU * NORMS["W_o"] / 4)) == 0
    assert sp.simplify(1 - row_c - (1 - F) / 4) == 0
    assert sp.simplify(at.subs(F, 1 - 4 * a) - a / (2 * (1 - a))) == 0
    assert sp.simplify(room - a * (4 - 5 * a) / (4 * (1 - a))) == 0
    _plain(checks)
    _lstm(checks, row_c, row_h.subs(TAU, at))
    return (
        Page("When gradients must vanish: norms and contraction")
        .text(
            "If $\\lVert J_t \\rVert \\le \\kappa < 1$ at every step, a gradient is at most $\\kappa^k$ of itself after $k$ steps, and two "
            "runs with the same input come together whatever they started from. Which weights force that?"
        )
        .section("A plain network")
        .derivation(sl.derive("rnn", "h", "h_prev"), **shown)
        .text(
            "The norm of a product is at most the product of the norms, and that of a diagonal matrix its largest entry. So "
            "with the largest slope $\\gamma$ of the function that squashes,"
        )
        .formula(r"\lVert J_t \rVert", r"\lVert \mathrm{diag}(s'_1, \dots, s'_n) \, U \rVert \le \gamma \, \lVert U \rVert")
        .text("with equality where every slope $s'_j$ is the largest, and")
        .formulas(
            [
                (r"\gamma", sp.latex(slopes["tanh"]), r"$\tanh$: $1 - s^2$ for $s$ from $-1$ to 1"),
                (r"\gamma", sp.latex(slopes["sigmoid"]), r"$\sigma$: $s (1 - s)$ for $s$ from 0 to 1"),
            ]
        )
        .text(
            "Over $k$ steps it is the power: below $\\gamma \\lVert U \\rVert = 1$ gradients vanish exponentially, at any input. (The bound "
            "was used by Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, 2013.)"
        )
        .section("The LSTM")
        .text(
            "The infinity norm of a matrix is its largest sum of a row. Let $F$ be the largest value that the forget gate takes. "
            "Then $\\lvert c_t \\rvert \\le F\\,\\lvert c_{t-1} \\rvert + 1$, so that a cell state that starts within $C$ stays there, with"
        )
        .formula("C", r"\frac{1}{1 - F}")
        .text("The blocks of the rows of $c_t$ are")
        .derivation(sl.derive("lstm", "c", "h_prev"), **shown)
        .derivation(sl.derive("lstm", "c", "c_prev"), **shown)
        .text(
            "and with $s(1-s) \\le \\frac{1}{4}$ for each gate, $\\lvert \\tilde{c}_t \\rvert \\le 1$ and $\\lvert c_{t-1} \\rvert \\le C$, factor by factor, a row of $c_t$ "
            "sums to at most"
        )
        .formula("R_c", " + ".join(sp.latex(term, symbol_names=SHOWN) for term in sorted(of_c.args, key=_place)))
        .text("Let the norms of the recurrent weights be so small that")
        .formulas([(SHOWN[NORMS[q]], sp.latex(value), "at most") for q, value in AT_THE_EDGE.items()])
        .text("where the first three are less than that. Put in, that is at most")
        .formula("R_c", sp.latex(row_c), "$= 1 - a$ with $a = (1 - F)/4$")
        .text(
            "A row of $h_t = o_t \\odot \\tanh(c_t)$ has this times $o\\,(1 - \\tau^2)$, where $\\tau = \\lvert \\tanh(c) \\rvert$, and beside it what goes "
            "through the output gate:"
        )
        .derivation(sl.derive("lstm", "h", "h_prev"), **shown)
        .formula("R_h", r"\left(1 - \tau^2\right) R_c + \frac{\tau}{4} \, \lVert U_o \rVert")
        .text(
            "At the edge of the inequalities this is largest at $\\tau = \\frac{a}{2 (1 - a)}$, and there it is below 1 by"
        )
        .formula("1 - R_h", r"\frac{a \, (4 - 5 a)}{4 \, (1 - a)}")
        .text(
            "which is positive for $0 < a < \\frac{1}{4}$, so for every $F$ between 0 and 1. Hence $\\lVert J_t \\rVert_\\infty < 1$: every step "
            "contracts. `sl.certificate` says which of the inequalities hold for given weights, and by how much, beside a "
            "sharper bound that follows the intervals of all quantities and works for any cell."
        )
        .text(
            "Checked: 400 LSTMs at the edge of the inequalities, at extreme and random states, keep every row within these bounds; "
            "the bound of the plain networks is attained."
        )
    )  # fmt: skip


def steepest(slope: object, low: int) -> sp.Expr:
    """The largest slope of a function whose derivative is given in terms of its own value, between low and 1."""
    s = sp.Symbol("s", real=True)
    return sp.maximum(slope(s), s, sp.Interval(low, 1))  # type: ignore[operator]


def rows_of_lstm() -> tuple[sp.Expr, sp.Expr]:
    """Bounds of the sums of a row of c and of a row of h, from the derived blocks."""
    cell = sl.cell("lstm")
    c = cell.quantity("c")
    squashed_c = apply("tanh", c)
    known = {
        cell.quantity("c_prev"): C,
        cell.quantity("f"): F,
        squashed_c: TAU,
        one_minus(square(squashed_c)): 1 - TAU**2,
    }
    blocks = {(of, wrt): sl.derive(cell, of, wrt).result for of in "ch" for wrt in ("h_prev", "c_prev")}
    return tuple(sp.expand(sum(bound(blocks[of, wrt], known) for wrt in ("h_prev", "c_prev"))) for of in "ch")


def bound(expr: Matrix, known: Mapping[Matrix, sp.Expr]) -> sp.Expr:
    """A bound of the infinity norm, factor by factor. What is not known is a gate, a candidate, or 1 - s^2: at most 1."""
    if expr in known:
        return known[expr]
    if isinstance(expr, Add) and not isinstance(expr.args[0], Ones):
        return sp.Add(*[bound(a, known) for a in expr.args])
    if isinstance(expr, Diag):
        return bound(expr.args[0], known)
    if isinstance(expr, Block):
        return NORMS[expr.args[0].name]
    if isinstance(expr, Matmul):
        return sp.Mul(*[bound(a, known) for a in expr.args])
    if isinstance(expr, Hadamard):
        gates = [q for q in expr.args if isinstance(q, Quantity) and one_minus(q) in expr.args]
        rest = [a for a in expr.args if a not in gates and one_minus(a) not in gates]
        return sp.Mul(*[steepest(lambda s: s * (1 - s), 0) for _ in gates], *[bound(a, known) for a in rest])
    return sp.Integer(1)


def _place(term: sp.Expr) -> int:
    """Terms as the blocks have them: f, i, the candidate, and F last."""
    return next((k for k, g in enumerate("fic") if term.has(NORMS[f"W_{g}"])), 3)


def _plain(checks: Checks) -> None:
    """The bound at random points of both networks, and where it is attained."""
    rng, n = np.random.default_rng(0), 6
    for cell, gamma, at in (("rnn", 1.0, np.zeros(n)), (sl.cell(squashed), 0.25, np.zeros(n))):
        k = sl.compile(cell)
        for _ in range(50):
            p = {"W": rng.normal(size=(n, 2)), "U": rng.normal(size=(n, n)), "b": rng.normal(size=n)}
            found = k.state_jacobian(p, rng.normal(size=2), rng.normal(size=n))
            for kind in (2, np.inf, 1):
                assert np.linalg.norm(found, kind) <= gamma * np.linalg.norm(p["U"], kind) * (1 + 1e-12)
        found = k.state_jacobian(p | {"b": at}, np.zeros(2), np.zeros(n))
        name = k.cell.name
        checks.same(f"the bound of {name} is attained", np.linalg.norm(found, 2) / np.linalg.norm(p["U"], 2), gamma, 12)


def _lstm(checks: Checks, row_c: sp.Expr, row_h: sp.Expr) -> None:
    """LSTMs at the edge of the inequalities, at random and extreme states: the rows stay below the bounds."""
    rng, n, k = np.random.default_rng(0), 3, sl.compile("lstm")
    for largest in (0.05, 0.5, 0.9, 0.99):
        limits = [float(e.subs(F, largest)) for e in (row_h, row_c)]
        edge = {q: float(value.subs(F, largest)) for q, value in AT_THE_EDGE.items()}
        for _ in range(100):
            p = {}
            for g in "fico":
                weights = rng.normal(size=(n, n)) * rng.choice([0.0, 1.0], size=(n, n), p=[0.3, 0.7])
                weights[np.arange(n), rng.integers(n, size=n)] += 0.1
                weights *= edge[f"W_{g}"] / np.abs(weights).sum(axis=1, keepdims=True)
                p[f"W_{g}"] = np.hstack([weights, np.zeros((n, 1))])
                p[f"b_{g}"] = rng.normal(size=n)
            p["b_f"] = np.full(n, np.log(largest / (1 - largest)) - edge["W_f"])  # so that f <= F for every |h| <= 1
            h, c = rng.choice([-1.0, 1.0, 0.3], size=n), rng.choice([-1.0, 1.0, 0.2, 0.0], size=n) / (1 - largest)
            sums = np.abs(k.state_jacobian(p, np.zeros(1), (h, c))).sum(axis=1)
            assert sums[:n].max() <= limits[0] < 1 and sums[n:].max() <= limits[1] < 1, (largest, sums, limits)
    checks.numbers.append("400 LSTMs at the edge of the inequalities")
