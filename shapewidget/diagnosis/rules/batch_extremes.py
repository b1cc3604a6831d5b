"""The largest or smallest value of a whole batch, in the place of one for each sample."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import reduced_axes, reduced_for_each_sample
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind

_EXTREMES = frozenset(("max", "min", "amax", "amin"))
_ADDING = frozenset(("add", "sub"))
_FARTHEST = 4


def extreme_of_all_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """An extreme over the rows of several values a sample, which is added to a number of each sample.

    The best next value of a step of reinforcement learning is one of each row. What is taken from the values that it
    was found among keeps numbers small, and what divides them scales them: both are left alone.
    """
    for layer in evidence.graph.layers:
        if layer.kind is not LayerKind.OPERATION or layer.name not in _EXTREMES or not layer.outputs:
            continue
        shape = layer.inputs[0].shape
        is_of_rows = len(shape) == 2 and min(shape) > 1 and len(reduced_axes(layer)) == 2
        meets = _met(evidence, layer, layer, shape[0], _FARTHEST) if is_of_rows and not layer.outputs[0].shape else None
        if meets is not None:
            yield _said(layer, meets)


def _met(evidence: Evidence, layer: Layer, node: Layer, samples: int, steps: int) -> Layer | None:
    """The sum of the extreme, or of a multiple of it, with a number of each sample that it was not made of."""
    own = {edge.source for edge in evidence.edges_into.get(layer.id, ())}
    for edge in evidence.edges_out.get(node.id, ()) if steps else ():
        reader = evidence.layer(edge.target)
        if reader is None or reader.name not in (*_ADDING, "mul"):
            continue
        if len(reader.inputs) == 1:
            found = _met(evidence, layer, reader, samples, steps - 1)
            if found is not None:
                return found
            continue
        other, into = reader.inputs[1 - edge.input], evidence.edge_into(reader.id, 1 - edge.input)
        is_of_them = into is not None and bool(own & {into.source, *evidence.before(into.source)})
        if other.shape not in ((), (samples,)) or is_of_them:
            continue
        if reader.name in _ADDING and other.shape == (samples,):
            return reader
        found = _met(evidence, layer, reader, samples, steps - 1)
        if found is not None:
            return found
    return None


def _said(layer: Layer, meets: Layer) -> Diagnosis:
    given, samples = layer.inputs[0], layer.inputs[0].shape[0]
    edit = reduced_for_each_sample(layer)
    said = finding_at(
        "SW673",
        layer,
        f"{place_text(layer)} takes one number of all of {shape_text(given)}, its {samples} samples too, and "
        f"`{meets.name}` adds it to ({samples},), one number of each sample: all samples are given the value of a "
        f"single one. Expected one for each, ({samples},).",
        fix=edit.replacement if edit is not None else "of each row: axis=-1",
        axis=1,
        axis_name="values of a sample",
        expected=(samples,),
        got=(),
    )
    return Diagnosis(said, (edit,) if edit is not None else ())
