"""Axes in another role than the program gives them: positions along the batch, steps as channels, samples as steps."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import along_axes, picked_along
from shapewidget.diagnosis.batch_axis import BATCH, TIME, has_batch, has_time, is_certain
from shapewidget.diagnosis.chains import axis_argument, axis_picked, index_items, maker
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.own_tables import made_for_steps
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.dims import constant
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_ADDING = frozenset(("add", "mul"))
_HANDED_ON = frozenset(
    "transpose permute unsqueeze expand_dims to type_as contiguous detach expand requires_grad_ mul".split()
)
_FEATURES_LAST = frozenset("Embedding Linear LSTM GRU RNN MultiheadAttention LayerNorm".split())
_REDUCING = frozenset("mean sum max min amax amin median prod logsumexp std var".split())


def positions_along_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """A table of positions that is added along the batch axis: sample k gets position k."""
    if not is_certain(evidence):
        return
    for layer in evidence.graph.layers:
        if layer.name not in _ADDING or len(layer.inputs) < 2:
            continue
        for place in (0, 1):
            table = _table(evidence, layer, place)
            given, added = layer.inputs[1 - place], layer.inputs[place]
            if table is None or given.dims is None or added.dims is None or len(given.dims) != 3:
                continue
            padded = (None,) * (3 - len(added.dims)) + tuple(added.dims)
            is_sequence = given.dims[0] == BATCH and (given.dims[1] == TIME or given.dims[1].is_constant)
            if is_sequence and padded[0] == BATCH and padded[1] == constant(1) != given.dims[1]:
                yield _positions(evidence, layer, table, place)


def _table(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """The slice or look-up that an input was taken from a table by; None where it depends on the model's inputs."""
    edge = evidence.edge_into(layer.id, place)
    if edge is None:
        return None
    sources = [evidence.graph.by_id[place] for place in evidence.before(edge.source)]
    if any(each.kind is LayerKind.INPUT for each in sources):
        return None
    node = evidence.layer(edge.source)
    while node is not None and (node.name in _HANDED_ON or _only_adds_axes(node)):
        node = evidence.producer(node.id, 0)
    is_table = node is not None and (node.type in ("Embedding", "embedding") or _slices_a_table(node))
    return node if is_table else None


def _only_adds_axes(node: Layer) -> bool:
    items = index_items(node)
    return bool(items) and set(items) <= {":", "None", "..."}


def _slices_a_table(node: Layer) -> bool:
    return node.name in ("index", "narrow") and bool(node.inputs) and not has_batch(node.inputs[0])


def _positions(evidence: Evidence, layer: Layer, table: Layer, place: int) -> Diagnosis:
    given, added = layer.inputs[1 - place], layer.inputs[place]
    expression = table.source.expression if table.source is not None else None
    text = _along_time(expression) if table.name == "index" and expression is not None else ""
    steps = size_text(given.shape[1], given.dims[1] if given.dims is not None else None)
    reason = (
        f"{place_text(layer)} adds a table {shape_text(added)} to {shape_text(given)}: the table is cut to the batch, "
        f"so sample k gets position k at all {steps} steps, and their order is not told. "
        f"It should be (1, T, {given.shape[-1]})."
    )
    return Diagnosis(
        finding_at(
            "SW604",
            layer,
            reason,
            fix=text or f"take one position for each of the {steps} steps, as a table (1, T, {given.shape[-1]})",
            axis=0,
            axis_name="batch",
            expected=f"(1, T, {given.shape[-1]})",
            got=shape_text(added),
            input=place,
        ),
        (
            *((EditExpression(table.source, text),) if text and table.source is not None else ()),
            *made_for_steps(evidence, layer, place),
        ),
    )


def _along_time(expression: str) -> str:
    """The slice with the size of time in the place of the batch size."""
    changed = expression.replace("size(0)", "size(1)").replace("shape[0]", "shape[1]")
    return f"{changed}.transpose(0, 1)" if changed != expression else ""


def convolution_over_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """A 1-D convolution whose channels are the steps: it slides along the features of what an embedding gives."""
    for layer in evidence.graph.layers:
        dims = layer.inputs[0].dims if layer.inputs else None
        if layer.id in evidence.clash_at or layer.type != "Conv1d" or dims is None or len(dims) != 3:
            continue
        if layer.settings.get("kernel_size") == (1,):
            continue
        made = maker(evidence, layer)
        if made is None or made[0].type not in _FEATURES_LAST or "T" not in dims[1].names or dims[0] != BATCH:
            continue
        given = layer.inputs[0]
        reason = (
            f"{place_text(layer)} takes axis 1 as its channels and slides along axis 2. {place_text(made[0])} gives it "
            f"{shape_text(given)}: its {layer.size('in_channels')} channels are the "
            f"{size_text(given.shape[1], dims[1])} "
            f"steps, and it slides along the {given.shape[2]} features, whose order means nothing."
        )
        fix = f"x.transpose(1, 2), and build `{layer.path or layer.type}` with in_channels={given.shape[2]}"
        yield Diagnosis(
            finding_at(
                "SW607",
                layer,
                reason,
                fix=fix,
                axis=1,
                axis_name="channels",
                expected=f"{given.shape[2]} features as channels",
                got=f"{given.shape[1]} steps as channels",
            ),
            tuple(_features_as_channels(layer)),
        )


def _features_as_channels(layer: Layer) -> Iterator[Remedy]:
    operands, given = operands_of(layer), layer.inputs[0]
    dims = given.dims or ()
    if operands is not None and len(operands):
        swapped = operands.edit({0: f"{operands.text(0)}.transpose(1, 2)"})
        yield Together((SetArgument(layer.path, "in_channels", given.shape[2], dims[2]), swapped))


def batch_lost(evidence: Evidence) -> Iterator[Diagnosis]:
    """One sample taken, or all summed, where a step was meant: what the model gives has time left and no batch."""
    results = [spec for layer in evidence.graph.layers if layer.kind is LayerKind.OUTPUT for spec in layer.inputs]
    if not results or any(map(has_batch, results)) or not any(map(has_time, results)) or not is_certain(evidence):
        return
    before = {place for edge in evidence.edges_into.get("output", ()) for place in evidence.before(edge.source)}
    for layer in evidence.graph.layers:
        if layer.id not in before or not layer.inputs or not layer.outputs or layer.inputs[0].dims is None:
            continue
        picked = axis_picked(layer)
        axis = picked[0] if picked else axis_argument(layer) if layer.name in _REDUCING else None
        dims = layer.inputs[0].dims
        if axis is None or axis >= len(dims) or dims[axis] != BATCH or not has_time(layer.outputs[0]):
            continue
        time = dims.index(TIME) if TIME in dims else None
        what = f"takes sample {picked[1]} of" if picked else "runs over all samples of"
        reason = (
            f"{place_text(layer)} {what} {shape_text(layer.inputs[0])}: axis {axis} is the batch. What the model "
            f"gives, "
            f"{shape_text(results[0])}, has its {size_text(layer.inputs[0].shape[axis], BATCH)} samples no more."
        )
        fix = f"axis {time} is time: x[:, {picked[1]}]" if picked and time == 1 else f"dim={time}, which is time"
        yield Diagnosis(
            finding_at(
                "SW610", layer, reason, fix=fix, axis=axis, expected=f"axis {time} (time)", got=f"axis {axis} (batch)"
            ),
            tuple(picked_along(layer, time) if picked else along_axes(layer, [time])) if time is not None else (),
        )
        return
