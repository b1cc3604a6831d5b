"""Counts of the classes that occur among labels, where one is wanted for every class that there is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.expressions import with_keywords
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression


def counted_over_all(evidence: Evidence, layer: Layer, place: int, classes: int) -> Iterator[EditExpression]:
    """The count behind an argument of a loss made over all classes: ``bincount(labels, minlength=4)``."""
    edge = evidence.edge_into(layer.id, place)
    before = evidence.before(edge.source) if edge is not None else frozenset[str]()
    for node in evidence.graph.layers:
        if node.id not in before or node.source is None:
            continue
        if node.name == "bincount":
            text = with_keywords(node.source, f"minlength={classes}")
        else:
            text = _of_all(node, classes) if node.name == "unique" else None
        if text is not None:
            yield EditExpression(node.source, text)


def _of_all(node: Layer, classes: int) -> str | None:
    """What `unique` gives with its counts, of all classes and not of those that occur."""
    call = call_of(node.source)
    if call is None or [each.arg for each in call.keywords] != ["return_counts"]:
        return None
    owner = [call.func.value] if isinstance(call.func, ast.Attribute) and is_method(call.func) else []
    labels = next(iter((*owner, *call.args)), None)
    if labels is None:
        return None
    return f"(torch.arange({classes}), torch.bincount({ast.unparse(labels)}, minlength={classes}))"
