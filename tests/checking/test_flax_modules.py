"""Modules of Flax that users write: what to do is said, and it works."""

import pytest

import symlstm as sl
from symlstm.errors import ValueUnusable
from tests.support.frameworks import require


def cell(candidate="tanh"):
    """(module, variables, example) of an LSTM with @nn.compact."""
    jax, linen = require("jax"), require("flax.linen")
    jnp = jax.numpy

    class Written(linen.Module):
        features: int

        @linen.compact
        def __call__(self, carry, x):
            h, c = carry
            z = linen.Dense(4 * self.features, name="ih")(x)
            z = z + linen.Dense(4 * self.features, use_bias=False, name="hh")(h)
            i, f, g, o = jnp.split(z, 4, axis=-1)
            c = linen.sigmoid(f) * c + linen.sigmoid(i) * getattr(linen, candidate)(g)
            h = linen.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

    module, h = Written(3), jnp.ones((2, 3))
    variables = module.init(jax.random.PRNGKey(0), (h, h), jnp.ones((2, 4)))
    return module, variables, {"variables": variables, "x": jnp.ones((2, 4)), "h": h, "c": 2 * h}


def test_a_module_whose_parameters_are_elsewhere_is_told_how_to_be_wrapped():
    module, variables, _ = cell()
    for thing in (module, type(module), (module, variables), module.apply):
        with pytest.raises(ValueUnusable, match="Written is a module of Flax") as told:
            sl.check(thing, "lstm")
        assert "module.apply(variables, (h, c), x)" in told.value.hint


@pytest.mark.parametrize("candidate, right", [("tanh", True), ("sigmoid", False)])
def test_the_wrapper_that_is_told_works(candidate, right):
    module, _, example = cell(candidate)

    def step(variables, x, h, c):
        return module.apply(variables, (h, c), x)

    report = sl.check(step, "lstm", example=example)
    assert report.ok is right, str(report)
    assert right or report.findings[0].name == "variant_sigmoid_candidate", str(report)
