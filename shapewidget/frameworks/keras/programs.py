"""A part of a watched block that can be run again, with a remedy applied to copies of its layers and losses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras

from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.keras import applied
from shapewidget.frameworks.keras.datasets import is_of_tensorflow
from shapewidget.frameworks.keras.recorder import Recorder
from shapewidget.frameworks.keras.remaking import Change
from shapewidget.frameworks.keras.replay import replayed
from shapewidget.frameworks.keras.sites import Site, compiled_at, made_at, searched, site_at
from shapewidget.frameworks.keras.trace import Entry
from shapewidget.graph.records import Recording
from shapewidget.graph.remedies import Remedy


class TracedProgram:
    """See `shapewidget.frameworks.adapter.Program` for what every method promises."""

    def __init__(self, recorder: Recorder, entries: Sequence[Entry]) -> None:
        """The entries, and the recorder that noted them."""
        self._recorder, self._entries = recorder, entries

    def record(self, attempt: Attempt | None) -> Recording:
        """Run it again on layers made again, as it was or as an attempt changes it."""
        change = attempt.model if attempt is not None else Change()
        return replayed(self._entries, self._recorder.key, change, "captured code")

    def attempt(self, remedy: Remedy) -> Attempt | None:
        """What a remedy changes; the `model` of the attempt is that change."""
        found = applied.applied(remedy, self._program)
        if found is None:
            return None
        return Attempt(found.change, found.fix, found.patch, found.line)

    @cached_property
    def _program(self) -> applied.Program:
        called = [entry.called for entry in self._entries]
        losses = [each for each in called if isinstance(each, keras.losses.Loss | keras.metrics.Metric)]
        return applied.Program(
            {node.path: node.layer for node in reversed(self._recorder.nodes.all) if node.layer is not None}
            | self._operations()
            | self._inputs(),
            self._site,
            self._alike,
            losses,
            self._call,
            any(is_of_tensorflow(data) for data, _ in self._recorder.loaders),
        )

    def _site(self, made: Any) -> Site | None:
        trace = self._recorder.trace
        beside = [entry.called for entry in self._entries if isinstance(entry.called, keras.layers.Layer)]
        return made_at(made, trace.site(made)) or compiled_at(made, trace.compiling(made)) or searched(made, beside)

    @property
    def _call(self) -> Site | None:
        """The one call of the user's that hands targets and outputs to all losses and metrics, or data to a model."""
        compared = [
            entry for entry in self._entries if isinstance(entry.called, keras.losses.Loss | keras.metrics.Metric)
        ]
        places = {entry.place for entry in compared or self._entries}
        return site_at(places.pop()) if len(places) == 1 else None

    def _operations(self) -> dict[str, Any]:
        """The operations that the user's code called on tensors of a model that is built, by the id of their node."""
        nodes = self._recorder.nodes.all
        called = [
            each for each in self._entries if isinstance(each.called, keras.Operation) and each.first < len(nodes)
        ]
        return {nodes[each.first].id: each.called for each in called if not isinstance(each.called, keras.layers.Layer)}

    def _inputs(self) -> dict[str, Any]:
        """The layers that stand for the inputs of a model that is built."""
        tensors = [each for entry in self._entries for each in keras.tree.flatten((entry.args, entry.kwargs))]
        makers = [tensor._keras_history.operation for tensor in tensors if hasattr(tensor, "_keras_history")]
        return {maker.name: maker for maker in makers if isinstance(maker, keras.layers.InputLayer)}

    def _alike(self, layer: Any) -> list[Any]:
        capture = self._recorder.trace.site(layer)
        if capture is None:
            return [layer]
        return [made for made, place in self._recorder.trace.made.values() if place == capture]
