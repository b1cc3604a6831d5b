"""Changes of an expression whose tensors do not fit one another."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from shapewidget.diagnosis.batch_axis import BATCH, TIME
from shapewidget.diagnosis.batched_products import batched_product_remedies, clashes_in_front
from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.cut_tables import cut_to_batch, cut_to_length
from shapewidget.diagnosis.evidence import Evidence, arguments_of_model
from shapewidget.diagnosis.kept_axes import axes_kept
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_texts import Operands, call_of, is_method, operands_of
from shapewidget.diagnosis.own_tables import made_for_steps
from shapewidget.diagnosis.rearrangements import broadcasts_into, joins, multiplies, rearranged
from shapewidget.diagnosis.structure_remedies import projected
from shapewidget.graph.dims import Dim
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, FitWeight, HandOver, Remedy, ResizeTable, SetArgument
from shapewidget.graph.steps import Dims, Step, written

_MOST = 3
_COMPARES = frozenset(("eq", "ne"))
_JOINS = frozenset(("cat", "concat", "concatenate"))
_MAKES = ("out_features", "out_channels", "embedding_dim", "hidden_size", "units", "filters", "output_dim")


def broadcast_remedies(evidence: Evidence, layer: Layer) -> tuple[Remedy, ...]:
    """For arithmetic and masks: put the axes of one operand as they meet the other's, or cut the longer one."""
    pair = _clashing_pair(layer)
    operands = operands_of(layer)
    if pair is None:
        return ()
    if cut_to_batch(evidence, layer, pair[1]) is not None:
        return tuple(cut_to_length(evidence, layer, pair, _steps_axis(layer, pair[0])))
    longer = short_table(evidence, layer)
    if longer is not None:
        steps = made_for_steps(evidence, layer, longer.place)
        tables = (ResizeTable(layer.path, longer.length, longer.wanted, way) for way in range(_MOST))
        return (*steps, *_as_the_picture(evidence), *tables)
    if _is_of_ids(layer, pair):
        return tuple(_as_ids(operands, pair))
    twice = [place for place in pair if dims_of(layer.inputs[place]).count(BATCH) > 1]
    found: list[Remedy] = [it for place in twice for it in made_for_steps(evidence, layer, place)]
    if operands is not None and len(operands) > max(pair):
        found += _moved(operands, layer, pair, broadcasts_into)
        found += _placed(evidence, operands, layer, pair)
        found += _lifted(evidence, operands, layer, pair)
        found += _cropped(evidence, operands, layer, pair)
    return (
        *found,
        *axes_kept(evidence, layer, pair),
        *other_widths(evidence, layer, pair),
        *projected(evidence, layer),
    )


def _is_of_ids(layer: Layer, pair: tuple[int, int]) -> bool:
    """Whether one-hot rows, or scores, are compared with an id for each row: an id is no column."""
    rows, ids = (layer.inputs[place] for place in pair)
    return layer.name in _COMPARES and ids.dtype.startswith(("int", "uint")) and rows.shape[:-1] == ids.shape


def _as_ids(operands: Operands | None, pair: tuple[int, int]) -> Iterator[EditExpression]:
    if operands is not None and len(operands) > max(pair):
        yield operands.edit({pair[0]: f"{operands.text(pair[0])}.argmax(-1)"})


def aligned_remedies(layer: Layer) -> tuple[Remedy, ...]:
    """For two operands of which one lacks a last axis: add it, or take the other's away if it is of length 1."""
    operands = operands_of(layer)
    ranks = [len(spec.shape) for spec in layer.inputs[:2]]
    if operands is None or len(operands) < 2 or len(ranks) < 2 or abs(ranks[0] - ranks[1]) != 1:
        return ()
    longer, shorter = (0, 1) if ranks[0] > ranks[1] else (1, 0)
    found = [operands.edit({shorter: f"{operands.text(shorter)}.unsqueeze(-1)"})]
    if layer.inputs[longer].shape[-1] == 1:
        found.append(operands.edit({longer: f"{operands.text(longer)}.squeeze(-1)"}))
    return tuple(found)


