"""Gradient accumulation in captured training loops: wrong ones with the size of the effect, and many right ones."""

import itertools

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

WINDOW = 4


class Training:
    """A model, 12 batches of 8 samples, or as many as are asked for, and an optimiser."""

    def __init__(self, batches=12, rest=0, shuffle=True):
        torch.manual_seed(0)
        samples = batches * 8 + rest
        data = TensorDataset(torch.randn(samples, 5), torch.randint(0, 3, (samples,)))
        self.loader = DataLoader(data, batch_size=8, shuffle=shuffle)
        self.model, self.mean = nn.Linear(5, 3), nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def loss(self, x, y):
        return self.mean(self.model(x), y)

    def step(self):
        self.optimizer.step()
        self.optimizer.zero_grad()

    @property
    def batches(self):
        """Every batch, and whether a window ends with it."""
        return ((x, y, count % WINDOW == 0) for count, (x, y) in enumerate(self.loader, 1))


def joined(training):
    """Windows of outputs and labels that are joined; what is left over at the end is given too."""
    outputs, labels = [], []
    for x, y, is_full in training.batches:
        outputs.append(training.model(x))
        labels.append(y)
        if is_full:
            yield torch.cat(outputs), torch.cat(labels)
            outputs, labels = [], []
    if outputs:
        yield torch.cat(outputs), torch.cat(labels)


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


def captured(run, *arguments, **settings):
    training = Training(*arguments, **settings)
    with shapewidget.capture() as report:
        run(training)
    return report


# -- wrong ------------------------------------------------------------------------------------------------------------


def joined_and_divided(training):
    for outputs, labels in joined(training):
        (training.mean(outputs, labels) / WINDOW).backward()
        training.step()


def divided_twice(training):
    for x, y, is_full in training.batches:
        loss = training.loss(x, y) / WINDOW
        (loss / WINDOW).backward()
        if is_full:
            training.step()


def not_divided(training):
    for x, y, is_full in training.batches:
        training.loss(x, y).backward()
        if is_full:
            training.step()


def last_batch_alone(training):
    for x, y, is_full in training.batches:
        loss = training.loss(x, y) / WINDOW
        if is_full:
            loss.backward()
            training.step()


def cleared_in_every_batch(training):
    for x, y, is_full in training.batches:
        training.optimizer.zero_grad()
        (training.loss(x, y) / WINDOW).backward()
        if is_full:
            training.optimizer.step()


def never_cleared(training):
    for x, y, _ in training.batches:
        training.loss(x, y).backward()
        training.optimizer.step()


def window_beyond_the_epoch(training):
    for count, (x, y) in enumerate(training.loader, 1):
        (training.loss(x, y) / 16).backward()
        if count % 16 == 0:
            training.step()


def list_of_batches_not_divided(training):
    for count, (x, y) in enumerate(list(training.loader), 1):
        training.loss(x, y).backward()
        if count % WINDOW == 0:
            training.optimizer.step()
            training.optimizer.zero_grad()


def cleared_once_an_epoch(training):
    for _ in range(2):
        training.optimizer.zero_grad()
        for x, y, _ in training.batches:
            training.loss(x, y).backward()
            training.optimizer.step()


def unequal_labels(training, reduction="mean", share=WINDOW):
    """Labels of which one is left, or seven of eight, by turns."""
    loss = nn.CrossEntropyLoss(reduction=reduction)
    for count, (x, y) in enumerate(training.loader, 1):
        y[1 + 6 * (count % 2) :] = -100
        (loss(training.model(x), y) / share).backward()
        if count % WINDOW == 0:
            training.step()


