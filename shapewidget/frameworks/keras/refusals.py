"""What a layer or an operation refused, read off its tensors and what it declares, never off the error's text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from shapewidget.frameworks.keras.attention import attended
from shapewidget.frameworks.keras.layers import built_width
from shapewidget.frameworks.keras.nodes import Node
from shapewidget.frameworks.keras.states import started
from shapewidget.frameworks.keras.tensors import UNSEEN, leaves, shape
from shapewidget.graph.records import Clash, ClashKind

Shape = tuple[int, ...]
_ADDING = (
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Multiply,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
)
_ELEMENTWISE = frozenset(("add", "sub", "mul", "div", "maximum", "minimum", "pow", "squared_difference"))


_NOISE = re.compile(
    r"\x1b\[\d*m|\{\{function_node [^}]*\}\}|\[Op:\w+\]( name: \S*)?|Exception encountered when calling .*"
)
"""What TensorFlow and Keras put around their own sentence: colours, names of nodes, the layer that was called."""


def text_of(error: BaseException) -> str:
    """Type and text of the framework's own error, without what is put around it."""
    said = _NOISE.sub("", str(error).partition("Arguments received by")[0])
    lines = " ".join(line.strip() for line in said.splitlines() if line.strip())
    return f"{type(error).__name__.strip('_')}: {lines}"[:600]


# -- layers ----------------------------------------------------------------------------------------------------


def refused_by_layer(
    layer: keras.layers.Layer, given: Sequence[Any], names: Sequence[str], inner: Clash | None, error: str
) -> Clash:
    """What a layer refused about the tensors it was given.

    Args:
        layer: Drawn whole.
        given: Its input tensors.
        names: Which argument each of them is.
        inner: What an operation inside of it refused, where one was seen.
        error: Text of the error, kept for the record only.
    """
    shapes = [shape(tensor) for tensor in given]
    for by_name in (attended, started):
        clash = by_name(layer, shapes, names)
        if clash is not None:
            return Clash("", error=error, **clash)
    for check in (_joined, _ranked, _sized, _stateful, _reshaped, _unknown, _slid, _grouped, _indexed):
        found = check(layer, shapes, given)
        if found is not None:
            return Clash("", error=error, **found)
    if inner is not None and inner.kind is not ClashKind.OTHER:
        return Clash("", inner.kind, 0, None, inner.expected, inner.got, error=error)
    return Clash("", ClashKind.OTHER, error=error)


Found = dict[str, Any] | None


