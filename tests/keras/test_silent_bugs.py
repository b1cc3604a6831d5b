"""Keras models that compute something else than was meant are told with a fix that was run, right ones left alone."""

import keras
import pytest
from keras_silent import RIGHT, WRONG

import shapewidget
from shapewidget.diagnosis.findings import Severity

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
"""Keras itself says of a softmax of one value what it is."""

UNPROVEN = ("mean_of_all_positions",)


@pytest.fixture(autouse=True)
def names_from_the_start():
    """Keras numbers the names that it makes up through the whole process."""
    keras.utils.clear_session()


def alarms(program):
    model, inputs, *rest = program()
    targets, loss = rest or (None, None)
    report = shapewidget.probe(model, inputs, targets=targets, loss=loss)
    assert report.graph.layers
    return [each for each in report.findings if each.severity is not Severity.NOTE]


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
