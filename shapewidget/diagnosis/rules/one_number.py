"""Models that give one number for the whole batch, which a loss sets against the target of every sample."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.axis_remedies import reduced_axes
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import with_keywords
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import compares_with_data, has_weights_behind
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_REDUCTIONS = frozenset(("sum", "mean", "max", "amax", "prod"))
_OF_NUMBERS = frozenset("sigmoid tanh add sub mul div neg relu exp softplus Sigmoid Tanh ReLU squeeze float".split())


def samples_added_up(evidence: Evidence) -> Iterator[Diagnosis]:
    """A sum that names no axis and adds up the samples too: every target is compared with the same number."""
    for layer in evidence.graph.layers:
        is_loss = layer.kind is LayerKind.LOSS and "takes" not in layer.settings
        if len(layer.inputs) < 2 or not (is_loss or layer.name == "sub") or layer.id in evidence.clash_at:
            continue
        one, other = layer.inputs[:2]
        if one.shape == () and other.shape[:1] > (1,) and (is_loss or _is_with_data(evidence, layer)):
            total = _total(evidence, layer)
            if total is not None:
                yield _said(layer, total)


def _is_with_data(evidence: Evidence, layer: Layer) -> bool:
    return compares_with_data(evidence.graph, layer) or layer.path.split(".")[0] == "loss"


def _total(evidence: Evidence, layer: Layer) -> Layer | None:
    """The reduction of all that a model made of the same samples."""
    node = evidence.producer(layer.id, 0)
    while node is not None and node.type in _OF_NUMBERS and not node.outputs[0].shape:
        node = evidence.producer(node.id, 0)
    if node is None or node.name not in _REDUCTIONS or not node.inputs or len(node.inputs[0].shape) < 2:
        return None
    axes = evidence.axes_into(node)
    is_of_samples = is_all(axes[0], Role.BATCH) and node.inputs[0].shape[0] == layer.inputs[1].shape[0]
    is_whole = len(reduced_axes(node)) == len(axes) and has_weights_behind(evidence.graph, node.id, 0)
    return node if is_of_samples and is_whole else None


def _said(layer: Layer, total: Layer) -> Diagnosis:
    given, targets = total.inputs[0], layer.inputs[1]
    rank = len(given.shape)
    dims = "-1" if rank == 2 else str(tuple(range(1, rank)))
    text = with_keywords(total.source, f"dim={dims}")
    reason = (
        f"{place_text(total)} names no axis and makes one number () of {shape_text(given)}, of its {given.shape[0]} "
        f"samples too. {place_text(layer)} sets that against {shape_text(targets)}: every target is compared with the "
        f"same number. Expected one for each sample, {given.shape[:1]}."
    )
    said = finding_at(
        "SW603", total, reason, fix=text or f"{total.name}(dim={dims})", axis=0, axis_name="batch",
        expected=given.shape[:1], got=total.outputs[0].shape,
    )  # fmt: skip
    return Diagnosis(said, (EditExpression(total.source, text),) if text and total.source is not None else ())
