"""Be told of the batches that a live model of Keras is called or trained with, where no function hides them."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import keras
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

from shapewidget.frameworks.keras.backends.replacing import replaced
from shapewidget.frameworks.nesting import is_array

_CALL = keras.layers.Layer.__call__


def follow(model: keras.Model, called: Callable[[Any], None], is_value: Callable[[Any], bool]) -> Callable[[], None]:
    """Call something with the batch of every call of the model and every step of its `fit`, and give what ends that.

    Args:
        model: Held weakly.
        called: A method, held weakly.
        is_value: Whether an array has values: one that a function is traced with has none.
    """
    follower = _Follower(model, called, is_value)
    undo = contextlib.ExitStack()
    undo.enter_context(replaced(keras.Model, "__call__", follower.calling))
    undo.enter_context(replaced(keras.Model, "make_train_function", follower.making))
    undo.callback(follower.stop)
    follower.wrap_step()
    return undo.close


class _Follower:
    def __init__(self, model: keras.Model, called: Any, is_value: Callable[[Any], bool]) -> None:
        self._model, self._called, self._is_value = weakref.ref(model), weakref.WeakMethod(called), is_value
        self._is_inside = False
        self._original: Any = None

    def calling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(owner: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if owner is self._model() and self._is_seen():
                given = {name: value for name, value in kwargs.items() if is_array(value) or isinstance(value, dict)}
                self._tell((*args, given) if given else args)
            return original(owner, *args, **kwargs)

        return call

    def making(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def make(owner: Any, *args: Any, **kwargs: Any) -> Any:
            made = original(owner, *args, **kwargs)
            if owner is self._model():
                self.wrap_step()
            return made

        return make

    def wrap_step(self) -> None:
        """Draw the batches of `fit` before its step is called."""
        model = self._model()
        step = getattr(model, "train_function", None)
        if model is None or step is None or getattr(step, "__self__", None) is self:
            return
        self._original, self._count = step, int(getattr(model, "steps_per_execution", 1) or 1)
        model.train_function = self._step

    def stop(self) -> None:
        """Leave the model as found."""
        model = self._model()
        if model is not None and self._original is not None:
            model.train_function = self._original

    def _step(self, *args: Any) -> Any:
        *state, batches = args
        is_drawn = isinstance(batches, list | tuple)
        drawn = list(batches if is_drawn else islice(batches, self._count))
        if not drawn:
            raise StopIteration
        if self._is_seen():
            for batch in drawn:
                self._tell(batch)
        with self._inside():
            return self._original(*state, batches if is_drawn else iter(drawn))

    def _is_seen(self) -> bool:
        """Whether what is called now is the user's own call, and nothing is recorded."""
        return not self._is_inside and keras.layers.Layer.__call__ is _CALL

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        self._is_inside = True
        try:
            yield
        finally:
            self._is_inside = False

    def _tell(self, batch: Any) -> None:
        called = self._called()
        if (
            called is not None
            and not in_symbolic_scope()
            and all(map(self._is_value, filter(is_array, keras.tree.flatten(batch))))
        ):
            called(tuple(batch))
