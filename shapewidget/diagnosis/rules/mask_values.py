"""Masks that hide the wrong positions, or put a zero where a softmax gives weight to zeros too.

What a mask marks is known from its values beside those of the inputs; what an operation does where it is on, from the
operation: `masked_fill` and `nn.MultiheadAttention` hide, `where` and `scaled_dot_product_attention` keep.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import axis_argument, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of, operands_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import has_weights_behind
from shapewidget.graph.masking import Marked, Mask
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_SOFTMAX = frozenset(("softmax", "Softmax"))
_ATTENTION = "MultiheadAttention"
_FUSED = "scaled_dot_product_attention"
_SCALING = frozenset(("add", "sub", "mul", "div", "where"))
_OF_CHANCE_OR_OF_VALUES = frozenset("rand rand_like bernoulli bernoulli_ dropout isnan isinf isfinite".split())
_FARTHEST = 4
_HIDDEN = -1e3
_OTHER_SIDE = {
    Marked.DATA: Marked.PADDING,
    Marked.PADDING: Marked.DATA,
    Marked.EARLIER: Marked.LATER,
    Marked.LATER: Marked.EARLIER,
}


def mask_inverted(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mask that hides the data and shows the padding, or hides the steps before and shows those to come."""
    read = _masks_read(evidence)
    hidden = [(layer, place, mask, _hides(evidence, layer, mask, place)) for layer, place, mask in read]
    directions = {what for _, _, _, what in hidden}
    for layer, place, mask, what in hidden:
        is_one_of_two = what is Marked.EARLIER and Marked.LATER in directions
        if what in (Marked.DATA, Marked.EARLIER) and not is_one_of_two:
            yield _inverted(evidence, layer, place, mask, what)


def _masks_read(evidence: Evidence) -> Iterator[tuple[Layer, int, Mask]]:
    """The masks of attention whose marks are known: who reads them, and as which input."""
    for layer in evidence.graph.layers if evidence.masks else ():
        for edge in evidence.edges_into.get(layer.id, ()):
            mask = evidence.masks.get((edge.source, edge.output))
            if mask is not None and edge.input < len(layer.inputs):
                yield layer, edge.input, mask


def _hides(evidence: Evidence, layer: Layer, mask: Mask, place: int) -> Marked | None:
    """What a node hides from a softmax by a mask; None where it does not use it for that."""
    others = _OTHER_SIDE[mask.marked]
    if layer.type == _ATTENTION and place > 2:
        return mask.marked
    if layer.name == _FUSED and place == 3:
        return mask.marked if mask.is_additive else others
    if not _reaches_softmax(evidence, layer, _FARTHEST):
        return None
    if layer.name.rstrip("_") == "masked_fill" and place == 1:
        return mask.marked if _filled_with(layer) <= _HIDDEN else None
    if layer.name == "where" and place == 0:
        value = layer.settings.get("2")
        return others if isinstance(value, int | float) and value <= _HIDDEN else None
    return mask.marked if layer.name == "add" and mask.is_additive else None


def _reaches_softmax(evidence: Evidence, layer: Layer, steps: int) -> bool:
    """Whether a softmax reads what a node gives, past scaling and further masks."""
    if not steps:
        return False
    read = [reader for reader, _ in readers(evidence, layer)]
    return any(reader.type in _SOFTMAX for reader in read) or any(
        reader.name.rstrip("_") in _SCALING and _reaches_softmax(evidence, reader, steps - 1) for reader in read
    )


def _filled_with(layer: Layer) -> float:
    value = layer.settings.get("2", layer.settings.get("value"))
    return float(value) if isinstance(value, int | float) else 0.0


def _inverted(evidence: Evidence, layer: Layer, place: int, mask: Mask, hidden: Marked) -> Diagnosis:
    spec = layer.inputs[place]
    if hidden is Marked.DATA:
        count = mask.count if mask.marked is Marked.DATA else mask.of - mask.count
        seen, expected = mask.of - count, f"the {mask.of - count} steps of padding hidden"
        got = f"the {count} steps of data hidden"
        what = f"hides the {count} steps that hold data, and shows the {seen} that only fill shorter sequences up"
    else:
        expected, got = "the steps behind each step hidden", "the steps before each step hidden"
        what = f"hides, of {mask.of} steps, those before each step, and shows it those to come"
    edits = tuple(_turned(evidence, layer, place))
    reason = f"{place_text(layer)} is given a mask {shape_text(spec)} that {what}: it is the wrong way round."
    said = finding_at(
        "SW619", layer, reason, fix=edits[0].replacement if edits else "turn the mask round: ~mask",
        axis_name="mask", expected=expected, got=got, input=place,
    )  # fmt: skip
    return Diagnosis(said, edits)


