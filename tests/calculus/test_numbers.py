"""Every derivative of every built-in cell, by every vector and matrix, against complex steps."""

import numpy as np
import pytest
import sympy as sp

import symlstm as sl
from symlstm import plugins
from symlstm.expr.nodes import Quantity
from symlstm.plugins import registered
from tests.calculus.numeric import TINY, derivative, instance, step
from tests.support.ulps import scaled_ulps
from tests.trace.reading import value

CELLS = list(registered(plugins.CELLS))
ROUNDINGS = 128
"""Ulps of the largest entry. Counted: some 64 operations lie on the longest way through two steps of a cell, inner
products of up to 9 terms counted as 9. Judged: twice that, for the cancellation that a count leaves out. Measured: 55.5
at worst, in d h / d U_r of the GRU, whose factor h_prev - n cancels and leaves 0.002 as the largest entry.
"""


def named(cell):
    return [e.name for e in cell.equations]


def vectors(cell):
    every = [*cell.inputs, *(s.previous for s in cell.states), *cell.parameters, *(e.quantity for e in cell.equations)]
    return [q.name for q in every if q.shape[1] == 1]


@pytest.mark.parametrize("name", CELLS)
def test_every_jacobian_by_every_vector(name):
    cell = sl.cell(name)
    values, sizes = instance(cell)
    known = step(cell, values, sizes)
    for of in named(cell):
        for wrt in vectors(cell):
            found = value(sl.derive(cell, of, wrt).result, known, sizes)
            exact = derivative(cell, values, sizes, of, wrt)[:, :, 0]
            assert scaled_ulps(found, exact) <= ROUNDINGS, (of, wrt)


def product_of_entries(term, known, sizes):
    arrays = [value(array, known, sizes) for array, _ in term.factors]
    arrays = [a if len(at) == 2 else a[:, 0] for a, (_, at) in zip(arrays, term.factors, strict=True)]
    return np.einsum(",".join(at for _, at in term.factors) + "->ijk", *arrays)


@pytest.mark.parametrize("name", CELLS)
def test_every_derivative_by_every_matrix_in_index_form_and_as_an_action(name):
    cell = sl.cell(name)
    values, sizes = instance(cell)
    known = step(cell, values, sizes)
    rng = np.random.default_rng(1)
    for of in named(cell):
        for wrt in [q.name for q in cell.parameters if q.shape[1] != 1]:
            derivation = sl.derive(cell, of, wrt)
            exact = derivative(cell, values, sizes, of, wrt)
            form = np.zeros_like(exact)
            for term in derivation.index:
                form += product_of_entries(term, known, sizes)
            assert scaled_ulps(form, exact) <= ROUNDINGS, (of, wrt)
            upstream = rng.uniform(-1, 1, known[of].shape)
            found = value(derivation.result, {**known, derivation.upstream.name: upstream}, sizes)
            assert scaled_ulps(found, np.einsum("i,ijk->jk", upstream[:, 0], exact)) <= ROUNDINGS, (of, wrt)


@pytest.mark.parametrize("name", CELLS)
def test_index_forms_are_sympy_numbers_with_free_indices(name):
    cell = sl.cell(name)
    for wrt in [q.name for q in cell.parameters if q.shape[1] != 1]:
        for term in sl.derive(cell, cell.states[0].current.name, wrt).index:
            assert {str(s) for s in term.expr.free_symbols} >= {"i", "k"}


def two_steps(cell, values, sizes, of, wrt):
    """The total derivative: `wrt`, as step t-1 made it, nudged before anything else of that step uses it."""
    now = {state.current.name: state.previous.name for state in cell.states}
    before = {f"{old}": values[f"{old}"] for old in values}
    made = next(s.current.name for s in cell.states if s.previous.name == wrt)
    rows = step(cell, values, sizes)[made].shape[0]
    columns = []
    for j in range(rows):
        first = step(cell, before, sizes, (made, j, 0))
        later = {**before, **{old: first[current] for current, old in now.items()}}
        columns.append(step(cell, later, sizes)[of][:, 0].imag / TINY)
    return np.array(columns).T


