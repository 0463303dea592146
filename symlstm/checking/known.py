"""Conventions that need not be found: a function in the cell's own names and layout."""

from __future__ import annotations

from symlstm.checking.convention import Convention, View
from symlstm.checking.loop import LAST
from symlstm.checking.probe import Probe
from symlstm.checking.sites import Sites, columns
from symlstm.checking.steplists import ANY
from symlstm.errors import ValueUnusable


def own_names(sites: Sites, probe: Probe) -> list[Convention]:
    """The convention of a function that has the cell's own names: x, h_prev, c_prev, W_f, ... in their shapes on paper.

    One step: x (batch, m), states (batch, n); a whole sequence: x (steps, batch, m). It returns a dict by name: h, c,
    of a sequence these at every step, and h_last, c_last after the last one. ValueUnusable where a name is missing.
    """
    cell, example = sites.cell, probe.example
    paths = {str(path[-1]): path for path in example.templates}
    missing = [q.name for q in (*cell.inputs, *cell.parameters) if q.name not in paths and q not in sites.others]
    if missing:
        raise ValueUnusable(f"{', '.join(missing)} of {cell.name} is not among the arguments {', '.join(paths)}")
    sizes = {sites.n: example.sizes[0], sites.m: example.sizes[1]}
    views = {
        (site.gate, site.part): (
            View(
                paths[site.parameter.name],
                0,
                1,
                cols=columns(site, sizes, sites) if len(cell.shapes[site.parameter.name]) == 2 else None,
            ),
        )
        for site in sites.sites
    }
    roles = {q.name: paths[q.name] for q in (*cell.inputs, *(s.previous for s in cell.states)) if q.name in paths}
    names = [name for s in cell.states for name in (s.current.name, s.current.name + LAST)]
    returned = {str(next((part for part in reversed(p) if part != ANY), "")): p for p in probe.run(probe.base)}
    outputs = {name: returned[name] for name in names if name in returned}
    if not outputs:
        raise ValueUnusable(f"the function must return a dict with some of {', '.join(names)}")
    axes = {}
    if example.x is not None:
        axes = {q: "tbf" if q in {i.name for i in cell.inputs} else "bf" for q in roles}
        axes |= {name: "bf" if name.endswith(LAST) else "tbf" for name in outputs}
    return [Convention(sites, views, roles, 0, outputs, sites.gates, True, axes=axes)]
