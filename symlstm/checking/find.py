"""Finding the convention: by names and shapes, then by what responds to what.

An array is asked one question at a time: which columns stop mattering when h is zero, which unit answers to an entry
off the diagonal. Gates in stacked arrays are told apart by a fingerprint: which results respond to a gate while another
is closed or open or a state is zero; the same questions are put to the cell, and the orders that answer alike remain.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.checking import words
from symlstm.checking.axes import B, M, N
from symlstm.checking.calls import INSIDE, SELF
from symlstm.checking.convention import Convention, View
from symlstm.checking.example import Example
from symlstm.checking.fingerprint import Answers, fingerprint, fingerprint_of_the_cell
from symlstm.checking.flat import advice
from symlstm.checking.leaves import Path
from symlstm.checking.parts import columns, majority, multiplying, parts_of
from symlstm.checking.predictions import others_of, output_paths
from symlstm.checking.probe import Probe
from symlstm.checking.sites import Sites
from symlstm.checking.storage import storage
from symlstm.checking.weights import core, kind
from symlstm.errors import ValueUnusable

Slots = dict[str, list[tuple[str, View]]]
MOST_OUTPUTS = 9
SOME = "#"
"""Slots of arrays that stack only the gates with a peephole, in the order of all gates."""
MOST = 6
SLACK = 4
"""Answers by which a wrong implementation may differ more from the cell in its own order than in another one."""


def find(sites: Sites, probe: Probe) -> list[Convention]:
    """The conventions that fit best, the likeliest first; ValueUnusable says what could not be found out."""
    scored: list[tuple[int, int, Convention]] = []
    for roles, batch in _roles(sites, probe.example):
        state = next(p for q, p in roles.items() if q.endswith("prev"))
        results = state_like(probe, probe.example.shape(state), list(probe.base.values()))
        nearest = [path for path in results if len(path) == len(results[0])]
        results = nearest if len(nearest) >= len(sites.cell.states) else results  # below are a cache, or they again
        slots, by_name = slots_of(sites, probe, roles, results)
        reference = fingerprint_of_the_cell(sites, probe.example, roles)
        scored += scores(sites, probe, slots, by_name, roles, batch, results, reference)
    return ranked(scored)


def scores(
    sites: Sites,
    probe: Probe,
    slots: Slots,
    by_name: bool,
    roles: dict[str, Path],
    batch: int | None,
    results: list[Path],
    reference: Answers,
) -> list[tuple[int, int, Convention]]:
    """Every order of gates and of results, with how many answers differ from those of the cell."""
    gates, states = sites.gates, [s.current.name for s in sites.cell.states]
    scored = []
    views = _views(sites, slots, dict(zip(gates, gates, strict=True)))
    others = others_of(sites, probe.example, set(roles.values()))
    plain = Convention(sites, views, roles, batch, {}, gates, by_name, others=others)
    measured = fingerprint(sites, probe, plain, results)
    for kept in _orders(gates, by_name):
        now = dict(zip(gates, kept, strict=True))
        found = replace(plain, views=_views(sites, slots, now), order=kept)
        answers = {(" ".join(now.get(w, w) for w in s.split()), now[g]): v for (s, g), v in measured.items()}
        for chosen in itertools.permutations(results, min(len(states), len(results))):
            for names in itertools.combinations(states, len(chosen)):
                outputs = dict(zip(names, chosen, strict=True))
                wrong = sum(
                    answers[key][path] != reference[key][name] for key in answers for name, path in outputs.items()
                )
                late = sum(results.index(path) != k for k, path in enumerate(outputs.values()))
                wrong += sum(words.role_of(str(p[-1])) not in (None, n) for n, p in outputs.items() if p)
                scored.append((wrong, late, replace(found, outputs=outputs)))
    if sites.cell.outputs:
        likely = min(scored, key=lambda entry: entry[:2])[2].outputs
        more = output_paths(sites, probe, likely, plain)
        scored = [(wrong, late, _with(c, more)) for wrong, late, c in scored]
    return scored


def ranked(scored: list[tuple[int, int, Convention]]) -> list[Convention]:
    """The conventions whose fingerprint is nearest to that of the cell, the nearest first."""
    scored = sorted(scored, key=lambda entry: (entry[0], entry[1], entry[2].order not in words.ORDERS))
    best, _, likeliest = scored[0]
    first = likeliest.sites.cell.states[0].current.name
    usual = [
        c
        for wrong, late, c in scored
        if c.order in words.ORDERS
        and wrong > best + SLACK
        and (c.outputs == likeliest.outputs or (not late and next(iter(c.outputs)) == first))
    ]
    return [convention for wrong, _, convention in scored if wrong <= best + SLACK][:MOST] + usual


def _with(convention: Convention, more: Mapping[str, Path]) -> Convention:
    free = {name: path for name, path in more.items() if path not in convention.outputs.values()}
    return replace(convention, outputs={**convention.outputs, **free})


def with_outputs(convention: Convention, probe: Probe) -> Convention:
    """The convention of a step, with the outputs of its cell where they are among the results."""
    return _with(convention, output_paths(convention.sites, probe, convention.outputs, convention))


def _orders(gates: tuple[str, ...], by_name: bool) -> Iterator[tuple[str, ...]]:
    yield from (gates,) if by_name else itertools.permutations(gates)


def _roles(sites: Sites, example: Example) -> list[tuple[dict[str, Path], int | None]]:
    """The arrays of x and of the states, and the axis of the batch: the likeliest by name, then other orders of states.

    Other orders are asked about where the names do not tell every state.
    """
    cell = sites.cell
    names = [s.current.name for s in cell.states]
    batched = [path for path, axes in example.templates.items() if B in axes]
    if not batched:
        batched = _vectors(sites, example)
    axis = next((example.templates[p].index(B) for p in batched if B in example.templates[p]), None)
    inputs = [p for p in batched if M in example.templates[p]]
    states = [p for p in batched if N in example.templates[p]] or _kept(example, names)
    if not inputs or not states:
        have = ", ".join(".".join(map(str, p)) for p in example.templates)
        raise ValueUnusable(
            f"which argument is {'x' if not inputs else 'the state'} could not be found out (arrays: {have})",
            "name the arguments x, h_prev, c_prev in the example, or give example= as a function of (n, m, batch, rng)",
        )
    by_name: dict[str, Path] = {}
    for name in names:
        ranks = {p: words.rank(name, str(p[-1])) for p in states if p not in by_name.values()}
        known = {p: rank for p, rank in ranks.items() if rank is not None}
        if known:
            by_name[name] = min(known, key=lambda p: known[p])
    free = [p for p in states if p not in by_name.values()]
    unnamed = [name for name in names if name not in by_name]
    first = by_name | dict(zip(unnamed, free, strict=False))
    if missing := [s.previous.name for s in cell.states if s.current.name not in first]:
        have = ", ".join(".".join(map(str, p)) for p in example.templates)
        raise ValueUnusable(
            f"{' and '.join(missing)} of {cell.name} is not among the arguments (arrays: {have})",
            "is it another cell (--cell gru, rnn)? Else give every previous state in the example",
        )
    choices = [first]
    if unnamed:
        choices += [dict(zip(names, order, strict=True)) for order in itertools.permutations(first.values())]
    found = []
    for choice in choices:
        roles = {f"{cell.inputs[0].name}": inputs[0]}
        roles |= {s.previous.name: choice[s.current.name] for s in cell.states if s.current.name in choice}
        if (roles, axis) not in found:
            found.append((roles, axis))
    return found


def _kept(example: Example, names: list[str]) -> list[Path]:
    """The states that an object keeps: its vectors, columns or rows of n that are called so (self.h)."""
    own = {p: core(axes) for p, axes in example.templates.items() if p[0] == SELF and len(p) == 2}
    return [p for p, axes in own.items() if N in axes and set(axes) <= {N, B} and words.role_of(str(p[-1])) in names]


def _vectors(sites: Sites, example: Example) -> list[Path]:
    """Without a batch: vectors that are called x, h or c, and as many more beside x as there are states."""
    vectors = [p for p, axes in example.templates.items() if core(axes) in ([N], [M]) and p[0] not in INSIDE]
    named = {words.role_of(str(p[-1])): p for p in reversed(vectors)}
    found = [named[r] for r in ("x", "h", "c") if r in named]
    if not found:
        return vectors[: 1 + len(sites.cell.states)]
    depth = len(found[0])
    near = [p for p in vectors if len(p) == depth and p not in found and N in example.templates[p]]
    loose = [p for p in near if words.gate_of(str(p[-1]), sites.aliases) is None or words.role_of(str(p[-1]))]
    return [*found, *loose[: max(0, 1 + len(sites.cell.states) - len(found))]]


def state_like(probe: Probe, shape: tuple[int, ...], given: list[Any]) -> list[Path]:
    """The returned arrays that may be states: of their shape, and none of what went in; those nearest the top first."""
    returned = probe.results()
    found: list[Path] = []
    for path, array in sorted(returned.items(), key=lambda item: len(item[0])):
        same = [p for p in found if np.array_equal(returned[p], array)]
        went_in = any(a.shape == array.shape and np.array_equal(a, array) for a in given)
        if array.shape == shape and not same and not went_in:
            found.append(path)
    shallow = [p for p in found if len(p) == len(found[0])] if found else []
    if not found:
        raise ValueUnusable(
            f"nothing that {probe.example.call.name} returns has the shape {shape} of a state",
            "it must return the new states",
        )
    return (shallow if len(shallow) > 1 else found)[:MOST_OUTPUTS]


def slots_of(sites: Sites, probe: Probe, roles: Mapping[str, Path], results: list[Path]) -> tuple[Slots, bool]:
    """For each slot (a gate by name, or a number) its parts; and whether names say all.

    The probe sees a step with a previous state that is not zero: the first, or, where it starts from zero, the second.
    """
    example = probe.example
    own = {path for path, _ in others_of(sites, example, set(roles.values())).values()} | storage(probe)
    params = [p for p in example.templates if p not in roles.values() and p not in own]
    read = {p: kind(example.templates[p], len(sites.gates)) for p in params}
    kinds = {p: kind for p, kind in read.items() if kind is not None}
    if not kinds:
        vectors = {p: math.prod(example.shape(p)) for p in params if len(core(example.templates[p])) == 1}
        hint = advice(example.call, vectors) if vectors else "weights are arrays with an axis of n, or of all gates"
        raise ValueUnusable("no weights were found in the example", hint)
    names, by_name = _named_slots(sites, kinds)
    slots: Slots = {}
    turned = majority(probe, results, kinds)
    orders = {p: columns(probe, p, width, roles, results) for p, (_, width) in kinds.items()}
    seen = [order for order in orders.values() if order]
    usual = max(seen, key=seen.count, default="hx")
    for p, (blocks, width) in kinds.items():
        for k in range(blocks):
            slot = (names.get(p) if blocks == 1 else str(k)) if len(sites.gates) > 1 else sites.gates[0]
            if width is None and 1 < blocks == multiplying(sites) != len(sites.gates):
                slots.setdefault(f"{SOME}{k}", []).append(("p", View(p, k, blocks)))
            elif slot is not None and blocks in (1, len(sites.gates)):
                many = len(core(example.templates[p])) == 3
                for part, view in parts_of(sites, probe, p, k, blocks, width, turned, orders[p] or usual):
                    slots.setdefault(slot, []).append((part, replace(view, own_axis=many)))
    return slots, by_name


def _named_slots(sites: Sites, kinds: Mapping[Path, tuple[int, Any]]) -> tuple[dict[Path, str | None], bool]:
    """The slot of each array that holds one gate: the gate that its name says, else its place among those of its kind;
    and whether names say all."""
    singles = [p for p, (blocks, _) in kinds.items() if blocks == 1]
    if len(sites.gates) == 1:
        return dict.fromkeys(singles, sites.gates[0]), True
    names: dict[Path, str | None] = {}
    for p in singles:
        own = words.gate_of(str(p[-1]), sites.aliases)
        names[p] = own or words.gate_of(".".join(str(s) for s in p[-2:]), sites.aliases)
    letters = {p: words.last_letter(str(p[-1]), sites.aliases) for p in singles}
    if _even(letters) and not _even(names):
        names = letters
    if any(blocks == len(sites.gates) for blocks, _ in kinds.values()):
        return names, False
    if {names[p] for p in singles} - {None} == set(sites.gates):
        return names, True
    groups: dict[Any, list[Path]] = {}
    for p in singles:
        groups.setdefault((kinds[p], words.side_of(str(p[-1])) or ""), []).append(p)
    for members in groups.values():
        if len(members) == len(sites.gates):
            names |= {p: str(k) for k, p in enumerate(members)}
    return names, False


def _even(names: Mapping[Path, str | None]) -> bool:
    """Whether each gate has as many arrays as the others."""
    gates = list(names.values())
    return None not in gates and len({gates.count(gate) for gate in gates}) == 1


def _views(sites: Sites, slots: Slots, gate_of_slot: Mapping[str, str]) -> dict[tuple[str, str], tuple[View, ...]]:
    """Slots with gates for their numbers."""
    order = list(gate_of_slot.values())
    views: dict[tuple[str, str], tuple[View, ...]] = {}
    for slot, parts in slots.items():
        some = [gate for gate in order if sites.of(gate, "p")]
        gate = order[int(slot)] if slot.isdigit() else some[int(slot[1:])] if slot[0] == SOME else slot
        for part, view in parts:
            if part in "cp" and sites.of(gate, part) is None:
                part = "b"
            if part == "b" and (gate, "b") in views and view.cols is None and not views.get((gate, "c")):
                part = "c" if sites.of(gate, "c") else "b"  # of two biases without names the second is added inside
            views[gate, part] = (*views.get((gate, part), ()), view)
    return views
