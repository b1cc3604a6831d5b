"""Pooling and resizing that were meant for the positions and run along the features.

Layers that slide take the last axis for positions; recurrent layers, attention and embeddings give features there.
What comes back to the positions later, as a gate does, is left alone: it is made for each of them on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axis, Role, is_all
from shapewidget.diagnosis.axis_remedies import along_axes, axis_keywords, reduced_along, reduced_axes
from shapewidget.diagnosis.chains import axis_argument, maker, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, TensorSpec
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_WINDOWS = frozenset("MaxPool1d AvgPool1d LPPool1d max_pool1d avg_pool1d lp_pool1d".split())
_ADAPTIVE = frozenset("AdaptiveAvgPool1d AdaptiveMaxPool1d adaptive_avg_pool1d adaptive_max_pool1d".split())
_RESIZING = frozenset(("interpolate", "Upsample"))
_MEANS = frozenset("mean sum max amax logsumexp median std var".split())
_JOINS = frozenset(("cat", "concat", "concatenate"))
_LINEAR = frozenset(("Linear", "Dense"))
_FLATTENING = frozenset("squeeze flatten view reshape index Flatten max mean sum".split())
_FEATURES_LAST = frozenset(
    "LSTM GRU RNN Embedding LayerNorm RMSNorm MultiheadAttention TransformerEncoderLayer TransformerEncoder".split()
)


def pooled_along_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """A pooling or resizing of (batch, positions, features), which takes the features for its positions."""
    for layer in evidence.graph.layers:
        if (
            not _slides_whole(layer)
            or not layer.inputs
            or layer.id in evidence.clash_at
            or len(layer.inputs[0].shape) != 3
        ):
            continue
        made, axes = maker(evidence, layer), evidence.axes_into(layer)
        if made is None or made[0].type not in _FEATURES_LAST:
            continue
        if is_all(axes[2], Role.FEATURES) and is_all(axes[1], Role.POSITIONS):
            if not comes_back(evidence, layer, axes[1]):
                yield _pooled(evidence, layer, made[0])


def _slides_whole(layer: Layer) -> bool:
    """Whether a node pools or resizes along its last axis, and not to a width that was asked for."""
    if layer.type in _WINDOWS:
        return True
    if layer.type in _ADAPTIVE:
        return bool(layer.outputs) and layer.outputs[0].shape[-1:] == (1,)
    return layer.type in _RESIZING and layer.settings.get("scale_factor") is not None


def comes_back(evidence: Evidence, layer: Layer, axis: Axis) -> bool:
    """Whether what a node gives meets a tensor again that has this axis."""
    behind, waiting = {layer.id}, [layer.id]
    while waiting:
        for edge in evidence.edges_out.get(waiting.pop(), ()):
            reader = evidence.layer(edge.target)
            if reader is None or reader.id in behind:
                continue
            behind.add(reader.id)
            waiting.append(reader.id)
            others = [each for each in evidence.edges_into[reader.id] if each.source not in behind]
            if any(
                each.input < len(reader.inputs) and axis in evidence.axes_into(reader, each.input) for each in others
            ):
                return True
    return False


def _pooled(evidence: Evidence, layer: Layer, made: Layer) -> Diagnosis:
    given, result = layer.inputs[0], layer.outputs[0]
    does = "resizes" if layer.type in _RESIZING else "pools"
    reason = (
        f"{place_text(layer)} {does} along the last axis of {shape_text(given)}, and gives {shape_text(result)}. "
        f"{place_text(made)} has its {given.shape[2]} features there and the {given.shape[1]} positions on axis 1: "
        f"neighbouring features are taken for neighbouring positions."
    )
    edit = next(_transposed(layer), None)
    behind = _width_behind(evidence, layer, given.shape[1] if result.shape[2] == 1 else result.shape[2])
    remedies: tuple[Remedy, ...] = () if edit is None else (edit,)
    if edit is not None and behind is not None:
        remedies = (Together((edit, _of_width(*behind, given, 2))),)
    said = finding_at(
        "SW661", layer, reason, fix=edit.replacement if edit is not None else "x.transpose(1, 2) before it, and back",
        axis=2, axis_name="features", expected=f"axis 1: {given.shape[1]} positions",
        got=f"axis 2: {given.shape[2]} features",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _width_behind(evidence: Evidence, layer: Layer, width: int) -> tuple[Layer, str] | None:
    """The layer behind that was built for as many features as there are now, and the argument that says so."""
    node: Layer | None = layer
    while node is not None:
        reads = [reader for reader, _ in readers(evidence, node)]
        node = reads[0] if len(reads) == 1 else None
        if node is not None and node.declared:
            names = [each.name for each in node.declared if each.size == width and each.axis is not None]
            return (node, names[0]) if names and node.path else None
        node = node if node is not None and node.name in _FLATTENING else None
    return None


def _of_width(layer: Layer, name: str, given: TensorSpec, axis: int, count: int = 1) -> SetArgument:
    dim = given.dims[axis] if given.dims and count == 1 else None
    return SetArgument(layer.path, name, given.shape[axis] * count, dim)


def _transposed(layer: Layer) -> Iterator[EditExpression]:
    operands = operands_of(layer)
    if operands is None or not len(operands):
        return
    turned = f"{operands.text(0)}.transpose(1, 2)"
    back = "" if layer.outputs[0].shape[2] == 1 else ".transpose(1, 2)"
    whole = layer.settings.get("kernel_size", layer.settings.get("1"))
    covers = whole in (layer.inputs[0].shape[2], (layer.inputs[0].shape[2],))
    edit = operands.edit({0: turned, 1: f"{operands.text(0)}.size(1)"} if covers and len(operands) > 1 else {0: turned})
    yield EditExpression(edit.source, f"{edit.replacement}{back}")


def positions_read_as_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mean over the features whose result, one number a position, a linear layer takes for features."""
    for layer in evidence.graph.layers:
        if (
            layer.type not in _LINEAR
            or not layer.inputs
            or len(layer.inputs[0].shape) != 2
            or layer.id in evidence.clash_at
        ):
            continue
        means = _means(evidence, layer)
        found = [each for mean in means if (each := _over_features(evidence, layer, mean)) is not None]
        if found and len(found) == len(means):
            yield _reduced(layer, means, *found[0])


