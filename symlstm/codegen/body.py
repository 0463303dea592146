"""The body of a generated function: statements in order, what is computed twice named once, arguments unpacked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symlstm.codegen.arrays import MATRIX, ArrayWriter, core_axes, kind
from symlstm.codegen.layout import WIDTH, commented, unpacked
from symlstm.codegen.names import Names
from symlstm.codegen.sizes import Axis
from symlstm.equations import Cell
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.tree import quantities
from symlstm.expr.tree import replace as replaced

Render = Callable[[ArrayWriter, tuple[Matrix, ...]], list[str]]


@dataclass(frozen=True)
class Statement:
    """Some lines of code: `render` writes them from the expressions; `comment` is the equation they stand for."""

    exprs: tuple[Matrix, ...]
    render: Render
    comment: str = ""


def assign(target: Any, expr: Matrix, comment: str = "") -> Statement:
    """target = expr"""
    return Statement((expr,), lambda w, e: [f"{w.names.of(target, target.name)} = {w.full(e[0])}"], comment)


def unbatched(cell: Cell) -> set[Any]:
    """Parameters, and the quantities made of parameters alone; states and outputs always have the batch."""
    found = set(cell.parameters)
    results = {s.current for s in cell.states} | set(cell.outputs)
    for equation in cell.equations:
        if equation.quantity not in results and all(q in found for q in quantities(equation.expr)):
            found.add(equation.quantity)
    return found


def leaves(cell: Cell) -> tuple[Any, ...]:
    """Inputs and previous states."""
    return (*cell.inputs, *(s.previous for s in cell.states))


def axes_of(cell: Cell) -> tuple[Axis, ...]:
    """Where sizes can be read, states first."""
    found = []
    for q in (*(s.previous for s in cell.states), *cell.inputs, *cell.parameters):
        own = [s for s in q.shape if s != 1]
        found += [Axis(q, k - len(own) if q not in cell.parameters else k, s) for k, s in enumerate(own)]
    return tuple(found)


class Body:
    """Collects the statements of one function of a cell and writes it.

    reserved: names that the function may not use for its own; arguments are named in `arguments`. extra: one more
    argument; may_miss: which is None if it is not given.
    """

    def __init__(self, cell: Cell, reserved: Sequence[str], extra: str = "", may_miss: bool = False) -> None:
        self.cell = cell
        names = Names(reserved)
        self.p, self.states = names.new("p"), names.new("states")
        self.extra, self.may_miss = names.new(extra) if extra else "", may_miss
        self.values_name = names.new("v")
        self.writer = ArrayWriter(names, axes_of(cell), unbatched(cell), cell.states[0].previous)
        one = cell.inputs[0].name if len(cell.inputs) == 1 else "inputs" if cell.inputs else "x"
        self.x = names.of(cell.inputs[0], one) if len(cell.inputs) == 1 else names.new(one)
        for q in (*leaves(cell), *cell.parameters, *(e.quantity for e in cell.equations)):
            names.of(q, q.name)
        self.statements: list[Statement] = []

    def add(self, *statements: Statement) -> None:
        self.statements += statements

    def arguments(self) -> str:
        extra = [self.extra + "=None" * self.may_miss] if self.extra else []
        return ", ".join([self.p, self.x, self.states, *extra])

    def write(self, name: str, doc: str, returns: Render, given: Sequence[Matrix] = (), *, with_values: bool) -> str:
        """The function's text; `given` are the expressions of what it returns.

        with_values: call values() for the named quantities (False for values() itself).
        """
        writer = self.writer
        lines: list[str] = []
        statements = named_once(self.statements, writer) if with_values else self.statements
        for statement in statements:
            lines += commented(statement.render(writer, statement.exprs), statement.comment)
        lines += commented(returns(writer, tuple(given)), "")
        sizes = writer.sizes.definitions()
        head = self._arguments_unpacked(with_values)
        body = [f"def {name}({self.arguments()}):", *docstring(doc)]
        return "\n".join([*body, *[f"    {line}".rstrip() for line in (*head, *sizes, *lines)]])

    def _arguments_unpacked(self, with_values: bool) -> list[str]:
        writer, cell = self.writer, self.cell
        used = [q for q in leaves(cell) if q in writer.used]
        names = [writer.names.of(q, q.name) for q in leaves(cell)]
        inputs, states = names[: len(cell.inputs)], names[len(cell.inputs) :]
        lines = []
        if len(inputs) > 1:
            lines.append(f"{', '.join(inputs)} = {self.x}")
        if used or len(inputs) > 1:
            lines += self._states_unpacked(inputs, states)
        if with_values:
            lines.append(f"{self.values_name} = values({self.p}, {self._input_again(inputs)}, {self.states})")
        for q in used:
            lines += self._reshaped(q, writer.names.of(q, q.name))
        lines += self._parameters_unpacked()
        if with_values:
            named = [e.quantity for e in cell.equations if e.quantity in writer.used]
            lines += unpacked([(writer.names.of(q, q.name), self._from_values(q)) for q in named])
        return lines

    def _input_again(self, inputs: list[str]) -> str:
        return f"({', '.join(inputs)})" if len(inputs) > 1 else self.x

    def _states_unpacked(self, inputs: list[str], states: list[str]) -> list[str]:
        if len(inputs) + len(states) == 1:
            return [f"({states[0]},) = {self.states}"]
        axes = tuple(len(self.cell.shapes[q.name]) for q in leaves(self.cell))
        core = "" if all(a == 1 for a in axes) else f", core={axes}"
        given = ", ".join([*inputs, f"*{self.states}"])
        return [f"{', '.join([*inputs, *states])} = {self.writer.helper('same_batch')}({given}{core})"]

    def _reshaped(self, q: Any, name: str) -> list[str]:
        """From the shape that the user gives to the layout of the code."""
        index = dropped(self.cell, q)
        return [f"{name} = {name}[..., {index}]"] if index else []

    def _parameters_unpacked(self) -> list[str]:
        pairs = []
        for q in self.cell.parameters:
            if q in self.writer.used:
                index = dropped(self.cell, q)
                pairs.append(
                    (self.writer.names.of(q, q.name), f'{self.p}["{q.name}"]' + (f"[{index}]" if index else ""))
                )
        return unpacked(pairs)

    def value(self, q: Any) -> str:
        """The value of a quantity in the shape that the user sees."""
        return f'{self.values_name}["{q.name}"]' if dropped(self.cell, q) else self.writer.spell(q)

    def in_layout(self, q: Any, text: str) -> str:
        """What has the user's shape of a quantity, in the layout of the code."""
        index = dropped(self.cell, q)
        return f"{text}[..., {index}]" if index else text

    def _from_values(self, q: Any) -> str:
        return self.in_layout(q, f'{self.values_name}["{q.name}"]')


