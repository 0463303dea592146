"""Findings about a backward pass: the equation beside the right one, the line of the source, arrays that it changes."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from symlstm.checking.backward_loop import Back, BackLoop, parts, scan_back
from symlstm.checking.backward_search import Found, Search
from symlstm.checking.calls import SELF, Call, attempt
from symlstm.checking.edits import Edit
from symlstm.checking.leaves import Path, as_numpy, own_arrays
from symlstm.checking.lines import Line, lines_of, lines_that_change
from symlstm.checking.probe import Probe
from symlstm.checking.reference import FLOATS
from symlstm.checking.report import Compared, Finding
from symlstm.checking.storage import storage
from symlstm.evidence.interpret import evaluate
from symlstm.evidence.program import named
from symlstm.expr.marked import around, differing, pointed_at
from symlstm.expr.parsing import parsed

MOST_SHOWN = 3
"""Equations and lines of one mistake that are shown: one in how gradients are added up is in all of them."""
GRADIENT = re.compile(r"d|grad")


def mistakes(found: Found, search: Search, figures: str) -> list[Finding]:
    """One finding an edit of a backward pass; figures: how far off what is."""
    also = f"; the same function: {'; '.join(found.alike)}" if found.alike else ""
    evidence = f"with {'it' if len(found.edits) == 1 else 'these together'}, all gradients agree{also}; {figures}"
    again = search.points[0].again
    right, now = (dict((*loop.forward.equations, *loop.equations)) for loop in (search.original, found.loop))
    made = []
    for edit in found.edits:
        places = _lines(edit, found.loop, search, again)[:MOST_SHOWN] if again else []
        where = ", ".join(map(str, places)) or (again().line if again else "")
        code = "\n".join(f"{line}  {line.text}" for line in places if line.text)
        cell = search.convention.sites.cell
        beside = tuple(Compared(cell, q, right[q], now[q]) for q, _ in edit.changes[:MOST_SHOWN])
        made.append(
            Finding(f"backward_{edit.name}", edit.equation, where, edit.message, evidence, code=code, compared=beside)
        )
    return made


def _lines(edit: Edit, loop: BackLoop, search: Search, again: Callable[[], Call]) -> list[Line]:
    """The lines that compute what is wrong; of a mistake in time, that at which a wrong number first appears."""
    values, trail = search.points[0].values, search.trails[0]
    back, right = (scan_back(each, values, search.sizes, FLOATS, trail) for each in (loop, search.original))
    before = max(len(back) - 2, 0)  # of a sequence the last step but one: something is carried to it

    def run() -> Any:
        return attempt(again(), {})

    if edit.loop is not None:
        found = lines_of(run, list(_in_time(loop, back, right)), outermost="first")
        found += lines_of(run, list(_departing(loop, back, right, search)), outermost="last")
        return [line for line in found if line is not None][:1]
    every = [back[before][q] for q, _ in loop.equations if q not in loop.parameters]
    made: list[Line] = []
    for q, _ in edit.changes:
        wanted = [value for value in _in_step(q, loop, search, back[before], right[before]) if value.any()]
        places = lines_of(run, [*wanted, *every])[: len(wanted)]
        if not any(places):
            places = lines_of(run, list(_departing(loop, back, right, search)))
        made += [place for place in places if place is not None][:1]
    return list(dict.fromkeys(made))


def _in_step(q: Any, loop: BackLoop, search: Search, known: Any, right: Any) -> Iterator[Any]:
    """Values around what is wrong in one equation, the innermost first; of a parameter what this step adds."""
    now, was = dict(loop.equations), dict(search.original.equations)
    if q in loop.parameters:
        point = search.points[0]
        blocks = [block for block in point.blocks if block.adjoint == q]
        both = [[block.total([each[q]], point.batch) for block in blocks] for each in (known, right)]
        yield from (value for value, other in zip(*both, strict=True) if not np.array_equal(value, other))
    if q in loop.parameters or q not in was:
        return
    terms = around(differing(was[q], now[q])[1]) or [q]
    terms += [term for expr in now.values() if q in set(named(expr)) for term in around(pointed_at(expr, q))]
    for term in terms:
        yield evaluate(term, known, tuple(search.sizes.items()), FLOATS)


def _in_time(loop: BackLoop, back: Back, right: Back) -> Iterator[Any]:
    """What differs between two loops inside the steps, in the order in which a backward pass computes it."""
    for t in reversed(range(len(back))):
        for q in (*(up for up, _ in loop.carries), *(q for q, _ in loop.equations if q not in loop.parameters)):
            if not np.array_equal(back[t][q], right[t][q]) and back[t][q].any():
                yield back[t][q]


def _departing(loop: BackLoop, back: Back, right: Back, search: Search) -> Iterator[Any]:
    """The gradients that differ between two loops."""
    for now, was in zip(_totals(loop, back, search), _totals(search.original, right, search), strict=True):
        if not np.array_equal(now, was):
            yield now


def _totals(loop: BackLoop, back: Back, search: Search) -> Iterator[Any]:
    point = search.points[0]
    for block in point.blocks:
        yield block.total(parts(loop, back, block.adjoint, block.kind), point.batch)


def in_place(again: Callable[[], Call] | None, probe: Probe) -> list[Finding]:
    """Arrays of the caller that a backward function changes: upstream gradients, the cache, parameters.

    What an object keeps beside its parameters, gradients among them, is its own.
    """
    if again is None:
        return []
    call = again()
    kept = storage(probe) if call.owner is not None else frozenset()
    arrays: dict[int, tuple[Path, Any]] = {}
    for path, array in own_arrays(call.inside):
        if path[0] != SELF or (path in probe.base and path not in kept and not GRADIENT.match(str(path[-1]).lower())):
            arrays.setdefault(id(array), (path, array))
    before = [np.array(as_numpy(array)) for _, array in arrays.values()]
    places = lines_that_change(lambda: attempt(call, {}), [array for _, array in arrays.values()])
    names = _unpacked(call.function)
    found: dict[Line | None, list[str]] = {}
    for (path, array), was, place in zip(arrays.values(), before, places, strict=True):
        if not np.array_equal(as_numpy(array), was, equal_nan=True):
            found.setdefault(place, []).append(_said(path, names))
    evidence = "compared before and after one call of the backward function"
    return [
        Finding(
            "backward_changed_input",
            "",
            str(place or call.line),
            f"{' and '.join(changed)} {'is' if len(changed) == 1 else 'are'} changed in place",
            evidence,
            code=f"{place}  {place.text}" if place and place.text else "",
        )
        for place, changed in found.items()
    ]


def _said(path: Path, names: dict[str, list[str]]) -> str:
    """dh, cache[0][3], cache[3] (Wx) where the function unpacks it so, self.W"""
    first, *rest = path
    said = str(first) + "".join(f"[{part!r}]" if first != SELF else f".{part}" for part in rest)
    inner = names.get(str(first), [])
    own = inner[rest[0]] if len(rest) == 1 and isinstance(rest[0], int) and rest[0] < len(inner) else ""
    return f"{said} ({own})" if own else said


def _unpacked(function: Any) -> dict[str, list[str]]:
    """The names that a function unpacks its arguments to: a, b, c = cache."""
    try:
        tree = parsed(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (TypeError, OSError, SyntaxError):
        return {}
    return {
        node.value.id: [each.id if isinstance(each, ast.Name) else "" for each in node.targets[0].elts]
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and isinstance(node.targets[0], ast.Tuple)
    }
