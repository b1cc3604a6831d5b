"""Class scores that are made to add up to 1 along another axis than the one that classes are picked from."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axis, Role, is_all
from shapewidget.diagnosis.axis_remedies import axis_keywords
from shapewidget.diagnosis.chains import axis_argument
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along, with_keywords
from shapewidget.diagnosis.loss_search import is_of_classes
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.diagnosis.written_loss import ends_in_one_number, has_weights_behind
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument

_SOFTMAX = frozenset("softmax log_softmax Softmax LogSoftmax softmin Softmin".split())
_ON_THE_WAY = frozenset(
    "log neg add clamp clip view reshape flatten transpose permute swapaxes movedim squeeze unsqueeze contiguous float "
    "index Flatten Identity".split()
)
_OF_CLASSES_LAST = ("class ids", "one-hot")
"""What the losses of Keras are given that pick a class, which take the last axis for the classes."""
_OF_LIKELIHOOD = frozenset("neg mul log mean sum add sub squeeze view reshape index".split())


def normalised_along_another_axis(evidence: Evidence) -> Iterator[Diagnosis]:
    """A softmax whose values a loss of classes reads along another axis, or a class is picked from along another."""
    for layer in evidence.graph.layers:
        picked = _class_axis(evidence, layer)
        softmax = softmax_before(evidence, layer) if picked else None
        axis = axis_of_softmax(softmax) if softmax is not None else None
        if softmax is None or axis is None:
            continue
        axes = evidence.axes_into(softmax)
        if axes[axis] and not set(axes[axis]) & set(picked):
            right = next((place for place, each in enumerate(axes) if each == picked), None)
            if right is not None:
                yield _said(softmax, layer, axis, right)


def likelihood_over_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """A likelihood written by hand: labels times the logarithm of a softmax over samples, summed over the classes."""
    for layer in evidence.graph.layers:
        if layer.name != "mul" or len(layer.inputs) != 2 or layer.inputs[0].shape != layer.inputs[1].shape:
            continue
        for place in (0, 1):
            softmax = softmax_before(evidence, layer, place)
            if softmax is None or not _is_logarithm(evidence, layer, place):
                continue
            axis, summed = axis_of_softmax(softmax), _summed_behind(evidence, layer)
            axes = evidence.axes_into(softmax)
            is_of_labels = not has_weights_behind(evidence.graph, layer.id, 1 - place)
            is_known = axis is not None and summed is not None and is_of_labels and len(axes) == 2
            if axis is not None and summed is not None and is_known and axis != summed:
                if not is_all(axes[axis], Role.FEATURES) and is_all(axes[summed], Role.FEATURES):
                    yield _said(softmax, layer, axis, summed)


def _is_logarithm(evidence: Evidence, layer: Layer, place: int) -> bool:
    node = evidence.producer(layer.id, place)
    while node is not None and node.type not in _SOFTMAX and node.name != "log":
        node = evidence.producer(node.id, 0)
    return node is not None and "log" in node.type.lower()


def _summed_behind(evidence: Evidence, layer: Layer) -> int | None:
    """The axis along which a product is summed, where one number is made of that."""
    for edge in evidence.edges_out.get(layer.id, ()):
        total = evidence.layer(edge.target)
        if total is not None and total.name == "sum" and ends_in_one_number(evidence.graph, total.id, _OF_LIKELIHOOD):
            return axis_argument(total)
    return None


def _class_axis(evidence: Evidence, layer: Layer) -> Axis:
    """What the axis is made of along which a node picks the value of a class; nothing of another node."""
    if layer.id in evidence.clash_at or len(layer.inputs) < 2 or not layer.inputs[0].shape:
        return ()
    axes = evidence.axes_into(layer)
    if layer.kind is LayerKind.LOSS and layer.settings.get("takes") in _OF_CLASSES_LAST:
        return axes[-1]
    if layer.kind is LayerKind.LOSS and is_of_classes(layer.type) and "takes" not in layer.settings:
        return axes[min(1, len(axes) - 1)]
    axis = axis_argument(layer) if layer.name == "gather" else None
    is_loss = axis is not None and ends_in_one_number(evidence.graph, layer.id, _OF_LIKELIHOOD)
    return axes[axis] if is_loss and axis is not None else ()


def softmax_before(evidence: Evidence, layer: Layer, place: int = 0) -> Layer | None:
    """The softmax whose values a node reads, in whatever order of their axes."""
    node = evidence.producer(layer.id, place)
    while node is not None and node.type not in _SOFTMAX and node.name.rstrip("_") in _ON_THE_WAY:
        node = evidence.producer(node.id, 0)
    return node if node is not None and node.type in _SOFTMAX else None


def axis_of_softmax(softmax: Layer) -> int | None:
    """The axis that a softmax runs along; that which torch takes where none is named."""
    asked = axis_argument(softmax)
    if asked is not None or not softmax.inputs:
        return asked
    rank = len(softmax.inputs[0].shape)
    return 0 if rank in (0, 1, 3) else 1


def _said(softmax: Layer, reader: Layer, axis: int, right: int) -> Diagnosis:
    given = softmax.inputs[0]
    dims = given.dims or (None,) * len(given.shape)
    reason = (
        f"{place_text(softmax)} makes {shape_text(given)} add up to 1 along axis {axis}, over "
        f"{size_text(given.shape[axis], dims[axis])} values. {place_text(reader)} picks a class from axis {right}, "
        f"which has {size_text(given.shape[right], dims[right])}: the probabilities of the classes do not add up to 1."
    )
    remedies = tuple(other_axis(softmax, axis, right))
    name = "axis" if "axis" in softmax.settings else "dim"
    first = remedies[0] if remedies else None
    said = finding_at(
        "SW660", softmax, reason, fix=first.replacement if isinstance(first, EditExpression) else f"{name}={right}",
        axis=axis, axis_name="classes", expected=f"{name}={right} ({given.shape[right]} classes)",
        got=f"{name}={axis} ({given.shape[axis]} values)",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def other_axis(softmax: Layer, axis: int, right: int) -> Iterator[Remedy]:
    """The softmax along another axis."""
    if softmax.kind is LayerKind.LAYER:
        yield SetArgument(softmax.path, "axis" if "axis" in softmax.settings else "dim", right)
        return
    rank = len(softmax.inputs[0].shape)
    better = right - rank if right == rank - 1 else right
    named = with_keywords(softmax.source, f"{axis_keywords(softmax)[0]}={better}")
    for text in (along(softmax.source, axis, rank, better), named):
        if text is not None and softmax.source is not None:
            yield EditExpression(softmax.source, text)
            return
