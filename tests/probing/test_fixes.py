"""Wrong programs: the fix that is proposed, that it was run, and that the program is clean once it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from fingerprint import fingerprint
from torch import nn
from torch.nn import functional as F

import shapewidget
from shapewidget.diagnosis.findings import Severity


@dataclass
class Program:
    """A model with what it is called with."""

    model: nn.Module
    inputs: tuple[Any, ...]
    targets: Any = None
    loss: Callable[..., Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def probe(self) -> shapewidget.Report:
        return shapewidget.probe(self.model, self.inputs, targets=self.targets, loss=self.loss, **self.more)


def series(batch: int = 6, steps: int = 9, features: int = 5) -> torch.Tensor:
    return torch.randn(batch, steps, features)


def classes(*shape: int, count: int = 4) -> torch.Tensor:
    return torch.randint(0, count, shape)


# -- losses and targets: mended at the call --------------------------------------------------------------------------


def head(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, width))


CALLS: list[tuple[str, nn.Module, torch.Tensor, torch.Tensor, nn.Module, str, Callable[..., Any]]] = [
    ("column against vector", head(1), torch.randn(6, 5), torch.randn(6), nn.MSELoss(),
     "loss(outputs.squeeze(-1), targets)", lambda o, t: (o.squeeze(-1), t)),
    ("vector against column", nn.Sequential(head(1), nn.Flatten(0)), torch.randn(6, 5), torch.randn(6, 1), nn.L1Loss(),
     "loss(outputs, targets.squeeze(-1))", lambda o, t: (o, t.squeeze(-1))),
    ("classes on the last axis", head(4), series(), classes(6, 9), nn.CrossEntropyLoss(),
     "loss(outputs.transpose(1, 2), targets)", lambda o, t: (o.transpose(1, 2), t)),
    ("one target a sequence", head(4), series(), classes(6), nn.CrossEntropyLoss(),
     "loss(outputs[:, -1], targets)", lambda o, t: (o[:, -1], t)),
    ("one-hot targets", head(4), torch.randn(6, 5), F.one_hot(classes(6), 4), nn.CrossEntropyLoss(),
     "loss(outputs, targets.argmax(-1))", lambda o, t: (o, t.argmax(-1))),
    ("targets with a channel", nn.Conv2d(3, 4, 1), torch.randn(2, 3, 8, 8), classes(2, 1, 8, 8), nn.CrossEntropyLoss(),
     "loss(outputs, targets.squeeze(1))", lambda o, t: (o, t.squeeze(1))),
    ("classes as floats", head(4), torch.randn(6, 5), classes(6).float(), nn.CrossEntropyLoss(),
     "loss(outputs, targets.long())", lambda o, t: (o, t.long())),
    ("labels as whole numbers", head(1), torch.randn(6, 5), classes(6, 1, count=2), nn.BCEWithLogitsLoss(),
     "loss(outputs, targets.float())", lambda o, t: (o, t.float())),
    ("classes for a loss of one shape", head(4), torch.randn(6, 5), classes(6), nn.BCEWithLogitsLoss(),
     "loss(outputs, torch.nn.functional.one_hot(targets, 4).float())", lambda o, t: (o, F.one_hot(t, 4).float())),
]  # fmt: skip


@pytest.mark.parametrize("row", CALLS, ids=[row[0] for row in CALLS])
def test_fix_of_a_loss_is_one_call_that_was_run(row):
    _, model, inputs, targets, loss, fix, mended = row
    first = Program(model, (inputs,), targets, loss).probe().findings[0]
    assert (first.fix, first.verified, first.patch) == (fix, True, None)
    assert first.expected is not None
    assert first.got is not None

    def right(outputs, given):
        return loss(*mended(outputs, given))

    clean = Program(model, (inputs,), targets, right).probe()
    assert [it for it in clean.findings if it.severity is not Severity.NOTE] == []


def test_fix_of_a_loss_leaves_model_loss_and_targets_as_they_were():
    model, inputs, targets, loss = head(1), torch.randn(6, 5), torch.randn(6), nn.MSELoss()
    before, labels, settings = fingerprint(model), targets.clone(), dict(loss.__dict__)
    Program(model, (inputs,), targets, loss).probe()
    assert fingerprint(model) == before
    assert torch.equal(targets, labels)
    assert loss.__dict__ == settings


def squared(outputs, targets):
    return ((outputs - targets) ** 2).mean()


def test_fix_of_a_loss_by_hand_is_an_edit_of_its_line():
    first = Program(head(1), (torch.randn(6, 5),), torch.randn(6), squared).probe().findings[0]
    assert first.verified
    assert first.patch is not None
    assert "-    return ((outputs - targets) ** 2).mean()" in first.patch


# -- models: mended in their own lines -------------------------------------------------------------------------------


class Module(nn.Module):
    """A program of layers by name; `forward` is what the subclass writes."""

    def __init__(self, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)


class NeverFlattened(Module):
    def forward(self, x):
        return self.head(self.conv(x))


class ChannelsLast(Module):
    def forward(self, x):
        return self.conv(x)


class ConvolvedWords(Module):
    def forward(self, x):
        return self.conv(self.words(x)).mean(-1)


class NormOfSequences(Module):
    def forward(self, x):
        return self.norm(self.inner(x))


class ViewOfTheWrongSize(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.head = nn.Linear(6 * 14 * 14, 10)

    def forward(self, x):
        x = self.conv(x).view(-1, 6 * 14 * 14)
        return self.head(x)


class ViewOfSwappedAxes(Module):
    def forward(self, x):
        return self.conv(x).transpose(1, 2).view(x.size(0), -1)


class MaskOfSequences(Module):
    def forward(self, x, mask):
        scores = torch.stack([x @ x.transpose(1, 2)] * 2, 1)
        return scores.masked_fill(mask, -1e9).softmax(-1)


class WholeTable(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(1, 50, 5))

    def forward(self, x):
        return x + self.table


class WeightOfEveryStep(Module):
    def forward(self, x):
        return self.head((x * self.table).sum(1))


class DistanceToColumns(Module):
    def forward(self, x):
        return (x - self.table).square().sum(1)


class TimeMajorTable(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(50, 1, 5))

    def forward(self, x):
        return x + self.table[: x.size(1)]


class ScoresOfTwo(Module):
    def forward(self, x):
        return self.query(x) @ self.key(x)


class SkipLongerByOne(Module):
    def forward(self, x):
        skip = self.down(x)
        up = F.interpolate(F.max_pool2d(skip, 2), scale_factor=2)
        return torch.cat([skip, up], dim=1)


class ContextForEveryStep(Module):
    def forward(self, x):
        steps, last = self.rnn(x)
        return torch.cat([steps, last[-1]], dim=-1)


class WrongResidual(Module):
    def forward(self, x):
        return x + self.back(torch.relu(self.inner(x)))


class Heads(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)

    def forward(self, x):
        batch, steps, width = x.shape
        q = self.query(x).view(batch, steps, self.heads, width // self.heads).transpose(1, 2)
        return (q @ q.transpose(-2, -1)).softmax(-1)


class StateOfTheOtherAxis(Module):
    def forward(self, x):
        state = torch.zeros(1, x.size(1), 8)
        return self.rnn(x, state)[0]


class StateOfOneBatch(Module):
    def forward(self, x):
        state = torch.zeros(1, 16, 8)
        return self.rnn(x, state)[0]


class StateAlone(Module):
    def forward(self, x, h):
        h, _ = self.cell(x, h)
        return h


def gru() -> nn.GRU:
    return nn.GRU(5, 8, batch_first=True)


MODELS: list[tuple[nn.Module, tuple[torch.Tensor, ...], str, str]] = [
    (NeverFlattened(conv=nn.Conv2d(3, 6, 3), head=nn.Linear(216, 10)), (torch.randn(4, 3, 8, 8),),
     "SW101", "return self.head(self.conv(x).flatten(1))"),
    (ChannelsLast(conv=nn.Conv2d(3, 6, 3)), (torch.randn(4, 8, 8, 3),),
     "SW102", "return self.conv(x.permute(0, 3, 1, 2))"),
    (ConvolvedWords(words=nn.Embedding(30, 16), conv=nn.Conv1d(16, 8, 3)), (classes(4, 11, count=30),),
     "SW102", "return self.conv(self.words(x).transpose(1, 2)).mean(-1)"),
    (NormOfSequences(inner=nn.Linear(5, 20), norm=nn.BatchNorm1d(20)), (series(),),
     "SW103", "return self.norm(self.inner(x).transpose(1, 2)).transpose(1, 2)"),
    (ViewOfTheWrongSize(), (torch.randn(3, 3, 32, 32),),
     "SW204", "x = self.conv(x).flatten(1); self.head = nn.Linear(5400, 10)"),
    (ViewOfSwappedAxes(conv=nn.Conv1d(4, 6, 3)), (torch.randn(3, 4, 9),),
     "SW205", "return self.conv(x).transpose(1, 2).reshape(x.size(0), -1)"),
    (MaskOfSequences(), (series(), torch.rand(6, 9) > 0.5),
     "SW201", "return scores.masked_fill(mask[:, None, None], -1e9).softmax(-1)"),
    (WholeTable(), (series(),), "SW201", "return x + self.table[:, :x.size(1)]"),
    (WeightOfEveryStep(table=torch.rand(9), head=nn.Linear(5, 2)), (series(),),
     "SW201", "return self.head((x * self.table[:, None]).sum(1))"),
    (DistanceToColumns(table=torch.rand(4, 6)), (torch.randn(16, 4),),
     "SW201", "return (x.unsqueeze(-1) - self.table).square().sum(1)"),
    (TimeMajorTable(), (series(),), "SW201", "return x + self.table[: x.size(1)].squeeze(1)"),
    (ScoresOfTwo(query=nn.Linear(5, 7), key=nn.Linear(5, 7)), (series(),),
     "SW203", "return self.query(x) @ self.key(x).transpose(-2, -1)"),
    (SkipLongerByOne(down=nn.Conv2d(3, 4, 1)), (torch.randn(2, 3, 9, 13),),
     "SW202", "return torch.cat([skip[..., :up.size(-2), :up.size(-1)], up], dim=1)"),
    (ContextForEveryStep(rnn=gru()), (series(),),
     "SW202", "return torch.cat([steps, last[-1].unsqueeze(1).expand(-1, steps.size(1), -1)], dim=-1)"),
    (WrongResidual(inner=nn.Linear(5, 16), back=nn.Linear(16, 8)), (torch.randn(6, 5),),
     "SW201", "model.back = nn.Linear(16, 5)"),
    (Heads(16, 5), (torch.randn(3, 6, 16),), "SW206", "Heads(16, 4)"),
    (StateOfTheOtherAxis(rnn=gru()), (series(),), "SW104", "state = torch.zeros(1, x.size(0), 8)"),
    (StateOfOneBatch(rnn=gru()), (series(),), "SW104", "state = torch.zeros(1, x.size(0), 8)"),
    (StateAlone(cell=nn.LSTMCell(5, 8)), (torch.randn(3, 5), torch.randn(3, 8)),
     "SW105", "h, _ = self.cell(x, (h, torch.zeros_like(h)))"),
    (nn.Linear(5, 3), (torch.randn(6, 5).double(),), "SW401", "model(input.float())"),
    (nn.Embedding(10, 4), (torch.rand(3, 4) * 9,), "SW401", "model(input.long())"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "inputs", "code", "fix"), MODELS, ids=[type(row[0]).__name__ for row in MODELS])
def test_fix_of_a_model_is_one_line_that_was_run(model, inputs, code, fix):
    before = fingerprint(model)
    report = shapewidget.probe(model, inputs)
    first = report.findings[0]
    assert (first.code, first.fix, first.verified) == (code, fix, True)
    assert fingerprint(model) == before


EDITED = [row for row in MODELS if not row[3].startswith(("model", "Heads"))]


@pytest.mark.parametrize(("model", "inputs", "code", "fix"), EDITED, ids=[type(row[0]).__name__ for row in EDITED])
def test_fix_as_a_diff_holds_the_line_that_it_shows(model, inputs, code, fix):
    patch = shapewidget.probe(model, inputs).findings[0].patch
    added = [line[1:].strip() for line in patch.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert set(added) == set(fix.split("; "))


def test_first_fix_takes_what_it_explains_with_it():
    report = shapewidget.probe(Heads(16, 5), torch.randn(3, 6, 16))
    assert [it.code for it in report.findings if it.severity is Severity.MISMATCH] == ["SW206"]


# -- positions folded into the batch: told where it happens ----------------------------------------------------------


class Clips(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, (6, 3))
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.conv(x).view(-1, 8)
        return self.head(x)


class EveryStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = gru()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        steps, _ = self.rnn(x)
        return self.head(steps.reshape(-1, 8))


@pytest.mark.parametrize(
    ("model", "inputs", "operation", "said", "fix"),
    [
        (Clips(), torch.randn(5, 1, 6, 15), "view", "65 = 13 x 5",
         "x = self.conv(x).flatten(1); self.head = nn.Linear(104, 4)"),
        (EveryStep(), series(5, 13), "reshape", "65 = 13 x 5", "return self.head(steps[:, -1])"),
    ],
)  # fmt: skip
def test_fold_is_told_at_the_reshape_and_not_at_the_loss(model, inputs, operation, said, fix):
    report = shapewidget.probe(model, inputs, targets=classes(5), loss=nn.CrossEntropyLoss())
    wrong = [it for it in report.findings if it.severity is Severity.MISMATCH]
    assert [it.code for it in wrong] == ["SW303"]
    assert (wrong[0].layer, wrong[0].where, wrong[0].expected, wrong[0].got) == (operation, "function", 5, 65)
    assert said in wrong[0].reason
    assert (wrong[0].fix, wrong[0].verified) == (fix, True)


def test_time_distributed_head_that_is_undone_is_no_fold():
    class Undone(EveryStep):
        def forward(self, x):
            steps, _ = self.rnn(x)
            return self.head(steps.reshape(-1, 8)).view(x.size(0), x.size(1), 4).transpose(1, 2)

    report = shapewidget.probe(Undone(), series(5, 13), targets=classes(5, 13), loss=nn.CrossEntropyLoss())
    assert [it for it in report.findings if it.severity is not Severity.NOTE] == []
