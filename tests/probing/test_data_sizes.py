"""Sizes that the data decides are said to be so, and never given an expression that fits by accident."""

from __future__ import annotations

import pytest
import torch
from small_models import model_of
from torch import nn

import shapewidget
from shapewidget.notebook.wire import wire_graph


def above(m, x):
    h = m.body(x)
    return m.head(h[h.sum(-1) > 0])


def places(m, x):
    return torch.nonzero(m.body(x) > 0.3)


def picked(m, x):
    return torch.masked_select(x, x > 0.5) * 2


def different(m, x):
    return torch.unique((x * 3).long())


@pytest.mark.parametrize(
    ("forward", "counter"),
    [(above, "index"), (places, "nonzero"), (picked, "masked_select"), (different, "unique")],
)
def test_counted_rows_are_said_to_depend_on_the_data(forward, counter):
    torch.manual_seed(3)
    report = shapewidget.probe(model_of(forward, body=nn.Linear(5, 4), head=nn.Linear(4, 2)), torch.randn(7, 5))
    assert report.ok
    assert str(report.graph.by_id["output"].inputs[0]).startswith("(?")
    assert f"? depends on the data: `{counter}`" in str(report)
    layers = {layer["id"]: layer for layer in wire_graph(report)["layers"]}
    assert any("depends on the data" in each["name"] for each in layers["output"]["declared"])


def test_rows_picked_by_ids_are_no_matter_of_the_data():
    model = model_of(lambda m, x, ids: m.body(x)[ids], body=nn.Linear(5, 4))
    report = shapewidget.probe(model, (torch.randn(7, 5), torch.tensor([2, 0, 4, 1, 1, 3, 2])))
    assert "depends on the data" not in str(report)
