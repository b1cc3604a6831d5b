"""Axes of different meaning that have one size in the user's run: the batch and the sequence, or a single sample."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, roles
from shapewidget.diagnosis.axis_remedies import squeezed_by_name
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import axis_argument
from shapewidget.diagnosis.evidence import Diagnosis, Evidence, arguments_of_model
from shapewidget.diagnosis.expressions import along, method_call, with_keywords
from shapewidget.diagnosis.findings import Severity
from shapewidget.diagnosis.loss_remedies import loss_remedies
from shapewidget.diagnosis.loss_search import is_of_classes
from shapewidget.diagnosis.operand_remedies import broadcast_remedies
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.own_tables import made_for_steps
from shapewidget.diagnosis.squeezed import squeezed_away
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.dims import Dim
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_ARITHMETIC = frozenset(("add", "sub", "mul", "div"))


def agree_by_one_size(evidence: Evidence) -> Iterator[Diagnosis]:
    """A function that meets two named axes, and is refused at all sizes at which the two differ."""
    first = [run.clashes[0] if run.clashes else None for run in evidence.others]
    if not first or first[0] is None or any(clash is None or clash.layer_id != first[0].layer_id for clash in first):
        return
    layer = evidence.layer(first[0].layer_id)
    is_mask = isinstance(first[0].expected, tuple)
    if layer is None or (layer.kind is LayerKind.LAYER and not is_mask) or layer.id in evidence.clash_at:
        return
    for one, other in itertools.permutations(evidence.graph.sizes, 2):
        clashes = zip(first, evidence.others, strict=True)
        is_pair = evidence.graph.sizes[one] == evidence.graph.sizes[other]
        is_pair = is_pair and not _is_meant(evidence, layer, one, other)
        if is_pair and all(clash is not None and _meets(clash, run.sizes, one, other) for clash, run in clashes):
            yield _by_one_size(evidence, layer, first[0], one, other)
            return


def classes_by_one_size(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss of classes that reads the steps as them, and is refused at all sizes but this, where they are as many."""
    for layer in evidence.graph.layers:
        if layer.kind is not LayerKind.LOSS or not is_of_classes(layer.type) or len(layer.inputs) < 2:
            continue
        outputs, targets = layer.inputs[:2]
        dims, rank = outputs.dims, len(outputs.shape)
        first = [run.clashes[0].layer_id if run.clashes else "" for run in evidence.others]
        is_refused = bool(first) and set(first) == {layer.id} and layer.id not in evidence.clash_at
        if dims is not None and rank > 2 and is_refused and targets.dims == dims[:-1] and dims[1] != dims[-1]:
            size = outputs.shape[1]
            reason = (
                f"{place_text(layer)} reads axis 1 of the outputs {shape_text(outputs)} as the classes: that is "
                f"{dims[1]} = {size}, as the targets {shape_text(targets)} have it. The classes are the "
                f"{outputs.shape[-1]} on axis {rank - 1}; the two have one size here by chance."
            )
            said = finding_at(
                "SW611", layer, reason, fix=f"outputs.transpose(1, {rank - 1})", axis=1, axis_name="classes",
                expected=f"axis {rank - 1}: {outputs.shape[-1]} classes", got=f"axis 1: {dims[1]} = {size}",
            )  # fmt: skip
            yield Diagnosis(said, loss_remedies(evidence, layer))


def _is_meant(evidence: Evidence, layer: Layer, one: str, other: str) -> bool:
    """Whether an argument says how long an axis is, as of a model for so many columns, or two say how many heads."""
    arguments = arguments_of_model(evidence) & {one, other}
    if layer.name == "scaled_dot_product_attention":
        return len(arguments) == 2
    return len(arguments) == 1 and "B" not in (one, other)


def _meets(clash: Clash, sizes: Mapping[str, int], one: str, other: str) -> bool:
    expected, got = (size if isinstance(size, tuple) else (size,) for size in (clash.expected, clash.got))
    is_met = len(expected) == len(got) and set(expected) == {sizes[one]} and set(got) == {sizes[other]}
    return clash.kind is ClashKind.SIZE and sizes[one] != sizes[other] and is_met


