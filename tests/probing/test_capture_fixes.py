"""Silent bugs of a block that was only watched: their fixes are run again on the part of it where they are made."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest
import torch
from fingerprint import fingerprint
from torch import nn
from torch.nn import functional as F

import shapewidget

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.GRU(5, 8, bidirectional=True, batch_first=True), nn.Linear(16, 1)

    def forward(self, x):
        states, _ = self.rnn(x)
        last = states[:, -1]
        return self.head(last)


def squared(outputs, targets):
    difference = outputs - targets
    return (difference**2).mean()


def steps(model, loss, count=3):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(count):
        x, y = torch.randn(6, 4), torch.randn(6)
        optimizer.zero_grad()
        outputs = model(x)
        value = loss(outputs, y)
        value.backward()
        optimizer.step()


def weighted(outputs, targets):
    weights = (targets > 0).float()
    return (F.mse_loss(outputs.squeeze(-1), targets) * weights).sum() / weights.sum()


LOSSES = {
    "a loss of the framework": (nn.MSELoss(), "SW302", "squeeze(-1)"),
    "a loss written by hand": (squared, "SW302", "difference = outputs - targets[:, None]"),
    "a lambda": (lambda outputs, targets: (outputs - targets).abs().mean(), "SW302", "targets[:, None]"),
    "weights behind the mean": (weighted, "SW307", 'reduction="none"'),
}


@pytest.mark.parametrize("name", LOSSES)
def test_fix_of_a_loss_in_a_loop_is_run(name):
    loss, code, text = LOSSES[name]
    with shapewidget.capture() as report:
        steps(nn.Linear(4, 1), loss)
    (found,) = report.findings
    assert (found.code, found.verified) == (code, True), str(report)
    assert text in found.fix
    assert "3 times" in found.reason


def test_fix_within_a_model_is_run_on_a_copy():
    model = Reader()
    with shapewidget.capture() as report:
        for _ in range(2):
            model(torch.randn(3, 7, 5))
    (found,) = report.findings
    assert (found.code, found.layer, found.verified) == ("SW605", "Reader.rnn", True)
    assert "states[:, 0, 8:]" in found.fix
    before = fingerprint(model)
    model(torch.zeros(3, 7, 5))
    assert fingerprint(model) == before


@pytest.mark.parametrize("compare", [lambda ids, rows: ids == rows, lambda ids, rows: rows.ne(ids)], ids=["eq", "ne"])
def test_ids_are_compared_with_the_ids_of_one_hot_rows(compare):
    model, x, rows = nn.Linear(5, 4), torch.randn(12, 5), F.one_hot(torch.randint(0, 4, (12,)), 4)
    with shapewidget.capture(reraise=False) as report:
        compare(model(x).argmax(1), rows).float().mean()
    (found,) = report.findings
    assert (found.code, found.verified) == ("SW201", True)
    assert "rows.argmax(-1)" in found.fix


def test_what_draws_or_counts_is_not_run_again():
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        return ((outputs - targets) ** 2).mean()

    with shapewidget.capture() as report:
        steps(nn.Linear(4, 1), loss)
    assert len(calls) == 3
    assert report.findings[0].code == "SW302"


def test_nothing_of_the_block_is_kept():
    def watched():
        model = nn.Linear(4, 1)
        with shapewidget.capture() as report:
            steps(model, nn.MSELoss())
        return weakref.ref(model), report

    kept, report = watched()
    gc.collect()
    assert report.findings
    assert kept() is None


def test_what_torch_imports_meanwhile_does_not_take_ours_for_its_own():
    program = """
import sys, torch, shapewidget
plain = torch.nn.Module.__call__
assert "torch._dynamo.utils" not in sys.modules
with shapewidget.capture():
    import torch._dynamo.utils
assert torch._dynamo.utils.unpatched_nn_module_call is plain
"""
    subprocess.run([sys.executable, "-c", program], check=True)
