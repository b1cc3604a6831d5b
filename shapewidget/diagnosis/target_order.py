"""Targets of several outputs that stand in another order than the outputs."""

from __future__ import annotations

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.wording import shape_text
from shapewidget.graph.records import Layer, LayerKind

Shape = tuple[int, ...]
IDS, ROWS, SAME = "class ids", "one-hot", "same shape"


def says_what_it_takes(layer: Layer) -> bool:
    """Whether a node is a loss or metric of which the form of its targets is known."""
    return layer.kind is LayerKind.LOSS and layer.settings.get("takes") in (IDS, ROWS, SAME)


def fits(form: str, targets: Shape, outputs: Shape) -> bool:
    """Whether targets have the form that goes with outputs."""
    wanted = outputs[:-1] if form == IDS else outputs
    return bare(targets) == bare(wanted) or (form == IDS and targets == (*wanted, 1))


def bare(shape: Shape) -> Shape:
    """A shape without a last axis of one."""
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def targets_of_another(evidence: Evidence, layer: Layer) -> Layer | None:
    """The loss of another output whose targets this one was to get, and that was to get this one's."""
    if len(layer.inputs) < 2:
        return None
    for other in evidence.graph.layers:
        if other.id == layer.id or not says_what_it_takes(other) or len(other.inputs) < 2:
            continue
        is_of_another_output = other.inputs[0].shape != layer.inputs[0].shape
        if is_of_another_output and _would_fit(layer, other) and _would_fit(other, layer):
            return other
    return None


def _would_fit(layer: Layer, other: Layer) -> bool:
    """Whether a loss fits the targets that another one was given."""
    return fits(str(layer.settings["takes"]), other.inputs[1].shape, layer.inputs[0].shape)


def order_text(layer: Layer, other: Layer) -> str:
    """What is said of two whose targets changed their places."""
    return (
        f" The targets {shape_text(other.inputs[1])} that `{other.name}` is given fit here, and these fit there: the "
        f"targets stand in another order than the outputs of the model."
    )
