"""Calling somebody's backward function: which argument is what, and the gradients that come back by name.

Arguments are gradients from outside (of the states at every step, or after the last one), the cache, results and
arguments of the forward function. A method of the same object runs on the object that the forward method has run on.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from symlstm.checking.calls import SELF, Call, attempt_on, call_of
from symlstm.checking.compare import sizes_of
from symlstm.checking.convention import Convention
from symlstm.checking.cuts import Cuts, split
from symlstm.checking.layout import laid_out
from symlstm.checking.leaves import Leaf, Path, leaves
from symlstm.checking.loop import LAST
from symlstm.checking.probe import Probe, copies, draw
from symlstm.checking.steplists import ANY, gathered, patterns
from symlstm.checking.words import role_of, says_output
from symlstm.errors import ValueUnusable
from symlstm.expr.parsing import parsed

LATE = re.compile(r"last|next|final|_t$|_n$")
ONLY_GRADIENT = tuple("dout d_out douts dy dys grad_output grad_out upstream dnext grad dloss delta dhs dH".split())
DIRECTLY = re.compile(r"(d|grad|up|delta)")
FILLERS = frozenset("next grad d out up t new in seq all last upstream from above".split())
CACHES = ("saved", "ctx", "memo", "context", "tape")


@dataclass(frozen=True)
class Called:
    """above: by state, the gradients from outside, (steps, batch, n) or (batch, n) after the last step; gradients: what
    came back, by name; paths: of what each is the gradient, where that is known; kept: those that an object keeps;
    again: the same call on the same numbers, in arrays of its own; meanings: argument -> of which state or output it
    brings the gradient."""

    above: Mapping[str, list[Any]]
    gradients: Mapping[str, Any]
    paths: Mapping[str, Path] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    again: Callable[[], Call] | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)


def upstream_of(name: str) -> str | None:
    """Which state an argument brings the gradient of: da_next, dnext_h, grad_c, dHout_in, dcn."""
    tokens = [t for t in re.split(r"[^a-z0-9]+", name.lower()) if t not in FILLERS]
    bare = [re.sub(r"^(d|grad)(?=.)", "", t) for t in tokens]
    shorter = [re.sub(r"(next|out|last|in|seq|all|n|t|s)$", "", t) or t for t in bare if t not in FILLERS]
    return next((role for t in (*bare, *shorter) if (role := role_of(t)) in ("h", "c")), None)


def returned_names(function: Any) -> list[str]:
    """The names in the last return statement of a function."""
    while isinstance(function, functools.partial):
        function = function.func
    try:
        tree = parsed(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (TypeError, OSError, SyntaxError):
        return []
    found = [n.value for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value is not None]
    parts = found[-1].elts if found and isinstance(found[-1], ast.Tuple) else found[-1:]
    return [p.id if isinstance(p, ast.Name) else "" for p in parts]


def plain(name: str) -> str:
    """The name of what a gradient is of: dWf -> Wf, grads.dnext_h -> h."""
    last = name.split(".")[-1]
    return re.sub(r"^(grad(ient)?_?|d_?|delta_?)", "", last) or last


def called(
    function: Callable[..., Any] | str,
    convention: Convention,
    probe: Probe,
    arrays: Mapping[Any, Any],
    rng: Any,
    scale: float = 1.0,
) -> Called:
    """Run forward, then backward; ValueUnusable where an argument of the backward function has no meaning that runs.

    scale: the size of the gradients from outside."""
    call = probe.example.call
    forward, twin = call.on(copies(arrays))
    if isinstance(function, str) or (call.owner is not None and getattr(function, "__self__", None) is not None):
        name = function if isinstance(function, str) else function.__name__
        function = getattr(twin if twin is not None else call.owner, name, None)  # type: ignore[assignment]
        if not callable(function):
            raise ValueUnusable(f"{type(call.owner).__name__} has no method {name}")
    assert callable(function)
    problem: ValueUnusable | None = None
    for meanings in _meanings(function, convention):
        above: dict[str, list[Any]] = {}
        values: dict[str, Any] = {}
        for argument, (state, whole) in meanings.items():
            steps = (probe.example.steps,) if whole else ()
            number = scale * draw(rng, (*steps, batch_of(convention, probe), length_of(state, convention, probe)))
            above.setdefault(state, []).append(number)
            values[argument] = _laid_out(number, state, whole, convention, arrays)
        again = partial(_call, function, values, forward, arrays, probe)
        backward = again()
        try:
            returned, kept_on = attempt_on(backward, {})
        except ValueUnusable as error:
            problem = problem or error
            continue
        found = _by_name(function, returned, probe.example.steps)
        kept = _kept(kept_on, found) if kept_on is not None else {}
        of = {name: state for name, (state, _) in meanings.items()}
        gradients, paths = _of_parts(found | kept, call.cuts)
        return Called(above, gradients, paths, kept=frozenset(kept), again=again, meanings=of)
    assert problem is not None
    raise problem


def _call(
    function: Callable[..., Any], values: Mapping[str, Any], forward: Any, arrays: Mapping[Any, Any], probe: Probe
) -> Call:
    """One call of a backward function, on arrays of its own, and on an object as the forward method has left it."""
    used, owner = function, getattr(function, "__self__", None)
    if owner is not None:
        used = getattr(copy.deepcopy(owner), function.__name__)
    return call_of(used, (), _arguments(used, values, copy.deepcopy(forward), arrays, probe))


def batch_of(convention: Convention, probe: Probe) -> int:
    """How many examples a call has: 1 where there is no axis of the batch."""
    x = convention.sites.cell.inputs[0].name
    batched = "b" in convention.axes[x] if convention.sequence else convention.batch is not None
    return probe.example.sizes[2] if batched else 1


def length_of(name: str, convention: Convention, probe: Probe) -> int:
    """The length of a state, or of an output."""
    output = next((q for q in convention.sites.cell.outputs if q.name == name), None)
    return probe.example.sizes[0] if output is None else sizes_of(convention, probe)[output.shape[0]]


def _meanings(function: Callable[..., Any], convention: Convention) -> Iterator[dict[str, tuple[str, bool]]]:
    """Which arguments are gradients of which state or output, and whether at every step: the likeliest first."""
    states = [s.current.name for s in convention.sites.cell.states]
    outputs = [q.name for q in convention.sites.cell.outputs if q.name in convention.outputs]
    found: dict[str, str] = {}
    for name in inspect.signature(function).parameters:
        state = upstream_of(name) if DIRECTLY.match(name.lower()) else None
        if state is None and DIRECTLY.match(name.lower()) and says_output(name):
            found[name] = outputs[0] if outputs else states[0]
            continue
        if state is None and name in ONLY_GRADIENT:
            state = states[0]
        if state in states:
            found[name] = str(state)
    left = [state for state in states if state not in found.values()]
    found |= dict(zip(_like_gradients(function, found, convention), left, strict=False))
    options: list[tuple[bool, ...]] = []
    for name, state in found.items():
        everywhere = convention.sequence and state in convention.outputs
        late = not convention.sequence or LATE.search(name.lower()) or not everywhere
        options.append((False, True) if late else (True, False))
        if not convention.sequence:
            options[-1] = (False,)
    for kinds in itertools.product(*options):
        yield {name: (state, whole) for (name, state), whole in zip(found.items(), kinds, strict=True)}


def _like_gradients(function: Callable[..., Any], known: Mapping[str, str], convention: Convention) -> list[str]:
    """Other arguments that are called like gradients (dhy) and must be given."""
    taken = {str(path[0]) for path in convention.roles.values()}
    parameters = inspect.signature(function).parameters.items()
    must = [name for name, parameter in parameters if parameter.default is parameter.empty and name not in known]
    return [name for name in must if DIRECTLY.match(name.lower()) and name not in taken]


def _laid_out(number: Any, state: str, whole: bool, convention: Convention, arrays: Mapping[Any, Any]) -> Any:
    """Numbers in our order of axes as the function has them."""
    if not convention.sequence:
        if convention.batch is None:  # a vector, a row or a column, as the state itself
            path = convention.roles.get(f"{state}_prev")
            return number[0] if path is None else number.reshape(arrays[path].shape)
        return number if convention.batch == 0 else number.T
    x = convention.axes[convention.sites.cell.inputs[0].name]
    if whole:
        axes = convention.axes.get(state, x)
        listed = ANY in convention.outputs.get(state, ())
        array = laid_out(number, axes.replace("T", "t").replace("U", "t"))
        return list(array) if listed else array
    return laid_out(number, convention.axes.get(state + LAST, x.replace("t", "")))


def _arguments(
    function: Callable[..., Any], values: Mapping[str, Any], forward: Any, arrays: Mapping[Any, Any], probe: Probe
) -> dict[str, Any]:
    """The arguments of a backward function: upstream gradients, the cache, arguments and results of the forward one."""
    call = probe.example.call
    results = returned_names(call.function)
    parts = forward if isinstance(forward, tuple) and len(results) == len(forward) else ()
    by_result = dict(zip(results, parts, strict=False))
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in values:
            found[name] = values[name].copy() if isinstance(values[name], np.ndarray) else list(values[name])
        elif "cache" in name.lower() or name in CACHES:
            found[name] = forward[-1] if isinstance(forward, (tuple, list)) else forward
        elif name in call.arguments:
            found[name] = call.argument(name, copies(arrays))
        elif name in by_result:
            found[name] = by_result[name]
        elif parameter.default is inspect.Parameter.empty and parameter.kind not in (
            inspect.Parameter.VAR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        ):
            raise ValueUnusable(
                f"what {name} of {getattr(function, '__name__', function)} is could not be found out",
                "a backward function takes gradients (dh_next, dc_next), the cache, or arguments of the forward one",
            )
    return found


def _by_name(function: Any, returned: Any, steps: int) -> dict[str, Any]:
    names = returned_names(function)
    if isinstance(returned, tuple) and not hasattr(returned, "_fields") and len(names) == len(returned):
        returned = {name or str(k): part for k, (name, part) in enumerate(zip(names, returned, strict=True))}
    elif isinstance(returned, np.ndarray) and len(names) == 1:
        returned = {names[0]: returned}
    found = leaves(returned)
    wanted = patterns(found, steps) if steps > 1 else set()
    arrays = gathered(found, wanted)
    return {".".join(str(part) for part in path if part != ANY): array for path, array in arrays.items()}


def _of_parts(gradients: Mapping[str, Any], cuts: Cuts) -> tuple[dict[str, Any], dict[str, Path]]:
    """The gradient of a vector of parameters as those of its parts, and what these are of."""
    made: dict[str, Any] = {}
    paths: dict[str, Path] = {}
    for name, array in gradients.items():
        path = next((p for p, parts in cuts.items() if plain(name) == p[-1] and array.shape == (parts[-1].stop,)), None)
        if path is None:
            made[name] = array
            continue
        for leaf in split(Leaf(path, array), cuts):
            made[f"{name}.{leaf.path[-1]}"], paths[f"{name}.{leaf.path[-1]}"] = leaf.array, leaf.path
    return made, paths


def _kept(owner: Any, found: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients that an object keeps: its attributes that are called so."""
    kept = {".".join(map(str, leaf.path[1:])): leaf.array for leaf in leaves(owner, (SELF,))}
    return {name: array for name, array in kept.items() if re.match(r"d|grad", name.lower()) and name not in found}
