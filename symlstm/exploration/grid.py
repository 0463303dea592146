"""The axes of a sweep as they are given, read and checked against the cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from symlstm.equations import Cell
from symlstm.errors import RuleMissing, ValueUnusable, unknown
from symlstm.exploration.draws import sizes_of, width
from symlstm.exploration.gates import additive, gated_states
from symlstm.exploration.points import Grid, Settings
from symlstm.exploration.weights import parts
from symlstm.gradient_flow.reading import whole_number

MOST = 10**9


def read_grid(
    cell: Cell, forget_bias: Any, chrono: Any, biases: Any, gain: Any, input_std: Any, n: Any, seeds: Any
) -> Grid:
    """Numbers and lists of numbers as axes. Raises RuleMissing for an axis that the cell does not have."""
    if forget_bias is not None or chrono is not None:
        gated_states(cell)  # says why there is no forget gate
    recurrent = any(part.recurrent for part in parts(cell))
    if gain is not None and not recurrent:
        raise RuleMissing(f"{cell.name} has no recurrent weight matrix: a gain does not apply", "leave out gain")
    gains: tuple[float | None, ...] = (None,)
    if recurrent:
        gains = _numbers("gain", 1.0 if gain is None else gain, least=0.0)
    noise = _numbers("input_std", input_std, least=0.0)
    if any(noise) and not cell.inputs:
        raise RuleMissing(f"{cell.name} has no input: input_std does not apply", "leave out input_std")
    return Grid(
        () if forget_bias is None else _numbers("forget_bias", forget_bias),
        () if chrono is None else _numbers("chrono", chrono, least=2.0),
        _biases(cell, biases or {}),
        gains,
        noise,
        _whole("n", n, least=1),
        tuple(range(whole_number("seeds", seeds, 1, MOST))) if np.ndim(seeds) == 0 else _whole("seeds", seeds, least=0),
    )


def read_settings(cell: Cell, steps: Any, burn_in: Any, sizes: Mapping[str, int] | None) -> Settings:
    """Steps, burn_in and the further sizes of the cell. Raises ValueUnusable and NameUnknown."""
    steps = whole_number("steps", steps, 1, MOST)
    burn_in = steps // 3 if burn_in is None else whole_number("burn_in", burn_in, 0, steps - 1)
    own = [str(d) for d in cell.dims]
    for name, value in (sizes or {}).items():
        if name not in own or name == width(cell):
            raise unknown(f"further size of {cell.name}", name, [d for d in own if d != width(cell)])
        whole_number(f"the size {name}", value, 1, MOST)
    found = sizes_of(cell, 1, dict(sizes or {}))
    missing = [name for name in own if name not in found]
    if missing:
        example = ", ".join(f'"{name}": 32' for name in missing)
        raise ValueUnusable(f"{cell.name} also needs the size {', '.join(missing)}", f"give sizes={{{example}}}")
    return Settings(steps, burn_in, tuple(sorted((k, v) for k, v in found.items() if k != width(cell))))


def _biases(cell: Cell, given: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    known = list(dict.fromkeys(b.parameter.name for b in additive(cell)))
    for name in given:
        if name not in known:
            raise unknown(f"bias of {cell.name}", name, known)
    return {name: _numbers(name, values) for name, values in given.items()}


def _numbers(name: str, given: Any, least: float = -np.inf) -> tuple[float, ...]:
    """One number or several, each once."""
    try:
        found = [float(v) for v in _listed(given)]
    except (TypeError, ValueError):
        raise ValueUnusable(f"{name} must be numbers, not {given!r}") from None
    wrong = [v for v in found if not (np.isfinite(v) and v >= least)]
    if wrong or not found:
        what = "finite numbers" if least == -np.inf else f"finite numbers, {least:g} or more"
        raise ValueUnusable(f"{name} must be {what}, not {wrong[0] if wrong else given!r}")
    return tuple(dict.fromkeys(found))


def _whole(name: str, given: Any, least: int) -> tuple[int, ...]:
    found = [whole_number(name, v, least, MOST) for v in _listed(given)]
    if not found:
        raise ValueUnusable(f"{name} must be whole numbers, not {given!r}")
    return tuple(dict.fromkeys(found))


def _listed(given: Any) -> list[Any]:
    alone = not isinstance(given, Iterable) or isinstance(given, str) or getattr(given, "ndim", 1) == 0
    return [given] if alone else list(given)
