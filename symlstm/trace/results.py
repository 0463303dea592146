"""What a cell returns: which of it are the new states, which are outputs, and what everything is called.

Everything that is returned is a state or an output, in tuples, lists and dicts too. Only what stands in a cache is
not: a tuple, list or dict inside what is returned that also holds an argument of the function, as in
`return h, c, (x, h_prev, f, i, parameters)`, is kept for a backward pass and is not a result.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symlstm.errors import CellError
from symlstm.expr.notation import base_of
from symlstm.trace.arguments import Argument, PreviousState
from symlstm.trace.array import LEAF, Place, Reading, Traced
from symlstm.trace.frames import changing
from symlstm.trace.signature import Signature

SEVERAL_STATES = frozenset({"state", "states", "carry", "hidden", "hx", "hc", "s"})
"""Names of arguments that may hold all previous states together."""


def unique_previous(name: str, signature: Signature) -> str:
    """The name of a state argument: itself, or with _prev where it does not say that it is the previous one."""
    return name if name not in signature.states or base_of(name) != name else f"{name}_prev"


@dataclass(frozen=True)
class Returned:
    """A value that is returned: its place (the indices and keys that lead to it), and whether it is in a cache."""

    place: Place
    value: Traced
    in_cache: bool


def results(
    function: Callable[..., Any], signature: Signature, reading: Reading, returned: Any, variables: dict[str, Any]
) -> None:
    """Match what is returned with the states, and name all values: fills states, outputs, places, renamed, names."""
    parts = list(_returned(returned))
    names = _variable_names(function, signature, variables)
    flat = _flatten(returned)
    if not flat:
        raise CellError(f"{signature.states[0]} is a state, but the function returns no array", "return the new states")
    _names_by_key(parts, names, signature)
    states = _states(signature, reading, parts, flat, names)
    outputs: list[Traced] = []
    for part in parts:
        if not part.in_cache and part.value._serial >= 0 and not _in(part.value, [*(v for _, v in states), *outputs]):
            outputs.append(part.value)
    for state, value in states:
        names.setdefault(id(value), _free(base_of(state), names, signature))
    for k, value in enumerate(outputs):
        names.setdefault(id(value), _free("y" if len(outputs) == 1 else f"y{k + 1}", names, signature))
    for value in reading.divided:
        if value._serial >= 0 and id(value) not in names:
            taken = {*variables, *names.values(), *reading.leaves}
            choices = itertools.chain(("z", "a"), (f"z_{k}" for k in itertools.count(1)))
            names[id(value)] = next(name for name in choices if name not in taken)
    reading.states = states
    reading.outputs = [(names[id(v)], v) for v in outputs]
    reading.places = {id(part.value): part.place for part in reversed(parts)}
    reading.renamed = _renamed(signature, reading, variables, names)
    reading.names = {
        v._serial: names[id(v)]
        for v in [*_values(variables, returned), *reading.divided]
        if id(v) in names and v._serial >= 0
    }


def _returned(value: Any, place: Place = (), in_cache: bool = False) -> Iterator[Returned]:
    if isinstance(value, Traced):
        yield Returned(place, value, in_cache)
    elif isinstance(value, (dict, tuple, list)):
        in_cache = in_cache or (bool(place) and any(v._serial == LEAF for v in _flatten(value)))
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _returned(part, (*place, key), in_cache)


def _names_by_key(parts: list[Returned], names: dict[int, str], signature: Signature) -> None:
    """A value that has no other name is called as its key in the dict that is returned."""
    for part in parts:
        key = part.place[-1] if part.place else None
        if isinstance(key, str) and key.isidentifier() and part.value._serial >= 0 and id(part.value) not in names:
            reserved = {unique_previous(s, signature) for s in signature.states}
            names[id(part.value)] = f"{key}_new" if key in reserved else _free(key, names, signature)


def _states(
    signature: Signature, reading: Reading, parts: list[Returned], flat: list[Traced], names: Mapping[int, str]
) -> list[tuple[str, Traced]]:
    """The new value of each previous state, in the order in which they are returned: by name, or else by position."""
    found: dict[str, Traced] = {}
    previous = _previous_states(signature, reading)
    for state in previous:
        wanted = base_of(state)
        for value in flat:
            if base_of(names.get(id(value), "")) == wanted and not _in(value, found.values()):
                found[state] = value
                break
    top = [part.value for part in parts if len(part.place) < 2]
    rest = [v for v in (_flatten(top) or flat) if not _in(v, found.values())]
    rest += [v for v in flat if not _in(v, found.values()) and not _in(v, rest)]
    for state in previous:
        near = [v for v in rest if state not in found and _resembles(names.get(id(v), ""), base_of(state))]
        if near:
            found[state] = near[0]
            rest = [v for v in rest if v is not near[0]]
    for state in previous:
        if state not in found:
            if not rest:
                raise CellError(
                    f"no returned value is the new {base_of(state)} (for {state})", "return every new state"
                )
            unnamed = next((v for v in rest if id(v) not in names), rest[0])
            rest = [v for v in rest if v is not unnamed]
            found[state] = unnamed
    ordered = sorted(previous, key=lambda s: next(k for k, v in enumerate(flat) if v is found[s]))
    return [(s, found[s]) for s in ordered]


def _previous_states(signature: Signature, reading: Reading) -> list[str]:
    """The names of the previous states, one a vector."""
    names: list[str] = []
    for state in signature.states:
        argument = reading.arguments[state]
        names += [p._name for p in argument.parts()] if isinstance(argument, PreviousState) else [state]
    return names


def _renamed(
    signature: Signature, reading: Reading, variables: dict[str, Any], names: Mapping[int, str]
) -> dict[str, str]:
    """Better names for parts of arguments: the local variable that holds one, or the new state's name."""
    renamed = {
        v._name: local
        for local, v in variables.items()
        if isinstance(v, Argument) and v._path[-1][0] == "index" and local not in reading.leaves
    }
    for state, value in reading.states:
        base = base_of(names[id(value)])
        if base_of(state) in SEVERAL_STATES and state in signature.states and base not in reading.leaves:
            renamed[state] = base
    return renamed


