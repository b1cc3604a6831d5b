"""The sizes of a Sequential or Functional model: no class holds them, so they are those of its layers.

Layers of one kind of size and one value move together: two layers of 64 units that are added have to stay alike.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras

from shapewidget.errors import RebuildError
from shapewidget.frameworks.keras.constructor import configs, copied, made_from, unbuilt_config
from shapewidget.frameworks.keras.guard import config_of
from shapewidget.frameworks.keras.rehearsal import rehearsing

_MOVABLE = ("units", "filters", "output_dim", "key_dim", "num_heads")
_SEARCH_SECONDS = 1.0
Place = tuple[str, str]
"""Name of a layer, and of one of its sizes."""
Group = tuple[frozenset[Place], int]
"""Places that move together, and what stands there."""


@dataclass(frozen=True, slots=True)
class Size:
    """One size, and every place that it stands at."""

    name: str
    value: int
    places: frozenset[Place]


class LayerSizes:
    """See `shapewidget.frameworks.adapter.Constructor`.

    Args:
        model: Made of layers; it only serves as the pattern.
    """

    origin = "the sizes of its layers"

    def __init__(self, model: keras.Model) -> None:
        """Remember the pattern."""
        self._model = model

    @property
    def arguments(self) -> Mapping[str, object]:
        """The sizes that can be changed."""
        return self.size_arguments()

    def size_arguments(self) -> Mapping[str, int]:
        """Sizes that can be changed alone, and leave the shapes of the model's outputs as they are."""
        return {size.name: size.value for size in self._sizes}

    def hidden_argument(self) -> str | None:
        """The units of the first recurrent layer; else the first units, else the first filters."""
        recurrent = {layer.name for layer in _layers(self._model) if isinstance(_inner(layer), keras.layers.RNN)}
        for wanted in (lambda place: place[0] in recurrent, lambda place: place[1] == "units", lambda place: True):
            found = next((size.name for size in self._sizes if any(map(wanted, size.places))), None)
            if found is not None:
                return found
        return None

    def build(self, **changes: object) -> Any:
        """The model with some sizes changed.

        Raises:
            RebuildError: Keras refused them.
        """
        moved = {place: changes[size.name] for size in self._sizes for place in size.places if size.name in changes}
        return self._made(moved)

    def _made(self, moved: Mapping[Place, object]) -> Any:
        return copied(self._model, lambda layer: _resized(layer, moved))

    @cached_property
    def _sizes(self) -> list[Size]:
        until = time.thread_time() + _SEARCH_SECONDS
        found: list[Group] = []
        tied: list[Group] = []
        for places, value in _groups(_layers(self._model)):
            if time.thread_time() > until:
                break
            (found if self._moves(places, value) else tied).append((places, value))
        for value in dict.fromkeys(value for _, value in tied):
            together = frozenset().union(*(places for places, other in tied if other == value))
            if time.thread_time() < until and self._moves(together, value):
                found.append((together, value))
        return _named(found, [layer.name for layer in _layers(self._model)])

    def _moves(self, places: frozenset[Place], value: int) -> bool:
        """Whether the model can be built with another value there, and gives what it gave."""
        given = _output_shapes(self._model)
        if not given and self._last & set(places):
            return False
        with contextlib.suppress(RebuildError), rehearsing():
            return _output_shapes(self._made(dict.fromkeys(places, 2 * value))) == given
        return False

    @cached_property
    def _last(self) -> set[Place]:
        """The sizes of the last layer that has any: what a model gives that was never built."""
        places = [place for places, _ in _groups(_layers(self._model)) for place in places]
        order = [layer.name for layer in _layers(self._model)]
        last = max((name for name, _ in places), key=order.index, default="")
        return {place for place in places if place[0] == last}


def _groups(layers: Iterable[Any]) -> Iterator[Group]:
    groups: dict[tuple[str, int], list[Place]] = {}
    for layer in layers:
        config = _told_config(layer)
        for name in _MOVABLE:
            value = config.get(name)
            if isinstance(value, int) and value > 1:
                groups.setdefault((name, value), []).append((layer.name, name))
    for (_, value), places in groups.items():
        yield frozenset(places), value


def _told_config(layer: Any) -> dict[str, Any]:
    """What a layer says that it is made from; nothing of one of the user's own that cannot say it."""
    try:
        return next(configs(config_of(layer)))
    except NotImplementedError:
        return {}


def _named(found: Iterable[Group], order: list[str]) -> list[Size]:
    """A size that is the only one of its kind is called "units"; one of several by its layer, "dense.units"."""
    firsts = [(min(places, key=lambda place: order.index(place[0])), places, value) for places, value in found]
    kinds = [place[1] for place, _, _ in firsts]
    return [
        Size(place[1] if kinds.count(place[1]) == 1 else f"{place[0]}.{place[1]}", value, places)
        for place, places, value in sorted(firsts, key=lambda each: order.index(each[0][0]))
    ]


def _layers(model: keras.Model) -> list[Any]:
    """The layers that a copy is made of, one by one; those in nested models too."""
    found = []
    for layer in model.layers:
        found.extend(_layers(layer) if isinstance(layer, keras.Model) else [layer])
    return found


def _inner(layer: Any) -> Any:
    return layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else getattr(layer, "layer", layer)


def _resized(layer: Any, moved: Mapping[Place, object]) -> Any:
    config = unbuilt_config(layer)
    for name in _MOVABLE:
        if (layer.name, name) in moved:
            for inner in configs(config):
                inner[name] = moved[layer.name, name]
    return made_from(layer, config)


def _output_shapes(model: keras.Model) -> list[tuple[int | None, ...]]:
    return [tuple(tensor.shape) for tensor in keras.tree.flatten(getattr(model, "outputs", None) or [])]
