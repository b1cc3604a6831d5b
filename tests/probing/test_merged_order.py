"""The order of the rows of a merged axis: looked for behind every node once, and mended where it is another."""

import runpy

import pytest
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


@pytest.mark.parametrize("joined", ["torch.cat(torch.unbind(rows, dim=1))", "torch.cat(list(rows.unbind(1)), 0)"])
def test_rows_that_are_taken_apart_along_the_steps_are_flattened_instead(joined, tmp_path):
    path = tmp_path / "pairs.py"
    path.write_text(
        f"import torch\n\ndef loss(rows, labels):\n    flat = {joined}\n    labels = labels.reshape(-1)\n"
        "    same = (labels[:, None] == labels[None]).float()\n"
        "    return -(torch.log_softmax(flat @ flat.T, 1) * same).sum(1).mean()\n"
    )
    loss = runpy.run_path(str(path))["loss"]
    labels = torch.randint(0, 3, (3, 6))
    found = shapewidget.probe(nn.Linear(5, 4), torch.randn(3, 6, 5), targets=labels, loss=loss).findings[0]
    assert (found.code, found.verified, found.fix) == ("SW616", True, "flat = rows.flatten(0, 1)")


@pytest.mark.parametrize(
    ("listed", "fix"),
    [
        ("torch.cat(torch.unbind(scores, dim=1), dim=0)", "rows = scores.flatten(0, 1)"),
        ("scores.transpose(0, 1).reshape(-1, 3)", None),
        ("scores.reshape(-1, 3)", ""),
        ("torch.cat(torch.unbind(scores, dim=0), dim=0)", ""),
    ],
)
def test_pixels_listed_place_by_place_meet_labels_picture_by_picture(listed, fix, tmp_path):
    path = tmp_path / "pixels.py"
    path.write_text(
        "import torch\n\ndef loss(maps, labels):\n    scores = maps.flatten(2).transpose(1, 2)\n"
        f"    rows = {listed}\n    return torch.nn.functional.cross_entropy(rows, labels.view(-1))\n"
    )
    loss, labels = runpy.run_path(str(path))["loss"], torch.randint(0, 3, (4, 5, 6))
    model = nn.Sequential(nn.Conv2d(2, 8, 1), nn.ReLU(), nn.Conv2d(8, 3, 1))
    found = shapewidget.probe(model, torch.randn(4, 2, 5, 6), targets=labels, loss=loss).findings
    if fix == "":
        assert found == ()
    else:
        assert [each.code for each in found] == ["SW616"]
        assert fix is None or (found[0].verified, found[0].fix) == (True, fix)
