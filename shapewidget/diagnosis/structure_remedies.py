"""Changes of what a model is built of: a layer of another class, a missing one, a way around a block."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.graph.dims import product
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import AddLayer, InsertLayer, Remedy, ReplaceLayer, SetArgument, Together

_NORMS = ("BatchNorm", "InstanceNorm", "SyncBatchNorm")
_OF_RANK = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}
_CONVOLUTIONS = {3: "Conv1d", 4: "Conv2d", 5: "Conv3d"}
_WORDINGS = 3


def of_the_rank(layer: Layer) -> Iterator[Remedy]:
    """The normalisation for as many axes as it is given."""
    kind = layer.type[:-2]
    wanted = _OF_RANK.get(len(layer.inputs[0].shape))
    if kind in _NORMS and wanted is not None and not layer.type.endswith(wanted):
        yield ReplaceLayer(layer.path, kind + wanted)


def flattened_before(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """All axes behind the batch merged before a layer of features; its width put right where it has to be."""
    spec = layer.inputs[0]
    declared = layer.size("in_features")
    if declared is None or len(spec.shape) < 3 or not _comes_from_images(evidence, layer):
        return
    width, dims = math.prod(spec.shape[1:]), product(dims_of(spec)[1:])
    is_in_sequence = layer.name.isdigit()
    operands = operands_of(layer)
    change: Remedy | None = None
    if is_in_sequence:
        change = InsertLayer(layer.path, "Flatten")
    elif operands is not None and len(operands):
        change = operands.edit({0: f"{operands.text(0)}.flatten(1)"})
    if change is None or isinstance(change, Together):
        return
    fits = width == declared
    yield change if fits else Together((SetArgument(layer.path, "in_features", width, dims), change))


def _comes_from_images(evidence: Evidence, layer: Layer) -> bool:
    """Whether a convolution or a pooling made the tensor."""
    made = maker(evidence, layer)
    return made is not None and ("Conv" in made[0].type or "ool" in made[0].type or "BatchNorm2d" in made[0].type)


def projected(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """A layer on the way around a block, so that what it adds has the width of what the block gives."""
    operands = operands_of(layer)
    if layer.name.strip("_i") != "add" or operands is None or len(operands) != 2 or len(layer.inputs) != 2:
        return
    skip = _earlier(evidence, layer)
    given, wanted = layer.inputs[skip], layer.inputs[1 - skip]
    rank = len(given.shape)
    if rank != len(wanted.shape) or rank < 2:
        return
    is_image = any(_is_of_channels(evidence, layer, place) for place in (0, 1)) and rank in _CONVOLUTIONS
    axis = 1 if is_image else rank - 1
    others = [place for place in range(rank) if place != axis and given.shape[place] != wanted.shape[place]]
    strides = {-(-given.shape[place] // wanted.shape[place]) for place in others}
    if (others and not is_image) or len(strides) > 1 or 0 in strides or any(place < 1 for place in others):
        return
    sizes = tuple((spec.shape[axis], dims_of(spec)[axis]) for spec in (given, wanted))
    options = (("kernel_size", 1), *((("stride", strides.pop()),) if strides else ())) if is_image else ()
    name = _CONVOLUTIONS[rank] if is_image else "Linear"
    around = operands.edit({skip: f"self.shortcut({operands.text(skip)})"})
    for wording in range(_WORDINGS):
        yield Together((AddLayer(layer.path, "shortcut", name, sizes, options, wording), around))


def _earlier(evidence: Evidence, layer: Layer) -> int:
    """Which of two operands was made first: it went around what the other went through."""
    order = {each.id: place for place, each in enumerate(evidence.graph.layers)}
    makers = [evidence.producer(layer.id, place) for place in (0, 1)]
    places = [order.get(made.id, -1) if made is not None else -1 for made in makers]
    return places.index(min(places))


def _is_of_channels(evidence: Evidence, layer: Layer, place: int) -> bool:
    made = maker(evidence, layer, place)
    return made is not None and ("Conv" in made[0].type or "BatchNorm" in made[0].type or "ool" in made[0].type)
