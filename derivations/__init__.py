"""Runnable derivations: each module has `page(checks)`, and its rendered page lies beside it."""
