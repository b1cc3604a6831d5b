"""Outputs taken apart along the batch in a loss: ``y_pred[0]`` is a sample, where a part of every sample was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.chains import axis_picked
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import indexed
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import has_weights_behind
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, Together


def samples_picked_for_parts(evidence: Evidence) -> Iterator[Diagnosis]:
    """The first samples of a batch, one after the other, which a loss takes for the parts of what a model gives.

    A mean and a deviation, or an anchor and its partner: they are combined with one another, and the other samples of
    the batch with nothing.
    """
    for source, output in _split_sources(evidence):
        picks = [layer for layer in _readers(evidence, source, output) if _is_of_batch(evidence, layer)]
        first = {_place(layer): layer for layer in reversed(picks)}
        numbers = sorted(first)
        if len(numbers) < 2 or numbers != list(range(len(numbers))) or _is_read_otherwise(evidence, source, output):
            continue
        layers = [first[number] for number in numbers]
        samples, axis = layers[0].inputs[0].shape[0], _axis_of_parts(layers[0], len(layers))
        if samples > len(layers) and axis is not None and _meet(evidence, layers):
            yield _said(layers, axis)


def _split_sources(evidence: Evidence) -> Iterator[tuple[str, int]]:
    """The tensors that are taken apart by a number, once each."""
    edges = [edge for layer in evidence.graph.layers if _picks(layer) for edge in evidence.graph.into(layer.id)]
    yield from dict.fromkeys((edge.source, edge.output) for edge in edges)


def _picks(layer: Layer) -> bool:
    picked = axis_picked(layer)
    return picked is not None and picked[0] == 0 and bool(layer.inputs) and len(layer.inputs[0].shape) > 1


def _place(layer: Layer) -> int:
    picked = axis_picked(layer)
    return picked[1] if picked is not None else -1


def _readers(evidence: Evidence, source: str, output: int) -> list[Layer]:
    edges = evidence.edges_out.get(source, ())
    return [evidence.graph.by_id[edge.target] for edge in edges if edge.output == output]


def _is_of_batch(evidence: Evidence, layer: Layer) -> bool:
    """Whether it picks one sample of what a model gave, outside of all layers."""
    is_outside = layer.path == "loss" or (layer.parent is None and layer.kind is LayerKind.OPERATION)
    if not _picks(layer) or not is_outside or not has_weights_behind(evidence.graph, layer.id, 0):
        return False
    holder = evidence.layer(layer.parent) if layer.parent is not None else None
    is_given = holder is not None and layer.inputs[0].shape in [spec.shape for spec in holder.inputs[:1]]
    return is_given or is_all(evidence.axes_into(layer)[0], Role.BATCH)


def _is_read_otherwise(evidence: Evidence, source: str, output: int) -> bool:
    """Whether something reads the whole of what is taken apart, as a loop that looks at examples does."""
    readers = _readers(evidence, source, output)
    return any(not _picks(layer) and layer.kind not in (LayerKind.OUTPUT, LayerKind.GROUP) for layer in readers)


def _axis_of_parts(layer: Layer, count: int) -> int | None:
    """The axis behind the batch that has as many places as were picked."""
    return next((axis for axis, size in enumerate(layer.inputs[0].shape) if axis and size == count), None)


def _meet(evidence: Evidence, layers: Sequence[Layer]) -> bool:
    """Whether the parts are combined with one another."""
    behind = [_behind(evidence, layer) for layer in layers]
    return bool(set.intersection(*behind))


def _behind(evidence: Evidence, layer: Layer) -> set[str]:
    found, waiting = set[str](), [layer.id]
    while waiting:
        for edge in evidence.edges_out.get(waiting.pop(), ()):
            if edge.target not in found and evidence.graph.by_id[edge.target].kind is LayerKind.OPERATION:
                found.add(edge.target)
                waiting.append(edge.target)
    return found


def _said(layers: Sequence[Layer], axis: int) -> Diagnosis:
    given, first = layers[0].inputs[0], layers[0]
    samples, count = given.shape[0], len(layers)
    remedies = tuple(_remedies(layers, axis))
    edits = remedies[0].parts if remedies and isinstance(remedies[0], Together) else ()
    texts = ", ".join(each.replacement for each in edits if isinstance(each, EditExpression))
    reason = (
        f"{place_text(first)} takes samples 0 to {count - 1} out of {shape_text(given)}, and they are combined as "
        f"{count} parts of one result: the other {samples - count} of the {samples} samples are not looked at. The "
        f"{count} parts of every sample are on axis {axis}."
    )
    said = finding_at(
        "SW647", first, reason, fix=texts or f"y_pred{_items(axis, '0')}", axis=0, axis_name="batch",
        expected=f"{count} parts on axis {axis}", got=f"samples 0 to {count - 1} of {samples}",
    )  # fmt: skip
    return Diagnosis(replace(said, where="loss"), remedies)


def _remedies(layers: Sequence[Layer], axis: int) -> Iterator[Remedy]:
    """The parts of every sample, each without its axis, or with one of size 1 as targets of one column have it."""
    for item in ("{0}", "{0}:{1}"):
        edits = [
            EditExpression(layer.source, f"{receiver}{_items(axis, item.format(_place(layer), _place(layer) + 1))}")
            for layer in layers
            if layer.source is not None and (receiver := indexed(layer.source)) is not None
        ]
        if len(edits) == len(layers):
            yield Together(tuple(edits))


def _items(axis: int, item: str) -> str:
    return f"[{', '.join((*[':'] * axis, item))}]"
