"""NumPy code for `sympy.lambdify`, where a vector is a column (n, 1), as on paper.

For batches and speed use `symlstm.compile`; this is what makes SymPy's own tools work on every result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symlstm.expr import nodes as x
from symlstm.expr import time
from symlstm.expr.functions import ELEMENTWISE, WHOLE
from symlstm.expr.missing import no_row

Code = Callable[[Any], str]


def column_code(expr: Any, printer: Any) -> str:
    """Hook of the nodes: a NumPy expression, names resolved through the printer's module table."""
    code: Code = lambda e: printer._print(e)  # noqa: E731
    write = _CODE.get(type(expr))
    if write is None:
        raise no_row(expr, "symlstm.expr.columns._CODE")
    return write(expr, code, lambda name: _name(printer, name))


def _name(printer: Any, name: str) -> str:
    if name.startswith("np."):
        return printer._module_format("numpy." + name[3:])
    return printer._module_format("symlstm.expr.numeric." + name)


def _template(template: str, arguments: list[str], name: Callable[[str], str]) -> str:
    head, bracket, tail = template.partition("(")
    if bracket and "{" not in head:
        template = name(head) + "(" + tail
    return "(" + template.format(*[f"({a})" for a in arguments]) + ")"


def _joined(sign: str) -> Callable[[Any, Code, Any], str]:
    return lambda e, code, name: "(" + sign.join(code(a) for a in e.args) + ")"


def _filled(function: str) -> Callable[[Any, Code, Any], str]:
    return lambda e, code, name: f"{name(function)}(({code(e.shape[0])}, {code(e.shape[1])}))"


def _add(e: Any, code: Code, name: Any) -> str:
    return "(" + " + ".join(_bare_one(term, code) for term in e.args) + ")"


def _bare_one(term: Any, code: Code) -> str:
    number, rest = (term.args[0], term.args[1]) if isinstance(term, x.Scale) else (1, term)
    if isinstance(rest, x.Ones):
        return f"({code(number)})" if number != 1 else "1"
    return code(term)


def _apply(e: Any, code: Code, name: Any) -> str:
    return _template(ELEMENTWISE[e.function].numpy, [code(a) for a in e.args[1:]], name)


def _whole(e: Any, code: Code, name: Any) -> str:
    flat = f"{code(e.args[1])}[:, 0]"
    value = _template(WHOLE[e.function].numpy, [flat], name)
    return f"{value}[:, None]" if WHOLE[e.function].keeps_shape else f"{name('np.reshape')}({value}, (1, 1))"


def _spread(e: Any, code: Code, name: Any) -> str:
    shape = f"({code(e.shape[0])}, {code(e.shape[1])})"
    return f"{name('np.broadcast_to')}({code(e.args[0])}, {shape})"


def _block(e: Any, code: Code, name: Any) -> str:
    _, row, rows, col, cols = e.args
    return f"{code(e.args[0])}[{code(row)}:{code(row + rows)}, {code(col)}:{code(col + cols)}]"


_CODE: dict[type, Callable[[Any, Code, Any], str]] = {
    x.Ones: _filled("np.ones"),
    x.Zeros: _filled("np.zeros"),
    x.Eye: lambda e, code, name: f"{name('np.eye')}({code(e.args[0])})",
    x.Add: _add,
    x.Scale: lambda e, code, name: f"(({code(e.args[0])}) * {code(e.args[1])})",
    x.Hadamard: _joined(" * "),
    x.Apply: _apply,
    x.Whole: _whole,
    x.Spread: _spread,
    x.Matmul: _joined(" @ "),
    x.Transposed: lambda e, code, name: f"{code(e.args[0])}.T",
    x.Diag: lambda e, code, name: f"{name('np.diag')}({code(e.args[0])}[:, 0])",
    x.Det: lambda e, code, name: f"{name('np.reshape')}({name('np.linalg.det')}({code(e.args[0])}), (1, 1))",
    x.Concat: lambda e, code, name: f"{name('np.concatenate')}(({', '.join(code(a) for a in e.args)},))",
    x.Block: _block,
    **dict.fromkeys(time.MAKE, lambda e, code, name: code(time.written_out(e))),
}
