"""Compiled tangents and orthonormal directions: the same numbers as NumPy's, for every cell, any size, any batch."""

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symlstm as sl
from symlstm.codegen.pieces import Pieces
from symlstm.codegen.tangent_steps import tangent_steps
from symlstm.errors import ExtraMissing, ValueUnusable
from symlstm.functions import sigmoid, tanh
from symlstm.gradient_flow.reading import stream_of
from tests.flow.numbers import BUILT_IN, VARIANTS, variant
from tests.flow.test_stretches import negated, setting
from tests.support.frameworks import require

numba = require("numba")
carrying = require("symlstm.codegen.fast.carry")
carry, FEW, MORE = carrying.carry, carrying.FEW, carrying.MORE
tangents, parts = require("symlstm.codegen.fast.tangents"), require("symlstm.codegen.fast.parts")
orthonormal = require("symlstm.codegen.fast.orthonormal")
LANES = require("symlstm.codegen.fast.reflections").LANES

EPS = np.finfo(float).eps


def both(stream):
    return [tangent_steps(stream.cell, stream.p, stream.lengths, np.dtype(float), b) for b in ("numpy", "numba")]


@pytest.mark.parametrize("name", [*BUILT_IN, *VARIANTS, "negated"])
@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
@pytest.mark.parametrize("count", sorted({2, 3, FEW, 7, MORE, 13}))
def test_directions_are_carried_as_numpy_carries_them(name, batch, count):
    cell = sl.cell(negated) if name == "negated" else variant(name) if name in VARIANTS else sl.cell(name)
    stream = setting(cell, n=37, steps=6, batch=batch)
    slow, fast = both(stream)
    ((piece, given),) = Pieces(stream).each(lambda piece: [t.factors(piece.known, (6, *batch)) for t in (slow, fast)])
    v = np.random.default_rng(1).normal(size=(*batch, count, sum(stream.sizes)))
    for start, steps in ((0, 1), (2, 4)):
        expected = v
        for k in range(start, start + steps):
            expected = slow.apply(expected, given[0], k)
        found = v.reshape(-1, v.shape[-1]).copy()
        alone = np.zeros(0, np.int64), 0
        carry(0, len(found), start, steps, *fast._given(given[1], len(found), count), *alone, found)
        atol = 1e-12 * np.abs(expected).max()
        np.testing.assert_allclose(found.reshape(v.shape), expected, rtol=1e-12, atol=atol)
        same(fast.stretch(v, given[1], start, steps), slow.stretch(v, given[0], start, steps))
    same(fast.each(v, given[1], piece.steps), slow.each(v, given[0], piece.steps))


def same(found, expected):
    assert (found.start, found.steps) == (expected.start, expected.steps)
    np.testing.assert_allclose(found.growth, expected.growth, rtol=1e-8)
    np.testing.assert_allclose(found.largest, expected.largest, rtol=1e-8)
    np.testing.assert_allclose(np.abs(found.directions), np.abs(expected.directions), rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.condition, expected.condition, rtol=1e-6)


def made_orthonormal(a):
    rows, columns = a.shape
    padded = np.zeros((rows, -(-columns // LANES) * LANES))
    padded[:, :columns] = a
    triangle = np.zeros((rows, rows))
    orthonormal.orthonormalise(padded, triangle)
    assert not padded[:, columns:].any()
    return padded[:, :columns], triangle


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 5), (10, 64), (64, 64), (97, 97), (98, 131), (160, 200)])
@pytest.mark.parametrize("spread", [0, 3, 60])
def test_rows_become_orthonormal_and_the_triangle_gives_them_back(shape, spread):
    rng = np.random.default_rng(shape[0])
    a = rng.normal(size=shape) * np.exp(spread * rng.normal(size=(shape[0], 1)))
    q, triangle = made_orthonormal(a)
    allowed = 4 * EPS * (shape[0] + 4)
    assert np.abs(q @ q.T - np.eye(shape[0])).max() <= allowed
    assert (np.abs(triangle @ q - a) <= allowed * np.linalg.norm(a, axis=1)[:, None]).all()
    assert not np.triu(triangle, 1).any()
    expected = np.abs(np.diagonal(np.linalg.qr(a.T)[1]))
    np.testing.assert_allclose(np.abs(np.diagonal(triangle)), expected, rtol=1e-8)