def _turned(evidence: Evidence, layer: Layer, place: int) -> Iterator[EditExpression]:
    """The mask negated where it is handed over: as an operand, or by its name to the layer or to one that holds it."""
    if layer.kind is LayerKind.OPERATION:
        operands = operands_of(layer)
        if operands is not None and len(operands) > place:
            yield operands.edit({place: f"~{operands.text(place)}"})
        return
    node: Layer | None = layer
    while node is not None:
        call = call_of(node.source)
        for keyword in call.keywords if call is not None else ():
            if keyword.arg is not None and "mask" in keyword.arg and node.source is not None and call is not None:
                keyword.value = ast.UnaryOp(ast.Invert(), keyword.value)
                yield EditExpression(node.source, ast.unparse(call))
                keyword.value = keyword.value.operand
        node = evidence.layer(node.parent) if node.parent is not None else None


def zero_before_softmax(evidence: Evidence) -> Iterator[Diagnosis]:
    """Scores that are multiplied by a mask, or filled with zeros: to a softmax a zero is a score like any other."""
    for layer in evidence.graph.layers:
        place = _zeroed_by(evidence, layer)
        if place is None or not layer.outputs or not _is_given(evidence, layer, place):
            continue
        rank, mask = len(layer.outputs[0].shape), layer.inputs[place]
        for reader, _ in readers(evidence, layer):
            axis = axis_argument(reader) if reader.type in _SOFTMAX else None
            varies = axis is not None and len(mask.shape) >= rank - axis and mask.shape[axis - rank] > 1
            if varies and not _is_hidden_too(evidence, layer, reader):
                yield _zeros(layer, place, reader)


def _zeroed_by(evidence: Evidence, layer: Layer) -> int | None:
    """The input that is a mask by which values become zero."""
    if layer.name.rstrip("_") == "masked_fill" and len(layer.inputs) > 1:
        value = layer.settings.get("2", layer.settings.get("value"))
        return 1 if isinstance(value, int | float) and value == 0 else None
    if layer.name.rstrip("_") != "mul" or len(layer.inputs) < 2:
        return None
    known = [
        edge.input for edge in evidence.edges_into.get(layer.id, ()) if (edge.source, edge.output) in evidence.masks
    ]
    truths = [place for place, spec in enumerate(layer.inputs) if spec.dtype == "bool"]
    return next(iter([*known, *truths]), None)


def _is_given(evidence: Evidence, layer: Layer, place: int) -> bool:
    """Whether a mask comes from the data alone, and neither from chance nor from the scores themselves."""
    mask, scores = evidence.edge_into(layer.id, place), evidence.edge_into(layer.id, 1 - place)
    if mask is None or scores is None or has_weights_behind(evidence.graph, layer.id, place):
        return False
    before = evidence.before(mask.source)
    names = {node.name for node in map(evidence.layer, before) if node is not None}
    return scores.source not in before and not names & _OF_CHANCE_OR_OF_VALUES


def _is_hidden_too(evidence: Evidence, layer: Layer, softmax: Layer) -> bool:
    """Whether something else between the scores and the softmax hides positions."""
    nodes, waiting = list[Layer](), [softmax, layer]
    for start in waiting:
        node = evidence.producer(start.id, 0)
        while node is not None and node.kind is LayerKind.OPERATION and node.name not in ("matmul", "bmm", "einsum"):
            nodes.append(node)
            node = evidence.producer(node.id, 0)
    return any(
        node.id != layer.id
        and (node.name == "where" or (node.name.rstrip("_") == "masked_fill" and _filled_with(node)))
        for node in nodes
    )


def _zeros(layer: Layer, place: int, reader: Layer) -> Diagnosis:
    scores, mask = layer.inputs[1 - place], layer.inputs[place]
    operands = operands_of(layer)
    edits: tuple[EditExpression, ...] = ()
    if operands is not None and len(operands) > 1 and layer.source is not None:
        if layer.name.rstrip("_") == "masked_fill":
            edits = (operands.edit({2: "-1e9"}),) if len(operands) > 2 else ()
        else:
            hidden = f"{operands.text(1 - place)}.masked_fill({operands.text(place)} == 0, -1e9)"
            edits = (EditExpression(operands.source, hidden),)
    reason = (
        f"{place_text(layer)} puts zeros into the scores {shape_text(scores)} where the mask {shape_text(mask)} is to "
        f"hide, and {place_text(reader)} reads them: exp(0) = 1, so what is hidden gets weight all the same. To a "
        f"softmax, only a large negative number hides."
    )
    said = finding_at(
        "SW620", layer, reason, fix=edits[0].replacement if edits else "scores.masked_fill(mask == 0, -1e9)",
        axis=axis_argument(reader), axis_name="scores", expected="-1e9 or -inf where it hides", got="0 where it hides",
        input=place,
    )  # fmt: skip
    return Diagnosis(said, edits)
