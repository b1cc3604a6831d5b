"""Attention without a matrix product: the values are multiplied with weights, and summed along another axis."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axis, Role, roles
from shapewidget.diagnosis.axis_remedies import reduced_along, reduced_axes
from shapewidget.diagnosis.chains import axis_argument, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind

_SOFTMAX = frozenset("softmax Softmax".split())
_PRODUCTS = frozenset(("mul", "Multiply"))
_MOVING = frozenset(
    "reshape view flatten squeeze unsqueeze expand_dims transpose permute index expand tile Flatten Reshape Permute "
    "RepeatVector Dropout dropout".split()
)
_FEATURES = ("units", "in_features")
_FARTHEST = 8


def summed_along_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """Weights that add up to 1 over the positions, and values times weights that are summed over their features.

    Only where a layer then reads the positions as its features, so that they are not summed later.
    """
    for layer in evidence.graph.layers:
        product = evidence.producer(layer.id, 0) if layer.name == "sum" and layer.inputs else None
        if product is None or product.type not in _PRODUCTS or len(product.inputs) != 2:
            continue
        for place in (0, 1):
            softmax = _softmax_behind(evidence, product, place)
            weighed = _weighed(evidence, softmax) if softmax is not None else ()
            axes, gone = evidence.axes_into(layer), reduced_axes(layer)
            if softmax is None or not weighed or weighed not in axes:
                continue
            at = axes.index(weighed)
            held = {role for axis in gone for role in roles(axes[axis])}
            is_other = at not in gone and bool(held) and held <= {Role.FEATURES, None}
            if is_other and _is_read_as_features(evidence, layer):
                yield _said(layer, softmax, at, gone)
                break


def _softmax_behind(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """What made weights add up to 1, past what only moves them."""
    node = evidence.producer(layer.id, place)
    for _ in range(_FARTHEST):
        if node is None or node.type in _SOFTMAX or node.settings.get("activation") == "softmax":
            return node
        node = evidence.producer(node.id, 0) if node.type in _MOVING else None
    return None


def _weighed(evidence: Evidence, softmax: Layer) -> Axis:
    """The axis that a softmax makes add up to 1; nothing where it is not known."""
    axes = evidence.tracing.axes.get((softmax.id, 0), ())
    is_activation = softmax.type not in _SOFTMAX
    place = len(axes) - 1 if is_activation else axis_argument(softmax)
    return axes[place] if axes and place is not None and place < len(axes) else ()


def _is_read_as_features(evidence: Evidence, layer: Layer) -> bool:
    reads = [reader for reader, _ in readers(evidence, layer)]
    is_read = all(reader.kind is LayerKind.LAYER and any(map(reader.size, _FEATURES)) for reader in reads)
    return bool(reads) and is_read and len(layer.outputs[0].shape) == 2


def _said(layer: Layer, softmax: Layer, at: int, gone: tuple[int, ...]) -> Diagnosis:
    given, edit = layer.inputs[0], reduced_along(layer, (at,))
    features = " x ".join(str(given.shape[axis]) for axis in gone)
    reason = (
        f"{place_text(softmax)} makes the weights of the {given.shape[at]} positions add up to 1, but "
        f"{place_text(layer)} sums the weighted values {shape_text(given)} along axis {gone[0]}, the {features} "
        f"features: what is left is one number for each position, {shape_text(layer.outputs[0])}, and no weighted mean."
    )
    said = finding_at(
        "SW608", layer, reason, fix=edit.replacement if edit is not None else f"sum along axis {at}", axis=gone[0],
        axis_name="features", expected=f"axis={at} ({given.shape[at]} positions)",
        got=f"axis={gone[0]} ({features} features)",
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())
