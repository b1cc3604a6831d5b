"""Backward passes that start from more than one number."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import receiver_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer

_BACKWARD = "backward"


def starts_from_several(evidence: Evidence, clash: Clash) -> Layer | None:
    """The backward pass that was refused because it is given several numbers, and no gradient of them."""
    layer = evidence.layer(clash.layer_id)
    if clash.kind is not ClashKind.OTHER or layer is None or layer.name != _BACKWARD or len(layer.inputs) != 1:
        return None
    return layer if layer.inputs[0].shape else None


def no_single_number(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss for each sample, or each value, that nothing has made one number of."""
    for clash in evidence.clashes:
        layer = starts_from_several(evidence, clash)
        if layer is None:
            continue
        given = layer.inputs[0]
        made = evidence.producer(layer.id, 0)
        of = f" from {place_text(made)}" if made is not None else ""
        is_unreduced = made is not None and made.settings.get("reduction") == "none"
        why = ", as it has reduction='none'" if is_unreduced else ""
        receiver = receiver_of(layer.source, _BACKWARD)
        reason = (
            f"A backward pass starts from one number, and `backward` is called on {shape_text(given)}{of}{why}: there "
            f"is a loss for each of {given.shape}. Their mean is one number, (); their sum is another."
        )
        yield Diagnosis(
            finding_at(
                "SW312", layer, reason, fix=f"{receiver or 'loss'}.mean().backward()", axis=0, axis_name="batch",
                expected=(), got=given.shape,
            )
        )  # fmt: skip
