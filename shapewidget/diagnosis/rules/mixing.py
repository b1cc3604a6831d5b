"""Samples of a batch that reach one another through an operation that was meant for another axis.

Much mixing is meant: normalisation by the batch, similarities of all pairs, mixup, graphs. Only operations are named
that run along an axis by mistake.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import along_axes, axis_keywords
from shapewidget.diagnosis.batch_axis import TIME, is_in_doubt
from shapewidget.diagnosis.chains import axis_argument, maker, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import with_keywords
from shapewidget.diagnosis.memory_order import moved_axis
from shapewidget.diagnosis.mixing import mixing_layers
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.products import axes_summed
from shapewidget.diagnosis.rules.reshape import dims_of, is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_SCANS = frozenset("cumsum cumprod cummax cummin logcumsumexp".split())
_ALONG_AN_AXIS = _SCANS | frozenset(
    "sort msort softmax log_softmax softmin Softmax LogSoftmax Softmin normalize".split()
)
_FLIPS = frozenset(("flip", "fliplr", "flipud", "reverse_v2", "reverse"))
_ATTENTION = frozenset(("scaled_dot_product_attention",))


def samples_mixed(evidence: Evidence) -> Iterator[Diagnosis]:
    """The first operations at which other samples change when one is replaced."""
    if evidence.independence is None or is_in_doubt(evidence):
        return
    for layer in mixing_layers(evidence):
        axis = _batch_axis(layer)
        if axis is None or layer.source is None:
            continue
        if layer.type in _ALONG_AN_AXIS and not _is_weight_a_sample(layer, axis):
            axes = _other_axes(evidence, layer, axis)
            remedies = tuple(along_axes(layer, axes)) or tuple(_named(layer, axes[0]))
            name = "axis" if "axis" in layer.settings else "dim"
            better = f"{name}={axes[0]}, which holds {layer.inputs[0].shape[axes[0]]} values of one sample"
            what = f"runs along axis {axis}, which is the batch"
            fix = _written(layer, axes[0], remedies)
            remedies += tuple(_with_those_behind(evidence, layer, axis, remedies))
            yield _mixed(layer, axis, "SW603", what, fix, remedies, better)
        elif layer.type in _ATTENTION:
            yield _mixed(layer, axis, "SW603", f"attends along axis {axis}, which is the batch", "x.transpose(0, 1)")
        elif is_reshape(layer) and moved_axis(dims_of(layer.inputs[0]), dims_of(layer.outputs[0])) is None:
            yield _mixed(layer, axis, "SW601", "moves no values, so its rows hold pieces of several samples", "")


def samples_turned_round(evidence: Evidence) -> Iterator[Diagnosis]:
    """A flip of the batch in front of a recurrent layer, which was to read the steps from the end."""
    if is_in_doubt(evidence):
        return
    for layer in evidence.graph.layers:
        axis = _batch_axis(layer) if layer.name in _FLIPS else None
        reads = [reader for reader, _ in readers(evidence, layer) if "batch_first" in reader.settings]
        dims = layer.inputs[0].dims if layer.inputs else None
        if axis is None or dims is None or _flipped(layer) != (axis,) or not reads or TIME not in dims:
            continue
        behind = [reader for reader, _ in readers(evidence, reads[0]) if reader.name in _FLIPS]
        back = [each for each in behind if _flipped(each) == (axis,)]
        edits = [edit for each in (*back, layer) for edit in _along_time(each, axis, dims.index(TIME))]
        is_whole = len(edits) == 1 + len(back)
        samples = size_text(layer.inputs[0].shape[axis], dims[axis])
        reason = (
            f"{place_text(layer)} turns axis {axis} of {shape_text(layer.inputs[0])} round, the {samples} samples. "
            f"{place_text(reads[0])} then reads the steps of each in the same order as before: axis "
            f"{dims.index(TIME)} is time."
        )
        fix = "; ".join(edit.replacement for edit in edits) or f"flip({dims.index(TIME)})"
        said = finding_at(
            "SW603", layer, reason, fix=fix, axis=axis, axis_name="batch",
            expected=f"dim={dims.index(TIME)} (time)", got=f"dim={axis} (batch), {samples} samples",
        )  # fmt: skip
        yield Diagnosis(said, (Together(tuple(edits)),) if is_whole else ())


def results_turned_round(evidence: Evidence) -> Iterator[Diagnosis]:
    """A flip of the batch that nothing turns back: all that the model gives for a sample is of another one."""
    if is_in_doubt(evidence):
        return
    found = [(layer, _batch_axis(layer)) for layer in evidence.graph.layers if layer.name in _FLIPS]
    flips = [(layer, axis) for layer, axis in found if axis is not None and axis in _flipped(layer)]
    for layer, axis in flips if len(flips) == 1 else ():
        if _flipped(layer) != (axis,) or not _all_passes(evidence, layer):
            continue
        given, dims = layer.inputs[0], layer.inputs[0].dims or ()
        other = dims.index(TIME) if TIME in dims else max(1, len(dims) - 2)
        edits = tuple(_along_time(layer, axis, other))
        samples, call = size_text(given.shape[axis], dims[axis]), call_of(layer.source)
        if call is not None and isinstance(call.func, ast.Attribute):
            layer = replace(layer, name=call.func.attr)  # TensorFlow has another name for what it was called as
        reason = (
            f"{place_text(layer)} turns axis {axis} of {shape_text(given)} round, the {samples} samples, and nothing "
            f"turns them back: what the model gives for the first sample is that of the last, whose label is another."
        )
        said = finding_at(
            "SW603", layer, reason, fix=edits[0].replacement if edits else f"flip axis {other}, of each sample",
            axis=axis, axis_name="batch", expected=f"an axis of each sample, as {other}",
            got=f"axis {axis} (batch), {samples} samples",
        )  # fmt: skip
        yield Diagnosis(said, edits)


def _all_passes(evidence: Evidence, layer: Layer) -> bool:
    """Whether what the model gives comes from its inputs by way of a node alone, and by none that goes past it."""
    seen, waiting = {layer.id}, [edge.source for edge in evidence.edges_into.get("output", ())]
    is_reached = False
    while waiting:
        node = waiting.pop()
        is_reached |= node == layer.id
        if node in seen:
            continue
        seen.add(node)
        if evidence.graph.by_id[node].kind is LayerKind.INPUT:
            return False
        waiting += [edge.source for edge in evidence.edges_into.get(node, ())]
    return is_reached


def _flipped(layer: Layer) -> tuple[int, ...]:
    asked = next((layer.settings[name] for name in ("dims", "axis", "1") if name in layer.settings), None)
    given = asked if isinstance(asked, tuple) else (asked,)
    rank = len(layer.inputs[0].shape)
    return tuple(axis % rank for axis in given if isinstance(axis, int))


def _along_time(layer: Layer, axis: int, time: int) -> Iterator[EditExpression]:
    """The flip with the axis of time in the place of that of the batch."""
    head, _, tail = ((layer.source.expression if layer.source is not None else None) or "").rpartition(str(axis))
    if head and layer.source is not None and not tail.strip(")], "):
        yield EditExpression(layer.source, f"{head}{time}{tail}")


def _batch_axis(layer: Layer) -> int | None:
    dims = layer.inputs[0].dims if layer.inputs else None
    return next((axis for axis, dim in enumerate(dims or ()) if "B" in dim.names), None)


def _is_weight_a_sample(layer: Layer, axis: int) -> bool:
    """Whether there is one number a sample: weights of samples add up to 1 over the batch on purpose."""
    dims = layer.inputs[0].dims or ()
    return all(dim.is_constant and dim.offset == 1 for place, dim in enumerate(dims) if place != axis)


def _other_axes(evidence: Evidence, layer: Layer, axis: int) -> list[int]:
    """The axes that it may be meant to run along: time, one that is summed or was stacked on, or else the last."""
    shape, made = layer.inputs[0].shape, maker(evidence, layer)
    dims = layer.inputs[0].dims or ()
    stacked = axis_argument(made[0]) if made is not None and made[0].name == "stack" else None
    stacked = 0 if made is not None and made[0].name == "stack" and stacked is None else stacked
    stacked = dims.index(TIME) if layer.type in _SCANS and TIME in dims else stacked
    summed = axes_summed(evidence, layer) if "max" in layer.type.lower() else set()
    wide = [place for place, size in enumerate(shape) if place != axis and size > 1]
    return sorted(wide, key=lambda place: (place not in summed, place != stacked, -place)) or [len(shape) - 1]


def _with_those_behind(evidence: Evidence, layer: Layer, axis: int, remedies: tuple[Remedy, ...]) -> Iterator[Together]:
    """The change together with those of the same operation further on, which also runs along the batch."""
    alike = [each for each in evidence.graph.layers if each.name == layer.name and _batch_axis(each) == axis]
    behind = [each for each in alike[alike.index(layer) + 1 :] if axis_argument(each) == axis]
    more = [list(along_axes(each, _other_axes(evidence, each, axis))) for each in behind]
    edits = [each for each in (remedies[:1], *more) if each]
    parts = [each[0] for each in edits if isinstance(each[0], EditExpression)]
    if behind and len(parts) == 1 + len(behind):
        yield Together(tuple(parts))


def _named(layer: Layer, axis: int) -> Iterator[EditExpression]:
    """The axis given to a call that names none: ``softmax(x)`` takes the first of three, ``tf.cumsum(x)`` the first."""
    is_open = axis_argument(layer) is None and layer.name.endswith("softmax")
    text = with_keywords(layer.source, f"{axis_keywords(layer)[0]}={axis}")
    if text is not None and layer.source is not None and (is_open or layer.name in _SCANS):
        yield EditExpression(layer.source, text)


def _written(layer: Layer, axis: int, remedies: tuple[Remedy, ...]) -> str:
    first = remedies[0] if remedies else None
    if isinstance(first, EditExpression):
        return first.replacement
    where = f"build `{layer.path}` with " if isinstance(first, SetArgument) else "take "
    return f"{where}{'axis' if 'axis' in layer.settings else 'dim'}={axis}"


def _mixed(
    layer: Layer,
    axis: int,
    code: str,
    what: str,
    fix: str,
    remedies: tuple[Remedy, ...] = (),
    better: str = "samples that do not reach one another",
) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    dim = given.dims[axis] if given.dims is not None else None
    reason = (
        f"{place_text(layer)} takes {shape_text(given)} to {shape_text(made)} and {what}: when one of the "
        f"{size_text(given.shape[axis], dim)} samples is replaced, the results of the others change."
    )
    return Diagnosis(
        finding_at(
            code,
            layer,
            reason,
            fix=fix or "swap the axes with transpose or permute before the reshape",
            axis=axis,
            axis_name="batch",
            expected=better,
            got=f"dim={axis}, which holds the {size_text(given.shape[axis], dim)} samples",
        ),
        remedies,
    )
