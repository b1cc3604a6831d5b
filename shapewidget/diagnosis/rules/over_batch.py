"""Means, sums, deviations and extremes that run over the samples too, and are given back to every sample.

Statistics of a feature over all samples are what normalisation by the batch is, and are left alone; so are those of one
number a sample, what is only handed on, as a deviation of the batch that a discriminator is shown, and the scale by
which numbers are rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import axis_keywords, reduced_axes, reduced_over
from shapewidget.diagnosis.batch_axis import BATCH, has_batch, is_in_doubt
from shapewidget.diagnosis.evidence import Diagnosis, Evidence, arguments_of_model
from shapewidget.diagnosis.mixing import is_mixed_at, keeps_samples, mixing_layers
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerKind

_STATISTICS = frozenset("mean sum std var max min amax amin norm linalg_norm vector_norm linalg_vector_norm".split())
_ARITHMETIC = frozenset(("add", "sub", "mul", "div"))
_DIVIDING = frozenset(("div", "truediv", "divide"))
_SQUARES, _ROOTS = frozenset(("square", "pow")), frozenset(("sqrt", "rsqrt"))
_BOUNDS = frozenset(("add", "maximum", "clamp", "clamp_min"))
_ROUNDING = frozenset(("round", "floor", "ceil", "trunc", "fake_quantize_per_tensor_affine"))
_FARTHEST = 8


def reduced_over_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """A statistic of several samples at once that is taken from, or divided into, the values of each of them.

    Where samples reach one another in other ways too they may be the nodes of a graph: then only a length of the whole
    batch is told, by which no row comes to the length of one.
    """
    if evidence.independence is None or is_in_doubt(evidence):
        return
    mixes = any(mixing_layers(evidence))
    for layer in evidence.graph.layers:
        if mixes and not _is_length_of_all(evidence, layer):
            continue
        axes = _better_axes(evidence, layer)
        meets = _given_back(evidence, layer) if axes else None
        if meets is not None:
            yield _said(layer, meets, axes)


def _better_axes(evidence: Evidence, layer: Layer) -> tuple[int, ...]:
    """The axes that a statistic is meant to run along; none where it is none, or the batch is meant to be among them.

    What it keeps besides the features are positions: they are what it should have run along.
    """
    dims = layer.inputs[0].dims if layer.inputs else None
    if layer.name not in _STATISTICS or layer.kind is not LayerKind.OPERATION or dims is None or BATCH not in dims:
        return ()
    axes, batch = reduced_axes(layer), dims.index(BATCH)
    others = [axis for axis in range(len(dims)) if axis != batch]
    wide = [axis for axis in others if axis not in axes and layer.inputs[0].shape[axis] > 1]
    positions = [axis for axis in wide if dims[axis].names - arguments_of_model(evidence)]
    if not positions and len(wide) > 2:
        positions = wide[1:]  # of an image, whose height and width are not varied
    if not positions and (_is_gain(evidence, layer) or _is_of_softmax(evidence, layer)):
        positions = wide
    if not positions and _is_weighed(evidence, layer, _FARTHEST):
        wide = []
    is_of_one_value = all(layer.inputs[0].shape[axis] == 1 for axis in others)
    if batch not in axes or is_of_one_value or (wide and not positions):
        return ()
    return tuple(sorted({*positions, *axes} - {batch}))


def _is_length_of_all(evidence: Evidence, layer: Layer) -> bool:
    """Whether it is the norm of all values, or adds up all their squares before a root."""
    if (
        layer.kind is not LayerKind.OPERATION
        or not layer.inputs
        or len(reduced_axes(layer)) < len(layer.inputs[0].shape)
    ):
        return False
    made = evidence.producer(layer.id, 0)
    is_of_squares = layer.name == "sum" and made is not None and made.name in _SQUARES
    return "norm" in layer.name or (is_of_squares and _comes_to_root(evidence, layer))


def _comes_to_root(evidence: Evidence, layer: Layer) -> bool:
    readers = [evidence.layer(edge.target) for edge in evidence.edges_out.get(layer.id, ())]
    return any(
        reader is not None and (reader.name in _ROOTS or (reader.name in _BOUNDS and _comes_to_root(evidence, reader)))
        for reader in readers
    )


def _is_weighed(evidence: Evidence, layer: Layer, steps: int) -> bool:
    """Whether a layer with weights reads the statistic before it meets samples, as in a gate: it normalises nothing."""
    for edge in evidence.edges_out.get(layer.id, ()) if steps else ():
        reader = evidence.layer(edge.target)
        if reader is None or any(map(has_batch, reader.inputs)):
            continue
        if (reader.kind is LayerKind.LAYER and reader.parameters) or _is_weighed(evidence, reader, steps - 1):
            return True
    return False


def _is_gain(evidence: Evidence, layer: Layer) -> bool:
    """Whether a mean is taken from values to which one number a sample is added: what is gained by each of them."""
    for edge in evidence.edges_out.get(layer.id, ()) if layer.name == "mean" else ():
        reader = evidence.layer(edge.target)
        if reader is None or reader.name != "sub" or edge.input != 1:
            continue
        own = evidence.producer(reader.id, 0)
        around = [own, *(evidence.layer(each.target) for each in evidence.edges_out.get(reader.id, ()))]
        sums = [each for each in around if each is not None and each.name == "add" and len(each.inputs) == 2]
        if any((spec.dims or ())[:1] == (BATCH,) and spec.shape[1:] == (1,) for each in sums for spec in each.inputs):
            return True
    return False


def _is_of_softmax(evidence: Evidence, layer: Layer) -> bool:
    """Whether it adds up exponentials that are divided by it: a softmax written by hand."""
    made = evidence.edge_into(layer.id, 0)
    exponential = evidence.layer(made.source) if made is not None and layer.name == "sum" else None
    if made is None or exponential is None or exponential.name != "exp":
        return False
    found = (evidence.layer(edge.target) for edge in evidence.edges_out.get(layer.id, ()) if edge.input == 1)
    divisions = [each for each in found if each is not None and each.name in _DIVIDING]
    return any(edge.source == made.source for each in divisions for edge in evidence.edges_into[each.id])


def _given_back(evidence: Evidence, layer: Layer) -> Layer | None:
    """The arithmetic at which the statistic meets the samples that it was made of, unless it rounds them."""
    made = evidence.edge_into(layer.id, 0)
    meetings = list(_meetings(evidence, layer, _FARTHEST)) if made is not None else []
    if made is None or any(_is_rounded(evidence, meeting, _FARTHEST) for meeting in meetings):
        return None
    of_them = evidence.before(made.source)
    for meeting in meetings:
        others = [edge.source for edge in evidence.edges_into[meeting.id] if _holds_samples(evidence, edge.source)]
        is_of_them = any(of_them & evidence.before(source) for source in others)
        is_compared = _is_length_of_all(evidence, layer) and is_mixed_at(evidence, meeting)
        if is_of_them and (is_compared or keeps_samples(evidence, meeting)):
            return meeting
    return None


def _meetings(evidence: Evidence, layer: Layer, steps: int) -> Iterator[Layer]:
    for edge in evidence.edges_out.get(layer.id, ()) if steps else ():
        reader = evidence.layer(edge.target)
        if reader is None or reader.kind not in (LayerKind.OPERATION, LayerKind.LAYER):
            continue
        if not any(map(has_batch, reader.inputs)):
            yield from _meetings(evidence, reader, steps - 1)
        elif reader.name.rstrip("_") in _ARITHMETIC or reader.type == "Multiply":
            yield reader


def _holds_samples(evidence: Evidence, layer_id: str) -> bool:
    layer = evidence.layer(layer_id)
    return layer is not None and any(map(has_batch, layer.outputs))


def _is_rounded(evidence: Evidence, layer: Layer, steps: int) -> bool:
    """Whether values are rounded behind: a scale of all values is how numbers are quantised."""
    readers = [evidence.layer(edge.target) for edge in evidence.edges_out.get(layer.id, ())] if steps else []
    return any(
        reader is not None
        and reader.kind is LayerKind.OPERATION
        and (reader.name in _ROUNDING or _is_rounded(evidence, reader, steps - 1))
        for reader in readers
    )


def _said(layer: Layer, meets: Layer, axes: tuple[int, ...]) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    dims = given.dims or ()
    batch = dims.index(BATCH)
    samples = size_text(given.shape[batch], BATCH)
    to = shape_text(made) if max(made.shape, default=1) > 1 else "one number"
    reason = (
        f"{place_text(layer)} runs over axis {batch}, the {samples} samples, and takes {shape_text(given)} to {to}, "
        f"which `{meets.name}` gives back to every sample: what comes out for a sample depends on the others in its "
        f"batch."
    )
    asked = axes[0] if len(axes) == 1 else axes
    values = " x ".join(size_text(given.shape[axis], dims[axis]) for axis in axes)
    edit, name = reduced_over(layer, axes), axis_keywords(layer)[0]
    said = finding_at(
        "SW603", layer, reason, fix=edit.replacement if edit is not None else f"{layer.name}(..., {name}={asked})",
        axis=batch, axis_name="batch", expected=f"{name}={asked} ({values} values), for every sample",
        got=f"{name}={batch} (batch), {samples} samples at once",
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())
