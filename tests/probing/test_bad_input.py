"""Models that misbehave: a clear report, and the model as it was."""

from __future__ import annotations

import signal

import pytest
import torch
from fingerprint import fingerprint
from torch import nn

import shapewidget
from shapewidget.errors import InputError
from shapewidget.frameworks.torch.recorder import Recorder


class Model(nn.Module):
    """Two layers, a state of every kind, and a forward that is handed in."""

    def __init__(self, forward):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(6, 6), nn.Linear(6, 2), nn.BatchNorm1d(6)
        self.steps, self.history, self.cache, self.best = 0, [], {"rows": []}, torch.zeros(6)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def report_of(forward, **more):
    model, x = Model(forward), torch.randn(3, 6)
    before = fingerprint(model)
    report = shapewidget.probe(model, x, **more)
    assert fingerprint(model) == before
    return report


def raises(self, x):
    raise RuntimeError(f"not with {len(self.a(x))} rows")


def leaves(self, x):
    raise SystemExit(len(self.a(x)))


def calls_itself(self, x):
    return self._forward(self, self.a(x))


@pytest.mark.parametrize(
    ("forward", "text"),
    [
        (raises, "RuntimeError: not with 3 rows"),
        (leaves, "SystemExit: 3"),
        (calls_itself, "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_probe_tells_the_error_of_a_model_that_raises(forward, text):
    report = report_of(forward)
    assert [finding.code for finding in report.findings] == ["SW901"]
    assert text in report.findings[0].reason
    assert text in str(report.stopped)
    assert report.graph.by_id["a"].outputs


def test_probe_says_that_a_model_returns_nothing():
    report = report_of(lambda self, x: print(self.a(x).sum()))
    assert report.findings == ()
    assert report.notes == ("The model gave no tensor back, so that nothing can be said of its output.",)


def busy_loop(self, x):
    while len(x):
        pass


def growing_loop(self, x):
    while True:
        x = self.a(x)


@pytest.mark.parametrize("forward", [busy_loop, growing_loop])
def test_probe_ends_a_model_that_loops_for_ever(forward):
    report = report_of(lambda self, x: forward(self, self.norm(x)), time_limit=3)
    assert report.stopped == "TimeLimitError: It was still running after 3 seconds, which is its time limit."
    assert report.graph.by_id["norm"].outputs
    assert len(report.graph.layers) <= 2_001
    assert "time_limit" in report.findings[0].fix


def test_probe_ends_a_loss_that_loops_for_ever():
    report = report_of(lambda self, x: self.a(x), loss=lambda outputs, targets: busy_loop(None, outputs), time_limit=3)
    assert "3 seconds" in str(report.stopped)


def changes_itself(self, x):
    self.steps += 1
    self.history.append(x)
    self.cache["rows"].append(x)
    self.cache["last"] = x
    self.best[0] = 7.0
    self.best += x.sum()
    self.c, self.a = self.a, nn.Linear(6, 6)
    self.register_buffer("seen", x)
    self.b.weight.data = torch.zeros(2, 6)
    self.b.bias.data.fill_(3.0)
    self.norm.register_forward_hook(lambda *_: None)
    self.train()
    return self.b(self.norm(self.a(x)))


def test_probe_gives_a_model_back_that_changes_itself():
    model, x = Model(changes_itself).eval(), torch.randn(3, 6)
    before, weight = fingerprint(model), model.b.weight.data_ptr()
    assert shapewidget.probe(model, x).ok
    assert fingerprint(model) == before
    assert model.cache == {"rows": []}
    assert model.b.weight.data_ptr() == weight
    assert torch.equal(model.best, torch.zeros(6))


def test_probe_without_inputs_gives_weights_back_that_a_forward_writes_over():
    def clips(self, x):
        self.a.weight.clamp_(-0.01, 0.01)
        return self.b(self.a(x))

    model = Model(clips)
    before = fingerprint(model)
    assert shapewidget.probe(model).ok
    assert fingerprint(model) == before


def test_probe_tells_two_devices_apart():
    report = report_of(lambda self, x: self.b(self.a(x) + torch.ones(6, device="meta")))
    assert report.findings[0].code == "SW403"
    assert "meta" in report.findings[0].reason


@pytest.mark.parametrize("model", [nn.ModuleDict({"a": nn.Linear(6, 2)}), nn.ModuleList([nn.Linear(6, 2)])])
def test_probe_says_that_a_container_cannot_be_called(model):
    with pytest.raises(InputError, match="has no forward, so it cannot be called"):
        shapewidget.probe(model, torch.randn(3, 6))


class _Interrupt:
    """Interrupts at the n-th node that is recorded, by an exception or as the keyboard does."""

    def __init__(self, place, how):
        self.left, self.how = place, how

    def __call__(self, *args, **kwargs):
        self.left -= 1
        if self.left == 0:
            if self.how == "signal":
                signal.raise_signal(signal.SIGINT)
            raise KeyboardInterrupt
        return self.original(*args, **kwargs)


@pytest.mark.parametrize("how", ["exception", "signal"])
@pytest.mark.parametrize("method", ["add", "produced", "call_function"])
def test_an_interrupt_at_any_recorded_call_leaves_the_model_as_it_was(monkeypatch, method, how):
    model, x = Model(changes_itself).eval(), torch.randn(3, 6)
    before = fingerprint(model)
    for place in range(1, 40, 2):
        interrupt = _Interrupt(place, how)
        with monkeypatch.context() as patched:
            interrupt.original = getattr(Recorder, method)
            patched.setattr(Recorder, method, lambda *args, it=interrupt, **kwargs: it(*args, **kwargs))
            with pytest.raises(KeyboardInterrupt):
                shapewidget.probe(model, x)
        assert fingerprint(model) == before
