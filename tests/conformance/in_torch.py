"""The small models of the conformance suite, in PyTorch."""

from __future__ import annotations

import torch
from torch import nn


class Perceptron(nn.Module):
    def __init__(self, features=6, hidden=10, classes=3):
        super().__init__()
        self.first, self.head = nn.Linear(features, hidden), nn.Linear(hidden, classes)

    def forward(self, x):
        return self.head(torch.relu(self.first(x)))


class Pictures(nn.Module):
    def __init__(self, channels=3, filters=8, classes=5):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding=1)
        self.pool, self.flat = nn.MaxPool2d(2), nn.Flatten()
        self.head = nn.Linear(filters * 16, classes)

    def forward(self, x):
        return self.head(self.flat(self.pool(self.conv(x))))


class Tagger(nn.Module):
    def __init__(self, vocab=20, emb=8, hidden=6, tags=4):
        super().__init__()
        self.embed = nn.Embedding(vocab, emb)
        self.both = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, ids):
        states, _ = self.both(self.embed(ids))
        return self.head(states)


class Reader(nn.Module):
    def __init__(self, features=6, hidden=7, classes=3):
        super().__init__()
        self.read = nn.GRU(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x):
        states, _ = self.read(x)
        return self.head(states[:, -1])


class Attention(nn.Module):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.query, self.key = nn.Linear(features, width), nn.Linear(features, width)
        self.value, self.head = nn.Linear(features, width), nn.Linear(width, classes)

    def forward(self, x):
        scores = torch.matmul(self.query(x), self.key(x).transpose(1, 2))
        return self.head(torch.matmul(torch.softmax(scores, -1), self.value(x)))


class Pooled(nn.Module):
    def __init__(self, vocab=20, emb=8, classes=3):
        super().__init__()
        self.embed, self.head = nn.Embedding(vocab, emb), nn.Linear(emb, classes)

    def forward(self, ids):
        return self.head(self.embed(ids).mean(1))


class Residual(nn.Module):
    def __init__(self, features=6, width=7, inner=9, classes=3):
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.enter(x)
        return self.head(x + self.down(self.up(x)))


class TwoInputs(nn.Module):
    def __init__(self, left=4, right=5, width=6):
        super().__init__()
        self.one, self.other = nn.Linear(left, width), nn.Linear(right, width)
        self.head = nn.Linear(2 * width, 2)

    def forward(self, a, b):
        return self.head(torch.cat([self.one(a), self.other(b)], -1))


class TwoOutputs(nn.Module):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.trunk = nn.Linear(features, width)
        self.score, self.label = nn.Linear(width, 1), nn.Linear(width, classes)

    def forward(self, x):
        x = self.trunk(x)
        return self.score(x), self.label(x)


class Shared(nn.Module):
    def __init__(self, features=6, width=8):
        super().__init__()
        self.encode, self.head = nn.Linear(features, width), nn.Linear(2 * width, 1)

    def forward(self, a, b):
        return self.head(torch.cat([self.encode(a), self.encode(b)], -1))


class WrongWidth(nn.Module):
    def __init__(self, vocab=20, emb=8, hidden=6, tags=4):
        super().__init__()
        self.embed = nn.Embedding(vocab, emb)
        self.both = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(hidden, tags)

    def forward(self, ids):
        states, _ = self.both(self.embed(ids))
        return self.head(states)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = nn.Linear(width, width)

    def forward(self, x):
        return x + self.inner(x)


class Nested(nn.Module):
    def __init__(self, features=6, width=8):
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.first, self.second = Block(width), Block(width)

    def forward(self, x):
        return self.second(self.first(self.enter(x)))


class Siamese(nn.Module):
    def __init__(self, features=6, width=8):
        super().__init__()
        self.encode, self.head = nn.Linear(features, width), nn.Linear(width, 1)

    def forward(self, a, b):
        return self.head(torch.abs(self.encode(a) - self.encode(b)))


class Autoencoder(nn.Module):
    def __init__(self, features=6, inner=3):
        super().__init__()
        self.encode, self.decode = nn.Linear(features, inner), nn.Linear(inner, features)

    def forward(self, x):
        return self.decode(torch.tanh(self.encode(x)))


class Gated(nn.Module):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.value, self.gate = nn.Linear(features, width), nn.Linear(features, width)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.norm(self.value(x) * torch.sigmoid(self.gate(x))))


class Heads(nn.Module):
    def __init__(self, features=6, heads=2, width=16):
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(features, width), nn.Linear(features, width)
        self.value, self.merge = nn.Linear(features, width), nn.Linear(width, width)

    def split(self, x):
        samples, steps, width = x.shape
        return torch.permute(torch.reshape(x, (samples, steps, self.heads, width // self.heads)), (0, 2, 1, 3))

    def forward(self, x):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        weights = torch.softmax(torch.matmul(query, torch.permute(key, (0, 1, 3, 2))), -1)
        joined = torch.permute(torch.matmul(weights, value), (0, 2, 1, 3))
        return self.merge(torch.reshape(joined, (*x.shape[:2], -1)))


class Positions(nn.Module):
    def __init__(self, vocab=20, longest=32, emb=8, classes=3):
        super().__init__()
        self.embed, self.place = nn.Embedding(vocab, emb), nn.Embedding(longest, emb)
        self.head = nn.Linear(emb, classes)

    def forward(self, ids, places):
        return self.head(self.embed(ids) + self.place(places))


class Translator(nn.Module):
    def __init__(self, features=4, hidden=7, classes=3):
        super().__init__()
        self.read = nn.GRU(features, hidden, batch_first=True)
        self.write, self.head = nn.GRU(features, hidden, batch_first=True), nn.Linear(hidden, classes)

    def forward(self, source, target):
        _, state = self.read(source)
        states, _ = self.write(target, state)
        return self.head(states)


class Summary(nn.Module):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.enter, self.head = nn.Linear(features, width), nn.Linear(2 * width, classes)

    def forward(self, x):
        x = torch.relu(self.enter(x))
        return self.head(torch.cat([torch.mean(x, 1), torch.amax(x, 1)], -1))


class Stacked(nn.Module):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.one, self.other, self.head = (
            nn.Linear(features, width),
            nn.Linear(features, width),
            nn.Linear(width, classes),
        )

    def forward(self, x):
        both = torch.stack([self.one(x), self.other(x)], 1)
        return self.head(torch.sum(both, 1))


def squared_error(outputs, targets):
    return torch.mean(torch.square(outputs - targets))


tensor = torch.from_numpy
