"""The flow of gradients as a document: the answers at a glance, each picture with its number, each table beneath."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.emit.document import Block, Document, Figure, Formula, Paragraph, Prose, Section, Table, formula
from symlstm.expr.nodes import quantity, t
from symlstm.expr.notation import DEFAULT, base_of
from symlstm.gradient_flow.first import first_example
from symlstm.gradient_flow.flow import Flow
from symlstm.gradient_flow.pictures import drawing, pictures
from symlstm.gradient_flow.pictures.picture import Picture
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
    if own.left_out:
        rows = tuple(((what,), (why,)) for what, why in own.left_out.items())
        table = Table((("what",), ("why it is not here",)), rows)
        sections.append(Section(("Left out",), (table,), {"kind": "left out"}))
    title = (f"Flow of gradients through {flow.cell}, {flow.steps:,} step{'s' * (flow.steps != 1)}",)
    return Document(title, tuple(sections), {"kind": "flow", "cell": flow.cell, "steps": flow.steps})


def _of_batch(flow: Flow) -> list[Block]:
    batch = flow.spectrum.exponents.shape[:-1]
    if not batch:
        return []
    count = int(np.prod(batch))
    return [Paragraph((f"Of {count} examples the first one is shown; flow.to_json() has them all.",))]


def _sign(name: str, time: Any = t) -> Formula:
    return formula(quantity(name, (1, 1), time, base=base_of(name)), DEFAULT)


def _glance(flow: Any) -> Table:
    rows: list[tuple[Prose, ...]] = [(("sizes",), (", ".join(f"{k} = {v}" for k, v in flow.sizes.items()),), ("",))]
    rows.append((("first Lyapunov exponent",), (number(flow.spectrum.exponents[0]),), ("nats a step",)))
    for h in flow.half_lives:
        rows.append((("half-life of the direct path of ", _sign(h.state, None), ", median",),
                     (number(_median(h.half_life)),), ("steps",)))  # fmt: skip
    radius = flow.snapshots.spectral_radius
    rows.append((("spectral radius of ", Formula("J_t", "J_t"), ", largest"), (number(radius.max()),), ("",)))
    for of in dict.fromkeys(r.of for r in flow.lags if r.share is not None):
        last = [r for r in flow.lags if r.of == of and r.share is not None][-1]
        said: Prose = ("direct share of ", _sign(of), f" at lag {last.lag}")
        rows.append((said, (percent(last.share),), ("of the total",)))
    points = flow.fixed_points.points
    rows.append((("fixed points found",), (f"{len(points)}, {sum(q.stable for q in points)} stable",), ("",)))
    if flow.certificate is not None:
        verdict = "every step contracts" if flow.certificate.holds else "no contraction certified"
        rows.append((("certificate",), (verdict,), ("",)))
    return Table((("what",), ("value",), ("unit",)), tuple(rows))


def _median(values: Any) -> float:
    return float(np.quantile(values, 0.5, method="nearest"))


def _shown(picture: Picture) -> list[Block]:
    if not picture.panels:
        return [Paragraph((picture.said,))]
    return [Figure(tuple(partial(drawing.inline, p) for p in picture.panels), (picture.said,))]


def _tables(name: str, flow: Any) -> list[Block]:
    made = TABLES[name](flow) if name in TABLES else None
    return [made] if made is not None and made.rows else []


def _lags(flow: Any) -> Table:
    heads = ("derivative",), ("lag (steps)",), ("total",), ("direct",), ("share",), ("windows",)
    rows = []
    for r in flow.lags:
        k = quantity(r.wrt, (1, 1), t - r.lag, base=base_of(r.wrt))
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


TABLES = {"lags": _lags, "spectrum": _spectrum, "eigenvalues": _eigenvalues, "connectivity": _connectivity}
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
