"""Equations as comments in code: as on paper, but parts of arrays as NumPy writes them, W_f[:, :n]."""

from __future__ import annotations

from typing import Any

from symlstm.codegen.spelling import spelled_size
from symlstm.expr.dims import equal_sizes
from symlstm.expr.nodes import Block, Concat, Quantity, quantity
from symlstm.expr.notation import DEFAULT
from symlstm.expr.text import text
from symlstm.expr.tree import outermost, replace


def in_comment(expr: Any) -> str:
    """Plain text of an expression; ranges count from 0 and leave their end out, unlike those on paper."""
    blocks = outermost(expr, Block)
    if not blocks:
        return text(expr)
    signs = {block: quantity(f"part {k}", block.shape) for k, block in enumerate(blocks)}
    shown = DEFAULT.with_(text_symbols={sign.base: _part(block) for block, sign in signs.items()})
    return text(replace(expr, signs), shown)


def _part(block: Any) -> str:
    whole, row, rows, col, cols = block.args
    ranges = [_range(row, rows, whole.shape[0])]
    if whole.shape[1] != 1:
        ranges.append(_range(col, cols, whole.shape[1]))
    inner = in_comment(whole)
    return f"{inner if isinstance(whole, (Quantity, Concat)) else f'({inner})'}[{', '.join(ranges)}]"


def _range(start: Any, count: Any, full: Any) -> str:
    end = start + count
    return f"{'' if start == 0 else _size(start)}:{'' if equal_sizes(end, full) else _size(end)}"


def _size(value: Any) -> str:
    return spelled_size(value, sorted(value.free_symbols, key=str)).replace("/", "//")
