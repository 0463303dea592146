"""Numeric cells written by hand in plain loops, forward and backward: what symlstm is compared with.

Each cell's module has

    forward(p, x, states)             -> every named value, by name
    backward(p, x, states, upstream)  -> the gradients of L by name: each parameter, x, each previous state

for one time step of one sample: x is (m,), `states` are the previous states, each (n,), in the order in
which the cell returns them, `p` holds the parameters by name. `upstream` maps names of states and outputs
to dL/d(it); a name left out has gradient zero. `batched` does the same for any leading batch axes.

Nothing here is imported from symlstm, and no array operation is used: only indices, NumPy scalars (so that
the precision is that of the input: float32, float64 or longdouble) and sums from left to right.
"""
