"""Calls of losses and metrics as nodes: they read outputs, targets and weights."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import keras
import numpy as np
from keras.src.metrics.reduction_metrics import MeanMetricWrapper

from shapewidget.frameworks import source
from shapewidget.frameworks.keras import losses
from shapewidget.frameworks.keras.loss_ranges import odd_values
from shapewidget.frameworks.keras.nodes import Node, Nodes
from shapewidget.frameworks.keras.refusals import text_of
from shapewidget.frameworks.keras.tensors import leaves, shape, spec
from shapewidget.graph.records import Clash, LayerKind

LOSS_SCOPE = "loss"
Original = Callable[..., Any]


class Recorder(Protocol):
    """What a loss needs of the recorder."""

    nodes: Nodes

    def is_passed_by(self) -> bool:
        """Whether what runs now is not recorded."""

    def blindly(self) -> AbstractContextManager[None]:
        """Record nothing of what the block runs."""

    def seeing(self) -> AbstractContextManager[None]:
        """Record what the block runs, in one that is not recorded."""

    def inside(self, node: Node | None) -> AbstractContextManager[None]:
        """Record what the block runs as part of a node."""

    def add_input(self, name: str, tensor: Any) -> None:
        """Append a node for a tensor that comes from outside."""

    def begin(self) -> None:
        """Something new is called: an error from here on was not noted yet."""

    def note(self, node: Node, clash: Clash) -> None:
        """Note what refused a node, unless it was noted where it arose."""


class LossCalls:
    """Stands in for the calls of losses and metrics.

    Args:
        recorder: Whose graph they become part of.
    """

    def __init__(self, recorder: Recorder) -> None:
        """No loss is being called yet."""
        self._recorder = recorder
        self._open: list[Node] = []

    def loss(self, original: Original, loss: Any, args: Any, kwargs: Any) -> Any:
        """Stand in for `Loss.__call__`, which takes targets, outputs and weights."""
        __tracebackhide__ = True
        if self._recorder.is_passed_by() or type(loss).__name__ == "CompileLoss":
            return original(loss, *args, **kwargs)
        self._recorder.begin()
        args, kwargs = keras.tree.map_structure(_as_tensor, (args, kwargs))
        targets, outputs, weights = losses.arguments_of(args, kwargs)
        node, own = self._node(loss, targets, outputs, weights), losses.is_own(loss)
        self._open.append(node)
        try:
            with self._recorder.blindly() if own else self._recorder.inside(node):
                value = original(loss, *args, **kwargs)
        except Exception as error:
            values = node.settings.get("values")
            clash = losses.refused_by_loss(loss, targets, outputs, weights, values, text_of(error))
            node.settings |= losses.counting(loss, targets, outputs)
            self._recorder.note(node, clash)
            raise
        finally:
            self._open.pop()
        if own:
            node.settings |= odd_values(loss, outputs, targets)
            self._recorder.nodes.gives(node, leaves(value))
        else:
            node.reads.clear()
            node.outputs = tuple(map(spec, leaves(value)))
        return value

    def _node(self, loss: Any, targets: Any, outputs: Any, weights: Any) -> Node:
        self._know("targets", targets)
        self._know("weights", weights)
        name, read = losses.name_of(loss), leaves((outputs, targets, weights))
        if losses.is_own(loss):
            node = self._recorder.nodes.add(LayerKind.LOSS, name, name, "", id_=name, read=read)
            node.settings = {"takes": losses.takes(loss)}
        else:
            node = self._recorder.nodes.add(LayerKind.GROUP, name, name, LOSS_SCOPE, id_=LOSS_SCOPE, read=read)
            node.settings = {"takes": "its own"}
        node.line = source.here()
        if weights is not None:
            node.settings["weights"] = shape(weights)
        return node

    def _know(self, label: str, value: Any) -> None:
        for tensor in leaves(value):
            if self._recorder.nodes.producer(tensor) is None:
                self._recorder.add_input(label, tensor)

    def values(self, values: Any) -> None:
        """Keep the shape of the loss of every sample, before it is weighted and reduced."""
        if self._open:
            self._open[-1].settings["values"] = shape(values)

    def metric(self, original: Original, metric: Any, args: Any, kwargs: Any) -> Any:
        """Stand in for the `update_state` of metrics that compare outputs with targets."""
        __tracebackhide__ = True
        if self._recorder.is_passed_by():
            return original(metric, *args, **kwargs)
        self._recorder.begin()
        if not losses.is_own(metric):
            return self._function(original, metric, args, kwargs)
        targets, outputs, weights = losses.arguments_of(args, kwargs)
        self._know("targets", targets)
        name = type(metric).__name__
        node = self._recorder.nodes.add(LayerKind.LOSS, name, name, "", id_=name, read=leaves((outputs, targets)))
        node.line, node.settings = source.here(), {"takes": losses.takes(metric), "metric": True}
        if isinstance(metric, losses.IOU):
            node.settings |= {"classes": metric.num_classes, "cuts_scores": losses.cuts_scores(metric, outputs)}
        try:
            with self._recorder.blindly():
                return original(metric, *args, **kwargs)
        except Exception as error:
            clash = losses.refused_by_loss(metric, targets, outputs, weights, None, text_of(error))
            node.settings |= losses.counting(metric, targets, outputs)
            self._recorder.note(node, clash)
            raise

    def _function(self, original: Original, metric: Any, args: Any, kwargs: Any) -> Any:
        """Run a metric that averages what a function of the user's gives, and record what that does."""
        __tracebackhide__ = True
        if not isinstance(metric, MeanMetricWrapper):
            return original(metric, *args, **kwargs)
        targets, outputs, _ = losses.arguments_of(args, kwargs)
        node, function = self._node(metric, targets, outputs, None), metric._fn
        node.settings["metric"] = True
        node.reads.clear()

        def seen(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with self._recorder.seeing(), self._recorder.inside(node):
                return function(*args, **kwargs)

        metric._fn = seen
        try:
            with self._recorder.blindly():
                return original(metric, *args, **kwargs)
        finally:
            metric._fn = function


def _as_tensor(value: Any) -> Any:
    """What a loss makes of an array itself, made before, so that it is known inside of it."""
    return keras.ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value
