"""A convention: which array holds which part of which gate, and back and forth between it and the cell's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symlstm.checking.layout import said, standard
from symlstm.checking.leaves import Path
from symlstm.checking.loop import LAST, Each, Loop, loop_of
from symlstm.checking.reference import Equations, computable
from symlstm.checking.sites import Site, Sites, columns
from symlstm.evidence.program import substituted
from symlstm.expr.build import add
from symlstm.expr.nodes import Quantity, quantity

Arrays = Mapping[Path, Any]
SECOND = "b2"
"""What the second bias of a gate is called: b2_f."""


@dataclass(frozen=True)
class View:
    """A part of an array: units along the first axis once it is turned; cols is None for a vector.

    block, blocks: which of how many gates along the axis of units, or, with an own axis, along a first one that
    counts gates alone. row: of a bias with two rows, which.
    """

    path: Path
    block: int
    blocks: int
    turned: bool = False
    cols: slice | None = None
    row: int = 0
    rows: int = 1
    own_axis: bool = False

    def take(self, array: Any) -> Any:
        """The part, a view of the array: (n, columns) or (n,)."""
        if self.cols is None:
            flat = array.reshape(self.rows, -1)[self.row]
            n = len(flat) // self.blocks
            return flat[self.block * n : (self.block + 1) * n]
        if self.own_axis:
            matrix = array[self.block]
            return (matrix.T if self.turned else matrix)[:, self.cols]
        matrix = array.reshape(-1, array.shape[-1]) if array.ndim == 3 else array
        matrix = matrix.T if self.turned else matrix
        n = len(matrix) // self.blocks
        return matrix[self.block * n : (self.block + 1) * n, self.cols]


@dataclass(frozen=True)
class Convention:
    """How an implementation lays out what the cell names.

    views: (gate, part) -> the parts of arrays that add up to it. roles: quantity -> path of its array. batch: the axis
    of the batch in x and states (None: no batch). outputs: state or output -> path in what is returned; of a whole
    sequence h is the state at every step, h_last the one after the last. axes: what the axes of x, of the initial
    states and of the results count, by name, where it is a whole sequence (see symlstm.checking.layout). confused:
    whether the axis that the example calls the batch is run along. others: parameter of no gate -> path of its array,
    and whether that is turned.
    """

    sites: Sites
    views: Mapping[tuple[str, str], tuple[View, ...]]
    roles: Mapping[str, Path]
    batch: int | None
    outputs: Mapping[str, Path] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    by_name: bool = False
    added: Mapping[str, float] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)
    confused: bool = False
    others: Mapping[str, tuple[Path, bool]] = field(default_factory=dict)

    @property
    def sequence(self) -> bool:
        """Whether it takes a whole sequence."""
        return bool(self.axes)

    def standard(self, name: str, array: Any) -> Any:
        """x, a state or a result as (batch, length), with steps first where it has an axis of steps."""
        return standard(array, self.axes[name]) if name in self.axes else self.rows_first(array)

    def rows_first(self, array: Any) -> Any:
        """A batched array as (batch, length)."""
        array = np.asarray(array)
        if self.batch is None or array.ndim == 1:
            return array.reshape(1, -1)
        return array if self.batch == 0 else array.T

    def parameter(self, q: Any, arrays: Arrays, sizes: Mapping[Any, int]) -> Any:
        """A parameter of the cell, in its shape on paper as a matrix; what the implementation lacks is zero."""
        shape = self.sites.cell.shapes[q.name]
        lengths = [int(length.subs(dict(sizes))) for length in shape]
        formulas = any(array.dtype == object for array in arrays.values())
        made = np.zeros(lengths if len(lengths) == 2 else [*lengths, 1], dtype=object if formulas else float)
        if q.name in self.others:
            path, turned = self.others[q.name]
            array = arrays[path].T if turned else arrays[path]
            return array.reshape(made.shape)
        for site in self.sites.sites:
            if site.parameter == q:
                made[:, columns(site, dict(sizes), self.sites)] = self.part(site, arrays, made.shape[0])
        return made

    def part(self, site: Site, arrays: Arrays, n: int) -> Any:
        views = self.views.get((site.gate, site.part), ())
        total: Any = 0.0
        for view in views[:1] if site.part == "b" else views:
            part = view.take(arrays[view.path])
            total = total + (part if view.cols is not None else part.reshape(n, 1))
        if site.part == "b":
            total = total + self.added.get(site.gate, 0.0)
        return total

    def values(self, arrays: Arrays, sizes: Mapping[Any, int]) -> dict[Any, Any]:
        """Every leaf of the cell by its quantity: parameters (1, rows, cols), inputs and states (batch, length, 1)."""
        cell = self.sites.cell
        here = [q for q in cell.parameters if q not in self.sites.others or q.name in self.others]
        found = {q: self.parameter(q, arrays, sizes)[None] for q in here}
        for gate, q in self.second.items():
            later = [view.take(arrays[view.path]) for view in self.views[gate, "b"][1:]]
            found[q] = np.sum(later, axis=0).reshape(1, -1, 1)
        for q in (*cell.inputs, *(s.previous for s in cell.states)):
            if q.name in self.roles:
                found[q] = self.standard(q.name, arrays[self.roles[q.name]])[..., None]
        if self.sequence:
            x = cell.inputs[0]
            found[x] = Each(found[x])
            zero = np.zeros((found[x][0].shape[0], sizes[self.sites.n], 1))
            found |= {s.previous: zero for s in cell.states if s.previous not in found}
        return found

    def loop(self, values: Mapping[Any, Any]) -> Loop:
        """The equations of the cell, step by step."""
        return loop_of(self.sites.cell, self.equations(values))

    @property
    def second(self) -> dict[str, Quantity]:
        """The second biases: gates that have two, which add up."""
        named = {s.gate: s.parameter for s in self.sites.sites if s.part == "b"}
        return {
            gate: quantity(f"{SECOND}_{gate}", named[gate].shape)
            for (gate, part), views in self.views.items()
            if part == "b" and len(views) > 1
        }

    def equations(self, values: Mapping[Any, Any]) -> Equations:
        """The equations of the cell, with second biases where there are any."""
        named = {s.gate: s.parameter for s in self.sites.sites if s.part == "b"}
        both = {named[gate]: add(named[gate], q) for gate, q in self.second.items()}
        found = computable(self.sites.cell, values)
        return tuple((q, substituted(expr, both)) for q, expr in found) if both else found

    def set_gate(self, arrays: dict[Path, Any], gate: str, bias: float) -> None:
        """Make a gate blind: its weights zero, its bias one number. Changes the arrays, which must be copies."""
        for (g, part), views in self.views.items():
            if g == gate:
                for k, view in enumerate(views):
                    view.take(arrays[view.path])[...] = bias if part == "b" and not k else 0.0

    def said(self) -> str:
        """The convention in one line."""
        paths = {view.path for views in self.views.values() for view in views}
        stacked = [v for views in self.views.values() for v in views if v.blocks == len(self.order) and v.cols]
        parts = []
        if len(self.order) == 1:
            pass
        elif stacked:
            axis = 1 if stacked[0].turned and not stacked[0].own_axis else 0
            where = f"along axis {axis}" + (" of their own" if stacked[0].own_axis else "")
            parts.append(f"gates {', '.join(self.order)} stacked {where}")
        else:
            parts.append(f"one array a gate ({'by name' if self.by_name else 'in the order ' + ', '.join(self.order)})")
        matrices = [v for views in self.views.values() for v in views if v.cols is not None]
        turned = {v.turned for v in matrices}
        parts.append("x @ W" if turned == {True} else "W @ x" if turned == {False} else "W @ x and x @ W mixed")
        parts.append(_joined(self.views))
        most = max((len(v) for (_, part), v in self.views.items() if part in "bc"), default=0)
        parts.append({0: "no bias", 1: "one bias", 2: "two biases"}.get(most, f"{most} biases"))
        if self.added:
            parts += [f"{offset:+g} on the {gate} gate" for gate, offset in self.added.items()]
        if self.sequence:
            parts.append(self._said_of_sequence())
        else:
            parts.append({None: "no batch", 0: "rows are the batch", 1: "columns are the batch"}[self.batch])
        returned = sorted(self.outputs, key=lambda name: [str(part) for part in self.outputs[name]])
        parts.append(f"returns {', '.join(returned)}" if paths else "")
        return "; ".join(p for p in parts if p)

    def _said_of_sequence(self) -> str:
        """x is (T, B, m), h0 is (B, n)"""
        x = self.sites.cell.inputs[0].name
        given = [s.previous for s in self.sites.cell.states if s.previous.name in self.roles]
        parts = [f"x is {said(self.axes[x], {'f': str(self.sites.m)})}"]
        parts += [f"initial {q.base} {said(self.axes[q.name], {'f': str(self.sites.n)})}" for q in given]
        parts += [] if given else ["starts from zero"]
        shown = [name for name in self.outputs if not name.endswith(LAST)]
        sizes = {q.name: str(q.shape[0]) for q in self.sites.cell.outputs}
        parts += [f"{name} {said(self.axes[name], {'f': sizes.get(name, str(self.sites.n))})}" for name in shown]
        return ", ".join(parts)


def _joined(views: Mapping[tuple[str, str], tuple[View, ...]]) -> str:
    for (gate, part), found in views.items():
        other = views.get((gate, "x"), ())
        if part == "h" and found and other:
            if found[0].path != other[0].path:
                return "separate W and U"
            return "[h, x]" if (found[0].cols or slice(0)).start < (other[0].cols or slice(0)).start else "[x, h]"
    return ""
