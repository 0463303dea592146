"""Half-lives of the direct path: the closed numbers, no underflow, no warning, and every kind of cell."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import NameUnknown, RuleMissing
from tests.flow.numbers import VARIANTS, states_of, variant


def with_forget_bias(bias, n=3):
    p = sl.parameters("lstm", n=n, m=1)
    for array in p.values():
        array[...] = 0.0
    p["b_f"][...] = bias
    return p


@pytest.mark.parametrize(
    "bias, half", [(0.0, 1.0), (1.0, 2.2126777968), (2.0, 5.4609473107), (5.0, 103.2183484868), (40.0, 1.63157e17)]
)
def test_the_half_life_of_a_forget_bias(bias, half):
    found = sl.half_life("lstm", with_forget_bias(bias), steps=50)
    np.testing.assert_allclose(found.half_life, half, rtol=5e-6 if bias == 40 else 1e-10)
    np.testing.assert_allclose(found.time_constant, 1 + np.exp(bias), rtol=1e-13)


def test_the_product_over_a_million_steps_neither_underflows_nor_rounds_to_one():
    found = sl.half_life("lstm", with_forget_bias(40.0, n=1), steps=100_000)
    np.testing.assert_allclose(10 * found.log_product, -4.24835e-12, rtol=2e-6)
    np.testing.assert_allclose(found.log_product, -1e5 * np.log1p(np.exp(-40.0)), rtol=1e-14)


def test_two_thousand_halvings_are_not_zero():
    found = sl.half_life("lstm", with_forget_bias(0.0), steps=2000)
    np.testing.assert_allclose(found.log_product, -1386.2943611198906, rtol=1e-15)


def test_the_product_is_that_of_the_forget_gates():
    rng = np.random.default_rng(0)
    cell = sl.cell("lstm")
    p, x, states = sl.parameters(cell, n=4, m=2, rng=rng), rng.normal(size=(30, 2)), states_of(cell, 4, rng)
    found, k = sl.half_life(cell, p, x, states=states), sl.compile(cell)
    product = np.ones(4)
    for one in x:
        product *= k.values(p, one, states)["f"]
        states = k.step(p, one, states)
    np.testing.assert_allclose(np.exp(found.log_product), product, rtol=1e-12)
    assert found.state == "c" and found.steps == 30


@pytest.mark.parametrize("name, gate", [("gru", "z"), ("gru_reset_before", "z")])
def test_a_gru_remembers_by_its_update_gate(name, gate):
    rng = np.random.default_rng(1)
    p, x = sl.parameters(name, n=4, m=2, rng=rng), rng.normal(size=(1, 2))
    z = sl.compile(name).values(p, x[0], np.full(4, 0.2))[gate]
    found = sl.half_life(name, p, x, states=np.full(4, 0.2))
    np.testing.assert_allclose(found.half_life, -np.log(2) / np.log(z), rtol=1e-14)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_has_a_half_life(name):
    rng = np.random.default_rng(2)
    cell = variant(name)
    p, x = sl.parameters(cell, n=4, m=2, rng=rng), rng.normal(size=(20, 2))
    found = sl.half_life(cell, p, x)
    assert found.state == "c" and found.half_life.shape == (4,)
    assert (found.half_life == np.inf).all() if name == "no_forget_gate" else (found.half_life < np.inf).all()


def test_a_batch_has_its_own_units():
    rng = np.random.default_rng(3)
    p = sl.parameters("lstm", n=4, m=2, rng=rng)
    x = rng.normal(size=(20, 3, 2))
    whole = sl.half_life("lstm", p, x)
    assert whole.half_life.shape == (3, 4)
    np.testing.assert_allclose(whole.rate[1], sl.half_life("lstm", p, x[:, 1]).rate, rtol=1e-14)


def test_a_factor_that_is_zero_forgets_at_once():
    def relu_gated(x: "m", c_prev: "n", *, W: "n m"):
        c = np.maximum(W @ x, 0) * c_prev
        return c

    found = sl.half_life(relu_gated, {"W": np.array([[1.0], [-1.0]])}, np.full((4, 1), 0.5), states=np.ones(2))
    np.testing.assert_array_equal(found.half_life, [1.0, 0.0])
    np.testing.assert_array_equal(found.time_constant, [2.0, 1.0])


def test_a_cell_without_a_direct_path_is_told():
    with pytest.raises(RuleMissing, match="rnn has no direct path that acts unit by unit"):
        sl.half_life("rnn", sl.parameters("rnn", n=3, m=2), steps=5)
    with pytest.raises(NameUnknown, match="no state of lstm named 'f'"):
        sl.half_life("lstm", with_forget_bias(0.0), steps=5, state="f")


def test_the_repr_says_the_number():
    assert "half-life of the direct path of c: 1 steps" in repr(sl.half_life("lstm", with_forget_bias(0.0), steps=5))
