"""Be told of every call of a live model, at almost no cost."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch import nn

_CALL = nn.Module.__call__

Called = Callable[[Any], None]


def follow(model: nn.Module, called: Called) -> Callable[[], None]:
    """Call something with the inputs of every call of the model, and give what ends that.

    Calls that we make ourselves, and those that are recorded, are left out. Copies of the model are not followed, and
    neither the model nor a file of it holds anything of ours.
    """
    handle = model.register_forward_pre_hook(_Follower(model, called), with_kwargs=True)
    return handle.remove


class _Follower:
    """The hook. What a copy or a file of the model gets in its place does nothing."""

    def __init__(self, model: nn.Module, called: Called) -> None:
        self._model, self._called = weakref.ref(model), weakref.WeakMethod(called)

    def __call__(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        called = self._called()
        if called is not None and self._model() is module and nn.Module.__call__ is _CALL:
            called((args, kwargs) if kwargs else args)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[()]]:
        return _nothing_hook, ()


def _nothing(module: nn.Module, args: Any, kwargs: Any) -> None:
    """The hook of a copy."""


def _nothing_hook() -> Callable[..., Any]:
    return _nothing
