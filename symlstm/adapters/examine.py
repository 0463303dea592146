"""Checking a network: the first layer by itself, with a diagnosis; then the whole stack and all gradients."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.adapters.compared import BATCH, Compared, compare
from symlstm.adapters.network import Network
from symlstm.checking.axes import SIZES
from symlstm.checking.check import examine
from symlstm.checking.convention import Convention, View
from symlstm.checking.loop import LAST
from symlstm.checking.probe import Probe, draw
from symlstm.checking.report import NOTE, WRONG, Finding, Report
from symlstm.checking.sites import Sites, sites_of
from symlstm.conventions.layout import Layout, own_layout
from symlstm.conventions.table import OWN, layout_of
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.evidence.running import U
from symlstm.plugins import CELLS, registered
from symlstm.registry import cell as find_cell

N, M, P = *SIZES[:2], 2
"""The sizes of the twin that is run; P is the length of h with a projection."""
U32 = 2.0**-24
MOST_NUMBERS = 2**22
"""Parameters of a network that is run at its own sizes."""


def examine_network(network: Network, cell: Any) -> Report:
    """The report on a network, asked whether it is that cell."""
    start = time.perf_counter()
    asked = find_cell(cell)
    reference, findings = _reference(network, asked)
    findings += network.notes
    if any(f.severity == WRONG for f in network.notes):  # the framework says itself that it is another cell
        seconds = time.perf_counter() - start
        return Report(asked.name, network.layout.name, tuple(findings), {}, (), seconds, network.name)
    own = _own(reference)
    symbols = _symbols(reference)
    report = Report(asked.name, "", implementation=network.name)
    if _sites(reference) is not None:
        for steps in (False, True):  # a step is diagnosed in less time than a sequence
            layer, example = _first_layer(network, reference, steps)
            report = examine(layer, reference, example=example, conventions=_convention(network, reference, steps))
            if any(f.severity == WRONG and f.name != "imprecise" for f in report.findings):
                break
        report = replace(report, findings=tuple(_in_its_unit(list(report.findings), network)))
    findings += report.findings
    results, gradients = compare(network, reference, own, symbols)
    if not any(f.severity == WRONG for f in report.findings):
        findings += _departures(results, network)
    if not any(f.severity == WRONG for f in findings) or all(c.within() for c in results):
        findings += _wrong_gradients(gradients)
    if not network.differentiates:
        text = "gradients were not compared: the framework gives none here"
        findings.append(Finding("gradients_not_checked", "", "", text, "", NOTE))
    ulps = dict(report.ulps) | {c.name: c.ulps for c in (*results, *gradients)}
    if network.own is not None and not any(f.severity == WRONG for f in findings):
        more, measured = _as_it_is(network.own(), reference, own, symbols)
        findings, ulps = [*findings, *more], ulps | measured
    said = f"{network.layout.name}: {report.convention}" if report.convention else network.layout.name
    seconds = time.perf_counter() - start
    return replace(
        report,
        cell=asked.name,
        convention=said,
        findings=tuple(_once(findings)),
        ulps=ulps,
        seconds=seconds,
        implementation=network.name,
    )


def _as_it_is(network: Network, cell: Cell, own: Layout, symbols: Any) -> tuple[list[Finding], dict[str, Any]]:
    """The findings and ulps of a network at its own sizes, with its own weights where it has any."""
    sizes = ", ".join(f"{name} = {network.sizes[name]}" for name in "nm")
    numbers = sum(int(np.prod(shape)) for shape in network.shapes().values())
    if numbers > MOST_NUMBERS:
        text = f"it was run at n = {N}, m = {M}, not at its own sizes: it has {numbers} parameters"
        return [Finding("own_sizes_not_run", "", network.name, text, f"up to {MOST_NUMBERS} are", NOTE)], {}
    results, gradients = compare(network, cell, own, symbols, long=True)
    said = f"{sizes}, {'its own weights' if network.weights else 'weights drawn anew'}"
    found = [*_departures(results, network), *_wrong_gradients(gradients)]
    found = [replace(f, message=f"at its own sizes ({said}), {f.message}") for f in found]
    return found, {f"{c.name} ({said})": c.ulps for c in (*results, *gradients)}


def _once(findings: list[Finding]) -> list[Finding]:
    return list({(f.name, f.equation, f.message): f for f in findings}.values())


def _sites(cell: Cell) -> Sites | None:
    """The sites of a cell all of whose states have one size; None for another."""
    if len({cell.shapes[s.previous.name] for s in cell.states}) > 1:
        return None
    try:
        return sites_of(cell)
    except RuleMissing:
        return None


def _own(cell: Cell) -> Layout:
    sites = _sites(cell)
    return own_layout(sites) if sites is not None else layout_of(OWN, cell.name)


def _symbols(cell: Cell) -> dict[str, Any]:
    """n, m and p as the cell has them."""
    found = {"m": cell.shapes[cell.inputs[0].name][0], "n": cell.shapes[cell.states[-1].previous.name][0]}
    first = cell.shapes[cell.states[0].previous.name][0]
    return found if first == found["n"] else {**found, "p": first}


def _reference(network: Network, asked: Cell) -> tuple[Cell, list[Finding]]:
    """The cell to compare with: the one that was asked for, where it has these gates; else the network's own."""
    if asked.name == network.cell:
        return asked, []
    sites = _sites(asked)
    if asked.name not in registered(CELLS) and sites is not None:
        parts = {(s.gate, s.part) for s in sites.sites if s.part != "b"}
        if parts == {(g, p) for g, p in network.layout.parts if p not in "bc" or g in network.layout.apart}:
            return asked, []
    message = f"this is {network.cell}, not {asked.name}"
    evidence = f"it is compared with {network.cell} below; sl.check(..., {network.cell!r}) asks for that"
    return find_cell(network.cell), [Finding("variant", "", network.name, message, evidence)]


