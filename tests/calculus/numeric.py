"""Derivatives of a cell's equations by complex steps: (f(x + ih) - f(x)) / ih with h so small that nothing is lost."""

import numpy as np

from tests.trace.reading import numbers, value

TINY = 1e-100


def columns(arguments):
    return {name: np.reshape(a, np.shape(a) + (1,) * (2 - np.ndim(a))) for name, a in arguments.items()}


def step(cell, values, sizes, nudged=None):
    """All quantities of one step from the columns `values`; `nudged` (name, row, column) gets an imaginary part."""
    values = dict(values)

    def nudge(name):
        if nudged is not None and nudged[0] == name:
            changed = values[name].astype(complex)
            changed[nudged[1], nudged[2]] += 1j * TINY
            values[name] = changed

    for name in list(values):
        nudge(name)
    for equation in cell.equations:
        values[equation.name] = value(equation.expr, values, sizes)
        nudge(equation.name)
    return values


def derivative(cell, values, sizes, of, wrt):
    """d of[:, 0] / d wrt[j, k], as an array with the axes (i, j, k)."""
    shape = step(cell, values, sizes)[wrt].shape
    out = [
        [step(cell, values, sizes, (wrt, j, k))[of][:, 0].imag / TINY for k in range(shape[1])] for j in range(shape[0])
    ]
    return np.moveaxis(np.array(out), 2, 0)


def instance(cell, seed=0):
    arguments, sizes = numbers(cell, seed)
    return columns(arguments), sizes
