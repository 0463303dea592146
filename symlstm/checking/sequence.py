"""Finding the convention of a whole sequence: which axis is the time, what is returned, then the gates by single steps.

Where the sequence can be one step long, the gates are found as those of a step are; where it starts from zeros inside,
the recurrent weights are looked at in the second step.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symlstm.checking import words
from symlstm.checking.axes import LETTERS, ONE, B, N
from symlstm.checking.calls import SELF
from symlstm.checking.compare import sizes_of
from symlstm.checking.convention import Convention
from symlstm.checking.find import ranked, scores, slots_of, state_like
from symlstm.checking.fingerprint import fingerprint_of_the_cell
from symlstm.checking.layout import standard
from symlstm.checking.leaves import Path
from symlstm.checking.loop import LAST
from symlstm.checking.predictions import following
from symlstm.checking.probe import Probe
from symlstm.checking.sites import Sites
from symlstm.errors import ValueUnusable


class AtStep(Probe):
    """Asking about one step of a sequence: what is returned at that step, (batch, n)."""

    def __init__(self, probe: Probe, axes: Mapping[Path, str], steps: int, step: int) -> None:
        vars(self).update(vars(probe.of_length(steps)), silent=probe.silent)  # silent in the whole sequence
        self.axes, self.step = axes, step

    def run(self, arrays: Mapping[Path, Any]) -> dict[Path, Any]:
        found = super().run(arrays)
        made = {path: standard(found[path], axes) for path, axes in self.axes.items() if path in found}
        return {path: array[self.step] if array.ndim == 3 else array for path, array in made.items()}


@dataclass(frozen=True)
class Layout:
    """roles: quantity -> path; inputs: the axes of these by name; outputs: the axes of results by path; confused:
    whether the axis that the example calls the batch is the one that is run along."""

    roles: dict[str, Path]
    inputs: dict[str, str]
    outputs: dict[Path, str]
    confused: bool = False


def find_sequence(sites: Sites, probe: Probe) -> list[Convention]:
    """The conventions that fit best, the likeliest first; ValueUnusable says what could not be found out."""
    layout = layout_of(sites, probe)
    example = probe.example
    n = example.sizes[0]
    given = len(layout.roles) == 1 + len(sites.cell.states)
    lengths = (1, 2) if example.any_length and not layout.confused else (example.steps,)
    last_problem: ValueUnusable | None = None
    for length in lengths:
        steps = example.sizes[2] if layout.confused else length
        looked = AtStep(probe, layout.outputs, length, steps - 1)
        previous = [s.previous.name for s in sites.cell.states if s.previous.name in layout.roles]
        states = {q: standard(looked.base[layout.roles[q]], layout.inputs[q]) for q in previous}
        width = next(iter(looked.run(looked.base).values())).shape[0]
        try:
            results = state_like(looked, (width, n), list(states.values()))
        except ValueUnusable as problem:
            last_problem = problem
            continue
        second = looked if given else AtStep(probe, layout.outputs, max(2, min(lengths)), 1)
        if not given and len(lengths) == 1 and all("t" not in a.lower() for a in layout.outputs.values()):
            second = looked
        slots, by_name = slots_of(sites, second, layout.roles, results)
        reference = fingerprint_of_the_cell(sites, example, layout.roles, steps)
        found = ranked(scores(sites, looked, slots, by_name, layout.roles, 0, results, reference))
        whole = [_whole(convention, layout, looked, states) for convention in found]
        return [with_predictions(convention, probe) for convention in whole]
    assert last_problem is not None
    raise last_problem


def _whole(convention: Convention, layout: Layout, looked: AtStep, initial: dict[str, Any]) -> Convention:
    """The convention of a step as that of the sequence: each result is a state at every step, or the last one.

    What is returned nearer to the top and begins with the initial state is a state too, a step late.
    """
    returned = looked.run(looked.base)
    outputs: dict[str, Path] = {}
    axes = dict(layout.inputs)
    for state, chosen in convention.outputs.items():
        for path in (chosen, *sorted(layout.outputs, key=len)):
            if path in returned and np.array_equal(returned[path], returned[chosen]):
                name = state if "t" in layout.outputs[path].lower() else state + LAST
                if name not in outputs:
                    outputs[name], axes[name] = path, layout.outputs[path]
    first = AtStep(looked, layout.outputs, looked.example.steps, 0)
    first.base = looked.base
    at_first = first.run(looked.base)
    for s in convention.sites.cell.states:
        for path in sorted(layout.outputs, key=len):
            late = s.previous.name in initial and np.array_equal(at_first.get(path, 0), initial[s.previous.name])
            name = s.current.name if "t" in layout.outputs[path].lower() else s.current.name + LAST
            if late and (name not in outputs or len(path) < len(outputs[name])):
                outputs = {other: taken for other, taken in outputs.items() if taken != path}
                outputs[name], axes[name] = path, layout.outputs[path]
    return replace(convention, outputs=outputs, axes=axes, confused=layout.confused)


def with_predictions(convention: Convention, probe: Probe) -> Convention:
    """With the outputs of the cell at every step: of the results that could be them the nearest to what h says.

    A convention whose sequence of states, or whose parameters of the outputs, are not at hand stays as it is.
    """
    sizes, returned = sizes_of(convention, probe), probe.results()
    cell = convention.sites.cell
    outputs, axes = dict(convention.outputs), dict(convention.axes)
    batch = probe.example.sizes[2] if "b" in axes[cell.inputs[0].name] else None
    for q in cell.outputs:
        wanted = following(q, convention, probe, returned)
        if wanted is None:
            continue
        fitting = []
        for path in returned:
            if path not in outputs.values():
                for text in _readings(returned[path].shape, sizes[q.shape[0]], batch, probe.example.steps):
                    array = standard(returned[path], text)
                    if array.shape == wanted.shape:
                        fitting.append((str(path[-1]) != q.name, np.abs(array - wanted).max(), path, text))
        if fitting:
            _, _, outputs[q.name], axes[q.name] = min(fitting, key=lambda entry: entry[:2])
    return replace(convention, outputs=outputs, axes=axes)


def layout_of(sites: Sites, probe: Probe) -> Layout:
    """Roles and axes, from the templates of the example and by what responds to what."""
    example = probe.example
    assert example.x is not None
    x = sites.cell.inputs[0].name
    roles = {x: example.x, **_states(sites, probe)}
    inputs = {q: "".join(LETTERS[axis] for axis in example.templates[path]) for q, path in roles.items()}
    outputs = _outputs(probe, inputs[x])
    if "b" in inputs[x] and (example.steps > 2 or example.sizes[2] > 2) and _confused(probe, inputs[x], outputs):
        swap = str.maketrans("tb", "bt")
        inputs[x] = inputs[x].translate(swap)
        outputs = {path: axes.translate(swap) for path, axes in outputs.items()}
        return Layout({x: roles[x]}, {x: inputs[x]}, outputs, True)
    return Layout(roles, inputs, outputs)


def _states(sites: Sites, probe: Probe) -> dict[str, Path]:
    """The initial states among the arguments: with a batch by their axes, else by their names."""
    example = probe.example
    candidates = []
    for path, axes in example.templates.items():
        rest = [axis for axis in axes if axis != ONE]
        named = words.role_of(str(path[-1])) in ("h", "c")
        if path[0] == SELF and path in probe.written:  # set to zero before the first step
            continue
        if path != example.x and N in rest and (sorted(rest) == sorted([B, N]) or (rest == [N] and named)):
            candidates.append(path)
    found: dict[str, Path] = {}
    for state in sites.cell.states:
        named_so = [p for p in candidates if words.role_of(str(p[-1])) == state.current.name]
        left = [p for p in candidates if p not in found.values() and words.role_of(str(p[-1])) is None]
        for path in (*named_so, *left)[:1]:
            found[state.previous.name] = path
    return found


def _outputs(probe: Probe, x: str) -> dict[Path, str]:
    """The results that may be states, at every step or at the last, with what their axes count."""
    example = probe.example
    n, _, batch = example.sizes
    returned = probe.results()
    found: dict[Path, str] = {}
    for path, array in returned.items():
        options = _readings(array.shape, n, batch if "b" in x else None, example.steps)
        if len(options) > 1:
            options = sorted(options, key=lambda axes: -_fits(probe, path, axes, x))
        if options:
            found[path] = _initial_first(probe, path, options[0])
    if not found:
        raise ValueUnusable(
            f"nothing that {example.call.name} returns has the shape of states (n = {n}, batch = {batch}, "
            f"steps = {example.steps}): {', '.join(str(a.shape) for a in returned.values())}",
            "it must return the states at every step, or the last ones",
        )
    return found


def _readings(shape: tuple[int, ...], n: int, batch: int | None, steps: int) -> list[str]:
    """What the axes may count: features, the batch where there is one, and the steps or none."""
    letters = {"f": n, "t": steps, "T": steps + 1, "1": 1} | ({} if batch is None else {"b": batch})
    found = []
    for axes in itertools.product(*[[name for name, size in letters.items() if size == length] for length in shape]):
        text = "".join(axes)
        times = sum(text.count(letter) for letter in "tT")
        if text.count("f") == 1 and times <= 1 and text.count("b") == (batch is not None):
            found.append(text)
    return found


def _moved(probe: Probe, x: str, letter: str, index: int) -> dict[Path, Any]:
    """Which entries of the results change with one step, or one item of the batch, of x."""
    path = probe.example.x
    assert path is not None
    arrays = {**probe.base, path: probe.base[path].copy()}
    place: list[Any] = [slice(None)] * arrays[path].ndim
    place[x.index(letter)] = index
    arrays[path][tuple(place)] += 0.25
    before, after = probe.run(probe.base), probe.run(arrays)
    return {p: before[p] != after[p] for p in before if p in after and before[p].shape == after[p].shape}


def _fits(probe: Probe, path: Path, axes: str, x: str) -> int:
    """How well a reading fits what changes: another item of the batch changes nothing, a later step nothing earlier."""
    score = 0
    if "b" in axes:
        changed = np.moveaxis(_moved(probe, x, "b", 0)[path], axes.index("b"), 0)
        score += 2 * (not changed[1:].any()) + bool(changed[0].any())
    if "t" in axes.lower():
        changed = np.moveaxis(_moved(probe, x, "t", probe.example.steps - 1)[path], axes.lower().index("t"), 0)
        score += 2 * (not changed[:-1].any()) + bool(changed[-1].any())
    return score


def _initial_first(probe: Probe, path: Path, axes: str) -> str:
    """With one step more than the input has: whether the initial state is the first, or the last."""
    if "T" not in axes:
        return axes
    x = probe.example.x
    assert x is not None
    other = {**probe.base, x: probe.base[x] * 0.5}
    changed = np.moveaxis(probe.run(probe.base)[path] != probe.run(other)[path], axes.index("T"), 0)
    return axes.replace("T", "U") if changed[0].any() and not changed[-1].any() else axes


def _confused(probe: Probe, x: str, outputs: Mapping[Path, str]) -> bool:
    """Whether later items of the batch depend on earlier ones, and steps not on each other."""
    along_batch, along_time = False, False
    by_item, by_step = _moved(probe, x, "b", 0), _moved(probe, x, "t", 0)
    for path, axes in outputs.items():
        if "b" in axes and "t" in axes:
            along_batch |= bool(np.moveaxis(by_item[path], axes.index("b"), 0)[1:].any())
            along_time |= bool(np.moveaxis(by_step[path], axes.index("t"), 0)[1:].any())
    return along_batch and not along_time
