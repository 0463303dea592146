"""What goes wrong when a library differentiates: a quantity is cut off, or the derivative of a function is its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symlstm.calculus.backward_pass import BackwardPass
from symlstm.checking.edits import Edit
from symlstm.checking.reference import Equations
from symlstm.evidence.program import subnodes, substituted
from symlstm.expr import build
from symlstm.expr.nodes import Apply, Quantity
from symlstm.expr.text import text


def cut_edits(found: BackwardPass, equations: Equations, parameters: set[Quantity]) -> Iterator[Edit]:
    """No gradient of a quantity; in place of the square in a derivative something near to it."""
    of = {a.quantity: a.of for a in found.adjoints}
    values = {e.quantity: e.expr for e in found.cell.equations}
    for q, expr in equations:
        if q in parameters or q not in of:
            continue
        name = text(of[q]) if q.role == "adjoint" else f"the pre-activation of {text(of[q])}"
        message = f"no gradient goes into {name}: it is cut off"
        yield Edit("cut_off", message, ((q, build.zeros(*expr.shape)),))
        for node in dict.fromkeys(subnodes(expr)):
            if not (isinstance(node, Apply) and node.function == "power" and node == build.square(node.arrays[0])):
                continue
            inner = node.arrays[0]
            yield _in_place(q, expr, node, inner, f"{text(inner)} is not squared in the derivative")
            raw = values.get(inner, inner)
            if isinstance(raw, Apply) and raw.function == "tanh":
                argument = raw.arrays[0]
                message = f"the square of {text(argument)}, not of {text(raw)}, in the derivative"
                yield _in_place(q, expr, node, build.square(argument), message)


def _in_place(q: Quantity, expr: Any, node: Any, new: Any, message: str) -> Edit:
    return Edit("derivative", f"{message} (equation of {q.name})", ((q, substituted(expr, {node: new})),), new)
