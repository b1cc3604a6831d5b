"""Find out how to build the user's model at other sizes.

By the user's own function; else by the arguments of its class; else, where a model was put together of layers outside
of any class, by the sizes of these layers.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras

from shapewidget.errors import RebuildError
from shapewidget.frameworks.adapter import Constructor
from shapewidget.frameworks.hidden import hidden_argument
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.class_arguments import own, recovered
from shapewidget.frameworks.keras.constructor import is_made_of_layers
from shapewidget.frameworks.keras.guard import same_process_state
from shapewidget.frameworks.keras.layer_sizes import LayerSizes
from shapewidget.frameworks.keras.likeness import difference, is_resized, width
from shapewidget.frameworks.keras.rehearsal import rehearsing
from shapewidget.frameworks.source.arithmetic import is_size


def find_constructor(model: keras.Model, build: Callable[..., keras.Model] | None = None) -> Constructor:
    """How to build a model at other sizes.

    Args:
        model: Left as found.
        build: The user's function of the sizes, which are its keyword arguments.

    Raises:
        RebuildError: No way gives the model's own layers; says what is missing and what to pass.
    """
    if build is not None:
        return _checked(ByArguments(model, build, "build", "from build=", _defaults(model, build)))
    if is_made_of_layers(model):
        return LayerSizes(model)
    title = type(model).__name__
    try:
        return _checked(ByArguments(model, type(model), title, "read off its layers and attributes", recovered(model)))
    except RebuildError as error:
        raise RebuildError(
            f"{title} cannot be built at other sizes: {error} Pass build=lambda hidden_size: {title}(...), with the "
            "size in its place."
        ) from error


@dataclass(frozen=True)
class ByArguments:
    """See `shapewidget.frameworks.adapter.Constructor`.

    Attributes:
        model: The user's model, which only serves as the pattern.
        make: Its class, or the user's function.
        name: What that is called.
        origin: How the arguments were found, in words.
        arguments: Keyword arguments that give the model as it is.
    """

    model: keras.Model
    make: Callable[..., keras.Model]
    name: str
    origin: str
    arguments: Mapping[str, object]

    def size_arguments(self) -> Mapping[str, int]:
        """The arguments that change sizes of layers, and not which layers there are."""
        return {name: size for name, size in self._numbers.items() if name in self._widths}

    def hidden_argument(self) -> str | None:
        """The size argument that is the hidden size; None where that is not clear."""
        return hidden_argument(self._widths, width(self.model))

    def build(self, **changes: object) -> Any:
        """A new model with some arguments changed; it has weights of its own.

        Raises:
            RebuildError: The class refused the arguments; says which and why.
        """
        arguments = {name: own(value) for name, value in {**self.arguments, **changes}.items()}
        try:
            with same_process_state():
                return self.make(**arguments)
        except Exception as error:
            given = ", ".join(f"{name}={value!r}" for name, value in changes.items())
            raise RebuildError(
                f"{self.name}({given}) raised {type(error).__name__}: {str(error).splitlines()[0][:200]}"
            ) from error

    def rehearsed(self, **changes: object) -> Any:
        """The model with some arguments changed, its weights without values."""
        with rehearsing():
            return self.build(**changes)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: value for name, value in self.arguments.items() if isinstance(value, int) and is_size(value)}

    @cached_property
    def _widths(self) -> dict[str, int | None]:
        """Of every argument that is a size, the width of the first recurrent or attention layer if it is larger."""
        found = {}
        for name, size in self._numbers.items():
            for larger in (2 * size, size + 1) if size > 1 else ():
                with contextlib.suppress(RebuildError):
                    made = self.rehearsed(**{name: larger})
                    if is_resized(made, self.model):
                        found[name] = width(made)
                    break
        return found


def _checked(constructor: ByArguments) -> ByArguments:
    """The constructor, if it gives the model's own layers."""
    problem = difference(constructor.rehearsed(), constructor.model)
    if problem:
        given = ", ".join(f"{name}={value!r}" for name, value in constructor.arguments.items())
        raise RebuildError(f"{constructor.name}({given}) has {problem}.")
    return constructor


def _defaults(model: keras.Model, build: Callable[..., keras.Model]) -> dict[str, object]:
    """The present values of the arguments of the user's function: its defaults, or what the model has of that name."""
    arguments: dict[str, object] = {}
    for name, parameter in inspect.signature(build).parameters.items():
        value = (
            parameter.default
            if parameter.default is not parameter.empty
            else BACKEND.attributes(model).get(name, width(model))
        )
        if value is None:
            raise RebuildError(
                f"build= has the argument {name!r}, and its present value is not known. Give it as a default: "
                f"build=lambda {name}=256: ..."
            )
        arguments[name] = value
    return arguments
