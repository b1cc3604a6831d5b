"""Padding that is read as if it were data."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.rules.last_state import is_last_state_read, recurrent
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.padding import Padding
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import SetArgument

_KERAS = ("LSTM", "GRU", "SimpleRNN", "Bidirectional", "RNN")


def padding_read_as_data(evidence: Evidence) -> Iterator[Diagnosis]:
    """The last state of a recurrent layer that runs on over zeros, and nothing tells it where they begin."""
    inputs = [layer for layer in evidence.graph.layers if layer.kind is LayerKind.INPUT and layer.outputs]
    for padding in evidence.padded:
        given = inputs[padding.place]
        if any(_may_be_mask(layer) for layer in inputs if layer is not given) or evidence.told_lengths:
            continue
        read = [layer for layer, _ in readers(evidence, given)]
        embedding = read[0] if len(read) == 1 and read[0].type == "Embedding" else None
        if embedding is not None and not embedding.settings.get("mask_zero"):
            read = [layer for layer, _ in readers(evidence, embedding)]
        if len(read) == 1 and _gives_last_state(evidence, read[0]):
            yield _told(given, embedding, read[0], padding)


def _may_be_mask(layer: Layer) -> bool:
    return layer.outputs[0].dtype == "bool" or "mask" in layer.name.lower()


def _gives_last_state(evidence: Evidence, layer: Layer) -> bool:
    if layer.type in _KERAS and "return_sequences" in layer.settings:
        return layer.settings["return_sequences"] is False
    return layer in recurrent(evidence) and is_last_state_read(evidence, layer)


def _told(given: Layer, embedding: Layer | None, layer: Layer, padding: Padding) -> Diagnosis:
    is_keras = "return_sequences" in layer.settings
    culprit = embedding if embedding is not None and is_keras else layer
    remedies = (SetArgument(culprit.path, "mask_zero", True),) if culprit is embedding else ()
    zeros = padding.steps - padding.shortest
    return Diagnosis(
        finding(
            "SW606",
            "module",
            culprit.path or culprit.type,
            f"`{given.name}` {shape_text(given.outputs[0])} is filled up with zeros: {padding.samples} of its "
            f"sequences are shorter than {padding.steps}, and behind the {padding.shortest} steps of the shortest "
            f"stand {zeros} zeros. {place_text(layer)} is not told and reads them as data, so its last state depends "
            f"on the longest sequence of the batch.",
            fix=_fix(layer, is_embedded=culprit is embedding, is_keras=is_keras),
            axis=1,
            axis_name="time",
            expected=f"{padding.shortest} steps",
            got=f"{padding.shortest} steps and {zeros} zeros read as data",
            source=culprit.source,
            layer_id=culprit.id,
        ),
        remedies,
    )


def _fix(layer: Layer, *, is_embedded: bool, is_keras: bool) -> str:
    if is_embedded:
        return "Embedding(..., mask_zero=True)"
    first = bool(layer.settings.get("batch_first"))
    packed = f"pack_padded_sequence(x, lengths, batch_first={first}, enforce_sorted=False)"
    return "keras.layers.Masking(0.0) before it" if is_keras else packed
