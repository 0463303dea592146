"""How libraries and courses lay out the weights of a cell: one table, and what reads, converts and writes by it."""

from symlstm.conventions.code import conversion
from symlstm.conventions.convert import convert
from symlstm.conventions.layout import Array, Layout
from symlstm.conventions.table import layout_of, layouts

__all__ = ["Array", "Layout", "conversion", "convert", "layout_of", "layouts"]
