"""Which node of a recording a tensor comes from, or a Python value that left torch on the way.

A tensor is known by its identity, or, where its memory was written to through another view, by the last writer of its
storage. Both are held weakly: recording keeps no tensor alive. What leaves torch (`.item()`, `.tolist()`, NumPy) is
known by the identity of the value, which is held, as Python reuses the address of a value that is gone. Inside
`torch.vmap` a tensor is known by what it wraps.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch._C._functorch import get_unwrapped, is_functorch_wrapped_tensor

from shapewidget.frameworks.torch.tensors import storage_of


class Slot(NamedTuple):
    """One output of one node."""

    node: int
    output: int


class Provenance:
    """The origin of every tensor of one recording."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._own: dict[int, tuple[weakref.ref[torch.Tensor], Slot]] = {}
        self._written: dict[int, tuple[weakref.ref[torch.UntypedStorage], Slot]] = {}
        self._left: dict[int, tuple[object, Slot]] = {}
        self._arrays: dict[int, Slot] = {}
        self._latest = -1

    def produced(self, tensor: torch.Tensor, slot: Slot, *, wrote: bool) -> None:
        """Note that a node gave this tensor; `wrote` if it changed memory that may have other views."""
        while is_functorch_wrapped_tensor(tensor):
            tensor = get_unwrapped(tensor)
        self._own[id(tensor)] = (weakref.ref(tensor), slot)
        self._latest = max(self._latest, slot.node)
        storage = storage_of(tensor)
        is_first = tensor._base is None  # a view gave nothing to the memory that it looks at
        if storage is not None and (wrote or (is_first and self._writer(storage) is None)):
            self._written[storage._cdata] = (weakref.ref(storage), slot)

    def producer(self, tensor: torch.Tensor) -> Slot | None:
        """Which node this tensor's values come from."""
        while is_functorch_wrapped_tensor(tensor):
            tensor = get_unwrapped(tensor)
        known = self._own.get(id(tensor))
        own = known[1] if known is not None and known[0]() is tensor else None
        if own is not None and own.node == self._latest:
            return own  # nothing was written since
        storage = storage_of(tensor)
        writer = self._writer(storage) if storage is not None else None
        return writer if own is None or (writer is not None and writer.node > own.node) else own

    def own_producer(self, tensor: torch.Tensor) -> Slot | None:
        """Which node gave this very tensor, whatever was written to its memory since."""
        known = self._own.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def _writer(self, storage: torch.UntypedStorage) -> Slot | None:
        known = self._written.get(storage._cdata)
        return known[1] if known is not None and known[0]() is storage else None

    # -- values outside of torch ------------------------------------------------------------------------------------

    def left(self, value: Any, slot: Slot) -> None:
        """Note that a tensor of this node was turned into a value of Python or NumPy."""
        if _has_identity(value):
            self._left[id(value)] = (value, slot)
        if hasattr(value, "__array_interface__"):
            self._arrays[value.__array_interface__["data"][0]] = slot

    def came_back(self, arguments: Iterable[Any]) -> tuple[Slot, ...]:
        """The nodes whose values are among these arguments after they had left torch."""
        if not self._left:
            return ()
        return tuple(dict.fromkeys(slot for value in _values(arguments) for slot in self._behind(value)))

    def _behind(self, value: object) -> Iterable[Slot]:
        if isinstance(value, torch.Tensor):
            storage = storage_of(value) if self._arrays and self.producer(value) is None else None
            if storage is None or storage.resizable():
                return ()
            # NumPy's memory: an array that left, or one that was computed of those that did.
            known = self._arrays.get(value.data_ptr())
            return (known,) if known is not None else self._arrays.values()
        known_value = self._left.get(id(value))
        return (known_value[1],) if known_value is not None else ()


def _has_identity(value: object) -> bool:
    """Whether no other value is the same object: Python shares its booleans and small whole numbers."""
    return not isinstance(value, bool | type(None)) and not (isinstance(value, int) and -6 < value < 257)


def _values(arguments: Iterable[Any]) -> Iterator[object]:
    """The arguments, and what stands in their lists."""
    for value in arguments:
        yield value
        if isinstance(value, list | tuple):
            yield from _values(value)
