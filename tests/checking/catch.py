"""The whole bench, and what share of it is caught and named."""

from dataclasses import dataclass

from tests.checking import bench_backward, bench_gru, bench_lstm, bench_others, bench_right
from tests.checking.cases import outcome

WRONG = (bench_lstm, bench_gru, bench_others, bench_backward)
SINGLE = [case for part in WRONG for case in part.SINGLE if case.bugs]
PAIRS = list({case.source: case for part in WRONG for case in part.PAIRS}.values())
RIGHT = bench_right.RIGHT
NAMED_ALONE, NAMED_IN_PAIRS = 0.95, 0.85


@dataclass(frozen=True)
class Share:
    """Outcomes of one kind of cases."""

    outcomes: tuple

    @property
    def rejected(self):
        return sum(o.rejected for o in self.outcomes)

    @property
    def named(self):
        return sum(o.named for o in self.outcomes)

    @property
    def missed(self):
        """What is not named, one line each."""
        return [f"{o.case.name}: told {'; '.join(o.told) or 'nothing'}" for o in self.outcomes if not o.named]


def share(cases):
    return Share(tuple(outcome(case) for case in cases))
