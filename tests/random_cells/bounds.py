"""How far two correct programs may be apart: as far as rounding moves this very program, measured in float32."""

import numpy as np

EPS = np.finfo(np.float64).eps
FINER = np.finfo(np.float64).eps / np.finfo(np.float32).eps
SPREAD = 32  # the ratio of one program's rounding error to another's: both are sums of a few dozen signed roundings


def noise(rough, exact):
    """What rounding does to this program, relative, in float64: its distance in float32, 2^-29 times.

    One cell's quantities share it: an entry may be lucky, a whole run is not.
    """
    return EPS + FINER * max(relative(rough[name], exact[name]) for name in exact)


def agree(found, wanted, program, run, noise):
    """Every array in `found` is that of the same name in `wanted`, up to rounding.

    A sum that cancels keeps the rounding of its terms, which are of the size of what else is in the run: `run`, or
    the constants and arguments of the program, which are of order one.
    """
    largest = max(1.0, *(np.abs(v).max(initial=0) for v in run.values()))
    for name in found.keys() & wanted.keys():
        exact = wanted[name]
        apart = np.abs(np.reshape(found[name], exact.shape) - exact).max(initial=0)
        allowed = SPREAD * noise * largest
        assert apart <= allowed, f"{name}: {apart:.3g} apart, {allowed:.3g} allowed\n{program!r}"


def relative(a, b):
    scale = np.abs(b).max(initial=0)
    return float(np.abs(a - b).max(initial=0) / scale) if scale > 1e-6 else 0.0
