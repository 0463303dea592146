"""What an oracle runs: equations in order, and where one is cut free of its own equation to be differentiated by.

Everything is rebuilt node by node, without the simplifications that derivations use.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from symlstm.equations import Cell
from symlstm.expr.nodes import Block, Quantity, T, quantity, t

Sizes = tuple[tuple[sp.Symbol, int], ...]


class Uncheckable(Exception):
    """The cell cannot be run by an oracle; the message says why."""


@dataclass(frozen=True)
class Program:
    """Equations (quantity, expression) in the order of computation; function: the numeric cell, part of the key.

    steps: what stands for each quantity of the cell in each step, the earliest first. held: copies of states that have
    their values but do not pass on what changes them, so that a derivative holds them fixed.
    """

    cell: Cell
    equations: tuple[tuple[Quantity, Any], ...]
    steps: tuple[Mapping[Quantity, Quantity], ...] = ()
    function: Any = None
    held: frozenset[Quantity] = frozenset()

    @cached_property
    def key(self) -> int:
        return hash((self.cell.name, self.equations, self.function, self.held))

    def __hash__(self) -> int:
        return self.key

    @cached_property
    def leaves(self) -> tuple[Quantity, ...]:
        """The quantities that no equation gives."""
        given = {q for q, _ in self.equations}
        leaves: dict[Quantity, None] = {}
        for q in (*(s.previous for s in self.cell.states), *self.cell.inputs, *self.cell.parameters):
            for step in self.steps:
                leaves[step.get(q, q)] = None
        for _, expr in self.equations:
            leaves.update(dict.fromkeys(named(expr)))
        return tuple(q for q in leaves if q not in given)

    @cached_property
    def reads(self) -> dict[Quantity, frozenset[Quantity]]:
        """What each equation reads."""
        return {q: frozenset(named(expr)) for q, expr in self.equations}

    def shown(self, sizes: Sizes) -> str:
        """n=4, m=3, and T=3 where the steps 1, ..., T are run."""
        last = {q.time for q in self.steps[-1].values() if q.time is not None} if self.steps else set()
        count = max((int(time) for time in last if time.is_Integer), default=0)
        return show_sizes((*sizes, (T, count)) if count else sizes)

    def downstream(self, cut: Quantity) -> tuple[tuple[Quantity, Any], ...]:
        """The equations that change when `cut` does."""
        moved, kept = {cut}, []
        for q, expr in self.equations:
            if q != cut and q not in self.held and not moved.isdisjoint(self.reads[q]):
                moved.add(q)
                kept.append((q, expr))
        return tuple(kept)


def named(expr: Any) -> Iterator[Quantity]:
    """Every occurrence of a quantity."""
    for node in subnodes(expr):
        if isinstance(node, Quantity):
            yield node


def subnodes(expr: Any) -> Iterator[Any]:
    """The matrix nodes of an expression, the whole first; quantities are not opened."""
    yield expr
    if not isinstance(expr, Quantity):
        for a in expr.args:
            if hasattr(a, "shape"):
                yield from subnodes(a)


def substituted(expr: Any, mapping: Mapping[Any, Any]) -> Any:
    """The expression with nodes replaced, otherwise exactly as it is."""
    if expr in mapping:
        return mapping[expr]
    if isinstance(expr, Quantity) or not hasattr(expr, "shape"):
        return expr
    return type(expr)(*[substituted(a, mapping) for a in expr.args])


def one_step(cell: Cell) -> Program:
    """The step itself."""
    return unrolled(cell, 1)


def unrolled(cell: Cell, steps: int, last: Any = t, held: Iterable[Quantity] = ()) -> Program:
    """So many steps, the last at time `last` (t, or a number T for the steps 1..T): `Cell.at` has their names.

    held: states (at their times) that the step after them reads as they are, without what changes them: derivatives
    through them do not count.
    """
    held = set(held)
    equations: list[tuple[Quantity, Any]] = []
    maps: list[Mapping[Quantity, Quantity]] = []
    copies: dict[Quantity, Quantity] = {}
    leaves = (*(s.previous for s in cell.states), *(e.quantity for e in cell.equations), *cell.inputs)
    for back in reversed(range(steps)):
        here = {q: cell.at(q, q.time - t + last - back) for q in leaves}
        for state in cell.states:
            before = here[state.previous]
            if before in held:
                copy = quantity(f"{before.name}_held", before.shape, before.time, "value", f"{before.base}_held")
                copies[before] = here[state.previous] = copy
                equations.append((copy, before))
        equations += [(here[e.quantity], substituted(e.expr, here)) for e in cell.equations]
        maps.append(here)
    return Program(cell, tuple(equations), tuple(maps), cell.function, frozenset(copies.values()))


def two_steps(cell: Cell) -> Program:
    """Step t-1, whose new states are the previous states of step t, and then step t."""
    return unrolled(cell, 2)


def with_parts_named(cell: Cell, parts: Mapping[Quantity, tuple[Quantity, Any]]) -> Program:
    """The step with parts of equations given names: name -> (quantity of the equation, node inside it)."""
    equations: list[tuple[Quantity, Any]] = []
    for q, expr in [(e.quantity, e.expr) for e in cell.equations]:
        mine = [(name, node) for name, (owner, node) in parts.items() if owner == q]
        mine.sort(key=lambda pair: sum(1 for _ in subnodes(pair[1])))
        mapping: dict[Any, Any] = {}
        for name, node in mine:
            equations.append((name, substituted(node, mapping)))
            mapping[substituted(node, mapping)] = name
            mapping[node] = name
            expr = substituted(expr, {node: name, equations[-1][1]: name})
        equations.append((q, expr))
    return replace(one_step(cell), equations=tuple(equations))


DRAWS = 64


def draw_until(make: Any) -> Any:
    """The first usable random point, of positive numbers if need be (log and sqrt); None if there is none."""
    for draw in range(DRAWS):
        found = make(-1.0 if draw < DRAWS // 2 else 0.1)
        if found is not None:
            return found
    return None


@lru_cache(maxsize=256)
def choose_sizes(program: Program, start: int) -> Sizes:
    """Numbers for n, m, ...: all different where possible, from `start` on, so that every shape is a whole number."""
    wanted = _lengths(program)
    symbols: dict[sp.Symbol, None] = dict.fromkeys(program.cell.dims)
    for length in wanted:
        symbols.update(dict.fromkeys(sorted(length.free_symbols, key=str)))
    dims = tuple(symbols)
    around = [start + (k + 1) // 2 * (1 if start < 3 or k % 2 == 0 else -1) for k in range(len(dims))]
    first = tuple(around) if start >= 4 and len(dims) <= 3 else tuple(start + k for k in range(len(dims)))
    for numbers in itertools.chain([first], _others(len(dims), start)):
        sizes = dict(zip(dims, numbers, strict=True))
        if all(_whole(length, sizes) for length in wanted):
            return tuple(sizes.items())
    raise Uncheckable("no small sizes give whole shapes")


def _lengths(program: Program) -> set[sp.Expr]:
    found: set[sp.Expr] = set()
    for q, expr in program.equations:
        for node in (q, *subnodes(expr)):
            found.update(node.shape)
            if isinstance(node, Block):
                inner, row, rows, col, cols = node.args
                found.update((row + 1, col + 1, inner.shape[0] - row - rows + 1, inner.shape[1] - col - cols + 1))
    for q in program.leaves:
        found.update(q.shape)
    return {sp.sympify(length) for length in found}


def _others(count: int, start: int) -> Iterator[tuple[int, ...]]:
    every = list(itertools.product(range(1, 13), repeat=count)) if count <= 4 else []
    every.sort(key=lambda n: (-len(set(n)), sum(abs(v - start) for v in n), n))
    yield from every


def _whole(length: sp.Expr, sizes: Mapping[sp.Symbol, int]) -> bool:
    value = length.subs(sizes)
    return bool(value.is_Integer and value >= 1)


def shape_of(q: Any, sizes: Sizes) -> tuple[int, int]:
    """The shape in numbers."""
    return number_of(q.shape[0], sizes), number_of(q.shape[1], sizes)


@lru_cache(maxsize=4096)
def number_of(length: sp.Expr, sizes: Sizes) -> int:
    """A size in numbers."""
    return int(length) if length.is_Integer else int(length.subs(dict(sizes)))


def show_sizes(sizes: Sizes) -> str:
    """n=4, m=3"""
    return ", ".join(f"{symbol}={value}" for symbol, value in sizes)
