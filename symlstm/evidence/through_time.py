"""What backpropagation through time claims: every adjoint at every step, and the gradients by all that came first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symlstm.evidence.claims import GRADIENT, Claim, Claims, named_parts
from symlstm.evidence.program import with_parts_named
from symlstm.evidence.unrolled import Unrolled, symbols_of
from symlstm.expr.nodes import Quantity
from symlstm.expr.text import text

if TYPE_CHECKING:
    from symlstm.calculus.through_time import ThroughTime


def claims_through_time(b: ThroughTime, steps: int = 3) -> Claims:
    """The recurrences followed from the last of `steps` steps down to the first, and what they give."""
    parts, part_of = named_parts(b)
    own = (*b.upstream.values(), *(a.quantity for a in (*b.adjoints, *b.inputs)))
    equations = with_parts_named(b.cell, parts).equations
    unrolled = Unrolled(b.cell, steps, equations, symbols_of(b.cell, own), b.boundary)
    seeds = tuple((unrolled.at(q, k), unrolled.at(up, k)) for k in range(1, steps + 1) for q, up in b.upstream.items())
    claims = []

    def claim(a: Any, by: Quantity | None, step: int) -> None:
        wrt, gives = unrolled.at(by or a.of, step), unrolled.at(a.quantity, step)
        formula = unrolled.formula(a.expr, step)
        claims.append(Claim(text(gives), GRADIENT, wrt, formula, None, seeds if by else (), (), gives))

    for step in range(steps, 0, -1):
        for a in (*b.adjoints, *b.inputs):
            claim(a, a.of if a.quantity.role == "adjoint" else part_of.get(a.quantity), step)
    for a in (*b.initial, *b.parameters):
        claim(a, a.of, 1)
    subject = f"backpropagation through time of {b.cell.name}"
    return Claims(subject, unrolled.program, tuple(claims), tuple(seed for _, seed in seeds))
