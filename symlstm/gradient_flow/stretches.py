"""Directions carried on over stretches of several steps, and made orthonormal at the end of each.

J_t Q_{t-1} = Q_t R_t after every step is what the exponents are made of, but products of several J_t give the same
diagonals of R, multiplied, as long as the directions do not fall together. Householder's QR takes directions that are
off by a relative eps each, so that a growth r_jj is off by a relative error of the order of eps times the condition of
the directions (their lengths aside): Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 19. A stretch
counts only where that condition is at most eps^(-1/3), about 1.7e5; else it is taken again, half as long. What it adds
to the error of an exponent is thus of the order of eps^(2/3), 4e-11 nats. A single step always counts.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from symlstm.codegen.pieces import LONGEST, Piece
from symlstm.codegen.tangent_steps import Stretch, TangentSteps

Array = np.ndarray[Any, Any]

CONDITION = float(np.finfo(np.float64).eps ** (-1 / 3))
FEW = 32
"""With more directions than this, the condition costs as much as the QR that it would save."""


class Stretches:
    """Carries the directions (..., k, s), one a row, on, as far at a time as is safe."""

    def __init__(self, tangents: TangentSteps, directions: Array) -> None:
        self.tangents, self.directions = tangents, directions
        self.length = 1
        tangents.prepare(directions)

    def factors(self, piece: Piece) -> Any:
        """What the steps of a piece multiply directions by."""
        return self.tangents.factors(piece.known, (piece.steps, *self.directions.shape[:-2]))

    def over(self, piece: Piece, factors: Any, mark: int = 0) -> Generator[Stretch, None, None]:
        """All steps of a piece. mark: the index of a step with which a stretch must begin."""
        with self.tangents.helped(factors, self.directions):
            if self.directions.shape[-2] > FEW:
                found = self.tangents.each(self.directions, factors, piece.steps)
                self.directions = found.directions
                yield found
            else:
                yield from self._several(piece, factors, mark)

    def _several(self, piece: Piece, factors: Any, mark: int) -> Generator[Stretch, None, None]:
        """Stretches of several steps."""
        done = 0
        while done < piece.steps:
            ends = [end for end in (mark - piece.index, piece.steps) if end > done]
            steps = min(self.length, min(ends) - done)
            found = self.tangents.stretch(self.directions, factors, done, steps)
            if steps > 1 and not found.condition <= CONDITION:
                self.length = steps // 2
                continue
            self.directions = found.directions
            if steps == self.length and found.condition**2 <= CONDITION:  # twice as far, it is about its square
                self.length = min(2 * steps, LONGEST)
            yield found
            done += steps
