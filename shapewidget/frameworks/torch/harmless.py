"""Which functions of torch change nothing that lasts, so that the user's line that calls them can be run again."""

from __future__ import annotations

import math
import sys

import torch
from torch import nn

from shapewidget.frameworks.source.repeatable import Harmless

_NAMESPACES = (torch, nn.functional, torch.linalg, torch.fft, torch.special, nn.utils.rnn, torch.autograd, math)
_LASTING = frozenset(("save", "load", "manual_seed", "seed", "compile", "backward", "requires_grad_", "retain_grad"))
_METHODS_OF_OTHERS = frozenset(("items", "keys", "values", "get", "join", "format", "split", "forward"))


def _function(value: object) -> bool:
    if isinstance(value, nn.Module) or value is nn.Module.load_state_dict:
        return True  # both run on a model whose weights are given back
    if value is torch.autograd.Variable:
        return True  # a tensor of its own, with the same values
    name = getattr(value, "__name__", "")
    if isinstance(value, type):
        return issubclass(value, nn.Module) and value.__module__.startswith("torch.nn.modules.")
    einops = sys.modules.get("einops")
    namespaces = (*_NAMESPACES, *((einops,) if einops is not None else ()))
    return _is_plain(name) and any(getattr(namespace, name, None) is value for namespace in namespaces)


def _method(name: str) -> bool:
    return (hasattr(torch.Tensor, name) and _is_plain(name)) or name in _METHODS_OF_OTHERS


def _is_plain(name: str) -> bool:
    return bool(name) and not name.endswith("_") and not name.startswith("set_") and name not in _LASTING


HARMLESS = Harmless(_function, _method, frozenset(("requires_grad_",)))


def is_data(value: object) -> bool:
    """Whether a value is a tensor, holds tensors, or works on them."""
    if isinstance(value, list | tuple):
        return any(isinstance(item, torch.Tensor) for item in value)
    return isinstance(value, torch.Tensor | nn.Module | nn.utils.rnn.PackedSequence)
