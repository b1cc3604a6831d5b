"""Sizes that agree at the user's sizes and at no other."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.batch_axis import has_batch
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.wording import place_text, size_text
from shapewidget.graph.dims import Dim, constant, symbol
from shapewidget.graph.records import ClashKind, Declared, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy

_PRODUCTS = frozenset(("matmul", "mm", "sparse_mm", "sparse_tensor_dense_mat_mul"))
_OF_AXES = frozenset(("dim", "axis", "perm", "batch_dims", "keepdims"))
"""Settings that number axes, and name no sizes."""


def declared_by_coincidence(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer whose declared size and whose input are different expressions with one value."""
    for layer in evidence.graph.layers:
        if layer.kind is not LayerKind.LAYER or not layer.inputs or layer.id in evidence.clash_at:
            continue
        for declared in layer.declared:
            axis = _axis(layer, declared)
            got = evidence.dim(layer, 0, axis)
            if axis is None or got is None or declared.dim is None or got == declared.dim:
                continue
            if got.is_constant and "B" not in declared.dim.names:
                continue  # the size of the data: an argument that has to be equal to it is just that
            if layer.inputs[0].shape[axis] == declared.size:
                yield _coincidence(evidence, layer, declared, axis, got)


def _axis(layer: Layer, declared: Declared) -> int | None:
    rank = len(layer.inputs[0].shape)
    if declared.axis is None or not -rank <= declared.axis < rank:
        return None
    return declared.axis % rank


def _coincidence(evidence: Evidence, layer: Layer, declared: Declared, axis: int, got: Dim) -> Diagnosis:
    wanted = declared.dim or constant(declared.size)
    names = sorted((got.names | wanted.names) - (got.names & wanted.names))
    changing = " or ".join(evidence.meanings.get(name, name) for name in names)
    code = "SW502" if "B" in names else "SW501"
    reason = (
        f"{place_text(layer)} takes {size_text(f'{declared.name} = {declared.size}', declared.dim)} and is given "
        f"{got} = {declared.size}: the two agree at these sizes only, and part when {changing} changes."
    )
    return Diagnosis(
        finding(
            code,
            "module",
            layer.path or layer.type,
            reason,
            fix=f"derive {declared.name} of `{layer.path or layer.type}` from {got}",
            axis=axis,
            axis_name="features",
            expected=size_text(declared.size, declared.dim),
            got=size_text(declared.size, got),
            source=layer.source,
            layer_id=layer.id,
        )
    )


def batch_size_built_in(evidence: Evidence) -> Iterator[Diagnosis]:
    """A function that is refused at another batch size, or gives the user's batch size there all the same."""
    seen: set[str] = set()
    batch = evidence.graph.sizes.get("B")
    if batch is None or _labels_are_of_others(evidence):
        return
    for recording in evidence.others:
        other = recording.sizes.get("B")
        refused = recording.clashes[:1]
        if other is None or any(clash.layer_id in evidence.clash_at for clash in refused):
            continue
        told = [evidence.layer(clash.layer_id) for clash in refused if clash.kind is ClashKind.SIZE]
        there = recording.graph.by_id
        layers = [
            it
            for it in told
            if it is not None
            and it.id in there
            and not _holds_data_of_the_batch(evidence, it, batch)
            and not _is_of_one_graph(evidence, it, batch)
            and _names_batch(it, there[it.id], batch, other)
        ]
        for layer in [*layers, *(it for it in evidence.graph.layers if _keeps_batch(it, batch, other))]:
            if layer.kind is not LayerKind.LAYER and layer.id not in seen:
                seen.add(layer.id)
                yield _built_in(layer, batch, other)


def _holds_data_of_the_batch(evidence: Evidence, layer: Layer, batch: int) -> bool:
    """Whether a loss brings a row for each sample along, as lengths: they are of this batch, as its targets are."""
    rows = [place for place, spec in enumerate(layer.inputs) if spec.shape[:1] == (batch,)]
    is_in_loss = layer.kind is LayerKind.LOSS or layer.path.split(".")[0] == "loss"
    return is_in_loss and any(evidence.edge_into(layer.id, place) is None for place in rows)


def _is_of_one_graph(evidence: Evidence, layer: Layer, batch: int) -> bool:
    """Whether a square matrix of the program's own is multiplied with all rows: they are the nodes of its graph."""
    is_square = layer.inputs[0].shape == (batch, batch) and evidence.edge_into(layer.id, 0) is None
    return is_square and layer.name in _PRODUCTS


def _labels_are_of_others(evidence: Evidence) -> bool:
    """Whether the labels have rows, and not those of the batch: its size is then another, as of a few-shot episode."""
    inputs = (layer for layer in evidence.graph.layers if layer.kind is LayerKind.INPUT)
    labels = [spec for layer in inputs if layer.id.startswith("targets") for spec in layer.outputs if spec.shape]
    return bool(labels) and not any(map(has_batch, labels))


def _built_in(layer: Layer, batch: int, other: int) -> Diagnosis:
    return Diagnosis(
        finding(
            "SW502",
            "function",
            layer.name,
            f"{place_text(layer)} runs with a batch of {batch} and not with one of {other}: the {batch} is written "
            "into the program. The last batch of a data set is often shorter.",
            fix="take the size from the tensor: x.shape[0], or -1 in a reshape",
            op=layer.name,
            scope=layer.path,
            axis=0,
            axis_name="batch",
            expected=batch,
            got=other,
            source=layer.source,
            layer_id=layer.id,
        ),
        tuple(_read_off(layer, batch)),
    )


def _keeps_batch(layer: Layer, batch: int, other: int) -> bool:
    """Whether a view of a batch has the size of the user's batch in front whatever the batch is: "x.view(32, -1)"."""
    if layer.type not in ("view", "reshape") or other == batch or not layer.inputs or not layer.outputs:
        return False
    given, made = layer.inputs[0].dims, layer.outputs[0].dims
    asked = [size for value in layer.settings.values() for size in (value if isinstance(value, tuple) else (value,))]
    if not given or not made or batch not in asked[:1]:
        return False
    return given[0] == symbol("B") and made[0] == constant(batch) and any("B" in dim.names for dim in made[1:])


def _read_off(layer: Layer, batch: int) -> Iterator[Remedy]:
    """The batch size read off the tensor, where it stands as a number in a view or reshape."""
    call = method_call(layer.source)
    if call is None or layer.name not in ("view", "reshape") or layer.source is None:
        return
    if call.arguments[:1] == (str(batch),):
        sizes = ", ".join((f"{call.receiver}.size(0)", *call.arguments[1:]))
        yield EditExpression(layer.source, f"{call.receiver}.{call.name}({sizes})")


def _names_batch(layer: Layer, there: Layer, batch: int, other: int | None) -> bool:
    """Whether the user's batch size is an argument in the run at another one too, or stands in a weight's shape.

    Where that run's own batch size is an argument, the other number is one of something else.
    """
    given = [value for name, value in there.settings.items() if name not in _OF_AXES]
    asked = [size for value in given for size in (value if isinstance(value, tuple) else (value,))]
    fixed = [spec.shape[0] for spec in layer.inputs if spec.shape and spec.dims and spec.dims[0] == constant(batch)]
    return other != batch and ((batch in asked and other not in asked) or batch in fixed)
