"""A declared variant, or another cell, is not ok, and is told what it is rather than that it is wrong."""

import pytest

import symlstm as sl
from symlstm.checking.edits import edits
from symlstm.checking.reference import equations_of
from symlstm.checking.sites import sites_of
from symlstm.checking.variants import VARIANTS, variant_of
from tests.checking.bench import HELPERS, implementation

HOLES = {
    "no_output_tanh": {"H": "o * c"},
    "sigmoid_candidate": {"G": "sigmoid(zg)"},
    "coupled_gates": {"C": "f * c_prev + (1 - f) * g"},
    "no_forget_gate": {"C": "c_prev + i * g"},
    "forget_offset": {"F": "sigmoid(zf + 1)"},
    "hard_sigmoid_keras2": {g: f"np.clip(0.2 * z{g.lower()} + 0.5, 0, 1)" for g in "FIO"},
    "hard_sigmoid": {g: f"np.clip(z{g.lower()} / 6 + 0.5, 0, 1)" for g in "FIO"},
}
GRU = (
    HELPERS
    + """
def step(x, h, Wr, Wz, Wn, Ur, Uz, Un, br, bz, bn):
    r = sigmoid(x @ Wr + h @ Ur + br)
    z = sigmoid(x @ Wz + h @ Uz + bz)
    n = np.tanh(x @ Wn + {inside} + bn)
    return (1 - z) * n + z * h
"""
)


def gru(inside):
    space = {}
    exec(GRU.replace("{inside}", inside), space)

    def example(n, m, batch, rng):
        d = rng.standard_normal
        return (
            d((batch, m)),
            d((batch, n)),
            *(d((m, n)) for _ in "rzn"),
            *(d((n, n)) for _ in "rzn"),
            d(n),
            d(n),
            d(n),
        )

    return space["step"], example


@pytest.mark.parametrize("name", HOLES)
def test_a_declared_variant_is_named_and_not_called_wrong(name):
    function, example = implementation("separate", **HOLES[name])
    report = sl.check(function, "lstm", example=example)
    first = report.findings[0]
    assert not report.ok and first.name == f"variant_{name}" and first.message.startswith("this is an LSTM")
    assert len(first.compared) == len(HOLES[name]) and first.latex


def test_another_installed_cell_is_named():
    function, example = gru("(r * h) @ Un")
    report = sl.check(function, "gru", example=example)
    assert not report.ok and report.findings[0].name == "variant_gru_reset_before"
    assert report.findings[0].message == "this is gru_reset_before, not gru"
    assert sl.check(function, "gru_reset_before", example=example).ok


def test_a_mistake_is_no_variant():
    function, example = implementation("separate", H="o * c", b_g="i")
    assert not [f for f in sl.check(function, "lstm", example=example).findings if f.name.startswith("variant")]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: f"{v.name} {v.said}")
def test_every_row_of_the_table_is_an_edit_of_some_cell(variant):
    made = {e for cell in ("lstm", "gru") for e in edits(sites_of(sl.cell(cell)), equations_of(sl.cell(cell)))}
    chosen = []
    for kind, place, start in variant.edits:
        chosen += [e for e in made if (e.name, e.equation) == (kind, place) and e.message.startswith(start)][:1]
    assert len(chosen) == len(variant.edits)
    assert variant_of(chosen, variant.gates).name == variant.name
