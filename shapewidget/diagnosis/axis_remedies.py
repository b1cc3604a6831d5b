"""Changes of the axis that an operation or a layer runs along."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from shapewidget.diagnosis.chains import axis_argument, axis_picked
from shapewidget.diagnosis.expressions import along, indexed, receiver_of
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument


def along_axes(layer: Layer, axes: Sequence[int]) -> Iterator[Remedy]:
    """The operation along each of these axes instead, the likeliest first."""
    runs_along = axis_argument(layer)
    for axis in axes if runs_along is not None else ():
        if layer.kind is LayerKind.LAYER:
            yield SetArgument(layer.path, "axis" if "axis" in layer.settings else "dim", axis)
        elif layer.source is not None and runs_along is not None:
            text = along(layer.source, runs_along, len(layer.inputs[0].shape), axis)
            yield from (EditExpression(layer.source, text),) if text is not None else ()


def picked_along(layer: Layer, axis: int) -> Iterator[Remedy]:
    """The same position of another axis: ``x[:, 0]`` where ``x[0]`` stands."""
    picked, receiver = axis_picked(layer), indexed(layer.source)
    if picked is not None and receiver is not None and layer.source is not None:
        items = ", ".join((*[":"] * axis, str(picked[1])))
        yield EditExpression(layer.source, f"{receiver}[{items}]")


def squeezed_by_name(layer: Layer, singles: Sequence[int], rank: int) -> Iterator[Remedy]:
    """The axes of size 1 taken away by name, the last first; or all behind the batch merged, which keeps it too."""
    call, receiver = call_of(layer.source), receiver_of(layer.source, layer.name)
    if call is not None and call.args and axis_keywords(layer)[0] == "axis" and layer.source is not None and singles:
        axes = singles[0] if len(singles) == 1 else tuple(singles)
        yield EditExpression(layer.source, f"{ast.unparse(call.func)}({ast.unparse(call.args[0])}, axis={axes})")
        return
    if receiver is None or layer.source is None or not singles:
        return
    if len(singles) > 1 and rank - len(singles) == 2:
        yield EditExpression(layer.source, f"{receiver}.flatten(1)")
    steps = "".join(f".squeeze({axis})" for axis in sorted(singles, reverse=True))
    yield EditExpression(layer.source, f"{receiver}{steps}")


_EXTREMES = {"max": "amax", "min": "amin"}
"""Functions that take one axis at most, and what takes several."""

_ORDER_FIRST = frozenset(("norm", "linalg_norm", "linalg_vector_norm"))
"""Functions whose first argument is the order of the norm."""

_NAMED_BY_AXIS = frozenset(("tf", "ops", "keras", "K", "np", "numpy", "tnp"))
"""Modules whose reductions take ``axis`` and ``keepdims``."""


def reduced_axes(layer: Layer) -> tuple[int, ...]:
    """The axes that a reduction takes away, counted from the front; all where it names none."""
    rank = len(layer.inputs[0].shape)
    place = () if layer.name in _ORDER_FIRST else ("1",)
    asked = next((layer.settings[name] for name in ("dim", "axis", *place) if name in layer.settings), None)
    given = (asked,) if isinstance(asked, int) and not isinstance(asked, bool) else asked
    if not isinstance(given, tuple) or not given:
        return tuple(range(rank))
    return tuple(sorted({axis % rank for axis in given if isinstance(axis, int)}))


def axis_keywords(layer: Layer) -> tuple[str, str]:
    """What the recorded call names its axes by, and whether they stay: ("axis", "keepdims") but for torch's own."""
    call = call_of(layer.source)
    function = call.func if call is not None else None
    names = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)} if function is not None else set()
    is_of_torch = function is None or is_method(function) or not names & _NAMED_BY_AXIS
    return ("dim", "keepdim") if is_of_torch else ("axis", "keepdims")


def reduced_for_each_sample(layer: Layer) -> EditExpression | None:
    """The reduction along all axes of a sample: ``x.sum(dim=-1)`` for ``x.sum()`` of rows."""
    rank = len(layer.inputs[0].shape)
    return reduced_along(layer, [-1] if rank == 2 else range(1, rank))


def reduced_over(layer: Layer, axes: Sequence[int]) -> EditExpression | None:
    """The reduction over other axes, which stay with size 1: ``x.mean(dim=1, keepdim=True)`` for ``x.mean()``."""
    call = call_of(layer.source)
    if call is None or layer.source is None or not isinstance(call.func, ast.Attribute) or not axes:
        return None
    is_of_all = len(reduced_axes(layer)) == len(layer.inputs[0].shape)
    first = 0 if is_method(call.func) else 1
    keeps = first + (layer.name in _ORDER_FIRST or (is_of_all and len(call.args) <= first))
    axis_name, keeps_name = axis_keywords(layer)
    is_renamed = axis_name == "dim" and (len(axes) > 1 or is_of_all)
    name = _EXTREMES.get(call.func.attr, call.func.attr) if is_renamed else call.func.attr
    function = ast.Attribute(call.func.value, name, ast.Load())
    dim = ast.Constant(axes[0]) if len(axes) == 1 else ast.Tuple([ast.Constant(axis) for axis in axes], ast.Load())
    others = [each for each in call.keywords if each.arg not in ("dim", "axis", "keepdim", "keepdims")]
    named = [*others, ast.keyword(axis_name, dim)]
    attribute = call.func.attr  # reduce_sum of a sum, norm of a linalg_norm
    if layer.name in attribute or attribute in layer.name:  # no function with the reduction in it, as l2_normalize
        named.append(ast.keyword(keeps_name, ast.Constant(True)))
    return EditExpression(layer.source, ast.unparse(ast.Call(function, call.args[:keeps], named)))


def reduced_along(layer: Layer, axes: Sequence[int]) -> EditExpression | None:
    """The reduction along other axes: ``ops.sum(x, axis=1)`` for ``ops.sum(x, axis=-1)``."""
    call, source = call_of(layer.source), layer.source
    first = 0 if call is not None and is_method(call.func) else 1
    if source is None or call is None or len(call.args) < first or any(each.arg is None for each in call.keywords):
        return None
    name, function = axis_keywords(layer)[0], call.func
    is_of_all = len(reduced_axes(layer)) == len(layer.inputs[0].shape)
    if is_of_all and name == "dim" and isinstance(function, ast.Attribute):  # along an axis they give positions too
        function = ast.Attribute(function.value, _EXTREMES.get(function.attr, function.attr), ast.Load())
    others = [each for each in call.keywords if each.arg not in ("axis", "dim")]
    asked = ast.parse(str(axes[0] if len(axes) == 1 else tuple(axes)), mode="eval").body
    made = ast.Call(function, [*call.args[:first], *call.args[first + 1 :]], [*others, ast.keyword(name, asked)])
    return EditExpression(source, ast.unparse(ast.fix_missing_locations(made))) if not made.args[first:] else None
