"""Implementations on tensors of torch and arrays of JAX: right ones pass, of wrong ones it is said what is wrong."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

import symlstm as sl
from tests.support.frameworks import require

RIGHT = {
    "torch": [
        "a module", "a module's class", "a wide module", "a module in float64", "a sequence, batch first",
        "a sequence, time first", "a cell in a module", "a GRU", "with dropout", "a function", "a textbook",
        "a backward pass by hand", "an object", "a GRU over a sequence", "as many inputs as units",
        "states in the object", "with a prediction",
    ],
    "jax": [
        "a step", "a compiled step", "a scan", "a compiled scan", "a dataclass", "over a batch",
        "a class that asks for a key",
    ],
}  # fmt: skip
WRONG = {
    "torch": {
        "names exchanged": "(forget.bias and forget.weight act as gate i; input.bias and input.weight act as gate f)",
        "sigmoid candidate": "sigmoid in place of tanh",
        "no tanh in h": "no activation in place of tanh",
        "hard sigmoid": "the hard sigmoid z/6 + 1/2",
        "forget offset": "+ 1 is added",
        "c_prev in h": "c_{t-1} in place of c_t",
        "h is not used": "h_{t-1} is not multiplied by W_f",
        "float32 inside": "float64 goes in",
        "dropout that never ends": "two calls with the same arguments give different results",
        "c in place": "hidden.1 is changed in place",
        "initial states ignored": "are ignored: zero in its place",
        "the next batch item": "every step reads the x of the first step",
        "f for o": "f_t in place of o_t",
        "z for 1 - z": "update gate z is 1 - z",
        "a GRU with a sum": "-z_t is missing",
        "two biases left out": "b_",
        "one bias for another": "b_i in place of b_f",
        "the other way round": "from the last step to the first",
        "a GRU as an LSTM": "gru",
    },
    "jax": {
        "relu candidate": "relu in place of tanh",
        "compiled, hard sigmoid": "the hard sigmoid z/6 + 1/2",
        "no forget gate": "f_t is missing",
        "float32 inside": "float64 goes in",
        "not carried": "not carried from step to step",
        "from the end": "from the last step to the first",
        "initial states exchanged": "the initial h and c are in each other's place",
        "another GRU": "gru",
    },
}
GRADIENTS = {
    "torch": {
        "a backward pass by hand": "tanh(c_t) is not squared in the derivative",
        "c is cut off in h": "dh_t ⊙ o_t ⊙ (1 - tanh²(c_t)) is missing in the equation of d_c",
        "a gate is cut off": "no gradient goes into f_t",
        "h is cut off between steps": "no gradient goes into h_{t-1}",
        "both are cut off between steps": "no gradient goes into h_{t-1}",
        "no gradients": "no gradient reaches what goes into",
        "damaged in place": "modified by an inplace operation",
    },
    "jax": {
        "h is cut off": "no gradient goes into h_{t-1}",
        "a derivative by hand": "the square of W_c hx_t + b_c, not of tanh(W_c hx_t + b_c)",
    },
}
"""The forward pass is right; what the library makes of its derivative is not."""


def made(library):
    require(library)
    return importlib.import_module(f"tests.checking.tensors_{library}")


@pytest.mark.parametrize(("library", "name"), [(k, name) for k, names in RIGHT.items() for name in names])
def test_a_right_implementation_passes(library, name):
    function, cell, example = made(library).RIGHT[name]
    report = sl.check(function, cell, example=example)
    assert report.ok, str(report)
    assert all(row["scaled"] <= row["bound"] for row in report.ulps.values())
    assert any(quantity.startswith("d ") for quantity in report.ulps), "gradients were not compared"


@pytest.mark.parametrize(("library", "name"), [(k, name) for k, names in WRONG.items() for name in names])
def test_of_a_wrong_implementation_it_is_said_what_is_wrong(library, name):
    function, cell, example = made(library).WRONG[name]
    report = sl.check(function, cell, example=example)
    assert not report.ok and WRONG[library][name] in report.findings[0].message, str(report)


@pytest.mark.parametrize(("library", "name"), [(k, name) for k, names in GRADIENTS.items() for name in names])
def test_gradients_of_a_right_forward_pass_that_are_wrong_are_diagnosed(library, name):
    function, cell, example = made(library).WRONG_GRADIENTS[name]
    report = sl.check(function, cell, example=example)
    assert not report.ok and GRADIENTS[library][name] in report.findings[0].message, str(report)
    assert report.ulps["h"]["scaled"] <= report.ulps["h"]["bound"]


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_no_implementation_is_left_out_here(library):
    cases = made(library)
    assert set(cases.RIGHT) == set(RIGHT[library]) and set(cases.WRONG) == set(WRONG[library])
    assert set(cases.WRONG_GRADIENTS) == set(GRADIENTS[library])


TORCH_WARNS = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@TORCH_WARNS
def test_a_scripted_module_is_checked():
    torch, cases = require("torch"), made("torch")
    assert sl.check(torch.jit.script(cases.GRUCell(4, 3)), "gru").ok


@TORCH_WARNS
def test_what_torch_compile_was_given_is_checked():
    torch, cases = require("torch"), made("torch")
    assert sl.check(torch.compile(cases.LinearCell(4, 3)), "lstm").ok
    assert not sl.check(torch.compile(cases.WRONG["sigmoid candidate"][0]), "lstm").ok


def test_the_module_and_the_defaults_are_as_before():
    torch, cases = require("torch"), made("torch")
    module = cases.Dropping(4, 3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    drawn = torch.random.get_rng_state()
    default = torch.get_default_dtype()
    report = sl.check(module, "lstm")
    assert module.training and all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(p.dtype == torch.float32 and p.grad is None for p in module.parameters())
    assert torch.get_default_dtype() == default and torch.equal(drawn, torch.random.get_rng_state())
    assert "drop" in next(f.message for f in report.findings if f.name == "eval_mode")


def test_a_module_that_keeps_what_it_computed_is_checked():
    torch, cases = require("torch"), made("torch")
    module = cases.LinearCell(4, 3)
    module.last = module(torch.zeros(2, 4), (torch.zeros(2, 3), torch.zeros(2, 3)))[0]
    assert sl.check(module, "lstm").ok


def test_jax_computes_in_float32_afterwards():
    jax, cases = require("jax"), made("jax")
    before = jax.config.jax_enable_x64
    assert sl.check(*cases.RIGHT["a step"][:2], example=cases.RIGHT["a step"][2]).ok
    assert jax.config.jax_enable_x64 == before


def test_no_library_is_imported_for_those_who_use_numpy():
    code = (
        "import sys, numpy as np, symlstm as sl\n"
        "def f(x, h, W, U, b): return np.tanh(W @ x + U @ h + b)\n"
        "e = lambda n, m, batch, rng: (np.ones(m), np.ones(n), np.ones((n, m)), np.ones((n, n)), np.ones(n))\n"
        "assert sl.check(f, 'rnn', example=e).ok\n"
        "assert not {'torch', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_only_runs_in_float32_is_held_against_the_bound_of_float32():
    torch = require("torch")

    def narrow(x, h, W, U, b):
        if x.dtype != torch.float32:
            raise TypeError("float32 only")
        return torch.tanh(x @ W.T + h @ U.T + b)

    def example(n, m, batch, rng):
        shapes = ((batch, m), (batch, n), (n, m), (n, n), n)
        return [torch.tensor(rng.standard_normal(shape), dtype=torch.float32) for shape in shapes]

    report = sl.check(narrow, "rnn", example=example)
    assert report.ok and [f.name for f in report.findings] == ["float32_only", "gradients_not_checked"]
    report = sl.check(lambda *a: narrow(*a) * (1 + 2e-6), "rnn", example=example)
    assert not report.ok


def test_arrays_of_numpy_and_of_torch_may_be_mixed():
    torch = require("torch")

    def mixed(x, h, W, U, b):
        return np.tanh(x @ W.numpy().T + h @ U.numpy().T + b)

    def example(n, m, batch, rng):
        d = rng.standard_normal
        return d((batch, m)), d((batch, n)), torch.tensor(d((n, m))), torch.tensor(d((n, n))), d(n)

    assert sl.check(mixed, "rnn", example=example).ok
