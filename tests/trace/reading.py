"""Equations as plain text in the user's own names, and their values on numbers; shares nothing with symlstm's own."""

import numpy as np
import sympy as sp

from symlstm.expr import nodes as x

SUM, PRODUCT, POWER, ATOM = range(4)


def written(expr):
    """The expression as NumPy-like text: "sigmoid(W_f @ hx + b_f)", "[h_prev; x]", "z[n:2*n]"."""
    return _written(expr)[0]


def _in(expr, least):
    text, binding = _written(expr)
    return text if binding >= least else f"({text})"


def _written(e):
    if isinstance(e, x.Quantity):
        return e.name, ATOM
    if isinstance(e, (x.Ones, x.Zeros)):
        return str(int(isinstance(e, x.Ones))), ATOM
    if isinstance(e, x.Eye):
        return "I", ATOM
    if isinstance(e, x.Add):
        return _sum(e.args), SUM
    if isinstance(e, x.Scale):
        number = _number(e.args[0])
        return (number, ATOM) if isinstance(e.args[1], x.Ones) else (f"{number} * {_in(e.args[1], POWER)}", PRODUCT)
    if isinstance(e, x.Hadamard):
        return " * ".join(_in(f, POWER) for f in e.args), PRODUCT
    if isinstance(e, x.Matmul):
        return " @ ".join(_in(f, POWER) for f in e.args), PRODUCT
    if isinstance(e, x.Apply):
        if e.function == "power":
            return f"{_in(e.args[1], ATOM)}**{_number(e.args[2])}", POWER
        if e.function == "divide":
            return f"{_in(e.args[1], PRODUCT)} / {_in(e.args[2], ATOM)}", PRODUCT
        return f"{e.function}({', '.join(written(a) for a in e.arrays)})", ATOM
    if isinstance(e, x.Whole):
        return f"{e.function}({written(e.args[1])})", ATOM
    if isinstance(e, x.Spread):
        return _written(e.args[0])
    if isinstance(e, x.Transposed):
        return f"{_in(e.args[0], ATOM)}.T", ATOM
    if isinstance(e, x.Diag):
        return f"diag({written(e.args[0])})", ATOM
    if isinstance(e, x.Concat):
        return "[" + "; ".join(written(p) for p in e.args) + "]", ATOM
    if isinstance(e, x.Block):
        inner, row, rows, col, cols = e.args
        along = f"{_size(row)}:{_size(row + rows)}"
        across = "" if inner.shape[1] == 1 else f", {_size(col)}:{_size(col + cols)}"
        return f"{_in(inner, ATOM)}[{along}{across}]", ATOM
    raise NotImplementedError(type(e))


def _sum(terms):
    text = ""
    for term in terms:
        number, rest = (term.args[0], term.args[1]) if isinstance(term, x.Scale) else (sp.S.One, term)
        if number.could_extract_minus_sign() and text:
            text += " - " + _in(rest if number == -1 else x.Scale(-number, rest), PRODUCT)
        else:
            text += (" + " if text else "") + _in(term, PRODUCT)
    return text


def _number(value):
    if value.is_Rational and not value.is_Integer:
        return repr(float(value))
    return str(value)


def _size(value):
    return str(sp.expand(value)).replace(" ", "")


_FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: z * (z > 0),
    "step": lambda z: (z > 0) * 1.0,
    "abs": np.abs,
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "log_sigmoid": lambda z: -np.log(1 + np.exp(-z)),
    "divide": np.divide,
    "power": np.power,
    "softmax": lambda v: np.exp(v) / np.exp(v).sum(),
    "variance": np.var,
    "norm": np.linalg.norm,
    "logsumexp": lambda v: np.log(np.exp(v).sum()),
}


def value(expr, values, sizes):
    """The expression on numbers: `values` by quantity name, as columns; `sizes` by symbol name."""

    def number(v):
        return float(v.subs(sizes))

    def size(v):
        return int(v.subs(sizes))

    def on(e):
        if isinstance(e, x.Quantity):
            return values[e.name]
        if isinstance(e, (x.Ones, x.Zeros)):
            return np.full([size(s) for s in e.shape], float(isinstance(e, x.Ones)))
        if isinstance(e, x.Eye):
            return np.eye(size(e.shape[0]))
        if isinstance(e, x.Scale):
            return number(e.args[0]) * on(e.args[1])
        if isinstance(e, x.Spread):
            return np.tile(on(e.args[0]), [size(s) for s in e.shape])
        if isinstance(e, x.Diag):
            return np.diagflat(on(e.args[0]))
        if isinstance(e, x.Block):
            row, rows, col, cols = (size(s) for s in e.args[1:])
            return on(e.args[0])[row : row + rows, col : col + cols]
        if isinstance(e, (x.Apply, x.Whole)):
            function = _FUNCTIONS.get(e.function) or getattr(np, e.function)
            arguments = [on(a) if isinstance(a, sp.MatrixExpr) else number(a) for a in e.args[1:]]
            return np.reshape(function(*arguments), [size(s) for s in e.shape])
        parts = [on(a) for a in e.args]
        out = parts[0].T if isinstance(e, x.Transposed) else parts[0]
        for part in parts[1:]:
            if isinstance(e, x.Concat):
                out = np.vstack([out, part])
            elif isinstance(e, x.Add):
                out = out + part
            elif isinstance(e, x.Hadamard):
                out = out * part
            else:
                assert isinstance(e, x.Matmul)
                out = out @ part
        return out

    return on(expr)


def numbers(cell, seed=0):
    """Random values for the arguments of a cell, by name and as NumPy has them, and the sizes they have."""
    rng = np.random.default_rng(seed)
    sizes = {size: 3 + k for k, size in enumerate(cell.dims)}
    drawn = {name: rng.uniform(-1, 1, [int(s.subs(sizes)) for s in shape]) for name, shape in cell.shapes.items()}
    return drawn, sizes


def by_equations(cell, arguments, sizes):
    """Every quantity of the cell, computed from its equations; by name, vectors without their second axis."""
    values = {}
    for name, array in arguments.items():
        values[name] = array.reshape(array.shape + (1,) * (2 - array.ndim)) if array.ndim < 2 else array
    for equation in cell.equations:
        values[equation.name] = value(equation.expr, values, sizes)
    return {name: array[:, 0] if array.shape[1] == 1 else array for name, array in values.items()}
