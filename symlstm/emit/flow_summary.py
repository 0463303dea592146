"""The flow of gradients on one screen: the numbers that people ask for first, then short tables.

Of a batch, medians over its examples; `symlstm.emit.flows` is the whole report, with pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symlstm.emit.document import Document, Prose, Section, Table
from symlstm.emit.prose import prose
from symlstm.gradient_flow.flow import Flow

BACK = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 999)
"""How many steps before the last one connectivity is shown."""


def flow_summary(flow: Flow) -> Document:
    """The summary of a flow."""
    sections = [_summary(flow), *_lags(flow), *_gates(flow), _connectivity(flow), *left_out(flow)]
    sizes = ", ".join(f"{name} = {size}" for name, size in flow.sizes.items())
    examples = flow.spectrum.exponents.shape[:-1]
    batch = f", {int(np.prod(examples))} examples (medians)" if examples else ""
    title = f"Gradient flow of {flow.cell}: {sizes}, {flow.steps} step{'s' * (flow.steps != 1)}{batch}"
    return Document((title,), tuple(sections), {"kind": "flow", "cell": flow.cell, "steps": flow.steps})


def _number(value: Any) -> str:
    return f"{float(value):.4g}"


def _spread(values: Any) -> str:
    return f"{_number(np.min(values))} to {_number(np.max(values))}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: bool = True) -> Table:
    cells: tuple[tuple[Prose, ...], ...] = tuple(tuple(prose(cell) for cell in row) for row in rows)
    return Table(tuple(prose(h) for h in headers), cells, numeric)


def _summary(flow: Flow) -> Section:
    rows = [_exponent(flow)]
    for half in flow.half_lives:
        middle = np.quantile(half.half_life, 0.5, method="nearest")
        rows.append(
            (_number(middle), f"half-life of ${_latex(half.state)}$ by the direct path, steps", _units(flow, half))
        )
    radius = flow.snapshots.spectral_radius
    rows.append((_number(np.median(radius)), "spectral radius of $J_t$", _spread(radius)))
    largest = flow.snapshots.singular_values[..., 0]
    rows.append((_number(np.median(largest)), "largest singular value of $J_t$", _spread(largest)))
    if flow.fixed_points is not None:
        rows.append(_fixed_points(flow.fixed_points.points))
    if flow.certificate is not None:
        holds = "yes" if flow.certificate.holds else "no"
        rows.append((holds, "certified: every step contracts", f"inputs up to {flow.certificate.largest_input:g}"))
    return Section((), (_table(("", "", "range"), rows, numeric=False),), {"kind": "summary"})


def _fixed_points(points: Sequence[Any]) -> tuple[str, str, str]:
    radii = ", ".join(f"{'stable' if p.stable else 'unstable'} {_number(p.spectral_radius)}" for p in points[:3])
    more = ", ..." if len(points) > 3 else ""
    return str(len(points)), "fixed points at the mean input", radii + more or "none found"


def _exponent(flow: Flow) -> tuple[str, str, str]:
    found = flow.spectrum.exponents
    lost = int(np.isneginf(found).sum())
    said = f"{found.shape[-1]} computed" + (f", {lost} of them -inf" if lost else "")
    if flow.spectrum.residual is not None:
        said += f", sum rule off by {np.max(np.abs(flow.spectrum.residual)):.1e}"
    first = found[..., 0]
    if first.ndim:
        said = f"{_spread(first)}; {said}"
    return _number(np.median(first)), "first Lyapunov exponent, nats a step", said


def _units(flow: Flow, half: Any) -> str:
    of_one = half.half_life.shape[flow.spectrum.exponents.ndim - 1 :]
    return f"{_spread(half.half_life)} (median of {int(np.prod(of_one))} units)"


def _latex(name: str) -> str:
    return name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def _lags(flow: Flow) -> list[Section]:
    rows = []
    for row in flow.lags:
        what = rf"$\|\mathrm{{d}} {_latex(row.of)}_t / \mathrm{{d}} {_latex(row.wrt)}_{{t-{row.lag}}}\|$"
        direct = "" if row.direct is None else _log(row.log_direct)
        share = "" if row.share is None else _number(np.median(row.share))
        rows.append((what, _log(row.log_total), direct, share))
    if not rows:
        return []
    table = _table(("", "every path", "direct path", "direct / total"), rows)
    return [Section(("Back through time",), (table,), {"kind": "lags"})]


def _log(value: Any) -> str:
    """The number of this logarithm, also where it is below the smallest float."""
    tens = float(np.median(value)) / np.log(10)
    if not np.isfinite(tens) or abs(tens) < 300:
        return _number(10**tens)
    whole = int(np.floor(tens))
    return f"{10 ** (tens - whole):.3f}e{whole:+d}"


def _gates(flow: Flow) -> list[Section]:
    rows = [
        (g.name, g.function, _number(np.mean(g.mean)), _spread(np.stack([g.least, g.largest])),
         f"{float(np.mean(g.low)):.1%}", f"{float(np.mean(g.high)):.1%}")
        for g in flow.gates
    ]  # fmt: skip
    if not rows:
        return []
    table = _table(("", "function", "mean", "range", "saturated low", "saturated high"), rows)
    return [Section(("Gates",), (table,), {"kind": "gates"})]


def _connectivity(flow: Flow) -> Section:
    found = flow.connectivity
    last = len(found.steps) - 1
    named = {f"in ${_latex(n)}$": v for n, v in found.inputs.items()}
    named |= {f"in ${_latex(n.removesuffix('_prev'))}$ before it": v for n, v in found.states.items()}
    backs = [k for k in BACK if k < last] + [last]
    rows = [(str(k), *(_log(values[last - k]) for values in named.values())) for k in backs]
    what = "the loss" if found.of == "loss" else f"the sum of {found.of}"
    title = f"Gradient of {what} at the last step, by how many steps back"
    return Section((title,), (_table(("steps back", *named), rows),), {"kind": "connectivity"})


def left_out(flow: Flow) -> list[Section]:
    """What this cell does not have, and why."""
    rows = tuple(((what,), (why,)) for what, why in flow.left_out.items())
    table = Table((("what",), ("why it is not here",)), rows)
    return [Section(("Left out",), (table,), {"kind": "left out"})] if rows else []
