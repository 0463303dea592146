"""A cell written out in scalars, one SymPy symbol an entry, differentiated by SymPy itself, one equation at a time.

The arguments of functions get symbols of their own, so that SymPy only ever differentiates small expressions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symlstm.evidence.definitions import elementwise, whole
from symlstm.evidence.interpret import ObjectArrays, evaluate, shaped
from symlstm.evidence.program import Program, Sizes, choose_sizes, shape_of
from symlstm.expr.nodes import Quantity


class Sigma(sp.Function):
    """1 / (1 + exp(-z)) as a generator: s' = s (1 - s), which `relations_hold` has SymPy prove."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * (1 - self)


class Tanh(sp.Function):
    """tanh(z) as a generator: t' = 1 - t^2."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 - self**2


GENERATORS: dict[str, tuple[type[sp.Function], sp.Lambda]] = {
    "sigmoid": (Sigma, sp.Lambda(sp.Symbol("s"), sp.Symbol("s") * (1 - sp.Symbol("s")))),
    "tanh": (Tanh, sp.Lambda(sp.Symbol("s"), 1 - sp.Symbol("s") ** 2)),
}
"""Functions that stay as they are: the name in the table, the generator, its derivative by its own value."""


@lru_cache(maxsize=1)
def relations_hold() -> bool:
    """Whether SymPy derives the relations of the generators from the definitions in exponentials."""
    for name, (_, relation) in GENERATORS.items():
        (z,), formula = elementwise(name, 1, ())
        formula = formula.rewrite(sp.exp)
        if sp.cancel(sp.diff(formula, z) - relation(formula)) != 0:
            return False
    return True


def formula_of(function: str, arguments: list[sp.Symbol], constants: tuple[sp.Expr, ...]) -> sp.Expr:
    """The definition of an elementwise function at symbols."""
    if function in GENERATORS and len(arguments) == 1:
        return GENERATORS[function][0](arguments[0])
    symbols, formula = elementwise(function, len(arguments), constants)
    return formula.xreplace(dict(zip(symbols, arguments, strict=True)))


@dataclass
class Scalars:
    """symbols: the entries of every quantity. definitions: (symbol, expression, its quantity), in order."""

    sizes: Sizes
    symbols: dict[Quantity, Any]
    definitions: list[tuple[sp.Symbol, sp.Expr, Quantity]]
    leaves: list[sp.Symbol]
    functions: int
    held: frozenset[Quantity] = frozenset()
    partials: dict[sp.Symbol, list[tuple[sp.Symbol, sp.Expr]]] = field(default_factory=dict)

    def slopes(self, symbol: sp.Symbol, expr: sp.Expr) -> list[tuple[sp.Symbol, sp.Expr]]:
        """The derivatives of one definition by each of its symbols."""
        if symbol not in self.partials:
            self.partials[symbol] = [(s, sp.diff(expr, s)) for s in sorted(expr.free_symbols, key=str)]
        return self.partials[symbol]


class _ScalarField(ObjectArrays):
    """Arrays of SymPy numbers; what a function is applied to becomes a symbol."""

    def __init__(self, owner: Scalars) -> None:
        super().__init__(sp.sympify)
        self.owner = owner
        self.quantity: Quantity | None = None
        self.named: dict[sp.Expr, sp.Symbol] = {}

    def symbol(self, expr: sp.Expr) -> sp.Symbol:
        if expr.is_Symbol:
            return expr
        if expr not in self.named:
            symbol = sp.Symbol(f"z{len(self.named)}")
            self.named[expr] = symbol
            self.owner.definitions.append((symbol, expr, self.quantity))  # type: ignore[arg-type]
        return self.named[expr]

    def apply(self, function: str, arrays: list[Any], constants: tuple[sp.Expr, ...]) -> Any:
        entries = zip(*[a.reshape(-1) for a in arrays], strict=True)
        found = [formula_of(function, [self.symbol(e) for e in entry], constants) for entry in entries]
        self.owner.functions += len(found)
        return shaped(found, arrays[0].shape)

    def whole(self, function: str, v: Any) -> Any:
        symbols, formulas = whole(function, len(v))
        mapping = dict(zip(symbols, [self.symbol(e) for e in v[:, 0]], strict=True))
        self.owner.functions += len(v)
        return shaped([f.xreplace(mapping) for f in formulas], (len(formulas), 1))


@lru_cache(maxsize=128)
def scalars(program: Program) -> Scalars:
    """The program written out."""
    sizes = choose_sizes(program, 2)
    out = Scalars(sizes, {}, [], [], 0, program.held)
    arrays = _ScalarField(out)
    for q in (*program.leaves, *(q for q, _ in program.equations)):
        rows, cols = shape_of(q, sizes)
        entries = [sp.Symbol(f"{q.name}_{i}_{j}") for i in range(rows) for j in range(cols)]
        out.symbols[q] = shaped(entries, (rows, cols))
    out.leaves = [s for q in program.leaves for s in out.symbols[q].reshape(-1)]
    for q, expr in program.equations:
        arrays.quantity = q
        value = evaluate(expr, out.symbols, sizes, arrays)
        if value.shape != out.symbols[q].shape:
            raise ValueError(f"{q.name} is {np.shape(value)}")
        pairs = zip(out.symbols[q].reshape(-1), value.reshape(-1), strict=True)
        out.definitions += [(symbol, entry, q) for symbol, entry in pairs]
    return out
