"""Small models of the conformance suite with a mistake each, in PyTorch."""

from __future__ import annotations

import torch
from conformance import in_torch
from torch import nn

tensor, squared_error = in_torch.tensor, in_torch.squared_error


class SoftmaxOverKeys(in_torch.Attention):
    def forward(self, x):
        scores = torch.matmul(self.query(x), self.key(x).transpose(1, 2))
        return self.head(torch.matmul(torch.softmax(scores, 1), self.value(x)))


class SoftmaxOverBatch(in_torch.Perceptron):
    def forward(self, x):
        return torch.softmax(self.head(torch.relu(self.first(x))), 0)


class KeyNotTurned(in_torch.Attention):
    def forward(self, x):
        scores = torch.matmul(self.query(x), self.key(x))
        return self.head(torch.matmul(torch.softmax(scores, -1), self.value(x)))


class LastOfBatch(in_torch.Reader):
    def forward(self, x):
        states, _ = self.read(x)
        return self.head(states[-1])


class MeanOverBatch(in_torch.Pooled):
    def forward(self, ids):
        return self.head(self.embed(ids).mean(0))


class JoinedBatches(in_torch.TwoInputs):
    def forward(self, a, b):
        return self.head(torch.cat([self.one(a), self.other(b)], 0))


class OtherWidth(nn.Module):
    def __init__(self, features=6, width=7, inner=9, classes=3):
        super().__init__()
        self.enter, self.up = nn.Linear(features, width), nn.Linear(width, inner)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.enter(x)
        return self.head(x + self.up(x))


class OnePooling(in_torch.Pictures):
    def __init__(self, channels=3, filters=8, classes=5):
        super().__init__(channels, filters, classes)
        self.head = nn.Linear(filters * 4, classes)


class HeadsNotTurned(in_torch.Heads):
    def split(self, x):
        samples, steps, width = x.shape
        return torch.reshape(x, (samples, self.heads, steps, width // self.heads))


class NotTurnedBack(in_torch.Heads):
    def forward(self, x):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        weights = torch.softmax(torch.matmul(query, torch.permute(key, (0, 1, 3, 2))), -1)
        return self.merge(torch.reshape(torch.matmul(weights, value), (*x.shape[:2], -1)))


class Standardised(in_torch.Autoencoder):
    def forward(self, x):
        inner = self.encode(x)
        return self.decode(inner - torch.mean(inner))


class OtherCode(nn.Module):
    def __init__(self, features=6, inner=3):
        super().__init__()
        self.encode, self.decode = nn.Linear(features, inner), nn.Linear(inner + 1, features)

    def forward(self, x):
        return self.decode(torch.tanh(self.encode(x)))
