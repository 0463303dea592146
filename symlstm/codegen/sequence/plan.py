"""The equations of a cell in four stages: once, before the steps, at every step, after the steps.

Each pass rewrites equations and knows no cell: products get names, those with one right-hand side become one product,
what does not depend on the previous states moves in front of the loop, what no state depends on moves behind it.
The backward pass of each stage is then derived from its equations, by the same rules as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.codegen.body import unbatched
from symlstm.codegen.sequence.naming import (
    Namer,
    functions_named,
    live,
    products_named,
    sizes_in,
    told_by_parameters,
    without_stacked_columns,
)
from symlstm.equations import Cell, Equation
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add, block, concat, hadamard, zeros
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities, replace


@dataclass(frozen=True)
class Plan:
    """once: of parameters alone. before: of inputs, for all steps. steps: the loop. after: of the loop's results."""

    cell: Cell
    once: tuple[Equation, ...]
    before: tuple[Equation, ...]
    steps: tuple[Equation, ...]
    after: tuple[Equation, ...]

    @property
    def constant(self) -> set[Quantity]:
        """What has neither time nor batch."""
        return {*self.cell.parameters, *(e.quantity for e in self.once)}


@lru_cache(maxsize=64)
def plan(cell: Cell) -> Plan:
    """The stages of a cell."""
    namer = Namer(cell)
    equations = live(cell, without_stacked_columns(cell.equations, unbatched(cell), told_by_parameters(cell)))
    equations = functions_named(equations, namer)
    equations = products_named(equations, namer, _constant(cell, equations))
    stages = _Stages(cell, namer, equations)
    stages.hoist()
    stages.stack_recurrent()
    stages.stack_inputs()
    stages.inline()
    stages.name_blocks()
    return Plan(cell, *stages.split())


def _constant(cell: Cell, equations: tuple[Equation, ...]) -> set[Quantity]:
    """Parameters, and the quantities made of parameters alone; states and outputs always have a batch.

    What has a size that no parameter tells is left for the steps.
    """
    found, told = set(cell.parameters), told_by_parameters(cell)
    results = {s.current for s in cell.states} | set(cell.outputs)
    for e in equations:
        if e.quantity not in results and all(q in found for q in quantities(e.expr)) and sizes_in(e.expr) <= told:
            found.add(e.quantity)
    return found


