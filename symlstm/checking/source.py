"""The line of somebody's source that computes a quantity, where names say which."""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path
from typing import Any

from symlstm.checking.sites import Sites
from symlstm.checking.words import gate_of, role_of


def line_of(function: Any, quantity: str, sites: Sites) -> str:
    """file:line of the last assignment to a variable that is called like the quantity; "" if none is."""
    try:
        inner = inspect.unwrap(getattr(function, "__func__", function))
        lines, first = inspect.getsourcelines(inner)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        file = Path(inspect.getsourcefile(inner) or "").name
    except (TypeError, OSError, SyntaxError):
        return ""
    found = 0
    gate = "c" if quantity == "c_tilde" else quantity
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                name = target.id if isinstance(target, ast.Name) else ""
                role = role_of(name.replace("_next", "").replace("next_", "").replace("_new", "").replace("new_", ""))
                is_state = quantity in {s.current.name for s in sites.cell.states}
                says = role == quantity if is_state else role is None and gate_of(name, sites.aliases) == gate
                says = says or (not is_state and name in (quantity, gate) and name not in ("c", "h"))
                if name and says:
                    found = max(found, node.lineno)
    return f"{file}:{first + found - 1}" if found else ""
