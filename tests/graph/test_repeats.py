import itertools

import pytest
import torch
from torch import nn

import shapewidget
from shapewidget.graph.records import Agreement, Edge, Layer, LayerGraph, LayerKind, TensorSpec
from shapewidget.graph.repeats import without_repeats


def layer(id_, name="linear", size=4, parent=None, kind=LayerKind.LAYER):
    return Layer(id_, kind, name, name, parent=parent, outputs=(TensorSpec((size, 2), "float32"),))


def chain(*layers):
    edges = [Edge(a.id, b.id) for a, b in itertools.pairwise(layers)]
    return list(layers), edges


def graph(*chains):
    return LayerGraph(
        tuple(it for layers, _ in chains for it in layers), tuple(it for _, edges in chains for it in edges)
    )


def ids(graph):
    return [it.id for it in graph.layers]


def step(number, size=4, **options):
    return chain(layer(f"linear#{number}", size=size), layer(f"loss#{number}", "loss", size, **options))


def test_steps_that_are_alike_are_one():
    kept = without_repeats(graph(step(1), step(2), step(3)))
    assert ids(kept) == ["linear#1", "loss#1"]
    assert kept.edges == (Edge("linear#1", "loss#1"),)


def test_step_of_another_size_stays():
    assert ids(without_repeats(graph(step(1), step(2), step(3, size=1)))) == [
        "linear#1",
        "loss#1",
        "linear#3",
        "loss#3",
    ]


def test_calls_that_read_what_the_last_one_gave_stay():
    chained = graph(chain(layer("linear#1"), layer("linear#2"), layer("linear#3")))
    assert without_repeats(chained) == chained


def test_step_that_was_not_reached_stays():
    layers, edges = step(2)
    ended = layers, [Edge(it.source, it.target, state=Agreement.UNREACHED) for it in edges]
    kept = without_repeats(graph(step(1), ended))
    assert ids(kept) == ["linear#1", "loss#1", "loss#2"]
    assert kept.into("loss#2")[0].source == "linear#1"


def test_group_is_one_with_all_that_is_in_it_or_none():
    def group(number, inner):
        outer = layer(f"block#{number}", "block", kind=LayerKind.GROUP)
        return [outer, *(layer(f"{name}#{number}", name, parent=outer.id) for name in inner)], []

    same = without_repeats(graph(group(1, ["a", "b"]), group(2, ["a", "b"])))
    assert ids(same) == ["block#1", "a#1", "b#1"]
    other = without_repeats(graph(group(1, ["a", "b"]), group(2, ["a", "c"])))
    assert ids(other) == ["block#1", "a#1", "b#1", "block#2", "a#2", "c#2"]


@pytest.mark.parametrize(("sizes", "steps"), [((16, 16, 16), 1), ((16, 16, 6), 2)])
def test_training_loop_is_drawn_as_its_steps_that_differ(sizes, steps):
    model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 1))
    with shapewidget.capture() as report:
        for size in sizes:
            nn.functional.mse_loss(model(torch.randn(size, 3)), torch.randn(size, 1)).backward()
    assert [it.type for it in report.graph.layers].count("mse_loss") == steps
    assert report.notes[0].startswith("Steps that repeat are drawn once")
