"""Record one run of a model, and of the loss on what it gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.keras.call_form import labelled
from shapewidget.frameworks.keras.layers import declared_shapes
from shapewidget.frameworks.keras.loss_form import as_called
from shapewidget.frameworks.keras.nodes import Nodes
from shapewidget.frameworks.keras.recorder import Recorder
from shapewidget.frameworks.keras.tensors import as_tensor, leaves
from shapewidget.graph.records import LayerKind, Recording


def record(model: keras.Model, batch: Batch, loss: Callable[..., Any] | None, *, repair: bool = True) -> Recording:
    """Run the model on the batch, and the loss on what it gives, and record both.

    The caller guards the model (`guard.untouched`).

    Args:
        model: A built model.
        batch: Its inputs, and the targets of the loss.
        loss: Called as ``loss(targets, outputs)``.
        repair: Fit the tensor where a layer or an operation refuses it, note the clash and carry on.
    """
    recorder = Recorder(model, repair=repair)
    targets = keras.tree.map_structure(as_tensor, batch.targets)
    started = time.perf_counter()
    stopped = output = None
    try:
        output = _run(recorder, model, batch)
    except Exception as error:
        stopped = recorder.fail(error)
    seconds = time.perf_counter() - started
    if stopped is None:
        recorder.nodes.add(LayerKind.OUTPUT, "output", "output", "", id_="output", read=leaves(output))
        if loss is not None:
            stopped = _record_loss(recorder, as_called(loss, model, targets, output), output, targets)
    graph = recorder.nodes.graph(type(model).__name__)
    return replace(Recording(graph, tuple(recorder.nodes.clashes), stopped=stopped), seconds=seconds)


def called(model: keras.Model, batch: Batch, nodes: Nodes) -> Any:
    """What the model gives, called while these nodes note what runs.

    Raises:
        Exception: Whatever the model raises.
    """
    return _run(Recorder(model, nodes=nodes), model, batch)


def _run(recorder: Recorder, model: keras.Model, batch: Batch) -> Any:
    args, kwargs = keras.tree.map_structure(as_tensor, (batch.args, dict(batch.kwargs)))
    declared = declared_shapes(model)
    for place, (name, tensor) in enumerate(labelled(model, args, kwargs)):
        recorder.add_input(name, tensor, declared[place] if place < len(declared) else None)
    with recorder.recording():
        return model(*args, **kwargs)


def _record_loss(recorder: Recorder, loss: Any, output: Any, targets: Any) -> str | None:
    if loss is None:
        return None
    for place, tensor in enumerate(leaves(targets) if targets is not None else ()):
        recorder.add_input("targets" if place == 0 else f"targets[{place}]", tensor)
    with recorder.recording():
        try:
            loss(() if targets is None else targets, output)
        except Exception as error:
            return recorder.fail(error)
    return None
