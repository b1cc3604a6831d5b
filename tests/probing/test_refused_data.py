"""Data that is refused as it is put together: splits that do not add up."""

import runpy

import pytest
import torch
from torch.utils.data import TensorDataset, random_split

import shapewidget

ROWS = TensorDataset(torch.randn(50, 3))


def told(tmp_path, call):
    path = tmp_path / "split.py"
    path.write_text(
        f"import torch\nfrom torch.utils.data import random_split\ndef split(rows, train, held):\n    return {call}\n"
    )
    split = runpy.run_path(str(path))["split"]
    state = torch.get_rng_state()
    with shapewidget.capture(reraise=False) as report:
        split(ROWS, 40, 9)
    assert torch.equal(torch.get_rng_state(), state)
    return report.findings


def test_last_part_is_what_the_others_leave(tmp_path):
    (found,) = told(tmp_path, "random_split(rows, [train, held])")
    assert (found.code, found.expected, found.got, found.verified) == ("SW747", 50, 49, True)
    assert found.fix == "return random_split(rows, [train, len(rows) - train])"
    assert "40 + 9 = 49 samples of a data set of 50. 1 of them would be in no part" in found.reason


@pytest.mark.parametrize("call", ["random_split(rows, (train, held))", "random_split(rows, [*(train, held)])"])
def test_fix_is_told_in_words_where_the_last_part_is_not_in_sight(call, tmp_path):
    (found,) = told(tmp_path, call)
    assert (found.verified, found.patch) == (True, None)
    assert found.fix == "give the last part what the others leave: len(dataset) - sum(others)"


def test_parts_that_are_too_many_without_the_last_have_no_fix_that_was_run(tmp_path):
    (found,) = told(tmp_path, "random_split(rows, [train, 2 * held, held])")
    assert (found.got, found.verified, found.patch) == (67, False, None)
    assert "17 too many are asked for" in found.reason


def test_another_error_of_a_split_is_told_as_it_is():
    with shapewidget.capture(reraise=False) as report:
        random_split(ROWS, [0.5, 0.6])
    assert [each.code for each in report.findings] == ["SW901"]
