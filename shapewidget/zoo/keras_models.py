"""Reference models in Keras."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


class KerasBiLSTMTagger(keras.Model):
    """Tags every token: embedding, bidirectional LSTM, linear head.

    Args:
        vocab: Number of token ids.
        emb: Size of a token's embedding.
        hidden: Size of the LSTM's state, one direction.
        tags: Number of tags.
    """

    def __init__(self, vocab: int = 5000, emb: int = 128, hidden: int = 256, tags: int = 13) -> None:
        super().__init__()
        self.embedding = layers.Embedding(vocab, emb)
        self.lstm = layers.Bidirectional(layers.LSTM(hidden, return_sequences=True))
        self.head = layers.Dense(tags)

    def call(self, ids: Any) -> Any:
        """Token ids of shape (B, T) to scores of shape (B, T, tags)."""
        return self.head(self.lstm(self.embedding(ids)))


class BrokenKerasBiLSTMTagger(keras.Model):
    """`KerasBiLSTMTagger` with a head that was built for one direction, though it is given both.

    Args:
        vocab: Number of token ids.
        emb: Size of a token's embedding.
        hidden: Size of the LSTM's state, one direction.
        tags: Number of tags.
    """

    def __init__(self, vocab: int = 5000, emb: int = 128, hidden: int = 256, tags: int = 13) -> None:
        super().__init__()
        self.embedding = layers.Embedding(vocab, emb)
        self.lstm = layers.Bidirectional(layers.LSTM(hidden, return_sequences=True))
        self.head = layers.Dense(tags)
        self.head.build((None, None, hidden))

    def call(self, ids: Any) -> Any:
        """Token ids of shape (B, T); raises at the head."""
        return self.head(self.lstm(self.embedding(ids)))


class KerasGRUClassifier(keras.Model):
    """Reads a series with two GRUs, one above the other, and names its class.

    Args:
        hidden: Size of the state of the lower GRU.
        classes: Number of classes.
    """

    def __init__(self, hidden: int = 64, classes: int = 5) -> None:
        super().__init__()
        self.lower = layers.GRU(hidden, return_sequences=True)
        self.upper = layers.GRU(hidden // 2)
        self.head = layers.Dense(classes)

    def call(self, series: Any) -> Any:
        """Measurements of shape (B, T, features) to scores of shape (B, classes)."""
        return self.head(self.upper(self.lower(series)))


class BrokenKerasGRUClassifier(keras.Model):
    """`KerasGRUClassifier` whose lower GRU gives its last state only: the upper one has no steps left to read.

    Args:
        hidden: Size of the state of the lower GRU.
        classes: Number of classes.
    """

    def __init__(self, hidden: int = 64, classes: int = 5) -> None:
        super().__init__()
        self.lower = layers.GRU(hidden)
        self.upper = layers.GRU(hidden // 2)
        self.head = layers.Dense(classes)

    def call(self, series: Any) -> Any:
        """Measurements of shape (B, T, features); raises at the upper GRU."""
        return self.head(self.upper(self.lower(series)))
