"""Tensors that a layer refuses, where the layer took its sizes over from the first tensor that it was given."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.channel_layouts import channels_first_at, channels_first_text, channels_last_remedies
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.groups import group_remedies, groups_refused, is_about_groups
from shapewidget.diagnosis.layer_remedies import (
    input_remedies,
    merge_remedies,
    reshape_layer_remedies,
    unknown_remedies,
    window_remedies,
)
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import Remedy, SetArgument


def size_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer refused a size that none of its constructor's arguments declares."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.kind is not LayerKind.LAYER or clash.input >= len(layer.inputs):
            continue
        if clash.kind is ClashKind.RANK and clash.against is not None:
            yield Diagnosis(_joined(evidence, clash, layer), tuple(merge_remedies(evidence, clash, layer)))
        if clash.kind is not ClashKind.SIZE or _is_declared(layer, clash):
            continue
        if layer.type == "MultiheadAttention" or (clash.input and "arguments" in layer.settings):
            continue
        yield Diagnosis(_finding(evidence, clash, layer), tuple(_remedies(evidence, clash, layer)))


def _remedies(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    missing = _missing_batch(evidence, layer)
    if missing is not None:
        yield from _at_the_model(evidence, *missing)
    elif clash.against is not None:
        yield from merge_remedies(evidence, clash, layer)
    elif isinstance(clash.expected, tuple):
        yield from reshape_layer_remedies(evidence, clash, layer)
    elif clash.got is None:
        yield from unknown_remedies(evidence, layer)
    elif clash.axis == 0 and layer.settings.get("stateful"):
        yield SetArgument(layer.path, "stateful", False)
    elif is_about_groups(clash):
        yield from group_remedies(clash, layer)
    elif isinstance(clash.expected, str):
        yield from channels_last_remedies(channels_first_at(evidence, layer) if clash.axis == 1 else None)
        yield from window_remedies(layer)
        yield from _smaller_window(clash, layer)


def _at_the_model(evidence: Evidence, source: Layer, declared: tuple[object, ...]) -> Iterator[Remedy]:
    inputs = [each.id for each in evidence.graph.layers if isinstance(each.settings.get("declared_shape"), tuple)]
    yield from input_remedies(source, inputs.index(source.id), declared)


def _smaller_window(clash: Clash, layer: Layer) -> Iterator[Remedy]:
    """A window that fits, or as much padding as lets it fit."""
    least = str(clash.expected).removeprefix("at least ")
    kernel, got = layer.settings.get("kernel_size"), clash.got
    if not layer.path or kernel is None or not least.isdigit() or not isinstance(got, int):
        return
    padding = layer.settings.get("padding", 0)
    had = padding[0] if isinstance(padding, tuple) else padding
    if isinstance(had, int):
        yield SetArgument(layer.path, "padding", had + -(-(int(least) - got) // 2))
    yield SetArgument(layer.path, "kernel_size", got)


def inputs_miscounted(evidence: Evidence) -> Iterator[Diagnosis]:
    """A model that is given another number of tensors than it has inputs."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        names = layer.settings.get("input_names") if layer is not None else None
        if layer is None or clash.kind is not ClashKind.FORM or not isinstance(names, tuple):
            continue
        given = ", ".join(map(shape_text, layer.inputs))
        reason = (
            f"{place_text(layer)} has {clash.expected} inputs ({', '.join(names)}), and is given {clash.got}: {given}. "
            "Of a batch, the first part is taken for the inputs, the second for the targets, the third for the weights "
            "of the samples."
        )
        fix = f"give all inputs as one part: (({', '.join(names)}), targets)"
        details = {"axis_name": "inputs", "expected": f"{clash.expected} inputs", "got": f"{clash.got} inputs"}
        yield Diagnosis(finding_at("SW119", layer, reason, fix=fix, **details))


