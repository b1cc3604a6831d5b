import json
import zlib

import anywidget
import pytest
import traitlets
from stand_in import SIZES, tagger_report

from shapewidget.notebook.contract import GRAPH_VIEW_TRAITS
from shapewidget.notebook.graph_view import GraphView


@pytest.fixture
def sent(monkeypatch):
    """The states that go to the browser, with the buffers in their places."""
    states = []

    def send(_self, message, buffers=None):
        places = [path[0] for path in message.get("buffer_paths", [])]
        states.append(message["state"] | dict(zip(places, buffers or [], strict=True)))

    monkeypatch.setattr(GraphView, "_send", send)
    return states


def test_synced_traits_are_the_contracts():
    own = GraphView.class_traits(sync=True).keys() - anywidget.AnyWidget.class_traits(sync=True).keys()
    view = GraphView()
    assert {name: getattr(view, name) for name in own} == {trait.name: trait.default for trait in GRAPH_VIEW_TRAITS}


def test_show_sends_the_graph_and_all_that_it_points_to_in_one_message(sent):
    view = GraphView()
    sent.clear()
    view.show(tagger_report())
    assert [set(state) for state in sent] == [{"graph", "tensors", "sizes"}]
    tensors = range(len(sent[0]["tensors"]))
    graph = json.loads(zlib.decompress(sent[0]["graph"]))
    assert all(edge["tensor"] in tensors for edge in graph["edges"])
    assert sent[0]["sizes"] == SIZES


def test_show_sizes_sends_no_graph(sent):
    view = GraphView()
    view.show(tagger_report())
    sent.clear()
    view.show_sizes(tagger_report(), SIZES | {"hidden": 50})
    assert [set(state) for state in sent] == [{"tensors", "sizes"}]
    assert sent[0]["tensors"][2]["shape"] == [4, 10, 100]


def test_two_views_share_no_state():
    GraphView().show(tagger_report())
    assert GraphView().graph is None
    assert GraphView().tensors == []


@pytest.mark.parametrize(("name", "value"), [("theme", "pink"), ("colour_by", "mood"), ("height", 3), ("graph", [])])
def test_trait_refuses_what_the_contract_does_not_know(name, value):
    with pytest.raises(traitlets.TraitError):
        setattr(GraphView(), name, value)


def test_browser_can_select():
    view = GraphView()
    view.set_state({"selection": "head", "view_state": {"version": 1, "open": ["encoder"]}})
    assert view.selection == "head"
    assert view.view_state["open"] == ["encoder"]
