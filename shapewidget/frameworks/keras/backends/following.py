"""Be told of every batch that a live model of Keras is called or trained with, at almost no cost.

A model that is called eagerly is seen at its call. Inside of a function that a backend compiles nothing of Python runs:
the batches of `fit` are therefore drawn before its step is called, while a model is followed.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import keras
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

from shapewidget.frameworks.nesting import is_array

_CALL = keras.layers.Layer.__call__

Hook = Callable[..., Any]
"""Runs in the place of a method, and is given the bound method, its owner, and the arguments of the call."""


class Follower:
    """Tells of the batch of every call of the model and of every step of its `fit`.

    Calls that we make ourselves, and those that are recorded, are left out. Copies of the model are not followed.

    Args:
        model: Held weakly.
        called: A method, held weakly.
    """

    def __init__(self, model: keras.Model, called: Callable[..., float]) -> None:
        """Follow nothing yet."""
        self._model, self._called = weakref.ref(model), weakref.WeakMethod(called)
        self._is_on, self._is_inside = True, False
        self._original: Any = None
        self._count = 1

    def start(self) -> Callable[[], None]:
        """Follow the model, and give what ends that. Several may follow one model, and end in any order."""
        undo = contextlib.ExitStack()
        for owner, name, hook in self.hooks():
            undo.callback(_hooked(owner, name, hook))
        undo.callback(self._stop)
        self._wrap_step()
        return undo.close

    def hooks(self) -> list[tuple[type, str, Hook]]:
        """The methods that calls are seen at."""
        return [(keras.Model, "__call__", self._calling), (keras.Model, "make_train_function", self._making)]

    def has_values(self, array: Any) -> bool:
        """Whether an array has values: one that a function is traced with has none."""
        return True

    def is_seen(self) -> bool:
        """Whether what is called now is the user's own call, and nothing is recorded."""
        return self._is_on and not self._is_inside and keras.layers.Layer.__call__ is _CALL

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Tell nothing of what the block calls."""
        self._is_inside = True
        try:
            yield
        finally:
            self._is_inside = False

    def tell(self, batch: tuple[Any, ...]) -> None:
        """Tell of a batch: the arguments of a call, with a dict of its keywords behind them."""
        called = self._called()
        arrays = filter(is_array, keras.tree.flatten(batch))
        if called is not None and not in_symbolic_scope() and all(map(self.has_values, arrays)):
            called(batch)

    def step(self, *args: Any) -> Any:
        """Stand in for the `train_function` of the model."""
        *state, batches = args
        if not self._is_on:
            return self._original(*args)  # another follower that began later still calls this one
        is_drawn = isinstance(batches, list | tuple)
        drawn = list(batches if is_drawn else islice(batches, self._count))
        if not drawn:
            raise StopIteration
        if self.is_seen():
            for batch in drawn:
                self.tell(batch if isinstance(batch, tuple) else (batch,))
        with self.inside():
            return self._original(*state, batches if is_drawn else iter(drawn))

    def is_own(self, model: Any) -> bool:
        """Whether it is the model that is followed."""
        return model is self._model()

    def _calling(self, original: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        if self.is_own(owner) and self.is_seen():
            given = {name: value for name, value in kwargs.items() if is_array(value) or isinstance(value, dict)}
            self.tell((*args, given) if given else args)
        return original(*args, **kwargs)

    def _making(self, original: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        if self.is_own(owner) and self._is_on:
            self._wrap_step()
        return made

    def _wrap_step(self) -> None:
        model = self._model()
        step = getattr(model, "train_function", None)
        if model is not None and step is not None and not self._is_wrapped(step):
            self._original, self._count = step, int(getattr(model, "steps_per_execution", 1) or 1)
            model.train_function = self.step

    def _is_wrapped(self, step: Any) -> bool:
        while isinstance(follower := getattr(step, "__self__", None), Follower):
            if follower is self:
                return True
            step = follower._original
        return False

    def _stop(self) -> None:
        self._is_on = False
        model = self._model()
        step = getattr(model, "train_function", None)
        if model is not None and getattr(step, "__self__", None) is self:
            model.train_function = self._original


def _hooked(owner: type, name: str, hook: Hook) -> Callable[[], None]:
    """Let a hook run in the place of a method, and give what ends that, also while another hook stands above it."""
    own = vars(owner).get(name)

    def stand_in(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        original = own.__get__(self) if own is not None else getattr(super(owner, self), name)
        return hook(original, self, args, kwargs)

    setattr(owner, name, stand_in)

    def undo() -> None:
        if vars(owner).get(name) is not stand_in:
            return  # somebody else stands in for it since, and calls this one
        if own is not None:
            setattr(owner, name, own)
        else:
            delattr(owner, name)

    return undo
