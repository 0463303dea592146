"""Mutants of the backward pass: those of any equation, and what people get wrong in derivatives."""

from __future__ import annotations

import sympy as sp

from symlstm.calculus.backward import adjoint_symbol
from symlstm.calculus.derivation import backward as derived
from symlstm.checking.convention import Convention
from symlstm.checking.edits import Edit, edits_of
from symlstm.checking.reference import Equations
from symlstm.evidence.program import substituted
from symlstm.expr import build
from symlstm.expr.nodes import Hadamard, Quantity
from symlstm.expr.text import text


def backward_edits(convention: Convention, equations: Equations, forward: set[Quantity]) -> list[Edit]:
    """Edits of the backward equations, and what only they have."""
    sites = convention.sites
    found = [e for e in edits_of(sites, equations) if not forward & {q for q, _ in e.changes}]
    found = [e for e in found if e.name not in ("offset", "epsilon", "peephole")]
    more = []
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
        for v, symbol in derived(sites.cell).upstream.items():
            adjoint = adjoint_symbol(v)
            if (new := substituted(expr, {adjoint: symbol})) != expr:
                message = f"{text(symbol)}, from outside alone, in place of {text(adjoint)} in the equation of {q.name}"
                more.append(Edit("only_from_outside", message, ((q, new),)))
    parameters = {a.quantity for a in derived(sites.cell).adjoints if a.of in sites.cell.parameters}
    half = tuple((q, build.scale(sp.Rational(1, 2), e)) for q, e in equations if q in parameters)
    more.append(Edit("mean", "gradients of parameters are means over the batch, not sums", half))
    return [e for e in (*more, *found) if dict(e.changes) != {q: dict(equations)[q] for q, _ in e.changes}]
