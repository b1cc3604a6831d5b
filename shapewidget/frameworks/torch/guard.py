"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import contextlib
import random
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from operator import is_, itemgetter
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.utils import _device

from shapewidget.frameworks.cut_short import end_cut_short
from shapewidget.frameworks.torch.layers import paths

_CONTAINERS = frozenset((list, dict, set, deque, OrderedDict, defaultdict))
_OPAQUE = (nn.Module, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, torch.Generator)
_PLAIN = frozenset((bool, int, float, str, bytes, type(None), torch.dtype, torch.device))
_STANDARD = list(nn.Module().__dict__)
_LAST = len(_STANDARD) - 1
_tables = itemgetter(*(name for name, value in nn.Module().__dict__.items() if type(value) in _CONTAINERS))
"""The attributes that every module has, and those of them that are tables."""

_DEEPEST = 3
_LONGEST = 1_000
"""How deep into containers, and into how many of their items, a state is looked for."""


@contextlib.contextmanager
def same_random_state() -> Iterator[None]:
    """Give every random number generator back its state: Python, torch on all devices, NumPy where it is loaded."""
    python, cpu = random.getstate(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    numpy = sys.modules.get("numpy")
    numpy_state = numpy.random.get_state() if numpy is not None else None

    def restore() -> None:
        random.setstate(python)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)
        if numpy is not None:
            numpy.random.set_state(numpy_state)

    try:
        yield
    finally:
        surely(restore)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Start random numbers from a seed in the block, and let them go on afterwards as if nothing had been."""
    with same_random_state():
        random.seed(seed)
        torch.manual_seed(seed)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            numpy.random.seed(seed)
        yield


def surely(restore: Callable[[], None]) -> None:
    """Restore to the end, and only then let an interrupt or the end of a time limit through: nothing is left half done.

    Args:
        restore: May be run again from its beginning.
    """
    interrupt = None
    while True:
        try:
            restore()
            break
        except Exception:
            raise
        except BaseException as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


def function_modes() -> list[Any]:
    """The modes that stand between the user and torch's functions, the lowest first; a default device is one."""
    return [torch._C._get_function_stack_at(place) for place in range(torch._C._len_torch_function_stack())]


def set_function_modes(modes: list[Any]) -> None:
    """Put these modes in the place of those that are on, also when an interrupt comes in between."""

    def exchange() -> None:
        while torch._C._len_torch_function_stack():
            torch._C._pop_torch_function_stack()
        for mode in modes:
            torch._C._push_on_torch_function_stack(mode)

    if function_modes() != modes:
        surely(exchange)


@contextlib.contextmanager
def same_defaults() -> Iterator[None]:
    """Give torch back its function modes, its default device and dtype, and whether it keeps gradients."""
    modes, default = function_modes(), getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    current, dtype, grad_mode = _device.CURRENT_DEVICE, torch.get_default_dtype(), torch.is_grad_enabled()

    def restore() -> None:
        torch._GLOBAL_DEVICE_CONTEXT.device_context = default
        _device.CURRENT_DEVICE = current
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad_mode)
        set_function_modes(modes)

    try:
        yield
    except BaseException as error:
        end_cut_short(error)
        raise
    finally:
        surely(restore)


