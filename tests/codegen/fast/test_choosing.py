"""Asking for backend="numba": what it needs, what it shows, and that nothing is imported before."""

import ast
import subprocess
import sys

import pytest

import symlstm as sl
from symlstm.errors import ExtraMissing
from tests.support.frameworks import require


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    def never_compiled_before(x: "n", h_prev: "n"):
        h = x + h_prev
        return h

    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ExtraMissing) as raised:
        sl.compile(never_compiled_before, backend="numba")
    assert raised.value.code == "extra"
    assert "numba" in raised.value.message
    assert "pip install 'symlstm[fast]'" in str(raised.value)


def test_numba_is_imported_by_nothing_but_its_backend():
    code = """
import sys, symlstm as sl
k = sl.compile("lstm")
p = sl.parameters(k.cell, n=2, m=3)
k.run(p, [[0.1, 0.2, 0.3]], k.zero_states(p))
sys.exit(any(name in sys.modules for name in ("numba", "llvmlite", "scipy")))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_source_shows_the_loops_and_is_python():
    require("numba")
    fast, slow = sl.compile("lstm", backend="numba"), sl.compile("lstm")
    assert fast.source.startswith(slow.source)
    defined = [node.name for node in ast.parse(fast.source).body if isinstance(node, ast.FunctionDef)]
    assert {"forward_steps", "backward_steps", "forward_steps_chain_1", "run", "gradients"} <= set(defined)
    loop = fast.source[fast.source.index("def forward_steps(") :]
    steps = [
        "    for t in range(T):",
        "        product_ahead(t, T, first, last, x, V_panels, b, a)",
        "        product(h[t], U_panels, buffer_1, first, last, t % 2 == 1)",
    ]
    assert "\n".join(steps) in loop
    assert "v4 = ((v1 * of_7[j]) + (v2 * v3))\n" in fast.source  # c_t = f c_{t-1} + i c~
    assert max(map(len, fast.source.splitlines())) <= 120
