from dataclasses import replace
from xml.etree import ElementTree

import pytest
from stand_in import tagger_graph
from wire_graphs import elmo_report, translator_report

from shapewidget.graph.records import Edge, Layer, LayerGraph, LayerKind
from shapewidget.notebook import picture

SVG = "{http://www.w3.org/2000/svg}"
EVIL = '<img src=x onerror="alert(1)">\x00\u202e&\U0001f600'


def drawn(graph):
    return ElementTree.fromstring(picture.svg(graph))


def texts(graph):
    return ["".join(element.itertext()) for element in drawn(graph).iter(f"{SVG}text")]


def test_picture_shows_layers_shapes_and_the_clash():
    found = texts(elmo_report().graph)
    assert found[0] == "ELMo"
    assert "projectionLinear" in found
    assert "(B, T, 2·dim)" in found
    assert "✕ 2·dim = 1024 ≠ 512" in found


def test_picture_marks_luck_and_what_was_not_reached():
    found = texts(translator_report().graph)
    assert "≈ B read as time" in found
    assert "? not reached" in found


def test_lines_lie_between_boxes_that_are_drawn():
    graph = tagger_graph()
    lines = len(list(drawn(graph).iter(f"{SVG}path"))) / 2
    assert lines == len(graph.edges)


def test_picture_needs_no_style_sheet_and_no_html():
    svg = picture.svg(elmo_report().graph)
    for word in ("<style", "class=", "foreignObject", "var(", "url("):
        assert word not in svg


def test_names_are_text_whatever_they_hold():
    layers = tuple(replace(layer, name=EVIL, type=EVIL) for layer in tagger_graph().layers)
    svg = picture.svg(replace(tagger_graph(), layers=layers, title=EVIL))
    elements = {element.tag for element in ElementTree.fromstring(svg).iter()}
    assert elements == {f"{SVG}{name}" for name in ("svg", "rect", "text", "tspan", "path")}
    assert "\u202e" not in svg
    assert "&lt;img" in svg


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_picture_of_any_number_of_layers_is_small(count):
    layers = tuple(Layer(f"x{n}", LayerKind.LAYER, "x" * 3000, "Linear") for n in range(count))
    edges = tuple(Edge(f"x{n}", f"x{n + 1}") for n in range(count - 1))
    svg = picture.svg(LayerGraph(layers, edges))
    assert len(svg) < 40_000
    ElementTree.fromstring(svg)
    if count > picture.MOST_ROWS:
        assert f"… and {count - picture.MOST_ROWS} more" in svg


def test_alternative_text_counts_what_clashes():
    assert picture.alternative(elmo_report().graph) == "Layer graph of ELMo: 1 mismatch"
    assert picture.alternative(LayerGraph((), (), title="A")) == "Layer graph of A: all shapes agree"
