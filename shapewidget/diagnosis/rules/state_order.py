"""The parts of an LSTM's state handed over the wrong way round: both have one shape, so that nothing refuses them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import Operands, call_of
from shapewidget.diagnosis.wording import place_text
from shapewidget.graph.records import Edge, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_PARTS = ("hidden state h", "cell state c")
_JOINING = frozenset("Concatenate concat cat Add add Average stack".split())
_MOVING = frozenset("index unsqueeze expand_dims squeeze reshape view Dropout dropout".split())


def parts_of_state_swapped(evidence: Evidence) -> Iterator[Diagnosis]:
    """An LSTM that starts from the cell state of another one where it takes the hidden state, or from both in one."""
    for layer in evidence.graph.layers:
        if not _is_lstm(layer) or layer.id in evidence.clash_at:
            continue
        states = [place for place, spec in enumerate(layer.inputs) if place and spec.dtype.startswith(("float", "bfl"))]
        if len(states) not in (2, 4):
            continue
        given = [_parts(evidence, evidence.edge_into(layer.id, place)) for place in states]
        wrong = [at for at, parts in enumerate(given) if parts and parts != {at % 2}]
        if wrong and all(given):
            yield _said(layer, states[wrong[0]], wrong[0] % 2, given, len(states))


def _is_lstm(layer: Layer) -> bool:
    """Whether a layer's state has two parts."""
    is_both = layer.type == "Bidirectional" and len(layer.outputs) == 5
    return layer.kind is LayerKind.LAYER and (layer.type == "LSTM" or is_both or _takes_four(layer))


def _takes_four(layer: Layer) -> bool:
    return layer.type == "Bidirectional" and len(layer.inputs) == 5


def _parts(evidence: Evidence, edge: Edge | None, steps: int = 6) -> set[int]:
    """Which parts of the state of an LSTM a tensor is made of, 0 for h and 1 for c; none where that is not known."""
    made = evidence.layer(edge.source) if edge is not None else None
    if edge is None or made is None or not steps:
        return set()
    if made.kind is LayerKind.LAYER and _is_lstm(made):
        return {(edge.output - 1) % 2} if edge.output else set()
    if made.type in _JOINING or made.name in _JOINING:
        parts = [_parts(evidence, each, steps - 1) for each in evidence.graph.into(made.id)]
        return set().union(*parts) if all(parts) else set()
    is_moved = made.name in _MOVING or made.type in _MOVING
    return _parts(evidence, evidence.edge_into(made.id, 0), steps - 1) if is_moved else set()


def _said(layer: Layer, place: int, wanted: int, given: list[set[int]], count: int) -> Diagnosis:
    spec = layer.inputs[place]
    is_mixed = len(given[place - 1]) > 1
    got = "both parts put together" if is_mixed else f"the {_PARTS[1 - wanted]}"
    edit = None if is_mixed else next(_in_order(layer), None)
    reason = (
        f"{place_text(layer)} takes the {_PARTS[wanted]} as part {place} of its state, {spec}, and is given {got} of "
        f"another LSTM. Both have one shape, so that it runs; c is no value between -1 and 1, as h is, and the gates "
        f"read what they were not trained for."
    )
    order = "[h, c]" if count == 2 else "[forward_h, forward_c, backward_h, backward_c]"
    said = finding_at(
        "SW670", layer, reason, fix=edit.replacement if edit is not None else f"hand over {order}", axis=None,
        axis_name="state", expected=f"{_PARTS[wanted]} {spec}", got=f"{got} {spec}", input=place,
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())


def _in_order(layer: Layer) -> Iterator[EditExpression]:
    """The call with the two parts the other way round, where both stand in it."""
    call, source = call_of(layer.source), layer.source
    if call is None or source is None or source.expression is None:
        return
    values = [each.value for each in call.keywords if each.arg == "initial_state"] or call.args[1:2]
    if values and isinstance(values[0], ast.List | ast.Tuple) and len(values[0].elts) == 2:
        operands = Operands(source, source.expression, tuple(values[0].elts), 1)
        yield operands.edit({0: operands.text(1), 1: operands.text(0)})
