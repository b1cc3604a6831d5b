"""What runs along another axis than was meant is told at its cause, and its like that is right is left alone."""

import pytest
from keras_alarms import alarms
from keras_along_axes import RIGHT, UNPROVEN, WRONG

pytestmark = pytest.mark.usefixtures("names_from_the_start")


@pytest.mark.parametrize("name", WRONG)
def test_wrong_axis_is_told_at_its_cause_with_a_fix_that_was_run(name):
    program, code, layer = WRONG[name]
    first = alarms(program)[0]
    assert (first.code, first.layer) == (code, layer)
    assert first.verified is (name not in UNPROVEN)


@pytest.mark.parametrize("name", RIGHT)
def test_right_axis_raises_no_alarm(name):
    assert not alarms(RIGHT[name])


def test_table_of_positions_is_asked_for_without_words_of_another_framework():
    program, code, _ = WRONG["positions_of_samples_of_fixed_length"]
    (fix,) = (each.fix for each in alarms(program) if each.code == code)
    assert fix == "take one position for each of the 9 steps, as a table (1, T, 8)"
