"""Operations that set every sample against every other one, as they do where one operand lacks an axis."""

from __future__ import annotations

import math

from shapewidget.graph.records import Layer, LayerGraph

_BY_ELEMENT = frozenset("add sub mul div pow maximum minimum where eq ne lt le gt ge equal not_equal".split())


def pairs_made(graph: LayerGraph) -> int:
    """How many operations make pairs of samples of operands of different rank: (n,) against (n, 1) is (n, n)."""
    return sum(map(_makes_pairs, graph.layers))


def _makes_pairs(layer: Layer) -> bool:
    if layer.name not in _BY_ELEMENT or len(layer.inputs) < 2 or not layer.outputs:
        return False
    one, other, made = layer.inputs[0].shape, layer.inputs[1].shape, layer.outputs[0].shape
    if not one or not other or len(one) == len(other) or one[0] != other[0] or one[0] < 2:
        return False
    return made.count(one[0]) > 1 and math.prod(made) > max(math.prod(one), math.prod(other))
