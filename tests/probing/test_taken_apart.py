"""Tensors that come apart along another axis than is meant, and backward passes that start from several numbers."""

import torch
import torch.nn.functional as F
from torch import nn

import shapewidget


class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, nodes, edges):
        source, target = edges
        hidden = self.body(nodes)
        return self.head(torch.zeros_like(hidden).index_add_(0, target, hidden[source]))


def edges(count=14):
    return torch.randint(0, 10, (2, count), generator=torch.Generator().manual_seed(0))


def test_edges_with_a_pair_in_each_row_are_taken_apart_along_the_other_axis():
    (found,) = shapewidget.probe(Graph(), (torch.randn(10, 6), edges().T)).findings
    assert (found.code, found.expected, found.got, found.verified) == ("SW207", 2, 14, True)
    assert "source, target = edges.unbind(1)" in found.fix


def test_edges_in_two_rows_are_right():
    assert shapewidget.probe(Graph(), (torch.randn(10, 6), edges())).ok


def losses():
    return F.cross_entropy(nn.Linear(5, 3)(torch.randn(8, 5)), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]), reduction="none")


def test_backward_pass_from_a_loss_for_each_sample_is_told_in_a_block():
    with shapewidget.capture(reraise=False) as report:
        losses().backward()
    assert [(it.code, it.layer, it.expected, it.got) for it in report.findings] == [("SW312", "backward", (), (8,))]
    assert "reduction='none'" in report.findings[0].reason


def test_backward_pass_from_a_loss_for_each_sample_is_told_from_its_error():
    loss = losses()
    try:
        loss.backward()
    except RuntimeError as error:
        (found,) = shapewidget.explain(error).findings
    assert (found.code, found.got, found.fix) == ("SW312", (8,), "loss.mean().backward()")


def test_backward_pass_with_a_gradient_for_each_loss_is_right():
    with shapewidget.capture() as report:
        losses().backward(torch.ones(8))
    assert report.ok