@dataclass
class _Stages:
    """The equations while they are rewritten, and which quantities depend on what."""

    cell: Cell
    namer: Namer
    equations: tuple[Equation, ...]

    def __post_init__(self) -> None:
        self._look()

    def _look(self) -> None:
        """Which quantities are constant, and which depend on previous states."""
        self.constant = _constant(self.cell, self.equations)
        self.recurrent: set[Quantity] = {s.previous for s in self.cell.states}
        held = {s.current for s in self.cell.states} | set(self.cell.outputs)
        for e in self.equations:
            if e.quantity in held or any(q in self.recurrent for q in quantities(e.expr)):
                self.recurrent.add(e.quantity)

    def _is_recurrent(self, expr: Matrix) -> bool:
        return any(q in self.recurrent for q in quantities(expr))

    def _is_constant(self, expr: Matrix) -> bool:
        return all(q in self.constant for q in quantities(expr))

    def hoist(self) -> None:
        """Name the largest parts of recurrent equations that do not depend on previous states."""
        out: list[Equation] = []
        for e in self.equations:
            if e.quantity in self.recurrent:
                made: list[Equation] = []
                expr = self._hoisted(e.expr, e.quantity, made)
                e = Equation(e.quantity, expr, e.note)
                there = {o.quantity for o in out}
                out += [m for m in made if m.quantity not in there]
            out.append(e)
        self.equations = tuple(out)
        self._look()

    def _hoisted(self, expr: Matrix, owner: Quantity, made: list[Equation]) -> Matrix:
        if isinstance(expr, Quantity) or not quantities(expr):
            return expr
        if not self._is_recurrent(expr):
            return self._named(expr, owner, made)
        if isinstance(expr, (x.Add, x.Hadamard)):
            free = [a for a in expr.args if not self._is_recurrent(a)]
            join = add if isinstance(expr, x.Add) else hadamard
            if len([a for a in free if quantities(a)]) > 1 and any(not self._is_constant(a) for a in free):
                together = self._named(join(*free), owner, made)
                rest = [self._hoisted(a, owner, made) for a in expr.args if a not in free]
                return join(*rest, together) if isinstance(expr, x.Add) else join(together, *rest)
        args = tuple(self._hoisted(a, owner, made) if hasattr(a, "shape") else a for a in expr.args)
        return expr if args == expr.args else type(expr)(*args)

    def _named(self, expr: Matrix, owner: Quantity, made: list[Equation]) -> Matrix:
        if self._is_constant(expr) and not _worth_naming(expr):
            return expr
        q = self.namer.named(expr, f"a_{owner.base}", None if self._is_constant(expr) else x.t)
        if all(e.quantity != q for e in (*made, *self.equations)):
            made.append(Equation(q, expr))
        return q

    def stack_recurrent(self) -> None:
        """z = U v (+ offset) for all products U_k v with the same v, inside the loop."""
        for vector, group in self._groups(recurrent=True).items():
            if len(group) > 1:
                self._stack(vector, group, "z")
        self._look()

    def stack_inputs(self) -> None:
        """The same for what is hoisted: all projections of the input become one product."""
        for vector, group in self._groups(recurrent=False).items():
            if len(group) > 1:
                self._stack(vector, group, "a")
        self._look()

    def _groups(self, recurrent: bool) -> dict[Quantity, list[Equation]]:
        found: dict[Quantity, list[Equation]] = {}
        for e in self.equations:
            told = told_by_parameters(self.cell).issuperset(sizes_in(e.expr))
            if told and _is_product(e.expr, self.constant) and (e.quantity in self.recurrent) == recurrent:
                found.setdefault(e.expr.args[-1], []).append(e)
        return found

    def _stack(self, vector: Quantity, group: list[Equation], name: str) -> None:
        """One product for a group; what is added to every member where it is used goes into the sum as well."""
        offsets = [self._offset(e.quantity) for e in group]
        later = self._downstream({e.quantity for e in group})
        if any(o is not None and not later.isdisjoint(quantities(o[1])) for o in offsets):
            offsets = [None] * len(group)  # what is added to one product is made of another
        kinds = {None if o is None else self._is_constant(o[1]) for o in offsets}
        if len({o[0] for o in offsets if o is not None}) < len(group):  # what two members share would be added twice
            kinds = {None}
        rows = [e.quantity.shape[0] for e in group]
        matrices = [e.expr.args[0] for e in group]
        whole = self.namer.quantity(_matrix_name(name), (sp.expand(sp.Add(*rows)), matrices[0].shape[1]), None)
        stacked = self.namer.quantity(name, (whole.shape[0], sp.S.One), x.t, "u")
        product: Matrix = x.Matmul(whole, vector)
        made = [Equation(whole, x.Concat(*matrices))]
        if kinds in ({True}, {False}):
            parts = concat(*[o[1] for o in offsets if o is not None])
            offset = self.namer.quantity(f"{'b' if kinds == {True} else 'a'}_{name}", stacked.shape, None)
            if kinds == {False}:
                offset = self.namer.quantity("a", stacked.shape, x.t)
            made += self._sum_of_parts(offset, parts, offsets, rows)
            product = x.Add(product, offset)
            for e, o in zip(group, offsets, strict=True):
                assert o is not None
                self._replace_in(o[0], o[2], e.quantity)
        starts = [sp.expand(sp.Add(*rows[:k])) for k in range(len(rows))]
        blocks = {e.quantity: block(stacked, s, r, 0, 1) for e, s, r in zip(group, starts, rows, strict=True)}
        gone = {e.quantity for e in group}
        self._insert([*made, Equation(stacked, product)], gone, blocks)

    def _sum_of_parts(self, offset: Quantity, parts: Matrix, offsets: list[Any], rows: list[Any]) -> list[Equation]:
        """offset = [o_1; o_2; ...]; where every o_k is V_k x + b_k with the same x, as V x + [b_1; b_2; ...]."""
        products, constants = [], []
        for _, o, _ in offsets:
            terms = list(o.args) if isinstance(o, x.Add) else [o]
            own = [a for a in terms if not self._is_constant(a)]
            rest = [a for a in terms if self._is_constant(a)]
            equation = next((e for e in self.equations if own and e.quantity == own[0]), None)
            if len(own) == 1 and equation is not None and isinstance(equation.expr, x.Add):
                terms = list(equation.expr.args)
                own = [a for a in terms if not self._is_constant(a)]
                rest += [a for a in terms if self._is_constant(a)]
                equation = next((e for e in self.equations if own and e.quantity == own[0]), None)
            if len(own) != 1 or equation is None or not _is_product(equation.expr, self.constant):
                return [Equation(offset, parts)]
            products.append(equation.expr)
            constants.append(add(*rest) if rest else zeros(*o.shape))
        if len({p.args[-1] for p in products}) != 1:
            return [Equation(offset, parts)]
        shape = (offset.shape[0], products[0].args[0].shape[1])
        whole = self.namer.quantity("V", shape, None)
        made = [Equation(whole, concat(*[p.args[0] for p in products]))]
        total: Matrix = x.Matmul(whole, products[0].args[-1])
        bias = concat(*constants)
        if not isinstance(bias, x.Zeros):
            b = self.namer.quantity("b", offset.shape, None)
            made.append(Equation(b, bias))
            total = x.Add(total, b)
        return [*made, Equation(offset, total)]

    def _downstream(self, found: set[Quantity]) -> set[Quantity]:
        """The quantities that depend on some, those included."""
        for e in self.equations:
            if any(q in found for q in quantities(e.expr)):
                found.add(e.quantity)
        return found

    def _offset(self, q: Quantity) -> tuple[Quantity, Matrix, Matrix] | None:
        """(equation's quantity, what is added to q, the sum as it stands) where q is used once, in a sum with that."""
        uses = [e for e in self.equations if q in quantities(e.expr)]
        if len(uses) != 1:
            return None
        sums = [a for a in _subnodes(uses[0].expr) if isinstance(a, x.Add) and q in a.args]
        if len(sums) != 1 or sum(node == q for node in _subnodes(uses[0].expr)) != 1:
            return None
        free = [a for a in sums[0].args if a != q and not self._is_recurrent(a) and quantities(a)]
        return (uses[0].quantity, add(*free), sums[0]) if free else None

    def _replace_in(self, owner: Quantity, total: Matrix, q: Quantity) -> None:
        """The sum without what was moved away from it."""
        rest = [a for a in total.args if a == q or self._is_recurrent(a) or not quantities(a)]
        new = rest[0] if len(rest) == 1 else x.Add(*rest)
        self.equations = tuple(
            Equation(e.quantity, replace(e.expr, {total: new}), e.note) if e.quantity == owner else e
            for e in self.equations
        )

    def _insert(self, made: list[Equation], gone: set[Quantity], blocks: dict[Matrix, Matrix]) -> None:
        """The new equations where the first of the old ones stood; the old names replaced everywhere."""
        out: list[Equation] = []
        for e in self.equations:
            if e.quantity in gone:
                out += made
                made = []
            else:
                out.append(Equation(e.quantity, replace(e.expr, blocks), e.note))
        self.equations = _in_order(out)
        self.equations = live(self.cell, self.equations)

    def inline(self) -> None:
        """What is only another name, and products that are used once and stand alone, go where they are used."""
        while True:
            uses: dict[Quantity, list[Quantity]] = {}
            for e in self.equations:
                for node in _subnodes(e.expr):
                    if isinstance(node, Quantity):
                        uses.setdefault(node, []).append(e.quantity)
            held = {s.current for s in self.cell.states} | set(self.cell.outputs)
            kept = {e.quantity for e in self.cell.equations} | held
            found = next((e for e in self.equations if self._goes(e, uses.get(e.quantity, []), kept)), None)
            if found is None:
                return
            put = {found.quantity: found.expr}
            self.equations = tuple(
                Equation(e.quantity, replace(e.expr, put), e.note) for e in self.equations if e is not found
            )
            self._look()

    def _goes(self, e: Equation, uses: list[Quantity], kept: set[Quantity]) -> bool:
        if e.quantity in kept or not uses:
            return False
        if isinstance(e.expr, x.Block) and isinstance(e.expr.args[0], Quantity):
            return True
        same_stage = len(uses) == 1 and (uses[0] in self.recurrent) == (e.quantity in self.recurrent)
        return same_stage and _is_product(e.expr, self.constant)

    def name_blocks(self) -> None:
        """W[:, :n] in a product of the loop as a matrix of its own: its gradient has its size, not that of W."""
        made: list[Equation] = []

        def visit(node: Any) -> Any:
            if isinstance(node, Quantity) or not hasattr(node, "shape"):
                return node
            args = tuple(visit(a) for a in node.args)
            node = node if args == node.args else type(node)(*args)
            if not isinstance(node, x.Matmul):
                return node
            *left, matrix, vector = node.args
            inside = quantities(vector)
            told = sizes_in(matrix) <= told_by_parameters(self.cell)
            if isinstance(matrix, x.Block) and matrix.args[0] in self.constant and inside and told:
                q = self.namer.named(matrix, f"{matrix.args[0].base}_{inside[0].base}", None)
                if all(e.quantity != q for e in made):
                    made.append(Equation(q, matrix))
                return x.Matmul(*left, q, vector)
            return node

        rewritten = [
            e if e.quantity in self.constant else Equation(e.quantity, visit(e.expr), e.note) for e in self.equations
        ]
        self.equations = (*made, *rewritten)
        self._look()

    def split(self) -> tuple[tuple[Equation, ...], ...]:
        """The four stages. Behind the loop goes what no state depends on and what looks at no previous state."""
        previous = {s.previous for s in self.cell.states}
        inside = {s.current for s in self.cell.states}
        for e in reversed(self.equations):
            used = quantities(e.expr)
            if e.quantity in inside or any(q in previous for q in used):
                inside.update([e.quantity, *used])
        once = [e for e in self.equations if e.quantity in self.constant]
        before = [e for e in self.equations if e.quantity not in self.constant and e.quantity not in self.recurrent]
        rest = [e for e in self.equations if e.quantity in self.recurrent]
        steps = [e for e in rest if e.quantity in inside]
        after = [e for e in rest if e.quantity not in inside]
        return tuple(once), tuple(before), tuple(steps), tuple(after)