@contextlib.contextmanager
def untouched(model: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Run the model in the block and find it afterwards as it was, also when the block raises or is interrupted.

    Buffers are swapped for clones meanwhile: writing an old value back would move a buffer's version counter and break
    a backward pass that the user still has pending. What a forward writes to in place is another matter (`writes.py`).

    Yields:
        The tensors that the model holds besides its buffers: weights, and tensors among its attributes.
    """
    before = _State(model)
    try:
        before.swap_buffers()
        with same_defaults(), same_random_state():
            yield before.tensors
    finally:
        surely(before.restore)


class _State:
    """What the modules of a model hold: attributes, the containers and plain objects among them, gradients."""

    def __init__(self, model: nn.Module) -> None:
        self.tensors: list[torch.Tensor] = []
        self._seen: set[int] = set()
        self._full: list[tuple[Any, Any]] = []
        self._empty: list[Any] = []
        self._tables: list[tuple[Any, ...]] = []
        self._buffers: list[tuple[Any, str, torch.Tensor | None]] = []
        self._attributes = [(module.__dict__, module.__dict__.copy()) for module in paths(model)]
        for attributes, _ in self._attributes:
            self._look_into(_own_values(attributes), 0)
            if weights := attributes.get("_parameters"):
                self._look_into(weights.values(), 0)
            if buffers := attributes.get("_buffers"):
                self._buffers += [(buffers, name, buffer) for name, buffer in buffers.items()]
            tables = _tables(attributes)
            self._tables.append(tables)
            for table in filter(None, tables):
                if type(table) in _CONTAINERS:
                    self._keep(table)
        self._gradients = [(tensor, tensor.grad) for tensor in self.tensors if tensor.is_leaf]

    def _look_into(self, values: Iterable[Any], depth: int) -> None:
        for value in values:
            kind = type(value)
            if kind in _PLAIN or id(value) in self._seen:
                continue
            if kind in _CONTAINERS:
                self._keep(value)
                items = value.values() if isinstance(value, dict) else value
                self._look_further(islice(items, _LONGEST), depth)
            elif isinstance(value, torch.Tensor):
                self._seen.add(id(value))
                self.tensors.append(value)
            elif not isinstance(value, _OPAQUE):
                self._seen.add(id(value))
                self._look_further(value if isinstance(value, tuple) else [getattr(value, "__dict__", None)], depth)

    def _look_further(self, values: Iterable[Any], depth: int) -> None:
        if depth < _DEEPEST:
            self._look_into(values, depth + 1)

    def _keep(self, container: Any) -> None:
        if not container:
            self._empty.append(container)
        elif id(container) not in self._seen:
            self._seen.add(id(container))
            self._full.append((container, container.copy()))

    def swap_buffers(self) -> None:
        """Put clones into the place of the buffers."""
        clones: dict[int, torch.Tensor] = {}
        for table, name, buffer in self._buffers:
            if buffer is not None:
                table[name] = clones.setdefault(id(buffer), buffer.detach().clone())

    def restore(self) -> None:
        """Bind every name and every item to what it was bound to."""
        for attributes, copy in self._attributes:
            attributes.update(copy)
            if len(attributes) > len(copy):
                for name in attributes.keys() - copy.keys():
                    del attributes[name]
        for table, name, buffer in self._buffers:
            table[name] = buffer
        for container in filter(None, chain(self._empty, *self._tables)):
            if type(container) in _CONTAINERS and id(container) not in self._seen:
                container.clear()
        for container, copy in self._full:
            if not _same_items(container, copy):
                container.clear()
                _refill(container)(copy)
        for tensor, gradient in self._gradients:
            if tensor.grad is not gradient:
                tensor.grad = gradient


def _own_values(attributes: dict[str, Any]) -> Iterable[Any]:
    """The attributes that not every module has; those usually come first, the last of them behind all others."""
    if next(islice(attributes, _LAST, None), None) == _STANDARD[_LAST]:
        return islice(attributes.values(), _LAST + 1, None)
    return [value for name, value in attributes.items() if name not in _STANDARD]


def _same_items(container: Any, copy: Any) -> bool:
    """Compare by identity: the items may be tensors, whose ``==`` has no truth value."""
    if isinstance(container, set):
        return bool(container == copy)
    is_same = len(container) == len(copy) and all(map(is_, container, copy))
    return is_same and (not isinstance(container, dict) or all(map(is_, container.values(), copy.values())))


def _refill(container: Any) -> Callable[[Any], None]:
    refill: Callable[[Any], None] = container.extend if isinstance(container, list | deque) else container.update
    return refill
