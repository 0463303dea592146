"""Choices, and what they do to products of derivatives: what is not chosen counts for nothing, also where infinite.

The derivative of where(c, a, b) by a is where(c, 1, 0). Multiplied by a derivative behind it that is infinite where a
is not chosen (exp of 800, 1/z at 0), a number 0 gives 0 times infinity, NaN. So such a product is not taken outside the
choice but inside it: where(c, 1, 0) ⊙ d is where(c, d, 0), and in the backward pass a gradient that has parts left out
goes on as the choice that it is, not by its name. This holds as long as derivatives act entry by entry, or move entries
(concatenation, slices, transposes). A matrix product, sum, softmax or norm *on the side that is not chosen* mixes
entries before the choice: where such a product has infinite entries itself (W @ exp(z) inside a choice), 0 times
infinity remains, and `symlstm.compile` says that the gradient is not finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixExpr

from symlstm.expr.build import (
    Matrix,
    add,
    apply,
    block,
    concat,
    diag,
    hadamard,
    matmul,
    one_minus,
    scale,
    split_number,
)
from symlstm.expr.nodes import Add, Apply, Block, Concat, Diag, Matmul, Ones, Quantity, Scale, Zeros


def is_choice(expr: Any) -> bool:
    return isinstance(expr, Apply) and expr.function == "where"


def choose(condition: Matrix, a: Matrix, b: Matrix) -> Matrix:
    """a where the condition is 1, b where it is 0; the one behind 1 - s is that of s, the other way round."""
    opposite = opposite_of(condition)
    if opposite is not None:
        condition, a, b = opposite, b, a
    return a if a == b else apply("where", condition, a, b)


def opposite_of(condition: Matrix) -> Matrix | None:
    """s where the condition is 1 - s."""
    if isinstance(condition, Add) and len(condition.args) == 2 and isinstance(condition.args[0], Ones):
        number, rest = split_number(condition.args[1])
        return rest if number == -1 else None
    return None


def leaves_out(expr: Matrix) -> bool:
    """Whether an expression is a choice of which one side, or a side of a side, is zero; or is made of such choices."""
    if isinstance(expr, (Add, Scale)):
        return all(leaves_out(a) for a in expr.args if isinstance(a, MatrixExpr))
    if isinstance(expr, Concat):
        return any(leaves_out(part) for part in expr.args)
    return is_choice(expr) and any(isinstance(e, Zeros) or leaves_out(e) for e in expr.arrays[1:])


def chained(*factors: Matrix) -> Matrix:
    """The elementwise product of derivatives: where(c, a, 0) ⊙ d as where(c, a ⊙ d, 0)."""
    for k, factor in enumerate(factors):
        number, rest = split_number(factor)
        before, after = factors[:k], factors[k + 1 :]
        if not leaves_out(rest):
            continue
        if isinstance(rest, Add):
            return add(*[chained(*before, scale(number, term), *after) for term in rest.args])
        if isinstance(rest, Concat):
            return scale(number, _part_by_part(rest, before, after))
        condition, *sides = rest.arrays
        inside = [e if isinstance(e, Zeros) else chained(*before, scale(number, e), *after) for e in sides]
        return choose(condition, *inside)
    return hadamard(*factors)


def rows_chosen(vector: Matrix, matrix: Matrix) -> Matrix | None:
    """diag(vector) matrix, so that the diagonal meets those inside the matrix; None where there is nothing to meet."""
    if isinstance(matrix, Add):
        return add(*[matmul(diag(vector), term) for term in matrix.args])
    if isinstance(matrix, Concat):
        parts, start = [], sp.S.Zero
        for part in matrix.args:
            rows = part.shape[0]
            parts.append(matmul(diag(_rows(vector, start, rows)), part))
            start = sp.expand(start + rows)
        return concat(*parts)
    if isinstance(matrix, Block) and isinstance(matrix.args[0], Matmul) and isinstance(matrix.args[0].args[0], Diag):
        inner, row, rows, col, cols = matrix.args
        scaled, rest = inner.args[0].args[0], matmul(*inner.args[1:])
        return matmul(diag(chained(vector, block(scaled, row, rows, 0, 1))), block(rest, row, rows, col, cols))
    return None


def _rows(vector: Matrix, start: Any, rows: Any) -> Matrix:
    return rearranged(lambda v: block(v, start, rows, 0, 1), vector)


def _part_by_part(joined: Matrix, before: Sequence[Matrix], after: Sequence[Matrix]) -> Matrix:
    """[a; b] ⊙ d as [a ⊙ d's first part; b ⊙ the rest]."""
    parts, start = [], sp.S.Zero
    for part in joined.args:
        rows, cols = part.shape
        left, right = ([block(f, start, rows, 0, cols) for f in factors] for factors in (before, after))
        parts.append(part if isinstance(part, Zeros) else chained(*left, part, *right))
        start = sp.expand(start + rows)
    return concat(*parts)


def rearranged(act: Callable[[Matrix], Matrix], expr: Matrix) -> Matrix:
    """The entries of an expression in other places; a choice that leaves something out stays one."""
    number, rest = split_number(expr)
    if is_choice(rest) and leaves_out(rest):
        condition, *sides = rest.arrays
        return scale(number, choose(act(condition), *[rearranged(act, e) for e in sides]))
    return act(expr)


def as_indicator(expr: Matrix) -> Matrix | None:
    """c where the expression is where(c, 1, 0), and 1 - c where it is where(c, 0, 1)."""
    if not is_choice(expr):
        return None
    condition, a, b = expr.arrays
    if isinstance(a, Ones) and isinstance(b, Zeros):
        return condition
    return one_minus(condition) if isinstance(a, Zeros) and isinstance(b, Ones) else None


def sides_of_choices(expr: Any) -> tuple[set[Any], set[Any]]:
    """The quantities that an expression uses on the sides of choices, and those that it uses anywhere else."""
    inside: set[Any] = set()
    outside: set[Any] = set()

    def visit(node: Any, found: set[Any]) -> None:
        if isinstance(node, Quantity):
            found.add(node)
        elif is_choice(node):
            condition, *sides = node.arrays
            visit(condition, found)
            for side in sides:
                visit(side, inside)
        else:
            for a in node.args:
                visit(a, found)

    visit(expr, outside)
    return inside, outside
