"""Building expressions: the few simplifications that a person makes without thinking, and no others.

Zeros and identities vanish, products of diagonal matrices merge, plain numbers move to the front; the order of
terms and factors is the order given.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symlstm.expr.dims import equal_sizes
from symlstm.expr.nodes import (
    Add,
    Apply,
    Block,
    Concat,
    Det,
    Diag,
    Eye,
    Hadamard,
    Matmul,
    Ones,
    Partial,
    Scale,
    Spread,
    Total,
    Transposed,
    Whole,
    Zeros,
)

Matrix = Any  # a SymPy MatrixExpr; SymPy itself is untyped


def zeros(rows: Any, cols: Any) -> Matrix:
    return Zeros(sp.sympify(rows), sp.sympify(cols))


def ones(rows: Any, cols: Any) -> Matrix:
    return Ones(sp.sympify(rows), sp.sympify(cols))


def ones_like(x: Matrix) -> Matrix:
    return Ones(*x.shape)


def eye(n: Any) -> Matrix:
    n = sp.sympify(n)
    return Ones(n, n) if n == 1 else Eye(n)


def split_number(x: Matrix) -> tuple[sp.Expr, Matrix]:
    """A plain number and the rest: 2 X -> (2, X)."""
    return (x.args[0], x.args[1]) if isinstance(x, Scale) else (sp.S.One, x)


def scale(number: Any, x: Matrix) -> Matrix:
    """number * x"""
    number = sp.sympify(number)
    inner, x = split_number(x)
    number = number * inner
    if number == 0 or isinstance(x, Zeros):
        return Zeros(*x.shape)
    if number == 1:
        return x
    if isinstance(x, Diag):
        return Diag(scale(number, x.args[0]))
    return Scale(number, x)


def _without_double_minus(terms: list[Matrix]) -> list[Matrix]:
    """1 - (1 - x) as x: a bracket is opened where its one meets another."""
    if not any(isinstance(split_number(term)[1], Ones) for term in terms):
        return terms
    out: list[Matrix] = []
    for term in terms:
        number, rest = split_number(term)
        if isinstance(rest, Add) and number == -1 and any(isinstance(a, Ones) for a in rest.args):
            out.extend(negative(a) for a in rest.args)
        else:
            out.append(term)
    return out


def negative(x: Matrix) -> Matrix:
    return scale(-1, x)


def add(*terms: Matrix) -> Matrix:
    """The sum; equal terms are counted together, diagonal matrices become one."""
    flat: list[Matrix] = []
    for term in terms:
        flat.extend(term.args if isinstance(term, Add) else (term,))
    counted: dict[Matrix, sp.Expr] = {}
    for term in _without_double_minus(flat):
        number, rest = split_number(term)
        if not isinstance(rest, Zeros):
            counted[rest] = counted.get(rest, sp.S.Zero) + number
    kept = [scale(number, rest) for rest, number in counted.items() if number != 0]
    if len(kept) > 1:
        from symlstm.expr.collect import collected

        kept = collected(kept)
    if not kept:
        return Zeros(*flat[0].shape)
    return kept[0] if len(kept) == 1 else Add(*kept)


def subtract(a: Matrix, b: Matrix) -> Matrix:
    return add(a, negative(b))


def one_minus(x: Matrix) -> Matrix:
    """1 - x"""
    return add(ones_like(x), negative(x))


def hadamard(*factors: Matrix) -> Matrix:
    """The elementwise product; factors of one vanish, plain numbers move to the front."""
    number: sp.Expr = sp.S.One
    flat: list[Matrix] = []
    for factor in factors:
        inner, rest = split_number(factor)
        number = number * inner
        flat.extend(rest.args if isinstance(rest, Hadamard) else (rest,))
    if any(isinstance(f, Zeros) for f in flat):
        return Zeros(*factors[0].shape)
    checked = Hadamard(*flat) if len(flat) > 1 else flat[0]
    kept: list[Matrix] = []
    below: list[Matrix] = []
    for f in flat:
        inner, f = split_number(f)
        number = number * inner
        if isinstance(f, Apply) and f.function == "divide" and isinstance(f.arrays[0], Ones):
            below.append(f.arrays[1])
        elif not isinstance(f, Ones):
            kept.append(f)
    product = Ones(*checked.shape) if not kept else kept[0] if len(kept) == 1 else Hadamard(*kept)
    if below:
        product = Apply("divide", product, below[0] if len(below) == 1 else Hadamard(*below))
    return scale(number, product)


def apply(function: str, *args: Any) -> Matrix:
    """An elementwise function by name."""
    return Apply(function, *args)


def square(x: Matrix) -> Matrix:
    return Apply("power", x, sp.Integer(2))


def divide(a: Matrix, b: Matrix) -> Matrix:
    """Elementwise a / b."""
    number, rest = split_number(a)
    if isinstance(rest, Zeros):
        return rest
    below, b = split_number(b)
    if isinstance(b, Ones):
        return scale(number / below, rest)
    return scale(number / below, Apply("divide", rest, b))


def whole(function: str, vector: Matrix) -> Matrix:
    """A function of a whole vector by name; a sum or mean lets plain numbers out."""
    number, rest = split_number(vector)
    if function in ("sum", "mean") and number != 1:
        return scale(number, Whole(function, rest))
    return Whole(function, vector)


def spread(number: Matrix, rows: Any, cols: Any) -> Matrix:
    """One number (1 x 1) repeated over rows x cols."""
    rows, cols = sp.sympify(rows), sp.sympify(cols)
    if (rows, cols) == (1, 1):
        return number
    coefficient, rest = split_number(number)
    if isinstance(rest, Zeros):
        return Zeros(rows, cols)
    if isinstance(rest, Ones):
        return scale(coefficient, Ones(rows, cols))
    return scale(coefficient, Spread(rest, rows, cols))


def transpose(x: Matrix) -> Matrix:
    """The transpose, pushed inward as far as it goes."""
    if x.shape == (1, 1) or isinstance(x, (Diag, Eye)):
        return x
    if isinstance(x, Transposed):
        return x.args[0]
    if isinstance(x, (Zeros, Ones)):
        return type(x)(*x.shape[::-1])
    if isinstance(x, Scale):
        return scale(x.args[0], transpose(x.args[1]))
    if isinstance(x, Spread):
        return Spread(x.args[0], *x.shape[::-1])
    if isinstance(x, Add):
        turned = [transpose(term) for term in x.args]
        return Transposed(x) if any(isinstance(split_number(term)[1], Transposed) for term in turned) else add(*turned)
    if isinstance(x, Matmul):
        return matmul(*[transpose(factor) for factor in reversed(x.args)])
    return Transposed(x)


def diag(vector: Matrix) -> Matrix:
    """The diagonal matrix of a vector; of one number, the number."""
    if vector.shape == (1, 1):
        return vector
    if isinstance(vector, Ones):
        return Eye(vector.shape[0])
    if isinstance(vector, Zeros):
        return Zeros(vector.shape[0], vector.shape[0])
    return Diag(vector)


def det(matrix: Matrix) -> Matrix:
    """The determinant; of a number, the number."""
    if matrix.shape == (1, 1):
        return matrix
    if isinstance(matrix, Eye):
        return Ones(sp.S.One, sp.S.One)
    return Zeros(sp.S.One, sp.S.One) if isinstance(matrix, Zeros) else Det(matrix)


def concat(*parts: Matrix) -> Matrix:
    """Arrays one above the other."""
    flat: list[Matrix] = []
    for part in parts:
        flat.extend(part.args if isinstance(part, Concat) else (part,))
    if len(flat) == 1:
        return flat[0]
    joined = Concat(*flat)
    return Zeros(*joined.shape) if all(isinstance(p, Zeros) for p in flat) else joined


def block(x: Matrix, row: Any, rows: Any, col: Any, cols: Any) -> Matrix:
    """The part of x that starts at (row, col) and has rows x cols entries."""
    row, rows, col, cols = (sp.sympify(v) for v in (row, rows, col, cols))
    if (row, col) == (0, 0) and equal_sizes(x.shape[0], rows) and equal_sizes(x.shape[1], cols):
        return x
    if isinstance(x, (Zeros, Ones)):
        return type(x)(rows, cols)
    if isinstance(x, Scale):
        return scale(x.args[0], block(x.args[1], row, rows, col, cols))
    if isinstance(x, Transposed):
        return transpose(block(x.args[0], col, cols, row, rows))
    if isinstance(x, Block):
        return Block(x.args[0], x.args[1] + row, rows, x.args[3] + col, cols)
    if isinstance(x, Concat) and equal_sizes(x.shape[1], cols):
        start: sp.Expr = sp.S.Zero
        for part in x.args:
            if sp.expand(start - row) == 0 and equal_sizes(part.shape[0], rows):
                return part
            start = start + part.shape[0]
    return Block(x, row, rows, col, cols)


def matmul(*factors: Matrix) -> Matrix:
    """The matrix product; identities vanish, neighbouring diagonal matrices merge, zero wins."""
    number: sp.Expr = sp.S.One
    flat: list[Matrix] = []
    for factor in factors:
        inner, rest = split_number(factor)
        number = number * inner
        flat.extend(rest.args if isinstance(rest, Matmul) else (rest,))
    checked = Matmul(*flat) if len(flat) > 1 else flat[0]
    if any(isinstance(f, Zeros) for f in flat):
        return Zeros(*checked.shape)
    kept: list[Matrix] = []
    for factor in flat:
        while kept and (joined := _join(kept[-1], factor)) is not None:
            kept.pop()
            inner, factor = split_number(joined)
            number = number * inner
        if isinstance(factor, Zeros):
            return Zeros(*checked.shape)
        kept.append(factor)
    return scale(number, kept[0] if len(kept) == 1 else Matmul(*kept))


def _join(left: Matrix, right: Matrix) -> Matrix | None:
    """The product of two neighbours where it is simpler than a product, else None."""
    from symlstm.expr.choices import chained, leaves_out, rows_chosen

    if isinstance(left, Eye):
        return right
    if isinstance(right, Eye):
        return left
    if left.shape == (1, 1) and right.shape == (1, 1):
        return chained(left, right)
    if isinstance(left, Add) and right.shape[1] == 1 and any(isinstance(split_number(a)[1], Diag) for a in left.args):
        return add(*[matmul(term, right) for term in left.args])
    if isinstance(left, Diag):
        if isinstance(right, Diag):
            return diag(chained(left.args[0], right.args[0]))
        if right.shape[1] == 1:
            return chained(left.args[0], right)
        if leaves_out(left.args[0]):
            return rows_chosen(left.args[0], right)
    if isinstance(right, Diag) and left.shape[0] == 1:
        return transpose(chained(transpose(left), right.args[0]))
    if left.shape == (1, 1) and right.shape[1] == 1:
        return hadamard(spread(left, *right.shape), right)
    if right.shape == (1, 1) and left.shape[1] == 1 and left.shape[0] != 1:
        return hadamard(spread(right, *left.shape), left)
    if isinstance(right, Concat):
        terms, start = [], sp.S.Zero
        for part in right.args:
            if not isinstance(part, Zeros):
                terms.append(matmul(block(left, 0, left.shape[0], start, part.shape[0]), part))
            start = start + part.shape[0]
        if len(terms) < len(right.args):
            return add(*terms)
    return None


def partial(of: Matrix, wrt: Matrix) -> Matrix:
    """d of / d wrt, not worked out yet."""
    return Partial(of, wrt)


def total(of: Matrix, wrt: Matrix) -> Matrix:
    """d of / d wrt through all paths, not worked out yet."""
    return Total(of, wrt)
