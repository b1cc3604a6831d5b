import json
import math
from dataclasses import replace
from typing import NotRequired, get_origin, get_type_hints

import pytest
from stand_in import SIZES, head_finding, spec, tagger_graph, tagger_report
from wire_fixtures import REPORTS, path_of, text_of

from shapewidget.diagnosis.findings import Severity
from shapewidget.graph.dims import UNKNOWN, Dim, symbol
from shapewidget.graph.records import Agreement, Edge, Layer, LayerGraph, LayerKind, TensorSpec
from shapewidget.notebook import contract
from shapewidget.notebook.wire import wire_graph, wire_tensors
from shapewidget.probing.report import Report
from shapewidget.probing.report_text import place


def the(records, id_):
    return next(record for record in records if record["id"] == id_)


def test_the_same_mistake_of_the_same_line_is_marked_as_told_and_counted_at_the_first():
    first = head_finding()
    blocks = (first, replace(first, layer="h.1", layer_id="h.1"), replace(first, layer="h.2", layer_id="h.2"))
    other = replace(first, fix="another")
    found = wire_graph(replace(tagger_report(), findings=(*blocks, other)))["findings"]
    assert [each.get("again") for each in found] == [None, True, True, None]
    assert [each["place"] for each in found] == ["head and 2 more", "h.1", "h.2", "head"]


def test_graph_has_exactly_the_contracts_keys():
    graph = wire_graph(tagger_report())
    for record, kind in [
        (graph, contract.WireGraph),
        (graph["layers"][0], contract.WireLayer),
        (graph["edges"][0], contract.WireEdge),
        (graph["findings"][0], contract.WireFinding),
        (graph["symbols"][0], contract.WireSymbol),
        (the(graph["layers"], "head")["declared"][0], contract.WireDeclared),
        (wire_tensors(tagger_graph())[0], contract.WireTensor),
    ]:
        hints = get_type_hints(kind, include_extras=True)
        required = {name for name, hint in hints.items() if get_origin(hint) is not NotRequired}
        assert required <= record.keys() <= hints.keys()


def test_graph_is_strict_json():
    graph = wire_graph(tagger_report())
    assert json.loads(json.dumps(graph, allow_nan=False)) == graph


def test_setting_that_is_no_number_is_sent_as_text():
    layer = Layer("drop", LayerKind.LAYER, "drop", "Dropout", settings={"p": math.nan, "long": "x" * 9999})
    declared = wire_graph(Report((), LayerGraph((layer,), ())))["layers"][0]["declared"]
    assert declared[0]["value"] == "nan"
    assert len(declared[1]["value"]) == 200


def test_layer_says_what_it_declares_with_its_symbols():
    head = the(wire_graph(tagger_report())["layers"], "head")
    assert head["signature"] == "32 → 5"
    assert head["declared"] == [
        {"name": "in_features", "value": "32", "symbol": "hidden"},
        {"name": "out_features", "value": "5", "symbol": ""},
    ]
    assert (head["source"], head["code"], head["parameters"]) == ("In [3], line 8", "self.head(states)", 165)


def test_layer_without_source_says_nothing_of_it():
    lstm = the(wire_graph(tagger_report())["layers"], "encoder.lstm")
    assert (lstm["source"], lstm["code"]) == ("", "")


def test_layer_behind_a_repair_is_assumed():
    layers = wire_graph(tagger_report())["layers"]
    assert [layer["id"] for layer in layers if layer["assumed"]] == ["output"]


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ((), "agree"),
        ((Agreement.AGREE, Agreement.UNREACHED), "unreached"),
        ((Agreement.UNREACHED, Agreement.COINCIDENCE), "coincidence"),
        ((Agreement.COINCIDENCE, Agreement.MISMATCH, Agreement.AGREE), "mismatch"),
    ],
)
def test_layer_has_the_worst_state_of_the_edges_that_enter_it(states, worst):
    tensor = TensorSpec((1,), "float32")
    layers = (
        Layer("a", LayerKind.INPUT, "a", "a", outputs=(tensor,)),
        Layer("b", LayerKind.LAYER, "b", "b", inputs=(tensor,) * len(states)),
    )
    edges = tuple(Edge("a", "b", input=place, state=state) for place, state in enumerate(states))
    assert the(wire_graph(Report((), LayerGraph(layers, edges)))["layers"], "b")["state"] == worst


def test_edge_points_to_its_producers_tensor():
    edge = the(wire_graph(tagger_report())["edges"], "encoder.lstm:0 → head:0")
    assert edge["state"] == "mismatch"
    assert (edge["badge"], edge["axis"]) == ("2·hidden = 64 ≠ 32", 2)
    assert wire_tensors(tagger_graph())[edge["tensor"]] == {
        "shape": [4, 10, 64],
        "symbols": ["B", "T", "2·hidden"],
        "dtype": "float32",
        "device": "cpu",
    }


