"""Arrays on which no result depends: those kept beside a parameter (its gradient, moments), buffers for results."""

from __future__ import annotations

import re
from collections import defaultdict

from symlstm.checking.leaves import Path
from symlstm.checking.probe import Probe

BESIDE = re.compile(r"(d|g|m|v|r|md|diff|grad|gradient|delta|update|mem|mom|momentum|vel|velocity|cache|acc|adagrad)")
"""What stands before or after the name of a parameter in the name of what is kept beside it: dW, W_grad, mWxh."""


def storage(probe: Probe) -> frozenset[Path]:
    """Silent arrays that have the shape of a parameter and are called after it, or share an object with it; buffers."""
    groups: dict[tuple[Path, tuple[int, ...]], list[Path]] = defaultdict(list)
    for path, array in probe.base.items():
        groups[path[:-1], array.shape].append(path)
    found: set[Path] = set()
    shapes: dict[Path, set[tuple[int, ...]]] = defaultdict(set)
    for parent, shape in groups:
        shapes[parent].add(shape)
    for (parent, _), paths in groups.items():
        heard = [p for p in paths if p not in probe.silent]
        own = len(parent) > 0 and len(heard) == len(shapes[parent]) == 1
        others = {str(p[-1]) for p in heard}
        found |= {p for p in paths if p in probe.silent and (own or _called_after(str(p[-1]), others))}
    return frozenset(found) | probe.written


def _called_after(name: str, others: set[str]) -> bool:
    rests = [name.replace(other, "", 1) for other in others if other in name]
    return any(BESIDE.fullmatch(rest.strip("_").lower()) for rest in rests)
