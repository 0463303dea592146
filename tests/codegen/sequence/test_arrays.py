"""Arrays as users have them: strided, turned, read-only, of mixed dtypes. Same numbers, same bits; nothing changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symlstm as sl
from symlstm.codegen.fitting import shape_of
from tests.codegen.numbers import cell_of
from tests.codegen.sequence import repeated

NAMES = ["lstm", "gru", "gru_reset_before", "lstm_softmax", "lstm_peephole", "layer_norm", "rows", "tied", "two_inputs"]


def fortran(a):
    return np.asfortranarray(a)


def strided(a):
    wide = np.full((*a.shape[:-1], 2 * a.shape[-1]), np.nan, a.dtype) if a.ndim else a
    wide[..., ::2] = a
    return wide[..., ::2]


def reversed_(a):
    return np.ascontiguousarray(a[::-1])[::-1] if a.ndim else a


def reversed_rows(a):
    return np.ascontiguousarray(a[..., ::-1])[..., ::-1]


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def misplaced(a):
    """Contiguous, but not where an allocator would have put it."""
    buffer = np.empty(a.size + 3, a.dtype)
    buffer[3:] = a.ravel()
    return buffer[3:].reshape(a.shape)


LAYOUTS = [np.copy, fortran, strided, reversed_, reversed_rows, read_only, misplaced]
DTYPES = [np.float32, np.float64]


@st.composite
def sequences(draw):
    """(compiled cell, p, X, states, upstream): contiguous arrays of drawn sizes."""
    k = sl.compile(cell_of(draw(st.sampled_from(NAMES))))
    sizes = {str(d): draw(st.integers(1, 6)) for d in k.cell.dims}
    steps, batch = draw(st.integers(0, 12)), draw(st.sampled_from([(), (1,), (3,), (7,), (2, 3), (1, 4)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))

    def drawn(q, *leading):
        return rng.uniform(-1, 1, (*leading, *shape_of(k.cell, q, sizes)))

    p = {q.name: drawn(q) for q in k.cell.parameters}
    x = tuple(drawn(q, steps, *batch) for q in k.cell.inputs)
    states = tuple(drawn(s.previous, *batch) for s in k.cell.states)
    return k, p, x, states, {q.name: drawn(q, steps, *batch) for q in repeated.results(k.cell)}


def everything(k, p, x, states, upstream, checkpoint_every):
    x = x[0] if len(x) == 1 else x
    found = k.run(p, x, states)
    return found | {f"d_{q}": g for q, g in k.gradients(p, x, states, upstream,
                                                        checkpoint_every=checkpoint_every).items()}  # fmt: skip


def each(change, p, x, states, upstream):
    """All arrays changed one by one, in the order in which they are given."""
    return (
        {q: change(a) for q, a in p.items()}, tuple(map(change, x)), tuple(map(change, states)),
        {q: change(a) for q, a in upstream.items()},
    )  # fmt: skip


def flat(p, x, states, upstream):
    return [*p.values(), *x, *states, *upstream.values()]


def same_bits(found, wanted):
    return all(
        found[q].dtype == wanted[q].dtype and np.array_equal(found[q], wanted[q]) for q in wanted
    ) and found.keys() == wanted.keys()  # fmt: skip


@given(sequences(), st.data(), st.sampled_from(DTYPES), st.sampled_from([None, 1, 4]))
def test_how_an_array_lies_in_memory_changes_no_bit_and_nothing_given_is_changed(numbers, data, dtype, every):
    k, *given_ = numbers
    plain = each(lambda a: a.astype(dtype), *given_)
    laid = each(lambda a: data.draw(st.sampled_from(LAYOUTS))(a), *plain)
    before = [a.tobytes() for a in flat(*laid)]
    wanted = everything(k, *plain, every)
    found = everything(k, *laid, every)
    assert same_bits(found, wanted)
    assert same_bits(everything(k, *laid, every), found)
    assert [a.tobytes() for a in flat(*laid)] == before
    assert not any(np.shares_memory(a, b) for a in found.values() for b in flat(*laid))


@given(sequences(), st.data())
def test_the_result_is_float32_only_where_all_numbers_are(numbers, data):
    k, *given_ = numbers
    mixed = each(lambda a: a.astype(data.draw(st.sampled_from([*DTYPES, np.float32, np.float32]))), *given_)
    p, x, states, upstream = mixed
    x = x[0] if len(x) == 1 else x
    values = np.result_type(*flat(p, mixed[1], states, {}))
    assert {a.dtype for a in k.run(p, x, states).values()} == {values}
    gradients = np.result_type(*flat(*mixed))
    assert {a.dtype for a in k.gradients(p, x, states, upstream).values()} == {gradients}


@pytest.mark.parametrize("name", NAMES)
def test_a_broadcast_view_is_its_copy(name):
    k = sl.compile(cell_of(name))
    p, x, states, upstream, _ = repeated.numbers(k.cell, 5, batch=(3,))
    x = x if isinstance(x, tuple) else (x,)

    def repeated_row(a):
        return np.broadcast_to(a[:, :1], a.shape)

    views = tuple(map(repeated_row, x)), tuple(np.broadcast_to(s[0], s.shape) for s in states)
    above = {q: np.broadcast_to(g.dtype.type(0.5), g.shape) for q, g in upstream.items()}
    copies = tuple(tuple(a.copy() for a in arrays) for arrays in views)
    found = everything(k, p, *views, above, None)
    assert same_bits(found, everything(k, p, *copies, {q: g.copy() for q, g in above.items()}, None))


def test_plain_lists_take_the_dtype_of_the_arrays_beside_them():
    k = sl.compile("lstm")
    p, x, states, upstream, _ = repeated.numbers(k.cell, 3, dtype=np.float32)
    lists = [s.tolist() for s in states]
    assert {a.dtype for a in k.run(p, x.tolist(), tuple(lists)).values()} == {np.dtype(np.float32)}
    found = k.gradients(p, x.tolist(), tuple(lists), {q: g.tolist() for q, g in upstream.items()})
    wanted = k.gradients(p, x, states, upstream)
    assert same_bits(found, wanted)


def test_numbers_so_large_that_their_squares_overflow_are_finite():
    k = sl.compile("lstm")
    p, x, states, upstream, _ = repeated.numbers(k.cell, 3)
    assert np.isfinite(k.run(p, x * 1e200, states)["h"]).all()
    assert np.isfinite(k.gradients(p, x, states, {"h": upstream["h"] * 1e200})["x"]).all()
