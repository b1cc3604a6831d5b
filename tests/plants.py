"""Clean programs with one mistake planted: of random sizes, at a random place, and of a known kind."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from small_models import model_of
from torch import nn

SIZES = (5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23)


class Plant(NamedTuple):
    """A program with a mistake, and where it may be said to be: layers by path, functions and losses by name."""

    model: nn.Module
    inputs: Any
    more: dict[str, Any]
    places: tuple[str, ...]


class Draw(random.Random):
    """Random sizes that are all different, and tensors of them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.left = self.sample(SIZES, len(SIZES))
        torch.manual_seed(seed)

    def size(self) -> int:
        """A size that was not drawn before."""
        return self.left.pop()

    def other(self, size: int) -> int:
        """A wrong size in its place: one off, twice or half as large."""
        return self.choice((size + 1, 2 * size, max(2, size // 2)))

    def widths(self, least: int, most: int) -> list[int]:
        return [self.size() for _ in range(self.randint(least, most))]


def wrong_in_features(draw: Draw) -> Plant:
    widths = draw.widths(4, 6)
    layers = [nn.Linear(*pair) for pair in itertools.pairwise(widths)]
    place = draw.randrange(1, len(layers))
    layers[place] = nn.Linear(draw.other(widths[place]), widths[place + 1])
    model = nn.Sequential(*[it for layer in layers for it in (layer, nn.ReLU())])
    return Plant(model, torch.randn(draw.size(), widths[0]), {}, (str(2 * place),))


def wrong_channels(draw: Draw) -> Plant:
    widths = draw.widths(4, 5)
    layers: list[nn.Module] = [nn.Conv2d(*pair, 3, padding=1) for pair in itertools.pairwise(widths)]
    place = draw.randrange(1, len(layers))
    layers[place] = nn.Conv2d(draw.other(widths[place]), widths[place + 1], 3, padding=1)
    return Plant(nn.Sequential(*layers), torch.randn(4, widths[0], 16, 16), {}, (str(place),))


def wrong_norm(draw: Draw) -> Plant:
    first, width, last = draw.widths(3, 3)
    norm = draw.choice((nn.BatchNorm1d, nn.LayerNorm))(draw.other(width))
    model = nn.Sequential(nn.Linear(first, width), norm, nn.ReLU(), nn.Linear(width, last))
    return Plant(model, torch.randn(draw.size(), first), {}, ("1",))


def wrong_recurrent_input(draw: Draw) -> Plant:
    emb, hidden, tags = draw.widths(3, 3)
    kind = draw.choice((nn.LSTM, nn.GRU, nn.RNN))
    model = model_of(
        lambda self, x: self.head(self.rnn(self.embedding(x))[0]),
        embedding=nn.Embedding(50, emb), head=nn.Linear(hidden, tags),
        rnn=kind(draw.other(emb), hidden, batch_first=True),
    )  # fmt: skip
    return Plant(model, torch.randint(0, 50, (draw.size(), draw.size())), {}, ("rnn",))


def forgotten_second_direction(draw: Draw) -> Plant:
    emb, hidden, tags = draw.widths(3, 3)
    model = model_of(
        lambda self, x: self.head(self.rnn(self.embedding(x))[0]),
        embedding=nn.Embedding(50, emb), head=nn.Linear(hidden, tags),
        rnn=nn.LSTM(emb, hidden, batch_first=True, bidirectional=True),
    )  # fmt: skip
    return Plant(model, torch.randint(0, 50, (draw.size(), draw.size())), {}, ("head", "rnn"))


def forgotten_batch_first(draw: Draw) -> Plant:
    width, hidden, tags, batch = draw.widths(4, 4)
    model = model_of(
        lambda self, x: self.head(self.rnn(self.embedding(x))[0][:, -1]), embedding=nn.Embedding(50, width),
        rnn=draw.choice((nn.LSTM, nn.GRU))(width, hidden), head=nn.Linear(hidden, tags),
    )  # fmt: skip
    more = {"loss": nn.CrossEntropyLoss(), "targets": torch.randint(0, tags, (batch,))}
    return Plant(model, torch.randint(0, 50, (batch, draw.size())), more, ("rnn",))


def forgotten_batch_first_of_attention(draw: Draw) -> Plant:
    width, batch = 2 * draw.size(), draw.size()

    def forward(self, x):
        h = self.embedding(x)
        return self.head(self.attention(h, h, h)[0].mean(1))

    model = model_of(forward, embedding=nn.Embedding(50, width), attention=nn.MultiheadAttention(width, 2),
                     head=nn.Linear(width, 3))  # fmt: skip
    more = {"loss": nn.CrossEntropyLoss(), "targets": torch.randint(0, 3, (batch,))}
    return Plant(model, torch.randint(0, 50, (batch, draw.size())), more, ("attention",))


def view_for_transpose(draw: Draw) -> Plant:
    width, channels = draw.widths(2, 2)

    def forward(self, x):
        return self.conv(x.view(x.size(0), x.size(2), x.size(1))).amax(-1)

    model = model_of(forward, conv=nn.Conv1d(width, channels, 3, padding=1))
    return Plant(model, torch.randn(draw.size(), draw.size(), width), {}, ("view",))


def dropped_transpose(draw: Draw) -> Plant:
    width, channels = draw.widths(2, 2)
    model = model_of(
        lambda self, x: self.conv(self.embedding(x)).amax(-1),
        embedding=nn.Embedding(50, width), conv=nn.Conv1d(width, channels, 3),
    )  # fmt: skip
    return Plant(model, torch.randint(0, 50, (draw.size(), draw.size())), {}, ("conv",))


def softmax_over_the_batch(draw: Draw) -> Plant:
    width, hidden, classes = draw.widths(3, 3)
    model = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, classes), nn.Softmax(0))
    return Plant(model, torch.randn(draw.size(), width), {}, ("3",))


def attention_over_queries(draw: Draw) -> Plant:
    width = draw.size()

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(1, 2) / math.sqrt(width)
        return scores.softmax(1) @ self.v(x)

    layers = {name: nn.Linear(width, width) for name in "qkv"}
    return Plant(model_of(forward, **layers), torch.randn(draw.size(), draw.size(), width), {}, ("softmax",))


def mean_over_the_batch(draw: Draw) -> Plant:
    emb, tags, batch = draw.widths(3, 3)

    def forward(self, x):
        return self.head(self.embedding(x).mean(0))

    model = model_of(forward, embedding=nn.Embedding(50, emb), head=nn.Linear(emb, tags))
    more = {"loss": nn.CrossEntropyLoss(), "targets": torch.randint(0, tags, (batch,))}
    return Plant(model, torch.randint(0, 50, (batch, draw.size())), more, ("mean",))


def dropped_squeeze(draw: Draw) -> Plant:
    width, batch = draw.widths(2, 2)
    loss = draw.choice((nn.MSELoss(), nn.L1Loss(), nn.SmoothL1Loss(), lambda o, t: ((o - t) ** 2).mean()))
    more = {"loss": loss, "targets": torch.randn(batch)}
    return Plant(nn.Linear(width, 1), torch.randn(batch, width), more, ("sub", "<loss>", "loss", type(loss).__name__))


def classes_last(draw: Draw) -> Plant:
    emb, tags, batch, steps = draw.widths(4, 4)
    model = nn.Sequential(nn.Embedding(50, emb), nn.Linear(emb, tags))
    more = {"loss": nn.CrossEntropyLoss(), "targets": torch.randint(0, tags, (batch, steps))}
    return Plant(model, torch.randint(0, 50, (batch, steps)), more, ("CrossEntropyLoss", "cross_entropy"))


def wrong_flat_size(draw: Draw) -> Plant:
    channels, classes = draw.widths(2, 2)
    wrong = channels * 8 * 8 + draw.choice((-channels, channels * 36, 1))
    model = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                          nn.Linear(wrong, classes))  # fmt: skip
    return Plant(model, torch.randn(4, 3, 16, 16), {}, ("4",))