def _joined(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    if isinstance(layer, keras.layers.Concatenate):
        return joined(shapes, layer.axis)
    if isinstance(layer, keras.layers.Dot) and len(shapes) == 2:
        return _dotted(layer, shapes)
    if isinstance(layer, _ADDING):
        return next(
            (found for place in range(1, len(shapes)) if (found := broadcast(shapes[0], shapes[place], place))), None
        )
    return None


def _dotted(layer: Any, shapes: Sequence[Shape]) -> Found:
    one, two = (layer.axes, layer.axes) if isinstance(layer.axes, int) else layer.axes
    left, right = shapes[0][one], shapes[1][two]
    if left == right or UNSEEN in (left, right):
        return None
    axis = two % len(shapes[1])
    return {"kind": ClashKind.SIZE, "input": 1, "axis": axis, "expected": left, "got": right, "against": 0}


def joined(shapes: Sequence[Shape], along: int) -> Found:
    """Where the shapes of tensors that are to be joined differ, besides the axis that they are joined along."""
    first = shapes[0]
    for place, other in enumerate(shapes):
        if len(other) != len(first):
            return {"kind": ClashKind.RANK, "input": place, "expected": len(first), "got": len(other), "against": 0}
        for axis, (one, two) in enumerate(zip(first, other, strict=True)):
            if axis != along % len(first) and one != two and UNSEEN not in (one, two):
                return {"kind": ClashKind.SIZE, "input": place, "axis": axis, "expected": one, "got": two, "against": 0}
    return None


def broadcast(one: Shape, other: Shape, place: int) -> Found:
    """Where two shapes do not broadcast."""
    for back in range(1, min(len(one), len(other)) + 1):
        sizes = one[-back], other[-back]
        if sizes[0] != sizes[1] and 1 not in sizes and UNSEEN not in sizes:
            axis = len(other) - back
            return {
                "kind": ClashKind.SIZE,
                "input": place,
                "axis": axis,
                "expected": sizes[0],
                "got": sizes[1],
                "against": 0,
            }
    return None


def _specs(layer: keras.layers.Layer) -> list[Any]:
    found = layer.input_spec
    return list(found) if isinstance(found, list | tuple) else [found] if found is not None else []


def _ranked(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    for place, (spec, got) in enumerate(zip(_specs(layer), shapes, strict=False)):
        rank = len(got)
        wanted = spec.ndim if spec.ndim is not None else len(spec.shape) if spec.shape is not None else None
        if wanted is not None and rank != wanted:
            return {"kind": ClashKind.RANK, "input": place, "expected": wanted, "got": rank}
        if spec.min_ndim is not None and (rank < spec.min_ndim or (_is_convolution(layer) and rank > spec.min_ndim)):
            return {"kind": ClashKind.RANK, "input": place, "expected": spec.min_ndim, "got": rank}
        if spec.max_ndim is not None and rank > spec.max_ndim:
            return {"kind": ClashKind.RANK, "input": place, "expected": spec.max_ndim, "got": rank}
    return None


def _is_convolution(layer: keras.layers.Layer) -> bool:
    """Whether its kernel slides along as many axes as it was made for, and no more."""
    return type(getattr(layer, "rank", None)) is int and hasattr(layer, "kernel_size")


def _sized(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    for place, (spec, got) in enumerate(zip(_specs(layer), shapes, strict=False)):
        for axis, wanted in (spec.axes or {}).items():
            if wanted is not None and got[axis] not in (wanted, UNSEEN):
                return {
                    "kind": ClashKind.SIZE,
                    "input": place,
                    "axis": axis % len(got),
                    "expected": wanted,
                    "got": got[axis],
                }
    width = built_width(layer)
    if shapes and width is not None and shapes[0] and shapes[0][-1] not in (width, UNSEEN):
        return {"kind": ClashKind.SIZE, "axis": len(shapes[0]) - 1, "expected": width, "got": shapes[0][-1]}
    return None


def _stateful(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    """A layer that keeps one state for every sample of a batch of fixed size."""
    states = leaves_of_states(layer) if getattr(layer, "stateful", False) else []
    if not states or not shapes or not shapes[0] or states[0] == shapes[0][0]:
        return None
    return {"kind": ClashKind.SIZE, "axis": 0, "expected": states[0], "got": shapes[0][0]}


def leaves_of_states(layer: keras.layers.Layer) -> list[int]:
    """The batch sizes of the states that a layer keeps."""
    states = [getattr(layer, name, None) for name in ("states", "_states")]
    found = next((state for state in states if state), None) or []
    return [int(state.shape[0]) for state in keras.tree.flatten(found) if getattr(state, "shape", None)]


def _reshaped(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    if not isinstance(layer, keras.layers.Reshape) or not shapes or UNSEEN in shapes[0][1:]:
        return None
    return reshaped(shapes[0][1:], tuple(layer.target_shape))


def reshaped(got: Shape, asked: Shape) -> Found:
    """Whether values of one shape do not fit into another, in which one size may be -1."""
    count, fixed = math.prod(got), math.prod(size for size in asked if size != -1)
    if fixed > 0 and (count % fixed == 0 if -1 in asked else count == fixed):
        return None
    return {"kind": ClashKind.SIZE, "expected": asked, "got": got}


def _unknown(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    """Weights cannot be made for an axis of unknown size."""
    if layer.built or not shapes or not shapes[0]:
        return None
    if shapes[0][-1] == UNSEEN and len(shapes[0]) > 1:
        return {"kind": ClashKind.SIZE, "axis": len(shapes[0]) - 1, "expected": "a known number", "got": None}
    return None


def _slid(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    """A window that is larger than what it slides over."""
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if not isinstance(window, tuple) or getattr(layer, "padding", "valid") != "valid" or not shapes:
        return None
    first = 1 if getattr(layer, "data_format", "channels_last") == "channels_last" else 2
    steps = getattr(layer, "dilation_rate", None) or (1,) * len(window)
    for place, (size, step) in enumerate(zip(window, steps, strict=False)):
        axis, reach = first + place, (size - 1) * step + 1
        if axis < len(shapes[0]) and shapes[0][axis] != UNSEEN and shapes[0][axis] < reach:
            return {"kind": ClashKind.SIZE, "axis": axis, "expected": f"at least {reach}", "got": shapes[0][axis]}
    return None


def _grouped(layer: keras.layers.Layer, shapes: Sequence[Shape], given: object) -> Found:
    """Channels that cannot be split into as many groups of one size."""
    groups = getattr(layer, "groups", None)
    if not isinstance(groups, int) or groups < 2 or not shapes or not shapes[0]:
        return None
    axis = getattr(layer, "axis", 1 if getattr(layer, "data_format", "") == "channels_first" else -1)
    channels = shapes[0][axis]
    if channels == UNSEEN or channels % groups == 0:
        return None
    return {"kind": ClashKind.SIZE, "axis": axis % len(shapes[0]), "expected": f"{groups} groups", "got": channels}


def _indexed(layer: keras.layers.Layer, shapes: Sequence[Shape], given: Sequence[Any]) -> Found:
    if not isinstance(layer, keras.layers.Embedding) or not given or isinstance(given[0], keras.KerasTensor):
        return None
    values = keras.ops.convert_to_numpy(given[0])
    worst = int(values.min()) if values.size and values.min() < 0 else int(values.max(initial=0))
    if 0 <= worst < layer.input_dim:
        return None
    return {"kind": ClashKind.INDEX, "expected": f"0 to {layer.input_dim - 1}", "got": worst}


# -- operations ------------------------------------------------------------------------------------------------


def refused_by_operation(name: str, arguments: Mapping[str, Any], error: str) -> Clash:
    """What an operation refused.

    Args:
        name: Its plain name: "add", "concat".
        arguments: Its arguments by name, tensors among them.
        error: Text of the error, kept for the record only.
    """
    shapes = [shape(tensor) for tensor in leaves(list(arguments.values()))]
    for names, check in _CHECKS:
        found = check(shapes, arguments) if name in names else None
        if found is not None:
            return Clash("", error=error, **found)
    return Clash("", ClashKind.OTHER, error=error)


def _elementwise(shapes: Sequence[Shape], arguments: Mapping[str, Any]) -> Found:
    return broadcast(shapes[0], shapes[1], 1) if len(shapes) > 1 else None


def _concatenation(shapes: Sequence[Shape], arguments: Mapping[str, Any]) -> Found:
    axis = arguments.get("axis", 0)
    values = next((value for value in arguments.values() if isinstance(value, list | tuple)), ())
    shapes = [shape(value) for value in leaves(list(values))]
    return joined(shapes, int(axis)) if len(shapes) > 1 and shapes[0] else None


def _product(shapes: Sequence[Shape], arguments: Mapping[str, Any]) -> Found:
    if len(shapes) < 2 or not shapes[0] or not shapes[1]:
        return None
    turned = [bool(arguments.get(f"transpose_{side}", arguments.get(f"adj_{other}"))) for side, other in ("ax", "by")]
    left = shapes[0][-2 if turned[0] and len(shapes[0]) > 1 else -1]
    axis = -1 if turned[1] or len(shapes[1]) == 1 else -2
    if left == shapes[1][axis] or UNSEEN in (left, shapes[1][axis]):
        return None
    place = axis % len(shapes[1])
    return {"kind": ClashKind.SIZE, "input": 1, "axis": place, "expected": left, "got": shapes[1][axis], "against": 0}


def _reshape(shapes: Sequence[Shape], arguments: Mapping[str, Any]) -> Found:
    asked = next((value for key, value in arguments.items() if "shape" in key), None)
    try:
        items = keras.ops.convert_to_numpy(asked) if hasattr(asked, "shape") else keras.tree.flatten(asked) or ()
        sizes = tuple(map(int, items))
    except (TypeError, ValueError):
        return None
    return reshaped(shapes[0], sizes) if shapes and UNSEEN not in shapes[0] and sizes else None


_CHECKS: tuple[tuple[frozenset[str], Callable[[Sequence[Shape], Mapping[str, Any]], Found]], ...] = (
    (_ELEMENTWISE, _elementwise),
    (frozenset(("concat", "concatenate")), _concatenation),
    (frozenset(("matmul",)), _product),
    (frozenset(("reshape",)), _reshape),
)


def refused_input(node: Node, error: str) -> Clash | None:
    """Where an input has another shape than the model declares; None where it fits."""
    declared, given = node.settings["declared_shape"], node.outputs[0].shape
    if not isinstance(declared, tuple):
        return None
    if len(declared) != len(given):
        return Clash("", ClashKind.RANK, expected=len(declared), got=len(given), error=error)
    for axis, (wanted, got) in enumerate(zip(declared, given, strict=True)):
        if wanted not in (None, got):
            return Clash("", ClashKind.SIZE, 0, axis, wanted, got, error=error)
    return None
