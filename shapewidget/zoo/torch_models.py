"""Reference models in PyTorch."""

from __future__ import annotations

import torch
from torch import nn


class BiLSTMTagger(nn.Module):
    """Tags every token: embedding, bidirectional LSTM, linear head.

    Args:
        vocab: Number of token ids.
        emb: Size of a token's embedding.
        hidden: Size of the LSTM's state, one direction.
        tags: Number of tags.
    """

    def __init__(self, vocab: int = 5000, emb: int = 128, hidden: int = 256, tags: int = 13) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids of shape (B, T) to scores of shape (B, T, tags)."""
        states, _ = self.lstm(self.embedding(ids))
        scores: torch.Tensor = self.head(states)
        return scores


class BrokenBiLSTMTagger(nn.Module):
    """`BiLSTMTagger` with a head for one direction, though it is given both: 2 * hidden features meet hidden.

    Args:
        vocab: Number of token ids.
        emb: Size of a token's embedding.
        hidden: Size of the LSTM's state, one direction.
        tags: Number of tags.
    """

    def __init__(self, vocab: int = 5000, emb: int = 128, hidden: int = 256, tags: int = 13) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(hidden, tags)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids of shape (B, T); raises at the head."""
        states, _ = self.lstm(self.embedding(ids))
        scores: torch.Tensor = self.head(states)
        return scores


class ScalarMix(nn.Module):
    """Weighs the layers of a network against one another, as ELMo does: softmax weights and one scale.

    Args:
        layers: Number of layers.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States of shape (layers, B, T, width) to their weighted mean of shape (B, T, width)."""
        weights = self.weights.softmax(0)
        return self.scale * torch.einsum("l,lbtw->btw", weights, states)


class ELMoLike(nn.Module):
    """Tags every token from a mix of two stacked bidirectional LSTMs, in the manner of ELMo.

    Args:
        vocab: Number of token ids.
        emb: Size of a token's embedding.
        hidden: Size of an LSTM's state, one direction.
        tags: Number of tags.
    """

    def __init__(self, vocab: int = 2000, emb: int = 64, hidden: int = 48, tags: int = 13) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.project = nn.Linear(emb, 2 * hidden)
        self.first = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(2 * hidden, hidden, batch_first=True, bidirectional=True)
        self.mix = ScalarMix(3)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids of shape (B, T) to scores of shape (B, T, tags)."""
        tokens = self.embedding(ids)
        lower, _ = self.first(tokens)
        upper, _ = self.second(lower)
        scores: torch.Tensor = self.head(self.mix(torch.stack([self.project(tokens), lower, upper])))
        return scores


class BrokenELMoLike(nn.Module):
    """`ELMoLike` with a second LSTM for one direction of the first: 2 * hidden features meet hidden.

    Args:
        vocab: Number of token ids.
        emb: Size of a token's embedding.
        hidden: Size of an LSTM's state, one direction.
        tags: Number of tags.
    """

    def __init__(self, vocab: int = 2000, emb: int = 64, hidden: int = 48, tags: int = 13) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.project = nn.Linear(emb, 2 * hidden)
        self.first = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(hidden, hidden, batch_first=True, bidirectional=True)
        self.mix = ScalarMix(3)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids of shape (B, T); raises at the second LSTM."""
        tokens = self.embedding(ids)
        lower, _ = self.first(tokens)
        upper, _ = self.second(lower)
        scores: torch.Tensor = self.head(self.mix(torch.stack([self.project(tokens), lower, upper])))
        return scores
