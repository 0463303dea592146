"""The single paths from one quantity to another, each with the product of the Jacobians along it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from symlstm.calculus.entries import as_jacobian, read
from symlstm.calculus.forward import has_matrices
from symlstm.calculus.graph import Graph
from symlstm.calculus.linear import summed
from symlstm.calculus.rewriting import CHANGE, Rewriting, change_symbol
from symlstm.calculus.rules import differential
from symlstm.equations import Equation
from symlstm.errors import RuleMissing
from symlstm.expr.build import Matrix, eye, matmul
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities, replace

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
    edges: dict[Quantity, list[Equation]] = {}
    on_the_way = {wrt, *(e.quantity for e in relevant)}
    for equation in relevant:
        for source in quantities(equation.expr):
            if source in on_the_way:
                edges.setdefault(source, []).append(equation)
    found: list[tuple[Quantity, ...]] = []

    def walk(trail: tuple[Quantity, ...]) -> None:
        if len(found) > MOST:
            raise RuleMissing(
                f"there are more than {MOST} paths from {wrt.name} to {of.name}", "the result is their sum"
            )
        if trail[-1] == of:
            found.append(trail)
            return
        for equation in edges.get(trail[-1], ()):
            walk((*trail, equation.quantity))

    walk((wrt,))
    found.sort(key=len)
    by_quantity = {e.quantity: e for e in relevant}
    return tuple(Path(trail, _product([(p, by_quantity[q]) for p, q in pairwise(trail)])) for trail in found)


def _product(hops: list[tuple[Quantity, Equation]]) -> Matrix:
    """The product of the Jacobians along a path; from vector to vector through matrices, what the changes give."""
    factors: list[Matrix] = []
    while hops:
        length = next(k for k, (_, equation) in enumerate(hops, 1) if equation.quantity.shape[1] == 1)
        factors.insert(0, _between(hops[:length]))
        hops = hops[length:]
    return matmul(*factors)


def _between(hops: list[tuple[Quantity, Equation]]) -> Matrix:
    """The Jacobian of the vector at the end of the hops by the one at the beginning, along these hops alone."""
    (first, equation), last = hops[0], hops[-1][1].quantity
    if len(hops) == 1 and not has_matrices(equation.expr, first):
        return local_jacobian(equation.expr, first, last)
    change: Matrix = change_symbol(first)
    for source, equation in hops:
        rewriting = Rewriting(CHANGE, source, {source}, equation.quantity, equation.expr)
        start, current, steps = rewriting.begun()
        change = replace(rewriting.opened(start, current, steps), {change_symbol(source): change})
    return as_jacobian(read(change, change_symbol(first)), last.shape[0], first.shape[0])


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
