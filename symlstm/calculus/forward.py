"""One sweep forward: the Jacobian of every quantity by one vector, by rewriting derivatives that are not worked out.

An equation q = e starts as dq/dw = d(e)/dw; each pass applies one rule wherever it fits; each pass is a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from symlstm.calculus.graph import Graph
from symlstm.calculus.linear import summed
from symlstm.calculus.rules import differential, rule_for
from symlstm.calculus.steps import Step
from symlstm.equations import Equation
from symlstm.errors import RuleMissing
from symlstm.expr.build import Matrix, eye, partial, zeros
from symlstm.expr.nodes import Partial, Quantity
from symlstm.expr.text import text
from symlstm.expr.tree import outermost, quantities, replace


@dataclass(frozen=True)
class Jacobians:
    """The Jacobians of the quantities between `wrt` and `of`.

    results: closed forms. local: the same with the Jacobians of earlier quantities left standing as symbols.
    """

    wrt: Quantity
    results: dict[Quantity, Matrix]
    local: dict[Quantity, Matrix]
    steps: dict[Quantity, tuple[Step, ...]]


@lru_cache(maxsize=512)
def forward(graph: Graph, of: Quantity) -> Jacobians:
    """Derive d q / d wrt for every quantity q on the way to `of`."""
    wrt = graph.wrt
    done = Jacobians(wrt, {wrt: eye(wrt.shape[0])}, {}, {})
    if wrt.shape[1] != 1:
        raise RuleMissing(f"{wrt.name} is a matrix", "derivatives by a matrix come in index form")
    for equation in graph.relevant(of):
        _derive(equation, done)
    if of not in done.results:
        done.results[of] = zeros(of.shape[0], wrt.shape[0])
        done.steps[of] = (_independent(of, wrt),)
        done.local[of] = done.results[of]
    return done


def _independent(of: Quantity, wrt: Quantity) -> Step:
    unresolved = partial(of, wrt)
    return Step(
        "no path", unresolved, zeros(*unresolved.shape), f"{text(of)} does not depend on {text(wrt)}", unresolved
    )


def _derive(equation: Equation, done: Jacobians) -> None:
    quantity, wrt = equation.quantity, done.wrt
    if quantity.shape[1] != 1:
        raise RuleMissing(
            f"{quantity.name} is a {quantity.shape[0]} x {quantity.shape[1]} matrix: its Jacobian has four indices",
            "symlstm.backward gives gradients through it",
        )
    start = partial(quantity, wrt)
    current: Matrix = partial(equation.expr, wrt)
    outputs = {equation.expr: quantity}
    steps: list[Step] = []
    if not isinstance(equation.expr, Quantity):
        steps.append(Step("definition", start, current, f"{text(quantity)} = {text(equation.expr)}", start))
    local: Matrix | None = None
    while open_ := outermost(current, Partial):
        pending = [p for p in open_ if not isinstance(p.args[0], Quantity)]
        if not pending:
            local = current
            known = {p: done.results[p.args[0]] for p in open_}
            after = replace(current, known)
            if all(p.args[0] == wrt for p in open_):
                why, name = f"∂{text(wrt)}/∂{text(wrt)} = I", "identity"
            else:
                named = ", ".join(text(p) for p in open_ if p.args[0] != wrt)
                why, name = f"{named} from above", "chain rule, insert"
            steps.append(Step(name, current, after, why, start))
            current = after
            break
        name = rule_for(pending[0].args[0]).name(pending[0].args[0])
        chosen = [p for p in pending if rule_for(p.args[0]).name(p.args[0]) == name]
        dropped: list[Matrix] = []
        after = replace(current, {p: _rewritten(p, outputs, done, dropped) for p in chosen})
        steps.append(Step(name, current, after, _reason(chosen, dropped, wrt), start))
        current = after
    done.results[quantity] = current
    done.local[quantity] = current if local is None else local
    done.steps[quantity] = tuple(steps)


def _rewritten(p: Matrix, outputs: dict[Matrix, Matrix], done: Jacobians, dropped: list[Matrix]) -> Matrix:
    """The rule of the node applied to d(node)/dw."""
    node, wrt = p.args
    terms = []
    for argument, linear in differential(node, outputs.get(node)):
        if any(q in done.results for q in quantities(argument)):
            terms.append(linear.push(partial(argument, wrt)))
        else:
            dropped.append(argument)
    return summed(terms) if terms else zeros(*p.shape)


def _reason(chosen: list[Matrix], dropped: list[Matrix], wrt: Quantity) -> str:
    reasons = list(dict.fromkeys(rule_for(p.args[0]).because(p.args[0]) for p in chosen))
    names = list(dict.fromkeys(text(q) for d in dropped for q in quantities(d)))
    if names:
        verb = "does" if len(names) == 1 else "do"
        reasons.append(f"{', '.join(names)} {verb} not depend on {text(wrt)}")
    return "; ".join(reasons)