def _clashing_pair(layer: Layer) -> tuple[int, int] | None:
    """The two operands to bring together, the larger first."""
    specs = layer.inputs
    pairs = [(one, other) for one in range(len(specs)) for other in range(one + 1, len(specs))]
    for one, other in sorted(pairs, key=lambda pair: -pair[1]):
        if not broadcasts_into(dims_of(specs[one]))(dims_of(specs[other])):
            sizes = [(len(spec.shape), math.prod(spec.shape)) for spec in (specs[one], specs[other])]
            return (one, other) if sizes[0] >= sizes[1] else (other, one)
    return None


def _steps_axis(layer: Layer, place: int) -> int:
    """The axis of the steps; the one behind the batch where none is named so."""
    dims = layer.inputs[place].dims or ()
    return dims.index(TIME) if TIME in dims else 1


def _moved(
    operands: Operands, layer: Layer, pair: tuple[int, int], goal: Callable[[Dims], Callable[[Dims], bool]]
) -> Iterator[EditExpression]:
    """The smaller operand rearranged to meet the larger, then the other way round."""
    for fixed, moved in (pair, pair[::-1]):
        wanted = dims_of(layer.inputs[fixed])
        steps = rearranged(dims_of(layer.inputs[moved]), len(wanted), goal(wanted))
        for each in islice(steps, _MOST):
            yield operands.edit({moved: written(each, operands.text(moved))})


def _placed(evidence: Evidence, operands: Operands, layer: Layer, pair: tuple[int, int]) -> Iterator[EditExpression]:
    """A table of the model's own with a number for each position, given the axes behind that it lacks."""
    for samples, table in (pair, pair[::-1]):
        wanted, given = (layer.inputs[place].shape for place in (samples, table))
        lacks = len(wanted) - len(given)
        is_own = evidence.edge_into(layer.id, table) is None and not _is_batch(evidence, layer, table, 0)
        if is_own and len(given) == 1 < lacks and wanted[1] == given[0]:
            yield operands.edit({table: f"{operands.text(table)}[{', '.join([':', *['None'] * (lacks - 1)])}]"})


def _lifted(evidence: Evidence, operands: Operands, layer: Layer, pair: tuple[int, int]) -> Iterator[EditExpression]:
    """Samples given a last axis, along which they meet the columns of a table that holds a row for each feature."""
    for table, samples in (pair, pair[::-1]):
        wanted, given = (dims_of(layer.inputs[place]) for place in (table, samples))
        if _is_batch(evidence, layer, table, 0) or not _is_batch(evidence, layer, samples, 0):
            continue
        if len(wanted) == len(given) > 1 and wanted[:-1] == given[1:]:
            yield operands.edit({samples: f"{operands.text(samples)}.unsqueeze(-1)"})


def _is_batch(evidence: Evidence, layer: Layer, place: int, axis: int) -> bool:
    """Whether an axis of an operand holds the samples: where it was not solved, the first of what came from data."""
    dims = layer.inputs[place].dims
    if dims is not None:
        return "B" in dims[axis].names
    return axis == 0 and evidence.edge_into(layer.id, place) is not None


def _cropped(
    evidence: Evidence, operands: Operands, layer: Layer, pair: tuple[int, int], along: int | None = None
) -> Iterator[EditExpression]:
    """One operand cut to the size of the other, where it is longer: neither samples nor a width that weights have."""
    for fixed, cut in (pair, pair[::-1]):
        wanted, given = layer.inputs[fixed].shape, layer.inputs[cut].shape
        shift = len(wanted) - len(given)
        axes = [
            axis
            for axis in range(len(given))
            if (along is None or axis != along % len(given))
            and axis + shift >= 0
            and given[axis] != wanted[axis + shift]
            and 1 not in (given[axis], wanted[axis + shift])
        ]
        is_cut = all(given[axis] > wanted[axis + shift] for axis in axes)
        is_kept = any(_is_width(evidence, layer, cut, axis) or _is_batch(evidence, layer, cut, axis) for axis in axes)
        if axes and is_cut and not is_kept:
            other = operands.text(fixed)
            yield operands.edit({cut: f"{operands.text(cut)}{_slices(axes, given, shift, other)}"})


