"""Give weights and inputs back what a run writes over: a forward may load a checkpoint, or clip its input in place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.torch.calls import is_in_place
from shapewidget.frameworks.torch.guard import surely
from shapewidget.frameworks.torch.tensors import flat, storage_of

_RENORMALISING = frozenset(("embedding", "embedding_bag"))
"""They scale rows of their weight in place, where they are given `max_norm`."""


class Protected:
    """Tensors that are copied just before they are first written to, and given back afterwards.

    Args:
        tensors: What belongs to the user: weights, inputs, targets.
    """

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        """Copy nothing yet."""
        self._tensors = list(tensors)
        self._saved: dict[int, tuple[torch.Tensor, torch.Tensor, int]] = {}
        self._tracked: dict[int, tuple[torch.Tensor, bool, torch.Tensor | None]] = {}
        self._moved: dict[int, tuple[torch.Tensor, torch.Tensor, int]] = {}

    def before(self, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> None:
        """Save what a call of a torch function is about to write to."""
        name = function.__name__
        if name == "__set__" and function.__self__.__name__ == "data":  # type: ignore[attr-defined]
            self._moved.setdefault(id(args[0]), (args[0], args[0].data, args[0]._version))
        if is_in_place(name) or kwargs.get("inplace") or (name == "__set__" and _is_of_gradients(function)):
            self._save(args[:1] or kwargs.values())
        if kwargs:
            self._save(_each(kwargs.get("out")))
            if name in _RENORMALISING and kwargs.get("max_norm") is not None:
                self._save((*args, *kwargs.values()))

    def before_layer(self, module: nn.Module, args: Any) -> None:
        """Save what a layer, whose own calls are not seen, is about to write to."""
        settings = module.__dict__
        if isinstance(module, torch.jit.ScriptModule):
            self._save((*flat(args), *module.parameters()))
        elif settings.get("inplace"):
            self._save(args)
        elif settings.get("max_norm") is not None:
            self._save(module.parameters())

    @cached_property
    def _own(self) -> dict[int, torch.Tensor]:
        storages = [(storage_of(tensor), tensor) for tensor in self._tensors]
        return {storage._cdata: tensor for storage, tensor in storages if storage is not None}

    def _save(self, targets: Iterable[Any]) -> None:
        for target in targets:
            storage = storage_of(target) if isinstance(target, torch.Tensor) else None
            own = self._own.get(storage._cdata) if storage is not None else None
            # What has moved to other memory is given its own back, whatever is written to the other.
            if own is not None and id(own) not in self._saved and id(own) not in self._moved:
                self._saved[id(own)] = (own, own.detach().clone(), own._version)
                if own.is_leaf:
                    self._tracked[id(own)] = (own, own.requires_grad, own.grad)

    def restore(self) -> None:
        """Write the saved values back, and the version counters that a pending backward pass compares."""
        with torch.no_grad():
            for own, data, version in self._moved.values():
                own.data = data
                _set_version(own, version)
            for own, value, version in self._saved.values():
                own.data.copy_(value)
                _set_version(own, version)
        for own, has_gradient, gradient in self._tracked.values():
            own.requires_grad_(has_gradient)
            own.grad = gradient
        self._moved.clear()
        self._saved.clear()
        self._tracked.clear()

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Restore at the end of the block, however it ends."""
        try:
            yield
        finally:
            surely(self.restore)


def _is_of_gradients(setter: Any) -> bool:
    return bool(setter.__self__.__name__ == "requires_grad")


def _set_version(tensor: torch.Tensor, version: int) -> None:
    torch._C._autograd._unsafe_set_version_counter((tensor,), (version,))


def _each(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)
