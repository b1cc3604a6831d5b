"""A column of outputs against a row of targets: each output is compared with every target."""

import pytest
import torch
from torch import nn

import shapewidget


def said(model, inputs, targets, loss):
    found = shapewidget.probe(model, inputs, targets=targets, loss=loss).findings
    return [(each.code, each.verified) for each in found if each.severity != "note"]


def squares(outputs, targets):
    return torch.mean(torch.square(outputs - targets))


class Series(nn.Module):
    def __init__(self):
        super().__init__()
        self.states, self.value = nn.GRU(3, 8, batch_first=True), nn.Linear(8, 1)

    def forward(self, x):
        return self.value(self.states(x)[0])


@pytest.mark.parametrize("loss", [nn.MSELoss(), squares], ids=["built in", "by hand"])
def test_a_row_of_targets_is_found(loss):
    assert said(nn.Linear(4, 1), torch.randn(9, 4), torch.randn(1, 9), loss) == [("SW302", True)]


def test_steps_of_targets_on_another_axis_are_found():
    assert said(Series(), torch.randn(4, 7, 3), torch.randn(4, 1, 7), nn.L1Loss()) == [("SW302", True)]


def test_a_row_in_a_training_loop_is_found_with_a_fix():
    model, x, y = nn.Linear(4, 1), torch.randn(9, 4), torch.randn(1, 9)
    with shapewidget.capture() as report:
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
    (found,) = report.findings
    assert (found.code, found.verified, found.expected, found.got) == ("SW302", True, (9, 1), (1, 9))
    assert "y.transpose(0, 1)" in found.fix


def test_pairs_that_the_program_makes_itself_are_meant():
    def energy_distance(outputs, targets):
        return (outputs - targets.T).abs().mean() - 0.5 * (outputs - outputs.T).abs().mean()

    assert said(nn.Linear(4, 1), torch.randn(9, 4), torch.randn(9, 1), energy_distance) == []


def test_targets_of_the_shape_of_the_outputs_are_right():
    assert said(Series(), torch.randn(4, 7, 3), torch.randn(4, 7, 1), nn.L1Loss()) == []
