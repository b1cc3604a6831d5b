"""Products of matrices and `t`, which take tensors with a fixed number of axes, given those of a batch."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import has_batch
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import Operands, call_of, is_method
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy

OF_FIXED_RANK = frozenset("mm spmm bmm mv dot inner t addmm addmv baddbmm".split())
_OF_EVERY_RANK = frozenset(("mm", "spmm", "bmm", "mv"))
_WHAT = {1: "vectors", 2: "matrices", 3: "batches of matrices"}


def rank_not_taken(evidence: Evidence) -> Iterator[Diagnosis]:
    """`mm` of the matrices of a batch, `bmm` of heads, `t` of three axes: `matmul` and `transpose` take any number."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.kind is not LayerKind.OPERATION or layer.name not in OF_FIXED_RANK:
            continue
        if clash.kind is ClashKind.RANK and clash.input < len(layer.inputs):
            yield _said(clash, layer)


def _said(clash: Clash, layer: Layer) -> Diagnosis:
    given = layer.inputs[clash.input]
    axes = "axis" if clash.expected == 1 else "axes"
    reason = (
        f"{place_text(layer)} takes {_WHAT[int(str(clash.expected))]}, of {clash.expected} {axes} each, but "
        f"{shape_text(given)} has {clash.got}."
    )
    remedies = tuple(_remedies(clash, layer))
    if layer.name == "t":
        fix = "transpose(-2, -1), which swaps the last two axes of a batch"
    elif layer.name in _OF_EVERY_RANK and clash.got != 2:
        fix = "torch.matmul, which multiplies along the last two axes and keeps those in front"
    else:
        fix = f"give it tensors with {clash.expected} {axes}"
    return Diagnosis(
        finding_at(
            "SW110", layer, reason, fix=fix, axis_name="axes", expected=clash.expected, got=clash.got, input=clash.input
        ),
        remedies,
    )


def _remedies(clash: Clash, layer: Layer) -> Iterator[Remedy]:
    texts = _texts(layer)
    if layer.source is None or len(texts) != len(layer.inputs):
        return
    if layer.name == "t":
        yield EditExpression(layer.source, f"{texts[0]}.transpose(-2, -1)")
    elif layer.name == "dot":
        yield EditExpression(layer.source, f"({texts[0]} * {texts[1]}).sum(-1)")
    elif len(texts) == 3:
        yield EditExpression(layer.source, f"({texts[0]} + {texts[1]} @ {texts[2]})")
    elif layer.name in _OF_EVERY_RANK and len(texts) == 2:
        yield EditExpression(layer.source, _product(layer, clash.input, texts))


def _product(layer: Layer, place: int, texts: tuple[str, ...]) -> str:
    """The product written for as many axes as there are."""
    left, right = (spec.shape for spec in layer.inputs)
    if len(right) == 2 < len(left) and math.prod(left[1:]) == right[0]:
        return f"{texts[0]}.flatten(1).matmul({texts[1]})"
    if layer.name == "bmm" and has_batch(layer.inputs[place]) and len(layer.inputs[place].shape) == 2:
        lifted = [f"{text}.unsqueeze({each + 1})" if each == place else text for each, text in enumerate(texts)]
        return f"{lifted[0]}.bmm({lifted[1]})"
    return f"{texts[0]}.matmul({texts[1]})"


def _texts(layer: Layer) -> tuple[str, ...]:
    """The tensors of the call as a person wrote them; none where some are handed over by name."""
    call = call_of(layer.source)
    if call is None or call.keywords or layer.source is None:
        return ()
    owner = (call.func.value,) if isinstance(call.func, ast.Attribute) and is_method(call.func) else ()
    operands = Operands(layer.source, layer.source.expression or "", (*owner, *call.args), 1)
    return tuple(operands.text(place) for place in range(len(operands)))
