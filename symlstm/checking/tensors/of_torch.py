"""torch: tensors, and modules as holders of tensors. Parameters have the names that state_dict gives them."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from symlstm.checking.tensors.kinds import Precision


def mine(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def numpy(value: Any) -> Any:
    return np.array(value.detach().to("cpu", torch.float64).numpy())


def narrow(value: Any) -> bool:
    return bool(value.dtype != torch.float64)


def like(array: Any, value: Any, precision: Precision) -> Any:
    """What is changed in the tensor is changed in the array, where both are float64 on the CPU."""
    made = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64)).reshape(np.shape(array))
    made = made.to(value.device, value.dtype if precision == "single" else torch.float64)
    return made.requires_grad_() if value.requires_grad else made


@contextlib.contextmanager
def running(precision: Precision) -> Iterator[None]:
    before = torch.get_default_dtype()
    if precision == "wide":
        torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def holds(value: Any) -> bool:
    return isinstance(value, torch.nn.Module)


def held(value: Any) -> list[tuple[str, Any]]:
    """Parameters, buffers, and tensors that are plain attributes; what is shared appears once."""
    found = dict(value.named_parameters())
    found |= {name: b for name, b in value.named_buffers() if mine(b)}
    known = {id(tensor) for tensor in found.values()}
    for name, tensor in _plain(value):
        if id(tensor) not in known and tensor.grad_fn is None:  # what an earlier call has left is no weight
            found[name] = tensor
    return list(found.items())


def _plain(module: Any) -> Iterator[tuple[str, Any]]:
    """Tensors that a module has as plain attributes."""
    for prefix, part in module.named_modules():
        for name, tensor in vars(part).items():
            if mine(tensor):
                yield f"{prefix}.{name}" if prefix else name, tensor


def twin(value: Any, arrays: Mapping[str, Any], precision: Precision) -> Any:
    computed = [t for _, t in _plain(value) if t.grad_fn is not None]
    made = copy.deepcopy(value, {id(t): t.detach().clone() for t in computed})
    if precision != "single":
        made = made.double()
    places = dict(made.named_parameters()) | dict(made.named_buffers())
    for name, array in arrays.items():
        tensor = array if mine(array) else like(array, _at(value, name), precision).detach()
        if name in places and not mine(array):
            places[name].data = tensor
        else:
            _put(made, name, tensor)
    return made.eval()


def _at(module: Any, name: str) -> Any:
    for part in name.split("."):
        module = getattr(module, part)
    return module


def _put(module: Any, name: str, tensor: Any) -> None:
    """A tensor in the place of a parameter, buffer or attribute, as it is."""
    *path, last = name.split(".")
    owner = _at(module, ".".join(path)) if path else module
    owner._parameters.pop(last, None)
    owner._buffers.pop(last, None)
    object.__setattr__(owner, last, tensor)


def called(value: Any, function: Any) -> bool:
    inner = getattr(function, "__func__", None)
    return isinstance(function, torch.ScriptMethod) or inner is None or inner is getattr(type(value), "forward", None)


def code(value: Any) -> Any:
    return value.forward if isinstance(value, torch.jit.ScriptModule) else type(value).forward


def signature(function: Any, owner: Any) -> inspect.Signature | None:
    """Of scripted and traced functions by their schema."""
    if not isinstance(function, (torch.jit.ScriptFunction, torch.ScriptMethod)):
        return None
    taken = [a for a in function.schema.arguments if a.name != "self"]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    empty = inspect.Parameter.empty
    defaults = [a.default_value if a.has_default_value() else empty for a in taken]
    return inspect.Signature([inspect.Parameter(a.name, kind, default=d) for a, d in zip(taken, defaults, strict=True)])


def notes(value: Any) -> list[tuple[str, str]]:
    made = []
    drops = [
        name or type(part).__name__
        for name, part in value.named_modules()
        if isinstance(part, torch.nn.modules.dropout._DropoutNd) and part.p > 0
    ]
    if drops:
        made.append(("eval_mode", f"checked in eval mode: in training mode {', '.join(drops)} drops at random"))
    return made


def compiled(run: Callable[[Any], Any], arrays: Mapping[Any, Any]) -> Callable[[Any], Any] | None:
    return None


def differentiates(value: Any) -> bool:
    """The parameters of a scripted module cannot be exchanged for others."""
    return not isinstance(value, torch.jit.ScriptModule)


def gradients(
    run: Callable[[Any], Any],
    total: Callable[[Any, Any], Any],
    given: Sequence[Any],
    above: Sequence[Any],
    known: dict[Any, Any],
) -> list[Any]:
    tensors = [tensor.detach().requires_grad_() for tensor in given]
    number = total(run([tensor.clone() for tensor in tensors]), above)  # what is no leaf may be changed in place
    if not torch.is_tensor(number) or not number.requires_grad:
        return [None] * len(tensors)
    found = torch.autograd.grad(number, tensors, allow_unused=True)
    return [None if g is None else numpy(g) for g in found]
