"""Watched Keras and TensorFlow programs: wrong ones are explained with a fix that was run, right ones left alone."""

import keras
import pytest
from keras_right import RIGHT
from keras_wrong import WRONG

import shapewidget
from shapewidget.diagnosis.findings import Severity


@pytest.fixture(autouse=True)
def names_from_the_start():
    """Keras numbers the names that it makes up through the whole process."""
    keras.utils.clear_session()


def alarms(report):
    return [each for each in report.findings if each.severity is not Severity.NOTE]


@pytest.mark.parametrize("program", WRONG, ids=lambda program: program.__name__)
def test_mistake_is_named_at_its_cause_with_a_fix_that_was_run(program):
    with shapewidget.capture(reraise=False) as report:
        program()
    first = alarms(report)[0]
    assert first.layer in WRONG[program]
    assert first.verified
    assert first.patch


@pytest.mark.parametrize("program", RIGHT, ids=lambda program: program.__name__)
def test_right_program_raises_no_alarm(program):
    with shapewidget.capture() as report:
        program()
    assert not alarms(report)
    assert report.graph.layers