def test_finding_names_its_layer_and_its_clashing_edges():
    finding = wire_graph(tagger_report())["findings"][0]
    assert (finding["layer"], finding["place"]) == ("head", "head")
    assert finding["edges"] == ["encoder.lstm:0 → head:0"]
    assert (finding["source"], finding["code_line"]) == ("In [3], line 5", "self.head = nn.Linear(hidden, tags)")
    assert finding["verified"] is True
    assert finding["patch"] == ""


@pytest.mark.parametrize(
    "finding",
    [
        replace(head_finding(), axis=1),
        replace(head_finding(), severity=Severity.NOTE),
        replace(head_finding(), layer_id=""),
        replace(head_finding(), layer_id="not in the graph"),
    ],
)
def test_finding_about_something_else_names_no_edge(finding):
    assert wire_graph(replace(tagger_report(), findings=(finding,)))["findings"][0]["edges"] == []


@pytest.mark.parametrize(
    ("where", "layer", "scope", "expected"),
    [
        ("module", "encoder.lstm", "encoder", "encoder.lstm"),
        ("module", "", "", "the model"),
        ("build", "head", "", "head"),
        ("function", "view", "encoder", "view in encoder"),
        ("function", "view", "", "view in forward"),
        ("loss", "mse_loss", "", "the loss"),
        ("loader", "", "", "the data loader"),
    ],
)
def test_place_is_what_a_person_calls_it(where, layer, scope, expected):
    assert place(replace(head_finding(), where=where, layer=layer, scope=scope)) == expected


def test_symbols_come_with_their_value_and_meaning():
    assert wire_graph(tagger_report())["symbols"] == [
        {"name": "B", "value": 4, "meaning": "batch size"},
        {"name": "T", "value": 10, "meaning": "sequence length"},
        {"name": "hidden", "value": 32, "meaning": "argument of Tagger"},
    ]


def test_notice_says_how_the_batch_came_about_and_what_ended_the_run():
    report = replace(tagger_report(), stopped="ValueError: no")
    assert wire_graph(report)["notice"] == "The batch was made up. The run ended early: ValueError: no"


def test_tensors_follow_the_sizes():
    assert [tensor["shape"] for tensor in wire_tensors(tagger_graph(), SIZES | {"B": 7, "hidden": 100})] == [
        [7, 10],
        [7, 10, 16],
        [7, 10, 200],
        [7, 10, 5],
    ]


def test_tensors_at_the_runs_own_sizes_are_the_recorded_ones():
    assert wire_tensors(tagger_graph(), SIZES) == wire_tensors(tagger_graph())


def test_axis_that_is_not_solved_keeps_its_size():
    tensor = replace(spec(symbol("B"), symbol("T")), dims=(symbol("B"), UNKNOWN))
    graph = LayerGraph((Layer("x", LayerKind.INPUT, "x", "x", outputs=(tensor,)),), (), SIZES)
    assert wire_tensors(graph, {"B": 9, "T": 99})[0]["shape"] == [9, 10]
    assert wire_tensors(graph, {"B": 9, "T": 99})[0]["symbols"] == ["B", "?"]


def test_tensor_that_is_not_solved_has_no_symbols():
    graph = LayerGraph((Layer("x", LayerKind.INPUT, "x", "x", outputs=(TensorSpec((4, 2), "bool"),)),), (), SIZES)
    assert wire_tensors(graph, {"B": 9})[0] == {"shape": [4, 2], "symbols": [], "dtype": "bool", "device": "cpu"}


def test_size_never_falls_below_nothing():
    shrunk = TensorSpec((1,), "float32", dims=(Dim(((1, ("T",)),), offset=-6, divisor=4),))
    graph = LayerGraph((Layer("x", LayerKind.INPUT, "x", "x", outputs=(shrunk,)),), (), SIZES)
    assert wire_tensors(graph, {"T": 1})[0]["shape"] == [0]


@pytest.mark.parametrize("name", REPORTS)
def test_fixture_of_the_front_end_is_what_python_sends(name):
    assert path_of(name).read_text(encoding="utf-8") == text_of(name), (
        "run python tests/wire_fixtures.py and read the diff"
    )


def test_layer_says_what_it_costs_where_that_was_measured():
    layers = (
        Layer("lstm", LayerKind.LAYER, "lstm", "LSTM", memory=4096, time=0.25),
        Layer("head", LayerKind.LAYER, "head", "Linear"),
    )
    measured, other = wire_graph(Report((), LayerGraph(layers, ())))["layers"]
    assert (measured["memory"], measured["time"]) == (4096, 0.25)
    assert "memory" not in other
    assert "time" not in other
