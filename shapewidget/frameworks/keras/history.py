"""Calls told by what Keras keeps of a model that is being built, as entries of a trace that can be run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from shapewidget.frameworks.adapter import Program
from shapewidget.frameworks.keras.applied import Program as Changeable
from shapewidget.frameworks.keras.programs import TracedProgram
from shapewidget.frameworks.keras.recorder import Recorder
from shapewidget.frameworks.keras.sites import searched
from shapewidget.frameworks.keras.tensors import leaves
from shapewidget.frameworks.keras.trace import Entry
from shapewidget.frameworks.source import Capture


class ToldProgram(TracedProgram):
    """Calls that were not seen, only told by the tensors that they gave."""

    @property
    def _program(self) -> Changeable:
        called = [entry.called for entry in self._entries]
        losses = [each for each in called if isinstance(each, keras.losses.Loss | keras.metrics.Metric)]
        layers = {each.name: each for each in called if isinstance(each, keras.layers.Layer)}
        return Changeable(layers | self._inputs(), searched, lambda layer: [layer], losses, self._call)


def called_again(called: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], place: Capture | None) -> Program:
    """A call that was refused with tensors of a model that is being built, all calls that led to them, and its line."""
    entries: dict[int, Entry] = {}
    for tensor in leaves((args, dict(kwargs))):
        _told(tensor, entries)
    return ToldProgram(Recorder(), [*entries.values(), Entry(called, tuple(args), dict(kwargs), 0, place=place)])


def compared_again(loss: Any, given: tuple[Any, ...], place: Capture | None) -> Program:
    """A call of a loss with targets, outputs and weights, and the user's line that called it."""
    return ToldProgram(Recorder(), [Entry(loss, given, {}, 0, place=place)])


def _told(tensor: Any, entries: dict[int, Entry]) -> None:
    """Put down the call that gave a tensor behind those that gave what it was called with."""
    node = next(_makers(tensor), None)
    if node is None or id(node) in entries:
        return
    for given in node.input_tensors:
        _told(given, entries)
    gives = tuple(id(each) for each in node.output_tensors)
    entries[id(node)] = Entry(node.operation, node.arguments.args, dict(node.arguments.kwargs), 0, gives=gives)


def _makers(tensor: Any) -> Iterator[Any]:
    history = getattr(tensor, "_keras_history", None)
    if history is not None and not isinstance(history.operation, keras.layers.InputLayer):
        yield history.operation._inbound_nodes[history.node_index]
