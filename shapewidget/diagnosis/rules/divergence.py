"""Distributions that a divergence compares, and that run over the samples of a batch in place of the classes."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.rules.class_axis import axis_of_softmax, other_axis, softmax_before
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Together

_DIVERGENCES = frozenset(("kl_div", "KLDivLoss"))


def distributed_over_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """A divergence of several scores a sample, one of whose sides adds up to 1 over the samples."""
    for layer in evidence.graph.layers:
        if layer.type not in _DIVERGENCES or len(layer.inputs) < 2 or layer.id in evidence.clash_at:
            continue
        sides = [softmax for place in (0, 1) if (softmax := softmax_before(evidence, layer, place)) is not None]
        if any(_is_of_classes(evidence, softmax) for softmax in sides):
            wrong = [softmax for softmax in sides if _runs_over_batch(softmax)]
            if wrong:
                yield _said(layer, wrong)


def _is_of_classes(evidence: Evidence, softmax: Layer) -> bool:
    """Whether a layer made the last axis, and it holds more than one score; one a sample is a list to be ranked."""
    return is_all(evidence.axes_into(softmax)[-1], Role.FEATURES) and softmax.inputs[0].shape[-1] > 1


def _runs_over_batch(softmax: Layer) -> bool:
    dims, axis = softmax.inputs[0].dims, axis_of_softmax(softmax)
    return axis is not None and dims is not None and len(dims) > 1 and dims[axis] == BATCH and dims[-1] != BATCH


def _said(layer: Layer, wrong: list[Layer]) -> Diagnosis:
    first, given = wrong[0], wrong[0].inputs[0]
    last = len(given.shape) - 1
    axis = axis_of_softmax(first) or 0
    sides = "both sides come" if len(wrong) > 1 else "one side comes"
    reason = (
        f"{place_text(layer)} compares distributions, and {sides} from a softmax along axis {axis} of "
        f"{shape_text(given)}: its values add up to 1 over the {given.shape[axis]} samples of the batch, not over the "
        f"{given.shape[last]} classes of each."
    )
    edits = [edit for each in wrong for edit in other_axis(each, axis, last)]
    fix = next((each.replacement for each in edits if isinstance(each, EditExpression)), "dim=-1")
    said = finding_at(
        "SW660", first, reason, fix=fix,
        axis=axis, axis_name="batch", expected=f"dim=-1 ({given.shape[last]} classes)",
        got=f"dim={axis} ({given.shape[axis]} samples)",
    )  # fmt: skip
    changes = tuple(edit for edit in edits if not isinstance(edit, Together))
    remedies = changes if len(changes) < 2 else (Together(changes),)
    return Diagnosis(said, remedies if len(edits) == len(wrong) else ())
