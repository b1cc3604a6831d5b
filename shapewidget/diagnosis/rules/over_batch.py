"""Means, sums and deviations that run over the samples of a batch too, and are given back to every sample.

Statistics of a feature over all samples and positions are what normalisation by the batch is, and are left alone; so
are those of one number a sample, and what is only handed on, as a deviation of the batch that a discriminator is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import along_axes
from shapewidget.diagnosis.batch_axis import BATCH, TIME, has_time, is_in_doubt
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import with_keywords
from shapewidget.diagnosis.mixing import results_mixed
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Remedy

_STATISTICS = frozenset("mean sum std var norm linalg_norm vector_norm linalg_vector_norm".split())
_EXTREMES = frozenset("max min amax amin".split())
_ARITHMETIC = frozenset(("add", "sub", "mul", "div"))


def reduced_over_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """A statistic of several samples at once that is taken from, or divided into, the values of each of them."""
    if evidence.independence is None or is_in_doubt(evidence):
        return
    behind = {place for source in results_mixed(evidence) for place in evidence.before(source)}
    for layer in evidence.graph.layers:
        if layer.id not in behind or layer.name not in _STATISTICS | _EXTREMES or not _loses_batch(evidence, layer):
            continue
        meets = _given_back(evidence, layer)
        if meets is not None and (layer.name in _STATISTICS or meets.name == "sub"):
            yield _said(layer, meets)


def _loses_batch(evidence: Evidence, layer: Layer) -> bool:
    """Whether one number is made of all values of several samples, or one a step of all samples."""
    dims = layer.inputs[0].dims if layer.inputs else None
    if not dims or BATCH not in dims or len(layer.outputs) != 1:
        return False
    given, made = layer.inputs[0].shape, layer.outputs[0].shape
    if math.prod(given) == given[dims.index(BATCH)]:
        return False
    found = evidence.independence
    touch = found.touched.get((layer.id, 0)) if found is not None else None
    is_of_all = math.prod(made) == 1
    is_of_step = TIME in dims and has_time(layer.outputs[0])
    return touch is not None and touch.axis is None and bool(touch.rows) and (is_of_all or is_of_step)


def _given_back(evidence: Evidence, layer: Layer) -> Layer | None:
    """The arithmetic at which the statistic meets the values that it was made of."""
    found = evidence.independence
    source = evidence.producer(layer.id, 0)
    waiting, seen = [layer], {layer.id}
    while waiting and found is not None and source is not None:
        for edge in evidence.edges_out.get(waiting.pop(0).id, ()):
            reader = evidence.layer(edge.target)
            touch = found.touched.get((edge.target, 0))
            if reader is None or touch is None or reader.id in seen:
                continue
            seen.add(reader.id)
            if touch.axis is None:
                waiting.append(reader)
            elif reader.name.rstrip("_") in _ARITHMETIC and not found.is_own(touch):
                others = [each for each in evidence.edges_into[reader.id] if each.input != edge.input]
                if any(source.id in evidence.before(each.source) for each in others):
                    return reader
    return None


def _said(layer: Layer, meets: Layer) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    dims = given.dims or ()
    batch = dims.index(BATCH)
    samples = size_text(given.shape[batch], BATCH)
    to = "one number" if math.prod(made.shape) == 1 else shape_text(made)
    reason = (
        f"{place_text(layer)} runs over axis {batch}, the {samples} samples, and takes {shape_text(given)} to {to}, "
        f"which `{meets.name}` gives back to every sample: what comes out for a sample depends on the others in its "
        f"batch."
    )
    axes = _better_axes(layer, batch)
    wanted = ", ".join(f"dim={axis} ({given.shape[axis]} values)" for axis in axes)
    remedies = tuple(_remedies(layer, axes))
    fix = remedies[0].replacement if remedies and isinstance(remedies[0], EditExpression) else f"along {wanted}"
    said = finding_at(
        "SW603", layer, reason, fix=fix, axis=batch, axis_name="batch", expected=f"{wanted}, for every sample",
        got=f"dim={batch} (batch), {samples} samples at once",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _better_axes(layer: Layer, batch: int) -> tuple[int, ...]:
    """The axes that the statistic is meant to run along: time where that was kept, else all but the batch."""
    dims, rank = layer.inputs[0].dims or (), len(layer.inputs[0].shape)
    if TIME in dims and math.prod(layer.outputs[0].shape) > 1:
        return (dims.index(TIME),)
    return tuple(axis for axis in range(rank) if axis != batch)


def _remedies(layer: Layer, axes: tuple[int, ...]) -> Iterator[Remedy]:
    if math.prod(layer.outputs[0].shape) > 1:
        yield from along_axes(layer, axes)
        return
    for dim in dict.fromkeys((axes[0] if len(axes) == 1 else axes, -1)):
        text = with_keywords(layer.source, f"dim={dim}, keepdim=True")
        if text is not None and layer.source is not None:
            yield EditExpression(layer.source, text)
