"""Operations that put the axes of a tensor elsewhere, or add, drop or pick some of them."""

from __future__ import annotations

from collections.abc import Sequence

from shapewidget.diagnosis.axis_parts import Axes, Axis
from shapewidget.graph.records import Layer

_SWAPS = {"transpose": None, "swapaxes": None, "swapdims": None, "t": (0, 1), "mT": (-2, -1), "adjoint": (-2, -1)}


def moved(layer: Layer, name: str, given: Sequence[Axes]) -> Axes | None:
    """The axes of an operation that puts them elsewhere, or adds, drops or picks some; None for another one."""
    axes, asked = given[0], axes_asked(layer)
    if name == "index":
        return _picked(layer, axes)
    if name == "gather":
        return _gathered(layer, given)
    if name == "einsum":
        return _by_letters(layer, given)
    order = _order(layer, name, len(axes), asked)
    if order is not None:
        return tuple(axes[place] for place in order)
    rank = len(axes)
    if name in ("unsqueeze", "expand_dims") and asked:
        place = asked[0] % (rank + 1)
        return (*axes[:place], (), *axes[place:])
    if name == "squeeze":
        shape = layer.inputs[0].shape
        dropped = [place % rank for place in asked] if asked else range(rank)
        return tuple(axis for place, axis in enumerate(axes) if place not in dropped or shape[place] != 1)
    if name in ("unbind", "unpack"):
        place = (asked[0] if asked else 0) % rank
        return tuple(axis for at, axis in enumerate(axes) if at != place)
    return None


def _order(layer: Layer, name: str, rank: int, asked: list[int]) -> list[int] | None:
    """Which axis of its input every axis of its output was; None of an operation that has another number of them."""
    order, perm = list(range(rank)), layer.settings.get("perm")
    if isinstance(perm, tuple) and len(perm) == rank:
        return list(perm)
    if name == "T":
        return order[::-1]
    if name == "permute" and len(asked) == rank:
        return [place % rank for place in asked]
    if name == "movedim" and len(asked) == 2:
        order.remove(asked[0] % rank)
        order.insert(asked[1] % rank, asked[0] % rank)
        return order
    pair = (_SWAPS[name] or tuple(asked[:2])) if name in _SWAPS else ()
    if len(pair) < 2 or rank < 2:
        return None
    order[pair[0] % rank], order[pair[1] % rank] = order[pair[1] % rank], order[pair[0] % rank]
    return order


def _gathered(layer: Layer, given: Sequence[Axes]) -> Axes:
    """Of torch each axis stays what it is; of TensorFlow those of the ids stand for the axis picked from."""
    axis, rank = layer.settings.get("axis"), len(given[0])
    if "batch_dims" not in layer.settings:
        return given[0]
    if not isinstance(axis, int) or not rank or len(given) < 2:
        return ((),) * len(layer.outputs[0].shape)
    shared = layer.settings["batch_dims"] if isinstance(layer.settings["batch_dims"], int) else 0
    return (*given[0][: axis % rank], *given[1][shared:], *given[0][axis % rank + 1 :])


def _by_letters(layer: Layer, given: Sequence[Axes]) -> Axes | None:
    """The axes of an einsum, each by the letter that it has among the operands."""
    equation = layer.settings.get("0")
    terms, _, made = equation.replace(" ", "").partition("->") if isinstance(equation, str) else ("", "", "")
    operands = terms.split(",")
    if not made.isalpha() or len(operands) != len(given) or any(map(_is_uneven, operands, given)):
        return None
    known = {
        letter: axis
        for term, axes in zip(operands, given, strict=True)
        for letter, axis in zip(term, axes, strict=True)
        if axis
    }
    return tuple(known.get(letter, ()) for letter in made)


def _is_uneven(term: str, axes: Axes) -> bool:
    return len(term) != len(axes)


def axes_asked(layer: Layer) -> list[int]:
    """The whole numbers that an operation was called with, by place and then by name."""
    found: list[int] = []
    for name, value in layer.settings.items():
        if isinstance(value, bool) or not (name.isdigit() or name in ("dim", "dims", "dim0", "dim1", "axis")):
            continue
        found += [value] if isinstance(value, int) else list(value) if isinstance(value, tuple) else []
    return found


def _picked(layer: Layer, axes: Axes) -> Axes | None:
    """The axes behind brackets of numbers, slices, None and dots; with a tensor in them, only the others are known."""
    text = layer.settings.get("1")
    items = text.strip("[]").split(", ") if isinstance(text, str) else []
    tensors = items.count("tensor")
    if tensors > 1 or any(item in ("True", "False") for item in items):
        return None
    if "..." in items:
        place = items.index("...")
        missing = len(axes) - sum(item not in ("None", "...") for item in items)
        items = [*items[:place], *[":"] * missing, *items[place + 1 :]]
    result, waiting = list[Axis](), iter(axes)
    for item in items:
        if item == "None":
            result.append(())
            continue
        axis = next(waiting, ())
        if item == "tensor":
            result.append(())
        elif ":" in item:
            result.append(axis)
    return (*result, *waiting)