def _resembles(name: str, base: str) -> bool:
    """hs, h1, h_new and new_h are names for a new h."""
    return base in (base_of(name).rstrip("s0123456789_"), *name.split("_"))


def _in(value: Any, values: Any) -> bool:
    return any(value is v for v in values)


def _free(name: str, names: Mapping[int, str], signature: Signature) -> str:
    taken = {*names.values(), *signature.inputs, *signature.parameters}
    return name if name not in taken else f"{name}_new"


def _flatten(value: Any) -> list[Traced]:
    if isinstance(value, (Argument, Traced)):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        out: list[Traced] = []
        for part in value:
            out += [v for v in _flatten(part) if not _in(v, out)]
        return out
    return []


def _values(variables: dict[str, Any], returned: Any) -> list[Traced]:
    return _flatten([list(variables.values()), returned])


def _variable_names(function: Callable[..., Any], signature: Signature, variables: dict[str, Any]) -> dict[int, str]:
    """Names by the identity of the value: local variables first, then the keys of dicts."""
    names: dict[int, str] = {}
    arguments = {*signature.inputs, *signature.states, *signature.parameters}
    several = changing(function)
    reserved = (
        {unique_previous(s, signature) for s in signature.states} | set(signature.inputs) | set(signature.parameters)
    )
    for local, value in variables.items():
        if isinstance(value, Traced) and not isinstance(value, Argument) and value._serial >= 0:
            rebound = local in arguments
            if local in several and not rebound:
                continue
            name = local if local not in reserved else f"{local}_new"
            names.setdefault(id(value), name)
    for local, value in variables.items():
        if isinstance(value, dict):
            for key, part in value.items():
                if isinstance(part, Traced) and part._serial >= 0 and str(key).isidentifier():
                    clash = str(key) in names.values() or str(key) in arguments
                    names.setdefault(id(part), f"{local}_{key}" if clash else str(key))
        elif isinstance(value, (list, tuple)):
            for k, part in enumerate(value):
                if isinstance(part, Traced) and part._serial >= 0 and local.isidentifier():
                    names.setdefault(id(part), f"{local}_{k}")
    return names
