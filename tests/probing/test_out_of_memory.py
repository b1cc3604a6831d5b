"""Memory that runs out: which layer asked for how much, and what to do about it."""

from __future__ import annotations

import pytest
import torch
from fingerprint import fingerprint
from torch import nn

import shapewidget

ON_A_GPU = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 14.58 GiB of which 1.94 GiB is free."
)


class Greedy(nn.Module):
    """Raises what the allocator of a GPU raises."""

    def forward(self, x):
        raise torch.OutOfMemoryError(ON_A_GPU)


class Holder(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.body, self.part = nn.Linear(6, 6), part

    def forward(self, x):
        return self.part(self.body(x))


class Spread(nn.Module):
    """Asks the allocator of the host for more than any has."""

    def forward(self, x):
        return x[:, None].expand(-1, 10**13, -1).clone()


def only(report):
    assert [it.code for it in report.findings] == ["SW404"], str(report)
    return report.findings[0]


def raised_by(model, x):
    try:
        model(x)
    except RuntimeError as error:
        return error
    raise AssertionError("it did not raise")


def test_probe_names_the_layer_and_what_it_asked_for():
    model, x = Holder(Greedy()), torch.randn(8, 6)
    before = fingerprint(model)
    report = shapewidget.probe(model, x)
    found = only(report)
    assert (found.layer, found.got) == ("part", "2.50 GiB")
    assert "no shape problem" in found.reason
    assert "(8, 6)" in found.reason
    assert "B = 4" in found.fix
    assert report.graph.by_id["body"].outputs
    assert fingerprint(model) == before


def test_probe_says_what_is_free_where_no_batch_is_small_enough():
    found = only(shapewidget.probe(Holder(Spread()), torch.randn(3, 6)))
    assert (found.layer, found.scope) == ("clone", "part")
    assert found.got == "670,552.25 GiB"
    assert "are free" in found.reason
    assert "no batch is small enough" in found.fix


@pytest.mark.parametrize(("part", "size"), [(Greedy(), "2.50 GiB"), (Spread(), "670,552.25 GiB")])
def test_explain_names_the_layer_of_an_exception(part, size):
    found = only(shapewidget.explain(raised_by(Holder(part), torch.randn(3, 6))))
    assert (found.layer, found.got) == ("part", size)


def test_capture_tells_a_layer_that_is_too_large_to_be_built():
    with shapewidget.capture(reraise=False) as report:
        nn.Linear(10**8, 10**8)
    found = only(report)
    assert "nn.Linear(10**8, 10**8)" in found.source.text
    assert "GiB" in found.reason
