"""One step with the numbers filled in, line by line: from the equation to its value, innermost parts first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sympy.matrices.expressions.matexpr import MatrixExpr

from symlstm.calculus.examined import Shown
from symlstm.codegen.mismatch import require_unmasked
from symlstm.emit.document import Document, Equations, Formula, Prose, Result, Row, Section, formula
from symlstm.emit.equations import equation_rows
from symlstm.emit.inline import cell_notation
from symlstm.emit.prose import prose
from symlstm.emit.source import source_aside
from symlstm.equations import Cell, Equation
from symlstm.errors import ValueUnusable, unknown
from symlstm.expr import nodes as x
from symlstm.expr.brackets import BREAK_PRODUCT
from symlstm.expr.build import Matrix, split_number
from symlstm.expr.nodes import Quantity, quantity
from symlstm.expr.notation import DEFAULT, Notation
from symlstm.expr.tree import quantities, rebuild
from symlstm.registry import cell as find

MOST_DIGITS = 17
"""A float64 is known by so many."""
LARGEST = 8
"""The longest vector whose numbers are written out; also the most columns of a matrix that are."""


WIDEST = 36
"""In em: how wide a matrix of numbers may be in LaTeX."""


@dataclass(frozen=True)
class Line:
    """One equation of the cell, the stages of its value (each with more numbers in place), and the value."""

    equation: Equation
    stages: tuple[Matrix, ...]
    value: np.ndarray


@dataclass(frozen=True, repr=False)
class Walk(Shown):
    """One step of a cell in numbers.

    lines: in the order of computation. numbers: what the placeholders in the stages stand for. given: the numbers
    that came in, by name; digits: how many significant digits are shown.
    """

    cell: Cell
    given: Mapping[str, np.ndarray] = field(compare=False)
    lines: tuple[Line, ...]
    numbers: Mapping[Quantity, np.ndarray] = field(compare=False)
    digits: int = 8

    def __repr__(self) -> str:
        return f"<one step of {self.cell.name}: {', '.join(self.values)}>"

    @property
    def values(self) -> dict[str, np.ndarray]:
        """Every named quantity of the step."""
        return {line.equation.name: line.value for line in self.lines}

    def document(self, notation: Notation = DEFAULT, source: bool = True, **_: Any) -> Document:
        """Each equation, its value growing stage by stage, ready for any emitter; source: what the code says."""
        own = cell_notation(self.cell, notation)
        sections = [Section(("What is given",), (self._given(own),))]
        sections += source_aside(self.cell, own) if source else ()
        sections += [Section(_title(line.equation, own), (self.block(line, own),), level=3) for line in self.lines]
        last = [s.current for s in self.cell.states] + list(self.cell.outputs)
        rows = [Row(formula(q, own), _numbers(self.values[q.name], self.digits)) for q in dict.fromkeys(last)]
        sections.append(Section(("Result",), (Result(tuple(rows)),)))
        about = {"kind": "walk", "cell": self.cell.name, "values": {k: v.tolist() for k, v in self.values.items()}}
        return Document((f"One step of {self.cell.name} in numbers",), tuple(sections), about)

    def block(self, line: Line, notation: Notation) -> Equations:
        """One equation with its stages and its value."""
        signs = {q.base: _numbers(value, self.digits) for q, value in self.numbers.items()}
        filled = notation.with_(
            symbols={name: sign.marked_latex for name, sign in signs.items()},
            text_symbols={name: sign.marked_text for name, sign in signs.items()},
        )
        rows = [replace(row, reason=()) for row in equation_rows([line.equation], notation)]
        rows += [Row(None, formula(stage, filled)) for stage in line.stages]
        return Equations((*rows, Row(None, _numbers(line.value, self.digits))), "steps")

    def _given(self, notation: Notation) -> Equations:
        rows = [
            Row(formula(self.cell.quantity(name), notation), _numbers(value, self.digits))
            for name, value in self.given.items()
            if _is_short(value) or value.ndim == 2
        ]
        return Equations(tuple(rows))


def read_values(path: Path) -> dict[str, Any]:
    """Numbers by name from a JSON file; ValueUnusable says what is wrong with it. Parsed, never evaluated."""
    try:
        found = json.loads(Path(path).read_text())
    except OSError as error:
        raise ValueUnusable(f"{path} cannot be read: {error.strerror}", "it is a JSON file: numbers by name") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueUnusable(
            f"{path} is not JSON: {error}", 'it holds {"x": [...], "h_prev": [...], "W_f": ...}'
        ) from None
    if not isinstance(found, dict):
        raise ValueUnusable(f"{path} holds no names", 'write {"x": [...], "h_prev": [...], "W_f": [[...], ...], ...}')
    return found


def walk(cell: Any, values: Mapping[str, Any], *, digits: int = 8) -> Walk:
    """Compute one step of `cell` from numbers by name (inputs, previous states, parameters), keeping every stage.

    cell: a Cell, or anything that `symlstm.cell` takes. Shapes as in NumPy: x (m,), h_prev (n,), W_f (n, n+m).
    digits: significant digits shown, 1 to 17. Raises NameUnknown, ShapeError or ValueUnusable.
    """
    from symlstm.codegen import compile as compile_cell

    if type(digits) is not int or not 1 <= digits <= MOST_DIGITS:
        raise ValueUnusable(f"digits={digits!r} cannot be shown", f"digits is a whole number from 1 to {MOST_DIGITS}")
    cell = find(cell)
    if not isinstance(values, Mapping):
        got = type(values).__name__
        raise ValueUnusable(f"the values must be a dict by name, not {got}", 'write {"x": [...], "h_prev": [...], ...}')
    wanted = [q.name for q in (*cell.inputs, *(s.previous for s in cell.states), *cell.parameters)]
    for name in values:
        if name not in wanted:
            raise unknown(f"input, state or parameter of {cell.name}", name, wanted)
    missing = [name for name in wanted if name not in values]
    if missing:
        raise ValueUnusable(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing", "give every number")
    given = {name: _array(name, values[name]) for name in wanted}
    inputs = tuple(given[q.name] for q in cell.inputs)
    computed = compile_cell(cell).values(
        {q.name: given[q.name] for q in cell.parameters},
        None if not inputs else inputs[0] if len(inputs) == 1 else inputs,
        tuple(given[s.previous.name] for s in cell.states),
    )
    known: dict[Quantity, np.ndarray] = {cell.quantity(name): value for name, value in {**given, **computed}.items()}
    numbers: dict[Quantity, np.ndarray] = {}
    sizes = {str(s): n for q, value in known.items() for s, n in zip(q.shape, value.shape, strict=False) if s.is_Symbol}
    lines = tuple(Line(e, _stages(e.expr, known, sizes, numbers), computed[e.name]) for e in cell.equations)
    return Walk(cell, given, lines, numbers, digits)


def _array(name: str, value: Any) -> np.ndarray:
    require_unmasked(name, value)
    try:
        if not _only_numbers(value):
            raise TypeError
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueUnusable(
            f"{name} is not an array of numbers", "write lists of numbers, all rows equally long"
        ) from None


def _only_numbers(value: Any) -> bool:
    """Whether nested lists hold numbers alone: no text, no true or false, nothing missing."""
    if isinstance(value, (list, tuple)):
        return all(_only_numbers(part) for part in value)
    return isinstance(value, (int, float, np.ndarray, np.number)) and not isinstance(value, bool)


def _stages(
    expr: Matrix,
    known: Mapping[Quantity, np.ndarray],
    sizes: Mapping[str, int],
    numbers: dict[Quantity, np.ndarray],
) -> tuple[Matrix, ...]:
    """The expression with numbers for its quantities, then with ever larger parts computed, short of the last."""

    def number(value: np.ndarray, shape: Any) -> Quantity:
        placeholder = quantity(f"number {len(numbers)}", shape)  # with a space: nobody's name
        numbers[placeholder] = value
        return placeholder

    shown = {q: number(known[q], q.shape) for q in quantities(expr) if _is_short(known[q])}
    everything = {**known, **numbers}
    stages: list[Matrix] = []
    current = _map(expr, lambda node: shown.get(node))
    while not (isinstance(current, Quantity) or (stages and current == stages[-1])):
        stages.append(current)
        everything.update(numbers)
        current = _map(current, lambda node: _computed(node, everything, sizes, number))
    return tuple(stages)


def _title(equation: Equation, notation: Notation) -> Prose:
    """What the comment in the code calls the quantity, or its sign."""
    note = equation.note
    return prose(note[0].upper() + note[1:]) if note else (formula(equation.quantity, notation),)


def _numbers(value: np.ndarray, digits: int) -> Formula:
    """An array as its numbers: a vector as a column written flat, (a, b, c); a matrix in rows, the middle left out."""
    if value.ndim == 0:
        return Formula(*(_number(float(value), digits),) * 2)
    if value.ndim == 1:
        shown = [_number(float(v), digits) for v in value]
        return Formula(*(f"({(',' + BREAK_PRODUCT + space).join(shown)})" for space in (r"\, ", " ")))
    rows = [[_number(float(v), digits) for v in row] for row in value]
    latex = r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in _shortened(rows, True)) + r" \end{bmatrix}"
    return Formula(latex, "[" + "; ".join(" ".join(row) for row in _shortened(rows, False)) + "]")


def _shortened(rows: list[list[str]], latex: bool) -> list[list[str]]:
    """A large matrix with dots in the middle."""
    across, down, both = (r"\cdots", r"\vdots", r"\ddots") if latex else ("…", "…", "…")
    numbers = max(len(sign) for row in rows for sign in row)
    if len(rows[0]) > 2 * LARGEST or (latex and len(rows[0]) * (0.5 * numbers + 1) > WIDEST):
        rows = [[*row[:2], across, row[-1]] for row in rows]
    if len(rows) > LARGEST:
        dots = [both if sign == across else down for sign in rows[0]]
        rows = [*rows[:2], dots, rows[-1]]
    return rows


def _number(value: float, digits: int) -> str:
    """So many significant digits, no trailing zeros: 0.47502081, -0.1, 0."""
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = np.format_float_positional(float(text), trim="-") if abs(value) > 1e-5 else text
    return "0" if float(text) == 0 else text


def _is_short(value: np.ndarray) -> bool:
    return value.ndim < 2 and value.size <= LARGEST


def _computed(
    node: Any, known: Mapping[Quantity, np.ndarray], sizes: Mapping[str, int], number: Callable[..., Quantity]
) -> Quantity | None:
    """The value of a node whose arguments are all numbers, as a placeholder."""
    from symlstm.codegen import formula

    if isinstance(node, (Quantity, x.Ones, x.Zeros, x.Eye, x.Scale, x.Transposed)) or not isinstance(node, x.Node):
        return None
    if not all(_is_leaf(a) for a in node.args if isinstance(a, MatrixExpr)):
        return None
    values = {q: known[q] for q in quantities(node)}
    return number(np.asarray(formula(node)(values, sizes)), node.shape)


def _is_leaf(expr: Any) -> bool:
    rest = split_number(expr)[1]
    rest = rest.args[0] if isinstance(rest, x.Transposed) else rest
    return isinstance(rest, (Quantity, x.Ones, x.Zeros, x.Eye))


def _map(expr: Any, change: Callable[[Any], Any]) -> Any:
    """Replace the innermost nodes that `change` answers for, one level at a time."""
    found = change(expr)
    if found is not None:
        return found
    if isinstance(expr, Quantity) or not expr.args:
        return expr
    args = tuple(_map(a, change) for a in expr.args)
    return expr if args == expr.args else rebuild(expr, args)
