"""A cell is the key of what is remembered of it, in this process and in the workers that it is sent to."""

import os
import pickle
import subprocess
import sys

import symlstm as sl


def test_the_hash_is_counted_again_in_another_process():
    cell = sl.cell("lstm")
    assert hash(cell) == hash(cell)
    code = (
        "import pickle, sys, symlstm as sl; found = pickle.loads(sys.stdin.buffer.read()); own = sl.cell('lstm');"
        "assert found == own and hash(found) == hash(own) and {own: 1}[found] == 1"
    )
    given = {**os.environ, "PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(cell), check=True, env=given)


def test_cells_that_differ_are_different_keys():
    def one(h_prev: "n", *, a: "n"):
        h = a * h_prev
        return h

    first, second = sl.cell(one), sl.cell("rnn")
    assert first != second and len({first, second, sl.cell(one)}) == 2