def _means(evidence: Evidence, layer: Layer) -> list[Layer]:
    """The means that a layer is given, one or several side by side; none where it is given anything else besides."""
    made = maker(evidence, layer)
    node = made[0] if made is not None else None
    if node is not None and node.name in _JOINS and axis_argument(node) == 1:
        parts = [evidence.producer(node.id, place) for place in range(len(node.inputs))]
    else:
        parts = [node]
    found = [each for each in parts if each is not None and each.name in _MEANS and each.inputs]
    return found if len(found) == len(parts) and all(len(it.inputs[0].shape) in (3, 4) for it in found) else []


def _over_features(evidence: Evidence, layer: Layer, mean: Layer) -> tuple[int, tuple[int, ...]] | None:
    """The axis of the features that a mean runs along, and the axes of the positions; None where it is none such."""
    axes, gone = evidence.axes_into(mean), reduced_axes(mean)
    left = [axis for axis in range(1, len(axes)) if axis not in gone]
    features = [axis for axis in gone if is_all(axes[axis], Role.FEATURES)]
    if len(features) != 1 or len(left) != 1 or 0 in gone:
        return None
    if not is_all(axes[left[0]], Role.POSITIONS) or comes_back(evidence, layer, axes[left[0]]):
        return None
    return features[0], tuple(axis for axis in (*gone, *left) if axis != features[0])


def _reduced(layer: Layer, means: list[Layer], gone: int, positions: tuple[int, ...]) -> Diagnosis:
    mean, left = means[0], positions[-1]
    given = mean.inputs[0]
    reason = (
        f"{place_text(mean)} runs along axis {gone} of {shape_text(given)}, the {given.shape[gone]} features, and "
        f"leaves one number for each of the {given.shape[left]} positions. {place_text(layer)} takes these for its "
        f"features: what is known of a position is lost, and another length is refused."
    )
    found = [next(along_axes(it, [left]), None) or reduced_along(it, sorted(positions)) for it in means]
    edits = [each for each in found if isinstance(each, EditExpression)]
    remedies: tuple[Remedy, ...] = ()
    if len(edits) == len(means):
        is_open = layer.type != "Linear"  # such a layer takes over the width that it is given
        width = () if is_open else (_of_width(layer, "in_features", given, gone, len(means)),)
        remedies = (edits[0] if is_open and len(edits) == 1 else Together((*edits, *width)),)
    name = axis_keywords(mean)[0]
    said = finding_at(
        "SW661", mean, reason, fix=edits[0].replacement if edits else f"{name}={left}",
        axis=gone, axis_name="features", expected=f"{name}={left} ({given.shape[left]} positions)",
        got=f"{name}={gone} ({given.shape[gone]} features)",
    )  # fmt: skip
    return Diagnosis(said, remedies)
