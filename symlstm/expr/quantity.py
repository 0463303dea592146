"""What has a name: an array at a time step, a parameter, an adjoint; and one entry of it."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixElement, MatrixSymbol

from symlstm.expr.dims import SIZE_LETTERS, Shape

t = sp.Symbol("t", integer=True)
"""The time step, a symbol like any other."""
T = sp.Symbol("T", integer=True, positive=True)
"""The number of steps: through time, t runs from 1 to T."""


class Entry(MatrixElement):
    """One entry of a quantity: a number, printed as one, such as (f_t)_i."""

    def _latex(self, printer: Any) -> str:
        from symlstm.expr.latex import entry_latex

        return entry_latex(self, printer)


class Quantity(MatrixSymbol):
    """A named array: a value at a time step (f_t, h_{t-1}), a parameter (no time), or an adjoint.

    `name` is the identifier in code, `base` the symbol it stands for on paper, `time` an expression in `t`
    (None for parameters), `role` one of "value", "adjoint" (dL/d value), "delta" (dL/d pre-activation), "upstream",
    "change" (how the value changes).
    """

    is_commutative = False
    _op_priority = 12.0

    def __new__(
        cls,
        name: str | Str,
        rows: Any,
        cols: Any,
        time: Any = None,
        role: str | Str = "value",
        base: str | Str | None = None,
    ) -> Quantity:
        name = name if isinstance(name, Str) else Str(name)
        role = role if isinstance(role, Str) else Str(role)
        base = name if base is None else base if isinstance(base, Str) else Str(base)
        time = Str("always") if time is None else time if isinstance(time, Str) else sp.sympify(time)
        return sp.Basic.__new__(cls, name, sp.sympify(rows), sp.sympify(cols), time, role, base)

    @property
    def time(self) -> sp.Expr | None:
        return None if isinstance(self.args[3], Str) else self.args[3]

    @property
    def role(self) -> str:
        return self.args[4].name

    @property
    def base(self) -> str:
        return self.args[5].name

    def shifted(self, steps: int | sp.Expr, name: str | None = None) -> Quantity:
        """The same quantity so many steps later (negative: earlier); a parameter is itself."""
        if self.time is None:
            return self
        return quantity(name or self.name, self.shape, self.time + steps, self.role, self.base)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return Entry(self, i, j)

    def _latex(self, printer: Any) -> str:
        from symlstm.expr.latex import latex_of

        return latex_of(self, printer)

    def _numpycode(self, printer: Any) -> str:
        """The name in `sympy.lambdify`; n_ for a quantity n, because n is a size there too."""
        return f"{self.name}_" if self.name in SIZE_LETTERS else self.name

    _sympystr = _numpycode

    def _eval_transpose(self) -> sp.Expr:
        from symlstm.expr.build import transpose

        return transpose(self)


def quantity(name: str, shape: Shape, time: Any = None, role: str = "value", base: str | None = None) -> Quantity:
    """A named array of that shape; see Quantity."""
    return Quantity(name, shape[0], shape[1], time, role, base)
