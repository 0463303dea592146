"""symlstm: symbolic derivations of LSTMs and every recurrent cell like them.

    import symlstm as sl
    cell = sl.cell("lstm")
    sl.derive(cell, "c", "c_prev").result      # diag(f_t)

The names below are imported on first use, so that the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symlstm.calculus.backward_pass import backward
    from symlstm.calculus.cases import cases
    from symlstm.calculus.derivation import derive
    from symlstm.calculus.solution import solution
    from symlstm.calculus.through_time import bptt
    from symlstm.checking import check
    from symlstm.checkpoints import read_checkpoint
    from symlstm.codegen import compile, parameters
    from symlstm.conventions import convert
    from symlstm.emit import notation, report, save
    from symlstm.errors import SymlstmError
    from symlstm.evidence import examine
    from symlstm.exploration.explore import explore
    from symlstm.functions import concat, sigmoid, softmax, tanh
    from symlstm.gradient_flow.certificate import certificate
    from symlstm.gradient_flow.determinant import logdet
    from symlstm.gradient_flow.fixed_points import fixed_points
    from symlstm.gradient_flow.flow import flow
    from symlstm.gradient_flow.half_life import half_life
    from symlstm.gradient_flow.lyapunov import lyapunov
    from symlstm.registry import cell
    from symlstm.walkthrough import walk

_HOMES = {
    "SymlstmError": "errors",
    "backward": "calculus.backward_pass",
    "bptt": "calculus.through_time",
    "cases": "calculus.cases",
    "cell": "registry",
    "certificate": "gradient_flow.certificate",
    "check": "checking",
    "compile": "codegen",
    "concat": "functions",
    "convert": "conventions",
    "derive": "calculus.derivation",
    "examine": "evidence",
    "explore": "exploration.explore",
    "fixed_points": "gradient_flow.fixed_points",
    "flow": "gradient_flow.flow",
    "half_life": "gradient_flow.half_life",
    "logdet": "gradient_flow.determinant",
    "lyapunov": "gradient_flow.lyapunov",
    "notation": "emit",
    "parameters": "codegen",
    "read_checkpoint": "checkpoints",
    "report": "emit",
    "save": "emit",
    "sigmoid": "functions",
    "softmax": "functions",
    "solution": "calculus.solution",
    "tanh": "functions",
    "walk": "walkthrough",
}

__version__ = "0.1.0"
__all__ = [
    "SymlstmError",
    "backward",
    "bptt",
    "cases",
    "cell",
    "certificate",
    "check",
    "compile",
    "concat",
    "convert",
    "derive",
    "examine",
    "explore",
    "fixed_points",
    "flow",
    "half_life",
    "logdet",
    "lyapunov",
    "notation",
    "parameters",
    "read_checkpoint",
    "report",
    "save",
    "sigmoid",
    "softmax",
    "solution",
    "tanh",
    "walk",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"symlstm.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'symlstm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