def input_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A model refused an input before any of its layers did."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        declared = layer.settings.get("declared_shape") if layer is not None else None
        if layer is None or layer.kind is not LayerKind.INPUT or not isinstance(declared, tuple):
            continue
        given = layer.outputs[0].shape
        is_sample = _fits(declared[1:], given)
        why = ", one sample without a batch axis" if is_sample else ""
        reason = f"{place_text(layer)} is {given}{why}, and the model was built for {declared}."
        yield Diagnosis(
            finding(
                "SW114" if is_sample else "SW110" if clash.kind is ClashKind.RANK else "SW101",
                "module",
                layer.name,
                reason,
                layer_id=layer.id,
                fix=f"add the batch axis: {layer.name}[None]" if is_sample else f"give it the shape {declared}",
                axis=0 if is_sample else clash.axis,
                axis_name="batch" if is_sample else "",
                expected=declared,
                got=given,
            ),
            tuple(_at_the_model(evidence, layer, declared)),
        )


def _fits(declared: tuple[object, ...], given: tuple[int, ...]) -> bool:
    return len(declared) == len(given) and all(want in (None, got) for want, got in zip(declared, given, strict=True))


def _is_declared(layer: Layer, clash: Clash) -> bool:
    of_axes = [size.size for size in layer.declared if size.axis is not None]
    return clash.expected in of_axes or layer.size("hidden_size") is not None


def _finding(evidence: Evidence, clash: Clash, layer: Layer) -> Finding:
    missing = _missing_batch(evidence, layer)
    if missing is not None:
        return _without_batch(clash, layer, missing[0])
    if clash.against is not None:
        return _joined(evidence, clash, layer)
    if isinstance(clash.expected, tuple) and isinstance(clash.got, tuple):
        return _reshaped(clash, layer)
    if clash.got is None:
        return _unknown(evidence, clash, layer)
    if clash.axis == 0 and layer.settings.get("stateful"):
        return _stateful(clash, layer)
    if is_about_groups(clash):
        return groups_refused(clash, layer)
    return _width(evidence, clash, layer)


def _missing_batch(evidence: Evidence, layer: Layer) -> tuple[Layer, tuple[object, ...]] | None:
    """The input that has the shape of one sample where the model takes a batch of them."""
    for each in evidence.graph.layers:
        declared = each.settings.get("declared_shape")
        if each.id in evidence.before(layer.id) and isinstance(declared, tuple) and each.outputs:
            given = each.outputs[0].shape
            if _fits(declared[1:], given):
                return each, declared
    return None


def _without_batch(clash: Clash, layer: Layer, source: Layer) -> Finding:
    given = source.outputs[0].shape
    return finding_at(
        "SW114",
        layer,
        f"{place_text(source)} is {given}, one sample without a batch axis, and the model takes {(1, *given)} for one: "
        f"its {given[0]} rows were read as {given[0]} samples, so that {place_text(layer)} takes {clash.expected} and "
        f"is given {clash.got}.",
        fix=f"add the batch axis: {source.name}[None]",
        axis=0,
        axis_name="batch",
        expected=(1, *given),
        got=given,
    )


def _joined(evidence: Evidence, clash: Clash, layer: Layer) -> Finding:
    one, other = layer.inputs[clash.against or 0], layer.inputs[clash.input]
    makers = [evidence.producer(layer.id, place) for place in (clash.against or 0, clash.input)]
    named = [f" from {place_text(maker)}" if maker is not None else "" for maker in makers]
    along = layer.settings.get("axis")
    joins = isinstance(along, int) and layer.type == "Concatenate"
    if clash.kind is ClashKind.RANK:
        clause = f"one has {clash.expected} axes, the other {clash.got}"
        fix = f"give both {max(len(one.shape), len(other.shape))} axes: x[..., None] adds one behind the others"
    else:
        clause = f"axis {clash.axis} is {clash.expected} in one and {clash.got} in the other"
        fix = f"give both the same size on axis {clash.axis}: crop, pad, or choose sizes that halve evenly"
    if joins:
        clause += f", and joining along axis {along} takes all the other axes to be equal"
    rank = len(one.shape)
    is_other_axis = joins and clash.axis is not None and one.shape[: clash.axis] == other.shape[: clash.axis]
    if is_other_axis and along % rank != clash.axis and clash.axis == rank - 1:  # type: ignore[operator]
        fix = f"Concatenate(axis=-1, name={layer.name!r})"
    return finding_at(
        "SW202" if joins else "SW201",
        layer,
        f"{place_text(layer)} is given {shape_text(one)}{named[0]} and {shape_text(other)}{named[1]}: {clause}.",
        fix=fix,
        axis=clash.axis,
        axis_name="axes" if clash.kind is ClashKind.RANK else "features" if clash.axis == rank - 1 else "",
        expected=clash.expected,
        got=clash.got,
        input=clash.input,
    )


