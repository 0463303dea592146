"""One sweep forward: how every quantity depends on one, from the first equation to the last.

Between vectors this is a Jacobian. An equation with matrices that depend on what is differentiated by is followed as a
change instead: \\dot C = k \\dot h^T. Where such changes end in a vector, \\dot q = M \\dot w is read as the Jacobian
M; what cannot be read so (symlstm.calculus.entries says when) stays a change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from symlstm.calculus.entries import NotClosed, as_jacobian, read
from symlstm.calculus.graph import Graph
from symlstm.calculus.rewriting import CHANGE, JACOBIAN, Rewriting, change_symbol
from symlstm.calculus.steps import Step
from symlstm.equations import Equation
from symlstm.expr.build import Matrix, add, eye, matmul, partial, zeros
from symlstm.expr.nodes import Partial, Quantity
from symlstm.expr.text import text
from symlstm.expr.tree import outermost, quantities, replace


@dataclass(frozen=True)
class Jacobians:
    """How the quantities between `wrt` and `of` depend on `wrt`.

    results: Jacobians of vectors in closed form. local: the same with the Jacobians of earlier quantities left standing
    as symbols. changes: of matrices, and of what they lead to, in terms of the changes of vectors and of `wrt`.
    """

    wrt: Quantity
    results: dict[Quantity, Matrix]
    local: dict[Quantity, Matrix]
    steps: dict[Quantity, tuple[Step, ...]]
    changes: dict[Quantity, Matrix] = field(default_factory=dict)

    @property
    def moving(self) -> set[Quantity]:
        """The quantities that depend on `wrt`, as far as they have been followed."""
        return {self.wrt, *self.results, *self.changes}

    def change(self, of: Quantity) -> Matrix:
        """How `of` changes, in terms of how `wrt` changes alone."""
        if of in self.results:
            return matmul(self.results[of], change_symbol(self.wrt))
        if of == self.wrt:
            return change_symbol(of)
        if of not in self.changes:
            return zeros(*of.shape)
        used = quantities(self.changes[of])
        inner = {s: q for q in self.moving if (s := change_symbol(q)) in used}
        return replace(self.changes[of], {s: self.change(q) for s, q in inner.items()})


@lru_cache(maxsize=512)
def forward(graph: Graph, of: Quantity) -> Jacobians:
    """Follow every quantity on the way from graph.wrt to `of`."""
    wrt = graph.wrt
    done = Jacobians(wrt, {}, {}, {})
    if wrt.shape[1] == 1:
        done.results[wrt] = eye(wrt.shape[0])
    for equation in graph.relevant(of):
        _derive(equation, done)
    if of not in done.moving and of.shape[1] == wrt.shape[1] == 1:
        done.steps[of] = (_independent(of, wrt),)
        done.results[of] = done.local[of] = zeros(of.shape[0], wrt.shape[0])
    return done


def local_changes(graph: Graph, of: Quantity) -> dict[Quantity, Matrix]:
    """How every quantity on the way changes, in terms of how those before it change."""
    moving = {graph.wrt}
    found: dict[Quantity, Matrix] = {}
    for equation in graph.relevant(of):
        rewriting = Rewriting(CHANGE, graph.wrt, moving, equation.quantity, equation.expr)
        start, current, steps = rewriting.begun()
        found[equation.quantity] = rewriting.opened(start, current, steps)
        moving.add(equation.quantity)
    return found


def _independent(of: Quantity, wrt: Quantity) -> Step:
    unresolved = partial(of, wrt)
    return Step(
        "no path", unresolved, zeros(*unresolved.shape), f"{text(of)} does not depend on {text(wrt)}", unresolved
    )


def _derive(equation: Equation, done: Jacobians) -> None:
    if equation.quantity.shape[1] == 1 and not _through_matrices(equation.expr, done):
        _jacobian(equation, done)
    else:
        _change(equation, done)


def _through_matrices(expr: Any, done: Jacobians) -> bool:
    """Whether a matrix, or a vector that has no Jacobian, stands between."""
    return any(q not in done.results or has_matrices(expr, q) for q in quantities(expr) if q in done.moving)


def has_matrices(expr: Any, source: Quantity) -> bool:
    """Whether a matrix in an expression depends on a quantity."""
    if isinstance(expr, Quantity) or source not in quantities(expr):
        return False
    matrix = expr.shape[0] != 1 and expr.shape[1] != 1
    return matrix or any(has_matrices(a, source) for a in expr.args if hasattr(a, "shape"))


def _jacobian(equation: Equation, done: Jacobians) -> None:
    """dq/dw, for an equation of vectors alone."""
    quantity, wrt = equation.quantity, done.wrt
    rewriting = Rewriting(JACOBIAN, wrt, done.moving, quantity, equation.expr)
    start, current, steps = rewriting.begun()
    local = rewriting.opened(start, current, steps)
    open_ = outermost(local, Partial)
    result = replace(local, {p: done.results[p.args[0]] for p in open_})
    if open_:
        steps.append(_inserted(local, result, open_, wrt, start))
    done.results[quantity], done.local[quantity], done.steps[quantity] = result, local, tuple(steps)


def _inserted(local: Matrix, result: Matrix, open_: list[Any], wrt: Quantity, start: Matrix) -> Step:
    if all(p.args[0] == wrt for p in open_):
        return Step("identity", local, result, f"∂{text(wrt)}/∂{text(wrt)} = I", start)
    named = ", ".join(text(p) for p in open_ if p.args[0] != wrt)
    return Step("chain rule, insert", local, result, f"{named} from above", start)


def _change(equation: Equation, done: Jacobians) -> None:
    """How q changes; for a vector, the Jacobian that this is."""
    quantity, wrt = equation.quantity, done.wrt
    rewriting = Rewriting(CHANGE, wrt, done.moving, quantity, equation.expr)
    start, current, steps = rewriting.begun()
    opened = rewriting.opened(start, current, steps)
    known = {change_symbol(q): e for q, e in done.changes.items() if q.shape[1] != 1}
    used = [s for s in quantities(opened) if s in known]
    change = replace(opened, {s: known[s] for s in used})
    if used:
        because = f"{', '.join(map(text, used))} from above"
        steps.append(Step("chain rule, insert", opened, change, because, start))
    done.changes[quantity] = change
    if quantity.shape[1] == 1 and wrt.shape[1] == 1:
        _read(quantity, change, steps, done)
    done.steps[quantity] = tuple(steps)


def _read(quantity: Quantity, change: Matrix, steps: list[Step], done: Jacobians) -> None:
    """\\dot q = M \\dot w as dq/dw = M, where that can be."""
    vectors = {change_symbol(q): q for q in done.results}
    used = [s for s in quantities(change) if s.role == "change"]
    try:
        factors = {s: as_jacobian(read(change, s), quantity.shape[0], s.shape[0]) for s in used}
    except NotClosed:
        return
    if any(s not in vectors for s in used):
        return
    wrt, start = done.wrt, partial(quantity, done.wrt)
    collected = add(*[matmul(m, s) for s, m in factors.items()])
    steps.append(Step("collected", change, collected, "each change by itself, behind a matrix", steps[0].of))
    local = add(*[matmul(m, partial(vectors[s], wrt)) for s, m in factors.items()])
    result = replace(local, {p: done.results[p.args[0]] for p in outermost(local, Partial)})
    steps.append(Step("read off", start, local, "so for every change", start))
    steps.append(_inserted(local, result, outermost(local, Partial), wrt, start))
    del done.changes[quantity]
    done.results[quantity], done.local[quantity] = result, local
