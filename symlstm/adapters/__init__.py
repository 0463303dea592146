"""Frameworks: one small file each says what its layers are and how to run them; the rest serves all of them.

An adapter is declared in the entry-point group `symlstm.adapters`: an object with `recognises(thing)` (cheap: it
imports no framework) and `check(thing, cell)`, which gives a Report. `symlstm.adapters.network.Network` is what most of
them make, and `symlstm.adapters.examine.examine_network` checks it.
"""
