"""The examples that the documentation includes are parts of a working shapewidget."""

import importlib
import sys

import pytest
from documentation.pages import ROOT
from torch import nn

import shapewidget
from shapewidget.diagnosis import diagnose
from shapewidget.diagnosis.findings import CATALOGUE
from shapewidget.frameworks import registry
from shapewidget.frameworks.adapter import Adapter

EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def example(monkeypatch):
    """Imports an example of that name."""
    monkeypatch.syspath_prepend(EXAMPLES)
    yield importlib.import_module
    for path in EXAMPLES.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def rule(example, monkeypatch):
    """The example of a rule, entered where the page says."""
    one_number = example("one_number")
    monkeypatch.setitem(CATALOGUE, one_number.ONE_NUMBER.code, one_number.ONE_NUMBER)
    monkeypatch.setattr(diagnose, "RULES", (*diagnose.RULES, one_number.through_one_number))


@pytest.fixture
def pipes(example, monkeypatch):
    """The example of a framework, with its line in the registry."""
    adapter = example("pipes_adapter").PipesAdapter()
    adapters = registry.loaded_adapters()
    monkeypatch.setattr(registry, "loaded_adapters", lambda: [*adapters, adapter])
    return example("water_pipes")


def test_rule_finds_a_layer_of_one_feature_past_an_activation(rule):
    report = shapewidget.probe(nn.Sequential(nn.Linear(8, 1), nn.ReLU(), nn.Linear(1, 4)))
    [finding] = report.findings
    assert (finding.code, finding.layer, finding.severity) == ("SW690", "0", "coincidence")
    assert (
        finding.reason
        == "`0` (Linear) gives (B, 1) = (6, 1), a single feature, and `2` (Linear) has nothing else to read."
    )


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 4)],
        [nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1)],
        [nn.Linear(8, 1), nn.Sigmoid()],
    ],
)
def test_rule_is_quiet_where_more_features_go_or_one_is_the_answer(layers, rule):
    assert shapewidget.probe(nn.Sequential(*layers)).findings == ()


def test_framework_has_its_findings_told_and_their_fixes_run(pipes):
    line = pipes.Line([pipes.Pipe("main", 8, 6), pipes.Pipe("side", 4, 2), pipes.Pipe("tap", 2, 1)])
    report = shapewidget.probe(line)
    [finding] = report.findings
    assert (report.framework, finding.code, finding.layer, finding.verified) == ("pipes", "SW101", "side", True)
    assert finding.fix == "Pipe(name='side', takes=6, gives=2)"
    assert line.pipes[1].takes == 4
    assert str(report.graph.by_id["side"].inputs[0]) == "(B, 6)"
    assert [edge.state for edge in report.graph.edges] == ["agree", "mismatch", "agree"]


def test_framework_is_quiet_where_all_agrees(pipes):
    report = shapewidget.probe(pipes.Line([pipes.Pipe("main", 8, 6), pipes.Pipe("tap", 6, 1)]), (3, 8))
    assert report.findings == ()
    assert report.graph.sizes == {"B": 3}
    assert "tap Pipe" in str(report)


def test_framework_says_what_it_takes(pipes):
    with pytest.raises(shapewidget.ShapeWidgetError, match=r"The inputs are a list\. Expected a shape"):
        shapewidget.probe(pipes.Line([pipes.Pipe("main", 8, 6)]), [3, 8])


def test_framework_has_nothing_that_the_protocol_lacks(pipes, example):
    parts = {name for name in dir(Adapter) if not name.startswith("_")} | set(Adapter.__annotations__)
    assert {name for name in dir(example("pipes_adapter").PipesAdapter) if not name.startswith("_")} <= parts


def test_framework_is_shown_in_a_dashboard(pipes):
    dashboard = shapewidget.attach(pipes.Line([pipes.Pipe("main", 8, 6)]))
    assert dashboard.graph_view.graph["title"] == "Line"
    dashboard.close()
