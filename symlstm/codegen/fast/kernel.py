"""The text of a time loop, compiled as a whole: products, and between them chains of elementwise equations by rows.

The loop takes the range of examples that it is for: they have nothing to do with each other, so that parts of a batch
go through all steps side by side, each in a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symlstm.codegen.fast.ops import Each, NotFast, Operation, Product, Row
from symlstm.codegen.fast.order import grouped, scheduled
from symlstm.codegen.layout import filled
from symlstm.codegen.names import Names
from symlstm.codegen.sizes import Sizes
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, split_number
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import outermost, quantities


@dataclass(frozen=True)
class Place:
    """Where a quantity lies: an array with the batch as its first axis, as text, and the range of its rows that it is.

    start: None where the quantity is the whole of each row. constant: there is no batch axis.
    """

    text: str
    start: Any = None
    constant: bool = False

    @property
    def array(self) -> str:
        """The name of the array."""
        return self.text.split("[")[0]


@dataclass
class Kernel:
    """One loop in the making.

    places: of what lies in arrays given to the loop; the rest is local. names: the identifiers that are taken.
    made_of: the parts of quantities that are computed part by part. carried: what one step leaves for the next, renewed
    when all have read it. buffers: the arrays of what is computed in one chain and read in another. panels: the names
    of matrices (turned or not) that are put in order for products. first: lines at the beginning of each step.
    """

    name: str
    places: Mapping[Quantity, Place]
    sizes: Sizes
    names: Names
    made_of: Mapping[Quantity, set[Quantity]]
    carried: set[Quantity]
    buffers: dict[Quantity, str]
    chains: list[str] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    panels: dict[tuple[Matrix, bool], str] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)

    def write(
        self, operations: Sequence[Operation], arguments: Callable[[], list[str]], header: str, batch: str, dtype: str
    ) -> str:
        """The functions of all chains, and the loop itself. arguments: asked for when all sizes are known."""
        groups = grouped(scheduled(operations, self.made_of, self.carried))
        self._find_buffers(groups)
        body = list(self.first)
        for group in groups:
            products = [self._product(operation) for operation in group if isinstance(operation, Product)]
            rows = [] if products else [line for run in self._runs(group) for line in self._run(run)]
            body += products or ["for row in range(first, last):", *[f"    {line}" for line in rows]]
        head = [f"batch = {batch}"] if self.buffers else []
        head += self._allocations(dtype)
        head += [f"{name} = {dtype}.type({value})" for value, name in self.numbers.items()]
        lines = [*self.sizes.definitions(), *head, header, *[f"    {line}" for line in body]]
        given = ["first", "last", *arguments(), *self.panels.values()]
        functions = [*self.chains, _function(f"{self.name}({', '.join(given)})", lines)]
        return "\n\n\n".join(f"@njit\n{_within_width(text)}" for text in functions)

    def _runs(self, group: Sequence[Operation]) -> list[list[Operation]]:
        """Chains of one length, and everything else one by one; what reads a part of a value comes after its chain."""
        runs: list[list[Operation]] = []
        for o in group:
            last = runs[-1] if runs else []
            each = isinstance(o, Each) and bool(last) and isinstance(last[-1], Each) and o.length == last[-1].length
            if each and self._in_parts(o).isdisjoint(p.target for p in last):
                last.append(o)
            else:
                runs.append([o])
        return runs

    def _in_parts(self, o: Operation) -> set[Quantity]:
        """The quantities of which an operation reads a part: other entries than the one that it computes."""
        if not isinstance(o, Each):
            return set()
        inner = {node.args[0] for node in outermost(o.expr, x.Block)}
        return {part for q in inner for part in (q, *self.made_of.get(q, ()))}

    def _find_buffers(self, groups: list[list[Operation]]) -> None:
        """What is computed in one chain and read in another, or is not computed entry by entry, needs an array."""
        home: dict[Quantity, int] = {}
        runs = [run for group in groups for run in self._runs(group)]
        for k, run in enumerate(runs):
            for operation in run:
                home.setdefault(operation.target, k)
        for k, run in enumerate(runs):
            for operation in run:
                reads = [operation.vector] if isinstance(operation, (Product, Row)) else quantities(operation.expr)
                needed = [q for q in reads if q in home and (home[q] != k or not isinstance(operation, Each))]
                if not isinstance(operation, Each):
                    needed.append(operation.target)
                for q in needed:
                    if q not in self.places and q not in self.buffers:
                        self.buffers[q] = self.names.numbered("buffer")

    def _allocations(self, dtype: str) -> list[str]:
        lines = []
        for q, name in self.buffers.items():
            own = "" if q.shape[0] == 1 else f", {self.sizes.text(q.shape[0])}"
            lines.append(f"{name} = np.empty((batch{own or ','}), {dtype})")
        return lines

    def _batch(self, q: Quantity) -> str:
        """The array of a quantity with the batch as its first axis."""
        if q in self.buffers:
            return self.buffers[q]
        place = self.places[q]
        if place.start is not None:
            raise NotFast("a product with a part of a kept array")
        return place.text

    def _product(self, p: Product) -> str:
        panels = self.panel(p.matrix, p.turned)
        return f"product({self._batch(p.vector)}, {panels}, {self._batch(p.target)}, first, last, t % 2 == 1)"

    def panel(self, matrix: Matrix, turned: bool) -> str:
        """The name of the panels of a matrix (or of its transpose)."""
        key = matrix, turned
        if key not in self.panels:
            self.panels[key] = self.names.new(f"{self.places[matrix].text}_{'turned_' * turned}panels")
        return self.panels[key]

    def _row(self, q: Quantity, start: Any = None, rows: Any = None) -> str:
        """The row of a quantity (or a part of it) for one example; one number for a number."""
        place = Place(self.buffers[q]) if q in self.buffers else self.places.get(q)
        if place is None:
            raise NotFast(f"{q.name} has no place")
        if q.shape[0] == 1:
            if place.constant:
                return f"{place.text}[()]"
            return f"{place.text}[row]" if place.start is None else f"{place.text}[row, {self.sizes.text(place.start)}]"
        lead = "" if place.constant else "row, "
        first = sp.expand((place.start or 0) + (start or 0))
        if place.start is None and start is None:
            return place.text if place.constant else f"{place.text}[row]"
        count = q.shape[0] if rows is None else rows
        return f"{place.text}[{lead}{self.sizes.text(first)} : {self.sizes.text(sp.expand(first + count))}]"

    def _run(self, run: list[Operation]) -> list[str]:
        """Functions of rows, or one chain."""
        if isinstance(run[0], Row):
            return [self._whole(r) for r in run if isinstance(r, Row)]
        chain = [o for o in run if isinstance(o, Each)]
        if chain[0].length == 1:
            return _Chain(self, chain).inline()
        return _Chain(self, chain).call()

    def _whole(self, r: Row) -> str:
        vector = self._row(r.vector)
        if r.vector.shape[0] == 1:
            raise NotFast("a function of a row of one number")
        if r.target.shape[0] == 1:
            return f"{self._row(r.target)} = whole_{r.function}({vector})"
        return f"whole_{r.function}({self._row(r.target)}, {vector})"

    def number(self, value: Any) -> str:
        """The name of a plain number, which has the dtype of the arrays."""
        text = self.sizes.text(value) if sp.sympify(value).is_Integer else self.sizes.piece(value).text
        if text not in self.numbers:
            self.numbers[text] = self.names.numbered("number")
        return self.numbers[text]


class _Chain:
    """One chain: a function of rows with a loop over their entries."""

    def __init__(self, kernel: Kernel, chain: list[Each]) -> None:
        self.kernel, self.chain = kernel, chain
        self.given: dict[str, str] = {}
        self.locals: dict[Quantity, str] = {}

    def call(self) -> list[str]:
        """The call; the function is added to the kernel's chains."""
        kernel = self.kernel
        lines: list[str] = []
        for each in self.chain:
            value = self._text(each.expr)
            target = each.target
            if each.total:
                lines.append(f"{self._argument(kernel._row(target), 'sum')}[j] += {value}")
                continue
            name = f"v{len(self.locals) + 1}"
            lines.append(f"{name} = {value}")
            if target in kernel.places or target in kernel.buffers:
                lines.append(f"{self._argument(kernel._row(target), 'to')}[j] = {name}")
            self.locals[target] = name
        function = kernel.names.numbered(f"{kernel.name}_chain")
        length = kernel.sizes.text(self.chain[0].length)
        head = f"def {function}(length, {', '.join(self.given.values())}):"
        body = ["for j in range(length):", *[f"    {line}" for line in lines]]
        kernel.chains.append("\n".join([head, *[f"    {line}" for line in body]]))
        return [f"{function}({length}, {', '.join(self.given)})"]

    def inline(self) -> list[str]:
        """Numbers are computed where they stand."""
        kernel = self.kernel
        lines = []
        for each in self.chain:
            value = self._text(each.expr, inline=True)
            if each.total:
                lines.append(f"{kernel._row(each.target)} += {value}")
            elif each.target in kernel.places or each.target in kernel.buffers:
                lines.append(f"{kernel._row(each.target)} = {value}")
            else:
                name = kernel.names.numbered("value")
                lines.append(f"{name} = {value}")
                self.locals[each.target] = name
        return lines

    def _argument(self, text: str, wish: str) -> str:
        return self.given.setdefault(text, f"{wish}_{len(self.given) + 1}")

    def _text(self, expr: Matrix, inline: bool = False) -> str:
        kernel = self.kernel
        if isinstance(expr, Quantity):
            if expr in self.locals:
                return self.locals[expr]
            text = kernel._row(expr)
            if inline:
                return text
            name = self._argument(text, "of")
            return name if expr.shape[0] == 1 else f"{name}[j]"
        if isinstance(expr, x.Block):
            inner, row, rows, _, _ = expr.args
            if inner in self.locals and inner not in kernel.places and inner not in kernel.buffers:
                raise NotFast("a part of a local value")
            if inline or rows == 1:
                text = kernel._row(inner, row, 1).split(" : ")[0] + "]"
                return text if inline else self._argument(text, "of")
            return f"{self._argument(kernel._row(inner, row, rows), 'of')}[j]"
        if isinstance(expr, x.Ones):
            return self._number(1, inline)
        if isinstance(expr, x.Zeros):
            return self._number(0, inline)
        if isinstance(expr, x.Add):
            return "(" + " + ".join(self._text(a, inline) for a in expr.args) + ")"
        if isinstance(expr, x.Hadamard):
            return "(" + " * ".join(self._text(a, inline) for a in expr.args) + ")"
        if isinstance(expr, x.Spread):
            return self._text(expr.args[0], inline)
        if isinstance(expr, x.Scale):
            number, rest = split_number(expr)
            if number == -1:
                return f"(-{self._text(rest, inline)})"
            return f"({self._number(number, inline)} * {self._text(rest, inline)})"
        if isinstance(expr, x.Apply):
            return self._apply(expr, inline)
        raise NotFast(type(expr).__name__)

    def _apply(self, expr: Any, inline: bool) -> str:
        given = [self._text(a, inline) for a in expr.arrays]
        if expr.function == "power":
            exponent = expr.constants[0]
            if exponent == 2:
                return f"square({given[0]})"
            given.append(self._number(exponent, inline))
        return f"each_{expr.function}({', '.join(given)})"

    def _number(self, value: Any, inline: bool) -> str:
        name = self.kernel.number(value)
        return name if inline else self._argument(name, "number")


def _within_width(text: str) -> str:
    """The text with lines of at most 120 columns, as far as arguments and operands allow."""
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines += [f"{indent}{part}" for part in filled(line.lstrip(), 120 - len(indent))]
    return "\n".join(lines)


def _function(call: str, lines: Sequence[str]) -> str:
    return "\n".join([f"def {call}:", *[f"    {line}" for line in lines]])