class ShortTable(NamedTuple):
    """An operand that is a table of the model's own, how many positions it has, and how many the data have."""

    place: int
    length: int
    wanted: int


def short_table(evidence: Evidence, layer: Layer) -> ShortTable | None:
    """A table with fewer positions than the data: no data are cut to fit it."""
    pair = _clashing_pair(layer)
    for data, table in (pair, pair[::-1]) if pair is not None else ():
        wanted, given = (layer.inputs[place].shape for place in (data, table))
        differing = [back for back in range(1, 1 + min(len(wanted), len(given))) if wanted[-back] != given[-back] != 1]
        if not differing or not 1 < given[-differing[0]] < wanted[-differing[0]]:
            continue
        is_square = given[-1] == given[-2:][0] and wanted[-1] == wanted[-2:][0]
        is_short = differing == [1, 2] and is_square if len(differing) > 1 else differing[0] > 1
        if not is_short or _is_batch(evidence, layer, data, len(wanted) - differing[0]):
            continue
        if _is_of_data(evidence, layer, data) and not _is_of_data(evidence, layer, table):
            return ShortTable(table, given[-differing[0]], wanted[-differing[0]])
    return None


def _as_the_picture(evidence: Evidence) -> Iterator[SetArgument]:
    """The model built for the height of the pictures that it is given: a table may hold a row for each patch."""
    height, arguments = evidence.graph.sizes.get("H", 0), arguments_of_model(evidence)
    smaller = [(size, name) for name, size in evidence.graph.sizes.items() if name in arguments and 1 < size < height]
    yield from (SetArgument("", name, height) for _, name in sorted(smaller, reverse=True)[:_MOST])


def _is_of_data(evidence: Evidence, layer: Layer, place: int) -> bool:
    """Whether an operand depends on what the model is given, as no table of positions does."""
    edge = evidence.edge_into(layer.id, place)
    ids = evidence.before(edge.source) if edge is not None else set()
    return any(each.kind is LayerKind.INPUT and each.id in ids for each in evidence.graph.layers)


def _is_width(evidence: Evidence, layer: Layer, place: int, axis: int) -> bool:
    """Whether an axis holds the features that the layer before was built to give."""
    made = maker(evidence, layer, place)
    if made is None:
        return False
    is_of_channels = made[0].size("out_channels") is not None or "BatchNorm" in made[0].type
    features = 1 if is_of_channels else len(layer.inputs[place].shape) - 1
    return axis == features and any(made[0].size(name) is not None for name in (*_MAKES, "num_features"))


def _slices(axes: list[int], given: tuple[int, ...], shift: int, other: str) -> str:
    """'[:, :x.size(1)]', or '[..., :x.size(-2), :x.size(-1)]' for an image, of which either axis may be longer."""
    rank = len(given)
    if min(axes) >= 2:
        first = min(min(axes), max(2, rank - 2))
        first = first if given[first] > 1 else min(axes)
        return f"[..., {', '.join(f':{other}.size({axis - rank})' for axis in range(first, rank))}]"
    items = [f":{other}.size({axis + shift})" if axis in axes else ":" for axis in range(max(axes) + 1)]
    return f"[{', '.join(items)}]"


