"""A backward function against the derived one: its arguments and results by name, each gradient, and the diagnosis."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from symlstm.calculus.derivation import backward as derived
from symlstm.checking.backward_edits import backward_edits
from symlstm.checking.calls import attempt, call_of
from symlstm.checking.compare import sizes_of
from symlstm.checking.convention import Convention
from symlstm.checking.edits import Edit
from symlstm.checking.leaves import Path, leaves, replaced
from symlstm.checking.probe import Probe, draw
from symlstm.checking.reference import FLOATS, GRADIENTS, Equations, difference, digits, downstream, evaluated
from symlstm.checking.report import Finding
from symlstm.checking.sites import columns
from symlstm.checking.words import role_of
from symlstm.errors import ValueUnusable
from symlstm.evidence.running import U, exact
from symlstm.expr.nodes import Quantity

POINTS = 3
GLANCE = 2.0**-36
MOST_EDITS, BEAM = 2, 6


@dataclass(frozen=True)
class Block:
    """A part of a returned gradient: what it is the gradient of, the columns of it, and its numbers.

    summed: whether the batch is summed over; then the numbers are (1, rows, cols), else (batch, rows, 1).
    """

    name: str
    adjoint: Quantity
    cols: slice | None
    summed: bool
    numbers: Any

    def of(self, value: Any) -> Any:
        """The same part of the adjoint, (batch, rows, cols)."""
        return value if self.cols is None else value[..., self.cols]


@dataclass(frozen=True)
class Point:
    values: dict[Any, Any]
    blocks: list[Block]


def upstream_of(name: str) -> str | None:
    """Which state an argument brings the gradient of: da_next, dnext_h, grad_c."""
    tokens = [
        t for t in re.split(r"[^a-z0-9]+", name.lower()) if t not in ("next", "grad", "d", "out", "up", "t", "new")
    ]
    bare = [re.sub(r"^d(?=.)", "", t) for t in tokens]
    bare = [re.sub(r"(next|t)$", "", t) or t for t in bare if t != "next"]
    return next((role for t in bare if (role := role_of(t)) in ("h", "c")), None)


def returned_names(function: Any) -> list[str]:
    """The names in the last return statement of a function."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (TypeError, OSError, SyntaxError):
        return []
    found = [n.value for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value is not None]
    parts = found[-1].elts if found and isinstance(found[-1], ast.Tuple) else found[-1:]
    return [p.id if isinstance(p, ast.Name) else "" for p in parts]


def check_backward(
    function: Callable[..., Any], convention: Convention, probe: Probe
) -> tuple[list[Finding], dict[str, Any]]:
    """What is wrong with a backward function, and its ulps by gradient."""
    points = [_point(function, convention, probe, k) for k in range(POINTS)]
    equations, _ = _equations(convention)
    sizes = sizes_of(convention, probe)
    ulps: dict[str, Any] = {}
    wrong: dict[str, float] = {}
    for point in points:
        for block, off, bound, size in _measured(point, equations, sizes):
            one = np.spacing(size) if size else 2 * U
            row = ulps.setdefault(block.name, {"scaled": 0.0, "elementwise": 0.0, "bound": 0.0})
            row["scaled"] = max(row["scaled"], float(np.abs(off).max() / one))
            row["bound"] = max(row["bound"], float(bound.max() / one))
            row["elementwise"] = max(row["elementwise"], float((np.abs(off) / np.spacing(np.abs(block.numbers))).max()))
            if not (np.abs(off) <= bound).all():
                wrong[block.name] = max(wrong.get(block.name, 0.0), float(np.abs(off).max() / max(size, U)))
    if not wrong:
        return [], ulps
    return _diagnosed(points, equations, convention, sizes, wrong), ulps


def _equations(convention: Convention) -> tuple[Equations, dict[Quantity, Quantity]]:
    """Forward and backward equations in one list; and the upstream symbol of each state."""
    found = derived(convention.sites.cell)
    values = [(e.quantity, e.expr) for e in convention.sites.cell.equations]
    return tuple(values + [(a.quantity, a.expr) for a in found.adjoints]), dict(found.upstream)


