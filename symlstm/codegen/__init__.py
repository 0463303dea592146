"""Equations as readable NumPy: functions to call, and modules to keep."""

from symlstm.codegen.compiled import Compiled, compile, export
from symlstm.codegen.formula import formula
from symlstm.codegen.parameters import parameters

__all__ = ["Compiled", "compile", "export", "formula", "parameters"]
