"""The flow of gradients in words and numbers, for the terminal."""

from __future__ import annotations

from typing import Any

import numpy as np


def described(found: Any) -> str:
    """Some lines: exponents, half-lives, direct beside total, gates, fixed points, certificate."""
    lines = [f"{found.cell}, {found.steps} steps, {', '.join(f'{k} = {v}' for k, v in found.sizes.items())}"]
    lines.append(f"  {repr(found.spectrum)[1:-1].partition(': ')[2]}")
    lines += [f"  {repr(h)[1:-1].partition(': ')[2]}" for h in found.half_lives]
    for row in found.lags:
        direct = "" if row.direct is None else f", direct {np.median(row.direct):.3g}"
        share = "" if row.share is None else f" ({np.median(row.share):.3g} of the total)"
        lines.append(f"  |d{row.of}_t/d{row.wrt}_{{t-{row.lag}}}|: total {np.median(row.total):.3g}{direct}{share}")
    for g in found.gates:
        low, high = float(np.mean(g.low)), float(np.mean(g.high))
        lines.append(
            f"  {g.name}: mean {np.mean(g.mean):.3g}, saturated low {low:.0%}, high {high:.0%} of steps and units"
        )
    radius = found.snapshots.spectral_radius
    lines.append(f"  spectral radius of J_t: {radius.min():.4g} to {radius.max():.4g}")
    lines.append(f"  {repr(found.fixed_points)[1:-1].partition(': ')[2]}")
    if found.certificate is not None:
        lines.append(f"  {repr(found.certificate)[1:-1].partition(': ')[2]}")
    lines += [f"  no {what}: {why}" for what, why in found.left_out.items()]
    return "\n".join(lines)
