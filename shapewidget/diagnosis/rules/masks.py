"""Masks of padding that are made, and are gone before a layer looks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.mask_remedies import mask_remedies
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Edge, Layer, LayerKind, TensorSpec
from shapewidget.graph.remedies import Remedy


def mask_lost(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer that skips padding is given a tensor whose mask another layer, or an operation, has not handed on."""
    told = set()
    for reader in evidence.graph.layers:
        for edge in _entering(evidence, reader) if _looks(reader) else ():
            loser = _loser(evidence, edge)
            holder = _holder(evidence, loser) if loser is not None else None
            is_run = min(reader.inputs[0].shape[:2]) > 0  # while a model is built, no size is known
            if loser is not None and holder is not None and holder.id not in told and is_run:
                told.add(holder.id)
                remedies = mask_remedies(evidence, holder, reader, edge.input)
                yield _diagnosis(reader, loser, holder, tuple(remedies))


def _looks(layer: Layer) -> bool:
    """Whether the layer, or a loss of one value a step, computes something else where there is a mask."""
    if layer.kind is LayerKind.LOSS:
        is_weighted = layer.settings.get("weights") is not None or layer.settings.get("metric")
        return "takes" in layer.settings and not is_weighted and bool(layer.inputs) and len(layer.inputs[0].shape) > 2
    return bool(layer.settings.get("looks_for_mask"))


def _entering(evidence: Evidence, layer: Layer) -> list[Edge]:
    """The edges over which a layer is given its tensors; of a group those that enter it."""
    if layer.kind is not LayerKind.GROUP:
        edges = evidence.graph.into(layer.id)
        return [edge for edge in edges if edge.input == 0] if layer.kind is LayerKind.LOSS else list(edges)
    inner = {each.id for each in evidence.graph.layers if _is_in(evidence, each, layer)}
    return [edge for edge in evidence.graph.edges if edge.target in inner and edge.source not in inner]


def _is_in(evidence: Evidence, layer: Layer, group: Layer) -> bool:
    above: Layer | None = layer
    while above is not None and above.id != group.id:
        above = evidence.layer(above.parent) if above.parent is not None else None
    return above is not None


def _loser(evidence: Evidence, edge: Edge) -> Layer | None:
    """The nearest node before an edge that read a sequence with a mask and gave one without."""
    reader = evidence.layer(edge.target)
    if reader is None or edge.input >= len(reader.inputs) or reader.inputs[edge.input].masked:
        return None
    samples, waiting, seen = _samples(reader.inputs[edge.input]), [edge.source], set()
    while waiting and samples is not None:
        node = evidence.layer(waiting.pop(0))
        if node is None or node.id in seen or node.settings.get("looks_for_mask") or _hands_out(node):
            continue
        seen.add(node.id)
        same = [place for place, spec in enumerate(node.inputs) if _samples(spec) == samples]
        if any(node.inputs[place].masked for place in same):
            return node
        waiting += [each.source for each in evidence.graph.into(node.id) if each.input in same]
    return None


def _samples(spec: TensorSpec) -> int | None:
    """The number of samples of a batch of sequences; None of any other tensor."""
    return spec.shape[0] if len(spec.shape) > 2 else None


def _hands_out(node: Layer) -> bool:
    return any(spec.masked for spec in node.outputs)


def _holder(evidence: Evidence, loser: Layer) -> Layer:
    """The layer that has to hand the mask on: of the user's own layers around the loser the outermost without one."""
    found, above = loser, evidence.layer(loser.parent) if loser.parent is not None else None
    while above is not None and above.inputs and above.inputs[0].masked and not _hands_out(above):
        found, above = above, evidence.layer(above.parent) if above.parent is not None else None
    return found


def _diagnosis(reader: Layer, loser: Layer, holder: Layer, remedies: tuple[Remedy, ...]) -> Diagnosis:
    given = next(spec for spec in loser.inputs if spec.masked)
    steps = TensorSpec(given.shape[:2], "bool", dims=given.dims[:2] if given.dims is not None else None)
    read = reader.inputs[0]
    within = f", where `{loser.name}` makes a new tensor" if holder is not loser else ""
    does = "counts the padded steps" if reader.kind is LayerKind.LOSS else "reads padding as data"
    is_function = holder.kind is LayerKind.OPERATION and reader.kind is LayerKind.LAYER
    said = finding_at(
        "SW625",
        reader if is_function else holder,
        f"{place_text(holder)} is given {shape_text(given)} with a mask {shape_text(steps)} that says which steps "
        f"are padding, and hands none on{within}: {place_text(reader)} looks for a mask, finds none, and {does}.",
        fix=_fix(holder),
        axis=1,
        axis_name="time",
        expected=f"a mask {read.shape[:2]}",
        got=f"no mask for {read.shape}",
    )
    return Diagnosis(replace(said, op=holder.name) if is_function else said, remedies)


def _fix(holder: Layer) -> str:
    if holder.kind is LayerKind.OPERATION:
        return "hand the mask over yourself: layer(x, mask=embedding.compute_mask(ids)), or use a layer: layers.Add()"
    if holder.type == "Lambda":
        return "Lambda(..., mask=lambda inputs, mask: mask)"
    return f"self.supports_masking = True in `{holder.type}`, or a compute_mask that returns the mask"
