"""Channels that become pixels: what does it where a plain reshape was meant to."""

from __future__ import annotations

from shapewidget.diagnosis.expressions import method_call
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression


def shuffled(made: Layer) -> EditExpression | None:
    """`pixel_shuffle` for a reshape that takes (B, C·r·r, H, W) to (B, C, H·r, W·r) at once."""
    given, wanted, call = made.inputs[0].shape, made.outputs[0].shape, method_call(made.source)
    if len(given) != 4 or len(wanted) != 4 or made.source is None or call is None or wanted[2] % given[2]:
        return None
    step = wanted[2] // given[2]
    if step < 2 or wanted != (given[0], given[1] // step**2, given[2] * step, given[3] * step):
        return None
    return EditExpression(made.source, f"torch.pixel_shuffle({call.receiver}, {step})")