WRONG = {
    unequal_labels: ("SW758", "a label of the batch of 1 counts 7.0 times as much as one of the batch of 7"),
    cleared_once_an_epoch: ("SW755", "of 24 steps, some use the sum of the gradients of up to 12"),
    list_of_batches_not_divided: ("SW752", "the gradient is 4 times that of their mean"),
    joined_and_divided: ("SW751", "the gradient is 4 times too small"),
    divided_twice: ("SW751", "the gradient is 4 times too small"),
    not_divided: ("SW752", "the gradient is 4 times that of their mean"),
    last_batch_alone: ("SW753", "the other 3 are not learned from"),
    cleared_in_every_batch: ("SW754", "the gradients of the other 3 are thrown away"),
    never_cleared: ("SW755", "the optimiser made 12 steps, and the last one used the sum"),
    window_beyond_the_epoch: ("SW756", "for a step every 16 batches, and an epoch has 12"),
}


@pytest.mark.parametrize("run", WRONG)
def test_accumulation_that_is_wrong_is_found_with_its_effect(run):
    (found,) = serious(captured(run))
    assert (found.code, found.where) == (WRONG[run][0], "loader" if run is window_beyond_the_epoch else "loss")
    assert WRONG[run][1] in found.reason
    assert found.verified == (run is not unequal_labels)
    assert found.source.label == "test_accumulation.py"
    assert "backward()" in found.source.text


# -- right ------------------------------------------------------------------------------------------------------------


def one_step_a_batch(training):
    for x, y, _ in training.batches:
        training.optimizer.zero_grad()
        training.loss(x, y).backward()
        training.optimizer.step()


def divided_once(training):
    for x, y, is_full in training.batches:
        (training.loss(x, y) / WINDOW).backward()
        if is_full:
            training.step()


def multiplied_by_a_share(training):
    for x, y, is_full in training.batches:
        training.loss(x, y).mul(1 / WINDOW).backward()
        if is_full:
            training.optimizer.step()
            training.model.zero_grad(set_to_none=False)


def joined_and_not_divided(training):
    for outputs, labels in joined(training):
        training.mean(outputs, labels).backward()
        training.step()


def summed_and_divided_by_the_samples(training):
    total = nn.CrossEntropyLoss(reduction="sum")
    for x, y, is_full in training.batches:
        (total(training.model(x), y) / (WINDOW * 8)).backward()
        if is_full:
            training.step()


def mean_of_the_losses(training):
    losses = []
    for x, y, is_full in training.batches:
        losses.append(training.loss(x, y))
        if is_full:
            torch.stack(losses).mean().backward()
            training.step()
            losses = []


def gradients_divided_before_the_step(training):
    for x, y, is_full in training.batches:
        training.loss(x, y).backward()
        if is_full:
            for weight in training.model.parameters():
                weight.grad /= WINDOW
            training.step()


def gradients_clipped(training):
    for x, y, is_full in training.batches:
        training.loss(x, y).backward()
        if is_full:
            nn.utils.clip_grad_norm_(training.model.parameters(), 0.01)
            training.step()


def two_losses_for_a_batch(training):
    for x, y, _ in training.batches:
        training.loss(x, y).backward()
        training.model(x).pow(2).mean().backward()
        training.step()


def heads_in_a_loop(training):
    for x, y, _ in training.batches:
        for shift in range(3):
            training.loss(x + shift, y).backward()
        training.step()


def half_the_loss(training):
    for x, y, _ in training.batches:
        (0.5 * training.loss(x, y)).backward()
        training.step()


def loss_with_a_penalty(training):
    for x, y, is_full in training.batches:
        loss = training.loss(x, y) + 0.01 * training.model.weight.pow(2).sum()
        (loss / WINDOW).backward()
        if is_full:
            training.step()


