"""Correct programs that look as odd as wrong ones: nothing may be said of them but notes."""

from __future__ import annotations

import math

import torch
from small_models import model_of
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from shapewidget import zoo

B, T = 6, 9


def words(batch: int = B, steps: int = T) -> torch.Tensor:
    return torch.randint(1, 40, (batch, steps))


def series(batch: int = B, steps: int = T, features: int = 10) -> torch.Tensor:
    return torch.randn(batch, steps, features)


def rows(batch: int = B, features: int = 10) -> torch.Tensor:
    return torch.randn(batch, features)


def pictures(batch: int = 4, channels: int = 3, size: int = 16) -> torch.Tensor:
    return torch.randn(batch, channels, size, size)


def labels(*shape: int, classes: int = 5) -> torch.Tensor:
    return torch.randint(0, classes, shape)


def contrastive(self, x, y):
    one, other = F.normalize(self.a(x), dim=-1), F.normalize(self.b(y), dim=-1)
    return one @ other.T / 0.1


def siamese(self, left, right):
    return (self.a(left) - self.a(right)).abs().sum(-1)


def gan(self, noise):
    made = self.make(noise)
    return self.judge(made), made


def time_major(self, x):
    states, _ = self.rnn(self.embedding(x.t()))
    return self.head(self.norm(states)).transpose(0, 1)


def time_distributed(self, x):
    batch, steps, features = x.shape
    flat = self.norm(self.a(x.reshape(batch * steps, features)))
    return self.b(flat).view(batch, steps, -1)


