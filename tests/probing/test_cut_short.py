"""An interrupt in the middle of torch's own exchange of function modes, whose traceback somebody keeps."""

import contextlib
import gc
import sys

import pytest
import torch
from torch import nn, overrides

import shapewidget
from shapewidget.errors import TimeLimitError
from shapewidget.frameworks import time_limit
from shapewidget.frameworks.cut_short import end_cut_short
from shapewidget.frameworks.torch.guard import function_modes

EXIT = contextlib._GeneratorContextManager.__exit__.__code__
EXCHANGE = overrides._pop_mode_temporarily.__wrapped__.__code__


def interrupt_in_exchange(frame, event, _):
    """Raise where torch is about to put back the mode that it has taken off for one call."""
    if event == "call" and frame.f_code is EXIT and frame.f_locals["self"].gen.gi_code is EXCHANGE:
        sys.settrace(None)
        raise KeyboardInterrupt


class Interrupted(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        sys.settrace(interrupt_in_exchange)
        try:
            return self.head(x) * len(x)
        finally:
            sys.settrace(None)


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


class Exchange:
    """Something taken and given back by a context manager, which is interrupted before its exit has begun."""

    def __init__(self, error):
        self.error = error
        self.events = []

    @contextlib.contextmanager
    def made(self):
        self.events.append("taken")
        try:
            yield
        finally:
            self.events.append("given back")

    def cut_short(self):
        with self.made():
            sys.settrace(self._interrupt)

    def _interrupt(self, frame, event, _):
        if event == "call" and frame.f_code is EXIT:
            sys.settrace(None)
            raise self.error


def test_what_was_cut_short_before_its_exit_is_ended_once():
    exchange = Exchange(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt) as raised:
        exchange.cut_short()
    assert exchange.events == ["taken"]
    later = TimeLimitError("the time is over")
    later.__context__ = raised.value
    end_cut_short(later)
    assert exchange.events == ["taken", "given back"]
    end_cut_short(raised.value)
    assert exchange.events == ["taken", "given back"]


def test_a_limit_ends_what_it_cuts_short():
    exchange = Exchange(time_limit._OutOfTime)
    with pytest.raises(time_limit._OutOfTime), time_limit.limited(60):
        exchange.cut_short()
    assert exchange.events == ["taken", "given back"]
