"""Operations along the wrong axis in models whose sizes are arguments of their constructors, and the lines mended."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import shapewidget


class Classifier(nn.Module):
    def __init__(self, features=10, classes=3):
        super().__init__()
        self.head = nn.Linear(features, classes)


class Method(Classifier):
    def forward(self, x):
        return self.head(x).softmax(dim=0)


class Function(Classifier):
    def forward(self, x):
        return F.log_softmax(self.head(x), 0)


class OverSamples(Classifier):
    def forward(self, x):
        return self.head(x).cumsum(-2)


class Module(Classifier):
    def __init__(self, features=10, classes=3):
        super().__init__(features, classes)
        self.probabilities = nn.Softmax(dim=0)

    def forward(self, x):
        return self.probabilities(self.head(x))


@pytest.mark.parametrize(
    ("model", "fix"),
    [
        (Method(), "return self.head(x).softmax(dim=1)"),
        (Function(), "return F.log_softmax(self.head(x), 1)"),
        (OverSamples(), "return self.head(x).cumsum(1)"),
        (Module(), "self.probabilities = nn.Softmax(dim=1)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_operation_along_the_batch_is_mended_in_its_line(model, fix):
    (finding,) = shapewidget.probe(model, torch.randn(5, 10)).findings
    assert (finding.code, finding.fix, finding.verified) == ("SW603", fix, True)


class Heads(nn.Module):
    def __init__(self, width=24, heads=4):
        super().__init__()
        self.heads, self.depth = heads, width // heads
        self.inner = nn.Linear(width, width)

    def forward(self, x):
        batch, steps, width = x.shape
        split = self.split(self.inner(x), batch, steps)
        weights = (split @ split.transpose(-2, -1)).softmax(dim=-1)
        return (weights @ split).transpose(1, 2).reshape(batch, steps, width)


class HeadsByReshape(Heads):
    def split(self, x, batch, steps):
        return x.reshape(batch, self.heads, steps, self.depth)


class HeadsByTranspose(Heads):
    def split(self, x, batch, steps):
        return x.reshape(batch, steps, self.heads, self.depth).transpose(1, 2)


def test_heads_split_by_a_reshape_are_found_where_the_width_is_an_argument():
    (finding,) = shapewidget.probe(HeadsByReshape(), torch.randn(3, 10, 24)).findings
    assert (finding.code, finding.verified) == ("SW601", True)
    assert finding.fix == "return x.reshape(batch, steps, self.heads, self.depth).transpose(1, 2)"


def test_heads_split_by_a_transpose_are_right():
    assert shapewidget.probe(HeadsByTranspose(), torch.randn(3, 10, 24)).findings == ()


def test_channels_that_are_refused_are_told_once():
    class WordFilter(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(50, 32)
            self.conv = nn.Conv1d(32, 16, 3)

        def forward(self, ids):
            return self.conv(self.embedding(ids))

    (finding,) = shapewidget.probe(WordFilter(), torch.randint(0, 50, (6, 11))).findings
    assert (finding.code, finding.verified) == ("SW102", True)
