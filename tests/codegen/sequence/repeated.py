"""A sequence the long way: `step` for every t, then `vjp` for every t from the last to the first."""

import numpy as np

from symlstm.codegen.fitting import shape_of
from tests.codegen.numbers import SIZES
from tests.codegen.numbers import numbers as one_step


def numbers(cell, steps, *, batch=(), dtype=np.float64, seed=0):
    """(p, X, states, upstream by name, keyword arguments that say how many steps): all uniform in (-1, 1)."""
    p, _, states, _ = one_step(cell, batch=batch, dtype=dtype, seed=seed)
    rng = np.random.default_rng([seed, steps])

    def draw(q):
        return rng.uniform(-1, 1, (steps, *batch, *shape_of(cell, q, SIZES))).astype(dtype)

    inputs = tuple(draw(q) for q in cell.inputs)
    x = None if not inputs else inputs[0] if len(inputs) == 1 else inputs
    upstream = {q.name: draw(q) for q in results(cell)}
    return p, x, states, upstream, {} if inputs else {"steps": steps}


def results(cell):
    """States and outputs."""
    return tuple(dict.fromkeys([*(s.current for s in cell.states), *cell.outputs]))


def at(x, t):
    """The input of one step."""
    return None if x is None else tuple(a[t] for a in x) if isinstance(x, tuple) else x[t]


def run(k, p, x, states, steps):
    """(states and outputs of all steps by name, the states before each step)"""
    rows, before = {q.name: [] for q in results(k.cell)}, []
    for t in range(steps):
        before.append(states)
        values = k.values(p, at(x, t), states)
        for name, row in rows.items():
            row.append(values[name])
        states = tuple(values[s.current.name] for s in k.cell.states)
    return {name: np.stack(row) for name, row in rows.items()}, before


def gradients(k, p, x, states, upstream, steps):
    """The gradients by name, added up and sent back by hand."""
    cell = k.cell
    _, before = run(k, p, x, states, steps)
    from_later = {s.current.name: np.zeros_like(a) for s, a in zip(cell.states, states, strict=True)}
    total, by_input = {}, {q.name: [] for q in cell.inputs}
    for t in reversed(range(steps)):
        above = {name: g[t] for name, g in upstream.items() if g is not None}
        for name, later in from_later.items():
            above[name] = above.get(name, 0) + later
        found = k.vjp(p, at(x, t), before[t], above)
        for name in p:
            total[name] = total[name] + found[name] if name in total else found[name]
        for name, rows in by_input.items():
            rows.insert(0, found[name])
        from_later = {s.current.name: found[s.previous.name] for s in cell.states}
    total |= {name: np.stack(rows) for name, rows in by_input.items()}
    return total | {s.previous.name: from_later[s.current.name] for s in cell.states}
