"""Arrays that are no NumPy arrays: one adapter a library, used only where that library is imported already."""

from symlstm.checking.tensors.kinds import Kind, Precision, kind_of, kinds, running, signature_of

__all__ = ["Kind", "Precision", "kind_of", "kinds", "running", "signature_of"]