def _is_product(expr: Matrix, constant: set[Quantity]) -> bool:
    """Whether an expression is a constant matrix times a quantity."""
    return (
        isinstance(expr, x.Matmul)
        and len(expr.args) == 2
        and isinstance(expr.args[1], Quantity)
        and expr.args[1] not in constant
        and all(q in constant for q in quantities(expr.args[0]))
    )


def _worth_naming(expr: Matrix) -> bool:
    return any(isinstance(a, (x.Apply, x.Whole, x.Matmul, x.Hadamard)) for a in _subnodes(expr))


def _matrix_name(name: str) -> str:
    return {"z": "U", "a": "V"}[name]


def _subnodes(expr: Any) -> list[Any]:
    if isinstance(expr, Quantity):
        return [expr]
    return [expr, *(n for a in expr.args if hasattr(a, "shape") for n in _subnodes(a))]


def _in_order(equations: list[Equation]) -> tuple[Equation, ...]:
    """The equations so that each comes after those that it needs, otherwise in their order."""
    known = {e.quantity for e in equations}
    done: set[Quantity] = set()
    out: list[Equation] = []
    waiting = list(equations)
    while waiting:
        ready = next(e for e in waiting if all(q in done or q not in known for q in quantities(e.expr)))
        waiting.remove(ready)
        done.add(ready.quantity)
        out.append(ready)
    return tuple(out)
