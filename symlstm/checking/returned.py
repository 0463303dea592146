"""The gradients that came back: of which array each is, which have another shape than it, and which are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.backward_call import Called, plain, upstream_of
from symlstm.checking.convention import Convention
from symlstm.checking.leaves import Path
from symlstm.checking.report import NOTE, Finding
from symlstm.checking.words import role_of


@dataclass(frozen=True)
class Gradient:
    """A result of a backward function: its name, its numbers, and the path of the array that it is of (None: unknown).

    named: whether it is called after that array. fits: whether it has its shape, or as many numbers in another one.
    """

    name: str
    array: Any
    path: Path | None
    named: bool = False
    fits: bool = False


def gradients_of(convention: Convention, arrays: Mapping[Path, Any], given: Called) -> list[Gradient]:
    """Every result of a backward function, reshaped where it fits: told by its name, else by its shape and place."""
    paths = {name: (given.paths.get(name) or _called_so(plain(name), arrays)) for name in given.gradients}
    named = {name for name, path in paths.items() if path is not None}
    for name in given.gradients:
        path = _of_a_role(name, convention)
        if paths[name] is None and path not in paths.values():
            paths[name] = path
    by_place = _by_place({name: a for name, a in given.gradients.items() if paths[name] is None}, paths, arrays)
    made = []
    for name, array in given.gradients.items():
        path = paths[name] or by_place.get(name)
        said = f"d{path[-1]}" if path is not None and name in by_place else name
        shape = None if path is None else arrays[path].shape
        fits = shape is not None and array.size == np.prod(shape, dtype=int)
        made.append(Gradient(said, array.reshape(shape) if fits else array, path, name in named, fits))
    return made


def _called_so(name: str, arrays: Mapping[Path, Any]) -> Path | None:
    """The array of that name."""
    exactly = next((p for p in arrays if p and p[-1] == name), None)
    return exactly or next((p for p in arrays if p and str(p[-1]).lower() == name.lower()), None)


def _of_a_role(name: str, convention: Convention) -> Path | None:
    """x or a previous state, where the name of its gradient says so: dx_t, da_prev, dhnext."""
    role = role_of(plain(name)) or upstream_of(name)
    return convention.roles.get(role if role == "x" else f"{role}_prev") if role else None


def _by_place(
    unnamed: Mapping[str, Any], known: Mapping[str, Path | None], arrays: Mapping[Path, Any]
) -> dict[str, Path]:
    """What results without a name are gradients of: of one shape as many as there are arrays left, in their order."""
    found: dict[str, Path] = {}
    numbered = {name: array for name, array in unnamed.items() if name.isdecimal()}
    for shape in {array.shape for array in numbered.values()}:
        own = [name for name, array in numbered.items() if array.shape == shape]
        left = [p for p, array in arrays.items() if array.shape == shape and p not in known.values()]
        if len(own) == len(left):
            found |= dict(zip(own, left, strict=True))
    return found


def misshapen(convention: Convention, arrays: Mapping[Path, Any], given: Called) -> list[Finding]:
    """Gradients of parameters and x that have not the shape of what they are of; of a step, those of states too."""
    states = [path for q, path in convention.roles.items() if q.endswith("prev")]
    found = []
    for g in gradients_of(convention, arrays, given):
        if g.path is None or g.fits or not g.named or (convention.sequence and g.path in states):
            continue
        of = ".".join(map(str, g.path))
        message = f"the gradient {g.name} has the shape {g.array.shape}, and {of} has {arrays[g.path].shape}"
        found.append(Finding("gradient_shape", "", g.name, message, _why(g.array.shape, arrays[g.path].shape)))
    return found


def uncompared(convention: Convention, arrays: Mapping[Path, Any], given: Called) -> list[Finding]:
    """Results of which it is not known what they are gradients of; parameters of which no gradient came back."""
    all_of = gradients_of(convention, arrays, given)
    reached = {g.path for g in all_of}
    found = []
    unknown = [g.name for g in all_of if g.path is None and g.name not in given.kept]
    if unknown:
        said = ", ".join(unknown)
        message = f"what the results {said} of the backward function are gradients of is not known: not compared"
        found.append(Finding("gradient_unknown", "", said, message, "names such as dW_f, db, dx, dh_prev say it", NOTE))
    parameters = dict.fromkeys(view.path for views in convention.views.values() for view in views)
    if any(q.name in given.above for q in convention.sites.cell.outputs):  # else no gradient goes into them
        parameters |= dict.fromkeys(path for path, _ in convention.others.values())
    missing = [path for path in parameters if path not in reached]
    states = [path for path in convention.roles.values() if path not in reached] if not convention.sequence else []
    some = len(missing) < len(parameters)
    if missing and some and not unknown:
        said = _said(missing)
        message = f"the backward function gives no gradient of {said}"
        found.append(Finding("gradient_missing", "", said, message, "it gives those of other parameters"))
        missing = []
    if missing + states:
        said = _said(missing + states)
        message = f"no gradient of {said} was found among what the backward function gives: not compared"
        found.append(Finding("gradient_not_given", "", said, message, "", NOTE))
    return found


def _said(paths: list[Path]) -> str:
    return ", ".join(".".join(map(str, path)) for path in paths)


def _why(shape: tuple[int, ...], right: tuple[int, ...]) -> str:
    """What a shape says of how it came about."""
    size, wished = int(np.prod(shape)), int(np.prod(right))
    if size > wished:
        return "it is to be summed over the batch" if size % wished == 0 else "a sum over an axis is missing"
    return "a gradient has the shape of what it is of: it was summed over an axis too many, or the wrong one"
