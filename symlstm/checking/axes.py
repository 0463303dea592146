"""What an axis of an array counts: whole numbers of one, n, m, batch and steps. And the sizes of the probe."""

from __future__ import annotations

from typing import NamedTuple


class Axis(NamedTuple):
    """The length of an axis: one + n N + m M + batch B + steps T."""

    one: int = 0
    n: int = 0
    m: int = 0
    batch: int = 0
    steps: int = 0

    def length(self, sizes: tuple[int, int, int], steps: int) -> int:
        """In numbers; sizes: n, m, batch."""
        n, m, batch = sizes
        return self.one + self.n * n + self.m * m + self.batch * batch + self.steps * steps


ONE, N, M, B, T = Axis(1), Axis(n=1), Axis(m=1), Axis(batch=1), Axis(steps=1)
JOINED = Axis(n=1, m=1)
LETTERS = {ONE: "1", N: "f", M: "f", B: "b", T: "t"}
"""See symlstm.checking.layout."""
SIZES = (3, 4, 2)
"""n, m, batch of the probe: all different, so are n + m, 2n, 3n and 4n."""
STEPS = 5
"""T of the probe: at least 3, and different from all of them; so is T + 1, but for 2n."""
