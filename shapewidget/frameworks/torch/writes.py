"""Give weights and inputs back what a run writes over: a forward may load a checkpoint, or clip its input in place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch

from shapewidget.frameworks.torch.tensors import storage_of


class Protected:
    """Tensors that are copied just before they are first written to, and given back afterwards.

    Args:
        tensors: What belongs to the user: weights, inputs, targets.
    """

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        """Copy nothing yet."""
        self._own = {storage._cdata: tensor for tensor in tensors if (storage := storage_of(tensor)) is not None}
        self._saved: dict[int, tuple[torch.Tensor, torch.Tensor, int]] = {}

    def before(self, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> None:
        """Save what a call of a torch function is about to write to."""
        for target in _written(function.__name__, args, kwargs):
            storage = storage_of(target)
            own = self._own.get(storage._cdata) if storage is not None else None
            if own is not None and id(own) not in self._saved:
                self._saved[id(own)] = (own, own.detach().clone(), own._version)

    def restore(self) -> None:
        """Write the saved values back, and the version counters that a pending backward pass compares."""
        for own, value, version in self._saved.values():
            with torch.no_grad():
                own.data.copy_(value)
            torch._C._autograd._unsafe_set_version_counter((own,), (version,))
        self._saved.clear()

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Restore at the end of the block, however it ends."""
        try:
            yield
        finally:
            self.restore()


def _written(name: str, args: Any, kwargs: Mapping[str, Any]) -> Iterator[torch.Tensor]:
    is_in_place = name.startswith("__i") or name == "__setitem__" or (name[-1:] == "_" and name[-2:] != "__")
    candidates = [args[0] if args and (is_in_place or kwargs.get("inplace")) else None, kwargs.get("out")]
    for target in candidates:
        yield from (item for item in _each(target) if isinstance(item, torch.Tensor))


def _each(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)