@pytest.mark.parametrize("name", CELLS)
def test_every_total_derivative_counts_every_path_of_two_steps(name):
    cell = sl.cell(name)
    values, sizes = instance(cell)
    first = step(cell, values, sizes)
    later = {**values, **{s.previous.name: first[s.current.name] for s in cell.states}}
    second = step(cell, later, sizes)
    known = {f"{e.name}_prev": first[e.name] for e in cell.equations} | second
    known |= {f"{q.name}_prev": values[q.name] for q in cell.inputs}
    for state in cell.states:
        known[f"{state.previous.name}_prev"] = values[state.previous.name]
    for of in named(cell):
        for state in cell.states:
            wrt = state.previous.name
            derivation = sl.derive(cell, of, wrt, paths="total")
            exact = two_steps(cell, values, sizes, of, wrt)
            assert scaled_ulps(value(derivation.result, known, sizes), exact) <= ROUNDINGS, (of, wrt)
            paths = [value(path.product, known, sizes) for path in derivation.paths]
            assert scaled_ulps(sum(paths, np.zeros_like(exact)), exact) <= ROUNDINGS, (of, wrt)


@pytest.mark.parametrize("name", CELLS)
def test_the_single_paths_add_up_to_the_result(name):
    cell = sl.cell(name)
    values, sizes = instance(cell)
    known = step(cell, values, sizes)
    for of in named(cell):
        for wrt in vectors(cell):
            derivation = sl.derive(cell, of, wrt)
            whole = value(derivation.result, known, sizes)
            paths = [value(path.product, known, sizes) for path in derivation.paths]
            assert scaled_ulps(sum(paths, np.zeros_like(whole)), whole) <= ROUNDINGS, (of, wrt)
            for path in derivation.paths:
                assert (path.quantities[0].name, path.quantities[-1].name) == (wrt, of)


@pytest.mark.parametrize("name", CELLS)
def test_the_backward_pass_is_the_transpose_of_the_jacobians(name):
    cell = sl.cell(name)
    values, sizes = instance(cell)
    known = step(cell, values, sizes)
    rng = np.random.default_rng(2)
    backward = sl.backward(cell)
    upstream = {q.name: rng.uniform(-1, 1, known[q.name].shape) for q in backward.upstream}
    known |= {symbol.name: upstream[q.name] for q, symbol in backward.upstream.items()}
    for adjoint in backward.adjoints:
        known[adjoint.quantity.name] = value(adjoint.expr, known, sizes)
    for name_, expr in backward.gradients.items():
        exact = sum(
            np.einsum("i,ijk->jk", g[:, 0], derivative(cell, values, sizes, of, name_)) for of, g in upstream.items()
        )
        assert scaled_ulps(value(expr, known, sizes), exact) <= ROUNDINGS, name_


@pytest.mark.parametrize("name", CELLS)
def test_lambdify_and_latex_work_on_every_result(name):
    cell = sl.cell(name)
    values, sizes = instance(cell)
    known = step(cell, values, sizes)
    results = [sl.derive(cell, of, wrt).result for of in named(cell) for wrt in vectors(cell)]
    results += list(sl.backward(cell).gradients.values())
    for result in results:
        latex = sp.latex(result)
        assert latex.count("{") == latex.count("}") and "Quantity" not in latex
        quantities = sorted(result.atoms(Quantity), key=lambda q: q.name)
        if any(q.role != "value" for q in quantities):
            continue
        numbered = result.xreplace({size: sp.Integer(number) for size, number in sizes.items()})
        arguments = [q.xreplace({size: sp.Integer(number) for size, number in sizes.items()}) for q in quantities]
        found = sp.lambdify(arguments, numbered, "numpy")(*[known[q.name] for q in quantities])
        assert scaled_ulps(found, value(result, known, sizes)) <= ROUNDINGS


@pytest.mark.parametrize("name", CELLS)
def test_dimensions_stay_symbolic(name):
    cell = sl.cell(name)
    sizes = set(cell.dims)
    for of in named(cell):
        for wrt in vectors(cell):
            derivation = sl.derive(cell, of, wrt)
            assert derivation.result.shape == (derivation.of.shape[0], derivation.wrt.shape[0])
            assert all(s.free_symbols <= sizes and not s.is_Integer for s in derivation.result.shape)
