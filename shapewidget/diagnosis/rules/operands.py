"""Functions whose tensors do not fit one another: arithmetic, joining, matrix products, reshaping."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind, TensorSpec

_JOINING = frozenset(("cat", "concat", "concatenate", "stack"))
_PRODUCTS = frozenset(("matmul", "bmm", "mm", "mv", "linear"))
_RESHAPING = frozenset(("view", "reshape"))


def operands_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A function that raised because of the sizes of its tensors."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.kind is not LayerKind.OPERATION or clash.kind not in (ClashKind.SIZE, ClashKind.RANK):
            continue
        if layer.name in _RESHAPING:
            yield _reshaping(clash, layer)
        elif clash.against is not None and clash.against < len(layer.inputs) and clash.input < len(layer.inputs):
            yield _joining(evidence, clash, layer)


def _joining(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    one, other = layer.inputs[clash.against or 0], layer.inputs[clash.input]
    code = "SW202" if layer.name in _JOINING else "SW203" if layer.name in _PRODUCTS else "SW201"
    makers = (_named(evidence, layer, clash.against or 0), _named(evidence, layer, clash.input))
    dim = evidence.dim(layer, clash.input, clash.axis)
    if clash.kind is ClashKind.RANK:
        clause = f"they have {clash.expected} and {clash.got} axes"
    else:
        clause = f"on axis {clash.axis} of the second, {size_text(clash.got, dim)} meets {clash.expected}"
    reason = f"{place_text(layer)} takes {shape_text(one)} {makers[0]} and {shape_text(other)} {makers[1]}: {clause}."
    fix = f"give both the same size on axis {clash.axis}" if clash.axis is not None else "give both the same number of axes"
    return Diagnosis(_finding(code, clash, layer, reason, fix))


def _named(evidence: Evidence, layer: Layer, place: int) -> str:
    producer = evidence.producer(layer.id, place)
    return f"from {place_text(producer)}" if producer is not None else "of its own"


def _reshaping(clash: Clash, layer: Layer) -> Diagnosis:
    given: TensorSpec = layer.inputs[0]
    count = math.prod(given.shape)
    asked = clash.expected if isinstance(clash.expected, tuple) else ()
    fixed = math.prod(size for size in asked if isinstance(size, int) and size != -1)
    rest = f"which is no multiple of {fixed}" if -1 in asked else f"not {fixed}"
    reason = f"{place_text(layer)} asks for {asked}, but {shape_text(given)} holds {count} values, {rest}."
    return Diagnosis(_finding("SW204", clash, layer, reason, "name the sizes that the tensor has, and let one be -1"))


def _finding(code: str, clash: Clash, layer: Layer, reason: str, fix: str) -> Finding:
    return finding(
        code,
        "function",
        layer.name,
        reason,
        fix=fix,
        op=layer.name,
        scope=layer.path,
        axis=clash.axis,
        expected=clash.expected,
        got=clash.got,
        source=layer.source,
        layer_id=layer.id,
        input=clash.input,
    )
