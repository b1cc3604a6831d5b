"""A packed sequence that is unpacked in another layout than it was packed from."""

from __future__ import annotations

import ast

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression

_BATCH_FIRST = "2"
"""The place of that argument in the functions below ``pack_padded_sequence`` and ``pad_packed_sequence``."""


def unpacked_time_first(evidence: Evidence, layer: Layer) -> Layer | None:
    """The node behind which a tensor has time in front, although it was packed with the batch there."""
    packs = [each for each in evidence.graph.layers if each.name == "_pack_padded_sequence"]
    if not packs or not all(each.settings.get(_BATCH_FIRST) for each in packs):
        return None
    node: Layer | None = layer
    while node is not None:
        if node.name == "_pad_packed_sequence":
            return None if node.settings.get(_BATCH_FIRST) else node
        node = evidence.producer(node.id, 0)
    return None


def batch_first_again(unpacked: Layer) -> tuple[EditExpression, ...]:
    """The call with the batch in front."""
    call = call_of(unpacked.source)
    if call is None or unpacked.source is None or len(call.args) != 1:
        return ()
    kept = [keyword for keyword in call.keywords if keyword.arg != "batch_first"]
    first = ast.keyword("batch_first", ast.Constant(True))
    return (EditExpression(unpacked.source, ast.unparse(ast.Call(call.func, call.args, [first, *kept]))),)
