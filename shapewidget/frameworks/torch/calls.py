"""What a recorded call of a torch function is called, and whether it belongs to the data flow at all."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

_TORCH = str(Path(torch.__file__).parent)
_UPKEEP_FILES = (f"{_TORCH}/optim/", f"{_TORCH}/nn/init.py", f"{_TORCH}/nn/utils/clip_grad.py", f"{_TORCH}/autograd/")
_DISTRIBUTIONS = f"{_TORCH}/distributions/"
"""A distribution computes with what it is built of."""

_GRADIENT = torch.autograd.grad
TAKING_GRADIENTS = frozenset((_GRADIENT, torch.Tensor.backward))
"""Functions that need to know how a tensor was made."""

_UPKEEP_NAMES = frozenset(("__init__", "reset_parameters", "zero_grad"))


def is_upkeep() -> bool:
    """Whether torch itself calls the function to fill weights or to step an optimiser: no part of the data flow.

    A gradient that the program itself asks for is a part of it.
    """
    frame = sys._getframe(3)
    while frame is not None and frame.f_code.co_filename.startswith(_TORCH):
        if frame.f_code.co_filename.startswith(_DISTRIBUTIONS):
            return False
        is_of_torch = frame.f_code.co_name in _UPKEEP_NAMES or frame.f_code.co_filename.startswith(_UPKEEP_FILES)
        if is_of_torch and frame.f_code is not _GRADIENT.__code__:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


LEAVING = frozenset(("item", "tolist", "numpy", "__array__", "__float__", "__int__", "__index__", "__complex__"))
"""Functions that turn a tensor into a value of Python or NumPy."""


def plain_name(function: Callable[..., Any]) -> str:
    """'__add__', '__radd__' and 'add' are one operation; a getter is named after its attribute."""
    name = function.__name__
    if function is _GRADIENT:
        return "gradient"
    if name == "__get__":
        return getattr(getattr(function, "__self__", None), "__name__", name)
    return _bare(name)


@functools.cache
def _bare(name: str) -> str:
    if name.startswith("__") and name.endswith("__"):
        inner = name.strip("_")
        bare = inner[1:] if inner[:1] in "ri" and hasattr(torch.Tensor, f"__{inner[1:]}__") else inner
        return {"getitem": "index", "setitem": "index_put", "truediv": "div"}.get(bare, bare)
    return name


@functools.cache
def is_in_place(name: str) -> bool:
    """Whether a function of this name writes to its first argument."""
    if name.startswith("__i"):
        return hasattr(torch.Tensor, f"__{name[3:]}")  # "__iadd__", and not "__invert__"
    return name == "__setitem__" or (name[-1:] == "_" and name[-2:] != "__")


def takes_form_only(name: str) -> bool:
    """Whether a function makes a tensor in the form of another one, and reads none of its values."""
    return name.endswith("_like") or name.startswith("new_")


INDEXING = frozenset(("__getitem__", "__setitem__"))


def index_text(asked: Any) -> str:
    """What stands in the brackets: "[:, -1, None]", with the word "tensor" for one."""
    items = asked if isinstance(asked, tuple) else (asked,)
    return f"[{', '.join(map(_index_item, items))}]"


def _index_item(item: Any) -> str:
    if isinstance(item, slice):
        bounds = [("" if bound is None else _index_item(bound)) for bound in (item.start, item.stop, item.step)]
        return ":".join(bounds if bounds[2] else bounds[:2])
    if item is Ellipsis:
        return "..."
    return str(item) if item is None or isinstance(item, int) else "tensor"


_PLAIN = (bool, int, float, str, type(None))


def arguments(args: Any, kwargs: Mapping[str, Any]) -> dict[str, object]:
    """The arguments that are no tensors: positional ones under their place, "1", the others under their name.

    Those that functions of torch give to one another only, `_stacklevel`, are left out.
    """
    found: dict[str, object] = {}
    for place, value in enumerate(args):
        if not isinstance(value, torch.Tensor) and _is_plain(value):
            found[str(place)] = _kept(value)
    for name, value in kwargs.items():
        if not isinstance(value, torch.Tensor) and _is_plain(value) and not name.startswith("_"):
            found[name] = _kept(value)
    return found


def _is_plain(value: object) -> bool:
    return isinstance(value, _PLAIN) or (
        isinstance(value, tuple | list) and all(isinstance(item, int) for item in value)
    )


def _kept(value: Any) -> object:
    return tuple(value) if isinstance(value, tuple | list) else value
