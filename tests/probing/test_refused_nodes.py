"""Whatever a program is refused at, every rule reads what ran until there, and none of them raises."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import clean_programs
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from finding_programs import pairs

import shapewidget
from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Clash, ClashKind, LayerKind

WRONG = [pair for pair in pairs() if pair.family not in ("keras", "loaders", "ranks")]
ERROR = "ValueError: refused"


def refused(graph):
    """The graph as it would be had each of its nodes raised, one at a time."""
    for place, layer in enumerate(graph.layers):
        if layer.kind not in (LayerKind.INPUT, LayerKind.OUTPUT, LayerKind.GROUP):
            layers = (*graph.layers[:place], replace(layer, outputs=()))
            ids = {each.id for each in graph.layers[:place]}
            edges = tuple(edge for edge in graph.edges if edge.source in ids and edge.target in {*ids, layer.id})
            yield Evidence(replace(graph, layers=layers, edges=edges), (Clash(layer.id, ClashKind.OTHER, error=ERROR),))


def told(graph):
    return [bool(diagnose(evidence)) for evidence in refused(graph)]


@pytest.mark.parametrize("name", clean_programs.PROGRAMS)
def test_right_program_that_is_refused_anywhere_is_told(name):
    torch.manual_seed(0)
    model, inputs, more = clean_programs.PROGRAMS[name]()
    found = told(shapewidget.probe(model, inputs, **more).graph)
    assert found
    assert all(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pair", WRONG, ids=lambda pair: pair.code)
def test_wrong_program_that_is_refused_anywhere_is_told(pair, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(pair.source(wrong=True), encoding="utf-8")
    names = {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    assert all(told(names["report"].graph))
