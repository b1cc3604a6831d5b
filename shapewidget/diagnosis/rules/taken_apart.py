"""Tensors that a line takes apart into another number of parts than they have rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import shape_text
from shapewidget.graph.records import ClashKind
from shapewidget.graph.remedies import EditExpression

TAKEN_APART = "unpack"


def taken_apart(evidence: Evidence) -> Iterator[Diagnosis]:
    """``source, target = edges``, where the pairs are the rows: (n, 2) and not (2, n)."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.name != TAKEN_APART or clash.kind is not ClashKind.SIZE:
            continue
        given = layer.inputs[0]
        axes = [axis for axis, size in enumerate(given.shape) if size == clash.expected]
        name = str(layer.settings.get("taken", "x"))
        where = f" Axis {axes[0]} has {clash.expected}: that is the one to take apart." if axes else ""
        reason = (
            f"The line takes {shape_text(given)} apart into {clash.expected}, and a tensor comes apart along axis 0, "
            f"which has {clash.got}.{where}"
        )
        text = f"{name}.unbind({axes[0]})" if axes else ""
        said = finding_at(
            "SW207", layer, reason, fix=text or f"take it apart into {clash.got}", axis=0, expected=clash.expected,
            got=clash.got,
        )  # fmt: skip
        source = replace(layer.source, expression=name) if layer.source is not None else None
        yield Diagnosis(said, (EditExpression(source, text),) if text and source is not None else ())
