"""What an attention layer refuses about its queries, keys, values and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from shapewidget.frameworks.keras.tensors import UNSEEN
from shapewidget.graph.records import ClashKind

Shape = tuple[int, ...]
MULTI_HEADED = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)
_SEQUENCES = ("query", "value", "key")


def attended(layer: keras.layers.Layer, shapes: Sequence[Shape], names: Sequence[str]) -> Mapping[str, Any] | None:
    """What does not go together, as the details of a clash; None where all does.

    Args:
        layer: Any layer; others than those with heads refuse nothing here.
        shapes: Of its tensors.
        names: Which argument each of them is.
    """
    if not isinstance(layer, MULTI_HEADED):
        return None
    places = {name: place for place, name in enumerate(names)}
    given = [(places[name], shapes[places[name]]) for name in _SEQUENCES if name in places]
    return _without_steps(given) or _of_other_length(given) or _masked(shapes, places)


def _without_steps(given: Sequence[tuple[int, Shape]]) -> Mapping[str, Any] | None:
    for place, shape in given:
        if len(shape) < 3:
            return {"kind": ClashKind.RANK, "input": place, "expected": 3, "got": len(shape)}
    return None


def _of_other_length(given: Sequence[tuple[int, Shape]]) -> Mapping[str, Any] | None:
    """Values that are not as many as their keys, or not of the samples that the queries are of."""
    query, *others = given
    for place, shape in others:
        if _differ(query[1][0], shape[0]):
            return _sized(place, 0, query[1][0], shape[0], query[0])
    if len(others) > 1:
        (value, of_value), (key, of_key) = others
        if _differ(of_value[1], of_key[1]):
            return _sized(key, 1, of_value[1], of_key[1], value)
    return None


def _masked(shapes: Sequence[Shape], places: Mapping[str, int]) -> Mapping[str, Any] | None:
    if "attention_mask" not in places or "query" not in places:
        return None
    query, value = shapes[places["query"]], shapes[places.get("value", places["query"])]
    place = places["attention_mask"]
    wanted, got = (query[0], query[1], value[1]), shapes[place]
    behind = got if len(got) < 4 else (got[0], *got[-2:])
    padded = (*(1,) * (3 - len(behind)), *behind)
    if all(size == 1 or not _differ(size, want) for size, want in zip(padded, wanted, strict=True)):
        return None
    return {"kind": ClashKind.SIZE, "input": place, "expected": wanted, "got": got, "against": 0}


def _differ(one: int, other: int) -> bool:
    return one != other and UNSEEN not in (one, other)


def _sized(place: int, axis: int, expected: int, got: int, against: int) -> Mapping[str, Any]:
    return {
        "kind": ClashKind.SIZE, "input": place, "axis": axis, "expected": expected, "got": got, "against": against
    }  # fmt: skip