def _by_one_size(evidence: Evidence, layer: Layer, clash: Clash, one: str, other: str) -> Diagnosis:
    size = evidence.graph.sizes[one]
    meanings = [f"{name} = {size} ({evidence.meanings.get(name, name)})" for name in (one, other)]
    met = layer.inputs[:2] if layer.kind is not LayerKind.LAYER else (layer.inputs[0], layer.inputs[clash.input])
    shapes = " and ".join(map(shape_text, met))
    reason = (
        f"{place_text(layer)} takes {shapes}: an axis of {meanings[0]} meets one of {meanings[1]}. They have one size "
        f"here by chance, and it fails at any other."
    )
    wanted = _of_each_sample(layer)
    if wanted is not None:
        reason += f" One number for each sample has the shape {wanted} there, with the batch in front."
    return Diagnosis(
        finding_at(
            "SW611",
            layer,
            reason,
            fix="bring axes of one meaning together: x.unsqueeze(1) for a vector a sample",
            axis=clash.axis,
            axis_name=evidence.meanings.get(other, other),
            expected=f"{one} = {size}" if wanted is None else wanted,
            got=f"{other} = {size}" if wanted is None else wanted[:1],
            input=clash.input,
        ),
        (*made_for_steps(evidence, layer, clash.input), *_meeting_otherwise(evidence, layer)),
    )


def _of_each_sample(layer: Layer) -> tuple[int, ...] | None:
    """The shape in which a vector of one number a sample would meet the other operand; None of other operands."""
    dims = [spec.dims for spec in layer.inputs[:2]]
    longer = next((each for each in dims if each is not None and len(each) > 1 and each[0] == BATCH), None)
    return (
        (layer.inputs[dims.index(longer)].shape[0], *[1] * (len(longer) - 1)) if longer and (BATCH,) in dims else None
    )


def _meeting_otherwise(evidence: Evidence, layer: Layer) -> tuple[Remedy, ...]:
    """The axes put otherwise, at all places at which tensors of these shapes meet."""
    given = [(spec.shape, spec.dims) for spec in layer.inputs]
    alike = [
        it
        for it in evidence.graph.layers
        if it.name in _ARITHMETIC and [(spec.shape, spec.dims) for spec in it.inputs] == given
    ]
    found = [[edit for edit in broadcast_remedies(evidence, it) if isinstance(edit, EditExpression)] for it in alike]
    if len(alike) > 1 and all(found):
        return tuple(Together(edits) for edits in zip(*found, strict=False))
    return broadcast_remedies(evidence, layer)


def features_meet_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """A function that sets features against positions, of which there are as many, and is refused where there are not.

    A weight for each of a fixed number of steps is none of the two.
    """
    refused = [run.clashes[0].layer_id if run.clashes else "" for run in evidence.others]
    for layer in evidence.graph.layers:
        is_pair = layer.name in _ARITHMETIC and len(layer.inputs) == 2
        if not is_pair or layer.id not in refused or layer.id in evidence.clash_at:
            continue
        one, other = (evidence.axes_into(layer, place) for place in (0, 1))
        for back in range(1, 1 + min(len(one), len(other))):
            meet = [roles(axes[-back]) for axes in (one, other)]
            if {Role.FEATURES} in meet and {Role.POSITIONS} in meet:
                yield _of_two_meanings(evidence, layer, back)
                break


def _of_two_meanings(evidence: Evidence, layer: Layer, back: int) -> Diagnosis:
    one, other = layer.inputs[:2]
    size = one.shape[-back]
    reason = (
        f"{place_text(layer)} takes {shape_text(one)} and {shape_text(other)}: on axis {-back}, features of one meet "
        f"positions of the other. There are {size} of both here by chance, and it fails at any other size."
    )
    said = finding_at(
        "SW611", layer, reason, fix="bring axes of one meaning together: x.unsqueeze(-1) for a number a position",
        axis=len(one.shape) - back, axis_name="features", expected=f"{size} features", got=f"{size} positions",
    )  # fmt: skip
    return Diagnosis(said, _meeting_otherwise(evidence, layer))


