"""One program three ways: on NumPy arrays, on torch tensors (the oracle), and traced by symlstm."""

from __future__ import annotations

import ast
import itertools
import linecache
from types import SimpleNamespace

import numpy as np
from hypothesis import event, reject

import symlstm.functions
from tests.support.frameworks import require

_serial = itertools.count()


def compiled(program, namespace):
    """The function of the source, over the functions of `namespace`; its lines can be looked up."""
    filename = f"<random cell {next(_serial)}>"
    linecache.cache[filename] = (len(program.source), None, program.source.splitlines(True), filename)
    scope = dict(namespace)
    tree = ast.parse(program.source)
    if "greater" in scope:
        tree = ast.fix_missing_locations(_Comparisons().visit(tree))
    exec(compile(tree, filename, "exec"), scope)
    return scope["cell"]


class _Comparisons(ast.NodeTransformer):
    """a > b as greater(a, b), a >= b as at_least(a, b), so that it can be seen how near the two are."""

    def visit_Compare(self, node):
        self.generic_visit(node)
        (right,) = node.comparators
        sides = [right, node.left] if isinstance(node.ops[0], (ast.Lt, ast.LtE)) else [node.left, right]
        name = "at_least" if isinstance(node.ops[0], (ast.GtE, ast.LtE)) else "greater"
        return ast.Call(ast.Name(name, ast.Load()), sides, [])


def numpy_namespace():
    names = ("concat", "sigmoid", "softmax", "tanh", "relu", "softplus", "log_sigmoid", "logsumexp", "norm")
    return {"np": np, **{name: getattr(symlstm.functions, name) for name in names}}


class Near(Exception):
    """The run came close to a kink, where a derivative does not exist and rounding decides the side."""


def torch_namespace(margin):
    """The same names in torch; `margin`: how near a kink may be."""
    torch = require("torch")

    def tensor(value):
        return value if torch.is_tensor(value) else torch.tensor(float(value), dtype=torch.get_default_dtype())

    def away(distance):
        if distance.numel() and float(distance.detach().abs().min()) < margin:
            raise Near

    def kinked(function):
        def guarded(z):
            away(z)
            return function(z)

        return guarded

    def pair(function):
        def guarded(a, b):
            a, b = tensor(a), tensor(b)
            if a is not b:
                away(a - b)
            return function(*torch.broadcast_tensors(a, b))

        return guarded

    def largest(v):
        two = v.detach().sort().values[-2:]
        if len(two) == 2:
            away(two[1] - two[0])
        return v.max()

    def clip(z, low, high):
        away(z - low)
        away(z - high)
        return z.clamp(low, high)

    def where(condition, a, b):
        return torch.where(condition, tensor(a), tensor(b))

    def greater(a, b):
        if a is not b:
            away(a - b)
        return a > b

    def at_least(a, b):
        if a is not b:
            away(a - b)
        return a >= b

    def split(v, parts):
        return v.split(len(v) // parts)

    numpy_like = SimpleNamespace(
        sin=torch.sin, cos=torch.cos, sinh=torch.sinh, cosh=torch.cosh, exp=torch.exp, tanh=torch.tanh, log=torch.log,
        sqrt=torch.sqrt, expm1=torch.expm1, log1p=torch.log1p, arctan=torch.atan, square=torch.square,
        abs=kinked(torch.abs), sign=kinked(torch.sign), maximum=pair(torch.maximum), minimum=pair(torch.minimum),
        where=where, clip=clip, sum=torch.sum, mean=torch.mean, var=lambda v: v.var(unbiased=False), max=largest,
        dot=torch.matmul, outer=torch.outer, einsum=torch.einsum, split=split,
        concatenate=torch.cat, hstack=torch.cat,
    )  # fmt: skip
    return {
        "np": numpy_like,
        "greater": greater,
        "at_least": at_least,
        "concat": lambda *parts: torch.cat(parts),
        "sigmoid": torch.sigmoid,
        "softmax": lambda v: torch.softmax(v, -1),
        "tanh": torch.tanh,
        "relu": kinked(torch.relu),
        "softplus": lambda z: torch.log1p(torch.exp(z)),
        "log_sigmoid": lambda z: -torch.log1p(torch.exp(-z)),
        "logsumexp": lambda v: torch.logsumexp(v, -1),
        "norm": lambda v: torch.sqrt(torch.sum(v * v)),
    }


def drawn_numbers(program):
    """Arguments and upstream gradients, by name."""
    rng = np.random.default_rng(program.seed)
    arguments = {}
    for name in program.shapes:
        shape = program.shape_in_numbers(name)
        arguments[name] = rng.uniform(-1, 1, shape) / (np.sqrt(shape[1]) if len(shape) == 2 else 1)
    if rng.integers(4) == 0:  # the first step of a sequence
        arguments |= {f"{s}_prev": np.zeros_like(arguments[f"{s}_prev"]) for s in program.states}
    return arguments, rng


def torch_run(program, arguments, upstream, dtype):
    """What torch finds: values, gradients for the upstream ones, and the Jacobian of all states by all states.

    upstream: by name of state or output; None to draw nothing and return the values alone.
    """
    torch = require("torch")
    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        function = compiled(program, torch_namespace(1e-3 if dtype == torch.float64 else 0.0))
        leaves = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in arguments.items()}
        returned = function(**leaves)
        returned = returned if isinstance(returned, tuple) else (returned,)
        values = dict(zip([*program.states, *program.outputs], returned, strict=True))
        found = {name: value.detach().numpy() for name, value in values.items()}
        if upstream is None:
            return found
        loss = sum((values[k] * torch.tensor(upstream[k], dtype=dtype)).sum() for k in values)
        gradients = torch.autograd.grad(loss, list(leaves.values()), retain_graph=True, allow_unused=True)
        for (name, leaf), g in zip(leaves.items(), gradients, strict=True):
            found[f"d_{name}"] = (torch.zeros_like(leaf) if g is None else g).numpy()
        for s, r in itertools.product(program.states, repeat=2):
            rows = [
                torch.autograd.grad(entry, leaves[f"{r}_prev"], retain_graph=True, allow_unused=True)[0]
                for entry in values[s]
            ]
            rows = [torch.zeros_like(leaves[f"{r}_prev"]) if row is None else row for row in rows]
            found[f"d_{s}/d_{r}_prev"] = torch.stack(rows).numpy()
        return found
    finally:
        torch.set_default_dtype(previous)


