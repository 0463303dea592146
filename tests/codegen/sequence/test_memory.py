"""What a backward pass through time holds in memory: what it must, and with checkpoints far less."""

import tracemalloc

import numpy as np
import pytest

import symlstm as sl
from tests.support.frameworks import require

STEPS, BATCH, N, M = 400, 8, 64, 32


def setting(name):
    """(compiled cell, p, X, zero states, upstream)"""
    k = sl.compile(name)
    p = sl.parameters(name, n=N, m=M, rng=0)
    x = np.random.default_rng(0).uniform(-1, 1, (STEPS, BATCH, M))
    return k, p, x, k.zero_states(p, (BATCH,)), {"h": np.ones((STEPS, BATCH, N))}


def peak(function):
    """(the most bytes that a call holds at a time, those of its results included; the results)"""
    function()  # what is generated and cached at the first call is not counted
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    found = function()
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most, found


def saved(k, p, x, states):
    """The bytes of what `forward` keeps for the way back."""
    module = {}
    exec(k.source, module)
    return sum(a.nbytes for a in module["forward"](module["prepare"](p), x, states).values())


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_reset_before", "rnn"])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_gradients_need_little_more_than_the_saved_quantities_and_the_results(name, backend):
    """Measured: 1.08 times for lstm, 1.17 for gru, 1.15 for rnn; with Numba 1.15, 1.23 and 1.29."""
    if backend == "numba":
        require("numba")
    k, p, x, states, upstream = setting(name)
    compiled = sl.compile(name, backend=backend)
    most, found = peak(lambda: compiled.gradients(p, x, states, upstream))
    assert most <= 1.5 * (saved(k, p, x, states) + sum(a.nbytes for a in found.values()))


@pytest.mark.parametrize(("name", "arrays"), [("lstm", 7), ("gru", 5), ("gru_reset_before", 5), ("rnn", 1)])
def test_no_more_is_saved_than_the_backward_pass_reads(name, arrays):
    """lstm: h, c, f, i, c_tilde, o, tanh(c), no pre-activation; gru: h, r, z, n and U_n h; rnn: h."""
    k, p, x, states, _ = setting(name)
    per_step = BATCH * N * 8
    initial = len(states) * per_step
    assert saved(k, p, x, states) == arrays * STEPS * per_step + initial


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_reset_before"])
def test_checkpoints_every_20_steps_need_less_than_a_third(name):
    """Measured: 4.1 times less for lstm, 3.8 for gru; what is left is the gradients of X, and 20 steps."""
    k, p, x, states, upstream = setting(name)
    whole, wanted = peak(lambda: k.gradients(p, x, states, upstream))
    few, found = peak(lambda: k.gradients(p, x, states, upstream, checkpoint_every=20))
    assert 3 * few < whole
    assert all(np.allclose(found[q], wanted[q], rtol=1e-10, atol=1e-12) for q in wanted)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_run_does_not_hold_what_gradients_would_save(name):
    k, p, x, states, _ = setting(name)
    most, found = peak(lambda: k.run(p, x, states))
    assert most < saved(k, p, x, states)
    assert all(a.base is None or a.base.nbytes == a.nbytes for a in found.values())