def last_window_weighted_rightly(training):
    total = len(training.loader)
    for count, (x, y) in enumerate(training.loader, 1):
        in_window = min(WINDOW, total - (count - 1) // WINDOW * WINDOW)
        (training.loss(x, y) / in_window).backward()
        if count % WINDOW == 0 or count == total:
            training.step()


def closure(training):
    for x, y, _ in training.batches:

        def again(x=x, y=y):
            training.optimizer.zero_grad()
            loss = training.loss(x, y)
            loss.backward()
            return loss

        training.optimizer.step(again)


def adversarial(training):
    """A generator and a critic, whose gradients meet in the critic."""
    generator = nn.Linear(2, 5)
    other = torch.optim.SGD(generator.parameters(), lr=0.1)
    for x, _, _ in training.batches:
        fake = generator(torch.randn(8, 2))
        other.zero_grad()
        (-training.model(fake).mean()).backward()
        other.step()
        training.optimizer.zero_grad()
        (training.model(fake.detach()).mean() - training.model(x).mean()).backward()
        training.optimizer.step()


def norms_without_a_step(training):
    for x, y, _ in training.batches:
        training.model.zero_grad()
        training.loss(x, y).backward()


def evaluated_between(training):
    held_out = DataLoader(training.loader.dataset, batch_size=16)
    for x, y, is_full in training.batches:
        (training.loss(x, y) / WINDOW).backward()
        if is_full:
            training.step()
            with torch.no_grad():
                for inputs, _ in held_out:
                    training.model(inputs)


def without_end(training):
    for count, (x, y) in enumerate(itertools.islice(itertools.cycle(training.loader), 16), 1):
        (training.loss(x, y) / WINDOW).backward()
        if count % WINDOW == 0:
            training.step()


def first_batch_of_a_shuffled_loader(training):
    for _ in range(4):
        x, y = next(iter(training.loader))
        training.optimizer.zero_grad()
        training.loss(x, y).backward()
        training.optimizer.step()


def tasks_of_one_batch_without_a_loader(training):
    x, y = torch.randn(8, 5), torch.zeros(8, dtype=torch.int64)
    for _ in range(5):
        for shift in range(3):
            training.loss(x + shift, y).backward()
        training.step()


def groups_of_batches(training):
    batches = iter(training.loader)
    while group := list(itertools.islice(batches, WINDOW)):
        for x, y in group:
            (training.loss(x, y) / len(group)).backward()
        training.step()


def unequal_labels_summed(training):
    unequal_labels(training, "sum", 16)


RIGHT = [
    unequal_labels_summed,
    first_batch_of_a_shuffled_loader,
    tasks_of_one_batch_without_a_loader,
    groups_of_batches,
    one_step_a_batch,
    divided_once,
    multiplied_by_a_share,
    joined_and_not_divided,
    summed_and_divided_by_the_samples,
    mean_of_the_losses,
    gradients_divided_before_the_step,
    gradients_clipped,
    two_losses_for_a_batch,
    heads_in_a_loop,
    half_the_loss,
    loss_with_a_penalty,
    last_window_weighted_rightly,
    closure,
    adversarial,
    norms_without_a_step,
    evaluated_between,
    without_end,
]


@pytest.mark.parametrize("run", RIGHT)
@pytest.mark.parametrize("batches", [12, 14])
def test_accumulation_that_is_right_is_clean(run, batches):
    assert serious(captured(run, batches, rest=3)) == []


# -- the end of an epoch ----------------------------------------------------------------------------------------------


def test_batches_that_no_step_comes_behind_are_noted():
    (note,) = captured(divided_once, 14).findings
    assert (note.code, note.expected, note.got) == ("SW757", "4 batches", "2 batches")
    assert "No step comes behind them" in note.reason


def test_outputs_that_are_left_in_a_list_are_noted():
    def kept(training):
        for outputs, labels in itertools.islice(joined(training), 3):
            training.mean(outputs, labels).backward()
            training.step()

    assert captured(kept, 14).findings == ()

    def dropped(training):
        outputs, labels = [], []
        for x, y, is_full in training.batches:
            outputs.append(training.model(x))
            labels.append(y)
            if is_full:
                training.mean(torch.cat(outputs), torch.cat(labels)).backward()
                training.step()
                outputs, labels = [], []

    (note,) = captured(dropped, 14).findings
    assert (note.code, note.got) == ("SW757", "2 batches")


def test_last_window_that_is_divided_by_the_full_count_is_noted():
    def stepped_at_the_end(training):
        divided_once(training)
        training.step()

    def stepped_in_the_loop(training):
        total = len(training.loader)
        for count, (x, y) in enumerate(training.loader, 1):
            (training.loss(x, y) / WINDOW).backward()
            if count % WINDOW == 0 or count == total:
                training.step()

    for run in (stepped_at_the_end, stepped_in_the_loop):
        (note,) = captured(run, 14).findings
        assert note.code == "SW757"
        assert "the gradient of that step is 2.0 times too small" in note.reason


def epochs_cleared_first(training):
    for _ in range(2):
        training.optimizer.zero_grad()
        for i, (x, y) in enumerate(training.loader):
            (training.loss(x, y) / WINDOW).backward()
            if (i + 1) % WINDOW == 0:
                training.step()


def test_batches_whose_gradients_are_cleared_at_the_end_of_every_epoch_are_told_with_a_step():
    (found,) = captured(epochs_cleared_first, 14, shuffle=False).findings
    assert (found.code, found.expected, found.got, found.verified) == ("SW759", "14 batches", "12 batches", True)
    assert found.fix == "if (i + 1) % WINDOW == 0 or i + 1 == len(training.loader):"
    assert "No step comes behind the last 2, 16 samples" in found.reason


def test_other_batches_in_every_epoch_are_noted():
    assert [each.code for each in captured(epochs_cleared_first, 14, shuffle=True).findings] == ["SW757"]


def test_gradients_that_go_into_the_next_epoch_are_noted():
    def carried_on(training):
        for _ in range(2):
            divided_once(training)

    assert [each.code for each in captured(carried_on, 14, shuffle=False).findings] == ["SW757"]


# -- labels -----------------------------------------------------------------------------------------------------------


def test_outputs_of_several_batches_against_the_labels_of_one_are_explained():
    training = Training()
    with shapewidget.capture(reraise=False) as report:
        outputs = []
        for x, y, is_full in training.batches:
            outputs.append(training.model(x))
            if is_full:
                training.mean(torch.cat(outputs), y).backward()
    found = report.findings[0]
    assert (found.code, found.where, found.expected, found.got) == ("SW301", "loss", 32, 8)
    assert "32 = 4 x 8: `cat`" in found.reason
    assert "torch.cat(targets)" in found.fix


# -- loaders in a loop of one's own -----------------------------------------------------------------------------------


def loaders(shuffle=False):
    return [DataLoader(TensorDataset(torch.randn(rows, 3)), 10, shuffle=shuffle) for rows in (40, 100)]


@pytest.mark.parametrize(("shuffle", "code", "severity"), [(False, "SW721", "coincidence"), (True, "SW722", "note")])
@pytest.mark.parametrize("turn", [1, -1])
def test_zip_in_a_loop_that_ends_with_the_shorter_loader_is_found(shuffle, code, severity, turn):
    with shapewidget.capture() as report:
        for (one,), (other,) in zip(*loaders(shuffle)[::turn], strict=False):
            one + other
    (found,) = report.findings
    assert (found.code, found.severity, found.expected, found.got) == (code, severity, 10, 4)


def test_loaders_that_are_read_one_after_the_other_are_clean():
    short, long = loaders()
    with shapewidget.capture() as report:
        for (one,), (other,) in zip(itertools.cycle(short), long, strict=False):
            one + other
        for _ in short:
            next(iter(long))
        for (rows,), _ in zip(long, range(4), strict=False):
            rows.sum()
    assert report.findings == ()


def test_loader_that_raises_in_a_loop_is_explained():
    class Ragged(TensorDataset):
        def __getitem__(self, index):
            return torch.zeros(3 + (index == 5))

    loader = DataLoader(Ragged(torch.zeros(12)), batch_size=4)
    with shapewidget.capture(reraise=False) as report:
        for rows in loader:
            rows.sum()
    (found,) = serious(report)
    assert (found.code, found.layer, found.expected, found.got) == ("SW711", "default_collate", 3, 4)
