"""What a derivative over several steps claims: each instance at a number of steps, and each way through the states.

The oracle of a partial derivative holds the other states at every step in between; that of one way, all states but
the one that hands over. A symbol k is checked at k = 1, 2, 3; what carries it to all k is the chain rule itself (one
more factor from k to k+1), which is said and not sampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symlstm.evidence.claims import CHANGE, GRADIENT, JACOBIAN, Claim, Claims
from symlstm.evidence.program import Program, unrolled
from symlstm.expr.nodes import Quantity, t
from symlstm.expr.text import text

if TYPE_CHECKING:
    from symlstm.calculus.carried import Carried
    from symlstm.calculus.lags import Lagged

INSTANCES = (1, 2, 3)
"""The numbers of steps at which a symbolic lag is checked."""


def claims_of_lag(d: Lagged) -> list[Claims]:
    """Claims for every number of steps that is checked, and for every way through the states."""
    found = []
    for lag in INSTANCES if d.symbolic else (d.lag,):
        wrt = d.cell.at(d.state.current, t - lag)
        label = f"∂{text(d.of)}/∂{text(wrt)}"
        subject = label if d.paths_kind == "partial" else f"{label} (all paths)"
        formulas = dict.fromkeys(d.instance(e, lag) for e in (d.result, d.inserted))
        claims = tuple(Claim(label, JACOBIAN, wrt, formula, d.of) for formula in formulas)
        found.append(Claims(subject, _program(d, lag), claims))
    for way in d.ways:
        label = f"{text(d.symbol)} through {', '.join(text(q) for q in way.states)}"
        claim = Claim(label, JACOBIAN, d.wrt, d.instance(way.product, d.lag), d.of)
        held = [d.cell.at(s.current, q.time) for q in way.states for s in d.cell.states]
        program = unrolled(d.cell, d.lag + 1, held=[q for q in held if q not in way.states])
        found.append(Claims(label, program, (claim,)))
    return found


def claims_of_carried(d: Carried) -> list[Claims]:
    """Claims for every number of steps: the change in closed form and the gradient, or the recurrence, followed."""
    found = []
    for lag in INSTANCES if d.symbolic else (d.lag,):
        wrt = d.cell.at(d.state.current, t - lag)
        moved, label = d.change_symbol(wrt), f"∂{text(d.of)}/∂{text(wrt)}"
        claims = []

        def change(of: Quantity, expr: Any, gives: bool, wrt: Quantity = wrt, moved: Quantity = moved) -> Claim:
            symbol = d.change_symbol(of) if gives else None
            return Claim(text(d.change_symbol(of)), CHANGE, of, expr, of, ((wrt, moved),), (), symbol)

        if d.change is not None:
            claims.append(change(d.of, d.instance(d.change, lag), False))
        if d.result is not None:
            claims.append(Claim(f"gradient by {text(wrt)}", GRADIENT, wrt, d.instance(d.result, lag), None,
                                ((d.of, d.upstream),)))  # fmt: skip
        for q, expr in d.first:
            claims.append(change(d.at(q, lag), d.instance(expr, lag), True))
        for back in range(lag - 1, -1, -1) if d.onward else ():
            claims += [change(d.at(q, lag, back), d.instance(expr, lag, back), True) for q, expr in d.onward]
        if d.last is not None:
            claims.append(change(d.of, d.last, False))
        found.append(Claims(label, _program(d, lag), tuple(claims), (moved, d.upstream)))
    return found


def _program(d: Lagged | Carried, lag: int) -> Program:
    """All steps from t-k on: with the step that made the state, or with the other states held after it."""
    if d.paths_kind == "total":
        return unrolled(d.cell, lag + 1)
    others = [s for s in d.cell.states if s != d.state]
    return unrolled(d.cell, lag, held=[d.cell.at(s.current, t - back) for s in others for back in range(1, lag)])


def said_of_lag(d: Lagged | Carried) -> str:
    """What the instances are, to be said with the evidence."""
    if d.symbolic:
        name = d.lag.name
        return f"{name} = {', '.join(map(str, INSTANCES))} (for more steps the chain rule, one factor each)"
    ways = getattr(d, "ways", ())
    return f"the result and {len(ways)} ways" if ways else ""
