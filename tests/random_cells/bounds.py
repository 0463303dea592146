"""How far two correct programs may be apart: as far as rounding moves this very program, measured in float32."""

import numpy as np

EPS = np.finfo(np.float64).eps
FINER = np.finfo(np.float64).eps / np.finfo(np.float32).eps
SPREAD = 32
"""How many times larger one program's rounding error may be than another's. Judged: both are sums of a few dozen signed
roundings, in different orders, so that the ratio is of order one, but nobody has bounded it. Measured: at most 6.0, in
22,437 arrays of 2,400 random cells."""


def noise(rough, exact):
    """What rounding does to this program in float64: its distance in float32, 2^-29 times, by the largest number.

    One cell's quantities share it: an entry may be lucky, a whole run is not.
    """
    return EPS + FINER * max(np.abs(rough[name] - exact[name]).max(initial=0) for name in exact) / largest(exact)


def largest(run):
    """The size of the terms that a program adds: its constants and arguments, of order one, or its largest number."""
    return max(1.0, *(np.abs(v).max(initial=0) for v in run.values()))


def agree(found, wanted, program, run, noise):
    """Every array in `found` is that of the same name in `wanted`, up to rounding.

    A sum that cancels keeps the rounding of its terms, which are of the size of what else is in the run: `run`, or
    the constants and arguments of the program, which are of order one.
    """
    allowed = SPREAD * noise * largest(run)
    for name in found.keys() & wanted.keys():
        exact = wanted[name]
        apart = np.abs(np.reshape(found[name], exact.shape) - exact).max(initial=0)
        assert apart <= allowed, f"{name}: {apart:.3g} apart, {allowed:.3g} allowed\n{program!r}"
