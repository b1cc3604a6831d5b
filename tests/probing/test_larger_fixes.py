"""Wrong programs whose fix is more than one size: layers added or swapped, two edits together, attention."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import shapewidget
from shapewidget.diagnosis.findings import Finding


class Residual(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1)
        self.norm = nn.BatchNorm2d(cout)

    def forward(self, x):
        out = self.norm(F.relu(self.conv1(x)))
        out += x
        return F.relu(out)


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Heads(nn.Module):
    def __init__(self, width=24, heads=4):
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        batch, steps, _ = x.shape
        query = self.query(x).view(batch, self.heads, steps, -1)
        key = self.key(x).view(batch, steps, self.heads, -1).transpose(1, 2)
        return query @ key.transpose(-2, -1)


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3)

    def forward(self, x):
        batch, steps, width = x.shape
        mixed = x.view(steps, batch, width)
        mixed, _ = self.attention(mixed, mixed, mixed)
        return mixed.view(batch, steps, width)


class Tuple(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 20, batch_first=True)
        self.head = nn.Linear(20, 3)

    def forward(self, x):
        return self.head(self.lstm(x))


class TupleIndexed(Tuple):
    def forward(self, x):
        out = self.lstm(x)
        return self.head(out[:, -1])


class Unpacked(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        batch, _, height, width = x.shape
        return self.conv(x).reshape(batch, -1, height - 2, width - 2)


class Crossed(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x, context):
        return self.attention(x, context, context)[0]


class Queried(nn.Module):
    def __init__(self):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(5, 16))
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        return self.attention(self.queries, x, x)[0]


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32), 1)

    def forward(self, x, mask):
        return self.encoder(x, src_key_padding_mask=mask)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 5)

    def forward(self, x):
        return self.conv(F.max_pool2d(x, 2))


class Softened(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        return F.log_softmax(self.head(x), dim=0)


class Averaged(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(20, 8), nn.Linear(8, 2)

    def forward(self, ids):
        return self.head(self.table(ids).mean(0))


class Repeated(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.decoder = nn.Linear(10, 4), nn.GRU(4, 8, batch_first=True)

    def forward(self, code):
        hidden = self.inner(code).repeat(12, 1)
        return self.decoder(hidden)[0]


class Slid(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.table = nn.Embedding(26, width)
        self.slide = nn.Conv1d(30, 12, 3)

    def forward(self, ids):
        return self.slide(self.table(ids))


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(30, 12), nn.Linear(12, 30)

    def forward(self, ids):
        return self.head(self.table(ids))


def shifted(outputs, targets):
    return F.cross_entropy(outputs.reshape(-1, 30), targets.reshape(-1))


IDS = torch.randint(0, 30, (4, 11))
Made = tuple[Callable[[], nn.Module], tuple[torch.Tensor, ...], dict[str, object]]
PROGRAMS: dict[str, tuple[Made, str, str]] = {
    "no way around a wider block": (
        (lambda: nn.Sequential(Residual(3, 3), Residual(3, 16)), (torch.randn(2, 3, 16, 16),), {}),
        "SW201", "out += self.shortcut(x); self.shortcut = nn.Conv2d(cin, cout, 1)"),
    "no way around a strided block": (
        (lambda: nn.Sequential(Residual(3, 3), Residual(3, 16, 2)), (torch.randn(2, 3, 16, 16),), {}),
        "SW201", "out += self.shortcut(x); self.shortcut = nn.Conv2d(cin, cout, 1, stride=stride)"),
    "normalisation of vectors for images": (
        (Normed, (torch.randn(4, 3, 8, 8),), {}), "SW110", "self.norm = nn.BatchNorm2d(8)"),
    "no Flatten in a sequence": (
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.Linear(8 * 15 * 15, 10)),
         (torch.randn(4, 3, 32, 32),), {"targets": torch.randint(0, 10, (4,)), "loss": nn.CrossEntropyLoss()}),
        "SW101", "model.insert(2, nn.Flatten())"),
    "heads by a view": (
        (Heads, (torch.randn(3, 7, 24),), {}),
        "SW601", "query = self.query(x).view(batch, steps, self.heads, -1).transpose(1, 2)"),
    "two views that undo one another": (
        (Mixer, (torch.randn(5, 8, 12),), {}),
        "SW601", "mixed = x.transpose(0, 1); return mixed.transpose(0, 1)"),
    "a tuple given to a layer": (
        (Tuple, (torch.randn(7, 4, 10),), {}), "SW106", "return self.head(self.lstm(x)[0])"),
    "a tuple indexed": (
        (TupleIndexed, (torch.randn(7, 4, 10),), {}), "SW106", "return self.head(out[0][:, -1])"),
    "keys of another width": (
        (Crossed, (torch.randn(3, 9, 16), torch.randn(3, 5, 24)), {}),
        "SW101", "self.attention = nn.MultiheadAttention(16, 4, batch_first=True, kdim=24, vdim=24)"),
    "queries without a batch": (
        (Queried, (torch.randn(3, 9, 16),), {}),
        "SW107", "return self.attention(self.queries.unsqueeze(0).expand(x.size(0), -1, -1), x, x)[0]"),
    "a mask that says where the batch is": (
        (Masked, (torch.randn(3, 9, 16), torch.zeros(3, 9, dtype=torch.bool)), {}),
        "SW107", "nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)"),
    "a kernel larger than its image": (
        (Small, (torch.randn(2, 1, 6, 6),), {}), "SW117", "self.conv = nn.Conv2d(1, 8, 5, padding=1)"),
    "softmax over the batch": (
        (Softened, (torch.randn(8, 6),), {"targets": torch.randint(0, 4, (8,)), "loss": nn.NLLLoss()}),
        "SW603", "return F.log_softmax(self.head(x), dim=1)"),
    "mean over the batch": (
        (Averaged, (torch.randint(0, 20, (6, 9)),), {"targets": torch.randint(0, 2, (6,)),
         "loss": nn.CrossEntropyLoss()}), "SW610", "return self.head(self.table(ids).mean(1))"),
    "copies along the batch": (
        (Repeated, (torch.randn(5, 10),), {"targets": torch.randn(5, 12, 8), "loss": nn.MSELoss()}),
        "SW303", "hidden = self.inner(code).unsqueeze(1).repeat(1, 12, 1)"),
    "a convolution along features": (
        (Slid, (torch.randint(0, 26, (3, 30)),), {}),
        "SW607", "return self.slide(self.table(ids).transpose(1, 2)); self.slide = nn.Conv1d(width, 12, 3)"),
    "targets a step shorter": (
        (Language, (IDS,), {"targets": IDS[:, 1:], "loss": shifted}),
        "SW301", "return F.cross_entropy(outputs[:, :-1].reshape(-1, 30), targets.reshape(-1))"),
    "two outputs for yes and no": (
        (lambda: nn.Sequential(nn.Linear(6, 2)), (torch.randn(5, 6),),
         {"targets": torch.ones(5), "loss": nn.BCEWithLogitsLoss()}),
        "SW301", "loss(outputs.squeeze(-1), targets); model[0] = nn.Linear(6, 1)"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("name", PROGRAMS)
def test_larger_fix_is_proposed_and_run(name):
    (make, inputs, more), code, fix = PROGRAMS[name]
    torch.manual_seed(0)
    first: Finding = shapewidget.probe(make(), inputs, **more).findings[0]  # type: ignore[arg-type]
    assert (first.code, first.fix, first.verified) == (code, fix, True), first


def test_shape_taken_apart_into_too_many_sizes_is_told_by_its_axes():
    report = shapewidget.probe(Unpacked(), (torch.randn(3, 20, 20),))
    first = report.findings[0]
    assert (first.code, first.expected, first.got, first.verified) == ("SW110", 4, 3, True)
    assert "takes 4 sizes off" in first.reason
    assert first.fix == "model(x.unsqueeze(0))"


def test_consequence_of_what_is_mended_is_not_told():
    report = shapewidget.probe(
        Averaged(), (torch.randint(0, 20, (6, 9)),), targets=torch.randint(0, 2, (6,)), loss=nn.CrossEntropyLoss()
    )
    assert [it.code for it in report.findings if it.severity != "note"] == ["SW610"]
