"""Random cells: the equations, the backward pass and every state Jacobian against torch's automatic differentiation."""

from __future__ import annotations

import itertools

import numpy as np
import sympy as sp
from hypothesis import given, reject

import symlstm as sl
from tests.random_cells.bounds import agree, noise
from tests.random_cells.programs import programs
from tests.random_cells.runs import Near, compiled, numpy_namespace, reference, torch_total
from tests.trace.reading import by_equations, value


@given(programs())
def test_the_derived_formulas_are_right(program):
    arguments, upstream, exact, rough = reference(program)
    cell = sl.cell(compiled(program, numpy_namespace()))
    sizes = {size: program.sizes[str(size)] for size in cell.dims}
    values = {name: column(v) for name, v in by_equations(cell, arguments, sizes).items()}
    found = {name: values[name] for name in [*program.states, *program.outputs]}
    for q, symbol in sl.backward(cell).upstream.items():
        values[symbol.name] = column(upstream[q.name])
    for adjoint in sl.backward(cell).adjoints:
        values[adjoint.quantity.name] = value(adjoint.expr, values, sizes)
        found[f"d_{adjoint.of.name}"] = values[adjoint.quantity.name]
    for s, r in itertools.product(program.states, repeat=2):
        result = sl.derive(cell, s, f"{r}_prev").result
        found[f"d_{s}/d_{r}_prev"] = value(result, values, sizes)
    assert set(found) >= set(exact)
    agree(found, exact, program, exact, noise(rough, exact))


@given(programs())
def test_sympys_lambdify_of_every_result_is_right(program):
    arguments, _, exact, rough = reference(program)
    cell = sl.cell(compiled(program, numpy_namespace()))
    sizes = {size: program.sizes[str(size)] for size in cell.dims}
    values = {name: column(v) for name, v in by_equations(cell, arguments, sizes).items()}
    found = {}
    for s, r in itertools.product(program.states, repeat=2):
        result = sl.derive(cell, s, f"{r}_prev").result
        quantities = sorted(result.atoms(sp.MatrixSymbol), key=str)
        function = sp.lambdify([*quantities, *sizes], result, "numpy")
        found[f"d_{s}/d_{r}_prev"] = function(*[values[q.name] for q in quantities], *sizes.values())
    agree(found, exact, program, exact, noise(rough, exact))


@given(programs())
def test_the_total_derivatives_count_every_path_of_two_steps(program):
    arguments, _, exact, rough = reference(program)
    states = [f"{s}_prev" for s in program.states]
    earlier = {name: arguments[name] for name in states}
    try:
        between, totals = torch_total(program, arguments, earlier)
    except Near:
        reject()
    cell = sl.cell(compiled(program, numpy_namespace()))
    sizes = {size: program.sizes[str(size)] for size in cell.dims}
    before = by_equations(cell, arguments, sizes)
    now = by_equations(cell, {**arguments, **between}, sizes)
    values = {f"{name}_prev": column(v) for name, v in before.items()} | {k: column(v) for k, v in now.items()}
    found = {}
    for s, r in itertools.product(program.states, states):
        result = sl.derive(cell, s, r, paths="total").result
        found[f"d_{s}/d_{r}"] = value(result, values, sizes)
    agree(found, totals, program, {**exact, **totals}, noise(rough, exact))


def column(v):
    v = np.asarray(v)
    return v.reshape(v.shape + (1,) * (2 - v.ndim))
