"""What is returned beside what was compared: an old state, states in another order than they go in, another h."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symlstm.checking.convention import Convention
from symlstm.checking.leaves import Path
from symlstm.checking.loop import LAST
from symlstm.checking.probe import Probe
from symlstm.checking.report import NOTE, WRONG, Finding
from symlstm.checking.words import role_of

SAYS_HIDDEN = ("output", "outputs", "out")
Arrays = Mapping[Path, Any]


def returns(convention: Convention, probe: Probe) -> list[Finding]:
    """What is wrong with what is returned, other than its numbers."""
    returned = probe.run(probe.base)
    found = [*_old(convention, probe, returned), *_exchanged(convention, probe, returned)]
    if not convention.sequence and not convention.sites.cell.outputs:
        found += _another_hidden_state(convention, probe, returned)
    return found


def _old(convention: Convention, probe: Probe, returned: Arrays) -> Iterator[Finding]:
    """A state that is not returned, where the one that went in is."""
    names = {name.removesuffix(LAST) for name in convention.outputs}
    results = probe.results()
    for state in convention.sites.cell.states:
        path = convention.roles.get(state.previous.name)
        if state.current.name in names or path is None:
            continue
        given = probe.base[path]
        same = [p for p, a in returned.items() if p in results and a.shape == given.shape and np.array_equal(a, given)]
        if same:
            of, c = _said(same[0]), state.current.name
            message = f"{c} is returned as it went in: the result {of} is the {c} before the step, not after it"
            yield Finding("returned_old", c, probe.example.call.line, message, f"it equals {_said(path)} to the bit")


def _exchanged(convention: Convention, probe: Probe, returned: Arrays) -> Iterator[Finding]:
    """States that go in as (h, c), or by name, in one container, and come out as (c, h) in one like it."""
    names = [s.current.name for s in convention.sites.cell.states]
    inside = {name: convention.roles.get(f"{name}_prev", ()) for name in names}
    outside = {name: convention.outputs.get(name + LAST, convention.outputs.get(name)) for name in names}
    holders = {path[:-1] for path in inside.values()}
    if len(names) < 2 or len(holders) != 1 or not next(iter(holders)) or None in outside.values():
        return
    keys = {name: path[-1] for name, path in inside.items()}
    for holder in dict.fromkeys(path[:-1] for path in returned):
        held = {path[-1]: array for path, array in returned.items() if path[:-1] == holder}
        if set(held) != set(keys.values()) or (not holder and all(isinstance(key, int) for key in held)):
            continue
        where = {name: [k for k, a in held.items() if _same(a, returned[outside[name]])] for name in names}  # type: ignore[index]
        if all(len(found) == 1 for found in where.values()) and any(where[n] != [keys[n]] for n in names):
            went, came = (", ".join(sorted(names, key=lambda n: str(at[n]))) for at in (keys, _first(where)))
            message = f"the states go in as ({went}) and come out as ({came}): in the next step they are exchanged"
            evidence = f"{_said(next(iter(holders)))} beside the result {_said(holder)}"
            yield Finding("states_exchanged", "", probe.example.call.line, message, evidence)


def _first(where: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {name: found[0] for name, found in where.items()}


def _another_hidden_state(convention: Convention, probe: Probe, returned: Arrays) -> Iterator[Finding]:
    """A result nearer to the top than h, of its shape, that is another one."""
    path = convention.outputs.get("h")
    if path is None:
        return
    compared = [returned[p] for p in convention.outputs.values() if p in returned]
    given = list(probe.base.values())
    for other, array in returned.items():
        near = len(other) < len(path) and array.shape == returned[path].shape
        if not near or any(_same(array, a) for a in (*compared, *given)):
            continue
        says = bool(other) and (role_of(str(other[-1])) == "h" or str(other[-1]).lower() in SAYS_HIDDEN)
        of = _said(other)
        message = f"the result {of} has the shape of h and is another than h, which is the result {_said(path)}"
        evidence = f"the largest difference is {np.abs(array - returned[path]).max():.2g}"
        where = probe.example.call.line
        yield Finding("another_h", "h" if says else "", where, message, evidence, WRONG if says else NOTE)


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and np.array_equal(a, b)


def _said(path: Path) -> str:
    return ".".join(map(str, path)) or "itself"
