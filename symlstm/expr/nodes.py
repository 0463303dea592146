"""What an expression is: a handful of SymPy matrix expressions with checked shapes and structural equality.

A vector is a column (n x 1), a number is 1 x 1. Every node knows its shape, its entries (`_entry`, so that
`as_explicit()` works once the sizes are numbers), and how SymPy's own printers show it.
Build them with the functions of `symlstm.expr.build`, which keep the order in which a person writes.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixElement, MatrixExpr

from symlstm.errors import ShapeError
from symlstm.expr.dims import Shape, require_same_shape, same_size, show_shape
from symlstm.expr.quantity import Entry as Entry
from symlstm.expr.quantity import Quantity as Quantity
from symlstm.expr.quantity import T as T
from symlstm.expr.quantity import quantity as quantity
from symlstm.expr.quantity import t as t


class Node(MatrixExpr):
    """Base of all nodes: printing hooks that hand over to the printing tables."""

    _op_priority = 12.0

    def __new__(cls, *args: Any) -> Node:
        return sp.Basic.__new__(cls, *args)

    def _latex(self, printer: Any) -> str:
        from symlstm.expr.latex import latex_of

        return latex_of(self, printer)

    def _numpycode(self, printer: Any) -> str:
        from symlstm.expr.columns import column_code

        return column_code(self, printer)

    def _sympystr(self, printer: Any) -> str:
        from symlstm.expr.text import text_of

        return text_of(self)

    _sympyrepr = _sympystr

    def _eval_transpose(self) -> sp.Expr:
        from symlstm.expr.build import transpose

        return transpose(self)

    def doit(self, **hints: Any) -> Node:
        """The node itself: nothing is left to be carried out."""
        return self


class Ones(Node):
    """An array of ones."""

    shape = property(lambda self: self.args)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return sp.S.One


class Zeros(Node):
    """An array of zeros."""

    shape = property(lambda self: self.args)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return sp.S.Zero


class Eye(Node):
    """The identity matrix."""

    shape = property(lambda self: (self.args[0], self.args[0]))

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return sp.KroneckerDelta(i, j)


class Add(Node):
    """A sum in the order written."""

    def __new__(cls, *terms: Any) -> Add:
        for term in terms[1:]:
            require_same_shape("sum", terms[0].shape, term.shape)
        return Node.__new__(cls, *terms)

    shape = property(lambda self: self.args[0].shape)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return sp.Add(*[term._entry(i, j) for term in self.args])


class Scale(Node):
    """A plain number times an array: Scale(c, X)."""

    shape = property(lambda self: self.args[1].shape)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return self.args[0] * self.args[1]._entry(i, j)


class Hadamard(Node):
    """The elementwise product a ⊙ b ⊙ ..., in the order written."""

    def __new__(cls, *factors: Any) -> Hadamard:
        for factor in factors[1:]:
            require_same_shape("elementwise product", factors[0].shape, factor.shape)
        return Node.__new__(cls, *factors)

    shape = property(lambda self: self.args[0].shape)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return sp.Mul(*[factor._entry(i, j) for factor in self.args])


class Apply(Node):
    """An elementwise function of one or more arrays of one shape: Apply("sigmoid", z).

    The name is a row of `symlstm.expr.functions.ELEMENTWISE`; plain numbers after the arrays are its constants.
    """

    def __new__(cls, function: str | Str, *args: Any) -> Apply:
        name = function if isinstance(function, Str) else Str(function)
        arrays = [a for a in args if isinstance(a, MatrixExpr)]
        for other in arrays[1:]:
            require_same_shape(name.name, arrays[0].shape, other.shape)
        return Node.__new__(cls, name, *args)

    function = property(lambda self: self.args[0].name)
    arrays = property(lambda self: tuple(a for a in self.args[1:] if isinstance(a, MatrixExpr)))
    constants = property(lambda self: tuple(a for a in self.args[1:] if not isinstance(a, MatrixExpr)))
    shape = property(lambda self: self.args[1].shape)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        from symlstm.expr.functions import ELEMENTWISE

        return ELEMENTWISE[self.function].value(*[a._entry(i, j) for a in self.arrays], *self.constants)


class Whole(Node):
    """A function of a whole vector: softmax (a vector again), mean, sum, norm (one number).

    The name is a row of `symlstm.expr.functions.WHOLE`.
    """

    def __new__(cls, function: str | Str, vector: Any) -> Whole:
        name = function if isinstance(function, Str) else Str(function)
        if vector.shape[1] != 1:
            raise ShapeError(f"{name.name} takes a vector, not an array of {show_shape(vector.shape)}")
        return Node.__new__(cls, name, vector)

    function = property(lambda self: self.args[0].name)

    @property
    def shape(self) -> Shape:
        from symlstm.expr.functions import WHOLE

        one = sp.S.One
        return self.args[1].shape if WHOLE[self.function].keeps_shape else (one, one)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        from symlstm.expr.functions import WHOLE

        vector = self.args[1]
        rows = vector.shape[0]
        if not rows.is_Integer:
            return MatrixElement(self, i, j)
        return WHOLE[self.function].value([vector._entry(sp.Integer(k), 0) for k in range(int(rows))], i)


class Spread(Node):
    """One number repeated over an array: Spread(s, rows, cols)."""

    def __new__(cls, number: Any, rows: Any, cols: Any) -> Spread:
        if number.shape != (1, 1):
            raise ShapeError(f"only one number can be spread, not {show_shape(number.shape)}")
        return Node.__new__(cls, number, rows, cols)

    shape = property(lambda self: self.args[1:])

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return self.args[0]._entry(0, 0)


class Matmul(Node):
    """A matrix product in the order written."""

    def __new__(cls, *factors: Any) -> Matmul:
        for left, right in itertools.pairwise(factors):
            if not same_size(left.shape[1], right.shape[0]):
                raise ShapeError(
                    f"matrix product: {show_shape(left.shape)} times {show_shape(right.shape)}: "
                    f"the inner sizes {left.shape[1]} and {right.shape[0]} differ"
                )
        return Node.__new__(cls, *factors)

    shape = property(lambda self: (self.args[0].shape[0], self.args[-1].shape[1]))

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        left, rest = self.args[0], self.args[1:]
        right = rest[0] if len(rest) == 1 else Matmul(*rest)
        inner = left.shape[1]
        if inner.is_Integer:
            return sp.Add(*[left._entry(i, sp.Integer(k)) * right._entry(sp.Integer(k), j) for k in range(int(inner))])
        k = sp.Dummy("k", integer=True)
        return sp.Sum(left._entry(i, k) * right._entry(k, j), (k, 0, inner - 1))


class Transposed(Node):
    """The transpose."""

    shape = property(lambda self: self.args[0].shape[::-1])

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return self.args[0]._entry(j, i)


class Diag(Node):
    """The diagonal matrix of a vector."""

    def __new__(cls, vector: Any) -> Diag:
        if vector.shape[1] != 1:
            raise ShapeError(f"diag takes a vector, not an array of {show_shape(vector.shape)}")
        return Node.__new__(cls, vector)

    shape = property(lambda self: (self.args[0].shape[0],) * 2)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        if i == j:
            return self.args[0]._entry(i, 0)
        return sp.KroneckerDelta(i, j) * self.args[0]._entry(i, 0)


class Det(Node):
    """The determinant of a square matrix, a number."""

    def __new__(cls, matrix: Any) -> Det:
        if not same_size(*matrix.shape):
            raise ShapeError(f"a determinant is that of a square matrix, not of {show_shape(matrix.shape)}")
        return Node.__new__(cls, matrix)

    shape = property(lambda self: (sp.S.One, sp.S.One))

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        matrix = self.args[0]
        return matrix.as_explicit().det() if matrix.shape[0].is_Integer else MatrixElement(self, i, j)


class Concat(Node):
    """Arrays one above the other: [a; b]."""

    def __new__(cls, *parts: Any) -> Concat:
        for part in parts[1:]:
            if not same_size(parts[0].shape[1], part.shape[1]):
                raise ShapeError(
                    f"concatenation: {show_shape(parts[0].shape)} above {show_shape(part.shape)}: widths differ"
                )
        return Node.__new__(cls, *parts)

    shape = property(lambda self: (sp.Add(*[p.shape[0] for p in self.args]), self.args[0].shape[1]))

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        start: sp.Expr = sp.S.Zero
        branches = []
        for part in self.args:
            stop = start + part.shape[0]
            inside = sp.Lt(i, stop)
            if inside == sp.true:
                branches.append((part._entry(i - start, j), True))
                break
            if inside != sp.false:
                branches.append((part._entry(i - start, j), inside))
            start = stop
        return branches[0][0] if len(branches) == 1 else sp.Piecewise(*branches)


class Block(Node):
    """Some rows and columns of an array: Block(X, first row, rows, first column, columns)."""

    shape = property(lambda self: (self.args[2], self.args[4]))

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return self.args[0]._entry(i + self.args[1], j + self.args[3])


class Partial(Node):
    """A derivative that is not worked out yet: d of / d wrt, a Jacobian in numerator layout."""

    @property
    def shape(self) -> Shape:
        rows, cols = self.args[0].shape
        return (cols if rows == 1 else rows), self.args[1].shape[0]

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return MatrixElement(self, i, j)


class Total(Partial):
    """The same through every path of the unrolled graph, written with an upright d."""


class Rate(Node):
    """How an array changes while something moves, not worked out yet: d/dε of it."""

    shape = property(lambda self: self.args[0].shape)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return MatrixElement(self, i, j)
