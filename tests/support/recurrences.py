"""Backpropagation through time followed on numbers, step by step from the last one down, as its formulas say."""

from __future__ import annotations

import numpy as np

from tests.trace.reading import value


def followed(b, steps, upstream, sizes):
    """The gradients of `b` (a ThroughTime) by name: parameters, "x" as a list over the steps, "h_prev" the initial one.

    steps: for each step the values of all quantities by name, as columns. upstream: for each step the gradients of the
    loss itself, by the name of the state or output.
    """
    cell = b.cell
    after = {q.name: np.zeros(shape_in_numbers(q, sizes)) for q in b.boundary} | renamed(cell, steps[-1], "next")
    environments = []
    for values, direct in zip(reversed(steps), reversed(upstream), strict=True):
        known = {**values, **after, **{symbol.name: direct[q.name] for q, symbol in b.upstream.items()}}
        for a in (*b.adjoints, *b.inputs):
            known[a.quantity.name] = value(a.expr, known, sizes)
        environments.insert(0, known)
        own = {name: v for name, v in known.items() if name not in after}
        after = renamed(cell, own, "next")
    first = {**environments[0], **renamed(cell, environments[0], "1")}
    first |= {cell.name_at(s.current.name, "0"): steps[0][s.previous.name] for s in cell.states}
    found = {name: value(expr, first, sizes) for name, expr in b.initial_gradients.items()}
    for a in b.inputs:
        found[a.of.name] = [known[a.quantity.name] for known in environments]
    for name, total in b.parameter_gradients.items():
        term = getattr(total, "term", total)  # of what is not used, zero
        found[name] = sum(value(term, known, sizes) for known in environments)
    return found


def renamed(cell, values, when):
    return {cell.name_at(name, when): v for name, v in values.items()}


def shape_in_numbers(q, sizes):
    return tuple(int(s.subs(sizes)) for s in q.shape)
