"""Be told also of the batches that a `tf.function` of the user's own is called with, which uses a model's weights."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from shapewidget.frameworks.keras.backends.following import Follower, Hook
from shapewidget.frameworks.nesting import is_array

_Function = type(tf.function(lambda: None))


class FunctionFollower(Follower):
    """Follows a model of Keras on TensorFlow. See `Follower`."""

    def __init__(self, model: keras.Model, called: Callable[..., float]) -> None:
        """Follow nothing yet."""
        super().__init__(model, called)
        self._uses: weakref.WeakKeyDictionary[Any, tuple[int, bool]] = weakref.WeakKeyDictionary()

    def hooks(self) -> list[tuple[type, str, Hook]]:
        """Functions are seen where they are called."""
        return [*super().hooks(), (_Function, "__call__", self._running)]

    def is_seen(self) -> bool:
        """What a function calls while it is traced is none of the user's calls."""
        return super().is_seen() and tf.executing_eagerly()

    def step(self, *args: Any) -> Any:
        """Batches that are spread over devices cannot be drawn one by one."""
        if isinstance(args[-1], tf.distribute.DistributedIterator):
            return self._original(*args)
        return super().step(*args)

    def _running(self, original: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        if not self.is_seen():
            return original(*args, **kwargs)
        with self.inside():
            made = original(*args, **kwargs)
        if self._is_step(owner) and any(is_array(each) for each in tf.nest.flatten((args, kwargs))):
            self.tell((*args, kwargs) if kwargs else args)
        return made

    def _is_step(self, function: Any) -> bool:
        """Whether a function uses the model's weights."""
        count = function.experimental_get_tracing_count()
        known = self._uses.get(function)
        if known is None or known[0] != count:
            model = self._model()
            own = {id(weight._value) for weight in model.weights} if model is not None else set()
            traced = function._list_all_concrete_functions()
            known = count, any(id(variable) in own for each in traced for variable in each.variables)
            self._uses[function] = known
        return known[1]
