"""Operations seen as calls of functions: those that Keras has for every backend, and those of the backend itself."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import keras
import numpy as np
from keras.src import backend

from shapewidget.frameworks.keras.backends.protocol import Listener, Original
from shapewidget.frameworks.keras.backends.replacing import replaced
from shapewidget.frameworks.keras.names import plain_name

_OF_CORE = ("cast", "stop_gradient", "convert_to_tensor", "scatter", "scatter_update", "slice", "slice_update")
_ARGUMENTS = ("axis", "dim", "keepdims")

Arguments = Callable[[], Mapping[str, Any]]


class Calls:
    """Runs operations and tells of them. What an operation calls itself is not told.

    Args:
        listener: What is told.
        tensors: The types of the tensors of the backend.
    """

    def __init__(self, listener: Listener, tensors: tuple[type, ...]) -> None:
        """Nothing was refused yet."""
        self._listener, self._tensors = listener, tensors
        self._refused = 0

    def run(self, name: str, original: Original, args: Any, kwargs: Any, arguments: Arguments) -> Any:
        """Call a function, and tell of it by its plain name."""
        __tracebackhide__ = True
        is_told = not self._listener.is_passed_by()
        try:
            if not is_told:
                return original(*args, **kwargs)
            with self._listener.blindly():
                output = original(*args, **kwargs)
        except Exception as error:
            if id(error) != self._refused:  # on its way out of the functions that it arose in
                self._refused = id(error)
                self._listener.refused(name, arguments(), error)
            raise
        given, made = self._leaves((args, kwargs)), self._leaves(output)
        if given and made and not any(each is other for each in given for other in made):
            named, settings = _described(name, arguments, given)
            self._listener.ran(named, given, made, lambda: settings)
        return output

    def run_numbered(self, name: str, original: Original, args: Any, kwargs: Any) -> Any:
        """Call an operator, a method, or a function that does not tell the names of its arguments."""
        __tracebackhide__ = True
        plain = plain_name(name)
        return self.run(plain, original, args, kwargs, lambda: numbered(plain, args, kwargs))

    def _leaves(self, value: Any) -> list[Any]:
        kinds = (*self._tensors, np.ndarray, keras.KerasTensor)
        return [each for each in keras.tree.flatten(value) if isinstance(each, kinds)]

    def standing_in(self, original: Any) -> Any:
        """A function that tells of every call of another one."""
        name, signature = plain_name(original.__name__), _signature(original)

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return self.run(name, original, args, kwargs, lambda: _bound(name, signature, args, kwargs))

        return call

    @contextlib.contextmanager
    def of_keras(self) -> Iterator[None]:
        """Stand in for the functions that `keras.ops` calls on the backend."""
        with contextlib.ExitStack() as stack:
            for module, name in _functions():
                stack.enter_context(replaced(module, name, self.standing_in))
            yield


@functools.cache
def _functions() -> Sequence[tuple[Any, str]]:
    modules = (backend.numpy, backend.nn, backend.linalg, backend.math, backend.image)
    found = [(module, name) for module in modules for name in vars(module) if _is_operation(module, name)]
    return (*found, *((backend.core, name) for name in _OF_CORE), *((backend, name) for name in _OF_CORE[:3]))


def _is_operation(module: Any, name: str) -> bool:
    function = vars(module)[name]
    is_own = isinstance(function, FunctionType) and function.__module__ == module.__name__
    return is_own and not name.startswith("_")


@functools.cache
def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _bound(name: str, signature: inspect.Signature | None, args: Any, kwargs: Any) -> Mapping[str, Any]:
    try:
        return signature.bind(*args, **kwargs).arguments if signature is not None else numbered(name, args, kwargs)
    except TypeError:  # called in a way that it does not take
        return numbered(name, args, kwargs)


def numbered(name: str, args: Any, kwargs: Any) -> Mapping[str, Any]:
    """Arguments without names, under the names that Keras has for those that shapes depend on."""
    found: dict[str, Any] = {str(place): value for place, value in enumerate(args)} | dict(kwargs)
    more = args[1:] if len(args) != 2 or isinstance(args[1], int) else args[1]
    if "dim" in kwargs:
        found["axis"] = kwargs["dim"]
    if name in ("reshape", "view"):
        found.setdefault("shape", more)
    elif name == "transpose" and more:
        found.setdefault("axes", more)
    elif name in _ALONG and len(args) > 1 and isinstance(args[1], int | tuple | list):
        found.setdefault("axis", args[1])
    return found


_ALONG = frozenset(
    ("concat", "stack", "sum", "mean", "max", "min", "argmax", "argmin", "softmax", "log_softmax", "cumsum", "prod")
)
"""Operations whose second argument is the axis."""


def _described(name: str, arguments: Arguments, given: Sequence[Any]) -> tuple[str, dict[str, object]]:
    """The name of an operation, and the axes that it runs along."""
    asked, rank = arguments(), len(given[0].shape)
    if name == "swapaxes":
        order = list(range(rank))
        one, other = (int(asked.get(each, asked.get(place))) for each, place in (("axis1", "1"), ("axis2", "2")))
        order[one], order[other] = order[other], order[one]
        return "transpose", {"perm": tuple(order)}
    if name == "transpose":
        return name, {"perm": tuple(asked.get("axes") or reversed(range(rank)))}
    found = {name: asked[name] for name in _ARGUMENTS if isinstance(asked.get(name), int | list | tuple)}
    return name, {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
