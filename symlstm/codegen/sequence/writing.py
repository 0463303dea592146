"""Writing inside and outside of the time loop: the same quantity is f[t] in one place and f in the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from symlstm.codegen.arrays import MATRIX, ArrayWriter, kind
from symlstm.codegen.body import Statement, axes_of, docstring, leaves, named_once
from symlstm.codegen.layout import WIDTH, commented
from symlstm.codegen.names import Names
from symlstm.codegen.sequence.plan import Plan
from symlstm.codegen.sizes import Axis, Piece, Sizes
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities


class AllSteps(ArrayWriter):
    """Writes for all steps at once: a constant matrix times every vector is one product of large matrices.

    fast: writes such a product where it can, from the matrix, its name, the vectors and what is added, and has other
    functions in place of some helpers.
    """

    fast: Any = None

    def helper(self, name: str) -> str:
        return self.fast.instead.get(name, name) if self.fast is not None else super().helper(name)

    def piece(self, expr: Matrix) -> Piece:
        if self._is_large(expr):
            return Piece(self._every(expr, ""))
        if isinstance(expr, x.Add):
            large = [a for a in expr.args if self._is_large(a)]
            rest = [a for a in expr.args if a not in large]
            if len(large) == 1 and rest and not any(self.batched(a) or not quantities(a) for a in rest):
                return Piece(self._every(large[0], self.full(add(*rest))))
        return super().piece(expr)

    def _every(self, expr: Matrix, offset: str) -> str:
        matrix, vector = expr.args
        given = self.full(vector)
        if self.fast is not None:
            inner = matrix.args[0] if isinstance(matrix, x.Transposed) else matrix
            name = self.full(inner) if isinstance(inner, Quantity) else ""
            found = self.fast.product(matrix, name, given, offset)
            if found is not None:
                return found
        parts = [given, self.full(matrix), *([offset] if offset else [])]
        return f"{self.helper('every')}({', '.join(parts)})"

    def _is_large(self, expr: Matrix) -> bool:
        if not isinstance(expr, x.Matmul) or len(expr.args) != 2:
            return False
        matrix, vector = expr.args
        dense = kind(matrix) == MATRIX and not isinstance(matrix, (x.Diag, x.Eye, x.Ones, x.Spread))
        return (
            dense
            and vector.shape[1] == 1
            and vector.shape[0] != 1
            and not self.batched(matrix)
            and self.batched(vector)
        )


@dataclass
class Function:
    """The text of one generated function in the making.

    once: writer for code outside the loop; step: for code inside. Names are shared, and so are the sizes, which are
    read at the top.
    """

    plan: Plan
    reserved: Sequence[str]
    lines: list[str] = field(default_factory=list)
    sized_by: Iterable[Axis] | None = None

    def __post_init__(self) -> None:
        cell = self.plan.cell
        self.names = Names(self.reserved)
        for word in ("w", "states", "kept", "upstream", "d", "d_states", "p"):
            self.names.of(word, word)
        axes = tuple(axes_of(cell) if self.sized_by is None else self.sized_by)
        previous = cell.states[0].previous
        constant = set(self.plan.constant)
        self.once: AllSteps = AllSteps(self.names, axes, constant, previous)
        self.step = ArrayWriter(self.names, axes, constant, previous)
        self.step.sizes = self.once.sizes
        self.once.sizes.spell = self._sized
        self.size_arrays: dict[Any, None] = {}
        for q in (*leaves(cell), *cell.parameters, *(e.quantity for e in cell.equations)):
            self.names.of(q, q.name)
        self.t = self.names.new("t")
        self.steps_name = self.names.new("T")

    @property
    def sizes(self) -> Sizes:
        return self.once.sizes

    @property
    def helpers(self) -> set[str]:
        return self.once.helpers | self.step.helpers

    def _sized(self, q: Any) -> str:
        self.size_arrays.setdefault(q)
        return self.names.of(q, q.name)

    def name(self, q: Quantity) -> str:
        return self.names.of(q, q.name)

    def sum_name(self, q: Quantity) -> str:
        """What the gradient of a constant is called while it is added up inside the loop."""
        return self.names.of(("sum", q), f"d_{self.name(q)}")

    def is_constant(self, q: Quantity) -> bool:
        return q in self.once.unbatched

    def add_once(self, *statements: Statement) -> None:
        """Code outside the loop."""
        for s in named_once(statements, self.once):
            self.lines += commented(s.render(self.once, s.exprs), s.comment)

    def add_steps(self, statements: Sequence[Statement], header: str) -> None:
        """The loop."""
        self.lines.append(header)
        inner: list[str] = []
        for s in named_once(statements, self.step):
            inner += commented(s.render(self.step, s.exprs), s.comment, WIDTH - 4)
        self.lines += [f"    {line}" for line in inner or ["pass"]]

    def text(self, name: str, arguments: str, doc: str, head: Callable[[], list[str]]) -> str:
        """The whole function. head: what unpacks the arguments, asked for when all uses are known."""
        sizes = self.sizes.definitions()
        body = [*head(), *sizes, *self.lines]
        return "\n".join([f"def {name}({arguments}):", *docstring(doc), *[f"    {line}".rstrip() for line in body]])


def used_in(exprs: Iterable[Matrix]) -> dict[Quantity, None]:
    """The quantities of some expressions, in the order in which they are read."""
    return dict.fromkeys(q for e in exprs for q in quantities(e))
