"""What is given: batches in the states alone, narrow floats, tensors, complex numbers, arguments of a wrong kind."""

import numpy as np
import pytest

import symlstm as sl
from symlstm.errors import RuleMissing, ShapeError, ValueUnusable
from tests.support.frameworks import require

T, N, M = 6, 3, 2


def _given():
    rng = np.random.default_rng(5)
    return sl.parameters("lstm", n=N, m=M, rng=1), rng.normal(size=(T, M)), rng.normal(size=(2, T, N))


@pytest.mark.parametrize("x", ["data", "zero input"])
def test_each_example_of_a_batch_that_only_the_states_have_is_a_run_of_its_own(x):
    """As many examples as steps: an input that is taken for a batch would go unnoticed."""
    p, X, states = _given()
    given = {"X": X} if x == "data" else {"steps": T}
    together = sl.lyapunov("lstm", p, states=tuple(states), **given)
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((T, 2 * N, 2 * N)).mT)[0]
    k = sl.compile("lstm")
    for b in range(T):
        own, q, sums = (states[0][b], states[1][b]), directions[b], 0.0
        for t in range(T):
            read = X[t] if x == "data" else np.zeros(M)
            q, r = np.linalg.qr(k.state_jacobian(p, read, own) @ q)
            sums, own = sums + np.log(np.abs(np.diag(r))), k.step(p, read, own)
        np.testing.assert_allclose(together.exponents[b], np.sort(sums / T)[::-1], rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_weights_are_measured_in_float64(dtype):
    p, X, _ = _given()
    narrow = {name: a.astype(dtype) for name, a in p.items()}
    wide = {name: a.astype(float) for name, a in narrow.items()}
    x = X.astype(dtype)
    np.testing.assert_array_equal(
        sl.lyapunov("lstm", narrow, x).exponents, sl.lyapunov("lstm", wide, x.astype(float)).exponents
    )
    np.testing.assert_array_equal(
        sl.half_life("lstm", narrow, steps=9).log_product, sl.half_life("lstm", wide, steps=9).log_product
    )
    (point,) = sl.fixed_points("lstm", narrow, starts=3).points
    assert point.states["h"].dtype == np.float64 and point.residual < 1e-14


def test_tensors_that_require_gradients_and_bfloat16_are_numbers_like_others():
    torch = require("torch")
    p, X, _ = _given()
    asked = {name: torch.tensor(a).requires_grad_() for name, a in p.items()}
    wanted = sl.lyapunov("lstm", p, X).exponents
    np.testing.assert_array_equal(sl.lyapunov("lstm", asked, torch.tensor(X)).exponents, wanted)
    short = {name: a.detach().bfloat16() for name, a in asked.items()}
    same = {name: a.float().numpy() for name, a in short.items()}
    np.testing.assert_array_equal(
        sl.lyapunov("lstm", short, steps=4).exponents, sl.lyapunov("lstm", same, steps=4).exponents
    )


def test_complex_input_is_refused():
    p, X, _ = _given()
    for measure in (sl.lyapunov, sl.half_life, sl.flow):
        with pytest.raises(ValueUnusable, match="real numbers, not on complex ones"):
            measure("lstm", p, X + 0j)


WRONG = {
    "no output": (lambda p, X: sl.flow("lstm", p, X, output={}), "output is an empty dict"),
    "lags that are a number": (lambda p, x: sl.flow("lstm", p, x, lags=3), r"lags must be a list.*not 3\n.*lags=\["),
    "lags that are a text": (lambda p, x: sl.flow("lstm", p, x, lags="1,2"), r"lags must be a list.*not '1,2'"),
    "pairs that are a name": (lambda p, x: sl.flow("lstm", p, x, pairs="c"), r'not \'c\'\n.*pairs=\[\("h", "c"\)\]'),
    "a pair of three": (lambda p, x: sl.flow("lstm", p, x, pairs=[("h", "c", "c")]), "a pair is two states, not"),
    "a pair in one word": (lambda p, x: sl.flow("lstm", p, x, pairs=["hc"]), "a pair is two states, not 'hc'"),
    "a seed that is none": (lambda p, x: sl.lyapunov("lstm", p, x, rng="a"), "rng must be a seed.*not 'a'"),
    "a scale that is none": (lambda p, x: sl.fixed_points("lstm", p, scale="a"), "scale must be a number.*not 'a'"),
    "a bound that is the data": (lambda p, x: sl.certificate("lstm", p, x), r"not a ndarray of shape \(6, 2\)"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_arguments_of_a_wrong_kind_are_named(kind):
    p, X, _ = _given()
    call, message = WRONG[kind]
    with pytest.raises(ValueUnusable, match=message):
        call(p, X)


def test_fixed_points_of_a_whole_sequence_say_that_one_input_is_meant():
    p, X, _ = _given()
    with pytest.raises(ShapeError, match=r"one constant input, and x is 6 x 2\n.*x.mean\(axis=0\)"):
        sl.fixed_points("lstm", p, X)


def fast_weights(k: "d", v: "d", q: "d", S_prev: "d d", *, a: "d"):
    S = S_prev * a + np.outer(v, k)
    return S, S @ q


def root(h_prev: "n", *, a: "n"):
    h = np.sqrt(np.abs(a * h_prev))
    return h


def test_what_is_not_known_of_a_matrix_state_is_said_without_a_warning():
    p = {"a": np.array([0.5, 0.25])}
    for ask in (sl.certificate, sl.fixed_points):
        with pytest.raises(RuleMissing, match="S is a matrix"):
            ask(fast_weights, p)


def unbounded(h_prev: "n", c_prev: "n", *, U: "n n"):
    c = np.tanh(h_prev) + c_prev
    h = c * (U @ c)
    return h, c


def test_a_state_without_bounds_certifies_nothing_and_warns_of_nothing():
    assert not sl.certificate(unbounded, {"U": np.eye(2) / 9}).holds


def test_a_fixed_point_with_infinite_slope_is_no_crash():
    found = sl.fixed_points(root, {"a": np.array([0.5, 2.0])}, starts=10)
    assert any(np.allclose(q.states["h"], [0.5, 2.0]) for q in found.points)
