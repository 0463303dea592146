"""The spectrum of the state Jacobian at the origin with zero input, and the region that random weights predict for it.

The region is found from the structure of J (symlstm.gradient_flow.terms, symlstm.gradient_flow.region), for any cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from symlstm.codegen import formula
from symlstm.codegen.fitting import shape_of
from symlstm.codegen.streaming import Step, Stream
from symlstm.errors import RuleMissing
from symlstm.expr.text import text
from symlstm.gradient_flow.reading import Array
from symlstm.gradient_flow.region import Region
from symlstm.gradient_flow.terms import structure


@dataclass(frozen=True)
class Origin:
    """eigenvalues (s,): of J at zero states and zero input, by modulus. fixed: whether the origin is a fixed point.

    gains: g = |U|_F / sqrt(n), of each recurrent weight that enters there. region: the predicted one, not in to_json().
    centre, radius: where it is a disc, else None. critical: the factor by which all gains may grow until the region
    reaches 1 (below 1: it is beyond), None where no factor does it. why: there is no prediction, why not.
    """

    eigenvalues: Array
    fixed: bool
    gains: dict[str, float]
    region: Region | None = field(repr=False, metadata={"json": False})
    centre: float | None
    radius: float | None
    critical: float | None
    why: str

    @property
    def spectral_radius(self) -> float:
        return float(np.max(np.abs(self.eigenvalues)))


def origin(stream: Stream) -> Origin:
    """The spectrum at the origin. RuleMissing where J is not finite there."""
    step = _at_zero(stream)
    jacobian = step.jacobian()
    if not np.isfinite(jacobian).all():
        raise RuleMissing(f"the state Jacobian of {stream.cell.name} is not finite at zero states and zero input")
    values = np.linalg.eigvals(jacobian).astype(complex)
    values = values[np.argsort(-np.abs(values))]
    fixed = not any(np.any(a) for a in step.new_states)
    sizes = {str(name): int(value) for name, value in stream.lengths.items()}
    try:
        found = structure(stream.cell, step.known, sizes, stream.sizes)
    except RuleMissing as reason:
        return Origin(values, fixed, {}, None, None, None, None, reason.message)
    gains = {text(r.matrix): _gain(formula(r.matrix, matrix=True)(step.known, sizes)) for r in found.random}
    if not any(gains.values()):
        why = "no recurrent weight enters J there, beside the diagonal part"
        return Origin(values, fixed, gains, None, None, None, None, why)
    region = Region(found, np.array(list(gains.values())))
    centre, radius = region.disc or (None, None)
    critical = float(1 / np.sqrt(region.level(np.array([1.0 + 0j]))[0]))
    return Origin(values, fixed, gains, region, centre, radius, critical if 0 < critical < np.inf else None, "")


def _at_zero(stream: Stream) -> Step:
    cell = stream.cell
    zeros = tuple(np.zeros(shape_of(cell, q, stream.lengths), stream.dtype) for q in cell.inputs)
    states = tuple(np.zeros(a.shape[len(stream.batch) :], stream.dtype) for a in stream.first)
    return Step(stream, 0, None if not zeros else zeros[0] if len(zeros) == 1 else zeros, states)


def _gain(matrix: Array) -> float:
    return float(np.linalg.norm(matrix) / np.sqrt(matrix.shape[0]))
