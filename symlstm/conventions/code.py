"""A conversion as code: the text of a function in plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from symlstm.checking.convention import Convention
from symlstm.conventions.layout import VECTORS, Array, Layout
from symlstm.conventions.table import layout_of
from symlstm.errors import ValueUnusable

LETTERS = {"x": "W", "h": "U", "b": "b", "c": "c", "p": "p", "n": "P"}
"""What a part of a gate is called in the code: W_f, U_f, b_f, c_f (second bias), p_f (peephole), P (projection)."""
Named = dict[tuple[str, str], str]


def conversion(
    source: str | Convention | Layout, target: str | Convention | Layout = "symlstm", cell: Any = "lstm"
) -> str:
    """The text of `convert(parameters)`, which needs NumPy alone: one layer, one direction, arrays by name.

    source, target: as for `convert`; target is by default the cell's own names. Raises ValueUnusable where the target
    cannot hold what the source has.
    """
    cell = source.sites.cell if isinstance(source, Convention) else cell
    a, b = (_of_the_first_layer(layout_of(which, cell)) for which in (source, target))
    lines = ["import numpy as np", "", "", "def convert(parameters):"]
    lines.append(f'    """Weights of {a.cell}: from {_said(a)} to {_said(b)}."""')
    lines.append("    w = {name: np.asarray(array) for name, array in parameters.items()}")
    lines += [f"    {line}" for line in _unpacked(a)]
    names = {key: _name(*key) for key in sorted(a.parts)}
    shape = next(names[gate, part] for gate, part in names if part == "x")
    lines.append(f"    n, m = {shape}.shape")
    lines += [f"    {line}" for line in _fitted(names, a, b)]
    lines.append("    return {")
    for array in b.arrays:
        made = _joined(array, names) + ("[None]" if b.directions else "")
        lines.append(f'        "{array.name}": {made},')
    return "\n".join([*lines, "    }", ""])


def _name(gate: str, part: str) -> str:
    return f"{LETTERS[part]}_{gate}" if gate and part != "n" else LETTERS[part]


def _of_the_first_layer(layout: Layout) -> Layout:
    """The layout with the names of layer 0, where names end with the layer."""
    if layout.layers != "suffix":
        return layout
    return replace(layout, arrays=tuple(replace(a, name=f"{a.name}_l0") for a in layout.arrays))


def _said(layout: Layout) -> str:
    return {"symlstm": "the cell's own names", "found": "the convention that was found"}.get(layout.name, layout.name)


def _unpacked(layout: Layout) -> Iterator[str]:
    """Lines that give every part of every gate a name."""
    for a in sorted(layout.arrays, key=lambda a: len(a.parts)):
        array = f'w["{a.name}"]' + "[0]" * layout.directions
        if a.is_vector and a.form == "rows":
            for j, part in enumerate(a.parts):
                yield _split([_name(gate, part) for gate in a.gates], f"{array}[{j}]")
        elif a.is_vector:
            yield _split([_name(gate, part) for part in a.parts for gate in a.gates], f"{array}.reshape(-1)")
        elif len(a.parts) == 1:
            yield _split([_name(gate, a.parts[0]) for gate in a.gates], array + ".T" * a.turned)
        else:
            yield from _columns(a, array + ".T" * a.turned, layout)


def _split(names: list[str], array: str) -> str:
    return f"{names[0]} = {array}" if len(names) == 1 else f"{', '.join(names)} = np.split({array}, {len(names)})"


def _columns(a: Array, array: str, layout: Layout) -> Iterator[str]:
    """Lines for a matrix with columns of several parts: before x they count from the left, after it from the right."""
    state = "len(P)" if any(b.units == "p" for b in layout.arrays) else f"len({array})"
    state += f" // {len(a.gates)}" if len(a.gates) > 1 else ""
    at = a.parts.index("x") if "x" in a.parts else len(a.parts) - 1
    width = {"h": state, "b": "1"}
    before = [" + ".join(width[p] for p in a.parts[: k + 1]) for k in range(at)]
    after = ["-" + " - ".join(width[p] for p in a.parts[k:]) for k in range(at + 1, len(a.parts))]
    for k, gate in enumerate(a.gates):
        names = ", ".join(_name(gate, part) for part in a.parts)
        block = array if len(a.gates) == 1 else f"np.split({array}, {len(a.gates)})[{k}]"
        yield f"{names} = np.split({block}, [{', '.join(before + after)}], axis=1)"
        yield from (f"b_{gate} = b_{gate}.reshape(-1)" for part in a.parts if part == "b")


def _fitted(names: Named, a: Layout, b: Layout) -> Iterator[str]:
    """Lines that make the parts fit the target, and names for its parts."""
    for gate, offset in a.added.items():
        if (gate, "b") in names:
            yield f"{_name(gate, 'b')} = {_name(gate, 'b')} + {offset:g}  # added in each call"
        else:
            names[gate, "b"] = f"np.full(n, {offset:g})"
    for gate, part in sorted(set(names) - b.parts):
        name = names.pop((gate, part))
        if part == "c" and gate not in a.apart:
            names[gate, "b"] = f"{names[gate, 'b']} + {name}" if (gate, "b") in names else name
        elif part in VECTORS:
            yield f"if np.any({name}):"
            yield f'    raise ValueError("{_said(b)}: there is no place for {name}")'
        else:
            raise ValueUnusable(f"the convention {b.name} has no gate {gate}", f"from {a.name} of {a.cell}")
    for gate, offset in b.added.items():
        names[gate, "b"] = f"{names.get((gate, 'b'), 'np.zeros(n)')} - {offset:g}"


def _joined(a: Array, names: Named) -> str:
    """An array of the target from the parts of the source."""
    zeros = {"x": "np.zeros((n, m))", "h": "np.zeros((n, n))", "n": "np.eye(n)"}

    def piece(gate: str, part: str) -> str:
        found = names.get((gate, part), zeros.get(part, "np.zeros(n)"))
        return f"np.reshape({found}, (n, 1))" if part in VECTORS and not a.is_vector else found

    if a.is_vector:
        rows = [_concatenated([piece(gate, part) for gate in a.gates]) for part in a.parts]
        made = f"np.stack([{', '.join(rows)}])" if a.form == "rows" else ""
        made = made or _concatenated([piece(gate, part) for part in a.parts for gate in a.gates])
        return f"np.reshape({made}, (n, 1))" if a.form == "column" else made
    made = _concatenated([_concatenated([piece(gate, part) for part in a.parts], 1) for gate in a.gates])
    return f"{made}.T" if a.turned else made


def _concatenated(parts: list[str], axis: int = 0) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"np.concatenate([{', '.join(parts)}]{', axis=1' if axis else ''})"