def batch_of_one_squeezed(evidence: Evidence) -> Iterator[Diagnosis]:
    """A `squeeze()` that names no axis, or that of the batch, takes away a batch of one; of a larger one a note."""
    for layer in evidence.graph.layers:
        spec = layer.inputs[0] if layer.inputs else None
        if layer.name != "squeeze" or layer.kind is not LayerKind.OPERATION or not layer.outputs:
            continue
        if spec is None or spec.dims is None or BATCH not in spec.dims:
            continue
        asked = axis_argument(layer)
        if not layer.settings.keys() & {"1", "dim", "axis"} or (asked is not None and spec.dims[asked] == BATCH):
            yield _squeezed(evidence, layer, spec.dims, asked)


def batch_of_one_squeezed_in_use(evidence: Evidence) -> Iterator[Diagnosis]:
    """The same, in code that was watched, where a batch of one came after larger ones and the program then failed."""
    for before, layer in squeezed_away(evidence) if evidence.clashes else ():
        given, made = layer.inputs[0], layer.outputs[0]
        meant = [axis for axis, size in enumerate(given.shape) if size == 1 and axis]
        call = call_of(layer.source)
        axes = meant[0] if len(meant) == 1 else meant
        text = along(layer.source, 0, 1, axes) if call is not None and meant else None
        if call is not None and text is None and not call.keywords and meant:
            text = with_keywords(layer.source, f"axis={axes}")
        reason = (
            f"{place_text(layer)} drops every axis of size 1. Of batches like {shape_text(before.inputs[0])} it left "
            f"{before.outputs[0].shape}; of this one, {shape_text(given)}, with 1 sample, it drops axis 0, the batch, "
            f"too: {made.shape} is left, where a batch of 1 should be {(1, *made.shape)}."
        )
        said = finding_at(
            "SW612", layer, reason, fix=text or "name the axis: axis=-1", axis=0, axis_name="batch",
            expected=(1, *made.shape), got=made.shape,
        )  # fmt: skip
        remedies = (EditExpression(layer.source, text),) if layer.source is not None and text is not None else ()
        yield Diagnosis(replace(said, severity=Severity.MISMATCH), remedies)


def _squeezed(evidence: Evidence, layer: Layer, dims: tuple[Dim, ...], asked: int | None) -> Diagnosis:
    is_one, comes = evidence.graph.sizes.get("B") == 1, evidence.smallest_batch == 1
    batch = dims.index(BATCH)
    meant = [axis for axis, dim in enumerate(dims) if dim.is_constant and dim.offset == 1]
    call = method_call(layer.source)
    text = f"{call.receiver}.squeeze({meant[0]})" if call is not None and len(meant) == 1 and asked is None else ""
    axes = f"{place_text(layer)} drops every axis of size 1 of {shape_text(layer.inputs[0])}"
    if asked is not None:
        text = call.receiver if call is not None else ""
        axes = f"{place_text(layer)} drops axis {asked} of {shape_text(layer.inputs[0])} where that has size 1"
    given, left = layer.inputs[0].shape, layer.outputs[0].shape
    if is_one:
        reason = f"{axes}, and with a batch of 1 sample that is axis {batch}, the batch, too: {left} is left."
    elif comes:
        kept = (*given[:batch], *given[batch + 1 :])
        of_one = kept if asked is not None else tuple(size for size in kept if size != 1)
        reason = (
            f"{axes}. The loader gives a batch of 1 sample, and there it drops axis {batch}, the batch, too: "
            f"{of_one} is left, where a batch of 1 should be {(1, *of_one)}."
        )
    else:
        reason = (
            f"{axes}. Of a batch of 1 sample, as the last of an epoch may be, it drops axis {batch}, the batch, too."
        )
    found = finding_at(
        "SW612",
        layer,
        reason,
        fix=text or "squeeze(-1): name the axis",
        axis=batch,
        axis_name="batch",
        expected="the batch axis kept",
        got=str(layer.outputs[0].shape),
    )
    remedies = tuple(squeezed_by_name(layer, meant, len(dims)))
    if asked is not None and text and layer.source is not None:
        remedies = (EditExpression(layer.source, text),)
    return Diagnosis(found if is_one or comes else replace(found, severity=Severity.NOTE), remedies)
