"""What programs that raise nothing are made of: layers by name, a forward, and inputs that are the same each time."""

from __future__ import annotations

import torch
from torch import nn

import shapewidget
from shapewidget.diagnosis.findings import Severity


class Program(nn.Module):
    """Layers by name, and a forward that is handed in."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self._forward = forward

    def forward(self, *inputs):
        return self._forward(self, *inputs)


class WithLengths(Program):
    def forward(self, x, lengths):
        return self._forward(self, x, lengths)


def words(batch=6, steps=9, vocabulary=40):
    torch.manual_seed(1)
    return torch.randint(1, vocabulary, (batch, steps))


def series(batch=6, steps=9, features=10):
    torch.manual_seed(2)
    return torch.randn(batch, steps, features)


def rows(batch=6, features=10):
    torch.manual_seed(3)
    return torch.randn(batch, features)


def images(batch=4, channels=3, size=16):
    torch.manual_seed(4)
    return torch.randn(batch, channels, size, size)


def found(model, *inputs, **more):
    torch.manual_seed(0)
    report = shapewidget.probe(model, inputs, **more)
    return [finding for finding in report.findings if finding.severity is not Severity.NOTE]


def attention(width=10):
    return {"q": nn.Linear(width, width), "k": nn.Linear(width, width), "v": nn.Linear(width, width)}


def encoder(width=16, **more):
    return nn.TransformerEncoderLayer(width, 4, 32, dropout=0.0, batch_first=True, **more)


def embedded(**layers):
    return {"emb": nn.Embedding(40, 16), **layers}