def user_shape(cell: Cell, q: Any) -> tuple[sp.Expr, ...]:
    """The sizes of the axes that belong to a quantity, as the user sees it."""
    name = next((s.previous.name for s in cell.states if q == s.current), q.name)
    if name in cell.shapes:
        return cell.shapes[name]
    return tuple(s for s in q.shape if s != 1)


def dropped(cell: Cell, q: Any) -> str:
    """The index that takes away axes of length 1 that the layout of the code does not have."""
    shape = user_shape(cell, q)
    if len(shape) == core_axes(q):
        return ""
    index = ", ".join("0" if s == 1 else ":" for s in shape)
    return index.removesuffix(", :") if q in cell.parameters else index


def restored(cell: Cell, q: Any, text: str, batched: bool = True) -> str:
    """The text of a value in the shape that the user sees."""
    shape = user_shape(cell, q)
    if len(shape) == core_axes(q):
        return text
    index = ", ".join("None" if s == 1 else ":" for s in shape)
    return f"{text}[{'..., ' if batched else ''}{index}]"


def named_once(statements: Sequence[Statement], writer: ArrayWriter) -> list[Statement]:
    """Function calls and products that several statements have in common become statements of their own."""
    counts: dict[Matrix, int] = {}
    for statement in statements:
        for expr in statement.exprs:
            _count(expr, counts)
    again = sorted((e for e, count in counts.items() if count > 1), key=_nodes)
    found: dict[Matrix, Any] = {}
    out: list[Statement] = []
    for statement in statements:
        for expr in again:
            if expr not in found and any(e.has(expr) for e in statement.exprs):
                symbol = x.quantity(writer.names.new(_name_for(expr)), expr.shape, x.t)
                writer.names.of(symbol, symbol.name)
                writer.spelled[symbol] = symbol.name
                if not writer.batched(expr):
                    writer.unbatched.add(symbol)
                out.append(assign_named(symbol, replaced(expr, found)))
                found[expr] = symbol
        out.append(replace(statement, exprs=tuple(replaced(e, found) for e in statement.exprs)))
    return out


def assign_named(symbol: Any, expr: Matrix) -> Statement:
    return Statement((expr,), lambda w, e: [f"{symbol.name} = {w.full(e[0])}"])


def _name_for(expr: Matrix) -> str:
    if isinstance(expr, (x.Apply, x.Whole)):
        inside = quantities(expr)
        return "_".join([expr.function, *[q.name for q in inside]]) if len(inside) <= 1 else f"{expr.function}_again"
    return "product"


def _nodes(expr: Any) -> int:
    return 1 + sum(_nodes(a) for a in expr.args)


def _count(expr: Any, counts: dict[Matrix, int]) -> None:
    """Count what is worth a name; inside of what was seen before, nothing is counted again."""
    if isinstance(expr, x.Quantity):
        return
    call = isinstance(expr, x.Whole) or (isinstance(expr, x.Apply) and expr.function not in ("power", "divide"))
    if call or (isinstance(expr, x.Matmul) and kind(expr) != MATRIX):
        counts[expr] = counts.get(expr, 0) + 1
        if counts[expr] > 1:
            return
    for argument in expr.args:
        _count(argument, counts)


def docstring(doc: str) -> list[str]:
    lines = doc.split("\n")
    if len(lines) == 1 and len(lines[0]) <= WIDTH - 6:
        return [f'    """{doc}"""']
    return [f'    """{lines[0]}', *[f"    {line}".rstrip() for line in lines[1:]], '    """']
