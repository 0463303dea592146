"""Where the forget bias of a cell is: found from the gate that multiplies a state's own previous value, not by name.

The factor a of s_t = a ⊙ s_{t-1} + b is sigma(z) or 1 - sigma(z), and z is a sum in which a parameter vector stands
alone. In z = W [h; x] + b that is b; of 1 - sigma(z) with the sign turned; of a part of stacked gates the same part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symlstm.calculus.solution import linear_in
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, block, split_number
from symlstm.expr.nodes import Quantity
from symlstm.gradient_flow.factors import factor_of


@dataclass(frozen=True)
class Bias:
    """Entries start, ..., start + rows - 1 of a parameter vector. sign: how it enters the logit of the gate."""

    parameter: Quantity
    start: Any
    rows: Any
    sign: int


@dataclass(frozen=True)
class Gated:
    """A state that is carried over by a sigmoid gate: its forget bias, and the bias of its input gate, if it has one.

    A gate 1 - f that takes in what f lets go (GRU, coupled gates) has no bias of its own.
    """

    state: str
    forget: Bias
    input: Bias | None


@lru_cache(maxsize=64)
def gated_states(cell: Cell) -> tuple[Gated, ...]:
    """Every state with a forget gate. RuleMissing says why there is none, so that a forget bias does not apply."""
    found, reasons = [], []
    for s in cell.states:
        name = s.current.name
        try:
            factor = factor_of(cell, name).expr
        except RuleMissing as reason:
            reasons.append(reason.message)
            continue
        forget = _bias_of(cell, factor)
        if forget is None:
            reasons.append(f"{name} is carried over by {_shown(factor)}, which is no sigmoid with a bias")
            continue
        form = linear_in(cell, s)
        found.append(Gated(name, forget, None if isinstance(form, str) else _input_bias(cell, form[1], forget)))
    if not found:
        raise RuleMissing(
            f"a forget bias does not apply to {cell.name}: {'; '.join(reasons)}",
            "leave out forget_bias and chrono; biases={name: values} sets any bias by name",
        )
    return tuple(found)


def additive(cell: Cell) -> tuple[Bias, ...]:
    """Every parameter vector that is added somewhere: the biases."""
    found: dict[Bias, None] = {}
    for e in cell.equations:
        for node in _nodes(e.expr):
            for term in node.args if isinstance(node, x.Add) else ():
                rest = split_number(term)[1]
                rest = rest.args[0] if isinstance(rest, x.Spread) else rest
                if isinstance(rest, (Quantity, x.Block)):
                    found.update(dict.fromkeys(_of_vector(cell, rest, 1)))
    return tuple(found)


def _shown(expr: Matrix) -> str:
    from symlstm.expr.text import text

    return text(expr)


def _bias_of(cell: Cell, gate: Matrix) -> Bias | None:
    opened = _logit(cell, gate, 1)
    return None if opened is None else next(_terms(cell, *opened), None)


def _input_bias(cell: Cell, rest: Matrix, forget: Bias) -> Bias | None:
    """Of the gate that multiplies what is taken in; None where that is the forget gate itself."""
    for factor in rest.args if isinstance(rest, x.Hadamard) else ():
        found = _bias_of(cell, factor)
        if found is not None:
            return None if (found.parameter, found.start) == (forget.parameter, forget.start) else found
    return None


def _logit(cell: Cell, expr: Matrix, sign: int) -> tuple[Matrix, int] | None:
    """(z, 1) of sigma(z), (z, -1) of 1 - sigma(z)."""
    if isinstance(expr, Quantity):
        equation = cell.equation(expr)
        return None if equation is None else _logit(cell, equation.expr, sign)
    if isinstance(expr, x.Apply):
        return (expr.arrays[0], sign) if expr.function == "sigmoid" else None
    if isinstance(expr, x.Block):
        inner = _logit(cell, expr.args[0], sign)
        return None if inner is None else (block(inner[0], *expr.args[1:]), inner[1])
    if isinstance(expr, x.Add) and len(expr.args) == 2 and any(isinstance(a, x.Ones) for a in expr.args):
        number, rest = split_number(next(a for a in expr.args if not isinstance(a, x.Ones)))
        return _logit(cell, rest, -sign) if number == -1 else None
    return None


def _terms(cell: Cell, expr: Matrix, sign: int) -> Iterator[Bias]:
    """The parameter vectors that are terms of a sum."""
    if isinstance(expr, x.Add):
        for term in expr.args:
            yield from _terms(cell, term, sign)
    elif isinstance(expr, x.Scale) and abs(expr.args[0]) == 1:
        yield from _terms(cell, expr.args[1], sign * int(expr.args[0]))
    elif isinstance(expr, Quantity) and cell.equation(expr) is not None:
        yield from _terms(cell, cell.equation(expr).expr, sign)  # type: ignore[union-attr]
    elif isinstance(expr, x.Block) and not _is_parameter(cell, expr.args[0]):
        yield from _terms_of_part(cell, expr, sign)
    elif isinstance(expr, (Quantity, x.Block)):
        yield from _of_vector(cell, expr, sign)


def _terms_of_part(cell: Cell, part: x.Block, sign: int) -> Iterator[Bias]:
    inner, *place = part.args
    equation = cell.equation(inner) if isinstance(inner, Quantity) else None
    if equation is not None:
        yield from _terms(cell, block(equation.expr, *place), sign)
    elif isinstance(inner, x.Add):
        for term in inner.args:
            yield from _terms(cell, block(term, *place), sign)


def _of_vector(cell: Cell, expr: Matrix, sign: int) -> Iterator[Bias]:
    """A parameter vector, or a part of one."""
    inner, start = (expr.args[0], expr.args[1]) if isinstance(expr, x.Block) else (expr, 0)
    if _is_parameter(cell, inner) and expr.shape[1] == 1 and inner.shape[1] == 1:
        yield Bias(inner, start, expr.shape[0], sign)


def _is_parameter(cell: Cell, expr: Any) -> bool:
    return isinstance(expr, Quantity) and expr in cell.parameters


def _nodes(expr: Any) -> Iterator[Matrix]:
    if hasattr(expr, "shape"):
        yield expr
        for a in () if isinstance(expr, Quantity) else expr.args:
            yield from _nodes(a)
