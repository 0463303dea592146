"""The flow of gradients as plain data: dictionaries, lists, numbers; infinities are the texts "inf" and "-inf"."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

SCHEMA, VERSION = "symlstm/flow", 1
DERIVED = {
    "HalfLife": ("rate", "half_life", "time_constant"),
    "LagNorm": ("total", "direct", "share"),
    "Snapshots": ("spectral_radius",),
    "Origin": ("spectral_radius",),
    "FixedPoint": ("spectral_radius", "stable"),
    "Certificate": ("holds",),
    "Condition": ("margin", "holds"),
}
"""What is said beside the fields."""


def plain(found: Any) -> dict[str, Any]:
    """The result with its schema and version."""
    return {"schema": SCHEMA, "version": VERSION, **_plain(found)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        names = [f.name for f in fields(value) if f.metadata.get("json", True)] + list(
            DERIVED.get(type(value).__name__, ())
        )
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.item() if value.ndim == 0 else list(value))
    if isinstance(value, (complex, np.complexfloating)):
        return {"real": _plain(value.real), "imag": _plain(value.imag)}
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else str(float(value))
    return int(value) if isinstance(value, np.integer) else value
