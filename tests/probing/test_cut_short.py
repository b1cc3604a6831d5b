"""An interrupt in the middle of torch's own exchange of function modes, whose traceback somebody keeps."""

import contextlib
import gc

import pytest
import torch
from torch import nn, overrides

import shapewidget
from shapewidget.errors import TimeLimitError
from shapewidget.frameworks import time_limit
from shapewidget.frameworks.cut_short import end_cut_short
from shapewidget.frameworks.torch.guard import function_modes


def cut_short(manager, error):
    """Enter it, and raise in its exit before that has begun, where it makes the error that it was to be told."""

    def interrupt():
        raise error

    manager.__enter__()
    manager.__exit__(interrupt, None, None)


class Interrupted(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        cut_short(overrides._pop_mode_temporarily(), KeyboardInterrupt)
        return self.head(x)


def probed():
    shapewidget.probe(Interrupted(), torch.randn(3, 6))


def captured():
    with shapewidget.capture():
        Interrupted()(torch.randn(3, 6))


@pytest.mark.parametrize("use", [probed, captured])
def test_no_mode_comes_back_with_the_traceback_of_an_interrupt(use):
    before = function_modes()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        use()
    assert function_modes() == before
    del interrupt
    gc.collect()
    assert function_modes() == before


@contextlib.contextmanager
def exchange(events):
    events.append("taken")
    try:
        yield
    finally:
        events.append("given back")


def test_what_was_cut_short_before_its_exit_is_ended_once():
    events = []
    with pytest.raises(KeyboardInterrupt) as raised:
        cut_short(exchange(events), KeyboardInterrupt)
    assert events == ["taken"]
    later = TimeLimitError("the time is over")
    later.__context__ = raised.value
    end_cut_short(later)
    assert events == ["taken", "given back"]
    end_cut_short(raised.value)
    assert events == ["taken", "given back"]


def test_a_limit_ends_what_it_cuts_short():
    events = []
    with pytest.raises(time_limit._OutOfTime) as raised, time_limit.limited(60):
        cut_short(exchange(events), time_limit._OutOfTime)
    assert raised.traceback
    assert events == ["taken", "given back"]
