"""What probes of its models tell of a watched block: names of sizes, samples that mix, fixes that hold elsewhere."""

from __future__ import annotations

import pytest
import torch
from fingerprint import fingerprint
from torch import nn

import shapewidget
from shapewidget.probing.report import Report


class Tagger(nn.Module):
    def __init__(self, words: int = 50, emb: int = 24, hidden: int = 32, tags: int = 5, batch_first: bool = True):
        super().__init__()
        self.embed = nn.Embedding(words, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=batch_first)
        self.out = nn.Linear(hidden, tags)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.lstm(self.embed(ids))[0])


class Forgetful(Tagger):
    def __init__(self, words: int = 50, emb: int = 24, hidden: int = 32, tags: int = 5):
        super().__init__()
        self.lstm = nn.LSTM(emb, hidden)


class Classifier(nn.Module):
    def __init__(self, features: int = 7, classes: int = 4):
        super().__init__()
        self.head = nn.Linear(features, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.head(x), dim=0)


class Talking(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(7, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("forward")
        return self.head(x)


def trained(model: nn.Module) -> Report:
    """Two steps of a training loop, watched."""
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    with shapewidget.capture() as report:
        for _ in range(2):
            ids, tags = torch.randint(0, 50, (8, 11)), torch.randint(0, 5, (8, 11))
            optimiser.zero_grad()
            scores = model(ids)
            loss = criterion(scores.transpose(1, 2), tags)
            loss.backward()
            optimiser.step()
    return report


def shapes(report: Report, layer_id: str) -> list[str]:
    """The outputs of a node as they are shown."""
    return [str(spec) for spec in report.graph.by_id[layer_id].outputs]


def test_capture_names_the_sizes_of_a_model_and_of_what_is_done_with_its_outputs() -> None:
    report = trained(Tagger())
    assert report.graph.sizes["B"] == 8
    assert report.graph.sizes["hidden"] == 32
    assert shapes(report, "Tagger")[0] == "(B, T, tags)"
    assert shapes(report, "Tagger.lstm")[0] == "(B, T, hidden)"
    assert shapes(report, "transpose") == ["(B, tags, T)"]
    assert shapes(report, "randint") == ["(B, T)"]
    assert not report.findings


def test_capture_finds_what_only_other_sizes_tell_with_a_fix_that_holds_there() -> None:
    (found,) = trained(Forgetful()).findings
    assert (found.code, found.layer, found.layer_id) == ("SW503", "Forgetful.lstm", "Forgetful.lstm")
    assert found.verified
    assert found.fix == "self.lstm = nn.LSTM(emb, hidden, batch_first=True)"
    assert found.source is not None
    assert found.source.text.strip() == "self.lstm = nn.LSTM(emb, hidden)"


def test_capture_proves_the_fix_of_what_it_found_itself() -> None:
    model, x, labels = Classifier(), torch.randn(16, 7), torch.randint(0, 4, (16,))
    with shapewidget.capture() as report:
        loss = nn.functional.nll_loss(torch.log(model(x)), labels)
        loss.backward()
    (found,) = report.findings
    assert found.layer_id == "Classifier/softmax"
    assert found.verified
    assert "dim=-1" in found.fix


def test_capture_takes_no_axis_for_the_batch_where_no_loss_confirms_it() -> None:
    model = Classifier()
    with shapewidget.capture() as report:
        model(torch.randn(7)).sum().backward()
    assert report.ok


def test_capture_keeps_the_numbers_of_a_model_that_means_another_size_by_the_same_name() -> None:
    first, second = Tagger(hidden=32), Tagger(hidden=48)
    ids = torch.randint(0, 50, (8, 11))
    with shapewidget.capture() as report:
        first(ids)
        second(ids)
    assert shapes(report, "Tagger.lstm")[0] == "(B, T, hidden)"
    assert shapes(report, "Tagger (2).lstm")[0] == "(8, 11, 48)"
    assert shapes(report, "Tagger (2).out") == ["(B, T, tags)"]


def test_capture_calls_no_model_again_that_has_hooks_of_the_user() -> None:
    model, seen = Tagger(), list[torch.Size]()
    model.lstm.register_forward_hook(lambda module, args, output: seen.append(output[0].shape))
    trained(model)
    assert len(seen) == 2


def test_capture_shows_only_once_what_a_model_prints(capsys: pytest.CaptureFixture[str]) -> None:
    model = Talking()
    with shapewidget.capture() as report:
        model(torch.randn(5, 7))
    assert capsys.readouterr().out == "forward\n"
    assert shapes(report, "Talking.head") == ["(B, 3)"]


def test_capture_runs_lines_again_whose_model_is_called_like_a_method_of_every_module() -> None:
    half = nn.Sequential(nn.Linear(12, 20), nn.Tanh(), nn.Linear(20, 1))
    x, y = torch.randn(18, 12), torch.randn(18)
    with shapewidget.capture() as report:
        loss = ((half(x) - y) ** 2).mean()
        loss.backward()
    (found,) = report.findings
    assert found.code == "SW302"
    assert found.verified


class TimeMajor(nn.Module):
    def __init__(self, words: int = 40, width: int = 24) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.encoder = nn.TransformerEncoderLayer(width, 2, 48)
        self.decoder = nn.TransformerDecoderLayer(width, 2, 48)
        self.out = nn.Linear(width, words)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.out(self.decoder(self.embed(target), self.encoder(self.embed(source))))


def test_capture_says_nothing_of_the_axes_of_a_model_that_is_time_major_throughout() -> None:
    model, criterion = TimeMajor(), nn.CrossEntropyLoss()
    source, target = torch.randint(0, 40, (13, 6)), torch.randint(0, 40, (10, 6))
    with shapewidget.capture() as report:
        scores = model(source, target[:-1])
        loss = criterion(scores.reshape(-1, 40), target[1:].reshape(-1))
        loss.backward()
    assert report.ok
    assert not report.graph.sizes
    assert shapes(report, "TimeMajor") == ["(9, 6, 40)"]


class Interrupted(nn.Module):
    calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(7, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        type(self).calls += 1
        if type(self).calls > 1:
            raise KeyboardInterrupt
        return self.head(x)


def test_capture_draws_what_ran_also_where_an_interrupt_ends_the_probe_of_a_model() -> None:
    model, x = Interrupted(), torch.randn(5, 7)
    before = fingerprint(model)
    with pytest.raises(KeyboardInterrupt), shapewidget.capture() as report:
        model(x)
    assert shapes(report, "Interrupted.head") == ["(5, 3)"]
    assert fingerprint(model) == before
