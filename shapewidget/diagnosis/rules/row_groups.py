"""Rows that belong together in groups, of a batch that is no whole number of groups."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, Layer

_TAKING = frozenset(("index", "getitem", "__getitem__", "strided_slice"))


def groups_cut(evidence: Evidence) -> Iterator[Diagnosis]:
    """A function that is given every n-th row of one tensor, more than once, where its rows do not divide by n."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        whole = dealt_out(evidence, clash)
        if layer is None or whole is None:
            continue
        sizes, rows = _sizes(layer), whole.outputs[0].shape[0]
        count = rows // min(sizes)
        full = (rows // count + 1) * count
        reason = (
            f"{place_text(layer)} takes the rows of {shape_text(whole.outputs[0])} in groups of {count}, and {rows} is "
            f"no multiple of {count}: the last group is not whole, so it is given {', '.join(map(str, sizes))} rows."
        )
        yield Diagnosis(
            finding_at(
                "SW309",
                layer,
                reason,
                fix=f"a batch size that is a multiple of {count}, such as {full}",
                axis=0,
                axis_name="batch",
                expected=max(sizes),
                got=min(sizes),
            )
        )


def dealt_out(evidence: Evidence, clash: Clash) -> Layer | None:
    """What made the tensor whose rows are dealt out to the inputs of a refused node, some of them getting one more."""
    layer = evidence.layer(clash.layer_id)
    sizes = _sizes(layer) if layer is not None else []
    if layer is None or len(sizes) < 2 or not 0 < max(sizes) - 1 == min(sizes):
        return None
    parts = [evidence.producer(layer.id, place) for place in range(len(sizes))]
    if any(part is None or part.name not in _TAKING for part in parts):
        return None
    wholes = [evidence.producer(part.id, 0) for part in parts if part is not None]
    whole = wholes[0]
    if whole is None or any(each is not whole for each in wholes) or not whole.outputs or not whole.outputs[0].shape:
        return None
    rows = whole.outputs[0].shape[0]
    count = rows // min(sizes)
    return whole if count > 1 and rows // count == min(sizes) else None


def _sizes(layer: Layer) -> list[int]:
    return [spec.shape[0] for spec in layer.inputs if spec.shape]
