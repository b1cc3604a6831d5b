"""Differences, sums, shifts and paddings that were to run along time, and run along the features.

The features of a step have no order. Only of sequences that a recurrent layer or an attention reads, or that a layer of
weights gave, is it known which axis holds them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.axis_remedies import along_axes
from shapewidget.diagnosis.batch_axis import is_in_doubt
from shapewidget.diagnosis.chains import axis_argument, index_items, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import indexed, with_keywords
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_DOES = {
    "diff": "takes every feature from the next one",
    "sub": "takes every feature from the next one",
    "cumsum": "adds up the features of a step",
    "roll": "moves the features on",
    "pad": "puts zeros in front of the features",
}
_TIME, _FEATURES = 1, 2
_SIZES = ("hidden_size", "embed_dim", "out_features", "embedding_dim")


def run_along_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """An operation on neighbouring steps that runs along the last axis of (batch, time, features)."""
    if is_in_doubt(evidence):
        return
    for layer in evidence.graph.layers:
        is_function = layer.kind is LayerKind.OPERATION and layer.name in _DOES  # and no layer of that name
        if not is_function or not layer.inputs or layer.id in evidence.clash_at:
            continue
        parts = _shifted(evidence, layer) if layer.name == "sub" else (layer,) if _runs_along_last(layer) else ()
        if parts and _are_features(evidence, parts[0], layer):
            yield _said(evidence, layer, parts)


def _runs_along_last(layer: Layer) -> bool:
    if len(layer.inputs[0].shape) != 3:
        return False
    settings = layer.settings
    if layer.name == "pad":
        return _padded(layer) > 0
    if layer.name == "diff":
        return settings.get("dim", settings.get("2", -1)) in (-1, _FEATURES)
    if layer.name == "roll":
        return settings.get("dims", settings.get("2")) in (-1, _FEATURES, (-1,), (_FEATURES,))
    return axis_argument(layer) == _FEATURES


def _padded(layer: Layer) -> int:
    """How many values are put in front of the last axis, where none are put behind it or elsewhere."""
    match layer.settings.get("1", layer.settings.get("pad")):
        case (int(front), 0):
            return front
        case (int(front), 0, 0, 0):
            return front
    return 0


def _shifted(evidence: Evidence, layer: Layer) -> tuple[Layer, ...]:
    """The two cuts of one tensor that a difference is taken of: all features but the first, and all but the last."""
    cuts = [evidence.producer(layer.id, place) for place in range(min(2, len(layer.inputs)))]
    found = [each for each in cuts if each is not None and len(each.inputs[:1]) == 1]
    ends = [_end(each) for each in found]
    edges = {(edge.source, edge.output) for each in found if (edge := evidence.edge_into(each.id, 0)) is not None}
    return tuple(found) if sorted(ends) == ["1:", ":-1"] and len(edges) == 1 else ()


def _end(layer: Layer) -> str:
    """How an index cuts the last of three axes, and no other."""
    items = index_items(layer)
    is_last = items[:-1] in ((":", ":"), ("...",)) and len(layer.inputs[0].shape) == 3
    return items[-1] if is_last else ""


def _are_features(evidence: Evidence, first: Layer, layer: Layer) -> bool:
    axes = evidence.axes_into(first)
    if not is_all(axes[0], Role.BATCH) or not is_all(axes[_TIME], Role.POSITIONS):
        return False
    if is_all(axes[_FEATURES], Role.FEATURES):
        made = evidence.producer(first.id, 0)
        return made is not None and any(made.size(name) is not None for name in _SIZES)
    return _reader(evidence, layer) is not None


def _reader(evidence: Evidence, layer: Layer) -> Layer | None:
    """The recurrent layer or attention that takes the last axis for the features, past cuts and joins."""
    for reader, _ in readers(evidence, layer):
        if "batch_first" in reader.settings:
            return reader if reader.settings["batch_first"] else None
        if reader.name in ("index", "cat"):
            found = _reader(evidence, reader)
            if found is not None:
                return found
    return None


def _said(evidence: Evidence, layer: Layer, parts: tuple[Layer, ...]) -> Diagnosis:
    given = parts[0].inputs[0]
    features, steps = given.shape[_FEATURES], given.shape[_TIME]
    reason = (
        f"{place_text(layer)} runs along axis {_FEATURES} of {shape_text(given)}, the {features} features: it "
        f"{_DOES[layer.name]}, which have no order. The {steps} steps, which do, are on axis {_TIME}."
    )
    changes = _cut_along_time(parts) if layer.name == "sub" else list(_along_time(evidence, layer))
    reader = _reader(evidence, layer)
    is_read = any(each is reader for each, _ in readers(evidence, layer))
    if changes and is_read and reader is not None and reader.size("input_size") not in (None, features):
        changes = [*changes, SetArgument(reader.path, "input_size", features)]
    remedies: tuple[Remedy, ...] = (Together(tuple(changes)),) if len(changes) > 1 else tuple(changes)
    edits = [each.replacement for each in changes if isinstance(each, EditExpression)]
    said = finding_at(
        "SW626", layer, reason, fix="; ".join(edits) or f"{layer.name} along axis {_TIME}, which is time",
        axis=_FEATURES, axis_name="features", expected=f"axis {_TIME} ({steps} steps)",
        got=f"axis {_FEATURES} ({features} features)",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _cut_along_time(parts: tuple[Layer, ...]) -> list[EditExpression | SetArgument]:
    texts = [(each.source, indexed(each.source), _end(each)) for each in parts]
    edits = [EditExpression(source, f"{text}[:, {end}]") for source, text, end in texts if source and text]
    return [*edits] if len(edits) == len(parts) else []


def _along_time(evidence: Evidence, layer: Layer) -> Iterator[EditExpression | SetArgument]:
    if layer.name == "pad":
        yield from _padded_along_time(evidence, layer)
        return
    named = with_keywords(layer.source, f"dim={_TIME}") if layer.name == "diff" else None
    if layer.source is not None and named is not None and "dim" not in layer.settings:
        yield EditExpression(layer.source, named)
        return
    yield from (each for each in along_axes(layer, [_TIME]) if isinstance(each, EditExpression))


def _padded_along_time(evidence: Evidence, layer: Layer) -> Iterator[EditExpression]:
    """The zeros in front of the steps, and the steps cut behind in the place of the features."""
    call, source, count = call_of(layer.source), layer.source, _padded(layer)
    if call is None or source is None or not call.args:
        return
    function = ast.unparse(call.func)
    padded = f"{function}({ast.unparse(call.args[0])}, (0, 0, {count}, 0))"
    cuts = [each for each, _ in readers(evidence, layer) if _end(each) == f":-{count}"]
    if not cuts:
        yield EditExpression(source, padded)
        return
    receiver, cut = indexed(cuts[0].source), cuts[0].source
    if receiver is None or cut is None or len(cuts) > 1:
        return
    if receiver == ast.unparse(call):
        yield EditExpression(cut, f"{padded}[:, :-{count}]")
        return
    yield EditExpression(source, padded)
    yield EditExpression(cut, f"{receiver}[:, :-{count}]")
