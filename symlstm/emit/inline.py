"""How one cell is written: concatenations in place ([h_{t-1}; x_t]), and names for the blocks of weights (W_{fh})."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.calculus.backward import adjoint_symbol
from symlstm.calculus.graph import earlier_equations
from symlstm.emit.document import Formula, Paragraph, formula
from symlstm.emit.readynotations import notation as read_notation
from symlstm.equations import Cell
from symlstm.expr.build import block
from symlstm.expr.nodes import Block, Concat, Matmul, Quantity
from symlstm.expr.notation import Notation, symbol_latex, symbol_text
from symlstm.expr.tree import quantities


@lru_cache(maxsize=64)
def _inline(cell: Cell) -> dict[Any, Any]:
    """Quantities that are nothing but parts one above the other, at t and at t-1, and what they are."""
    found: dict[Any, Any] = {}
    for equation in (*cell.equations, *earlier_equations(cell)):
        parts = equation.expr.args if isinstance(equation.expr, Concat) else ()
        if parts and equation.quantity.shape[1] == 1 and all(isinstance(p, Quantity) for p in parts):
            found[equation.quantity] = equation.expr
    return found


@lru_cache(maxsize=64)
def _products(cell: Cell) -> tuple[tuple[Quantity, Any, Any, Any], ...]:
    """(matrix, first column, columns, what these columns multiply), for every block of columns of a parameter."""
    found: dict[tuple[Quantity, Any, Any], Any] = {}
    inline = _inline(cell)
    for node in _nodes(e.expr for e in cell.equations):
        if not isinstance(node, Matmul):
            continue
        for left, right in zip(node.args, node.args[1:], strict=False):
            right = inline.get(right, right)
            if isinstance(left, Quantity) and left in cell.parameters and isinstance(right, Concat):
                start = sp.S.Zero
                for part in right.args:
                    found.setdefault((left, start, part.shape[0]), part)
                    start = sp.expand(start + part.shape[0])
            elif isinstance(left, Block) and left.args[0] in cell.parameters and left.args[2] == left.args[0].shape[0]:
                found.setdefault((left.args[0], left.args[3], left.args[4]), right)
    return tuple((*key, part) for key, part in found.items())


def cell_notation(cell: Cell, notation: Any = None) -> Notation:
    """The notation with what belongs to this cell: concatenations written in place, blocks of weights with names."""
    notation = read_notation(notation)
    inline, taken = dict(_inline(cell)), {symbol_text(q.base, notation) for q in cell.by_name.values()}
    blocks: dict[tuple[Any, Any, Any], tuple[str, str]] = {}
    for matrix, start, columns, part in _products(cell):
        base = _base_of(part, cell)
        name = _joined(matrix.base, base, notation) if base else None
        text = _joined(matrix.base, str(base), notation, text=True)
        if name is None or text in taken:
            continue
        taken.add(text)
        blocks[matrix, start, columns] = (f"{name[0]}_{{{name[1]}}}", "_".join(text))
    return notation.with_(inline=inline, blocks=blocks, sizes=cell.dims)


def with_stacked_adjoints(notation: Notation, cell: Cell, known: dict[Quantity, Any]) -> Notation:
    """The adjoint of [h; x] written as the column of the adjoints of h and x, where it is exactly that."""
    stacked: dict[Any, Any] = {}
    for quantity, expr in _inline(cell).items():
        start = sp.S.Zero
        whole = adjoint_symbol(quantity)
        for part in expr.args:
            if known.get(part) != block(whole, start, part.shape[0], 0, 1):
                break
            start = sp.expand(start + part.shape[0])
        else:
            stacked[whole] = Concat(*[adjoint_symbol(part) for part in expr.args])
    return notation.with_(inline=stacked)


def _base_of(part: Any, cell: Cell) -> str | None:
    """The name after which a block of columns is called: that of what it multiplies."""
    named = [q for q in quantities(part) if q not in cell.parameters]
    if isinstance(part, Quantity):
        return part.base
    outside = [q for q in named if q in cell.inputs or any(q == s.previous for s in cell.states)]
    return outside[0].base if len(outside) == 1 else None


def _joined(matrix: str, base: str, notation: Notation, text: bool = False) -> tuple[str, str]:
    make = symbol_text if text else symbol_latex
    sign, subscript = make(matrix, notation)
    below, more = make(base, notation)
    parts = [p for p in (subscript, below, more) if p]
    simple = all(len(p) == 1 or text or (p.startswith("\\") and p[1:].isalpha()) for p in parts)
    if simple and not text:  # the blank ends a command: \\phi h
        parts = [f"{p} " if p.startswith("\\") else p for p in parts[:-1]] + parts[-1:]
    return sign, ("" if simple else ",").join(parts)


def _nodes(exprs: Iterable[Any]) -> Iterator[Any]:
    for expr in exprs:
        yield expr
        yield from _nodes(a for a in expr.args if hasattr(a, "args"))


def where(cell: Cell, exprs: Iterable[Any], notation: Notation) -> tuple[Paragraph, ...]:
    """The sentence "where W_f = [W_{fh} W_{fx}]", for the blocks that occur in these expressions."""
    used = dict.fromkeys(
        node.args[0]
        for node in _nodes(exprs)
        if isinstance(node, Block) and (node.args[0], node.args[3], node.args[4]) in notation.blocks
    )
    said: list[Any] = []
    for matrix in sorted(used, key=cell.parameters.index):
        parts = [(start, columns) for m, start, columns in notation.blocks if m == matrix]
        parts.sort(key=lambda p: _place(p[0], cell))
        if sp.expand(sp.Add(*[c for _, c in parts]) - matrix.shape[1]) != 0:
            continue
        names = [notation.blocks[matrix, *p] for p in parts]
        whole = formula(matrix, notation)
        latex = whole.latex + " = [" + r" \;\; ".join(n[0] for n in names) + "]"
        said += [", " if said else "", Formula(latex, f"{whole.text} = [{'  '.join(n[1] for n in names)}]")]
    return (Paragraph(("where ", *said[1:], ".")),) if said else ()


def _place(start: Any, cell: Cell) -> Any:
    """Where a block starts when every size is 1000 times the next: enough to sort by."""
    return start.subs({s: 1000 ** (len(cell.dims) - k) for k, s in enumerate(cell.dims)})
