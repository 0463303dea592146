"""The benchmarks run, at small sizes: every part gives a table with every candidate in it."""

import pytest

from benchmarks import deriving, startup, state_jacobian
from tests.support.frameworks import require

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch.func's own imports


def rows(table):
    """The cells of a Markdown table, below its heading."""
    heading, rule, *lines = [line for line in table.splitlines() if line.startswith("|")]
    assert set(rule) <= set("|-: ")
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert all(len(row) == heading.count("|") - 1 for row in found)
    return found


def test_starting_is_timed():
    found = rows(startup.table(rounds=1))
    assert "`symlstm --help`" in [row[0] for row in found]


def test_deriving_is_timed_for_the_cells_named():
    ((name, formulas, bare, checked),) = rows(deriving.table(names=["rnn"], rounds=1))
    assert int(formulas) > 3 and name == "`rnn`" and bare.endswith("s") and checked.endswith("s")


def test_the_state_jacobian_is_timed():
    found = rows(state_jacobian.table(sizes=(8,), rounds=1))
    names = [row[1] for row in found]
    assert {row[0] for row in found} == {"8"} and "symlstm" in names
    assert next(row for row in found if row[1] == "symlstm")[3] == "1.00"


@pytest.mark.parametrize(("peer", "mark"), [("torch", "torch"), ("jax", "jax")])
def test_a_peer_that_is_installed_takes_part(peer, mark):
    require(peer)
    names = [row[1] for row in rows(state_jacobian.table(sizes=(8,), rounds=1))]
    assert any(mark in name for name in names)
