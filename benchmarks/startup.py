"""How long it takes to start: `import symlstm` with everything that a derivation needs, and `symlstm --help`."""

from __future__ import annotations

from benchmarks.timing import in_turn, process, shown


def table(rounds: int = 11) -> str:
    """A Markdown table; every import in a process of its own, the empty process taken off."""
    taken = in_turn(
        {
            "empty process": process("-c", "pass"),
            "import sympy": process("-c", "import sympy"),
            "import symlstm": process("-c", "import symlstm"),
            "import symlstm, all of the core": process("-c", "import symlstm as sl; sl.cell, sl.derive, sl.backward"),
            "symlstm --help": process("-m", "symlstm", "--help"),
        },
        rounds=rounds,
        budget=90,
    )
    empty, sympy = taken["empty process"].median, taken["import sympy"].median
    lines = ["| | median | without the empty process, against `import sympy` |", "|---|---|---|"]
    for name, timing in taken.items():
        lines.append(f"| `{name}` | {shown(timing.median)} | {(timing.median - empty) / (sympy - empty):.2f} |")
    said = (
        "Public names are imported on first use, so `import symlstm` alone loads nothing; the row below it is what the "
        "first derivation pays, NumPy included."
    )
    return "\n".join([*lines, "", said])
