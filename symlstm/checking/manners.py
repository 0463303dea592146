"""What a function must not do: change what it is given, answer differently each time, keep a state, return NaN."""

from __future__ import annotations

import copy
import inspect
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as File
from typing import Any

import numpy as np

from symlstm.checking.calls import Call, attempt
from symlstm.checking.convention import Convention
from symlstm.checking.globals import code_inside, plain_function
from symlstm.checking.leaves import Path, leaves
from symlstm.checking.probe import Probe, drawn
from symlstm.checking.report import NOTE, Finding
from symlstm.errors import ValueUnusable

FAR = 800.0
"""A pre-activation at which exp overflows in float64."""
NARROW = re.compile(r"float32|float16|bfloat16|\bhalf\b|\bsingle\b|['\"]f[24]?['\"]")


def manners(probe: Probe) -> list[Finding]:
    """Changed inputs, chance, states that are kept, results that are not finite."""
    call, arrays = probe.example.call, probe.base
    given = {path: array.copy() for path, array in arrays.items()}
    first = _answer(call, given)
    found = changed(call.line, given, {p: a for p, a in arrays.items() if p not in probe.written})
    with _environment(call) as differs:
        second = _answer(call, {p: a.copy() for p, a in arrays.items()})
        kept = differs()
    if not _equal(first, second):
        found.append(_differing(call, arrays, kept))
    if any(not np.isfinite(a).all() for a in first):
        message, evidence = "the result holds NaN or infinity", "all arguments are finite, below 2"
        found.append(Finding("not_finite", "", call.line, message, evidence))
    return found


def changed(where: str, given: Mapping[Path, Any], before: Mapping[Path, Any]) -> list[Finding]:
    """Arrays of the caller that are other ones afterwards."""
    names = [".".join(map(str, p)) for p, a in before.items() if not np.array_equal(a, given[p], equal_nan=True)]
    evidence = "compared before and after one call"
    return [Finding("changed_input", "", where, f"{name} is changed in place", evidence) for name in names]


def _answer(call: Call, arrays: Mapping[Path, Any]) -> list[Any]:
    return [leaf.array.copy() for leaf in leaves(attempt(call, arrays))]


def _equal(first: list[Any], second: list[Any]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True)
    )


def _differing(call: Call, arrays: Mapping[Path, Any], kept: list[str]) -> Finding:
    """Two calls differ: by what is kept between them, by the global random numbers, or by something else."""
    message = "two calls with the same arguments give different results"
    if kept:
        message += f": it keeps a state in {', '.join(kept)}"
        return Finding("keeps_state", "", call.line, message, "called twice")
    answers = []
    for _ in range(2):
        with _seeded():
            answers.append(_answer(call, {p: a.copy() for p, a in arrays.items()}))
    if _equal(*answers):
        why = "random numbers of NumPy's or Python's global generator"
        return Finding("nondeterministic", "", call.line, f"{message}: {why}", "with the generator seeded they agree")
    return Finding("nondeterministic", "", call.line, message, "random numbers, or a state that is kept between calls")


@contextmanager
def _seeded() -> Iterator[None]:
    """The global generators at a seed, and put back."""
    before = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(0)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])


@contextmanager
def _environment(call: Call) -> Iterator[Any]:
    """Inside, a function that says which variables outside of the function have changed since."""
    before = {name: _copied(value) for name, value in _outside(call).items()}

    def differs() -> list[str]:
        now = _outside(call)
        return [name for name, value in before.items() if not _alike(value, now.get(name))]

    yield differs


def _outside(call: Call) -> dict[str, Any]:
    """Variables that a function sees and that are none of its own: of its module, of functions around it, defaults."""
    plain = plain_function(call.function)
    home = getattr(plain, "__globals__", {})
    names = {name for code in code_inside(plain) for name in code.co_names if name in home}
    found = {f"the global {name}": home[name] for name in sorted(names) if name not in call.globals}
    if inspect.isfunction(plain):
        cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=False)
        found |= {f"the variable {name} around it": cell.cell_contents for name, cell in cells}
        found |= {f"a default argument ({k})": value for k, value in enumerate(plain.__defaults__ or ())}
        found |= {f"its attribute {name}": value for name, value in vars(plain).items()}
    return {name: value for name, value in found.items() if _is_data(value)}


def _is_data(value: Any) -> bool:
    return isinstance(value, (int, float, str, list, dict, set, tuple, np.ndarray, type(None)))


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # somebody's object: it stays out of the comparison
        return value


def _alike(a: Any, b: Any) -> bool:
    arrays = [leaves(a), leaves(b)]
    if any(arrays):
        return _equal([leaf.array for leaf in arrays[0]], [leaf.array for leaf in arrays[1]])
    try:
        return bool(a == b)
    except Exception:  # somebody's object: it stays out of the comparison
        return True


def overflow(convention: Convention, probe: Probe) -> list[Finding]:
    """Whether gates far open or shut give NaN: as a note, since no ordinary input goes there."""
    rng = np.random.default_rng(5)
    for bias in (FAR, -FAR):
        arrays = drawn(rng, probe.example)
        for gate in convention.sites.gates:
            convention.set_gate(arrays, gate, bias)
        try:
            returned = probe.run(arrays)
        except ValueUnusable as problem:
            if not isinstance(problem.__cause__, OverflowError):
                raise
            returned = {}
        bad = [n for n, path in convention.outputs.items() if not np.isfinite(returned.get(path, np.inf)).all()]
        if bad:
            what = f"NaN in {' and '.join(bad)}" if returned else "OverflowError"
            message = f"{what} where pre-activations are {bias:+g}: an exponential overflows"
            advice = "1 / (1 + exp(-z)) does not; exp(z) / (1 + exp(z)), and softmax without its maximum, do"
            return [Finding("overflow", "", probe.example.call.line, message, advice, NOTE)]
    return []


def hidden(probe: Probe) -> list[Finding]:
    """What the sizes of the example hide."""
    n, m, _ = probe.example.sizes
    found = []
    if n == m:
        why = "what multiplies x and what multiplies h, and x and h themselves, have the same shapes"
        found.append(Finding("same_sizes", "", "", f"n = m = {n} in the example: {why}", "give one with n ≠ m", NOTE))
    return found


def narrow_line(call: Call) -> tuple[str, str]:
    """file:line and text of the first line in which the code names a narrower type of number; empty if none does."""
    for code in code_inside(plain_function(call.function)):
        try:
            lines, first = inspect.getsourcelines(code)
        except (OSError, TypeError):
            continue
        for k, line in enumerate(lines):
            if NARROW.search(line.split("#")[0]):
                return f"{File(code.co_filename).name}:{first + k}", line.strip()
    return "", ""
