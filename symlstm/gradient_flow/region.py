"""Where the eigenvalues of a structured random matrix lie.

With J = M + sum_k L_k U_k R_k (symlstm.gradient_flow.terms), U_k of independent entries of variance g_k^2 / n, and n
large, eigenvalues lie where the spectral radius of P is 1 or more,

    P_kl(z) = g_k^2 / n  sum_i |G_kl,i(z)|^2,    G_kl(z) = R_k (z - M)^-1 L_l,

(one U: Ahmadian, Fumarola and Miller, Physical Review E 91, 2015; gated cells: Krishnamurthy, Can and Schwab, Physical
Review X 12, 2022). For an LSTM whose gates are the same in all units this is a disc: centre f, radius i o g.
"""

from __future__ import annotations

import numpy as np

from symlstm.gradient_flow.reading import Array
from symlstm.gradient_flow.terms import Structure

AT_ONCE = 2**20


class Region:
    """The points z with level(z) >= 1."""

    def __init__(self, found: Structure, gains: Array) -> None:
        n = found.diagonal.shape[-1]
        self.m = np.moveaxis(found.diagonal, -1, 0)  # (n, states, states)
        self.squared = np.asarray(gains) ** 2
        self.left = np.zeros((n, self.m.shape[-1], len(found.random)))
        self.right = np.zeros((n, len(found.random), self.m.shape[-1]))
        for k, r in enumerate(found.random):
            for i, vector in r.left.items():
                self.left[:, i, k] = vector
            self.right[:, k, r.column] = r.right
        every = np.concatenate([a.reshape(n, -1) for a in (self.m, self.left, self.right)], axis=1)
        _, first, counts = np.unique(every, axis=0, return_index=True, return_counts=True)  # units that are alike: once
        self.m, self.left, self.right = self.m[first], self.left[first], self.right[first]
        self.weight = counts / n  # the share of each kind of unit
        self.above, self.below = _resolvent(self.m)
        self.above = [self.right @ a @ self.left for a in self.above]

    def level(self, z: Array) -> Array:
        """The spectral radius of P at points z (k,); infinite at an eigenvalue of M."""
        step = max(1, AT_ONCE // self.above[0].size)
        parts = [self._level(z[k : k + step]) for k in range(0, len(z), step)]
        return np.concatenate(parts)

    def _level(self, z: Array) -> Array:
        z = z[:, None]
        above = sum(z[..., None, None] ** k * a for k, a in enumerate(self.above))
        below = sum(z**k * b for k, b in enumerate(self.below))
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.abs(above) ** 2 / (np.abs(below) ** 2)[..., None, None]
        p = self.squared[:, None] * np.einsum("znkl,n->zkl", np.where(np.isnan(squares), 0.0, squares), self.weight)
        found = np.full(len(p), np.inf)
        finite = np.isfinite(p).all(axis=(-2, -1))
        found[finite] = np.max(np.abs(np.linalg.eigvals(p[finite])), axis=-1)
        return found

    @property
    def centre(self) -> float:
        """R M L / R L on average: about this point G is c / (z - centre) far away."""
        scale = np.sqrt(np.outer(self.weight, self.squared))
        direct = scale * np.einsum("nki,nik->nk", self.right, self.left)
        through = scale * np.einsum("nki,nij,njk->nk", self.right, self.m, self.left)
        weight = np.sum(direct**2)
        return float(np.sum(through * direct) / weight) if weight > 0 else 0.0

    @property
    def disc(self) -> tuple[float, float] | None:
        """Centre and radius where it is a disc: level(z) |z - centre|^2 is one number, to half of the digits."""
        centre = self.centre
        z = centre + np.outer([0.1, 1.0, 3.0], np.exp(1j * np.array([0.3, 1.1, 2.0, 3.0]))).ravel()
        squares = self.level(z) * np.abs(z - centre) ** 2
        if not np.ptp(squares) <= np.sqrt(np.finfo(float).eps) * np.max(squares):
            return None
        return centre, float(np.sqrt(np.median(squares)))


def _resolvent(m: Array) -> tuple[list[Array], list[Array]]:
    """(z - M)^-1 = sum_k z^k A_k / sum_k z^k b_k, by Faddeev and LeVerrier: A (n, s, s) and b (n,), k from 0."""
    size = m.shape[-1]
    a, b = [np.broadcast_to(np.eye(size), m.shape)], [np.ones(len(m))]
    for k in range(1, size + 1):
        product = m @ a[0]
        b.insert(0, -np.trace(product, axis1=-2, axis2=-1) / k)
        if k < size:
            a.insert(0, product + b[0][:, None, None] * np.eye(size))
    return a, b
