"""Layers and models made again from what they were made of, some of them in another way. The originals stay as found.

A layer of Keras comes from its configuration. One that the user wrote is taken apart: an object of the same class with
the same attributes, in which every layer is made again, so that nothing has to be known of its constructor.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any

import keras
from keras.src.models.functional import Functional

from shapewidget.errors import RebuildError
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.constructor import configs, copied, made_from, unbuilt_config
from shapewidget.frameworks.keras.guard import same_process_state
from shapewidget.frameworks.keras.tensors import is_tensor, leaves

Make = Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _all_as_they_are(targets: Any, outputs: Any, weights: Any) -> tuple[Any, Any, Any]:
    return targets, outputs, weights


def _none(owner: type) -> Mapping[str, FunctionType]:
    return {}


@dataclass(frozen=True)
class Change:
    """What is made otherwise; layers are known by their `id`.

    Attributes:
        instead: Makes the layer that stands in the place of one.
        before: Makes what comes before an input of a layer, with the place of that input; it is told what makes layers.
        loss: Makes the loss or metric that stands in the place of another, or gives that back.
        adapt: Targets, outputs and weights as a loss is given them, to what it is given instead.
        methods: The methods that objects of a class of the user's have instead of their own.
        adapts_outputs: Whether `adapt` gives other outputs.
        inputs: The arguments that a model is called with, to what it is called with instead.
        exchanged: The losses that are given the targets of another one, which stands behind.
        masking: The layers that hand masks on.
        masks: Makes the mask that a layer is given, of what it is called with; it is told what makes layers.
        function: The function of a Lambda, to what it runs instead.
    """

    instead: dict[int, Make] = field(default_factory=dict)
    before: dict[int, tuple[int, Callable[[Make], Any]]] = field(default_factory=dict)
    loss: Make = _as_it_is
    adapt: Callable[[Any, Any, Any], tuple[Any, Any, Any]] = _all_as_they_are
    inputs: Callable[[Any], Any] = _as_it_is
    adapts_outputs: bool = False
    methods: Callable[[type], Mapping[str, FunctionType]] = _none
    exchanged: dict[int, Any] = field(default_factory=dict)
    masking: frozenset[int] = frozenset()
    masks: dict[int, Callable[[Make, Any], Any]] = field(default_factory=dict)
    function: Make = _as_it_is

    def concerns(self, layers: Collection[Any]) -> bool:
        """Whether it makes any of some layers otherwise, or one of their calls."""
        if self.instead or self.before or self.masking or self.masks:
            return True
        lambdas = [each.function for each in layers if isinstance(each, keras.layers.Lambda)]
        return any(map(self.methods, {type(each) for each in layers})) or any(
            self.function(each) is not each for each in lambdas
        )


class Remaker:
    """Makes every layer once, however often it is asked for."""

    def __init__(self, change: Change) -> None:
        """Nothing made yet."""
        self._change = change
        self._made: dict[int, tuple[Any, Any]] = {}

    def layer(self, old: Any) -> Any:
        """The layer or model that stands in the place of one."""
        if id(old) not in self._made:
            self._made[id(old)] = old, self._again(old)
            if id(old) in self._change.masking:
                _hand_masks_on(self._made[id(old)][1])
        return self._made[id(old)][1]

    def call(self, old: Any, args: Any, kwargs: Any) -> Any:
        """Call what stands in the place of a layer, with what comes before it."""
        new = self.layer(old)
        if id(old) in self._change.before:
            place, make = self._change.before[id(old)]
            places = iter(range(len(leaves((args, kwargs)))))

            def put(value: Any) -> Any:
                return make(self.layer)(value) if is_tensor(value) and next(places) == place else value

            args, kwargs = keras.tree.map_structure(put, (args, kwargs))
        if id(old) in self._change.masks:
            kwargs = {**kwargs, "mask": self._change.masks[id(old)](self.layer, leaves((args, kwargs))[0])}
        return new(*args, **kwargs)

    def _again(self, old: Any) -> Any:
        if id(old) in self._change.instead:
            return self._change.instead[id(old)](old)
        if isinstance(old, keras.Sequential):
            return self._sequential(old)
        if isinstance(old, Functional):
            return keras.models.clone_model(
                old,
                clone_function=self.layer,
                call_function=lambda new, *args, **kwargs: self.call(self._old(new), args, kwargs),
            )
        if isinstance(old, keras.layers.Lambda):
            return again(old, function=self._change.function(old.function))
        if type(old).__module__.split(".")[0] == "keras":
            return again(old)
        return self._taken_apart(old)

    def _old(self, new: Any) -> Any:
        return next(old for old, made in self._made.values() if made is new)

    def _sequential(self, old: keras.Sequential) -> keras.Sequential:
        made = keras.Sequential(name=old.name)
        for layer in old._layers:
            if isinstance(layer, keras.layers.InputLayer):
                if old.built or len(old._layers) == 1:  # else a call left it that the layers refused
                    made.add(self.layer(layer))
                continue
            if id(layer) in self._change.before:
                made.add(self._change.before[id(layer)][1](self.layer))
            made.add(self.layer(layer))
        return made

    def _taken_apart(self, old: Any) -> Any:
        base = keras.Model if isinstance(old, keras.Model) else keras.layers.Layer
        owner: Any = type(old)
        made = owner.__new__(owner)
        base.__init__(made, name=old.name, dtype=old.dtype_policy)
        made.supports_masking = old.supports_masking
        plain = set(BACKEND.attributes(base(name="plain"))) | set(BACKEND.attributes(made))
        for name, value in BACKEND.attributes(old).items():
            if name not in plain:
                setattr(made, name, self._value(value))
        return with_methods(made, self._change.methods(owner))

    def _value(self, value: Any) -> Any:
        if isinstance(value, keras.layers.Layer):
            return self.layer(value)
        if isinstance(value, keras.Variable):
            return keras.Variable(value.value, dtype=value.dtype, trainable=value.trainable, name=value.name)
        if isinstance(value, list | tuple) and _holds_layers(value):
            return [self._value(each) for each in value]
        if isinstance(value, dict) and _holds_layers(value):
            return {key: self._value(each) for key, each in value.items()}
        return value


def _hand_masks_on(made: Any) -> None:
    made.supports_masking = True
    if isinstance(made, keras.layers.Lambda):
        made.mask = lambda inputs, mask: mask


def with_methods(made: Any, methods: Mapping[str, FunctionType]) -> Any:
    """The object itself, with other methods than its class has."""
    for name, method in methods.items():
        bound = MethodType(method, made)
        object.__setattr__(made, name, _building(made, bound) if name == "build" else bound)
    return made


def _building(made: Any, build: MethodType) -> Callable[..., None]:
    """A `build` with what Keras puts around that of a class when it makes an object."""

    @functools.wraps(build)
    def built(*shapes: Any, **named: Any) -> None:
        with made._open_name_scope():
            build(*shapes, **named)
        made.built = True

    return built


def _holds_layers(value: Any) -> bool:
    if isinstance(value, list | tuple | dict):
        return any(map(_holds_layers, value.values() if isinstance(value, dict) else value))
    return isinstance(value, keras.layers.Layer)


def again(layer: Any, **changes: object) -> Any:
    """A layer of Keras made again, with some entries of its configuration changed.

    An argument that a wrapper does not take is one of the layer in it.
    """
    config = unbuilt_config(layer)
    if isinstance(layer, keras.layers.Lambda):
        own = {name: config[name] for name in ("name", "dtype", "output_shape", "arguments") if name in config}
        return keras.layers.Lambda(**{"function": layer.function} | own | changes)
    for name, value in changes.items():
        for holder in [config] if name in config else configs(config):
            holder[name] = value
    return made_from(layer, config)


def copy_of(model: keras.Model) -> keras.Model:
    """A model like this one: by its constructor, else taken apart and made again.

    Raises:
        RebuildError: Neither is possible.
    """
    try:
        return copied(model)
    except RebuildError:
        with contextlib.suppress(Exception), same_process_state():  # attributes that no other object can have
            made: keras.Model = Remaker(Change()).layer(model)
            return made
        raise
