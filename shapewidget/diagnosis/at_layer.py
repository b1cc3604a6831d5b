"""A finding about one node of the graph."""

from __future__ import annotations

import re
from typing import Any

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.operand_texts import name_as_written
from shapewidget.graph.records import Layer, LayerKind

_AXIS_OF_TORCH = re.compile(r"\bdim=")
_TOLD = ("expected", "got", "fix")


def finding_at(code: str, layer: Layer, reason: str, **details: Any) -> Finding:
    """A finding that names a node: a module by its path, a function by its name and by the module that calls it."""
    if "axis" in layer.settings:  # as Keras and TensorFlow call it
        told = {name: details[name] for name in _TOLD if isinstance(details.get(name), str)}
        details |= {name: _AXIS_OF_TORCH.sub("axis=", text) for name, text in told.items()}
    is_loss = layer.kind is LayerKind.LOSS
    is_function = layer.kind is LayerKind.OPERATION or (is_loss and layer.type.islower())
    return finding(
        code,
        "loss" if is_loss or (is_function and layer.path == "loss") else "function" if is_function else "module",
        layer.name if is_function else (layer.path or layer.type),
        reason,
        op=name_as_written(layer) if is_function else None,
        scope=layer.path if is_function else "",
        source=layer.source,
        layer_id=layer.id,
        **details,
    )