def attention_by_hand(self, x):
    batch, steps, width = x.shape
    q, k, v = (layer(x).view(batch, steps, 2, -1).transpose(1, 2) for layer in (self.q, self.k, self.v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    future = torch.ones(steps, steps, dtype=torch.bool).triu(1)
    mixed = scores.masked_fill(future, -1e9).softmax(-1) @ v
    return self.o(mixed.transpose(1, 2).reshape(batch, steps, width))


def pooled_by_mask(self, x):
    mask = (x != 0).unsqueeze(-1).float()
    h = self.embedding(x) * mask
    return self.head(h.sum(1) / mask.sum(1).clamp(min=1))


def attentive_pooling(self, x):
    weights = self.score(x).softmax(dim=1)
    return self.head((weights * x).sum(1))


def last_states(self, x):
    _, (state, _) = self.rnn(x)
    return self.head(torch.cat([state[-2], state[-1]], dim=1))


def packed(self, x, lengths):
    states, _ = self.rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    return self.head(pad_packed_sequence(states, batch_first=True)[0])


def convolved_words(self, x):
    h = self.conv(self.embedding(x).transpose(1, 2)).relu()
    return self.head(h.amax(-1))


def unet(self, x):
    low = self.down(x).relu()
    deep = self.deep(F.max_pool2d(low, 2)).relu()
    return self.out(torch.cat([F.interpolate(deep, size=low.shape[-2:]), low], 1))


def patches(self, x):
    tokens = self.cut(x).flatten(2).transpose(1, 2)
    tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1) + self.places
    return self.head(self.encoder(tokens)[:, 0])


def squeeze_and_excite(self, x):
    scale = self.b(self.a(x.mean((2, 3))).relu()).sigmoid()
    return x * scale[:, :, None, None]


def pairwise(self, x):
    h = self.a(x)
    return (h[:, None] - h[None]).pow(2).sum(-1)


def steps_by_cell(self, x):
    state = x.new_zeros(x.size(0), 7)
    outputs = []
    for step in x.unbind(1):
        state = self.cell(step, state)
        outputs.append(self.head(state))
    return torch.stack(outputs, 1)


def decoder(self, source, target):
    mask = nn.Transformer.generate_square_subsequent_mask(target.size(1))
    return self.head(self.transformer(self.a(source), self.b(target), tgt_mask=mask))


def highway(self, x):
    gate = self.gate(x).sigmoid()
    return gate * self.a(x).relu() + (1 - gate) * x


def rotary(self, x):
    angle = torch.arange(x.size(1))[:, None] * 0.1 ** torch.arange(0, 5)[None]
    left, right = self.a(x).chunk(2, -1)
    return torch.cat([left * angle.cos() - right * angle.sin(), left * angle.sin() + right * angle.cos()], -1)


def variational(self, x):
    mean, spread = self.encode(x).chunk(2, -1)
    return self.decode(mean + torch.randn_like(mean) * (spread / 2).exp())


def channel_shuffle(self, x):
    batch, channels, height, width = self.a(x).shape
    h = self.a(x).view(batch, 2, channels // 2, height, width).transpose(1, 2)
    return self.b(h.reshape(batch, channels, height, width))


def tokens_of(self, x):
    return self.head(self.embedding(x)).transpose(1, 2)


def per_sample_loss(outputs, targets):
    return ((outputs.squeeze(-1) - targets) ** 2).mean()


def info_nce(scores, _):
    return F.cross_entropy(scores, torch.arange(len(scores)))


def gan_loss(outputs, _):
    return F.binary_cross_entropy_with_logits(outputs[0], torch.ones_like(outputs[0]))


class Shifted(nn.Module):
    """A residual block of a convolution over time, which keeps the length."""

    def __init__(self, width: int, step: int):
        super().__init__()
        self.conv = nn.Conv1d(width, width, 3, dilation=step, padding=2 * step)

    def forward(self, x):
        return x + self.conv(x)[..., : x.size(-1)].relu()


def lstm(width: int = 10, hidden: int = 7, **settings) -> nn.LSTM:
    return nn.LSTM(width, hidden, batch_first=True, **settings)


def encoder(width: int = 12) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(width, 2, 20, batch_first=True, dropout=0.0)
    return nn.TransformerEncoder(layer, 2)


MLP = nn.Sequential(nn.Linear(10, 7), nn.ReLU(), nn.Linear(7, 5))

PROGRAMS = {
    "MLP": lambda: (MLP, rows(), {"loss": nn.CrossEntropyLoss(), "targets": labels(B)}),
    "BatchNorm in training": lambda: (
        nn.Sequential(nn.Linear(10, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 5)).train(), rows(), {}),
    "convolutions in training": lambda: (
        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                      nn.Linear(8 * 8 * 8, 5)).train(),
        pictures(), {"loss": nn.CrossEntropyLoss(), "targets": labels(4)}),
    "pooled to one": lambda: (
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                      nn.Linear(8, 5)), pictures(), {}),
    "contrastive": lambda: (
        model_of(contrastive, a=nn.Linear(10, 8), b=nn.Linear(12, 8)), (rows(), rows(features=12)),
        {"loss": info_nce, "targets": labels(B)}),
    "Siamese": lambda: (model_of(siamese, a=nn.Linear(10, 8)), (rows(), rows()), {}),
    "GAN": lambda: (
        model_of(gan, make=nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 12)),
                 judge=nn.Sequential(nn.Linear(12, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))),
        rows(), {"loss": gan_loss, "targets": labels(B)}),
    "time-major throughout": lambda: (
        model_of(time_major, embedding=nn.Embedding(40, 10), rnn=nn.LSTM(10, 7), norm=nn.LayerNorm(7),
                 head=nn.Linear(7, 5)), words(), {}),
    "time-distributed and undone": lambda: (
        model_of(time_distributed, a=nn.Linear(10, 8), norm=nn.BatchNorm1d(8), b=nn.Linear(8, 5)), series(), {}),
    "attention by hand": lambda: (
        model_of(attention_by_hand, q=nn.Linear(12, 12), k=nn.Linear(12, 12), v=nn.Linear(12, 12),
                 o=nn.Linear(12, 12)), series(features=12), {}),
    "masked mean": lambda: (
        model_of(pooled_by_mask, embedding=nn.Embedding(40, 10, padding_idx=0), head=nn.Linear(10, 5)), words(), {}),
    "attentive pooling": lambda: (
        model_of(attentive_pooling, score=nn.Linear(10, 1), head=nn.Linear(10, 5)), series(), {}),
    "last states of both directions": lambda: (
        model_of(last_states, rnn=lstm(bidirectional=True), head=nn.Linear(14, 5)), series(),
        {"loss": nn.CrossEntropyLoss(), "targets": labels(B)}),
    "packed sequences": lambda: (
        model_of(packed, rnn=lstm(), head=nn.Linear(7, 5)), (series(), torch.tensor([9, 4, 7, 9, 2, 5])), {}),
    "convolved words": lambda: (
        model_of(convolved_words, embedding=nn.Embedding(40, 10), conv=nn.Conv1d(10, 8, 3), head=nn.Linear(8, 5)),
        words(), {"loss": nn.CrossEntropyLoss(), "targets": labels(B)}),
    "U-Net": lambda: (
        model_of(unet, down=nn.Conv2d(3, 8, 3, padding=1), deep=nn.Conv2d(8, 11, 3, padding=1),
                 out=nn.Conv2d(19, 2, 1)), pictures(),
        {"loss": nn.CrossEntropyLoss(), "targets": labels(4, 16, 16, classes=2)}),
    "patches and a class token": lambda: (
        model_of(patches, cut=nn.Conv2d(3, 12, 4, 4), first=nn.Parameter(torch.zeros(1, 1, 12)),
                 places=nn.Parameter(torch.zeros(1, 17, 12)), encoder=encoder(), head=nn.Linear(12, 5)),
        pictures(), {}),
    "squeeze and excite": lambda: (
        model_of(squeeze_and_excite, a=nn.Linear(8, 2), b=nn.Linear(2, 8)), pictures(channels=8), {}),
    "pairwise distances": lambda: (model_of(pairwise, a=nn.Linear(10, 8)), rows(), {}),
    "cell by cell": lambda: (
        model_of(steps_by_cell, cell=nn.GRUCell(10, 7), head=nn.Linear(7, 5)), series(), {}),
    "encoder and decoder": lambda: (
        model_of(decoder, a=nn.Linear(10, 12), b=nn.Linear(11, 12), head=nn.Linear(12, 5),
                 transformer=nn.Transformer(12, 2, 1, 1, 20, batch_first=True)),
        (series(), series(steps=7, features=11)), {}),
    "highway": lambda: (model_of(highway, gate=nn.Linear(10, 10), a=nn.Linear(10, 10)), rows(), {}),
    "rotary positions": lambda: (model_of(rotary, a=nn.Linear(10, 10)), series(), {}),
    "variational": lambda: (
        model_of(variational, encode=nn.Linear(10, 8), decode=nn.Linear(4, 10)).eval(), rows(), {}),
    "shuffled channels": lambda: (
        model_of(channel_shuffle, a=nn.Conv2d(3, 8, 1), b=nn.Conv2d(8, 5, 1)), pictures(), {}),
    "tags for the loss": lambda: (
        model_of(tokens_of, embedding=nn.Embedding(40, 10), head=nn.Linear(10, 5)), words(),
        {"loss": nn.CrossEntropyLoss(), "targets": labels(B, T)}),
    "loss by hand": lambda: (nn.Linear(10, 1), rows(), {"loss": per_sample_loss, "targets": torch.randn(B)}),
    "dilated residuals": lambda: (
        nn.Sequential(Shifted(10, 1), Shifted(10, 2), nn.Conv1d(10, 5, 1)), series(features=T, steps=10), {}),
    "zoo: tagger": lambda: (zoo.BiLSTMTagger(), torch.randint(1, 99, (B, T)), {}),
    "zoo: ELMo": lambda: (zoo.ELMoLike(), words(), {}),
}  # fmt: skip
