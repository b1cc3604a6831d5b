"""A remedy applied to copies: of the model, of the loss, of the batch."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
from keras.src.losses.losses import LossFunctionWrapper

from shapewidget.frameworks.adapter import Attempt, Batch
from shapewidget.frameworks.keras import losses
from shapewidget.frameworks.keras.applied import Program, applied
from shapewidget.frameworks.keras.guard import same_process_state
from shapewidget.frameworks.keras.naming import Naming
from shapewidget.frameworks.keras.remaking import Change, Remaker
from shapewidget.frameworks.keras.sites import searched
from shapewidget.graph.remedies import Remedy

_MADE: weakref.WeakSet[Any] = weakref.WeakSet()


def is_ours(model: keras.Model) -> bool:
    """Whether a model is a copy with a remedy in it, which a run may build, and which no other copy can replace."""
    return model in _MADE


def attempt(model: keras.Model, remedy: Remedy, loss: Callable[..., Any] | None) -> Attempt | None:
    """A copy of the model with the remedy applied; None where it cannot be."""
    compared = [losses.as_compiled(loss)] if loss is not None else []
    made = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)] if compared else []
    program = Program(by_path(model), functools.partial(searched, beside=made), lambda layer: [layer], compared)
    found = applied(remedy, program)
    if found is None:
        return None
    change = found.change
    try:
        with same_process_state():
            is_changed = change.concerns(list(model._flatten_layers()))
            changed = Remaker(change).layer(model) if is_changed else model
            if is_changed:
                _MADE.add(changed)
    except Exception:  # a layer that cannot be made again, or a model that is refused with the remedy
        return None
    return Attempt(
        changed,
        found.fix,
        found.patch,
        found.line,
        _loss(change, compared[0]) if compared else None,
        functools.partial(_batch, change),
    )


def by_path(model: keras.layers.Layer) -> dict[str, Any]:
    """The layers by the path that they have in the graph: the names of the layers and models that they are in."""
    found: dict[str, Any] = {}
    naming = Naming()

    def walk(layer: Any, above: str) -> None:
        for each in layer._flatten_layers(include_self=False, recursive=False):
            name = naming.of(each, layer).shown
            path = f"{above}.{name}" if above else name
            if path not in found:
                found[path] = each
                walk(each, path)

    walk(model, "")
    return found


def _loss(change: Change, loss: Any) -> Callable[..., Any] | None:
    changed = change.loss(loss)
    if not change.adapts_outputs and changed is not loss:  # a function is called again as fits it
        function: Callable[..., Any] = changed.fn if type(changed) is LossFunctionWrapper else changed
        return function
    if not change.adapts_outputs:
        return None

    def adapted(targets: Any, outputs: Any) -> Any:
        return changed(targets, change.adapt(None, outputs, None)[1])

    return adapted


def _batch(change: Change, batch: Batch) -> Batch:
    args, kwargs = change.inputs((batch.args, dict(batch.kwargs)))
    targets = change.adapt(batch.targets, None, None)[0] if batch.targets is not None else None
    return replace(batch, args=args, kwargs=kwargs, targets=targets)
