"""Wrong programs are explained at the layer to change, and their right twins are left alone."""

import pytest
from keras_programs import BUILT, PROGRAMS

import shapewidget
from shapewidget.diagnosis.findings import Severity


def alarms(report):
    return [each for each in report.findings if each.severity is not Severity.NOTE]


def probed(program, wrong):
    model, inputs, *rest = program.make(wrong)
    targets, loss = rest or (None, None)
    return shapewidget.probe(model, inputs, targets=targets, loss=loss)


def check(report, program):
    first = alarms(report)[0]
    assert (first.code, first.layer) == (program.code, program.layer)
    said = f"{first.expected} {first.got} {first.reason}"
    assert all(size in said for size in program.sizes)
    assert first.fix


@pytest.mark.parametrize("name", PROGRAMS)
def test_probe_names_the_layer_at_fault(name):
    check(probed(PROGRAMS[name], wrong=True), PROGRAMS[name])


@pytest.mark.parametrize("name", PROGRAMS)
def test_probe_finds_nothing_in_the_right_twin(name):
    report = probed(PROGRAMS[name], wrong=False)
    assert not alarms(report)
    assert report.stopped is None


@pytest.mark.parametrize("name", BUILT)
def test_capture_names_the_layer_that_building_failed_at(name):
    with shapewidget.capture(reraise=False) as report:
        BUILT[name].make(True)
    check(report, BUILT[name])
    assert report.findings[0].source.filename.endswith("keras_programs.py")


@pytest.mark.parametrize("name", BUILT)
def test_capture_finds_nothing_where_building_works(name):
    with shapewidget.capture() as report:
        BUILT[name].make(False)
    assert not alarms(report)


def test_capture_lets_the_error_of_a_block_through():
    with pytest.raises(ValueError, match="min_ndim"), shapewidget.capture() as report:
        BUILT["channels_missing"].make(True)
    assert report.findings


@pytest.mark.parametrize("name", ["return_sequences_forgotten", "return_sequences_unwanted", "norm_of_rows"])
def test_fix_of_an_argument_is_tried_on_a_copy(name):
    assert alarms(probed(PROGRAMS[name], wrong=True))[0].verified
