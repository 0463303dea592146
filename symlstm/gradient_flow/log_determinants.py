"""log|det J_t| along a run, step after step."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from symlstm.codegen.pieces import Piece
from symlstm.codegen.streaming import Step, Stream
from symlstm.errors import RuleMissing
from symlstm.gradient_flow.determinant import evaluator, logdet

Array = np.ndarray[Any, Any]


class LogDeterminant:
    """log|det J_t| along a run: by the closed form where there is one, else of the Jacobian itself."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.batch = stream, stream.batch

    @cached_property
    def evaluate(self) -> Callable[[Any], Array] | None:
        """From all values of a step, by name; None where no closed form is found."""
        try:
            found = logdet(self.stream.cell)
        except RuleMissing:  # a state is a matrix
            return None
        return evaluator(found, self.stream.p, self.stream.lengths) if found.closed else None

    def __call__(self, step: Step) -> Array:
        """(...): the number at a step, -inf where J_t is singular."""
        if self.evaluate is not None:
            return np.broadcast_to(self.evaluate(step.known), self.batch)
        return np.asarray(np.linalg.slogdet(step.jacobian())[1])

    def summed(self, piece: Piece, counted: range) -> Array:
        """(...): the sum over some steps of a piece."""
        if not counted:
            return np.zeros(self.batch)
        if self.evaluate is None:
            return np.asarray(sum(self(piece.step(k)) for k in counted))
        found = np.broadcast_to(self.evaluate(piece.known), (piece.steps, *self.batch))
        return np.asarray(found[counted.start :].sum(axis=0))

    def is_singular(self, step: Step) -> Array:
        """Whether directions that rounding swallows are lost indeed: what a closed form knows to be finite is not."""
        if self.evaluate is None:
            return np.ones(self.batch, bool)
        return np.isneginf(self(step))
