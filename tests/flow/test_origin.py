"""The spectrum at the origin against closed forms and against random matrices."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import RuleMissing
from symlstm.gradient_flow.origin import origin
from symlstm.gradient_flow.reading import stream_of
from tests.flow.numbers import BUILT_IN, gaussian


def at_origin(cell, p):
    return origin(stream_of(cell, p, None, 1, None))


def gates(p):
    return (1 / (1 + np.exp(-p[f"b_{gate}"])) for gate in "fio")


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_the_disc_of_an_lstm_has_centre_f_and_radius_i_o_g(bias):
    n = 200
    p = gaussian("lstm", n, 1.5, np.random.default_rng(0), bias={"b_f": bias})
    found, u = at_origin("lstm", p), p["W_c"][:, :n]
    f, i, o = (float(g[0]) for g in gates(p))
    (gain,) = found.gains.values()
    assert found.fixed and gain == pytest.approx(np.sqrt(n) * np.std(u), rel=1e-3)  # the mean is not taken off
    np.testing.assert_allclose((found.centre, found.radius), (f, i * o * gain), rtol=1e-12)
    expected = np.concatenate([f + i * o * np.linalg.eigvals(u), np.zeros(n)])
    distance = np.abs(np.sort_complex(found.eigenvalues)[:, None] - expected[None]).min(axis=1)
    assert distance.max() < 1e-10


@pytest.mark.parametrize(
    ("cell", "bias", "critical"),
    [
        ("lstm", {}, 2.0),
        ("lstm", {"b_f": 1.0}, 1.0757656855),
        ("gru", {"b_r": 1.0}, 1 + np.exp(-1.0)),
        ("gru_reset_before", {"b_r": 1.0}, 1 + np.exp(-1.0)),
        ("rnn", {}, 1.0),
    ],
)
def test_the_critical_gain(cell, bias, critical):
    found = at_origin(cell, gaussian(cell, 40, 1.7, np.random.default_rng(0), bias=bias))
    (gain,) = found.gains.values()
    assert found.critical * gain == pytest.approx(critical, rel=1e-10)


def test_with_chrono_initialisation_the_critical_gain_is_two_and_the_region_is_no_disc():
    u = np.random.default_rng(1).uniform(1, 783, 40)
    found = at_origin(
        "lstm", gaussian("lstm", 40, 1.7, np.random.default_rng(0), bias={"b_f": np.log(u), "b_i": -np.log(u)})
    )
    (gain,) = found.gains.values()
    assert found.critical * gain == pytest.approx(2.0, rel=1e-10) and found.radius is None


def test_several_weights_and_unlike_units_fill_the_predicted_region():
    """W_i, W_o and W_c enter at once, gates differ from unit to unit: the region is that of no textbook."""
    rng, n = np.random.default_rng(0), 300
    p = gaussian("lstm", n, 2.0, rng)
    for name in ("b_f", "b_i", "b_c", "b_o"):
        p[name][...] = rng.normal(size=n)
    found = at_origin("lstm", p)
    assert len(found.gains) == 3 and not found.fixed and found.radius is None
    level = found.region.level(found.eigenvalues[np.abs(found.eigenvalues) > 1e-9])
    assert level.min() > 0.85  # gains 8% larger take in what finite n puts outside
    assert level.min() < 1.3  # and the region is not larger than it need be
    far = found.region.level(np.array([5.0 + 1.0j, -4.0 + 0j]))
    assert (far < 1).all()


def test_the_level_is_that_of_the_formula():
    """One point, by plain linear algebra on the whole matrices."""
    rng, n = np.random.default_rng(0), 5
    p = gaussian("gru", n, 1.0, rng, bias={"b_r": rng.normal(size=n), "b_z": rng.normal(size=n)})
    found, z = at_origin("gru", p), 0.3 + 0.4j
    update, reset = (1 / (1 + np.exp(-p[b])) for b in ("b_z", "b_r"))
    resolvent = np.linalg.inv(z * np.eye(n) - np.diag(update)) @ np.diag((1 - update) * reset)
    (gain,) = found.gains.values()
    assert found.region.level(np.array([z]))[0] == pytest.approx(
        gain**2 / n * np.linalg.norm(resolvent) ** 2, rel=1e-12
    )


def product(x: "m", h_prev: "n", *, A: "n n", B: "n n", W: "n m"):
    h = np.tanh(A @ (B @ h_prev) + W @ x)
    return h


def twice(x: "m", h_prev: "n", c_prev: "n", *, U: "n n", W: "n m"):
    h = np.tanh(U @ h_prev + W @ x)
    c = np.tanh(U @ c_prev) + h
    return h, c


@pytest.mark.parametrize(
    ("cell", "why"),
    [(product, "the product of A and B"), (twice, "U stands in two places"), ("silent", "no recurrent")],
)
def test_where_nothing_is_predicted_it_says_why(cell, why):
    if cell == "silent":
        found = at_origin("rnn", gaussian("rnn", 4, 0.0, np.random.default_rng(0)))
    else:
        found = at_origin(cell, sl.parameters(cell, n=4, m=2, rng=0))
    assert why in found.why and found.region is None and found.radius is None and len(found.eigenvalues) >= 4


def test_states_of_different_sizes_have_no_prediction():
    p = sl.parameters("lstm_projected", n=4, m=2, p=3, rng=0)
    assert "different sizes" in at_origin("lstm_projected", p).why


def test_a_jacobian_that_is_not_finite_at_the_origin_is_told():
    def cell(h_prev: "n", *, U: "n n"):
        h = U @ h_prev + 1 / h_prev
        return h

    with pytest.raises(RuleMissing, match="not finite at zero states"):
        at_origin(cell, sl.parameters(cell, n=3, rng=0))


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_eigenvalues_are_those_of_the_state_jacobian(name):
    cell = sl.cell(name)
    p = sl.parameters(cell, n=4, m=2, rng=0)
    k = sl.compile(cell)
    expected = np.linalg.eigvals(k.state_jacobian(p, np.zeros(2), k.zero_states(p)))
    found = at_origin(cell, p)
    assert np.abs(found.eigenvalues[:, None] - expected[None]).min(axis=1).max() < 1e-10
    assert found.region is not None