def test_a_row_of_zeros_and_rows_beyond_what_squares_can_hold():
    a = np.random.default_rng(0).normal(size=(4, 6))
    a[1] *= 1e-300
    a[2] = 0
    a[3] *= 1e300
    q, triangle = made_orthonormal(a)
    assert np.abs(q @ q.T - np.eye(4)).max() <= 32 * EPS and triangle[2, 2] == 0
    expected = np.abs(np.diagonal(np.linalg.qr(a.T)[1]))
    np.testing.assert_allclose(np.abs(np.diagonal(triangle)), expected, rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_told(bad):
    a = np.random.default_rng(0).normal(size=(4, 6))
    a[1, 3] = bad
    assert np.isnan(np.diagonal(made_orthonormal(a)[1])[1])


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_peephole"])
@pytest.mark.parametrize("batch", [(), (2,), (3, 2)])
def test_parts_in_several_threads_are_the_whole(name, batch, monkeypatch):
    stream = setting(sl.cell(name), n=7, steps=6, batch=batch)
    _, fast = both(stream)
    ((piece, factors),) = Pieces(stream).each(lambda piece: fast.factors(piece.known, (6, *batch)))
    v = np.random.default_rng(1).normal(size=(*batch, 5, sum(stream.sizes)))
    one = fast.stretch(v, factors, 1, 4), fast.each(v, factors, 6)
    monkeypatch.setattr(tangents, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 3)
    for found, expected in zip((fast.stretch(v, factors, 1, 4), fast.each(v, factors, 6)), one, strict=True):
        for name in ("directions", "growth", "largest", "condition"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_peephole"])
@pytest.mark.parametrize("count", [3, 9, MORE, 40])
@pytest.mark.parametrize("room", [0, 3])
def test_panels_shared_with_another_thread_are_the_same_to_the_bit(name, count, room, monkeypatch):
    stream = setting(sl.cell(name), n=70, steps=30)
    _, fast = both(stream)
    ((piece, factors),) = Pieces(stream).each(lambda piece: fast.factors(piece.known, (30,)))
    v = np.random.default_rng(1).normal(size=(count, sum(stream.sizes)))
    alone = fast.stretch(v, factors, 1, 20), fast.stretch(v, factors, 0, 30), fast.each(v, factors, 30)
    made = []
    monkeypatch.setattr(tangents, "WORTH_HELP", 1)
    monkeypatch.setattr(tangents, "ROOM", room)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    for k in range(500):
        if k > 5 and (room == 0 or sum(made)):
            break
        with fast.helped(factors, v):
            found = fast.stretch(v, factors, 1, 20), fast.stretch(v, factors, 0, 30), fast.each(v, factors, 30)
            jobs = fast._counts[2:].reshape(-1, 4)
            made.append(jobs[:, 2].sum())  # begun by the other thread
            number = -(-70 // tangents.Writer(fast, True).program.panels.shape[1])
            assert set(np.unique(jobs[:, 3])) <= {0, number}
        for one, other in zip(found, alone, strict=True):
            for part in ("directions", "growth", "largest", "condition"):
                np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    assert (sum(made) > 0) == (room > 0)


def test_who_is_helped_waits_for_no_other_thread(monkeypatch):
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    stop, seen = threading.Event(), []

    def part(first, last):
        seen.append((first, last, threading.current_thread().name))

    with parts.helped_by(stop.wait):
        parts.in_parts(part, 8, 2)  # the only other thread waits for what comes after this
        stop.set()
    assert seen == [(0, 8, threading.current_thread().name)]
    seen.clear()
    both_there = threading.Barrier(2, timeout=60)
    parts.in_parts(lambda *ends: (both_there.wait(), part(*ends)), 8, 2)
    assert sorted(seen)[0][:2] == (0, 4) and len({name for *_, name in seen}) == 2
    seen.clear()
    parts._pool().submit(parts.in_parts, part, 8, 2).result(60)
    assert len(seen) == 1


def test_a_thread_that_has_nothing_to_wait_for_does_what_has_not_begun(monkeypatch):
    """The only other thread helps somebody else."""
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    begun, stop, seen = threading.Event(), threading.Event(), []

    def helper():
        begun.set()
        stop.wait()

    def ask():
        begun.wait()
        parts.in_parts(lambda first, last: seen.append((first, last)), 8, 2)
        seen.append(parts.beside(lambda: "done")())

    asking = threading.Thread(target=ask)
    with parts.helped_by(helper):
        asking.start()
        asking.join(60)
        stop.set()
    assert seen == [(0, 4), (4, 8), "done"]


def test_what_is_taken_back_keeps_nothing(monkeypatch):
    """The only other thread has something else to do, and looks only later at what it need not do any more."""
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    parts._forget()
    begun, stop = threading.Event(), threading.Event()
    parts._submit(lambda: (begun.set(), stop.wait()))
    begun.wait(60)
    try:
        array = np.ones(3)
        gone = weakref.ref(array)
        parts.in_parts(lambda first, last, a: None, 8, 2, array, keep=[array])
        del array
        assert gone() is None
    finally:
        stop.set()


def test_an_error_while_somebody_helps_lets_it_go(monkeypatch):
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    monkeypatch.setattr(tangents, "WORTH_HELP", 1)
    stream = setting(sl.cell("lstm"), n=20, steps=30)
    _, fast = both(stream)
    ((piece, factors),) = Pieces(stream).each(lambda piece: fast.factors(piece.known, (30,)))
    v = np.random.default_rng(1).normal(size=(4, 40))
    with pytest.raises(KeyboardInterrupt), fast.helped(factors, v):
        fast.stretch(v, factors, 0, 3)
        raise KeyboardInterrupt
    assert len(fast._counts) == 0
    free = parts._pool().submit(threading.current_thread)
    assert free.result(60) is not threading.current_thread()


def five_gates(x: "m", h_prev: "n", *, W: "n m", A: "n n", B: "n n", C: "n n", D: "n n", E: "n n"):
    f = sigmoid(A @ h_prev + W @ x)
    g = tanh(B @ h_prev)
    h = f * g * tanh(C @ h_prev) + tanh(D @ h_prev) * sigmoid(E @ h_prev)
    return h


def forgetful(h_prev: "n", *, b: "n"):
    h = tanh(b)
    return h


def one_matrix_twice(x: "m", h_prev: "n", *, W: "n m", A: "n n", B: "n n"):
    f = sigmoid(A @ h_prev + W @ x)
    h = f * h_prev + (1 - f) * tanh(B @ h_prev)
    return h


@pytest.mark.parametrize("function", [five_gates, forgetful, one_matrix_twice])
@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_what_multiplies_the_same_directions(function, count):
    stream = setting(sl.cell(function), n=37, steps=6)
    slow, fast = both(stream)
    ((piece, given),) = Pieces(stream).each(lambda piece: [t.factors(piece.known, (6,)) for t in (slow, fast)])
    v = np.random.default_rng(1).normal(size=(count, 37))
    found, expected = v.copy(), v
    for k in range(4):
        expected = slow.apply(expected, given[0], k)
    program, moved, panels, factors, room = fast._given(given[1], count, count)
    room[:] = np.nan
    carry(0, count, 0, 4, program, moved, panels, factors, room, np.zeros(0, np.int64), 0, found)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * np.abs(expected).max())


def test_states_that_overflow_in_a_piece_that_another_thread_makes_are_named(monkeypatch):
    def growing(h_prev: "n", *, a: "n"):
        h = a * h_prev
        return h

    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    with pytest.raises(ValueUnusable, match=r"at step 102\d \(from 0\), h has infinity"):
        sl.lyapunov(growing, {"a": np.array([2.0])}, steps=1100, states=np.ones(1), backend="numba")


def test_other_threads_may_ask_at_the_same_time(monkeypatch):
    """Large enough that panels are shared; all use the same pool."""
    monkeypatch.setattr(tangents, "WORTH_HELP", 1)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    p = sl.parameters("lstm", n=40, m=3, rng=0)
    x = np.random.default_rng(0).normal(size=(400, 3))

    def run(_=None):
        return sl.lyapunov("lstm", p, x, count=5, backend="numba").exponents

    expected = run()
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(run, range(12)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", [*BUILT_IN, *VARIANTS])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_what_a_piece_keeps_is_what_its_equations_say(name, batch):
    stream = setting(variant(name) if name in VARIANTS else sl.cell(name), n=4, steps=5, batch=batch)
    for backend in ("numpy", "numba"):
        given = stream.p, stream.x, None if stream.cell.inputs else stream.steps, stream.first
        other = stream_of(stream.cell, *given, backend)
        ((piece, _),) = Pieces(other).each(lambda piece: None)
        expected = other.values(piece.x, piece.states)
        assert {e.name for e in other.cell.equations} <= set(piece.known)
        for q, value in expected.items():
            np.testing.assert_allclose(
                piece.known[q], np.broadcast_to(value, piece.known[q].shape), rtol=1e-12, atol=1e-14
            )


@pytest.mark.parametrize("count", [3, None])
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "lstm_peephole"])
def test_exponents_are_those_of_numpy(name, count):
    stream = setting(sl.cell(name), n=20, steps=300)
    given = (name, stream.p, stream.x), {"states": stream.first, "count": count, "burn_in": 37}
    expected = sl.lyapunov(*given[0], **given[1])
    found = sl.lyapunov(*given[0], **given[1], backend="numba")
    np.testing.assert_allclose(found.exponents, expected.exponents, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.history.steps, expected.history.steps)
    if count is None:
        assert abs(found.residual) <= 1e-9 * abs(found.exponents.sum())


def test_directions_that_are_lost_have_exponent_minus_infinity_with_both():
    def forgetful(x: "m", h_prev: "n", c_prev: "n", *, W: "n m", U: "n n"):
        c = tanh(W @ x + U @ c_prev)
        h = tanh(c)
        return h, c

    stream = setting(sl.cell(forgetful), n=20, steps=60)
    for backend in ("numpy", "numba"):
        found = sl.lyapunov(forgetful, stream.p, stream.x, states=stream.first, backend=backend)
        assert np.isneginf(found.exponents[20:]).all() and np.isfinite(found.exponents[:20]).all()


@pytest.mark.parametrize("count", [3, None])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_is_not_finite_is_named_with_its_step(backend, count):
    def shrinking(h_prev: "n"):
        h = np.sqrt(h_prev) - 0.5
        return h

    states = np.full(40, 0.5625)  # then 0.25, then 0, where the derivative is infinite
    with pytest.raises(ValueUnusable, match=r"at step 2 \(from 0\), the state Jacobian of shrinking is not finite"):
        sl.lyapunov(shrinking, {}, steps=3, states=states, count=count, backend=backend)


def test_without_numba_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    from symlstm.codegen.compiled import _compiled

    _compiled.cache_clear()
    with pytest.raises(ExtraMissing, match="symlstm\\[fast\\]"):
        sl.lyapunov("lstm", sl.parameters("lstm", n=2, m=1), np.zeros((3, 1)), backend="numba")
