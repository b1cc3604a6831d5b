"""Lines that are handed the wrong tensor of their scope: they are run again with the right one."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

X, Y = torch.randn(40, 6), torch.randint(0, 3, (40,))


def labels_of_all(model, loader):
    for x, y in loader:
        assert len(y) == 8
        nn.functional.cross_entropy(model(x), Y)


def labels_of_the_last_batch(model, loader):
    scores, truths, loss = [], [], nn.CrossEntropyLoss()
    for x, y in loader:
        scores.append(model(x))
        truths.append(y)
    return loss(torch.cat(scores), y)


def accuracy_of_the_last_batch(model, loader):
    guesses, truths = [], []
    for x, y in loader:
        guesses.append(model(x).argmax(1))
        truths.append(y)
    return (torch.cat(guesses) == y).float().mean()


def explained(run):
    model, loader = nn.Linear(6, 3), DataLoader(TensorDataset(X, Y), batch_size=8)
    with shapewidget.capture(reraise=False) as report:
        run(model, loader)
    return report.findings[0]


@pytest.mark.parametrize(
    ("run", "fix"),
    [
        (labels_of_all, "cross_entropy(model(x), y)"),
        (labels_of_the_last_batch, "loss(torch.cat(scores), torch.cat(truths))"),
        (accuracy_of_the_last_batch, "(torch.cat(guesses) == torch.cat(truths))"),
    ],
)
def test_other_tensor_of_the_scope_is_proposed_where_the_line_runs_with_it(run, fix):
    found = explained(run)
    assert fix in found.fix
    assert found.verified
    assert found.patch.startswith("--- test_wrong_names.py")


class Counted(TensorDataset):
    """How many samples were read."""

    read = 0

    def __getitem__(self, index):
        self.read += 1
        return super().__getitem__(index)


def test_loader_is_not_drawn_from_again_to_explain_a_function_that_goes_through_it():
    model, data = nn.Linear(6, 3), Counted(X, Y)
    loader = DataLoader(data, batch_size=8)
    with shapewidget.capture(reraise=False):
        labels_of_all(model, loader)
    assert data.read == 8


def test_no_other_tensor_is_proposed_where_none_fits():
    def run(model, loader):
        for x, _ in loader:
            nn.functional.cross_entropy(model(x), torch.zeros(5, dtype=torch.int64))

    found = explained(run)
    assert (found.code, found.expected, found.got, found.verified) == ("SW301", 8, 5, False)
