"""JAX: operations are seen as calls of the functions of Keras and of `jax.numpy`, and as operators on arrays.

A function that JAX compiles runs as Python only once, with tracers that have shapes and no values. `fit` is therefore
not compiled while it is watched; what the user compiles is seen where it is traced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import keras

from shapewidget.frameworks.keras.backends.following import Follower
from shapewidget.frameworks.keras.backends.functions import Calls
from shapewidget.frameworks.keras.backends.plain import Plain
from shapewidget.frameworks.keras.backends.protocol import Listener, Original, Silence
from shapewidget.frameworks.keras.backends.replacing import Wrap, instead, replaced

_ARRAYS = (type(jax.numpy.zeros(())), jax.core.Tracer)
_OPERATORS = {
    f"__{turned}{name}__": name
    for name in ("add", "sub", "mul", "truediv", "matmul", "pow", "getitem", "neg")
    for turned in ("", "r")
    if not (turned and name in ("getitem", "neg"))
}
_METHODS = ("all", "any", "argmax", "argmin", "astype", "cumsum", "dot", "flatten", "max", "mean", "min", "prod")
_MORE_METHODS = ("ravel", "repeat", "reshape", "round", "squeeze", "std", "sum", "swapaxes", "take", "transpose", "var")
_FUNCTIONS = ("train", "test", "predict")


class Jax(Plain):
    """See `shapewidget.frameworks.keras.backends.protocol.Backend`."""

    package = "jax"
    packages: tuple[str, ...] = ("jax",)
    tensors: tuple[type, ...] = (jax.Array,)
    variables: tuple[type, ...] = ()
    stand_ins: tuple[int, ...] = ()
    tracebacks: tuple[Any, ...] = ()

    def machine(self) -> str:
        """Its version, in words."""
        return f"keras {keras.__version__}, jax {jax.__version__}"

    def device(self, tensor: jax.Array) -> str:
        """Where a tensor is: "cpu", "gpu:0"."""
        first = min(tensor.devices(), key=lambda device: device.id)
        return "cpu" if first.platform == "cpu" else f"{first.platform}:{first.id}"

    def attributes(self, owner: Any) -> Mapping[str, Any]:
        """What a layer holds by name."""
        held: dict[str, Any] = vars(owner)
        return held

    def same_random_state(self) -> contextlib.AbstractContextManager[None]:
        """JAX keeps none: Keras hands it seeds of its own."""
        return contextlib.nullcontext()

    def held(self, variables: Sequence[Any]) -> Callable[[], None]:
        """Hold the arrays: they are never written to, only exchanged."""
        values = [variable._value for variable in variables]

        def give_back() -> None:
            for variable, value in zip(variables, values, strict=True):
                if variable._value is not value:
                    variable._value = value

        return give_back

    @contextlib.contextmanager
    def eager_functions(self) -> Iterator[None]:
        """Let `fit`, `evaluate` and `predict` run their steps as written, also those that were compiled before."""
        compiled: dict[tuple[int, str], tuple[Any, Any]] = {}

        def made_anew(attribute: str) -> Callable[[Original], Original]:
            def wrap(original: Original) -> Original:
                def make(model: Any, force: bool = False) -> Any:
                    compiled.setdefault((id(model), attribute), (model, getattr(model, attribute)))
                    return original(model, force=True)

                return make

            return wrap

        was = keras.Model.jit_compile
        never = property(lambda model: False, was.fset)
        with contextlib.ExitStack() as stack:
            stack.enter_context(replaced(keras.Model, "jit_compile", lambda _: never))
            for name in _FUNCTIONS:
                wrap = made_anew(f"{name}_function")
                stack.enter_context(replaced(keras.Model, f"make_{name}_function", wrap))
            try:
                yield
            finally:
                for (_, attribute), (model, function) in compiled.items():
                    setattr(model, attribute, function)

    def follow(self, model: keras.Model, called: Callable[..., float]) -> Callable[[], None]:
        """Tell of calls, and of the steps of `fit`."""
        return _Follower(model, called).start()

    @contextlib.contextmanager
    def operations(self, listener: Listener) -> Iterator[Silence]:
        """Tell of every function of Keras or JAX that the block calls itself."""
        calls = Calls(listener, self.tensors)
        with contextlib.ExitStack() as stack:
            stack.enter_context(calls.of_keras())
            for module in (jax.numpy, jax.nn):
                for name in vars(module):
                    if _is_function(module, name):
                        stack.enter_context(replaced(module, name, lambda function: _StandIn(function, calls)))
            for kind in _ARRAYS:
                for name in (*_OPERATORS, *_METHODS, *_MORE_METHODS):
                    stack.enter_context(replaced(kind, name, _method(name, calls)))
            yield contextlib.nullcontext


class _Follower(Follower):
    def has_values(self, array: Any) -> bool:
        return not isinstance(array, jax.core.Tracer)


def _is_function(module: Any, name: str) -> bool:
    value = vars(module)[name]
    is_own = str(getattr(value, "__module__", "")).startswith("jax")
    return not name.startswith("_") and is_own and callable(value) and not isinstance(value, type)


class _StandIn:
    """A function of JAX that is told of, with all else that it has: `jnp.add.at`, `lower`."""

    def __init__(self, original: Any, calls: Calls) -> None:
        self._original, self._call = original, calls.standing_in(original)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def _method(name: str, calls: Calls) -> Wrap:
    """A method of an array that is told of."""
    return instead(lambda method, *args, **kwargs: calls.run_numbered(_OPERATORS.get(name, name), method, args, kwargs))
