"""log|a|, entry by entry, as a sum of logarithms that neither underflow nor cancel.

The logarithm of a gate is taken of what the gate is made of: log sigma(z), and log(1 - sigma(z)) = log sigma(-z), so
that log f is -4e-18 where f itself rounds to 1; log(1 - tanh^2 z) = log 4 + log sigma(2z) + log sigma(-2z).
"""

from __future__ import annotations

from typing import Any

from symlstm.equations import Cell
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add, apply, negative, ones, scale, split_number, zeros

POSITIVE = ("sigmoid", "exp", "softplus", "cosh")
"""Elementwise functions without zeros and without negative values."""


def factors_of(vector: Matrix) -> list[Matrix]:
    """The factors of an elementwise product, each by itself."""
    if isinstance(vector, x.Hadamard):
        return [f for a in vector.args for f in factors_of(a)]
    return [vector]


def shown_log(vector: Matrix, cell: Cell) -> Matrix:
    """log|a| in the names of the cell: log f_t + log(1 - o_t) + log|tanh(c_t)|."""
    terms = []
    for f in factors_of(vector):
        if not isinstance(f, x.Ones):
            terms.append(apply("log", f if is_positive(f, cell) else apply("abs", f)))
    return add(*terms) if terms else zeros(*vector.shape)


def is_positive(expr: Matrix, cell: Cell) -> bool:
    """Whether every entry is seen to be positive: a gate, what is left of one, and products of such."""
    if isinstance(expr, x.Quantity):
        found = cell.equation(expr)
        return found is not None and is_positive(found.expr, cell)
    number, rest = split_number(expr)
    if number != 1:
        return bool(number > 0) and is_positive(rest, cell)
    if isinstance(expr, x.Ones):
        return True
    if isinstance(expr, x.Apply) and expr.function in POSITIVE:
        return True
    if isinstance(expr, x.Whole):
        return expr.function == "softmax"
    if isinstance(expr, (x.Hadamard, x.Spread)) or (isinstance(expr, x.Apply) and expr.function == "divide"):
        return all(is_positive(a, cell) for a in expr.args if hasattr(a, "shape"))
    return _one_minus(expr, cell) is not None


def _one_minus(expr: Matrix, cell: Cell) -> tuple[str, Matrix] | None:
    """("sigmoid", z) for 1 - sigma(z), ("tanh", z) for 1 - tanh^2(z)."""
    if not isinstance(expr, x.Add) or len(expr.args) != 2:
        return None
    if isinstance(expr.args[0], x.Ones):
        rest = expr.args[1]
    elif isinstance(expr.args[1], x.Ones):
        rest = expr.args[0]
    else:
        return None
    number, inner = split_number(rest)
    if number != -1:
        return None
    if isinstance(inner, x.Apply) and inner.function == "power" and inner.constants[0] == 2:
        opened = _opened(inner.arrays[0], cell)
        return ("tanh", opened.arrays[0]) if _is(opened, "tanh") else None
    opened = _opened(inner, cell)
    return ("sigmoid", opened.arrays[0]) if _is(opened, "sigmoid") else None


def _is(expr: Matrix, function: str) -> bool:
    return isinstance(expr, x.Apply) and expr.function == function


def _opened(expr: Matrix, cell: Cell) -> Matrix:
    """What a named quantity is made of."""
    while isinstance(expr, x.Quantity):
        found = cell.equation(expr)
        if found is None:
            return expr
        expr = found.expr
    return expr


def stable_log(vector: Matrix, cell: Cell) -> Matrix:
    """log|a| as it is computed: from what the gates are made of."""
    terms = [_stable(f, cell) for f in factors_of(vector)]
    return add(*terms)


def _stable(f: Matrix, cell: Cell) -> Matrix:
    shape = f.shape
    if isinstance(f, x.Ones):
        return zeros(*shape)
    minus = _one_minus(f, cell)
    if minus is not None:
        function, z = minus
        if function == "sigmoid":
            return apply("log_sigmoid", negative(z))
        double = scale(2, z)
        four = apply("log", scale(4, ones(*shape)))
        return add(four, apply("log_sigmoid", double), apply("log_sigmoid", negative(double)))
    opened = _opened(f, cell)
    if _is(opened, "sigmoid"):
        return apply("log_sigmoid", opened.arrays[0])
    if _is(opened, "exp"):
        return opened.arrays[0]
    if isinstance(opened, x.Hadamard) or (opened != f and _one_minus(opened, cell) is not None):
        return stable_log(opened, cell)
    if _is(opened, "divide"):
        return add(stable_log(opened.arrays[0], cell), negative(stable_log(opened.arrays[1], cell)))
    if _is(opened, "power"):
        return scale(opened.constants[0], stable_log(opened.arrays[0], cell))
    number, rest = split_number(f)
    if number != 1 and not isinstance(rest, x.Ones):
        return add(apply("log", scale(abs(number), ones(*shape))), stable_log(rest, cell))
    return apply("log", apply("abs", f))


def diagonal_of(expr: Any) -> Matrix | None:
    """The vector of a diagonal matrix, None where it is another."""
    if isinstance(expr, x.Diag):
        return expr.args[0]
    if isinstance(expr, x.Eye):
        return ones(expr.shape[0], 1)
    if expr.shape == (1, 1) and not isinstance(expr, x.Zeros):
        return expr
    return None
