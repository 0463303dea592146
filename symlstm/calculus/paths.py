"""The single paths from one quantity to another, each with the product of the Jacobians along it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from symlstm.calculus.graph import Graph
from symlstm.calculus.linear import summed
from symlstm.calculus.rules import differential
from symlstm.errors import RuleMissing
from symlstm.expr.build import Matrix, eye, matmul
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities

MOST = 10_000


@dataclass(frozen=True)
class Path:
    """One way from `wrt` (first) to `of` (last), and what it contributes."""

    quantities: tuple[Quantity, ...]
    product: Matrix


def list_paths(graph: Graph, of: Quantity) -> tuple[Path, ...]:
    """All paths, shortest first; their products add up to the Jacobian."""
    wrt = graph.wrt
    if of == wrt:
        return (Path((wrt,), eye(wrt.shape[0])),)
    relevant = graph.relevant(of)
    edges: dict[Quantity, dict[Quantity, Matrix]] = {}
    on_the_way = {wrt, *(e.quantity for e in relevant)}
    for equation in relevant:
        for source in quantities(equation.expr):
            if source in on_the_way:
                jacobian = local_jacobian(equation.expr, source, equation.quantity)
                edges.setdefault(source, {})[equation.quantity] = jacobian
    found: list[tuple[Quantity, ...]] = []

    def walk(trail: tuple[Quantity, ...]) -> None:
        if len(found) > MOST:
            raise RuleMissing(
                f"there are more than {MOST} paths from {wrt.name} to {of.name}", "the result is their sum"
            )
        if trail[-1] == of:
            found.append(trail)
            return
        for target in edges.get(trail[-1], ()):
            walk((*trail, target))

    walk((wrt,))
    found.sort(key=len)
    return tuple(Path(trail, _product([edges[p][q] for p, q in pairwise(trail)])) for trail in found)


def _product(factors: list[Matrix]) -> Matrix:
    return matmul(*reversed(factors))


def local_jacobian(expr: Matrix, source: Quantity, output: Matrix) -> Matrix:
    """d expr / d source, through this one equation only, as one sum."""
    if expr == source:
        return eye(source.shape[0])
    terms = [
        linear.push(local_jacobian(argument, source, argument))
        for argument, linear in differential(expr, output)
        if source in quantities(argument)
    ]
    return summed(terms)
