"""Symbolic reading: the implementation is run on formulas, and compared with the cell equation by equation.

What it returns, and the variables that it had when it returned, are formulas of its arguments. Every equation of the
cell is put to the implementation's own values: where a variable (or a result) is that formula, for all inputs, it
agrees; where the variable that goes by that name is another formula, that equation differs, and only that one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symlstm.checking.compare import sizes_of
from symlstm.checking.convention import Convention
from symlstm.checking.exponentials import Number, Unreadable, variable
from symlstm.checking.leaves import Path, leaves
from symlstm.checking.objects import FORMULAS, holding_formulas, numbers
from symlstm.checking.probe import Probe, draw
from symlstm.checking.reference import Equations
from symlstm.checking.sites import Sites
from symlstm.checking.source import says
from symlstm.checking.steplists import gathered
from symlstm.errors import SymlstmError
from symlstm.evidence.interpret import evaluate, shaped
from symlstm.evidence.program import Uncheckable
from symlstm.expr.nodes import Quantity
from symlstm.trace.frames import code_of, watched

Batch = list[Any]
"""One array (rows, columns) an example of the batch."""


@dataclass(frozen=True)
class Run:
    """The implementation run on formulas: the arrays that went in, what came back, and its variables."""

    arrays: Mapping[Path, Any]
    results: Mapping[Path, Any]
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """An equation that the implementation computes otherwise. values: candidates, (its name for it, its formulas)."""

    quantity: Quantity
    expr: Any
    values: tuple[tuple[str, Batch], ...]


@dataclass(frozen=True)
class Reading:
    """convention: in which it was read. known: the value of every quantity as the implementation has it. differences:
    in the order of the equations. results: those compared. names: what the implementation calls each quantity.
    """

    convention: Convention
    equations: Equations
    known: Mapping[Any, Batch]
    differences: tuple[Difference, ...]
    results: Mapping[str, Batch]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        return not self.differences and bool(self.results)


def run_on_formulas(probe: Probe) -> Run | str:
    """The implementation run on formulas; where that does not go, why."""
    if probe.example.call.foreign:
        return "its arrays are not NumPy's"
    rng, chance = np.random.default_rng(5), random.Random(5)
    arrays, masks = {}, probe.example.masks
    for path in probe.example.templates:
        values = draw(rng, probe.example.shape(path))
        if path in masks:
            continue
        arrays[path] = shaped([variable(chance, v) for v in values.reshape(-1)], values.shape)
    call = probe.example.call
    try:
        given = {path: array.copy() for path, array in arrays.items()}
        given |= {path: np.ones(probe.example.shape(path)) for path in masks}
        with holding_formulas():
            returned, variables = watched(code_of(call.function), lambda: call(given))
        results = {path: numbers(array) for path, array in gathered(leaves(returned), probe.patterns).items()}
        given_entries = {id(v) for array in arrays.values() for v in array.reshape(-1)}
        inside = {
            leaf.name: numbers(leaf.array)
            for leaf in (leaves(variables) if probe.example.x is None else ())
            if not all(id(v) in given_entries for v in np.asarray(leaf.array, dtype=object).reshape(-1))
        }
    except Exception as error:  # somebody's code: anything may happen
        return str(error.message if isinstance(error, SymlstmError) else f"{type(error).__name__}: {error}")
    if not results:
        return "what it returns are plain numbers, whatever goes in"
    return Run(arrays, results, inside)


def read(run: Run, convention: Convention, probe: Probe) -> Reading | str:
    """The implementation against the cell in a convention, equation by equation; or why not."""
    sizes = sizes_of(convention, probe)
    try:
        values = convention.values(run.arrays, sizes)
        batch = max(len(v) for v in values.values())
        known: dict[Any, Batch] = {
            q: [numbers(v[k if len(v) > 1 else 0]) for k in range(batch)] for q, v in values.items()
        }
        equations = convention.equations(values)
        results = {
            name: _examples(convention, run.results[path], batch)
            for name, path in convention.outputs.items()
            if path in run.results
        }
        inside = dict(_variables(convention, run.variables, batch))
        differences: list[Difference] = []
        names: dict[str, str] = {}
        for k, (q, expr) in enumerate(equations):
            here = value_of(expr, known, sizes)
            same = [name for name, found in inside.items() if equal(here, found)]
            named = [(name, found) for name, found in inside.items() if says(name, q.name, convention.sites)]
            named = [(name, found) for name, found in named if found[0].shape == here[0].shape]
            own = [name for name in same if not _says_another(name, q, equations, convention.sites)]
            if same:
                names[q.name] = (own or same)[0]
            if q.name in results and not equal(here, results[q.name]):
                candidates: tuple[tuple[str, Batch], ...] = (("", results[q.name]),)
            elif own or q.name in results or (same and not named):
                candidates = ()
            else:
                candidates = tuple(named)
            if len(candidates) > 1:  # what goes by that name and leads to what is returned comes first
                rest = equations[k + 1 :]
                leading = [lead_to(results, rest, {**known, q: found}, sizes) for _, found in candidates]
                candidates = tuple(c for _, c in sorted(zip(leading, candidates, strict=True), key=lambda e: not e[0]))
            if candidates:
                differences.append(Difference(q, expr, candidates))
            known[q] = candidates[0][1] if candidates else here
    except (SymlstmError, Uncheckable, TypeError, ValueError, AttributeError) as error:
        return str(error)
    return Reading(convention, equations, known, tuple(differences), results, names)


def lead_to(
    results: Mapping[str, Batch], equations: Equations, known: Mapping[Any, Batch], sizes: Mapping[Any, int]
) -> bool:
    """Whether the equations give all results from these values on."""
    values = dict(known)
    try:
        for q, expr in equations:
            values[q] = value_of(expr, values, sizes)
            if q.name in results and not equal(values[q], results[q.name]):
                return False
    except (Unreadable, Uncheckable):
        return False
    return True


def value_of(expr: Any, known: Mapping[Any, Batch], sizes: Mapping[Any, int]) -> Batch:
    """An expression in formulas, one array an example."""
    count = max(len(v) for v in known.values())
    key = tuple(sizes.items())
    return [evaluate(expr, {q: v[k] for q, v in known.items()}, key, FORMULAS) for k in range(count)]


def equal(a: Batch, b: Batch) -> bool:
    """Whether these are the same formulas."""
    return len(a) == len(b) and all(
        x.shape == y.shape and all(v.same(w) for v, w in zip(x.reshape(-1), y.reshape(-1), strict=True))
        for x, y in zip(a, b, strict=True)
    )


def _examples(convention: Convention, array: Any, batch: int) -> Batch:
    rows = convention.rows_first(array)
    return [numbers(row.reshape(-1, 1)) for row in rows]


def _variables(convention: Convention, variables: Mapping[str, Any], batch: int) -> Iterator[tuple[str, Batch]]:
    """Variables that have a value for each example."""
    for name, array in variables.items():
        if array.ndim in (1, 2, 3) and all(isinstance(v, Number) for v in array.reshape(-1)):
            found = _examples(convention, array.reshape(array.shape[-2:]) if array.ndim == 3 else array, batch)
            if len(found) == batch:
                yield name, found


def _says_another(name: str, q: Quantity, equations: Equations, sites: Sites) -> bool:
    return not says(name, q.name, sites) and any(says(name, other.name, sites) for other, _ in equations)
