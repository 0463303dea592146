"""The table of conventions: how each library and course lays out each cell. Data; one row an array.

A row: name, gates in order, parts. "x @ W" marks a matrix that is applied from the right.
"""

from __future__ import annotations

from typing import Any

from symlstm.checking.convention import Convention
from symlstm.checking.sites import sites_of
from symlstm.conventions.layout import Array, Layout, layout_from, own_layout
from symlstm.errors import ValueUnusable, unknown
from symlstm.registry import cell as find_cell

Row = tuple[str, ...]


def _stacked(gates: str, x: str, h: str, *vectors: Row, turned: str = "") -> list[Row]:
    """Two matrices of all gates, and vectors: (name, parts[, "", form])."""
    return [(x, gates, "x", turned), (h, gates, "h", turned), *((name, gates, *more) for name, *more in vectors)]


def _each(gates: str, *rows: Row) -> list[Row]:
    """Rows for each gate; {} in a name is the gate, as the library writes it."""
    pairs = [pair.partition("=") for pair in gates.split()]
    return [(row[0].format(said or gate), gate, *row[1:]) for gate, _, said in pairs for row in rows]


RIGHT = "x @ W"
OWN = "symlstm"
"""The convention of the cell's own names."""
ROWS: dict[tuple[str, str], list[Row]] = {
    ("torch", "lstm"): _stacked("i f c o", "weight_ih", "weight_hh", ("bias_ih", "b"), ("bias_hh", "c")),
    ("torch", "lstm_projected"): [
        *_stacked("i f c o", "weight_ih", "weight_hh", ("bias_ih", "b"), ("bias_hh", "c")),
        ("weight_hr", "h", "n", "", "", "p"),
    ],
    ("torch", "gru"): _stacked("r z n", "weight_ih", "weight_hh", ("bias_ih", "b"), ("bias_hh", "c")),
    ("torch", "rnn"): _stacked("h", "weight_ih", "weight_hh", ("bias_ih", "b"), ("bias_hh", "c")),
    ("keras", "lstm"): _stacked("i f c o", "kernel", "recurrent_kernel", ("bias", "b"), turned=RIGHT),
    ("keras", "gru"): _stacked("z r n", "kernel", "recurrent_kernel", ("bias", "b c", "", "rows"), turned=RIGHT),
    ("keras", "gru_reset_before"): _stacked("z r h", "kernel", "recurrent_kernel", ("bias", "b"), turned=RIGHT),
    ("keras", "rnn"): _stacked("h", "kernel", "recurrent_kernel", ("bias", "b"), turned=RIGHT),
    ("flax", "lstm"): _each("i f c=g o", ("i{}.kernel", "x", RIGHT), ("h{}.kernel", "h", RIGHT), ("h{}.bias", "b")),
    ("flax", "gru"): [
        *_each("r z n", ("i{}.kernel", "x", RIGHT), ("h{}.kernel", "h", RIGHT), ("i{}.bias", "b")),
        ("hn.bias", "n", "c"),
    ],
    ("flax", "rnn"): _each("h", ("i.kernel", "x", RIGHT), ("i.bias", "b"), ("h.kernel", "h", RIGHT)),
    ("onnx", "lstm"): _stacked("i o f c", "W", "R", ("B", "b c")),
    ("onnx", "lstm_peephole"): [*_stacked("i o f c", "W", "R", ("B", "b c")), ("P", "i o f", "p")],
    ("onnx", "gru"): _stacked("z r n", "W", "R", ("B", "b c")),
    ("onnx", "gru_reset_before"): _stacked("z r h", "W", "R", ("B", "b c")),
    ("onnx", "rnn"): _stacked("h", "W", "R", ("B", "b c")),
    ("cs231n", "lstm"): _stacked("i f o c", "Wx", "Wh", ("b", "b"), turned=RIGHT),
    ("cs231n", "rnn"): _stacked("h", "Wx", "Wh", ("b", "b"), turned=RIGHT),
    ("coursera", "lstm"): _each("f i c o", ("W{}", "h x"), ("b{}", "b", "", "column")),
    ("coursera", "rnn"): _each("h", ("Wax", "x"), ("Waa", "h"), ("ba", "b", "", "column")),
    ("separate", "lstm"): _each("f i c o", ("W{}", "x"), ("U{}", "h"), ("b{}", "b")),
    ("separate_rows", "lstm"): _each("f i c o", ("W{}", "x", RIGHT), ("U{}", "h", RIGHT), ("b{}", "b")),
}
"""(convention, cell) -> its arrays: (name, gates, parts[, "x @ W"[, "rows" or "column"[, size along the units]]])."""
DIRECTIONS = ("onnx",)
"""Conventions in which every array has a leading axis for the directions."""
APART = {"gru": ("n",)}
"""Gates whose second bias is a parameter of the cell itself."""
SUFFIXES = ("torch",)
"""Conventions in which the end of a name says layer and direction: weight_ih_l1_reverse."""
PROJECTED = {
    "lstm_projected": [
        *_each("f i c o", ("W_{}", "h x"), ("b_{}", "b")),
        ("W_h", "h", "n", "", "", "p"),
    ]
}
"""Own names of cells whose states differ in size."""


def _array(row: Row) -> Array:
    name, gates, parts, turned, form, units = (*row, *("", "", "")[len(row) - 3 :])
    also = (f"{name[0]}_{name[1:]}",) if len(name) == 2 and name[0] in "WUb" and name[1].islower() else ()
    return Array(name, tuple(gates.split()), tuple(parts.split()), bool(turned), form, units or "n", also)


def _layout(name: str, cell: str, rows: list[Row]) -> Layout:
    suffix = "suffix" if name in SUFFIXES else "prefix"
    arrays = tuple(_array(row) for row in rows)
    return Layout(name, cell, arrays, name in DIRECTIONS, suffix, apart=APART.get(cell, ()))


TABLE: dict[tuple[str, str], Layout] = {key: _layout(*key, rows) for key, rows in ROWS.items()}
NAMES = (*dict.fromkeys(name for name, _ in TABLE), OWN)
CELLS = tuple(dict.fromkeys(cell for _, cell in TABLE))


def layouts(name: str) -> list[Layout]:
    """All layouts of a convention; NameUnknown for another name."""
    if name == OWN:
        return [layout_of(OWN, cell) for cell in CELLS]
    if name not in NAMES:
        raise unknown("convention", name, NAMES)
    return [layout for (known, _), layout in TABLE.items() if known == name]


def layout_of(convention: str | Convention | Layout, cell: Any) -> Layout:
    """The layout of a cell (or its name) in a convention: one of the table, the cell's own names, or one found."""
    if isinstance(convention, Convention):
        return layout_from(convention)
    if isinstance(convention, Layout):
        return convention
    called = cell if isinstance(cell, str) else cell.name
    if convention == OWN:
        if called in PROJECTED:
            return _layout(OWN, called, PROJECTED[called])
        return own_layout(sites_of(find_cell(cell)))
    if (convention, called) in TABLE:
        return TABLE[convention, called]
    known = [c for n, c in TABLE if n == convention]
    if not known:
        raise unknown("convention", convention, NAMES)
    raise ValueUnusable(
        f"{convention} has no {called}", f"it has {', '.join(known)}; {OWN} (the cell's own names) has every cell"
    )
