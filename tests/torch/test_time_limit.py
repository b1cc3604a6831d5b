"""Code that takes too long is ended where that breaks nothing."""

from __future__ import annotations

import contextlib

import pytest

from shapewidget.errors import TimeLimitError
from shapewidget.frameworks.time_limit import limited

CAREFUL = compile("for _ in range(2_000_000): pass\ndone.append(True)", contextlib.__file__, "exec")


def exchange_and_loop_for_ever(done):
    exec(CAREFUL, {"done": done})
    while True:
        pass


def test_code_that_exchanges_something_comes_to_its_end_first():
    done = []
    with pytest.raises(TimeLimitError, match=r"after 0\.001 seconds"), limited(0.001):
        exchange_and_loop_for_ever(done)
    assert done == [True]


def test_code_in_time_is_left_alone():
    with limited(60):
        total = sum(range(1000))
    assert total == 499_500
