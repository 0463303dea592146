"""What a determinant claims: that it is that of the Jacobian of all new states by all previous ones."""

from __future__ import annotations

from typing import Any

from symlstm.evidence.claims import DETERMINANT, Claim, Claims
from symlstm.evidence.program import one_step


def claims_of_determinant(found: Any) -> Claims:
    """det J_t, with its sign; its logarithm is the sum of those of its factors."""
    states = found.cell.states
    blocks = tuple(s.current for s in states), tuple(s.previous for s in states)
    claim = Claim("det J_t", DETERMINANT, states[0].previous, found.determinant, states[0].current, blocks=blocks)
    return Claims(f"det J_t of {found.cell.name}", one_step(found.cell), (claim,))
