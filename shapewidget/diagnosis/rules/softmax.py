"""Softmax along another axis than its weights are used along, or than the classes are on."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import along_axes
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import axis_argument, maker, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along
from shapewidget.diagnosis.feature_axis import features_made_on, features_on
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.dims import constant
from shapewidget.graph.records import Layer, LayerKind, TensorSpec
from shapewidget.graph.remedies import EditExpression, Remedy, ReplaceLayer, SetArgument

_SOFTMAX = frozenset(("softmax", "Softmax", "log_softmax", "LogSoftmax"))
_PRODUCTS = frozenset(("matmul", "bmm"))
_DIVIDING = frozenset(("div", "truediv", "divide"))


def attention_over_the_wrong_axis(evidence: Evidence) -> Iterator[Diagnosis]:
    """Weights that add up to 1 over another axis than the product behind them sums."""
    for layer in evidence.graph.layers:
        axis = axis_argument(layer)
        if layer.type not in _SOFTMAX or axis is None:
            continue
        spec = layer.inputs[0]
        rank, dims = len(spec.shape), spec.dims or ()
        for reader, place in readers(evidence, layer):
            if reader.name == "einsum":
                yield from _in_einsum(layer, reader, place, axis)
            if reader.name == "mul":
                yield from _in_sum(evidence, layer, reader, place, axis)
            if reader.name not in _PRODUCTS or rank < 3 or len(dims) != rank or dims[-1] != dims[-2]:
                continue
            summed = rank - 1 if place == 0 else rank - 2
            if axis != summed and not (axis < rank - 2 and len(reader.inputs[1 - place].shape) != rank):
                yield _weights(layer, reader, axis, summed)


def _in_einsum(layer: Layer, reader: Layer, place: int, axis: int) -> Iterator[Diagnosis]:
    """The product as an einsum: the letter of the axis that adds up to 1 is to be summed, and not another."""
    equation = reader.settings.get("0")
    terms, _, made = equation.replace(" ", "").partition("->") if isinstance(equation, str) else ("", "", "")
    letters = terms.split(",")[place] if made and terms.count(",") >= place else ""
    summed = [at for at, letter in enumerate(letters) if letter not in made and terms.count(letter) > 1]
    sizes = layer.inputs[0].dims or layer.inputs[0].shape
    if len(letters) != len(sizes) or len(sizes) < 3 or len(summed) != 1 or letters[axis] not in made:
        return
    of_pairs = terms.count(letters[axis]) == 1 and sizes[axis] == sizes[summed[0]]
    of_heads = 0 < axis < len(letters) - 2 and sizes[-1] == sizes[-2]
    if of_pairs or of_heads:
        yield _weights(layer, reader, axis, summed[0])


def _in_sum(evidence: Evidence, layer: Layer, product: Layer, place: int, axis: int) -> Iterator[Diagnosis]:
    """The product as a sum of values times weights: the values are one for each of those that are summed."""
    weights, values = layer.inputs[0], product.inputs[1 - place].shape if len(product.inputs) == 2 else ()
    sizes = weights.dims or weights.shape
    for total, _ in readers(evidence, product):
        summed = axis_argument(total)
        if total.name != "sum" or summed in (None, axis) or len(values) != len(sizes) or summed is None:
            continue
        is_of_pairs = len(sizes) > 2 and sizes[axis] == sizes[summed] and values[axis] == 1 != values[summed]
        if is_of_pairs and total.inputs[0].shape[axis] == weights.shape[axis]:
            yield _weights(layer, total, axis, summed)


def _weights(layer: Layer, reader: Layer, axis: int, summed: int) -> Diagnosis:
    spec = layer.inputs[0]
    text = along(layer.source, axis, len(spec.shape), summed - len(spec.shape))
    reason = (
        f"{place_text(layer)} makes the weights {shape_text(spec)} add up to 1 along axis {axis}, but "
        f"{place_text(reader)} "
        f"sums them along axis {summed}: the weights of one sum do not add up to 1."
    )
    return Diagnosis(
        finding_at(
            "SW608",
            layer,
            reason,
            fix=text or f"softmax(..., dim={summed - len(spec.shape)})",
            axis=axis,
            axis_name="attention weights",
            expected=f"dim={summed}",
            got=f"dim={axis}",
        ),
        tuple(along_axes(layer, (summed - len(spec.shape),))),
    )


def softmax_over_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """A softmax along the last axis of what a model gives, where the classes of every pixel are on another one."""
    for layer in evidence.graph.layers:
        is_activation = layer.settings.get("activation") in _SOFTMAX and bool(layer.outputs)
        if not is_activation and layer.type not in _SOFTMAX:
            continue
        rank = len(layer.outputs[0].shape) if layer.outputs else 0
        held = features_made_on(layer) if is_activation else None
        held = features_on(evidence, layer) if held is None else held
        axis = rank - 1 if is_activation else axis_argument(layer)
        is_last = all(evidence.is_behind_the_model(reader) for reader, _ in readers(evidence, layer))
        if rank >= 4 and held not in (None, axis) and axis == rank - 1 and is_last and held is not None:
            yield _over_positions(layer, held)


def _over_positions(layer: Layer, held: int) -> Diagnosis:
    spec = layer.outputs[0]
    last = len(spec.shape) - 1
    remedies: list[Remedy] = []
    if layer.type == "Activation":
        remedies.append(ReplaceLayer(layer.path, "Softmax", {"axis": held}))
    elif layer.type == "Softmax":
        remedies.append(SetArgument(layer.path, "axis", held))
    text = along(layer.source, last, last + 1, held) if layer.kind is LayerKind.OPERATION else None
    edits = [EditExpression(layer.source, text)] if text and layer.source is not None else []
    return Diagnosis(
        finding_at(
            "SW652",
            layer,
            f"{place_text(layer)} makes the values of the last axis of {shape_text(spec)} add up to 1, which are "
            f"{_count(spec, last)}positions. The {spec.shape[held]} classes are on axis {held}: those of one position "
            "do not add up to 1.",
            fix=text or f"Softmax(axis={held})",
            axis=last,
            axis_name="classes",
            expected=f"axis {held} ({spec.shape[held]} classes)",
            got=f"axis {last} ({_count(spec, last)}positions)",
        ),
        (*remedies, *edits),
    )


def _count(spec: TensorSpec, axis: int) -> str:
    """How many values an axis has, with a space behind; empty where a model that is being built leaves it open."""
    return f"{spec.shape[axis]} " if spec.shape[axis] > 0 else ""


def softmax_of_one_value(evidence: Evidence) -> Iterator[Diagnosis]:
    """A softmax along an axis of size 1: it gives 1 whatever comes in."""
    for layer in evidence.graph.layers:
        is_activation = layer.settings.get("activation") in _SOFTMAX and bool(layer.outputs)
        spec = layer.outputs[0] if is_activation else layer.inputs[0] if layer.inputs else None
        axis = len(layer.outputs[0].shape) - 1 if is_activation else axis_argument(layer)
        if (layer.type not in _SOFTMAX and not is_activation) or axis is None or spec is None or spec.dims is None:
            continue
        if spec.dims[axis] == constant(1) and is_activation:
            yield _of_one_unit(layer, spec)
        elif spec.dims[axis] == constant(1) and _is_made_single(evidence, layer, axis):
            yield _of_one_value(layer, axis)


def divided_by_itself(evidence: Evidence) -> Iterator[Diagnosis]:
    """A softmax written by hand: values divided by their own sum along an axis of size 1 are 1 whatever they are."""
    for layer in evidence.graph.layers:
        given, total = (evidence.edge_into(layer.id, place) for place in (0, 1))
        summed = evidence.layer(total.source) if total is not None else None
        if layer.name not in _DIVIDING or given is None or summed is None or summed.name != "sum":
            continue
        own = evidence.edge_into(summed.id, 0)
        axis, dims = axis_argument(summed), summed.inputs[0].dims
        is_own = own is not None and (own.source, own.output) == (given.source, given.output)
        if is_own and axis is not None and dims is not None and dims[axis] == constant(1):
            if _is_made_single(evidence, summed, axis) or _is_exponential(evidence, given.source):
                yield _of_one_value(summed, axis)


def _is_exponential(evidence: Evidence, layer_id: str) -> bool:
    made = evidence.layer(layer_id)
    return made is not None and made.name == "exp"


def _of_one_unit(layer: Layer, spec: TensorSpec) -> Diagnosis:
    return Diagnosis(
        finding_at(
            "SW609",
            layer,
            f"{place_text(layer)} gives {shape_text(spec)} with activation='softmax', which makes the values of the "
            "last axis add up to 1. It has size 1, so that every value is 1 whatever the input is, and nothing is "
            "learned. One unit takes a sigmoid; a softmax takes 2 units or more.",
            fix=f"{layer.type}(1, activation='sigmoid')",
            axis=len(spec.shape) - 1,
            axis_name="units",
            expected="2 units or more, or a sigmoid",
            got="1 unit",
        ),
        (SetArgument(layer.path, "activation", "sigmoid"),),
    )


def _of_one_value(layer: Layer, axis: int) -> Diagnosis:
    spec = layer.inputs[0]
    gives = 0 if "log" in layer.type.lower() else 1
    what = "its own sum, by which it is divided, is itself: that gives" if layer.name == "sum" else "it gives"
    wide = [place for place, size in enumerate(spec.shape) if size > 1 and (spec.dims or ())[place] != BATCH]
    reason = (
        f"{place_text(layer)} runs along axis {axis} of {shape_text(spec)}, which has size 1: {what} "
        f"{gives} whatever its input is."
    )
    name = "axis" if "axis" in layer.settings else "dim"
    better = f"{name}={wide[-1]}, of {spec.shape[wide[-1]]} values" if wide else "an axis of several values"
    return Diagnosis(
        finding_at(
            "SW609",
            layer,
            reason,
            fix=f"{name}={wide[-1]}" if wide else "sigmoid instead of softmax for a single output",
            axis=axis,
            expected=better,
            got=f"{name}={axis}, of size 1",
        ),
        tuple(along_axes(layer, wide[::-1])),
    )


def _is_made_single(evidence: Evidence, layer: Layer, axis: int) -> bool:
    """Whether the program makes the axis that small, and not data of which there happens to be one."""
    made = maker(evidence, layer)
    if made is not None and 1 in (made[0].size("out_features"), made[0].size("units")):
        return axis == len(layer.inputs[0].shape) - 1
    before = evidence.before(layer.id)
    given = [each for each in evidence.graph.layers if each.kind is LayerKind.INPUT and each.id in before]
    return not any(1 in spec.shape[1:] for each in given for spec in each.outputs)
