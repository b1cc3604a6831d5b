"""Be told of every batch that a live model is trained on, at almost no cost.

A model that is called eagerly is seen at its call. Inside of a `tf.function` nothing of Python runs, so it is seen
where a function that uses the model's weights is called. `fit` draws its batches inside of such a function; while a
model is followed they are drawn before it is called.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import keras
import tensorflow as tf

from shapewidget.frameworks.nesting import is_array

_CALL = keras.layers.Layer.__call__
_Function = type(tf.function(lambda: None))

Called = Callable[[Any], None]


def follow(model: keras.Model, called: Called) -> Callable[[], None]:
    """Call something with the batch of every call of the model, and give what ends that.

    Calls that we make ourselves, and those that are recorded, are left out. Copies of the model are not followed.
    """
    return _Follower(model, called).start()


class _Follower:
    """What is told of the calls, as long as it is on."""

    def __init__(self, model: keras.Model, called: Called) -> None:
        self._model, self._called = weakref.ref(model), weakref.WeakMethod(called)
        self._uses: weakref.WeakKeyDictionary[Any, tuple[int, bool]] = weakref.WeakKeyDictionary()
        self._is_on, self._is_inside = True, False

    def start(self) -> Callable[[], None]:
        undo = contextlib.ExitStack()
        for owner, name, hook in (
            (keras.Model, "__call__", self._calling),
            (keras.Model, "make_train_function", self._making),
            (_Function, "__call__", self._running),
        ):
            undo.callback(_replaced(owner, name, hook))
        undo.callback(self._stop)
        self._step_before_drawing()
        return undo.close

    def _stop(self) -> None:
        self._is_on = False
        model = self._model()
        step = getattr(model, "train_function", None)
        if isinstance(step, _Step) and model is not None:
            model.train_function = step.original

    def _step_before_drawing(self) -> None:
        model = self._model()
        step = getattr(model, "train_function", None)
        if model is not None and step is not None and not isinstance(step, _Step):
            model.train_function = _Step(model, step)

    def _is_seen(self) -> bool:
        """Whether what is called now is the user's own call, and nothing is recorded."""
        return self._is_on and not self._is_inside and tf.executing_eagerly() and keras.layers.Layer.__call__ is _CALL

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        self._is_inside = True
        try:
            yield
        finally:
            self._is_inside = False

    def _tell(self, batch: tuple[Any, ...]) -> None:
        called = self._called()
        if called is not None:
            called(batch)

    def _calling(self, original: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        if owner is self._model() and self._is_seen():
            given = {name: value for name, value in kwargs.items() if is_array(value) or isinstance(value, dict)}
            self._tell((*args, given) if given else args)
        return original(*args, **kwargs)

    def _making(self, original: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        if owner is self._model() and self._is_on:
            self._step_before_drawing()
        return made

    def _running(self, original: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        if not self._is_seen():
            return original(*args, **kwargs)
        with self._inside():
            made = original(*args, **kwargs)
        if self._is_step(owner) and any(is_array(each) for each in tf.nest.flatten((args, kwargs))):
            self._tell((*args, kwargs) if kwargs else args)
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


class _Step:
    """Stands in for the `train_function` of a model, and draws the batches before it calls it.

    Attributes:
        original: What it stands in for.
    """

    def __init__(self, model: keras.Model, original: Callable[..., Any]) -> None:
        self._count, self.original = int(getattr(model, "steps_per_execution", 1) or 1), original

    def __call__(self, iterator: Any) -> Any:
        if isinstance(iterator, tf.distribute.DistributedIterator):
            return self.original(iterator)
        batches = list(islice(iterator, self._count))
        if not batches:
            raise StopIteration
        return self.original(iter(batches))


def _replaced(owner: type, name: str, hook: Callable[..., Any]) -> Callable[[], None]:
    """Let a hook run in the place of a method, and give what ends that."""
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