def forgotten_flatten(draw: Draw) -> Plant:
    channels, classes = draw.widths(2, 2)
    model = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Linear(channels * 8 * 8, classes))  # fmt: skip
    return Plant(model, torch.randn(4, 3, 16, 16), {}, ("3",))


def wrong_join(draw: Draw) -> Plant:
    one, other, width = draw.widths(3, 3)

    def forward(self, x):
        return self.head(torch.cat([self.a(x), self.b(x)], -1))

    model = model_of(forward, a=nn.Linear(width, one), b=nn.Linear(width, other),
                     head=nn.Linear(draw.choice((one, other, 2 * one)), 3))  # fmt: skip
    return Plant(model, torch.randn(draw.size(), width), {}, ("head", "cat"))


def wrong_residual(draw: Draw) -> Plant:
    width, inner, wrong = draw.widths(3, 3)
    model = model_of(lambda self, x: x + self.b(self.a(x).relu()), a=nn.Linear(width, inner), b=nn.Linear(inner, wrong))
    return Plant(model, torch.randn(draw.size(), width), {}, ("add", "b"))


def forgotten_transpose_of_keys(draw: Draw) -> Plant:
    width = draw.size()

    def forward(self, x):
        return (self.q(x) @ self.k(x)).softmax(-1) @ x

    layers = {name: nn.Linear(width, width) for name in "qk"}
    return Plant(model_of(forward, **layers), torch.randn(draw.size(), draw.size(), width), {}, ("matmul",))


def batch_written_down(draw: Draw) -> Plant:
    batch, width, classes = draw.widths(3, 3)
    model = model_of(lambda self, x: self.head(x.view(batch, -1)), head=nn.Linear(4 * width, classes))
    return Plant(model, torch.randn(batch, 4, width), {}, ("view",))


def too_few_ids(draw: Draw) -> Plant:
    vocabulary, emb, tags = draw.widths(3, 3)
    model = nn.Sequential(nn.Embedding(vocabulary, emb), nn.Linear(emb, tags))
    ids = torch.randint(0, vocabulary, (draw.size(), draw.size()))
    ids[0, 0] = vocabulary
    return Plant(model, ids, {}, ("0",))


KINDS: dict[str, Callable[[Draw], Plant]] = {
    function.__name__.replace("_", " "): function
    for function in (
        wrong_in_features, wrong_channels, wrong_norm, wrong_recurrent_input, forgotten_second_direction,
        forgotten_batch_first, forgotten_batch_first_of_attention, view_for_transpose, dropped_transpose,
        softmax_over_the_batch, attention_over_queries, mean_over_the_batch, dropped_squeeze, classes_last,
        wrong_flat_size, forgotten_flatten, wrong_join, wrong_residual, forgotten_transpose_of_keys,
        batch_written_down, too_few_ids,
    )
}  # fmt: skip
