"""The first example of a batch: the same results without batch axes, as pictures and tables show them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np


def first_example(flow: Any) -> Any:
    """The Flow of the first example; itself where there is no batch."""
    lead = flow.spectrum.exponents.ndim - 1
    if not lead:
        return flow

    def own(a: Any) -> Any:
        return None if a is None else np.asarray(a)[(0,) * lead]

    def after_time(a: Any) -> Any:
        return np.asarray(a)[(slice(None), *(0,) * lead)]

    def each(arrays: Any) -> Any:
        return {name: after_time(a) for name, a in arrays.items()}

    spectrum, snapshots, connected = flow.spectrum, flow.snapshots, flow.connectivity
    history = replace(spectrum.history, exponents=after_time(spectrum.history.exponents))
    off = own(spectrum.residual)
    return replace(
        flow,
        gates=tuple(
            replace(g, **{k: own(getattr(g, k)) for k in ("mean", "deviation", "least", "largest", "low", "high")})
            for g in flow.gates
        ),
        half_lives=tuple(replace(h, log_product=own(h.log_product)) for h in flow.half_lives),
        lags=tuple(replace(r, log_total=own(r.log_total), log_direct=own(r.log_direct)) for r in flow.lags),
        spectrum=replace(
            spectrum,
            exponents=own(spectrum.exponents),
            residual=None if off is None else float(off),
            history=history,
        ),
        snapshots=replace(
            snapshots,
            eigenvalues=after_time(snapshots.eigenvalues),
            singular_values=after_time(snapshots.singular_values),
        ),
        connectivity=replace(connected, inputs=each(connected.inputs), states=each(connected.states)),
    )