def _first_layer(network: Network, cell: Cell, steps: bool) -> tuple[Callable[..., Any], Any]:
    """The first layer, forward, as a function of a step or a sequence, and the example that tells its shapes."""
    rng = np.random.default_rng(31)
    fixed = {key: draw(rng, shape) for key, shape in network.shapes().items()}
    first = network.places[0]
    rest = {(k, s.current.name): draw(rng, (BATCH, network.sizes["n"]))
            for k in range(1, len(network.places)) for s in cell.states}  # fmt: skip

    def layer(x: Any, **given: Any) -> dict[str, Any]:
        states = {(0, s.current.name): given[s.previous.name] for s in cell.states if s.previous.name in given}
        arrays = fixed | {key: a for key, a in given.items() if key in fixed}
        more = {key: value[: x.shape[-2]] for key, value in rest.items()} if network.states else {}
        if not steps:
            result = network.run(arrays, x[None], states | more, None)
            return {name: value for (k, name), value in result.last.items() if k == 0}
        result = network.run(arrays, x[::-1] if first.reverse else x, states | more, None)
        found = {name + LAST: value for (k, name), value in result.last.items() if k == 0}
        if result.output is not None and all(place.level == 0 for place in network.places):
            output = result.output[..., : network.sizes["p"]]
            found[cell.states[0].current.name] = output[::-1] if first.reverse else output
        return found

    def sequence(n: int, m: int, batch: int, T: int, rng: Any) -> dict[str, Any]:
        return {**step(n, m, batch, rng), "x": rng.standard_normal((T, batch, m))}

    def step(n: int, m: int, batch: int, rng: Any) -> dict[str, Any]:
        sizes = {"n": n, "m": m, "p": n}
        made = {"x": rng.standard_normal((batch, m))}
        if network.states:
            made |= {s.previous.name: rng.standard_normal((batch, n)) for s in cell.states}
        for a in network.layout.arrays:
            if a.name in first.names:
                made[first.names[a.name]] = rng.standard_normal(a.shape(sizes))
        return made

    layer.__name__ = layer.__qualname__ = network.name
    return layer, sequence if steps else step


def _convention(network: Network, cell: Cell, steps: bool) -> Callable[[Sites, Probe], list[Convention]]:
    """The finder that knows: the layout of the framework."""

    def known(sites: Sites, probe: Probe) -> list[Convention]:
        first = network.places[0]
        found: dict[tuple[str, str], list[View]] = {}
        for a in network.layout.arrays:
            if a.name in first.names:
                for (gate, part), view in a.views(network.sizes, (first.names[a.name],)):
                    part = "b" if part == "c" and sites.of(gate, "c") is None else part
                    found.setdefault((gate, part), []).append(view)
        views = {key: tuple(v) for key, v in found.items()}
        roles = {
            q.name: (q.name,) for q in (*cell.inputs, *(s.previous for s in cell.states)) if (q.name,) in probe.base
        }
        returned = {str(path[0]) for path in probe.run(probe.base)}
        names = [name for s in cell.states for name in (s.current.name, s.current.name + LAST)]
        outputs = {name: (name,) for name in names if name in returned}
        axes = {q: "tbf" if q == cell.inputs[0].name else "bf" for q in roles}
        axes |= {name: "bf" if name.endswith(LAST) else "tbf" for name in outputs}
        axes = axes if steps else {}
        order = max((a.gates for a in network.layout.arrays), key=len)
        by_name = len(order) == 1 and len(sites.gates) > 1
        return [Convention(sites, views, roles, 0, outputs, sites.gates if by_name else order, by_name, axes=axes)]

    return known


def _in_its_unit(findings: list[Finding], network: Network) -> list[Finding]:
    """A network in float32 is not imprecise where it is right in float32."""
    if network.unit == U:
        return findings
    text = "run in float32, and right within the rounding of float32"
    return [Finding("float32", "", "", text, f.evidence, NOTE) if f.name == "imprecise" else f for f in findings]


def _departures(results: list[Compared], network: Network) -> list[Finding]:
    """What the whole stack gives and the equations do not, though the first layer is right."""
    wrong = [c for c in results if not c.within()]
    if not wrong:
        return []
    if all(c.within(U32 / network.unit) for c in wrong):
        names = ", ".join(c.name for c in wrong)
        text = f"{names}: off by more than the rounding of float64, by no more than that of float32"
        return [Finding("imprecise", "", network.name, text, _figures(wrong))]
    first = wrong[0]
    right = ", ".join(c.name for c in results if c.within())
    text = (
        f"{first.name} departs first, by {float(np.abs(first.difference).max()):.3g}, where layers or directions meet"
    )
    return [Finding("stack", "", network.name, text, _figures(wrong) + (f"; right: {right}" if right else ""))]


def _wrong_gradients(gradients: list[Compared]) -> list[Finding]:
    wrong = [c for c in gradients if not c.within()]
    if not wrong:
        return []
    names = ", ".join(c.name for c in wrong)
    if all(c.within(U32 / U) for c in wrong):
        text = f"the gradients {names} are off by more than the rounding of float64, by no more than that of float32"
        return [Finding("backward_imprecise", "", names, text, _figures(wrong))]
    right = ", ".join(c.name for c in gradients if c.within())
    text = f"the gradients {names} are wrong"
    return [Finding("backward_wrong", "", names, text, _figures(wrong) + (f"; right: {right}" if right else ""))]


def _figures(found: list[Compared]) -> str:
    rows = [f"{c.name} {c.ulps['scaled']:.3g} ulp (bound {c.ulps['bound']:.2g})" for c in found[:4]]
    return ", ".join(rows) + " scaled"
