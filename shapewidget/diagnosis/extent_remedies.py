"""Changes that give images or signals the height, width or length that their targets have."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import AdaptCall, Remedy, SetArgument
from shapewidget.graph.steps import index, written

Shape = tuple[int, ...]


def extent_remedies(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """For outputs (batch, channels, ...) that are larger or smaller than the targets in the axes behind."""
    outputs, targets = (spec.shape for spec in layer.inputs[:2])
    if len(outputs) != len(targets) or len(outputs) < 3 or outputs[:2] != targets[:2]:
        return
    yield from _other_padding(evidence, layer, outputs[2:], targets[2:])
    smaller = tuple(map(min, outputs[2:], targets[2:]))
    cuts = [(index(..., *(slice(None, size) for size in smaller)),) if shape[2:] != smaller else ()
            for shape in (outputs, targets)]  # fmt: skip
    producer, operands = evidence.producer(layer.id, 1), operands_of(layer)
    if layer.parent is None and evidence.is_targets(producer):
        yield AdaptCall(cuts[0], cuts[1])
    elif operands is not None and len(operands) > 1:
        yield operands.edit({place: written(steps, operands.text(place)) for place, steps in enumerate(cuts) if steps})


def _other_padding(evidence: Evidence, layer: Layer, has: Shape, wanted: Shape) -> Iterator[SetArgument]:
    """The last transposed convolution with as much padding of its output as gives that size."""
    made = maker(evidence, layer)
    if made is None or "ConvTranspose" not in made[0].type or not made[0].path:
        return
    padding, stride = made[0].settings.get("output_padding"), made[0].settings.get("stride")
    if not isinstance(padding, tuple) or not isinstance(stride, tuple) or len(padding) != len(has):
        return
    changed = tuple(pad + want - size for pad, want, size in zip(padding, wanted, has, strict=True))
    if all(0 <= pad < step for pad, step in zip(changed, stride, strict=True)):
        yield SetArgument(made[0].path, "output_padding", changed[0] if len(set(changed)) == 1 else changed)
