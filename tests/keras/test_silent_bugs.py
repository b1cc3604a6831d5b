"""Keras models that compute something else than was meant are told with a fix that was run, right ones left alone."""

import pytest
from keras_alarms import alarms
from keras_silent import RIGHT, WRONG

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("names_from_the_start")]
"""Keras itself says of a softmax of one value what it is."""

UNPROVEN = ("mean_of_all_positions",)


@pytest.mark.parametrize("program", WRONG, ids=lambda program: program.__name__)
def test_silent_mistake_is_named_at_its_cause_with_a_fix_that_was_run(program):
    first = alarms(program)[0]
    assert first.layer in WRONG[program]
    if program.__name__ not in UNPROVEN:
        assert first.verified
        assert first.patch


@pytest.mark.parametrize("program", RIGHT, ids=lambda program: program.__name__)
def test_right_model_raises_no_alarm(program):
    assert not alarms(program)
