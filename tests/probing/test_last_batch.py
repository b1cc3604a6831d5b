"""Training loops that are refused at a last batch that is short, where something was made for the full ones."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget


class Training:
    """A model, and batches of 8 samples, the last of which has 5."""

    def __init__(self):
        self.model = nn.Linear(5, 3)
        self.batches = DataLoader(TensorDataset(torch.randn(29, 5)), batch_size=8, shuffle=True)


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


def full_labels(training):
    real = torch.ones(8, 3)
    for (x,) in training.batches:
        nn.functional.binary_cross_entropy_with_logits(training.model(x), real).backward()


def one_state_for_all(training):
    cell, state = nn.GRUCell(5, 5), torch.zeros(8, 5)
    for (x,) in training.batches:
        state = cell(x, state.detach())


def shape_of_a_full_batch(training):
    for (x,) in training.batches:
        training.model(x).view(8, 1, 3)


def beside_another_loader(training):
    others = DataLoader(TensorDataset(torch.randn(64, 5)), batch_size=8)
    for (x,), (other,) in zip(training.batches, others, strict=False):
        training.model(x) - training.model(other)


SHORT = {
    full_labels: "drop_last=True",
    one_state_for_all: "cell(x)",
    shape_of_a_full_batch: "view(",
    beside_another_loader: "drop_last=True",
}


@pytest.mark.parametrize(("run", "fix"), SHORT.items())
def test_what_is_made_for_full_batches_is_told_where_the_last_one_is_refused(run, fix):
    training = Training()
    with shapewidget.capture(reraise=False) as report:
        run(training)
    found = serious(report)[0]
    assert "Batch 3 is the last of the pass and has 5 samples" in found.reason
    assert fix in found.fix
    assert found.verified


def test_error_at_a_full_batch_is_not_laid_to_the_last_one():
    training = Training()
    with shapewidget.capture(reraise=False) as report:
        for (x,) in training.batches:
            training.model(x) + torch.zeros(5, 1)
    assert "last of the pass" not in serious(report)[0].reason


@pytest.mark.parametrize("rows", [None, 8])
def test_mask_of_full_batches_that_meets_a_short_one_is_told_of_the_last_batch(rows):
    data, model = TensorDataset(torch.randn(20, 3)), nn.Linear(3, 4)
    with shapewidget.capture(reraise=False) as report:
        for (x,) in DataLoader(data, batch_size=8):
            similar = model(x) @ model(x).T
            similar[~torch.eye(rows or len(x), dtype=torch.bool)].mean().backward()
    refused = [each for each in report.findings if each.severity == "mismatch"]
    if rows is None:
        assert refused == []
    else:
        assert [(each.code, each.layer, each.expected, each.got, each.verified) for each in refused] == [
            ("SW201", "index", 4, 8, True)
        ]
        assert "Batch 2 is the last of the pass and has 4 samples" in refused[0].reason


@pytest.mark.parametrize(("rest", "is_found"), [(1, True), (2, False)])
def test_axis_of_a_single_sample_that_is_squeezed_away_is_told_of_the_last_batch(rest, is_found):
    data, model = TensorDataset(torch.randn(16 + rest, 3)), nn.Linear(3, 1)
    with shapewidget.capture(reraise=False) as report:
        for (x,) in DataLoader(data, batch_size=8):
            model(x.squeeze(0)).squeeze(1).mean().backward()
    refused = [each for each in report.findings if each.severity == "mismatch"]
    assert bool(refused) == is_found
    if is_found:
        assert (refused[0].expected, refused[0].got, refused[0].verified) == (2, 1, True)
        assert "Batch 2 is the last of the pass and has 1 sample; the batches before it had 8" in refused[0].reason
