"""Sequence layers that are given one row a sample: without an axis of time, the samples become the steps."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import BATCH, sequence_layers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression


def samples_as_one_sequence(evidence: Evidence) -> Iterator[Diagnosis]:
    """A recurrent or attention layer built with batch_first=True that is given (batch, features).

    Who builds a layer so has batches in mind. Rows that are a single sequence, as of one input that is 1-D or came by
    its own, are left alone.
    """
    told: set[str] = set()
    for layer in sequence_layers(evidence):
        dims = layer.inputs[0].dims or ()
        is_row_a_sample = len(dims) == 2 and dims[0] == BATCH and layer.settings["batch_first"]
        if not is_row_a_sample or layer.id in evidence.clash_at or not _are_rows(evidence):
            continue
        holder = _outermost(evidence, layer)
        if holder.id not in told:
            told.add(holder.id)
            yield _said(layer, holder)


def _are_rows(evidence: Evidence) -> bool:
    """Whether the user hands in rows of numbers, and no sequence of ids."""
    inputs = [each for each in evidence.graph.layers if each.kind is LayerKind.INPUT and each.outputs]
    given = [spec for each in inputs if not each.id.startswith("targets") for spec in each.outputs]
    return bool(given) and len(given[0].shape) > 1


def _outermost(evidence: Evidence, layer: Layer) -> Layer:
    """The layer of torch's own that the user calls."""
    above = evidence.layer(layer.parent) if layer.parent is not None else None
    while above is not None and above.type.startswith("Transformer"):
        layer, above = above, evidence.layer(above.parent) if above.parent is not None else None
    return layer


def _said(layer: Layer, holder: Layer) -> Diagnosis:
    given = layer.inputs[0]
    samples = size_text(given.shape[0], BATCH)
    wanted = f"(B, 1, {given.shape[1]}) = ({given.shape[0]}, 1, {given.shape[1]})"
    edits = tuple(_with_time(holder))
    reason = (
        f"{place_text(layer)} has batch_first=True and is given {shape_text(given)}, which has 2 axes: it takes that "
        f"for one sequence without a batch, and reads the {samples} samples as its steps. Each sample then depends on "
        f"the others; with a batch it takes 3 axes, as {wanted}."
    )
    said = finding_at(
        "SW503", layer, reason, fix=edits[0].replacement if edits else "x.unsqueeze(1): one step a sample", axis=0,
        axis_name="batch", expected=wanted, got=shape_text(given),
    )  # fmt: skip
    return Diagnosis(said, edits)


def _with_time(layer: Layer) -> Iterator[EditExpression]:
    """The call with an axis of one step, which its output loses again; of a layer that gives one tensor."""
    operands = operands_of(layer)
    if operands is None or not len(operands):
        return
    if layer.type.startswith("Transformer"):
        edit = operands.edit({0: f"{operands.text(0)}.unsqueeze(1)"})
        yield EditExpression(edit.source, f"{edit.replacement}.squeeze(1)")
