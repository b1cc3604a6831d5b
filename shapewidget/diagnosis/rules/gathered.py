"""Rows picked out of a tensor by indices that mean something else than the axis that they are used on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import axis_argument, index_items, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import ends_in_one_number, has_weights_behind
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy

_GATHERS = frozenset(("gather", "take", "index_select"))
_FIX = "tf.gather(x, positions, axis=1, batch_dims=1), with the batch on axis 0 of x"
_BY_ELEMENT = frozenset(("neg", "log", "exp", "clip", "clip_by_value", "maximum", "add"))
_OF_CLASSES = frozenset(("one_hot", "sparse_softmax_cross_entropy_with_logits"))


def positions_by_class(evidence: Evidence) -> Iterator[Diagnosis]:
    """A `gather_nd` of (batch, time, class) whose index along time is what is compared as the class elsewhere."""
    labels = _labels(evidence)
    for layer in evidence.graph.layers:
        if layer.name != "gather_nd" or len(layer.inputs) < 2 or not layer.outputs:
            continue
        shape, count = layer.inputs[0].shape, layer.inputs[1].shape[-1]
        pairs = evidence.producer(layer.id, 1)
        if count >= len(shape) or pairs is None or pairs.name != "stack":
            continue
        for axis in range(1, min(count, len(pairs.inputs))):
            maker = evidence.producer(pairs.id, axis)
            if maker is not None and labels.get(maker.id) == shape[-1]:
                yield _diagnosis(layer, maker, axis)


def positions_by_targets(evidence: Evidence) -> Iterator[Diagnosis]:
    """Targets that pick positions, or samples, of the probabilities of classes: they are to pick the class."""
    for layer in evidence.graph.layers:
        axis, ids = axis_argument(layer), evidence.producer(layer.id, 1) if len(layer.inputs) == 2 else None
        if layer.name not in _GATHERS or ids is None or layer.id in evidence.clash_at:
            continue
        last = len(layer.inputs[0].shape) - 1
        axis = 0 if axis is None else axis
        are_targets = ids.kind is LayerKind.INPUT and ids.id.startswith("targets")
        if are_targets and 0 <= axis < last and _is_of_classes(evidence, layer, last):
            yield _picked_by_targets(layer, axis)


def _is_of_classes(evidence: Evidence, layer: Layer, axis: int) -> bool:
    """Whether a softmax along an axis, which the values come from one by one, makes classes of it."""
    node = evidence.producer(layer.id, 0)
    while node is not None and node.name in _BY_ELEMENT:
        node = evidence.producer(node.id, 0)
    is_softmax = node is not None and node.type.lower().replace("_", "") in ("softmax", "logsoftmax")
    if node is not None and node.settings.get("activation") == "softmax":
        return True
    return node is not None and is_softmax and axis_argument(node) == axis


def _picked_by_targets(layer: Layer, axis: int) -> Diagnosis:
    given, ids = layer.inputs
    last = len(given.shape) - 1
    what = "samples" if axis == 0 else "positions"
    said = finding_at(
        "SW614",
        layer,
        f"{place_text(layer)} takes the targets {shape_text(ids)} as {what}: it picks along axis {axis} of "
        f"{shape_text(given)}, which has {given.shape[axis]}. They are class ids, and the {given.shape[last]} classes, "
        f"whose probabilities add up to 1, are on axis {last}.",
        fix=f"pick along the classes: axis={last}, batch_dims={last}",
        axis=axis,
        axis_name="batch" if axis == 0 else "time",
        expected=f"axis {last}, {given.shape[last]} classes",
        got=f"axis {axis}, {given.shape[axis]} {what}",
    )
    return Diagnosis(said, tuple(_along_classes(layer, last)))


def _along_classes(layer: Layer, last: int) -> Iterator[Remedy]:
    call, source = call_of(layer.source), layer.source
    is_of_samples = layer.inputs[1].shape == layer.inputs[0].shape[:-1]
    if call is None or source is None or len(call.args) < 2 or layer.name != "gather" or not is_of_samples:
        return
    asked = {"axis": last, "batch_dims": last}
    named = [each for each in call.keywords if each.arg not in asked]
    named += [ast.keyword(name, ast.Constant(value)) for name, value in asked.items()]
    yield EditExpression(source, ast.unparse(ast.Call(call.func, call.args[:2], named)))


def _labels(evidence: Evidence) -> dict[str, int]:
    """The nodes whose values are read as classes, and of how many."""
    found = {}
    for layer in evidence.graph.layers:
        if layer.name in _OF_CLASSES and layer.outputs:
            place = 0 if layer.name == "one_hot" else 1
            maker = evidence.producer(layer.id, place)
            if maker is not None:
                found[maker.id] = (layer.outputs if place == 0 else layer.inputs)[0].shape[-1]
    return found


def _diagnosis(layer: Layer, labels: Layer, axis: int) -> Diagnosis:
    given = layer.inputs[0]
    steps, classes = given.shape[axis], given.shape[-1]
    clause = "nothing raises, as there are more positions" if classes <= steps else "it raises for the larger ids"
    return Diagnosis(
        finding_at(
            "SW614",
            layer,
            f"{place_text(layer)} takes {place_text(labels)} as the position on axis {axis} of {shape_text(given)}, "
            f"which has {steps}; the same values are compared as class ids, 0 to {classes - 1}, so the class of a "
            f"sample decides at which position it is looked at: {clause}. Expected a position, such as the last.",
            fix=f"pick the position itself: [:, -1] of the {steps}",
            axis=axis,
            axis_name="time",
            expected=f"a position of {steps}",
            got=f"class ids 0..{classes - 1}",
        ),
        tuple(_remedies(layer)),
    )


def _remedies(layer: Layer) -> Iterator[Remedy]:
    source = layer.source
    if source is None or source.expression is None:
        return
    call = call_of(source)
    if call is not None and call.args:
        yield EditExpression(source, f"{ast.unparse(call.args[0])}[:, -1]")


def every_position_of_every_sample(evidence: Evidence) -> Iterator[Diagnosis]:
    """A `gather` along another axis than the batch, with one index a sample: it takes all of them for each sample."""
    for layer in evidence.graph.layers:
        is_index = layer.name == "index" and index_items(layer).count("tensor") == 1 and "..." not in index_items(layer)
        axis = index_items(layer).index("tensor") if is_index else axis_argument(layer)
        is_plain = layer.name in _GATHERS and not layer.settings.get("batch_dims")
        if not (is_plain or is_index) or axis is None or not layer.outputs:
            continue
        if _picks_for_a_loss(evidence, layer, axis):
            yield _every_position(evidence, layer, 0, axis)
        if len(layer.inputs) < 2:
            continue
        given, places = (spec.dims or () for spec in layer.inputs[:2])
        made = layer.outputs[0].dims or () if layer.outputs else ()
        if given.count(BATCH) == 1 and given[axis : axis + 1] != (BATCH,) and places == (BATCH,):
            if made.count(BATCH) == 2 and not _takes_diagonal(evidence, layer):
                yield _every_position(evidence, layer, given.index(BATCH), axis)


def _picks_for_a_loss(evidence: Evidence, layer: Layer, axis: int) -> bool:
    """Whether a loop takes as many columns of its samples as there are samples, which are more than the columns.

    No run at another size tells that they are one for each sample: an action of each, whose value a loss then reads.
    """
    given, made = layer.inputs[0].shape, layer.outputs[0].shape
    if evidence.graph.sizes or len(given) != 2 or axis != 1 or made != (given[0], given[0]) or given[0] <= given[1]:
        return False
    is_learned = has_weights_behind(evidence.graph, layer.id, 0) and is_all(evidence.axes_into(layer)[0], Role.BATCH)
    return is_learned and ends_in_one_number(evidence.graph, layer.id)


def _takes_diagonal(evidence: Evidence, layer: Layer) -> bool:
    """Whether what comes behind may take the index of each sample out of all."""
    return any("diag" in reader.name or reader.name == "einsum" for reader, _ in readers(evidence, layer))


def _every_position(evidence: Evidence, layer: Layer, batch: int, axis: int) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    size = given.shape[batch]
    places = shape_text(layer.inputs[1]) if len(layer.inputs) > 1 else str((size,))
    wanted = (size, *(each for place, each in enumerate(given.shape) if place not in (batch, axis)))
    of_torch = layer.name in ("index", "index_select")
    text = _by_pairs(layer, axis) if of_torch else _by_sample(evidence, layer, batch)
    without = (
        "Alone between colons, they are read for every sample"
        if of_torch
        else "Without batch_dims=1 every sample is read"
    )
    behind = [reader for reader, _ in readers(evidence, layer)]
    drops = behind[0] if len(behind) == 1 and behind[0].name == "index" else layer
    return Diagnosis(
        finding_at(
            "SW641",
            layer,
            f"{place_text(layer)} takes {places}, one position for each of the {size} samples, along axis "
            f"{axis} of {shape_text(given)}. {without} at all {size} positions, which "
            f"gives {shape_text(made)} and not {wanted}: a sample is read at the positions of others.",
            fix=text or ("x[torch.arange(x.size(0)), positions]" if of_torch else _FIX),
            axis=batch,
            axis_name="batch",
            expected=str(wanted),
            got=str(made.shape),
        ),
        tuple(EditExpression(each.source, text) for each in (drops, layer) if text and each.source is not None),
    )


def _by_sample(evidence: Evidence, layer: Layer, batch: int) -> str:
    """The call with one position for each sample; a transpose that brought the batch behind is left out."""
    call = call_of(layer.source)
    if call is None or len(call.args) < 2:
        return ""
    data = call.args[0]
    if batch == 1:
        swap = evidence.producer(layer.id, 0)
        order = swap.settings.get("perm") if swap is not None else None
        is_swap = isinstance(order, tuple) and order[:2] == (1, 0)
        inner = call_of(swap.source) if swap is not None and is_swap else None
        if inner is None or not inner.args or ast.unparse(inner) != ast.unparse(data):
            return ""
        data = inner.args[0]
    elif batch != 0:
        return ""
    function, places = ast.unparse(call.func), ast.unparse(call.args[1])
    if not function.endswith("take"):
        return f"{function}({ast.unparse(data)}, {places}, axis=1, batch_dims=1)"
    places = places if isinstance(call.args[1], ast.Name | ast.Attribute | ast.Call | ast.Subscript) else f"({places})"
    singles = ", None" * (len(layer.inputs[0].shape) - 1)
    return f"{function}_along_axis({ast.unparse(data)}, {places}[:{singles}], axis=1)[:, 0]"


def _by_pairs(layer: Layer, axis: int) -> str:
    """The brackets with a row for every position: ``x[torch.arange(x.size(0)), n - 1]`` for ``x[:, n - 1]``."""
    if axis != 1 or layer.source is None or layer.source.expression is None:
        return ""
    try:
        node = ast.parse(layer.source.expression.strip(), mode="eval").body
    except SyntaxError:
        return ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) > 1:
        tensor, places = ast.unparse(node.value), ast.unparse(node.slice.elts[1])
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 2:
        tensor, places = ast.unparse(node.func.value), ast.unparse(node.args[1])
    else:
        return ""
    return f"{tensor}[torch.arange({tensor}.size(0)), {places}]"
