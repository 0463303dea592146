"""The rules of differentiation, one row a node type: the differential of a node as linear maps of its arguments.

Everything else (forward, backward, through time) is derived from these rows. Adding a node type is adding a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symlstm.calculus.linear import Between, LinearMap, Placed, Repeated, Same, Scaled, Taken, Times, Turned
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, hadamard, matmul
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.missing import no_row

Differential = list[tuple[Matrix, LinearMap]]


@dataclass(frozen=True)
class Rule:
    """One rule: the name that a reader knows, the reason (from the node), and the differential.

    latex: of the reason, where that is a formula.
    differential(node, output): for each argument of the node, the map that takes a change of the argument to the
    change of the node; `output` is the name under which the node's value is known (or the node itself).
    """

    name: Callable[[Matrix], str]
    because: Callable[[Matrix], str]
    differential: Callable[[Matrix, Matrix], Differential]
    latex: str = ""


def _always(text: str) -> Callable[[Matrix], str]:
    return lambda node: text


def _sum(node: Matrix, output: Matrix) -> Differential:
    return [(term, Same()) for term in node.args]


def _scale(node: Matrix, output: Matrix) -> Differential:
    return [(node.args[1], Times(node.args[0]))]


def _product(node: Matrix, output: Matrix) -> Differential:
    factors = node.args
    return [(f, Scaled(hadamard(*factors[:k], *factors[k + 1 :]))) for k, f in enumerate(factors)]


def _elementwise(node: Matrix, output: Matrix) -> Differential:
    row = ELEMENTWISE[node.function]
    arrays, constants = node.arrays, node.constants
    return [(a, Scaled(row.derivatives[k](*arrays, *constants, output))) for k, a in enumerate(arrays)]


def _whole(node: Matrix, output: Matrix) -> Differential:
    vector = node.args[1]
    return [(vector, Between(WHOLE[node.function].jacobian(vector, output), None))]


def _spread(node: Matrix, output: Matrix) -> Differential:
    return [(node.args[0], Repeated(*node.shape))]


def _matmul(node: Matrix, output: Matrix) -> Differential:
    factors = node.args
    maps: Differential = []
    for k, factor in enumerate(factors):
        left = matmul(*factors[:k]) if k else None
        right = matmul(*factors[k + 1 :]) if k + 1 < len(factors) else None
        maps.append((factor, Between(left, right)))
    return maps


def _transposed(node: Matrix, output: Matrix) -> Differential:
    return [(node.args[0], Turned())]


def _concat(node: Matrix, output: Matrix) -> Differential:
    rows = tuple(part.shape[0] for part in node.args)
    return [(part, Placed(k, rows, node.shape[1])) for k, part in enumerate(node.args)]


def _block(node: Matrix, output: Matrix) -> Differential:
    inner, row, rows, col, cols = node.args
    return [(inner, Taken(row, rows, col, cols, inner.shape))]


def _elementwise_name(node: Matrix) -> str:
    return "quotient rule" if node.function == "divide" else "chain rule, elementwise function"


RULES: dict[type, Rule] = {
    x.Add: Rule(_always("sum rule"), _always("the derivative of a sum is the sum of the derivatives"), _sum),
    x.Scale: Rule(_always("constant factor"), _always("a constant factor stays in front"), _scale),
    x.Hadamard: Rule(
        _always("product rule"), _always("d(a ⊙ b) = diag(b) da + diag(a) db"), _product,
        r"d(a \odot b) = \mathrm{diag}(b) \, da + \mathrm{diag}(a) \, db",
    ),
    x.Apply: Rule(_elementwise_name, lambda node: ELEMENTWISE[node.function].because, _elementwise),
    x.Whole: Rule(
        lambda node: f"chain rule, {node.function}", lambda node: WHOLE[node.function].because, _whole
    ),
    x.Spread: Rule(_always("repeated number"), _always("every entry is the same number"), _spread),
    x.Matmul: Rule(
        lambda node: "matrix times vector" if node.shape[1] == 1 else "matrix product",
        _always("d(W v) = dW v + W dv"), _matmul, r"d(W v) = dW \, v + W \, dv",
    ),
    x.Transposed: Rule(_always("transpose"), _always("the entries stay, their places turn"), _transposed),
    x.Concat: Rule(_always("concatenation"), _always("each part has rows of its own"), _concat),
    x.Block: Rule(_always("part of a vector"), _always("only these rows count"), _block),
}  # fmt: skip
"""The rule of each node type."""


def rule_for(node: Matrix) -> Rule:
    """The rule of a node; RuleMissing names the node type that has none."""
    found = RULES.get(type(node))
    if found is None:
        raise no_row(node, "symlstm.calculus.rules.RULES", "rule")
    return found


def differential(node: Matrix, output: Matrix | None = None) -> Differential:
    """The maps from the arguments of a node to the node."""
    return rule_for(node).differential(node, node if output is None else output)
