"""Weights go from any convention to any other and back without loss, and code that is written does the same."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symlstm as sl
from symlstm.conventions import conversion, layout_of
from symlstm.conventions.table import CELLS, OWN, TABLE
from symlstm.errors import SymlstmError
from tests.checking.bench import implementation

PAIRS = [
    (cell, a, b)
    for cell in CELLS
    for a, b in itertools.product([name for name, known in TABLE if known == cell] + [OWN], repeat=2)
]


def weights(convention, cell, n=3, m=4, rng=None):
    """Random arrays of one layer."""
    layout = layout_of(convention, cell)
    rng = rng or np.random.default_rng(0)
    sizes = {"n": n, "m": m, "p": n - 1 if cell == "lstm_projected" else n}
    end = "_l0" if layout.layers == "suffix" else ""
    made = {a.name + end: rng.standard_normal(a.shape(sizes)) for a in layout.arrays}
    return {name: a[None] for name, a in made.items()} if layout.directions else made


def second_biases_zero(p, convention, cell):
    """The same layer, with nothing in second biases that another convention would have to add."""
    return sl.convert(sl.convert(p, convention, OWN, cell=cell), OWN, convention, cell=cell)


@pytest.mark.parametrize(("cell", "a", "b"), PAIRS, ids="-".join)
@settings(max_examples=20)  # of each of the pairs
@given(n=st.integers(2, 5), m=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_round_trips_are_exact(cell, a, b, n, m, seed):
    p = second_biases_zero(weights(a, cell, n, m, np.random.default_rng(seed)), a, cell)
    back = sl.convert(sl.convert(p, a, b, cell=cell), b, a, cell=cell)
    assert back.keys() == p.keys()
    for name in p:
        np.testing.assert_array_equal(back[name], p[name], strict=True)


@pytest.mark.parametrize(("cell", "a", "b"), PAIRS, ids="-".join)
def test_the_code_that_is_written_does_the_same(cell, a, b):
    p, space = weights(a, cell), {}
    exec(conversion(a, b, cell), space)
    made, wanted = space["convert"](p), sl.convert(p, a, b, cell=cell)
    assert made.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_array_equal(made[name], wanted[name], strict=True)


def test_two_biases_become_their_sum_and_one_becomes_itself_and_zero():
    p = weights("torch", "lstm")
    keras = sl.convert(p, "torch", "keras")
    np.testing.assert_array_equal(keras["bias"], p["bias_ih_l0"] + p["bias_hh_l0"])
    back = sl.convert(keras, "keras", "torch")
    np.testing.assert_array_equal(back["bias_ih_l0"], keras["bias"])
    assert not back["bias_hh_l0"].any()


def test_layers_and_directions_are_kept_and_other_arrays_too():
    p = {"fc.weight": np.ones((2, 3))}
    for end in ("l0", "l0_reverse", "l1", "l1_reverse"):
        rng = np.random.default_rng(len(p))
        one = weights("torch", "gru", 3, 4 if "0" in end else 6, rng)
        p |= {f"encoder.{name.removesuffix('l0')}{end}": array for name, array in one.items()}
    for convention in ("keras", "onnx", "symlstm"):
        there = sl.convert(p, "torch", convention)
        back = sl.convert(there, convention, "torch", cell="gru")
        assert back.keys() == p.keys()
        if convention == "onnx":
            assert there["encoder.l1.W"].shape == (2, 9, 6)
            assert all(np.array_equal(back[name], p[name]) for name in p)


def test_float32_stays_float32_and_no_bias_stays_no_bias():
    p = {name: a.astype(np.float32) for name, a in weights("torch", "lstm").items() if "weight" in name}
    keras = sl.convert(p, "torch", "keras")
    assert {name: a.dtype for name, a in keras.items()} == dict.fromkeys(("kernel", "recurrent_kernel"), np.float32)


def test_a_convention_that_check_found_is_a_source_and_a_target():
    step, example = implementation("cs231n")
    report = sl.check(step, "lstm", example=example)
    assert report.ok
    args = example(3, 4, 2, np.random.default_rng(0))
    p = _parameters(step, args, report)
    own = sl.convert(p, report.convention_data, "symlstm")
    h, c = sl.compile("lstm").step(own, args[0], args[1:3])
    np.testing.assert_allclose(np.stack([h, c]), np.stack(step(*args)[:2]), rtol=1e-13)
    back = sl.convert(own, "symlstm", report.convention_data)
    assert all(np.array_equal(back[name].reshape(a.shape), a) for name, a in p.items())
    space = {}
    exec(report.conversion("torch"), space)
    torch, wanted = space["convert"](p), sl.convert(p, report.convention_data, "torch")
    assert all(np.array_equal(torch[name], wanted[name]) for name in wanted)


def _parameters(step, args, report):
    import inspect

    names = list(inspect.signature(step).parameters)
    held = {view.path[0] for views in report.convention_data.views.values() for view in views}
    return {name: value for name, value in zip(names, args, strict=True) if name in held}


def test_a_forget_offset_becomes_part_of_the_bias():
    from dataclasses import replace

    step, example = implementation("cs231n")
    found = sl.check(step, "lstm", example=example).convention_data
    offset = replace(found, added={"f": 1.0})
    p = _parameters(step, example(3, 4, 2, np.random.default_rng(0)), type("R", (), {"convention_data": found}))
    plain, moved = sl.convert(p, found, "symlstm"), sl.convert(p, offset, "symlstm")
    np.testing.assert_array_equal(moved["b_f"], plain["b_f"] + 1)
    np.testing.assert_array_equal(moved["b_i"], plain["b_i"])
    space = {}
    exec(conversion(offset), space)
    np.testing.assert_array_equal(space["convert"](p)["b_f"], moved["b_f"])
    back = sl.convert(plain, "symlstm", offset)
    np.testing.assert_allclose(sl.convert(back, offset, "symlstm")["b_f"], plain["b_f"], rtol=0, atol=2.0**-52)


UNFIT = {
    "a GRU's second bias": (
        weights("torch", "gru"), "torch", "keras_one_bias", None, "the second bias of gate n is not zero"
    ),
    "peepholes": (weights("onnx", "lstm_peephole"), "onnx", "keras", None, "keras has no lstm_peephole"),
    "another name": (weights("torch", "gru"), "pytorch", "keras", None, "no convention named 'pytorch'"),
    "no layer": ({"a": np.ones(3)}, "torch", "keras", None, "no layer in the convention torch was found among a"),
    "either GRU": (weights("onnx", "gru"), "onnx", "torch", None, "may be those of gru or gru_reset_before"),
    "a wrong shape": (
        {**weights("torch", "lstm"), "bias_hh_l0": np.ones(9)}, "torch", "keras", None, "bias_hh_l0 must be 12 and is 9"
    ),
    "objects": ({"kernel": np.array([None])}, "keras", "torch", None, "kernel holds no numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT)
def test_what_cannot_be_converted_is_explained(case):
    p, a, b, cell, message = UNFIT[case]
    target = _one_bias() if b == "keras_one_bias" else b
    with pytest.raises(SymlstmError, match=message):
        sl.convert(p, a, target, cell=cell)


def _one_bias():
    """A convention of the GRU with one bias a gate."""
    from dataclasses import replace

    full = layout_of("torch", "gru")
    return replace(full, name="one_bias", arrays=tuple(a for a in full.arrays if a.name != "bias_hh"))


def test_a_second_bias_of_zero_may_be_left_out():
    p = weights("torch", "gru")
    p["bias_hh_l0"][...] = 0
    assert "bias_hh_l0" not in sl.convert(p, "torch", _one_bias())
