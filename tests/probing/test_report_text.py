import torch
from torch import nn

import shapewidget


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.mix = nn.Linear(width, width)

    def forward(self, sequence):
        weights = (sequence @ sequence.transpose(1, 2)).softmax(dim=-2)
        return self.mix(weights @ sequence)


class Stack(nn.Module):
    def __init__(self, blocks: int, other: nn.Module | None = None) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(8) for _ in range(blocks)), *([other] if other is not None else []))
        self.head = nn.Linear(8, 3)

    def forward(self, sequence):
        return self.head(self.blocks(sequence))


class Columns(nn.Module):
    def forward(self, x):
        return sum(x.unbind(1))


def written(model: nn.Module) -> list[str]:
    return str(shapewidget.probe(model, torch.randn(4, 6, 8))).splitlines()


def test_one_line_of_many_blocks_is_one_mistake_that_names_the_others():
    report = shapewidget.probe(Stack(5), torch.randn(4, 6, 8))
    assert [finding.scope for finding in report.findings] == [f"blocks.{block}" for block in range(5)]
    lines = str(report).splitlines()
    assert lines[0] == "Stack on cpu: 1 coincidence"
    assert sum("SW608" in line for line in lines) == 1
    assert any(line.endswith(" The same in `blocks.1`, `blocks.2` and 2 more.") for line in lines)


def test_the_only_other_block_is_named_alone():
    assert any(line.endswith(" The same in `blocks.1`.") for line in written(Stack(2)))


def test_blocks_that_read_the_same_are_written_once():
    lines = [line.split() for line in written(Stack(4))]
    assert ["1", "to", "3", "Block", "as", "0"] in lines
    assert sum(line[:1] == ["matmul"] for line in lines) == 2


def test_a_block_that_differs_inside_is_written_out():
    other = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    lines = [line.split() for line in written(Stack(2, other))]
    assert ["1", "Block", "as", "0"] in lines
    assert ["2", "Sequential"] in lines
    assert ["1", "ReLU", "(B,", "T,", "8)"] in lines


def test_many_tensors_of_one_shape_are_written_once():
    assert "    unbind   (B, 8) x 6" in written(nn.Sequential(nn.Linear(8, 8), Columns()))
