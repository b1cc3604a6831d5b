"""Masks that say to an attention of Keras what to attend to, made as masks that say what to leave out."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import keyword_edited
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, HandOver, Remedy
from shapewidget.graph.steps import Step

_MASK = "attention_mask"
_PASSING = frozenset("index expand_dims cast reshape".split())


def padding_attended(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mask that is on where the ids are those of the padding, or of each step and those behind it."""
    for layer in evidence.graph.layers:
        names = layer.settings.get("arguments")
        if layer.kind is not LayerKind.LAYER or not isinstance(names, tuple) or _MASK not in names:
            continue
        place = names.index(_MASK)
        if place >= len(layer.inputs):
            continue
        compared = _comparison(evidence, layer, place)
        if layer.settings.get("attends_to") == "later steps":
            yield _of_order(layer, place)
        elif compared is not None:
            yield _of_padding(layer, place, compared)


def _comparison(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """The comparison of ids with one number that made a mask."""
    node = evidence.producer(layer.id, place)
    while node is not None and node.name in _PASSING:
        node = evidence.producer(node.id, 0)
    if node is None or node.name not in ("equal", "eq") or not node.inputs or node.inputs[0].dtype.startswith("float"):
        return None
    return node if len(node.inputs[0].shape) == 2 and all(not spec.shape for spec in node.inputs[1:]) else None


def _of_padding(layer: Layer, place: int, compared: Layer) -> Diagnosis:
    given, ids = layer.inputs[place], compared.inputs[0]
    reason = (
        f"{place_text(layer)} attends where its attention_mask {shape_text(given)} is on, and `{compared.name}` makes "
        f"it of the ids {shape_text(ids)} where they are one number, that of the padding: the words are left out, and "
        f"the padding is read."
    )
    said = finding_at(
        "SW619", layer, reason, fix="attention_mask of ids != 0", axis_name="mask", expected="on where there are words",
        got="on where there is padding", input=place,
    )  # fmt: skip
    edit = _opposite(compared)
    handed = HandOver(layer.path, edit, place, steps=(Step("logical_not"),))
    return Diagnosis(said, (edit, handed) if edit is not None else (handed,))


def _opposite(compared: Layer) -> EditExpression | None:
    """The comparison the other way round."""
    source = compared.source
    for one, other in (("==", "!="), (".equal(", ".not_equal(")):
        if source is not None and source.expression is not None and source.expression.count(one) == 1:
            return EditExpression(source, source.expression.replace(one, other))
    return None


def _of_order(layer: Layer, place: int) -> Diagnosis:
    given = layer.inputs[place]
    edit = keyword_edited(layer.source, _MASK, lambda text: f"{text}.transpose(-2, -1)")
    remedies: tuple[Remedy, ...] = (edit,) if edit is not None else ()
    handed = HandOver(layer.path, edit, place, steps=(Step("transpose", (-2, -1)),))
    reason = (
        f"{place_text(layer)} attends where its attention_mask {shape_text(given)} is on. It is on at each step for "
        f"that step and all behind it: every step reads those to come, and none of those before."
    )
    said = finding_at(
        "SW619", layer, reason, fix="use_causal_mask=True, or the mask turned: band_part(ones, -1, 0)",
        axis_name="mask", expected="on for the steps before", got="on for the steps behind", input=place,
    )  # fmt: skip
    return Diagnosis(said, (*remedies, handed))
