"""Gradients of parameters: sums over the batch, where sums of outer products are one matrix product."""

from __future__ import annotations

from symlstm.codegen.arrays import MATRIX, ROW, SCALAR, ArrayWriter, core_axes, kind
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, matmul, scale, split_number


def batch_total(writer: ArrayWriter, expr: Matrix) -> str:
    """The sum of an expression over the leading axes, as text; what has no leading axes stays as it is."""
    if not writer.batched(expr):
        return writer.full(expr)
    if isinstance(expr, x.Add):
        return _terms(writer, expr)
    number, rest = split_number(expr)
    if number != 1 and _special(rest):
        inner = x.quantity("inner", rest.shape, x.t)
        writer.spelled[inner] = _bracketed(batch_total(writer, rest))
        text = writer.text(scale(number, inner))
        del writer.used[inner]
        return text
    if isinstance(expr, x.Transposed) and kind(expr) == MATRIX:
        return f"{_bracketed(batch_total(writer, expr.args[0]))}.T"
    if isinstance(expr, x.Concat):
        return f"np.concatenate(({', '.join(_part(writer, p) for p in expr.args)}))"
    if isinstance(expr, x.Whole) and expr.function == "sum" and expr.args[1].shape != (1, 1):
        return f"np.sum({writer.full(expr.args[1])})"
    outer = _outer(expr)
    if outer is not None:
        return _outer_sum(writer, *outer)
    axes = core_axes(expr)
    return f"{writer.helper('batch_sum')}({writer.full(expr)}{'' if axes == 1 else f', {axes}'})"


def _part(writer: ArrayWriter, part: Matrix) -> str:
    """A part of a concatenation, with at least one axis."""
    text = batch_total(writer, part)
    return {SCALAR: f"[{text}]", ROW: f"{_bracketed(text)}[None, :]"}.get(kind(part), text)


def _special(expr: Matrix) -> bool:
    return _outer(expr) is not None or (isinstance(expr, x.Whole) and expr.function == "sum")


def _terms(writer: ArrayWriter, expr: Matrix) -> str:
    """A sum: outer products are summed one by one, everything else at once."""
    parts: list[tuple[bool, str]] = []
    together: list[Matrix] = []
    for term in expr.args:
        number, rest = split_number(term)
        if _special(rest) or not writer.batched(term) or isinstance(rest, (x.Transposed, x.Concat)):
            minus = number.could_extract_minus_sign()
            parts.append((minus, batch_total(writer, scale(-1, term) if minus else term)))
        else:
            together.append(term)
    if together:
        whole = together[0] if len(together) == 1 else x.Add(*together)
        axes = core_axes(expr)
        summed = f"{writer.helper('batch_sum')}({writer.full(whole)}{'' if axes == 1 else f', {axes}'})"
        parts.insert(0, (False, summed))
    text = f"-{parts[0][1]}" if parts[0][0] else parts[0][1]
    return text + "".join(f" {'-' if minus else '+'} {part}" for minus, part in parts[1:])


def _outer(expr: Matrix) -> tuple[Matrix, Matrix] | None:
    """(a, b) where the expression is the outer product a b^T."""
    if not isinstance(expr, x.Matmul) or expr.shape[0] == 1 or expr.shape[1] == 1:
        return None
    for k in range(1, len(expr.args)):
        if expr.args[k].shape[0] == 1 and expr.args[k - 1].shape[1] == 1:
            left, right = expr.args[:k], expr.args[k:]
            return matmul(*left), matmul(*right)
    return None


def _outer_sum(writer: ArrayWriter, a: Matrix, b: Matrix) -> str:
    if writer.batched(a) and writer.batched(b):
        return f"{writer.helper('outer_sum')}({writer.full(a)}, {writer.full(b)})"
    left, right = (_bracketed(batch_total(writer, v)) for v in (a, b))
    return f"{left}[:, None] * {right}"


def _bracketed(text: str) -> str:
    """The text, in parentheses unless it is a name or a call."""
    name, opening, rest = text.partition("(")
    plain = name.replace("_", "").replace(".", "").isalnum()
    if plain and (not opening or (rest.endswith(")") and closes_last(rest))):
        return text
    return f"({text})"


def closes_last(rest: str) -> bool:
    """Whether the bracket that is open at the start of `rest` closes at its very end."""
    depth = 1
    for k, c in enumerate(rest):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return k == len(rest) - 1
    return False
