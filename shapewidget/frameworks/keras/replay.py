"""A part of a traced program run again, on layers made again, some of them in another way."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from typing import Any

import keras
from keras.src.metrics.reduction_metrics import MeanMetricWrapper

from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.guard import config_of, same_process_state
from shapewidget.frameworks.keras.losses import arguments_of
from shapewidget.frameworks.keras.recorder import Recorder
from shapewidget.frameworks.keras.remaking import Change, Remaker
from shapewidget.frameworks.keras.tensors import is_tensor, leaves
from shapewidget.frameworks.keras.trace import Entry, Key
from shapewidget.frameworks.source import Capture, here
from shapewidget.graph.records import Recording


def replayed(entries: Sequence[Entry], key: Key, change: Change, title: str) -> Recording:
    """Run the entries again, and record it.

    Args:
        entries: In the order in which they were called.
        key: What the trace knows tensors by.
        change: What is made otherwise.
        title: Of the graph.
    """
    recorder = Recorder()
    stopped, outside = None, here()
    with warnings.catch_warnings(), same_process_state(), BACKEND.eager_functions(), recorder.recording():
        warnings.simplefilter("ignore")  # of a copy of a model, which nobody asked for
        try:
            _Replay(key, change, recorder, outside).run(entries)
        except Exception as error:
            stopped = recorder.fail(error)
    return recorder.recorded(title, stopped)


class _Replay:
    def __init__(self, key: Key, change: Change, recorder: Recorder, outside: Capture | None) -> None:
        self._key, self._change, self._recorder, self._outside = key, change, recorder, outside
        self._remaker = Remaker(change)
        self._known: dict[Hashable, Any] = {}
        self._entries: Sequence[Entry] = ()

    def run(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        for entry in entries:
            first = len(self._recorder.nodes.all)
            try:
                made = leaves(self._called(entry))
            finally:
                self._put_in_place(entry, first)
            self._known.update(zip(entry.gives, made, strict=False))

    def _put_in_place(self, entry: Entry, first: int) -> None:
        """Give what is called here the line that called it in the traced run, not the one that asked for this run."""
        for node in self._recorder.nodes.all[first:]:
            if node.line is not None and self._outside is not None and node.line[0] is self._outside[0]:
                node.line = entry.place

    def _called(self, entry: Entry) -> Any:
        called = entry.called
        if isinstance(called, keras.losses.Loss | keras.metrics.Metric):
            return self._compared(entry)
        args, kwargs = keras.tree.map_structure(self._now, (entry.args, entry.kwargs))
        if not isinstance(called, keras.layers.Layer) and id(called) not in self._change.before:
            return called(*args, **kwargs)
        self._recorder.unseen(self._remaker.layer, called)
        if isinstance(called, keras.Model):
            args, kwargs = self._change.inputs((args, kwargs))
        return self._remaker.call(called, args, kwargs)

    def _compared(self, entry: Entry) -> Any:
        called = self._recorder.unseen(self._change.loss, entry.called)
        targets, outputs, weights = arguments_of(entry.args, entry.kwargs)
        asked = (self._targets_of_another(entry, targets), outputs, weights)
        given = [keras.tree.map_structure(self._now, value) for value in asked]
        targets, outputs, weights = self._change.adapt(*given)
        if isinstance(called, keras.metrics.Metric):
            called = _metric_again(called) if called is entry.called else called
            return called.update_state(targets, outputs, sample_weight=weights)
        return called(targets, outputs, sample_weight=weights)

    def _targets_of_another(self, entry: Entry, targets: Any) -> Any:
        """What the loss that it changes its targets with was given in the same step; its own where that is none."""
        other = self._change.exchanged.get(id(entry.called))
        if other is None:
            return targets
        place = next(at for at, each in enumerate(self._entries) if each is entry)
        calls = [at for at, each in enumerate(self._entries) if each.called is other]
        if not calls:
            return targets
        nearest = self._entries[min(calls, key=lambda at: abs(at - place))]
        return arguments_of(nearest.args, nearest.kwargs)[0]

    def _now(self, value: Any) -> Any:
        """The tensor of this run that stands for one of the traced run."""
        if not is_tensor(value):
            return value
        key = self._key(value)
        if key not in self._known:
            self._known[key] = self._input(value) if isinstance(value, keras.KerasTensor) else value
        return self._known[key]

    def _input(self, tensor: keras.KerasTensor) -> Any:
        """What stands for a tensor that comes from outside of the traced calls."""
        history = getattr(tensor, "_keras_history", None)
        maker = history.operation if history is not None else None
        if isinstance(maker, keras.layers.InputLayer):
            return self._remaker.layer(maker).output
        return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=getattr(maker, "name", None))


def _metric_again(metric: Any) -> Any:
    """A metric that has seen nothing yet."""
    if type(metric) is MeanMetricWrapper:  # what holds a function of the user's cannot be made from a configuration
        return MeanMetricWrapper(metric._fn, metric.name, metric.dtype, **metric._fn_kwargs)
    return type(metric).from_config(config_of(metric))