def reference(program, seed=0):
    """Arguments, upstream gradients and torch's answers, in float64 and float32."""
    torch = require("torch")
    arguments, rng = drawn_numbers(program)
    if seed:  # another example with the same parameters
        fresh = np.random.default_rng([program.seed, seed])
        varying = [name for name in arguments if name == "x" or name.endswith("_prev")]
        arguments |= {name: fresh.uniform(-1, 1, np.shape(arguments[name])) for name in varying}
    try:
        values = torch_run(program, arguments, None, torch.float64)
    except Near:
        event("near a kink")
        reject()
    upstream = {name: rng.uniform(-1, 1, np.shape(v)) for name, v in values.items()}
    exact = torch_run(program, arguments, upstream, torch.float64)
    rough = torch_run(program, arguments, upstream, torch.float32)
    return arguments, upstream, exact, rough


def torch_total(program, arguments, earlier):
    """d states_t / d states_{t-1} through every path of two steps, the earlier one from `earlier` on.

    Gives the values of both steps' states and, by "d_c/d_h_prev", the total derivatives.
    """
    torch = require("torch")
    function = compiled(program, torch_namespace(1e-3))
    tensors = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in arguments.items()}
    start = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in earlier.items()}
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        first = function(**{**tensors, **start})
        first = (first if isinstance(first, tuple) else (first,))[: len(program.states)]
        between = {f"{s}_prev": value for s, value in zip(program.states, first, strict=True)}
        second = function(**{**tensors, **between})
        second = (second if isinstance(second, tuple) else (second,))[: len(program.states)]
    finally:
        torch.set_default_dtype(previous)
    found = {}
    for s, value in zip(program.states, second, strict=True):
        for r, wrt in between.items():
            rows = [torch.autograd.grad(entry, wrt, retain_graph=True, allow_unused=True)[0] for entry in value]
            found[f"d_{s}/d_{r}"] = torch.stack([torch.zeros_like(wrt) if g is None else g for g in rows]).numpy()
    return {name: value.detach().numpy() for name, value in between.items()}, found


def torch_sequence(program, arguments, xs, upstream, dtype):
    """What torch finds for a whole sequence: states and outputs of all steps, and the gradients for the upstream ones.

    xs: (T, m), or the number of steps. upstream: (T, ...) by name of state or output; None to return the values alone.
    """
    torch = require("torch")
    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        function = compiled(program, torch_namespace(1e-3 if dtype == torch.float64 else 0.0))
        leaves = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in arguments.items() if k != "x"}
        if not isinstance(xs, int):
            leaves["x"] = torch.tensor(xs, dtype=dtype, requires_grad=True)
        names = [*program.states, *program.outputs]
        rows = {name: [] for name in names}
        current = dict(leaves)
        for t in range(xs if isinstance(xs, int) else len(xs)):
            if "x" in leaves:
                current["x"] = leaves["x"][t]
            returned = function(**current)
            for name, value in zip(names, returned if isinstance(returned, tuple) else (returned,), strict=True):
                rows[name].append(value)
            current |= {f"{s}_prev": rows[s][-1] for s in program.states}
        values = {name: torch.stack(row) for name, row in rows.items()}
        found = {name: value.detach().numpy() for name, value in values.items()}
        if upstream is None:
            return found
        loss = sum((values[k] * torch.tensor(upstream[k], dtype=dtype)).sum() for k in values)
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        for (name, leaf), g in zip(leaves.items(), gradients, strict=True):
            found[f"d_{name}"] = (torch.zeros_like(leaf) if g is None else g).numpy()
        return found
    finally:
        torch.set_default_dtype(previous)


def sequence_reference(program, steps, example=0):
    """Arguments (x for all steps), upstream gradients and torch's answers, in float64 and float32."""
    torch = require("torch")
    arguments, _ = drawn_numbers(program)
    rng = np.random.default_rng([program.seed, steps, example])
    if example:  # another one with the same parameters
        states = [f"{s}_prev" for s in program.states]
        arguments |= {name: rng.uniform(-1, 1, arguments[name].shape) for name in states}
    xs = rng.uniform(-1, 1, (steps, *arguments["x"].shape)) if "x" in arguments else steps
    try:
        values = torch_sequence(program, arguments, xs, None, torch.float64)
    except Near:
        event("near a kink")
        reject()
    upstream = {name: rng.uniform(-1, 1, v.shape) for name, v in values.items()}
    exact = torch_sequence(program, arguments, xs, upstream, torch.float64)
    rough = torch_sequence(program, arguments, xs, upstream, torch.float32)
    if "x" in arguments:
        arguments = {**arguments, "x": xs}
    return arguments, upstream, exact, rough
