"""On which axis of a tensor its features are: where the layer that made them has put them, followed from there."""

from __future__ import annotations

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer, LayerKind

CHANNELS_LAST = "channels_last"
_GIVES_FEATURES_LAST = frozenset(("Embedding", "MultiHeadAttention"))
_KEEPS_AXES = frozenset(
    "Activation ReLU LeakyReLU PReLU ELU Softmax Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D "
    "GaussianNoise GaussianDropout AlphaDropout BatchNormalization LayerNormalization GroupNormalization Add Subtract "
    "Multiply Average Maximum Minimum relu leaky_relu elu gelu silu tanh sigmoid add sub mul maximum minimum".split()
)


def features_on(evidence: Evidence, layer: Layer) -> int | None:
    """The axis of the first input that holds features; None where no layer is known to have made them."""
    node = evidence.producer(layer.id, 0)
    if node is None or node.kind is LayerKind.INPUT or not node.outputs or not node.inputs:
        return None
    made = features_made_on(node)
    if made is not None:
        return made
    order = _order(node)
    rank = len(node.outputs[0].shape)
    if len(node.inputs[0].shape) != rank:
        return None
    if order is not None:
        before = features_on(evidence, node)
        return order.index(before) if before is not None else None
    keeps = node.type in _KEEPS_AXES and node.inputs[0].shape == node.outputs[0].shape
    return features_on(evidence, node) if keeps or "data_format" in node.settings else None


def features_made_on(layer: Layer) -> int | None:
    """The axis of its output on which a layer puts the features that it makes; None of another layer."""
    rank = len(layer.outputs[0].shape) if layer.outputs else 0
    if layer.size("filters") is not None and layer.type != "TimeDistributed":
        return channels_of(layer, rank)
    return rank - 1 if layer.size("units") is not None or layer.type in _GIVES_FEATURES_LAST else None


def channels_of(layer: Layer, rank: int) -> int | None:
    """The axis that a layer was told to take for its channels; None of a layer that is told none."""
    if "data_format" not in layer.settings:
        return None
    return rank - 1 if layer.settings["data_format"] == CHANNELS_LAST else 1


def _order(node: Layer) -> tuple[int, ...] | None:
    """Which axis of its input every axis of its output was."""
    dims, perm = node.settings.get("dims"), node.settings.get("perm")
    if node.type == "Permute" and isinstance(dims, tuple):
        return (0, *dims)
    return perm if node.type == "transpose" and isinstance(perm, tuple) else None
