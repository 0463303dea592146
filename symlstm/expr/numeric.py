"""The functions that NumPy lacks, accurate and without overflow; exported modules carry them as they stand here.

Each takes real or complex arrays of any dtype and keeps the dtype (complex: for complex-step differentiation).
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)), without overflow."""
    negative = np.real(z) < 0
    e = np.exp(np.where(negative, z, -z))
    return np.where(negative, e, 1) / (1 + e)


def softplus(z: Any) -> Any:
    """log(1 + exp(z)), without overflow."""
    positive = np.real(z) > 0
    return np.where(positive, z, 0) + np.log1p(np.exp(np.where(positive, -z, z)))


def log_sigmoid(z: Any) -> Any:
    """log(1 / (1 + exp(-z))), without overflow."""
    return -softplus(-z)


def relu(z: Any) -> Any:
    """max(z, 0)"""
    return np.where(np.real(z) > 0, z, 0)


def step(z: Any) -> Any:
    """1 where z > 0, else 0."""
    return np.where(np.real(z) > 0, np.ones_like(z), np.zeros_like(z))


def maximum(a: Any, b: Any) -> Any:
    """The larger of a and b."""
    return np.where(np.real(a) > np.real(b), a, b)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of a and b."""
    return np.where(np.real(a) > np.real(b), b, a)


def where(c: Any, a: Any, b: Any) -> Any:
    """a where c is 1, b where c is 0."""
    return np.where(c, a, b).astype(np.result_type(c, a, b), copy=False)


def absolute(z: Any) -> Any:
    """|z|"""
    return np.where(np.real(z) < 0, -z, z)


def softmax(v: Any) -> Any:
    """exp(v) / sum(exp(v)) along the last axis, without overflow."""
    e = np.exp(v - np.max(np.real(v), axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def norm(v: Any) -> Any:
    """The Euclidean length along the last axis."""
    largest = np.max(np.abs(np.real(v)), axis=-1)
    unit = np.where(largest > 0, largest, 1)
    return unit * np.sqrt(np.sum((v / unit[..., None]) ** 2, axis=-1))


def logsumexp(v: Any) -> Any:
    """log(sum(exp(v))) along the last axis, without overflow."""
    largest = np.max(np.real(v), axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(v - largest), axis=-1)) + largest[..., 0]


def variance(v: Any) -> Any:
    """The mean squared distance from the mean along the last axis."""
    return np.mean((v - np.mean(v, axis=-1, keepdims=True)) ** 2, axis=-1)
