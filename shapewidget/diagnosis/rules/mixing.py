"""Samples of a batch that reach one another through an operation that was meant for another axis.

Much mixing is meant: normalisation by the batch, similarities of all pairs, mixup, graphs. Only operations are named
that run along an axis by mistake.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import is_in_doubt
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along
from shapewidget.diagnosis.memory_order import moved_axis
from shapewidget.diagnosis.mixing import mixing_layers
from shapewidget.diagnosis.rules.reshape import dims_of, is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument

_ALONG_AN_AXIS = frozenset(
    "softmax log_softmax softmin Softmax LogSoftmax Softmin cumsum cumprod cummax cummin logcumsumexp normalize".split()
)
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
            fix, remedies = _another_axis(layer, axis)
            yield _mixed(layer, axis, "SW603", f"runs along axis {axis}, which is the batch", fix, remedies)
        elif layer.type in _ATTENTION:
            yield _mixed(layer, axis, "SW603", f"attends along axis {axis}, which is the batch", "x.transpose(0, 1)")
        elif is_reshape(layer) and moved_axis(dims_of(layer.inputs[0]), dims_of(layer.outputs[0])) is None:
            yield _mixed(layer, axis, "SW601", "moves no values, so its rows hold pieces of several samples", "")


def _batch_axis(layer: Layer) -> int | None:
    dims = layer.inputs[0].dims if layer.inputs else None
    return next((axis for axis, dim in enumerate(dims or ()) if "B" in dim.names), None)


def _is_weight_a_sample(layer: Layer, axis: int) -> bool:
    """Whether there is one number a sample: weights of samples add up to 1 over the batch on purpose."""
    dims = layer.inputs[0].dims or ()
    return all(dim.is_constant and dim.offset == 1 for place, dim in enumerate(dims) if place != axis)


def _another_axis(layer: Layer, axis: int) -> tuple[str, tuple[Remedy, ...]]:
    rank = len(layer.inputs[0].shape)
    better = 1 if rank == 2 and axis == 0 else -1
    name = "axis" if "axis" in layer.settings else "dim"
    if layer.kind is LayerKind.LAYER:
        return f"build `{layer.path}` with {name}={better}", (SetArgument(layer.path, name, better),)
    text = along(layer.source, axis, rank, better)
    if text is None or layer.source is None:
        return f"{layer.name}(..., {name}={better})", ()
    return text, (EditExpression(layer.source, text),)


def _mixed(layer: Layer, axis: int, code: str, what: str, fix: str, remedies: tuple[Remedy, ...] = ()) -> Diagnosis:
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
            expected="samples that do not reach one another",
            got=f"{size_text(given.shape[axis], dim)} samples mixed",
        ),
        remedies,
    )
