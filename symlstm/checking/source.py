"""The line of somebody's source that computes a quantity, where names say which."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

from symlstm.checking.sites import Sites
from symlstm.checking.words import gate_of, role_of
from symlstm.expr.parsing import parsed

OUTPUTS = re.compile(r"^y|pred|prob|softmax")


def line_of(function: Any, quantity: str, sites: Sites) -> str:
    """file:line of the last assignment to a variable that is called like the quantity; "" if none is."""
    try:
        inner = inspect.unwrap(getattr(function, "__func__", function))
        lines, first = inspect.getsourcelines(inner)
        tree = parsed(textwrap.dedent("".join(lines)))
        file = Path(inspect.getsourcefile(inner) or "").name
    except (TypeError, OSError, SyntaxError):
        return ""
    found = 0
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and says(target.id, quantity, sites):
                    found = max(found, node.lineno)
    return f"{file}:{first + found - 1}" if found else ""


def says(name: str, quantity: str, sites: Sites) -> bool:
    """Whether a variable of that name holds that quantity."""
    if name == quantity:
        return True
    states = {s.current.name for s in sites.cell.states}
    role = role_of(name.replace("_next", "").replace("next_", "").replace("_new", "").replace("new_", ""))
    if quantity in states:
        return role == quantity
    if quantity in {q.name for q in sites.cell.outputs}:
        return bool(OUTPUTS.search(name))
    gates = [gate for gate in sites.gates if quantity in sites.values_of(gate)]
    return role is None and name not in states and any(gate_of(name, sites.aliases) == gate for gate in gates)
