"""The user's model and process are as they were after every probe."""

from __future__ import annotations

import random

import numpy
import pytest
import torch
from fingerprint import fingerprint
from torch import nn

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.record import record


class Busy(nn.Module):
    """A model that changes all that a forward can change."""

    def __init__(self, error: BaseException | None = None):
        super().__init__()
        self.layer, self.norm, self.drop = nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5)
        self.register_buffer("seen", torch.zeros(1))
        self.steps, self.history, self.cache, self.error = 0, [], {}, error

    def forward(self, x):
        self.steps += 1
        self.history.append(x)
        self.cache[self.steps] = x
        self.last = x
        self.seen += 1
        self.layer.extra = 3
        self.drop.eval()
        random.random()
        numpy.random.rand()
        if self.error is not None:
            torch.set_grad_enabled(True)
            raise self.error
        return self.drop(self.norm(self.layer(x)))


def trained(model):
    """The model in the middle of a training step: gradients there, one layer frozen, modes mixed."""
    loss = model.norm(model.layer(torch.randn(4, 6))).sum()
    loss.backward()
    model.layer.weight.requires_grad_(False)
    model.norm.eval()
    return model


@pytest.mark.parametrize("error", [None, ValueError("no"), KeyboardInterrupt()])
def test_untouched_leaves_model_and_process_as_found(error):
    model, x = trained(Busy(error)), torch.randn(4, 6)
    before = fingerprint(model)
    try:
        record(model, Batch((x,)), None)
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    assert fingerprint(model) == before


def test_untouched_leaves_a_pending_backward_pass_valid():
    model = trained(Busy())
    loss = model.norm(model.layer(torch.randn(4, 6).requires_grad_())).sum()
    record(model, Batch((torch.randn(4, 6),)), None)
    loss.backward()


class Overwrites(nn.Module):
    """A model that writes over its weights and its input."""

    def __init__(self):
        super().__init__()
        self.layer, self.relu = nn.Linear(6, 6), nn.ReLU(inplace=True)
        self.checkpoint = nn.Linear(6, 6).state_dict()

    def forward(self, x, target):
        self.layer.load_state_dict(self.checkpoint)
        self.layer.bias[0] = 3.0
        x.view(-1)[2:] *= 2
        torch.neg(x, out=target)
        return self.layer(self.relu(x))


def test_untouched_gives_weights_and_inputs_back_what_a_forward_writes_over():
    model, x, target = Overwrites(), torch.randn(4, 6), torch.randn(4, 6)
    loss = model.layer(torch.randn(4, 6).requires_grad_()).sum()
    before, inputs = fingerprint(model), (x.clone(), target.clone())
    recording = record(model, Batch((x, target)), None)
    assert recording.stopped is None
    assert fingerprint(model) == before
    assert torch.equal(x, inputs[0])
    assert torch.equal(target, inputs[1])
    loss.backward()


def test_fingerprint_sees_what_an_unguarded_run_changes():
    model = trained(Busy())
    before = fingerprint(model)
    model(torch.randn(4, 6))
    after = fingerprint(model)
    assert {name for name in before if before[name] != after[name]} >= {
        "values", "training", "attributes", "contents", "generators",
    }  # fmt: skip
