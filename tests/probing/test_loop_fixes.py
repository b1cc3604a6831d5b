"""Fixes of accumulation that are run on copies of a captured loop, and loops that are not run twice."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

WINDOW = 4
TOO_LONG = 16


class Program:
    """A model, 12 batches of 8 samples, and an optimiser; equal each time that it is made."""

    def __init__(self):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.2), nn.Linear(8, 3))
        self.loader = DataLoader(TensorDataset(torch.randn(96, 5), torch.arange(96) % 3), batch_size=8, shuffle=True)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.losses = []

    @property
    def weights(self):
        return torch.cat([weight.detach().flatten() for weight in self.model.parameters()])


def divided_twice(program):
    model, optimizer, loader = program.model, program.optimizer, program.loader
    for count, (x, y) in enumerate(loader, 1):
        loss = nn.functional.cross_entropy(model(x), y) / WINDOW
        loss /= WINDOW
        loss.backward()
        if count % WINDOW == 0:
            optimizer.step()
            optimizer.zero_grad()


def not_divided(program):
    criterion = nn.CrossEntropyLoss()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(program.optimizer, 0.9)
    for epoch in range(2):
        total = 0.0
        for count, (x, y) in enumerate(program.loader, 1):
            loss = criterion(program.model(x), y)
            loss.backward()
            total += loss.item()
            if count % WINDOW == 0:
                program.optimizer.step()
                program.optimizer.zero_grad()
        program.losses.append(total)
        scheduler.step()
        print(epoch, total)


def stepped_never(program):
    for count, (x, y) in enumerate(program.loader, 1):
        (nn.functional.cross_entropy(program.model(x), y) / TOO_LONG).backward()
        if count % TOO_LONG == 0:
            program.optimizer.step()
            program.optimizer.zero_grad()


def by_a_function(program):
    def learn(x, y):
        nn.functional.cross_entropy(program.model(x), y).backward()

    for x, y in program.loader:
        learn(x, y)
        program.optimizer.step()


def cleared_on_a_condition(program):
    optimizer, clears = program.optimizer, True
    optimizer.zero_grad()
    for count, (x, y) in enumerate(program.loader, 1):
        if clears:
            optimizer.zero_grad()
        (nn.functional.cross_entropy(program.model(x), y) / WINDOW).backward()
        if count % WINDOW == 0:
            optimizer.step()
            optimizer.zero_grad()


PROVEN = {
    cleared_on_a_condition: ("SW754", "-        if clears:", "it uses the last of 4 batches, 8 of 32 samples"),
    divided_twice: ("SW751", "-        loss /= WINDOW", "4.0 times larger"),
    not_divided: ("SW752", "+            (loss / WINDOW).backward()", "4.0 times smaller"),
    stepped_never: ("SW756", "+TOO_LONG = 12", "the optimiser steps"),
    by_a_function: ("SW755", "+        program.optimizer.zero_grad()", ""),
}


def captured(run, program):
    with shapewidget.capture() as report:
        run(program)
    (found,) = [finding for finding in report.findings if finding.severity != "note"]
    return found


@pytest.mark.parametrize("run", PROVEN)
def test_fix_of_a_loop_is_run_on_copies_and_told_with_what_it_does(run, capsys):
    plain = Program()
    run(plain)
    printed = capsys.readouterr().out
    state = torch.get_rng_state()
    program = Program()
    found = captured(run, program)
    code, line, effect = PROVEN[run]
    assert (found.code, found.verified) == (code, True)
    assert line in found.patch
    assert effect in found.reason
    assert torch.equal(program.weights, plain.weights)
    assert torch.equal(torch.get_rng_state(), state)
    assert program.losses == plain.losses
    assert capsys.readouterr().out == printed


def to_a_file(program, path):
    for x, y in program.loader:
        nn.functional.cross_entropy(program.model(x), y).backward()
        program.optimizer.step()
        with path.open("a") as file:
            file.write("step\n")


def to_a_checkpoint(program, path):
    for x, y in program.loader:
        nn.functional.cross_entropy(program.model(x), y).backward()
        program.optimizer.step()
        torch.save(len(x), path)


class Log:
    """Counts lines, and cannot be copied."""

    def __init__(self):
        self.lines = 0

    def __reduce__(self):
        raise TypeError("there is one log")

    def line(self):
        self.lines += 1


def to_what_cannot_be_copied(program, log):
    for x, y in program.loader:
        nn.functional.cross_entropy(program.model(x), y).backward()
        program.optimizer.step()
        log.line()


@pytest.mark.parametrize("run", [to_a_file, to_a_checkpoint, to_what_cannot_be_copied])
def test_loop_that_reaches_outside_is_not_run_again(run, tmp_path):
    path, log = tmp_path / "log", Log()
    found = captured(lambda program: run(program, log if run is to_what_cannot_be_copied else path), Program())
    assert (found.code, found.verified, found.patch) == ("SW755", False, None)
    if run is to_a_file:
        assert path.read_text() == 12 * "step\n"
    assert log.lines == (12 if run is to_what_cannot_be_copied else 0)
