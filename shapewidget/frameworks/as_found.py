"""Leave a loader and all that it reads as found: generators, epochs, counters.

What a loader holds is walked through its attributes, tuples, lists and dicts. Every attribute is bound again to what it
was bound to, and every random number generator gets its state back.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from shapewidget.frameworks.nesting import is_array

_DEEPEST = 5
_LONGEST = 64


@contextlib.contextmanager
def as_found(*roots: Any) -> Iterator[None]:
    """Find these objects, and what they hold, after the block as they were before it."""
    objects = {id(value): value for root in roots for value in _reached(root, 0)}
    states = [undo for value in objects.values() if (undo := _generator_state(value)) is not None]
    attributes = [(value, dict(vars(value))) for value in objects.values() if hasattr(value, "__dict__")]
    try:
        with _same_global_state():
            yield
    finally:
        for value, before in attributes:
            _rebind(vars(value), before)
        for undo in states:
            undo()


@contextlib.contextmanager
def _same_global_state() -> Iterator[None]:
    """Python's and NumPy's own generators; a framework guards its own."""
    python, numpy = random.getstate(), sys.modules.get("numpy")
    state = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(state)


def _rebind(now: Any, before: Mapping[str, Any]) -> None:
    if not isinstance(now, dict):
        return
    for name in [name for name in now if name not in before]:
        del now[name]
    now.update(before)


_NO_STATE = (str, bytes, int, float, type, ModuleType, type(None))


def _reached(value: Any, depth: int) -> Iterator[Any]:
    if depth > _DEEPEST or is_array(value) or isinstance(value, _NO_STATE):
        return
    if isinstance(value, tuple | list | set):
        for item in list(value)[:_LONGEST]:
            yield from _reached(item, depth + 1)
    elif isinstance(value, Mapping):
        for item in list(value.values())[:_LONGEST]:
            yield from _reached(item, depth + 1)
    elif isinstance(value, FunctionType):
        for cell in value.__closure__ or ():
            with contextlib.suppress(ValueError):  # a cell that is still empty
                yield from _reached(cell.cell_contents, depth + 1)
    elif isinstance(value, MethodType):
        yield from _reached(value.__self__, depth + 1)
    elif isinstance(value, GeneratorType):
        if value.gi_frame is not None:
            yield from _reached(dict(value.gi_frame.f_locals), depth + 1)
    elif _is_plain(value):
        yield value
        yield from _reached(dict(vars(value)) if hasattr(value, "__dict__") else (), depth + 1)


def _is_plain(value: Any) -> bool:
    """Not a module of a network: calling one is no business of a loader's, and its attributes are its own."""
    return not callable(getattr(value, "named_parameters", None))


def _generator_state(value: Any) -> Callable[[], None] | None:
    """What puts a random number generator back; None for anything else."""
    if isinstance(value, random.Random):
        python = value.getstate()
        return lambda: value.setstate(python)
    bits = getattr(value, "bit_generator", None)
    if bits is not None and hasattr(bits, "state"):
        numpy = bits.state
        return lambda: setattr(bits, "state", numpy)
    if type(value).__name__ in ("Generator", "RandomState") and hasattr(value, "set_state"):
        state = value.get_state()
        return lambda: value.set_state(state)
    return None
