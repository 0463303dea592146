"""Declared variants: implementations that are another cell on purpose. A table of edits, and the cells installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from symlstm.checking.edits import Edit
from symlstm.errors import SymlstmError
from symlstm.plugins import CELLS, registered
from symlstm.registry import cell as find_cell


@dataclass(frozen=True)
class Variant:
    """name: a stable word. said: what it is. edits: kind of edit, equation, and how its message starts. gates: those of
    the cells that it is a variant of."""

    name: str
    said: str
    edits: frozenset[tuple[str, str, str]]
    gates: frozenset[str] = frozenset("fio")


def _variant(name: str, said: str, *edits: tuple[str, ...], gates: str = "fio") -> Variant:
    made = frozenset((kind, equation, "".join(start)) for kind, equation, *start in edits)
    return Variant(name, said, made, frozenset(gates))


VARIANTS = (
    # as in Greff et al., LSTM: A Search Space Odyssey, 2017: NOAF, CIFG, NIG, NFG, NOG, NIAF; and some more
    _variant("no_output_tanh", "an LSTM without tanh on the cell state in h", ("activation_identity", "h")),
    _variant("sigmoid_candidate", "an LSTM with a sigmoid candidate", ("activation_sigmoid", "c_tilde")),
    _variant("coupled_gates", "an LSTM with coupled gates, i = 1 - f", ("coupled", "c", "1 - f_t in place of i_t")),
    _variant("coupled_gates", "an LSTM with coupled gates, f = 1 - i", ("coupled", "c", "1 - i_t in place of f_t")),
    _variant("no_input_gate", "an LSTM without an input gate", ("missing_factor", "c", "i_t is missing")),
    _variant("no_forget_gate", "an LSTM without a forget gate, as in 1997", ("missing_factor", "c", "f_t is missing")),
    _variant("no_output_gate", "an LSTM without an output gate", ("missing_factor", "h", "o_t is missing")),
    _variant("no_input_activation", "an LSTM without tanh in the candidate", ("activation_identity", "c_tilde")),
    _variant("forget_offset", "an LSTM that adds 1 to the forget gate in each call", ("offset", "f", "+ 1")),
    _variant("relu_candidate", "an LSTM with a relu candidate", ("activation_relu", "c_tilde")),
    *(
        _variant(name, f"an LSTM with {said}", *((f"activation_{name}", gate) for gate in "fio"))
        for name, said in (
            ("hard_sigmoid", "the hard sigmoid z/6 + 1/2"),
            ("hard_sigmoid_keras2", "the hard sigmoid 0.2 z + 1/2"),
        )
    ),
    _variant("relu_candidate", "a GRU with a relu candidate", ("activation_relu", "n"), gates="rz"),
    _variant(
        "update_gate_reversed", "a GRU whose update gate z is 1 - z", ("one_minus", "h", "1 - z_t in"), gates="rz"
    ),
)


def variant_of(edits: Iterable[Edit], gates: Iterable[str]) -> Variant | None:
    """The variant that these edits, all of them together, make of a cell with these gates."""
    made = [(e.name, e.equation, e.message) for e in edits]
    for variant in VARIANTS:
        if (
            variant.gates <= set(gates)
            and len(made) == len(variant.edits)
            and all(
                any(
                    name == kind and equation == place and message.startswith(start) for name, equation, message in made
                )
                for kind, place, start in variant.edits
            )
        ):
            return variant
    return None


def other_cells(reference: Any, agrees: Callable[[Any], bool], alike: bool = True) -> Iterator[str]:
    """The names of other installed cells that an implementation agrees with: of those with as many states and outputs,
    or of all others."""
    for name in registered(CELLS):
        try:
            other = find_cell(name)
            same = (len(other.states), len(other.outputs)) == (len(reference.states), len(reference.outputs))
            if name != reference.name and same == alike and agrees(other):
                yield name
        except SymlstmError:  # a cell of another kind
            continue
