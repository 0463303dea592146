"""Mutants of the backward pass: those of any equation, and what people get wrong in derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from symlstm.calculus.backward import adjoint_symbol
from symlstm.checking.backward_loop import derived
from symlstm.checking.convention import Convention
from symlstm.checking.cut_edits import cut_edits
from symlstm.checking.edits import Edit, edits_of
from symlstm.checking.reference import Equations
from symlstm.checking.sites import stacked_as
from symlstm.evidence.program import subnodes, substituted
from symlstm.expr import build
from symlstm.expr.nodes import Concat, Hadamard, Matmul, Quantity, Transposed, Whole
from symlstm.expr.text import text


def backward_edits(convention: Convention, equations: Equations, forward: set[Quantity]) -> list[Edit]:
    """Edits of the backward equations, and what only they have."""
    sites = convention.sites
    found = [e for e in edits_of(sites, equations) if not forward & {q for q, _ in e.changes}]
    found = [e for e in found if e.name not in ("offset", "epsilon", "peephole")]
    more = []
    outputs = {a.quantity: a.of for a in derived(sites.cell).adjoints if a.quantity.role == "delta"}
    values = {e.quantity: e.expr for e in sites.cell.equations}
    whole = {q: values[of].args[0].name for q, of in outputs.items() if isinstance(values.get(of), Whole)}
    for q, expr in equations:
        if q.role == "delta":
            for v in forward:
                if v.shape == q.shape and v.name in ("f", "i", "o", "c_tilde", "r", "z", "n", "h_tilde", "h"):
                    upstream = expr.args[0] if isinstance(expr, Hadamard) else expr
                    flat = build.subtract(build.hadamard(upstream, v), v)
                    more.append(
                        Edit("parenthesis", f"a parenthesis is missing in the derivative of {v.name}", ((q, flat),))
                    )
                    as_tanh = build.hadamard(upstream, build.one_minus(build.square(v)))
                    more.append(
                        Edit("derivative", f"the derivative of tanh, 1 - {v.name}², for gate {v.name}", ((q, as_tanh),))
                    )
                    as_sigma = build.hadamard(upstream, v, build.one_minus(v))
                    more.append(Edit("derivative", f"the derivative of σ, {v.name}(1 - {v.name})", ((q, as_sigma),)))
            if q in whole:
                message = f"the derivative of {whole[q]} is missing: the gradient is used as if it were by its argument"
                more.append(Edit("derivative", message, ((q, adjoint_symbol(outputs[q])),)))
        for v, symbol in derived(sites.cell).upstream.items():
            adjoint = adjoint_symbol(v)
            if (new := substituted(expr, {adjoint: symbol})) != expr:
                message = f"{text(symbol)}, from outside alone, in place of {text(adjoint)} in the equation of {q.name}"
                more.append(Edit("only_from_outside", message, ((q, new),)))
    more += _of_products(convention, equations)
    parameters = {a.quantity for a in derived(sites.cell).adjoints if a.of in sites.cell.parameters}
    half = tuple((q, build.scale(sp.Rational(1, 2), e)) for q, e in equations if q in parameters)
    more.append(Edit("mean", "gradients of parameters are means over the batch, not sums", half))
    cut = cut_edits(derived(sites.cell), equations, parameters)
    return [e for e in (*more, *found, *cut) if dict(e.changes) != {q: dict(equations)[q] for q, _ in e.changes}]


def _of_products(convention: Convention, equations: Equations) -> Iterator[Edit]:
    """W for its transpose on the way back to the state; the wrong column beside the deltas."""
    sites = convention.sites
    cell, n = sites.cell, sites.n
    own = dict(equations)
    adjoints = {a.of: a.quantity for a in derived(cell).adjoints if a.quantity.role == "adjoint"}
    gradients = {q: own[q] for q in (adjoints.get(p) for p in cell.parameters) if q is not None and q in own}
    turned: dict[Any, Any] = {}
    for q in (q for q in own if q.role != "value" and q not in gradients):
        for node in subnodes(own[q]):
            if isinstance(node, Matmul) and len(node.args) == 2 and isinstance(node.args[0], Transposed):
                weight, delta = node.args[0].args[0], node.args[1]
                if weight.shape == (n, n):
                    turned[node] = build.matmul(weight, delta)
                elif sp.expand(weight.shape[1] - n - sites.m) == 0:
                    start, m = (0 if stacked_as(cell) == "hx" else sites.m), sites.m
                    back = build.matmul(build.block(weight, 0, n, start, n), delta)
                    rest = build.matmul(build.transpose(build.block(weight, 0, n, n if start == 0 else 0, m)), delta)
                    turned[node] = build.concat(back, rest) if start == 0 else build.concat(rest, back)
    for node, new in turned.items():
        weight = node.args[0].args[0]
        message = f"{text(weight)} in place of its transpose on the way back to the state"
        yield Edit("transposed", message, _changed(own, {node: new}), new)
    if len(turned) > 1:
        message = "the recurrent weights in place of their transposes on the way back to the state"
        yield Edit("transposed", message, _changed(own, turned))
    joined = {q: e for q, e in own.items() if isinstance(e, Concat) and q.role == "value"}
    h = cell.states[0]
    for s in cell.states:
        for other in dict.fromkeys((s.previous, s.current)):
            if other != h.previous:
                columns = {q: [other if a == h.previous else a for a in e.args] for q, e in joined.items()}
                mapping = {q: build.concat(*parts) for q, parts in columns.items()}
                message = (
                    f"{text(other)} in place of {text(h.previous)} beside the deltas in the gradients of parameters"
                )
                yield Edit("wrong_column", message, _changed(gradients, {**mapping, h.previous: other}))


def _changed(equations: dict[Quantity, Any], mapping: dict[Any, Any]) -> tuple[tuple[Quantity, Any], ...]:
    made = [(q, substituted(expr, mapping), expr) for q, expr in equations.items()]
    return tuple((q, new) for q, new, old in made if new != old)
