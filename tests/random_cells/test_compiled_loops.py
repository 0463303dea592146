"""Random cells over three steps with loops that Numba compiles, against torch: few, since each takes seconds.

SYMLSTM_EXAMPLES=3000 HYPOTHESIS_PROFILE=thorough tries sixty.
"""

from __future__ import annotations

from hypothesis import event, given, settings

import symlstm as sl
from tests.random_cells.programs import programs
from tests.random_cells.runs import compiled, numpy_namespace
from tests.random_cells.test_sequences import BATCHES, CHECKPOINTS, agrees_with_torch
from tests.support.frameworks import require

require("numba")
FEW = max(8, settings.default.max_examples // 50)


@settings(max_examples=FEW)
@given(programs(), BATCHES, CHECKPOINTS)
def test_a_sequence_agrees_with_torch(program, batch, checkpoint_every):
    k = sl.compile(sl.cell(compiled(program, numpy_namespace())), backend="numba")
    event(f"{k.source.count('@njit') > 0}")
    agrees_with_torch(program, batch, checkpoint_every, "numba")
