"""What is refused for another reason than a size: number of axes, dtype, range, device, or an error of its own."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.input_layouts import at_the_input, layout_remedies, ranks
from shapewidget.diagnosis.layer_remedies import rank_remedies
from shapewidget.diagnosis.loss_remedies import loss_remedies
from shapewidget.diagnosis.operand_remedies import stacked_instead
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.rules.backward import starts_from_several
from shapewidget.diagnosis.rules.fixed_ranks import OF_FIXED_RANK
from shapewidget.diagnosis.rules.flattened import flattened_behind
from shapewidget.diagnosis.rules.indices import INDEXED
from shapewidget.diagnosis.rules.loss_arguments import CTC
from shapewidget.diagnosis.rules.row_groups import dealt_out
from shapewidget.diagnosis.rules.time_axis import recurrent_cause
from shapewidget.diagnosis.squeezed import squeezed_away
from shapewidget.diagnosis.structure_remedies import of_the_rank
from shapewidget.diagnosis.target_remedies import index_remedies
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, TakeFirst
from shapewidget.graph.steps import Step

_CONVERSIONS = {
    "float32": Step("float"), "float64": Step("double"), "float16": Step("half"), "bfloat16": Step("bfloat16"),
    "int64": Step("long"), "bool": Step("bool"),
}  # fmt: skip

_ROWS = ("num_embeddings", "input_dim")
_DRAWING = frozenset(("multinomial", "argmax"))

TOLD_ELSEWHERE = frozenset(("scaled_dot_product_attention", *INDEXED))
"""Functions whose ranks have a rule of their own."""


def kind_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer given a tensor of another rank, dtype, range or device than it takes."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or (clash.kind is ClashKind.RANK and _is_told_elsewhere(evidence, clash)):
            continue
        if "input_names" in layer.settings:
            continue
        said = _said(evidence, clash, layer)
        if said is None:
            continue
        code, axis_name, reason, fix = said
        is_loss_module = layer.kind is LayerKind.LOSS and bool(layer.path)
        is_module = layer.kind in (LayerKind.LAYER, LayerKind.GROUP) or is_loss_module
        yield Diagnosis(
            finding(
                code,
                "loss" if layer.kind is LayerKind.LOSS else "module" if is_module else "function",
                (layer.path or layer.type) if is_module else layer.name,
                reason,
                fix=fix,
                op=None if is_module else layer.name,
                axis_name=axis_name,
                expected=clash.expected,
                got=clash.got,
                source=layer.source,
                layer_id=layer.id,
                input=clash.input,
            ),
            tuple(_remedies(evidence, clash, layer)),
        )


def _remedies(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    if clash.kind is ClashKind.RANK and isinstance(clash.expected, int):
        yield from stacked_instead(layer)
        yield from of_the_rank(layer)
        for layout in ranks(layer, clash.expected):
            yield from layout_remedies(evidence, layer, layout)
        yield from rank_remedies(evidence, clash, layer)
    if clash.kind is ClashKind.INDEX:
        yield from index_remedies(evidence, clash, layer)
    if clash.kind is ClashKind.FORM and not clash.input:
        yield from _first_of_tuple(layer)
    if clash.kind is not ClashKind.DTYPE:
        return
    if layer.kind is LayerKind.LOSS:
        yield from loss_remedies(evidence, layer)
        return
    step = _CONVERSIONS.get(str(clash.expected))
    if step is None:
        return
    yield from at_the_input(evidence, layer, clash.input, (step,))
    operands = operands_of(layer)
    if operands is not None and len(operands) > clash.input:
        yield operands.edit({clash.input: step.on(operands.text(clash.input))})


def _first_of_tuple(layer: Layer) -> Iterator[Remedy]:
    operands, source = operands_of(layer), layer.source
    if operands is not None and len(operands) and layer.kind is LayerKind.LAYER:
        yield operands.edit({0: f"{operands.text(0)}[0]"})
    elif source is not None and source.expression is not None and source.expression.startswith(layer.name):
        yield EditExpression(source, f"{layer.name}[0]{source.expression.removeprefix(layer.name)}")
    if layer.kind is LayerKind.LAYER:
        yield TakeFirst(layer.path)


def _is_told_elsewhere(evidence: Evidence, clash: Clash) -> bool:
    """Whether two inputs of one layer differ, or a layer further up is the cause."""
    layer = evidence.layer(clash.layer_id)
    is_of_attention = layer is not None and layer.type == "MultiheadAttention" and len(layer.inputs) > 1
    is_of_attention = is_of_attention and clash.expected == len(layer.inputs[1].shape)  # type: ignore[union-attr]
    is_of_attention |= layer is not None and layer.name.rstrip("_") in TOLD_ELSEWHERE | OF_FIXED_RANK
    is_of_another = recurrent_cause(evidence, clash) is not None or bool(flattened_behind(evidence, clash))
    return clash.against is not None or is_of_attention or is_of_another


def _said(evidence: Evidence, clash: Clash, layer: Layer) -> tuple[str, str, str, str] | None:
    place = place_text(layer)
    given = layer.inputs[clash.input] if clash.input < len(layer.inputs) else None
    if clash.kind is ClashKind.FORM and not clash.input:
        return _tuple(evidence, clash, layer)
    if clash.kind is ClashKind.RANK and layer.kind is LayerKind.OPERATION and given is not None:
        return _missing_axis(clash, layer)
    if clash.kind is ClashKind.RANK and layer.kind is LayerKind.LAYER and given is not None:
        reason = f"{place} takes tensors with {clash.expected} axes, but {shape_text(given)} has {clash.got}."
        return "SW110", "axes", reason, f"give `{layer.name}` a tensor with {clash.expected} axes"
    if clash.kind is ClashKind.DTYPE:
        what = "its targets are" if layer.kind is LayerKind.LOSS else "its input is"
        reason = f"This is no shape problem: {place} takes {clash.expected}, but {what} {clash.got}."
        return "SW401", "dtype", reason, f"convert the input: x.to(torch.{clash.expected})"
    if clash.kind is ClashKind.INDEX and layer.type not in CTC:
        holds = next((f"holds {layer.size(name)} rows and " for name in _ROWS if layer.size(name)), "")
        reason = (
            f"This is no shape problem: {place} {holds}takes indices from {clash.expected}, but one is {clash.got}."
        )
        reason += _drawn(evidence, layer, clash)
        if layer.settings.get("counts_from_one"):
            return "SW402", "index", f"{reason} None is 0: the labels are counted from 1.", "subtract 1: labels - 1"
        return "SW402", "index", reason, "check the vocabulary (or the number of classes) against the largest index"
    if clash.kind is ClashKind.DEVICE:
        reason = f"This is no shape problem: {place} is on {clash.expected}, but its input is on {clash.got}."
        return "SW403", "device", reason, f'move the input: x.to("{clash.expected}")'
    return None


def _drawn(evidence: Evidence, layer: Layer, clash: Clash) -> str:
    """Where the index was drawn from scores, of which there are more than may be looked up."""
    edge = evidence.edge_into(layer.id, clash.input)
    before = evidence.before(edge.source) if edge is not None else set()
    for node in reversed(evidence.graph.layers):
        is_draw = node.id in before and node.name in _DRAWING and node.kind is LayerKind.OPERATION
        scores = node.inputs[0].shape[-1:] if is_draw and node.inputs else ()
        if scores and isinstance(clash.got, int) and scores[0] > clash.got:
            return f" {place_text(node)} draws it from {scores[0]} scores, of which there should be as many as rows."
    return ""


def _tuple(evidence: Evidence, clash: Clash, layer: Layer) -> tuple[str, str, str, str]:
    maker = evidence.producer(layer.id, 0)
    of = f", which is what {place_text(maker)} gives" if maker is not None else ""
    is_recurrent = maker is not None and maker.size("hidden_size") is not None
    parts = ": its outputs and its states" if is_recurrent else ""
    place = place_text(layer) if layer.kind is LayerKind.LAYER else f"The line reads `{layer.name}` as a tensor: it"
    reason = f"{place} takes {clash.expected}, but it is given {clash.got}{of}{parts}. The first of them is meant."
    return "SW106", "", reason, f"take the first: {layer.name}[0]" if layer.name.isidentifier() else "take the first"


def _missing_axis(clash: Clash, layer: Layer) -> tuple[str, str, str, str]:
    given = shape_text(layer.inputs[clash.input])
    if layer.name == "shape":
        where = f" in `{layer.path}`" if layer.path else ""
        reason = f"The line{where} takes {clash.expected} sizes off {given}, which has {clash.got} axes."
    else:
        reason = f"{place_text(layer)} takes a tensor with {clash.expected} axes, but {given} has {clash.got}."
    return "SW110", "axes", reason, f"give it a tensor with {clash.expected} axes"


def program_raised(evidence: Evidence) -> Iterator[Diagnosis]:
    """The run ended with an error that no rule about tensors explains."""
    for clash in evidence.clashes:
        if (
            clash.kind not in (ClashKind.OTHER, ClashKind.TIME)
            or clash.repair
            or dealt_out(evidence, clash) is not None
            or starts_from_several(evidence, clash) is not None
            or squeezed_away(evidence)
        ):
            continue
        is_late = clash.kind is ClashKind.TIME
        layer = evidence.layer(clash.layer_id)
        place = place_text(layer) if layer is not None else "the model"
        last = evidence.graph.layers[-1] if evidence.graph.layers else None
        shapes = f" It was last given {', '.join(map(shape_text, layer.inputs))}." if layer and layer.inputs else ""
        source = layer.source if layer is not None else last.source if last is not None else None
        yield Diagnosis(
            finding(
                "SW901",
                "module",
                (layer.path or layer.name) if layer is not None else evidence.graph.title,
                f"While {place} ran, the program raised {clash.error}.{shapes}",
                fix="look for a loop that does not end, or give it more time: time_limit=..."
                if is_late
                else "read the error: it comes from the program itself",
                source=source,
                layer_id=clash.layer_id,
            )
        )
