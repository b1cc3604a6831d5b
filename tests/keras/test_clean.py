"""Right programs are left alone: nothing above a note is found in any of them, and each model is left as it was."""

import pytest
from keras_clean import CODE, PROGRAMS
from keras_clean_more import MORE_PROGRAMS
from keras_fingerprint import fingerprint

import shapewidget
from shapewidget.diagnosis.findings import Severity


def alarms(report):
    return [(each.code, each.layer, each.reason) for each in report.findings if each.severity is not Severity.NOTE]


EVERY = PROGRAMS | MORE_PROGRAMS


@pytest.mark.parametrize("name", EVERY)
def test_probe_finds_nothing_in_a_right_model_and_changes_nothing(name):
    model, inputs, *rest = EVERY[name]()
    targets, loss = rest or (None, None)
    before = fingerprint(model)
    report = shapewidget.probe(model, inputs, targets=targets, loss=loss)
    assert fingerprint(model) == before
    assert alarms(report) == []
    assert report.stopped is None


@pytest.mark.parametrize("name", CODE)
def test_capture_finds_nothing_in_right_code(name):
    with shapewidget.capture() as report:
        CODE[name]()
    assert alarms(report) == []
    assert report.stopped is None
    assert report.graph.layers
