"""Small models of many kinds, whose memory is predicted and then measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from shapewidget import zoo


class Recurrent(nn.Module):
    """A tagger with any of PyTorch's recurrent layers."""

    def __init__(self, kind: str = "GRU", hidden: int = 64, layers: int = 1, both: bool = False) -> None:
        super().__init__()
        self.kind, self.both = kind, both
        self.embedding = nn.Embedding(60, hidden)
        self.rnn = getattr(nn, kind)(hidden, hidden, layers, batch_first=True, bidirectional=both)
        self.head = nn.Linear((2 if both else 1) * hidden, 5)

    def forward(self, tokens: torch.Tensor) -> Any:
        """Scores of every word."""
        return self.head(self.rnn(self.embedding(tokens))[0])


class Features(nn.Module):
    """A bidirectional LSTM over features, as wide as they are."""

    def __init__(self, features: int = 128, hidden: int = 128) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 10)

    def forward(self, x: torch.Tensor) -> Any:
        """Scores."""
        return self.head(self.lstm(x)[0])


class Loop(nn.Module):
    """An LSTM cell in a loop of Python's."""

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.hidden = hidden
        self.embedding = nn.Embedding(60, hidden)
        self.cell = nn.LSTMCell(hidden, hidden)
        self.head = nn.Linear(hidden, 5)

    def forward(self, tokens: torch.Tensor) -> Any:
        """Scores of every word."""
        embedded = self.embedding(tokens)
        h = c = embedded.new_zeros(len(tokens), self.hidden)
        states = []
        for step in range(tokens.shape[1]):
            h, c = self.cell(embedded[:, step], (h, c))
            states.append(h)
        return self.head(torch.stack(states, 1))


class Encoder(nn.Module):
    """PyTorch's transformer encoder."""

    def __init__(self, width: int = 96, heads: int = 4, layers: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(60, width)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.head = nn.Linear(width, 5)

    def forward(self, tokens: torch.Tensor) -> Any:
        """Scores of every word."""
        return self.head(self.encoder(self.embedding(tokens)))


class Attention(nn.Module):
    """Scores of attention that are written out."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.embedding = nn.Embedding(60, width)
        self.qkv, self.head = nn.Linear(width, 3 * width), nn.Linear(width, 5)

    def forward(self, tokens: torch.Tensor) -> Any:
        """Scores of every word."""
        query, key, value = self.qkv(self.embedding(tokens)).chunk(3, -1)
        return self.head(torch.softmax(query @ key.transpose(1, 2), -1) @ value)


class Images(nn.Module):
    """Convolutions, norms and pooling."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 5),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> Any:
        """Scores."""
        return self.layers(x)


class Words(nn.Module):
    """Convolutions over a sequence."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.embedding = nn.Embedding(60, width)
        self.conv, self.head = nn.Conv1d(width, 2 * width, 3, padding=1), nn.Linear(2 * width, 5)

    def forward(self, tokens: torch.Tensor) -> Any:
        """Scores of every word."""
        convolved = self.conv(self.embedding(tokens).transpose(1, 2)).relu()
        return self.head(convolved.transpose(1, 2))


class Dense(nn.Module):
    """Linear layers."""

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(20, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.Dropout(0.1), nn.Linear(hidden, 3)
        )

    def forward(self, x: torch.Tensor) -> Any:
        """Scores."""
        return self.layers(x)


def tokens(batch: int, length: int) -> torch.Tensor:
    """Ids of words."""
    return torch.randint(0, 60, (batch, length))


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor]]] = {
    "BiLSTM tagger of the zoo": (lambda: zoo.BiLSTMTagger(vocab=60, emb=100, hidden=200), lambda: tokens(20, 60)),
    "BiLSTM over features": (Features, lambda: torch.randn(32, 64, 128)),
    "BiLSTM of two layers": (lambda: Recurrent("LSTM", 96, 2, True), lambda: tokens(16, 40)),
    "ELMo-like of the zoo": (lambda: zoo.ELMoLike(), lambda: tokens(8, 24)),
    "LSTM": (lambda: Recurrent("LSTM"), lambda: tokens(16, 50)),
    "GRU": (Recurrent, lambda: tokens(16, 50)),
    "RNN": (lambda: Recurrent("RNN"), lambda: tokens(16, 50)),
    "LSTM cell in a loop": (Loop, lambda: tokens(16, 50)),
    "transformer encoder": (Encoder, lambda: tokens(16, 64)),
    "attention written out": (Attention, lambda: tokens(16, 64)),
    "convolutions over images": (Images, lambda: torch.randn(16, 3, 32, 32)),
    "convolutions over words": (Words, lambda: tokens(16, 64)),
    "linear layers": (Dense, lambda: torch.randn(256, 20)),
}
