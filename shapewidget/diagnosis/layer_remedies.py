"""Changes of the layers of a model that is described by its layers: another argument, another layer, one more."""

from __future__ import annotations

import ast
import contextlib
import math
from collections.abc import Iterator, Sequence
from itertools import permutations

from shapewidget.diagnosis.chains import chain_before
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.graph.records import Clash, Layer, LayerKind, SourceLine
from shapewidget.graph.remedies import (
    AdaptCall,
    EditExpression,
    InsertLayer,
    Remedy,
    ReplaceLayer,
    SetArgument,
    Together,
)
from shapewidget.graph.steps import Step, index

Shape = tuple[int, ...]
_WIDTHS = ("units", "filters", "output_dim")
_SEQUENCES = "return_sequences"
_UNSEEN = -1
_MOST_PADDED = 4
"""Branches that differ by more were not meant to be padded."""


def of_width(made: Layer | None, width: int) -> SetArgument | None:
    """The layer built so that it gives another number of features or channels; None where no argument does that."""
    name = next((each for each in _WIDTHS if made is not None and made.size(each) is not None), None)
    if made is None or name is None or not made.path or width < 1:
        return None
    if any(spec.shape[-1:] == (width,) for spec in made.outputs[:1]):
        return None
    if made.settings.get("merge_mode") == "concat":
        return SetArgument(made.path, name, width // 2) if width % 2 == 0 else None
    return SetArgument(made.path, name, width)


def width_maker(evidence: Evidence, layer: Layer, place: int = 0) -> Layer | None:
    """The layer that gave the features of an input, past those that keep them."""
    for each in chain_before(evidence, layer, place):
        if _makes_width(each):
            return each
        if not each.inputs or not each.outputs or each.inputs[0].shape[-1:] != each.outputs[0].shape[-1:]:
            return None
    return None


def _makes_width(layer: Layer) -> bool:
    return any(layer.size(name) is not None for name in _WIDTHS)


def rank_remedies(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    """For a layer that takes another number of axes."""
    if not isinstance(clash.expected, int) or not layer.path or clash.input >= len(layer.inputs):
        return
    sizes = layer.inputs[clash.input].shape[1:]
    missing = clash.expected - 1 - len(sizes)
    if missing > 0:
        yield from _with_more_axes(evidence, layer, sizes, missing)
    elif clash.expected == 2:
        yield from flattened(layer, len(sizes))
    elif _UNSEEN not in sizes[clash.expected - 2 :]:
        merged = math.prod(sizes[clash.expected - 2 :])
        yield InsertLayer(layer.path, "Reshape", {"target_shape": (*sizes[: clash.expected - 2], merged)})


def _with_more_axes(evidence: Evidence, layer: Layer, sizes: Shape, missing: int) -> Iterator[Remedy]:
    producer = evidence.producer(layer.id, 0)
    shape = tuple(None if size == _UNSEEN else size for size in sizes) + (1,) * missing
    if producer is not None and producer.type in ("Flatten", "Reshape") and producer.inputs:
        before = producer.inputs[0].shape[1:]
        if len(before) == len(sizes) + missing:
            yield ReplaceLayer(producer.path, "Identity")
        if len(before) > len(sizes) + missing and _UNSEEN not in before:
            target = (math.prod(before[:-1]), before[-1])
            yield InsertLayer(layer.path, "Reshape", {"target_shape": target})
    is_image = missing == 1 and len(sizes) == 2
    if producer is not None and producer.kind is LayerKind.INPUT and (is_image or layer.size("filters") is not None):
        yield SetArgument(producer.name, "shape", shape)
    if sizes.count(_UNSEEN) < 2:
        yield InsertLayer(layer.path, "Reshape", {"target_shape": (*sizes, *(1,) * missing)})


def flattened(layer: Layer, axes: int, place: int = 0) -> Iterator[Remedy]:
    """All axes of an input but the batch put into one, or averaged over all of them but the last."""
    yield InsertLayer(layer.path, "Flatten", place=place)
    if 2 <= axes <= 4:
        yield InsertLayer(layer.path, f"GlobalAveragePooling{axes - 1}D", place=place)


def unknown_remedies(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """For weights of an axis without a size: pooling in the place of what flattened it."""
    maker = evidence.producer(layer.id, 0)
    if maker is not None and maker.type == "Flatten" and maker.inputs:
        axes = len(maker.inputs[0].shape) - 2
        if 1 <= axes <= 3:
            yield ReplaceLayer(maker.path, f"GlobalMaxPooling{axes}D")
            yield ReplaceLayer(maker.path, f"GlobalAveragePooling{axes}D")


def reshape_layer_remedies(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    """For a Reshape to another number of values: one size of it changed, or the layer before made for that number."""
    asked, given = clash.expected, clash.got
    if not isinstance(asked, tuple) or not isinstance(given, tuple):
        return
    count = math.prod(given)
    if -1 not in asked:
        yield from filter(None, [of_width(evidence.producer(layer.id, 0), math.prod(asked))] if len(given) == 1 else [])
    yield from (SetArgument(layer.path, "target_shape", sizes) for sizes in _fitting_sizes(asked, count))


def _fitting_sizes(asked: Shape, count: int) -> Iterator[Shape]:
    """The shapes that hold a number of values and differ in one size from what was asked for, the last axis first."""
    for axis in reversed(range(len(asked))):
        rest = math.prod(size for place, size in enumerate(asked) if place != axis and size != -1)
        if rest > 0 and count % rest == 0:
            sizes = (count // rest if place == axis else 1 if size == -1 else size for place, size in enumerate(asked))
            yield tuple(sizes)


def function_remedies(clash: Clash, layer: Layer) -> Iterator[Remedy]:
    """For ``reshape(x, shape)`` to another number of values: the batch as it is, or one size of the shape changed."""
    source, asked = layer.source, clash.expected
    if source is None or source.expression is None or not isinstance(asked, tuple) or not layer.inputs:
        return
    with contextlib.suppress(SyntaxError):
        match ast.parse(source.expression, mode="eval").body:
            case ast.Call(args=[_, ast.Tuple(elts=items) | ast.List(elts=items), *_]) as call if len(items) == len(
                asked
            ):
                yield from _batch_kept(layer, call, asked)
                for sizes in _of_samples(asked, layer.inputs[0].shape):
                    texts = [
                        ast.unparse(item) if size == was else str(size)
                        for item, size, was in zip(items, sizes, asked, strict=True)
                    ]
                    yield _reshape(source, call, texts)


def _of_samples(asked: Shape, given: Shape) -> Iterator[Shape]:
    """As `_fitting_sizes`; where the first axis is the batch's, it stays so, and the others hold one sample."""
    if asked[0] not in (-1, given[0]):
        yield from _fitting_sizes(asked, math.prod(given))
    else:
        yield from ((asked[0], *sizes) for sizes in _fitting_sizes(asked[1:], math.prod(given[1:])))


def _batch_kept(layer: Layer, call: ast.Call, asked: Shape) -> Iterator[Remedy]:
    """The batch kept: its size read off the tensor, or left to follow where the others hold a sample."""
    given, rest, source = layer.inputs[0].shape, math.prod(asked[1:]), layer.source
    sample = math.prod(given[1:])
    is_merged = len(asked) == 2 and asked[0] == -1
    fits = sample == rest if rest > 0 else rest < 0 and sample % -rest == 0
    if source is None or not given or not (is_merged or (fits and asked[0] not in (-1, given[0]))):
        return
    tensor, function = ast.unparse(call.args[0]), ast.unparse(call.func)
    counted = f"{function.removesuffix(layer.name)}shape({tensor})[0]" if "torch" not in function else f"len({tensor})"
    _, *others = map(ast.unparse, call.args[1].elts)  # type: ignore[attr-defined]
    yield _reshape(source, call, [counted, "-1"] if is_merged else ["-1" if rest > 0 else counted, *others])


def _reshape(source: SourceLine, call: ast.Call, sizes: Sequence[str]) -> EditExpression:
    shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
    return EditExpression(source, f"{ast.unparse(call.func)}({ast.unparse(call.args[0])}, {shape})")


def merge_remedies(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    """For layers that add or join tensors of several branches."""
    one, other = clash.against or 0, clash.input
    if len(layer.inputs[one].shape) != len(layer.inputs[other].shape):
        yield from _of_ranks(evidence, layer, one, other)
        yield from _with_features(layer, one, other)
        return
    shapes = [spec.shape for spec in layer.inputs]
    if layer.type == "Dot":
        common = tuple(_along_common_axes(layer, shapes[one], shapes[other]))
        yield from common or _of_widths(evidence, layer, one, other)
        return
    yield from _of_layouts(evidence, layer, one, other)
    if clash.axis == len(shapes[one]) - 1:
        yield from _along_another_axis(layer, shapes)
        yield from _of_widths(evidence, layer, one, other)
    elif clash.axis:
        yield from _of_positions(evidence, layer, shapes[one], shapes[other], (one, other))
        yield from _along_another_axis(layer, shapes)


def _with_features(layer: Layer, one: int, other: int) -> Iterator[Remedy]:
    """One value of each sample, or of each position, with an axis of features behind, beside one that has them."""
    operands = operands_of(layer)
    for place, opposite in ((one, other), (other, one)):
        given, wanted = layer.inputs[place].shape, layer.inputs[opposite].shape
        if operands is not None and given and given == wanted[:-1]:
            brackets = ", ".join((*[":"] * len(given), "None"))
            edit = operands.listed(place, lambda text, brackets=brackets: f"{text}[{brackets}]")  # type: ignore[misc]
            yield from (edit,) if edit is not None else ()


def _of_layouts(evidence: Evidence, layer: Layer, one: int, other: int) -> Iterator[Remedy]:
    """A gate, one value for each channel, whose channels lie on another axis than those that it is to scale."""
    for place, opposite in ((other, one), (one, other)):
        given, wanted = layer.inputs[place].shape[1:], layer.inputs[opposite].shape[1:]
        if layer.type == "Concatenate" or len([size for size in given if size != 1]) != 1:
            continue
        axis = next(axis for axis, size in enumerate(given) if size != 1)
        for target in (at for at, size in enumerate(wanted) if size == given[axis] and at != axis):
            order = [each for each in range(len(given)) if each != axis]
            order.insert(target, axis)
            producer = evidence.producer(layer.id, place)
            if producer is not None and producer.type == "Reshape":
                yield SetArgument(producer.path, "target_shape", tuple(given[each] for each in order))
            yield InsertLayer(layer.path, "Permute", {"dims": tuple(each + 1 for each in order)}, place)


def _along_another_axis(layer: Layer, shapes: list[Shape]) -> Iterator[Remedy]:
    rank = len(shapes[0])
    differing = [axis for axis in range(1, rank) if len({shape[axis] for shape in shapes if len(shape) == rank}) > 1]
    if layer.type == "Concatenate" and len(differing) == 1 and len({len(shape) for shape in shapes}) == 1:
        yield SetArgument(layer.path, "axis", -1 if differing[0] == rank - 1 else differing[0])


def _along_common_axes(layer: Layer, one: Shape, other: Shape) -> Iterator[Remedy]:
    """The products summed along axes that have one size in both; what is filled up would be summed as well."""
    same = [(a, b) for a in range(1, len(one)) for b in range(1, len(other)) if one[a] == other[b] != _UNSEEN]
    for axes in sorted(same, key=lambda pair: pair[0] != pair[1]):
        yield SetArgument(layer.path, "axes", axes)


def _of_widths(evidence: Evidence, layer: Layer, one: int, other: int) -> Iterator[Remedy]:
    """One of the branches as wide as the other; that of the trunk, which the other comes from, last."""
    makers = {place: width_maker(evidence, layer, place) for place in (one, other)}
    order = ((other, one), (one, other))
    for place, opposite in order[::-1] if _way_round(evidence, layer, one, other) else order:
        maker, against = makers[place], makers[opposite]
        is_trunk = maker is not None and against is not None and maker.id in evidence.before(against.id)
        remedy = of_width(maker, layer.inputs[opposite].shape[-1])
        if remedy is not None and not is_trunk:
            yield remedy
    for place, opposite in ((one, other), (other, one)):
        rank, width = len(layer.inputs[place].shape), layer.inputs[opposite].shape[-1]
        if width == _UNSEEN:
            continue
        if 4 <= rank <= 5:
            convolution = {"filters": width, "kernel_size": 1}
            yield InsertLayer(layer.path, f"Conv{rank - 2}D", convolution, place)
        else:
            yield InsertLayer(layer.path, "Dense", {"units": width}, place)


def _of_positions(
    evidence: Evidence, layer: Layer, one: Shape, other: Shape, places: tuple[int, int]
) -> Iterator[Remedy]:
    """Branches of another length: convolutions that keep it, or padding of the shorter and cropping of the longer."""
    for place in places[::-1]:
        cutting = [
            SetArgument(each.path, "padding", "same")
            for each in chain_before(evidence, layer, place)
            if each.settings.get("padding") == "valid" and each.path
        ]
        if cutting:
            yield cutting[0] if len(cutting) == 1 else Together(tuple(cutting))
    yield from _of_strides(evidence, layer, one, other, places)
    axes = len(one) - 2
    gaps = [two - first for first, two in zip(one[1:-1], other[1:-1], strict=True)]
    if not 1 <= axes <= 3 or _UNSEEN in (*one[1:-1], *other[1:-1]) or max(map(abs, gaps)) > _MOST_PADDED:
        return
    for name in ("ZeroPadding", "Cropping"):
        for place, sign in zip(places, (1, -1) if name == "ZeroPadding" else (-1, 1), strict=True):
            amounts = [(0, gap * sign) for gap in gaps]
            if all(amount >= 0 for _, amount in amounts):
                argument = "padding" if name == "ZeroPadding" else "cropping"
                value: object = amounts[0] if axes == 1 else tuple(amounts)
                yield InsertLayer(layer.path, f"{name}{axes}D", {argument: value}, place)


def _of_strides(
    evidence: Evidence, layer: Layer, one: Shape, other: Shape, places: tuple[int, int]
) -> Iterator[Remedy]:
    """A branch that is made smaller by strides: the other one made smaller by as much, or the strides taken away.

    The way round is the branch of fewer layers: where it has a layer of its own, that one is given the stride.
    """
    for place, opposite in (places, places[::-1]):
        larger, smaller = (one, other) if place == places[0] else (other, one)
        ratios = {
            math.ceil(wide / narrow) for wide, narrow in zip(larger[1:-1], smaller[1:-1], strict=True) if narrow > 0
        }
        stride = ratios.pop() if len(ratios) == 1 else 0
        axes = len(larger) - 2
        if stride < 2 or not 1 <= axes <= 3:
            continue
        for each in _way_round(evidence, layer, place, opposite):
            if each.path and each.settings.get("strides") == (1,) * axes:
                yield SetArgument(each.path, "strides", stride)
        without = [
            SetArgument(each.path, "strides", 1)
            for each in chain_before(evidence, layer, opposite)
            if each.path and each.settings.get("strides") == (stride,) * axes
        ]
        projection = {"filters": smaller[-1], "kernel_size": 1, "strides": stride}
        project = InsertLayer(layer.path, f"Conv{axes}D", projection, place)
        if _way_round(evidence, layer, opposite, place):
            yield from without
            yield project
        else:
            yield project
            yield from without


def _own_branch(evidence: Evidence, layer: Layer, place: int, opposite: int) -> list[Layer]:
    """The layers of one branch that the other does not run through, the last first."""
    made = evidence.edge_into(layer.id, opposite)
    shared = evidence.before(made.source) if made is not None else set()
    return [each for each in chain_before(evidence, layer, place) if each.id not in shared]


def _way_round(evidence: Evidence, layer: Layer, place: int, opposite: int) -> list[Layer]:
    """The layers of a branch of its own, where it has fewer than the other: those of a shortcut."""
    branch = _own_branch(evidence, layer, place, opposite)
    return branch if len(branch) < len(_own_branch(evidence, layer, opposite, place)) else []


def _of_ranks(evidence: Evidence, layer: Layer, one: int, other: int) -> Iterator[Remedy]:
    """Branches with another number of axes: what gave one more, or one less, than was meant."""
    longer, shorter = sorted((one, other), key=lambda place: -len(layer.inputs[place].shape))
    for place, keeps in ((longer, True), (shorter, False)):
        recurrent = next((it for it in chain_before(evidence, layer, place) if _SEQUENCES in it.settings), None)
        if recurrent is not None and recurrent.path and bool(recurrent.settings[_SEQUENCES]) == keeps:
            yield SetArgument(recurrent.path, _SEQUENCES, not keeps)
    axes, less = len(layer.inputs[longer].shape) - 1, len(layer.inputs[shorter].shape) - 1
    if less == 1:
        yield from flattened(layer, axes, longer)
    steps = layer.inputs[longer].shape[1]
    if axes == 2 and less == 1 and steps != _UNSEEN:
        yield InsertLayer(layer.path, "RepeatVector", {"n": steps}, shorter)


def window_remedies(layer: Layer) -> Iterator[Remedy]:
    """For a window that is larger than what it slides over."""
    if layer.settings.get("padding") == "valid" and layer.path:
        yield SetArgument(layer.path, "padding", "same")


def input_remedies(source: Layer, place: int, declared: tuple[object, ...]) -> Iterator[Remedy]:
    """For an input of another shape than the model declares: its axes put as they are declared, or another Input."""
    given = source.outputs[0].shape
    if _fits(declared[1:], given):
        yield AdaptCall(inputs=(index(None),), name=source.name, place=place)
    if len(given) == len(declared):
        for order in permutations(range(1, len(given))):
            if _fits(declared[1:], tuple(given[axis] for axis in order)):
                yield AdaptCall(inputs=(Step("permute", (0, *order)),), name=source.name, place=place)


def _fits(declared: tuple[object, ...], given: Shape) -> bool:
    return len(declared) == len(given) and all(want in (None, got) for want, got in zip(declared, given, strict=True))
