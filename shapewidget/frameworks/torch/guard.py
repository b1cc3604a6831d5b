"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

_OWN_TABLES = ("_parameters", "_buffers", "_modules")


def _copied_one_level(value: Any) -> Any:
    return value.copy() if type(value) in (list, dict, set) else value


@contextlib.contextmanager
def same_random_state() -> Iterator[None]:
    """Give every random number generator back its state: Python, torch on all devices, NumPy where it is loaded."""
    python, cpu = random.getstate(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    numpy = sys.modules.get("numpy")
    numpy_state = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        random.setstate(python)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)
        if numpy is not None:
            numpy.random.set_state(numpy_state)


@contextlib.contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Run the model in the block and find it afterwards as it was, also when the block raises.

    Buffers are swapped for clones meanwhile: writing an old value back would move a buffer's version counter and break
    a backward pass that the user still has pending. Lists, dicts and sets among the attributes are copied one level.
    """
    modules = list(model.modules())
    attributes = [
        {name: (value, _copied_one_level(value)) for name, value in module.__dict__.items()} for module in modules
    ]
    tables = [{name: dict(module.__dict__[name]) for name in _OWN_TABLES} for module in modules]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    default_dtype, grad_mode = torch.get_default_dtype(), torch.is_grad_enabled()
    clones: dict[int, torch.Tensor] = {}
    for module in modules:
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = clones.setdefault(id(buffer), buffer.detach().clone())
    try:
        with same_random_state():
            yield
    finally:
        torch.set_default_dtype(default_dtype)
        torch.set_grad_enabled(grad_mode)
        for module, before, own in zip(modules, attributes, tables, strict=True):
            _restore(module, before, own)
        for parameter, gradient in gradients:
            if parameter.grad is not gradient:
                parameter.grad = gradient


def _restore(module: nn.Module, before: dict[str, tuple[Any, Any]], own: dict[str, dict[str, Any]]) -> None:
    state = module.__dict__
    for name in [name for name in state if name not in before]:
        del state[name]
    for name, (value, copied) in before.items():
        state[name] = value
        if name not in own and copied is not value and not _same_items(value, copied):
            _refill(value, copied)
    for name, entries in own.items():
        table = state[name]
        table.clear()
        table.update(entries)


def _same_items(container: Any, copied: Any) -> bool:
    """Compare by identity: the items may be tensors, whose ``==`` has no truth value."""
    if isinstance(container, set):
        return bool(container == copied)
    if isinstance(container, dict):
        return list(container) == list(copied) and all(container[key] is copied[key] for key in copied)
    return len(container) == len(copied) and all(a is b for a, b in zip(container, copied, strict=True))


def _refill(container: Any, copied: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(copied)
    else:
        container.update(copied)
