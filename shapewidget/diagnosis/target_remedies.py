"""Changes that give a loss or metric targets and weights of the form that it takes: another loss, or other units."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.axis_remedies import reduced_along, reduced_axes
from shapewidget.diagnosis.chains import chain_before, maker
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.layer_remedies import of_width, width_maker
from shapewidget.diagnosis.operand_remedies import of_another_width
from shapewidget.graph.records import Clash, Layer, LayerKind
from shapewidget.graph.remedies import (
    AdaptCall,
    EditExpression,
    InsertLayer,
    Remedy,
    ReplaceLoss,
    SetArgument,
    Together,
)
from shapewidget.graph.steps import Step, index

Shape = tuple[int, ...]
_IDS, _ROWS = "class ids", "one-hot"
_MOST_MORE = 2
"""Labels up to this many times the classes may be meant; 255 among 20 marks what has no class."""
_KINDS = ("crossentropy", "accuracy")


def target_remedies(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """For targets that have another form than a loss or metric takes."""
    outputs, targets = layer.inputs[0].shape, layer.inputs[1].shape
    form = layer.settings.get("takes")
    is_whole = not layer.inputs[1].dtype.startswith("float") or (form == _ROWS and len(targets) < len(outputs))
    is_ids = _bare(targets) == outputs[:-1] and outputs[-1] > 1
    if is_ids and form != _IDS:
        yield from _class_ids(layer, outputs, is_whole=is_whole)
    if form == _IDS and targets == outputs:
        yield from _of_kind(layer, "categorical")
    made = width_maker(evidence, layer)
    if layer.settings.get("counts_from_one"):
        yield AdaptCall(targets=(index(..., slice(1, None)),))
        return
    if form != _IDS and targets and len(targets) == len(outputs) and targets[:-1] == outputs[:-1]:
        yield from filter(None, [of_width(made, targets[-1])])
    if form not in (_IDS, _ROWS) and len(targets) == len(outputs) - 1:
        yield from filter(None, [of_width(made, 1)])
    yield from _dropped_axes(outputs, targets)
    yield from _of_one_step(evidence, layer, outputs, targets)
    if len(outputs) == 2 and len(targets) == 3 and (*targets[:1], *targets[2:]) == outputs == (outputs[0], 1):
        width = of_width(made, targets[1])
        yield from (Together((each, AdaptCall(targets=(Step("squeeze", (-1,)),)))) for each in filter(None, [width]))
    if len(outputs) == len(targets) > 2 and outputs[-1] == targets[-1] and form != _IDS:
        yield from _of_positions(evidence, layer, outputs, targets)


def _of_one_step(evidence: Evidence, loss: Layer, outputs: Shape, targets: Shape) -> Iterator[Remedy]:
    """For one target a sample, and outputs for every step of the last recurrent layer."""
    if len(outputs) != 3 or targets not in ((outputs[0], outputs[2]), outputs[:1]):
        return
    for each in chain_before(evidence, loss):
        if each.settings.get("return_sequences") is True and each.path:
            yield SetArgument(each.path, "return_sequences", False)
            return


def _of_positions(evidence: Evidence, loss: Layer, outputs: Shape, targets: Shape) -> Iterator[Remedy]:
    """For pictures or sequences that come out in another size: padding that keeps it, or cropping and resizing."""
    chain = list(chain_before(evidence, loss))
    cutting = [
        SetArgument(each.path, "padding", "same")
        for each in chain
        if each.settings.get("padding") == "valid" and each.size("filters") is not None and each.path
    ]
    yield from cutting
    if len(cutting) > 1:
        yield Together(tuple(cutting))
    last = chain[0] if chain else None
    if last is None or not last.inputs or last.inputs[0].shape[1:-1] != outputs[1:-1] or not last.path:
        return
    axes = len(outputs) - 2
    gaps = [one - other for one, other in zip(outputs[1:-1], targets[1:-1], strict=True)]
    for name, argument, sign in (("Cropping", "cropping", 1), ("ZeroPadding", "padding", -1)):
        amounts = tuple((0, gap * sign) for gap in gaps)
        if axes <= 3 and all(amount >= 0 for _, amount in amounts):
            value = amounts[0] if axes == 1 else amounts
            yield InsertLayer(last.path, f"{name}{axes}D", {argument: value})


def _of_kind(layer: Layer, *words: str) -> Iterator[ReplaceLoss]:
    """The loss or metric of another form, named as this one is: "BinaryAccuracy" or "binary_accuracy"."""
    kind = next((kind for kind in _KINDS if kind in layer.type.lower()), None)
    if kind is not None:
        name = "_".join((*words, kind))
        yield ReplaceLoss(layer.type, name if layer.type.islower() else name.title().replace("_", ""))


def _class_ids(layer: Layer, outputs: Shape, *, is_whole: bool) -> Iterator[Remedy]:
    """The loss that takes class ids, or rows in their place."""
    if is_whole:
        yield from _of_kind(layer, "sparse", "categorical")
        yield AdaptCall(targets=(Step("squeeze", (-1,)), Step("one_hot", (outputs[-1],))))
        yield AdaptCall(targets=(Step("one_hot", (outputs[-1],)),))


def _dropped_axes(outputs: Shape, targets: Shape) -> Iterator[Remedy]:
    """An axis of length 1 in the outputs that the targets lack, or the other way round."""
    for axis in range(1, max(len(outputs), len(targets))):
        if outputs[axis : axis + 1] == (1,) and (*outputs[:axis], *outputs[axis + 1 :]) == targets:
            yield AdaptCall(outputs=(Step("squeeze", (axis,)),))
        if targets[axis : axis + 1] == (1,) and (*targets[:axis], *targets[axis + 1 :]) == outputs:
            yield AdaptCall(targets=(Step("squeeze", (axis,)),))


def _bare(shape: Shape) -> Shape:
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def one_class_remedies(layer: Layer) -> Iterator[Remedy]:
    """For a loss of classes on a single output."""
    yield from _of_kind(layer, "binary")


def weight_remedies(clash: Clash) -> Iterator[Remedy]:
    """For weights of another shape than the losses that they weigh."""
    values, weights = clash.expected, clash.got
    if not isinstance(values, tuple) or not isinstance(weights, tuple):
        return
    if len(weights) < len(values) and weights == values[: len(weights)]:
        yield AdaptCall(weights=(Step("unsqueeze", (-1,)),) * (len(values) - len(weights)))
    if len(weights) == len(values) + 1 and weights[:-1] == values:
        yield AdaptCall(outputs=(Step("unsqueeze", (-1,)),), targets=(Step("unsqueeze", (-1,)),))
        yield AdaptCall(weights=(Step("mean", (-1,)),))


def own_loss_remedies(evidence: Evidence, clash: Clash, loss: Layer) -> Iterator[Remedy]:
    """For a loss of the user's own that gives another number of values than it was given samples.

    What it adds up over the samples is added up over the last axis; of groups of samples each gives its loss to all.
    """
    values, samples = clash.expected, loss.inputs[0].shape[:1]
    if not samples:
        return
    inner = [each for each in evidence.graph.layers if each.parent == loss.id and each.inputs and each.outputs]
    for each in inner:
        if each.name in ("sum", "mean") and each.outputs[0].shape == values != samples:
            if reduced_axes(each) == (0,) and each.inputs[0].shape[:1] == samples:
                yield from filter(None, [reduced_along(each, (-1,))])
    last = inner[-1] if inner else None
    if not isinstance(values, tuple) or len(values) != 1 or last is None or last.outputs[0].shape != values:
        return
    times, rest = divmod(samples[0], values[0] or 1)
    if times > 1 and not rest and last.source is not None and last.source.expression is not None:
        yield EditExpression(last.source, f"{last.source.expression}.repeat_interleave({times})")


def index_remedies(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    """For class ids or words that are larger than what they index."""
    if not isinstance(clash.got, int) or clash.got < 0:
        return
    if layer.settings.get("counts_from_one"):
        yield AdaptCall(targets=(Step("sub", (1,)),))
    elif layer.kind is LayerKind.LOSS:
        yield from filter(None, [of_width(width_maker(evidence, layer), clash.got + 1)])
        yield from classes_remedies(evidence, layer, clash.got + 1)
    elif layer.type == "Embedding" and layer.path:
        names = [name for name in ("input_dim", "num_embeddings") if layer.size(name) is not None]
        yield from (SetArgument(layer.path, name, clash.got + 1) for name in names)


def classes_remedies(evidence: Evidence, loss: Layer, classes: int) -> Iterator[SetArgument]:
    """The layer that gives the scores of the classes built for another number; not for a label that stands for none."""
    made, shape = maker(evidence, loss), loss.inputs[0].shape
    if made is not None and len(shape) > 1 and 1 < classes <= _MOST_MORE * shape[1]:
        yield from filter(None, [of_another_width(made[0], classes, None)])


def per_sample_remedies(evidence: Evidence, loss: Layer) -> Iterator[Remedy]:
    """For a loss that is one number for the whole batch: the average taken over the other axes only."""
    inner = [each for each in evidence.graph.layers if each.parent == loss.id and each.outputs and each.inputs]
    mean = next((each for each in inner if each.outputs[0].shape == () and each.inputs[0].shape), None)
    call = _parsed(mean.source.expression) if mean is not None and mean.source is not None else None
    if mean is None or mean.source is None or not isinstance(call, ast.Call) or not call.args:
        return
    rank = len(mean.inputs[0].shape)
    if rank == 1:
        yield EditExpression(mean.source, ast.unparse(call.args[0]))
        return
    axes = -1 if rank == 2 else tuple(range(1, rank))
    call.keywords = [each for each in call.keywords if each.arg != "axis"]
    call.keywords.append(ast.keyword("axis", ast.parse(repr(axes), mode="eval").body))
    yield EditExpression(mean.source, ast.unparse(call))


def _parsed(text: str | None) -> ast.expr | None:
    try:
        return ast.parse(text or "", mode="eval").body
    except SyntaxError:
        return None