def _reshaped(clash: Clash, layer: Layer) -> Finding:
    asked = clash.expected if isinstance(clash.expected, tuple) else ()
    given = clash.got if isinstance(clash.got, tuple) else ()
    fixed = math.prod(size for size in asked if size != -1)
    rest = f"no multiple of {fixed}" if -1 in asked else f"not {fixed}"
    return finding_at(
        "SW204",
        layer,
        f"{place_text(layer)} asks for {asked}, but a sample of {shape_text(layer.inputs[0])} holds {math.prod(given)} "
        f"values, {rest}.",
        fix=f"choose a target_shape that holds {math.prod(given)} values",
        expected=asked,
        got=given,
    )


def _unknown(evidence: Evidence, clash: Clash, layer: Layer) -> Finding:
    maker = evidence.producer(layer.id, 0)
    flat = maker is not None and maker.type == "Flatten"
    why = f": {place_text(maker)} multiplies axes of any size into one" if flat and maker is not None else ""
    return finding_at(
        "SW115",
        layer,
        f"{place_text(layer)} makes weights for every feature it is given, and axis {clash.axis} of "
        f"{shape_text(layer.inputs[0])} has no known size{why}. Expected a known number, got None.",
        fix="take GlobalMaxPooling or GlobalAveragePooling instead of Flatten, or give the Input its sizes"
        if flat
        else "give the Input its size on that axis",
        axis=clash.axis,
        axis_name="features",
        expected=clash.expected,
        got=clash.got,
    )


def _stateful(clash: Clash, layer: Layer) -> Finding:
    return finding_at(
        "SW116",
        layer,
        f"{place_text(layer)} is stateful and keeps one state for each of {clash.expected} samples, and is given a "
        f"batch of {clash.got}.",
        fix=f"give batches of {clash.expected} only (drop the rest of the data), or build it with stateful=False",
        axis=0,
        axis_name="batch",
        expected=clash.expected,
        got=clash.got,
    )


def _width(evidence: Evidence, clash: Clash, layer: Layer) -> Finding:
    maker = evidence.producer(layer.id, 0)
    gives = f"{place_text(maker)} gives" if maker is not None else "it is given"
    is_least = isinstance(clash.expected, str)
    takes = f"takes {clash.expected}" if is_least else f"was built for {clash.expected}"
    entry = channels_first_at(evidence, layer) if is_least and clash.axis == 1 else None
    return finding_at(
        "SW117" if is_least else "SW101",
        layer,
        f"{place_text(layer)} {takes} on axis {clash.axis} of its input, and {gives} "
        f"{shape_text(layer.inputs[clash.input])}, which has {clash.got} there."
        f"{channels_first_text(entry) if entry is not None else ''}",
        fix=f"make it {clash.expected} before `{layer.name}`"
        if is_least
        else f"give `{layer.name}` {clash.expected} on axis {clash.axis}, or use another layer for other sizes",
        axis=clash.axis,
        axis_name="features" if clash.axis == len(layer.inputs[clash.input].shape) - 1 else "",
        expected=clash.expected,
        got=clash.got,
        input=clash.input,
    )
