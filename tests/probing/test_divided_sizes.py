"""Sizes that something has to divide: the program is probed where it runs, or its arguments stay as they are."""

import pytest
import torch
from torch import nn

import shapewidget


class Heads(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.inner, self.out = nn.Linear(width, width), nn.Linear(width, 5)
        self.heads = heads

    def forward(self, x):
        return self.out(self.inner(x).unflatten(-1, (self.heads, -1)).flatten(-2))


class FourHeads(Heads):
    def __init__(self, width=32):
        super().__init__(width, 4)


class FiveHeads(Heads):
    def __init__(self, width=30):
        super().__init__(width, 5)


def shapes(model, width):
    graph = shapewidget.probe(model, torch.randn(4, 12, width)).graph
    return {layer.id: str(layer.outputs[0]) for layer in graph.layers if layer.outputs}


def test_heads_written_into_the_program_divide_the_width_elsewhere_too():
    found = shapes(FourHeads(), 32)
    assert found["inner"] == "(B, T, width)"
    assert found["unflatten"] == "(B, T, 4, width//4)"


def test_width_stays_a_number_where_another_does_not_run():
    found = shapes(FiveHeads(), 30)
    assert found["unflatten"] == "(B, T, 5, 6)"
    assert found["out"] == "(B, T, 5)"


@pytest.mark.parametrize("reached", [1, 2])
def test_axes_that_one_run_alone_has_keep_their_numbers(reached):
    class EndsEarly(nn.Module):
        runs = 0

        def forward(self, x):
            EndsEarly.runs += 1
            if EndsEarly.runs > reached:
                raise RuntimeError("no more")
            return x.transpose(0, 1).flatten()

    graph = shapewidget.probe(EndsEarly(), torch.randn(4, 12, 3)).graph
    assert str(graph.by_id["flatten"].outputs[0]) == ("(144,)" if reached == 1 else "(3·B·T,)")
