"""Layers that were built for another width than they are given."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.chains import axis_argument, maker
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.input_layouts import layout_remedies, layouts
from shapewidget.diagnosis.operand_remedies import of_another_width
from shapewidget.diagnosis.structure_remedies import flattened_before
from shapewidget.diagnosis.wording import place_text, size_text, why_of
from shapewidget.graph.dims import Dim, symbol
from shapewidget.graph.records import Clash, ClashKind, Declared, Layer, LayerKind
from shapewidget.graph.remedies import Remedy, SetArgument

_KEEPS_WIDTH = frozenset(
    ("Dropout", "ReLU", "Tanh", "Sigmoid", "GELU", "Identity", "relu", "tanh", "sigmoid", "dropout")
)

_JOINS = frozenset(("cat", "concat", "concatenate"))


def width_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer whose declared input size is not the size that arrives."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or clash.kind is not ClashKind.SIZE or clash.input or layer.kind is not LayerKind.LAYER:
            continue
        declared = next(
            (size for size in layer.declared if size.axis is not None and size.size == clash.expected), None
        )
        if declared is not None:
            yield _diagnosis(evidence, clash, layer, declared)


def _diagnosis(evidence: Evidence, clash: Clash, layer: Layer, declared: Declared) -> Diagnosis:
    got = evidence.dim(layer, 0, clash.axis)
    producer = _maker(evidence, layer)
    gives = f"{place_text(producer)} gives" if producer is not None else "it is given"
    why = why_of(producer, got) if producer is not None else ""
    code, axis_name = _family(layer)
    takes = size_text(f"{declared.name} = {declared.size}", declared.dim)
    given = f"{gives} {size_text(clash.got, got)}{why}"
    reason = f"{place_text(layer)} takes {declared.size} {axis_name} ({takes}), but {given}."
    value = clash.got
    axis, size = declared.axis or 0, declared.size
    found = () if _are_its_channels(producer, clash) else tuple(layouts(evidence, layer, axis, size))
    if found:
        reason += f" {found[0].why}"
    return Diagnosis(
        finding(
            code,
            "module",
            layer.path or layer.type,
            reason,
            fix=f"build `{layer.path or layer.type}` with {declared.name}={value}",
            axis=clash.axis,
            axis_name=axis_name,
            expected=clash.expected,
            got=clash.got,
            source=layer.source,
            layer_id=layer.id,
        ),
        (
            *(remedy for layout in found for remedy in layout_remedies(evidence, layer, layout)),
            *flattened_before(evidence, layer),
            *_other_widths(evidence, layer, declared, clash, got),
        ),
    )


def _other_widths(
    evidence: Evidence, layer: Layer, declared: Declared, clash: Clash, got: Dim | None
) -> Iterator[Remedy]:
    """The layer built for what it is given, or the layer before it for what this one takes."""
    given, count = layer.inputs[0].shape, sum(each.name == declared.name for each in layer.declared)
    if count > 1:
        if count == 2 and len(given) == 3:  # of steps and features: over the features alone it takes any length
            yield SetArgument(layer.path, declared.name, given[-1])
        yield SetArgument(layer.path, declared.name, given[-count:])
    elif got is None or got != symbol("B"):
        yield SetArgument(layer.path, declared.name, clash.got, got)
    made = maker(evidence, layer)
    if made is not None:
        remedy = of_another_width(made[0], declared.size, declared.dim)
        if remedy is not None:
            yield remedy
        yield from _narrower_parts(evidence, made[0], declared.size)


def _narrower_parts(evidence: Evidence, joined: Layer, width: int) -> Iterator[Remedy]:
    """One of the tensors that are joined made by a narrower layer, so that all of them together have a width."""
    rank = len(joined.outputs[0].shape) if joined.outputs else 0
    if joined.name not in _JOINS or axis_argument(joined) != rank - 1:
        return
    excess = joined.outputs[0].shape[-1] - width
    for place, part in enumerate(joined.inputs):
        made = maker(evidence, joined, place)
        if made is not None and part.shape[-1] > excess > 0:
            remedy = of_another_width(made[0], part.shape[-1] - excess, None)
            yield from (remedy,) if remedy is not None else ()


def _family(layer: Layer) -> tuple[str, str]:
    if layer.size("in_channels") is not None:
        return "SW102", "channels"
    if "Norm" in layer.type:
        return "SW103", "channels" if layer.size("num_channels") is not None else "features"
    return "SW101", "features"


def _are_its_channels(producer: Layer | None, clash: Clash) -> bool:
    """Whether a convolution put its channels on the clashing axis, so that no other axis holds them."""
    made = producer.size("out_channels") if producer is not None else None
    return made is not None and clash.axis == 1 and made == clash.got


def _maker(evidence: Evidence, layer: Layer) -> Layer | None:
    """The layer that made the clashing size: activations and dropout only hand it on."""
    producer = evidence.producer(layer.id, 0)
    while producer is not None and producer.type in _KEEPS_WIDTH:
        before = evidence.producer(producer.id, 0)
        if before is None:
            break
        producer = before
    return producer
