"""The last state of a recurrent layer, taken where it is not."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import axis_picked, index_items, is_whole_number, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import indexed
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.padding import LengthsAs
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_BOTH = "Bidirectional"


def backward_direction_cut(evidence: Evidence) -> Iterator[Diagnosis]:
    """One end of a bidirectional layer's output, where one direction has read a single step."""
    for layer in (*recurrent(evidence), *_wrapped(evidence)):
        is_both = layer.settings.get("bidirectional") or layer.type == _BOTH
        if not is_both or not layer.outputs or len(layer.outputs[0].shape) != 3:
            continue
        time = 1 if layer.settings.get("batch_first") or layer.type == _BOTH else 0
        ends = [reader for reader, place in readers(evidence, layer) if place == 0 and _end(reader, time) is not None]
        if len({_end(reader, time) for reader in ends}) == 1 and layer.outputs[0].shape[time] > 1:
            for reader in ends:
                if not _is_cut_into_directions(evidence, reader):
                    yield _one_step(layer, reader, time)


def recurrent(evidence: Evidence) -> Iterator[Layer]:
    """The recurrent layers of PyTorch."""
    for layer in evidence.graph.layers:
        if layer.kind is LayerKind.LAYER and layer.size("hidden_size") and layer.type in ("LSTM", "GRU", "RNN"):
            yield layer


def _wrapped(evidence: Evidence) -> Iterator[Layer]:
    """The layers of Keras that read in both directions, and put what they give side by side."""
    for layer in evidence.graph.layers:
        if layer.kind is LayerKind.LAYER and layer.type == _BOTH and layer.settings.get("merge_mode") == "concat":
            yield layer


def _end(reader: Layer, time: int) -> int | None:
    """0 or -1 where an index takes the first or the last step and all features of it."""
    picked = axis_picked(reader)
    if picked is None or picked[0] != time or picked[1] not in (0, -1):
        return None
    others = [item for axis, item in enumerate(index_items(reader)) if axis != time]
    return picked[1] if all(item == ":" for item in others) else None


def _is_cut_into_directions(evidence: Evidence, reader: Layer) -> bool:
    """Whether what is read of the step is one direction, or both by their own."""
    for after, _ in readers(evidence, reader):
        items = index_items(after)
        if (items and not is_whole_number(items[-1])) or after.name in (
            "chunk",
            "split",
            "view",
            "reshape",
            "unflatten",
        ):
            return True
    return False


def _one_step(layer: Layer, reader: Layer, time: int) -> Diagnosis:
    spec = layer.outputs[0]
    steps, hidden, end = spec.shape[time], spec.shape[-1] // 2, _end(reader, time)
    cut, whole = ("backward", "forward") if end == -1 else ("forward", "backward")
    dim = spec.dims[time] if spec.dims is not None else None
    reason = (
        f"{place_text(layer)} is bidirectional, and {index_items_text(reader)} of its output {shape_text(spec)} is "
        f"taken: "
        f"there the {whole} half has read all {size_text(steps, dim)} steps, but the {cut} half 1 step only. "
        f"Its state after {steps} steps is at index {0 if end == -1 else steps - 1}."
    )
    remedies = tuple(_both_ends(layer, reader, time, hidden))
    first_of = remedies[0] if remedies else None
    text = first_of.replacement if isinstance(first_of, EditExpression) else ""
    of_keras = f"build `{layer.name}` with return_sequences=False, and take what it gives"
    return Diagnosis(
        finding(
            "SW605",
            "function",
            layer.path or layer.type,
            reason,
            fix=text or (of_keras if layer.type == _BOTH else "torch.cat([h_n[-2], h_n[-1]], dim=-1)"),
            op="index",
            scope=reader.path,
            axis=time,
            axis_name="time",
            expected=f"the {cut} state after {steps} steps",
            got=f"the {cut} state after 1 step",
            source=reader.source,
            layer_id=reader.id,
        ),
        remedies,
    )


def _both_ends(layer: Layer, reader: Layer, time: int, hidden: int) -> Iterator[Remedy]:
    """The last state of each direction, taken from the end at which it is."""
    states = indexed(reader.source)
    if states is None or reader.source is None:
        return
    if layer.type == _BOTH:
        taken = EditExpression(reader.source, states)
        yield Together((SetArgument(layer.path, "return_sequences", False), taken))
        return
    last, first = ("[:, -1, ", "[:, 0, ") if time else ("[-1, :, ", "[0, :, ")
    yield EditExpression(reader.source, f"torch.cat([{states}{last}:{hidden}], {states}{first}{hidden}:]], dim=-1)")


def index_items_text(layer: Layer) -> str:
    """The index as it stands in the program: "[:, -1]"."""
    return str(layer.settings.get("1", ""))


def state_behind_padding(evidence: Evidence) -> Iterator[Diagnosis]:
    """Lengths are handed in and never read, while the last state of a padded batch is."""
    unread = [layer for layer, form in evidence.unread_lengths if form is LengthsAs.NUMBERS]
    for layer in recurrent(evidence) if unread else ():
        dims = layer.inputs[0].dims or ()
        if len(dims) == 3 and BATCH in dims and is_last_state_read(evidence, layer):
            remedies = tuple(_packed(evidence, layer, unread[0]))
            yield _padding_read(layer, unread[0], 1 if layer.settings.get("batch_first") else 0, remedies)


def _packed(evidence: Evidence, layer: Layer, lengths: Layer) -> Iterator[EditExpression]:
    """The sequences packed, where the line can name the lengths and only the state is read of the layer."""
    operands, is_output_read = operands_of(layer), any(readers(evidence, layer))
    if operands is None or not len(operands) or is_output_read or layer.parent is not None:
        return
    first = bool(layer.settings.get("batch_first"))
    packed = f"torch.nn.utils.rnn.pack_padded_sequence({operands.text(0)}, {lengths.name}.cpu(), "
    yield operands.edit({0: f"{packed}batch_first={first}, enforce_sorted=False)"})


def is_last_state_read(evidence: Evidence, layer: Layer) -> bool:
    """Whether the state behind the last step is used, of a layer that reads an array and no packed sequence."""
    time = 1 if layer.settings.get("batch_first") else 0
    if not layer.inputs or len(layer.inputs[0].shape) != 3:
        return False
    is_state_read = any(edge.output for edge in evidence.edges_out.get(layer.id, ()))
    return is_state_read or any(axis_picked(reader) == (time, -1) for reader, _ in readers(evidence, layer))


def _padding_read(layer: Layer, lengths: Layer, time: int, remedies: tuple[EditExpression, ...]) -> Diagnosis:
    spec = layer.inputs[0]
    steps = size_text(spec.shape[time], spec.dims[time] if spec.dims is not None else None)
    first = bool(layer.settings.get("batch_first"))
    reason = (
        f"{place_text(layer)} reads all {steps} steps of {shape_text(spec)}, and its last state is used. The "
        f"sequences are "
        f"shorter: `{lengths.name}` {shape_text(lengths.outputs[0])} says how long, but nothing reads it, so the "
        f"state of a "
        f"short sequence is the one after its padding."
    )
    return Diagnosis(
        finding(
            "SW606",
            "module",
            layer.path or layer.type,
            reason,
            fix=f"pack_padded_sequence(x, {lengths.name}, batch_first={first}, enforce_sorted=False)",
            axis=time,
            axis_name="time",
            expected="the state at each sequence's own last step",
            got=f"the state after {steps} steps",
            source=layer.source,
            layer_id=layer.id,
        ),
        remedies,
    )
