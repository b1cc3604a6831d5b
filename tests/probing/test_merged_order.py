"""The order of rows is looked for behind every node once: a deep model has thousands."""

import torch
from torch import nn

import shapewidget
from shapewidget.diagnosis import merged_order
from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(40)])

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return x


def test_every_node_is_looked_behind_once_for_the_order_of_its_rows(monkeypatch):
    graph = shapewidget.probe(Residual(), torch.randn(3, 4)).graph
    asked, order = [], merged_order._order
    monkeypatch.setattr(merged_order, "_order", lambda node, wanted: (asked.append(node.id), order(node, wanted))[1])
    diagnose(Evidence(graph))
    assert len(asked) == len(set(asked))
    assert len(asked) > 40
