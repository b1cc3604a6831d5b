"""Be told of every call of a live model, at almost no cost."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from torch import nn

_CALL = nn.Module.__call__

HOOK_SECONDS = 12e-6
"""What a hook takes of a call within a training loop, as benchmarks/live.py measures it; called over and over with
nothing in between, it would seem to take a tenth of that."""

Called = Callable[..., float]


def follow(model: nn.Module, called: Called) -> Callable[[], None]:
    """Call something with the inputs of every call of the model, and give what ends that.

    Calls that we make ourselves, and those that are recorded, are left out. Copies of the model are not followed, and
    neither the model nor a file of it holds anything of ours. What is told says for how many seconds it need not be:
    the model has no hook meanwhile, as even a hook that returns at once takes a share of a very short step.
    """
    return _Follower(model, called).end


class _Follower:
    """The hook. What a copy or a file of the model gets in its place does nothing."""

    def __init__(self, model: nn.Module, called: Called) -> None:
        self._model, self._called = weakref.ref(model), weakref.WeakMethod(called)
        self._lock, self._has_ended = threading.Lock(), False
        self._handle = model.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        called = self._called()
        if called is not None and self._model() is module and nn.Module.__call__ is _CALL:
            rest = called((args, kwargs) if kwargs else args, HOOK_SECONDS)
            if rest > 0:
                self._rest(module, rest)

    def _rest(self, module: nn.Module, seconds: float) -> None:
        """Take the hook away for a while. The handle stays: it says that the hook takes keywords."""
        with self._lock:
            if not self._has_ended and module._forward_pre_hooks.pop(self._handle.id, None) is not None:
                timer = threading.Timer(seconds, self._wake)
                timer.daemon = True
                timer.start()

    def _wake(self) -> None:
        with self._lock:
            model = self._model()
            if not self._has_ended and model is not None:
                model._forward_pre_hooks[self._handle.id] = self

    def end(self) -> None:
        """Take the hook away for good."""
        with self._lock:
            self._has_ended = True
            self._handle.remove()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[()]]:
        return _nothing_hook, ()


def _nothing(module: nn.Module, args: Any, kwargs: Any) -> None:
    """The hook of a copy."""


def _nothing_hook() -> Callable[..., Any]:
    return _nothing
