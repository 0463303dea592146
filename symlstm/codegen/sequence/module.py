"""The functions of a generated module that run over sequences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from symlstm.codegen.body import user_shape
from symlstm.codegen.layout import WIDTH, fitted
from symlstm.codegen.names import Names
from symlstm.codegen.sequence.backward_loop import BackwardWriter
from symlstm.codegen.sequence.loops import Kept, finish_function, forward_function, kept_quantities, prepare_function
from symlstm.codegen.sequence.plan import Plan, plan
from symlstm.codegen.sequence.sweeps import PlanBack, sweeps, with_parts_kept
from symlstm.equations import Cell

TAKEN = ("p", "states", "upstream", "checkpoint_every", "up", "SHAPES", "SEQUENCE")
"""Names in `run` and `gradients` that an input may not have there."""
FUNCTIONS = ("prepare", "forward", "backward", "finish", "run", "gradients")


@lru_cache(maxsize=64)
def planned(cell: Cell) -> tuple[Plan, PlanBack, Kept]:
    """The stages of a cell, their backward passes, and what is kept between the two."""
    made = plan(cell)
    made, back = with_parts_kept(made, sweeps(made))
    return made, back, kept_quantities(made, back)


def sequence_functions(cell: Cell, reserved: Sequence[str]) -> list[tuple[str, set[str]]]:
    """The texts of all functions for sequences, each with the helpers that it calls."""
    made, back, kept = planned(cell)
    return [
        prepare_function(made, reserved),
        forward_function(made, kept, reserved),
        BackwardWriter(made, back, kept, reserved).function(),
        finish_function(made, back, reserved),
        _run(cell, reserved),
        _gradients(cell, reserved),
    ]


def sequence_table(cell: Cell) -> str:
    """The module's table of shapes and of what the drivers must know."""
    shapes = {q.name: _letters(cell, q) for q in cell.inputs}
    for s in cell.states:
        shapes[s.previous.name] = shapes[s.current.name] = _letters(cell, s.previous)
    shapes |= {q.name: _letters(cell, q) for q in cell.outputs if q.name not in shapes}
    states = [s.current.name for s in cell.states]
    results = list(dict.fromkeys([*states, *(q.name for q in cell.outputs)]))
    lines = [
        "# The shape that one example has, by name.",
        f"SHAPES = {_dict(shapes)}",
        "SEQUENCE = {",
        '    "forward": forward,',
        '    "backward": backward,',
        f'    "states": {_tuple(states)},',
        f'    "results": {_tuple(results)},',
        "}",
    ]
    return "\n".join(part for line in lines for part in fitted(line))


def _letters(cell: Cell, q: object) -> str:
    return " ".join(str(s).replace(" ", "") for s in user_shape(cell, q))


def _dict(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{k}": "{v}"' for k, v in pairs.items()) + "}"


def _tuple(names: Sequence[str]) -> str:
    quoted = ", ".join(f'"{n}"' for n in names)
    return f"({quoted},)" if len(names) == 1 else f"({quoted})"


def _arguments(cell: Cell, reserved: Sequence[str]) -> tuple[str, str]:
    """(the parameter of the function, the expression of a dict of inputs by name)"""
    names = [q.name for q in cell.inputs]
    if not names:
        return "steps", "{}"
    if len(names) == 1:
        own = Names((*reserved, *TAKEN)).new(names[0])
        return own, f'{{"{names[0]}": {own}}}'
    return "inputs", f"dict(zip({_tuple(names)}, inputs, strict=True))"


def _laid_out(cell: Cell, inputs: str, also: str = "") -> list[str]:
    """The lines that bring inputs and states into the layout of the loops; `also` is one more dict of arrays."""
    previous = [s.previous.name for s in cell.states]
    groups = f"{inputs}, dict(zip({_tuple(previous)}, states, strict=True)), p"
    lines = [f"x, s, p{also} = same_dtype({groups}{also})", "batch = batch_axes(SHAPES, x, s)"]
    if cell.inputs:
        lines.append("x = tuple(laid_out(SHAPES, x, batch, 1).values())")
    return [*lines, "s = tuple(laid_out(SHAPES, s, batch, 0).values())", "w = prepare(p)"]


def _taken(cell: Cell, argument: str) -> str:
    """The inputs as `forward` takes them, once they are laid out."""
    return "x[0]" if len(cell.inputs) == 1 else "x" if cell.inputs else argument


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {part}" for line in lines for part in fitted(line, WIDTH - 4)]


def _run(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    argument, inputs = _arguments(cell, reserved)
    lines = [*_laid_out(cell, inputs), f"found = run_pieces(SEQUENCE, w, {_taken(cell, argument)}, s)"]
    lines.append("return {name: given_back(SHAPES, name, value, batch, 1) for name, value in found.items()}")
    what = "steps: how many. " if not cell.inputs else f"{argument}: (T, ..., m). "
    doc = f"The new states and outputs of every step, (T, ..., n) by name. {what}states: the initial ones."
    text = "\n".join([f"def run(p, {argument}, states):", f'    """{doc}"""', *_indented(lines)])
    return text, {"same_dtype", "batch_axes", "laid_out", "run_pieces", "given_back"}


def _gradients(cell: Cell, reserved: Sequence[str]) -> tuple[str, set[str]]:
    argument, inputs = _arguments(cell, reserved)
    lines = [
        "up = {name: value for name, value in upstream.items() if value is not None}",
        *_laid_out(cell, inputs, ", up"),
        "up = laid_out(SHAPES, up, batch, 1)",
        f"d, d_x, d_s = gradient_pieces(SEQUENCE, w, {_taken(cell, argument)}, s, up, checkpoint_every)",
        "found = finish(w, d)",
    ]
    for k, q in enumerate(cell.inputs):
        lines.append(f'found["{q.name}"] = given_back(SHAPES, "{q.name}", d_x[{k}], batch, 1)')
    for k, s in enumerate(cell.states):
        lines.append(f'found["{s.previous.name}"] = given_back(SHAPES, "{s.previous.name}", d_s[{k}], batch, 0)')
    lines.append("return found")
    doc = [
        '"""Gradients by name of L = sum over t of <upstream[name][t], name_t>: of parameters, inputs, initial states.',
        "",
        "upstream: (T, ..., n) by the names of states and outputs. checkpoint_every: keep the states of every so many",
        "steps only, and compute the rest again on the way back.",
        '"""',
    ]
    head = f"def gradients(p, {argument}, states, upstream, checkpoint_every=None):"
    text = "\n".join([head, *[f"    {line}".rstrip() for line in doc], *_indented(lines)])
    return text, {"same_dtype", "batch_axes", "laid_out", "gradient_pieces", "given_back"}
