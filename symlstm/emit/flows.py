"""The flow of gradients as a document: the answers at a glance, each picture with its number, each table beneath."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symlstm.emit.document import Block, Document, Figure, Formula, Paragraph, Prose, Section, Table, formula
from symlstm.emit.flow_summary import left_out
from symlstm.expr.nodes import t
from symlstm.expr.notation import DEFAULT
from symlstm.gradient_flow.first import first_example
from symlstm.gradient_flow.flow import Flow
from symlstm.gradient_flow.pictures import drawing, pictures
from symlstm.gradient_flow.pictures.gates import saturated
from symlstm.gradient_flow.pictures.half_lives import median
from symlstm.gradient_flow.pictures.picture import Picture, named
from symlstm.gradient_flow.pictures.style import magnitude, number, percent

MOST_ROWS = 24
"""Longer tables show so many rows, evenly spread."""


def flow_document(flow: Flow) -> Document:
    """The whole report; of a batch, of its first example."""
    own: Any = first_example(flow)
    sections = [Section(("At a glance",), (*_of_batch(flow), _glance(own)), {"kind": "summary"})]
    for picture in pictures(flow):
        sections.append(
            Section((picture.title,), (*_shown(picture), *_tables(picture.name, own)), {"kind": picture.name})
        )
    if own.certificate is not None:
        sections.append(Section(("Certificate",), _certificate(own.certificate), {"kind": "certificate"}))
    sections += left_out(own)
    title = (f"Flow of gradients through {flow.cell}, {flow.steps:,} step{'s' * (flow.steps != 1)}",)
    return Document(title, tuple(sections), {"kind": "flow", "cell": flow.cell, "steps": flow.steps})


def _of_batch(flow: Flow) -> list[Block]:
    batch = flow.spectrum.exponents.shape[:-1]
    if not batch:
        return []
    count = int(np.prod(batch))
    return [Paragraph((f"Of {count} examples the first one is shown; flow.to_json() has them all.",))]


def _sign(name: str, time: Any = t) -> Formula:
    return formula(named(name, time), DEFAULT)


def _glance(flow: Any) -> Table:
    rows: list[tuple[Prose, ...]] = [(("sizes",), (", ".join(f"{k} = {v}" for k, v in flow.sizes.items()),), ("",))]
    rows.append((("first Lyapunov exponent",), (number(flow.spectrum.exponents[0]),), ("nats a step",)))
    for h in flow.half_lives:
        rows.append((("median half-life of the direct path of ", _sign(h.state, None)),
                     (number(median(h.half_life)),), ("steps",)))  # fmt: skip
    radius = flow.snapshots.spectral_radius
    rows.append((("spectral radius of ", Formula("J_t", "J_t"), ", largest"), (number(radius.max()),), ("",)))
    for of in dict.fromkeys(r.of for r in flow.lags if r.share is not None):
        last = [r for r in flow.lags if r.of == of and r.share is not None][-1]
        said: Prose = ("direct share of ", _sign(of), f" at lag {last.lag}")
        rows.append((said, (percent(last.share),), ("of the total",)))
    if flow.fixed_points is not None:
        points = flow.fixed_points.points
        rows.append((("fixed points found",), (f"{len(points)}, {sum(q.stable for q in points)} stable",), ("",)))
    if flow.certificate is not None:
        verdict = "every step contracts" if flow.certificate.holds else "no contraction certified"
        rows.append((("certificate",), (verdict,), ("",)))
    return Table((("what",), ("value",), ("unit",)), tuple(rows))


def _shown(picture: Picture) -> list[Block]:
    said: Prose = tuple(p if isinstance(p, str) else formula(p, DEFAULT) for p in picture.said)
    if not picture.panels:
        return [Paragraph(said)]
    return [Figure(tuple(partial(drawing.inline, p) for p in picture.panels), said)]


def _tables(name: str, flow: Any) -> list[Block]:
    made = TABLES[name](flow) if name in TABLES else None
    return [replace(made, folded="The numbers")] if made is not None and made.rows else []


def _lags(flow: Any) -> Table:
    heads = ("derivative",), ("lag (steps)",), ("total",), ("direct",), ("share",), ("windows",)
    rows = []
    for r in flow.lags:
        k = named(r.wrt, t - r.lag)
        what = Formula(rf"\mathrm{{d}} {_sign(r.of).latex} / \mathrm{{d}} {formula(k).latex}",
                       f"d{_sign(r.of).text}/d{formula(k).text}")  # fmt: skip
        direct = "–" if r.log_direct is None else magnitude(r.log_direct)
        share = "–" if r.share is None else percent(r.share)
        rows.append(((what,), (str(r.lag),), (magnitude(r.log_total),), (direct,), (share,), (f"{r.windows}",)))
    return Table(heads, tuple(rows), numeric=True)


def _spectrum(flow: Any) -> Table:
    values = flow.spectrum.exponents
    rows = [((f"{k + 1}",), (number(values[k]),), (number(np.exp(values[k])),)) for k in _spread(len(values))]
    return Table((("exponent",), ("nats a step",), ("factor a step",)), tuple(rows), numeric=True)


def _eigenvalues(flow: Any) -> Table:
    found = flow.snapshots
    rows = [
        ((f"{int(found.steps[k]) + 1}",), (number(found.spectral_radius[k]),),
         (number(found.singular_values[k].max()),), (number(found.singular_values[k].min()),))
        for k in _spread(len(found.steps), 8)
    ]  # fmt: skip
    if flow.origin is not None:
        rows.insert(0, (("origin",), (number(flow.origin.spectral_radius),), ("",), ("",)))
    heads = ("step",), ("spectral radius",), ("largest singular value",), ("smallest singular value",)
    return Table(heads, tuple(rows), numeric=True)


def _connectivity(flow: Any) -> Table:
    found = flow.connectivity
    curves = found.inputs | found.states
    heads: tuple[Prose, ...] = (("step",), *(("by ", _sign(name)) for name in curves))
    rows = [
        ((f"{int(found.steps[k]) + 1}",), *((magnitude(logs[k]),) for logs in curves.values()))
        for k in _spread(len(found.steps), 8)
    ]
    return Table(heads, tuple(rows), numeric=True)


def _spread(count: int, most: int = MOST_ROWS) -> list[int]:
    return sorted({round(v) for v in np.linspace(0, count - 1, min(count, most))})


def _gates(flow: Any) -> Table:
    heads = ("gate",), ("mean",), ("deviation",), ("least",), ("largest",), ("low",), ("high",), ("saturated",)
    rows = tuple(
        ((_sign(g.name),), (number(np.mean(g.mean)),), (number(np.mean(g.deviation)),), (number(np.min(g.least)),),
         (number(np.max(g.largest)),), (percent(np.mean(g.low)),), (percent(np.mean(g.high)),),
         (percent(saturated(g)),))
        for g in flow.gates
    )  # fmt: skip
    return Table(heads, rows, numeric=True)


def _half_lives(flow: Any) -> Table:
    heads = ("state",), ("unit",), ("rate (nats a step)",), ("half-life (steps)",), ("time constant (steps)",)
    rows = [
        ((_sign(h.state, None),), (f"{k + 1}",), (number(h.rate.flat[k]),), (number(h.half_life.flat[k]),),
         (number(h.time_constant.flat[k]),))
        for h in flow.half_lives
        for k in _spread(h.half_life.size)
    ]  # fmt: skip
    return Table(heads, tuple(rows), numeric=True)


def _fixed_points(flow: Any) -> Table:
    points = flow.fixed_points.points if flow.fixed_points is not None else ()
    rows = [
        ((f"{k + 1}",), (number(points[k].spectral_radius),), ("yes" if points[k].stable else "no",),
         (f"{points[k].residual:.1e}",))
        for k in _spread(len(points))
    ]  # fmt: skip
    return Table((("point",), ("spectral radius",), ("stable",), ("|F(s) − s|",)), tuple(rows), numeric=True)


TABLES = {
    "gates": _gates,
    "half_lives": _half_lives,
    "fixed_points": _fixed_points,
    "lags": _lags,
    "spectrum": _spectrum,
    "eigenvalues": _eigenvalues,
    "connectivity": _connectivity,
}
"""The plain numbers of a picture, by its name."""


def _certificate(found: Any) -> tuple[Block, ...]:
    verdict = "Every step contracts" if found.holds else "No contraction is certified"
    said = f"{verdict} for inputs up to {number(found.largest_input)}: the conditions of one group must all hold."
    rows = tuple(
        ((c.group,), (c.name,), (number(c.left),), ("<" if c.strict else "≤",), (number(c.right),), (number(c.margin),),
         ("holds" if c.holds else "fails",))
        for c in found.conditions
    )  # fmt: skip
    heads = ("group",), ("condition",), ("left",), ("",), ("right",), ("margin",), ("",)
    return Paragraph((said,)), Table(heads, rows)
