"""A loss that is written by hand in code that was only watched: it has no layer of its own to be known by."""

from __future__ import annotations

from shapewidget.graph.records import Layer, LayerGraph, LayerKind

_BY_ELEMENT = frozenset(
    "abs add clamp detach div exp huber_loss log mul neg pow relu rsub smooth_l1_loss sqrt square sub where".split()
)
_CASTS = frozenset("bool cpu detach double float half int long to type".split())
_REDUCTIONS = frozenset(("count_nonzero", "mean", "sum"))


def compares_with_data(graph: LayerGraph, layer: Layer) -> bool:
    """Whether as many values of a model are set against as many that no model gave, and one number is made of that."""
    return _is_model_against_data(graph, layer) and ends_in_one_number(graph, layer.id)


def counts_hits(graph: LayerGraph, layer: Layer) -> bool:
    """Whether what a comparison of a model's values with data gives is only counted, and no mask of pairs."""
    return _is_model_against_data(graph, layer) and ends_in_one_number(graph, layer.id, _CASTS)


def _is_model_against_data(graph: LayerGraph, layer: Layer) -> bool:
    if layer.inputs[0].shape[:1] != layer.inputs[1].shape[:1]:
        return False
    behind = [has_weights_behind(graph, layer.id, position) for position in range(2)]
    return behind.count(True) == 1


def has_weights_behind(graph: LayerGraph, layer_id: str, position: int) -> bool:
    """Whether a layer with weights is among what one input of a node was made of, also in code that runs again."""
    waiting = [edge.source for edge in graph.into(layer_id) if edge.input == position]
    seen: set[str] = set()
    while waiting:
        source = waiting.pop()
        if source in seen:
            continue
        seen.add(source)
        layer = graph.by_id[source]
        if (layer.kind is LayerKind.LAYER and layer.parameters) or layer.settings.get("learned"):
            return True
        waiting += [edge.source for edge in graph.into(source)]
    return False


def ends_in_one_number(graph: LayerGraph, layer_id: str, through: frozenset[str] = _BY_ELEMENT) -> bool:
    """Whether what a node gives is summed or averaged to one number, with only these operations on the way."""
    for edge in graph.out_of(layer_id):
        reader = graph.by_id[edge.target]
        is_reducing = reader.name in _REDUCTIONS or reader.kind is LayerKind.LOSS
        if is_reducing and reader.outputs and reader.outputs[0].shape == ():
            return True
        if reader.name in through and ends_in_one_number(graph, reader.id, through):
            return True
    return False
