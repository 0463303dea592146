"""Weights in files: recurrent layers found in them by names and shapes. Reading never runs code."""

from symlstm.checkpoints.choose import Chosen, choose
from symlstm.checkpoints.layers import Converted, Layer, convert_checkpoint, read_checkpoint
from symlstm.checkpoints.read import SUFFIXES, read_arrays
from symlstm.checkpoints.write import encoded

__all__ = [
    "SUFFIXES",
    "Chosen",
    "Converted",
    "Layer",
    "choose",
    "convert_checkpoint",
    "encoded",
    "read_arrays",
    "read_checkpoint",
]