def join_remedies(evidence: Evidence, layer: Layer) -> tuple[Remedy, ...]:
    """For `cat` and `stack`: rearrange one tensor, join along another axis, repeat along a missing one, or cut."""
    operands = operands_of(layer)
    if len(layer.inputs) < 2:
        return ()
    if operands is None or len(operands) < len(layer.inputs):
        return tuple(_not_stacked(layer))
    along = _along(layer)
    found: list[Remedy] = []
    pairs = [(0, place) for place in range(1, len(layer.inputs))]
    pair = next((each for each in pairs if not _joined(layer, each, along)), None)
    if pair is None:
        return ()
    if along is not None:
        found += _moved(operands, layer, pair, lambda wanted: joins(wanted, along % len(wanted)))
        found += _repeated(operands, layer, pair, along)
        found += _expanded(operands, layer, pair, along)
        found += _cropped(evidence, operands, layer, pair, along)
    found += _along_another(layer, along)
    return (*found, *other_widths(evidence, layer, pair))


def _along(layer: Layer) -> int | None:
    if layer.name == "stack":
        return None
    """The axis that tensors are joined along, as the program gives it: of a negative one each rank makes another."""
    asked = layer.settings.get("dim", layer.settings.get("axis", layer.settings.get("1", 0)))
    return asked if isinstance(asked, int) else None


def _joined(layer: Layer, pair: tuple[int, int], along: int | None) -> bool:
    one, other = (layer.inputs[place].shape for place in pair)
    place = None if along is None else along % len(one)
    return len(one) == len(other) and all(
        size == wanted for axis, (size, wanted) in enumerate(zip(one, other, strict=True)) if axis != place
    )


def _repeated(operands: Operands, layer: Layer, pair: tuple[int, int], along: int) -> Iterator[EditExpression]:
    """A tensor with an axis less, repeated at every position of the axis that it lacks."""
    for fixed, small in (pair, pair[::-1]):
        wanted, given = dims_of(layer.inputs[fixed]), dims_of(layer.inputs[small])
        if len(wanted) != len(given) + 1:
            continue
        for axis in range(len(wanted)):
            rest = (*wanted[:axis], *wanted[axis + 1 :])
            place = along % len(wanted)
            if axis == place or not _all_but(rest, given, place - (axis < place)):
                continue
            sizes = ", ".join(
                f"{operands.text(fixed)}.size({axis})" if each == axis else "-1" for each in range(len(wanted))
            )
            yield operands.edit({small: f"{operands.text(small)}.unsqueeze({axis}).expand({sizes})"})


def _expanded(operands: Operands, layer: Layer, pair: tuple[int, int], along: int) -> Iterator[EditExpression]:
    """A tensor with a single position on an axis, as a token that all samples share, repeated along it."""
    for fixed, small in (pair, pair[::-1]):
        wanted, given = layer.inputs[fixed].shape, layer.inputs[small].shape
        if len(wanted) != len(given):
            continue
        differing = [at for at in range(len(given)) if at != along % len(given) and wanted[at] != given[at]]
        if len(differing) != 1 or given[differing[0]] != 1:
            continue
        axis, one, other = differing[0], operands.text(small), operands.text(fixed)
        if layer.name == "concat":
            module = operands.whole.split("(", 1)[0].rpartition(".")[0]
            yield operands.edit({small: f"{module}.repeat({one}, {module}.shape({other})[{axis}], axis={axis})"})
        else:
            sizes = ", ".join(f"{other}.size({axis})" if each == axis else "-1" for each in range(len(given)))
            yield operands.edit({small: f"{one}.expand({sizes})"})


def _all_but(one: Dims, other: Dims, axis: int) -> bool:
    return all(size == given for place, (size, given) in enumerate(zip(one, other, strict=True)) if place != axis)


