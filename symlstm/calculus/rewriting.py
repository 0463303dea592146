"""Working out a derivative by rewriting: one rule at a time, wherever it fits; each pass is a step.

There are two kinds of derivative that may stand in an expression, not worked out: the Jacobian of a vector by a vector
(Partial), and how an array of any shape changes while something moves (Rate). The rules are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from symlstm.calculus.linear import LinearMap, summed
from symlstm.calculus.rules import differential, rule_for
from symlstm.calculus.steps import Step
from symlstm.expr.build import Matrix, add, partial, zeros
from symlstm.expr.nodes import Partial, Quantity, Rate, quantity
from symlstm.expr.text import text
from symlstm.expr.tree import outermost, quantities, replace


def change_symbol(q: Quantity) -> Quantity:
    """The symbol of how q changes: \\dot q."""
    return quantity(f"dot_{q.name}", q.shape, q.time, "change", q.base)


def rate(expr: Matrix) -> Matrix:
    """How an array changes, not worked out: of a quantity, its symbol."""
    return change_symbol(expr) if isinstance(expr, Quantity) else Rate(expr)


@dataclass(frozen=True)
class Kind:
    """One kind of derivative that is not worked out yet.

    node: its node type. of(expr, wrt): what is not worked out of an expression. carried(map, that of an argument): that
    of the node. summed: the sum of such parts.
    """

    node: type
    of: Callable[[Matrix, Quantity], Matrix]
    carried: Callable[[LinearMap, Matrix], Matrix]
    summed: Callable[[list[Matrix]], Matrix]


JACOBIAN = Kind(Partial, partial, lambda linear, inner: linear.push(inner), summed)
CHANGE = Kind(Rate, lambda expr, wrt: rate(expr), lambda linear, inner: linear.act(inner), lambda parts: add(*parts))


@dataclass(frozen=True)
class Rewriting:
    """What rewriting one equation needs: the kind of derivative, by what, and which quantities depend on that."""

    kind: Kind
    wrt: Quantity
    moving: Collection[Quantity]
    output: Quantity
    expr: Matrix

    def begun(self) -> tuple[Matrix, Matrix, list[Step]]:
        """The derivative of the quantity, that of its equation, and the step between them."""
        start, current = (self.kind.of(e, self.wrt) for e in (self.output, self.expr))
        why = f"{text(self.output)} = {text(self.expr)}"
        named = isinstance(self.expr, Quantity)
        return start, current, [] if named else [Step("definition", start, current, why, start)]

    def opened(self, start: Matrix, current: Matrix, steps: list[Step]) -> Matrix:
        """The derivative in terms of those of quantities; the steps are added to `steps`."""
        while pending := [p for p in outermost(current, self.kind.node) if not isinstance(p.args[0], Quantity)]:
            name = rule_for(pending[0].args[0]).name(pending[0].args[0])
            chosen = [p for p in pending if rule_for(p.args[0]).name(p.args[0]) == name]
            dropped: list[Matrix] = []
            after = replace(current, {p: self._rewritten(p, dropped) for p in chosen})
            steps.append(Step(name, current, after, self._reason(chosen, dropped), start))
            current = after
        return current

    def _rewritten(self, p: Matrix, dropped: list[Matrix]) -> Matrix:
        """The rule of the node applied to its derivative."""
        node = p.args[0]
        terms = []
        for argument, linear in differential(node, self.output if node == self.expr else None):
            if any(q in self.moving for q in quantities(argument)):
                terms.append(self.kind.carried(linear, self.kind.of(argument, self.wrt)))
            else:
                dropped.append(argument)
        return self.kind.summed(terms) if terms else zeros(*p.shape)

    def _reason(self, chosen: list[Any], dropped: list[Matrix]) -> str:
        reasons = list(dict.fromkeys(rule_for(p.args[0]).because(p.args[0]) for p in chosen))
        names = list(dict.fromkeys(text(q) for d in dropped for q in quantities(d)))
        if names:
            verb = "does" if len(names) == 1 else "do"
            reasons.append(f"{', '.join(names)} {verb} not depend on {text(self.wrt)}")
        return "; ".join(reasons)
