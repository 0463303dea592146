"""The gradients that a library gives of an implementation, by running somebody's code backward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symlstm.checking.backward_call import Called
from symlstm.checking.backward_loop import derived
from symlstm.checking.calls import SELF, Call, attempt
from symlstm.checking.convention import Convention
from symlstm.checking.leaves import Path, leaves, own_arrays, picked
from symlstm.checking.loop import LAST
from symlstm.checking.probe import Probe, copies, draw
from symlstm.checking.steplists import ANY, members
from symlstm.checking.tensors import Kind, kind_of, running
from symlstm.errors import ValueUnusable


class NoGradient(ValueUnusable):
    """No gradient reaches anything: for the library the results do not depend on what goes in."""


@dataclass(frozen=True)
class Derivatives:
    """In place of a backward function: what the library itself gives."""

    kind: Kind
    given: Mapping[Path, Any]
    known: dict[Any, Any] = field(default_factory=dict)
    """What the library has compiled."""

    def called(self, convention: Convention, probe: Probe, arrays: Mapping[Path, Any], rng: Any) -> Called:
        """Upstream gradients at random, and the gradients by name; ValueUnusable where the library fails."""
        call = replace(probe.example.call, compiled=None)
        returned = probe.run(arrays)
        inner = [leaf.path for leaf in leaves(attempt(probe.example.call, copies(arrays)))]
        known = {q.name for q in derived(convention.sites.cell).upstream}
        above: dict[str, list[Any]] = {}
        weights: list[tuple[Path, Any]] = []
        for name, path in convention.outputs.items():
            if (state := name.removesuffix(LAST)) in known and path in returned:
                weight = _without_initial(draw(rng, returned[path].shape), convention.axes.get(name, ""))
                above.setdefault(state, []).append(convention.standard(name, weight))
                places = [path] if ANY not in path else members(inner, path)
                weights += [(path, weight)] if ANY not in path else list(zip(places, weight, strict=True))
        paths = [path for path in arrays if path in self.given]
        like = self.given[paths[0]]

        def run(tensors: Any) -> Any:
            return call({**copies(arrays), **dict(zip(paths, tensors, strict=True))})

        def total(found: Any, above: Any) -> Any:
            return sum((w * picked(found, path)).sum() for (path, _), w in zip(weights, above, strict=True))

        try:
            with running(call.precision):
                tensors = [self.kind.like(arrays[path], self.given[path], call.precision) for path in paths]
                numbers = [self.kind.like(w, like, call.precision) for _, w in weights]
                compiled = self.known if len(paths) == len(arrays) and not call.globals else {}
                found = self.kind.gradients(run, total, tensors, numbers, compiled)
        except Exception as error:  # somebody's code: anything may happen
            why = " ".join(str(error).split())
            raise ValueUnusable(f"{call.name} cannot be differentiated: {type(error).__name__}: {why}") from error
        if all(gradient is None for gradient in found):
            raise NoGradient(f"no gradient reaches what goes into {call.name}")
        names = {path: f"d {'.'.join(str(part) for part in path if part != SELF)}" for path in paths}
        zero = {path: np.zeros(np.shape(arrays[path])) for path in paths}
        gradients = {names[p]: zero[p] if g is None else g for p, g in zip(paths, found, strict=True)}
        return Called(above, gradients, {name: path for path, name in names.items()})


def derivatives_of(call: Call) -> Derivatives | None:
    """The library's own derivatives of a call, where it is one that has them."""
    if call.precision == "single":
        return None
    given: dict[Path, Any] = {}
    for path, array in own_arrays(call.inside):
        stacked = path[:1] in call.stacked
        given.setdefault(path[:1] if stacked else path, array)
    kinds = [kind_of(array) for array in given.values()]
    kind = kinds[0] if kinds else None
    if kind is None or any(other is not kind for other in kinds):
        return None
    if call.owner is not None and not kind.differentiates(call.owner):
        return None
    return Derivatives(kind, given)


def _without_initial(weight: Any, axes: str) -> Any:
    """Zero where the initial state is among the results."""
    for letter, place in (("T", 0), ("U", -1)):
        if letter in axes:
            weight[(slice(None),) * axes.index(letter) + (place,)] = 0.0
    return weight
