"""Right programs are left alone: nothing above a note is found in any of them."""

import pytest
from keras_clean import CODE, PROGRAMS

import shapewidget
from shapewidget.diagnosis.findings import Severity


def alarms(report):
    return [(each.code, each.layer, each.reason) for each in report.findings if each.severity is not Severity.NOTE]


@pytest.mark.parametrize("name", PROGRAMS)
def test_probe_finds_nothing_in_a_right_model(name):
    model, inputs, *rest = PROGRAMS[name]()
    targets, loss = rest or (None, None)
    report = shapewidget.probe(model, inputs, targets=targets, loss=loss)
    assert alarms(report) == []
    assert report.stopped is None


@pytest.mark.parametrize("name", CODE)
def test_capture_finds_nothing_in_right_code(name):
    with shapewidget.capture() as report:
        CODE[name]()
    assert alarms(report) == []
    assert report.stopped is None
    assert report.graph.layers
