"""What every layer of a model costs: the bytes of what its operations give, the seconds of its forward pass."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from shapewidget.frameworks.keras.layers import is_drawn_whole
from shapewidget.frameworks.keras.naming import Naming
from shapewidget.graph.costs import LayerCost

_MODEL = ""
"""The id of the model itself, which is no layer of its graph."""


class LayerWatch:
    """Notes which layers of a model are running, and for how long, under the ids that they have in its graph.

    Args:
        model: The model; it is no layer of its own graph.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model, self._thread = model, threading.get_ident()
        self._naming = Naming()
        self._running: list[tuple[Any, str]] = []
        self._calls: Counter[str] = Counter()
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._kept: Counter[str] = Counter()

    def keep(self, nbytes: int) -> None:
        """Put bytes that are kept for the backward pass down to the layers that are running."""
        self._kept.update({id_: nbytes for _, id_ in self._running if id_ != _MODEL})

    def costs(self, whole: float | None = None) -> Mapping[str, LayerCost]:
        """Every layer that ran, by its id.

        Args:
            whole: Seconds of a forward pass of the model as it is compiled, of which every layer gets its share; None
                for those that the layers took, operation by operation.
        """
        medians = {id_: statistics.median(seconds) for id_, seconds in self._seconds.items()}
        scale = whole / medians[_MODEL] if whole is not None else 1.0
        return {id_: LayerCost(self._kept[id_], scale * it) for id_, it in medians.items() if id_ != _MODEL}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note what runs in the block; one forward pass a block, as calls are counted."""
        original = keras.layers.Layer.__call__
        self._calls.clear()

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._is_noted(layer):
                return original(layer, *args, **kwargs)
            with self._noting(layer):
                return original(layer, *args, **kwargs)

        keras.layers.Layer.__call__ = call
        try:
            yield
        finally:
            keras.layers.Layer.__call__ = original

    def _is_noted(self, layer: Any) -> bool:
        """Whether a layer is a part of the model, and in none that the graph shows as a whole."""
        if threading.get_ident() != self._thread:
            return False
        return layer is self._model or (bool(self._running) and not is_drawn_whole(self._running[-1][0]))

    @contextlib.contextmanager
    def _noting(self, layer: Any) -> Iterator[None]:
        id_ = _MODEL if layer is self._model else self._id(layer)
        self._running.append((layer, id_))
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[id_].append(time.perf_counter() - started)
            self._running.pop()

    def _id(self, layer: Any) -> str:
        owner, above = self._running[-1]
        name = self._naming.of(layer, owner).stable
        id_ = f"{above}.{name}" if above else name
        self._calls[id_] += 1
        return id_ if self._calls[id_] == 1 else f"{id_}#{self._calls[id_]}"
