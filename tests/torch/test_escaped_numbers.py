"""Numbers that left torch and were computed with under a name before they came back."""

from __future__ import annotations

import math

import torch
from torch import nn

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.record import record


def escaped(model: nn.Module, *inputs: torch.Tensor) -> set[tuple[str, str]]:
    """The dashed edges of a run."""
    graph = record(model, Batch(inputs), None).graph
    return {(edge.source, edge.target) for edge in graph.edges if edge.escaped}


class Half(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        n = int(mask.sum())
        half = n // 2
        return x[:, : half + 1]


class Longest(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        lengths = mask.sum(1).tolist()
        steps = min(max(lengths), x.shape[1])
        return x.narrow(1, 0, math.ceil(steps / 2))


class Scaled(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        share = mask.float().mean().item()
        return x * (1 - share)


class Twice(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        n = int(mask.sum())
        n = 4
        return x[:, :n]


class OfShape(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        n = int(mask.sum())
        width = x.shape[1] - 1
        first = x[:, :width]
        return first.narrow(1, 0, n)


class Halves(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = []
        for row in mask:
            n = int(row.sum())
            found.append(x[0, : n // 2].sum())
        return torch.stack(found)


X, MASK = torch.randn(4, 20), torch.ones(4, 6, dtype=torch.bool)


def test_record_follows_a_number_through_what_is_computed_of_it() -> None:
    assert escaped(Half(), X, MASK) == {("sum", "index")}
    assert escaped(Longest(), X, MASK) == {("sum", "narrow")}
    assert escaped(Scaled(), X, MASK) == {("mean", "mul")}


def test_record_follows_no_name_that_stands_for_two_things() -> None:
    assert escaped(Twice(), X, MASK) == set()


def test_record_draws_no_dashed_edge_to_what_reads_another_number() -> None:
    assert escaped(OfShape(), X, MASK) == {("sum", "narrow")}


def test_record_takes_the_number_of_the_same_round_of_a_loop() -> None:
    edges = escaped(Halves(), X, MASK)
    assert edges == {("sum", "index"), ("sum#3", "index#2"), ("sum#5", "index#3"), ("sum#7", "index#4")}
