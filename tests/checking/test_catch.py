"""The catch: every wrong implementation is rejected, no right one, and mistakes are named; on a sample of the bench.

`python -m benchmarks.checking` runs the whole.
"""

import pytest

from tests.checking import catch
from tests.checking.cases import outcome

EVERY_SINGLE, EVERY_PAIR, EVERY_RIGHT = 8, 12, 3


def test_the_bench_is_large_enough():
    assert len(catch.SINGLE) + len(catch.PAIRS) >= 150 and len(catch.RIGHT) >= 40
    names = [case.name for case in (*catch.SINGLE, *catch.PAIRS, *catch.RIGHT)]
    sources = [case.source for case in (*catch.SINGLE, *catch.PAIRS)]
    assert len(set(names)) == len(names) and len(set(sources)) > 0.95 * len(sources)
    right = {case.source for case in catch.RIGHT}
    assert not right & set(sources)


@pytest.mark.parametrize("case", catch.RIGHT[::EVERY_RIGHT], ids=lambda case: case.name)
def test_a_right_implementation_is_accepted(case):
    found = outcome(case)
    assert not found.rejected, found.told


@pytest.mark.parametrize(
    ("cases", "least"),
    [
        (catch.SINGLE[::EVERY_SINGLE], catch.NAMED_ALONE),
        (catch.PAIRS[::EVERY_PAIR], catch.NAMED_IN_PAIRS),
    ],
    ids=["single", "pairs"],
)
def test_wrong_implementations_are_rejected_and_their_mistakes_named(cases, least):
    found = catch.share(cases)
    for line in found.missed:
        print(line)
    assert found.rejected == len(cases)
    assert found.named >= least * len(cases), found.missed