def _along_another(layer: Layer, along: int | None) -> Iterator[EditExpression]:
    """The one axis in which all the tensors differ, where that is another than they are joined along."""
    shapes = [spec.shape for spec in layer.inputs]
    source = layer.source
    if source is None or source.expression is None or len({len(shape) for shape in shapes}) != 1:
        return
    differing = [axis for axis in range(len(shapes[0])) if len({shape[axis] for shape in shapes}) > 1]
    if len(differing) != 1 or (along is not None and differing[0] == along % len(shapes[0])):
        return
    operands = operands_of(layer)
    if operands is None:
        return
    joined = ", ".join(operands.text(place) for place in range(len(layer.inputs)))
    if layer.name == "concat":
        yield EditExpression(source, f"{source.expression.split('(', 1)[0]}([{joined}], axis={differing[0]})")
        return
    function = source.expression.split("(", 1)[0].removesuffix("stack").removesuffix(layer.name) + "cat"
    yield EditExpression(source, f"{function}([{joined}], dim={differing[0]})")


def _not_stacked(layer: Layer) -> Iterator[EditExpression]:
    """A list of tensors that differ in one axis joined along it, where it is stacked."""
    call, shapes = call_of(layer.source), [spec.shape for spec in layer.inputs]
    if call is None or layer.source is None or len(call.args) != 1 or layer.name != "stack":
        return
    axes = [axis for axis in range(len(shapes[0])) if len({shape[axis : axis + 1] for shape in shapes}) > 1]
    if len({len(shape) for shape in shapes}) == 1 and len(axes) == 1:
        function = ast.unparse(call.func).removesuffix("stack")
        name, axis = ("concat", "axis") if function.startswith("tf") else ("cat", "dim")
        where = f", {axis}={axes[0]}" if axes[0] or name == "concat" else ""
        yield EditExpression(layer.source, f"{function}{name}({ast.unparse(call.args[0])}{where})")


def stacked_instead(layer: Layer) -> Iterator[EditExpression]:
    """Tensors that are joined along an axis that none of them has, stacked along it."""
    call = call_of(layer.source)
    if call is None or layer.source is None or layer.name not in _JOINS or len({it.shape for it in layer.inputs}) != 1:
        return
    is_named = isinstance(call.func, ast.Attribute) and call.func.attr == layer.name
    owner = call.func.value if is_named else ast.Name("torch", ast.Load())  # type: ignore[attr-defined]
    function = ast.Attribute(owner, "stack", ast.Load())
    yield EditExpression(layer.source, ast.unparse(ast.Call(function, call.args, call.keywords)))


def product_remedies(evidence: Evidence, layer: Layer) -> tuple[Remedy, ...]:
    """For matrix products: swap the last axes of one of the two, or add the axis that a vector lacks."""
    operands = operands_of(layer)
    turned = tuple(_last_two_turned(evidence, layer))
    if len(layer.inputs) > 1 and clashes_in_front(evidence.clash_at.get(layer.id), layer):
        return (*turned, *batched_product_remedies(layer))
    if operands is None or len(operands) < 2 or len(layer.inputs) < 2:
        return tuple(other_widths(evidence, layer, (0, 1))) if len(layer.inputs) > 1 else ()
    left, right = (dims_of(spec) for spec in layer.inputs[:2])
    found: list[Remedy] = [*turned]
    for place, dims, fits in ((1, right, multiplies(left)), (0, left, lambda dims: multiplies(dims)(right))):
        rank = len(left if place else right)
        swap = "transpose(-2, -1)"
        if len(dims) > 1 and fits((*dims[:-2], dims[-1], dims[-2])):
            edit = operands.edit({place: f"{operands.text(place)}.{swap}"})
            found += [edit, HandOver(layer.id, edit, place, steps=(Step("transpose", (-2, -1)),))]
        for steps in islice(rearranged(dims, rank, fits), _MOST):
            found.append(operands.edit({place: written(steps, operands.text(place))}))
    own: tuple[Remedy, ...] = (*_weight_fitted(evidence, layer, operands), *_own_factor(evidence, layer))
    return (*found, *own, *other_widths(evidence, layer, (0, 1)))