def _point(function: Callable[..., Any], convention: Convention, probe: Probe, k: int) -> Point:
    rng = np.random.default_rng(100 + k)
    cell, example = convention.sites.cell, probe.example
    arrays = {path: draw(rng, example.shape(path)) for path in example.templates}
    forward = attempt(example.call, {p: a.copy() for p, a in arrays.items()})
    states = {s.current.name: s for s in cell.states}
    above = {name: draw(rng, example.shape(convention.roles[s.previous.name])) for name, s in states.items()}
    call = call_of(function, (), _arguments(function, forward, above, arrays, example.call.arguments))
    returned = attempt(call, {})
    values = convention.values(arrays, sizes_of(convention, probe))
    for q, symbol in derived(cell).upstream.items():
        values[symbol] = convention.rows_first(above[q.name])[..., None]
    found = _by_name(function, returned)
    blocks = list(_blocks(convention, arrays, found))
    if not blocks:
        raise ValueUnusable(
            f"none of the results of {call.name} has the name of a gradient ({', '.join(found)})",
            "return a dict by name (dWf, db_f, dx), or name the variables in its return statement so",
        )
    return Point(values, blocks)


def _arguments(
    function: Callable[..., Any], forward: Any, above: Mapping[str, Any], arrays: Any, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a backward function: upstream gradients, the cache, and those of the forward function."""
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        state = upstream_of(name) if re.match(r"(d|grad|up|delta)", name.lower()) else None
        if state is not None and state in above:
            found[name] = above[state].copy()
        elif "cache" in name.lower() or name in ("saved", "ctx", "memo", "context"):
            found[name] = forward[-1] if isinstance(forward, (tuple, list)) else forward
        elif name in given:
            found[name] = replaced(given[name], {p: a.copy() for p, a in arrays.items()}, (name,))
        elif parameter.default is inspect.Parameter.empty:
            raise ValueUnusable(
                f"what {name} of {getattr(function, '__name__', function)} is could not be found out",
                "a backward function takes gradients (dh_next, dc_next), the cache, or arguments of the forward one",
            )
    return found


def _by_name(function: Any, returned: Any) -> dict[str, Any]:
    names = returned_names(function)
    if isinstance(returned, tuple) and not hasattr(returned, "_fields") and len(names) == len(returned):
        returned = {name or str(k): part for k, (name, part) in enumerate(zip(names, returned, strict=True))}
    return {".".join(map(str, leaf.path)): leaf.array for leaf in leaves(returned)}


def _plain(name: str) -> str:
    """The name of what a gradient is of: dWf -> Wf, grads.dnext_h -> h."""
    last = name.split(".")[-1]
    return re.sub(r"^(grad(ient)?_?|d_?|delta_?)", "", last) or last


def _blocks(convention: Convention, arrays: Mapping[Path, Any], found: Mapping[str, Any]) -> Iterator[Block]:
    """Every part of every returned gradient of which the cell has one."""
    cell, sites = convention.sites.cell, convention.sites
    adjoints = {a.of.name: a.quantity for a in derived(cell).adjoints if a.quantity.role == "adjoint"}
    roles = {path: q for q, path in convention.roles.items()}
    for name, gradient in found.items():
        plain = _plain(name)
        path = next((p for p in arrays if p and p[-1] == plain), None)
        path = path or next((p for p in arrays if str(p[-1]).lower() == plain.lower()), None)
        if path is None and (role := role_of(plain)):
            path = convention.roles.get(role if role == "x" else f"{role}_prev")
        if path is None:
            continue
        if gradient.shape != arrays[path].shape:
            gradient = gradient.reshape(arrays[path].shape) if gradient.size == arrays[path].size else gradient
        if gradient.shape != arrays[path].shape:
            continue
        if path in roles:
            yield Block(name, adjoints[roles[path]], None, False, convention.rows_first(gradient)[..., None])
            continue
        for (gate, part), views in convention.views.items():
            site = sites.of(gate, part)
            for view in views:
                if view.path == path and site is not None:
                    numbers = view.take(np.ascontiguousarray(gradient))
                    numbers = numbers.reshape(len(numbers), -1)[None]
                    lengths = {sites.n: numbers.shape[1], sites.m: _length(convention, arrays)}
                    yield Block(name, adjoints[site.parameter.name], columns(site, lengths, sites), True, numbers)


def _length(convention: Convention, arrays: Mapping[Path, Any]) -> int:
    return int(convention.rows_first(arrays[convention.roles[convention.sites.cell.inputs[0].name]]).shape[1])


def _summed(block: Block, value: Any, batch: int) -> Any:
    part = block.of(value)
    if not block.summed:
        return part
    return np.broadcast_to(part, (batch, *part.shape[-2:])).sum(axis=0, keepdims=True)


def _measured(point: Point, equations: Equations, sizes: Mapping[Any, int]) -> Iterator[tuple[Block, Any, Any, float]]:
    """(block, difference from 50 digits, bound, largest size) of each block."""
    wanted = list(dict.fromkeys(b.adjoint for b in point.blocks))
    batch = max(len(v) for v in point.values.values())
    true = digits(equations, point.values, sizes, wanted)
    running = evaluated(equations, {q: exact(v) for q, v in point.values.items()}, sizes, GRADIENTS)
    for block in point.blocks:
        with mpmath.workdps(60):
            right = _summed(block, true[block.adjoint], batch)
        bound = _summed(block, running[block.adjoint].real, batch)
        if block.summed:
            bound = bound + (batch + 1) * U * _summed(block, np.abs(running[block.adjoint].value.real), batch)
        off = difference(np.asarray(block.numbers, dtype=float), right)
        yield block, off, bound, float(np.abs(np.asarray(right, dtype=float)).max())


def _diagnosed(
    points: list[Point], equations: Equations, convention: Convention, sizes: Mapping[Any, int], wrong: dict[str, float]
) -> list[Finding]:
    """The fewest edits of the backward equations that explain every gradient; else the gradients that are wrong."""
    names = ", ".join(wrong)
    worst = f"the largest relative difference is {max(wrong.values()):.2g}"
    forward = {e.quantity for e in convention.sites.cell.equations}
    known = [evaluated(equations, p.values, sizes, FLOATS) for p in points]
    total = sum(len(p.blocks) for p in points)
    first = len(points[0].blocks)
    if _explained(points, known, equations, Edit("", "", ()), sizes) == total:
        message = f"the gradients {names} are off by more than rounding, by less than any mistake that was tried makes"
        return [Finding("backward_imprecise", "", names, message, worst)]
    beam: list[tuple[int, tuple[Edit, ...], Equations]] = [(0, (), equations)]
    best = beam[0]
    tried = 0
    for _ in range(MOST_EDITS):
        found = []
        for _, before, current in beam:
            base = known if not before else [evaluated(current, p.values, sizes, FLOATS) for p in points[:1]]
            for edit in backward_edits(convention, current, forward):
                now = edit.applied(current)
                tried += 1
                if now:
                    found.append((_explained(points[:1], base[:1], now, edit, sizes), (*before, edit), now))
        found.sort(key=lambda entry: -entry[0])
        if not found or found[0][0] <= best[0]:
            break
        best, beam = found[0], found[:BEAM]
        if best[0] == first and _all(points, best[2], sizes, total):
            alike = [e[1][-1].message for e in found[1:4] if e[0] == first and e[1][:-1] == best[1][:-1]]
            also = f"; the same function: {'; '.join(alike)}" if alike else ""
            evidence = (
                f"with {'it' if len(best[1]) == 1 else 'these together'}, all {total} gradients agree{also}; {worst}"
            )
            return [Finding(f"backward_{e.name}", e.equation, names, e.message, evidence) for e in best[1]]
    evidence = f"{worst}; {tried} edits were tried, the nearest explains {best[0]} of {first} gradients at one point"
    return [Finding("backward_wrong", "", names, f"the gradients {names} are wrong", evidence)]


def _all(points: list[Point], equations: Equations, sizes: Mapping[Any, int], total: int) -> bool:
    """Whether equations explain every gradient at every point."""
    known = [evaluated(equations, p.values, sizes, FLOATS) for p in points]
    return _explained(points, known, equations, Edit("", "", ()), sizes) == total


def _explained(points: list[Point], known: Any, now: Equations, edit: Edit, sizes: Mapping[Any, int]) -> int:
    moved = downstream(now, {q for q, _ in edit.changes})
    count = 0
    for point, before in zip(points, known, strict=True):
        still = {q: v for q, v in before.items() if q not in moved}
        values = evaluated(tuple(e for e in now if e[0] in moved), still, sizes, FLOATS)
        batch = max(len(v) for v in point.values.values())
        for block in point.blocks:
            right = _summed(block, values[block.adjoint], batch)
            count += bool((np.abs(right - block.numbers) <= GLANCE * (1 + np.abs(right).max())).all())
    return count
