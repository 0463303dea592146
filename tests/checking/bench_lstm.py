"""The LSTMs of `bench` as cases: every bug in every style, and pairs of bugs."""

import itertools

from tests.checking.bench import BUGS, STYLES, source
from tests.checking.cases import HELPERS, Case


def _case(style, *names):
    holes, bugs = {}, []
    for name in names:
        more, message, equation = BUGS[name]
        holes |= more
        bugs.append((message, equation))
    text = source(style, **holes).removeprefix(HELPERS)
    return Case(f"{style} LSTM: {' and '.join(names)}", text, STYLES[style].example, "lstm", tuple(bugs))


SINGLE = [_case(style, bug) for style, bug in itertools.product(STYLES, BUGS)]


def _pairs():
    names = [name for name in BUGS if name != "epsilon"]
    for k, (style, first) in enumerate(itertools.product(STYLES, names[::2])):
        second = names[(7 * k + 3) % len(names)]
        if BUGS[first][2] != BUGS[second][2] and {first, second} != {"peephole", "output gate for input gate"}:
            yield _case(style, first, second)


PAIRS = list(_pairs())