def _weight_fitted(evidence: Evidence, layer: Layer, operands: Operands) -> Iterator[FitWeight]:
    """A weight of a layer of the user's own, made for as many features as the layer is given."""
    name, clash = operands.text(1), evidence.clash_at.get(layer.id)
    holder = evidence.layer(layer.parent) if layer.parent is not None else None
    if clash is None or holder is None or not holder.inputs or not layer.path or evidence.edge_into(layer.id, 1):
        return
    is_weight = name.startswith("self.") and name.removeprefix("self.").isidentifier()
    if is_weight and clash.axis == 0 and holder.inputs[0].shape[-1:] == layer.inputs[0].shape[-1:]:
        yield FitWeight(layer.path, name.removeprefix("self."), 0)


def _last_two_turned(evidence: Evidence, layer: Layer) -> Iterator[EditExpression]:
    """A transpose that was told no axes, and turned all of them round: the last two only, as a product takes them."""
    for place in range(len(layer.inputs)):
        made = evidence.producer(layer.id, place)
        order = made.settings.get("perm") if made is not None and made.name == "transpose" else None
        call = call_of(made.source) if made is not None else None
        if not isinstance(order, tuple) or len(order) < 3 or order != tuple(range(len(order)))[::-1] or call is None:
            continue
        axes = [*range(len(order) - 2), len(order) - 1, len(order) - 2]
        if made is not None and made.source is not None and call.args and not is_method(call.func):
            text = f"{ast.unparse(call.func)}({ast.unparse(call.args[0])}, {axes})"
            yield EditExpression(made.source, text)


def _own_factor(evidence: Evidence, layer: Layer) -> Iterator[ResizeTable]:
    """A matrix of the model's own, as a filter bank, built for as many values as it is multiplied with."""
    left, right = (spec.shape for spec in layer.inputs[:2])
    meeting = (left[-1], right[-2] if len(right) > 1 else right[0])
    for place in (1, 0):
        if evidence.edge_into(layer.id, place) is None and meeting[0] != meeting[1]:
            yield from (ResizeTable(layer.path, meeting[place], meeting[1 - place], way) for way in range(_MOST))


def other_widths(evidence: Evidence, layer: Layer, pair: tuple[int, int]) -> Iterator[Remedy]:
    """The layer that made one of the two, built for the width of the other."""
    for fixed, other in (pair, pair[::-1]):
        made = maker(evidence, layer, other)
        clash = evidence.clash_at.get(layer.id)
        wanted = _facing(layer, clash.axis, fixed) if clash is not None and clash.axis is not None else None
        if wanted is None:
            continue
        if made is None:
            yield from _other_arguments(evidence, layer, other, wanted[0])
        else:
            remedy = of_another_width(made[0], *wanted)
            if remedy is not None:
                yield remedy


def _other_arguments(evidence: Evidence, layer: Layer, place: int, wanted: int) -> Iterator[SetArgument]:
    """For a table or weight of the model's own: the model built with another size, where one argument gives it."""
    given = layer.inputs[place].shape
    arguments = arguments_of_model(evidence)
    for name, size in evidence.graph.sizes.items():
        if name in arguments and size in given and size != wanted:
            yield SetArgument("", name, wanted)


def _facing(layer: Layer, axis: int, place: int) -> tuple[int, Dim] | None:
    """The size of an operand on the clashing axis, which is counted as the second operand has it."""
    back = axis - len(layer.inputs[1].shape) if len(layer.inputs) > 1 else axis
    spec = layer.inputs[place]
    return (spec.shape[back], dims_of(spec)[back]) if -back <= len(spec.shape) else None


def of_another_width(made: Layer, width: int, dim: Dim | None) -> SetArgument | None:
    """The layer built so that it gives another width; None where no argument of it does."""
    name = next((each for each in _MAKES if made.size(each) is not None), None)
    if name is None or not made.path:
        return None
    if (name == "hidden_size" and made.settings.get("bidirectional")) or made.settings.get("merge_mode") == "concat":
        return SetArgument(made.path, name, width // 2) if width % 2 == 0 else None
    return SetArgument(made.path, name, width, dim)
