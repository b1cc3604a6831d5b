"""Warnings that PyTorch shows while a program is recorded are of the program's own lines."""

import inspect
import warnings

import pytest
import torch

import shapewidget


def column_against_row(outputs, targets):
    return torch.nn.functional.mse_loss(outputs, targets)


def line_of(function):
    return inspect.getsourcelines(function)[1] + 1


@pytest.fixture
def seen():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def test_the_captured_line_is_named_once(seen):
    with shapewidget.capture():
        column_against_row(torch.randn(4, 1), torch.randn(4))
    assert [(each.filename, each.lineno) for each in seen] == [(__file__, line_of(column_against_row))]


def test_warnings_of_the_program_are_as_they_were(seen):
    with shapewidget.capture():
        warnings.warn("mine", RuntimeWarning, stacklevel=1)
    assert [(each.filename, str(each.message), each.category) for each in seen] == [(__file__, "mine", RuntimeWarning)]


def test_the_way_they_are_shown_is_put_back():
    before = warnings.showwarning
    with pytest.raises(KeyboardInterrupt), shapewidget.capture():
        raise KeyboardInterrupt
    assert warnings.showwarning is before
